/* Forward error correction at admission: what was lost is computed, checked like anything received, fused and counted;
 * what can't be is counted; nothing grows. Groups are made with the library's own sender functions. */
#include "tests/unit/sealed_support.h"

#include "engine/weft.h"

static struct bench bench;
enum { GROUP_MAX = 64, SIZE_MAX_ = 2048 };

static int setup(void **state) { return bench_setup(state, &bench); }

static int teardown(void **state) { return bench_teardown(state, &bench); }

/* A group as its sender sends it: k datagrams of different sizes, then m of parity. */
struct sent {
  uint32_t k, m, sensor, detections;
  uint64_t first;
  uint32_t size[GROUP_MAX];
  uint32_t count[GROUP_MAX];
  uint8_t bytes[GROUP_MAX][SIZE_MAX_];
};

static struct sent group;

/* `sensor`: BENCH_KEYED sends sealed with epoch 1, BENCH_PLAIN unsealed. */
static void group_make(struct sent *g, uint32_t sensor, uint64_t first, uint32_t k, uint32_t m) {
  struct weft_parity *parity;
  static uint8_t data[WIRE_DATAGRAM_MAX];
  *g = (struct sent){.k = k, .m = m, .sensor = sensor, .first = first};
  assert_true(k + m <= GROUP_MAX);
  assert_int_equal(weft_parity_open(k, m, &parity, NULL), 0);
  for (uint32_t i = 0; i < k + m; i++) {
    g->count[i] = i < k ? 1 + (uint32_t)(first + i) % 4 : 0;
    uint32_t size = i < k ? plain_make(data, sensor, first + i, g->count[i])
                          : (uint32_t)weft_parity_datagram(parity, i - k, data, sizeof data, bench_ids[sensor], 0, first + i, BENCH_NOW);
    assert_true(size > 0);
    if (sensor == BENCH_KEYED) size = seal_with(data, size, 1, 0x11);
    assert_true(size <= SIZE_MAX_);
    memcpy(g->bytes[i], data, size);
    g->size[i] = size;
    g->detections += g->count[i];
    if (i < k) assert_int_equal(weft_parity_put(parity, data, size), i == k - 1);
  }
  weft_parity_close(parity);
}

static enum intake_verdict give(const struct sent *g, uint32_t at) { return bench_give(&bench, g->bytes[at], g->size[at]); }

static const uint64_t *figures(uint32_t sensor) { return bench.ledger.sensors[sensor].parity; }

static void any_2_of_10_lost_are_recovered(uint32_t sensor) {
  uint64_t sequence = 1000, detections = 0, recovered = 0;
  for (uint32_t a = 0; a < 10; a++) {
    for (uint32_t b = a + 1; b < 10; b++) {
      group_make(&group, sensor, sequence, 8, 2);
      for (uint32_t i = 0; i < 10; i++)
        if (i != a && i != b) assert_int_equal(give(&group, i), INTAKE_ACCEPTED);
      sequence += 10;
      detections += group.detections;
      recovered += (uint64_t)(a < 8) + (b < 8);
      const struct ledger_sensor *row = &bench.ledger.sensors[sensor];
      if (row->detections.accepted != detections || row->parity[PARITY_RECOVERED] != recovered)
        fail_msg("lost %u and %u: %llu of %llu detections", a, b, (unsigned long long)row->detections.accepted, (unsigned long long)detections);
    }
  }
  const struct ledger_sensor *row = &bench.ledger.sensors[sensor];
  recovery_end(&bench.recovery);
  assert_int_equal(row->parity[PARITY_GROUPS_FAILED], 0);
  assert_int_equal(row->parity[PARITY_RECEIVED], row->parity[PARITY_USED] + row->parity[PARITY_UNUSED]);
  assert_int_equal(row->parity[PARITY_USED], recovered);
  /* what stays missing are the parity datagrams themselves: 2 x 1 pattern with both, 16 with one; the last number leaves no gap */
  assert_int_equal(row->sequence_gaps, 45 * 2 - recovered - 2);
  assert_int_equal(row->datagrams.received, row->datagrams.accepted);
  assert_int_equal(row->restarts, 0);
  assert_true(ledger_settle(&bench.ledger) && ledger_balanced(&bench.ledger));
}

static void any_2_of_10_lost_unsealed_are_recovered(void **state) {
  (void)state;
  any_2_of_10_lost_are_recovered(BENCH_PLAIN);
}

static void any_2_of_10_lost_sealed_are_recovered(void **state) {
  (void)state;
  any_2_of_10_lost_are_recovered(BENCH_KEYED);
}

static void a_recovered_detection_is_the_lost_one(void **state) {
  (void)state;
  group_make(&group, BENCH_KEYED, 77, 4, 1);
  for (uint32_t i = 0; i < 5; i++)
    if (i != 2) give(&group, i);
  uint32_t found = 0;
  for (uint32_t i = 0; i < bench.builder.open.count; i++) {
    if (bench.builder.open.sequence[i] != 79) continue;
    struct detection want = bench_plot(79, bench.builder.open.index[i]);
    assert_memory_equal(bench.builder.open.measure[i], want.measure, sizeof want.measure);
    assert_int_equal(bench.builder.open.time_of_ns[i], want.time_ns);
    found++;
  }
  assert_int_equal(found, group.count[2]);
  assert_int_equal(figures(BENCH_KEYED)[PARITY_DETECTIONS_RECOVERED], found);
  assert_int_equal(give(&group, 2), INTAKE_REFUSED); /* the late original */
  assert_int_equal(bench_refused(&bench, BENCH_KEYED, REFUSAL_REPLAYED), 1);
}

static void order_does_not_matter(void **state) {
  (void)state;
  struct prng prng = prng_seed(8, 0);
  uint64_t detections = 0, sequence = 5000;
  for (int turn = 0; turn < 300; turn++) {
    uint32_t sensor = turn % 2 ? BENCH_KEYED : BENCH_PLAIN, order[10];
    group_make(&group, sensor, sequence, 7, 3);
    sequence += 10;
    for (uint32_t i = 0; i < 10; i++) {
      uint32_t j = (uint32_t)prng_below(&prng, i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    for (uint32_t i = 0; i < 7; i++) { /* any seven of ten, in any order */
      assert_int_equal(give(&group, order[i]), INTAKE_ACCEPTED);
    }
    detections += group.detections;
    assert_int_equal(bench.ledger.sensors[BENCH_KEYED].detections.accepted + bench.ledger.sensors[BENCH_PLAIN].detections.accepted, detections);
  }
}

static void groups_of_which_too_much_is_lost_fail_and_are_counted(void **state) {
  (void)state;
  for (uint32_t n = 0; n < 40; n++) {
    group_make(&group, BENCH_PLAIN, 100 + 10 * n, 8, 2);
    for (uint32_t i = 3; i < 10; i++) assert_int_equal(give(&group, i), INTAKE_ACCEPTED);
  }
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_GROUPS_FAILED], 40 - RECOVERY_GROUPS);
  recovery_end(&bench.recovery);
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_GROUPS_FAILED], 40);
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_RECOVERED], 0);
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_UNUSED], 80);
  assert_int_equal(bench.ledger.sensors[BENCH_PLAIN].sequence_gaps, 3 * 39);
}

/* Figures at 30 % random loss, for the record, and what must hold of them. */
static void thirty_percent_loss_with_16_and_8(void **state) {
  (void)state;
  struct prng prng = prng_seed(30, 0);
  enum { GROUPS = 2000 };
  uint64_t sent = 0, lost = 0, due = 0, failed = 0;
  for (uint64_t n = 0; n < GROUPS; n++) {
    bool gone[24];
    uint32_t missing = 0, data_missing = 0;
    group_make(&group, BENCH_KEYED, 1 + 24 * n, 16, 8);
    for (uint32_t i = 0; i < 24; i++) {
      gone[i] = prng_uniform(&prng) < 0.3;
      missing += gone[i];
      data_missing += i < 16 && gone[i];
    }
    for (uint32_t i = 0; i < 24; i++)
      if (!gone[i]) assert_int_equal(give(&group, i), INTAKE_ACCEPTED);
    sent += 16;
    lost += data_missing;
    due += missing <= 8 ? data_missing : 0;
    failed += missing > 8 && data_missing > 0;
  }
  recovery_end(&bench.recovery);
  const uint64_t *f = figures(BENCH_KEYED);
  print_message("30 %% loss, (16, 8): %llu of %llu datagrams lost (%.2f %%), %llu recovered, %.3f %% stay lost; %llu of %d groups failed\n",
                (unsigned long long)lost, (unsigned long long)sent, 100.0 * (double)lost / (double)sent, (unsigned long long)f[PARITY_RECOVERED],
                100.0 * (double)(lost - f[PARITY_RECOVERED]) / (double)sent, (unsigned long long)f[PARITY_GROUPS_FAILED], GROUPS);
  assert_int_equal(f[PARITY_RECOVERED], due); /* everything that the code can give */
  assert_true(f[PARITY_GROUPS_FAILED] <= failed && f[PARITY_GROUPS_FAILED] > failed * 9 / 10); /* of some no parity came at all */
}

static void wrong_parity_recovers_nothing(void **state) {
  (void)state;
  group_make(&group, BENCH_PLAIN, 100, 8, 2);
  for (uint32_t i = 1; i < 8; i++) give(&group, i);
  group.bytes[8][WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE + 20] ^= 1;
  wire_crc_write(group.bytes[8], group.size[8]);
  uint64_t accepted = bench.ledger.sensors[BENCH_PLAIN].detections.accepted;
  assert_int_equal(give(&group, 8), INTAKE_ACCEPTED);
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_GROUPS_FAILED], 1);
  assert_int_equal(bench.ledger.sensors[BENCH_PLAIN].detections.accepted, accepted);
  assert_int_equal(bench.ledger.sensors[BENCH_PLAIN].datagrams.received, 8); /* what was computed was never a datagram */
  assert_int_equal(give(&group, 9), INTAKE_ACCEPTED);
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_UNUSED], 2);
}

/* Parity of another sender's datagrams, made with its own key: what it computes is no datagram of this sensor. */
static void parity_can_not_forge(void **state) {
  (void)state;
  struct weft_parity *parity;
  static uint8_t data[WIRE_DATAGRAM_MAX], forged[WIRE_DATAGRAM_MAX];
  assert_int_equal(weft_parity_open(1, 1, &parity, NULL), 0);
  uint32_t size = seal_with(forged, plain_make(forged, BENCH_KEYED, 50, 2), 1, 0x77); /* not the key */
  assert_int_equal(weft_parity_put(parity, forged, size), 1);
  size = (uint32_t)weft_parity_datagram(parity, 0, data, sizeof data, 7, 0, 51, BENCH_NOW);
  size = seal_with(data, size, 1, 0x11);
  assert_int_equal(bench_give(&bench, data, size), INTAKE_ACCEPTED);
  assert_int_equal(bench_refused(&bench, BENCH_KEYED, REFUSAL_UNAUTHENTICATED), 1);
  assert_int_equal(figures(BENCH_KEYED)[PARITY_RECOVERED], 0);
  assert_int_equal(bench.ledger.sensors[BENCH_KEYED].detections.accepted, 0);
  assert_true(bench_sealed(&bench, 50, 1)); /* its number is still free */
  weft_parity_close(parity);
}

static void odd_parity_bodies_are_malformed(void **state) {
  (void)state;
  static const struct {
    uint32_t at;
    uint8_t value;
  } odd[] = {{8, 0}, {9, 0}, {10, 2}, {8, 255}, {12, 1}, {15, 1}};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    group_make(&group, BENCH_PLAIN, 100, 4, 2);
    group.bytes[4][WIRE_HEADER_SIZE + odd[i].at] = odd[i].value;
    wire_crc_write(group.bytes[4], group.size[4]);
    assert_int_equal(give(&group, 4), INTAKE_REFUSED);
  }
  uint64_t malformed = bench_refused(&bench, BENCH_PLAIN, REFUSAL_MALFORMED) + bench_refused(&bench, BENCH_UNKNOWN, REFUSAL_MALFORMED);
  assert_int_equal(malformed, sizeof odd / sizeof *odd);
  assert_int_equal(bench.ledger.sensors[BENCH_PLAIN].datagrams.accepted, 0);
}

static void a_full_frame_delays_recovered_datagrams_and_loses_none(void **state) {
  (void)state;
  uint64_t detections = 0;
  for (uint32_t n = 0; n < 400; n++) {
    group_make(&group, BENCH_KEYED, 1 + 24 * n, 16, 8);
    for (uint32_t i = 8; i < 24; i++) give(&group, i); /* eight at once, in frames that fill up */
    detections += group.detections;
  }
  assert_int_equal(bench.ledger.sensors[BENCH_KEYED].detections.accepted, detections);
  assert_int_equal(figures(BENCH_KEYED)[PARITY_RECOVERED], 8 * 400);
  assert_true(bench.builder.number > 5);
}

static void while_recovered_datagrams_wait_for_room_nothing_is_taken(void **state) {
  (void)state;
  static uint8_t data[WIRE_DATAGRAM_MAX];
  uint64_t filler = 1;
  group_make(&group, BENCH_KEYED, 100, 4, 1);
  for (uint32_t i = 1; i < 4; i++) assert_int_equal(intake_datagram(&bench.intake, group.bytes[i], group.size[i], BENCH_NOW), INTAKE_ACCEPTED);
  while (bench.builder.open.count < BENCH_CAPACITY)
    assert_int_equal(intake_datagram(&bench.intake, data, plain_make(data, BENCH_PLAIN, filler++, 1), BENCH_NOW), INTAKE_ACCEPTED);
  assert_int_equal(intake_datagram(&bench.intake, group.bytes[4], group.size[4], BENCH_NOW), INTAKE_ACCEPTED); /* parity needs no room */
  uint32_t size = plain_make(data, BENCH_PLAIN, filler, 0);
  assert_int_equal(intake_datagram(&bench.intake, data, size, BENCH_NOW), INTAKE_CLOSE);
  intake_close_frame(&bench.intake, BENCH_NOW, 0, &bench.out);
  assert_int_equal(intake_datagram(&bench.intake, data, size, BENCH_NOW), INTAKE_ACCEPTED);
  assert_int_equal(bench.ledger.sensors[BENCH_KEYED].detections.accepted, group.detections);
  assert_int_equal(bench.builder.open.count, group.count[0]);
}

/* Of a sensor that sent no parity for long nothing is kept, but what has come is known. */
static void parity_for_what_has_come_is_unused_though_nothing_is_kept(void **state) {
  (void)state;
  uint64_t next = 1;
  while (next <= RECOVERY_PATIENCE + 1) assert_true(bench_sealed(&bench, next++, 1));
  group_make(&group, BENCH_KEYED, next, 4, 1);
  for (uint32_t i = 0; i < 5; i++) assert_int_equal(give(&group, i), INTAKE_ACCEPTED);
  assert_int_equal(figures(BENCH_KEYED)[PARITY_UNUSED], 1);
  assert_int_equal(figures(BENCH_KEYED)[PARITY_RECOVERED], 0);
}

static void a_restart_of_the_sender_begins_anew(void **state) {
  (void)state;
  group_make(&group, BENCH_PLAIN, 100000, 4, 1);
  for (uint32_t i = 0; i < 3; i++) give(&group, i);
  struct sent old = group;
  group_make(&group, BENCH_PLAIN, 5, 4, 1); /* its numbers began again */
  for (uint32_t i = 0; i < 5; i++)
    if (i != 1) assert_int_equal(give(&group, i), INTAKE_ACCEPTED);
  assert_int_equal(bench.ledger.sensors[BENCH_PLAIN].restarts, 1);
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_RECOVERED], 1);
  (void)old;
}

static void a_sensor_without_parity_is_kept_for_a_while_only(void **state) {
  (void)state;
  static uint8_t data[WIRE_DATAGRAM_MAX];
  for (uint64_t s = 1; s <= RECOVERY_PATIENCE + 100; s++) bench_give(&bench, data, plain_make(data, BENCH_PLAIN, s, 1));
  uint64_t next = RECOVERY_PATIENCE + 101;
  group_make(&group, BENCH_PLAIN, next, 4, 2);
  for (uint32_t i = 1; i < 6; i++) give(&group, i); /* its first group comes while nothing is kept */
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_RECOVERED], 0);
  group_make(&group, BENCH_PLAIN, next + 6, 4, 2);
  for (uint32_t i = 1; i < 6; i++) give(&group, i);
  assert_int_equal(figures(BENCH_PLAIN)[PARITY_RECOVERED], 1);
}

int main(void) {
#define LIVE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      LIVE(any_2_of_10_lost_unsealed_are_recovered),
      LIVE(any_2_of_10_lost_sealed_are_recovered),
      LIVE(a_recovered_detection_is_the_lost_one),
      LIVE(order_does_not_matter),
      LIVE(groups_of_which_too_much_is_lost_fail_and_are_counted),
      LIVE(thirty_percent_loss_with_16_and_8),
      LIVE(wrong_parity_recovers_nothing),
      LIVE(parity_can_not_forge),
      LIVE(odd_parity_bodies_are_malformed),
      LIVE(a_full_frame_delays_recovered_datagrams_and_loses_none),
      LIVE(while_recovered_datagrams_wait_for_room_nothing_is_taken),
      LIVE(parity_for_what_has_come_is_unused_though_nothing_is_kept),
      LIVE(a_restart_of_the_sender_begins_anew),
      LIVE(a_sensor_without_parity_is_kept_for_a_while_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

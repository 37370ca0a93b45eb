// stage: weft_ingest weft_domain weft_base weft_kernels
/* Sealed sensors at admission: what is not authentic changes a counter and nothing else; what was accepted once never is again,
 * whatever is flipped, repeated, reordered, restarted or crashed. */
#include "tests/unit/sealed_support.h"

enum { WINDOW = 4096 }; /* of the contract */
static struct bench bench;
static uint8_t bytes[WIRE_DATAGRAM_MAX];

static int setup(void **state) { return bench_setup(state, &bench); }

static int teardown(void **state) { return bench_teardown(state, &bench); }

static void keyed_sensor_is_heard_sealed_and_only_sealed(void **state) {
  (void)state;
  assert_true(bench_sealed(&bench, 5, 1));
  assert_int_equal(bench.builder.open.count, 1);
  assert_int_equal(bench.builder.open.sequence[0], 5);
  struct detection plot = bench_plot(5, 0);
  assert_memory_equal(bench.builder.open.measure[0], plot.measure, sizeof plot.measure);
  uint32_t size = plain_make(bytes, BENCH_KEYED, 6, 3);
  assert_int_equal(bench_give(&bench, bytes, size), INTAKE_REFUSED);
  assert_int_equal(bench_refused(&bench, BENCH_KEYED, REFUSAL_UNAUTHENTICATED), 1);
  assert_int_equal(bench.ledger.sensors[BENCH_KEYED].detections.refused[REFUSAL_UNAUTHENTICATED], 3);
  size = seal_with(bytes, plain_make(bytes, BENCH_PLAIN, 6, 2), 1, 0x11);
  assert_int_equal(bench_give(&bench, bytes, size), INTAKE_REFUSED);
  assert_int_equal(bench_refused(&bench, BENCH_PLAIN, REFUSAL_UNAUTHENTICATED), 1);
  size = seal_with(bytes, plain_make(bytes, BENCH_OTHER, 6, 2), 1, 0x11); /* another sensor's key */
  assert_int_equal(bench_give(&bench, bytes, size), INTAKE_REFUSED);
  assert_int_equal(bench_refused(&bench, BENCH_OTHER, REFUSAL_UNAUTHENTICATED), 1);
  assert_true(bench_sealed(&bench, 6, 1)); /* its number is still free */
  assert_true(ledger_settle(&bench.ledger) && ledger_balanced(&bench.ledger));
}

/* What a flipped bit is refused as: by the place that notices first. */
static enum refusal flip_refusal(int bit, bool repaired, uint32_t *row) {
  int byte = bit / 8;
  *row = BENCH_UNKNOWN;
  struct wire_header header;
  enum wire_verdict form = wire_header_decode(bytes, WIRE_HEADER_SIZE + 64 + WIRE_TAG_SIZE, &header);
  if (form == WIRE_MALFORMED) return REFUSAL_MALFORMED;
  for (uint32_t s = 0; s < BENCH_UNKNOWN; s++)
    if (bench_ids[s] == header.sensor) *row = s;
  if (form == WIRE_VERSION) return REFUSAL_VERSION;
  bool crc_field = byte >= WIRE_OFFSET_CRC && byte < WIRE_OFFSET_CRC + 4;
  if (!repaired || crc_field) return REFUSAL_CRC;
  return *row == BENCH_UNKNOWN ? REFUSAL_UNKNOWN_SENSOR : REFUSAL_UNAUTHENTICATED;
}

/* Each bit, with the CRC as it was and with one that fits. */
static void flipped_bits_change_a_counter_and_nothing_else(void **state) {
  (void)state;
  for (uint64_t sequence = 100; sequence < 110; sequence++) assert_true(bench_sealed(&bench, sequence, 1));
  uint64_t state_before = bench_state(&bench);
  uint32_t size = sealed_make(bytes, 110, 1, 1);
  int unauthenticated = 0;
  for (int bit = 0; bit < 8 * (int)size; bit++) {
    for (int repaired = 0; repaired < 2; repaired++) {
      bool crc_field = bit / 8 >= WIRE_OFFSET_CRC && bit / 8 < WIRE_OFFSET_CRC + 4;
      if (repaired && crc_field) continue;
      sealed_make(bytes, 110, 1, 1);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      if (repaired) wire_crc_write(bytes, size);
      uint32_t row;
      enum refusal want = flip_refusal(bit, repaired, &row);
      struct ledger before = bench.ledger;
      assert_int_equal(bench_give(&bench, bytes, size), INTAKE_REFUSED);
      before.sensors[row].datagrams.received++;
      before.sensors[row].datagrams.refused[want]++;
      bool counted = want == REFUSAL_UNAUTHENTICATED && bytes[5] == WIRE_DETECTIONS;
      before.sensors[row].detections.received += counted;
      before.sensors[row].detections.refused[want] += counted;
      unauthenticated += want == REFUSAL_UNAUTHENTICATED;
      if (memcmp(&before, &bench.ledger, sizeof before) != 0)
        fail_msg("bit %d of byte %d, CRC %s: not exactly one %s in row %u", bit % 8, bit / 8, repaired ? "repaired" : "as it was",
                 refusal_names[want], row);
      if (bench_state(&bench) != state_before) fail_msg("bit %d of byte %d changed the state", bit % 8, bit / 8);
    }
  }
  assert_true(unauthenticated > 64 * 8 + 16 * 8);
  sealed_make(bytes, 110, 1, 1);
  assert_int_equal(bench_give(&bench, bytes, size), INTAKE_ACCEPTED); /* and the hash does see what changes */
  assert_int_not_equal(bench_state(&bench), state_before);
}

static void a_flood_of_forgeries_changes_only_its_counter(void **state) {
  (void)state;
  struct prng prng = prng_seed(11, 0);
  assert_true(bench_sealed(&bench, 1000, 1));
  uint64_t state_before = bench_state(&bench);
  struct ledger before = bench.ledger;
  enum { FLOOD = 20000 };
  for (uint64_t i = 0; i < FLOOD; i++) {
    uint32_t size = plain_make(bytes, BENCH_KEYED, prng_u64(&prng), 1);
    uint16_t epoch = (uint16_t)(1 + i % 3);
    size = seal_with(bytes, size, epoch, 0x77);
    assert_int_equal(bench_give(&bench, bytes, size), INTAKE_REFUSED);
  }
  before.sensors[BENCH_KEYED].datagrams.received += FLOOD;
  before.sensors[BENCH_KEYED].datagrams.refused[REFUSAL_UNAUTHENTICATED] += FLOOD;
  before.sensors[BENCH_KEYED].detections.received += FLOOD;
  before.sensors[BENCH_KEYED].detections.refused[REFUSAL_UNAUTHENTICATED] += FLOOD;
  assert_memory_equal(&before, &bench.ledger, sizeof before);
  assert_int_equal(bench_state(&bench), state_before);
  assert_true(bench_sealed(&bench, 1001, 1));
}

static void every_datagram_replayed_is_counted_and_changes_nothing(void **state) {
  (void)state;
  enum { COUNT = 6000 };
  for (uint64_t i = 0; i < COUNT; i++) assert_true(bench_sealed(&bench, 10 + i, i % 2 ? 1 : 2));
  uint64_t state_before = bench_state(&bench);
  struct ledger before = bench.ledger;
  for (uint64_t i = 0; i < COUNT; i++) assert_false(bench_sealed(&bench, 10 + i, i % 2 ? 1 : 2));
  before.sensors[BENCH_KEYED].datagrams.received += COUNT;
  before.sensors[BENCH_KEYED].datagrams.refused[REFUSAL_REPLAYED] += COUNT;
  before.sensors[BENCH_KEYED].detections.received += COUNT;
  before.sensors[BENCH_KEYED].detections.refused[REFUSAL_REPLAYED] += COUNT;
  assert_memory_equal(&before, &bench.ledger, sizeof before);
  assert_int_equal(bench_state(&bench), state_before);
}

static void the_window_ends_where_it_says(void **state) {
  (void)state;
  const uint64_t top = 1u << 20;
  assert_true(bench_sealed(&bench, top, 1));
  assert_false(bench_sealed(&bench, top - WINDOW, 1)); /* one too old */
  assert_true(bench_sealed(&bench, top - WINDOW + 1, 1));
  assert_false(bench_sealed(&bench, top - WINDOW + 1, 1));
  assert_true(bench_sealed(&bench, top - 1, 1)); /* late, in any order */
  assert_true(bench_sealed(&bench, top + WINDOW, 1));
  assert_false(bench_sealed(&bench, top, 1));
  assert_true(bench_sealed(&bench, top + 1, 1));
  assert_true(bench_sealed(&bench, UINT64_MAX, 1)); /* however far: the sender says so */
  assert_false(bench_sealed(&bench, UINT64_MAX, 1));
  assert_false(bench_sealed(&bench, 0, 1)); /* no restart, and no wrap */
  assert_false(bench_sealed(&bench, top + 2, 1));
  assert_true(bench_sealed(&bench, UINT64_MAX - WINDOW + 1, 1));
  assert_int_equal(bench.ledger.sensors[BENCH_KEYED].restarts, 0);
  assert_int_equal(bench_refused(&bench, BENCH_KEYED, REFUSAL_REPLAYED), 6);
}

static void gaps_are_counted_and_filled(void **state) {
  (void)state;
  static const struct {
    uint64_t sequence, gaps;
  } steps[] = {{50, 0}, {51, 0}, {55, 3}, {53, 2}, {48, 3}, {49, 2}, {54, 1}, {52, 0}, {UINT64_C(1) << 40, 0}};
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
    assert_true(bench_sealed(&bench, steps[i].sequence, 1));
    assert_int_equal(bench.ledger.sensors[BENCH_KEYED].sequence_gaps, steps[i].gaps);
  }
}

static void epochs_are_valid_side_by_side_and_ordered_in_a_frame(void **state) {
  (void)state;
  assert_true(bench_sealed(&bench, 3, 2));
  assert_true(bench_sealed(&bench, 9, 1));
  assert_true(bench_sealed(&bench, 3, 1)); /* each has its own numbers */
  assert_true(bench_sealed(&bench, 1, 2));
  assert_false(bench_sealed(&bench, 4, 3));
  assert_int_equal(bench_refused(&bench, BENCH_KEYED, REFUSAL_UNAUTHENTICATED), 1);
  intake_close_frame(&bench.intake, BENCH_NOW, 0, &bench.out);
  static const uint64_t order[] = {3, 9, 1, 3};
  assert_int_equal(bench.out.count, 4);
  assert_memory_equal(bench.out.sequence, order, sizeof order);
}

static void keys_write(const char *text) { bench_key_write(&bench, "7.key", text); }

static void keys_change_without_loss_and_remember(void **state) {
  (void)state;
  char text[512];
  for (uint64_t s = 1; s <= 20; s++) assert_true(bench_sealed(&bench, s, 1));
  snprintf(text, sizeof text, "1 %s\n2 %s\n3 %s\n", bench_hex("11"), bench_hex("22"), bench_hex("33"));
  keys_write(text);
  assert_false(bench_sealed(&bench, 21, 3)); /* not read yet */
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 1);
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 0);
  assert_true(bench_sealed(&bench, 21, 3));
  assert_true(bench_sealed(&bench, 22, 1));
  assert_false(bench_sealed(&bench, 20, 1)); /* the window was kept */
  snprintf(text, sizeof text, "3 %s\n", bench_hex("33"));
  keys_write(text);
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 1);
  assert_false(bench_sealed(&bench, 23, 1));
  assert_true(bench_sealed(&bench, 23, 3));
  uint64_t unauthenticated = bench_refused(&bench, BENCH_KEYED, REFUSAL_UNAUTHENTICATED);
  assert_int_equal(unauthenticated, 2);
  snprintf(text, sizeof text, "3 %s\n7 %s\n", bench_hex("33"), bench_hex("11")); /* an old key comes back, as epoch 7 */
  keys_write(text);
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 1);
  uint32_t size = seal_with(bytes, plain_make(bytes, BENCH_KEYED, 22, 1), 7, 0x11);
  assert_int_equal(bench_give(&bench, bytes, size), INTAKE_REFUSED);
  assert_true(bench_refused(&bench, BENCH_KEYED, REFUSAL_REPLAYED) == 2);
  snprintf(text, sizeof text, "1 %s\n", bench_hex("44")); /* a new key as epoch 1 begins afresh */
  keys_write(text);
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 1);
  size = seal_with(bytes, plain_make(bytes, BENCH_KEYED, 1, 1), 1, 0x44);
  assert_int_equal(bench_give(&bench, bytes, size), INTAKE_ACCEPTED);
  keys_write("1 no key\n");
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 0); /* a bad file changes nothing */
  size = seal_with(bytes, plain_make(bytes, BENCH_KEYED, 2, 1), 1, 0x44);
  assert_int_equal(bench_give(&bench, bytes, size), INTAKE_ACCEPTED);
}

/* Many key changes: windows of keys in use are never given away. */
static void windows_of_keys_in_use_survive_a_hundred_changes(void **state) {
  (void)state;
  char text[4096];
  for (int turn = 0; turn < 100; turn++) {
    size_t used = (size_t)snprintf(text, sizeof text, "1 %s\n", bench_hex("11"));
    for (int k = 2; k <= KEY_EPOCHS_MAX; k++) {
      char digits[2 * SEAL_KEY_SIZE + 1];
      for (int d = 0; d < 2 * SEAL_KEY_SIZE; d += 4) snprintf(digits + d, 5, "%02x%02x", 0x80 | turn, k);
      used += (size_t)snprintf(text + used, sizeof text - used, "%d %s\n", k + turn * KEY_EPOCHS_MAX, digits);
    }
    keys_write(text);
    assert_int_equal(sealed_feeds_reload(&bench.feeds), 1);
    assert_true(bench_sealed(&bench, 100 + (uint64_t)turn, 1));
    assert_false(bench_sealed(&bench, 100, 1));
  }
}

static void exercise_data_takes_no_number(void **state) {
  (void)state;
  struct detection plot = bench_plot(4, 0);
  struct wire_header header = {.sensor = 7, .sequence = 4, .flags = WIRE_EXERCISE};
  uint32_t size = (uint32_t)wire_detections_encode(bytes, sizeof bytes, &header, &plot, 1);
  assert_int_equal(bench_give(&bench, bytes, seal_with(bytes, size, 1, 0x11)), INTAKE_REFUSED);
  assert_int_equal(bench_refused(&bench, BENCH_KEYED, REFUSAL_EXERCISE_MISMATCH), 1);
  assert_true(bench_sealed(&bench, 4, 1));
}

int main(void) {
#define LIVE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      LIVE(keyed_sensor_is_heard_sealed_and_only_sealed),
      LIVE(flipped_bits_change_a_counter_and_nothing_else),
      LIVE(a_flood_of_forgeries_changes_only_its_counter),
      LIVE(every_datagram_replayed_is_counted_and_changes_nothing),
      LIVE(the_window_ends_where_it_says),
      LIVE(gaps_are_counted_and_filled),
      LIVE(epochs_are_valid_side_by_side_and_ordered_in_a_frame),
      LIVE(keys_change_without_loss_and_remember),
      LIVE(windows_of_keys_in_use_survive_a_hundred_changes),
      LIVE(exercise_data_takes_no_number),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

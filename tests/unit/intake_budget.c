// stage: weft_ingest weft_domain weft_base weft_kernels
/* Budgets at admission: what one sensor brings beyond its own is refused and counted, costs others nothing, and nothing
 * but the caller's clock says how much that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/base/prng.h"
#include "engine/ingest/config.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/wire.h"

enum { CAPACITY = 8192, FLOODER = 0, OTHER = 1, SLOW = 2, RATE = 2000, DEPTH = 2 * RATE, DATAGRAM = 100 };
#define SECOND INT64_C(1000000000)
#define NOW (INT64_C(1700000000) * SECOND)
#define CLOCK (INT64_C(5000) * SECOND)

static const char site_text[] =
    "sensors:\n"
    "  - {id: 1, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}, budget_per_s: 2000}\n"
    "  - {id: 2, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}}\n"
    "  - {id: 3, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}, budget_per_s: 1}\n";

static struct site site;
static struct ledger ledger;
static struct arena arena;
static struct frame_builder builder;
static struct frame_rule rule;
static struct frame out;
static struct intake intake;
static struct detection plots[WIRE_ENTRIES_MAX];
static uint8_t bytes[WIRE_DATAGRAM_MAX];
static uint64_t sequence[3];

static void intake_begin(void) {
  memset(&ledger, 0, sizeof ledger);
  size_t size = frame_builder_bytes(CAPACITY) + frame_bytes(CAPACITY) + intake_bytes(&site);
  assert_int_equal(arena_open(&arena, size), 0);
  assert_int_equal(frame_builder_open(&builder, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&out, &arena, CAPACITY), 0);
  assert_int_equal(intake_open(&intake, &arena, &site, &ledger, &builder, SITE_TIME_LIVE, NULL), 0);
  arena_seal(&arena);
  intake.clock_ns = CLOCK;
  for (uint32_t i = 0; i < WIRE_ENTRIES_MAX; i++)
    plots[i] = (struct detection){.time_ns = NOW, .kind = KIND_POSITION, .valid = VALID_XYZ, .measure = {7e6, 1, 2, 0}};
  memset(sequence, 0, sizeof sequence);
}

static int setup(void **state) {
  (void)state;
  struct weft_error err = {""};
  if (site_parse(site_text, strlen(site_text), "site.yaml", &site, &err) < 0) fail_msg("%s", err.text);
  intake_begin();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  arena_close(&arena);
  site_free(&site);
  return 0;
}

static enum intake_verdict give(uint32_t sensor, uint32_t count, int64_t arrival_ns) {
  struct wire_header header = {.sensor = site.sensors[sensor].id, .sequence = ++sequence[sensor], .sent_ns = NOW};
  size_t size = wire_detections_encode(bytes, sizeof bytes, &header, plots, count);
  assert_true(size > 0);
  return intake_datagram(&intake, bytes, (uint32_t)size, arrival_ns);
}

/* As a server does: where there is no room and a frame can be closed, it is. */
static enum intake_verdict send(uint32_t sensor, uint32_t count) {
  enum intake_verdict verdict;
  while ((verdict = give(sensor, count, NOW)) == INTAKE_CLOSE) {
    sequence[sensor]--;
    intake_close_frame(&intake, NOW, 0, &out);
  }
  return verdict;
}

static uint64_t accepted(uint32_t sensor) { return ledger.sensors[sensor].detections.accepted; }
static uint64_t over(uint32_t sensor) { return ledger.sensors[sensor].detections.refused[REFUSAL_OVER_BUDGET]; }

static void a_flood_gets_what_its_budget_is_and_every_detection_beyond_is_counted(void **state) {
  (void)state;
  uint64_t sent = 0;
  for (int ms = 0; ms < 10000; ms += 50) { /* a hundred times the budget, for ten seconds */
    intake.clock_ns = CLOCK + ms * INT64_C(1000000);
    for (int d = 0; d < 100; d++, sent += DATAGRAM) send(FLOODER, DATAGRAM);
    assert_int_equal(send(OTHER, 3), INTAKE_ACCEPTED);
  }
  assert_int_equal(sent, 100 * RATE * 10);
  uint64_t due = DEPTH + RATE * 9950 / 1000;
  assert_true(accepted(FLOODER) <= due && accepted(FLOODER) + DATAGRAM > due);
  assert_int_equal(accepted(FLOODER) + over(FLOODER), sent);
  assert_int_equal(ledger.sensors[FLOODER].detections.received, sent);
  assert_int_equal(ledger.sensors[FLOODER].datagrams.received, sent / DATAGRAM);
  assert_int_equal(ledger.sensors[FLOODER].datagrams.refused[REFUSAL_OVER_BUDGET], over(FLOODER) / DATAGRAM);
  assert_int_equal(accepted(OTHER), 3 * 200);
  assert_int_equal(over(OTHER), 0);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

static void a_sensor_within_its_budget_is_never_refused(void **state) {
  (void)state;
  struct prng prng = prng_seed(1, 1);
  double due = DEPTH; /* tokens that a sender who knows the rule would count on */
  for (int turn = 0; turn < 20000; turn++) {
    int64_t waits_ns = (int64_t)(prng_uniform(&prng) * 1e8);
    intake.clock_ns += waits_ns;
    due += RATE * (double)waits_ns * 1e-9;
    if (due > DEPTH) due = DEPTH;
    uint32_t count = 1 + (uint32_t)prng_below(&prng, WIRE_ENTRIES_MAX);
    if (count + 0.001 > due) continue;
    due -= count;
    if (send(FLOODER, count) != INTAKE_ACCEPTED) fail_msg("refused in turn %d", turn);
  }
  assert_int_equal(over(FLOODER), 0);
  assert_true(accepted(FLOODER) > 1000000);
}

static void any_one_datagram_fits_the_smallest_budget(void **state) {
  (void)state;
  assert_int_equal(send(SLOW, WIRE_ENTRIES_MAX), INTAKE_ACCEPTED);
  assert_int_equal(send(SLOW, 1), INTAKE_REFUSED);
  intake.clock_ns += SECOND + 1000;
  assert_int_equal(send(SLOW, 1), INTAKE_ACCEPTED);
}

static void neither_arrival_nor_measurement_times_open_or_shut_the_gate(void **state) {
  (void)state;
  static const int64_t steps_ns[] = {0, 3600 * SECOND, -3600 * SECOND, SECOND, -SECOND};
  for (int d = 0; d < DEPTH / DATAGRAM; d++) {
    for (int i = 0; i < DATAGRAM; i++) plots[i].time_ns = NOW + steps_ns[d % 5];
    assert_int_equal(give(FLOODER, DATAGRAM, NOW + steps_ns[d % 5]), INTAKE_ACCEPTED);
  }
  for (int s = 0; s < 5; s++) assert_int_equal(give(FLOODER, 1, NOW + steps_ns[s]), INTAKE_REFUSED);
  intake.clock_ns += SECOND / 10;
  for (int s = 0; s < 5; s++) assert_int_equal(give(FLOODER, 1, NOW + steps_ns[s]), INTAKE_ACCEPTED);
}

static void what_is_over_is_not_looked_into_and_its_number_has_come(void **state) {
  (void)state;
  for (int d = 0; d < DEPTH / DATAGRAM; d++) send(FLOODER, DATAGRAM);
  plots[0].measure[0] = (double)NAN;
  assert_int_equal(send(FLOODER, DATAGRAM), INTAKE_REFUSED);
  assert_int_equal(over(FLOODER), DATAGRAM);
  assert_int_equal(ledger.sensors[FLOODER].detections.refused[REFUSAL_NOT_FINITE], 0);
  intake.clock_ns += SECOND;
  sequence[FLOODER]--;
  assert_int_equal(send(FLOODER, DATAGRAM), INTAKE_REFUSED); /* there are tokens again, but this very one has come */
  assert_int_equal(ledger.sensors[FLOODER].datagrams.refused[REFUSAL_DUPLICATE], 1);
  plots[0].measure[0] = 7e6;
  assert_int_equal(send(FLOODER, DATAGRAM), INTAKE_ACCEPTED);
  assert_int_equal(ledger.sensors[FLOODER].sequence_gaps, 0);
}

static void what_is_refused_for_other_reasons_costs_all_the_same(void **state) {
  (void)state;
  for (int i = 0; i < DATAGRAM; i++) plots[i].measure[0] = (double)NAN;
  for (int d = 0; d < DEPTH / DATAGRAM; d++) assert_int_equal(send(FLOODER, DATAGRAM), INTAKE_ACCEPTED);
  assert_int_equal(send(FLOODER, DATAGRAM), INTAKE_REFUSED);
  assert_int_equal(ledger.sensors[FLOODER].detections.refused[REFUSAL_NOT_FINITE], DEPTH);
  assert_int_equal(over(FLOODER), DATAGRAM);
}

static void floods_of_states_and_of_empty_datagrams_are_bounded_too(void **state) {
  (void)state;
  static struct sensor_state states[DATAGRAM];
  for (int i = 0; i < DATAGRAM; i++) states[i] = (struct sensor_state){.time_ns = NOW, .position_m = {7e6, 0, 0}};
  for (int d = 0; d < 60; d++) {
    struct wire_header header = {.sensor = 1, .sequence = ++sequence[FLOODER], .sent_ns = NOW};
    size_t size = wire_states_encode(bytes, sizeof bytes, &header, states, DATAGRAM);
    while (intake_datagram(&intake, bytes, (uint32_t)size, NOW) == INTAKE_CLOSE)
      intake_close_frame(&intake, NOW, 0, &out);
  }
  assert_int_equal(ledger.sensors[FLOODER].states, DEPTH);
  assert_int_equal(ledger.sensors[FLOODER].states_refused, 60 * DATAGRAM - DEPTH);
  intake.clock_ns += SECOND / 2;
  for (int d = 0; d < RATE; d++) send(FLOODER, 0);
  assert_int_equal(ledger.sensors[FLOODER].datagrams.refused[REFUSAL_OVER_BUDGET], 20 + RATE / 2);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

static void recordings_know_no_budget(void **state) {
  (void)state;
  rule = frame_rule_begin(5000000);
  intake.rule = &rule;
  intake.time = SITE_TIME_RECORDED;
  intake.clock_ns = 0; /* nobody tells one */
  intake.crowded = true;
  for (int d = 0; d < 2 * CAPACITY; d++) {
    struct detection plot = plots[0];
    plot.sensor = SLOW;
    while (intake_detection(&intake, &plot, INTAKE_MODE_ANY, NULL, 0) == INTAKE_CLOSE)
      intake_close_frame(&intake, intake.close_ns, 0, &out);
  }
  assert_int_equal(accepted(SLOW), 2 * CAPACITY);
}

static void a_sensor_without_a_budget_is_bounded_by_nothing(void **state) {
  (void)state;
  arena_close(&arena);
  site.sensors[SLOW].budget_per_s = 0;
  intake_begin();
  for (int d = 0; d < 200; d++) assert_int_equal(send(SLOW, DATAGRAM), INTAKE_ACCEPTED);
  assert_int_equal(accepted(SLOW), 200 * DATAGRAM);
}

static void plots_without_a_datagram_of_ours_have_a_budget_too(void **state) {
  (void)state;
  struct detection plot = plots[0];
  plot.sensor = FLOODER;
  plot.arrival_ns = NOW;
  for (int d = 0; d < DEPTH; d++)
    assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_ANY, NULL, 0), INTAKE_ACCEPTED);
  assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_ANY, NULL, 0), INTAKE_REFUSED);
  assert_int_equal(over(FLOODER), 1);
  assert_int_equal(accepted(FLOODER), DEPTH);
}

/* The engine is behind and both sensors have budgets that let them bring more than a frame holds. */
static void a_crowded_frame_is_never_filled_by_one_sensor_nor_by_two(void **state) {
  (void)state;
  intake.crowded = true;
  for (int s = 0; s < 1000; s++) {
    intake.clock_ns += SECOND;
    assert_int_not_equal(give(FLOODER, DATAGRAM, NOW), INTAKE_CLOSE);
  }
  uint32_t held = builder.open.count;
  assert_true(held <= CAPACITY / 8 * INTAKE_SHARE && held + DATAGRAM > CAPACITY / 8 * INTAKE_SHARE);
  for (int d = 0; d < 50; d++) assert_int_equal(give(SLOW, 1, NOW), INTAKE_ACCEPTED); /* room is left for the small one */
  for (int s = 0; s < 1000; s++) assert_int_not_equal(give(OTHER, DATAGRAM, NOW), INTAKE_CLOSE);
  assert_true(accepted(OTHER) > 800 && over(OTHER) > 0);
  assert_int_equal(give(SLOW, 1, NOW), INTAKE_ACCEPTED);
  assert_true(builder.open.count < CAPACITY);

  intake.crowded = false; /* nobody has to wait: the frame is closed and all fit again */
  intake.clock_ns += SECOND;
  assert_int_equal(send(FLOODER, WIRE_ENTRIES_MAX), INTAKE_ACCEPTED);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

/* It was nearly full when the engine fell behind. */
static void a_crowded_frame_without_room_takes_what_fits_only(void **state) {
  (void)state;
  for (uint32_t left = CAPACITY - 50; left > 0;) {
    uint32_t count = left < 500 ? left : 500;
    assert_int_equal(give(OTHER, count, NOW), INTAKE_ACCEPTED);
    left -= count;
  }
  intake.crowded = true;
  assert_int_equal(give(FLOODER, 51, NOW), INTAKE_REFUSED);
  assert_int_equal(over(FLOODER), 51);
  assert_int_equal(give(SLOW, 1, NOW), INTAKE_ACCEPTED);
}

static void states_fill_a_crowded_frame_no_more_than_detections_do(void **state) {
  (void)state;
  static struct sensor_state states[DATAGRAM];
  for (int i = 0; i < DATAGRAM; i++) states[i] = (struct sensor_state){.time_ns = NOW, .position_m = {7e6, 0, 0}};
  intake.crowded = true;
  for (int d = 0; d < 30; d++) {
    struct wire_header header = {.sensor = 2, .sequence = ++sequence[OTHER], .sent_ns = NOW};
    size_t size = wire_states_encode(bytes, sizeof bytes, &header, states, DATAGRAM);
    assert_int_not_equal(intake_datagram(&intake, bytes, (uint32_t)size, NOW), INTAKE_CLOSE);
  }
  assert_true(ledger.sensors[OTHER].states_refused > 0 && builder.open.state_count < FRAME_STATES_MAX);
  assert_int_equal(ledger.sensors[OTHER].states + ledger.sensors[OTHER].states_refused, 30 * DATAGRAM);
}

int main(void) {
  log_level_set(0); /* refusals over budget are said */
#define BUDGET(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      BUDGET(a_flood_gets_what_its_budget_is_and_every_detection_beyond_is_counted),
      BUDGET(a_sensor_within_its_budget_is_never_refused),
      BUDGET(any_one_datagram_fits_the_smallest_budget),
      BUDGET(neither_arrival_nor_measurement_times_open_or_shut_the_gate),
      BUDGET(what_is_over_is_not_looked_into_and_its_number_has_come),
      BUDGET(what_is_refused_for_other_reasons_costs_all_the_same),
      BUDGET(floods_of_states_and_of_empty_datagrams_are_bounded_too),
      BUDGET(recordings_know_no_budget),
      BUDGET(a_sensor_without_a_budget_is_bounded_by_nothing),
      BUDGET(plots_without_a_datagram_of_ours_have_a_budget_too),
      BUDGET(a_crowded_frame_is_never_filled_by_one_sensor_nor_by_two),
      BUDGET(a_crowded_frame_without_room_takes_what_fits_only),
      BUDGET(states_fill_a_crowded_frame_no_more_than_detections_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_ingest weft_domain weft_base weft_kernels
/* Admission: each reason of the contract refuses what it should, is counted exactly, and disturbs nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/ingest/config.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/wire.h"

enum { CAPACITY = 2048, RADAR = 0, RADAR2D = 1, LOS = 2, POSITION = 3, KEYED = 4, OFFSET = 5, LATE = 6, UNKNOWN = 7 };
#define SECOND INT64_C(1000000000)
#define NOW (INT64_C(1700000000) * SECOND)

static const char site_text[] =
    "sensors:\n"
    "  - {id: 900, kind: radar, position: {lat_deg: 1, lon_deg: 2, height_m: 3},\n"
    "     sigma: {range_m: 50, azimuth_rad: 0.002, elevation_rad: 0.002}}\n"
    "  - {id: 20, kind: radar2d, position: {lat_deg: 1, lon_deg: 2, height_m: 3},\n"
    "     sigma: {range_m: 50, azimuth_rad: 0.002}}\n"
    "  - {id: 500, kind: los, position: {lat_deg: 1, lon_deg: 2, height_m: 3},\n"
    "     sigma: {azimuth_rad: 0.002, elevation_rad: 0.002}}\n"
    "  - {id: 4, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 10}}\n"
    "  - {id: 300, kind: radar, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, key: k,\n"
    "     sigma: {range_m: 50, azimuth_rad: 0.002, elevation_rad: 0.002}}\n"
    "  - {id: 600, kind: radar, position: {lat_deg: 1, lon_deg: 2, height_m: 3},\n"
    "     registration: {range_m: 100, azimuth_rad: 0.5, elevation_rad: 0.1, time_s: 0.25},\n"
    "     sigma: {range_m: 50, azimuth_rad: 0.002, elevation_rad: 0.002, range_rate_mps: 3}}\n"
    "  - {id: 601, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, registration: {time_s: 0.25}, sigma: {x_m: 10}}\n";
static const uint32_t ids[] = {900, 20, 500, 4, 300, 600, 601, 77777};

static struct site site;
static struct ledger ledger;
static struct arena arena;
static struct frame_builder builder;
static struct frame_rule rule;
static struct frame out;
static struct intake intake;
static uint8_t bytes[WIRE_DATAGRAM_MAX];
static uint64_t sequence;

static int intake_begin(enum site_time time, bool with_rule) {
  struct weft_error err = {""};
  if (site_parse(site_text, strlen(site_text), "site.yaml", &site, &err) < 0) fail_msg("%s", err.text);
  memset(&ledger, 0, sizeof ledger);
  size_t size = frame_builder_bytes(CAPACITY) + frame_bytes(CAPACITY) + intake_bytes(&site);
  assert_int_equal(arena_open(&arena, size), 0);
  assert_int_equal(frame_builder_open(&builder, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&out, &arena, CAPACITY), 0);
  rule = frame_rule_begin(5000000);
  assert_int_equal(intake_open(&intake, &arena, &site, &ledger, &builder, time, with_rule ? &rule : NULL), 0);
  arena_seal(&arena);
  sequence = 1000;
  return 0;
}
static int setup_live(void **state) { return (void)state, intake_begin(SITE_TIME_LIVE, false); }
static int setup_recorded(void **state) { return (void)state, intake_begin(SITE_TIME_RECORDED, true); }
static int teardown(void **state) {
  (void)state;
  arena_close(&arena);
  site_free(&site);
  return 0;
}

static struct detection radar_plot(void) {
  return (struct detection){.time_ns = NOW, .kind = KIND_RADAR, .valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION,
                            .measure = {50000, 1, 0.2, 0}};
}

static uint32_t encode(uint32_t sensor, uint16_t flags, const struct detection *detections, uint32_t count) {
  struct wire_header header = {.sensor = ids[sensor], .flags = flags, .sequence = sequence++, .sent_ns = NOW};
  size_t size = wire_detections_encode(bytes, sizeof bytes, &header, detections, count);
  assert_true(size > 0);
  return (uint32_t)size;
}

static void crc_repair(uint32_t size) {
  memset(bytes + 36, 0, 4);
  uint32_t crc = wire_crc32c(0, bytes, size);
  memcpy(bytes + 36, &crc, 4);
}

static enum intake_verdict send(uint32_t sensor, const struct detection *detections, uint32_t count) {
  uint32_t size = encode(sensor, 0, detections, count);
  return intake_datagram(&intake, bytes, size, NOW);
}

/* The row of `sensor` holds exactly this; every other row is empty; the books balance. */
static void expect_row(uint32_t sensor, uint64_t datagrams, uint64_t datagrams_accepted, uint64_t detections,
                       uint64_t accepted) {
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
  for (uint32_t i = 0; i <= UNKNOWN; i++) {
    const struct ledger_sensor *row = &ledger.sensors[i];
    assert_int_equal(row->datagrams.received, i == sensor ? datagrams : 0);
    assert_int_equal(row->datagrams.accepted, i == sensor ? datagrams_accepted : 0);
    assert_int_equal(row->detections.received, i == sensor ? detections : 0);
    assert_int_equal(row->detections.accepted, i == sensor ? accepted : 0);
  }
  assert_int_equal(builder.open.count, accepted);
}

/* One datagram of three plots, of which the middle one is `odd`: that one is refused for `refusal`, the others kept. */
static void expect_entry_refused(uint32_t sensor, const struct detection *good, const struct detection *odd,
                                 enum refusal refusal) {
  void *state = NULL;
  const struct detection plots[3] = {*good, *odd, *good};
  assert_int_equal(send(sensor, plots, 3), INTAKE_ACCEPTED);
  expect_row(sensor, 1, 1, 3, 2);
  assert_int_equal(ledger.sensors[sensor].detections.refused[refusal], 1);
  assert_int_equal(builder.open.index[0], 0);
  assert_int_equal(builder.open.index[1], 2);
  teardown(&state);
  setup_live(&state);
}

static void intake_accepts_each_kind_from_its_sensor(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  assert_int_equal(send(RADAR, &plot, 1), INTAKE_ACCEPTED);
  plot = (struct detection){.time_ns = NOW, .kind = KIND_RADAR2D, .valid = VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT,
                            .measure = {50000, 1, 9000, 0}};
  assert_int_equal(send(RADAR2D, &plot, 1), INTAKE_ACCEPTED);
  plot = (struct detection){.time_ns = NOW, .kind = KIND_LOS, .valid = VALID_AZIMUTH | VALID_ELEVATION | VALID_SNR,
                            .snr_db = 12, .measure = {0, 1, -0.5, 0}};
  assert_int_equal(send(LOS, &plot, 1), INTAKE_ACCEPTED);
  plot = (struct detection){.time_ns = NOW, .kind = KIND_POSITION, .valid = VALID_XYZ, .measure = {6.5e6, 1, 2, 0}};
  assert_int_equal(send(POSITION, &plot, 1), INTAKE_ACCEPTED);
  assert_int_equal(builder.open.count, 4);
  for (uint32_t i = 0; i < 4; i++) {
    assert_int_equal(builder.open.sensor[i], i);
    assert_int_equal(builder.open.sequence[i], 1000 + i);
    assert_int_equal(builder.open.arrival_ns[i], NOW);
    assert_int_equal(ledger.sensors[i].detections.accepted, 1);
  }
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

static void malformed_datagrams_count_to_the_unknown_row(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  uint32_t size = encode(RADAR, 0, &plot, 1);
  assert_int_equal(intake_datagram(&intake, bytes, 0, NOW), INTAKE_REFUSED);
  assert_int_equal(intake_datagram(&intake, bytes, WIRE_HEADER_SIZE - 1, NOW), INTAKE_REFUSED);
  assert_int_equal(intake_datagram(&intake, bytes, size - 1, NOW), INTAKE_REFUSED);
  bytes[5] = 9; /* type */
  crc_repair(size);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_REFUSED);
  expect_row(UNKNOWN, 4, 0, 0, 0);
  assert_int_equal(ledger.sensors[UNKNOWN].datagrams.refused[REFUSAL_MALFORMED], 4);
}

static void another_version_is_refused_as_version(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  uint32_t size = encode(RADAR, 0, &plot, 1);
  bytes[4] = 2;
  crc_repair(size);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_REFUSED);
  expect_row(RADAR, 1, 0, 0, 0);
  assert_int_equal(ledger.sensors[RADAR].datagrams.refused[REFUSAL_VERSION], 1);
}

static void unknown_sensor_counts_no_detections(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  assert_int_equal(send(UNKNOWN, &plot, 1), INTAKE_REFUSED);
  expect_row(UNKNOWN, 1, 0, 0, 0);
  assert_int_equal(ledger.sensors[UNKNOWN].datagrams.refused[REFUSAL_UNKNOWN_SENSOR], 1);
}

static void every_flipped_bit_is_refused(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  uint32_t size = encode(RADAR, 0, &plot, 1);
  for (uint32_t bit = 0; bit < size * 8; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_REFUSED);
    bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  assert_int_equal(builder.open.count, 0);
  assert_true(ledger_balanced(&ledger));
  assert_true(ledger.sensors[RADAR].datagrams.refused[REFUSAL_CRC] > 64 * 8);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_ACCEPTED);
  assert_int_equal(ledger.sensors[RADAR].sequence_gaps + ledger.sensors[RADAR].restarts, 0);
}

static void unsealed_data_of_a_sensor_with_a_key_is_unauthenticated(void **state) {
  (void)state;
  struct detection plots[2] = {radar_plot(), radar_plot()};
  assert_int_equal(send(KEYED, plots, 2), INTAKE_REFUSED);
  expect_row(KEYED, 1, 0, 2, 0);
  assert_int_equal(ledger.sensors[KEYED].datagrams.refused[REFUSAL_UNAUTHENTICATED], 1);
  assert_int_equal(ledger.sensors[KEYED].detections.refused[REFUSAL_UNAUTHENTICATED], 2);
}

static void sealed_data_is_unauthenticated(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  uint32_t size = encode(RADAR, 0, &plot, 1), body = WIRE_ENTRY_SIZE + WIRE_TAG_SIZE;
  bytes[6] |= WIRE_SEALED;
  memset(bytes + size, 0, WIRE_TAG_SIZE);
  memcpy(bytes + 32, &body, 4);
  size += WIRE_TAG_SIZE;
  crc_repair(size);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_REFUSED);
  expect_row(RADAR, 1, 0, 1, 0);
  assert_int_equal(ledger.sensors[RADAR].datagrams.refused[REFUSAL_UNAUTHENTICATED], 1);
}

static void exercise_and_live_never_mix(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  uint32_t size = encode(RADAR, WIRE_EXERCISE, &plot, 1);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_REFUSED);
  expect_row(RADAR, 1, 0, 1, 0);
  assert_int_equal(ledger.sensors[RADAR].datagrams.refused[REFUSAL_EXERCISE_MISMATCH], 1);
  site.exercise = true;
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_ACCEPTED); /* it left no trace in the window */
  assert_int_equal(send(RADAR, &plot, 1), INTAKE_REFUSED);
  assert_int_equal(ledger.sensors[RADAR].detections.refused[REFUSAL_EXERCISE_MISMATCH], 2);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

static void duplicates_gaps_and_restarts_are_counted(void **state) {
  (void)state;
  struct detection plots[2] = {radar_plot(), radar_plot()};
  const struct ledger_sensor *row = &ledger.sensors[RADAR];
  uint32_t size = encode(RADAR, 0, plots, 2);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_ACCEPTED);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW + 5), INTAKE_REFUSED);
  expect_row(RADAR, 2, 1, 4, 2);
  assert_int_equal(row->datagrams.refused[REFUSAL_DUPLICATE], 1);
  assert_int_equal(row->detections.refused[REFUSAL_DUPLICATE], 2);
  sequence = 1005;
  assert_int_equal(send(RADAR, plots, 1), INTAKE_ACCEPTED);
  assert_int_equal(row->sequence_gaps, 4);
  sequence = 1003;
  assert_int_equal(send(RADAR, plots, 1), INTAKE_ACCEPTED);
  assert_int_equal(row->sequence_gaps, 3);
  sequence = 1;
  plots[0].snr_db = 3, plots[0].valid |= VALID_SNR;
  sequence = 1000; /* a number again with other content */
  assert_int_equal(send(RADAR, plots, 1), INTAKE_ACCEPTED);
  assert_int_equal(row->restarts, 1);
  expect_row(RADAR, 5, 4, 7, 5);
  intake_close_frame(&intake, NOW, 0, &out);
  const uint64_t expected[5] = {1000, 1000, 1003, 1005, 1000}; /* the restart comes last */
  for (uint32_t i = 0; i < 5; i++) assert_int_equal(out.sequence[i], expected[i]);
}

static void entries_are_refused_one_by_one(void **state) {
  (void)state;
  const struct detection good = radar_plot();
  struct detection odd = good;
  odd.valid &= (uint16_t)~VALID_ELEVATION;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_MALFORMED);
  odd = good, odd.kind = KIND_RADAR2D; /* not this sensor's kind */
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_MALFORMED);
  odd = good, odd.measure[MEASURE_AZIMUTH] = NAN;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_NOT_FINITE);
  odd = good, odd.measure[MEASURE_RANGE] = INFINITY;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_NOT_FINITE);
  odd = good, odd.measure[MEASURE_RANGE] = -1;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_OUT_OF_RANGE);
  odd = good, odd.measure[MEASURE_RANGE] = 1.01e8;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_OUT_OF_RANGE);
  odd = good, odd.measure[MEASURE_AZIMUTH] = 6.3;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_OUT_OF_RANGE);
  odd = good, odd.measure[MEASURE_ELEVATION] = 1.6;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_OUT_OF_RANGE);
  odd = good, odd.valid |= VALID_SIGMAS, odd.sigma[0] = 2e6f; /* no believable sigma */
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_OUT_OF_RANGE);
  odd = good, odd.valid |= VALID_SIGMAS, odd.sigma[0] = 2e-4f;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_OUT_OF_RANGE);
  odd = good, odd.time_ns = NOW - 10 * SECOND - 1;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_STALE);
  odd = good, odd.time_ns = NOW + SECOND + 1;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_FUTURE);
  odd = good, odd.time_ns = INT64_MIN;
  expect_entry_refused(RADAR, &good, &odd, REFUSAL_OUT_OF_RANGE);
  struct detection place = {.time_ns = NOW, .kind = KIND_POSITION, .valid = VALID_XYZ, .measure = {6.5e6, 0, 0, 0}};
  odd = place, odd.measure[0] = 5e6;
  expect_entry_refused(POSITION, &place, &odd, REFUSAL_OUT_OF_RANGE);
}

static void age_limits_are_inclusive(void **state) {
  (void)state;
  struct detection plots[2] = {radar_plot(), radar_plot()};
  plots[0].time_ns = NOW - 10 * SECOND;
  plots[1].time_ns = NOW + SECOND;
  send(RADAR, plots, 2);
  expect_row(RADAR, 1, 1, 2, 2);
}

static void a_datagram_whose_entries_are_all_refused_is_accepted(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  plot.time_ns = 0;
  assert_int_equal(send(RADAR, &plot, 1), INTAKE_ACCEPTED);
  expect_row(RADAR, 1, 1, 1, 0);
}

static void a_full_frame_loses_nothing(void **state) {
  (void)state;
  static struct detection plots[WIRE_ENTRIES_MAX];
  for (uint32_t i = 0; i < WIRE_ENTRIES_MAX; i++) plots[i] = radar_plot();
  send(RADAR, plots, WIRE_ENTRIES_MAX);
  send(RADAR, plots, WIRE_ENTRIES_MAX);
  uint32_t size = encode(RADAR, 0, plots, 3); /* 2 left */
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_CLOSE);
  expect_row(RADAR, 2, 2, 2 * WIRE_ENTRIES_MAX, 2 * WIRE_ENTRIES_MAX);
  intake_close_frame(&intake, NOW, 0, &out);
  assert_int_equal(out.count, 2 * WIRE_ENTRIES_MAX);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_ACCEPTED);
  assert_int_equal(builder.open.count, 3);
  assert_int_equal(ledger.sensors[RADAR].detections.accepted, 2 * WIRE_ENTRIES_MAX + 3);
}

static void registration_is_subtracted_and_wrapped(void **state) {
  (void)state;
  struct detection plots[3] = {radar_plot(), radar_plot(), radar_plot()};
  plots[0].measure[MEASURE_AZIMUTH] = -3;
  plots[0].measure[MEASURE_RANGE_RATE] = 7, plots[0].valid |= VALID_RANGE_RATE;
  plots[1].measure[MEASURE_RANGE] = 99;      /* corrected: below 0 */
  plots[2].measure[MEASURE_ELEVATION] = -1.5; /* corrected: beyond the nadir */
  send(OFFSET, plots, 3);
  expect_row(OFFSET, 1, 1, 3, 1);
  assert_int_equal(ledger.sensors[OFFSET].detections.refused[REFUSAL_OUT_OF_RANGE], 2);
  assert_true(builder.open.measure[0][MEASURE_RANGE] == 49900);
  assert_true(fabs(builder.open.measure[0][MEASURE_AZIMUTH] - (2 * M_PI - 3.5)) < 1e-15);
  assert_true(builder.open.measure[0][MEASURE_ELEVATION] == 0.2 - 0.1);
  assert_true(builder.open.measure[0][MEASURE_RANGE_RATE] == 7);
  assert_int_equal(builder.open.time_of_ns[0], NOW - SECOND / 4);
}

static void registration_wraps_upwards_too(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  plot.measure[MEASURE_AZIMUTH] = 3;
  site.sensors[OFFSET].registration[MEASURE_AZIMUTH] = -0.5;
  send(OFFSET, &plot, 1);
  assert_true(fabs(builder.open.measure[0][MEASURE_AZIMUTH] - (3.5 - 2 * M_PI)) < 1e-15);
}

static void registration_of_a_place_is_of_its_time_alone(void **state) {
  (void)state;
  struct detection plot = {.time_ns = NOW, .kind = KIND_POSITION, .valid = VALID_XYZ, .measure = {6.5e6, -1, -2, 0}};
  assert_int_equal(send(LATE, &plot, 1), INTAKE_ACCEPTED);
  expect_row(LATE, 1, 1, 1, 1);
  assert_int_equal(builder.open.time_of_ns[0], NOW - SECOND / 4);
  for (int c = 0; c < 3; c++) assert_true(builder.open.measure[0][c] == plot.measure[c]);
}

/* A receiver's clock near either end of what a time can be. */
static void times_have_their_ends_whatever_the_clock_says(void **state) {
  static const int64_t ends_ns[2] = {TIME_MIN_NS, TIME_MAX_NS};
  for (int end = 0; end < 2; end++) {
    struct detection plots[2] = {radar_plot(), radar_plot()};
    plots[0].time_ns = ends_ns[end];
    plots[1].time_ns = end ? ends_ns[end] + 1 : ends_ns[end] - 1;
    uint32_t size = encode(RADAR, 0, plots, 2);
    assert_int_equal(intake_datagram(&intake, bytes, size, ends_ns[end]), INTAKE_ACCEPTED);
    expect_row(RADAR, 1, 1, 2, 1);
    assert_int_equal(ledger.sensors[RADAR].detections.refused[REFUSAL_OUT_OF_RANGE], 1);
    assert_int_equal(builder.open.time_of_ns[0], ends_ns[end]);
    teardown(state);
    setup_live(state);
  }
}

/* Sealed by whoever, with no key to open it. */
static void sealed_data_opens_for_nobody_where_there_are_no_keys(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  uint32_t size = encode(KEYED, 0, &plot, 1), body = WIRE_ENTRY_SIZE + WIRE_TAG_SIZE;
  bytes[6] |= WIRE_SEALED;
  memset(bytes + size, 0, WIRE_TAG_SIZE);
  memcpy(bytes + 32, &body, 4);
  size += WIRE_TAG_SIZE;
  crc_repair(size);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_REFUSED);
  assert_int_equal(ledger.sensors[KEYED].datagrams.refused[REFUSAL_UNAUTHENTICATED], 1);
}

static void range_rate_without_any_sigma_is_dropped(void **state) {
  (void)state;
  struct detection plots[2] = {radar_plot(), radar_plot()};
  plots[0].valid |= VALID_RANGE_RATE, plots[0].measure[MEASURE_RANGE_RATE] = 7;
  plots[1] = plots[0];
  plots[1].valid |= VALID_SIGMAS, plots[1].sigma[MEASURE_RANGE_RATE] = 2;
  send(RADAR, plots, 2);
  expect_row(RADAR, 1, 1, 2, 2);
  assert_false(builder.open.valid[0] & VALID_RANGE_RATE);
  assert_true(builder.open.measure[0][MEASURE_RANGE_RATE] == 0);
  assert_true(builder.open.valid[1] & VALID_RANGE_RATE);
}

static void states_and_parity_are_no_detections(void **state) {
  (void)state;
  struct sensor_state states[3] = {{.time_ns = NOW, .position_m = {7e6, 0, 0}, .velocity_mps = {0, 7000, 0}},
                                   {.time_ns = NOW, .position_m = {NAN, 0, 0}},
                                   {.time_ns = NOW + 5 * SECOND, .position_m = {7e6, 0, 0}}};
  struct wire_header header = {.sensor = ids[LOS], .sequence = 5, .sent_ns = NOW};
  uint32_t size = (uint32_t)wire_states_encode(bytes, sizeof bytes, &header, states, 3);
  assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_ACCEPTED);
  expect_row(LOS, 1, 1, 0, 0);
  assert_int_equal(ledger.sensors[LOS].states, 1);
  assert_int_equal(ledger.sensors[LOS].states_refused, 2);
  assert_int_equal(builder.open.state_count, 1);
  assert_int_equal(builder.open.states[0].sensor, LOS);
  assert_int_equal(builder.open.states[0].sequence, 5);

  memset(bytes, 0, WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE + 8); /* parity: k 2, m 1, L 8 */
  uint32_t body = WIRE_PARITY_HEAD_SIZE + 8, id = ids[LOS], length = 8;
  uint64_t number = 6;
  memcpy(bytes, "WEFT\1\3", 6);
  memcpy(bytes + 8, &id, 4);
  memcpy(bytes + 16, &number, 8);
  memcpy(bytes + 32, &body, 4);
  bytes[WIRE_HEADER_SIZE + 8] = 2, bytes[WIRE_HEADER_SIZE + 9] = 1;
  memcpy(bytes + WIRE_HEADER_SIZE + 12, &length, 4);
  crc_repair(WIRE_HEADER_SIZE + body);
  assert_int_equal(intake_datagram(&intake, bytes, WIRE_HEADER_SIZE + body, NOW), INTAKE_ACCEPTED);
  expect_row(LOS, 2, 2, 0, 0);
  assert_int_equal(ledger.sensors[LOS].parity[PARITY_RECEIVED], 1);
  assert_int_equal(ledger.sensors[LOS].sequence_gaps, 0);
}

static enum intake_verdict give(uint32_t sensor, int64_t time_ns, const void *record, uint32_t size) {
  struct detection plot = radar_plot();
  plot.sensor = sensor;
  plot.time_ns = time_ns;
  return intake_detection(&intake, &plot, INTAKE_MODE_ANY, record, size);
}

/* States of recordings are as old as they are: of them nobody keeps a newest one. */
static void recorded_states_are_never_stale(void **state) {
  (void)state;
  intake.rule = NULL;
  for (int i = 0; i < 2; i++) {
    struct sensor_state report = {.time_ns = (i ? 1 : 1000) * SECOND, .position_m = {7e6, 0, 0}};
    struct wire_header header = {.sensor = ids[LOS], .sequence = 5 + (uint64_t)i};
    uint32_t size = (uint32_t)wire_states_encode(bytes, sizeof bytes, &header, &report, 1);
    assert_int_equal(intake_datagram(&intake, bytes, size, NOW), INTAKE_ACCEPTED);
  }
  assert_int_equal(ledger.sensors[LOS].states, 2);
}

/* A platform is where a line of sight starts from: nothing looks out of the Earth. */
static void a_platform_within_the_earth_is_out_of_range(void **state) {
  (void)state;
  struct detection sight = {.sensor = LOS, .time_ns = SECOND, .kind = KIND_LOS, .valid = VALID_AZIMUTH | VALID_ELEVATION | VALID_PLATFORM,
                            .measure = {0, 1, 0.5}, .platform_m = {1000, 0, 0}};
  assert_int_equal(intake_detection(&intake, &sight, INTAKE_MODE_ANY, NULL, 0), INTAKE_REFUSED);
  assert_int_equal(ledger.sensors[LOS].detections.refused[REFUSAL_OUT_OF_RANGE], 1);
  sight.platform_m[0] = 7e6;
  assert_int_equal(intake_detection(&intake, &sight, INTAKE_MODE_ANY, NULL, 0), INTAKE_ACCEPTED);
}

static void a_record_of_a_mode_is_for_sites_of_that_mode(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_LIVE, NULL, 0), INTAKE_ACCEPTED);
  site.exercise = true;
  assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_LIVE, NULL, 0), INTAKE_REFUSED);
  assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_EXERCISE, NULL, 0), INTAKE_ACCEPTED);
  assert_int_equal(ledger.sensors[RADAR].detections.refused[REFUSAL_EXERCISE_MISMATCH], 1);
}

static void repeats_are_known_of_sensors_of_the_site_only(void **state) {
  (void)state;
  assert_false(intake_repeated(&intake, RADAR, (const uint8_t *)"service", 7));
  assert_true(intake_repeated(&intake, RADAR, (const uint8_t *)"service", 7));
  for (int i = 0; i < 2; i++) assert_false(intake_repeated(&intake, UNKNOWN, (const uint8_t *)"service", 7));
}

static struct foreign_track foreign;
static struct foreign_names names;

static enum intake_verdict foreign_give(int64_t time_ns, bool exercise) {
  foreign.time_ns = time_ns;
  return intake_foreign(&intake, &foreign, &names, exercise);
}

static void foreign_tracks_follow_mode_rule_and_room(void **state) {
  (void)state;
  assert_int_equal(foreign_give(SECOND, true), INTAKE_REFUSED);
  assert_int_equal(ledger.foreign.refused[REFUSAL_EXERCISE_MISMATCH], 1);
  assert_int_equal(foreign_give(SECOND, false), INTAKE_ACCEPTED);
  assert_int_equal(foreign_give(2 * SECOND, false), INTAKE_CLOSE); /* a frame later */
  while (foreign_give(2 * SECOND, false) == INTAKE_CLOSE) intake_close_frame(&intake, intake.close_ns, 0, &out);
  intake.rule = NULL;
  intake_close_frame(&intake, 2 * SECOND, 0, &out);
  for (int i = 0; i < FRAME_FOREIGN_MAX; i++) assert_int_equal(foreign_give(3 * SECOND, false), INTAKE_ACCEPTED);
  assert_int_equal(foreign_give(3 * SECOND, false), INTAKE_CLOSE); /* full */
  intake_close_frame(&intake, 3 * SECOND, 0, &out);
  assert_int_equal(out.foreign_count, FRAME_FOREIGN_MAX);
  assert_int_equal(foreign_give(3 * SECOND, false), INTAKE_ACCEPTED);
  assert_int_equal(ledger.foreign.received, FRAME_FOREIGN_MAX + 4);
}

static void recorded_age_is_by_the_newest_of_that_sensor(void **state) {
  (void)state;
  intake.rule = NULL;
  assert_int_equal(give(RADAR, 100 * SECOND, NULL, 0), INTAKE_ACCEPTED);
  assert_int_equal(give(RADAR, 90 * SECOND, NULL, 0), INTAKE_ACCEPTED);
  assert_int_equal(give(RADAR, 90 * SECOND - 1, NULL, 0), INTAKE_REFUSED);
  assert_int_equal(ledger.sensors[RADAR].detections.refused[REFUSAL_STALE], 1);
  assert_int_equal(give(OFFSET, 1 * SECOND, NULL, 0), INTAKE_ACCEPTED); /* another sensor's clock */
  assert_int_equal(give(RADAR, 100000 * SECOND, NULL, 0), INTAKE_ACCEPTED); /* no future in a recording */
  assert_int_equal(ledger.sensors[RADAR].datagrams.received, 0);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

static void exact_repeats_of_a_record_are_duplicates(void **state) {
  (void)state;
  assert_int_equal(give(RADAR, 0, "record", 6), INTAKE_ACCEPTED);
  assert_int_equal(give(RADAR, 0, "record", 6), INTAKE_REFUSED);
  assert_int_equal(give(OFFSET, SECOND / 4, "record", 6), INTAKE_ACCEPTED);
  assert_int_equal(give(RADAR, 0, NULL, 0), INTAKE_ACCEPTED);
  assert_int_equal(ledger.sensors[RADAR].detections.refused[REFUSAL_DUPLICATE], 1);
  assert_int_equal(give(RADAR, SECOND, "later", 5), INTAKE_CLOSE); /* being asked again does not make it a repeat */
  intake_close_frame(&intake, intake.close_ns, 0, &out);
  while (give(RADAR, SECOND, "later", 5) == INTAKE_CLOSE) intake_close_frame(&intake, intake.close_ns, 0, &out);
  assert_int_equal(ledger.sensors[RADAR].detections.accepted, 3);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

static void recorded_mode_and_unknown_sensors_are_checked(void **state) {
  (void)state;
  struct detection plot = radar_plot();
  assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_EXERCISE, NULL, 0), INTAKE_REFUSED);
  assert_int_equal(ledger.sensors[RADAR].detections.refused[REFUSAL_EXERCISE_MISMATCH], 1);
  plot.sensor = UINT32_MAX;
  assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_ANY, NULL, 0), INTAKE_REFUSED);
  assert_int_equal(ledger.sensors[UNKNOWN].detections.refused[REFUSAL_UNKNOWN_SENSOR], 1);
  intake_refuse(&intake, RADAR, REFUSAL_MALFORMED);
  intake_skip(&intake, RADAR, SKIP_TEST);
  assert_int_equal(ledger.sensors[RADAR].skipped[SKIP_TEST], 1);
  assert_int_equal(ledger.sensors[RADAR].detections.received, 2);
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
}

static void a_refused_detection_moves_no_clock(void **state) {
  (void)state;
  assert_int_equal(give(RADAR, NOW, NULL, 0), INTAKE_ACCEPTED);
  struct detection plot = radar_plot();
  plot.time_ns = NOW + 100 * SECOND;
  plot.measure[MEASURE_RANGE] = NAN;
  assert_int_equal(intake_detection(&intake, &plot, INTAKE_MODE_ANY, NULL, 0), INTAKE_REFUSED);
  assert_int_equal(give(RADAR, NOW, NULL, 0), INTAKE_ACCEPTED);
  assert_int_equal(rule.newest_ns, NOW);
}

/* Seeded loss, duplication, reordering and corruption: the books balance and nothing accepted is missing. */
static void books_balance_under_seeded_faults(void **state) {
  (void)state;
  static uint8_t sent[400][WIRE_HEADER_SIZE + 3 * WIRE_ENTRY_SIZE];
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct prng prng = prng_seed(seed, 2);
    teardown(state);
    setup_live(state);
    uint64_t datagrams = 0, frames = 0;
    uint32_t size = 0;
    for (uint32_t i = 0; i < 400; i++) {
      struct detection plots[3] = {radar_plot(), radar_plot(), radar_plot()};
      plots[1].time_ns -= (int64_t)prng_below(&prng, 20) * SECOND;
      size = encode(i % 3 ? RADAR : OFFSET, 0, plots, 3);
      memcpy(sent[i], bytes, size);
    }
    for (uint32_t i = 0; i < 1000; i++) {
      uint64_t from = i / 3 > 20 ? i / 3 - 20 : 0;
      memcpy(bytes, sent[from + prng_below(&prng, 40)], size);
      if (prng_below(&prng, 10) == 0) bytes[prng_below(&prng, size)] ^= (uint8_t)(1 + prng_below(&prng, 255));
      enum intake_verdict verdict = intake_datagram(&intake, bytes, size, NOW);
      if (verdict == INTAKE_CLOSE || prng_below(&prng, 50) == 0) {
        intake_close_frame(&intake, NOW, 0, &out);
        frames += out.count;
      }
      datagrams += verdict != INTAKE_CLOSE;
      if (!ledger_settle(&ledger) || !ledger_balanced(&ledger)) {
        fail_msg("seed %llu: books off after datagram %u", (unsigned long long)seed, i);
      }
    }
    frames += builder.open.count;
    uint64_t received = 0, accepted = 0;
    for (uint32_t i = 0; i <= UNKNOWN; i++) {
      received += ledger.sensors[i].datagrams.received;
      accepted += ledger.sensors[i].detections.accepted;
    }
    assert_int_equal(received, datagrams);
    assert_int_equal(accepted, frames);
  }
}

static struct ledger ledger_single;
static struct arena arena_single;
static struct frame_builder builder_single;
static struct intake intake_single;

/* Plots that are mostly good, with every field now and then at or beyond a bound. */
static struct detection plot_any(struct prng *prng, uint8_t kind) {
  static const double odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0, 1e8, 1.0000001e8, -1, 299792458.0, -299792459.0, 3.14159265358979323846, -3.14159265358979323846,
                               -3.1415926535897927, 3.1415926535897936, 1.5707963267948966, 1.5707963267948968, 7};
  static const float odd_sigma[] = {NAN, INFINITY, 0, -1, 1e-3f, 9e-4f, 1e-8f, 9e-9f, 1, 1.0001f, 1e6f, 1.1e6f, 1e5f, 1e-4f};
  struct detection d = {.time_ns = NOW - (int64_t)prng_below(prng, 100) * 1000000, .kind = kind, .snr_db = 10,
                        .valid = (uint16_t)(prng_below(prng, 4) ? 0xcf : prng_below(prng, 512)), .measure = {50000, 1, 0.2, -30}, .sigma = {10, 0.01f, 0.01f, 2}};
  if (kind == KIND_RADAR2D) d.valid = (uint16_t)(d.valid | (prng_below(prng, 2) ? VALID_HEIGHT : 0)), d.measure[2] = 9000, d.sigma[2] = 50;
  if (kind == KIND_POSITION) d = (struct detection){.time_ns = NOW, .kind = kind, .valid = VALID_XYZ, .measure = {6378137, 0, 0, 0}};
  switch (prng_below(prng, 12)) {
  case 0: d.measure[prng_below(prng, 4)] = odd[prng_below(prng, sizeof odd / sizeof *odd)]; break;
  case 1: d.sigma[prng_below(prng, 4)] = odd_sigma[prng_below(prng, sizeof odd_sigma / sizeof *odd_sigma)]; break;
  case 2: d.kind = (uint8_t)(1 + prng_below(prng, 4)); break;
  case 3: d.time_ns = prng_below(prng, 2) ? NOW + SECOND * (int64_t)prng_below(prng, 3) : NOW - SECOND * (int64_t)prng_below(prng, 12); break;
  case 4: d.snr_db = prng_below(prng, 2) ? NAN : INFINITY; break;
  default: break;
  }
  return d;
}

static void frames_compare(uint64_t round) {
  const struct frame *a = &builder.open, *b = &builder_single.open;
  assert_int_equal(a->count, b->count);
  for (uint32_t i = 0; i < a->count; i++) {
    struct detection got, want;
    frame_detection(a, i, &got);
    frame_detection(b, i, &want);
    if (got.time_ns != want.time_ns || got.sensor != want.sensor || got.kind != want.kind || got.valid != want.valid || got.index != want.index ||
        got.sequence != want.sequence || got.arrival_ns != want.arrival_ns || memcmp(&got.snr_db, &want.snr_db, sizeof got.snr_db) != 0 ||
        memcmp(got.measure, want.measure, sizeof got.measure) != 0 || memcmp(got.sigma, want.sigma, sizeof got.sigma) != 0 ||
        memcmp(got.platform_m, want.platform_m, sizeof got.platform_m) != 0)
      fail_msg("seed 8, round %llu: entry %u is not what it is by itself", (unsigned long long)round, i);
  }
  for (uint32_t s = 0; s <= UNKNOWN; s++)
    assert_memory_equal(&ledger.sensors[s].detections, &ledger_single.sensors[s].detections, sizeof ledger.sensors[s].detections);
}

/* The plots of datagrams, against each decoded and admitted by itself, which takes no short way. */
static void plots_are_admitted_as_each_is_by_itself(enum site_time time) {
  enum { DATAGRAMS = 4000, PLOTS = 12 };
  struct prng prng = prng_seed(8, 1);
  memset(&ledger_single, 0, sizeof ledger_single);
  assert_int_equal(arena_open(&arena_single, frame_builder_bytes(CAPACITY) + intake_bytes(&site)), 0);
  assert_int_equal(frame_builder_open(&builder_single, &arena_single, CAPACITY), 0);
  assert_int_equal(intake_open(&intake_single, &arena_single, &site, &ledger_single, &builder_single, time, NULL), 0);
  for (uint64_t round = 0; round < DATAGRAMS; round++) {
    static const uint32_t sensors[] = {RADAR, RADAR2D, LOS, POSITION, OFFSET};
    uint32_t sensor = sensors[prng_below(&prng, 5)], count = 1 + (uint32_t)prng_below(&prng, PLOTS);
    struct detection plots[PLOTS];
    for (uint32_t i = 0; i < count; i++) plots[i] = plot_any(&prng, site.sensors[sensor].kind);
    uint64_t number = sequence;
    assert_int_equal(send(sensor, plots, count), INTAKE_ACCEPTED);
    for (uint32_t i = 0; i < count; i++) {
      struct detection d;
      enum wire_verdict form = wire_detection_decode(bytes + WIRE_HEADER_SIZE + (size_t)i * WIRE_ENTRY_SIZE, &d);
      d.sensor = sensor;
      d.sequence = number;
      d.index = (uint16_t)i;
      d.arrival_ns = NOW;
      if (form != WIRE_OK) intake_refuse(&intake_single, sensor, wire_refusal(form));
      else intake_detection(&intake_single, &d, INTAKE_MODE_ANY, NULL, 0);
    }
    frames_compare(round);
    frame_builder_empty(&builder);
    frame_builder_empty(&builder_single);
  }
  arena_close(&arena_single);
}

static void plots_of_a_live_datagram_are_admitted_as_each_is_by_itself(void **state) {
  (void)state;
  plots_are_admitted_as_each_is_by_itself(SITE_TIME_LIVE);
}

static void plots_of_recorded_time_are_admitted_as_each_is_by_itself(void **state) {
  teardown(state);
  intake_begin(SITE_TIME_RECORDED, false);
  plots_are_admitted_as_each_is_by_itself(SITE_TIME_RECORDED);
}

int main(void) {
#define LIVE(test) cmocka_unit_test_setup_teardown(test, setup_live, teardown)
#define RECORDED(test) cmocka_unit_test_setup_teardown(test, setup_recorded, teardown)
  const struct CMUnitTest tests[] = {
      LIVE(intake_accepts_each_kind_from_its_sensor),
      LIVE(plots_of_a_live_datagram_are_admitted_as_each_is_by_itself),
      LIVE(plots_of_recorded_time_are_admitted_as_each_is_by_itself),
      LIVE(malformed_datagrams_count_to_the_unknown_row),
      LIVE(another_version_is_refused_as_version),
      LIVE(unknown_sensor_counts_no_detections),
      LIVE(every_flipped_bit_is_refused),
      LIVE(unsealed_data_of_a_sensor_with_a_key_is_unauthenticated),
      LIVE(sealed_data_is_unauthenticated),
      LIVE(exercise_and_live_never_mix),
      LIVE(duplicates_gaps_and_restarts_are_counted),
      LIVE(entries_are_refused_one_by_one),
      LIVE(age_limits_are_inclusive),
      LIVE(a_datagram_whose_entries_are_all_refused_is_accepted),
      LIVE(a_full_frame_loses_nothing),
      LIVE(registration_is_subtracted_and_wrapped),
      LIVE(registration_wraps_upwards_too),
      LIVE(registration_of_a_place_is_of_its_time_alone),
      LIVE(times_have_their_ends_whatever_the_clock_says),
      LIVE(sealed_data_opens_for_nobody_where_there_are_no_keys),
      LIVE(range_rate_without_any_sigma_is_dropped),
      LIVE(states_and_parity_are_no_detections),
      LIVE(books_balance_under_seeded_faults),
      RECORDED(recorded_states_are_never_stale),
      RECORDED(a_platform_within_the_earth_is_out_of_range),
      RECORDED(a_record_of_a_mode_is_for_sites_of_that_mode),
      RECORDED(repeats_are_known_of_sensors_of_the_site_only),
      RECORDED(foreign_tracks_follow_mode_rule_and_room),
      RECORDED(recorded_age_is_by_the_newest_of_that_sensor),
      RECORDED(exact_repeats_of_a_record_are_duplicates),
      RECORDED(recorded_mode_and_unknown_sensors_are_checked),
      RECORDED(a_refused_detection_moves_no_clock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_emit
/* Metrics and the ledger line: read back, they hold the same books, and the books balance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/base/prng.h"
#include "engine/emit/metrics.h"
#include "tests/unit/emit_support.h"

enum { SEED = 9 };

static struct site site;
static struct metrics_snapshot snapshot;
static struct latency latency;
static char *body;
static size_t body_max;

static void row_draw(struct prng *prng, struct ledger_row *row) {
  row->accepted = prng_below(prng, 1000000);
  row->received = row->accepted;
  for (int i = 0; i < REFUSALS; i++) row->received += row->refused[i] = prng_below(prng, 1000);
}

static void snapshot_draw(void) {
  struct prng prng = prng_seed(SEED, 1);
  memset(&snapshot, 0, sizeof snapshot);
  memset(&latency, 0, sizeof latency);
  snapshot.latency = &latency;
  snapshot.site = &site;
  snapshot.version = "0.1.0";
  snapshot.kernels = "v3";
  snapshot.io = "io_uring \"x\\y\nz";
  snapshot.ledger.sensor_count = site.sensor_count;
  for (uint32_t i = 0; i <= site.sensor_count; i++) {
    struct ledger_sensor *row = &snapshot.ledger.sensors[i];
    row_draw(&prng, &row->datagrams);
    row_draw(&prng, &row->detections);
    uint64_t left = row->detections.accepted;
    for (int fate = FATE_ASSOCIATED; fate < FATES; fate++) {
      row->fates[fate] = prng_below(&prng, left + 1);
      left -= row->fates[fate];
    }
    row->states = 10 + i;
    row->sequence_gaps = 20 + i;
    row->restarts = 30 + i;
    for (int skip = 0; skip < SKIPS; skip++) row->skipped[skip] = prng_below(&prng, 100);
  }
  snapshot.ledger.kernel_drops = 77;
  snapshot.ledger.unjournaled = 5;
  assert_true(ledger_settle(&snapshot.ledger));
  assert_true(ledger_balanced(&snapshot.ledger));
  snapshot.frames = 12345;
  for (int i = 0; i < 1000; i++) {
    histogram_record(&latency.whole_ns, (int64_t)prng_below(&prng, 20000000));
    histogram_record(&latency.stage_ns[LATENCY_STEP], (int64_t)prng_below(&prng, 20000));
    histogram_record(&snapshot.frame_detections, (int64_t)prng_below(&prng, 3000));
  }
  snapshot.stage_count = 2;
  snapshot.stages[0] = (struct metrics_stage){"decode", 10, 1500000000};
  snapshot.stages[1] = (struct metrics_stage){"step", 11, 2500000};
  snapshot.tracks[STATUS_CONFIRMED] = 60;
  snapshot.soft_updates = 36;
  snapshot.shared_updates = 37;
  snapshot.out_of_sequence[0] = 35;
  snapshot.out_of_sequence[1] = 2;
  snapshot.warning = (struct metrics_warning){.estimates = 41, .deferred = 42, .waiting = 43, .waiting_ns = 250000000,
                                              .first_wait_ns = 750000000, .retractions = {1, 2, 3, 4}, .launches = 60, .events = 5,
                                              .events_merged = 2};
  snapshot.ledger.journal.on = true;
  snapshot.ledger.journal.accepted_frame = 12345;
  snapshot.ledger.journal.durable_frame = 12340;
  snapshot.track_port.published = 99;
}

static size_t text_make(void) {
  size_t size = metrics_write(body, body_max, &snapshot);
  assert_true(size > 0 && size < body_max);
  body[size] = 0;
  return size;
}

/* The value of the sample that begins with exactly `name` (labels included). */
static double sample(const char *name) {
  size_t size = strlen(name);
  for (const char *line = body; *line; line = strchr(line, '\n') + 1) {
    if (strncmp(line, name, size) == 0 && line[size] == ' ') return strtod(line + size, NULL);
  }
  fail_msg("no sample %s", name);
  return 0;
}

static uint64_t fate_sample(const char *metric, const char *sensor, const char *fate) {
  char name[160];
  snprintf(name, sizeof name, "%s{sensor=\"%s\",fate=\"%s\"}", metric, sensor, fate);
  return (uint64_t)sample(name);
}

static void row_check(const char *metric, const char *sensor, const struct ledger_row *row) {
  uint64_t sum = fate_sample(metric, sensor, "accepted");
  assert_int_equal(sum, row->accepted);
  for (int i = 0; i < REFUSALS; i++) {
    uint64_t value = fate_sample(metric, sensor, refusal_names[i]);
    assert_int_equal(value, row->refused[i]);
    sum += value;
  }
  assert_int_equal(sum, fate_sample(metric, sensor, "received"));
}

static void metrics_hold_the_ledger_and_balance(void **state) {
  (void)state;
  static const char *const sensors[] = {"101", "205", "300", "unknown"};
  static const char *const fates[] = {"associated", "started", "clutter", "late", "shed", "in_flight"};
  text_make();
  for (uint32_t i = 0; i < 4; i++) {
    row_check("weft_datagrams_total", sensors[i], &snapshot.ledger.sensors[i].datagrams);
    row_check("weft_detections_total", sensors[i], &snapshot.ledger.sensors[i].detections);
    uint64_t sum = 0;
    for (int fate = 0; fate < 6; fate++) sum += fate_sample("weft_detections_total", sensors[i], fates[fate]);
    assert_int_equal(sum, fate_sample("weft_detections_total", sensors[i], "accepted"));
  }
  assert_int_equal(fate_sample("weft_detections_total", "205", "clutter"),
                   snapshot.ledger.sensors[1].fates[FATE_CLUTTER]);
  assert_true(sample("weft_sequence_gaps_total{sensor=\"205\"}") == 21);
  assert_true(sample("weft_kernel_drops_total") == 77);
}

static void metrics_hold_the_rest(void **state) {
  (void)state;
  text_make();
  assert_true(sample("weft_frames_total") == 12345);
  assert_true(sample("weft_tracks{status=\"confirmed\"}") == 60);
  assert_true(sample("weft_soft_updates_total") == 36);
  assert_true(sample("weft_shared_updates_total") == 37);
  assert_true(sample("weft_out_of_sequence_total{way=\"exact\"}") == 35);
  assert_true(sample("weft_out_of_sequence_total{way=\"approximate\"}") == 2);
  assert_true(sample("weft_stage_seconds_sum{stage=\"decode\"}") == 1.5);
  assert_true(sample("weft_stage_seconds_count{stage=\"step\"}") == 11);
  assert_true(sample("weft_journal_durable_frame") == 12340);
  assert_true(sample("weft_track_lines_total{fate=\"published\"}") == 99);
  assert_true(sample("weft_latency_seconds_count") == 1000);
  assert_true(sample("weft_latency_stage_seconds_count{stage=\"all\"}") == 1000);
  assert_true(sample("weft_latency_stage_seconds{stage=\"all\",quantile=\"0.999\"}") ==
              (double)histogram_percentile(&latency.whole_ns, 99.9) / 1e9);
  assert_true(sample("weft_latency_stage_seconds{stage=\"step\",quantile=\"0.5\"}") ==
              (double)histogram_percentile(&latency.stage_ns[LATENCY_STEP], 50) / 1e9);
  assert_true(sample("weft_latency_seconds_bucket{le=\"+Inf\"}") == 1000);
  assert_true(sample("weft_latency_seconds_bucket{le=\"0.01\"}") ==
              (double)histogram_count_to(&latency.whole_ns, 10000000));
  assert_true(sample("weft_frame_detections_sum") == (double)snapshot.frame_detections.sum);
  assert_non_null(strstr(body, "io=\"io_uring \\\"x\\\\y\\nz\""));
  snapshot.ledger.journal.on = false;
  text_make();
  assert_null(strstr(body, "weft_journal_"));
  snapshot.ledger.journal.on = true;
}

/* Length of a metric name at `at`. */
static size_t name_length(const char *at) {
  return strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

static void metrics_are_well_formed(void **state) {
  (void)state;
  size_t size = text_make();
  assert_int_equal(body[size - 1], '\n');
  char family[128] = "";
  uint64_t bucket_before = 0;
  for (char *line = body; *line;) {
    char *end = strchr(line, '\n');
    *end = 0;
    if (strncmp(line, "# HELP ", 7) == 0) {
      snprintf(family, sizeof family, "%.*s", (int)name_length(line + 7), line + 7);
      assert_int_equal(strncmp(family, "weft_", 5), 0);
      assert_true(strncmp(end + 1, "# TYPE ", 7) == 0 && strncmp(end + 8, family, strlen(family)) == 0);
      bucket_before = 0;
    } else if (line[0] != '#') {
      if (strncmp(line, family, strlen(family)) != 0) fail_msg("%s stands under %s", line, family);
      char *value = strrchr(line, ' '), *rest;
      assert_non_null(value);
      strtod(value + 1, &rest);
      assert_true(rest > value + 1 && *rest == 0);
      char first = line[name_length(line)];
      assert_true(first == '{' ? value[-1] == '}' : first == ' ');
      if (strstr(line, "_bucket{")) {
        uint64_t now = strtoull(value + 1, NULL, 10);
        assert_true(now >= bucket_before);
        bucket_before = now;
      }
    }
    line = end + 1;
  }
}

static void text_that_does_not_fit_is_refused_and_the_bound_holds(void **state) {
  (void)state;
  static struct site large;
  memset(&large, 0, sizeof large);
  memset(large.centre, '"', SITE_NAME_MAX - 1);
  static struct metrics_snapshot full;
  static struct latency longest;
  memset(&full, 0xff, sizeof full);
  memset(&longest, 0xff, sizeof longest);
  full.latency = &longest;
  full.site = &large;
  full.version = full.kernels = full.io = "a name";
  full.stage_count = METRICS_STAGES_MAX;
  for (int i = 0; i < METRICS_STAGES_MAX; i++) full.stages[i].name = "a stage with a long name";
  full.ledger.journal.on = full.ledger.engine.on = full.journal_failed = full.replay_marks_failed = true;
  full.standby.on = full.standby.connected = full.standby.following = true;
  for (uint32_t count = 0; count <= SITE_SENSORS_MAX; count += 64) {
    large.sensor_count = full.ledger.sensor_count = count;
    for (uint32_t i = 0; i < count; i++) {
      large.sensors[i].id = UINT32_MAX - i;
      memset(large.sensors[i].name, 1, SITE_NAME_MAX - 1);
    }
    size_t max = metrics_text_max(&large);
    char *text = malloc(max);
    assert_non_null(text);
    size_t size = metrics_write(text, max, &full);
    assert_true(size > 0);
    assert_int_equal(metrics_write(text, size - 1, &full), 0);
    free(text);
    max = ledger_json_max(&large);
    text = malloc(max);
    assert_non_null(text);
    size = ledger_json_write(text, max, &full.ledger, &large);
    assert_true(size > 0);
    assert_int_equal(ledger_json_write(text, size - 1, &full.ledger, &large), 0);
    free(text);
  }
}

static uint64_t member(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_integer(value)) fail_msg("no %s", key);
  return (uint64_t)json_integer_value(value);
}

static void json_row_check(const json_t *row, const struct ledger_row *want) {
  uint64_t sum = member(row, "accepted");
  const json_t *refused = json_object_get(row, "refused");
  assert_int_equal(json_object_size(refused), REFUSALS);
  for (int i = 0; i < REFUSALS; i++) {
    assert_int_equal(member(refused, refusal_names[i]), want->refused[i]);
    sum += want->refused[i];
  }
  assert_int_equal(member(row, "received"), sum);
  assert_int_equal(sum, want->received);
}

static json_t *ledger_parse(void) {
  static char line[1 << 16];
  size_t size = ledger_json_write(line, sizeof line, &snapshot.ledger, &site);
  assert_true(size > 0 && memchr(line, '\n', size) == line + size - 1);
  json_error_t error;
  json_t *parsed = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
  if (!parsed) fail_msg("%s", error.text);
  return parsed;
}

static void ledger_line_holds_the_ledger(void **state) {
  (void)state;
  json_t *parsed = ledger_parse();
  assert_true(json_is_true(json_object_get(parsed, "balanced")));
  const json_t *ledger = json_object_get(parsed, "ledger"), *sensors = json_object_get(ledger, "sensors");
  const json_t *total = json_object_get(ledger, "total");
  assert_int_equal(json_array_size(sensors), 4);
  uint64_t received = 0, associated = 0;
  for (uint32_t i = 0; i < 4; i++) {
    const json_t *entry = json_array_get(sensors, i);
    const struct ledger_sensor *row = &snapshot.ledger.sensors[i];
    if (i < 3) {
      assert_int_equal(member(entry, "sensor"), site.sensors[i].id);
      assert_string_equal(json_string_value(json_object_get(entry, "name")), site.sensors[i].name);
    } else {
      assert_string_equal(json_string_value(json_object_get(entry, "sensor")), "unknown");
    }
    json_row_check(json_object_get(entry, "datagrams"), &row->datagrams);
    const json_t *detections = json_object_get(entry, "detections");
    json_row_check(detections, &row->detections);
    for (int fate = 0; fate < FATES; fate++) assert_int_equal(member(detections, fate_names[fate]), row->fates[fate]);
    assert_int_equal(member(entry, "states"), row->states);
    assert_int_equal(member(entry, "sequence_gaps"), row->sequence_gaps);
    assert_int_equal(member(entry, "restarts"), row->restarts);
    for (int skip = 0; skip < SKIPS; skip++) {
      assert_int_equal(member(json_object_get(entry, "skipped"), skip_names[skip]), row->skipped[skip]);
    }
    received += row->datagrams.received;
    associated += row->fates[FATE_ASSOCIATED];
  }
  assert_int_equal(member(json_object_get(total, "datagrams"), "received"), received);
  assert_int_equal(member(json_object_get(total, "detections"), "associated"), associated);
  assert_int_equal(member(ledger, "kernel_drops"), 77);
  assert_int_equal(member(ledger, "unjournaled"), 5);
  assert_int_equal(member(json_object_get(ledger, "journal"), "durable_frame"), 12340);
  json_decref(parsed);
}

static void ledger_line_says_when_the_books_are_broken(void **state) {
  (void)state;
  snapshot.ledger.sensors[2].detections.received++;
  json_t *parsed = ledger_parse();
  snapshot.ledger.sensors[2].detections.received--;
  assert_true(json_is_false(json_object_get(parsed, "balanced")));
  json_decref(parsed);
}

static void health_tells_its_reason(void **state) {
  (void)state;
  char text[1024];
  uint32_t step = snapshot.overload_step;
  snapshot.overload_step = 0;
  size_t size = health_write(text, sizeof text, &site, NULL, &snapshot);
  json_t *parsed = json_loadb(text, size, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(parsed, "status")), "ok");
  assert_int_equal(member(parsed, "frames"), 12345);
  assert_int_equal(member(parsed, "tracks"), 60);
  json_decref(parsed);
  snapshot.overload_step = 3;
  size = health_write(text, sizeof text, &site, NULL, &snapshot);
  parsed = json_loadb(text, size, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(parsed, "status")), "degraded");
  assert_int_equal(member(parsed, "overload_step"), 3);
  json_decref(parsed);
  size = health_write(text, sizeof text, &site, "journal \"failed\"", &snapshot);
  parsed = json_loadb(text, size, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(parsed, "status")), "unhealthy");
  assert_string_equal(json_string_value(json_object_get(parsed, "reason")), "journal \"failed\"");
  json_decref(parsed);
  assert_int_equal(health_write(text, 20, &site, NULL, &snapshot), 0);
  snapshot.overload_step = step;
}

static int set_up(void **state) {
  (void)state;
  support_site(&site);
  snapshot_draw();
  body_max = metrics_text_max(&site);
  body = malloc(body_max + 1);
  return body ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  free(body);
  return 0;
}

static void metrics_hold_the_warning(void **state) {
  (void)state;
  text_make();
  assert_int_equal(sample("weft_impact_estimates_total"), 41);
  assert_int_equal(sample("weft_impact_deferred_total"), 42);
  assert_int_equal(sample("weft_impact_waiting"), 43);
  assert_true(sample("weft_impact_waiting_seconds") == 0.25);
  assert_true(sample("weft_impact_first_wait_seconds") == 0.75);
  assert_int_equal(sample("weft_retractions_total{kind=\"class\"}"), 1);
  assert_int_equal(sample("weft_retractions_total{kind=\"stays_up\"}"), 2);
  assert_int_equal(sample("weft_retractions_total{kind=\"area\"}"), 3);
  assert_int_equal(sample("weft_retractions_total{kind=\"moved\"}"), 4);
  assert_int_equal(sample("weft_launches_total"), 60);
  assert_int_equal(sample("weft_launch_events_total"), 5);
  assert_int_equal(sample("weft_launch_events_merged_total"), 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(metrics_hold_the_ledger_and_balance),
      cmocka_unit_test(metrics_hold_the_rest),
      cmocka_unit_test(metrics_hold_the_warning),
      cmocka_unit_test(metrics_are_well_formed),
      cmocka_unit_test(text_that_does_not_fit_is_refused_and_the_bound_holds),
      cmocka_unit_test(ledger_line_holds_the_ledger),
      cmocka_unit_test(ledger_line_says_when_the_books_are_broken),
      cmocka_unit_test(health_tells_its_reason),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

// stage: weft_emit
/* A track line says what the report says, in the contract's names, and is the same every time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/base/prng.h"
#include "engine/emit/track_line.h"
#include "tests/unit/emit_support.h"

enum { SEED = 3 };

static struct site site;
static char line[TRACK_LINE_MAX];

static json_t *line_parse(const struct track_report *report, int64_t latency_us) {
  size_t size = track_line_write(line, sizeof line, report, &site, latency_us);
  assert_true(size > 0);
  assert_int_equal(line[size - 1], '\n');
  assert_null(memchr(line, '\n', size - 1));
  json_error_t error;
  json_t *parsed = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
  if (!parsed) fail_msg("%s: %.*s", error.text, (int)size, line);
  return parsed;
}

static void number_near(const json_t *object, double want, double tolerance) {
  assert_true(json_is_number(object));
  double got = json_number_value(object);
  if (!(fabs(got - want) <= tolerance)) fail_msg("%.17g instead of %.17g", got, want);
}

static void line_has_the_contracts_form(void **state) {
  (void)state;
  struct track_report report = support_report(17, 42);
  size_t size = track_line_write(line, sizeof line, &report, &site, 812);
  static const char head[] = "{\"time_ns\":1700000000042000000,\"centre\":\"A1\",\"track\":17,\"status\":\"confirmed\","
                             "\"class\":\"ballistic\",\"phase\":\"coast\",\"exercise\":false,"
                             "\"position_ecef_m\":[6378179.000,17.000,-1234.568],"
                             "\"velocity_ecef_mps\":[1000.2500,-2000.1250,42.0000],"
                             "\"lat_deg\":41.300000000,\"lon_deg\":-2.123456789,\"height_m\":120000.500,"
                             "\"covariance\":[900,-0.0005,300,";
  static const char tail[] = "],\"existence\":0.999300,\"phase_probability\":{\"boost\":0.000000,\"coast\":0.970000,"
                             "\"reentry\":0.030000},\"sensors\":[101,205],\"nations\":[\"A\",\"B\"],\"detections\":42,"
                             "\"first_time_ns\":1700000000000000000,\"latency_us\":812}\n";
  assert_memory_equal(line, head, sizeof head - 1);
  assert_memory_equal(line + size - (sizeof tail - 1), tail, sizeof tail - 1);
}

static void fields_that_do_not_apply_are_absent(void **state) {
  (void)state;
  struct track_report report = support_report(1, 1);
  report.has_phase = false;
  report.class_ = CLASS_UNKNOWN;
  json_t *parsed = line_parse(&report, TRACK_LINE_LATENCY_NONE);
  assert_null(json_object_get(parsed, "phase"));
  assert_null(json_object_get(parsed, "phase_probability"));
  assert_null(json_object_get(parsed, "latency_us"));
  assert_null(json_object_get(parsed, "launch"));
  assert_null(json_object_get(parsed, "impact"));
  json_decref(parsed);
  report.has_phase = true;
  report.class_ = CLASS_AIRCRAFT;
  report.phase = PHASE_CRUISE;
  parsed = line_parse(&report, 0);
  assert_string_equal(json_string_value(json_object_get(parsed, "phase")), "cruise");
  assert_null(json_object_get(parsed, "phase_probability"));
  assert_int_equal(json_integer_value(json_object_get(parsed, "latency_us")), 0);
  json_decref(parsed);
  assert_null(json_object_get(parsed = line_parse(&report, 0), "unjournaled"));
  size_t size = track_line_mark_unjournaled(line, track_line_write(line, sizeof line, &report, &site, 0));
  assert_int_equal(line[size - 1], '\n');
  json_decref(parsed);
  parsed = json_loadb(line, size, 0, NULL);
  assert_true(json_is_true(json_object_get(parsed, "unjournaled")));
  assert_int_equal(track_line_mark_unjournaled(line, 0), 0);
  json_decref(parsed);
}

static void warning_is_said_of_ballistic_tracks_only(void **state) {
  (void)state;
  struct track_report report = support_report(17, 42);
  report.has_launch = report.has_impact = true;
  report.launch = (struct ground_estimate){.lat_deg = -44.79954821, .lon_deg = 170.25, .time_ns = 1699999990000000007, .time_sigma_s = 4.4684,
                                           .semi_major_m = 860.54, .semi_minor_m = 618, .orientation_deg = 103.749};
  report.impact = (struct impact_estimate){.ground = report.launch, .probability = 0.95, .region_count = 2,
                                           .shares = {0.31, 0.0625}, .regions = {1, 0}};
  static const char names[2][SITE_NAME_MAX] = {"the \"bay\"", "coast"};
  site.region_names = names;
  report.impact.ground.time_ns = 1700000400000000000;
  size_t size = track_line_write(line, sizeof line, &report, &site, TRACK_LINE_LATENCY_NONE);
  static const char tail[] =
      ",\"first_time_ns\":1700000000000000000,"
      "\"launch\":{\"lat_deg\":-44.7995482,\"lon_deg\":170.2500000,\"time_ns\":1699999990000000007,\"time_sigma_s\":4.468,"
      "\"semi_major_m\":860.5,\"semi_minor_m\":618.0,\"orientation_deg\":103.749},"
      "\"impact\":{\"lat_deg\":-44.7995482,\"lon_deg\":170.2500000,\"time_ns\":1700000400000000000,\"time_sigma_s\":4.468,"
      "\"semi_major_m\":860.5,\"semi_minor_m\":618.0,\"orientation_deg\":103.749,\"probability\":0.950000,"
      "\"regions\":[{\"name\":\"coast\",\"probability\":0.310000},{\"name\":\"the \\\"bay\\\"\",\"probability\":0.062500}]}}\n";
  assert_true(size > sizeof tail);
  assert_memory_equal(line + size - (sizeof tail - 1), tail, sizeof tail - 1);
  report.impact.region_count = 0;
  json_t *parsed = line_parse(&report, TRACK_LINE_LATENCY_NONE);
  assert_null(json_object_get(json_object_get(parsed, "launch"), "event"));
  json_decref(parsed);
  report.event = 3;
  report.event_launches = 12;
  parsed = line_parse(&report, TRACK_LINE_LATENCY_NONE);
  const json_t *event = json_object_get(json_object_get(parsed, "launch"), "event");
  assert_int_equal(json_integer_value(json_object_get(event, "number")), 3);
  assert_int_equal(json_integer_value(json_object_get(event, "launches")), 12);
  assert_null(json_object_get(json_object_get(parsed, "impact"), "regions"));
  json_decref(parsed);
  report.class_ = CLASS_ORBITAL;
  parsed = line_parse(&report, TRACK_LINE_LATENCY_NONE);
  assert_null(json_object_get(parsed, "launch"));
  assert_null(json_object_get(parsed, "impact"));
  json_decref(parsed);
  report.class_ = CLASS_BALLISTIC;
  report.impact.ground.semi_major_m = NAN; /* no such line */
  assert_int_equal(track_line_write(line, sizeof line, &report, &site, TRACK_LINE_LATENCY_NONE), 0);
}

static struct track_report report_draw(struct prng *prng) {
  struct track_report report = support_report(prng_u64(prng) >> 1, prng_below(prng, 1000));
  report.status = (uint8_t)prng_below(prng, 3);
  report.class_ = (uint8_t)prng_below(prng, 4);
  report.phase = (uint8_t)prng_below(prng, 4);
  for (int i = 0; i < 3; i++) {
    report.position_m[i] = (prng_uniform(prng) - 0.5) * 1e8;
    report.velocity_mps[i] = (prng_uniform(prng) - 0.5) * 2e4;
  }
  for (int i = 0; i < 21; i++) report.covariance[i] = ldexp(prng_uniform(prng) - 0.5, (int)prng_below(prng, 60) - 20);
  report.lat_deg = prng_uniform(prng) * 180 - 90;
  report.lon_deg = prng_uniform(prng) * 360 - 180;
  report.height_m = prng_uniform(prng) * 1e6 - 500;
  report.existence = prng_uniform(prng);
  report.innovation_components = (uint32_t)prng_below(prng, 5);
  report.innovation2 = report.innovation_components ? ldexp(prng_uniform(prng), (int)prng_below(prng, 40) - 20) : 0;
  report.sensors[0] = prng_below(prng, 8);
  return report;
}

static void numbers_compare(const json_t *parsed, const struct track_report *report) {
  number_near(json_object_get(parsed, "lat_deg"), report->lat_deg, 0.51e-9);
  number_near(json_object_get(parsed, "lon_deg"), report->lon_deg, 0.51e-9);
  number_near(json_object_get(parsed, "height_m"), report->height_m, 0.51e-3);
  number_near(json_object_get(parsed, "existence"), report->existence, 0.51e-6);
  for (size_t i = 0; i < 3; i++) {
    number_near(json_array_get(json_object_get(parsed, "position_ecef_m"), i), report->position_m[i], 0.51e-3);
    number_near(json_array_get(json_object_get(parsed, "velocity_ecef_mps"), i), report->velocity_mps[i], 0.51e-4);
  }
  const json_t *innovation = json_object_get(parsed, "innovation");
  assert_int_equal(innovation != NULL, report->innovation_components > 0); /* absent, not 0 */
  if (innovation) {
    number_near(json_object_get(innovation, "nis"), report->innovation2, report->innovation2 * 5.1e-6);
    assert_int_equal(json_integer_value(json_object_get(innovation, "dof")), report->innovation_components);
  }
  const json_t *covariance = json_object_get(parsed, "covariance");
  assert_int_equal(json_array_size(covariance), 21);
  for (size_t i = 0; i < 21; i++) {
    number_near(json_array_get(covariance, i), report->covariance[i], fabs(report->covariance[i]) * 5.1e-9);
  }
}

static void line_parses_back_to_the_report(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 1);
  for (int round = 0; round < 2000; round++) {
    struct track_report report = report_draw(&prng);
    json_t *parsed = line_parse(&report, round);
    assert_int_equal(json_integer_value(json_object_get(parsed, "time_ns")), report.time_ns);
    assert_int_equal(json_integer_value(json_object_get(parsed, "track")), report.track);
    assert_int_equal(json_integer_value(json_object_get(parsed, "detections")), report.detections);
    assert_int_equal(json_integer_value(json_object_get(parsed, "first_time_ns")), report.first_time_ns);
    assert_string_equal(json_string_value(json_object_get(parsed, "status")), track_status_names[report.status]);
    assert_string_equal(json_string_value(json_object_get(parsed, "class")), track_class_names[report.class_]);
    assert_true(json_is_false(json_object_get(parsed, "exercise")));
    numbers_compare(parsed, &report);
    const json_t *sensors = json_object_get(parsed, "sensors");
    size_t at = 0;
    for (uint32_t i = 0; i < 3; i++) {
      if (!(report.sensors[0] >> i & 1)) continue;
      assert_int_equal(json_integer_value(json_array_get(sensors, at++)), site.sensors[i].id);
    }
    assert_int_equal(json_array_size(sensors), at);
    size_t nations = ((report.sensors[0] & 5) != 0) + (size_t)((report.sensors[0] & 2) != 0);
    assert_int_equal(json_array_size(json_object_get(parsed, "nations")), nations);
    json_decref(parsed);
  }
}

static void equal_reports_give_equal_bytes(void **state) {
  (void)state;
  static char again[TRACK_LINE_MAX];
  struct prng prng = prng_seed(SEED, 2);
  for (int round = 0; round < 200; round++) {
    struct track_report report = report_draw(&prng);
    size_t size = track_line_write(line, sizeof line, &report, &site, 5);
    assert_int_equal(track_line_write(again, sizeof again, &report, &site, 5), size);
    assert_memory_equal(line, again, size);
  }
}

static void line_that_is_not_finite_is_not_written(void **state) {
  (void)state;
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++) {
    struct track_report report = support_report(1, 1);
    double *const fields[] = {&report.position_m[2], &report.velocity_mps[0], &report.covariance[20], &report.lat_deg,
                              &report.lon_deg,       &report.height_m,        &report.existence,
                              &report.phase_probability[1]};
    for (size_t field = 0; field < sizeof fields / sizeof *fields; field++) {
      double kept = *fields[field];
      *fields[field] = bad[i];
      assert_int_equal(track_line_write(line, sizeof line, &report, &site, -1), 0);
      *fields[field] = kept;
      assert_true(track_line_write(line, sizeof line, &report, &site, -1) > 0);
    }
  }
  struct track_report report = support_report(1, 1);
  report.status = STATUS_LOST + 1;
  assert_int_equal(track_line_write(line, sizeof line, &report, &site, -1), 0);
}

static void longest_line_fits_its_bound(void **state) {
  (void)state;
  static struct site large;
  memset(&large, 0, sizeof large);
  large.exercise = true;
  memset(large.centre, 1, SITE_NAME_MAX - 1); /* a control character takes six bytes */
  large.nation_count = SITE_NATIONS_MAX;
  for (uint32_t i = 0; i < SITE_NATIONS_MAX; i++) memset(large.nations[i], 1 + (int)i % 31, SITE_NAME_MAX - 1);
  for (uint32_t i = 0; i < SITE_SENSORS_MAX; i++) {
    large.sensors[i] = (struct sensor){.id = UINT32_MAX - i, .nation_index = i % SITE_NATIONS_MAX};
  }
  large.sensor_count = SITE_SENSORS_MAX;
  struct track_report report = support_report(INT64_MAX, 1); /* larger ones are no integers to jansson */
  memset(report.sensors, 0xff, sizeof report.sensors);
  report.time_ns = report.first_time_ns = INT64_MIN;
  report.detections = INT64_MAX;
  for (int i = 0; i < 21; i++) report.covariance[i] = -1.2345678912e-300;
  for (int i = 0; i < 3; i++) {
    report.position_m[i] = report.velocity_mps[i] = report.phase_probability[i] = -1.2345678901234567e-300;
    report.position_m[i] = -1.2345678901234567e300;
  }
  report.lat_deg = report.lon_deg = report.height_m = report.existence = -1.2345678901234567e300;
  size_t size = track_line_write(line, sizeof line, &report, &large, INT64_MAX);
  assert_true(size > 8192 && size < TRACK_LINE_MAX);
  json_t *parsed = json_loadb(line, size, 0, NULL);
  assert_non_null(parsed);
  assert_true(json_is_true(json_object_get(parsed, "exercise")));
  assert_int_equal(json_array_size(json_object_get(parsed, "sensors")), SITE_SENSORS_MAX);
  json_decref(parsed);
}

static int site_make(void **state) {
  (void)state;
  support_site(&site);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(line_has_the_contracts_form),
      cmocka_unit_test(fields_that_do_not_apply_are_absent),
                                     cmocka_unit_test(warning_is_said_of_ballistic_tracks_only),
      cmocka_unit_test(line_parses_back_to_the_report),
      cmocka_unit_test(equal_reports_give_equal_bytes),
      cmocka_unit_test(line_that_is_not_finite_is_not_written),
      cmocka_unit_test(longest_line_fits_its_bound),
  };
  return cmocka_run_group_tests(tests, site_make, NULL);
}

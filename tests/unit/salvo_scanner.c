// The generator's sensors: what they see, how often, how wrong, in which order.
// stage: weft_ingest weft_domain weft_base
// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c tools/salvo/target.c tools/salvo/aircraft.c tools/salvo/scenario.c tools/salvo/scenario_gauge.c tools/salvo/scenario_site.c tools/salvo/salvo_report.c tools/salvo/scanner.c tools/salvo/csv_write.c
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tools/salvo/output.h"
#include "tools/salvo/scanner.h"

static void near(const char *what, double value, double low, double high) {
  if (!(value >= low && value <= high))
    fail_msg("%s = %.12g, expected %.12g to %.12g (seed 1)", what, value, low, high);
}

/* A scenario from text, with its targets. */
struct world {
  struct scenario *scenario;
  struct fleet_of_targets targets;
};

static struct world world_open(const char *text) {
  struct world world = {0};
  struct weft_error err = {""};
  char path[] = "/tmp/salvo_scanner_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (long)strlen(text));
  close(fd);
  int rc = scenario_load(&world.scenario, path, &err);
  unlink(path);
  if (rc == 0) rc = targets_build(&world.targets, world.scenario, &err);
  if (rc) fail_msg("%s", err.text);
  return world;
}

static void world_close(struct world *world) {
  targets_free(&world->targets);
  scenario_free(world->scenario);
}

#define RADAR_ONE                                                                                                         \
  "  - {id: 1, name: r, nation: A, kind: radar, position: {lat_deg: -45, lon_deg: -123, height_m: 30}, revisit_s: 0.5,\n" \
  "     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.002, range_rate_mps: 5}, detection_probability: 0.8,\n" \
  "     clutter_per_scan: 3, coverage: {range_m: [1000, 500000], azimuth_deg: [300, 200], elevation_deg: [0.5, 60]},\n"   \
  "     delay: {constant_s: 0.2, jitter_s: 0.3}}\n"
#define PLANE                                                                                                              \
  "  - {name: plane, lat_deg: [-44.4, -44.4], lon_deg: [-123.4, -123.4], height_m: [10000, 10000], speed_mps: [10, 10],\n" \
  "     heading_deg: [80, 80], legs: [{duration_s: 4000}]}\n"

static void detections_have_the_stated_probability_and_noise(void **unused) {
  (void)unused;
  struct world world = world_open("duration_s: 3600\nsensors:\n" RADAR_ONE "fleets:\n" PLANE);
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  const struct gauge *gauge = &world.scenario->gauges[0];
  double sum[4] = {0}, square[4] = {0}, n = 0, looks = 7200;
  struct stand stand = {{{0}, {0}}, {{0}}};
  earth_ecef_deg(gauge->lat_deg, gauge->lon_deg, gauge->height_m, stand.state.r);
  stand_axes(gauge, &stand);
  for (const struct report *report; (report = scanner_next(scanner));) {
    if (report->target < 0) continue;
    struct state state;
    double ideal[4];
    assert_true(
        path_at(&world.targets.targets[0].path, 1e-9 * (double)(report->time_ns - world.scenario->start_ns), &state));
    gauge_measure(&stand, &state, ideal);
    for (int i = 0; i < 4; i++) {
      double error = report->z[i] - ideal[i];
      if (i == 1) error = remainder(error, 2 * SALVO_PI); /* the plane crosses north */
      error /= gauge->sigma[i];
      sum[i] += error;
      square[i] += error * error;
    }
    n++;
  }
  near("detections", n, looks * 0.8 - 4.5 * sqrt(looks * 0.16), looks * 0.8 + 4.5 * sqrt(looks * 0.16));
  for (int i = 0; i < 4; i++) {
    near("mean error, sigmas", sum[i] / n, -4.5 / sqrt(n), 4.5 / sqrt(n));
    near("mean square error, variances", square[i] / n, 1 - 4.5 * sqrt(2 / n), 1 + 4.5 * sqrt(2 / n));
  }
  scanner_free(scanner);
  world_close(&world);
}

static void clutter_is_poisson_and_uniform_over_the_coverage(void **unused) {
  (void)unused;
  struct world world = world_open("duration_s: 3600\nsensors:\n" RADAR_ONE);
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  double n = 0, sum[3] = {0}, square[3] = {0}, scans = 7200;
  for (const struct report *report; (report = scanner_next(scanner));) {
    double azimuth = report->z[1] / SALVO_DEG;
    double unit[3] = {(report->z[0] - 1000) / 499000, fmod(azimuth - 300 + 360, 360) / 260,
                      (report->z[2] / SALVO_DEG - 0.5) / 59.5};
    for (int i = 0; i < 3; i++) {
      near("place in the coverage", unit[i], 0, 1);
      sum[i] += unit[i];
      square[i] += unit[i] * unit[i];
    }
    n++;
  }
  near("false plots", n, 3 * scans - 4.5 * sqrt(3 * scans), 3 * scans + 4.5 * sqrt(3 * scans));
  for (int i = 0; i < 3; i++) {
    near("mean place", sum[i] / n, 0.5 - 4.5 * sqrt(1 / 12.0 / n), 0.5 + 4.5 * sqrt(1 / 12.0 / n));
    near("mean square place", square[i] / n, 1 / 3.0 - 4.5 * sqrt(4 / 45.0 / n), 1 / 3.0 + 4.5 * sqrt(4 / 45.0 / n));
  }
  scanner_free(scanner);
  world_close(&world);
}

static void bursts_multiply_the_clutter_while_they_last(void **unused) {
  (void)unused;
  struct world world = world_open(
      "duration_s: 3600\nsensors:\n"
      "  - {id: 1, name: r, nation: A, kind: radar, position: {lat_deg: -45, lon_deg: -123, height_m: 30},\n"
      "     revisit_s: 1, sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.002},\n"
      "     clutter_per_scan: 2, burst: {per_hour: 20, duration_s: 10, multiplier: 20}}\n");
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  static int scan[3600];
  memset(scan, 0, sizeof scan);
  for (const struct report *report; (report = scanner_next(scanner));)
    scan[(report->time_ns - world.scenario->start_ns) / 1000000000]++;
  int loud = 0, quiet_sum = 0, loud_sum = 0;
  for (int i = 0; i < 3600; i++) {
    if (scan[i] > 15) { /* a quiet scan does that once in 1e8 times, a loud one misses it once in 1e5 */
      loud++;
      loud_sum += scan[i];
    } else {
      quiet_sum += scan[i];
    }
  }
  near("loud scans", loud, 60, 360);
  near("loud mean", (double)loud_sum / loud, 40 - 4.5 * sqrt(40.0 / loud), 40 + 4.5 * sqrt(40.0 / loud));
  near("quiet mean", quiet_sum / (3600.0 - loud), 2 - 4.5 * sqrt(2 / (3600.0 - loud)),
       2 + 4.5 * sqrt(2 / (3600.0 - loud)));
  scanner_free(scanner);
  world_close(&world);
}

static void arrivals_are_in_order_and_delayed_as_stated(void **unused) {
  (void)unused;
  struct world world = world_open(
      "duration_s: 300\nsensors:\n" RADAR_ONE
      "  - {id: 2, name: p, nation: B, kind: position, position: {lat_deg: -44, lon_deg: -123, height_m: 30},\n"
      "     revisit_s: 0.7, phase_s: 0.1, sigma: {x_m: 20}, delay: {constant_s: 1.5}}\n"
      "fleets:\n" PLANE);
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  int64_t last = 0, newest = 0;
  int overtaken = 0;
  for (const struct report *report; (report = scanner_next(scanner));) {
    double delay = 1e-9 * (double)(report->arrival_ns - report->time_ns);
    assert_true(report->arrival_ns >= last);
    if (report->gauge == 0)
      near("radar delay", delay, 0.2 - 1e-8, 0.5 + 1e-8);
    else
      near("position delay", delay, 1.5 - 1e-8, 1.5 + 1e-8);
    last = report->arrival_ns;
    overtaken += report->time_ns < newest;
    newest = report->time_ns > newest ? report->time_ns : newest;
  }
  assert_true(overtaken > 100);
  scanner_free(scanner);
  world_close(&world);
}

/* All reports of one sensor on one target name, as a checksum and a count. */
static uint64_t digest(const char *text, uint32_t gauge_id, const char *target, int *count, uint64_t seed) {
  struct world world = world_open(text);
  if (seed) world.scenario->seed = seed;
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  uint64_t hash = 1;
  *count = 0;
  for (const struct report *report; (report = scanner_next(scanner));) {
    const char *name = report->target < 0 ? "" : world.targets.targets[report->target].name;
    if (world.scenario->gauges[report->gauge].id != gauge_id || strcmp(name, target) != 0) continue;
    uint64_t bits[4];
    memcpy(bits, report->z, sizeof bits);
    hash = (hash ^ (uint64_t)report->time_ns ^ (uint64_t)report->arrival_ns * 3) * 0x100000001b3u;
    for (int i = 0; i < 4; i++) hash = (hash ^ bits[i]) * 0x100000001b3u;
    ++*count;
  }
  scanner_free(scanner);
  world_close(&world);
  return hash;
}

static void a_new_target_or_sensor_changes_nothing_else(void **unused) {
  (void)unused;
  static const char *const small = "duration_s: 200\nsensors:\n" RADAR_ONE "fleets:\n" PLANE;
  static const char *const large =
      "duration_s: 200\nsensors:\n"
      "  - {id: 9, name: q, nation: B, kind: radar, position: {lat_deg: -44, lon_deg: -122, height_m: 30}, revisit_s: 1,\n"
      "     sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.002}, clutter_per_scan: 5}\n" RADAR_ONE
      "fleets:\n  - {name: other, count: 7, lat_deg: [-44.5, -44], lon_deg: [-123, -122]}\n" PLANE;
  int a_count, b_count;
  assert_int_equal(digest(small, 1, "plane", &a_count, 0), digest(large, 1, "plane", &b_count, 0));
  assert_int_equal(a_count, b_count);
  assert_true(a_count > 100);
  assert_int_equal(digest(small, 1, "", &a_count, 0), digest(large, 1, "", &b_count, 0));
  assert_true(a_count > 100 && a_count == b_count);
  assert_int_equal(digest(small, 1, "plane", &a_count, 5), digest(small, 1, "plane", &b_count, 5));
  assert_true(digest(small, 1, "plane", &a_count, 5) != digest(small, 1, "plane", &b_count, 6));
}

static void known_geometry_is_measured(void **unused) {
  (void)unused;
  struct gauge gauge = {.kind = GAUGE_RADAR};
  struct stand stand = {{{0}, {0}}, {{0}}};
  struct state target = {{0}, {0}};
  double z[4];
  earth_ecef_deg(-30, 70, 100, stand.state.r);
  stand_axes(&gauge, &stand);
  earth_ecef_deg(-30, 70, 50100, target.r);
  gauge_measure(&stand, &target, z);
  near("range to the zenith", z[0], 50000 - 1e-6, 50000 + 1e-6);
  near("elevation of the zenith", z[2], SALVO_PI / 2 - 1e-6, SALVO_PI / 2);
  earth_ecef_deg(-29, 70, 100, target.r);
  gauge_measure(&stand, &target, z);
  near("azimuth north", fmin(z[1], 2 * SALVO_PI - z[1]), 0, 1e-9);
  earth_ecef_deg(-30, 69.999, 100, target.r);
  target.v[2] = 0;
  for (int i = 0; i < 3; i++) target.v[i] = (target.r[i] - stand.state.r[i]);
  gauge_measure(&stand, &target, z);
  near("azimuth west", z[1], 1.5 * SALVO_PI - 1e-4, 1.5 * SALVO_PI + 1e-4);
  near("range rate going away at its own range per second", z[3] / z[0], 1 - 1e-12, 1 + 1e-12);
  gauge = (struct gauge){.kind = GAUGE_LOS, .frame_ecef = true};
  stand = (struct stand){{{4e7, 0, 0}, {0}}, {{0}}};
  stand_axes(&gauge, &stand);
  gauge_measure(&stand, &(struct state){{4e7 - 1, 1, sqrt(2)}, {0}}, z);
  near("ECEF azimuth", z[1], 0.75 * SALVO_PI - 1e-7, 0.75 * SALVO_PI + 1e-7);
  near("ECEF elevation", z[2], SALVO_PI / 4 - 1e-7, SALVO_PI / 4 + 1e-7);
}

/* An aircraft at height h is behind the horizon beyond sqrt(2 R h) + sqrt(2 R h0). */
static void the_earth_hides_what_is_behind_the_horizon(void **unused) {
  (void)unused;
  double radar[3], plane[3], low = 0, high = 20;
  earth_ecef_deg(0, 0, 30, radar);
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    earth_ecef_deg(0, middle, 10000, plane);
    if (earth_blocks(radar, plane))
      high = middle;
    else
      low = middle;
  }
  double angle = acos(EARTH_A_M / (EARTH_A_M + 10000)) + acos(EARTH_A_M / (EARTH_A_M + 30));
  near("horizon along the equator, deg", low, angle / SALVO_DEG - 1e-6, angle / SALVO_DEG + 1e-6);
  double satellite[3] = {4.2e7, 0, 0};
  earth_ecef_deg(0, 0, 0, plane);
  assert_false(earth_blocks(satellite, plane));
  earth_ecef_deg(0, 180, 0, plane);
  assert_true(earth_blocks(satellite, plane));
}

static void a_rotating_beam_stamps_the_time_it_passes(void **unused) {
  (void)unused;
  struct world world = world_open(
      "duration_s: 1000\nsensors:\n"
      "  - {id: 1, name: r, nation: A, kind: radar2d, position: {lat_deg: -45, lon_deg: -123, height_m: 30},\n"
      "     scan: rotating, revisit_s: 6, phase_s: 2, sigma: {range_m: 30, azimuth_rad: 0.000001, height_m: 40},\n"
      "     detection_probability: 1}\n"
      "fleets:\n  - {name: f, count: 20, lat_deg: [-46, -44], lon_deg: [-124, -122], height_m: [8000, 12000]}\n");
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  int n = 0;
  for (const struct report *report; (report = scanner_next(scanner)); n++) {
    double time = 1e-9 * (double)(report->time_ns - world.scenario->start_ns);
    double beam = remainder(2 * SALVO_PI * (time - 2) / 6 - report->z[1], 2 * SALVO_PI);
    near("beam less plot azimuth", beam, -2e-4, 2e-4);
    assert_true(report->has_height);
  }
  near("plots", n, 20 * 166 * 0.98, 20 * 168); /* a plane that crosses north may be passed once more or less */
  scanner_free(scanner);
  world_close(&world);
}

static void infrared_sees_burning_motors_above_the_clouds_alone(void **unused) {
  (void)unused;
  struct world world = world_open(
      "duration_s: 400\nsensors:\n"
      "  - {id: 1, name: eye, nation: A, kind: los, frame: ecef, position: {lat_deg: 0, lon_deg: -118, height_m: 35786000},\n"
      "     revisit_s: 0.5, sigma: {azimuth_rad: 0.00002, elevation_rad: 0.00002}, detection_probability: 1}\n"
      "salvos:\n  - {name: M, type: short, first_s: 10, launch: {lat_deg: -45, lon_deg: -123}, aim: {lat_deg: -47, lon_deg: -123}}\n"
      "fleets:\n" PLANE);
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  const struct target *missile = &world.targets.targets[0];
  int n = 0;
  for (const struct report *report; (report = scanner_next(scanner)); n++) {
    double time = 1e-9 * (double)(report->time_ns - world.scenario->start_ns);
    struct state state;
    assert_int_equal(report->target, 0);
    assert_true(path_at(&missile->path, time, &state));
    near("height seen", earth_geodetic(state.r).height_m, 10000, 1e6);
    near("time seen", time, 10, missile->boost_end_s);
    assert_string_equal(target_phase(missile, time), "boost");
  }
  assert_true(n > 40);
  assert_string_equal(target_phase(missile, missile->boost_end_s + 1), "coast");
  assert_string_equal(target_phase(missile, missile->impact_s - 1), "reentry");
  scanner_free(scanner);
  world_close(&world);
}

static void a_ship_says_where_it_is_and_measures_from_there(void **unused) {
  (void)unused;
  static const char *const text =
      "duration_s: 600\nsensors:\n"
      "  - {id: 1, name: ship, nation: A, kind: radar, position: {lat_deg: -45, lon_deg: -123, height_m: 20}, revisit_s: 1,\n"
      "     motion: {course_deg: 90, speed_mps: 10, state_interval_s: 2}, detection_probability: 1,\n"
      "     sigma: {range_m: 0.001, azimuth_rad: 1.0e-9, elevation_rad: 1.0e-9}}\nfleets:\n" PLANE;
  struct world world = world_open(text);
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  struct state at = {{0}, {0}};
  double start[3];
  int states = 0, plots = 0;
  earth_ecef_deg(-45, -123, 20, start);
  for (const struct report *report; (report = scanner_next(scanner));) {
    double time = 1e-9 * (double)(report->time_ns - world.scenario->start_ns);
    if (report->kind == REPORT_STATE) {
      memcpy(at.r, report->z, sizeof at.r);
      memcpy(at.v, report->velocity, sizeof at.v);
      near("metres from the start", hypot(hypot(at.r[0] - start[0], at.r[1] - start[1]), at.r[2] - start[2]),
           10 * time - 0.1, 10 * time + 0.1);
      near("speed", vec_norm(at.v), 10 - 1e-6, 10 + 1e-6);
      states++;
      continue;
    }
    double since = fmod(time, 2);
    struct stand stand = {at, {{0}}};
    struct state plane;
    double ideal[4];
    for (int i = 0; i < 3; i++) stand.state.r[i] += since * at.v[i];
    stand_axes(&world.scenario->gauges[0], &stand);
    assert_true(path_at(&world.targets.targets[0].path, time, &plane));
    gauge_measure(&stand, &plane, ideal);
    near("range from the ship", report->z[0] - ideal[0], -0.05, 0.05);
    plots++;
  }
  assert_int_equal(states, 300);
  assert_int_equal(plots, 600);
  scanner_free(scanner);
  world_close(&world);
}

static void bias_is_added_to_value_and_time(void **unused) {
  (void)unused;
#define BIAS_HEAD                                                                                                                   \
  "duration_s: 60\nsensors:\n  - {id: 1, name: r, nation: A, kind: radar, position: {lat_deg: -45, lon_deg: -123, height_m: 30},\n" \
  "     revisit_s: 1, sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.002}, detection_probability: 1"
  struct world plain = world_open(BIAS_HEAD "}\nfleets:\n" PLANE);
  struct world biased = world_open(
      BIAS_HEAD ", bias: {range_m: 180, azimuth_rad: 0.009, elevation_rad: -0.002, time_s: 0.25}}\nfleets:\n" PLANE);
  struct scanner *a = scanner_open(plain.scenario, &plain.targets, false),
                 *b = scanner_open(biased.scenario, &biased.targets, false);
  for (const struct report *x, *y; (x = scanner_next(a)) && (y = scanner_next(b));) {
    assert_int_equal(y->time_ns - x->time_ns, 250000000);
    assert_int_equal(y->arrival_ns, x->arrival_ns);
    near("range bias", y->z[0] - x->z[0], 180 - 1e-6, 180 + 1e-6);
    near("azimuth bias", y->z[1] - x->z[1], 0.009 - 1e-9, 0.009 + 1e-9);
    near("elevation bias", y->z[2] - x->z[2], -0.002 - 1e-9, -0.002 + 1e-9);
  }
  scanner_free(a);
  scanner_free(b);
  world_close(&plain);
  world_close(&biased);
}

#define PLANE_AT(name, lat)                                                                                          \
  "  - {name: " name ", lat_deg: [" lat ", " lat "], lon_deg: [-123, -123], height_m: [10000, 10000], speed_mps: [10, 10],\n" \
  "     heading_deg: [90, 90], legs: [{duration_s: 4000}]}\n"
#define SHARP_RADAR(cell)                                                                                              \
  "  - {id: 1, name: r, nation: A, kind: radar, position: {lat_deg: -45, lon_deg: -123, height_m: 30}, revisit_s: 1,\n" \
  "     sigma: {range_m: 1e-6, azimuth_rad: 1e-9, elevation_rad: 1e-9}, detection_probability: 1" cell "}\n"

/* a and b are 56 m apart in range, b and c 89 m, d is kilometres off. */
static int plots_of_first_scan(const char *text, double range_m[8]) {
  struct world world = world_open(text);
  struct scanner *scanner = scanner_open(world.scenario, &world.targets, false);
  int count = 0;
  for (const struct report *report; (report = scanner_next(scanner));) {
    if (report->time_ns - world.scenario->start_ns < 500000000 && count < 8) range_m[count++] = report->z[0];
  }
  scanner_free(scanner);
  world_close(&world);
  return count;
}

static void targets_within_a_cell_yield_one_plot_in_their_middle(void **unused) {
  (void)unused;
#define FOUR PLANE_AT("a", "-44.5") PLANE_AT("b", "-44.4995") PLANE_AT("c", "-44.4987") PLANE_AT("d", "-44.4")
  double apart[8], pair[8], chain[8], narrow[8];
  const char *const head = "duration_s: 2\nsensors:\n";
  char text[4][4096];
  snprintf(text[0], sizeof text[0], "%s%sfleets:\n%s", head, SHARP_RADAR(""), FOUR);
  snprintf(text[1], sizeof text[1], "%s%sfleets:\n%s", head,
           SHARP_RADAR(", resolution: {range_m: 70, azimuth_rad: 0.02, elevation_rad: 0.02}"), FOUR);
  snprintf(text[2], sizeof text[2], "%s%sfleets:\n%s", head,
           SHARP_RADAR(", resolution: {range_m: 100, azimuth_rad: 0.02, elevation_rad: 0.02}"), FOUR);
  snprintf(text[3], sizeof text[3], "%s%sfleets:\n%s", head,
           SHARP_RADAR(", resolution: {range_m: 70, azimuth_rad: 0.02, elevation_rad: 1e-6}"), FOUR);
  assert_int_equal(plots_of_first_scan(text[0], apart), 4);
  assert_int_equal(plots_of_first_scan(text[1], pair), 3);
  assert_int_equal(plots_of_first_scan(text[2], chain), 2);
  assert_int_equal(plots_of_first_scan(text[3], narrow), 4);
  near("middle of a and b", pair[0] - (apart[0] + apart[1]) / 2, -1e-3, 1e-3);
  near("c alone", pair[1] - apart[2], -1e-3, 1e-3);
  near("middle of the chain", chain[0] - (apart[0] + apart[1] + apart[2]) / 3, -1e-3, 1e-3);
  near("d alone", chain[1] - apart[3], -1e-3, 1e-3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(detections_have_the_stated_probability_and_noise),
      cmocka_unit_test(clutter_is_poisson_and_uniform_over_the_coverage),
      cmocka_unit_test(bursts_multiply_the_clutter_while_they_last),
      cmocka_unit_test(arrivals_are_in_order_and_delayed_as_stated),
      cmocka_unit_test(a_new_target_or_sensor_changes_nothing_else),
      cmocka_unit_test(known_geometry_is_measured),
      cmocka_unit_test(the_earth_hides_what_is_behind_the_horizon),
      cmocka_unit_test(a_rotating_beam_stamps_the_time_it_passes),
      cmocka_unit_test(infrared_sees_burning_motors_above_the_clouds_alone),
      cmocka_unit_test(a_ship_says_where_it_is_and_measures_from_there),
      cmocka_unit_test(bias_is_added_to_value_and_time),
      cmocka_unit_test(targets_within_a_cell_yield_one_plot_in_their_middle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Detections made ready for the tracker, against long double geometry of the test's own; sensors that move; coverage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

/* WGS-84 by the textbook, in long double. */
static void ecef_of(long double lat, long double lon, long double h, long double p[3]) {
  const long double a = 6378137.0L, f = 1 / 298.257223563L, e2 = f * (2 - f);
  long double n = a / sqrtl(1 - e2 * sinl(lat) * sinl(lat));
  p[0] = (n + h) * cosl(lat) * cosl(lon);
  p[1] = (n + h) * cosl(lat) * sinl(lon);
  p[2] = (n * (1 - e2) + h) * sinl(lat);
}

/* The point at range, azimuth, elevation from a place on the ellipsoid. */
static void polar_point(const struct sensor *s, long double range, long double azimuth, long double elevation, long double p[3]) {
  long double lat = (long double)s->lat_deg * acosl(-1) / 180, lon = (long double)s->lon_deg * acosl(-1) / 180;
  long double e = range * cosl(elevation) * sinl(azimuth), n = range * cosl(elevation) * cosl(azimuth), u = range * sinl(elevation);
  ecef_of(lat, lon, (long double)s->height_m, p);
  p[0] += -sinl(lon) * e - sinl(lat) * cosl(lon) * n + cosl(lat) * cosl(lon) * u;
  p[1] += cosl(lon) * e - sinl(lat) * sinl(lon) * n + cosl(lat) * sinl(lon) * u;
  p[2] += cosl(lat) * n + sinl(lat) * u;
}

static long double off(const double a[3], const long double b[3]) {
  long double sum = 0;
  for (int i = 0; i < 3; i++) sum += ((long double)a[i] - b[i]) * ((long double)a[i] - b[i]);
  return sqrtl(sum);
}

/* One plot through a frame of its own. */
static struct plot align(struct rig *rig, const struct sensor_motion *motion, const struct detection *d) {
  static struct sensor_motion none[SITE_SENSORS_MAX];
  struct plot plot;
  frame_reset(&rig->frame);
  frame_append(&rig->frame, d);
  plot_align(&plot, &rig->site, motion ? motion : none, &rig->frame, 0);
  return plot;
}

/* The same rig for every case; only its one sensor is another. */
static struct rig *rig_of_kind(uint8_t kind, double lat_deg, double lon_deg, double height_m) {
  static struct rig *rig;
  if (!rig) {
    rig = rig_new();
    rig_sensor(&rig->site, kind, lat_deg, lon_deg, height_m);
    rig_open(rig, 64, 16, NULL);
  }
  rig->site.sensor_count = 0;
  rig_sensor(&rig->site, kind, lat_deg, lon_deg, height_m);
  return rig;
}

static void radar_point_and_covariance_agree_with_long_double_geometry(void **state) {
  (void)state;
  struct prng prng = prng_seed(1, 0);
  for (int n = 0; n < 300; n++) {
    struct rig *rig = rig_of_kind(KIND_RADAR, 178 * prng_uniform(&prng) - 89, 360 * prng_uniform(&prng) - 180, 3000 * prng_uniform(&prng));
    const struct sensor *s = &rig->site.sensors[0];
    struct detection d = {.time_ns = at(0), .kind = KIND_RADAR, .valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION};
    d.measure[0] = exp(5 + 10 * prng_uniform(&prng));
    d.measure[1] = 6.28 * prng_uniform(&prng) - 3.14;
    d.measure[2] = 3.1 * prng_uniform(&prng) - 1.55;
    struct plot plot = align(rig, NULL, &d);
    long double truth[3], moved[3], covariance[3][3] = {{0}};
    polar_point(s, d.measure[0], d.measure[1], d.measure[2], truth);
    rig_expect(plot.has_point && off(plot.point_m, truth) < 1e-6L + 1e-14L * (long double)d.measure[0], "case %d: %Lg m off", n,
               off(plot.point_m, truth));
    long double range_part = (long double)s->sigma[0] / d.measure[0], elevation_part = (long double)s->sigma[2] * tanl(d.measure[2]);
    long double lever[3] = {1, sqrtl((1 + range_part * range_part) * (1 + elevation_part * elevation_part)), sqrtl(1 + range_part * range_part)};
    for (int k = 0; k < 3; k++) { /* finite differences */
      long double z[3] = {d.measure[0], d.measure[1], d.measure[2]}, derivative[3];
      long double step = k ? 1e-6L : 1e-6L * z[0], other[3];
      z[k] += step;
      polar_point(s, z[0], z[1], z[2], moved);
      z[k] -= 2 * step;
      polar_point(s, z[0], z[1], z[2], other);
      for (int i = 0; i < 3; i++) derivative[i] = lever[k] * (moved[i] - other[i]) / (2 * step);
      for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) covariance[i][j] += (long double)(s->sigma[k] * s->sigma[k]) * derivative[i] * derivative[j];
      }
    }
    long double trace = covariance[0][0] + covariance[1][1] + covariance[2][2];
    for (int i = 0; i < 3; i++) {
      for (int j = i; j < 3; j++) {
        long double difference = fabsl(covariance[i][j] - (long double)plot.point_covariance[WK_AT(3, i, j)]);
        rig_expect(difference < 1e-7L * trace, "case %d: covariance[%d][%d] differs by %Lg of %Lg", n, i, j, difference, trace);
      }
    }
  }
}

/* There the levers of azimuth and elevation vanish, but not by how much the object may be elsewhere. */
static void plot_at_the_site_or_in_the_zenith_is_uncertain_in_every_direction(void **state) {
  (void)state;
  const double measures[3][3] = {{0, 1, 0.5}, {0, 0, asin(1)}, {1e5, -2, asin(1)}};
  for (uint8_t kind = KIND_RADAR; kind <= KIND_RADAR2D; kind++) {
    for (int n = 0; n < 3; n++) {
      struct rig *rig = rig_of_kind(kind, 41, 2, 100);
      struct detection d = {.time_ns = at(0), .kind = kind, .valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_HEIGHT};
      for (int k = 0; k < 3; k++) d.measure[k] = measures[n][k];
      if (kind == KIND_RADAR2D) d.measure[2] = 100 + measures[n][0];
      struct plot plot = align(rig, NULL, &d);
      const double *c = plot.point_covariance;
      double minor = c[0] * c[3] - c[1] * c[1];
      double determinant = c[2] * (c[1] * c[4] - c[2] * c[3]) - c[4] * (c[0] * c[4] - c[1] * c[2]) + c[5] * minor;
      rig_expect(c[0] > 0 && minor > 0 && determinant > 1e-10, "kind %d, case %d: determinant %g m^6", kind, n, determinant);
      rig_expect(plot.sigma_cross_m > 0.01, "kind %d, case %d: %g m across", kind, n, plot.sigma_cross_m);
    }
  }
}

static void radar_uses_the_plots_own_sigma_where_given(void **state) {
  (void)state;
  struct rig *rig = rig_of_kind(KIND_RADAR, 41, 2, 100);
  struct detection d = {.time_ns = at(0), .kind = KIND_RADAR, .measure = {1e5, 1, 0.5, 20}, .sigma = {7, 0, 0.25f, 0},
                        .valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_RANGE_RATE | VALID_SIGMAS};
  struct plot plot = align(rig, NULL, &d);
  assert_true(plot.variance[0] == 49 && plot.variance[1] == 1e-6 && plot.variance[2] == 0.0625);
  assert_int_equal(plot.present, 7); /* a range rate of unknown precision is left out */
  d.sigma[3] = 2;
  plot = align(rig, NULL, &d);
  assert_true(plot.present == 15 && plot.variance[3] == 4 && plot.z[3] == 20);
  d.valid &= (uint16_t)~VALID_SIGMAS;
  plot = align(rig, NULL, &d);
  assert_true(plot.variance[0] == 900 && plot.variance[2] == 1e-6);
}

static void radar2d_point_has_the_reported_height(void **state) {
  (void)state;
  struct prng prng = prng_seed(2, 0);
  for (int n = 0; n < 500; n++) {
    struct rig *rig = rig_of_kind(KIND_RADAR2D, 178 * prng_uniform(&prng) - 89, 360 * prng_uniform(&prng) - 180, 2000 * prng_uniform(&prng));
    struct detection d = {.time_ns = at(0), .kind = KIND_RADAR2D, .valid = VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT};
    d.measure[0] = 20000 + 450000 * prng_uniform(&prng);
    d.measure[1] = 6.28 * prng_uniform(&prng) - 3.14;
    d.measure[2] = 12000 * prng_uniform(&prng);
    struct plot plot = align(rig, NULL, &d);
    double lat_rad, lon_rad, height_m;
    long double site[3], range = 0;
    ecef_of((long double)rig->site.sensors[0].lat_deg * acosl(-1) / 180, (long double)rig->site.sensors[0].lon_deg * acosl(-1) / 180,
            (long double)rig->site.sensors[0].height_m, site);
    wk_geodetic_from_ecef(plot.point_m, &lat_rad, &lon_rad, &height_m);
    rig_expect(fabs(height_m - d.measure[2]) < 0.1, "case %d: range %g m, height %g m, not %g m", n, d.measure[0], height_m, d.measure[2]);
    range = off(plot.point_m, site);
    rig_expect(fabsl(range - (long double)d.measure[0]) < 1e-6L, "case %d: range off by %Lg", n, range - (long double)d.measure[0]);
  }
}

/* 10 km of range cannot reach 40 km of height; nothing can be below the ground at half its range. */
static void radar2d_takes_the_nearest_reachable_height(void **state) {
  (void)state;
  struct rig *rig = rig_of_kind(KIND_RADAR2D, 41, 2, 100);
  const double cases[][3] = {{10000, 40000, 10100}, {3000, -5000, -2900}, {0, 9000, 100}, {1, 1e8, 101}};
  for (int n = 0; n < 4; n++) {
    struct detection d = {.time_ns = at(0), .kind = KIND_RADAR2D, .measure = {cases[n][0], 0.3, cases[n][1]},
                          .valid = VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT};
    struct plot plot = align(rig, NULL, &d);
    double lat_rad, lon_rad, height_m;
    wk_geodetic_from_ecef(plot.point_m, &lat_rad, &lon_rad, &height_m);
    rig_expect(fabs(height_m - cases[n][2]) < 1, "case %d: height %g m", n, height_m);
    for (int k = 0; k < 6; k++) assert_true(isfinite(plot.point_covariance[k]));
  }
  struct detection d = {.time_ns = at(0), .kind = KIND_RADAR2D, .measure = {90000, 0.3}, .valid = VALID_RANGE | VALID_AZIMUTH};
  struct plot plot = align(rig, NULL, &d);
  assert_true(plot.height_assumed && plot.present == 3);
}

/* interfaces.md 3: local = azimuth from north, elevation above the horizontal; ecef = atan2(u_y, u_x), asin(u_z). */
static void line_of_sight_axes_are_local_or_ecef_as_configured(void **state) {
  (void)state;
  struct prng prng = prng_seed(3, 0);
  for (int n = 0; n < 200; n++) {
    struct rig *rig = rig_of_kind(KIND_LOS, 150 * prng_uniform(&prng) - 75, 360 * prng_uniform(&prng) - 180, 500);
    struct sensor *s = &rig->site.sensors[0];
    double azimuth = 6.28 * prng_uniform(&prng) - 3.14, elevation = 3.1 * prng_uniform(&prng) - 1.55;
    struct detection d = {.time_ns = at(0), .kind = KIND_LOS, .measure = {0, azimuth, elevation},
                          .valid = VALID_AZIMUTH | VALID_ELEVATION};
    struct plot plot = align(rig, NULL, &d);
    const long double ecef[3] = {cosl(elevation) * cosl(azimuth), cosl(elevation) * sinl(azimuth), sinl(elevation)};
    rig_expect(off(plot.direction, ecef) < 1e-15L * 10, "case %d: ecef axes off by %Lg", n, off(plot.direction, ecef));
    assert_false(plot.has_point);
    s->frame = LOS_FRAME_LOCAL;
    wk_enu_rows(s->lat_deg * RIG_DEGREE, s->lon_deg * RIG_DEGREE, s->enu);
    plot = align(rig, NULL, &d);
    long double from[3], to[3], local[3];
    polar_point(s, 0, 0, 0, from);
    polar_point(s, 1e6L, azimuth, elevation, to);
    for (int i = 0; i < 3; i++) local[i] = (to[i] - from[i]) / 1e6L;
    rig_expect(off(plot.direction, local) < 1e-14L, "case %d: local axes off by %Lg", n, off(plot.direction, local));
    d.valid |= VALID_PLATFORM; /* a given platform means ECEF axes, whatever is configured */
    const double place[3] = {7e6, -1e6, 2e6};
    memcpy(d.platform_m, place, sizeof place);
    plot = align(rig, NULL, &d);
    assert_true(off(plot.direction, ecef) < 1e-14L);
    assert_memory_equal(plot.site_m, place, sizeof place);
  }
}

static void position_is_taken_as_it_is(void **state) {
  (void)state;
  struct rig *rig = rig_of_kind(KIND_POSITION, 41, 2, 100);
  struct detection d = {.time_ns = at(0), .kind = KIND_POSITION, .measure = {6.5e6, -1e5, 3e5}, .valid = VALID_XYZ};
  struct plot plot = align(rig, NULL, &d);
  assert_memory_equal(plot.point_m, d.measure, sizeof plot.point_m);
  const double covariance[6] = {2500, 0, 0, 2500, 0, 2500};
  assert_memory_equal(plot.point_covariance, covariance, sizeof covariance);
}

static void moving_sensor_is_where_its_newest_earlier_state_says(void **state) {
  (void)state;
  struct rig *rig = rig_of_kind(KIND_RADAR, 41, 2, 100);
  struct sensor_motion motion = {0};
  double p[3], v[3];
  const struct sensor *s = &rig->site.sensors[0];
  sensor_motion_at(&motion, s, at(0), p, v);
  assert_memory_equal(p, s->position_m, sizeof p);
  assert_int_equal(sensor_motion_status(&motion), SENSOR_UP);
  const double times[] = {10, 12, 11, 40}; /* in order of arrival: one late, one ahead of the plots */
  for (int k = 0; k < 4; k++) {
    struct sensor_state note = {.time_ns = at(times[k]), .status = k == 3 ? SENSOR_DOWN : SENSOR_UP,
                                .position_m = {7e6 + 1000 * times[k], 0, 0}, .velocity_mps = {times[k], 0, -2 * times[k]}};
    sensor_motion_note(&motion, &note);
  }
  sensor_motion_at(&motion, s, at(9.99), p, v); /* before any state */
  assert_memory_equal(p, s->position_m, sizeof p);
  sensor_motion_at(&motion, s, at(10.5), p, v);
  assert_true(fabs(p[0] - (7010000 + 5)) < 1e-6 && v[0] == 10);
  sensor_motion_at(&motion, s, at(11.25), p, v);
  assert_true(fabs(p[0] - (7011000 + 0.25 * 11)) < 1e-6 && fabs(p[2] + 0.25 * 22) < 1e-6);
  sensor_motion_at(&motion, s, at(12), p, v);
  assert_true(p[0] == 7012000 && v[0] == 12);
  sensor_motion_at(&motion, s, at(39), p, v);
  assert_true(fabs(p[0] - (7012000 + 27 * 12)) < 1e-6);
  assert_int_equal(sensor_motion_status(&motion), SENSOR_DOWN);
  for (int k = 0; k < 3 * STATE_HISTORY; k++) { /* only the newest are kept */
    struct sensor_state note = {.time_ns = at(100 + k), .position_m = {8e6 + k, 0, 0}};
    sensor_motion_note(&motion, &note);
  }
  sensor_motion_at(&motion, s, at(200), p, v);
  assert_true(p[0] == 8e6 + 3 * STATE_HISTORY - 1);
}

static bool sensor_covers(const struct sensor *sensor, const double position_m[3]) {
  static struct sensor_motion none;
  struct coverage coverage;
  coverage_open(&coverage, sensor);
  coverage_at(&coverage, sensor, &none, at(0));
  return coverage_holds(&coverage, position_m);
}

static bool covers(struct rig *rig, double azimuth_deg, double elevation_deg, double range_m) {
  long double p[3];
  polar_point(&rig->site.sensors[0], range_m, azimuth_deg * RIG_DEGREE, elevation_deg * RIG_DEGREE, p);
  const double position_m[3] = {(double)p[0], (double)p[1], (double)p[2]};
  return sensor_covers(&rig->site.sensors[0], position_m);
}

static void coverage_knows_ranges_elevations_and_sectors_across_north(void **state) {
  (void)state;
  struct rig *rig = rig_of_kind(KIND_RADAR, 41, 2, 100);
  struct sensor *s = &rig->site.sensors[0];
  const struct sector {
    double from_deg, to_deg, inside[4], outside[4];
  } cases[] = {{350, 10, {350.5, 359.9, 0, 9.5}, {10.5, 180, 349.5, 90}},
               {-10, 10, {350.5, 359.9, 0, 9.5}, {10.5, 180, 349.5, 90}},
               {10, 350, {10.5, 180, 349.5, 90}, {350.5, 359.9, 0, 9.5}},
               {90, 270, {90.5, 180, 269.5, 100}, {89.5, 270.5, 0, 300}},
               {90, 180, {90.5, 100, 179.5, 135}, {89.5, 180.5, 0, 300}},
               {0, 360, {0, 90, 180, 359.9}, {-1, -1, -1, -1}},
               {180, 540, {0, 90, 180, 359.9}, {-1, -1, -1, -1}}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    s->coverage_azimuth_deg[0] = cases[c].from_deg;
    s->coverage_azimuth_deg[1] = cases[c].to_deg;
    for (int k = 0; k < 4; k++) {
      rig_expect(covers(rig, cases[c].inside[k], 30, 1e5), "%g is in %g to %g", cases[c].inside[k], cases[c].from_deg, cases[c].to_deg);
      rig_expect(cases[c].outside[k] < 0 || !covers(rig, cases[c].outside[k], 30, 1e5), "%g is not in %g to %g",
                 cases[c].outside[k], cases[c].from_deg, cases[c].to_deg);
    }
  }
  s->coverage_azimuth_deg[0] = 0;
  s->coverage_azimuth_deg[1] = 360;
  s->coverage_elevation_deg[0] = 2;
  s->coverage_elevation_deg[1] = 70;
  s->coverage_range_m[0] = 5000;
  s->coverage_range_m[1] = 200000;
  assert_true(covers(rig, 20, 2.01, 1e5) && covers(rig, 20, 69.99, 1e5));
  assert_false(covers(rig, 20, 1.99, 1e5) || covers(rig, 20, 70.01, 1e5));
  assert_true(covers(rig, 20, 30, 5001) && covers(rig, 20, 30, 199999));
  assert_false(covers(rig, 20, 30, 4999) || covers(rig, 20, 30, 200001));
}

/* A satellite sees the near side of the Earth and what stands beside it, not what is behind. */
static void coverage_ends_at_the_horizon_of_the_earth(void **state) {
  (void)state;
  struct rig *rig = rig_of_kind(KIND_LOS, 0, 0, 35786000);
  const struct {
    double lat_deg, lon_deg, height_m;
    bool seen;
  } cases[] = {{0, 0, 0, true},       {0, 80, 20000, true},  {0, 88, 0, false},     {0, 180, 100000, false},
               {80, 0, 20000, true},  {0, 95, 20000, false}, {0, 95, 3000000, true}, {0, -100, 300000, false}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double p[3];
    wk_ecef_from_geodetic(cases[c].lat_deg * RIG_DEGREE, cases[c].lon_deg * RIG_DEGREE, cases[c].height_m, p);
    rig_expect(sensor_covers(&rig->site.sensors[0], p) == cases[c].seen, "%g %g %g", cases[c].lat_deg,
               cases[c].lon_deg, cases[c].height_m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(radar_point_and_covariance_agree_with_long_double_geometry),
      cmocka_unit_test(plot_at_the_site_or_in_the_zenith_is_uncertain_in_every_direction),
      cmocka_unit_test(radar_uses_the_plots_own_sigma_where_given),
      cmocka_unit_test(radar2d_point_has_the_reported_height),
      cmocka_unit_test(radar2d_takes_the_nearest_reachable_height),
      cmocka_unit_test(line_of_sight_axes_are_local_or_ecef_as_configured),
      cmocka_unit_test(position_is_taken_as_it_is),
      cmocka_unit_test(moving_sensor_is_where_its_newest_earlier_state_says),
      cmocka_unit_test(coverage_knows_ranges_elevations_and_sectors_across_north),
      cmocka_unit_test(coverage_ends_at_the_horizon_of_the_earth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_domain weft_base weft_kernels
/* Normalised innovations: small cases by hand, and for each kind of sensor that states drawn from the
 * covariance and noise drawn from the sensor give their number of components in the mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/track/innovation.h"

enum { SEED = 20, DRAWS = 20000 };

static void nis_is(double found, double expected, double tolerance) {
  if (!(fabs(found - expected) <= tolerance)) fail_msg("nis is %.12g instead of %.12g", found, expected);
}

/* A sensor at (6,378,137 m, 0, 0), whose east, north and up are y, z and x. */
static struct plot plot_begin(enum wk_kind kind, uint8_t present) {
  struct plot plot = {.site_m = {6378137, 0, 0}, .enu = {0, 1, 0, 0, 0, 1, 1, 0, 0}, .kind = (uint8_t)kind};
  plot.present = present;
  return plot;
}

static void moments_set(double moments[27], const double mean[6], const double sigma[6]) {
  memset(moments, 0, 27 * sizeof *moments);
  for (int i = 0; i < 6; i++) {
    moments[i] = mean[i];
    moments[6 + WK_AT(6, i, i)] = sigma[i] * sigma[i];
  }
}

/* v = (30, -40, 0), S = 3^2 + 4^2 = 25 each: 36 + 64. */
static void position_adds_squares_over_both_variances(void **state) {
  (void)state;
  struct plot plot = plot_begin(WK_POSITION, 7);
  double moments[27], mean[6] = {7e6, 1e5, 2e5, 0, 0, 0}, sigma[6] = {3, 3, 3, 1, 1, 1}, nis = -1;
  moments_set(moments, mean, sigma);
  for (int i = 0; i < 3; i++) {
    plot.z[i] = mean[i];
    plot.variance[i] = 16;
  }
  plot.z[0] += 30;
  plot.z[1] -= 40;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 3);
  nis_is(nis, 36.0 + 64, 1e-9);
  plot.present = 2; /* y alone */
  assert_int_equal(innovation_squared(&plot, moments, &nis), 1);
  nis_is(nis, 64, 1e-9);
}

/* 100 km due north on the horizon: range 100 m too long against sqrt(80^2 + 60^2) = 100, 1. Azimuth 2 mrad
 * off, 200 m across against sqrt((1 mrad 100 km)^2 + 0) = 100, 4. Elevation 1 mrad too low against sqrt(100^2
 * + 75^2) = 125, 0.64. Range rate 12 m/s too high against sqrt(3^2 + 4^2) = 5, 5.76. */
static void radar_adds_its_four_components(void **state) {
  (void)state;
  struct plot plot = plot_begin(WK_RADAR, 15);
  double moments[27], mean[6] = {6378137, 0, 1e5, 0, 0, 500}, sigma[6] = {75, 1e-6, 60, 1e-6, 1e-6, 3},
                      nis = -1;
  moments_set(moments, mean, sigma);
  const double z[4] = {1e5 + 100, 2e-3, -1e-3, 512}, deviation[4] = {80, 1e-3, 1e-3, 4};
  for (int c = 0; c < 4; c++) {
    plot.z[c] = z[c];
    plot.variance[c] = deviation[c] * deviation[c];
  }
  assert_int_equal(innovation_squared(&plot, moments, &nis), 4);
  nis_is(nis, 1 + 4 + 0.64 + 5.76, 1e-9);
  plot.present = 7;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 3);
  nis_is(nis, 1 + 4 + 0.64, 1e-9);
}

/* Due south, one side of the seam and the other: 2 mrad apart, not a turn. */
static void azimuth_is_wrapped(void **state) {
  (void)state;
  const double pi = 3.14159265358979323846;
  struct plot plot = plot_begin(WK_LOS, 1);
  double moments[27], mean[6] = {6378137, 100, -1e5, 0, 0, 0}, sigma[6] = {1, 1e-6, 1, 1, 1, 1}, nis = -1;
  moments_set(moments, mean, sigma); /* azimuth pi - 1 mrad */
  plot.z[0] = -pi + 1e-3;
  plot.variance[0] = 1e-6;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 1);
  nis_is(nis, 4, 1e-5);
}

static void assumed_height_has_no_part(void **state) {
  (void)state;
  struct plot plot = plot_begin(WK_RADAR2D, 7);
  double moments[27], mean[6] = {6378137 + 6000, 0, 1e5, 0, 0, 0}, sigma[6] = {10, 10, 10, 1, 1, 1}, nis = -1;
  moments_set(moments, mean, sigma);
  plot.z[0] = sqrt(1e10 + 36e6);
  plot.variance[0] = 900;
  plot.variance[1] = 1e-6;
  plot.variance[2] = 4000.0 * 4000;
  plot.z[2] = 50000;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 3);
  assert_true(nis > 50);
  plot.height_assumed = true;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 2);
  nis_is(nis, 0, 1e-9);
}

static void nothing_is_said_without_a_covariance(void **state) {
  (void)state;
  struct plot plot = plot_begin(WK_POSITION, 7);
  double moments[27] = {7e6, 0, 0}, nis = -1;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 0); /* no variance anywhere */
  for (int c = 0; c < 3; c++) plot.variance[c] = 1;
  plot.z[0] = NAN;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 0);
  plot.present = 0;
  plot.z[0] = 0;
  assert_int_equal(innovation_squared(&plot, moments, &nis), 0);
}

/* What the sensor measures of a state, written apart from the code under test. */
static void measure(const struct plot *plot, const double *x, double z[4]) {
  double d[3], v[3], enu[3], range = 0, rate = 0, lat, lon, height;
  for (int i = 0; i < 3; i++) {
    d[i] = x[i] - plot->site_m[i];
    v[i] = x[3 + i] - plot->site_velocity_mps[i];
    range += d[i] * d[i];
    rate += d[i] * v[i];
  }
  for (int k = 0; k < 3; k++)
    enu[k] = plot->enu[3 * k] * d[0] + plot->enu[3 * k + 1] * d[1] + plot->enu[3 * k + 2] * d[2];
  range = sqrt(range);
  double azimuth = atan2(enu[0], enu[1]), elevation = asin(enu[2] / range);
  wk_geodetic_from_ecef(x, &lat, &lon, &height);
  const double all[WK_KINDS][4] = {[WK_RADAR] = {range, azimuth, elevation, rate / range},
                                   [WK_RADAR2D] = {range, azimuth, height, 0},
                                   [WK_LOS] = {azimuth, elevation, 0, 0},
                                   [WK_POSITION] = {x[0], x[1], x[2], 0}};
  memcpy(z, all[plot->kind], 4 * sizeof *z);
}

/* A correlated covariance L L' and its root. */
static void root_draw(struct prng *prng, double l[6][6], double moments[27]) {
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++)
      l[i][j] = j > i ? 0 : (i < 3 ? 60.0 : 20.0) * (i == j ? 1 : prng_normal(prng) * 0.5);
  for (int i = 0; i < 6; i++)
    for (int j = i; j < 6; j++) {
      double sum = 0;
      for (int k = 0; k < 6; k++) sum += l[i][k] * l[j][k];
      moments[6 + WK_AT(6, i, j)] = sum;
    }
}

/* 20,000 draws of 3 components: the mean's standard deviation is sqrt(2 3 / 20,000) = 0.017. A wrong sign of
 * a Jacobian's row moves the mean by far more than five of these. */
static void mean_is_the_number_of_components(void **state) {
  (void)state;
  static const uint8_t present[WK_KINDS] = {
      [WK_RADAR] = 15, [WK_RADAR2D] = 7, [WK_LOS] = 3, [WK_POSITION] = 7};
  static const double deviation[WK_KINDS][4] = {[WK_RADAR] = {30, 5e-4, 5e-4, 5},
                                                [WK_RADAR2D] = {50, 5e-4, 40, 0},
                                                [WK_LOS] = {2e-4, 2e-4, 0, 0},
                                                [WK_POSITION] = {50, 60, 70, 0}};
  for (uint8_t kind = 0; kind < WK_KINDS; kind++) {
    struct prng prng = prng_seed(SEED, kind);
    struct plot plot = plot_begin((enum wk_kind)kind, present[kind]);
    plot.site_velocity_mps[1] = 200;
    double moments[27] = {6378137 + 90000, 120000, -80000, -500, 1500, 900}, l[6][6], sum = 0, expected = 0;
    root_draw(&prng, l, moments);
    for (int c = 0; c < 4; c++) plot.variance[c] = deviation[kind][c] * deviation[kind][c];
    for (int n = 0; n < DRAWS; n++) {
      double x[6], g[6], nis = -1;
      for (int i = 0; i < 6; i++) g[i] = prng_normal(&prng);
      for (int i = 0; i < 6; i++) {
        x[i] = moments[i];
        for (int k = 0; k <= i; k++) x[i] += l[i][k] * g[k];
      }
      measure(&plot, x, plot.z);
      for (int c = 0; c < 4; c++) plot.z[c] += deviation[kind][c] * prng_normal(&prng);
      expected = innovation_squared(&plot, moments, &nis);
      sum += nis;
    }
    double scatter = sqrt(2 * expected / DRAWS);
    if (!(fabs(sum / DRAWS - expected) < 5 * scatter))
      fail_msg("seed %d, kind %d: mean %.4f instead of %.0f +- %.4f", SEED, kind, sum / DRAWS, expected,
               scatter);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(position_adds_squares_over_both_variances),
                                     cmocka_unit_test(radar_adds_its_four_components),
                                     cmocka_unit_test(azimuth_is_wrapped),
                                     cmocka_unit_test(assumed_height_has_no_part),
                                     cmocka_unit_test(nothing_is_said_without_a_covariance),
                                     cmocka_unit_test(mean_is_the_number_of_components)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

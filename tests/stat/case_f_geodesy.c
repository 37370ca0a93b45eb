// stage: weft_kernels weft_base
/* Published case F: geodesics of Karney's GeodTest (CC0), constants of WGS-84 and EGM, densities of the US Standard Atmosphere 1976, each
 * within its printed precision. The kernels have no geodesic of their own; one is integrated here over their ellipsoid. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WK_WIDTH 1
#include "kernels/lane/lane_earth.h"
#include "kernels/wk.h"

#define DEGREE (3.14159265358979323846 / 180)

/* Along the surface p'' = -k n, k the normal curvature: with G = (x / a^2, y / a^2, z / b^2) and t the unit tangent,
 * p'' = -G (t' diag(1 / a^2, 1 / a^2, 1 / b^2) t) / |G|^2. Long double, so that the kernels' conversions are what is measured. */
static void bend(const long double *y, long double polar_m, long double *rate) {
  const long double a2 = (long double)WK_EARTH_A * WK_EARTH_A, b2 = polar_m * polar_m;
  const long double weight[3] = {1 / a2, 1 / a2, 1 / b2};
  long double along = 0, size = 0;
  for (int i = 0; i < 3; i++) {
    along += y[3 + i] * y[3 + i] * weight[i];
    size += y[i] * y[i] * weight[i] * weight[i];
  }
  for (int i = 0; i < 3; i++) {
    rate[i] = y[3 + i];
    rate[3 + i] = -y[i] * weight[i] * along / size;
  }
}

static void geodesic(long double *y, long double length_m, long double polar_m) {
  const int steps = 1 + (int)(length_m / 1e3L);
  const long double h = length_m / steps;
  for (int n = 0; n < steps; n++) {
    long double k[4][6], at[6];
    for (int stage = 0; stage < 4; stage++) {
      for (int i = 0; i < 6; i++) at[i] = stage == 0 ? y[i] : y[i] + (stage < 3 ? h / 2 : h) * k[stage - 1][i];
      bend(at, polar_m, k[stage]);
    }
    for (int i = 0; i < 6; i++) y[i] += h / 6 * (k[0][i] + 2 * (k[1][i] + k[2][i]) + k[3][i]);
  }
}

/* Lines of GeodTest: latitude and azimuth at the start (longitude 0), length, latitude, longitude and, where not NaN, azimuth at
 * the end. */
static const struct line {
  double lat1, azimuth1, length_m, lat2, lon2, azimuth2;
} lines[] = {{36.530042355041, 176.125875162171, 9398502.0434687, -48.164270779097768864, 5.762344694676510456, 175.334308316285410561},
             {63.758775485865, 63.327049113388, 8337896.7811702, 25.179740339437206, 107.50499193289191, NAN},
             {8.226828747671, 111.1269645725, 19886305.6710041, -8.516119211674269, 178.68897958262922, 68.98279854495524},
             {19.707097385334, 20.996796804557, 76.1478894, 19.707739582810257, 0.000260256428101053, 20.996884567489088},
             {23.104245923137, 108.788775202534, 249.4508219, 23.103520430280492, 0.002305237470119087, NAN},
             {78.10174623178, 124.870465352256, 397.364659, 78.099711031638792, 0.014156770744057927, NAN},
             {89.997817345644, 2.624783190362, 5619818.6599569, 39.575446357285395, 177.375133897726, 179.99987006158308}};

/* The largest error of a line at its end in degrees of arc on the ground; the azimuth counts where it is stated. */
static double line_error_deg(const struct line *line, double polar_m, bool with_azimuth) {
  double p[3], enu[9], end[3], lat_rad, lon_rad, height_m;
  long double y[6];
  wk_ecef_from_geodetic(line->lat1 * DEGREE, 0, 0, p);
  wk_enu_rows(line->lat1 * DEGREE, 0, enu);
  for (int i = 0; i < 3; i++) {
    y[i] = p[i];
    y[3 + i] = sinl((long double)line->azimuth1 * DEGREE) * enu[i] + cosl((long double)line->azimuth1 * DEGREE) * enu[3 + i];
  }
  geodesic(y, line->length_m, polar_m);
  for (int i = 0; i < 3; i++) end[i] = (double)y[i];
  wk_geodetic_from_ecef(end, &lat_rad, &lon_rad, &height_m);
  wk_enu_rows(lat_rad, lon_rad, enu);
  double error = fabs(lat_rad / DEGREE - line->lat2);
  error = fmax(error, fabs(lon_rad / DEGREE - line->lon2) * cos(lat_rad));
  error = fmax(error, fabs(height_m) / 111e3);
  if (with_azimuth && !isnan(line->azimuth2)) {
    double east = 0, north = 0;
    for (int i = 0; i < 3; i++) {
      east += (double)y[3 + i] * enu[i];
      north += (double)y[3 + i] * enu[3 + i];
    }
    error = fmax(error, fabs(wk_atan2(east, north) / DEGREE - line->azimuth2) * 1e-2);
  }
  return error;
}

/* Doubles hold a longitude of 180 degrees to 3e-14; some roundings in the conversions. Azimuths are held to a hundredth of
 * that: near a pole they turn fast. */
static void geodesics_end_where_geodtest_says(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    const double error = line_error_deg(&lines[i], WK_EARTH_B, true);
    print_message("line %zu: %.2g degrees\n", i, error);
    if (!(error <= 1e-13)) fail_msg("line %zu: off by %g degrees", i, error);
  }
}

/* GRS-80, whose polar radius is 0.1 mm longer, is told apart by the long lines. */
static void another_ellipsoid_is_noticed(void **state) {
  (void)state;
  const double grs80_polar_m = 6378137.0 * (1 - 1 / 298.257222101);
  assert_true(line_error_deg(&lines[0], grs80_polar_m, false) > 1e-13);
  assert_true(line_error_deg(&lines[1], grs80_polar_m, false) > 1e-13);
}

static void printed(const char *what, double is, double want, double unit) {
  if (!(fabs(is - want) <= 0.5001 * unit)) fail_msg("%s: %.15g, printed %.15g", what, is, want);
}

/* NIMA TR8350.2, tables 3.1 to 3.4, from the four defining constants; each to its last printed digit. */
static void constants_are_those_of_wgs_84(void **state) {
  (void)state;
  const double a = WK_EARTH_A, b = WK_EARTH_B, e2 = WK_EARTH_E2;
  printed("semi-minor axis", b, 6356752.3142, 1e-4);
  printed("first eccentricity squared", e2, 6.69437999014e-3, 1e-14);
  printed("second eccentricity squared", WK_EARTH_EP2, 6.73949674228e-3, 1e-14);
  printed("axis ratio", b / a, 0.996647189335, 1e-12);
  printed("linear eccentricity", sqrt(a * a - b * b), 5.2185400842339e5, 1e-7);
  printed("polar radius of curvature", a * a / b, 6399593.6258, 1e-4);
  printed("mean radius", (2 * a + b) / 3, 6371008.7714, 1e-4);
  printed("m", WK_EARTH_OMEGA * WK_EARTH_OMEGA * a * a * b / WK_EARTH_GM, 0.00344978650684, 1e-14);
  printed("J2 of the normalised C20", WK_EARTH_J2, sqrt(5) * 0.484166774985e-3, 1e-11); /* held to nine digits */
}

/* The printed table by geometric height, five digits. */
static void densities_are_the_printed_ones(void **state) {
  (void)state;
  static const double rows[][3] = {{0, 1.2250, 1e-4},          {5e3, 7.3643e-1, 1e-5},  {10e3, 4.1351e-1, 1e-5},
                                   {11e3, 3.6480e-1, 1e-5},    {20e3, 8.8910e-2, 1e-6}, {30e3, 1.8410e-2, 1e-6},
                                   {32e3, 1.3555e-2, 1e-6},    {50e3, 1.0269e-3, 1e-7}, {70e3, 8.2829e-5, 1e-9},
                                   {80e3, 1.8458e-5, 1e-9}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double rho;
    wk_table()->density(&rho, &rows[i][0], 1);
    printed("density", rho, rows[i][1], rows[i][2]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(geodesics_end_where_geodtest_says),
      cmocka_unit_test(another_ellipsoid_is_noticed),
      cmocka_unit_test(constants_are_those_of_wgs_84),
      cmocka_unit_test(densities_are_the_printed_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_kernels weft_base
/* Published case E: NASA NESC flight check-case 9, a sphere with drag over the rotating WGS-84 Earth, flown by the filter's own re-entry
 * motion: after 30 s inside the span of six NASA tools. The generator's flight has the same check of its own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/wk.h"

#define FOOT 0.3048
#define SLUG 14.59390294
#define DEGREE (3.14159265358979323846 / 180)
/* The tools give feet to two decimals, so half of the last one is added. */
#define ALTITUDE_LOW_FT (10156.72 - 0.005)
#define ALTITUDE_HIGH_FT (10160.99 + 0.005)
#define LONGITUDE_LOW_DEG 0.0616343
#define LONGITUDE_HIGH_DEG 0.0616479

struct landing {
  double altitude_ft, longitude_deg, latitude_deg;
};

/* ln(CD A / m) of the sphere: CD 0.1, 0.1963495 ft^2, 1 slug. */
static double sphere_log_drag(void) { return log(0.1 * 0.1963495 * FOOT * FOOT / SLUG); }

/* From (0, 0, 0) at 1000 ft/s east and 1000 ft/s up for 30 s in `steps` calls, without mixing or noise. */
static struct landing fly(const struct wk_table *table, enum wk_mode mode, double log_drag, int steps) {
  double record[WK_BALLISTIC_ELEMENTS] = {0};
  const double start[6] = {6378137, 0, 0, 1000 * FOOT, 1000 * FOOT, 0};
  const int at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X}, n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  for (int m = 0; m < 3; m++) {
    memcpy(record + at[m], start, sizeof start);
    for (int i = 0; i < n[m]; i++) record[at[m] + n[m] + WK_AT(n[m], i, i)] = 1;
    record[WK_B_WEIGHT + m] = 1.0 / 3;
  }
  record[WK_B_REENTRY_X + 6] = log_drag;
  const double *in[WK_LANES] = {record};
  double *out[WK_LANES] = {record};
  const struct wk_tuning tuning = wk_tuning_default();
  struct wk_ballistic_block block;
  wk_lane dt, quiet;
  for (int l = 0; l < WK_LANES; l++) dt[l] = 30.0 / steps, quiet[l] = 1;
  table->ballistic_load(&block, in);
  for (int k = 0; k < steps; k++) table->ballistic_predict(&block, dt, quiet, &tuning);
  table->ballistic_store(&block, out);
  double lat_rad, lon_rad, height_m;
  wk_geodetic_from_ecef(record + at[mode], &lat_rad, &lon_rad, &height_m);
  return (struct landing){height_m / FOOT, lon_rad / DEGREE, lat_rad / DEGREE};
}

static bool inside(const struct landing *at) {
  return at->altitude_ft >= ALTITUDE_LOW_FT && at->altitude_ft <= ALTITUDE_HIGH_FT && at->longitude_deg >= LONGITUDE_LOW_DEG &&
         at->longitude_deg <= LONGITUDE_HIGH_DEG && fabs(at->latitude_deg) < 1e-9;
}

static void sphere_ends_within_the_span_of_six_tools(void **state) {
  (void)state;
  static const char *const names[] = {"scalar", "v3", "v4"};
  static const int steps[] = {1, 30, 300};
  for (int v = 0; v < 3; v++) {
    const struct wk_table *table = wk_variant(names[v]);
    for (int s = 0; table && s < 3; s++) {
      const struct landing at = fly(table, WK_REENTRY, sphere_log_drag(), steps[s]);
      print_message("%s, %d steps: %.3f ft, %.7f degrees\n", names[v], steps[s], at.altitude_ft, at.longitude_deg);
      if (!inside(&at)) fail_msg("%s, %d steps: %.4f ft, %.8f degrees", names[v], steps[s], at.altitude_ft, at.longitude_deg);
    }
  }
}

/* The span is narrow: a hundredth of the drag, or the drag as a whole, leads out of it. */
static void altered_sphere_ends_outside(void **state) {
  (void)state;
  const struct wk_table *table = wk_table();
  static const double factors[] = {4, 2, 1.01, 0.99, 0.5, 0.25};
  for (size_t i = 0; i < sizeof factors / sizeof factors[0]; i++) {
    const struct landing at = fly(table, WK_REENTRY, sphere_log_drag() + log(factors[i]), 30);
    print_message("drag times %.2f: %.3f ft, %.7f degrees\n", factors[i], at.altitude_ft, at.longitude_deg);
    assert_false(inside(&at));
  }
  const struct landing airless = fly(table, WK_COAST, 0, 30);
  assert_false(inside(&airless));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sphere_ends_within_the_span_of_six_tools),
      cmocka_unit_test(altered_sphere_ends_outside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

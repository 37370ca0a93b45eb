// stage: weft_track
/* Clutter density (docs/maths.md T1): false plots over what a sensor's coverage holds, in the units of what it measures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/track/clutter.h"

static const double degree = 0.017453292519943295;

static struct sensor sensor_of(double clutter_per_scan) {
  struct sensor sensor = {.clutter_per_scan = clutter_per_scan};
  const double azimuth[2] = {350, 20}, elevation[2] = {1, 61}, range[2] = {1000, 201000};
  for (int i = 0; i < 2; i++) {
    sensor.coverage_azimuth_deg[i] = azimuth[i]; /* across north: 30 degrees */
    sensor.coverage_elevation_deg[i] = elevation[i];
    sensor.coverage_range_m[i] = range[i];
  }
  return sensor;
}

static double density_of(const struct sensor *sensor, enum wk_kind kind, uint8_t present) {
  struct clutter clutter;
  struct plot plot = {.kind = (uint8_t)kind, .present = present};
  clutter_open(&clutter, sensor);
  return exp(clutter_log_density(&clutter, &plot));
}

static void expect(double is, double want) {
  if (!(fabs(is / want - 1) < 1e-12)) fail_msg("density %.17g, expected %.17g", is, want);
}

static void density_is_false_plots_over_the_coverage(void **state) {
  (void)state;
  const struct sensor sensor = sensor_of(20);
  expect(density_of(&sensor, WK_RADAR, 7), 20 / (200e3 * 30 * degree * 60 * degree));
  expect(density_of(&sensor, WK_RADAR2D, 3), 20 / (200e3 * 30 * degree));
  expect(density_of(&sensor, WK_LOS, 3), 20 / (30 * degree * 60 * degree));
  expect(density_of(&sensor, WK_POSITION, 7), 20 / (4 * 200e3 * 200e3 * 200e3));
}

static void a_measured_range_rate_or_height_spreads_it_further(void **state) {
  (void)state;
  const struct sensor sensor = sensor_of(20);
  expect(density_of(&sensor, WK_RADAR, 15) * 16000, density_of(&sensor, WK_RADAR, 7));
  expect(density_of(&sensor, WK_RADAR2D, 7) * 15000, density_of(&sensor, WK_RADAR2D, 3));
}

static void no_sensor_is_without_false_plots(void **state) {
  (void)state;
  const struct sensor none = sensor_of(0), few = sensor_of(0.01);
  expect(density_of(&none, WK_RADAR, 7), density_of(&few, WK_RADAR, 7));
  assert_true(clutter_per_scan_of(&none) > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(density_is_false_plots_over_the_coverage),
      cmocka_unit_test(a_measured_range_rate_or_height_spreads_it_further),
      cmocka_unit_test(no_sensor_is_without_false_plots),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

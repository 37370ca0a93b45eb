#include "engine/track/clutter.h"

#include "engine/track/vector.h"

static const double pi = 3.14159265358979323846;

double clutter_per_scan_of(const struct sensor *sensor) {
  return larger(sensor->clutter_per_scan, 0.01);
}

/* Of what a sensor of this kind measures, in units of its components. */
static double volume_of(const struct sensor *sensor, enum wk_kind kind, bool whole) {
  double azimuth_rad = (sensor->coverage_azimuth_deg[1] - sensor->coverage_azimuth_deg[0]) * pi / 180;
  if (azimuth_rad <= 0) azimuth_rad += 2 * pi;
  double elevation_rad = (sensor->coverage_elevation_deg[1] - sensor->coverage_elevation_deg[0]) * pi / 180;
  double range_m = sensor->coverage_range_m[1] - sensor->coverage_range_m[0];
  switch (kind) {
  case WK_RADAR:
    return range_m * azimuth_rad * elevation_rad * (whole ? 16000 : 1);
  case WK_RADAR2D:
    return range_m * azimuth_rad * (whole ? 15000 : 1);
  case WK_LOS:
    return azimuth_rad * elevation_rad;
  case WK_POSITION:
    return range_m * range_m * range_m * 4;
  case WK_KINDS:
    break;
  }
  return 1;
}

void clutter_open(struct clutter *clutter, const struct sensor *sensor) {
  for (int kind = 0; kind < WK_KINDS; kind++) {
    for (int whole = 0; whole < 2; whole++) {
      clutter->log_density[kind][whole] = wk_log(clutter_per_scan_of(sensor) / larger(volume_of(sensor, (enum wk_kind)kind, whole), 1e-12));
    }
  }
}

double clutter_log_density(const struct clutter *clutter, const struct plot *plot) {
  static const uint8_t optional[WK_KINDS] = {[WK_RADAR] = 8, [WK_RADAR2D] = 4};
  return clutter->log_density[plot->kind][(plot->present & optional[plot->kind]) != 0];
}

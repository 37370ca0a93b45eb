#include "engine/track/coverage.h"

#include "engine/track/vector.h"

static const double degree = 3.14159265358979323846 / 180;
/* The Earth as a sphere a little smaller than the polar radius: a line that dips under it is blocked. */
static const double earth_m = 6350000;

void coverage_open(struct coverage *coverage, const struct sensor *sensor) {
  const double *elevation_deg = sensor->coverage_elevation_deg, *azimuth_deg = sensor->coverage_azimuth_deg, none = 2;
  double width_deg = azimuth_deg[1] - azimuth_deg[0];
  *coverage = (struct coverage){.ranges_only = sensor->kind == KIND_POSITION, .all_round = width_deg >= 360 - 1e-9};
  for (int i = 0; i < 2; i++) {
    coverage->range2_m2[i] = sensor->coverage_range_m[i] * sensor->coverage_range_m[i];
    coverage->azimuth_sine[i] = wk_sin(azimuth_deg[i] * degree);
    coverage->azimuth_cosine[i] = wk_cos(azimuth_deg[i] * degree);
  }
  coverage->elevation_sine[0] = elevation_deg[0] > -90 ? wk_sin(elevation_deg[0] * degree) : -none;
  coverage->elevation_sine[1] = elevation_deg[1] < 90 ? wk_sin(elevation_deg[1] * degree) : none;
  coverage->beyond_half = width_deg > 180 || (width_deg < 0 && width_deg + 360 > 180);
}

void coverage_at(struct coverage *coverage, const struct sensor *sensor, const struct sensor_motion *motion, int64_t time_ns) {
  double velocity_mps[3];
  sensor_motion_at(motion, sensor, time_ns, coverage->site_m, velocity_mps);
  plot_axes(sensor, coverage->site_m, sensor->kind == KIND_LOS && sensor->frame == LOS_FRAME_ECEF, coverage->enu);
  coverage->site_above_m2 = vector_dot(coverage->site_m, coverage->site_m) - earth_m * earth_m;
}

/* The nearest point to the Earth's centre of the way of d from the site lies between its ends, and deeper than the surface. */
static bool earth_blocks(const struct coverage *coverage, const double d[3], double range2_m2) {
  double along = -vector_dot(coverage->site_m, d);
  return along > 0 && along < range2_m2 && coverage->site_above_m2 * range2_m2 < along * along;
}

/* By on which side of the two bounding directions it lies. */
static bool azimuth_holds(const struct coverage *coverage, double east, double north) {
  double after = east * coverage->azimuth_cosine[0] - north * coverage->azimuth_sine[0];
  double beyond = east * coverage->azimuth_cosine[1] - north * coverage->azimuth_sine[1];
  return coverage->beyond_half ? after >= 0 || beyond <= 0 : after >= 0 && beyond <= 0;
}

bool coverage_holds(const struct coverage *coverage, const double position_m[3]) {
  double d[3];
  vector_subtract(d, position_m, coverage->site_m);
  double range2_m2 = vector_dot(d, d);
  if (range2_m2 < coverage->range2_m2[0] || range2_m2 > coverage->range2_m2[1]) return false;
  if (coverage->ranges_only) return true;
  double up = vector_dot(coverage->enu + 6, d), range_m = sqrt(range2_m2);
  if (up < coverage->elevation_sine[0] * range_m || up > coverage->elevation_sine[1] * range_m) return false;
  if (!coverage->all_round && !azimuth_holds(coverage, vector_dot(coverage->enu, d), vector_dot(coverage->enu + 3, d))) return false;
  return !earth_blocks(coverage, d, range2_m2);
}

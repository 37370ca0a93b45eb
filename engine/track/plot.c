#include "engine/track/plot.h"

#include <math.h>
#include <string.h>

#include "engine/track/vector.h"

void sensor_motion_note(struct sensor_motion *motion, const struct sensor_state *state) {
  motion->history[motion->count % STATE_HISTORY] = *state;
  motion->count++;
}

static const struct sensor_state *newest_not_after(const struct sensor_motion *motion, int64_t time_ns) {
  const struct sensor_state *best = NULL;
  uint64_t known = motion->count < STATE_HISTORY ? motion->count : STATE_HISTORY;
  for (uint64_t k = motion->count - known; k < motion->count; k++) {
    const struct sensor_state *state = &motion->history[k % STATE_HISTORY];
    if (state->time_ns <= time_ns && (!best || state->time_ns >= best->time_ns)) best = state;
  }
  return best;
}

void sensor_motion_at(const struct sensor_motion *motion, const struct sensor *sensor, int64_t time_ns,
                      double position_m[3], double velocity_mps[3]) {
  const struct sensor_state *state = newest_not_after(motion, time_ns);
  if (!state) {
    memcpy(position_m, sensor->position_m, sizeof sensor->position_m);
    memset(velocity_mps, 0, 3 * sizeof *velocity_mps);
    return;
  }
  double dt = (double)(time_ns - state->time_ns) * 1e-9;
  for (int i = 0; i < 3; i++) {
    position_m[i] = state->position_m[i] + dt * state->velocity_mps[i];
    velocity_mps[i] = state->velocity_mps[i];
  }
}

uint32_t sensor_motion_status(const struct sensor_motion *motion) {
  return motion->count ? motion->history[(motion->count - 1) % STATE_HISTORY].status : SENSOR_UP;
}

void plot_axes(const struct sensor *sensor, const double position_m[3], bool ecef_axes, double enu[9]) {
  if (ecef_axes) {
    static const double rows[9] = {0, 1, 0, 1, 0, 0, 0, 0, 1};
    memcpy(enu, rows, sizeof rows);
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) the same bits have the same axes
  } else if (memcmp(position_m, sensor->position_m, sizeof sensor->position_m) == 0) {
    memcpy(enu, sensor->enu, sizeof sensor->enu);
  } else {
    double lat_rad, lon_rad, height_m;
    wk_geodetic_from_ecef(position_m, &lat_rad, &lon_rad, &height_m);
    wk_enu_rows(lat_rad, lon_rad, enu);
  }
}

static double sigma_of(const struct frame *frame, uint32_t i, const struct sensor *sensor, int component) {
  double own = (frame->valid[i] & VALID_SIGMAS) ? (double)frame->sigma[i][component] : 0;
  return own > 0 ? own : sensor->sigma[component];
}

static void plot_put(struct plot *plot, int slot, double z, double sigma) {
  plot->z[slot] = z;
  plot->variance[slot] = sigma * sigma;
  plot->present |= (uint8_t)(1u << slot);
}

/* Unit vector in ECEF of an azimuth and elevation in the plot's axes, by their sines and cosines. */
static void direction_of(const struct plot *plot, double sa, double ca, double se, double ce, double u[3]) {
  double e = ce * sa, n = ce * ca;
  for (int i = 0; i < 3; i++) u[i] = e * plot->enu[i] + n * plot->enu[3 + i] + se * plot->enu[6 + i];
}

/* Point and covariance of range, azimuth, elevation (T2): first-order, which is exact enough for gates and
 * starting; the filters use the measurement itself. But an angle's lever is taken at its second moment, since at the site
 * and in the zenith it is as short as the errors of range and elevation. */
static void point_from_polar(struct plot *plot, double range_m, double azimuth_rad, double elevation_rad,
                             double var_range, double var_azimuth, double var_elevation) {
  double sa, ca, se, ce, u[3];
  wk_sincos(azimuth_rad, &sa, &ca);
  wk_sincos(elevation_rad, &se, &ce);
  direction_of(plot, sa, ca, se, ce, u);
  double lever_m = sqrt(range_m * range_m + var_range);
  double level_m = lever_m * sqrt(smaller(1, ce * ce + var_elevation * se * se)); /* its part along the ground */
  double d_azimuth[3], d_elevation[3];
  for (int i = 0; i < 3; i++) {
    d_azimuth[i] = level_m * (ca * plot->enu[i] - sa * plot->enu[3 + i]);
    d_elevation[i] = lever_m * (-se * (sa * plot->enu[i] + ca * plot->enu[3 + i]) + ce * plot->enu[6 + i]);
    plot->point_m[i] = plot->site_m[i] + range_m * u[i];
    plot->direction[i] = u[i];
  }
  for (int i = 0; i < 3; i++) {
    for (int j = i; j < 3; j++) {
      plot->point_covariance[WK_AT(3, i, j)] = var_range * u[i] * u[j] +
                                               var_azimuth * d_azimuth[i] * d_azimuth[j] +
                                               var_elevation * d_elevation[i] * d_elevation[j];
    }
  }
  plot->has_point = true;
  plot->range_m = range_m;
  plot->sigma_cross_m = sqrt(larger(var_azimuth * level_m * level_m, var_elevation * lever_m * lever_m));
}

/* Elevation at which a slant range reaches a height above the ellipsoid; the nearest reachable one otherwise.
 * Newton on the geodetic height, which is nearly linear in the sine of the elevation. */
static double elevation_for_height(const struct plot *plot, double range_m, double azimuth_rad,
                                   double height_m) {
  double lat_rad, lon_rad, site_height_m;
  wk_geodetic_from_ecef(plot->site_m, &lat_rad, &lon_rad, &site_height_m);
  const double earth_m = 6371000;
  double sine = 0, sa, ca;
  wk_sincos(azimuth_rad, &sa, &ca);
  if (range_m > 1) sine = (height_m - site_height_m) / range_m - range_m / (2 * (earth_m + site_height_m));
  for (int pass = 0; pass < 3; pass++) {
    sine = smaller(larger(sine, -0.999999), 0.999999);
    double u[3], p[3], h_m, cosine = sqrt(1 - sine * sine);
    for (int i = 0; i < 3; i++) {
      u[i] = cosine * (sa * plot->enu[i] + ca * plot->enu[3 + i]) + sine * plot->enu[6 + i];
      p[i] = plot->site_m[i] + range_m * u[i];
    }
    wk_geodetic_from_ecef(p, &lat_rad, &lon_rad, &h_m);
    sine += (height_m - h_m) / larger(range_m, 1);
  }
  sine = smaller(larger(sine, -0.999999), 0.999999);
  return wk_atan2(sine, sqrt(1 - sine * sine));
}

static void align_radar2d(struct plot *plot, const struct frame *frame, uint32_t i,
                          const struct sensor *sensor) {
  const double *m = frame->measure[i];
  plot->kind = WK_RADAR2D;
  double sigma_range = sigma_of(frame, i, sensor, MEASURE_RANGE),
         sigma_azimuth = sigma_of(frame, i, sensor, MEASURE_AZIMUTH);
  double height_m = 6000, sigma_height = 4000; /* where nobody says: the airspace */
  plot_put(plot, 0, m[MEASURE_RANGE], sigma_range);
  plot_put(plot, 1, m[MEASURE_AZIMUTH], sigma_azimuth);
  if (frame->valid[i] & VALID_HEIGHT) {
    height_m = m[MEASURE_HEIGHT];
    sigma_height = sigma_of(frame, i, sensor, MEASURE_HEIGHT);
    plot_put(plot, 2, height_m, sigma_height);
  } else {
    plot->height_assumed = true;
  }
  double elevation = elevation_for_height(plot, m[MEASURE_RANGE], m[MEASURE_AZIMUTH], height_m);
  double sigma_elevation = sigma_height / larger(m[MEASURE_RANGE] * larger(wk_cos(elevation), 0.05), 100);
  point_from_polar(plot, m[MEASURE_RANGE], m[MEASURE_AZIMUTH], elevation, sigma_range * sigma_range,
                   sigma_azimuth * sigma_azimuth, sigma_elevation * sigma_elevation);
}

static void align_los(struct plot *plot, const struct frame *frame, uint32_t i, const struct sensor *sensor) {
  const double *m = frame->measure[i];
  plot->kind = WK_LOS;
  double sigma_azimuth = sigma_of(frame, i, sensor, MEASURE_AZIMUTH);
  double sigma_elevation = sigma_of(frame, i, sensor, MEASURE_ELEVATION);
  plot_put(plot, 0, m[MEASURE_AZIMUTH], sigma_azimuth);
  plot_put(plot, 1, m[MEASURE_ELEVATION], sigma_elevation);
  double sa, ca, se, ce;
  wk_sincos(m[MEASURE_AZIMUTH], &sa, &ca);
  wk_sincos(m[MEASURE_ELEVATION], &se, &ce);
  direction_of(plot, sa, ca, se, ce, plot->direction);
  plot->sigma_cross_m = larger(sigma_azimuth * ce, sigma_elevation); /* rad: per metre of range */
}

static void align_radar(struct plot *plot, const struct frame *frame, uint32_t i,
                        const struct sensor *sensor) {
  const double *m = frame->measure[i];
  plot->kind = WK_RADAR;
  double sigma[4];
  for (int k = 0; k < 4; k++) sigma[k] = sigma_of(frame, i, sensor, k);
  for (int k = 0; k < 3; k++) plot_put(plot, k, m[k], sigma[k]);
  if ((frame->valid[i] & VALID_RANGE_RATE) && sigma[3] > 0) plot_put(plot, 3, m[3], sigma[3]);
  point_from_polar(plot, m[0], m[1], m[2], sigma[0] * sigma[0], sigma[1] * sigma[1], sigma[2] * sigma[2]);
}

static void align_position(struct plot *plot, const struct frame *frame, uint32_t i,
                           const struct sensor *sensor) {
  plot->kind = WK_POSITION;
  double sigma = sigma_of(frame, i, sensor, 0);
  for (int k = 0; k < 3; k++) {
    plot_put(plot, k, frame->measure[i][k], sigma);
    plot->point_m[k] = frame->measure[i][k];
    plot->point_covariance[WK_AT(3, k, k)] = sigma * sigma;
  }
  double d[3];
  vector_subtract(d, plot->point_m, plot->site_m);
  plot->has_point = true;
  plot->range_m = vector_norm(d);
  plot->sigma_cross_m = sigma;
}

void plot_align(struct plot *plot, const struct site *site, const struct sensor_motion *motion,
                const struct frame *frame, uint32_t i) {
  uint32_t index = frame->sensor[i];
  const struct sensor *sensor = &site->sensors[index];
  memset(plot, 0, sizeof *plot);
  plot->time_ns = frame->time_of_ns[i];
  plot->arrival_ns = frame->arrival_ns[i];
  plot->sensor = index;
  sensor_motion_at(&motion[index], sensor, plot->time_ns, plot->site_m, plot->site_velocity_mps);
  bool ecef_axes = sensor->kind == KIND_LOS && sensor->frame == LOS_FRAME_ECEF;
  if (frame->valid[i] & VALID_PLATFORM) {
    memcpy(plot->site_m, frame->platform_m[i], sizeof plot->site_m);
    ecef_axes = true;
  }
  plot_axes(sensor, plot->site_m, ecef_axes, plot->enu);
  switch ((enum detection_kind)frame->kind[i]) {
  case KIND_RADAR:
    align_radar(plot, frame, i, sensor);
    break;
  case KIND_RADAR2D:
    align_radar2d(plot, frame, i, sensor);
    break;
  case KIND_LOS:
    align_los(plot, frame, i, sensor);
    break;
  case KIND_POSITION:
  case KIND_END:
    align_position(plot, frame, i, sensor);
    break;
  }
}

#include "engine/track/seed.h"

#include <math.h>
#include <string.h>

#include "engine/track/clutter.h"

static const double new_objects_per_scan = 0.02; /* expected, over a sensor's whole coverage */

/* ln of false points per scan and cubic metre: the sensor's own density over the volume of one unit of its
 * coordinates. */
static double density_in_space(const struct plot *plot) {
  double r = fmax(plot->range_m, 100);
  double cosine = plot->kind == WK_RADAR ? fmax(wk_cos(plot->z[2]), 0.05) : 1;
  switch ((enum wk_kind)plot->kind) {
  case WK_RADAR:
    return plot->log_clutter_density - wk_log(r * r * cosine) +
           ((plot->present & 8) ? wk_log(SEED_RATE_SPAN_MPS) : 0);
  case WK_RADAR2D:
    return plot->log_clutter_density - wk_log(r) - (plot->height_assumed ? wk_log(15000) : 0);
  case WK_LOS:
  case WK_POSITION:
  case WK_KINDS:
    break;
  }
  return plot->log_clutter_density;
}

void seed_from_plot(struct seed *seed, const struct sensor *sensor, const struct plot *plot) {
  double lat_rad, lon_rad;
  *seed = (struct seed){.log_density = density_in_space(plot),
                        .log_odds = wk_log(new_objects_per_scan / clutter_per_scan_of(sensor)),
                        .time_ns = plot->time_ns,
                        .arrival_ns = plot->arrival_ns,
                        .sensor = plot->sensor,
                        .flat = plot->kind == WK_RADAR2D,
                        .has_rate = plot->kind == WK_RADAR && plot->present & 8,
                        .rate_mps = plot->z[3],
                        .rate_variance = plot->variance[3]};
  memcpy(seed->site_m, plot->site_m, sizeof seed->site_m);
  memcpy(seed->site_velocity_mps, plot->site_velocity_mps, sizeof seed->site_velocity_mps);
  memcpy(seed->point_m, plot->point_m, sizeof seed->point_m);
  memcpy(seed->covariance, plot->point_covariance, sizeof seed->covariance);
  wk_geodetic_from_ecef(seed->point_m, &lat_rad, &lon_rad, &seed->height_m);
}

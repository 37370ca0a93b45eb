/* A plot with range that no track wanted, as a point in space: perhaps a sight of something new. */
#ifndef WEFT_TRACK_SEED_H
#define WEFT_TRACK_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/site.h"
#include "engine/track/plot.h"

/* Speeds over which false range rates are spread, m/s. */
#define SEED_RATE_SPAN_MPS 16000.0

struct seed {
  double point_m[3];    /* ECEF */
  double covariance[6]; /* packed, m^2 */
  double log_density;   /* ln of expected false points per scan and m^3 */
  double log_odds;      /* ln odds that it is an object at all, before anything else was seen */
  double height_m;      /* above the ellipsoid */
  int64_t time_ns, arrival_ns;
  uint32_t sensor, plot; /* plot: index within the frame */
  bool flat;             /* of a 2-D radar: speeds of aircraft only */
  bool has_rate;
  double rate_mps, rate_variance; /* range rate, where measured, as seen from a site that moves: */
  double site_m[3], site_velocity_mps[3];
};

/* The plot must have a point. */
void seed_from_plot(struct seed *seed, const struct sensor *sensor, const struct plot *plot);

#endif

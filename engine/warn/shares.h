/* The probability of each named area: the mixture of Gaussians on the ground, integrated over the areas
 * (docs/maths.md W13). Internal to engine/warn. */
#ifndef WEFT_WARN_SHARES_H
#define WEFT_WARN_SHARES_H

#include "engine/warn/flight.h"
#include "engine/warn/regions.h"

/* Points per Gaussian. The error of a share is below 0.01 (areas without detail finer than a tenth of the
 * ellipse). */
enum { SHARE_POINTS = 512 };

struct share_points {
  double x[SHARE_POINTS], y[SHARE_POINTS]; /* of the standard normal, equal weights */
};
/* Made once at start. */
void share_points_make(struct share_points *points);

/* The likeliest areas, at most REPORT_REGIONS_MAX, each at least 0.001, by falling probability, then by their
 * order in the file. */
void shares_find(const struct share_points *points, const struct regions *regions,
                 const struct flight_impact *impact, struct impact_estimate *out);

#endif

/* How densely a sensor's false plots lie: evenly over its coverage, in its own coordinates (docs/maths.md T1). */
#ifndef WEFT_TRACK_CLUTTER_H
#define WEFT_TRACK_CLUTTER_H

#include "engine/domain/site.h"
#include "engine/track/plot.h"

/* Expected false plots per scan, never below a hundredth: no sensor is that clean. */
double clutter_per_scan_of(const struct sensor *sensor);

/* What one sensor's plots are asked for: ln of the expected false plots per scan and unit of the present components, by kind, without and
 * with the one component that a kind may lack (a radar's range rate, a radar2d's height). */
struct clutter {
  double log_density[WK_KINDS][2];
};
void clutter_open(struct clutter *clutter, const struct sensor *sensor);
double clutter_log_density(const struct clutter *clutter, const struct plot *plot);

#endif

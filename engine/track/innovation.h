/* How far a detection lies from where its track expected it, in the track's and the sensor's own uncertainty.
 */
#ifndef WEFT_TRACK_INNOVATION_H
#define WEFT_TRACK_INNOVATION_H

#include "engine/track/plot.h"

/* The normalised innovation squared of what was measured, docs/maths.md T14, into *squared; returns its
 * number of components, 0 where there is none or its covariance isn't positive definite. `moments`: 6 means
 * then 21 packed covariances (ECEF, SI) of the whole mixture, predicted to the plot's time, before the
 * update. */
int innovation_squared(const struct plot *plot, const double moments[27], double *squared);

#endif

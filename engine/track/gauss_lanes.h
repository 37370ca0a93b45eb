/* Gaussians of position and velocity moved to a time of their own each, eight at a time and in parallel. */
#ifndef WEFT_TRACK_GAUSS_LANES_H
#define WEFT_TRACK_GAUSS_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/track/filter.h"

struct gauss_item {
  double *state;     /* 27 elements; changed in place */
  double dt_s;       /* held to +-600 */
  double accel_mps2; /* acceleration that the motion doesn't know of, one sigma (docs/maths.md C2) */
  bool level;        /* an aircraft: level flight instead of free flight */
};

/* Items that fly level are moved behind the others: their order changes. */
void gauss_items_move(const struct filter *filter, struct gauss_item *items, uint32_t count);

/* One sigma of what free flight does not know of an object in this phase (enum track_phase), m/s^2. */
double phase_accel_mps2(bool has_phase, uint8_t phase);

#endif

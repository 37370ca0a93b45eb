/* A new track from a state that a starter has estimated. */
#ifndef WEFT_TRACK_BIRTH_H
#define WEFT_TRACK_BIRTH_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/wk.h"

enum { BIRTH_PLOTS_MAX = 36 };

struct tracker;

struct birth_plot {
  int64_t time_ns;
  uint32_t sensor;
};

struct birth {
  double x[6], p[21]; /* position and velocity (ECEF, m, m/s) at time_ns, packed covariance */
  int64_t time_ns, arrival_ns;
  double log_odds, class_log_odds; /* as in struct track */
  /* What was seen burning: the boost mode's own state and covariance, and boost likelier than the rest. */
  double boost_x[WK_BOOST_N], boost_p[WK_PACKED(WK_BOOST_N)];
  bool has_boost;
  struct birth_plot plots[BIRTH_PLOTS_MAX];
  uint32_t count; /* of plots, at least 1 */
};

/* Takes a record, fills both banks, books looks and indexes the track. Returns its slot, or TRACK_NONE
 * (counted) when the store is full. The fates of the plots are the caller's to book. */
uint32_t track_birth(struct tracker *tracker, const struct birth *birth);

#endif

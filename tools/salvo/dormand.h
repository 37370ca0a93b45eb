/* Dormand-Prince 5(4) with step-size control for second-order motion r'' = a(t, r, v). */
#ifndef WEFT_SALVO_DORMAND_H
#define WEFT_SALVO_DORMAND_H

#include "tools/salvo/path.h"

/* Acceleration at a time and state, m/s^2. */
typedef void (*dormand_force)(const void *context, double time_s, const struct state *state, double a[3]);

struct dormand {
  dormand_force force;
  const void *context;
  double tolerance_m; /* error of one step in position; a hundredth of it per second in velocity */
  double step_max_s;
  double floor_m;    /* stop where the height above the ellipsoid falls below this; -1e9 = never */
  struct path *path; /* every accepted step is appended; NULL: none */
};

enum dormand_end { DORMAND_TIME, DORMAND_FLOOR, DORMAND_STUCK };

/* Integrates `state` from *time_s to `until_s` (or to the floor, found to a nanosecond); both are updated to where it ended. The
 * force must be smooth in between: split at every switch. DORMAND_STUCK: the steps ran out or became too small. */
enum dormand_end dormand_run(const struct dormand *run, double *time_s, double until_s, struct state *state);

#endif

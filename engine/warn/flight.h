/* From a track's IMM record to where and when it comes down, and to where and when it was launched:
 * docs/maths.md W9 to W16. Internal to engine/warn. */
#ifndef WEFT_WARN_FLIGHT_H
#define WEFT_WARN_FLIGHT_H

#include "engine/warn/cloud.h"

enum { FLIGHT_PARTS = 3 };

/* The mixture on the ground. parts[0 .. count) share the plane. */
struct flight_impact {
  struct ground_plane plane;
  struct ground_gauss parts[FLIGHT_PARTS],
      whole; /* whole: moments of the mixture; weight = probability of coming down */
  uint32_t count;
};

/* False when it is likelier not to come down within two hours than to do so. `bank`: WK_TRACK_ELEMENTS, see
 * kernels/wk.h. */
bool flight_impact_find(const double *bank, struct flight_impact *out);

/* Launch from a state in boost: the ascent's prior. False where the state is not that of an ascent. Means are
 * seconds from the state's time, negative. */
bool flight_launch_boost(const double *bank, struct ground_plane *plane, struct ground_gauss *out);
/* Launch from a state in coast, backward along the ellipse: wide. */
bool flight_launch_coast(const double *bank, struct ground_plane *plane, struct ground_gauss *out);

#endif

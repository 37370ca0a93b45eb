/* Two tracklets of different sensors as one burning object (docs/maths.md T10b). */
#ifndef WEFT_TRACK_MEETING_H
#define WEFT_TRACK_MEETING_H

#include "engine/track/rays.h"

enum { SUPPORT_MAX = 4 };

/* Two tracklets as one object. */
struct meeting {
  struct los_fit fit;
  double log_odds;
  const struct tracklet *parts[2 + SUPPORT_MAX];
  uint32_t count;
};

/* Whether the lines of the tracklets in two places can be one object's, whatever other sensors say of it: the answer stays the same until
 * one of them gets another line. The first is of the sensor with the lower index. */
bool meeting_fits(const struct tracker *tracker, uint32_t slot_a, uint32_t slot_b);
/* That object, and what speaks for it now: both sensors' times and further sensors besides the lines. False where the lines do not fit. */
bool meeting_judge(const struct tracker *tracker, uint32_t slot_a, uint32_t slot_b, struct meeting *out);

#endif

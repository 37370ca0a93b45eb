/* The ladder of degradation: what the engine leaves out at each step. The step is decided where frames close (engine/server/ladder.h),
 * written into the frame and obeyed by the step, so that replay does the same.
 *   0       nothing
 *   1       estimates of launch and impact are renewed one a frame; the first one of a track comes as ever
 *   2 to 8  and of many detections a part is used only, the others are shed (engine/track/shed.h says which) */
#ifndef WEFT_DOMAIN_OVERLOAD_H
#define WEFT_DOMAIN_OVERLOAD_H

#include <stdint.h>

enum { OVERLOAD_NONE, OVERLOAD_ESTIMATES, OVERLOAD_SHEDS, OVERLOAD_MOST = 8, OVERLOAD_WHOLE = 16 };
/* So few detections are used at any step: they are no load, and while the ladder comes down nothing is shed of what is normal. */
enum { OVERLOAD_FREE = 64 };

/* How many of OVERLOAD_WHOLE parts of the detections are used at this step; steps beyond the last are the last. */
uint32_t overload_keeps(uint32_t step);
/* How many of so many are used. */
uint32_t overload_kept(uint32_t detections, uint32_t step);

#endif

/* Decides at which step of the ladder of degradation (engine/domain/overload.h) a frame is stepped. Pure: times and counts are
 * arguments. docs/decisions/0019 says why it is done so.
 *
 * The measure is the work that waits: detections of frames that the engine has not finished, and of the one that closes, times what a
 * detection has cost lately. It may be two fifths of the latency limit; as much is for what a frame waits before it closes, the rest for
 * steps that take longer than others and for what comes after. A stall of the machine makes things late, but adds no work beyond what
 * came meanwhile, and sheds nothing for being late. Up at once, as far as needed; down one step when less has been enough for LADDER_HOLD_NS. */
#ifndef WEFT_SERVER_LADDER_H
#define WEFT_SERVER_LADDER_H

#include <stdbool.h>
#include <stdint.h>

#define LADDER_HOLD_NS INT64_C(1000000000)
/* Frames of fewer detections say little of what one costs. What is shed costs one of LADDER_SHED_COST parts: it is aligned and gated. */
enum { LADDER_COSTS = 15, LADDER_COUNT_MIN = 64, LADDER_SHED_COST = 8 };

struct ladder {
  int64_t limit_ns;              /* arrival to emission; 0: there is no ladder */
  uint32_t step, highest;        /* now; since it was last 0 */
  uint64_t changes;
  int64_t calm_ns, since_ns;     /* clock: since when less would be enough; when it left 0 */
  double cost_ns[LADDER_COSTS];  /* of a detection that is used, in the newest frames that say something of it; a ring */
  uint32_t costs;                /* ever put in */
};

/* Work of a frame in detections that are used. */
double ladder_work(uint32_t detections, uint32_t step);
/* What one costs: the upper quartile of the last frames, so that a few stalls say nothing and what is slower for long does. 0 before
 * any. */
double ladder_cost_ns(const struct ladder *ladder);
/* A frame was stepped in `step_ns`. */
void ladder_stepped(struct ladder *ladder, uint32_t detections, uint32_t step, int64_t step_ns);
/* A frame of so many detections closes, with `ahead` (ladder_work) before it: at which step? `clock_ns` is never set back. */
uint32_t ladder_decide(struct ladder *ladder, uint32_t detections, double ahead, int64_t clock_ns);

#endif

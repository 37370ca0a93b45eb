/* What passes between the arrival of a detection and the emission of its track's line, by stage. The stages of a line add up to its
 * whole. Counted is, as in latency_us, the newest detection of each line that has one. */
#ifndef WEFT_EMIT_LATENCY_H
#define WEFT_EMIT_LATENCY_H

#include <stdint.h>

#include "engine/base/histogram.h"
#include "engine/domain/report.h"

enum latency_stage {
  LATENCY_RECEIVE, /* in the socket and on its way into a frame, until that is open */
  LATENCY_COLLECT, /* in the open frame, or, where it was open before, in the socket */
  LATENCY_QUEUE,   /* closed, until the engine begins with it */
  LATENCY_STEP,
  LATENCY_HOLD,    /* stepped, until its lines may leave: the lines before it, journal, standby */
  LATENCY_EMIT,    /* its lines written to file and port */
  LATENCY_STAGES
};
extern const char *const latency_stage_names[LATENCY_STAGES];

/* About 200 KiB. Zeroed is empty. One writer. */
struct latency {
  struct histogram whole_ns, stage_ns[LATENCY_STAGES];
};

/* When a frame passed from one stage to the next. */
struct latency_times {
  int64_t opened_ns, closed_ns;                                                /* receiver's clock, as arrivals are */
  int64_t closed_clock_ns, begun_clock_ns, stepped_clock_ns, left_clock_ns, emitted_clock_ns; /* one that is never set */
};

/* The lines of a frame have left. */
void latency_note(struct latency *latency, const struct latency_times *times, const struct step_output *output);

#endif

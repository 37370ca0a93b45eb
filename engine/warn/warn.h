/* The warning: where and when each ballistic track was launched and comes down. Works on the reports of a
 * step, after the tracker. Pure and deterministic: it depends on the reports alone, for any number of
 * workers; it reads no clock and allocates nothing after opening. */
#ifndef WEFT_WARN_WARN_H
#define WEFT_WARN_WARN_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"
#include "engine/base/parallel.h"
#include "engine/domain/report.h"
#include "engine/warn/regions.h"

/* Estimates made in one step at most, and per second of frame time (a fiftieth of one core, a seventh where all are first ones); tracks
 * without any come first, then those that have waited longest. A frame of n lines makes at most 2 + n / 32 of them, from
 * OVERLOAD_ESTIMATES on one; where tracks are without any 4 + n / 64, or 4 and as many as it and the frame before
 * have each earned, up to n / 2. */
enum { WARN_STEP_MAX = 128, WARN_RATE_MAX = 1000 };

struct warn_options {
  uint32_t tracks_max; /* slots of the tracker */
  struct parallel parallel;
  const struct regions *regions; /* may be NULL; outlives the warning */
};

struct warn_statistics {
  uint64_t estimates;                /* made */
  uint64_t deferred;                 /* due, but put off to a later step */
  uint64_t waiting;                  /* tracks put off and not served yet, now */
  int64_t waiting_ns;                /* how long the oldest of these has waited, frame time */
  int64_t first_wait_ns;             /* longest that any track has waited for its first estimate so far */
  uint64_t retractions[RETRACTIONS]; /* by enum retraction: a stated impact taken back */
  uint64_t launches;                 /* grouped into events, so far */
  uint64_t events, events_merged;    /* founded; of these, joined to an older one */
};

struct warn;

size_t warn_arena_size(const struct warn_options *options);
/* NULL when the arena is too small. */
struct warn *warn_open(struct arena *arena, const struct warn_options *options);

/* Fills launch, event and impact of the reports of confirmed and lost ballistic tracks. An estimate is made
 * anew when a second of measurement time has passed since the last (in coast a tenth of the time since coast
 * began, 1 to 10 s), or the phase has changed; between, and on the lost line, the last one is repeated.
 * Reports are ordered by track number; `bank` is read where status is not lost. */
void warn_step(struct warn *warn, struct step_output *output);

/* The state between two steps as bytes, with what was said of the tracker's first `slots` slots. Loads into a
 * warning that has just been opened with the same options. */
void warn_image(struct warn *warn, uint32_t slots, struct image *image);

void warn_statistics_get(const struct warn *warn, struct warn_statistics *out);

#endif

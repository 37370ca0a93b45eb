/* Several hypotheses of what a track is after a scan become one record again (docs/maths.md P13). */
#ifndef WEFT_TRACK_MERGE_H
#define WEFT_TRACK_MERGE_H

#include <stdint.h>

#include "engine/track/store.h"

struct hypothesis {
  const struct track *track; /* as it would be; all of one time_ns */
  double weight;             /* > 0; of all together 1 */
};

/* Overwrites the track's banks, its class and its time; nothing else. One hypothesis is taken over as it is.
 * The hypotheses must not include the track itself. */
void merge_hypotheses(struct track *track, const struct hypothesis *hypotheses, uint32_t count);

#endif

/* Changes in who follows whom: breaks, switches, swaps, and breaks that a track's own word bridges. */
#ifndef WEFT_SCORE_CHANGES_H
#define WEFT_SCORE_CHANGES_H

#include <stddef.h>
#include <stdint.h>

#include "tools/score/score_tracks.h"

/* One reading of a run: cell[instant * targets + target] is the track that follows the target, or -1. */
struct reading {
  const int32_t *cell;
  size_t instants, targets;
  double step_s, gap_s; /* see struct run_options */
};

struct changes {
  uint32_t breaks;   /* changes of a target's track number, and gaps longer than gap_s */
  uint32_t numbers;  /* of these, changes of number */
  uint32_t bridged;  /* of these, where the new track says that it continues the old one */
  uint32_t switches; /* times that a track takes up a target after it last followed another */
  uint32_t swaps;    /* of targets that exchanged their tracks: n targets in a ring count as n - 1 */
};

/* Of one target; adds to *sum. Returns its breaks. */
uint32_t changes_of_target(const struct reading *reading, const struct tracks *tracks, size_t target,
                           struct changes *sum);
/* Of all. */
struct changes changes_count(const struct reading *reading, const struct tracks *tracks);

#endif

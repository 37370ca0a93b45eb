/* Tracks of other centres: kept by (centre, number), tested against ours once a second along the trajectory,
 * fused for the line only, shown under a number of ours while none of ours is the same object (docs/maths.md
 * C12 to C15). The filters never take anything from them, so nothing is counted twice whatever goes round
 * between centres. */
#ifndef WEFT_TRACK_FOREIGN_H
#define WEFT_TRACK_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/frame.h"
#include "engine/domain/report.h"
#include "engine/track/assign.h"
#include "engine/track/gauss_lanes.h"
#include "engine/track/store.h"
#include "engine/track/tracker.h"

enum { FOREIGN_CANDIDATES_MAX = 16, CORRELATE_OWN_MAX = 8192, FOREIGN_NONE = UINT32_MAX };

struct foreign {
  struct foreign_track line; /* its newest */
  bool used, correlated;
  uint32_t next;      /* in its hash chain, or in the list of free places */
  uint32_t next_same; /* next one correlated with the same track of ours, in order of centre and number */
  uint32_t partner;   /* slot of the track of ours that it is, or may be; TRACK_NONE */
  uint64_t partner_number;
  int64_t tested_ns;    /* time of the line that was tested last */
  uint8_t history;      /* the last tests, newest in bit 0: was it the partner again? */
  uint8_t lonely;       /* tests in a row in which none of ours was near */
  uint64_t shown;       /* number of ours that it is shown under, 0 = it isn't */
  uint64_t continues;   /* number of the ended track of ours that it was correlated with, 0 = none */
  uint64_t shown_frame; /* frame in which it has given a line last */
  double bank[WK_BALLISTIC_ELEMENTS]; /* while shown: what the warning works with */
  struct foreign_ties shown_ties;     /* of its own line */
  struct foreign_ties ties;           /* of the track of ours whose first correlated one it is */
};

/* One test's view of a foreign track: who of ours is near. */
struct foreign_test {
  uint32_t foreign;
  bool news; /* its line is newer than at the last test; else it only takes part in the assignment */
  uint32_t count;
  uint32_t slots[FOREIGN_CANDIDATES_MAX];
  double distance2[FOREIGN_CANDIDATES_MAX], log_likelihood[FOREIGN_CANDIDATES_MAX];
  double state[WK_GAUSS_ELEMENTS]; /* at the common time */
  uint32_t found;                  /* slot that the assignment gives it, or TRACK_NONE */
};

struct foreign_table {
  uint32_t capacity; /* 0: lines of other centres are ignored */
  struct foreign *entries;
  uint32_t *buckets; /* heads of hash chains */
  uint32_t bucket_mask, free_head, high;
  uint32_t *of_slot; /* per slot of ours: first one correlated with it */
  const struct foreign_names *names;
  int64_t next_ns; /* of the next test */

  /* of this frame */
  uint32_t *heard; /* entries that have a new line */
  uint32_t heard_count;
  struct track_report *lost; /* last lines of those shown */
  uint32_t lost_count;
  int64_t *line_ns; /* per slot: time that its line is for where a foreign line gave it one, else 0 */

  /* scratch of a test */
  struct foreign_test *tests;
  uint32_t *place_of_slot, *slots; /* ours that take part */
  double (*own)[WK_GAUSS_ELEMENTS];
  struct gauss_item *items;
  uint32_t *root, *row, *column;
  struct assign_work *work;
};

struct tracker;

size_t foreign_arena_size(uint32_t foreign_max, uint32_t tracks_max);
/* -ENOMEM when the arena is too small. */
int foreign_open(struct foreign_table *table, struct arena *arena, uint32_t foreign_max, uint32_t tracks_max);
/* Takes the frame's lines of other centres. */
void foreign_take(struct tracker *tracker, const struct frame *frame);
/* Once a second: tests, declares, withdraws, drops what has fallen silent; every frame: who is to be shown.
 */
void foreign_step(struct tracker *tracker);
/* The track in this slot has ended. */
void foreign_partner_ended(struct tracker *tracker, uint32_t slot);
/* Appends the lines of those that are shown. */
void foreign_lines(struct tracker *tracker, struct step_output *output);

/* correlate.c: the test itself, over all that are confirmed and heard of lately; fills tests[0 .. count). */
uint32_t correlate_test(struct tracker *tracker);
/* Is test `at` near one of another centre among the `shown` ones that row[] lists? */
bool correlate_shown(const struct tracker *tracker, uint32_t at, uint32_t shown);
/* correlate_fuse.c: states the correlations in the reports of ours and intersects the moments of their lines.
 * To be called with the moments of the touched tracks in place, before the reports are filled from them. */
void correlate_fuse(struct tracker *tracker);
void correlate_state(const struct tracker *tracker, uint32_t slot, struct track_report *report);

#endif

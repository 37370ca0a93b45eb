/* The newest report of every track that some subscriber still has to get, and who they are: one bit per subscriber in a
 * track's mark. Sorted by track number. Bounded by `capacity` tracks, lost ones among them, and by the room that their reports take
 * packed: those of half as many with launch and impact fit, so many as live. */
#ifndef WEFT_EMIT_NEWEST_H
#define WEFT_EMIT_NEWEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/report.h"

enum {
  NEWEST_FRESH_MAX = 4096,
  NEWEST_REPORT_BYTES = 576 /* of room for a report: with launch and impact it takes 560, with named areas 648, with neither 416 */
};

/* A track that the table does not hold yet, waiting to be merged in with its neighbours: one pass for many. */
struct newest_fresh {
  const struct track_report *report; /* borrowed until the merge */
  uint64_t mark;
};

struct newest_held; /* a packed report; private */

/* Owned by the track port. Parallel columns of `count` entries in ascending order of `numbers`. An entry without a mark
 * keeps its number only, so that its track need not be inserted again; it goes when room is needed. */
struct newest {
  uint32_t capacity, count, fresh_count;
  uint32_t found;     /* where the last search ended: the next one is mostly for the track behind it */
  uint32_t asked;     /* the same of newest_ask */
  uint64_t *numbers;  /* track number */
  uint64_t *marks;    /* bit per subscriber that has yet to get it */
  uint32_t *places;   /* of its report, while marked: index into `held` */
  uint64_t *held;     /* `held_words` of them: reports one behind the other, with gaps where some are of no use any more */
  uint32_t held_words, held_used, held_count; /* words there are, words up to the end of the last report, reports in use */
  struct newest_fresh *fresh; /* ascending by track */
};

size_t newest_arena_bytes(uint32_t capacity);
/* 0, or -ENOMEM when the arena is too small. */
int newest_open(struct newest *newest, uint32_t capacity, struct arena *arena);

/* Asks for the memory that newest_put of this report will read and write, some reports before it is called. Changes nothing else. */
void newest_ask(struct newest *newest, const struct track_report *report);

/* Makes `report` the newest of its track for the subscribers in `mark` (not 0). Returns those of them that had an older
 * one waiting, which is thereby passed over. The report is borrowed until the next newest_merge; call that when
 * newest_merge_due says so, and before reading. */
uint64_t newest_put(struct newest *newest, const struct track_report *report, uint64_t mark);
bool newest_merge_due(const struct newest *newest, const struct track_report *next);
/* Takes what newest_put left waiting into the table. False when there is no room, and nothing is changed: withdraw a
 * subscriber, then try again. Always succeeds with nobody marked. */
bool newest_merge(struct newest *newest);

/* Position of the first entry with a number of at least `from` that is marked for `bit`; `count` if none. */
uint32_t newest_next(struct newest *newest, uint64_t from, uint64_t bit);
/* The report of a marked entry, but for what the tracker alone reads. */
void newest_read(const struct newest *newest, uint32_t position, struct track_report *report);
/* Clears the subscriber's mark. */
void newest_take(struct newest *newest, uint32_t position, uint64_t bit);
/* Clears all marks of a subscriber. Returns how many there were. */
uint64_t newest_withdraw(struct newest *newest, uint64_t bit);

#endif

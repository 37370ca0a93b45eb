/* What tracks were before their newest plots, so that a plot that comes late can be worked in at its own
 * place: the state before it is brought back, the plot taken, and the later ones taken again (docs/maths.md
 * T11).
 *
 * One ring for all tracks, so that memory does not grow with them. An entry holds the state that a plot found
 * (the banks in use, the class odds, the time) and the plot itself. A track's entries are a chain, newest
 * first, in order of measurement time; links are places in the ring that only ever grow, so that what has
 * been overwritten shows by its place alone. Entries are taken by the tracker's serial parts and filled by
 * the one worker that has the track. */
#ifndef WEFT_TRACK_HISTORY_H
#define WEFT_TRACK_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/uncached.h"
#include "engine/track/plot.h"
#include "engine/track/store.h"

enum { HISTORY_STEPS_MAX = 64 }; /* entries of one track that are gone back over at most */

/* In whole lines of memory: what was measured and the banks, all but the first one, are written past the caches. */
struct history_entry {
  _Alignas(UNCACHED_LINE) uint64_t older; /* place of the track's entry before this one, 0 = none */
  int64_t time_ns;       /* of the state before the plot */
  double class_log_odds; /* before the plot */
  double class_after;    /* with the plot's own evidence; what else came later shows as the difference */
  int64_t plot_ns;       /* of the plot, which has besides only what the filter asks of it: */
  uint32_t detections;   /* before the plot */
  uint8_t room, banks;   /* enum track_bank: which there is room for, which it holds */
  uint8_t kind, present; /* as struct plot */
  _Alignas(UNCACHED_LINE) double measure[WK_MEASURE_ELEMENTS];
  double bank[] __attribute__((aligned(UNCACHED_LINE))); /* what it holds, ballistic first, each in lines of its own */
};

struct history {
  double *ring;
  uint64_t capacity; /* doubles; 0 = nothing is kept */
  uint64_t head;     /* place of the next entry, >= capacity */
  uint64_t begun;    /* head when the present batch began */
};

/* Bytes of a ring for so many tracks where nobody says: 8 KiB a track, at least 1 MiB, at most 64 MiB. */
size_t history_bytes_default(uint32_t tracks_max);
/* A ring of `bytes`; below 64 KiB nothing is kept. -ENOMEM when the arena is too small. */
int history_open(struct history *history, struct arena *arena, size_t bytes);

/* A batch of entries that are filled in parallel begins: together they take at most half of the ring. */
void history_batch_begin(struct history *history);
/* An entry with room for these banks. 0 where the batch has had its share. */
uint64_t history_take(struct history *history, uint32_t banks);

/* The entry at a place, or NULL where it has been overwritten or there is none. */
struct history_entry *history_at(const struct history *history, uint64_t place);
/* The newest entry of the track whose state is not newer than time_ns; 0 where the chain does not reach back
 * so far. */
uint64_t history_find(const struct history *history, const struct track *track, int64_t time_ns);

/* Writes the track's state into an entry that was taken with `room`, which has its banks, and the plot that it is about to meet. Before
 * another thread may read it: uncached_settle. */
void history_write(struct history_entry *entry, uint8_t room, const struct track *track, const struct plot *plot);
/* The state alone: the entry keeps its plot and room. */
void history_write_state(struct history_entry *entry, const struct track *track);
/* Asks for the line of an entry that is not written past the caches. */
void history_fetch(const struct history *history, uint64_t place);
/* What the filter asks of a plot, everything else 0. */
void history_read_plot(const struct history_entry *entry, struct plot *plot);
/* Brings the state back: banks, class odds, time, count of detections; nothing else of the track. */
void history_read(const struct history_entry *entry, struct track *track);
/* Makes the entry at `place` (0: no entry, which cuts the chain) the newest of the track. */
void history_link(struct history *history, struct track *track, uint64_t place);

/* The histories of all living tracks as bytes, as far back as a plot measured at `oldest_ns` or later can
 * reach; what lies behind is left out and loads as the end of the chain. */
void history_image(struct history *history, const struct store *store, int64_t oldest_ns, struct image *image);

#endif

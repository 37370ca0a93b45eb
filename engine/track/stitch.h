/* Broken ballistic tracks: what flew where when it was last seen is remembered, and a track that appears is
 * compared with it along the trajectory (docs/maths.md C6 to C9). Part of the tracker; called by its serial
 * parts. */
#ifndef WEFT_TRACK_STITCH_H
#define WEFT_TRACK_STITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"
#include "engine/track/assign.h"
#include "engine/track/store.h"
#include "kernels/wk.h"

enum { STITCH_OLD_MAX = 4096, STITCH_YOUNG_MAX = 256, STITCH_PAIRS_PER_YOUNG = 16, STITCH_NONE = UINT32_MAX };
#define STITCH_RIVAL_CHI2 60.0 /* who is so near, 6 degrees of freedom, may be the right one instead */

/* A ballistic track as it was last seen, alone in free flight from there on. */
struct stitch_old {
  uint64_t number;
  uint32_t slot;                   /* TRACK_NONE once it has ended */
  int64_t newest_ns;               /* its last plot */
  int64_t seen_ns, time_ns;        /* of the two states */
  double seen[WK_GAUSS_ELEMENTS];  /* as it was last seen */
  double state[WK_GAUSS_ELEMENTS]; /* the same moved on to time_ns */
  double class_log_odds;
  int64_t judged_ns; /* when it was last asked whether it could be taken for another, 0 = never */
  bool gone; /* seen again, ended as a duplicate or joined: leaves the list with the next comparison */
};

/* A track that was confirmed lately and may be one of the old ones. */
struct stitch_young {
  uint64_t number;
  uint32_t slot;
};

struct stitch_pair {
  uint32_t young, old; /* places in the lists */
  double distance2, log_likelihood;
};

struct stitch {
  struct stitch_old *olds; /* STITCH_OLD_MAX */
  uint32_t old_count;
  uint32_t *old_of_slot; /* per slot: place in olds, or STITCH_NONE */
  struct stitch_young *young;
  uint32_t young_count;
  int64_t next_ns; /* measurement time of the next comparison, INT64_MIN at first */
  bool eager;      /* somebody has been confirmed in this frame: compared at once, before a line says so */

  /* scratch of one comparison */
  struct wk_gauss_block *blocks;      /* olds in lanes */
  double (*state)[WK_GAUSS_ELEMENTS]; /* of the young at the common time */
  struct stitch_pair *pairs;          /* STITCH_YOUNG_MAX x STITCH_PAIRS_PER_YOUNG */
  uint32_t *pair_count;               /* per young */
  uint32_t *root;                     /* union-find over young then olds */
  uint32_t *order;                    /* young of one component */
  uint32_t *column;                   /* per old: column of the component being solved */
  struct assign_work *work;
};

struct tracker;

size_t stitch_arena_size(uint32_t tracks_max);
/* -ENOMEM when the arena is too small. */
int stitch_open(struct stitch *stitch, struct arena *arena, uint32_t tracks_max);
/* What is remembered, as bytes; slots are below `high`. */
void stitch_image(struct stitch *stitch, uint32_t high, struct image *image);

/* A track has been without a plot for long: to be called before its state is moved on. Nothing where it is no
 * confirmed ballistic track in free flight or is remembered already. */
void stitch_silent(struct tracker *tracker, uint32_t slot);
/* It has been seen again. */
void stitch_seen(struct tracker *tracker, uint32_t slot);
/* It ends; `merged`: as a duplicate, which nobody needs to remember. */
void stitch_ended(struct tracker *tracker, uint32_t slot, bool merged);
/* It has just been confirmed. */
void stitch_confirmed(struct tracker *tracker, uint32_t slot);
/* Once a second of measurement time, and in frames that confirm a track: compares, decides, joins. */
void stitch_step(struct tracker *tracker);

/* stitch_park.c. Judges which of these silent tracks must not take plots. */
void stitch_park(struct tracker *tracker, const uint32_t *slots, uint32_t count);
/* Moves every old one on to the newest measurement and leaves them in lanes, eight to a block. */
void stitch_olds_move(struct tracker *tracker);
/* Are all eight far away in position, by the traces of the covariances? Cheaper than their distances. */
bool stitch_block_far(const struct wk_gauss_block *block, const double state[WK_GAUSS_ELEMENTS]);

/* stitch_join.c. Adds the knowledge of a Gaussian of position and velocity, independent of the track's own,
 * to each mode of a ballistic bank and to the weights (C9). False, nothing changed, where a sum of
 * covariances is not definite. */
bool bank_join(double *bank, const double gauss[WK_GAUSS_ELEMENTS]);
/* The track in `slot` goes on as what the one in `young` has become, with the past of both; `young` ends. */
void track_take_over(struct tracker *tracker, uint32_t slot, uint32_t young);

#endif

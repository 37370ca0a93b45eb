/* Soft association: what the marginals of a scan say of each track, and the tracks' update by several plots
 * at once. Internal to engine/track. */
#ifndef WEFT_TRACK_SOFT_H
#define WEFT_TRACK_SOFT_H

#include "engine/track/marginals.h"
#include "engine/track/merge.h"
#include "engine/track/state.h"

enum { GROUP_PAIRS_MAX = ASSIGN_MAX * CANDIDATES_MAX, BRANCHES_MAX = 4096 };

/* What a scan says of a track. */
struct belief {
  uint32_t track;      /* slot */
  uint32_t first_pair; /* its pairs of weight > 0: a list through soft->next, ASSIGN_NONE ends it */
  uint32_t plot;       /* of its likeliest pair */
  uint32_t own;        /* its plot in the likeliest assignment, ASSIGN_NONE for none */
  uint32_t hypotheses; /* pairs of weight > 0, plus the miss where that has one; 0: nothing to do here */
  double missed;       /* weight of the miss; with the pairs' weights 1 */
  double log_odds;     /* of existence after the scan */
  bool seen;           /* rather than missed, given that it exists */
};

/* Scratch of one worker. */
struct soft_work {
  struct marginals *marginals;
  uint32_t *row, *column, *pair; /* per pair of the problem; pair: number in the tracker */
  double *weight, *probability;
  double *miss, *missed; /* per row */
  double *existing;      /* per row: part of `miss` in which the track exists */
  double *alone;         /* per column */
};

/* A track of a batch and its branches. */
struct merge_row {
  const struct belief *belief;
  uint32_t first, count;
};

struct soft {
  struct soft_work *work; /* per worker */
  /* per pair of a batch */
  double *weight;
  uint32_t *next;
  struct belief *beliefs; /* of group g from its pair_first on */
  /* update: a record per hypothesis */
  struct store branches;
  struct filter filter;
  struct pair *pairs;
  struct pair_evidence *evidence;
  struct hypothesis *hypotheses;
  uint32_t *plots;   /* of branches; ASSIGN_NONE for a miss */
  uint32_t *slots;   /* of branches */
  int64_t *times_ns; /* what each branch is brought to */
  struct merge_row *rows;
  uint32_t *merged;      /* slots of the tracks of a batch */
  uint32_t *holder;      /* per plot: row of the batch whose own it is, ASSIGN_NONE between batches */
  double (*moments)[27]; /* of branches */
};

/* NULL when the arena is too small. */
struct soft *soft_open(struct arena *arena, struct tracker *tracker);
size_t soft_bytes(uint32_t workers, uint32_t detections_max);

/* soft_exchange.c: drops the hypotheses (weight 0) in which two of the first `rows` tracks of a batch of
 * `branches` only exchange their names. */
void soft_exchange(struct soft *soft, uint32_t rows, uint32_t branches);

#endif

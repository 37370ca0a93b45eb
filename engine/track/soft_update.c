/* The tracks that several plots may belong to: a copy of the track for each hypothesis, updated by the filter
 * as any track is, then one record again by moments (docs/maths.md P13). */
#include <math.h>

#include "engine/base/check.h"
#include "engine/track/soft.h"

enum { MERGE_PIECE = 4, SOFT_TABLE = 1 << 17 };

size_t soft_bytes(uint32_t workers, uint32_t detections_max) {
  size_t work =
      sizeof(struct soft_work) + marginals_bytes(GROUP_PAIRS_MAX, ASSIGN_MAX, GROUP_PAIRS_MAX, SOFT_TABLE) +
      GROUP_PAIRS_MAX * (3 * sizeof(uint32_t) + 5 * sizeof(double)) + ASSIGN_MAX * sizeof(double) + 1024;
  size_t branch = sizeof(struct track) + 27 * sizeof(double) + 3 * sizeof(uint32_t) + sizeof(struct pair) +
                  sizeof(struct pair_evidence) + sizeof(struct hypothesis) + sizeof(int64_t) +
                  sizeof(struct merge_row) + 64;
  return workers * work + PAIRS_MAX * (sizeof(double) + sizeof(uint32_t) + sizeof(struct belief)) +
         BRANCHES_MAX * branch + detections_max * sizeof(uint32_t) + 65536;
}

static bool work_open(struct soft_work *work, struct arena *arena) {
  uint32_t pairs = GROUP_PAIRS_MAX;
  work->marginals = marginals_open(arena, pairs, ASSIGN_MAX, pairs, SOFT_TABLE);
  work->row = arena_take(arena, pairs, sizeof *work->row);
  work->column = arena_take(arena, pairs, sizeof *work->column);
  work->pair = arena_take(arena, pairs, sizeof *work->pair);
  work->weight = arena_take(arena, pairs, sizeof *work->weight);
  work->probability = arena_take(arena, pairs, sizeof *work->probability);
  work->miss = arena_take(arena, pairs, sizeof *work->miss);
  work->missed = arena_take(arena, pairs, sizeof *work->missed);
  work->existing = arena_take(arena, pairs, sizeof *work->existing);
  work->alone = arena_take(arena, ASSIGN_MAX, sizeof *work->alone);
  return work->marginals && work->row && work->column && work->pair && work->weight && work->probability &&
         work->miss && work->missed && work->existing && work->alone;
}

struct soft *soft_open(struct arena *arena, struct tracker *tracker) {
  struct soft *soft = arena_take(arena, 1, sizeof *soft);
  if (!soft) return NULL;
  soft->work = arena_take(arena, tracker->parallel.workers, sizeof *soft->work);
  soft->weight = arena_take(arena, PAIRS_MAX, sizeof *soft->weight);
  soft->next = arena_take(arena, PAIRS_MAX, sizeof *soft->next);
  soft->beliefs = arena_take(arena, PAIRS_MAX, sizeof *soft->beliefs);
  soft->pairs = arena_take(arena, BRANCHES_MAX, sizeof *soft->pairs);
  soft->evidence = arena_take(arena, BRANCHES_MAX, sizeof *soft->evidence);
  soft->hypotheses = arena_take(arena, BRANCHES_MAX, sizeof *soft->hypotheses);
  soft->plots = arena_take(arena, BRANCHES_MAX, sizeof *soft->plots);
  soft->holder = arena_take(arena, tracker->detections_max, sizeof *soft->holder);
  soft->moments = arena_take(arena, BRANCHES_MAX, sizeof *soft->moments);
  soft->slots = arena_take(arena, BRANCHES_MAX, sizeof *soft->slots);
  soft->times_ns = arena_take(arena, BRANCHES_MAX, sizeof *soft->times_ns);
  soft->rows = arena_take(arena, BRANCHES_MAX, sizeof *soft->rows);
  soft->merged = arena_take(arena, BRANCHES_MAX, sizeof *soft->merged);
  bool complete = soft->work && soft->weight && soft->next && soft->beliefs && soft->pairs &&
                  soft->evidence && soft->hypotheses && soft->slots && soft->times_ns && soft->rows &&
                  soft->merged && soft->plots && soft->holder && soft->moments &&
                  store_open(&soft->branches, arena, BRANCHES_MAX, 0) == 0 &&
                  filter_open(&soft->filter, arena, &soft->branches, tracker->parallel, BRANCHES_MAX, 0) == 0;
  for (unsigned w = 0; complete && w < tracker->parallel.workers; w++)
    complete = work_open(&soft->work[w], arena);
  if (!complete) return NULL;
  soft->filter.plots = tracker->plots;
  soft->filter.past = &tracker->filter.history;
  for (uint32_t i = 0; i < BRANCHES_MAX; i++) soft->slots[i] = i;
  for (uint32_t i = 0; i < tracker->detections_max; i++) soft->holder[i] = ASSIGN_NONE;
  return soft;
}

/* Hypotheses gathered for one pass of the filter. */
struct batch {
  uint32_t rows, branches, pairs;
};

static void branch_add(struct tracker *tracker, struct batch *batch, uint32_t slot, uint32_t plot,
                       double weight) {
  struct soft *soft = tracker->soft;
  uint32_t branch = batch->branches++;
  soft->plots[branch] = plot;
  soft->branches.tracks[branch] = tracker->store.tracks[slot];
  soft->hypotheses[branch] = (struct hypothesis){.track = &soft->branches.tracks[branch], .weight = weight};
}

/* The branches of one track, all to end at the time of its newest plot or later. */
static void row_add(struct tracker *tracker, struct batch *batch, const struct belief *belief) {
  struct soft *soft = tracker->soft;
  struct merge_row *row = &soft->rows[batch->rows];
  soft->merged[batch->rows++] = belief->track;
  *row = (struct merge_row){.belief = belief, .first = batch->branches, .count = belief->hypotheses};
  int64_t until_ns = tracker->store.tracks[belief->track].time_ns;
  for (uint32_t p = belief->first_pair; p != ASSIGN_NONE; p = soft->next[p]) {
    if (!(soft->weight[p] > 0)) continue;
    uint32_t plot = tracker->pairs[p].plot;
    if (tracker->plots[plot].time_ns > until_ns) until_ns = tracker->plots[plot].time_ns;
    soft->pairs[batch->pairs++] = (struct pair){.track = batch->branches, .plot = plot};
    branch_add(tracker, batch, belief->track, plot, soft->weight[p]);
  }
  if (belief->missed > 0) branch_add(tracker, batch, belief->track, ASSIGN_NONE, belief->missed);
  weft_assert(batch->branches == row->first + row->count);
  for (uint32_t b = row->first; b < batch->branches; b++) soft->times_ns[b] = until_ns;
}

static void merge_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct tracker *tracker = argument;
  for (uint32_t r = begin; r < end; r++) {
    const struct merge_row *row = &tracker->soft->rows[r];
    merge_hypotheses(&tracker->store.tracks[row->belief->track], &tracker->soft->hypotheses[row->first],
                     row->count);
  }
}

/* Hypotheses that are left, to sum 1. A single plot is an ordinary update, put aside into `chosen`; a single
 * miss is left to the review of looks; other rows move up. */
static void rows_settle(struct tracker *tracker, struct batch *batch, uint32_t *chosen) {
  struct soft *soft = tracker->soft;
  uint32_t rows = 0;
  for (uint32_t r = 0; r < batch->rows; r++) {
    struct merge_row row = soft->rows[r];
    uint32_t kept = row.first;
    double total = 0;
    for (uint32_t b = row.first; b < row.first + row.count; b++) {
      if (!(soft->hypotheses[b].weight > 0)) continue;
      total += soft->hypotheses[b].weight;
      soft->plots[kept] = soft->plots[b];
      soft->hypotheses[kept++] = soft->hypotheses[b];
    }
    row.count = kept - row.first;
    for (uint32_t b = row.first; b < kept; b++) soft->hypotheses[b].weight /= total;
    if (row.count > 1) {
      soft->merged[rows] = row.belief->track;
      soft->rows[rows++] = row;
    } else if (soft->plots[row.first] != ASSIGN_NONE) {
      tracker->chosen[(*chosen)++] =
          (struct pair){.track = row.belief->track, .plot = soft->plots[row.first]};
    }
  }
  batch->rows = rows;
}

static void batch_run(struct tracker *tracker, struct batch *batch) {
  struct soft *soft = tracker->soft;
  uint32_t chosen = 0;
  if (batch->rows == 0) return;
  filter_update(&soft->filter, soft->pairs, batch->pairs, soft->evidence);
  filter_advance_each(&soft->filter, soft->slots, batch->branches, soft->times_ns);
  soft_exchange(soft, batch->rows, batch->branches);
  tracker->statistics.hypotheses += batch->branches;
  rows_settle(tracker, batch, &chosen);
  tracker->parallel.run(tracker->parallel.context, merge_piece, tracker, batch->rows, MERGE_PIECE);
  filter_summarise(&tracker->filter, soft->merged, batch->rows);
  for (uint32_t r = 0; r < batch->rows; r++) {
    const struct belief *belief = soft->rows[r].belief;
    history_link(&tracker->filter.history, &tracker->store.tracks[belief->track],
                 0); /* no entry holds a choice */
    lifecycle_soft(tracker, belief->track, &tracker->plots[belief->plot], belief->log_odds, belief->seen);
  }
  chosen_update(tracker, chosen);
  tracker->statistics.tracks_softened += batch->rows;
  *batch = (struct batch){0};
}

void soft_update(struct tracker *tracker, uint32_t begin, uint32_t end) {
  struct batch batch = {0};
  for (uint32_t g = begin; g < end; g++) {
    const struct group *group = &tracker->groups[tracker->turns[g]];
    for (uint32_t b = 0; b < group->belief_count; b++) {
      const struct belief *belief = &tracker->soft->beliefs[group->pair_first + b];
      if (batch.branches + belief->hypotheses > BRANCHES_MAX) batch_run(tracker, &batch);
      if (belief->hypotheses > 0) row_add(tracker, &batch, belief);
    }
  }
  batch_run(tracker, &batch);
}

/* Nearest neighbours: the one likeliest assignment of a scan (docs/maths.md T6). */
#include <math.h>
#include <string.h>

#include "engine/track/state.h"

/* What choosing a pair gains over leaving both alone: ln of r Pd N / lambda against 1 - r Pd. 0 or less: not
 * worth it. */
static double pair_gain(const struct tracker *tracker, uint32_t p) {
  const struct pair *pair = &tracker->pairs[p];
  const struct pair_evidence *evidence = &tracker->evidence[p];
  if (!pair_gated(evidence)) return 0;
  double r = track_existence(&tracker->store.tracks[pair->track]);
  const struct plot *plot = &tracker->plots[pair->plot];
  double pd = tracker->site->sensors[plot->sensor].detection_probability;
  double gain = lifecycle_log_ratio(tracker, plot, evidence) + wk_log(fmax(r, 1e-12)) - wk_log(1 - r * pd);
  return isfinite(gain) ? gain : 0;
}

/* A group on its way through the solver. Slots of different groups of a round never meet (they are different
 * components), so tracker->listings[slot].claimed_by is this group's own scratch. */
struct solve {
  struct tracker *tracker;
  struct assign_work *work;
  const struct group *group;
  const struct pair *pairs;                  /* of the group */
  double gain[ASSIGN_MAX * CANDIDATES_MAX];  /* per pair */
  uint16_t row[ASSIGN_MAX * CANDIDATES_MAX]; /* per pair: which of the group's plots */
  uint32_t label[ASSIGN_MAX];                /* per plot: smallest plot of its sub-cluster */
  uint32_t row_count;
};

/* Rows that share a worthwhile track belong together. Returns the number of worthwhile pairs. */
static uint32_t solve_label(struct solve *solve) {
  struct tracker *tracker = solve->tracker;
  uint32_t worthwhile = 0, last_plot = UINT32_MAX;
  solve->row_count = 0;
  for (uint32_t k = 0; k < solve->group->pair_count; k++) {
    if (solve->pairs[k].plot != last_plot) {
      last_plot = solve->pairs[k].plot;
      solve->label[solve->row_count] = solve->row_count;
      solve->row_count++;
    }
    solve->row[k] = (uint16_t)(solve->row_count - 1);
    solve->gain[k] = pair_gain(tracker, solve->group->pair_first + k);
    worthwhile += solve->gain[k] > 0;
    tracker->listings[solve->pairs[k].track].claimed_by = ASSIGN_NONE;
  }
  for (uint32_t k = 0; k < solve->group->pair_count; k++) {
    if (solve->gain[k] <= 0) continue;
    uint32_t *claim = &tracker->listings[solve->pairs[k].track].claimed_by;
    if (*claim == ASSIGN_NONE) *claim = solve->row[k];
    clusters_join(solve->label, *claim, solve->row[k]);
  }
  for (uint32_t r = 0; r < solve->row_count; r++) solve->label[r] = clusters_root(solve->label, r);
  return worthwhile;
}

/* Solves the sub-cluster with this label. A track beyond the solver's width is left out of this scan. */
static void solve_cluster(struct solve *solve, uint32_t label) {
  struct tracker *tracker = solve->tracker;
  struct assign_work *work = solve->work;
  uint32_t place[ASSIGN_MAX], rows = 0, columns = 0;
  for (uint32_t r = label; r < solve->row_count; r++) {
    if (solve->label[r] != label) continue;
    memset(work->cost[rows], 0, sizeof work->cost[rows]);
    place[r] = rows++;
  }
  for (uint32_t k = 0; k < solve->group->pair_count; k++) {
    if (solve->label[solve->row[k]] == label) tracker->listings[solve->pairs[k].track].claimed_by = ASSIGN_NONE;
  }
  for (uint32_t k = 0; k < solve->group->pair_count; k++) {
    if (solve->label[solve->row[k]] != label || solve->gain[k] <= 0) continue;
    uint32_t *column = &tracker->listings[solve->pairs[k].track].claimed_by;
    if (*column == ASSIGN_NONE && columns < ASSIGN_MAX) *column = columns++;
    if (*column != ASSIGN_NONE) work->cost[place[solve->row[k]]][*column] = -solve->gain[k];
  }
  assign_solve(work, rows, columns);
  for (uint32_t k = 0; k < solve->group->pair_count; k++) {
    if (solve->label[solve->row[k]] != label || solve->gain[k] <= 0) continue;
    uint32_t column = work->column_of[place[solve->row[k]]];
    bool won = column != ASSIGN_NONE && column == tracker->listings[solve->pairs[k].track].claimed_by;
    tracker->choice[solve->group->pair_first + k] = won;
  }
}

void nearest_solve(struct tracker *tracker, struct assign_work *work, const struct group *group) {
  struct solve solve;
  solve.tracker = tracker;
  solve.work = work;
  solve.group = group;
  solve.pairs = &tracker->pairs[group->pair_first];
  uint32_t worthwhile = solve_label(&solve);
  for (uint32_t k = 0; k < group->pair_count; k++) tracker->choice[group->pair_first + k] = 0;
  if (worthwhile == 1) { /* the common case: one plot, one track */
    for (uint32_t k = 0; k < group->pair_count; k++)
      tracker->choice[group->pair_first + k] = solve.gain[k] > 0;
    return;
  }
  for (uint32_t r = 0; worthwhile > 0 && r < solve.row_count; r++) {
    if (solve.label[r] == r) solve_cluster(&solve, r);
  }
}

/* Which exchanges of plots between two tracks are worth keeping as hypotheses (docs/maths.md P12). Where a
 * track after an exchange is more like the other one without it, the two hypotheses differ in the tracks'
 * names alone: averaging over them would pull both tracks into the middle and gain nothing. */
#include <math.h>

#include "engine/track/soft.h"
#include "engine/track/vector.h"

/* Squared Mahalanobis distance of two branches with the sum of their covariances. */
static double branches_distance(const struct soft *soft, uint32_t a, uint32_t b) {
  const double *x = soft->moments[a], *y = soft->moments[b];
  double d[6], sum[21], inverse[21];
  for (int i = 0; i < 6; i++) d[i] = x[i] - y[i];
  for (int i = 0; i < 21; i++) sum[i] = x[6 + i] + y[6 + i];
  return matrix_invert_spd(6, sum, inverse, NULL) ? matrix_quadratic(6, inverse, d) : INFINITY;
}

/* The row's branch with this plot (or the miss) that has a weight, ASSIGN_NONE if there is none. */
static uint32_t branch_find(const struct soft *soft, const struct merge_row *row, uint32_t plot) {
  for (uint32_t b = row->first; b < row->first + row->count; b++) {
    if (soft->plots[b] == plot && soft->hypotheses[b].weight > 0) return b;
  }
  return ASSIGN_NONE;
}

/* `taken` is a branch of `row` with the own plot of `other`; other gets row's own, or is missed with it. */
static void exchange_judge(struct soft *soft, const struct merge_row *row, uint32_t taken,
                           const struct merge_row *other) {
  uint32_t theirs = branch_find(soft, other, other->belief->own);
  uint32_t own = branch_find(soft, row, row->belief->own);
  uint32_t given = branch_find(soft, other, row->belief->own);
  if (theirs == ASSIGN_NONE || own == ASSIGN_NONE) return;
  double kept = branches_distance(soft, own, taken), renamed = branches_distance(soft, theirs, taken);
  if (given != ASSIGN_NONE) {
    kept += branches_distance(soft, theirs, given);
    renamed += branches_distance(soft, own, given);
  }
  if (!(renamed < kept)) return;
  soft->hypotheses[taken].weight = 0;
  if (given != ASSIGN_NONE) soft->hypotheses[given].weight = 0;
}

void soft_exchange(struct soft *soft, uint32_t rows, uint32_t branches) {
  bool contested = false;
  for (uint32_t r = 0; r < rows; r++) {
    if (soft->rows[r].belief->own != ASSIGN_NONE) soft->holder[soft->rows[r].belief->own] = r;
  }
  for (uint32_t r = 0; r < rows; r++) {
    const struct merge_row *row = &soft->rows[r];
    for (uint32_t b = row->first; b < row->first + row->count; b++) {
      uint32_t holder = soft->plots[b] == ASSIGN_NONE ? ASSIGN_NONE : soft->holder[soft->plots[b]];
      if (holder == ASSIGN_NONE || holder == r || !(soft->hypotheses[b].weight > 0)) continue;
      if (!contested) filter_moments(&soft->filter, soft->slots, branches, soft->moments);
      contested = true;
      exchange_judge(soft, row, b, &soft->rows[holder]);
    }
  }
  for (uint32_t r = 0; r < rows; r++) {
    if (soft->rows[r].belief->own != ASSIGN_NONE) soft->holder[soft->rows[r].belief->own] = ASSIGN_NONE;
  }
}

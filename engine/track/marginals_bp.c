/* Belief propagation on the assignment graph with the messages reduced to one number per pair and direction
 * (Williams, Lau 2014): docs/maths.md P7, P8. Every leave-one-out sum is a prefix plus a suffix, because
 * subtracting from the whole loses everything when one term outweighs the rest by more than 2^53. */
#include <math.h>

#include "engine/base/check.h"
#include "engine/track/marginals.h"

static const double change_max = 1e-7; /* of any probability between two iterations */

/* mu of a row's edges from nu, and the row's beliefs. Returns the largest change of a belief. */
static double row_sweep(const struct marginals *work, uint32_t row) {
  const struct marginals_part *part = &work->part;
  uint32_t begin = part->rows.first[row], end = part->rows.first[row + 1];
  double before = part->rows.alone[row], after = 0, change = 0;
  for (uint32_t e = begin; e < end; e++) {
    work->prefix[e - begin] = before;
    before += part->weight[e] * work->nu[e];
  }
  double share = 1 / before;
  for (uint32_t e = end; e-- > begin;) {
    double said = part->weight[e] * work->nu[e];
    work->mu[e] = part->weight[e] / (work->prefix[e - begin] + after);
    after += said;
    double p = said * share;
    change = fmax(change, fabs(p - part->p[e]));
    part->p[e] = p;
  }
  part->rows.p_alone[row] = part->rows.alone[row] * share;
  return change;
}

static void column_sweep(const struct marginals *work, uint32_t column) {
  const struct marginals_part *part = &work->part;
  uint32_t begin = part->columns.first[column], end = part->columns.first[column + 1];
  double alone = part->columns.alone[column], before = alone, after = 0;
  for (uint32_t k = begin; k < end; k++) {
    work->prefix[k - begin] = before;
    before += work->mu[part->columns.edge[k]];
  }
  for (uint32_t k = end; k-- > begin;) {
    uint32_t e = part->columns.edge[k];
    work->nu[e] = 1 / (work->prefix[k - begin] + after);
    after += work->mu[e];
  }
  part->columns.p_alone[column] = alone / before;
}

uint32_t marginals_bp(struct marginals *work, bool *converged) {
  struct marginals_part *part = &work->part;
  if (!marginals_weights_near(part))
    (void)marginals_rescale(work); /* the fixed point stays, the way to it gets short */
  for (uint32_t e = 0; e < part->edge_count; e++) {
    work->nu[e] = 1;
    part->p[e] = 0;
  }
  weft_assert(part->edge_count > 0);
  uint32_t most = MARGINALS_VISITS_MAX / part->edge_count, done = 0;
  if (most > MARGINALS_ITERATIONS_MAX) most = MARGINALS_ITERATIONS_MAX;
  if (most < MARGINALS_ITERATIONS_MIN) most = MARGINALS_ITERATIONS_MIN;
  *converged = false;
  while (!*converged && done < most) {
    double change = 0;
    for (uint32_t r = 0; r < part->rows.count; r++) change = fmax(change, row_sweep(work, r));
    for (uint32_t c = 0; c < part->columns.count; c++) column_sweep(work, c);
    *converged = change <= change_max;
    done++;
  }
  return done;
}

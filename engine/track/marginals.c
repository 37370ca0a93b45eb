/* Cleans the weights, walks the connected components, gives each to a closed form, the exact path or belief
 * propagation. */
#include "engine/track/marginals.h"

#include <math.h>
#include <string.h>

#include "engine/base/check.h"

static const double weight_max = 1e300;
static const double miss_min = 0x1p-1000; /* of the row's largest weight */

/* Takes from an arena, or only adds up what it would take. */
struct taking {
  struct arena *arena; /* NULL: add up */
  size_t bytes;
  bool failed;
};

static void *take(struct taking *taking, size_t count, size_t size) {
  taking->bytes += (count * size + 63) & ~(size_t)63;
  if (!taking->arena) return NULL;
  void *items = arena_take(taking->arena, count, size);
  if (!items) taking->failed = true;
  return items;
}

static void side_take(struct taking *taking, struct marginals_side *side, uint32_t nodes, uint32_t pairs) {
  side->node = take(taking, nodes, sizeof *side->node);
  side->first = take(taking, nodes + 1, sizeof *side->first);
  side->edge = take(taking, pairs, sizeof *side->edge);
  side->end = take(taking, pairs, sizeof *side->end);
  side->alone = take(taking, nodes, sizeof *side->alone);
  side->p_alone = take(taking, nodes, sizeof *side->p_alone);
}

static void work_take(struct taking *taking, struct marginals *work) {
  uint32_t rows = work->rows_max, columns = work->columns_max, pairs = work->pairs_max,
           most = rows > columns ? rows : columns;
  side_take(taking, &work->part.rows, rows, pairs);
  side_take(taking, &work->part.columns, columns, pairs);
  work->part.pair = take(taking, pairs, sizeof *work->part.pair);
  work->part.weight = take(taking, pairs, sizeof *work->part.weight);
  work->part.p = take(taking, pairs, sizeof *work->part.p);
  work->global_first = take(taking, rows + columns + 2, sizeof *work->global_first);
  work->global_pair = take(taking, 2 * (size_t)pairs, sizeof *work->global_pair);
  work->local = take(taking, rows + columns, sizeof *work->local);
  work->walk = take(taking, rows + columns, sizeof *work->walk);
  work->clean = take(taking, pairs, sizeof *work->clean);
  for (int i = 0; i < 2; i++) {
    struct marginals_plan *plan = &work->plan[i];
    plan->order = take(taking, most, sizeof *plan->order);
    plan->width = take(taking, most, sizeof *plan->width);
    plan->entered = take(taking, most, sizeof *plan->entered);
    plan->leave_first = take(taking, most + 1, sizeof *plan->leave_first);
    plan->leave_bit = take(taking, most, sizeof *plan->leave_bit);
    plan->leave_bin = take(taking, most, sizeof *plan->leave_bin);
    plan->bit = take(taking, pairs, sizeof *plan->bit);
  }
  work->remaining = take(taking, most, sizeof *work->remaining);
  work->position = take(taking, most, sizeof *work->position);
  work->table = take(taking, work->table_max, sizeof *work->table);
  work->front = take(taking, (size_t)1 << MARGINALS_WIDTH_MAX, sizeof *work->front);
  work->spare = take(taking, (size_t)1 << MARGINALS_WIDTH_MAX, sizeof *work->spare);
  work->nu = take(taking, pairs, sizeof *work->nu);
  work->mu = take(taking, pairs, sizeof *work->mu);
  work->prefix = take(taking, most + 1, sizeof *work->prefix);
  work->assign = take(taking, 1, sizeof *work->assign);
}

struct marginals *marginals_open(struct arena *arena, uint32_t rows_max, uint32_t columns_max,
                                 uint32_t pairs_max, uint32_t table_max) {
  weft_assert(rows_max > 0 && columns_max > 0 && pairs_max > 0 && table_max >= 2);
  struct taking taking = {.arena = arena};
  struct marginals *work = take(&taking, 1, sizeof *work);
  if (!work) return NULL;
  *work = (struct marginals){
      .rows_max = rows_max, .columns_max = columns_max, .pairs_max = pairs_max, .table_max = table_max};
  work_take(&taking, work);
  return taking.failed ? NULL : work;
}

size_t marginals_bytes(uint32_t rows_max, uint32_t columns_max, uint32_t pairs_max, uint32_t table_max) {
  struct marginals work = {
      .rows_max = rows_max, .columns_max = columns_max, .pairs_max = pairs_max, .table_max = table_max};
  struct taking taking = {0};
  take(&taking, 1, sizeof work);
  work_take(&taking, &work);
  return taking.bytes;
}

/* The pairs that count, listed by row and behind that by column. */
static void lists_build(struct marginals *work, const struct marginals_problem *problem) {
  uint32_t nodes = problem->rows + problem->columns, *first = work->global_first;
  memset(first, 0, (nodes + 2) * sizeof *first);
  for (uint32_t p = 0; p < problem->pair_count; p++) {
    double weight = problem->weight[p];
    weft_assert(problem->row[p] < problem->rows && problem->column[p] < problem->columns);
    work->clean[p] = weight > 0 ? fmin(weight, weight_max) : 0;
    if (work->clean[p] == 0) continue;
    first[problem->row[p] + 2]++;
    first[problem->rows + problem->column[p] + 2]++;
  }
  for (uint32_t i = 2; i < nodes + 2; i++) first[i] += first[i - 1];
  for (uint32_t p = 0; p < problem->pair_count;
       p++) { /* first[node + 1] is where the node's next pair goes */
    if (work->clean[p] == 0) continue;
    work->global_pair[first[problem->row[p] + 1]++] = p;
    work->global_pair[first[problem->rows + problem->column[p] + 1]++] = p;
  }
}

/* Notes the nodes that a node's pairs lead to. */
static uint32_t walk_from(struct marginals *work, const struct marginals_problem *problem, uint32_t node,
                          uint32_t reached) {
  for (uint32_t k = work->global_first[node]; k < work->global_first[node + 1]; k++) {
    uint32_t pair = work->global_pair[k];
    uint32_t other = node < problem->rows ? problem->rows + problem->column[pair] : problem->row[pair];
    if (work->local[other] != UINT32_MAX) continue;
    struct marginals_side *side = other < problem->rows ? &work->part.rows : &work->part.columns;
    work->local[other] = side->count;
    side->node[side->count++] = other < problem->rows ? other : other - problem->rows;
    work->walk[reached++] = other;
  }
  return reached;
}

/* A row's edges, scaled so that its largest number, miss included, is in [1/2, 1). */
static void row_fill(struct marginals *work, const struct marginals_problem *problem, uint32_t row) {
  struct marginals_part *part = &work->part;
  uint32_t node = part->rows.node[row];
  double largest = 0, miss = problem->miss[node];
  for (uint32_t k = work->global_first[node]; k < work->global_first[node + 1]; k++) {
    largest = fmax(largest, work->clean[work->global_pair[k]]);
  }
  miss = miss > 0 ? fmin(miss, weight_max) : 0;
  int up;
  (void)frexp(fmax(largest, miss), &up);
  part->rows.alone[row] = fmax(ldexp(miss, -up), miss_min * ldexp(largest, -up));
  for (uint32_t k = work->global_first[node]; k < work->global_first[node + 1]; k++) {
    uint32_t e = part->edge_count++;
    part->pair[e] = work->global_pair[k];
    part->weight[e] = ldexp(work->clean[part->pair[e]], -up);
    part->rows.edge[e] = e;
    part->rows.end[e] = row;
    part->columns.end[e] = work->local[problem->rows + problem->column[part->pair[e]]];
  }
  part->rows.first[row + 1] = part->edge_count;
}

/* The component of a row that was not met yet. */
static void part_build(struct marginals *work, const struct marginals_problem *problem, uint32_t start) {
  struct marginals_part *part = &work->part;
  part->rows.count = 1;
  part->columns.count = part->edge_count = 0;
  part->rows.node[0] = work->walk[0] = start;
  work->local[start] = 0;
  uint32_t reached = 1;
  for (uint32_t at = 0; at < reached; at++) reached = walk_from(work, problem, work->walk[at], reached);
  part->rows.first[0] = 0;
  for (uint32_t r = 0; r < part->rows.count; r++) row_fill(work, problem, r);
  uint32_t *first = part->columns.first;
  memset(first, 0, (part->columns.count + 1) * sizeof *first);
  for (uint32_t e = 0; e < part->edge_count; e++) first[part->columns.end[e]]++;
  for (uint32_t c = 0, sum = 0; c <= part->columns.count; c++) {
    uint32_t many = c < part->columns.count ? first[c] : 0;
    first[c] = sum;
    sum += many;
    if (c < part->columns.count) {
      part->columns.alone[c] = 1;
      work->remaining[c] = first[c];
    }
  }
  for (uint32_t e = 0; e < part->edge_count; e++)
    part->columns.edge[work->remaining[part->columns.end[e]]++] = e;
}

/* One track or one plot: P2, P3. */
static void star_solve(struct marginals_part *part) {
  bool single_row = part->rows.count == 1;
  double sum = single_row ? part->rows.alone[0] : 1;
  for (uint32_t e = 0; e < part->edge_count; e++) {
    part->p[e] = single_row ? part->weight[e] : part->weight[e] / part->rows.alone[part->rows.end[e]];
    sum += part->p[e];
  }
  for (uint32_t e = 0; e < part->edge_count; e++) {
    part->p[e] /= sum;
    if (single_row) part->columns.p_alone[part->columns.end[e]] = fmax(1 - part->p[e], 0);
    if (!single_row) part->rows.p_alone[part->rows.end[e]] = fmax(1 - part->p[e], 0);
  }
  if (single_row) part->rows.p_alone[0] = part->rows.alone[0] / sum;
  if (!single_row) part->columns.p_alone[0] = 1 / sum;
}

static bool part_is_star(const struct marginals_part *part) {
  bool simple = part->edge_count + 1 == part->rows.count + part->columns.count; /* no pair given twice */
  return simple && (part->rows.count == 1 || part->columns.count == 1);
}

static void part_solve(struct marginals *work, enum marginals_method method,
                       struct marginals_result *result) {
  struct marginals_part *part = &work->part;
  bool rescaled = false;
  uint64_t cost_max = (uint64_t)MARGINALS_COST_PER_PAIR * part->edge_count;
  if (cost_max < MARGINALS_COST_MAX) cost_max = MARGINALS_COST_MAX;
  if (method == MARGINALS_EXACT) cost_max = MARGINALS_FORCED_COST_MAX;
  if (method == MARGINALS_AUTO && part_is_star(part)) {
    star_solve(part);
    result->closed++;
  } else if (method != MARGINALS_BP && marginals_exact(work, cost_max, &rescaled)) {
    result->exact++;
    result->rescaled += rescaled;
  } else {
    bool converged;
    uint32_t iterations = marginals_bp(work, &converged);
    result->approximate++;
    result->stopped += !converged;
    if (iterations > result->iterations) result->iterations = iterations;
  }
}

void marginals_solve(struct marginals *work, const struct marginals_problem *problem,
                     enum marginals_method method, struct marginals_result *result) {
  weft_assert(problem->rows <= work->rows_max && problem->columns <= work->columns_max);
  weft_assert(problem->pair_count <= work->pairs_max);
  struct marginals_part *part = &work->part;
  result->closed = result->exact = result->approximate = 0;
  result->stopped = result->iterations = result->rescaled = 0;
  lists_build(work, problem);
  memset(work->local, 0xff, (problem->rows + problem->columns) * sizeof *work->local);
  for (uint32_t p = 0; p < problem->pair_count; p++) result->probability[p] = 0;
  for (uint32_t c = 0; c < problem->columns; c++) result->alone[c] = 1;
  for (uint32_t r = 0; r < problem->rows; r++) {
    if (work->local[r] != UINT32_MAX) continue;
    if (work->global_first[r] == work->global_first[r + 1]) {
      result->missed[r] = 1;
      continue;
    }
    part_build(work, problem, r);
    part_solve(work, method, result);
    for (uint32_t e = 0; e < part->edge_count; e++) result->probability[part->pair[e]] = part->p[e];
    for (uint32_t i = 0; i < part->rows.count; i++)
      result->missed[part->rows.node[i]] = part->rows.p_alone[i];
    for (uint32_t i = 0; i < part->columns.count; i++)
      result->alone[part->columns.node[i]] = part->columns.p_alone[i];
  }
}

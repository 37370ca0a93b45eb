/* Exact marginals by elimination: the nodes of one side (items) are taken one after the other; the state is
 * the set of used nodes of the other side (bins) among those that are open, met already and to be met again.
 * Sums over all assignments of the items so far (forward) and of those to come (backward) meet at every item
 * (docs/maths.md P4, P5). */
#include <math.h>
#include <string.h>

#include "engine/track/marginals.h"

enum { BIT_NONE = 255, PLAN_EFFORT = 4 };
/* With weights not below weight_min and tables not fainter than this beside their largest entry, nothing
 * underflows before the next scaling: one item and one leaving bin multiply by 2^-240 at the least. */
static const double faint = 0x1p-700, weight_min = 0x1p-120;
static const double alone_min = 0x1p-1000;

/* One plan in the making. */
struct frontier {
  uint32_t bin[MARGINALS_WIDTH_MAX]; /* by bit */
  uint32_t open;
};

static double item_peak(const struct marginals_part *part, const struct marginals_side *items,
                        uint32_t item) {
  double peak = 0;
  for (uint32_t k = items->first[item]; k < items->first[item + 1]; k++)
    peak = fmax(peak, part->weight[items->edge[k]]);
  return peak;
}

/* Bins that the item would open less those that it would close. */
static int item_growth(const struct marginals *work, const struct marginals_side *items,
                       const struct marginals_side *bins, uint32_t item) {
  int growth = 0;
  for (uint32_t k = items->first[item]; k < items->first[item + 1]; k++) {
    uint32_t bin = bins->end[items->edge[k]];
    growth += work->position[bin] == BIT_NONE;
    growth -= work->remaining[bin] == 1;
  }
  return growth;
}

/* The next item: of those that need the bin that is open longest (all, at the start), the one of least
 * growth; among equals the larger peak weight, so that the choice does not hang on the numbering; then the
 * lower number. */
static uint32_t item_pick(const struct marginals *work, const struct marginals_side *items,
                          const struct marginals_side *bins, const struct frontier *frontier,
                          const double *peak, uint64_t *effort) {
  uint32_t best = UINT32_MAX, oldest = frontier->bin[0];
  int least = 0;
  uint32_t begin = frontier->open ? bins->first[oldest] : 0,
           end = frontier->open ? bins->first[oldest + 1] : items->count;
  for (uint32_t k = begin; k < end; k++) {
    uint32_t item = frontier->open ? items->end[bins->edge[k]] : k;
    if (peak[item] < 0 || item == best) continue;
    int growth = item_growth(work, items, bins, item);
    *effort += items->first[item + 1] - items->first[item];
    bool better = best == UINT32_MAX || growth < least ||
                  (growth == least && (peak[item] > peak[best] || (peak[item] == peak[best] && item < best)));
    if (!better) continue;
    best = item;
    least = growth;
  }
  return best;
}

/* Opens the item's new bins and notes the bit of each of its edges. False when too many are open. */
static bool step_open(struct marginals *work, const struct marginals_side *items,
                      const struct marginals_side *bins, struct frontier *frontier,
                      struct marginals_plan *plan, uint32_t step) {
  uint32_t item = plan->order[step], before = frontier->open;
  for (uint32_t k = items->first[item]; k < items->first[item + 1]; k++) {
    uint32_t bin = bins->end[items->edge[k]];
    if (work->position[bin] == BIT_NONE) {
      if (frontier->open == MARGINALS_WIDTH_MAX) return false;
      work->position[bin] = (uint8_t)frontier->open;
      frontier->bin[frontier->open++] = bin;
    }
    plan->bit[items->edge[k]] = work->position[bin];
    work->remaining[bin]--;
  }
  plan->entered[step] = (uint8_t)(frontier->open - before);
  plan->width[step] = (uint8_t)frontier->open;
  return true;
}

/* Closes the bins that no later item needs; the bits above move down. */
static uint32_t step_close(struct marginals *work, struct frontier *frontier, struct marginals_plan *plan,
                           uint32_t left) {
  for (uint32_t b = 0; b < frontier->open;) {
    uint32_t bin = frontier->bin[b];
    if (work->remaining[bin] > 0) {
      b++;
      continue;
    }
    plan->leave_bit[left] = (uint8_t)b;
    plan->leave_bin[left++] = bin;
    frontier->open--;
    for (uint32_t i = b; i < frontier->open; i++) {
      frontier->bin[i] = frontier->bin[i + 1];
      work->position[frontier->bin[i]] = (uint8_t)i;
    }
  }
  return left;
}

/* False when the component is too wide or too dear from this side. */
static bool plan_make(struct marginals *work, const struct marginals_side *items,
                      const struct marginals_side *bins, uint64_t cost_max, struct marginals_plan *plan) {
  struct frontier frontier = {.bin = {0}, .open = 0};
  double *peak = work->prefix; /* of the items not yet taken; -1 after */
  for (uint32_t b = 0; b < bins->count; b++) {
    work->remaining[b] = bins->first[b + 1] - bins->first[b];
    work->position[b] = BIT_NONE;
  }
  for (uint32_t i = 0; i < items->count; i++) peak[i] = item_peak(&work->part, items, i);
  plan->steps = items->count;
  plan->cost = plan->table = 0;
  plan->leave_first[0] = 0;
  uint64_t effort = 0; /* pairs looked at while planning, bounded as the sums are */
  for (uint32_t step = 0; step < plan->steps; step++) {
    uint32_t item = item_pick(work, items, bins, &frontier, peak, &effort);
    plan->order[step] = item;
    peak[item] = -1;
    if (!step_open(work, items, bins, &frontier, plan, step)) return false;
    plan->table += (uint64_t)1 << plan->width[step];
    plan->cost += (uint64_t)(items->first[item + 1] - items->first[item] + 1) << plan->width[step];
    if (plan->cost > cost_max || effort > PLAN_EFFORT * cost_max || plan->table > work->table_max)
      return false;
    plan->leave_first[step + 1] = step_close(work, &frontier, plan, plan->leave_first[step]);
  }
  return true;
}

/* Scales a table by a power of two so that its largest entry is in [1/2, 1). False if an entry is too faint
 * beside it. */
static bool table_scale(double *table, uint32_t size) {
  double largest = 0, smallest = INFINITY;
  for (uint32_t s = 0; s < size; s++) {
    largest = fmax(largest, table[s]);
    smallest = table[s] > 0 ? fmin(smallest, table[s]) : smallest;
  }
  if (!(largest > alone_min)) return false;
  int up;
  (void)frexp(largest, &up);
  double factor = ldexp(1, -up);
  for (uint32_t s = 0; s < size; s++) table[s] *= factor;
  return smallest >= faint * largest;
}

/* One run of the sums; rows are the items or the bins. */
struct sweep {
  struct marginals *work;
  const struct marginals_side *items, *bins;
  const struct marginals_plan *plan;
  bool empty; /* some item's sums vanished altogether */
};

/* Fills the forward tables. False if digits may have been lost. */
static bool sweep_forward(const struct sweep *sweep) {
  const struct marginals_plan *plan = sweep->plan;
  double *stored = sweep->work->table, *front = sweep->work->front;
  bool sound = true;
  uint32_t have = 1;
  front[0] = 1;
  for (uint32_t step = 0; step < plan->steps; step++) {
    uint32_t item = plan->order[step], size = (uint32_t)1 << plan->width[step];
    memcpy(stored, front, have * sizeof *stored);
    memset(stored + have, 0, (size - have) * sizeof *stored);
    for (uint32_t s = 0; s < size; s++) front[s] = sweep->items->alone[item] * stored[s];
    for (uint32_t k = sweep->items->first[item]; k < sweep->items->first[item + 1]; k++) {
      uint32_t edge = sweep->items->edge[k], bit = (uint32_t)1 << plan->bit[edge];
      double weight = sweep->work->part.weight[edge];
      for (uint32_t base = 0; base < size; base += 2 * bit) {
        for (uint32_t s = base; s < base + bit; s++) front[s + bit] += weight * stored[s];
      }
    }
    have = size;
    for (uint32_t l = plan->leave_first[step]; l < plan->leave_first[step + 1]; l++) {
      uint32_t bit = (uint32_t)1 << plan->leave_bit[l];
      double alone = sweep->bins->alone[plan->leave_bin[l]];
      have /= 2;
      for (uint32_t s = 0; s < have; s++) { /* reads at s and above, so in place */
        uint32_t low = (s & (bit - 1)) | (s & ~(bit - 1)) << 1;
        front[s] = front[low] * alone + front[low + bit];
      }
      sound = table_scale(front, have) && sound;
    }
    if (have == size) sound = table_scale(front, have) && sound;
    stored += size;
  }
  return sound;
}

/* The item's marginals from its forward table and the backward sums behind it. False if digits may have been
 * lost. */
static bool item_combine(struct sweep *sweep, uint32_t item, const double *forward, const double *backward,
                         uint32_t size) {
  struct marginals_part *part = &sweep->work->part;
  double total = 0;
  for (uint32_t s = 0; s < size; s++) total += forward[s] * backward[s];
  double alone = total *= sweep->items->alone[item];
  for (uint32_t k = sweep->items->first[item]; k < sweep->items->first[item + 1]; k++) {
    uint32_t edge = sweep->items->edge[k], bit = (uint32_t)1 << sweep->plan->bit[edge];
    double sum = 0;
    for (uint32_t base = 0; base < size; base += 2 * bit) {
      for (uint32_t s = base; s < base + bit; s++) sum += forward[s] * backward[s + bit];
    }
    part->p[edge] = part->weight[edge] * sum;
    total += part->p[edge];
  }
  if (!(total > 0)) {
    sweep->empty = true;
    return false;
  }
  for (uint32_t k = sweep->items->first[item]; k < sweep->items->first[item + 1]; k++)
    part->p[sweep->items->edge[k]] /= total;
  sweep->items->p_alone[item] = alone / total;
  return total >= faint;
}

static bool sweep_backward(struct sweep *sweep) {
  const struct marginals_plan *plan = sweep->plan;
  double *front = sweep->work->front, *spare = sweep->work->spare;
  const double *stored = sweep->work->table + plan->table;
  bool sound = true;
  front[0] = 1;
  for (uint32_t step = plan->steps; step-- > 0;) {
    uint32_t item = plan->order[step], size = (uint32_t)1 << plan->width[step];
    uint32_t have = size >> (plan->leave_first[step + 1] - plan->leave_first[step]);
    for (uint32_t l = plan->leave_first[step + 1]; l-- > plan->leave_first[step];) {
      uint32_t bit = (uint32_t)1 << plan->leave_bit[l];
      double alone = sweep->bins->alone[plan->leave_bin[l]];
      for (uint32_t s = have; s-- > 0;) { /* writes at s and above, so in place */
        uint32_t low = (s & (bit - 1)) | (s & ~(bit - 1)) << 1;
        double value = front[s];
        front[low + bit] = value;
        front[low] = value * alone;
      }
      have *= 2;
      sound = table_scale(front, have) && sound;
    }
    stored -= size;
    sound = item_combine(sweep, item, stored, front, size) && sound;
    have = size >> plan->entered[step]; /* bins that came in at this step are unused before it */
    for (uint32_t s = 0; s < have; s++) spare[s] = sweep->items->alone[item] * front[s];
    for (uint32_t k = sweep->items->first[item]; k < sweep->items->first[item + 1]; k++) {
      uint32_t edge = sweep->items->edge[k], bit = (uint32_t)1 << plan->bit[edge];
      double weight = sweep->work->part.weight[edge];
      for (uint32_t s = 0; s < have; s++) {
        if (!(s & bit)) spare[s] += weight * front[s + bit];
      }
    }
    sound = table_scale(spare, have) && sound;
    double *swap = front;
    front = spare;
    spare = swap;
  }
  return sound;
}

static double scaled(double value, double exponent) {
  int own;
  double mantissa = frexp(value, &own);
  return ldexp(mantissa, (int)fmax(exponent, -1100));
}

/* Scales rows and columns so that, to powers of two, no assignment weighs more than 1 and the best weighs 1
 * (P6): then what underflows is no part of any sum that matters. False when the component is too large for
 * the assignment solver. */
bool marginals_rescale(struct marginals *work) {
  struct marginals_part *part = &work->part;
  struct assign_work *assign = work->assign;
  uint32_t rows = part->rows.count, columns = part->columns.count;
  if (rows > ASSIGN_MAX || columns > ASSIGN_MAX) return false;
  for (uint32_t r = 0; r < rows; r++) {
    int alone, own;
    (void)frexp(part->rows.alone[r], &alone);
    for (uint32_t c = 0; c < columns; c++) assign->cost[r][c] = 1e9;
    for (uint32_t e = part->rows.first[r]; e < part->rows.first[r + 1]; e++) {
      (void)frexp(part->weight[e], &own);
      if (part->weight[e] > 0)
        assign->cost[r][part->columns.end[e]] = alone - own; /* 0: fainter than a double can say */
    }
  }
  assign_solve(assign, rows, columns);
  for (uint32_t r = 0; r < rows; r++) {
    double price = assign->u[r] + assign->v[columns + r];
    for (uint32_t e = part->rows.first[r]; e < part->rows.first[r + 1]; e++) {
      uint32_t c = part->columns.end[e];
      part->weight[e] = scaled(part->weight[e], price + assign->v[c] - assign->cost[r][c]);
    }
    part->rows.alone[r] = fmax(scaled(part->rows.alone[r], price), alone_min);
  }
  for (uint32_t c = 0; c < columns; c++)
    part->columns.alone[c] = fmax(scaled(0.5, assign->v[c] + 1), alone_min);
  return true;
}

static bool sweep_run(struct sweep *sweep) {
  sweep->empty = false;
  bool forward = sweep_forward(sweep);
  return sweep_backward(sweep) && forward;
}

bool marginals_weights_near(const struct marginals_part *part) {
  for (uint32_t e = 0; e < part->edge_count; e++) {
    if (part->weight[e] < weight_min) return false;
  }
  for (uint32_t r = 0; r < part->rows.count; r++) {
    if (part->rows.alone[r] < weight_min) return false;
  }
  return true;
}

bool marginals_exact(struct marginals *work, uint64_t cost_max, bool *rescaled) {
  struct marginals_part *part = &work->part;
  bool by_row = plan_make(work, &part->rows, &part->columns, cost_max, &work->plan[0]);
  uint64_t bound = by_row ? work->plan[0].cost : cost_max;
  bool by_column = plan_make(work, &part->columns, &part->rows, bound, &work->plan[1]);
  if (!by_row && !by_column) return false;
  if (by_row && by_column) by_column = work->plan[1].cost < work->plan[0].cost;
  struct sweep sweep = {.work = work,
                        .items = by_column ? &part->columns : &part->rows,
                        .bins = by_column ? &part->rows : &part->columns,
                        .plan = &work->plan[by_column]};
  *rescaled = false;
  if (!marginals_weights_near(part) || !sweep_run(&sweep)) {
    if (!marginals_rescale(work)) return false;
    *rescaled = true;
    (void)sweep_run(&sweep);
    if (sweep.empty) return false;
  }
  for (uint32_t b = 0; b < sweep.bins->count; b++) {
    double used = 0;
    for (uint32_t k = sweep.bins->first[b]; k < sweep.bins->first[b + 1]; k++)
      used += part->p[sweep.bins->edge[k]];
    sweep.bins->p_alone[b] = fmax(1 - used, 0);
  }
  return true;
}

/* Association of a scan: the engine's marginals by component, and its assignment, against a dense Hungarian
 * solver. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "engine/base/arena.h"
#include "engine/track/assign.h"
#include "engine/track/marginals.h"

enum { SIDE_MAX = 200, PAIRS_MAX = SIDE_MAX * 24 };
static const double unused_loss = 1e3, gate = 16.0;

struct scan {
  uint32_t side, pairs;
  uint32_t row[PAIRS_MAX], column[PAIRS_MAX];
  double weight[PAIRS_MAX], miss[SIDE_MAX], gain[SIDE_MAX][SIDE_MAX];
};

static struct marginals *marginals;
static struct assign_work assign;
static double hungarian_loss, assign_loss;

/* Tracks in a plane, about `gated` plots in a gate; nine tracks of ten have theirs. */
static void scan_make(struct scan *s, uint32_t side, double gated) {
  struct bench_prng r = {side + (uint64_t)(gated * 10)};
  static double at[SIDE_MAX][2], seen[SIDE_MAX][2];
  const double width = sqrt(side * 3.14159 * gate / gated);
  memset(s, 0, sizeof *s);
  s->side = side;
  for (uint32_t i = 0; i < side; i++) {
    for (int k = 0; k < 2; k++) at[i][k] = bench_uniform(&r, 0.0, width);
    for (int k = 0; k < 2; k++)
      seen[i][k] = i % 10 ? at[i][k] + bench_normal(&r) : bench_uniform(&r, 0.0, width);
  }
  for (uint32_t i = 0; i < side; i++) {
    s->miss[i] = 0.1;
    for (uint32_t j = 0; j < side; j++) {
      const double x = at[i][0] - seen[j][0], y = at[i][1] - seen[j][1], d2 = x * x + y * y;
      s->gain[i][j] = -unused_loss;
      if (d2 > gate || s->pairs == PAIRS_MAX) continue;
      s->weight[s->pairs] = 0.9 * exp(-0.5 * d2) / (6.283185307 * 1e-3);
      s->row[s->pairs] = i;
      s->column[s->pairs] = j;
      s->gain[i][j] = log(s->weight[s->pairs++] / 0.1);
    }
  }
}

static void run_marginals(void *argument) {
  const struct scan *s = argument;
  static double probability[PAIRS_MAX], missed[SIDE_MAX], alone[SIDE_MAX];
  const struct marginals_problem problem = {s->side,   s->side,   s->pairs, s->row,
                                            s->column, s->weight, s->miss};
  struct marginals_result result = {.probability = probability, .missed = missed, .alone = alone};
  marginals_solve(marginals, &problem, MARGINALS_AUTO, &result);
  bench_use(probability);
}

static void run_assign(void *argument) {
  const struct scan *s = argument;
  for (uint32_t i = 0; i < s->side; i++) {
    for (uint32_t j = 0; j < s->side; j++) assign.cost[i][j] = -s->gain[i][j];
  }
  assign_loss = assign_solve(&assign, s->side, s->side);
}

/* Kuhn's method with potentials, rows one after the other, every column looked at each time; a column of its
 * own lets a row alone. */
static void run_hungarian(void *argument) {
  enum { COLUMNS = 2 * SIDE_MAX + 1 };
  const struct scan *s = argument;
  static double u[SIDE_MAX + 1], v[COLUMNS], least[COLUMNS];
  static uint32_t owner[COLUMNS], way[COLUMNS];
  static char used[COLUMNS];
  const uint32_t columns = 2 * s->side;
  memset(u, 0, sizeof u);
  memset(v, 0, sizeof v);
  memset(owner, 0, sizeof owner);
  for (uint32_t row = 1; row <= s->side; row++) {
    uint32_t column = 0;
    owner[0] = row;
    memset(used, 0, sizeof used);
    for (uint32_t j = 0; j <= columns; j++) least[j] = INFINITY;
    do {
      const uint32_t i = owner[column];
      uint32_t next = 0;
      double delta = INFINITY;
      used[column] = 1;
      for (uint32_t j = 1; j <= columns; j++) {
        if (used[j]) continue;
        const double cost = j <= s->side ? -s->gain[i - 1][j - 1] : 0.0, reduced = cost - u[i] - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          way[j] = column;
        }
        if (least[j] < delta) {
          delta = least[j];
          next = j;
        }
      }
      for (uint32_t j = 0; j <= columns; j++) {
        if (used[j]) {
          u[owner[j]] += delta;
          v[j] -= delta;
        } else {
          least[j] -= delta;
        }
      }
      column = next;
    } while (owner[column]);
    for (; column; column = way[column]) owner[column] = owner[way[column]];
  }
  hungarian_loss = 0.0;
  for (uint32_t j = 1; j <= s->side; j++) hungarian_loss -= owner[j] ? s->gain[owner[j] - 1][j - 1] : 0.0;
}

static void scan_bench(struct scan *s, uint32_t side, double gated) {
  char name[160];
  scan_make(s, side, gated);
  struct bench_contestant c[] = {{"marginals", run_marginals, s, side, 0, 0},
                                 {"assignment", run_assign, s, side, 0, 0},
                                 {"Hungarian", run_hungarian, s, side, 0, 0}};
  bench_contest(c, 3);
  if (fabs(assign_loss - hungarian_loss) > 1e-6 * (1.0 + fabs(hungarian_loss))) {
    fprintf(stderr, "association: the assignment loses %.9g, the Hungarian method %.9g\n", assign_loss,
            hungarian_loss);
    exit(1);
  }
  for (int i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%u tracks, %.1f plots a gate: %s per track", side, gated, c[i].name);
    bench_figure(name, c[i].minimum_ns, "ns", 0, -1);
  }
  snprintf(name, sizeof name, "%u tracks, %.1f plots a gate: Hungarian over marginals", side, gated);
  bench_ratio(name, &c[2], &c[0], 0);
  snprintf(name, sizeof name, "%u tracks, %.1f plots a gate: Hungarian over assignment", side, gated);
  bench_ratio(name, &c[2], &c[1], 0);
}

int main(void) {
  static struct scan scan;
  struct arena arena;
  if (arena_open(&arena, 64 << 20) < 0) return 1;
  marginals = marginals_open(&arena, SIDE_MAX, SIDE_MAX, PAIRS_MAX, MARGINALS_COST_MAX * 2);
  if (!marginals) return 1;
  bench_begin("association");
  scan_bench(&scan, 20, 1.5);
  scan_bench(&scan, 200, 1.5);
  scan_bench(&scan, 200, 4.0);
  bench_end();
  arena_close(&arena);
  return 0;
}

/* Marginal association probabilities of one scan of one sensor: each track (row) has at most one plot
 * (column), each plot comes from at most one track. The probability of a whole assignment is proportional to
 * the product of the weights of its pairs and of the miss weights of the rows that it leaves alone; a column
 * left alone (clutter or a birth) counts 1 (docs/maths.md, P1). Exact where the cost allows it, else by
 * belief propagation (Williams, Lau 2014). Doubles, no libm function that rounds, sums in a fixed order, no
 * allocation after opening: the same problem gives the same bits. */
#ifndef WEFT_TRACK_MARGINALS_H
#define WEFT_TRACK_MARGINALS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/track/assign.h"

/* The exact path takes a component when its elimination plan (P5) keeps at most MARGINALS_WIDTH_MAX rows or
 * columns open at once, takes at most max(MARGINALS_COST_MAX, MARGINALS_COST_PER_PAIR * pairs) multiply-adds,
 * and fits the table: 9 x 9 with every pair possible; a line of any length in which a plot reaches up to
 * about eight neighbours. Chosen by measured time so that no component takes longer than 0.1 ms or than
 * belief propagation would: docs/maths.md P9. */
enum { MARGINALS_WIDTH_MAX = 14, MARGINALS_COST_MAX = 1 << 16, MARGINALS_COST_PER_PAIR = 512 };
/* What a forced exact solution may take: 14 x 14 with every pair possible. */
enum { MARGINALS_FORCED_COST_MAX = 1 << 22, MARGINALS_FORCED_TABLE = 1 << 18 };
/* Belief propagation stops after so many iterations: 200, fewer where they would visit more than
 * MARGINALS_VISITS_MAX pairs, but never fewer than 20. */
enum { MARGINALS_ITERATIONS_MAX = 200, MARGINALS_ITERATIONS_MIN = 20, MARGINALS_VISITS_MAX = 1 << 20 };

enum marginals_method { MARGINALS_AUTO, MARGINALS_EXACT, MARGINALS_BP };

/* Weights of a row may carry any common factor, so that miss = 1 + e^L (1 - Pd), weight = e^L Pd N / lambda,
 * L the log odds of existence, says the same as (1 - r) + r (1 - Pd) and r Pd N / lambda without loss where r
 * is near 1. A weight that is not above 0 (or NaN) is no pair; weights and misses above 1e300 count as 1e300;
 * a miss weight counts as at least 2^-1000 of its row's largest weight, so that every problem has a solution.
 */
struct marginals_problem {
  uint32_t rows, columns, pair_count;
  const uint32_t *row, *column; /* per pair */
  const double *weight;         /* per pair */
  const double *miss;           /* per row */
};

/* Filled by marginals_solve; the arrays are the caller's. */
struct marginals_result {
  double *probability;                 /* per pair */
  double *missed;                      /* per row: no plot of this scan is the track's */
  double *alone;                       /* per column: clutter or new */
  uint32_t closed, exact, approximate; /* components by how they were solved */
  uint32_t stopped;                    /* of the approximate: not converged */
  uint32_t iterations;                 /* most that a component took */
  uint32_t
      rescaled; /* of the exact: weights so far apart that they were scaled by an assignment's prices (P6) */
};

struct marginals;

/* Scratch for problems up to these sizes, one per worker; `table_max` doubles (at least 2) for the exact
 * path: MARGINALS_COST_MAX / 2 is enough for small components, four times that for long lines of hundreds.
 * NULL when the arena is too small; marginals_bytes says how much it takes at most. */
struct marginals *marginals_open(struct arena *arena, uint32_t rows_max, uint32_t columns_max,
                                 uint32_t pairs_max, uint32_t table_max);
size_t marginals_bytes(uint32_t rows_max, uint32_t columns_max, uint32_t pairs_max, uint32_t table_max);

/* Solves each connected component by itself. MARGINALS_EXACT falls back to belief propagation, and counts it
 * as such, where the forced limits do not suffice; MARGINALS_BP takes the closed forms nowhere. */
void marginals_solve(struct marginals *work, const struct marginals_problem *problem,
                     enum marginals_method method, struct marginals_result *result);

/* Internal to marginals*.c from here on. */

/* One connected component, rows scaled by powers of two so that the largest weight of each is in [1/2, 1).
 * Edges are sorted by row; a side's list of edges by node is first[node] .. first[node + 1) of edge[]. */
struct marginals_side {
  uint32_t count;
  uint32_t *node;  /* number in the problem */
  uint32_t *first; /* count + 1 */
  uint32_t *edge;
  uint32_t *end;   /* per edge: its node on this side */
  double *alone;   /* per node: weight of leaving it alone */
  double *p_alone; /* result */
};

struct marginals_part {
  struct marginals_side rows, columns;
  uint32_t edge_count;
  uint32_t *pair; /* per edge: number in the problem */
  double *weight; /* per edge */
  double *p;      /* per edge: result */
};

/* In which order to take the nodes of one side, and which nodes of the other are open at each step. */
struct marginals_plan {
  uint32_t steps;
  uint64_t cost, table;  /* multiply-adds; doubles stored */
  uint32_t *order;       /* per step: item */
  uint8_t *width;        /* per step: bits open after the step's bins came in */
  uint8_t *entered;      /* per step */
  uint32_t *leave_first; /* per step, + 1 */
  uint8_t *leave_bit;    /* per leaving bin: its bit at that moment */
  uint32_t *leave_bin;
  uint8_t *bit; /* per edge: bit of its bin at its item's step */
};

struct marginals {
  uint32_t rows_max, columns_max, pairs_max, table_max;
  struct marginals_part part;
  uint32_t *global_first, *global_pair; /* pairs by row, then by column (two lists behind each other) */
  uint32_t *local; /* per row, then per column: number within its component, UINT32_MAX before */
  uint32_t *walk;  /* breadth-first queue */
  double *clean;   /* per pair */
  struct marginals_plan plan[2]; /* rows as items, columns as items */
  uint32_t *remaining;           /* per bin */
  uint8_t *position;             /* per bin */
  double *table, *front, *spare; /* table_max; 2^MARGINALS_WIDTH_MAX each */
  double *nu, *mu, *prefix;      /* per edge; per edge; per node + 1 */
  struct assign_work *assign;
};

/* marginals_exact.c. True when the component was solved within these limits. False leaves weights that are as
 * good as before. */
bool marginals_exact(struct marginals *work, uint64_t cost_max, bool *rescaled);
/* False where weights are so far apart that sums over assignments would underflow (P6). */
bool marginals_weights_near(const struct marginals_part *part);
/* Scales by an assignment's prices (P6); marginals stay what they are. False when the component is too large
 * for the solver. */
bool marginals_rescale(struct marginals *work);
/* marginals_bp.c. Returns the iterations taken. */
uint32_t marginals_bp(struct marginals *work, bool *converged);

#endif

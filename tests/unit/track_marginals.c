// stage: weft_track weft_domain weft_base weft_kernels
/* Marginal association probabilities: closed forms, limits, extremes, sizes. Random clusters: tests/property/marginals.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/track/marginals.h"

enum { SIDE = 300, PAIRS = 66000 };

static struct arena arena;
static struct marginals *work;

/* One problem and its answer, filled pair by pair. */
static struct {
  struct marginals_problem problem;
  struct marginals_result result;
  uint32_t row[PAIRS], column[PAIRS];
  double weight[PAIRS], miss[SIDE], p[PAIRS], missed[SIDE], alone[SIDE];
} t;

static int open_work(void **state) {
  (void)state;
  if (arena_open(&arena, 64 << 20) < 0) return -1;
  work = marginals_open(&arena, SIDE, SIDE, PAIRS, MARGINALS_FORCED_TABLE);
  return work ? 0 : -1;
}

static int close_work(void **state) {
  (void)state;
  arena_close(&arena);
  return 0;
}

static void begin(uint32_t rows, uint32_t columns, double miss) {
  t.problem = (struct marginals_problem){rows, columns, 0, t.row, t.column, t.weight, t.miss};
  for (uint32_t i = 0; i < rows; i++) t.miss[i] = miss;
}

static void pair(uint32_t row, uint32_t column, double weight) {
  uint32_t p = t.problem.pair_count++;
  assert_true(p < PAIRS);
  t.row[p] = row;
  t.column[p] = column;
  t.weight[p] = weight;
}

static void solve(enum marginals_method method) {
  t.result = (struct marginals_result){.probability = t.p, .missed = t.missed, .alone = t.alone};
  marginals_solve(work, &t.problem, method, &t.result);
}

static void near(double a, double b, double within) {
  if (!(fabs(a - b) <= within)) print_error("%.17g instead of %.17g\n", a, b);
  assert_true(fabs(a - b) <= within);
}

/* Every row and column sums to 1, nothing is outside [0, 1]. */
static void sums_hold(double within_rows, double within_columns) {
  static double rows[SIDE], columns[SIDE];
  for (uint32_t i = 0; i < t.problem.rows; i++) rows[i] = t.missed[i];
  for (uint32_t j = 0; j < t.problem.columns; j++) columns[j] = t.alone[j];
  for (uint32_t p = 0; p < t.problem.pair_count; p++) {
    assert_true(t.p[p] >= 0 && t.p[p] <= 1);
    rows[t.row[p]] += t.p[p];
    columns[t.column[p]] += t.p[p];
  }
  for (uint32_t i = 0; i < t.problem.rows; i++) near(rows[i], 1, within_rows);
  for (uint32_t j = 0; j < t.problem.columns; j++) near(columns[j], 1, within_columns);
}

static void nothing_gated_is_missed_and_alone(void **state) {
  (void)state;
  begin(3, 2, 0.4);
  solve(MARGINALS_AUTO);
  for (int i = 0; i < 3; i++) assert_true(t.missed[i] == 1);
  for (int j = 0; j < 2; j++) assert_true(t.alone[j] == 1);
  begin(0, 2, 0);
  solve(MARGINALS_AUTO);
  assert_true(t.alone[1] == 1);
}

static void one_track_one_plot(void **state) {
  (void)state;
  begin(1, 1, 0.1);
  pair(0, 0, 3.9);
  for (int method = MARGINALS_AUTO; method <= MARGINALS_BP; method++) {
    solve((enum marginals_method)method);
    near(t.p[0], 0.975, 1e-15);
    near(t.missed[0], 0.025, 1e-15);
    near(t.alone[0], 0.025, 1e-15);
  }
}

static void one_track_many_plots(void **state) {
  (void)state;
  begin(1, 3, 1);
  pair(0, 0, 2);
  pair(0, 1, 3);
  pair(0, 2, 4);
  for (int method = MARGINALS_AUTO; method <= MARGINALS_BP; method++) {
    solve((enum marginals_method)method);
    near(t.p[0], 0.2, 1e-15);
    near(t.p[1], 0.3, 1e-15);
    near(t.p[2], 0.4, 1e-15);
    near(t.missed[0], 0.1, 1e-15);
    near(t.alone[2], 0.6, 1e-15);
  }
}

static void many_tracks_one_plot(void **state) {
  (void)state;
  begin(3, 1, 0.5);
  pair(0, 0, 1);
  pair(1, 0, 1.5);
  pair(2, 0, 2);
  for (int method = MARGINALS_AUTO; method <= MARGINALS_BP; method++) {
    solve((enum marginals_method)method);
    near(t.p[0], 0.2, 1e-15);
    near(t.p[1], 0.3, 1e-15);
    near(t.p[2], 0.4, 1e-15);
    near(t.alone[0], 0.1, 1e-15);
    near(t.missed[1], 0.7, 1e-15);
  }
}

/* Two tracks, two plots by hand: Z = m^2 + m (a + b + c + d) + a d + b c. */
static void two_tracks_two_plots(void **state) {
  (void)state;
  begin(2, 2, 1);
  pair(0, 0, 10);
  pair(0, 1, 2);
  pair(1, 0, 3);
  pair(1, 1, 20);
  solve(MARGINALS_AUTO);
  double z = 1 + 35 + 200 + 6;
  near(t.p[0], (10 + 200) / z, 1e-15);
  near(t.p[1], (2 + 6) / z, 1e-15);
  near(t.missed[0], (1 + 3 + 20) / z, 1e-15);
  near(t.alone[0], (1 + 2 + 20) / z, 1e-15);
  assert_int_equal(t.result.exact, 1);
}

static void factor_common_to_a_row_does_not_matter(void **state) {
  (void)state;
  double before[4];
  for (int turn = 0; turn < 2; turn++) {
    double factor = turn ? 0x1p300 : 1;
    begin(2, 2, 0.3);
    t.miss[1] *= factor;
    pair(0, 0, 5);
    pair(0, 1, 1);
    pair(1, 0, 2 * factor);
    pair(1, 1, 4 * factor);
    solve(MARGINALS_AUTO);
    if (turn) assert_memory_equal(before, t.p, sizeof before);
    memcpy(before, t.p, sizeof before);
  }
}

static void weights_that_say_nothing_are_no_pairs(void **state) {
  (void)state;
  begin(2, 2, 0.5);
  pair(0, 0, 1.5);
  pair(0, 1, NAN);
  pair(1, 0, -1);
  pair(1, 1, 0);
  solve(MARGINALS_AUTO);
  near(t.p[0], 0.75, 1e-15);
  for (int p = 1; p < 4; p++) assert_true(t.p[p] == 0);
  assert_true(t.missed[1] == 1 && t.alone[1] == 1);
  assert_int_equal(t.result.closed, 1);
}

static void extreme_weights_stay_finite(void **state) {
  (void)state;
  const double extremes[] = {1e-300, 1e300, INFINITY, 1, 0x1p-1074};
  for (int method = MARGINALS_AUTO; method <= MARGINALS_BP; method++) {
    for (uint32_t seed = 0; seed < 2000; seed++) {
      struct prng prng = prng_seed(seed, 5);
      begin(5, 4, 0);
      for (uint32_t i = 0; i < 5; i++) {
        t.miss[i] = prng_below(&prng, 3) ? extremes[prng_below(&prng, 5)] : 0;
        for (uint32_t j = 0; j < 4; j++) pair(i, j, extremes[prng_below(&prng, 5)]);
      }
      solve((enum marginals_method)method);
      sums_hold(1e-12, method == MARGINALS_BP ? 1.01 : 1e-12); /* columns: only once converged */
    }
  }
}

/* Certain tracks (miss 0) contest one plot: it is still shared, not refused. */
static void certain_tracks_contest_one_plot(void **state) {
  (void)state;
  begin(2, 1, 0);
  pair(0, 0, 3);
  pair(1, 0, 1);
  for (int method = MARGINALS_AUTO; method <= MARGINALS_BP; method++) {
    solve((enum marginals_method)method);
    near(t.p[0], 0.5, 1e-12); /* each miss is as unlikely beside its own row's weight as the other */
    near(t.p[1], 0.5, 1e-12);
    near(t.alone[0], 0, 1e-12);
  }
}

/* Track i reaches plots i and i + 1: a tree, where belief propagation is exact. 299 x 300. */
static void chain_is_exact_both_ways(void **state) {
  (void)state;
  static double exact[PAIRS];
  struct prng prng = prng_seed(3, 9);
  begin(SIDE - 1, SIDE, 0.1);
  for (uint32_t i = 0; i < SIDE - 1; i++) {
    pair(i, i, 5 * prng_uniform(&prng));
    pair(i, i + 1, 5 * prng_uniform(&prng));
  }
  solve(MARGINALS_AUTO);
  assert_int_equal(t.result.exact, 1);
  sums_hold(1e-12, 1e-12);
  memcpy(exact, t.p, sizeof exact);
  solve(MARGINALS_BP);
  assert_int_equal(t.result.stopped, 0);
  sums_hold(1e-12, 1e-5);
  for (uint32_t p = 0; p < t.problem.pair_count; p++) near(t.p[p], exact[p], 1e-6);
}

/* Blocks far apart are components of their own, whatever the order of the pairs. */
static void components_are_solved_apart(void **state) {
  (void)state;
  double alone_p[4];
  begin(2, 2, 0.2);
  for (uint32_t k = 0; k < 4; k++) pair(k / 2, k % 2, 1 + k);
  solve(MARGINALS_AUTO);
  memcpy(alone_p, t.p, sizeof alone_p);
  begin(200, 200, 0.2);
  for (uint32_t k = 0; k < 4; k++) {
    for (uint32_t b = 0; b < 100; b++) pair(k / 2 * 100 + b, k % 2 * 100 + b, 1 + k);
  }
  solve(MARGINALS_AUTO);
  assert_int_equal(t.result.exact, 100);
  for (uint32_t k = 0; k < 4; k++) {
    for (uint32_t b = 0; b < 100; b++) near(t.p[k * 100 + b], alone_p[k], 1e-15);
  }
}

static void all_pairs(uint32_t rows, uint32_t columns) {
  struct prng prng = prng_seed(rows, columns);
  begin(rows, columns, 0.1);
  for (uint32_t i = 0; i < rows; i++) {
    for (uint32_t j = 0; j < columns; j++) pair(i, j, exp(-6 + 12 * prng_uniform(&prng)));
  }
}

static void size_decides_between_exact_and_approximate(void **state) {
  (void)state;
  const struct { uint32_t rows, columns; bool exact; } cases[] = {
      {9, 9, true}, {13, 13, false}, {200, 5, true}, {5, 200, true}, {256, 256, false}, {15, 300, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    all_pairs(cases[i].rows, cases[i].columns);
    solve(MARGINALS_AUTO);
    if (t.result.exact != cases[i].exact) print_error("%u x %u\n", cases[i].rows, cases[i].columns);
    assert_int_equal(t.result.exact, cases[i].exact);
    assert_int_equal(t.result.approximate, !cases[i].exact);
    assert_true(t.result.iterations <= MARGINALS_ITERATIONS_MAX);
    assert_true((uint64_t)t.result.iterations * t.problem.pair_count <= 2 * MARGINALS_VISITS_MAX);
    sums_hold(1e-12, cases[i].exact ? 1e-12 : t.result.stopped ? 0.1 : 1e-3);
  }
  all_pairs(14, 14);
  solve(MARGINALS_EXACT);
  assert_int_equal(t.result.exact, 1);
  sums_hold(1e-12, 1e-12);
  all_pairs(20, 20);
  solve(MARGINALS_EXACT); /* beyond what may be forced */
  assert_int_equal(t.result.approximate, 1);
}

static void arena_of_the_stated_size_suffices(void **state) {
  (void)state;
  struct arena small;
  size_t bytes = marginals_bytes(40, 30, 500, 1000);
  assert_int_equal(arena_open(&small, bytes), 0);
  assert_non_null(marginals_open(&small, 40, 30, 500, 1000));
  arena_close(&small);
  assert_int_equal(arena_open(&small, bytes / 2), 0);
  assert_null(marginals_open(&small, 40, 30, 500, 1000));
  arena_close(&small);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_gated_is_missed_and_alone),
      cmocka_unit_test(one_track_one_plot),
      cmocka_unit_test(one_track_many_plots),
      cmocka_unit_test(many_tracks_one_plot),
      cmocka_unit_test(two_tracks_two_plots),
      cmocka_unit_test(factor_common_to_a_row_does_not_matter),
      cmocka_unit_test(weights_that_say_nothing_are_no_pairs),
      cmocka_unit_test(extreme_weights_stay_finite),
      cmocka_unit_test(certain_tracks_contest_one_plot),
      cmocka_unit_test(chain_is_exact_both_ways),
      cmocka_unit_test(components_are_solved_apart),
      cmocka_unit_test(size_decides_between_exact_and_approximate),
      cmocka_unit_test(arena_of_the_stated_size_suffices),
  };
  return cmocka_run_group_tests(tests, open_work, close_work);
}

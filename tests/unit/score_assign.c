// stage: weft_base
// links: tools/score/score_assign.c tools/score/score_text.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/base/prng.h"
#include "tools/score/score_assign.h"

enum { SIDE_MAX = 7, CASES = 3000 };

/* The least cost over every way to give each item of the smaller side its own partner. */
static double brute_force(const double *cost, size_t rows, size_t columns, size_t at, unsigned used) {
  if (rows > columns) { /* turn it: items are columns then */
    double turned[SIDE_MAX * SIDE_MAX];
    for (size_t r = 0; r < rows; r++)
      for (size_t c = 0; c < columns; c++) turned[c * rows + r] = cost[r * columns + c];
    return brute_force(turned, columns, rows, 0, 0);
  }
  if (at == rows) return 0;
  double best = INFINITY;
  for (size_t c = 0; c < columns; c++) {
    if (used >> c & 1) continue;
    double total = cost[at * columns + c] + brute_force(cost, rows, columns, at + 1, used | 1u << c);
    best = total < best ? total : best;
  }
  return best;
}

static double total_of(const double *cost, size_t rows, size_t columns, const int32_t *chosen,
                       uint64_t seed) {
  bool taken[SIDE_MAX] = {false};
  double total = 0;
  size_t pairs = 0;
  for (size_t r = 0; r < rows; r++) {
    if (chosen[r] < 0) continue;
    if (chosen[r] >= (int32_t)columns || taken[chosen[r]])
      fail_msg("seed %llu: row %zu has column %d", (unsigned long long)seed, r, chosen[r]);
    taken[chosen[r]] = true;
    total += cost[r * columns + (size_t)chosen[r]];
    pairs++;
  }
  assert_int_equal(pairs, rows < columns ? rows : columns);
  return total;
}

static void assignment_equals_brute_force(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < CASES; seed++) {
    struct prng prng = prng_seed(seed, 1);
    size_t rows = 1 + prng_below(&prng, SIDE_MAX), columns = 1 + prng_below(&prng, SIDE_MAX);
    double cost[SIDE_MAX * SIDE_MAX];
    bool coarse = prng_below(&prng, 2); /* many equal costs in half of the cases */
    for (size_t i = 0; i < rows * columns; i++)
      cost[i] = coarse ? (double)prng_below(&prng, 4) : prng_uniform(&prng) * 1e8 - 1e7;
    int32_t chosen[SIDE_MAX];
    score_assign_solve(rows, columns, cost, chosen);
    double total = total_of(cost, rows, columns, chosen, seed), best = brute_force(cost, rows, columns, 0, 0);
    if (fabs(total - best) > 1e-6 * (1 + fabs(best)))
      fail_msg("seed %llu, %zu x %zu: %.9g instead of %.9g", (unsigned long long)seed, rows, columns, total,
               best);
  }
}

static void assignment_of_nothing_is_empty(void **state) {
  (void)state;
  int32_t chosen[3] = {7, 7, 7};
  score_assign_solve(3, 0, (const double[]){0}, chosen);
  for (int i = 0; i < 3; i++) assert_int_equal(chosen[i], -1);
  score_assign_solve(0, 3, (const double[]){0}, chosen);
}

static void assignment_of_many_finds_a_hidden_permutation(void **state) {
  (void)state;
  enum { MANY = 300 };
  struct prng prng = prng_seed(11, 2);
  double *cost = calloc(MANY * MANY, sizeof *cost);
  int32_t hidden[MANY], chosen[MANY];
  assert_non_null(cost);
  for (int i = 0; i < MANY; i++) hidden[i] = i;
  for (int i = MANY - 1; i > 0; i--) {
    int j = (int)prng_below(&prng, (uint64_t)i + 1), keep = hidden[i];
    hidden[i] = hidden[j];
    hidden[j] = keep;
  }
  for (int r = 0; r < MANY; r++)
    for (int c = 0; c < MANY; c++)
      cost[r * MANY + c] = c == hidden[r] ? prng_uniform(&prng) : 1 + prng_uniform(&prng);
  score_assign_solve(MANY, MANY, cost, chosen);
  for (int r = 0; r < MANY; r++) assert_int_equal(chosen[r], hidden[r]);
  free(cost);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(assignment_equals_brute_force),
                                     cmocka_unit_test(assignment_of_nothing_is_empty),
                                     cmocka_unit_test(assignment_of_many_finds_a_hidden_permutation)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_domain weft_base weft_kernels
/* Marginal association probabilities on random clusters, against an enumeration that shares nothing with the engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/track/marginals.h"

enum { SIDE = 6, PAIRS = SIDE * SIDE, CLUSTERS = 10000, FAMILIES = 4 };
static const char *const family_names[FAMILIES] = {"plane", "log-uniform", "all alike", "1e-300 to 1e+300"};

struct cluster {
  uint32_t rows, columns, pairs;
  uint32_t row[PAIRS], column[PAIRS];
  double weight[PAIRS], miss[SIDE];
};

struct answer {
  double pair[PAIRS], missed[SIDE], alone[SIDE];
  struct marginals_result result;
};

static struct arena arena;
static struct marginals *work;

static int open_work(void **state) {
  (void)state;
  if (arena_open(&arena, 64 << 20) < 0) return -1;
  work = marginals_open(&arena, 300, 300, 66000, MARGINALS_FORCED_TABLE);
  return work ? 0 : -1;
}

static int close_work(void **state) {
  (void)state;
  arena_close(&arena);
  return 0;
}

static double power_of_ten(double exponent) { return pow(10, exponent); }

/* Tracks and plots of a scan in a plane: half the plots come from tracks, spacing down to half a sigma. */
static void fill_plane(struct prng *prng, struct cluster *c) {
  double spacing = 0.5 + 4 * prng_uniform(prng), lambda = power_of_ten(-1 - 3 * prng_uniform(prng));
  double at[SIDE][2], seen[SIDE][2];
  for (uint32_t i = 0; i < SIDE; i++) {
    for (int k = 0; k < 2; k++) at[i][k] = spacing * SIDE * 0.5 * prng_uniform(prng);
  }
  for (uint32_t j = 0; j < SIDE; j++) {
    for (int k = 0; k < 2; k++) seen[j][k] = j % 2 ? spacing * SIDE * 0.5 * prng_uniform(prng) : at[j][k] + prng_normal(prng);
  }
  for (uint32_t i = 0; i < c->rows; i++) {
    double r = 1 - power_of_ten(-4 * prng_uniform(prng)) * 0.9, pd = 0.5 + 0.49 * prng_uniform(prng);
    c->miss[i] = 1 - r + r * (1 - pd);
    for (uint32_t j = 0; j < c->columns; j++) {
      double dx = at[i][0] - seen[j][0], dy = at[i][1] - seen[j][1], d2 = dx * dx + dy * dy;
      if (d2 > 23) continue;
      c->row[c->pairs] = i;
      c->column[c->pairs] = j;
      c->weight[c->pairs++] = r * pd * exp(-0.5 * d2) / (6.283185307 * lambda);
    }
  }
}

static void fill_random(struct prng *prng, struct cluster *c, int family) {
  double density = 0.3 + 0.7 * prng_uniform(prng), common = power_of_ten(-1 + 4 * prng_uniform(prng));
  for (uint32_t i = 0; i < c->rows; i++) {
    double decades = -150 + 300 * prng_uniform(prng);
    c->miss[i] = family == 1 ? 0.001 + prng_uniform(prng) : family == 2 ? 1 : power_of_ten(decades);
    for (uint32_t j = 0; j < c->columns; j++) {
      if (prng_uniform(prng) > density) continue;
      double weight = power_of_ten(-3 + 6 * prng_uniform(prng));
      if (family == 2) weight = common * (1 + 0.1 * prng_uniform(prng));
      if (family == 3) weight = power_of_ten(fmax(-300, fmin(decades - 300 + 600 * prng_uniform(prng), 300)));
      c->row[c->pairs] = i;
      c->column[c->pairs] = j;
      c->weight[c->pairs++] = weight;
    }
  }
}

static struct cluster cluster_make(uint64_t seed) {
  struct prng prng = prng_seed(seed, 77);
  struct cluster c = {.rows = 1 + (uint32_t)prng_below(&prng, SIDE), .columns = 1 + (uint32_t)prng_below(&prng, SIDE)};
  int family = (int)(seed % FAMILIES);
  if (family == 0) fill_plane(&prng, &c);
  if (family != 0) fill_random(&prng, &c, family);
  return c;
}

static void solve(const struct cluster *c, enum marginals_method method, struct answer *a) {
  struct marginals_problem problem = {c->rows, c->columns, c->pairs, c->row, c->column, c->weight, c->miss};
  memset(a, 0, sizeof *a);
  a->result = (struct marginals_result){.probability = a->pair, .missed = a->missed, .alone = a->alone};
  marginals_solve(work, &problem, method, &a->result);
}

/* Every assignment one by one, in long double: products of six factors of 1e300 fit. */
struct enumeration {
  const struct cluster *c;
  long double weight[SIDE][SIDE], total, pair[SIDE][SIDE], missed[SIDE], alone[SIDE];
  int taken[SIDE]; /* column of each row, -1 missed */
};

static void enumerate(struct enumeration *e, uint32_t row, uint32_t used, long double product) {
  if (row == e->c->rows) {
    e->total += product;
    for (uint32_t i = 0; i < row; i++) *(e->taken[i] < 0 ? &e->missed[i] : &e->pair[i][e->taken[i]]) += product;
    for (uint32_t j = 0; j < e->c->columns; j++) e->alone[j] += used >> j & 1 ? 0 : product;
    return;
  }
  e->taken[row] = -1;
  enumerate(e, row + 1, used, product * (long double)e->c->miss[row]);
  for (uint32_t j = 0; j < e->c->columns; j++) {
    if (e->weight[row][j] == 0 || used >> j & 1) continue;
    e->taken[row] = (int)j;
    enumerate(e, row + 1, used | 1u << j, product * e->weight[row][j]);
  }
}

static void truth_of(const struct cluster *c, struct answer *a) {
  struct enumeration e = {.c = c};
  for (uint32_t p = 0; p < c->pairs; p++) e.weight[c->row[p]][c->column[p]] = (long double)c->weight[p];
  enumerate(&e, 0, 0, 1);
  for (uint32_t p = 0; p < c->pairs; p++) a->pair[p] = (double)(e.pair[c->row[p]][c->column[p]] / e.total);
  for (uint32_t i = 0; i < c->rows; i++) a->missed[i] = (double)(e.missed[i] / e.total);
  for (uint32_t j = 0; j < c->columns; j++) a->alone[j] = (double)(e.alone[j] / e.total);
}

static double difference(const struct cluster *c, const struct answer *a, const struct answer *b) {
  double worst = 0;
  for (uint32_t p = 0; p < c->pairs; p++) worst = fmax(worst, fabs(a->pair[p] - b->pair[p]));
  for (uint32_t i = 0; i < c->rows; i++) worst = fmax(worst, fabs(a->missed[i] - b->missed[i]));
  for (uint32_t j = 0; j < c->columns; j++) worst = fmax(worst, fabs(a->alone[j] - b->alone[j]));
  for (uint32_t p = 0; p < c->pairs; p++) worst = isfinite(a->pair[p] + b->pair[p]) ? worst : INFINITY;
  return worst;
}

static double rows_off(const struct cluster *c, const struct answer *a) {
  double worst = 0;
  for (uint32_t i = 0; i < c->rows; i++) {
    double sum = a->missed[i];
    for (uint32_t p = 0; p < c->pairs; p++) sum += c->row[p] == i ? a->pair[p] : 0;
    worst = fmax(worst, fabs(sum - 1));
  }
  return worst;
}

static void exact_path_equals_enumeration(void **state) {
  (void)state;
  double worst = 0;
  uint32_t rescaled = 0, closed = 0, tables = 0;
  for (uint64_t seed = 0; seed < CLUSTERS; seed++) {
    struct cluster c = cluster_make(seed);
    struct answer truth, exact, automatic;
    truth_of(&c, &truth);
    solve(&c, MARGINALS_EXACT, &exact);
    solve(&c, MARGINALS_AUTO, &automatic);
    double d = fmax(difference(&c, &exact, &truth), difference(&c, &automatic, &truth));
    d = fmax(d, fmax(rows_off(&c, &exact), rows_off(&c, &automatic)));
    if (!(d <= 1e-12)) print_error("seed %llu: %u x %u differs by %g\n", (unsigned long long)seed, c.rows, c.columns, d);
    assert_true(d <= 1e-12);
    assert_int_equal(exact.result.approximate + automatic.result.approximate, 0);
    worst = fmax(worst, d);
    rescaled += exact.result.rescaled;
    closed += automatic.result.closed;
    tables += automatic.result.exact;
  }
  print_message("exact: worst difference %.3g; %u components by closed form, %u by tables, %u rescaled\n", worst, closed,
                tables, rescaled);
  assert_true(rescaled > 100 && closed > 1000 && tables > 1000);
}

static int doubles_compare(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void print_errors(const char *label, double *errors, uint32_t count) {
  if (count == 0) return;
  qsort(errors, count, sizeof *errors, doubles_compare);
  print_message("  %-18s %6u %10.2e %10.2e %10.2e\n", label, count, errors[count / 2], errors[count * 9 / 10],
                errors[count - 1]);
}

/* Error of a cluster: its largest difference in any probability. */
static void belief_propagation_is_close_in_the_median(void **state) {
  (void)state;
  static double error[CLUSTERS], some[CLUSTERS];
  static uint32_t size[CLUSTERS];
  uint32_t most = 0, stopped = 0;
  for (uint64_t seed = 0; seed < CLUSTERS; seed++) {
    struct cluster c = cluster_make(seed);
    struct answer truth, bp;
    truth_of(&c, &truth);
    solve(&c, MARGINALS_BP, &bp);
    error[seed] = difference(&c, &bp, &truth);
    size[seed] = c.rows < c.columns ? c.rows : c.columns;
    if (!(rows_off(&c, &bp) <= 1e-12)) print_error("seed %llu: rows do not sum to 1\n", (unsigned long long)seed);
    assert_true(rows_off(&c, &bp) <= 1e-12);
    if (bp.result.iterations > most) most = bp.result.iterations;
    stopped += bp.result.stopped;
  }
  print_message("belief propagation: at most %u iterations, %u not converged\n", most, stopped);
  print_message("  %-18s %6s %10s %10s %10s\n", "smaller side", "count", "median", "90 %", "worst");
  for (uint32_t n = 1; n <= SIDE; n++) {
    uint32_t count = 0;
    char label[8];
    for (uint32_t i = 0; i < CLUSTERS; i++) {
      if (size[i] == n) some[count++] = error[i];
    }
    (void)snprintf(label, sizeof label, "%u", n);
    print_errors(label, some, count);
  }
  for (uint32_t f = 0; f < FAMILIES; f++) {
    uint32_t count = 0;
    for (uint32_t i = f; i < CLUSTERS; i += FAMILIES) some[count++] = error[i];
    print_errors(family_names[f], some, count);
    assert_true(some[count / 2] <= 1e-2);
  }
  print_errors("all", error, CLUSTERS);
  assert_true(error[CLUSTERS / 2] <= 1e-2);
  assert_true(error[CLUSTERS - 1] <= 0.5);
}

static void shuffle(struct prng *prng, uint32_t *list, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) list[i] = i;
  for (uint32_t i = count; i > 1; i--) {
    uint32_t j = (uint32_t)prng_below(prng, i), keep = list[i - 1];
    list[i - 1] = list[j];
    list[j] = keep;
  }
}

static void numbering_does_not_matter(void **state) {
  (void)state;
  double worst = 0;
  for (uint64_t seed = 0; seed < CLUSTERS; seed++) {
    struct cluster c = cluster_make(seed), d = c;
    struct prng prng = prng_seed(seed, 78);
    uint32_t row[SIDE], column[SIDE], pair[PAIRS];
    shuffle(&prng, row, c.rows);
    shuffle(&prng, column, c.columns);
    shuffle(&prng, pair, c.pairs);
    for (uint32_t p = 0; p < c.pairs; p++) {
      d.row[pair[p]] = row[c.row[p]];
      d.column[pair[p]] = column[c.column[p]];
      d.weight[pair[p]] = c.weight[p];
    }
    for (uint32_t i = 0; i < c.rows; i++) d.miss[row[i]] = c.miss[i];
    for (int method = MARGINALS_AUTO; method <= MARGINALS_BP; method++) {
      struct answer a, b, back;
      solve(&c, (enum marginals_method)method, &a);
      solve(&d, (enum marginals_method)method, &b);
      for (uint32_t p = 0; p < c.pairs; p++) back.pair[p] = b.pair[pair[p]];
      for (uint32_t i = 0; i < c.rows; i++) back.missed[i] = b.missed[row[i]];
      for (uint32_t j = 0; j < c.columns; j++) back.alone[j] = b.alone[column[j]];
      double off = difference(&c, &a, &back);
      if (!(off <= 1e-13)) print_error("seed %llu, method %d: renumbered differs by %g\n", (unsigned long long)seed, method, off);
      assert_true(off <= 1e-13);
      worst = fmax(worst, off);
    }
  }
  print_message("renumbered: worst difference %.3g\n", worst);
}

/* A pair that becomes more likely takes from everything that it excludes. */
static void heavier_pair_takes_from_its_rivals(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < CLUSTERS; seed++) {
    struct cluster c = cluster_make(seed), d = c;
    if (c.pairs == 0) continue;
    struct prng prng = prng_seed(seed, 79);
    uint32_t p = (uint32_t)prng_below(&prng, c.pairs);
    if (c.weight[p] > 1e299) continue; /* nothing above 1e300 counts */
    d.weight[p] = d.weight[p] * (1.5 + prng_uniform(&prng));
    struct answer a, b;
    solve(&c, MARGINALS_EXACT, &a);
    solve(&d, MARGINALS_EXACT, &b);
    bool right = b.pair[p] >= a.pair[p] - 1e-13 && b.missed[c.row[p]] <= a.missed[c.row[p]] + 1e-13 &&
                 b.alone[c.column[p]] <= a.alone[c.column[p]] + 1e-13;
    for (uint32_t q = 0; q < c.pairs; q++) {
      bool rival = q != p && (c.row[q] == c.row[p] || c.column[q] == c.column[p]);
      right = right && !(rival && b.pair[q] > a.pair[q] + 1e-13);
    }
    if (a.pair[p] > 1e-6 && a.pair[p] < 1 - 1e-6) right = right && b.pair[p] > a.pair[p];
    if (!right) print_error("seed %llu: pair %u made heavier\n", (unsigned long long)seed, p);
    assert_true(right);
  }
}

static void same_problem_gives_same_bits(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 2000; seed++) {
    struct cluster c = cluster_make(seed), other = cluster_make(seed + 1);
    for (int method = MARGINALS_AUTO; method <= MARGINALS_BP; method++) {
      struct answer a, b, between;
      solve(&c, (enum marginals_method)method, &a);
      solve(&other, MARGINALS_AUTO, &between); /* what an earlier problem left in the scratch has no say */
      solve(&c, (enum marginals_method)method, &b);
      assert_memory_equal(a.pair, b.pair, sizeof a.pair);
      assert_memory_equal(a.missed, b.missed, sizeof a.missed);
      assert_memory_equal(a.alone, b.alone, sizeof a.alone);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exact_path_equals_enumeration),
      cmocka_unit_test(belief_propagation_is_close_in_the_median),
      cmocka_unit_test(numbering_does_not_matter),
      cmocka_unit_test(heavier_pair_takes_from_its_rivals),
      cmocka_unit_test(same_problem_gives_same_bits),
  };
  return cmocka_run_group_tests(tests, open_work, close_work);
}

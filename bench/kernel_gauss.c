/* Trajectories against each other: one Gaussian of position and velocity to each of many, and pairs joined by covariance
 * intersection; wk's lanes against Eigen doing the same maths one pair after the other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/eigen_gauss.h"
#include "bench/fma.h"

/* Multiply-add pipe instructions of one distance (docs/performance.md). */
enum { ONES = 16, MANY = 64, BLOCKS = MANY / WK_LANES, DISTANCE_INSTRUCTIONS = 138 };
static double one[ONES][WK_GAUSS_ELEMENTS], many[MANY][WK_GAUSS_ELEMENTS], joined[2][MANY][WK_GAUSS_ELEMENTS];
static struct wk_gauss_block blocks[BLOCKS], first[BLOCKS], out[BLOCKS];
static double distance_lanes[ONES][MANY] __attribute__((aligned(64))), density_lanes[ONES][MANY] __attribute__((aligned(64)));
static double distance_eigen[ONES][MANY], density_eigen[ONES][MANY];

static void gauss_make(struct bench_prng *r, double *g) {
  static const double sigma[6] = {200, 200, 200, 20, 20, 20};
  double a[6][6];
  for (int i = 0; i < 6; i++) {
    g[i] = sigma[i] * bench_normal(r);
    for (int j = 0; j < 6; j++) a[i][j] = (i == j) + 0.3 * bench_normal(r);
  }
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) {
      double sum = 0.0;
      for (int k = 0; k < 6; k++) sum += a[i][k] * a[j][k];
      g[6 + WK_AT(6, i, j)] = sum * sigma[i] * sigma[j];
    }
  }
}

static void all_make(void) {
  struct bench_prng r = {11};
  for (int i = 0; i < ONES; i++) gauss_make(&r, one[i]);
  for (int t = 0; t < MANY; t++) {
    gauss_make(&r, many[t]);
    for (int e = 0; e < WK_GAUSS_ELEMENTS; e++) {
      blocks[t / WK_LANES].e[e][t % WK_LANES] = many[t][e];
      first[t / WK_LANES].e[e][t % WK_LANES] = one[t % ONES][e];
    }
  }
}

static void run_distance(void *table) {
  const struct wk_table *t = table;
  for (int i = 0; i < ONES; i++) {
    for (int b = 0; b < BLOCKS; b++) {
      t->gauss_distance(one[i], &blocks[b], &distance_lanes[i][b * WK_LANES], &density_lanes[i][b * WK_LANES]);
    }
  }
  bench_use(distance_lanes);
}
static void run_intersect(void *table) {
  wk_lane weight;
  for (int b = 0; b < BLOCKS; b++) ((const struct wk_table *)table)->gauss_intersect(&first[b], &blocks[b], &out[b], weight);
  bench_use(out);
}

/* intersect: by golden section, and by the polynomial that wk's kernel has. */
struct rival {
  void (*distance)(const double *from, const double (*to)[WK_GAUSS_ELEMENTS], int count, double *distance2, double *log_likelihood);
  void (*intersect[2])(double (*a)[WK_GAUSS_ELEMENTS], const double (*b)[WK_GAUSS_ELEMENTS], int count);
};
static void run_eigen_distance(void *rival) {
  const struct rival *eigen = rival;
  for (int i = 0; i < ONES; i++) eigen->distance(one[i], (const double(*)[WK_GAUSS_ELEMENTS])many, MANY, distance_eigen[i], density_eigen[i]);
  bench_use(distance_eigen);
}
static void eigen_join(const struct rival *rival, int way) {
  for (int t = 0; t < MANY; t++) memcpy(joined[way][t], one[t % ONES], sizeof joined[way][t]);
  rival->intersect[way](joined[way], (const double(*)[WK_GAUSS_ELEMENTS])many, MANY);
  bench_use(joined[way]);
}
static void run_eigen_golden(void *rival) { eigen_join(rival, 0); }
static void run_eigen_reduced(void *rival) { eigen_join(rival, 1); }

/* Largest relative difference of the two: of distances, and of joined variances. */
static double difference(void) {
  double most = 0.0;
  for (int i = 0; i < ONES; i++) {
    for (int t = 0; t < MANY; t++) most = fmax(most, fabs(distance_lanes[i][t] / distance_eigen[i][t] - 1.0));
  }
  for (int t = 0; t < MANY; t++) {
    for (int i = 0; i < 6; i++) {
      const int e = 6 + WK_AT(6, i, i);
      for (int way = 0; way < 2; way++) most = fmax(most, fabs(out[t / WK_LANES].e[e][t % WK_LANES] / joined[way][t][e] - 1.0));
    }
  }
  return most;
}

static const struct bench_contestant *faster(const struct bench_contestant *a, const struct bench_contestant *b) {
  return a->minimum_ns < b->minimum_ns ? a : b;
}

int main(void) {
  static struct rival rivals[2] = {{eigen_distance_v3, {eigen_intersect_v3, eigen_intersect_reduced_v3}},
                                   {eigen_distance_v4, {eigen_intersect_v4, eigen_intersect_reduced_v4}}};
  const struct wk_table *v3 = wk_variant("v3"), *v4 = wk_variant("v4"), *best = v4 ? v4 : v3;
  const int v = v4 ? 1 : 0;
  enum { PEAK, DISTANCE3, DISTANCE, EIGEN_DISTANCE3, EIGEN_DISTANCE, INTERSECT3, INTERSECT, GOLDEN3, GOLDEN, REDUCED3, REDUCED, CONTESTANTS };
  struct bench_contestant c[CONTESTANTS] = {
      [PEAK] = {"peak", v ? fma_work_v4 : fma_work_v3, 0, fma_work_instructions(), 0, 0},
      [DISTANCE3] = {"distance, v3", run_distance, (void *)v3, (double)ONES * MANY, 0, 0},
      [DISTANCE] = {"distance, the best", run_distance, (void *)best, (double)ONES * MANY, 0, 0},
      [EIGEN_DISTANCE3] = {"distance, Eigen v3", run_eigen_distance, &rivals[0], (double)ONES * MANY, 0, 0},
      [EIGEN_DISTANCE] = {"distance, Eigen, the best's instruction set", run_eigen_distance, &rivals[v], (double)ONES * MANY, 0, 0},
      [INTERSECT3] = {"intersection, v3", run_intersect, (void *)v3, MANY, 0, 0},
      [INTERSECT] = {"intersection, the best", run_intersect, (void *)best, MANY, 0, 0},
      [GOLDEN3] = {"intersection, Eigen v3, golden section", run_eigen_golden, &rivals[0], MANY, 0, 0},
      [GOLDEN] = {"intersection, Eigen, the best's instruction set, golden section", run_eigen_golden, &rivals[v], MANY, 0, 0},
      [REDUCED3] = {"intersection, Eigen v3, polynomial", run_eigen_reduced, &rivals[0], MANY, 0, 0},
      [REDUCED] = {"intersection, Eigen, the best's instruction set, polynomial", run_eigen_reduced, &rivals[v], MANY, 0, 0}};
  all_make();
  bench_contest(c, CONTESTANTS);
  bench_begin("kernel_gauss");
  bench_times(c + DISTANCE3, CONTESTANTS - DISTANCE3, "pair");
  const double bound = DISTANCE_INSTRUCTIONS * c[PEAK].minimum_ns / (v ? 8 : 4);
  bench_figure("distance, the best: part of the multiply-add bound", bound / c[DISTANCE].minimum_ns, "share", 0, 1);
  bench_ratio("distance: Eigen over v3", &c[EIGEN_DISTANCE3], &c[DISTANCE3], 10);
  bench_ratio("distance: Eigen over the best", faster(&c[EIGEN_DISTANCE3], &c[EIGEN_DISTANCE]), &c[DISTANCE], 10);
  bench_ratio("intersection: Eigen over v3", &c[REDUCED3], &c[INTERSECT3], 10);
  bench_ratio("intersection: Eigen over the best", faster(&c[REDUCED3], &c[REDUCED]), &c[INTERSECT], 10);
  bench_ratio("intersection: Eigen by golden section over v3", &c[GOLDEN3], &c[INTERSECT3], 0);
  bench_ratio("intersection: Eigen by golden section over the best", faster(&c[GOLDEN3], &c[GOLDEN]), &c[INTERSECT], 0);
  const double apart = difference();
  bench_figure("relative difference of the two", apart, "", 1e-6, -1);
  bench_end();
  if (!(apart < 1e-6)) {
    fprintf(stderr, "kernel_gauss: the two differ by %g: not the same maths\n", apart);
    return 1;
  }
  return 0;
}

/* Bodies to the ground: wk's lanes, each with steps of its own, against Eigen doing the same maths one body after the other. Eight lanes
 * are done when the last of them is: bodies of a block begin alike, as those of one missile's cloud do. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/eigen_fall.h"
#include "kernels/wk.h"

enum { BODIES = 64, BLOCKS = BODIES / WK_LANES };
static const double limit_s = 3000.0;
static struct wk_fall_block blocks_start[BLOCKS], blocks[BLOCKS];
static struct eigen_fall eigen_start[BODIES], eigen[BODIES];

static void body_make(struct bench_prng *r, int t, double lat, double lon, double height_m, double speed_mps) {
  double x[3], enu[9];
  struct wk_fall_block *b = &blocks_start[t / WK_LANES];
  struct eigen_fall *e = &eigen_start[t];
  wk_ecef_from_geodetic(lat, lon, height_m, x);
  wk_enu_rows(lat, lon, enu);
  for (int c = 0; c < 3; c++) {
    const double v = speed_mps * (0.7 * enu[c] + 0.3 * enu[3 + c] + 0.5 * enu[6 + c]) + 20.0 * bench_normal(r);
    b->position_m[c][t % WK_LANES] = e->position_m[c] = x[c] + 200.0 * bench_normal(r);
    b->velocity_mps[c][t % WK_LANES] = e->velocity_mps[c] = v;
  }
  b->log_drag[t % WK_LANES] = e->log_drag = -8.0 + 0.5 * bench_normal(r);
  b->direction[t % WK_LANES] = 1.0;
  for (int i = 0; i < WK_FALL_BURNS; i++) {
    b->thrust_mps2[i][t % WK_LANES] = 1.0;
    b->exhaust_mps[i][t % WK_LANES] = 2500.0;
  }
}

static void run_lanes(void *table) {
  memcpy(blocks, blocks_start, sizeof blocks);
  ((const struct wk_table *)table)->fall(blocks, BLOCKS, limit_s);
  bench_use(blocks);
}
typedef void (*eigen_way)(struct eigen_fall *body, int count, double limit);
static void run_eigen(void *way) {
  memcpy(eigen, eigen_start, sizeof eigen);
  (*(eigen_way *)way)(eigen, BODIES, limit_s);
  bench_use(eigen);
}

/* How far the two come down from each other (m). */
static double difference_m(void) {
  double most = 0.0;
  for (int t = 0; t < BODIES; t++) {
    double sum = 0.0;
    for (int c = 0; c < 3; c++) sum += pow(blocks[t / WK_LANES].position_m[c][t % WK_LANES] - eigen[t].position_m[c], 2);
    most = fmax(most, sqrt(sum));
  }
  return most;
}

int main(void) {
  static eigen_way ways[2] = {eigen_fall_v3, eigen_fall_v4};
  const struct wk_table *v3 = wk_variant("v3"), *v4 = wk_variant("v4"), *best = v4 ? v4 : v3;
  struct bench_prng r = {7};
  for (int b = 0; b < BLOCKS; b++) {
    const double lat = bench_uniform(&r, -1.0, 1.0), lon = bench_uniform(&r, -3.0, 3.0);
    const double height_m = bench_uniform(&r, 60e3, 300e3), speed_mps = bench_uniform(&r, 1500.0, 4000.0);
    for (int i = 0; i < WK_LANES; i++) body_make(&r, b * WK_LANES + i, lat, lon, height_m, speed_mps);
  }
  struct bench_contestant c[] = {{"v3", run_lanes, (void *)v3, BODIES, 0, 0},
                                 {"the best", run_lanes, (void *)best, BODIES, 0, 0},
                                 {"Eigen v3", run_eigen, &ways[0], BODIES, 0, 0},
                                 {"Eigen, the best's instruction set", run_eigen, &ways[v4 ? 1 : 0], BODIES, 0, 0}};
  enum { CONTESTANTS = sizeof c / sizeof c[0] };
  bench_contest(c, CONTESTANTS);
  bench_begin("kernel_impact");
  bench_times(c, CONTESTANTS, "body");
  bench_ratio("Eigen over v3", &c[2], &c[0], 5);
  bench_ratio("Eigen over the best", c[2].minimum_ns < c[3].minimum_ns ? &c[2] : &c[3], &c[1], 5);
  const double apart = difference_m();
  bench_figure("difference of the two on the ground", apart, "m", 50, -1);
  bench_end();
  if (!(apart < 50.0)) {
    fprintf(stderr, "kernel_impact: the two come down %g m from each other: not the same maths\n", apart);
    return 1;
  }
  return 0;
}

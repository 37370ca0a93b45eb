/* One coasting track and one radar: prediction, gate and update of a single mode, and the innovation alone; wk's lanes against Eigen
 * doing the same maths one track after the other. Tracks live where each wants them: blocks of eight, records. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/eigen_imm.h"
#include "bench/ekf_lane.h"

enum { TRACKS = 64, PASSES = 16 };
static const double dt_s = 1.0, gate = 28.5;
static struct wk_gauss_block blocks_start[TRACKS / WK_LANES], blocks[TRACKS / WK_LANES];
static struct eigen_coast eigen_start[TRACKS], eigen[TRACKS];
static struct eigen_radar radars[TRACKS];
static struct wk_measure_block measures[TRACKS / WK_LANES];
static struct wk_tuning tuning;
static double distance_lanes[TRACKS] __attribute__((aligned(64))), distance_eigen[TRACKS];

static void radar_make(struct bench_prng *r, int t, double lat, double lon, const double *x) {
  static const double sigma[4] = {30.0, 1e-3, 1e-3, 5.0};
  struct eigen_radar *m = &radars[t];
  struct wk_measure_block *b = &measures[t / WK_LANES];
  wk_ecef_from_geodetic(lat - 0.03, lon + 0.04, 100.0, m->site_m);
  wk_enu_rows(lat - 0.03, lon + 0.04, m->enu);
  double d[3], local[3], range = 0.0, rate = 0.0;
  for (int c = 0; c < 3; c++) {
    d[c] = x[c] + dt_s * x[3 + c] - m->site_m[c];
    range += d[c] * d[c];
    rate += d[c] * x[3 + c];
    b->site_m[c][t % WK_LANES] = m->site_m[c];
  }
  for (int c = 0; c < 3; c++) local[c] = m->enu[3 * c] * d[0] + m->enu[3 * c + 1] * d[1] + m->enu[3 * c + 2] * d[2];
  range = sqrt(range);
  const double z[4] = {range, atan2(local[0], local[1]), atan2(local[2], hypot(local[0], local[1])), rate / range};
  for (int c = 0; c < 4; c++) {
    m->z[c] = b->z[c][t % WK_LANES] = z[c] + sigma[c] * bench_normal(r);
    m->variance[c] = b->variance[c][t % WK_LANES] = sigma[c] * sigma[c];
    b->present[c][t % WK_LANES] = 1.0;
  }
  for (int c = 0; c < 9; c++) b->enu[c][t % WK_LANES] = m->enu[c];
}

/* Bodies between 150 and 400 km, seen a second later by a radar 300 km away. */
static void track_make(struct bench_prng *r, int t) {
  static const double sigma[6] = {200, 200, 200, 20, 20, 20};
  const double lat = bench_uniform(r, -1.2, 1.2), lon = bench_uniform(r, -3, 3);
  double x[6], enu[9], a[6][6];
  wk_ecef_from_geodetic(lat, lon, bench_uniform(r, 150e3, 400e3), x);
  wk_enu_rows(lat, lon, enu);
  for (int c = 0; c < 3; c++) x[3 + c] = 2500.0 * (0.8 * enu[c] + 0.5 * enu[3 + c] - 0.3 * enu[6 + c]);
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) a[i][j] = (i == j) + 0.3 * bench_normal(r);
  }
  for (int i = 0; i < 6; i++) {
    eigen_start[t].x[i] = x[i];
    for (int j = i; j < 6; j++) {
      double sum = 0.0;
      for (int k = 0; k < 6; k++) sum += a[i][k] * a[j][k];
      eigen_start[t].p[WK_AT(6, i, j)] = sum * sigma[i] * sigma[j];
    }
  }
  for (int i = 0; i < 6; i++) blocks_start[t / WK_LANES].e[i][t % WK_LANES] = eigen_start[t].x[i];
  for (int i = 0; i < WK_PACKED(6); i++) blocks_start[t / WK_LANES].e[6 + i][t % WK_LANES] = eigen_start[t].p[i];
  radar_make(r, t, lat, lon, x);
}

typedef void (*lane_way)(struct wk_gauss_block *block, const struct wk_measure_block *measure, const wk_lane dt, double gate2,
                         const struct wk_tuning *with);
static void run_lanes(void *way) {
  static const wk_lane dt = {1, 1, 1, 1, 1, 1, 1, 1};
  for (int pass = 0; pass < PASSES; pass++) {
    memcpy(blocks, blocks_start, sizeof blocks);
    for (int b = 0; b < TRACKS / WK_LANES; b++) (*(lane_way *)way)(&blocks[b], &measures[b], dt, gate, &tuning);
    bench_use(blocks);
  }
}

typedef void (*eigen_way)(struct eigen_coast *track, const struct eigen_radar *radar, int count, double dt, double gate2,
                          const struct wk_tuning *with);
static void run_eigen(void *way) {
  for (int pass = 0; pass < PASSES; pass++) {
    memcpy(eigen, eigen_start, sizeof eigen);
    (*(eigen_way *)way)(eigen, radars, TRACKS, dt_s, gate, &tuning);
    bench_use(eigen);
  }
}

static void run_innovation(void *table) {
  for (int pass = 0; pass < PASSES; pass++) {
    for (int b = 0; b < TRACKS / WK_LANES; b++) {
      ((const struct wk_table *)table)->gauss_innovation(&blocks_start[b], WK_RADAR, &measures[b], &distance_lanes[b * WK_LANES]);
    }
    bench_use(distance_lanes);
  }
}
typedef void (*eigen_innovation)(const struct eigen_coast *track, const struct eigen_radar *radar, int count, double *distance2);
static void run_eigen_innovation(void *way) {
  for (int pass = 0; pass < PASSES; pass++) {
    (*(eigen_innovation *)way)(eigen_start, radars, TRACKS, distance_eigen);
    bench_use(distance_eigen);
  }
}

/* Largest difference of the two, in sigmas of each state and in parts of each distance: the rival must do the same maths. */
static double difference(void) {
  double most = 0.0;
  for (int t = 0; t < TRACKS; t++) {
    for (int i = 0; i < 6; i++) {
      const double sigma = sqrt(eigen[t].p[WK_AT(6, i, i)]);
      most = fmax(most, fabs(blocks[t / WK_LANES].e[i][t % WK_LANES] - eigen[t].x[i]) / sigma);
    }
    most = fmax(most, fabs(distance_lanes[t] / distance_eigen[t] - 1.0));
  }
  return most;
}

int main(void) {
  static eigen_way theirs[2] = {eigen_ekf_v3, eigen_ekf_v4};
  static eigen_innovation their_innovation[2] = {eigen_innovation_v3, eigen_innovation_v4};
  static lane_way ours[2] = {ekf_coast_v3, ekf_coast_v4};
  const int v = wk_variant("v4") ? 1 : 0;
  const double items = (double)TRACKS * PASSES;
  struct bench_prng r = {5};
  tuning = wk_tuning_default();
  for (int t = 0; t < TRACKS; t++) track_make(&r, t);
  struct bench_contestant c[] = {{"v3", run_lanes, &ours[0], items, 0, 0},
                                 {"the best", run_lanes, &ours[v], items, 0, 0},
                                 {"Eigen v3", run_eigen, &theirs[0], items, 0, 0},
                                 {"Eigen, the best's instruction set", run_eigen, &theirs[v], items, 0, 0},
                                 {"innovation, v3", run_innovation, (void *)wk_variant("v3"), items, 0, 0},
                                 {"innovation, the best", run_innovation, (void *)wk_variant(v ? "v4" : "v3"), items, 0, 0},
                                 {"innovation, Eigen v3", run_eigen_innovation, &their_innovation[0], items, 0, 0},
                                 {"innovation, Eigen, the best's instruction set", run_eigen_innovation, &their_innovation[v], items, 0, 0}};
  enum { CONTESTANTS = sizeof c / sizeof c[0] };
  bench_contest(c, CONTESTANTS);
  bench_begin("kernel_ekf");
  bench_times(c, CONTESTANTS, "track");
  bench_ratio("Eigen over v3", &c[2], &c[0], 10);
  bench_ratio("Eigen over the best", c[2].minimum_ns < c[3].minimum_ns ? &c[2] : &c[3], &c[1], 10);
  bench_ratio("innovation: Eigen over v3", &c[6], &c[4], 0);
  bench_ratio("innovation: Eigen over the best", c[6].minimum_ns < c[7].minimum_ns ? &c[6] : &c[7], &c[5], 0);
  const double apart = difference();
  bench_figure("difference of the two", apart, "sigma", 0.1, -1);
  bench_end();
  if (!(apart < 0.1)) {
    fprintf(stderr, "kernel_ekf: the two differ by %g sigma: not the same maths\n", apart);
    return 1;
  }
  return 0;
}

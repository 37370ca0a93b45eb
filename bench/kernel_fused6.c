/* Predict, gate and update of six states by a measured position: wk's fused body against the bound of the
 * multiply-add pipes and against Eigen, and how far each is off a long double oracle. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/eigen_fused6.h"
#include "bench/fma.h"
#include "kernels/ref/ref_fused6.h"
#include "kernels/wk.h"

/* Instructions of the structured form on eight lanes that need a multiply-add pipe, without its division
 * (docs/performance.md). */
#define FORM_INSTRUCTIONS 152.0
/* Blocks that fit the first cache twice over; passes to make a run a few hundred microseconds. */
enum { BLOCKS = 8, TRACKS = BLOCKS * WK_LANES, PASSES = 400, FAR_BLOCKS = 16384 };
static const double psd = 4.0, gate = 1e9;

static struct wk_linear_block start[BLOCKS], blocks[BLOCKS], far_blocks[FAR_BLOCKS];
static struct eigen_track eigen_start[TRACKS], eigen[TRACKS];

static int double_order(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void tracks_make(void) {
  struct bench_prng r = {1};
  for (int t = 0; t < TRACKS; t++) {
    struct wk_linear_block *b = &start[t / WK_LANES];
    struct eigen_track *e = &eigen_start[t];
    const int lane = t % WK_LANES;
    double root[6][6];
    for (int i = 0; i < 6; i++) {
      for (int j = 0; j < 6; j++) root[i][j] = (i < 3 ? 100.0 : 10.0) * ((i == j) + 0.3 * bench_normal(&r));
    }
    for (int i = 0; i < 6; i++) {
      e->x[i] = b->x[i][lane] = bench_normal(&r) * (i < 3 ? 4e6 : 2e3);
      for (int j = i; j < 6; j++) {
        double sum = 0.0;
        for (int k = 0; k < 6; k++) sum += root[i][k] * root[j][k];
        e->p[6 * i + j] = e->p[6 * j + i] = b->p[WK_AT(6, i, j)][lane] = sum;
      }
    }
    e->dt_s = b->dt_s[lane] = bench_uniform(&r, 0.5, 3.0);
    for (int i = 0; i < 3; i++) {
      e->variance[i] = b->variance[i][lane] = 2500.0;
      e->z[i] = b->z[i][lane] = e->x[i] + e->dt_s * e->x[3 + i] + 100.0 * bench_normal(&r);
    }
  }
  for (int b = 0; b < FAR_BLOCKS; b++) far_blocks[b] = start[b % BLOCKS];
}

/* The filter's covariance settles; the state follows the repeated measurement, so every pass is the same
 * work. */
static void run_kernel(void *table) {
  memcpy(blocks, start, sizeof blocks);
  for (int pass = 0; pass < PASSES; pass++)
    ((const struct wk_table *)table)->linear_step(blocks, BLOCKS, psd, gate);
  bench_use(blocks);
}
static void run_far(void *table) {
  ((const struct wk_table *)table)->linear_step(far_blocks, FAR_BLOCKS, psd, gate);
  bench_use(far_blocks);
}

/* Part of the bound, the kernel and the peak next to each other, the median of many turns: a CPU slows down as its power grows, and a loop
 * of multiply-adds alone needs less of it than one that loads and stores as well, so that minima of the two are of different clocks. */
static double bound_share(const struct wk_table *table, void (*peak)(void *), int width) {
  enum { TURNS = 41, RUNS_TO_SETTLE = 8 };
  double share[TURNS];
  for (int i = 0; i < RUNS_TO_SETTLE; i++) run_kernel((void *)table);
  for (int turn = 0; turn < TURNS; turn++) {
    const double start = bench_now_ns();
    run_kernel((void *)table);
    const double middle = bench_now_ns();
    peak(NULL);
    const double bound = FORM_INSTRUCTIONS * (bench_now_ns() - middle) / fma_work_instructions() / width;
    share[turn] = bound * TRACKS * PASSES / (middle - start);
  }
  qsort(share, TURNS, sizeof share[0], double_order);
  return share[TURNS / 2];
}

typedef void (*eigen_way)(struct eigen_track *tracks, int count, double accel_psd, double gate);
static void run_eigen(void *way) {
  memcpy(eigen, eigen_start, sizeof eigen);
  for (int pass = 0; pass < PASSES; pass++) (*(eigen_way *)way)(eigen, TRACKS, psd, gate);
  bench_use(eigen);
}

/* Largest error of one step over all tracks, in units of each state's own sigma: of the state, of the
 * covariance. */
struct error {
  double state, covariance;
};
static void error_add(struct error *e, int t, const double *x, const double *p) {
  const struct eigen_track *from = &eigen_start[t];
  struct ref_linear want;
  for (int i = 0; i < 6; i++) {
    want.x[i] = from->x[i];
    for (int j = 0; j < 6; j++) want.p[i][j] = from->p[6 * i + j];
  }
  ref_linear_step(&want, from->z, from->variance, from->dt_s, psd, gate);
  for (int i = 0; i < 6; i++) {
    const double sigma = sqrt((double)want.p[i][i]);
    e->state = fmax(e->state, fabs((double)(x[i] - want.x[i])) / sigma);
    for (int j = 0; j < 6; j++) {
      e->covariance = fmax(e->covariance, fabs((double)(p[6 * i + j] - want.p[i][j])) /
                                              (sigma * sqrt((double)want.p[j][j])));
    }
  }
}

static struct error error_kernel(const struct wk_table *table) {
  struct error e = {0, 0};
  memcpy(blocks, start, sizeof blocks);
  table->linear_step(blocks, BLOCKS, psd, gate);
  for (int t = 0; t < TRACKS; t++) {
    const struct wk_linear_block *b = &blocks[t / WK_LANES];
    double x[6], p[36];
    for (int i = 0; i < 6; i++) {
      x[i] = b->x[i][t % WK_LANES];
      for (int j = 0; j < 6; j++) p[6 * i + j] = b->p[i <= j ? WK_AT(6, i, j) : WK_AT(6, j, i)][t % WK_LANES];
    }
    error_add(&e, t, x, p);
  }
  return e;
}
static struct error error_eigen(eigen_way way) {
  struct error e = {0, 0};
  memcpy(eigen, eigen_start, sizeof eigen);
  way(eigen, TRACKS, psd, gate);
  for (int t = 0; t < TRACKS; t++) error_add(&e, t, eigen[t].x, eigen[t].p);
  return e;
}

static void report_variant(const struct wk_table *table, int width, const struct bench_contestant *kernel,
                           const struct bench_contestant *peak) {
  char name[160];
  const double bound = FORM_INSTRUCTIONS * peak->minimum_ns / width;
  snprintf(name, sizeof name, "%s: time per track", table->name);
  bench_figure(name, kernel->minimum_ns, "ns", 0, -1);
  snprintf(name, sizeof name, "%s: part of the multiply-add bound", table->name);
  bench_figure(name, bound_share(table, peak->run, width), "share", 0.8, 1);
  snprintf(name, sizeof name, "%s: bound per track, multiply-adds alone at their own clock", table->name);
  bench_figure(name, bound, "ns", 0, -1);
  snprintf(name, sizeof name, "%s: part of the bound of multiply-adds alone", table->name);
  bench_figure(name, bound / kernel->minimum_ns, "share", 0, 1);
}

int main(void) {
  static eigen_way textbook[2] = {eigen_textbook_v3, eigen_textbook_v4},
                   structured[2] = {eigen_structured_v3, eigen_structured_v4};
  const struct wk_table *v3 = wk_variant("v3"), *v4 = wk_variant("v4"), *best = wk_table();
  const int v = v4 ? 1 : 0;
  const double items = (double)TRACKS * PASSES;
  enum { PEAK3, KERNEL3, PEAK4, KERNEL4, FAR, TEXT3, BLOCK3, TEXT4, BLOCK4, CONTESTANTS };
  struct bench_contestant c[CONTESTANTS] = {
      [PEAK3] = {"peak v3", fma_work_v3, 0, fma_work_instructions(), 0, 0},
      [PEAK4] = {"peak v4", v ? fma_work_v4 : fma_work_v3, 0, fma_work_instructions(), 0, 0},
      [KERNEL3] = {"v3", run_kernel, (void *)v3, items, 0, 0},
      [KERNEL4] = {"v4", run_kernel, (void *)(v ? v4 : v3), items, 0, 0},
      [FAR] = {"far", run_far, (void *)best, (double)FAR_BLOCKS * WK_LANES, 0, 0},
      [TEXT3] = {"textbook v3", run_eigen, &textbook[0], items, 0, 0},
      [BLOCK3] = {"structured v3", run_eigen, &structured[0], items, 0, 0},
      [TEXT4] = {"textbook v4", run_eigen, &textbook[v], items, 0, 0},
      [BLOCK4] = {"structured v4", run_eigen, &structured[v], items, 0, 0},
  };
  tracks_make();
  bench_contest(c, CONTESTANTS);
  bench_begin("kernel_fused6");
  report_variant(v3, 4, &c[KERNEL3], &c[PEAK3]);
  if (v) report_variant(v4, 8, &c[KERNEL4], &c[PEAK4]);
  bench_figure("131,072 tracks from memory: time per track", c[FAR].minimum_ns, "ns", 0, -1);
  /* Eigen's better build is the rival. */
  const struct bench_contestant *text = &c[c[TEXT3].minimum_ns < c[TEXT4].minimum_ns ? TEXT3 : TEXT4];
  const struct bench_contestant *block = &c[c[BLOCK3].minimum_ns < c[BLOCK4].minimum_ns ? BLOCK3 : BLOCK4];
  bench_figure("Eigen structured: time per track", block->minimum_ns, "ns", 0, -1);
  bench_figure("Eigen textbook: time per track", text->minimum_ns, "ns", 0, -1);
  bench_ratio("Eigen structured over v3", &c[BLOCK3], &c[KERNEL3], v ? 0 : 8);
  bench_ratio("Eigen textbook over v3", &c[TEXT3], &c[KERNEL3], v ? 0 : 15);
  bench_ratio("Eigen structured over the best", block, &c[KERNEL4], 8);
  bench_ratio("Eigen textbook over the best", text, &c[KERNEL4], 15);
  const struct error ours = error_kernel(best), theirs = error_eigen(structured[v]),
                     book = error_eigen(textbook[v]);
  bench_figure("kernel: error of the state", ours.state, "sigma", 0, -1);
  bench_figure("kernel: error of the covariance", ours.covariance, "of its scale", 0, -1);
  bench_figure("Eigen structured: error of the state", theirs.state, "sigma", 0, -1);
  bench_figure("Eigen structured: error of the covariance", theirs.covariance, "of its scale", 0, -1);
  bench_figure("Eigen textbook: error of the state", book.state, "sigma", 0, -1);
  bench_figure("Eigen textbook: error of the covariance", book.covariance, "of its scale", 0, -1);
  bench_end();
  return 0;
}

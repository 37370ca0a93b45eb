/* The whole ballistic step: mixing, prediction of three modes, radar update; wk's lanes against Eigen doing
 * the same maths one track after the other. Records in, records out for both. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/eigen_imm.h"

enum { TRACKS = 64 };
static const double dt_s = 1.0;
static double start[TRACKS][WK_BALLISTIC_ELEMENTS], lanes[TRACKS][WK_BALLISTIC_ELEMENTS],
    eigen[TRACKS][WK_BALLISTIC_ELEMENTS];
static struct eigen_radar radars[TRACKS];
static struct wk_measure_block measures[TRACKS / WK_LANES];
static struct wk_tuning tuning;

static double *mode_make(struct bench_prng *r, double *to, int n, const double *x, const double *sigma) {
  double a[9][9];
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) a[i][j] = (i == j) + 0.3 * bench_normal(r);
  }
  for (int i = 0; i < n; i++) *to++ = x[i] + 0.3 * sigma[i] * bench_normal(r);
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) {
      double sum = 0.0;
      for (int k = 0; k < n; k++) sum += a[i][k] * a[j][k];
      *to++ = sum * sigma[i] * sigma[j];
    }
  }
  return to;
}

/* Bodies between the heights, seen a second later by a radar 300 km away. */
static void track_make(struct bench_prng *r, int t, double low_m, double high_m) {
  static const double sigma[9] = {200, 200, 200, 20, 20, 20, 6, 6, 6},
                      drag_sigma[7] = {200, 200, 200, 20, 20, 20, 0.5};
  const double lat = bench_uniform(r, -1.2, 1.2), lon = bench_uniform(r, -3, 3);
  double x[9], enu[9];
  struct eigen_radar *m = &radars[t];
  wk_ecef_from_geodetic(lat, lon, bench_uniform(r, low_m, high_m), x);
  wk_enu_rows(lat, lon, enu);
  for (int c = 0; c < 3; c++) x[3 + c] = 2500.0 * (0.8 * enu[c] + 0.5 * enu[3 + c] - 0.3 * enu[6 + c]);
  for (int c = 6; c < 9; c++) x[c] = bench_uniform(r, -20.0, 20.0);
  double *to = mode_make(r, start[t], WK_BOOST_N, x, sigma);
  to = mode_make(r, to, WK_COAST_N, x, sigma);
  x[6] = bench_uniform(r, -9.0, -7.5);
  to = mode_make(r, to, WK_REENTRY_N, x, drag_sigma);
  to[0] = 0.1;
  to[1] = 0.5;
  to[2] = 0.4;
  wk_ecef_from_geodetic(lat - 0.03, lon + 0.04, 100.0, m->site_m);
  wk_enu_rows(lat - 0.03, lon + 0.04, m->enu);
  double d[3], local[3], range = 0.0, rate = 0.0;
  for (int c = 0; c < 3; c++) d[c] = x[c] + dt_s * x[3 + c] - m->site_m[c];
  for (int c = 0; c < 3; c++) {
    range += d[c] * d[c];
    rate += d[c] * x[3 + c];
    local[c] = m->enu[3 * c] * d[0] + m->enu[3 * c + 1] * d[1] + m->enu[3 * c + 2] * d[2];
    m->site_velocity_mps[c] = 0.0;
  }
  range = sqrt(range);
  const double z[4] = {range + 20, atan2(local[0], local[1]) + 2e-4,
                       atan2(local[2], hypot(local[0], local[1])) - 2e-4, rate / range + 2};
  const double variance[4] = {900.0, 1e-6, 1e-6, 25.0};
  struct wk_measure_block *b = &measures[t / WK_LANES];
  for (int c = 0; c < 4; c++) {
    m->z[c] = b->z[c][t % WK_LANES] = z[c];
    m->variance[c] = b->variance[c][t % WK_LANES] = variance[c];
    b->present[c][t % WK_LANES] = 1.0;
  }
  for (int c = 0; c < 3; c++) {
    b->site_m[c][t % WK_LANES] = m->site_m[c];
    b->site_velocity_mps[c][t % WK_LANES] = 0.0;
  }
  for (int c = 0; c < 9; c++) b->enu[c][t % WK_LANES] = m->enu[c];
}

static void run_lanes(void *table) {
  const struct wk_table *t = table;
  static const wk_lane dt = {1, 1, 1, 1, 1, 1, 1, 1}, none = {0}, every = {1, 1, 1, 1, 1, 1, 1, 1};
  memcpy(lanes, start, sizeof lanes);
  for (int first = 0; first < TRACKS; first += WK_LANES) {
    struct wk_ballistic_block block;
    struct wk_evidence_block evidence;
    double *record[WK_LANES];
    for (int i = 0; i < WK_LANES; i++) record[i] = lanes[first + i];
    t->ballistic_load(&block, (const double *const *)record);
    t->ballistic_predict(&block, dt, none, &tuning);
    t->ballistic_update(&block, WK_RADAR, &measures[first / WK_LANES], every, &evidence);
    t->ballistic_store(&block, record);
  }
  bench_use(lanes);
}

/* The parts of the above by themselves, on blocks at hand. */
static struct wk_ballistic_block parts[TRACKS / WK_LANES], parts_start[TRACKS / WK_LANES];

static void run_load_store(void *table) {
  const struct wk_table *t = table;
  for (int b = 0; b < TRACKS / WK_LANES; b++) {
    double *record[WK_LANES];
    for (int i = 0; i < WK_LANES; i++) record[i] = lanes[b * WK_LANES + i];
    t->ballistic_load(&parts_start[b], (const double *const *)record);
    t->ballistic_store(&parts_start[b], record);
  }
  bench_use(lanes);
}
static void run_predict(void *table) {
  static const wk_lane dt = {1, 1, 1, 1, 1, 1, 1, 1}, none = {0};
  memcpy(parts, parts_start, sizeof parts);
  for (int b = 0; b < TRACKS / WK_LANES; b++)
    ((const struct wk_table *)table)->ballistic_predict(&parts[b], dt, none, &tuning);
  bench_use(parts);
}
static void run_update(void *table) {
  static const wk_lane every = {1, 1, 1, 1, 1, 1, 1, 1};
  struct wk_evidence_block evidence;
  memcpy(parts, parts_start, sizeof parts);
  for (int b = 0; b < TRACKS / WK_LANES; b++) {
    ((const struct wk_table *)table)->ballistic_update(&parts[b], WK_RADAR, &measures[b], every, &evidence);
  }
  bench_use(parts);
}

typedef void (*eigen_way)(double (*record)[WK_BALLISTIC_ELEMENTS], const struct eigen_radar *radar, int count,
                          double dt, const struct wk_tuning *tuning);
static void run_eigen(void *way) {
  memcpy(eigen, start, sizeof eigen);
  (*(eigen_way *)way)(eigen, radars, TRACKS, dt_s, &tuning);
  bench_use(eigen);
}

/* Largest difference of the two, in sigmas of each state: the rival must do the same maths. */
static double difference(void) {
  static const int n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N},
                   at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X};
  double most = 0.0;
  for (int t = 0; t < TRACKS; t++) {
    for (int m = 0; m < 3; m++) {
      for (int i = 0; i < n[m]; i++) {
        const double sigma = sqrt(lanes[t][at[m] + n[m] + WK_AT(n[m], i, i)]);
        most = fmax(most, fabs(lanes[t][at[m] + i] - eigen[t][at[m] + i]) / sigma);
      }
    }
  }
  return most;
}

static void height_bench(const char *where, double low_m, double high_m) {
  static eigen_way ways[2] = {eigen_imm_v3, eigen_imm_v4};
  const struct wk_table *v3 = wk_variant("v3"), *v4 = wk_variant("v4"),
                        *best = v4 ? v4 : v3; /* v3 is the least this is for */
  struct bench_prng r = {3};
  char name[160];
  for (int t = 0; t < TRACKS; t++) track_make(&r, t, low_m, high_m);
  struct bench_contestant c[] = {
      {"scalar", run_lanes, (void *)wk_variant("scalar"), TRACKS, 0, 0},
      {"v3", run_lanes, (void *)v3, TRACKS, 0, 0},
      {"the best", run_lanes, (void *)best, TRACKS, 0, 0},
      {"Eigen v3", run_eigen, &ways[0], TRACKS, 0, 0},
      {"Eigen, the best's instruction set", run_eigen, &ways[v4 ? 1 : 0], TRACKS, 0, 0},
      {"the best, records to lanes and back", run_load_store, (void *)best, TRACKS, 0, 0},
      {"the best, mixing and prediction", run_predict, (void *)best, TRACKS, 0, 0},
      {"the best, update", run_update, (void *)best, TRACKS, 0, 0}};
  enum { CONTESTANTS = sizeof c / sizeof c[0] };
  bench_contest(c, CONTESTANTS);
  for (int i = 0; i < CONTESTANTS; i++) {
    snprintf(name, sizeof name, "%s: %s: time per track", where, c[i].name);
    bench_figure(name, c[i].minimum_ns, "ns", 0, -1);
  }
  const struct bench_contestant *rival = c[3].minimum_ns < c[4].minimum_ns ? &c[3] : &c[4];
  snprintf(name, sizeof name, "%s: Eigen over v3", where);
  bench_ratio(name, &c[3], &c[1], 10);
  snprintf(name, sizeof name, "%s: Eigen over the best", where);
  bench_ratio(name, rival, &c[2], 10);
  snprintf(name, sizeof name, "%s: difference of the two", where);
  const double apart = difference();
  bench_figure(name, apart, "sigma", 0.1, -1);
  if (!(apart < 0.1)) {
    fprintf(stderr, "kernel_imm: %s: the two differ by %g sigma: not the same maths\n", where, apart);
    exit(1);
  }
}

int main(void) {
  tuning = wk_tuning_default();
  bench_begin("kernel_imm");
  height_bench("in space", 150e3, 400e3);
  height_bench("in the air", 30e3, 70e3);
  bench_end();
  return 0;
}

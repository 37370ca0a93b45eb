/* What the published cases share: four Monte Carlo runs side by side in lanes, an EKF in the style of kernels/lane/sigma.h, the
 * sums over runs and chi-square bands. A run draws from its own stream, so that figures depend on the seed alone. */
#ifndef WEFT_TESTS_CASE_LANES_H
#define WEFT_TESTS_CASE_LANES_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WK_WIDTH 4
#include "engine/base/prng.h"
#include "kernels/lane/sigma.h"

/* One stream per lane. */
struct draws {
  struct prng prng[WK_WIDTH];
};
static inline struct draws draws_seed(uint64_t seed, int first_run) {
  struct draws d;
  for (int l = 0; l < WK_WIDTH; l++) d.prng[l] = prng_seed(seed, (uint64_t)(first_run + l));
  return d;
}
static inline lane draws_normal(struct draws *d) {
  double v[WK_WIDTH];
  for (int l = 0; l < WK_WIDTH; l++) v[l] = prng_normal(&d->prng[l]);
  return lane_load(v);
}

/* x += a draw from N(0, p). */
static inline void draws_add(struct draws *d, int n, const lane *p, lane *x) {
  lane u[SIGMA_PACKED_MAX];
  sigma_root(n, p, u);
  for (int j = 0; j < n; j++) {
    const lane e = draws_normal(d);
    for (int i = j; i < n; i++) x[i] = x[i] + u[packed_at(n, j, i)] * e;
  }
}

/* The leading n by n of a Jacobian by rows. */
typedef void (*ekf_slope)(const lane *x, lane (*f)[SIGMA_STATE_MAX], const void *context);

/* EKF prediction: F at the prior mean. */
WK_INLINE void ekf_predict(int n, sigma_motion motion, ekf_slope slope, const void *context, const lane *q, lane *x, lane *p) {
  lane f[SIGMA_STATE_MAX][SIGMA_STATE_MAX], t[SIGMA_STATE_MAX][SIGMA_STATE_MAX];
  slope(x, f, context);
  motion(x, context);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      t[i][j] = lane_all(0.0);
      for (int k = 0; k < n; k++) t[i][j] = t[i][j] + f[i][k] * p[packed_at(n, k, j)];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) {
      lane sum = q[packed_at(n, i, j)];
      for (int k = 0; k < n; k++) sum = sum + t[i][k] * f[j][k];
      p[packed_at(n, i, j)] = sum;
    }
  }
}

/* EKF update: H at the prior mean, m rows. */
WK_INLINE void ekf_update(int n, int m, sigma_sensor sensor, ekf_slope slope, const void *context, int turns,
                          const struct sigma_measure *measure, lane *x, lane *p) {
  lane h[SIGMA_STATE_MAX][SIGMA_STATE_MAX], cross[SIGMA_STATE_MAX][SIGMA_MEASURE_MAX];
  lane s[WK_PACKED(SIGMA_MEASURE_MAX)], z[SIGMA_MEASURE_MAX], v[SIGMA_MEASURE_MAX];
  struct sigma_evidence evidence;
  slope(x, h, context);
  sensor(x, z, context);
  for (int c = 0; c < m; c++) {
    v[c] = sigma_difference(turns, c, measure->z[c], z[c]);
    for (int a = 0; a < n; a++) {
      cross[a][c] = lane_all(0.0);
      for (int b = 0; b < n; b++) cross[a][c] = cross[a][c] + p[packed_at(n, a, b)] * h[c][b];
    }
  }
  for (int c = 0; c < m; c++) {
    for (int d = c; d < m; d++) {
      lane sum = measure->r[packed_at(m, c, d)];
      for (int a = 0; a < n; a++) sum = sum + h[c][a] * cross[a][d];
      s[packed_at(m, c, d)] = sum;
    }
  }
  sigma_gain(n, m, cross, s, v, x, p, &evidence);
}

/* Sums over runs at one time. */
struct tally {
  double runs, nees, square[SIGMA_STATE_MAX], error[SIGMA_STATE_MAX];
};

static inline lane lane_nees(int n, const lane *truth, const lane *x, const lane *p) {
  lane u[SIGMA_PACKED_MAX], w[SIGMA_STATE_MAX], nees = lane_all(0.0);
  sigma_root(n, p, u);
  for (int j = 0; j < n; j++) {
    lane sum = x[j] - truth[j];
    for (int k = 0; k < j; k++) sum = sum - u[packed_at(n, k, j)] * w[k];
    w[j] = sum / u[packed_at(n, j, j)];
    nees = nees + w[j] * w[j];
  }
  return nees;
}

static inline void tally_add(struct tally *t, int n, const lane *truth, const lane *x, const lane *p) {
  const lane nees = lane_nees(n, truth, x, p);
  for (int l = 0; l < WK_WIDTH; l++) {
    t->runs += 1;
    t->nees += nees[l];
    for (int i = 0; i < n; i++) {
      const double e = x[i][l] - truth[i][l];
      t->square[i] += e * e;
      t->error[i] += e;
    }
  }
}
static inline double tally_nees(const struct tally *t) { return t->nees / t->runs; }
static inline double tally_rms(const struct tally *t, int i) { return sqrt(t->square[i] / t->runs); }

/* Quantile of the mean of `runs` chi-square variables of n degrees of freedom, at `deviate` standard normal deviates
 * (Wilson, Hilferty 1931). The central 99 % lie between -2.5758 and 2.5758. */
#define NORMAL_99 2.5758293035489
static inline double nees_quantile(int n, double runs, double deviate) {
  const double k = n * runs, c = 2.0 / (9.0 * k), root = 1.0 - c + deviate * sqrt(c);
  return root * root * root * k / runs;
}

#endif

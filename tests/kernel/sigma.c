// stage: weft_kernels weft_base
// links: tests/kernel/widths/sigma_1.c tests/kernel/widths/sigma_4.c tests/kernel/widths/sigma_8.c
/* Claims about the sigma points of kernels/lane/sigma.h: the same bits at every width, the Kalman filter where the model is linear,
 * the exact mean of a square, and lanes that are refused without a trace in their neighbours. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "kernels/ref/ref_filter.h"
#include "tests/kernel/widths/sigma_body.h"
#define WK_WIDTH 1
#include "kernels/lane/sigma.h"

enum { SEED = 20260301, TRIALS = 400 };

/* A full covariance over the given sigmas, packed. */
static void covariance_random(struct prng *prng, int n, const double *sigma, double *p) {
  double a[SIGMA_STATE_MAX][SIGMA_STATE_MAX];
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) a[i][j] = (i == j) + 0.3 * prng_normal(prng);
  }
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) {
      double sum = 0;
      for (int k = 0; k < n; k++) sum += a[i][k] * a[j][k];
      p[WK_AT(n, i, j)] = sum * sigma[i] * sigma[j];
    }
  }
}

static void body_random(struct prng *prng, struct sigma_body *b) {
  static const double sigma[SIGMA_BODY_N] = {300, 300, 300, 30, 30, 30, 0.02}, walk[SIGMA_BODY_N] = {1, 1, 1, 2, 2, 2, 1e-3};
  memset(b, 0, sizeof *b);
  for (int l = 0; l < WK_LANES; l++) {
    double p[SIGMA_BODY_P], q[SIGMA_BODY_P], azimuth = 6.3 * prng_uniform(prng) - 3.15;
    covariance_random(prng, SIGMA_BODY_N, sigma, p);
    covariance_random(prng, SIGMA_BODY_N, walk, q);
    for (int i = 0; i < SIGMA_BODY_P; i++) b->p[i][l] = p[i], b->q[i][l] = q[i];
    const double x[SIGMA_BODY_N] = {2e4 * sin(azimuth), 2e4 * cos(azimuth), 1e4 + 1e4 * prng_uniform(prng), 200, -300, 50, 0.05};
    for (int i = 0; i < SIGMA_BODY_N; i++) b->x[i][l] = x[i] + sigma[i] * prng_normal(prng);
    b->z[0][l] = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]) + 30 * prng_normal(prng);
    b->z[1][l] = azimuth + 0.01 * prng_normal(prng);
    b->z[2][l] = atan2(x[2], 2e4) + 0.01 * prng_normal(prng);
    b->r[WK_AT(3, 0, 0)][l] = 900;
    b->r[WK_AT(3, 1, 1)][l] = b->r[WK_AT(3, 2, 2)][l] = 1e-4;
    for (int c = 0; c < SIGMA_BODY_M; c++) b->present[c][l] = prng_below(prng, 5) > 0;
  }
}

static void bodies_equal(const struct sigma_body *want, const struct sigma_body *got, const char *what, int trial) {
  const double *a = (const double *)want, *b = (const double *)got;
  for (size_t i = 0; i < sizeof *want / sizeof *a; i++) {
    if (memcmp(&a[i], &b[i], sizeof *a) != 0)
      fail_msg("%s, seed %d, trial %d: element %zu lane %zu is %a, one lane at a time %a", what, SEED, trial, i / WK_LANES,
               i % WK_LANES, b[i], a[i]);
  }
}

static void every_width_gives_the_same_bits(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 1);
  for (int trial = 0; trial < TRIALS; trial++) {
    struct sigma_body body, one, four, eight;
    body_random(&prng, &body);
    if (trial % 4 == 1) body.p[0][trial % WK_LANES] = -1.0;                     /* not a covariance */
    if (trial % 4 == 2) body.r[0][trial % WK_LANES] = -1e9;
    if (trial % 4 == 3) memset(body.p, 0, sizeof body.p);                       /* known exactly */
    one = four = eight = body;
    sigma_body_1(&one);
    sigma_body_4(&four);
    bodies_equal(&one, &four, "four lanes", trial);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
      sigma_body_8(&eight);
      bodies_equal(&one, &eight, "eight lanes", trial);
    }
  }
}

static void unsound_lanes_are_refused_and_leave_no_trace(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 2);
  for (int trial = 0; trial < TRIALS; trial++) {
    struct sigma_body sound, spoilt;
    const int lane_spoilt = trial % WK_LANES, how = trial / WK_LANES % 4;
    body_random(&prng, &sound);
    for (int c = 0; c < SIGMA_BODY_M; c++) sound.present[c][lane_spoilt] = 1;
    spoilt = sound;
    if (how == 0) spoilt.p[WK_AT(7, 3, 3)][lane_spoilt] *= -1;
    if (how == 1) spoilt.p[WK_AT(7, 2, 5)][lane_spoilt] = NAN;
    if (how == 2) spoilt.z[1][lane_spoilt] = NAN;
    if (how == 3) spoilt.r[WK_AT(3, 0, 0)][lane_spoilt] = -1e12;
    sigma_body_4(&sound);
    sigma_body_4(&spoilt);
    for (int l = 0; l < WK_LANES; l++) {
      if (l == lane_spoilt) {
        const bool refused = spoilt.updated[l] == 0 && spoilt.distance2[l] == 1e300 && spoilt.log_likelihood[l] == -1e300;
        /* A bad covariance shows in the prediction already, whose result is then a covariance again. */
        if (!(how < 2 ? spoilt.predicted[l] == 0 : spoilt.predicted[l] == 1 && refused))
          fail_msg("seed %d, trial %d, kind %d: predicted %g, updated %g", SEED, trial, how, spoilt.predicted[l], spoilt.updated[l]);
        continue;
      }
      assert_true(sound.predicted[l] == 1 && sound.updated[l] == 1);
      for (int i = 0; i < SIGMA_BODY_N; i++) assert_memory_equal(&sound.x[i][l], &spoilt.x[i][l], sizeof(double));
      for (int i = 0; i < SIGMA_BODY_P; i++) assert_memory_equal(&sound.p[i][l], &spoilt.p[i][l], sizeof(double));
    }
  }
}

/* x' = F x, z = H x with the matrices given by rows. */
struct linear {
  int n, m;
  double f[SIGMA_STATE_MAX][SIGMA_STATE_MAX], h[SIGMA_MEASURE_MAX][SIGMA_STATE_MAX];
};
WK_INLINE void linear_motion(lane *x, const void *context) {
  const struct linear *model = context;
  lane y[SIGMA_STATE_MAX];
  for (int i = 0; i < model->n; i++) {
    y[i] = 0;
    for (int j = 0; j < model->n; j++) y[i] += model->f[i][j] * x[j];
  }
  for (int i = 0; i < model->n; i++) x[i] = y[i];
}
WK_INLINE void linear_sensor(const lane *x, lane *z, const void *context) {
  const struct linear *model = context;
  for (int c = 0; c < model->m; c++) {
    z[c] = 0;
    for (int j = 0; j < model->n; j++) z[c] += model->h[c][j] * x[j];
  }
}

static void near(const char *what, int trial, double is, double want, double scale) {
  if (!(fabs(is - want) <= 1e-11 * scale)) fail_msg("%s, seed %d, trial %d: %.17g, expected %.17g", what, SEED, trial, is, want);
}

/* The textbook's filter with a matrix inverse, in full matrices. */
static void kalman(const struct linear *model, const double *q, const struct sigma_measure *z, double *x, double *p,
                   struct sigma_evidence *evidence) {
  const int n = model->n, m = model->m;
  double fp[9][9] = {{0}}, full[9][9] = {{0}}, at[9] = {0}, s[9][9] = {{0}}, inverse[9][9], ph[9][9] = {{0}}, v[9];
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      at[i] += model->f[i][j] * x[j];
      for (int k = 0; k < n; k++) fp[i][j] += model->f[i][k] * p[packed_at(n, k, j)];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      full[i][j] = q[packed_at(n, i, j)];
      for (int k = 0; k < n; k++) full[i][j] += fp[i][k] * model->f[j][k];
    }
  }
  for (int c = 0; c < m; c++) {
    v[c] = z->z[c];
    for (int j = 0; j < n; j++) {
      v[c] -= model->h[c][j] * at[j];
      for (int k = 0; k < n; k++) ph[j][c] += full[j][k] * model->h[c][k];
    }
  }
  for (int c = 0; c < m; c++) {
    for (int d = 0; d < m; d++) {
      s[c][d] = z->r[packed_at(m, c, d)];
      for (int j = 0; j < n; j++) s[c][d] += model->h[c][j] * ph[j][d];
    }
  }
  evidence->distance2 = 0;
  evidence->log_likelihood = log(ref_invert(m, (const double(*)[9])s, inverse)) + m * log(2 * 3.14159265358979323846);
  for (int c = 0; c < m; c++) {
    for (int d = 0; d < m; d++) evidence->distance2 += v[c] * inverse[c][d] * v[d];
  }
  evidence->log_likelihood = -0.5 * (evidence->log_likelihood + evidence->distance2);
  for (int i = 0; i < n; i++) {
    x[i] = at[i];
    for (int c = 0; c < m; c++) {
      for (int d = 0; d < m; d++) {
        x[i] += ph[i][c] * inverse[c][d] * v[d];
        for (int j = i; j < n; j++) full[i][j] -= ph[i][c] * inverse[c][d] * ph[j][d];
      }
    }
    for (int j = i; j < n; j++) p[WK_AT(n, i, j)] = full[i][j];
  }
}

static void linear_models_get_the_kalman_filter(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 3);
  static const double ones[SIGMA_STATE_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  for (int trial = 0; trial < TRIALS; trial++) {
    struct linear model = {.n = 1 + (int)prng_below(&prng, 9), .m = 1 + (int)prng_below(&prng, 4)};
    struct sigma_measure z;
    struct sigma_evidence evidence, expected;
    double p[SIGMA_PACKED_MAX] = {0}, q[SIGMA_PACKED_MAX], x[SIGMA_STATE_MAX] = {0}, want_x[SIGMA_STATE_MAX], want_p[SIGMA_PACKED_MAX];
    const int n = model.n, m = model.m;
    covariance_random(&prng, n, ones, p);
    covariance_random(&prng, n, ones, q);
    covariance_random(&prng, m, ones, z.r);
    for (int i = 0; i < n; i++) {
      x[i] = prng_normal(&prng);
      for (int j = 0; j < n; j++) model.f[i][j] = (i == j) + 0.3 * prng_normal(&prng);
      for (int c = 0; c < m; c++) model.h[c][i] = prng_normal(&prng);
    }
    for (int c = 0; c < m; c++) z.z[c] = prng_normal(&prng), z.present[c] = -1;
    memcpy(want_x, x, sizeof x);
    memcpy(want_p, p, sizeof p);
    kalman(&model, q, &z, want_x, want_p, &expected);
    /* Any spread will do where nothing bends. */
    const struct sigma_spread spread = sigma_spread_of(n, 0.5 + prng_uniform(&prng), 2 * prng_uniform(&prng), 0);
    assert_true(sigma_predict(n, &spread, linear_motion, &model, q, x, p));
    assert_true(sigma_update(n, m, &spread, linear_sensor, &model, 0, &z, x, p, &evidence));
    for (int i = 0; i < n; i++) near("state", trial, x[i], want_x[i], 10);
    for (int i = 0; i < WK_PACKED(n); i++) near("covariance", trial, p[i], want_p[i], 10);
    near("distance", trial, evidence.distance2, expected.distance2, 10 + expected.distance2);
    near("evidence", trial, evidence.log_likelihood, expected.log_likelihood, 10 + expected.distance2);
  }
}

WK_INLINE void square_motion(lane *x, const void *context) {
  (void)context;
  x[0] = x[0] * x[0];
}

/* x ~ N(m, v): E x^2 = m^2 + v, and with alpha = 1, beta = 2, kappa = 0 in one dimension var x^2 = 4 m^2 v + 2 v^2, all exact. */
static void moments_of_a_square_are_exact(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    const double mean = 0.5 * i - 3, variance = 0.3 + 0.2 * i;
    const struct sigma_spread spread = sigma_spread_of(1, 1, 2, 0);
    lane x[1] = {mean}, p[1] = {variance};
    assert_true(sigma_predict(1, &spread, square_motion, NULL, NULL, x, p));
    near("mean of a square", i, x[0], mean * mean + variance, 10 + x[0]);
    near("variance of a square", i, p[0], 4 * mean * mean * variance + 2 * variance * variance, 10 + p[0]);
  }
}

static void root_squared_is_the_matrix(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 4);
  static const double sigma[SIGMA_STATE_MAX] = {1e3, 1e3, 1e3, 10, 10, 10, 1e-3, 1, 1};
  for (int trial = 0; trial < TRIALS; trial++) {
    double p[SIGMA_PACKED_MAX], u[SIGMA_PACKED_MAX];
    covariance_random(&prng, 9, sigma, p);
    if (trial % 2) { /* a state without any uncertainty, and one that is another's double */
      for (int j = 0; j < 9; j++) p[packed_at(9, 7, j)] = 0, p[packed_at(9, 8, j)] = j == 8 ? 0 : 2 * p[packed_at(9, 0, j)];
      p[packed_at(9, 8, 8)] = 4 * p[0];
      p[packed_at(9, 7, 8)] = 0;
    }
    assert_true(sigma_root(9, p, u));
    for (int i = 0; i < 9; i++) {
      for (int j = i; j < 9; j++) {
        double sum = 0;
        for (int k = 0; k <= i; k++) sum += u[packed_at(9, k, i)] * u[packed_at(9, k, j)];
        near("root", trial, sum, p[packed_at(9, i, j)], 1e-300 + sqrt(p[packed_at(9, i, i)] * p[packed_at(9, j, j)]));
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_width_gives_the_same_bits),
      cmocka_unit_test(unsound_lanes_are_refused_and_leave_no_trace),
      cmocka_unit_test(linear_models_get_the_kalman_filter),
      cmocka_unit_test(moments_of_a_square_are_exact),
      cmocka_unit_test(root_squared_is_the_matrix),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

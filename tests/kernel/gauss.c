// stage: weft_kernels
/* Gaussians of position and velocity against the oracle, in every variant with the same bits: prediction along a
 * trajectory, distance of one from eight, covariance intersection. */
#include "kernels/ref/ref_gauss.h"
#include "tests/kernel/banks.h"

static const char *const names[] = {"scalar", "v3", "v4"};
enum { VARIANTS = 3, N = WK_GAUSS_ELEMENTS };

static void gauss_random(struct prng *r, double *e, int level) {
  const double metres = exp(prng_between(r, 2.0, 7.0)), speed = metres * prng_between(r, 0.01, 0.2);
  const double sigma[6] = {metres, metres, metres, speed, speed, speed};
  double x[9];
  if (level) {
    flight_random(r, 1e3, 12e3, prng_between(r, 80.0, 300.0), prng_between(r, -0.05, 0.05), x);
  } else {
    flight_random(r, 60e3, 400e3, prng_between(r, 1500.0, 5000.0), prng_between(r, 0.1, 0.6), x);
  }
  mode_random(r, e, 6, x, sigma);
}

static void gauss_of(const double *e, struct ref_gauss *s) {
  memset(s, 0, sizeof *s);
  s->n = 6;
  memcpy(s->x, e, 6 * sizeof *e);
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) s->p[i][j] = e[6 + (i <= j ? WK_AT(6, i, j) : WK_AT(6, j, i))];
  }
}

static void block_put(struct wk_gauss_block *block, int lane, const double *e) {
  for (int i = 0; i < N; i++) block->e[i][lane] = e[i];
}
static void block_get(const struct wk_gauss_block *block, int lane, double *e) {
  for (int i = 0; i < N; i++) e[i] = block->e[i][lane];
}

/* A neighbour within a few sigmas, its covariance its own. */
static void gauss_near(struct prng *r, const double *from, double *to) {
  const double metres = sqrt(from[6]) * exp(prng_between(r, -1.5, 1.5)), speed = sqrt(from[6 + WK_AT(6, 3, 3)]) * exp(prng_between(r, -1.5, 1.5));
  const double sigma[6] = {metres, metres, metres, speed, speed, speed};
  double x[9];
  for (int i = 0; i < 6; i++) x[i] = from[i] + sqrt(from[6 + WK_AT(6, i, i)]) * prng_normal(r);
  mode_random(r, to, 6, x, sigma);
}

static void prediction_agrees_with_the_oracle(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  for (uint64_t seed = 1; seed <= 24; seed++) {
    struct prng r = {seed};
    const enum wk_mode mode = seed % 3 ? WK_COAST : WK_CV;
    struct wk_gauss_block block;
    wk_lane dt, accel;
    double e[WK_LANES][N];
    for (int i = 0; i < WK_LANES; i++) {
      gauss_random(&r, e[i], mode == WK_CV);
      block_put(&block, i, e[i]);
      dt[i] = i == 7 ? -20.0 : prng_between(&r, 0.1, mode == WK_CV ? 20.0 : 90.0);
      accel[i] = i % 2 ? 0.0 : prng_between(&r, 0.0, 30.0);
    }
    wk_table()->gauss_predict(&block, mode, dt, accel, &tuning);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_gauss is, want;
      double out[N];
      block_get(&block, i, out);
      gauss_of(out, &is);
      gauss_of(e[i], &want);
      ref_gauss_move(mode, &want, dt[i], accel[i], &tuning, density_one);
      gauss_expect("gauss_predict", seed, &is, &want, 2e-7, 2e-3);
    }
  }
}

static void distance_agrees_with_the_oracle(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct prng r = {1000 + seed};
    struct wk_gauss_block many;
    wk_lane distance2, density;
    double one[N], e[WK_LANES][N];
    gauss_random(&r, one, 0);
    for (int i = 0; i < WK_LANES; i++) {
      gauss_near(&r, one, e[i]);
      block_put(&many, i, e[i]);
    }
    wk_table()->gauss_distance(one, &many, distance2, density);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_gauss a, b;
      double want;
      gauss_of(one, &a);
      gauss_of(e[i], &b);
      const double d2 = ref_gauss_distance(&a, &b, &want);
      if (!(fabs(distance2[i] - d2) <= 1e-7 * (1 + d2)) || !(fabs(density[i] - want) <= 1e-7 * fabs(want))) {
        fail_msg("seed %llu, lane %d: distance %.17g, expected %.17g; ln density %.17g, expected %.17g",
                 (unsigned long long)seed, i, distance2[i], d2, density[i], want);
      }
    }
  }
}

/* Differences drawn from the sum of two covariances have a distance of 6 in the mean, within four sigmas of 4,000. */
static void distance_has_six_degrees_of_freedom(void **state) {
  (void)state;
  struct prng r = {77};
  double sum = 0;
  enum { DRAWS = 500 };
  for (int draw = 0; draw < DRAWS; draw++) {
    struct wk_gauss_block many;
    wk_lane distance2, density;
    double one[N], e[N], root[6][6] = {{0}};
    gauss_random(&r, one, 0);
    gauss_near(&r, one, e);
    for (int i = 0; i < 6; i++) { /* Cholesky of the sum */
      for (int j = 0; j <= i; j++) {
        double s = one[6 + WK_AT(6, j, i)] + e[6 + WK_AT(6, j, i)];
        for (int k = 0; k < j; k++) s -= root[i][k] * root[j][k];
        root[i][j] = i == j ? sqrt(s) : s / root[j][j];
      }
    }
    for (int lane = 0; lane < WK_LANES; lane++) {
      double n[6], drawn[N];
      memcpy(drawn, e, sizeof drawn);
      for (int i = 0; i < 6; i++) n[i] = prng_normal(&r);
      for (int i = 0; i < 6; i++) {
        drawn[i] = one[i];
        for (int k = 0; k <= i; k++) drawn[i] += root[i][k] * n[k];
      }
      block_put(&many, lane, drawn);
    }
    wk_table()->gauss_distance(one, &many, distance2, density);
    for (int lane = 0; lane < WK_LANES; lane++) sum += distance2[lane];
  }
  const double mean = sum / (DRAWS * WK_LANES), sigma = sqrt(12.0 / (DRAWS * WK_LANES));
  if (!(fabs(mean - 6) < 4 * sigma)) fail_msg("seed 77: mean distance %.4f, expected 6 +- %.4f", mean, 4 * sigma);
}

static void intersection_agrees_with_the_oracle(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct prng r = {2000 + seed};
    struct wk_gauss_block a, b, out;
    wk_lane weight;
    double ea[WK_LANES][N], eb[WK_LANES][N];
    for (int i = 0; i < WK_LANES; i++) {
      gauss_random(&r, ea[i], 0);
      gauss_near(&r, ea[i], eb[i]);
      block_put(&a, i, ea[i]);
      block_put(&b, i, eb[i]);
    }
    wk_table()->gauss_intersect(&a, &b, &out, weight);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_gauss ra, rb, is, want, least;
      double e[N];
      gauss_of(ea[i], &ra);
      gauss_of(eb[i], &rb);
      block_get(&out, i, e);
      gauss_of(e, &is);
      const double best = ref_gauss_weight(&ra, &rb);
      const double value = ref_gauss_blend(&ra, &rb, weight[i], &want), lowest = ref_gauss_blend(&ra, &rb, best, &least);
      if (!(value <= lowest + 1e-9) || !(weight[i] >= 0 && weight[i] <= 1)) {
        fail_msg("seed %llu, lane %d: weight %.9g gives ln det %.12g, %.9g gives %.12g", (unsigned long long)seed, i,
                 weight[i], value, best, lowest);
      }
      gauss_expect("gauss_intersect", seed, &is, &want, 1e-9, 1e-6);
    }
  }
}

/* A covariance about x with eigenvalues from 1 to 1 / ratio, both included, along axes of any direction. */
static void gauss_stretched(struct prng *r, double *e, double ratio) {
  double axis[6][6], value[6] = {1.0, 1.0 / ratio};
  for (int i = 0; i < 6; i++) {
    if (i > 1) value[i] = pow(ratio, -prng_between(r, 0.0, 1.0));
    for (int c = 0; c < 6; c++) axis[i][c] = prng_normal(r);
    for (int k = 0; k <= i; k++) { /* across those before, then of length 1 */
      double along = 0;
      for (int c = 0; c < 6; c++) along += axis[i][c] * axis[k][c];
      for (int c = 0; c < 6; c++) axis[i][c] = k < i ? axis[i][c] - along * axis[k][c] : axis[i][c] / sqrt(along);
    }
  }
  for (int i = 0; i < 6; i++) {
    e[i] = prng_normal(r);
    for (int j = i; j < 6; j++) {
      double sum = 0;
      for (int k = 0; k < 6; k++) sum += value[k] * axis[k][i] * axis[k][j];
      e[6 + WK_AT(6, i, j)] = sum;
    }
  }
}

/* The largest difference of two covariances, in any direction in parts of what the second says of it: no more than this. */
static double covariance_apart(const struct ref_gauss *is, const struct ref_gauss *want) {
  long double p[REF_N_MAX][REF_N_MAX], inverse[REF_N_MAX][REF_N_MAX], sum2 = 0;
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) p[i][j] = want->p[i][j];
  }
  ref_invert_long(6, (const long double(*)[REF_N_MAX])p, inverse);
  long double part[6][6] = {{0}};
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) {
      for (int k = 0; k < 6; k++) part[i][j] += inverse[i][k] * ((long double)is->p[k][j] - want->p[k][j]);
    }
  }
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) sum2 += part[i][j] * part[j][i]; /* the squares of the differences' eigenvalues */
  }
  return (double)sqrtl(fabsl(sum2));
}

/* Rounding of a covariance to doubles changes its least eigenvalue by 2e-16 of the largest: the outcome is wrong by that and not
 * much more. The weight's error counts in its square only. */
static void intersection_holds_for_eigenvalue_ratios_up_to_1e12(void **state) {
  (void)state;
  enum { SEEDS = 8, DECADES = 12 };
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    for (int decade = 0; decade <= DECADES; decade += 3) {
      const double ratio = pow(10, decade);
      struct prng r = {7000 + seed};
      struct wk_gauss_block a, b, out;
      wk_lane weight;
      double ea[WK_LANES][N], eb[WK_LANES][N];
      for (int i = 0; i < WK_LANES; i++) {
        gauss_stretched(&r, ea[i], ratio);
        gauss_stretched(&r, eb[i], ratio);
        block_put(&a, i, ea[i]);
        block_put(&b, i, eb[i]);
      }
      wk_table()->gauss_intersect(&a, &b, &out, weight);
      for (int i = 0; i < WK_LANES; i++) {
        struct ref_gauss ra, rb, is, want, least;
        double e[N];
        gauss_of(ea[i], &ra);
        gauss_of(eb[i], &rb);
        block_get(&out, i, e);
        gauss_of(e, &is);
        const double value = ref_gauss_blend(&ra, &rb, weight[i], &want);
        const double lowest = ref_gauss_blend(&ra, &rb, ref_gauss_weight(&ra, &rb), &least);
        const double apart = covariance_apart(&is, &want);
        if (!(value <= lowest + 1e-13 + 1e-21 * ratio) || !(apart <= 1e-15 * ratio)) {
          fail_msg("seed %llu, ratio %g, lane %d: ln det %.12g, least %.12g; covariance wrong by %g", (unsigned long long)seed, ratio, i,
                   value, lowest, apart);
        }
        gauss_expect("gauss_intersect", seed, &is, &want, 1e-15 * ratio, 1e-15 * ratio);
      }
    }
  }
}

/* Whatever the correlation of the two errors, the covariance stated is at least the true one (Julier, Uhlmann 1997): here both
 * share all their error but for what each has on top. */
static void intersection_never_claims_more_than_is_known(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    struct prng r = {3000 + seed};
    struct wk_gauss_block a, b, out;
    wk_lane weight;
    double e[N];
    gauss_random(&r, e, 0);
    for (int i = 0; i < WK_LANES; i++) {
      block_put(&a, i, e);
      block_put(&b, i, e); /* the very same estimate: nothing is gained */
    }
    wk_table()->gauss_intersect(&a, &b, &out, weight);
    for (int i = 0; i < N; i++) {
      const double scale = i < 6 ? fabs(e[i]) : fabs(e[6]);
      if (!(fabs(out.e[i][0] - e[i]) <= 1e-9 * scale)) {
        fail_msg("seed %llu: element %d of a with itself is %.17g, was %.17g", (unsigned long long)seed, i, out.e[i][0], e[i]);
      }
    }
  }
}

/* A far better estimate is taken as it is, to the bit. */
static void intersection_takes_the_better_one_whole(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    struct prng r = {4000 + seed};
    struct wk_gauss_block a, b, out, turned;
    wk_lane weight, other;
    double e[N], worse[N];
    gauss_random(&r, e, 0);
    memcpy(worse, e, sizeof worse);
    for (int i = 0; i < 6; i++) worse[i] += 0.1;
    for (int i = 6; i < N; i++) worse[i] *= 50.0;
    for (int i = 0; i < WK_LANES; i++) {
      block_put(&a, i, e);
      block_put(&b, i, worse);
    }
    wk_table()->gauss_intersect(&a, &b, &out, weight);
    wk_table()->gauss_intersect(&b, &a, &turned, other);
    assert_memory_equal(&out, &a, sizeof a);
    assert_memory_equal(&turned, &a, sizeof a);
    assert_true(weight[0] == 1.0 && other[0] == 0.0);
  }
}

static void what_is_not_definite_is_never_near_and_never_taken(void **state) {
  (void)state;
  static const double rubbish[] = {NAN, INFINITY, -1.0, 0.0, 1e308};
  struct prng r = {5};
  struct wk_gauss_block a, b, clean, out, clean_out;
  wk_lane distance2, density, clean_distance2, weight, clean_weight;
  double e[N];
  gauss_random(&r, e, 0);
  for (int i = 0; i < WK_LANES; i++) {
    double near[N];
    gauss_near(&r, e, near);
    block_put(&a, i, e);
    block_put(&b, i, near);
  }
  clean = b;
  wk_table()->gauss_distance(e, &clean, clean_distance2, density);
  wk_table()->gauss_intersect(&a, &clean, &clean_out, clean_weight);
  for (unsigned k = 0; k < sizeof rubbish / sizeof rubbish[0]; k++) {
    b = clean;
    b.e[6 + WK_AT(6, 4, 4)][3] = rubbish[k] == 0.0 ? -2e9 : rubbish[k] * (rubbish[k] == -1.0 ? 2e9 : 1.0);
    wk_table()->gauss_distance(e, &b, distance2, density);
    wk_table()->gauss_intersect(&a, &b, &out, weight);
    if (rubbish[k] < 1e300) {
      assert_true(distance2[3] >= 1e300 && density[3] <= -1e300);
      assert_true(weight[3] == 1.0);
    }
    for (int i = 0; i < WK_LANES; i++) {
      if (i == 3) continue;
      assert_memory_equal(&distance2[i], &clean_distance2[i], sizeof(double));
      assert_memory_equal(&weight[i], &clean_weight[i], sizeof(double));
      for (int c = 0; c < N; c++) assert_memory_equal(&out.e[c][i], &clean_out.e[c][i], sizeof(double));
    }
  }
}

static void variants_agree_to_the_bit(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  int compared = 0;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct wk_gauss_block moved[VARIANTS], joined[VARIANTS];
    wk_lane distance2[VARIANTS], density[VARIANTS], weight[VARIANTS];
    for (int v = 0; v < VARIANTS; v++) {
      const struct wk_table *t = wk_variant(names[v]);
      if (!t) continue;
      struct prng r = {6000 + seed};
      struct wk_gauss_block b;
      wk_lane dt, accel;
      double one[N];
      for (int i = 0; i < WK_LANES; i++) {
        double e[N], near[N];
        gauss_random(&r, e, (int)(seed & 1));
        gauss_near(&r, e, near);
        if (i == 0) memcpy(one, near, sizeof one);
        block_put(&moved[v], i, e);
        block_put(&b, i, near);
        dt[i] = i == 4 ? 0.0 : prng_between(&r, -20.0, 60.0);
        accel[i] = prng_between(&r, 0.0, 30.0);
      }
      t->gauss_intersect(&moved[v], &b, &joined[v], weight[v]);
      t->gauss_predict(&moved[v], seed & 1 ? WK_CV : WK_COAST, dt, accel, &tuning);
      t->gauss_distance(one, &joined[v], distance2[v], density[v]);
      if (v == 0) continue;
      assert_memory_equal(&moved[v], &moved[0], sizeof moved[0]);
      assert_memory_equal(&joined[v], &joined[0], sizeof joined[0]);
      assert_memory_equal(distance2[v], distance2[0], sizeof distance2[0]);
      assert_memory_equal(density[v], density[0], sizeof density[0]);
      assert_memory_equal(weight[v], weight[0], sizeof weight[0]);
      compared++;
    }
  }
  if (compared == 0) skip();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(prediction_agrees_with_the_oracle),
      cmocka_unit_test(distance_agrees_with_the_oracle),
      cmocka_unit_test(distance_has_six_degrees_of_freedom),
      cmocka_unit_test(intersection_agrees_with_the_oracle),
      cmocka_unit_test(intersection_holds_for_eigenvalue_ratios_up_to_1e12),
      cmocka_unit_test(intersection_never_claims_more_than_is_known),
      cmocka_unit_test(intersection_takes_the_better_one_whole),
      cmocka_unit_test(what_is_not_definite_is_never_near_and_never_taken),
      cmocka_unit_test(variants_agree_to_the_bit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_kernels
/* Predict, gate and update in one body against the textbook in long double, in every variant with the same
 * bits. */
#include "kernels/ref/ref_fused6.h"
#include "tests/kernel/banks.h"

static const char *const names[] = {"scalar", "v3", "v4"};
enum { VARIANTS = 3, BLOCKS = 5, BLOCK_DOUBLES = sizeof(struct wk_linear_block) / sizeof(double) };
static const double psd = 4.0, gate = 20.0;

static void blocks_random(uint64_t seed, struct wk_linear_block *blocks) {
  struct prng r = {seed};
  for (int b = 0; b < BLOCKS; b++) {
    for (int i = 0; i < WK_LANES; i++) {
      const double metres = exp(prng_between(&r, 1.0, 7.0)), speed = metres * prng_between(&r, 0.05, 0.5);
      const double sigma[6] = {metres, metres, metres, speed, speed, speed};
      double x[9], e[27];
      flight_random(&r, 1e3, 400e3, prng_between(&r, 100.0, 5000.0), 0.1, x);
      mode_random(&r, e, 6, x, sigma);
      for (int k = 0; k < 6; k++) blocks[b].x[k][i] = e[k];
      for (int k = 0; k < WK_PACKED(6); k++) blocks[b].p[k][i] = e[6 + k];
      blocks[b].dt_s[i] = i == 3 ? 0.0 : prng_between(&r, 0.0, 6.0);
      for (int k = 0; k < 3; k++) {
        const double noise = metres * exp(prng_between(&r, -2.0, 2.0));
        blocks[b].variance[k][i] = noise * noise;
        blocks[b].z[k][i] = e[k] + blocks[b].dt_s[i] * e[3 + k] + 1.6 * (metres + noise) * prng_normal(&r);
      }
    }
  }
}

static int lane_expect(uint64_t seed, struct wk_linear_block *was, struct wk_linear_block *is, int lane) {
  struct ref_linear want;
  double z[3], variance[3];
  for (int i = 0; i < 6; i++) {
    want.x[i] = was->x[i][lane];
    for (int j = 0; j < 6; j++) want.p[i][j] = was->p[i <= j ? WK_AT(6, i, j) : WK_AT(6, j, i)][lane];
  }
  for (int i = 0; i < 3; i++) {
    z[i] = was->z[i][lane];
    variance[i] = was->variance[i][lane];
  }
  const double distance2 = (double)ref_linear_step(&want, z, variance, was->dt_s[lane], psd, gate);
  if (!(fabs(is->distance2[lane] - distance2) <= 1e-8 * (1.0 + distance2))) {
    fail_msg("seed %llu, lane %d: distance %.17g, expected %.17g", (unsigned long long)seed, lane,
             is->distance2[lane], distance2);
  }
  for (int i = 0; i < 6; i++) {
    const double sigma = sqrt((double)want.p[i][i]);
    if (!(fabs(is->x[i][lane] - (double)want.x[i]) <= 1e-9 * sigma + 4e-9)) {
      fail_msg("seed %llu, lane %d: state %d is %.17g, expected %.17g", (unsigned long long)seed, lane, i,
               is->x[i][lane], (double)want.x[i]);
    }
    for (int j = i; j < 6; j++) {
      const double scale = sigma * sqrt((double)want.p[j][j]);
      if (!(fabs(is->p[WK_AT(6, i, j)][lane] - (double)want.p[i][j]) <= 1e-10 * scale)) {
        fail_msg("seed %llu, lane %d: covariance %d %d is %.17g, expected %.17g", (unsigned long long)seed,
                 lane, i, j, is->p[WK_AT(6, i, j)][lane], (double)want.p[i][j]);
      }
    }
  }
  return distance2 < gate;
}

static void step_agrees_with_the_textbook_in_and_out_of_the_gate(void **state) {
  (void)state;
  int taken = 0, all = 0;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    struct wk_linear_block before[BLOCKS], after[BLOCKS];
    blocks_random(seed, before);
    memcpy(after, before, sizeof after);
    wk_table()->linear_step(after, BLOCKS, psd, gate);
    for (int b = 0; b < BLOCKS; b++) {
      for (int i = 0; i < WK_LANES; i++, all++) taken += lane_expect(seed, &before[b], &after[b], i);
    }
  }
  assert_in_range(taken, all / 4, all - all / 20);
}

static void variants_and_counts_agree_to_the_bit(void **state) {
  (void)state;
  int compared = 0;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    struct wk_linear_block want[BLOCKS], is[BLOCKS];
    blocks_random(seed, want);
    memcpy(is, want, sizeof is);
    for (int b = 0; b < BLOCKS; b++) wk_variant("scalar")->linear_step(&want[b], 1, psd, gate);
    for (int v = 0; v < VARIANTS; v++) {
      const struct wk_table *t = wk_variant(names[v]);
      if (!t) continue;
      blocks_random(seed, is);
      t->linear_step(is, 2, psd, gate);
      t->linear_step(is + 2, BLOCKS - 2, psd, gate);
      t->linear_step(is, 0, psd, gate);
      const double *a = (const double *)want, *b = (const double *)is;
      for (size_t i = 0; i < (size_t)BLOCKS * BLOCK_DOUBLES; i++) {
        if (memcmp(a + i, b + i, sizeof *a)) {
          fail_msg("seed %llu, double %zu: scalar %a, %s %a", (unsigned long long)seed, i, a[i], names[v],
                   b[i]);
        }
      }
      compared++;
    }
  }
  assert_true(compared >= 50);
}

/* A lane of rubbish is refused or worthless, and leaves every bit of the others. */
static void rubbish_in_a_lane_leaves_the_others(void **state) {
  (void)state;
  static const double rubbish[] = {NAN, INFINITY, -INFINITY, 1e308, -1e12};
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct wk_linear_block clean[BLOCKS], soiled[BLOCKS];
    const int victim = (int)(seed % WK_LANES);
    struct prng r = {seed};
    blocks_random(seed, clean);
    memcpy(soiled, clean, sizeof soiled);
    for (int k = 0; k < WK_PACKED(6); k++) {
      if (prng_next(&r) & 1) soiled[1].p[k][victim] = rubbish[seed % 5];
    }
    soiled[1].z[seed % 3][victim] = rubbish[seed % 5];
    wk_table()->linear_step(clean, BLOCKS, psd, gate);
    wk_table()->linear_step(soiled, BLOCKS, psd, gate);
    const double *a = (const double *)clean, *b = (const double *)soiled;
    for (size_t i = 0; i < (size_t)BLOCKS * BLOCK_DOUBLES; i++) {
      const int hit = i / BLOCK_DOUBLES == 1 && (int)(i % WK_LANES) == victim;
      if (!hit && memcmp(a + i, b + i, sizeof *a))
        fail_msg("seed %llu, double %zu: %a became %a", (unsigned long long)seed, i, a[i], b[i]);
    }
  }
}

/* A residual covariance that is not definite belongs to no measurement. */
static void indefinite_covariance_is_refused(void **state) {
  (void)state;
  struct wk_linear_block blocks[BLOCKS];
  blocks_random(7, blocks);
  blocks[0].p[WK_AT(6, 0, 0)][2] = -1e12;
  const double speed = blocks[0].x[3][2];
  wk_table()->linear_step(blocks, BLOCKS, psd, gate);
  assert_true(blocks[0].distance2[2] == 1e300);
  assert_true(blocks[0].x[3][2] == speed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(step_agrees_with_the_textbook_in_and_out_of_the_gate),
      cmocka_unit_test(variants_and_counts_agree_to_the_bit),
      cmocka_unit_test(rubbish_in_a_lane_leaves_the_others),
      cmocka_unit_test(indefinite_covariance_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

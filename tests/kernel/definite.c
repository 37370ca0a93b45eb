// stage: weft_kernels
/* Covariances stay positive definite through any sequence of predictions and updates (docs/maths.md M17, S7): over hours, and where
 * one measurement is a million times sharper than what was known. Symmetric they are by storage. */
#include <stdlib.h>

#include "tests/kernel/banks.h"

static int many(int reduced, int full) {
  const char *wish = getenv("WEFT_STAT");
  return wish && strcmp(wish, "full") == 0 ? full : reduced;
}

static const wk_lane none = {0}, every = {1, 1, 1, 1, 1, 1, 1, 1};

/* Smallest pivot of the correlation matrix by Cholesky; below 0 where a variance is not positive. */
static double pivot_least(const struct ref_gauss *s) {
  long double l[REF_N_MAX][REF_N_MAX];
  double least = 1.0;
  for (int i = 0; i < s->n; i++) {
    if (!(s->p[i][i] > 0.0)) return -1.0;
  }
  for (int j = 0; j < s->n; j++) {
    for (int i = j; i < s->n; i++) {
      long double sum = (long double)s->p[i][j] / (sqrtl((long double)s->p[i][i]) * sqrtl((long double)s->p[j][j]));
      for (int c = 0; c < j; c++) sum -= l[i][c] * l[j][c];
      if (i == j) {
        least = fmin(least, (double)sum);
        if (!(sum > 0.0L)) return (double)sum;
        l[j][j] = sqrtl(sum);
      } else {
        l[i][j] = sum / l[j][j];
      }
    }
  }
  return least;
}

struct found {
  double least; /* pivot */
  double ratio; /* smallest posterior over prior position variance of one update */
};

static void lanes_check(const struct lanes *l, uint64_t seed, int step, struct found *found) {
  for (int i = 0; i < WK_LANES; i++) {
    struct ref_bank bank;
    lanes_bank(l, i, &bank);
    for (int m = 0; m < bank.modes; m++) {
      const double least = pivot_least(&bank.gauss[m]);
      found->least = fmin(found->least, least);
      if (!(least > 0.0)) {
        fail_msg("seed %llu, step %d, lane %d, mode %d: pivot %g", (unsigned long long)seed, step, i, (int)bank.mode[m], least);
      }
    }
  }
}

/* The lanes' first mode's state, about which measurements are made. */
static double *state_of(struct lanes *l, int lane) { return l->record[lane] + (l->aircraft ? WK_A_CV_X : WK_B_COAST_X); }

static double position_variance(const struct lanes *l, int lane) {
  struct ref_bank bank;
  lanes_bank(l, lane, &bank);
  const struct ref_gauss *s = &bank.gauss[l->aircraft ? 0 : 1];
  return fmin(fmin(s->p[0][0], s->p[1][1]), s->p[2][2]);
}

/* A measurement of the present state with standard deviations over six decades. */
static void measure_any(struct prng *r, enum wk_kind kind, const double *x, struct ref_measure *m) {
  measure_random(r, kind, x, m);
  for (int c = 0; c < 4; c++) m->variance[c] *= exp(prng_between(r, -14.0, 4.0));
  (void)ref_predicted(m, x, m->z);
  m->present[prng_next(r) % 4] = 0.0;
}

static void update_any(struct prng *r, struct lanes *l, int points, struct found *found) {
  struct wk_measure_block measure;
  struct wk_evidence_block evidence;
  double before[WK_LANES];
  const enum wk_kind kind = (enum wk_kind)(prng_next(r) % WK_KINDS);
  for (int i = 0; i < WK_LANES; i++) {
    struct ref_measure m;
    measure_any(r, kind, state_of(l, i), &m);
    measure_into_lane(&m, &measure, i);
    before[i] = position_variance(l, i);
  }
  if (points) {
    double *record[WK_LANES];
    struct wk_ballistic_block block;
    lanes_pointers(l, 0, record);
    wk_table()->ballistic_load(&block, (const double *const *)record);
    wk_table()->ballistic_update_sigma(&block, kind, &measure, every, &evidence);
    wk_table()->ballistic_store(&block, record);
  } else {
    lanes_update(wk_table(), l, kind, &measure, every, &evidence);
  }
  for (int i = 0; i < WK_LANES; i++) found->ratio = fmin(found->ratio, position_variance(l, i) / before[i]);
}

/* Widens every mode to kilometres, some to thousands. */
static void lanes_widen(struct prng *r, struct lanes *l) {
  static const int ballistic[3][2] = {{WK_B_BOOST_P, WK_BOOST_N}, {WK_B_COAST_P, WK_COAST_N}, {WK_B_REENTRY_P, WK_REENTRY_N}};
  static const int aircraft[2][2] = {{WK_A_CV_P, WK_CV_N}, {WK_A_CT_P, WK_CT_N}};
  for (int i = 0; i < WK_LANES; i++) {
    const double factor = exp(prng_between(r, 0.0, 14.0));
    for (int m = 0; m < (l->aircraft ? 2 : 3); m++) {
      const int *mode = l->aircraft ? aircraft[m] : ballistic[m];
      for (int e = 0; e < WK_PACKED(mode[1]); e++) l->record[i][mode[0] + e] *= factor;
    }
  }
}

static void updates_alone_keep_it_definite(void **state) {
  (void)state;
  struct found found = {1.0, 1.0};
  for (uint64_t seed = 1; seed <= (uint64_t)many(400, 20000); seed++) {
    struct prng r = {seed};
    struct lanes l;
    const int points = seed % 4 == 0;
    lanes_random(&r, &l, points ? 0 : (int)(seed & 1));
    lanes_widen(&r, &l);
    for (int step = 0; step < 30; step++) {
      update_any(&r, &l, points, &found);
      lanes_check(&l, seed, step, &found);
    }
  }
  print_message("least pivot %.2g, sharpest update %.2g of the variance\n", found.least, found.ratio);
  assert_true(found.ratio < 1e-9);
}

/* Nothing was known and then everything: by a millimetre's sigma after millions of kilometres. What is left is as little as rounding
 * can tell, but something. */
static void what_is_too_sharp_to_tell_leaves_it_definite(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= (uint64_t)many(400, 20000); seed++) {
    struct prng r = {seed};
    struct lanes l;
    lanes_random(&r, &l, (int)(seed & 1));
    const enum wk_kind kind = (enum wk_kind)(seed / 2 % WK_KINDS);
    for (int i = 0; i < 12; i++) lanes_widen(&r, &l);
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_measure m;
      measure_random(&r, kind, state_of(&l, i), &m);
      for (int c = 0; c < 4; c++) m.variance[c] *= exp(prng_between(&r, -30.0, 0.0));
      (void)ref_predicted(&m, state_of(&l, i), m.z);
      measure_into_lane(&m, &measure, i);
    }
    lanes_update(wk_table(), &l, kind, &measure, every, &evidence);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_bank bank;
      lanes_bank(&l, i, &bank);
      for (int m = 0; m < bank.modes; m++)
        for (int a = 0; a < bank.gauss[m].n; a++)
          if (!(bank.gauss[m].p[a][a] > 0.0))
            fail_msg("seed %llu, kind %d, lane %d, mode %d: variance %d is %g", (unsigned long long)seed, (int)kind, i, (int)bank.mode[m], a, bank.gauss[m].p[a][a]);
    }
  }
}

/* Three hours of one body in orbit, one aircraft going round: random gaps of up to a minute. */
static void hours_of_updates_keep_it_definite(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  struct found found = {1.0, 1.0};
  for (uint64_t seed = 1; seed <= (uint64_t)many(2, 40); seed++) {
    struct prng r = {seed};
    struct lanes l;
    double hours = 0.0;
    lanes_random(&r, &l, (int)(seed & 1));
    for (int step = 0; hours < 3.0; step++) {
      const double gap = prng_next(&r) % 50 ? prng_between(&r, 0.05, 2.0) : prng_between(&r, 2.0, 60.0);
      wk_lane dt;
      for (int i = 0; i < WK_LANES; i++) {
        double *x = state_of(&l, i), radius = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
        /* What has fallen is lifted again, in every mode: the covariance is what is tested. */
        if (!l.aircraft && radius < 6450e3) {
          static const int at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X};
          for (int m = 0; m < 3; m++) {
            for (int c = 0; c < 3; c++) l.record[i][at[m] + c] += 150e3 * x[c] / radius;
            for (int c = 0; c < 3; c++) l.record[i][at[m] + 3 + c] += 1500.0 * x[c] / radius;
          }
        }
        dt[i] = gap;
      }
      lanes_predict(wk_table(), &l, dt, none, &tuning);
      update_any(&r, &l, 0, &found);
      lanes_check(&l, seed, step, &found);
      hours += gap / 3600.0;
    }
  }
  print_message("least pivot %.2g, sharpest update %.2g of the variance\n", found.least, found.ratio);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(updates_alone_keep_it_definite),
      cmocka_unit_test(what_is_too_sharp_to_tell_leaves_it_definite),
      cmocka_unit_test(hours_of_updates_keep_it_definite),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

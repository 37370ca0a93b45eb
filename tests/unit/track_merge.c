// stage: weft_track weft_domain weft_base weft_kernels
/* Mixtures of hypotheses by moments: against the formulas in long double, by mode and over all modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/track/merge.h"

enum { HYPOTHESES = 5, ROUNDS = 200, SEED = 12 };

/* The layout once more, independent of the engine's table: dimension, state, covariance, weight of each mode. */
static const struct {
  int n, x, p, w, bank;
} places[WK_MODES] = {
    {9, 0, 9, 116, BANK_BALLISTIC},          {6, 54, 60, 117, BANK_BALLISTIC},
    {7, 81, 88, 118, BANK_BALLISTIC},        {6, 119 + 0, 119 + 6, 119 + 62, BANK_AIRCRAFT},
    {7, 119 + 27, 119 + 34, 119 + 63, BANK_AIRCRAFT},
};

static void state_fill(struct prng *prng, double *x, double *p, int n) {
  double a[9][9];
  for (int i = 0; i < n; i++) {
    x[i] = (i < 3 ? 6e6 : 3000) + 1000 * prng_normal(prng);
    for (int j = 0; j < n; j++) a[i][j] = prng_normal(prng) * (i < 3 ? 200 : 5);
  }
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) {
      double sum = 0;
      for (int k = 0; k < n; k++) sum += a[i][k] * a[j][k];
      p[WK_AT(n, i, j)] = sum;
    }
  }
}

static struct track track_make(struct prng *prng, uint8_t banks) {
  struct track t;
  memset(&t, 0, sizeof t);
  t.banks = banks;
  t.time_ns = 5;
  t.class_log_odds = 8 * prng_normal(prng);
  for (int m = 0; m < WK_MODES; m++) {
    state_fill(prng, t.bank + places[m].x, t.bank + places[m].p, places[m].n);
    t.bank[places[m].w] = 0.1 + prng_uniform(prng);
  }
  double ballistic = t.bank[116] + t.bank[117] + t.bank[118], aircraft = t.bank[181] + t.bank[182];
  for (int m = 0; m < WK_MODES; m++) t.bank[places[m].w] /= m < 3 ? ballistic : aircraft;
  return t;
}

struct mixture {
  struct track tracks[HYPOTHESES];
  struct hypothesis list[HYPOTHESES];
  uint32_t count;
};

static void mixture_fill(struct prng *prng, struct mixture *mix, uint32_t count) {
  double total = 0;
  mix->count = count;
  for (uint32_t h = 0; h < count; h++) {
    uint8_t banks = (uint8_t)(prng_below(prng, 4) ? BANK_BALLISTIC | BANK_AIRCRAFT : BANK_BALLISTIC);
    mix->tracks[h] = track_make(prng, banks);
    mix->list[h] = (struct hypothesis){&mix->tracks[h], 0.01 + prng_uniform(prng)};
    total += mix->list[h].weight;
  }
  for (uint32_t h = 0; h < count; h++) mix->list[h].weight /= total;
}

static long double share_of_bank(const struct track *t, int bank) {
  if (t->banks != (BANK_BALLISTIC | BANK_AIRCRAFT)) return t->banks == bank;
  long double odds = expl((long double)t->class_log_odds);
  return bank == BANK_BALLISTIC ? odds / (1 + odds) : 1 / (1 + odds);
}

static long double weight_of(const struct mixture *mix, uint32_t h, int m) {
  const struct track *t = &mix->tracks[h];
  return (long double)mix->list[h].weight * share_of_bank(t, places[m].bank) * (long double)t->bank[places[m].w];
}

static void near(double got, long double want, double scale, const char *what, int m, int i) {
  if (!(fabsl((long double)got - want) <= 1e-13L * (long double)scale))
    fail_msg("seed %d, %s of mode %d, element %d: %.17g instead of %.17Lg", SEED, what, m, i, got, want);
}

static void modes_compare(const struct mixture *mix, const struct track *merged) {
  long double bank_weight[3] = {0};
  for (int m = 0; m < WK_MODES; m++) {
    for (uint32_t h = 0; h < mix->count; h++) bank_weight[places[m].bank] += weight_of(mix, h, m);
  }
  for (int m = 0; m < WK_MODES; m++) {
    int n = places[m].n;
    long double total = 0, x[9] = {0}, p[9][9] = {{0}};
    for (uint32_t h = 0; h < mix->count; h++) total += weight_of(mix, h, m);
    for (uint32_t h = 0; h < mix->count; h++) {
      for (int i = 0; i < n; i++) x[i] += weight_of(mix, h, m) / total * (long double)mix->tracks[h].bank[places[m].x + i];
    }
    for (uint32_t h = 0; h < mix->count; h++) {
      const double *bank = mix->tracks[h].bank;
      for (int i = 0; i < n; i++) {
        for (int j = i; j < n; j++) {
          long double di = (long double)bank[places[m].x + i] - x[i], dj = (long double)bank[places[m].x + j] - x[j];
          p[i][j] += weight_of(mix, h, m) / total * ((long double)bank[places[m].p + WK_AT(n, i, j)] + di * dj);
        }
      }
    }
    near(merged->bank[places[m].w], total / bank_weight[places[m].bank], 1, "weight", m, 0);
    for (int i = 0; i < n; i++) {
      near(merged->bank[places[m].x + i], x[i], 6e6, "state", m, i);
      for (int j = i; j < n; j++)
        near(merged->bank[places[m].p + WK_AT(n, i, j)], p[i][j], 1e7, "covariance", m, 9 * i + j);
    }
  }
  long double odds = logl(bank_weight[BANK_BALLISTIC] / bank_weight[BANK_AIRCRAFT]);
  near(merged->class_log_odds, odds, 40, "class", 0, 0);
}

static void two_and_more_hypotheses_equal_the_moment_formulas(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 1);
  for (int round = 0; round < ROUNDS; round++) {
    struct mixture mix;
    mixture_fill(&prng, &mix, 2 + (uint32_t)prng_below(&prng, HYPOTHESES - 1));
    mix.tracks[0].banks = BANK_BALLISTIC | BANK_AIRCRAFT;
    struct track merged = mix.tracks[0];
    merge_hypotheses(&merged, mix.list, mix.count);
    modes_compare(&mix, &merged);
    assert_int_equal(merged.banks, BANK_BALLISTIC | BANK_AIRCRAFT);
    assert_int_equal(merged.time_ns, 5);
  }
}

static void one_hypothesis_is_taken_over_to_the_bit(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 2);
  struct track only = track_make(&prng, BANK_BALLISTIC | BANK_AIRCRAFT), merged = track_make(&prng, BANK_AIRCRAFT);
  struct hypothesis one = {&only, 1};
  merge_hypotheses(&merged, &one, 1);
  assert_memory_equal(merged.bank, only.bank, sizeof only.bank);
  assert_int_equal(merged.banks, only.banks);
  assert_true(merged.class_log_odds == only.class_log_odds);
}

static void alike_hypotheses_change_nothing_but_rounding(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 3);
  struct track only = track_make(&prng, BANK_BALLISTIC | BANK_AIRCRAFT), merged = only;
  struct hypothesis alike[3] = {{&only, 0.2}, {&only, 0.3}, {&only, 0.5}};
  merge_hypotheses(&merged, alike, 3);
  for (int i = 0; i < WK_TRACK_ELEMENTS; i++) near(merged.bank[i], (long double)only.bank[i], 1e7, "element", 0, i);
  near(merged.class_log_odds, (long double)only.class_log_odds, 40, "class", 0, 0);
}

static void bank_that_no_hypothesis_has_is_left_as_it_is(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 4);
  struct track a = track_make(&prng, BANK_BALLISTIC), b = track_make(&prng, BANK_BALLISTIC), merged = a;
  struct hypothesis two[2] = {{&a, 0.5}, {&b, 0.5}};
  merge_hypotheses(&merged, two, 2);
  assert_int_equal(merged.banks, BANK_BALLISTIC);
  assert_memory_equal(merged.bank + WK_BALLISTIC_ELEMENTS, a.bank + WK_BALLISTIC_ELEMENTS,
                      WK_AIRCRAFT_ELEMENTS * sizeof(double));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_and_more_hypotheses_equal_the_moment_formulas),
      cmocka_unit_test(one_hypothesis_is_taken_over_to_the_bit),
      cmocka_unit_test(alike_hypotheses_change_nothing_but_rounding),
      cmocka_unit_test(bank_that_no_hypothesis_has_is_left_as_it_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

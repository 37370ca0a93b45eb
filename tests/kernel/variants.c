// stage: weft_kernels
/* The filter kernels give the same bits in every variant, and no lane sees its neighbours. */
#include "tests/kernel/banks.h"

static const char *const names[] = {"scalar", "v3", "v4"};
enum { VARIANTS = 3 };

struct outcome {
  struct lanes lanes;
  wk_lane moments[27];
  struct wk_evidence_block evidence;
};

/* Some predictions and updates over random banks with NULL records, all drawn from the seed. */
static void outcome_of(const struct wk_table *t, uint64_t seed, int aircraft, struct outcome *o) {
  const struct wk_tuning tuning = wk_tuning_default();
  struct prng r = {seed};
  memset(o, 0, sizeof *o);
  lanes_random(&r, &o->lanes, aircraft);
  for (int step = 0; step < 4; step++) {
    const enum wk_kind kind = (enum wk_kind)(prng_next(&r) % WK_KINDS);
    const unsigned absent = (unsigned)prng_next(&r) & 0xfeu;
    struct wk_measure_block measure;
    wk_lane dt, quiet, enable;
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_measure m;
      dt[i] = i == 5 ? 0.0 : prng_between(&r, -2.0, 8.0);
      quiet[i] = (double)(prng_next(&r) & 1);
      enable[i] = (double)(prng_next(&r) & 1);
      measure_random(&r, kind, o->lanes.record[i], &m);
      m.present[prng_next(&r) % 4] = 0.0;
      measure_into_lane(&m, &measure, i);
    }
    lanes_predict_some(t, &o->lanes, absent, dt, quiet, &tuning);
    lanes_update(t, &o->lanes, kind, &measure, enable, &o->evidence);
  }
  lanes_moments(t, &o->lanes, o->moments);
}

static void variants_agree_to_the_bit(void **state) {
  (void)state;
  int compared = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct outcome first, other;
    outcome_of(wk_variant("scalar"), seed, (int)(seed & 1), &first);
    for (int v = 1; v < VARIANTS; v++) {
      const struct wk_table *t = wk_variant(names[v]);
      if (!t) continue;
      outcome_of(t, seed, (int)(seed & 1), &other);
      for (int i = 0; i < WK_LANES; i++) {
        for (int e = 0; e < WK_BALLISTIC_ELEMENTS; e++) {
          const double a = first.lanes.record[i][e], b = other.lanes.record[i][e];
          if (memcmp(&a, &b, sizeof a)) {
            fail_msg("seed %llu, lane %d, element %d: scalar %a, %s %a", (unsigned long long)seed, i, e, a, names[v], b);
          }
        }
      }
      assert_memory_equal(first.moments, other.moments, sizeof first.moments);
      assert_memory_equal(&first.evidence, &other.evidence, sizeof first.evidence);
      compared++;
    }
  }
  if (compared == 0) skip();
}

static void load_copies_record_zero_for_null_and_store_skips_it(void **state) {
  (void)state;
  for (int v = 0; v < VARIANTS; v++) {
    const struct wk_table *t = wk_variant(names[v]);
    if (!t) continue;
    struct prng r = {20};
    struct lanes l, before;
    struct wk_ballistic_block block;
    double *record[WK_LANES];
    lanes_random(&r, &l, 0);
    before = l;
    lanes_pointers(&l, 0x54, record);
    t->ballistic_load(&block, (const double *const *)record);
    for (int i = 0; i < WK_LANES; i++) {
      for (int e = 0; e < WK_BALLISTIC_ELEMENTS; e++) {
        assert_true(block.e[e][i] == before.record[record[i] ? i : 0][e]);
        block.e[e][i] += 1.0;
      }
    }
    t->ballistic_store(&block, record);
    for (int i = 0; i < WK_LANES; i++) {
      for (int e = 0; e < WK_BALLISTIC_ELEMENTS; e++) {
        assert_true(l.record[i][e] == before.record[i][e] + (record[i] ? 1.0 : 0.0));
      }
    }
  }
}

/* All but one record anywhere in memory, one not there: its lane is the first record's. */
static void measurements_go_into_lanes(void **state) {
  (void)state;
  for (int v = 0; v < VARIANTS; v++) {
    const struct wk_table *t = wk_variant(names[v]);
    if (!t) continue;
    for (int absent = 1; absent < WK_LANES; absent++) {
      struct prng r = {(uint64_t)absent};
      double plot[WK_LANES][WK_MEASURE_ELEMENTS + 2];
      const double *record[WK_LANES];
      uint8_t present[WK_LANES];
      struct wk_measure_block block;
      memset(&block, 0xff, sizeof block);
      for (int i = 0; i < WK_LANES; i++) {
        for (int e = 0; e < WK_MEASURE_ELEMENTS + 2; e++) plot[i][e] = prng_between(&r, -1e7, 1e7);
        record[i] = i == absent ? NULL : &plot[i][i % 3];
        present[i] = (uint8_t)(prng_next(&r) % 16);
      }
      t->measure_load(&block, record, present);
      for (int i = 0; i < WK_LANES; i++) {
        const int from = record[i] ? i : 0;
        for (int e = 0; e < WK_MEASURE_ELEMENTS; e++) {
          double got;
          memcpy(&got, (const char *)&block + ((size_t)e * WK_LANES + (size_t)i) * sizeof got, sizeof got);
          assert_true(got == record[from][e]);
        }
        for (int c = 0; c < 4; c++) assert_true(block.present[c][i] == (present[from] >> c & 1 ? 1.0 : 0.0));
      }
    }
  }
}

/* Rubbish in one lane, of state, time or measurement, leaves every bit of the others. */
static void rubbish_in_a_lane_leaves_the_others(void **state) {
  (void)state;
  static const double rubbish[] = {NAN, INFINITY, -INFINITY, 1e308, 0.0};
  const struct wk_tuning tuning = wk_tuning_default();
  for (int v = 0; v < VARIANTS; v++) {
    const struct wk_table *t = wk_variant(names[v]);
    for (uint64_t seed = 1; seed <= 40 && t; seed++) {
      struct prng r = {3000 + seed};
      const int victim = (int)(seed % WK_LANES);
      const enum wk_kind kind = (enum wk_kind)(seed / 8 % WK_KINDS);
      const double bad = rubbish[seed % 5];
      struct lanes clean, soiled;
      struct wk_measure_block measure, soiled_measure;
      struct wk_evidence_block evidence, soiled_evidence;
      wk_lane dt, soiled_dt;
      lanes_random(&r, &clean, (int)(seed & 1));
      soiled = clean;
      for (int i = 0; i < WK_LANES; i++) {
        struct ref_measure m;
        dt[i] = soiled_dt[i] = prng_between(&r, 0.1, 3.0);
        measure_random(&r, kind, clean.record[i], &m);
        measure_into_lane(&m, &measure, i);
      }
      soiled_measure = measure;
      for (int e = 0; e < lanes_elements(&soiled); e++) {
        if (prng_next(&r) & 1) soiled.record[victim][e] = bad;
      }
      for (int c = 0; c < 3; c++) soiled_measure.z[c][victim] = soiled_measure.site_m[c][victim] = bad;
      soiled_dt[victim] = seed & 2 ? bad : 600.0;
      lanes_predict(t, &clean, dt, lanes_none, &tuning);
      lanes_predict(t, &soiled, soiled_dt, lanes_none, &tuning);
      lanes_update(t, &clean, kind, &measure, lanes_every, &evidence);
      lanes_update(t, &soiled, kind, &soiled_measure, lanes_every, &soiled_evidence);
      for (int i = 0; i < WK_LANES; i++) {
        if (i == victim) continue;
        assert_memory_equal(clean.record[i], soiled.record[i], sizeof clean.record[i]);
        assert_memory_equal(&evidence.log_likelihood[i], &soiled_evidence.log_likelihood[i], sizeof(double));
      }
    }
  }
}

/* A measurement that is no number explains nothing and changes nothing. */
static void absurd_measurement_is_not_taken(void **state) {
  (void)state;
  struct prng r = {40};
  struct lanes l, before;
  struct wk_measure_block measure;
  struct wk_evidence_block evidence;
  lanes_random(&r, &l, 0);
  before = l;
  for (int i = 0; i < WK_LANES; i++) {
    struct ref_measure m;
    measure_random(&r, WK_RADAR, l.record[i], &m);
    m.z[i % 4] = i & 1 ? NAN : INFINITY;
    measure_into_lane(&m, &measure, i);
  }
  lanes_update(wk_table(), &l, WK_RADAR, &measure, lanes_every, &evidence);
  assert_memory_equal(&l, &before, sizeof l);
  for (int i = 0; i < WK_LANES; i++) {
    assert_true(evidence.log_likelihood[i] <= -1e300);
    assert_true(evidence.distance2[i] >= 1e300);
  }
}

/* dt = 0 and lanes that are not enabled keep every bit. */
static void lanes_without_work_keep_their_bits(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  struct prng r = {50};
  for (int aircraft = 0; aircraft < 2; aircraft++) {
    struct lanes l, before;
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    wk_lane dt = {0, 1, 0, 2, 0, 3, 0, 9};
    lanes_random(&r, &l, aircraft);
    before = l;
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_measure m;
      measure_random(&r, WK_RADAR, l.record[i], &m);
      measure_into_lane(&m, &measure, i);
    }
    lanes_update(wk_table(), &l, WK_RADAR, &measure, lanes_none, &evidence);
    assert_memory_equal(&l, &before, sizeof l);
    lanes_predict(wk_table(), &l, dt, lanes_none, &tuning);
    for (int i = 0; i < WK_LANES; i++) {
      const int same = memcmp(l.record[i], before.record[i], sizeof l.record[i]) == 0;
      assert_int_equal(same, dt[i] == 0.0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(variants_agree_to_the_bit),
      cmocka_unit_test(load_copies_record_zero_for_null_and_store_skips_it),
      cmocka_unit_test(measurements_go_into_lanes),
      cmocka_unit_test(rubbish_in_a_lane_leaves_the_others),
      cmocka_unit_test(absurd_measurement_is_not_taken),
      cmocka_unit_test(lanes_without_work_keep_their_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_kernels
/* The sigma-point update of the banks against the textbook form, over the variants bit for bit; and the measure of bending that
 * asks for it (docs/maths.md S7, M21). */
#include "kernels/ref/ref_sigma.h"
#include "tests/kernel/banks.h"

static const char *const names[] = {"scalar", "v3", "v4"};
enum { VARIANTS = 3 };
static const wk_lane every = {1, 1, 1, 1, 1, 1, 1, 1};

/* The table's functions over either bank. */
static void lanes_update_sigma(const struct wk_table *t, struct lanes *l, enum wk_kind kind,
                               const struct wk_measure_block *measure, const wk_lane enable,
                               struct wk_evidence_block *evidence, wk_lane bend) {
  double *record[WK_LANES];
  lanes_pointers(l, 0, record);
  if (l->aircraft) {
    struct wk_aircraft_block block;
    t->aircraft_load(&block, (const double *const *)record);
    t->aircraft_bend(&block, kind, measure, bend);
    t->aircraft_update_sigma(&block, kind, measure, enable, evidence);
    t->aircraft_store(&block, record);
  } else {
    struct wk_ballistic_block block;
    t->ballistic_load(&block, (const double *const *)record);
    t->ballistic_bend(&block, kind, measure, bend);
    t->ballistic_update_sigma(&block, kind, measure, enable, evidence);
    t->ballistic_store(&block, record);
  }
}

/* Random banks that see random measurements, some components absent. */
static void scene_random(struct prng *r, struct lanes *l, enum wk_kind kind, struct ref_measure m[WK_LANES],
                         struct wk_measure_block *measure) {
  for (int i = 0; i < WK_LANES; i++) {
    measure_random(r, kind, l->record[i], &m[i]);
    if (i % 3 == 1) m[i].present[prng_next(r) % 4] = 0.0;
    measure_into_lane(&m[i], measure, i);
  }
}

static void update_is_that_of_the_textbook(void **state) {
  (void)state;
  const struct tolerance tolerance = {.state = {1e-10, 1e-10, 1e-10, 1e-10, 1e-10},
                                      .covariance = {1e-6, 1e-6, 1e-6, 1e-6, 1e-6}};
  for (uint64_t seed = 1; seed <= 240; seed++) {
    struct prng r = {seed};
    struct lanes l;
    struct ref_measure m[WK_LANES];
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    struct ref_bank want[WK_LANES];
    wk_lane bend;
    const enum wk_kind kind = (enum wk_kind)(seed % 3);
    lanes_random(&r, &l, (int)(seed / 3 & 1));
    scene_random(&r, &l, kind, m, &measure);
    for (int i = 0; i < WK_LANES; i++) lanes_bank(&l, i, &want[i]);
    lanes_update_sigma(wk_table(), &l, kind, &measure, every, &evidence, bend);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_evidence expected;
      struct ref_bank is;
      ref_update_by(ref_gauss_update_sigma, &want[i], &m[i], 1, &expected);
      lanes_bank(&l, i, &is);
      bank_expect("sigma update", seed, &is, &want[i], &tolerance);
      if (!(fabs(evidence.log_likelihood[i] - expected.log_likelihood) <= 1e-6 * (1 + fabs(expected.log_likelihood)))) {
        fail_msg("seed %llu, lane %d: evidence is %.12g, expected %.12g", (unsigned long long)seed, i,
                 evidence.log_likelihood[i], expected.log_likelihood);
      }
      assert_true(fabs(evidence.distance2[i] - expected.distance2) <= 1e-6 * (1 + expected.distance2));
      assert_true(evidence.dimension[i] == expected.dimension);
    }
  }
}

static void variants_agree_to_the_bit_and_lanes_left_out_keep_theirs(void **state) {
  (void)state;
  int compared = 0;
  for (uint64_t seed = 1; seed <= 120; seed++) {
    struct lanes first = {0};
    struct wk_evidence_block first_evidence;
    wk_lane first_bend;
    for (int v = 0; v < VARIANTS; v++) {
      const struct wk_table *t = wk_variant(names[v]);
      struct prng r = {700 + seed};
      struct lanes l, before;
      struct ref_measure m[WK_LANES];
      struct wk_measure_block measure;
      struct wk_evidence_block evidence;
      wk_lane bend, enable;
      const enum wk_kind kind = (enum wk_kind)(seed % WK_KINDS);
      if (!t) continue;
      lanes_random(&r, &l, (int)(seed / 4 & 1));
      scene_random(&r, &l, kind, m, &measure);
      for (int i = 0; i < WK_LANES; i++) enable[i] = (double)(prng_next(&r) & 1);
      if (seed % 5 == 0) measure.z[0][seed % WK_LANES] = NAN;
      before = l;
      memset(&evidence, 0, sizeof evidence);
      lanes_update_sigma(t, &l, kind, &measure, enable, &evidence, bend);
      for (int i = 0; i < WK_LANES; i++) {
        if (enable[i] == 0.0) assert_memory_equal(l.record[i], before.record[i], sizeof l.record[i]);
      }
      if (v == 0) {
        first = l;
        first_evidence = evidence;
        memcpy(first_bend, bend, sizeof bend);
        continue;
      }
      assert_memory_equal(&first.record, &l.record, sizeof l.record);
      assert_memory_equal(&first_evidence, &evidence, sizeof evidence);
      assert_memory_equal(first_bend, bend, sizeof bend);
      compared++;
    }
  }
  if (compared == 0) skip();
}

static void absurd_measurement_is_not_taken(void **state) {
  (void)state;
  static const double absurd[] = {NAN, INFINITY, -INFINITY};
  for (uint64_t seed = 1; seed <= 30; seed++) {
    struct prng r = {40 + seed};
    struct lanes l, before;
    struct ref_measure m[WK_LANES];
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    wk_lane bend;
    const enum wk_kind kind = (enum wk_kind)(seed % 3);
    lanes_random(&r, &l, (int)(seed & 1));
    scene_random(&r, &l, kind, m, &measure);
    for (int i = 0; i < WK_LANES; i++) {
      measure.z[i % 2][i] = absurd[seed / 3 % 3];
      measure.present[i % 2][i] = 1.0;
    }
    before = l;
    lanes_update_sigma(wk_table(), &l, kind, &measure, every, &evidence, bend);
    assert_memory_equal(&before, &l, sizeof l);
    for (int i = 0; i < WK_LANES; i++) assert_true(evidence.log_likelihood[i] == -1e300 && evidence.distance2[i] == 1e300);
  }
}

/* A covariance that is not definite is refused: no root, no points. */
static void an_indefinite_state_is_not_taken(void **state) {
  (void)state;
  struct prng r = {9};
  struct lanes l, before;
  struct ref_measure m[WK_LANES];
  struct wk_measure_block measure;
  struct wk_evidence_block evidence;
  wk_lane bend;
  lanes_random(&r, &l, 0);
  scene_random(&r, &l, WK_RADAR, m, &measure);
  l.record[3][WK_B_COAST_P + WK_AT(WK_COAST_N, 1, 1)] *= -1.0;
  before = l;
  lanes_update_sigma(wk_table(), &l, WK_RADAR, &measure, every, &evidence, bend);
  assert_memory_equal(before.record[3], l.record[3], sizeof l.record[3]);
  assert_true(evidence.log_likelihood[3] == -1e300);
  assert_true(memcmp(before.record[2], l.record[2], sizeof l.record[2]) != 0);
}

/* A body straight up from a radar at the equator, on the x axis: east is y, north z. Only coast has weight. */
static void record_over_radar(double record[WK_BALLISTIC_ELEMENTS], double range_m, double along_m, double across_m) {
  static const int x_at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X}, n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  memset(record, 0, WK_BALLISTIC_ELEMENTS * sizeof *record);
  for (int m = 0; m < 3; m++) {
    double *x = record + x_at[m], *p = x + n[m];
    x[0] = 6378137.0 + 1000.0;
    x[1] = range_m;
    for (int i = 0; i < n[m]; i++) p[WK_AT(n[m], i, i)] = i == 1 ? along_m * along_m : i < 3 ? across_m * across_m : 1.0;
  }
  record[WK_B_WEIGHT + 1] = 1.0;
}

static double bend_over_radar(enum wk_kind kind, double range_m, double along_m, double across_m, const double sigma[4],
                              const double present[4]) {
  double record[WK_BALLISTIC_ELEMENTS];
  const double *records[WK_LANES] = {record};
  struct wk_ballistic_block block;
  struct ref_measure m = {.kind = kind, .site_m = {6378137.0, 0.0, 0.0}, .enu = {0, 1, 0, 0, 0, 1, 1, 0, 0}};
  struct wk_measure_block measure;
  wk_lane bend;
  record_over_radar(record, range_m, along_m, across_m);
  for (int c = 0; c < 4; c++) {
    m.variance[c] = sigma[c] * sigma[c];
    m.present[c] = present[c];
  }
  for (int i = 0; i < WK_LANES; i++) measure_into_lane(&m, &measure, i);
  wk_table()->ballistic_load(&block, records);
  wk_table()->ballistic_bend(&block, kind, &measure, bend);
  for (int i = 1; i < WK_LANES; i++) assert_true(bend[i] == bend[0]);
  return bend[0];
}

static void bend_is_the_second_order_part_over_the_standard_deviation(void **state) {
  (void)state;
  const double sigma[4] = {30, 1e-3, 1e-3, 5}, range_only[4] = {1, 0, 0, 0}, azimuth_only[4] = {0, 1, 0, 0},
               none[4] = {0, 0, 0, 0}, all[4] = {1, 1, 1, 1};
  /* Range: the variance across over twice the range: (2 (3 km)^2) / (2 300 km) = 30 m, one sigma. */
  assert_true(fabs(bend_over_radar(WK_RADAR, 3e5, 10, 3000, sigma, range_only) - 1.0) < 1e-3);
  /* Azimuth: across times the whole over the ground range squared. */
  double across2 = 2 * 300.0 * 300.0, all2 = across2 + 1e4 * 1e4;
  assert_true(fabs(bend_over_radar(WK_RADAR, 3e5, 1e4, 300, sigma, azimuth_only) / (sqrt(across2 * all2) / 9e10 / 1e-3) - 1) <
              1e-2);
  assert_true(bend_over_radar(WK_RADAR, 3e5, 10, 3000, sigma, none) == 0.0);
  assert_true(bend_over_radar(WK_POSITION, 3e5, 1e5, 1e5, sigma, all) == 0.0);
  /* It grows with the extent and falls with the range. */
  double near = bend_over_radar(WK_RADAR, 1e5, 100, 1000, sigma, all), far = bend_over_radar(WK_RADAR, 6e5, 100, 1000, sigma, all);
  assert_true(near > far && bend_over_radar(WK_RADAR, 1e5, 100, 3000, sigma, all) > near);
}

/* What is settled needs no points: there the EKF says the same. */
static void where_nothing_bends_the_ekf_agrees(void **state) {
  (void)state;
  int agreed = 0;
  for (uint64_t seed = 1; seed <= 400; seed++) {
    struct prng r = {5000 + seed};
    struct lanes by_points, by_ekf;
    struct ref_measure m[WK_LANES];
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    wk_lane bend, points[27], ekf[27];
    const enum wk_kind kind = (enum wk_kind)(seed % 3);
    lanes_random(&r, &by_points, (int)(seed / 3 & 1));
    by_ekf = by_points;
    scene_random(&r, &by_points, kind, m, &measure);
    lanes_update_sigma(wk_table(), &by_points, kind, &measure, every, &evidence, bend);
    lanes_update(wk_table(), &by_ekf, kind, &measure, every, &evidence);
    lanes_moments(wk_table(), &by_points, points);
    lanes_moments(wk_table(), &by_ekf, ekf);
    for (int i = 0; i < WK_LANES; i++) {
      if (!(bend[i] < 0.01)) continue;
      for (int a = 0; a < 6; a++) {
        double sigma = sqrt(ekf[6 + WK_AT(6, a, a)][i]);
        if (!(fabs(points[a][i] - ekf[a][i]) < 0.05 * sigma)) {
          fail_msg("seed %llu, lane %d, bend %g: state %d differs by %g sigma", (unsigned long long)seed, i, bend[i], a,
                   fabs(points[a][i] - ekf[a][i]) / sigma);
        }
      }
      agreed++;
    }
  }
  assert_true(agreed > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(update_is_that_of_the_textbook),
      cmocka_unit_test(variants_agree_to_the_bit_and_lanes_left_out_keep_theirs),
      cmocka_unit_test(absurd_measurement_is_not_taken),
      cmocka_unit_test(an_indefinite_state_is_not_taken),
      cmocka_unit_test(bend_is_the_second_order_part_over_the_standard_deviation),
      cmocka_unit_test(where_nothing_bends_the_ekf_agrees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_kernels
/* Motion and measurement on lanes against the oracle. */
#include "tests/kernel/banks.h"

/* By mode: boost, coast, re-entry, cv, ct. The oracle integrates the continuous equations in steps of 0.1 s, the lanes
 * take steps of up to 1 s (boost, turn, coast and re-entry in the air) and 5 s. Re-entry crosses the layers of the standard
 * atmosphere, where the slope of the density jumps and no integrator keeps its order. */
static const struct tolerance without_noise = {{2e-9, 1e-9, 2e-5, 1e-9, 2e-6}, {2e-6, 1e-6, 2e-3, 1e-6, 1e-4}};
/* The extra noise of coast and re-entry follows the square of the density at the middle of its steps;
 * that of a turn points along the vertical and the left of the middle of the step. */
static const struct tolerance with_noise = {{2e-8, 1e-9, 2e-5, 1e-9, 2e-6}, {1e-4, 5e-2, 6e-2, 1e-3, 2e-2}};
static const struct tolerance there_and_back = {{1e-9, 1e-9, 2e-5, 1e-9, 1e-7}, {2e-5, 1e-6, 5e-3, 1e-6, 1e-5}};
static const struct tolerance updated = {{1e-8, 1e-8, 1e-8, 1e-8, 1e-8}, {1e-6, 1e-6, 1e-6, 1e-6, 1e-6}};

/* Random banks predicted by up to dt_max both ways (quiet) or forward with mixing and noise, against the reference. */
static void prediction_expect(uint64_t seed, int aircraft, double dt_max, int quiet) {
  const struct wk_tuning tuning = wk_tuning_default();
  for (int round = 0; round < 25; round++) {
    struct prng r = {seed + (uint64_t)round};
    struct lanes l;
    struct ref_bank want[WK_LANES], is;
    wk_lane dt;
    lanes_random(&r, &l, aircraft);
    for (int i = 0; i < WK_LANES; i++) {
      dt[i] = prng_between(&r, quiet ? -dt_max : 0.0, dt_max);
      lanes_bank(&l, i, &want[i]);
      ref_predict(&want[i], dt[i], quiet, &tuning, density_one);
    }
    lanes_predict(wk_table(), &l, dt, quiet ? lanes_every : lanes_none, &tuning);
    for (int i = 0; i < WK_LANES; i++) {
      lanes_bank(&l, i, &is);
      bank_expect(quiet ? "quiet prediction" : "mixed, noisy prediction", r.state, &is, &want[i],
                  quiet ? &without_noise : &with_noise);
    }
  }
}

static void ballistic_prediction_matches_reference(void **state) {
  (void)state;
  prediction_expect(1, 0, 1.0, 1);
  prediction_expect(100, 0, 10.0, 1);
}
static void aircraft_prediction_matches_reference(void **state) {
  (void)state;
  prediction_expect(2, 1, 1.0, 1);
  prediction_expect(200, 1, 30.0, 1);
}

static void mixing_and_noise_match_reference(void **state) {
  (void)state;
  prediction_expect(3, 0, 1.0, 0);
  prediction_expect(300, 0, 10.0, 0);
  prediction_expect(4, 1, 1.0, 0);
  prediction_expect(400, 1, 20.0, 0);
}

static void prediction_forward_and_back_returns(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  for (int round = 0; round < 50; round++) {
    struct prng r = {5000 + (uint64_t)round};
    struct lanes l, start;
    struct ref_bank is, want;
    wk_lane dt, back;
    lanes_random(&r, &l, round & 1);
    start = l;
    for (int i = 0; i < WK_LANES; i++) {
      dt[i] = prng_between(&r, 0.0, 3.0);
      back[i] = -dt[i];
    }
    lanes_predict(wk_table(), &l, dt, lanes_every, &tuning);
    lanes_predict(wk_table(), &l, back, lanes_none, &tuning);
    for (int i = 0; i < WK_LANES; i++) {
      lanes_bank(&l, i, &is);
      lanes_bank(&start, i, &want);
      bank_expect("forward and back", r.state, &is, &want, &there_and_back);
    }
  }
}

static void moments_match_reference(void **state) {
  (void)state;
  for (int round = 0; round < 20; round++) {
    struct prng r = {6000 + (uint64_t)round};
    struct lanes l;
    wk_lane moments[27];
    lanes_random(&r, &l, round & 1);
    lanes_moments(wk_table(), &l, moments);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_bank bank;
      struct ref_gauss want, is = {.n = 6};
      lanes_bank(&l, i, &bank);
      ref_moments(&bank, &want);
      for (int a = 0; a < 6; a++) {
        is.x[a] = moments[a][i];
        for (int b = a; b < 6; b++) is.p[a][b] = is.p[b][a] = moments[6 + WK_AT(6, a, b)][i];
      }
      gauss_expect("moments", r.state, &is, &want, 1e-14, 1e-9);
    }
  }
}

/* State and evidence to 1e-8, covariance to 1e-6 (the oracle's Jacobian is numerical). */
static void evidence_expect(uint64_t seed, const struct wk_evidence_block *is, int lane, const struct ref_evidence *want) {
  const double pairs[6][2] = {{is->log_likelihood[lane], want->log_likelihood},
                              {is->distance2[lane], want->distance2},
                              {is->dimension[lane], want->dimension},
                              {is->mode_log_likelihood[0][lane], want->mode_log_likelihood[0]},
                              {is->mode_log_likelihood[1][lane], want->mode_log_likelihood[1]},
                              {is->mode_log_likelihood[2][lane], want->mode_log_likelihood[2]}};
  for (int i = 0; i < 6; i++) {
    if (!(fabs(pairs[i][0] - pairs[i][1]) <= 1e-6 * (1.0 + fabs(pairs[i][1])))) {
      fail_msg("evidence %d, seed %llu: is %.12g, expected %.12g", i, (unsigned long long)seed, pairs[i][0], pairs[i][1]);
    }
  }
}

static void update_expect(uint64_t seed, int aircraft, enum wk_kind kind, int partly) {
  for (int round = 0; round < 25; round++) {
    struct prng r = {seed + (uint64_t)round};
    struct lanes l;
    struct ref_bank want[WK_LANES], is;
    struct ref_evidence want_evidence[WK_LANES];
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    wk_lane enable;
    lanes_random(&r, &l, aircraft);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_measure m;
      measure_random(&r, kind, l.record[i], &m);
      for (int c = 0; c < 4 && partly; c++) m.present[c] = (prng_next(&r) & 1) ? m.present[c] : 0.0;
      enable[i] = i != 3;
      measure_into_lane(&m, &measure, i);
      lanes_bank(&l, i, &want[i]);
      ref_update(&want[i], &m, i != 3, &want_evidence[i]);
    }
    lanes_update(wk_table(), &l, kind, &measure, enable, &evidence);
    for (int i = 0; i < WK_LANES; i++) {
      lanes_bank(&l, i, &is);
      evidence_expect(r.state, &evidence, i, &want_evidence[i]);
      bank_expect("update", r.state, &is, &want[i], &updated);
    }
  }
}

/* Angles measured far from where they were expected: beyond the reach of the series for small ones, on both sides of its end, and nearly
 * half a turn. */
static void angles_are_told_however_far_they_are(void **state) {
  (void)state;
  static const double apart[WK_LANES] = {1e-7, 0.05, 0.0999, 0.1001, -0.5, 1.2, -2.0, 3.0};
  struct prng r = {7777};
  for (int kind = WK_RADAR; kind <= WK_LOS; kind++) {
    struct lanes l;
    struct ref_bank want, is;
    struct ref_evidence want_evidence[WK_LANES];
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    struct ref_measure m[WK_LANES];
    lanes_random(&r, &l, 0);
    const struct lanes before = l;
    for (int i = 0; i < WK_LANES; i++) {
      measure_random(&r, (enum wk_kind)kind, l.record[i], &m[i]);
      (void)ref_predicted(&m[i], l.record[i], m[i].z);
      const int azimuth = kind == WK_LOS ? 0 : 1;
      m[i].z[azimuth] = remainder(m[i].z[azimuth] + apart[i], 2.0 * 3.14159265358979323846);
      for (int c = 0; c < 4; c++) m[i].present[c] = c == azimuth;
      m[i].variance[azimuth] = 1.0;
      measure_into_lane(&m[i], &measure, i);
    }
    lanes_update(wk_table(), &l, (enum wk_kind)kind, &measure, lanes_every, &evidence);
    for (int i = 0; i < WK_LANES; i++) {
      lanes_bank(&before, i, &want);
      lanes_bank(&l, i, &is);
      ref_update(&want, &m[i], 1, &want_evidence[i]);
      evidence_expect(r.state, &evidence, i, &want_evidence[i]);
      bank_expect("update from afar", r.state, &is, &want, &updated);
    }
  }
}

static void update_matches_reference(void **state) {
  (void)state;
  for (int kind = 0; kind < WK_KINDS; kind++) {
    update_expect(7000 + 100 * (uint64_t)kind, 0, (enum wk_kind)kind, 0);
    update_expect(8000 + 100 * (uint64_t)kind, 1, (enum wk_kind)kind, 0);
  }
}

static void absent_components_have_no_influence(void **state) {
  (void)state;
  for (int kind = 0; kind < WK_KINDS; kind++) {
    update_expect(9000 + 100 * (uint64_t)kind, 0, (enum wk_kind)kind, 1);
    update_expect(9500 + 100 * (uint64_t)kind, 1, (enum wk_kind)kind, 1);
  }
  /* Nor does rubbish in them. */
  struct prng r = {9900};
  struct lanes a, b;
  struct ref_measure m;
  struct wk_measure_block measure;
  struct wk_evidence_block first, second;
  lanes_random(&r, &a, 0);
  b = a;
  for (int i = 0; i < WK_LANES; i++) {
    measure_random(&r, WK_RADAR, a.record[i], &m);
    m.present[i % 4] = 0.0;
    measure_into_lane(&m, &measure, i);
  }
  lanes_update(wk_table(), &a, WK_RADAR, &measure, lanes_every, &first);
  for (int i = 0; i < WK_LANES; i++) {
    measure.z[i % 4][i] = i & 1 ? NAN : 1e30;
    measure.variance[i % 4][i] = i & 2 ? INFINITY : -1.0;
  }
  lanes_update(wk_table(), &b, WK_RADAR, &measure, lanes_every, &second);
  assert_memory_equal(&a, &b, sizeof a);
  assert_memory_equal(&first, &second, sizeof first);
}

/* Two measurements of azimuth that differ by whole turns move the track alike, across the seam as well. */
static void azimuth_innovation_wraps(void **state) {
  (void)state;
  struct prng r = {10};
  struct lanes l, turned;
  struct wk_measure_block measure;
  struct wk_evidence_block evidence, again;
  lanes_random(&r, &l, 1);
  for (int i = 0; i < WK_LANES; i++) {
    struct ref_measure m;
    const double *x = l.record[i];
    double lat, lon, height;
    measure_random(&r, WK_RADAR2D, x, &m);
    wk_geodetic_from_ecef(x, &lat, &lon, &height);
    wk_ecef_from_geodetic(lat + 0.02, lon, 0.0, m.site_m); /* the target is due south: azimuth about pi */
    wk_enu_rows(lat + 0.02, lon, m.enu);
    m.z[0] = 0.02 * 6.38e6;
    m.z[1] = (i & 1 ? 1.0 : -1.0) * (3.14159265358979323846 - 1e-4);
    measure_into_lane(&m, &measure, i);
  }
  turned = l;
  lanes_update(wk_table(), &l, WK_RADAR2D, &measure, lanes_every, &evidence);
  for (int i = 0; i < WK_LANES; i++) measure.z[1][i] += 6.283185307179586 * (i - 4);
  lanes_update(wk_table(), &turned, WK_RADAR2D, &measure, lanes_every, &again);
  for (int i = 0; i < WK_LANES; i++) {
    assert_true(evidence.distance2[i] < 1e4);
    assert_true(fabs(evidence.distance2[i] - again.distance2[i]) < 1e-6 * (1.0 + evidence.distance2[i]));
    for (int c = 0; c < 3; c++) assert_true(fabs(l.record[i][c] - turned.record[i][c]) < 1e-3);
  }
}

/* Overhead, and at the site itself, everything stays a number and the covariance shrinks. */
static void zenith_and_site_stay_finite(void **state) {
  (void)state;
  struct prng r = {11};
  for (int kind = 0; kind < WK_KINDS; kind++) {
    struct lanes l, before;
    struct wk_measure_block measure;
    struct wk_evidence_block evidence;
    lanes_random(&r, &l, 0);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_measure m;
      double lat, lon, height, site[3];
      wk_geodetic_from_ecef(l.record[i], &lat, &lon, &height);
      measure_random(&r, (enum wk_kind)kind, l.record[i], &m);
      wk_ecef_from_geodetic(lat + (i & 1 ? 1e-5 : 0.0), lon, i & 2 ? height : 0.0, site);
      memcpy(m.site_m, i & 2 ? l.record[i] : site, sizeof site);
      wk_enu_rows(lat, lon, m.enu);
      measure_into_lane(&m, &measure, i);
    }
    before = l;
    lanes_update(wk_table(), &l, (enum wk_kind)kind, &measure, lanes_every, &evidence);
    for (int i = 0; i < WK_LANES; i++) {
      for (int e = 0; e < WK_BALLISTIC_ELEMENTS; e++) assert_true(isfinite(l.record[i][e]));
      assert_true(isfinite(evidence.log_likelihood[i]) && isfinite(evidence.distance2[i]));
      for (int c = 0; c < 6; c++) {
        const int at = WK_B_COAST_P + WK_AT(6, c, c);
        assert_true(l.record[i][at] > 0.0 && l.record[i][at] <= before.record[i][at] * (1.0 + 1e-12));
      }
    }
  }
}

/* A body that falls is an aircraft to that bank as well, for as long as nobody looks. */
static void level_flight_through_the_centre_keeps_its_speed(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  for (int round = 0; round < 100; round++) {
    struct prng r = {900 + (uint64_t)round};
    struct lanes l;
    wk_lane dt;
    double speed[WK_LANES];
    lanes_random(&r, &l, 1);
    for (int i = 0; i < WK_LANES; i++) {
      double *x = l.record[i] + WK_A_CV_X, radius = sqrt(x[0] * x[0] + x[1] * x[1] + x[2] * x[2]);
      speed[i] = exp(prng_between(&r, 6.0, 15.0));
      for (int c = 0; c < 3; c++) x[3 + c] = -speed[i] * x[c] / radius + prng_between(&r, -1.0, 1.0);
      memcpy(l.record[i] + WK_A_CT_X, x, 6 * sizeof *x);
      dt[i] = prng_between(&r, 300.0, 600.0);
    }
    for (int again = 0; again < 10; again++) lanes_predict(wk_table(), &l, dt, lanes_every, &tuning);
    for (int i = 0; i < WK_LANES; i++) {
      const double *v = l.record[i] + WK_A_CV_X + 3, is = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      if (!(fabs(is / speed[i] - 1.0) < 0.05)) fail_msg("round %d, lane %d: %g m/s became %g", round, i, speed[i], is);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ballistic_prediction_matches_reference),
      cmocka_unit_test(aircraft_prediction_matches_reference),
      cmocka_unit_test(mixing_and_noise_match_reference),
      cmocka_unit_test(prediction_forward_and_back_returns),
      cmocka_unit_test(moments_match_reference),
      cmocka_unit_test(update_matches_reference),
      cmocka_unit_test(angles_are_told_however_far_they_are),
      cmocka_unit_test(absent_components_have_no_influence),
      cmocka_unit_test(azimuth_innovation_wraps),
      cmocka_unit_test(zenith_and_site_stay_finite),
      cmocka_unit_test(level_flight_through_the_centre_keeps_its_speed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

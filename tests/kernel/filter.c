// stage: weft_kernels
/* The filter over time: positive covariances, consistency, phases of flight seen in time, class by evidence. */
#include "tests/kernel/banks.h"

/* Cholesky of a mode's packed covariance, scaled to unit diagonal; the first pivot that is not positive, or -1. */
static int pivot_lost(int n, const double *packed) {
  double a[9][9];
  for (int i = 0; i < n; i++) {
    if (!(packed[WK_AT(n, i, i)] > 0.0)) return i;
  }
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) {
      a[i][j] = a[j][i] = packed[WK_AT(n, i, j)] / sqrt(packed[WK_AT(n, i, i)] * packed[WK_AT(n, j, j)]);
    }
  }
  for (int k = 0; k < n; k++) {
    if (!(a[k][k] > 0.0)) return k;
    for (int i = k + 1; i < n; i++) {
      for (int j = k + 1; j < n; j++) a[i][j] -= a[i][k] * a[k][j] / a[k][k];
    }
  }
  return -1;
}

static void banks_expect_sane(const struct lanes *l, uint64_t seed, int cycle) {
  static const int n[5] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N, WK_CV_N, WK_CT_N};
  for (int i = 0; i < WK_LANES; i++) {
    const double *at = l->record[i];
    const int modes = l->aircraft ? 2 : 3;
    double sum = 0.0;
    for (int m = 0; m < modes; m++) {
      const int size = n[l->aircraft ? 3 + m : m], lost = pivot_lost(size, at + size);
      if (lost >= 0) fail_msg("seed %llu, cycle %d, lane %d, mode %d: pivot %d", (unsigned long long)seed, cycle, i, m, lost);
      at += size + WK_PACKED(size);
    }
    for (int m = 0; m < modes; m++) {
      sum += at[m];
      assert_true(at[m] >= 1e-9);
    }
    assert_true(fabs(sum - 1.0) < 1e-12);
  }
}

static void covariance_stays_positive_over_a_thousand_cycles(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  for (int aircraft = 0; aircraft < 2; aircraft++) {
    for (int cycle = 0, age = 0; cycle < 1000; cycle++, age++) {
      static struct lanes l;
      static struct prng r;
      struct wk_measure_block measure;
      struct wk_evidence_block evidence;
      wk_lane dt;
      if (age % 50 == 0) { /* a fresh flight now and then: none lasts for ever */
        r.state = 100 + (uint64_t)cycle;
        lanes_random(&r, &l, aircraft);
      }
      const enum wk_kind kind = (enum wk_kind)(prng_next(&r) % WK_KINDS);
      for (int i = 0; i < WK_LANES; i++) {
        struct ref_measure m;
        dt[i] = prng_between(&r, 0.0, age % 50 < 40 ? 0.3 : 3.0);
        measure_random(&r, kind, l.record[i], &m);
        for (int c = 0; c < 4; c++) m.variance[c] *= exp(prng_between(&r, -8.0, 2.0));
        measure_into_lane(&m, &measure, i);
      }
      lanes_predict(wk_table(), &l, dt, lanes_none, &tuning);
      lanes_update(wk_table(), &l, kind, &measure, lanes_every, &evidence);
      banks_expect_sane(&l, r.state, cycle);
    }
  }
}

/* Truth for the scenarios: position and velocity under gravity of the rotating Earth, thrust along the velocity. */
static void truth_step(double *x, double thrust_mps2, double dt_s) {
  const struct wk_tuning tuning = wk_tuning_default();
  const int steps = 20;
  for (int s = 0; s < steps; s++) {
    double k[4][9], at[9], h = dt_s / steps;
    memcpy(at, x, sizeof at);
    for (int i = 0; i < 4; i++) {
      const double speed = sqrt(at[3] * at[3] + at[4] * at[4] + at[5] * at[5]);
      ref_rate(WK_COAST, at, &tuning, density_one, k[i]);
      for (int c = 0; c < 3; c++) k[i][3 + c] += thrust_mps2 * at[3 + c] / speed;
      for (int c = 0; c < 6; c++) at[c] = x[c] + (i < 2 ? h / 2 : h) * k[i][c];
    }
    for (int c = 0; c < 6; c++) x[c] += h / 6 * (k[0][c] + 2 * k[1][c] + 2 * k[2][c] + k[3][c]);
  }
}

/* The radar of the project's boost test: 30 m and 1 mrad, once a second, at a fixed place. */
static void radar_look(struct prng *r, const double *site_geodetic, const double *x, struct ref_measure *m) {
  static const double sigma[3] = {30.0, 1e-3, 1e-3};
  memset(m, 0, sizeof *m);
  m->kind = WK_RADAR;
  wk_ecef_from_geodetic(site_geodetic[0], site_geodetic[1], site_geodetic[2], m->site_m);
  wk_enu_rows(site_geodetic[0], site_geodetic[1], m->enu);
  ref_predicted(m, x, m->z);
  for (int c = 0; c < 3; c++) {
    m->z[c] += sigma[c] * prng_normal(r);
    m->variance[c] = sigma[c] * sigma[c];
    m->present[c] = 1.0;
  }
  m->variance[3] = 1.0;
}

/* A bank begun at x with the sigmas, all modes alike. */
static double *mode_begin(struct prng *r, double *to, int n, const double *x, const double *sigma) {
  for (int i = 0; i < n; i++) *to++ = x[i];
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) *to++ = i == j ? sigma[i] * sigma[i] : 0.0;
  }
  (void)r;
  return to;
}
static void ballistic_begin(struct prng *r, double *record, const double *truth, double metres, double speed,
                            double boost_weight) {
  const double sigma[9] = {metres, metres, metres, speed, speed, speed, 25.0, 25.0, 25.0};
  const double drag[7] = {metres, metres, metres, speed, speed, speed, 1.0};
  double x[9] = {0};
  for (int c = 0; c < 6; c++) x[c] = truth[c] + sigma[c] * prng_normal(r);
  double *to = mode_begin(r, record, WK_BOOST_N, x, sigma);
  to = mode_begin(r, to, WK_COAST_N, x, sigma);
  x[6] = -8.0;
  to = mode_begin(r, to, WK_REENTRY_N, x, drag);
  to[0] = boost_weight;
  to[1] = 0.9 * (1.0 - boost_weight);
  to[2] = 0.1 * (1.0 - boost_weight);
}
static void aircraft_begin(struct prng *r, double *record, const double *truth, double metres, double speed) {
  const double sigma[7] = {metres, metres, metres, speed, speed, speed, 0.03};
  double x[9] = {0};
  for (int c = 0; c < 6; c++) x[c] = truth[c] + sigma[c] * prng_normal(r);
  double *to = mode_begin(r, record, WK_CV_N, x, sigma);
  to = mode_begin(r, to, WK_CT_N, x, sigma);
  to[0] = 0.8;
  to[1] = 0.2;
}

static void all_lanes(wk_lane to, double value) {
  for (int i = 0; i < WK_LANES; i++) to[i] = value;
}

/* A missile picked up in boost at 40 km: burns until 60 s, coasts, burns again from 130 to 160 s. Eight at a time, each
 * with noise of its own. */
enum { BURN_END_S = 60, BURN_AGAIN_S = 130, BURN_AGAIN_END_S = 160, FLIGHT_S = 240 };
static double flight_thrust(int second) {
  if (second < BURN_END_S) return 25.0 + 0.5 * second;
  return second >= BURN_AGAIN_S && second < BURN_AGAIN_END_S ? 25.0 : 0.0;
}

struct flight {
  double burnout_s, ignition_s, again_s; /* mean delays until the weights agree */
  double nees;                           /* of position and velocity in the first coast, per degree of freedom */
  double evidence_gain;                  /* ln of ballistic over aircraft evidence, smallest over lanes */
  double burning;                        /* part of the looks in steady burn at which boost is the likeliest */
  double error_m;                        /* rms position error over the whole flight */
};

static void flight_begin(struct prng *r, double *truth, double *site) {
  memset(truth, 0, 9 * sizeof *truth);
  flight_random(r, 40e3, 40e3, 1200.0, 0.75, truth);
  double height;
  wk_geodetic_from_ecef(truth, &site[0], &site[1], &height);
  site[0] += prng_between(r, 0.05, 0.07);
  site[1] += 0.03;
  site[2] = 100.0;
}

static double nees_of(const struct wk_table *t, struct lanes *l, int lane, const double *truth) {
  wk_lane moments[27];
  double p[9][9] = {{0}}, inverse[9][9], d[6], sum = 0.0;
  lanes_moments(t, l, moments);
  for (int a = 0; a < 6; a++) {
    d[a] = moments[a][lane] - truth[a];
    for (int b = a; b < 6; b++) p[a][b] = p[b][a] = moments[6 + WK_AT(6, a, b)][lane];
  }
  ref_invert(6, (const double(*)[9])p, inverse);
  for (int a = 0; a < 6; a++) {
    for (int b = 0; b < 6; b++) sum += d[a] * inverse[a][b] * d[b];
  }
  return sum;
}

static void flight_fly(uint64_t seed, struct flight *f) {
  const struct wk_tuning tuning = wk_tuning_default();
  const struct wk_table *t = wk_table();
  struct prng r = {seed};
  struct lanes missile = {.aircraft = 0}, aircraft = {.aircraft = 1};
  double truth[9], site[3], gain[WK_LANES] = {0}, squares = 0.0, nees = 0.0;
  int seen_out[WK_LANES] = {0}, seen_again[WK_LANES] = {0}, seen_end[WK_LANES] = {0}, nees_count = 0;
  wk_lane dt;
  all_lanes(dt, 1.0);
  flight_begin(&r, truth, site);
  for (int i = 0; i < WK_LANES; i++) {
    ballistic_begin(&r, missile.record[i], truth, 500.0, 100.0, 0.5);
    aircraft_begin(&r, aircraft.record[i], truth, 500.0, 100.0);
  }
  memset(f, 0, sizeof *f);
  for (int second = 1; second <= FLIGHT_S; second++) {
    struct wk_measure_block measure;
    struct wk_evidence_block as_missile, as_aircraft;
    truth_step(truth, flight_thrust(second - 1), 1.0);
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_measure m;
      radar_look(&r, site, truth, &m);
      measure_into_lane(&m, &measure, i);
    }
    lanes_predict(t, &missile, dt, lanes_none, &tuning);
    lanes_update(t, &missile, WK_RADAR, &measure, lanes_every, &as_missile);
    lanes_predict(t, &aircraft, dt, lanes_none, &tuning);
    lanes_update(t, &aircraft, WK_RADAR, &measure, lanes_every, &as_aircraft);
    wk_lane moments[27];
    lanes_moments(t, &missile, moments);
    for (int i = 0; i < WK_LANES; i++) {
      const double boost = missile.record[i][WK_B_WEIGHT];
      if (second > 20 && second <= BURN_END_S) f->burning += (boost > 0.5) / (WK_LANES * (BURN_END_S - 20.0));
      if (second <= 30) gain[i] += as_missile.log_likelihood[i] - as_aircraft.log_likelihood[i];
      if (second > BURN_END_S && !seen_out[i] && boost < 0.5) seen_out[i] = second - BURN_END_S;
      if (second > BURN_AGAIN_S && !seen_again[i] && boost > 0.5) seen_again[i] = second - BURN_AGAIN_S;
      if (second > BURN_AGAIN_END_S && !seen_end[i] && boost < 0.5) seen_end[i] = second - BURN_AGAIN_END_S;
      for (int c = 0; c < 3; c++) squares += (moments[c][i] - truth[c]) * (moments[c][i] - truth[c]);
      if (second > BURN_END_S + 20 && second <= BURN_AGAIN_S) {
        nees += nees_of(t, &missile, i, truth) / 6.0;
        nees_count++;
      }
    }
  }
  f->evidence_gain = INFINITY;
  for (int i = 0; i < WK_LANES; i++) {
    f->burnout_s += (seen_out[i] ? seen_out[i] : FLIGHT_S) / (double)WK_LANES;
    f->ignition_s += (seen_again[i] ? seen_again[i] : FLIGHT_S) / (double)WK_LANES;
    f->again_s += (seen_end[i] ? seen_end[i] : FLIGHT_S) / (double)WK_LANES;
    f->evidence_gain = fmin(f->evidence_gain, gain[i]);
  }
  f->nees = nees / nees_count;
  f->error_m = sqrt(squares / (WK_LANES * FLIGHT_S));
}

/* Burn-out and ignition show in the weights. At 350 to 450 km one plot is off by 400 m across the line of sight, and a
 * change of 25 to 55 m/s^2 moves the missile that far in 4 to 6 s: the weights can't be much faster where the change lies
 * across, and are where it lies along. */
static void burns_are_seen_in_time(void **state) {
  (void)state;
  enum { FLIGHTS = 12 };
  double out = 0.0, again = 0.0, end = 0.0, nees = 0.0;
  for (uint64_t seed = 1; seed <= FLIGHTS; seed++) {
    struct flight f;
    flight_fly(60000 + seed, &f);
    print_message("seed %llu: burn-out %.1f s, ignition %.1f s, second burn-out %.1f s, burning %.2f, coast NEES %.2f, gain %.0f, rms %.0f m\n",
                  (unsigned long long)seed, f.burnout_s, f.ignition_s, f.again_s, f.burning, f.nees, f.evidence_gain, f.error_m);
    assert_true(f.burnout_s <= 7.0 && f.ignition_s <= 9.0 && f.again_s <= 7.0);
    assert_true(f.burning > 0.9);
    assert_true(f.evidence_gain > 10.0); /* the ballistic bank explains a boost better, within half a minute */
    assert_true(f.error_m < 400.0);      /* better than a single plot of 1 mrad at 400 km, throughout */
    out += f.burnout_s / FLIGHTS;
    again += f.ignition_s / FLIGHTS;
    end += f.again_s / FLIGHTS;
    nees += f.nees / FLIGHTS;
  }
  print_message("mean: %.1f %.1f %.1f s; NEES %.2f\n", out, again, end, nees);
  assert_true(out <= 5.0 && again <= 6.0 && end <= 5.0);
  assert_true(nees > 0.5 && nees < 1.25);
}

/* Coast drawn from the filter's own model: NEES of the coast mode alone near its six degrees of freedom. */
static void coast_is_consistent(void **state) {
  (void)state;
  enum { RUNS = 25, LOOKS = 60 };
  const struct wk_tuning tuning = {.boost_jerk_psd = 1.0, .boost_force_tau_s = 60.0, .coast_accel_psd = 1.0,
                                    .settle_rate = 1e-12, .stray_rate = 1e-12,
                                   .boost_end_rate = 1e-12, .boost_begin_rate = 1e-12};
  double nees = 0.0;
  wk_lane dt;
  all_lanes(dt, 2.0);
  for (uint64_t seed = 1; seed <= RUNS; seed++) {
    struct prng r = {70000 + seed};
    struct lanes l = {.aircraft = 0};
    double start[9] = {0}, truth[WK_LANES][9], site[3];
    flight_begin(&r, start, site);
    for (int s = 0; s < 60; s++) truth_step(start, 30.0, 1.0);
    for (int i = 0; i < WK_LANES; i++) {
      memcpy(truth[i], start, sizeof start);
      ballistic_begin(&r, l.record[i], start, 200.0, 50.0, 1e-9);
      l.record[i][WK_B_WEIGHT + 1] = 1.0 - 2e-9;
      l.record[i][WK_B_WEIGHT + 2] = 1e-9;
    }
    for (int look = 0; look < LOOKS; look++) {
      struct wk_measure_block measure;
      struct wk_evidence_block evidence;
      for (int i = 0; i < WK_LANES; i++) {
        struct ref_measure m;
        truth_step(truth[i], 0.0, 2.0);
        for (int c = 0; c < 3; c++) { /* white acceleration of density 1 over 2 s: [8/3 2; 2 2] */
          const double kick = prng_normal(&r), rest = prng_normal(&r);
          truth[i][3 + c] += sqrt(2.0) * kick;
          truth[i][c] += sqrt(2.0) * kick + sqrt(2.0 / 3.0) * rest;
        }
        radar_look(&r, site, truth[i], &m);
        measure_into_lane(&m, &measure, i);
      }
      lanes_predict(wk_table(), &l, dt, lanes_none, &tuning);
      lanes_update(wk_table(), &l, WK_RADAR, &measure, lanes_every, &evidence);
    }
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_bank bank;
      double inverse[9][9];
      lanes_bank(&l, i, &bank);
      ref_invert(6, (const double(*)[9])bank.gauss[1].p, inverse);
      for (int a = 0; a < 6; a++) {
        for (int b = 0; b < 6; b++) {
          nees += (bank.gauss[1].x[a] - truth[i][a]) * inverse[a][b] * (bank.gauss[1].x[b] - truth[i][b]);
        }
      }
    }
  }
  nees /= RUNS * WK_LANES;
  print_message("coast NEES %.2f of 6\n", nees);
  /* 200 independent runs: 6 +- 1.96 sqrt(12 / 200). */
  assert_true(nees > 6.0 - 0.48 && nees < 6.0 + 0.48);
}

/* An aircraft that flies level, then turns, is better explained by the aircraft bank. */
static void aircraft_is_told_from_a_missile(void **state) {
  (void)state;
  const struct wk_tuning tuning = wk_tuning_default();
  double turning = 0.0;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    struct prng r = {80000 + seed};
    struct lanes missile = {.aircraft = 0}, aircraft = {.aircraft = 1};
    double truth[9] = {0}, site[3], height, gain[WK_LANES] = {0};
    wk_lane dt;
    all_lanes(dt, 4.0);
    flight_random(&r, 10e3, 10e3, 230.0, 0.0, truth);
    wk_geodetic_from_ecef(truth, &site[0], &site[1], &height);
    site[0] += 0.015;
    site[2] = 100.0;
    for (int i = 0; i < WK_LANES; i++) {
      ballistic_begin(&r, missile.record[i], truth, 200.0, 50.0, 0.3);
      aircraft_begin(&r, aircraft.record[i], truth, 200.0, 50.0);
    }
    for (int look = 0; look < 30; look++) {
      struct wk_measure_block measure;
      struct wk_evidence_block as_missile, as_aircraft;
      truth[6] = look >= 20 ? 0.03 : 0.0;
      struct ref_gauss flown = {.n = 7};
      memcpy(flown.x, truth, sizeof flown.x);
      ref_gauss_predict(WK_CT, &flown, 4.0, 0, &tuning, density_one);
      memcpy(truth, flown.x, sizeof truth);
      for (int i = 0; i < WK_LANES; i++) {
        struct ref_measure m;
        radar_look(&r, site, truth, &m);
        measure_into_lane(&m, &measure, i);
      }
      lanes_predict(wk_table(), &missile, dt, lanes_none, &tuning);
      lanes_predict(wk_table(), &aircraft, dt, lanes_none, &tuning);
      lanes_update(wk_table(), &missile, WK_RADAR, &measure, lanes_every, &as_missile);
      lanes_update(wk_table(), &aircraft, WK_RADAR, &measure, lanes_every, &as_aircraft);
      for (int i = 0; i < WK_LANES; i++) gain[i] += as_aircraft.log_likelihood[i] - as_missile.log_likelihood[i];
    }
    for (int i = 0; i < WK_LANES; i++) {
      if (gain[i] < 10.0) fail_msg("seed %llu: ln evidence gain %.3g", (unsigned long long)seed, gain[i]);
      turning += aircraft.record[i][WK_A_WEIGHT + 1] / (8 * WK_LANES);
    }
    print_message("seed %llu: ln evidence gain %.0f\n", (unsigned long long)seed, gain[0]);
  }
  print_message("weight of the turn after 40 s of it: %.2f\n", turning);
  assert_true(turning > 0.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(covariance_stays_positive_over_a_thousand_cycles),
      cmocka_unit_test(burns_are_seen_in_time),
      cmocka_unit_test(coast_is_consistent),
      cmocka_unit_test(aircraft_is_told_from_a_missile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Random banks and measurements for the kernel tests, and comparison with the oracle. Every test states its seed. */
#ifndef TEST_BANKS_H
#define TEST_BANKS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/ref/ref_filter.h"
#include "kernels/wk.h"

struct prng {
  uint64_t state;
};
static inline uint64_t prng_next(struct prng *r) { /* splitmix64 */
  uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
static inline double prng_between(struct prng *r, double low, double high) {
  return low + (high - low) * ((double)(prng_next(r) >> 11) * 0x1p-53);
}
static inline double prng_normal(struct prng *r) {
  const double u = 1.0 - prng_between(r, 0.0, 1.0), v = prng_between(r, 0.0, 1.0);
  return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* Density through the kernel table: the atmosphere has its own test. */
static inline double density_one(double height_m) {
  double rho;
  wk_table()->density(&rho, &height_m, 1);
  return rho;
}

/* A mode about p, v: offset within its own sigmas, covariance full. */
static inline double *mode_random(struct prng *r, double *to, int n, const double *x, const double *sigma) {
  double a[9][9];
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) a[i][j] = (i == j) + 0.3 * prng_normal(r);
  }
  for (int i = 0; i < n; i++) *to++ = x[i] + 0.5 * sigma[i] * prng_normal(r);
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) {
      double sum = 0.0;
      for (int k = 0; k < n; k++) sum += a[i][k] * a[j][k];
      *to++ = sum * sigma[i] * sigma[j];
    }
  }
  return to;
}

/* Somewhere over the Earth between the heights, flying at the speed; climb is the sine of the flight path angle. */
static inline void flight_random(struct prng *r, double low_m, double high_m, double speed_mps, double climb, double *x) {
  const double lat = prng_between(r, -1.4, 1.4), lon = prng_between(r, -3.1, 3.1);
  const double course = prng_between(r, -3.1, 3.1), level = sqrt(1.0 - climb * climb);
  double enu[9];
  wk_ecef_from_geodetic(lat, lon, prng_between(r, low_m, high_m), x);
  wk_enu_rows(lat, lon, enu);
  for (int c = 0; c < 3; c++) {
    x[3 + c] = speed_mps * (level * sin(course) * enu[c] + level * cos(course) * enu[3 + c] + climb * enu[6 + c]);
  }
}

static inline void weights_random(struct prng *r, int modes, double *weight) {
  double sum = 0.0;
  for (int m = 0; m < modes; m++) sum += weight[m] = exp(prng_between(r, -8.0, 0.0));
  for (int m = 0; m < modes; m++) weight[m] /= sum;
}

static inline void ballistic_random(struct prng *r, double record[WK_BALLISTIC_ELEMENTS]) {
  const double metres = exp(prng_between(r, 2.0, 7.0)), speed = metres * prng_between(r, 0.05, 0.3);
  const double sigma[9] = {metres, metres, metres, speed, speed, speed, 6.0, 6.0, 6.0};
  const double drag[7] = {metres, metres, metres, speed, speed, speed, 0.5};
  double x[9];
  /* Not so steeply that it would be, or was, below 15 km within 10 s. */
  const double height = exp(prng_between(r, log(20e3), log(400e3))), fast = prng_between(r, 500.0, 5000.0);
  const double steepest = fmin(0.9, (height - 15e3) / (10.0 * fast));
  flight_random(r, height, height, fast, prng_between(r, -steepest, steepest), x);
  for (int c = 0; c < 3; c++) x[6 + c] = prng_between(r, -30.0, 30.0);
  double *to = mode_random(r, record, WK_BOOST_N, x, sigma);
  to = mode_random(r, to, WK_COAST_N, x, sigma);
  x[6] = prng_between(r, -9.5, -7.0);
  to = mode_random(r, to, WK_REENTRY_N, x, drag);
  weights_random(r, 3, to);
}

static inline void aircraft_random(struct prng *r, double record[WK_AIRCRAFT_ELEMENTS]) {
  const double metres = exp(prng_between(r, 2.0, 6.0)), speed = metres * prng_between(r, 0.05, 0.2);
  const double sigma[7] = {metres, metres, metres, speed, speed, speed, 0.01};
  double x[9];
  flight_random(r, 100.0, 15e3, prng_between(r, 50.0, 400.0), prng_between(r, -0.1, 0.1), x);
  x[6] = prng_between(r, -0.06, 0.06);
  double *to = mode_random(r, record, WK_CV_N, x, sigma);
  to = mode_random(r, to, WK_CT_N, x, sigma);
  weights_random(r, 2, to);
}

/* A measurement of the target at x with noise, from a site some way below. */
static inline void measure_random(struct prng *r, enum wk_kind kind, const double *x, struct ref_measure *m) {
  static const double sigma[WK_KINDS][4] = {
      {30.0, 1e-3, 1e-3, 5.0}, {60.0, 2e-3, 40.0, 0.0}, {1e-4, 1e-4, 0.0, 0.0}, {50.0, 50.0, 50.0, 0.0}};
  double lat, lon, height;
  memset(m, 0, sizeof *m);
  m->kind = kind;
  wk_geodetic_from_ecef(x, &lat, &lon, &height);
  lat += prng_between(r, 0.01, 0.04);
  lon += prng_between(r, 0.01, 0.04) * (prng_next(r) & 1 ? 1.0 : -1.0);
  wk_ecef_from_geodetic(lat, lon, prng_between(r, 0.0, 1000.0), m->site_m);
  wk_enu_rows(lat, lon, m->enu);
  for (int c = 0; c < 3; c++) m->site_velocity_mps[c] = prng_between(r, -20.0, 20.0);
  const int components = ref_predicted(m, x, m->z);
  for (int c = 0; c < components; c++) {
    m->variance[c] = sigma[kind][c] * sigma[kind][c];
    m->z[c] += sigma[kind][c] * prng_normal(r);
    m->present[c] = 1.0;
  }
}

static inline void measure_into_lane(const struct ref_measure *m, struct wk_measure_block *block, int lane) {
  for (int c = 0; c < 4; c++) {
    block->z[c][lane] = m->z[c];
    block->variance[c][lane] = m->variance[c];
    block->present[c][lane] = m->present[c];
  }
  for (int c = 0; c < 3; c++) {
    block->site_m[c][lane] = m->site_m[c];
    block->site_velocity_mps[c][lane] = m->site_velocity_mps[c];
  }
  for (int c = 0; c < 9; c++) block->enu[c][lane] = m->enu[c];
}

/* Position and velocity errors relative to their size, extra states to 1; covariances relative to the sigmas. */
static inline void gauss_expect(const char *what, uint64_t seed, const struct ref_gauss *is, const struct ref_gauss *want,
                                double state_tolerance, double covariance_tolerance) {
  for (int i = 0; i < want->n; i++) {
    const double *v = i < 3 ? want->x : want->x + 3;
    const double size = i < 6 ? sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) : 1.0 + fabs(want->x[i]);
    if (!(fabs(is->x[i] - want->x[i]) <= state_tolerance * size)) {
      fail_msg("%s, seed %llu: state %d is %.17g, expected %.17g", what, (unsigned long long)seed, i, is->x[i], want->x[i]);
    }
    for (int j = 0; j < want->n; j++) {
      const double scale = sqrt(want->p[i][i] * want->p[j][j]);
      if (!(fabs(is->p[i][j] - want->p[i][j]) <= covariance_tolerance * scale)) {
        fail_msg("%s, seed %llu: covariance %d %d is %.12g, expected %.12g (scale %.6g)", what, (unsigned long long)seed, i,
                 j, is->p[i][j], want->p[i][j], scale);
      }
    }
  }
}

/* Tolerances by mode. */
struct tolerance {
  double state[WK_MODES], covariance[WK_MODES];
};

static inline void bank_expect(const char *what, uint64_t seed, const struct ref_bank *is, const struct ref_bank *want,
                               const struct tolerance *tolerance) {
  for (int m = 0; m < want->modes; m++) {
    char name[120];
    snprintf(name, sizeof name, "%s, mode %d", what, (int)want->mode[m]);
    gauss_expect(name, seed, &is->gauss[m], &want->gauss[m], tolerance->state[want->mode[m]],
                 tolerance->covariance[want->mode[m]]);
    if (!(fabs(is->weight[m] - want->weight[m]) <= 1e-6 * want->weight[m] + 1e-15)) {
      fail_msg("%s, seed %llu: weight is %.12g, expected %.12g", name, (unsigned long long)seed, is->weight[m],
               want->weight[m]);
    }
  }
}

/* Either bank as eight records and a table's functions over them, so that a test is written once. */
struct lanes {
  int aircraft;
  double record[WK_LANES][WK_BALLISTIC_ELEMENTS];
};
static inline int lanes_elements(const struct lanes *l) {
  return l->aircraft ? WK_AIRCRAFT_ELEMENTS : WK_BALLISTIC_ELEMENTS;
}
static inline void lanes_random(struct prng *r, struct lanes *l, int aircraft) {
  memset(l, 0, sizeof *l);
  l->aircraft = aircraft;
  for (int i = 0; i < WK_LANES; i++) {
    if (aircraft) {
      aircraft_random(r, l->record[i]);
    } else {
      ballistic_random(r, l->record[i]);
    }
  }
}
static inline void lanes_bank(const struct lanes *l, int lane, struct ref_bank *bank) {
  if (l->aircraft) {
    ref_aircraft_load(bank, l->record[lane]);
  } else {
    ref_ballistic_load(bank, l->record[lane]);
  }
}

/* Pointers to the records; lanes in the mask `absent` are NULL. */
static inline void lanes_pointers(struct lanes *l, unsigned absent, double *record[WK_LANES]) {
  for (int i = 0; i < WK_LANES; i++) record[i] = absent >> i & 1 ? NULL : l->record[i];
}

static inline void lanes_predict_some(const struct wk_table *t, struct lanes *l, unsigned absent, const wk_lane dt,
                                      const wk_lane quiet, const struct wk_tuning *tuning) {
  double *record[WK_LANES];
  lanes_pointers(l, absent, record);
  if (l->aircraft) {
    struct wk_aircraft_block block;
    t->aircraft_load(&block, (const double *const *)record);
    t->aircraft_predict(&block, dt, quiet, tuning);
    t->aircraft_store(&block, record);
  } else {
    struct wk_ballistic_block block;
    t->ballistic_load(&block, (const double *const *)record);
    t->ballistic_predict(&block, dt, quiet, tuning);
    t->ballistic_store(&block, record);
  }
}
static inline void lanes_predict(const struct wk_table *t, struct lanes *l, const wk_lane dt, const wk_lane quiet,
                                 const struct wk_tuning *tuning) {
  lanes_predict_some(t, l, 0, dt, quiet, tuning);
}

static inline void lanes_update(const struct wk_table *t, struct lanes *l, enum wk_kind kind,
                                const struct wk_measure_block *measure, const wk_lane enable,
                                struct wk_evidence_block *evidence) {
  double *record[WK_LANES];
  lanes_pointers(l, 0, record);
  if (l->aircraft) {
    struct wk_aircraft_block block;
    t->aircraft_load(&block, (const double *const *)record);
    t->aircraft_update(&block, kind, measure, enable, evidence);
    t->aircraft_store(&block, record);
  } else {
    struct wk_ballistic_block block;
    t->ballistic_load(&block, (const double *const *)record);
    t->ballistic_update(&block, kind, measure, enable, evidence);
    t->ballistic_store(&block, record);
  }
}

static inline void lanes_moments(const struct wk_table *t, struct lanes *l, wk_lane moments[27]) {
  double *record[WK_LANES];
  lanes_pointers(l, 0, record);
  if (l->aircraft) {
    struct wk_aircraft_block block;
    t->aircraft_load(&block, (const double *const *)record);
    t->aircraft_moments(&block, moments);
  } else {
    struct wk_ballistic_block block;
    t->ballistic_load(&block, (const double *const *)record);
    t->ballistic_moments(&block, moments);
  }
}

static const wk_lane lanes_none = {0}, lanes_every = {1, 1, 1, 1, 1, 1, 1, 1};

#endif

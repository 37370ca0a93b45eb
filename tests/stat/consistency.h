/* What the consistency tests share: a bank per lane begun from a stated prior, a radar that looks at true
 * states, the squared error of an estimate in its own covariance (NEES) and of a prediction in the
 * measurement (NIS), and means with their scatter over runs. */
#ifndef WEFT_TESTS_CONSISTENCY_H
#define WEFT_TESTS_CONSISTENCY_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "kernels/ref/ref_filter.h"
#include "kernels/wk.h"

/* The full count where WEFT_STAT=full asks for it. */
static inline int runs_of(int reduced, int full) {
  const char *want = getenv("WEFT_STAT");
  return want && strcmp(want, "full") == 0 ? full : reduced;
}

/* Eight tracks side by side. */
struct tracks {
  double record[WK_LANES][WK_BALLISTIC_ELEMENTS];
};

static inline void tracks_pointers(struct tracks *t, double *record[WK_LANES]) {
  for (int i = 0; i < WK_LANES; i++) record[i] = t->record[i];
}

static inline void tracks_predict(struct tracks *t, const wk_lane dt_s, const struct wk_tuning *tuning) {
  static const wk_lane loud = {0};
  double *record[WK_LANES];
  struct wk_ballistic_block block;
  tracks_pointers(t, record);
  wk_table()->ballistic_load(&block, (const double *const *)record);
  wk_table()->ballistic_predict(&block, dt_s, loud, tuning);
  wk_table()->ballistic_store(&block, record);
}

static inline void tracks_update(struct tracks *t, const struct wk_measure_block *measure,
                                 const wk_lane enable) {
  double *record[WK_LANES];
  struct wk_ballistic_block block;
  struct wk_evidence_block evidence;
  tracks_pointers(t, record);
  wk_table()->ballistic_load(&block, (const double *const *)record);
  wk_table()->ballistic_update(&block, WK_RADAR, measure, enable, &evidence);
  wk_table()->ballistic_store(&block, record);
}

/* d' P^-1 d for the leading n states. */
static inline double quadratic(int n, const double p[REF_N_MAX][REF_N_MAX], const double *d) {
  double inverse[REF_N_MAX][REF_N_MAX], sum = 0;
  ref_invert(n, p, inverse);
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) sum += d[i] * inverse[i][j] * d[j];
  }
  return sum;
}

/* NEES of a Gaussian's leading n states. */
static inline double gauss_nees(const struct ref_gauss *s, int n, const double *truth) {
  double d[REF_N_MAX];
  for (int i = 0; i < n; i++) d[i] = s->x[i] - truth[i];
  return quadratic(n, (const double(*)[REF_N_MAX])s->p, d);
}

/* Mean and covariance of position and velocity over a record's modes (M19). */
static inline void record_moments(const double *record, struct ref_gauss *out) {
  struct ref_bank bank;
  ref_ballistic_load(&bank, record);
  ref_moments(&bank, out);
}

struct radar {
  double site_m[3], enu[9], lat_rad, lon_rad;
  double sigma[4]; /* m, rad, rad, m/s */
  bool rate;       /* measures range rate */
};

static inline void radar_place(struct radar *r, double lat_rad, double lon_rad) {
  r->lat_rad = lat_rad;
  r->lon_rad = lon_rad;
  wk_ecef_from_geodetic(lat_rad, lon_rad, 50, r->site_m);
  wk_enu_rows(lat_rad, lon_rad, r->enu);
}

/* A point so far from another one (rad of arc) in the direction. */
static inline void arc_along(double lat_rad, double lon_rad, double arc_rad, double bearing_rad, double *lat,
                             double *lon) {
  const double s = sin(lat_rad) * cos(arc_rad) + cos(lat_rad) * sin(arc_rad) * cos(bearing_rad);
  *lat = asin(s);
  *lon = lon_rad + atan2(sin(bearing_rad) * sin(arc_rad) * cos(lat_rad), cos(arc_rad) - sin(lat_rad) * s);
}

static inline void radar_frame(const struct radar *r, struct ref_measure *m) {
  memset(m, 0, sizeof *m);
  m->kind = WK_RADAR;
  memcpy(m->site_m, r->site_m, sizeof m->site_m);
  memcpy(m->enu, r->enu, sizeof m->enu);
  for (int c = 0; c < 4; c++) {
    m->variance[c] = r->sigma[c] > 0 ? r->sigma[c] * r->sigma[c] : 1;
    m->present[c] = c < 3 || r->rate;
  }
}

static inline double radar_elevation(const struct radar *r, const double *x) {
  struct ref_measure m;
  double h[REF_COMPONENTS_MAX];
  radar_frame(r, &m);
  ref_predicted(&m, x, h);
  return h[2];
}

/* A noisy look at the truth; the filter is told r_times the variances. */
static inline void radar_look(const struct radar *r, struct prng *prng, const double *truth, double r_times,
                              struct wk_measure_block *block, int lane, struct ref_measure *m) {
  radar_frame(r, m);
  ref_predicted(m, truth, m->z);
  for (int c = 0; c < 4; c++) {
    m->z[c] += r->sigma[c] * prng_normal(prng);
    m->variance[c] *= r_times;
    block->z[c][lane] = m->z[c];
    block->variance[c][lane] = m->variance[c];
    block->present[c][lane] = m->present[c];
  }
  for (int c = 0; c < 3; c++) {
    block->site_m[c][lane] = m->site_m[c];
    block->site_velocity_mps[c][lane] = 0;
  }
  for (int c = 0; c < 9; c++) block->enu[c][lane] = m->enu[c];
}

/* Rows of dh/dx by central differences, of the components present; their number. */
static inline int radar_slope(const struct ref_measure *m, const double *x, double h[4][6]) {
  static const double delta[6] = {10, 10, 10, 0.1, 0.1, 0.1};
  int rows = 0;
  double slope[4][6];
  for (int j = 0; j < 6; j++) {
    double at[6], high[REF_COMPONENTS_MAX], low[REF_COMPONENTS_MAX];
    memcpy(at, x, sizeof at);
    at[j] = x[j] + delta[j];
    ref_predicted(m, at, high);
    at[j] = x[j] - delta[j];
    ref_predicted(m, at, low);
    for (int c = 0; c < 4; c++) {
      double d = high[c] - low[c];
      slope[c][j] = (c == 1 ? remainder(d, 6.283185307179586) : d) / (2 * delta[j]);
    }
  }
  for (int c = 0; c < 4; c++) {
    if (m->present[c] > 0) memcpy(h[rows++], slope[c], sizeof slope[c]);
  }
  return rows;
}

/* Squared innovation in its covariance over its dimension, of a predicted mixture seen as one Gaussian. */
static inline double look_nis(const struct ref_measure *m, const struct ref_gauss *s) {
  double h[4][6], z[REF_COMPONENTS_MAX], v[REF_N_MAX], spread[REF_N_MAX][REF_N_MAX];
  const int rows = radar_slope(m, s->x, h);
  ref_predicted(m, s->x, z);
  for (int r = 0; r < rows; r++) { /* components 0 to 2 are always there, so row r is component r */
    const double d = m->z[r] - z[r];
    v[r] = r == 1 ? remainder(d, 6.283185307179586) : d;
    for (int c = 0; c < rows; c++) {
      spread[r][c] = r == c ? m->variance[r] : 0;
      for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 6; j++) spread[r][c] += h[r][i] * s->p[i][j] * h[c][j];
      }
    }
  }
  return quadratic(rows, (const double(*)[REF_N_MAX])spread, v) / rows;
}

/* A mode about x with independent errors of the sigmas. */
static inline double *mode_begin(double *to, int n, const double *x, const double *sigma) {
  for (int i = 0; i < n; i++) *to++ = x[i];
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) *to++ = i == j ? sigma[i] * sigma[i] : 0;
  }
  return to;
}

/* One mean and its scatter over independent runs. */
struct mean {
  double count, sum, square;
};
static inline void mean_add(struct mean *m, double value) {
  m->count++;
  m->sum += value;
  m->square += value * value;
}
static inline double mean_of(const struct mean *m) {
  return m->sum / m->count;
}
static inline double mean_sigma(const struct mean *m) {
  const double v = m->square / m->count - mean_of(m) * mean_of(m);
  return sqrt(fmax(v, 0) / (m->count - 1));
}

#endif

/* Measurement models: the predicted measurement h(x), its Jacobian and the innovation, for the four kinds of wk.h
 * (docs/maths.md M15, M16). */
#ifndef WK_IMM_MEASURE_H
#define WK_IMM_MEASURE_H

#include "kernels/lane/imm_state.h"
#include "kernels/lane/lane_earth.h"
#include "kernels/lane/lane_math.h"

/* A target at the site, or on the vertical through it, has no direction: distances are taken as at least this. */
#define MEASURE_DISTANCE_MIN_M 1.0
#define MEASURE_TURN (2.0 * 3.14159265358979323846)
#define MEASURE_ABSENT_VARIANCE (1.0 / MEASURE_TURN)

enum { MEASURE_COMPONENTS_MAX = 4 };

/* What the lanes at hand measured, and where from. */
struct measure {
  lane z[MEASURE_COMPONENTS_MAX], variance[MEASURE_COMPONENTS_MAX];
  lane_mask present[MEASURE_COMPONENTS_MAX];
  lane site[3], site_velocity[3], enu[9];
  lane sine[2], cosine[2]; /* of the azimuth and the elevation measured; measure_turn() finds them */
};

/* Innovation z - h(x) at the linearisation point, Jacobian rows by position and velocity, variances. */
struct innovation {
  lane value[MEASURE_COMPONENTS_MAX];
  lane row[MEASURE_COMPONENTS_MAX][6];
  lane variance[MEASURE_COMPONENTS_MAX];
};

WK_INLINE int measure_components(enum wk_kind kind) { return kind == WK_RADAR ? 4 : kind == WK_LOS ? 2 : 3; }

WK_INLINE void measure_load(struct measure *m, enum wk_kind kind, const struct wk_measure_block *block, int first) {
  for (int c = 0; c < measure_components(kind); c++) {
    m->z[c] = lane_load(block->z[c] + first);
    m->variance[c] = lane_load(block->variance[c] + first);
    m->present[c] = lane_not(lane_equal(lane_load(block->present[c] + first), lane_all(0.0)));
  }
  lanes_load(m->site, block->site_m, 3, first);
  lanes_load(m->site_velocity, block->site_velocity_mps, 3, first);
  lanes_load(m->enu, block->enu, 9, first);
}

/* The line of sight from the site: d = p - site in ECEF, its east, north and up parts, squared ranges. */
struct sight {
  lane d[3], east, north, up, range, ground;
  lane per_range, per_ground; /* their reciprocals */
  lane_mask apart;            /* farther from the site's vertical than distances are taken to be at least */
};

WK_INLINE void sight_at(struct sight *s, const struct measure *m, const lane *x) {
  for (int c = 0; c < 3; c++) s->d[c] = x[c] - m->site[c];
  s->east = dot3(m->enu, s->d);
  s->north = dot3(m->enu + 3, s->d);
  s->up = dot3(m->enu + 6, s->d);
  const lane least = lane_all(MEASURE_DISTANCE_MIN_M * MEASURE_DISTANCE_MIN_M);
  const lane level2 = lane_fma(s->east, s->east, s->north * s->north), ground2 = lane_max(level2, least);
  s->apart = lane_less(least, level2);
  const lane range2 = lane_max(dot3(s->d, s->d), least);
  s->per_ground = lane_rsqrt(ground2);
  s->per_range = lane_rsqrt(range2);
  s->ground = lane_sqrt_by(ground2, s->per_ground);
  s->range = lane_sqrt_by(range2, s->per_range);
}

WK_INLINE void row_clear(lane *row) {
  for (int c = 0; c < 6; c++) row[c] = lane_all(0.0);
}

WK_INLINE void range_innovation(struct innovation *v, int at, const struct measure *m, const struct sight *s) {
  row_clear(v->row[at]);
  v->value[at] = m->z[at] - s->range;
  for (int c = 0; c < 3; c++) v->row[at][c] = s->d[c] * s->per_range;
}

/* Where the angles of a kind are among its components; -1: has none. */
WK_INLINE int measure_azimuth(enum wk_kind kind) { return kind == WK_POSITION ? -1 : kind == WK_LOS ? 0 : 1; }
WK_INLINE int measure_elevation(enum wk_kind kind) { return kind == WK_RADAR ? 2 : kind == WK_LOS ? 1 : -1; }

/* Sines and cosines of what was measured, for the innovations of all modes. */
WK_INLINE void measure_turn(struct measure *m, enum wk_kind kind) {
  const int at[2] = {measure_azimuth(kind), measure_elevation(kind)};
  for (int i = 0; i < 2; i++) {
    if (at[i] >= 0) lane_sincos(m->z[at[i]], &m->sine[i], &m->cosine[i]);
  }
}

/* An angle's innovation from the expected angle's sine and cosine, both times 1 / per_size: by the series of the arc sine of the
 * difference, which asks for no arc tangent (M16). Returns the lanes that it reaches; the others' value means nothing. */
#define INNOVATION_SINE_MAX 0.1
WK_INLINE lane_mask angle_innovation(const struct measure *m, int angle, lane size_sine, lane size_cosine, lane per_size, lane *value) {
  static const double series[] = {1.0 / 6, 3.0 / 40, 15.0 / 336, 105.0 / 3456, 945.0 / 42240, 10395.0 / 599040};
  const lane sine = lane_fnma(m->cosine[angle], size_sine, m->sine[angle] * size_cosine) * per_size;
  const lane ahead = lane_fma(m->cosine[angle], size_cosine, m->sine[angle] * size_sine);
  const lane z = sine * sine;
  *value = lane_fma(sine * z, lane_poly(z, series, 5), sine);
  return lane_less(lane_abs(sine), lane_all(INNOVATION_SINE_MAX)) & lane_less(lane_all(0.0), ahead);
}

/* Wrapped into half a turn either way. */
WK_INLINE lane azimuth_value(const struct measure *m, int at, const struct sight *s) {
  lane value;
  const lane_mask near = angle_innovation(m, 0, s->east, s->north, s->per_ground, &value) & s->apart;
  if (lane_every(near | lane_not(m->present[at]))) return value;
  const lane raw = m->z[at] - lane_atan2(s->east, s->north);
  const lane wrapped = lane_fma(lane_round(raw * lane_all(1.0 / MEASURE_TURN)), lane_all(-MEASURE_TURN), raw);
  return lane_select(near, value, wrapped);
}
WK_INLINE lane elevation_value(const struct measure *m, int at, const struct sight *s) {
  lane value;
  const lane_mask near = angle_innovation(m, 1, s->up, s->ground, s->per_range, &value) & s->apart;
  if (lane_every(near | lane_not(m->present[at]))) return value;
  return lane_select(near, value, m->z[at] - lane_atan2(s->up, s->ground));
}

WK_INLINE void azimuth_innovation(struct innovation *v, int at, const struct measure *m, const struct sight *s) {
  row_clear(v->row[at]);
  v->value[at] = azimuth_value(m, at, s);
  const lane sine = s->east * s->per_ground, cosine = s->north * s->per_ground;
  for (int c = 0; c < 3; c++) v->row[at][c] = lane_fnma(sine, m->enu[3 + c], cosine * m->enu[c]) * s->per_ground;
}

WK_INLINE void elevation_innovation(struct innovation *v, int at, const struct measure *m, const struct sight *s) {
  row_clear(v->row[at]);
  v->value[at] = elevation_value(m, at, s);
  const lane level = s->ground * s->per_range * s->per_range, lean = s->up * s->per_ground * s->per_range * s->per_range;
  const lane by_east = lean * s->east, by_north = lean * s->north;
  for (int c = 0; c < 3; c++) {
    v->row[at][c] = lane_fnma(by_east, m->enu[c], lane_fnma(by_north, m->enu[3 + c], level * m->enu[6 + c]));
  }
}

WK_INLINE void range_rate_innovation(struct innovation *v, int at, const struct measure *m, const struct sight *s,
                                     const lane *x) {
  lane relative[3];
  for (int c = 0; c < 3; c++) relative[c] = x[3 + c] - m->site_velocity[c];
  const lane rate = dot3(s->d, relative) * s->per_range;
  v->value[at] = m->z[at] - rate;
  for (int c = 0; c < 3; c++) {
    const lane along = s->d[c] * s->per_range;
    v->row[at][c] = lane_fnma(rate, along, relative[c]) * s->per_range;
    v->row[at][3 + c] = along;
  }
}

WK_INLINE void height_innovation(struct innovation *v, int at, const struct measure *m, const lane *x) {
  lane height, up[3];
  row_clear(v->row[at]);
  lane_height(x, &height, up);
  v->value[at] = m->z[at] - height;
  for (int c = 0; c < 3; c++) v->row[at][c] = up[c];
}

/* Everything about the state x; absent components become row 0, innovation 0, variance 1 / (2 pi). */
WK_INLINE void innovation_at(enum wk_kind kind, const struct measure *m, const lane *x, struct innovation *v) {
  const int components = measure_components(kind);
  struct sight s;
  if (kind != WK_POSITION) sight_at(&s, m, x);
  if (kind == WK_RADAR || kind == WK_RADAR2D) {
    range_innovation(v, 0, m, &s);
    azimuth_innovation(v, 1, m, &s);
  }
  if (kind == WK_RADAR) {
    elevation_innovation(v, 2, m, &s);
    range_rate_innovation(v, 3, m, &s, x);
  }
  if (kind == WK_RADAR2D) height_innovation(v, 2, m, x);
  if (kind == WK_LOS) {
    azimuth_innovation(v, 0, m, &s);
    elevation_innovation(v, 1, m, &s);
  }
  if (kind == WK_POSITION) {
    for (int c = 0; c < 3; c++) {
      row_clear(v->row[c]);
      v->value[c] = m->z[c] - x[c];
      v->row[c][c] = lane_all(1.0);
    }
  }
  const lane zero = lane_all(0.0);
  for (int c = 0; c < components; c++) {
    v->value[c] = lane_select(m->present[c], v->value[c], zero);
    v->variance[c] = lane_select(m->present[c], m->variance[c], lane_all(MEASURE_ABSENT_VARIANCE));
    for (int a = 0; a < 6; a++) v->row[c][a] = lane_select(m->present[c], v->row[c][a], zero);
  }
}

#endif

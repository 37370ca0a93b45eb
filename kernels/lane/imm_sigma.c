/* Sigma-point update of every mode of a bank (docs/maths.md S7), and how much a measurement bends over the
 * extent of a bank, which says where that is worth its cost (M21). */
#include "kernels/lane/imm_bank.h"
#include "kernels/lane/imm_ekf.h"
#include "kernels/lane/sigma.h"
#include "kernels/lane/variant.h"

/* A mode of less weight does not call for sigma points. */
#define BEND_WEIGHT_HEARD 0.01
#define BEND_EARTH_RADIUS_M 6.4e6

static inline void sensor_range_angles(const lane *x, lane *z, const void *context) {
  struct sight s;
  sight_at(&s, context, x);
  z[0] = s.range;
  z[1] = lane_atan2(s.east, s.north);
  z[2] = lane_atan2(s.up, s.ground);
}
static inline void sensor_range_rate(const lane *x, lane *z, const void *context) {
  const struct measure *m = context;
  struct sight s;
  lane relative[3];
  sight_at(&s, m, x);
  for (int c = 0; c < 3; c++) relative[c] = x[3 + c] - m->site_velocity[c];
  z[0] = dot3(s.d, relative) * s.per_range;
}
static inline void sensor_range_azimuth_height(const lane *x, lane *z, const void *context) {
  struct sight s;
  lane up[3];
  sight_at(&s, context, x);
  z[0] = s.range;
  z[1] = lane_atan2(s.east, s.north);
  lane_height(x, &z[2], up);
}
static inline void sensor_angles(const lane *x, lane *z, const void *context) {
  struct sight s;
  sight_at(&s, context, x);
  z[0] = lane_atan2(s.east, s.north);
  z[1] = lane_atan2(s.up, s.ground);
}

/* Components [from, from + count) of the measurement, independent of each other. */
WK_INLINE void measure_part(struct sigma_measure *part, const struct measure *m, int from, int count) {
  for (int c = 0; c < WK_PACKED(count); c++) part->r[c] = lane_all(0.0);
  for (int c = 0; c < count; c++) {
    part->z[c] = m->z[from + c];
    part->present[c] = m->present[from + c];
    part->r[packed_at(count, c, c)] = m->variance[from + c];
  }
}

/* Points over what the sensor sees: the position; for range rate, which comes after the rest, position and velocity. */
WK_INLINE void mode_by_points_alone(enum wk_kind kind, int n, const struct measure *m, struct imm_mode *s,
                                    struct mode_evidence *evidence) {
  const struct sigma_spread place = sigma_spread_of(3, 1.0, 2.0, 0.0), motion = sigma_spread_of(6, 1.0, 2.0, 0.0);
  const sigma_sensor sensor = kind == WK_RADAR     ? sensor_range_angles
                              : kind == WK_RADAR2D ? sensor_range_azimuth_height
                                                   : sensor_angles;
  const int turns = kind == WK_LOS ? 1 : 2, components = kind == WK_LOS ? 2 : 3;
  struct sigma_measure part;
  struct sigma_evidence found;
  measure_part(&part, m, 0, components);
  sigma_update_seen(n, 3, components, &place, sensor, m, turns, &part, s->x, s->p, &found);
  evidence->log_likelihood = found.log_likelihood;
  evidence->distance2 = found.distance2;
  if (kind != WK_RADAR) return;
  measure_part(&part, m, 3, 1);
  sigma_update_seen(n, 6, 1, &motion, sensor_range_rate, m, 0, &part, s->x, s->p, &found);
  evidence->log_likelihood = evidence->log_likelihood + found.log_likelihood;
  evidence->distance2 = evidence->distance2 + found.distance2;
}

/* Lanes whose posterior has come out indefinite, which takes a measurement a million times sharper than the state, take the EKF's,
 * whose rounding is kinder. */
WK_INLINE void mode_sigma(enum wk_kind kind, int n, const struct measure *m, struct imm_mode *s,
                          struct mode_evidence *evidence) {
  struct imm_mode other = *s;
  struct mode_evidence other_evidence;
  mode_by_points_alone(kind, n, m, s, evidence);
  const lane_mask keep = sigma_definite(n, s->p) | lane_not(lane_less(lane_abs(evidence->log_likelihood), lane_all(UPDATE_ABSURD)));
  if (lane_every(keep)) return;
  mode_update(kind, n, m, &other, &other_evidence);
  for (int i = 0; i < n; i++) s->x[i] = lane_select(keep, s->x[i], other.x[i]);
  for (int i = 0; i < WK_PACKED(n); i++) s->p[i] = lane_select(keep, s->p[i], other.p[i]);
  evidence->log_likelihood = lane_select(keep, evidence->log_likelihood, other_evidence.log_likelihood);
  evidence->distance2 = lane_select(keep, evidence->distance2, other_evidence.distance2);
}

/* One body for each kind and number of states, shared by the modes and banks. */
#define MODE_SIGMA(name, kind, n)                                                                            \
  static __attribute__((noinline)) void name(const struct measure *m, struct imm_mode *s,                    \
                                             struct mode_evidence *e) {                                      \
    mode_sigma(kind, n, m, s, e);                                                                            \
  }
MODE_SIGMA(radar_9, WK_RADAR, 9)
MODE_SIGMA(radar_7, WK_RADAR, 7)
MODE_SIGMA(radar_6, WK_RADAR, 6)
MODE_SIGMA(radar2d_9, WK_RADAR2D, 9)
MODE_SIGMA(radar2d_7, WK_RADAR2D, 7)
MODE_SIGMA(radar2d_6, WK_RADAR2D, 6)
MODE_SIGMA(los_9, WK_LOS, 9)
MODE_SIGMA(los_7, WK_LOS, 7)
MODE_SIGMA(los_6, WK_LOS, 6)

WK_INLINE void mode_by_points(enum wk_kind kind, int n, const struct measure *m, struct imm_mode *s,
                              struct mode_evidence *evidence) {
  if (kind == WK_RADAR) (n == 9 ? radar_9 : n == 7 ? radar_7 : radar_6)(m, s, evidence);
  if (kind == WK_RADAR2D) (n == 9 ? radar2d_9 : n == 7 ? radar2d_7 : radar2d_6)(m, s, evidence);
  if (kind == WK_LOS) (n == 9 ? los_9 : n == 7 ? los_7 : los_6)(m, s, evidence);
}

void WK_NAME(ballistic_update_sigma)(struct wk_ballistic_block *block, enum wk_kind kind,
                                     const struct wk_measure_block *measure, const wk_lane enable,
                                     struct wk_evidence_block *evidence) {
  if (kind == WK_POSITION) { /* linear: nothing to gain */
    WK_NAME(ballistic_update)(block, kind, measure, enable, evidence);
    return;
  }
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct bank bank;
    struct imm_mode s[3];
    bank_begin(&bank, kind, measure, first);
    mode_load(&s[0], WK_BOOST_N, &block->e[WK_B_BOOST_X], first);
    mode_load(&s[1], WK_COAST_N, &block->e[WK_B_COAST_X], first);
    mode_load(&s[2], WK_REENTRY_N, &block->e[WK_B_REENTRY_X], first);
    mode_by_points(kind, WK_BOOST_N, &bank.m, &s[0], &bank.found[0]);
    mode_by_points(kind, WK_COAST_N, &bank.m, &s[1], &bank.found[1]);
    mode_by_points(kind, WK_REENTRY_N, &bank.m, &s[2], &bank.found[2]);
    const lane_mask wanted = bank_weigh(&bank, kind, 3, &block->e[WK_B_WEIGHT], enable, evidence, first);
    mode_store_where(&s[0], WK_BOOST_N, &block->e[WK_B_BOOST_X], first, wanted);
    mode_store_where(&s[1], WK_COAST_N, &block->e[WK_B_COAST_X], first, wanted);
    mode_store_where(&s[2], WK_REENTRY_N, &block->e[WK_B_REENTRY_X], first, wanted);
  }
}

void WK_NAME(aircraft_update_sigma)(struct wk_aircraft_block *block, enum wk_kind kind,
                                    const struct wk_measure_block *measure, const wk_lane enable,
                                    struct wk_evidence_block *evidence) {
  if (kind == WK_POSITION) {
    WK_NAME(aircraft_update)(block, kind, measure, enable, evidence);
    return;
  }
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct bank bank;
    struct imm_mode s[2];
    bank_begin(&bank, kind, measure, first);
    mode_load(&s[0], WK_CV_N, &block->e[WK_A_CV_X], first);
    mode_load(&s[1], WK_CT_N, &block->e[WK_A_CT_X], first);
    mode_by_points(kind, WK_CV_N, &bank.m, &s[0], &bank.found[0]);
    mode_by_points(kind, WK_CT_N, &bank.m, &s[1], &bank.found[1]);
    const lane_mask wanted = bank_weigh(&bank, kind, 2, &block->e[WK_A_WEIGHT], enable, evidence, first);
    mode_store_where(&s[0], WK_CV_N, &block->e[WK_A_CV_X], first, wanted);
    mode_store_where(&s[1], WK_CT_N, &block->e[WK_A_CT_X], first, wanted);
  }
}

/* d'A d for the 3 x 3 block of p that begins at state `from`. */
WK_INLINE lane block_along(const lane *p, int n, int from, const lane *d) {
  lane sum = lane_all(0.0);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) sum = lane_fma(d[i] * d[j], p[packed_at(n, from + i, from + j)], sum);
  }
  return sum;
}
WK_INLINE lane block_trace(const lane *p, int n, int from) {
  return p[packed_at(n, from, from)] + p[packed_at(n, from + 1, from + 1)] +
         p[packed_at(n, from + 2, from + 2)];
}

/* What the measurement's components are worth, found once for all modes: 1 / standard deviation. */
WK_INLINE void bend_scales(enum wk_kind kind, const struct measure *m, lane *per_sigma) {
  for (int c = 0; c < measure_components(kind); c++) per_sigma[c] = lane_rsqrt(lane_max(m->variance[c], lane_all(1e-300)));
}

/* What one component adds: its second-order part over its own standard deviation. */
WK_INLINE lane bend_of(lane so_far, const struct measure *m, const lane *per_sigma, int component, lane second_order) {
  return lane_select(m->present[component], lane_max(second_order * per_sigma[component], so_far), so_far);
}

/* Half of the roots by reciprocal ones (E14), half by the instruction, which has a unit of its own that does one after another: side by
 * side. */
WK_INLINE lane bend_root(lane x) {
  return x * lane_rsqrt(x);
}

/* M21 for one mode. */
WK_INLINE lane mode_bend(enum wk_kind kind, int n, const struct measure *m, const lane *per_sigma, const struct imm_mode *mode) {
  const lane zero = lane_all(0.0), half = lane_all(0.5);
  struct sight s;
  sight_at(&s, m, mode->x);
  const lane per_range2 = s.per_range * s.per_range;
  const lane all = block_trace(mode->p, n, 0);
  const lane along = lane_max(block_along(mode->p, n, 0, s.d) * per_range2, zero);
  const lane across = lane_max(all - along, zero);
  const lane cross = bend_root(across * along) * per_range2;
  const lane azimuth = bend_root(across * all) * s.per_ground * s.per_ground;
  const lane elevation = lane_fma(half * across * per_range2, lane_abs(s.up) * s.per_ground, cross);
  lane bend = zero;
  if (kind == WK_RADAR || kind == WK_RADAR2D) {
    bend = bend_of(bend, m, per_sigma, 0, half * across * s.per_range);
    bend = bend_of(bend, m, per_sigma, 1, azimuth);
  }
  if (kind == WK_RADAR2D) bend = bend_of(bend, m, per_sigma, 2, half * all / lane_all(BEND_EARTH_RADIUS_M));
  if (kind == WK_LOS) {
    bend = bend_of(bend, m, per_sigma, 0, azimuth);
    bend = bend_of(bend, m, per_sigma, 1, elevation);
  }
  if (kind == WK_RADAR) {
    lane relative[3];
    for (int c = 0; c < 3; c++) relative[c] = mode->x[3 + c] - m->site_velocity[c];
    const lane speed = lane_sqrt(dot3(relative, relative));
    const lane rates = block_trace(mode->p, n, 3) - block_along(mode->p, n, 3, s.d) * per_range2;
    const lane rate = lane_sqrt(across * lane_max(rates, zero)) * s.per_range;
    bend = bend_of(bend, m, per_sigma, 2, elevation);
    bend = bend_of(bend, m, per_sigma, 3, lane_fma(half * across * per_range2, speed, rate));
  }
  return bend;
}

/* The most so far, or this mode's where it is heard. */
WK_INLINE lane mode_bend_heard(enum wk_kind kind, int n, const struct measure *m, const lane *per_sigma, const wk_lane *mode,
                               const wk_lane *weight, int first, lane most) {
  struct imm_mode s;
  mode_load(&s, n, mode, first);
  const lane_mask heard = lane_less(lane_all(BEND_WEIGHT_HEARD), lane_load(*weight + first));
  return lane_select(heard, lane_max(mode_bend(kind, n, m, per_sigma, &s), most), most);
}

WK_INLINE void ballistic_bend_kind(enum wk_kind kind, const wk_lane *e, const struct wk_measure_block *measure, wk_lane bend) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct measure m;
    lane per_sigma[MEASURE_COMPONENTS_MAX];
    measure_load(&m, kind, measure, first);
    bend_scales(kind, &m, per_sigma);
    lane most = mode_bend_heard(kind, WK_BOOST_N, &m, per_sigma, &e[WK_B_BOOST_X], &e[WK_B_WEIGHT], first, lane_all(0.0));
    most = mode_bend_heard(kind, WK_COAST_N, &m, per_sigma, &e[WK_B_COAST_X], &e[WK_B_WEIGHT + 1], first, most);
    most = mode_bend_heard(kind, WK_REENTRY_N, &m, per_sigma, &e[WK_B_REENTRY_X], &e[WK_B_WEIGHT + 2], first, most);
    lane_store(bend + first, most);
  }
}
WK_INLINE void aircraft_bend_kind(enum wk_kind kind, const wk_lane *e, const struct wk_measure_block *measure, wk_lane bend) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct measure m;
    lane per_sigma[MEASURE_COMPONENTS_MAX];
    measure_load(&m, kind, measure, first);
    bend_scales(kind, &m, per_sigma);
    const lane level = mode_bend_heard(kind, WK_CV_N, &m, per_sigma, &e[WK_A_CV_X], &e[WK_A_WEIGHT], first, lane_all(0.0));
    lane_store(bend + first, mode_bend_heard(kind, WK_CT_N, &m, per_sigma, &e[WK_A_CT_X], &e[WK_A_WEIGHT + 1], first, level));
  }
}

/* Linear kinds do not bend. */
static void bend_clear(wk_lane bend) {
  for (int i = 0; i < WK_LANES; i++) bend[i] = 0.0;
}

void WK_NAME(ballistic_bend)(const struct wk_ballistic_block *block, enum wk_kind kind,
                             const struct wk_measure_block *measure, wk_lane bend) {
  switch (kind) {
  case WK_RADAR: ballistic_bend_kind(WK_RADAR, block->e, measure, bend); break;
  case WK_RADAR2D: ballistic_bend_kind(WK_RADAR2D, block->e, measure, bend); break;
  case WK_LOS: ballistic_bend_kind(WK_LOS, block->e, measure, bend); break;
  case WK_POSITION:
  case WK_KINDS:
    bend_clear(bend);
    break;
  }
}

void WK_NAME(aircraft_bend)(const struct wk_aircraft_block *block, enum wk_kind kind,
                            const struct wk_measure_block *measure, wk_lane bend) {
  switch (kind) {
  case WK_RADAR: aircraft_bend_kind(WK_RADAR, block->e, measure, bend); break;
  case WK_RADAR2D: aircraft_bend_kind(WK_RADAR2D, block->e, measure, bend); break;
  case WK_LOS: aircraft_bend_kind(WK_LOS, block->e, measure, bend); break;
  case WK_POSITION:
  case WK_KINDS:
    bend_clear(bend);
    break;
  }
}

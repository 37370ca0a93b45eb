/* One mode's Gaussian over a span of time: short steps of Runge-Kutta for the mean and of the transition matrix for the
 * covariance (docs/maths.md M6, M14). */
#ifndef WK_IMM_STEP_H
#define WK_IMM_STEP_H

#include "kernels/lane/imm_models.h"
#include "kernels/lane/imm_state.h"

/* |dt| is clamped to this. */
#define PREDICT_DT_MAX_S 600.0
enum { PREDICT_STEPS_MAX = 600 };
/* Above this all the way the air is too thin for coast and re-entry to need their short steps. */
#define PREDICT_AIRLESS_M 120e3
/* Drag may take this part of the speed in one step. */
#define PREDICT_BRAKING 0.1

/* A mode on its way through steps: where the step at hand began, the rates of its four stages, and what was found on the way. */
struct mode_way {
  lane x[IMM_STATE_MAX];
  lane h, due; /* a step (s), how many */
  int passes;  /* the most of them in any lane */
  lane rate[4][IMM_STATE_MAX];
  lane middle[IMM_STATE_MAX], end[IMM_STATE_MAX];
  struct motion_field early, half, late;     /* at the first (re-entry only), second and fourth stage */
  lane coefficient;                          /* CD A / m of re-entry; of coast that of the body that its noise is for */
  struct motion_air air, half_air, late_air; /* at the start, near the second and the fourth stage; of coast the second alone */
  lane_mask airless;                         /* of re-entry: lanes that stay above the air */
};

/* Lanes that stay above the air: falling freely on a flat Earth from here, the lower end of the way, unless it ends higher than it
 * starts. */
WK_INLINE lane_mask way_airless(lane height, const lane *up, const lane *v, lane dt) {
  const lane end = height + dot3(up, v) * dt - lane_all(5.0) * dt * dt;
  return lane_less(lane_all(PREDICT_AIRLESS_M), lane_min(height, end));
}

/* Longest step of each mode (s), with the air at x for re-entry. Coast and level flight change slowly; the specific force is taken as
 * constant to first order in the step over its correlation time; drag changes within a scale height; a turn within a radian. */
WK_INLINE lane step_longest(enum wk_mode mode, const lane *x, const struct mode_way *way, lane dt) {
  const lane one = lane_all(1.0), long_s = lane_all(5.0);
  if (mode == WK_COAST) {
    lane height, up[3];
    lane_height(x, &height, up);
    return lane_select(way_airless(height, up, x + 3, dt), long_s, one);
  }
  if (mode == WK_REENTRY) {
    const lane drag = lane_max(way->air.drag, lane_all(1e-9));
    return lane_select(way->airless, long_s, lane_max(lane_min(lane_all(PREDICT_BRAKING) / drag, one), lane_all(0.1)));
  }
  return mode == WK_CV ? long_s : one;
}

WK_INLINE void mode_begin(enum wk_mode mode, const wk_lane *at, int first, lane dt, const struct wk_tuning *tuning,
                          struct mode_way *way) {
  lanes_load(way->x, at, 6 + motion_extra(mode), first);
  if (mode == WK_COAST) way->coefficient = lane_all(tuning->coast_drag_fraction / MOTION_DRAG_BETA);
  if (mode == WK_REENTRY) {
    way->coefficient = motion_coefficient(way->x);
    motion_air_at(way->x, way->coefficient, &way->air);
    way->airless = way_airless(way->air.height, way->air.up, way->x + 3, dt);
  }
  const lane one = lane_all(1.0);
  const lane wish = lane_round(lane_abs(dt) / step_longest(mode, way->x, way, dt) + lane_all(0.4999));
  const lane steps = lane_max(lane_min(wish, lane_all(PREDICT_STEPS_MAX)), one);
  way->h = dt / steps;
  way->due = lane_select(lane_equal(dt, lane_all(0.0)), lane_all(0.0), steps);
  double count[WK_WIDTH];
  lane_store(count, way->due);
  way->passes = 0;
  for (int l = 0; l < WK_WIDTH; l++) {
    if (count[l] > way->passes) way->passes = (int)count[l];
  }
}

/* Gravity at a stage: the third is so near the second, and what slopes are taken of so near one of both, that one field serves
 * each pair. */
WK_INLINE void stage_gravity(enum wk_mode mode, int stage, const lane *x, struct mode_way *way, lane *gravity) {
  struct motion_field *field = stage == 0 ? &way->early : stage == 3 ? &way->late : &way->half;
  if (stage == 2) {
    motion_field_near(field, x, gravity);
  } else if (stage == 1 || mode == WK_REENTRY) {
    motion_field_at(x, field);
    for (int c = 0; c < 3; c++) gravity[c] = field->gravity[c];
  } else {
    lane_gravity(x, gravity);
  }
}

/* Re-entry's air at x; where a lane stays above the air, by that of the step's start. */
WK_OUTLINE void reentry_air(const struct mode_way *way, const lane *x, struct motion_air *air) {
  struct motion_air thin;
  if (lane_every(way->airless)) {
    motion_air_near(&way->air, x, air);
    return;
  }
  motion_air_at(x, way->coefficient, air);
  if (!lane_any(way->airless)) return;
  motion_air_near(&way->air, x, &thin);
  motion_air_choose(way->airless, &thin, air);
}

/* The air that the stages and slopes of a step need, as soon as its first rate is known: at the second stage's place, and for re-entry
 * at where the first rate leads to, which is near the fourth's. */
WK_INLINE void stage_air(enum wk_mode mode, const lane *second, struct mode_way *way) {
  if (mode == WK_COAST) motion_air_at(second, way->coefficient, &way->half_air);
  if (mode != WK_REENTRY) return;
  lane late[6];
  const lane half = way->h * lane_all(0.5);
  for (int c = 0; c < 3; c++) {
    late[c] = lane_fma(way->h, lane_fma(half, way->rate[0][3 + c], way->x[3 + c]), way->x[c]);
    late[3 + c] = second[3 + c];
  }
  reentry_air(way, second, &way->half_air);
  reentry_air(way, late, &way->late_air);
}
WK_INLINE lane stage_drag(int stage, const lane *x, const struct mode_way *way) {
  if (stage == 0) return way->air.drag;
  if (stage == 1) return way->half_air.drag;
  struct motion_air near;
  motion_air_near(stage == 2 ? &way->half_air : &way->late_air, x, &near);
  return near.drag;
}

/* A stage of Runge-Kutta for the mean. */
WK_INLINE void mean_stage(enum wk_mode mode, int stage, double decay, struct mode_way *way) {
  const int n = 6 + motion_extra(mode);
  lane x[IMM_STATE_MAX], gravity[3], drag = lane_all(0.0);
  const lane ahead = stage == 3 ? way->h : way->h * lane_all(0.5);
  for (int i = 0; i < n; i++) x[i] = stage ? lane_fma(ahead, way->rate[stage - 1][i], way->x[i]) : way->x[i];
  if (mode == WK_BOOST || mode == WK_COAST || mode == WK_REENTRY) stage_gravity(mode, stage, x, way, gravity);
  if (stage == 1 && (mode == WK_COAST || mode == WK_REENTRY)) stage_air(mode, x, way);
  if (mode == WK_REENTRY) drag = stage_drag(stage, x, way);
  motion_rate(mode, x, gravity, drag, decay, way->rate[stage]);
}

/* The mean at the end of the step, and a state in the middle: cubic through both ends, since the stages' own middle is too coarse
 * to take slopes at. */
WK_INLINE void mean_end(enum wk_mode mode, struct mode_way *way) {
  const int n = 6 + motion_extra(mode);
  const lane sixth = way->h * lane_all(1.0 / 6.0), eighth = way->h * lane_all(1.0 / 8.0);
  for (int i = 0; i < n; i++) {
    const lane k1 = way->rate[0][i], k4 = way->rate[3][i], inner = way->rate[1][i] + way->rate[2][i];
    way->end[i] = lane_fma(sixth, k1 + k4 + (inner + inner), way->x[i]);
    way->middle[i] = lane_fma(eighth, k1 - k4, lane_all(0.5) * (way->x[i] + way->end[i]));
  }
}

/* By slopes at the start, in the middle and at the end of the step. */
WK_INLINE void mode_transition_along(enum wk_mode mode, double decay, const struct motion_slope *middle, struct mode_way *way,
                                     struct motion_transition *transition) {
  struct motion_slope start, finish;
  motion_slope_at(mode, way->x, way->early.gradient, &way->air, decay, &start);
  if (mode == WK_REENTRY) motion_air_near(&way->late_air, way->end, &way->air);
  motion_slope_at(mode, way->end, way->late.gradient, &way->air, decay, &finish);
  motion_transition_along(&start, middle, &finish, way->h, transition);
}

/* Re-entry where there is next to no air needs but one slope. */
WK_OUTLINE void reentry_transition(const struct motion_slope *middle, lane h, struct motion_transition *transition) {
  motion_transition_at(WK_REENTRY, middle, h, transition);
}

WK_INLINE void mode_transition(enum wk_mode mode, double decay, const struct motion_slope *middle, struct mode_way *way,
                               struct motion_transition *transition) {
  struct motion_transition straight;
  if (mode != WK_CT && mode != WK_REENTRY) {
    motion_transition_at(mode, middle, way->h, transition);
    return;
  }
  if (mode == WK_REENTRY && lane_every(way->airless)) {
    reentry_transition(middle, way->h, transition);
    return;
  }
  mode_transition_along(mode, decay, middle, way, transition);
  if (mode == WK_CT || !lane_any(way->airless)) return;
  reentry_transition(middle, way->h, &straight);
  for (int i = 0; i < 6 * WK_REENTRY_N; i++) transition->row[i] = lane_select(way->airless, straight.row[i], transition->row[i]);
}

/* Covariance p, in the block, over the step from the means along it: next. */
WK_INLINE void mode_carry(enum wk_mode mode, lane_mask noisy, const struct wk_tuning *tuning, struct mode_way *way, wk_lane *p,
                          int first, lane *next) {
  const double decay = 1.0 / tuning->boost_force_tau_s;
  struct motion_slope slope;
  struct motion_air air;
  struct motion_transition transition;
  if (mode == WK_COAST || mode == WK_REENTRY) motion_air_near(&way->half_air, way->middle, &air);
  motion_slope_at(mode, way->middle, way->half.gradient, &air, decay, &slope);
  mode_transition(mode, decay, &slope, way, &transition);
  const lane psd = motion_psd(mode, &air, &slope, noisy, tuning);
  if (mode == WK_REENTRY) {
    lane before[WK_PACKED(WK_REENTRY_N)];
    lanes_load(before, p, WK_PACKED(WK_REENTRY_N), first);
    motion_noise_before(psd, before, way->h);
    covariance_carry(WK_REENTRY_N, &transition, before, 1, next);
  } else {
    covariance_carry(6 + motion_extra(mode), &transition, lanes_at(p, first), LANES_APART, next);
  }
  motion_noise(mode, way->middle, psd, &slope, next, way->h, noisy, tuning);
}

/* One step in the lanes that are still due; others keep every bit. */
WK_INLINE void mode_finish(enum wk_mode mode, int pass, wk_lane *at, int first, lane_mask noisy, const struct wk_tuning *tuning,
                           struct mode_way *way) {
  const int n = 6 + motion_extra(mode);
  const lane_mask due = lane_less(lane_all(pass), way->due);
  lane next[IMM_PACKED_MAX];
  mean_end(mode, way);
  mode_carry(mode, noisy, tuning, way, at + n, first, next);
  lanes_store_where(at, way->end, n, first, due);
  lanes_store_where(at + n, next, WK_PACKED(n), first, due);
  if (pass + 1 == way->passes) return;
  lanes_load(way->x, at, n, first);
  if (mode == WK_REENTRY && lane_any(way->airless)) {
    struct motion_air air;
    motion_air_at(way->x, way->coefficient, &air);
    motion_air_choose(way->airless, &air, &way->air);
    for (int c = 0; c < 3; c++) way->air.at[c] = way->x[c];
  }
}

/* Each lane takes its own number of steps; once done, further passes leave it untouched. */
WK_INLINE void mode_predict(enum wk_mode mode, wk_lane *at, int first, lane dt, lane_mask noisy,
                            const struct wk_tuning *tuning) {
  const double decay = 1.0 / tuning->boost_force_tau_s;
  struct mode_way way;
  mode_begin(mode, at, first, dt, tuning, &way);
  for (int pass = 0; pass < way.passes; pass++) {
    WK_UNROLL for (int stage = 0; stage < 4; stage++) mean_stage(mode, stage, decay, &way);
    mode_finish(mode, pass, at, first, noisy, tuning, &way);
  }
}

/* dt within its bound; not a number counts as zero. */
WK_INLINE lane dt_bound(lane dt) {
  const lane bounded = lane_max(lane_min(dt, lane_all(PREDICT_DT_MAX_S)), lane_all(-PREDICT_DT_MAX_S));
  return lane_select(lane_equal(dt, dt), bounded, lane_all(0.0));
}
WK_INLINE lane_mask lanes_noisy(lane dt, lane quiet) {
  return lane_less(lane_all(0.0), dt) & lane_equal(quiet, lane_all(0.0));
}

#endif

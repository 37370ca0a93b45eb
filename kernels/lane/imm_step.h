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

/* Longest step of each mode (s), with the air at x for re-entry. Coast and level flight change slowly; the specific force is taken as
 * constant to first order in the step over its correlation time; drag changes within a scale height; a turn within a radian. */
WK_INLINE lane step_longest(enum wk_mode mode, const lane *x, const struct motion_air *air, lane dt) {
  if (mode == WK_BOOST) return lane_all(1.0);
  if (mode == WK_CT) return lane_all(1.0);
  if (mode == WK_CV) return lane_all(5.0);
  lane height, up[3];
  if (mode == WK_REENTRY) {
    height = air->height;
    for (int c = 0; c < 3; c++) up[c] = air->up[c];
  } else {
    lane_height(x, &height, up);
  }
  /* Falling freely on a flat Earth from here: the lower end of the way, unless it ends higher than it starts. */
  const lane end = height + dot3(up, x + 3) * dt - lane_all(5.0) * dt * dt;
  const lane_mask airless = lane_less(lane_all(PREDICT_AIRLESS_M), lane_min(height, end));
  lane braked = lane_all(1.0);
  if (mode == WK_REENTRY) {
    const lane drag = lane_max(air->drag, lane_all(1e-9));
    braked = lane_max(lane_min(lane_all(PREDICT_BRAKING) / drag, braked), lane_all(0.1));
  }
  return lane_select(airless, lane_all(5.0), braked);
}

/* A state on its way through steps: the air at it and its coefficient, for re-entry, come with it. */
struct mode_way {
  struct motion_air air;
  lane coefficient;
};

/* Drag at a stage within a step. */
WK_INLINE lane stage_drag(enum wk_mode mode, const lane *x, const struct mode_way *way) {
  struct motion_air air;
  if (mode != WK_REENTRY) return lane_all(0.0);
  motion_air_at(x, way->coefficient, &air);
  return air.drag;
}

/* The mean over h seconds by Runge-Kutta, and a state in the middle: cubic through both ends, since the stages' own middle is too coarse
 * to take slopes at. */
WK_INLINE void mean_step(enum wk_mode mode, const lane *x, const struct mode_way *way, lane h, double decay, lane *middle,
                         lane *end) {
  const int n = 6 + motion_extra(mode);
  const lane half = h * lane_all(0.5), sixth = h * lane_all(1.0 / 6.0), eighth = h * lane_all(1.0 / 8.0);
  lane k1[IMM_STATE_MAX], k2[IMM_STATE_MAX], k3[IMM_STATE_MAX], k4[IMM_STATE_MAX];
  motion_rate(mode, x, mode == WK_REENTRY ? way->air.drag : lane_all(0.0), decay, k1);
  for (int i = 0; i < n; i++) middle[i] = lane_fma(half, k1[i], x[i]);
  motion_rate(mode, middle, stage_drag(mode, middle, way), decay, k2);
  for (int i = 0; i < n; i++) middle[i] = lane_fma(half, k2[i], x[i]);
  motion_rate(mode, middle, stage_drag(mode, middle, way), decay, k3);
  for (int i = 0; i < n; i++) end[i] = lane_fma(h, k3[i], x[i]);
  motion_rate(mode, end, stage_drag(mode, end, way), decay, k4);
  for (int i = 0; i < n; i++) {
    end[i] = lane_fma(sixth, k1[i] + k4[i] + lane_all(2.0) * (k2[i] + k3[i]), x[i]);
    middle[i] = lane_fma(eighth, k1[i] - k4[i], lane_all(0.5) * (x[i] + end[i]));
  }
}

/* One step of h seconds in all lanes, from s to next; s is spent. */
WK_INLINE void mode_step(enum wk_mode mode, struct imm_mode *s, struct imm_mode *next, struct mode_way *way, lane h,
                         lane_mask noisy, const struct wk_tuning *tuning) {
  const int n = 6 + motion_extra(mode);
  const double decay = 1.0 / tuning->boost_force_tau_s;
  struct motion_slope start, slope, finish;
  struct motion_air air;
  struct motion_transition transition;
  lane middle[IMM_STATE_MAX];
  mean_step(mode, s->x, way, h, decay, middle, next->x);
  if (mode == WK_REENTRY) motion_air_at(middle, way->coefficient, &air);
  motion_slope_at(mode, middle, &air, decay, &slope);
  if (mode == WK_REENTRY || mode == WK_CT) {
    motion_slope_at(mode, s->x, &way->air, decay, &start);
    if (mode == WK_REENTRY) motion_air_at(next->x, way->coefficient, &way->air);
    motion_slope_at(mode, next->x, &way->air, decay, &finish);
    motion_transition_along(&start, &slope, &finish, h, &transition);
  } else {
    motion_transition_at(mode, &slope, h, &transition);
  }
  const lane psd = motion_psd(mode, middle, &air, &slope, noisy, tuning);
  motion_noise_before(mode, psd, s->p, h);
  covariance_carry(n, &transition, s->p, next->p);
  motion_noise(mode, middle, psd, &slope, next->p, h, noisy, tuning);
}

/* Each lane takes its own number of steps; once done, further passes leave it untouched. */
WK_INLINE void mode_predict(enum wk_mode mode, wk_lane *at, int first, lane dt, lane_mask noisy,
                            const struct wk_tuning *tuning) {
  const int n = 6 + motion_extra(mode);
  struct imm_mode s, next;
  struct mode_way way;
  const struct motion_air *air = NULL;
  mode_load(&s, n, at, first);
  if (mode == WK_REENTRY) {
    way.coefficient = motion_coefficient(s.x);
    motion_air_at(s.x, way.coefficient, &way.air);
    air = &way.air;
  }
  const lane one = lane_all(1.0);
  const lane wish = lane_round(lane_abs(dt) / step_longest(mode, s.x, air, dt) + lane_all(0.4999));
  const lane steps = lane_max(lane_min(wish, lane_all(PREDICT_STEPS_MAX)), one);
  const lane h = dt / steps;
  const lane due = lane_select(lane_equal(dt, lane_all(0.0)), lane_all(0.0), steps);
  double count[WK_WIDTH];
  lane_store(count, due);
  int passes = 0;
  for (int l = 0; l < WK_WIDTH; l++) {
    if (count[l] > passes) passes = (int)count[l];
  }
  for (int pass = 0; pass < passes; pass++) {
    if (pass) mode_load(&s, n, at, first);
    mode_step(mode, &s, &next, &way, h, noisy, tuning);
    mode_store_where(&next, n, at, first, lane_less(lane_all(pass), due));
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

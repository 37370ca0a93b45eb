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

/* Longest step of each mode (s). Coast and level flight change slowly; the specific force is taken as constant to
 * first order in the step over its correlation time; drag changes within a scale height; a turn within a radian. */
WK_INLINE lane step_longest(enum wk_mode mode, const lane *x, lane dt) {
  if (mode == WK_BOOST) return lane_all(1.0);
  if (mode == WK_CT) return lane_all(1.0);
  if (mode == WK_CV) return lane_all(5.0);
  lane height, up[3], speed;
  lane_height(x, &height, up);
  /* Falling freely on a flat Earth from here: the lower end of the way, unless it ends higher than it starts. */
  const lane end = height + dot3(up, x + 3) * dt - lane_all(5.0) * dt * dt;
  const lane_mask airless = lane_less(lane_all(PREDICT_AIRLESS_M), lane_min(height, end));
  lane braked = lane_all(1.0);
  if (mode == WK_REENTRY) {
    const lane drag = lane_max(motion_drag(x, &speed, &height, up), lane_all(1e-9));
    braked = lane_max(lane_min(lane_all(PREDICT_BRAKING) / drag, braked), lane_all(0.1));
  }
  return lane_select(airless, lane_all(5.0), braked);
}

/* One step of h seconds in all lanes. */
WK_INLINE void mode_step(enum wk_mode mode, struct imm_mode *s, lane h, lane_mask noisy,
                         const struct wk_tuning *tuning) {
  const int n = 6 + motion_extra(mode);
  const double decay = 1.0 / tuning->boost_force_tau_s;
  const lane half = h * lane_all(0.5);
  struct motion_slope start, slope, finish;
  if (mode == WK_REENTRY || mode == WK_CT) motion_slope_at(mode, s->x, decay, &start);
  lane k1[IMM_STATE_MAX], k2[IMM_STATE_MAX], k3[IMM_STATE_MAX], k4[IMM_STATE_MAX];
  lane middle[IMM_STATE_MAX], end[IMM_STATE_MAX];
  motion_rate(mode, s->x, decay, k1);
  for (int i = 0; i < n; i++) middle[i] = lane_fma(half, k1[i], s->x[i]);
  motion_rate(mode, middle, decay, k2);
  for (int i = 0; i < n; i++) middle[i] = lane_fma(half, k2[i], s->x[i]);
  motion_rate(mode, middle, decay, k3);
  for (int i = 0; i < n; i++) end[i] = lane_fma(h, k3[i], s->x[i]);
  motion_rate(mode, end, decay, k4);
  const lane sixth = h * lane_all(1.0 / 6.0), eighth = h * lane_all(1.0 / 8.0);
  for (int i = 0; i < n; i++) {
    const lane was = s->x[i];
    s->x[i] = lane_fma(sixth, k1[i] + k4[i] + lane_all(2.0) * (k2[i] + k3[i]), was);
    /* Cubic through both ends: the stages' own middle is too coarse to take slopes at. */
    middle[i] = lane_fma(eighth, k1[i] - k4[i], lane_all(0.5) * (was + s->x[i]));
  }

  struct motion_transition transition;
  motion_slope_at(mode, middle, decay, &slope);
  if (mode == WK_REENTRY || mode == WK_CT) {
    motion_slope_at(mode, s->x, decay, &finish);
    motion_transition_along(n - 6, &start, &slope, &finish, h, &transition);
  } else {
    motion_transition_at(n - 6, &slope, h, &transition);
  }
  motion_noise_before(mode, middle, &slope, s->p, h, noisy, tuning);
  covariance_carry(n, &transition, s->p);
  motion_noise(mode, middle, &slope, s->p, h, noisy, tuning);
}

/* Each lane takes its own number of steps; once done, further passes leave it untouched. */
WK_INLINE void mode_predict(enum wk_mode mode, wk_lane *at, int first, lane dt, lane_mask noisy,
                            const struct wk_tuning *tuning) {
  const int n = 6 + motion_extra(mode);
  struct imm_mode s, next;
  mode_load(&s, n, at, first);
  const lane one = lane_all(1.0);
  const lane wish = lane_round(lane_abs(dt) / step_longest(mode, s.x, dt) + lane_all(0.4999));
  const lane steps = lane_max(lane_min(wish, lane_all(PREDICT_STEPS_MAX)), one);
  const lane h = dt / steps;
  const lane due = lane_select(lane_equal(dt, lane_all(0.0)), lane_all(0.0), steps);
  double count[WK_WIDTH];
  lane_store(count, due);
  int passes = 0;
  for (int l = 0; l < WK_WIDTH; l++) {
    if (count[l] > passes) passes = (int)count[l];
  }
  lane done = lane_all(0.0);
  for (int pass = 0; pass < passes; pass++) {
    next = s;
    mode_step(mode, &next, h, noisy, tuning);
    const lane_mask active = lane_less(done, due);
    for (int i = 0; i < n; i++) s.x[i] = lane_select(active, next.x[i], s.x[i]);
    for (int i = 0; i < WK_PACKED(n); i++) s.p[i] = lane_select(active, next.p[i], s.p[i]);
    done = done + one;
  }
  mode_store(&s, n, at, first);
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

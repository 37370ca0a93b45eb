/* Motion of the five modes in rotating ECEF axes: rate of the state, its Jacobian, the transition matrix and the
 * process noise of one short step (docs/maths.md M1 to M9). */
#ifndef WK_IMM_MODELS_H
#define WK_IMM_MODELS_H

#include "kernels/lane/imm_state.h"
#include "kernels/lane/lane_earth.h"
#include "kernels/lane/lane_math.h"

/* Drag may stop a body within a second but not faster: keeps the one-second step stable for light debris. */
#define MOTION_DRAG_RATE_MAX 1.0
#define MOTION_TURN_RATE_MAX 0.5 /* rad/s: twice what any manned aircraft holds */
/* Knowledge of the inverse ballistic coefficient never gets worse than this variance: e^1.5 either way covers what is
 * known of any re-entering body. */
#define MOTION_DRAG_VARIANCE_MAX 2.25
#define MOTION_DRAG_BETA 5000.0  /* kg/m^2: body whose drag scales the extra coast noise */
#define MOTION_DRAG_CORRELATION_S 1.0

/* d(rate)/d(state): velocity rate by position, velocity and extra states (3 x 3 by rows; 3 x extra by rows), and the
 * decay of the extra states. */
struct motion_slope {
  lane dp[9], dv[9], de[9];
  double decay;
};

WK_INLINE int motion_extra(enum wk_mode mode) {
  return mode == WK_BOOST ? 3 : mode == WK_REENTRY || mode == WK_CT ? 1 : 0;
}

/* Gravity, centrifugal and Coriolis acceleration (M1). */
WK_INLINE void motion_earth(const lane *p, const lane *v, lane *accel) {
  lane_gravity(p, accel);
  const lane squared = lane_all(WK_EARTH_OMEGA * WK_EARTH_OMEGA), twice = lane_all(2.0 * WK_EARTH_OMEGA);
  accel[0] = lane_fma(squared, p[0], lane_fma(twice, v[1], accel[0]));
  accel[1] = lane_fma(squared, p[1], accel[1] - twice * v[0]);
}

/* Rate of slowing 1/2 rho |v| CD A / m (1/s), the speed and up (M3). */
WK_INLINE lane motion_drag(const lane *x, lane *speed, lane *height, lane *up) {
  lane_height(x, height, up);
  *speed = lane_sqrt(dot3(x + 3, x + 3));
  const lane coefficient = lane_exp(lane_min(x[6], lane_all(0.0)));
  const lane rate = lane_all(0.5) * lane_density(*height) * *speed * coefficient;
  return lane_min(rate, lane_all(MOTION_DRAG_RATE_MAX));
}

WK_INLINE lane motion_turn_rate(const lane *x) {
  return lane_max(lane_min(x[6], lane_all(MOTION_TURN_RATE_MAX)), lane_all(-MOTION_TURN_RATE_MAX));
}

/* Level flight: the velocity turns with the local vertical, and with `turn` about it (M4, M5). */
WK_INLINE void motion_level(const lane *x, lane turn, lane *accel) {
  lane up[3], height, left[3];
  lane_height(x, &height, up);
  const lane *v = x + 3;
  const lane curvature = lane_all(1.0) / lane_sqrt(dot3(x, x));
  const lane climb = dot3(up, v) * curvature, drop = dot3(v, v) * curvature;
  cross3(up, v, left);
  for (int c = 0; c < 3; c++) accel[c] = lane_fma(v[c], climb, lane_fma(turn, left[c], -(up[c] * drop)));
}

/* Rate of the state of a mode (M1 to M5). force_decay: 1 / correlation time of the specific force (1/s). */
WK_INLINE void motion_rate(enum wk_mode mode, const lane *x, double force_decay, lane *rate) {
  for (int c = 0; c < 3; c++) rate[c] = x[3 + c];
  if (mode == WK_CV || mode == WK_CT) {
    motion_level(x, mode == WK_CT ? motion_turn_rate(x) : lane_all(0.0), rate + 3);
  } else {
    motion_earth(x, x + 3, rate + 3);
  }
  if (mode == WK_BOOST) {
    for (int c = 0; c < 3; c++) {
      rate[3 + c] = rate[3 + c] + x[6 + c];
      rate[6 + c] = lane_all(-force_decay) * x[6 + c];
    }
  }
  if (mode == WK_REENTRY) {
    lane speed, height, up[3];
    const lane drag = motion_drag(x, &speed, &height, up);
    for (int c = 0; c < 3; c++) rate[3 + c] = lane_fma(-drag, x[3 + c], rate[3 + c]);
  }
  if (mode == WK_REENTRY || mode == WK_CT) rate[6] = lane_all(0.0);
}

WK_INLINE void motion_earth_slope(const lane *x, struct motion_slope *slope) {
  lane g[6];
  lane_gravity_gradient(x, g);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      slope->dp[3 * i + j] = g[packed_at(3, i, j)];
      slope->dv[3 * i + j] = lane_all(0.0);
    }
  }
  const lane squared = lane_all(WK_EARTH_OMEGA * WK_EARTH_OMEGA);
  slope->dp[0] = slope->dp[0] + squared;
  slope->dp[4] = slope->dp[4] + squared;
  slope->dv[1] = lane_all(2.0 * WK_EARTH_OMEGA);
  slope->dv[3] = lane_all(-2.0 * WK_EARTH_OMEGA);
}

WK_INLINE void motion_drag_slope(const lane *x, struct motion_slope *slope) {
  lane speed, height, up[3];
  const lane drag = motion_drag(x, &speed, &height, up);
  const lane thinning = drag * lane_density_log_slope(height);
  const lane *v = x + 3;
  const lane square = lane_max(speed * speed, lane_all(1e-12));
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      slope->dp[3 * i + j] = lane_fma(-thinning, v[i] * up[j], slope->dp[3 * i + j]);
      slope->dv[3 * i + j] = lane_fma(-drag, v[i] * v[j] / square, slope->dv[3 * i + j]);
    }
    slope->dv[3 * i + i] = slope->dv[3 * i + i] - drag;
    slope->de[i] = -(drag * v[i]);
  }
}

/* Level flight; the vertical turns by (1 - up up') / |p| per metre. */
WK_INLINE void motion_level_slope(enum wk_mode mode, const lane *x, struct motion_slope *slope) {
  lane up[3], height, left[3], accel[3];
  lane_height(x, &height, up);
  const lane *v = x + 3;
  const lane curvature = lane_all(1.0) / lane_sqrt(dot3(x, x));
  const lane climb = dot3(up, v), square = dot3(v, v);
  const lane turn = mode == WK_CT ? motion_turn_rate(x) : lane_all(0.0);
  motion_level(x, lane_all(0.0), accel);
  cross3(up, v, left);
  for (int j = 0; j < 3; j++) {
    lane tilt[3], swing[3]; /* change of up, and of left, as the position moves along axis j */
    for (int i = 0; i < 3; i++) tilt[i] = (lane_all(i == j) - up[i] * up[j]) * curvature;
    cross3(tilt, v, swing);
    const lane rise = (v[j] - climb * up[j]) * curvature;
    for (int i = 0; i < 3; i++) {
      slope->dp[3 * i + j] =
          (v[i] * rise - square * tilt[i] - accel[i] * up[j]) * curvature + turn * swing[i];
      slope->dv[3 * i + j] = (lane_all(i == j) * climb + v[i] * up[j] - lane_all(2.0) * up[i] * v[j]) * curvature;
    }
  }
  if (mode == WK_CT) {
    for (int i = 0; i < 3; i++) { /* turn * (up cross) */
      const int j = (i + 1) % 3, k = (i + 2) % 3;
      slope->dv[3 * i + j] = slope->dv[3 * i + j] - turn * up[k];
      slope->dv[3 * i + k] = slope->dv[3 * i + k] + turn * up[j];
      slope->de[i] = left[i];
    }
  }
}

WK_INLINE void motion_slope_at(enum wk_mode mode, const lane *x, double force_decay, struct motion_slope *slope) {
  slope->decay = 0.0;
  if (mode == WK_CV || mode == WK_CT) {
    motion_level_slope(mode, x, slope);
  } else {
    motion_earth_slope(x, slope);
  }
  if (mode == WK_REENTRY) motion_drag_slope(x, slope);
  if (mode == WK_BOOST) {
    slope->decay = force_decay;
    for (int i = 0; i < 9; i++) slope->de[i] = lane_all(i % 4 == 0);
  }
}

/* c (3 x columns) = a (3 x 3) b (3 x columns), all by rows. */
WK_INLINE void mat3_times(const lane *a, const lane *b, lane *c, int columns) {
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < columns; j++) {
      c[i * columns + j] = lane_fma(a[3 * i + 0], b[j], lane_fma(a[3 * i + 1], b[columns + j], a[3 * i + 2] * b[2 * columns + j]));
    }
  }
}

/* A mode's transition matrix: six rows for position and velocity; each extra state only decays. */
struct motion_transition {
  lane row[6][IMM_STATE_MAX];
  lane keep;
};

/* exp(slope h) to third order, with the fourth for the force's decay (M6). */
WK_INLINE void motion_transition_at(int extra, const struct motion_slope *slope, lane h, struct motion_transition *f) {
  const lane *b = slope->dp, *c = slope->dv, *d = slope->de;
  const lane decay = lane_all(slope->decay);
  lane cb[9], v2[9], e2[9], bb[9], ccb[9], bc[9], cv2[9], bd[9], ce2[9];
  mat3_times(c, b, cb, 3);
  mat3_times(c, c, v2, 3);
  mat3_times(b, b, bb, 3);
  mat3_times(b, c, bc, 3);
  mat3_times(c, cb, ccb, 3);
  for (int i = 0; i < 9; i++) v2[i] = v2[i] + b[i];
  mat3_times(c, v2, cv2, 3);
  mat3_times(c, d, e2, extra);
  for (int i = 0; i < 3 * extra; i++) e2[i] = e2[i] - decay * d[i];
  mat3_times(b, d, bd, extra);
  mat3_times(c, e2, ce2, extra);
  const lane h2 = h * h * lane_all(1.0 / 2.0), h3 = h2 * h * lane_all(1.0 / 3.0), h4 = h3 * h * lane_all(1.0 / 4.0);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      const int a = 3 * i + j;
      const lane one = lane_all(i == j);
      f->row[i][j] = lane_fma(h2, b[a], lane_fma(h3, cb[a], one));
      f->row[i][3 + j] = lane_fma(h2, c[a], lane_fma(h3, v2[a], one * h));
      f->row[3 + i][j] = lane_fma(h, b[a], lane_fma(h2, cb[a], h3 * (bb[a] + ccb[a])));
      f->row[3 + i][3 + j] = lane_fma(h, c[a], lane_fma(h2, v2[a], lane_fma(h3, bc[a] + cv2[a], one)));
    }
    for (int j = 0; j < extra; j++) {
      const int a = extra * i + j;
      const lane d2 = decay * decay * d[a];
      f->row[i][6 + j] = lane_fma(h2, d[a], lane_fma(h3, e2[a], h4 * d2));
      f->row[3 + i][6 + j] = lane_fma(h, d[a], lane_fma(h2, e2[a], h3 * (bd[a] + ce2[a] + d2)));
    }
  }
  const lane s = h * decay;
  f->keep = lane_all(1.0) - s * (lane_all(1.0) - s * (lane_all(0.5) - s * (lane_all(1.0 / 6.0) - s * lane_all(1.0 / 24.0))));
}

/* Rate of a column of the transition matrix: position and velocity parts y, and the extra state `of` where the column
 * belongs to it (else -1). */
WK_INLINE void column_rate(int extra, const struct motion_slope *slope, const lane *y, int of, lane *rate) {
  for (int i = 0; i < 3; i++) {
    rate[i] = y[3 + i];
    lane sum = of < 0 ? lane_all(0.0) : slope->de[i * extra + of];
    for (int j = 0; j < 3; j++) sum = lane_fma(slope->dp[3 * i + j], y[j], lane_fma(slope->dv[3 * i + j], y[3 + j], sum));
    rate[3 + i] = sum;
  }
}

/* For slopes that change within a step (drag, turns): Runge-Kutta of the variational equation with the slopes at its
 * start, middle and end. The extra states do not decay (M6). */
WK_INLINE void motion_transition_along(int extra, const struct motion_slope *start, const struct motion_slope *middle,
                                       const struct motion_slope *end, lane h, struct motion_transition *f) {
  const lane half = h * lane_all(0.5), sixth = h * lane_all(1.0 / 6.0);
  for (int j = 0; j < 6 + extra; j++) {
    const int of = j < 6 ? -1 : j - 6;
    lane y[6], at[6], k1[6], k2[6], k3[6], k4[6];
    for (int i = 0; i < 6; i++) y[i] = lane_all(i == j);
    column_rate(extra, start, y, of, k1);
    for (int i = 0; i < 6; i++) at[i] = lane_fma(half, k1[i], y[i]);
    column_rate(extra, middle, at, of, k2);
    for (int i = 0; i < 6; i++) at[i] = lane_fma(half, k2[i], y[i]);
    column_rate(extra, middle, at, of, k3);
    for (int i = 0; i < 6; i++) at[i] = lane_fma(h, k3[i], y[i]);
    column_rate(extra, end, at, of, k4);
    for (int i = 0; i < 6; i++) f->row[i][j] = lane_fma(sixth, k1[i] + k4[i] + lane_all(2.0) * (k2[i] + k3[i]), y[i]);
  }
  f->keep = lane_all(1.0);
}

/* P := F P F' for n = 6 + extra states. */
WK_INLINE void covariance_carry(int n, const struct motion_transition *f, lane *p) {
  lane t[6][IMM_STATE_MAX];
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < n; j++) {
      lane sum = f->row[i][0] * p[packed_at(n, 0, j)];
      for (int k = 1; k < n; k++) sum = lane_fma(f->row[i][k], p[packed_at(n, k, j)], sum);
      t[i][j] = sum;
    }
  }
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) {
      lane sum = t[i][0] * f->row[j][0];
      for (int k = 1; k < n; k++) sum = lane_fma(t[i][k], f->row[j][k], sum);
      p[packed_at(n, i, j)] = sum;
    }
    for (int j = 6; j < n; j++) p[packed_at(n, i, j)] = t[i][j] * f->keep;
  }
  const lane keep2 = f->keep * f->keep;
  for (int i = 6; i < n; i++) {
    for (int j = i; j < n; j++) p[packed_at(n, i, j)] = p[packed_at(n, i, j)] * keep2;
  }
}

/* White acceleration of density `flat`, plus `raised` along up, over h seconds (M7). up may be NULL where raised is
 * not wanted. */
WK_INLINE void noise_accel(int n, lane *p, lane h, lane flat, lane raised, const lane *up) {
  const lane pv = h * h * lane_all(0.5), pp = pv * h * lane_all(2.0 / 3.0);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      lane q = lane_all(i == j) * flat;
      if (up) q = q + raised * up[i] * up[j];
      if (j >= i) {
        p[packed_at(n, i, j)] = lane_fma(pp, q, p[packed_at(n, i, j)]);
        p[packed_at(n, 3 + i, 3 + j)] = lane_fma(h, q, p[packed_at(n, 3 + i, 3 + j)]);
      }
      p[packed_at(n, i, 3 + j)] = lane_fma(pv, q, p[packed_at(n, i, 3 + j)]);
    }
  }
}

/* White noise of density psd on the rate of each extra state over h seconds, reaching velocity and position through
 * the columns de; to second order in the decay over h (M8). */
WK_INLINE void noise_extra(int n, lane *p, lane h, lane psd, const struct motion_slope *slope) {
  const int extra = n - 6;
  const lane one = lane_all(1.0), s = h * lane_all(slope->decay), h2 = h * h, h3 = h2 * h, q = psd * h;
  const lane ee = q * (one - s * (one - s * lane_all(2.0 / 3.0)));
  const lane ve = q * h * lane_all(1.0 / 2.0) * (one - s * (one - s * lane_all(7.0 / 12.0)));
  const lane pe = q * h2 * lane_all(1.0 / 6.0) * (one - s * (one - s * lane_all(11.0 / 20.0)));
  const lane vv = q * h2 * lane_all(1.0 / 3.0) * (one - s * (lane_all(3.0 / 4.0) - s * lane_all(7.0 / 20.0)));
  const lane pv = q * h3 * lane_all(1.0 / 8.0) * (one - s * (lane_all(2.0 / 3.0) - s * lane_all(5.0 / 18.0)));
  const lane pp = q * h3 * h * lane_all(1.0 / 20.0) * (one - s * (lane_all(5.0 / 9.0) - s * lane_all(25.0 / 126.0)));
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      lane both = lane_all(0.0);
      for (int e = 0; e < extra; e++) both = lane_fma(slope->de[i * extra + e], slope->de[j * extra + e], both);
      if (j >= i) {
        p[packed_at(n, i, j)] = lane_fma(pp, both, p[packed_at(n, i, j)]);
        p[packed_at(n, 3 + i, 3 + j)] = lane_fma(vv, both, p[packed_at(n, 3 + i, 3 + j)]);
      }
      p[packed_at(n, i, 3 + j)] = lane_fma(pv, both, p[packed_at(n, i, 3 + j)]);
    }
    for (int e = 0; e < extra; e++) {
      const lane d = slope->de[i * extra + e];
      p[packed_at(n, i, 6 + e)] = lane_fma(pe, d, p[packed_at(n, i, 6 + e)]);
      p[packed_at(n, 3 + i, 6 + e)] = lane_fma(ve, d, p[packed_at(n, 3 + i, 6 + e)]);
    }
  }
  for (int e = 0; e < extra; e++) p[packed_at(n, 6 + e, 6 + e)] = p[packed_at(n, 6 + e, 6 + e)] + ee;
}

/* PSD of what free flight has besides drag: thrusters and vents of stages low above the air, nothing but gravity's detail in
 * space (M7). */
WK_INLINE lane motion_unrest(lane height, const struct wk_tuning *tuning) {
  const lane above = (height - lane_all(tuning->staging_altitude_m)) * lane_all(-1.0 / IMM_STAGING_SCALE_M);
  const lane low = lane_all(tuning->coast_low_accel_psd) * lane_exp(lane_min(above, lane_all(0.0)));
  return lane_max(low, lane_all(tuning->coast_accel_psd));
}

/* PSD of re-entry's acceleration noise about the state x: unrest and lift (M7). */
WK_INLINE lane motion_lift(const lane *x, const struct motion_slope *slope, const struct wk_tuning *tuning) {
  lane up[3], height;
  lane_height(x, &height, up);
  const lane lift = lane_all(tuning->reentry_lift_fraction * tuning->reentry_lift_fraction * MOTION_DRAG_CORRELATION_S);
  return lane_fma(lift, dot3(slope->de, slope->de), motion_unrest(height, tuning));
}

/* Half of re-entry's acceleration noise comes before the step's transition, taken back by h so that free flight would carry it to
 * what M7 says; the other half after: so drag damps what it damps on average (M7). */
WK_INLINE void motion_noise_before(enum wk_mode mode, const lane *x, const struct motion_slope *slope, lane *p, lane h,
                                   lane_mask noisy, const struct wk_tuning *tuning) {
  if (mode != WK_REENTRY) return;
  const lane zero = lane_all(0.0), on = lane_select(noisy, lane_all(1.0), zero);
  noise_accel(WK_REENTRY_N, p, -h, on * lane_all(-0.5) * motion_lift(x, slope, tuning), zero, NULL);
}

/* Process noise of a mode over h seconds about the state x; `noisy` lanes only (M7 to M9). */
WK_INLINE void motion_noise(enum wk_mode mode, const lane *x, const struct motion_slope *slope, lane *p, lane h,
                            lane_mask noisy, const struct wk_tuning *tuning) {
  const lane zero = lane_all(0.0), on = lane_select(noisy, lane_all(1.0), zero);
  const int n = 6 + motion_extra(mode);
  lane up[3], height;
  if (mode == WK_BOOST) noise_extra(n, p, h, on * lane_all(tuning->boost_jerk_psd), slope);
  if (mode == WK_COAST) {
    lane_height(x, &height, up);
    const lane drag = lane_all(tuning->coast_drag_fraction / (2.0 * MOTION_DRAG_BETA)) * lane_density(height) *
                      dot3(x + 3, x + 3);
    const lane psd = lane_fma(drag * lane_all(MOTION_DRAG_CORRELATION_S), drag, motion_unrest(height, tuning));
    noise_accel(n, p, h, on * psd, zero, NULL);
  }
  if (mode == WK_REENTRY) {
    noise_accel(n, p, h, on * lane_all(0.5) * motion_lift(x, slope, tuning), zero, NULL);
    const lane known = p[packed_at(n, 6, 6)] * lane_all(1.0 / MOTION_DRAG_VARIANCE_MAX);
    const lane room = lane_max(lane_all(1.0) - known, zero);
    noise_extra(n, p, h, on * room * lane_all(tuning->reentry_drag_psd), slope);
  }
  if (mode == WK_CV || mode == WK_CT) {
    const double psd = mode == WK_CV ? tuning->cv_accel_psd : tuning->ct_accel_psd;
    const double raised = psd * (tuning->vertical_fraction * tuning->vertical_fraction - 1.0);
    lane_height(x, &height, up);
    noise_accel(n, p, h, on * lane_all(psd), on * lane_all(raised), up);
  }
  if (mode == WK_CT) noise_extra(n, p, h, on * lane_all(tuning->ct_turn_psd), slope);
}

#endif

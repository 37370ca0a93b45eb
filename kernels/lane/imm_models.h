/* Motion of the five modes in rotating ECEF axes: rate of the state, its Jacobian, the transition matrix and the
 * process noise of one short step (docs/maths.md M1 to M9). */
#ifndef WK_IMM_MODELS_H
#define WK_IMM_MODELS_H

#include "kernels/lane/imm_state.h"
#include "kernels/lane/lane_earth.h"
#include "kernels/lane/lane_math.h"
#include "kernels/lane/products.h"

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

/* What the turning of the axes adds to gravity: centrifugal and Coriolis acceleration (M1). */
WK_INLINE void motion_turning(const lane *p, const lane *v, lane *accel) {
  const lane squared = lane_all(WK_EARTH_OMEGA * WK_EARTH_OMEGA), twice = lane_all(2.0 * WK_EARTH_OMEGA);
  accel[0] = lane_fma(squared, p[0], lane_fma(twice, v[1], accel[0]));
  accel[1] = lane_fma(squared, p[1], accel[1] - twice * v[0]);
}
WK_INLINE void motion_earth(const lane *p, const lane *v, lane *accel) {
  lane_gravity(p, accel);
  motion_turning(p, v, accel);
}

/* The earth's pull at a place, and how it changes about it. */
struct motion_field {
  lane at[3], gravity[3], gradient[6];
};

WK_INLINE void motion_field_at(const lane *p, struct motion_field *field) {
  for (int c = 0; c < 3; c++) field->at[c] = p[c];
  lane_gravity_field(p, field->gravity, field->gradient);
}

/* Gravity some tens of metres from the field's place, by its gradient (M6): 200 m leave 2e-8 m/s^2. */
WK_INLINE void motion_field_near(const struct motion_field *field, const lane *p, lane *gravity) {
  const lane *g = field->gradient;
  const lane d[3] = {p[0] - field->at[0], p[1] - field->at[1], p[2] - field->at[2]};
  const lane rows[3][3] = {{g[0], g[1], g[2]}, {g[1], g[3], g[4]}, {g[2], g[4], g[5]}};
  for (int c = 0; c < 3; c++) gravity[c] = field->gravity[c] + dot3(rows[c], d);
}

/* What the air does to a body at x (M3): the rate of slowing 1/2 rho |v| CD A / m (1/s), and what else is found on the way. */
struct motion_air {
  lane at[3], height, up[3];
  lane resistance; /* 1/2 rho CD A / m (1/m) */
  lane speed2, drag;
  lane log_slope; /* of the density by height (1/m) */
};

/* CD A / m of a state; it stays through a step. */
WK_INLINE lane motion_coefficient(const lane *x) { return lane_exp(lane_min(x[6], lane_all(0.0))); }

/* Drag at the velocity v, the resistance being known. */
WK_INLINE void motion_air_drag(struct motion_air *air, const lane *v) {
  air->speed2 = dot3(v, v);
  air->drag = lane_min(air->resistance * lane_sqrt(air->speed2), lane_all(MOTION_DRAG_RATE_MAX));
}

WK_OUTLINE void motion_air_at(const lane *x, lane coefficient, struct motion_air *air) {
  lane log_density;
  for (int c = 0; c < 3; c++) air->at[c] = x[c];
  lane_height(x, &air->height, air->up);
  lane_air(air->height, &log_density, &air->log_slope);
  air->resistance = lane_all(0.5) * coefficient * lane_exp(log_density);
  motion_air_drag(air, x + 3);
}

/* The air some tens of metres from where it is known, the slope of its logarithm taken as constant (M6). */
WK_INLINE void motion_air_near(const struct motion_air *known, const lane *x, struct motion_air *air) {
  const lane moved[3] = {x[0] - known->at[0], x[1] - known->at[1], x[2] - known->at[2]};
  const lane rise = dot3(known->up, moved), change = known->log_slope * rise;
  const lane u = lane_max(lane_min(change, lane_all(0.5)), lane_all(-0.5)); /* e^u by its series */
  const lane series = lane_fma(lane_fma(lane_all(1.0 / 24.0), u, lane_all(1.0 / 6.0)), u, lane_all(0.5));
  for (int c = 0; c < 3; c++) {
    air->at[c] = x[c];
    air->up[c] = known->up[c];
  }
  air->height = known->height + rise;
  air->log_slope = known->log_slope;
  air->resistance = lane_fma(known->resistance * u, lane_fma(series, u, lane_all(1.0)), known->resistance);
  motion_air_drag(air, x + 3);
}

/* `to` becomes `from` in some lanes, but for its place, which is the same. */
WK_INLINE void motion_air_choose(lane_mask some, const struct motion_air *from, struct motion_air *to) {
  for (int c = 0; c < 3; c++) to->up[c] = lane_select(some, from->up[c], to->up[c]);
  to->height = lane_select(some, from->height, to->height);
  to->resistance = lane_select(some, from->resistance, to->resistance);
  to->speed2 = lane_select(some, from->speed2, to->speed2);
  to->drag = lane_select(some, from->drag, to->drag);
  to->log_slope = lane_select(some, from->log_slope, to->log_slope);
}

WK_INLINE lane motion_turn_rate(const lane *x) {
  return lane_max(lane_min(x[6], lane_all(MOTION_TURN_RATE_MAX)), lane_all(-MOTION_TURN_RATE_MAX));
}

/* 1 / R of level flight: R at least what any flight has, and so large that a step of 5 s is no more than a small part of the turn, or
 * what is no aircraft would be flung away by its passage of the Earth's centre. */
#define LEVEL_RADIUS_MIN_M 6e6
#define LEVEL_TURN_MIN_S 10.0
WK_INLINE lane motion_level_curvature(const lane *x) {
  const lane least = lane_max(lane_all(LEVEL_RADIUS_MIN_M * LEVEL_RADIUS_MIN_M),
                              lane_all(LEVEL_TURN_MIN_S * LEVEL_TURN_MIN_S) * dot3(x + 3, x + 3));
  return lane_rsqrt(lane_max(dot3(x, x), least));
}

/* Level flight: the velocity turns with the local vertical, and with `turn` about it (M4, M5). */
WK_INLINE void motion_level(const lane *x, lane turn, lane *accel) {
  lane up[3], height, left[3];
  lane_height(x, &height, up);
  const lane *v = x + 3;
  const lane curvature = motion_level_curvature(x);
  const lane climb = dot3(up, v) * curvature, drop = dot3(v, v) * curvature;
  cross3(up, v, left);
  for (int c = 0; c < 3; c++) accel[c] = lane_fma(v[c], climb, lane_fma(turn, left[c], -(up[c] * drop)));
}

/* Rate of the state of a mode (M1 to M5). gravity: at x, for all but level flight; drag: for re-entry, at x (1/s);
 * force_decay: 1 / correlation time of the specific force (1/s). */
WK_INLINE void motion_rate(enum wk_mode mode, const lane *x, const lane *gravity, lane drag, double force_decay, lane *rate) {
  for (int c = 0; c < 3; c++) rate[c] = x[3 + c];
  if (mode == WK_CV || mode == WK_CT) {
    motion_level(x, mode == WK_CT ? motion_turn_rate(x) : lane_all(0.0), rate + 3);
  } else {
    for (int c = 0; c < 3; c++) rate[3 + c] = gravity[c];
    motion_turning(x, x + 3, rate + 3);
  }
  if (mode == WK_BOOST) {
    for (int c = 0; c < 3; c++) {
      rate[3 + c] = rate[3 + c] + x[6 + c];
      rate[6 + c] = lane_all(-force_decay) * x[6 + c];
    }
  }
  if (mode == WK_REENTRY) {
    for (int c = 0; c < 3; c++) rate[3 + c] = lane_fnma(drag, x[3 + c], rate[3 + c]);
  }
  if (mode == WK_REENTRY || mode == WK_CT) rate[6] = lane_all(0.0);
}

WK_INLINE void motion_earth_slope(const lane *g, struct motion_slope *slope) {
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

WK_INLINE void motion_drag_slope(const lane *x, const struct motion_air *air, struct motion_slope *slope) {
  const lane *v = x + 3, drag = air->drag;
  const lane thinning = drag * air->log_slope;
  const lane by_square = drag / lane_max(air->speed2, lane_all(1e-12));
  WK_UNROLL for (int i = 0; i < 3; i++) {
    const lane falling = thinning * v[i], along = by_square * v[i];
    WK_UNROLL for (int j = 0; j < 3; j++) {
      slope->dp[3 * i + j] = lane_fnma(falling, air->up[j], slope->dp[3 * i + j]);
      slope->dv[3 * i + j] = lane_fnma(along, v[j], slope->dv[3 * i + j]);
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
  const lane curvature = motion_level_curvature(x);
  const lane climb = dot3(up, v), square = dot3(v, v);
  const lane turn = mode == WK_CT ? motion_turn_rate(x) : lane_all(0.0);
  motion_level(x, lane_all(0.0), accel);
  cross3(up, v, left);
  WK_UNROLL for (int j = 0; j < 3; j++) {
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

/* gradient: of gravity, for all but level flight; air: for re-entry, at x. */
WK_INLINE void motion_slope_at(enum wk_mode mode, const lane *x, const lane *gradient, const struct motion_air *air,
                               double force_decay, struct motion_slope *slope) {
  slope->decay = 0.0;
  if (mode == WK_CV || mode == WK_CT) {
    motion_level_slope(mode, x, slope);
  } else {
    motion_earth_slope(gradient, slope);
  }
  if (mode == WK_REENTRY) motion_drag_slope(x, air, slope);
  if (mode == WK_BOOST) {
    slope->decay = force_decay;
    for (int i = 0; i < 9; i++) slope->de[i] = lane_all(i % 4 == 0);
  }
}

/* A mode's transition matrix: six rows for position and velocity, of n elements each; each extra state only decays. */
struct motion_transition {
  lane row[6 * IMM_STATE_MAX];
  lane keep;
};

/* Products that the third order of the exponential needs: of velocity's rates by position (b) and velocity (c). */
struct slope_products {
  lane cb[9], v2[9], bb[9], ccb[9], bc[9], cv2[9]; /* v2: c c + b */
};

/* By the earth alone c turns about its axis, so most of it is 0, and b is symmetric: b c is less the transpose of c b. */
WK_INLINE void slope_products_of_earth(const lane *b, const lane *c, struct slope_products *s) {
  product_coriolis(c, b, s->cb);
  product_coriolis_twice(c, c, s->v2);
  product_square(b, b, s->bb);
  product_coriolis(c, s->cb, s->ccb);
  for (int i = 0; i < 9; i++) s->v2[i] = s->v2[i] + b[i];
  for (int i = 0; i < 9; i++) s->bc[i] = -s->cb[i % 3 * 3 + i / 3];
  product_coriolis(c, s->v2, s->cv2);
}
WK_INLINE void slope_products_of_any(const lane *b, const lane *c, struct slope_products *s) {
  product_full(c, b, s->cb);
  product_full(c, c, s->v2);
  product_full(b, b, s->bb);
  product_full(b, c, s->bc);
  product_full(c, s->cb, s->ccb);
  for (int i = 0; i < 9; i++) s->v2[i] = s->v2[i] + b[i];
  product_full(c, s->v2, s->cv2);
}

/* Columns of the force, which adds to the velocity's rate as it is: exp(slope h) to third order with the fourth for its
 * decay (M6). */
WK_INLINE void motion_transition_force(const struct motion_slope *slope, lane h, lane h2, lane h3, struct motion_transition *f) {
  const lane *b = slope->dp, *c = slope->dv, decay = lane_all(slope->decay), h4 = h3 * h * lane_all(1.0 / 4.0);
  lane e2[9], ce2[9];
  for (int i = 0; i < 9; i++) e2[i] = i % 4 ? c[i] : -decay;
  product_coriolis(c, e2, ce2);
  const lane twice = decay * decay;
  WK_UNROLL for (int i = 0; i < 3; i++) {
    WK_UNROLL for (int j = 0; j < 3; j++) {
      const int a = 3 * i + j;
      const lane third = b[a] + ce2[a];
      f->row[9 * i + 6 + j] = i == j ? lane_fma(h3, e2[a], lane_fma(h4, twice, h2)) : h3 * e2[a];
      f->row[27 + 9 * i + 6 + j] = i == j ? lane_fma(h2, e2[a], lane_fma(h3, third + twice, h)) : lane_fma(h2, e2[a], h3 * third);
    }
  }
  const lane s = h * decay;
  f->keep = lane_all(1.0) - s * (lane_all(1.0) - s * (lane_all(0.5) - s * (lane_all(1.0 / 6.0) - s * lane_all(1.0 / 24.0))));
}

/* The column of what is known of drag, which does not decay. */
WK_INLINE void motion_transition_drag(const struct motion_slope *slope, const struct slope_products *s, lane h, lane h2, lane h3,
                                      struct motion_transition *f) {
  const lane *d = slope->de;
  WK_UNROLL for (int i = 0; i < 3; i++) {
    const lane cd = dot3(slope->dv + 3 * i, d);
    f->row[7 * i + 6] = lane_fma(h2, d[i], h3 * cd);
    f->row[21 + 7 * i + 6] = lane_fma(h, d[i], lane_fma(h2, cd, h3 * dot3(s->v2 + 3 * i, d)));
  }
}

/* exp(slope h) to third order (M6). Of re-entry where there is next to no air. */
WK_INLINE void motion_transition_at(enum wk_mode mode, const struct motion_slope *slope, lane h, struct motion_transition *f) {
  const int n = 6 + motion_extra(mode);
  const lane *b = slope->dp, *c = slope->dv;
  const lane h2 = h * h * lane_all(1.0 / 2.0), h3 = h2 * h * lane_all(1.0 / 3.0);
  struct slope_products s;
  if (mode == WK_CV || mode == WK_REENTRY) {
    slope_products_of_any(b, c, &s);
  } else {
    slope_products_of_earth(b, c, &s);
  }
  WK_UNROLL for (int i = 0; i < 3; i++) {
    WK_UNROLL for (int j = 0; j < 3; j++) {
      const int a = 3 * i + j;
      const lane pp = h3 * s.cb[a], vv = h3 * (s.bc[a] + s.cv2[a]), pv = h3 * s.v2[a], vp = h3 * (s.bb[a] + s.ccb[a]);
      f->row[n * i + j] = lane_fma(h2, b[a], i == j ? pp + lane_all(1.0) : pp);
      f->row[n * i + 3 + j] = lane_fma(h2, c[a], i == j ? pv + h : pv);
      f->row[n * (3 + i) + j] = lane_fma(h, b[a], lane_fma(h2, s.cb[a], vp));
      f->row[n * (3 + i) + 3 + j] = lane_fma(h, c[a], lane_fma(h2, s.v2[a], i == j ? vv + lane_all(1.0) : vv));
    }
  }
  f->keep = lane_all(1.0);
  if (mode == WK_BOOST) motion_transition_force(slope, h, h2, h3, f);
  if (mode == WK_REENTRY) motion_transition_drag(slope, &s, h, h2, h3, f);
}

/* The velocity's rates by the seven states, by rows. */
WK_INLINE void slope_rows(const struct motion_slope *slope, lane *a) {
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      a[7 * i + j] = slope->dp[3 * i + j];
      a[7 * i + 3 + j] = slope->dv[3 * i + j];
    }
    a[7 * i + 6] = slope->de[i];
  }
}

/* rows = those of `slope`, and h times its part by position in the columns of velocity, since position moves with it. */
WK_INLINE void slope_rows_moved(const struct motion_slope *slope, lane h, lane *a) {
  slope_rows(slope, a);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) a[7 * i + 3 + j] = lane_fma(h, slope->dp[3 * i + j], a[7 * i + 3 + j]);
  }
}

/* For slopes that change within a step (drag, turns): Runge-Kutta of the variational equation with the slopes at its
 * start, middle and end (M6). Of each stage only the velocity's rows are kept, k1 to k4; those of the position follow from
 * the stages before. The one extra state does not decay. */
WK_INLINE void motion_transition_along(const struct motion_slope *start, const struct motion_slope *middle,
                                       const struct motion_slope *end, lane h, struct motion_transition *f) {
  const lane half = h * lane_all(0.5), quarter2 = half * half, half2 = h * half, sixth = h * lane_all(1.0 / 6.0);
  lane k1[21], k2[21], k3[21], k4[21], by_velocity[9], by_position[9];
  slope_rows(start, k1);
  slope_rows_moved(middle, half, k2);
  for (int i = 0; i < 21; i++) k3[i] = k2[i];
  for (int i = 0; i < 9; i++) {
    by_velocity[i] = half * middle->dv[i];
    by_position[i] = quarter2 * middle->dp[i];
  }
  product_seven_add(by_velocity, k1, k2);
  product_seven_add(by_position, k1, k3);
  product_seven_add(by_velocity, k2, k3);
  slope_rows_moved(end, h, k4);
  for (int i = 0; i < 9; i++) {
    by_velocity[i] = h * end->dv[i];
    by_position[i] = half2 * end->dp[i];
  }
  product_seven_add(by_position, k2, k4);
  product_seven_add(by_velocity, k3, k4);
  const lane sixth2 = h * sixth;
  WK_UNROLL for (int i = 0; i < 3; i++) {
    WK_UNROLL for (int j = 0; j < 7; j++) {
      const int a = 7 * i + j;
      const lane inner = k2[a] + k3[a];
      const lane place = sixth2 * (k1[a] + inner), speed = sixth * (k1[a] + k4[a] + (inner + inner));
      f->row[a] = i == j ? place + lane_all(1.0) : 3 + i == j ? place + h : place;
      f->row[21 + a] = 3 + i == j ? speed + lane_all(1.0) : speed;
    }
  }
  f->keep = lane_all(1.0);
}

/* out = F P F' for n = 6 + extra states, the elements of P `apart` from each other. */
WK_INLINE void covariance_carry(int n, const struct motion_transition *f, const lane *p, int apart, lane *out) {
  if (n == 6) carry_6(f->row, p, apart, out);
  if (n == 7) carry_7(f->row, f->keep, p, apart, out);
  if (n == 9) carry_9(f->row, f->keep, p, apart, out);
}

/* White acceleration of density `flat`, plus `raised` along up, over h seconds (M7). up may be NULL where raised is
 * not wanted. */
WK_INLINE void noise_accel(int n, lane *p, lane h, lane flat, lane raised, const lane *up) {
  const lane pv = h * h * lane_all(0.5), pp = pv * h * lane_all(2.0 / 3.0);
  WK_UNROLL for (int i = 0; i < 3; i++) {
    WK_UNROLL for (int j = 0; j < 3; j++) {
      if (i != j && !up) continue;
      lane q = flat;
      if (up) q = i == j ? lane_fma(raised * up[i], up[j], flat) : raised * up[i] * up[j];
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
  /* Three extra states are the force, each of which reaches its own axis as it is. */
  WK_UNROLL for (int i = 0; i < 3; i++) {
    WK_UNROLL for (int j = 0; j < 3; j++) {
      if (extra == 3 && i != j) continue;
      const lane both = extra == 3 ? one : slope->de[i] * slope->de[j];
      if (j >= i) {
        p[packed_at(n, i, j)] = lane_fma(pp, both, p[packed_at(n, i, j)]);
        p[packed_at(n, 3 + i, 3 + j)] = lane_fma(vv, both, p[packed_at(n, 3 + i, 3 + j)]);
      }
      p[packed_at(n, i, 3 + j)] = lane_fma(pv, both, p[packed_at(n, i, 3 + j)]);
    }
    const int e = extra == 3 ? i : 0;
    const lane d = extra == 3 ? one : slope->de[i];
    p[packed_at(n, i, 6 + e)] = lane_fma(pe, d, p[packed_at(n, i, 6 + e)]);
    p[packed_at(n, 3 + i, 6 + e)] = lane_fma(ve, d, p[packed_at(n, 3 + i, 6 + e)]);
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

/* PSD of re-entry's acceleration noise about a state: unrest and lift (M7). */
WK_INLINE lane motion_lift(const struct motion_air *air, const struct motion_slope *slope, const struct wk_tuning *tuning) {
  const lane lift = lane_all(tuning->reentry_lift_fraction * tuning->reentry_lift_fraction * MOTION_DRAG_CORRELATION_S);
  return lane_fma(lift, dot3(slope->de, slope->de), motion_unrest(air->height, tuning));
}

/* PSD of the acceleration noise of a mode with the air about it (coast: for the body that the extra noise is for; re-entry), in the lanes
 * that are noisy (M7). Boost has none. */
WK_INLINE lane motion_psd(enum wk_mode mode, const struct motion_air *air, const struct motion_slope *slope, lane_mask noisy,
                          const struct wk_tuning *tuning) {
  lane psd = lane_all(0.0);
  if (mode == WK_COAST) {
    const lane drag = air->resistance * air->speed2;
    psd = lane_fma(drag * lane_all(MOTION_DRAG_CORRELATION_S), drag, motion_unrest(air->height, tuning));
  }
  if (mode == WK_REENTRY) psd = motion_lift(air, slope, tuning);
  if (mode == WK_CV) psd = lane_all(tuning->cv_accel_psd);
  if (mode == WK_CT) psd = lane_all(tuning->ct_accel_psd);
  return lane_select(noisy, psd, lane_all(0.0));
}

/* Half of re-entry's acceleration noise comes before the step's transition, taken back by h so that free flight would carry it to
 * what M7 says; the other half after: so drag damps what it damps on average (M7). p: re-entry's. */
WK_INLINE void motion_noise_before(lane psd, lane *p, lane h) {
  noise_accel(WK_REENTRY_N, p, -h, lane_all(-0.5) * psd, lane_all(0.0), NULL);
}

/* Process noise of a mode over h seconds about the state x; `noisy` lanes only (M7 to M9). */
WK_INLINE void motion_noise(enum wk_mode mode, const lane *x, lane psd, const struct motion_slope *slope, lane *p, lane h,
                            lane_mask noisy, const struct wk_tuning *tuning) {
  const lane zero = lane_all(0.0), on = lane_select(noisy, lane_all(1.0), zero);
  const int n = 6 + motion_extra(mode);
  if (mode == WK_BOOST) noise_extra(n, p, h, on * lane_all(tuning->boost_jerk_psd), slope);
  if (mode == WK_COAST) noise_accel(n, p, h, psd, zero, NULL);
  if (mode == WK_REENTRY) {
    noise_accel(n, p, h, lane_all(0.5) * psd, zero, NULL);
    const lane known = p[packed_at(n, 6, 6)] * lane_all(1.0 / MOTION_DRAG_VARIANCE_MAX);
    const lane room = lane_max(lane_all(1.0) - known, zero);
    noise_extra(n, p, h, on * room * lane_all(tuning->reentry_drag_psd), slope);
  }
  if (mode == WK_CV || mode == WK_CT) {
    lane up[3], height;
    lane_height(x, &height, up);
    noise_accel(n, p, h, psd, psd * lane_all(tuning->vertical_fraction * tuning->vertical_fraction - 1.0), up);
  }
  if (mode == WK_CT) noise_extra(n, p, h, on * lane_all(tuning->ct_turn_psd), slope);
}

#endif

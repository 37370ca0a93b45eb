/* Where and when a body comes down: Runge-Kutta with steps that each lane chooses from its own state, until the ellipsoid
 * (docs/maths.md W1 to W4). */
#include "kernels/lane/imm_models.h"
#include "kernels/lane/variant.h"

enum { FALL_STEPS_MAX = 2048 };
#define FALL_AIR_M 120e3         /* no drag above */
#define FALL_SCALE_M 7000.0      /* height over which density changes by a factor of e */
#define FALL_STEP_VACUUM_S 40.0
#define FALL_STEP_AIR_S 5.0
#define FALL_STEP_BURN_S 2.0
#define FALL_STEP_LEAST_S 0.02
#define FALL_PART 0.4            /* of a scale height, or of the drag's time, in one step */
#define FALL_PART_THIN 1.2       /* of a scale height where drag is below FALL_THIN_RATE */
#define FALL_THIN_RATE 1e-4      /* 1/s */
#define FALL_THRUST_MAX 300.0    /* m/s^2 */
#define FALL_ARRIVED_M 0.01
#define FALL_DRAG_NONE (-30.0)

/* What does not change on the way. */
struct fall {
  lane coefficient, drag; /* CD A / m; drag: 1 or 0 */
  lane direction;
  lane burn[WK_FALL_BURNS], thrust[WK_FALL_BURNS], rate[WK_FALL_BURNS]; /* rate: thrust / exhaust, 1/s */
  lane pitch, side;
};

/* Height, sink rate along the way of time, speed and drag rate: what the next step is chosen from. */
struct fall_view {
  lane height, sink, speed, drag_rate;
  lane up[3];
};

/* Specific force of the burns at t seconds into the flight (W2); 0 after them. */
WK_INLINE lane fall_thrust(const struct fall *f, lane t) {
  lane force = lane_all(0.0), begun = lane_all(0.0);
  for (int b = 0; b < WK_FALL_BURNS; b++) {
    const lane since = t - begun, end = begun + f->burn[b];
    const lane left = lane_max(lane_all(1.0) - f->rate[b] * since, lane_all(1e-3));
    const lane grown = lane_min(f->thrust[b] / left, lane_all(FALL_THRUST_MAX));
    const lane_mask on = ~lane_less(t, begun) & lane_less(t, end);
    force = lane_select(on, grown, force);
    begun = end;
  }
  return force;
}

/* The thrust's direction times its size, added to the acceleration. */
WK_INLINE void fall_push(const struct fall *f, const lane *x, const lane *up, lane force, lane *accel) {
  const lane *v = x + 3;
  const lane speed = lane_max(lane_sqrt(dot3(v, v)), lane_all(1.0));
  lane ahead[3], right[3], lift[3], sum[3];
  for (int i = 0; i < 3; i++) ahead[i] = v[i] / speed;
  cross3(ahead, up, right);
  const lane across = lane_max(lane_sqrt(dot3(right, right)), lane_all(1e-6));
  for (int i = 0; i < 3; i++) right[i] = right[i] / across;
  cross3(right, ahead, lift);
  for (int i = 0; i < 3; i++) sum[i] = lane_fma(f->pitch, lift[i], lane_fma(f->side, right[i], ahead[i]));
  const lane scale = force / lane_sqrt(dot3(sum, sum));
  for (int i = 0; i < 3; i++) accel[i] = lane_fma(scale, sum[i], accel[i]);
}

/* Acceleration at x, with the force of the burns given. Drag only in the lanes of `low`, none while they burn; air and
 * burning spare the work where no lane needs it and change no bit. */
WK_INLINE void fall_rate(const struct fall *f, const lane *x, lane force, lane_mask low, int air, int burning, lane *rate) {
  for (int c = 0; c < 3; c++) rate[c] = x[3 + c];
  motion_earth(x, x + 3, rate + 3);
  if (!air && !burning) return;
  lane height, up[3];
  lane_height(x, &height, up);
  if (air) {
    const lane speed = lane_sqrt(dot3(x + 3, x + 3));
    const lane_mask in_air = low & lane_equal(force, lane_all(0.0));
    lane k = lane_all(0.5) * lane_density(height) * speed * f->coefficient;
    k = lane_select(in_air, lane_min(k, lane_all(MOTION_DRAG_RATE_MAX)) * f->drag, lane_all(0.0));
    for (int c = 0; c < 3; c++) rate[3 + c] = lane_fma(-k, x[3 + c], rate[3 + c]);
  }
  if (burning) {
    lane pushed[3];
    for (int c = 0; c < 3; c++) pushed[c] = rate[3 + c];
    fall_push(f, x, up, force, pushed);
    const lane_mask on = lane_less(lane_all(0.0), force);
    for (int c = 0; c < 3; c++) rate[3 + c] = lane_select(on, pushed[c], rate[3 + c]);
  }
}

WK_INLINE void fall_look(const struct fall *f, const lane *x, struct fall_view *view) {
  lane_height(x, &view->height, view->up);
  view->sink = -(dot3(view->up, x + 3) * f->direction);
  view->speed = lane_sqrt(dot3(x + 3, x + 3));
  const lane k = lane_all(0.5) * lane_density(view->height) * view->speed * f->coefficient * f->drag;
  view->drag_rate = lane_min(k, lane_all(MOTION_DRAG_RATE_MAX));
}

/* Length of the next step, s, along the way of time; slightly negative when the ground has just been passed (W4). */
WK_INLINE lane fall_step_s(const struct fall *f, const struct fall_view *view, lane t, lane limit) {
  const lane climb = lane_max(lane_abs(view->sink), lane_all(1e-3));
  /* Within the air a part of a scale height; above it no further than to its upper edge. */
  const lane_mask thin = lane_less(view->drag_rate, lane_all(FALL_THIN_RATE));
  const lane part = lane_select(thin, lane_all(FALL_PART_THIN), lane_all(FALL_PART));
  lane air = lane_min(part * lane_all(FALL_SCALE_M) / climb, lane_all(FALL_STEP_AIR_S));
  air = lane_min(air, lane_all(FALL_PART) / lane_max(view->drag_rate, lane_all(1e-9)));
  const lane fall_s = (view->height - lane_all(FALL_AIR_M)) / lane_max(view->sink, lane_all(1.0));
  const lane vacuum = lane_min(lane_max(fall_s, air), lane_all(FALL_STEP_VACUUM_S));
  const lane_mask outside = lane_less(lane_all(FALL_AIR_M), view->height);
  lane step = lane_max(lane_select(outside, vacuum, air), lane_all(FALL_STEP_LEAST_S));
  lane begun = lane_all(0.0);
  for (int b = 0; b < WK_FALL_BURNS; b++) { /* end on the edges of the burns */
    const lane end = begun + f->burn[b];
    const lane_mask within = ~lane_less(t, begun) & lane_less(t, end);
    step = lane_select(within, lane_min(lane_min(step, lane_all(FALL_STEP_BURN_S)), end - t), step);
    begun = end;
  }
  step = lane_min(step, limit - t);
  /* The ground within this step: Newton's step in time. */
  const lane to_ground = view->height / lane_max(view->sink, lane_all(1e-3));
  const lane_mask ends = lane_less(lane_all(0.0), view->sink) & lane_less(to_ground, step);
  return lane_select(ends, lane_max(to_ground, -step), step);
}

/* One step of classical Runge-Kutta of h seconds, h < 0 backward in time. */
WK_INLINE void fall_advance(const struct fall *f, lane *x, lane t, lane h, lane_mask low, int air, int burning) {
  const lane half = h * lane_all(0.5), sixth = h * lane_all(1.0 / 6.0);
  lane k1[6], k2[6], k3[6], k4[6], at[6], force[3];
  for (int i = 0; i < 3; i++) force[i] = lane_all(0.0);
  if (burning) {
    /* The end of a step that ends on the edge of a burn still belongs to it. */
    const lane inside = lane_all(1.0 - 1e-9);
    force[0] = fall_thrust(f, t);
    force[1] = fall_thrust(f, t + half);
    force[2] = fall_thrust(f, lane_fma(h, inside, t));
  }
  fall_rate(f, x, force[0], low, air, burning, k1);
  for (int i = 0; i < 6; i++) at[i] = lane_fma(half, k1[i], x[i]);
  fall_rate(f, at, force[1], low, air, burning, k2);
  for (int i = 0; i < 6; i++) at[i] = lane_fma(half, k2[i], x[i]);
  fall_rate(f, at, force[1], low, air, burning, k3);
  for (int i = 0; i < 6; i++) at[i] = lane_fma(h, k3[i], x[i]);
  fall_rate(f, at, force[2], low, air, burning, k4);
  for (int i = 0; i < 6; i++) x[i] = lane_fma(sixth, k1[i] + k4[i] + lane_all(2.0) * (k2[i] + k3[i]), x[i]);
}

WK_INLINE void fall_load(struct fall *f, const struct wk_fall_block *block, int first) {
  const lane log_drag = lane_load(block->log_drag + first);
  f->drag = lane_select(lane_less(log_drag, lane_all(FALL_DRAG_NONE)), lane_all(0.0), lane_all(1.0));
  f->coefficient = lane_exp(lane_min(lane_max(log_drag, lane_all(FALL_DRAG_NONE)), lane_all(0.0)));
  f->direction = lane_load(block->direction + first);
  f->pitch = lane_load(block->pitch + first);
  f->side = lane_load(block->side + first);
  for (int b = 0; b < WK_FALL_BURNS; b++) {
    f->burn[b] = lane_load(block->burn_s[b] + first);
    f->thrust[b] = lane_load(block->thrust_mps2[b] + first);
    f->rate[b] = f->thrust[b] / lane_max(lane_load(block->exhaust_mps[b] + first), lane_all(1.0));
  }
}

void WK_NAME(fall)(struct wk_fall_block *block, double limit_s) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct fall f;
    struct fall_view view;
    lane x[6], moved[6], t = lane_all(0.0), down = lane_all(0.0);
    const lane limit = lane_all(limit_s), zero = lane_all(0.0);
    fall_load(&f, block, first);
    lanes_load(x, block->position_m, 3, first);
    lanes_load(x + 3, block->velocity_mps, 3, first);
    lane_mask flying = lane_equal(zero, zero);
    const lane burns = f.burn[0] + f.burn[1];
    for (int steps = 0; steps < FALL_STEPS_MAX; steps++) {
      fall_look(&f, x, &view);
      const lane_mask sinks = lane_less(zero, view.sink);
      const lane_mask begins_below = sinks & lane_less(view.height, lane_all(FALL_ARRIVED_M)) & lane_equal(t, zero);
      const lane_mask arrives = (sinks & lane_less(lane_abs(view.height), lane_all(FALL_ARRIVED_M))) | begins_below;
      down = lane_select(flying & arrives, lane_all(1.0), down);
      flying = flying & ~arrives & lane_less(t, limit);
      if (!lane_any(flying)) break;
      const lane step = fall_step_s(&f, &view, t, limit);
      /* A step that begins higher ends no lower than the edge of the air, to within its curvature. */
      const lane_mask low = flying & lane_less(view.height, lane_all(FALL_AIR_M + 10e3));
      const int air = lane_any(low);
      const int burning = lane_any(flying & lane_less(t, burns));
      for (int i = 0; i < 6; i++) moved[i] = x[i];
      fall_advance(&f, moved, t, step * f.direction, low, air, burning);
      for (int i = 0; i < 6; i++) x[i] = lane_select(flying, moved[i], x[i]);
      t = lane_select(flying, t + step, t);
    }
    lanes_store(block->position_m, x, 3, first);
    lanes_store(block->velocity_mps, x + 3, 3, first);
    lane_store(block->time_s + first, t);
    lane_store(block->down + first, down);
  }
}

/* Where and when a body comes down: Runge-Kutta with steps that each lane chooses from its own state, until the ellipsoid
 * (docs/maths.md W1 to W4). */
#include "kernels/lane/air_cells.h"
#include "kernels/lane/imm_models.h"
#include "kernels/lane/variant.h"

enum { FALL_STEPS_MAX = 2048, FALL_GROUPS = 2 };
#define FALL_AIR_M 120e3         /* no drag above */
#define FALL_SCALE_M 7000.0      /* height over which density changes by a factor of e */
#define FALL_STEP_VACUUM_S 50.0  /* at FALL_STEP_RADIUS_M from the centre, more further out */
#define FALL_STEP_RADIUS_M 6.6e6
#define FALL_STEP_AIR_S 5.0
#define FALL_STEP_LEAST_S 0.02
#define FALL_STEP_FREE_LEAST_S 1.0 /* without drag, on the way to the ground */
#define FALL_THIN_RATE 1e-4      /* 1/s of drag, and the parts of a scale height in one step below it, below the next one, and above */
#define FALL_MIDDLE_RATE 1e-3
#define FALL_PART_THIN 1.2
#define FALL_PART_MIDDLE 0.7
#define FALL_PART 0.4            /* also of the drag's time */
#define FALL_STEP_BURN_S 10.0
#define FALL_BURN_PART 0.1       /* of the time until all mass would be burnt, but */
#define FALL_BURN_LEAST_S 1.0    /* this at least */
#define FALL_BEND_PART 0.05      /* of the time in which gravity turns the velocity, but */
#define FALL_BEND_LEAST_S 0.5    /* this at least */
#define FALL_THRUST_MAX 300.0    /* m/s^2 */
#define FALL_ARRIVED_M 0.01
#define FALL_DRAG_NONE (-30.0)
#define FALL_WEIGHT_MPS2 9.8

/* What does not change on the way. */
struct fall {
  lane coefficient; /* CD A / m; 0: no drag */
  lane direction;
  lane edge;        /* height (m) down to which nothing brakes */
  lane burn[WK_FALL_BURNS], thrust[WK_FALL_BURNS], rate[WK_FALL_BURNS]; /* rate: thrust / exhaust, 1/s */
  lane pitch, side;
};

/* Where a body is, as gravity, drag and the choice of steps see it. */
struct fall_place {
  lane per_r, sine; /* 1 / distance from the centre, sine of the geocentric latitude */
  lane height;      /* along the radius (E15) */
  lane bulge;       /* by how much the ellipsoid's radius grows with the sine (m) */
};

/* What the next step is chosen from. */
struct fall_view {
  lane height, sink, drag_rate; /* sink: along the way of time */
  lane plunge;                  /* m/s^2: how fast the sinking grows */
};

/* Eight bodies, or as many as a vector holds, on the way. */
struct fall_way {
  struct fall f;
  struct fall_place place;
  struct fall_view view;
  lane x[6], rate[6]; /* rate: of the state, at the beginning of the step */
  lane out;           /* away from the centre, m/s */
  lane t, step, down;
  lane_mask flying, low; /* low: where air may brake */
};

/* Specific force of the burns at t seconds into the flight (W2); 0 after them. */
WK_INLINE lane fall_thrust(const struct fall *f, lane t) {
  lane force = lane_all(0.0), begun = lane_all(0.0);
  for (int b = 0; b < WK_FALL_BURNS; b++) {
    const lane since = t - begun, end = begun + f->burn[b];
    const lane left = lane_max(lane_all(1.0) - f->rate[b] * since, lane_all(1e-3));
    const lane grown = lane_min(f->thrust[b] / left, lane_all(FALL_THRUST_MAX));
    const lane_mask on = lane_not(lane_less(t, begun)) & lane_less(t, end);
    force = lane_select(on, grown, force);
    begun = end;
  }
  return force;
}

/* The thrust's direction times its size, added to the acceleration. */
WK_INLINE void fall_push(const struct fall *f, const lane *x, lane force, lane *accel) {
  const lane *v = x + 3;
  const lane speed = lane_max(lane_sqrt(dot3(v, v)), lane_all(1.0));
  lane height, up[3], ahead[3], right[3], lift[3], sum[3];
  lane_height(x, &height, up);
  for (int i = 0; i < 3; i++) ahead[i] = v[i] / speed;
  cross3(ahead, up, right);
  const lane across = lane_max(lane_sqrt(dot3(right, right)), lane_all(1e-6));
  for (int i = 0; i < 3; i++) right[i] = right[i] / across;
  cross3(right, ahead, lift);
  for (int i = 0; i < 3; i++) sum[i] = lane_fma(f->pitch, lift[i], lane_fma(f->side, right[i], ahead[i]));
  const lane scale = lane_select(lane_less(lane_all(0.0), force), force / lane_sqrt(dot3(sum, sum)), lane_all(0.0));
  for (int i = 0; i < 3; i++) accel[i] = lane_fma(scale, sum[i], accel[i]);
}

/* kg/m^3 by height (E16). */
WK_INLINE lane fall_density(lane height) {
  const lane magic = lane_all(0x1.8p52);
  const lane place = (height - lane_all(AIR_FIRST_M)) * lane_all(1.0 / AIR_CELL_M);
  const lane within = lane_max(lane_min(place, lane_all(AIR_CELLS - 0.001)), lane_all(0.0));
  const lane shifted = (within - lane_all(0.5)) + magic;
  const lane u = within - (shifted - magic);
  const lane_word cell = lane_bits(shifted) - lane_bits(magic);
  lane c[4];
  lanes_look_up(air_cell, cell, c);
  return lane_fma(lane_fma(lane_fma(c[3], u, c[2]), u, c[1]), u, c[0]);
}

WK_INLINE void fall_place_at(const lane *x, struct fall_place *place) {
  lane slope;
  const lane r2 = dot3(x, x);
  place->per_r = lane_rsqrt(r2);
  place->sine = x[2] * place->per_r;
  const lane q = lane_fma(place->sine * lane_all(-WK_EARTH_E2), place->sine, lane_all(WK_EARTH_E2));
  place->height = lane_fma(r2, place->per_r, -lane_surface_radius(q, &slope));
  place->bulge = slope * place->sine * lane_all(-2.0 * WK_EARTH_E2);
}

/* Rate of the state at x with the force of the burns given; the drag's rate (1/s) is returned. Drag only in the lanes of `low`, none while
 * they burn; air and burning spare the work where no lane needs it and change no bit. */
WK_INLINE lane fall_rate(const struct fall *f, const lane *x, const struct fall_place *place, lane force, lane_mask low, int air, int burning,
                         lane *rate) {
  const lane *v = x + 3;
  lane *accel = rate + 3, drag_rate = lane_all(0.0);
  for (int c = 0; c < 3; c++) rate[c] = v[c];
  lane_gravity_by(x, place->per_r, accel);
  motion_turning(x, v, accel);
  if (air) {
    const lane v2 = dot3(v, v);
    const lane k = lane_all(0.5) * fall_density(place->height) * v2 * lane_rsqrt(v2) * f->coefficient;
    const lane_mask braked = low & lane_equal(force, lane_all(0.0));
    drag_rate = lane_select(braked, lane_min(k, lane_all(MOTION_DRAG_RATE_MAX)), lane_all(0.0));
    for (int c = 0; c < 3; c++) accel[c] = lane_fnma(drag_rate, v[c], accel[c]);
  }
  if (burning) fall_push(f, x, force, accel);
  return drag_rate;
}

/* Above the edge: to it, as on a parabola. */
WK_INLINE lane fall_edge_s(const struct fall_view *view, lane above) {
  const lane plunge = lane_max(view->plunge, lane_all(0.1));
  const lane root = lane_sqrt(lane_max(lane_fma(view->sink, view->sink, plunge * above * lane_all(2.0)), lane_all(0.0)));
  const lane_mask sinks = lane_less(lane_all(0.0), view->sink);
  return lane_select(sinks, lane_all(2.0) * above, root - view->sink) / lane_select(sinks, view->sink + root, plunge);
}

/* Length of a step in free flight, s (W4). per_climb: 1 / climb, s/m. */
WK_INLINE lane fall_step_free_s(const struct fall *f, const struct fall_view *view, lane per_climb) {
  const lane_mask thin = lane_less(view->drag_rate, lane_all(FALL_THIN_RATE));
  const lane_mask middle = lane_less(view->drag_rate, lane_all(FALL_MIDDLE_RATE));
  const lane part = lane_select(thin, lane_all(FALL_PART_THIN * FALL_SCALE_M),
                                lane_select(middle, lane_all(FALL_PART_MIDDLE * FALL_SCALE_M), lane_all(FALL_PART * FALL_SCALE_M)));
  lane step = lane_min(part * per_climb, lane_all(FALL_STEP_AIR_S));
  if (lane_any(lane_less(lane_all(FALL_PART / FALL_STEP_AIR_S), view->drag_rate)))
    step = lane_min(step, lane_all(FALL_PART) / lane_max(view->drag_rate, lane_all(1e-9)));
  const lane above = view->height - f->edge;
  const lane_mask outside = lane_less(lane_all(0.0), above);
  if (lane_any(outside)) {
    const lane least = lane_select(lane_less(lane_all(0.0), f->edge), step, lane_all(FALL_STEP_FREE_LEAST_S));
    const lane far = lane_fma(view->height, lane_all(1.0 / FALL_STEP_RADIUS_M), lane_all(WK_EARTH_A / FALL_STEP_RADIUS_M));
    const lane most = far * lane_sqrt(lane_max(far, lane_all(0.5))) * lane_all(FALL_STEP_VACUUM_S); /* Kepler's third law */
    step = lane_select(outside, lane_min(lane_max(fall_edge_s(view, above), least), most), step);
  }
  return lane_max(step, lane_all(FALL_STEP_LEAST_S));
}

/* The same while a body burns; where it doesn't, the step given. */
WK_INLINE lane fall_step_burn_s(const struct fall *f, const lane *v, lane t, lane step) {
  lane begun = lane_all(0.0);
  const lane bend = lane_max(lane_sqrt(dot3(v, v)) * lane_all(FALL_BEND_PART / FALL_WEIGHT_MPS2), lane_all(FALL_BEND_LEAST_S));
  for (int b = 0; b < WK_FALL_BURNS; b++) { /* end on the edges of the burns */
    const lane end = begun + f->burn[b];
    const lane left = lane_all(1.0) / lane_max(f->rate[b], lane_all(1e-6)) - (t - begun);
    const lane part = lane_min(lane_max(left * lane_all(FALL_BURN_PART), lane_all(FALL_BURN_LEAST_S)), lane_all(FALL_STEP_BURN_S));
    const lane_mask within = lane_not(lane_less(t, begun)) & lane_less(t, end);
    step = lane_select(within, lane_min(lane_min(part, bend), end - t), step);
    begun = end;
  }
  return step;
}

/* Length of the next step, s, along the way of time; slightly negative when the ground has just been passed (W4). */
WK_INLINE lane fall_step_s(const struct fall *f, const struct fall_view *view, const lane *v, lane t, lane limit, int burning) {
  const lane per_climb = lane_all(1.0) / lane_max(lane_abs(view->sink), lane_all(1e-3));
  lane step = fall_step_free_s(f, view, per_climb);
  if (burning) step = fall_step_burn_s(f, v, t, step);
  step = lane_min(step, limit - t);
  /* The ground within this step: Newton's step in time. */
  const lane to_ground = view->height * per_climb;
  const lane_mask ends = lane_less(lane_all(0.0), view->sink) & lane_less(to_ground, step);
  return lane_select(ends, lane_max(to_ground, -step), step);
}

/* One step of classical Runge-Kutta of h seconds, h < 0 backward in time, from where the rate is k[0]. Two groups hand in hand: while one
 * waits for a root the other's products are done. */
WK_INLINE void fall_advance(struct fall_way *way, int groups, int air, int burning) {
  lane force[FALL_GROUPS], k[4][FALL_GROUPS][6];
  WK_UNROLL for (int stage = 1; stage < 4; stage++) {
    WK_UNROLL for (int g = 0; g < groups; g++) {
      struct fall_way *w = &way[g];
      const lane h = w->step * w->f.direction, part = stage < 3 ? h * lane_all(0.5) : h;
      lane at[6];
      struct fall_place place;
      force[g] = lane_all(0.0);
      /* The end of a step that ends on the edge of a burn still belongs to it. */
      if (burning) force[g] = fall_thrust(&w->f, lane_fma(part, lane_all(1.0 - 1e-9), w->t));
      for (int i = 0; i < 6; i++) at[i] = lane_fma(part, stage == 1 ? w->rate[i] : k[stage - 1][g][i], w->x[i]);
      fall_place_at(at, &place);
      fall_rate(&w->f, at, &place, force[g], w->low, air, burning, k[stage][g]);
    }
  }
  WK_UNROLL for (int g = 0; g < groups; g++) {
    struct fall_way *w = &way[g];
    const lane sixth = w->step * w->f.direction * lane_all(1.0 / 6.0);
    for (int i = 0; i < 6; i++) {
      const lane sum = w->rate[i] + k[3][g][i] + lane_all(2.0) * (k[1][g][i] + k[2][g][i]);
      w->x[i] = lane_select(w->flying, lane_fma(sixth, sum, w->x[i]), w->x[i]);
    }
    w->t = lane_select(w->flying, w->t + w->step, w->t);
  }
}

WK_INLINE void fall_load(struct fall *f, const struct wk_fall_block *block, int first) {
  const lane log_drag = lane_load(block->log_drag + first);
  const lane_mask none = lane_less(log_drag, lane_all(FALL_DRAG_NONE));
  f->coefficient = lane_select(none, lane_all(0.0), lane_exp(lane_min(lane_max(log_drag, lane_all(FALL_DRAG_NONE)), lane_all(0.0))));
  f->edge = lane_select(none, lane_all(0.0), lane_all(FALL_AIR_M));
  f->direction = lane_load(block->direction + first);
  f->pitch = lane_load(block->pitch + first);
  f->side = lane_load(block->side + first);
  for (int b = 0; b < WK_FALL_BURNS; b++) {
    f->burn[b] = lane_load(block->burn_s[b] + first);
    f->thrust[b] = lane_load(block->thrust_mps2[b] + first);
    f->rate[b] = f->thrust[b] / lane_max(lane_load(block->exhaust_mps[b] + first), lane_all(1.0));
  }
}

/* Who still flies; what the rest of the step needs of the place. */
WK_INLINE void fall_look(struct fall_way *w, lane limit) {
  const lane zero = lane_all(0.0);
  fall_place_at(w->x, &w->place);
  const struct fall_place *place = &w->place;
  w->out = dot3(w->x, w->x + 3) * place->per_r;
  const lane turn = lane_fnma(place->sine, w->out, w->x[5]) * place->per_r; /* of the sine */
  w->view.height = place->height;
  w->view.sink = lane_fnma(place->bulge, turn, w->out) * -w->f.direction;
  const lane_mask sinks = lane_less(zero, w->view.sink);
  const lane_mask begins_below = sinks & lane_less(place->height, lane_all(FALL_ARRIVED_M)) & lane_equal(w->t, zero);
  const lane_mask arrives = (sinks & lane_less(lane_abs(place->height), lane_all(FALL_ARRIVED_M))) | begins_below;
  w->down = lane_select(w->flying & arrives, lane_all(1.0), w->down);
  w->flying = w->flying & lane_not(arrives) & lane_less(w->t, limit);
  /* A step that begins higher ends no lower than the edge of the air, to within its curvature. */
  w->low = w->flying & lane_less(place->height, lane_all(FALL_AIR_M + 10e3)) & lane_less(zero, w->f.edge);
}

/* The rate at the place, and from it the length of the step. */
WK_INLINE void fall_decide(struct fall_way *w, lane limit, int air, int burning) {
  const lane force = burning ? fall_thrust(&w->f, w->t) : lane_all(0.0);
  w->view.drag_rate = fall_rate(&w->f, w->x, &w->place, force, w->low, air, burning, w->rate);
  w->view.plunge = -lane_fma(-w->out, w->out, dot3(w->x, w->rate + 3) + dot3(w->x + 3, w->x + 3)) * w->place.per_r;
  w->step = fall_step_s(&w->f, &w->view, w->x + 3, w->t, limit, burning);
}

WK_INLINE void fall_groups(struct wk_fall_block *const block[FALL_GROUPS], const int first[FALL_GROUPS], int groups, double limit_s) {
  struct fall_way way[FALL_GROUPS];
  const lane limit = lane_all(limit_s);
  for (int g = 0; g < groups; g++) {
    struct fall_way *w = &way[g];
    fall_load(&w->f, block[g], first[g]);
    lanes_load(w->x, block[g]->position_m, 3, first[g]);
    lanes_load(w->x + 3, block[g]->velocity_mps, 3, first[g]);
    w->t = w->down = lane_all(0.0);
    w->flying = lane_equal(w->t, w->t);
  }
  for (int steps = 0; steps < FALL_STEPS_MAX; steps++) {
    WK_UNROLL for (int g = 0; g < groups; g++) fall_look(&way[g], limit);
    lane_mask flying = way[0].flying, low = way[0].low, burns = way[0].flying & lane_less(way[0].t, way[0].f.burn[0] + way[0].f.burn[1]);
    for (int g = 1; g < groups; g++) {
      flying |= way[g].flying;
      low |= way[g].low;
      burns |= way[g].flying & lane_less(way[g].t, way[g].f.burn[0] + way[g].f.burn[1]);
    }
    if (!lane_any(flying)) break;
    const int air = lane_any(low), burning = lane_any(burns);
    WK_UNROLL for (int g = 0; g < groups; g++) fall_decide(&way[g], limit, air, burning);
    fall_advance(way, groups, air, burning);
  }
  for (int g = 0; g < groups; g++) {
    const struct fall_way *w = &way[g];
    lanes_store(block[g]->position_m, w->x, 3, first[g]);
    lanes_store(block[g]->velocity_mps, w->x + 3, 3, first[g]);
    lane_store(block[g]->time_s + first[g], w->t);
    lane_store(block[g]->down + first[g], w->down);
  }
}

void WK_NAME(fall)(struct wk_fall_block *blocks, size_t count, double limit_s) {
  const size_t groups = count * (WK_LANES / WK_WIDTH);
  struct wk_fall_block *block[FALL_GROUPS];
  int first[FALL_GROUPS];
  for (size_t done = 0; done < groups; done += FALL_GROUPS) {
    for (size_t g = 0; g < FALL_GROUPS; g++) {
      const size_t at = done + g < groups ? done + g : done;
      block[g] = &blocks[at * WK_WIDTH / WK_LANES];
      first[g] = (int)(at * WK_WIDTH % WK_LANES);
    }
    if (done + FALL_GROUPS <= groups)
      fall_groups(block, first, FALL_GROUPS, limit_s);
    else
      fall_groups(block, first, 1, limit_s);
  }
}

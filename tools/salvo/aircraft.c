/* Aircraft: own simple kinematics over the ellipsoid, speed over ground along a heading that turns. */
#include <math.h>
#include <string.h>

#include "engine/base/prng.h"
#include "tools/salvo/target.h"

#define KNOT_S 2.0 /* between knots of the path, at the most */
#define PROBE_S 1e-3

/* Latitude, longitude, height; heading clockwise from north, speed over ground. */
struct cruise {
  double lat_rad, lon_rad, height_m, heading_rad, speed_mps;
};

static void cruise_rate(const struct cruise *at, const struct manoeuvre *leg, double rate[5]) {
  const double e2 = EARTH_F * (2 - EARTH_F);
  double s = sin(at->lat_rad), w = 1 - e2 * s * s, n = EARTH_A_M / sqrt(w), m = n * (1 - e2) / w;
  rate[0] = at->speed_mps * cos(at->heading_rad) / (m + at->height_m);
  rate[1] = at->speed_mps * sin(at->heading_rad) / ((n + at->height_m) * cos(at->lat_rad));
  rate[2] = leg->climb_mps;
  /* The meridians converge: a straight flight keeps turning against north. */
  rate[3] = leg->turn_degps * SALVO_DEG + rate[1] * s;
  rate[4] = leg->accel_mps2;
}

static struct cruise cruise_moved(const struct cruise *at, const double rate[5], double h) {
  return (struct cruise){at->lat_rad + h * rate[0], at->lon_rad + h * rate[1], at->height_m + h * rate[2],
                         at->heading_rad + h * rate[3], at->speed_mps + h * rate[4]};
}

/* Classic fourth-order Runge-Kutta; at two seconds a step its error is below a millimetre. */
static struct cruise cruise_step(const struct cruise *at, const struct manoeuvre *leg, double h) {
  double k1[5], k2[5], k3[5], k4[5], mean[5];
  struct cruise next;
  cruise_rate(at, leg, k1);
  next = cruise_moved(at, k1, h / 2);
  cruise_rate(&next, leg, k2);
  next = cruise_moved(at, k2, h / 2);
  cruise_rate(&next, leg, k3);
  next = cruise_moved(at, k3, h);
  cruise_rate(&next, leg, k4);
  for (int i = 0; i < 5; i++) mean[i] = (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]) / 6;
  return cruise_moved(at, mean, h);
}

static void cruise_velocity(const struct cruise *at, const struct manoeuvre *leg, struct state *state) {
  struct earth_geodetic where = {at->lat_rad, at->lon_rad, at->height_m};
  double enu[3][3];
  earth_ecef(where, state->r);
  earth_enu(at->lat_rad, at->lon_rad, enu);
  for (int i = 0; i < 3; i++)
    state->v[i] = at->speed_mps * (sin(at->heading_rad) * enu[0][i] + cos(at->heading_rad) * enu[1][i]) +
                  leg->climb_mps * enu[2][i];
}

/* Position, velocity, and acceleration by a central difference of the velocity within the leg. */
static void cruise_state(const struct cruise *at, const struct manoeuvre *leg, struct state *state, double a[3]) {
  struct cruise before = cruise_step(at, leg, -PROBE_S), after = cruise_step(at, leg, PROBE_S);
  struct state low, high;
  cruise_velocity(&before, leg, &low);
  cruise_velocity(&after, leg, &high);
  cruise_velocity(at, leg, state);
  for (int i = 0; i < 3; i++) a[i] = (high.v[i] - low.v[i]) / (2 * PROBE_S);
}

static void leg_fly(struct path *path, struct cruise *at, const struct manoeuvre *leg, double begin_s, double end_s) {
  int knots = (int)ceil((end_s - begin_s) / KNOT_S);
  for (int i = 0; i < knots; i++) {
    double h = (end_s - begin_s) / knots, a0[3], a1[3];
    struct state from, to;
    cruise_state(at, leg, &from, a0);
    *at = cruise_step(at, leg, h);
    cruise_state(at, leg, &to, a1);
    path_append(path, begin_s + i * h, h, &from, a0, &to, a1);
  }
}

static double between(struct prng *prng, const double range[2]) {
  return range[0] + (range[1] - range[0]) * prng_uniform(prng);
}

/* A random straight, then a random turn, and now and then a climb or descent that stays within the fleet's heights. */
static struct manoeuvre leg_draw(const struct fleet *fleet, const struct cruise *at, int ordinal, struct prng *prng) {
  struct manoeuvre leg = {0};
  double choice = prng_uniform(prng), size = prng_uniform(prng), side = prng_uniform(prng) < 0.5 ? -1 : 1;
  if (ordinal % 2 == 0) {
    leg.duration_s = between(prng, fleet->straight_s);
    return leg;
  }
  if (choice < 0.7) {
    leg.turn_degps = side * (1 + 2 * size);
    leg.duration_s = (20 + 100 * prng_uniform(prng)) / fabs(leg.turn_degps);
  } else {
    double aim = between(prng, fleet->height_m);
    leg.climb_mps = (aim > at->height_m ? 1 : -1) * (3 + 9 * size);
    leg.duration_s = fmax(1, (aim - at->height_m) / leg.climb_mps);
  }
  return leg;
}

void aircraft_build(struct fleet_of_targets *all, const struct fleet *fleet, uint64_t seed, double duration_s) {
  static const struct manoeuvre level = {0};
  for (int i = 0; i < fleet->count; i++) {
    struct target *target = target_add(all, fleet->name, i, fleet->count);
    struct prng prng = prng_seed(seed, target->stream);
    struct cruise at = {between(&prng, fleet->lat_deg) * SALVO_DEG, between(&prng, fleet->lon_deg) * SALVO_DEG,
                        between(&prng, fleet->height_m), between(&prng, fleet->heading_deg) * SALVO_DEG,
                        between(&prng, fleet->speed_mps)};
    target->class_ = TARGET_AIRCRAFT;
    double time = 0;
    for (int leg_at = 0; time < duration_s; leg_at++) {
      struct manoeuvre leg = level;
      if (fleet->leg_count == 0)
        leg = leg_draw(fleet, &at, leg_at, &prng);
      else if (leg_at < fleet->leg_count)
        leg = fleet->legs[leg_at];
      else
        leg.duration_s = duration_s;
      double end = fmin(duration_s, time + leg.duration_s);
      leg_fly(&target->path, &at, &leg, time, end);
      time = end;
    }
  }
}

void cruise_build(struct path *path, struct earth_geodetic from, double heading_rad, double speed_mps,
                  double duration_s) {
  static const struct manoeuvre level = {0};
  struct cruise at = {from.lat_rad, from.lon_rad, from.height_m, heading_rad, speed_mps};
  leg_fly(path, &at, &level, 0, duration_s);
}

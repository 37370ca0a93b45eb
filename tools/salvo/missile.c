#include "tools/salvo/missile.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "tools/salvo/atmosphere.h"
#include "tools/salvo/dormand.h"

static const double G0 = 9.80665;
#define FLIGHT_MAX_S 7200.0
#define REENTRY_HEIGHT_M 80000.0
#define STEP_MAX_S 4.0
enum { AIM_ITERATIONS_MAX = 60 };

static const struct missile_type PRESETS[] = {
    {.name = "short",
     .stage_count = 1,
     .stages = {{.thrust_n = 130e3, .isp_s = 235, .propellant_kg = 3500, .dry_kg = 1200, .diameter_m = 0.9}},
     .payload_kg = 800,
     .ballistic_coefficient_kgpm2 = 3000,
     .rise_s = 5,
     .pitch_end_s = 40,
     .pitch_end_deg = 46},
    {.name = "medium",
     .stage_count = 1,
     .stages = {{.thrust_n = 420e3, .isp_s = 250, .propellant_kg = 15000, .dry_kg = 2500, .diameter_m = 1.4}},
     .payload_kg = 1000,
     .ballistic_coefficient_kgpm2 = 4000,
     .rise_s = 6,
     .pitch_end_s = 60,
     .pitch_end_deg = 42},
    {.name = "long",
     .stage_count = 2,
     .stages =
         {{.thrust_n = 450e3, .isp_s = 250, .propellant_kg = 14000, .dry_kg = 1800, .diameter_m = 1.4},
          {.thrust_n = 110e3, .isp_s = 270, .propellant_kg = 4500, .dry_kg = 700, .diameter_m = 1.2, .coast_s = 2}},
     .payload_kg = 900,
     .ballistic_coefficient_kgpm2 = 6000,
     .rise_s = 6,
     .pitch_end_s = 65,
     .pitch_end_deg = 42},
};

const struct missile_type *missile_preset(const char *name) {
  for (size_t i = 0; i < sizeof PRESETS / sizeof PRESETS[0]; i++)
    if (strcmp(PRESETS[i].name, name) == 0) return &PRESETS[i];
  return NULL;
}

double missile_burn_s(const struct missile_stage *stage) {
  return stage->propellant_kg * stage->isp_s * G0 / stage->thrust_n;
}

double missile_boost_s(const struct missile_type *type) {
  double total = 0;
  for (int i = 0; i < type->stage_count; i++) total += type->stages[i].coast_s + missile_burn_s(&type->stages[i]);
  return total;
}

double missile_drag_coefficient(double mach) {
  static const double table[][2] = {{0, 0.25},   {0.8, 0.27}, {1.0, 0.45}, {1.2, 0.50},
                                    {2.0, 0.38}, {3.0, 0.30}, {5.0, 0.22}};
  enum { ROWS = sizeof table / sizeof table[0] };
  for (int i = 1; i < ROWS; i++) {
    if (mach < table[i][0]) {
      double s = (mach - table[i - 1][0]) / (table[i][0] - table[i - 1][0]);
      return table[i - 1][1] + s * (table[i][1] - table[i - 1][1]);
    }
  }
  return table[ROWS - 1][1];
}

/* One leg of flight with smooth forces. */
struct leg {
  const struct flight *flight;
  const struct missile_stage *stage; /* NULL: after the last burn-out */
  bool burning;
  double begin_s, mass_kg; /* at its beginning */
  double pad_horizontal[3], pad_up[3];
  enum { STEER_UP, STEER_PITCH, STEER_GRAVITY } steer;
};

static void drag_add(const struct leg *leg, const struct state *at, double mass_kg, double a[3]) {
  double speed = vec_norm(at->v);
  struct atmosphere air = atmosphere_at(earth_geodetic(at->r).height_m);
  double area_per_mass = 1 / leg->flight->type->ballistic_coefficient_kgpm2; /* CD A / m */
  if (leg->stage) {
    double d = leg->stage->diameter_m;
    area_per_mass = missile_drag_coefficient(speed / air.sound_mps) * SALVO_PI * d * d / 4 / mass_kg;
  }
  double k = -0.5 * air.density_kgpm3 * speed * area_per_mass;
  for (int i = 0; i < 3; i++) a[i] += k * at->v[i];
}

static void leg_force(const void *context, double time_s, const struct state *at, double a[3]) {
  const struct leg *leg = context;
  const struct missile_type *type = leg->flight->type;
  double mass = leg->mass_kg;
  earth_free_fall(at->r, at->v, a);
  if (leg->burning) {
    mass -= leg->stage->thrust_n / (leg->stage->isp_s * G0) * (time_s - leg->begin_s);
    double direction[3], specific = leg->stage->thrust_n / mass;
    if (leg->steer == STEER_GRAVITY) {
      double speed = vec_norm(at->v);
      for (int i = 0; i < 3; i++) direction[i] = at->v[i] / speed;
    } else {
      double tip = (time_s - leg->flight->launch_s - type->rise_s) / (type->pitch_end_s - type->rise_s);
      double pitch = leg->steer == STEER_UP ? 90 : 90 + tip * (type->pitch_end_deg - 90);
      double s = sin(pitch * SALVO_DEG), c = cos(pitch * SALVO_DEG);
      for (int i = 0; i < 3; i++) direction[i] = c * leg->pad_horizontal[i] + s * leg->pad_up[i];
    }
    for (int i = 0; i < 3; i++) a[i] += specific * direction[i];
  }
  drag_add(leg, at, mass, a);
}

/* Runs one leg from *time_s to `until_s`, split where the steering changes. */
static enum dormand_end leg_run(struct leg *leg, double tolerance_m, struct path *path, double *time_s,
                                double until_s, struct state *state) {
  const struct missile_type *type = leg->flight->type;
  double launch = leg->flight->launch_s, switches[2] = {launch + type->rise_s, launch + type->pitch_end_s};
  struct dormand run = {leg_force, leg, tolerance_m, STEP_MAX_S, 0, path};
  leg->begin_s = *time_s;
  enum dormand_end end = DORMAND_TIME;
  for (int i = 0; i <= 2 && end == DORMAND_TIME && *time_s < until_s - 1e-9; i++) {
    double part = i == 2 ? until_s : fmin(until_s, switches[i]);
    leg->steer = i == 0 ? STEER_UP : i == 1 ? STEER_PITCH : STEER_GRAVITY;
    if (part > *time_s) end = dormand_run(&run, time_s, part, state);
  }
  return end;
}

static enum dormand_end boost_run(struct flight *flight, double tolerance_m, struct path *path, double *time_s,
                                  struct state *state) {
  const struct missile_type *type = flight->type;
  struct leg leg = {.flight = flight};
  double enu[3][3], cutoff = flight->launch_s + flight->cutoff_s;
  earth_enu(flight->launch.lat_rad, flight->launch.lon_rad, enu);
  for (int i = 0; i < 3; i++) {
    leg.pad_horizontal[i] = sin(flight->azimuth_rad) * enu[0][i] + cos(flight->azimuth_rad) * enu[1][i];
    leg.pad_up[i] = enu[2][i];
  }
  leg.mass_kg = type->payload_kg;
  for (int i = 0; i < type->stage_count; i++) leg.mass_kg += type->stages[i].propellant_kg + type->stages[i].dry_kg;
  enum dormand_end end = DORMAND_TIME;
  for (int i = 0; i < type->stage_count && end == DORMAND_TIME; i++) {
    leg.stage = &type->stages[i];
    leg.burning = false;
    if (leg.stage->coast_s > 0)
      end = leg_run(&leg, tolerance_m, path, time_s, fmin(cutoff, *time_s + leg.stage->coast_s), state);
    leg.burning = true;
    if (end == DORMAND_TIME)
      end = leg_run(&leg, tolerance_m, path, time_s, fmin(cutoff, *time_s + missile_burn_s(leg.stage)), state);
    leg.mass_kg -= leg.stage->propellant_kg + leg.stage->dry_kg;
  }
  return end;
}

static double climb_mps(const struct state *state) {
  struct earth_geodetic at = earth_geodetic(state->r);
  double enu[3][3];
  earth_enu(at.lat_rad, at.lon_rad, enu);
  return vec_dot(enu[2], state->v);
}

/* Apogee, and the moment from which the target counts as re-entering. */
static void flight_mark(struct flight *flight) {
  double end = flight->impact_s, low = flight->launch_s + flight->cutoff_s, high = end;
  struct state state;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    path_at(&flight->path, middle, &state);
    if (climb_mps(&state) > 0)
      low = middle;
    else
      high = middle;
  }
  flight->apogee_s = low;
  path_at(&flight->path, low, &state);
  flight->apogee_m = earth_geodetic(state.r).height_m;
  high = end;
  for (int i = 0; i < 60 && flight->apogee_m > REENTRY_HEIGHT_M; i++) {
    double middle = (low + high) / 2;
    path_at(&flight->path, middle, &state);
    if (earth_geodetic(state.r).height_m > REENTRY_HEIGHT_M)
      low = middle;
    else
      high = middle;
  }
  flight->reentry_s = low;
}

int flight_integrate(struct flight *flight, double tolerance_m, bool keep) {
  struct path *path = keep ? &flight->path : NULL;
  struct state state = {{0}, {0}};
  double time = flight->launch_s;
  earth_ecef(flight->launch, state.r);
  path_free(&flight->path);
  enum dormand_end end = boost_run(flight, tolerance_m, path, &time, &state);
  flight->cutoff_speed_mps = vec_norm(state.v);
  if (end == DORMAND_TIME) {
    struct leg leg = {.flight = flight, .mass_kg = flight->type->payload_kg};
    end = leg_run(&leg, tolerance_m, path, &time, flight->launch_s + FLIGHT_MAX_S, &state);
  }
  if (end != DORMAND_FLOOR) return -ERANGE;
  flight->impact_s = time;
  flight->impact = earth_geodetic(state.r);
  if (keep) flight_mark(flight);
  return 0;
}

static double wrapped(double angle) {
  return remainder(angle, 2 * SALVO_PI);
}

/* Flies with the given cut-off and reports range (chord) and bearing of the impact. */
static int shot(struct flight *flight, double cutoff_s, double *range_m, double *bearing_rad) {
  double impact[3];
  flight->cutoff_s = cutoff_s;
  int rc = flight_integrate(flight, 0.1, false);
  if (rc) return rc;
  earth_ecef(flight->impact, impact);
  earth_chord(flight->launch, impact, bearing_rad, range_m);
  return 0;
}

int flight_aim(struct flight *flight, struct earth_geodetic aim, double miss_m, struct weft_error *err) {
  double aim_m[3], want_bearing, want_range, bearing, range;
  const struct missile_stage *last = &flight->type->stages[flight->type->stage_count - 1];
  aim.height_m = 0;
  earth_ecef(aim, aim_m);
  earth_chord(flight->launch, aim_m, &want_bearing, &want_range);
  flight->azimuth_rad = want_bearing;
  double high = missile_boost_s(flight->type), low = high - 0.75 * missile_burn_s(last);
  if (low < flight->type->pitch_end_s) low = fmin(flight->type->pitch_end_s, high);
  if (shot(flight, low, &range, &bearing)) return weft_fail(err, -ERANGE, "does not come down");
  double low_miss = range - want_range, shortest = range;
  if (shot(flight, high, &range, &bearing)) return weft_fail(err, -ERANGE, "does not come down");
  double high_miss = range - want_range;
  if (low_miss > 0 || high_miss < 0)
    return weft_fail(err, -ERANGE, "the aim is %.0f km away, type %s reaches %.0f to %.0f km", want_range / 1e3,
                     flight->type->name, shortest / 1e3, range / 1e3);
  /* Range by the Illinois rule on the cut-off; the bearing follows along, it hardly depends on it. */
  for (int i = 0; i < AIM_ITERATIONS_MAX; i++) {
    double cutoff = (low * high_miss - high * low_miss) / (high_miss - low_miss);
    flight->azimuth_rad -= wrapped(bearing - want_bearing);
    if (shot(flight, cutoff, &range, &bearing)) return weft_fail(err, -ERANGE, "does not come down");
    double miss = range - want_range;
    if (hypot(miss, wrapped(bearing - want_bearing) * want_range) < miss_m)
      return flight_integrate(flight, 1e-3, true);
    if (miss > 0) {
      high = cutoff;
      high_miss = miss;
      low_miss /= 2;
    } else {
      low = cutoff;
      low_miss = miss;
      high_miss /= 2;
    }
  }
  return weft_fail(err, -ERANGE, "no way found to the aim %.0f km away", want_range / 1e3);
}

void flight_free(struct flight *flight) {
  path_free(&flight->path);
}

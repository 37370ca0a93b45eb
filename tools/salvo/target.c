#include "tools/salvo/target.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/prng.h"
#include "tools/salvo/dormand.h"

#define AIM_MISS_M 200.0
#define KM_PER_DEGREE 111.2

uint64_t stream_of(const char *text) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
  return hash;
}

struct target *target_add(struct fleet_of_targets *all, const char *group, int ordinal, int count) {
  if (all->count == all->capacity) {
    all->capacity = all->capacity ? all->capacity * 2 : 64;
    all->targets = realloc(all->targets, (size_t)all->capacity * sizeof *all->targets);
    weft_assert(all->targets);
  }
  struct target *target = &all->targets[all->count++];
  memset(target, 0, sizeof *target);
  int digits = snprintf(NULL, 0, "%d", count);
  if (count == 1)
    snprintf(target->name, sizeof target->name, "%s", group);
  else
    snprintf(target->name, sizeof target->name, "%s-%0*d", group, digits, ordinal + 1);
  target->stream = stream_of(target->name);
  return target;
}

/* Uniform over the disc, or the place of member `i` of `count` on the grid. */
static struct earth_geodetic area_draw(const struct area *area, int i, int count, struct prng *prng) {
  double radius = area->radius_km * sqrt(prng_uniform(prng)), angle = 2 * SALVO_PI * prng_uniform(prng);
  double north_km = radius * cos(angle), east_km = radius * sin(angle);
  if (area->spacing_km > 0) {
    int columns = (int)ceil(sqrt(count)), rows = (count + columns - 1) / columns, row = i / columns, column = i % columns;
    north_km = area->spacing_km * (row - 0.5 * (rows - 1));
    east_km = area->spacing_km * (column - 0.5 * (columns - 1));
  }
  double lat = area->lat_deg + north_km / KM_PER_DEGREE;
  double lon = area->lon_deg + east_km / (KM_PER_DEGREE * cos(lat * SALVO_DEG));
  return (struct earth_geodetic){lat * SALVO_DEG, lon * SALVO_DEG, 0};
}

static int salvo_build(struct fleet_of_targets *all, const struct salvo *salvo, uint64_t seed,
                       struct weft_error *err) {
  double spacing = salvo->count > 1 ? (salvo->last_s - salvo->first_s) / (salvo->count - 1) : 0;
  for (int i = 0; i < salvo->count; i++) {
    struct target *target = target_add(all, salvo->name, i, salvo->count);
    struct prng prng = prng_seed(seed, target->stream);
    struct flight flight = {.type = &salvo->type, .launch = area_draw(&salvo->launch, i, salvo->count, &prng)};
    struct earth_geodetic aim = area_draw(&salvo->aim, i, salvo->count, &prng);
    struct weft_error why;
    flight.launch_s = salvo->first_s + spacing * i;
    int rc = flight_aim(&flight, aim, AIM_MISS_M, &why);
    if (rc)
      return weft_fail(err, rc, "%s: salvo %s: %s; move launch or aim, or take another type", salvo->where,
                       target->name, why.text);
    double impact_m[3], bearing;
    earth_ecef(flight.impact, impact_m);
    earth_chord(flight.launch, impact_m, &bearing, &target->range_m);
    target->class_ = TARGET_BALLISTIC;
    target->path = flight.path;
    target->launch_s = flight.launch_s;
    target->boost_end_s = flight.launch_s + flight.cutoff_s;
    target->reentry_s = flight.reentry_s;
    target->impact_s = flight.impact_s;
    target->impact = flight.impact;
    target->apogee_m = flight.apogee_m;
    target->cutoff_speed_mps = flight.cutoff_speed_mps;
  }
  return 0;
}

static void orbit_force(const void *context, double time_s, const struct state *at, double a[3]) {
  (void)context;
  (void)time_s;
  earth_free_fall(at->r, at->v, a);
}

/* From the elements at the start, in axes fixed in space that coincide with ECEF then. */
static void orbit_build(struct fleet_of_targets *all, const struct orbit *orbit, double duration_s) {
  double perigee = EARTH_A_M + orbit->perigee_km * 1e3, apogee = EARTH_A_M + orbit->apogee_km * 1e3;
  double semi_major = (perigee + apogee) / 2, e = (apogee - perigee) / (apogee + perigee);
  double nu = orbit->anomaly_deg * SALVO_DEG, u = nu + orbit->argument_deg * SALVO_DEG;
  double inclination = orbit->inclination_deg * SALVO_DEG, node = orbit->node_deg * SALVO_DEG;
  double p = semi_major * (1 - e * e), radius = p / (1 + e * cos(nu)), k = sqrt(EARTH_GM / p);
  double radial = k * e * sin(nu), along = k * (1 + e * cos(nu));
  const double out[3] = {cos(node) * cos(u) - sin(node) * sin(u) * cos(inclination),
                   sin(node) * cos(u) + cos(node) * sin(u) * cos(inclination), sin(u) * sin(inclination)};
  const double on[3] = {-cos(node) * sin(u) - sin(node) * cos(u) * cos(inclination),
                  -sin(node) * sin(u) + cos(node) * cos(u) * cos(inclination), cos(u) * sin(inclination)};
  struct state state;
  for (int i = 0; i < 3; i++) {
    state.r[i] = radius * out[i];
    state.v[i] = radial * out[i] + along * on[i];
  }
  state.v[0] += EARTH_RATE * state.r[1]; /* seen from the rotating Earth */
  state.v[1] -= EARTH_RATE * state.r[0];
  struct target *target = target_add(all, orbit->name, 0, 1);
  target->class_ = TARGET_ORBITAL;
  struct dormand run = {orbit_force, NULL, 1e-3, 10, 0, &target->path};
  double time = 0;
  dormand_run(&run, &time, duration_s, &state);
}

int targets_build(struct fleet_of_targets *all, const struct scenario *scenario, struct weft_error *err) {
  *all = (struct fleet_of_targets){0};
  for (int i = 0; i < scenario->salvo_count; i++) {
    int rc = salvo_build(all, &scenario->salvos[i], scenario->seed, err);
    if (rc) return rc;
  }
  for (int i = 0; i < scenario->fleet_count; i++)
    aircraft_build(all, &scenario->fleets[i], scenario->seed, scenario->duration_s);
  for (int i = 0; i < scenario->orbit_count; i++) orbit_build(all, &scenario->orbits[i], scenario->duration_s);
  for (int i = 0; i < all->count; i++)
    for (int j = 0; j < i && all->count < 1000; j++)
      if (strcmp(all->targets[i].name, all->targets[j].name) == 0)
        return weft_fail(err, -EINVAL, "%s: two targets are called %s; rename one", scenario->name,
                         all->targets[i].name);
  return 0;
}

void targets_free(struct fleet_of_targets *all) {
  for (int i = 0; i < all->count; i++) path_free(&all->targets[i].path);
  free(all->targets);
  *all = (struct fleet_of_targets){0};
}

bool target_boosting(const struct target *target, double time_s) {
  return target->class_ == TARGET_BALLISTIC && time_s >= target->launch_s && time_s <= target->boost_end_s;
}

const char *target_phase(const struct target *target, double time_s) {
  if (target->class_ == TARGET_AIRCRAFT) return "cruise";
  if (target->class_ == TARGET_ORBITAL) return "coast";
  if (time_s <= target->boost_end_s) return "boost";
  return time_s >= target->reentry_s ? "reentry" : "coast";
}

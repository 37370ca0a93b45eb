#include <math.h>
#include <string.h>

#include "engine/public_entry.h"
#include "engine/tune/tune_world.h"

static const double MU_M3S2 = 3.986004418e14, SPIN_RADPS = 7.292115e-5, SIGMA_M = 30, EXTENT_M = 300e3;
#define SCAN_NS INT64_C(1000000000)
#define DETECTION_NS 1000
#define BEGIN_NS INT64_C(1700000000000000000)

const char world_site[] =
    "centre: tune\n"
    "sensors:\n"
    "  - {id: 1, name: tune, nation: A, kind: position, position: {lat_deg: 50, lon_deg: 10, height_m: 0}, revisit_s: 1,\n"
    "     sigma: {x_m: 30}}\n";

static double spread(struct prng *prng, double most) { return most * (2 * prng_uniform(prng) - 1); }

/* Near 50 N 10 E: up, east and north of a sphere do. */
static void object_begin(struct prng *prng, struct world_object *object, bool missile) {
  static const double ground[3] = {4.046e6, 7.13e5, 4.863e6};
  double across = sqrt(ground[0] * ground[0] + ground[1] * ground[1]), radius = sqrt(across * across + ground[2] * ground[2]);
  const double up[3] = {ground[0] / radius, ground[1] / radius, ground[2] / radius};
  const double east[3] = {-ground[1] / across, ground[0] / across, 0};
  const double north[3] = {up[1] * east[2] - up[2] * east[1], up[2] * east[0] - up[0] * east[2], up[0] * east[1] - up[1] * east[0]};
  double x = spread(prng, EXTENT_M), y = spread(prng, EXTENT_M), norm = 0;
  double height_m = missile ? 200e3 + spread(prng, 50e3) : 10e3 + spread(prng, 2e3);
  double to_east = spread(prng, 1), to_north = spread(prng, 1), level = sqrt(to_east * to_east + to_north * to_north) + 1e-9;
  double speed_mps = missile ? 2500 : 250, climb_mps = missile ? 1500 : 0;
  for (int a = 0; a < 3; a++) {
    object->position_m[a] = ground[a] + x * east[a] + y * north[a];
    norm += object->position_m[a] * object->position_m[a];
    object->velocity_mps[a] = climb_mps * up[a] + speed_mps * (to_east * east[a] + to_north * north[a]) / level;
  }
  for (int a = 0; a < 3; a++) object->position_m[a] *= (radius + height_m) / sqrt(norm);
  object->missile = missile;
}

/* Gravity of a point and what the turning of the axes adds. */
static void acceleration(const double *p, const double *v, double *a) {
  double r2 = p[0] * p[0] + p[1] * p[1] + p[2] * p[2], pull = -MU_M3S2 / (r2 * sqrt(r2));
  a[0] = pull * p[0] + SPIN_RADPS * (SPIN_RADPS * p[0] + 2 * v[1]);
  a[1] = pull * p[1] + SPIN_RADPS * (SPIN_RADPS * p[1] - 2 * v[0]);
  a[2] = pull * p[2];
}

/* One second, by the midpoint: off by some millimetres, and measured with 30 m. */
static void object_move(struct world_object *object) {
  double a[3] = {0}, p[3], v[3];
  if (object->missile) acceleration(object->position_m, object->velocity_mps, a);
  for (int i = 0; i < 3; i++) {
    p[i] = object->position_m[i] + 0.5 * object->velocity_mps[i];
    v[i] = object->velocity_mps[i] + 0.5 * a[i];
  }
  if (object->missile) acceleration(p, v, a);
  for (int i = 0; i < 3; i++) {
    object->position_m[i] += v[i];
    object->velocity_mps[i] += a[i];
  }
}

void world_begin(struct world *world) {
  memset(world, 0, sizeof *world);
  world->prng = prng_seed(1, 0);
  world->time_ns = BEGIN_NS;
  for (uint32_t o = 0; o < WORLD_OBJECTS; o++) object_begin(&world->prng, &world->objects[o], o % 2 == 1);
}

void world_scan(struct world *world) {
  for (uint32_t o = 0; o < WORLD_OBJECTS; o++) {
    struct world_object *object = &world->objects[o];
    struct weft_detection detection = {.time_ns = world->time_ns + (int64_t)o * DETECTION_NS, .kind = WEFT_POSITION, .valid = WEFT_HAS_XYZ};
    for (int a = 0; a < 3; a++) detection.measure[a] = object->position_m[a] + SIGMA_M * prng_normal(&world->prng);
    world->scan[o] = public_entry(0, &detection, ++world->sequence);
    object_move(object);
  }
  world->time_ns += SCAN_NS;
}

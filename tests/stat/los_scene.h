/* Missiles of the generator, whose physics shares nothing with the engine's, as satellites and radars see them. */
#ifndef WEFT_TESTS_LOS_SCENE_H
#define WEFT_TESTS_LOS_SCENE_H

#include "tests/unit/track_support.h"
#include "tools/salvo/missile.h"

enum { SCENE_FLIGHTS_MAX = 32 };
static const double scene_cloud_m = 10000, scene_frame_s = 0.25;

struct scene {
  struct rig *rig;
  struct prng prng;
  struct flight flights[SCENE_FLIGHTS_MAX];
  int flight_count;
  double phase_s[8], blind_until_s[8]; /* per sensor */
  double time_s;
  uint64_t looks[SCENE_FLIGHTS_MAX][8]; /* detections so far */
};

static inline int64_t scene_ns(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

static inline struct scene *scene_new(uint64_t seed, uint64_t run) {
  struct scene *scene = calloc(1, sizeof *scene);
  if (!scene) abort();
  scene->rig = rig_new();
  scene->prng = prng_seed(seed, run);
  return scene;
}

static inline void scene_close(struct scene *scene) {
  for (int f = 0; f < scene->flight_count; f++) flight_free(&scene->flights[f]);
  rig_close(scene->rig);
  free(scene);
}

/* A satellite over the equator. */
static inline struct sensor *scene_satellite(struct scene *scene, double lon_deg, double revisit_s) {
  uint32_t at = scene->rig->site.sensor_count;
  struct sensor *s = rig_sensor(&scene->rig->site, KIND_LOS, 0, lon_deg, 35786000);
  s->revisit_s = revisit_s;
  s->sigma[1] = s->sigma[2] = 2e-5;
  s->detection_probability = 0.9;
  s->clutter_per_scan = 1;
  double azimuth = lon_deg + 180; /* towards the Earth's centre: from y over x, as the axes of the ECEF frame are named */
  s->coverage_azimuth_deg[0] = fmod(azimuth - 9 + 720, 360);
  s->coverage_azimuth_deg[1] = fmod(azimuth + 9 + 720, 360);
  s->coverage_elevation_deg[0] = -9;
  s->coverage_elevation_deg[1] = 9;
  scene->phase_s[at] = revisit_s * prng_uniform(&scene->prng);
  return s;
}

static inline struct sensor *scene_radar(struct scene *scene, double lat_deg, double lon_deg, double sigma_m, double sigma_rad) {
  uint32_t at = scene->rig->site.sensor_count;
  struct sensor *s = rig_sensor(&scene->rig->site, KIND_RADAR, lat_deg, lon_deg, 50);
  s->sigma[0] = sigma_m;
  s->sigma[1] = s->sigma[2] = sigma_rad;
  s->coverage_range_m[0] = 2000;
  s->coverage_elevation_deg[0] = 1;
  s->coverage_elevation_deg[1] = 89;
  scene->phase_s[at] = prng_uniform(&scene->prng);
  return s;
}

/* Adds a flight in any direction from a place. */
static inline struct flight *scene_flight(struct scene *scene, const char *type, double launch_s, double lat_deg, double lon_deg,
                                          double azimuth_rad) {
  assert_true(scene->flight_count < SCENE_FLIGHTS_MAX);
  struct flight *flight = &scene->flights[scene->flight_count++];
  *flight = (struct flight){.type = missile_preset(type), .launch_s = launch_s, .azimuth_rad = azimuth_rad};
  const struct missile_stage *last = &flight->type->stages[flight->type->stage_count - 1];
  flight->launch = (struct earth_geodetic){lat_deg * SALVO_DEG, lon_deg * SALVO_DEG, 0};
  double full = missile_boost_s(flight->type);
  flight->cutoff_s = fmax(full - 0.3 * prng_uniform(&scene->prng) * missile_burn_s(last), fmin(flight->type->pitch_end_s, full));
  if (flight_integrate(flight, 1e-2, true)) fail_msg("a %s missile does not come down", type);
  return flight;
}

/* A type by chance. */
static inline const char *scene_type(struct scene *scene) {
  static const char *const types[] = {"short", "medium", "long"};
  return types[prng_below(&scene->prng, 3)];
}

static inline bool flight_burning(const struct flight *flight, double time_s) {
  double since_s = time_s - flight->launch_s, begin_s = 0;
  if (since_s < 0 || since_s > flight->cutoff_s) return false;
  for (int k = 0; k < flight->type->stage_count; k++) {
    const struct missile_stage *stage = &flight->type->stages[k];
    begin_s += stage->coast_s;
    if (since_s >= begin_s && since_s < begin_s + missile_burn_s(stage)) return true;
    begin_s += missile_burn_s(stage);
  }
  return false;
}

static inline bool scene_sees(const struct scene *scene, uint32_t sensor, const struct flight *flight, double time_s,
                              const struct state *state) {
  const struct sensor *s = &scene->rig->site.sensors[sensor];
  if (time_s < scene->blind_until_s[sensor] || earth_blocks(s->position_m, state->r)) return false;
  if (s->kind == KIND_LOS) return flight_burning(flight, time_s) && earth_geodetic(state->r).height_m > scene_cloud_m;
  double d[3], up = 0;
  for (int i = 0; i < 3; i++) {
    d[i] = state->r[i] - s->position_m[i];
    up += d[i] * s->enu[6 + i];
  }
  double elevation_rad = asin(up / vec_norm(d));
  return elevation_rad > s->coverage_elevation_deg[0] * RIG_DEGREE && elevation_rad < s->coverage_elevation_deg[1] * RIG_DEGREE &&
         vec_norm(d) < s->coverage_range_m[1];
}

static inline void scene_look(struct scene *scene, uint32_t sensor, double time_s) {
  const struct sensor *s = &scene->rig->site.sensors[sensor];
  for (int f = 0; f < scene->flight_count; f++) {
    struct state state;
    if (!path_at(&scene->flights[f].path, time_s, &state)) continue;
    if (!scene_sees(scene, sensor, &scene->flights[f], time_s, &state)) continue;
    if (prng_uniform(&scene->prng) >= s->detection_probability) continue;
    rig_see(scene->rig, sensor, scene_ns(time_s), state.r, &scene->prng);
    scene->looks[f][sensor]++;
  }
}

/* False lines and plots, uniform over the coverage. */
static inline void scene_clutter(struct scene *scene, uint32_t sensor, double time_s) {
  const struct sensor *s = &scene->rig->site.sensors[sensor];
  uint64_t count = prng_poisson(&scene->prng, s->clutter_per_scan);
  double turn = s->coverage_azimuth_deg[1] - s->coverage_azimuth_deg[0];
  if (turn <= 0) turn += 360;
  for (uint64_t i = 0; i < count; i++) {
    struct detection *d = rig_add(scene->rig, sensor, scene_ns(time_s));
    d->valid = VALID_AZIMUTH | VALID_ELEVATION | (s->kind == KIND_RADAR ? VALID_RANGE : 0);
    d->measure[0] = s->coverage_range_m[0] + (s->coverage_range_m[1] - s->coverage_range_m[0]) * prng_uniform(&scene->prng);
    d->measure[1] = remainder(RIG_DEGREE * (s->coverage_azimuth_deg[0] + turn * prng_uniform(&scene->prng)), 2 * SALVO_PI);
    d->measure[2] = RIG_DEGREE * (s->coverage_elevation_deg[0] +
                                  (s->coverage_elevation_deg[1] - s->coverage_elevation_deg[0]) * prng_uniform(&scene->prng));
  }
}

/* One frame further. */
static inline void scene_step(struct scene *scene) {
  double end_s = scene->time_s + scene_frame_s;
  for (uint32_t sensor = 0; sensor < scene->rig->site.sensor_count; sensor++) {
    double revisit_s = scene->rig->site.sensors[sensor].revisit_s;
    double k = ceil((scene->time_s - scene->phase_s[sensor]) / revisit_s);
    for (double t = scene->phase_s[sensor] + k * revisit_s; t < end_s; t += revisit_s) {
      if (t < scene->blind_until_s[sensor]) continue;
      scene_look(scene, sensor, t);
      scene_clutter(scene, sensor, t);
    }
  }
  scene->time_s = end_s;
  rig_step(scene->rig, scene_ns(end_s));
}

/* Squared normalised error of a line against a flight: 6 degrees of freedom. -1 where the flight is not in the air. */
static inline double scene_nees(const struct track_report *r, const struct flight *flight, double *distance_m) {
  struct state state;
  double d[6], inverse[21];
  if (!path_at(&flight->path, (double)(r->time_ns - RIG_BEGIN_NS) * 1e-9, &state)) return -1;
  for (int i = 0; i < 3; i++) {
    d[i] = r->position_m[i] - state.r[i];
    d[3 + i] = r->velocity_mps[i] - state.v[i];
  }
  if (distance_m) *distance_m = vec_norm(d);
  if (!matrix_invert_spd(6, r->covariance, inverse, NULL)) return 1e9;
  return matrix_quadratic(6, inverse, d);
}

#endif

/* Lines of sight and where they cross. Runs on one thread, in the frame's order. */
#include "engine/track/rays.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double new_objects_per_scan = 0.02; /* as for points: expected, over a sensor's whole coverage */

int rays_open(struct rays *rays, struct arena *arena) {
  *rays = (struct rays){.rays = arena_take(arena, RAYS_MAX, sizeof *rays->rays)};
  return rays->rays ? 0 : -ENOMEM;
}

static int64_t point_life_ns(const struct tracker *tracker, uint32_t sensor) {
  double life_s = fmin(fmax(3.2 * tracker->site->sensors[sensor].revisit_s, 3), 40);
  return (int64_t)(life_s * 1e9);
}

static void ray_drop(struct tracker *tracker, uint64_t at, enum fate fate) {
  struct ray *ray = &tracker->rays.rays[at % RAYS_MAX];
  if (!ray->present) return;
  tracker->fate_counts[ray->sensor][fate]++;
  ray->present = false;
}

void rays_expire(struct tracker *tracker, int64_t now_ns) {
  struct rays *rays = &tracker->rays;
  while (rays->head < rays->tail) {
    const struct ray *ray = &rays->rays[rays->head % RAYS_MAX];
    if (ray->present && ray->expires_ns > now_ns) break;
    ray_drop(tracker, rays->head++, FATE_CLUTTER);
  }
}

/* Where two lines of sight pass each other: the middle of the shortest connection, with a covariance from the
 * angle errors and from what a fast object moves between the two looks. False when they miss each other or
 * meet where nothing flies. */
static bool rays_cross(const struct ray *a, const struct ray *b, struct seed *out, double *miss_sigmas) {
  double w[3], cosine = vector_dot(a->direction, b->direction), sine2 = 1 - cosine * cosine;
  if (sine2 < 1e-4) return false;
  vector_subtract(w, b->site_m, a->site_m);
  double wa = vector_dot(w, a->direction), wb = vector_dot(w, b->direction);
  double ra = (wa - cosine * wb) / sine2, rb = (cosine * wa - wb) / sine2;
  if (ra < 1000 || rb < 1000) return false;
  double gap2 = 0, pa[3], pb[3], dt = fabs((double)(a->time_ns - b->time_ns) * 1e-9);
  for (int i = 0; i < 3; i++) {
    pa[i] = a->site_m[i] + ra * a->direction[i];
    pb[i] = b->site_m[i] + rb * b->direction[i];
    gap2 += (pa[i] - pb[i]) * (pa[i] - pb[i]);
    out->point_m[i] = 0.5 * (pa[i] + pb[i]);
  }
  const double boosting_mps = 1500; /* typical speed while a sensor in space sees the plume */
  double sa = a->sigma_rad * ra, sb = b->sigma_rad * rb, moved = boosting_mps * dt;
  *miss_sigmas = sqrt(gap2 / (sa * sa + sb * sb + moved * moved));
  if (*miss_sigmas > 3.5) return false;
  double lat_rad, lon_rad, height_m;
  wk_geodetic_from_ecef(out->point_m, &lat_rad, &lon_rad, &height_m);
  if (height_m < -20000 || height_m > 1500000) return false;
  /* Information of each line: full across it, none along it; plus the motion between the looks. */
  double information[6] = {0};
  const double *const directions[] = {a->direction, b->direction};
  const double variances[] = {sa * sa + 0.25 * moved * moved, sb * sb + 0.25 * moved * moved};
  for (int line = 0; line < 2; line++) {
    for (int i = 0; i < 3; i++) {
      for (int j = i; j < 3; j++) {
        double across = (i == j ? 1 : 0) - directions[line][i] * directions[line][j];
        information[WK_AT(3, i, j)] += across / variances[line];
      }
    }
  }
  return matrix_invert_spd(3, information, out->covariance, NULL);
}

bool rays_offer(struct tracker *tracker, const struct plot *plot, struct seed *crossing) {
  struct rays *rays = &tracker->rays;
  struct ray ray = {.sigma_rad = plot->sigma_cross_m,
                    .time_ns = plot->time_ns,
                    .sensor = plot->sensor,
                    .present = true,
                    .expires_ns = plot->time_ns + point_life_ns(tracker, plot->sensor) / 2};
  memcpy(ray.site_m, plot->site_m, sizeof ray.site_m);
  memcpy(ray.direction, plot->direction, sizeof ray.direction);
  struct seed best = {0};
  double best_miss = INFINITY;
  uint64_t best_at = 0;
  for (uint64_t at = rays->head; at < rays->tail; at++) { /* at most RAYS_MAX */
    const struct ray *other = &rays->rays[at % RAYS_MAX];
    struct seed point = {0};
    double miss;
    if (!other->present || other->sensor == ray.sensor || other->expires_ns < ray.time_ns) continue;
    if (!rays_cross(other, &ray, &point, &miss) || miss >= best_miss) continue;
    best = point;
    best_miss = miss;
    best_at = at;
  }
  if (best_miss < INFINITY) {
    struct ray *other = &rays->rays[best_at % RAYS_MAX];
    const struct sensor *sensor = &tracker->site->sensors[plot->sensor];
    best.time_ns = other->time_ns / 2 + ray.time_ns / 2;
    best.expires_ns = best.time_ns + point_life_ns(tracker, plot->sensor);
    best.sensor[0] = other->sensor;
    best.sensor[1] = ray.sensor;
    best.detections = 2;
    best.present = true;
    /* False crossings per cubic metre: both sensors' false lines within the gate of each other. */
    best.log_density = wk_log(clutter_per_scan_of(sensor)) - wk_log(1e18);
    best.log_odds = wk_log(new_objects_per_scan / clutter_per_scan_of(sensor)) + 3;
    other->present = false; /* its fate goes with the point */
    *crossing = best;
    return true;
  }
  if (rays->tail - rays->head == RAYS_MAX) ray_drop(tracker, rays->head++, FATE_CLUTTER);
  rays->rays[rays->tail++ % RAYS_MAX] = ray;
  return false;
}

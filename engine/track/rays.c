/* Lines of sight of one sensor become tracklets. Runs on one thread, in the order of time. */
#include "engine/track/rays.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/sort.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double shell_radius_m =
    6371000 + 50000;                        /* where a line meets the air: a burning missile is about there */
static const double depth_sigma_m = 200000; /* along the line, at least */
static const double speed_sigma_mps = 1200; /* per axis, of what is seen burning for the first time */
static const double link_chi2 = 16;         /* 2 degrees of freedom, 3e-4 */
static const double patience_scans = 2.6;   /* a tracklet outlives two misses */

size_t rays_bytes(void) {
  return TRACKLETS_MAX * (sizeof(struct tracklet) + sizeof(struct sight) + 2 * sizeof(struct tracklet_set) + sizeof(int64_t) + QUEUE_SLOT_BYTES) +
         SITE_SENSORS_MAX * sizeof(struct tracklet_set) + RAYS_FRESH_MAX * sizeof(struct ray) +
         (size_t)2 * ASSIGN_MAX * sizeof(uint32_t) + sizeof(struct assign_work) + 512;
}

int rays_open(struct rays *rays, struct arena *arena) {
  *rays = (struct rays){.tracklets = arena_take(arena, TRACKLETS_MAX, sizeof *rays->tracklets),
                        .sights = arena_take(arena, TRACKLETS_MAX, sizeof *rays->sights),
                        .newest_ns = arena_take(arena, TRACKLETS_MAX, sizeof *rays->newest_ns),
                        .of_sensor = arena_take(arena, SITE_SENSORS_MAX, sizeof *rays->of_sensor),
                        .compared = arena_take(arena, TRACKLETS_MAX, sizeof *rays->compared),
                        .crossing = arena_take(arena, TRACKLETS_MAX, sizeof *rays->crossing),
                        .work = arena_take(arena, 1, sizeof *rays->work),
                        .fresh = arena_take(arena, RAYS_FRESH_MAX, sizeof *rays->fresh),
                        .row = arena_take(arena, ASSIGN_MAX, sizeof *rays->row),
                        .column = arena_take(arena, ASSIGN_MAX, sizeof *rays->column)};
  bool complete = rays->tracklets && rays->sights && rays->newest_ns && rays->of_sensor && rays->compared && rays->crossing && rays->work &&
                  rays->fresh && rays->row && rays->column;
  return complete ? queue_open(&rays->expiry, arena, TRACKLETS_MAX) : -ENOMEM;
}

/* Everything but the time of arrival, which counts only in the frame that brought the line. */
static void ray_image(struct ray *ray, struct image *image) {
  image_value(image, ray->site_m);
  image_value(image, ray->direction);
  image_value(image, ray->across);
  image_value(image, ray->variance);
  image_value(image, ray->log_density);
  image_value(image, ray->time_ns);
  image_count(image, &ray->sensor, SITE_SENSORS_MAX - 1);
}

static void tracklet_image(struct tracklet *tracklet, struct image *image) {
  image_count(image, &tracklet->count, TRACKLET_RAYS);
  if (tracklet->count == 0) image->bad = true;
  for (uint32_t i = 0; i < tracklet->count; i++) ray_image(&tracklet->rays[i], image);
  image_value(image, tracklet->fit.x);
  image_value(image, tracklet->fit.p);
  image_value(image, tracklet->fit.epoch_ns);
  image_count(image, &tracklet->sensor, SITE_SENSORS_MAX - 1);
  image_value(image, tracklet->first_ns);
}

void rays_image(struct rays *rays, struct image *image) {
  image_count(image, &rays->high, TRACKLETS_MAX);
  for (uint32_t i = 0; i < rays->high; i++) {
    bool present = tracklet_set_has(&rays->present, i);
    image_value(image, present);
    tracklet_set_put(&rays->present, i, present);
    if (present) tracklet_image(&rays->tracklets[i], image);
  }
}

void rays_offer(struct tracker *tracker, const struct plot *plot) {
  struct rays *rays = &tracker->rays;
  if (rays->fresh_count == RAYS_FRESH_MAX) {
    tracker->fate_counts[plot->sensor][FATE_SHED]++;
    return;
  }
  double sa, ca, se, ce;
  wk_sincos(plot->z[0], &sa, &ca);
  wk_sincos(plot->z[1], &se, &ce);
  ce = fmax(ce, 1e-6);
  const double *enu = plot->enu;
  struct ray *ray = &rays->fresh[rays->fresh_count++];
  *ray = (struct ray){.variance = {plot->variance[0] * ce * ce, plot->variance[1]},
                      .log_density = plot->log_clutter_density - wk_log(ce),
                      .time_ns = plot->time_ns,
                      .arrival_ns = plot->arrival_ns,
                      .sensor = plot->sensor};
  for (int i = 0; i < 3; i++) {
    ray->site_m[i] = plot->site_m[i];
    ray->direction[i] = plot->direction[i];
    ray->across[0][i] = ca * enu[i] - sa * enu[3 + i];
    ray->across[1][i] = -se * (sa * enu[i] + ca * enu[3 + i]) + ce * enu[6 + i];
  }
}

/* Distance to where the line first meets the shell, or passes nearest to the Earth's centre; *sine of the
 * angle between line and shell there. */
static double shell_distance_m(const struct ray *ray, double *sine) {
  double along = -vector_dot(ray->site_m, ray->direction);
  double miss2 = vector_dot(ray->site_m, ray->site_m) - along * along;
  double half2 = shell_radius_m * shell_radius_m - miss2;
  double half = sqrt(fmax(half2, 0));
  double distance =
      vector_dot(ray->site_m, ray->site_m) > shell_radius_m * shell_radius_m ? along - half : along + half;
  *sine = half / shell_radius_m;
  return fmax(distance, 10000);
}

static void tracklet_fit(struct tracklet *tracklet) {
  double sine, distance = shell_distance_m(&tracklet->rays[0], &sine), likelihood, distance2;
  los_fit_begin(&tracklet->fit, &tracklet->rays[0], distance, depth_sigma_m / fmax(sine, 0.2),
                speed_sigma_mps);
  for (uint32_t i = 1; i < tracklet->count; i++)
    los_fit_line(&tracklet->fit, &tracklet->rays[i], INFINITY, &likelihood, &distance2);
}

void tracklet_drop(struct tracker *tracker, struct tracklet *tracklet, enum fate fate) {
  struct rays *rays = &tracker->rays;
  uint32_t place = (uint32_t)(tracklet - rays->tracklets);
  tracker->fate_counts[tracklet->sensor][fate] += tracklet->count;
  tracklet_set_put(&rays->present, place, false);
  tracklet_set_put(&rays->of_sensor[tracklet->sensor], place, false);
  queue_remove(&rays->expiry, place);
}

/* When the tracklet is clutter unless another line comes. */
static int64_t tracklet_expiry_ns(const struct tracker *tracker, const struct tracklet *tracklet) {
  double life_s = patience_scans * fmax(tracker->site->sensors[tracklet->sensor].revisit_s, 0.5);
  return tracklet_newest_ns(tracklet) + (int64_t)(life_s * 1e9);
}

/* A tracklet has begun or got a line: what is kept beside it follows. */
static void tracklet_note(struct tracker *tracker, uint32_t place) {
  struct rays *rays = &tracker->rays;
  const struct tracklet *tracklet = &rays->tracklets[place];
  const struct ray *ray = &tracklet->rays[tracklet->count - 1];
  struct sight *sight = &rays->sights[place];
  memcpy(sight->site_m, ray->site_m, sizeof sight->site_m);
  memcpy(sight->direction, ray->direction, sizeof sight->direction);
  sight->variance = fmax(ray->variance[0], ray->variance[1]);
  rays->newest_ns[place] = ray->time_ns;
  tracklet_set_put(&rays->of_sensor[tracklet->sensor], place, true);
  tracklet_set_put(&rays->linked, place, tracklet->count >= 2);
  queue_set(&rays->expiry, place, tracklet_expiry_ns(tracker, tracklet));
  crossings_forget(rays, place);
}

void rays_restore(struct tracker *tracker) {
  struct rays *rays = &tracker->rays;
  for (uint32_t i = 0; (i = tracklet_set_next(&rays->present, &rays->present, i)) < TRACKLETS_MAX; i++) tracklet_note(tracker, i);
}

void rays_expire(struct tracker *tracker, int64_t now_ns) {
  struct rays *rays = &tracker->rays;
  for (uint32_t place; (place = queue_pop_due(&rays->expiry, now_ns)) != QUEUE_NONE;) tracklet_drop(tracker, &rays->tracklets[place], FATE_CLUTTER);
  while (rays->high > 0 && !tracklet_set_has(&rays->present, rays->high - 1)) rays->high--;
}

/* A free place; where there is none, the tracklet due to expire first gives way. */
static uint32_t place_take(struct tracker *tracker) {
  struct rays *rays = &tracker->rays;
  uint32_t place = tracklet_set_free(&rays->present);
  if (place == TRACKLETS_MAX) {
    place = queue_pop_due(&rays->expiry, INT64_MAX);
    tracklet_drop(tracker, &rays->tracklets[place], FATE_CLUTTER);
  }
  tracklet_set_put(&rays->present, place, true);
  if (place >= rays->high) rays->high = place + 1;
  return place;
}

static void tracklet_begin(struct tracker *tracker, const struct ray *ray) {
  uint32_t place = place_take(tracker);
  struct tracklet *tracklet = &tracker->rays.tracklets[place];
  *tracklet = (struct tracklet){.count = 1, .sensor = ray->sensor, .first_ns = ray->time_ns};
  tracklet->rays[0] = *ray;
  tracklet_fit(tracklet);
  tracklet_note(tracker, place);
}

/* Out-of-sequence lines find their place by time. */
static void tracklet_extend(struct tracker *tracker, uint32_t place, const struct ray *ray) {
  struct tracklet *tracklet = &tracker->rays.tracklets[place];
  if (tracklet->count == TRACKLET_RAYS) {
    tracker->fate_counts[tracklet->sensor][FATE_CLUTTER]++;
    memmove(tracklet->rays, tracklet->rays + 1, (TRACKLET_RAYS - 1) * sizeof *tracklet->rays);
    tracklet->count--;
  }
  uint32_t at = tracklet->count++;
  for (; at > 0 && tracklet->rays[at - 1].time_ns > ray->time_ns; at--)
    tracklet->rays[at] = tracklet->rays[at - 1];
  tracklet->rays[at] = *ray;
  if (ray->time_ns < tracklet->first_ns) tracklet->first_ns = ray->time_ns;
  tracklet_fit(tracklet);
  tracklet_note(tracker, place);
}

/* ln of how much likelier the line is as the tracklet's next than as a false one; 0 where it is not worth it.
 */
static double link_gain(const struct tracker *tracker, uint32_t place, const struct ray *ray) {
  const struct tracklet *tracklet = &tracker->rays.tracklets[place];
  for (uint32_t i = 0; i < tracklet->count; i++) {
    if (lifecycle_one_scan(tracker, tracklet->sensor, ray->time_ns, tracklet->rays[i].time_ns)) return 0;
  }
  if (!los_fit_near(&tracklet->fit, ray, link_chi2)) return 0;
  struct los_fit fit = tracklet->fit;
  double likelihood, distance2;
  if (!los_fit_line(&fit, ray, link_chi2, &likelihood, &distance2) || !(distance2 < link_chi2)) return 0;
  double gain = likelihood + tracker->log_detection[ray->sensor] - ray->log_density;
  return isfinite(gain) ? fmax(gain, 0) : 0;
}

/* Costs of the lines [begin, begin + count) of one sensor's scan, which are in order of time, as the next ones of its tracklets: a row for
 * each line, a column for each tracklet that some line may go on with. Returns the columns. */
static uint32_t links_find(struct tracker *tracker, uint32_t begin, uint32_t count) {
  struct rays *rays = &tracker->rays;
  const struct ray *first = &rays->fresh[begin], *last = first + count - 1;
  const struct tracklet_set *own = &rays->of_sensor[first->sensor];
  uint32_t columns = 0;
  for (uint32_t place = 0; columns < ASSIGN_MAX && (place = tracklet_set_next(own, own, place)) < TRACKLETS_MAX; place++) {
    bool wanted = false;
    int64_t newest_ns = rays->newest_ns[place];
    if (lifecycle_one_scan(tracker, first->sensor, first->time_ns, newest_ns) && lifecycle_one_scan(tracker, first->sensor, last->time_ns, newest_ns))
      continue; /* and all between: mostly */
    for (uint32_t i = 0; i < count; i++) {
      double cost = -link_gain(tracker, place, &rays->fresh[begin + i]);
      rays->work->cost[i][columns] = cost;
      wanted = wanted || cost < 0;
    }
    if (wanted) rays->column[columns++] = place;
  }
  return columns;
}

/* Moves the rows of lines that some tracklet may want to the front: the solver's cost grows with the rest, too. */
static uint32_t rows_keep(struct rays *rays, uint32_t begin, uint32_t count, uint32_t columns) {
  struct assign_work *work = rays->work;
  uint32_t rows = 0;
  for (uint32_t i = 0; i < count; i++) {
    bool wanted = false;
    for (uint32_t c = 0; c < columns; c++) wanted = wanted || work->cost[i][c] < 0;
    if (!wanted) continue;
    if (rows < i) memcpy(work->cost[rows], work->cost[i], columns * sizeof *work->cost[i]);
    rays->row[rows++] = begin + i;
  }
  return rows;
}

/* The lines [begin, begin + count) of one sensor's scan and its tracklets: one joint assignment. */
static void scan_link(struct tracker *tracker, uint32_t begin, uint32_t count) {
  struct rays *rays = &tracker->rays;
  struct assign_work *work = rays->work;
  uint32_t columns = links_find(tracker, begin, count), rows = rows_keep(rays, begin, count, columns);
  assign_solve(work, rows, columns);
  bool linked[ASSIGN_MAX] = {false};
  for (uint32_t r = 0; r < rows; r++) {
    if (work->column_of[r] == ASSIGN_NONE) continue;
    tracklet_extend(tracker, rays->column[work->column_of[r]], &rays->fresh[rays->row[r]]);
    linked[rays->row[r] - begin] = true;
  }
  for (uint32_t i = 0; i < count; i++) { /* last, since a new one may take an old one's place */
    if (!linked[i]) tracklet_begin(tracker, &rays->fresh[begin + i]);
  }
}

static int rays_compare(const void *a, const void *b, void *context) {
  (void)context;
  const struct ray *x = a, *y = b;
  if (x->sensor != y->sensor) return x->sensor < y->sensor ? -1 : 1;
  if (x->time_ns != y->time_ns) return x->time_ns < y->time_ns ? -1 : 1;
  for (int i = 0; i < 3; i++) {
    if (x->direction[i] != y->direction[i]) return x->direction[i] < y->direction[i] ? -1 : 1;
  }
  return 0;
}

void rays_settle(struct tracker *tracker) {
  struct rays *rays = &tracker->rays;
  bool heard[SITE_SENSORS_MAX] = {false};
  if (rays->fresh_count == 0) return;
  sort_items(rays->fresh, rays->fresh_count, sizeof *rays->fresh, rays_compare, NULL);
  for (uint32_t begin = 0, end; begin < rays->fresh_count; begin = end) {
    const struct ray *first = &rays->fresh[begin];
    for (end = begin + 1; end < rays->fresh_count && end - begin < ASSIGN_MAX; end++) {
      if (rays->fresh[end].sensor != first->sensor || !lifecycle_one_scan(tracker, first->sensor, rays->fresh[end].time_ns, first->time_ns)) break;
    }
    heard[first->sensor] = true;
    scan_link(tracker, begin, end - begin);
  }
  rays->fresh_count = 0;
  for (uint32_t a = 0; a < tracker->index.los_count; a++) {
    for (uint32_t b = a + 1; b < tracker->index.los_count; b++) {
      uint32_t sensors[2] = {tracker->index.los_sensor[a], tracker->index.los_sensor[b]};
      if (heard[sensors[0]] || heard[sensors[1]]) triangulate(tracker, sensors[0], sensors[1]);
    }
  }
}

/* What speaks for two tracklets as one object: geometry, height, times, further sensors. Pure. */
#include "engine/track/meeting.h"

#include <math.h>

#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double new_objects_per_scan = 0.02; /* as for points */
static const double sine2_min = 1.2e-5; /* lines under 0.2 degrees apart say nothing of the distance */
static const double coarse_sigmas = 6, coarse_speed_mps = 4000;
static const double depth_sigma_m = 200000;
static const double height_lowest_m = -1000, height_highest_m = 1000000;
/* Where a watching sensor begins to see a motor: as it comes out of the clouds, evenly to 15 km and 5 km (one
 * sigma) beyond; or, one in ten, anywhere to some 150 km. */
static const double height_cloud_m = 15000, height_cloud_sigma_m = 5000, height_anywhere = 0.0124,
                    height_anywhere_m = 150000;
static const double speed_first_mps = 1500;
static const double line_chi2 = 24; /* 2 degrees of freedom */
enum { MISSED_MAX = 3 };

/* Whether the newest lines of the tracklets in two places pass each other near enough, in front of both sensors and where something flies;
 * *distance_m from the first sensor. Nearest points of two lines. */
static bool lines_meet(const struct rays *rays, uint32_t slot_a, uint32_t slot_b, double *distance_m) {
  const struct sight *a = &rays->sights[slot_a], *b = &rays->sights[slot_b];
  double w[3], cosine = vector_dot(a->direction, b->direction), sine2 = 1 - cosine * cosine, gap2 = 0,
               middle[3];
  if (sine2 < sine2_min) return false;
  vector_subtract(w, b->site_m, a->site_m);
  double wa = vector_dot(w, a->direction), wb = vector_dot(w, b->direction);
  double ra = (wa - cosine * wb) / sine2, rb = (cosine * wa - wb) / sine2;
  if (ra < 1000 || rb < 1000) return false;
  for (int i = 0; i < 3; i++) {
    double pa = a->site_m[i] + ra * a->direction[i], pb = b->site_m[i] + rb * b->direction[i];
    gap2 += (pa - pb) * (pa - pb);
    middle[i] = 0.5 * (pa + pb);
  }
  double sa2 = ra * ra * a->variance, sb2 = rb * rb * b->variance;
  double moved = coarse_speed_mps * fabs((double)(rays->newest_ns[slot_a] - rays->newest_ns[slot_b]) * 1e-9);
  if (gap2 > coarse_sigmas * coarse_sigmas * (sa2 + sb2) + moved * moved) return false;
  double lat_rad, lon_rad, height_m, doubt = (coarse_sigmas * sqrt(sa2 + sb2) + moved) / sqrt(sine2);
  wk_geodetic_from_ecef(middle, &lat_rad, &lon_rad, &height_m);
  *distance_m = ra;
  return height_m > height_lowest_m - doubt && height_m < height_highest_m + doubt;
}

/* Speeds that a burning missile has at a height: what 12 m/s^2 (a net 20 upward) along the way up give, per
 * axis. */
static double speed_sigma_mps(double height_m) {
  return fmin(fmax(sqrt(24 * fmax(height_m, 0)), 300), 3000);
}

static double height_of(const double point_m[3]) {
  double lat_rad, lon_rad, height_m;
  wk_geodetic_from_ecef(point_m, &lat_rad, &lon_rad, &height_m);
  return height_m;
}

/* ln of how much likelier the lines of a tracklet are as the object's than as false ones. False where they do
 * not fit. */
static bool tracklet_add(const struct tracker *tracker, struct los_fit *fit, const struct tracklet *tracklet,
                         uint32_t first, double *gain) {
  double log_pd = tracker->log_detection[tracklet->sensor];
  for (uint32_t i = first; i < tracklet->count; i++) {
    double likelihood, distance2;
    if (!los_fit_line(fit, &tracklet->rays[i], line_chi2, &likelihood, &distance2)) return false;
    *gain += likelihood + log_pd - tracklet->rays[i].log_density;
  }
  return true;
}

/* The state through all lines of two tracklets, the first distance_m away; prior of the speed by the height that a first pass finds. */
static bool pair_fit(const struct tracker *tracker, const struct tracklet *a, const struct tracklet *b, double distance_m,
                     struct meeting *out) {
  double speed = speed_first_mps, clutter = clutter_per_scan_of(&tracker->site->sensors[a->sensor]);
  for (int pass = 0; pass < 2; pass++) {
    los_fit_begin(&out->fit, &a->rays[0], distance_m, depth_sigma_m, speed);
    out->log_odds = wk_log(new_objects_per_scan / clutter);
    if (!tracklet_add(tracker, &out->fit, a, 1, &out->log_odds)) return false;
    if (!tracklet_add(tracker, &out->fit, b, 0, &out->log_odds)) return false;
    speed = speed_sigma_mps(height_of(out->fit.x));
  }
  out->parts[0] = a;
  out->parts[1] = b;
  out->count = 2;
  return true;
}

/* The height where the motor is first seen: nothing burns below the ground. */
static bool height_judge(struct meeting *meeting) {
  double height = height_of(meeting->fit.x), up[3], variance = 0, radius = vector_norm(meeting->fit.x);
  for (int i = 0; i < 3; i++) up[i] = meeting->fit.x[i] / radius;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++)
      variance += up[i] * up[j] * meeting->fit.p[i <= j ? WK_AT(FIT_N, i, j) : WK_AT(FIT_N, j, i)];
  }
  double below = fmax(height_lowest_m - height, 0);
  if (below * below > 9 * variance || height > height_highest_m) return false;
  double high = fmax(height - height_cloud_m, 0), anywhere = height / height_anywhere_m;
  double begins = wk_exp(-0.5 * high * high / (height_cloud_sigma_m * height_cloud_sigma_m + variance)) +
                  height_anywhere * wk_exp(-0.5 * anywhere * anywhere);
  meeting->log_odds += wk_log(begins) - 0.5 * below * below / fmax(variance, 1);
  return true;
}

/* ln of the chance that a sensor misses what another saw, from one time to another. */
static double missed_between(const struct sensor *sensor, int64_t from_ns, int64_t to_ns) {
  double looks = floor((double)(to_ns - from_ns) * 1e-9 / sensor->revisit_s);
  return fmin(fmax(looks, 0), MISSED_MAX) * wk_log(1 - sensor->detection_probability);
}

/* Both sensors should have begun to see the object together, and go on together. */
static void together_judge(const struct tracker *tracker, struct meeting *meeting) {
  for (int k = 0; k < 2; k++) {
    const struct tracklet *own = meeting->parts[k], *other = meeting->parts[1 - k];
    const struct sensor *sensor = &tracker->site->sensors[own->sensor];
    meeting->log_odds += missed_between(sensor, other->first_ns, own->first_ns);
    int64_t heard_ns = tracker->sensor_front_ns[own->sensor];
    int64_t until_ns = tracklet_newest_ns(other) < heard_ns ? tracklet_newest_ns(other) : heard_ns;
    meeting->log_odds += missed_between(sensor, tracklet_newest_ns(own), until_ns);
  }
}

/* What a third sensor says: the tracklet that fits best, or the looks at which it should have seen the
 * object. */
static void support_judge(const struct tracker *tracker, struct meeting *meeting, uint32_t sensor) {
  const struct rays *rays = &tracker->rays;
  const struct tracklet_set *own = &rays->of_sensor[sensor];
  const struct tracklet *best = NULL;
  struct los_fit best_fit = {0};
  double best_gain = 0;
  for (uint32_t i = 0; (i = tracklet_set_next(own, own, i)) < TRACKLETS_MAX; i++) {
    const struct tracklet *tracklet = &rays->tracklets[i];
    if (!los_fit_near(&meeting->fit, &tracklet->rays[0], line_chi2)) continue;
    struct los_fit fit = meeting->fit;
    double gain = 0;
    if (!tracklet_add(tracker, &fit, tracklet, 0, &gain) || gain <= best_gain) continue;
    best = tracklet;
    best_fit = fit;
    best_gain = gain;
  }
  if (best) {
    meeting->fit = best_fit;
    meeting->log_odds += best_gain;
    meeting->parts[meeting->count++] = best;
    return;
  }
  const struct tracklet *a = meeting->parts[0];
  const struct sensor *seer = &tracker->site->sensors[sensor];
  struct coverage coverage = tracker->watches[sensor].coverage;
  coverage_at(&coverage, seer, &tracker->motion[sensor], a->rays[0].time_ns);
  if (!coverage_holds(&coverage, meeting->fit.x)) return;
  if (tracker->sensor_front_ns[sensor] == INT64_MIN) return;
  meeting->log_odds += missed_between(seer, a->rays[0].time_ns, tracker->sensor_front_ns[sensor]);
}

bool meeting_fits(const struct tracker *tracker, uint32_t slot_a, uint32_t slot_b) {
  const struct rays *rays = &tracker->rays;
  struct meeting meeting;
  double distance_m;
  return lines_meet(rays, slot_a, slot_b, &distance_m) &&
         pair_fit(tracker, &rays->tracklets[slot_a], &rays->tracklets[slot_b], distance_m, &meeting);
}

bool meeting_judge(const struct tracker *tracker, uint32_t slot_a, uint32_t slot_b, struct meeting *out) {
  const struct rays *rays = &tracker->rays;
  const struct tracklet *a = &rays->tracklets[slot_a], *b = &rays->tracklets[slot_b];
  double distance_m;
  if (!lines_meet(rays, slot_a, slot_b, &distance_m)) return false;
  if (!pair_fit(tracker, a, b, distance_m, out) || !height_judge(out)) return false;
  together_judge(tracker, out);
  for (uint32_t k = 0; k < tracker->index.los_count && out->count < 2 + SUPPORT_MAX; k++) {
    uint32_t sensor = tracker->index.los_sensor[k];
    if (sensor != a->sensor && sensor != b->sensor) support_judge(tracker, out, sensor);
  }
  return isfinite(out->log_odds);
}

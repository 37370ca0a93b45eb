/* Tracks from lines of sight alone: tracklets of two sensors that one burning object explains, further
 * sensors in support. N objects seen by two sensors cross in up to N^2 points near one plane; which crossings
 * are objects is a joint assignment, each tracklet used once. Runs on one thread. */
#include <math.h>
#include <string.h>

#include "engine/track/birth.h"
#include "engine/track/rays.h"
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
static const double fit_chi2_per_line = 8;
static const double log_odds_born_min = 6, log_odds_born_max = 12;
static const double margin_sure = 6; /* over the next best joint explanation, or wait for the third look */
static const double known_chi2 = 20; /* 6 degrees of freedom */
enum { LINES_MIN = 4, LOOKS_ENOUGH = 3, SUPPORT_MAX = 4, MISSED_MAX = 3 };

/* Two tracklets as one object. */
struct meeting {
  struct los_fit fit;
  double log_odds;
  const struct tracklet *parts[2 + SUPPORT_MAX];
  uint32_t count;
};

/* Whether two lines pass each other near enough, in front of both sensors and where something flies;
 * *distance_m from the first sensor. Nearest points of two lines. */
static bool lines_meet(const struct ray *a, const struct ray *b, double *distance_m) {
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
  double sa2 = ra * ra * fmax(a->variance[0], a->variance[1]),
         sb2 = rb * rb * fmax(b->variance[0], b->variance[1]);
  double moved = coarse_speed_mps * fabs((double)(a->time_ns - b->time_ns) * 1e-9);
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
    if (!los_fit_line(fit, &tracklet->rays[i], 3 * fit_chi2_per_line, &likelihood, &distance2)) return false;
    *gain += likelihood + log_pd - tracklet->rays[i].log_density;
  }
  return true;
}

/* The state through all lines of two tracklets; prior of the speed by the height that a first pass finds. */
static bool pair_fit(const struct tracker *tracker, const struct tracklet *a, const struct tracklet *b,
                     struct meeting *out) {
  double distance_m, speed = speed_first_mps;
  if (!lines_meet(&a->rays[a->count - 1], &b->rays[b->count - 1], &distance_m)) return false;
  double clutter = clutter_per_scan_of(&tracker->site->sensors[a->sensor]);
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
  const struct tracklet *best = NULL;
  struct los_fit best_fit = {0};
  double best_gain = 0;
  for (uint32_t i = 0; i < rays->high; i++) {
    const struct tracklet *tracklet = &rays->tracklets[i];
    if (!tracklet->present || tracklet->sensor != sensor) continue;
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
  if (!sensor_covers(seer, &tracker->motion[sensor], a->rays[0].time_ns, meeting->fit.x)) return;
  if (tracker->sensor_front_ns[sensor] == INT64_MIN) return;
  meeting->log_odds += missed_between(seer, a->rays[0].time_ns, tracker->sensor_front_ns[sensor]);
}

static bool meeting_judge(const struct tracker *tracker, const struct tracklet *a, const struct tracklet *b,
                          struct meeting *out) {
  if (!pair_fit(tracker, a, b, out) || !height_judge(out)) return false;
  together_judge(tracker, out);
  for (uint32_t k = 0; k < tracker->index.los_count && out->count < 2 + SUPPORT_MAX; k++) {
    uint32_t sensor = tracker->index.los_sensor[k];
    if (sensor != a->sensor && sensor != b->sensor) support_judge(tracker, out, sensor);
  }
  return isfinite(out->log_odds);
}

/* How much worse the best other joint explanation is that does without this pair: leaving it alone, or
 * exchanging partners with one other. */
static double margin_of(const struct assign_work *work, uint32_t rows, uint32_t columns, uint32_t row) {
  uint32_t column = work->column_of[row];
  double own = -work->cost[row][column], margin = own;
  for (uint32_t r = 0; r < rows; r++) {
    uint32_t c = work->column_of[r];
    if (r == row) continue;
    double kept = own + (c == ASSIGN_NONE ? 0 : -work->cost[r][c]);
    double exchanged = -work->cost[r][column] + (c == ASSIGN_NONE ? 0 : -work->cost[row][c]);
    if (work->cost[r][column] < 0) margin = fmin(margin, kept - exchanged);
  }
  for (uint32_t c = 0; c < columns; c++) {
    bool used = false;
    for (uint32_t r = 0; r < rows; r++) used = used || work->column_of[r] == c;
    if (!used) margin = fmin(margin, own + work->cost[row][c]);
  }
  return margin;
}

struct known_search {
  struct tracker *tracker;
  const struct meeting *meeting;
  double x[FIT_N], p[WK_PACKED(FIT_N)];
  int64_t time_ns;
  bool found;
};

/* A track that another line of the same scan has just updated is another object. */
static bool seen_beside(const struct tracker *tracker, struct track *track, const struct meeting *meeting) {
  for (uint32_t k = 0; k < meeting->count; k++) {
    const struct tracklet *part = meeting->parts[k];
    const struct look *look = track_look_read(track, part->sensor);
    if (!look || look->last_hit_ns == INT64_MIN) continue;
    double apart_s = fabs((double)(look->last_hit_ns - tracklet_newest_ns(part)) * 1e-9);
    if (apart_s < 0.4 * tracker->site->sensors[part->sensor].revisit_s) return true;
  }
  return false;
}

static void known_consider(void *context, uint32_t slot) {
  struct known_search *search = context;
  struct tracker *tracker = search->tracker;
  struct track *track = &tracker->store.tracks[slot];
  if (search->found || seen_beside(tracker, track, search->meeting)) return;
  double d[6], p[3], moments[1][27], sum[21], inverse[21];
  double dt = (double)(search->time_ns - track->time_ns) * 1e-9;
  track_extrapolate(track, search->time_ns, p);
  for (int i = 0; i < 3; i++) {
    d[i] = search->x[i] - p[i];
    d[3 + i] = search->x[3 + i] - track->velocity_mps[i] - dt * track->acceleration_mps2[i];
  }
  filter_moments(&tracker->filter, &slot, 1, moments);
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++)
      sum[WK_AT(6, i, j)] = moments[0][6 + WK_AT(6, i, j)] + search->p[WK_AT(FIT_N, i, j)];
  }
  if (matrix_invert_spd(6, sum, inverse, NULL)) search->found = matrix_quadratic(6, inverse, d) < known_chi2;
}

/* Whether a track has the object already: it will take the lines to come. */
static bool known(struct tracker *tracker, const struct meeting *meeting, int64_t time_ns) {
  struct known_search search = {.tracker = tracker, .meeting = meeting, .time_ns = time_ns};
  double half[3];
  los_fit_at(&meeting->fit, time_ns, search.x, search.p);
  for (int i = 0; i < 3; i++) half[i] = 5 * sqrt(search.p[WK_AT(FIT_N, i, i)]);
  grid_query(&tracker->index.space, search.x, half, known_consider, &search);
  return search.found;
}

/* The boost mode's specific force: the acceleration less gravitation and what the turning Earth adds. */
static void force_from_acceleration(double x[FIT_N]) {
  static const double mu = 3.986004418e14, turn = 7.292115e-5;
  double radius = vector_norm(x), fall = mu / (radius * radius * radius);
  for (int i = 0; i < 3; i++) x[6 + i] += fall * x[i];
  x[6] -= turn * turn * x[0] + 2 * turn * x[4];
  x[7] -= turn * turn * x[1] - 2 * turn * x[3];
}

static void meeting_start(struct tracker *tracker, const struct meeting *meeting, double log_odds) {
  struct birth birth = {.log_odds = log_odds, .class_log_odds = 1, .has_boost = true};
  for (uint32_t k = 0; k < meeting->count; k++) {
    const struct tracklet *part = meeting->parts[k];
    for (uint32_t i = 0; i < part->count && birth.count < BIRTH_PLOTS_MAX; i++) {
      const struct ray *ray = &part->rays[i];
      birth.plots[birth.count++] = (struct birth_plot){ray->time_ns, ray->sensor};
      if (ray->time_ns > birth.time_ns) birth.time_ns = ray->time_ns;
      if (ray->arrival_ns > birth.arrival_ns) birth.arrival_ns = ray->arrival_ns;
    }
  }
  if (known(tracker, meeting, birth.time_ns)) return;
  los_fit_at(&meeting->fit, birth.time_ns, birth.boost_x, birth.boost_p);
  memcpy(birth.x, birth.boost_x, sizeof birth.x);
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) birth.p[WK_AT(6, i, j)] = birth.boost_p[WK_AT(FIT_N, i, j)];
  }
  force_from_acceleration(birth.boost_x);
  enum fate fate = track_birth(tracker, &birth) == TRACK_NONE ? FATE_SHED : FATE_STARTED;
  for (uint32_t k = 0; k < meeting->count; k++)
    tracklet_drop(tracker, &tracker->rays.tracklets[meeting->parts[k] - tracker->rays.tracklets], fate);
}

/* Tracklets of a sensor; *changed where one of them has a line of this slice. */
static uint32_t tracklets_of(const struct tracker *tracker, uint32_t sensor, uint32_t *out, bool *changed) {
  const struct rays *rays = &tracker->rays;
  uint32_t count = 0;
  for (uint32_t i = 0; i < rays->high && count < ASSIGN_MAX; i++) {
    const struct tracklet *tracklet = &rays->tracklets[i];
    if (!tracklet->present || tracklet->sensor != sensor) continue;
    out[count++] = i;
    *changed = *changed || tracklet->changed_slice == tracker->slice;
  }
  return count;
}

/* The matched pair with the most evidence that is worth a start; support goes to the best. */
static uint32_t row_next(const struct assign_work *work, uint32_t rows) {
  uint32_t best = ASSIGN_NONE;
  double most = log_odds_born_min;
  for (uint32_t r = 0; r < rows; r++) {
    if (work->column_of[r] == ASSIGN_NONE || -work->cost[r][work->column_of[r]] <= most) continue;
    most = -work->cost[r][work->column_of[r]];
    best = r;
  }
  return best;
}

void triangulate(struct tracker *tracker, uint32_t sensor_a, uint32_t sensor_b) {
  struct rays *rays = &tracker->rays;
  struct assign_work *work = tracker->rays.work;
  bool changed = false;
  struct meeting meeting;
  uint32_t all = tracklets_of(tracker, sensor_a, rays->row, &changed), rows = 0;
  uint32_t columns = tracklets_of(tracker, sensor_b, rays->column, &changed);
  if (!changed) return;
  for (uint32_t i = 0; i < all; i++) {
    const struct tracklet *a = &rays->tracklets[rays->row[i]];
    bool meets = false;
    for (uint32_t c = 0; c < columns; c++) {
      bool fits =
          meeting_judge(tracker, a, &rays->tracklets[rays->column[c]], &meeting) && meeting.log_odds > 0;
      work->cost[rows][c] = fits ? -meeting.log_odds : 0;
      meets = meets || fits;
    }
    if (meets) rays->row[rows++] = rays->row[i];
  }
  assign_solve(work, rows, columns);
  double margins[ASSIGN_MAX];
  for (uint32_t r = 0; r < rows; r++) {
    if (work->column_of[r] != ASSIGN_NONE) margins[r] = margin_of(work, rows, columns, r);
  }
  for (uint32_t r; (r = row_next(work, rows)) != ASSIGN_NONE;) {
    double gain = -work->cost[r][work->column_of[r]], margin = margins[r];
    const struct tracklet *a = &rays->tracklets[rays->row[r]],
                          *b = &rays->tracklets[rays->column[work->column_of[r]]];
    work->column_of[r] = ASSIGN_NONE;
    if (a->count + b->count < LINES_MIN) continue; /* it competes, no more */
    if (margin < margin_sure && (a->count < LOOKS_ENOUGH || b->count < LOOKS_ENOUGH)) continue;
    if (!meeting_judge(tracker, a, b, &meeting) || meeting.log_odds < gain)
      continue; /* a better one took its support */
    meeting_start(tracker, &meeting, fmin(fmin(gain, margin), log_odds_born_max));
  }
}

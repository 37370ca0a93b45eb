/* Tracks from lines of sight alone: tracklets of two sensors that one burning object explains, further
 * sensors in support. N objects seen by two sensors cross in up to N^2 points near one plane; which crossings
 * are objects is a joint assignment, each tracklet used once. Runs on one thread. */
#include <math.h>
#include <string.h>

#include "engine/track/birth.h"
#include "engine/track/meeting.h"
#include "engine/track/rays.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double log_odds_born_min = 6, log_odds_born_max = 12;
static const double margin_sure = 6; /* over the next best joint explanation, or wait for the third look */
static const double known_chi2 = 20; /* 6 degrees of freedom */
enum { LINES_MIN = 4, LOOKS_ENOUGH = 3 };

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
    if (lifecycle_one_scan(tracker, part->sensor, look->last_hit_ns, tracklet_newest_ns(part))) return true;
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
    d[3 + i] = search->x[3 + i] - track->velocity_mps[i] - dt * (double)track->acceleration_mps2[i];
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

void crossings_forget(struct rays *rays, uint32_t place) {
  struct tracklet_set *own = &rays->compared[place];
  for (uint32_t i = 0; (i = tracklet_set_next(own, own, i)) < TRACKLETS_MAX; i++) tracklet_set_put(&rays->compared[i], place, false);
  *own = (struct tracklet_set){{0}};
}

/* Whether tracklets of two sensors may be the same object. Few are ever asked: it is found when they are, and stands until one of them gets
 * a line. */
static bool tracklets_cross(struct tracker *tracker, uint32_t a, uint32_t b) {
  struct rays *rays = &tracker->rays;
  if (!tracklet_set_has(&rays->compared[a], b)) {
    bool fits = rays->tracklets[a].sensor < rays->tracklets[b].sensor ? meeting_fits(tracker, a, b) : meeting_fits(tracker, b, a);
    tracklet_set_put(&rays->compared[a], b, true);
    tracklet_set_put(&rays->compared[b], a, true);
    tracklet_set_put(&rays->crossing[a], b, fits);
    tracklet_set_put(&rays->crossing[b], a, fits);
  }
  return tracklet_set_has(&rays->crossing[a], b);
}

/* The same of a tracklet and all of another sensor's. */
static void crossings_find(struct tracker *tracker, uint32_t place, const struct tracklet_set *others) {
  const struct tracklet_set *compared = &tracker->rays.compared[place];
  for (uint32_t w = 0; w < TRACKLET_WORDS; w++) {
    for (uint64_t left = others->words[w] & ~compared->words[w]; left; left &= left - 1) tracklets_cross(tracker, place, w * 64 + (uint32_t)__builtin_ctzll(left));
  }
}

/* Tracklets of two sensors: those that some pair with lines enough for a start has to compete with, through whatever crossings. The
 * others settle nothing now. */
struct contest {
  const struct tracklet_set *sensors[2];
  struct tracklet_set in[2]; /* found so far */
};

/* Takes a tracklet in, and with it all that it crosses, and so on; each once. */
static void contest_join(struct tracker *tracker, struct contest *contest, int side, uint32_t place) {
  struct tracklet_set todo[2] = {{{0}}};
  tracklet_set_put(&todo[side], place, true);
  for (bool more = true; more; side = 1 - side) {
    more = false;
    for (uint32_t i = 0; (i = tracklet_set_next(&todo[side], &todo[side], i)) < TRACKLETS_MAX; i++) {
      tracklet_set_put(&contest->in[side], i, true);
      crossings_find(tracker, i, contest->sensors[1 - side]);
      for (uint32_t w = 0; w < TRACKLET_WORDS; w++) {
        uint64_t others = tracker->rays.crossing[i].words[w] & contest->sensors[1 - side]->words[w];
        todo[1 - side].words[w] |= others & ~contest->in[1 - side].words[w];
      }
      more = true;
    }
    todo[side] = (struct tracklet_set){{0}};
  }
}

/* Does the tracklet cross one of the other sensor with which it has lines enough for a start? */
static bool starts_some(struct tracker *tracker, uint32_t place, const struct tracklet_set *others) {
  const struct rays *rays = &tracker->rays;
  const struct tracklet_set *enough = rays->tracklets[place].count + 1 < LINES_MIN ? &rays->linked : others;
  for (uint32_t i = 0; (i = tracklet_set_next(others, enough, i)) < TRACKLETS_MAX; i++) {
    if (rays->tracklets[place].count + rays->tracklets[i].count >= LINES_MIN && tracklets_cross(tracker, place, i)) return true;
  }
  return false;
}

static uint32_t places_list(const struct tracklet_set *set, uint32_t out[ASSIGN_MAX]) {
  uint32_t count = 0;
  for (uint32_t i = 0; count < ASSIGN_MAX && (i = tracklet_set_next(set, set, i)) < TRACKLETS_MAX; i++) out[count++] = i;
  return count;
}

/* Rows and columns of what is to be settled. Returns the number of rows. */
static uint32_t contest_list(struct tracker *tracker, uint32_t sensor_a, uint32_t sensor_b, uint32_t *columns) {
  struct rays *rays = &tracker->rays;
  struct contest contest = {.sensors = {&rays->of_sensor[sensor_a], &rays->of_sensor[sensor_b]}};
  for (int side = 0; side < 2; side++) { /* of a pair with lines enough, one has two at least */
    const struct tracklet_set *own = contest.sensors[side], *others = contest.sensors[1 - side];
    for (uint32_t i = 0; (i = tracklet_set_next(own, &rays->linked, i)) < TRACKLETS_MAX; i++) {
      if (!tracklet_set_has(&contest.in[side], i) && starts_some(tracker, i, others)) contest_join(tracker, &contest, side, i);
    }
  }
  *columns = places_list(&contest.in[1], rays->column);
  return places_list(&contest.in[0], rays->row);
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
  struct meeting meeting;
  uint32_t columns, count = contest_list(tracker, sensor_a, sensor_b, &columns), rows = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t a = rays->row[i];
    bool meets = false;
    for (uint32_t c = 0; c < columns; c++) {
      uint32_t b = rays->column[c];
      bool fits = tracklets_cross(tracker, a, b) && meeting_judge(tracker, a, b, &meeting) && meeting.log_odds > 0;
      work->cost[rows][c] = fits ? -meeting.log_odds : 0;
      meets = meets || fits;
    }
    if (meets) rays->row[rows++] = a;
  }
  assign_solve(work, rows, columns);
  double margins[ASSIGN_MAX];
  for (uint32_t r = 0; r < rows; r++) {
    if (work->column_of[r] != ASSIGN_NONE) margins[r] = margin_of(work, rows, columns, r);
  }
  for (uint32_t r; (r = row_next(work, rows)) != ASSIGN_NONE;) {
    double gain = -work->cost[r][work->column_of[r]], margin = margins[r];
    uint32_t places[2] = {rays->row[r], rays->column[work->column_of[r]]};
    const struct tracklet *a = &rays->tracklets[places[0]], *b = &rays->tracklets[places[1]];
    work->column_of[r] = ASSIGN_NONE;
    if (a->count + b->count < LINES_MIN) continue; /* it competes, no more */
    if (margin < margin_sure && (a->count < LOOKS_ENOUGH || b->count < LOOKS_ENOUGH)) continue;
    if (!meeting_judge(tracker, places[0], places[1], &meeting) || meeting.log_odds < gain)
      continue; /* a better one took its support */
    meeting_start(tracker, &meeting, fmin(fmin(gain, margin), log_odds_born_max));
  }
}

/* Reviews: twice a second of each track misses are charged, duplicates merged, ends found. A miss is charged once per sensor revisit,
 * and only when the sensor has reported later than the look that should have seen the track (or has been silent for so long that it
 * must have), so that a feed's delay never costs a track its life. A sensor of which nothing at all is heard any more, though it used
 * to send more than this track's plots, is out: it misses nothing.
 *
 * Most reviews change their own track's looks and nothing else. They run in parallel, and what they read of other tracks none of them
 * writes; what ends a track follows one by one, in the order in which the reviews are due. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/base/ahead.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double log_odds_end = -3;   /* r = 0.05 */
static const double silence_max_s = 240; /* ballistic, by free fall alone */
static const double silence_max_air_s = 60; /* aircraft may turn; at least so many looks of the quickest sensor: */
static const double silence_max_air_looks = 15, silence_max_tentative_looks = 8;
static const double sigma_max_m = 60000; /* position lost */
static const double plume_min = 0.3; /* where boost is less likely, a line-of-sight sensor's miss says nothing */
static const int64_t step_ns = 500000000;
enum { MISSES_PER_REVIEW_MAX = 4, REVIEW_PIECE = 16 * DUPLICATE_TOGETHER };

double review_detection_probability(const struct tracker *tracker, const struct track *track, uint32_t sensor) {
  double pd = tracker->site->sensors[sensor].detection_probability;
  if (tracker->site->sensors[sensor].kind != KIND_LOS) return pd;
  double plume = track_ballistic_probability(track) * track->bank[WK_B_WEIGHT];
  return plume > plume_min ? pd * plume : 0;
}

/* A plume that a sensor has seen and now misses has more likely burnt out than vanished: the miss speaks
 * against existence no more than against boost (docs/maths.md T7). */
static void burn_out_weigh(const struct tracker *tracker, struct track *track, const struct look *look) {
  const struct sensor *sensor = &tracker->site->sensors[look_sensor(track, look)];
  if (sensor->kind != KIND_LOS || look->last_hit_ns == INT64_MIN) return;
  double *weight = track->bank + WK_B_WEIGHT, missed = weight[0] * sensor->detection_probability;
  if (weight[0] <= plume_min) return;
  track->told = 0;
  weight[0] = (weight[0] - missed) / (1 - missed);
  for (int m = 1; m < 3; m++) weight[m] /= 1 - missed;
}

void review_watch_open(struct watch *watch, const struct sensor *sensor) {
  *watch = (struct watch){.revisit_ns = (int64_t)(sensor->revisit_s * 1e9), .expected_ns = (int64_t)(1.5e9 * sensor->revisit_s)};
  coverage_open(&watch->coverage, sensor);
}

/* What all reviews of this slice ask of a sensor. */
static void watch_renew(const struct tracker *tracker, uint32_t index) {
  const struct sensor *sensor = &tracker->site->sensors[index];
  const struct hearing *hearing = &tracker->hearing[index];
  struct watch *watch = &tracker->watches[index];
  int64_t front_ns = tracker->sensor_front_ns[index], lag_ns = tracker->site->lag_ns;
  int64_t behind_ns = hearing->behind_ns < lag_ns ? hearing->behind_ns : lag_ns;
  coverage_at(&watch->coverage, sensor, &tracker->motion[index], tracker->now_ns);
  watch->heard = front_ns != INT64_MIN;
  watch->away = sensor_motion_status(&tracker->motion[index]) == SENSOR_DOWN || hearing_out(hearing, tracker->now_ns, sensor->revisit_s);
  watch->due_ns = tracker->now_ns - lag_ns;
  if (watch->heard && front_ns - behind_ns > watch->due_ns) watch->due_ns = front_ns - behind_ns;
}

/* Charges what is due on one look. */
static void look_review(const struct tracker *tracker, struct track *track, struct look *look) {
  uint32_t index = look_sensor(track, look);
  const struct sensor *sensor = &tracker->site->sensors[index];
  const struct watch *watch = &tracker->watches[index];
  const struct hearing *hearing = &tracker->hearing[index];
  /* Who sees plumes from above and has not seen this one may have clouds before it. */
  bool clouded = sensor->kind == KIND_LOS && look->last_hit_ns == INT64_MIN;
  for (int charged = 0; charged < MISSES_PER_REVIEW_MAX; charged++) {
    if (look->next_ns >= watch->due_ns) return;
    bool looked = !watch->away && !clouded && !track->parked && !hearing_was_out(hearing, look->next_ns, sensor->revisit_s);
    if (looked) {
      track->log_odds += wk_log(1 - review_detection_probability(tracker, track, index));
      burn_out_weigh(tracker, track, look);
    }
    look->next_ns += watch->revisit_ns;
  }
  if (look->next_ns < tracker->now_ns - watch->revisit_ns) look->next_ns = tracker->now_ns;
}

/* Per sensor of the site its place, + 1, among the track's looks; 0: none. */
static void places_find(const struct tracker *tracker, const struct track *track, uint8_t *places) {
  memset(places, 0, tracker->site->sensor_count);
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    if (look_used(track, i)) places[track->look_sensors[i]] = (uint8_t)(i + 1);
  }
}

/* Keeps the list of looks in step with what covers the track now, and charges misses. */
static void looks_review(const struct tracker *tracker, struct track *track, const double position_m[3]) {
  uint8_t places[SITE_SENSORS_MAX];
  places_find(tracker, track, places);
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) {
    const struct watch *watch = &tracker->watches[s];
    int64_t expected_ns = tracker->now_ns + watch->expected_ns;
    struct look *look = places[s] ? &track->looks[places[s] - 1] : NULL;
    if (!coverage_holds(&watch->coverage, position_m)) {
      if (look) look->next_ns = expected_ns;
    } else if (look) {
      look_review(tracker, track, look);
    } else if (watch->heard) { /* of who was never heard nothing can be expected */
      track_look_take(track, s)->next_ns = expected_ns;
      places_find(tracker, track, places); /* it may have taken another one's */
    }
  }
}

/* How long a track may go without a plot where no sensor's miss speaks against it. */
static double silence_limit_s(const struct tracker *tracker, const struct track *track) {
  double revisit_s = lifecycle_revisit_s(tracker, track);
  if (track->status == STATUS_TENTATIVE) return fmax(silence_max_tentative_looks * revisit_s, 10);
  if (track_ballistic_probability(track) > 0.5) return silence_max_s;
  return fmax(silence_max_air_s, silence_max_air_looks * revisit_s);
}

static bool over(const struct tracker *tracker, const struct track *track, const double position_m[3]) {
  double silent_s = (double)(tracker->now_ns - track->newest_ns) * 1e-9;
  double lat_rad, lon_rad, height_m;
  if (track->log_odds < log_odds_end) return true;
  if (silent_s <= LIFECYCLE_SILENT_MIN_S) return false;
  if (silent_s > silence_limit_s(tracker, track)) return true;
  if (!lifecycle_silent(tracker, track)) return false;
  if (track_sigma_at(track, track->time_ns) > sigma_max_m) return true;
  wk_geodetic_from_ecef(position_m, &lat_rad, &lon_rad, &height_m);
  return height_m < -200 - track->sigma_position_m; /* it has come down */
}

/* Asks for what a review reads of a track: its summary, odds and looks. */
static void review_fetch(const struct tracker *tracker, uint32_t slot) {
  const struct track *track = &tracker->store.tracks[slot];
  ahead_ask(track, offsetof(struct track, bank));
  ahead_ask(&track->arrival_ns, offsetof(struct track, sensors) - offsetof(struct track, arrival_ns));
}

static void review_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct tracker *tracker = argument;
  for (uint32_t i = begin; i < end && i < begin + DUPLICATE_TOGETHER; i++) review_fetch(tracker, tracker->due[i]);
  for (uint32_t first = begin; first < end; first += DUPLICATE_TOGETHER) {
    uint32_t last = end - first < DUPLICATE_TOGETHER ? end : first + DUPLICATE_TOGETHER;
    bool near[DUPLICATE_TOGETHER];
    for (uint32_t i = first; i < last; i++) {
      struct track *track = &tracker->store.tracks[tracker->due[i]];
      double position_m[3];
      if (i + DUPLICATE_TOGETHER < end) review_fetch(tracker, tracker->due[i + DUPLICATE_TOGETHER]);
      track_extrapolate(track, tracker->now_ns, position_m);
      looks_review(tracker, track, position_m);
      tracker->findings[i] = over(tracker, track, position_m) ? FINDING_OVER : 0;
    }
    duplicate_near(tracker, tracker->due + first, last - first, near);
    for (uint32_t i = first; i < last; i++) tracker->findings[i] |= near[i - first] ? FINDING_OLDER_NEAR : 0;
  }
}

void review_plan(struct tracker *tracker, uint32_t slot) {
  calendar_set(&tracker->review, slot, tracker->now_ns + step_ns);
}

/* What a review found has its consequences; the track's next one is planned where it goes on. */
static void review_close(struct tracker *tracker, uint32_t slot, uint8_t findings) {
  bool room = tracker->lost_count < TRACKER_LOST_MAX && tracker->lost_count < tracker->store.capacity;
  bool merged = room && (findings & FINDING_OLDER_NEAR) && duplicate_of_older(tracker, slot);
  tracker->statistics.merged += merged;
  if (room && (merged || findings & FINDING_OVER)) {
    lifecycle_end(tracker, slot, merged);
  } else {
    review_plan(tracker, slot);
  }
}

void review_step(struct tracker *tracker) {
  for (uint32_t i = 0; i < tracker->fresh_count; i++) duplicate_neighbours_note(tracker, tracker->fresh[i]);
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) watch_renew(tracker, s);
  uint32_t count = calendar_take(&tracker->review, tracker->now_ns, tracker->due);
  tracker->parallel.run(tracker->parallel.context, review_piece, tracker, count, REVIEW_PIECE);
  for (uint32_t i = 0; i < count; i++) review_close(tracker, tracker->due[i], tracker->findings[i]);
}

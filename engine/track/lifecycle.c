/* Existence, looks and misses, ends. A miss is charged once per sensor revisit, and only when the sensor has
 * reported later than the look that should have seen the track (or has been silent for so long that it must
 * have), so that a feed's delay never costs a track its life. A sensor of which nothing at all is heard any
 * more, though it used to send more than this track's plots, is out: it misses nothing. */
#include <math.h>
#include <stddef.h>

#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double log_odds_max = 14; /* r = 1 - 8e-7: how much past evidence may outlast present silence */
static const double log_odds_confirm = 7.6; /* r = 0.9995 */
static const double log_odds_end = -3;      /* r = 0.05 */
static const double ratio_max = 12, ratio_min = -6;
static const uint32_t confirm_detections = 4;
static const double silence_max_s = 240; /* ballistic, by free fall alone */
static const double silence_max_air_s =
    60; /* aircraft may turn; at least so many looks of the quickest sensor: */
static const double silence_max_air_looks = 15, silence_max_tentative_looks = 8;
static const double sigma_max_m = 60000; /* position lost */
static const double duplicate_chi2 = 14; /* 6 degrees of freedom */
static const double apart_scans = 10;    /* how long a look at two objects speaks against one */
static const double plume_min =
    0.3; /* where boost is less likely, a line-of-sight sensor's miss says nothing */
static const int64_t review_step_ns = 500000000;
enum { MISSES_PER_REVIEW_MAX = 4, REVIEW_AHEAD = 4, LINE = 64 };

/* Two times of one scan of the sensor, by less than half of what lies between its scans. */
static bool one_scan(const struct tracker *tracker, uint32_t sensor, int64_t a_ns, int64_t b_ns) {
  return fabs((double)(a_ns - b_ns) * 1e-9) < 0.4 * tracker->site->sensors[sensor].revisit_s;
}

bool lifecycle_scan_used(const struct tracker *tracker, const struct track *track, const struct plot *plot) {
  const struct look *look = track_look_read(track, plot->sensor);
  return look && look->last_hit_ns != INT64_MIN && one_scan(tracker, plot->sensor, plot->time_ns, look->last_hit_ns);
}

bool lifecycle_scan_judged(const struct tracker *tracker, const struct track *track,
                           const struct plot *plot) {
  const struct look *look = track_look_read(track, plot->sensor);
  return look && look->judged_ns != INT64_MIN && one_scan(tracker, plot->sensor, plot->time_ns, look->judged_ns);
}

double lifecycle_log_ratio(const struct tracker *tracker, const struct plot *plot,
                           const struct pair_evidence *evidence) {
  return evidence->log_likelihood + tracker->log_detection[plot->sensor] - plot->log_clutter_density;
}

/* Its index entry has been renewed. One that waits for an earlier time is put off when that comes: most are renewed several
 * times before. */
static void refresh_wait(struct tracker *tracker, uint32_t slot) {
  struct track *track = &tracker->store.tracks[slot];
  track->refresh_ns = tracker->front_ns + INDEX_REACH_NS;
  if (!queue_has(&tracker->refresh, slot)) queue_set(&tracker->refresh, slot, track->refresh_ns);
}

void lifecycle_index(struct tracker *tracker, uint32_t slot) {
  track_index_put(&tracker->index, slot);
  refresh_wait(tracker, slot);
}

static void index_all(struct tracker *tracker, const uint32_t *slots, uint32_t count) {
  track_index_put_all(&tracker->index, &tracker->parallel, slots, count);
  for (uint32_t i = 0; i < count; i++) refresh_wait(tracker, slots[i]);
}

void lifecycle_index_moved(struct tracker *tracker) {
  index_all(tracker, tracker->moved, tracker->moved_count);
  tracker->moved_count = 0;
}

void lifecycle_touch(struct tracker *tracker, uint32_t slot) {
  struct track *track = &tracker->store.tracks[slot];
  if (track->touched) return;
  tracker->touched[tracker->touched_count++] = slot;
  track->touched = tracker->touched_count;
}

/* A track that ends has its last line elsewhere; its slot may be another track's before the frame is over. */
static void untouch(struct tracker *tracker, uint32_t slot) {
  uint32_t last = tracker->touched[--tracker->touched_count], place = tracker->store.tracks[slot].touched;
  tracker->touched[place - 1] = last;
  tracker->store.tracks[last].touched = place;
}

/* The look at the plot's time is over: nothing more is expected of it. */
static struct look *look_judged(const struct tracker *tracker, struct track *track, const struct plot *plot) {
  struct look *look = track_look_take(track, plot->sensor);
  int64_t next_ns = plot->time_ns + (int64_t)(1.5e9 * tracker->site->sensors[plot->sensor].revisit_s);
  if (next_ns > look->next_ns) look->next_ns = next_ns;
  return look;
}

static void confirm_if_sure(struct tracker *tracker, struct track *track) {
  if (track->status != STATUS_TENTATIVE || track->detections < confirm_detections) return;
  if (track->log_odds < log_odds_confirm) return;
  track->status = STATUS_CONFIRMED;
  tracker->statistics.tracks_confirmed++;
  tracker->statistics.tracks_by_status[STATUS_TENTATIVE]--;
  tracker->statistics.tracks_by_status[STATUS_CONFIRMED]++;
  stitch_confirmed(tracker, (uint32_t)(track - tracker->store.tracks));
}

/* The track has a plot: its looks, times and sensors. */
static void plot_count(struct tracker *tracker, struct track *track, const struct plot *plot) {
  struct look *look = look_judged(tracker, track, plot);
  if (plot->time_ns > look->last_hit_ns) look->last_hit_ns = plot->time_ns;
  track->sensors[plot->sensor / 64] |= (uint64_t)1 << (plot->sensor % 64);
  if (plot->time_ns > track->newest_ns) track->newest_ns = plot->time_ns;
  if (plot->time_ns < track->first_ns) track->first_ns = plot->time_ns;
  stitch_seen(tracker, (uint32_t)(track - tracker->store.tracks));
}

/* What follows from a changed state and existence. */
static void track_changed(struct tracker *tracker, uint32_t slot, int64_t arrival_ns) {
  struct track *track = &tracker->store.tracks[slot];
  if (arrival_ns > track->arrival_ns) track->arrival_ns = arrival_ns;
  confirm_if_sure(tracker, track);
  classify(track);
  lifecycle_touch(tracker, slot);
  if (track->refresh_ns == REFRESH_DUE) return;
  track->refresh_ns = REFRESH_DUE;
  tracker->moved[tracker->moved_count++] = slot;
}

double lifecycle_log_odds_step(double before, double step) {
  return fmin(before + fmin(fmax(step, ratio_min), ratio_max), log_odds_max);
}

void lifecycle_hit(struct tracker *tracker, uint32_t slot, const struct plot *plot,
                   const struct pair_evidence *evidence, int64_t arrival_ns) {
  struct track *track = &tracker->store.tracks[slot];
  track->log_odds = lifecycle_log_odds_step(track->log_odds, lifecycle_log_ratio(tracker, plot, evidence));
  track->innovation2 += evidence->innovation2;
  track->innovation_components += (uint32_t)evidence->innovation_components;
  plot_count(tracker, track, plot);
  track->detections++;
  track_changed(tracker, slot, arrival_ns);
}

void lifecycle_soft(struct tracker *tracker, uint32_t slot, const struct plot *plot, double log_odds,
                    bool seen) {
  struct track *track = &tracker->store.tracks[slot];
  track->log_odds = log_odds;
  look_judged(tracker, track, plot)->judged_ns = plot->time_ns;
  if (seen) {
    plot_count(tracker, track, plot);
    track->detections++;
  }
  track_changed(tracker, slot, plot->arrival_ns);
}

void lifecycle_shared(struct tracker *tracker, uint32_t slot, const struct plot *plot) {
  plot_count(tracker, &tracker->store.tracks[slot], plot);
  track_changed(tracker, slot, plot->arrival_ns);
}

void lifecycle_excuse(struct tracker *tracker, uint32_t slot, const struct plot *plot) {
  struct track *track = &tracker->store.tracks[slot];
  if (track_look_read(track, plot->sensor)) look_judged(tracker, track, plot);
}

void lifecycle_started(struct tracker *tracker, uint32_t slot) {
  struct track *track = &tracker->store.tracks[slot];
  tracker->statistics.tracks_started++;
  tracker->statistics.tracks_by_status[STATUS_TENTATIVE]++;
  confirm_if_sure(tracker, track); /* a start from many lines of sight may be sure already */
  classify(track);
  lifecycle_touch(tracker, slot);
  lifecycle_index(tracker, slot);
  queue_set(&tracker->review, slot, tracker->now_ns + review_step_ns);
}

double lifecycle_revisit_s(const struct tracker *tracker, const struct track *track) {
  double shortest_s = INFINITY;
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    const struct look *look = &track->looks[i];
    if (track->look_sensors[i] && look->last_hit_ns != INT64_MIN)
      shortest_s = fmin(shortest_s, tracker->site->sensors[look_sensor(track, look)].revisit_s);
  }
  return isfinite(shortest_s) ? shortest_s : 1;
}

/* Without a plot for some looks. */
static bool silent(const struct tracker *tracker, const struct track *track) {
  double silent_s = (double)(tracker->now_ns - track->newest_ns) * 1e-9;
  return silent_s > fmax(2.5 * lifecycle_revisit_s(tracker, track), 3);
}

/* Index entries that are about to run out; tracks long without a plot are moved along their trajectory by the
 * kernels, since the summary's constant acceleration serves for seconds only. */
void lifecycle_refresh(struct tracker *tracker) {
  const int64_t stale_ns = 5000000000;
  uint32_t count = 0, stale = 0, free = tracker->store.capacity,
           *slots = tracker->fresh; /* nothing is fresh yet */
  int64_t front_ns = tracker->front_ns;
  if (front_ns == INT64_MIN) return; /* nothing has ever come */
  int64_t moved_ns = front_ns - tracker->site->lag_ns;
  for (uint32_t slot; (slot = queue_pop_due(&tracker->refresh, front_ns)) != QUEUE_NONE;) {
    int64_t refresh_ns = tracker->store.tracks[slot].refresh_ns;
    if (refresh_ns <= front_ns) tracker->due[count++] = slot;
    else queue_set(&tracker->refresh, slot, refresh_ns);
  }
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = tracker->due[i];
    const struct track *track = &tracker->store.tracks[slot];
    if (track->time_ns + stale_ns >= moved_ns) continue;
    stitch_silent(tracker, slot);
    bool freely = tracker->stitch.old_of_slot[slot] != STITCH_NONE && silent(tracker, track);
    slots[freely ? --free : stale++] = slot;
  }
  stitch_park(tracker, slots + free, tracker->store.capacity - free);
  filter_advance(&tracker->filter, slots, stale, moved_ns, false);
  filter_advance(&tracker->filter, slots + free, tracker->store.capacity - free, moved_ns, true);
  index_all(tracker, tracker->due, count);
}

double lifecycle_detection_probability(const struct tracker *tracker, const struct track *track,
                                       uint32_t sensor) {
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

/* Charges what is due on one look; returns the time of the next one. */
static int64_t look_review(struct tracker *tracker, struct track *track, struct look *look) {
  uint32_t index = look_sensor(track, look);
  const struct sensor *sensor = &tracker->site->sensors[index];
  int64_t revisit_ns = (int64_t)(sensor->revisit_s * 1e9);
  bool down = sensor_motion_status(&tracker->motion[index]) == SENSOR_DOWN;
  const struct hearing *hearing = &tracker->hearing[index];
  bool out = hearing_out(hearing, tracker->now_ns, sensor->revisit_s);
  int64_t lag_ns = tracker->site->lag_ns,
          behind_ns = hearing->behind_ns < lag_ns ? hearing->behind_ns : lag_ns;
  /* Who sees plumes from above and has not seen this one may have clouds before it. */
  bool clouded = sensor->kind == KIND_LOS && look->last_hit_ns == INT64_MIN;
  for (int charged = 0; charged < MISSES_PER_REVIEW_MAX; charged++) {
    bool reported = tracker->sensor_front_ns[index] > look->next_ns + behind_ns;
    bool overdue = tracker->now_ns > look->next_ns + tracker->site->lag_ns;
    if (!reported && !overdue) return look->next_ns;
    bool looked = !down && !out && !clouded && !track->parked &&
                  !hearing_was_out(hearing, look->next_ns, sensor->revisit_s);
    if (looked) {
      track->log_odds += wk_log(1 - lifecycle_detection_probability(tracker, track, index));
      burn_out_weigh(tracker, track, look);
    }
    look->next_ns += revisit_ns;
  }
  if (look->next_ns < tracker->now_ns - revisit_ns) look->next_ns = tracker->now_ns;
  return look->next_ns;
}

/* Keeps the list of looks in step with what covers the track now, and charges misses. */
static void looks_review(struct tracker *tracker, struct track *track, const double position_m[3]) {
  int64_t now_ns = tracker->now_ns;
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) {
    const struct sensor *sensor = &tracker->site->sensors[s];
    struct look *look = track_look(track, s);
    if (!sensor_covers(sensor, &tracker->motion[s], now_ns, position_m)) {
      if (look) look->next_ns = now_ns + (int64_t)(1.5e9 * sensor->revisit_s);
      continue;
    }
    if (!look) {
      int64_t since_ns = tracker->sensor_front_ns[s];
      if (since_ns == INT64_MIN) continue; /* never heard: nothing can be expected of it */
      look = track_look_take(track, s);
      look->next_ns = now_ns + (int64_t)(1.5e9 * sensor->revisit_s);
      continue;
    }
    look_review(tracker, track, look);
  }
}

struct duplicate_search {
  struct tracker *tracker;
  uint32_t slot, found;
};

/* Distinct objects are seen by one sensor in one scan as two plots. */
static bool seen_apart_now(const struct tracker *tracker, const struct track *a, const struct track *b,
                           double *revisit_s) {
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    if (!a->look_sensors[i]) continue;
    const struct look *x = &a->looks[i], *y = track_look_read(b, look_sensor(a, x));
    if (!y || x->last_hit_ns == INT64_MIN || y->last_hit_ns == INT64_MIN) continue;
    *revisit_s = tracker->site->sensors[look_sensor(a, x)].revisit_s;
    if (one_scan(tracker, look_sensor(a, x), x->last_hit_ns, y->last_hit_ns)) return true;
  }
  return false;
}

/* The same, remembered for some scans: the newest scan often misses one of two real objects. */
bool lifecycle_seen_apart(const struct tracker *tracker, struct track *track, const struct track *other) {
  double revisit_s;
  struct apart *place = &track->apart[0];
  for (int i = 0; i < TRACK_APART_MAX; i++) {
    if (track->apart[i].number == other->number) {
      place = &track->apart[i];
      break;
    }
    if (track->apart[i].until_ns < place->until_ns) place = &track->apart[i];
  }
  if (seen_apart_now(tracker, track, other, &revisit_s)) {
    *place = (struct apart){.number = other->number,
                            .until_ns = tracker->now_ns + (int64_t)(apart_scans * revisit_s * 1e9)};
    return true;
  }
  return place->number == other->number && place->until_ns > tracker->now_ns;
}

/* While nobody sees them their uncertainties grow into each other, which says nothing of what they are; and
 * whether a new track is one that has long been silent is for the stitching to say, which looks along the
 * trajectory. */
static bool duplicate_doubtful(const struct tracker *tracker, const struct track *track,
                               const struct track *older) {
  return silent(tracker, older) && (silent(tracker, track) || older->newest_ns < track->first_ns);
}

/* An older track at the same place with the same velocity, within the stated uncertainties of both. Most that the grid shows lie
 * elsewhere, so the place is looked at first. */
static void duplicate_consider(void *context, uint32_t other_slot) {
  struct duplicate_search *search = context;
  struct track *track = &search->tracker->store.tracks[search->slot];
  const struct track *other = &search->tracker->store.tracks[other_slot];
  if (search->found != TRACK_NONE || other_slot == search->slot) return;
  double p[3], d[6], distance = 0;
  track_extrapolate(other, track->time_ns, p);
  vector_subtract(d, track->position_m, p);
  double sigma_p = track_sigma_at(other, track->time_ns) + track->sigma_position_m;
  if (vector_norm(d) > 5 * sigma_p || other->number > track->number) return;
  if (other->status < track->status) return; /* never a confirmed one for a tentative one */
  if (duplicate_doubtful(search->tracker, track, other) || lifecycle_seen_apart(search->tracker, track, other)) return;
  for (int i = 0; i < 3; i++) {
    double dt = (double)(track->time_ns - other->time_ns) * 1e-9;
    d[3 + i] = track->velocity_mps[i] - other->velocity_mps[i] - dt * other->acceleration_mps2[i];
  }
  uint32_t slots[2] = {search->slot, other_slot};
  double moments[2][27], sum[21], inverse[21];
  filter_moments(&search->tracker->filter, slots, 2, moments);
  for (int k = 0; k < 21; k++) sum[k] = moments[0][6 + k] + moments[1][6 + k];
  if (!matrix_invert_spd(6, sum, inverse, NULL)) return;
  distance = matrix_quadratic(6, inverse, d);
  if (distance < duplicate_chi2) search->found = other_slot;
}

static bool duplicate_of_older(struct tracker *tracker, uint32_t slot, const double position_m[3]) {
  struct track *track = &tracker->store.tracks[slot];
  struct duplicate_search search = {.tracker = tracker, .slot = slot, .found = TRACK_NONE};
  double reach = 5 * track->sigma_position_m;
  double half[3] = {reach, reach, reach};
  grid_query(&tracker->index.space, position_m, half, duplicate_consider, &search);
  return search.found != TRACK_NONE;
}

static void apart_note(void *context, uint32_t other_slot) {
  struct duplicate_search *search = context;
  struct track *track = &search->tracker->store.tracks[search->slot];
  const struct track *other = &search->tracker->store.tracks[other_slot];
  if (other->number < track->number) lifecycle_seen_apart(search->tracker, track, other);
}

/* Who was seen beside a new track in the scan that started it: at its first review that scan may be long
 * past.
 */
static void neighbours_note(struct tracker *tracker, uint32_t slot) {
  const struct track *track = &tracker->store.tracks[slot];
  struct duplicate_search search = {.tracker = tracker, .slot = slot};
  double reach = 5 * track->sigma_position_m, half[3] = {reach, reach, reach};
  grid_query(&tracker->index.space, track->position_m, half, apart_note, &search);
}

/* How long a track may go without a plot where no sensor's miss speaks against it. */
static double silence_limit_s(const struct tracker *tracker, const struct track *track) {
  double revisit_s = lifecycle_revisit_s(tracker, track);
  if (track->status == STATUS_TENTATIVE) return fmax(silence_max_tentative_looks * revisit_s, 10);
  if (track_ballistic_probability(track) > 0.5) return silence_max_s;
  return fmax(silence_max_air_s, silence_max_air_looks * revisit_s);
}

static bool over(struct tracker *tracker, uint32_t slot, const double position_m[3]) {
  const struct track *track = &tracker->store.tracks[slot];
  double silent_s = (double)(tracker->now_ns - track->newest_ns) * 1e-9;
  double lat_rad, lon_rad, height_m;
  if (track->log_odds < log_odds_end) return true;
  if (silent_s > silence_limit_s(tracker, track)) return true;
  if (!silent(tracker, track)) return false;
  if (track_sigma_at(track, track->time_ns) > sigma_max_m) return true;
  wk_geodetic_from_ecef(position_m, &lat_rad, &lon_rad, &height_m);
  return height_m < -200 - track->sigma_position_m; /* it has come down */
}

void lifecycle_end(struct tracker *tracker, uint32_t slot, bool merged) {
  struct track *track = &tracker->store.tracks[slot];
  stitch_ended(tracker, slot, merged);
  tracker->statistics.tracks_by_status[track->status]--;
  track->status = STATUS_LOST;
  if (track->touched) { /* its last plots have had no line yet */
    untouch(tracker, slot);
    filter_moments_by_slot(&tracker->filter, &slot, 1, tracker->moments);
  }
  const double *moments = tracker->moments[slot];
  struct geodetic place;
  wk_geodetic_from_ecef(moments, &place.lat_rad, &place.lon_rad, &place.height_m);
  report_fill(tracker, track, moments, &place, tracker->frame_time_ns, &tracker->lost[tracker->lost_count++]);
  foreign_partner_ended(tracker, slot);
  tracker->statistics.tracks_lost++;
  track_index_remove(&tracker->index, slot);
  queue_remove(&tracker->refresh, slot);
  queue_remove(&tracker->review, slot);
  store_give(&tracker->store, slot);
}

void lifecycle_fetch(const struct tracker *tracker, uint32_t slot) {
  const char *track = (const char *)&tracker->store.tracks[slot];
  for (size_t at = 0; at < offsetof(struct track, bank); at += LINE) __builtin_prefetch(track + at);
  for (size_t at = offsetof(struct track, first_ns); at < sizeof(struct track); at += LINE) __builtin_prefetch(track + at);
}

void lifecycle_review(struct tracker *tracker) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < tracker->fresh_count; i++) neighbours_note(tracker, tracker->fresh[i]);
  for (uint32_t slot; (slot = queue_pop_due(&tracker->review, tracker->now_ns)) != QUEUE_NONE;) {
    tracker->due[count++] = slot;
  }
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = tracker->due[i];
    if (i + REVIEW_AHEAD < count) lifecycle_fetch(tracker, tracker->due[i + REVIEW_AHEAD]);
    struct track *track = &tracker->store.tracks[slot];
    double position_m[3];
    track_extrapolate(track, tracker->now_ns, position_m);
    looks_review(tracker, track, position_m);
    bool merged = duplicate_of_older(tracker, slot, track->position_m);
    tracker->statistics.merged += merged;
    bool room = tracker->lost_count < TRACKER_LOST_MAX && tracker->lost_count < tracker->store.capacity;
    if (room && (merged || over(tracker, slot, position_m))) {
      lifecycle_end(tracker, slot, merged);
    } else {
      queue_set(&tracker->review, slot, tracker->now_ns + review_step_ns);
    }
  }
}

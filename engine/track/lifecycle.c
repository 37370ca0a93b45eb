/* What plots do to a track's existence and looks; its beginning and its end; its place in the index. */
#include <math.h>
#include <stddef.h>

#include "engine/base/ahead.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double log_odds_max = 14; /* r = 1 - 8e-7: how much past evidence may outlast present silence */
static const double log_odds_confirm = 7.6; /* r = 0.9995 */
static const double ratio_max = 12, ratio_min = -6;
static const uint32_t confirm_detections = 4;
enum { REFRESH_AHEAD = 8 };

bool lifecycle_scan_used(const struct tracker *tracker, const struct track *track, const struct plot *plot) {
  const struct look *look = track_look_read(track, plot->sensor);
  return look && look->last_hit_ns != INT64_MIN && lifecycle_one_scan(tracker, plot->sensor, plot->time_ns, look->last_hit_ns);
}

bool lifecycle_scan_judged(const struct tracker *tracker, const struct track *track,
                           const struct plot *plot) {
  const struct look *look = track_look_read(track, plot->sensor);
  return look && look->judged_ns != INT64_MIN && lifecycle_one_scan(tracker, plot->sensor, plot->time_ns, look->judged_ns);
}

double lifecycle_log_ratio(const struct tracker *tracker, const struct plot *plot,
                           const struct pair_evidence *evidence) {
  return evidence->log_likelihood + tracker->log_detection[plot->sensor] - plot->log_clutter_density;
}

/* Its place in the index has been renewed, and must be again when the new one runs out. */
static void refresh_plan(struct tracker *tracker, uint32_t slot) {
  tracker->listings[slot].refresh_ns = (tracker->front_ns + INDEX_REACH_NS) & ~INDEX_UNTIL_MARK;
  calendar_set(&tracker->refresh, slot, tracker->listings[slot].refresh_ns);
}

void lifecycle_index(struct tracker *tracker, uint32_t slot) {
  track_index_put(&tracker->index, slot);
  refresh_plan(tracker, slot);
}

static void entries_renew(struct tracker *tracker, const uint32_t *slots, uint32_t count) {
  const uint32_t stride = sizeof *tracker->listings / sizeof tracker->listings->refresh_ns;
  track_index_put_all(&tracker->index, &tracker->parallel, slots, count, &tracker->listings->refresh_ns, stride);
}

/* They stay in the calendar for the earlier time, and are put off when that comes: most are renewed several times before. */
void lifecycle_index_moved(struct tracker *tracker) {
  entries_renew(tracker, tracker->moved, tracker->moved_count);
  tracker->moved_count = 0;
}

/* It will have a line in this frame. */
static bool touched(const struct tracker *tracker, uint32_t slot) {
  uint32_t place = tracker->listings[slot].touched_place;
  return place < tracker->touched_count && tracker->touched[place] == slot;
}

void lifecycle_touch(struct tracker *tracker, uint32_t slot) {
  if (touched(tracker, slot)) return;
  tracker->listings[slot].touched_place = tracker->touched_count;
  tracker->touched[tracker->touched_count++] = slot;
}

/* A track that ends has its last line elsewhere; its slot may be another track's before the frame is over. */
static void untouch(struct tracker *tracker, uint32_t slot) {
  uint32_t last = tracker->touched[--tracker->touched_count], place = tracker->listings[slot].touched_place;
  tracker->touched[place] = last;
  tracker->listings[last].touched_place = place;
}

/* The look at the plot's time is over: nothing more is expected of it. */
static struct look *look_judged(const struct tracker *tracker, struct track *track, const struct plot *plot) {
  struct look *look = track_look_take(track, plot->sensor);
  int64_t next_ns = plot->time_ns + (int64_t)(1.5e9 * tracker->site->sensors[plot->sensor].revisit_s);
  if (next_ns > look->next_ns) look->next_ns = next_ns;
  return look;
}

/* Whether it has become a confirmed one. */
static bool confirm_if_sure(struct track *track) {
  if (track->status != STATUS_TENTATIVE || track->detections < confirm_detections) return false;
  if (track->log_odds < log_odds_confirm) return false;
  track->status = STATUS_CONFIRMED;
  return true;
}

static void confirmed_note(struct tracker *tracker, uint32_t slot) {
  tracker->statistics.tracks_confirmed++;
  tracker->statistics.tracks_by_status[STATUS_TENTATIVE]--;
  tracker->statistics.tracks_by_status[STATUS_CONFIRMED]++;
  stitch_confirmed(tracker, slot);
}

/* The track has a plot: its looks, times and sensors. */
static unsigned plot_count(const struct tracker *tracker, uint32_t slot, const struct plot *plot) {
  struct track *track = &tracker->store.tracks[slot];
  struct look *look = look_judged(tracker, track, plot);
  if (look->last_hit_ns == INT64_MIN) track->sensors[plot->sensor / 64] |= (uint64_t)1 << (plot->sensor % 64);
  if (plot->time_ns > look->last_hit_ns) look->last_hit_ns = plot->time_ns;
  if (plot->time_ns > track->newest_ns) track->newest_ns = plot->time_ns;
  if (plot->time_ns < track->first_ns) track->first_ns = plot->time_ns;
  unsigned left = track->silent ? BOOKING_SEEN : 0;
  track->silent = 0;
  return left;
}

/* What follows from a changed state and existence. */
static unsigned track_changed(struct track *track, int64_t arrival_ns) {
  if (arrival_ns > track->arrival_ns) track->arrival_ns = arrival_ns;
  unsigned left = confirm_if_sure(track) ? BOOKING_CONFIRMED : 0;
  classify(track);
  return left;
}

void lifecycle_list(struct tracker *tracker, uint32_t slot, unsigned left) {
  if (left & BOOKING_SEEN) stitch_seen(tracker, slot);
  if (left & BOOKING_CONFIRMED) confirmed_note(tracker, slot);
  lifecycle_touch(tracker, slot);
  if (tracker->listings[slot].refresh_ns & INDEX_UNTIL_MARK) return;
  tracker->listings[slot].refresh_ns |= INDEX_UNTIL_MARK;
  tracker->moved[tracker->moved_count++] = slot;
}

void lifecycle_open(struct tracker *tracker) {
  tracker->existence_most = existence_of(log_odds_max);
}

double lifecycle_existence(const struct tracker *tracker, const struct track *track) {
  return track->log_odds == log_odds_max ? tracker->existence_most : track_existence(track);
}

double lifecycle_log_odds_step(double before, double step) {
  return fmin(before + fmin(fmax(step, ratio_min), ratio_max), log_odds_max);
}

unsigned lifecycle_hit(const struct tracker *tracker, uint32_t slot, const struct plot *plot, const struct pair_evidence *evidence) {
  struct track *track = &tracker->store.tracks[slot];
  track->log_odds = lifecycle_log_odds_step(track->log_odds, lifecycle_log_ratio(tracker, plot, evidence));
  track->innovation2 += evidence->innovation2;
  track->innovation_components += (uint32_t)evidence->innovation_components;
  unsigned left = plot_count(tracker, slot, plot);
  track->detections++;
  return left | track_changed(track, plot->arrival_ns);
}

void lifecycle_soft(struct tracker *tracker, uint32_t slot, const struct plot *plot, double log_odds,
                    bool seen) {
  struct track *track = &tracker->store.tracks[slot];
  unsigned left = 0;
  track->log_odds = log_odds;
  look_judged(tracker, track, plot)->judged_ns = plot->time_ns;
  if (seen) {
    left = plot_count(tracker, slot, plot);
    track->detections++;
  }
  lifecycle_list(tracker, slot, left | track_changed(track, plot->arrival_ns));
}

void lifecycle_shared(struct tracker *tracker, uint32_t slot, const struct plot *plot) {
  unsigned left = plot_count(tracker, slot, plot);
  lifecycle_list(tracker, slot, left | track_changed(&tracker->store.tracks[slot], plot->arrival_ns));
}

void lifecycle_excuse(struct tracker *tracker, uint32_t slot, const struct plot *plot) {
  struct track *track = &tracker->store.tracks[slot];
  if (track_look_read(track, plot->sensor)) look_judged(tracker, track, plot);
}

void lifecycle_started(struct tracker *tracker, uint32_t slot) {
  struct track *track = &tracker->store.tracks[slot];
  tracker->statistics.tracks_started++;
  tracker->statistics.tracks_by_status[STATUS_TENTATIVE]++;
  if (confirm_if_sure(track)) confirmed_note(tracker, slot); /* a start from many lines of sight may be sure already */
  classify(track);
  lifecycle_touch(tracker, slot);
  lifecycle_index(tracker, slot);
  review_plan(tracker, slot);
}

double lifecycle_revisit_s(const struct tracker *tracker, const struct track *track) {
  double shortest_s = INFINITY;
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    const struct look *look = &track->looks[i];
    if (look_used(track, i) && look->last_hit_ns != INT64_MIN)
      shortest_s = fmin(shortest_s, tracker->site->sensors[look_sensor(track, look)].revisit_s);
  }
  return isfinite(shortest_s) ? shortest_s : 1;
}

bool lifecycle_silent(const struct tracker *tracker, const struct track *track) {
  double silent_s = (double)(tracker->now_ns - track->newest_ns) * 1e-9;
  return silent_s > fmax(2.5 * lifecycle_revisit_s(tracker, track), LIFECYCLE_SILENT_MIN_S);
}

/* The tracks whose index entries run out, in tracker->due; the others that waited for this time are put off. */
static uint32_t refresh_due(struct tracker *tracker) {
  uint32_t *slots = tracker->due, count = 0, waited = calendar_take(&tracker->refresh, tracker->front_ns, slots);
  for (uint32_t i = 0; i < waited; i++) {
    uint32_t slot = slots[i];
    if (tracker->listings[slot].refresh_ns <= tracker->front_ns) slots[count++] = slot;
    else calendar_set(&tracker->refresh, slot, tracker->listings[slot].refresh_ns);
  }
  return count;
}

/* Tracks long without a plot are moved along their trajectory by the kernels, since the summary's constant acceleration serves for
 * seconds only. */
void lifecycle_refresh(struct tracker *tracker) {
  const int64_t stale_ns = 5000000000;
  uint32_t stale = 0, free = tracker->store.capacity, *slots = tracker->fresh; /* nothing is fresh yet */
  if (tracker->front_ns == INT64_MIN) return; /* nothing has ever come */
  int64_t moved_ns = tracker->front_ns - tracker->site->lag_ns;
  uint32_t count = refresh_due(tracker);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t slot = tracker->due[i], ahead = tracker->due[i + REFRESH_AHEAD < count ? i + REFRESH_AHEAD : i];
    const struct track *track = &tracker->store.tracks[slot];
    __builtin_prefetch(&tracker->store.tracks[ahead].time_ns);
    if (track->time_ns + stale_ns >= moved_ns) continue;
    stitch_silent(tracker, slot);
    bool freely = tracker->stitch.old_of_slot[slot] != STITCH_NONE && lifecycle_silent(tracker, track);
    slots[freely ? --free : stale++] = slot;
  }
  stitch_park(tracker, slots + free, tracker->store.capacity - free);
  filter_advance(&tracker->filter, slots, stale, moved_ns, false);
  filter_advance(&tracker->filter, slots + free, tracker->store.capacity - free, moved_ns, true);
  entries_renew(tracker, tracker->due, count);
  for (uint32_t i = 0; i < count; i++) refresh_plan(tracker, tracker->due[i]);
}

void lifecycle_end(struct tracker *tracker, uint32_t slot, bool merged) {
  struct track *track = &tracker->store.tracks[slot];
  stitch_ended(tracker, slot, merged);
  tracker->statistics.tracks_by_status[track->status]--;
  track->status = STATUS_LOST;
  if (touched(tracker, slot)) { /* its last plots have had no line yet */
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
  calendar_remove(&tracker->refresh, slot);
  calendar_remove(&tracker->review, slot);
  store_give(&tracker->store, slot);
}

void lifecycle_fetch(const struct tracker *tracker, uint32_t slot) {
  const struct track *track = &tracker->store.tracks[slot];
  __builtin_prefetch(&track->newest_ns);
  ahead_ask(&track->arrival_ns, offsetof(struct track, sensors) - offsetof(struct track, arrival_ns));
}


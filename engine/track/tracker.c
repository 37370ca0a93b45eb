#include "engine/track/tracker.h"

#include <math.h>
#include <string.h>

#include "engine/base/ahead.h"
#include "engine/base/check.h"
#include "engine/base/count.h"
#include "engine/track/soft.h"

enum { ALIGN_PIECE = 128, LOOK_AHEAD = 8, TRACKS_DEFAULT = 65536, TRACKS_MIN = 64, TRACKS_LIMIT = 1 << 22 };

static struct tracker_options options_complete(const struct tracker_options *options) {
  struct tracker_options out = *options;
  if (out.tracks_max == 0) out.tracks_max = TRACKS_DEFAULT;
  if (out.tracks_max < TRACKS_MIN) out.tracks_max = TRACKS_MIN;
  if (out.tracks_max > TRACKS_LIMIT) out.tracks_max = TRACKS_LIMIT;
  if (out.detections_max == 0) out.detections_max = FRAME_DETECTIONS_MAX;
  if (out.lines_max == 0) out.lines_max = FRAME_DETECTIONS_MAX;
  if (out.lines_max > out.tracks_max) out.lines_max = out.tracks_max;
  if (out.history_bytes == 0) out.history_bytes = history_bytes_default(out.tracks_max);
  if (out.foreign_max > FOREIGN_TRACKS_MAX) out.foreign_max = FOREIGN_TRACKS_MAX;
  if (!out.parallel.run) out.parallel = parallel_inline();
  return out;
}

/* Joined tracks end after the reviews, and there is always room for those. */
static uint32_t lost_room(uint32_t tracks_max) {
  return (tracks_max < TRACKER_LOST_MAX ? tracks_max : TRACKER_LOST_MAX) + STITCH_YOUNG_MAX;
}

/* The most that is ever sorted by a key at a time. */
static uint32_t keys_room(const struct tracker_options *o) {
  return o->lines_max > o->detections_max ? o->lines_max : o->detections_max;
}

/* Lines of living tracks in a frame of so many detections. */
static uint32_t lines_most(uint32_t lines_max, uint32_t detections) {
  uint64_t most = TRACKER_LINES_MIN + (uint64_t)TRACKER_LINES_PER_DETECTION * detections;
  return most < lines_max ? (uint32_t)most : lines_max;
}

uint32_t tracker_reports_max(const struct tracker_options *options, uint32_t detections) {
  struct tracker_options o = options_complete(options);
  return lines_most(o.lines_max, detections) + lost_room(o.tracks_max);
}

size_t tracker_arena_size(const struct site *site, const struct tracker_options *options) {
  struct tracker_options o = options_complete(options);
  size_t per_track = sizeof(struct track) + 27 * sizeof(double) + 92;
  size_t per_plot = sizeof(struct plot) + sizeof(struct candidates) + sizeof(struct member) +
                    sizeof(struct group) + sizeof(struct pair) + sizeof(struct pair_evidence) +
                    sizeof(struct seed) + 72;
  size_t pairs = PAIRS_MAX * (2 * sizeof(struct pair) + 2 * sizeof(struct pair_evidence) + 40);
  size_t starts = strands_bytes(o.tracks_max) + FOLLOWINGS_MAX * sizeof(struct following) + SEEKERS_MAX * sizeof(struct seeker) + rays_bytes();
  size_t parts = PARTS_MAX * sizeof(struct plot) + lost_room(o.tracks_max) * sizeof(struct track_report);
  size_t work = o.parallel.workers * (sizeof(struct assign_work) + sizeof(struct gate_tally) + 64);
  if (site->association == ASSOCIATION_SOFT) work += soft_bytes(o.parallel.workers, o.detections_max);
  size_t sensors = site->sensor_count * (sizeof(struct sensor_motion) + sizeof(struct hearing) + sizeof(struct watch) + sizeof(struct shed_share) + 256);
  return o.tracks_max * per_track + 2 * (size_t)keys_room(&o) * sizeof(struct sort_key) + o.detections_max * per_plot + pairs + starts + parts + work + sensors +
         track_index_bytes(site, o.tracks_max) + o.history_bytes + stitch_arena_size(o.tracks_max) + foreign_arena_size(o.foreign_max, o.tracks_max) +
         (1u << 20);
}

/* Everything the tracker will ever use. False when the arena is too small. */
static bool tables_take(struct tracker *t, struct arena *arena, const struct tracker_options *o) {
  uint32_t tracks = o->tracks_max, plots = o->detections_max, sensors = t->site->sensor_count;
  t->motion = arena_take(arena, sensors, sizeof *t->motion);
  t->sensor_front_ns = arena_take(arena, sensors, sizeof *t->sensor_front_ns);
  t->hearing = arena_take(arena, sensors, sizeof *t->hearing);
  t->watches = arena_take(arena, sensors, sizeof *t->watches);
  t->log_detection = arena_take(arena, sensors, sizeof *t->log_detection);
  t->clutter = arena_take(arena, sensors, sizeof *t->clutter);
  t->scan_ns = arena_take(arena, sensors, sizeof *t->scan_ns);
  t->fate_counts = arena_take(arena, sensors, sizeof *t->fate_counts);
  t->shares = arena_take(arena, sensors, sizeof *t->shares);
  t->plots = arena_take(arena, plots + PARTS_MAX, sizeof *t->plots);
  t->candidates = arena_take(arena, plots, sizeof *t->candidates);
  t->lone = arena_take(arena, plots, sizeof *t->lone);
  t->crowded = arena_take(arena, plots, sizeof *t->crowded);
  t->open = arena_take(arena, plots, sizeof *t->open);
  t->fates = arena_take(arena, plots, sizeof *t->fates);
  t->parent = arena_take(arena, plots, sizeof *t->parent);
  t->members = arena_take(arena, plots, sizeof *t->members);
  t->groups = arena_take(arena, plots, sizeof *t->groups);
  t->turns = arena_take(arena, plots, sizeof *t->turns);
  t->round_ends = arena_take(arena, plots, sizeof *t->round_ends);
  t->listings = arena_take(arena, tracks, sizeof *t->listings);
  t->row = arena_take(arena, plots, sizeof *t->row);
  t->time_ns = arena_take(arena, plots, sizeof *t->time_ns);
  t->sensor = arena_take(arena, plots, sizeof *t->sensor);
  t->keys = arena_take(arena, keys_room(o), sizeof *t->keys);
  t->dealt = arena_take(arena, keys_room(o), sizeof *t->dealt);
  t->pairs = arena_take(arena, PAIRS_MAX, sizeof *t->pairs);
  t->evidence = arena_take(arena, PAIRS_MAX, sizeof *t->evidence);
  t->choice = arena_take(arena, PAIRS_MAX, sizeof *t->choice);
  t->asked = arena_take(arena, PAIRS_MAX, sizeof *t->asked);
  t->taken = arena_take(arena, PAIRS_MAX, sizeof *t->taken);
  t->left = arena_take(arena, PAIRS_MAX, sizeof *t->left);
  t->chosen = arena_take(arena, PAIRS_MAX, sizeof *t->chosen);
  t->chosen_evidence = arena_take(arena, PAIRS_MAX, sizeof *t->chosen_evidence);
  t->chosen_left = arena_take(arena, PAIRS_MAX, sizeof *t->chosen_left);
  t->gate_tallies = arena_take(arena, o->parallel.workers, sizeof *t->gate_tallies);
  t->work = arena_take(arena, o->parallel.workers, sizeof *t->work);
  if (t->site->association == ASSOCIATION_SOFT) t->soft = soft_open(arena, t);
  t->seeds = arena_take(arena, plots, sizeof *t->seeds);
  t->seed_taken = arena_take(arena, plots, sizeof *t->seed_taken);
  t->followings = arena_take(arena, FOLLOWINGS_MAX, sizeof *t->followings);
  t->seekers = arena_take(arena, SEEKERS_MAX, sizeof *t->seekers);
  t->touched = arena_take(arena, tracks, sizeof *t->touched);
  t->due = arena_take(arena, tracks, sizeof *t->due);
  t->findings = arena_take(arena, tracks, sizeof *t->findings);
  t->fresh = arena_take(arena, tracks, sizeof *t->fresh);
  t->moved = arena_take(arena, tracks, sizeof *t->moved);
  t->moments = arena_take(arena, tracks, sizeof *t->moments);
  t->lost = arena_take(arena, lost_room(tracks), sizeof *t->lost);
  return t->motion && t->sensor_front_ns && t->hearing && t->watches && t->log_detection && t->clutter && t->scan_ns && t->fate_counts && t->shares && t->plots && t->candidates && t->open &&
         t->fates && t->parent && t->members && t->groups && t->turns && t->listings && t->round_ends && t->lone && t->crowded && t->gate_tallies && t->row && t->time_ns && t->sensor &&
         t->keys && t->dealt && t->pairs && t->evidence && t->choice && t->asked && t->taken && t->left && t->chosen && t->chosen_evidence && t->chosen_left && t->work && t->seeds &&
         t->seed_taken && t->followings && t->seekers && (t->soft || t->site->association != ASSOCIATION_SOFT) &&
         t->touched && t->due && t->findings && t->fresh && t->moved && t->moments && t->lost;
}

struct tracker *tracker_open(struct arena *arena, const struct site *site,
                             const struct tracker_options *options) {
  struct tracker_options o = options_complete(options);
  struct tracker *t = arena_take(arena, 1, sizeof *t);
  if (!t) return NULL;
  t->site = site;
  t->parallel = o.parallel;
  t->detections_max = o.detections_max;
  t->lines_max = o.lines_max;
  t->front_ns = INT64_MIN;
  if (!tables_take(t, arena, &o) || store_open(&t->store, arena, o.tracks_max, o.number_base) ||
      track_index_open(&t->index, arena, site, &t->store) || calendar_open(&t->refresh, arena, o.tracks_max, CALENDAR_DAYS) ||
      calendar_open(&t->review, arena, o.tracks_max, CALENDAR_DAYS) || strands_open(&t->strands, arena, o.tracks_max) ||
      stitch_open(&t->stitch, arena, o.tracks_max) ||
      foreign_open(&t->foreign, arena, o.foreign_max, o.tracks_max) || rays_open(&t->rays, arena) ||
      filter_open(&t->filter, arena, &t->store, o.parallel, PAIRS_MAX, o.history_bytes)) {
    return NULL;
  }
  lifecycle_open(t);
  t->filter.plots = t->plots;
  t->filter.lines = t->moments;
  for (uint32_t s = 0; s < site->sensor_count; s++) {
    t->sensor_front_ns[s] = INT64_MIN;
    review_watch_open(&t->watches[s], &site->sensors[s]);
    t->log_detection[s] = wk_log(site->sensors[s].detection_probability);
    clutter_open(&t->clutter[s], &site->sensors[s]);
    t->scan_ns[s] = (int64_t)ceil(0.4e9 * site->sensors[s].revisit_s);
    t->cells = t->cells || site->sensors[s].resolution[1] > 0;
  }
  return t;
}

struct align_job {
  struct tracker *tracker;
  const struct frame *frame;
  uint32_t begin;
};

static void align_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct align_job *job = argument;
  for (uint32_t i = job->begin + begin; i < job->begin + end; i++) {
    struct plot *plot = &job->tracker->plots[i];
    plot_align(plot, job->tracker->site, job->tracker->motion, job->frame, job->tracker->row[i]);
    plot->log_clutter_density = clutter_log_density(&job->tracker->clutter[plot->sensor], plot);
  }
}

/* A platform that says with every plot where it is moves like one that sends states: the index of directions
 * and coverage must know. Its velocity is that of its last two places. */
static void platform_note(struct sensor_motion *motion, const struct frame *frame, uint32_t i) {
  const int64_t apart_min_ns = 50000000;
  const double apart_max_s = 60;
  struct sensor_state state = {
      .time_ns = frame->time_of_ns[i], .sensor = frame->sensor[i], .status = SENSOR_UP};
  memcpy(state.position_m, frame->platform_m[i], sizeof state.position_m);
  if (motion->count > 0) {
    const struct sensor_state *last = &motion->history[(motion->count - 1) % STATE_HISTORY];
    if (state.time_ns < last->time_ns + apart_min_ns) return;
    double dt = (double)(state.time_ns - last->time_ns) * 1e-9;
    for (int k = 0; k < 3 && dt < apart_max_s; k++) {
      state.velocity_mps[k] = (state.position_m[k] - last->position_m[k]) / dt;
    }
  }
  sensor_motion_note(motion, &state);
}

/* Rows in order of time, those of one time as they stand, and which of them come too late to be used: those that an
 * earlier frame has overtaken by more than the lag. */
static void frame_take(struct tracker *tracker, const struct frame *frame) {
  const uint64_t sign = UINT64_C(1) << 63; /* times with it turned are in order without it */
  struct sort_key *keys = tracker->keys;
  weft_assert(frame->count <= tracker->detections_max);
  for (uint32_t i = 0; i < frame->count; i++)
    keys[i] = (struct sort_key){.key = (uint64_t)frame->time_of_ns[i] ^ sign, .item = i, .note = frame->sensor[i]};
  sort_keys(keys, tracker->dealt, frame->count);
  int64_t late_before_ns =
      tracker->front_ns == INT64_MIN ? INT64_MIN : tracker->front_ns - tracker->site->lag_ns;
  for (uint32_t i = 0; i < frame->count; i++) {
    tracker->row[i] = keys[i].item;
    tracker->time_ns[i] = (int64_t)(keys[i].key ^ sign);
    tracker->sensor[i] = keys[i].note;
    tracker->fates[i] = tracker->time_ns[i] < late_before_ns ? FATE_LATE : FATE_IN_FLIGHT;
  }
}

/* Plots of a frame that are stepped together, as if they were a frame of their own. */
struct slice {
  uint32_t begin, end;        /* places in order of time */
  int64_t after_ns, until_ns; /* sensor states of times in (after, until] belong to it */
  int64_t now_ns;             /* up to when looks are judged */
  bool platforms;             /* some plot of the frame says where its sensor is */
};

/* Where the sensors are, as far as this slice may know: a long frame brings more states than a history holds.
 */
static void slice_sensors_note(struct tracker *tracker, const struct frame *frame,
                               const struct slice *slice) {
  for (uint32_t i = 0; i < frame->state_count; i++) {
    const struct sensor_state *state = &frame->states[i];
    if (state->time_ns <= slice->after_ns || state->time_ns > slice->until_ns) continue;
    sensor_motion_note(&tracker->motion[state->sensor], state);
  }
  for (uint32_t i = slice->begin; i < slice->end && slice->platforms; i++) {
    uint32_t row = tracker->row[i];
    if (frame->valid[row] & VALID_PLATFORM) platform_note(&tracker->motion[frame->sensor[row]], frame, row);
  }
}

/* How far each sensor has come, and how it is heard. */
static void fronts_move(struct tracker *tracker, const struct slice *slice) {
  for (uint32_t i = slice->begin; i < slice->end; i++) {
    uint32_t sensor = tracker->sensor[i];
    int64_t time_ns = tracker->time_ns[i], *front = &tracker->sensor_front_ns[sensor];
    if (time_ns > *front) *front = time_ns;
    hearing_note(&tracker->hearing[sensor], time_ns, tracker->site->sensors[sensor].revisit_s);
    if (time_ns > tracker->front_ns) tracker->front_ns = time_ns;
  }
}

static void slice_step(struct tracker *tracker, const struct frame *frame, const struct slice *slice) {
  tracker->slice++;
  tracker->now_ns = slice->now_ns;
  slice_sensors_note(tracker, frame, slice);
  struct align_job job = {.tracker = tracker, .frame = frame, .begin = slice->begin};
  tracker->parallel.run(tracker->parallel.context, align_piece, &job, slice->end - slice->begin, ALIGN_PIECE);
  fronts_move(tracker, slice);
  track_index_at(&tracker->index, tracker->site, tracker->motion, tracker->front_ns);
  lifecycle_refresh(tracker);
  associate_slice(tracker, slice->begin, slice->end);
  initiate_slice(tracker, slice->begin, slice->end);
  lifecycle_index_moved(tracker);
  review_step(tracker);
}

/* A frame of a busy or restarted system can span seconds of measurement time. It is stepped in slices short
 * enough for the index and for the looks, so that a large frame costs what the same plots in small ones do.
 */
static void slices_step(struct tracker *tracker, const struct frame *frame) {
  const int64_t slice_ns = INDEX_REACH_NS / 2;
  struct slice slice = {.until_ns = INT64_MIN};
  for (uint32_t i = 0; i < frame->count; i++) slice.platforms |= (frame->valid[i] & VALID_PLATFORM) != 0;
  do {
    slice.begin = slice.end;
    slice.after_ns = slice.until_ns;
    while (slice.end < frame->count &&
           tracker->time_ns[slice.end] - tracker->time_ns[slice.begin] <= slice_ns) {
      slice.end++;
    }
    bool last = slice.end == frame->count;
    slice.until_ns = last ? INT64_MAX : tracker->time_ns[slice.end - 1];
    slice.now_ns = slice.until_ns < frame->time_ns ? slice.until_ns : frame->time_ns;
    slice_step(tracker, frame, &slice);
  } while (slice.end < frame->count);
}

static int reports_compare(const void *a, const void *b, void *context) {
  (void)context;
  const struct track_report *x = a, *y = b;
  return x->track < y->track ? -1 : x->track > y->track;
}

struct report_job {
  struct tracker *tracker;
  struct step_output *output;
};

/* Asks for what the track's line will be read from: a line of memory each, and the moments. */
static void report_fetch(const struct tracker *tracker, uint32_t slot) {
  const struct track *track = &tracker->store.tracks[slot];
  ahead_ask_far(&track->time_ns, 1);
  ahead_ask_far(&track->bank[WK_B_WEIGHT], 1);
  ahead_ask_far(&track->arrival_ns, 1);
  ahead_ask_far(track->sensors, 1);
  ahead_ask_far(tracker->moments[slot], sizeof *tracker->moments);
}

/* The first eight lines of `left`, whose places on Earth are found in lanes. With each, the one eight later is asked for. */
static void reports_fill(struct tracker *tracker, const uint32_t *slots, uint32_t left, struct track_report *reports) {
  const uint32_t count = count_least(left, WK_LANES);
  wk_lane p[3], lat_rad, lon_rad, height_m;
  for (uint32_t l = 0; l < WK_LANES; l++) {
    for (int c = 0; c < 3; c++) p[c][l] = tracker->moments[slots[l < count ? l : 0]][c];
  }
  tracker->filter.kernels->geodetic(lat_rad, lon_rad, height_m, p[0], p[1], p[2], WK_LANES);
  for (uint32_t l = 0; l < count; l++) {
    struct track *track = &tracker->store.tracks[slots[l]];
    const struct geodetic place = {lat_rad[l], lon_rad[l], height_m[l]};
    if (l + WK_LANES < left) report_fetch(tracker, slots[l + WK_LANES]);
    report_fill(tracker, track, tracker->moments[slots[l]], &place, track->time_ns, &reports[l]);
    correlate_state(tracker, slots[l], &reports[l]);
    track->told = 0;
    track->arrival_ns = 0;
    track->innovation2 = 0;
    track->innovation_components = 0;
  }
}

static void report_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct report_job *job = argument;
  const uint32_t *slots = job->tracker->touched;
  for (uint32_t i = begin; i < end && i < begin + WK_LANES; i++) report_fetch(job->tracker, slots[i]);
  for (uint32_t i = begin; i < end; i += WK_LANES) reports_fill(job->tracker, &slots[i], end - i, &job->output->reports[i]);
}

/* Lines to be: numbers of their tracks, and whether their moments are still to be found. */
static void lines_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct tracker *tracker = argument;
  for (uint32_t i = begin; i < end; i++) {
    const struct track *track = &tracker->store.tracks[tracker->touched[i]];
    const struct track *ahead = &tracker->store.tracks[tracker->touched[i + LOOK_AHEAD < end ? i + LOOK_AHEAD : i]];
    __builtin_prefetch(&ahead->told);
    tracker->keys[i] = (struct sort_key){.key = track->number, .item = tracker->touched[i], .note = !track->told};
  }
}

/* The touched tracks in order of their numbers, with the moments of their lines in place. */
static void lines_order(struct tracker *tracker) {
  uint32_t due = 0;
  tracker->parallel.run(tracker->parallel.context, lines_piece, tracker, tracker->touched_count, ALIGN_PIECE);
  sort_keys(tracker->keys, tracker->dealt, tracker->touched_count);
  for (uint32_t i = 0; i < tracker->touched_count; i++) {
    tracker->touched[i] = tracker->keys[i].item;
    if (tracker->keys[i].note) tracker->due[due++] = tracker->keys[i].item;
  }
  filter_moments_by_slot(&tracker->filter, tracker->due, due, tracker->moments);
}

/* Lines of the tracks that have been touched and still live, in order of their numbers; beyond `most` of them those that
 * were touched last wait. */
static void lines_fill(struct tracker *tracker, uint32_t most, struct step_output *output) {
  output->waiting = tracker->touched_count > most ? tracker->touched_count - most : 0;
  tracker->touched_count -= output->waiting;
  weft_assert(tracker->touched_count <= output->capacity);
  lines_order(tracker);
  correlate_fuse(tracker);
  struct report_job job = {.tracker = tracker, .output = output};
  tracker->parallel.run(tracker->parallel.context, report_piece, &job, tracker->touched_count, ALIGN_PIECE);
  output->count = tracker->touched_count;
  tracker->touched_count = output->waiting;
  for (uint32_t i = 0; i < output->waiting; i++) {
    tracker->touched[i] = tracker->touched[output->count + i];
    tracker->listings[tracker->touched[i]].touched_place = i;
  }
}

/* Lines of the tracks that ended in this frame, each to its place: a report is too large to be sorted with the others. */
static void lost_merge(struct tracker *tracker, struct step_output *output) {
  weft_assert(output->count + tracker->lost_count <= output->capacity);
  sort_items(tracker->lost, tracker->lost_count, sizeof *tracker->lost, reports_compare, NULL);
  uint32_t kept = output->count, lost = tracker->lost_count;
  output->count += lost;
  for (uint32_t to = output->count; lost > 0;) {
    bool moves = kept > 0 && output->reports[kept - 1].track > tracker->lost[lost - 1].track;
    output->reports[--to] = moves ? output->reports[--kept] : tracker->lost[--lost];
  }
}

static void fates_book(struct tracker *tracker, const struct frame *frame, struct ledger *ledger) {
  for (uint32_t i = 0; i < frame->count; i++) {
    uint32_t sensor = tracker->sensor[i];
    uint8_t fate = tracker->fates[i]; /* those that start a track, or never will, are booked where that shows */
    if (fate == FATE_ASSOCIATED || fate == FATE_LATE || fate == FATE_SHED) tracker->fate_counts[sensor][fate]++;
  }
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) {
    for (int fate = FATE_ASSOCIATED; fate < FATES; fate++)
      ledger->sensors[s].fates[fate] += tracker->fate_counts[s][fate];
  }
}

void tracker_step(struct tracker *tracker, const struct frame *frame, struct step_output *output,
                  struct ledger *ledger) {
  tracker->frame = frame->number;
  tracker->frame_time_ns = frame->time_ns;
  tracker->overload_step = frame->overload_step;
  tracker->lost_count = tracker->fresh_count = 0;
  memset(tracker->fate_counts, 0, tracker->site->sensor_count * sizeof *tracker->fate_counts);
  foreign_take(tracker, frame);
  frame_take(tracker, frame);
  slices_step(tracker, frame);
  stitch_step(tracker);
  foreign_step(tracker);
  lines_fill(tracker, lines_most(tracker->lines_max, frame->count), output);
  lost_merge(tracker, output);
  uint32_t ours = output->count;
  foreign_lines(tracker, output);
  if (output->count > ours) sort_items(output->reports, output->count, sizeof *output->reports, reports_compare, NULL);
  output->frame = frame->number;
  output->frame_time_ns = frame->time_ns;
  output->overload_step = frame->overload_step;
  fates_book(tracker, frame, ledger);
  tracker->statistics.frames++;
  tracker->statistics.detections += frame->count;
}

void tracker_statistics_get(const struct tracker *tracker, struct tracker_statistics *out) {
  *out = tracker->statistics;
  out->out_of_sequence[0] = tracker->filter.updates[WAY_EXACT];
  out->out_of_sequence[1] = tracker->filter.updates[WAY_APPROXIMATE];
  out->updates_bent = tracker->filter.bent;
  if (tracker->soft) { /* hypotheses that late plots were tried in */
    out->out_of_sequence[0] += tracker->soft->filter.updates[WAY_EXACT];
    out->out_of_sequence[1] += tracker->soft->filter.updates[WAY_APPROXIMATE];
  }
}

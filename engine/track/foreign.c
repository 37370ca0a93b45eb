#include "engine/track/foreign.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/track/state.h"

enum { LONELY_SHOW = 4, LONELY_MAX = 200, TESTS_KEPT = 5, AGREE_DECLARE = 3, AGREE_WITHDRAW = 1 };
static const int64_t test_ns = 1000000000;
static const int64_t silence_ns = 60000000000, silence_ballistic_ns = 120000000000;
static const int64_t own_silence_ns = 3000000000; /* of ours, before a correlated track gives it lines */
static const double drag_log = -8, drag_variance = 2.25, force_variance = 625, weight_floor = 1.00000001e-9;

size_t foreign_arena_size(uint32_t foreign_max, uint32_t tracks_max) {
  if (foreign_max == 0) return 256;
  size_t each = sizeof(struct foreign) + sizeof(struct foreign_test) + 8 * sizeof(uint32_t);
  size_t lost = (foreign_max + FRAME_FOREIGN_MAX) * sizeof(struct track_report);
  size_t own = CORRELATE_OWN_MAX *
               (WK_GAUSS_ELEMENTS * sizeof(double) + sizeof(struct gauss_item) + 4 * sizeof(uint32_t));
  return foreign_max * each + lost + own + tracks_max * (sizeof(int64_t) + 2 * sizeof(uint32_t)) +
         sizeof(struct assign_work) + (1u << 16);
}

int foreign_open(struct foreign_table *t, struct arena *arena, uint32_t foreign_max, uint32_t tracks_max) {
  *t = (struct foreign_table){.capacity = foreign_max, .next_ns = INT64_MIN, .free_head = FOREIGN_NONE};
  if (foreign_max == 0) return 0;
  uint32_t buckets = 64;
  while (buckets < foreign_max) buckets *= 2;
  t->bucket_mask = buckets - 1;
  t->entries = arena_take(arena, foreign_max, sizeof *t->entries);
  t->buckets = arena_take(arena, buckets, sizeof *t->buckets);
  t->of_slot = arena_take(arena, tracks_max, sizeof *t->of_slot);
  t->heard = arena_take(arena, foreign_max, sizeof *t->heard);
  t->lost = arena_take(arena, foreign_max + FRAME_FOREIGN_MAX, sizeof *t->lost);
  t->line_ns = arena_take(arena, tracks_max, sizeof *t->line_ns);
  t->tests = arena_take(arena, foreign_max, sizeof *t->tests);
  t->place_of_slot = arena_take(arena, tracks_max, sizeof *t->place_of_slot);
  t->slots = arena_take(arena, CORRELATE_OWN_MAX, sizeof *t->slots);
  t->own = arena_take(arena, CORRELATE_OWN_MAX, sizeof *t->own);
  t->items = arena_take(arena, CORRELATE_OWN_MAX, sizeof *t->items);
  t->root = arena_take(arena, foreign_max + CORRELATE_OWN_MAX, sizeof *t->root);
  t->row = arena_take(arena, foreign_max, sizeof *t->row);
  t->column = arena_take(arena, CORRELATE_OWN_MAX, sizeof *t->column);
  t->work = arena_take(arena, 1, sizeof *t->work);
  bool complete = t->entries && t->buckets && t->of_slot && t->heard && t->lost && t->line_ns && t->tests &&
                  t->place_of_slot && t->slots && t->own && t->items && t->root && t->row && t->column &&
                  t->work;
  if (!complete) return -ENOMEM;
  memset(t->buckets, 0xff, buckets * sizeof *t->buckets);
  memset(t->of_slot, 0xff, tracks_max * sizeof *t->of_slot);
  memset(t->place_of_slot, 0xff, tracks_max * sizeof *t->place_of_slot);
  return 0;
}

static uint32_t *bucket_of(const struct foreign_table *t, const struct foreign_track *line) {
  uint64_t hash =
      (line->track + 1) * UINT64_C(0x9e3779b97f4a7c15) + line->centre * UINT64_C(0xbf58476d1ce4e5b9);
  return &t->buckets[(hash >> 32) & t->bucket_mask];
}

static uint32_t entry_find(const struct foreign_table *t, const struct foreign_track *line) {
  for (uint32_t at = *bucket_of(t, line); at != FOREIGN_NONE; at = t->entries[at].next) {
    if (t->entries[at].line.track == line->track && t->entries[at].line.centre == line->centre) return at;
  }
  return FOREIGN_NONE;
}

static uint32_t entry_take(struct foreign_table *t, const struct foreign_track *line) {
  uint32_t at = t->free_head;
  if (at != FOREIGN_NONE) {
    t->free_head = t->entries[at].next;
  } else if (t->high < t->capacity) {
    at = t->high++;
  } else {
    return FOREIGN_NONE;
  }
  uint32_t *bucket = bucket_of(t, line);
  t->entries[at] = (struct foreign){.line = *line,
                                    .used = true,
                                    .next = *bucket,
                                    .tested_ns = INT64_MIN,
                                    .next_same = FOREIGN_NONE,
                                    .partner = TRACK_NONE};
  return *bucket = at;
}

static bool comes_before(const struct foreign *a, const struct foreign *b) {
  if (a->line.centre != b->line.centre) return a->line.centre < b->line.centre;
  return a->line.track < b->line.track;
}

static void correlation_begin(struct tracker *tracker, uint32_t at) {
  struct foreign_table *t = &tracker->foreign;
  struct foreign *entry = &t->entries[at];
  uint32_t *place = &t->of_slot[entry->partner];
  while (*place != FOREIGN_NONE && comes_before(&t->entries[*place], entry))
    place = &t->entries[*place].next_same;
  entry->next_same = *place;
  *place = at;
  entry->correlated = true;
  tracker->statistics.correlated++;
}

static void correlation_end(struct tracker *tracker, uint32_t at) {
  struct foreign_table *t = &tracker->foreign;
  struct foreign *entry = &t->entries[at];
  uint32_t *place = &t->of_slot[entry->partner];
  while (*place != at) place = &t->entries[*place].next_same;
  *place = entry->next_same;
  entry->next_same = FOREIGN_NONE;
  entry->correlated = false;
  tracker->statistics.uncorrelated++;
}

static void bank_fill(struct foreign *entry) {
  static const int x[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X};
  static const int n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  const struct foreign_track *line = &entry->line;
  double total = 0;
  memset(entry->bank, 0, sizeof entry->bank);
  for (int m = 0; m < 3; m++) {
    double *state = entry->bank + x[m], *p = state + n[m];
    memcpy(state, line->position_m, sizeof line->position_m);
    memcpy(state + 3, line->velocity_mps, sizeof line->velocity_mps);
    for (int i = 0; i < 6; i++) {
      for (int j = i; j < 6; j++) p[WK_AT(n[m], i, j)] = line->covariance[WK_AT(6, i, j)];
    }
    for (int i = 6; i < n[m]; i++) p[WK_AT(n[m], i, i)] = m == 0 ? force_variance : drag_variance;
    total += entry->bank[WK_B_WEIGHT + m] = fmax(line->phase_probability[m], weight_floor);
  }
  entry->bank[WK_B_REENTRY_X + 6] = drag_log;
  for (int m = 0; m < 3; m++) entry->bank[WK_B_WEIGHT + m] /= total;
}

static void foreign_report(const struct tracker *tracker, struct foreign *entry, uint8_t status,
                           int64_t time_ns, struct track_report *out) {
  const struct foreign_track *line = &entry->line;
  const double degrees = 57.29577951308232;
  double lat_rad, lon_rad;
  memset(out, 0, sizeof *out);
  bank_fill(entry);
  out->time_ns = time_ns;
  out->track = entry->shown;
  out->continues = entry->continues;
  out->status = status;
  out->class_ = line->class_;
  out->has_phase = line->has_phase;
  out->phase = line->phase;
  memcpy(out->position_m, line->position_m, sizeof out->position_m);
  memcpy(out->velocity_mps, line->velocity_mps, sizeof out->velocity_mps);
  memcpy(out->covariance, line->covariance, sizeof out->covariance);
  wk_geodetic_from_ecef(out->position_m, &lat_rad, &lon_rad, &out->height_m);
  out->lat_deg = lat_rad * degrees;
  out->lon_deg = lon_rad * degrees;
  out->existence = line->existence;
  memcpy(out->phase_probability, line->phase_probability, sizeof out->phase_probability);
  out->detections = line->detections;
  out->first_time_ns = line->first_time_ns;
  entry->shown_ties = (struct foreign_ties){.names = tracker->foreign.names, .source = line};
  out->ties = &entry->shown_ties;
  out->bank = entry->bank;
  out->slot = tracker->store.capacity + (uint32_t)(entry - tracker->foreign.entries);
}

/* No longer shown: its last line under the number it had. */
static void show_end(struct tracker *tracker, struct foreign *entry) {
  struct foreign_table *t = &tracker->foreign;
  weft_assert(t->lost_count < t->capacity + FRAME_FOREIGN_MAX);
  foreign_report(tracker, entry, STATUS_LOST, tracker->frame_time_ns, &t->lost[t->lost_count++]);
  entry->shown = 0;
}

static void entry_drop(struct tracker *tracker, uint32_t at) {
  struct foreign_table *t = &tracker->foreign;
  struct foreign *entry = &t->entries[at];
  if (entry->correlated) correlation_end(tracker, at);
  if (entry->shown) show_end(tracker, entry);
  uint32_t *place = bucket_of(t, &entry->line);
  while (*place != at) place = &t->entries[*place].next;
  *place = entry->next;
  entry->used = false;
  entry->next = t->free_head;
  t->free_head = at;
}

/* While nothing of ours sees the object, the other centre's lines give our track its lines. */
static void partner_touch(struct tracker *tracker, const struct foreign *entry) {
  const struct track *track = &tracker->store.tracks[entry->partner];
  if (entry->line.time_ns - track->newest_ns < own_silence_ns) return;
  if (entry->line.time_ns <= tracker->foreign.line_ns[entry->partner]) return;
  tracker->foreign.line_ns[entry->partner] = entry->line.time_ns;
  lifecycle_touch(tracker, entry->partner);
}

void foreign_take(struct tracker *tracker, const struct frame *frame) {
  struct foreign_table *t = &tracker->foreign;
  t->heard_count = t->lost_count = 0;
  if (t->capacity == 0 || frame->foreign_count == 0) return;
  t->names = frame->foreign_names;
  for (uint32_t i = 0; i < frame->foreign_count; i++) {
    const struct foreign_track *line = &frame->foreign[i];
    uint32_t at = entry_find(t, line);
    tracker->statistics.foreign_lines++;
    if (line->status == STATUS_LOST) {
      if (at != FOREIGN_NONE) entry_drop(tracker, at);
      continue;
    }
    if (at == FOREIGN_NONE) {
      at = entry_take(t, line);
      tracker->statistics.foreign_refused += at == FOREIGN_NONE;
      if (at == FOREIGN_NONE) continue;
    } else if (line->time_ns < t->entries[at].line.time_ns) {
      tracker->statistics.foreign_late++;
      continue;
    }
    struct foreign *entry = &t->entries[at];
    entry->line = *line;
    if (entry->correlated) partner_touch(tracker, entry);
    if (entry->shown && t->heard_count < t->capacity) t->heard[t->heard_count++] = at;
  }
}

static int bits(uint32_t value) {
  return __builtin_popcount(value);
}

/* What a test says of one track: k of n tests that agree declare a correlation, and as few withdraw it. */
static void test_judge(struct tracker *tracker, const struct foreign_test *test) {
  struct foreign *entry = &tracker->foreign.entries[test->foreign];
  uint64_t number = test->found == TRACK_NONE ? 0 : tracker->store.tracks[test->found].number;
  bool agrees = number != 0 && number == entry->partner_number;
  entry->lonely = (uint8_t)(test->count ? 0 : entry->lonely < LONELY_MAX ? entry->lonely + 1 : LONELY_MAX);
  entry->history = (uint8_t)((entry->history << 1 | agrees) & ((1 << TESTS_KEPT) - 1));
  if (entry->correlated) {
    if (bits(entry->history) > AGREE_WITHDRAW) return;
    correlation_end(tracker, test->foreign);
    entry->partner_number = 0;
  }
  if (!agrees && (entry->partner_number == 0 || bits(entry->history) <= AGREE_WITHDRAW)) {
    entry->partner_number = number; /* another begins */
    entry->history = number != 0;
    entry->partner = test->found;
    return;
  }
  entry->partner = agrees ? test->found : entry->partner;
  if (!agrees || bits(entry->history) < AGREE_DECLARE) return;
  struct track *partner = &tracker->store.tracks[entry->partner];
  if (entry->shown && partner->continues == 0) partner->continues = entry->shown;
  if (entry->shown) show_end(tracker, entry);
  entry->continues = 0;
  correlation_begin(tracker, test->foreign);
}

static void silent_drop(struct tracker *tracker) {
  struct foreign_table *t = &tracker->foreign;
  for (uint32_t at = 0; at < t->high; at++) {
    const struct foreign *entry = &t->entries[at];
    if (!entry->used) continue;
    bool falls = entry->line.class_ == CLASS_BALLISTIC || entry->line.class_ == CLASS_ORBITAL;
    int64_t age_ns = tracker->frame_time_ns - entry->line.time_ns;
    if (age_ns > (falls ? silence_ballistic_ns : silence_ns)) entry_drop(tracker, at);
  }
}

/* Who is to be shown. Of an object that several centres see and none of ours is, one track is shown: the
 * first. */
static void shown_choose(struct tracker *tracker, uint32_t count) {
  struct foreign_table *t = &tracker->foreign;
  uint32_t shown = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (t->entries[t->tests[i].foreign].shown) t->row[shown++] = i;
  }
  for (uint32_t i = 0; i < count; i++) {
    struct foreign *entry = &t->entries[t->tests[i].foreign];
    if (entry->correlated || entry->shown || entry->lonely < LONELY_SHOW || !t->tests[i].news) continue;
    if (correlate_shown(tracker, i, shown)) continue;
    entry->shown = tracker->store.next_number++;
    t->row[shown++] = i;
    if (t->heard_count < t->capacity) t->heard[t->heard_count++] = t->tests[i].foreign;
  }
}

void foreign_step(struct tracker *tracker) {
  struct foreign_table *t = &tracker->foreign;
  if (t->high == 0 || tracker->frame_time_ns < t->next_ns) return;
  t->next_ns = tracker->frame_time_ns + test_ns;
  silent_drop(tracker);
  uint32_t count = correlate_test(tracker);
  for (uint32_t i = 0; i < count; i++) {
    if (t->tests[i].news) test_judge(tracker, &t->tests[i]);
  }
  shown_choose(tracker, count);
}

void foreign_partner_ended(struct tracker *tracker, uint32_t slot) {
  struct foreign_table *t = &tracker->foreign;
  if (t->capacity == 0) return;
  t->line_ns[slot] = 0;
  while (t->of_slot[slot] != FOREIGN_NONE) {
    struct foreign *entry = &t->entries[t->of_slot[slot]];
    correlation_end(tracker, t->of_slot[slot]);
    entry->continues = tracker->store.tracks[slot].number;
    entry->partner = TRACK_NONE;
    entry->partner_number = 0;
    entry->history = 0;
    entry->lonely = LONELY_SHOW; /* known long enough: shown with the next test unless another is near */
  }
}

void foreign_lines(struct tracker *tracker, struct step_output *output) {
  struct foreign_table *t = &tracker->foreign;
  for (uint32_t i = 0; i < t->heard_count; i++) {
    struct foreign *entry = &t->entries[t->heard[i]];
    if (!entry->used || !entry->shown || entry->shown_frame == tracker->frame) continue;
    weft_assert(output->count < output->capacity);
    entry->shown_frame = tracker->frame;
    foreign_report(tracker, entry, STATUS_CONFIRMED, entry->line.time_ns, &output->reports[output->count++]);
  }
  weft_assert(t->lost_count <= output->capacity - output->count);
  for (uint32_t i = 0; i < t->lost_count; i++) output->reports[output->count++] = t->lost[i];
}

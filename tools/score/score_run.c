#include "tools/score/score_run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/progress.h"

enum { CELLS_MAX = 1 << 28 }; /* instants x targets */

static bool target_due(const struct truth_target *target, int64_t time_ns) {
  return target->due_ns <= time_ns;
}

static void instant_count(struct run *run, size_t k, const struct truth *truth, const struct picture *p) {
  struct instant *at = &run->instant[k];
  at->time_ns = p->time_ns;
  at->alive = (uint32_t)p->targets;
  at->tracks = (uint32_t)p->tracks;
  for (size_t i = 0; i < p->targets; i++) {
    const struct truth_target *target = &truth->target[p->target[i]];
    if (!target_due(target, p->time_ns)) continue;
    bool tracked = p->track_of[i] >= 0, seen = p->time_ns <= target->unseen_ns;
    at->due++;
    at->due_tracked += tracked;
    at->seen += seen;
    at->seen_tracked += seen && tracked;
    run->story[p->target[i]].due++;
    run->story[p->target[i]].due_tracked += tracked;
  }
}

/* Who follows whom at one instant, given in `last` who did at the instant read before; into the cell's row.
 */
static int row_read(struct run *run, struct picture *p, size_t k, int32_t *last, int32_t *cell,
                    struct weft_error *err) {
  int code = picture_match(p, run->options.cutoff_m, run->options.hysteresis_m, last, err);
  int32_t *row = cell + k * run->targets;
  for (size_t i = 0; i < run->targets; i++) row[i] = -1;
  for (size_t i = 0; i < p->targets && !code; i++) {
    if (p->track_of[i] < 0) continue;
    row[p->target[i]] = last[p->target[i]] = (int32_t)p->track[p->track_of[i]];
  }
  return code;
}

static int32_t *last_begin(const struct run *run) {
  int32_t *last = score_take(run->targets, sizeof *last);
  for (size_t i = 0; i < run->targets; i++) last[i] = -1;
  return last;
}

/* GOSPA and OSPA(2), which need no memory of who followed whom, and the reading forward in time. */
static int forward_read(struct run *run, struct picture *p, const struct truth *truth,
                        const struct tracks *tracks, int32_t *cell, struct weft_error *err) {
  struct ospa2_window window;
  int32_t *last = last_begin(run);
  int code = 0;
  ospa2_open(&window, truth, tracks, run->options.window);
  for (size_t k = 0; k < run->instants && !code; k++) {
    picture_take(p, truth, tracks, run->instant[k].time_ns, run->options.stale_s);
    code = picture_match(p, run->options.cutoff_m, 0, NULL, err);
    if (code) break;
    run->instant[k].gospa = picture_gospa(p, truth, run->options.cutoff_m);
    instant_count(run, k, truth, p);
    code = ospa2_step(&window, p, truth, run->options.cutoff_m, &run->instant[k].ospa2, err);
    if (!code) code = row_read(run, p, k, last, cell, err);
    progress_show("matching 1/3", (int64_t)k + 1, (int64_t)run->instants);
  }
  ospa2_close(&window);
  free(last);
  return code;
}

static int backward_read(struct run *run, struct picture *p, const struct truth *truth,
                         const struct tracks *tracks, int32_t *cell, struct weft_error *err) {
  int32_t *last = last_begin(run);
  int code = 0;
  for (size_t k = run->instants; k-- > 0 && !code;) {
    picture_take(p, truth, tracks, run->instant[k].time_ns, run->options.stale_s);
    code = row_read(run, p, k, last, cell, err);
    progress_show("matching 2/3", (int64_t)(run->instants - k), (int64_t)run->instants);
  }
  free(last);
  return code;
}

/* The air picture's measures, by the chosen reading. */
static void siap_read(struct run *run, struct picture *p, const struct truth *truth,
                      const struct tracks *tracks, bool *within) {
  struct siap_work work;
  siap_open(&work, truth, tracks);
  for (size_t k = 0; k < run->instants; k++) {
    picture_take(p, truth, tracks, run->instant[k].time_ns, run->options.stale_s);
    siap_take(&work, p, truth, run->track_of + k * run->targets, run->options.cutoff_m, within,
              &run->instant[k].siap);
    progress_show("matching 3/3", (int64_t)k + 1, (int64_t)run->instants);
  }
  siap_close(&work);
}

static struct reading reading_of(const struct run *run, const int32_t *cell) {
  return (struct reading){.cell = cell,
                          .instants = run->instants,
                          .targets = run->targets,
                          .step_s = run->options.step_s,
                          .gap_s = run->options.gap_s};
}

/* Keeps the reading with fewer changes in track_of; `backward` may be exchanged with it. */
static void reading_choose(struct run *run, const struct tracks *tracks, int32_t **backward) {
  struct reading reading = reading_of(run, *backward);
  struct changes other = changes_count(&reading, tracks);
  reading = reading_of(run, run->track_of);
  run->changes = changes_count(&reading, tracks);
  run->backward = other.breaks + other.switches < run->changes.breaks + run->changes.switches;
  if (!run->backward) return;
  int32_t *swap = run->track_of;
  run->track_of = *backward;
  *backward = swap;
  run->changes = other;
}

static int span_order(const void *left, const void *right) {
  const struct span *a = left, *b = right;
  if (a->track != b->track) return a->track < b->track ? -1 : 1;
  return (a->first > b->first) - (a->first < b->first);
}

static void spans_find(struct run *run) {
  for (size_t i = 0; i < run->targets; i++) {
    struct span *open = NULL; /* the last one of all, which goes on */
    for (size_t k = 0; k < run->instants; k++) {
      int32_t track = run->track_of[k * run->targets + i];
      if (open && track >= 0 && open->track == (uint32_t)track) {
        open->last = (uint32_t)k;
        continue;
      }
      open = NULL;
      if (track < 0) continue;
      run->span = score_grow(run->span, run->span_count, &run->span_capacity, sizeof *run->span);
      open = &run->span[run->span_count++];
      *open = (struct span){(uint32_t)track, (uint32_t)i, (uint32_t)k, (uint32_t)k};
    }
  }
  if (run->span_count) qsort(run->span, run->span_count, sizeof *run->span, span_order);
}

/* The first confirmed line of the first track, held between the instant before the match and that of the
 * match. */
static void story_first(struct run *run, const struct truth *truth, const struct tracks *tracks, size_t i) {
  struct target_story *story = &run->story[i];
  story->to_first_s = NAN;
  story->first_track = -1;
  story->first_confirmed_ns = INT64_MAX;
  for (size_t k = 0; k < run->instants; k++) {
    int32_t track = run->track_of[k * run->targets + i];
    if (track < 0) continue;
    int64_t when_ns = tracks->track[track].confirmed_ns;
    if (k && when_ns < run->instant[k - 1].time_ns) when_ns = run->instant[k - 1].time_ns;
    story->first_track = track;
    story->first_confirmed_ns = when_ns;
    if (truth->target[i].detected_ns < INT64_MAX)
      story->to_first_s = fmax(0, (double)(when_ns - truth->target[i].detected_ns) * 1e-9);
    return;
  }
}

/* The longest run of instants with the same track, and all instants with any; owed instants only. */
static void story_lengths(struct run *run, const struct truth *truth, size_t i) {
  struct target_story *story = &run->story[i];
  uint32_t length = 0;
  int32_t current = -1, newest = -1; /* at the instant before; when there was one last */
  for (size_t k = 0; k < run->instants; k++) {
    int32_t track = run->track_of[k * run->targets + i];
    if (!target_due(&truth->target[i], run->instant[k].time_ns)) continue;
    length = track >= 0 && track == current ? length + 1 : track >= 0;
    current = track;
    story->renumbered += track >= 0 && newest >= 0 && track != newest;
    if (track >= 0) newest = track;
    story->tracked += track >= 0;
    if (length > story->longest) story->longest = length;
  }
}

static void stories_tell(struct run *run, const struct truth *truth, const struct tracks *tracks) {
  struct reading reading = reading_of(run, run->track_of);
  struct changes ignored = {0};
  for (size_t i = 0; i < run->targets; i++) {
    run->story[i].breaks = changes_of_target(&reading, tracks, i, &ignored);
    story_first(run, truth, tracks, i);
    story_lengths(run, truth, i);
  }
}

/* A track that continues another should begin with the target that the other followed last. */
static void continuations_judge(struct run *run, const struct tracks *tracks) {
  int32_t *first = score_take(tracks->names.count, sizeof *first);
  int32_t *last = score_take(tracks->names.count, sizeof *last);
  for (size_t j = 0; j < tracks->names.count; j++) first[j] = last[j] = -1;
  for (size_t s = 0; s < run->span_count; s++) {
    const struct span *span = &run->span[s]; /* by track, then instant */
    if (first[span->track] < 0) first[span->track] = (int32_t)span->target;
    last[span->track] = (int32_t)span->target;
  }
  for (size_t j = 0; j < tracks->names.count; j++) {
    int32_t old = tracks->continues[j];
    if (old < 0) continue;
    run->continued++;
    run->continued_wrongly += first[j] >= 0 && last[old] >= 0 && first[j] != last[old];
  }
  free(first);
  free(last);
}

static void tracks_judge(struct run *run, const struct tracks *tracks, const bool *within) {
  bool *followed = score_take(tracks->names.count, sizeof *followed);
  for (size_t s = 0; s < run->span_count; s++) followed[run->span[s].track] = true;
  for (size_t j = 0; j < tracks->names.count; j++) {
    if (tracks->track[j].confirmed_ns == INT64_MAX) continue;
    run->confirmed_tracks++;
    run->false_tracks += !followed[j];
    run->redundant_tracks += !followed[j] && within[j];
  }
  free(followed);
}

static int instants_set(struct run *run, const struct truth *truth, struct weft_error *err) {
  int64_t step_ns = llround(run->options.step_s * 1e9);
  int64_t count = (truth->last_ns - truth->first_ns) / step_ns + 1;
  if (count > CELLS_MAX / (int64_t)run->targets)
    return weft_fail(err, -E2BIG, "%lld instants of %zu targets are too many: give a larger --step-s",
                     (long long)count, run->targets);
  run->instants = (size_t)count;
  run->instant = score_take(run->instants, sizeof *run->instant);
  for (size_t k = 0; k < run->instants; k++) run->instant[k].time_ns = truth->first_ns + (int64_t)k * step_ns;
  return 0;
}

int run_build(struct run *run, const struct truth *truth, const struct tracks *tracks,
              const struct run_options *options, struct weft_error *err) {
  memset(run, 0, sizeof *run);
  run->options = *options;
  run->targets = truth->names.count;
  int code = instants_set(run, truth, err);
  if (code) return code;
  run->story = score_take(run->targets, sizeof *run->story);
  run->track_of = score_take(run->instants * run->targets, sizeof *run->track_of);
  int32_t *other = score_take(run->instants * run->targets, sizeof *other);
  bool *within = score_take(tracks->names.count, sizeof *within);
  struct picture picture;
  picture_open(&picture, truth, tracks);
  code = forward_read(run, &picture, truth, tracks, run->track_of, err);
  if (!code) code = backward_read(run, &picture, truth, tracks, other, err);
  if (!code) {
    reading_choose(run, tracks, &other);
    siap_read(run, &picture, truth, tracks, within);
    stories_tell(run, truth, tracks);
    spans_find(run);
    tracks_judge(run, tracks, within);
    continuations_judge(run, tracks);
  }
  picture_close(&picture);
  free(other);
  free(within);
  return code;
}

int64_t run_target(const struct run *run, const struct truth *truth, uint32_t track, int64_t time_ns) {
  double at = (double)(time_ns - truth->first_ns) * 1e-9 / run->options.step_s;
  size_t low = 0, high = run->span_count;
  while (low < high) { /* the first span of a later track, or of this track beginning after the time */
    size_t middle = (low + high) / 2;
    const struct span *span = &run->span[middle];
    if (span->track < track || (span->track == track && (double)span->first <= at))
      low = middle + 1;
    else
      high = middle;
  }
  int64_t best = -1;
  double nearest = 1;
  for (size_t s = low ? low - 1 : 0; s < run->span_count && s <= low; s++) {
    const struct span *span = &run->span[s];
    if (span->track != track) continue;
    double away = fmax(0, fmax((double)span->first - at, at - (double)span->last));
    if (away > nearest) continue;
    nearest = away;
    best = span->target;
  }
  return best;
}

void run_free(struct run *run) {
  free(run->instant);
  free(run->track_of);
  free(run->span);
  free(run->story);
  memset(run, 0, sizeof *run);
}

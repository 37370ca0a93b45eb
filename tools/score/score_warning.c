#include "tools/score/score_warning.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double after_burn_out_s = 30;

static int64_t earlier(int64_t time_ns, double by_s) {
  return time_ns - llround(by_s * 1e9);
}

/* Semi-major axis of the 90 % region over that of one standard deviation: the root of the chi-square quantile
 * with 2 degrees of freedom, -2 ln(1 - 0.9) = 4.605. */
static bool region_small(const struct forecast *impact, double region_m) {
  return impact->semi_major_m * sqrt(-2 * log(0.1)) < region_m;
}

/* The place of the later statement, in standard deviations of the ellipse of the earlier one, squared. */
static bool region_left(const struct forecast *before, const struct forecast *now) {
  double ellipse2 = forecast_ellipse2(before, now->place);
  return ellipse2 > -2 * log(0.01);
}

struct visit {
  uint32_t target, sample;
  int64_t time_ns;
};

static int visit_order(const void *left, const void *right) {
  const struct visit *a = left, *b = right;
  if (a->target != b->target) return a->target < b->target ? -1 : 1;
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns ? -1 : 1;
  return (a->sample > b->sample) - (a->sample < b->sample);
}

static void instants_set(struct warning *w, const struct truth *truth) {
  for (size_t i = 0; i < w->targets; i++) {
    const struct truth_target *target = &truth->target[i];
    struct warning_story *story = &w->story[i];
    story->stated_ns = story->small_ns = INT64_MAX;
    for (int n = 0; n < INSTANTS_JUDGED; n++) story->judged[n] = (struct warning_judged){INT64_MAX, -1};
    if (!target->impact_known) continue;
    int64_t start_ns = truth->point[target->first].time_ns;
    if (target->burn_out_ns < INT64_MAX)
      story->judged[INSTANT_BURN_OUT_30].time_ns = earlier(target->burn_out_ns, -after_burn_out_s);
    if (target->launch_known)
      story->judged[INSTANT_HALF_FLIGHT].time_ns = start_ns + (target->impact_ns - start_ns) / 2;
  }
}

/* One more confirmed line of the target; `before` is the one before it of the same target, or NULL. */
static void line_judge(struct warning *w, const struct tracks *tracks, const struct sample *sample,
                       const struct track_line *before) {
  struct warning_story *story = &w->story[sample->target];
  const struct track_line *line = &tracks->line[sample->line];
  const struct forecast *impact = line->impact >= 0 ? &tracks->forecast[line->impact] : NULL;
  if (impact && story->stated_ns == INT64_MAX) story->stated_ns = line->time_ns;
  if (!impact || !region_small(impact, w->region_m))
    story->small_ns = INT64_MAX;
  else if (story->small_ns == INT64_MAX)
    story->small_ns = line->time_ns;
  if (!before) return;
  story->withdrawn += before->impact >= 0 && !impact;
  if (before->impact >= 0 && impact) story->moved += region_left(&tracks->forecast[before->impact], impact);
}

static void lines_judge(struct warning *w, const struct tracks *tracks, const struct consistency *c) {
  struct visit *visit = score_take(c->samples, sizeof *visit);
  for (size_t n = 0; n < c->samples; n++)
    visit[n] = (struct visit){c->sample[n].target, (uint32_t)n, c->sample[n].time_ns};
  qsort(visit, c->samples, sizeof *visit, visit_order);
  uint8_t said = CLASS_UNKNOWN;
  for (size_t n = 0; n < c->samples; n++) {
    const struct sample *sample = &c->sample[visit[n].sample];
    bool same = n && visit[n - 1].target == visit[n].target;
    const struct track_line *line = &tracks->line[sample->line];
    line_judge(w, tracks, sample, same ? &tracks->line[c->sample[visit[n - 1].sample].line] : NULL);
    if (!same) said = CLASS_UNKNOWN;
    w->story[sample->target].reclassed +=
        said != CLASS_UNKNOWN && line->class != CLASS_UNKNOWN && line->class != said;
    if (line->class != CLASS_UNKNOWN) said = line->class;
  }
  free(visit);
}

/* The newest statement not after the instant and not staler than a track may be. */
static void statements_choose(struct warning *w, const struct consistency *c, double stale_s) {
  for (size_t n = 0; n < c->impacts; n++) {
    const struct forecast_sample *said = &c->impact[n];
    struct warning_story *story = &w->story[said->target];
    for (int k = 0; k < INSTANTS_JUDGED; k++) {
      struct warning_judged *judged = &story->judged[k];
      if (judged->time_ns == INT64_MAX || said->time_ns > judged->time_ns) continue;
      if (said->time_ns < earlier(judged->time_ns, stale_s)) continue;
      if (judged->impact < 0 || c->impact[judged->impact].time_ns <= said->time_ns)
        judged->impact = (int32_t)n;
    }
  }
}

static void numbers_judge(struct warning *w, const struct truth *truth, const struct tracks *tracks,
                          const struct run *run) {
  int64_t *last = score_take(tracks->names.count, sizeof *last);
  for (size_t j = 0; j < tracks->names.count; j++) last[j] = -1;
  for (size_t s = 0; s < run->span_count; s++) last[run->span[s].track] = run->span[s].target;
  for (size_t j = 0; j < tracks->names.count; j++) {
    const struct track *track = &tracks->track[j];
    if (track->confirmed_ns == INT64_MAX) continue;
    bool early = last[j] >= 0 && track->lost_ns < truth->target[last[j]].unseen_ns;
    w->renounced += last[j] < 0 || early;
    bool states = false;
    for (size_t n = 0; n < track->count && !states; n++) {
      const struct track_line *line = &tracks->line[track->first + n];
      states = line->status == STATUS_CONFIRMED && line->impact >= 0;
    }
    w->alarm_tracks += states && last[j] < 0;
  }
  for (size_t i = 0; i < w->targets; i++)
    w->alarm_targets += !truth->target[i].impact_known && w->story[i].stated_ns < INT64_MAX;
  free(last);
}

void warning_build(struct warning *w, const struct truth *truth, const struct tracks *tracks,
                   const struct run *run, const struct consistency *consistency, double region_m) {
  memset(w, 0, sizeof *w);
  w->region_m = region_m;
  w->targets = truth->names.count;
  w->story = score_take(w->targets, sizeof *w->story);
  instants_set(w, truth);
  lines_judge(w, tracks, consistency);
  statements_choose(w, consistency, run->options.stale_s);
  numbers_judge(w, truth, tracks, run);
}

void warning_free(struct warning *w) {
  free(w->story);
  memset(w, 0, sizeof *w);
}

#include "tools/score/score_report_parts.h"

#include <math.h>
#include <stdlib.h>

#include "tools/score/score_chi2.h"

static void inputs_put(json_t *root, const struct score *s) {
  json_t *truth = report_put_object(root, "truth"), *tracks = report_put_object(root, "tracks"),
         *options = report_put_object(root, "options");
  report_put_count(truth, "targets", s->truth.names.count);
  report_put_count(truth, "points", s->truth.point_count);
  json_object_set_new(truth, "first_time_ns", json_integer(s->truth.first_ns));
  json_object_set_new(truth, "last_time_ns", json_integer(s->truth.last_ns));
  if (s->truth.detections_read) {
    report_put_count(truth, "detections", (size_t)s->truth.detections);
    report_put_count(truth, "detections_of_no_target", (size_t)s->truth.detections_clutter);
    report_put_count(truth, "detections_of_unknown_target", (size_t)s->truth.detections_unknown);
  }
  report_put_count(tracks, "lines", s->tracks.line_count);
  report_put_count(tracks, "tracks", s->tracks.names.count);
  report_put_count(tracks, "confirmed_tracks", s->run.confirmed_tracks);
  report_put_count(tracks, "false_confirmed_tracks", s->run.false_tracks);
  double span_h = (double)(s->truth.last_ns - s->truth.first_ns) / 3.6e12;
  report_put(tracks, "false_confirmed_per_hour", span_h > 0 ? s->run.false_tracks / span_h : NAN);
  report_put_count(tracks, "redundant_confirmed_tracks", s->run.redundant_tracks);
  report_put_count(tracks, "missed_lines", (size_t)s->tracks.missed_lines);
  report_put_count(tracks, "missed", (size_t)s->tracks.missed);
  report_put_count(tracks, "unfollowed_lines", s->consistency.unfollowed);
  report_put_count(tracks, "bad_covariances", s->consistency.covariance_bad);
  report_put(options, "step_s", s->run.options.step_s);
  report_put(options, "cutoff_m", s->run.options.cutoff_m);
  report_put(options, "hysteresis_m", s->run.options.hysteresis_m);
  report_put(options, "stale_s", s->run.options.stale_s);
  report_put(options, "gap_s", s->run.options.gap_s);
  report_put_count(options, "window_instants", (size_t)s->run.options.window);
  report_put(options, "region_m", s->warning.region_m);
  report_put_count(options, "due_count", (size_t)s->due_count);
}

static void completeness_put(json_t *root, const struct score *s) {
  json_t *object = report_put_object(root, "completeness");
  double due = 0, tracked = 0, seen = 0, seen_tracked = 0;
  size_t targets = 0, targets_tracked = 0;
  for (size_t k = 0; k < s->run.instants; k++) {
    const struct instant *at = &s->run.instant[k];
    due += at->due;
    tracked += at->due_tracked;
    seen += at->seen;
    seen_tracked += at->seen_tracked;
  }
  for (size_t i = 0; i < s->run.targets; i++) {
    bool owed = s->truth.target[i].due_ns < INT64_MAX;
    targets += owed;
    targets_tracked += owed && s->run.story[i].first_track >= 0;
  }
  report_put_count(object, "due_targets", targets);
  report_put_count(object, "due_targets_tracked", targets_tracked);
  report_put(object, "due_target_s", due * s->run.options.step_s);
  report_put(object, "fraction", due > 0 ? tracked / due : NAN);
  report_put(object, "fraction_while_seen", seen > 0 ? seen_tracked / seen : NAN);
}

/* NEES per the number of degrees of freedom: 1 is honest, above is overconfident. */
static void nees_put(json_t *parent, const char *key, struct values *values, double dof) {
  if (!values->count) return;
  json_t *object = report_put_object(parent, key);
  double low = chi2_quantile(0.025, dof), high = chi2_quantile(0.975, dof), n = (double)values->count;
  size_t inside = 0;
  for (size_t i = 0; i < values->count; i++) inside += values->value[i] >= low && values->value[i] <= high;
  values_sort(values);
  report_put_count(object, "count", values->count);
  report_put(object, "dof", dof);
  report_put(object, "mean", values_mean(values));
  report_put(object, "median", values_quantile(values, 0.5));
  report_put(object, "median_expected", chi2_quantile(0.5, dof));
  report_put(object, "mean_per_dof", values_mean(values) / dof);
  report_put(object, "band95_low", chi2_quantile(0.025, n * dof) / n);
  report_put(object, "band95_high", chi2_quantile(0.975, n * dof) / n);
  report_put(object, "inside_95_fraction", (double)inside / n);
}

/* Innovations, whose dimension changes from line to line. */
struct innovations {
  double nis, dof;
  size_t lines, inside;
};

static void innovation_add(struct innovations *all, const struct track_line *line) {
  if (!isfinite(line->nis)) return;
  double p = chi2_cdf(line->nis, line->nis_dof);
  all->nis += line->nis;
  all->dof += line->nis_dof;
  all->lines++;
  all->inside += p >= 0.025 && p <= 0.975;
}

static void innovations_put(json_t *parent, const struct innovations *all) {
  if (!all->lines) return;
  json_t *object = report_put_object(parent, "nis");
  report_put_count(object, "count", all->lines);
  report_put(object, "dof_sum", all->dof);
  report_put(object, "mean_per_dof", all->nis / all->dof);
  report_put(object, "band95_low_per_dof", chi2_quantile(0.025, all->dof) / all->dof);
  report_put(object, "band95_high_per_dof", chi2_quantile(0.975, all->dof) / all->dof);
  report_put(object, "inside_95_fraction", (double)all->inside / (double)all->lines);
}

static void phase_put(json_t *parent, const char *key, const struct score *score, int phase) {
  const struct consistency *c = &score->consistency;
  struct values position = {0}, state = {0};
  struct innovations innovations = {0};
  double error = 0, speed = 0;
  size_t lines = 0, speeds = 0;
  for (size_t i = 0; i < c->samples; i++) {
    const struct sample *s = &c->sample[i];
    if (phase >= 0 && s->phase != phase) continue;
    lines++;
    error += s->error_m * s->error_m;
    if (isfinite(s->error_mps)) {
      speed += s->error_mps * s->error_mps;
      speeds++;
    }
    values_add(&position, s->nees_position);
    values_add(&state, s->nees_state);
    innovation_add(&innovations, &score->tracks.line[s->line]);
  }
  if (lines) {
    json_t *object = report_put_object(parent, key);
    report_put_count(object, "lines", lines);
    report_put(object, "position_rmse_m", sqrt(error / (double)lines));
    report_put(object, "velocity_rmse_mps", speeds ? sqrt(speed / (double)speeds) : NAN);
    nees_put(object, "nees_position", &position, 3);
    nees_put(object, "nees_state", &state, 6);
    innovations_put(object, &innovations);
  }
  free(position.value);
  free(state.value);
}

/* Lines by true word (rows) and stated word (columns). */
static void confusion_put(json_t *root, const char *key, const struct score *s, bool phases) {
  enum { WORDS = PHASE_COUNT };
  size_t table[WORDS][WORDS] = {{0}}, right = 0, all = 0;
  for (size_t i = 0; i < s->consistency.samples; i++) {
    const struct sample *sample = &s->consistency.sample[i];
    const struct track_line *line = &s->tracks.line[sample->line];
    int true_word = phases ? sample->phase : sample->class, said = phases ? line->phase : line->class;
    if (phases && true_word == PHASE_ABSENT) continue;
    table[true_word][said]++;
    right += true_word == said;
    all++;
  }
  if (!all) return;
  json_t *object = report_put_object(root, key),
         *rows = report_put_object(object, "lines_by_true_then_stated");
  report_put(object, "correct_fraction", (double)right / (double)all);
  int words = phases ? PHASE_COUNT : CLASS_COUNT;
  const char *const *word = phases ? phase_words : class_words;
  for (int t = 0; t < words; t++) {
    json_t *row = NULL;
    for (int w = 0; w < words; w++) {
      if (!table[t][w]) continue;
      if (!row) row = report_put_object(rows, word[t]);
      report_put_count(row, word[w], table[t][w]);
    }
  }
}

static void latency_put(json_t *root, const struct latency *latency) {
  if (!latency->count) return;
  json_t *object = report_put_object(root, "latency");
  report_put(object, "count", latency->total);
  report_put(object, "p50_us", latency_quantile(latency, 0.5));
  report_put(object, "p90_us", latency_quantile(latency, 0.9));
  report_put(object, "p99_us", latency_quantile(latency, 0.99));
  report_put(object, "p99_9_us", latency_quantile(latency, 0.999));
  report_put(object, "max_us", latency_quantile(latency, 1));
  json_object_set_new(object, "upper_bounds", json_boolean(latency->histogram));
}

static void targets_put(json_t *root, const struct score *s) {
  json_t *array = json_array();
  for (size_t i = 0; i < s->run.targets; i++) {
    const struct target_story *story = &s->run.story[i];
    json_t *object = json_object();
    json_object_set_new(object, "target", json_string(s->truth.names.text[i]));
    json_object_set_new(object, "class", json_string(class_words[s->truth.target[i].class]));
    report_put_count(object, "track_breaks", story->breaks);
    report_put(object, "completeness_fraction", story->due ? (double)story->due_tracked / story->due : NAN);
    report_put(object, "to_first_confirmed_s", story->to_first_s);
    const struct warning_story *warning = &s->warning.story[i];
    const struct truth_target *target = &s->truth.target[i];
    if (target->impact_known && warning->small_ns < INT64_MAX)
      report_put(object, "small_region_before_impact_s",
                 (double)(target->impact_ns - warning->small_ns) * 1e-9);
    if (story->first_track >= 0)
      json_object_set_new(object, "first_track", json_string(s->tracks.names.text[story->first_track]));
    json_array_append_new(array, object);
  }
  json_object_set_new(root, "targets", array);
}

json_t *report_build(const struct score *s) {
  json_t *root = json_object();
  inputs_put(root, s);
  gospa_put(root, &s->run);
  ospa2_put(root, &s->run);
  siap_put(root, &s->run);
  completeness_put(root, s);
  continuity_put(root, s);
  first_put(root, s);
  json_t *consistency = report_put_object(root, "consistency");
  for (int phase = 0; phase < PHASE_COUNT; phase++) phase_put(consistency, phase_words[phase], s, phase);
  phase_put(consistency, "all", s, -1);
  confusion_put(root, "class", s, false);
  confusion_put(root, "phase", s, true);
  impact_put(root, s);
  launch_put(root, s);
  region_put(root, s);
  retractions_put(root, s);
  latency_put(root, &s->latency);
  targets_put(root, s);
  series_put(root, s);
  return root;
}

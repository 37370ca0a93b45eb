#include "tools/score/score_report.h"

#include <math.h>
#include <stdlib.h>

#include "tools/score/score_chi2.h"

static const double lead_edges_s[] = {0, 60, 120, 300, 1e9};
enum { LEADS = sizeof lead_edges_s / sizeof *lead_edges_s - 1 };

/* A NAN has no place in JSON: the key stays absent. */
static void put(json_t *object, const char *key, double value) {
  if (isfinite(value)) json_object_set_new(object, key, json_real(value));
}

static void put_count(json_t *object, const char *key, size_t value) {
  json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *put_object(json_t *object, const char *key) {
  json_t *child = json_object();
  json_object_set_new(object, key, child);
  return child;
}

static int real_order(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* Linear between the order statistics; `value` must be sorted. */
static double quantile(const double *value, size_t count, double p) {
  if (!count) return NAN;
  double at = p * (double)(count - 1);
  size_t low = (size_t)at;
  size_t high = low + 1 < count ? low + 1 : low;
  return value[low] + (at - (double)low) * (value[high] - value[low]);
}

static double mean(const double *value, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += value[i];
  return count ? sum / (double)count : NAN;
}

static void inputs_put(json_t *root, const struct score *s) {
  json_t *truth = put_object(root, "truth"), *tracks = put_object(root, "tracks"),
         *options = put_object(root, "options");
  put_count(truth, "targets", s->truth.names.count);
  put_count(truth, "points", s->truth.point_count);
  json_object_set_new(truth, "first_time_ns", json_integer(s->truth.first_ns));
  json_object_set_new(truth, "last_time_ns", json_integer(s->truth.last_ns));
  if (s->truth.detections_read) {
    put_count(truth, "detections", (size_t)s->truth.detections);
    put_count(truth, "detections_of_no_target", (size_t)s->truth.detections_clutter);
    put_count(truth, "detections_of_unknown_target", (size_t)s->truth.detections_unknown);
  }
  put_count(tracks, "lines", s->tracks.line_count);
  put_count(tracks, "tracks", s->tracks.names.count);
  put_count(tracks, "confirmed_tracks", s->run.confirmed_tracks);
  put_count(tracks, "false_confirmed_tracks", s->run.false_tracks);
  put_count(tracks, "redundant_confirmed_tracks", s->run.redundant_tracks);
  put_count(tracks, "missed_lines", (size_t)s->tracks.missed_lines);
  put_count(tracks, "missed", (size_t)s->tracks.missed);
  put_count(tracks, "unfollowed_lines", s->consistency.unfollowed);
  put_count(tracks, "bad_covariances", s->consistency.covariance_bad);
  put(options, "step_s", s->run.options.step_s);
  put(options, "cutoff_m", s->run.options.cutoff_m);
  put(options, "hysteresis_m", s->run.options.hysteresis_m);
  put(options, "stale_s", s->run.options.stale_s);
  put(options, "gap_s", s->run.options.gap_s);
  put_count(options, "due_count", (size_t)s->due_count);
}

static void gospa_put(json_t *root, const struct run *run) {
  json_t *object = put_object(root, "gospa");
  double sum = 0, total = 0, localisation = 0, missed = 0, extra = 0, n = (double)run->instants;
  for (size_t k = 0; k < run->instants; k++) {
    const struct gospa *g = &run->instant[k].gospa;
    sum += g->total_m;
    total += g->total_m * g->total_m;
    localisation += g->localisation_m * g->localisation_m;
    missed += g->missed_m * g->missed_m;
    extra += g->false_m * g->false_m;
  }
  put_count(object, "instants", run->instants);
  put(object, "p", 2);
  put(object, "alpha", 2);
  put(object, "mean_m", sum / n);
  put(object, "rms_m", sqrt(total / n));
  put(object, "localisation_rms_m", sqrt(localisation / n));
  put(object, "missed_rms_m", sqrt(missed / n));
  put(object, "false_rms_m", sqrt(extra / n));
}

static void completeness_put(json_t *root, const struct score *s) {
  json_t *object = put_object(root, "completeness"), *continuity = put_object(root, "continuity");
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
  put_count(object, "due_targets", targets);
  put_count(object, "due_targets_tracked", targets_tracked);
  put(object, "due_target_s", due * s->run.options.step_s);
  put(object, "fraction", due > 0 ? tracked / due : NAN);
  put(object, "fraction_while_seen", seen > 0 ? seen_tracked / seen : NAN);
  put_count(continuity, "track_breaks", s->run.breaks);
  put_count(continuity, "identity_switches", s->run.switches);
  json_object_set_new(continuity, "read", json_string(s->run.backward ? "backward" : "forward"));
}

static void first_put(json_t *root, const struct run *run) {
  double *value = score_take(run->targets, sizeof *value);
  size_t count = 0;
  for (size_t i = 0; i < run->targets; i++)
    if (isfinite(run->story[i].to_first_s)) value[count++] = run->story[i].to_first_s;
  qsort(value, count, sizeof *value, real_order);
  json_t *object = put_object(root, "time_to_first_confirmed");
  put_count(object, "count", count);
  put(object, "mean_s", mean(value, count));
  put(object, "median_s", quantile(value, count, 0.5));
  put(object, "p95_s", quantile(value, count, 0.95));
  put(object, "max_s", quantile(value, count, 1));
  free(value);
}

/* NEES per the number of degrees of freedom: 1 is honest, above is overconfident. `value` gets sorted. */
static void nees_put(json_t *parent, const char *key, double *value, size_t count, double dof) {
  if (!count) return;
  json_t *object = put_object(parent, key);
  double low = chi2_quantile(0.025, dof), high = chi2_quantile(0.975, dof), n = (double)count;
  size_t inside = 0;
  for (size_t i = 0; i < count; i++) inside += value[i] >= low && value[i] <= high;
  qsort(value, count, sizeof *value, real_order);
  put_count(object, "count", count);
  put(object, "dof", dof);
  put(object, "mean", mean(value, count));
  put(object, "median", quantile(value, count, 0.5));
  put(object, "median_expected", chi2_quantile(0.5, dof));
  put(object, "mean_per_dof", mean(value, count) / dof);
  put(object, "band95_low", chi2_quantile(0.025, n * dof) / n);
  put(object, "band95_high", chi2_quantile(0.975, n * dof) / n);
  put(object, "inside_95_fraction", (double)inside / n);
}

static void phase_put(json_t *parent, const char *key, const struct consistency *c, int phase) {
  double *position = score_take(c->samples, sizeof *position), *state = score_take(c->samples, sizeof *state);
  double error = 0, speed = 0;
  size_t lines = 0, speeds = 0, positions = 0, states = 0;
  for (size_t i = 0; i < c->samples; i++) {
    const struct sample *s = &c->sample[i];
    if (phase >= 0 && s->phase != phase) continue;
    lines++;
    error += s->error_m * s->error_m;
    if (isfinite(s->error_mps)) {
      speed += s->error_mps * s->error_mps;
      speeds++;
    }
    if (isfinite(s->nees_position)) position[positions++] = s->nees_position;
    if (isfinite(s->nees_state)) state[states++] = s->nees_state;
  }
  if (lines) {
    json_t *object = put_object(parent, key);
    put_count(object, "lines", lines);
    put(object, "position_rmse_m", sqrt(error / (double)lines));
    put(object, "velocity_rmse_mps", speeds ? sqrt(speed / (double)speeds) : NAN);
    nees_put(object, "nees_position", position, positions, 3);
    nees_put(object, "nees_state", state, states, 6);
  }
  free(position);
  free(state);
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
  json_t *object = put_object(root, key), *rows = put_object(object, "lines_by_true_then_stated");
  put(object, "correct_fraction", (double)right / (double)all);
  int words = phases ? PHASE_COUNT : CLASS_COUNT;
  const char *const *word = phases ? phase_words : class_words;
  for (int t = 0; t < words; t++) {
    json_t *row = NULL;
    for (int w = 0; w < words; w++) {
      if (!table[t][w]) continue;
      if (!row) row = put_object(rows, word[t]);
      put_count(row, word[w], table[t][w]);
    }
  }
}

static void forecast_figures(json_t *object, const struct forecast_sample *sample, size_t count,
                             double from_s, double to_s) {
  double *miss = score_take(count, sizeof *miss), late = 0;
  size_t n = 0, timed = 0, ellipses = 0, inside[3] = {0};
  static const double regions[3] = {0.5, 0.9, 0.99};
  for (size_t i = 0; i < count; i++) {
    if (sample[i].lead_s < from_s || sample[i].lead_s >= to_s) continue;
    miss[n++] = sample[i].miss_m;
    if (isfinite(sample[i].late_s)) {
      late += sample[i].late_s * sample[i].late_s;
      timed++;
    }
    if (!isfinite(sample[i].ellipse2)) continue;
    ellipses++;
    for (int r = 0; r < 3; r++) inside[r] += sample[i].ellipse2 <= -2 * log(1 - regions[r]);
  }
  qsort(miss, n, sizeof *miss, real_order);
  put_count(object, "lines", n);
  put(object, "median_m", quantile(miss, n, 0.5));
  put(object, "p95_m", quantile(miss, n, 0.95));
  put(object, "time_rmse_s", timed ? sqrt(late / (double)timed) : NAN);
  static const char *const keys[3] = {"inside_50_fraction", "inside_90_fraction", "inside_99_fraction"};
  for (int r = 0; r < 3; r++) put(object, keys[r], ellipses ? (double)inside[r] / (double)ellipses : NAN);
  free(miss);
}

static void forecast_put(json_t *root, const char *key, const struct forecast_sample *sample, size_t count) {
  if (!count) return;
  json_t *object = put_object(root, key), *leads = json_array();
  forecast_figures(object, sample, count, -INFINITY, INFINITY);
  for (int i = 0; i < LEADS; i++) {
    json_t *lead = json_object();
    put(lead, "from_s", lead_edges_s[i]);
    if (i + 1 < LEADS) put(lead, "to_s", lead_edges_s[i + 1]);
    forecast_figures(lead, sample, count, lead_edges_s[i], lead_edges_s[i + 1]);
    if (json_integer_value(json_object_get(lead, "lines"))) json_array_append(leads, lead);
    json_decref(lead);
  }
  json_object_set_new(object, "by_lead", leads);
}

static void latency_put(json_t *root, const struct latency *latency) {
  if (!latency->count) return;
  json_t *object = put_object(root, "latency");
  put(object, "count", latency->total);
  put(object, "p50_us", latency_quantile(latency, 0.5));
  put(object, "p90_us", latency_quantile(latency, 0.9));
  put(object, "p99_us", latency_quantile(latency, 0.99));
  put(object, "p99_9_us", latency_quantile(latency, 0.999));
  put(object, "max_us", latency_quantile(latency, 1));
  json_object_set_new(object, "upper_bounds", json_boolean(latency->histogram));
}

static void targets_put(json_t *root, const struct score *s) {
  json_t *array = json_array();
  for (size_t i = 0; i < s->run.targets; i++) {
    const struct target_story *story = &s->run.story[i];
    json_t *object = json_object();
    json_object_set_new(object, "target", json_string(s->truth.names.text[i]));
    json_object_set_new(object, "class", json_string(class_words[s->truth.target[i].class]));
    put_count(object, "track_breaks", story->breaks);
    put(object, "completeness_fraction", story->due ? (double)story->due_tracked / story->due : NAN);
    put(object, "to_first_confirmed_s", story->to_first_s);
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
  completeness_put(root, s);
  first_put(root, &s->run);
  json_t *consistency = put_object(root, "consistency");
  for (int phase = 0; phase < PHASE_COUNT; phase++)
    phase_put(consistency, phase_words[phase], &s->consistency, phase);
  phase_put(consistency, "all", &s->consistency, -1);
  confusion_put(root, "class", s, false);
  confusion_put(root, "phase", s, true);
  forecast_put(root, "impact", s->consistency.impact, s->consistency.impacts);
  forecast_put(root, "launch", s->consistency.launch, s->consistency.launches);
  latency_put(root, &s->latency);
  targets_put(root, s);
  return root;
}

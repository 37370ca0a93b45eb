/* The report's part on the warning: stated launches and impacts against the true ones, how soon an impact
 * region was small, and what was taken back. */
#include "tools/score/score_report_parts.h"

#include <math.h>
#include <stdlib.h>

static const double lead_edges_s[] = {0, 60, 120, 300, 1e9};
enum { LEADS = sizeof lead_edges_s / sizeof *lead_edges_s - 1 };

/* Statements counted together. */
struct statements {
  struct values miss, major;
  double late2;
  size_t lines, timed, windows, ellipses;
  size_t inside[3], in_time[3];
};
static const double shares[3] = {0.5, 0.9, 0.99};
static const double window_sigmas[3] = {0.6744897502, 1.6448536270,
                                        2.5758293035}; /* of a normal: the same shares */

static void statement_add(struct statements *all, const struct forecast_sample *sample) {
  all->lines++;
  values_add(&all->miss, sample->miss_m);
  values_add(&all->major, sample->major_m);
  if (isfinite(sample->late_s)) {
    all->late2 += sample->late_s * sample->late_s;
    all->timed++;
  }
  all->windows += isnan(sample->late_sigmas) ? 0U : 1U;
  all->ellipses += isnan(sample->ellipse2) ? 0U : 1U;
  for (int r = 0; r < 3; r++) {
    all->inside[r] += sample->ellipse2 <= -2 * log(1 - shares[r]);
    all->in_time[r] += fabs(sample->late_sigmas) <= window_sigmas[r];
  }
}

static void statements_put(json_t *object, struct statements *all) {
  static const char *const place_keys[3] = {"inside_50_fraction", "inside_90_fraction", "inside_99_fraction"};
  static const char *const time_keys[3] = {"time_inside_50_fraction", "time_inside_90_fraction",
                                           "time_inside_99_fraction"};
  values_sort(&all->miss);
  values_sort(&all->major);
  report_put_count(object, "lines", all->lines);
  report_put(object, "median_m", values_quantile(&all->miss, 0.5));
  report_put(object, "p95_m", values_quantile(&all->miss, 0.95));
  report_put(object, "semi_major_90_median_m", values_quantile(&all->major, 0.5) * sqrt(-2 * log(0.1)));
  report_put(object, "time_rmse_s", all->timed ? sqrt(all->late2 / (double)all->timed) : NAN);
  for (int r = 0; r < 3; r++)
    report_put(object, place_keys[r], all->ellipses ? (double)all->inside[r] / (double)all->ellipses : NAN);
  for (int r = 0; r < 3; r++)
    report_put(object, time_keys[r], all->windows ? (double)all->in_time[r] / (double)all->windows : NAN);
  free(all->miss.value);
  free(all->major.value);
}

static void forecast_figures(json_t *object, const struct forecast_sample *sample, size_t count,
                             double from_s, double to_s) {
  struct statements all = {0};
  for (size_t i = 0; i < count; i++)
    if (sample[i].lead_s >= from_s && sample[i].lead_s < to_s) statement_add(&all, &sample[i]);
  statements_put(object, &all);
}

static json_t *forecast_put(json_t *root, const char *key, const struct forecast_sample *sample,
                            size_t count) {
  json_t *object = report_put_object(root, key), *leads = json_array();
  forecast_figures(object, sample, count, -INFINITY, INFINITY);
  for (int i = 0; i < LEADS; i++) {
    json_t *lead = json_object();
    report_put(lead, "from_s", lead_edges_s[i]);
    if (i + 1 < LEADS) report_put(lead, "to_s", lead_edges_s[i + 1]);
    forecast_figures(lead, sample, count, lead_edges_s[i], lead_edges_s[i + 1]);
    if (json_integer_value(json_object_get(lead, "lines"))) json_array_append(leads, lead);
    json_decref(lead);
  }
  json_object_set_new(object, "by_lead", leads);
  return object;
}

void impact_put(json_t *root, const struct score *s) {
  const struct consistency *c = &s->consistency;
  if (!c->impacts) return;
  json_t *object = forecast_put(root, "impact", c->impact, c->impacts);
  json_t *instants = report_put_object(object, "at_instant");
  static const char *const keys[INSTANTS_JUDGED] = {"burn_out_plus_30_s", "half_flight"};
  for (int k = 0; k < INSTANTS_JUDGED; k++) {
    struct statements all = {0};
    size_t targets = 0;
    for (size_t i = 0; i < s->warning.targets; i++) {
      const struct warning_judged *judged = &s->warning.story[i].judged[k];
      targets += judged->time_ns < INT64_MAX;
      if (judged->impact >= 0) statement_add(&all, &c->impact[judged->impact]);
    }
    json_t *instant = report_put_object(instants, keys[k]);
    report_put_count(instant, "targets", targets);
    statements_put(instant, &all);
  }
}

void launch_put(json_t *root, const struct score *s) {
  if (s->consistency.launches) forecast_put(root, "launch", s->consistency.launch, s->consistency.launches);
}

static double since_s(int64_t later_ns, int64_t earlier_ns) {
  return earlier_ns < INT64_MAX ? (double)(later_ns - earlier_ns) * 1e-9 : NAN;
}

void region_put(json_t *root, const struct score *s) {
  struct values detection = {0}, launch = {0}, burn_out = {0}, impact = {0};
  size_t targets = 0, stated = 0, small = 0;
  for (size_t i = 0; i < s->warning.targets; i++) {
    const struct truth_target *target = &s->truth.target[i];
    const struct warning_story *story = &s->warning.story[i];
    if (!target->impact_known || target->due_ns == INT64_MAX) continue;
    targets++;
    stated += story->stated_ns < INT64_MAX;
    if (story->small_ns == INT64_MAX) continue;
    small++;
    values_add(&detection, since_s(story->small_ns, target->detected_ns));
    values_add(&burn_out, since_s(story->small_ns, target->burn_out_ns));
    values_add(&impact, since_s(target->impact_ns, story->small_ns));
    if (target->launch_known)
      values_add(&launch, since_s(story->small_ns, s->truth.point[target->first].time_ns));
  }
  if (!targets) return;
  json_t *object = report_put_object(root, "time_to_small_region");
  report_put(object, "region_m", s->warning.region_m);
  report_put_count(object, "targets", targets);
  report_put_count(object, "stated", stated);
  report_put_count(object, "reached", small);
  report_put_spread(report_put_object(object, "from_detection"), &detection, "s");
  report_put_spread(report_put_object(object, "from_launch"), &launch, "s");
  report_put_spread(report_put_object(object, "from_burn_out"), &burn_out, "s");
  report_put_spread(report_put_object(object, "before_impact"), &impact, "s");
  free(detection.value);
  free(launch.value);
  free(burn_out.value);
  free(impact.value);
}

void retractions_put(json_t *root, const struct score *s) {
  size_t withdrawn = 0, moved = 0, reclassed = 0, targets = 0;
  for (size_t i = 0; i < s->warning.targets; i++) {
    const struct warning_story *story = &s->warning.story[i];
    withdrawn += story->withdrawn;
    moved += story->moved;
    reclassed += story->reclassed;
    targets += story->withdrawn || story->moved || story->reclassed;
  }
  json_t *object = report_put_object(root, "retractions");
  report_put_count(object, "impacts_withdrawn", withdrawn);
  report_put_count(object, "impacts_moved", moved);
  report_put_count(object, "classes_changed", reclassed);
  report_put_count(object, "numbers_renounced", s->warning.renounced);
  report_put_count(object, "targets_concerned", targets);
  report_put_count(object, "false_alarm_targets", s->warning.alarm_targets);
  report_put_count(object, "false_alarm_tracks", s->warning.alarm_tracks);
}

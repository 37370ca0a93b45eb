/* The report's part on the picture as a whole: GOSPA, OSPA(2), the air picture's measures, who followed whom,
 * and all of these over time. */
#include "tools/score/score_report_parts.h"

#include <math.h>
#include <stdlib.h>

void gospa_put(json_t *root, const struct run *run) {
  json_t *object = report_put_object(root, "gospa");
  double sum = 0, total = 0, localisation = 0, missed = 0, extra = 0, n = (double)run->instants;
  for (size_t k = 0; k < run->instants; k++) {
    const struct gospa *g = &run->instant[k].gospa;
    sum += g->total_m;
    total += g->total_m * g->total_m;
    localisation += g->localisation_m * g->localisation_m;
    missed += g->missed_m * g->missed_m;
    extra += g->false_m * g->false_m;
  }
  report_put_count(object, "instants", run->instants);
  report_put(object, "p", 2);
  report_put(object, "alpha", 2);
  report_put(object, "c_m", run->options.cutoff_m);
  report_put(object, "mean_m", sum / n);
  report_put(object, "rms_m", sqrt(total / n));
  report_put(object, "localisation_rms_m", sqrt(localisation / n));
  report_put(object, "missed_rms_m", sqrt(missed / n));
  report_put(object, "false_rms_m", sqrt(extra / n));
}

/* Means over the instants whose window holds anything. */
void ospa2_put(json_t *root, const struct run *run) {
  double total = 0, localisation = 0, cardinality = 0, most = 0, n = 0;
  for (size_t k = 0; k < run->instants; k++) {
    const struct ospa2 *o = &run->instant[k].ospa2;
    if (!o->targets && !o->tracks) continue;
    n++;
    total += o->total_m;
    localisation += o->localisation_m;
    cardinality += o->cardinality_m;
    most = fmax(most, o->total_m);
  }
  json_t *object = report_put_object(root, "ospa2");
  report_put_count(object, "instants", (size_t)n);
  report_put(object, "p", 1);
  report_put(object, "c_m", run->options.cutoff_m);
  report_put_count(object, "window_instants", (size_t)run->options.window);
  report_put(object, "window_s", run->options.window * run->options.step_s);
  if (n <= 0) return;
  report_put(object, "mean_m", total / n);
  report_put(object, "localisation_mean_m", localisation / n);
  report_put(object, "cardinality_mean_m", cardinality / n);
  report_put(object, "max_m", most);
}

void siap_put(json_t *root, const struct run *run) {
  struct siap sum = {0};
  double changes = 0, tracked = 0, longest = 0, lifetime = 0;
  for (size_t k = 0; k < run->instants; k++) siap_add(&sum, &run->instant[k].siap);
  for (size_t i = 0; i < run->targets; i++) {
    changes += run->story[i].renumbered;
    tracked += run->story[i].tracked;
    longest += run->story[i].longest;
    lifetime += run->story[i].due;
  }
  json_t *object = report_put_object(root, "siap");
  report_put(object, "completeness", siap_completeness(&sum));
  report_put(object, "ambiguity", siap_ambiguity(&sum));
  report_put(object, "spuriousness", siap_spuriousness(&sum));
  report_put(object, "position_accuracy_m", siap_position_m(&sum));
  report_put(object, "velocity_accuracy_mps", siap_velocity_mps(&sum));
  report_put(object, "track_number_change_rate_hz",
             tracked > 0 ? changes / (tracked * run->options.step_s) : NAN);
  report_put(object, "longest_track_fraction", lifetime > 0 ? longest / lifetime : NAN);
  report_put(object, "identification_completeness", sum.tracked > 0 ? sum.identified / sum.tracked : NAN);
  report_put(object, "identification_correctness",
             sum.tracked > 0 ? sum.identified_right / sum.tracked : NAN);
  report_put(object, "identification_ambiguity", sum.tracked > 0 ? sum.identified_mixed / sum.tracked : NAN);
  report_put(object, "duplicate_track_s", sum.duplicate * run->options.step_s);
  report_put(object, "spurious_track_s", sum.spurious * run->options.step_s);
}

void continuity_put(json_t *root, const struct score *s) {
  const struct changes *changes = &s->run.changes;
  json_t *object = report_put_object(root, "continuity");
  size_t owed = 0;
  for (size_t i = 0; i < s->run.targets; i++) owed += s->truth.target[i].due_ns < INT64_MAX;
  report_put_count(object, "track_breaks", changes->breaks);
  report_put_count(object, "breaks_of_number", changes->numbers);
  report_put_count(object, "breaks_bridged", changes->bridged);
  report_put_count(object, "continued_tracks", s->run.continued);
  report_put_count(object, "continued_wrongly", s->run.continued_wrongly);
  report_put_count(object, "continued_unknown_lines", (size_t)s->tracks.continues_unknown);
  report_put_count(object, "identity_switches", changes->switches);
  report_put_count(object, "identity_swaps", changes->swaps);
  report_put(object, "identity_swaps_per_100_targets", owed ? 100.0 * changes->swaps / (double)owed : NAN);
  json_object_set_new(object, "read", json_string(s->run.backward ? "backward" : "forward"));
}

/* From the first detection, and from the launch where the truth has it. */
void first_put(json_t *root, const struct score *s) {
  struct values detection = {0}, launch = {0};
  for (size_t i = 0; i < s->run.targets; i++) {
    const struct target_story *story = &s->run.story[i];
    const struct truth_target *target = &s->truth.target[i];
    values_add(&detection, story->to_first_s);
    if (target->launch_known && story->first_confirmed_ns < INT64_MAX)
      values_add(&launch, (double)(story->first_confirmed_ns - s->truth.point[target->first].time_ns) * 1e-9);
  }
  json_t *object = report_put_object(root, "time_to_first_confirmed");
  report_put_spread(object, &detection, "s");
  if (launch.count) report_put_spread(report_put_object(object, "from_launch"), &launch, "s");
  free(detection.value);
  free(launch.value);
}

struct series {
  const char *key;
  double (*value)(const struct instant *);
};

static double gospa_at(const struct instant *at) {
  return at->gospa.total_m;
}
static double gospa_localisation_at(const struct instant *at) {
  return at->gospa.localisation_m;
}
static double gospa_missed_at(const struct instant *at) {
  return at->gospa.missed_m;
}
static double gospa_false_at(const struct instant *at) {
  return at->gospa.false_m;
}
static double ospa2_at(const struct instant *at) {
  return at->ospa2.total_m;
}
static double ospa2_localisation_at(const struct instant *at) {
  return at->ospa2.localisation_m;
}
static double ospa2_cardinality_at(const struct instant *at) {
  return at->ospa2.cardinality_m;
}
static double completeness_at(const struct instant *at) {
  return siap_completeness(&at->siap);
}
static double ambiguity_at(const struct instant *at) {
  return siap_ambiguity(&at->siap);
}
static double spuriousness_at(const struct instant *at) {
  return siap_spuriousness(&at->siap);
}
static double position_at(const struct instant *at) {
  return siap_position_m(&at->siap);
}
static double velocity_at(const struct instant *at) {
  return siap_velocity_mps(&at->siap);
}
static double targets_at(const struct instant *at) {
  return at->siap.targets;
}
static double tracks_at(const struct instant *at) {
  return at->siap.tracks;
}
static double duplicates_at(const struct instant *at) {
  return at->siap.duplicate;
}
static double spurious_at(const struct instant *at) {
  return at->siap.spurious;
}

static const struct series series[] = {{"gospa_m", gospa_at},
                                       {"gospa_localisation_m", gospa_localisation_at},
                                       {"gospa_missed_m", gospa_missed_at},
                                       {"gospa_false_m", gospa_false_at},
                                       {"ospa2_m", ospa2_at},
                                       {"ospa2_localisation_m", ospa2_localisation_at},
                                       {"ospa2_cardinality_m", ospa2_cardinality_at},
                                       {"completeness", completeness_at},
                                       {"ambiguity", ambiguity_at},
                                       {"spuriousness", spuriousness_at},
                                       {"position_accuracy_m", position_at},
                                       {"velocity_accuracy_mps", velocity_at},
                                       {"due_targets", targets_at},
                                       {"confirmed_tracks", tracks_at},
                                       {"duplicate_tracks", duplicates_at},
                                       {"spurious_tracks", spurious_at}};

void series_put(json_t *root, const struct score *s) {
  json_t *array = json_array();
  for (size_t k = 0; k < s->run.instants; k++) {
    const struct instant *at = &s->run.instant[k];
    json_t *object = json_object();
    report_put(object, "time_s", (double)(at->time_ns - s->truth.first_ns) * 1e-9);
    for (size_t n = 0; n < sizeof series / sizeof *series; n++)
      report_put(object, series[n].key, series[n].value(at));
    json_array_append_new(array, object);
  }
  json_object_set_new(root, "over_time", array);
}

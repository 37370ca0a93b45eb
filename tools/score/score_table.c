#include "tools/score/score_report.h"

#include <math.h>
#include <string.h>

/* A number by its path of two keys, NAN where absent. */
static double get(const json_t *root, const char *group, const char *key) {
  const json_t *value = json_object_get(json_object_get(root, group), key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

/* A cell of ten characters, or a dash; `digits` after the point. */
static void cell(FILE *out, double value, int digits) {
  if (isfinite(value))
    fprintf(out, " %10.*f", digits, value);
  else
    fprintf(out, " %10s", "-");
}

static void row(FILE *out, const char *label, double value, int digits, const char *unit) {
  if (isfinite(value)) fprintf(out, "  %-34s %12.*f %s\n", label, digits, value, unit);
}

static void overview_print(FILE *out, const json_t *r) {
  fprintf(out, "Targets and tracks\n");
  row(out, "targets in the truth", get(r, "truth", "targets"), 0, "");
  row(out, "owed a track", get(r, "completeness", "due_targets"), 0, "");
  row(out, "of these with a confirmed track", get(r, "completeness", "due_targets_tracked"), 0, "");
  row(out, "confirmed tracks", get(r, "tracks", "confirmed_tracks"), 0, "");
  row(out, "false confirmed tracks", get(r, "tracks", "false_confirmed_tracks"), 0,
      "(never followed a target)");
  row(out, "the same per hour", get(r, "tracks", "false_confirmed_per_hour"), 2, "");
  row(out, "of these beside a tracked target", get(r, "tracks", "redundant_confirmed_tracks"), 0, "");
  row(out, "completeness", 100 * get(r, "completeness", "fraction"), 2, "% of owed target-seconds");
  row(out, "completeness while seen", 100 * get(r, "completeness", "fraction_while_seen"), 2,
      "% (up to each target's last detection)");
  row(out, "track breaks", get(r, "continuity", "track_breaks"), 0, "");
  row(out, "of these bridged by the new track", get(r, "continuity", "breaks_bridged"), 0, "");
  row(out, "identity switches", get(r, "continuity", "identity_switches"), 0, "");
  row(out, "identity swaps", get(r, "continuity", "identity_swaps"), 0, "");
  row(out, "identity swaps per 100 targets", get(r, "continuity", "identity_swaps_per_100_targets"), 2, "");
  row(out, "time to first confirmed, median", get(r, "time_to_first_confirmed", "median_s"), 2, "s");
  row(out, "time to first confirmed, 90 %", get(r, "time_to_first_confirmed", "p90_s"), 2, "s");
  row(out, "time to first confirmed, 95 %", get(r, "time_to_first_confirmed", "p95_s"), 2, "s");
  row(out, "time to first confirmed, worst", get(r, "time_to_first_confirmed", "max_s"), 2, "s");
  if (get(r, "tracks", "missed") > 0)
    row(out, "lines passed over by the reader", get(r, "tracks", "missed"), 0, "");
}

static void distances_print(FILE *out, const json_t *r) {
  fprintf(out, "\nGOSPA (p 2, alpha 2, cutoff %.0f m; root mean square over the run)\n",
          get(r, "options", "cutoff_m"));
  row(out, "total", get(r, "gospa", "rms_m"), 1, "m");
  row(out, "of this localisation", get(r, "gospa", "localisation_rms_m"), 1, "m");
  row(out, "of this missed targets", get(r, "gospa", "missed_rms_m"), 1, "m");
  row(out, "of this false tracks", get(r, "gospa", "false_rms_m"), 1, "m");
  fprintf(out, "\nOSPA(2) (p 1, cutoff %.0f m, window %.0f s; mean over the run)\n",
          get(r, "options", "cutoff_m"), get(r, "ospa2", "window_s"));
  row(out, "total", get(r, "ospa2", "mean_m"), 1, "m");
  row(out, "of this localisation", get(r, "ospa2", "localisation_mean_m"), 1, "m");
  row(out, "of this cardinality", get(r, "ospa2", "cardinality_mean_m"), 1, "m");
}

static void air_picture_print(FILE *out, const json_t *r) {
  fprintf(out, "\nSingle Integrated Air Picture (of owed targets; over the run)\n");
  row(out, "completeness", 100 * get(r, "siap", "completeness"), 2, "% of target-instants (best 100)");
  row(out, "ambiguity", get(r, "siap", "ambiguity"), 4, "tracks per tracked target (best 1)");
  row(out, "spuriousness", 100 * get(r, "siap", "spuriousness"), 3, "% of tracks (best 0)");
  row(out, "position accuracy", get(r, "siap", "position_accuracy_m"), 1, "m, mean distance");
  row(out, "velocity accuracy", get(r, "siap", "velocity_accuracy_mps"), 2, "m/s, mean distance");
  row(out, "rate of track number change", 3600 * get(r, "siap", "track_number_change_rate_hz"), 3,
      "per hour of tracked target");
  row(out, "longest track segment", 100 * get(r, "siap", "longest_track_fraction"), 2, "% of owed time");
  row(out, "class stated", 100 * get(r, "siap", "identification_completeness"), 2, "% of tracked targets");
  row(out, "class right", 100 * get(r, "siap", "identification_correctness"), 2, "% of tracked targets");
  row(out, "class ambiguous", 100 * get(r, "siap", "identification_ambiguity"), 3, "% of tracked targets");
}

static void consistency_print(FILE *out, const json_t *r) {
  const json_t *all = json_object_get(r, "consistency");
  if (!json_object_size(all)) return;
  fprintf(out, "\nErrors of confirmed track lines, by true phase (NEES per degree of freedom: 1 is honest, "
               "above is overconfident)\n");
  fprintf(out, "  %-10s %10s %10s %10s %10s %23s %10s %10s %10s\n", "phase", "lines", "position", "velocity",
          "NEES pos", "95 % band", "NEES p+v", "pos in 95%", "NIS");
  fprintf(out, "  %-10s %10s %10s %10s %10s %23s %10s %10s %10s\n", "", "", "RMSE m", "RMSE m/s", "", "", "",
          "%", "mean");
  const char *phase;
  json_t *figures;
  json_object_foreach((json_t *)all, phase, figures) {
    fprintf(out, "  %-10s", phase);
    const json_t *lines = json_object_get(figures, "lines");
    fprintf(out, " %10lld", (long long)json_integer_value(lines));
    const json_t *position = json_object_get(figures, "position_rmse_m"),
                 *velocity = json_object_get(figures, "velocity_rmse_mps");
    cell(out, json_is_number(position) ? json_number_value(position) : NAN, 1);
    cell(out, json_is_number(velocity) ? json_number_value(velocity) : NAN, 2);
    cell(out, get(figures, "nees_position", "mean_per_dof"), 3);
    double low = get(figures, "nees_position", "band95_low") / 3,
           high = get(figures, "nees_position", "band95_high") / 3;
    fprintf(out, "  ");
    cell(out, low, 3);
    cell(out, high, 3);
    cell(out, get(figures, "nees_state", "mean_per_dof"), 3);
    cell(out, 100 * get(figures, "nees_position", "inside_95_fraction"), 1);
    cell(out, get(figures, "nis", "mean_per_dof"), 3);
    fprintf(out, "\n");
  }
  row(out, "class right", 100 * get(r, "class", "correct_fraction"), 2, "% of lines");
  row(out, "phase right", 100 * get(r, "phase", "correct_fraction"), 2, "% of lines");
}

static void confusion_print(FILE *out, const json_t *r, const char *key) {
  json_t *rows = json_object_get(json_object_get(r, key), "lines_by_true_then_stated");
  if (!json_object_size(rows)) return;
  fprintf(out, "\nLines by true %s (row) and stated %s\n", key, key);
  const char *word, *said;
  json_t *counts, *count;
  json_object_foreach(rows, word, counts) {
    fprintf(out, "  %-10s", word);
    json_object_foreach(counts, said, count)
        fprintf(out, "  %s %lld", said, (long long)json_integer_value(count));
    fprintf(out, "\n");
  }
}

static void forecast_row(FILE *out, const char *label, const json_t *figures) {
  if (!figures) return;
  static const char *const keys[] = {"lines", "median_m", "p95_m", "semi_major_90_median_m", "time_rmse_s"};
  static const char *const inside[] = {"inside_50_fraction", "inside_90_fraction", "inside_99_fraction",
                                       "time_inside_90_fraction"};
  fprintf(out, "  %-16s", label);
  for (int i = 0; i < 5; i++) {
    const json_t *value = json_object_get(figures, keys[i]);
    cell(out, json_is_number(value) ? json_number_value(value) : NAN, i == 4 ? 2 : 0);
  }
  for (int i = 0; i < 4; i++) {
    const json_t *value = json_object_get(figures, inside[i]);
    cell(out, json_is_number(value) ? 100 * json_number_value(value) : NAN, 1);
  }
  fprintf(out, "\n");
}

static void forecast_print(FILE *out, const json_t *r, const char *key, const char *lead_name) {
  const json_t *object = json_object_get(r, key);
  if (!object) return;
  fprintf(out, "\nStated %s against the true one\n  %-16s %10s %10s %10s %10s %10s %10s %10s %10s %10s\n",
          key, lead_name, "lines", "median m", "95 % m", "90 % axis", "t RMSE s", "in 50 %", "in 90 %",
          "in 99 %", "t in 90 %");
  forecast_row(out, "all", object);
  size_t i;
  json_t *lead;
  json_array_foreach(json_object_get(object, "by_lead"), i, lead) {
    char label[48];
    double from = json_number_value(json_object_get(lead, "from_s"));
    const json_t *to = json_object_get(lead, "to_s");
    if (to)
      snprintf(label, sizeof label, "%.0f to %.0f s", from, json_number_value(to));
    else
      snprintf(label, sizeof label, "over %.0f s", from);
    forecast_row(out, label, lead);
  }
}

static void warning_print(FILE *out, const json_t *r) {
  const json_t *instants = json_object_get(json_object_get(r, "impact"), "at_instant");
  forecast_row(out, "burn-out + 30 s", json_object_get(instants, "burn_out_plus_30_s"));
  forecast_row(out, "half flight", json_object_get(instants, "half_flight"));
  const json_t *region = json_object_get(r, "time_to_small_region");
  if (region) {
    fprintf(out, "\nTime until the 90 %% impact region stays below %.0f km of semi-major axis\n",
            json_number_value(json_object_get(region, "region_m")) / 1000);
    row(out, "missiles owed a track", get(r, "time_to_small_region", "targets"), 0, "");
    row(out, "with such a region to the end", get(r, "time_to_small_region", "reached"), 0, "");
    row(out, "from first detection, median", get(region, "from_detection", "median_s"), 1, "s");
    row(out, "from first detection, 90 %", get(region, "from_detection", "p90_s"), 1, "s");
    row(out, "from launch, median", get(region, "from_launch", "median_s"), 1, "s");
    row(out, "from burn-out, median", get(region, "from_burn_out", "median_s"), 1, "s");
    row(out, "before impact, median", get(region, "before_impact", "median_s"), 1, "s");
  }
  fprintf(out, "\nTaken back\n");
  row(out, "impacts withdrawn", get(r, "retractions", "impacts_withdrawn"), 0, "");
  row(out, "impacts moved", get(r, "retractions", "impacts_moved"), 0,
      "(outside the 99 % region of the line before)");
  row(out, "classes changed", get(r, "retractions", "classes_changed"), 0, "");
  row(out, "track numbers renounced", get(r, "retractions", "numbers_renounced"), 0, "");
  row(out, "targets wrongly given an impact", get(r, "retractions", "false_alarm_targets"), 0, "");
  row(out, "false tracks given an impact", get(r, "retractions", "false_alarm_tracks"), 0, "");
}

void report_print(FILE *out, const json_t *r) {
  overview_print(out, r);
  distances_print(out, r);
  air_picture_print(out, r);
  consistency_print(out, r);
  confusion_print(out, r, "class");
  confusion_print(out, r, "phase");
  forecast_print(out, r, "launch", "after launch");
  forecast_print(out, r, "impact", "before impact");
  warning_print(out, r);
  if (!json_object_get(r, "latency")) return;
  fprintf(out, "\nLatency, arrival to emission%s\n",
          json_is_true(json_object_get(json_object_get(r, "latency"), "upper_bounds"))
              ? " (upper edges of histogram buckets)"
              : "");
  static const char *const names[] = {"p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"};
  static const char *const labels[] = {"median", "90 %", "99 %", "99.9 %", "largest"};
  for (int i = 0; i < 5; i++) row(out, labels[i], get(r, "latency", names[i]), 0, "us");
}

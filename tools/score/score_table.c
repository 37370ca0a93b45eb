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
  row(out, "of these beside a tracked target", get(r, "tracks", "redundant_confirmed_tracks"), 0, "");
  row(out, "completeness", 100 * get(r, "completeness", "fraction"), 2, "% of owed target-seconds");
  row(out, "completeness while seen", 100 * get(r, "completeness", "fraction_while_seen"), 2,
      "% (up to each target's last detection)");
  row(out, "track breaks", get(r, "continuity", "track_breaks"), 0, "");
  row(out, "identity switches", get(r, "continuity", "identity_switches"), 0, "");
  row(out, "time to first confirmed, median", get(r, "time_to_first_confirmed", "median_s"), 2, "s");
  row(out, "time to first confirmed, 95 %", get(r, "time_to_first_confirmed", "p95_s"), 2, "s");
  row(out, "time to first confirmed, worst", get(r, "time_to_first_confirmed", "max_s"), 2, "s");
  if (get(r, "tracks", "missed") > 0)
    row(out, "lines passed over by the reader", get(r, "tracks", "missed"), 0, "");
  fprintf(out, "\nGOSPA (p 2, alpha 2, cutoff %.0f m; root mean square over the run)\n",
          get(r, "options", "cutoff_m"));
  row(out, "total", get(r, "gospa", "rms_m"), 1, "m");
  row(out, "of this localisation", get(r, "gospa", "localisation_rms_m"), 1, "m");
  row(out, "of this missed targets", get(r, "gospa", "missed_rms_m"), 1, "m");
  row(out, "of this false tracks", get(r, "gospa", "false_rms_m"), 1, "m");
}

static void consistency_print(FILE *out, const json_t *r) {
  const json_t *all = json_object_get(r, "consistency");
  if (!json_object_size(all)) return;
  fprintf(out, "\nErrors of confirmed track lines, by true phase (NEES per degree of freedom: 1 is honest, "
               "above is overconfident)\n");
  fprintf(out, "  %-10s %10s %10s %10s %10s %23s %10s %10s\n", "phase", "lines", "position", "velocity",
          "NEES pos", "95 % band", "NEES p+v", "pos in 95%");
  fprintf(out, "  %-10s %10s %10s %10s %10s %23s %10s %10s\n", "", "", "RMSE m", "RMSE m/s", "", "", "", "%");
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
  static const char *const keys[] = {"lines", "median_m", "p95_m", "time_rmse_s"};
  static const char *const inside[] = {"inside_50_fraction", "inside_90_fraction", "inside_99_fraction"};
  fprintf(out, "  %-16s", label);
  for (int i = 0; i < 4; i++) {
    const json_t *value = json_object_get(figures, keys[i]);
    cell(out, json_is_number(value) ? json_number_value(value) : NAN, i == 3 ? 2 : 0);
  }
  for (int i = 0; i < 3; i++) {
    const json_t *value = json_object_get(figures, inside[i]);
    cell(out, json_is_number(value) ? 100 * json_number_value(value) : NAN, 1);
  }
  fprintf(out, "\n");
}

static void forecast_print(FILE *out, const json_t *r, const char *key, const char *lead_name) {
  const json_t *object = json_object_get(r, key);
  if (!object) return;
  fprintf(out, "\nStated %s against the true one\n  %-16s %10s %10s %10s %10s %10s %10s %10s\n", key,
          lead_name, "lines", "median m", "95 % m", "time RMSE s", "in 50 %", "in 90 %", "in 99 %");
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

void report_print(FILE *out, const json_t *r) {
  overview_print(out, r);
  consistency_print(out, r);
  confusion_print(out, r, "class");
  confusion_print(out, r, "phase");
  forecast_print(out, r, "impact", "before impact");
  forecast_print(out, r, "launch", "after launch");
  if (!json_object_get(r, "latency")) return;
  fprintf(out, "\nLatency, arrival to emission%s\n",
          json_is_true(json_object_get(json_object_get(r, "latency"), "upper_bounds"))
              ? " (upper edges of histogram buckets)"
              : "");
  static const char *const names[] = {"p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"};
  static const char *const labels[] = {"median", "90 %", "99 %", "99.9 %", "largest"};
  for (int i = 0; i < 5; i++) row(out, labels[i], get(r, "latency", names[i]), 0, "us");
}

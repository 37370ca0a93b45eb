/* Pictures of the whole picture over time, and of latency. */
#include <math.h>

#include "tools/score/score_plots_parts.h"

/* One curve of a picture over the instants. */
struct curve {
  const char *style, *title;
  double (*value)(const struct instant *at);
};

/* Draws the curves; an instant without a value interrupts its curve. */
static void curves_draw(const struct score *s, struct figure *f, const struct curve *curve, size_t count) {
  for (size_t n = 0; n < count; n++) {
    bool drawn = false;
    figure_series(f, curve[n].style, curve[n].title);
    for (size_t k = 0; k < s->run.instants; k++) {
      double value = curve[n].value(&s->run.instant[k]);
      if (isfinite(value))
        figure_point(f, 2, plot_time_s(s, s->run.instant[k].time_ns), value, 0, 0);
      else if (drawn)
        figure_lift(f);
      drawn = isfinite(value);
    }
  }
}

static double gospa_total_km(const struct instant *at) {
  return at->gospa.total_m / 1000;
}
static double gospa_localisation_km(const struct instant *at) {
  return at->gospa.localisation_m / 1000;
}
static double gospa_missed_km(const struct instant *at) {
  return at->gospa.missed_m / 1000;
}
static double gospa_false_km(const struct instant *at) {
  return at->gospa.false_m / 1000;
}

int gospa_plot(const struct score *s, const char *directory, struct weft_error *err) {
  static const struct curve curves[] = {
      {"1:2 with lines lw 2.5 lc rgb '#000000'", "total", gospa_total_km},
      {"1:2 with lines lw 2 lc rgb '#1f77b4'", "localisation", gospa_localisation_km},
      {"1:2 with lines lw 2 lc rgb '#d62728'", "missed targets", gospa_missed_km},
      {"1:2 with lines lw 2 lc rgb '#ff7f0e'", "false tracks", gospa_false_km}};
  struct figure f;
  int code = figure_open(&f, directory, "gospa", err);
  if (code) return code;
  figure_set(&f,
             "set title 'GOSPA (p 2, alpha 2, cutoff %.0f m): the squares of the parts add up to the total "
             "squared'\n"
             "set xlabel 'time since the start of the truth (s)'\nset ylabel 'distance between picture and "
             "truth (km)'\nset yrange [0:*]\n",
             s->run.options.cutoff_m);
  curves_draw(s, &f, curves, sizeof curves / sizeof *curves);
  return figure_close(&f, err);
}

static double ospa2_total_km(const struct instant *at) {
  return at->ospa2.targets || at->ospa2.tracks ? at->ospa2.total_m / 1000 : NAN;
}
static double ospa2_localisation_km(const struct instant *at) {
  return at->ospa2.targets || at->ospa2.tracks ? at->ospa2.localisation_m / 1000 : NAN;
}
static double ospa2_cardinality_km(const struct instant *at) {
  return at->ospa2.targets || at->ospa2.tracks ? at->ospa2.cardinality_m / 1000 : NAN;
}

int ospa2_plot(const struct score *s, const char *directory, struct weft_error *err) {
  static const struct curve curves[] = {
      {"1:2 with lines lw 2.5 lc rgb '#000000'", "total", ospa2_total_km},
      {"1:2 with lines lw 2 lc rgb '#1f77b4'", "localisation", ospa2_localisation_km},
      {"1:2 with lines lw 2 lc rgb '#d62728'", "cardinality", ospa2_cardinality_km}};
  struct figure f;
  int code = figure_open(&f, directory, "ospa2", err);
  if (code) return code;
  figure_set(&f,
             "set title 'OSPA(2) of the last %.0f s (p 1, cutoff %.0f m): trajectories against tracks'\n"
             "set xlabel 'time since the start of the truth (s)'\nset ylabel 'distance per trajectory "
             "(km)'\nset yrange [0:*]\n",
             s->run.options.window * s->run.options.step_s, s->run.options.cutoff_m);
  curves_draw(s, &f, curves, sizeof curves / sizeof *curves);
  return figure_close(&f, err);
}

static double completeness_of(const struct instant *at) {
  return siap_completeness(&at->siap);
}
static double ambiguity_of(const struct instant *at) {
  return siap_ambiguity(&at->siap);
}
static double spuriousness_of(const struct instant *at) {
  return siap_spuriousness(&at->siap);
}
static double correctness_of(const struct instant *at) {
  return at->siap.tracked > 0 ? at->siap.identified_right / at->siap.tracked : NAN;
}

int siap_plot(const struct score *s, const char *directory, struct weft_error *err) {
  static const struct curve curves[] = {
      {"1:2 with lines lw 2.5 lc rgb '#1f77b4'", "completeness (best 1)", completeness_of},
      {"1:2 with lines lw 2 lc rgb '#ff7f0e'", "ambiguity (best 1)", ambiguity_of},
      {"1:2 with lines lw 2 lc rgb '#2ca02c'", "class right (best 1)", correctness_of},
      {"1:2 with lines lw 2 lc rgb '#d62728'", "spuriousness (best 0)", spuriousness_of}};
  struct figure f;
  int code = figure_open(&f, directory, "siap", err);
  if (code) return code;
  figure_set(
      &f, "set title 'Single Integrated Air Picture: what share of what is there is shown, and how often'\n"
          "set xlabel 'time since the start of the truth (s)'\nset ylabel 'share; tracks per tracked "
          "target'\nset yrange [0:1.05<*]\nset offsets 0, 0, graph 0.03, 0\n");
  curves_draw(s, &f, curves, sizeof curves / sizeof *curves);
  return figure_close(&f, err);
}

static double position_of(const struct instant *at) {
  return siap_position_m(&at->siap);
}
static double velocity_of(const struct instant *at) {
  return siap_velocity_mps(&at->siap);
}

int siap_accuracy_plot(const struct score *s, const char *directory, struct weft_error *err) {
  static const struct curve curves[] = {
      {"1:2 with lines lw 2 lc rgb '#1f77b4'", "position (m)", position_of},
      {"1:2 with lines lw 2 lc rgb '#ff7f0e'", "velocity (m/s)", velocity_of}};
  struct figure f;
  int code = figure_open(&f, directory, "siap_accuracy", err);
  if (code) return code;
  figure_set(&f, "set title 'Single Integrated Air Picture: mean error of the tracks of owed targets'\n"
                 "set xlabel 'time since the start of the truth (s)'\nset ylabel 'mean distance (m) and mean "
                 "speed error (m/s)'\nset logscale y\nset format y '%%g'\n");
  curves_draw(s, &f, curves, sizeof curves / sizeof *curves);
  return figure_close(&f, err);
}

int counts_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "counts", err);
  if (code) return code;
  figure_set(&f, "set title 'How many: targets in the air, targets owed a track, tracks'\n"
                 "set xlabel 'time since the start of the truth (s)'\nset ylabel 'number'\nset yrange "
                 "[0:*]\nset offsets 0, 0, graph 0.05, 0\n");
  static const char *const titles[4] = {"targets in the air", "targets owed a track", "of these tracked",
                                        "confirmed tracks"};
  static const char *const styles[4] = {
      "1:2 with steps lw 1.5 lc rgb '#999999'", "1:2 with steps lw 3.5 lc rgb '#aec7e8'",
      "1:2 with steps lw 1.8 lc rgb '#1f77b4'", "1:2 with steps lw 1.5 dt 2 lc rgb '#d62728'"};
  for (int part = 0; part < 4; part++) {
    figure_series(&f, styles[part], titles[part]);
    for (size_t k = 0; k < s->run.instants; k++) {
      const struct instant *at = &s->run.instant[k];
      const uint32_t value[4] = {at->alive, at->due, at->due_tracked, at->tracks};
      figure_point(&f, 2, plot_time_s(s, at->time_ns), value[part], 0, 0);
    }
  }
  return figure_close(&f, err);
}

/* Eight bars to the factor of ten, from 1 us to 100 s. */
int latency_plot(const struct score *s, const char *directory, struct weft_error *err) {
  enum { PER_DECADE = 8, BARS = 8 * PER_DECADE };
  if (!s->latency.count) return 0;
  struct figure f;
  int code = figure_open(&f, directory, "latency", err);
  if (code) return code;
  double bar[BARS] = {0};
  int low = BARS, high = 0;
  for (size_t i = 0; i < s->latency.count; i++) {
    double at = log10(fmax(1, s->latency.value[i].us)) * PER_DECADE;
    int b = at >= BARS ? BARS - 1 : (int)at;
    bar[b] += s->latency.value[i].weight;
    low = b < low ? b : low;
    high = b > high ? b : high;
  }
  figure_set(&f,
             "set title 'Latency from arrival of a detection to emission of its track (%.0f lines)'\n"
             "set xlabel 'latency (us)'\nset ylabel 'lines (%%)'\nset logscale x\nset style fill solid "
             "0.6\nset yrange [0:*]\n"
             "set xrange [%g:%g]\nset offsets 0, 0, graph 0.12, 0\n",
             s->latency.total, pow(10, (double)(low - 2) / PER_DECADE),
             pow(10, (double)(high + 3) / PER_DECADE));
  static const double mark[3] = {0.5, 0.99, 0.999};
  static const char *const colour[3] = {"#2ca02c", "#ff7f0e", "#d62728"}, *const name[3] = {"median", "99 %",
                                                                                            "99.9 %"};
  figure_series(&f, "1:2:3 with boxes lc rgb '#1f77b4'", "lines");
  for (int b = low; b <= high; b++) {
    double left = pow(10, (double)b / PER_DECADE), right = pow(10, (double)(b + 1) / PER_DECADE);
    figure_point(&f, 3, (left + right) / 2, 100 * bar[b] / s->latency.total, right - left, 0);
  }
  for (int m = 0; m < 3; m++) {
    char style[128], title[64];
    double us = latency_quantile(&s->latency, mark[m]), top = 0;
    for (int b = 0; b < BARS; b++) top = fmax(top, 100 * bar[b] / s->latency.total);
    snprintf(style, sizeof style, "1:2 with lines lw 2 lc rgb '%s'", colour[m]);
    snprintf(title, sizeof title, "%s: %.0f us", name[m], us);
    figure_series(&f, style, title);
    figure_point(&f, 2, us, 0, 0, 0);
    figure_point(&f, 2, us, top * 1.1, 0, 0);
  }
  return figure_close(&f, err);
}

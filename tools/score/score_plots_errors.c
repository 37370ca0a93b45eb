/* Pictures of errors: of positions, of what the lines say of their own errors, and of impacts. */
#include <math.h>
#include <stdlib.h>

#include "tools/score/score_chi2.h"
#include "tools/score/score_plots_parts.h"
#include "tools/score/score_values.h"

enum { BINS = 75, BIN_LINES_MIN = 3 };
enum { ALL_PHASES = -1, NOT_CRUISE = -2 };

static const char *const phase_dark[PHASE_COUNT] = {"#670000", "#08306b", "#7a3800", "#00441b", "#252525"};

static void bins_clear(struct values *bin) {
  for (int b = 0; b < BINS; b++) bin[b].count = 0;
}

static void bins_free(struct values *bin) {
  for (int b = 0; b < BINS; b++) free(bin[b].value);
}

static double bin_quantile(struct values *bin, double p) {
  values_sort(bin);
  return values_quantile(bin, p);
}

static double bin_width_s(const struct score *s) {
  return fmax(1, plot_time_s(s, s->truth.last_ns) / BINS);
}

enum quantity { ERROR_M, RADIUS_M, NEES_POSITION, NEES_STATE };

static double sample_quantity(const struct sample *sample, enum quantity quantity) {
  switch (quantity) {
  case ERROR_M:
    return sample->error_m;
  case RADIUS_M:
    return sample->radius_m;
  case NEES_POSITION:
    return sample->nees_position / 3;
  case NEES_STATE:
    return sample->nees_state / 6;
  }
  return NAN;
}

/* `phase` may also be ALL_PHASES or NOT_CRUISE. */
static void bins_fill(const struct score *s, struct values *bin, enum quantity quantity, int phase) {
  bins_clear(bin);
  for (size_t i = 0; i < s->consistency.samples; i++) {
    const struct sample *sample = &s->consistency.sample[i];
    if (phase >= 0 ? sample->phase != phase : phase == NOT_CRUISE && sample->phase == PHASE_CRUISE) continue;
    double at = plot_time_s(s, sample->time_ns) / bin_width_s(s);
    values_add(&bin[at < 0 ? 0 : at >= BINS ? BINS - 1 : (int)at], sample_quantity(sample, quantity));
  }
}

static bool phase_seen(const struct score *s, int phase) {
  for (size_t i = 0; i < s->consistency.samples; i++)
    if (s->consistency.sample[i].phase == phase) return true;
  return false;
}

static void error_curves(const struct score *s, struct figure *f, struct values *bin, int phase) {
  char style[128], title[64];
  for (int stated = 0; stated < 2; stated++) {
    bins_fill(s, bin, stated ? RADIUS_M : ERROR_M, phase);
    snprintf(style, sizeof style, "1:2 with lines lw %s lc rgb '%s'", stated ? "1.6 dt (8,6)" : "3",
             stated ? phase_dark[phase] : phase_colour[phase]);
    snprintf(title, sizeof title, "%s, 95 %% %s", phase_title[phase], stated ? "stated" : "observed");
    figure_series(f, style, title);
    for (int b = 0; b < BINS; b++) {
      if (bin[b].count >= BIN_LINES_MIN)
        figure_point(f, 2, (b + 0.5) * bin_width_s(s), bin_quantile(&bin[b], stated ? 0.5 : 0.95), 0, 0);
      else if (b && bin[b - 1].count >= BIN_LINES_MIN)
        figure_lift(f);
    }
  }
}

int error_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "position_error", err);
  if (code) return code;
  figure_set(
      &f,
      "set title 'Position error of confirmed tracks: 95 %% observed should follow 95 %% stated'\n"
      "set xlabel 'time since the start of the truth (s)'\nset ylabel 'position error (m)'\nset logscale y\n"
      "set format y '%%g'\n");
  size_t lines[PHASE_COUNT] = {0};
  for (size_t i = 0; i < s->consistency.samples; i++) lines[s->consistency.sample[i].phase]++;
  for (int phase = 0; phase < PHASE_COUNT; phase++) {
    char style[128];
    snprintf(style, sizeof style, "1:2 with points pt 7 ps 0.3 lc rgb '#B0%s'", phase_colour[phase] + 1);
    figure_series(&f, style, ""); /* one dot a line of the track file, in the colour of its curves */
    size_t stride = lines[phase] / PLOT_POINTS_MAX + 1, seen = 0;
    for (size_t i = 0; i < s->consistency.samples; i++)
      if (s->consistency.sample[i].phase == phase && s->consistency.sample[i].error_m > 0 &&
          seen++ % stride == 0)
        figure_point(&f, 2, plot_time_s(s, s->consistency.sample[i].time_ns),
                     s->consistency.sample[i].error_m, 0, 0);
  }
  struct values bin[BINS] = {{0}};
  for (int phase = 0; phase < PHASE_COUNT; phase++)
    if (phase_seen(s, phase)) error_curves(s, &f, bin, phase);
  bins_free(bin);
  return figure_close(&f, err);
}

int nees_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "nees", err);
  if (code) return code;
  figure_set(&f, "set title 'Are the stated covariances honest? (1 is honest, above is overconfident)'\n"
                 "set xlabel 'time since the start of the truth (s)'\nset ylabel 'mean NEES per degree of "
                 "freedom'\nset logscale y\n"
                 "set yrange [0.001<*<0.2:5<*<10000]\nset style fill solid 0.35 noborder\n");
  struct values bin[BINS] = {{0}};
  bool missiles = phase_seen(s, PHASE_BOOST) || phase_seen(s, PHASE_COAST) || phase_seen(s, PHASE_REENTRY);
  bins_fill(s, bin, NEES_POSITION, missiles ? NOT_CRUISE : ALL_PHASES);
  figure_series(&f, "1:2:3 with filledcurves lc rgb '#bbbbbb'",
                missiles ? "95 % band, missiles" : "95 % band");
  for (int b = 0; b < BINS; b++) {
    double n = (double)bin[b].count;
    if (n > 0)
      figure_point(&f, 3, (b + 0.5) * bin_width_s(s), chi2_quantile(0.025, 3 * n) / (3 * n),
                   chi2_quantile(0.975, 3 * n) / (3 * n), 0);
    else if (b && bin[b - 1].count)
      figure_lift(&f);
  }
  for (int phase = 0; phase < PHASE_COUNT; phase++)
    for (int state = 0; state < 2; state++) {
      char style[128], title[64];
      bins_fill(s, bin, state ? NEES_STATE : NEES_POSITION, phase);
      snprintf(style, sizeof style, "1:2 with lines lw %s lc rgb '%s'", state ? "1.2 dt 2" : "2.2",
               phase_colour[phase]);
      snprintf(title, sizeof title, "%s, %s", phase_title[phase], state ? "pos. + velocity" : "position");
      figure_series(&f, style, title);
      for (int b = 0; b < BINS; b++) {
        if (bin[b].count >= BIN_LINES_MIN)
          figure_point(&f, 2, (b + 0.5) * bin_width_s(s), values_mean(&bin[b]), 0, 0);
        else if (b && bin[b - 1].count >= BIN_LINES_MIN)
          figure_lift(&f);
      }
    }
  bins_free(bin);
  return figure_close(&f, err);
}

/* Sums of one phase within the bins of time. */
struct innovation_bin {
  double nis, dof;
  size_t lines;
};

static void innovations_fill(const struct score *s, struct innovation_bin *bin, int phase) {
  for (int b = 0; b < BINS; b++) bin[b] = (struct innovation_bin){0};
  for (size_t i = 0; i < s->consistency.samples; i++) {
    const struct sample *sample = &s->consistency.sample[i];
    const struct track_line *line = &s->tracks.line[sample->line];
    if (sample->phase != phase || !isfinite(line->nis)) continue;
    double at = plot_time_s(s, sample->time_ns) / bin_width_s(s);
    struct innovation_bin *of = &bin[at < 0 ? 0 : at >= BINS ? BINS - 1 : (int)at];
    of->nis += line->nis;
    of->dof += line->nis_dof;
    of->lines++;
  }
}

/* One phase: its band behind (part 0), its curve before it (part 1). */
static void innovations_draw(const struct score *s, struct figure *f, int phase, int part) {
  struct innovation_bin bin[BINS];
  char style[128], title[64] = "";
  innovations_fill(s, bin, phase);
  if (part) {
    snprintf(style, sizeof style, "1:2 with lines lw 2.2 lc rgb '%s'", phase_colour[phase]);
    snprintf(title, sizeof title, "%s", phase_title[phase]);
  } else {
    snprintf(style, sizeof style, "1:2:3 with filledcurves lc rgb '#C0%s'", phase_colour[phase] + 1);
    snprintf(title, sizeof title, "%s, 95 %% band", phase_title[phase]);
  }
  figure_series(f, style, title);
  for (int b = 0; b < BINS; b++) {
    double at_s = (b + 0.5) * bin_width_s(s), dof = bin[b].dof;
    if (bin[b].lines < BIN_LINES_MIN) {
      if (b && bin[b - 1].lines >= BIN_LINES_MIN) figure_lift(f);
    } else if (part) {
      figure_point(f, 2, at_s, bin[b].nis / dof, 0, 0);
    } else {
      figure_point(f, 3, at_s, chi2_quantile(0.025, dof) / dof, chi2_quantile(0.975, dof) / dof, 0);
    }
  }
}

int nis_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "nis", err);
  if (code) return code;
  figure_set(&f,
             "set title 'Are the detections where the tracks expect them? (1 is honest, above is "
             "overconfident)'\n"
             "set xlabel 'time since the start of the truth (s)'\nset ylabel 'NIS per degree of freedom'\n"
             "set logscale y\nset yrange [0.05<*<0.5:2<*<1000] noextend\nset format y '%%g'\n"
             "set ytics add (0.2, 0.5, 2, 5)\nset style fill solid noborder\n");
  for (int part = 0; part < 2; part++)
    for (int phase = 0; phase < PHASE_COUNT; phase++) innovations_draw(s, &f, phase, part);
  return figure_close(&f, err);
}

/* Stated impacts by the time to go; `stated`: the 90 % semi-major axis instead of the error. */
static double impact_bins_fill(const struct score *s, struct values *bin, bool stated) {
  double longest = 1;
  for (size_t n = 0; n < s->consistency.impacts; n++)
    longest = fmax(longest, s->consistency.impact[n].lead_s);
  bins_clear(bin);
  for (size_t n = 0; n < s->consistency.impacts; n++) {
    const struct forecast_sample *sample = &s->consistency.impact[n];
    int b = (int)(fmax(0, sample->lead_s) / longest * BINS);
    double value = stated ? sample->major_m * sqrt(-2 * log(0.1)) : sample->miss_m;
    values_add(&bin[b < BINS ? b : BINS - 1], value / 1000);
  }
  return longest / BINS;
}

int impact_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "impact_error", err);
  if (code) return code;
  figure_set(&f, "set title 'Stated impacts: how far off, and how far off they said they might be'\n"
                 "set xlabel 'time to go until the true impact (s)'\nset ylabel 'distance (km)'\n"
                 "set xrange [0:*] reverse\nset logscale y\nset format y '%%g'\n");
  figure_series(&f, "1:2 with points pt 7 ps 0.3 lc rgb '#B01f77b4'", "each line");
  size_t stride = s->consistency.impacts / PLOT_POINTS_MAX + 1;
  for (size_t n = 0; n < s->consistency.impacts; n += stride) {
    const struct forecast_sample *sample = &s->consistency.impact[n];
    if (sample->miss_m > 0) figure_point(&f, 2, sample->lead_s, sample->miss_m / 1000, 0, 0);
  }
  static const struct {
    const char *style, *title;
    bool stated;
    double quantile;
  } curves[] = {{"1:2 with lines lw 2.5 lc rgb '#08306b'", "error, median", false, 0.5},
                {"1:2 with lines lw 2.5 lc rgb '#d62728'", "error, 90 %", false, 0.9},
                {"1:2 with lines lw 1.8 dt (8,6) lc rgb '#000000'", "90 % region, median", true, 0.5}};
  struct values bin[BINS] = {{0}};
  for (size_t n = 0; n < sizeof curves / sizeof *curves; n++) {
    double width_s = impact_bins_fill(s, bin, curves[n].stated);
    figure_series(&f, curves[n].style, curves[n].title);
    for (int b = 0; b < BINS; b++)
      if (bin[b].count >= BIN_LINES_MIN)
        figure_point(&f, 2, (b + 0.5) * width_s, bin_quantile(&bin[b], curves[n].quantile), 0, 0);
  }
  bins_free(bin);
  return figure_close(&f, err);
}

#include "tools/score/score_plots.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/score/score_chi2.h"
#include "tools/score/score_figure.h"

enum { POINTS_MAX = 20000, CURVE_POINTS_MAX = 400, BINS = 75, BIN_LINES_MIN = 3, ELLIPSE_POINTS = 48 };
enum { ALL_PHASES = -1, NOT_CRUISE = -2 };

static const char *const phase_colour[PHASE_COUNT] = {"#d62728", "#1f77b4", "#ff7f0e", "#2ca02c", "#7f7f7f"};
static const char *const phase_dark[PHASE_COUNT] = {"#670000", "#08306b", "#7a3800", "#00441b", "#252525"};
static const char *const phase_title[PHASE_COUNT] = {"boost", "coast", "re-entry", "cruise", "phase absent"};

static double since_s(const struct score *s, int64_t time_ns) {
  return (double)(time_ns - s->truth.first_ns) * 1e-9;
}

/* Longitudes are drawn within half a turn of the first target's, so that the date line cuts no track. */
static double lon_near(const struct score *s, double lon_deg) {
  double reference = earth_place(s->truth.point[0].position_m).lon_deg;
  return reference + remainder(lon_deg - reference, 360);
}

/* Every n-th point of each target, so that a curve keeps its shape and the file stays small. */
static void truth_draw(const struct score *s, struct figure *f, bool ballistic, bool altitude) {
  for (size_t i = 0; i < s->truth.names.count; i++) {
    const struct truth_target *target = &s->truth.target[i];
    if ((target->class == CLASS_BALLISTIC) != ballistic) continue;
    size_t stride = target->count / CURVE_POINTS_MAX + 1;
    for (size_t k = 0; k < target->count; k++) {
      if (k % stride && k + 1 < target->count) continue;
      const struct truth_point *point = &s->truth.point[target->first + k];
      struct place place = earth_place(point->position_m);
      if (altitude)
        figure_point(f, 2, since_s(s, point->time_ns), place.height_m / 1000, 0, 0);
      else
        figure_point(f, 2, lon_near(s, place.lon_deg), place.lat_deg, 0, 0);
    }
    figure_lift(f);
  }
}

/* Confirmed lines as dots, by the phase that they state. */
static void tracks_draw(const struct score *s, struct figure *f, bool altitude) {
  size_t lines[PHASE_COUNT] = {0};
  for (size_t n = 0; n < s->tracks.line_count; n++) lines[s->tracks.line[n].phase]++;
  static const int order[PHASE_COUNT] = {PHASE_CRUISE, PHASE_ABSENT, PHASE_COAST, PHASE_BOOST, PHASE_REENTRY};
  for (int turn = 0; turn < PHASE_COUNT; turn++) {
    int phase = order[turn]; /* the many aircraft first, so that they hide nothing */
    bool background = phase == PHASE_CRUISE || phase == PHASE_ABSENT;
    char style[128], title[64];
    snprintf(style, sizeof style, "1:2 with points pt 7 ps %s lc rgb '#%s%s'", background ? "0.25" : "0.6",
             background ? "A0" : "00", phase_colour[phase] + 1);
    snprintf(title, sizeof title, "track, %s", phase_title[phase]);
    figure_series(f, style, title);
    size_t stride = lines[phase] / POINTS_MAX + 1, seen = 0;
    for (size_t n = 0; n < s->tracks.line_count; n++) {
      const struct track_line *line = &s->tracks.line[n];
      if (line->status != STATUS_CONFIRMED || line->phase != phase || seen++ % stride) continue;
      struct place place = earth_place(line->position_m);
      if (altitude)
        figure_point(f, 2, since_s(s, line->time_ns), place.height_m / 1000, 0, 0);
      else
        figure_point(f, 2, lon_near(s, place.lon_deg), place.lat_deg, 0, 0);
    }
  }
}

/* The impact that a track stated last at least two minutes ahead, or else first; -1 where it stated none. */
static int32_t impact_choose(const struct tracks *tracks, const struct track *track) {
  const double ahead_s = 120;
  int32_t chosen = -1;
  for (size_t n = 0; n < track->count; n++) {
    const struct track_line *line = &tracks->line[track->first + n];
    if (line->status != STATUS_CONFIRMED || line->impact < 0) continue;
    if (chosen < 0 || (double)(tracks->forecast[line->impact].time_ns - line->time_ns) * 1e-9 >= ahead_s)
      chosen = line->impact;
  }
  return chosen;
}

/* The 90 % region of one stated impact of each track. */
static void ellipses_draw(const struct score *s, struct figure *f) {
  const double scale = sqrt(-2 * log(1 - 0.9)), pi = 3.14159265358979323846, metres_per_deg = 111195;
  figure_series(f, "1:2 with lines lw 1.5 lc rgb '#c51b8a'", "impact 2 min ahead, 90 %");
  for (size_t j = 0; j < s->tracks.names.count; j++) {
    int32_t last = impact_choose(&s->tracks, &s->tracks.track[j]);
    if (last < 0) continue;
    const struct forecast *impact = &s->tracks.forecast[last];
    if (!(impact->semi_major_m > 0) || !isfinite(impact->orientation_deg)) continue;
    double turn = impact->orientation_deg * pi / 180;
    for (int k = 0; k <= ELLIPSE_POINTS; k++) {
      double a = 2 * pi * k / ELLIPSE_POINTS;
      double along = scale * impact->semi_major_m * cos(a), across = scale * impact->semi_minor_m * sin(a);
      double east = along * sin(turn) + across * cos(turn), north = along * cos(turn) - across * sin(turn);
      double lat = impact->place.lat_deg;
      figure_point(f, 2, lon_near(s, impact->place.lon_deg + east / (metres_per_deg * cos(lat * pi / 180))),
                   lat + north / metres_per_deg, 0, 0);
    }
    figure_lift(f);
  }
}

static void marks_draw(const struct score *s, struct figure *f) {
  figure_series(f, "1:2 with points pt 9 ps 1.4 lc rgb '#000000'", "true launch");
  for (size_t i = 0; i < s->truth.names.count; i++)
    if (s->truth.target[i].launch_known)
      figure_point(f, 2, lon_near(s, s->truth.target[i].launch.lon_deg), s->truth.target[i].launch.lat_deg, 0,
                   0);
  figure_series(f, "1:2 with points pt 2 ps 1.4 lw 2 lc rgb '#000000'", "true impact");
  for (size_t i = 0; i < s->truth.names.count; i++)
    if (s->truth.target[i].impact_known)
      figure_point(f, 2, lon_near(s, s->truth.target[i].impact.lon_deg), s->truth.target[i].impact.lat_deg, 0,
                   0);
}

/* Ranges that hold the truth with a margin and fill a canvas of 4 : 3 at equal scale north and east. */
static void ground_frame(const struct score *s, struct figure *f) {
  double west = 1e9, east = -1e9, south = 1e9, north = -1e9;
  for (size_t k = 0; k < s->truth.point_count; k++) {
    struct place place = earth_place(s->truth.point[k].position_m);
    double lon = lon_near(s, place.lon_deg);
    west = fmin(west, lon);
    east = fmax(east, lon);
    south = fmin(south, place.lat_deg);
    north = fmax(north, place.lat_deg);
  }
  double shrink = fmax(0.05, cos((south + north) / 2 * 3.14159265358979323846 / 180));
  double wide = fmax((east - west) * shrink * 1.12, 0.05), high = fmax((north - south) * 1.12, 0.05);
  wide = fmax(wide, high * 1.22);
  high = fmax(high, wide / 1.22);
  double lon = (west + east) / 2, lat = (south + north) / 2;
  figure_set(f, "set xrange [%.6f:%.6f]\nset yrange [%.6f:%.6f]\nset size ratio %.5f\n",
             lon - wide / shrink / 2, lon + wide / shrink / 2, lat - high / 2, lat + high / 2, -1 / shrink);
}

static int ground_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "ground_tracks", err);
  if (code) return code;
  figure_set(&f, "set title 'Ground tracks: what flew (lines) and what weft said (dots)'\n"
                 "set xlabel 'longitude (degrees east)'\nset ylabel 'latitude (degrees north)'\n");
  ground_frame(s, &f);
  figure_series(&f, "1:2 with lines lw 0.7 lc rgb '#d0d0d0'", "truth, others");
  truth_draw(s, &f, false, false);
  tracks_draw(s, &f, false);
  figure_series(&f, "1:2 with lines lw 1 lc rgb '#333333'", "truth, ballistic");
  truth_draw(s, &f, true, false);
  ellipses_draw(s, &f);
  marks_draw(s, &f);
  return figure_close(&f, err);
}

static int altitude_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "altitude", err);
  if (code) return code;
  figure_set(&f, "set title 'Altitude: what flew (lines) and what weft said (dots)'\n"
                 "set xlabel 'time since the start of the truth (s)'\nset ylabel 'height above the ellipsoid "
                 "(km)'\nset yrange [0:*]\n");
  figure_series(&f, "1:2 with lines lw 0.7 lc rgb '#d0d0d0'", "truth, others");
  truth_draw(s, &f, false, true);
  tracks_draw(s, &f, true);
  figure_series(&f, "1:2 with lines lw 1 lc rgb '#333333'", "truth, ballistic");
  truth_draw(s, &f, true, true);
  return figure_close(&f, err);
}

/* Figures of the confirmed lines of one phase within one bin of time. */
struct bin {
  double *value;
  size_t count, capacity;
};

static int real_order(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void bin_add(struct bin *bin, double value) {
  if (!isfinite(value)) return;
  bin->value = score_grow(bin->value, bin->count, &bin->capacity, sizeof *bin->value);
  bin->value[bin->count++] = value;
}

static void bins_clear(struct bin *bin) {
  for (int b = 0; b < BINS; b++) bin[b].count = 0;
}

static void bins_free(struct bin *bin) {
  for (int b = 0; b < BINS; b++) free(bin[b].value);
}

static double bin_quantile(struct bin *bin, double p) {
  qsort(bin->value, bin->count, sizeof *bin->value, real_order);
  return bin->value[(size_t)(p * (double)(bin->count - 1) + 0.5)];
}

static double bin_mean(const struct bin *bin) {
  double sum = 0;
  for (size_t i = 0; i < bin->count; i++) sum += bin->value[i];
  return sum / (double)bin->count;
}

static double bin_width_s(const struct score *s) {
  return fmax(1, since_s(s, s->truth.last_ns) / BINS);
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
static void bins_fill(const struct score *s, struct bin *bin, enum quantity quantity, int phase) {
  bins_clear(bin);
  for (size_t i = 0; i < s->consistency.samples; i++) {
    const struct sample *sample = &s->consistency.sample[i];
    if (phase >= 0 ? sample->phase != phase : phase == NOT_CRUISE && sample->phase == PHASE_CRUISE) continue;
    double at = since_s(s, sample->time_ns) / bin_width_s(s);
    bin_add(&bin[at < 0 ? 0 : at >= BINS ? BINS - 1 : (int)at], sample_quantity(sample, quantity));
  }
}

static bool phase_seen(const struct score *s, int phase) {
  for (size_t i = 0; i < s->consistency.samples; i++)
    if (s->consistency.sample[i].phase == phase) return true;
  return false;
}

static void error_curves(const struct score *s, struct figure *f, struct bin *bin, int phase) {
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

static int error_plot(const struct score *s, const char *directory, struct weft_error *err) {
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
    size_t stride = lines[phase] / POINTS_MAX + 1, seen = 0;
    for (size_t i = 0; i < s->consistency.samples; i++)
      if (s->consistency.sample[i].phase == phase && s->consistency.sample[i].error_m > 0 &&
          seen++ % stride == 0)
        figure_point(&f, 2, since_s(s, s->consistency.sample[i].time_ns), s->consistency.sample[i].error_m, 0,
                     0);
  }
  struct bin bin[BINS] = {{0}};
  for (int phase = 0; phase < PHASE_COUNT; phase++)
    if (phase_seen(s, phase)) error_curves(s, &f, bin, phase);
  bins_free(bin);
  return figure_close(&f, err);
}

static int nees_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "nees", err);
  if (code) return code;
  figure_set(&f, "set title 'Are the stated covariances honest? (1 is honest, above is overconfident)'\n"
                 "set xlabel 'time since the start of the truth (s)'\nset ylabel 'mean NEES per degree of "
                 "freedom'\nset logscale y\n"
                 "set yrange [0.001<*<0.2:5<*<10000]\nset style fill solid 0.35 noborder\n");
  struct bin bin[BINS] = {{0}};
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
          figure_point(&f, 2, (b + 0.5) * bin_width_s(s), bin_mean(&bin[b]), 0, 0);
        else if (b && bin[b - 1].count >= BIN_LINES_MIN)
          figure_lift(&f);
      }
    }
  bins_free(bin);
  return figure_close(&f, err);
}

static int gospa_plot(const struct score *s, const char *directory, struct weft_error *err) {
  struct figure f;
  int code = figure_open(&f, directory, "gospa", err);
  if (code) return code;
  figure_set(&f,
             "set title 'GOSPA (p 2, alpha 2, cutoff %.0f m): the squares of the parts add up to the total "
             "squared'\n"
             "set xlabel 'time since the start of the truth (s)'\nset ylabel 'distance between picture and "
             "truth (km)'\nset yrange [0:*]\n",
             s->run.options.cutoff_m);
  static const char *const titles[4] = {"total", "localisation", "missed targets", "false tracks"};
  static const char *const styles[4] = {
      "1:2 with lines lw 2.5 lc rgb '#000000'", "1:2 with lines lw 2 lc rgb '#1f77b4'",
      "1:2 with lines lw 2 lc rgb '#d62728'", "1:2 with lines lw 2 lc rgb '#ff7f0e'"};
  for (int part = 0; part < 4; part++) {
    figure_series(&f, styles[part], titles[part]);
    for (size_t k = 0; k < s->run.instants; k++) {
      const struct gospa *g = &s->run.instant[k].gospa;
      const double value[4] = {g->total_m, g->localisation_m, g->missed_m, g->false_m};
      figure_point(&f, 2, since_s(s, s->run.instant[k].time_ns), value[part] / 1000, 0, 0);
    }
  }
  return figure_close(&f, err);
}

static int counts_plot(const struct score *s, const char *directory, struct weft_error *err) {
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
      figure_point(&f, 2, since_s(s, at->time_ns), value[part], 0, 0);
    }
  }
  return figure_close(&f, err);
}

/* Eight bars to the factor of ten, from 1 us to 100 s. */
static int latency_plot(const struct score *s, const char *directory, struct weft_error *err) {
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

int plots_write(const struct score *score, const char *directory, struct weft_error *err) {
  if (strlen(directory) > 500)
    return weft_fail(err, -ENAMETOOLONG, "--plots: the folder's path is too long: 500 characters at most");
  if (mkdir(directory, 0777) && errno != EEXIST)
    return weft_fail(err, -errno, "%s: can't be made: %s; give a folder in one that exists", directory,
                     strerror(errno));
  typedef int plot(const struct score *, const char *, struct weft_error *);
  static plot *const plots[] = {ground_plot, altitude_plot, error_plot,  nees_plot,
                                gospa_plot,  counts_plot,   latency_plot};
  int code = 0;
  for (size_t i = 0; i < sizeof plots / sizeof *plots && !code; i++) code = plots[i](score, directory, err);
  return code;
}

#include "tools/score/score_plots.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/score/score_plots_parts.h"

enum { CURVE_POINTS_MAX = 400, ELLIPSE_POINTS = 48 };

const char *const phase_colour[PHASE_COUNT] = {"#d62728", "#1f77b4", "#ff7f0e", "#2ca02c", "#7f7f7f"};
const char *const phase_title[PHASE_COUNT] = {"boost", "coast", "re-entry", "cruise", "phase absent"};

double plot_time_s(const struct score *s, int64_t time_ns) {
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
        figure_point(f, 2, plot_time_s(s, point->time_ns), place.height_m / 1000, 0, 0);
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
    size_t stride = lines[phase] / PLOT_POINTS_MAX + 1, seen = 0;
    for (size_t n = 0; n < s->tracks.line_count; n++) {
      const struct track_line *line = &s->tracks.line[n];
      if (line->status != STATUS_CONFIRMED || line->phase != phase || seen++ % stride) continue;
      struct place place = earth_place(line->position_m);
      if (altitude)
        figure_point(f, 2, plot_time_s(s, line->time_ns), place.height_m / 1000, 0, 0);
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

int plots_write(const struct score *score, const char *directory, struct weft_error *err) {
  if (strlen(directory) > 500)
    return weft_fail(err, -ENAMETOOLONG, "--plots: the folder's path is too long: 500 characters at most");
  if (mkdir(directory, 0777) && errno != EEXIST)
    return weft_fail(err, -errno, "%s: can't be made: %s; give a folder in one that exists", directory,
                     strerror(errno));
  typedef int plot(const struct score *, const char *, struct weft_error *);
  static plot *const plots[] = {ground_plot,        altitude_plot, error_plot,  nees_plot,
                                nis_plot,           gospa_plot,    ospa2_plot,  siap_plot,
                                siap_accuracy_plot, impact_plot,   counts_plot, latency_plot};
  int code = 0;
  for (size_t i = 0; i < sizeof plots / sizeof *plots && !code; i++) code = plots[i](score, directory, err);
  return code;
}

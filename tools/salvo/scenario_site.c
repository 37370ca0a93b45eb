/* The site configuration that belongs to a scenario. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/salvo/scenario.h"

static void sigma_write(FILE *out, const struct gauge *gauge) {
  const double *s = gauge->sigma;
  fprintf(out, "    sigma: {");
  switch (gauge->kind) {
  case GAUGE_RADAR:
    fprintf(out, "range_m: %.10g, azimuth_rad: %.10g, elevation_rad: %.10g", s[0], s[1], s[2]);
    if (s[3] > 0) fprintf(out, ", range_rate_mps: %.10g", s[3]);
    break;
  case GAUGE_RADAR2D:
    fprintf(out, "range_m: %.10g, azimuth_rad: %.10g", s[0], s[1]);
    if (s[2] > 0) fprintf(out, ", height_m: %.10g", s[2]);
    break;
  case GAUGE_LOS: fprintf(out, "azimuth_rad: %.10g, elevation_rad: %.10g", s[1], s[2]); break;
  default: fprintf(out, "x_m: %.10g", s[0]); break;
  }
  fprintf(out, "}\n");
}

static void gauge_write(FILE *out, const struct gauge *gauge) {
  fprintf(out, "  - id: %u\n    name: %s\n    nation: %s\n    kind: %s\n", gauge->id, gauge->name, gauge->nation,
          gauge_kind_names[gauge->kind]);
  if (gauge->kind == GAUGE_LOS) fprintf(out, "    frame: %s\n", gauge->frame_ecef ? "ecef" : "local");
  fprintf(out, "    position: {lat_deg: %.10g, lon_deg: %.10g, height_m: %.10g}\n", gauge->lat_deg, gauge->lon_deg,
          gauge->height_m);
  fprintf(out, "    revisit_s: %.10g\n", gauge->revisit_s);
  sigma_write(out, gauge);
  const double *cell = gauge->resolution;
  if (cell[1] > 0) {
    fprintf(out, "    resolution: {");
    if (gauge->kind != GAUGE_LOS) fprintf(out, "range_m: %.10g, ", cell[0]);
    fprintf(out, "azimuth_rad: %.10g", cell[1]);
    if (gauge->kind != GAUGE_RADAR2D) fprintf(out, ", elevation_rad: %.10g", cell[2]);
    fprintf(out, "}\n");
  }
  if (gauge->registered)
    fprintf(out, "    registration: {range_m: %.10g, azimuth_rad: %.10g, elevation_rad: %.10g, time_s: %.10g}\n",
            gauge->bias[0], gauge->bias[1], gauge->bias[2], gauge->bias_time_s);
  /* A filter must never believe in certainty: the configuration admits neither 0 nor 1. */
  fprintf(out, "    detection_probability: %.10g\n    clutter_per_scan: %.10g\n    coverage: {",
          fmax(0.001, fmin(0.999, gauge->detection_probability)), fmax(1e-6, gauge->clutter_per_scan));
  if (gauge->kind != GAUGE_LOS) fprintf(out, "range_m: [%.10g, %.10g], ", gauge->range_m[0], gauge->range_m[1]);
  fprintf(out, "azimuth_deg: [%.10g, %.10g], elevation_deg: [%.10g, %.10g]}\n", gauge->azimuth_deg[0],
          gauge->azimuth_deg[1], gauge->elevation_deg[0], gauge->elevation_deg[1]);
}

bool scenario_key_path(const struct scenario *scenario, uint32_t id, char path[SCENARIO_PATH_MAX]) {
  if (!scenario->keys) return false;
  int length = snprintf(path, SCENARIO_PATH_MAX, "%s/%u.key", scenario->keys, id);
  return length < SCENARIO_PATH_MAX && access(path, F_OK) == 0;
}

static void key_write(FILE *out, const struct scenario *scenario, const struct gauge *gauge) {
  char path[SCENARIO_PATH_MAX];
  if (!scenario_key_path(scenario, gauge->id, path)) return;
  fprintf(out, "    key: '");
  for (const char *c = path; *c; c++) fprintf(out, *c == '\'' ? "''" : "%c", *c);
  fprintf(out, "'\n");
}

void scenario_site_print(const struct scenario *scenario, FILE *out) {
  fprintf(out, "# Site configuration of the scenario %s, written by `weft salvo --site`.\n", scenario->name);
  fprintf(out, "centre: %s\nexercise: %s\ntime: %s\n", scenario->centre, scenario->exercise ? "true" : "false",
          scenario->time_live ? "live" : "recorded");
  fprintf(out,
          "listen: {detections: \"127.0.0.1:0\", tracks: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}\nsensors:\n");
  for (int i = 0; i < scenario->gauge_count; i++) {
    gauge_write(out, &scenario->gauges[i]);
    key_write(out, scenario, &scenario->gauges[i]);
  }
}

int scenario_site_write(const struct scenario *scenario, const char *path, struct weft_error *err) {
  FILE *out = fopen(path, "w");
  if (!out) return weft_fail(err, -errno, "%s: %s; choose a file that can be written", path, strerror(errno));
  scenario_site_print(scenario, out);
  int failed = ferror(out);
  if (fclose(out) || failed) return weft_fail(err, -EIO, "%s: could not be written whole; is the disk full?", path);
  return 0;
}

/* The `sensors` of a scenario. */
#include <string.h>

#include "engine/base/yaml_doc.h"
#include "tools/salvo/scenario.h"

const char *const gauge_kind_names[5] = {"", "radar", "radar2d", "los", "position"};

static void sigma_read(struct yaml_doc *doc, int node, struct gauge *gauge) {
  static const char *const keys[5][4] = {{NULL},
                                         {"range_m", "azimuth_rad", "elevation_rad", "range_rate_mps"},
                                         {"range_m", "azimuth_rad", "height_m", NULL},
                                         {NULL, "azimuth_rad", "elevation_rad", NULL},
                                         {"x_m", NULL, NULL, NULL}};
  int sigma = yaml_doc_mapping(doc, node, "sigma", YAML_REQUIRED);
  for (int i = 0; i < 4; i++) {
    if (!keys[gauge->kind][i]) continue;
    bool optional = i == 3 || (gauge->kind == GAUGE_RADAR2D && i == 2);
    yaml_doc_double(doc, sigma, keys[gauge->kind][i], optional ? YAML_OPTIONAL : YAML_REQUIRED, optional ? 0 : 1e-9,
                    1e6, &gauge->sigma[i]);
  }
  yaml_doc_finish_mapping(doc, sigma);
}

/* The same quantities as the site configuration takes: what the kind measures. */
static void resolution_read(struct yaml_doc *doc, int node, struct gauge *gauge) {
  if (gauge->kind == GAUGE_POSITION) return;
  int cell = yaml_doc_mapping(doc, node, "resolution", YAML_OPTIONAL);
  if (gauge->kind != GAUGE_LOS)
    yaml_doc_double(doc, cell, "range_m", YAML_REQUIRED, 1e-3, 1e6, &gauge->resolution[0]);
  yaml_doc_double(doc, cell, "azimuth_rad", YAML_REQUIRED, 1e-8, 1, &gauge->resolution[1]);
  if (gauge->kind != GAUGE_RADAR2D)
    yaml_doc_double(doc, cell, "elevation_rad", YAML_REQUIRED, 1e-8, 1, &gauge->resolution[2]);
  yaml_doc_finish_mapping(doc, cell);
}

static void place_read(struct yaml_doc *doc, int node, struct gauge *gauge) {
  int position = yaml_doc_mapping(doc, node, "position", YAML_REQUIRED);
  yaml_doc_double(doc, position, "lat_deg", YAML_REQUIRED, -90, 90, &gauge->lat_deg);
  yaml_doc_double(doc, position, "lon_deg", YAML_REQUIRED, -180, 180, &gauge->lon_deg);
  yaml_doc_double(doc, position, "height_m", YAML_REQUIRED, -500, 1e8, &gauge->height_m);
  yaml_doc_finish_mapping(doc, position);
  int motion = yaml_doc_mapping(doc, node, "motion", YAML_OPTIONAL);
  if (!motion) return;
  gauge->moving = true;
  gauge->state_interval_s = 1;
  yaml_doc_double(doc, motion, "course_deg", YAML_REQUIRED, 0, 360, &gauge->course_deg);
  yaml_doc_double(doc, motion, "speed_mps", YAML_REQUIRED, 0, 100, &gauge->speed_mps);
  yaml_doc_double(doc, motion, "state_interval_s", YAML_OPTIONAL, 0.1, 60, &gauge->state_interval_s);
  yaml_doc_finish_mapping(doc, motion);
}

static void coverage_read(struct yaml_doc *doc, int node, struct gauge *gauge) {
  int coverage = yaml_doc_mapping(doc, node, "coverage", YAML_OPTIONAL);
  yaml_doc_pair(doc, coverage, "range_m", YAML_OPTIONAL, 0, 1e8, gauge->range_m);
  yaml_doc_pair(doc, coverage, "azimuth_deg", YAML_OPTIONAL, 0, 360, gauge->azimuth_deg);
  yaml_doc_pair(doc, coverage, "elevation_deg", YAML_OPTIONAL, -90, 90, gauge->elevation_deg);
  if (gauge->range_m[0] >= gauge->range_m[1] || gauge->elevation_deg[0] >= gauge->elevation_deg[1])
    yaml_doc_fail(doc, node, "coverage", "the first of range_m and elevation_deg must be the smaller; swap them");
  yaml_doc_finish_mapping(doc, coverage);
}

static void faults_read(struct yaml_doc *doc, int node, struct gauge *gauge) {
  yaml_doc_double(doc, node, "detection_probability", YAML_OPTIONAL, 0, 1, &gauge->detection_probability);
  yaml_doc_double(doc, node, "clutter_per_scan", YAML_OPTIONAL, 0, 10000, &gauge->clutter_per_scan);
  yaml_doc_double(doc, node, "clutter_rate_mps", YAML_OPTIONAL, 0, 20000, &gauge->clutter_rate_mps);
  int burst = yaml_doc_mapping(doc, node, "burst", YAML_OPTIONAL);
  yaml_doc_double(doc, burst, "per_hour", YAML_REQUIRED, 0, 3600, &gauge->burst_per_hour);
  yaml_doc_double(doc, burst, "duration_s", YAML_REQUIRED, 0.01, 3600, &gauge->burst_duration_s);
  yaml_doc_double(doc, burst, "multiplier", YAML_REQUIRED, 1, 1000, &gauge->burst_multiplier);
  yaml_doc_finish_mapping(doc, burst);
  int delay = yaml_doc_mapping(doc, node, "delay", YAML_OPTIONAL);
  yaml_doc_double(doc, delay, "constant_s", YAML_OPTIONAL, 0, 60, &gauge->delay_s);
  yaml_doc_double(doc, delay, "jitter_s", YAML_OPTIONAL, 0, 60, &gauge->jitter_s);
  yaml_doc_finish_mapping(doc, delay);
  int bias = yaml_doc_mapping(doc, node, "bias", YAML_OPTIONAL);
  yaml_doc_double(doc, bias, "range_m", YAML_OPTIONAL, -1e5, 1e5, &gauge->bias[0]);
  yaml_doc_double(doc, bias, "azimuth_rad", YAML_OPTIONAL, -1, 1, &gauge->bias[1]);
  yaml_doc_double(doc, bias, "elevation_rad", YAML_OPTIONAL, -1, 1, &gauge->bias[2]);
  yaml_doc_double(doc, bias, "time_s", YAML_OPTIONAL, -60, 60, &gauge->bias_time_s);
  yaml_doc_finish_mapping(doc, bias);
  yaml_doc_bool(doc, node, "registered", YAML_OPTIONAL, &gauge->registered);
}

/* `sees`: a list of classes. A secondary radar, which asks transponders, sees aircraft alone. */
static void sees_read(struct yaml_doc *doc, int node, struct gauge *gauge) {
  static const char *const classes[] = {"ballistic", "aircraft", "orbital"};
  int list = yaml_doc_sequence(doc, node, "sees", YAML_OPTIONAL, 3);
  gauge->sees = list ? 0 : 7;
  for (int i = 0; i < yaml_doc_item_count(doc, list); i++) {
    char text[16] = "";
    int at = 0;
    if (yaml_doc_item_string(doc, list, i, text, sizeof text) < 0) return;
    while (at < 3 && strcmp(classes[at], text) != 0) at++;
    if (at == 3)
      yaml_doc_fail(doc, node, "sees", "%s is no class; use ballistic, aircraft or orbital", text);
    else
      gauge->sees |= 1u << at;
  }
}

void scenario_gauge_read(struct yaml_doc *doc, int node, struct gauge *gauge) {
  static const char *const scans[] = {"staring", "rotating"}, *const frames[] = {"local", "ecef"};
  int64_t id = 0;
  int kind = 0, scan = 0, frame = 0;
  memset(gauge, 0, sizeof *gauge);
  yaml_doc_int(doc, node, "id", YAML_REQUIRED, 1, UINT32_MAX, &id);
  gauge->id = (uint32_t)id;
  yaml_doc_string(doc, node, "name", YAML_REQUIRED, gauge->name, sizeof gauge->name);
  yaml_doc_string(doc, node, "nation", YAML_REQUIRED, gauge->nation, sizeof gauge->nation);
  yaml_doc_enum(doc, node, "kind", YAML_REQUIRED, gauge_kind_names + 1, 4, &kind);
  gauge->kind = kind + 1;
  yaml_doc_enum(doc, node, "frame", YAML_OPTIONAL, frames, 2, &frame);
  gauge->frame_ecef = frame == 1;
  if (gauge->frame_ecef && gauge->kind != GAUGE_LOS)
    yaml_doc_fail(doc, node, "frame", "only a los sensor may have ecef; leave it out");
  place_read(doc, node, gauge);
  yaml_doc_enum(doc, node, "scan", YAML_OPTIONAL, scans, 2, &scan);
  gauge->rotating = scan == 1;
  yaml_doc_double(doc, node, "revisit_s", YAML_REQUIRED, 0.01, 3600, &gauge->revisit_s);
  yaml_doc_double(doc, node, "phase_s", YAML_OPTIONAL, 0, 3600, &gauge->phase_s);
  gauge->detection_probability = 0.9;
  gauge->clutter_rate_mps = 2000;
  gauge->range_m[1] = gauge->kind == GAUGE_LOS ? 1e8 : 2e6;
  gauge->azimuth_deg[1] = 360;
  gauge->elevation_deg[0] = gauge->kind == GAUGE_RADAR || gauge->kind == GAUGE_RADAR2D ? 0 : -90;
  gauge->elevation_deg[1] = 90;
  sees_read(doc, node, gauge);
  sigma_read(doc, node, gauge);
  resolution_read(doc, node, gauge);
  coverage_read(doc, node, gauge);
  faults_read(doc, node, gauge);
  gauge->boost_only = gauge->kind == GAUGE_LOS;
  gauge->cloud_m = gauge->kind == GAUGE_LOS ? 10000 : -1e9;
  yaml_doc_bool(doc, node, "boost_only", YAML_OPTIONAL, &gauge->boost_only);
  yaml_doc_double(doc, node, "cloud_m", YAML_OPTIONAL, -1e9, 1e6, &gauge->cloud_m);
  yaml_doc_finish_mapping(doc, node);
}

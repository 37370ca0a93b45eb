/* weft inspect on a site configuration: one object with every default filled in. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/yaml_doc.h"
#include "engine/engine.h"
#include "engine/ingest/config.h"
#include "engine/inspect/inspect.h"

static void seconds_put(struct inspect *inspect, const char *key, int64_t value_ns, double unit_ns) {
  inspect_number(inspect, key, (double)value_ns / unit_ns);
}

static void listen_put(struct inspect *inspect, const char *key, const struct listen_address *address) {
  char text[96];
  bool bracket = false;
  for (const char *c = address->host; *c; c++) bracket |= *c == ':';
  snprintf(text, sizeof text, bracket ? "[%s]:%u" : "%s:%u", address->host, address->port);
  if (address->enabled) inspect_string(inspect, key, text);
}

static void sigma_put(struct inspect *inspect, const struct sensor *sensor) {
  const double *sigma = sensor->sigma;
  bool ranging = sensor->kind == KIND_RADAR || sensor->kind == KIND_RADAR2D;
  inspect_open(inspect, "sigma");
  if (sensor->kind == KIND_POSITION) inspect_number(inspect, "x_m", sigma[MEASURE_X]);
  if (ranging) inspect_number(inspect, "range_m", sigma[MEASURE_RANGE]);
  if (sensor->kind != KIND_POSITION) inspect_number(inspect, "azimuth_rad", sigma[MEASURE_AZIMUTH]);
  if (sensor->kind == KIND_RADAR || sensor->kind == KIND_LOS)
    inspect_number(inspect, "elevation_rad", sigma[MEASURE_ELEVATION]);
  if (sensor->kind == KIND_RADAR2D) inspect_number(inspect, "height_m", sigma[MEASURE_HEIGHT]);
  if (ranging && sigma[MEASURE_RANGE_RATE] > 0)
    inspect_number(inspect, "range_rate_mps", sigma[MEASURE_RANGE_RATE]);
  inspect_close(inspect);
}

static void sensor_put(struct inspect *inspect, const struct sensor *sensor) {
  inspect_u64(inspect, "id", sensor->id);
  inspect_string(inspect, "name", sensor->name);
  inspect_string(inspect, "nation", sensor->nation);
  inspect_string(inspect, "kind", inspect_kind_names[sensor->kind]);
  inspect_string(inspect, "frame", sensor->frame == LOS_FRAME_ECEF ? "ecef" : "local");
  inspect_open(inspect, "position");
  inspect_number(inspect, "lat_deg", sensor->lat_deg);
  inspect_number(inspect, "lon_deg", sensor->lon_deg);
  inspect_number(inspect, "height_m", sensor->height_m);
  inspect_close(inspect);
  inspect_numbers(inspect, "position_ecef_m", sensor->position_m, 3);
  inspect_number(inspect, "revisit_s", sensor->revisit_s);
  sigma_put(inspect, sensor);
  if (sensor->resolution[MEASURE_AZIMUTH] > 0) {
    inspect_open(inspect, "resolution");
    if (sensor->kind != KIND_LOS) inspect_number(inspect, "range_m", sensor->resolution[MEASURE_RANGE]);
    inspect_number(inspect, "azimuth_rad", sensor->resolution[MEASURE_AZIMUTH]);
    if (sensor->kind != KIND_RADAR2D)
      inspect_number(inspect, "elevation_rad", sensor->resolution[MEASURE_ELEVATION]);
    inspect_close(inspect);
  }
  inspect_open(inspect, "registration");
  inspect_number(inspect, "range_m", sensor->registration[MEASURE_RANGE]);
  inspect_number(inspect, "azimuth_rad", sensor->registration[MEASURE_AZIMUTH]);
  inspect_number(inspect, "elevation_rad", sensor->registration[MEASURE_ELEVATION]);
  inspect_number(inspect, "time_s", sensor->registration_time_s);
  inspect_close(inspect);
  inspect_number(inspect, "detection_probability", sensor->detection_probability);
  inspect_number(inspect, "clutter_per_scan", sensor->clutter_per_scan);
  if (sensor->budget_per_s > 0) inspect_number(inspect, "budget_per_s", sensor->budget_per_s);
  inspect_open(inspect, "coverage");
  inspect_numbers(inspect, "range_m", sensor->coverage_range_m, 2);
  inspect_numbers(inspect, "azimuth_deg", sensor->coverage_azimuth_deg, 2);
  inspect_numbers(inspect, "elevation_deg", sensor->coverage_elevation_deg, 2);
  inspect_close(inspect);
  if (sensor->has_asterix) {
    inspect_open(inspect, "asterix");
    inspect_u64(inspect, "sac", sensor->sac);
    inspect_u64(inspect, "sic", sensor->sic);
    inspect_close(inspect);
  }
  if (sensor->key_path[0]) inspect_string(inspect, "key", sensor->key_path);
}

static void site_put(struct inspect *inspect, const struct site *site) {
  inspect_begin(inspect);
  inspect_string(inspect, "record", "site");
  inspect_string(inspect, "centre", site->centre);
  inspect_bool(inspect, "exercise", site->exercise);
  inspect_string(inspect, "time", site->time == SITE_TIME_LIVE ? "live" : "recorded");
  inspect_string(inspect, "association", site->association == ASSOCIATION_SOFT ? "soft" : "nearest");
  seconds_put(inspect, "stale_s", site->stale_ns, 1e9);
  seconds_put(inspect, "future_s", site->future_ns, 1e9);
  seconds_put(inspect, "lag_s", site->lag_ns, 1e9);
  seconds_put(inspect, "frame_limit_ms", site->frame_limit_ns, 1e6);
  seconds_put(inspect, "latency_limit_ms", site->latency_limit_ns, 1e6);
  inspect_open(inspect, "listen");
  listen_put(inspect, "detections", &site->listen_detections);
  listen_put(inspect, "asterix", &site->listen_asterix);
  listen_put(inspect, "tracks", &site->listen_tracks);
  listen_put(inspect, "metrics", &site->listen_metrics);
  listen_put(inspect, "standby", &site->listen_standby);
  inspect_close(inspect);
  if (site->journal_directory[0]) {
    inspect_open(inspect, "journal");
    inspect_string(inspect, "directory", site->journal_directory);
    inspect_u64(inspect, "segment_mib", site->journal_segment_mib);
    inspect_close(inspect);
  }
  if (site->regions_path[0]) inspect_string(inspect, "regions", site->regions_path);
  if (site->replay_marks_path[0]) inspect_string(inspect, "replay_marks", site->replay_marks_path);
  inspect_key(inspect, "sensors");
  for (uint32_t s = 0; s < site->sensor_count; s++) {
    text_put(&inspect->text, s ? ",{" : "[{");
    inspect->first = true;
    sensor_put(inspect, &site->sensors[s]);
    text_char(&inspect->text, '}');
  }
  text_put(&inspect->text, site->sensor_count ? "]" : "[]");
  inspect->first = false;
  inspect_end(inspect);
}

/* Lines that only a scenario of `weft salvo` begins with. */
static bool scenario_is(const char *text) {
  static const char *const keys[] = {"salvos:", "fleets:", "include:"};
  for (const char *line = text; line; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    for (int i = 0; i < 3; i++) {
      if (strncmp(line, keys[i], strlen(keys[i])) == 0) return true;
    }
  }
  return false;
}

int inspect_site(struct inspect *inspect, struct weft_error *err) {
  char *text;
  size_t size;
  struct site *site;
  int rc = inspect_text_read(inspect, YAML_DOC_BYTES_MAX, &text, &size, err);
  if (rc < 0) return rc;
  rc = engine_site_parse(text, size, inspect->name, &site, err);
  if (rc < 0 && scenario_is(text)) {
    weft_fail(err, rc, "%s: seems to be a scenario; `weft salvo %s --list` shows its targets", inspect->name,
              inspect->name);
  }
  free(text);
  if (rc < 0) return rc;
  site_put(inspect, site);
  site_free(site);
  free(site);
  return 0;
}

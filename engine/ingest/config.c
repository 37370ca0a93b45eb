#include "engine/ingest/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/address.h"
#include "engine/base/yaml_doc.h"
#include "engine/domain/detection.h"
#include "kernels/wk.h"

static const char *const kind_names[] = {"radar", "radar2d", "los", "position"}; /* enum detection_kind from 1 */
static const char *const frame_names[] = {"local", "ecef"};                      /* enum los_frame */
static const char *const time_names[] = {"live", "recorded"};                    /* enum site_time */

static const char *const association_names[] = {"soft", "nearest"};              /* enum site_association */

static const double RADIANS_PER_DEGREE = 0x1.1df46a2529d39p-6; /* pi / 180 */
static const double RANGE_MAX_M = 1e8;
static const double RADAR_RANGE_MAX_M = 1e7; /* default coverage */
static const double HEIGHT_MIN_M = -500, HEIGHT_MAX_M = 1e8;
static const double SIGMA_LENGTH_MIN_M = 1e-3, SIGMA_LENGTH_MAX_M = 1e6;
static const double SIGMA_ANGLE_MIN_RAD = 1e-8, SIGMA_ANGLE_MAX_RAD = 1;
static const double SIGMA_HEIGHT_DEFAULT_M = 40;
static const int64_t RESUME_LIVE_NS = 60000000000;
#define LATENCY_LIVE_NS INT64_C(200000000)
static const double BUDGET_MIN_PER_S = 1, BUDGET_MAX_PER_S = 1e8;
/* What a sensor may bring in a revisit unless the site says otherwise: so many targets, and its clutter so many times. */
static const double BUDGET_TARGETS = 10000, BUDGET_CLUTTER = 4;

/* Names end up in track lines and metrics: text without control characters. */
static void name_read(struct yaml_doc *doc, int mapping, const char *key, char *name) {
  if (yaml_doc_string(doc, mapping, key, YAML_OPTIONAL, name, SITE_NAME_MAX) != YAML_FOUND) return;
  for (const char *c = name; *c; c++) {
    if ((unsigned char)*c < 0x20 || *c == 0x7f) {
      yaml_doc_fail(doc, mapping, key, "holds a control character; use printable text");
      return;
    }
  }
}

/* A path as given, or joined to the folder of the configuration file where it is relative. */
static void path_read(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, const char *file,
                      char path[SITE_PATH_MAX]) {
  char given[SITE_PATH_MAX];
  if (yaml_doc_string(doc, mapping, key, need, given, sizeof given) != YAML_FOUND) return;
  const char *slash = strrchr(file, '/');
  int folder = given[0] != '/' && slash ? (int)(slash - file) + 1 : 0;
  int length = snprintf(path, SITE_PATH_MAX, "%.*s%s", folder, file, given);
  if (length >= SITE_PATH_MAX) {
    yaml_doc_fail(doc, mapping, key, "with its folder longer than %d characters; shorten it", SITE_PATH_MAX - 1);
  }
}

/* Returns whether the key is there. */
static bool seconds_read(struct yaml_doc *doc, int mapping, const char *key, double min, double max, double scale,
                         int64_t *value_ns) {
  double value;
  if (yaml_doc_double(doc, mapping, key, YAML_OPTIONAL, min, max, &value) != YAML_FOUND) return false;
  *value_ns = (int64_t)(value * scale + 0.5);
  return true;
}

/* "host:port", an IPv6 address in square brackets. */
static void listen_read(struct yaml_doc *doc, int mapping, const char *key, struct listen_address *address) {
  char text[96];
  if (yaml_doc_string(doc, mapping, key, YAML_OPTIONAL, text, sizeof text) != YAML_FOUND) return;
  if (!address_split(text, address->host, sizeof address->host, &address->port)) {
    yaml_doc_fail(doc, mapping, key, "\"%s\" is no address (allowed: host:port, [ipv6]:port, port 0 to 65535); "
                  "write for example \"127.0.0.1:0\"", text);
    return;
  }
  address->enabled = true;
}

static void top_read(struct yaml_doc *doc, int root, const char *file, struct site *site) {
  name_read(doc, root, "centre", site->centre);
  yaml_doc_bool(doc, root, "exercise", YAML_OPTIONAL, &site->exercise);
  int time = SITE_TIME_LIVE;
  yaml_doc_enum(doc, root, "time", YAML_OPTIONAL, time_names, 2, &time);
  site->time = (enum site_time)time;
  int association = (int)site->association;
  yaml_doc_enum(doc, root, "association", YAML_OPTIONAL, association_names, 2, &association);
  site->association = (enum site_association)association;
  seconds_read(doc, root, "stale_s", 1e-3, 86400, 1e9, &site->stale_ns);
  seconds_read(doc, root, "future_s", 1e-3, 86400, 1e9, &site->future_ns);
  seconds_read(doc, root, "lag_s", 0, 60, 1e9, &site->lag_ns);
  site->frame_limit_stated = seconds_read(doc, root, "frame_limit_ms", 0.1, 1000, 1e6, &site->frame_limit_ns);
  site->latency_limit_ns = site->time == SITE_TIME_LIVE ? LATENCY_LIVE_NS : 0; /* a recording is to be used whole */
  seconds_read(doc, root, "latency_limit_ms", 0, 60000, 1e6, &site->latency_limit_ns);
  int listen = yaml_doc_mapping(doc, root, "listen", YAML_OPTIONAL);
  listen_read(doc, listen, "detections", &site->listen_detections);
  listen_read(doc, listen, "asterix", &site->listen_asterix);
  listen_read(doc, listen, "tracks", &site->listen_tracks);
  listen_read(doc, listen, "metrics", &site->listen_metrics);
  listen_read(doc, listen, "standby", &site->listen_standby);
  yaml_doc_finish_mapping(doc, listen);
  int journal = yaml_doc_mapping(doc, root, "journal", YAML_OPTIONAL);
  if (journal) path_read(doc, journal, "directory", YAML_REQUIRED, file, site->journal_directory);
  int64_t segment_mib = site->journal_segment_mib;
  yaml_doc_int(doc, journal, "segment_mib", YAML_OPTIONAL, 1, 65536, &segment_mib);
  site->journal_segment_mib = (uint32_t)segment_mib;
  int64_t parity_segments = 8, parity_files = 0;
  yaml_doc_int(doc, journal, "parity_segments", YAML_OPTIONAL, 1, 64, &parity_segments);
  yaml_doc_int(doc, journal, "parity_files", YAML_OPTIONAL, 0, 16, &parity_files);
  site->journal_parity_segments = (uint32_t)parity_segments;
  site->journal_parity_files = (uint32_t)parity_files;
  yaml_doc_bool(doc, journal, "pack", YAML_OPTIONAL, &site->journal_pack);
  site->journal_resume_ns = site->time == SITE_TIME_LIVE ? RESUME_LIVE_NS : 0; /* recordings are often begun anew */
  seconds_read(doc, journal, "snapshot_s", 0, 86400, 1e9, &site->journal_snapshot_ns);
  seconds_read(doc, journal, "resume_s", 0, 86400, 1e9, &site->journal_resume_ns);
  yaml_doc_finish_mapping(doc, journal);
  path_read(doc, root, "regions", YAML_OPTIONAL, file, site->regions_path);
  path_read(doc, root, "replay_marks", YAML_OPTIONAL, file, site->replay_marks_path);
}

static void place_read(struct yaml_doc *doc, int mapping, struct sensor *sensor) {
  int position = yaml_doc_mapping(doc, mapping, "position", YAML_REQUIRED);
  yaml_doc_double(doc, position, "lat_deg", YAML_REQUIRED, -90, 90, &sensor->lat_deg);
  yaml_doc_double(doc, position, "lon_deg", YAML_REQUIRED, -180, 360, &sensor->lon_deg);
  yaml_doc_double(doc, position, "height_m", YAML_REQUIRED, HEIGHT_MIN_M, HEIGHT_MAX_M, &sensor->height_m);
  yaml_doc_finish_mapping(doc, position);
}

static void length_read(struct yaml_doc *doc, int mapping, const char *key, enum yaml_need need, double *sigma) {
  yaml_doc_double(doc, mapping, key, need, SIGMA_LENGTH_MIN_M, SIGMA_LENGTH_MAX_M, sigma);
}

static void angle_read(struct yaml_doc *doc, int mapping, const char *key, double *sigma) {
  yaml_doc_double(doc, mapping, key, YAML_REQUIRED, SIGMA_ANGLE_MIN_RAD, SIGMA_ANGLE_MAX_RAD, sigma);
}

/* What a kind does not measure is an unknown key here. */
static void sigma_read(struct yaml_doc *doc, int mapping, struct sensor *sensor) {
  int node = yaml_doc_mapping(doc, mapping, "sigma", YAML_REQUIRED);
  double *sigma = sensor->sigma;
  bool ranging = sensor->kind == KIND_RADAR || sensor->kind == KIND_RADAR2D;
  if (sensor->kind == KIND_POSITION) {
    length_read(doc, node, "x_m", YAML_REQUIRED, &sigma[MEASURE_X]);
    sigma[MEASURE_Z] = sigma[MEASURE_Y] = sigma[MEASURE_X];
  }
  if (ranging) length_read(doc, node, "range_m", YAML_REQUIRED, &sigma[MEASURE_RANGE]);
  if (sensor->kind != KIND_POSITION) angle_read(doc, node, "azimuth_rad", &sigma[MEASURE_AZIMUTH]);
  if (sensor->kind == KIND_RADAR || sensor->kind == KIND_LOS) {
    angle_read(doc, node, "elevation_rad", &sigma[MEASURE_ELEVATION]);
  }
  if (sensor->kind == KIND_RADAR2D) {
    sigma[MEASURE_HEIGHT] = SIGMA_HEIGHT_DEFAULT_M;
    length_read(doc, node, "height_m", YAML_OPTIONAL, &sigma[MEASURE_HEIGHT]);
  }
  if (ranging) yaml_doc_double(doc, node, "range_rate_mps", YAML_OPTIONAL, 1e-4, 1e5, &sigma[MEASURE_RANGE_RATE]);
  yaml_doc_finish_mapping(doc, node);
}

/* A cell has an extent in whatever the kind measures. */
static void resolution_read(struct yaml_doc *doc, int mapping, struct sensor *sensor) {
  if (sensor->kind == KIND_POSITION) return; /* unknown there */
  int node = yaml_doc_mapping(doc, mapping, "resolution", YAML_OPTIONAL);
  if (!node) return;
  double *cell = sensor->resolution;
  if (sensor->kind != KIND_LOS) length_read(doc, node, "range_m", YAML_REQUIRED, &cell[MEASURE_RANGE]);
  angle_read(doc, node, "azimuth_rad", &cell[MEASURE_AZIMUTH]);
  if (sensor->kind != KIND_RADAR2D) angle_read(doc, node, "elevation_rad", &cell[MEASURE_ELEVATION]);
  yaml_doc_finish_mapping(doc, node);
}

/* An offset of something that the kind does not measure may only be 0. */
static void registration_read(struct yaml_doc *doc, int mapping, struct sensor *sensor) {
  int node = yaml_doc_mapping(doc, mapping, "registration", YAML_OPTIONAL);
  bool ranging = sensor->kind == KIND_RADAR || sensor->kind == KIND_RADAR2D;
  double range = ranging ? 1e6 : 0;
  double azimuth = sensor->kind != KIND_POSITION ? 1 : 0;
  double elevation = sensor->kind == KIND_RADAR || sensor->kind == KIND_LOS ? 1 : 0;
  double *offset = sensor->registration;
  yaml_doc_double(doc, node, "range_m", YAML_OPTIONAL, -range, range, &offset[MEASURE_RANGE]);
  yaml_doc_double(doc, node, "azimuth_rad", YAML_OPTIONAL, -azimuth, azimuth, &offset[MEASURE_AZIMUTH]);
  yaml_doc_double(doc, node, "elevation_rad", YAML_OPTIONAL, -elevation, elevation, &offset[MEASURE_ELEVATION]);
  yaml_doc_double(doc, node, "time_s", YAML_OPTIONAL, -3600, 3600, &sensor->registration_time_s);
  yaml_doc_finish_mapping(doc, node);
}

static void coverage_read(struct yaml_doc *doc, int mapping, struct sensor *sensor) {
  bool ranging = sensor->kind == KIND_RADAR || sensor->kind == KIND_RADAR2D;
  sensor->coverage_range_m[1] = ranging ? RADAR_RANGE_MAX_M : RANGE_MAX_M;
  sensor->coverage_azimuth_deg[1] = 360;
  sensor->coverage_elevation_deg[0] = ranging ? 0 : -90;
  sensor->coverage_elevation_deg[1] = 90;
  int node = yaml_doc_mapping(doc, mapping, "coverage", YAML_OPTIONAL);
  yaml_doc_pair(doc, node, "range_m", YAML_OPTIONAL, 0, RANGE_MAX_M, sensor->coverage_range_m);
  yaml_doc_pair(doc, node, "azimuth_deg", YAML_OPTIONAL, -360, 360, sensor->coverage_azimuth_deg);
  yaml_doc_pair(doc, node, "elevation_deg", YAML_OPTIONAL, -90, 90, sensor->coverage_elevation_deg);
  if (sensor->coverage_range_m[0] >= sensor->coverage_range_m[1]) {
    yaml_doc_fail(doc, node, "range_m", "the first must be below the second; write [min, max]");
  }
  if (sensor->coverage_elevation_deg[0] >= sensor->coverage_elevation_deg[1]) {
    yaml_doc_fail(doc, node, "elevation_deg", "the first must be below the second; write [min, max]");
  }
  yaml_doc_finish_mapping(doc, node);
}

static void asterix_read(struct yaml_doc *doc, int mapping, struct sensor *sensor) {
  int node = yaml_doc_mapping(doc, mapping, "asterix", YAML_OPTIONAL);
  if (!node) return;
  int64_t sac = 0, sic = 0;
  yaml_doc_int(doc, node, "sac", YAML_REQUIRED, 0, 255, &sac);
  yaml_doc_int(doc, node, "sic", YAML_REQUIRED, 0, 255, &sic);
  yaml_doc_finish_mapping(doc, node);
  sensor->has_asterix = true;
  sensor->sac = (uint8_t)sac;
  sensor->sic = (uint8_t)sic;
}

/* What follows from the text: where the sensor is and which way its axes point. */
static void sensor_derive(struct sensor *sensor) {
  static const double ecef_rows[9] = {0, 1, 0, 1, 0, 0, 0, 0, 1};
  double lat_rad = sensor->lat_deg * RADIANS_PER_DEGREE;
  double lon_rad = sensor->lon_deg * RADIANS_PER_DEGREE;
  wk_ecef_from_geodetic(lat_rad, lon_rad, sensor->height_m, sensor->position_m);
  if (sensor->frame == LOS_FRAME_ECEF) memcpy(sensor->enu, ecef_rows, sizeof ecef_rows);
  else wk_enu_rows(lat_rad, lon_rad, sensor->enu);
}

/* Recordings may be played at any speed: where time is recorded there is no budget unless one is given. */
static void budget_read(struct yaml_doc *doc, int mapping, enum site_time time, struct sensor *sensor) {
  if (time == SITE_TIME_LIVE)
    sensor->budget_per_s = (BUDGET_TARGETS + BUDGET_CLUTTER * sensor->clutter_per_scan) / sensor->revisit_s;
  yaml_doc_double(doc, mapping, "budget_per_s", YAML_OPTIONAL, BUDGET_MIN_PER_S, BUDGET_MAX_PER_S, &sensor->budget_per_s);
}

static void sensor_read(struct yaml_doc *doc, int mapping, const char *file, const struct site *site,
                        struct sensor *sensor) {
  int64_t id = 0;
  yaml_doc_int(doc, mapping, "id", YAML_REQUIRED, 0, UINT32_MAX, &id);
  sensor->id = (uint32_t)id;
  snprintf(sensor->name, sizeof sensor->name, "sensor-%u", sensor->id);
  memcpy(sensor->nation, site->centre, sizeof sensor->nation);
  name_read(doc, mapping, "name", sensor->name);
  name_read(doc, mapping, "nation", sensor->nation);
  int kind = 0, frame = LOS_FRAME_LOCAL;
  if (yaml_doc_enum(doc, mapping, "kind", YAML_REQUIRED, kind_names, 4, &kind) != YAML_FOUND) return;
  sensor->kind = (uint8_t)(kind + 1);
  yaml_doc_enum(doc, mapping, "frame", YAML_OPTIONAL, frame_names, 2, &frame);
  sensor->frame = (uint8_t)frame;
  if (frame == LOS_FRAME_ECEF && sensor->kind != KIND_LOS) {
    yaml_doc_fail(doc, mapping, "frame", "ecef is for kind los only (allowed: local); remove it");
  }
  place_read(doc, mapping, sensor);
  sensor->revisit_s = 1.0;
  yaml_doc_double(doc, mapping, "revisit_s", YAML_OPTIONAL, 1e-3, 86400, &sensor->revisit_s);
  sigma_read(doc, mapping, sensor);
  resolution_read(doc, mapping, sensor);
  registration_read(doc, mapping, sensor);
  sensor->detection_probability = 0.9;
  yaml_doc_double(doc, mapping, "detection_probability", YAML_OPTIONAL, 0.001, 0.999, &sensor->detection_probability);
  sensor->clutter_per_scan = 1;
  yaml_doc_double(doc, mapping, "clutter_per_scan", YAML_OPTIONAL, 0, 1e6, &sensor->clutter_per_scan);
  budget_read(doc, mapping, site->time, sensor);
  coverage_read(doc, mapping, sensor);
  asterix_read(doc, mapping, sensor);
  path_read(doc, mapping, "key", YAML_OPTIONAL, file, sensor->key_path);
  yaml_doc_finish_mapping(doc, mapping);
}

/* The last sensor read must differ from all before it in id and ASTERIX codes. */
static void sensor_check_unique(struct yaml_doc *doc, int mapping, const struct site *site) {
  const struct sensor *last = &site->sensors[site->sensor_count - 1];
  for (const struct sensor *other = site->sensors; other < last; other++) {
    if (other->id == last->id) {
      yaml_doc_fail(doc, mapping, "id", "%u is the id of sensor %s already; give each sensor its own", last->id,
                    other->name);
    }
    if (last->has_asterix && other->has_asterix && other->sac == last->sac && other->sic == last->sic) {
      yaml_doc_fail(doc, mapping, "asterix", "sac %d, sic %d belong to sensor %s already; give each sensor its own",
                    last->sac, last->sic, other->name);
    }
  }
}

static int name_compare(const void *a, const void *b) { return strcmp(a, b); }

/* The sorted list of nations, and each sensor's place in it. */
static void nations_collect(struct yaml_doc *doc, int sensors, struct site *site) {
  for (uint32_t i = 0; i < site->sensor_count; i++) {
    uint32_t at = 0;
    while (at < site->nation_count && strcmp(site->nations[at], site->sensors[i].nation) != 0) at++;
    if (at < site->nation_count) continue;
    if (at == SITE_NATIONS_MAX) {
      yaml_doc_fail(doc, yaml_doc_item_mapping(doc, sensors, (int)i, "sensors"), "nation",
                    "one nation too many (allowed: %d); use fewer", SITE_NATIONS_MAX);
      return;
    }
    memcpy(site->nations[site->nation_count++], site->sensors[i].nation, SITE_NAME_MAX);
  }
  qsort(site->nations, site->nation_count, sizeof site->nations[0], name_compare);
  for (uint32_t i = 0; i < site->sensor_count; i++) {
    uint32_t at = 0;
    while (strcmp(site->nations[at], site->sensors[i].nation) != 0) at++;
    site->sensors[i].nation_index = at;
  }
}

/* Where sensors have keys the file of replay marks stands beside the configuration, unless that says otherwise. */
static void replay_marks_default(struct yaml_doc *doc, int root, const char *file, struct site *site) {
  bool keys = false;
  for (uint32_t i = 0; i < site->sensor_count; i++) keys = keys || site->sensors[i].key_path[0];
  if (!keys) site->replay_marks_path[0] = 0;
  if (!keys || site->replay_marks_path[0]) return;
  if (snprintf(site->replay_marks_path, SITE_PATH_MAX, "%s.marks", file) >= SITE_PATH_MAX) {
    yaml_doc_fail(doc, root, "replay_marks", "the configuration's own path is too long to put it beside; name a shorter one");
  }
}

static int text_keep(const struct yaml_doc *doc, struct site *site) {
  size_t size;
  const char *text = yaml_doc_text(doc, &size);
  site->text = malloc(size + 1);
  if (!site->text) return -ENOMEM;
  memcpy(site->text, text, size);
  site->text[size] = '\0';
  site->text_size = size;
  return 0;
}

static int site_read(struct yaml_doc *doc, const char *file, struct site *site, struct weft_error *err) {
  *site = (struct site){.centre = "weft", .time = SITE_TIME_LIVE, .stale_ns = 10000000000, .future_ns = 1000000000,
                        .lag_ns = 3000000000, .frame_limit_ns = 5000000, .journal_segment_mib = 256, .journal_pack = true,
                        .journal_snapshot_ns = 60000000000};
  int root = yaml_doc_root(doc);
  top_read(doc, root, file, site);
  int sensors = yaml_doc_sequence(doc, root, "sensors", YAML_REQUIRED, SITE_SENSORS_MAX);
  int count = yaml_doc_item_count(doc, sensors);
  for (int i = 0; i < count && yaml_doc_result(doc, NULL) == 0; i++) {
    int mapping = yaml_doc_item_mapping(doc, sensors, i, "sensors");
    struct sensor *sensor = &site->sensors[site->sensor_count++];
    sensor_read(doc, mapping, file, site, sensor);
    sensor_check_unique(doc, mapping, site);
    if (yaml_doc_result(doc, NULL) == 0) sensor_derive(sensor);
  }
  yaml_doc_finish_mapping(doc, root);
  if (yaml_doc_result(doc, NULL) == 0) nations_collect(doc, sensors, site);
  if (yaml_doc_result(doc, NULL) == 0) replay_marks_default(doc, root, file, site);
  int rc = yaml_doc_result(doc, err);
  if (rc == 0 && (rc = text_keep(doc, site)) < 0) weft_fail(err, rc, "%s: out of memory", file);
  if (rc < 0) site_free(site);
  return rc;
}

int site_load(const char *path, struct site *site, struct weft_error *err) {
  struct yaml_doc *doc;
  memset(site, 0, sizeof *site);
  int rc = yaml_doc_load_file(&doc, path, err);
  if (rc == 0) rc = site_read(doc, path, site, err);
  yaml_doc_free(doc);
  return rc;
}

int site_parse(const char *text, size_t size, const char *name, struct site *site, struct weft_error *err) {
  struct yaml_doc *doc;
  memset(site, 0, sizeof *site);
  int rc = yaml_doc_load(&doc, text, size, name, err);
  if (rc == 0) rc = site_read(doc, name, site, err);
  yaml_doc_free(doc);
  return rc;
}

void site_free(struct site *site) {
  free(site->text);
  memset(site, 0, sizeof *site);
}

uint32_t site_sensor_by_id(const struct site *site, uint32_t id) {
  uint32_t at = 0;
  while (at < site->sensor_count && site->sensors[at].id != id) at++;
  return at;
}

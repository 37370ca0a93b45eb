// stage: weft_ingest weft_domain weft_base weft_kernels
/* The site configuration: what it takes, what it fills in, and that every refusal names its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/yaml_doc.h"
#include "engine/domain/detection.h"
#include "engine/ingest/config.h"

/* Line numbers in the table below refer to this text. */
static const char good[] =
    "centre: A1\n"                                                                       /* 1 */
    "exercise: false\n"                                                                  /* 2 */
    "time: live\n"                                                                       /* 3 */
    "stale_s: 10\n"                                                                      /* 4 */
    "future_s: 1\n"                                                                      /* 5 */
    "lag_s: 3\n"                                                                         /* 6 */
    "frame_limit_ms: 5\n"                                                                /* 7 */
    "listen: {detections: \"127.0.0.1:0\", asterix: \"[::1]:30048\"}\n"                  /* 8 */
    "journal: {directory: out, segment_mib: 64}\n"                                       /* 9 */
    "regions: /etc/areas.geojson\n"                                                      /* 10 */
    "sensors:\n"                                                                         /* 11 */
    "  - id: 101\n"                                                                      /* 12 */
    "    name: north-radar\n"                                                            /* 13 */
    "    nation: B\n"                                                                    /* 14 */
    "    kind: radar\n"                                                                  /* 15 */
    "    position: {lat_deg: 41.30, lon_deg: 2.10, height_m: 120}\n"                     /* 16 */
    "    revisit_s: 2.0\n"                                                               /* 17 */
    "    sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.002, range_rate_mps: 5}\n" /* 18 */
    "    registration: {range_m: 180, azimuth_rad: 0.009, time_s: 0.25}\n"               /* 19 */
    "    detection_probability: 0.8\n"                                                   /* 20 */
    "    clutter_per_scan: 20\n"                                                         /* 21 */
    "    coverage: {range_m: [1000, 2000000], azimuth_deg: [350, 20], elevation_deg: [1, 88]}\n" /* 22 */
    "    asterix: {sac: 20, sic: 129}\n"                                                 /* 23 */
    "    key: keys/101.key\n"                                                            /* 24 */
    "  - id: 102\n"                                                                      /* 25 */
    "    nation: A\n"                                                                    /* 26 */
    "    kind: los\n"                                                                    /* 27 */
    "    frame: ecef\n"                                                                  /* 28 */
    "    position: {lat_deg: 0, lon_deg: 10, height_m: 35786000}\n"                      /* 29 */
    "    sigma: {azimuth_rad: 2e-5, elevation_rad: 2e-5}\n"                              /* 30 */
    "    asterix: {sac: 20, sic: 130}\n"                                                 /* 31 */
    "  - id: 103\n"                                                                      /* 32 */
    "    kind: radar2d\n"                                                                /* 33 */
    "    position: {lat_deg: -33, lon_deg: 151, height_m: 20}\n"                         /* 34 */
    "    sigma: {range_m: 50, azimuth_rad: 0.002}\n"                                     /* 35 */
    "  - id: 104\n"                                                                      /* 36 */
    "    kind: position\n"                                                               /* 37 */
    "    position: {lat_deg: 50, lon_deg: 5, height_m: -10}\n"                           /* 38 */
    "    sigma: {x_m: 15}\n"                                                             /* 39 */
    "  - id: 105\n"                                                                      /* 40 */
    "    kind: radar\n"                                                                  /* 41 */
    "    position: {lat_deg: 51, lon_deg: 5, height_m: 0}\n"                             /* 42 */
    "    sigma: {range_m: 30, azimuth_rad: 1e-3, elevation_rad: 1e-3}\n"                 /* 43 */
    "    resolution: {range_m: 75, azimuth_rad: 0.01, elevation_rad: 0.02}\n"            /* 44 */
    "association: nearest\n";                                                            /* 45 */

static struct site site; /* half a megabyte: not on the stack */

static void parse_good(void) {
  struct weft_error err = {""};
  int rc = site_parse(good, strlen(good), "conf/site.yaml", &site, &err);
  if (rc != 0) fail_msg("refused: %s", err.text);
}

static void config_takes_every_key_of_the_contract(void **state) {
  (void)state;
  parse_good();
  assert_string_equal(site.centre, "A1");
  assert_false(site.exercise);
  assert_int_equal(site.stale_ns, 10000000000);
  assert_int_equal(site.frame_limit_ns, 5000000);
  assert_int_equal(site.latency_limit_ns, 200000000);
  assert_true(site.listen_detections.enabled);
  assert_string_equal(site.listen_asterix.host, "::1");
  assert_int_equal(site.listen_asterix.port, 30048);
  assert_false(site.listen_tracks.enabled);
  assert_string_equal(site.journal_directory, "conf/out");
  assert_int_equal(site.journal_segment_mib, 64);
  assert_string_equal(site.regions_path, "/etc/areas.geojson");
  assert_int_equal(site.association, ASSOCIATION_NEAREST);
  assert_int_equal(site.sensor_count, 5);
  const struct sensor *radar = &site.sensors[0];
  assert_int_equal(radar->kind, KIND_RADAR);
  assert_true(radar->sigma[MEASURE_RANGE] == 30 && radar->sigma[MEASURE_AZIMUTH] == 0.001);
  assert_true(radar->sigma[MEASURE_ELEVATION] == 0.002 && radar->sigma[MEASURE_RANGE_RATE] == 5);
  assert_true(radar->registration[0] == 180 && radar->registration[2] == 0 && radar->registration_time_s == 0.25);
  assert_true(radar->coverage_azimuth_deg[0] == 350 && radar->coverage_azimuth_deg[1] == 20);
  assert_string_equal(radar->key_path, "conf/keys/101.key");
  const double *cell = site.sensors[4].resolution;
  assert_true(cell[MEASURE_RANGE] == 75 && cell[MEASURE_AZIMUTH] == 0.01 && cell[MEASURE_ELEVATION] == 0.02);
  assert_int_equal(site_sensor_by_id(&site, 103), 2);
  assert_int_equal(site_sensor_by_id(&site, 999), 5);
  assert_int_equal(site.text_size, strlen(good));
  assert_memory_equal(site.text, good, strlen(good));
  site_free(&site);
}

static void config_fills_documented_defaults(void **state) {
  (void)state;
  const char text[] = "sensors:\n"
                      "  - {id: 7, kind: radar2d, position: {lat_deg: 1, lon_deg: 2, height_m: 3},"
                      " sigma: {range_m: 50, azimuth_rad: 0.002}}\n";
  struct weft_error err = {""};
  assert_int_equal(site_parse(text, strlen(text), "site.yaml", &site, &err), 0);
  assert_string_equal(site.centre, "weft");
  assert_int_equal(site.time, SITE_TIME_LIVE);
  assert_int_equal(site.future_ns, 1000000000);
  assert_int_equal(site.lag_ns, 3000000000);
  assert_int_equal(site.association, ASSOCIATION_SOFT);
  assert_false(site.listen_detections.enabled || site.listen_metrics.enabled);
  assert_string_equal(site.journal_directory, "");
  const struct sensor *sensor = &site.sensors[0];
  assert_string_equal(sensor->name, "sensor-7");
  assert_string_equal(sensor->nation, "weft");
  assert_true(sensor->sigma[MEASURE_HEIGHT] == 40 && sensor->sigma[MEASURE_RANGE_RATE] == 0);
  assert_true(sensor->detection_probability == 0.9 && sensor->clutter_per_scan == 1 && sensor->revisit_s == 1);
  assert_true(sensor->coverage_range_m[1] == 1e7 && sensor->coverage_elevation_deg[1] == 90);
  assert_true(sensor->budget_per_s == 10004);
  assert_false(sensor->has_asterix);
  for (int i = 0; i < 3; i++) assert_true(sensor->resolution[i] == 0);
  site_free(&site);
}

static void budgets_follow_from_the_sensor_where_time_is_live_and_none_is_given(void **state) {
  (void)state;
  static const struct {
    const char *head, *key;
    double budget_per_s;
  } cases[] = {{"", "", (10000 + 4 * 20) / 2.0},
               {"time: recorded\n", "", 0},
               {"", ", budget_per_s: 250", 250},
               {"time: recorded\n", ", budget_per_s: 250", 250}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[400];
    struct weft_error err = {""};
    snprintf(text, sizeof text,
             "%ssensors:\n  - {id: 7, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 5},"
             " revisit_s: 2, clutter_per_scan: 20%s}\n", cases[i].head, cases[i].key);
    assert_int_equal(site_parse(text, strlen(text), "site.yaml", &site, &err), 0);
    assert_true(site.sensors[0].budget_per_s == cases[i].budget_per_s);
    site_free(&site);
  }
}

static void config_sorts_nations_and_points_sensors_at_them(void **state) {
  (void)state;
  parse_good();
  assert_int_equal(site.nation_count, 3); /* A, A1 (the centre's, by default), B */
  assert_string_equal(site.nations[0], "A");
  assert_string_equal(site.nations[1], "A1");
  assert_string_equal(site.nations[2], "B");
  assert_int_equal(site.sensors[0].nation_index, 2);
  assert_int_equal(site.sensors[1].nation_index, 0);
  assert_int_equal(site.sensors[2].nation_index, 1);
  site_free(&site);
}

/* Position and axes against the textbook formula with libm. */
static void config_places_sensors_on_the_ellipsoid(void **state) {
  (void)state;
  parse_good();
  for (uint32_t i = 0; i < site.sensor_count; i++) {
    const struct sensor *sensor = &site.sensors[i];
    double lat = sensor->lat_deg * M_PI / 180, lon = sensor->lon_deg * M_PI / 180;
    double e2 = 6.69437999014131699614e-3, n = 6378137.0 / sqrt(1 - e2 * sin(lat) * sin(lat));
    double r = n + sensor->height_m;
    double expected[3] = {r * cos(lat) * cos(lon), r * cos(lat) * sin(lon), (n * (1 - e2) + sensor->height_m) * sin(lat)};
    for (int k = 0; k < 3; k++) assert_true(fabs(sensor->position_m[k] - expected[k]) < 1e-6);
  }
  const double *enu = site.sensors[0].enu;
  double lat = 41.3 * M_PI / 180, lon = 2.1 * M_PI / 180;
  assert_true(fabs(enu[0] + sin(lon)) < 1e-15 && fabs(enu[1] - cos(lon)) < 1e-15 && enu[2] == 0);
  assert_true(fabs(enu[6] - cos(lat) * cos(lon)) < 1e-15 && fabs(enu[8] - sin(lat)) < 1e-15);
  const double ecef[9] = {0, 1, 0, 1, 0, 0, 0, 0, 1};
  assert_memory_equal(site.sensors[1].enu, ecef, sizeof ecef);
  site_free(&site);
}

/* `find` in the good text becomes `put`; the refusal must begin with `file:line: key` and say `say`. */
struct refusal_case {
  const char *find, *put;
  int line;
  const char *key, *say;
};

static const struct refusal_case refusals[] = {
    {"stale_s: 10", "stale_s: ten", 4, "stale_s", "not a number (allowed: 0.001 to 86400)"},
    {"stale_s: 10", "stale_s: 0", 4, "stale_s", "out of range (allowed: 0.001 to 86400)"},
    {"stale_s: 10", "stale_s: \"10\"", 4, "stale_s", "not a number"},
    {"stale_s: 10", "stale_s: nan", 4, "stale_s", "not a number"},
    {"stale_s: 10", "stale_s: 1e999", 4, "stale_s", "not a number"},
    {"stale_s: 10", "stale_s: 10s", 4, "stale_s", "not a number"},
    {"stale_s: 10", "stale_s:", 4, "stale_s", "not a number"},
    {"future_s: 1", "future_s: -1", 5, "future_s", "out of range"},
    {"lag_s: 3", "lag_s: 61", 6, "lag_s", "(allowed: 0 to 60)"},
    {"frame_limit_ms: 5", "frame_limit_ms: 0", 7, "frame_limit_ms", "(allowed: 0.1 to 1000)"},
    {"frame_limit_ms: 5", "latency_limit_ms: 60001", 7, "latency_limit_ms", "(allowed: 0 to 60000)"},
    {"frame_limit_ms: 5", "latency_limit_ms: -1", 7, "latency_limit_ms", "(allowed: 0 to 60000)"},
    {"time: live", "time: later", 3, "time", "(allowed: live, recorded)"},
    {"exercise: false", "exercise: no", 2, "exercise", "(allowed: true, false)"},
    {"centre: A1", "centre: \"\"", 1, "centre", "empty"},
    {"centre: A1", "centre: \"A\\n1\"", 1, "centre", "control character"},
    {"centre: A1", "centre: \"A\\x7f1\"", 1, "centre", "control character"},
    {"centre: A1", "centre: [A1]", 1, "centre", "not a text"},
    {"centre: A1", "center: A1", 1, "center", "unknown key"},
    {"lag_s: 3", "stale_s: 3", 6, "stale_s", "duplicate key, first given in line 4"},
    {"\"127.0.0.1:0\"", "\"127.0.0.1\"", 8, "detections", "port 0 to 65535"},
    {"\"127.0.0.1:0\"", "\"127.0.0.1:65536\"", 8, "detections", "port 0 to 65535"},
    {"\"127.0.0.1:0\"", "\":5\"", 8, "detections", "no address"},
    {"\"127.0.0.1:0\"", "\"127.0.0.1:http\"", 8, "detections", "no address"},
    {"\"127.0.0.1:0\"", "\"127.0.0.1:8x\"", 8, "detections", "no address"},
    {"\"127.0.0.1:0\"", "\"127.0.0.1:000080\"", 8, "detections", "no address"},
    {"\"127.0.0.1:0\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:80\"", 8, "detections", "no address"},
    {"\"[::1]:30048\"", "\"[::1:30048\"", 8, "asterix", "no address"},
    {"\"[::1]:30048\"", "\"::1:30048\"", 8, "asterix", "no address"},
    {"{detections:", "{detection:", 8, "detection", "unknown key"},
    {"segment_mib: 64", "segment_mib: 0", 9, "segment_mib", "(allowed: 1 to 65536)"},
    {"segment_mib: 64", "segment_mib: 1.5", 9, "segment_mib", "not a whole number"},
    {"directory: out, ", "", 9, "directory", "missing"},
    {"sensors:", "sensor:", 1, "sensors", "missing"},
    {"id: 101", "id: -1", 12, "id", "(allowed: 0 to 4294967295)"},
    {"id: 101", "id: 4294967296", 12, "id", "(allowed: 0 to 4294967295)"},
    {"id: 102", "id: 101", 25, "id", "101 is the id of sensor north-radar already"},
    {"sic: 130", "sic: 129", 31, "asterix", "belong to sensor north-radar already"},
    {"sac: 20, sic: 129", "sac: 20", 23, "sic", "missing"},
    {"sic: 129", "sic: 256", 23, "sic", "(allowed: 0 to 255)"},
    {"kind: radar\n", "kind: lidar\n", 15, "kind", "(allowed: radar, radar2d, los, position)"},
    {"    kind: radar\n", "", 12, "kind", "missing"},
    {"    kind: radar\n", "    kind: radar\n    frame: ecef\n", 16, "frame", "for kind los only"},
    {"frame: ecef", "frame: eci", 28, "frame", "(allowed: local, ecef)"},
    {"lat_deg: 41.30", "lat_deg: 91", 16, "lat_deg", "(allowed: -90 to 90)"},
    {"lon_deg: 2.10", "lon_deg: 361", 16, "lon_deg", "(allowed: -180 to 360)"},
    {"height_m: 120", "height_m: -501", 16, "height_m", "(allowed: -500 to 100000000)"},
    {"height_m: 120", "height_m: 1.1e8", 16, "height_m", "(allowed: -500 to 100000000)"},
    {", height_m: 120", "", 16, "height_m", "missing"},
    {"lat_deg: 41.30", "lat: 41.30", 16, "lat_deg", "missing"},
    {"revisit_s: 2.0", "revisit_s: 0", 17, "revisit_s", "(allowed: 0.001 to 86400)"},
    {"{range_m: 30, ", "{", 18, "range_m", "missing"},
    {"azimuth_rad: 0.001, ", "", 18, "azimuth_rad", "missing"},
    {"elevation_rad: 0.002, ", "", 18, "elevation_rad", "missing"},
    {"range_m: 30", "range_m: 0", 18, "range_m", "(allowed: 0.001 to 1000000)"},
    {"azimuth_rad: 0.001", "azimuth_rad: 2", 18, "azimuth_rad", "(allowed: 1e-08 to 1)"},
    {"range_rate_mps: 5", "range_rate_mps: -5", 18, "range_rate_mps", "out of range"},
    {"{azimuth_rad: 2e-5", "{range_m: 5, azimuth_rad: 2e-5", 30, "range_m", "unknown key"},
    {"azimuth_rad: 0.002}", "azimuth_rad: 0.002, elevation_rad: 1}", 35, "elevation_rad", "unknown key"},
    {"{x_m: 15}", "{x_m: 15, y_m: 15}", 39, "y_m", "unknown key"},
    {"{x_m: 15}", "{}", 39, "x_m", "missing"},
    {"    sigma: {x_m: 15}\n", "", 36, "sigma", "missing"},
    {"    sigma: {x_m: 15}\n", "    sigma: {x_m: 15}\n    registration: {range_m: 5}\n", 40, "range_m", "(allowed: 0 to 0)"},
    {"    sigma: {x_m: 15}\n", "    sigma: {x_m: 15}\n    resolution: {range_m: 5}\n", 40, "resolution", "unknown key"},
    {"association: nearest", "association: best", 45, "association", "(allowed: soft, nearest)"},
    {"{range_m: 75, ", "{", 44, "range_m", "missing"},
    {"range_m: 75", "range_m: 0", 44, "range_m", "(allowed: 0.001 to 1000000)"},
    {", elevation_rad: 0.02}", "}", 44, "elevation_rad", "missing"},
    {"elevation_rad: 0.02}", "elevation_rad: 0.02, height_m: 5}", 44, "height_m", "unknown key"},
    {"range_m: 180", "range_m: 1e7", 19, "range_m", "out of range"},
    {"time_s: 0.25", "time_s: 4000", 19, "time_s", "(allowed: -3600 to 3600)"},
    {"time_s: 0.25", "time_ms: 250", 19, "time_ms", "unknown key"},
    {"detection_probability: 0.8", "detection_probability: 1", 20, "detection_probability", "(allowed: 0.001 to 0.999)"},
    {"clutter_per_scan: 20", "clutter_per_scan: -1", 21, "clutter_per_scan", "out of range"},
    {"clutter_per_scan: 20", "budget_per_s: 0", 21, "budget_per_s", "out of range (allowed: 1 to 100000000)"},
    {"clutter_per_scan: 20", "budget_per_s: 2e8", 21, "budget_per_s", "out of range (allowed: 1 to 100000000)"},
    {"clutter_per_scan: 20", "budget_per_s: much", 21, "budget_per_s", "not a number"},
    {"[1000, 2000000]", "[1000]", 22, "range_m", "list of 2"},
    {"[1000, 2000000]", "[2000, 1000]", 22, "range_m", "the first must be below the second"},
    {"[1, 88]", "[1, 91]", 22, "elevation_deg", "(allowed: -90 to 90)"},
    {"[1, 88]", "[5, 5]", 22, "elevation_deg", "the first must be below the second"},
    {"[350, 20]", "350", 22, "azimuth_deg", "list of 2"},
    {"key: keys/101.key", "key: ''", 24, "key", "empty"},
    {"name: north-radar", "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 13, "name", "too long"},
};

static char *text_with(const char *find, const char *put) {
  const char *at = strstr(good, find);
  assert_non_null(at);
  char *text = malloc(sizeof good + strlen(put));
  assert_non_null(text);
  memcpy(text, good, (size_t)(at - good));
  strcpy(text + (at - good), put);
  strcat(text, at + strlen(find));
  return text;
}

static void config_refusal_names_file_line_key_and_range(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    const struct refusal_case *c = &refusals[i];
    char *text = text_with(c->find, c->put), expected[128];
    struct weft_error err = {""};
    int rc = site_parse(text, strlen(text), "site.yaml", &site, &err);
    free(text);
    snprintf(expected, sizeof expected, "site.yaml:%d: %s: ", c->line, c->key);
    if (rc != -EINVAL) fail_msg("case %zu (%s): returned %d", i, c->put, rc);
    if (strncmp(err.text, expected, strlen(expected)) != 0 || !strstr(err.text, c->say)) {
      fail_msg("case %zu (%s): expected \"%s...%s\", got \"%s\"", i, c->put, expected, c->say, err.text);
    }
    assert_int_equal(site.sensor_count, 0);
    assert_null(site.text);
  }
}

static void expect_refused(const char *text, size_t size, const char *say) {
  struct weft_error err = {""};
  int rc = site_parse(text, size, "site.yaml", &site, &err);
  if (rc >= 0) fail_msg("accepted: %s", text);
  if (!strstr(err.text, say)) fail_msg("expected \"%s\" in \"%s\"", say, err.text);
}

static void config_refuses_what_is_no_yaml_mapping(void **state) {
  (void)state;
  expect_refused("", 0, "site.yaml:1: there is nothing in it");
  expect_refused("- a\n", 4, "site.yaml:1: the file must be a mapping");
  expect_refused("a: [1\nb: 2\n", 11, "site.yaml:2: not valid YAML");
  expect_refused("centre: A\n---\ncentre: B\n", 24, "site.yaml:2: a second document");
  expect_refused("centre: A\n\xff\xfe\n", 13, "site.yaml:2: not valid YAML");
  expect_refused("? [1, 2]\n: 3\n", 13, "site.yaml:1: a key must be plain text");
  expect_refused("sensors: []\n", 12, "site.yaml:1: sensors: must be a list (allowed: 1 to 256 items)");
  expect_refused("sensors: [5]\n", 13, "site.yaml:1: sensors: item 1 must be a mapping");
  expect_refused("sensors: &a [*a]\n", 17, "site.yaml:1: sensors: item 1 must be a mapping");
}

static void config_is_read_from_its_file(void **state) {
  (void)state;
  char path[] = "/tmp/weft-site-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, good, strlen(good)), strlen(good));
  assert_int_equal(close(fd), 0);
  struct weft_error err = {""};
  if (site_load(path, &site, &err) < 0) fail_msg("%s", err.text);
  assert_int_equal(site.sensor_count, 5);
  assert_string_equal(site.journal_directory, "/tmp/out");
  site_free(&site);
  assert_int_equal(unlink(path), 0);
}

/* Two radars may share one of their codes, and only the other tells them apart. */
static void config_takes_radars_that_differ_in_one_code(void **state) {
  (void)state;
  char *text = text_with("sac: 20, sic: 130", "sac: 21, sic: 129");
  struct weft_error err = {""};
  if (site_parse(text, strlen(text), "site.yaml", &site, &err) < 0) fail_msg("%s", err.text);
  assert_true(site.sensors[0].sic == site.sensors[1].sic && site.sensors[0].sac != site.sensors[1].sac);
  site_free(&site);
  free(text);
  text = text_with("  - id: 105\n", "  - id: 105\n    asterix: {sac: 20, sic: 131}\n");
  if (site_parse(text, strlen(text), "site.yaml", &site, &err) < 0) fail_msg("%s", err.text);
  assert_true(site.sensors[4].has_asterix && !site.sensors[3].has_asterix);
  site_free(&site);
  free(text);
}

static void config_reads_the_resolution_of_what_a_kind_measures(void **state) {
  (void)state;
  char *text = text_with("    sigma: {range_m: 50, azimuth_rad: 0.002}\n",
                         "    sigma: {range_m: 50, azimuth_rad: 0.002}\n    resolution: {range_m: 75, azimuth_rad: 0.01}\n");
  struct weft_error err = {""};
  if (site_parse(text, strlen(text), "site.yaml", &site, &err) < 0) fail_msg("%s", err.text);
  assert_true(site.sensors[2].resolution[MEASURE_RANGE] == 75 && site.sensors[2].resolution[MEASURE_AZIMUTH] == 0.01);
  site_free(&site);
  free(text);
  text = text_with("    sigma: {azimuth_rad: 2e-5, elevation_rad: 2e-5}\n",
                   "    sigma: {azimuth_rad: 2e-5, elevation_rad: 2e-5}\n    resolution: {azimuth_rad: 0.01, elevation_rad: 0.02}\n");
  if (site_parse(text, strlen(text), "site.yaml", &site, &err) < 0) fail_msg("%s", err.text);
  assert_true(site.sensors[1].resolution[MEASURE_ELEVATION] == 0.02 && site.sensors[1].resolution[MEASURE_RANGE] == 0);
  site_free(&site);
  free(text);
}

static void config_refuses_one_nation_too_many(void **state) {
  (void)state;
  static char text[16384];
  size_t used = (size_t)snprintf(text, sizeof text, "sensors:\n");
  for (int i = 0; i <= SITE_NATIONS_MAX; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "  - {id: %d, nation: n%d, kind: position, position: {lat_deg: 1, lon_deg: 2, "
                             "height_m: 3}, sigma: {x_m: 1}}\n", i, i);
  expect_refused(text, used, "site.yaml:34: nation: one nation too many (allowed: 32)");
}

/* What is beside the configuration has a path that begins with the configuration's. */
static void config_refuses_paths_that_its_own_folder_makes_too_long(void **state) {
  (void)state;
  char name[SITE_PATH_MAX + 64], keyed[512];
  memset(name, 'd', sizeof name);
  strcpy(name + SITE_PATH_MAX - 8, "/site.yaml");
  struct weft_error err = {""};
  assert_int_equal(site_parse(good, strlen(good), name, &site, &err), -EINVAL);
  assert_non_null(strstr(err.text, "with its folder longer than 511 characters; shorten it"));
  snprintf(keyed, sizeof keyed, "sensors:\n  - {id: 1, kind: position, key: /k, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 1}}\n");
  err.text[0] = 0;
  assert_int_equal(site_parse(keyed, strlen(keyed), name, &site, &err), -EINVAL);
  assert_non_null(strstr(err.text, "replay_marks: the configuration's own path is too long to put it beside"));
  char *named = malloc(600);
  assert_non_null(named);
  snprintf(named, 600, "replay_marks: /m\n%s", keyed);
  assert_int_equal(site_parse(named, strlen(named), name, &site, &err), 0);
  assert_string_equal(site.replay_marks_path, "/m");
  site_free(&site);
  free(named);
}

static void config_names_an_unreadable_file(void **state) {
  (void)state;
  struct weft_error err = {""};
  assert_int_equal(site_load("no/such/site.yaml", &site, &err), -ENOENT);
  assert_non_null(strstr(err.text, "no/such/site.yaml"));
}

/* Whatever is cut off, the result is a success or an error with a text, never a crash. */
static void config_survives_truncation_at_every_byte(void **state) {
  (void)state;
  for (size_t size = 0; size < strlen(good); size++) {
    struct weft_error err = {""};
    if (site_parse(good, size, "site.yaml", &site, &err) < 0) assert_true(strncmp(err.text, "site.yaml:", 10) == 0);
    else site_free(&site);
  }
}

static void yaml_lists_and_iteration_read_back(void **state) {
  (void)state;
  const char text[] = "burns: [1, 2.5]\nnames: {a: 1, b: 2}\nwords: [x, yz]\n";
  struct yaml_doc *doc;
  struct weft_error err;
  assert_int_equal(yaml_doc_load(&doc, text, strlen(text), "t.yaml", &err), 0);
  int root = yaml_doc_root(doc);
  double values[2];
  assert_int_equal(yaml_doc_pair(doc, root, "burns", YAML_REQUIRED, 0, 10, values), YAML_FOUND);
  assert_true(values[1] == 2.5);
  int names = yaml_doc_mapping(doc, root, "names", YAML_REQUIRED);
  assert_int_equal(yaml_doc_key_count(doc, names), 2);
  assert_string_equal(yaml_doc_key(doc, names, 0), "a");
  assert_null(yaml_doc_key(doc, names, 2));
  int words = yaml_doc_sequence(doc, root, "words", YAML_REQUIRED, 5);
  char word[3];
  assert_int_equal(yaml_doc_item_string(doc, words, 1, word, sizeof word), YAML_FOUND);
  assert_string_equal(word, "yz");
  assert_int_equal(yaml_doc_finish_mapping(doc, root), 0);
  assert_int_equal(yaml_doc_finish_mapping(doc, names), -EINVAL); /* b was not asked for */
  assert_int_equal(yaml_doc_result(doc, &err), -EINVAL);
  assert_string_equal(err.text, "t.yaml:2: b: unknown key; remove it or correct its spelling");
  yaml_doc_free(doc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(config_takes_every_key_of_the_contract),
      cmocka_unit_test(config_fills_documented_defaults),
      cmocka_unit_test(budgets_follow_from_the_sensor_where_time_is_live_and_none_is_given),
      cmocka_unit_test(config_sorts_nations_and_points_sensors_at_them),
      cmocka_unit_test(config_places_sensors_on_the_ellipsoid),
      cmocka_unit_test(config_refusal_names_file_line_key_and_range),
      cmocka_unit_test(config_refuses_what_is_no_yaml_mapping),
      cmocka_unit_test(config_is_read_from_its_file),
      cmocka_unit_test(config_takes_radars_that_differ_in_one_code),
      cmocka_unit_test(config_reads_the_resolution_of_what_a_kind_measures),
      cmocka_unit_test(config_refuses_one_nation_too_many),
      cmocka_unit_test(config_refuses_paths_that_its_own_folder_makes_too_long),
      cmocka_unit_test(config_names_an_unreadable_file),
      cmocka_unit_test(config_survives_truncation_at_every_byte),
      cmocka_unit_test(yaml_lists_and_iteration_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

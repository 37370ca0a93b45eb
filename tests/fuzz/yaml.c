/* Bytes as a site configuration, as they come and as mappings made up of its keys: refused with a word, or
 * accepted, and then everything lies in the ranges of the manual and its own text reads back to the same. */
// length: 128
#include <stddef.h>
#include <stdio.h>

#include "engine/ingest/config.h"
#include "tests/fuzz/fuzz_input.h"

enum { TEXT_MAX = 8192, TEXT_ROOM = 512 };

static const char *const top_keys[] = {
    "centre: A1",
    "exercise: true",
    "time: recorded",
    "association: nearest",
    "stale_s: 5",
    "future_s: 2",
    "lag_s: 1",
    "frame_limit_ms: 10",
    "latency_limit_ms: 50",
    "listen: {detections: 127.0.0.1:0, asterix: '[::1]:8600', tracks: h:1, metrics: h:65535}",
    "journal: {directory: /j, segment_mib: 4, parity_segments: 3, parity_files: 2, pack: false}",
    "regions: areas.json",
    "replay_marks: m"};
static const char *const sensor_keys[] = {
    "name: n",
    "nation: B",
    "frame: ecef",
    "revisit_s: 2",
    "detection_probability: 0.5",
    "clutter_per_scan: 3",
    "resolution: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}",
    "resolution: {azimuth_rad: 0.01, elevation_rad: 0.01}",
    "registration: {range_m: 5, azimuth_rad: 0.001, elevation_rad: 0.002, time_s: 1}",
    "registration: {time_s: -3600}",
    "coverage: {range_m: [10, 1e6], azimuth_deg: [10, 20], elevation_deg: [-5, 80]}",
    "coverage: {azimuth_deg: [350, 10]}",
    "asterix: {sac: 1, sic: 2}",
    "asterix: {sac: 255, sic: 0}",
    "key: k/1.key"};
static const char *const kinds[] = {
    "kind: radar, sigma: {range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001, range_rate_mps: 5}",
    "kind: radar2d, sigma: {range_m: 60, azimuth_rad: 0.001, height_m: 40}",
    "kind: los, sigma: {azimuth_rad: 2e-05, elevation_rad: 2e-05}", "kind: position, sigma: {x_m: 100}"};
static const char *const positions[] = {
    "lat_deg: 1, lon_deg: 2, height_m: 3", "lat_deg: 90, lon_deg: 360, height_m: 1e8",
    "lat_deg: -90, lon_deg: -180, height_m: -500", "lat_deg: 0, lon_deg: 0"};
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

/* Copies a piece of YAML; where the input wants it one byte of it is another. */
static size_t piece_put(struct input *in, char *to, const char *piece) {
  size_t length = strlen(piece);
  memcpy(to, piece, length);
  uint8_t place = input_u8(in);
  if (place < 128) return length;
  static const char others[] = "-0129.e:{}[], '\"#&*!|>%@`\n\tinfa~/\x7f\xc3";
  to[place % length] = others[input_u8(in) % (sizeof others - 1)];
  return length;
}

static size_t keys_draw(struct input *in, char *text) {
  size_t used = 0;
  uint32_t top = input_u8(in) % 8, sensors = input_u8(in) % 5;
  for (uint32_t i = 0; i < top; i++) {
    used += piece_put(in, text + used, top_keys[input_u8(in) % COUNT(top_keys)]);
    text[used++] = '\n';
  }
  used += (size_t)sprintf(text + used, "sensors:\n");
  for (uint32_t s = 0; s < sensors && used < TEXT_MAX - 4 * TEXT_ROOM; s++) {
    used += (size_t)sprintf(text + used, "  - {id: %u, ", input_u8(in) % 16);
    used += piece_put(in, text + used, kinds[input_u8(in) % COUNT(kinds)]);
    used += (size_t)sprintf(text + used, ", position: {");
    used += piece_put(in, text + used, positions[input_u8(in) % COUNT(positions)]);
    used += (size_t)sprintf(text + used, "}");
    uint32_t more = input_u8(in) % 8;
    for (uint32_t k = 0; k < more; k++) {
      used += (size_t)sprintf(text + used, ", ");
      used += piece_put(in, text + used, sensor_keys[input_u8(in) % COUNT(sensor_keys)]);
    }
    used += (size_t)sprintf(text + used, "}\n");
  }
  return used;
}

static void sensor_check(const struct sensor *s, const struct site *site) {
  weft_assert(s->kind >= 1 && s->kind <= 4 && s->frame <= LOS_FRAME_ECEF &&
              s->nation_index < site->nation_count);
  weft_assert(fabs(s->lat_deg) <= 90 && s->lon_deg >= -180 && s->lon_deg <= 360 && s->height_m >= -500 &&
              s->height_m <= 1e8);
  weft_assert(strcmp(s->nation, site->nations[s->nation_index]) == 0 && s->name[0] != 0);
  weft_assert(s->revisit_s > 0 && s->detection_probability > 0 && s->detection_probability < 1 &&
              s->clutter_per_scan >= 0);
  for (int i = 0; i < 3; i++)
    weft_assert(fabs(s->registration[i]) <= 1e6 && s->resolution[i] >= 0 && fabs(s->position_m[i]) < 1.1e8);
  for (int i = 0; i < 4; i++) weft_assert(isfinite(s->sigma[i]) && s->sigma[i] >= 0);
  for (int row = 0; row < 3; row++) {
    const double *u = s->enu + 3 * row;
    weft_assert(fabs(u[0] * u[0] + u[1] * u[1] + u[2] * u[2] - 1) < 1e-9);
  }
  weft_assert(s->coverage_range_m[0] >= 0 && s->coverage_range_m[0] <= s->coverage_range_m[1]);
  weft_assert(s->coverage_elevation_deg[0] < s->coverage_elevation_deg[1] &&
              isfinite(s->coverage_azimuth_deg[0] + s->coverage_azimuth_deg[1]));
}

static void site_check(const struct site *site) {
  weft_assert(site->sensor_count > 0 && site->sensor_count <= SITE_SENSORS_MAX);
  weft_assert(site->nation_count > 0 && site->nation_count <= SITE_NATIONS_MAX);
  weft_assert(site->stale_ns > 0 && site->future_ns > 0 && site->lag_ns >= 0 && site->frame_limit_ns > 0);
  for (const char *c = site->centre; *c; c++) weft_assert((unsigned char)*c >= 0x20 && *c != 0x7f);
  for (uint32_t i = 0; i < site->sensor_count; i++) {
    sensor_check(&site->sensors[i], site);
    weft_assert(site_sensor_by_id(site, site->sensors[i].id) == i);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct site site, again;
  static char text[TEXT_MAX];
  struct weft_error err = {""};
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  bool drawn = choice & 1;
  size_t length = drawn ? keys_draw(&in, text) : in.left;
  if (site_parse(drawn ? text : (const char *)in.at, length, "fuzz.yaml", &site, &err) < 0) {
    weft_assert(err.text[0] != 0);
    return 0;
  }
  site_check(&site);
  if (choice & 2) {
    weft_assert(site_parse(site.text, site.text_size, "fuzz.yaml", &again, &err) == 0);
    weft_assert(memcmp(&site, &again, offsetof(struct site, text)) == 0);
    site_free(&again);
  }
  site_free(&site);
  return 0;
}

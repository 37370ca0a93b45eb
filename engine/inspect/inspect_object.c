/* Objects of weft inspect, written through text.h so that equal files give equal bytes everywhere. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ingest/wire.h"
#include "engine/inspect/inspect.h"

const char *const inspect_kind_names[KIND_END] = {"unknown", "radar", "radar2d", "los", "position"};

void inspect_begin(struct inspect *inspect) {
  inspect->text = text_open(inspect->line, sizeof inspect->line);
  text_char(&inspect->text, '{');
  inspect->first = true;
}

void inspect_key(struct inspect *inspect, const char *key) {
  if (!inspect->first) text_char(&inspect->text, ',');
  inspect->first = false;
  text_json(&inspect->text, key);
  text_char(&inspect->text, ':');
}

void inspect_i64(struct inspect *inspect, const char *key, int64_t value) {
  inspect_key(inspect, key);
  text_i64(&inspect->text, value);
}

void inspect_u64(struct inspect *inspect, const char *key, uint64_t value) {
  inspect_key(inspect, key);
  text_u64(&inspect->text, value);
}

static void number_put(struct text *text, double value) {
  for (unsigned digits = 15; digits < 17; digits++) {
    char data[40];
    struct text tried = text_open(data, sizeof data - 1);
    text_general(&tried, value, digits);
    data[tried.used] = 0;
    if (strtod(data, NULL) == value) {
      text_bytes(text, data, tried.used);
      return;
    }
  }
  text_general(text, value, 17);
}

void inspect_number(struct inspect *inspect, const char *key, double value) {
  if (!__builtin_isfinite(value)) return; /* JSON has no word for it; a field that does not apply is absent */
  inspect_key(inspect, key);
  number_put(&inspect->text, value);
}

void inspect_bool(struct inspect *inspect, const char *key, bool value) {
  inspect_key(inspect, key);
  text_put(&inspect->text, value ? "true" : "false");
}

void inspect_string(struct inspect *inspect, const char *key, const char *value) {
  inspect_key(inspect, key);
  text_json(&inspect->text, value);
}

void inspect_numbers(struct inspect *inspect, const char *key, const double *values, int count) {
  inspect_key(inspect, key);
  for (int i = 0; i < count; i++) {
    text_char(&inspect->text, i ? ',' : '[');
    number_put(&inspect->text, values[i]);
  }
  text_char(&inspect->text, ']');
}

void inspect_open(struct inspect *inspect, const char *key) {
  inspect_key(inspect, key);
  text_char(&inspect->text, '{');
  inspect->first = true;
}

void inspect_close(struct inspect *inspect) {
  text_char(&inspect->text, '}');
  inspect->first = false;
}

void inspect_pass(struct inspect *inspect, const char *line, size_t size) {
  if (inspect->failed) return;
  if (fwrite(line, 1, size, inspect->out) != size || putc('\n', inspect->out) == EOF)
    inspect->failed = errno ? -errno : -EIO;
}

void inspect_end(struct inspect *inspect) {
  text_char(&inspect->text, '}');
  if (inspect->text.cut && !inspect->failed) inspect->failed = -EMSGSIZE;
  inspect_pass(inspect, inspect->line, inspect->text.used);
}

void inspect_refused(struct inspect *inspect, uint64_t line, const char *reason, const char *error) {
  inspect_begin(inspect);
  inspect_string(inspect, "record", "refused");
  inspect_u64(inspect, "line", line);
  if (reason) inspect_string(inspect, "reason", reason);
  inspect_string(inspect, "error", error);
  inspect_end(inspect);
}

/* Column names of measure[] and its sigmas; a position has one sigma for its three axes. */
static const char *const measure_names[KIND_END][4] = {
    [KIND_RADAR] = {"range_m", "azimuth_rad", "elevation_rad", "range_rate_mps"},
    [KIND_RADAR2D] = {"range_m", "azimuth_rad", "height_m", "range_rate_mps"},
    [KIND_LOS] = {NULL, "azimuth_rad", "elevation_rad", NULL},
    [KIND_POSITION] = {"x_m", "y_m", "z_m", NULL}};
static const char *const sigma_names[KIND_END][4] = {
    [KIND_RADAR] = {"sigma_range_m", "sigma_azimuth_rad", "sigma_elevation_rad", "sigma_range_rate_mps"},
    [KIND_RADAR2D] = {"sigma_range_m", "sigma_azimuth_rad", "sigma_height_m", "sigma_range_rate_mps"},
    [KIND_LOS] = {NULL, "sigma_azimuth_rad", "sigma_elevation_rad", NULL},
    [KIND_POSITION] = {"sigma_x_m", NULL, NULL, NULL}};

void inspect_detection(struct inspect *inspect, const struct detection *detection, uint32_t sensor_id) {
  uint8_t kind = detection->kind < KIND_END ? detection->kind : 0;
  inspect_i64(inspect, "time_ns", detection->time_ns);
  inspect_u64(inspect, "sensor", sensor_id);
  inspect_string(inspect, "kind", inspect_kind_names[kind]);
  for (int slot = 0; slot < 4 && kind; slot++) {
    double min, max;
    uint16_t bit = detection_slot(kind, slot, &min, &max);
    if (bit && (detection->valid & bit) && measure_names[kind][slot])
      inspect_number(inspect, measure_names[kind][slot], detection->measure[slot]);
  }
  if (detection->valid & VALID_SNR) inspect_number(inspect, "snr_db", (double)detection->snr_db);
  for (int slot = 0; slot < 4 && kind; slot++) {
    bool given = (detection->valid & VALID_SIGMAS) && detection->sigma[slot] > 0;
    if (given && sigma_names[kind][slot])
      inspect_number(inspect, sigma_names[kind][slot], (double)detection->sigma[slot]);
  }
  if (detection->valid & VALID_PLATFORM) {
    static const char *const platform_names[3] = {"sensor_x_m", "sensor_y_m", "sensor_z_m"};
    for (int i = 0; i < 3; i++) inspect_number(inspect, platform_names[i], detection->platform_m[i]);
  }
}

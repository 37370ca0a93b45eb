#include "engine/ingest/csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/ingest/wire.h"

enum column {
  COLUMN_TIME,
  COLUMN_SENSOR,
  COLUMN_KIND,
  COLUMN_RANGE,
  COLUMN_AZIMUTH,
  COLUMN_ELEVATION,
  COLUMN_RANGE_RATE,
  COLUMN_HEIGHT,
  COLUMN_X,
  COLUMN_Y,
  COLUMN_Z,
  COLUMN_SNR,
  COLUMN_SIGMA_RANGE,
  COLUMN_SIGMA_AZIMUTH,
  COLUMN_SIGMA_ELEVATION,
  COLUMN_SIGMA_RANGE_RATE,
  COLUMN_SIGMA_HEIGHT,
  COLUMN_SIGMA_X,
  COLUMN_SENSOR_X,
  COLUMN_SENSOR_Y,
  COLUMN_SENSOR_Z,
  COLUMN_TRUTH,
  COLUMNS
};

static const char *const column_names[COLUMNS] = {
    "time_ns",       "sensor",          "kind",              "range_m",            "azimuth_rad",    "elevation_rad",
    "range_rate_mps", "height_m",       "x_m",               "y_m",                "z_m",            "snr_db",
    "sigma_range_m", "sigma_azimuth_rad", "sigma_elevation_rad", "sigma_range_rate_mps", "sigma_height_m", "sigma_x_m",
    "sensor_x_m",    "sensor_y_m",      "sensor_z_m",        "truth"};

static const char *const kind_names[KIND_END] = {[KIND_RADAR] = "radar",
                                                 [KIND_RADAR2D] = "radar2d",
                                                 [KIND_LOS] = "los",
                                                 [KIND_POSITION] = "position"};

/* The columns that fill measure[] and sigma[] of a kind, where detection_slot says that there is one. */
static const uint8_t measure_columns[KIND_END][4] = {
    [KIND_RADAR] = {COLUMN_RANGE, COLUMN_AZIMUTH, COLUMN_ELEVATION, COLUMN_RANGE_RATE},
    [KIND_RADAR2D] = {COLUMN_RANGE, COLUMN_AZIMUTH, COLUMN_HEIGHT, COLUMN_RANGE_RATE},
    [KIND_LOS] = {0, COLUMN_AZIMUTH, COLUMN_ELEVATION, 0},
    [KIND_POSITION] = {COLUMN_X, COLUMN_Y, COLUMN_Z, 0}};
static const uint8_t sigma_columns[KIND_END][4] = {
    [KIND_RADAR] = {COLUMN_SIGMA_RANGE, COLUMN_SIGMA_AZIMUTH, COLUMN_SIGMA_ELEVATION, COLUMN_SIGMA_RANGE_RATE},
    [KIND_RADAR2D] = {COLUMN_SIGMA_RANGE, COLUMN_SIGMA_AZIMUTH, COLUMN_SIGMA_HEIGHT, COLUMN_SIGMA_RANGE_RATE},
    [KIND_LOS] = {0, COLUMN_SIGMA_AZIMUTH, COLUMN_SIGMA_ELEVATION, 0},
    [KIND_POSITION] = {COLUMN_SIGMA_X, COLUMN_SIGMA_X, COLUMN_SIGMA_X, 0}};
static const uint8_t platform_columns[3] = {COLUMN_SENSOR_X, COLUMN_SENSOR_Y, COLUMN_SENSOR_Z};

/* Fields of one line by known column; empty and absent are the same "". */
struct fields {
  const char *text[COLUMNS];
};

void csv_open(struct csv_reader *reader, const char *name, const struct site *site) {
  memset(reader, 0, sizeof *reader);
  reader->name = name;
  reader->site = site;
  if (!site) return;
  for (uint32_t i = 0; i < site->sensor_count; i++) {
    uint32_t at = i; /* insertion into the ids already in order */
    for (; at > 0 && site->sensors[reader->sorted[at - 1]].id > site->sensors[i].id; at--)
      reader->sorted[at] = reader->sorted[at - 1];
    reader->sorted[at] = i;
  }
  reader->sorted_count = site->sensor_count;
}

static uint32_t sensor_find(const struct csv_reader *reader, uint32_t id) {
  if (!reader->site) return id;
  uint32_t low = 0, high = reader->sorted_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (reader->site->sensors[reader->sorted[middle]].id < id) low = middle + 1;
    else high = middle;
  }
  if (low == reader->sorted_count || reader->site->sensors[reader->sorted[low]].id != id) return CSV_SENSOR_UNKNOWN;
  return reader->sorted[low];
}

/* Refuses the line: "FILE:LINE: column NAME: ...". */
#define refuse(reader, line, why, ...)                                                                                   \
  ((line)->refusal = (why), refuse_text(reader, line, __VA_ARGS__), false)

static void __attribute__((format(printf, 3, 4))) refuse_text(const struct csv_reader *reader, struct csv_line *line,
                                                              const char *format, ...) {
  char text[320];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  weft_fail(&line->error, -EINVAL, "%.120s:%" PRIu64 ": %s", reader->name, line->number, text);
}

/* Cuts `text` at its next comma, trims spaces and tabs, and moves *rest behind it; *rest is NULL after the last field. Most fields are a few
 * bytes, many none: the library's search would take longer to begin. */
static char *field_next(char **rest) {
  char *field = *rest, *end = field;
  while (*end != ',' && *end != 0) end++;
  *rest = *end ? end + 1 : NULL;
  while (*field == ' ' || *field == '\t') field++;
  while (end > field && (end[-1] == ' ' || end[-1] == '\t')) end--;
  *end = 0;
  return field;
}

/* Of a field that is not empty. */
static bool number_read(const struct csv_reader *reader, struct csv_line *line, uint8_t column, const char *text,
                        double *value) {
  const char *end;
  *value = decimal_double(text, &end);
  if (*end != 0)
    return refuse(reader, line, REFUSAL_MALFORMED, "column %s: \"%.40s\" is not a number", column_names[column], text);
  if (!__builtin_isfinite(*value))
    return refuse(reader, line, REFUSAL_NOT_FINITE, "column %s: \"%.40s\" is not a finite number", column_names[column],
                  text);
  return true;
}

static bool sigma_read(const struct csv_reader *reader, struct csv_line *line, const struct fields *fields, int slot) {
  struct detection *d = &line->detection;
  uint8_t column = sigma_columns[d->kind][slot];
  double sigma;
  if (*fields->text[column] == 0) return true;
  if (!number_read(reader, line, column, fields->text[column], &sigma)) return false;
  if (!__builtin_isfinite((float)sigma))
    return refuse(reader, line, REFUSAL_NOT_FINITE, "column %s: \"%.40s\" is too large", column_names[column],
                  fields->text[column]);
  if (sigma < 0)
    return refuse(reader, line, REFUSAL_OUT_OF_RANGE, "column %s: a sigma of \"%.40s\" is negative", column_names[column],
                  fields->text[column]);
  d->sigma[slot] = (float)sigma;
  if (d->sigma[slot] > 0) d->valid |= VALID_SIGMAS;
  return true;
}

static bool measures_read(const struct csv_reader *reader, struct csv_line *line, const struct fields *fields) {
  struct detection *d = &line->detection;
  for (int slot = 0; slot < 4; slot++) {
    double min, max;
    uint16_t bit = detection_slot(d->kind, slot, &min, &max);
    uint8_t column = measure_columns[d->kind][slot];
    if (bit == 0) continue;
    if (*fields->text[column] == 0) {
      if (bit == VALID_XYZ)
        return refuse(reader, line, REFUSAL_MALFORMED, "column %s: kind position needs it", column_names[column]);
      continue;
    }
    if (!number_read(reader, line, column, fields->text[column], &d->measure[slot])) return false;
    if (d->measure[slot] < min || d->measure[slot] > max)
      return refuse(reader, line, REFUSAL_OUT_OF_RANGE, "column %s: \"%.40s\" is outside %.17g to %.17g",
                    column_names[column], fields->text[column], min, max);
    d->valid |= bit;
    if (!sigma_read(reader, line, fields, slot)) return false;
  }
  return true;
}

/* sensor_x_m..sensor_z_m: all three or none, and only for a line of sight. */
static bool platform_read(const struct csv_reader *reader, struct csv_line *line, const struct fields *fields) {
  struct detection *d = &line->detection;
  int given = 0;
  for (int i = 0; i < 3; i++) given += *fields->text[platform_columns[i]] != 0;
  if (given == 0) return true;
  if (given < 3 || d->kind != KIND_LOS)
    return refuse(reader, line, REFUSAL_MALFORMED, "%s",
                  d->kind != KIND_LOS ? "sensor_x_m, sensor_y_m and sensor_z_m are for kind los only"
                                      : "sensor_x_m, sensor_y_m and sensor_z_m go together");
  for (int i = 0; i < 3; i++) {
    uint8_t column = platform_columns[i];
    double *p = &d->platform_m[i];
    if (!number_read(reader, line, column, fields->text[column], p)) return false;
    if (*p < -1e8 || *p > 1e8)
      return refuse(reader, line, REFUSAL_OUT_OF_RANGE, "column %s: \"%.40s\" is outside -1e8 to 1e8",
                    column_names[column], fields->text[column]);
  }
  d->valid |= VALID_PLATFORM;
  return true;
}

static bool sensor_read(const struct csv_reader *reader, struct csv_line *line, const struct fields *fields) {
  const char *text = fields->text[COLUMN_SENSOR], *end;
  errno = 0;
  int64_t id = decimal_i64(text, &end);
  if (*text < '0' || *text > '9' || *end != 0 || errno || id > UINT32_MAX)
    return refuse(reader, line, REFUSAL_MALFORMED, "column sensor: \"%.40s\" is not a sensor id", text);
  line->detection.sensor = sensor_find(reader, (uint32_t)id);
  if (line->detection.sensor == CSV_SENSOR_UNKNOWN)
    return refuse(reader, line, REFUSAL_UNKNOWN_SENSOR, "column sensor: no sensor %" PRId64 " in the configuration", id);
  return true;
}

static bool head_read(const struct csv_reader *reader, struct csv_line *line, const struct fields *fields) {
  struct detection *d = &line->detection;
  const char *end;
  if (!sensor_read(reader, line, fields)) return false;
  const char *text = fields->text[COLUMN_TIME];
  errno = 0;
  d->time_ns = decimal_i64(text, &end);
  if (*text == 0 || *end != 0 || errno)
    return refuse(reader, line, REFUSAL_MALFORMED, "column time_ns: \"%.40s\" is not a whole number of nanoseconds", text);
  text = fields->text[COLUMN_KIND];
  for (int kind = KIND_RADAR; kind < KIND_END; kind++)
    if (strcmp(text, kind_names[kind]) == 0) d->kind = (uint8_t)kind;
  if (d->kind == 0)
    return refuse(reader, line, REFUSAL_MALFORMED, "column kind: \"%.40s\" is not radar, radar2d, los or position", text);
  return true;
}

static bool detection_read(const struct csv_reader *reader, struct csv_line *line, const struct fields *fields) {
  struct detection *d = &line->detection;
  if (!head_read(reader, line, fields) || !measures_read(reader, line, fields) || !platform_read(reader, line, fields))
    return false;
  const char *text = fields->text[COLUMN_SNR];
  double snr_db;
  if (*text) {
    if (!number_read(reader, line, COLUMN_SNR, text, &snr_db)) return false;
    d->snr_db = (float)snr_db;
    d->valid |= VALID_SNR;
  }
  switch (detection_check(d)) {
  case WIRE_OK: return true;
  case WIRE_NOT_FINITE: return refuse(reader, line, REFUSAL_NOT_FINITE, "a value is too large");
  case WIRE_OUT_OF_RANGE:
    return refuse(reader, line, REFUSAL_OUT_OF_RANGE, "column time_ns: \"%.40s\" is before 1969-12-20 or after 2255-03-14",
                  fields->text[COLUMN_TIME]);
  default:
    return refuse(reader, line, REFUSAL_MALFORMED, "kind %s needs %s", kind_names[d->kind],
                  d->kind == KIND_RADAR     ? "range_m, azimuth_rad and elevation_rad"
                  : d->kind == KIND_RADAR2D ? "range_m and azimuth_rad"
                                            : "azimuth_rad and elevation_rad");
  }
}

/* Splits a data line and reads it. False: refused. */
static bool line_read(struct csv_reader *reader, struct csv_line *line) {
  struct fields fields;
  for (int i = 0; i < COLUMNS; i++) fields.text[i] = "";
  uint32_t count = 0;
  char *rest = reader->text;
  while (rest && count < CSV_COLUMNS_MAX) {
    char *field = field_next(&rest);
    if (count < reader->columns) fields.text[reader->column[count]] = field;
    count++;
  }
  if (count == reader->columns) return detection_read(reader, line, &fields);
  /* A field too many or too few shifts the others; only the sensor, for the books, is worth a guess. */
  if (sensor_read(reader, line, &fields) || line->refusal == REFUSAL_MALFORMED)
    return refuse(reader, line, REFUSAL_MALFORMED, "%u fields%s where the header has %u", count, rest ? " and more" : "",
                  reader->columns);
  return false;
}

static bool header_read(struct csv_reader *reader, struct csv_line *line) {
  bool seen[COLUMNS] = {false};
  char *rest = reader->text;
  if (strncmp(rest, "\xef\xbb\xbf", 3) == 0) rest += 3;
  while (rest) {
    char *name = field_next(&rest);
    int column = 0;
    while (column < COLUMNS && strcmp(name, column_names[column]) != 0) column++;
    if (column == COLUMNS)
      return refuse(reader, line, REFUSAL_MALFORMED,
                    "unknown column \"%.40s\": the first line must name the columns; see the manual for their names", name);
    if (seen[column]) return refuse(reader, line, REFUSAL_MALFORMED, "column %s is there twice", name);
    seen[column] = true;
    reader->column[reader->columns++] = (uint8_t)column; /* no more than COLUMNS, for none is there twice */
  }
  for (int column = COLUMN_TIME; column <= COLUMN_KIND; column++)
    if (!seen[column]) return refuse(reader, line, REFUSAL_MALFORMED, "the header lacks column %s", column_names[column]);
  return true;
}

static bool text_blank(const char *text) { return text[strspn(text, " \t")] == 0; }

/* Makes something of the line in reader->text. CSV_MORE: it says nothing. */
static enum csv_status line_finish(struct csv_reader *reader, struct csv_line *line) {
  memset(line, 0, sizeof *line);
  line->number = ++reader->line;
  line->offset = reader->offset;
  line->detection.sensor = CSV_SENSOR_UNKNOWN;
  uint32_t length = reader->used;
  bool too_long = reader->too_long;
  reader->used = 0;
  reader->too_long = false;
  if (length > 0 && reader->text[length - 1] == '\r') length--;
  reader->text[length] = 0;
  bool binary = strlen(reader->text) != length;
  if (!too_long && !binary && text_blank(reader->text)) return CSV_MORE;
  bool header = reader->columns == 0;
  if (!header) line->detection.sequence = ++reader->sequence;
  bool ok = true;
  if (too_long) ok = refuse(reader, line, REFUSAL_MALFORMED, "line longer than %d bytes", CSV_LINE_MAX);
  else if (binary) ok = refuse(reader, line, REFUSAL_MALFORMED, "a zero byte: this is not text");
  else ok = header ? header_read(reader, line) : line_read(reader, line);
  if (header && !ok) reader->broken = true;
  if (header) return ok ? CSV_MORE : CSV_BROKEN;
  return ok ? CSV_DETECTION : CSV_REFUSED;
}

enum csv_status csv_take(struct csv_reader *reader, const uint8_t **data, size_t *size, struct csv_line *line) {
  while (!reader->broken && *size > 0) {
    const uint8_t *newline = memchr(*data, '\n', *size);
    size_t taken = newline ? (size_t)(newline - *data) + 1 : *size;
    size_t length = taken - (newline != NULL);
    if (length > CSV_LINE_MAX - reader->used) {
      reader->too_long = true; /* what fits is kept for nothing, the rest dropped */
      length = CSV_LINE_MAX - reader->used;
    }
    memcpy(reader->text + reader->used, *data, length);
    reader->used += (uint32_t)length;
    reader->offset += taken;
    *data += taken;
    *size -= taken;
    if (!newline) break;
    enum csv_status status = line_finish(reader, line);
    if (status != CSV_MORE) return status;
  }
  return reader->broken ? CSV_BROKEN : CSV_MORE;
}

enum csv_status csv_end(struct csv_reader *reader, struct csv_line *line) {
  if (reader->broken) return CSV_BROKEN;
  if (reader->used == 0) return CSV_MORE;
  return line_finish(reader, line);
}

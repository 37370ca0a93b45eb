/* weft inspect on CSV: detections and truth. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ingest/csv.h"
#include "engine/inspect/inspect.h"

struct csv_counts {
  uint64_t detections, refused;
};

static void line_tell(struct inspect *inspect, enum csv_status status, const struct csv_line *line,
                      struct csv_counts *counts) {
  if (status == CSV_REFUSED) {
    counts->refused++;
    inspect_refused(inspect, line->number, refusal_names[line->refusal], line->error.text);
    return;
  }
  counts->detections++;
  uint32_t sensor = line->detection.sensor;
  inspect_begin(inspect);
  inspect_string(inspect, "record", "detection");
  inspect_u64(inspect, "line", line->number);
  inspect_detection(inspect, &line->detection, inspect->site ? inspect->site->sensors[sensor].id : sensor);
  inspect_end(inspect);
}

int inspect_csv(struct inspect *inspect, struct weft_error *err) {
  struct csv_reader *reader = malloc(sizeof *reader);
  if (!reader) return weft_fail(err, -ENOMEM, "out of memory");
  csv_open(reader, inspect->name, inspect->site);
  struct csv_counts counts = {0};
  struct csv_line line;
  bool at_end = false;
  int rc = 0;
  while (rc == 0 && !inspect->failed) {
    enum csv_status status =
        at_end ? csv_end(reader, &line) : csv_take(reader, &inspect->data, &inspect->left, &line);
    if (status == CSV_BROKEN) {
      if (err) *err = line.error;
      rc = -EINVAL;
    } else if (status != CSV_MORE) {
      line_tell(inspect, status, &line, &counts);
    } else if (at_end) {
      break;
    } else {
      int more = inspect_read(inspect, err);
      if (more < 0) rc = more;
      at_end = more == 0;
    }
  }
  if (rc == 0) {
    inspect_begin(inspect);
    inspect_string(inspect, "record", "summary");
    inspect_u64(inspect, "detections", counts.detections);
    inspect_u64(inspect, "refused", counts.refused);
    inspect_end(inspect);
  }
  free(reader);
  return rc;
}

/* Truth: the format of `weft score`, whose own reader is no part of the engine. */

enum truth_column {
  TRUTH_TIME,
  TRUTH_TARGET,
  TRUTH_CLASS,
  TRUTH_PHASE,
  TRUTH_X,
  TRUTH_IMPACT_LAT = TRUTH_X + 6, /* those from here on may be absent */
  TRUTH_IMPACT_LON,
  TRUTH_IMPACT_TIME,
  TRUTH_COLUMNS
};
static const char *const truth_names[TRUTH_COLUMNS] = {
    "time_ns", "target", "class",          "phase",          "x_m",           "y_m", "z_m", "vx_mps",
    "vy_mps",  "vz_mps", "impact_lat_deg", "impact_lon_deg", "impact_time_ns"};
enum { TRUTH_LINE_MAX = 4096, TRUTH_FIELDS_MAX = 64 };

struct truth {
  uint64_t line, rows, refused;
  int columns;                     /* of the header; 0 before it */
  int column[TRUTH_FIELDS_MAX];    /* enum truth_column, -1: another */
  size_t used;
  bool too_long;
  char text[TRUTH_LINE_MAX + 1];
};

/* Cuts the line at its commas; how many fields, TRUTH_FIELDS_MAX + 1 for too many. */
static int fields_split(char *text, char *fields[TRUTH_FIELDS_MAX]) {
  int count = 0;
  for (char *at = text; at; count++) {
    if (count == TRUTH_FIELDS_MAX) return count + 1;
    fields[count] = at;
    at = strchr(at, ',');
    if (at) *at++ = 0;
  }
  return count;
}

static bool whole_read(const char *text, int64_t *value) {
  char *end;
  errno = 0;
  *value = strtoll(text, &end, 10);
  return end != text && *end == 0 && errno == 0;
}

static int truth_header(struct inspect *inspect, struct truth *truth, struct weft_error *err) {
  char *fields[TRUTH_FIELDS_MAX];
  char *text = strncmp(truth->text, "\xef\xbb\xbf", 3) == 0 ? truth->text + 3 : truth->text;
  int count = fields_split(text, fields);
  bool seen[TRUTH_COLUMNS] = {false};
  if (count > TRUTH_FIELDS_MAX)
    return weft_fail(err, -EINVAL, "%s:%" PRIu64 ": more than %d columns", inspect->name, truth->line,
                     TRUTH_FIELDS_MAX);
  for (int i = 0; i < count; i++) {
    truth->column[i] = -1;
    for (int c = 0; c < TRUTH_COLUMNS; c++) {
      if (strcmp(fields[i], truth_names[c]) != 0) continue;
      truth->column[i] = c;
      seen[c] = true;
    }
  }
  for (int c = 0; c < TRUTH_IMPACT_LAT; c++) {
    if (!seen[c])
      return weft_fail(err, -EINVAL, "%s:%" PRIu64 ": the header lacks column %s", inspect->name, truth->line,
                       truth_names[c]);
  }
  truth->columns = count;
  return 0;
}

/* Writes the row's values, or says in `why` what is wrong with it. */
static bool truth_values(struct inspect *inspect, const struct truth *truth, char *const fields[TRUTH_FIELDS_MAX],
                         char why[128]) {
  for (int i = 0; i < truth->columns; i++) {
    int column = truth->column[i];
    const char *text = fields[i];
    if (column < 0 || *text == 0) continue;
    int64_t whole;
    char *end;
    double value;
    switch (column) {
    case TRUTH_TARGET:
    case TRUTH_CLASS:
    case TRUTH_PHASE:
      inspect_string(inspect, truth_names[column], text);
      break;
    case TRUTH_TIME:
    case TRUTH_IMPACT_TIME:
      if (!whole_read(text, &whole)) {
        snprintf(why, 128, "column %s: \"%.40s\" is not a whole number of nanoseconds", truth_names[column],
                 text);
        return false;
      }
      inspect_i64(inspect, truth_names[column], whole);
      break;
    default:
      value = strtod(text, &end);
      if (end == text || *end || !__builtin_isfinite(value)) {
        snprintf(why, 128, "column %s: \"%.40s\" is not a finite number", truth_names[column], text);
        return false;
      }
      inspect_number(inspect, truth_names[column], value);
    }
  }
  return true;
}

static void truth_row(struct inspect *inspect, struct truth *truth) {
  char *fields[TRUTH_FIELDS_MAX], why[128] = "";
  int count = fields_split(truth->text, fields);
  if (truth->too_long)
    snprintf(why, sizeof why, "line longer than %d bytes", TRUTH_LINE_MAX);
  else if (count != truth->columns)
    snprintf(why, sizeof why, "%d fields where the header has %d", count, truth->columns);
  inspect_begin(inspect);
  inspect_string(inspect, "record", "truth");
  inspect_u64(inspect, "line", truth->line);
  if (truth->too_long || count != truth->columns || !truth_values(inspect, truth, fields, why)) {
    truth->refused++;
    inspect_refused(inspect, truth->line, "malformed", why);
    return;
  }
  truth->rows++;
  inspect_end(inspect);
}

static int truth_line(struct inspect *inspect, struct truth *truth, struct weft_error *err) {
  truth->line++;
  if (truth->used > 0 && truth->text[truth->used - 1] == '\r') truth->used--;
  truth->text[truth->used] = 0;
  int rc = 0;
  if (truth->used > 0 || truth->too_long) {
    if (truth->columns)
      truth_row(inspect, truth);
    else
      rc = truth_header(inspect, truth, err);
  }
  truth->used = 0;
  truth->too_long = false;
  return rc;
}

int inspect_truth(struct inspect *inspect, struct weft_error *err) {
  struct truth *truth = calloc(1, sizeof *truth);
  if (!truth) return weft_fail(err, -ENOMEM, "out of memory");
  int rc = 0, more = 1;
  while (rc == 0 && more == 1 && !inspect->failed) {
    for (size_t i = 0; i < inspect->left && rc == 0 && !inspect->failed; i++) {
      char c = (char)inspect->data[i];
      if (c == '\n')
        rc = truth_line(inspect, truth, err);
      else if (truth->used < TRUTH_LINE_MAX)
        truth->text[truth->used++] = (char)(c ? c : '?');
      else
        truth->too_long = true;
    }
    if (rc == 0) more = inspect_read(inspect, err);
    if (more < 0) rc = more;
  }
  if (rc == 0 && (truth->used > 0 || truth->too_long)) rc = truth_line(inspect, truth, err);
  if (rc == 0) {
    inspect_begin(inspect);
    inspect_string(inspect, "record", "summary");
    inspect_u64(inspect, "rows", truth->rows);
    inspect_u64(inspect, "refused", truth->refused);
    inspect_end(inspect);
  }
  free(truth);
  return rc;
}

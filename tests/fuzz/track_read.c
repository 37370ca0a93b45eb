/* Bytes as another centre's track file, as they come and as the fields of a line made up beforehand; and
 * reports that the input fills, written as lines and read again. Whole and in pieces it reads the same, and
 * what is taken is sound. */
// length: 96
#include <stdio.h>

#include "engine/domain/report.h"
#include "engine/emit/track_line.h"
#include "engine/ingest/track_read.h"
#include "engine/ingest/wire.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/fuzz_json.h"

enum { MODE_RAW, MODE_FIELDS, MODE_REPORT, MODES, TEXT_MAX = 16384, LINE_ROOM = 2048 };

static const struct site site = {.centre = "A1"};
static const struct site other = {.centre = "B2",
                                  .sensor_count = 3,
                                  .nation_count = 2,
                                  .nations = {"C", "D"},
                                  .sensors = {{.id = 9}, {.id = 4, .nation_index = 1}, {.id = UINT32_MAX}}};
static struct foreign_names names;

static uint64_t line_digest(enum track_read_status status, const struct track_read_line *line) {
  if (status != TRACK_READ_TRACK) {
    weft_assert(line->error.text[0] != 0);
    return (uint64_t)line->refusal + 1;
  }
  const struct foreign_track *t = &line->track;
  weft_assert(t->centre < names.centre_count && t->status <= STATUS_LOST && t->class_ <= CLASS_ORBITAL &&
              t->phase <= PHASE_CRUISE);
  weft_assert(t->first_time_ns >= 0 && t->first_time_ns <= t->time_ns &&
              t->sensor_count <= FOREIGN_SENSORS_MAX);
  weft_assert(t->existence >= 0 && t->existence <= 1);
  double radius = hypot(hypot(t->position_m[0], t->position_m[1]), t->position_m[2]);
  weft_assert(radius > 5.999e6 && radius < 1.001e8);
  for (int i = 0; i < 3; i++) weft_assert(fabs(t->velocity_mps[i]) <= 20000);
  for (int i = 0; i < 21; i++) weft_assert(isfinite(t->covariance[i]));
  static const int diagonal[] = {0, 6, 11, 15, 18, 20};
  for (int i = 0; i < 6; i++) weft_assert(t->covariance[diagonal[i]] > 0);
  for (int i = 1; i < t->sensor_count; i++) weft_assert(t->sensors[i - 1] <= t->sensors[i]);
  return wire_crc32c(line->exercise, t, sizeof *t);
}

/* What came of one reading. */
struct reading {
  uint64_t sum;
  uint32_t tracks, refused;
  struct track_read_line last; /* taken */
};

/* False where the file is broken. */
static bool line_add(struct reading *reading, enum track_read_status status,
                     const struct track_read_line *line) {
  if (status == TRACK_READ_BROKEN) return false;
  reading->sum = reading->sum * 31 + line_digest(status, line);
  reading->refused += status == TRACK_READ_REFUSED;
  reading->tracks += status == TRACK_READ_TRACK;
  if (status == TRACK_READ_TRACK) reading->last = *line;
  return true;
}

static struct reading read_chunks(const uint8_t *data, size_t size, size_t chunk) {
  static struct track_reader reader;
  struct reading reading = {0};
  struct track_read_line line;
  enum track_read_status status;
  memset(&names, 0, sizeof names);
  track_read_open(&reader, "fuzz", &site, &names);
  for (size_t at = 0; at < size; at += chunk) {
    const uint8_t *from = data + at;
    size_t left = size - at < chunk ? size - at : chunk;
    while ((status = track_read_take(&reader, &from, &left, &line)) != TRACK_READ_MORE)
      if (!line_add(&reading, status, &line)) return reading;
  }
  status = track_read_end(&reader, &line);
  if (status != TRACK_READ_MORE) line_add(&reading, status, &line);
  return reading;
}

static struct reading text_check(const uint8_t *text, size_t size, size_t chunk) {
  struct reading whole = read_chunks(text, size, size + 1);
  struct reading pieces = chunk ? read_chunks(text, size, chunk) : whole;
  weft_assert(whole.sum == pieces.sum && whole.tracks == pieces.tracks && whole.refused == pieces.refused);
  return whole;
}

/* What may stand in a field besides what belongs there. */
static const char *const odd[] = {"null",
                                  "true",
                                  "[]",
                                  "{}",
                                  "\"\"",
                                  "-1",
                                  "1e300",
                                  "1e-300",
                                  "0",
                                  "\"A1\"",
                                  "[1,2,3]",
                                  "9223372036854775807",
                                  "18446744073709551616",
                                  "\"boost\"",
                                  "1.5",
                                  "[[1],[2]]"};
enum { ODD = sizeof odd / sizeof odd[0] };
static const char *const fields[][2] = {
    {"time_ns", "1700000000000000000"},
    {"centre", "\"B2\""},
    {"track", "17"},
    {"status", "\"confirmed\""},
    {"class", "\"ballistic\""},
    {"phase", "\"coast\""},
    {"exercise", "false"},
    {"position_ecef_m", "[6500000,1000,2000]"},
    {"velocity_ecef_mps", "[3000,10,-20]"},
    {"covariance", "[100,0,0,0,0,0,100,0,0,0,0,100,0,0,0,4,0,0,4,0,4]"},
    {"existence", "0.99"},
    {"phase_probability", "{\"boost\":0.1,\"coast\":0.8,\"reentry\":0.1}"},
    {"sensors", "[101,7]"},
    {"nations", "[\"C\"]"},
    {"detections", "12"},
    {"first_time_ns", "1690000000000000000"},
    {"launch", "{\"lat_deg\":1}"},
    {"missed", "3"}};
enum { FIELDS = sizeof fields / sizeof fields[0], MISSED = FIELDS - 1 };

/* One line: each field as it should be, left out, odd, or the input's own bytes. */
static size_t fields_line(struct input *in, char *to, size_t room) {
  size_t used = (size_t)snprintf(to, room, "{"), given;
  for (size_t f = 0; f < FIELDS; f++) {
    uint8_t how = input_u8(in);
    if (f == MISSED && how != 1) continue;
    if (how >= 0xc0 && how < 0xf8) continue;
    used += (size_t)snprintf(to + used, room - used, "%s\"%s\":", used > 1 ? "," : "", fields[f][0]);
    if (how >= 0xf8) {
      const char *own = (const char *)input_piece(in, how - 0xf8u, &given);
      used += (size_t)snprintf(to + used, room - used, "%.*s", (int)given, given ? own : "");
    } else {
      used += (size_t)snprintf(to + used, room - used, "%s", how < 0xa0 ? fields[f][1] : odd[how % ODD]);
    }
  }
  return used + (size_t)snprintf(to + used, room - used, "}\n");
}

static void fields_take(struct input *in, size_t chunk) {
  static char text[TEXT_MAX];
  size_t used = 0;
  while (in->left > 0 && used < TEXT_MAX - LINE_ROOM) used += fields_line(in, text + used, TEXT_MAX - used);
  text_check((const uint8_t *)text, used, chunk);
}

static double value_take(struct input *in, double scale) {
  uint8_t how = input_u8(in);
  return how == 255 ? input_double(in) : (how - 127) * scale;
}

/* A report as the tracker makes them, with any bits in a value now and then. */
static void report_fill(struct input *in, struct track_report *report) {
  *report = (struct track_report){
      .time_ns = (int64_t)(input_u64(in) >> 1), .track = input_u64(in) >> 1, .detections = input_u16(in)};
  report->first_time_ns = report->time_ns - input_u8(in);
  report->status = input_u8(in) % 4;
  report->class_ = input_u8(in) % 5;
  report->phase = input_u8(in) % 5;
  report->has_phase = input_u8(in) & 1;
  report->position_m[0] = 7e6;
  for (int i = 0; i < 3; i++)
    report->position_m[i] += value_take(in, 1234.56789), report->velocity_mps[i] = value_take(in, 45.678912);
  static const int diagonal[] = {0, 6, 11, 15, 18, 20};
  for (int i = 0; i < 6; i++) report->covariance[diagonal[i]] = 1000.25 + value_take(in, 3.14159);
  report->covariance[1 + input_u8(in) % 20] += value_take(in, 1.0);
  report->existence = input_u8(in) / 255.0;
  for (int i = 0; i < 3; i++) report->phase_probability[i] = input_u8(in) / 255.0;
  report->sensors[0] = input_u8(in) & 7;
}

/* A line that was written is read as what it says, to the digits that it has; it may be refused for its
 * numbers, never for its form. */
static void report_take(struct input *in) {
  static char line[TRACK_LINE_MAX];
  struct track_report report;
  report_fill(in, &report);
  size_t size = track_line_write(line, sizeof line, &report, &other, TRACK_LINE_LATENCY_NONE);
  if (size == 0) return;
  struct reading reading = text_check((const uint8_t *)line, size, 0);
  weft_assert(reading.tracks + reading.refused == 1 && line[size - 1] == '\n');
  if (reading.tracks == 0) return;
  const struct foreign_track *t = &reading.last.track;
  weft_assert(t->time_ns == report.time_ns && t->first_time_ns == report.first_time_ns &&
              t->track == report.track);
  weft_assert(t->status == report.status && t->class_ == report.class_ && t->detections == report.detections);
  weft_assert(t->has_phase == report.has_phase && (!t->has_phase || t->phase == report.phase));
  weft_assert(t->sensor_count == __builtin_popcountll(report.sensors[0]) &&
              fabs(t->existence - report.existence) < 1e-6);
  for (int i = 0; i < 3; i++)
    weft_assert(fabs(t->position_m[i] - report.position_m[i]) < 1e-3 &&
                fabs(t->velocity_mps[i] - report.velocity_mps[i]) < 1e-4);
  for (int i = 0; i < 21; i++)
    weft_assert(fabs(t->covariance[i] - report.covariance[i]) <= 2e-7 * fabs(report.covariance[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  size_t chunk = choice >> 2;
  fuzz_json_begin();
  switch (choice % MODES) {
  case MODE_RAW:
    text_check(in.at, in.left, chunk);
    break;
  case MODE_FIELDS:
    fields_take(&in, chunk);
    break;
  default:
    report_take(&in);
    break;
  }
  fuzz_json_end();
  return 0;
}

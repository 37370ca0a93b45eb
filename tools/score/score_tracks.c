#include "tools/score/score_tracks.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/progress.h"

struct reader {
  struct tracks *tracks;
  const char *path;
  long line;
  struct weft_error *err;
};

static int line_refuse(const struct reader *r, const char *what) {
  return weft_fail(r->err, -EINVAL,
                   "%s:%ld: %s; each line must be one track object as `weft fuse --tracks` writes it",
                   r->path, r->line, what);
}

/* Numbers of a JSON array of exactly `count` finite numbers. */
static bool numbers_get(const json_t *array, size_t count, double *value) {
  if (!json_is_array(array) || json_array_size(array) != count) return false;
  for (size_t i = 0; i < count; i++) {
    const json_t *item = json_array_get(array, i);
    if (!json_is_number(item)) return false;
    value[i] = json_number_value(item);
  }
  return true;
}

static double real_get(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool time_possible(int64_t time_ns) { return time_ns >= SCORE_TIME_MIN_NS && time_ns <= SCORE_TIME_MAX_NS; }

/* Adds the launch or impact of a line; -1 where it is absent or says no place, or a time that can't be. */
static int32_t forecast_add(struct tracks *tracks, const json_t *object) {
  if (!json_is_object(object)) return -1;
  struct forecast f = {.place = {real_get(object, "lat_deg"), real_get(object, "lon_deg"), 0},
                       .time_ns = json_integer_value(json_object_get(object, "time_ns")),
                       .time_sigma_s = real_get(object, "time_sigma_s"),
                       .semi_major_m = real_get(object, "semi_major_m"),
                       .semi_minor_m = real_get(object, "semi_minor_m"),
                       .orientation_deg = real_get(object, "orientation_deg"),
                       .probability = real_get(object, "probability")};
  if (!isfinite(f.place.lat_deg) || !isfinite(f.place.lon_deg) || !time_possible(f.time_ns)) return -1;
  tracks->forecast =
      score_grow(tracks->forecast, tracks->forecast_count, &tracks->forecast_capacity, sizeof f);
  tracks->forecast[tracks->forecast_count] = f;
  return (int32_t)tracks->forecast_count++;
}

static int words_get(const struct reader *r, const json_t *object, struct track_line *line) {
  const char *status = json_string_value(json_object_get(object, "status"));
  const char *class_text = json_string_value(json_object_get(object, "class"));
  const char *phase_text = json_string_value(json_object_get(object, "phase"));
  line->status = STATUS_CONFIRMED;
  if (status && !strcmp(status, "tentative"))
    line->status = STATUS_TENTATIVE;
  else if (status && !strcmp(status, "lost"))
    line->status = STATUS_LOST;
  else if (status && strcmp(status, "confirmed") != 0)
    return line_refuse(r, "status must be tentative, confirmed or lost");
  int class_found = class_text ? class_parse(class_text) : CLASS_UNKNOWN;
  int phase_found = phase_text ? phase_parse(phase_text) : PHASE_ABSENT;
  if (class_found < 0) return line_refuse(r, "class must be unknown, ballistic, aircraft or orbital");
  if (phase_found < 0) return line_refuse(r, "phase must be boost, coast, reentry or cruise");
  line->class = (uint8_t)class_found;
  line->phase = (uint8_t)phase_found;
  return 0;
}

/* The index of a track's name; a new one continues none so far. */
static uint32_t track_name(struct tracks *tracks, const char *name) {
  size_t before = tracks->names.count;
  uint32_t index = names_add(&tracks->names, name);
  if (index < before) return index;
  tracks->continues =
      score_grow(tracks->continues, before, &tracks->continues_capacity, sizeof *tracks->continues);
  tracks->continues[index] = -1;
  return index;
}

static int continues_take(const struct reader *r, const json_t *object, const char *centre, uint32_t track) {
  const json_t *old = json_object_get(object, "continues");
  if (!old) return 0;
  if (!json_is_integer(old)) return line_refuse(r, "continues must be the number of a track");
  char name[NAME_BYTES_MAX];
  snprintf(name, sizeof name, "%.60s/%lld", centre ? centre : "", (long long)json_integer_value(old));
  int64_t found = names_find(&r->tracks->names, name);
  if (found == track) return line_refuse(r, "a track can't continue itself");
  if (found < 0)
    r->tracks->continues_unknown++;
  else
    r->tracks->continues[track] = (int32_t)found;
  return 0;
}

/* What the line says of the innovations of the detections it used. */
static int innovation_take(const struct reader *r, const json_t *object, struct track_line *line) {
  const json_t *innovation = json_object_get(object, "innovation");
  line->nis = NAN;
  if (!innovation) return 0;
  double nis = real_get(innovation, "nis");
  json_int_t dof = json_integer_value(json_object_get(innovation, "dof"));
  if (!(nis >= 0) || !isfinite(nis) || dof < 1 || dof > UINT16_MAX)
    return line_refuse(r, "innovation must have nis, 0 or more, and dof, a whole number from 1 to 65535");
  line->nis = (float)nis;
  line->nis_dof = (uint16_t)dof;
  return 0;
}

static int line_use(const struct reader *r, const json_t *object) {
  struct tracks *tracks = r->tracks;
  const json_t *missed = json_object_get(object, "missed"), *number = json_object_get(object, "track");
  if (json_is_integer(missed) && !number) {
    tracks->missed += json_integer_value(missed);
    tracks->missed_lines++;
    return 0;
  }
  const json_t *time = json_object_get(object, "time_ns"), *latency = json_object_get(object, "latency_us");
  struct track_line line = {.impact = -1, .launch = -1};
  if (!json_is_integer(time) || !time_possible(json_integer_value(time)))
    return line_refuse(r, "time_ns must be an integer, 1969-12-20 to 2255-03-14");
  if (!json_is_integer(number)) return line_refuse(r, "track must be an integer");
  if (!numbers_get(json_object_get(object, "position_ecef_m"), 3, line.position_m))
    return line_refuse(r, "position_ecef_m must be three numbers");
  line.time_ns = json_integer_value(time);
  line.velocity_known = numbers_get(json_object_get(object, "velocity_ecef_mps"), 3, line.velocity_mps);
  line.covariance_known = numbers_get(json_object_get(object, "covariance"), 21, line.covariance);
  int code = words_get(r, object, &line);
  if (!code) code = innovation_take(r, object, &line);
  if (code) return code;
  line.impact = forecast_add(tracks, json_object_get(object, "impact"));
  line.launch = forecast_add(tracks, json_object_get(object, "launch"));
  const char *centre = json_string_value(json_object_get(object, "centre"));
  char name[NAME_BYTES_MAX];
  snprintf(name, sizeof name, "%.60s/%lld", centre ? centre : "", (long long)json_integer_value(number));
  line.track = track_name(tracks, name);
  code = continues_take(r, object, centre, line.track);
  if (code) return code;
  if (json_is_number(latency)) {
    tracks->latency_us = score_grow(tracks->latency_us, tracks->latency_count, &tracks->latency_capacity,
                                    sizeof *tracks->latency_us);
    tracks->latency_us[tracks->latency_count++] = json_number_value(latency);
  }
  tracks->line = score_grow(tracks->line, tracks->line_count, &tracks->line_capacity, sizeof *tracks->line);
  tracks->line[tracks->line_count++] = line;
  return 0;
}

static int line_parse(const struct reader *r, const char *text, size_t bytes) {
  json_error_t trouble;
  json_t *object = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &trouble);
  if (!object)
    return weft_fail(r->err, -EINVAL,
                     "%s:%ld: no JSON: %s (column %d); cut the file before this line or write it again",
                     r->path, r->line, trouble.text, trouble.column);
  int code = json_is_object(object) ? line_use(r, object) : line_refuse(r, "not a JSON object");
  json_decref(object);
  return code;
}

struct line_key {
  int64_t time_ns;
  uint32_t track;
  uint32_t at;
};

static int key_order(const void *left, const void *right) {
  const struct line_key *a = left, *b = right;
  if (a->track != b->track) return a->track < b->track ? -1 : 1;
  if (a->time_ns != b->time_ns) return a->time_ns < b->time_ns ? -1 : 1;
  return (a->at > b->at) - (a->at < b->at);
}

/* Sorts the lines by track and time; lines of equal time keep the order of the file. */
static void lines_sort(struct tracks *tracks) {
  size_t count = tracks->line_count;
  struct line_key *key = score_take(count, sizeof *key);
  for (size_t i = 0; i < count; i++)
    key[i] = (struct line_key){tracks->line[i].time_ns, tracks->line[i].track, (uint32_t)i};
  qsort(key, count, sizeof *key, key_order);
  struct track_line *sorted = score_take(count, sizeof *sorted);
  tracks->track = score_take(tracks->names.count, sizeof *tracks->track);
  for (size_t i = 0; i < tracks->names.count; i++)
    tracks->track[i].confirmed_ns = tracks->track[i].lost_ns = INT64_MAX;
  for (size_t i = 0; i < count; i++) {
    sorted[i] = tracks->line[key[i].at];
    struct track *track = &tracks->track[sorted[i].track];
    if (!track->count++) track->first = i;
    if (sorted[i].status == STATUS_CONFIRMED && track->confirmed_ns == INT64_MAX)
      track->confirmed_ns = sorted[i].time_ns;
    if (sorted[i].status == STATUS_LOST && track->lost_ns == INT64_MAX) track->lost_ns = sorted[i].time_ns;
  }
  free(key);
  free(tracks->line);
  tracks->line = sorted;
  tracks->line_capacity = count;
}

int tracks_read(struct tracks *tracks, const char *path, struct weft_error *err) {
  memset(tracks, 0, sizeof *tracks);
  FILE *file = fopen(path, "r");
  if (!file)
    return weft_fail(err, -errno, "%s: can't be opened: %s; give the path of a track file (JSON lines)", path,
                     strerror(errno));
  struct stat about;
  int64_t total = fstat(fileno(file), &about) ? 0 : about.st_size, done = 0;
  struct reader reader = {.tracks = tracks, .path = path, .err = err};
  char *text = NULL;
  size_t size = 0;
  ssize_t bytes = 0;
  int code = 0;
  while (!code && (bytes = getline(&text, &size, file)) >= 0) {
    reader.line++;
    done += bytes;
    if (text[strspn(text, " \t\r\n")]) code = line_parse(&reader, text, (size_t)bytes);
    progress_show("reading tracks", done, total);
  }
  if (!code && ferror(file)) code = weft_fail(err, -EIO, "%s:%ld: can't be read", path, reader.line + 1);
  free(text);
  (void)fclose(file);
  if (!code) lines_sort(tracks);
  return code;
}

const struct track_line *track_newest(const struct tracks *tracks, size_t index, int64_t time_ns) {
  const struct track *track = &tracks->track[index];
  const struct track_line *line = tracks->line + track->first;
  size_t low = 0, high = track->count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (line[middle].time_ns <= time_ns)
      low = middle + 1;
    else
      high = middle;
  }
  return low ? &line[low - 1] : NULL;
}

void track_carry(const struct track_line *line, int64_t time_ns, double position_m[3],
                 double velocity_mps[3]) {
  double dt_s = (double)(time_ns - line->time_ns) * 1e-9;
  memcpy(position_m, line->position_m, 3 * sizeof *position_m);
  for (int i = 0; i < 3; i++) velocity_mps[i] = line->velocity_known ? line->velocity_mps[i] : 0;
  if (!line->velocity_known || dt_s == 0) return;
  bool falls = (line->class == CLASS_BALLISTIC || line->class == CLASS_ORBITAL) && line->phase != PHASE_BOOST;
  if (falls) {
    earth_fall(position_m, velocity_mps, dt_s);
    return;
  }
  for (int i = 0; i < 3; i++) position_m[i] += line->velocity_mps[i] * dt_s;
}

void tracks_free(struct tracks *tracks) {
  names_free(&tracks->names);
  free(tracks->line);
  free(tracks->track);
  free(tracks->continues);
  free(tracks->forecast);
  free(tracks->latency_us);
  memset(tracks, 0, sizeof *tracks);
}

#include "engine/ingest/track_read.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "engine/domain/report.h"
#include "engine/ingest/wire.h"
#include "kernels/wk.h"

static const double near_m = 6000e3, far_m = 1e8, fast_mps = 20000;
static const double variance_max = 1e16;
static const double root_least = 1e-12; /* pivot over variance: less is no covariance that could be used */
static const double print_loss =
    1e-7; /* what nine printed digits may cost a covariance that is nearly singular */

void track_read_open(struct track_reader *reader, const char *name, const struct site *site,
                     struct foreign_names *names) {
  reader->site = site;
  reader->names = names;
  reader->name = name;
  reader->line = 0;
  reader->used = 0;
  reader->too_long = reader->broken = false;
}

/* jansson's tests of a type are macros of several conditions; the longer ones stand here once. */
static bool is_whole(const json_t *value) { return json_is_integer(value); }

static bool is_number(const json_t *value) { return json_is_number(value); }

static bool truth_take(const json_t *value, bool *out) {
  *out = json_is_true(value);
  return *out || json_is_false(value);
}

static int name_index(const json_t *value, const char *const *names, int count) {
  const char *text = json_string_value(value);
  for (int i = 0; text && i < count; i++) {
    if (strcmp(text, names[i]) == 0) return i;
  }
  return -1;
}

/* Place of a name in a table that grows; `count` itself where there is no more room. */
static uint32_t table_index(char (*table)[SITE_NAME_MAX], uint32_t *count, uint32_t max, const char *name) {
  for (uint32_t i = 0; i < *count; i++) {
    if (strcmp(table[i], name) == 0) return i;
  }
  if (*count == max) return max;
  memcpy(table[*count], name, strlen(name) + 1);
  return (*count)++;
}

static bool numbers_take(const json_t *value, double *out, size_t count) {
  if (!json_is_array(value) || json_array_size(value) != count) return false;
  for (size_t i = 0; i < count; i++) {
    const json_t *item = json_array_get(value, i);
    if (!is_number(item)) return false;
    out[i] = json_number_value(item);
  }
  return true;
}

static bool name_fits(const json_t *value) {
  return json_is_string(value) && json_string_length(value) > 0 && json_string_length(value) < SITE_NAME_MAX;
}

static bool sensors_take(const json_t *list, struct foreign_track *track) {
  if (!json_is_array(list)) return false;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    if (!is_whole(item) || json_integer_value(item) < 0 || json_integer_value(item) > UINT32_MAX)
      return false;
    uint32_t id = (uint32_t)json_integer_value(item), at = track->sensor_count;
    if (at == FOREIGN_SENSORS_MAX) {
      track->sensors_more = true;
      continue;
    }
    for (; at > 0 && track->sensors[at - 1] > id; at--) track->sensors[at] = track->sensors[at - 1];
    track->sensors[at] = id;
    track->sensor_count++;
  }
  return true;
}

static bool nations_take(const json_t *list, struct foreign_names *names, struct foreign_track *track) {
  if (!json_is_array(list)) return false;
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *item = json_array_get(list, i);
    if (!name_fits(item)) return false;
    uint32_t at =
        table_index(names->nations, &names->nation_count, FOREIGN_NATIONS_MAX, json_string_value(item));
    if (at < FOREIGN_NATIONS_MAX) track->nations |= (uint32_t)1 << at;
    track->nations_more |= at >= FOREIGN_NATIONS_MAX;
  }
  return true;
}

/* Cholesky, only to know whether it is a covariance. */
static bool covariance_definite(const double p[21]) {
  double u[6][6];
  for (int j = 0; j < 6; j++) {
    double variance = p[WK_AT(6, j, j)], pivot = variance;
    for (int k = 0; k < j; k++) pivot -= u[k][j] * u[k][j];
    if (!(variance > 0 && variance < variance_max) || !(pivot > root_least * variance)) return false;
    u[j][j] = sqrt(pivot);
    for (int i = j + 1; i < 6; i++) {
      double sum = p[WK_AT(6, j, i)];
      for (int k = 0; k < j; k++) sum -= u[k][j] * u[k][i];
      u[j][i] = sum / u[j][j];
    }
  }
  return true;
}

/* A covariance that printing has rounded out of definiteness is widened by as much. */
static bool covariance_mend(double p[21]) {
  if (covariance_definite(p)) return true;
  for (int i = 0; i < 6; i++) p[WK_AT(6, i, i)] *= 1 + print_loss;
  return covariance_definite(p);
}

static double norm3(const double v[3]) {
  return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

/* The numbers of a line whose form is right. */
static const char *track_weigh(struct foreign_track *t, enum refusal *refusal) {
  *refusal = REFUSAL_NOT_FINITE;
  double sum = t->existence;
  for (int i = 0; i < 3; i++) sum += fabs(t->position_m[i]) + fabs(t->velocity_mps[i]);
  for (int i = 0; i < 21; i++) sum += fabs(t->covariance[i]);
  if (!isfinite(sum)) return "a number is not finite";
  *refusal = REFUSAL_OUT_OF_RANGE;
  if (t->time_ns < 0 || t->time_ns > TIME_MAX_NS || t->first_time_ns < 0 || t->first_time_ns > t->time_ns)
    return "time_ns is before first_time_ns, or one of them before 1970 or after 2255";
  double r = norm3(t->position_m);
  if (r < near_m || r > far_m)
    return "position_ecef_m is not between 6,000 and 100,000 km from the Earth's centre";
  if (norm3(t->velocity_mps) > fast_mps) return "velocity_ecef_mps is above 20 km/s";
  if (!covariance_mend(t->covariance)) return "covariance is not positive definite";
  return NULL;
}

static const char *phase_take(const json_t *line, struct foreign_track *t) {
  const json_t *phase = json_object_get(line, "phase"), *shares = json_object_get(line, "phase_probability");
  t->has_phase = phase != NULL;
  if (phase) {
    int at = name_index(phase, track_phase_names, PHASE_CRUISE + 1);
    if (at < 0) return "phase is not boost, coast, reentry or cruise";
    t->phase = (uint8_t)at;
  }
  for (int i = 0; i < 3; i++) {
    const json_t *share = shares ? json_object_get(shares, track_phase_names[i]) : NULL;
    t->phase_probability[i] = shares ? json_number_value(share) : phase && t->phase == i ? 1 : 0;
    if (shares &&
        (!is_number(share) || !(t->phase_probability[i] >= 0 && t->phase_probability[i] <= 1))) {
      return "phase_probability is not three probabilities";
    }
  }
  return NULL;
}

/* What is wrong with the form of a track line, or NULL. */
static const char *form_take(const json_t *line, struct track_read_line *out) {
  struct foreign_track *t = &out->track;
  static const char *const keys[] = {"time_ns", "first_time_ns", "track", "detections"};
  static const char *const wrong[] = {"time_ns is not a whole number", "first_time_ns is not a whole number",
                                      "track is not a whole number", "detections is not a whole number"};
  int64_t whole[4];
  for (int i = 0; i < 4; i++) {
    const json_t *value = json_object_get(line, keys[i]);
    if (!is_whole(value) || (i >= 2 && json_integer_value(value) < 0)) return wrong[i];
    whole[i] = json_integer_value(value);
  }
  t->time_ns = whole[0];
  t->first_time_ns = whole[1];
  t->track = (uint64_t)whole[2];
  t->detections = (uint64_t)whole[3];
  if (!truth_take(json_object_get(line, "exercise"), &out->exercise)) return "exercise is neither true nor false";
  int status = name_index(json_object_get(line, "status"), track_status_names, STATUS_LOST + 1);
  int class_ = name_index(json_object_get(line, "class"), track_class_names, CLASS_ORBITAL + 1);
  if (status < 0) return "status is not tentative, confirmed or lost";
  if (class_ < 0) return "class is not unknown, ballistic, aircraft or orbital";
  t->status = (uint8_t)status;
  t->class_ = (uint8_t)class_;
  if (!numbers_take(json_object_get(line, "position_ecef_m"), t->position_m, 3))
    return "position_ecef_m is not 3 numbers";
  if (!numbers_take(json_object_get(line, "velocity_ecef_mps"), t->velocity_mps, 3)) {
    return "velocity_ecef_mps is not 3 numbers";
  }
  if (!numbers_take(json_object_get(line, "covariance"), t->covariance, 21))
    return "covariance is not 21 numbers";
  const json_t *existence = json_object_get(line, "existence");
  t->existence = json_number_value(existence);
  if (!is_number(existence) || !(t->existence >= 0 && t->existence <= 1))
    return "existence is not a probability";
  if (!sensors_take(json_object_get(line, "sensors"), t)) return "sensors is not a list of ids";
  return phase_take(line, t);
}

/* Centre and nations get their places last: of the lines refused, only one whose names themselves are wrong
 * or too many leaves a name behind. */
static enum track_read_status names_take(struct track_reader *reader, const json_t *line,
                                         struct track_read_line *out, const char **why) {
  const json_t *centre = json_object_get(line, "centre");
  out->refusal = REFUSAL_MALFORMED;
  *why = "centre is not a name of 1 to 63 bytes";
  if (!name_fits(centre)) return TRACK_READ_REFUSED;
  if (strcmp(json_string_value(centre), reader->site->centre) == 0) {
    reader->broken = true;
    weft_fail(
        &out->error, 0,
        "%s:%llu: these are tracks of centre %s, which is this one: fusing them with the detections they "
        "were made of would count everything twice; give each centre a name of its own",
        reader->name, (unsigned long long)reader->line, reader->site->centre);
    return TRACK_READ_BROKEN;
  }
  *why = "nations is not a list of names";
  if (!nations_take(json_object_get(line, "nations"), reader->names, &out->track)) return TRACK_READ_REFUSED;
  out->track.centre = table_index(reader->names->centres, &reader->names->centre_count, FOREIGN_CENTRES_MAX,
                                  json_string_value(centre));
  out->refusal = REFUSAL_OVER_BUDGET;
  *why = "more than 8 centres";
  return out->track.centre < FOREIGN_CENTRES_MAX ? TRACK_READ_TRACK : TRACK_READ_REFUSED;
}

static enum track_read_status line_judge(struct track_reader *reader, struct track_read_line *out) {
  memset(&out->track, 0, sizeof out->track);
  out->refusal = REFUSAL_MALFORMED;
  json_error_t trouble;
  json_t *line =
      reader->too_long ? NULL : json_loadb(reader->text, reader->used, JSON_REJECT_DUPLICATES, &trouble);
  const char *why = reader->too_long ? "longer than 65,536 bytes" : "not a JSON object";
  enum track_read_status status = TRACK_READ_REFUSED;
  if (line &&
      (is_whole(json_object_get(line, "missed")) || json_is_object(json_object_get(line, "ledger")))) {
    json_decref(line);
    return TRACK_READ_MORE;
  }
  if (json_is_object(line)) {
    why = form_take(line, out);
    if (!why) why = track_weigh(&out->track, &out->refusal);
    if (!why) status = names_take(reader, line, out, &why);
  }
  json_decref(line);
  if (status == TRACK_READ_REFUSED) {
    weft_fail(&out->error, 0, "%s:%llu: %s", reader->name, (unsigned long long)reader->line, why);
  }
  return status;
}

static bool line_blank(const struct track_reader *reader) {
  for (uint32_t i = 0; i < reader->used; i++) {
    char c = reader->text[i];
    if (c != ' ' && c != '\t' && c != '\r') return false;
  }
  return !reader->too_long;
}

static enum track_read_status line_finish(struct track_reader *reader, struct track_read_line *line) {
  reader->line++;
  enum track_read_status status = line_blank(reader) ? TRACK_READ_MORE : line_judge(reader, line);
  reader->used = 0;
  reader->too_long = false;
  return status;
}

enum track_read_status track_read_take(struct track_reader *reader, const uint8_t **data, size_t *size,
                                       struct track_read_line *line) {
  while (!reader->broken && *size > 0) {
    const uint8_t *newline = memchr(*data, '\n', *size);
    size_t taken = newline ? (size_t)(newline - *data) + 1 : *size, length = taken - (newline != NULL);
    if (length > TRACK_READ_LINE_MAX - reader->used) {
      reader->too_long = true;
      length = TRACK_READ_LINE_MAX - reader->used;
    }
    memcpy(reader->text + reader->used, *data, length);
    reader->used += (uint32_t)length;
    *data += taken;
    *size -= taken;
    if (!newline) break;
    enum track_read_status status = line_finish(reader, line);
    if (status != TRACK_READ_MORE) return status;
  }
  return reader->broken ? TRACK_READ_BROKEN : TRACK_READ_MORE;
}

enum track_read_status track_read_end(struct track_reader *reader, struct track_read_line *line) {
  if (reader->broken) return TRACK_READ_BROKEN;
  if (reader->used == 0) return TRACK_READ_MORE;
  return line_finish(reader, line);
}

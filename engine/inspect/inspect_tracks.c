/* weft inspect on track lines: each is judged against the format and passed on as it is. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/domain/report.h"
#include "engine/inspect/inspect.h"

enum { TRACK_TEXT_MAX = 1 << 20 };

static bool name_among(const json_t *value, const char *const *names, int count) {
  const char *text = json_string_value(value);
  for (int i = 0; text && i < count; i++) {
    if (strcmp(text, names[i]) == 0) return true;
  }
  return false;
}

static bool numbers_are(const json_t *value, size_t count) {
  if (!json_is_array(value) || json_array_size(value) != count) return false;
  for (size_t i = 0; i < count; i++) {
    if (!json_is_number(json_array_get(value, i))) return false;
  }
  return true;
}

/* What is wrong with a track line, or NULL. */
static const char *track_judge(const json_t *line) {
  static const char *const whole[] = {"time_ns", "track", "detections", "first_time_ns"};
  static const char *const wrong_whole[] = {"time_ns is not a whole number", "track is not a whole number",
                                            "detections is not a whole number",
                                            "first_time_ns is not a whole number"};
  for (int i = 0; i < 4; i++) {
    if (!json_is_integer(json_object_get(line, whole[i]))) return wrong_whole[i];
  }
  if (!json_is_string(json_object_get(line, "centre"))) return "centre is not a string";
  if (!json_is_boolean(json_object_get(line, "exercise"))) return "exercise is neither true nor false";
  if (!name_among(json_object_get(line, "status"), track_status_names, STATUS_LOST + 1))
    return "status is not tentative, confirmed or lost";
  if (!name_among(json_object_get(line, "class"), track_class_names, CLASS_ORBITAL + 1)) {
    return "class is not unknown, ballistic, aircraft or orbital";
  }
  const json_t *phase = json_object_get(line, "phase");
  if (phase && !name_among(phase, track_phase_names, PHASE_CRUISE + 1))
    return "phase is not boost, coast, reentry or cruise";
  if (!numbers_are(json_object_get(line, "position_ecef_m"), 3)) return "position_ecef_m is not 3 numbers";
  if (!numbers_are(json_object_get(line, "velocity_ecef_mps"), 3))
    return "velocity_ecef_mps is not 3 numbers";
  if (!numbers_are(json_object_get(line, "covariance"), 21)) return "covariance is not 21 numbers";
  const json_t *existence = json_object_get(line, "existence");
  if (!json_is_number(existence) ||
      !(json_number_value(existence) >= 0 && json_number_value(existence) <= 1)) {
    return "existence is not a probability";
  }
  return NULL;
}

struct track_counts {
  uint64_t line, tracks, missed, ledgers, refused;
};

static void line_judge(struct inspect *inspect, const char *text, size_t size, struct track_counts *counts) {
  counts->line++;
  while (size > 0 && (text[size - 1] == '\r' || text[size - 1] == ' ')) size--;
  if (size == 0) return;
  json_error_t trouble;
  json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, &trouble);
  const char *why = NULL;
  if (!line) {
    why = trouble.text;
  } else if (json_is_integer(json_object_get(line, "missed"))) {
    counts->missed++;
  } else if (json_is_object(json_object_get(line, "ledger"))) {
    counts->ledgers++;
  } else {
    why = track_judge(line);
    counts->tracks += why == NULL;
  }
  if (why) {
    counts->refused++;
    inspect_refused(inspect, counts->line, "malformed", why);
  } else {
    inspect_pass(inspect, text, size);
  }
  json_decref(line);
}

/* Takes what is left into `text` line by line. False: a line longer than TRACK_TEXT_MAX. */
static bool chunk_take(struct inspect *inspect, char *text, size_t *used, struct track_counts *counts) {
  while (inspect->left > 0 && !inspect->failed) {
    const uint8_t *newline = memchr(inspect->data, '\n', inspect->left);
    size_t length = newline ? (size_t)(newline - inspect->data) : inspect->left;
    if (length > TRACK_TEXT_MAX - *used) return false;
    memcpy(text + *used, inspect->data, length);
    *used += length;
    inspect->data += length + (newline != NULL);
    inspect->left -= length + (newline != NULL);
    if (!newline) break;
    line_judge(inspect, text, *used, counts);
    *used = 0;
  }
  return true;
}

int inspect_tracks(struct inspect *inspect, struct weft_error *err) {
  char *text = malloc(TRACK_TEXT_MAX);
  if (!text) return weft_fail(err, -ENOMEM, "out of memory");
  struct track_counts counts = {0};
  size_t used = 0;
  int rc = 1;
  while (rc == 1 && !inspect->failed) {
    if (!chunk_take(inspect, text, &used, &counts)) {
      rc = weft_fail(err, -EINVAL, "%s:%llu: longer than %d bytes; these are no track lines", inspect->name,
                     (unsigned long long)counts.line + 1, TRACK_TEXT_MAX);
    } else {
      rc = inspect_read(inspect, err);
    }
  }
  if (rc >= 0 && used > 0) line_judge(inspect, text, used, &counts);
  if (rc >= 0) {
    inspect_begin(inspect);
    inspect_string(inspect, "record", "summary");
    inspect_u64(inspect, "tracks", counts.tracks);
    inspect_u64(inspect, "missed", counts.missed);
    inspect_u64(inspect, "ledgers", counts.ledgers);
    inspect_u64(inspect, "refused", counts.refused);
    inspect_end(inspect);
  }
  free(text);
  return rc < 0 ? rc : 0;
}

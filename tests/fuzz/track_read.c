/* Any bytes as another centre's track file: whole and in small chunks they must read the same, and what is
 * taken is sound. */
#include <math.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/domain/report.h"
#include "engine/ingest/track_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct site site = {.centre = "A1"};
static struct foreign_names names;
static struct track_reader reader;

static uint64_t line_digest(enum track_read_status status, const struct track_read_line *line) {
  if (status != TRACK_READ_TRACK) {
    weft_assert(line->error.text[0] != 0);
    return (uint64_t)line->refusal + 1;
  }
  const struct foreign_track *t = &line->track;
  weft_assert(t->centre < names.centre_count && t->status <= STATUS_LOST && t->class_ <= CLASS_ORBITAL &&
              t->phase <= PHASE_CRUISE);
  for (int i = 0; i < 3; i++) weft_assert(isfinite(t->position_m[i]) && isfinite(t->velocity_mps[i]));
  for (int i = 0; i < 21; i++) weft_assert(isfinite(t->covariance[i]));
  weft_assert(t->covariance[0] > 0 && t->sensor_count <= FOREIGN_SENSORS_MAX);
  return (uint64_t)t->time_ns * 31 + t->track + t->nations;
}

static uint64_t read_chunks(const uint8_t *data, size_t size, size_t chunk) {
  uint64_t sum = 0;
  struct track_read_line line;
  enum track_read_status status;
  memset(&names, 0, sizeof names);
  track_read_open(&reader, "fuzz", &site, &names);
  for (size_t at = 0; at < size; at += chunk) {
    const uint8_t *from = data + at;
    size_t left = size - at < chunk ? size - at : chunk;
    while ((status = track_read_take(&reader, &from, &left, &line)) != TRACK_READ_MORE) {
      if (status == TRACK_READ_BROKEN) return sum;
      sum = sum * 31 + line_digest(status, &line);
    }
  }
  status = track_read_end(&reader, &line);
  if (status == TRACK_READ_TRACK || status == TRACK_READ_REFUSED) sum = sum * 31 + line_digest(status, &line);
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  weft_assert(read_chunks(data, size, size + 1) == read_chunks(data, size, 7));
  return 0;
}

#include "engine/journal/journal_format.h"

#include <isa-l/crc.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/domain/site.h"
#include "engine/journal/journal_bytes.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns are written as they lie in memory");
_Static_assert(sizeof(struct sensor_state) == JOURNAL_STATE_BYTES, "states are written as they lie in memory");

enum { FLAG_PLATFORM = 1, CENTRE_BYTES = 64 };
/* Times that differences can be taken of. */
static const int64_t TIME_MIN_NS = -2000000000000000, TIME_MAX_NS = 9100000000000000000;

uint32_t journal_crc(const void *data, size_t size) {
  const size_t piece_max = 1u << 30; /* the library counts in int */
  unsigned char *at = (unsigned char *)(uintptr_t)data;
  uint32_t crc = UINT32_MAX;
  do {
    size_t piece = size < piece_max ? size : piece_max;
    crc = crc32_iscsi(at, (int)piece, crc);
    at += piece;
    size -= piece;
  } while (size > 0);
  return ~crc;
}

static void put(uint8_t *out, size_t offset, const void *value, size_t size) { memcpy(out + offset, value, size); }

size_t journal_head_size(const struct journal_head *head) {
  return JOURNAL_HEADER_BYTES + round_up(head->site_size) + round_up(head->parameter_size);
}

void journal_head_encode(const struct journal_head *head, uint8_t *out) {
  weft_assert(head->site_size <= JOURNAL_SITE_BYTES_MAX && head->parameter_size <= JOURNAL_PARAMETER_BYTES_MAX);
  uint64_t size = journal_head_size(head);
  uint32_t version = head->version ? head->version : JOURNAL_VERSION;
  memset(out, 0, size);
  put(out, 0, JOURNAL_MAGIC, 8);
  put(out, 8, &version, 4);
  put(out, 16, &size, 8);
  put(out, 24, &head->segment, 8);
  put(out, 32, &head->run, 8);
  put(out, 40, &head->created_ns, 8);
  put(out, 48, &head->track_base, 8);
  put(out, 56, &head->first_frame, 8);
  put(out, 64, &head->site_size, 8);
  put(out, 72, &head->parameter_size, 8);
  put(out, 80, head->centre, CENTRE_BYTES);
  if (head->site_size) put(out, JOURNAL_HEADER_BYTES, head->site_text, head->site_size);
  size_t parameters = JOURNAL_HEADER_BYTES + round_up(head->site_size);
  if (head->parameter_size) put(out, parameters, head->parameters, head->parameter_size);
  uint32_t crc = journal_crc(out, size);
  put(out, 12, &crc, 4);
}

/* The CRC of `size` bytes as if the four at `field` were 0. */
static uint32_t crc_without(const uint8_t *data, size_t size, size_t field) {
  static const unsigned char zero[4] = {0};
  uint32_t crc = crc32_iscsi((unsigned char *)(uintptr_t)data, (int)field, UINT32_MAX);
  crc = crc32_iscsi((unsigned char *)(uintptr_t)zero, 4, crc);
  return ~crc32_iscsi((unsigned char *)(uintptr_t)(data + field + 4), (int)(size - field - 4), crc);
}

enum journal_verdict journal_head_decode(const uint8_t *data, size_t size, struct journal_head *head, size_t *used) {
  *head = (struct journal_head){0};
  *used = 0;
  if (memcmp(data, JOURNAL_MAGIC, size < 8 ? size : 8) != 0) return JOURNAL_CORRUPT;
  if (size < 12) return JOURNAL_CUT;
  uint32_t version = get_u32(data, 8);
  if (version != JOURNAL_VERSION && version != JOURNAL_VERSION_PACKED) return JOURNAL_VERSION_UNKNOWN;
  if (size < JOURNAL_HEADER_BYTES) return JOURNAL_CUT;
  struct journal_head read = {.version = version, .segment = get_u64(data, 24), .run = get_u64(data, 32),
                              .created_ns = (int64_t)get_u64(data, 40), .track_base = get_u64(data, 48),
                              .first_frame = get_u64(data, 56), .site_size = get_u64(data, 64),
                              .parameter_size = get_u64(data, 72)};
  if (read.site_size > JOURNAL_SITE_BYTES_MAX || read.parameter_size > JOURNAL_PARAMETER_BYTES_MAX) return JOURNAL_CORRUPT;
  size_t whole = journal_head_size(&read);
  if (get_u64(data, 16) != whole) return JOURNAL_CORRUPT;
  if (size < whole) return JOURNAL_CUT;
  if (crc_without(data, whole, 12) != get_u32(data, 12)) return JOURNAL_CORRUPT;
  memcpy(read.centre, data + 80, CENTRE_BYTES);
  if (read.centre[CENTRE_BYTES - 1] != '\0') return JOURNAL_CORRUPT;
  read.site_text = (const char *)data + JOURNAL_HEADER_BYTES;
  read.parameters = read.site_text + round_up(read.site_size);
  *head = read;
  *used = whole;
  return JOURNAL_GOOD;
}

/* One column of a record: where it lies in a frame and how wide an entry is. */
struct column {
  void *data;
  size_t width;
};

/* In their order on disk; the platform is the last and may be left out. */
static void columns_of(const struct frame *frame, struct column columns[JOURNAL_COLUMNS]) {
  const struct column list[JOURNAL_COLUMNS] = {
      {frame->time_of_ns, sizeof *frame->time_of_ns}, {frame->sequence, sizeof *frame->sequence},
      {frame->sensor, sizeof *frame->sensor},         {frame->index, sizeof *frame->index},
      {frame->kind, sizeof *frame->kind},             {frame->valid, sizeof *frame->valid},
      {frame->snr_db, sizeof *frame->snr_db},         {frame->measure, sizeof *frame->measure},
      {frame->sigma, sizeof *frame->sigma},           {frame->platform_m, sizeof *frame->platform_m}};
  memcpy(columns, list, sizeof list);
}

static bool frame_has_platform(const struct frame *frame) {
  static const double none[3] = {0};
  for (uint32_t i = 0; i < frame->count; i++) {
    // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) every bit is kept, -0 and NaN too
    if (memcmp(frame->platform_m[i], none, sizeof none) != 0 || (frame->valid[i] & VALID_PLATFORM)) return true;
  }
  return false;
}

static size_t record_size(uint32_t detections, uint32_t states, bool platform) {
  struct frame none = {0};
  struct column columns[JOURNAL_COLUMNS];
  columns_of(&none, columns);
  size_t size = JOURNAL_RECORD_BYTES + (size_t)states * JOURNAL_STATE_BYTES;
  for (int i = 0; i < JOURNAL_COLUMNS - !platform; i++) size += round_up(columns[i].width * detections);
  return size;
}

struct journal_shape journal_record_shape(const uint8_t *data) {
  return (struct journal_shape){get_u32(data, 36), get_u32(data, 40), get_u32(data, 44) & FLAG_PLATFORM};
}

size_t journal_column_width(int column) {
  struct frame none = {0};
  struct column columns[JOURNAL_COLUMNS];
  columns_of(&none, columns);
  return columns[column].width;
}

size_t journal_record_size(const struct frame *frame) {
  return record_size(frame->count, frame->state_count, frame_has_platform(frame));
}

size_t journal_record_size_max(uint32_t detections) { return record_size(detections, FRAME_STATES_MAX, true); }

void journal_record_encode(const struct frame *frame, uint8_t *out) {
  bool platform = frame_has_platform(frame);
  uint64_t size = record_size(frame->count, frame->state_count, platform);
  uint32_t flags = platform ? FLAG_PLATFORM : 0;
  memset(out, 0, JOURNAL_RECORD_BYTES);
  put(out, 0, JOURNAL_RECORD_MAGIC, 4);
  put(out, 8, &size, 8);
  put(out, 16, &frame->number, 8);
  put(out, 24, &frame->time_ns, 8);
  put(out, 32, &frame->overload_step, 4);
  put(out, 36, &frame->count, 4);
  put(out, 40, &frame->state_count, 4);
  put(out, 44, &flags, 4);
  size_t at = JOURNAL_RECORD_BYTES;
  put(out, at, frame->states, (size_t)frame->state_count * JOURNAL_STATE_BYTES);
  at += (size_t)frame->state_count * JOURNAL_STATE_BYTES;
  struct column columns[JOURNAL_COLUMNS];
  columns_of(frame, columns);
  for (int i = 0; i < JOURNAL_COLUMNS - !platform; i++) {
    size_t bytes = columns[i].width * frame->count, padded = round_up(bytes);
    put(out, at, columns[i].data, bytes);
    memset(out + at + bytes, 0, padded - bytes);
    at += padded;
  }
  weft_assert(at == size);
  uint32_t crc = journal_crc(out + JOURNAL_RECORD_BYTES, size - JOURNAL_RECORD_BYTES);
  put(out, 48, &crc, 4);
  crc = journal_crc(out + 8, JOURNAL_RECORD_BYTES - 8);
  put(out, 4, &crc, 4);
}

enum journal_verdict journal_record_measure(const uint8_t *data, size_t size, size_t *length) {
  static const uint8_t nothing[JOURNAL_RECORD_BYTES] = {0};
  *length = 0;
  if (size < JOURNAL_RECORD_BYTES || memcmp(data, nothing, sizeof nothing) == 0) return JOURNAL_CUT;
  if (memcmp(data, JOURNAL_RECORD_MAGIC, 4) != 0) return JOURNAL_CORRUPT;
  if (journal_crc(data + 8, JOURNAL_RECORD_BYTES - 8) != get_u32(data, 4)) return JOURNAL_CORRUPT;
  uint32_t count = get_u32(data, 36), states = get_u32(data, 40), flags = get_u32(data, 44);
  if (count > FRAME_DETECTIONS_MAX || states > FRAME_STATES_MAX || flags > FLAG_PLATFORM || get_u32(data, 52) != 0) {
    return JOURNAL_CORRUPT;
  }
  uint64_t whole = record_size(count, states, flags & FLAG_PLATFORM);
  if (get_u64(data, 8) != whole) return JOURNAL_CORRUPT;
  *length = whole;
  return JOURNAL_GOOD;
}

bool journal_record_intact(const uint8_t *data, size_t length) {
  return journal_crc(data + JOURNAL_RECORD_BYTES, length - JOURNAL_RECORD_BYTES) == get_u32(data, 48);
}

static bool time_possible(int64_t time_ns) { return time_ns >= TIME_MIN_NS && time_ns <= TIME_MAX_NS; }

static bool all_finite(const double *values, int count) {
  bool finite = true;
  for (int i = 0; i < count; i++) finite = finite && __builtin_isfinite(values[i]);
  return finite;
}

/* What the step relies on without looking. */
static bool frame_sound(const struct frame *frame) {
  bool sound = time_possible(frame->time_ns) && frame->number > 0;
  for (uint32_t i = 0; i < frame->state_count && sound; i++) {
    const struct sensor_state *state = &frame->states[i];
    sound = time_possible(state->time_ns) && state->sensor < SITE_SENSORS_MAX && state->status <= SENSOR_DOWN &&
            all_finite(state->position_m, 3) && all_finite(state->velocity_mps, 3);
  }
  for (uint32_t i = 0; i < frame->count && sound; i++) {
    const float *sigma = frame->sigma[i];
    sound = time_possible(frame->time_of_ns[i]) && frame->sensor[i] < SITE_SENSORS_MAX && frame->kind[i] >= KIND_RADAR &&
            frame->kind[i] < KIND_END && all_finite(frame->measure[i], 4) && all_finite(frame->platform_m[i], 3) &&
            __builtin_isfinite(frame->snr_db[i]);
    for (int k = 0; k < 4; k++) sound = sound && __builtin_isfinite(sigma[k]) && sigma[k] >= 0;
  }
  return sound;
}

/* Copies the columns out; false where padding is not zero. */
static bool columns_read(const uint8_t *data, size_t at, bool platform, struct frame *frame) {
  bool zero = true;
  struct column columns[JOURNAL_COLUMNS];
  columns_of(frame, columns);
  for (int i = 0; i < JOURNAL_COLUMNS - !platform; i++) {
    size_t bytes = columns[i].width * frame->count, padded = round_up(bytes);
    memcpy(columns[i].data, data + at, bytes);
    for (size_t k = bytes; k < padded; k++) zero = zero && data[at + k] == 0;
    at += padded;
  }
  if (!platform) memset(frame->platform_m, 0, frame->count * sizeof *frame->platform_m);
  memset(frame->arrival_ns, 0, frame->count * sizeof *frame->arrival_ns);
  return zero;
}

enum journal_verdict journal_record_decode(const uint8_t *data, size_t size, struct frame *frame, size_t *used) {
  frame_reset(frame);
  enum journal_verdict verdict = journal_record_measure(data, size, used);
  if (verdict != JOURNAL_GOOD) return verdict;
  if (size < *used) return JOURNAL_CUT;
  uint32_t count = get_u32(data, 36), states = get_u32(data, 40);
  if (!journal_record_intact(data, *used)) return JOURNAL_CORRUPT;
  if (count > frame->capacity) return JOURNAL_CORRUPT;
  frame->number = get_u64(data, 16);
  frame->time_ns = (int64_t)get_u64(data, 24);
  frame->overload_step = get_u32(data, 32);
  frame->count = count;
  frame->state_count = states;
  memcpy(frame->states, data + JOURNAL_RECORD_BYTES, (size_t)states * JOURNAL_STATE_BYTES);
  size_t at = JOURNAL_RECORD_BYTES + (size_t)states * JOURNAL_STATE_BYTES;
  bool platform = get_u32(data, 44) & FLAG_PLATFORM;
  bool zero = columns_read(data, at, platform, frame);
  if (zero && platform == frame_has_platform(frame) && frame_sound(frame)) return JOURNAL_GOOD;
  frame_reset(frame);
  return JOURNAL_CORRUPT;
}

bool journal_parameter(const struct journal_head *head, const char *key, char *value, size_t size) {
  const char *line = head->parameters, *end = line + head->parameter_size;
  size_t length = strlen(key);
  while (line < end) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    size_t left = stop ? (size_t)(stop - line) : (size_t)(end - line);
    if (left > length && memcmp(line, key, length) == 0) {
      snprintf(value, size, "%.*s", (int)(left - length), line + length);
      return true;
    }
    line += left + 1;
  }
  return false;
}

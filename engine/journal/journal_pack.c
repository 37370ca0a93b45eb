#include "engine/journal/journal_pack.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/journal/journal_bytes.h"

enum { STREAM_HEADERS, STREAM_STATES, STREAM_COLUMNS, STREAMS = STREAM_COLUMNS + JOURNAL_COLUMNS };

/* Where the streams of a block lie in its loose bytes, and how far they are filled or read. */
struct streams {
  size_t begin[STREAMS]; /* bytes */
  size_t count[STREAMS]; /* elements in all */
  size_t at[STREAMS];    /* elements so far */
  size_t bytes;          /* of all of them */
};

static size_t width_of(int stream) {
  if (stream == STREAM_HEADERS) return JOURNAL_RECORD_BYTES;
  if (stream == STREAM_STATES) return JOURNAL_STATE_BYTES;
  return journal_column_width(stream - STREAM_COLUMNS);
}

static void shape_count(struct streams *streams, const struct journal_shape *shape) {
  streams->count[STREAM_HEADERS]++;
  streams->count[STREAM_STATES] += shape->states;
  for (int c = 0; c < JOURNAL_COLUMNS; c++) {
    if (c < JOURNAL_COLUMNS - 1 || shape->platform) streams->count[STREAM_COLUMNS + c] += shape->detections;
  }
}

static void streams_place(struct streams *streams) {
  for (int s = 0; s < STREAMS; s++) {
    streams->begin[s] = streams->bytes;
    streams->bytes += streams->count[s] * width_of(s);
  }
}

/* The next `count` elements of a stream: from rows into its bytes, or back. */
static void stream_spread(struct streams *streams, int s, const uint8_t *rows, size_t count, uint8_t *loose) {
  size_t width = width_of(s), all = streams->count[s];
  uint8_t *to = loose + streams->begin[s] + streams->at[s];
  for (size_t b = 0; b < width; b++)
    for (size_t i = 0; i < count; i++) to[b * all + i] = rows[i * width + b];
  streams->at[s] += count;
}
static void stream_gather(struct streams *streams, int s, uint8_t *rows, size_t count, const uint8_t *loose) {
  size_t width = width_of(s), all = streams->count[s];
  const uint8_t *from = loose + streams->begin[s] + streams->at[s];
  for (size_t b = 0; b < width; b++)
    for (size_t i = 0; i < count; i++) rows[i * width + b] = from[b * all + i];
  streams->at[s] += count;
}

size_t journal_block_size_max(size_t raw_bytes) { return JOURNAL_BLOCK_HEADER_BYTES + raw_bytes + raw_bytes / 8 + 4096; }

static void record_spread(struct streams *streams, const uint8_t *record, const struct journal_shape *shape, uint8_t *loose) {
  stream_spread(streams, STREAM_HEADERS, record, 1, loose);
  size_t at = JOURNAL_RECORD_BYTES;
  stream_spread(streams, STREAM_STATES, record + at, shape->states, loose);
  at += shape->states * (size_t)JOURNAL_STATE_BYTES;
  for (int c = 0; c < JOURNAL_COLUMNS - !shape->platform; c++) {
    stream_spread(streams, STREAM_COLUMNS + c, record + at, shape->detections, loose);
    at += round_up(shape->detections * journal_column_width(c));
  }
}

/* The record whose header is at `record` already. */
static void record_gather(struct streams *streams, uint8_t *record, const struct journal_shape *shape, const uint8_t *loose) {
  size_t at = JOURNAL_RECORD_BYTES;
  stream_gather(streams, STREAM_STATES, record + at, shape->states, loose);
  at += shape->states * (size_t)JOURNAL_STATE_BYTES;
  for (int c = 0; c < JOURNAL_COLUMNS - !shape->platform; c++) {
    size_t bytes = shape->detections * journal_column_width(c), padded = round_up(bytes);
    stream_gather(streams, STREAM_COLUMNS + c, record + at, shape->detections, loose);
    memset(record + at + bytes, 0, padded - bytes);
    at += padded;
  }
}

static size_t deflate_all(const uint8_t *in, size_t size, uint8_t *out, size_t capacity) {
  struct deflater { /* too large for a stack, and used once in a megabyte */
    struct isal_zstream stream;
    uint8_t level_buffer[ISAL_DEF_LVL1_DEFAULT];
  } *deflater = malloc(sizeof *deflater);
  if (!deflater) return 0;
  struct isal_zstream *stream = &deflater->stream;
  isal_deflate_init(stream);
  stream->level = 1;
  stream->level_buf = deflater->level_buffer;
  stream->level_buf_size = sizeof deflater->level_buffer;
  stream->end_of_stream = 1;
  stream->next_in = (uint8_t *)(uintptr_t)in;
  stream->avail_in = (uint32_t)size;
  stream->next_out = out;
  stream->avail_out = (uint32_t)capacity;
  bool whole = isal_deflate(stream) == COMP_OK && stream->avail_in == 0 && stream->internal_state.state == ZSTATE_END;
  size_t deflated = whole ? stream->total_out : 0;
  free(deflater);
  return deflated;
}

static void header_seal(uint8_t *block) { put_u32(block, 4, journal_crc(block + 8, JOURNAL_BLOCK_HEADER_BYTES - 8)); }

size_t journal_block_pack(const uint8_t *records, size_t raw_bytes, uint8_t *out, uint8_t *scratch) {
  struct streams streams = {0};
  struct journal_shape shape;
  size_t length;
  weft_assert(raw_bytes <= JOURNAL_BLOCK_RAW_BYTES_MAX);
  for (size_t at = 0; at < raw_bytes; at += length) {
    if (journal_record_measure(records + at, raw_bytes - at, &length) != JOURNAL_GOOD || length > raw_bytes - at) return 0;
    if (!journal_record_intact(records + at, length)) return 0;
    shape = journal_record_shape(records + at);
    shape_count(&streams, &shape);
  }
  streams_place(&streams);
  for (size_t at = 0; at < raw_bytes; at += length) {
    shape = journal_record_shape(records + at);
    length = get_u64(records + at, 8);
    record_spread(&streams, records + at, &shape, scratch);
  }
  size_t capacity = journal_block_size_max(raw_bytes) - JOURNAL_BLOCK_HEADER_BYTES - 8;
  size_t deflated = deflate_all(scratch, streams.bytes, out + JOURNAL_BLOCK_HEADER_BYTES, capacity);
  if (deflated == 0) return 0;
  size_t whole = JOURNAL_BLOCK_HEADER_BYTES + round_up(deflated);
  memset(out + JOURNAL_BLOCK_HEADER_BYTES + deflated, 0, round_up(deflated) - deflated);
  // NOLINTNEXTLINE(bugprone-not-null-terminated-result) bytes of a file, no string
  memcpy(out, JOURNAL_BLOCK_MAGIC, 4);
  put_u64(out, 8, whole);
  put_u64(out, 16, raw_bytes);
  put_u64(out, 24, streams.bytes);
  put_u32(out, 32, (uint32_t)deflated);
  put_u32(out, 36, journal_crc(out + JOURNAL_BLOCK_HEADER_BYTES, whole - JOURNAL_BLOCK_HEADER_BYTES));
  put_u64(out, 40, streams.count[STREAM_HEADERS]);
  header_seal(out);
  return whole;
}

void journal_block_end(uint64_t raw_bytes, uint64_t records, uint8_t *out) {
  memset(out, 0, JOURNAL_BLOCK_HEADER_BYTES);
  // NOLINTNEXTLINE(bugprone-not-null-terminated-result) bytes of a file, no string
  memcpy(out, JOURNAL_BLOCK_MAGIC, 4);
  put_u64(out, 8, JOURNAL_BLOCK_HEADER_BYTES);
  put_u64(out, 16, raw_bytes);
  put_u64(out, 24, records);
  header_seal(out);
}

enum journal_verdict journal_block_measure(const uint8_t *data, size_t size, struct journal_block *block) {
  *block = (struct journal_block){0};
  if (size < JOURNAL_BLOCK_HEADER_BYTES) return JOURNAL_CUT;
  if (memcmp(data, JOURNAL_BLOCK_MAGIC, 4) != 0) return JOURNAL_CORRUPT;
  if (journal_crc(data + 8, JOURNAL_BLOCK_HEADER_BYTES - 8) != get_u32(data, 4)) return JOURNAL_CORRUPT;
  uint64_t length = get_u64(data, 8), raw = get_u64(data, 16), loose = get_u64(data, 24), records = get_u64(data, 40);
  uint32_t deflated = get_u32(data, 32);
  bool end = records == 0;
  bool sound = length == JOURNAL_BLOCK_HEADER_BYTES + round_up(deflated) &&
               (end ? deflated == 0
                    : deflated > 0 && raw <= JOURNAL_BLOCK_RAW_BYTES_MAX && loose <= raw &&
                          length <= journal_block_size_max(raw) && records <= raw / JOURNAL_RECORD_BYTES);
  if (!sound) return JOURNAL_CORRUPT;
  *block = (struct journal_block){.length = length, .raw_bytes = raw, .loose_bytes = loose, .records = records};
  return JOURNAL_GOOD;
}

static bool inflate_all(const uint8_t *in, size_t size, uint8_t *out, size_t expected) {
  struct inflate_state state;
  isal_inflate_init(&state);
  state.next_in = (uint8_t *)(uintptr_t)in;
  state.avail_in = (uint32_t)size;
  state.next_out = out;
  state.avail_out = (uint32_t)expected;
  return isal_inflate_stateless(&state) == ISAL_DECOMP_OK && state.total_out == expected && state.avail_in == 0;
}

enum journal_verdict journal_block_unpack(const uint8_t *data, const struct journal_block *block, uint8_t *records,
                                          uint8_t *scratch) {
  weft_assert(block->records > 0);
  const uint8_t *stream = data + JOURNAL_BLOCK_HEADER_BYTES;
  if (journal_crc(stream, block->length - JOURNAL_BLOCK_HEADER_BYTES) != get_u32(data, 36)) return JOURNAL_CORRUPT;
  if (block->loose_bytes < block->records * JOURNAL_RECORD_BYTES) return JOURNAL_CORRUPT;
  if (!inflate_all(stream, get_u32(data, 32), scratch, block->loose_bytes)) return JOURNAL_CORRUPT;
  struct streams streams = {.count = {[STREAM_HEADERS] = block->records}};
  size_t at = 0, length;
  for (uint64_t r = 0; r < block->records; r++, at += length) { /* headers first: they say where everything belongs */
    if (block->raw_bytes - at < JOURNAL_RECORD_BYTES) return JOURNAL_CORRUPT;
    stream_gather(&streams, STREAM_HEADERS, records + at, 1, scratch);
    if (journal_record_measure(records + at, JOURNAL_RECORD_BYTES, &length) != JOURNAL_GOOD) return JOURNAL_CORRUPT;
    if (length > block->raw_bytes - at) return JOURNAL_CORRUPT;
  }
  if (at != block->raw_bytes) return JOURNAL_CORRUPT;
  streams = (struct streams){0};
  for (at = 0; at < block->raw_bytes; at += get_u64(records + at, 8)) {
    struct journal_shape shape = journal_record_shape(records + at);
    shape_count(&streams, &shape);
  }
  streams_place(&streams);
  if (streams.bytes != block->loose_bytes) return JOURNAL_CORRUPT;
  for (at = 0; at < block->raw_bytes; at += get_u64(records + at, 8)) {
    struct journal_shape shape = journal_record_shape(records + at);
    record_gather(&streams, records + at, &shape, scratch);
  }
  return JOURNAL_GOOD;
}

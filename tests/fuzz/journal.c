/* Bytes as a segment header, as frame records and as packed blocks. The fuzzer cannot guess CRCs, so they are
 * made right first: what is behind them is what is tested. What is accepted encodes to the same bytes again.
 */
// length: 256
#include <stdlib.h>

#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/journal_pack.h"
#include "tests/fuzz/fuzz_frame.h"

enum {
  MODE_RECORD,
  MODE_HEAD,
  MODE_FRAMES,
  MODE_BLOCK,
  MODES,
  DETECTIONS_MAX = 64,
  RECORDS_MAX = 8,
  RAW_MAX = 1 << 16
};

static struct frame frame, second;
static uint8_t raw[RAW_MAX], again[RAW_MAX],
    packed[RAW_MAX + RAW_MAX / 8 + 4096 + JOURNAL_BLOCK_HEADER_BYTES];

static void record_crcs_write(uint8_t *record, size_t size) {
  size_t length;
  memcpy(record, JOURNAL_RECORD_MAGIC, 4);
  put_u32(record, 4, journal_crc(record + 8, JOURNAL_RECORD_BYTES - 8));
  if (journal_record_measure(record, size, &length) != JOURNAL_GOOD || length > size) return;
  put_u32(record, 48, journal_crc(record + JOURNAL_RECORD_BYTES, length - JOURNAL_RECORD_BYTES));
  put_u32(record, 4, journal_crc(record + 8, JOURNAL_RECORD_BYTES - 8));
}

/* What the step relies on without looking. */
static void frame_check(const struct frame *f) {
  weft_assert(f->number > 0 && f->count <= f->capacity && f->state_count <= FRAME_STATES_MAX);
  for (uint32_t i = 0; i < f->count; i++) {
    weft_assert(f->kind[i] >= KIND_RADAR && f->kind[i] <= KIND_POSITION && f->sensor[i] < SITE_SENSORS_MAX);
    for (int k = 0; k < 4; k++) weft_assert(isfinite(f->measure[i][k]) && f->sigma[i][k] >= 0);
    for (int k = 0; k < 3; k++) weft_assert(isfinite(f->platform_m[i][k]));
  }
  for (uint32_t i = 0; i < f->state_count; i++) {
    weft_assert(f->states[i].sensor < SITE_SENSORS_MAX && f->states[i].status <= SENSOR_DOWN);
    for (int k = 0; k < 3; k++)
      weft_assert(isfinite(f->states[i].position_m[k]) && isfinite(f->states[i].velocity_mps[k]));
  }
}

/* `repair`: counts that the bytes can bear, the length that they make, and the CRCs. */
static void record_try(struct input *in, bool repair) {
  uint8_t detections = input_u8(in), states = input_u8(in), flags = input_u8(in);
  size_t size = in->left, used;
  uint8_t *bytes = malloc(size); /* exactly as long, so that a read beyond the end shows */
  weft_assert(bytes);
  input_take(in, bytes, size);
  if (repair && size >= JOURNAL_RECORD_BYTES) {
    put_u32(bytes, 36, detections % DETECTIONS_MAX);
    put_u32(bytes, 40, states % 4);
    put_u32(bytes, 44, flags & 1);
    put_u32(bytes, 52, 0);
    uint64_t whole = JOURNAL_RECORD_BYTES + (uint64_t)(states % 4) * JOURNAL_STATE_BYTES;
    for (int c = 0; c < JOURNAL_COLUMNS - !(flags & 1); c++)
      whole += round_up(journal_column_width(c) * (detections % DETECTIONS_MAX));
    put_u64(bytes, 8, whole);
  }
  if (size >= JOURNAL_RECORD_BYTES && !(flags & 2)) record_crcs_write(bytes, size);
  if (journal_record_decode(bytes, size, &frame, &used) == JOURNAL_GOOD) {
    weft_assert(used <= size && journal_record_size(&frame) == used && used <= RAW_MAX);
    frame_check(&frame);
    journal_record_encode(&frame, again);
    weft_assert(memcmp(again, bytes, used) == 0);
    bytes[8 + flags % (used - 8)] ^= 4; /* one bit of what the CRCs are over */
    weft_assert(journal_record_decode(bytes, size, &frame, &used) != JOURNAL_GOOD);
  } else {
    weft_assert(frame.count == 0 && frame.state_count == 0);
  }
  free(bytes);
}

static void head_try(struct input *in) {
  struct journal_head head, second_head;
  uint8_t how = input_u8(in), site = input_u8(in), parameters = input_u8(in);
  size_t size = in->left, used;
  uint8_t *bytes = malloc(size);
  weft_assert(bytes);
  input_take(in, bytes, size);
  if (size >= JOURNAL_HEADER_BYTES && !(how & 1)) {
    uint64_t whole = JOURNAL_HEADER_BYTES + round_up(site) + round_up(parameters);
    memcpy(bytes, JOURNAL_MAGIC, 8);
    put_u32(bytes, 8, how & 2 ? JOURNAL_VERSION_PACKED : JOURNAL_VERSION);
    put_u32(bytes, 12, 0);
    put_u64(bytes, 16, whole);
    put_u64(bytes, 64, site);
    put_u64(bytes, 72, parameters);
    if (how & 4) bytes[80 + 63] = 0;
    if (whole <= size) put_u32(bytes, 12, journal_crc(bytes, whole));
  }
  if (journal_head_decode(bytes, size, &head, &used) == JOURNAL_GOOD) {
    weft_assert(used <= size && used == journal_head_size(&head) && used <= RAW_MAX &&
                strlen(head.centre) < sizeof head.centre);
    weft_assert(head.site_text + head.site_size <= (const char *)bytes + used);
    weft_assert(head.parameters + head.parameter_size <= (const char *)bytes + used);
    journal_head_encode(&head, again);
    size_t used_again;
    weft_assert(journal_head_decode(again, used, &second_head, &used_again) == JOURNAL_GOOD &&
                used_again == used);
    weft_assert(second_head.run == head.run && second_head.first_frame == head.first_frame);
    weft_assert(memcmp(second_head.site_text, head.site_text, head.site_size) == 0);
    weft_assert(memcmp(second_head.parameters, head.parameters, head.parameter_size) == 0);
  }
  free(bytes);
}

/* Frames become records, and these the same frames again. Packing is what journal_file is about. */
static void frames_try(struct input *in) {
  size_t used;
  for (uint64_t number = 1; in->left > 0 && number <= RECORDS_MAX; number++) {
    frame_reset(&frame);
    frame_fill(in, &frame, 16, SITE_SENSORS_MAX, false);
    frame.number = number;
    frame.time_ns = input_u16(in);
    size_t size = journal_record_size(&frame);
    weft_assert(size <= RAW_MAX);
    journal_record_encode(&frame, raw);
    weft_assert(journal_record_decode(raw, size, &second, &used) == JOURNAL_GOOD && used == size);
    weft_assert(frame_equal(&frame, &second));
    weft_assert(journal_record_decode(raw, size - 1, &second, &used) == JOURNAL_CUT);
  }
}

/* The record headers in a block's loose bytes lie byte by byte; their CRCs are made right there. Bytes of the
 * records that they tell of. */
static uint64_t loose_headers_mend(uint8_t *bytes, size_t size, uint32_t records) {
  uint64_t sum = 0;
  if (size < (size_t)records * JOURNAL_RECORD_BYTES) return 0;
  for (uint32_t r = 0; r < records; r++) {
    uint8_t header[JOURNAL_RECORD_BYTES];
    for (size_t b = 0; b < JOURNAL_RECORD_BYTES; b++) header[b] = bytes[b * records + r];
    uint32_t detections = get_u32(header, 36) % 8, states = get_u32(header, 40) % 2,
             platform = get_u32(header, 44) & 1;
    uint64_t whole = JOURNAL_RECORD_BYTES + states * JOURNAL_STATE_BYTES;
    for (int c = 0; c < JOURNAL_COLUMNS - !platform; c++)
      whole += round_up(journal_column_width(c) * detections);
    put_u32(header, 36, detections);
    put_u32(header, 40, states);
    put_u32(header, 44, platform);
    put_u32(header, 52, 0);
    put_u64(header, 8, whole);
    memcpy(header, JOURNAL_RECORD_MAGIC, 4);
    put_u32(header, 4, journal_crc(header + 8, JOURNAL_RECORD_BYTES - 8));
    for (size_t b = 0; b < JOURNAL_RECORD_BYTES; b++) bytes[b * records + r] = header[b];
    sum += whole;
  }
  return sum;
}

/* A block of any content: its stream is stored, not packed, so that the input stands in it as it is. */
static void block_try(struct input *in) {
  uint8_t how = input_u8(in), records = (uint8_t)(1 + input_u8(in) % RECORDS_MAX);
  uint64_t raw_told = input_u16(in);
  size_t loose_bytes = in->left < RAW_MAX / 4 ? in->left : RAW_MAX / 4, deflated = 5 + loose_bytes;
  struct journal_block block;
  uint8_t *stream = packed + JOURNAL_BLOCK_HEADER_BYTES;
  memset(packed, 0, JOURNAL_BLOCK_HEADER_BYTES + round_up(deflated));
  stream[0] = 1; /* the last block of the stream, stored: RFC 1951, 3.2.4 */
  stream[1] = (uint8_t)loose_bytes, stream[2] = (uint8_t)(loose_bytes >> 8);
  stream[3] = (uint8_t)~loose_bytes, stream[4] = (uint8_t)(~loose_bytes >> 8);
  input_take(in, stream + 5, loose_bytes);
  uint64_t whole = how & 1 ? 0 : loose_headers_mend(stream + 5, loose_bytes, records);
  if (how & 8) stream[raw_told % (5 + loose_bytes)] ^= 1;
  memcpy(packed, JOURNAL_BLOCK_MAGIC, 4);
  put_u64(packed, 8, JOURNAL_BLOCK_HEADER_BYTES + round_up(deflated));
  put_u64(packed, 16, how & 2 || whole == 0 ? raw_told : whole);
  put_u64(packed, 24, how & 4 ? raw_told % (loose_bytes + 8) : loose_bytes);
  put_u32(packed, 32, (uint32_t)deflated);
  put_u32(packed, 36, journal_crc(stream, round_up(deflated)));
  put_u64(packed, 40, how & 16 ? raw_told % 4 : records);
  put_u32(packed, 4, journal_crc(packed + 8, JOURNAL_BLOCK_HEADER_BYTES - 8));
  if (journal_block_measure(packed, JOURNAL_BLOCK_HEADER_BYTES, &block) != JOURNAL_GOOD || block.records == 0)
    return;
  weft_assert(block.loose_bytes <= block.raw_bytes && block.raw_bytes <= RAW_MAX);
  uint8_t *out = malloc(block.raw_bytes), *scratch = malloc(block.loose_bytes); /* no more than it asks for */
  weft_assert(out && scratch);
  if (journal_block_unpack(packed, &block, out, scratch) == JOURNAL_GOOD) {
    size_t at = 0, length;
    for (uint64_t r = 0; r < block.records; r++, at += length)
      weft_assert(journal_record_measure(out + at, block.raw_bytes - at, &length) == JOURNAL_GOOD);
    weft_assert(at == block.raw_bytes);
  }
  free(scratch);
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct arena arena;
  if (!arena.base) {
    weft_assert(arena_open(&arena, 2 * frame_bytes(DETECTIONS_MAX)) == 0);
    weft_assert(frame_open(&frame, &arena, DETECTIONS_MAX) == 0 &&
                frame_open(&second, &arena, DETECTIONS_MAX) == 0);
  }
  if (size == 0) return 0;
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  switch (choice % MODES) {
  case MODE_RECORD:
    record_try(&in, choice & 4);
    break;
  case MODE_HEAD:
    head_try(&in);
    break;
  case MODE_FRAMES:
    frames_try(&in);
    break;
  default:
    block_try(&in);
    break;
  }
  return 0;
}

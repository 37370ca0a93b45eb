/* A whole segment file through the reader: a good header, then records and packed blocks made of the input,
 * damaged where it says so. What is read rises, and is what was written up to the first damage; the head of a
 * parity file likewise. */
// length: 256
#include <errno.h>

#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_pack.h"
#include "engine/journal/journal_parity.h"
#include "engine/journal/journal_reader.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_frame.h"

enum {
  MODE_RAW,
  MODE_RECORDS,
  MODE_PACKED,
  MODE_PARITY,
  MODES,
  FILE_MAX = 1 << 17,
  RAW_MAX = 1 << 16,
  RECORDS_MAX = 16,
  SENSORS = 4
};

static uint8_t bytes[FILE_MAX], raw[RAW_MAX], loose[RAW_MAX];
static struct frame frame, taken;
static struct fuzz_file file;

static size_t head_put(bool is_packed) {
  struct journal_head head = {.version = is_packed ? JOURNAL_VERSION_PACKED : JOURNAL_VERSION,
                              .segment = 1,
                              .run = 5,
                              .track_base = 17,
                              .first_frame = 1,
                              .centre = "A1"};
  journal_head_encode(&head, bytes);
  return journal_head_size(&head);
}

/* Records of frames whose numbers and times rise most of the time. Bytes; *rising: how many from the start
 * do. */
static size_t records_put(struct input *in, uint8_t *out, uint32_t *records, uint32_t *rising) {
  size_t used = 0;
  uint64_t number = 0;
  int64_t time_ns = 0;
  bool fell = false;
  *records = *rising = 0;
  while (in->left > 0 && *records < RECORDS_MAX) {
    uint8_t how = input_u8(in);
    frame_reset(&frame);
    frame_fill(in, &frame, 8, SENSORS + (how == 255), false);
    fell |= (how & 0x70) == 0x70 && *records > 0;
    number = fell ? number : number + 1 + how % 4;
    time_ns += how;
    frame.number = number;
    frame.time_ns = time_ns;
    for (uint32_t i = 0; i < frame.count; i++) fell |= frame.sensor[i] >= SENSORS;
    for (uint32_t i = 0; i < frame.state_count; i++) fell |= frame.states[i].sensor >= SENSORS;
    journal_record_encode(&frame, out + used);
    used += journal_record_size(&frame);
    ++*records;
    *rising += !fell;
  }
  return used;
}

/* Reads all there is. Frames; *damaged says whether it ended at damage. */
static uint32_t file_read(size_t size, bool *damaged) {
  struct journal_reader *reader;
  struct weft_error err = {""};
  uint32_t count = 0;
  uint64_t last = 0;
  int64_t last_ns = INT64_MIN;
  *damaged = true;
  const char *path = fuzz_file_write(&file, bytes, size);
  if (journal_open(&reader, path, JOURNAL_RUN_NEWEST, &err) < 0) {
    weft_assert(err.text[0] != 0);
    return 0;
  }
  weft_assert(journal_recognised(path));
  journal_expect_sensors(reader, SENSORS);
  int rc;
  while ((rc = journal_next(reader, &taken)) == 1) {
    weft_assert(taken.number > last && taken.time_ns >= last_ns);
    for (uint32_t i = 0; i < taken.count; i++) weft_assert(taken.sensor[i] < SENSORS);
    struct journal_place place = journal_place_of(reader);
    weft_assert(place.offset <= size);
    last = taken.number;
    last_ns = taken.time_ns;
    count++;
  }
  struct journal_damage damage = journal_damage_of(reader);
  weft_assert(damage.any == (rc != 0) && (rc == 0 || rc == -EILSEQ) &&
              (!damage.any || damage.offset <= size));
  weft_assert(journal_next(reader, &taken) == rc && journal_missing_frames(reader) < last + 1);
  weft_assert(!journal_skip_segment(reader));
  *damaged = damage.any;
  journal_close(reader);
  return count;
}

static void records_try(struct input *in) {
  uint8_t how = input_u8(in);
  uint16_t place = input_u16(in);
  uint32_t records, rising;
  bool damaged;
  size_t head = head_put(false), size = head + records_put(in, bytes + head, &records, &rising);
  bool hurt = how & 1 && size > head;
  if (hurt && how & 2)
    size = head + place % (size - head); /* cut */
  else if (hurt)
    bytes[head + place % (size - head)] ^= (uint8_t)(1u << (how >> 5));
  uint32_t count = file_read(size, &damaged);
  weft_assert(hurt ? count <= rising && count <= records : count == rising && damaged == (rising < records));
}

static void packed_try(struct input *in) {
  uint8_t how = input_u8(in);
  uint16_t place = input_u16(in);
  uint32_t records, rising, all = 0, good = 0, blocks = 1 + (how >> 2 & 1);
  bool damaged;
  size_t head = head_put(true), size = head;
  uint64_t raw_bytes = records_put(in, raw, &records, &rising);
  for (uint32_t b = 0; b < blocks && raw_bytes > 0; b++) { /* the same twice: numbers that do not rise */
    size += journal_block_pack(raw, raw_bytes, bytes + size, loose);
    all += records;
    if (b == 0) good = rising;
  }
  journal_block_end(raw_bytes * (raw_bytes > 0 ? blocks : 0) + (how >> 7), all, bytes + size);
  size += JOURNAL_BLOCK_HEADER_BYTES;
  bool hurt = how & 1;
  if (hurt && how & 2)
    size = head + place % (size - head);
  else if (hurt)
    bytes[head + place % (size - head)] ^= (uint8_t)(1u << (how >> 4 & 7));
  uint32_t count = file_read(size, &damaged);
  weft_assert(hurt ? count <= good && damaged : count == good);
  weft_assert(hurt || damaged == (good < all || how >> 7));
}

static void parity_try(struct input *in) {
  uint8_t how = input_u8(in);
  size_t size = in->left < FILE_MAX ? in->left : FILE_MAX;
  input_take(in, bytes, size);
  if (size >= JOURNAL_PARITY_HEADER_BYTES && !(how & 1)) {
    uint32_t segments = 1 + get_u32(bytes, 16) % JOURNAL_PARITY_SEGMENTS_MAX;
    size_t whole = JOURNAL_PARITY_HEADER_BYTES + (size_t)segments * JOURNAL_PARITY_ENTRY_BYTES;
    memcpy(bytes, JOURNAL_PARITY_MAGIC, 8);
    put_u32(bytes, 8, JOURNAL_PARITY_VERSION);
    put_u32(bytes, 12, 0);
    put_u32(bytes, 16, segments);
    put_u32(bytes, 20, get_u32(bytes, 20) % (JOURNAL_PARITY_FILES_MAX + 2));
    put_u32(bytes, 24, get_u32(bytes, 24) % JOURNAL_PARITY_FILES_MAX);
    if (whole <= size) put_u32(bytes, 12, journal_crc(bytes, whole));
  }
  struct journal_parity_head head;
  if (!journal_parity_head_read(fuzz_file_write(&file, bytes, size), &head)) return;
  weft_assert(head.segments > 0 && head.segments <= JOURNAL_PARITY_SEGMENTS_MAX);
  weft_assert(head.files > 0 && head.files <= JOURNAL_PARITY_FILES_MAX && head.index < head.files);
  for (uint32_t s = 0; s < head.segments; s++) weft_assert(head.of[s].size <= head.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct arena arena;
  if (!arena.base) {
    weft_assert(arena_open(&arena, 2 * frame_bytes(FRAME_DETECTIONS_MAX)) == 0);
    weft_assert(frame_open(&frame, &arena, FRAME_DETECTIONS_MAX) == 0 &&
                frame_open(&taken, &arena, FRAME_DETECTIONS_MAX) == 0);
  }
  if (size == 0) return 0;
  struct input in = {data, size};
  bool damaged;
  switch (input_u8(&in) % MODES) {
  case MODE_RAW:
    size = in.left < FILE_MAX ? in.left : FILE_MAX;
    input_take(&in, bytes, size);
    (void)file_read(size, &damaged);
    break;
  case MODE_RECORDS:
    records_try(&in);
    break;
  case MODE_PACKED:
    packed_try(&in);
    break;
  default:
    parity_try(&in);
    break;
  }
  return 0;
}

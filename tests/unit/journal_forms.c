// stage: weft_journal weft_platform weft_domain weft_base
// wraps: readdir
/* What a journal's bytes may not say though every checksum in them is right, and what the reader makes of segments that do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/domain/site.h"
#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_pack.h"
#include "engine/journal/journal_packer.h"
#include "engine/journal/journal_reader.h"
#include "engine/journal/journal_segment.h"
#include "tests/unit/journal_support.h"

enum { CAPACITY = 64, BYTES_MAX = 1 << 20 };
static struct arena arena;
static struct frame frame, read_back;
static uint8_t bytes[BYTES_MAX];
static char directory[300], path[400];

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(directory) || arena_open(&arena, 2 * frame_bytes(CAPACITY)) < 0) return -1;
  journal_segment_path(path, sizeof path, directory, 1);
  return frame_open(&frame, &arena, CAPACITY) < 0 || frame_open(&read_back, &arena, CAPACITY) < 0 ? -1 : 0;
}

static int teardown(void **state) {
  (void)state;
  for (uint64_t segment = 1; segment <= 2; segment++) {
    journal_segment_path(path, sizeof path, directory, segment);
    unlink(path);
  }
  arena_close(&arena);
  return rmdir(directory);
}

/* The header's checksum over what it says now. */
static void record_seal(uint8_t *record) { put_u32(record, 4, journal_crc(record + 8, JOURNAL_RECORD_BYTES - 8)); }

static void record_headers_that_can_not_be_are_corrupt(void **state) {
  (void)state;
  static const struct { size_t at; uint32_t value; } cases[] = {
      {36, FRAME_DETECTIONS_MAX + 1}, {40, FRAME_STATES_MAX + 1}, {44, 2}, {52, 1}, {8, 64}};
  frame_fill(&frame, 8, 5, false);
  size_t length, size = journal_record_size(&frame);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    journal_record_encode(&frame, bytes);
    put_u32(bytes, cases[i].at, cases[i].value);
    record_seal(bytes);
    if (journal_record_measure(bytes, size, &length) != JOURNAL_CORRUPT) fail_msg("case %zu", i);
  }
}

static void records_with_impossible_content_are_corrupt(void **state) {
  (void)state;
  enum { FAULTS = 15 };
  for (int fault = 0; fault < FAULTS; fault++) {
    frame_fill(&frame, 7, 9, true);
    struct sensor_state *report = &frame.states[1];
    switch (fault) {
    case 0: frame.time_ns = INT64_MAX; break;
    case 1: frame.number = 0; break;
    case 2: report->time_ns = INT64_MAX; break;
    case 3: report->sensor = SITE_SENSORS_MAX; break;
    case 4: report->position_m[1] = (double)INFINITY; break;
    case 5: report->velocity_mps[2] = (double)NAN; break;
    case 6: frame.kind[3] = KIND_END; break;
    case 7: frame.platform_m[3][1] = (double)NAN; break;
    case 8: frame.snr_db[3] = NAN; break;
    case 9: frame.sigma[3][1] = INFINITY; break;
    case 10: frame.time_of_ns[3] = INT64_MAX; break;
    case 11: frame.time_ns = INT64_MIN; break;
    case 12: frame.measure[3][0] = (double)NAN; break;
    case 13: frame.sigma[3][1] = -1; break;
    default: break;
    }
    journal_record_encode(&frame, bytes);
    size_t used;
    enum journal_verdict verdict = journal_record_decode(bytes, journal_record_size(&frame), &read_back, &used);
    if ((verdict == JOURNAL_GOOD) != (fault == FAULTS - 1)) fail_msg("fault %d: verdict %d", fault, (int)verdict);
  }
}

/* A platform at the Earth's centre is one nevertheless, and a record that leaves its column out says there is none. */
static void the_column_of_platforms_is_there_exactly_where_there_is_one(void **state) {
  (void)state;
  size_t used;
  frame_fill(&frame, 8, 3, false);
  size_t without = journal_record_size(&frame);
  frame.valid[2] |= VALID_PLATFORM;
  size_t size = journal_record_size(&frame);
  assert_true(size > without);
  journal_record_encode(&frame, bytes);
  assert_int_equal(journal_record_decode(bytes, size, &read_back, &used), JOURNAL_GOOD);
  frame.valid[2] &= (uint16_t)~VALID_PLATFORM; /* the same bytes, but for the bit that said so */
  uint8_t *valid = memmem(bytes, size, frame.valid, 2 * sizeof frame.valid[0]);
  assert_non_null(valid);
  memcpy(valid + 2 * sizeof frame.valid[0], &frame.valid[2], sizeof frame.valid[0]);
  put_u32(bytes, 48, journal_crc(bytes + JOURNAL_RECORD_BYTES, size - JOURNAL_RECORD_BYTES));
  record_seal(bytes);
  assert_int_equal(journal_record_decode(bytes, size, &read_back, &used), JOURNAL_CORRUPT);
}

static void padding_that_is_not_zero_is_corrupt(void **state) {
  (void)state;
  size_t used, corrupt = 0;
  frame_fill(&frame, 8, 3, false); /* no states; three of a byte, of two, of four bytes leave padding */
  size_t size = journal_record_size(&frame);
  for (size_t at = JOURNAL_RECORD_BYTES; at < size; at++) {
    journal_record_encode(&frame, bytes);
    if (bytes[at] != 0) continue;
    bytes[at] = 1;
    put_u32(bytes, 48, journal_crc(bytes + JOURNAL_RECORD_BYTES, size - JOURNAL_RECORD_BYTES));
    record_seal(bytes);
    corrupt += journal_record_decode(bytes, size, &read_back, &used) == JOURNAL_CORRUPT;
  }
  assert_true(corrupt >= 5 + 2 + 4);
}

static void more_detections_than_the_frame_holds_are_corrupt(void **state) {
  (void)state;
  struct frame small;
  struct arena room;
  size_t used;
  assert_int_equal(arena_open(&room, frame_bytes(8)), 0);
  assert_int_equal(frame_open(&small, &room, 8), 0);
  for (uint32_t count = 8; count <= 9; count++) {
    frame_fill(&frame, 8, count, false);
    journal_record_encode(&frame, bytes);
    enum journal_verdict wanted = count == 8 ? JOURNAL_GOOD : JOURNAL_CORRUPT;
    assert_int_equal(journal_record_decode(bytes, journal_record_size(&frame), &small, &used), wanted);
  }
  arena_close(&room);
}

static void heads_without_texts_are_whole_and_names_without_an_end_are_not(void **state) {
  (void)state;
  struct journal_head head = head_example(), got;
  size_t used;
  head.site_size = head.parameter_size = 0;
  journal_head_encode(&head, bytes);
  assert_int_equal(journal_head_decode(bytes, JOURNAL_HEADER_BYTES, &got, &used), JOURNAL_GOOD);
  assert_int_equal(used, JOURNAL_HEADER_BYTES);
  memset(head.centre, 'c', sizeof head.centre);
  journal_head_encode(&head, bytes);
  assert_int_equal(journal_head_decode(bytes, JOURNAL_HEADER_BYTES, &got, &used), JOURNAL_CORRUPT);
}

static void parameters_are_found_by_their_whole_key(void **state) {
  (void)state;
  struct journal_head head = head_example();
  static const char text[] = "a=1\nlonger=2\nlong=3";
  char value[8];
  head.parameters = text;
  head.parameter_size = sizeof text - 1;
  assert_true(journal_parameter(&head, "a=", value, sizeof value));
  assert_string_equal(value, "1");
  assert_true(journal_parameter(&head, "long=", value, sizeof value)); /* a last line without its end */
  assert_string_equal(value, "3");
  assert_false(journal_parameter(&head, "b=", value, sizeof value));
  assert_false(journal_parameter(&head, "longest_of_all_keys=", value, sizeof value));
}

/* Longer than the library can count. The bytes are one page of zeros, mapped over and over. */
static void checksums_of_more_than_two_gibibytes_are_right(void **state) {
  (void)state;
  const size_t size = (UINT64_C(1) << 31) + 100, half = size / 2;
  void *zeros = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (zeros == MAP_FAILED) {
    print_message("skipped: no room in the address space\n");
    skip();
  }
  uint32_t crc = crc32_iscsi(zeros, (int)half, UINT32_MAX);
  crc = ~crc32_iscsi(zeros, (int)(size - half), crc);
  assert_int_equal(journal_crc(zeros, size), crc);
  munmap(zeros, size);
}

static void names_of_segments_are_eight_to_eighteen_digits(void **state) {
  (void)state;
  assert_int_equal(journal_segment_number("00000007.wj"), 7);
  assert_int_equal(journal_segment_number("123456789012345678.wj"), 123456789012345678);
  static const char *const others[] = {"0000007.wj", "1234567890123456789.wj", "00000007.wjp", "00000007wj", "a0000007.wj", ""};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) assert_int_equal(journal_segment_number(others[i]), 0);
}

static uint64_t segments_left; /* that a folder is made to look as if it held */
struct dirent *__real_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir);
struct dirent *__wrap_readdir(DIR *dir) {
  static struct dirent entry;
  if (segments_left == 0) return __real_readdir(dir);
  snprintf(entry.d_name, sizeof entry.d_name, "%08llu.wj", (unsigned long long)segments_left--);
  return &entry;
}

static void more_segments_than_any_journal_has_are_refused(void **state) {
  (void)state;
  uint64_t *numbers, count;
  segments_left = JOURNAL_SEGMENTS_MAX;
  assert_int_equal(journal_segment_list(directory, &numbers, &count), 0);
  assert_true(count == JOURNAL_SEGMENTS_MAX && numbers[0] == 1 && numbers[count - 1] == JOURNAL_SEGMENTS_MAX);
  free(numbers);
  segments_left = JOURNAL_SEGMENTS_MAX + 1;
  assert_int_equal(journal_segment_list(directory, &numbers, &count), -E2BIG);
  assert_true(numbers == NULL && count == 0);
  segments_left = 0;
}

static void only_whole_good_records_are_packed(void **state) {
  (void)state;
  static uint8_t block[BYTES_MAX], scratch[BYTES_MAX];
  frame_fill(&frame, 8, 5, false);
  size_t size = journal_record_size(&frame);
  journal_record_encode(&frame, bytes);
  assert_true(journal_block_pack(bytes, size, block, scratch) > 0);
  assert_int_equal(journal_block_pack(bytes, size - 1, block, scratch), 0);
  assert_int_equal(journal_block_pack(bytes, JOURNAL_RECORD_BYTES - 1, block, scratch), 0);
  bytes[size - 1] ^= 1;
  assert_int_equal(journal_block_pack(bytes, size, block, scratch), 0);
}

/* A block of two records, as it is packed and as its streams are. */
struct packed {
  size_t raw, first, loose, length;
  uint8_t block[BYTES_MAX], streams[BYTES_MAX];
};

static struct packed *packed_make(void) {
  struct packed *packed = calloc(1, sizeof *packed);
  assert_non_null(packed);
  for (uint64_t number = 8; number <= 9; number++) {
    frame_fill(&frame, number, 5, false);
    journal_record_encode(&frame, bytes + packed->raw);
    packed->raw += journal_record_size(&frame);
    if (number == 8) packed->first = packed->raw;
  }
  packed->length = journal_block_pack(bytes, packed->raw, packed->block, packed->streams);
  assert_true(packed->length > 0);
  packed->loose = get_u64(packed->block, 24);
  return packed;
}

static void block_seal(uint8_t *block) {
  put_u32(block, 36, journal_crc(block + JOURNAL_BLOCK_HEADER_BYTES, get_u64(block, 8) - JOURNAL_BLOCK_HEADER_BYTES));
  put_u32(block, 4, journal_crc(block + 8, JOURNAL_BLOCK_HEADER_BYTES - 8));
}

static void block_headers_that_can_not_be_are_corrupt(void **state) {
  (void)state;
  struct packed *p = packed_make();
  struct journal_block block;
  const struct { size_t at; uint64_t value; } cases[] = {
      {16, JOURNAL_BLOCK_RAW_BYTES_MAX + 1}, {24, p->raw + 1}, {40, p->raw / JOURNAL_RECORD_BYTES + 1}, {8, p->length + 8}, {32, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t header[JOURNAL_BLOCK_HEADER_BYTES];
    memcpy(header, p->block, sizeof header);
    if (cases[i].at == 32) put_u32(header, 32, 0);
    else put_u64(header, cases[i].at, cases[i].value);
    put_u32(header, 4, journal_crc(header + 8, sizeof header - 8));
    if (journal_block_measure(header, sizeof header, &block) != JOURNAL_CORRUPT) fail_msg("case %zu", i);
  }
  uint8_t header[JOURNAL_BLOCK_HEADER_BYTES]; /* longer than the records that it says it holds could ever be */
  memcpy(header, p->block, sizeof header);
  put_u64(header, 16, 2 * JOURNAL_RECORD_BYTES), put_u64(header, 24, 2 * JOURNAL_RECORD_BYTES);
  put_u32(header, 32, 8000), put_u64(header, 8, JOURNAL_BLOCK_HEADER_BYTES + 8000);
  put_u32(header, 4, journal_crc(header + 8, sizeof header - 8));
  assert_int_equal(journal_block_measure(header, sizeof header, &block), JOURNAL_CORRUPT);
  free(p);
}

static enum journal_verdict block_verdict(const uint8_t *block) {
  static uint8_t records[BYTES_MAX], loose[BYTES_MAX];
  struct journal_block measured;
  assert_int_equal(journal_block_measure(block, BYTES_MAX, &measured), JOURNAL_GOOD);
  return journal_block_unpack(block, &measured, records, loose);
}

/* Streams that inflate, of another length than the records in them need. */
static void streams_deflate(struct packed *p, size_t loose) {
  static uint8_t buffer[ISAL_DEF_LVL1_DEFAULT];
  struct isal_zstream stream;
  isal_deflate_init(&stream);
  stream.level = 1, stream.level_buf = buffer, stream.level_buf_size = sizeof buffer, stream.end_of_stream = 1;
  stream.next_in = p->streams, stream.avail_in = (uint32_t)loose;
  stream.next_out = p->block + JOURNAL_BLOCK_HEADER_BYTES, stream.avail_out = BYTES_MAX - JOURNAL_BLOCK_HEADER_BYTES;
  assert_int_equal(isal_deflate(&stream), COMP_OK);
  memset(p->block + JOURNAL_BLOCK_HEADER_BYTES + stream.total_out, 0, 8);
  put_u64(p->block, 8, JOURNAL_BLOCK_HEADER_BYTES + round_up(stream.total_out));
  put_u64(p->block, 24, loose);
  put_u32(p->block, 32, stream.total_out);
  block_seal(p->block);
}

static void blocks_whose_records_do_not_add_up_are_corrupt(void **state) {
  (void)state;
  struct packed *p = packed_make();
  assert_int_equal(block_verdict(p->block), JOURNAL_GOOD);
  const size_t raws[] = {p->raw + 8, p->raw - 8, p->first + JOURNAL_RECORD_BYTES - 8, p->first};
  for (size_t i = 0; i < sizeof raws / sizeof raws[0]; i++) {
    if (raws[i] < p->loose) continue;
    put_u64(p->block, 16, raws[i]);
    block_seal(p->block);
    if (block_verdict(p->block) != JOURNAL_CORRUPT) fail_msg("raw bytes %zu instead of %zu", raws[i], p->raw);
  }
  put_u64(p->block, 16, p->raw);
  streams_deflate(p, p->loose);
  assert_int_equal(block_verdict(p->block), JOURNAL_GOOD);
  assert_true(p->raw - p->loose >= 8); /* padding is not in the streams */
  streams_deflate(p, p->loose + 8);
  assert_int_equal(block_verdict(p->block), JOURNAL_CORRUPT);
  put_u64(p->block, 40, 1); /* one record, whose rows are not where they would be then */
  block_seal(p->block);
  assert_int_equal(block_verdict(p->block), JOURNAL_CORRUPT);
  memset(p->streams, 0, 64);
  streams_deflate(p, 64);
  put_u64(p->block, 40, 2); /* not even room for their headers */
  block_seal(p->block);
  assert_int_equal(block_verdict(p->block), JOURNAL_CORRUPT);
  free(p);
}

/* Headers that end where the block has no room for another. */
static void a_block_that_ends_within_a_header_is_corrupt(void **state) {
  (void)state;
  struct packed *p = packed_make();
  size_t records = 2;
  for (size_t i = 0; i < records; i++) { /* two empty records, streams of headers only */
    frame_fill(&frame, 8, 0, false);
    journal_record_encode(&frame, bytes + i * JOURNAL_RECORD_BYTES);
  }
  for (size_t b = 0; b < JOURNAL_RECORD_BYTES; b++)
    for (size_t i = 0; i < records; i++) p->streams[b * records + i] = bytes[i * JOURNAL_RECORD_BYTES + b];
  put_u64(p->block, 16, 2 * JOURNAL_RECORD_BYTES);
  put_u64(p->block, 40, 2);
  streams_deflate(p, 2 * JOURNAL_RECORD_BYTES);
  assert_int_equal(block_verdict(p->block), JOURNAL_GOOD);
  frame_fill(&frame, 9, 1, false); /* the first is longer, so that of the second's header only a part has room */
  journal_record_encode(&frame, bytes);
  for (size_t b = 0; b < JOURNAL_RECORD_BYTES; b++) p->streams[b * records] = bytes[b];
  put_u64(p->block, 16, journal_record_size(&frame) + JOURNAL_RECORD_BYTES - 8);
  streams_deflate(p, 2 * JOURNAL_RECORD_BYTES);
  assert_int_equal(block_verdict(p->block), JOURNAL_CORRUPT);
  free(p);
}

/* Writes a segment: its head and what `bytes` holds behind it. */
static void segment_write(const struct journal_head *head, const uint8_t *rest, size_t size) {
  static uint8_t encoded[4096];
  journal_head_encode(head, encoded);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(encoded, 1, journal_head_size(head), file), journal_head_size(head));
  assert_int_equal(fwrite(rest, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static size_t record_add(size_t at, uint64_t number, int64_t time_ns) {
  frame_fill(&frame, number, 2, false);
  frame.time_ns = time_ns;
  journal_record_encode(&frame, bytes + at);
  return at + journal_record_size(&frame);
}

/* How many frames are read before the end or damage; `limit` sensors are known. */
static int frames_read(uint32_t limit, bool *damage) {
  struct journal_reader *reader;
  struct weft_error err = {""};
  int count = 0, rc;
  if (journal_open(&reader, path, JOURNAL_RUN_NEWEST, &err) < 0) fail_msg("%s", err.text);
  journal_expect_sensors(reader, limit);
  while ((rc = journal_next(reader, &read_back)) == 1) count++;
  *damage = journal_damage_of(reader).any;
  assert_int_equal(rc, *damage ? -EILSEQ : 0);
  assert_false(journal_skip_segment(reader)); /* it was the only one */
  assert_false(journal_skip_segment(reader));
  journal_close(reader);
  return count;
}

static void frames_that_do_not_follow_each_other_are_damage(void **state) {
  (void)state;
  struct journal_head head = head_example();
  static const struct { uint64_t number; int64_t time_ns; bool good; } cases[] = {{11, 500, true}, {10, 600, false}, {11, 499, false}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bool damage;
    size_t size = record_add(0, 10, 500);
    segment_write(&head, bytes, record_add(size, cases[i].number, cases[i].time_ns));
    assert_int_equal(frames_read(SITE_SENSORS_MAX, &damage), cases[i].good ? 2 : 1);
    assert_int_equal(damage, !cases[i].good);
  }
}

static void states_of_sensors_that_the_site_lacks_are_damage(void **state) {
  (void)state;
  struct journal_head head = head_example();
  bool damage;
  frame_fill(&frame, 11, 0, false); /* three states, of sensors 0 to 2 */
  journal_record_encode(&frame, bytes);
  segment_write(&head, bytes, journal_record_size(&frame));
  assert_int_equal(frames_read(3, &damage), 1);
  assert_false(damage);
  assert_int_equal(frames_read(2, &damage), 0);
  assert_true(damage);
}

static void segments_of_another_version_and_paths_too_long_say_so(void **state) {
  (void)state;
  struct journal_head head = head_example();
  struct journal_reader *reader;
  struct weft_error err = {""};
  head.version = 9;
  segment_write(&head, bytes, 0);
  assert_int_equal(journal_open(&reader, path, JOURNAL_RUN_NEWEST, &err), -EILSEQ);
  assert_non_null(strstr(err.text, "neither 1 nor 2"));
  char longest[JOURNAL_PATH_MAX + 1];
  memset(longest, 'p', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  assert_int_equal(journal_open(&reader, longest, JOURNAL_RUN_NEWEST, &err), -ENAMETOOLONG);
}

/* A run that goes on from another one says behind which frame it begins. */
static void what_is_missing_is_counted_from_where_the_run_began(void **state) {
  (void)state;
  struct journal_head head = head_example();
  struct journal_reader *reader;
  struct weft_error err = {""};
  char text[64];
  head.parameters = text;
  head.parameter_size = (size_t)snprintf(text, sizeof text, "%s%d\n", JOURNAL_BASE_KEY, 7);
  segment_write(&head, bytes, record_add(0, 10, 500));
  assert_int_equal(journal_open(&reader, directory, JOURNAL_RUN_NEWEST, &err), 0);
  assert_int_equal(journal_next(reader, &read_back), 1);
  assert_int_equal(journal_missing_frames(reader), 2); /* 8 and 9 */
  journal_close(reader);
}

static void frames_up_to_a_snapshot_are_passed_over(void **state) {
  (void)state;
  struct journal_head head = head_example();
  struct weft_error err = {""};
  for (uint64_t segment = 1; segment <= 2; segment++) {
    journal_segment_path(path, sizeof path, directory, segment);
    head.segment = segment;
    head.first_frame = 10 * segment;
    size_t size = 0;
    for (uint64_t n = 0; n < 10; n++) size = record_add(size, 10 * segment + n, (int64_t)(10 * segment + n));
    segment_write(&head, bytes, size);
  }
  static const uint64_t passed[] = {0, 9, 12, 18, 19, 25, 29};
  for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
    struct journal_reader *reader;
    assert_int_equal(journal_open(&reader, directory, JOURNAL_RUN_NEWEST, &err), 0);
    journal_pass(reader, passed[i], (int64_t)passed[i]);
    uint64_t first = passed[i] < 10 ? 10 : passed[i] + 1, count = 0;
    while (journal_next(reader, &read_back) == 1) assert_int_equal(read_back.number, first + count++);
    assert_int_equal(count, 30 - first);
    journal_close(reader);
  }
}

/* Packed, with whatever is behind its last block or said in it. */
static void what_follows_the_end_of_a_packed_segment_is_damage(void **state) {
  (void)state;
  struct packed *p = packed_make();
  struct journal_head head = head_example();
  static uint8_t all[BYTES_MAX];
  bool damage;
  head.version = JOURNAL_VERSION_PACKED;
  memcpy(all, p->block, p->length);
  uint8_t *end = all + p->length, *behind = end + JOURNAL_BLOCK_HEADER_BYTES;
  size_t size = p->length + JOURNAL_BLOCK_HEADER_BYTES;
  static const struct { int raw, records; } ends[] = {{0, 0}, {8, 0}, {0, 1}};
  for (int i = 0; i < 3; i++) {
    journal_block_end(p->raw + (uint64_t)ends[i].raw, 2 + (uint64_t)ends[i].records, end);
    segment_write(&head, all, size);
    assert_int_equal(frames_read(SITE_SENSORS_MAX, &damage), 2);
    assert_int_equal(damage, i > 0);
  }
  journal_block_end(p->raw, 2, end);
  memcpy(behind, p->block, p->length);
  segment_write(&head, all, size + p->length);
  assert_int_equal(frames_read(SITE_SENSORS_MAX, &damage), 2);
  assert_true(damage);
  free(p);
}

static void a_segment_that_packing_would_not_shorten_stays(void **state) {
  (void)state;
  struct journal_head head = head_example();
  struct journal_packer_figures figures = {0};
  struct weft_error err = {""};
  frame_fill(&frame, 8, 0, false);
  journal_record_encode(&frame, bytes);
  segment_write(&head, bytes, JOURNAL_RECORD_BYTES);
  assert_int_equal(journal_segment_pack(path, NULL, &figures, &err), 0);
  bool damage;
  assert_int_equal(frames_read(SITE_SENSORS_MAX, &damage), 1);
  assert_int_equal(figures.segments, 0);
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(record_headers_that_can_not_be_are_corrupt),
      CASE(records_with_impossible_content_are_corrupt),
      CASE(the_column_of_platforms_is_there_exactly_where_there_is_one),
      CASE(padding_that_is_not_zero_is_corrupt),
      CASE(more_detections_than_the_frame_holds_are_corrupt),
      CASE(heads_without_texts_are_whole_and_names_without_an_end_are_not),
      CASE(parameters_are_found_by_their_whole_key),
      CASE(checksums_of_more_than_two_gibibytes_are_right),
      CASE(names_of_segments_are_eight_to_eighteen_digits),
      CASE(more_segments_than_any_journal_has_are_refused),
      CASE(only_whole_good_records_are_packed),
      CASE(block_headers_that_can_not_be_are_corrupt),
      CASE(blocks_whose_records_do_not_add_up_are_corrupt),
      CASE(a_block_that_ends_within_a_header_is_corrupt),
      CASE(frames_that_do_not_follow_each_other_are_damage),
      CASE(states_of_sensors_that_the_site_lacks_are_damage),
      CASE(segments_of_another_version_and_paths_too_long_say_so),
      CASE(what_is_missing_is_counted_from_where_the_run_began),
      CASE(frames_up_to_a_snapshot_are_passed_over),
      CASE(what_follows_the_end_of_a_packed_segment_is_damage),
      CASE(a_segment_that_packing_would_not_shorten_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

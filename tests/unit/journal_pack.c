// stage: weft_journal weft_platform weft_domain weft_base
/* Packed segments: the same frames come out, a segment is never without one of its two forms, and what is damaged or being
 * packed when a crash comes stays as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/journal/journal_pack.h"
#include "engine/journal/journal_packer.h"
#include "engine/journal/journal_reader.h"
#include "engine/journal/journal_segment.h"
#include "tests/unit/journal_support.h"

enum { CAPACITY = 3000, FRAMES = 400, BYTES_MAX = 64 << 20 };
static struct arena arena;
static struct frame frame, read_back;
static char directory[300], path[400], beside[420];
static uint8_t *bytes;
static size_t size;

static uint32_t detections_of(uint64_t number) { return number == 100 ? 3000 : (uint32_t)(number * 7 % 190); }

static void file_write(size_t cut) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, cut, file), cut);
  fclose(file);
}

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  assert_non_null(mkdtemp(directory));
  journal_segment_path(path, sizeof path, directory, 1);
  snprintf(beside, sizeof beside, "%s.tmp", path);
  assert_int_equal(arena_open(&arena, 2 * frame_bytes(CAPACITY)), 0);
  assert_int_equal(frame_open(&frame, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&read_back, &arena, CAPACITY), 0);
  bytes = malloc(BYTES_MAX);
  assert_non_null(bytes);
  struct journal_head head = head_example();
  head.segment = 1;
  journal_head_encode(&head, bytes);
  size = journal_head_size(&head);
  for (uint64_t number = 1; number <= FRAMES; number++) {
    frame_fill(&frame, number, detections_of(number), number % 5 == 0);
    journal_record_encode(&frame, bytes + size);
    size += journal_record_size(&frame);
  }
  assert_true(size > 2 * JOURNAL_BLOCK_RAW_BYTES); /* several blocks */
  file_write(size);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  unlink(beside);
  rmdir(directory);
  free(bytes);
  arena_close(&arena);
  return 0;
}

static void frames_expect(const char *from) {
  struct journal_reader *reader;
  struct weft_error err;
  if (journal_open(&reader, from, JOURNAL_RUN_NEWEST, &err) < 0) fail_msg("%s", err.text);
  for (uint64_t number = 1; number <= FRAMES; number++) {
    assert_int_equal(journal_next(reader, &read_back), 1);
    frame_fill(&frame, number, detections_of(number), number % 5 == 0);
    if (!frame_equal(&frame, &read_back)) fail_msg("frame %llu differs", (unsigned long long)number);
  }
  assert_int_equal(journal_next(reader, &read_back), 0);
  assert_false(journal_damage_of(reader).any);
  journal_close(reader);
}

static int pack(const _Atomic bool *stop, struct journal_packer_figures *figures) {
  struct weft_error err = {""};
  int rc = journal_segment_pack(path, stop, figures, &err);
  if (rc < 0 && rc != -ECANCELED) fail_msg("%s", err.text);
  return rc;
}

static void packed_frames_come_back_bit_for_bit(void **state) {
  (void)state;
  struct journal_packer_figures figures = {0};
  frames_expect(directory);
  assert_int_equal(pack(NULL, &figures), 1);
  struct stat status;
  assert_int_equal(stat(path, &status), 0);
  assert_int_equal(figures.raw_bytes, size);
  assert_int_equal(figures.file_bytes, status.st_size);
  assert_true(figures.file_bytes < size);
  frames_expect(directory);
  frames_expect(path);
  assert_true(journal_recognised(path) && journal_recognised(directory));
  assert_int_equal(pack(NULL, &figures), 0); /* it is already */
  assert_int_equal(figures.segments, 1);
}

static void a_reader_that_looked_before_reads_what_was_packed_since(void **state) {
  (void)state;
  struct journal_reader *reader;
  struct weft_error err;
  struct journal_packer_figures figures = {0};
  assert_int_equal(journal_open(&reader, directory, JOURNAL_RUN_NEWEST, &err), 0);
  assert_int_equal(pack(NULL, &figures), 1);
  for (uint64_t number = 1; number <= FRAMES; number++) assert_int_equal(journal_next(reader, &read_back), 1);
  assert_int_equal(journal_next(reader, &read_back), 0);
  journal_close(reader);
}

static void packing_that_is_stopped_or_crashes_leaves_the_segment(void **state) {
  (void)state;
  struct journal_packer_figures figures = {0};
  static const _Atomic bool stop = true;
  assert_int_equal(pack(&stop, &figures), -ECANCELED);
  assert_int_equal(access(beside, F_OK), -1);
  frames_expect(directory);
  for (size_t left = 0; left < 3000; left += 100) { /* whatever a crash leaves of the new file is not looked at */
    FILE *file = fopen(beside, "w");
    fwrite(bytes, 1, left, file);
    fclose(file);
    frames_expect(directory);
  }
  assert_int_equal(pack(NULL, &figures), 1);
  assert_int_equal(access(beside, F_OK), -1);
  frames_expect(directory);
}

static void damaged_segments_are_left_as_they_are(void **state) {
  (void)state;
  struct journal_packer_figures figures = {0};
  struct prng prng = prng_seed(4, 4);
  for (int i = 0; i < 40; i++) {
    size_t at = prng_below(&prng, size), cut = i % 2 ? size : at;
    if (i % 2) bytes[at] ^= 16;
    file_write(cut);
    int rc = pack(NULL, &figures);
    if (i % 2) bytes[at] ^= 16;
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    if (rc == 0) assert_int_equal(status.st_size, cut);
    else assert_int_equal(i % 2, 0); /* cut just between two records */
  }
  struct weft_error err;
  unlink(path);
  assert_int_equal(journal_segment_pack(path, NULL, &figures, &err), -ENOENT);
  assert_non_null(strstr(err.text, path));
}

/* Blocks whose CRCs are right and whose contents are not: refused, and nothing is written beyond what was asked for. */
static void a_block_that_lies_is_refused(void **state) {
  (void)state;
  frame_fill(&frame, 9, 30, true);
  size_t raw = journal_record_size(&frame);
  journal_record_encode(&frame, bytes);
  uint8_t *block = malloc(journal_block_size_max(raw)), *copy = malloc(journal_block_size_max(raw)), *scratch = malloc(raw);
  size_t length = journal_block_pack(bytes, raw, block, scratch);
  assert_true(length > 0);
  struct prng prng = prng_seed(5, 5);
  uint32_t refused = 0;
  for (int i = 0; i < 20000; i++) {
    struct journal_block measured;
    memcpy(copy, block, length);
    for (int k = 0; k < 3; k++) copy[8 + prng_below(&prng, length - 8)] ^= (uint8_t)(1 << prng_below(&prng, 8));
    uint32_t crc = journal_crc(copy + JOURNAL_BLOCK_HEADER_BYTES, length - JOURNAL_BLOCK_HEADER_BYTES);
    memcpy(copy + 36, &crc, 4);
    crc = journal_crc(copy + 8, JOURNAL_BLOCK_HEADER_BYTES - 8);
    memcpy(copy + 4, &crc, 4);
    if (journal_block_measure(copy, length, &measured) != JOURNAL_GOOD || measured.records == 0 || measured.length > length) {
      refused++;
      continue;
    }
    uint8_t *records = malloc(measured.raw_bytes), *loose = malloc(measured.loose_bytes); /* exactly: a sanitizer sees more */
    refused += journal_block_unpack(copy, &measured, records, loose) != JOURNAL_GOOD;
    free(records);
    free(loose);
  }
  assert_true(refused > 2000);
  free(block);
  free(copy);
  free(scratch);
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(packed_frames_come_back_bit_for_bit),
      CASE(a_reader_that_looked_before_reads_what_was_packed_since),
      CASE(packing_that_is_stopped_or_crashes_leaves_the_segment),
      CASE(damaged_segments_are_left_as_they_are),
      CASE(a_block_that_lies_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

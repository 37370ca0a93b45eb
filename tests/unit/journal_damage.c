// stage: weft_journal weft_platform weft_domain weft_base
/* A small journal of three segments, cut at every byte, every bit flipped, each file gone: what is read is right, and what is
 * missing is reported. */
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
#include <unistd.h>

#include "engine/journal/journal_pack.h"
#include "engine/journal/journal_reader.h"
#include "engine/journal/journal_segment.h"
#include "tests/unit/journal_support.h"

enum { CAPACITY = 8, SEGMENTS = 3, PER_SEGMENT = 2, FRAMES = SEGMENTS * PER_SEGMENT, BYTES_MAX = 1 << 16 };
static struct arena arena;
static struct frame frames[FRAMES + 1], read_back;
static char directory[300], paths[SEGMENTS][400];
static uint8_t bytes[SEGMENTS][BYTES_MAX];
static size_t sizes[SEGMENTS], ends[SEGMENTS][PER_SEGMENT + 1]; /* where the header and each record end */

static void segment_write(int s, const uint8_t *data, size_t size) {
  int fd = open(paths[s], O_WRONLY | O_CREAT, 0644);
  assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0); /* O_TRUNC would make some file systems sync at close */
  assert_int_equal(write(fd, data, size), size);
  close(fd);
}

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  assert_non_null(mkdtemp(directory));
  assert_int_equal(arena_open(&arena, (FRAMES + 2) * frame_bytes(CAPACITY)), 0);
  assert_int_equal(frame_open(&read_back, &arena, CAPACITY), 0);
  uint64_t number = 1;
  for (int s = 0; s < SEGMENTS; s++) {
    struct journal_head head = head_example();
    head.segment = (uint64_t)s + 1;
    head.first_frame = number;
    journal_head_encode(&head, bytes[s]);
    sizes[s] = ends[s][0] = journal_head_size(&head);
    for (int i = 1; i <= PER_SEGMENT; i++, number++) {
      assert_int_equal(frame_open(&frames[number], &arena, CAPACITY), 0);
      frame_fill(&frames[number], number, (uint32_t)number % 2, number % 3 == 0);
      journal_record_encode(&frames[number], bytes[s] + sizes[s]);
      sizes[s] += journal_record_size(&frames[number]);
      ends[s][i] = sizes[s];
    }
    journal_segment_path(paths[s], sizeof paths[s], directory, (uint64_t)s + 1);
    segment_write(s, bytes[s], sizes[s]);
  }
  return 0;
}

/* The same journal with its segments packed. */
static int setup_packed(void **state) {
  static uint8_t packed[BYTES_MAX], scratch[BYTES_MAX];
  int rc = setup(state);
  for (int s = 0; s < SEGMENTS; s++) {
    struct journal_head head;
    size_t size;
    assert_int_equal(journal_head_decode(bytes[s], sizes[s], &head, &size), JOURNAL_GOOD);
    head.version = JOURNAL_VERSION_PACKED;
    journal_head_encode(&head, packed);
    size_t raw = sizes[s] - size, block = journal_block_pack(bytes[s] + size, raw, packed + size, scratch);
    assert_true(block > 0);
    journal_block_end(raw, PER_SEGMENT, packed + size + block);
    sizes[s] = size + block + JOURNAL_BLOCK_HEADER_BYTES;
    memcpy(bytes[s], packed, sizes[s]);
    segment_write(s, bytes[s], sizes[s]);
  }
  return rc;
}

static int teardown(void **state) {
  (void)state;
  for (int s = 0; s < SEGMENTS; s++) unlink(paths[s]);
  rmdir(directory);
  arena_close(&arena);
  return 0;
}

/* What one reading of the whole folder gave. */
struct reading {
  bool reported; /* an error, damage, or frames that are missing between those that were read */
  bool present[FRAMES + 1];
  uint64_t missing;
};

static struct reading folder_read(void) {
  struct reading reading = {0};
  struct journal_reader *reader;
  struct weft_error err;
  if (journal_open(&reader, directory, JOURNAL_RUN_NEWEST, &err) < 0) {
    reading.reported = true;
    reading.missing = FRAMES;
    return reading;
  }
  int rc;
  for (;;) {
    rc = journal_next(reader, &read_back);
    if (rc == 0) break;
    if (rc == -EILSEQ) {
      reading.reported = true;
      if (!journal_skip_segment(reader)) break;
      continue;
    }
    assert_int_equal(rc, 1);
    assert_in_range(read_back.number, 1, FRAMES);
    if (!frame_equal(&read_back, &frames[read_back.number])) fail_msg("frame %llu is wrong", (unsigned long long)read_back.number);
    assert_false(reading.present[read_back.number]);
    reading.present[read_back.number] = true;
  }
  reading.reported = reading.reported || journal_missing_frames(reader) > 0;
  for (int n = 1; n <= FRAMES; n++) reading.missing += !reading.present[n];
  journal_close(reader);
  return reading;
}

static void undamaged_it_is_read_whole(void **state) {
  (void)state;
  struct reading reading = folder_read();
  assert_true(!reading.reported && reading.missing == 0);
}

static void a_cut_at_any_byte_keeps_what_is_whole_and_is_reported(void **state) {
  (void)state;
  uint32_t silent = 0;
  for (int s = 0; s < SEGMENTS; s++) {
    for (size_t cut = 0; cut < sizes[s]; cut++) {
      segment_write(s, bytes[s], cut);
      struct reading reading = folder_read();
      uint64_t whole = 0;
      while (whole < PER_SEGMENT && ends[s][whole + 1] <= cut) whole++;
      if (reading.reported) {
        if (s > 0 || cut >= ends[0][0]) assert_int_equal(reading.missing, PER_SEGMENT - whole);
      } else { /* the newest segment, between two records: just what a run that was killed leaves */
        if (s != SEGMENTS - 1 || (cut != 0 && cut != ends[s][whole])) fail_msg("segment %d cut at %zu: nothing said", s + 1, cut);
        assert_int_equal(reading.missing, PER_SEGMENT - whole);
        silent++;
      }
    }
    segment_write(s, bytes[s], sizes[s]);
  }
  assert_int_equal(silent, PER_SEGMENT + 1);
}

static void a_packed_one_cut_at_any_byte_is_reported(void **state) {
  (void)state;
  for (int s = 0; s < SEGMENTS; s++) {
    for (size_t cut = s == SEGMENTS - 1; cut < sizes[s]; cut++) { /* an empty newest one was never written to */
      segment_write(s, bytes[s], cut);
      struct reading reading = folder_read();
      if (!reading.reported) fail_msg("packed segment %d cut at %zu: nothing said", s + 1, cut);
      bool block_whole = cut >= sizes[s] - JOURNAL_BLOCK_HEADER_BYTES;
      if (s > 0) assert_int_equal(reading.missing, block_whole ? 0 : PER_SEGMENT);
    }
    segment_write(s, bytes[s], sizes[s]);
  }
}

static void any_flipped_bit_is_reported(void **state) {
  (void)state;
  for (int s = 0; s < SEGMENTS; s++) {
    int fd = open(paths[s], O_WRONLY);
    for (size_t bit = 0; bit < 8 * sizes[s]; bit++) {
      uint8_t flipped = bytes[s][bit / 8] ^ (uint8_t)(1 << bit % 8);
      assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
      struct reading reading = folder_read();
      if (!reading.reported) fail_msg("segment %d, bit %zu: nothing said", s + 1, bit);
      assert_true(s == 0 || reading.missing <= PER_SEGMENT);
      assert_int_equal(pwrite(fd, &bytes[s][bit / 8], 1, (off_t)(bit / 8)), 1);
    }
    close(fd);
  }
}

static void a_lost_segment_is_reported(void **state) {
  (void)state;
  for (int s = 0; s < SEGMENTS - 1; s++) { /* of the newest nothing can tell */
    unlink(paths[s]);
    struct reading reading = folder_read();
    assert_true(reading.reported);
    assert_int_equal(reading.missing, PER_SEGMENT);
    segment_write(s, bytes[s], sizes[s]);
  }
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define PACKED(test) cmocka_unit_test_setup_teardown(test, setup_packed, teardown)
  const struct CMUnitTest tests[] = {
      CASE(undamaged_it_is_read_whole),
      CASE(a_cut_at_any_byte_keeps_what_is_whole_and_is_reported),
      CASE(any_flipped_bit_is_reported),
      CASE(a_lost_segment_is_reported),
      PACKED(undamaged_it_is_read_whole),
      PACKED(a_packed_one_cut_at_any_byte_is_reported),
      PACKED(any_flipped_bit_is_reported),
      PACKED(a_lost_segment_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

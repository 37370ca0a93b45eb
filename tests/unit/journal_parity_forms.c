// stage: weft_journal weft_platform weft_domain weft_base
/* Parity files that say what can't be, or do not belong together, though their checksums are right: no segment is ever changed
 * for them, and what is lost is rebuilt from the others or said to be beyond repair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/journal_parity.h"
#include "engine/journal/journal_segment.h"

enum { SEGMENTS = 4, FILES = 2, LONGEST = 3000, BYTES_MAX = 1 << 16, CRC_AT = 12 };
static char directory[300];
static uint8_t bytes[BYTES_MAX];

static const char *segment_path(uint64_t segment) {
  static char path[400];
  journal_segment_path(path, sizeof path, directory, segment);
  return path;
}

static const char *parity_path(uint32_t index) {
  static char path[400];
  journal_parity_path(path, sizeof path, directory, 1, index);
  return path;
}

static size_t segment_size(uint64_t segment) { return LONGEST - 700 * (segment - 1); }
static uint8_t segment_byte(uint64_t segment, size_t at) { return (uint8_t)(at * 7 + segment * 31 + at / 256); }

static void file_write(const char *path, const uint8_t *data, size_t size) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static size_t file_read(const char *path, uint8_t *out) {
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  size_t size = fread(out, 1, BYTES_MAX, file);
  fclose(file);
  return size;
}

static void segment_write(uint64_t segment) {
  for (size_t i = 0; i < segment_size(segment); i++) bytes[i] = segment_byte(segment, i);
  file_write(segment_path(segment), bytes, segment_size(segment));
}

static bool segment_right(uint64_t segment) {
  size_t size = file_read(segment_path(segment), bytes);
  bool right = size == segment_size(segment);
  for (size_t i = 0; right && i < size; i++) right = bytes[i] == segment_byte(segment, i);
  return right;
}

static void group_make(void) {
  struct weft_error err;
  for (uint64_t s = 1; s <= SEGMENTS; s++) segment_write(s);
  for (uint32_t i = 0; i <= FILES; i++) unlink(parity_path(i));
  assert_int_equal(journal_parity_write(directory, SEGMENTS, SEGMENTS, FILES, NULL, &err), 1);
}

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(directory)) return -1;
  group_make();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (uint64_t s = 1; s <= SEGMENTS; s++) unlink(segment_path(s));
  for (uint32_t i = 0; i <= FILES; i++) unlink(parity_path(i)); /* one more, where a header was changed to say so */
  return rmdir(directory);
}

/* Changes one number in the header of a parity file, four bytes wide or eight, and makes its checksum right again. */
static void header_change(uint32_t index, size_t at, size_t width, uint64_t value) {
  size_t size = file_read(parity_path(index), bytes);
  memcpy(bytes + at, &value, width);
  uint32_t segments = get_u32(bytes, 16);
  size_t head = JOURNAL_PARITY_HEADER_BYTES + (size_t)JOURNAL_PARITY_ENTRY_BYTES * segments;
  put_u32(bytes, CRC_AT, 0);
  put_u32(bytes, CRC_AT, journal_crc(bytes, head < size ? head : size));
  file_write(parity_path(index), bytes, size);
}

static void headers_that_can_not_be_are_not_believed(void **state) {
  (void)state;
  struct journal_parity_head head;
  static const struct { size_t at, width; uint64_t value; } cases[] = {
      {8, 4, 2},                                  /* version */
      {16, 4, 0}, {16, 4, JOURNAL_PARITY_SEGMENTS_MAX + 1}, {20, 4, 0}, {20, 4, JOURNAL_PARITY_FILES_MAX + 1}, {24, 4, FILES},
      {32, 8, LONGEST - 1},                       /* the longest segment is longer */
      {JOURNAL_PARITY_HEADER_BYTES + 8, 8, LONGEST + 1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    group_make();
    assert_true(journal_parity_head_read(parity_path(0), &head));
    header_change(0, cases[i].at, cases[i].width, cases[i].value);
    if (journal_parity_head_read(parity_path(0), &head)) fail_msg("case %zu", i);
  }
  group_make();
  const size_t whole = JOURNAL_PARITY_HEADER_BYTES + SEGMENTS * JOURNAL_PARITY_ENTRY_BYTES;
  assert_int_equal(truncate(parity_path(1), (off_t)whole), 0);
  assert_true(journal_parity_head_read(parity_path(1), &head));
  for (size_t cut = whole; cut-- > 0;) {
    assert_int_equal(truncate(parity_path(1), (off_t)cut), 0);
    assert_false(journal_parity_head_read(parity_path(1), &head));
  }
  assert_false(journal_parity_head_read("/nonexistent/00000001.0.wjp", &head));
}

static void other_names_are_no_parity_files(void **state) {
  (void)state;
  static const char *const names[] = {"0000001.0.wjp", "1234567890123456789.0.wjp", "00000001-0.wjp", "00000001..wjp",
                                      "00000001.123.wjp", "00000001.0.wjpx", "00000001.0wjp"};
  size_t size = file_read(parity_path(0), bytes);
  for (uint32_t i = 0; i < FILES; i++) assert_int_equal(unlink(parity_path(i)), 0);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    file_write(path, bytes, size);
    if (journal_parity_covers(directory, 1)) fail_msg("%s", names[i]);
    assert_int_equal(unlink(path), 0);
  }
  file_write(parity_path(0), bytes, size);
  assert_true(journal_parity_covers(directory, 1));
}

/* Two files for one group that differ in one number: one of them is of another group, and nobody knows which. */
static void parity_files_that_disagree_change_no_segment(void **state) {
  (void)state;
  const size_t entry = JOURNAL_PARITY_HEADER_BYTES + JOURNAL_PARITY_ENTRY_BYTES;
  const struct { size_t at, width; uint64_t value; } cases[] = {
      {16, 4, SEGMENTS - 1}, {20, 4, FILES + 1}, {32, 8, LONGEST + 1}, {entry, 8, 7}, {entry + 8, 8, 9}, {entry + 16, 4, 12345}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    for (uint32_t changed = 0; changed < FILES; changed++) {
      struct journal_repair repair = {0};
      struct weft_error err = {""};
      group_make();
      header_change(changed, cases[i].at, cases[i].width, cases[i].value);
      int rc = journal_repair_all(directory, &repair, &err);
      if (rc != 0 && rc != -EILSEQ) fail_msg("case %zu: %s", i, err.text);
      for (uint64_t s = 1; s <= SEGMENTS; s++)
        if (!segment_right(s)) fail_msg("case %zu: segment %llu", i, (unsigned long long)s);
      assert_int_equal(unlink(parity_path(changed)), 0); /* once the odd one is gone, all is well again */
      if (journal_repair_all(directory, &repair, &err) < 0) fail_msg("case %zu: %s", i, err.text);
      unlink(segment_path(7)); /* which the odd one may have asked for */
    }
  }
}

static void parity_files_that_changed_places_are_made_anew(void **state) {
  (void)state;
  static uint8_t first[BYTES_MAX], second[BYTES_MAX];
  struct journal_repair repair = {0};
  struct weft_error err = {""};
  size_t size = file_read(parity_path(0), first);
  assert_int_equal(file_read(parity_path(1), second), size);
  file_write(parity_path(0), second, size);
  file_write(parity_path(1), first, size);
  if (journal_repair_all(directory, &repair, &err) < 0) fail_msg("%s", err.text);
  assert_int_equal(repair.parity_rebuilt, 2);
  assert_true(file_read(parity_path(0), bytes) == size && memcmp(bytes, first, size) == 0);
  assert_true(file_read(parity_path(1), bytes) == size && memcmp(bytes, second, size) == 0);
}

/* All parity agrees on a checksum that is not that of the segment which is lost. */
static void a_segment_that_comes_out_wrong_is_not_put_in_place(void **state) {
  (void)state;
  struct journal_repair repair = {0};
  struct weft_error err = {""};
  for (uint32_t i = 0; i < FILES; i++) header_change(i, JOURNAL_PARITY_HEADER_BYTES + JOURNAL_PARITY_ENTRY_BYTES + 16, 4, 12345);
  assert_int_equal(unlink(segment_path(2)), 0);
  assert_int_equal(journal_repair_all(directory, &repair, &err), -EILSEQ);
  assert_int_equal(access(segment_path(2), F_OK), -1);
  assert_non_null(strstr(err.text, "repairing stopped"));
}

static int told_rebuilt, told_lost;
static void tell(void *context, const char *path, bool rebuilt) {
  (void)context, (void)path;
  told_rebuilt += rebuilt;
  told_lost += !rebuilt;
}

/* Of what is beyond repair the segments are told, one by one; parity is nobody's loss. */
static void every_loss_of_a_segment_is_told(void **state) {
  (void)state;
  struct journal_repair repair = {.tell = tell};
  struct weft_error err = {""};
  assert_int_equal(unlink(segment_path(1)), 0);
  assert_int_equal(unlink(parity_path(1)), 0);
  assert_int_equal(journal_repair_all(directory, &repair, &err), 0);
  assert_true(told_rebuilt == 2 && told_lost == 0);
  for (uint64_t s = 1; s <= 2; s++) assert_int_equal(unlink(segment_path(s)), 0);
  assert_int_equal(unlink(parity_path(1)), 0);
  assert_int_equal(journal_repair_all(directory, &repair, &err), 0);
  assert_true(told_rebuilt == 2 && told_lost == 2 && repair.segments_unrepaired == 2);
}

static void every_group_of_a_journal_is_looked_at(void **state) {
  (void)state;
  struct journal_repair repair = {0};
  struct weft_error err = {""};
  for (uint32_t i = 0; i < FILES; i++) assert_int_equal(unlink(parity_path(i)), 0);
  assert_int_equal(journal_parity_write(directory, SEGMENTS, 2, 1, NULL, &err), 2);
  assert_int_equal(unlink(segment_path(1)), 0);
  assert_int_equal(unlink(segment_path(4)), 0);
  assert_int_equal(journal_repair_all(directory, &repair, &err), 0);
  assert_true(repair.groups == 2 && repair.segments_rebuilt == 2 && segment_right(1) && segment_right(4));
  char path[400];
  journal_parity_path(path, sizeof path, directory, 3, 0);
  assert_int_equal(unlink(path), 0);
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(headers_that_can_not_be_are_not_believed),
      CASE(other_names_are_no_parity_files),
      CASE(parity_files_that_disagree_change_no_segment),
      CASE(parity_files_that_changed_places_are_made_anew),
      CASE(a_segment_that_comes_out_wrong_is_not_put_in_place),
      CASE(every_loss_of_a_segment_is_told),
      CASE(every_group_of_a_journal_is_looked_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

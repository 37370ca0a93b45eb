// stage: weft_journal weft_platform weft_domain weft_base
/* Parity over segments: any losses and damage up to the number of parity files are rebuilt to the byte, beyond it nothing is
 * touched and it is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <isa-l/erasure_code.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/prng.h"
#include "engine/journal/journal_parity.h"
#include "engine/journal/journal_segment.h"

enum { SEGMENTS = 5, FILES = 3, MEMBERS = SEGMENTS + FILES, BYTES_MAX = 1 << 20 };
/* Longer than a chunk, just one, not a multiple of anything, one byte, nothing. */
static const size_t sizes[SEGMENTS] = {600001, 262144, 70001, 1, 0};
static char directory[300], paths[MEMBERS][400];
static uint8_t wanted[MEMBERS][BYTES_MAX], found[BYTES_MAX];
static size_t wanted_size[MEMBERS];

static size_t file_read(const char *path, uint8_t *out) {
  FILE *file = fopen(path, "r");
  if (!file) return SIZE_MAX;
  size_t size = fread(out, 1, BYTES_MAX, file);
  fclose(file);
  return size;
}

static void file_write(const char *path, const uint8_t *data, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT, 0644);
  assert_true(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
  assert_int_equal(write(fd, data, size), size);
  close(fd);
}

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  struct prng prng = prng_seed(8, 8);
  struct weft_error err;
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  assert_non_null(mkdtemp(directory));
  for (int s = 0; s < SEGMENTS; s++) {
    journal_segment_path(paths[s], sizeof paths[s], directory, (uint64_t)s + 3); /* numbers need not begin with 1 */
    for (size_t i = 0; i < sizes[s]; i++) wanted[s][i] = (uint8_t)prng_u64(&prng);
    wanted_size[s] = sizes[s];
    file_write(paths[s], wanted[s], sizes[s]);
  }
  assert_int_equal(journal_parity_write(directory, 6, SEGMENTS, FILES, NULL, &err), 0); /* the group is not full yet */
  assert_false(journal_parity_covers(directory, 3));
  assert_int_equal(journal_parity_write(directory, 7, SEGMENTS, FILES, NULL, &err), 1);
  assert_int_equal(journal_parity_write(directory, 7, SEGMENTS, FILES, NULL, &err), 0);
  assert_true(journal_parity_covers(directory, 3) && journal_parity_covers(directory, 7) && !journal_parity_covers(directory, 8));
  for (uint32_t i = 0; i < FILES; i++) {
    journal_parity_path(paths[SEGMENTS + i], sizeof paths[0], directory, 3, i);
    wanted_size[SEGMENTS + i] = file_read(paths[SEGMENTS + i], wanted[SEGMENTS + i]);
    assert_int_equal(wanted_size[SEGMENTS + i], 48 + 24 * SEGMENTS + sizes[0]);
  }
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (int i = 0; i < MEMBERS; i++) unlink(paths[i]);
  rmdir(directory); /* fails, and shows, where something was left behind */
  assert_int_equal(access(directory, F_OK), -1);
  return 0;
}

/* Gone, one bit wrong, cut, or longer. */
static void member_spoil(int member, uint64_t how) {
  uint8_t bit;
  int fd = how == 0 ? -1 : open(paths[member], O_RDWR);
  size_t at = wanted_size[member] / 2;
  if (how == 0 || wanted_size[member] == 0) {
    unlink(paths[member]);
  } else if (how == 1) {
    assert_int_equal(pread(fd, &bit, 1, (off_t)at), 1);
    bit ^= 4;
    assert_int_equal(pwrite(fd, &bit, 1, (off_t)at), 1);
  } else {
    assert_int_equal(ftruncate(fd, (off_t)(how == 2 ? at : wanted_size[member] + 9)), 0);
  }
  if (fd >= 0) close(fd);
}

static bool member_right(int member) {
  size_t size = file_read(paths[member], found);
  return size == wanted_size[member] && memcmp(found, wanted[member], size) == 0;
}

static void any_losses_that_it_can_bear_are_rebuilt_to_the_byte(void **state) {
  (void)state;
  struct weft_error err;
  uint64_t rebuilt = 0;
  for (unsigned set = 0; set < 1u << MEMBERS; set++) {
    if (__builtin_popcount(set) > FILES) continue;
    uint64_t data = 0, parity = 0;
    for (int i = 0; i < MEMBERS; i++) {
      if (!(set >> i & 1)) continue;
      member_spoil(i, (set / 7 + (unsigned)i) % 4);
      if (i < SEGMENTS) data++;
      else parity++;
    }
    struct journal_repair repair = {0};
    if (journal_repair_all(directory, &repair, &err) < 0) fail_msg("%s", err.text);
    assert_true(repair.groups == 1 && repair.segments == SEGMENTS && repair.segments_unrepaired == 0);
    assert_int_equal(repair.segments_rebuilt, data);
    assert_int_equal(repair.parity_rebuilt, parity);
    for (int i = 0; i < MEMBERS; i++) {
      if (!member_right(i)) fail_msg("set %x: member %d is wrong after the repair", set, i);
    }
    rebuilt += data;
  }
  assert_true(rebuilt > 100);
}

static void more_losses_are_said_and_nothing_is_touched(void **state) {
  (void)state;
  struct weft_error err;
  for (unsigned set = 0; set < 1u << MEMBERS; set++) {
    if (__builtin_popcount(set) != FILES + 1) continue;
    uint64_t data = 0, none_left = (set >> SEGMENTS) == (1u << FILES) - 1;
    for (int i = 0; i < MEMBERS; i++) {
      if (!(set >> i & 1)) continue;
      member_spoil(i, 0);
      data += i < SEGMENTS;
    }
    struct journal_repair repair = {0};
    assert_int_equal(journal_repair_all(directory, &repair, &err), 0);
    assert_true(none_left ? repair.groups == 0 : repair.segments_unrepaired == data && repair.segments_rebuilt == 0);
    for (int i = 0; i < MEMBERS; i++) {
      if (set >> i & 1) {
        assert_int_equal(access(paths[i], F_OK), -1);
        file_write(paths[i], wanted[i], wanted_size[i]);
      } else {
        assert_true(member_right(i));
      }
    }
  }
}

/* Against the definition: row i of the code over GF(2^8) has 1 / ((k + i) xor j) for segment j. */
static void the_code_is_the_one_that_is_documented(void **state) {
  (void)state;
  for (uint32_t i = 0; i < FILES; i++) {
    for (size_t at = 0; at < sizes[0]; at += 997) {
      uint8_t sum = 0;
      for (uint32_t j = 0; j < SEGMENTS; j++) {
        if (at < sizes[j]) sum ^= gf_mul(gf_inv((uint8_t)((SEGMENTS + i) ^ j)), wanted[j][at]);
      }
      assert_int_equal(wanted[SEGMENTS + i][48 + 24 * SEGMENTS + at], sum);
    }
  }
}

static void a_damaged_parity_header_is_never_believed(void **state) {
  (void)state;
  struct journal_parity_head head;
  for (size_t bit = 0; bit < 8 * (48 + 24 * SEGMENTS); bit++) {
    uint8_t flipped = wanted[SEGMENTS][bit / 8] ^ (uint8_t)(1 << bit % 8);
    int fd = open(paths[SEGMENTS], O_WRONLY);
    assert_int_equal(pwrite(fd, &flipped, 1, (off_t)(bit / 8)), 1);
    assert_false(journal_parity_head_read(paths[SEGMENTS], &head));
    assert_int_equal(pwrite(fd, &wanted[SEGMENTS][bit / 8], 1, (off_t)(bit / 8)), 1);
    close(fd);
  }
  assert_true(journal_parity_head_read(paths[SEGMENTS], &head));
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(any_losses_that_it_can_bear_are_rebuilt_to_the_byte),
      CASE(more_losses_are_said_and_nothing_is_touched),
      CASE(the_code_is_the_one_that_is_documented),
      CASE(a_damaged_parity_header_is_never_believed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_domain weft_base
/* The types that stages share, and what they rest on: frames are equal only where all is, books are balanced only where
 * every row is, arenas give what they have, files are replaced whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/safe_file.h"
#include "engine/domain/frame.h"
#include "engine/domain/ledger.h"

enum { ROWS = 3 };

static void frame_fill(struct frame *frame) {
  frame_reset(frame);
  frame->number = 7;
  frame->time_ns = 8;
  for (int i = 0; i < ROWS; i++) {
    struct detection d = {.time_ns = 100 + i, .sequence = 5, .sensor = 2, .index = (uint16_t)i, .kind = KIND_RADAR, .valid = VALID_RANGE,
                          .snr_db = 3, .measure = {1, 2, 3, 4}, .sigma = {5, 6, 7, 8}, .platform_m = {9, 10, 11}};
    frame_append(frame, &d);
  }
  frame->state_count = 1;
  frame->states[0] = (struct sensor_state){.time_ns = 1};
  frame->foreign_count = 1;
  memset(&frame->foreign[0], 0, sizeof frame->foreign[0]);
}

/* Each in turn differs in one place from the same frame. */
static void frames_differ_by_any_of_their_parts(void **state) {
  (void)state;
  struct arena arena;
  struct frame a, b;
  assert_int_equal(arena_open(&arena, 2 * frame_bytes(ROWS) + 4096), 0);
  assert_int_equal(frame_open(&a, &arena, ROWS) + frame_open(&b, &arena, ROWS), 0);
  frame_fill(&a);
  const struct {
    const char *what;
    void *place;
  } parts[] = {{"number", &b.number}, {"time", &b.time_ns}, {"overload step", &b.overload_step}, {"count", &b.count},
               {"state count", &b.state_count}, {"foreign count", &b.foreign_count}, {"foreign line", &b.foreign[0]}, {"state", &b.states[0]},
               {"measurement time", &b.time_of_ns[ROWS - 1]}, {"sequence", &b.sequence[ROWS - 1]}, {"sensor", &b.sensor[ROWS - 1]},
               {"index", &b.index[ROWS - 1]}, {"kind", &b.kind[ROWS - 1]}, {"valid", &b.valid[ROWS - 1]}, {"snr", &b.snr_db[ROWS - 1]},
               {"measure", &b.measure[ROWS - 1][3]}, {"sigma", &b.sigma[ROWS - 1][3]}, {"platform", &b.platform_m[ROWS - 1][2]}};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    frame_copy(&b, &a);
    if (!frame_equal(&a, &b)) fail_msg("before %s: a copy is not the same", parts[i].what);
    *(uint8_t *)parts[i].place ^= 1;
    if (frame_equal(&a, &b) || frame_equal(&b, &a)) fail_msg("%s differs and is not seen", parts[i].what);
  }
  frame_copy(&b, &a);
  b.arrival_ns[0] ^= 1; /* nothing that a step depends on */
  assert_true(frame_equal(&a, &b));
  arena_close(&arena);
}

static void books_are_balanced_only_where_every_row_is(void **state) {
  (void)state;
  static struct ledger ledger;
  ledger = (struct ledger){.sensor_count = 2};
  struct ledger_sensor *row = ledger_row_of(&ledger, 1), *unknown = ledger_row_of(&ledger, 99);
  assert_ptr_equal(unknown, &ledger.sensors[2]);
  row->detections = (struct ledger_row){.received = 5, .accepted = 3};
  row->detections.refused[REFUSAL_STALE] = 2;
  row->fates[FATE_CLUTTER] = 1;
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
  assert_int_equal(row->fates[FATE_IN_FLIGHT], 2);
  row->fates[FATE_LATE]++;
  assert_false(ledger_balanced(&ledger));
  assert_true(ledger_settle(&ledger) && ledger_balanced(&ledger));
  row->fates[FATE_LATE] = 3; /* more fates than were accepted */
  assert_false(ledger_settle(&ledger));
  row->fates[FATE_LATE] = 1;
  assert_true(ledger_settle(&ledger));
  uint64_t *const sums[] = {&ledger.foreign.received, &unknown->datagrams.received, &row->detections.received, &row->datagrams.accepted};
  for (size_t i = 0; i < sizeof sums / sizeof sums[0]; i++) {
    ++*sums[i];
    assert_false(ledger_balanced(&ledger));
    --*sums[i];
    assert_true(ledger_balanced(&ledger));
  }
}

static void an_arena_gives_what_it_has_and_no_more(void **state) {
  (void)state;
  struct arena arena;
  assert_int_equal(arena_open(&arena, 5000), 0); /* two pages */
  assert_null(arena_take(&arena, SIZE_MAX, 2));
  assert_null(arena_take(&arena, 1, 8193));
  uint8_t *first = arena_take(&arena, 3, 33), *second = arena_take(&arena, 0, 0), *rest = arena_take(&arena, 1, 8192 - 128);
  assert_true(first && second == first + 128 && rest == second && (uintptr_t)first % 64 == 0);
  assert_null(arena_take(&arena, 1, 1));
  rest[8192 - 129] = 7;
  arena_seal(&arena);
  assert_int_equal(rest[8192 - 129], 7);
  arena_close(&arena);
  arena_close(&arena);
  assert_int_equal(arena_open(&arena, SIZE_MAX / 2), -ENOMEM);
}

static char folder[] = "/tmp/weft-domain-XXXXXX";

static void content_check(const char *path, const char *expected) {
  char text[64] = {0};
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_true(fread(text, 1, sizeof text - 1, file) == strlen(expected));
  fclose(file);
  assert_string_equal(text, expected);
}

static void a_file_is_made_once_and_replaced_whole(void **state) {
  (void)state;
  char path[128], made[128], too_long[PATH_MAX + 8];
  struct weft_error err = {{0}};
  struct stat like, now;
  snprintf(path, sizeof path, "%s/file", folder);
  snprintf(made, sizeof made, "%s/file.new", folder);
  assert_int_equal(safe_file_create(path, "one", 3, &err), 0);
  assert_int_equal(safe_file_create(path, "two", 3, &err), -EEXIST);
  assert_non_null(strstr(err.text, "is there already and is not overwritten"));
  content_check(path, "one");
  assert_int_equal(stat(path, &now) + (int)(now.st_mode & 0777), 0600);
  assert_int_equal(safe_file_create("/nonexistent/file", "x", 1, &err), -ENOENT);
  assert_non_null(strstr(err.text, "check folder and rights"));
  assert_int_equal(chmod(path, 0640) + stat(path, &like), 0);
  assert_int_equal(close(open(made, O_CREAT | O_WRONLY, 0600)), 0); /* what a crash may have left */
  assert_int_equal(safe_file_replace(path, "three", 5, &like, &err), 0);
  content_check(path, "three");
  assert_int_equal(stat(path, &now) + (int)(now.st_mode & 0777), 0640);
  assert_int_equal(safe_file_replace(path, "4", 1, NULL, &err), 0);
  assert_int_equal(stat(path, &now) + (int)(now.st_mode & 0777), 0600);
  assert_int_equal(access(made, F_OK), -1);
  assert_int_equal(mkdir(made, 0700), 0);
  assert_true(safe_file_replace(path, "5", 1, NULL, &err) < 0);
  assert_non_null(strstr(err.text, "can't be removed"));
  assert_int_equal(rmdir(made), 0);
  content_check(path, "4");
  memset(too_long, 'x', sizeof too_long);
  too_long[sizeof too_long - 1] = 0;
  assert_int_equal(safe_file_replace(too_long, "x", 1, NULL, &err), -ENAMETOOLONG);
  assert_true(safe_file_replace("/proc/nobody", "x", 1, NULL, &err) < 0); /* no file can be made there */
  assert_int_equal(unlink(path), 0);
}

/* A path without a folder is one of the working directory. */
static void a_file_may_be_named_without_its_folder(void **state) {
  (void)state;
  struct weft_error err = {{0}};
  char before[PATH_MAX];
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(folder), 0);
  if (safe_file_create("bare", "one", 3, &err) < 0) fail_msg("%s", err.text);
  content_check("bare", "one");
  assert_int_equal(unlink("bare") + chdir(before), 0);
}

static int setup(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state) {
  (void)state;
  return rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(frames_differ_by_any_of_their_parts),   cmocka_unit_test(books_are_balanced_only_where_every_row_is),
      cmocka_unit_test(an_arena_gives_what_it_has_and_no_more), cmocka_unit_test(a_file_is_made_once_and_replaced_whole),
      cmocka_unit_test(a_file_may_be_named_without_its_folder),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}

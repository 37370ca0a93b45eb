// stage: weft_journal weft_platform weft_domain weft_base
// wraps: fstatvfs fallocate
/* The journal's writer over an io that does what the test says: nothing yet, refuses, or is stuck. No frame is lost unsaid,
 * bytes stay where the io was told they are, and clocks that are set back delay nothing. */
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
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/journal/journal_files.h"
#include "engine/journal/journal_segment.h"
#include "engine/journal/journal_writer.h"
#include "tests/unit/journal_support.h"

enum { CAPACITY = FRAME_DETECTIONS_MAX, LARGE = FRAME_DETECTIONS_MAX, TOKEN_BASE = 5000, ASKED_MAX = 64 };
#define SECOND INT64_C(1000000000)

/* What the io was asked for and has not completed. */
struct asked {
  uint64_t token;
  const void *data; /* NULL: a sync */
  size_t size;
  uint32_t crc;
};
static struct asked asked[ASKED_MAX];
static int asked_count, append_rc, sync_rc, open_rc, opened, syncs;
static int64_t now_ns;

static int fake_append(struct io *io, int fd, const void *data, size_t size, int64_t offset, uint64_t token) {
  (void)io, (void)fd, (void)offset;
  if (append_rc < 0) return append_rc;
  assert_true(asked_count < ASKED_MAX);
  asked[asked_count++] = (struct asked){.token = token, .data = data, .size = size, .crc = journal_crc(data, size)};
  return 0;
}
static int fake_sync(struct io *io, int fd, uint64_t token) {
  (void)io, (void)fd;
  if (sync_rc < 0) return sync_rc;
  syncs++;
  asked[asked_count++] = (struct asked){.token = token};
  return 0;
}
static int64_t fake_now(struct io *io) {
  (void)io;
  return now_ns;
}
static const struct io_ops ops = {.name = "fake", .append = fake_append, .sync = fake_sync, .now = fake_now};
static struct io io = {.ops = &ops};

static int file_open(void *context, const char *path) {
  (void)context, (void)path;
  return open_rc < 0 ? open_rc : ++opened;
}

/* What a file system says of its room. */
static enum { ROOM, UNKNOWN, FULL, UNABLE } room;
static int reservations;

int __real_fstatvfs(int fd, struct statvfs *space);
int __wrap_fstatvfs(int fd, struct statvfs *space);
int __wrap_fstatvfs(int fd, struct statvfs *space) {
  if (room == UNKNOWN) return -1;
  int rc = __real_fstatvfs(fd, space);
  space->f_bavail = room == FULL ? 0 : (UINT64_C(1) << 30) / space->f_frsize;
  return rc;
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t size);
int __wrap_fallocate(int fd, int mode, off_t at, off_t size) {
  (void)fd, (void)mode, (void)at, (void)size;
  reservations++;
  errno = EOPNOTSUPP;
  return room == UNABLE ? -1 : 0;
}

static struct arena arena;
static struct frame frame;
static struct journal_writer *writer;
static char directory[300];
static struct journal_options options;

static int writer_open(struct weft_error *err) { return journal_writer_open(&writer, &arena, &io, &options, now_ns, err); }

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  asked_count = append_rc = sync_rc = open_rc = opened = syncs = 0;
  now_ns = 100 * SECOND;
  options = (struct journal_options){.directory = directory, .segment_mib = 1, .head = head_example(), .token_base = TOKEN_BASE,
                                     .file_open = file_open};
  if (!mkdtemp(directory) || arena_open(&arena, frame_bytes(CAPACITY) + 4 * journal_writer_bytes(NULL)) < 0) return -1;
  return frame_open(&frame, &arena, CAPACITY);
}

static int teardown(void **state) {
  (void)state;
  arena_close(&arena);
  for (uint64_t segment = 1; segment < 8; segment++) {
    char path[400];
    journal_segment_path(path, sizeof path, directory, segment);
    unlink(path);
  }
  return rmdir(directory);
}

static void begin(void) {
  struct weft_error err = {""};
  if (writer_open(&err) < 0) fail_msg("%s", err.text);
}

static int append(uint64_t number, uint32_t count) {
  frame_fill(&frame, number, count, true);
  return journal_append(writer, &frame, now_ns);
}

/* Completes the oldest thing that was asked for; its bytes must be what they were. */
static void complete(int32_t result) {
  assert_true(asked_count > 0);
  struct asked first = asked[0];
  memmove(asked, asked + 1, (size_t)--asked_count * sizeof asked[0]);
  if (first.data) assert_int_equal(journal_crc(first.data, first.size), first.crc);
  assert_true(journal_owns(writer, first.token));
  journal_completed(writer, first.token, result);
}

static void all_complete(void) {
  while (asked_count > 0) complete(0);
}

static void finish(void) {
  append_rc = sync_rc = open_rc = 0;
  journal_finish(writer);
  while (asked_count > 0 || !journal_idle(writer)) {
    if (asked_count == 0) journal_turn(writer, now_ns);
    complete(0);
  }
  journal_writer_close(writer);
}

static void the_buffer_wraps_round_whole_and_waits_while_it_is_full(void **state) {
  (void)state;
  options.segment_mib = 1024;
  begin();
  uint64_t number = 1;
  for (; number <= 5; number++) assert_int_equal(append(number, LARGE), 0);
  assert_int_equal(append(number, LARGE), -EAGAIN); /* no room behind, and none in front */
  complete(0);
  assert_int_equal(append(number++, LARGE), 0); /* where the first was */
  assert_int_equal(append(number, LARGE), -EAGAIN); /* not yet between it and the second */
  complete(0);
  assert_int_equal(append(number++, LARGE), 0);
  all_complete();
  assert_int_equal(journal_marks_of(writer).frames, number - 1);
  finish();
}

static void a_busy_io_is_asked_again_and_one_that_refuses_costs_a_frame(void **state) {
  (void)state;
  begin();
  append_rc = -EBUSY;
  assert_int_equal(append(1, 5), -EAGAIN);
  append_rc = 0;
  assert_int_equal(append(1, 5), 0);
  append_rc = -EIO;
  assert_int_equal(append(2, 5), -EIO);
  append_rc = 0;
  assert_int_equal(append(3, 5), 0); /* in a new segment */
  all_complete();
  assert_true(journal_frame_failed(writer, 2) && !journal_frame_failed(writer, 1) && !journal_frame_failed(writer, 3));
  assert_int_equal(opened, 2);
  assert_true(journal_marks_of(writer).failing); /* until a sync says that the new one is good */
  finish();
  assert_false(journal_marks_of(writer).failing);
  assert_int_equal(journal_marks_of(writer).unjournaled, 1);
}

static void segments_that_wait_for_their_sync_are_bounded(void **state) {
  (void)state;
  begin();
  uint64_t number = 1;
  int rc;
  while ((rc = append(number, 12000)) == 0) { /* each longer than a segment may be */
    number++;
    all_complete();
    assert_true(number < 100);
  }
  assert_int_equal(rc, -EAGAIN);
  assert_int_equal(number - 1, JOURNAL_FILES_MAX);
  journal_turn(writer, now_ns);
  all_complete();
  assert_int_equal(append(number, 12000), 0);
  all_complete();
  finish();
  assert_int_equal(journal_marks_of(writer).frames, JOURNAL_FILES_MAX + 1);
}

static void a_clock_that_is_set_back_delays_no_sync(void **state) {
  (void)state;
  begin();
  assert_int_equal(append(1, 5), 0);
  all_complete();
  journal_turn(writer, now_ns);
  assert_int_equal(syncs, 1);
  all_complete();
  assert_int_equal(append(2, 5), 0);
  all_complete();
  journal_turn(writer, now_ns + 1); /* too soon */
  assert_int_equal(syncs, 1);
  journal_turn(writer, now_ns - 50 * SECOND);
  assert_int_equal(syncs, 2);
  all_complete();
  assert_int_equal(journal_marks_of(writer).durable_frame, 2);
  finish();
}

static void a_clock_that_is_set_back_delays_no_new_segment(void **state) {
  (void)state;
  begin();
  append_rc = open_rc = -EIO;
  for (uint64_t n = 1; n <= 3; n++) assert_int_equal(append(n, 5), -EIO);
  append_rc = open_rc = 0;
  assert_int_equal(append(4, 5), -EIO); /* tried a moment ago */
  now_ns -= 50 * SECOND;
  assert_int_equal(append(5, 5), 0);
  all_complete();
  finish();
  assert_int_equal(journal_marks_of(writer).unjournaled, 4);
}

static void a_sync_that_can_not_be_begun_is_asked_for_again(void **state) {
  (void)state;
  begin();
  assert_int_equal(append(1, 5), 0);
  all_complete();
  sync_rc = -EBUSY;
  journal_turn(writer, now_ns);
  assert_int_equal(journal_marks_of(writer).durable_frame, 0);
  journal_finish(writer);
  assert_false(journal_idle(writer)); /* something is left, though nothing is in flight */
  sync_rc = 0;
  journal_turn(writer, now_ns);
  assert_false(journal_idle(writer));
  all_complete();
  assert_true(journal_idle(writer));
  assert_int_equal(journal_marks_of(writer).durable_frame, 1);
  journal_writer_close(writer);
}

/* Into real files, though nothing is written to them here. */
static void room_is_reserved_where_it_can_be_and_else_done_without(void **state) {
  (void)state;
  options.file_open = NULL;
  options.segment_mib = 1;
  static const int want[] = {1, 0, 0, 1};
  for (room = ROOM; room <= UNABLE; room++) {
    reservations = 0;
    begin();
    assert_int_equal(append(1, 12000), 0); /* more than a segment: no more room is reserved than one has */
    assert_int_equal(reservations, want[room]);
    all_complete();
    finish();
  }
  room = ROOM;
}

static void parity_alone_needs_a_thread_as_packing_does(void **state) {
  (void)state;
  options.file_open = NULL;
  options.parity_segments = 50, options.parity_files = 1;
  begin();
  assert_int_equal(append(1, 5), 0);
  all_complete();
  finish();
  assert_int_equal(journal_marks_of(writer).durable_frame, 1);
}

static void memory_that_is_not_there_is_said(void **state) {
  (void)state;
  struct weft_error err = {""};
  static const size_t sizes[] = {64, 1 << 20};
  for (int i = 0; i < 2; i++) {
    struct arena small;
    assert_int_equal(arena_open(&small, sizes[i]), 0);
    assert_int_equal(journal_writer_open(&writer, &small, &io, &options, now_ns, &err), -ENOMEM);
    assert_non_null(strstr(err.text, "out of memory"));
    arena_close(&small);
  }
}

static void a_writer_with_something_in_flight_can_be_closed(void **state) {
  (void)state;
  begin();
  assert_int_equal(append(1, 5), 0);
  journal_writer_close(writer); /* the io still has its bytes */
  assert_int_equal(asked_count, 1);
  complete(0);
  journal_turn(writer, now_ns);
  assert_int_equal(syncs, 1);
  journal_writer_close(writer);
  complete(0);
  assert_int_equal(journal_marks_of(writer).durable_frame, 1);
  journal_writer_close(writer);
}

static void what_can_not_be_a_journal_is_refused_at_the_start(void **state) {
  (void)state;
  struct weft_error err = {""};
  open_rc = -EROFS;
  assert_int_equal(writer_open(&err), -EROFS);
  assert_non_null(strstr(err.text, "cannot begin segment 1: Read-only file system"));
  options.head.site_size = JOURNAL_BUFFER_BYTES;
  assert_int_equal(writer_open(&err), -EFBIG);
  assert_non_null(strstr(err.text, "too large to be carried"));
  char longest[JOURNAL_PATH_MAX + 1];
  memset(longest, 'd', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  options.directory = longest;
  assert_int_equal(writer_open(&err), -ENAMETOOLONG);
}

int main(void) {
  log_level_set(0);
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(the_buffer_wraps_round_whole_and_waits_while_it_is_full),
      CASE(a_busy_io_is_asked_again_and_one_that_refuses_costs_a_frame),
      CASE(segments_that_wait_for_their_sync_are_bounded),
      CASE(a_clock_that_is_set_back_delays_no_sync),
      CASE(a_clock_that_is_set_back_delays_no_new_segment),
      CASE(a_sync_that_can_not_be_begun_is_asked_for_again),
      CASE(room_is_reserved_where_it_can_be_and_else_done_without),
      CASE(parity_alone_needs_a_thread_as_packing_does),
      CASE(memory_that_is_not_there_is_said),
      CASE(a_writer_with_something_in_flight_can_be_closed),
      CASE(what_can_not_be_a_journal_is_refused_at_the_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

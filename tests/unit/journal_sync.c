// stage: weft_journal weft_platform weft_domain weft_base
/* The durable mark on a simulated disk: what it covers survives a power failure, a file whose sync failed is never synced
 * again, and a disk that tears, loses or refuses writes is found out and stops nothing. */
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

#include "engine/journal/journal_writer.h"
#include "tests/unit/journal_support.h"

enum { CAPACITY = 64, FRAMES = 60, FILES = 60, SEEDS = 400, TURN_NS = 4000000 };
static struct arena arena;
static struct frame frame, read_back;
static char directory[300];
static struct io_batch batch;
static struct io *io;
static struct journal_writer *writer;
static int files[FILES], file_count;
static uint64_t syncs, syncs_failed_file; /* asked for; asked for on a file whose sync had failed */
static int failed_fd;

static int file_open(void *context, const char *path) {
  (void)path;
  assert_true(file_count < FILES);
  return files[file_count++] = io_sim_file_open(context);
}

/* The simulated io behind a table that watches the syncs. */
static int watch_receive(struct io *watch, struct io_batch *into, int64_t timeout_ns, bool datagrams) {
  (void)watch;
  return io->ops->receive(io, into, timeout_ns, datagrams);
}
static int watch_append(struct io *watch, int fd, const void *data, size_t size, int64_t offset, uint64_t token) {
  (void)watch;
  return io_append(io, fd, data, size, offset, token);
}
static int watch_sync(struct io *watch, int fd, uint64_t token) {
  (void)watch;
  syncs++;
  if (fd == failed_fd) syncs_failed_file++;
  return io_sync(io, fd, token);
}
static int64_t watch_now(struct io *watch) {
  (void)watch;
  return io_now(io);
}
static const struct io_ops watch_ops = {
    .name = "watch", .receive = watch_receive, .append = watch_append, .sync = watch_sync, .now = watch_now};
static struct io watch = {.ops = &watch_ops};

static void disk_open(uint64_t seed) {
  struct weft_error err;
  assert_int_equal(io_sim_open(seed, 1000000000, NULL, &io, &err), 0);
  io_sim_disk_set(io, 3000000, UINT64_MAX);
  file_count = 0;
  syncs = syncs_failed_file = 0;
  failed_fd = -1;
  assert_int_equal(arena_open(&arena, 2 * frame_bytes(CAPACITY) + journal_writer_bytes(NULL)), 0);
  assert_int_equal(frame_open(&frame, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&read_back, &arena, CAPACITY), 0);
  struct journal_options options = {.directory = directory, .segment_mib = 1, .head = head_example(), .token_base = 5000,
                                    .file_open = file_open, .context = io};
  if (journal_writer_open(&writer, &arena, &watch, &options, io_now(io), &err) < 0) fail_msg("%s", err.text);
}

static void disk_close(void) {
  io_close(io);
  arena_close(&arena);
}

static void turn(int64_t wait_ns) {
  assert_true(io_receive(io, &batch, wait_ns) >= 0);
  for (uint32_t i = 0; i < batch.event_count; i++) {
    const struct io_event *event = &batch.events[i];
    if (event->kind == IO_EVENT_SYNC && event->result < 0) failed_fd = files[file_count - 1];
    assert_true(journal_owns(writer, event->token));
    journal_completed(writer, event->token, event->result);
  }
  io_release(io, &batch);
  journal_turn(writer, io_now(io));
}

static void append(uint64_t number) {
  frame_fill(&frame, number, (uint32_t)(number * 7 % CAPACITY), false);
  int rc;
  while ((rc = journal_append(writer, &frame, io_now(io))) == -EAGAIN) turn(TURN_NS);
  struct journal_marks marks = journal_marks_of(writer);
  assert_true(marks.durable_frame <= marks.settled_frame && marks.settled_frame <= number);
}

/* Reads what the files hold now: present[n] for every frame, each compared bit for bit. Returns the files in which reading
 * stopped before their end. */
static uint32_t files_read(bool present[FRAMES + 1]) {
  uint32_t damaged = 0;
  memset(present, 0, (FRAMES + 1) * sizeof *present);
  for (int f = 0; f < file_count; f++) {
    uint64_t size;
    const uint8_t *data = io_sim_file(io, files[f], &size);
    struct journal_head head;
    size_t at = 0, used;
    if (size == 0) continue;
    enum journal_verdict verdict = journal_head_decode(data, size, &head, &at);
    while (verdict == JOURNAL_GOOD && at < size) {
      verdict = journal_record_decode(data + at, size - at, &read_back, &used);
      if (verdict != JOURNAL_GOOD) break;
      assert_in_range(read_back.number, 1, FRAMES);
      frame_fill(&frame, read_back.number, (uint32_t)(read_back.number * 7 % CAPACITY), false);
      if (!frame_equal(&frame, &read_back)) fail_msg("frame %llu differs", (unsigned long long)read_back.number);
      present[read_back.number] = true;
      at += used;
    }
    damaged += verdict != JOURNAL_GOOD;
  }
  return damaged;
}

static void what_is_durable_survives_a_power_failure_at_any_time(void **state) {
  (void)state;
  uint64_t lost_after = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    disk_open(seed);
    struct prng prng = prng_seed(seed, 11);
    uint64_t last = 1 + prng_below(&prng, FRAMES);
    for (uint64_t number = 1; number <= last; number++) {
      append(number);
      if (prng_below(&prng, 2)) turn((int64_t)prng_below(&prng, TURN_NS));
    }
    struct journal_marks marks = journal_marks_of(writer);
    assert_true(marks.unjournaled == 0 && marks.unsynced == 0 && !marks.failing);
    io_sim_crash(io);
    bool present[FRAMES + 1];
    files_read(present);
    for (uint64_t n = 1; n <= marks.durable_frame; n++) {
      if (!present[n]) fail_msg("seed %llu: durable frame %llu is lost", (unsigned long long)seed, (unsigned long long)n);
    }
    for (uint64_t n = marks.durable_frame + 1; n <= last; n++) lost_after += !present[n];
    disk_close();
  }
  assert_true(lost_after > 0); /* the power failures were real */
}

static void everything_is_durable_after_the_end(void **state) {
  (void)state;
  disk_open(5);
  for (uint64_t number = 1; number <= FRAMES; number++) append(number);
  journal_finish(writer);
  for (int i = 0; i < 1000 && !journal_idle(writer); i++) turn(TURN_NS);
  assert_true(journal_idle(writer));
  assert_int_equal(journal_marks_of(writer).durable_frame, FRAMES);
  assert_true(syncs < FRAMES / 2); /* in groups */
  io_sim_crash(io);
  bool present[FRAMES + 1];
  assert_int_equal(files_read(present), 0);
  for (uint64_t n = 1; n <= FRAMES; n++) assert_true(present[n]);
  journal_writer_close(writer);
  disk_close();
}

static void a_failed_sync_is_not_asked_for_again_on_that_file(void **state) {
  (void)state;
  disk_open(6);
  for (uint64_t number = 1; number <= 5; number++) append(number), turn(TURN_NS);
  io_sim_disk_faults_set(io, &(struct io_sim_disk_faults){.sync_error = 1});
  uint64_t number = 6;
  for (; failed_fd < 0 && number <= 20; number++) append(number), turn(TURN_NS);
  assert_int_equal(failed_fd, files[0]);
  struct journal_marks marks = journal_marks_of(writer);
  assert_true(marks.failing && marks.unsynced > 0 && marks.unjournaled == 0);
  io_sim_disk_faults_set(io, &(struct io_sim_disk_faults){0});
  for (; number <= FRAMES; number++) append(number), turn(TURN_NS); /* the new segment is tried at once */
  for (int i = 0; i < 20; i++) turn(TURN_NS);
  marks = journal_marks_of(writer);
  assert_int_equal(file_count, 2);
  assert_int_equal(syncs_failed_file, 0);
  assert_true(!marks.failing && marks.durable_frame == FRAMES);
  assert_int_equal(marks.frames + marks.unjournaled, FRAMES);
  io_sim_crash(io);
  bool present[FRAMES + 1];
  files_read(present);
  uint64_t missing = 0;
  for (uint64_t n = 1; n <= FRAMES; n++) missing += !present[n];
  assert_true(missing <= marks.unsynced + marks.unjournaled);
  journal_finish(writer);
  journal_writer_close(writer);
  disk_close();
}

static void a_disk_that_stays_broken_is_tried_once_a_second(void **state) {
  (void)state;
  disk_open(7);
  io_sim_disk_set(io, 1000000, 100); /* not even a header fits */
  int64_t began_ns = io_now(io);
  for (uint64_t number = 1; number <= FRAMES; number++) {
    append(number);
    for (int i = 0; i < 25; i++) turn(TURN_NS);
  }
  int64_t seconds = (io_now(io) - began_ns) / 1000000000;
  assert_true(seconds >= 4 && file_count >= 3 && file_count <= seconds + 3);
  struct journal_marks marks = journal_marks_of(writer);
  assert_true(marks.failing && marks.unjournaled == FRAMES && marks.settled_frame == FRAMES && marks.durable_frame == FRAMES);
  disk_close();
}

/* Errors, torn writes, writes that never happened and failed syncs, then a power failure: what is read is right, and what is
 * missing is either behind damage that shows, or was counted. */
static void a_bad_disk_is_never_silently_wrong(void **state) {
  (void)state;
  uint64_t errors = 0, unsynced = 0, damaged_all = 0;
  for (uint64_t seed = 1; seed <= SEEDS; seed++) {
    disk_open(seed);
    bool loses = seed % 2;
    io_sim_disk_faults_set(io, &(struct io_sim_disk_faults){.append_error = 0.03, .append_lost = loses ? 0.03 : 0, .sync_error = 0.1});
    for (uint64_t number = 1; number <= FRAMES; number++) {
      append(number);
      turn(2000000 + (int64_t)(seed % 7) * 5000000);
    }
    journal_finish(writer);
    for (int i = 0; i < 200 && !journal_idle(writer); i++) turn(TURN_NS);
    assert_true(journal_idle(writer));
    struct journal_marks marks = journal_marks_of(writer);
    assert_int_equal(marks.settled_frame, FRAMES);
    assert_int_equal(marks.durable_frame, FRAMES);
    assert_int_equal(marks.frames + marks.unjournaled, FRAMES);
    io_sim_crash(io);
    bool present[FRAMES + 1];
    uint32_t damaged = files_read(present);
    uint64_t missing = 0;
    for (uint64_t n = 1; n <= FRAMES; n++) missing += !present[n] && !journal_frame_failed(writer, n);
    if (missing > marks.unsynced && damaged == 0) fail_msg("seed %llu: %llu frames lost in silence", (unsigned long long)seed, (unsigned long long)missing);
    if (!loses && missing > marks.unsynced) fail_msg("seed %llu: %llu durable frames lost", (unsigned long long)seed, (unsigned long long)missing);
    errors += marks.unjournaled, unsynced += marks.unsynced, damaged_all += damaged;
    journal_writer_close(writer);
    disk_close();
  }
  assert_true(errors > 0 && unsynced > 0 && damaged_all > 0);
}

int main(void) {
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(directory)) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_durable_survives_a_power_failure_at_any_time),
      cmocka_unit_test(everything_is_durable_after_the_end),
      cmocka_unit_test(a_failed_sync_is_not_asked_for_again_on_that_file),
      cmocka_unit_test(a_disk_that_stays_broken_is_tried_once_a_second),
      cmocka_unit_test(a_bad_disk_is_never_silently_wrong),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  rmdir(directory);
  return failed;
}

/* Appends and syncs of both real back ends: exact contents, completions in any order, errors reported, none lost. */
// stage: weft_platform weft_base
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/platform/io.h"

enum { FILE_BYTES = 8 << 20, PIECE_MAX = 200, TURN_MAX = 1000 };

static const enum io_choice choices[] = {IO_URING, IO_PLAIN};
static size_t choice_first; /* 1 where this machine forbids io_uring */
static struct io_batch batch;
static uint8_t written[FILE_BYTES], read_back[FILE_BYTES + 1];

static struct io *io_make(enum io_choice choice) {
  struct weft_error err = {0};
  struct io *io = NULL;
  if (io_open(choice, &(struct io_config){.buffer_count = 8}, &io, &err) != 0) fail_msg("back end %d: %s", choice, err.text);
  return io;
}

static int file_make(void) {
  char name[] = "/tmp/weft-io-append-XXXXXX";
  int fd = mkstemp(name);
  assert_true(fd >= 0);
  unlink(name);
  return fd;
}

/* Waits for the event with `token`; no other may come. */
static int32_t result_wait(struct io *io, enum io_event_kind kind, uint64_t token) {
  for (int turn = 0; turn < TURN_MAX; turn++) {
    assert_true(io_receive(io, &batch, 1000000000) >= 0);
    if (batch.event_count == 0) continue;
    assert_int_equal(batch.event_count, 1);
    assert_int_equal(batch.events[0].kind, kind);
    assert_int_equal(batch.events[0].token, token);
    int32_t result = batch.events[0].result;
    io_release(io, &batch);
    return result;
  }
  fail_msg("no event with token %llu", (unsigned long long)token);
  return 0;
}

static void contents_check(int fd, size_t size) {
  assert_int_equal(pread(fd, read_back, sizeof read_back, 0), size);
  for (size_t i = 0; i < size; i++)
    if (read_back[i] != written[i]) fail_msg("byte %zu: %u instead of %u", i, read_back[i], written[i]);
}

/* The file is cut into pieces of random length that are appended in a random order. */
static void appends_in_any_order_give_the_exact_file(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct prng prng = prng_seed(11, c);
    size_t from[PIECE_MAX + 1] = {0};
    uint32_t order[PIECE_MAX], done = 0;
    bool seen[PIECE_MAX] = {false};
    struct io *io = io_make(choices[c]);
    int fd = file_make();
    for (size_t i = 0; i < FILE_BYTES; i++) written[i] = (uint8_t)prng_u64(&prng);
    for (uint32_t p = 0; p < PIECE_MAX; p++) {
      from[p + 1] = from[p] + 1 + prng_below(&prng, p % 10 == 0 ? 300000 : 3000);
      uint32_t at = (uint32_t)prng_below(&prng, p + 1);
      order[p] = order[at];
      order[at] = p;
    }
    assert_true(from[PIECE_MAX] <= FILE_BYTES);
    for (uint32_t p = 0; p < PIECE_MAX; p++) {
      uint32_t piece = order[p];
      assert_int_equal(io_append(io, fd, written + from[piece], from[piece + 1] - from[piece], (int64_t)from[piece], piece), 0);
    }
    for (int turn = 0; done < PIECE_MAX && turn < TURN_MAX; turn++) {
      assert_true(io_receive(io, &batch, 1000000000) >= 0);
      for (uint32_t e = 0; e < batch.event_count; e++, done++) {
        assert_int_equal(batch.events[e].kind, IO_EVENT_APPEND);
        assert_int_equal(batch.events[e].result, 0);
        assert_true(batch.events[e].token < PIECE_MAX && !seen[batch.events[e].token]);
        seen[batch.events[e].token] = true;
      }
      io_release(io, &batch);
    }
    assert_int_equal(done, PIECE_MAX);
    assert_int_equal(io_sync(io, fd, 4711), 0);
    assert_int_equal(result_wait(io, IO_EVENT_SYNC, 4711), 0);
    contents_check(fd, from[PIECE_MAX]);
    close(fd);
    io_close(io);
  }
}

static void errors_come_back_as_negative_errno(void **state) {
  (void)state;
  int full = open("/dev/full", O_WRONLY | O_CLOEXEC), readable = open("/dev/null", O_RDONLY | O_CLOEXEC);
  int ends[2];
  assert_true(full >= 0 && readable >= 0);
  assert_int_equal(pipe(ends), 0);
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    assert_int_equal(io_append(io, full, "abc", 3, 0, 1), 0);
    assert_int_equal(result_wait(io, IO_EVENT_APPEND, 1), -ENOSPC);
    assert_int_equal(io_append(io, readable, "abc", 3, 0, 2), 0);
    assert_int_equal(result_wait(io, IO_EVENT_APPEND, 2), -EBADF);
    assert_int_equal(io_append(io, -1, "abc", 3, 0, 3), 0);
    assert_int_equal(result_wait(io, IO_EVENT_APPEND, 3), -EBADF);
    assert_int_equal(io_sync(io, -1, 4), 0);
    assert_int_equal(result_wait(io, IO_EVENT_SYNC, 4), -EBADF);
    assert_int_equal(io_sync(io, ends[1], 5), 0);
    assert_int_equal(result_wait(io, IO_EVENT_SYNC, 5), -EINVAL); /* a pipe cannot be synced */
    io_close(io);
  }
  close(full);
  close(readable);
  close(ends[0]);
  close(ends[1]);
}

/* At the file size limit the kernel writes a part and reports it; only the continued write meets the error. */
static void short_write_is_continued(void **state) {
  (void)state;
  struct rlimit before, limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    int fd = file_make();
    memset(written, 'w', 10000);
    limit = (struct rlimit){.rlim_cur = 6000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(io_append(io, fd, written, 10000, 0, 1), 0);
    int32_t result = result_wait(io, IO_EVENT_APPEND, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, -EFBIG);
    contents_check(fd, 6000);
    close(fd);
    io_close(io);
  }
  signal(SIGXFSZ, handler);
}

static void operations_in_flight_are_bounded(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    int fd = file_make();
    memset(written, 'b', IO_OPERATION_MAX);
    for (int i = 0; i < IO_OPERATION_MAX; i++) assert_int_equal(io_append(io, fd, written + i, 1, i, (uint64_t)i), 0);
    assert_int_equal(io_append(io, fd, written, 1, 0, 0), -EBUSY);
    assert_int_equal(io_sync(io, fd, 0), -EBUSY);
    uint32_t done = 0;
    for (int turn = 0; done < IO_OPERATION_MAX && turn < TURN_MAX; turn++) {
      assert_true(io_receive(io, &batch, 1000000000) >= 0);
      done += batch.event_count;
      io_release(io, &batch);
    }
    assert_int_equal(done, IO_OPERATION_MAX);
    contents_check(fd, IO_OPERATION_MAX);
    assert_int_equal(io_sync(io, fd, 1), 0);
    assert_int_equal(result_wait(io, IO_EVENT_SYNC, 1), 0);
    close(fd);
    io_close(io);
  }
}

static void close_waits_for_appends_in_flight(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    int fd = file_make();
    memset(written, 'c', FILE_BYTES);
    for (size_t i = 0; i < 8; i++)
      assert_int_equal(io_append(io, fd, written + i * (FILE_BYTES / 8), FILE_BYTES / 8, (int64_t)(i * (FILE_BYTES / 8)), i), 0);
    io_close(io);
    contents_check(fd, FILE_BYTES);
    close(fd);
  }
}

int main(void) {
  struct io *io = NULL;
  struct weft_error err = {0};
  if (io_open(IO_URING, NULL, &io, &err) != 0) {
    print_message("only the plain back end is tested here: %s\n", err.text);
    choice_first = 1;
  }
  if (choice_first == 0) io_close(io);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(appends_in_any_order_give_the_exact_file), cmocka_unit_test(errors_come_back_as_negative_errno),
      cmocka_unit_test(short_write_is_continued), cmocka_unit_test(operations_in_flight_are_bounded),
      cmocka_unit_test(close_waits_for_appends_in_flight),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_journal weft_platform weft_domain weft_base
// wraps: raise _exit fsync malloc fstat pread
/* Snapshot files and the file of runs: what was written is read back; cut anywhere or with any bit flipped it is refused;
 * how runs ended is told as it was noted, also by a process that dies of its own fault. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/safe_file.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/run_state.h"
#include "engine/journal/snapshot.h"

enum { IMAGE = 301, SIZE = SNAPSHOT_HEADER_BYTES + IMAGE };

static char folder[64];

static int folder_make(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/weft-snapshot-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static struct snapshot_head snapshot_make(uint8_t data[SIZE]) {
  struct snapshot_head head = {.layout = 77, .run = 1234567890123456789u, .frame = 4711, .time_ns = -5, .size = IMAGE};
  for (int i = 0; i < IMAGE; i++) data[SNAPSHOT_HEADER_BYTES + i] = (uint8_t)(i * 7 + 3);
  snapshot_head_encode(&head, data);
  return head;
}

static void path_make(char *path, size_t size, const char *name) { snprintf(path, size, "%s/%s", folder, name); }

static void file_write(const char *name, const void *data, size_t size) {
  char path[128];
  path_make(path, sizeof path, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, size, file), size);
  fclose(file);
}

static void what_was_written_is_read_back(void **state) {
  (void)state;
  uint8_t data[SIZE], *read;
  char path[128];
  struct snapshot_head head = snapshot_make(data), again;
  struct weft_error err;
  snapshot_turn_path(path, sizeof path, folder, 3);
  assert_non_null(strstr(path, "/snapshot-1.ws"));
  assert_int_equal(safe_file_replace(path, data, sizeof data, NULL, &err), 0);
  assert_true(snapshot_recognised(path));
  assert_int_equal(snapshot_read(path, &again, &read, &err), 0);
  assert_memory_equal(&again, &head, sizeof head);
  assert_memory_equal(read, data, sizeof data);
  free(read);
  snapshot_begin_path(path, sizeof path, folder, 17);
  assert_non_null(strstr(path, "/00000017.ws"));
  assert_false(snapshot_recognised(path));
  assert_int_equal(snapshot_read(path, &again, &read, &err), -ENOENT);
  assert_non_null(strstr(err.text, path));
  assert_int_equal(snapshot_read(folder, &again, &read, &err), -EINVAL); /* a folder */
}

static void every_cut_and_every_flipped_bit_is_refused(void **state) {
  (void)state;
  uint8_t data[SIZE + 1] = {0};
  struct snapshot_head head;
  snapshot_make(data);
  assert_int_equal(snapshot_decode(data, SIZE, &head), SNAPSHOT_GOOD);
  for (size_t size = 0; size < SIZE; size++) assert_int_equal(snapshot_decode(data, size, &head), SNAPSHOT_CUT);
  assert_int_equal(snapshot_decode(data, SIZE + 1, &head), SNAPSHOT_CORRUPT);
  for (size_t bit = 0; bit < SIZE * 8; bit++) {
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    if (snapshot_decode(data, SIZE, &head) == SNAPSHOT_GOOD) fail_msg("bit %zu flipped and not seen", bit);
    data[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static void a_newer_version_is_named_as_such(void **state) {
  (void)state;
  uint8_t data[SIZE], bare[SNAPSHOT_HEADER_BYTES], *read;
  char path[128];
  struct snapshot_head head;
  struct weft_error err;
  snapshot_make(data);
  data[8] = 2;
  memcpy(bare, data, sizeof bare);
  memset(bare + 12, 0, 4);
  uint32_t crc = journal_crc(bare, sizeof bare);
  memcpy(data + 12, &crc, sizeof crc);
  assert_int_equal(snapshot_decode(data, SIZE, &head), SNAPSHOT_VERSION_UNKNOWN);
  file_write("newer.ws", data, SIZE);
  path_make(path, sizeof path, "newer.ws");
  assert_int_equal(snapshot_read(path, &head, &read, &err), -EILSEQ);
  assert_null(read);
  assert_non_null(strstr(err.text, "version"));
}

static void ends_of_runs_are_told_as_noted(void **state) {
  (void)state;
  struct run_state runs;
  struct weft_error err;
  run_state_read("/nowhere/at/all", &runs);
  assert_int_equal(runs.run, 0);
  assert_int_equal(run_state_start(folder, 100, 0, &err), 0);
  run_state_read(folder, &runs);
  assert_true(runs.run == 100 && !runs.ended && runs.crash_count == 0);
  assert_int_equal(run_state_end(folder, 100, &err), 0);
  run_state_read(folder, &runs);
  assert_true(runs.run == 100 && runs.ended);
  assert_int_equal(run_state_start(folder, 200, 0, &err), 0); /* what was noted of the one before is gone */
  run_state_read(folder, &runs);
  assert_true(runs.run == 200 && runs.from == 0 && !runs.ended);
  assert_int_equal(run_state_start("/nowhere/at/all", 1, 0, &err), -ENOENT);
  assert_int_equal(run_state_end("/nowhere/at/all", 1, &err), -ENOENT);
  assert_int_equal(run_state_watch("/nowhere/at/all", &err), -ENOENT);
  assert_non_null(strstr(err.text, "/nowhere/at/all"));
}

static void a_damaged_file_of_runs_says_only_what_can_be_understood(void **state) {
  (void)state;
  static const char text[] = "started 5 2\nstarted six\nstarted 6\nstarted 6 7 8\ncrashed 5\ncrashed 6 9\ncrashed 5 9\ncrashed 5 9 1\nended 6\nended 5 now\n\n\xff\xfe";
  struct run_state runs;
  file_write("run.state", text, sizeof text - 1);
  run_state_read(folder, &runs);
  assert_true(runs.run == 5 && runs.from == 2 && !runs.ended && runs.crash_count == 1);
  assert_int_equal(run_state_crashes(&runs, 9), 1);
  assert_int_equal(run_state_crashes(&runs, 1), 0);
}

static bool refuse_sync, refuse_memory, refuse_stat, refuse_read; /* the next one */

static bool refused(bool *once) {
  bool was = *once;
  *once = false;
  if (was) errno = EIO;
  return was;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) { return refused(&refuse_sync) ? -1 : __real_fsync(fd); }

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) { return refused(&refuse_memory) ? NULL : __real_malloc(size); }

int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status) { return refused(&refuse_stat) ? -1 : __real_fstat(fd, status); }

ssize_t __real_pread(int fd, void *data, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t at) { return refused(&refuse_read) ? -1 : __real_pread(fd, data, size, at); }

/* A process that dies takes along what it counted of branches (tools/coverage), unless that is written before. */
extern void __gcov_dump(void) __attribute__((weak));
static void counts_keep(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0) limit.rlim_cur = limit.rlim_max, setrlimit(RLIMIT_FSIZE, &limit);
  if (__gcov_dump) __gcov_dump();
}

int __real_raise(int number);
int __wrap_raise(int number);
int __wrap_raise(int number) {
  struct sigaction action;
  if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_DFL) counts_keep();
  return __real_raise(number);
}

_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
void __wrap__exit(int status) {
  counts_keep();
  __real__exit(status);
}

static void what_the_machine_refuses_of_a_snapshot_is_said(void **state) {
  (void)state;
  bool *const refusals[] = {&refuse_stat, &refuse_memory, &refuse_read};
  char path[128];
  file_write("some.ws", "some bytes", 10);
  path_make(path, sizeof path, "some.ws");
  for (int i = 0; i < 3; i++) {
    struct snapshot_head head;
    uint8_t *read;
    struct weft_error err = {""};
    *refusals[i] = true;
    int rc = snapshot_read(path, &head, &read, &err);
    assert_true(rc == -EIO || rc == -ENOMEM);
    assert_null(read);
    assert_non_null(strstr(err.text, "can't be read"));
  }
}

static void an_end_that_is_not_on_the_disk_is_said(void **state) {
  (void)state;
  struct weft_error err = {""};
  assert_int_equal(run_state_start(folder, 100, 0, &err), 0);
  refuse_sync = true;
  assert_int_equal(run_state_end(folder, 100, &err), -EIO);
  assert_non_null(strstr(err.text, "the end of the run can't be noted"));
}

static void a_file_of_runs_is_read_no_further_than_any_that_was_written(void **state) {
  (void)state;
  static char text[2 * RUN_STATE_BYTES_MAX];
  struct run_state runs;
  size_t used = (size_t)sprintf(text, "started 5 2\n");
  while (used < RUN_STATE_BYTES_MAX) used += (size_t)sprintf(text + used, "ended 6\n");
  used += (size_t)sprintf(text + used, "ended 5\n");
  file_write("run.state", text, used);
  run_state_read(folder, &runs);
  assert_true(runs.run == 5 && !runs.ended);
}

/* A disk that takes no byte more. */
static void a_crash_that_can_not_be_noted_still_ends_the_process(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    struct weft_error err;
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (run_state_watch(folder, &err) < 0) _exit(1);
    run_state_stepping(7, 42);
    const struct rlimit full = {0, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &full);
    raise(SIGILL);
    _exit(2);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGILL);
}

/* A child that is stepping frame 42 of run 7 dies of the signal; it must have died of that very one. */
static void fault(int number, uint64_t frame, bool overflow) {
  pid_t child = fork();
  if (child == 0) {
    struct weft_error err;
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    if (run_state_watch(folder, &err) < 0) _exit(1);
    run_state_stepping(7, frame);
    if (overflow) { /* as a stack that has run out does: nothing can be pushed any more */
      __asm__ volatile("xor %%esp, %%esp\n\tpush %%rax" ::: "memory");
    }
    raise(number);
    _exit(2);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  assert_int_equal(WTERMSIG(status), number);
}

static void a_frame_that_crashes_is_noted_and_the_signal_does_its_work(void **state) {
  (void)state;
  static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  struct run_state runs;
  struct weft_error err;
  assert_int_equal(run_state_start(folder, 7, 0, &err), 0);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) fault(signals[i], 42, false);
  fault(SIGSEGV, 0, false);                      /* not while a frame was stepped */
  fault(SIGSEGV, 18446744073709551615u, true);   /* on a stack of its own */
  run_state_read(folder, &runs);
  assert_int_equal(runs.crash_count, 6);
  assert_int_equal(run_state_crashes(&runs, 42), 5);
  assert_int_equal(run_state_crashes(&runs, UINT64_MAX), 1);
  for (int i = 0; i < RUN_CRASHES_MAX; i++) fault(SIGILL, 43, false); /* the newest are remembered */
  run_state_read(folder, &runs);
  assert_int_equal(run_state_crashes(&runs, 43), RUN_CRASHES_MAX);
  assert_int_equal(run_state_crashes(&runs, 42), 0);
}

static void crashes_are_remembered_as_long_as_their_run_is_gone_on_with(void **state) {
  (void)state;
  static const char text[] = "started 7 3\ncrashed 3 41\ncrashed 7 42\n";
  struct run_state runs;
  struct weft_error err;
  file_write("run.state", text, sizeof text - 1);
  assert_int_equal(run_state_start(folder, 8, 7, &err), 0); /* goes on with 7 and dies before it writes */
  assert_int_equal(run_state_start(folder, 9, 7, &err), 0); /* so does this one */
  run_state_read(folder, &runs);
  assert_true(runs.run == 9 && runs.from == 7 && runs.crash_count == 2);
  assert_int_equal(run_state_crashes(&runs, 42), 1);
  file_write("run.state", text, sizeof text - 1);
  for (int i = 0; i < RUN_CRASHES_MAX + 2; i++) fault(SIGILL, 50 + (uint64_t)i, false); /* the newest of too many */
  assert_int_equal(run_state_start(folder, 8, 7, &err), 0);
  run_state_read(folder, &runs);
  assert_int_equal(runs.crash_count, RUN_CRASHES_MAX);
  assert_int_equal(run_state_crashes(&runs, 51), 0);
  assert_int_equal(run_state_crashes(&runs, 52), 1);
  assert_int_equal(run_state_start(folder, 12, 11, &err), 0); /* what it goes on from is not what the crashes were of */
  run_state_read(folder, &runs);
  assert_int_equal(runs.crash_count, 0);
  assert_int_equal(run_state_start(folder, 10, 0, &err), 0);
  run_state_read(folder, &runs);
  assert_int_equal(runs.crash_count, 0);
}

static void watching_can_be_ended(void **state) {
  (void)state;
  struct weft_error err;
  struct sigaction before, action;
  run_state_unwatch(); /* nothing to end */
  sigaction(SIGILL, NULL, &before);
  assert_int_equal(run_state_watch(folder, &err), 0);
  sigaction(SIGILL, NULL, &action);
  assert_true(action.sa_handler != before.sa_handler);
  run_state_unwatch();
  sigaction(SIGILL, NULL, &action);
  assert_true(action.sa_handler == before.sa_handler);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_written_is_read_back),
      cmocka_unit_test(every_cut_and_every_flipped_bit_is_refused),
      cmocka_unit_test(a_newer_version_is_named_as_such),
      cmocka_unit_test(ends_of_runs_are_told_as_noted),
      cmocka_unit_test(a_damaged_file_of_runs_says_only_what_can_be_understood),
      cmocka_unit_test(a_frame_that_crashes_is_noted_and_the_signal_does_its_work),
      cmocka_unit_test(crashes_are_remembered_as_long_as_their_run_is_gone_on_with),
      cmocka_unit_test(watching_can_be_ended),
      cmocka_unit_test(what_the_machine_refuses_of_a_snapshot_is_said),
      cmocka_unit_test(an_end_that_is_not_on_the_disk_is_said),
      cmocka_unit_test(a_file_of_runs_is_read_no_further_than_any_that_was_written),
      cmocka_unit_test(a_crash_that_can_not_be_noted_still_ends_the_process),
  };
  return cmocka_run_group_tests(tests, folder_make, folder_remove);
}

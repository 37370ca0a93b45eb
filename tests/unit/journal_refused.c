// stage: weft_journal weft_platform weft_domain weft_base
// wraps: malloc calloc realloc open pread pwrite fsync rename stat fstat opendir isal_deflate sem_wait pthread_join
/* Packing, parity, repair and reading while one call after the other to the machine fails, is interrupted or does half: what
 * was in the journal before is in it afterwards, to the byte, and a failure is said. The packer's thread likewise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/journal/journal_packer.h"
#include "engine/journal/journal_parity.h"
#include "engine/journal/journal_reader.h"
#include "engine/journal/journal_segment.h"
#include "tests/unit/journal_support.h"

enum { CAPACITY = 64, SEGMENTS = 4, FRAMES = 5, BYTES_MAX = 1 << 20 };

/* The calls, and what each may be made to do. */
enum call { MALLOC, CALLOC, REALLOC, OPEN, PREAD, PWRITE, FSYNC, RENAME, STAT, FSTAT, OPENDIR, DEFLATE, CALLS };
static const char *const call_names[] = {"malloc", "calloc", "realloc", "open", "pread", "pwrite", "fsync", "rename", "stat", "fstat",
                                         "opendir", "isal_deflate"};
enum way { FAIL, FAIL_ON, INTERRUPT, HALF, NOTHING, WRONG, WAYS }; /* FAIL_ON: all that come after it too */
static _Thread_local bool refusal_on;
static enum call refused_call;
static enum way refused_way;
static int calls_left; /* until the one that is refused */
static bool refused;

static bool comes_now(enum call call) {
  if (!refusal_on || call != refused_call || --calls_left > 0) return false;
  if (calls_left < 0 && refused_way != FAIL_ON) return false;
  return refused = true;
}

static bool fails(enum call call, int error) {
  if (!comes_now(call)) return false;
  errno = error;
  return true;
}

#define WRAP(type, name, call, failed, error, parameters, arguments) \
  type __real_##name parameters;                                    \
  type __wrap_##name parameters;                                    \
  type __wrap_##name parameters { return fails(call, error) ? (failed) : __real_##name arguments; }

WRAP(void *, malloc, MALLOC, NULL, ENOMEM, (size_t size), (size))
WRAP(void *, calloc, CALLOC, NULL, ENOMEM, (size_t count, size_t size), (count, size))
WRAP(void *, realloc, REALLOC, NULL, ENOMEM, (void *memory, size_t size), (memory, size))
WRAP(int, fsync, FSYNC, -1, EIO, (int fd), (fd))
WRAP(int, rename, RENAME, -1, EIO, (const char *from, const char *to), (from, to))
WRAP(int, fstat, FSTAT, -1, EIO, (int fd, struct stat *status), (fd, status))
WRAP(DIR *, opendir, OPENDIR, NULL, EMFILE, (const char *name), (name))

/* The packer's thread stops at such a call until its end is asked for. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum call held_call = CALLS;
static bool held, ending;
static void hold(enum call call) {
  pthread_mutex_lock(&mutex);
  if (call == held_call) held = true;
  pthread_cond_broadcast(&changed);
  while (call == held_call && !ending) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result) {
  pthread_mutex_lock(&mutex);
  ending = true;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  return __real_pthread_join(thread, result);
}

int __real_stat(const char *name, struct stat *status);
int __wrap_stat(const char *name, struct stat *status);
int __wrap_stat(const char *name, struct stat *status) {
  hold(STAT);
  return fails(STAT, EIO) ? -1 : __real_stat(name, status);
}

int __real_open(const char *name, int flags, mode_t mode);
int __wrap_open(const char *name, int flags, mode_t mode);
int __wrap_open(const char *name, int flags, mode_t mode) {
  return fails(OPEN, EMFILE) ? -1 : __real_open(name, flags, mode);
}

ssize_t __real_pread(int fd, void *data, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t at) {
  hold(PREAD);
  if (!comes_now(PREAD)) return __real_pread(fd, data, size, at);
  if (refused_way == NOTHING) return 0;
  if (refused_way == HALF) return __real_pread(fd, data, (size + 1) / 2, at);
  errno = refused_way == INTERRUPT ? EINTR : EIO;
  return -1;
}

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t at) {
  if (!comes_now(PWRITE)) return __real_pwrite(fd, data, size, at);
  if (refused_way == HALF) return __real_pwrite(fd, data, (size + 1) / 2, at);
  errno = refused_way == INTERRUPT ? EINTR : EIO;
  return -1;
}

/* A library that says so, leaves input or does not end; or one that is wrong and does not know it. */
int __real_isal_deflate(struct isal_zstream *stream);
int __wrap_isal_deflate(struct isal_zstream *stream);
int __wrap_isal_deflate(struct isal_zstream *stream) {
  if (!comes_now(DEFLATE)) return __real_isal_deflate(stream);
  if (refused_way == FAIL || refused_way == FAIL_ON) return INVALID_FLUSH;
  uint8_t *out = stream->next_out;
  int rc = __real_isal_deflate(stream);
  if (refused_way == INTERRUPT) stream->avail_in = 1;
  if (refused_way == HALF) stream->internal_state.state = ZSTATE_NEW_HDR;
  if (refused_way == WRONG) out[0] ^= 0xff;
  if (refused_way == NOTHING) out[(stream->next_out - out) / 2] ^= 0x10;
  return rc;
}

/* The packer's thread tells when it waits for work: whatever it was asked for before is done then. */
static int waits;
static bool interrupt_wait, wake_idly;
int __real_sem_wait(sem_t *semaphore);
int __wrap_sem_wait(sem_t *semaphore);
int __wrap_sem_wait(sem_t *semaphore) {
  pthread_mutex_lock(&mutex);
  waits++;
  bool interrupt = interrupt_wait, idly = wake_idly;
  interrupt_wait = wake_idly = false;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  errno = EINTR;
  return interrupt ? -1 : idly ? 0 : __real_sem_wait(semaphore);
}

static void waits_expect(int count) {
  pthread_mutex_lock(&mutex);
  while (waits < count) pthread_cond_wait(&changed, &mutex);
  pthread_mutex_unlock(&mutex);
}

static struct arena arena;
static struct frame frame, read_back;
static char directory[300];
static uint8_t bytes[BYTES_MAX];

static uint32_t detections_of(uint64_t number) { return (uint32_t)(10 + number * 7 % 50); }

static void name_of(char out[400], uint64_t segment) { journal_segment_path(out, 400, directory, segment); }

static void segments_write(void) {
  for (uint64_t segment = 1; segment <= SEGMENTS; segment++) {
    char path[400];
    struct journal_head head = head_example();
    head.segment = segment;
    head.first_frame = (segment - 1) * FRAMES + 1;
    journal_head_encode(&head, bytes);
    size_t size = journal_head_size(&head);
    for (uint64_t n = head.first_frame; n < head.first_frame + FRAMES; n++) {
      frame_fill(&frame, n, detections_of(n), n % 5 == 0);
      journal_record_encode(&frame, bytes + size);
      size += journal_record_size(&frame);
    }
    name_of(path, segment);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
  }
}

/* Removes everything in the folder but the segments from `keep` on; how many other files there were. */
static int folder_empty(bool segments_too) {
  DIR *dir = opendir(directory);
  assert_non_null(dir);
  int others = 0;
  for (const struct dirent *entry; (entry = readdir(dir));) {
    char path[600];
    bool segment = journal_segment_number(entry->d_name) > 0;
    snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (entry->d_name[0] == '.' || (segment && !segments_too)) continue;
    others += !segment;
    assert_int_equal(unlink(path), 0);
  }
  closedir(dir);
  return others;
}

static int setup(void **state) {
  (void)state;
  const char *base = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/weft-journal-XXXXXX", base ? base : "/tmp");
  if (!mkdtemp(directory) || arena_open(&arena, 2 * frame_bytes(CAPACITY)) < 0) return -1;
  if (frame_open(&frame, &arena, CAPACITY) < 0 || frame_open(&read_back, &arena, CAPACITY) < 0) return -1;
  waits = 0;
  log_level_set(0);
  segments_write();
  return 0;
}

static int teardown(void **state) {
  (void)state;
  folder_empty(true);
  arena_close(&arena);
  return rmdir(directory);
}

/* Reads the whole journal; 0 where all frames came out right, -ENODATA where some are missing. */
static int journal_check(void) {
  struct journal_reader *reader;
  struct weft_error err = {""};
  int rc = journal_open(&reader, directory, JOURNAL_RUN_NEWEST, &err);
  if (rc < 0) return rc;
  uint64_t count = 0, last = 0;
  while ((rc = journal_next(reader, &read_back)) == 1) {
    bool on = refusal_on;
    refusal_on = false;
    uint64_t number = read_back.number;
    frame_fill(&frame, number, detections_of(number), number % 5 == 0);
    if (number <= last || !frame_equal(&frame, &read_back)) fail_msg("frame %llu differs", (unsigned long long)number);
    refusal_on = on;
    last = number;
    count++;
  }
  uint64_t missing = journal_missing_frames(reader);
  journal_close(reader);
  if (missing != last - count) fail_msg("%llu frames up to %llu, %llu said to be missing", (unsigned long long)count, (unsigned long long)last, (unsigned long long)missing);
  return rc == 0 && count < SEGMENTS * FRAMES ? -ENODATA : rc;
}

typedef int operation(struct weft_error *err);

/* Runs it with the `turn`th call of a kind refused; false where there was none. */
static bool refuse(operation *run, enum call call, enum way way, int turn, int *rc, struct weft_error *err) {
  refused_call = call, refused_way = way, calls_left = turn, refused = false;
  err->text[0] = '\0';
  refusal_on = true;
  *rc = run(err);
  refusal_on = false;
  return refused;
}

static bool way_applies(enum call call, enum way way) {
  if (way == FAIL || way == FAIL_ON) return true;
  return call == DEFLATE || (call == PREAD && way != WRONG) || (call == PWRITE && way != NOTHING && way != WRONG);
}

/* Every call of every kind once. `begin` makes the folder as it was; `failed` and `done` look at it afterwards. */
static void refuse_each(operation *run, void (*begin)(void), void (*after)(int rc)) {
  int runs = 0;
  for (enum call call = 0; call < CALLS; call++) {
    for (enum way way = FAIL; way < WAYS; way++) {
      if (!way_applies(call, way)) continue;
      for (int turn = 1;; turn++) {
        struct weft_error err;
        int rc;
        begin();
        if (!refuse(run, call, way, turn, &rc, &err)) break;
        runs++;
        if (rc < 0 && err.text[0] == '\0') fail_msg("%s %d, way %d: %d, and nothing is said", call_names[call], turn, (int)way, rc);
        if ((way == INTERRUPT || way == HALF) && call != DEFLATE && rc < 0) fail_msg("%s %d, way %d: %d", call_names[call], turn, (int)way, rc);
        after(rc);
      }
    }
  }
  print_message("%d calls refused\n", runs);
  assert_true(runs > 10);
}

static int pack_run(struct weft_error *err) {
  char path[400];
  struct journal_packer_figures figures = {0};
  name_of(path, 2);
  return journal_segment_pack(path, NULL, &figures, err);
}

static void frames_are_all_there(int rc) {
  (void)rc;
  assert_int_equal(journal_check(), 0);
  assert_int_equal(folder_empty(false), 0); /* nothing is left beside them */
}

static void packing_that_fails_anywhere_loses_no_frame(void **state) {
  (void)state;
  refuse_each(pack_run, segments_write, frames_are_all_there);
}

static int parity_run(struct weft_error *err) {
  static const _Atomic bool stop = false;
  return (int)journal_parity_write(directory, SEGMENTS, 2, 2, &stop, err);
}

static void parity_begin(void) { folder_empty(false); }

/* What parity there is gives back what it says it covers. */
static void parity_is_right_or_not_there(int rc) {
  (void)rc;
  char path[400];
  struct weft_error err = {""};
  assert_int_equal(journal_check(), 0);
  if (!journal_parity_covers(directory, 1)) return;
  struct journal_repair repair = {0};
  name_of(path, 1);
  assert_int_equal(unlink(path), 0);
  if (journal_repair_all(directory, &repair, &err) < 0) fail_msg("%s", err.text);
  assert_int_equal(repair.segments_rebuilt, 1);
  assert_int_equal(journal_check(), 0);
}

static void parity_whose_writing_fails_anywhere_is_right_or_not_there(void **state) {
  (void)state;
  refuse_each(parity_run, parity_begin, parity_is_right_or_not_there);
}

static uint32_t told;
static void tell(void *context, const char *path, bool rebuilt) {
  (void)context, (void)path, (void)rebuilt;
  told++;
}

static int repair_run(struct weft_error *err) {
  struct journal_repair repair = {.tell = told % 2 ? tell : NULL};
  return journal_repair_all(directory, &repair, err);
}

static void repair_begin(void) {
  char path[400];
  struct weft_error err;
  segments_write();
  folder_empty(false);
  assert_int_equal(parity_run(&err), 2);
  name_of(path, 3);
  assert_int_equal(unlink(path), 0);
  journal_parity_path(path, sizeof path, directory, 1, 0);
  assert_int_equal(unlink(path), 0);
}

/* A repair that failed can be tried again. */
static void what_was_lost_is_or_can_be_rebuilt(int rc) {
  (void)rc;
  struct weft_error err = {""};
  struct journal_repair repair = {.tell = tell};
  if (journal_repair_all(directory, &repair, &err) < 0) fail_msg("%s", err.text);
  assert_int_equal(repair.segments_unrepaired, 0);
  assert_int_equal(journal_check(), 0);
}

static void a_repair_that_fails_anywhere_can_be_tried_again(void **state) {
  (void)state;
  refuse_each(repair_run, repair_begin, what_was_lost_is_or_can_be_rebuilt);
  assert_true(told > 0);
}

static int read_run(struct weft_error *err) {
  int rc = journal_check();
  return rc < 0 ? weft_fail(err, rc, "not read") : rc;
}

static void packed_begin(void) {
  struct weft_error err = {""};
  segments_write();
  if (pack_run(&err) != 1) fail_msg("%s", err.text);
}

static void nothing(void) {}
static void anything(int rc) { (void)rc; }

/* Right frames or none: the comparison is in journal_check. */
static void reading_that_fails_anywhere_gives_no_wrong_frame(void **state) {
  (void)state;
  refuse_each(read_run, nothing, anything);
  packed_begin();
  refuse_each(read_run, nothing, anything);
}

static void parity_that_is_stopped_leaves_nothing(void **state) {
  (void)state;
  static const _Atomic bool stop = true;
  struct weft_error err = {""};
  assert_int_equal(journal_parity_write(directory, SEGMENTS, 2, 2, &stop, &err), -ECANCELED);
  assert_int_equal(folder_empty(false), 0);
  assert_string_equal(err.text, "");
}

/* Version of a segment's format on the disk. */
static uint32_t version_of(uint64_t segment) {
  char path[400];
  uint32_t version[3] = {0};
  name_of(path, segment);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fread(version, 1, sizeof version, file), sizeof version);
  fclose(file);
  return version[2];
}

static void the_packer_packs_what_is_closed_and_not_covered_yet(void **state) {
  (void)state;
  struct journal_packer *packer;
  interrupt_wait = true; /* a signal that was meant for others */
  assert_int_equal(journal_packer_open(&packer, directory, true, 2, 1), 0);
  waits_expect(2);
  journal_packer_through(packer, 2);
  waits_expect(3);
  assert_true(version_of(1) == JOURNAL_VERSION_PACKED && version_of(2) == JOURNAL_VERSION_PACKED && version_of(3) == JOURNAL_VERSION);
  assert_true(journal_parity_covers(directory, 2) && !journal_parity_covers(directory, 3));
  journal_packer_through(packer, 2); /* nothing new */
  journal_packer_through(packer, 3);
  waits_expect(4);
  assert_true(version_of(3) == JOURNAL_VERSION_PACKED && version_of(4) == JOURNAL_VERSION);
  journal_packer_close(packer);
  assert_int_equal(journal_check(), 0);
}

static void the_packer_leaves_what_parity_covers(void **state) {
  (void)state;
  struct journal_packer *packer;
  struct weft_error err;
  assert_int_equal(journal_parity_write(directory, 2, 2, 1, NULL, &err), 1);
  wake_idly = true;
  assert_int_equal(journal_packer_open(&packer, directory, true, 2, 0), 0);
  waits_expect(2);
  journal_packer_through(packer, SEGMENTS);
  waits_expect(3);
  assert_true(version_of(2) == JOURNAL_VERSION && version_of(3) == JOURNAL_VERSION_PACKED);
  journal_packer_close(packer);
}

static void a_packer_for_parity_only_packs_nothing(void **state) {
  (void)state;
  struct journal_packer *packer;
  assert_int_equal(journal_packer_open(&packer, directory, false, 4, 1), 0);
  waits_expect(1);
  journal_packer_through(packer, SEGMENTS);
  waits_expect(2);
  assert_int_equal(version_of(1), JOURNAL_VERSION);
  assert_true(journal_parity_covers(directory, SEGMENTS));
  journal_packer_close(packer);
}

/* A folder stands where each new file would be made; then the journal itself is gone. */
static void a_packer_that_can_do_nothing_goes_on(void **state) {
  (void)state;
  struct journal_packer *packer;
  char path[400], away[400];
  name_of(path, 1);
  strcat(path, ".tmp");
  assert_int_equal(mkdir(path, 0700), 0);
  char parity[400];
  journal_parity_path(parity, sizeof parity, directory, 1, 0);
  strcat(parity, ".tmp");
  assert_int_equal(mkdir(parity, 0700), 0);
  assert_int_equal(journal_packer_open(&packer, directory, true, 2, 1), 0);
  waits_expect(1);
  journal_packer_through(packer, 2);
  waits_expect(2);
  assert_true(version_of(1) == JOURNAL_VERSION && version_of(2) == JOURNAL_VERSION_PACKED);
  assert_true(rmdir(path) == 0 && rmdir(parity) == 0);
  snprintf(away, sizeof away, "%s.away", directory);
  assert_int_equal(rename(directory, away), 0);
  journal_packer_through(packer, 3);
  waits_expect(3);
  assert_int_equal(rename(away, directory), 0);
  journal_packer_through(packer, 4);
  waits_expect(4);
  assert_int_equal(version_of(4), JOURNAL_VERSION_PACKED);
  journal_packer_close(packer);
}

/* Its end comes while it packs a segment, or while it begins to write parity. */
static void a_packer_that_is_ended_leaves_what_it_was_at(void **state) {
  (void)state;
  for (int parity = 0; parity < 2; parity++) {
    struct journal_packer *packer;
    held_call = parity ? STAT : PREAD, held = ending = false;
    assert_int_equal(journal_packer_open(&packer, directory, !parity, 2, (uint32_t)parity), 0);
    journal_packer_through(packer, 2);
    pthread_mutex_lock(&mutex);
    while (!held) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    journal_packer_close(packer);
    held_call = CALLS;
    assert_int_equal(version_of(1), JOURNAL_VERSION);
    frames_are_all_there(0);
  }
}

static void a_segment_in_the_working_folder_needs_no_slash(void **state) {
  (void)state;
  char before[4096];
  struct journal_packer_figures figures = {0};
  struct weft_error err = {""};
  assert_non_null(getcwd(before, sizeof before));
  assert_int_equal(chdir(directory), 0);
  int rc = journal_segment_pack("00000001.wj", NULL, &figures, &err);
  assert_int_equal(chdir(before), 0);
  assert_int_equal(rc, 1);
  assert_int_equal(journal_check(), 0);
}

int main(void) {
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
  const struct CMUnitTest tests[] = {
      CASE(packing_that_fails_anywhere_loses_no_frame),
      CASE(parity_whose_writing_fails_anywhere_is_right_or_not_there),
      CASE(a_repair_that_fails_anywhere_can_be_tried_again),
      CASE(reading_that_fails_anywhere_gives_no_wrong_frame),
      CASE(parity_that_is_stopped_leaves_nothing),
      CASE(the_packer_packs_what_is_closed_and_not_covered_yet),
      CASE(the_packer_leaves_what_parity_covers),
      CASE(a_packer_for_parity_only_packs_nothing),
      CASE(a_packer_that_can_do_nothing_goes_on),
      CASE(a_packer_that_is_ended_leaves_what_it_was_at),
      CASE(a_segment_in_the_working_folder_needs_no_slash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "engine/journal/run_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/safe_file.h"
#include "engine/journal/journal_file_io.h"
#include "engine/journal/journal_segment.h"

enum { PATH_BYTES = JOURNAL_PATH_MAX + 16, LINE_BYTES = 64, SIGNALS = 5, STACK_BYTES = 65536 };
static const int fatal[SIGNALS] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void state_path(char path[PATH_BYTES], const char *directory) {
  snprintf(path, PATH_BYTES, "%s/run.state", directory);
}

/* A number that overflows becomes the largest, which no run and no frame has. */
static void line_take(struct run_state *state, const char *line) {
  unsigned long long run, frame, from;
  char rest;
  // NOLINTBEGIN(cert-err34-c)
  if (sscanf(line, "started %llu %llu %c", &run, &from, &rest) == 2) {
    *state = (struct run_state){.run = run, .from = from};
  } else if (sscanf(line, "ended %llu %c", &run, &rest) == 1) {
    if (run == state->run) state->ended = true;
  } else if (sscanf(line, "crashed %llu %llu %c", &run, &frame, &rest) == 2 && (run == state->run || run == state->from)) {
    state->crashed[state->crash_count++ % RUN_CRASHES_MAX] = frame;
  } // NOLINTEND(cert-err34-c)
}

void run_state_read(const char *directory, struct run_state *state) {
  char path[PATH_BYTES], line[LINE_BYTES];
  *state = (struct run_state){0};
  state_path(path, directory);
  FILE *file = fopen(path, "re");
  if (!file) return;
  for (int lines = 0; lines < RUN_STATE_BYTES_MAX / 8 && fgets(line, sizeof line, file); lines++) line_take(state, line);
  (void)fclose(file);
}

uint32_t run_state_crashes(const struct run_state *state, uint64_t frame) {
  uint32_t known = state->crash_count < RUN_CRASHES_MAX ? state->crash_count : RUN_CRASHES_MAX, count = 0;
  for (uint32_t i = 0; i < known; i++) count += state->crashed[i] == frame;
  return count;
}

int run_state_start(const char *directory, uint64_t run, uint64_t from, struct weft_error *err) {
  char path[PATH_BYTES], text[(RUN_CRASHES_MAX + 1) * LINE_BYTES];
  struct run_state before;
  state_path(path, directory);
  run_state_read(directory, &before);
  int used = snprintf(text, LINE_BYTES, "started %llu %llu\n", (unsigned long long)run, (unsigned long long)from);
  bool keep = from != 0 && (before.run == from || before.from == from);
  uint32_t first = before.crash_count > RUN_CRASHES_MAX ? before.crash_count - RUN_CRASHES_MAX : 0;
  for (uint32_t i = first; keep && i < before.crash_count; i++)
    used += snprintf(text + used, LINE_BYTES, "crashed %llu %llu\n", (unsigned long long)from,
                     (unsigned long long)before.crashed[i % RUN_CRASHES_MAX]);
  return safe_file_replace(path, text, (size_t)used, NULL, err);
}

int run_state_end(const char *directory, uint64_t run, struct weft_error *err) {
  char path[PATH_BYTES], line[LINE_BYTES];
  state_path(path, directory);
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), rc = fd < 0 ? -errno : 0;
  int length = snprintf(line, sizeof line, "ended %llu\n", (unsigned long long)run);
  if (rc == 0 && write(fd, line, (size_t)length) != length) rc = -EIO;
  if (rc == 0 && fsync(fd) < 0) rc = -errno;
  if (fd >= 0) close(fd);
  return rc < 0 ? weft_fail(err, rc, "%s: the end of the run can't be noted: %s", path, strerror(-rc)) : 0;
}

/* What the handler needs, set before it is installed. */
static struct {
  int fd; /* -1: not watching */
  struct sigaction before[SIGNALS];
  void *stack;
  _Atomic uint64_t run, frame;
} watch = {.fd = -1};

/* Decimal digits of `value` at `out`: nothing of stdio may be called in a handler. How many. */
static size_t digits_put(char *out, uint64_t value) {
  char reversed[20];
  size_t count = 0;
  do {
    reversed[count++] = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  for (size_t i = 0; i < count; i++) out[i] = reversed[count - 1 - i];
  return count;
}

static void fault_note(int number) {
  uint64_t frame = atomic_load(&watch.frame);
  if (frame != 0) {
    char line[LINE_BYTES] = "crashed ";
    size_t length = 8;
    length += digits_put(line + length, atomic_load(&watch.run));
    line[length++] = ' ';
    length += digits_put(line + length, frame);
    line[length++] = '\n';
    atomic_store(&watch.frame, 0); /* once */
    if (write(watch.fd, line, length) < 0) _exit(128 + number);
  }
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

int run_state_watch(const char *directory, struct weft_error *err) {
  char path[PATH_BYTES];
  state_path(path, directory);
  watch.fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (watch.fd < 0) return weft_fail(err, -errno, "%s: can't be opened: %s; check folder and rights", path, strerror(errno));
  watch.stack = malloc(STACK_BYTES); /* the calling thread's own that overflowed can't hold the handler */
  stack_t stack = {.ss_sp = watch.stack, .ss_size = STACK_BYTES};
  if (watch.stack) sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_handler = fault_note, .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < SIGNALS; i++) sigaction(fatal[i], &action, &watch.before[i]);
  return 0;
}

void run_state_stepping(uint64_t run, uint64_t frame) {
  atomic_store_explicit(&watch.run, run, memory_order_relaxed);
  atomic_store_explicit(&watch.frame, frame, memory_order_relaxed);
}

void run_state_unwatch(void) {
  if (watch.fd < 0) return;
  for (int i = 0; i < SIGNALS; i++) sigaction(fatal[i], &watch.before[i], NULL);
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  free(watch.stack);
  watch.stack = NULL;
  run_state_stepping(0, 0);
  close(watch.fd);
  watch.fd = -1;
}

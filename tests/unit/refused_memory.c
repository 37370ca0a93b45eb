/* No memory: whichever of its requests is refused, a command says so, leaves nothing behind and is none the worse for it
 * the next time. */
// wraps: malloc calloc realloc aligned_alloc strdup realpath free mmap munmap arena_take arena_seal
#include "tests/unit/refusal_support.h"

#include <stdatomic.h>
#include <sys/mman.h>

#include "engine/base/arena.h"

enum { REQUESTS_MAX = 1000 };

/* What is refused: the n-th request for memory; or all of an arena from the n-th piece on, as one does that is used up. */
static int requests_left, pieces_left;
static bool refused;
static atomic_int held; /* pieces of memory now taken, by anyone */
static _Atomic size_t mapped_bytes;

static bool request_refused(void) {
  if (!refusal_on || requests_left <= 0 || --requests_left > 0) return false;
  return refused = true;
}

static void *counted(void *memory) {
  if (memory) held++;
  return memory;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__real_realpath(const char *path, char *resolved);
void __real_free(void *memory);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);
void *__real_arena_take(struct arena *arena, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_realpath(const char *path, char *resolved);
void __wrap_free(void *memory);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __wrap_munmap(void *at, size_t size);
void *__wrap_arena_take(struct arena *arena, size_t count, size_t size);
void __wrap_arena_seal(struct arena *arena);

void *__wrap_malloc(size_t size) { return request_refused() ? NULL : counted(__real_malloc(size)); }
void *__wrap_calloc(size_t count, size_t size) { return request_refused() ? NULL : counted(__real_calloc(count, size)); }
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return request_refused() ? NULL : counted(__real_aligned_alloc(alignment, size));
}
char *__wrap_strdup(const char *text) { return request_refused() ? NULL : counted(__real_strdup(text)); }
char *__wrap_realpath(const char *path, char *resolved) {
  return resolved ? __real_realpath(path, resolved) : request_refused() ? NULL : counted(__real_realpath(path, NULL));
}
void *__wrap_realloc(void *memory, size_t size) {
  if (request_refused()) return NULL;
  return memory ? __real_realloc(memory, size) : counted(__real_realloc(memory, size));
}
void __wrap_free(void *memory) {
  if (memory) held--;
  __real_free(memory);
}
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
  if (request_refused()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  void *map = __real_mmap(at, size, protection, flags, fd, offset);
  if (map != MAP_FAILED) mapped_bytes += size;
  return map;
}
int __wrap_munmap(void *at, size_t size) {
  mapped_bytes -= size;
  return __real_munmap(at, size);
}
void *__wrap_arena_take(struct arena *arena, size_t count, size_t size) {
  if (refusal_on && pieces_left > 0 && --pieces_left == 0) {
    refused = true;
    pieces_left = 1;
    return NULL;
  }
  return __real_arena_take(arena, count, size);
}
/* Without touching every page: that would be most of what these starts cost. */
void __wrap_arena_seal(struct arena *arena) { arena->sealed = true; }

/* One run with one refusal. False: there was nothing left to refuse. */
static bool run_refused(const struct command *command, uint64_t undisturbed, int request, int piece) {
  struct weft_error err = {{0}};
  int held_before = held, open_before = descriptors_open();
  size_t mapped_before = mapped_bytes;
  requests_left = request;
  pieces_left = piece;
  refused = false;
  int rc = command->run(&err);
  bool same = outputs_hash(command) == undisturbed && (command->outputs[0] || command_is_server(command));
  requests_left = pieces_left = 0;
  /* Some can do without: io_uring gives way to recvmmsg, the whole path of the configuration to the one given. */
  if (refused && rc >= 0 && !(piece == 0 && same))
    fail_msg("%s: refused request %d or piece %d is not noticed", command->name, request, piece);
  if (!refused && rc < 0) fail_msg("%s: %s", command->name, err.text);
  if (rc < 0 && !strstr(err.text, "memory") && !strstr(err.text, "no room"))
    fail_msg("%s: request %d or piece %d: '%s' (%d) does not say that it is memory", command->name, request, piece, err.text, rc);
  if (held != held_before || mapped_bytes != mapped_before || descriptors_open() != open_before)
    fail_msg("%s: request %d or piece %d: left %d pieces, %zd mapped bytes, %d descriptors: %s", command->name, request, piece, held - held_before,
             (ssize_t)(mapped_bytes - mapped_before), descriptors_open() - open_before, err.text);
  return refused;
}

static void every_refused_request_is_said_and_leaves_nothing(void **state) {
  (void)state;
  for (int c = 0; c < COMMANDS; c++) {
    struct weft_error err = {{0}};
    if (commands[c].run(&err) < 0) fail_msg("%s: %s", commands[c].name, err.text);
    uint64_t undisturbed = outputs_hash(&commands[c]);
    int request = 1;
    while (request < REQUESTS_MAX && run_refused(&commands[c], undisturbed, request, 0)) request++;
    print_message("%s: %d requests\n", commands[c].name, request - 1);
    assert_true(request < REQUESTS_MAX && (request > 1 || commands[c].run == key_run));
    if (outputs_hash(&commands[c]) != undisturbed) fail_msg("%s: not the same output after the refusals", commands[c].name);
  }
}

/* Arenas are as large as what they are opened for needs; one that is too small after all must not be written past. */
static void every_table_that_finds_no_room_is_said(void **state) {
  (void)state;
  for (int c = 0; c < COMMANDS; c++) {
    int (*run)(struct weft_error *err) = commands[c].run;
    if (run == fuse_journal_run || run == replay_run || run == replay_to_run || run == replay_resumed_run || run == server_plain_run ||
        run == server_again_run)
      continue; /* the tables of fuse and of run */
    int piece = 1;
    while (piece < REQUESTS_MAX && run_refused(&commands[c], 0, 0, piece)) piece++;
    print_message("%s: %d pieces of arenas\n", commands[c].name, piece - 1);
    assert_true(piece < REQUESTS_MAX);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_refused_request_is_said_and_leaves_nothing),
      cmocka_unit_test(every_table_that_finds_no_room_is_said),
  };
  return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}

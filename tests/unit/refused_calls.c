/* An operating system that refuses: whichever call a command makes fails, it says what went wrong, or does without and
 * puts out the same; calls that are interrupted or do half of what they were asked for change nothing at all. */
// wraps: open read write pread pwrite fopen fread fwrite fclose fflush fsync fdatasync rename unlink stat fstat mkdir opendir access
// wraps: fchmod flock socket bind listen connect setsockopt getsockopt getsockname getaddrinfo eventfd signalfd poll
// wraps: sendmmsg pthread_create sem_init io_uring_queue_init_params io_uring_register_buf_ring io_uring_get_probe_ring
// wraps: hwloc_topology_init hwloc_topology_load hwloc_bitmap_alloc sodium_init arena_seal
#include "tests/unit/refusal_support.h"

#include <fcntl.h>
#include <hwloc.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/signalfd.h>

#include "engine/base/arena.h"

struct io_uring;
struct io_uring_params;
struct io_uring_buf_reg;
struct io_uring_probe;

/* The calls, and what a caller gets where one fails: the value, errno beside it. */
#define CALLS(X) \
  X(open) X(read) X(write) X(pread) X(pwrite) X(fopen) X(fread) X(fwrite) X(fclose) X(fflush) X(fsync) X(fdatasync) X(rename) X(unlink) \
  X(stat) X(fstat) X(mkdir) X(opendir) X(access) X(fchmod) X(flock) X(socket) X(bind) X(listen) X(connect) X(setsockopt) X(getsockopt) \
  X(getsockname) X(getaddrinfo) X(eventfd) X(signalfd) X(poll) X(sendmmsg) X(pthread_create) X(sem_init) X(io_uring_queue_init_params) \
  X(io_uring_register_buf_ring) X(io_uring_get_probe_ring) X(hwloc_topology_init) X(hwloc_topology_load) X(hwloc_bitmap_alloc) X(sodium_init)
#define CALL_ENUM(name) CALL_##name,
enum call { CALLS(CALL_ENUM) CALL_COUNT };
#define CALL_NAME(name) #name,
static const char *const call_names[] = {CALLS(CALL_NAME)};

enum way { WAY_FAIL, WAY_INTERRUPT, WAY_HALF, WAY_TAKEN, WAYS };
static const char *const way_names[] = {"failed", "interrupted", "half done", "taken"};

static int made[CALL_COUNT]; /* calls so far in this run */
static enum call refused_call;
static enum way refused_way;
static int refused_turn; /* 0: none */
static bool refused;

static bool comes_now(enum call call) {
  if (!refusal_on) return false;
  made[call]++;
  if (call != refused_call || made[call] != refused_turn) return false;
  return refused = true;
}

/* Whether this call fails, with errno set. */
static bool fails(enum call call) {
  if (!comes_now(call)) return false;
  errno = refused_way == WAY_INTERRUPT ? EINTR : refused_way == WAY_TAKEN ? EADDRINUSE : EIO;
  return true;
}

/* An event or signal descriptor that fails would be a broken program; files are what disks fail under. */
int __real_fstat(int fd, struct stat *status);
static bool regular(int fd) {
  struct stat status;
  return __real_fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

#define WRAP(type, name, failed, parameters, arguments) \
  type __real_##name parameters;                        \
  type __wrap_##name parameters;                        \
  type __wrap_##name parameters { return fails(CALL_##name) ? (failed) : __real_##name arguments; }

/* Those that may do half. */
#define WRAP_DATA(name, parameters, arguments, half)                        \
  ssize_t __real_##name parameters;                                         \
  ssize_t __wrap_##name parameters;                                         \
  ssize_t __wrap_##name parameters {                                        \
    if (!regular(fd) || !comes_now(CALL_##name)) return __real_##name arguments; \
    if (refused_way == WAY_HALF && size > 1) return __real_##name half;     \
    errno = refused_way == WAY_INTERRUPT ? EINTR : EIO;                     \
    return refused_way == WAY_HALF ? __real_##name arguments : -1;          \
  }

WRAP_DATA(read, (int fd, void *data, size_t size), (fd, data, size), (fd, data, size / 2))
WRAP_DATA(write, (int fd, const void *data, size_t size), (fd, data, size), (fd, data, size / 2))
WRAP_DATA(pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), (fd, data, size / 2, at))
WRAP_DATA(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), (fd, data, size / 2, at))
WRAP(FILE *, fopen, NULL, (const char *path, const char *mode), (path, mode))
WRAP(size_t, fread, 0, (void *data, size_t size, size_t count, FILE *file), (data, size, count, file))
WRAP(size_t, fwrite, 0, (const void *data, size_t size, size_t count, FILE *file), (data, size, count, file))
WRAP(int, fflush, EOF, (FILE *file), (file))
WRAP(int, fsync, -1, (int fd), (fd))
WRAP(int, fdatasync, -1, (int fd), (fd))
WRAP(int, rename, -1, (const char *from, const char *to), (from, to))
WRAP(int, unlink, -1, (const char *path), (path))
WRAP(int, stat, -1, (const char *path, struct stat *status), (path, status))
WRAP(int, fstat, -1, (int fd, struct stat *status), (fd, status))
WRAP(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
WRAP(DIR *, opendir, NULL, (const char *path), (path))
WRAP(int, access, -1, (const char *path, int mode), (path, mode))
WRAP(int, fchmod, -1, (int fd, mode_t mode), (fd, mode))
WRAP(int, flock, -1, (int fd, int how), (fd, how))
WRAP(int, socket, -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
WRAP(int, listen, -1, (int fd, int backlog), (fd, backlog))
WRAP(int, connect, -1, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
WRAP(int, setsockopt, -1, (int fd, int level, int name, const void *value, socklen_t size), (fd, level, name, value, size))
WRAP(int, getsockopt, -1, (int fd, int level, int name, void *value, socklen_t *size), (fd, level, name, value, size))
WRAP(int, getsockname, -1, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
WRAP(int, getaddrinfo, EAI_SYSTEM, (const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found),
     (host, service, hints, found))
WRAP(int, eventfd, -1, (unsigned value, int flags), (value, flags))
WRAP(int, signalfd, -1, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(int, poll, -1, (struct pollfd *fds, nfds_t count, int timeout_ms), (fds, count, timeout_ms))
WRAP(int, sendmmsg, -1, (int fd, struct mmsghdr *headers, unsigned count, int flags), (fd, headers, count, flags))
WRAP(int, pthread_create, errno, (pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *context), (thread, how, run, context))
WRAP(int, sem_init, -1, (sem_t *semaphore, int shared, unsigned value), (semaphore, shared, value))
WRAP(int, io_uring_queue_init_params, -errno, (unsigned entries, struct io_uring *ring, struct io_uring_params *params), (entries, ring, params))
WRAP(int, io_uring_register_buf_ring, -errno, (struct io_uring *ring, struct io_uring_buf_reg *buffers, unsigned flags), (ring, buffers, flags))
WRAP(struct io_uring_probe *, io_uring_get_probe_ring, NULL, (struct io_uring *ring), (ring))
WRAP(int, hwloc_topology_init, -1, (hwloc_topology_t *topology), (topology))
WRAP(int, hwloc_topology_load, -1, (hwloc_topology_t topology), (topology))
WRAP(hwloc_bitmap_t, hwloc_bitmap_alloc, NULL, (void), ())
WRAP(int, sodium_init, -1, (void), ())

/* Whatever it says, the file is closed. */
int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
int __wrap_fclose(FILE *file) {
  bool bad = fails(CALL_fclose);
  int rc = __real_fclose(file);
  return bad ? EOF : rc;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
  va_end(arguments);
  return fails(CALL_open) ? -1 : __real_open(path, flags, mode);
}

/* Without touching every page: that would be most of what these starts cost. */
void __wrap_arena_seal(struct arena *arena);
void __wrap_arena_seal(struct arena *arena) { arena->sealed = true; }

/* Of calls that can be interrupted or do half, those that weft makes again or goes on with. Without its ready line a
 * server goes on as well. */
static bool way_fits(const struct command *command, enum call call, enum way way) {
  if (call == CALL_fwrite && command_is_server(command)) return false;
  bool data = call == CALL_read || call == CALL_write || call == CALL_pread || call == CALL_pwrite;
  if (way == WAY_TAKEN) return call == CALL_bind; /* where any port will do, another is tried */
  return way == WAY_FAIL || (way == WAY_INTERRUPT && (data || call == CALL_poll || call == CALL_sendmmsg)) || (way == WAY_HALF && data);
}

static bool run_refused(const struct command *command, uint64_t undisturbed, enum call call, enum way way, int turn) {
  struct weft_error err = {{0}};
  int open_before = descriptors_open();
  memset(made, 0, sizeof made);
  refused_call = call;
  refused_way = way;
  refused_turn = turn;
  refused = false;
  int rc = command->run(&err);
  refused_turn = 0;
  const char *wrong = NULL;
  if (rc < 0 && way != WAY_FAIL && way != WAY_TAKEN) wrong = "is not gone on with";
  if (rc < 0 && strlen(err.text) < 20) wrong = "says nothing";
  if (rc >= 0 && outputs_hash(command) != undisturbed) wrong = "changes the output without a word";
  if (descriptors_open() != open_before) wrong = "leaves descriptors open";
  if (wrong) print_error("%s: %s number %d %s: %s (%d: %s)\n", command->name, call_names[call], turn, way_names[way], wrong, rc, err.text);
  return !wrong;
}

static void every_call_that_fails_is_said_or_changes_nothing(void **state) {
  (void)state;
  int runs = 0, wrong = 0;
  for (int c = 0; c < COMMANDS; c++) {
    struct weft_error err = {{0}};
    memset(made, 0, sizeof made);
    if (commands[c].run(&err) < 0) fail_msg("%s: %s", commands[c].name, err.text);
    int in_all[CALL_COUNT];
    memcpy(in_all, made, sizeof made);
    uint64_t undisturbed = outputs_hash(&commands[c]);
    for (enum call call = 0; call < CALL_COUNT; call++)
      for (enum way way = 0; way < WAYS; way++)
        for (int turn = 1; turn <= in_all[call]; turn += turn < 3 || turn == in_all[call] ? 1 : in_all[call] - turn) {
          if (!way_fits(&commands[c], call, way)) continue;
          wrong += !run_refused(&commands[c], undisturbed, call, way, turn);
          runs++;
        }
  }
  print_message("%d runs\n", runs);
  assert_int_equal(wrong, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_that_fails_is_said_or_changes_nothing)};
  return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}

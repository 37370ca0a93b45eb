/* The calls by which the server reaches the machine, taken over at link time (--wrap). Those on simulated
 * descriptors are answered here, all others go through. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/world/world.h"

enum { FD_FIRST = 1 << 20, FILE_FIRST = 1 << 21, PORT_FIRST = 50000 };

/* Threads other than the server's I/O thread (the writer of replay marks) are not watched. */
static _Thread_local bool other_thread;

static struct world_fd *fd_of(int fd) {
  if (fd < FD_FIRST || fd >= FD_FIRST + WORLD_FDS_MAX) return NULL;
  return &world.fds[fd - FD_FIRST];
}

static bool starts(void) {
  return world.opening && world.inside == 0 && world.fail_in > 0;
}

static bool descriptor_fails(void) {
  if (other_thread || !starts() || !world.fail_descriptors || --world.fail_in > 0) return false;
  world_mark(MARK_DESCRIPTOR_REFUSED);
  return true;
}

static bool allocation_fails(void) {
  if (other_thread || world.inside > 0) return false;
  world.allocations++;
  if (!starts() || world.fail_descriptors || --world.fail_in > 0) return false;
  world_mark(MARK_ALLOCATION_FAILED);
  return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size) {
  return allocation_fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  return allocation_fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *memory, size_t size) {
  return allocation_fails() ? NULL : __real_realloc(memory, size);
}
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset) {
  if (allocation_fails()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return __real_mmap(at, size, protection, flags, fd, offset);
}

/* Sealing without touching every page: a run of seconds would cost more in pages than in steps. */
void __wrap_arena_seal(struct arena *arena);
void __wrap_arena_seal(struct arena *arena) {
  arena->sealed = true;
}

int __wrap_io_open(enum io_choice choice, const struct io_config *config, struct io **io,
                   struct weft_error *err);
int __wrap_io_open(enum io_choice choice, const struct io_config *config, struct io **io,
                   struct weft_error *err) {
  (void)choice;
  (void)config;
  (void)err;
  *io = &world.io;
  return 0;
}

/* Called once, when everything is settled and before anything is closed. */
int __real_engine_ledger_print(const struct ledger *ledger, const struct site *site, FILE *out);
int __wrap_engine_ledger_print(const struct ledger *ledger, const struct site *site, FILE *out);
int __wrap_engine_ledger_print(const struct ledger *ledger, const struct site *site, FILE *out) {
  world.inside++;
  books_check(ledger);
  world.server = NULL;
  world.inside--;
  return __real_engine_ledger_print(ledger, site, out);
}

/* The engine thread does not run: worker_turn steps in its place. Any other thread is real. */
struct thread_start {
  void *(*run)(void *context);
  void *context;
};
static void *other_run(void *context) {
  struct thread_start start = *(struct thread_start *)context;
  free(context);
  other_thread = true;
  return start.run(start.context);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_join(pthread_t thread, void **result);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context) {
  if (descriptor_fails()) return EAGAIN;
  struct server *server = context;
  /* The server's own thread is the one whose place the server keeps. */
  if (thread == &server->thread) {
    *thread = pthread_self();
    world.server = server;
    return 0;
  }
  struct thread_start *start = __real_malloc(sizeof *start);
  *start = (struct thread_start){run, context};
  int rc = __real_pthread_create(thread, attributes, other_run, start);
  if (rc) free(start);
  return rc;
}

int __wrap_pthread_join(pthread_t thread, void **result) {
  return pthread_equal(thread, pthread_self()) ? 0 : __real_pthread_join(thread, result);
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  (void)how;
  (void)set;
  (void)old;
  return 0;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
  if (!world.sim) return __real_clock_gettime(clock, now);
  int64_t ns = clock == CLOCK_REALTIME ? world_clock_ns() : world_now_ns();
  if (clock == CLOCK_MONOTONIC && world.step_began_ns && !world.inside && !world.step_due_ns) { /* a step reads when it begins */
    ns = world.step_began_ns;
    world.step_began_ns = 0;
  }
  *now = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
  return 0;
}

static int fd_make(enum fd_kind kind) {
  if (descriptor_fails()) {
    errno = EMFILE;
    return -1;
  }
  world.inside++;
  int fd = io_sim_fd_open(world.sim);
  world.inside--;
  weft_assert(fd_of(fd));
  *fd_of(fd) = (struct world_fd){.kind = kind, .pending = -1};
  return fd;
}

int __wrap_eventfd(unsigned value, int flags);
int __wrap_signalfd(int fd, const sigset_t *mask, int flags);
int __wrap_socket(int family, int type, int protocol);
int __wrap_eventfd(unsigned value, int flags) {
  (void)value;
  (void)flags;
  return fd_make(FD_PLAIN);
}
int __wrap_signalfd(int fd, const sigset_t *mask, int flags) {
  (void)fd;
  (void)mask;
  (void)flags;
  return fd_make(FD_PLAIN);
}
int __wrap_socket(int family, int type, int protocol) {
  (void)family;
  (void)type;
  (void)protocol;
  return fd_make(FD_LISTENER);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_listen(int fd, int backlog);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t size) {
  (void)address;
  (void)size;
  return fd_of(fd) ? 0 : -1;
}
int __wrap_listen(int fd, int backlog) {
  (void)backlog;
  if (world.listener_count < 3) world.listeners[world.listener_count++] = fd;
  return 0;
}
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
  (void)level;
  (void)name;
  (void)value;
  (void)size;
  return fd_of(fd) ? 0 : -1;
}
int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *size) {
  struct sockaddr_in bound = {.sin_family = AF_INET,
                              .sin_port = htons((uint16_t)(PORT_FIRST + fd - FD_FIRST))};
  memcpy(address, &bound, sizeof bound);
  *size = sizeof bound;
  return 0;
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
  (void)address;
  (void)size;
  (void)flags;
  struct world_fd *listener = fd_of(fd);
  if (!listener || listener->pending < 0) {
    errno = EAGAIN;
    return -1;
  }
  int taken = listener->pending;
  listener->pending = -1;
  io_sim_fd_ready(world.sim, fd, 0);
  fd_of(taken)->pair->accepted = true;
  return taken;
}

static struct stream_pair *pair_of(int fd) {
  struct world_fd *at = fd_of(fd);
  return at && at->kind == FD_STREAM ? at->pair : NULL;
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags) {
  (void)flags;
  struct stream_pair *pair = pair_of(fd);
  if (!pair || pair->client_closed) {
    errno = EPIPE;
    return -1;
  }
  size_t room = pair->room - pair->out_size;
  if (room == 0) {
    errno = EAGAIN;
    return -1;
  }
  if (size > room) size = room;
  memcpy(pair->out + pair->out_size, data, size);
  pair->out_size += (uint32_t)size;
  pair_levels(pair);
  return (ssize_t)size;
}
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags) {
  (void)flags;
  struct stream_pair *pair = pair_of(fd);
  if (!pair) {
    errno = EBADF;
    return -1;
  }
  if (pair->in_size == 0) {
    if (pair->client_closed) return 0;
    errno = EAGAIN;
    return -1;
  }
  if (size > pair->in_size) size = pair->in_size;
  memcpy(data, pair->in, size);
  memmove(pair->in, pair->in + size, pair->in_size - size);
  pair->in_size -= (uint32_t)size;
  pair_levels(pair);
  return (ssize_t)size;
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms) {
  struct stream_pair *pair = count == 1 ? pair_of(fds->fd) : NULL;
  if (!pair) return __real_poll(fds, count, timeout_ms);
  fds->revents = pair->client_closed ? POLLHUP : 0;
  return fds->revents != 0;
}

int __wrap_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how) {
  struct stream_pair *pair = pair_of(fd);
  if (pair) pair->server_closed = true;
  (void)how;
  return 0;
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  if (fd >= FILE_FIRST) return 0;
  struct world_fd *at = fd_of(fd);
  if (!at) return __real_close(fd);
  weft_assert(at->kind != FD_FREE && at->kind != FD_CLOSED); /* closed twice */
  if (at->kind == FD_STREAM) at->pair->used = false;
  at->kind = FD_CLOSED;
  io_sim_fd_ready(world.sim, fd, 0);
  return 0;
}

ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size) {
  struct world_fd *at = fd_of(fd);
  if (!at) return __real_read(fd, data, size);
  if (!at->raised) {
    errno = EAGAIN;
    return -1;
  }
  at->raised = false;
  io_sim_fd_ready(world.sim, fd, 0);
  memset(data, 0, size);
  return (ssize_t)size;
}
ssize_t __wrap_write(int fd, const void *data, size_t size) {
  struct world_fd *at = fd_of(fd);
  if (!at) return __real_write(fd, data, size);
  at->raised = true;
  io_sim_fd_ready(world.sim, fd, IO_READABLE);
  return (ssize_t)size;
}

/* A segment that is removed is one of the simulated disk. */
int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path) {
  const char *name = other_thread ? NULL : strrchr(path, '/'); /* the world belongs to one thread */
  for (uint32_t f = 0; name && world.inside == 0 && f < world.file_count; f++) {
    if (strcmp(name + 1, world.names[f]) != 0) continue;
    world.removed[f] = true;
    return 0;
  }
  return __real_unlink(path);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
  va_end(arguments);
  size_t length = strlen(path);
  const char *name = strrchr(path, '/');
  if (other_thread || length < 3 || strcmp(path + length - 3, ".wj") != 0 || !(flags & O_CREAT) || !name)
    return __real_open(path, flags, mode);
  world.inside++;
  int fd = chance(world.p_open) || descriptor_fails() ? -EIO : io_sim_file_open(world.sim);
  world.inside--;
  if (fd < 0 || strlen(name + 1) >= sizeof world.names[0]) {
    world_mark(MARK_SEGMENT_REFUSED);
    errno = -fd;
    return -1;
  }
  strcpy(world.names[world.file_count], name + 1);
  world.files[world.file_count++] = fd;
  return fd;
}

/* Sockets and back ends over a kernel that refuses: what cannot work is refused with its reason, what passes is waited for,
 * and a bound that is met is said. The calls are taken over when the test is linked. */
// stage: weft_platform weft_base
// wraps: recvmmsg ppoll pwrite fdatasync socket setsockopt getsockopt getsockname io_uring_queue_init_params io_uring_register
// wraps: io_uring_get_probe_ring io_uring_register_buf_ring io_uring_submit io_uring_submit_and_get_events io_uring_submit_and_wait_timeout
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/log.h"
#include "engine/platform/io.h"
#include "engine/platform/io_send.h"
#include "engine/platform/io_socket.h"

struct io_uring;
struct io_uring_params;
struct io_uring_buf_reg;
struct io_uring_probe;
struct io_uring_cqe;
struct __kernel_timespec;

enum refusal {
  REFUSE_NOTHING, REFUSE_RECVMMSG, REFUSE_PPOLL, REFUSE_PWRITE, REFUSE_FDATASYNC, REFUSE_SOCKET, REFUSE_FORCE, REFUSE_JOIN,
  REFUSE_GETSOCKOPT, REFUSE_GETSOCKNAME, REFUSE_QUEUE_INIT, REFUSE_ENABLE, REFUSE_PROBE, REFUSE_BUFFERS, REFUSE_SUBMIT, REFUSE_TURN, REFUSE_WAIT
};

/* The next `times` calls of one kind fail with `error`; 0: they do nothing and say so. */
static enum refusal refused;
static int error, times;

static bool refuse(enum refusal which) {
  if (refused != which || times <= 0) return false;
  times--;
  errno = error;
  return true;
}

static void refuse_next(enum refusal which, int code, int count) {
  refused = which;
  error = code;
  times = count;
}

#define WRAP(type, name, which, failed, parameters, arguments) \
  type __real_##name parameters;                               \
  type __wrap_##name parameters;                               \
  type __wrap_##name parameters { return refuse(which) ? (failed) : __real_##name arguments; }

WRAP(int, recvmmsg, REFUSE_RECVMMSG, -1, (int fd, struct mmsghdr *headers, unsigned count, int flags, struct timespec *timeout),
     (fd, headers, count, flags, timeout))
WRAP(int, ppoll, REFUSE_PPOLL, -1, (struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask),
     (fds, count, timeout, mask))
WRAP(ssize_t, pwrite, REFUSE_PWRITE, error ? -1 : 0, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRAP(int, fdatasync, REFUSE_FDATASYNC, -1, (int fd), (fd))
WRAP(int, socket, REFUSE_SOCKET, -1, (int family, int type, int protocol), (family, type, protocol))
WRAP(int, getsockopt, REFUSE_GETSOCKOPT, -1, (int fd, int level, int name, void *value, socklen_t *size), (fd, level, name, value, size))
WRAP(int, getsockname, REFUSE_GETSOCKNAME, -1, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
WRAP(int, io_uring_queue_init_params, REFUSE_QUEUE_INIT, -error, (unsigned entries, struct io_uring *ring, struct io_uring_params *params),
     (entries, ring, params))
WRAP(int, io_uring_register, REFUSE_ENABLE, -error, (unsigned fd, unsigned code, const void *what, unsigned count), (fd, code, what, count))
WRAP(struct io_uring_probe *, io_uring_get_probe_ring, REFUSE_PROBE, NULL, (struct io_uring *ring), (ring))
WRAP(int, io_uring_register_buf_ring, REFUSE_BUFFERS, -error, (struct io_uring *ring, struct io_uring_buf_reg *buffers, unsigned flags),
     (ring, buffers, flags))
WRAP(int, io_uring_submit, REFUSE_SUBMIT, -error, (struct io_uring *ring), (ring))
WRAP(int, io_uring_submit_and_get_events, REFUSE_TURN, -error, (struct io_uring *ring), (ring))
WRAP(int, io_uring_submit_and_wait_timeout, REFUSE_WAIT, -error,
     (struct io_uring *ring, struct io_uring_cqe **cqe, unsigned count, struct __kernel_timespec *timeout, sigset_t *mask),
     (ring, cqe, count, timeout, mask))

/* The group that is joined need not exist here: error 0 is a kernel that lets everyone in. */
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
  bool join = (level == IPPROTO_IP && name == IP_ADD_MEMBERSHIP) || (level == IPPROTO_IPV6 && name == IPV6_ADD_MEMBERSHIP);
  if (join && refuse(REFUSE_JOIN)) return error ? -1 : 0;
  if (level == SOL_SOCKET && name == SO_RCVBUFFORCE && refuse(REFUSE_FORCE)) return -1;
  return __real_setsockopt(fd, level, name, value, size);
}

static const enum io_choice choices[] = {IO_URING, IO_PLAIN};
static size_t choice_first; /* 1 where this machine forbids io_uring */
static struct io_batch batch;
static struct weft_error err;

static struct io *io_make(enum io_choice choice) {
  struct io *io = NULL;
  if (io_open(choice, &(struct io_config){.buffer_count = 64}, &io, &err) != 0) fail_msg("back end %d: %s", choice, err.text);
  return io;
}

static void a_ring_that_is_refused_says_why_and_is_done_without(void **state) {
  (void)state;
  static const struct {
    enum refusal which;
    int code, comes_back;
    const char *says;
  } cases[] = {{REFUSE_QUEUE_INIT, ENOSYS, -ENOSYS, "built without it"},
               {REFUSE_QUEUE_INIT, EPERM, -EPERM, "kernel.io_uring_disabled"},
               {REFUSE_QUEUE_INIT, EINVAL, -EINVAL, "older than 6.1"},
               {REFUSE_QUEUE_INIT, ENOMEM, -ENOMEM, "ulimit -l"},
               {REFUSE_QUEUE_INIT, EMFILE, -EMFILE, "Too many open files"},
               {REFUSE_PROBE, ENOSYS, -EOPNOTSUPP, "cannot list its operations"},
               {REFUSE_BUFFERS, EINVAL, -EINVAL, "cannot register 128 receive buffers"}};
  for (size_t i = choice_first ? 99 : 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct io *io = NULL;
    refuse_next(cases[i].which, cases[i].code, 1);
    assert_int_equal(io_open(IO_URING, NULL, &io, &err), cases[i].comes_back);
    if (!strstr(err.text, cases[i].says)) fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
    refuse_next(cases[i].which, cases[i].code, 1);
    assert_int_equal(io_open(IO_AUTO, NULL, &io, &err), 0);
    assert_string_equal(io_name(io), "plain");
    io_close(io);
  }
}

/* Interruptions and a kernel that is short of memory end or pass the wait; what is broken comes back. */
static void a_wait_that_fails_is_told_from_one_that_passes(void **state) {
  (void)state;
  static const enum refusal waits[] = {REFUSE_WAIT, REFUSE_PPOLL};
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    assert_int_equal(io_receive(io, &batch, 1000), 0);
    refuse_next(waits[c], EINTR, 1);
    assert_int_equal(io_receive(io, &batch, INT64_C(3600000000000)), 0);
    refuse_next(waits[c], EBADF, 1);
    assert_int_equal(io_receive(io, &batch, 1000), -EBADF);
    if (choices[c] == IO_URING) {
      for (int i = 0; i < 2; i++) {
        refuse_next(REFUSE_WAIT, i ? EBUSY : EAGAIN, 1);
        assert_int_equal(io_receive(io, &batch, 1000000), 0);
        assert_int_equal(times, 0);
      }
      assert_int_equal(io_watch(io, STDERR_FILENO, 5, 0), 0); /* with nothing to tell the kernel there is no call */
      refuse_next(REFUSE_TURN, EBADF, 1);
      assert_int_equal(io_receive(io, &batch, 0), -EBADF);
    }
    io_close(io);
  }
  if (choice_first) return;
  struct io *io = io_make(IO_URING);
  refuse_next(REFUSE_ENABLE, EBADF, 1);
  assert_int_equal(io_receive(io, &batch, 0), -EBADF);
  assert_int_equal(io_receive(io, &batch, 0), 0);
  io_close(io);
}

static void a_wait_may_be_longer_than_the_kernel_takes(void **state) {
  (void)state;
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_int_equal(io_watch(io, fd, 5, IO_READABLE), 0);
    assert_int_equal(io_receive(io, &batch, INT64_C(1000000000) * 86400 * 365), 1);
    assert_int_equal(batch.events[0].token, 5);
    io_close(io);
    close(fd);
  }
}

static void sockets_and_watches_are_bounded(void **state) {
  (void)state;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_max < 2 * IO_WATCH_MAX) skip();
  static int fds[IO_WATCH_MAX + 1];
  int first = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  for (int i = 0; i <= IO_WATCH_MAX; i++) assert_true((fds[i] = dup(first)) >= 0);
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    for (uint32_t s = 0; s < IO_SOCKET_MAX; s++) assert_true(io_udp_open(io, "127.0.0.1", 0, s, &err) > 0);
    assert_int_equal(io_udp_open(io, "127.0.0.1", 0, IO_SOCKET_MAX, &err), -ENOSPC);
    assert_non_null(strstr(err.text, "more than 64 UDP sockets"));
    for (uint32_t i = 0; i < IO_WATCH_MAX; i++) assert_int_equal(io_watch(io, fds[i], i, IO_READABLE), 0);
    assert_int_equal(io_watch(io, fds[IO_WATCH_MAX], 0, IO_READABLE), -ENOSPC);
    assert_int_equal(io_unwatch(io, fds[7]), 0);
    assert_int_equal(io_unwatch(io, fds[7]), -ENOENT);
    assert_int_equal(io_unwatch(io, -1), -ENOENT);
    assert_int_equal(io_watch(io, -1, 0, IO_READABLE), -EBADF);
    assert_int_equal(io_watch(io, fds[IO_WATCH_MAX], 4711, IO_READABLE), 0);
    assert_int_equal(io_receive(io, &batch, 0), 0);
    io_close(io);
  }
  for (int i = 0; i <= IO_WATCH_MAX; i++) close(fds[i]);
  close(first);
}

/* More happens than a batch holds, and a kernel that takes no submission for a while: everything comes in the end, once. */
static void what_does_not_fit_comes_later(void **state) {
  (void)state;
  enum { READY = IO_EVENT_MAX - 10, SYNCS = 60 };
  static int fds[READY];
  FILE *file = tmpfile();
  assert_non_null(file);
  for (int i = 0; i < READY; i++) assert_true((fds[i] = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)) >= 0);
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    bool ready[READY] = {false}, synced[SYNCS] = {false};
    int left = READY + SYNCS;
    for (int i = 0; i < READY; i++) assert_int_equal(io_watch(io, fds[i], (uint64_t)i, IO_READABLE), 0);
    for (int i = 0; i < SYNCS; i++) assert_int_equal(io_sync(io, fileno(file), (uint64_t)i), 0);
    refuse_next(REFUSE_SUBMIT, EBUSY, 3);
    for (int turn = 0; left > 0 && turn < 1000; turn++) {
      assert_true(io_receive(io, &batch, 100000000) >= 0);
      for (uint32_t e = 0; e < batch.event_count; e++) {
        const struct io_event *event = &batch.events[e];
        bool *seen = event->kind == IO_EVENT_SYNC ? &synced[event->token] : &ready[event->token];
        if (event->kind == IO_EVENT_SYNC) assert_false(*seen); /* a watch may tell again */
        left -= !*seen;
        *seen = true;
      }
      io_release(io, &batch);
    }
    assert_int_equal(left, 0);
    io_close(io);
  }
  for (int i = 0; i < READY; i++) close(fds[i]);
  fclose(file);
}

/* A coalesced message that has more datagrams than the batch has room for waits whole. */
static void coalesced_messages_are_never_cut_by_the_end_of_a_batch(void **state) {
  (void)state;
  enum { COUNT = IO_DATAGRAM_MAX + 400, SIZE = 24, RUN = 63 }; /* 1,024 is no multiple of 63 */
  for (size_t c = choice_first; c < 2; c++) {
    struct io *io = io_make(choices[c]);
    struct io_sender *sender = NULL;
    int port = io_udp_open(io, "127.0.0.1", 0, 1, &err), next = 0;
    assert_int_equal(io_sender_open("127.0.0.1", (uint16_t)port, true, &sender, &err), 0);
    for (int i = 0; i < COUNT; i++) {
      char text[SIZE + 1];
      snprintf(text, sizeof text, "%024d", i);
      assert_int_equal(io_sender_put(sender, text, SIZE), 0);
      if (i % RUN == RUN - 1) assert_int_equal(io_sender_flush(sender), 0);
    }
    assert_int_equal(io_sender_flush(sender), 0);
    for (int turn = 0; next < COUNT && turn < 100; turn++) {
      assert_true(io_receive(io, &batch, 1000000000) > 0);
      for (uint32_t d = 0; d < batch.datagram_count; d++, next++) {
        char text[SIZE + 1] = {0};
        assert_int_equal(batch.datagrams[d].size, SIZE);
        memcpy(text, batch.datagrams[d].data, SIZE);
        assert_int_equal(atoi(text), next);
      }
      io_release(io, &batch);
    }
    assert_int_equal(next, COUNT);
    io_sender_close(sender);
    io_close(io);
  }
}

static int sync_result(struct io *io, uint64_t token) {
  assert_int_equal(io_receive(io, &batch, 1000000000), 1);
  assert_int_equal(batch.events[0].token, token);
  int result = batch.events[0].result;
  io_release(io, &batch);
  return result;
}

static void recvmmsg_and_pwrite_report_what_they_are_told(void **state) {
  (void)state;
  struct io *io = io_make(IO_PLAIN);
  struct io_sender *sender = NULL;
  int port = io_udp_open(io, "127.0.0.1", 0, 9, &err);
  assert_int_equal(io_sender_open("127.0.0.1", (uint16_t)port, false, &sender, &err), 0);
  assert_int_equal(io_sender_put(sender, "abc", 3), 0);
  assert_int_equal(io_sender_flush(sender), 0);
  refuse_next(REFUSE_RECVMMSG, ENOBUFS, 1);
  assert_int_equal(io_receive(io, &batch, 1000000000), 1);
  assert_true(batch.events[0].kind == IO_EVENT_SOCKET && batch.events[0].token == 9 && batch.events[0].result == -ENOBUFS);
  static const int passing[] = {EINTR, EAGAIN};
  for (int i = 0; i < 2; i++) {
    refuse_next(REFUSE_RECVMMSG, passing[i], 1);
    assert_int_equal(io_receive(io, &batch, 1000000000), 0);
  }
  assert_int_equal(io_receive(io, &batch, 1000000000), 1);
  assert_int_equal(batch.datagram_count, 1);
  io_release(io, &batch);
  FILE *file = tmpfile();
  char back[4] = {0};
  refuse_next(REFUSE_PWRITE, EINTR, 2);
  assert_int_equal(io_append(io, fileno(file), "abc", 3, 0, 1), 0);
  assert_int_equal(sync_result(io, 1), 0);
  assert_int_equal(pread(fileno(file), back, 4, 0), 3);
  assert_string_equal(back, "abc");
  refuse_next(REFUSE_PWRITE, ENOSPC, 1);
  assert_int_equal(io_append(io, fileno(file), "abc", 3, 0, 2), 0);
  assert_int_equal(sync_result(io, 2), -ENOSPC);
  refuse_next(REFUSE_PWRITE, 0, 1);
  assert_int_equal(io_append(io, fileno(file), "abc", 3, 0, 3), 0);
  assert_int_equal(sync_result(io, 3), -EIO);
  refuse_next(REFUSE_FDATASYNC, EIO, 1);
  assert_int_equal(io_sync(io, fileno(file), 4), 0);
  assert_int_equal(sync_result(io, 4), -EIO);
  fclose(file);
  io_sender_close(sender);
  io_close(io);
}

static void a_socket_that_cannot_be_set_up_says_why(void **state) {
  (void)state;
  struct io_config config;
  struct io_socket made;
  assert_int_equal(io_config_settle(NULL, &config, &err), 0);
  refuse_next(REFUSE_SOCKET, EMFILE, 1);
  assert_int_equal(io_socket_open(&made, "127.0.0.1", 0, 1, &config, &err), -EMFILE);
  assert_non_null(strstr(err.text, "no UDP socket for 127.0.0.1"));
  refuse_next(REFUSE_GETSOCKNAME, ENOBUFS, 1);
  assert_int_equal(io_socket_open(&made, "127.0.0.1", 0, 1, &config, &err), -ENOBUFS);
  assert_non_null(strstr(err.text, "cannot read the bound port of 127.0.0.1"));
  static const char *const groups[] = {"239.255.1.2", "ff01::1%lo"};
  for (int g = 0; g < 2; g++) {
    refuse_next(REFUSE_JOIN, ENODEV, 1);
    int rc = io_socket_open(&made, groups[g], 0, 1, &config, &err);
    if (g == 1 && times == 1) break; /* no IPv6 here */
    assert_int_equal(rc, -ENODEV);
    assert_non_null(strstr(err.text, "cannot join the multicast group"));
    refuse_next(REFUSE_JOIN, 0, 1);
    assert_true(io_socket_open(&made, groups[g], 0, 1, &config, &err) > 0);
    close(made.fd);
  }
  if (io_socket_open(&made, "::1", 0, 1, &config, &err) > 0) close(made.fd);
  else assert_non_null(strstr(err.text, "::1"));
}

/* A kernel queue that is smaller than asked for, or of unknown size, still receives. */
static void what_is_only_comfort_may_be_refused(void **state) {
  (void)state;
  struct io_config config;
  struct io_socket made;
  log_level_set(0);
  assert_int_equal(io_config_settle(&(struct io_config){.rcvbuf_bytes = 1u << 30}, &config, &err), 0);
  refuse_next(REFUSE_FORCE, EPERM, 1);
  assert_true(io_socket_open(&made, "127.0.0.1", 0, 1, &config, &err) > 0);
  assert_int_equal(io_socket_drops(&made), 0);
  refuse_next(REFUSE_GETSOCKOPT, ENOPROTOOPT, 1);
  assert_int_equal(io_socket_drops(&made), 0);
  close(made.fd);
  refuse_next(REFUSE_GETSOCKOPT, ENOPROTOOPT, 1);
  assert_true(io_socket_open(&made, "127.0.0.1", 0, 1, &config, &err) > 0);
  close(made.fd);
}

/* One control message behind the others. */
static void control_put(struct msghdr *header, int level, int type, const void *data, size_t size) {
  struct cmsghdr *c = (struct cmsghdr *)(void *)((char *)header->msg_control + header->msg_controllen);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(c), data, size);
  header->msg_controllen += CMSG_SPACE(size);
}

static void control_messages_are_told_apart(void **state) {
  (void)state;
  _Alignas(struct cmsghdr) char room[256] = {0};
  struct msghdr header = {.msg_control = room};
  struct timespec at = {.tv_sec = 5, .tv_nsec = 7};
  uint32_t other = 3;
  int segment = -1;
  control_put(&header, SOL_SOCKET, SCM_CREDENTIALS, &other, sizeof other);
  control_put(&header, IPPROTO_UDP, UDP_CORK, &segment, sizeof segment);
  control_put(&header, IPPROTO_TCP, UDP_GRO, &segment, sizeof segment);
  struct io_control control = io_control_read(&header);
  assert_true(control.arrival_ns == 0 && control.segment_bytes == 0);
  control_put(&header, SOL_SOCKET, SCM_TIMESTAMPNS, &at, sizeof at);
  control_put(&header, IPPROTO_UDP, UDP_GRO, &segment, sizeof segment);
  control = io_control_read(&header);
  assert_true(control.arrival_ns == 5000000007 && control.segment_bytes == 0);
  struct io_socket socket = {.fd = -1, .drops_low = 5, .drops = 8};
  assert_int_equal(io_socket_drops(&socket), 8); /* nobody can be asked */
  assert_int_equal(io_message_segments(100, 100), 1);
  assert_int_equal(io_message_segments(101, 100), 2);
  assert_int_equal(io_message_segments(65535, 1), IO_DATAGRAM_MAX);
}

int main(void) {
  struct io *io = NULL;
  if (io_open(IO_URING, NULL, &io, &err) != 0) choice_first = 1;
  else io_close(io);
  log_level_set(0);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_ring_that_is_refused_says_why_and_is_done_without),
      cmocka_unit_test(a_wait_that_fails_is_told_from_one_that_passes),
      cmocka_unit_test(a_wait_may_be_longer_than_the_kernel_takes),
      cmocka_unit_test(sockets_and_watches_are_bounded),
      cmocka_unit_test(what_does_not_fit_comes_later),
      cmocka_unit_test(coalesced_messages_are_never_cut_by_the_end_of_a_batch),
      cmocka_unit_test(recvmmsg_and_pwrite_report_what_they_are_told),
      cmocka_unit_test(a_socket_that_cannot_be_set_up_says_why),
      cmocka_unit_test(what_is_only_comfort_may_be_refused),
      cmocka_unit_test(control_messages_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

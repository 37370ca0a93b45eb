/* The io_uring back end, and the only file that includes liburing.h. Kernel 6.1 or newer.
 *
 * One ring, SINGLE_ISSUER | DEFER_TASKRUN: completions are made by the I/O thread itself while it is inside io_receive,
 * so the kernel never interrupts it. The ring starts disabled (R_DISABLED) and is enabled by the first io_receive, which
 * makes the calling thread the single issuer; before that, sockets and watches are only noted.
 *
 * Every UDP socket has one multishot recvmsg that takes buffers from one registered buffer ring. It ends by itself when
 * no buffer is left (-ENOBUFS), on an empty datagram, and whenever the kernel sees fit; each completion without F_MORE
 * makes the next io_receive arm it again, once there is a buffer to fill. What it completes while io_events is asked waits in a list.
 *
 * Watches are one-shot polls, armed anew by the io_receive after the one that reported them: that gives the level
 * triggering of poll(), which a multishot poll does not. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/platform/io_socket.h"

enum {
  URING_SQ_ENTRIES = 256,
  URING_GROUP = 1,                /* id of the buffer group */
  URING_OFFERED_MIN = 8,          /* buffers that the kernel has at least, a power of two as their number is */
  URING_CALM = 64,                /* batches after which it has fewer */
  URING_CLOSE_WAIT_MAX = 3000,    /* waits of 10 ms for appends in flight at close */
  URING_TIMEOUT_S_MAX = 3600,     /* a longer wait ends early */
  URING_OVERFLOW_FLUSH_MAX = 64   /* rounds of draining an overflowed completion queue in one io_receive */
};
_Static_assert(sizeof(struct io_uring_recvmsg_out) + IO_CONTROL_BYTES == IO_BUFFER_GAP_BYTES,
               "the kernel's header and control messages fill the gap exactly");

/* What a completion belongs to: the top byte of its user_data. */
enum uring_kind { KIND_NONE, KIND_RECEIVE, KIND_WATCH, KIND_OPERATION };

struct uring_watch {
  uint64_t tag;
  int fd; /* -1: slot unused */
  uint32_t generation;
  unsigned interest;
  bool armed; /* a poll is with the kernel */
  bool due;   /* stands in the list of polls to arm */
};

/* An append or a sync from its call to its event. */
struct uring_operation {
  const uint8_t *data; /* what is left to write */
  size_t left;
  int64_t offset;
  uint64_t token;
  int fd;
  enum io_event_kind kind;
};

/* A completion of a socket's multishot. */
struct uring_received {
  int32_t result;
  uint32_t flags;
  uint32_t socket;
};

/* Those that wait have a buffer each, or are the end of a multishot that is armed by io_receive alone. */
enum { URING_LATE_MAX = IO_BUFFER_MAX + IO_SOCKET_MAX };

struct uring {
  struct io io;
  struct io_config config;
  struct io_uring ring;
  bool enabled;
  struct io_uring_buf_ring *buffers; /* the kernel's ring of free buffers */
  size_t buffers_bytes;
  uint8_t *memory; /* buffer_count buffers of `stride` bytes */
  size_t memory_bytes;
  size_t stride;
  uint32_t held; /* buffers in batches that were not released yet */
  uint16_t spare[IO_BUFFER_MAX]; /* a stack: free buffers that the kernel's ring does not have, the newest used on top */
  uint32_t spare_count;
  uint32_t offered; /* buffers that the kernel's ring is kept at */
  bool starved;     /* it had none left */
  uint32_t calm;    /* batches in a row that used few of them */
  struct msghdr header; /* layout of every received message */
  struct io_socket sockets[IO_SOCKET_MAX];
  bool socket_armed[IO_SOCKET_MAX];
  uint32_t socket_count;
  struct uring_received late[URING_LATE_MAX]; /* completed while events alone were asked for */
  uint32_t late_first, late_count;            /* index of the first, and past the last */
  struct uring_watch watches[IO_WATCH_MAX];
  uint32_t watch_high; /* slots ever used */
  uint32_t watch_due[IO_WATCH_MAX];
  uint32_t watch_due_count;
  struct uring_operation operations[IO_OPERATION_MAX];
  uint32_t operation_free[IO_OPERATION_MAX];
  uint32_t operation_free_count;
  uint32_t operation_due[IO_OPERATION_MAX]; /* to be handed to the kernel, in order */
  uint32_t operation_due_count;
};

static struct uring *uring_of(struct io *io) { return (struct uring *)(void *)io; }

static uint64_t user_data(enum uring_kind kind, uint32_t generation, uint32_t index) {
  return (uint64_t)kind << 56 | (uint64_t)(generation & 0xffffff) << 32 | index;
}

/* A free submission entry; makes room by submitting. NULL when the kernel takes nothing at the moment. */
static struct io_uring_sqe *sqe_take(struct uring *u) {
  struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
  if (!sqe && io_uring_submit(&u->ring) > 0) sqe = io_uring_get_sqe(&u->ring);
  return sqe;
}

static int uring_udp_open(struct io *io, const char *host, uint16_t port, uint32_t tag, struct weft_error *err) {
  struct uring *u = uring_of(io);
  if (u->socket_count == IO_SOCKET_MAX) return weft_fail(err, -ENOSPC, "io: more than %d UDP sockets", IO_SOCKET_MAX);
  for (uint32_t s = 0; s < u->socket_count; s++)
    if (u->sockets[s].tag == tag) return weft_fail(err, -EEXIST, "io: a UDP socket with tag %u exists", tag);
  int bound = io_socket_open(&u->sockets[u->socket_count], host, port, tag, &u->config, err);
  if (bound >= 0) u->socket_count++;
  return bound;
}

static struct uring_watch *watch_find(struct uring *u, int fd) {
  for (uint32_t w = 0; w < u->watch_high; w++)
    if (u->watches[w].fd == fd) return &u->watches[w];
  return NULL;
}

/* Takes the poll of a watch back. Its completion, if it is on its way, carries an old generation and is ignored. */
static int watch_disarm(struct uring *u, struct uring_watch *watch) {
  uint32_t index = (uint32_t)(watch - u->watches);
  if (watch->armed) {
    struct io_uring_sqe *sqe = sqe_take(u);
    if (!sqe) return -EBUSY;
    io_uring_prep_poll_remove(sqe, user_data(KIND_WATCH, watch->generation, index));
    io_uring_sqe_set_data64(sqe, user_data(KIND_NONE, 0, 0));
  }
  watch->armed = false;
  watch->generation++;
  return 0;
}

static void watch_due_put(struct uring *u, struct uring_watch *watch) {
  if (watch->due) return;
  watch->due = true;
  u->watch_due[u->watch_due_count++] = (uint32_t)(watch - u->watches);
}

static int uring_watch(struct io *io, int fd, uint64_t tag, unsigned interest) {
  struct uring *u = uring_of(io);
  if (fcntl(fd, F_GETFD) < 0) return -errno;
  struct uring_watch *watch = watch_find(u, fd);
  if (!watch) watch = watch_find(u, -1);
  if (!watch) {
    if (u->watch_high == IO_WATCH_MAX) return -ENOSPC;
    watch = &u->watches[u->watch_high++];
  }
  int rc = watch_disarm(u, watch);
  if (rc < 0) return rc;
  watch->fd = fd;
  watch->tag = tag;
  watch->interest = interest;
  watch_due_put(u, watch);
  return 0;
}

static int uring_unwatch(struct io *io, int fd) {
  struct uring *u = uring_of(io);
  struct uring_watch *watch = fd >= 0 ? watch_find(u, fd) : NULL;
  if (!watch) return -ENOENT;
  bool armed = watch->armed;
  int rc = watch_disarm(u, watch);
  if (rc < 0) return rc;
  watch->fd = -1;
  /* A due mark that stays is skipped when its turn comes, or arms the slot for its next owner. */
  if (armed) (void)io_uring_submit_and_get_events(&u->ring);
  return 0;
}

static void watches_arm(struct uring *u) {
  uint32_t left = u->watch_due_count;
  for (; left > 0; left--) {
    uint32_t index = u->watch_due[left - 1];
    struct uring_watch *watch = &u->watches[index];
    if (watch->fd >= 0) {
      struct io_uring_sqe *sqe = sqe_take(u);
      if (!sqe) break;
      io_uring_prep_poll_add(sqe, watch->fd, (unsigned)(unsigned short)io_interest_poll(watch->interest));
      io_uring_sqe_set_data64(sqe, user_data(KIND_WATCH, watch->generation, index));
      watch->armed = true;
    }
    watch->due = false;
  }
  u->watch_due_count = left;
}

static void sockets_arm(struct uring *u) {
  /* Arming without a free buffer would only bring the next -ENOBUFS. */
  if (u->held == u->config.buffer_count) return;
  for (uint32_t s = 0; s < u->socket_count; s++) {
    if (u->socket_armed[s]) continue;
    struct io_uring_sqe *sqe = sqe_take(u);
    if (!sqe) return;
    io_uring_prep_recvmsg_multishot(sqe, u->sockets[s].fd, &u->header, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = URING_GROUP;
    io_uring_sqe_set_data64(sqe, user_data(KIND_RECEIVE, 0, s));
    u->socket_armed[s] = true;
  }
}

static void operations_submit(struct uring *u) {
  uint32_t done = 0;
  for (; done < u->operation_due_count; done++) {
    uint32_t index = u->operation_due[done];
    const struct uring_operation *op = &u->operations[index];
    struct io_uring_sqe *sqe = sqe_take(u);
    if (!sqe) break;
    if (op->kind == IO_EVENT_APPEND)
      io_uring_prep_write(sqe, op->fd, op->data, (unsigned)op->left, (uint64_t)op->offset);
    else
      io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sqe, user_data(KIND_OPERATION, 0, index));
  }
  u->operation_due_count -= done;
  memmove(u->operation_due, u->operation_due + done, u->operation_due_count * sizeof u->operation_due[0]);
}

/* Each of these takes one completion into the batch, or returns false where the batch has no room for it. */
static bool receive_complete(struct uring *u, const struct uring_received *one, struct io_batch *batch, int64_t now_ns) {
  struct io_socket *from = &u->sockets[one->socket];
  if (one->result < 0) {
    u->starved = u->starved || one->result == -ENOBUFS;
    if (one->result != -ENOBUFS && one->result != -ECANCELED) {
      if (batch->event_count == IO_EVENT_MAX) return false;
      io_batch_event(batch, IO_EVENT_SOCKET, from->tag, one->result);
    }
  } else {
    weft_assert(one->flags & IORING_CQE_F_BUFFER);
    uint16_t buffer = (uint16_t)(one->flags >> IORING_CQE_BUFFER_SHIFT);
    void *start = u->memory + (size_t)buffer * u->stride;
    struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(start, one->result, &u->header);
    weft_assert(out);
    struct msghdr received = {.msg_control = io_uring_recvmsg_name(out), .msg_controllen = out->controllen};
    struct io_control control = io_control_read(&received);
    struct io_message message = {.data = io_uring_recvmsg_payload(out, &u->header),
                                 .size = io_uring_recvmsg_payload_length(out, one->result, &u->header),
                                 .buffer = buffer,
                                 .truncated = (out->flags & MSG_TRUNC) != 0};
    if (io_message_segments(message.size, control.segment_bytes) > IO_DATAGRAM_MAX - batch->datagram_count)
      return false;
    io_batch_put(batch, from, &message, &control, now_ns);
    u->held++;
  }
  if (!(one->flags & IORING_CQE_F_MORE)) u->socket_armed[one->socket] = false;
  return true;
}

static void late_put(struct uring *u, const struct uring_received *one) {
  if (u->late_first > 0) {
    u->late_count -= u->late_first;
    memmove(u->late, u->late + u->late_first, u->late_count * sizeof u->late[0]);
    u->late_first = 0;
  }
  weft_assert(u->late_count < URING_LATE_MAX);
  u->late[u->late_count++] = *one;
}

/* Those that waited, before any that came since. Returns whether all fit. */
static bool late_take(struct uring *u, struct io_batch *batch, int64_t now_ns) {
  for (; u->late_first < u->late_count; u->late_first++)
    if (!receive_complete(u, &u->late[u->late_first], batch, now_ns)) return false;
  u->late_first = u->late_count = 0;
  return true;
}

static bool watch_complete(struct uring *u, const struct io_uring_cqe *cqe, uint32_t index, struct io_batch *batch) {
  struct uring_watch *watch = &u->watches[index];
  uint32_t generation = (uint32_t)(cqe->user_data >> 32) & 0xffffff;
  if (watch->fd < 0 || generation != (watch->generation & 0xffffff)) return true;
  if (batch->event_count == IO_EVENT_MAX) return false;
  watch->armed = false;
  watch_due_put(u, watch);
  unsigned ready = cqe->res < 0 ? IO_HANGUP : io_ready_from_poll((unsigned)cqe->res);
  if (ready) io_batch_event(batch, IO_EVENT_READY, watch->tag, (int32_t)ready);
  return true;
}

static bool operation_complete(struct uring *u, const struct io_uring_cqe *cqe, uint32_t index,
                               struct io_batch *batch) {
  struct uring_operation *op = &u->operations[index];
  bool again = cqe->res == -EINTR || cqe->res == -EAGAIN;
  if (!again && cqe->res > 0 && op->kind == IO_EVENT_APPEND) {
    weft_assert((size_t)cqe->res <= op->left);
    op->data += cqe->res;
    op->offset += cqe->res;
    op->left -= (size_t)cqe->res;
    again = op->left > 0;
  }
  if (again) {
    u->operation_due[u->operation_due_count++] = index;
    return true;
  }
  if (batch->event_count == IO_EVENT_MAX) return false;
  int32_t result = cqe->res < 0 ? cqe->res : op->left > 0 ? -EIO : 0;
  io_batch_event(batch, op->kind, op->token, result);
  u->operation_free[u->operation_free_count++] = index;
  return true;
}

/* Moves completions into the batch until there are none or one does not fit; without `datagrams` theirs wait. Returns whether all were taken. */
static bool completions_take(struct uring *u, struct io_batch *batch, bool datagrams) {
  int64_t now_ns = io_clock_realtime_ns();
  struct io_uring_cqe *cqe = NULL;
  unsigned head, taken = 0;
  bool fits = !datagrams || late_take(u, batch, now_ns);
  if (!fits) return false;
  io_uring_for_each_cqe(&u->ring, head, cqe) {
    uint32_t index = (uint32_t)cqe->user_data;
    struct uring_received one = {.result = cqe->res, .flags = cqe->flags, .socket = index};
    switch ((enum uring_kind)(cqe->user_data >> 56)) {
    case KIND_RECEIVE:
      if (datagrams) fits = receive_complete(u, &one, batch, now_ns);
      else late_put(u, &one);
      break;
    case KIND_WATCH: fits = watch_complete(u, cqe, index, batch); break;
    case KIND_OPERATION: fits = operation_complete(u, cqe, index, batch); break;
    case KIND_NONE: break;
    }
    if (!fits) break;
    taken++;
  }
  io_uring_cq_advance(&u->ring, taken);
  return fits;
}

static bool cq_overflowed(const struct uring *u) {
  return (__atomic_load_n(u->ring.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0;
}

/* Hands everything due to the kernel and waits. 0, 1 when a signal came, or a negative errno; a time-out is no error. */
static int turn_take(struct uring *u, int64_t timeout_ns, bool datagrams) {
  watches_arm(u);
  if (datagrams) sockets_arm(u);
  operations_submit(u);
  /* Submitting apart from waiting: a call that did both would answer a signal with the number submitted. */
  int rc = 0;
  if (timeout_ns == 0 || io_uring_sq_ready(&u->ring) > 0) rc = io_uring_submit_and_get_events(&u->ring);
  if (timeout_ns > 0 && rc >= 0 && io_uring_cq_ready(&u->ring) == 0) {
    if (timeout_ns > URING_TIMEOUT_S_MAX * INT64_C(1000000000)) timeout_ns = URING_TIMEOUT_S_MAX * INT64_C(1000000000);
    struct __kernel_timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    struct io_uring_cqe *cqe = NULL;
    rc = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &timeout, NULL);
  }
  /* -EBUSY and -EAGAIN: the kernel wants completions taken, or memory, first; what is due stays due. */
  if (rc == -EINTR) return 1;
  return rc >= 0 || rc == -ETIME || rc == -EBUSY || rc == -EAGAIN ? 0 : rc;
}

/* liburing 2.3 declares io_uring_enable_rings but its shared library does not export it. */
static int uring_enable(struct uring *u) {
  int rc = u->enabled ? 0 : io_uring_register((unsigned)u->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
  if (rc >= 0) u->enabled = true;
  return rc < 0 ? rc : 0;
}

/* Nothing to hand to the kernel, and nothing to be had from it: then a look needs no call. */
static bool uring_idle(const struct uring *u) {
  if (!u->enabled || u->watch_due_count > 0 || u->operation_due_count > 0 || u->late_count > 0 || io_uring_sq_ready(&u->ring) > 0) return false;
  for (uint32_t s = 0; s < u->socket_count; s++)
    if (!u->socket_armed[s]) return false;
  unsigned flags = __atomic_load_n(u->ring.sq.kflags, __ATOMIC_ACQUIRE);
  return io_uring_cq_ready(&u->ring) == 0 && (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) == 0;
}

static int uring_receive(struct io *io, struct io_batch *batch, int64_t timeout_ns, bool datagrams) {
  struct uring *u = uring_of(io);
  weft_assert(timeout_ns >= 0);
  batch->datagram_count = batch->event_count = batch->held_count = 0;
  if (datagrams && u->late_count > 0) timeout_ns = 0;
  if (timeout_ns == 0 && uring_idle(u)) return 0;
  int rc = uring_enable(u);
  int64_t deadline_ns = timeout_ns > 0 ? io_clock_monotonic_ns() + timeout_ns : 0;
  /* Completions that mean nothing to the caller (a re-arm, an ended multishot) do not end the wait. */
  while (rc == 0) {
    rc = turn_take(u, timeout_ns, datagrams);
    bool fits = completions_take(u, batch, datagrams);
    for (int flush = 0; fits && cq_overflowed(u) && flush < URING_OVERFLOW_FLUSH_MAX; flush++) {
      (void)io_uring_get_events(&u->ring);
      fits = completions_take(u, batch, datagrams);
    }
    if (timeout_ns == 0 || batch->datagram_count + batch->event_count > 0) break;
    timeout_ns = deadline_ns - io_clock_monotonic_ns();
    if (timeout_ns <= 0) break;
  }
  int taken = (int)(batch->datagram_count + batch->event_count);
  return rc < 0 && taken == 0 ? rc : taken;
}

static void buffer_give(struct uring *u, uint16_t buffer, int position) {
  io_uring_buf_ring_add(u->buffers, u->memory + (size_t)buffer * u->stride,
                        IO_BUFFER_GAP_BYTES + u->config.buffer_bytes, buffer,
                        io_uring_buf_ring_mask(u->config.buffer_count), position);
}

/* The ring hands out its buffers in turn, so that it goes through all that it has: many of 64 KiB, of which coalesced datagrams fill
 * whole ones, are in no near cache any more when their turn comes. It is given few, those used last, and twice as many when they did
 * not suffice; half as many when of URING_CALM batches in a row each `used` less than a quarter. */
static void buffers_offer(struct uring *u, uint32_t used) {
  uint32_t most = u->config.buffer_count;
  u->calm = u->starved || used >= u->offered / 4 ? 0 : u->calm + (used > 0);
  if (u->starved && u->offered < most) u->offered *= 2;
  if (u->calm == URING_CALM && u->offered > URING_OFFERED_MIN) {
    u->offered /= 2;
    u->calm = 0;
  }
  u->starved = false;
  uint32_t there = most - u->spare_count - u->held, given = there < u->offered ? u->offered - there : 0;
  if (given > u->spare_count) given = u->spare_count;
  u->spare_count -= given;
  for (uint32_t i = 0; i < given; i++) buffer_give(u, u->spare[u->spare_count + i], (int)i);
  io_uring_buf_ring_advance(u->buffers, (int)given);
}

static void uring_release(struct io *io, struct io_batch *batch) {
  struct uring *u = uring_of(io);
  weft_assert(batch->held_count <= u->held);
  for (uint32_t h = 0; h < batch->held_count; h++) u->spare[u->spare_count++] = batch->held[h];
  u->held -= batch->held_count;
  buffers_offer(u, batch->held_count);
  batch->datagram_count = batch->event_count = batch->held_count = 0;
}

static int operation_put(struct uring *u, const struct uring_operation *op) {
  if (u->operation_free_count == 0) return -EBUSY;
  uint32_t index = u->operation_free[--u->operation_free_count];
  u->operations[index] = *op;
  u->operation_due[u->operation_due_count++] = index;
  return 0;
}

static int uring_append(struct io *io, int fd, const void *data, size_t size, int64_t offset, uint64_t token) {
  weft_assert(size > 0 && size <= IO_APPEND_BYTES_MAX && offset >= 0);
  return operation_put(uring_of(io), &(struct uring_operation){.data = data, .left = size, .offset = offset,
                                                               .token = token, .fd = fd, .kind = IO_EVENT_APPEND});
}

static int uring_sync(struct io *io, int fd, uint64_t token) {
  return operation_put(uring_of(io), &(struct uring_operation){.token = token, .fd = fd, .kind = IO_EVENT_SYNC});
}

static int64_t uring_now(struct io *io) {
  (void)io;
  return io_clock_realtime_ns();
}

static uint64_t uring_kernel_drops(struct io *io, uint32_t tag) {
  struct uring *u = uring_of(io);
  for (uint32_t s = 0; s < u->socket_count; s++)
    if (u->sockets[s].tag == tag) return io_socket_drops(&u->sockets[s]);
  return 0;
}

/* Waits for the appends and syncs; the events that say so are nobody's any more. */
static void close_operations_wait(struct uring *u, struct io_batch *spare) {
  for (int turn = 0; u->operation_free_count < IO_OPERATION_MAX && turn < URING_CLOSE_WAIT_MAX; turn++) {
    if (uring_receive(&u->io, spare, 10000000, false) < 0) return;
    uring_release(&u->io, spare);
  }
}

static void uring_close(struct io *io) {
  struct uring *u = uring_of(io);
  struct io_batch *spare = malloc(sizeof *spare);
  if (spare) close_operations_wait(u, spare);
  free(spare);
  /* The kernel must have let go of the buffers before their memory is given back. */
  struct io_uring_sync_cancel_reg all = {.fd = -1, .flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
                                         .timeout = {.tv_sec = 1}};
  if (u->enabled) (void)io_uring_register_sync_cancel(&u->ring, &all);
  (void)io_uring_unregister_buf_ring(&u->ring, URING_GROUP);
  io_uring_queue_exit(&u->ring);
  for (uint32_t s = 0; s < u->socket_count; s++) close(u->sockets[s].fd);
  munmap(u->memory, u->memory_bytes);
  munmap(u->buffers, u->buffers_bytes);
  free(u);
}

static const struct io_ops uring_ops = {.name = "io_uring",
                                        .udp_open = uring_udp_open,
                                        .watch = uring_watch,
                                        .unwatch = uring_unwatch,
                                        .receive = uring_receive,
                                        .release = uring_release,
                                        .append = uring_append,
                                        .sync = uring_sync,
                                        .now = uring_now,
                                        .kernel_drops = uring_kernel_drops,
                                        .close = uring_close};

static int operations_check(struct uring *u, struct weft_error *err) {
  static const int needed[] = {IORING_OP_RECVMSG, IORING_OP_POLL_ADD, IORING_OP_POLL_REMOVE, IORING_OP_WRITE,
                               IORING_OP_FSYNC};
  struct io_uring_probe *probe = io_uring_get_probe_ring(&u->ring);
  if (!probe) return weft_fail(err, -EOPNOTSUPP, "io_uring: this kernel cannot list its operations; it is too old");
  int missing = -1;
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
    if (!io_uring_opcode_supported(probe, needed[i])) missing = needed[i];
  io_uring_free_probe(probe);
  if (missing < 0 && (u->ring.features & IORING_FEAT_EXT_ARG)) return 0;
  return weft_fail(err, -EOPNOTSUPP, "io_uring: this kernel lacks operation %d; it needs Linux 6.1", missing);
}

static int uring_refused(int rc, struct weft_error *err) {
  const char *why = strerror(-rc);
  if (rc == -ENOSYS) why = "this kernel is built without it";
  if (rc == -EPERM) why = "not permitted (kernel.io_uring_disabled, or a seccomp filter as containers have)";
  if (rc == -EINVAL) why = "this kernel is older than 6.1";
  if (rc == -ENOMEM) why = "not enough memory; raise the locked-memory limit (ulimit -l)";
  return weft_fail(err, rc, "io_uring: refused by the kernel: %s", why);
}

static int buffers_open(struct uring *u, struct weft_error *err) {
  uint32_t count = u->config.buffer_count;
  u->stride = (IO_BUFFER_GAP_BYTES + u->config.buffer_bytes + 63u) & ~(size_t)63;
  u->memory_bytes = count * u->stride;
  u->buffers_bytes = (count * sizeof(struct io_uring_buf) + 4095u) & ~(size_t)4095;
  u->memory = io_pages_take(u->memory_bytes);
  if (!u->memory) return weft_fail(err, -ENOMEM, "io: out of memory: no %zu bytes for receive buffers; take fewer", u->memory_bytes);
  int rc = -ENOMEM;
  u->buffers = io_pages_take(u->buffers_bytes);
  if (!u->buffers) goto free_memory;
  struct io_uring_buf_reg reg = {.ring_addr = (uint64_t)(uintptr_t)u->buffers, .ring_entries = count, .bgid = URING_GROUP};
  rc = io_uring_register_buf_ring(&u->ring, &reg, 0);
  if (rc < 0) goto free_buffers;
  io_uring_buf_ring_init(u->buffers);
  for (uint32_t b = 0; b < count; b++) u->spare[u->spare_count++] = (uint16_t)b;
  u->offered = URING_OFFERED_MIN;
  buffers_offer(u, 0);
  return 0;

free_buffers:
  munmap(u->buffers, u->buffers_bytes);
free_memory:
  munmap(u->memory, u->memory_bytes);
  return weft_fail(err, rc, "io_uring: cannot register %u receive buffers: %s", count, strerror(-rc));
}

int io_uring_open(const struct io_config *config, struct io **io, struct weft_error *err) {
  struct io_config settled;
  int rc = io_config_settle(config, &settled, err);
  if (rc < 0) return rc;
  struct uring *u = calloc(1, sizeof *u);
  if (!u) return weft_fail(err, -ENOMEM, "io: no memory for the io_uring back end");
  u->io.ops = &uring_ops;
  u->io.spin.budget_ns = settled.spin_us * INT64_C(1000);
  u->config = settled;
  u->header.msg_controllen = IO_CONTROL_BYTES;
  for (uint32_t i = 0; i < IO_OPERATION_MAX; i++) u->operation_free[u->operation_free_count++] = i;
  /* Every buffer may be in a completion, and each multishot, watch and operation may add one more. */
  struct io_uring_params params = {
      .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE |
               IORING_SETUP_SUBMIT_ALL,
      .cq_entries = 2 * settled.buffer_count + IO_SOCKET_MAX + 2 * IO_WATCH_MAX + IO_OPERATION_MAX};
  rc = io_uring_queue_init_params(URING_SQ_ENTRIES, &u->ring, &params);
  if (rc < 0) {
    rc = uring_refused(rc, err);
    goto free_uring;
  }
  rc = operations_check(u, err);
  if (rc < 0) goto exit_ring;
  rc = buffers_open(u, err);
  if (rc < 0) goto exit_ring;
  *io = &u->io;
  return 0;

exit_ring:
  io_uring_queue_exit(&u->ring);
free_uring:
  free(u);
  return rc;
}

/* The plain back end: poll, recvmmsg, pwrite. The twin of io_uring.c where the kernel forbids that one, and its measure. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/platform/io_socket.h"

enum { PLAIN_CALL_MAX = 64 /* messages of one recvmmsg call */ };

/* A message that was received but did not fit into the batch any more. */
struct leftover {
  struct io_message message;
  struct io_control control;
  uint32_t socket;
};

struct plain {
  struct io io;
  struct io_config config;
  uint8_t *memory; /* buffer_count buffers of `stride` bytes */
  size_t stride;
  size_t memory_bytes;
  uint16_t free[IO_BUFFER_MAX]; /* a stack: the buffer used last is still in the cache */
  uint32_t free_count;
  struct io_socket sockets[IO_SOCKET_MAX];
  uint32_t socket_count;
  uint32_t socket_turn; /* who is read first, so that no socket starves another */
  uint64_t watch_tags[IO_WATCH_MAX];
  uint32_t watch_count;
  uint32_t watch_turn;
  struct pollfd polls[IO_SOCKET_MAX + IO_WATCH_MAX]; /* sockets from 0, watches from IO_SOCKET_MAX */
  struct io_event done[IO_OPERATION_MAX];            /* finished appends and syncs, oldest first, a ring */
  uint32_t done_first;
  uint32_t done_count;
  struct leftover leftovers[PLAIN_CALL_MAX];
  uint32_t leftover_first;
  uint32_t leftover_count; /* index past the last */
  struct mmsghdr headers[PLAIN_CALL_MAX];
  struct iovec vectors[PLAIN_CALL_MAX];
  uint8_t control[PLAIN_CALL_MAX][IO_CONTROL_BYTES] __attribute__((aligned(16)));
};

static struct plain *plain_of(struct io *io) { return (struct plain *)(void *)io; }

static int plain_udp_open(struct io *io, const char *host, uint16_t port, uint32_t tag, struct weft_error *err) {
  struct plain *plain = plain_of(io);
  if (plain->socket_count == IO_SOCKET_MAX)
    return weft_fail(err, -ENOSPC, "io: more than %d UDP sockets", IO_SOCKET_MAX);
  for (uint32_t s = 0; s < plain->socket_count; s++)
    if (plain->sockets[s].tag == tag) return weft_fail(err, -EEXIST, "io: a UDP socket with tag %u exists", tag);
  int bound = io_socket_open(&plain->sockets[plain->socket_count], host, port, tag, &plain->config, err);
  if (bound >= 0) plain->socket_count++;
  return bound;
}

static int plain_watch(struct io *io, int fd, uint64_t tag, unsigned interest) {
  struct plain *plain = plain_of(io);
  if (fcntl(fd, F_GETFD) < 0) return -errno;
  struct pollfd *watches = plain->polls + IO_SOCKET_MAX;
  uint32_t w = 0;
  while (w < plain->watch_count && watches[w].fd != fd) w++;
  if (w == IO_WATCH_MAX) return -ENOSPC;
  if (w == plain->watch_count) plain->watch_count++;
  watches[w] = (struct pollfd){.fd = fd, .events = io_interest_poll(interest)};
  plain->watch_tags[w] = tag;
  return 0;
}

static int plain_unwatch(struct io *io, int fd) {
  struct plain *plain = plain_of(io);
  struct pollfd *watches = plain->polls + IO_SOCKET_MAX;
  for (uint32_t w = 0; w < plain->watch_count; w++) {
    if (watches[w].fd != fd) continue;
    uint32_t last = --plain->watch_count;
    watches[w] = watches[last];
    plain->watch_tags[w] = plain->watch_tags[last];
    return 0;
  }
  return -ENOENT;
}

static void leftovers_put(struct plain *plain, struct io_batch *batch, int64_t now_ns) {
  while (plain->leftover_first < plain->leftover_count) {
    struct leftover *l = &plain->leftovers[plain->leftover_first];
    if (io_message_segments(l->message.size, l->control.segment_bytes) > IO_DATAGRAM_MAX - batch->datagram_count) return;
    io_batch_put(batch, &plain->sockets[l->socket], &l->message, &l->control, now_ns);
    plain->leftover_first++;
  }
  plain->leftover_first = plain->leftover_count = 0;
}

/* Reads up to one call's worth from a socket. Returns messages read, 0 when nothing is there or no room is left. */
static uint32_t socket_read(struct plain *plain, uint32_t s, struct io_batch *batch) {
  uint32_t room = IO_DATAGRAM_MAX - batch->datagram_count;
  uint32_t count = room < PLAIN_CALL_MAX ? room : PLAIN_CALL_MAX;
  if (count > plain->free_count) count = plain->free_count;
  if (count == 0) return 0;
  for (uint32_t m = 0; m < count; m++) {
    uint16_t buffer = plain->free[plain->free_count - 1 - m];
    plain->vectors[m] = (struct iovec){plain->memory + (size_t)buffer * plain->stride,
                                       plain->config.buffer_bytes};
    plain->headers[m].msg_hdr = (struct msghdr){.msg_iov = &plain->vectors[m],
                                                .msg_iovlen = 1,
                                                .msg_control = plain->control[m],
                                                .msg_controllen = IO_CONTROL_BYTES};
  }
  int got = recvmmsg(plain->sockets[s].fd, plain->headers, count, MSG_DONTWAIT, NULL);
  if (got < 0) {
    bool nothing = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (!nothing && batch->event_count < IO_EVENT_MAX)
      io_batch_event(batch, IO_EVENT_SOCKET, plain->sockets[s].tag, -errno);
    return 0;
  }
  int64_t now_ns = io_clock_realtime_ns();
  for (uint32_t m = 0; m < (uint32_t)got; m++) {
    struct msghdr *header = &plain->headers[m].msg_hdr;
    struct leftover read = {.socket = s, .control = io_control_read(header)};
    read.message = (struct io_message){.data = plain->vectors[m].iov_base,
                                       .size = plain->headers[m].msg_len,
                                       .buffer = plain->free[--plain->free_count],
                                       .truncated = (header->msg_flags & MSG_TRUNC) != 0};
    plain->leftovers[plain->leftover_count++] = read;
  }
  leftovers_put(plain, batch, now_ns);
  return (uint32_t)got;
}

/* Takes turns between the sockets until all are empty, the batch is full or no buffer is left. */
static void sockets_read(struct plain *plain, struct io_batch *batch) {
  bool empty[IO_SOCKET_MAX] = {false};
  uint32_t empty_count = 0;
  for (uint32_t s = 0; s < plain->socket_count; s++) {
    empty[s] = plain->polls[s].fd < 0 || plain->polls[s].revents == 0;
    empty_count += empty[s];
  }
  for (uint32_t turn = 0; empty_count < plain->socket_count && turn < IO_DATAGRAM_MAX; turn++) {
    uint32_t s = plain->socket_turn;
    plain->socket_turn = (s + 1) % plain->socket_count;
    if (empty[s]) continue;
    if (plain->leftover_count > 0 || plain->free_count == 0 || batch->datagram_count == IO_DATAGRAM_MAX) return;
    if (socket_read(plain, s, batch) < PLAIN_CALL_MAX) {
      empty[s] = true;
      empty_count++;
    }
  }
}

static void watches_read(struct plain *plain, struct io_batch *batch) {
  for (uint32_t i = 0; i < plain->watch_count && batch->event_count < IO_EVENT_MAX; i++) {
    uint32_t w = (plain->watch_turn + i) % plain->watch_count;
    unsigned ready = io_ready_from_poll((unsigned)plain->polls[IO_SOCKET_MAX + w].revents);
    if (ready) io_batch_event(batch, IO_EVENT_READY, plain->watch_tags[w], (int32_t)ready);
    if (batch->event_count == IO_EVENT_MAX) plain->watch_turn = w + 1;
  }
}

static int plain_receive(struct io *io, struct io_batch *batch, int64_t timeout_ns, bool datagrams) {
  struct plain *plain = plain_of(io);
  weft_assert(timeout_ns >= 0);
  batch->datagram_count = batch->event_count = batch->held_count = 0;
  if (datagrams) leftovers_put(plain, batch, io_clock_realtime_ns());
  for (; plain->done_count > 0 && batch->event_count < IO_EVENT_MAX; plain->done_count--) {
    batch->events[batch->event_count++] = plain->done[plain->done_first];
    plain->done_first = (plain->done_first + 1) % IO_OPERATION_MAX;
  }
  /* Without a free buffer a readable socket would only make poll spin. */
  bool reading = datagrams && plain->free_count > 0 && plain->leftover_count == 0;
  for (uint32_t s = 0; s < IO_SOCKET_MAX; s++)
    plain->polls[s] = (struct pollfd){.fd = reading && s < plain->socket_count ? plain->sockets[s].fd : -1,
                                      .events = POLLIN};
  if (batch->datagram_count + batch->event_count > 0) timeout_ns = 0;
  struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  int ready = ppoll(plain->polls, IO_SOCKET_MAX + plain->watch_count, &timeout, NULL);
  if (ready < 0 && errno != EINTR) return -errno;
  if (ready > 0) {
    if (reading) sockets_read(plain, batch);
    watches_read(plain, batch);
  }
  return (int)(batch->datagram_count + batch->event_count);
}

static void plain_release(struct io *io, struct io_batch *batch) {
  struct plain *plain = plain_of(io);
  weft_assert(plain->free_count + batch->held_count <= plain->config.buffer_count);
  for (uint32_t h = 0; h < batch->held_count; h++) plain->free[plain->free_count++] = batch->held[h];
  batch->datagram_count = batch->event_count = batch->held_count = 0;
}

static void done_put(struct plain *plain, enum io_event_kind kind, uint64_t token, int32_t result) {
  plain->done[(plain->done_first + plain->done_count++) % IO_OPERATION_MAX] =
      (struct io_event){.token = token, .kind = kind, .result = result};
}

static int plain_append(struct io *io, int fd, const void *data, size_t size, int64_t offset, uint64_t token) {
  struct plain *plain = plain_of(io);
  weft_assert(size > 0 && size <= IO_APPEND_BYTES_MAX && offset >= 0);
  if (plain->done_count == IO_OPERATION_MAX) return -EBUSY;
  int32_t result = 0;
  for (size_t at = 0; at < size && result == 0;) {
    ssize_t wrote = pwrite(fd, (const uint8_t *)data + at, size - at, offset + (int64_t)at);
    if (wrote > 0) at += (size_t)wrote;
    else if (wrote == 0) result = -EIO;
    else if (errno != EINTR) result = -errno;
  }
  done_put(plain, IO_EVENT_APPEND, token, result);
  return 0;
}

static int plain_sync(struct io *io, int fd, uint64_t token) {
  struct plain *plain = plain_of(io);
  if (plain->done_count == IO_OPERATION_MAX) return -EBUSY;
  done_put(plain, IO_EVENT_SYNC, token, fdatasync(fd) == 0 ? 0 : -errno);
  return 0;
}

static int64_t plain_now(struct io *io) {
  (void)io;
  return io_clock_realtime_ns();
}

static uint64_t plain_kernel_drops(struct io *io, uint32_t tag) {
  struct plain *plain = plain_of(io);
  for (uint32_t s = 0; s < plain->socket_count; s++)
    if (plain->sockets[s].tag == tag) return io_socket_drops(&plain->sockets[s]);
  return 0;
}

static void plain_close(struct io *io) {
  struct plain *plain = plain_of(io);
  for (uint32_t s = 0; s < plain->socket_count; s++) close(plain->sockets[s].fd);
  munmap(plain->memory, plain->memory_bytes);
  free(plain);
}

static const struct io_ops plain_ops = {.name = "plain",
                                        .udp_open = plain_udp_open,
                                        .watch = plain_watch,
                                        .unwatch = plain_unwatch,
                                        .receive = plain_receive,
                                        .release = plain_release,
                                        .append = plain_append,
                                        .sync = plain_sync,
                                        .now = plain_now,
                                        .kernel_drops = plain_kernel_drops,
                                        .close = plain_close};

int io_plain_open(const struct io_config *config, struct io **io, struct weft_error *err) {
  struct io_config settled;
  int rc = io_config_settle(config, &settled, err);
  if (rc < 0) return rc;
  struct plain *plain = calloc(1, sizeof *plain);
  if (!plain) return weft_fail(err, -ENOMEM, "io: no memory for the plain back end");
  plain->io.ops = &plain_ops;
  plain->io.spin.budget_ns = settled.spin_us * INT64_C(1000);
  plain->config = settled;
  plain->stride = (IO_BUFFER_GAP_BYTES + settled.buffer_bytes + 63u) & ~(size_t)63;
  plain->memory_bytes = settled.buffer_count * plain->stride;
  plain->memory = io_pages_take(plain->memory_bytes);
  if (!plain->memory) {
    rc = weft_fail(err, -ENOMEM, "io: out of memory: no %zu bytes for receive buffers; take fewer", plain->memory_bytes);
    free(plain);
    return rc;
  }
  for (uint32_t b = 0; b < settled.buffer_count; b++)
    plain->free[plain->free_count++] = (uint16_t)(settled.buffer_count - 1 - b);
  *io = &plain->io;
  return 0;
}

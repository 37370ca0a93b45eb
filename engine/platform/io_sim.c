/* The simulated io: a network that loses, copies, delays, overtakes and corrupts, a clock that moves only when told to,
 * and a disk (io_sim_disk.c). All chance comes from the seed, and every datagram draws the same number of random values
 * whatever becomes of it, so that changing one fault's probability leaves the other faults where they were. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/platform/io_sim_disk.h"
#include "engine/platform/io_socket.h"

enum {
  SIM_WIRE_MAX = 16384,      /* copies on their way, queued or held */
  SIM_PORT_FIRST = 40000,    /* what port 0 is turned into */
  SIM_FD_FIRST = 1 << 20,    /* first simulated descriptor: far from real ones */
  SIM_FD_MAX = IO_WATCH_MAX,
  SIM_DATAGRAM_BYTES_MAX = 65507,
  SIM_QUEUE_OVERHEAD_BYTES = 256, /* what a queued datagram costs above its payload, roughly as in Linux */
  SIM_NONE = UINT16_MAX
};

/* A copy of a datagram, from being sent to being released. */
struct sim_copy {
  uint8_t *data; /* owned */
  int64_t due_ns;
  uint64_t order; /* breaks ties: as sent */
  uint32_t size;
  uint16_t socket;
};

struct sim_socket {
  struct io_socket base; /* only tag and drops are used */
  int64_t last_due_ns;   /* keeps the order where nothing is to overtake */
  uint64_t queue_bytes;
  uint16_t port;
};

struct sim_fd {
  uint64_t tag;
  unsigned interest;
  unsigned ready;
  bool watched;
};

struct sim {
  struct io io;
  struct io_config config;
  struct prng prng;
  int64_t now_ns;
  struct io_sim_faults faults;
  struct io_sim_books books;
  uint64_t order;
  struct sim_socket sockets[IO_SOCKET_MAX];
  uint32_t socket_count;
  struct sim_fd fds[SIM_FD_MAX];
  uint32_t fd_count;
  uint32_t fd_turn; /* where the next batch starts to report, so that none is starved by IO_EVENT_MAX */
  struct sim_copy copies[SIM_WIRE_MAX];
  uint16_t free[SIM_WIRE_MAX];
  uint32_t free_count;
  uint16_t wire[SIM_WIRE_MAX]; /* on their way: a heap, earliest first */
  uint32_t wire_count;
  uint16_t queue[SIM_WIRE_MAX]; /* arrived: a ring, oldest first */
  uint32_t queue_first;
  uint32_t queue_count;
  uint32_t held;
  struct sim_disk disk;
};

static struct sim *sim_of(struct io *io) { return (struct sim *)(void *)io; }

static bool copy_before(const struct sim *sim, uint16_t a, uint16_t b) {
  const struct sim_copy *x = &sim->copies[a], *y = &sim->copies[b];
  return x->due_ns != y->due_ns ? x->due_ns < y->due_ns : x->order < y->order;
}

static void wire_put(struct sim *sim, uint16_t copy) {
  uint32_t at = sim->wire_count++;
  while (at > 0 && copy_before(sim, copy, sim->wire[(at - 1) / 2])) {
    sim->wire[at] = sim->wire[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  sim->wire[at] = copy;
}

static uint16_t wire_take(struct sim *sim) {
  uint16_t first = sim->wire[0], last = sim->wire[--sim->wire_count];
  uint32_t at = 0;
  for (;;) {
    uint32_t child = 2 * at + 1;
    if (child >= sim->wire_count) break;
    if (child + 1 < sim->wire_count && copy_before(sim, sim->wire[child + 1], sim->wire[child])) child++;
    if (!copy_before(sim, sim->wire[child], last)) break;
    sim->wire[at] = sim->wire[child];
    at = child;
  }
  sim->wire[at] = last;
  return first;
}

static void copy_free(struct sim *sim, uint16_t copy) {
  free(sim->copies[copy].data);
  sim->copies[copy].data = NULL;
  sim->free[sim->free_count++] = copy;
}

static int sim_udp_open(struct io *io, const char *host, uint16_t port, uint32_t tag, struct weft_error *err) {
  struct sim *sim = sim_of(io);
  if (sim->socket_count == IO_SOCKET_MAX) return weft_fail(err, -ENOSPC, "io: more than %d UDP sockets", IO_SOCKET_MAX);
  if (port == 0) port = (uint16_t)(SIM_PORT_FIRST + sim->socket_count);
  for (uint32_t s = 0; s < sim->socket_count; s++) {
    if (sim->sockets[s].base.tag == tag) return weft_fail(err, -EEXIST, "io: a UDP socket with tag %u exists", tag);
    if (sim->sockets[s].port == port) return weft_fail(err, -EADDRINUSE, "io: UDP %s:%u is taken", host, port);
  }
  sim->sockets[sim->socket_count++] = (struct sim_socket){.base = {.fd = -1, .tag = tag}, .port = port};
  return port;
}

static struct sim_fd *fd_of(struct sim *sim, int fd) {
  if (fd < SIM_FD_FIRST || fd >= SIM_FD_FIRST + (int)sim->fd_count) return NULL;
  return &sim->fds[fd - SIM_FD_FIRST];
}

static int sim_watch(struct io *io, int fd, uint64_t tag, unsigned interest) {
  struct sim_fd *at = fd_of(sim_of(io), fd);
  if (!at) return -EBADF;
  at->tag = tag;
  at->interest = interest;
  at->watched = true;
  return 0;
}

static int sim_unwatch(struct io *io, int fd) {
  struct sim_fd *at = fd_of(sim_of(io), fd);
  if (!at || !at->watched) return -ENOENT;
  at->watched = false;
  return 0;
}

/* Moves what has arrived by now from the wire into the kernel queues. */
static void wire_deliver(struct sim *sim) {
  while (sim->wire_count > 0 && sim->copies[sim->wire[0]].due_ns <= sim->now_ns) {
    uint16_t copy = wire_take(sim);
    struct sim_socket *socket = &sim->sockets[sim->copies[copy].socket];
    uint64_t cost_bytes = sim->copies[copy].size + SIM_QUEUE_OVERHEAD_BYTES;
    if (socket->queue_bytes + cost_bytes > sim->config.rcvbuf_bytes) {
      socket->base.drops++;
      sim->books.overflowed++;
      copy_free(sim, copy);
      continue;
    }
    socket->queue_bytes += cost_bytes;
    sim->queue[(sim->queue_first + sim->queue_count++) % SIM_WIRE_MAX] = copy;
  }
}

static void queue_read(struct sim *sim, struct io_batch *batch) {
  while (sim->queue_count > 0 && sim->held < sim->config.buffer_count && batch->datagram_count < IO_DATAGRAM_MAX) {
    uint16_t index = sim->queue[sim->queue_first];
    const struct sim_copy *copy = &sim->copies[index];
    struct sim_socket *socket = &sim->sockets[copy->socket];
    sim->queue_first = (sim->queue_first + 1) % SIM_WIRE_MAX;
    sim->queue_count--;
    socket->queue_bytes -= copy->size + SIM_QUEUE_OVERHEAD_BYTES;
    bool cut = copy->size > sim->config.buffer_bytes;
    struct io_message message = {
        .data = copy->data, .size = cut ? sim->config.buffer_bytes : copy->size, .buffer = index, .truncated = cut};
    struct io_control control = {.arrival_ns = copy->due_ns};
    io_batch_put(batch, &socket->base, &message, &control, sim->now_ns);
    sim->held++;
    sim->books.delivered++;
  }
}

static void events_read(struct sim *sim, struct io_batch *batch) {
  while (batch->event_count < IO_EVENT_MAX && sim_disk_step(&sim->disk, sim->now_ns, &batch->events[batch->event_count]))
    batch->event_count++;
  uint32_t turn = sim->fd_turn;
  for (uint32_t i = 0; i < sim->fd_count && batch->event_count < IO_EVENT_MAX; i++) {
    uint32_t index = (turn + i) % sim->fd_count;
    const struct sim_fd *fd = &sim->fds[index];
    unsigned ready = fd->ready & (fd->interest | IO_HANGUP);
    if (!fd->watched || !ready) continue;
    io_batch_event(batch, IO_EVENT_READY, fd->tag, (int32_t)ready);
    sim->fd_turn = index + 1;
  }
}

static int sim_receive(struct io *io, struct io_batch *batch, int64_t timeout_ns, bool datagrams) {
  struct sim *sim = sim_of(io);
  weft_assert(timeout_ns >= 0);
  batch->datagram_count = batch->event_count = batch->held_count = 0;
  int64_t deadline_ns = timeout_ns > INT64_MAX - sim->now_ns ? INT64_MAX : sim->now_ns + timeout_ns;
  for (;;) {
    wire_deliver(sim);
    if (datagrams) queue_read(sim, batch);
    events_read(sim, batch);
    if (batch->datagram_count + batch->event_count > 0) break;
    int64_t next_ns = sim_disk_due_ns(&sim->disk);
    if (sim->wire_count > 0 && sim->copies[sim->wire[0]].due_ns < next_ns) next_ns = sim->copies[sim->wire[0]].due_ns;
    sim->now_ns = next_ns < deadline_ns ? next_ns : deadline_ns;
    if (next_ns > deadline_ns || next_ns == INT64_MAX) break;
  }
  return (int)(batch->datagram_count + batch->event_count);
}

static void sim_release(struct io *io, struct io_batch *batch) {
  struct sim *sim = sim_of(io);
  weft_assert(batch->held_count <= sim->held);
  for (uint32_t h = 0; h < batch->held_count; h++) copy_free(sim, batch->held[h]);
  sim->held -= batch->held_count;
  batch->datagram_count = batch->event_count = batch->held_count = 0;
}

static int sim_append(struct io *io, int fd, const void *data, size_t size, int64_t offset, uint64_t token) {
  struct sim *sim = sim_of(io);
  weft_assert(size > 0 && size <= IO_APPEND_BYTES_MAX && offset >= 0);
  struct sim_operation op = {.data = data, .size = size, .offset = offset, .token = token, .fd = fd,
                             .kind = IO_EVENT_APPEND};
  return sim_disk_start(&sim->disk, op, sim->now_ns);
}

static int sim_sync(struct io *io, int fd, uint64_t token) {
  struct sim *sim = sim_of(io);
  return sim_disk_start(&sim->disk, (struct sim_operation){.token = token, .fd = fd, .kind = IO_EVENT_SYNC}, sim->now_ns);
}

static int64_t sim_now(struct io *io) { return sim_of(io)->now_ns; }

static uint64_t sim_kernel_drops(struct io *io, uint32_t tag) {
  const struct sim *sim = sim_of(io);
  for (uint32_t s = 0; s < sim->socket_count; s++)
    if (sim->sockets[s].base.tag == tag) return sim->sockets[s].base.drops;
  return 0;
}

static void sim_close(struct io *io) {
  struct sim *sim = sim_of(io);
  for (uint32_t c = 0; c < SIM_WIRE_MAX; c++) free(sim->copies[c].data);
  sim_disk_close(&sim->disk);
  free(sim);
}

static const struct io_ops sim_ops = {.name = "sim",
                                      .udp_open = sim_udp_open,
                                      .watch = sim_watch,
                                      .unwatch = sim_unwatch,
                                      .receive = sim_receive,
                                      .release = sim_release,
                                      .append = sim_append,
                                      .sync = sim_sync,
                                      .now = sim_now,
                                      .kernel_drops = sim_kernel_drops,
                                      .close = sim_close};

int io_sim_open(uint64_t seed, int64_t start_ns, const struct io_config *config, struct io **io,
                struct weft_error *err) {
  struct io_config settled;
  int rc = io_config_settle(config, &settled, err);
  if (rc < 0) return rc;
  struct sim *sim = calloc(1, sizeof *sim);
  if (!sim) return weft_fail(err, -ENOMEM, "io: no memory for the simulation");
  sim->io.ops = &sim_ops;
  sim->config = settled;
  sim->prng = prng_seed(seed, 1);
  sim->now_ns = start_ns;
  for (uint32_t c = SIM_WIRE_MAX; c > 0; c--) sim->free[sim->free_count++] = (uint16_t)(c - 1);
  sim_disk_open(&sim->disk, seed);
  *io = &sim->io;
  return 0;
}

static struct sim *sim_checked(const struct io *io) {
  weft_assert(io->ops == &sim_ops);
  return (struct sim *)(uintptr_t)io;
}

void io_sim_faults_set(struct io *io, const struct io_sim_faults *faults) {
  weft_assert(faults->delay_min_ns >= 0 && faults->delay_max_ns >= faults->delay_min_ns && faults->reorder_ns >= 0);
  sim_checked(io)->faults = *faults;
}

struct io_sim_books io_sim_books(const struct io *io) {
  const struct sim *sim = sim_checked(io);
  struct io_sim_books books = sim->books;
  books.in_flight = sim->wire_count + sim->queue_count;
  return books;
}

void io_sim_advance(struct io *io, int64_t step_ns) {
  struct sim *sim = sim_checked(io);
  weft_assert(step_ns >= 0);
  sim->now_ns += step_ns;
  wire_deliver(sim);
}

static bool chance(struct prng *prng, double probability) { return prng_uniform(prng) < probability; }

/* A stream of its own for the bits, so that their number does not shift what later datagrams draw. */
static void copy_corrupt(struct sim_copy *copy, uint64_t seed) {
  struct prng prng = prng_seed(seed, 3);
  uint64_t flips = 1 + prng_below(&prng, 8), bits = (uint64_t)copy->size * 8;
  for (uint64_t f = 0; f < flips; f++) {
    /* One bit from each part of the datagram: a second flip can never undo the first. */
    uint64_t low = bits * f / flips, high = bits * (f + 1) / flips;
    if (high == low) continue;
    uint64_t bit = low + prng_below(&prng, high - low);
    copy->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  }
}

static void copy_send(struct sim *sim, uint16_t socket, const void *data, uint32_t size, bool lost) {
  const struct io_sim_faults *faults = &sim->faults;
  int64_t spread_ns = faults->delay_max_ns - faults->delay_min_ns;
  int64_t delay_ns = faults->delay_min_ns + (int64_t)prng_below(&sim->prng, (uint64_t)spread_ns + 1);
  bool reorder = chance(&sim->prng, faults->reorder);
  int64_t back_ns = (int64_t)prng_below(&sim->prng, (uint64_t)faults->reorder_ns + 1);
  bool corrupt = chance(&sim->prng, faults->corrupt);
  uint64_t corrupt_seed = prng_u64(&sim->prng);
  if (lost) return;
  uint16_t index = sim->free[--sim->free_count];
  struct sim_copy *copy = &sim->copies[index];
  *copy = (struct sim_copy){.data = malloc(size > 0 ? size : 1), .order = sim->order++, .size = size, .socket = socket};
  weft_assert(copy->data);
  if (size > 0) memcpy(copy->data, data, size);
  int64_t due_ns = sim->now_ns + delay_ns;
  int64_t *last_ns = &sim->sockets[socket].last_due_ns;
  if (due_ns < *last_ns) due_ns = *last_ns;
  if (reorder) {
    due_ns += back_ns;
    sim->books.reordered++;
  } else {
    *last_ns = due_ns;
  }
  copy->due_ns = due_ns;
  if (corrupt && size > 0) {
    copy_corrupt(copy, corrupt_seed);
    sim->books.corrupted++;
  }
  wire_put(sim, index);
}

int io_sim_send(struct io *io, uint16_t port, const void *data, size_t size) {
  struct sim *sim = sim_checked(io);
  if (size > SIM_DATAGRAM_BYTES_MAX) return -EMSGSIZE;
  if (sim->free_count < 2) return -ENOBUFS;
  uint16_t socket = SIM_NONE;
  for (uint32_t s = 0; s < sim->socket_count; s++)
    if (sim->sockets[s].port == port) socket = (uint16_t)s;
  bool lost = chance(&sim->prng, sim->faults.loss);
  bool duplicate = chance(&sim->prng, sim->faults.duplicate) && !lost && socket != SIM_NONE;
  bool gone = lost || socket == SIM_NONE;
  sim->books.sent++;
  if (socket == SIM_NONE) sim->books.unrouted++;
  else if (lost) sim->books.lost++;
  copy_send(sim, socket, data, (uint32_t)size, gone);
  copy_send(sim, socket, data, (uint32_t)size, !duplicate);
  sim->books.duplicated += duplicate;
  return 0;
}

int io_sim_fd_open(struct io *io) {
  struct sim *sim = sim_checked(io);
  if (sim->fd_count == SIM_FD_MAX) return -EMFILE;
  return SIM_FD_FIRST + (int)sim->fd_count++;
}

void io_sim_fd_ready(struct io *io, int fd, unsigned ready) {
  struct sim_fd *at = fd_of(sim_checked(io), fd);
  weft_assert(at);
  at->ready = ready;
}

int io_sim_file_open(struct io *io) {
  struct sim_disk *disk = &sim_checked(io)->disk;
  if (disk->file_count == SIM_FILE_MAX) return -EMFILE;
  return SIM_FILE_FIRST + (int)disk->file_count++;
}

void io_sim_disk_set(struct io *io, int64_t delay_max_ns, uint64_t capacity_bytes) {
  weft_assert(delay_max_ns >= 0);
  sim_checked(io)->disk.delay_max_ns = delay_max_ns;
  sim_checked(io)->disk.capacity_bytes = capacity_bytes;
}

void io_sim_disk_faults_set(struct io *io, const struct io_sim_disk_faults *faults) {
  sim_checked(io)->disk.faults = *faults;
}

struct io_sim_disk_books io_sim_disk_books(const struct io *io) { return sim_checked(io)->disk.books; }

const uint8_t *io_sim_file(const struct io *io, int fd, uint64_t *size) {
  const struct sim_disk *disk = &sim_checked(io)->disk;
  weft_assert(fd >= SIM_FILE_FIRST && fd < SIM_FILE_FIRST + (int)disk->file_count);
  const struct sim_file *file = &disk->files[fd - SIM_FILE_FIRST];
  *size = file->seen.size;
  return file->seen.data;
}

void io_sim_crash(struct io *io) { sim_disk_crash(&sim_checked(io)->disk); }

/* I/O at the edge, behind one small table: receive, watch, append, sync, now.
 *
 * Three back ends stand behind it: io_uring (io_uring.c), recvmmsg + poll + pwrite (io_plain.c), and a simulated network,
 * clock and disk (io_sim.c, seeded). One thread, the I/O thread, uses an io, and there is no lock. Setting up (io_open,
 * io_udp_open, io_watch) may happen on another thread before; the first io_receive binds the io to the thread that calls
 * it, and from then on every call comes from that thread.
 *
 * A turn of the I/O thread:
 *
 *   if (io_receive(io, batch, timeout_ns) < 0) ...
 *   for (i < batch->datagram_count) decode(batch->datagrams[i]);
 *   for (i < batch->event_count) react(batch->events[i]);
 *   io_release(io, batch);
 */
#ifndef WEFT_PLATFORM_IO_H
#define WEFT_PLATFORM_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/spin.h"

enum {
  IO_DATAGRAM_MAX = 1024,      /* datagrams of one batch */
  IO_EVENT_MAX = 256,          /* events of one batch; the rest comes with the next */
  IO_BUFFER_MAX = 4096,        /* receive buffers of one io */
  IO_SOCKET_MAX = 64,          /* UDP sockets of one io */
  IO_WATCH_MAX = 1024,         /* watched file descriptors of one io */
  IO_OPERATION_MAX = 256,      /* appends and syncs in flight */
  IO_APPEND_BYTES_MAX = 1 << 30, /* of one append */
  IO_SPIN_US_MAX = 10000,      /* of the time that a wait keeps the core */
  IO_HOST_MAX = 256            /* characters of a host name with its terminator */
};

/* What io_watch asks for and what IO_EVENT_READY reports. */
enum { IO_READABLE = 1, IO_WRITABLE = 2, IO_HANGUP = 4 /* hang-up or error; reported whether asked for or not */ };

/* One datagram, in place in a receive buffer: valid until its batch is released. */
struct io_datagram {
  const uint8_t *data; /* borrowed from the io */
  int64_t arrival_ns;  /* kernel arrival time, CLOCK_REALTIME (ns since 1970); io_now where the kernel gave none */
  uint32_t size;       /* bytes at `data`; 0 is possible */
  uint32_t tag;        /* of the socket, as given to io_udp_open */
  bool truncated;      /* the datagram was longer than a receive buffer: `data` holds its beginning */
};

enum io_event_kind {
  IO_EVENT_READY,  /* token: tag of the watch; result: IO_READABLE | IO_WRITABLE | IO_HANGUP */
  IO_EVENT_APPEND, /* token as given; result: 0, or a negative errno */
  IO_EVENT_SYNC,   /* token as given; result: 0, or a negative errno */
  IO_EVENT_SOCKET  /* token: tag of a UDP socket; result: the negative errno with which receiving failed (and goes on) */
};

struct io_event {
  uint64_t token;
  enum io_event_kind kind;
  int32_t result;
};

/* Owned by the caller (about 40 KiB: not on a stack), filled by io_receive, emptied by io_release. */
struct io_batch {
  uint32_t datagram_count;
  uint32_t event_count;
  uint32_t held_count;              /* private: buffers that the datagrams lie in */
  uint16_t held[IO_DATAGRAM_MAX];   /* private */
  struct io_datagram datagrams[IO_DATAGRAM_MAX];
  struct io_event events[IO_EVENT_MAX];
};

/* A zeroed one means the defaults. */
struct io_config {
  uint32_t buffer_count; /* receive buffers, a power of two, 8 to IO_BUFFER_MAX; 0: 128 (more fall out of the cache) */
  uint32_t buffer_bytes; /* longest datagram taken whole, 64 to 65536; 0: 65536. GRO needs 65536. */
  uint32_t rcvbuf_bytes; /* kernel queue asked for per UDP socket; 0: 16 MiB. The kernel may grant less; that is logged. */
  uint32_t spin_us;      /* a wait keeps the core for so long before it sleeps, 0 to IO_SPIN_US_MAX (engine/base/spin.h) */
  bool gro_off;          /* do not ask the kernel to coalesce datagrams (UDP_GRO) */
};

enum io_choice { IO_AUTO, IO_URING, IO_PLAIN };

struct io_ops;
struct io {
  const struct io_ops *ops;
  struct spin spin; /* of io_receive; a simulated one never spins, since only waiting moves its clock */
};

/* The table. Callers use the functions below it. */
struct io_ops {
  const char *name; /* "io_uring", "plain", "sim" */
  int (*udp_open)(struct io *io, const char *host, uint16_t port, uint32_t tag, struct weft_error *err);
  int (*watch)(struct io *io, int fd, uint64_t tag, unsigned interest);
  int (*unwatch)(struct io *io, int fd);
  int (*receive)(struct io *io, struct io_batch *batch, int64_t timeout_ns, bool datagrams);
  void (*release)(struct io *io, struct io_batch *batch);
  int (*append)(struct io *io, int fd, const void *data, size_t size, int64_t offset, uint64_t token);
  int (*sync)(struct io *io, int fd, uint64_t token);
  int64_t (*now)(struct io *io);
  uint64_t (*kernel_drops)(struct io *io, uint32_t tag);
  void (*close)(struct io *io);
};

/* Opens a back end. IO_AUTO takes io_uring and, where the kernel or its settings refuse it (ENOSYS, EPERM,
 * kernel.io_uring_disabled, locked-memory limit, a missing operation), the plain one, with the reason in the log;
 * IO_URING and IO_PLAIN do not fall back. `config` may be NULL. 0 with *io set, or a negative errno with `err` filled.
 * Everything the io needs is allocated here. */
int io_open(enum io_choice choice, const struct io_config *config, struct io **io, struct weft_error *err);
int io_uring_open(const struct io_config *config, struct io **io, struct weft_error *err);
int io_plain_open(const struct io_config *config, struct io **io, struct weft_error *err);

/* A UDP receive socket on `host` (IPv4 or IPv6 address or name; a multicast group is joined) and `port` (0: any free
 * one). Its datagrams carry `tag`, unique within the io. Returns the bound port (1 to 65535), or a negative errno with
 * `err` filled. The socket lives until io_close. */
static inline int io_udp_open(struct io *io, const char *host, uint16_t port, uint32_t tag, struct weft_error *err) {
  return io->ops->udp_open(io, host, port, tag, err);
}

/* Reports readiness of `fd` (listener, connection, eventfd, pipe, timerfd) with every batch for as long as it lasts:
 * level triggered, as poll() does. `interest`: IO_READABLE | IO_WRITABLE, or 0 for IO_HANGUP alone. Watching an fd again
 * replaces tag and interest. 0, -ENOSPC beyond IO_WATCH_MAX, -EBADF, or -EBUSY as in io_unwatch. */
static inline int io_watch(struct io *io, int fd, uint64_t tag, unsigned interest) {
  return io->ops->watch(io, fd, tag, interest);
}

/* Ends it; call this before closing the fd (and shut a TCP connection down first: the kernel may hold the file until the
 * next io_receive). No event of that watch comes with a later batch. 0, -ENOENT, or -EBUSY (io_uring's queue is full: again after the next io_receive). */
static inline int io_unwatch(struct io *io, int fd) { return io->ops->unwatch(io, fd); }

/* Fills `batch` with what has arrived; waits at most `timeout_ns` (0 or more; 0: looks only) where nothing has. Returns
 * datagrams + events in the batch (0: time is up or a signal came), or a negative errno. Datagrams of one socket come in
 * the order in which the kernel queued them. Several batches may be held, and are then released in any order; while no
 * receive buffer is free, datagrams wait in the kernel's queue and overflow there (io_kernel_drops). */
int io_receive(struct io *io, struct io_batch *batch, int64_t timeout_ns);

/* The same for events alone: datagrams stay where they are, for the next io_receive, in their order. For who has no room for more. */
int io_events(struct io *io, struct io_batch *batch, int64_t timeout_ns);

/* Gives the buffers of a received batch back and empties it. */
static inline void io_release(struct io *io, struct io_batch *batch) { io->ops->release(io, batch); }

/* Writes `size` bytes (1 to IO_APPEND_BYTES_MAX) at file offset `offset`; `data` must stay until IO_EVENT_APPEND with
 * `token` comes. Appends may complete in any order. Short writes are continued inside. Starts with the next io_receive at
 * the latest. 0, or -EBUSY while IO_OPERATION_MAX are in flight. */
static inline int io_append(struct io *io, int fd, const void *data, size_t size, int64_t offset, uint64_t token) {
  return io->ops->append(io, fd, data, size, offset, token);
}

/* Makes durable (fdatasync) what was appended to `fd`: every append whose IO_EVENT_APPEND was received before this call.
 * 0, or -EBUSY as above. */
static inline int io_sync(struct io *io, int fd, uint64_t token) { return io->ops->sync(io, fd, token); }

/* Realtime clock, ns since 1970 (simulated: the simulated clock). */
static inline int64_t io_now(struct io *io) { return io->ops->now(io); }

/* Kernel queue overflows of the socket so far (a coalesced buffer may count as one). 0 for an unknown tag. A system call: to be asked now
 * and then, since the kernel counts to 2^32. */
static inline uint64_t io_kernel_drops(struct io *io, uint32_t tag) { return io->ops->kernel_drops(io, tag); }

/* Closes the sockets and frees everything, after waiting for the appends and syncs in flight. Watched fds stay open:
 * they are the caller's. `io` may be NULL. Batches not released become invalid. */
static inline void io_close(struct io *io) {
  if (io) io->ops->close(io);
}

static inline const char *io_name(const struct io *io) { return io->ops->name; }

/* What the simulated network does to each datagram, as probabilities in [0, 1]. */
struct io_sim_faults {
  double loss;          /* never delivered */
  double duplicate;     /* delivered twice, delays drawn apart */
  double reorder;       /* held back by up to reorder_ns more, so that later ones overtake it */
  double corrupt;       /* one to eight bits flipped */
  int64_t delay_min_ns; /* every datagram takes delay_min_ns to delay_max_ns, uniform; */
  int64_t delay_max_ns; /* without `reorder` the order of one socket is still kept */
  int64_t reorder_ns;
};

/* Books of the simulated network: sent = lost + unrouted + overflowed + delivered - duplicated + in flight. */
struct io_sim_books {
  uint64_t sent;
  uint64_t lost;
  uint64_t unrouted;   /* no socket at that port */
  uint64_t overflowed; /* the simulated kernel queue was full; io_kernel_drops shows them per socket */
  uint64_t duplicated; /* extra copies made */
  uint64_t reordered;  /* copies held back */
  uint64_t corrupted;  /* copies with flipped bits */
  uint64_t delivered;  /* copies handed to io_receive */
  uint64_t in_flight;  /* copies on their way or queued */
};

/* A simulated io whose clock starts at `start_ns`. The same seed and the same calls give the same deliveries. The clock
 * moves only in io_receive, which jumps to the next thing that happens or to the end of its timeout, and in
 * io_sim_advance. `config` as above (buffer_count bounds what can be held; buffer_bytes truncates). */
int io_sim_open(uint64_t seed, int64_t start_ns, const struct io_config *config, struct io **io,
                struct weft_error *err);
void io_sim_faults_set(struct io *io, const struct io_sim_faults *faults);
struct io_sim_books io_sim_books(const struct io *io);
void io_sim_advance(struct io *io, int64_t step_ns);

/* Sends `size` bytes (0 to 65507) to the simulated UDP socket at `port`, now. 0, -EMSGSIZE, or -ENOBUFS when the simulated
 * wire is full (not counted as sent). */
int io_sim_send(struct io *io, uint16_t port, const void *data, size_t size);

/* A simulated descriptor for io_watch; `ready` is what it reports from now on (IO_READABLE ...). */
int io_sim_fd_open(struct io *io);
void io_sim_fd_ready(struct io *io, int fd, unsigned ready);

/* A simulated file for io_append and io_sync: returns its descriptor or a negative errno. Appends and syncs complete
 * after a seeded delay of up to `delay_max_ns`, in any order; an append that takes the disk beyond its capacity fails with
 * -ENOSPC. */
int io_sim_file_open(struct io *io);
void io_sim_disk_set(struct io *io, int64_t delay_max_ns, uint64_t capacity_bytes);
/* What the simulated disk does besides, as probabilities in [0, 1]. */
struct io_sim_disk_faults {
  double append_error; /* an append fails with -EIO; a seeded beginning of it is written all the same (torn) */
  double append_lost;  /* an append says it went well and nothing is written: the file has zeros there */
  double append_torn;  /* an append says it went well and only a seeded beginning is written */
  double append_misdirected; /* an append says it went well and its bytes are written elsewhere in the file */
  double sync_error;   /* a sync fails with -EIO; what it covered may be gone after a crash, and stays unsynced for ever */
};
void io_sim_disk_faults_set(struct io *io, const struct io_sim_disk_faults *faults);
/* Books of the simulated disk. */
struct io_sim_disk_books {
  uint64_t appends, syncs; /* carried out, whatever came of them */
  uint64_t full;           /* appends refused for want of room */
  uint64_t errors;         /* appends that failed otherwise */
  uint64_t shortened;      /* of these, after a beginning was written */
  uint64_t lost, torn, misdirected, sync_errors;
};
struct io_sim_disk_books io_sim_disk_books(const struct io *io);
/* Size of the file as a reader would see it, and its bytes (owned by the io, valid until the next append). */
const uint8_t *io_sim_file(const struct io *io, int fd, uint64_t *size);
/* Power failure: of every file remains what was synced, plus of each later append a seeded prefix. Appends and syncs in
 * flight never complete. */
void io_sim_crash(struct io *io);

#endif

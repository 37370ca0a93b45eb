/* What the two real back ends share: opening a UDP receive socket, reading its control messages, and splitting a
 * coalesced buffer into datagrams. Private to engine/platform. */
#ifndef WEFT_PLATFORM_IO_SOCKET_H
#define WEFT_PLATFORM_IO_SOCKET_H

#include <sys/socket.h>

#include "engine/platform/io.h"

enum {
  IO_BUFFER_GAP_BYTES = 128,  /* before each buffer's payload; keeps buffers of 64 KiB from sharing cache sets */
  IO_CONTROL_BYTES = 112,     /* room for the timestamp and UDP_GRO control messages (56 bytes) */
  IO_BUFFER_COUNT_DEFAULT = 128,
  IO_BUFFER_BYTES_DEFAULT = 65536,
  IO_RCVBUF_BYTES_DEFAULT = 16 << 20
};

/* One UDP socket of a back end, owned by it. */
struct io_socket {
  int fd;
  uint32_t tag;
  uint32_t drops_low; /* the kernel's 32-bit counter as last seen */
  uint64_t drops;     /* the same, widened */
};

/* What the control messages of one received message say. */
struct io_control {
  int64_t arrival_ns;     /* 0: none given */
  uint32_t segment_bytes; /* 0: not coalesced */
};

/* One received message in a buffer of a back end, before it is split. */
struct io_message {
  const uint8_t *data;
  uint32_t size;
  uint16_t buffer;
  bool truncated;
};

/* Replaces zeros by the defaults and refuses what lies outside the stated ranges (-EINVAL). `config` may be NULL. */
int io_config_settle(const struct io_config *config, struct io_config *settled, struct weft_error *err);

/* Opens, sets up and binds. Returns the bound port, or a negative errno with `err` filled and nothing left open. */
int io_socket_open(struct io_socket *socket, const char *host, uint16_t port, uint32_t tag,
                   const struct io_config *config, struct weft_error *err);

/* Reads the control messages of a message header that a recvmsg call has filled. */
struct io_control io_control_read(struct msghdr *header);

/* Asks the kernel for the drop counter as it is now, widened to 64 bits: to be asked before 2^32 more are dropped. No message brings it,
 * which every datagram would pay for. */
uint64_t io_socket_drops(struct io_socket *socket);

/* Datagrams that a message of `size` bytes splits into; at least 1. */
uint32_t io_message_segments(uint32_t size, uint32_t segment_bytes);

/* Splits a message into the batch, which must have room for its segments, and notes its buffer as held. */
void io_batch_put(struct io_batch *batch, const struct io_socket *socket, const struct io_message *message,
                  const struct io_control *control, int64_t now_ns);

void io_batch_event(struct io_batch *batch, enum io_event_kind kind, uint64_t token, int32_t result);

/* Zeroed memory, on huge pages where the system gives them, every page touched. NULL: none to be had. */
void *io_pages_take(size_t bytes);

/* CLOCK_REALTIME and CLOCK_MONOTONIC (ns). */
int64_t io_clock_realtime_ns(void);
int64_t io_clock_monotonic_ns(void);

/* poll() flags from and to IO_READABLE ... */
short io_interest_poll(unsigned interest);
unsigned io_ready_from_poll(unsigned revents);

#endif

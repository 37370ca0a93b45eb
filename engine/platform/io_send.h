/* Sending many datagrams to one place: for generators, demos and tests. Not used by the engine. */
#ifndef WEFT_PLATFORM_IO_SEND_H
#define WEFT_PLATFORM_IO_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum {
  IO_SEND_QUEUE_BYTES = 1 << 19,  /* datagrams wait here for the next system call */
  IO_SEND_QUEUE_MAX = 1024,       /* datagrams that wait at most */
  IO_SEND_SEGMENTS_MAX = 64,      /* datagrams in one coalesced send (UDP_MAX_SEGMENTS of older kernels) */
  IO_SEND_COALESCED_BYTES = 61440 /* of one coalesced send: below what any kernel and the IP length allow */
};

struct io_sender;

/* A connected UDP socket to host:port. `coalesce`: runs of datagrams of equal size go out as one (UDP_SEGMENT); where the
 * kernel or the device refuses that, they go one by one. 0 with *sender set, or a negative errno with `err` filled. */
int io_sender_open(const char *host, uint16_t port, bool coalesce, struct io_sender **sender, struct weft_error *err);

/* Queues one datagram (0 to 65507 bytes, copied) and sends when the queue is full. 0, -EMSGSIZE, or the error of
 * sending. Order is kept. */
int io_sender_put(struct io_sender *sender, const void *data, size_t size);

/* The same without the copy: the bytes stay as they are until the next io_sender_flush. Runs go out as one where they stand one behind
 * the other. */
int io_sender_lend(struct io_sender *sender, const void *data, size_t size);

/* Sends what is queued. 0, or a negative errno; what could not be sent is dropped and counted. */
int io_sender_flush(struct io_sender *sender);

uint64_t io_sender_sent(const struct io_sender *sender);   /* datagrams the kernel took */
uint64_t io_sender_failed(const struct io_sender *sender); /* datagrams it refused */
bool io_sender_coalesces(const struct io_sender *sender);  /* false once the kernel refused UDP_SEGMENT */

/* Flushes and closes. NULL is fine. */
void io_sender_close(struct io_sender *sender);

#endif

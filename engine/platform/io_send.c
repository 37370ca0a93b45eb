#include "engine/platform/io_send.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { SEND_DATAGRAM_BYTES_MAX = 65507, SEND_RETRY_MAX = 1000, SEND_SNDBUF_BYTES = 4 << 20 };

/* One message handed to the kernel: datagrams first .. first + count - 1 of the queue. */
struct send_run {
  uint32_t first;
  uint32_t count;
};

struct io_sender {
  int fd;
  bool coalesce;
  uint64_t sent;
  uint64_t failed;
  uint32_t count;
  uint32_t bytes; /* of `queue` in use */
  const uint8_t *from[IO_SEND_QUEUE_MAX]; /* in `queue`, or lent */
  uint32_t size[IO_SEND_QUEUE_MAX];
  struct send_run runs[IO_SEND_QUEUE_MAX];
  struct mmsghdr headers[IO_SEND_QUEUE_MAX];
  struct iovec vectors[IO_SEND_QUEUE_MAX];
  uint8_t control[IO_SEND_QUEUE_MAX][CMSG_SPACE(sizeof(uint16_t))] __attribute__((aligned(16)));
  uint8_t queue[IO_SEND_QUEUE_BYTES];
};

int io_sender_open(const char *host, uint16_t port, bool coalesce, struct io_sender **sender_out,
                   struct weft_error *err) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  int refused = getaddrinfo(host, service, &hints, &found);
  if (refused != 0)
    return weft_fail(err, -EADDRNOTAVAIL, "cannot resolve the host '%s' to send to: %s", host, gai_strerror(refused));
  int rc, wanted = SEND_SNDBUF_BYTES;
  struct io_sender *sender = calloc(1, sizeof *sender);
  if (!sender) {
    rc = weft_fail(err, -ENOMEM, "no memory for a UDP sender");
    goto free_found;
  }
  sender->coalesce = coalesce;
  sender->fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sender->fd < 0) {
    rc = weft_fail(err, -errno, "no UDP socket to send to %s: %s", host, strerror(errno));
    goto free_sender;
  }
  (void)setsockopt(sender->fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
  if (connect(sender->fd, found->ai_addr, found->ai_addrlen) != 0) {
    rc = weft_fail(err, -errno, "cannot send to UDP %s:%u: %s", host, port, strerror(errno));
    goto close_fd;
  }
  *sender_out = sender;
  freeaddrinfo(found);
  return 0;

close_fd:
  close(sender->fd);
free_sender:
  free(sender);
free_found:
  freeaddrinfo(found);
  return rc;
}

/* Datagrams from `first` on that may go as one message: one behind the other, of equal sizes, the last one may be shorter. */
static uint32_t run_length(const struct io_sender *sender, uint32_t first) {
  uint32_t step = sender->size[first], bytes = step, count = 1;
  if (!sender->coalesce || step == 0) return 1;
  while (first + count < sender->count && count < IO_SEND_SEGMENTS_MAX) {
    uint32_t next = sender->size[first + count];
    if (next == 0 || next > step || bytes + next > IO_SEND_COALESCED_BYTES) break;
    if (sender->from[first + count] != sender->from[first] + bytes) break;
    bytes += next;
    count++;
    if (next < step) break;
  }
  return count;
}

/* Lays the queue from `first` on out as messages; returns their number. */
static uint32_t runs_make(struct io_sender *sender, uint32_t first) {
  uint32_t runs = 0;
  for (uint32_t count; first < sender->count; first += count, runs++) {
    count = run_length(sender, first);
    uint32_t last = first + count - 1;
    sender->runs[runs] = (struct send_run){first, count};
    sender->vectors[runs] = (struct iovec){(void *)(uintptr_t)sender->from[first], /* which sending leaves as it is */
                                           (size_t)(sender->from[last] - sender->from[first]) + sender->size[last]};
    struct msghdr *header = &sender->headers[runs].msg_hdr;
    *header = (struct msghdr){.msg_iov = &sender->vectors[runs], .msg_iovlen = 1};
    if (count == 1) continue;
    header->msg_control = sender->control[runs];
    header->msg_controllen = sizeof sender->control[runs];
    struct cmsghdr *c = CMSG_FIRSTHDR(header);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    uint16_t segment = (uint16_t)sender->size[first];
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
  }
  return runs;
}

static bool refuses_coalescing(int error) {
  return error == EINVAL || error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT || error == EMSGSIZE;
}

int io_sender_flush(struct io_sender *sender) {
  uint32_t first = 0, retries = 0;
  int rc = 0;
  while (first < sender->count) {
    uint32_t runs = runs_make(sender, first);
    int took = sendmmsg(sender->fd, sender->headers, runs, 0);
    if (took > 0) {
      const struct send_run *last = &sender->runs[took - 1];
      sender->sent += last->first + last->count - first;
      first = last->first + last->count;
      retries = 0;
    } else if ((errno == ENOBUFS || errno == EAGAIN) && ++retries < SEND_RETRY_MAX) {
      (void)poll(&(struct pollfd){.fd = sender->fd, .events = POLLOUT}, 1, 1);
    } else if (errno == EINTR || (errno == ECONNREFUSED && ++retries < SEND_RETRY_MAX)) {
      continue; /* a refusal is news about an earlier datagram, which the kernel then forgets */
    } else if (sender->runs[0].count > 1 && refuses_coalescing(errno)) {
      sender->coalesce = false;
    } else {
      rc = -errno;
      sender->failed += sender->runs[0].count;
      first += sender->runs[0].count;
      retries = 0;
    }
  }
  sender->count = sender->bytes = 0;
  return rc;
}

int io_sender_lend(struct io_sender *sender, const void *data, size_t size) {
  if (size > SEND_DATAGRAM_BYTES_MAX) return -EMSGSIZE;
  int rc = sender->count == IO_SEND_QUEUE_MAX ? io_sender_flush(sender) : 0;
  sender->from[sender->count] = data;
  sender->size[sender->count++] = (uint32_t)size;
  return rc;
}

int io_sender_put(struct io_sender *sender, const void *data, size_t size) {
  if (size > SEND_DATAGRAM_BYTES_MAX) return -EMSGSIZE;
  int rc = 0;
  if (sender->count == IO_SEND_QUEUE_MAX || sender->bytes + size > IO_SEND_QUEUE_BYTES) rc = io_sender_flush(sender);
  uint8_t *copy = sender->queue + sender->bytes;
  memcpy(copy, data, size);
  sender->bytes += (uint32_t)size;
  (void)io_sender_lend(sender, copy, size); /* there is room */
  return rc;
}

uint64_t io_sender_sent(const struct io_sender *sender) { return sender->sent; }

uint64_t io_sender_failed(const struct io_sender *sender) { return sender->failed; }

bool io_sender_coalesces(const struct io_sender *sender) { return sender->coalesce; }

void io_sender_close(struct io_sender *sender) {
  if (!sender) return;
  (void)io_sender_flush(sender);
  close(sender->fd);
  free(sender);
}

/* Loopback clients for the tests of the ports, and a turn of the I/O thread that drives them. Everything runs in one
 * thread, so that no test depends on timing. */
#ifndef WEFT_TESTS_EMIT_NET_H
#define WEFT_TESTS_EMIT_NET_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/platform/io.h"

/* A non-blocking connection to 127.0.0.1. `rcvbuf` bounds what the kernel takes for a reader that does not read; 0: as
 * it comes. */
static inline int net_connect(int port, int rcvbuf) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  if (rcvbuf) assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf), 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
  return fd;
}

/* Bytes that a client has received. */
struct net_inbox {
  char *data;
  size_t size, capacity;
  bool closed; /* end of stream or reset */
};

/* Reads at most `limit` bytes of what is there. Returns how many came. */
static inline size_t net_read(int fd, struct net_inbox *inbox, size_t limit) {
  size_t total = 0;
  while (total < limit && !inbox->closed) {
    if (inbox->capacity - inbox->size < 65536) {
      inbox->capacity = inbox->capacity * 2 + 65536;
      inbox->data = realloc(inbox->data, inbox->capacity);
      assert_non_null(inbox->data);
    }
    size_t want = inbox->capacity - inbox->size;
    ssize_t got = recv(fd, inbox->data + inbox->size, want < limit - total ? want : limit - total, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got <= 0) inbox->closed = true;
    if (got > 0) {
      inbox->size += (size_t)got;
      total += (size_t)got;
    }
  }
  return total;
}

static inline void net_inbox_free(struct net_inbox *inbox) {
  free(inbox->data);
  *inbox = (struct net_inbox){0};
}

#endif

#include "engine/platform/io_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

int io_config_settle(const struct io_config *config, struct io_config *settled, struct weft_error *err) {
  *settled = config ? *config : (struct io_config){0};
  if (settled->buffer_count == 0) settled->buffer_count = IO_BUFFER_COUNT_DEFAULT;
  if (settled->buffer_bytes == 0) settled->buffer_bytes = IO_BUFFER_BYTES_DEFAULT;
  if (settled->rcvbuf_bytes == 0) settled->rcvbuf_bytes = IO_RCVBUF_BYTES_DEFAULT;
  uint32_t count = settled->buffer_count;
  if (count < 8 || count > IO_BUFFER_MAX || (count & (count - 1)) != 0)
    return weft_fail(err, -EINVAL, "io: %u receive buffers; give a power of two from 8 to %d", count, IO_BUFFER_MAX);
  if (settled->buffer_bytes < 64 || settled->buffer_bytes > 65536)
    return weft_fail(err, -EINVAL, "io: receive buffers of %u bytes; give 64 to 65536", settled->buffer_bytes);
  if (settled->spin_us > IO_SPIN_US_MAX)
    return weft_fail(err, -EINVAL, "io: a wait that spins for %u us; give 0 to %d", settled->spin_us, IO_SPIN_US_MAX);
  if (settled->rcvbuf_bytes > 1u << 30)
    return weft_fail(err, -EINVAL, "io: a kernel queue of %u bytes; give 1 GiB at most", settled->rcvbuf_bytes);
  return 0;
}

/* The kernel doubles what is asked for and reports the doubled value. */
static void socket_rcvbuf_set(int fd, const char *host, uint32_t wanted_bytes) {
  int wanted = (int)wanted_bytes, granted = 0;
  socklen_t length = sizeof granted;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) != 0)
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof wanted);
  if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &length) != 0) return;
  if (granted / 2 < wanted / 2)
    log_line(LOG_LEVEL_NOTICE,
             "io: the kernel queue of the UDP socket on %s is %d bytes, %u were asked for; raise net.core.rmem_max", host,
             granted / 2, wanted_bytes);
}

/* Options without which the socket still works: a missing one costs speed or a statistic. */
static void socket_options_set(int fd, const struct io_config *config) {
  int on = 1;
  (void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  /* In a smaller buffer the end of a coalesced message would be cut off: many datagrams lost instead of one cut. */
  if (!config->gro_off && config->buffer_bytes == 65536) (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on);
}

static int socket_group_join(int fd, const struct addrinfo *at) {
  if (at->ai_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)at->ai_addr;
    if (!IN_MULTICAST(ntohl(v4->sin_addr.s_addr))) return 0;
    struct ip_mreqn group = {.imr_multiaddr = v4->sin_addr};
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group) == 0 ? 0 : -errno;
  }
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)at->ai_addr;
  if (!IN6_IS_ADDR_MULTICAST(&v6->sin6_addr)) return 0;
  struct ipv6_mreq group = {.ipv6mr_multiaddr = v6->sin6_addr, .ipv6mr_interface = v6->sin6_scope_id};
  return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group, sizeof group) == 0 ? 0 : -errno;
}

static int socket_port(int fd) {
  struct sockaddr_storage bound = {0};
  socklen_t length = sizeof bound;
  if (getsockname(fd, (struct sockaddr *)&bound, &length) != 0) return -errno;
  if (bound.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&bound)->sin_port);
  // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) set above; the analyzer loses it in the cast
  return ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
}

int io_socket_open(struct io_socket *socket_out, const char *host, uint16_t port, uint32_t tag,
                   const struct io_config *config, struct weft_error *err) {
  struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  int refused = getaddrinfo(host, service, &hints, &found);
  if (refused != 0)
    return weft_fail(err, -EADDRNOTAVAIL, "io: cannot resolve the host '%s' to listen on: %s", host,
                     gai_strerror(refused));
  int rc;
  int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    rc = weft_fail(err, -errno, "io: no UDP socket for %s: %s", host, strerror(errno));
    goto free_found;
  }
  socket_rcvbuf_set(fd, host, config->rcvbuf_bytes);
  socket_options_set(fd, config);
  if (bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
    rc = weft_fail(err, -errno, "io: cannot listen on UDP %s:%u: %s; choose another address or port", host, port,
                   strerror(errno));
    goto close_fd;
  }
  rc = socket_group_join(fd, found);
  if (rc < 0) {
    weft_fail(err, rc, "io: cannot join the multicast group %s: %s", host, strerror(-rc));
    goto close_fd;
  }
  rc = socket_port(fd);
  if (rc < 0) {
    weft_fail(err, rc, "io: cannot read the bound port of %s: %s", host, strerror(-rc));
    goto close_fd;
  }
  *socket_out = (struct io_socket){.fd = fd, .tag = tag};
  freeaddrinfo(found);
  return rc;

close_fd:
  close(fd);
free_found:
  freeaddrinfo(found);
  return rc;
}

struct io_control io_control_read(struct msghdr *header) {
  struct io_control control = {0};
  for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec at;
      memcpy(&at, CMSG_DATA(c), sizeof at);
      control.arrival_ns = (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
    } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
      int segment = 0;
      memcpy(&segment, CMSG_DATA(c), sizeof segment);
      control.segment_bytes = segment > 0 ? (uint32_t)segment : 0;
    }
  }
  return control;
}

uint64_t io_socket_drops(struct io_socket *socket) {
  uint32_t memory[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof memory;
  if (getsockopt(socket->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) == 0 &&
      length >= (SK_MEMINFO_DROPS + 1) * sizeof memory[0]) {
    socket->drops += memory[SK_MEMINFO_DROPS] - socket->drops_low;
    socket->drops_low = memory[SK_MEMINFO_DROPS];
  }
  return socket->drops;
}

uint32_t io_message_segments(uint32_t size, uint32_t segment_bytes) {
  if (segment_bytes == 0 || size <= segment_bytes) return 1;
  uint32_t segments = (size + segment_bytes - 1) / segment_bytes;
  /* Kernels coalesce 64 or 128 (UDP_MAX_SEGMENTS); more than a batch holds would be a kernel of another kind. */
  return segments < IO_DATAGRAM_MAX ? segments : IO_DATAGRAM_MAX;
}

void io_batch_put(struct io_batch *batch, const struct io_socket *socket, const struct io_message *message,
                  const struct io_control *control, int64_t now_ns) {
  uint32_t segments = io_message_segments(message->size, control->segment_bytes);
  weft_assert(segments <= IO_DATAGRAM_MAX - batch->datagram_count && batch->held_count < IO_DATAGRAM_MAX);
  int64_t arrival_ns = control->arrival_ns ? control->arrival_ns : now_ns;
  uint32_t step = segments == 1 ? message->size : control->segment_bytes;
  for (uint32_t s = 0; s < segments; s++) {
    uint32_t from = s * step, left = message->size - from;
    batch->datagrams[batch->datagram_count++] =
        (struct io_datagram){.data = message->data + from,
                             .arrival_ns = arrival_ns,
                             .size = left < step ? left : step,
                             .tag = socket->tag,
                             .truncated = s + 1 == segments && (message->truncated || left > step)};
  }
  batch->held[batch->held_count++] = message->buffer;
}

void io_batch_event(struct io_batch *batch, enum io_event_kind kind, uint64_t token, int32_t result) {
  weft_assert(batch->event_count < IO_EVENT_MAX);
  batch->events[batch->event_count++] = (struct io_event){.token = token, .kind = kind, .result = result};
}

void *io_pages_take(size_t bytes) {
  void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return NULL;
  (void)madvise(pages, bytes, MADV_HUGEPAGE);
  for (size_t at = 0; at < bytes; at += 4096) ((volatile uint8_t *)pages)[at] = 0;
  return pages;
}

static int64_t clock_ns(clockid_t clock) {
  struct timespec at;
  weft_assert(clock_gettime(clock, &at) == 0);
  return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
}

int64_t io_clock_realtime_ns(void) { return clock_ns(CLOCK_REALTIME); }

int64_t io_clock_monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }

short io_interest_poll(unsigned interest) {
  return (short)(((interest & IO_READABLE) ? POLLIN : 0) | ((interest & IO_WRITABLE) ? POLLOUT : 0));
}

unsigned io_ready_from_poll(unsigned revents) {
  return ((revents & POLLIN) ? IO_READABLE : 0u) | ((revents & POLLOUT) ? IO_WRITABLE : 0u) |
         ((revents & (POLLHUP | POLLERR | POLLNVAL)) ? IO_HANGUP : 0u);
}

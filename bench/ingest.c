/* Receiving datagrams over loopback: the engine's io_uring and plain back ends, coalesced (UDP_GRO) or not,
 * against a bare loop of recvmmsg; beside the floor, CRC32C of the payload. Only the receiving is timed: the
 * datagrams lie in the kernel's queue. */
#include <arpa/inet.h>
#include <isa-l/crc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "engine/platform/io.h"
#include "engine/platform/io_send.h"

enum { PAYLOAD_BYTES = 1024, BURST = 240, ROUNDS = 20, VECTORS = 64 };

struct way {
  struct io *io; /* NULL: bare recvmmsg on fd */
  struct io_sender *sender;
  int fd;
};
static struct io_batch batch;
static uint8_t payload[PAYLOAD_BYTES], buffers[VECTORS][2048];
static uint32_t sums;

static void fail(const char *what) {
  fprintf(stderr, "ingest: %s\n", what);
  exit(1);
}

static void burst_send(struct way *w) {
  for (int i = 0; i < BURST; i++) {
    payload[0] = (uint8_t)i;
    if (io_sender_put(w->sender, payload, sizeof payload) < 0) fail("a datagram was refused");
  }
  if (io_sender_flush(w->sender) < 0) fail("sending failed");
}

static void burst_receive(struct way *w) {
  uint32_t got = 0;
  if (w->io) {
    while (got < BURST) {
      if (io_receive(w->io, &batch, 1000000000) <= 0) fail("a datagram is missing");
      for (uint32_t i = 0; i < batch.datagram_count; i++) sums += batch.datagrams[i].data[0];
      got += batch.datagram_count;
      io_release(w->io, &batch);
    }
    return;
  }
  struct mmsghdr messages[VECTORS];
  struct iovec vectors[VECTORS];
  while (got < BURST) {
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < VECTORS; i++) {
      vectors[i] = (struct iovec){buffers[i], sizeof buffers[i]};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int n = recvmmsg(w->fd, messages, VECTORS, MSG_WAITFORONE, NULL);
    if (n <= 0) fail("recvmmsg failed");
    for (int i = 0; i < n; i++) sums += buffers[i][0];
    got += (uint32_t)n;
  }
}

static void run_way(void *argument) {
  double ns = 0.0;
  for (int round = 0; round < ROUNDS; round++) {
    burst_send(argument);
    const double start = bench_now_ns();
    burst_receive(argument);
    ns += bench_now_ns() - start;
  }
  bench_counts(ns);
}

static void run_crc(void *unused) {
  (void)unused;
  for (int i = 0; i < BURST * ROUNDS; i++) {
    payload[0] = (uint8_t)i;
    sums += crc32_iscsi(payload, sizeof payload, 0xffffffffu);
  }
}

static void way_open(struct way *w, enum io_choice choice, bool coalesce) {
  struct weft_error err = {0};
  const struct io_config config = {.gro_off = !coalesce};
  if (io_open(choice, &config, &w->io, &err) < 0) fail(err.text);
  const int port = io_udp_open(w->io, "127.0.0.1", 0, 1, &err);
  if (port < 0 || io_sender_open("127.0.0.1", (uint16_t)port, coalesce, &w->sender, &err) < 0) fail(err.text);
}

static void way_open_bare(struct way *w) {
  struct weft_error err = {0};
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  int bytes = 4 << 20;
  w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (bind(w->fd, (struct sockaddr *)&at, sizeof at) < 0 ||
      getsockname(w->fd, (struct sockaddr *)&at, &size) < 0)
    fail("bind");
  if (io_sender_open("127.0.0.1", ntohs(at.sin_port), false, &w->sender, &err) < 0) fail(err.text);
}

int main(void) {
  enum { BARE, PLAIN, URING, PLAIN_GRO, URING_GRO, WAYS };
  static struct way ways[WAYS];
  struct io *probe = NULL;
  const int uring = io_open(IO_URING, NULL, &probe, NULL) == 0;
  io_close(probe);
  way_open_bare(&ways[BARE]);
  way_open(&ways[PLAIN], IO_PLAIN, false);
  way_open(&ways[URING], uring ? IO_URING : IO_PLAIN, false);
  way_open(&ways[PLAIN_GRO], IO_PLAIN, true);
  way_open(&ways[URING_GRO], uring ? IO_URING : IO_PLAIN, true);
  static const char *const names[WAYS] = {"bare recvmmsg", "plain back end", "io_uring back end",
                                          "plain back end, coalesced", "io_uring back end, coalesced"};
  const double items = (double)BURST * ROUNDS;
  struct bench_contestant c[WAYS + 1];
  for (int i = 0; i < WAYS; i++) c[i] = (struct bench_contestant){names[i], run_way, &ways[i], items, 0, 0};
  c[WAYS] = (struct bench_contestant){"CRC32C of the payload", run_crc, NULL, items, 0, 0};
  bench_contest(c, WAYS + 1);
  bench_begin("ingest");
  for (int i = 0; i <= WAYS; i++) {
    char name[100];
    if (!uring && (i == URING || i == URING_GRO)) continue;
    snprintf(name, sizeof name, "%s: 1,024 bytes, per datagram", c[i].name);
    bench_figure(name, c[i].minimum_ns, "ns", i == URING_GRO || i == PLAIN_GRO ? 25 : 0, -1);
  }
  if (uring) bench_ratio("bare recvmmsg over io_uring, not coalesced", &c[BARE], &c[URING], 0.97);
  bench_ratio("bare recvmmsg over plain, not coalesced", &c[BARE], &c[PLAIN], 0);
  if (uring) bench_ratio("bare recvmmsg over io_uring, coalesced", &c[BARE], &c[URING_GRO], 0);
  bench_end();
  for (int i = 0; i < WAYS; i++) {
    io_sender_close(ways[i].sender);
    io_close(ways[i].io);
  }
  return sums == 1 ? 2 : 0;
}

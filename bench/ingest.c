/* Receiving datagrams over loopback: the engine's io_uring and plain back ends, coalesced (UDP_GRO) or not,
 * against a bare loop of recvmmsg, one that asks for nothing and one that asks for arrival times as the back ends do; and on into the
 * columns of a frame: header, CRC, repetitions, every check of admission (`intake_datagram`). Beside them the floor, CRC32C of the
 * datagram. Only receiving is timed: the datagrams lie in the kernel's queue. */
#include <arpa/inet.h>
#include <isa-l/crc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "engine/ingest/config.h"
#include "engine/ingest/frame_builder.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/wire.h"
#include "engine/platform/io.h"
#include "engine/platform/io_send.h"

enum { PAYLOAD_BYTES = 1024, BURST = 240, ROUNDS = 20, VECTORS = 64, CONTROL_BYTES = 64, DATAGRAM_PLOTS_MAX = 15 };
#define NOW_NS INT64_C(1700000000000000000)
static const char site_text[] =
    "sensors:\n"
    "  - {id: 1, kind: radar, position: {lat_deg: 41, lon_deg: 2, height_m: 100},\n"
    "     sigma: {range_m: 50, azimuth_rad: 0.002, elevation_rad: 0.002, range_rate_mps: 3}}\n";

struct way {
  struct io *io; /* NULL: bare recvmmsg on fd */
  struct io_sender *sender;
  int fd;
  bool stamped;   /* a bare one asks for arrival times */
  uint32_t plots; /* in each datagram, which is admitted; 0: any PAYLOAD_BYTES, which are not looked at */
};
static struct io_batch batch;
static uint8_t payload[PAYLOAD_BYTES], buffers[VECTORS][2048], controls[VECTORS][CONTROL_BYTES];
static uint32_t sums;

static struct {
  struct site *site;
  struct ledger ledger;
  struct arena arena;
  struct frame_builder builder;
  struct intake intake;
  uint64_t sequence;
} into;

static void fail(const char *what) {
  fprintf(stderr, "ingest: %s\n", what);
  exit(1);
}

/* A radar's plots in a datagram of the wire format; returns its size. */
static uint32_t datagram_make(uint32_t plots, uint64_t sequence) {
  struct detection plot[DATAGRAM_PLOTS_MAX];
  for (uint32_t p = 0; p < plots; p++)
    plot[p] = (struct detection){.time_ns = NOW_NS + p, .kind = KIND_RADAR, .valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_RANGE_RATE,
                                 .measure = {500000 + p, 1, 0.5, -300}};
  return (uint32_t)wire_detections_encode(payload, sizeof payload, &(struct wire_header){.sensor = 1, .sequence = sequence}, plot, plots);
}

static void burst_send(struct way *w) {
  for (int i = 0; i < BURST; i++) {
    payload[0] = (uint8_t)i;
    uint32_t size = w->plots ? datagram_make(w->plots, ++into.sequence) : PAYLOAD_BYTES;
    if (io_sender_put(w->sender, payload, size) < 0) fail("a datagram was refused");
  }
  if (io_sender_flush(w->sender) < 0) fail("sending failed");
}

static void datagram_take(const struct way *w, const struct io_datagram *datagram) {
  if (w->plots == 0) sums += datagram->data[0];
  else if (intake_datagram(&into.intake, datagram->data, datagram->size, NOW_NS) != INTAKE_ACCEPTED) fail("a datagram was not admitted");
}

static void bare_receive(struct way *w) {
  struct mmsghdr messages[VECTORS];
  struct iovec vectors[VECTORS];
  for (uint32_t got = 0; got < BURST;) {
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < VECTORS; i++) {
      vectors[i] = (struct iovec){buffers[i], sizeof buffers[i]};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      if (w->stamped) messages[i].msg_hdr.msg_control = controls[i];
      if (w->stamped) messages[i].msg_hdr.msg_controllen = sizeof controls[i];
    }
    const int n = recvmmsg(w->fd, messages, VECTORS, MSG_WAITFORONE, NULL);
    if (n <= 0) fail("recvmmsg failed");
    for (int i = 0; i < n; i++) sums += buffers[i][0];
    got += (uint32_t)n;
  }
}

static void burst_receive(struct way *w) {
  if (!w->io) {
    bare_receive(w);
    return;
  }
  for (uint32_t got = 0; got < BURST;) {
    if (io_receive(w->io, &batch, 1000000000) <= 0) fail("a datagram is missing");
    for (uint32_t i = 0; i < batch.datagram_count; i++) datagram_take(w, &batch.datagrams[i]);
    got += batch.datagram_count;
    io_release(w->io, &batch);
  }
}

static void run_way(void *argument) {
  const struct way *w = argument;
  double ns = 0.0;
  for (int round = 0; round < ROUNDS; round++) {
    burst_send(argument);
    const double start = bench_now_ns();
    burst_receive(argument);
    ns += bench_now_ns() - start;
    if (into.builder.open.count != BURST * w->plots) fail("a plot is missing");
    frame_builder_empty(&into.builder);
  }
  bench_counts(ns);
}

/* The floor: CRC32C over so many bytes. */
static void run_crc(void *size) {
  for (int i = 0; i < BURST * ROUNDS; i++) {
    payload[0] = (uint8_t)i;
    sums += crc32_iscsi(payload, *(const int *)size, 0xffffffffu);
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
  int bytes = 4 << 20, on = 1;
  w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  if (w->stamped) setsockopt(w->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (bind(w->fd, (struct sockaddr *)&at, sizeof at) < 0 ||
      getsockname(w->fd, (struct sockaddr *)&at, &size) < 0)
    fail("bind");
  if (io_sender_open("127.0.0.1", ntohs(at.sin_port), false, &w->sender, &err) < 0) fail(err.text);
}

static void into_open(void) {
  struct weft_error err = {0};
  into.site = calloc(1, sizeof *into.site);
  if (!into.site || site_parse(site_text, strlen(site_text), "site", into.site, &err) < 0) fail(err.text);
  if (arena_open(&into.arena, frame_builder_bytes(FRAME_DETECTIONS_MAX) + intake_bytes(into.site)) < 0 ||
      frame_builder_open(&into.builder, &into.arena, FRAME_DETECTIONS_MAX) < 0 ||
      intake_open(&into.intake, &into.arena, into.site, &into.ledger, &into.builder, SITE_TIME_LIVE, NULL) < 0)
    fail("no memory");
  arena_touch(&into.arena);
}

enum { BARE, STAMPED, PLAIN, URING, PLAIN_GRO, URING_GRO, SMALL, LARGE, WAYS, CRC_SMALL = WAYS, CRC_LARGE, CONTESTANTS };

static void told(const struct bench_contestant *c, bool uring) {
  bench_begin("ingest");
  bench_times(c, CONTESTANTS, "datagram");
  bench_figure("112 bytes, one plot: from the kernel to the columns, above the CRC", c[SMALL].minimum_ns - c[CRC_SMALL].minimum_ns, "ns", 25, -1);
  bench_figure("1,008 bytes, 15 plots: the same", c[LARGE].minimum_ns - c[CRC_LARGE].minimum_ns, "ns", 25, -1);
  bench_figure("1,008 bytes, 15 plots: the same, each plot", (c[LARGE].minimum_ns - c[CRC_LARGE].minimum_ns) / DATAGRAM_PLOTS_MAX, "ns", 0, -1);
  if (uring) bench_ratio("bare recvmmsg over io_uring, not coalesced", &c[BARE], &c[URING], 0.97);
  if (uring) bench_ratio("bare recvmmsg with arrival times over io_uring, not coalesced", &c[STAMPED], &c[URING], 0.97);
  bench_ratio("bare recvmmsg over plain, not coalesced", &c[BARE], &c[PLAIN], 0);
  bench_ratio("bare recvmmsg with arrival times over plain, not coalesced", &c[STAMPED], &c[PLAIN], 0);
  if (uring) bench_ratio("bare recvmmsg over io_uring, coalesced", &c[BARE], &c[URING_GRO], 0);
  bench_end();
}

int main(void) {
  static struct way ways[WAYS] = {[STAMPED] = {.stamped = true}, [SMALL] = {.plots = 1}, [LARGE] = {.plots = DATAGRAM_PLOTS_MAX}};
  static int sizes[] = {WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE, WIRE_HEADER_SIZE + DATAGRAM_PLOTS_MAX * WIRE_ENTRY_SIZE};
  struct io *probe = NULL;
  const int uring = io_open(IO_URING, NULL, &probe, NULL) == 0;
  const enum io_choice best = uring ? IO_URING : IO_PLAIN; /* where there is no io_uring its lines are the plain one's */
  io_close(probe);
  into_open();
  way_open_bare(&ways[BARE]);
  way_open_bare(&ways[STAMPED]);
  way_open(&ways[PLAIN], IO_PLAIN, false);
  way_open(&ways[URING], best, false);
  way_open(&ways[PLAIN_GRO], IO_PLAIN, true);
  for (int i = URING_GRO; i < WAYS; i++) way_open(&ways[i], best, true);
  static const char *const names[CONTESTANTS] = {"bare recvmmsg: 1,024 bytes", "bare recvmmsg with arrival times: 1,024 bytes", "plain back end: 1,024 bytes",
                                                 "io_uring back end: 1,024 bytes", "plain back end, coalesced: 1,024 bytes",
                                                 "io_uring back end, coalesced: 1,024 bytes", "coalesced, admitted: 112 bytes, one plot",
                                                 "coalesced, admitted: 1,008 bytes, 15 plots", "CRC32C of 112 bytes", "CRC32C of 1,008 bytes"};
  const double items = (double)BURST * ROUNDS;
  struct bench_contestant c[CONTESTANTS];
  for (int i = 0; i < WAYS; i++) c[i] = (struct bench_contestant){names[i], run_way, &ways[i], items, 0, 0};
  for (int i = WAYS; i < CONTESTANTS; i++) c[i] = (struct bench_contestant){names[i], run_crc, &sizes[i - WAYS], items, 0, 0};
  bench_contest(c, CONTESTANTS);
  told(c, uring);
  for (int i = 0; i < WAYS; i++) {
    io_sender_close(ways[i].sender);
    io_close(ways[i].io);
  }
  arena_close(&into.arena);
  site_free(into.site);
  free(into.site);
  return sums == 1 ? 2 : 0;
}

#include "bench/stream.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "engine/ingest/wire.h"
#include "engine/platform/io_send.h"

enum {
  BURST = 32,               /* datagrams at a time where a rate is kept */
  QUEUE_BYTES_MAX = 1 << 20, /* in the kernel */
  DATAGRAM_BYTES_MAX = WIRE_HEADER_SIZE + STREAM_ENTRIES_MAX * WIRE_ENTRY_SIZE,
  DATAGRAM_KERNEL_BYTES = 2304 /* that the kernel counts for one of up to DATAGRAM_BYTES_MAX: 2 KiB and its own record of it */
};
_Static_assert(DATAGRAM_BYTES_MAX <= 1536, "with what the kernel has before and behind it in 2 KiB");
#define WINDOW_NS INT64_C(100000000)

/* In huge pages: what was made seconds ago a virtual machine's host may have put away, at 15 to 30 us a page when it is sent. */
int stream_reserve(struct stream *stream, size_t bytes) {
  const size_t huge = 2u << 20;
  stream->capacity = (bytes + huge - 1) / huge * huge;
  stream->bytes = aligned_alloc(huge, stream->capacity);
  if (!stream->bytes) return -ENOMEM;
  (void)madvise(stream->bytes, stream->capacity, MADV_HUGEPAGE); /* where there are none the pages are small */
  return 0;
}

static bool datagram_close(struct stream *stream, struct stream_open *one) {
  if (one->count == 0) return true;
  struct wire_header header = {.sensor = one->sensor, .sequence = ++one->sequence, .sent_ns = one->began_ns};
  size_t size = wire_detections_encode(stream->bytes + stream->size, stream->capacity - stream->size, &header, one->entries, one->count);
  if (size == 0) return false;
  stream->size += size;
  stream->datagrams++;
  stream->detections += one->count;
  one->count = 0;
  return true;
}

bool stream_put(struct stream *stream, uint32_t sensor_id, const struct detection *detection) {
  uint32_t s = 0;
  while (s < stream->collecting_count && stream->collecting[s].sensor != sensor_id) s++;
  if (s == STREAM_SENSORS_MAX) return false;
  if (s == stream->collecting_count) stream->collecting[stream->collecting_count++].sensor = sensor_id;
  struct stream_open *one = &stream->collecting[s];
  bool full = one->count == STREAM_ENTRIES_MAX || (one->count > 0 && detection->time_ns - one->began_ns > WINDOW_NS);
  if (full && !datagram_close(stream, one)) return false;
  if (one->count == 0) one->began_ns = detection->time_ns;
  one->entries[one->count++] = *detection;
  return true;
}

bool stream_close(struct stream *stream) {
  bool room = true;
  for (uint32_t s = 0; s < stream->collecting_count; s++) room = datagram_close(stream, &stream->collecting[s]) && room;
  return room;
}

uint32_t stream_datagram_bytes(const struct stream *stream, size_t at) {
  uint32_t body;
  memcpy(&body, stream->bytes + at + WIRE_OFFSET_BODY_SIZE, sizeof body);
  return WIRE_HEADER_SIZE + body;
}

/* Bytes that wait in the kernel for the socket at this port. */
static unsigned long queued(unsigned port) {
  char row[256];
  unsigned long sum = 0, bytes;
  unsigned at;
  FILE *file = fopen("/proc/net/udp", "r");
  while (file && fgets(row, sizeof row, file))
    if (sscanf(row, " %*d: %*x:%4x %*x:%*x %*x %*x:%8lx", &at, &bytes) == 2 && at == port) sum += bytes;
  if (file) fclose(file);
  return sum;
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct player {
  const struct stream *stream;
  struct io_sender *sender;
  size_t at;       /* bytes */
  uint64_t played; /* detections */
};

/* Sends so many datagrams at most, and none once `due` detections are sent. */
static void datagrams_send(struct player *player, uint32_t most, double due) {
  const struct stream *stream = player->stream;
  for (uint32_t i = 0; i < most && player->at < stream->size && (double)player->played < due; i++) {
    uint32_t size = stream_datagram_bytes(stream, player->at);
    (void)io_sender_lend(player->sender, stream->bytes + player->at, size);
    player->at += size;
    player->played += (size - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE;
  }
  (void)io_sender_flush(player->sender);
}

/* At 1,000,000 detections a second a full queue lasts for 15 ms. It is looked at a few times in between, since a look takes some 30 us, and
 * less often while little is taken from it. */
static void play_taken(struct player *player, uint16_t port) {
  enum { PAUSE_NS = 4000000, PAUSE_NS_MAX = 4 * PAUSE_NS };
  struct timespec pause = {.tv_nsec = PAUSE_NS};
  while (player->at < player->stream->size) {
    unsigned long waiting = queued(port);
    if (waiting < QUEUE_BYTES_MAX) datagrams_send(player, (uint32_t)((QUEUE_BYTES_MAX - waiting) / DATAGRAM_KERNEL_BYTES), INFINITY);
    pause.tv_nsec = waiting < QUEUE_BYTES_MAX / 2 ? PAUSE_NS : pause.tv_nsec < PAUSE_NS_MAX ? 2 * pause.tv_nsec : PAUSE_NS_MAX;
    if (player->at < player->stream->size) nanosleep(&pause, NULL);
  }
}

static const struct timespec tick = {.tv_nsec = 200000};

static void play_at_rate(struct player *player, double rate_per_s) {
  double began_s = now_s();
  while (player->at < player->stream->size) {
    double due = (now_s() - began_s) * rate_per_s;
    datagrams_send(player, BURST, due);
    if ((double)player->played >= due && player->at < player->stream->size) nanosleep(&tick, NULL);
  }
}

int stream_play(const struct stream *stream, uint16_t port, double rate_per_s, struct stream_sent *sent) {
  struct player player = {.stream = stream};
  struct weft_error err = {""};
  if (io_sender_open("127.0.0.1", port, true, &player.sender, &err) < 0) return fprintf(stderr, "%s\n", err.text), -1;
  double began_s = now_s();
  if (rate_per_s > 0) play_at_rate(&player, rate_per_s);
  else play_taken(&player, port);
  while (queued(port) > 0) nanosleep(&tick, NULL);
  *sent = (struct stream_sent){.seconds = now_s() - began_s, .failed = io_sender_failed(player.sender)};
  io_sender_close(player.sender);
  return 0;
}

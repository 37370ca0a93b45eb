#include "bench/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/ingest/wire.h"
#include "engine/platform/io_send.h"

enum { BURST = 32, QUEUE_MAX = 1 << 20 };
#define WINDOW_NS INT64_C(100000000)

int stream_reserve(struct stream *stream, size_t bytes) {
  stream->bytes = malloc(bytes);
  stream->capacity = stream->bytes ? bytes : 0;
  return stream->bytes ? 0 : -ENOMEM;
}

static bool datagram_close(struct stream *stream, struct stream_open *one) {
  if (one->count == 0) return true;
  struct wire_header header = {.sensor = one->sensor, .sequence = ++one->sequence, .sent_ns = one->began_ns};
  size_t at = stream->size + 4;
  if (at > stream->capacity) return false;
  size_t size = wire_detections_encode(stream->bytes + at, stream->capacity - at, &header, one->entries, one->count);
  if (size == 0) return false;
  uint32_t told = (uint32_t)size;
  memcpy(stream->bytes + stream->size, &told, 4);
  stream->size = at + size;
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

int stream_play(const struct stream *stream, uint16_t port, double rate_per_s, struct stream_sent *sent) {
  static const struct timespec pause = {.tv_nsec = 200000};
  struct io_sender *sender;
  struct weft_error err = {""};
  if (io_sender_open("127.0.0.1", port, true, &sender, &err) < 0) return fprintf(stderr, "%s\n", err.text), -1;
  double began_s = now_s();
  uint64_t played = 0; /* detections */
  for (size_t at = 0; at < stream->size;) {
    double due = rate_per_s > 0 ? (now_s() - began_s) * rate_per_s : (double)stream->detections;
    for (int i = 0; i < BURST && at < stream->size && (double)played < due; i++) {
      uint32_t size;
      memcpy(&size, stream->bytes + at, 4);
      (void)io_sender_put(sender, stream->bytes + at + 4, size);
      at += 4 + size;
      played += (size - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE;
    }
    (void)io_sender_flush(sender);
    if ((double)played >= due && at < stream->size) nanosleep(&pause, NULL);
    while (rate_per_s == 0 && queued(port) > QUEUE_MAX) nanosleep(&pause, NULL);
  }
  while (queued(port) > 0) nanosleep(&pause, NULL);
  *sent = (struct stream_sent){.seconds = now_s() - began_s, .failed = io_sender_failed(sender)};
  io_sender_close(sender);
  return 0;
}

/* A recording sent at a rate, or as fast as it is taken: a CSV of detections, made into datagrams beforehand (what one sensor measured
 * within 100 ms, 20 at most), over loopback UDP. It waits while the kernel's queue of the port is a megabyte long, so that
 * nothing is lost. Usage: bench_recording_sender PORT FILE DETECTIONS_MAX RATE, in detections per second, 0: as fast as it
 * is taken. Prints what it sent as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/ingest/csv.h"
#include "engine/ingest/wire.h"
#include "engine/platform/io_send.h"

enum { SENSORS_MAX = 64, ENTRIES_MAX = 20, BURST = 32, QUEUE_MAX = 1 << 20, STREAM_MAX = 1 << 28 };
#define WINDOW_NS INT64_C(100000000)

struct open_datagram {
  uint32_t sensor;
  uint32_t count;
  uint64_t sequence;
  int64_t began_ns;
  struct detection entries[ENTRIES_MAX];
};

static struct open_datagram collecting[SENSORS_MAX];
static uint32_t collecting_count;
static uint8_t *stream; /* each datagram behind its u32 size */
static size_t stream_size;
static uint64_t datagrams, detections;

static void datagram_close(struct open_datagram *one) {
  if (one->count == 0) return;
  struct wire_header header = {.sensor = one->sensor, .sequence = ++one->sequence, .sent_ns = one->began_ns};
  size_t at = stream_size + 4, size = wire_detections_encode(stream + at, STREAM_MAX - at, &header, one->entries, one->count);
  if (size == 0) {
    fprintf(stderr, "bench_recording_sender: more than %d bytes of datagrams; give a smaller DETECTIONS_MAX\n", STREAM_MAX);
    exit(1);
  }
  uint32_t told = (uint32_t)size;
  memcpy(stream + stream_size, &told, 4);
  stream_size = at + size;
  datagrams++;
  detections += one->count;
  one->count = 0;
}

static void detection_put(const struct detection *detection) {
  uint32_t s = 0;
  while (s < collecting_count && collecting[s].sensor != detection->sensor) s++;
  if (s == SENSORS_MAX) return;
  if (s == collecting_count) collecting[collecting_count++].sensor = detection->sensor;
  struct open_datagram *one = &collecting[s];
  if (one->count == ENTRIES_MAX || (one->count > 0 && detection->time_ns - one->began_ns > WINDOW_NS)) datagram_close(one);
  if (one->count == 0) one->began_ns = detection->time_ns;
  one->entries[one->count++] = *detection;
}

static int recording_read(const char *path, uint64_t most) {
  static uint8_t chunk[1 << 16];
  static struct csv_reader reader;
  FILE *file = fopen(path, "rb");
  size_t size;
  uint64_t taken = 0;
  if (!file) return fprintf(stderr, "bench_recording_sender: %s can't be read\n", path), -1;
  csv_open(&reader, path, NULL);
  while (taken < most && (size = fread(chunk, 1, sizeof chunk, file)) > 0) {
    const uint8_t *data = chunk;
    struct csv_line line;
    enum csv_status status;
    while (taken < most && (status = csv_take(&reader, &data, &size, &line)) != CSV_MORE) {
      if (status != CSV_DETECTION) return fprintf(stderr, "%s\n", line.error.text), fclose(file), -1;
      detection_put(&line.detection);
      taken++;
    }
  }
  fclose(file);
  for (uint32_t s = 0; s < collecting_count; s++) datagram_close(&collecting[s]);
  return 0;
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

int main(int argc, char **argv) {
  if (argc != 5) return fprintf(stderr, "usage: bench_recording_sender PORT FILE DETECTIONS_MAX RATE\n"), 2;
  double rate_per_s = atof(argv[4]);
  unsigned port = (unsigned)atoi(argv[1]);
  struct io_sender *sender;
  struct weft_error err = {""};
  stream = malloc(STREAM_MAX);
  if (!stream || recording_read(argv[2], strtoull(argv[3], NULL, 10)) < 0) return 1;
  if (io_sender_open("127.0.0.1", (uint16_t)port, true, &sender, &err) < 0)
    return fprintf(stderr, "bench_recording_sender: %s\n", err.text), 1;
  static const struct timespec pause = {.tv_nsec = 200000};
  double began_s = now_s();
  uint64_t sent = 0; /* detections */
  for (size_t at = 0; at < stream_size;) {
    double due = rate_per_s > 0 ? (now_s() - began_s) * rate_per_s : (double)detections;
    for (int i = 0; i < BURST && at < stream_size && (double)sent < due; i++) {
      uint32_t size;
      memcpy(&size, stream + at, 4);
      (void)io_sender_put(sender, stream + at + 4, size);
      at += 4 + size;
      sent += (size - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE;
    }
    (void)io_sender_flush(sender);
    if ((double)sent >= due && at < stream_size) nanosleep(&pause, NULL);
    while (queued(port) > QUEUE_MAX) nanosleep(&pause, NULL);
  }
  while (queued(port) > 0) nanosleep(&pause, NULL);
  printf("{\"datagrams\":%llu,\"detections\":%llu,\"failed\":%llu,\"seconds\":%.6f}\n", (unsigned long long)datagrams,
         (unsigned long long)detections, (unsigned long long)io_sender_failed(sender), now_s() - began_s);
  io_sender_close(sender);
  free(stream);
  return 0;
}

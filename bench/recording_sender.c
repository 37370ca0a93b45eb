/* A recording (recording_stream.h) sent over loopback UDP, as fast as it is taken: it waits while the kernel's queue of the port is a
 * megabyte long, so that nothing is lost; or at a rate that is kept whatever becomes of it. Usage: bench_recording_sender PORT FILE
 * DETECTIONS_MAX RATE, in detections per second, 0: as fast as it is taken. Prints what it sent as JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/recording_stream.h"
#include "engine/platform/io_send.h"

enum { BURST = 32, QUEUE_MAX = 1 << 20 };

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
  struct recording_stream stream;
  struct recording_datagram one;
  struct weft_error err = {""};
  if (recording_stream_open(&stream, argv[2], strtoull(argv[3], NULL, 10)) < 0) return 1;
  if (io_sender_open("127.0.0.1", (uint16_t)port, true, &sender, &err) < 0)
    return fprintf(stderr, "bench_recording_sender: %s\n", err.text), 1;
  static const struct timespec pause = {.tv_nsec = 200000};
  double began_s = now_s();
  uint64_t sent = 0; /* detections */
  for (size_t at = 0; at < stream.size;) {
    double due = rate_per_s > 0 ? (now_s() - began_s) * rate_per_s : (double)stream.detections;
    for (int i = 0; i < BURST && (double)sent < due && recording_stream_next(&stream, &at, &one); i++) {
      (void)io_sender_put(sender, one.data, one.size);
      sent += one.detections;
    }
    (void)io_sender_flush(sender);
    if ((double)sent >= due && at < stream.size) nanosleep(&pause, NULL);
    while (rate_per_s == 0 && queued(port) > QUEUE_MAX) nanosleep(&pause, NULL);
  }
  double seconds = now_s() - began_s;
  while (queued(port) > 0) nanosleep(&pause, NULL);
  printf("{\"datagrams\":%llu,\"detections\":%llu,\"failed\":%llu,\"sending\":%.6f,\"seconds\":%.6f}\n", (unsigned long long)stream.datagrams,
         (unsigned long long)stream.detections, (unsigned long long)io_sender_failed(sender), seconds, now_s() - began_s);
  io_sender_close(sender);
  recording_stream_close(&stream);
  return 0;
}

/* A recording sent over loopback UDP: a CSV of detections, made into datagrams beforehand (stream.h), as fast as it is taken or at a
 * rate. Usage: bench_recording_sender PORT FILE DETECTIONS_MAX RATE, in detections per second, 0: as fast as it is taken. Prints what it
 * sent as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/stream.h"
#include "engine/ingest/csv.h"

enum { STREAM_MAX_BYTES = 1 << 28 };

static int recording_read(struct stream *stream, const char *path, uint64_t most) {
  static uint8_t chunk[1 << 16];
  static struct csv_reader reader;
  FILE *file = fopen(path, "rb");
  size_t size;
  uint64_t taken = 0;
  bool room = true;
  if (!file) return fprintf(stderr, "bench_recording_sender: %s can't be read\n", path), -1;
  csv_open(&reader, path, NULL);
  while (room && taken < most && (size = fread(chunk, 1, sizeof chunk, file)) > 0) {
    const uint8_t *data = chunk;
    struct csv_line line;
    enum csv_status status;
    while (room && taken < most && (status = csv_take(&reader, &data, &size, &line)) != CSV_MORE) {
      if (status != CSV_DETECTION) return fprintf(stderr, "%s\n", line.error.text), fclose(file), -1;
      room = stream_put(stream, line.detection.sensor, &line.detection);
      taken++;
    }
  }
  fclose(file);
  if (room && stream_close(stream)) return 0;
  fprintf(stderr, "bench_recording_sender: more than %d bytes of datagrams or %d sensors; give a smaller DETECTIONS_MAX\n", STREAM_MAX_BYTES,
          STREAM_SENSORS_MAX);
  return -1;
}

int main(int argc, char **argv) {
  static struct stream stream;
  struct stream_sent sent;
  if (argc != 5) return fprintf(stderr, "usage: bench_recording_sender PORT FILE DETECTIONS_MAX RATE\n"), 2;
  if (stream_reserve(&stream, STREAM_MAX_BYTES) < 0 || recording_read(&stream, argv[2], strtoull(argv[3], NULL, 10)) < 0) return 1;
  if (stream_play(&stream, (uint16_t)atoi(argv[1]), atof(argv[4]), &sent) < 0) return 1;
  printf("{\"datagrams\":%llu,\"detections\":%llu,\"failed\":%llu,\"seconds\":%.6f}\n", (unsigned long long)stream.datagrams,
         (unsigned long long)stream.detections, (unsigned long long)sent.failed, sent.seconds);
  free(stream.bytes);
  return 0;
}

#include "bench/recording_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ingest/csv.h"
#include "engine/ingest/wire.h"

enum { SENSORS_MAX = 64, ENTRIES_MAX = 20, STREAM_MAX = 1 << 28 };
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
static struct recording_stream *stream; /* being filled */

static void datagram_close(struct open_datagram *one) {
  if (one->count == 0) return;
  struct wire_header header = {.sensor = one->sensor, .sequence = ++one->sequence, .sent_ns = one->began_ns};
  size_t at = stream->size + 4, size = wire_detections_encode(stream->bytes + at, STREAM_MAX - at, &header, one->entries, one->count);
  if (size == 0) {
    fprintf(stderr, "a recording of more than %d bytes of datagrams; give a smaller DETECTIONS_MAX\n", STREAM_MAX);
    exit(1);
  }
  uint32_t told = (uint32_t)size;
  memcpy(stream->bytes + stream->size, &told, 4);
  stream->size = at + size;
  stream->datagrams++;
  stream->detections += one->count;
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
  if (!file) return fprintf(stderr, "%s can't be read\n", path), -1;
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

int recording_stream_open(struct recording_stream *out, const char *path, uint64_t most) {
  *out = (struct recording_stream){.bytes = malloc(STREAM_MAX)};
  stream = out;
  if (!out->bytes) return fprintf(stderr, "no memory for %s\n", path), -1;
  return recording_read(path, most);
}

bool recording_stream_next(const struct recording_stream *in, size_t *at, struct recording_datagram *out) {
  if (*at >= in->size) return false;
  memcpy(&out->size, in->bytes + *at, 4);
  out->data = in->bytes + *at + 4;
  out->detections = (out->size - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE;
  *at += 4 + out->size;
  return true;
}

void recording_stream_close(struct recording_stream *old) {
  free(old->bytes);
  *old = (struct recording_stream){0};
}

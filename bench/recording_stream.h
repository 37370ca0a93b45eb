/* A recording as datagrams: a CSV of detections, what one sensor measured within 100 ms in one, 20 at most. */
#ifndef BENCH_RECORDING_STREAM_H
#define BENCH_RECORDING_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recording_stream {
  uint8_t *bytes; /* each datagram behind its u32 size */
  size_t size;
  uint64_t datagrams, detections;
};

struct recording_datagram {
  const uint8_t *data;
  uint32_t size, detections;
};

/* At most `most` detections. 0, or -1 with a word on stderr. */
int recording_stream_open(struct recording_stream *stream, const char *path, uint64_t most);
/* The datagram at *at, which is then that of the next; false at the end. */
bool recording_stream_next(const struct recording_stream *stream, size_t *at, struct recording_datagram *out);
void recording_stream_close(struct recording_stream *stream);

#endif

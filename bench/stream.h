/* Datagrams made beforehand and sent over loopback UDP at a rate that is kept whatever becomes of them, or as fast as they are taken:
 * it sends what surely fits in a queue of a megabyte in the kernel, so that nothing is lost. */
#ifndef BENCH_STREAM_H
#define BENCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/domain/detection.h"

enum { STREAM_SENSORS_MAX = 64, STREAM_ENTRIES_MAX = 20 };

/* A datagram that is being filled: what one sensor measured within 100 ms. */
struct stream_open {
  uint32_t sensor; /* id */
  uint32_t count;
  uint64_t sequence;
  int64_t began_ns;
  struct detection entries[STREAM_ENTRIES_MAX];
};

struct stream {
  uint8_t *bytes; /* datagrams, one behind the other */
  size_t size, capacity;
  uint64_t datagrams, detections;
  struct stream_open collecting[STREAM_SENSORS_MAX];
  uint32_t collecting_count;
};

/* Room for so many bytes; 0 or -ENOMEM. */
int stream_reserve(struct stream *stream, size_t bytes);
/* Adds a detection of the sensor with this id. False where there is no more room. */
bool stream_put(struct stream *stream, uint32_t sensor_id, const struct detection *detection);
/* Closes what is open; sequence numbers go on. False where there is no more room. */
bool stream_close(struct stream *stream);

/* Size of the datagram that begins there. */
uint32_t stream_datagram_bytes(const struct stream *stream, size_t at);

struct stream_sent {
  double seconds; /* until the last was sent and the kernel's queue was empty */
  uint64_t failed; /* datagrams that the kernel refused */
};

/* rate_per_s: detections per second, 0: as fast as they are taken. 0, or -1 with a line on stderr. */
int stream_play(const struct stream *stream, uint16_t port, double rate_per_s, struct stream_sent *sent);

#endif

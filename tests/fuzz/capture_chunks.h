/* A recording read whole and in pieces: it must not depend on the pieces, and what is counted is what was
 * seen. */
#ifndef WEFT_FUZZ_CAPTURE_CHUNKS_H
#define WEFT_FUZZ_CAPTURE_CHUNKS_H

#include "engine/ingest/capture.h"
#include "engine/ingest/sniff.h"
#include "engine/ingest/wire.h"
#include "tests/fuzz/fuzz_input.h"

/* What came of one reading. */
struct capture_reading {
  uint64_t sum, datagrams;
  struct capture_counts counts;
  bool broken, whole;
};

static inline void capture_block_add(struct capture_reading *reading, const struct capture_block *out) {
  weft_assert(out->block.size >= ASTERIX_HEAD_SIZE && out->block.size <= ASTERIX_BLOCK_MAX);
  weft_assert(out->block.size == ((uint32_t)out->block.data[1] << 8 | out->block.data[2]));
  reading->sum =
      wire_crc32c((uint32_t)reading->sum, out->block.data, out->block.size) + (uint64_t)out->time_ns * 31;
}

static inline struct capture_reading capture_read(enum capture_kind kind, bool datagrams, const uint8_t *data,
                                                  size_t size, size_t chunk) {
  static struct capture capture;
  struct capture_reading reading = {0};
  struct capture_block out;
  struct weft_error err = {""};
  capture_open(&capture, kind, "fuzz");
  capture.wants_datagrams = datagrams;
  for (size_t at = 0; at < size && !reading.broken; at += chunk) {
    const uint8_t *from = data + at;
    size_t left = size - at < chunk ? size - at : chunk;
    enum capture_status status;
    while ((status = capture_take(&capture, &from, &left, &out, &err)) == CAPTURE_BLOCK ||
           status == CAPTURE_DATAGRAM) {
      if (status == CAPTURE_BLOCK) {
        capture_block_add(&reading, &out);
        continue;
      }
      weft_assert(datagrams && out.datagram_size >= 4 && memcmp(out.datagram, "WEFT", 4) == 0);
      reading.sum = wire_crc32c((uint32_t)reading.sum + 1, out.datagram, out.datagram_size);
      reading.datagrams++;
    }
    reading.broken = status == CAPTURE_BROKEN;
    weft_assert(reading.broken ? err.text[0] != 0 : left == 0 && capture.offset == (size_t)(from - data));
  }
  reading.whole = capture_end(&capture);
  reading.counts = capture.counts;
  const struct capture_counts *c = &capture.counts;
  weft_assert(c->packets == c->payloads + c->fragments + c->other);
  return reading;
}

/* Whole, and in pieces of `chunk` bytes (0: only whole). */
static inline struct capture_reading capture_check(enum capture_kind kind, bool datagrams,
                                                   const uint8_t *data, size_t size, size_t chunk) {
  struct capture_reading whole = capture_read(kind, datagrams, data, size, size + 1);
  (void)sniff_file(data, size);
  if (chunk == 0) return whole;
  struct capture_reading pieces = capture_read(kind, datagrams, data, size, chunk);
  weft_assert(memcmp(&whole.counts, &pieces.counts, sizeof whole.counts) == 0);
  weft_assert(whole.sum == pieces.sum && whole.datagrams == pieces.datagrams &&
              whole.broken == pieces.broken && whole.whole == pieces.whole);
  return whole;
}

#endif

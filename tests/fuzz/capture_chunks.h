/* Reads a recording in pieces of `chunk` bytes and sums up what came of it: the sum must not depend on the pieces. */
#ifndef WEFT_FUZZ_CAPTURE_CHUNKS_H
#define WEFT_FUZZ_CAPTURE_CHUNKS_H

#include "engine/base/check.h"
#include "engine/ingest/capture.h"
#include "engine/ingest/sniff.h"

static inline uint64_t capture_read_chunks(enum capture_kind kind, const uint8_t *data, size_t size, size_t chunk) {
  static struct capture capture;
  uint64_t sum = 0;
  struct capture_block out;
  struct weft_error err;
  capture_open(&capture, kind, "fuzz");
  for (size_t at = 0; at < size; at += chunk) {
    const uint8_t *from = data + at;
    size_t left = size - at < chunk ? size - at : chunk;
    enum capture_status status;
    while ((status = capture_take(&capture, &from, &left, &out, &err)) == CAPTURE_BLOCK)
      for (uint32_t i = 0; i < out.block.size; i++) sum = sum * 31 + out.block.data[i] + (uint64_t)out.time_ns;
    if (status == CAPTURE_BROKEN) break;
  }
  (void)capture_end(&capture);
  return sum * 31 + capture.counts.blocks + capture.counts.cut;
}

#endif

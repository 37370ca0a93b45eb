/* Any bytes as a gps recording: whole and in small chunks it must read the same. */
#include "engine/base/check.h"
#include "engine/ingest/capture.h"
#include "engine/ingest/sniff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct capture capture;

static uint64_t read_chunks(const uint8_t *data, size_t size, size_t chunk) {
  uint64_t sum = 0;
  struct capture_block out;
  struct weft_error err;
  capture_open(&capture, CAPTURE_GPS, "fuzz");
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)sniff_file(data, size);
  weft_assert(read_chunks(data, size, size + 1) == read_chunks(data, size, 11));
  return 0;
}

/* Any bytes as a gps recording: whole and in small chunks it must read the same. */
#include "tests/fuzz/capture_chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  (void)sniff_file(data, size);
  weft_assert(capture_read_chunks(CAPTURE_GPS, data, size, size + 1) == capture_read_chunks(CAPTURE_GPS, data, size, 11));
  return 0;
}

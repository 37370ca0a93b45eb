/* Any bytes as a datagram, as entries, and as a TCP stream cut in two. */
#include "engine/base/check.h"
#include "engine/ingest/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct wire_header header;
  if (wire_header_decode(data, size, &header) == WIRE_OK && header.type != WIRE_PARITY) {
    (void)wire_crc_ok(data, size);
    weft_assert(header.body_size == size - WIRE_HEADER_SIZE);
    weft_assert((size_t)header.count * WIRE_ENTRY_SIZE <= header.body_size);
  }
  for (size_t at = 0; at + WIRE_ENTRY_SIZE <= size; at += WIRE_ENTRY_SIZE) {
    struct detection d;
    struct sensor_state s;
    if (wire_detection_decode(data + at, &d) == WIRE_OK) weft_assert(detection_check(&d) == WIRE_OK);
    (void)wire_state_decode(data + at, &s);
  }
  static struct wire_stream stream;
  stream.used = 0;
  stream.broken = false;
  size_t first = size ? data[0] % (size + 1) : 0, taken = 0;
  const uint8_t *from[2] = {data, data + first};
  size_t left[2] = {first, size - first};
  for (int i = 0; i < 2; i++) {
    const uint8_t *datagram;
    uint32_t datagram_size;
    while (wire_stream_take(&stream, &from[i], &left[i], &datagram, &datagram_size) == WIRE_STREAM_DATAGRAM) {
      taken += 4 + (size_t)datagram_size;
      weft_assert(taken <= size);
      (void)wire_header_decode(datagram, datagram_size, &header);
    }
  }
  return 0;
}

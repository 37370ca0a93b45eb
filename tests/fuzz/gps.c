/* Bytes as a .gps recording: as they come, and as blocks of any content between a header and trailers that
 * are where they belong. */
// length: 128
#include "tests/fuzz/capture_chunks.h"

enum { RECORDING_MAX = 8192 };

/* Header, then blocks with their trailers. The last may be cut short. */
static void blocks_take(struct input *in, size_t chunk) {
  static uint8_t recording[RECORDING_MAX];
  uint8_t head = input_u8(in), cut = input_u8(in);
  size_t used = CAPTURE_GPS_HEAD, given;
  uint64_t blocks = 0;
  memset(recording, head, CAPTURE_GPS_HEAD);
  while (in->left > 0 && used < RECORDING_MAX - 300) {
    uint8_t length = input_u8(in);
    recording[used] = input_u8(in);
    recording[used + 1] = 0;
    const uint8_t *piece = input_piece(in, length, &given);
    if (given > 0) memcpy(recording + used + 3, piece, given);
    given = given > 255 - ASTERIX_HEAD_SIZE ? 255 - ASTERIX_HEAD_SIZE : given;
    recording[used + 2] = (uint8_t)(given + ASTERIX_HEAD_SIZE);
    used += ASTERIX_HEAD_SIZE + given;
    memset(recording + used, 0xa5, CAPTURE_GPS_TRAILER);
    used += CAPTURE_GPS_TRAILER;
    blocks++;
  }
  if (blocks == 0) return;
  bool whole = cut <= CAPTURE_GPS_TRAILER; /* it may end within or before the last trailer */
  used -= whole ? cut : CAPTURE_GPS_TRAILER + 1;
  struct capture_reading reading = capture_check(CAPTURE_GPS, false, recording, used, chunk);
  weft_assert(!reading.broken && reading.whole == whole);
  weft_assert(reading.counts.blocks == (whole ? blocks : blocks - 1) && reading.counts.cut == !whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  size_t chunk = (choice >> 1) * 3u;
  if (choice & 1)
    blocks_take(&in, chunk);
  else
    capture_check(CAPTURE_GPS, false, in.at, in.left, chunk);
  return 0;
}

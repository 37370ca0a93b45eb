/* Bytes as a datagram: as they come; with their header, length and CRC made right, so that what is behind
 * them is reached; and as a TCP stream in pieces. What is taken encodes to the same again. */
// length: 192
#include <stdlib.h>

#include "engine/ingest/wire.h"
#include "tests/fuzz/fuzz_input.h"

enum { MODE_RAW, MODE_REPAIRED, MODE_STREAM, MODES, STREAM_MAX = 8192, ENTRIES = 64 };

static void detections_again(const struct wire_header *header, const uint8_t *body, uint32_t count) {
  static struct detection taken[ENTRIES];
  static uint8_t out[WIRE_HEADER_SIZE + ENTRIES * WIRE_ENTRY_SIZE];
  uint32_t good = 0;
  for (uint32_t i = 0; i < count && good < ENTRIES; i++) {
    if (wire_detection_decode(body + (size_t)i * WIRE_ENTRY_SIZE, &taken[good]) != WIRE_OK) continue;
    contract_check(&taken[good++]);
  }
  size_t size = wire_detections_encode(out, sizeof out, header, taken, good);
  struct wire_header again;
  weft_assert(size == WIRE_HEADER_SIZE + (size_t)good * WIRE_ENTRY_SIZE && wire_crc_ok(out, size));
  weft_assert(wire_header_decode(out, size, &again) == WIRE_OK && again.count == good);
  weft_assert(again.sensor == header->sensor && again.sequence == header->sequence);
  for (uint32_t i = 0; i < good; i++) {
    struct detection d;
    weft_assert(wire_detection_decode(out + WIRE_HEADER_SIZE + (size_t)i * WIRE_ENTRY_SIZE, &d) == WIRE_OK);
    weft_assert(memcmp(&d, &taken[i], sizeof d) == 0);
  }
}

static void states_again(const struct wire_header *header, const uint8_t *body, uint32_t count) {
  static struct sensor_state taken[ENTRIES];
  static uint8_t out[WIRE_HEADER_SIZE + ENTRIES * WIRE_ENTRY_SIZE];
  uint32_t good = 0;
  for (uint32_t i = 0; i < count && good < ENTRIES; i++) {
    struct sensor_state *s = &taken[good];
    if (wire_state_decode(body + (size_t)i * WIRE_ENTRY_SIZE, s) != WIRE_OK) continue;
    weft_assert(hypot(hypot(s->position_m[0], s->position_m[1]), s->position_m[2]) > 6.29e6 &&
                s->status <= SENSOR_DOWN);
    for (int k = 0; k < 3; k++) weft_assert(fabs(s->position_m[k]) <= 1e8 && fabs(s->velocity_mps[k]) <= 1e6);
    good++;
  }
  size_t size = wire_states_encode(out, sizeof out, header, taken, good);
  weft_assert(size == WIRE_HEADER_SIZE + (size_t)good * WIRE_ENTRY_SIZE && wire_crc_ok(out, size));
  for (uint32_t i = 0; i < good; i++) {
    struct sensor_state s;
    weft_assert(wire_state_decode(out + WIRE_HEADER_SIZE + (size_t)i * WIRE_ENTRY_SIZE, &s) == WIRE_OK);
    weft_assert(memcmp(&s, &taken[i], sizeof s) == 0);
  }
}

static void parity_again(const struct wire_header *header, const uint8_t *datagram, size_t size) {
  struct wire_parity parity;
  const uint8_t *body = datagram + WIRE_HEADER_SIZE;
  if (!wire_parity_decode(body, size - WIRE_HEADER_SIZE, &parity)) return;
  weft_assert(parity.k > 0 && parity.index < parity.m && parity.k + parity.m <= 256);
  weft_assert(parity.length == size - WIRE_HEADER_SIZE - WIRE_PARITY_HEAD_SIZE);
  uint8_t *out = malloc(size);
  weft_assert(out);
  memcpy(out, datagram, size);
  struct wire_parity again;
  weft_assert(wire_parity_encode(out, size, header, &parity) == size && wire_crc_ok(out, size));
  weft_assert(wire_parity_decode(out + WIRE_HEADER_SIZE, size - WIRE_HEADER_SIZE, &again));
  weft_assert(again.first == parity.first && again.k == parity.k && again.m == parity.m);
  weft_assert(again.index == parity.index && again.length == parity.length);
  weft_assert(memcmp(out + WIRE_HEADER_SIZE, body, 11) == 0); /* the twelfth byte is sent as 0 and ignored */
  free(out);
}

/* A datagram as admission would take it: its header first, then what it holds. */
static void datagram_take(const uint8_t *data, size_t size) {
  struct wire_header header;
  if (wire_header_decode(data, size, &header) != WIRE_OK) return;
  weft_assert(header.body_size == size - WIRE_HEADER_SIZE);
  const uint8_t *body = data + WIRE_HEADER_SIZE;
  if (header.flags & WIRE_SEALED) {
    weft_assert(header.body_size >= WIRE_TAG_SIZE);
    return;
  }
  if (header.type == WIRE_PARITY) {
    parity_again(&header, data, size);
    return;
  }
  weft_assert((size_t)header.count * WIRE_ENTRY_SIZE == header.body_size);
  if (header.type == WIRE_DETECTIONS)
    detections_again(&header, body, header.count);
  else
    states_again(&header, body, header.count);
}

/* The same bytes under a header that is right in form, and a CRC that is; one bit of it changed must show. */
static void repaired_take(struct input *in) {
  uint8_t choice = input_u8(in), flip = input_u8(in);
  uint16_t place = input_u16(in);
  size_t size = in->left < WIRE_HEADER_SIZE ? WIRE_HEADER_SIZE : in->left;
  uint8_t *datagram = malloc(size); /* exactly as long, so that a read beyond the end shows */
  weft_assert(datagram);
  input_take(in, datagram, size);
  uint32_t body = (uint32_t)size - WIRE_HEADER_SIZE, tag = choice & 8 ? WIRE_TAG_SIZE : 0;
  uint16_t count = (uint16_t)((body >= tag ? body - tag : 0) / WIRE_ENTRY_SIZE);
  memcpy(datagram, "WEFT\1", 5);
  datagram[5] = (uint8_t)(1 + choice % 3);
  datagram[WIRE_OFFSET_FLAGS] = choice >> 2 & 3;
  datagram[WIRE_OFFSET_FLAGS + 1] = 0;
  memcpy(datagram + 12, &count, 2);
  memcpy(datagram + WIRE_OFFSET_BODY_SIZE, &body, 4);
  if (datagram[5] == WIRE_PARITY && body >= WIRE_PARITY_HEAD_SIZE) {
    uint32_t length = body - WIRE_PARITY_HEAD_SIZE;
    memcpy(datagram + WIRE_HEADER_SIZE + 12, &length, 4);
  }
  wire_crc_write(datagram, size);
  weft_assert(wire_crc_ok(datagram, size));
  datagram_take(datagram, size);
  if (flip != 0) {
    datagram[place % size] ^= flip;
    weft_assert(!wire_crc_ok(datagram, size));
  }
  free(datagram);
}

/* Datagrams with their lengths before them, some of them lies, in pieces of any size: out comes what went in.
 */
static void stream_take(struct input *in) {
  static struct wire_stream stream;
  static uint8_t bytes[STREAM_MAX];
  uint8_t step = input_u8(in);
  size_t used = 0, length;
  while (in->left > 0 && used < STREAM_MAX - 4 - 255) {
    uint32_t told = input_u8(in);
    const uint8_t *piece = input_piece(in, told, &length);
    if (told == 255 && length >= 4) memcpy(&told, piece, 4); /* any length at all */
    memcpy(bytes + used, &told, 4);
    if (length > 0) memcpy(bytes + used + 4, piece, length);
    used += 4 + length;
  }
  stream.used = 0;
  stream.broken = false;
  size_t expected = 0;
  for (size_t at = 0; at < used && !stream.broken;) {
    size_t left = step == 0 || used - at < step ? used - at : step;
    const uint8_t *from = bytes + at, *datagram;
    uint32_t size, told;
    at += left;
    while (wire_stream_take(&stream, &from, &left, &datagram, &size) == WIRE_STREAM_DATAGRAM) {
      memcpy(&told, bytes + expected, 4);
      weft_assert(told == size && size <= used - expected - 4 &&
                  memcmp(datagram, bytes + expected + 4, size) == 0);
      expected += 4 + (size_t)size;
    }
    weft_assert(left == 0 || stream.broken);
  }
  if (used - expected < 4) return;
  uint32_t told;
  memcpy(&told, bytes + expected, 4);
  weft_assert(stream.broken == (told > WIRE_DATAGRAM_MAX) && (stream.broken || told > used - expected - 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct input in = {data, size};
  switch (input_u8(&in) % MODES) {
  case MODE_RAW:
    datagram_take(in.at, in.left);
    break;
  case MODE_REPAIRED:
    repaired_take(&in);
    break;
  default:
    stream_take(&in);
    break;
  }
  return 0;
}

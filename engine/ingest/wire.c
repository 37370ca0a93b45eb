#include "engine/ingest/wire.h"

#include <immintrin.h>
#include <limits.h>
#include <string.h>

#include <isa-l/crc.h>

#include "engine/base/check.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire is little-endian and read by memcpy");

static const uint8_t magic[4] = {'W', 'E', 'F', 'T'};

static uint16_t read_u16(const uint8_t *at) {
  uint16_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

static uint32_t read_u32(const uint8_t *at) {
  uint32_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

static uint64_t read_u64(const uint8_t *at) {
  uint64_t v;
  memcpy(&v, at, sizeof v);
  return v;
}

static void write_bytes(uint8_t *at, const void *value, size_t size) { memcpy(at, value, size); }

enum refusal wire_refusal(enum wire_verdict verdict) {
  static const enum refusal refusals[] = {[WIRE_MALFORMED] = REFUSAL_MALFORMED,
                                          [WIRE_VERSION] = REFUSAL_VERSION,
                                          [WIRE_NOT_FINITE] = REFUSAL_NOT_FINITE,
                                          [WIRE_OUT_OF_RANGE] = REFUSAL_OUT_OF_RANGE};
  weft_assert(verdict != WIRE_OK);
  return refusals[verdict];
}

/* Both inversions left to the caller. ISA-L's way is the fastest for long pieces, but takes as long for 16 bytes as for 128; its type does not
 * promise to leave the bytes alone. */
static uint32_t crc_raw(uint32_t crc, const uint8_t *data, size_t size) {
  enum { SHORT_BYTES = 128 };
  if (size > SHORT_BYTES) return (uint32_t)crc32_iscsi((unsigned char *)(uintptr_t)data, (int)size, crc);
  uint64_t sum = crc;
  for (; size >= 8; size -= 8, data += 8) sum = _mm_crc32_u64(sum, read_u64(data));
  for (; size > 0; size--, data++) sum = _mm_crc32_u8((uint32_t)sum, *data);
  return (uint32_t)sum;
}

uint32_t wire_crc32c(uint32_t crc, const void *data, size_t size) {
  weft_assert(size <= INT_MAX);
  return ~crc_raw(~crc, data, size);
}

bool wire_crc_ok(const uint8_t *data, size_t size) {
  weft_assert(size >= WIRE_HEADER_SIZE && size <= INT_MAX);
  _Static_assert(WIRE_OFFSET_CRC == 36, "the CRC is the upper half of the word at 32");
  uint64_t sum = UINT32_MAX;
  for (size_t at = 0; at < WIRE_HEADER_SIZE; at += 8) sum = _mm_crc32_u64(sum, at == 32 ? read_u32(data + at) : read_u64(data + at));
  return ~crc_raw((uint32_t)sum, data + WIRE_HEADER_SIZE, size - WIRE_HEADER_SIZE) == read_u32(data + WIRE_OFFSET_CRC);
}

void wire_crc_write(uint8_t *data, size_t size) {
  weft_assert(size >= WIRE_HEADER_SIZE);
  memset(data + WIRE_OFFSET_CRC, 0, 4);
  uint32_t crc = wire_crc32c(0, data, size);
  write_bytes(data + WIRE_OFFSET_CRC, &crc, 4);
}

/* Whether the body is as long as its type, count and flags say. */
static bool body_fits(const struct wire_header *h, const uint8_t *body) {
  uint32_t tag = h->flags & WIRE_SEALED ? WIRE_TAG_SIZE : 0;
  if (h->type != WIRE_PARITY) return h->body_size == (uint32_t)h->count * WIRE_ENTRY_SIZE + tag;
  if (h->body_size < WIRE_PARITY_HEAD_SIZE + tag) return false;
  if (tag) return true; /* what is in it can be read once it is opened */
  return read_u32(body + 12) == h->body_size - WIRE_PARITY_HEAD_SIZE;
}

enum wire_verdict wire_header_decode(const uint8_t *data, size_t size, struct wire_header *out) {
  memset(out, 0, sizeof *out);
  if (size < WIRE_HEADER_SIZE || size > WIRE_DATAGRAM_MAX) return WIRE_MALFORMED;
  if (memcmp(data, magic, sizeof magic) != 0) return WIRE_MALFORMED;
  out->sensor = read_u32(data + 8);
  if (data[4] != WIRE_VERSION_1) return WIRE_VERSION;
  out->type = data[5];
  out->flags = read_u16(data + 6);
  out->count = read_u16(data + 12);
  out->key_epoch = read_u16(data + 14);
  out->sequence = read_u64(data + 16);
  out->sent_ns = (int64_t)read_u64(data + 24);
  out->body_size = read_u32(data + 32);
  out->crc = read_u32(data + WIRE_OFFSET_CRC);
  if (out->type < WIRE_DETECTIONS || out->type > WIRE_PARITY) return WIRE_MALFORMED;
  /* A flag that version 1 does not have would change the meaning of the body. */
  if (out->flags & ~(WIRE_EXERCISE | WIRE_SEALED)) return WIRE_MALFORMED;
  if (out->body_size != size - WIRE_HEADER_SIZE) return WIRE_MALFORMED;
  return body_fits(out, data + WIRE_HEADER_SIZE) ? WIRE_OK : WIRE_MALFORMED;
}

enum wire_verdict wire_detection_decode(const uint8_t *entry, struct detection *out) {
  memset(out, 0, sizeof *out);
  out->time_ns = (int64_t)read_u64(entry);
  uint16_t kind = read_u16(entry + 8);
  if (kind < KIND_RADAR || kind >= KIND_END) return WIRE_MALFORMED;
  out->kind = (uint8_t)kind;
  out->valid = (uint16_t)(read_u16(entry + 10) & (VALID_PLATFORM - 1));
  memcpy(&out->snr_db, entry + 12, sizeof out->snr_db);
  memcpy(out->measure, entry + 16, sizeof out->measure);
  memcpy(out->sigma, entry + 48, sizeof out->sigma);
  return detection_check(out);
}

static bool within(double v, double limit) { return v >= -limit && v <= limit; }

enum wire_verdict wire_state_decode(const uint8_t *entry, struct sensor_state *out) {
  memset(out, 0, sizeof *out);
  out->time_ns = (int64_t)read_u64(entry);
  memcpy(out->position_m, entry + 8, sizeof out->position_m);
  memcpy(out->velocity_mps, entry + 32, sizeof out->velocity_mps);
  out->status = read_u32(entry + 56);
  if (out->status > SENSOR_DOWN) return WIRE_MALFORMED;
  double radius2_m2 = 0;
  bool inside = true;
  for (int i = 0; i < 3; i++) {
    double p = out->position_m[i], v = out->velocity_mps[i];
    if (!__builtin_isfinite(p) || !__builtin_isfinite(v)) return WIRE_NOT_FINITE;
    inside = inside && within(p, 1e8) && within(v, 1e6);
    radius2_m2 += p * p;
  }
  inside = inside && out->time_ns >= TIME_MIN_NS && out->time_ns <= TIME_MAX_NS;
  return inside && radius2_m2 >= 6.3e6 * 6.3e6 ? WIRE_OK : WIRE_OUT_OF_RANGE;
}

/* The header of an unsealed datagram, CRC still 0. */
static void header_encode(uint8_t *out, const struct wire_header *h, uint8_t type, uint32_t count, uint32_t body_size) {
  memset(out, 0, WIRE_HEADER_SIZE);
  memcpy(out, magic, sizeof magic);
  out[4] = WIRE_VERSION_1;
  out[5] = type;
  uint16_t flags = (uint16_t)(h->flags & WIRE_EXERCISE), count16 = (uint16_t)count;
  write_bytes(out + 6, &flags, 2);
  write_bytes(out + 8, &h->sensor, 4);
  write_bytes(out + 12, &count16, 2);
  write_bytes(out + 16, &h->sequence, 8);
  write_bytes(out + 24, &h->sent_ns, 8);
  write_bytes(out + 32, &body_size, 4);
}

static size_t datagram_size(size_t capacity, const struct wire_header *header, uint32_t count) {
  weft_assert(!(header->flags & WIRE_SEALED));
  size_t size = WIRE_HEADER_SIZE + (size_t)count * WIRE_ENTRY_SIZE;
  return count <= WIRE_ENTRIES_MAX && size <= capacity ? size : 0;
}

size_t wire_detections_encode(uint8_t *out, size_t capacity, const struct wire_header *header,
                              const struct detection *detections, uint32_t count) {
  size_t size = datagram_size(capacity, header, count);
  if (size == 0) return 0;
  header_encode(out, header, WIRE_DETECTIONS, count, count * WIRE_ENTRY_SIZE);
  uint8_t *at = out + WIRE_HEADER_SIZE;
  for (uint32_t i = 0; i < count; i++, at += WIRE_ENTRY_SIZE) {
    const struct detection *d = &detections[i];
    uint16_t kind = d->kind, valid = (uint16_t)(d->valid & (VALID_PLATFORM - 1));
    write_bytes(at, &d->time_ns, 8);
    write_bytes(at + 8, &kind, 2);
    write_bytes(at + 10, &valid, 2);
    write_bytes(at + 12, &d->snr_db, 4);
    write_bytes(at + 16, d->measure, sizeof d->measure);
    write_bytes(at + 48, d->sigma, sizeof d->sigma);
  }
  wire_crc_write(out, size);
  return size;
}

size_t wire_states_encode(uint8_t *out, size_t capacity, const struct wire_header *header,
                          const struct sensor_state *states, uint32_t count) {
  size_t size = datagram_size(capacity, header, count);
  if (size == 0) return 0;
  header_encode(out, header, WIRE_STATES, count, count * WIRE_ENTRY_SIZE);
  uint8_t *at = out + WIRE_HEADER_SIZE;
  for (uint32_t i = 0; i < count; i++, at += WIRE_ENTRY_SIZE) {
    memset(at, 0, WIRE_ENTRY_SIZE);
    write_bytes(at, &states[i].time_ns, 8);
    write_bytes(at + 8, states[i].position_m, 24);
    write_bytes(at + 32, states[i].velocity_mps, 24);
    write_bytes(at + 56, &states[i].status, 4);
  }
  wire_crc_write(out, size);
  return size;
}

enum { PARITY_ROWS_MAX = 256 }; /* elements of GF(2^8): the Cauchy matrix has one per row and column */

bool wire_parity_decode(const uint8_t *body, size_t size, struct wire_parity *out) {
  if (size < WIRE_PARITY_HEAD_SIZE) return false;
  *out = (struct wire_parity){
      .first = read_u64(body), .k = body[8], .m = body[9], .index = body[10], .length = read_u32(body + 12)};
  if (out->length != size - WIRE_PARITY_HEAD_SIZE) return false;
  return out->k > 0 && out->m > 0 && out->index < out->m && out->k + out->m <= PARITY_ROWS_MAX;
}

size_t wire_parity_encode(uint8_t *out, size_t capacity, const struct wire_header *header,
                          const struct wire_parity *parity) {
  weft_assert(!(header->flags & WIRE_SEALED));
  size_t body_size = WIRE_PARITY_HEAD_SIZE + (size_t)parity->length, size = WIRE_HEADER_SIZE + body_size;
  if (size > capacity || size > WIRE_DATAGRAM_MAX) return 0;
  header_encode(out, header, WIRE_PARITY, 0, (uint32_t)body_size);
  uint8_t *body = out + WIRE_HEADER_SIZE;
  memset(body, 0, WIRE_PARITY_HEAD_SIZE);
  write_bytes(body, &parity->first, 8);
  body[8] = parity->k;
  body[9] = parity->m;
  body[10] = parity->index;
  write_bytes(body + 12, &parity->length, 4);
  wire_crc_write(out, size);
  return size;
}

/* Moves bytes from the input until `held` has `want`. True when it has. */
static bool stream_fill(struct wire_stream *s, const uint8_t **data, size_t *size, uint32_t want) {
  size_t take = want - s->used;
  if (take > *size) take = *size;
  if (take == 0) return s->used == want;
  memcpy(s->held + s->used, *data, take);
  s->used += (uint32_t)take;
  *data += take;
  *size -= take;
  return s->used == want;
}

enum wire_stream_status wire_stream_take(struct wire_stream *stream, const uint8_t **data, size_t *size,
                                         const uint8_t **datagram, uint32_t *datagram_size_out) {
  if (stream->broken) return WIRE_STREAM_BROKEN;
  if (stream->used == 0 && *size >= 4) { /* whole in the input: no copy */
    uint32_t length = read_u32(*data);
    if (length <= WIRE_DATAGRAM_MAX && *size - 4 >= length) {
      *datagram = *data + 4;
      *datagram_size_out = length;
      *data += 4 + (size_t)length;
      *size -= 4 + (size_t)length;
      return WIRE_STREAM_DATAGRAM;
    }
  }
  if (stream->used < 4 && !stream_fill(stream, data, size, 4)) return WIRE_STREAM_MORE;
  uint32_t length = read_u32(stream->held);
  if (length > WIRE_DATAGRAM_MAX) {
    stream->broken = true;
    return WIRE_STREAM_BROKEN;
  }
  if (!stream_fill(stream, data, size, 4 + length)) return WIRE_STREAM_MORE;
  stream->used = 0;
  *datagram = stream->held + 4;
  *datagram_size_out = length;
  return WIRE_STREAM_DATAGRAM;
}

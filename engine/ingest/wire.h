/* Wire format, version 1 (interfaces.md section 4): headers, detections, sensor states, and the TCP framing. Pure
 * decoding and encoding: what becomes of a refused datagram, sequences, clocks and counters are the intake's. */
#ifndef WEFT_INGEST_WIRE_H
#define WEFT_INGEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/domain/detection.h"
#include "engine/domain/frame.h"
#include "engine/domain/ledger.h"

enum {
  WIRE_VERSION_1 = 1,
  WIRE_HEADER_SIZE = 48,
  WIRE_ENTRY_SIZE = 64,
  WIRE_TAG_SIZE = 16,            /* ends a sealed body */
  WIRE_PARITY_HEAD_SIZE = 16,    /* of a parity body, before its L bytes */
  WIRE_DATAGRAM_MAX = 65536,     /* bytes, header included; UDP over IPv4 carries at most 65,507 */
  WIRE_ENTRIES_MAX = (WIRE_DATAGRAM_MAX - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE /* 1023 */
};
/* Where fields of the header stand, for those who change a whole datagram. */
enum {
  WIRE_OFFSET_FLAGS = 6,
  WIRE_OFFSET_EPOCH = 14,
  WIRE_OFFSET_SEQUENCE = 16,
  WIRE_OFFSET_BODY_SIZE = 32,
  WIRE_OFFSET_CRC = 36
};
enum wire_type { WIRE_DETECTIONS = 1, WIRE_STATES = 2, WIRE_PARITY = 3 };
enum wire_flag { WIRE_EXERCISE = 1 << 0, WIRE_SEALED = 1 << 1 };

/* A header in host order. `count` and `body_size` are set by the encoders, `crc` by decoding only. */
struct wire_header {
  uint8_t type;        /* enum wire_type */
  uint16_t flags;      /* enum wire_flag */
  uint32_t sensor;     /* id as configured, not an index */
  uint16_t count;      /* entries */
  uint16_t key_epoch;  /* sealed, else 0 */
  uint64_t sequence;
  int64_t sent_ns;     /* Unix UTC */
  uint32_t body_size;  /* bytes */
  uint32_t crc;        /* as received */
};

enum wire_verdict { WIRE_OK, WIRE_MALFORMED, WIRE_VERSION, WIRE_NOT_FINITE, WIRE_OUT_OF_RANGE };
/* The refusal that a verdict other than WIRE_OK is counted as. */
enum refusal wire_refusal(enum wire_verdict verdict);

/* CRC32C (Castagnoli, reflected, initial and final all ones): 0xE3069283 for "123456789". Start with crc = 0; to go on
 * over a second piece pass the first result. size up to 2^31 - 1. */
uint32_t wire_crc32c(uint32_t crc, const void *data, size_t size);

/* Reads a header. `data` is one whole datagram of `size` bytes. WIRE_MALFORMED: shorter than a header, not `WEFT`, an
 * unknown type or flag bit, a body length that does not end with the datagram, that is not 64 x count (+ 16 sealed) for
 * detections and states, or that does not hold what a parity body says. WIRE_VERSION: another version; then only
 * `out->sensor` is set, at the place where version 1 has it. A sealed body is recognised, not opened. The CRC is not looked at here. */
enum wire_verdict wire_header_decode(const uint8_t *data, size_t size, struct wire_header *out);

/* True when the CRC in the header is that of the datagram. size >= WIRE_HEADER_SIZE. */
bool wire_crc_ok(const uint8_t *data, size_t size);
/* Writes the CRC of the whole datagram into its header. size >= WIRE_HEADER_SIZE. */
void wire_crc_write(uint8_t *data, size_t size);

/* Reads one detection of WIRE_ENTRY_SIZE bytes. Sets time, kind, valid, snr, measure and sigma; the rest (sequence,
 * sensor, index, platform, arrival) is zero and the caller's. Fields whose bit is 0, or that the kind does not have, are
 * neither looked at nor kept: their bit, value and sigma are 0 in `out`.
 * WIRE_MALFORMED: unknown kind, a needed bit missing. The others: see detection_check. */
enum wire_verdict wire_detection_decode(const uint8_t *entry, struct detection *out);

/* The checks that every source shares. Reduces `valid` to the bits the kind has, zeroes what is not valid, and wraps
 * the azimuth to (-pi, pi], values inside which are left as they are, to the bit.
 * WIRE_MALFORMED: unknown kind or a needed bit missing (radar: range, azimuth, elevation; radar2d: range, azimuth; los:
 * azimuth, elevation; position: x y z). WIRE_NOT_FINITE: NaN or infinity in a valid field or its sigma.
 * WIRE_OUT_OF_RANGE: range outside 0..1e8 m, azimuth outside +-2 pi, elevation outside +-pi/2, a negative sigma; and,
 * where the contract names no range, so that no arithmetic behind can overflow: height and x, y, z outside +-1e8 m,
 * range rate beyond the speed of light, platform outside +-1e8 m per axis, time of measurement outside TIME_MIN_NS ..
 * TIME_MAX_NS. */
enum wire_verdict detection_check(struct detection *detection);

/* Differences of two times within these never overflow (1969-12-20 to 2255-03-14). */
#define TIME_MIN_NS INT64_C(-1000000000000000)
#define TIME_MAX_NS INT64_C(9000000000000000000)

/* The bit that makes measure[slot] of a kind valid, and the range that detection_check holds it to; 0 where the kind has
 * no such slot. kind: a valid one; slot: 0..3. */
uint16_t detection_slot(uint8_t kind, int slot, double *min, double *max);
/* The bits that a kind can have, and those that it must have. */
uint16_t detection_bits(uint8_t kind, uint16_t *needed);

/* Reads one sensor state; `sequence` and `sensor` are the caller's. WIRE_MALFORMED: unknown status. WIRE_OUT_OF_RANGE:
 * a position nearer than 6.3e6 m to the Earth's centre or beyond 1e8 m per axis, a velocity beyond 1e6 m/s per axis, a
 * time as above. */
enum wire_verdict wire_state_decode(const uint8_t *entry, struct sensor_state *out);

/* Write one unsealed datagram with its CRC into `out` (capacity bytes) from header's flags (sealed must not be set),
 * sensor, sequence and sent_ns. Return its size, or 0 where it does not fit or count > WIRE_ENTRIES_MAX.
 * The sigma bit is sent where it is set in `valid`; VALID_PLATFORM has no place on the wire and is dropped. */
size_t wire_detections_encode(uint8_t *out, size_t capacity, const struct wire_header *header,
                              const struct detection *detections, uint32_t count);
size_t wire_states_encode(uint8_t *out, size_t capacity, const struct wire_header *header,
                          const struct sensor_state *states, uint32_t count);

/* What a parity body says of its group: k datagrams of consecutive sequence numbers from `first` on, m of parity, of which
 * this is number `index`; each row of the code is `length` bytes. */
struct wire_parity {
  uint64_t first;
  uint8_t k, m, index;
  uint32_t length;
};
/* Reads the head of a parity body of `size` bytes (opened, without its tag); the row follows at WIRE_PARITY_HEAD_SIZE.
 * False: a body that is not as long as it says, k or m of 0, index not below m, k + m above 256 (the code has no more
 * rows). */
bool wire_parity_decode(const uint8_t *body, size_t size, struct wire_parity *out);
/* Writes one unsealed parity datagram whose row is already in place, at out + WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE:
 * header (as above) and head of the body around it. Returns its size, or 0 where it does not fit. */
size_t wire_parity_encode(uint8_t *out, size_t capacity, const struct wire_header *header,
                          const struct wire_parity *parity);

/* TCP: every datagram is preceded by its u32 length. One per connection, about 64 KiB, owned by the connection;
 * zeroed = new. */
struct wire_stream {
  uint32_t used;   /* bytes of `held` */
  bool broken;
  uint8_t held[4 + WIRE_DATAGRAM_MAX];
};
enum wire_stream_status {
  WIRE_STREAM_MORE,      /* everything given was taken in */
  WIRE_STREAM_DATAGRAM,  /* *datagram, *datagram_size: valid until the next call and while the input bytes are */
  WIRE_STREAM_BROKEN     /* a length above WIRE_DATAGRAM_MAX: the framing is lost, close the connection. Stays so. */
};
/* Takes bytes from *data (advancing it and *size) until a datagram is whole. Call again with the rest. A length shorter
 * than a header is delivered like any other: wire_header_decode calls it malformed and the stream goes on. */
enum wire_stream_status wire_stream_take(struct wire_stream *stream, const uint8_t **data, size_t *size,
                                         const uint8_t **datagram, uint32_t *datagram_size);

#endif

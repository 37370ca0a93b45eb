/* What a server and its standby say to each other over TCP: messages of a head and a payload, little-endian, each with its
 * CRC32C. Both ends are the same build on the same kind of machine (the layout number in the greeting sees to it).
 *
 *     0  char[4]  "WFSB"
 *     4  u32      type
 *     8  u64      length of the payload, bytes
 *    16  u32      CRC32C of the payload
 *    20  u32      CRC32C of bytes 0..19
 *
 * | type   | from    | payload |
 * |--------|---------|---------|
 * | hello  | standby | u64 version = 1, u64 layout (engine_layout) |
 * | state  | server  | a snapshot file (engine/journal/snapshot.h): what the frames behind it go on from |
 * | frame  | server  | a frame record of the journal (engine/journal/journal_format.h) |
 * | hash   | server  | u64 frame, u64 hash of the state after it (engine_hash) |
 * | marks  | server  | what was accepted under seal up to the last frame: 24 bytes a key (struct replay_mark) |
 * | beat   | server  | nothing: it lives |
 * | bye    | server  | nothing: it ends in an orderly way |
 * | refuse | server  | text: why not; it closes |
 * | ack    | standby | u64 frame: every frame up to it has arrived | */
#ifndef WEFT_STANDBY_WIRE_H
#define WEFT_STANDBY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/ingest/replay_marks.h"

enum standby_type {
  STANDBY_HELLO = 1,
  STANDBY_STATE,
  STANDBY_FRAME,
  STANDBY_HASH,
  STANDBY_MARKS,
  STANDBY_BEAT,
  STANDBY_BYE,
  STANDBY_REFUSE,
  STANDBY_ACK,
  STANDBY_TYPES
};

enum { STANDBY_VERSION = 1, STANDBY_HEAD_BYTES = 24, STANDBY_TEXT_MAX = 256, STANDBY_MARK_BYTES = 24 };
/* The server says something so often at least, and one end gives the other up after so long without a word. */
#define STANDBY_BEAT_NS 100000000
#define STANDBY_SILENCE_NS 700000000
/* Between two hashes, frame time. */
#define STANDBY_HASH_NS 10000000000

struct standby_head {
  uint32_t type;
  uint64_t length;
  uint32_t crc;
};

/* The head of a message whose payload lies behind it at out + STANDBY_HEAD_BYTES. */
void standby_head_encode(uint32_t type, uint64_t length, uint8_t *out);
/* The same for a payload that lies elsewhere. */
void standby_head_encode_apart(uint32_t type, const void *payload, uint64_t length, uint8_t *out);
/* False for what is no head of a known type, or of a length that this type can't have; `state_most`: of a state. */
bool standby_head_decode(const uint8_t *data, uint64_t state_most, struct standby_head *head);
bool standby_payload_intact(const struct standby_head *head, const uint8_t *payload);
/* Two numbers, or the first of them. */
void standby_numbers_put(uint8_t *payload, uint64_t first, uint64_t second);
uint64_t standby_number(const uint8_t *payload, int which);
/* A mark, STANDBY_MARK_BYTES: u32 sensor id, u16 epoch, u16 0, u64 fingerprint, u64 mark. */
void standby_mark_put(uint8_t *out, const struct replay_mark *mark);
void standby_mark_get(const uint8_t *data, struct replay_mark *mark);

/* Is the state hashed after a frame of this time, the one before having had that time? Both ends decide by the frames alone. */
static inline bool standby_hash_due(int64_t before_ns, int64_t time_ns) {
  return before_ns / STANDBY_HASH_NS != time_ns / STANDBY_HASH_NS;
}

#endif

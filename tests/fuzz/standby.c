/* Bytes as messages between a server and its standby: as they come, and with heads whose CRCs are right. A
 * head that passes is of a known type with a length that this type can have; a bit changed shows; marks,
 * numbers, frames and states come out as they were put in. */
// length: 192
#include <stdlib.h>

#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/snapshot.h"
#include "engine/server/standby_wire.h"
#include "tests/fuzz/fuzz_frame.h"

enum { STATE_MOST = 1 << 16, MESSAGE_MAX = 4096, DETECTIONS_MAX = 16 };

static struct frame frame, taken;

/* The table of standby_wire.h, written out here once more. */
static void head_check(const struct standby_head *head) {
  static const uint64_t exact[STANDBY_TYPES] = {[STANDBY_HELLO] = 16, [STANDBY_HASH] = 16, [STANDBY_ACK] = 8};
  weft_assert(head->type >= STANDBY_HELLO && head->type < STANDBY_TYPES);
  if (exact[head->type] > 0 || head->type == STANDBY_BEAT || head->type == STANDBY_BYE)
    weft_assert(head->length == exact[head->type]);
  if (head->type == STANDBY_STATE) weft_assert(head->length <= STATE_MOST);
  if (head->type == STANDBY_REFUSE) weft_assert(head->length <= STANDBY_TEXT_MAX);
  if (head->type == STANDBY_MARKS) weft_assert(head->length % STANDBY_MARK_BYTES == 0);
  weft_assert(head->length <= (uint64_t)64 << 20);
}

static void payload_take(const struct standby_head *head, const uint8_t *payload) {
  struct replay_mark mark, again;
  struct snapshot_head state;
  uint8_t bytes[STANDBY_MARK_BYTES];
  size_t used;
  if (head->type == STANDBY_FRAME) (void)journal_record_decode(payload, head->length, &taken, &used);
  if (head->type == STANDBY_STATE) (void)snapshot_decode(payload, head->length, &state);
  for (uint64_t at = 0; head->type == STANDBY_MARKS && at < head->length; at += STANDBY_MARK_BYTES) {
    standby_mark_get(payload + at, &mark);
    standby_mark_put(bytes, &mark);
    standby_mark_get(bytes, &again);
    weft_assert(mark.sensor_id == again.sensor_id && mark.epoch == again.epoch);
    weft_assert(mark.fingerprint == again.fingerprint && mark.mark == again.mark);
  }
}

/* A message of any type and length around a piece of the input. */
static void message_try(struct input *in) {
  static uint8_t message[STANDBY_HEAD_BYTES + MESSAGE_MAX];
  uint8_t type = input_u8(in), how = input_u8(in), flip = input_u8(in);
  uint16_t place = input_u16(in);
  size_t room = how & 1 ? (size_t)(how >> 2) * 8 : how >> 1, length = room < in->left ? room : in->left;
  struct standby_head head;
  input_take(in, message + STANDBY_HEAD_BYTES, length);
  standby_head_encode(type % (STANDBY_TYPES + 1), length, message);
  if (how & 2) { /* a length that the bytes behind it don't have */
    put_u64(message, 8, input_u64(in) >> (how >> 2));
    put_u32(message, 20, journal_crc(message, 20));
  }
  if (!standby_head_decode(message, STATE_MOST, &head)) return;
  head_check(&head);
  if (head.length > length) return;
  weft_assert(standby_payload_intact(&head, message + STANDBY_HEAD_BYTES) == (head.length == length) ||
              head.length < length);
  payload_take(&head, message + STANDBY_HEAD_BYTES);
  size_t whole = STANDBY_HEAD_BYTES + head.length;
  if (flip == 0 || head.length < length) return;
  message[place % whole] ^= flip;
  bool passes = standby_head_decode(message, STATE_MOST, &head) &&
                standby_payload_intact(&head, message + STANDBY_HEAD_BYTES);
  weft_assert(!passes);
}

/* A frame in a message is that frame. */
static void frame_try(struct input *in) {
  static uint8_t message[STANDBY_HEAD_BYTES + MESSAGE_MAX];
  struct standby_head head;
  size_t used;
  frame_reset(&frame);
  frame_fill(in, &frame, DETECTIONS_MAX, SITE_SENSORS_MAX, false);
  frame.number = 1 + input_u16(in);
  size_t length = journal_record_size(&frame);
  weft_assert(length <= MESSAGE_MAX);
  journal_record_encode(&frame, message + STANDBY_HEAD_BYTES);
  standby_head_encode(STANDBY_FRAME, length, message);
  weft_assert(standby_head_decode(message, STATE_MOST, &head) && head.type == STANDBY_FRAME &&
              head.length == length);
  weft_assert(standby_payload_intact(&head, message + STANDBY_HEAD_BYTES));
  weft_assert(journal_record_decode(message + STANDBY_HEAD_BYTES, length, &taken, &used) == JOURNAL_GOOD);
  weft_assert(used == length && frame_equal(&frame, &taken));
  uint8_t numbers[16];
  standby_numbers_put(numbers, frame.number, length);
  weft_assert(standby_number(numbers, 0) == frame.number && standby_number(numbers, 1) == length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct arena arena;
  if (!arena.base) {
    weft_assert(arena_open(&arena, 2 * frame_bytes(DETECTIONS_MAX)) == 0);
    weft_assert(frame_open(&frame, &arena, DETECTIONS_MAX) == 0 &&
                frame_open(&taken, &arena, DETECTIONS_MAX) == 0);
  }
  if (size == 0) return 0;
  struct input in = {data, size};
  uint8_t choice = input_u8(&in);
  struct standby_head head;
  if (choice % 4 == 0 && in.left >= STANDBY_HEAD_BYTES && standby_head_decode(in.at, STATE_MOST, &head))
    head_check(&head);
  if (choice % 4 == 1) frame_try(&in);
  while (choice % 4 > 1 && in.left > 0) message_try(&in);
  return 0;
}

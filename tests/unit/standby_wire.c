/* Messages between a server and its standby: read back as written; any bit flipped, any length that its type can't have, is
 * refused; both ends hash after the same frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/journal/journal_format.h"
#include "engine/server/standby_wire.h"

enum { STATE_MOST = 5000 };

static void every_flipped_bit_of_a_message_is_refused(void **state) {
  (void)state;
  uint8_t message[STANDBY_HEAD_BYTES + 16];
  struct standby_head head;
  standby_numbers_put(message + STANDBY_HEAD_BYTES, 4711, UINT64_MAX);
  standby_head_encode(STANDBY_HASH, 16, message);
  assert_true(standby_head_decode(message, STATE_MOST, &head));
  assert_true(head.type == STANDBY_HASH && head.length == 16);
  assert_true(standby_payload_intact(&head, message + STANDBY_HEAD_BYTES));
  assert_int_equal(standby_number(message + STANDBY_HEAD_BYTES, 0), 4711);
  assert_true(standby_number(message + STANDBY_HEAD_BYTES, 1) == UINT64_MAX);
  for (size_t bit = 0; bit < sizeof message * 8; bit++) {
    message[bit / 8] ^= (uint8_t)(1 << bit % 8);
    bool believed = standby_head_decode(message, STATE_MOST, &head) && standby_payload_intact(&head, message + STANDBY_HEAD_BYTES);
    if (believed) fail_msg("bit %zu flipped and not seen", bit);
    message[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

/* A head with that type and length, its CRC good. */
static bool head_possible(uint32_t type, uint64_t length) {
  uint8_t head[STANDBY_HEAD_BYTES];
  struct standby_head out;
  standby_head_encode_apart(type, "", 0, head);
  memcpy(head + 8, &length, sizeof length);
  uint32_t crc = journal_crc(head, 20);
  memcpy(head + 20, &crc, sizeof crc);
  return standby_head_decode(head, STATE_MOST, &out) && out.length == length;
}

static void lengths_are_those_of_their_types(void **state) {
  (void)state;
  const struct {
    uint32_t type;
    uint64_t good, bad;
  } cases[] = {{STANDBY_HELLO, 16, 17},
               {STANDBY_HASH, 16, 8},
               {STANDBY_ACK, 8, 16},
               {STANDBY_STATE, STATE_MOST, STATE_MOST + 1},
               {STANDBY_FRAME, journal_record_size_max(FRAME_DETECTIONS_MAX), journal_record_size_max(FRAME_DETECTIONS_MAX) + 1},
               {STANDBY_MARKS, 2 * STANDBY_MARK_BYTES, 2 * STANDBY_MARK_BYTES + 1},
               {STANDBY_MARKS, 0, (uint64_t)STANDBY_MARK_BYTES * (REPLAY_MARKS_MAX + 1)},
               {STANDBY_REFUSE, STANDBY_TEXT_MAX, STANDBY_TEXT_MAX + 1},
               {STANDBY_BEAT, 0, 1},
               {STANDBY_BYE, 0, UINT64_MAX}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_true(head_possible(cases[i].type, cases[i].good));
    assert_false(head_possible(cases[i].type, cases[i].bad));
  }
  assert_false(head_possible(0, 0));
  assert_false(head_possible(STANDBY_TYPES, 0));
}

static void marks_are_read_back_without_padding(void **state) {
  (void)state;
  const struct replay_mark mark = {.sensor_id = 0xfffffffe, .epoch = 65535, .fingerprint = 1, .mark = UINT64_MAX - 1};
  struct replay_mark again;
  uint8_t bytes[STANDBY_MARK_BYTES];
  memset(bytes, 0xaa, sizeof bytes);
  standby_mark_put(bytes, &mark);
  assert_int_equal(bytes[6] | bytes[7], 0);
  standby_mark_get(bytes, &again);
  assert_true(again.sensor_id == mark.sensor_id && again.epoch == mark.epoch && again.fingerprint == mark.fingerprint &&
              again.mark == mark.mark);
}

static void hashes_are_due_by_the_frames_alone(void **state) {
  (void)state;
  assert_false(standby_hash_due(10000000000, 19999999999));
  assert_true(standby_hash_due(19999999999, 20000000000));
  assert_true(standby_hash_due(0, 1700000000000000000)); /* the first frame */
  assert_false(standby_hash_due(5, 5));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_flipped_bit_of_a_message_is_refused),
      cmocka_unit_test(lengths_are_those_of_their_types),
      cmocka_unit_test(marks_are_read_back_without_padding),
      cmocka_unit_test(hashes_are_due_by_the_frames_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

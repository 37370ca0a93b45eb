#include "engine/server/standby_wire.h"

#include <string.h>

#include "engine/journal/journal_format.h"

static const char magic[4] = {'W', 'F', 'S', 'B'};

static void put_u32(uint8_t *out, size_t at, uint32_t value) {
  memcpy(out + at, &value, sizeof value);
}

static uint32_t get_u32(const uint8_t *data, size_t at) {
  uint32_t value;
  memcpy(&value, data + at, sizeof value);
  return value;
}

void standby_head_encode_apart(uint32_t type, const void *payload, uint64_t length, uint8_t *out) {
  memcpy(out, magic, sizeof magic);
  put_u32(out, 4, type);
  memcpy(out + 8, &length, sizeof length);
  put_u32(out, 16, journal_crc(payload, length));
  put_u32(out, 20, journal_crc(out, 20));
}

void standby_head_encode(uint32_t type, uint64_t length, uint8_t *out) {
  standby_head_encode_apart(type, out + STANDBY_HEAD_BYTES, length, out);
}

static bool length_possible(const struct standby_head *head, uint64_t state_most) {
  switch (head->type) {
  case STANDBY_HELLO:
  case STANDBY_HASH:
    return head->length == 16;
  case STANDBY_ACK:
    return head->length == 8;
  case STANDBY_STATE:
    return head->length <= state_most;
  case STANDBY_FRAME:
    return head->length <= journal_record_size_max(FRAME_DETECTIONS_MAX);
  case STANDBY_MARKS:
    return head->length % STANDBY_MARK_BYTES == 0 && head->length <= (uint64_t)REPLAY_MARKS_MAX * STANDBY_MARK_BYTES;
  case STANDBY_REFUSE:
    return head->length <= STANDBY_TEXT_MAX;
  case STANDBY_BEAT:
  case STANDBY_BYE:
    return head->length == 0;
  default:
    return false;
  }
}

bool standby_head_decode(const uint8_t *data, uint64_t state_most, struct standby_head *head) {
  if (memcmp(data, magic, sizeof magic) != 0 || get_u32(data, 20) != journal_crc(data, 20)) return false;
  *head = (struct standby_head){.type = get_u32(data, 4), .crc = get_u32(data, 16)};
  memcpy(&head->length, data + 8, sizeof head->length);
  return length_possible(head, state_most);
}

bool standby_payload_intact(const struct standby_head *head, const uint8_t *payload) {
  return journal_crc(payload, head->length) == head->crc;
}

void standby_numbers_put(uint8_t *payload, uint64_t first, uint64_t second) {
  memcpy(payload, &first, sizeof first);
  memcpy(payload + sizeof first, &second, sizeof second);
}

uint64_t standby_number(const uint8_t *payload, int which) {
  uint64_t value;
  memcpy(&value, payload + (size_t)which * sizeof value, sizeof value);
  return value;
}

void standby_mark_put(uint8_t *out, const struct replay_mark *mark) {
  put_u32(out, 0, mark->sensor_id);
  put_u32(out, 4, mark->epoch);
  standby_numbers_put(out + 8, mark->fingerprint, mark->mark);
}

void standby_mark_get(const uint8_t *data, struct replay_mark *mark) {
  *mark = (struct replay_mark){.sensor_id = get_u32(data, 0),
                               .epoch = (uint16_t)get_u32(data, 4),
                               .fingerprint = standby_number(data + 8, 0),
                               .mark = standby_number(data + 8, 1)};
}

/* libFuzzer: any bytes as a segment header or a frame record. The fuzzer cannot guess CRCs, so they are made right first:
 * what is behind them is what is tested. An accepted record must encode to the same bytes again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/journal/journal_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void record_try(uint8_t *bytes, size_t size, struct frame *frame) {
  size_t length, used;
  uint32_t crc;
  if (size >= JOURNAL_RECORD_BYTES) {
    memcpy(bytes, JOURNAL_RECORD_MAGIC, 4);
    crc = journal_crc(bytes + 8, JOURNAL_RECORD_BYTES - 8);
    memcpy(bytes + 4, &crc, 4);
    if (journal_record_measure(bytes, size, &length) == JOURNAL_GOOD && length <= size) {
      crc = journal_crc(bytes + JOURNAL_RECORD_BYTES, length - JOURNAL_RECORD_BYTES);
      memcpy(bytes + 48, &crc, 4);
      crc = journal_crc(bytes + 8, JOURNAL_RECORD_BYTES - 8);
      memcpy(bytes + 4, &crc, 4);
    }
  }
  if (journal_record_decode(bytes, size, frame, &used) != JOURNAL_GOOD) return;
  if (used > size || journal_record_size(frame) != used) abort();
  uint8_t *again = malloc(used);
  if (!again) abort();
  journal_record_encode(frame, again);
  if (memcmp(again, bytes, used) != 0) abort();
  free(again);
}

static void head_try(uint8_t *bytes, size_t size) {
  struct journal_head head;
  size_t used;
  uint64_t named = 0;
  if (size >= JOURNAL_HEADER_BYTES) memcpy(&named, bytes + 16, 8);
  if (named >= JOURNAL_HEADER_BYTES && named <= size) {
    memset(bytes + 12, 0, 4);
    uint32_t crc = journal_crc(bytes, named);
    memcpy(bytes + 12, &crc, 4);
  }
  if (journal_head_decode(bytes, size, &head, &used) != JOURNAL_GOOD) return;
  if (used > size || head.site_text + head.site_size > (const char *)bytes + size) abort();
  if (head.parameters + head.parameter_size > (const char *)bytes + size || strlen(head.centre) > 63) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct arena arena;
  static struct frame frame;
  if (!arena.base) {
    if (arena_open(&arena, frame_bytes(4096)) < 0 || frame_open(&frame, &arena, 4096) < 0) abort();
  }
  if (size == 0) return 0;
  uint8_t *bytes = malloc(size); /* exactly as long, so that a read beyond the end shows */
  if (!bytes) abort();
  memcpy(bytes, data, size);
  if (size >= 3 && memcmp(data, JOURNAL_MAGIC, 3) == 0) head_try(bytes, size);
  else record_try(bytes, size, &frame);
  free(bytes);
  return 0;
}

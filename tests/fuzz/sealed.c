/* Sealed bytes at admission: as they come, and repaired so far that checks further in are reached. A shadow says which numbers
 * were accepted: none is accepted twice, and what was not sealed with the key changes no window. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/key_file.h"
#include "engine/ingest/replay_marks.h"
#include "engine/ingest/replay_window.h"
#include "engine/ingest/seal.h"
#include "engine/ingest/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS = 1 << 16, PIECE = 3 };

/* Three bytes per step: a sequence number and what to do. */
static void window_walk(const uint8_t *data, size_t size) {
  static uint8_t accepted[NUMBERS];
  memset(accepted, 0, sizeof accepted);
  struct replay_window window = {0};
  for (size_t at = 0; at + PIECE <= size; at += PIECE) {
    uint64_t sequence = (uint64_t)data[at] | (uint64_t)data[at + 1] << 8;
    if (replay_window_seen(&window, sequence)) continue;
    weft_assert(!accepted[sequence]++);
    (void)replay_window_take(&window, sequence);
    weft_assert(replay_window_seen(&window, sequence));
    if (data[at + 2] == 0) { /* a restart: the mark is where the window ends */
      uint64_t highest = window.has_floor && window.floor > window.highest ? window.floor : window.highest;
      window = (struct replay_window){.has_floor = true, .floor = highest};
    }
  }
}

/* A sealed datagram opens to what was sealed; changed by the input it does not open. */
static void seal_change(const uint8_t *data, size_t size) {
  static uint8_t datagram[4096], body[4096];
  static const uint8_t key[SEAL_KEY_SIZE] = {1, 2, 3};
  size_t plain = WIRE_HEADER_SIZE + (size > 1024 ? 1024 : size);
  memset(datagram, 0, WIRE_HEADER_SIZE);
  memcpy(datagram, "WEFT\1\1", 6);
  memcpy(datagram + WIRE_HEADER_SIZE, data, plain - WIRE_HEADER_SIZE);
  size_t sealed = seal_close(datagram, plain, sizeof datagram, 1, key);
  weft_assert(sealed == plain + WIRE_TAG_SIZE && wire_crc_ok(datagram, sealed));
  weft_assert(seal_open(datagram, sealed, key, body));
  weft_assert(memcmp(body, data, plain - WIRE_HEADER_SIZE) == 0);
  if (size < 2) return;
  size_t place = ((size_t)data[0] | (size_t)data[1] << 8) % sealed;
  uint8_t flip = data[size - 1];
  bool crc = place >= WIRE_OFFSET_CRC && place < WIRE_OFFSET_CRC + 4;
  datagram[place] ^= flip;
  if (flip == 0 || crc) return;
  weft_assert(!seal_open(datagram, sealed, key, body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (seal_begin() < 0) abort();
  struct key_list list;
  (void)key_text_read((const char *)data, size, "f", &list, NULL);
  weft_assert(list.count <= KEY_EPOCHS_MAX);
  key_list_wipe(&list);
  char *text = malloc(size + 1);
  if (!text) return 0;
  memcpy(text, data, size);
  text[size] = 0;
  static struct replay_mark marks[64];
  uint32_t count;
  if (replay_marks_read(text, size, "f", marks, 64, &count, NULL) == 0) weft_assert(count <= 64);
  free(text);
  window_walk(data, size);
  seal_change(data, size);
  return 0;
}

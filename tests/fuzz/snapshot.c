/* Bytes as a snapshot: as they come, and with sizes and CRCs that are right, also through its file; and bytes
 * as an image, whose parts the input chooses. What was saved loads to the same, what is changed does not
 * pass, and what ends too early or says what can't be reads as zeros. */
// length: 128
#include <stdlib.h>

#include "engine/base/image.h"
#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/snapshot.h"
#include "tests/fuzz/fuzz_file.h"
#include "tests/fuzz/fuzz_input.h"

enum { MODE_RAW, MODE_REPAIRED, MODE_LOAD, MODE_AGAIN, MODES, SPAN_MAX = 40, SAVED_MAX = 4096 };

static void head_check(const struct snapshot_head *head, const uint8_t *data, size_t size) {
  uint8_t *again = malloc(size);
  weft_assert(again && head->size == size - SNAPSHOT_HEADER_BYTES);
  memcpy(again, data, size);
  snapshot_head_encode(head, again);
  struct snapshot_head second;
  weft_assert(snapshot_decode(again, size, &second) == SNAPSHOT_GOOD);
  weft_assert(second.layout == head->layout && second.run == head->run && second.frame == head->frame);
  weft_assert(second.time_ns == head->time_ns && second.size == head->size);
  free(again);
}

static void raw_take(struct input *in) {
  static struct fuzz_file file;
  struct snapshot_head head, of_file;
  struct weft_error err = {""};
  uint8_t *data;
  enum snapshot_verdict verdict = snapshot_decode(in->at, in->left, &head);
  weft_assert(snapshot_verdict_text(verdict)[0] != 0);
  if (verdict == SNAPSHOT_GOOD) head_check(&head, in->at, in->left);
  const char *path = fuzz_file_write(&file, in->at, in->left);
  int rc = snapshot_read(path, &of_file, &data, &err);
  weft_assert((rc == 0) == (verdict == SNAPSHOT_GOOD) &&
              (rc == 0 ? data != NULL : err.text[0] != 0 && !data));
  if (rc == 0) weft_assert(snapshot_recognised(path) && of_file.frame == head.frame);
  free(data);
}

/* The image is the input; one bit of header or image changed must show, and so must an end too early. */
static void repaired_take(struct input *in) {
  struct snapshot_head head = {.layout = input_u64(in), .run = input_u16(in), .frame = input_u64(in)}, read;
  head.time_ns = (int64_t)input_u64(in);
  uint16_t place = input_u16(in), cut = input_u16(in);
  uint8_t flip = input_u8(in);
  size_t size = SNAPSHOT_HEADER_BYTES + in->left;
  uint8_t *data = malloc(size); /* exactly as long, so that a read beyond the end shows */
  weft_assert(data);
  head.size = in->left;
  input_take(in, data + SNAPSHOT_HEADER_BYTES, in->left);
  snapshot_head_encode(&head, data);
  weft_assert(snapshot_decode(data, size, &read) == SNAPSHOT_GOOD);
  head_check(&read, data, size);
  weft_assert(snapshot_decode(data, cut % size, &read) == SNAPSHOT_CUT);
  data[place % size] ^= flip;
  weft_assert((snapshot_decode(data, size, &read) == SNAPSHOT_GOOD) == (flip == 0));
  free(data);
}

/* Spans and counts out of any bytes. */
static void load_take(struct input *in) {
  uint8_t parts = input_u8(in), sizes[32], span[SPAN_MAX];
  input_take(in, sizes, sizeof sizes);
  struct image image = image_load(in->at, in->left);
  size_t used = 0;
  bool bad = false;
  for (uint32_t p = 0; p < parts % 32; p++) {
    if (sizes[p] & 0x80) {
      uint32_t count = 77, most = sizes[p] & 0x7f, told = 0;
      bool fits = !bad && in->left - used >= sizeof count;
      if (fits) memcpy(&told, in->at + used, sizeof told);
      image_count(&image, &count, most);
      bad = !fits || told > most;
      used += fits ? sizeof count : 0;
      weft_assert(count == (bad ? 0 : told) && image.bad == bad);
    } else {
      size_t size = sizes[p] % SPAN_MAX;
      bool fits = !bad && in->left - used >= size;
      memset(span, 0x55, sizeof span);
      image_span(&image, span, size);
      bad = bad || (!fits && size > 0);
      for (size_t b = 0; b < size; b++) weft_assert(span[b] == (bad ? 0 : in->at[used + b]));
      used += bad ? 0 : size;
    }
    weft_assert(image.bad == bad);
  }
  weft_assert(image_complete(&image) == (!bad && used == in->left));
}

/* What is saved loads to the same; equal values hash alike whatever they are saved for, changed ones do not.
 */
static void again_take(struct input *in) {
  static uint8_t values[SAVED_MAX], saved[SAVED_MAX], loaded[SAVED_MAX];
  uint8_t step = (uint8_t)(1 + input_u8(in) % SPAN_MAX), flip = input_u8(in);
  uint16_t place = input_u16(in);
  size_t size = in->left < SAVED_MAX ? in->left : SAVED_MAX;
  input_take(in, values, size);
  struct image save = image_save(saved, size), load = image_load(saved, size),
               hash[2] = {image_hash(), image_hash()};
  for (size_t at = 0; at < size; at += step)
    image_span(&save, values + at, size - at < step ? size - at : step);
  for (size_t at = 0; at < size; at += step)
    image_span(&load, loaded + at, size - at < step ? size - at : step);
  weft_assert(image_complete(&save) && image_complete(&load) && memcmp(values, loaded, size) == 0);
  if (size == 0) return;
  loaded[place % size] ^= flip;
  for (size_t at = 0; at < size; at += step) {
    image_span(&hash[0], values + at, size - at < step ? size - at : step);
    image_span(&hash[1], loaded + at, size - at < step ? size - at : step);
  }
  weft_assert((hash[0].hash == hash[1].hash) == (flip == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct input in = {data, size};
  switch (input_u8(&in) % MODES) {
  case MODE_RAW:
    raw_take(&in);
    break;
  case MODE_REPAIRED:
    repaired_take(&in);
    break;
  case MODE_LOAD:
    load_take(&in);
    break;
  default:
    again_take(&in);
    break;
  }
  return 0;
}

#include "engine/base/image.h"

#include <string.h>

#include "engine/base/check.h"

/* Odd, with bits all over: multiplication carries each bit upwards, the rotation brings it down again. */
#define HASH_FACTOR 0x9e3779b97f4a7c15u

struct image image_save(void *bytes, size_t size) {
  return (struct image){.mode = IMAGE_SAVE, .bytes = bytes, .size = size};
}

struct image image_load(const void *bytes, size_t size) {
  return (struct image){.mode = IMAGE_LOAD, .bytes = (unsigned char *)bytes, .size = size};
}

struct image image_hash(void) {
  return (struct image){.mode = IMAGE_HASH, .hash = HASH_FACTOR};
}

static uint64_t hash_word(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * HASH_FACTOR;
  return hash << 29 | hash >> 35;
}

/* Four chains beside each other, since one multiplication waits for the last. */
static uint64_t hash_span(uint64_t hash, const unsigned char *bytes, size_t size) {
  uint64_t chain[4] = {hash, hash + 1, hash + 2, hash + 3}, word[4];
  size_t at = 0;
  for (; size - at >= sizeof word; at += sizeof word) {
    memcpy(word, bytes + at, sizeof word);
    for (int i = 0; i < 4; i++) chain[i] = hash_word(chain[i], word[i]);
  }
  if (at < size) {
    memset(word, 0, sizeof word);
    memcpy(word, bytes + at, size - at);
    for (int i = 0; i < 4; i++) chain[i] = hash_word(chain[i], word[i]);
  }
  hash = hash_word(hash, size);
  for (int i = 0; i < 4; i++) hash = hash_word(hash, chain[i]);
  return hash;
}

void image_span(struct image *image, void *values, size_t size) {
  if (size == 0) return;
  if (image->mode == IMAGE_HASH) {
    image->hash = hash_span(image->hash, values, size);
    return;
  }
  bool fits = !image->bad && size <= image->size - image->at;
  if (image->mode == IMAGE_SAVE) {
    weft_assert(fits);
    memcpy(image->bytes + image->at, values, size);
  } else if (fits) {
    memcpy(values, image->bytes + image->at, size);
  } else {
    image->bad = true;
    memset(values, 0, size);
    return;
  }
  image->at += size;
}

void image_count(struct image *image, uint32_t *count, uint32_t most) {
  image_value(image, *count);
  if (image->mode != IMAGE_LOAD || *count <= most) return;
  image->bad = true;
  *count = 0;
}

bool image_complete(const struct image *image) {
  return !image->bad && image->at == image->size;
}

/* The state of a part of the engine as bytes. Each part describes its state once, field by field, and that one
 * description saves it, loads it back into a part that has just been opened, and hashes it: so the three can't
 * differ, and neither padding nor pointers nor scratch ever get in.
 *
 * Values are in the machine's own form. An image is for the same build on the same kind of machine; whoever
 * stores one says which that was (engine/journal/snapshot.h). */
#ifndef WEFT_BASE_IMAGE_H
#define WEFT_BASE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* To be raised whenever what some part says of itself changes. */
enum { IMAGE_VERSION = 7 };

enum image_mode { IMAGE_SAVE, IMAGE_LOAD, IMAGE_HASH };

struct image {
  enum image_mode mode;
  unsigned char *bytes; /* borrowed; not with IMAGE_HASH */
  size_t size, at;      /* bytes: there, done with */
  uint64_t hash;        /* IMAGE_HASH: of all that came by */
  bool bad;             /* IMAGE_LOAD: the bytes ended too early or said what can't be; the part is then unusable */
};

struct image image_save(void *bytes, size_t size); /* running out of room is a bug: aborts */
struct image image_load(const void *bytes, size_t size);
struct image image_hash(void);

/* A span of plain values without padding. After a bad load everything reads as zero. */
void image_span(struct image *image, void *values, size_t size);
#define image_value(image, value) image_span((image), &(value), sizeof(value))

/* A count or index that must not exceed `most`; one that does spoils the load and becomes 0. */
void image_count(struct image *image, uint32_t *count, uint32_t most);

/* All bytes were used and none was wrong. */
bool image_complete(const struct image *image);

#endif

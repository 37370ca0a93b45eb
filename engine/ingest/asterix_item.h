/* The shapes that ASTERIX items come in and the walk over one record's items. Inside of ingest's ASTERIX decoders. */
#ifndef WEFT_INGEST_ASTERIX_ITEM_H
#define WEFT_INGEST_ASTERIX_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum asterix_shape {
  SHAPE_NONE,     /* the category has no such item */
  SHAPE_FIXED,    /* `size` bytes */
  SHAPE_EXTENDED, /* octets, each with an FX bit that says whether one more follows */
  SHAPE_REPEAT,   /* one octet n, then n times `size` bytes */
  SHAPE_COMPOUND, /* presence octets with FX bits, then the parts that are present */
  SHAPE_EXPLICIT  /* one octet length, itself included */
};

struct asterix_form {
  uint8_t shape;                     /* enum asterix_shape */
  uint8_t size;                      /* bytes; compound: number of parts */
  const struct asterix_form *parts;  /* of a compound, never compound themselves */
};

/* Length of the item at data in *used. False: it does not end within `size` bytes, or is none. */
bool asterix_item_measure(const struct asterix_form *form, const uint8_t *data, size_t size, uint32_t *used);

/* Called for every item present, in order; `number` is its place in the profile from 0, `size` > 0. */
typedef void asterix_item_visit(void *context, uint32_t number, const uint8_t *data, uint32_t size);

/* Walks the FSPEC at data and the items it announces, profile[0..count-1]. *used is the whole length. False: the items do
 * not end within `size`, there are none, or one is announced that the profile does not have. At most `count` items. */
bool asterix_items_walk(const struct asterix_form *profile, uint32_t count, const uint8_t *data, size_t size,
                        asterix_item_visit *visit, void *context, uint32_t *used);

static inline uint32_t asterix_u16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static inline uint32_t asterix_u24(const uint8_t *at) { return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]; }

/* The low `bits` (1 to 31) of value as a two's complement number. */
static inline int32_t asterix_signed(uint32_t value, unsigned bits) {
  uint32_t sign = 1u << (bits - 1);
  return (int32_t)((value & (2 * sign - 1)) ^ sign) - (int32_t)sign;
}

#endif

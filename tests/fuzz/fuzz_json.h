/* jansson's memory out of one buffer that every input begins anew: many times faster than malloc under the
 * address sanitizer, and what was taken and not given back is a count. */
#ifndef WEFT_FUZZ_JSON_H
#define WEFT_FUZZ_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <string.h>

#include "engine/base/check.h"

enum { FUZZ_JSON_BYTES = 4 << 20, FUZZ_JSON_POISON = 0xdd };
static _Alignas(16) unsigned char fuzz_json_bytes[FUZZ_JSON_BYTES];
static size_t fuzz_json_used, fuzz_json_live;

static inline void *fuzz_json_take(size_t size) {
  size_t whole = (size + 31) & ~(size_t)15; /* its size stands before it */
  if (whole > FUZZ_JSON_BYTES - fuzz_json_used) return NULL;
  unsigned char *at = fuzz_json_bytes + fuzz_json_used;
  memcpy(at, &size, sizeof size);
  fuzz_json_used += whole;
  fuzz_json_live++;
  return at + 16;
}

/* What is read after it was given back is no text and no sound value. */
static inline void fuzz_json_give(void *at) {
  if (!at) return;
  size_t size;
  memcpy(&size, (unsigned char *)at - 16, sizeof size);
  memset(at, FUZZ_JSON_POISON, size);
  weft_assert(fuzz_json_live > 0);
  fuzz_json_live--;
}

static inline void fuzz_json_begin(void) {
  if (fuzz_json_used == 0) json_set_alloc_funcs(fuzz_json_take, fuzz_json_give);
  fuzz_json_used = 16;
}

static inline void fuzz_json_end(void) {
  weft_assert(fuzz_json_live == 0);
}

#endif

/* Memory taken once at start, then sealed: an allocation after that is a bug in the program and aborts. */
#ifndef WEFT_BASE_ARENA_H
#define WEFT_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena {
  unsigned char *base; /* owned, page aligned */
  size_t size;         /* bytes */
  size_t used;         /* bytes */
  bool sealed;
};

/* Reserves `size` bytes of zeroed address space, huge pages if they can be had. 0, or -ENOMEM. */
int arena_open(struct arena *arena, size_t size);
void arena_close(struct arena *arena);

/* `count` zeroed items of `size` bytes, 64-byte aligned. NULL when the arena is too small; aborts once sealed. */
void *arena_take(struct arena *arena, size_t count, size_t size);

/* Touches every page, also those that nothing was taken of yet: for who will have no time for that later. */
void arena_touch(struct arena *arena);

/* Touches every used page so that no page fault is left for later, then forbids further taking. */
void arena_seal(struct arena *arena);

#endif

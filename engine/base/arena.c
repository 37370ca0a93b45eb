#include "engine/base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "engine/base/check.h"

enum { ARENA_ALIGN = 64, ARENA_PAGE = 4096 };

int arena_open(struct arena *arena, size_t size) {
  size = (size + ARENA_PAGE - 1) & ~(size_t)(ARENA_PAGE - 1);
  void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return -ENOMEM;
  madvise(base, size, MADV_HUGEPAGE); /* a wish: fewer pages to touch at start and to look up later */
  *arena = (struct arena){.base = base, .size = size};
  return 0;
}

void arena_close(struct arena *arena) {
  if (arena->base) munmap(arena->base, arena->size);
  *arena = (struct arena){0};
}

void *arena_take(struct arena *arena, size_t count, size_t size) {
  weft_assert(!arena->sealed);
  if (size && count > SIZE_MAX / size) return NULL;
  size_t bytes = (count * size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
  if (bytes > arena->size - arena->used) return NULL;
  void *taken = arena->base + arena->used;
  arena->used += bytes;
  return taken;
}

static void pages_touch(struct arena *arena, size_t size) {
  size_t whole = (size + ARENA_PAGE - 1) & ~(size_t)(ARENA_PAGE - 1);
  if (madvise(arena->base, whole, MADV_POPULATE_WRITE) == 0) return; /* from Linux 5.14 on */
  for (size_t at = 0; at < size; at += ARENA_PAGE) {
    volatile unsigned char *page = arena->base + at;
    *page = *page; /* a write, so that the page is ours, that keeps what is there */
  }
}

void arena_touch(struct arena *arena) {
  pages_touch(arena, arena->size);
}

void arena_seal(struct arena *arena) {
  arena->sealed = true;
  pages_touch(arena, arena->used);
}

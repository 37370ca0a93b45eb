#include "engine/base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "engine/base/check.h"

enum { ARENA_ALIGN = 64, ARENA_PAGE = 4096, ARENA_HUGE_PAGE = 2 << 20 };

static size_t rounded(size_t size, size_t unit) {
  return (size + unit - 1) & ~(unit - 1);
}

/* Bytes that an arena of so many maps: huge pages where it fills one, and then whole ones. A huge page that
 * it had in part, the rest being a neighbour's, would be put together by the kernel later on (khugepaged),
 * and whoever used it in that moment would meet a page fault. */
static size_t mapped_bytes(size_t size) {
  return size < ARENA_HUGE_PAGE ? size : rounded(size, ARENA_HUGE_PAGE);
}

/* So many bytes that begin where a huge page may; NULL when there are none. */
static unsigned char *huge_map(size_t bytes) {
  void *all = mmap(NULL, bytes + ARENA_HUGE_PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return NULL;
  unsigned char *base = all;
  size_t before = (size_t)(-(uintptr_t)all & (ARENA_HUGE_PAGE - 1));
  if (before > 0) munmap(base, before);
  munmap(base + before + bytes, ARENA_HUGE_PAGE - before);
  return base + before;
}

int arena_open(struct arena *arena, size_t size) {
  size = rounded(size, ARENA_PAGE);
  size_t bytes = mapped_bytes(size);
  bool huge = size >= ARENA_HUGE_PAGE;
  void *base =
      huge ? huge_map(bytes)
           : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == NULL || base == MAP_FAILED) return -ENOMEM;
  /* A wish: fewer pages to touch at start and to look up later. */
  madvise(base, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  *arena = (struct arena){.base = base, .size = size};
  return 0;
}

void arena_close(struct arena *arena) {
  if (arena->base) munmap(arena->base, mapped_bytes(arena->size));
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
  if (madvise(arena->base, rounded(size, ARENA_PAGE), MADV_POPULATE_WRITE) == 0)
    return; /* from Linux 5.14 on */
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

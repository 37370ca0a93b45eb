/* Preloaded into `weft`: counts what it takes from malloc and, at its end, writes the number into the file
 * that WEFT_BENCH_COUNT names. Linked into a bench, it is asked for the number. */
#include "bench/counted.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* glibc's own entries, which need no look-up. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static atomic_ulong taken;

void *malloc(size_t size) {
  atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed);
  return __libc_realloc(old, size);
}

unsigned long counted_taken(void) {
  return atomic_load_explicit(&taken, memory_order_relaxed);
}

__attribute__((destructor)) static void count_write(void) {
  const char *path = getenv("WEFT_BENCH_COUNT");
  const unsigned long count = counted_taken();
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%lu\n", count);
  fclose(file);
}

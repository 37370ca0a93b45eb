#include "engine/base/sort.h"

#include <stdbool.h>

#include "engine/base/check.h"

struct sorting {
  unsigned char *items;
  size_t size;
  int (*compare)(const void *, const void *, void *);
  void *context;
};

static void exchange(const struct sorting *s, size_t a, size_t b) {
  uint32_t *x = (uint32_t *)(void *)(s->items + a * s->size), *y = (uint32_t *)(void *)(s->items + b * s->size);
  for (size_t i = 0; i < s->size / sizeof *x; i++) {
    uint32_t kept = x[i];
    x[i] = y[i];
    y[i] = kept;
  }
}

static bool less(const struct sorting *s, size_t a, size_t b) {
  return s->compare(s->items + a * s->size, s->items + b * s->size, s->context) < 0;
}

/* Lets item `at` sink to its place in the heap of `count` items whose greatest stands first. */
static void sink(const struct sorting *s, size_t at, size_t count) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= count) return;
    if (child + 1 < count && less(s, child, child + 1)) child++;
    if (!less(s, at, child)) return;
    exchange(s, at, child);
    at = child;
  }
}

void sort_items(void *items, uint32_t count, size_t size, int (*compare)(const void *a, const void *b, void *context),
                void *context) {
  weft_assert(size % sizeof(uint32_t) == 0);
  struct sorting s = {.items = items, .size = size, .compare = compare, .context = context};
  bool sorted = true;
  for (uint32_t i = 1; i < count && sorted; i++) sorted = !less(&s, i, i - 1);
  if (sorted) return; /* most frames come in order */
  for (uint32_t at = count / 2; at > 0; at--) sink(&s, at - 1, count);
  for (uint32_t end = count; end > 1; end--) {
    exchange(&s, 0, end - 1);
    sink(&s, 0, end - 1);
  }
}

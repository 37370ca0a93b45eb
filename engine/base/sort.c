#include "engine/base/sort.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/check.h"

enum { INSERTION_MAX = 12, PARTS_MAX = 32 }; /* waiting ranges: each at most half of the one before */
enum { DIGIT_BITS_MAX = 11, KEY_BITS = 64 }; /* digits whose counts fit the first cache beside what is counted */

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

/* Lets item `at` sink to its place in the heap of `count` items from `first` on, whose greatest stands first. */
static void sink(const struct sorting *s, size_t first, size_t at, size_t count) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= count) return;
    if (child + 1 < count && less(s, first + child, first + child + 1)) child++;
    if (!less(s, first + at, first + child)) return;
    exchange(s, first + at, first + child);
    at = child;
  }
}

static void heap_sort(const struct sorting *s, size_t first, size_t count) {
  for (size_t at = count / 2; at > 0; at--) sink(s, first, at - 1, count);
  for (size_t end = count; end > 1; end--) {
    exchange(s, first, first + end - 1);
    sink(s, first, 0, end - 1);
  }
}

static void insertion_sort(const struct sorting *s, size_t first, size_t count) {
  for (size_t i = first + 1; i < first + count; i++)
    for (size_t at = i; at > first && less(s, at, at - 1); at--) exchange(s, at, at - 1);
}

/* Puts the median of the first, the middle and the last item first and parts the others by it: returns its place, behind
 * everything that is less. */
static size_t part(const struct sorting *s, size_t first, size_t count) {
  size_t last = first + count - 1, middle = first + count / 2;
  if (less(s, middle, first)) exchange(s, middle, first);
  if (less(s, last, middle)) exchange(s, last, middle);
  if (less(s, middle, first)) exchange(s, middle, first);
  exchange(s, first, middle);
  size_t low = first + 1, high = last; /* the last is not less than the median */
  for (;;) {
    while (low <= high && less(s, low, first)) low++;
    while (less(s, first, high)) high--;
    if (low >= high) break;
    exchange(s, low++, high--);
  }
  exchange(s, first, high);
  return high;
}

struct range {
  size_t first, count;
  int turns; /* how often it may still be parted */
};

/* Quicksort, whose longer parts wait; a range that parts badly goes to the heap. */
static void range_sort(const struct sorting *s, size_t count) {
  struct range waiting[PARTS_MAX];
  int used = 0, turns = 0;
  for (size_t n = count; n > 1; n /= 2) turns += 2;
  waiting[used++] = (struct range){.count = count, .turns = turns};
  while (used > 0) {
    struct range now = waiting[--used];
    while (now.count > INSERTION_MAX && now.turns-- > 0) {
      size_t at = part(s, now.first, now.count);
      struct range left = {now.first, at - now.first, now.turns}, right = {at + 1, now.first + now.count - at - 1, now.turns};
      bool longer = left.count > right.count;
      weft_assert(used < PARTS_MAX);
      waiting[used++] = longer ? left : right;
      now = longer ? right : left;
    }
    if (now.count > INSERTION_MAX) heap_sort(s, now.first, now.count);
    else insertion_sort(s, now.first, now.count);
  }
}

void sort_items(void *items, uint32_t count, size_t size, int (*compare)(const void *a, const void *b, void *context),
                void *context) {
  weft_assert(size % sizeof(uint32_t) == 0);
  struct sorting s = {.items = items, .size = size, .compare = compare, .context = context};
  bool sorted = true;
  for (uint32_t i = 1; i < count && sorted; i++) sorted = !less(&s, i, i - 1);
  if (!sorted) range_sort(&s, count); /* most frames come in order */
}

static void keys_insert(struct sort_key *keys, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    struct sort_key kept = keys[i];
    uint32_t at = i;
    for (; at > 0 && keys[at - 1].key > kept.key; at--) keys[at] = keys[at - 1];
    keys[at] = kept;
  }
}

/* Keys as they come, to their places by one digit of their distance from the least one. */
static void keys_deal(const struct sort_key *from, struct sort_key *to, uint32_t count, uint64_t least, unsigned shift, unsigned bits) {
  uint32_t place[1 << DIGIT_BITS_MAX], digits = 1u << bits, sum = 0;
  memset(place, 0, digits * sizeof *place);
  for (uint32_t i = 0; i < count; i++) place[(from[i].key - least) >> shift & (digits - 1)]++;
  for (uint32_t d = 0; d < digits; d++) {
    uint32_t here = place[d];
    place[d] = sum;
    sum += here;
  }
  for (uint32_t i = 0; i < count; i++) to[place[(from[i].key - least) >> shift & (digits - 1)]++] = from[i];
}

void sort_keys(struct sort_key *keys, struct sort_key *scratch, uint32_t count) {
  uint64_t least = UINT64_MAX, most = 0, last = 0;
  bool sorted = true;
  for (uint32_t i = 0; i < count; i++) {
    uint64_t key = keys[i].key;
    sorted = sorted && last <= key;
    last = key;
    if (key < least) least = key;
    if (key > most) most = key;
  }
  if (sorted) return;
  if (count <= INSERTION_MAX) {
    keys_insert(keys, count);
    return;
  }
  unsigned differ = KEY_BITS - (unsigned)__builtin_clzll(most - least), passes = (differ + DIGIT_BITS_MAX - 1) / DIGIT_BITS_MAX;
  unsigned bits = (differ + passes - 1) / passes;
  struct sort_key *from = keys, *to = scratch;
  for (unsigned shift = 0; shift < differ; shift += bits) {
    keys_deal(from, to, count, least, shift, bits);
    struct sort_key *dealt = to;
    to = from;
    from = dealt;
  }
  if (from != keys) memcpy(keys, from, count * sizeof *keys);
}

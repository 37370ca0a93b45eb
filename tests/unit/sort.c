// stage: weft_base
/* sort_items and sort_keys against qsort, on every size up to 300 and a few large ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/base/sort.h"

struct item {
  uint64_t key;
  uint32_t ordinal, padding[3];
};

static int compare(const void *a, const void *b) {
  const struct item *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

static int compare_counted(const void *a, const void *b, void *context) {
  ++*(uint64_t *)context;
  return compare(a, b);
}

static void items_fill(struct item *items, uint32_t count, uint64_t keys, struct prng *prng) {
  memset(items, 0, count * sizeof *items);
  for (uint32_t i = 0; i < count; i++) items[i] = (struct item){.key = prng_below(prng, keys), .ordinal = i};
}

static void sorts_as_qsort_does(void **state) {
  (void)state;
  enum { LARGE = 100000 };
  struct item *a = calloc(LARGE, sizeof *a), *b = calloc(LARGE, sizeof *b);
  struct prng prng = prng_seed(7, 1);
  uint64_t calls = 0;
  for (uint32_t count = 0; count <= 300; count++) {
    items_fill(a, count, count % 3 == 0 ? 3 : 1000000, &prng); /* many equal keys, too */
    memcpy(b, a, count * sizeof *a);
    qsort(b, count, sizeof *b, compare);
    sort_items(a, count, sizeof *a, compare_counted, &calls);
    assert_memory_equal(a, b, count * sizeof *a);
  }
  items_fill(a, LARGE, UINT64_MAX, &prng);
  memcpy(b, a, LARGE * sizeof *a);
  qsort(b, LARGE, sizeof *b, compare);
  sort_items(a, LARGE, sizeof *a, compare_counted, &calls);
  assert_memory_equal(a, b, LARGE * sizeof *a);
  free(a);
  free(b);
}

static void sorted_input_costs_one_pass(void **state) {
  (void)state;
  struct item items[1000];
  struct prng prng = prng_seed(7, 2);
  uint64_t calls = 0;
  items_fill(items, 1000, 1000, &prng);
  qsort(items, 1000, sizeof *items, compare);
  sort_items(items, 1000, sizeof *items, compare_counted, &calls);
  assert_int_equal(calls, 999);
}

/* McIlroy's adversary: keys that are decided as late as possible, so that every parting is as bad as it can be. */
struct adversary {
  uint32_t key[4096], solid, candidate;
  uint64_t calls;
};

enum { GAS = UINT32_MAX };

static int compare_badly(const void *a, const void *b, void *context) {
  struct adversary *adversary = context;
  uint32_t x = ((const struct item *)a)->ordinal, y = ((const struct item *)b)->ordinal;
  adversary->calls++;
  if (adversary->key[x] == GAS && adversary->key[y] == GAS) adversary->key[x == adversary->candidate ? x : y] = adversary->solid++;
  if (adversary->key[x] == GAS) adversary->candidate = x;
  if (adversary->key[y] == GAS) adversary->candidate = y;
  return adversary->key[x] < adversary->key[y] ? -1 : adversary->key[x] > adversary->key[y];
}

static void no_order_takes_more_than_some_n_log_n(void **state) {
  (void)state;
  static struct adversary adversary;
  static struct item items[4096];
  for (uint32_t i = 0; i < 4096; i++) {
    adversary.key[i] = GAS;
    items[i] = (struct item){.ordinal = i};
  }
  sort_items(items, 4096, sizeof *items, compare_badly, &adversary);
  for (uint32_t i = 1; i < 4096; i++) assert_true(adversary.key[items[i - 1].ordinal] < adversary.key[items[i].ordinal]);
  assert_in_range(adversary.calls, 1, 4096 * 12 * 6);
}

static void patterns_are_sorted_in_n_log_n(void **state) {
  (void)state;
  enum { COUNT = 20000, PATTERNS = 5 };
  struct item *items = calloc(COUNT, sizeof *items);
  for (int pattern = 0; pattern < PATTERNS; pattern++) {
    uint64_t calls = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
      uint64_t keys[PATTERNS] = {COUNT - i, i < COUNT / 2 ? i : COUNT - i, i % 12, i * 12 % COUNT, 0}; /* falling, a pipe, few, combs, equal */
      items[i] = (struct item){.key = keys[pattern], .ordinal = COUNT - i};
    }
    sort_items(items, COUNT, sizeof *items, compare_counted, &calls);
    for (uint32_t i = 1; i < COUNT; i++) assert_true(compare(&items[i - 1], &items[i]) < 0);
    assert_in_range(calls, COUNT, COUNT * 15 * 3);
  }
  free(items);
}

static int keys_compare(const void *a, const void *b) {
  const struct sort_key *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

/* Keys that differ in their lower `bits` alone, which begin anywhere; items tell in which order they came. */
static void keys_check(uint32_t count, unsigned bits, struct prng *prng) {
  struct sort_key *keys = calloc(count + 1, sizeof *keys), *scratch = calloc(count + 1, sizeof *scratch), *expected = calloc(count + 1, sizeof *expected);
  uint64_t mask = UINT64_MAX >> (64 - bits), begin = bits == 64 ? 0 : prng_below(prng, UINT64_MAX - mask);
  for (uint32_t i = 0; i < count; i++) keys[i] = (struct sort_key){.key = begin + (prng_below(prng, UINT64_MAX) & mask), .item = i, .note = i * 7};
  memcpy(expected, keys, count * sizeof *keys);
  qsort(expected, count, sizeof *expected, keys_compare);
  sort_keys(keys, scratch, count);
  for (uint32_t i = 0; i < count; i++) {
    if (keys[i].key != expected[i].key || keys[i].item != expected[i].item || keys[i].note != expected[i].note)
      fail_msg("%u keys of %u bits: place %u has item %u instead of %u", count, bits, i, keys[i].item, expected[i].item);
  }
  free(keys);
  free(scratch);
  free(expected);
}

static void keys_are_sorted_as_qsort_does_and_equal_ones_stay_in_order(void **state) {
  (void)state;
  struct prng prng = prng_seed(7, 3);
  for (uint32_t count = 0; count <= 300; count++) keys_check(count, 1 + count % 64, &prng);
  for (unsigned bits = 1; bits <= 64; bits++) keys_check(1000, bits, &prng); /* every number of passes, with every width of a digit */
  keys_check(100000, 26, &prng);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sorts_as_qsort_does), cmocka_unit_test(sorted_input_costs_one_pass),
                                     cmocka_unit_test(no_order_takes_more_than_some_n_log_n), cmocka_unit_test(patterns_are_sorted_in_n_log_n),
                                     cmocka_unit_test(keys_are_sorted_as_qsort_does_and_equal_ones_stay_in_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

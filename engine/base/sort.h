/* Sorting in place without allocation: glibc's qsort takes memory for large arrays, which a sealed engine must not. */
#ifndef WEFT_BASE_SORT_H
#define WEFT_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts `count` items of `size` bytes (a multiple of 4), `compare` as qsort_r's: quicksort, and heapsort where that goes badly, so that
 * no order takes more than some n log n comparisons. Not stable: the order must be total for the result to be determined, which every
 * caller's is. */
void sort_items(void *items, uint32_t count, size_t size, int (*compare)(const void *a, const void *b, void *context),
                void *context);

/* Something to be sorted by a number. What goes with it: `item`, `note`, is the caller's. */
struct sort_key {
  uint64_t key;
  uint32_t item, note;
};

/* Sorts `count` keys by digits, least first; equal ones stay in the order in which they came. Keys that differ in their lower
 * b bits cost 2 + b / 11 passes over them. `scratch` has room for as many. */
void sort_keys(struct sort_key *keys, struct sort_key *scratch, uint32_t count);

#endif

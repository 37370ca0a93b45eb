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

#endif

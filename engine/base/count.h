/* The lesser and the greater of two counts. */
#ifndef WEFT_BASE_COUNT_H
#define WEFT_BASE_COUNT_H

#include <stdint.h>

static inline uint32_t count_least(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t count_most(uint32_t a, uint32_t b) { return a > b ? a : b; }

#endif

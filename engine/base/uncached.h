/* Memory written past the caches: lines that nobody reads again soon are not fetched before they are overwritten, and put nothing
 * else out of the caches. Such writes are ordered with no others until uncached_settle. */
#ifndef WEFT_BASE_UNCACHED_H
#define WEFT_BASE_UNCACHED_H

#include <stddef.h>
#include <string.h>

#if defined(__AVX__)
#include <immintrin.h>
#endif

enum { UNCACHED_LINE = 64, UNCACHED_DOUBLES = UNCACHED_LINE / sizeof(double) }; /* bytes that memory takes at a time */

/* Copies whole lines. `to` begins with one, `from` anywhere; they don't overlap. */
static inline void uncached_copy(double *restrict to, const double *restrict from, size_t lines) {
#if defined(__AVX__)
  for (size_t i = 0; i < lines * UNCACHED_DOUBLES; i += UNCACHED_DOUBLES) {
    const __m256d low = _mm256_loadu_pd(from + i), high = _mm256_loadu_pd(from + i + 4);
    _mm256_stream_pd(to + i, low);
    _mm256_stream_pd(to + i + 4, high);
  }
#else
  memcpy(to, from, lines * UNCACHED_LINE);
#endif
}

/* Before another thread is told of what this one has written so. */
static inline void uncached_settle(void) {
#if defined(__AVX__)
  _mm_sfence();
#endif
}

#endif

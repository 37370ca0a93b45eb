/* Log-linear histogram of non-negative 64-bit values (latencies in ns, frame sizes), after the idea of Tene's
 * HdrHistogram: 64 equal buckets to every power of two. Fixed size, no allocation; one writer. A value below 64 is kept
 * exactly; above that a bucket is at most 1/64 of its values wide, so that a percentile, given as the middle of its
 * bucket, is at most 1/128 (0.8 %) off. */
#ifndef WEFT_BASE_HISTOGRAM_H
#define WEFT_BASE_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_SUB_BITS = 6, HISTOGRAM_SUB = 1 << HISTOGRAM_SUB_BITS };
enum { HISTOGRAM_BUCKETS = (63 - HISTOGRAM_SUB_BITS + 1) * HISTOGRAM_SUB };

/* A zeroed one is empty and ready. About 29 KiB. */
struct histogram {
  uint64_t count;
  uint64_t sum;  /* saturates */
  int64_t min;   /* smallest and largest value recorded; both 0 while count is 0 */
  int64_t max;
  uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Counts one value. A negative one (a clock that stepped back) counts as 0. */
void histogram_record(struct histogram *histogram, int64_t value);
/* Counts it so many times. */
void histogram_record_times(struct histogram *histogram, int64_t value, uint64_t times);
/* Adds every count of `from`. The result does not depend on the order of merging. */
void histogram_merge(struct histogram *histogram, const struct histogram *from);
/* The value below or at which `percent` (0 to 100) of the values lie: nearest rank, the middle of its bucket, kept
 * within [min, max]; 0 gives min and 100 gives max exactly. 0 while empty. */
int64_t histogram_percentile(const struct histogram *histogram, double percent);
/* How many values are at most `value`, to the resolution of a bucket: the whole bucket that holds `value` is counted in. */
uint64_t histogram_count_to(const struct histogram *histogram, int64_t value);

#endif

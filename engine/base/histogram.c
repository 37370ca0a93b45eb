#include "engine/base/histogram.h"

#include "engine/base/check.h"

/* Bucket of a value >= 0. Values below HISTOGRAM_SUB stand for themselves; above, the power of two chooses the row and
 * the next HISTOGRAM_SUB_BITS bits the bucket in it. */
static uint32_t bucket_of(int64_t value) {
  uint64_t v = (uint64_t)value;
  if (v < HISTOGRAM_SUB) return (uint32_t)v;
  uint32_t power = 63u - (uint32_t)__builtin_clzll(v);
  uint32_t row = power - HISTOGRAM_SUB_BITS;
  return (row + 1) * HISTOGRAM_SUB + (uint32_t)((v >> row) & (HISTOGRAM_SUB - 1));
}

/* Middle of a bucket's values. */
static int64_t bucket_middle(uint32_t bucket) {
  if (bucket < HISTOGRAM_SUB) return bucket;
  uint32_t row = bucket / HISTOGRAM_SUB - 1;
  uint64_t low = (uint64_t)(HISTOGRAM_SUB + bucket % HISTOGRAM_SUB) << row;
  return (int64_t)(low + ((uint64_t)1 << row) / 2);
}

static uint64_t add_saturated(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

static uint64_t multiply_saturated(uint64_t a, uint64_t b) {
  uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

void histogram_record_times(struct histogram *histogram, int64_t value, uint64_t times) {
  if (times == 0) return;
  if (value < 0) value = 0;
  if (histogram->count == 0 || value < histogram->min) histogram->min = value;
  if (value > histogram->max) histogram->max = value;
  histogram->count += times;
  histogram->sum = add_saturated(histogram->sum, multiply_saturated((uint64_t)value, times));
  histogram->buckets[bucket_of(value)] += times;
}

void histogram_record(struct histogram *histogram, int64_t value) { histogram_record_times(histogram, value, 1); }

void histogram_merge(struct histogram *histogram, const struct histogram *from) {
  if (from->count == 0) return;
  if (histogram->count == 0 || from->min < histogram->min) histogram->min = from->min;
  if (from->max > histogram->max) histogram->max = from->max;
  histogram->count += from->count;
  histogram->sum = add_saturated(histogram->sum, from->sum);
  for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) histogram->buckets[i] += from->buckets[i];
}

int64_t histogram_percentile(const struct histogram *histogram, double percent) {
  weft_assert(percent >= 0 && percent <= 100);
  if (histogram->count == 0) return 0;
  if (percent == 0) return histogram->min;
  /* Nearest rank, from 1 to count. The last digits of `percent` are no reason to go one rank up: 28.3 % of 20,000 is
   * rank 5,660 although the product comes out a little above it. */
  double wanted = percent / 100 * (double)histogram->count * (1 - 1e-12);
  uint64_t rank = (uint64_t)wanted;
  if ((double)rank < wanted) rank++;
  if (rank < 1) rank = 1;
  if (rank >= histogram->count) return histogram->max;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += histogram->buckets[i];
    if (seen < rank) continue;
    int64_t value = bucket_middle(i);
    if (value < histogram->min) return histogram->min;
    return value > histogram->max ? histogram->max : value;
  }
  return histogram->max;
}

uint64_t histogram_count_to(const struct histogram *histogram, int64_t value) {
  if (value < 0) return 0;
  uint32_t last = bucket_of(value);
  uint64_t count = 0;
  for (uint32_t i = 0; i <= last; i++) count += histogram->buckets[i];
  return count;
}

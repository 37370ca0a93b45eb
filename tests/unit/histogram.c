// stage: weft_base
/* The histogram keeps its stated error, and merging is the same as recording together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/histogram.h"
#include "engine/base/prng.h"

enum { VALUES = 20000, SEED = 7 };

static struct histogram a, b, both;
static int64_t values[VALUES];

static int ascending(const void *left, const void *right) {
  int64_t l = *(const int64_t *)left, r = *(const int64_t *)right;
  return (l > r) - (l < r);
}

/* Values of every size: a uniform number of bits, then uniform bits. */
static void values_draw(struct prng *prng) {
  for (int i = 0; i < VALUES; i++) values[i] = (int64_t)(prng_u64(prng) >> (1 + prng_below(prng, 63)));
}

static void percentile_is_within_one_part_in_128(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 1);
  values_draw(&prng);
  memset(&a, 0, sizeof a);
  for (int i = 0; i < VALUES; i++) histogram_record(&a, values[i]);
  qsort(values, VALUES, sizeof *values, ascending);
  for (int permille = 1; permille <= 1000; permille++) {
    int64_t got = histogram_percentile(&a, permille / 10.0);
    int64_t want = values[(permille * VALUES + 999) / 1000 - 1];
    int64_t error = got > want ? got - want : want - got;
    if (error > want / 128 + (want % 128 != 0)) {
      fail_msg("seed %d, p%.1f: %lld instead of %lld", SEED, permille / 10.0, (long long)got, (long long)want);
    }
  }
  assert_int_equal(histogram_percentile(&a, 0), values[0]);
  assert_int_equal(histogram_percentile(&a, 100), values[VALUES - 1]);
}

static void small_values_are_exact(void **state) {
  (void)state;
  memset(&a, 0, sizeof a);
  for (int64_t v = 0; v < 64; v++) histogram_record(&a, v);
  for (int64_t v = 0; v < 64; v++) {
    assert_int_equal(histogram_count_to(&a, v), v + 1);
    assert_int_equal(histogram_percentile(&a, (double)(v + 1) / 64 * 100), v);
  }
  assert_int_equal(a.sum, 63 * 64 / 2);
}

static void extremes_have_a_place(void **state) {
  (void)state;
  memset(&a, 0, sizeof a);
  assert_int_equal(histogram_percentile(&a, 50), 0);
  histogram_record(&a, INT64_MAX);
  histogram_record(&a, INT64_MAX);
  histogram_record(&a, INT64_MAX);
  histogram_record(&a, -5);
  assert_int_equal(a.count, 4);
  assert_int_equal(a.min, 0);
  assert_int_equal(a.max, INT64_MAX);
  assert_true(a.sum == UINT64_MAX); /* saturated */
  assert_int_equal(histogram_percentile(&a, 25), 0);
  assert_int_equal(histogram_percentile(&a, 100), INT64_MAX);
  assert_int_equal(histogram_count_to(&a, -1), 0);
  assert_int_equal(histogram_count_to(&a, 0), 1);
  assert_int_equal(histogram_count_to(&a, INT64_MAX), 4);
}

static void merge_equals_recording_together(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 2);
  values_draw(&prng);
  memset(&a, 0, sizeof a);
  memset(&b, 0, sizeof b);
  memset(&both, 0, sizeof both);
  for (int i = 0; i < VALUES; i++) {
    histogram_record(i % 3 ? &a : &b, values[i] >> 20);
    histogram_record(&both, values[i] >> 20);
  }
  histogram_merge(&a, &b);
  assert_memory_equal(&a, &both, sizeof a);
  memset(&b, 0, sizeof b);
  histogram_merge(&a, &b);
  assert_memory_equal(&a, &both, sizeof a);
  histogram_merge(&b, &a);
  assert_memory_equal(&b, &both, sizeof b);
}

static void count_to_never_falls_and_ends_at_count(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 3);
  values_draw(&prng);
  memset(&a, 0, sizeof a);
  for (int i = 0; i < VALUES; i++) histogram_record(&a, values[i]);
  uint64_t before = 0;
  for (int bit = 0; bit < 63; bit++) {
    uint64_t now = histogram_count_to(&a, (int64_t)1 << bit);
    assert_true(now >= before);
    uint64_t exact = 0, reach = 0;
    for (int i = 0; i < VALUES; i++) {
      exact += values[i] <= (int64_t)1 << bit;
      reach += values[i] <= ((int64_t)1 << bit) + ((int64_t)1 << bit) / 64;
    }
    assert_in_range(now, exact, reach);
    before = now;
  }
  assert_int_equal(histogram_count_to(&a, INT64_MAX), VALUES);
}

static void many_of_a_value_count_as_each_of_them_would(void **state) {
  (void)state;
  static struct histogram at_once, one_by_one;
  memset(&at_once, 0, sizeof at_once);
  memset(&one_by_one, 0, sizeof one_by_one);
  static const int64_t some[] = {5, -3, 1000000, 77, INT64_MAX};
  for (uint64_t v = 0; v < 5; v++) {
    histogram_record_times(&at_once, some[v], v);
    for (uint64_t i = 0; i < v; i++) histogram_record(&one_by_one, some[v]);
  }
  assert_memory_equal(&at_once, &one_by_one, sizeof at_once);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(percentile_is_within_one_part_in_128),
      cmocka_unit_test(small_values_are_exact),
      cmocka_unit_test(extremes_have_a_place),
      cmocka_unit_test(merge_equals_recording_together),
      cmocka_unit_test(count_to_never_falls_and_ends_at_count),
      cmocka_unit_test(many_of_a_value_count_as_each_of_them_would),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

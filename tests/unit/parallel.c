/* The loop without threads keeps what struct parallel promises of its pieces. */
// stage: weft_base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/parallel.h"

struct seen {
  uint32_t items, chunk;
  uint32_t next; /* where the next piece must begin */
  uint32_t pieces;
};

static void seen_body(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  struct seen *seen = argument;
  assert_int_equal(worker, 0);
  assert_int_equal(begin, seen->next);
  assert_true(end > begin && end <= seen->items);
  if (seen->chunk) assert_true(begin % seen->chunk == 0 && end - begin <= seen->chunk);
  seen->next = end;
  seen->pieces++;
}

static uint32_t pieces_count(uint32_t items, uint32_t chunk) {
  struct parallel parallel = parallel_inline();
  struct seen seen = {.items = items, .chunk = chunk};
  parallel.run(parallel.context, seen_body, &seen, items, chunk);
  assert_int_equal(seen.next, items);
  return seen.pieces;
}

static void inline_pieces_are_no_larger_than_the_chunk(void **state) {
  (void)state;
  assert_int_equal(parallel_inline().workers, 1);
  assert_int_equal(pieces_count(0, 4), 0);
  assert_int_equal(pieces_count(1, 4), 1);
  assert_int_equal(pieces_count(4, 4), 1);
  assert_int_equal(pieces_count(5, 4), 2);
  assert_int_equal(pieces_count(1000, 1), 1000);
  assert_int_equal(pieces_count(1000, 7), 143);
}

static void inline_pieces_end_at_the_largest_count(void **state) {
  (void)state;
  assert_int_equal(pieces_count(UINT32_MAX, UINT32_MAX), 1);
  assert_int_equal(pieces_count(UINT32_MAX, UINT32_MAX - 1), 2);
  assert_int_equal(pieces_count(UINT32_MAX, 1u << 31), 2);
}

static void inline_chunk_zero_is_all_at_once(void **state) {
  (void)state;
  assert_int_equal(pieces_count(0, 0), 0);
  assert_int_equal(pieces_count(1000, 0), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inline_pieces_are_no_larger_than_the_chunk),
      cmocka_unit_test(inline_pieces_end_at_the_largest_count),
      cmocka_unit_test(inline_chunk_zero_is_all_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Waiting goes through its three states in order, by the time that it is given. */
// stage: weft_base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/spin.h"

static void a_wait_polls_then_pauses_then_blocks(void **state) {
  (void)state;
  struct spin spin = {.budget_ns = 1000};
  struct spin_wait wait = spin_begin(5000);
  assert_true(spin_again(&spin, &wait, 5000));
  assert_true(spin_again(&spin, &wait, 5249));
  assert_int_equal(spin.polled, 2);
  for (uint32_t pauses = 1; pauses <= 2 * SPIN_PAUSES_MAX; pauses *= 2) {
    assert_true(spin_again(&spin, &wait, 5250 + pauses));
    assert_int_equal(wait.pauses, pauses < SPIN_PAUSES_MAX ? pauses : SPIN_PAUSES_MAX);
  }
  assert_int_equal(spin.paused, 8);
  assert_int_equal(spin.blocked, 0);
  assert_true(spin_again(&spin, &wait, 5999));
  assert_false(spin_again(&spin, &wait, 6000));
  assert_int_equal(spin.blocked, 1);
  wait = spin_begin(7000);
  assert_true(spin_again(&spin, &wait, 7001)); /* the next one begins anew */
  assert_int_equal(spin.polled, 3);
}

static void without_a_budget_it_blocks_at_once(void **state) {
  (void)state;
  struct spin spin = {0};
  struct spin_wait wait = spin_begin(5000);
  assert_false(spin_again(&spin, &wait, 5000));
  assert_int_equal(spin.blocked, 1);
  assert_int_equal(spin.polled + spin.paused, 0);
}

static void a_clock_that_stands_still_spins_on(void **state) {
  (void)state;
  struct spin spin = {.budget_ns = INT64_MAX};
  struct spin_wait wait = spin_begin(0);
  for (int i = 0; i < 100; i++) assert_true(spin_again(&spin, &wait, 0));
  assert_int_equal(spin.polled, 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_wait_polls_then_pauses_then_blocks),
      cmocka_unit_test(without_a_budget_it_blocks_at_once),
      cmocka_unit_test(a_clock_that_stands_still_spins_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_domain weft_base weft_kernels
/* A sensor that is out is told from one that looks and sees nothing, by what it used to send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/track/hearing.h"

static const int64_t second_ns = 1000000000;

/* `scans` revisits of a second with `plots` each, the first at 0. */
static struct hearing heard(int scans, int plots) {
  struct hearing h = {0};
  for (int s = 0; s < scans; s++) {
    for (int p = 0; p < plots; p++) hearing_note(&h, s * second_ns + p * 1000, 1);
  }
  return h;
}

static void a_busy_sensor_that_falls_silent_is_out(void **state) {
  (void)state;
  struct hearing h = heard(20, 20);
  assert_true(h.per_scan > 19 && h.per_scan < 20.1);
  assert_false(hearing_out(&h, 20 * second_ns, 1)); /* one revisit late */
  assert_true(hearing_out(&h, 22 * second_ns, 1));
}

static void a_sensor_that_saw_one_target_only_is_never_out(void **state) {
  (void)state;
  struct hearing h = heard(50, 1);
  for (int s = 51; s < 1000; s++) assert_false(hearing_out(&h, s * second_ns, 1));
}

static void a_quiet_sensor_is_out_only_after_longer(void **state) {
  (void)state;
  struct hearing h = heard(50, 2); /* one plot a scan to spare: seven scans */
  assert_false(hearing_out(&h, 55 * second_ns, 1));
  assert_true(hearing_out(&h, 57 * second_ns, 1));
}

static void looks_within_an_outage_are_remembered_as_such(void **state) {
  (void)state;
  struct hearing h = heard(20, 20);
  assert_false(hearing_was_out(&h, 30 * second_ns, 1));
  hearing_note(&h, 80 * second_ns, 1);
  assert_false(hearing_out(&h, 80 * second_ns, 1));
  assert_true(hearing_was_out(&h, 79 * second_ns, 1));
  assert_false(hearing_was_out(&h, 82 * second_ns, 1));
}

static void nothing_heard_is_not_out(void **state) {
  (void)state;
  struct hearing h = {0};
  assert_false(hearing_out(&h, 1000 * second_ns, 1));
  assert_false(hearing_was_out(&h, 0, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_busy_sensor_that_falls_silent_is_out),
      cmocka_unit_test(a_sensor_that_saw_one_target_only_is_never_out),
      cmocka_unit_test(a_quiet_sensor_is_out_only_after_longer),
      cmocka_unit_test(looks_within_an_outage_are_remembered_as_such),
      cmocka_unit_test(nothing_heard_is_not_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

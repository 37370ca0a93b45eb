// stage: weft_platform weft_base
/* Work that a thread of its own does: once each time, said once, and finished before the thread is ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <semaphore.h>

#include "engine/platform/errand.h"

struct work {
  sem_t may_end;
  int count; /* not atomic: what the errand says orders it */
};

static void work_do(void *context) {
  struct work *work = context;
  sem_wait(&work->may_end);
  work->count++;
}

static void each_work_is_done_once_and_said_once(void **state) {
  (void)state;
  struct work work = {.count = 0};
  struct errand errand;
  sem_init(&work.may_end, 0, 0);
  assert_int_equal(errand_open(&errand, work_do, &work), 0);
  assert_false(errand_done(&errand));
  assert_false(errand_wait(&errand)); /* none is under way */
  for (int round = 1; round <= 1000; round++) {
    errand_begin(&errand);
    assert_true(errand.under_way);
    assert_false(errand_done(&errand)); /* it can't be */
    sem_post(&work.may_end);
    if (round % 2) assert_true(errand_wait(&errand));
    else
      while (!errand_done(&errand)) continue;
    assert_int_equal(work.count, round);
    assert_false(errand.under_way || errand_done(&errand) || errand_wait(&errand));
  }
  errand_close(&errand);
  assert_int_equal(work.count, 1000);
  sem_destroy(&work.may_end);
}

static void closing_waits_for_what_is_under_way(void **state) {
  (void)state;
  struct work work = {.count = 0};
  struct errand errand;
  sem_init(&work.may_end, 0, 0);
  assert_int_equal(errand_open(&errand, work_do, &work), 0);
  errand_begin(&errand);
  sem_post(&work.may_end);
  errand_close(&errand);
  assert_int_equal(work.count, 1);
  errand_close(&errand); /* nothing is left to do */
  errand_close(&(struct errand){0});
  sem_destroy(&work.may_end);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_work_is_done_once_and_said_once),
      cmocka_unit_test(closing_waits_for_what_is_under_way),
  };
  return cmocka_run_group_tests_name("errand", tests, NULL, NULL);
}

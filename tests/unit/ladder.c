/* The ladder of degradation: when it rises and falls, and that it keeps the latency limit, in a simulated queue of frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/domain/frame.h"
#include "engine/domain/overload.h"
#include "engine/server/ladder.h"

enum { COST_NS = 5000, SLOTS = 4 };
#define LIMIT_NS INT64_C(200000000)
#define SECOND_NS INT64_C(1000000000)
#define FRAME_LIMIT_NS INT64_C(5000000)

/* That has seen frames of a thousand at COST_NS a detection. Half of the limit are 20,000 of them. */
static struct ladder ladder_warm(void) {
  struct ladder ladder = {.limit_ns = LIMIT_NS};
  for (int i = 0; i < LADDER_COSTS; i++) ladder_stepped(&ladder, 1000, 0, 1000 * COST_NS);
  return ladder;
}

static void nothing_is_shed_before_it_is_known_what_a_detection_costs(void **state) {
  (void)state;
  struct ladder ladder = {.limit_ns = LIMIT_NS};
  assert_int_equal(ladder_decide(&ladder, FRAME_DETECTIONS_MAX, 4.0 * FRAME_DETECTIONS_MAX, 1), OVERLOAD_NONE);
  ladder_stepped(&ladder, LADDER_COUNT_MIN - 1, 0, SECOND_NS); /* so few say little */
  assert_int_equal(ladder_decide(&ladder, FRAME_DETECTIONS_MAX, 0, 1), OVERLOAD_NONE);
  ladder_stepped(&ladder, LADDER_COUNT_MIN, 0, SECOND_NS);
  assert_int_equal(ladder_decide(&ladder, FRAME_DETECTIONS_MAX, 0, 1), OVERLOAD_MOST);
}

static void step_rises_at_once_as_far_as_the_work_that_waits_needs(void **state) {
  (void)state;
  static const struct {
    uint32_t detections;
    double ahead;
    uint32_t step;
  } cases[] = {{8000, 0, 0},  {8001, 0, 1},  {16000, 0, 1},   {16001, 0, 2},   {20480, 0, 2}, {20481, 0, 3},
               {28444, 0, 3}, {48000, 0, 6}, {8000, 8000, 1}, {8000, 9680, 2}, {65, 24000, 8}, {0, 0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct ladder ladder = ladder_warm();
    uint32_t step = ladder_decide(&ladder, cases[i].detections, cases[i].ahead, 1);
    if (step != cases[i].step) fail_msg("%u detections behind %g: step %u, not %u", cases[i].detections, cases[i].ahead, step, cases[i].step);
    assert_int_equal(ladder.changes, step != 0);
  }
}

static void step_falls_by_one_a_second_and_waits_while_it_is_needed(void **state) {
  (void)state;
  struct ladder ladder = ladder_warm();
  int64_t now_ns = 7 * SECOND_NS;
  assert_int_equal(ladder_decide(&ladder, 48000, 0, now_ns), 6);
  for (int ms = 1; ms <= 500; ms++) assert_int_equal(ladder_decide(&ladder, 10, 0, now_ns += 1000000), 6);
  assert_int_equal(ladder_decide(&ladder, 48000, 0, now_ns += 1000000), 6); /* needed again: the second begins anew */
  for (uint32_t step = 6; step > 0; step--) {
    for (int ms = 1; ms < 1000; ms++) assert_int_equal(ladder_decide(&ladder, 10, 0, now_ns += 1000000), step);
    assert_int_equal(ladder_decide(&ladder, 10, 0, now_ns += 1000000), step - 1);
  }
  assert_int_equal(ladder.changes, 7);
  assert_int_equal(ladder.highest, 6);
  assert_int_equal(ladder_decide(&ladder, 10, 0, now_ns += 100 * SECOND_NS), 0);
}

static void a_stall_of_the_machine_sheds_nothing(void **state) {
  (void)state;
  struct ladder ladder = ladder_warm();
  for (int i = 0; i < LADDER_COSTS / 4; i++) ladder_stepped(&ladder, 100, 0, SECOND_NS);
  assert_int_equal(ladder_decide(&ladder, 5000, 1000, 1), OVERLOAD_NONE);
}

static void a_limit_of_zero_means_no_ladder(void **state) {
  (void)state;
  struct ladder ladder = ladder_warm();
  ladder.limit_ns = 0;
  assert_int_equal(ladder_decide(&ladder, FRAME_DETECTIONS_MAX, 1e6, 1), OVERLOAD_NONE);
}

/* What frames closed by the server's rule wait, with `times` as much coming as can be done. Times in ns. */
struct run {
  double longest_ns; /* arrival to stepped */
  double used, came;
};

static struct run queue_run(double times, double shed_part, double seconds) {
  struct ladder ladder = {.limit_ns = LIMIT_NS};
  struct run run = {0};
  double rate = times / COST_NS, end_ns[SLOTS] = {0}, work[SLOTS] = {0}, came_ns = 0; /* arrivals up to came_ns are in frames */
  uint32_t count[SLOTS] = {0}, step[SLOTS] = {0};
  bool told[SLOTS] = {0};
  for (uint64_t frame = 0; came_ns < seconds * 1e9; frame++) {
    uint64_t at = frame % SLOTS, last = (frame + SLOTS - 1) % SLOTS;
    double now_ns = came_ns + 1 / rate, idle_ns = end_ns[last], limit_ns = now_ns + FRAME_LIMIT_NS;
    double close_ns = idle_ns < limit_ns ? idle_ns : limit_ns;
    if (close_ns < now_ns) close_ns = now_ns;
    if (close_ns < end_ns[at]) close_ns = end_ns[at]; /* no slot before */
    double ahead = 0;
    for (uint64_t s = 0; s < SLOTS; s++) {
      bool done = end_ns[s] <= close_ns;
      ahead += done ? 0 : work[s];
      if (!done || told[s] || count[s] == 0) continue;
      told[s] = true;
      ladder_stepped(&ladder, count[s], step[s], (int64_t)(work[s] * COST_NS));
    }
    double came = (close_ns - came_ns) * rate;
    count[at] = came > FRAME_DETECTIONS_MAX ? FRAME_DETECTIONS_MAX : (uint32_t)came;
    if (count[at] == 0) count[at] = 1;
    step[at] = ladder_decide(&ladder, count[at], ahead, (int64_t)close_ns);
    uint32_t kept = overload_kept(count[at], step[at]);
    work[at] = kept + (count[at] - kept) * shed_part;
    told[at] = false;
    end_ns[at] = (close_ns > idle_ns ? close_ns : idle_ns) + work[at] * COST_NS;
    double waited_ns = end_ns[at] - came_ns;
    if (waited_ns > run.longest_ns) run.longest_ns = waited_ns;
    run.came += count[at];
    run.used += kept;
    came_ns += count[at] / rate;
  }
  return run;
}

static void the_latency_limit_holds_at_any_load_the_ladder_is_for(void **state) {
  (void)state;
  static const double times[] = {0.1, 0.5, 0.9, 0.99, 1.1, 1.5, 2, 3, 4, 5}, shed_parts[] = {0.02, 0.06, 0.125};
  for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
    for (size_t k = 0; k < sizeof shed_parts / sizeof *shed_parts; k++) {
      struct run run = queue_run(times[i], shed_parts[k], 20);
      if (!(run.longest_ns < (double)LIMIT_NS))
        fail_msg("%g times capacity, shedding costs %g: %.1f ms", times[i], shed_parts[k], run.longest_ns * 1e-6);
      if (times[i] < 1 && run.used < run.came) fail_msg("%g times capacity: %g of %g used", times[i], run.used, run.came);
      if (times[i] > 1 && run.used >= run.came) fail_msg("%g times capacity: nothing was shed", times[i]);
      double busy = run.used + (run.came - run.used) * shed_parts[k]; /* of run.came / times that could be done */
      if (times[i] > 1 && busy < 0.5 * run.came / times[i])
        fail_msg("%g times capacity, shedding costs %g: only %.2f of the engine is used", times[i], shed_parts[k], busy * times[i] / run.came);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_shed_before_it_is_known_what_a_detection_costs),
      cmocka_unit_test(step_rises_at_once_as_far_as_the_work_that_waits_needs),
      cmocka_unit_test(step_falls_by_one_a_second_and_waits_while_it_is_needed),
      cmocka_unit_test(a_stall_of_the_machine_sheds_nothing),
      cmocka_unit_test(a_limit_of_zero_means_no_ladder),
      cmocka_unit_test(the_latency_limit_holds_at_any_load_the_ladder_is_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

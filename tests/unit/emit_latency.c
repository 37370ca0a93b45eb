// stage: weft_emit weft_domain weft_base
/* Latency by stage: the stages of a line add up to its whole, whatever the clocks do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/emit/latency.h"

enum { LINES = 5 };
#define AT_NS INT64_C(1700000000000000000)

static struct latency latency;
static struct track_report reports[LINES];
static struct step_output output = {.count = LINES, .capacity = LINES, .reports = reports};

static uint64_t stages_sum(void) {
  uint64_t sum = 0;
  for (int stage = 0; stage < LATENCY_STAGES; stage++) sum += latency.stage_ns[stage].sum;
  return sum;
}

static void each_stage_gets_its_part(void **state) {
  (void)state;
  memset(&latency, 0, sizeof latency);
  memset(reports, 0, sizeof reports);
  reports[1].arrival_ns = AT_NS - 70; /* before the frame was open */
  reports[3].arrival_ns = AT_NS + 30; /* while it was */
  struct latency_times times = {.opened_ns = AT_NS, .closed_ns = AT_NS + 100, .closed_clock_ns = 5000, .begun_clock_ns = 5020,
                                .stepped_clock_ns = 5320, .left_clock_ns = 5360, .emitted_clock_ns = 5410};
  latency_note(&latency, &times, &output);
  static const int64_t least[LATENCY_STAGES] = {0, 70, 20, 300, 40, 50}, most[LATENCY_STAGES] = {70, 100, 20, 300, 40, 50};
  for (int stage = 0; stage < LATENCY_STAGES; stage++) {
    assert_int_equal(latency.stage_ns[stage].count, 2);
    if (latency.stage_ns[stage].min != least[stage] || latency.stage_ns[stage].max != most[stage])
      fail_msg("%s: %ld to %ld", latency_stage_names[stage], latency.stage_ns[stage].min, latency.stage_ns[stage].max);
  }
  assert_int_equal(latency.whole_ns.count, 2);
  assert_int_equal(latency.whole_ns.max, 580); /* 70 before it was open, 100 open, 410 after */
  assert_int_equal(latency.whole_ns.min, 480);
}

static void stages_add_up_whatever_the_receivers_clock_does(void **state) {
  (void)state;
  struct prng prng = prng_seed(3, 0);
  memset(&latency, 0, sizeof latency);
  for (int frame = 0; frame < 2000; frame++) {
    int64_t clock_ns = (int64_t)prng_below(&prng, 1000000), ns[6];
    for (int i = 0; i < 6; i++) ns[i] = (int64_t)prng_below(&prng, 1u << prng_below(&prng, 30));
    struct latency_times times = {.opened_ns = AT_NS + ns[0], .closed_ns = AT_NS + ns[0] + ns[1] - ns[5], .closed_clock_ns = clock_ns};
    times.begun_clock_ns = times.closed_clock_ns + ns[2];
    times.stepped_clock_ns = times.begun_clock_ns + ns[3];
    times.left_clock_ns = times.stepped_clock_ns + ns[4];
    times.emitted_clock_ns = times.left_clock_ns + ns[5];
    for (int i = 0; i < LINES; i++) reports[i].arrival_ns = i == 0 ? 0 : AT_NS + (int64_t)prng_below(&prng, 1u << 30) - (1 << 29);
    latency_note(&latency, &times, &output);
    assert_int_equal(latency.whole_ns.sum, stages_sum());
  }
  assert_int_equal(latency.whole_ns.count, 2000 * (LINES - 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_stage_gets_its_part),
      cmocka_unit_test(stages_add_up_whatever_the_receivers_clock_does),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "engine/emit/latency.h"

const char *const latency_stage_names[LATENCY_STAGES] = {"receive", "collect", "queue", "step", "hold", "emit"};

/* A receiver's clock that was set back makes nothing less than nothing. */
static int64_t passed_ns(int64_t from_ns, int64_t to_ns) { return to_ns > from_ns ? to_ns - from_ns : 0; }

void latency_note(struct latency *latency, const struct latency_times *times, const struct step_output *output) {
  int64_t stage_ns[LATENCY_STAGES] = {[LATENCY_QUEUE] = times->begun_clock_ns - times->closed_clock_ns,
                                      [LATENCY_STEP] = times->stepped_clock_ns - times->begun_clock_ns,
                                      [LATENCY_HOLD] = times->left_clock_ns - times->stepped_clock_ns,
                                      [LATENCY_EMIT] = times->emitted_clock_ns - times->left_clock_ns};
  for (uint32_t i = 0; i < output->count; i++) {
    int64_t arrival_ns = output->reports[i].arrival_ns, whole_ns = 0;
    if (arrival_ns == 0) continue;
    stage_ns[LATENCY_RECEIVE] = passed_ns(arrival_ns, times->opened_ns);
    stage_ns[LATENCY_COLLECT] = passed_ns(arrival_ns > times->opened_ns ? arrival_ns : times->opened_ns, times->closed_ns);
    for (int stage = 0; stage < LATENCY_STAGES; stage++) {
      histogram_record(&latency->stage_ns[stage], stage_ns[stage]);
      whole_ns += stage_ns[stage];
    }
    histogram_record(&latency->whole_ns, whole_ns);
  }
}

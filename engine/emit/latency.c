#include "engine/emit/latency.h"

const char *const latency_stage_names[LATENCY_STAGES] = {"receive", "collect", "queue", "step", "hold", "emit"};

/* Reports are too long for several to be in a cache. */
enum { ASKED_AHEAD = 16 };

/* A receiver's clock that was set back makes nothing less than nothing. */
static int64_t passed_ns(int64_t from_ns, int64_t to_ns) { return to_ns > from_ns ? to_ns - from_ns : 0; }

/* What is the frame's is recorded once for all its lines, and what is a datagram's once for those of its lines that stand together. */
void latency_note(struct latency *latency, const struct latency_times *times, const struct step_output *output) {
  const int64_t frame_ns[LATENCY_STAGES] = {[LATENCY_QUEUE] = times->begun_clock_ns - times->closed_clock_ns,
                                            [LATENCY_STEP] = times->stepped_clock_ns - times->begun_clock_ns,
                                            [LATENCY_HOLD] = times->left_clock_ns - times->stepped_clock_ns,
                                            [LATENCY_EMIT] = times->emitted_clock_ns - times->left_clock_ns};
  const int64_t behind_ns = frame_ns[LATENCY_QUEUE] + frame_ns[LATENCY_STEP] + frame_ns[LATENCY_HOLD] + frame_ns[LATENCY_EMIT];
  uint64_t all = 0;
  for (uint32_t i = 0, same; i < output->count; i += same) {
    int64_t arrival_ns = output->reports[i].arrival_ns;
    if (i + ASKED_AHEAD < output->count) __builtin_prefetch(&output->reports[i + ASKED_AHEAD].arrival_ns);
    for (same = 1; i + same < output->count && output->reports[i + same].arrival_ns == arrival_ns; same++) continue;
    if (arrival_ns == 0) continue;
    int64_t receive_ns = passed_ns(arrival_ns, times->opened_ns);
    int64_t collect_ns = passed_ns(arrival_ns > times->opened_ns ? arrival_ns : times->opened_ns, times->closed_ns);
    histogram_record_times(&latency->stage_ns[LATENCY_RECEIVE], receive_ns, same);
    histogram_record_times(&latency->stage_ns[LATENCY_COLLECT], collect_ns, same);
    histogram_record_times(&latency->whole_ns, receive_ns + collect_ns + behind_ns, same);
    all += same;
  }
  for (int stage = LATENCY_QUEUE; stage < LATENCY_STAGES; stage++) histogram_record_times(&latency->stage_ns[stage], frame_ns[stage], all);
}

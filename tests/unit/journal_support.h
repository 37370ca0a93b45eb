/* Frames and segment heads for tests of the journal. */
#ifndef WEFT_TESTS_JOURNAL_SUPPORT_H
#define WEFT_TESTS_JOURNAL_SUPPORT_H

#include "engine/base/prng.h"
#include "engine/journal/journal_format.h"

/* A frame that depends on its number in every column; room for `count` detections is the caller's. */
static inline void frame_fill(struct frame *frame, uint64_t number, uint32_t count, bool platform) {
  struct prng prng = prng_seed(number, 3);
  frame_reset(frame);
  frame->number = number;
  frame->time_ns = 1700000000000000000 + (int64_t)number * 1000;
  frame->overload_step = (uint32_t)number % 3;
  for (uint32_t i = 0; i < count; i++) {
    struct detection d = {.time_ns = frame->time_ns - (int64_t)prng_below(&prng, 100000), .sequence = prng_u64(&prng),
                          .sensor = (uint32_t)prng_below(&prng, 5), .index = (uint16_t)prng_u64(&prng),
                          .kind = (uint8_t)(1 + prng_below(&prng, 4)), .valid = (uint16_t)prng_below(&prng, 256),
                          .snr_db = (float)prng_normal(&prng), .arrival_ns = 77};
    for (int k = 0; k < 4; k++) d.measure[k] = prng_normal(&prng), d.sigma[k] = (float)prng_uniform(&prng);
    if (platform) d.platform_m[0] = 7e6 + prng_normal(&prng), d.valid |= VALID_PLATFORM;
    frame_append(frame, &d);
  }
  frame->state_count = (uint32_t)number % 4;
  for (uint32_t i = 0; i < frame->state_count; i++) {
    frame->states[i] = (struct sensor_state){.time_ns = frame->time_ns, .sequence = prng_u64(&prng), .sensor = i, .status = i % 3,
                                            .position_m = {prng_normal(&prng), 1, 2}, .velocity_mps = {0, 1, 2}};
  }
}

static const char site_text[] = "centre: T\nsensors: []\n";
static inline struct journal_head head_example(void) {
  return (struct journal_head){.segment = 3, .run = 99, .created_ns = 1234, .track_base = 1000, .first_frame = 1,
                               .centre = "T", .site_text = site_text, .site_size = sizeof site_text - 1,
                               .parameters = "lag_s=3\n", .parameter_size = 8};
}

#endif

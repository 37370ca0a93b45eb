/* Frames out of the input: such as admission makes, or with any bits in a value. */
#ifndef WEFT_FUZZ_FRAME_H
#define WEFT_FUZZ_FRAME_H

#include "engine/domain/frame.h"
#include "tests/fuzz/fuzz_input.h"

/* A double: one of few plain ones, or any bits at all where `wild`. */
static inline double frame_value(struct input *in, bool wild) {
  uint8_t how = input_u8(in);
  return wild && how == 255 ? input_double(in) : (double)how * 1000 - 128000;
}

/* Appends up to `most` detections and states, of sensors below `sensors`; all is finite and possible unless
 * `wild`. */
static inline void frame_fill(struct input *in, struct frame *frame, uint32_t most, uint32_t sensors,
                              bool wild) {
  uint32_t detections = input_u8(in) % (most + 1), states = input_u8(in) % 4;
  for (uint32_t i = 0; i < states && in->left > 0; i++) {
    struct sensor_state *s = &frame->states[frame->state_count++];
    *s = (struct sensor_state){.time_ns = (int64_t)input_u16(in) * 1000, .sequence = input_u16(in)};
    s->sensor = input_u8(in) % sensors;
    s->status = (uint32_t)input_u8(in) % (wild ? 4 : 3);
    for (int k = 0; k < 3; k++) s->position_m[k] = frame_value(in, wild);
  }
  for (uint32_t i = 0; i < detections && in->left > 0; i++) {
    struct detection d = {
        .time_ns = (int64_t)input_u16(in) * 1000, .sequence = input_u16(in), .index = (uint16_t)i};
    uint8_t how = input_u8(in);
    d.sensor = input_u8(in) % sensors;
    d.kind = (uint8_t)(wild ? how & 7 : 1 + how % 4);
    d.valid = input_u16(in) & 0x1ff;
    for (int k = 0; k < 4; k++) d.measure[k] = frame_value(in, wild);
    d.sigma[how >> 6] = (float)fabs(frame_value(in, wild));
    if (d.valid & VALID_PLATFORM)
      for (int k = 0; k < 3; k++) d.platform_m[k] = frame_value(in, wild);
    frame_append(frame, &d);
  }
}

#endif

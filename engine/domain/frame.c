#include "engine/domain/frame.h"

#include <errno.h>
#include <string.h>

#include "engine/base/check.h"

enum { COLUMN_ROUND = 64, COLUMN_COUNT = 13 }; /* the arena rounds every column up */

size_t frame_bytes(uint32_t capacity) {
  const struct frame *f = NULL;
  size_t row = sizeof *f->time_of_ns + sizeof *f->sequence + sizeof *f->sensor + sizeof *f->index +
               sizeof *f->kind + sizeof *f->valid + sizeof *f->snr_db + sizeof *f->measure +
               sizeof *f->sigma + sizeof *f->platform_m + sizeof *f->arrival_ns;
  return row * capacity + sizeof(struct sensor_state) * FRAME_STATES_MAX +
         sizeof(struct foreign_track) * FRAME_FOREIGN_MAX + (size_t)COLUMN_COUNT * COLUMN_ROUND;
}

int frame_open(struct frame *frame, struct arena *arena, uint32_t capacity) {
  weft_assert(capacity >= 1 && capacity <= FRAME_DETECTIONS_MAX);
  *frame = (struct frame){.capacity = capacity};
  frame->states = arena_take(arena, FRAME_STATES_MAX, sizeof *frame->states);
  frame->foreign = arena_take(arena, FRAME_FOREIGN_MAX, sizeof *frame->foreign);
  frame->time_of_ns = arena_take(arena, capacity, sizeof *frame->time_of_ns);
  frame->sequence = arena_take(arena, capacity, sizeof *frame->sequence);
  frame->sensor = arena_take(arena, capacity, sizeof *frame->sensor);
  frame->index = arena_take(arena, capacity, sizeof *frame->index);
  frame->kind = arena_take(arena, capacity, sizeof *frame->kind);
  frame->valid = arena_take(arena, capacity, sizeof *frame->valid);
  frame->snr_db = arena_take(arena, capacity, sizeof *frame->snr_db);
  frame->measure = arena_take(arena, capacity, sizeof *frame->measure);
  frame->sigma = arena_take(arena, capacity, sizeof *frame->sigma);
  frame->platform_m = arena_take(arena, capacity, sizeof *frame->platform_m);
  frame->arrival_ns = arena_take(arena, capacity, sizeof *frame->arrival_ns);
  bool complete = frame->states && frame->foreign && frame->time_of_ns && frame->sequence && frame->sensor && frame->index &&
                  frame->kind && frame->valid && frame->snr_db && frame->measure && frame->sigma &&
                  frame->platform_m && frame->arrival_ns;
  return complete ? 0 : -ENOMEM;
}

void frame_reset(struct frame *frame) {
  frame->number = 0;
  frame->time_ns = 0;
  frame->overload_step = 0;
  frame->count = 0;
  frame->state_count = 0;
  frame->foreign_count = 0;
  frame->foreign_names = NULL;
}

void frame_append(struct frame *frame, const struct detection *detection) {
  weft_assert(frame->count < frame->capacity);
  uint32_t at = frame->count++;
  frame->time_of_ns[at] = detection->time_ns;
  frame->sequence[at] = detection->sequence;
  frame->sensor[at] = detection->sensor;
  frame->index[at] = detection->index;
  frame->kind[at] = detection->kind;
  frame->valid[at] = detection->valid;
  frame->snr_db[at] = detection->snr_db;
  memcpy(frame->measure[at], detection->measure, sizeof detection->measure);
  memcpy(frame->sigma[at], detection->sigma, sizeof detection->sigma);
  memcpy(frame->platform_m[at], detection->platform_m, sizeof detection->platform_m);
  frame->arrival_ns[at] = detection->arrival_ns;
}

void frame_detection(const struct frame *frame, uint32_t at, struct detection *detection) {
  weft_assert(at < frame->count);
  *detection = (struct detection){.time_ns = frame->time_of_ns[at],
                                  .sequence = frame->sequence[at],
                                  .sensor = frame->sensor[at],
                                  .index = frame->index[at],
                                  .kind = frame->kind[at],
                                  .valid = frame->valid[at],
                                  .snr_db = frame->snr_db[at],
                                  .arrival_ns = frame->arrival_ns[at]};
  memcpy(detection->measure, frame->measure[at], sizeof detection->measure);
  memcpy(detection->sigma, frame->sigma[at], sizeof detection->sigma);
  memcpy(detection->platform_m, frame->platform_m[at], sizeof detection->platform_m);
}

void frame_copy(struct frame *to, const struct frame *from) {
  weft_assert(from->count <= to->capacity);
  size_t n = from->count;
  to->number = from->number;
  to->time_ns = from->time_ns;
  to->overload_step = from->overload_step;
  to->count = from->count;
  to->state_count = from->state_count;
  to->foreign_count = from->foreign_count;
  to->foreign_names = from->foreign_names;
  memcpy(to->foreign, from->foreign, from->foreign_count * sizeof *to->foreign);
  memcpy(to->states, from->states, from->state_count * sizeof *to->states);
  memcpy(to->time_of_ns, from->time_of_ns, n * sizeof *to->time_of_ns);
  memcpy(to->sequence, from->sequence, n * sizeof *to->sequence);
  memcpy(to->sensor, from->sensor, n * sizeof *to->sensor);
  memcpy(to->index, from->index, n * sizeof *to->index);
  memcpy(to->kind, from->kind, n * sizeof *to->kind);
  memcpy(to->valid, from->valid, n * sizeof *to->valid);
  memcpy(to->snr_db, from->snr_db, n * sizeof *to->snr_db);
  memcpy(to->measure, from->measure, n * sizeof *to->measure);
  memcpy(to->sigma, from->sigma, n * sizeof *to->sigma);
  memcpy(to->platform_m, from->platform_m, n * sizeof *to->platform_m);
  memcpy(to->arrival_ns, from->arrival_ns, n * sizeof *to->arrival_ns);
}

static bool same(const void *a, const void *b, size_t count, size_t size) {
  return memcmp(a, b, count * size) == 0;
}

bool frame_equal(const struct frame *a, const struct frame *b) {
  size_t n = a->count;
  return a->number == b->number && a->time_ns == b->time_ns && a->overload_step == b->overload_step &&
         a->count == b->count && a->state_count == b->state_count && a->foreign_count == b->foreign_count &&
         same(a->foreign, b->foreign, a->foreign_count, sizeof *a->foreign) &&
         same(a->states, b->states, a->state_count, sizeof *a->states) &&
         same(a->time_of_ns, b->time_of_ns, n, sizeof *a->time_of_ns) &&
         same(a->sequence, b->sequence, n, sizeof *a->sequence) &&
         same(a->sensor, b->sensor, n, sizeof *a->sensor) && same(a->index, b->index, n, sizeof *a->index) &&
         same(a->kind, b->kind, n, sizeof *a->kind) && same(a->valid, b->valid, n, sizeof *a->valid) &&
         same(a->snr_db, b->snr_db, n, sizeof *a->snr_db) &&
         same(a->measure, b->measure, n, sizeof *a->measure) &&
         same(a->sigma, b->sigma, n, sizeof *a->sigma) &&
         same(a->platform_m, b->platform_m, n, sizeof *a->platform_m);
}

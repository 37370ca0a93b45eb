#include "engine/ingest/frame_builder.h"

#include <errno.h>
#include <string.h>

#include "engine/base/check.h"

/* The total order of a frame, and where the entry stands in order of arrival. */
struct frame_key {
  uint32_t sensor;
  uint32_t restart;
  uint64_t sequence;
  uint32_t index;
  uint32_t at;
};

enum { SCRATCH_MIN = FRAME_STATES_MAX };

static uint32_t scratch_count(uint32_t capacity) { return capacity > SCRATCH_MIN ? capacity : SCRATCH_MIN; }

size_t frame_builder_bytes(uint32_t capacity) {
  return frame_bytes(capacity) + (capacity + FRAME_STATES_MAX + scratch_count(capacity)) * sizeof(struct frame_key) + 192;
}

int frame_builder_open(struct frame_builder *builder, struct arena *arena, uint32_t capacity) {
  *builder = (struct frame_builder){0};
  if (frame_open(&builder->open, arena, capacity) < 0) return -ENOMEM;
  builder->keys = arena_take(arena, capacity, sizeof *builder->keys);
  builder->state_keys = arena_take(arena, FRAME_STATES_MAX, sizeof *builder->state_keys);
  builder->scratch = arena_take(arena, scratch_count(capacity), sizeof *builder->scratch);
  return builder->keys && builder->state_keys && builder->scratch ? 0 : -ENOMEM;
}

void frame_builder_resume(struct frame_builder *builder, uint64_t number, int64_t time_ns) {
  builder->number = number;
  builder->time_ns = time_ns;
  builder->any_closed = true;
}

bool frame_builder_has_room(const struct frame_builder *builder, uint32_t detections, uint32_t states) {
  return detections <= builder->open.capacity - builder->open.count &&
         states <= FRAME_STATES_MAX - builder->open.state_count;
}

bool frame_builder_has_room_foreign(const struct frame_builder *builder) {
  return builder->open.foreign_count < FRAME_FOREIGN_MAX;
}

bool frame_builder_is_empty(const struct frame_builder *builder) {
  return builder->open.count == 0 && builder->open.state_count == 0 && builder->open.foreign_count == 0;
}

void frame_builder_add(struct frame_builder *builder, const struct detection *detection, uint32_t restart) {
  uint32_t at = builder->open.count;
  frame_append(&builder->open, detection);
  builder->keys[at] = (struct frame_key){detection->sensor, restart, detection->sequence, detection->index, at};
}

void frame_builder_add_state(struct frame_builder *builder, const struct sensor_state *state, uint32_t restart,
                             uint16_t index) {
  uint32_t at = builder->open.state_count;
  weft_assert(at < FRAME_STATES_MAX);
  builder->open.states[at] = *state;
  builder->state_keys[at] = (struct frame_key){state->sensor, restart, state->sequence, index, at};
  builder->open.state_count++;
}

void frame_builder_add_foreign(struct frame_builder *builder, const struct foreign_track *foreign,
                               const struct foreign_names *names) {
  weft_assert(frame_builder_has_room_foreign(builder));
  builder->open.foreign[builder->open.foreign_count++] = *foreign;
  builder->open.foreign_names = names;
}

static bool key_after(const struct frame_key *a, const struct frame_key *b) {
  if (a->sensor != b->sensor) return a->sensor > b->sensor;
  if (a->restart != b->restart) return a->restart > b->restart;
  if (a->sequence != b->sequence) return a->sequence > b->sequence;
  return a->index > b->index;
}

static bool keys_ordered(const struct frame_key *keys, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    if (key_after(&keys[i - 1], &keys[i])) return false;
  }
  return true;
}

/* Merges two neighbouring ordered runs, [begin, middle) and [middle, end). The left one goes first among equals. */
static void runs_merge(const struct frame_key *from, struct frame_key *to, uint32_t begin, uint32_t middle, uint32_t end) {
  uint32_t left = begin, right = middle;
  for (uint32_t i = begin; i < end; i++) {
    bool take_left = right >= end || (left < middle && !key_after(&from[left], &from[right]));
    to[i] = take_left ? from[left++] : from[right++];
  }
}

/* Stable merge sort from the bottom up: no allocation, at most 16 passes. Returns where the result is. */
static const struct frame_key *keys_sort(struct frame_key *keys, struct frame_key *scratch, uint32_t count) {
  struct frame_key *from = keys, *to = scratch;
  for (uint32_t width = 1; width < count; width *= 2) {
    for (uint32_t begin = 0; begin < count; begin += 2 * width) {
      uint32_t middle = begin + width < count ? begin + width : count;
      uint32_t end = middle + width < count ? middle + width : count;
      runs_merge(from, to, begin, middle, end);
    }
    struct frame_key *swap = from;
    from = to;
    to = swap;
  }
  return from;
}

static void detections_gather(struct frame *out, const struct frame *from, const struct frame_key *order) {
  for (uint32_t i = 0; i < from->count; i++) {
    uint32_t at = order[i].at;
    out->time_of_ns[i] = from->time_of_ns[at];
    out->sequence[i] = from->sequence[at];
    out->sensor[i] = from->sensor[at];
    out->index[i] = from->index[at];
    out->kind[i] = from->kind[at];
    out->valid[i] = from->valid[at];
    out->snr_db[i] = from->snr_db[at];
    memcpy(out->measure[i], from->measure[at], sizeof out->measure[i]);
    memcpy(out->sigma[i], from->sigma[at], sizeof out->sigma[i]);
    memcpy(out->platform_m[i], from->platform_m[at], sizeof out->platform_m[i]);
    out->arrival_ns[i] = from->arrival_ns[at];
  }
  out->count = from->count;
}

static void states_gather(struct frame *out, const struct frame *from, const struct frame_key *order) {
  for (uint32_t i = 0; i < from->state_count; i++) out->states[i] = from->states[order[i].at];
  out->state_count = from->state_count;
}

static void foreign_copy(struct frame *out, const struct frame *from) {
  memcpy(out->foreign, from->foreign, from->foreign_count * sizeof *out->foreign);
  out->foreign_count = from->foreign_count;
  out->foreign_names = from->foreign_names;
}

void frame_builder_close(struct frame_builder *builder, int64_t time_ns, uint32_t overload_step, struct frame *out) {
  struct frame *open = &builder->open;
  weft_assert(out->capacity == open->capacity);
  if (keys_ordered(builder->keys, open->count) && keys_ordered(builder->state_keys, open->state_count)) {
    struct frame swap = *out; /* nothing to move: the columns change hands */
    *out = *open;
    *open = swap;
  } else {
    detections_gather(out, open, keys_sort(builder->keys, builder->scratch, open->count));
    states_gather(out, open, keys_sort(builder->state_keys, builder->scratch, open->state_count));
    foreign_copy(out, open);
  }
  if (!builder->any_closed || time_ns > builder->time_ns) builder->time_ns = time_ns;
  builder->any_closed = true;
  out->number = ++builder->number;
  out->time_ns = builder->time_ns;
  out->overload_step = overload_step;
  frame_reset(open);
}

struct frame_rule frame_rule_begin(int64_t limit_ns) { return (struct frame_rule){.limit_ns = limit_ns}; }

bool frame_rule_ask(const struct frame_rule *rule, int64_t time_ns, int64_t *close_ns) {
  if (!rule->started) return false;
  int64_t newest_ns = time_ns > rule->newest_ns ? time_ns : rule->newest_ns;
  if (rule->frame_open) {
    *close_ns = rule->newest_ns;
    return newest_ns - rule->opened_ns >= rule->limit_ns;
  }
  if (rule->empty_count >= FRAME_EMPTY_MAX) return false; /* with no frame open one was closed: nothing is added without */
  *close_ns = rule->closed_ns + FRAME_SILENCE_NS;
  return newest_ns - rule->closed_ns > FRAME_SILENCE_NS;
}

void frame_rule_closed(struct frame_rule *rule, int64_t close_ns) {
  rule->empty_count = rule->frame_open ? 0 : rule->empty_count + 1;
  rule->frame_open = false;
  rule->closed_ns = close_ns;
  rule->any_closed = true;
}

void frame_rule_added(struct frame_rule *rule, int64_t time_ns) {
  if (!rule->started || time_ns > rule->newest_ns) rule->newest_ns = time_ns;
  rule->started = true;
  if (!rule->frame_open) rule->opened_ns = rule->newest_ns;
  rule->frame_open = true;
}

bool frame_rule_end(const struct frame_rule *rule, int64_t *close_ns) {
  *close_ns = rule->newest_ns;
  return rule->frame_open;
}

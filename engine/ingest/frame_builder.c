#include "engine/ingest/frame_builder.h"

#include <errno.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/domain/site.h"

/* Where an entry belongs in the total order of a frame, and with it those that came behind it in order already: a run. */
struct frame_key {
  uint64_t sequence;
  uint32_t restart;
  uint32_t at;    /* of the first entry, in order of arrival */
  uint32_t count; /* entries; set when the frame closes */
  uint16_t sensor;
  uint16_t index;
};
_Static_assert(SITE_SENSORS_MAX <= UINT16_MAX, "a sensor's index fits a key");

enum { SCRATCH_MIN = FRAME_STATES_MAX };

static uint32_t scratch_count(uint32_t capacity) { return capacity > SCRATCH_MIN ? capacity : SCRATCH_MIN; }

size_t frame_builder_bytes(uint32_t capacity) {
  return frame_bytes(capacity) + (capacity + FRAME_STATES_MAX + scratch_count(capacity)) * sizeof(struct frame_key) + 192;
}

int frame_builder_open(struct frame_builder *builder, struct arena *arena, uint32_t capacity) {
  *builder = (struct frame_builder){0};
  if (frame_open(&builder->open, arena, capacity) < 0) return -ENOMEM;
  builder->runs = arena_take(arena, capacity, sizeof *builder->runs);
  builder->state_keys = arena_take(arena, FRAME_STATES_MAX, sizeof *builder->state_keys);
  builder->scratch = arena_take(arena, scratch_count(capacity), sizeof *builder->scratch);
  return builder->runs && builder->state_keys && builder->scratch ? 0 : -ENOMEM;
}

void frame_builder_resume(struct frame_builder *builder, uint64_t number, int64_t time_ns) {
  builder->number = number;
  builder->time_ns = time_ns;
  builder->any_closed = true;
}

bool frame_builder_has_room_foreign(const struct frame_builder *builder) {
  return builder->open.foreign_count < FRAME_FOREIGN_MAX;
}

void frame_builder_empty(struct frame_builder *builder) {
  builder->run_count = 0;
  frame_reset(&builder->open);
}

bool frame_builder_is_empty(const struct frame_builder *builder) {
  return builder->open.count == 0 && builder->open.state_count == 0 && builder->open.foreign_count == 0;
}

/* The entry behind the last, which stands in the columns, goes on the last run or begins one. */
static void run_extend(struct frame_builder *builder, uint32_t restart) {
  const struct frame *open = &builder->open;
  uint32_t at = open->count;
  if (at > 0) {
    const struct frame_key *run = &builder->runs[builder->run_count - 1];
    bool behind = open->sequence[at - 1] < open->sequence[at] || (open->sequence[at - 1] == open->sequence[at] && open->index[at - 1] <= open->index[at]);
    if (run->sensor == open->sensor[at] && run->restart == restart && behind) return;
  }
  builder->runs[builder->run_count++] = (struct frame_key){
      .sequence = open->sequence[at], .restart = restart, .at = at, .sensor = (uint16_t)open->sensor[at], .index = open->index[at]};
}

void frame_builder_add_written(struct frame_builder *builder, uint32_t count, uint32_t restart) {
  weft_assert(count > 0 && count <= builder->open.capacity - builder->open.count);
  run_extend(builder, restart);
  builder->open.count += count;
}

void frame_builder_add(struct frame_builder *builder, const struct detection *detection, uint32_t restart) {
  frame_append(&builder->open, detection);
  builder->open.count--;
  frame_builder_add_written(builder, 1, restart);
}

void frame_builder_add_state(struct frame_builder *builder, const struct sensor_state *state, uint32_t restart,
                             uint16_t index) {
  uint32_t at = builder->open.state_count;
  weft_assert(at < FRAME_STATES_MAX);
  builder->open.states[at] = *state;
  builder->state_keys[at] =
      (struct frame_key){.sequence = state->sequence, .restart = restart, .at = at, .count = 1, .sensor = (uint16_t)state->sensor, .index = index};
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
  if (a->index != b->index) return a->index > b->index;
  return a->at > b->at;
}

static bool keys_ordered(const struct frame_key *keys, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    if (key_after(&keys[i - 1], &keys[i])) return false;
  }
  return true;
}

/* Merges two neighbouring ordered runs, [begin, middle) and [middle, end). */
static void runs_merge(const struct frame_key *from, struct frame_key *to, uint32_t begin, uint32_t middle, uint32_t end) {
  uint32_t left = begin, right = middle;
  for (uint32_t i = begin; i < end; i++) {
    bool take_left = right >= end || (left < middle && !key_after(&from[left], &from[right]));
    to[i] = take_left ? from[left++] : from[right++];
  }
}

/* Merge sort from the bottom up: no allocation, at most 16 passes. Returns where the result is. */
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

static void entry_copy(struct frame *out, uint32_t to, const struct frame *from, uint32_t at) {
  out->time_of_ns[to] = from->time_of_ns[at];
  out->sequence[to] = from->sequence[at];
  out->sensor[to] = from->sensor[at];
  out->index[to] = from->index[at];
  out->kind[to] = from->kind[at];
  out->valid[to] = from->valid[at];
  out->snr_db[to] = from->snr_db[at];
  memcpy(out->measure[to], from->measure[at], sizeof out->measure[to]);
  memcpy(out->sigma[to], from->sigma[at], sizeof out->sigma[to]);
  memcpy(out->platform_m[to], from->platform_m[at], sizeof out->platform_m[to]);
  out->arrival_ns[to] = from->arrival_ns[at];
}

static void run_copy(struct frame *out, uint32_t to, const struct frame *from, uint32_t at, size_t count) {
  memcpy(out->time_of_ns + to, from->time_of_ns + at, count * sizeof *out->time_of_ns);
  memcpy(out->sequence + to, from->sequence + at, count * sizeof *out->sequence);
  memcpy(out->sensor + to, from->sensor + at, count * sizeof *out->sensor);
  memcpy(out->index + to, from->index + at, count * sizeof *out->index);
  memcpy(out->kind + to, from->kind + at, count * sizeof *out->kind);
  memcpy(out->valid + to, from->valid + at, count * sizeof *out->valid);
  memcpy(out->snr_db + to, from->snr_db + at, count * sizeof *out->snr_db);
  memcpy(out->measure + to, from->measure + at, count * sizeof *out->measure);
  memcpy(out->sigma + to, from->sigma + at, count * sizeof *out->sigma);
  memcpy(out->platform_m + to, from->platform_m + at, count * sizeof *out->platform_m);
  memcpy(out->arrival_ns + to, from->arrival_ns + at, count * sizeof *out->arrival_ns);
}

static void detections_gather(struct frame *out, const struct frame *from, const struct frame_key *order) {
  uint32_t to = 0;
  for (uint32_t r = 0; to < from->count; r++) {
    if (order[r].count == 1) entry_copy(out, to, from, order[r].at);
    else run_copy(out, to, from, order[r].at, order[r].count);
    to += order[r].count;
  }
  out->count = from->count;
}

/* The last entry of a run. */
static struct frame_key run_last(const struct frame *open, const struct frame_key *run) {
  struct frame_key last = *run;
  last.at = run->at + run->count - 1;
  last.sequence = open->sequence[last.at];
  last.index = open->index[last.at];
  return last;
}

/* Does each run end before the next begins? */
static bool runs_apart(const struct frame *open, const struct frame_key *runs, uint32_t count) {
  for (uint32_t r = 1; r < count; r++) {
    struct frame_key last = run_last(open, &runs[r - 1]);
    if (key_after(&last, &runs[r])) return false;
  }
  return true;
}

/* Each entry as a run of its own. */
static void runs_split(const struct frame *open, const struct frame_key *runs, struct frame_key *out) {
  for (uint32_t done = 0; done < open->count; runs++) {
    for (uint32_t i = 0; i < runs->count; i++, out++, done++) {
      *out = *runs;
      out->at = runs->at + i;
      out->count = 1;
      out->sequence = open->sequence[out->at];
      out->index = open->index[out->at];
    }
  }
}

/* Datagrams of several sensors come mixed, those of one in order: then runs are sorted. Where networks turned some round, so that a run
 * belongs between the entries of another, each entry is. */
static const struct frame_key *runs_sort(struct frame_builder *builder) {
  struct frame_key *runs = builder->runs, *scratch = builder->scratch;
  const struct frame_key *sorted = keys_sort(runs, scratch, builder->run_count);
  if (runs_apart(&builder->open, sorted, builder->run_count)) return sorted;
  struct frame_key *whole = sorted == runs ? scratch : runs;
  runs_split(&builder->open, sorted, whole);
  return keys_sort(whole, whole == runs ? scratch : runs, builder->open.count);
}

static void runs_count(struct frame_builder *builder) {
  struct frame_key *runs = builder->runs;
  for (uint32_t r = 0; r < builder->run_count; r++) runs[r].count = (r + 1 < builder->run_count ? runs[r + 1].at : builder->open.count) - runs[r].at;
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
  runs_count(builder);
  if (runs_apart(open, builder->runs, builder->run_count) && keys_ordered(builder->state_keys, open->state_count)) {
    struct frame swap = *out; /* nothing to move: the columns change hands */
    *out = *open;
    *open = swap;
  } else {
    detections_gather(out, open, runs_sort(builder));
    states_gather(out, open, keys_sort(builder->state_keys, builder->scratch, open->state_count));
    foreign_copy(out, open);
  }
  if (!builder->any_closed || time_ns > builder->time_ns) builder->time_ns = time_ns;
  builder->any_closed = true;
  out->number = ++builder->number;
  out->time_ns = builder->time_ns;
  out->overload_step = overload_step;
  frame_builder_empty(builder);
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

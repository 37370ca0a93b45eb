// stage: weft_ingest weft_domain weft_base weft_kernels
/* Sequence windows, the order of a frame, and when the frames of a recording close. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/ingest/frame_builder.h"
#include "engine/ingest/sequence_window.h"

static struct sequence_window window;

static int64_t take(uint64_t sequence, uint32_t crc) { return sequence_window_take(&window, sequence, crc); }
static int check(uint64_t sequence, uint32_t crc) { return (int)sequence_window_check(&window, sequence, crc); }

static void window_starts_anywhere(void **state) {
  (void)state;
  memset(&window, 0, sizeof window);
  assert_int_equal(check(UINT64_MAX - 1, 7), SEQUENCE_NEW);
  assert_int_equal(take(UINT64_MAX - 1, 7), 0);
  assert_int_equal(take(UINT64_MAX, 8), 0);
  assert_int_equal(check(0, 9), SEQUENCE_RESTARTED);
  take(0, 9);
  assert_int_equal(window.restarts, 1);
}

static void window_knows_duplicate_by_number_and_crc(void **state) {
  (void)state;
  memset(&window, 0, sizeof window);
  for (uint64_t i = 100; i < 100 + SEQUENCE_WINDOW; i++) take(i, (uint32_t)i);
  assert_int_equal(check(100, 100), SEQUENCE_DUPLICATE);
  assert_int_equal(check(100, 101), SEQUENCE_RESTARTED); /* the same number for other content */
  take(100 + SEQUENCE_WINDOW, 1);
  assert_int_equal(check(100, 100), SEQUENCE_RESTARTED); /* left the window */
  assert_int_equal(check(101, 101), SEQUENCE_DUPLICATE);
  assert_int_equal(window.restarts, 0);
}

static void window_counts_gaps_and_takes_them_back(void **state) {
  (void)state;
  memset(&window, 0, sizeof window);
  take(10, 1);
  assert_int_equal(take(15, 2), 4);
  assert_int_equal(check(12, 3), SEQUENCE_LATE);
  assert_int_equal(take(12, 3), -1);
  assert_int_equal(check(12, 3), SEQUENCE_DUPLICATE);
  assert_int_equal(take(7, 4), 2); /* before the first: 8 and 9 are missing now */
  assert_int_equal(take(9, 5), -1);
  assert_int_equal(take(15 + SEQUENCE_WINDOW + 5, 6), SEQUENCE_WINDOW + 4);
  assert_int_equal(check(15, 2), SEQUENCE_RESTARTED);
}

static void window_restarts_on_old_and_on_far_numbers(void **state) {
  (void)state;
  memset(&window, 0, sizeof window);
  take(100000, 1);
  assert_int_equal(take(5, 2), 0);
  assert_int_equal(window.restarts, 1);
  assert_int_equal(check(6, 3), SEQUENCE_NEW);
  assert_int_equal(take(6, 3), 0);
  assert_int_equal(check(6 + SEQUENCE_JUMP_MAX, 4), SEQUENCE_NEW);
  assert_int_equal(check(7 + SEQUENCE_JUMP_MAX, 4), SEQUENCE_RESTARTED);
  assert_int_equal(take(7 + SEQUENCE_JUMP_MAX, 4), 0); /* no gap of a million */
  assert_int_equal(window.restarts, 2);
}

/* Against a plain model: a set of numbers seen since the last restart. */
/* What recovery asks before it computes a datagram: was this number there, as far as one can still know? */
static void window_knows_what_has_come_and_takes_the_rest_for_past(void **state) {
  (void)state;
  memset(&window, 0, sizeof window);
  assert_false(sequence_window_seen(&window, 0));
  sequence_window_take(&window, 10000, 1);
  sequence_window_take(&window, 10002, 1);
  assert_true(sequence_window_seen(&window, 10000) && sequence_window_seen(&window, 10002));
  assert_false(sequence_window_seen(&window, 10001));
  assert_false(sequence_window_seen(&window, 10003));
  assert_true(sequence_window_seen(&window, 10002 - SEQUENCE_WINDOW)); /* long ago */
  assert_false(sequence_window_seen(&window, 10002 - SEQUENCE_WINDOW + 1));
}

static void window_agrees_with_a_plain_model(void **state) {
  (void)state;
  enum { SPAN = 20000 };
  static uint8_t seen[SPAN];
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct prng prng = prng_seed(seed, 0);
    memset(&window, 0, sizeof window);
    memset(seen, 0, sizeof seen);
    uint64_t highest = 0, lowest = 0;
    int64_t gaps = 0;
    for (int i = 0; i < 3000; i++) {
      uint64_t sequence = (uint64_t)i * 5 + prng_below(&prng, 3000);
      bool old = i > 0 && highest >= sequence && highest - sequence >= SEQUENCE_WINDOW;
      int expected = i == 0 || sequence > highest ? SEQUENCE_NEW
                     : old                        ? SEQUENCE_RESTARTED
                     : seen[sequence]             ? SEQUENCE_DUPLICATE
                                                  : SEQUENCE_LATE;
      int verdict = check(sequence, (uint32_t)sequence);
      if (verdict != expected) {
        fail_msg("seed %llu, step %d, sequence %llu: %d, expected %d", (unsigned long long)seed, i,
                 (unsigned long long)sequence, verdict, expected);
      }
      if (verdict == SEQUENCE_DUPLICATE) continue;
      if (verdict == SEQUENCE_RESTARTED || i == 0) {
        memset(seen, 0, sizeof seen);
        highest = lowest = sequence;
        gaps = 0;
        assert_int_equal(take(sequence, (uint32_t)sequence), 0);
      } else {
        gaps += take(sequence, (uint32_t)sequence);
      }
      seen[sequence] = 1;
      if (sequence > highest) highest = sequence;
      if (sequence < lowest) lowest = sequence;
      int64_t missing = 0;
      if (i % 100 == 0) {
        for (uint64_t at = lowest; at <= highest; at++) missing += !seen[at];
        assert_int_equal(missing, gaps);
      }
    }
  }
}

enum { CAPACITY = 3000 };
static struct arena arena;
static struct frame_builder builder;
static struct frame out, again;

static void frames_open(void) {
  size_t frame = frame_bytes(CAPACITY), whole = frame_builder_bytes(CAPACITY) + 2 * frame;
  assert_int_equal(arena_open(&arena, whole), 0);
  assert_int_equal(frame_builder_open(&builder, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&out, &arena, CAPACITY), 0);
  assert_int_equal(frame_open(&again, &arena, CAPACITY), 0);
}

/* Entry `id` of a batch; every field depends on it, so that a column left behind shows. */
static struct detection detection_of(uint32_t id) {
  struct detection detection = {.time_ns = 1000 + id, .sequence = (id / 7) % 50, .sensor = (id * 31) % 5,
                                .index = (uint16_t)(id % 7), .kind = (uint8_t)(1 + id % 4), .valid = (uint16_t)(id & 0x1ff),
                                .snr_db = (float)id, .measure = {id, id + 0.25, id + 0.5, id + 0.75},
                                .sigma = {(float)id, 1, 2, 3}, .platform_m = {id * 2.0, 1, 2}, .arrival_ns = id};
  return detection;
}
static uint32_t restart_of(uint32_t id) { return id / 350; }

static void shuffle(uint32_t *ids, uint32_t count, struct prng *prng) {
  for (uint32_t i = count; i > 1; i--) {
    uint32_t j = (uint32_t)prng_below(prng, i), swap = ids[i - 1];
    ids[i - 1] = ids[j];
    ids[j] = swap;
  }
}

static void frame_has_the_same_order_whatever_arrived_first(void **state) {
  (void)state;
  frames_open();
  uint32_t ids[CAPACITY];
  for (uint64_t seed = 0; seed < 10; seed++) {
    struct prng prng = prng_seed(seed, 1);
    for (uint32_t i = 0; i < CAPACITY; i++) ids[i] = i;
    if (seed > 0) shuffle(ids, CAPACITY, &prng);
    for (uint32_t i = 0; i < CAPACITY; i++) {
      struct detection detection = detection_of(ids[i]);
      frame_builder_add(&builder, &detection, restart_of(ids[i]));
    }
    for (uint32_t i = 0; i < FRAME_STATES_MAX; i++) {
      struct sensor_state s = {.time_ns = ids[i], .sequence = ids[i] % 1000, .sensor = ids[i] % 3};
      if (ids[i] < 300) frame_builder_add_state(&builder, &s, ids[i] / 100, (uint16_t)(ids[i] % 4));
    }
    frame_builder_close(&builder, 5, 0, &out);
    out.number = 1;
    for (uint32_t i = 1; i < out.count; i++) {
      uint32_t a = (uint32_t)out.arrival_ns[i - 1], b = (uint32_t)out.arrival_ns[i]; /* the ids */
      bool rises = out.sensor[i - 1] != out.sensor[i]       ? out.sensor[i - 1] < out.sensor[i]
                   : restart_of(a) != restart_of(b)         ? restart_of(a) < restart_of(b)
                   : out.sequence[i - 1] != out.sequence[i] ? out.sequence[i - 1] < out.sequence[i]
                                                            : out.index[i - 1] <= out.index[i];
      if (!rises) fail_msg("seed %llu: entry %u is out of order", (unsigned long long)seed, i);
      struct detection read, expected = detection_of(b);
      frame_detection(&out, i, &read);
      assert_memory_equal(&read.measure, &expected.measure, sizeof read.measure);
      assert_true(read.kind == expected.kind && read.valid == expected.valid && read.snr_db == expected.snr_db);
      assert_true(read.time_ns == expected.time_ns && read.sigma[0] == expected.sigma[0]);
      assert_true(read.platform_m[0] == expected.platform_m[0]);
    }
    for (uint32_t i = 1; i < out.state_count; i++) {
      const struct sensor_state *a = &out.states[i - 1], *b = &out.states[i];
      assert_true(a->sensor < b->sensor || (a->sensor == b->sensor && a->time_ns / 100 <= b->time_ns / 100));
    }
    assert_true(frame_builder_is_empty(&builder));
  }
  arena_close(&arena);
}

/* Whole datagrams of several sensors, mixed; `turned`: one in eight comes behind the next of its sensor, so that runs are within others.
 * Entry `id` has id as its arrival; a tie now and then, which stays as it came. */
static void datagrams_add(struct prng *prng, bool turned) {
  uint64_t next[5] = {0};
  uint32_t id = 0;
  while (id + 40 < CAPACITY) {
    uint32_t sensor = (uint32_t)prng_below(prng, 5), datagrams = turned && prng_below(prng, 8) == 0 ? 2 : 1;
    for (uint32_t d = datagrams; d-- > 0;) {
      uint32_t plots = 1 + (uint32_t)prng_below(prng, 19);
      for (uint32_t p = 0; p < plots; p++, id++) {
        struct detection detection = detection_of(id);
        detection.sensor = sensor;
        detection.sequence = next[sensor] + d;
        detection.index = (uint16_t)(p - (p > 2 && p % 5 == 0));
        frame_builder_add(&builder, &detection, (uint32_t)(detection.sequence / 20));
      }
    }
    next[sensor] += datagrams;
  }
}

static void datagrams_are_sorted_as_their_entries_would_be(void **state) {
  (void)state;
  frames_open();
  for (uint64_t seed = 0; seed < 40; seed++) {
    struct prng prng = prng_seed(seed, 2);
    datagrams_add(&prng, seed % 2);
    uint32_t count = builder.open.count;
    frame_builder_close(&builder, 5, 0, &out);
    assert_int_equal(out.count, count);
    for (uint32_t i = 0; i < count; i++) {
      struct detection read, expected = detection_of((uint32_t)out.arrival_ns[i]);
      frame_detection(&out, i, &read);
      assert_true(read.kind == expected.kind && read.valid == expected.valid && read.snr_db == expected.snr_db && read.time_ns == expected.time_ns);
      assert_true(read.measure[3] == expected.measure[3] && read.sigma[0] == expected.sigma[0] && read.platform_m[0] == expected.platform_m[0]);
      if (i == 0) continue;
      bool rises = out.sensor[i - 1] != out.sensor[i]       ? out.sensor[i - 1] < out.sensor[i]
                   : out.sequence[i - 1] != out.sequence[i] ? out.sequence[i - 1] < out.sequence[i]
                   : out.index[i - 1] != out.index[i]       ? out.index[i - 1] < out.index[i]
                                                            : out.arrival_ns[i - 1] < out.arrival_ns[i];
      if (!rises) fail_msg("seed %llu: entry %u is out of order", (unsigned long long)seed, i);
    }
  }
  arena_close(&arena);
}

static void frame_in_order_keeps_ties_as_they_came(void **state) {
  (void)state;
  frames_open();
  for (uint32_t i = 0; i < 10; i++) {
    struct detection detection = {.sensor = i < 5 ? 1 : 0, .time_ns = i};
    frame_builder_add(&builder, &detection, 0);
  }
  frame_builder_close(&builder, 5, 3, &out);
  for (uint32_t i = 0; i < 10; i++) assert_int_equal(out.time_of_ns[i], (i + 5) % 10);
  assert_int_equal(out.overload_step, 3);
  arena_close(&arena);
}

static void frame_numbers_rise_and_time_never_falls(void **state) {
  (void)state;
  frames_open();
  frame_builder_close(&builder, 100, 0, &out);
  assert_int_equal(out.number, 1);
  assert_int_equal(out.count, 0);
  frame_builder_close(&builder, 90, 0, &out);
  assert_int_equal(out.number, 2);
  assert_int_equal(out.time_ns, 100);
  frame_builder_resume(&builder, 500, 1000);
  frame_builder_close(&builder, 1, 0, &out);
  assert_int_equal(out.number, 501);
  assert_int_equal(out.time_ns, 1000);
  arena_close(&arena);
}

static void a_frame_of_anything_is_not_empty(void **state) {
  (void)state;
  struct detection detection = {0};
  struct sensor_state report = {0};
  static struct foreign_track foreign;
  static struct foreign_names names;
  for (int of = 0; of < 4; of++) {
    frames_open();
    if (of == 1) frame_builder_add(&builder, &detection, 0);
    if (of == 2) frame_builder_add_state(&builder, &report, 0, 0);
    if (of == 3) frame_builder_add_foreign(&builder, &foreign, &names);
    assert_int_equal(frame_builder_is_empty(&builder), of == 0);
    frame_builder_close(&builder, 1, 0, &out);
    assert_true(frame_builder_is_empty(&builder));
    arena_close(&arena);
  }
}

static void states_out_of_order_are_sorted_though_detections_are_not(void **state) {
  (void)state;
  frames_open();
  struct detection detection = {.sensor = 1};
  for (int i = 0; i < 2; i++) detection.sequence++, frame_builder_add(&builder, &detection, 0);
  for (uint32_t i = 0; i < 3; i++) {
    struct sensor_state report = {.sensor = 9 - i, .sequence = i};
    frame_builder_add_state(&builder, &report, 0, 0);
  }
  frame_builder_close(&builder, 1, 0, &out);
  assert_int_equal(out.count, 2);
  assert_true(out.states[0].sensor == 7 && out.states[1].sensor == 8 && out.states[2].sensor == 9);
  for (uint32_t i = 0; i < 3; i++) { /* those of the next frame are in order */
    struct sensor_state report = {.sensor = 7 + i, .sequence = i};
    frame_builder_add_state(&builder, &report, 0, 0);
  }
  frame_builder_close(&builder, 1, 0, &out);
  assert_true(out.state_count == 3 && out.states[0].sensor == 7 && out.states[2].sensor == 9);
  arena_close(&arena);
}

static void frame_has_room_up_to_its_capacity(void **state) {
  (void)state;
  frames_open();
  struct detection detection = {0};
  for (uint32_t i = 0; i < CAPACITY - 1; i++) frame_builder_add(&builder, &detection, 0);
  assert_true(frame_builder_has_room(&builder, 1, FRAME_STATES_MAX));
  assert_false(frame_builder_has_room(&builder, 2, 0));
  assert_false(frame_builder_has_room(&builder, 0, FRAME_STATES_MAX + 1));
  frame_builder_add(&builder, &detection, 0);
  assert_false(frame_builder_has_room(&builder, 1, 0));
  arena_close(&arena);
}

static void frame_copy_and_equal_see_every_column(void **state) {
  (void)state;
  frames_open();
  for (uint32_t i = 0; i < 20; i++) {
    struct detection detection = detection_of(i);
    frame_append(&out, &detection);
  }
  out.number = 4;
  frame_copy(&again, &out);
  assert_true(frame_equal(&again, &out));
  again.arrival_ns[3]++;
  assert_true(frame_equal(&again, &out)); /* arrival is no part of what a step depends on */
  again.sigma[19][3] += 1;
  assert_false(frame_equal(&again, &out));
  arena_close(&arena);
}

#define MS INT64_C(1000000)

/* Runs times through the rule; writes "entries@close_ms " for every frame that closes. */
static void rule_trace(const int64_t *times_ms, size_t count, char *text, size_t size) {
  struct frame_rule rule = frame_rule_begin(5 * MS);
  int entries = 0;
  int64_t close_ns;
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < count; i++) {
    while (frame_rule_ask(&rule, times_ms[i] * MS, &close_ns)) {
      used += (size_t)snprintf(text + used, size - used, "%d@%lld ", entries, (long long)(close_ns / MS));
      frame_rule_closed(&rule, close_ns);
      entries = 0;
    }
    frame_rule_added(&rule, times_ms[i] * MS);
    entries++;
  }
  if (frame_rule_end(&rule, &close_ns)) {
    snprintf(text + used, size - used, "%d@%lld", entries, (long long)(close_ns / MS));
  }
}

static void rule_closes_when_the_maximum_has_moved_by_the_limit(void **state) {
  (void)state;
  char text[256];
  const int64_t steady[] = {100, 102, 104, 105, 106};
  rule_trace(steady, 5, text, sizeof text);
  assert_string_equal(text, "3@104 2@106");
  const int64_t late[] = {100, 90, 104, 50, 109, 108}; /* late ones do not move the maximum */
  rule_trace(late, 6, text, sizeof text);
  assert_string_equal(text, "4@104 2@109");
  const int64_t backwards[] = {100, 106, 104, 110}; /* a frame that opens late counts from the maximum */
  rule_trace(backwards, 4, text, sizeof text);
  assert_string_equal(text, "1@100 3@110");
}

static void rule_fills_silence_with_empty_frames(void **state) {
  (void)state;
  char text[256];
  const int64_t gap[] = {100, 900};
  rule_trace(gap, 2, text, sizeof text);
  assert_string_equal(text, "1@100 0@350 0@600 0@850 1@900");
  const int64_t exact[] = {100, 350}; /* 250 ms have passed, not more: the next frame is there */
  rule_trace(exact, 2, text, sizeof text);
  assert_string_equal(text, "1@100 1@350");
}

static void rule_jumps_the_rest_of_a_long_gap(void **state) {
  (void)state;
  struct frame_rule rule = frame_rule_begin(5 * MS);
  int64_t close_ns, last_ns = 0, day_ns = INT64_C(86400) * 1000 * MS;
  frame_rule_added(&rule, 0);
  int frames = 0;
  while (frame_rule_ask(&rule, day_ns, &close_ns)) {
    assert_true(close_ns >= last_ns);
    last_ns = close_ns;
    frame_rule_closed(&rule, close_ns);
    frames++;
  }
  assert_int_equal(frames, 1 + FRAME_EMPTY_MAX);
  assert_int_equal(last_ns, FRAME_EMPTY_MAX * (int64_t)FRAME_SILENCE_NS);
  frame_rule_added(&rule, day_ns);
  assert_true(frame_rule_ask(&rule, day_ns + 5 * MS, &close_ns));
  assert_int_equal(close_ns, day_ns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(window_starts_anywhere),
      cmocka_unit_test(window_knows_duplicate_by_number_and_crc),
      cmocka_unit_test(window_counts_gaps_and_takes_them_back),
      cmocka_unit_test(window_restarts_on_old_and_on_far_numbers),
      cmocka_unit_test(window_knows_what_has_come_and_takes_the_rest_for_past),
      cmocka_unit_test(window_agrees_with_a_plain_model),
      cmocka_unit_test(frame_has_the_same_order_whatever_arrived_first),
      cmocka_unit_test(datagrams_are_sorted_as_their_entries_would_be),
      cmocka_unit_test(frame_in_order_keeps_ties_as_they_came),
      cmocka_unit_test(frame_numbers_rise_and_time_never_falls),
      cmocka_unit_test(a_frame_of_anything_is_not_empty),
      cmocka_unit_test(states_out_of_order_are_sorted_though_detections_are_not),
      cmocka_unit_test(frame_has_room_up_to_its_capacity),
      cmocka_unit_test(frame_copy_and_equal_see_every_column),
      cmocka_unit_test(rule_closes_when_the_maximum_has_moved_by_the_limit),
      cmocka_unit_test(rule_fills_silence_with_empty_frames),
      cmocka_unit_test(rule_jumps_the_rest_of_a_long_gap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// wraps: sodium_allocarray
/* What sealed feeds say to be put on the disk, and take from there: whatever was accepted stays below the mark, whoever
 * the marks are of and in whatever order they come. */
#include "tests/unit/sealed_support.h"

#include <errno.h>

#include "engine/ingest/replay_marks.h"

static struct bench bench;
static struct replay_mark marks[SITE_SENSORS_MAX * SEALED_WINDOWS + SEALED_CARRIED_MAX];
static bool refuse_memory;

void *__real_sodium_allocarray(size_t count, size_t size);
void *__wrap_sodium_allocarray(size_t count, size_t size);
void *__wrap_sodium_allocarray(size_t count, size_t size) {
  return refuse_memory ? NULL : __real_sodium_allocarray(count, size);
}

static int setup(void **state) { return bench_setup(state, &bench); }

static int teardown(void **state) { return bench_teardown(state, &bench); }

static uint32_t persisted;
static void persist(void *context) {
  (void)context;
  persisted++;
  uint32_t count = sealed_feeds_marks(&bench.feeds, false, marks);
  sealed_feeds_granted(&bench.feeds, marks, count);
}

/* The mark of a sensor's epoch, 0 where there is none. */
static uint64_t mark_of(uint32_t id, uint16_t epoch, bool exact) {
  uint32_t count = sealed_feeds_marks(&bench.feeds, exact, marks);
  assert_true(count <= sealed_feeds_marks_max(&bench.feeds));
  for (uint32_t i = 0; i < count; i++)
    if (marks[i].sensor_id == id && marks[i].epoch == epoch) return marks[i].mark;
  return 0;
}

static void without_a_keyed_sensor_there_is_nothing_to_do(void **state) {
  (void)state;
  static const char plain[] = "sensors:\n  - {id: 8, kind: position, position: {lat_deg: 1, lon_deg: 2, height_m: 3}, sigma: {x_m: 1}}\n";
  static struct site site;
  struct weft_error err = {""};
  struct sealed_feeds feeds;
  assert_int_equal(site_parse(plain, strlen(plain), "site.yaml", &site, &err), 0);
  assert_int_equal(sealed_feeds_bytes(&site), 0);
  assert_int_equal(sealed_feeds_open(&feeds, NULL, &site, &err), 0);
  assert_int_equal(sealed_feeds_reload(&feeds), 0);
  assert_int_equal(sealed_feeds_marks(&feeds, false, marks), 0);
  assert_false(sealed_feeds_seen(&feeds, 0, 1, 5));
  static uint8_t data[WIRE_DATAGRAM_MAX];
  struct wire_header header;
  uint32_t size = sealed_make(data, 5, 1, 1);
  assert_int_equal(wire_header_decode(data, size, &header), WIRE_OK);
  assert_null(sealed_feeds_unseal(&feeds, 0, &header, data, size));
  sealed_feeds_close(&feeds);
  site_free(&site);
}

static void keys_without_locked_memory_are_not_taken(void **state) {
  (void)state;
  struct weft_error err = {""};
  struct sealed_feeds feeds;
  struct arena arena;
  assert_int_equal(arena_open(&arena, sealed_feeds_bytes(&bench.site)), 0);
  refuse_memory = true;
  assert_int_equal(sealed_feeds_open(&feeds, &arena, &bench.site, &err), -ENOMEM);
  refuse_memory = false;
  assert_string_equal(err.text, "out of memory for keys");
  arena_close(&arena);
}

static void a_key_file_that_others_may_read_is_used_and_said(void **state) {
  (void)state;
  char path[128], text[256];
  snprintf(text, sizeof text, "1 %s\n2 %s\n3 %s\n", bench_hex("11"), bench_hex("22"), bench_hex("33"));
  bench_key_write(&bench, "7.key", text);
  snprintf(path, sizeof path, "%s/7.key", bench.folder);
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(sealed_feeds_reload(&bench.feeds), 1);
  assert_true(bench_sealed(&bench, 1, 3));
}

/* Marks that were read late, as from a journal: numbers were accepted already. */
static void a_mark_above_what_was_accepted_wins_and_one_below_changes_nothing(void **state) {
  (void)state;
  for (uint64_t s = 1; s <= 50; s++) assert_true(bench_sealed(&bench, s, 1));
  assert_int_equal(mark_of(7, 1, true), 50);
  struct replay_mark mark = {.sensor_id = 7, .epoch = 1};
  sealed_feeds_marks(&bench.feeds, true, marks);
  mark.fingerprint = marks[0].fingerprint;
  static const uint64_t given[] = {40, 1000, 900}, want[] = {50, 1000, 1000};
  for (int i = 0; i < 3; i++) {
    mark.mark = given[i];
    sealed_feeds_restore(&bench.feeds, &mark, 1);
    assert_int_equal(mark_of(7, 1, true), want[i]);
  }
  assert_false(bench_sealed(&bench, 1000, 1));
  assert_true(bench_sealed(&bench, 1001, 1));
}

static void marks_of_sensors_that_are_not_here_are_carried_up_to_a_bound(void **state) {
  (void)state;
  struct replay_mark mark = {.epoch = 1, .fingerprint = 5, .mark = 9};
  for (uint32_t i = 0; i < SEALED_CARRIED_MAX + 5; i++) {
    mark.sensor_id = i ? 1000 + i : 8; /* one is of a sensor that has no key any more */
    sealed_feeds_restore(&bench.feeds, &mark, 1);
  }
  assert_int_equal(bench.feeds.carried_count, SEALED_CARRIED_MAX);
  assert_int_equal(mark_of(8, 1, false), 9);
  assert_int_equal(mark_of(1000 + SEALED_CARRIED_MAX - 1, 1, false), 9);
  assert_int_equal(mark_of(1000 + SEALED_CARRIED_MAX, 1, false), 0);
  sealed_feeds_granted(&bench.feeds, &mark, 1); /* nothing here waits for it */
  mark = (struct replay_mark){.sensor_id = 7, .epoch = 1, .fingerprint = 12345, .mark = 7};
  sealed_feeds_granted(&bench.feeds, &mark, 1); /* nor for that of a key it does not have */
  assert_int_equal(mark_of(7, 1, false), 0);
}

static void leases_grow_with_the_rate_up_to_a_bound_and_shrink_again(void **state) {
  (void)state;
  bench.feeds.persist = persist;
  uint64_t sequence = 1, longest = 0;
  int64_t now_ns = BENCH_NOW;
  for (int i = 0; i < 40; i++) { /* each lease is used up at once */
    sealed_feeds_take(&bench.feeds, BENCH_KEYED, 1, sequence, now_ns);
    uint64_t length = mark_of(7, 1, false) - sequence;
    if (length > longest) longest = length;
    sequence += length + 1;
    now_ns += 1000000;
  }
  assert_int_equal(longest, SEALED_LEASE_MAX);
  for (int i = 0; i < 40; i++) {
    sealed_feeds_take(&bench.feeds, BENCH_KEYED, 1, sequence, now_ns);
    longest = mark_of(7, 1, false) - sequence;
    sequence += longest + 1;
    now_ns += INT64_C(5000000000);
  }
  assert_int_equal(longest, SEALED_LEASE_MIN);
  assert_int_equal(persisted, 80);
}

static void the_last_number_there_is_has_a_lease_too(void **state) {
  (void)state;
  bench.feeds.persist = persist;
  sealed_feeds_take(&bench.feeds, BENCH_KEYED, 1, UINT64_MAX - 3, BENCH_NOW);
  assert_true(mark_of(7, 1, false) == UINT64_MAX);
  sealed_feeds_take(&bench.feeds, BENCH_KEYED, 1, UINT64_MAX, BENCH_NOW);
  assert_true(sealed_feeds_seen(&bench.feeds, BENCH_KEYED, 1, UINT64_MAX));
}

/* The lease that was asked for is below a mark that came in between. */
static void a_mark_beyond_the_lease_is_what_the_disk_is_told(void **state) {
  (void)state;
  bench.feeds.persist = persist;
  sealed_feeds_take(&bench.feeds, BENCH_KEYED, 1, 5, BENCH_NOW);
  sealed_feeds_marks(&bench.feeds, false, marks);
  struct replay_mark mark = {.sensor_id = 7, .epoch = 1, .fingerprint = marks[0].fingerprint, .mark = 100000};
  sealed_feeds_restore(&bench.feeds, &mark, 1);
  assert_int_equal(mark_of(7, 1, false), 100000);
}

/* As a standby takes them over: what it had itself before does not count. */
static void marks_taken_over_exactly_replace_what_was_known(void **state) {
  (void)state;
  for (uint64_t s = 1; s <= 50; s++) assert_true(bench_sealed(&bench, s, 1));
  sealed_feeds_marks(&bench.feeds, true, marks);
  struct replay_mark given[] = {{.sensor_id = 4711, .epoch = 1, .fingerprint = 1, .mark = 5}, marks[0]};
  given[1].mark = 60;
  sealed_feeds_exactly(&bench.feeds, given, 2);
  assert_false(bench_sealed(&bench, 60, 1));
  assert_true(bench_sealed(&bench, 61, 1));
  assert_int_equal(bench.feeds.carried_count, 0);
}

static void of_an_epoch_without_a_key_nothing_was_seen(void **state) {
  (void)state;
  assert_false(sealed_feeds_seen(&bench.feeds, BENCH_KEYED, 99, 1));
  assert_false(sealed_feeds_seen(&bench.feeds, BENCH_KEYED, 1, 1));
}

static void anything_behind_the_last_line_makes_a_file_of_marks_damaged(void **state) {
  (void)state;
  char text[512];
  struct weft_error err = {""};
  struct replay_mark one = {.sensor_id = 7, .epoch = 1, .fingerprint = 0xfedcba9876543210, .mark = 12};
  uint32_t count;
  size_t size = replay_marks_write(text, sizeof text, &one, 1);
  assert_int_equal(replay_marks_read(text, size, "m", marks, 4, &count, &err), 0);
  assert_memory_equal(&marks[0], &one, sizeof one);
  memcpy(text + size, "\n", 2);
  assert_int_equal(replay_marks_read(text, size + 1, "m", marks, 4, &count, &err), -EINVAL);
  assert_non_null(strstr(err.text, "m:3: the file is damaged"));
}

int main(void) {
#define LIVE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      LIVE(without_a_keyed_sensor_there_is_nothing_to_do),
      LIVE(keys_without_locked_memory_are_not_taken),
      LIVE(a_key_file_that_others_may_read_is_used_and_said),
      LIVE(a_mark_above_what_was_accepted_wins_and_one_below_changes_nothing),
      LIVE(marks_of_sensors_that_are_not_here_are_carried_up_to_a_bound),
      LIVE(leases_grow_with_the_rate_up_to_a_bound_and_shrink_again),
      LIVE(the_last_number_there_is_has_a_lease_too),
      LIVE(a_mark_beyond_the_lease_is_what_the_disk_is_told),
      LIVE(marks_taken_over_exactly_replace_what_was_known),
      LIVE(of_an_epoch_without_a_key_nothing_was_seen),
      LIVE(anything_behind_the_last_line_makes_a_file_of_marks_damaged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

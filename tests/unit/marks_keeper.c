/* The file of replay marks as a server keeps it: written before a number beyond it is accepted, exact after an orderly end, and
 * a disk that fails stops nothing but is said. */
#include "tests/unit/sealed_support.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

#include "engine/server/marks_keeper.h"

static struct bench bench;
static struct marks_keeper *keeper;
static char path[128];

static int setup(void **state) {
  (void)state;
  memset(&bench, 0, sizeof bench);
  bench_folder(&bench);
  bench_open(&bench);
  snprintf(path, sizeof path, "%s/state/site.marks", bench.folder);
  char folder[128];
  snprintf(folder, sizeof folder, "%s/state", bench.folder);
  assert_int_equal(mkdir(folder, 0700), 0);
  struct weft_error err = {""};
  if (marks_keeper_open(&keeper, &bench.feeds, path, &err) < 0) fail_msg("%s", err.text);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  marks_keeper_close(keeper);
  bench_close(&bench);
  bench_folder_remove(&bench);
  return 0;
}

/* The mark of sensor 7's epoch in the file, 0 where there is none. */
static uint64_t mark_on_disk(uint16_t epoch) {
  struct replay_mark marks[64];
  uint32_t count;
  struct weft_error err = {""};
  if (replay_marks_load(path, marks, 64, &count, &err) < 0) fail_msg("%s", err.text);
  for (uint32_t i = 0; i < count; i++)
    if (marks[i].sensor_id == 7 && marks[i].epoch == epoch) return marks[i].mark;
  return 0;
}

static void the_disk_knows_before_a_number_is_accepted(void **state) {
  (void)state;
  assert_int_equal(mark_on_disk(1), 0);
  for (uint64_t s = 100; s < 3000; s++) {
    assert_true(bench_sealed(&bench, s, 1));
    if (mark_on_disk(1) < s) fail_msg("number %llu accepted, the disk says %llu", (unsigned long long)s, (unsigned long long)mark_on_disk(1));
    marks_keeper_turn(keeper);
  }
  assert_false(marks_keeper_failed(keeper));
}

static void an_orderly_end_is_exact_and_the_next_goes_on_there(void **state) {
  (void)state;
  for (uint64_t s = 100; s < 150; s++) assert_true(bench_sealed(&bench, s, 1));
  marks_keeper_close(keeper);
  assert_int_equal(mark_on_disk(1), 149);
  bench_close(&bench);
  bench_open(&bench);
  struct weft_error err = {""};
  assert_int_equal(marks_keeper_open(&keeper, &bench.feeds, path, &err), 0);
  assert_false(bench_sealed(&bench, 149, 1));
  assert_true(bench_sealed(&bench, 150, 1));
}

static void one_file_is_for_one_server(void **state) {
  (void)state;
  struct marks_keeper *second;
  struct weft_error err = {""};
  assert_int_equal(marks_keeper_open(&second, &bench.feeds, path, &err), -EWOULDBLOCK);
  assert_non_null(strstr(err.text, "another server"));
  assert_int_equal(marks_keeper_open(&second, &bench.feeds, "/nonexistent/marks", &err), -ENOENT);
  char longest[PATH_MAX];
  memset(longest, 'm', sizeof longest);
  longest[sizeof longest - 3] = '\0';
  assert_int_equal(marks_keeper_open(&second, &bench.feeds, longest, &err), -ENAMETOOLONG);
}

static void a_failing_disk_stops_nothing_is_said_and_recovers(void **state) {
  (void)state;
  char folder[128], away[128];
  snprintf(folder, sizeof folder, "%s/state", bench.folder);
  snprintf(away, sizeof away, "%s/away", bench.folder);
  for (uint64_t s = 100; s < 150; s++) assert_true(bench_sealed(&bench, s, 1));
  assert_int_equal(rename(folder, away), 0);
  for (uint64_t s = 150; s < 2000; s++) assert_true(bench_sealed(&bench, s, 1));
  assert_true(marks_keeper_failed(keeper));
  assert_false(bench_sealed(&bench, 150, 1)); /* in this run the window holds */
  assert_int_equal(rename(away, folder), 0);
  for (uint64_t s = 2000; s < 200000 && marks_keeper_failed(keeper); s++) {
    assert_true(bench_sealed(&bench, s, 1));
    marks_keeper_turn(keeper);
  }
  assert_false(marks_keeper_failed(keeper));
  assert_true(mark_on_disk(1) >= 2000);
}

/* A lease that is renewed ahead of need is nobody's to wait for. */
static void what_the_writer_finds_is_taken_in_passing(void **state) {
  (void)state;
  const struct timespec pause = {.tv_nsec = 1000000};
  char folder[128], away[128];
  snprintf(folder, sizeof folder, "%s/state", bench.folder);
  snprintf(away, sizeof away, "%s/away", bench.folder);
  for (uint64_t s = 100; s < 5000 && !bench.feeds.lease_due; s++) assert_true(bench_sealed(&bench, s, 1));
  assert_true(bench.feeds.lease_due);
  assert_int_equal(rename(folder, away), 0);
  for (int turn = 0; turn < 10000 && !marks_keeper_failed(keeper); turn++) {
    marks_keeper_turn(keeper);
    nanosleep(&pause, NULL);
  }
  assert_true(marks_keeper_failed(keeper));
  assert_int_equal(rename(away, folder), 0);
}

int main(void) {
#define LIVE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      LIVE(the_disk_knows_before_a_number_is_accepted),
      LIVE(an_orderly_end_is_exact_and_the_next_goes_on_there),
      LIVE(one_file_is_for_one_server),
      LIVE(what_the_writer_finds_is_taken_in_passing),
      LIVE(a_failing_disk_stops_nothing_is_said_and_recovers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

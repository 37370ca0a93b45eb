// stage: weft_ingest weft_domain weft_base weft_kernels
/* Replay windows across restarts and crashes, and the file that carries them. */
#include "tests/unit/sealed_support.h"

#include <errno.h>

enum { MARKS_MAX = 2048 };
static struct bench bench;

/* The disk: what was persisted last. */
static struct replay_mark disk[MARKS_MAX];
static uint32_t disk_count, writes, waits;

static void disk_write(void) {
  assert_true(sealed_feeds_marks_max(&bench.feeds) <= MARKS_MAX);
  disk_count = sealed_feeds_marks(&bench.feeds, false, disk);
  writes++;
}

static void persist(void *context) {
  (void)context;
  waits++;
  disk_write();
  sealed_feeds_granted(&bench.feeds, disk, disk_count);
}

static void start(void) {
  bench_open(&bench);
  sealed_feeds_restore(&bench.feeds, disk, disk_count);
  bench.feeds.persist = persist;
}

static void stop_orderly(void) {
  disk_count = sealed_feeds_marks(&bench.feeds, true, disk);
  bench_close(&bench);
}

static int setup(void **state) {
  (void)state;
  memset(&bench, 0, sizeof bench);
  disk_count = writes = waits = 0;
  bench_folder(&bench);
  start();
  return 0;
}

static int teardown(void **state) { return bench_teardown(state, &bench); }

static void an_orderly_restart_loses_nothing_and_forgets_nothing(void **state) {
  (void)state;
  for (uint64_t s = 500; s < 600; s++) assert_true(bench_sealed(&bench, s, 1));
  assert_true(bench_sealed(&bench, 7, 2));
  stop_orderly();
  start();
  for (uint64_t s = 500; s < 600; s++) assert_false(bench_sealed(&bench, s, 1));
  assert_false(bench_sealed(&bench, 7, 2));
  assert_false(bench_sealed(&bench, 1, 1));
  assert_int_equal(bench_refused(&bench, BENCH_KEYED, REFUSAL_REPLAYED), 102);
  assert_true(bench_sealed(&bench, 600, 1));
  assert_true(bench_sealed(&bench, 8, 2));
}

static void a_crash_loses_the_rest_of_a_lease_and_no_more(void **state) {
  (void)state;
  for (uint64_t s = 500; s < 510; s++) assert_true(bench_sealed(&bench, s, 1));
  bench_close(&bench);
  start();
  uint64_t first = 500;
  while (!bench_sealed(&bench, first, 1)) first++;
  assert_true(first >= 510);
  assert_true(first <= 510 + SEALED_LEASE_MIN * 3 / 2);
}

/* Random senders, losses, reorderings, background writes that come late or never, crashes and orderly stops: nothing accepted
 * is ever accepted again, and a lease never lets a number through that the disk does not cover. */
static void nothing_accepted_is_accepted_again_over_a_thousand_crashes(void **state) {
  (void)state;
  enum { LIVES = 1000, NUMBERS = 1 << 17 };
  static uint8_t accepted[2][NUMBERS];
  memset(accepted, 0, sizeof accepted);
  struct prng prng = prng_seed(5, 0);
  uint64_t next[2] = {1000, 1}, total = 0;
  static struct replay_mark pending[MARKS_MAX];
  for (int life = 0; life < LIVES; life++) {
    uint32_t pending_count = 0;
    bool has_pending = false;
    for (uint64_t step = prng_below(&prng, 200); step > 0; step--) {
      uint32_t key = (uint32_t)prng_below(&prng, 2);
      uint64_t back = prng_below(&prng, 4) == 0 ? prng_below(&prng, 300) : 0;
      uint64_t sequence = back < next[key] ? next[key] - back : 0;
      if (back == 0) next[key] += 1 + (prng_below(&prng, 50) == 0 ? prng_below(&prng, 40) : 0);
      if (sequence >= NUMBERS) break;
      if (bench_sealed(&bench, sequence, (uint16_t)(1 + key))) {
        if (accepted[key][sequence]++) fail_msg("seed 5, life %d: number %llu of key %u accepted twice", life, (unsigned long long)sequence, key);
        total++;
        bool covered = false;
        for (uint32_t m = 0; m < disk_count; m++) covered = covered || (disk[m].epoch == 1 + key && disk[m].mark >= sequence);
        if (!covered) fail_msg("seed 5, life %d: number %llu accepted beyond the disk", life, (unsigned long long)sequence);
      }
      if (bench.feeds.lease_due && !has_pending) {
        pending_count = sealed_feeds_marks(&bench.feeds, false, pending);
        has_pending = true;
      }
      if (has_pending && prng_below(&prng, 10) == 0) { /* the writer is done */
        bool newer = true; /* persist() waits for the writer, so the disk never goes back */
        for (uint32_t m = 0; m < disk_count && m < pending_count; m++) newer = newer && pending[m].mark >= disk[m].mark;
        if (newer) {
          memcpy(disk, pending, pending_count * sizeof *disk);
          disk_count = pending_count;
        }
        sealed_feeds_granted(&bench.feeds, disk, disk_count);
        has_pending = false;
      }
    }
    if (prng_below(&prng, 4) == 0) stop_orderly();
    else bench_close(&bench);
    start();
    for (uint32_t key = 0; key < 2; key++) { /* what an attacker recorded */
      for (uint64_t back = 1; back < 600 && back < next[key]; back++) {
        uint64_t sequence = next[key] - back;
        if (sequence < NUMBERS && accepted[key][sequence] && bench_sealed(&bench, sequence, (uint16_t)(1 + key)))
          fail_msg("seed 5, life %d: number %llu of key %u accepted again after a restart", life, (unsigned long long)sequence, key);
      }
    }
  }
  assert_true(total > 20000);
  print_message("%llu accepted over %d lives\n", (unsigned long long)total, LIVES);
}

/* A steady fast sender is not made to wait for the disk. */
static void leases_grow_with_the_rate_so_that_receiving_does_not_wait(void **state) {
  (void)state;
  for (uint64_t s = 0; s < 200000; s++) {
    assert_true(bench_sealed(&bench, s, 1));
    if (bench.feeds.lease_due && s % 50 == 0) { /* a writer that takes a while */
      disk_write();
      sealed_feeds_granted(&bench.feeds, disk, disk_count);
    }
  }
  if (waits > 12 || writes > 60) fail_msg("%u waits, %u writes", waits, writes);
  assert_true(writes > 2);
}

static void marks_of_sensors_and_keys_not_configured_now_are_kept(void **state) {
  (void)state;
  disk[0] = (struct replay_mark){.sensor_id = 4242, .epoch = 3, .fingerprint = 77, .mark = 99};
  disk[1] = (struct replay_mark){.sensor_id = 7, .epoch = 3, .fingerprint = 78, .mark = 98}; /* an old key of sensor 7 */
  disk_count = 2;
  bench_close(&bench);
  start();
  stop_orderly();
  assert_int_equal(disk_count, 2);
  bool foreign = false, old = false;
  for (uint32_t i = 0; i < disk_count; i++) {
    foreign = foreign || (disk[i].sensor_id == 4242 && disk[i].epoch == 3 && disk[i].fingerprint == 77 && disk[i].mark == 99);
    old = old || (disk[i].sensor_id == 7 && disk[i].epoch == 3 && disk[i].fingerprint == 78 && disk[i].mark == 98);
  }
  assert_true(foreign && old);
  start();
}

static const struct replay_mark sample[] = {{101, 1, UINT64_C(0x0123456789abcdef), 12345},
                                            {4294967295u, 65535, UINT64_MAX, UINT64_MAX},
                                            {0, 0, 0, 0}};
enum { SAMPLE = sizeof sample / sizeof *sample };

static void the_file_of_marks_reads_back_and_is_as_documented(void **state) {
  (void)state;
  char text[512];
  struct replay_mark marks[SAMPLE];
  uint32_t count;
  struct weft_error err = {""};
  size_t size = replay_marks_write(text, replay_marks_text_max(SAMPLE), sample, SAMPLE);
  static const char begin[] = "weft replay marks 1\n101 1 0123456789abcdef 12345\n"
                              "4294967295 65535 ffffffffffffffff 18446744073709551615\n0 0 0000000000000000 0\nend 3 ";
  assert_memory_equal(text, begin, sizeof begin - 1);
  assert_int_equal(size, sizeof begin - 1 + 9);
  text[size] = 0;
  assert_int_equal(replay_marks_read(text, size, "m", marks, SAMPLE, &count, &err), 0);
  assert_int_equal(count, SAMPLE);
  for (int i = 0; i < SAMPLE; i++) {
    assert_int_equal(marks[i].sensor_id, sample[i].sensor_id);
    assert_int_equal(marks[i].epoch, sample[i].epoch);
    assert_true(marks[i].fingerprint == sample[i].fingerprint && marks[i].mark == sample[i].mark);
  }
  assert_int_equal(replay_marks_read(text, size, "m", marks, SAMPLE - 1, &count, &err), -EINVAL);
  assert_int_equal(replay_marks_load("/nonexistent/marks", marks, SAMPLE, &count, &err), 0);
  assert_int_equal(count, 0);
  assert_int_equal(replay_marks_load("/", marks, SAMPLE, &count, &err) < 0, 1);
}

static void a_damaged_file_of_marks_is_never_taken_for_a_good_one(void **state) {
  (void)state;
  char text[512], odd[512];
  struct replay_mark marks[SAMPLE];
  uint32_t count;
  struct weft_error err = {""};
  size_t size = replay_marks_write(text, replay_marks_text_max(SAMPLE), sample, SAMPLE);
  for (size_t cut = 0; cut < size; cut++) {
    memcpy(odd, text, cut);
    odd[cut] = 0;
    if (replay_marks_read(odd, cut, "m", marks, SAMPLE, &count, &err) == 0) fail_msg("cut at %zu", cut);
  }
  for (size_t bit = 0; bit < 8 * size; bit++) {
    memcpy(odd, text, size);
    odd[size] = 0;
    odd[bit / 8] = (char)(odd[bit / 8] ^ 1 << bit % 8);
    if (replay_marks_read(odd, size, "m", marks, SAMPLE, &count, &err) == 0) fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
  }
  assert_non_null(strstr(err.text, "m:"));
  assert_non_null(strstr(err.text, "new key epoch"));
}

int main(void) {
#define LIVE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      LIVE(an_orderly_restart_loses_nothing_and_forgets_nothing),
      LIVE(a_crash_loses_the_rest_of_a_lease_and_no_more),
      LIVE(nothing_accepted_is_accepted_again_over_a_thousand_crashes),
      LIVE(leases_grow_with_the_rate_so_that_receiving_does_not_wait),
      LIVE(marks_of_sensors_and_keys_not_configured_now_are_kept),
      cmocka_unit_test(the_file_of_marks_reads_back_and_is_as_documented),
      cmocka_unit_test(a_damaged_file_of_marks_is_never_taken_for_a_good_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

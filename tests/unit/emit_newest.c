// stage: weft_emit
/* The table of newest reports, against a plain array of them: reports of every size, tables so small that they are full and closed up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/emit/newest.h"
#include "engine/emit/report_pack.h"
#include "engine/emit/track_line.h"
#include "tests/unit/emit_support.h"

enum { SEED = 21, TRACKS = 300, SUBSCRIBERS = 3, STEPS = 4000, STEP_REPORTS_MAX = 40 };

static struct site site;
static const char areas[1][SITE_NAME_MAX] = {"area"};
static struct foreign_names names;
static struct foreign_ties ties = {.names = &names, .correlated_count = 2, .correlated = {{0, 17}, {0, 18}}};
static struct track_report model[TRACKS + 1]; /* newest by track number */
static uint64_t marks[TRACKS + 1];
static struct prng prng;

static struct track_report report_any(uint64_t track, uint64_t step) {
  struct track_report report = support_report(track, step);
  report.has_launch = prng_below(&prng, 2);
  report.has_impact = prng_below(&prng, 2);
  if (report.has_launch) report.launch = (struct ground_estimate){.lat_deg = 1.5, .lon_deg = (double)track, .time_ns = (int64_t)step, .semi_major_m = 7};
  if (report.has_launch) report.event = track, report.event_launches = (uint32_t)step;
  if (report.has_impact) {
    report.impact.ground = (struct ground_estimate){.lat_deg = -1.5, .lon_deg = (double)step, .time_ns = 5, .orientation_deg = 9};
    report.impact.region_count = (uint32_t)prng_below(&prng, REPORT_REGIONS_MAX + 1);
    for (uint32_t r = 0; r < report.impact.region_count; r++) report.impact.shares[r] = 1.0 / (r + 2);
  }
  report.ties = prng_below(&prng, 4) ? NULL : &ties;
  return report;
}

static void lines_equal(const struct track_report *got, const struct track_report *want) {
  static char a[TRACK_LINE_MAX], b[TRACK_LINE_MAX];
  size_t size = track_line_write(a, sizeof a, got, &site, 1);
  assert_true(size > 0);
  assert_int_equal(track_line_write(b, sizeof b, want, &site, 1), size);
  assert_memory_equal(a, b, size);
  assert_int_equal(got->arrival_ns, want->arrival_ns);
}

static void a_packed_report_writes_the_same_line(void **state) {
  (void)state;
  prng = prng_seed(SEED, 1);
  for (uint64_t step = 0; step < 2000; step++) {
    uint64_t packed[REPORT_PACK_WORDS_MAX + 1];
    struct track_report report = report_any(7, step), out;
    memset(packed, 0xa5, sizeof packed);
    uint32_t words = report_pack_words(&report);
    assert_in_range(words, 1, REPORT_PACK_WORDS_MAX);
    report_pack(&report, packed);
    for (uint32_t w = words; w <= REPORT_PACK_WORDS_MAX; w++) assert_int_equal(packed[w], 0xa5a5a5a5a5a5a5a5);
    report_unpack(packed, &out);
    lines_equal(&out, &report);
  }
}

static void merged(struct newest *newest, uint64_t *abandoned) {
  for (uint32_t s = 0; !newest_merge(newest); s++) { /* as the port does: a subscriber goes */
    assert_true(s < SUBSCRIBERS);
    uint64_t bit = (uint64_t)1 << s, before = 0;
    for (uint64_t track = 1; track <= TRACKS; track++) {
      before += (marks[track] & bit) != 0;
      marks[track] &= ~bit;
    }
    assert_int_equal(newest_withdraw(newest, bit), before);
    *abandoned += before;
  }
}

static void taken(struct newest *newest, uint64_t bit, uint64_t count) {
  uint64_t from = 1;
  for (uint64_t i = 0; i < count; i++) {
    uint32_t at = newest_next(newest, from, bit);
    uint64_t want = from;
    while (want <= TRACKS && !(marks[want] & bit)) want++;
    assert_int_equal(at == newest->count, want > TRACKS);
    if (at == newest->count) return;
    struct track_report report;
    newest_read(newest, at, &report);
    assert_int_equal(report.track, want);
    lines_equal(&report, &model[want]);
    newest_take(newest, at, bit);
    marks[want] &= ~bit;
    from = want + 1 + prng_below(&prng, 3);
  }
}

/* Steps of reports in ascending order, some twice, each step's marks its own. Returns how many marks were abandoned. */
static uint64_t run(uint32_t capacity, uint64_t take_most) {
  struct newest newest;
  struct arena arena;
  uint64_t abandoned = 0;
  static struct track_report reports[STEP_REPORTS_MAX];
  memset(marks, 0, sizeof marks);
  assert_int_equal(arena_open(&arena, newest_arena_bytes(capacity)), 0);
  assert_int_equal(newest_open(&newest, capacity, &arena), 0);
  for (uint64_t step = 1; step <= STEPS; step++) {
    uint64_t track = 0;
    for (uint32_t i = 0; i < STEP_REPORTS_MAX; i++) {
      track += prng_below(&prng, 2 * TRACKS / STEP_REPORTS_MAX);
      if (track == 0) track = 1;
      if (track > TRACKS) break;
      reports[i] = report_any(track, step);
      newest_ask(&newest, &reports[prng_below(&prng, i + 1)]); /* of whatever track: it changes nothing */
      if (newest_merge_due(&newest, &reports[i])) merged(&newest, &abandoned);
      uint64_t mark = 1 + prng_below(&prng, (1 << SUBSCRIBERS) - 1), passed = newest_put(&newest, &reports[i], mark);
      assert_int_equal(passed, marks[track] & mark);
      marks[track] |= mark;
      model[track] = reports[i];
    }
    merged(&newest, &abandoned);
    for (int s = 0; s < SUBSCRIBERS; s++) taken(&newest, (uint64_t)1 << s, prng_below(&prng, take_most));
  }
  arena_close(&arena);
  return abandoned;
}

static void newest_is_what_was_put_last(void **state) {
  (void)state;
  prng = prng_seed(SEED, 2);
  assert_int_equal(run(2 * TRACKS, 2), 0);  /* hardly read: filled, overwritten and closed up */
  assert_int_equal(run(2 * TRACKS, 60), 0); /* emptied again and again */
}

static void a_full_table_refuses_until_a_subscriber_goes(void **state) {
  (void)state;
  prng = prng_seed(SEED, 3);
  assert_true(run(60, 10) > 0);
  assert_true(run(200, 2) > 0); /* the room for reports runs out, not the places */
}

static int site_make(void **state) {
  (void)state;
  support_site(&site);
  site.region_names = areas;
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_packed_report_writes_the_same_line),
      cmocka_unit_test(newest_is_what_was_put_last),
      cmocka_unit_test(a_full_table_refuses_until_a_subscriber_goes),
  };
  return cmocka_run_group_tests(tests, site_make, NULL);
}

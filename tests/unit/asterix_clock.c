// stage: weft_ingest weft_domain weft_base
/* Time of day to date: per radar, over midnight in both directions, from --date, capture time or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ingest/clock_day.h"

#define SECOND INT64_C(1000000000)
#define DAY CLOCK_DAY_NS

static struct clock_day clock;

static uint32_t tod(double hours) { return (uint32_t)(hours * 3600 * 128); }

static void begin(const char *date) {
  memset(&clock, 0, sizeof clock);
  if (date) assert_int_equal(clock_day_date(&clock, date, NULL), 0);
}

static void dates_are_read_and_others_refused(void **state) {
  (void)state;
  static const struct { const char *text; int64_t days; } good[] = {
      {"1970-01-01", 0}, {"1972-02-29", 789}, {"2000-03-01", 11017}, {"2016-05-05", 16926}, {"2261-12-31", 106650}};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    begin(good[i].text);
    assert_true(clock.date_ns == good[i].days * DAY);
  }
  static const char *const bad[] = {"",           "2016",        "2016-5-5",   "2016-02-30", "2100-02-29", "1969-12-31",
                                    "2262-01-01", "2016-00-01",  "2016-13-01", "2016-01-00", "2016-01-32", "2016/01/01",
                                    "2016-01-01x", "yesterday!", "2016-1a-01", "2016-01/01", "2016-01-a1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct weft_error err = {{0}};
    memset(&clock, 0, sizeof clock);
    assert_true(clock_day_date(&clock, bad[i], &err) < 0);
    assert_non_null(strstr(err.text, "is not a date: give YYYY-MM-DD"));
    assert_false(clock.has_date);
  }
}

static void without_anything_the_day_is_the_first_of_1970(void **state) {
  (void)state;
  begin(NULL);
  assert_true(clock_day_resolve(&clock, 0, 1, false, 0) == 7812500);
  assert_true(clock_day_resolve(&clock, 0, tod(24) - 1, false, 0) == -7812500); /* the evening before, out of order */
}

static void times_before_1970_have_their_days_too(void **state) {
  (void)state;
  begin("1970-01-01");
  assert_true(clock_day_resolve(&clock, 1, tod(0), false, 0) == 0);
  assert_true(clock_day_resolve(&clock, 1, tod(23), false, 0) == -3600 * SECOND);
  assert_true(clock_day_resolve(&clock, 1, tod(23.5), false, 0) == -1800 * SECOND);
  assert_true(clock_day_resolve(&clock, 1, tod(1), false, 0) == 3600 * SECOND);
}

static void midnight_is_survived_in_both_directions(void **state) {
  (void)state;
  begin("2016-05-05");
  int64_t date = clock.date_ns;
  assert_true(clock_day_resolve(&clock, 0, tod(23.5), false, 0) == date + 84600 * SECOND);
  assert_true(clock_day_resolve(&clock, 0, tod(0.25), false, 0) == date + DAY + 900 * SECOND);
  assert_true(clock_day_resolve(&clock, 0, tod(23.75), false, 0) == date + 85500 * SECOND); /* late */
  assert_true(clock_day_resolve(&clock, 0, tod(0.5), false, 0) == date + DAY + 1800 * SECOND);
  for (int hour = 1; hour < 100; hour++) /* on through four days */
    assert_true(clock_day_resolve(&clock, 0, tod(hour % 24), false, 0) == date + DAY + hour * 3600 * SECOND);
}

static void radars_keep_their_own_days(void **state) {
  (void)state;
  begin("2016-05-05");
  int64_t date = clock.date_ns;
  clock_day_resolve(&clock, 0, tod(23.99), false, 0);
  assert_true(clock_day_resolve(&clock, 0, tod(0.01), false, 0) == date + DAY + 36 * SECOND);
  /* Heard for the first time: judged by the others, not put at the beginning of the date. */
  assert_true(clock_day_resolve(&clock, 1, tod(0.02), false, 0) == date + DAY + 72 * SECOND);
  assert_true(clock_day_resolve(&clock, 2, tod(23.9), false, 0) == date + 86040 * SECOND);
  assert_true(clock_day_resolve(&clock, UINT32_MAX, tod(0.03), false, 0) == date + DAY + 108 * SECOND);
  /* Radar 0 goes on for 13 hours; radar 1 was silent and is behind by an hour. */
  for (double h = 1; h < 14; h++) clock_day_resolve(&clock, 0, tod(h), false, 0);
  assert_true(clock_day_resolve(&clock, 1, tod(10), false, 0) == date + DAY + 36000 * SECOND);
}

static void capture_time_decides_the_day_though_clocks_differ_by_minutes(void **state) {
  (void)state;
  begin(NULL);
  int64_t midnight = 16926 * DAY;
  assert_true(clock_day_resolve(&clock, 0, tod(0.05), true, midnight - 120 * SECOND) == midnight + 180 * SECOND); /* fast */
  assert_true(clock_day_resolve(&clock, 0, tod(23.95), true, midnight + 60 * SECOND) == midnight - 180 * SECOND); /* slow */
  assert_true(clock_day_resolve(&clock, 0, tod(7), true, midnight + 3 * DAY + 25200 * SECOND) == midnight + 3 * DAY + 25200 * SECOND);
}

static void date_moves_a_recording_with_capture_times_by_whole_days(void **state) {
  (void)state;
  begin("2020-02-29");
  int64_t capture = 16926 * DAY;
  assert_true(clock_day_resolve(&clock, 0, tod(23.95), true, capture + DAY - 1) == clock.date_ns + 86220 * SECOND);
  assert_true(clock_day_resolve(&clock, 1, tod(0.05), true, capture + DAY + 1) == clock.date_ns + DAY + 180 * SECOND);
  assert_true(clock_day_resolve(&clock, 0, tod(12), true, capture + 9 * DAY + DAY / 2) == clock.date_ns + 9 * DAY + DAY / 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dates_are_read_and_others_refused),
      cmocka_unit_test(without_anything_the_day_is_the_first_of_1970),
      cmocka_unit_test(times_before_1970_have_their_days_too),
      cmocka_unit_test(midnight_is_survived_in_both_directions),
      cmocka_unit_test(radars_keep_their_own_days),
      cmocka_unit_test(capture_time_decides_the_day_though_clocks_differ_by_minutes),
      cmocka_unit_test(date_moves_a_recording_with_capture_times_by_whole_days),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

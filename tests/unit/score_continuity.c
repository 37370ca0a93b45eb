// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/score_support.h"

/* Runs the case and checks breaks and switches. */
static void changes_are(struct score_case *c, const char *options, double breaks, double switches) {
  json_t *r = score_run_json(c, options);
  if (!r) fail_msg("score failed: %s", c->err);
  score_figure_is(r, "continuity.track_breaks", breaks, 0);
  score_figure_is(r, "continuity.identity_switches", switches, 0);
  json_decref(r);
}

static void steady_track_has_no_break(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 40; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_track_say(c, t, 1, "confirmed", 50, 0, 0, 0);
  }
  changes_are(c, "", 0, 0);
  score_case_close(c);
}

static void new_number_is_one_break(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 40; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    if (t <= 20) score_track_say(c, t, 1, "confirmed", 50, 0, 0, 0);
    if (t == 21) score_track_say(c, t, 1, "lost", 50, 0, 0, 0);
    if (t >= 22) score_track_say(c, t, 2, "confirmed", 50, 0, 0, 0);
  }
  changes_are(c, "", 1, 0);
  score_case_close(c);
}

static void long_gap_is_a_break_and_a_short_one_is_not(void **state) {
  (void)state;
  for (int gap = 5; gap <= 15; gap += 10) {
    struct score_case *c = score_case_open();
    for (int t = 0; t <= 60; t++) {
      score_truth_say(c, t, "one", 0, 0, 0, 0);
      if (t <= 20 || t > 20 + gap) score_track_say(c, t, 1, "confirmed", 50, 0, 0, 0);
    }
    changes_are(c, "--stale-s 0.5 --gap-s 10", gap > 10 ? 1 : 0, 0);
    score_case_close(c);
  }
}

/* A track that ends for good before its target does is no break: the target is never tracked again. */
static void early_end_is_no_break(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 60; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    if (t <= 20) score_track_say(c, t, 1, "confirmed", 50, 0, 0, 0);
  }
  changes_are(c, "--stale-s 0.5", 0, 0);
  score_case_close(c);
}

/* Two targets pass each other; afterwards each track follows the other target: two changes of number, two
 * switches. */
static void swap_is_two_breaks_and_two_switches(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 80; t++) {
    double a = 500.0 * (t - 40), turn = t < 40 ? 1 : -1;
    score_truth_say(c, t, "east", 0, a, 0, 500);
    score_truth_say(c, t, "west", 0, -a, 0, -500);
    score_track_say(c, t, 1, "confirmed", 0, a * turn, 0, 500 * turn);
    score_track_say(c, t, 2, "confirmed", 0, -a * turn, 0, -500 * turn);
  }
  changes_are(c, "", 2, 2);
  score_case_close(c);
}

/* The same crossing with tracks that keep to their targets. */
static void crossing_is_no_switch(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 80; t++) {
    double a = 500.0 * (t - 40);
    score_truth_say(c, t, "east", 0, a, 0, 500);
    score_truth_say(c, t, "west", 0, -a, 0, -500);
    score_track_say(c, t, 1, "confirmed", 0, a + 30, 0, 500);
    score_track_say(c, t, 2, "confirmed", 0, -a + 30, 0, -500);
  }
  changes_are(c, "", 0, 0);
  score_case_close(c);
}

/* Two targets 300 m apart, tracks with errors that change sign each second so that the bare optimum turns
 * each time: the hysteresis keeps the pairs, without it every second is a switch. */
static void hysteresis_keeps_close_pairs_from_flickering(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 30; t++) {
    double error = t % 2 ? 200 : -200;
    score_truth_say(c, t, "low", 0, 0, 0, 0);
    score_truth_say(c, t, "high", 0, 300, 0, 0);
    score_track_say(c, t, 1, "confirmed", 0, 150 + error, 0, 0);
    score_track_say(c, t, 2, "confirmed", 0, 150 - error, 0, 0);
  }
  changes_are(c, "", 0, 0);
  changes_are(c, "--hysteresis-m 0", 60, 60);
  score_case_close(c);
}

/* Wrong at first only because the targets are still together: reading backward in time knows better. */
static void pairs_of_a_common_start_are_read_backward(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 60; t++) {
    double apart = 200.0 * t, error = t == 0 ? 3 : 0;
    score_truth_say(c, t, "up", 0, apart + 1, 0, 200);
    score_truth_say(c, t, "down", 0, -apart - 1, 0, -200);
    score_track_say(c, t, 1, "confirmed", 0, apart + 1 - error, 0, 200);
    score_track_say(c, t, 2, "confirmed", 0, -apart - 1 + error, 0, -200);
  }
  changes_are(c, "", 0, 0);
  score_case_close(c);
}

static void second_track_on_one_target_is_redundant(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 20; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_track_say(c, t, 1, "confirmed", 10, 0, 0, 0);
    score_track_say(c, t, 2, "confirmed", 900, 0, 0, 0);
  }
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "tracks.false_confirmed_tracks", 1, 0);
  score_figure_is(r, "tracks.redundant_confirmed_tracks", 1, 0);
  score_figure_is(r, "continuity.track_breaks", 0, 0);
  json_decref(r);
  score_case_close(c);
}

/* Sensor 1 sees the target at 10, 12, .. and sensor 2 at 11, 13, ..: the fifth by one sensor is at 18,
 * although five by both together were seen at 14. The track comes at 20. A target that nobody saw five times
 * isn't owed one. */
static void track_is_owed_from_the_fifth_detection_of_one_sensor(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  score_detections_begin(c);
  for (int t = 0; t <= 37; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_truth_say(c, t, "hidden", 0, 0, 5e5, 0);
    if (t >= 10 && t <= 33) score_say(c->detections, "%.0f,%d,radar,one\n", 1e18 + t * 1e9, 1 + t % 2);
    if (t >= 20 && t <= 23)
      score_say(c->detections, "%.0f,1,radar,hidden\n%.0f,1,radar,\n", 1e18 + t * 1e9, 1e18 + t * 1e9);
    if (t >= 20 && t <= 31) score_track_say(c, t, 1, "confirmed", 0, 0, 0, 0);
  }
  json_t *r = score_run_json(c, "--stale-s 0.5");
  assert_non_null(r);
  score_figure_is(r, "completeness.due_targets", 1, 0);
  score_figure_is(r, "completeness.due_targets_tracked", 1, 0);
  score_figure_is(r, "completeness.due_target_s", 20, 1e-9);
  score_figure_is(r, "completeness.fraction", 12.0 / 20, 1e-12);
  score_figure_is(r, "completeness.fraction_while_seen", 12.0 / 16, 1e-12);
  score_figure_is(r, "time_to_first_confirmed.mean_s", 10, 1e-6);
  score_figure_is(r, "truth.detections_of_no_target", 4, 0);
  json_decref(r);
  score_case_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(steady_track_has_no_break),
                                     cmocka_unit_test(new_number_is_one_break),
                                     cmocka_unit_test(long_gap_is_a_break_and_a_short_one_is_not),
                                     cmocka_unit_test(early_end_is_no_break),
                                     cmocka_unit_test(swap_is_two_breaks_and_two_switches),
                                     cmocka_unit_test(crossing_is_no_switch),
                                     cmocka_unit_test(hysteresis_keeps_close_pairs_from_flickering),
                                     cmocka_unit_test(pairs_of_a_common_start_are_read_backward),
                                     cmocka_unit_test(second_track_on_one_target_is_redundant),
                                     cmocka_unit_test(track_is_owed_from_the_fifth_detection_of_one_sensor)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

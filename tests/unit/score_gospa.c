// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/score_support.h"

/* One target, one track beside it: the metric is the distance. */
static void gospa_of_one_pair_is_its_distance(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 10; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_track_say(c, t, 1, "confirmed", 0, 300, 400, 0);
  }
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "gospa.instants", 11, 0);
  score_figure_is(r, "gospa.rms_m", 500, 1e-6);
  score_figure_is(r, "gospa.mean_m", 500, 1e-6);
  score_figure_is(r, "gospa.missed_rms_m", 0, 0);
  score_figure_is(r, "gospa.false_rms_m", 0, 0);
  score_figure_is(r, "completeness.fraction", 1, 0);
  json_decref(r);
  score_case_close(c);
}

/* d^2 + c^2 / 2 (missed + false): one pair at 30 m, one target missed, two tracks of nothing. */
static void gospa_charges_missed_and_false(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 4; t++) {
    score_truth_say(c, t, "tracked", 0, 0, 0, 0);
    score_truth_say(c, t, "missed", 0, 1e5, 0, 0);
    score_track_say(c, t, 1, "confirmed", 30, 0, 0, 0);
    score_track_say(c, t, 2, "confirmed", 0, 0, 2e5, 0);
    score_track_say(c, t, 3, "confirmed", 0, 0, 4e5, 0);
    score_track_say(c, t, 4, "tentative", 0, 0, 6e5, 0);
  }
  json_t *r = score_run_json(c, "--cutoff-m 1000");
  assert_non_null(r);
  score_figure_is(r, "gospa.rms_m", sqrt(30 * 30 + 0.5e6 * 3), 1e-6);
  score_figure_is(r, "gospa.localisation_rms_m", 30, 1e-6);
  score_figure_is(r, "gospa.missed_rms_m", sqrt(0.5e6), 1e-6);
  score_figure_is(r, "gospa.false_rms_m", sqrt(1e6), 1e-6);
  score_figure_is(r, "completeness.fraction", 0.5, 1e-12);
  score_figure_is(r, "tracks.confirmed_tracks", 3, 0);
  score_figure_is(r, "tracks.false_confirmed_tracks", 2, 0);
  score_figure_is(r, "tracks.redundant_confirmed_tracks", 0, 0);
  json_decref(r);
  score_case_close(c);
}

/* The nearest track isn't everyone's: greedy pairing would cost 0 + 900^2, the best one 450^2 + 450^2. */
static void gospa_pairs_for_the_least_sum(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 2; t++) {
    score_truth_say(c, t, "left", 0, 0, 0, 0);
    score_truth_say(c, t, "right", 0, 450, 0, 0);
    score_track_say(c, t, 1, "confirmed", 0, 450, 0, 0);
    score_track_say(c, t, 2, "confirmed", 0, 900, 0, 0);
  }
  json_t *r = score_run_json(c, "--cutoff-m 1000");
  assert_non_null(r);
  score_figure_is(r, "gospa.rms_m", sqrt(2 * 450.0 * 450.0), 1e-6);
  json_decref(r);
  score_case_close(c);
}

/* A pair at the cutoff or beyond is a missed target and a false track. */
static void gospa_makes_no_pair_beyond_the_cutoff(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 2; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_track_say(c, t, 1, "confirmed", 0, 1000.001, 0, 0);
  }
  json_t *r = score_run_json(c, "--cutoff-m 1000");
  assert_non_null(r);
  score_figure_is(r, "gospa.rms_m", 1000, 1e-6);
  score_figure_is(r, "gospa.localisation_rms_m", 0, 0);
  score_figure_is(r, "tracks.false_confirmed_tracks", 1, 0);
  json_decref(r);
  score_case_close(c);
}

/* The truth has points every 4 s on a parabola; Hermite interpolation follows it exactly between them. A
 * ballistic track's single line is carried along. */
static void truth_is_interpolated_and_tracks_are_carried(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 16; t += 4) score_truth_say(c, t, "one", 0, 2.0 * t * t, 0, 4.0 * t);
  for (int t = 0; t <= 16; t++) score_track_say(c, t, 1, "confirmed", 0, 2.0 * t * t, 0, 0);
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "gospa.rms_m", 0, 1e-4);
  json_decref(r);
  c->truth[0] = c->tracks[0] = 0;
  score_say(c->truth, "%s", score_truth_header);
  for (int t = 0; t <= 10; t++) score_truth_say(c, t, "one", 0, 100.0 * t, 0, 100);
  score_track_say(c, 0, 1, "confirmed", 0, 0, 0, 100);
  r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "gospa.rms_m", 0, 1e-6);
  json_decref(r);
  score_case_close(c);
}

/* "one" has points at 0.5, 1.5, .. 9.5 s, "two" at 0 .. 10 s: at 10 s, the last instant, "one" is still
 * there, half a second on at 100 m/s. A target that ends two seconds before the end has ended. */
static void target_cut_off_by_the_end_is_held_to_it(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 10; t++) {
    if (t < 10) score_truth_say(c, t + 0.5, "one", 0, 100.0 * t + 50, 0, 100);
    if (t < 9) score_truth_say(c, t, "gone", 0, 0, 6e5, 0);
    score_truth_say(c, t, "two", 0, 0, 3e5, 0);
    score_track_say(c, t, 1, "confirmed", 0, 100.0 * t, 0, 100);
    score_track_say(c, t, 2, "confirmed", 0, 0, 3e5, 0);
    score_track_say(c, t, 3, "confirmed", 0, 0, 6e5, 0);
  }
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_series_is(r, 10, "gospa_localisation_m", 0, 1e-3);
  score_series_is(r, 10, "gospa_false_m", 10000 / sqrt(2), 1e-3);
  score_series_is(r, 10, "due_targets", 2, 0);
  json_decref(r);
  score_case_close(c);
}

static void track_leaves_the_picture_when_lost_or_stale(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 19; t++) score_truth_say(c, t, "one", 0, 0, 0, 0);
  for (int t = 0; t <= 4; t++) score_track_say(c, t, 1, "confirmed", 0, 0, 0, 0);
  json_t *r = score_run_json(c, "--stale-s 5");
  assert_non_null(r);
  score_figure_is(r, "completeness.fraction", 10.0 / 20, 1e-12); /* 0..4 and five seconds more */
  json_decref(r);
  score_track_say(c, 6, 1, "lost", 0, 0, 0, 0);
  r = score_run_json(c, "--stale-s 5");
  assert_non_null(r);
  score_figure_is(r, "completeness.fraction", 6.0 / 20, 1e-12);
  json_decref(r);
  score_case_close(c);
}

static void reader_counts_missed_lines(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  score_truth_say(c, 0, "one", 0, 0, 0, 0);
  score_track_say(c, 0, 1, "confirmed", 0, 0, 0, 0);
  score_say(c->tracks, "{\"missed\":3}\n\n{\"missed\":4}\n");
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "tracks.missed", 7, 0);
  score_figure_is(r, "tracks.missed_lines", 2, 0);
  score_figure_is(r, "tracks.lines", 1, 0);
  json_decref(r);
  score_case_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gospa_of_one_pair_is_its_distance),
                                     cmocka_unit_test(gospa_charges_missed_and_false),
                                     cmocka_unit_test(gospa_pairs_for_the_least_sum),
                                     cmocka_unit_test(gospa_makes_no_pair_beyond_the_cutoff),
                                     cmocka_unit_test(truth_is_interpolated_and_tracks_are_carried),
                                     cmocka_unit_test(target_cut_off_by_the_end_is_held_to_it),
                                     cmocka_unit_test(track_leaves_the_picture_when_lost_or_stale),
                                     cmocka_unit_test(reader_counts_missed_lines)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

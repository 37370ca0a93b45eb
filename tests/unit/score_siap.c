// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/score_support.h"

/* A confirmed line with a class, off by y metres and vy metres a second. */
static void class_say(struct score_case *c, double t_s, int track, const char *class_word, double y,
                      double vy) {
  score_say(c->tracks,
            "{\"time_ns\":%.0f,\"centre\":\"T\",\"track\":%d,\"status\":\"confirmed\",\"class\":\"%s\","
            "\"position_ecef_m\":[6478137,%.6f,0],\"velocity_ecef_mps\":[0,%.6f,0]}\n",
            1e18 + t_s * 1e9, track, class_word, y, vy);
}

/* Two targets; one has two tracks, the other none; a third track is nowhere near. */
static struct score_case *picture_say(const char *first, const char *second) {
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 4; t++) {
    score_truth_say(c, t, "tracked", 0, 0, 0, 0);
    score_truth_say(c, t, "missed", 0, 1e5, 0, 0);
    class_say(c, t, 1, first, 30, 3);
    class_say(c, t, 2, second, -40, 4);
    class_say(c, t, 3, "aircraft", 5e5, 0);
  }
  return c;
}

/* J = 2, JT = 1, NA = 2, N = 3: completeness 1 / 2, ambiguity 2 / 1, spuriousness 1 / 3. Errors 30 and 40 m:
 * 35; 3 and 4 m/s: 3.5. One track beyond the first for five instants of a second. */
static void measures_of_a_small_picture(void **state) {
  (void)state;
  struct score_case *c = picture_say("unknown", "ballistic");
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "siap.completeness", 1.0 / 2, 1e-9);
  score_figure_is(r, "siap.ambiguity", 2, 1e-9);
  score_figure_is(r, "siap.spuriousness", 1.0 / 3, 1e-9);
  score_figure_is(r, "siap.position_accuracy_m", 35, 1e-6);
  score_figure_is(r, "siap.velocity_accuracy_mps", 3.5, 1e-6);
  score_figure_is(r, "siap.duplicate_track_s", 5, 1e-9);
  score_figure_is(r, "siap.spurious_track_s", 5, 1e-9);
  score_series_is(r, 2, "completeness", 1.0 / 2, 1e-9);
  score_series_is(r, 2, "spurious_tracks", 1, 0);
  score_series_is(r, 2, "duplicate_tracks", 1, 0);
  score_figure_is(r, "siap.identification_completeness", 1, 1e-9); /* one of its tracks says something */
  score_figure_is(r, "siap.identification_correctness", 1, 1e-9);
  score_figure_is(r, "siap.identification_ambiguity", 0, 1e-9);
  json_decref(r);
  score_case_close(c);
}

/* The targets are ballistic. */
static void identification_follows_the_words_of_all_tracks(void **state) {
  (void)state;
  static const struct {
    const char *first, *second;
    double completeness, correctness, ambiguity;
  } cases[] = {{"unknown", "unknown", 0, 0, 0},
               {"ballistic", "ballistic", 1, 1, 0},
               {"ballistic", "aircraft", 1, 0, 1},
               {"aircraft", "unknown", 1, 0, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct score_case *c = picture_say(cases[i].first, cases[i].second);
    json_t *r = score_run_json(c, "");
    assert_non_null(r);
    score_figure_is(r, "siap.identification_completeness", cases[i].completeness, 1e-9);
    score_figure_is(r, "siap.identification_correctness", cases[i].correctness, 1e-9);
    score_figure_is(r, "siap.identification_ambiguity", cases[i].ambiguity, 1e-9);
    json_decref(r);
    score_case_close(c);
  }
}

/* 20 instants of a second: track 1 for 12, none for 2, track 2 for 6. One change in 18 s with a track; the
 * longest is 12 of 20. */
static void continuity_is_a_rate_and_a_longest_part(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 19; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    if (t < 12) class_say(c, t, 1, "ballistic", 10, 0);
    if (t >= 14) class_say(c, t, 2, "ballistic", 10, 0);
  }
  json_t *r = score_run_json(c, "--stale-s 0.5");
  assert_non_null(r);
  score_figure_is(r, "siap.track_number_change_rate_hz", 1.0 / 18, 1e-9);
  score_figure_is(r, "siap.longest_track_fraction", 12.0 / 20, 1e-9);
  score_figure_is(r, "siap.completeness", 18.0 / 20, 1e-9);
  score_figure_is(r, "siap.ambiguity", 1, 1e-9);
  json_decref(r);
  score_case_close(c);
}

/* Owed from the fifth detection, 4 s, on: what was before has no part; a target that is never owed neither,
 * but its track isn't spurious. */
static void only_owed_targets_are_asked_for(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  score_detections_begin(c);
  for (int t = 0; t <= 9; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_truth_say(c, t, "glimpsed", 0, 1e5, 0, 0);
    score_say(c->detections, "%.0f,1,radar,one\n", 1e18 + t * 1e9);
    if (t < 2) score_say(c->detections, "%.0f,1,radar,glimpsed\n", 1e18 + t * 1e9);
    if (t >= 7 || t < 2) class_say(c, t, t < 2 ? 9 : 1, "ballistic", 10, 0); /* 9: before it is owed one */
    class_say(c, t, 2, "ballistic", 1e5 + 20, 0);
  }
  json_t *r = score_run_json(c, "--stale-s 0.5");
  assert_non_null(r);
  score_figure_is(r, "siap.completeness", 3.0 / 6, 1e-9); /* 7, 8, 9 of 4 to 9 */
  score_figure_is(r, "siap.spuriousness", 0, 0);
  score_figure_is(r, "siap.position_accuracy_m", 10, 1e-6);
  score_figure_is(r, "siap.track_number_change_rate_hz", 0, 0);
  score_figure_is(r, "siap.longest_track_fraction", 3.0 / 6, 1e-9);
  json_decref(r);
  score_case_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(measures_of_a_small_picture),
                                     cmocka_unit_test(identification_follows_the_words_of_all_tracks),
                                     cmocka_unit_test(continuity_is_a_rate_and_a_longest_part),
                                     cmocka_unit_test(only_owed_targets_are_asked_for)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

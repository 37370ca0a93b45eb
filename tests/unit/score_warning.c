// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/score_support.h"

/* A missile that stands still for the sake of arithmetic: launch at 0 s at 0 N 0 E, boost until 20 s, impact
 * at 200 s at 0 N 0 E. */
static void missile_say(struct score_case *c, const char *name, double y) {
  for (int t = 0; t <= 200; t += 5)
    score_say(c->truth, "%.0f,%s,ballistic,%s,6378137,%.3f,0,0,0,0,0,0,%.0f\n", 1e18 + t * 1e9, name,
              t < 20 ? "boost" : "coast", y, 1e18 + 200e9);
}

/* A confirmed line with more words. */
static void line_say(struct score_case *c, double t_s, int track, double y, const char *class_word,
                     const char *more) {
  score_say(c->tracks,
            "{\"time_ns\":%.0f,\"track\":%d,\"status\":\"confirmed\",\"class\":\"%s\",\"phase\":\"boost\","
            "\"position_ecef_m\":[6378137,%.3f,0]%s}\n",
            1e18 + t_s * 1e9, track, class_word, y, more);
}

/* An impact with a round ellipse, off to the north. A degree of latitude at the equator of WGS-84 is
 * 110,574.3 m. */
static const char *impact_text(double north_m, double sigma_m, double late_s) {
  static char text[512];
  snprintf(text, sizeof text,
           ",\"impact\":{\"lat_deg\":%.12f,\"lon_deg\":0,\"time_ns\":%.0f,\"time_sigma_s\":10,\"semi_major_"
           "m\":%.6f,"
           "\"semi_minor_m\":%.6f,\"orientation_deg\":0,\"probability\":1}",
           north_m / 110574.3, 1e18 + (200 + late_s) * 1e9, sigma_m, sigma_m);
  return text;
}

/* Every ten seconds from 5 s on; the axis of the 90 % region is 2.146 times the sigma. A sigma of 0 states
 * none. */
static struct score_case *sigmas_say(const double *sigma_m, int count) {
  struct score_case *c = score_case_open();
  missile_say(c, "one", 0);
  for (int i = 0; i < count; i++)
    line_say(c, 5 + 10 * i, 1, 0, "ballistic", sigma_m[i] > 0 ? impact_text(0, sigma_m[i], 0) : "");
  return c;
}

/* 85.8, 42.9, 64.4 km, then 42.9 and 21.5: small from the fourth line, 35 s, on. Launch at 0, burn-out at 20,
 * impact at 200. */
static void small_region_counts_from_where_it_stays_small(void **state) {
  (void)state;
  static const double sigma_m[] = {40e3, 20e3, 30e3, 20e3, 10e3};
  struct score_case *c = sigmas_say(sigma_m, 5);
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "time_to_small_region.targets", 1, 0);
  score_figure_is(r, "time_to_small_region.reached", 1, 0);
  score_figure_is(r, "time_to_small_region.from_launch.median_s", 35, 1e-6);
  score_figure_is(r, "time_to_small_region.from_detection.median_s", 35,
                  1e-6); /* none given: the truth's start */
  score_figure_is(r, "time_to_small_region.from_burn_out.median_s", 15, 1e-6);
  score_figure_is(r, "time_to_small_region.before_impact.median_s", 165, 1e-6);
  score_figure_is(r, "retractions.impacts_withdrawn", 0, 0);
  json_decref(r);
  r = score_run_json(c, "--region-m 22000"); /* 21.5 km alone */
  assert_non_null(r);
  score_figure_is(r, "time_to_small_region.from_launch.median_s", 45, 1e-6);
  json_decref(r);
  r = score_run_json(c, "--region-m 21000");
  assert_non_null(r);
  score_figure_is(r, "time_to_small_region.stated", 1, 0);
  score_figure_is(r, "time_to_small_region.reached", 0, 0);
  json_decref(r);
  score_case_close(c);
}

/* sqrt(4.60517) = 2.145966: 50 km is a sigma of 23,299.5 m. */
static void small_is_the_axis_of_the_90_percent_ellipse(void **state) {
  (void)state;
  static const double sigma_m[] = {23299.6, 23299.4};
  struct score_case *c = sigmas_say(sigma_m, 2);
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "time_to_small_region.from_launch.median_s", 15, 1e-6);
  json_decref(r);
  score_case_close(c);
}

static void impact_left_out_is_withdrawn_and_ends_the_row(void **state) {
  (void)state;
  static const double sigma_m[] = {1e3, 0, 0, 1e3, 0, 1e3};
  struct score_case *c = sigmas_say(sigma_m, 6);
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "retractions.impacts_withdrawn", 2, 0);
  score_figure_is(r, "retractions.targets_concerned", 1, 0);
  score_figure_is(r, "time_to_small_region.from_launch.median_s", 55, 1e-6);
  json_decref(r);
  score_case_close(c);
}

/* Chi-square with 2 degrees of freedom, 99 %: 9.21. 3 sigmas on, 9: still within; 3.1 back, 9.61: moved. */
static void impact_outside_the_last_99_percent_region_has_moved(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  missile_say(c, "one", 0);
  line_say(c, 5, 1, 0, "ballistic", impact_text(0, 1000, 0));
  line_say(c, 15, 1, 0, "ballistic", impact_text(3000, 1000, 0));
  line_say(c, 25, 1, 0, "ballistic", impact_text(-100, 1000, 0));
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "retractions.impacts_moved", 1, 0);
  json_decref(r);
  score_case_close(c);
}

/* Burn-out at 20 s and 30 more: the line of 45 s counts, off by 2,000 m of 1,000: 4, outside 50 % (1.39),
 * inside 90 % (4.61). Half flight is 100 s: the line of 95 s, off by 500 m: 0.25. Times late by 12 s of
 * 10, 1.2 sigmas: outside 50 % (0.67), inside 90 % (1.64). */
static void statements_are_judged_at_their_instants(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  missile_say(c, "one", 0);
  missile_say(c, "unheard", 5e5);
  for (int t = 5; t <= 195; t += 10)
    line_say(c, t, 1, 0, "ballistic", impact_text(t == 45 ? 2000 : t == 95 ? 500 : 9000, 1000, 12));
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.targets", 2, 0);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.lines", 1, 0);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.median_m", 2000, 1);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.inside_50_fraction", 0, 0);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.inside_90_fraction", 1, 0);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.time_inside_50_fraction", 0, 0);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.time_inside_90_fraction", 1, 0);
  score_figure_is(r, "impact.at_instant.burn_out_plus_30_s.semi_major_90_median_m", 2145.966, 0.001);
  score_figure_is(r, "impact.at_instant.half_flight.inside_50_fraction", 1, 0);
  score_figure_is(r, "impact.at_instant.half_flight.median_m", 500, 1);
  score_figure_is(r, "impact.inside_99_fraction", 2.0 / 20, 1e-9);
  json_decref(r);
  score_case_close(c);
}

static void class_that_changes_is_taken_back(void **state) {
  (void)state;
  static const char *const said[] = {"unknown", "aircraft", "unknown", "aircraft", "ballistic", "ballistic"};
  struct score_case *c = score_case_open();
  missile_say(c, "one", 0);
  for (int i = 0; i < 6; i++) line_say(c, 5 + 10 * i, 1, 0, said[i], "");
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "retractions.classes_changed", 1, 0);
  json_decref(r);
  score_case_close(c);
}

/* Track 1 is lost at 60 s though its missile is there to 200 s; track 2 goes on to the end; track 3 follows
 * nothing, and warns. The aircraft has no impact and is given one. */
static void numbers_and_alarms_of_nothing_are_counted(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  missile_say(c, "one", 0);
  missile_say(c, "two", 1e5);
  for (int t = 0; t <= 200; t += 5)
    score_say(c->truth, "%.0f,plane,aircraft,cruise,6378137,-1e5,0,0,0,0,,,\n", 1e18 + t * 1e9);
  for (int t = 5; t <= 200; t += 5) {
    if (t < 60) line_say(c, t, 1, 0, "ballistic", "");
    line_say(c, t, 2, 1e5, "ballistic", "");
    line_say(c, t, 3, 9e5, "ballistic", impact_text(0, 1000, 0));
    line_say(c, t, 4, -1e5, "ballistic", t == 50 ? impact_text(0, 1000, 0) : "");
  }
  score_say(c->tracks, "{\"time_ns\":1000000060000000000,\"track\":1,\"status\":\"lost\",\"position_ecef_m\":"
                       "[6378137,0,0]}\n");
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "retractions.numbers_renounced", 2, 0); /* tracks 1 and 3 */
  score_figure_is(r, "retractions.false_alarm_tracks", 1, 0);
  score_figure_is(r, "retractions.false_alarm_targets", 1, 0);
  score_figure_is(r, "tracks.false_confirmed_per_hour", 1 / (200.0 / 3600), 1e-6);
  json_decref(r);
  score_case_close(c);
}

/* Three, 2 and 4 degrees of freedom: (6 + 1 + 2) / 9 = 1. Of a chi-square with 9: 2.5 % at 2.7004, 97.5 %
 * at 19.0228. All three are inside their own central 95 %: 0.216 to 9.35, 0.051 to 7.38, 0.48 to 11.14. A
 * tentative line and one without have no part. */
static void innovations_are_summed_over_their_degrees(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  missile_say(c, "one", 0);
  line_say(c, 25, 1, 0, "ballistic", ",\"innovation\":{\"nis\":6,\"dof\":3}");
  line_say(c, 35, 1, 0, "ballistic", ",\"innovation\":{\"nis\":1,\"dof\":2}");
  line_say(c, 45, 1, 0, "ballistic", "");
  line_say(c, 55, 1, 0, "ballistic", ",\"innovation\":{\"nis\":2,\"dof\":4}");
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "consistency.coast.nis.count", 3, 0);
  score_figure_is(r, "consistency.coast.nis.dof_sum", 9, 0);
  score_figure_is(r, "consistency.coast.nis.mean_per_dof", 1, 1e-9);
  score_figure_is(r, "consistency.coast.nis.band95_low_per_dof", 2.7004 / 9, 1e-4);
  score_figure_is(r, "consistency.coast.nis.band95_high_per_dof", 19.0228 / 9, 1e-4);
  score_figure_is(r, "consistency.coast.nis.inside_95_fraction", 1, 0);
  json_decref(r);
  line_say(c, 65, 1, 0, "ballistic", ",\"innovation\":{\"nis\":9.5,\"dof\":3}"); /* beyond 9.35 */
  r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "consistency.coast.nis.inside_95_fraction", 0.75, 1e-9);
  json_decref(r);
  score_case_close(c);
}

static void bad_innovations_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"{\"nis\":-1,\"dof\":3}", "{\"nis\":1,\"dof\":0}", "{\"dof\":3}", "7",
                                    "{\"nis\":1,\"dof\":65536}"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct score_case *c = score_case_open();
    char more[96];
    snprintf(more, sizeof more, ",\"innovation\":%s", bad[i]);
    missile_say(c, "one", 0);
    line_say(c, 5, 1, 0, "ballistic", "");
    line_say(c, 15, 1, 0, "ballistic", more);
    assert_int_equal(score_run_text(c, ""), 1);
    assert_non_null(strstr(c->err, "tracks.jsonl:2: innovation must have"));
    score_case_close(c);
  }
}

/* Detections from 10 s on, launch at 0 s, first confirmed line at 25 s. */
static void first_confirmed_counts_from_detection_and_from_launch(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  missile_say(c, "one", 0);
  score_detections_begin(c);
  for (int t = 10; t <= 200; t += 5) score_say(c->detections, "%.0f,1,radar,one\n", 1e18 + t * 1e9);
  for (int t = 25; t <= 200; t += 5) line_say(c, t, 1, 0, "ballistic", "");
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "time_to_first_confirmed.p90_s", 15, 1e-6);
  score_figure_is(r, "time_to_first_confirmed.from_launch.median_s", 25, 1e-6);
  json_decref(r);
  score_case_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_region_counts_from_where_it_stays_small),
                                     cmocka_unit_test(small_is_the_axis_of_the_90_percent_ellipse),
                                     cmocka_unit_test(impact_left_out_is_withdrawn_and_ends_the_row),
                                     cmocka_unit_test(impact_outside_the_last_99_percent_region_has_moved),
                                     cmocka_unit_test(statements_are_judged_at_their_instants),
                                     cmocka_unit_test(class_that_changes_is_taken_back),
                                     cmocka_unit_test(numbers_and_alarms_of_nothing_are_counted),
                                     cmocka_unit_test(innovations_are_summed_over_their_degrees),
                                     cmocka_unit_test(bad_innovations_are_refused),
                                     cmocka_unit_test(first_confirmed_counts_from_detection_and_from_launch)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/unit/score_support.h"

static const char small_window[] = "--cutoff-m 1000 --stale-s 0.5 --window 10";

static void pair_of_a_steady_error_is_its_distance(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 9; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_track_say(c, t, 1, "confirmed", 0, 300, 400, 0);
  }
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  score_figure_is(r, "ospa2.mean_m", 500, 1e-6);
  score_figure_is(r, "ospa2.max_m", 500, 1e-6);
  score_figure_is(r, "ospa2.cardinality_mean_m", 0, 0);
  score_figure_is(r, "ospa2.window_s", 60, 0);
  json_decref(r);
  score_case_close(c);
}

/* The track comes at 5 s: at 4 s nothing is there, 1000. At 9 s the window holds 5 instants without and 5 at
 * 100 m: (5 1000 + 5 100) / 10 = 550. At 14 s the bad half has left: 100. */
static void late_track_costs_the_cutoff_until_the_window_has_passed(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 14; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    if (t >= 5) score_track_say(c, t, 1, "confirmed", 100, 0, 0, 0);
  }
  json_t *r = score_run_json(c, small_window);
  assert_non_null(r);
  score_series_is(r, 4, "ospa2_m", 1000, 1e-6);
  score_series_is(r, 4, "ospa2_cardinality_m", 1000, 1e-6);
  score_series_is(r, 9, "ospa2_m", 550, 1e-6);
  score_series_is(r, 9, "ospa2_cardinality_m", 0, 1e-6);
  score_series_is(r, 14, "ospa2_m", 100, 1e-6);
  json_decref(r);
  score_case_close(c);
}

/* Track 1 for the first five, track 2 for the last five, both at 100 m. At 9 s one target, two tracks: one of
 * them at (5 1000 + 5 100) / 10 = 550, the other left over: (550 + 1000) / 2 = 775. GOSPA sees nothing of it.
 */
static void broken_track_costs_though_each_instant_is_good(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 9; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_track_say(c, t, t < 5 ? 1 : 2, "confirmed", 100, 0, 0, 0);
  }
  json_t *r = score_run_json(c, small_window);
  assert_non_null(r);
  score_series_is(r, 9, "ospa2_m", 775, 1e-6);
  score_series_is(r, 9, "ospa2_localisation_m", 275, 1e-6);
  score_series_is(r, 9, "ospa2_cardinality_m", 500, 1e-6);
  score_figure_is(r, "gospa.rms_m", 100, 1e-6);
  json_decref(r);
  score_case_close(c);
}

/* Two targets 5 km apart exchange tracks at half time: each pair is perfect for 5 of 10 instants and 1000
 * for 5. */
static void swap_costs_half_the_cutoff_at_half_time(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 9; t++) {
    score_truth_say(c, t, "left", 0, 0, 0, 0);
    score_truth_say(c, t, "right", 0, 5000, 0, 0);
    score_track_say(c, t, 1, "confirmed", 0, t < 5 ? 0 : 5000, 0, 0);
    score_track_say(c, t, 2, "confirmed", 0, t < 5 ? 5000 : 0, 0, 0);
  }
  json_t *r = score_run_json(c, small_window);
  assert_non_null(r);
  score_series_is(r, 9, "ospa2_m", 500, 1e-6);
  score_series_is(r, 4, "ospa2_m", 0, 1e-6);
  score_figure_is(r, "gospa.rms_m", 0, 1e-6);
  json_decref(r);
  score_case_close(c);
}

/* Seen from 5 s on; the track is there at once. Before, nothing is asked. */
static void target_is_not_in_the_picture_before_it_is_seen(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  score_detections_begin(c);
  for (int t = 0; t <= 9; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    if (t < 5) continue;
    score_say(c->detections, "%.0f,1,radar,one\n", 1e18 + t * 1e9);
    score_track_say(c, t, 1, "confirmed", 100, 0, 0, 0);
  }
  json_t *r = score_run_json(c, small_window);
  assert_non_null(r);
  score_figure_is(r, "ospa2.instants", 5, 0);
  score_figure_is(r, "ospa2.mean_m", 100, 1e-6);
  json_decref(r);
  score_case_close(c);
}

enum { SIDE = 4, INSTANTS = 16, WINDOW = 6, SEED = 3, ROUNDS = 25 };
static const double cutoff_m = 1000;

/* Where each target and track is, NAN where it isn't. */
struct plain {
  double target[SIDE][INSTANTS], track[SIDE][INSTANTS];
};

/* Equation 2 by its definition, over instants first..last. */
static double plain_distance(const struct plain *p, int target, int track, int first, int last) {
  double sum = 0, n = 0;
  for (int k = first; k <= last; k++) {
    double a = p->target[target][k], b = p->track[track][k];
    if (isnan(a) && isnan(b)) continue;
    n++;
    sum += isnan(a) || isnan(b) ? cutoff_m : fmin(cutoff_m, fabs(a - b));
  }
  return sum / n;
}

/* Least sum over all ways to give `rows` targets different tracks; `used` is a set of tracks. */
static double plain_least(double cost[SIDE][SIDE], int rows, int columns, int row, unsigned used) {
  if (row == rows) return 0;
  double least = INFINITY;
  for (int j = 0; j < columns; j++)
    if (!(used >> j & 1))
      least = fmin(least, cost[row][j] + plain_least(cost, rows, columns, row + 1, used | 1U << j));
  return least;
}

static double plain_ospa2(const struct plain *p, int last) {
  int first = last < WINDOW ? 0 : last - WINDOW + 1, target[SIDE], track[SIDE], m = 0, n = 0;
  for (int i = 0; i < SIDE; i++) {
    bool target_there = false, track_there = false;
    for (int k = first; k <= last; k++) {
      target_there |= !isnan(p->target[i][k]);
      track_there |= !isnan(p->track[i][k]);
    }
    if (target_there) target[m++] = i;
    if (track_there) track[n++] = i;
  }
  double cost[SIDE][SIDE] = {{0}};
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++)
      cost[m <= n ? i : j][m <= n ? j : i] = plain_distance(p, target[i], track[j], first, last);
  int most = m > n ? m : n, least = m < n ? m : n;
  if (!most) return -1e99;
  return (plain_least(cost, least, most, 0, 0) + cutoff_m * (most - least)) / most;
}

/* Targets live for a while, tracks come and go and stray among the targets. */
static void plain_draw(struct plain *p, struct prng *prng, struct score_case *c) {
  for (int i = 0; i < SIDE; i++) {
    int begin = (int)prng_below(prng, 6), end = 8 + (int)prng_below(prng, INSTANTS - 8);
    if (i == 0) begin = 0; /* the run's instants begin and end with the truth */
    if (i == 0 || end == INSTANTS - 2)
      end = INSTANTS - 1; /* one point short of it would be held to the end */
    char name[16];
    snprintf(name, sizeof name, "t%d", i);
    for (int k = 0; k < INSTANTS; k++) {
      p->target[i][k] = k < begin || k > end ? NAN : 600.0 * i;
      p->track[i][k] = prng_below(prng, 4) == 0 ? NAN : 1e-3 * (double)prng_below(prng, 2400000) - 300;
      if (!isnan(p->target[i][k])) score_truth_say(c, k, name, 0, p->target[i][k], 0, 0);
      if (!isnan(p->track[i][k])) score_track_say(c, k, i + 1, "confirmed", 0, p->track[i][k], 0, 0);
    }
  }
}

static void every_window_is_as_the_definition_says(void **state) {
  (void)state;
  for (uint64_t round = 0; round < ROUNDS; round++) {
    struct prng prng = prng_seed(SEED, round);
    struct score_case *c = score_case_open();
    struct plain plain;
    plain_draw(&plain, &prng, c);
    json_t *r = score_run_json(c, "--cutoff-m 1000 --stale-s 0.5 --window 6");
    if (!r) fail_msg("seed %d, round %d: %s", SEED, (int)round, c->err);
    for (int k = 0; k < INSTANTS; k++) {
      double found = score_series(r, (size_t)k, "ospa2_m"), expected = plain_ospa2(&plain, k);
      if (!(fabs(found - expected) < 1e-5))
        fail_msg("seed %d, round %d, instant %d: %.9g instead of %.9g", SEED, (int)round, k, found, expected);
    }
    json_decref(r);
    score_case_close(c);
  }
}

static void window_out_of_range_is_wrong_use(void **state) {
  (void)state;
  static const char *const bad[] = {"--window 0", "--window 65", "--window ten"};
  struct score_case *c = score_case_open();
  score_truth_say(c, 0, "one", 0, 0, 0, 0);
  score_track_say(c, 0, 1, "confirmed", 0, 0, 0, 0);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(score_run_text(c, bad[i]), 2);
    assert_non_null(strstr(c->err, "must be a number from 1 to 64"));
  }
  score_case_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pair_of_a_steady_error_is_its_distance),
      cmocka_unit_test(late_track_costs_the_cutoff_until_the_window_has_passed),
      cmocka_unit_test(broken_track_costs_though_each_instant_is_good),
      cmocka_unit_test(swap_costs_half_the_cutoff_at_half_time),
      cmocka_unit_test(target_is_not_in_the_picture_before_it_is_seen),
      cmocka_unit_test(every_window_is_as_the_definition_says),
      cmocka_unit_test(window_out_of_range_is_wrong_use)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_warn weft_domain weft_base weft_kernels
/* When the warning speaks, when it repeats itself, when it takes a word back; and that workers change
 * nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/warn/warn.h"
#include "kernels/wk.h"

enum { TRACKS = 512 };
static const int64_t begin_ns = 1700000000000000000, second_ns = 1000000000;

static double banks[TRACKS][WK_TRACK_ELEMENTS];
static const struct regions *areas; /* of the next rig */
static struct track_report reports[2 * TRACKS];
static struct step_output output = {.capacity = 2 * TRACKS, .reports = reports};
static struct arena arena;

static struct warn *rig_open(struct parallel parallel) {
  struct warn_options options = {.tracks_max = TRACKS, .parallel = parallel, .regions = areas};
  assert_int_equal(arena_open(&arena, warn_arena_size(&options)), 0);
  struct warn *warn = warn_open(&arena, &options);
  assert_non_null(warn);
  arena_seal(&arena);
  return warn;
}

static void bank_state(double *bank, int at, int n, const double *x, double sigma_m, double sigma_mps) {
  for (int i = 0; i < 6; i++) {
    bank[at + i] = x[i];
    bank[at + n + WK_AT(n, i, i)] = i < 3 ? sigma_m * sigma_m : sigma_mps * sigma_mps;
  }
}

/* A body at 45 degrees north, flying east: coast and re-entry modes alike, boost with a force along the
 * velocity. */
static void bank_make(double *bank, double height_m, double level_mps, double climb_mps,
                      const double weight[3]) {
  double x[6], enu[9];
  memset(bank, 0, WK_TRACK_ELEMENTS * sizeof *bank);
  wk_ecef_from_geodetic(0.7854, 0.1, height_m, x);
  wk_enu_rows(0.7854, 0.1, enu);
  for (int c = 0; c < 3; c++) x[3 + c] = level_mps * enu[c] + climb_mps * enu[6 + c];
  bank_state(bank, WK_B_BOOST_X, WK_BOOST_N, x, 50, 5);
  bank_state(bank, WK_B_COAST_X, WK_COAST_N, x, 50, 5);
  bank_state(bank, WK_B_REENTRY_X, WK_REENTRY_N, x, 50, 5);
  bank[WK_B_REENTRY_X + 6] = -8;
  bank[WK_B_REENTRY_P + WK_AT(7, 6, 6)] = 1;
  double speed = sqrt(level_mps * level_mps + climb_mps * climb_mps);
  for (int c = 0; c < 3; c++) {
    bank[WK_B_BOOST_X + 6 + c] = 40 * x[3 + c] / speed;
    bank[WK_B_BOOST_P + WK_AT(9, 6 + c, 6 + c)] = 9;
  }
  memcpy(bank + WK_B_WEIGHT, weight, 3 * sizeof *weight);
}

static const double coasting[3] = {0.001, 0.989, 0.01}, boosting[3] = {0.98, 0.01, 0.01};

static struct track_report report_of(uint32_t slot, uint64_t number, int64_t time_ns) {
  return (struct track_report){.time_ns = time_ns,
                               .track = number,
                               .status = STATUS_CONFIRMED,
                               .class_ = CLASS_BALLISTIC,
                               .phase = PHASE_COAST,
                               .has_phase = true,
                               .bank = banks[slot % TRACKS],
                               .slot = slot};
}

static struct track_report *report_put(uint32_t slot, uint64_t number, int64_t time_ns) {
  struct track_report *r = &reports[output.count++];
  output.frame_time_ns = time_ns;
  *r = report_of(slot, number, time_ns);
  return r;
}

static void coasting_body_has_an_impact_ahead_and_a_launch_behind(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  bank_make(banks[0], 120e3, 1800, 500, coasting);
  output.count = 0;
  const struct track_report *r = report_put(0, 1, begin_ns);
  warn_step(warn, &output);
  assert_true(r->has_impact && r->has_launch);
  assert_true(r->impact.ground.time_ns > begin_ns + 150 * second_ns &&
              r->impact.ground.time_ns < begin_ns + 500 * second_ns);
  assert_true(r->impact.ground.lon_deg > 0.1 * 57.3 + 2 && r->launch.lon_deg < 0.1 * 57.3);
  assert_true(r->launch.time_ns < begin_ns - 30 * second_ns);
  assert_true(r->impact.probability > 0.999);
  assert_true(r->impact.ground.semi_major_m > 1000 && r->impact.ground.semi_major_m < 20e3);
  assert_true(r->impact.ground.semi_major_m >= r->impact.ground.semi_minor_m &&
              r->impact.ground.semi_minor_m > 100);
  /* Downrange is uncertain for want of the drag: the axis lies along the flight. */
  assert_true(fabs(r->impact.ground.orientation_deg - 92) < 15);
  arena_close(&arena);
}

static void boosting_body_is_wide_and_knows_its_launch(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  bank_make(banks[0], 12e3, 350, 500, boosting);
  output.count = 0;
  struct track_report *r = report_put(0, 1, begin_ns);
  r->phase = PHASE_BOOST;
  warn_step(warn, &output);
  assert_true(r->has_impact && r->has_launch);
  assert_true(r->impact.ground.semi_major_m > 100e3);
  double flown_s = (double)(begin_ns - r->launch.time_ns) * 1e-9;
  assert_true(flown_s > 25 && flown_s < 70);
  assert_true(r->launch.semi_major_m < 3000);
  arena_close(&arena);
}

static void orbits_aircraft_and_tentative_tracks_are_not_warned_of(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  for (uint32_t i = 0; i < 4; i++)
    bank_make(banks[i], 400e3, i == 0 ? 7250 : 1800, 0, coasting); /* 0 stays up, whatever its class */
  output.count = 0;
  report_put(0, 1, begin_ns);
  report_put(1, 2, begin_ns)->class_ = CLASS_ORBITAL;
  report_put(2, 3, begin_ns)->class_ = CLASS_AIRCRAFT;
  report_put(3, 4, begin_ns)->status = STATUS_TENTATIVE;
  warn_step(warn, &output);
  for (uint32_t i = 0; i < 4; i++) assert_false(reports[i].has_impact);
  struct warn_statistics s;
  warn_statistics_get(warn, &s);
  for (int k = 0; k < RETRACTIONS; k++) assert_int_equal(s.retractions[k], 0);
  assert_int_equal(s.estimates, 1);
  arena_close(&arena);
}

static void estimate_is_repeated_until_due_and_on_the_lost_line(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  struct warn_statistics s;
  bank_make(banks[0], 120e3, 1800, 500, coasting);
  output.count = 0;
  report_put(0, 1, begin_ns);
  warn_step(warn, &output);
  struct impact_estimate first = reports[0].impact;
  bank_make(banks[0], 120e3, 1850, 500, coasting);
  for (int step = 1; step <= 11; step++) {
    output.count = 0;
    report_put(0, 1, begin_ns + step * second_ns / 10);
    warn_step(warn, &output);
    assert_true(reports[0].has_impact);
    if (step < 10) assert_memory_equal(&reports[0].impact, &first, sizeof first);
  }
  assert_memory_not_equal(&reports[0].impact, &first, sizeof first);
  warn_statistics_get(warn, &s);
  assert_int_equal(s.estimates, 2);
  first = reports[0].impact;
  bank_make(banks[0], 90e3, 1900, -500, boosting);
  output.count = 0;
  report_put(0, 1, begin_ns + 12 * second_ns / 10)->phase = PHASE_BOOST; /* another phase: at once */
  warn_step(warn, &output);
  assert_memory_not_equal(&reports[0].impact, &first, sizeof first);
  first = reports[0].impact;
  output.count = 0;
  struct track_report *lost = report_put(0, 1, begin_ns + 5 * second_ns);
  lost->status = STATUS_LOST;
  lost->bank = NULL;
  report_put(0, 9, begin_ns + 5 * second_ns)->status = STATUS_TENTATIVE; /* the slot's next tenant */
  warn_step(warn, &output);
  assert_true(reports[0].has_impact);
  assert_memory_equal(&reports[0].impact, &first, sizeof first);
  assert_false(reports[1].has_impact);
  arena_close(&arena);
}

static void retractions_check(const struct warn *warn, int step, const uint64_t expected[RETRACTIONS]) {
  struct warn_statistics s;
  warn_statistics_get(warn, &s);
  for (int k = 0; k < RETRACTIONS; k++) {
    if (s.retractions[k] == expected[k]) continue;
    fail_msg("step %d: %llu retractions of kind %s, not %llu", step, (unsigned long long)s.retractions[k],
             retraction_names[k], (unsigned long long)expected[k]);
  }
}

static void changes_of_mind_are_counted_by_kind(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  uint64_t expected[RETRACTIONS] = {0};
  bank_make(banks[0], 120e3, 1800, 500, coasting);
  for (int step = 0; step < 6;
       step++) { /* ballistic, aircraft, ballistic, into orbit, back, somewhere else */
    output.count = 0;
    if (step == 3) bank_make(banks[0], 400e3, 7250, 0, coasting);
    if (step == 4) bank_make(banks[0], 120e3, 1800, 500, coasting);
    if (step == 5) bank_make(banks[0], 120e3, 2100, 500, coasting);
    report_put(0, 1, begin_ns + step * 2 * second_ns)->class_ = step == 1 ? CLASS_AIRCRAFT : CLASS_BALLISTIC;
    warn_step(warn, &output);
    assert_int_equal(reports[0].has_impact, step != 1 && step != 3);
    expected[RETRACTION_CLASS] += step == 1;
    expected[RETRACTION_STAYS_UP] += step == 3;
    expected[RETRACTION_MOVED] += step == 5;
    retractions_check(warn, step, expected);
  }
  arena_close(&arena);
}

/* Flying east along 45 degrees north, first toward the box "near", then beyond it. */
static void area_that_was_likely_and_is_out_is_a_retraction(void **state) {
  (void)state;
  static const char text[] =
      "{\"type\":\"Feature\",\"properties\":{\"name\":\"near\"},\"geometry\":{\"type\":\"Polygon\","
      "\"coordinates\":[[[6,40],[12.3,40],[12.3,50],[6,50],[6,40]]]}}";
  struct weft_error err = {""};
  struct regions regions;
  assert_int_equal(regions_parse(&regions, text, strlen(text), "areas", &err), 0);
  areas = &regions;
  struct warn *warn = rig_open(parallel_inline());
  uint64_t expected[RETRACTIONS] = {0};
  static const double level_mps[4] = {1800, 1810, 2600, 2605};
  for (int step = 0; step < 4; step++) {
    bank_make(banks[0], 120e3, level_mps[step], 500, coasting);
    output.count = 0;
    report_put(0, 1, begin_ns + step * 2 * second_ns);
    warn_step(warn, &output);
    assert_true(reports[0].has_impact);
    double share = reports[0].impact.region_count ? reports[0].impact.shares[0] : 0;
    assert_true(step < 2 ? share > 0.5 : share < 0.05);
    expected[RETRACTION_AREA] += step == 2;
    expected[RETRACTION_MOVED] += step == 2;
    retractions_check(warn, step, expected);
  }
  arena_close(&arena);
  areas = NULL;
  regions_free(&regions);
}

static uint64_t estimates_of(const struct warn *warn) {
  struct warn_statistics s;
  warn_statistics_get(warn, &s);
  return s.estimates;
}

static void all_report(int64_t time_ns) {
  output.count = 0;
  for (uint32_t i = 0; i < TRACKS; i++) report_put(i, i + 1, time_ns);
}

static void banks_fill_all(void) {
  for (uint32_t i = 0; i < TRACKS; i++) bank_make(banks[i], 120e3, 1500 + (double)i, 500, coasting);
}

static void tracks_without_estimate_come_first_and_wait_less_than_a_second(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  struct warn_statistics s;
  banks_fill_all();
  for (int step = 0; step < 4; step++) { /* 512 confirmed at once, four frames a second */
    all_report(begin_ns + step * second_ns / 4);
    warn_step(warn, &output);
    uint32_t with = 0;
    for (uint32_t i = 0; i < TRACKS; i++) with += reports[i].has_impact;
    assert_int_equal(with, WARN_STEP_MAX * (step + 1));
    warn_statistics_get(warn, &s);
    assert_int_equal(s.waiting, TRACKS - with);
    assert_int_equal(s.waiting_ns, with < TRACKS ? step * second_ns / 4 : 0);
  }
  assert_int_equal(s.first_wait_ns, 3 * second_ns / 4);
  assert_int_equal(s.deferred, TRACKS * 3 - 6 * WARN_STEP_MAX);
  arena_close(&arena);
}

static void renewals_of_a_frame_are_bounded_by_its_lines(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  banks_fill_all();
  for (int step = 0; step < 4; step++) {
    all_report(begin_ns + step * second_ns / 4);
    warn_step(warn, &output);
  }
  all_report(begin_ns + 2 * second_ns);
  warn_step(warn, &output);
  assert_int_equal(estimates_of(warn), TRACKS + 2 + TRACKS / 32);
  output.count = 0;
  report_put(TRACKS - 1, TRACKS, begin_ns + 3 * second_ns);
  warn_step(warn, &output);
  assert_int_equal(estimates_of(warn), TRACKS + 3 + TRACKS / 32);
  arena_close(&arena);
}

/* All of WARN_STEP_MAX are saved up when 64 tracks come at once, in frames a microsecond apart, one of which goes forward by a fifth of a
 * second: they are spent little by little. */
static void firsts_that_were_saved_up_do_not_come_at_once(void **state) {
  (void)state;
  enum { NEW = 64 };
  struct warn *warn = rig_open(parallel_inline());
  banks_fill_all();
  output.count = 0;
  output.frame_time_ns = begin_ns;
  warn_step(warn, &output);
  for (uint32_t step = 0; step < NEW / 5; step++) {
    output.count = 0;
    for (uint32_t i = 0; i < NEW; i++) report_put(i, i + 1, begin_ns + (step < 6 ? 1 : second_ns / 5) + step * 1000);
    warn_step(warn, &output);
    assert_int_equal(estimates_of(warn), (step + 1) * (4 + NEW / 64));
  }
  arena_close(&arena);
}

static void rate_is_bounded_by_frame_time(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  banks_fill_all();
  for (int step = 0; step < 10; step++) { /* frames 2 ms apart earn two estimates each, after those saved */
    all_report(begin_ns + step * second_ns / 500);
    warn_step(warn, &output);
    assert_int_equal(estimates_of(warn), WARN_STEP_MAX + 2 * step);
  }
  arena_close(&arena);
}

static void lost_and_withdrawn_tracks_do_not_wait(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  struct warn_statistics s;
  banks_fill_all();
  all_report(begin_ns);
  warn_step(warn, &output);
  warn_statistics_get(warn, &s);
  assert_int_equal(s.waiting, TRACKS - WARN_STEP_MAX);
  all_report(begin_ns + 1); /* too soon to have earned anything */
  for (uint32_t i = 0; i < TRACKS; i++) {
    if (i % 2)
      reports[i].status = STATUS_LOST;
    else
      reports[i].class_ = CLASS_UNKNOWN;
  }
  warn_step(warn, &output);
  warn_statistics_get(warn, &s);
  assert_int_equal(s.waiting, 0);
  assert_int_equal(s.waiting_ns, 0);
  arena_close(&arena);
}

static void launch_of_a_withdrawn_track_leaves_its_event(void **state) {
  (void)state;
  struct warn *warn = rig_open(parallel_inline());
  for (uint32_t i = 0; i < 3; i++) bank_make(banks[i], 25e3 + 1e3 * i, 600, 700, boosting);
  for (int step = 0; step < 3; step++) {
    output.count = 0;
    for (uint32_t i = 0; i < 3; i++)
      report_put(i, i + 7, begin_ns + step * 2 * second_ns)->phase = PHASE_BOOST;
    if (step == 1) reports[0].class_ = CLASS_AIRCRAFT;
    warn_step(warn, &output);
    for (uint32_t i = 0; i < 3; i++) {
      bool stated = step != 1 || i > 0;
      assert_int_equal(reports[i].event, stated ? 7 : 0);
      assert_int_equal(reports[i].event_launches, stated ? (step == 1 ? 2 : 3) : 0);
    }
  }
  arena_close(&arena);
}

/* Pieces in the reverse order: as if other workers took them. */
static void run_backward(void *context, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  (void)context;
  for (uint32_t piece = (items + chunk - 1) / chunk; piece > 0; piece--) {
    uint32_t end = piece * chunk < items ? piece * chunk : items;
    body(argument, (piece - 1) * chunk, end, piece % 2);
  }
}

static void workers_change_no_bit(void **state) {
  (void)state;
  static struct track_report kept[2][6][TRACKS];
  for (int run = 0; run < 2; run++) {
    struct warn *warn =
        rig_open(run ? (struct parallel){.workers = 2, .run = run_backward} : parallel_inline());
    for (uint32_t i = 0; i < TRACKS; i++)
      bank_make(banks[i], 60e3 + 2e3 * i, 1500 + 5.0 * i, 500, i % 3 ? coasting : boosting);
    for (int step = 0; step < 6; step++) {
      output.count = 0;
      for (uint32_t i = 0; i < TRACKS; i++) report_put(i, i + 1, begin_ns + step * second_ns);
      warn_step(warn, &output);
      memcpy(kept[run][step], reports, sizeof kept[run][step]);
    }
    arena_close(&arena);
  }
  assert_memory_equal(kept[0], kept[1], sizeof kept[0]);
}

/* More reports than are looked at together: who is served, waits, is lost or has come anew does not depend on where in the list it is. */
static void a_frame_of_many_reports_is_served_in_one_order(void **state) {
  (void)state;
  enum { MANY = 10000, STEPS = 3 };
  struct warn_options options = {.tracks_max = MANY, .parallel = {.workers = 2, .run = run_backward}};
  struct step_output many = {.capacity = MANY + 1, .reports = calloc(MANY + 1, sizeof *many.reports)};
  struct warn_statistics s;
  assert_int_equal(arena_open(&arena, warn_arena_size(&options)), 0);
  struct warn *warn = warn_open(&arena, &options);
  banks_fill_all();
  for (uint32_t step = 0; step < STEPS; step++) {
    many.frame_time_ns = begin_ns + step * second_ns / 4;
    many.count = 0;
    for (uint32_t i = 0; i < MANY; i++) many.reports[many.count++] = report_of(i, 1 + i, many.frame_time_ns);
    if (step == 2) { /* two that waited: one is lost, and its slot another's; one is no longer ballistic */
      many.reports[MANY - 1].status = STATUS_LOST;
      many.reports[many.count++] = report_of(MANY - 1, MANY + 1, many.frame_time_ns);
      many.reports[MANY / 2].class_ = CLASS_UNKNOWN;
    }
    warn_step(warn, &many);
    for (uint32_t i = 0; i < many.count; i++) assert_int_equal(many.reports[i].has_impact, i < WARN_STEP_MAX * (step + 1));
  }
  warn_statistics_get(warn, &s);
  assert_int_equal(s.estimates, STEPS * WARN_STEP_MAX);
  assert_int_equal(s.waiting, MANY - STEPS * WARN_STEP_MAX - 1);
  assert_int_equal(s.waiting_ns, second_ns / 2);
  assert_int_equal(s.deferred, STEPS * MANY - 6 * WARN_STEP_MAX - 1);
  arena_close(&arena);
  free(many.reports);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(coasting_body_has_an_impact_ahead_and_a_launch_behind),
      cmocka_unit_test(boosting_body_is_wide_and_knows_its_launch),
      cmocka_unit_test(orbits_aircraft_and_tentative_tracks_are_not_warned_of),
      cmocka_unit_test(estimate_is_repeated_until_due_and_on_the_lost_line),
      cmocka_unit_test(changes_of_mind_are_counted_by_kind),
      cmocka_unit_test(area_that_was_likely_and_is_out_is_a_retraction),
      cmocka_unit_test(tracks_without_estimate_come_first_and_wait_less_than_a_second),
      cmocka_unit_test(renewals_of_a_frame_are_bounded_by_its_lines),
      cmocka_unit_test(firsts_that_were_saved_up_do_not_come_at_once),
      cmocka_unit_test(rate_is_bounded_by_frame_time),
      cmocka_unit_test(lost_and_withdrawn_tracks_do_not_wait),
      cmocka_unit_test(launch_of_a_withdrawn_track_leaves_its_event),
      cmocka_unit_test(workers_change_no_bit),
      cmocka_unit_test(a_frame_of_many_reports_is_served_in_one_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

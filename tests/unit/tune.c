/* weft tune: which candidate wins a contest, and what is estimated from a description. Times here are made up: nothing is
 * measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tune/tune.h"

enum { TURNS = 16 };
static struct tune_contest contest;
static struct weft_error err;

static const char *const form_names[] = {"small", "large"};

/* A default of 1 ms a turn in two forms, and others with these times over it. */
static void contest_make(int others, const double (*ratios)[2]) {
  const struct profile profile = profile_default();
  tune_contest_begin(&contest, 2, form_names, TURNS);
  for (int c = 0; c <= others; c++) {
    char name[8];
    snprintf(name, sizeof name, "%d", c);
    assert_non_null(tune_candidate_add(&contest, &profile, name));
    for (int f = 0; f < 2; f++)
      for (int t = 0; t < TURNS; t++) contest.candidates[c].ns[f][t] = 1e6 * (c ? ratios[c - 1][f] : 1);
  }
}

static void only_what_is_clearly_better_replaces_the_default(void **state) {
  (void)state;
  static const struct {
    double ratios[3][2];
    int wins;
  } cases[] = {
      {{{1, 1}, {1.1, 1.1}, {2, 0.9}}, 0},           /* nothing better */
      {{{0.97, 0.97}, {0.96, 0.96}, {1, 1}}, 0},     /* better, not clearly */
      {{{0.9, 0.9}, {0.8, 0.8}, {0.85, 0.85}}, 2},   /* the best of the better ones */
      {{{0.94, 0.95}, {1, 1}, {0.96, 0.95}}, 1},     /* 5 % in the mean of all */
      {{{1, 0.92}, {1.02, 0.9}, {1, 0.91}}, 2},      /* 10 % in one of them */
      {{{0.5, 1.1}, {0.9, 0.9}, {0.4, 1.04}}, 2},    /* what is worse in one form doesn't count */
      {{{0.7, 1.02}, {0.9, 0.99}, {1, 1}}, 1},       /* in the noise of one, much better in the other */
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    contest_make(3, cases[k].ratios);
    if (tune_choose(&contest, 0) != cases[k].wins) fail_msg("case %zu: %d instead of %d", k, tune_choose(&contest, 0), cases[k].wins);
  }
}

static void it_is_told_where_a_candidate_is_faster(void **state) {
  (void)state;
  contest_make(3, (const double[][2]){{1.02, 0.89}, {0.8, 0.8}, {0.8, 1.04}});
  assert_int_equal(tune_claims(&contest, 1), 2);         /* in large frames, not in the mean */
  assert_int_equal(tune_claims(&contest, 2), 1 | 2 | 4); /* in both and the mean */
  assert_int_equal(tune_claims(&contest, 3), 0);         /* slower somewhere */
  assert_int_equal(tune_choose(&contest, 1 << 2), 1);    /* without the best one */
  assert_int_equal(tune_choose(&contest, 1 << 2 | 1 << 1), 0);
}

static void turns_that_something_disturbed_decide_nothing(void **state) {
  (void)state;
  contest_make(1, (const double[][2]){{1, 1}});
  for (int t = 0; t < TURNS / 2 - 1; t++) contest.candidates[0].ns[0][t] *= 10; /* the default was disturbed */
  assert_int_equal(tune_choose(&contest, 0), 0);
  contest_make(1, (const double[][2]){{0.8, 0.8}});
  for (int t = 0; t < 3; t++) contest.candidates[1].ns[0][t] *= 10; /* the better one was */
  assert_int_equal(tune_choose(&contest, 0), 1);
  contest_make(1, (const double[][2]){{1, 0.85}});
  for (int t = 0; t < TURNS; t += 3) contest.candidates[1].ns[1][t] *= 2; /* it is better in two turns of three: not enough */
  assert_int_equal(tune_choose(&contest, 0), 0);
  contest_make(1, (const double[][2]){{1, 0.88}});
  for (int t = 0; t < TURNS / 4; t++) contest.candidates[0].ns[1][t] = 0.88e6; /* at its best the default is as good */
  assert_int_equal(tune_choose(&contest, 0), 0);
  contest_make(1, (const double[][2]){{1, 0.8}});
  contest.candidates[0].ns[0][3] = 0.9e6; /* one quick turn of the default doesn't make the other one slower */
  assert_int_equal(tune_choose(&contest, 0), 1);
  for (int t = 0; t < TURNS / 4; t++) contest.candidates[0].ns[0][t] = 0.9e6; /* several do, whatever the median says */
  assert_int_equal(tune_choose(&contest, 0), 0);
}

static void a_contest_has_each_candidate_once_and_no_more_than_fit(void **state) {
  (void)state;
  const struct profile profile = profile_default();
  char name[8];
  tune_contest_begin(&contest, 1, form_names, 1);
  assert_non_null(tune_candidate_add(&contest, &profile, "64"));
  assert_null(tune_candidate_add(&contest, &profile, "64"));
  for (int c = 1; c < TUNE_CANDIDATES_MAX; c++) {
    snprintf(name, sizeof name, "%d", c);
    assert_non_null(tune_candidate_add(&contest, &profile, name));
  }
  assert_null(tune_candidate_add(&contest, &profile, "one more"));
  assert_int_equal(contest.count, TUNE_CANDIDATES_MAX);
  assert_int_equal(tune_choose(&(struct tune_contest){.count = 1, .forms = 1, .turns = 1}, 0), 0);
}

static void the_note_tells_each_candidate_and_is_cut_at_its_end(void **state) {
  (void)state;
  char note[PROFILE_NOTE_MAX] = "";
  contest_make(2, (const double[][2]){{0.5, 0.7}, {2, 1}});
  tune_note(&contest, note);
  assert_string_equal(note, "Measured, time over the default's (first), medians of 16 turns: 0 1.00, 1 0.60, 2 1.50");
  tune_note_add(note, "\n");
  for (int t = 0; t < TURNS / 4; t++) contest.candidates[1].ns[1][t] = 0.6e6;
  tune_forms_note(&contest, 1, note);
  assert_string_equal(note, "Measured, time over the default's (first), medians of 16 turns: 0 1.00, 1 0.60, 2 1.50\n"
                            "1 alone, by least and median of 16 turns: small 0.50 0.50, large 0.60 0.70");
  for (int more = 0; more < PROFILE_NOTE_MAX / 64; more++) tune_note(&contest, note);
  assert_int_equal(strlen(note), PROFILE_NOTE_MAX - 1);
}

static void estimates_follow_the_description(void **state) {
  (void)state;
  static const struct {
    const char *topology;
    uint32_t workers, per_cache, buffers;
  } cases[] = {
      {"package:2 [numa] l3:4(size=32MiB) l2:8(size=1MiB) core:1 pu:2", 63, 8, 128},
      {"package:1 l3:8(size=32MiB) l2:8(size=2MiB) core:1 pu:2", 63, 8, 128},
      {"package:1 l3:1(size=8MiB) l2:8(size=64MiB) core:1 pu:1", 7, 7, 128},
      {"package:1 l3:1(size=1MiB) l2:2(size=256kiB) core:2 pu:2", 3, 3, 128},
      {"package:1 core:1 pu:1", 1, 1, 128},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    struct profile profile;
    static char notes[PROFILE_KNOBS][PROFILE_NOTE_MAX];
    if (tune_estimate(&(struct topology_source){.synthetic = cases[k].topology}, &profile, notes, &err) != 0) fail_msg("%s", err.text);
    if (profile.workers != cases[k].workers || profile.workers_per_cache != cases[k].per_cache || profile.buffers != cases[k].buffers)
      fail_msg("%s: %u workers, %u per cache, %u buffers", cases[k].topology, profile.workers, profile.workers_per_cache, profile.buffers);
    assert_string_equal(profile.kernels, "v3");
    assert_non_null(strstr(notes[PROFILE_WORKERS], "Estimated"));
  }
}

static void a_described_machine_is_not_measured(void **state) {
  (void)state;
  const struct weft_tune_options options = {.level = WEFT_TUNE_MEASURE, .topology = "core:4 pu:1", .out_path = "/dev/null"};
  assert_true(weft_tune(&options, &err) < 0);
  assert_non_null(strstr(err.text, "--level estimate"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_what_is_clearly_better_replaces_the_default),
      cmocka_unit_test(it_is_told_where_a_candidate_is_faster),
      cmocka_unit_test(turns_that_something_disturbed_decide_nothing),
      cmocka_unit_test(a_contest_has_each_candidate_once_and_no_more_than_fit),
      cmocka_unit_test(the_note_tells_each_candidate_and_is_cut_at_its_end),
      cmocka_unit_test(estimates_follow_the_description),
      cmocka_unit_test(a_described_machine_is_not_measured),
  };
  return cmocka_run_group_tests_name("tune", tests, NULL, NULL);
}

// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/score_support.h"

/* `count` targets 50 km apart for 61 s; what each track follows is told by `who`. */
struct plan {
  int targets, tracks;
  int (*who)(int track, int t_s); /* the target, or -1 */
};

static struct score_case *plan_say(const struct plan *plan) {
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 60; t++) {
    for (int i = 0; i < plan->targets; i++) {
      char name[16];
      snprintf(name, sizeof name, "t%d", i);
      score_truth_say(c, t, name, 0, 5e4 * i, 0, 0);
    }
    for (int j = 0; j < plan->tracks; j++)
      if (plan->who(j, t) >= 0) score_track_say(c, t, j + 1, "confirmed", 10, 5e4 * plan->who(j, t), 0, 0);
  }
  return c;
}

static void changes_are(const struct plan *plan, double breaks, double switches, double swaps) {
  struct score_case *c = plan_say(plan);
  json_t *r = score_run_json(c, "--stale-s 1.5");
  assert_non_null(r);
  score_figure_is(r, "continuity.track_breaks", breaks, 0);
  score_figure_is(r, "continuity.identity_switches", switches, 0);
  score_figure_is(r, "continuity.identity_swaps", swaps, 0);
  score_figure_is(r, "continuity.identity_swaps_per_100_targets", 100 * swaps / plan->targets, 1e-6);
  json_decref(r);
  score_case_close(c);
}

static int exchange(int track, int t_s) {
  return t_s < 30 ? track : 1 - track;
}
static int exchange_in_turn(int track,
                            int t_s) { /* track 1 turns at 26 s, track 0 at 30 s: neither alone nor at once */
  if (track == 1) return t_s < 20 ? 1 : t_s < 26 ? -1 : 0;
  return t_s < 24 ? 0 : t_s < 30 ? -1 : 1;
}
static int exchange_long_after(int track, int t_s) {
  if (track == 1) return t_s < 10 ? 1 : t_s < 45 ? -1 : 0;
  return t_s < 15 ? 0 : 1;
}
static int ring(int track, int t_s) {
  return t_s < 30 ? track : (track + 1) % 3;
}
static int take_over(int track, int t_s) { /* track 1 ends, track 0 leaves its own target for the other */
  if (track == 1) return t_s < 30 ? 1 : -1;
  return t_s < 30 ? 0 : 1;
}

static void exchange_of_two_is_one_swap(void **state) {
  (void)state;
  changes_are(&(struct plan){2, 2, exchange}, 2, 2, 1);
}

static void exchange_within_the_gap_is_a_swap(void **state) {
  (void)state;
  changes_are(&(struct plan){2, 2, exchange_in_turn}, 2, 2, 1);
}

static void exchange_with_half_a_minute_between_is_none(void **state) {
  (void)state;
  changes_are(&(struct plan){2, 2, exchange_long_after}, 2, 2, 0);
}

static void ring_of_three_is_two_swaps(void **state) {
  (void)state;
  changes_are(&(struct plan){3, 3, ring}, 3, 3, 2);
}

static void take_over_is_a_switch_and_no_swap(void **state) {
  (void)state;
  changes_are(&(struct plan){2, 2, take_over}, 1, 1, 0);
}

/* Track 1 follows the target to 20 s, a later one from 30 s on; between them nothing. */
static struct score_case *continued_say(const char *word) {
  struct score_case *c = score_case_open();
  for (int t = 0; t <= 60; t++) {
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_truth_say(c, t, "other", 0, 5e5, 0, 0);
    if (t <= 20) score_track_say(c, t, 1, "confirmed", 10, 0, 0, 0);
    if (t <= 20) score_track_say(c, t, 5, "confirmed", 10, 5e5, 0, 0);
    if (t < 30) continue;
    if (t == 30)
      score_say(c->tracks, "{\"time_ns\":1000000025000000000,\"centre\":\"T\",\"track\":2,\"status\":"
                           "\"tentative\",\"position_ecef_m\":[6478137,0,9e5],\"continues\":1}\n");
    score_track_say(c, t, 3, "confirmed", 10, 0, 0, 0);
    char *end = strrchr(c->tracks, '}'); /* the word goes into the line just said */
    *end = 0;
    score_say(c->tracks, "%s}\n", word);
  }
  return c;
}

static void continued_are(const char *word, double bridged, double tracks, double wrongly, double unknown) {
  struct score_case *c = continued_say(word);
  json_t *r = score_run_json(c, "--stale-s 1.5");
  assert_non_null(r);
  score_figure_is(r, "continuity.track_breaks", 1, 0);
  score_figure_is(r, "continuity.breaks_of_number", 1, 0);
  score_figure_is(r, "continuity.breaks_bridged", bridged, 0);
  score_figure_is(r, "continuity.continued_tracks", tracks, 0);
  score_figure_is(r, "continuity.continued_wrongly", wrongly, 0);
  score_figure_is(r, "continuity.continued_unknown_lines", unknown, 0);
  json_decref(r);
  score_case_close(c);
}

static void break_is_bridged_where_the_new_track_names_the_old(void **state) {
  (void)state;
  continued_are("", 0, 1, 0, 0);                   /* track 2 alone says something */
  continued_are(",\"continues\":1", 1, 2, 0, 0);   /* itself */
  continued_are(",\"continues\":2", 1, 2, 0, 0);   /* by way of track 2 */
  continued_are(",\"continues\":5", 0, 2, 1, 0);   /* that one followed another target */
  continued_are(",\"continues\":77", 0, 1, 0, 31); /* nobody knows that one: 31 lines */
}

static void bad_continuations_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *word, *says;
  } bad[] = {{",\"continues\":\"one\"", "continues must be"}, {",\"continues\":3", "can't continue itself"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct score_case *c = continued_say(bad[i].word);
    assert_int_equal(score_run_text(c, ""), 1);
    assert_non_null(strstr(c->err, bad[i].says));
    assert_non_null(strstr(c->err, "tracks.jsonl:44:"));
    score_case_close(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(exchange_of_two_is_one_swap),
                                     cmocka_unit_test(exchange_within_the_gap_is_a_swap),
                                     cmocka_unit_test(exchange_with_half_a_minute_between_is_none),
                                     cmocka_unit_test(ring_of_three_is_two_swaps),
                                     cmocka_unit_test(take_over_is_a_switch_and_no_swap),
                                     cmocka_unit_test(break_is_bridged_where_the_new_track_names_the_old),
                                     cmocka_unit_test(bad_continuations_are_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

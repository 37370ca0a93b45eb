// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Late plots where the class of a track was decided meanwhile: what they say of the past may contradict it, and the track goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/track/rewind.h"
#include "tests/unit/track_support.h"

enum { SIGMA_M = 30, HISTORY_BYTES = 1 << 20, PAIRS = 8 };

struct scene {
  struct arena arena;
  struct store store;
  struct filter filter;
  struct track track;
  struct body body;
  int64_t now_ns;
};

static struct plot plot_of(const struct scene *scene) {
  struct plot plot = {.kind = WK_POSITION, .time_ns = scene->now_ns, .present = 7};
  for (int c = 0; c < 3; c++) {
    plot.z[c] = plot.point_m[c] = scene->body.p[c];
    plot.variance[c] = SIGMA_M * SIGMA_M;
  }
  return plot;
}

static void later(struct scene *scene, double dt_s) {
  body_cruise(&scene->body, dt_s);
  scene->now_ns += (int64_t)(dt_s * 1e9);
}

/* The same state in every mode of both banks. */
static void track_fill(struct track *track, const struct body *body) {
  double *bank = track->bank, *air = bank + WK_BALLISTIC_ELEMENTS;
  double *const at[] = {bank + WK_B_BOOST_X, bank + WK_B_COAST_X, bank + WK_B_REENTRY_X, air + WK_A_CV_X, air + WK_A_CT_X};
  const int n[] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N, WK_CV_N, WK_CT_N};
  for (int m = 0; m < WK_MODES; m++) {
    for (int c = 0; c < 3; c++) {
      at[m][c] = body->p[c];
      at[m][3 + c] = body->v[c];
    }
    for (int i = 0; i < n[m]; i++) at[m][n[m] + WK_AT(n[m], i, i)] = i < 3 ? SIGMA_M * SIGMA_M : i < 6 ? 25 : 1e-2;
  }
  bank[WK_B_REENTRY_X + 6] = -8;
  for (int m = 0; m < 3; m++) bank[WK_B_WEIGHT + m] = m == 1 ? 0.8 : 0.1;
  air[WK_A_WEIGHT] = 0.8;
  air[WK_A_WEIGHT + 1] = 0.2;
  track->banks = BANK_BALLISTIC | BANK_AIRCRAFT;
}

/* An aircraft with both banks, which eight plots have left as good as decided. */
static struct scene *scene_open(double class_log_odds) {
  static struct scene one;
  struct scene *scene = &one;
  memset(scene, 0, sizeof *scene);
  assert_int_equal(arena_open(&scene->arena, HISTORY_BYTES + (1 << 16)), 0);
  scene->store.tracks = &scene->track;
  assert_int_equal(filter_open(&scene->filter, &scene->arena, &scene->store, parallel_inline(), PAIRS, HISTORY_BYTES), 0);
  history_batch_begin(&scene->filter.history);
  scene->body = body_at(41.6, 2.5, 9000, 200, 50, 0);
  scene->now_ns = RIG_SECOND_NS;
  track_fill(&scene->track, &scene->body);
  scene->track.time_ns = scene->now_ns;
  scene->track.detections = 8;
  scene->track.class_log_odds = class_log_odds;
  return scene;
}

static void scene_close(struct scene *scene) { arena_close(&scene->arena); }

/* As the filter takes a plot in order. */
static struct history_entry *plot_take(struct scene *scene) {
  struct track *tracks[WK_LANES] = {&scene->track};
  struct plot plot = plot_of(scene);
  const struct plot *plots[WK_LANES] = {&plot};
  struct pair_evidence evidence[WK_LANES];
  struct history *history = &scene->filter.history;
  uint64_t place = history_take(history, scene->track.banks);
  assert_true(place > 0);
  history_write(history_at(history, place), scene->track.banks, &scene->track, &plot);
  history_link(history, &scene->track, place);
  filter_step(&scene->filter, tracks, plots, 1, WK_POSITION, evidence);
  history_at(history, place)->class_after = scene->track.class_log_odds;
  return history_at(history, place);
}

static void late_take(struct scene *scene, const struct plot *plot) {
  struct track *tracks[WK_LANES] = {&scene->track};
  const struct plot *plots[WK_LANES] = {plot};
  const uint64_t places[WK_LANES] = {history_take(&scene->filter.history, BANK_BALLISTIC | BANK_AIRCRAFT)};
  struct pair_evidence evidence[WK_LANES];
  assert_true(places[0] > 0);
  rewind_step(&scene->filter, tracks, plots, places, 1, true, evidence);
}

/* Since the late plot the track was taken for ballistic, and its aircraft bank given up; its past is as good as sure of the opposite, which the
 * late plot confirms, so that the other bank is given up on the way. */
static void a_class_that_the_past_contradicts_stands(void **state) {
  (void)state;
  for (int after = 0; after < 2; after++) { /* plots between the decision and now */
    struct scene *scene = scene_open(-17.999);
    later(scene, 10);
    struct plot late = plot_of(scene);
    later(scene, 10);
    plot_take(scene);
    scene->track.banks = BANK_BALLISTIC;
    scene->track.class_log_odds = 20;
    if (after) {
      later(scene, 10);
      plot_take(scene);
    }
    const struct track before = scene->track;
    late_take(scene, &late);
    if (scene->track.banks != BANK_BALLISTIC) fail_msg("%d plots after it: banks %u", after, scene->track.banks);
    assert_int_equal(scene->track.time_ns, scene->now_ns);
    assert_true(scene->track.class_log_odds == before.class_log_odds);
    assert_memory_equal(scene->track.bank, before.bank, WK_BALLISTIC_ELEMENTS * sizeof(double));
    scene_close(scene);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_class_that_the_past_contradicts_stands)};
  return cmocka_run_group_tests_name("track_rewind", tests, NULL, NULL);
}

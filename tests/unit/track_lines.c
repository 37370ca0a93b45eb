// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* More tracks change in a frame than it may give lines for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

enum { BODIES = 40, LINES = 8, SCANS = 8, IMAGE_ROOM = 1 << 22 };

static int64_t at(int scan) { return RIG_BEGIN_NS + scan * 2 * RIG_SECOND_NS; }

static struct rig *sky_new(uint32_t lines_max) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_POSITION, 41, 2, 100)->clutter_per_scan = 0;
  rig->lines_max = lines_max;
  rig_open(rig, 256, 256, NULL);
  return rig;
}

/* Aircraft half a degree from each other, flying east; all seen in one frame. */
static void scan_step(struct rig *rig, int scan, struct prng *prng) {
  for (int n = 0; n < BODIES; n++) {
    struct body body = body_at(40 + 0.5 * (n / 8), 5 + 0.5 * (n % 8), 9000, 200, 0, 0);
    double p[3];
    for (int i = 0; i < 3; i++) p[i] = body.p[i] + 2.0 * scan * body.v[i];
    rig_see(rig, 0, at(scan), p, prng);
  }
  rig_step(rig, at(scan));
}

static void sky_fly(struct rig *rig) {
  struct prng prng = prng_seed(1, 1);
  for (int scan = 0; scan < SCANS; scan++) {
    scan_step(rig, scan, &prng);
    while (scan < SCANS - 1 && rig->output.waiting > 0) rig_step(rig, at(scan));
  }
}

/* Two skies flown alike, one of them with few lines a frame; both have just seen all bodies. */
struct skies {
  struct rig *all, *few;
};

static struct skies skies_flown(void) {
  struct skies skies = {.all = sky_new(0), .few = sky_new(LINES)};
  sky_fly(skies.all);
  sky_fly(skies.few);
  assert_int_equal(skies.all->output.count, BODIES);
  assert_int_equal(skies.all->output.waiting, 0);
  return skies;
}

static void skies_close(struct skies *skies) {
  rig_close(skies->all);
  rig_close(skies->few);
}

/* The lines that one frame gives are there in the next frames, each once and as it would have been. */
static void lines_that_have_no_room_come_with_the_next_frames(void **state) {
  (void)state;
  struct skies skies = skies_flown();
  uint32_t told[BODIES] = {0}, frames = 0;
  for (;; rig_step(skies.few, at(SCANS - 1))) {
    assert_int_equal(skies.few->output.count, LINES);
    for (uint32_t i = 0; i < LINES; i++) {
      const struct track_report *late = &skies.few->output.reports[i];
      uint32_t n = 0;
      while (n < BODIES && skies.all->output.reports[n].track != late->track) n++;
      assert_true(n < BODIES);
      const struct track_report *now = &skies.all->output.reports[n];
      told[n]++;
      assert_int_equal(late->time_ns, now->time_ns);
      assert_int_equal(late->detections, now->detections);
      assert_int_equal(late->arrival_ns, now->arrival_ns);
      assert_int_equal(late->innovation_components, now->innovation_components);
      assert_memory_equal(&late->innovation2, &now->innovation2, sizeof late->innovation2);
      assert_memory_equal(late->position_m, now->position_m, sizeof late->position_m);
      assert_memory_equal(late->covariance, now->covariance, sizeof late->covariance);
    }
    frames++;
    assert_int_equal(skies.few->output.waiting, BODIES - frames * LINES);
    if (skies.few->output.waiting == 0) break;
  }
  for (int n = 0; n < BODIES; n++) assert_int_equal(told[n], 1);
  rig_step(skies.few, at(SCANS - 1));
  assert_int_equal(skies.few->output.count, 0);
  skies_close(&skies);
}

/* A track that waits and changes again has one line, its newest. */
static void a_track_that_waits_and_changes_again_has_one_line(void **state) {
  (void)state;
  struct rig *rig = sky_new(BODIES - 1);
  struct prng prng = prng_seed(1, 1);
  for (int scan = 0; scan < SCANS; scan++) scan_step(rig, scan, &prng);
  assert_int_equal(rig->output.count, BODIES - 1);
  assert_int_equal(rig->output.waiting, 1);
  uint64_t first = rig->output.reports[0].detections;
  scan_step(rig, SCANS, &prng);
  assert_int_equal(rig->output.count, BODIES - 1);
  assert_int_equal(rig->output.waiting, 1);
  for (uint32_t i = 0; i < rig->output.count; i++) assert_int_equal(rig->output.reports[i].detections, first + 1);
  rig_close(rig);
}

/* Saved and loaded while lines wait, the same lines come. */
static void waiting_lines_are_part_of_the_state(void **state) {
  (void)state;
  static unsigned char bytes[IMAGE_ROOM];
  struct skies skies = skies_flown();
  struct rig *loaded = sky_new(LINES);
  struct image saved = image_save(bytes, sizeof bytes);
  tracker_image(skies.few->tracker, &saved);
  struct image back = image_load(bytes, saved.at);
  tracker_image(loaded->tracker, &back);
  assert_true(image_complete(&back));
  loaded->ledger = skies.few->ledger;
  loaded->accepted = skies.few->accepted;
  while (skies.few->output.waiting > 0) {
    rig_step(skies.few, at(SCANS - 1));
    rig_step(loaded, at(SCANS - 1));
    assert_int_equal(loaded->output.count, skies.few->output.count);
    assert_int_equal(loaded->output.waiting, skies.few->output.waiting);
    for (uint32_t i = 0; i < loaded->output.count; i++) {
      const struct track_report *x = &loaded->output.reports[i], *y = &skies.few->output.reports[i];
      assert_int_equal(x->track, y->track);
      assert_int_equal(x->innovation_components, y->innovation_components);
      assert_memory_equal(&x->innovation2, &y->innovation2, sizeof x->innovation2);
      assert_memory_equal(x->position_m, y->position_m, sizeof x->position_m);
    }
  }
  rig_close(loaded);
  skies_close(&skies);
}

/* Room is promised by the number of detections alone. */
static void a_frame_has_room_for_its_lines_and_all_that_end(void **state) {
  (void)state;
  struct tracker_options options = {.tracks_max = 1 << 20};
  uint32_t ends = tracker_reports_max(&options, 0) - TRACKER_LINES_MIN;
  assert_true(ends >= TRACKER_LOST_MAX);
  assert_int_equal(tracker_reports_max(&options, 10), ends + TRACKER_LINES_MIN + 10 * TRACKER_LINES_PER_DETECTION);
  assert_int_equal(tracker_reports_max(&options, FRAME_DETECTIONS_MAX), ends + FRAME_DETECTIONS_MAX);
  options.tracks_max = 1000;
  assert_true(tracker_reports_max(&options, FRAME_DETECTIONS_MAX) >= 2000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_that_have_no_room_come_with_the_next_frames),
      cmocka_unit_test(a_track_that_waits_and_changes_again_has_one_line),
      cmocka_unit_test(waiting_lines_are_part_of_the_state),
      cmocka_unit_test(a_frame_has_room_for_its_lines_and_all_that_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Tracks of another centre in the tracker: shown while ours see nothing, correlated when they do, fused for
 * the line only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

static struct foreign_names names = {
    .centre_count = 2, .nation_count = 2, .centres = {"B1", "C1"}, .nations = {"A", "B"}};

static int64_t at(double s) {
  return RIG_BEGIN_NS + (int64_t)llround(s * 1e9);
}

struct scene {
  struct rig *rig;
  struct body body;
  struct prng prng;
  uint64_t own, shown; /* numbers of the last confirmed lines of either kind, 0 = none so far */
  uint64_t lost;       /* number of the last lost line */
  struct track_report own_report, shown_report, lost_report;
  struct foreign_ties own_ties; /* as they were with own_report */
};

/* One radar of nation A, id 100; a missile in free flight. */
static struct scene *scene_new(uint32_t foreign_max) {
  struct scene *scene = calloc(1, sizeof *scene);
  assert_non_null(scene);
  scene->rig = rig_new();
  struct sensor *radar = rig_sensor(&scene->rig->site, KIND_RADAR, 41, 2, 100);
  snprintf(radar->nation, sizeof radar->nation, "A");
  scene->rig->foreign_max = foreign_max;
  rig_open(scene->rig, 64, 256, NULL);
  scene->body = body_at(42, 3, 120e3, 800, 300, 1500);
  scene->prng = prng_seed(5, 0);
  return scene;
}

static void scene_close(struct scene *scene) {
  rig_close(scene->rig);
  free(scene);
}

/* The other centre's line of a body at second s: 20 m and 1 m/s off, as it says. */
static struct foreign_track line_of(struct scene *scene, const struct body *body, double s, uint32_t sensor,
                                    uint32_t nations) {
  struct foreign_track line = {.time_ns = at(s),
                               .first_time_ns = at(0),
                               .track = 17,
                               .detections = 9,
                               .nations = nations,
                               .sensors = {sensor},
                               .sensor_count = 1,
                               .status = STATUS_CONFIRMED,
                               .class_ = CLASS_BALLISTIC,
                               .phase = PHASE_COAST,
                               .has_phase = true,
                               .existence = 0.999,
                               .phase_probability = {0, 1, 0}};
  for (int i = 0; i < 3; i++) {
    line.position_m[i] = body->p[i] + 20 * prng_normal(&scene->prng);
    line.velocity_mps[i] = body->v[i] + prng_normal(&scene->prng);
    line.covariance[WK_AT(6, i, i)] = 400;
    line.covariance[WK_AT(6, 3 + i, 3 + i)] = 1;
  }
  return line;
}

/* One second: what either centre has of the body, one frame. */
static void second_step(struct scene *scene, int s, bool seen, const struct foreign_track *line) {
  struct prng noise = prng_seed(9, (uint64_t)s); /* the same plots whatever else is drawn */
  if (seen) rig_see(scene->rig, 0, at(s), scene->body.p, &noise);
  if (line) frame_builder_add_foreign(&scene->rig->builder, line, &names);
  rig_step(scene->rig, at(s + 0.001));
  for (uint32_t i = 0; i < scene->rig->output.count; i++) {
    const struct track_report *r = &scene->rig->output.reports[i];
    if (r->status == STATUS_LOST) {
      scene->lost = r->track;
      scene->lost_report = *r;
    } else if (r->ties && r->ties->source) {
      scene->shown = r->track;
      scene->shown_report = *r;
    } else if (r->status == STATUS_CONFIRMED) {
      scene->own = r->track;
      scene->own_report = *r;
      scene->own_ties = r->ties ? *r->ties : (struct foreign_ties){0};
    }
  }
  body_fly(&scene->body, 1, 0);
}

static void what_only_the_other_sees_is_shown_until_ours_is_the_same(void **state) {
  (void)state;
  struct scene *scene = scene_new(64);
  int s = 0, lost_at = 0, own_at = 0;
  for (; s < 12; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, 200, 2);
    second_step(scene, s, false, &line);
    if (s == 2) assert_int_equal(scene->shown, 0); /* ours may be about to see it */
  }
  assert_true(scene->shown != 0 && scene->own == 0);
  assert_string_equal(names.centres[scene->shown_report.ties->source->centre], "B1");
  assert_int_equal(scene->shown_report.ties->source->track, 17);
  assert_true(scene->shown_report.time_ns == at(11) && scene->shown_report.detections == 9);
  for (; s < 40; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, 200, 2);
    second_step(scene, s, true, &line);
    if (scene->own && !own_at) own_at = s;
    if (scene->lost == scene->shown && !lost_at) lost_at = s;
  }
  rig_expect(own_at && lost_at && lost_at >= own_at && lost_at <= own_at + 5,
             "ours confirmed at %d s, the shown one lost at %d s", own_at, lost_at);
  assert_int_equal(scene->own_ties.correlated_count, 1);
  assert_int_equal(scene->own_ties.correlated[0].track, 17);
  assert_int_equal(scene->own_report.continues, scene->shown);
  assert_true(scene->shown_report.time_ns < at(lost_at + 1)); /* and never again */
  scene_close(scene);
}

/* Our track after 40 s with lines of this sensor and nation, or with none; its last report too, and how many tracks of the other
 * centre it states. */
static struct track flown(uint32_t sensor, uint32_t nations, struct track_report *report, uint32_t *correlated) {
  struct scene *scene = scene_new(64);
  for (int s = 0; s < 40; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, sensor, nations);
    second_step(scene, s, true, sensor ? &line : NULL);
  }
  const struct track *track = rig_only(scene->rig);
  assert_non_null(track);
  struct track copy = *track;
  *report = scene->own_report;
  report->ties = NULL;
  *correlated = scene->own_ties.correlated_count;
  scene_close(scene);
  return copy;
}

static void fusing_changes_the_line_and_never_the_filter(void **state) {
  (void)state;
  struct track_report alone, joined;
  uint32_t none, one;
  struct track a = flown(0, 0, &alone, &none), b = flown(200, 2, &joined, &one);
  assert_memory_equal(a.bank, b.bank, sizeof a.bank);
  assert_int_equal(none, 0);
  assert_int_equal(one, 1);
  double before = 0, after = 0;
  for (int i = 0; i < 3; i++) {
    before += alone.covariance[WK_AT(6, i, i)];
    after += joined.covariance[WK_AT(6, i, i)];
  }
  rig_expect(after < 0.5 * before, "position variance %.1f m2, alone %.1f", after, before);
}

static void known_provenance_changes_nothing_but_the_statement(void **state) {
  (void)state;
  struct track_report alone, known, other_nation;
  uint32_t none, one, other;
  flown(0, 0, &alone, &none);
  flown(100, 1, &known, &one);
  flown(100, 2, &other_nation, &other); /* the id is ours but the nation isn't: another sensor after all */
  assert_int_equal(one, 1);
  assert_memory_equal(known.position_m, alone.position_m, sizeof alone.position_m);
  assert_memory_equal(known.covariance, alone.covariance, sizeof alone.covariance);
  assert_memory_not_equal(other_nation.covariance, alone.covariance, sizeof alone.covariance);
}

static void a_correlation_is_withdrawn_after_tests_that_disagree(void **state) {
  (void)state;
  struct scene *scene = scene_new(64);
  int s = 0, gone_at = 0;
  for (; s < 30; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, 200, 2);
    second_step(scene, s, true, &line);
  }
  assert_int_equal(scene->own_ties.correlated_count, 1);
  for (; s < 50; s++) { /* the other centre's track has gone to another object, 50 km away */
    struct body away = scene->body;
    away.p[2] += 50e3;
    struct foreign_track line = line_of(scene, &away, s, 200, 2);
    second_step(scene, s, true, &line);
    if (scene->own_ties.correlated_count == 0 && !gone_at) gone_at = s;
  }
  rig_expect(gone_at >= 32 && gone_at <= 36, "withdrawn at %d s", gone_at);
  assert_true(scene->shown != 0); /* now it is somebody else */
  struct tracker_statistics statistics;
  tracker_statistics_get(scene->rig->tracker, &statistics);
  assert_int_equal(statistics.correlated, 1);
  assert_int_equal(statistics.uncorrelated, 1);
  scene_close(scene);
}

static void lines_go_on_while_only_the_other_sees_it(void **state) {
  (void)state;
  struct scene *scene = scene_new(64);
  int s = 0;
  for (; s < 30; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, 200, 2);
    second_step(scene, s, true, &line);
  }
  uint64_t own = scene->own;
  for (; s < 100; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, 200, 2);
    double truth[3];
    memcpy(truth, scene->body.p, sizeof truth);
    second_step(scene, s, false, &line);
    if (scene->lost == own) break;
    if (s < 34) continue;
    rig_expect(scene->own_report.time_ns == at(s), "second %d: last line %.1f s old", s,
               (double)(at(s) - scene->own_report.time_ns) * 1e-9);
    double off_m = rig_distance(scene->own_report.position_m, truth);
    rig_expect(off_m < 150, "second %d: %.0f m off", s, off_m);
  }
  assert_int_equal(scene->lost, own); /* its own radar misses it */
  for (int more = 0; more < 3; more++, s++) {
    struct foreign_track line = line_of(scene, &scene->body, s + 1, 200, 2);
    second_step(scene, s + 1, false, &line);
  }
  assert_true(scene->shown > own);
  assert_int_equal(scene->shown_report.continues, own);
  scene_close(scene);
}

static void lines_out_of_order_and_without_room_are_counted(void **state) {
  (void)state;
  struct scene *scene = scene_new(2);
  struct foreign_track line = line_of(scene, &scene->body, 0, 200, 2), late = line;
  for (uint64_t n = 1; n <= 3; n++) {
    line.track = n;
    line.time_ns = at(1);
    frame_builder_add_foreign(&scene->rig->builder, &line, &names);
  }
  late.track = 1;
  frame_builder_add_foreign(&scene->rig->builder, &late, &names);
  rig_step(scene->rig, at(1));
  struct tracker_statistics statistics;
  tracker_statistics_get(scene->rig->tracker, &statistics);
  assert_int_equal(statistics.foreign_lines, 4);
  assert_int_equal(statistics.foreign_refused, 1);
  assert_int_equal(statistics.foreign_late, 1);
  line.status = STATUS_LOST;
  line.track = 1;
  frame_builder_add_foreign(&scene->rig->builder, &line, &names);
  line.status = STATUS_CONFIRMED;
  line.track = 4; /* the place is free again */
  frame_builder_add_foreign(&scene->rig->builder, &line, &names);
  rig_step(scene->rig, at(1.2));
  tracker_statistics_get(scene->rig->tracker, &statistics);
  assert_int_equal(statistics.foreign_refused, 1);
  scene_close(scene);
}

static void two_centres_that_see_the_same_object_give_one_shown_track(void **state) {
  (void)state;
  struct scene *scene = scene_new(64);
  uint64_t first = 0;
  for (int s = 0; s < 20; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, 200, 2);
    struct foreign_track other = line_of(scene, &scene->body, s, 300, 2);
    other.centre = 1;
    frame_builder_add_foreign(&scene->rig->builder, &other, &names);
    second_step(scene, s, false, &line);
    if (scene->shown && !first) first = scene->shown;
    assert_int_equal(scene->shown, first);
  }
  assert_true(first != 0);
  int s = 20; /* the one that is shown ends: the other takes its place */
  struct foreign_track end = line_of(scene, &scene->body, s, 200, 2);
  end.status = STATUS_LOST;
  uint32_t was = scene->shown_report.ties->source->centre;
  for (; s < 24; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, was == 0 ? 300 : 200, 2);
    line.centre = 1 - was;
    end.centre = was;
    end.time_ns = at(s);
    if (s == 20) frame_builder_add_foreign(&scene->rig->builder, &end, &names);
    second_step(scene, s, false, &line);
  }
  assert_true(scene->shown > first && scene->lost == first);
  scene_close(scene);
}

static void a_tracker_that_was_not_asked_ignores_them(void **state) {
  (void)state;
  struct scene *scene = scene_new(0);
  for (int s = 0; s < 12; s++) {
    struct foreign_track line = line_of(scene, &scene->body, s, 200, 2);
    second_step(scene, s, false, &line);
  }
  assert_int_equal(scene->shown, 0);
  scene_close(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_only_the_other_sees_is_shown_until_ours_is_the_same),
      cmocka_unit_test(fusing_changes_the_line_and_never_the_filter),
      cmocka_unit_test(known_provenance_changes_nothing_but_the_statement),
      cmocka_unit_test(a_correlation_is_withdrawn_after_tests_that_disagree),
      cmocka_unit_test(lines_go_on_while_only_the_other_sees_it),
      cmocka_unit_test(lines_out_of_order_and_without_room_are_counted),
      cmocka_unit_test(two_centres_that_see_the_same_object_give_one_shown_track),
      cmocka_unit_test(a_tracker_that_was_not_asked_ignores_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

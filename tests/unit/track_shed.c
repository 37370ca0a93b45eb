// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Which detections go at a step of the ladder that sheds, and what becomes of the tracks whose plots they were. Every step goes
 * through rig_step, which checks the books. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

enum { WARM_S = 130, BURN_S = 80, NEAR = 300, SILENT_S = 5 };

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

/* Two radars, one behind the other, and what the first of them has long seen: a missile, after its burn-out, and an aircraft. */
struct scene {
  struct rig *rig;
  struct body missile, aircraft;
  uint64_t missile_track, aircraft_track;
  struct prng prng;
  int s;
};

static void scene_move(struct scene *scene) {
  body_fly(&scene->missile, 1, scene->s < BURN_S ? 35 : 0);
  body_cruise(&scene->aircraft, 1);
  scene->s++;
}

static const struct track *scene_track(const struct scene *scene, enum track_class class) {
  const struct store *store = &scene->rig->tracker->store;
  for (uint32_t slot = 0; slot < store->high; slot++) {
    const struct track *track = &store->tracks[slot];
    if (track->alive && track->status == STATUS_CONFIRMED && track->class_ == class) return track;
  }
  return NULL;
}

static void scene_open(struct scene *scene) {
  *scene = (struct scene){.rig = rig_new(), .prng = prng_seed(5, 0)};
  rig_sensor(&scene->rig->site, KIND_RADAR, 41, 2, 100)->clutter_per_scan = 100;
  rig_sensor(&scene->rig->site, KIND_RADAR, 42.5, 4, 100)->clutter_per_scan = 100;
  rig_open(scene->rig, 4096, 4096, NULL);
  scene->missile = body_at(42, 3.5, 2000, 60, 60, 200);
  scene->aircraft = body_at(40, 1, 9000, 200, 80, 0);
  while (scene->s < WARM_S) {
    rig_see(scene->rig, 0, at(scene->s), scene->missile.p, &scene->prng);
    rig_see(scene->rig, 0, at(scene->s), scene->aircraft.p, &scene->prng);
    rig_step(scene->rig, at(scene->s));
    scene_move(scene);
  }
  const struct track *missile = scene_track(scene, CLASS_BALLISTIC), *aircraft = scene_track(scene, CLASS_AIRCRAFT);
  assert_non_null(missile);
  assert_non_null(aircraft);
  scene->missile_track = missile->number;
  scene->aircraft_track = aircraft->number;
}

/* Plots of nothing, low and far to the south, apart from each other. */
static void alone_add(struct scene *scene, uint32_t sensor, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct detection *d = rig_add(scene->rig, sensor, at(scene->s));
    d->valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION;
    d->measure[0] = 2e5 + 1e6 * prng_uniform(&scene->prng);
    d->measure[1] = 2.5 + 1.2 * prng_uniform(&scene->prng);
    d->measure[2] = 0.02 + 0.3 * prng_uniform(&scene->prng);
  }
}

static uint64_t shed_of(const struct scene *scene, uint32_t sensor) { return scene->rig->ledger.sensors[sensor].fates[FATE_SHED]; }

static void each_step_keeps_its_part_and_the_rest_is_booked_as_shed(void **state) {
  (void)state;
  static const uint32_t keeps[] = {16, 16, 12, 8, 6, 4, 3, 2, 1, 1, 1};
  struct scene scene;
  scene_open(&scene);
  for (uint32_t step = 0; step < sizeof keeps / sizeof *keeps; step++) {
    for (uint32_t count = 4; count <= 1204; count += 60) {
      uint64_t before = shed_of(&scene, 0) + shed_of(&scene, 1);
      alone_add(&scene, 0, count / 3);
      alone_add(&scene, 1, count - count / 3);
      scene.rig->overload_step = step < 10 ? step : UINT32_MAX;
      rig_step(scene.rig, at(scene.s));
      uint64_t shed = shed_of(&scene, 0) + shed_of(&scene, 1) - before, part = (count * keeps[step] + 15) / 16;
      uint64_t due = count <= 64 ? 0 : count - (part > 64 ? part : 64);
      if (shed != due) fail_msg("step %u, %u detections: %lu shed, not %lu", step, count, shed, due);
      scene_move(&scene);
    }
  }
  rig_drain(scene.rig);
  rig_close(scene.rig);
}

static void a_flood_sheds_itself(void **state) {
  (void)state;
  struct scene scene;
  scene_open(&scene);
  scene.rig->overload_step = 5; /* a quarter */
  for (int k = 0; k < 10; k++) {
    alone_add(&scene, 0, 100);
    alone_add(&scene, 1, 1500);
    rig_step(scene.rig, at(scene.s));
    scene_move(&scene);
  }
  assert_int_equal(shed_of(&scene, 0), 0);
  assert_int_equal(shed_of(&scene, 1), 10 * 1200);
  rig_close(scene.rig);
}

static void threats_are_shed_last(void **state) {
  (void)state;
  struct scene scene;
  scene_open(&scene);
  scene.rig->overload_step = OVERLOAD_MOST;
  uint32_t used = scene_track(&scene, CLASS_BALLISTIC)->detections;
  for (int k = 0; k < 30; k++) {
    rig_see(scene.rig, 0, at(scene.s), scene.missile.p, &scene.prng);
    alone_add(&scene, 0, 500);
    rig_see(scene.rig, 0, at(scene.s), scene.aircraft.p, &scene.prng);
    rig_step(scene.rig, at(scene.s));
    scene_move(&scene);
  }
  const struct track *missile = scene_track(&scene, CLASS_BALLISTIC);
  assert_true(missile && missile->number == scene.missile_track);
  assert_int_equal(missile->detections, used + 30);
  rig_close(scene.rig);
}

/* Plots all around the missile from one radar, of nothing from the other. */
static void what_may_be_new_is_sure_of_an_eighth(void **state) {
  (void)state;
  struct scene scene;
  scene_open(&scene);
  scene.rig->overload_step = 5;
  for (int i = 0; i < 200; i++) rig_see(scene.rig, 0, at(scene.s), scene.missile.p, &scene.prng);
  alone_add(&scene, 1, 200);
  rig_step(scene.rig, at(scene.s));
  assert_int_equal(shed_of(&scene, 0), 200 - (100 - 12)); /* a quarter of 400, less an eighth of it */
  assert_int_equal(shed_of(&scene, 1), 200 - 12);
  rig_close(scene.rig);
}

/* Around the aircraft, outside its fine gate and inside the coarse one: nearly all of them are shed, none is used for it. */
static void near_aircraft_add(struct scene *scene) {
  for (int i = 0; i < NEAR; i++) {
    struct detection *d = rig_see(scene->rig, 0, at(scene->s), scene->aircraft.p, NULL);
    double angle = 2 * M_PI * i / NEAR, off_rad = 8 * scene->rig->site.sensors[0].sigma[1];
    d->measure[1] += off_rad * cos(angle);
    d->measure[2] += off_rad * sin(angle);
  }
}

static double aircraft_after_silence(bool near) {
  struct scene scene;
  scene_open(&scene);
  scene.rig->overload_step = OVERLOAD_MOST;
  uint32_t used = scene_track(&scene, CLASS_AIRCRAFT)->detections;
  for (int k = 0; k < SILENT_S; k++) {
    if (near) near_aircraft_add(&scene);
    rig_see(scene.rig, 0, at(scene.s), scene.missile.p, &scene.prng);
    rig_step(scene.rig, at(scene.s));
    scene_move(&scene);
  }
  rig_expect(near == (shed_of(&scene, 0) > 0), "%llu shed", (unsigned long long)shed_of(&scene, 0));
  const struct track *aircraft = scene_track(&scene, CLASS_AIRCRAFT);
  bool same = aircraft && aircraft->number == scene.aircraft_track && aircraft->detections == used;
  double log_odds = same ? aircraft->log_odds : -INFINITY;
  rig_close(scene.rig);
  return log_odds;
}

static void a_track_near_what_is_shed_is_not_charged_with_misses(void **state) {
  (void)state;
  double shed = aircraft_after_silence(true), missed = aircraft_after_silence(false);
  rig_expect(shed > 13 && missed < shed - 4, "log odds %g with plots shed, %g without any", shed, missed);
}

/* The same plots in the same order in every frame. */
static void another_part_of_a_scan_is_kept_each_time(void **state) {
  (void)state;
  enum { PLOTS = 512, FRAMES = 60 };
  uint32_t kept[PLOTS] = {0};
  struct scene scene;
  scene_open(&scene);
  scene.rig->overload_step = 5;
  for (int k = 0; k < FRAMES; k++) {
    for (uint32_t i = 0; i < PLOTS; i++) {
      struct detection *d = rig_add(scene.rig, 0, at(scene.s) + i);
      d->valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION;
      d->measure[0] = 2e5 + 2e3 * i;
      d->measure[1] = 2.5;
      d->measure[2] = 0.02;
    }
    rig_step(scene.rig, at(scene.s) + PLOTS);
    for (uint32_t i = 0; i < PLOTS; i++) kept[i] += scene.rig->tracker->fates[i] != FATE_SHED;
    scene.s += 30; /* so that each frame finds nothing but plots that are alone */
  }
  for (uint32_t i = 0; i < PLOTS; i++)
    if (kept[i] < FRAMES / 4 / 3 || kept[i] > 3 * FRAMES / 4) fail_msg("place %u is kept in %u of %d frames", i, kept[i], FRAMES);
  rig_close(scene.rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_step_keeps_its_part_and_the_rest_is_booked_as_shed),
      cmocka_unit_test(a_flood_sheds_itself),
      cmocka_unit_test(threats_are_shed_last),
      cmocka_unit_test(what_may_be_new_is_sure_of_an_eighth),
      cmocka_unit_test(a_track_near_what_is_shed_is_not_charged_with_misses),
      cmocka_unit_test(another_part_of_a_scan_is_kept_each_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

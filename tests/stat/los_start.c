// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c
/* Satellites alone: a boosting missile is confirmed within three looks of each, and its first states say no more than is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/stat/los_scene.h"

enum { SEED = 20, RUNS = 24, RUNS_FULL = 200 };

static int runs(void) {
  const char *stat = getenv("WEFT_STAT");
  return stat && strcmp(stat, "full") == 0 ? RUNS_FULL : RUNS;
}

struct geometry {
  const char *name;
  int satellites;
  double lon_deg[4], revisit_s;
};

enum { SECONDS = 10 };

struct tally {
  double nees[SECONDS]; /* per degree of freedom, by seconds since confirmation */
  int count[SECONDS], due, confirmed, in_three_looks, tracks;
};

static int looks_most(const struct scene *scene) {
  uint64_t most = 0;
  for (uint32_t k = 0; k < scene->rig->site.sensor_count; k++) most = scene->looks[0][k] > most ? scene->looks[0][k] : most;
  return (int)most;
}

static uint64_t looks_all(const struct scene *scene) {
  uint64_t sum = 0;
  for (uint32_t k = 0; k < scene->rig->site.sensor_count; k++) sum += scene->looks[0][k];
  return sum;
}

static void start_run(const struct geometry *geometry, int run, struct tally *tally) {
  struct scene *scene = scene_new(SEED, (uint64_t)run);
  for (int k = 0; k < geometry->satellites; k++) scene_satellite(scene, geometry->lon_deg[k], geometry->revisit_s);
  double lat_deg = 70 * prng_uniform(&scene->prng) - 35, lon_deg = 10 * prng_uniform(&scene->prng) - 5;
  const char *type = scene_type(scene);
  const struct flight *flight = scene_flight(scene, type, 1, lat_deg, lon_deg, 6.28 * prng_uniform(&scene->prng));
  rig_open(scene->rig, 64, 1024, NULL);
  double confirmed_s = -1;
  while (scene->time_s < flight->cutoff_s - 2) {
    scene_step(scene);
    for (uint32_t i = 0; i < scene->rig->output.count; i++) {
      const struct track_report *r = &scene->rig->output.reports[i];
      if (r->status != STATUS_CONFIRMED) continue;
      if (confirmed_s < 0) {
        confirmed_s = scene->time_s;
        tally->confirmed++;
        tally->in_three_looks += looks_most(scene) <= 3;
      }
      int second = (int)(scene->time_s - confirmed_s);
      if (second >= SECONDS) continue;
      tally->nees[second] += scene_nees(r, flight, NULL) / 6;
      tally->count[second]++;
    }
  }
  tally->due += looks_all(scene) >= 4; /* a track needs four plots, and a short burn may not give them */
  tally->tracks += (int)scene->rig->tracker->statistics.tracks_confirmed;
  scene_close(scene);
}

static void start_check(const struct geometry *geometry) {
  struct tally tally = {0};
  for (int run = 0; run < runs(); run++) start_run(geometry, run, &tally);
  print_message("%s: %d of %d confirmed, %d within three looks of each; NEES per degree of freedom by second", geometry->name,
                tally.confirmed, runs(), tally.in_three_looks);
  for (int k = 0; k < SECONDS; k++) print_message(" %.2f", tally.nees[k] / tally.count[k]);
  print_message("\n");
  rig_expect(tally.confirmed == tally.due && tally.tracks == tally.due, "seed %d, %s: %d of %d runs confirmed, %d tracks",
             SEED, geometry->name, tally.confirmed, tally.due, tally.tracks);
  rig_expect(tally.due >= 0.98 * runs(), "seed %d, %s: only %d runs with four plots", SEED, geometry->name, tally.due);
  rig_expect(tally.in_three_looks >= 0.9 * runs(), "seed %d, %s: %d of %d within three looks", SEED, geometry->name,
             tally.in_three_looks, runs());
  for (int k = 0; k < SECONDS; k++) {
    double nees = tally.nees[k] / tally.count[k];
    rig_expect(nees > 0.5 && nees < 1.5, "seed %d, %s: NEES %.2f per degree of freedom %d s after confirmation", SEED,
               geometry->name, nees, k);
  }
}

static void satellites_alone_confirm_within_three_looks_and_honestly(void **state) {
  (void)state;
  static const struct geometry geometries[] = {{"two satellites 40 degrees apart, 1 s", 2, {-20, 20}, 1},
                                               {"two satellites 40 degrees apart, 2 s", 2, {-20, 20}, 2},
                                               {"three satellites, 1 s", 3, {-50, 0, 30}, 1},
                                               {"four satellites, 2 s", 4, {-50, -20, 10, 50}, 2}};
  for (size_t g = 0; g < sizeof geometries / sizeof geometries[0]; g++) start_check(&geometries[g]);
}

static void nearly_parallel_lines_start_a_track_as_uncertain_as_it_is(void **state) {
  (void)state;
  static const struct geometry narrow = {"two satellites 3 degrees apart, 1 s", 2, {-1.3, 1.3}, 1};
  start_check(&narrow);
}

/* One satellite sees a direction, not a place: nothing starts, and the books say so. */
static void one_satellite_alone_starts_nothing_and_its_lines_end_as_clutter(void **state) {
  (void)state;
  struct scene *scene = scene_new(SEED, 0);
  scene_satellite(scene, 10, 1);
  const struct flight *flight = scene_flight(scene, "medium", 1, 20, 0, 1);
  rig_open(scene->rig, 64, 1024, NULL);
  while (scene->time_s < flight->cutoff_s + 10) scene_step(scene);
  rig_drain(scene->rig);
  assert_int_equal(scene->rig->number_seen, 0);
  assert_true(scene->looks[0][0] > 20);
  assert_int_equal(rig_fates(scene->rig, FATE_CLUTTER), scene->rig->accepted);
  scene_close(scene);
}

/* Twenty false lines a scan from each of two and three satellites, for ten minutes. */
static void false_lines_confirm_no_track(void **state) {
  (void)state;
  static const double lon_deg[] = {-30, 15, 50};
  for (int satellites = 2; satellites <= 3; satellites++) {
    struct scene *scene = scene_new(SEED, 1);
    for (int k = 0; k < satellites; k++) scene_satellite(scene, lon_deg[k], 1)->clutter_per_scan = 20;
    rig_open(scene->rig, 1024, 4096, NULL);
    while (scene->time_s < 600) scene_step(scene);
    const struct tracker_statistics *statistics = &scene->rig->tracker->statistics;
    print_message("%d satellites, 20 false lines a scan: %llu lines, %llu tentative tracks, %llu confirmed\n", satellites,
                  (unsigned long long)scene->rig->accepted, (unsigned long long)statistics->tracks_started,
                  (unsigned long long)statistics->tracks_confirmed);
    assert_int_equal(statistics->tracks_confirmed, 0);
    scene_close(scene);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(satellites_alone_confirm_within_three_looks_and_honestly),
                                     cmocka_unit_test(nearly_parallel_lines_start_a_track_as_uncertain_as_it_is),
                                     cmocka_unit_test(one_satellite_alone_starts_nothing_and_its_lines_end_as_clutter),
                                     cmocka_unit_test(false_lines_confirm_no_track)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c
/* One radar alone: within how many looks a missile is confirmed that comes into view in boost, coast and re-entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/stat/los_scene.h"

enum { SEED = 23, RUNS = 20, RUNS_FULL = 200, LOOKS_MAX = 12 };

static int runs(void) {
  const char *stat = getenv("WEFT_STAT");
  return stat && strcmp(stat, "full") == 0 ? RUNS_FULL : RUNS;
}

enum phase { BOOST, COAST, REENTRY, PHASES };
static const char *const phases[PHASES] = {"boost", "coast", "re-entry"};

/* When the radar is switched on. */
static double begin_s(const struct flight *flight, enum phase phase) {
  double cutoff_s = flight->launch_s + flight->cutoff_s;
  if (phase == BOOST) return flight->launch_s + 0.5 * flight->cutoff_s;
  return phase == COAST ? cutoff_s + 30 : fmax(flight->reentry_s, cutoff_s + 30);
}

struct accuracy {
  double range_m, angle_rad;
};

static void start_check(struct accuracy accuracy, enum phase phase) {
  int by_looks[LOOKS_MAX + 1] = {0}, confirmed = 0, tracks = 0, median = 0, most = 0;
  double nees = 0;
  for (int run = 0; run < runs(); run++) {
    struct scene *scene = scene_new(SEED, (uint64_t)run);
    double lat_deg = 100 * prng_uniform(&scene->prng) - 50;
    const struct flight *flight = scene_flight(scene, "medium", 1, lat_deg, 0, 6.28 * prng_uniform(&scene->prng));
    struct state state;
    scene->time_s = floor(begin_s(flight, phase));
    assert_true(path_at(&flight->path, scene->time_s, &state));
    struct earth_geodetic below = earth_geodetic(state.r);
    struct sensor *radar = scene_radar(scene, below.lat_rad / RIG_DEGREE + 1.2, below.lon_rad / RIG_DEGREE + 0.5,
                                       accuracy.range_m, accuracy.angle_rad);
    radar->coverage_elevation_deg[0] = -2; /* the radar's own horizon is not what is asked */
    rig_open(scene->rig, 64, 1024, NULL);
    uint64_t looks = 0;
    for (double end_s = scene->time_s + LOOKS_MAX; scene->time_s < end_s && !looks;) {
      scene_step(scene);
      for (uint32_t i = 0; i < scene->rig->output.count && !looks; i++) {
        const struct track_report *r = &scene->rig->output.reports[i];
        if (r->status != STATUS_CONFIRMED) continue;
        looks = scene->looks[0][0];
        nees += scene_nees(r, flight, NULL) / 6;
      }
    }
    confirmed += looks > 0;
    by_looks[looks < LOOKS_MAX ? looks : LOOKS_MAX] += looks > 0;
    tracks += (int)scene->rig->tracker->statistics.tracks_started;
    scene_close(scene);
  }
  for (int sum = 0, k = 0; k <= LOOKS_MAX; k++) {
    sum += by_looks[k];
    if (!median && 2 * sum >= confirmed && confirmed) median = k;
    if (by_looks[k]) most = k;
  }
  print_message("%g m, %g mrad, %s: %d of %d confirmed, with look %d in the median, %d at most; %d tracks; NEES %.2f\n", accuracy.range_m,
                1000 * accuracy.angle_rad, phases[phase], confirmed, runs(), median, most, tracks, nees / confirmed);
  rig_expect(confirmed == runs(), "seed %d, %s: %d of %d confirmed", SEED, phases[phase], confirmed, runs());
  rig_expect(median <= 5, "seed %d, %s: confirmed with look %d in the median", SEED, phases[phase], median);
}

static void one_radar_confirms_within_a_few_looks(void **state) {
  (void)state;
  static const struct accuracy accuracies[] = {{30, 0.001}, {300, 0.005}, {300, 0.02}};
  for (int a = 0; a < 3; a++) {
    for (int phase = 0; phase < PHASES; phase++) start_check(accuracies[a], (enum phase)phase);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_radar_confirms_within_a_few_looks)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c
/* Twenty missiles burn at once within 50 km: their lines cross in hundreds of points, but there are twenty tracks. What remains
 * ambiguous under two satellites are missiles near one plane through both, at heights that both could have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/stat/los_scene.h"

enum { SEED = 21, RUNS = 3, RUNS_FULL = 40, MISSILES = 20 };
static const double near_m = 6000, look_s = 50;

static int runs(void) {
  const char *stat = getenv("WEFT_STAT");
  return stat && strcmp(stat, "full") == 0 ? RUNS_FULL : RUNS;
}

struct tally {
  int tracked, ghosts, confirmed, ever, ghost_seconds;
};

/* Which flight a confirmed track is on: the nearest within near_m, or -1. */
static int flight_of(const struct scene *scene, const double p[3], double time_s) {
  int best = -1;
  double nearest = near_m;
  for (int f = 0; f < scene->flight_count; f++) {
    struct state state;
    if (!path_at(&scene->flights[f].path, time_s, &state)) continue;
    double d = rig_distance(p, state.r);
    if (d < nearest) nearest = d, best = f;
  }
  return best;
}

/* Confirmed tracks on no flight, or beside another one on it. */
static int ghosts_now(const struct scene *scene, struct tally *tally) {
  const struct store *store = &scene->rig->tracker->store;
  int ghosts = 0, confirmed = 0, tracked = 0;
  bool seen[SCENE_FLIGHTS_MAX] = {false};
  for (uint32_t slot = 0; slot < store->high; slot++) {
    const struct track *track = &store->tracks[slot];
    if (!track->alive || track->status != STATUS_CONFIRMED) continue;
    int f = flight_of(scene, track->position_m, (double)(track->time_ns - RIG_BEGIN_NS) * 1e-9);
    confirmed++;
    if (f < 0 || seen[f]) {
      ghosts++;
      continue;
    }
    seen[f] = true;
    tracked++;
  }
  if (tally) {
    tally->tracked += tracked;
    tally->ghosts += ghosts;
    tally->confirmed += confirmed;
  }
  return ghosts;
}

static void salvo_run(int run, int satellites, double spread_s, struct tally *tally) {
  static const double lon_deg[] = {-25, 20, -60};
  struct scene *scene = scene_new(SEED, (uint64_t)run);
  for (int k = 0; k < satellites; k++) scene_satellite(scene, lon_deg[k], 1);
  double lat = 60 * prng_uniform(&scene->prng) - 30, azimuth = 6.28 * prng_uniform(&scene->prng);
  while (scene->flight_count < MISSILES) {
    double east = 50 * prng_uniform(&scene->prng) - 25, north = 50 * prng_uniform(&scene->prng) - 25;
    if (east * east + north * north > 625) continue;
    scene_flight(scene, "medium", 1 + spread_s * prng_uniform(&scene->prng), lat + north / 111.2,
                 east / (111.2 * cos(lat * RIG_DEGREE)), azimuth + 0.3 * prng_uniform(&scene->prng));
  }
  rig_open(scene->rig, 1024, 4096, NULL);
  double end_s = spread_s + 1 + look_s;
  int second = 0;
  while (scene->time_s < end_s) {
    scene_step(scene);
    if ((int)scene->time_s > second) {
      second = (int)scene->time_s;
      tally->ghost_seconds += ghosts_now(scene, NULL);
    }
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(scene->rig->tracker, &statistics);
  tally->ever += (int)statistics.tracks_confirmed;
  ghosts_now(scene, tally);
  scene_close(scene);
}

/* At least `tracked` of the missiles have a track in the end, at most `ghosts` per missile are others. */
static void salvo(int satellites, double spread_s, double tracked, double ghosts) {
  struct tally tally = {0};
  int missiles = runs() * MISSILES;
  for (int run = 0; run < runs(); run++) salvo_run(run, satellites, spread_s, &tally);
  print_message("%d satellites, launches within %.0f s: %d of %d tracked, %d confirmed, %d of them ghosts; %d ever; %.2f ghost-seconds a missile\n",
                satellites, spread_s, tally.tracked, missiles, tally.confirmed, tally.ghosts, tally.ever,
                (double)tally.ghost_seconds / missiles);
  rig_expect(tally.tracked >= tracked * missiles, "seed %d: %d of %d missiles tracked", SEED, tally.tracked, missiles);
  rig_expect(tally.ghosts <= ghosts * missiles, "seed %d: %d ghosts of %d tracks", SEED, tally.ghosts, tally.confirmed);
  rig_expect(tally.ever <= 1.05 * missiles, "seed %d: %d tracks confirmed for %d missiles", SEED, tally.ever, missiles);
}

static void two_satellites_leave_few_ghosts(void **state) {
  (void)state;
  salvo(2, 20, 0.9, 0.1);
  salvo(2, 0, 0.75, 0.25);
}

static void three_satellites_leave_hardly_any_ghost(void **state) {
  (void)state;
  salvo(3, 20, 0.97, 0.03);
  salvo(3, 0, 0.9, 0.1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(two_satellites_leave_few_ghosts),
                                     cmocka_unit_test(three_satellites_leave_hardly_any_ghost)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

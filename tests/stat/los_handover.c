// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c
/* A track born from satellites is the one that the radar goes on with, whether the radar sees the missile in boost or a minute after
 * the last infrared look; and satellites that see later what a radar already follows start nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/stat/los_scene.h"

enum { SEED = 22, RUNS = 20, RUNS_FULL = 200, RADAR = 2 };

static int runs(void) {
  const char *stat = getenv("WEFT_STAT");
  return stat && strcmp(stat, "full") == 0 ? RUNS_FULL : RUNS;
}

static double elevation_rad(const double site_m[3], const double enu[9], const double p[3]) {
  double d[3];
  for (int i = 0; i < 3; i++) d[i] = p[i] - site_m[i];
  return asin((d[0] * enu[6] + d[1] * enu[7] + d[2] * enu[8]) / vec_norm(d));
}

/* The place ahead on the missile's way from where it comes over one degree of elevation at time_s. */
static void radar_place(const struct flight *flight, double time_s, double *lat_deg, double *lon_deg) {
  struct state state;
  assert_true(path_at(&flight->path, time_s, &state));
  double near_m = 1000, far_m = 3e6, radius = vec_norm(state.r), up[3], ahead[3], climb = 0, speed = 0;
  for (int i = 0; i < 3; i++) up[i] = state.r[i] / radius;
  for (int i = 0; i < 3; i++) climb += up[i] * state.v[i];
  for (int i = 0; i < 3; i++) ahead[i] = state.v[i] - climb * up[i];
  speed = vec_norm(ahead);
  for (int k = 0; k < 60; k++) {
    double middle_m = 0.5 * (near_m + far_m), angle = middle_m / 6371000, p[3], site_m[3], enu[9];
    for (int i = 0; i < 3; i++) p[i] = radius * (up[i] * cos(angle) + ahead[i] / speed * sin(angle));
    struct earth_geodetic at = earth_geodetic(p);
    wk_ecef_from_geodetic(at.lat_rad, at.lon_rad, 50, site_m);
    wk_enu_rows(at.lat_rad, at.lon_rad, enu);
    *lat_deg = at.lat_rad / RIG_DEGREE;
    *lon_deg = at.lon_rad / RIG_DEGREE;
    if (elevation_rad(site_m, enu, state.r) > RIG_DEGREE) {
      near_m = middle_m;
    } else {
      far_m = middle_m;
    }
  }
}

struct handover {
  const char *name;
  double radar_after_cutoff_s; /* when the radar first can see the missile */
  double satellites_before_cutoff_s; /* when the satellites begin to look; 0 = always */
  double sigma_m, sigma_rad;
  double share_min; /* of runs with one track */
};

struct tally {
  int one, handed; /* runs: one track at all; one confirmed track, of satellites and radar */
};

static void handover_run(const struct handover *handover, int run, struct tally *tally) {
  struct scene *scene = scene_new(SEED, (uint64_t)run);
  scene_satellite(scene, -20, 1);
  scene_satellite(scene, 20, 1);
  double lat_deg = 70 * prng_uniform(&scene->prng) - 35, lon_deg = 10 * prng_uniform(&scene->prng) - 5, radar_lat, radar_lon;
  const char *type = scene_type(scene);
  const struct flight *flight = scene_flight(scene, type, 1, lat_deg, lon_deg, 6.28 * prng_uniform(&scene->prng));
  double cutoff_s = flight->launch_s + flight->cutoff_s, radar_s = cutoff_s + handover->radar_after_cutoff_s;
  radar_place(flight, radar_s, &radar_lat, &radar_lon);
  scene_radar(scene, radar_lat, radar_lon, handover->sigma_m, handover->sigma_rad);
  if (handover->satellites_before_cutoff_s > 0)
    scene->blind_until_s[0] = scene->blind_until_s[1] = cutoff_s - handover->satellites_before_cutoff_s;
  rig_open(scene->rig, 64, 1024, NULL);
  double end_s = fmin(fmax(radar_s, cutoff_s) + 30, flight->impact_s - 20);
  while (scene->time_s < end_s) scene_step(scene);
  const struct tracker_statistics *statistics = &scene->rig->tracker->statistics;
  const struct track *track = rig_only(scene->rig);
  bool both = track && (track->sensors[0] & 3) != 0 && (track->sensors[0] >> RADAR & 1);
  tally->one += statistics->tracks_confirmed == 1 && statistics->tracks_started == 1 && both;
  tally->handed += statistics->tracks_confirmed == 1 && both;
  if (!(statistics->tracks_confirmed == 1 && both))
    print_message("  run %d, %s: %llu started, %llu confirmed, %llu lost, radar looks %llu, %s\n", run, type,
                  (unsigned long long)statistics->tracks_started, (unsigned long long)statistics->tracks_confirmed,
                  (unsigned long long)statistics->tracks_lost, (unsigned long long)scene->looks[0][RADAR],
                  !track ? "none or several" : both ? "of both" : "of one kind");
  scene_close(scene);
}

static void handover_check(const struct handover *handover) {
  struct tally tally = {0};
  for (int run = 0; run < runs(); run++) handover_run(handover, run, &tally);
  print_message("%s: one confirmed track of both in %d of %d, no other even tentative in %d\n", handover->name, tally.handed, runs(),
                tally.one);
  rig_expect(tally.handed >= handover->share_min * runs(), "seed %d, %s: one track in %d of %d runs", SEED, handover->name,
             tally.handed, runs());
}

static void radar_goes_on_with_the_track_of_the_satellites(void **state) {
  (void)state;
  static const struct handover handovers[] = {{"radar in boost", -15, 0, 30, 0.001, 0.99},
                                              {"radar 20 s after burn-out", 20, 0, 30, 0.001, 0.98},
                                              {"radar 60 s after burn-out", 60, 0, 30, 0.001, 0.8},
                                              {"radar in boost, 300 m 5 mrad", -15, 0, 300, 0.005, 0.99},
                                              {"radar 60 s after burn-out, 300 m 5 mrad", 60, 0, 300, 0.005, 0.8}};
  for (size_t h = 0; h < sizeof handovers / sizeof handovers[0]; h++) handover_check(&handovers[h]);
}

static void satellites_join_the_track_of_a_radar(void **state) {
  (void)state;
  static const struct handover handovers[] = {{"satellites from 15 s before burn-out", -30, 15, 30, 0.001, 0.99},
                                              {"satellites and radar together", -20, 20, 30, 0.001, 0.99},
                                              {"satellites from 15 s before burn-out, 300 m 5 mrad", -30, 15, 300, 0.005, 0.99}};
  for (size_t h = 0; h < sizeof handovers / sizeof handovers[0]; h++) handover_check(&handovers[h]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(radar_goes_on_with_the_track_of_the_satellites),
                                     cmocka_unit_test(satellites_join_the_track_of_a_radar)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

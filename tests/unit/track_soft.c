// stage: weft_track weft_ingest weft_domain weft_base weft_platform weft_kernels
/* Soft association beside nearest neighbours: the same to the bit where tracks are apart; close ones stay two and exist as surely as
 * their plots say, however a scan is cut into frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/track/soft.h"
#include "tests/unit/track_support.h"

enum { BODIES_MAX = 6, SCANS = 40, REPORTS_MAX = 400 };

/* Bodies in a line across the radar's sight, `gap_deg` of longitude apart. */
struct scene {
  int bodies, frames_per_scan;
  double gap_deg;
  enum site_association association;
  uint64_t seed;
};

struct record {
  struct track_report reports[REPORTS_MAX];
  uint32_t count;
  struct tracker_statistics statistics;
  double log_odds_least; /* of confirmed tracks at the end */
  uint32_t confirmed;
};

static void scan(struct rig *rig, const struct scene *scene, struct body *bodies, int k, struct prng *prng) {
  for (int f = 0; f < scene->frames_per_scan; f++) {
    int64_t now_ns = RIG_BEGIN_NS + k * RIG_SECOND_NS + f * 50000000;
    for (int n = 0; n < scene->bodies; n++) {
      if (n % scene->frames_per_scan != f) continue;
      struct body at = bodies[n];
      body_fly(&at, 0.05 * f, 0);
      if (prng_uniform(prng) < 0.9) rig_see(rig, 0, now_ns, at.p, prng);
    }
    rig_step(rig, now_ns);
  }
  for (int n = 0; n < scene->bodies; n++) body_fly(&bodies[n], 1, 0);
}

static void scene_run(const struct scene *scene, struct record *record) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 45, 5, 0)->clutter_per_scan = 0.1;
  rig->site.association = scene->association;
  rig_open(rig, 64, 64, NULL);
  struct prng prng = prng_seed(scene->seed, 9);
  struct body bodies[BODIES_MAX];
  for (int n = 0; n < scene->bodies; n++) bodies[n] = body_at(47, 5 + scene->gap_deg * n, 150000, 100, 1500, 300);
  memset(record, 0, sizeof *record);
  for (int k = 0; k < SCANS; k++) {
    scan(rig, scene, bodies, k, &prng);
    for (uint32_t i = 0; i < rig->output.count && record->count < REPORTS_MAX; i++)
      record->reports[record->count++] = rig->output.reports[i];
  }
  tracker_statistics_get(rig->tracker, &record->statistics);
  record->confirmed = rig_live(rig, STATUS_CONFIRMED);
  record->log_odds_least = INFINITY;
  for (uint32_t s = 0; s < rig->tracker->store.high; s++) {
    const struct track *track = &rig->tracker->store.tracks[s];
    if (track->alive && track->status == STATUS_CONFIRMED)
      record->log_odds_least = fmin(record->log_odds_least, track->log_odds);
  }
  rig_drain(rig);
  rig_close(rig);
}

static struct record one, two;

static void tracks_apart_are_the_same_to_the_bit_as_by_nearest_neighbours(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 5; seed++) {
    struct scene scene = {4, 1, 0.5, ASSOCIATION_SOFT, seed};
    scene_run(&scene, &one);
    scene.association = ASSOCIATION_NEAREST;
    scene_run(&scene, &two);
    assert_int_equal(one.count, two.count);
    assert_true(one.count > 100);
    for (uint32_t i = 0; i < one.count; i++) {
      if (memcmp(one.reports[i].position_m, two.reports[i].position_m, sizeof one.reports[i].position_m) ||
          memcmp(one.reports[i].covariance, two.reports[i].covariance, sizeof one.reports[i].covariance) ||
          one.reports[i].existence != two.reports[i].existence)
        fail_msg("seed %llu: report %u differs: x %.17g, %.17g", (unsigned long long)seed, i, one.reports[i].position_m[0],
                 two.reports[i].position_m[0]);
    }
  }
}

/* 0.012 degrees are 900 m, at 230 km four sigmas of a plot. */
static void close_tracks_are_updated_softly_and_stay_as_many(void **state) {
  (void)state;
  uint64_t softened = 0, hypotheses = 0;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct scene scene = {2, 1, 0.012, ASSOCIATION_SOFT, seed};
    scene_run(&scene, &one);
    softened += one.statistics.tracks_softened;
    hypotheses += one.statistics.hypotheses;
    rig_expect(one.confirmed == 2, "seed %llu: %u tracks", (unsigned long long)seed, one.confirmed);
    rig_expect(one.log_odds_least > 7, "seed %llu: log odds %g", (unsigned long long)seed, one.log_odds_least);
  }
  print_message("%llu soft updates of %llu hypotheses\n", (unsigned long long)softened, (unsigned long long)hypotheses);
  assert_true(softened > 50 && hypotheses >= 2 * softened);
}

/* A miss is charged once, whether the scan comes as one frame or as two. */
static void scan_in_two_frames_costs_no_track_its_life(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10; seed++) {
    struct scene scene = {2, 2, 0.012, ASSOCIATION_SOFT, seed};
    scene_run(&scene, &one);
    rig_expect(one.confirmed == 2, "seed %llu: %u tracks", (unsigned long long)seed, one.confirmed);
    rig_expect(one.log_odds_least > 7, "seed %llu: log odds %g", (unsigned long long)seed, one.log_odds_least);
  }
}

/* One track and one plot, at random: where the short cut says that the plot is the track's, both solvers do, and leave nothing to
 * be weighed. */
static void what_is_certain_without_solving_is_what_solving_says(void **state) {
  (void)state;
  struct rig *rig = rig_new();
  struct sensor *sensor = rig_sensor(&rig->site, KIND_RADAR, 45, 5, 0);
  rig->site.association = ASSOCIATION_SOFT;
  rig_open(rig, 64, 64, NULL);
  struct tracker *tracker = rig->tracker;
  struct prng prng = prng_seed(11, 0);
  int certain = 0;
  tracker->pairs[0] = (struct pair){.track = store_take(&tracker->store), .plot = 0};
  struct track *track = &tracker->store.tracks[tracker->pairs[0].track];
  for (int n = 0; n < 20000; n++) {
    sensor->detection_probability = 0.001 + 0.998 * prng_uniform(&prng);
    tracker->log_detection[0] = wk_log(sensor->detection_probability);
    track->log_odds = -3 + 17 * prng_uniform(&prng);
    tracker->evidence[0] = (struct pair_evidence){.dimension = 3, .distance2 = 30 * prng_uniform(&prng),
                                                  .log_likelihood = -20 + 60 * prng_uniform(&prng)};
    if (!pair_certain(tracker, 0)) continue;
    certain++;
    struct group group = {.count = 1, .pair_count = 1};
    tracker->choice[0] = CHOICE_NONE;
    tracker->fates[0] = FATE_IN_FLIGHT;
    soft_solve(tracker, 0, &group);
    rig_expect(tracker->choice[0] == CHOICE_OWN && tracker->soft->beliefs[0].hypotheses == 0 && tracker->fates[0] == FATE_ASSOCIATED,
               "case %d: log odds %g, likelihood %g, detection %g: choice %u, %u hypotheses", n, track->log_odds,
               tracker->evidence[0].log_likelihood, sensor->detection_probability, tracker->choice[0], tracker->soft->beliefs[0].hypotheses);
    nearest_solve(tracker, &tracker->work[0], &group);
    rig_expect(tracker->choice[0] == CHOICE_OWN, "case %d: not by nearest neighbours", n);
  }
  assert_in_range(certain, 4000, 16000);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tracks_apart_are_the_same_to_the_bit_as_by_nearest_neighbours),
      cmocka_unit_test(close_tracks_are_updated_softly_and_stay_as_many),
      cmocka_unit_test(scan_in_two_frames_costs_no_track_its_life),
      cmocka_unit_test(what_is_certain_without_solving_is_what_solving_says),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

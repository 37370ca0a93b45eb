// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Gate evaluations per detection do not grow with the number of tracks where their density stays the same. Every track is
 * started, confirmed and followed by the real tracker; its own counters are compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

/* Objects come into view in waves, since among so many rivals a strand shows six looks before it is a track, and no more than
 * STRANDS_MIN wait. */
enum { PER_FRAME = 2000, WAVE = 8000, SCANS = 11 };

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

/* Aircraft on a grid of 0.1 degrees, rows of one latitude, all flying east. */
static struct body place(int n, int per_row) {
  int row = n / per_row, column = n % per_row;
  double lat_deg = 35 + 0.1 * row, lon_deg = -10 + 0.1 * column / cos(lat_deg * RIG_DEGREE);
  return body_at(lat_deg, lon_deg, 9000, 200, 0, 0);
}

struct cost {
  double space, direction; /* evaluations per detection of a sensor with positions, with lines of sight */
};

static double cost_since(const struct rig *rig, const struct tracker_statistics *before, uint32_t tracks) {
  struct tracker_statistics after;
  tracker_statistics_get(rig->tracker, &after);
  rig_expect(rig_live(rig, STATUS_CONFIRMED) == tracks, "%u of %u confirmed", rig_live(rig, STATUS_CONFIRMED), tracks);
  assert_true(after.pairs_scored > before->pairs_scored);
  return (double)(after.gate_evaluations - before->gate_evaluations) / (double)(after.detections - before->detections);
}

/* Figures of the last two scans by position and of one from geostationary height. */
static struct cost evaluations(uint32_t tracks) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_POSITION, 41, 2, 100)->clutter_per_scan = 0;
  rig_sensor(&rig->site, KIND_LOS, 41, 10, 35786000);
  for (uint32_t s = 0; s < 2; s++) rig->site.sensors[s].revisit_s = 4;
  rig_open(rig, tracks + 64, PER_FRAME, NULL);
  struct body *bodies = malloc(tracks * sizeof *bodies);
  assert_non_null(bodies);
  int per_row = tracks > 10000 ? 400 : 40, scans = SCANS + (int)(tracks / WAVE);
  for (uint32_t n = 0; n < tracks; n++) bodies[n] = place((int)n, per_row);
  struct tracker_statistics before = {0};
  struct cost cost = {0};
  for (int scan = 0; scan <= scans; scan++) {
    if (scan == scans) cost.space = cost_since(rig, &before, tracks);
    if (scan == scans - 2 || scan == scans) tracker_statistics_get(rig->tracker, &before);
    for (uint32_t n = 0; n < tracks && n / WAVE <= (uint32_t)scan; n++) { /* a scan is spread over its four seconds */
      double s = 4 * scan + 4.0 * n / tracks;
      struct body now = bodies[n];
      body_cruise(&now, s);
      rig_see(rig, scan == scans, at(s), now.p, NULL);
      if (rig->pending_count == PER_FRAME) rig_step(rig, at(s));
    }
    rig_step(rig, at(4 * scan + 4));
  }
  cost.direction = cost_since(rig, &before, tracks);
  print_message("%u tracks: %.3f and %.3f evaluations per detection\n", tracks, cost.space, cost.direction);
  free(bodies);
  rig_close(rig);
  return cost;
}

static void gate_evaluations_do_not_grow_with_the_number_of_tracks(void **state) {
  (void)state;
  const char *stat = getenv("WEFT_STAT");
  const uint32_t most = stat && strcmp(stat, "full") == 0 ? 100000 : 30000;
  struct cost few = evaluations(1000), many = evaluations(most);
  assert_true(few.space >= 0.9 && few.direction >= 0.9);
  rig_expect(many.space <= 2 * few.space, "%g with 1,000 tracks, %g with %u", few.space, many.space, most);
  rig_expect(many.direction <= 2 * few.direction, "lines of sight: %g with 1,000 tracks, %g with %u", few.direction, many.direction, most);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gate_evaluations_do_not_grow_with_the_number_of_tracks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

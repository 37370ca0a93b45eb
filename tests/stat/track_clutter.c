// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Nothing but false plots, for ten minutes of simulated time: no track is ever confirmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

static void false_plot(struct rig *rig, uint32_t sensor, double s, struct prng *prng) {
  const struct sensor *radar = &rig->site.sensors[sensor];
  struct detection *d = rig_add(rig, sensor, at(s));
  d->valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION;
  d->measure[0] = radar->coverage_range_m[0] + (radar->coverage_range_m[1] - radar->coverage_range_m[0]) * prng_uniform(prng);
  d->measure[1] = 6.283185 * prng_uniform(prng) - 3.1415926;
  d->measure[2] = RIG_DEGREE * (1 + 87 * prng_uniform(prng));
}

/* Two radars, `per_scan` false plots a second each; every tenth second `burst` times as many. */
static void clutter_run(uint64_t seed, double per_scan, double burst) {
  struct rig *rig = rig_new();
  for (int k = 0; k < 2; k++) {
    struct sensor *s = rig_sensor(&rig->site, KIND_RADAR, 41 + k, 2 + k, 100);
    s->coverage_range_m[0] = 1000;
    s->coverage_range_m[1] = 800000;
    s->coverage_elevation_deg[0] = 1;
    s->coverage_elevation_deg[1] = 88;
    s->clutter_per_scan = per_scan;
  }
  rig_open(rig, 8192, 16384, NULL);
  struct prng prng = prng_seed(seed, 0);
  uint64_t started = 0;
  for (int s = 0; s < 600; s++) {
    for (uint32_t sensor = 0; sensor < 2; sensor++) {
      uint64_t count = prng_poisson(&prng, per_scan * (s % 10 == 0 ? burst : 1));
      for (uint64_t n = 0; n < count; n++) false_plot(rig, sensor, s + 0.9 * prng_uniform(&prng), &prng);
    }
    rig_step(rig, at(s + 0.95));
    for (uint32_t i = 0; i < rig->output.count; i++) {
      const struct track_report *r = &rig->output.reports[i];
      rig_expect(r->status != STATUS_CONFIRMED, "seed %llu, %g per scan, burst %g: track %llu confirmed at %d s with %llu plots",
                 (unsigned long long)seed, per_scan, burst, (unsigned long long)r->track, s, (unsigned long long)r->detections);
    }
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  started = statistics.tracks_started;
  rig_drain(rig);
  print_message("%g per scan, burst %g: %llu plots, %llu tentative tracks\n", per_scan, burst,
                (unsigned long long)rig->accepted, (unsigned long long)started);
  rig_expect(rig_fates(rig, FATE_CLUTTER) > rig->accepted / 2, "seed %llu: %llu of %llu are clutter", (unsigned long long)seed,
             (unsigned long long)rig_fates(rig, FATE_CLUTTER), (unsigned long long)rig->accepted);
  rig_close(rig);
}

static void clutter_alone_confirms_no_track(void **state) {
  (void)state;
  clutter_run(1, 20, 1);
  clutter_run(2, 20, 5);
  clutter_run(3, 200, 1);
  clutter_run(4, 200, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(clutter_alone_confirms_no_track),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Absurd but admissible input: the books stay exact and no report holds a number that is none. rig_step checks both after
 * every frame. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <time.h>

#include "tests/unit/track_support.h"

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

static struct rig *rig_of_all_kinds(uint32_t tracks_max, uint32_t frame_max) {
  struct rig *rig = rig_new();
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_sensor(&rig->site, KIND_RADAR2D, 42, 3, 100);
  rig_sensor(&rig->site, KIND_LOS, 0, 10, 35786000);
  rig_sensor(&rig->site, KIND_LOS, 10, 60, 1000000);
  rig_sensor(&rig->site, KIND_POSITION, 41, 2, 100);
  rig_sensor(&rig->site, KIND_RADAR, 41.5, 1, 0)->sigma[3] = 5;
  rig->site.sensors[5].revisit_s = 10;
  rig_open(rig, tracks_max, frame_max, NULL);
  return rig;
}

/* Any measurement that ingest lets through, often close to an earlier one so that tracks come of it. */
static void garbage_add(struct rig *rig, struct prng *prng, int64_t time_ns) {
  uint32_t sensor = (uint32_t)prng_below(prng, rig->site.sensor_count);
  struct detection *d = rig_add(rig, sensor, time_ns);
  bool near = prng_below(prng, 2);
  double scale = exp(18.4 * prng_uniform(prng)), corner = prng_below(prng, 10) ? 1 : 0;
  switch (d->kind) {
  case KIND_RADAR:
    d->valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION;
    d->measure[0] = near ? 5000 + 100 * prng_normal(prng) : scale * corner;
    d->measure[1] = near ? 1 : 6.28318 * prng_uniform(prng) - 3.14159;
    d->measure[2] = near ? 0.3 : corner > 0 ? 3.14159 * prng_uniform(prng) - 1.570795 : 1.5707963267948966;
    d->measure[3] = 1e4 * prng_normal(prng);
    if (prng_below(prng, 2) && rig->site.sensors[sensor].sigma[3] > 0) d->valid |= VALID_RANGE_RATE;
    break;
  case KIND_RADAR2D:
    d->valid = VALID_RANGE | VALID_AZIMUTH | (prng_below(prng, 2) ? VALID_HEIGHT : 0);
    d->measure[0] = near ? 5000 : scale * corner;
    d->measure[1] = near ? 1 : 6.28318 * prng_uniform(prng) - 3.14159;
    if (d->valid & VALID_HEIGHT) d->measure[2] = near ? 1000 : scale * (prng_below(prng, 2) ? 1 : -1);
    break;
  case KIND_LOS:
    d->valid = VALID_AZIMUTH | VALID_ELEVATION;
    d->measure[1] = near ? 3 : 6.28318 * prng_uniform(prng) - 3.14159;
    d->measure[2] = near ? 0.1 : corner > 0 ? 3.14159 * prng_uniform(prng) - 1.570795 : 1.5707963267948966;
    if (prng_below(prng, 4) == 0) {
      d->valid |= VALID_PLATFORM;
      for (int i = 0; i < 3; i++) d->platform_m[i] = 7e6 + 1e6 * prng_normal(prng);
    }
    break;
  default:
    d->valid = VALID_XYZ;
    for (int i = 0; i < 3; i++) d->measure[i] = 4e6 + (near ? 100 : 9e7 * prng_uniform(prng)) * prng_uniform(prng);
    if (corner == 0) memcpy(d->measure, rig->site.sensors[sensor].position_m, sizeof rig->site.sensors[sensor].position_m);
  }
  if (prng_below(prng, 4)) return;
  d->valid |= VALID_SIGMAS;
  for (int i = 0; i < 4; i++) {
    bool angle = d->kind != KIND_POSITION && (i == 1 || (i == 2 && d->kind != KIND_RADAR2D));
    d->sigma[i] = (float)(angle ? exp(-18.4 * prng_uniform(prng)) : 1e6 * exp(-20 * prng_uniform(prng)));
  }
}

static void garbage_run(uint64_t seed, int frames, uint32_t tracks_max) {
  struct rig *rig = rig_of_all_kinds(tracks_max, 64);
  struct prng prng = prng_seed(seed, 0);
  double now = 0;
  for (int f = 0; f < frames; f++) {
    double step = prng_uniform(&prng);
    now += prng_below(&prng, 500) ? step : 7200 * step;
    uint64_t count = prng_below(&prng, 12);
    for (uint64_t n = 0; n < count; n++) garbage_add(rig, &prng, at(now - (prng_below(&prng, 4) ? 0.1 : 5) * prng_uniform(&prng)));
    if (prng_below(&prng, 50) == 0) {
      struct sensor_state note = {.time_ns = at(now), .sensor = (uint32_t)prng_below(&prng, 6), .sequence = ++rig->sequence,
                                  .status = (uint32_t)prng_below(&prng, 3)};
      for (int i = 0; i < 3; i++) {
        note.position_m[i] = 6e6 + 1e6 * prng_uniform(&prng);
        note.velocity_mps[i] = 1e4 * prng_normal(&prng);
      }
      frame_builder_add_state(&rig->builder, &note, 0, 0);
    }
    rig->overload_step = prng_below(&prng, 8) ? OVERLOAD_NONE : (uint32_t)prng_below(&prng, OVERLOAD_MOST + 2);
    rig_step(rig, at(now));
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  rig_expect(statistics.tracks_started > 100 && statistics.tracks_lost > 50, "seed %llu: %llu started, %llu lost",
             (unsigned long long)seed, (unsigned long long)statistics.tracks_started, (unsigned long long)statistics.tracks_lost);
  rig_drain(rig);
  rig_close(rig);
}

static void books_and_numbers_survive_10000_frames_of_garbage(void **state) {
  (void)state;
  garbage_run(1, 10000, 4096);
  garbage_run(2, 3000, 64);
  garbage_run(3, 3000, 1024);
}

/* Scans of one and the same measurement. */
static void same_plot_again_and_again(struct detection d) {
  struct rig *rig = rig_of_all_kinds(256, 64);
  for (int s = 0; s < 30; s++) {
    for (uint32_t n = 0; n < 3; n++) {
      struct detection *added = rig_add(rig, d.sensor, at(s));
      uint64_t sequence = added->sequence;
      *added = d;
      added->sequence = sequence;
      added->time_ns = added->arrival_ns = at(s);
      added->kind = rig->site.sensors[d.sensor].kind;
    }
    rig_step(rig, at(s));
  }
  for (int k = 0; k < 400; k++) rig_step(rig, at(30 + k));
  assert_int_equal(rig_live(rig, 0), 0);
  rig_drain(rig);
  rig_close(rig);
}

static void edges_of_the_measurement_ranges_give_finite_reports(void **state) {
  (void)state;
  const uint16_t rae = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION;
  const double up = 1.5707963267948966;
  same_plot_again_and_again( /* range 0 */
      (struct detection){.sensor = 0, .valid = rae, .measure = {0, 0, 0}});
  same_plot_again_and_again( /* zenith */
      (struct detection){.sensor = 0, .valid = rae, .measure = {50000, 0, up}});
  same_plot_again_and_again( /* nadir */
      (struct detection){.sensor = 0, .valid = rae, .measure = {50000, 0, -up}});
  same_plot_again_and_again( /* far away */
      (struct detection){.sensor = 0, .valid = rae, .measure = {1e8, 3, 0.1}});
  same_plot_again_and_again( /* the Earth's centre */
      (struct detection){.sensor = 0, .valid = rae, .measure = {6.37e6, 0, -up}});
  same_plot_again_and_again( /* at the sensor, quick */
      (struct detection){.sensor = 5, .valid = rae | VALID_RANGE_RATE, .measure = {0, 0, 0, 3e8}});
  same_plot_again_and_again( /* sigma 1e6 */
      (struct detection){.sensor = 0, .valid = rae | VALID_SIGMAS, .measure = {90000, 1, 0.1}, .sigma = {1e6f, 1, 1}});
  same_plot_again_and_again( /* sigma 1e-3 */
      (struct detection){.sensor = 0, .valid = rae | VALID_SIGMAS, .measure = {90000, 1, 0.1}, .sigma = {1e-3f, 1e-8f, 1e-8f}});
  same_plot_again_and_again( /* 2-D, range 0 */
      (struct detection){.sensor = 1, .valid = VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT, .measure = {0, 0, 1e8}});
  same_plot_again_and_again( /* corner of space */
      (struct detection){.sensor = 4, .valid = VALID_XYZ, .measure = {1e8, 1e8, -1e8}});
  same_plot_again_and_again( /* inside the Earth */
      (struct detection){.sensor = 4, .valid = VALID_XYZ, .measure = {1e6, 0, 0}});
  same_plot_again_and_again( /* along the axis */
      (struct detection){.sensor = 2, .valid = VALID_AZIMUTH | VALID_ELEVATION, .measure = {0, 3, up}});
}

static void hours_between_two_frames_end_every_track(void **state) {
  (void)state;
  struct rig *rig = rig_of_all_kinds(256, 64);
  struct prng prng = prng_seed(4, 0);
  for (int jump = 0; jump < 20; jump++) {
    struct body body = body_at(42, 1, 150000, 2500, 1500, 1000), plane = body_at(41.7, 2.5, 9000, 200, 80, 0);
    for (int s = 0; s < 20; s++) {
      double now = jump * 3600.0 * (1 + jump) + s;
      rig_see(rig, 0, at(now), body.p, &prng);
      rig_see(rig, 0, at(now), plane.p, &prng);
      rig_step(rig, at(now));
      body_fly(&body, 1, 0);
      body_cruise(&plane, 1);
      if (s == 0) assert_int_equal(rig_live(rig, 0), 0);
    }
    assert_int_equal(rig_live(rig, STATUS_CONFIRMED), 2);
  }
  rig_close(rig);
}

/* 3,000 plots at one spot, scan after scan. The bound is on work done, not on time. */
static void thousands_of_plots_at_one_spot_are_survived(void **state) {
  (void)state;
  struct rig *rig = rig_of_all_kinds(16384, 8192);
  struct prng prng = prng_seed(5, 0);
  struct timespec begin, end;
  for (int s = 0; s < 4; s++) {
    double p[3];
    struct body body = body_at(41.7, 2.5, 9000, 200, 80, 0);
    memcpy(p, body.p, sizeof p);
    for (int n = 0; n < 3000; n++) rig_see(rig, 0, at(s), p, s == 2 ? NULL : &prng);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    rig_step(rig, at(s));
    clock_gettime(CLOCK_MONOTONIC, &end);
    print_message("scan %d: %.3f s, %u tracks\n", s,
                  (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec), rig_live(rig, 0));
  }
  rig_drain(rig);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(edges_of_the_measurement_ranges_give_finite_reports),
      cmocka_unit_test(hours_between_two_frames_end_every_track),
      cmocka_unit_test(books_and_numbers_survive_10000_frames_of_garbage),
      cmocka_unit_test(thousands_of_plots_at_one_spot_are_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

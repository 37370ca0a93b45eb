// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* The coarse gate misses nobody: the index against a look at every track, and the real tracker's choice against the
 * kernels' own distances of every live track. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

enum { TRACKS = 400 };

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }
static double between(struct prng *prng, double low, double high) { return low + (high - low) * prng_uniform(prng); }

/* Plots move some tracks meanwhile, a little or much, and their entries stay or do not. Returns how many stayed. */
static unsigned tracks_move(struct rig *rig, struct prng *prng, double front_s, const double entered_s[TRACKS]) {
  struct tracker *t = rig->tracker;
  static int64_t until_ns[TRACKS];
  unsigned stayed = 0;
  for (uint32_t slot = 0; slot < TRACKS; slot += 2) {
    struct track *track = &t->store.tracks[slot];
    double now_s = entered_s[slot];
    until_ns[slot] = at(now_s + 1) & ~INDEX_UNTIL_MARK;
    for (int turn = 0; turn < 4; turn++) {
      double size_m = exp(between(prng, 1, turn == 3 ? 10 : 5)), dt_s = between(prng, 0, 0.5);
      for (int i = 0; i < 3; i++) {
        track->position_m[i] += dt_s * track->velocity_mps[i] + size_m * prng_normal(prng);
        track->velocity_mps[i] += 0.1 * size_m * prng_normal(prng);
      }
      track->sigma_position_m *= between(prng, 0.7, 1.1);
      track->time_ns += (int64_t)(dt_s * 1e9);
      now_s = between(prng, now_s, front_s);
      track_index_at(&t->index, &rig->site, t->motion, at(now_s));
      track_index_put_all(&t->index, &t->parallel, &slot, 1, until_ns, 1);
      stayed += t->index.off_m[slot] > 0;
    }
    /* What has run out is renewed. */
    track_index_at(&t->index, &rig->site, t->motion, at(front_s));
    if (until_ns[slot] <= at(front_s)) track_index_put(&t->index, slot);
  }
  return stayed;
}

/* Tracks around a place, of any speed, of any age up to what the tracker leaves alone (5 s and the lag). */
static void tracks_scatter(struct rig *rig, struct prng *prng, double front_s, double spread_m) {
  struct tracker *t = rig->tracker;
  double centre[3], entered_s[TRACKS];
  wk_ecef_from_geodetic(43 * RIG_DEGREE, 5 * RIG_DEGREE, 200000, centre);
  for (int n = 0; n < TRACKS; n++) {
    uint32_t slot = store_take(&t->store);
    struct track *track = &t->store.tracks[slot];
    double speed = exp(between(prng, 3, 9)), direction[3], length = 0;
    for (int i = 0; i < 3; i++) direction[i] = prng_normal(prng), length += direction[i] * direction[i];
    for (int i = 0; i < 3; i++) {
      track->position_m[i] = centre[i] + spread_m * prng_normal(prng);
      track->velocity_mps[i] = speed * direction[i] / sqrt(length);
      track->acceleration_mps2[i] = (float)between(prng, -20, 20);
    }
    track->sigma_position_m = exp(between(prng, 2, 8));
    track->sigma_velocity_mps = exp(between(prng, 0, 7.5));
    track->time_ns = at(front_s - between(prng, 0, 5 + 1e-9 * (double)rig->site.lag_ns));
    /* The entry was made up to a reach ago. */
    entered_s[slot] = front_s - between(prng, 0, 1);
    track_index_at(&t->index, &rig->site, t->motion, at(entered_s[slot]));
    track_index_put(&t->index, slot);
  }
  unsigned stayed = tracks_move(rig, prng, front_s, entered_s);
  rig_expect(stayed > TRACKS / 8, "only %u entries stayed", stayed);
}

/* Squared distance of a track's place from a plot, both uncertain; infinite where the sensor looks the other way. */
static double distance2_of(const struct plot *plot, const struct track *track) {
  double p[3], d[3], s[6] = {0}, inverse[6], sigma = track_sigma_at(track, plot->time_ns);
  track_extrapolate(track, plot->time_ns, p);
  if (plot->kind == WK_LOS) {
    vector_subtract(d, p, plot->site_m);
    double along = vector_dot(d, plot->direction), across2 = vector_dot(d, d) - along * along;
    if (along <= 0) return INFINITY;
    double sigma2 = sigma * sigma + plot->sigma_cross_m * plot->sigma_cross_m * along * along;
    return across2 / sigma2;
  }
  vector_subtract(d, p, plot->point_m);
  for (int k = 0; k < 6; k++) s[k] = plot->point_covariance[k];
  for (int i = 0; i < 3; i++) s[WK_AT(3, i, i)] += sigma * sigma;
  return matrix_invert_spd(3, s, inverse, NULL) ? matrix_quadratic(3, inverse, d) : INFINITY;
}

static void find_and_compare(uint64_t seed, double lag_s, double spread_m) {
  struct rig *rig = rig_new();
  struct prng prng = prng_seed(seed, 0);
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_sensor(&rig->site, KIND_RADAR2D, 44, 8, 100);
  rig_sensor(&rig->site, KIND_LOS, 0, 10, 35786000);
  rig_sensor(&rig->site, KIND_LOS, 40, 0, 1000000);
  rig_sensor(&rig->site, KIND_POSITION, 41, 2, 100);
  rig->site.lag_ns = (int64_t)(lag_s * 1e9);
  rig_open(rig, TRACKS, 1024, NULL);
  const double front_s = 1000;
  tracks_scatter(rig, &prng, front_s, spread_m);
  unsigned found_all = 0, near_all = 0;
  for (int n = 0; n < 1000; n++) {
    uint32_t sensor = (uint32_t)prng_below(&prng, rig->site.sensor_count);
    const struct track *target = &rig->tracker->store.tracks[prng_below(&prng, TRACKS)];
    double p[3], time_s = front_s - between(&prng, 0, lag_s);
    struct plot plot;
    track_extrapolate(target, at(time_s), p);
    double aside = track_sigma_at(target, at(time_s)) * 2;
    for (int i = 0; i < 3; i++) p[i] += aside * prng_normal(&prng);
    struct detection *d = rig_see(rig, sensor, at(time_s), p, &prng);
    if (sensor < 2) d->valid &= (uint16_t)~VALID_HEIGHT; /* as many do */
    frame_reset(&rig->frame);
    frame_append(&rig->frame, d);
    rig->pending_count = 0;
    plot_align(&plot, &rig->site, rig->tracker->motion, &rig->frame, 0);
    struct candidates found;
    track_index_find(&rig->tracker->index, &plot, 1, at(front_s), &found);
    found_all += found.count;
    if (found.overflow) continue;
    for (uint32_t slot = 0; slot < TRACKS; slot++) {
      const struct track *track = &rig->tracker->store.tracks[slot];
      double distance2 = distance2_of(&plot, track);
      if (!(distance2 <= 24.9)) continue;
      near_all++;
      bool there = false;
      for (uint32_t k = 0; k < found.count; k++) there = there || found.slots[k] == slot;
      rig_expect(there,
                 "seed %llu, lag %g s, plot %d of kind %d, %g s old: track %u at distance %g sigma is no candidate "
                 "(sigma %g m, %g m/s; speed %g m/s; %g s before the plot)",
                 (unsigned long long)seed, lag_s, n, plot.kind, front_s - time_s, slot, sqrt(distance2),
                 track->sigma_position_m, track->sigma_velocity_mps, vector_norm(track->velocity_mps),
                 (double)(plot.time_ns - track->time_ns) * 1e-9);
    }
  }
  rig_expect(near_all > 500, "seed %llu: only %u near", (unsigned long long)seed, near_all);
  rig_expect(found_all < 1000 * TRACKS / 4, "seed %llu: %u candidates", (unsigned long long)seed, found_all);
  rig_close(rig);
}

static void coarse_gate_misses_no_track_within_five_sigma(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    find_and_compare(seed, 3, 1e6);
    find_and_compare(seed, 3, 5e5);
    find_and_compare(seed, 30, 1e6);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(coarse_gate_misses_no_track_within_five_sigma),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_ingest weft_domain weft_base weft_platform weft_kernels
/* Unresolved plots: two objects that pass each other through one cell of the radar stay two tracks with their own numbers, by
 * soft association and by nearest neighbours; without the cell in the configuration they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

enum { SEEDS = 20, SCANS = 90, MEETING = 50, SETTLED = 15 };
#define CELL_M 150.0
#define CELL_RAD 0.02
#define CLOSING_MPS 20.0

struct passing {
  int kept, swapped, merged; /* runs: both numbers with their own objects; exchanged; fewer than two at the end or before */
  uint64_t shared;
};

/* The line from the radar to a body; the second body is on it, farther by `gap_m`, and comes nearer. */
static struct body beyond(const struct sensor *radar, const struct body *first, double gap_m) {
  struct body b = *first;
  double d[3];
  for (int i = 0; i < 3; i++) d[i] = first->p[i] - radar->position_m[i];
  double range = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
  for (int i = 0; i < 3; i++) {
    b.p[i] += gap_m * d[i] / range;
    b.v[i] -= CLOSING_MPS * d[i] / range;
  }
  return b;
}

/* One plot of the middle where both are in one cell, each its own otherwise; one in ten is missed. */
static bool scan(struct rig *rig, int64_t now_ns, const struct body *a, const struct body *b, struct prng *prng) {
  const struct sensor *radar = &rig->site.sensors[0];
  double from_a = rig_distance(a->p, radar->position_m), from_b = rig_distance(b->p, radar->position_m), middle[3];
  for (int i = 0; i < 3; i++) middle[i] = 0.5 * (a->p[i] + b->p[i]);
  bool one = fabs(from_a - from_b) < CELL_M && rig_distance(a->p, b->p) < CELL_RAD * from_a;
  if (one && prng_uniform(prng) < 0.9) rig_see(rig, 0, now_ns, middle, prng);
  if (!one && prng_uniform(prng) < 0.9) rig_see(rig, 0, now_ns, a->p, prng);
  if (!one && prng_uniform(prng) < 0.9) rig_see(rig, 0, now_ns, b->p, prng);
  return one;
}

static uint64_t number_near(const struct rig *rig, const struct body *body) {
  uint64_t nearest = 0;
  double least = INFINITY;
  const struct store *store = &rig->tracker->store;
  for (uint32_t s = 0; s < store->high; s++) {
    const struct track *track = &store->tracks[s];
    double p[3];
    if (!track->alive || track->status != STATUS_CONFIRMED) continue;
    track_extrapolate(track, rig->tracker->now_ns, p);
    if (rig_distance(p, body->p) < least) {
      least = rig_distance(p, body->p);
      nearest = track->number;
    }
  }
  return nearest;
}

static void pass(bool cell, enum site_association association, uint64_t seed, struct passing *out) {
  struct rig *rig = rig_new();
  struct sensor *radar = rig_sensor(&rig->site, KIND_RADAR, 45, 5, 0);
  rig->site.association = association;
  radar->sigma[0] = 10;
  radar->clutter_per_scan = 0.01;
  if (cell) {
    radar->resolution[0] = CELL_M;
    radar->resolution[1] = radar->resolution[2] = CELL_RAD;
  }
  rig_open(rig, 64, 64, NULL);
  struct prng prng = prng_seed(seed, 5);
  struct body a = body_at(46.5, 5, 150000, 200, 1500, 300), b = beyond(radar, &a, CLOSING_MPS * MEETING);
  uint64_t numbers[2] = {0};
  uint32_t least = 2;
  for (int k = 0; k < SCANS; k++) {
    int64_t now_ns = RIG_BEGIN_NS + k * RIG_SECOND_NS;
    scan(rig, now_ns, &a, &b, &prng);
    rig_step(rig, now_ns);
    if (k == MEETING - SETTLED) {
      numbers[0] = number_near(rig, &a);
      numbers[1] = number_near(rig, &b);
    }
    uint32_t live = rig_live(rig, STATUS_CONFIRMED);
    if (k >= MEETING - SETTLED && live < least) least = live;
    if (k < SCANS - 1) {
      body_fly(&a, 1, 0);
      body_fly(&b, 1, 0);
    }
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  out->shared += statistics.shared;
  uint64_t now[2] = {number_near(rig, &a), number_near(rig, &b)};
  bool two = least == 2 && numbers[0] != numbers[1] && now[0] != now[1];
  out->merged += !two;
  out->kept += two && now[0] == numbers[0] && now[1] == numbers[1];
  out->swapped += two && now[0] == numbers[1] && now[1] == numbers[0];
  rig_drain(rig);
  rig_close(rig);
}

static struct passing passes(bool cell, enum site_association association) {
  struct passing out = {0};
  for (uint64_t seed = 1; seed <= SEEDS; seed++) pass(cell, association, seed, &out);
  print_message("%s, %s: of %d passes %d kept, %d swapped, %d lost or merged; %llu shared updates\n",
                association == ASSOCIATION_SOFT ? "soft" : "nearest", cell ? "cell known" : "cell unknown", SEEDS, out.kept,
                out.swapped, out.merged, (unsigned long long)out.shared);
  return out;
}

static void two_objects_through_one_cell_keep_their_tracks_and_numbers(void **state) {
  (void)state;
  for (int association = ASSOCIATION_SOFT; association <= ASSOCIATION_NEAREST; association++) {
    /* In space the filter is sure of the velocity, and plots of two objects in one that nearest neighbours take for one's own mislead it
     * for longer: two of twenty are lost there, none with the default. */
    const int lost = association == ASSOCIATION_NEAREST ? 2 : 0;
    struct passing known = passes(true, (enum site_association)association);
    assert_true(known.merged <= lost);
    assert_true(known.kept >= SEEDS - 1 - lost);
    assert_true(known.shared >= 10 * SEEDS);
  }
}

static void without_the_cell_they_do_not(void **state) {
  (void)state;
  struct passing unknown = passes(false, ASSOCIATION_SOFT);
  assert_true(unknown.kept <= 3 * SEEDS / 4);
  assert_true(unknown.shared == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_objects_through_one_cell_keep_their_tracks_and_numbers),
      cmocka_unit_test(without_the_cell_they_do_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Crowds: more objects meet in one place than any list of the tracker holds. What does not fit is left out and counted,
 * the books hold at every step (rig_step), and who was told apart before is told apart afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/track_support.h"

enum { SWARM = 300, MEETING_S = 20, CHANGED_MAX = SWARM / 25 }; /* some fly so much alike that they never part again */

static struct foreign_names names = {.centre_count = 1, .nation_count = 1, .centres = {"B1"}, .nations = {"B"}};

struct swarm {
  struct rig *rig;
  struct body bodies[SWARM];
  struct prng prng;
  int second;
};

/* Kilometres apart now, all in one place at MEETING_S, and through each other. */
static struct swarm *swarm_new(uint32_t foreign_max, uint8_t association) {
  struct swarm *swarm = calloc(1, sizeof *swarm);
  assert_non_null(swarm);
  swarm->rig = rig_new();
  struct sensor *sensor = rig_sensor(&swarm->rig->site, KIND_POSITION, 41, 2, 100);
  sensor->sigma[0] = sensor->sigma[1] = sensor->sigma[2] = 30;
  swarm->rig->site.association = association;
  swarm->rig->foreign_max = foreign_max;
  rig_open(swarm->rig, 1024, 1024, NULL);
  swarm->prng = prng_seed(3, 1);
  for (int i = 0; i < SWARM; i++) {
    struct body *body = &swarm->bodies[i];
    *body = body_at(42, 3, 150e3, 800, 300, 1000);
    for (int k = 0; k < 3; k++) {
      double off = (prng_uniform(&swarm->prng) - 0.5) * 60e3;
      body->p[k] += off;
      body->v[k] -= off / MEETING_S;
    }
  }
  return swarm;
}

static void swarm_free(struct swarm *swarm) {
  rig_drain(swarm->rig);
  rig_close(swarm->rig);
  free(swarm);
}

static void line_tell(struct swarm *swarm, int i, int64_t time_ns) {
  struct foreign_track line = {.time_ns = time_ns, .first_time_ns = RIG_BEGIN_NS, .track = (uint64_t)i + 1, .detections = 9, .nations = 1,
                               .sensors = {900}, .sensor_count = 1, .status = STATUS_CONFIRMED, .class_ = CLASS_BALLISTIC,
                               .phase = PHASE_COAST, .has_phase = true, .existence = 0.999, .phase_probability = {0, 1, 0}};
  for (int k = 0; k < 3; k++) {
    line.position_m[k] = swarm->bodies[i].p[k] + 20 * prng_normal(&swarm->prng);
    line.velocity_mps[k] = swarm->bodies[i].v[k] + prng_normal(&swarm->prng);
    line.covariance[WK_AT(6, k, k)] = 400;
    line.covariance[WK_AT(6, 3 + k, 3 + k)] = 1;
  }
  frame_builder_add_foreign(&swarm->rig->builder, &line, &names);
}

/* One second of everybody: seen by ours or not, told by the other centre or not. */
static void second_step(struct swarm *swarm, bool seen, bool told) {
  int64_t time_ns = RIG_BEGIN_NS + swarm->second++ * RIG_SECOND_NS;
  for (int i = 0; i < SWARM; i++) {
    if (seen) rig_see(swarm->rig, 0, time_ns, swarm->bodies[i].p, &swarm->prng);
    if (told) line_tell(swarm, i, time_ns);
  }
  rig_step(swarm->rig, time_ns + 1000000);
  for (int i = 0; i < SWARM; i++) body_fly(&swarm->bodies[i], 1, 0);
}

static struct tracker_statistics statistics_of(const struct swarm *swarm) {
  struct tracker_statistics statistics;
  tracker_statistics_get(swarm->rig->tracker, &statistics);
  return statistics;
}

/* Whose track is nearest to the body now, TRACK_NONE where none is within 500 m. */
static uint64_t number_near(const struct swarm *swarm, int body) {
  const struct store *store = &swarm->rig->tracker->store;
  double nearest_m = 500;
  uint64_t number = TRACK_NONE;
  for (uint32_t slot = 0; slot < store->high; slot++) {
    double place_m[3];
    if (!store->tracks[slot].alive) continue;
    track_extrapolate(&store->tracks[slot], RIG_BEGIN_NS + swarm->second * RIG_SECOND_NS, place_m);
    double distance_m = rig_distance(place_m, swarm->bodies[body].p);
    if (distance_m >= nearest_m) continue;
    nearest_m = distance_m;
    number = store->tracks[slot].number;
  }
  return number;
}

/* Through the meeting point: how many go on under another number or under none. */
static int changed_numbers(struct swarm *swarm, bool told) {
  uint64_t before[SWARM];
  int changed = 0;
  while (swarm->second < MEETING_S - 1) second_step(swarm, true, told);
  assert_int_equal(rig_live(swarm->rig, STATUS_CONFIRMED), SWARM);
  for (int i = 0; i < SWARM; i++) before[i] = number_near(swarm, i);
  while (swarm->second < MEETING_S + 6) second_step(swarm, true, told);
  for (int i = 0; i < SWARM; i++) changed += before[i] == TRACK_NONE || number_near(swarm, i) != before[i];
  return changed;
}

static void three_hundred_go_through_one_point_and_each_goes_on(void **state) {
  (void)state;
  static const uint8_t associations[] = {ASSOCIATION_SOFT, ASSOCIATION_NEAREST};
  for (int a = 0; a < 2; a++) {
    struct swarm *swarm = swarm_new(0, associations[a]);
    int changed = changed_numbers(swarm, false);
    struct tracker_statistics statistics = statistics_of(swarm);
    rig_expect(changed <= CHANGED_MAX, "association %u: %d of %d have another number", associations[a], changed, SWARM);
    assert_true(statistics.candidates_cut > 0 && statistics.groups_split > 1); /* it was a crowd */
    assert_int_equal(statistics.tracks_started, SWARM);
    assert_int_equal(statistics.tracks_lost, 0);
    swarm_free(swarm);
  }
}

/* While another centre tells of all of them as well. */
static void who_is_whose_is_known_on_the_other_side(void **state) {
  (void)state;
  struct swarm *swarm = swarm_new(2 * SWARM, ASSOCIATION_SOFT);
  int wrong = 0;
  int changed = changed_numbers(swarm, true);
  rig_expect(changed <= CHANGED_MAX, "%d of %d have another number", changed, SWARM);
  struct tracker_statistics statistics = statistics_of(swarm);
  assert_true(statistics.correlated >= SWARM && statistics.uncorrelated < SWARM / 20);
  const struct foreign_table *foreign = &swarm->rig->tracker->foreign;
  for (uint32_t e = 0; e < 2 * SWARM; e++) {
    const struct foreign *entry = &foreign->entries[e];
    if (entry->used && entry->correlated) wrong += number_near(swarm, (int)entry->line.track - 1) != entry->partner_number;
  }
  rig_expect(wrong <= changed, "%d are taken for another's", wrong);
  swarm_free(swarm);
}

/* More lines of sight in one frame than may wait for a second look, twice over: the rest is shed, and counted as that. */
static void a_flood_of_lines_of_sight_is_shed_and_counted(void **state) {
  (void)state;
  enum { FLOOD = 5000, FRAMES = 3 };
  struct rig *rig = rig_new();
  struct prng prng = prng_seed(8, 2);
  rig_sensor(&rig->site, KIND_LOS, 0, 3, 35786000);
  rig_open(rig, 64, FLOOD, NULL);
  for (int f = 0; f < FRAMES; f++) {
    for (int i = 0; i < FLOOD; i++) {
      struct detection *d = rig_add(rig, 0, RIG_BEGIN_NS + f * RIG_SECOND_NS);
      d->valid = VALID_AZIMUTH | VALID_ELEVATION;
      d->measure[1] = 0.28 * (prng_uniform(&prng) - 0.5);
      d->measure[2] = 0.28 * (prng_uniform(&prng) - 0.5);
    }
    rig_step(rig, RIG_BEGIN_NS + f * RIG_SECOND_NS + 1000000);
    assert_true(rig_waiting(rig->tracker) <= (uint64_t)TRACKLETS_MAX * TRACKLET_RAYS);
  }
  assert_int_equal(rig_fates(rig, FATE_SHED), FRAMES * (FLOOD - RAYS_FRESH_MAX));
  assert_true(rig_fates(rig, FATE_CLUTTER) > TRACKLETS_MAX); /* the oldest gave way */
  assert_int_equal(rig_live(rig, 0), 0);
  rig_drain(rig);
  rig_close(rig);
}

/* Lines of the last step that end a track. */
static uint32_t lost_count(const struct rig *rig) {
  uint32_t lost = 0;
  for (uint32_t i = 0; i < rig->output.count; i++) lost += rig->output.reports[i].status == STATUS_LOST;
  return lost;
}

/* More tracks fall silent together than a step lets end: the others end with the next review, and each has its lost line. */
static void more_tracks_than_a_step_lets_end_do_so_one_after_the_other(void **state) {
  (void)state;
  enum { SIDE = 129, COUNT = SIDE * SIDE, SEEN_S = 3 };
  static struct body bodies[COUNT];
  _Static_assert((int)COUNT > (int)TRACKER_LOST_MAX && (int)COUNT < 2 * (int)TRACKER_LOST_MAX, "two steps are enough");
  struct rig *rig = rig_new();
  (void)rig_sensor(&rig->site, KIND_POSITION, 45, 20, 100);
  rig_open(rig, COUNT + 1024, COUNT, NULL);
  for (int i = 0; i < COUNT; i++) bodies[i] = body_at(30 + 0.25 * (i / SIDE), 0.4 * (i % SIDE), 150e3, 800, 300, 0);
  for (int second = 0; second < SEEN_S; second++) {
    for (int i = 0; i < COUNT; i++) {
      rig_see(rig, 0, RIG_BEGIN_NS + second * RIG_SECOND_NS, bodies[i].p, NULL);
      body_fly(&bodies[i], 1, 0);
    }
    rig_step(rig, RIG_BEGIN_NS + second * RIG_SECOND_NS);
  }
  assert_int_equal(rig_live(rig, STATUS_TENTATIVE), COUNT);
  rig_step(rig, RIG_BEGIN_NS + 400 * RIG_SECOND_NS);
  assert_int_equal(lost_count(rig), TRACKER_LOST_MAX);
  rig_step(rig, RIG_BEGIN_NS + 401 * RIG_SECOND_NS);
  assert_int_equal(lost_count(rig), COUNT - TRACKER_LOST_MAX);
  assert_int_equal(rig_live(rig, STATUS_TENTATIVE), 0);
  rig_drain(rig);
  rig_close(rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(three_hundred_go_through_one_point_and_each_goes_on),
      cmocka_unit_test(a_flood_of_lines_of_sight_is_shed_and_counted),
      cmocka_unit_test(who_is_whose_is_known_on_the_other_side),
      cmocka_unit_test(more_tracks_than_a_step_lets_end_do_so_one_after_the_other)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

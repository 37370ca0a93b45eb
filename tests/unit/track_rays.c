// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Lines of sight that wait: what is kept beside the tracklets says at every moment what a comparison of all with all would say, and
 * more of them than an assignment holds hide no object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/track/meeting.h"
#include "tests/unit/track_support.h"

enum { EYES = 3, FALSE_LINES = 270, LOADED_BYTES = 64 << 20 };

static struct rig *eyes_open(double clutter_per_scan) {
  struct rig *rig = rig_new();
  for (int i = 0; i < EYES; i++) rig_sensor(&rig->site, KIND_LOS, 0, -50 + 55 * i, 35786000)->clutter_per_scan = clutter_per_scan;
  rig_open(rig, 64, 4096, NULL);
  return rig;
}

static void false_line(struct rig *rig, uint32_t sensor, int64_t time_ns, struct prng *prng) {
  double p[3], lat_rad = (20 * prng_uniform(prng) - 10) * RIG_DEGREE, lon_rad = (20 * prng_uniform(prng) - 5) * RIG_DEGREE;
  wk_ecef_from_geodetic(lat_rad, lon_rad, 10e3, p);
  rig_see(rig, sensor, time_ns, p, prng);
}

/* Two motors and some false lines, each eye in its own third of the second, one look in six missing. */
static void second_see(struct rig *rig, struct body bodies[2], int second, struct prng *prng) {
  for (uint32_t eye = 0; eye < EYES; eye++) {
    int64_t time_ns = RIG_BEGIN_NS + second * RIG_SECOND_NS + eye * (RIG_SECOND_NS / EYES);
    for (int b = 0; b < 2; b++) {
      if (prng_uniform(prng) > 1.0 / 6) rig_see(rig, eye, time_ns, bodies[b].p, prng);
      body_fly(&bodies[b], 1.0 / EYES, 20);
    }
    for (int i = 0; i < 40; i++) false_line(rig, eye, time_ns, prng);
    rig_step(rig, time_ns + 1000000);
  }
}

struct pairs_known {
  uint32_t compared, crossing;
};

/* Of pairs that have not been compared nothing is known. */
static struct pairs_known crossings_check(const struct tracker *tracker) {
  const struct rays *rays = &tracker->rays;
  struct pairs_known known = {0, 0};
  for (uint32_t i = 0; i < TRACKLETS_MAX; i++) {
    const struct tracklet *a = &rays->tracklets[i];
    for (uint32_t s = 0; s < EYES; s++)
      assert_int_equal(tracklet_set_has(&rays->of_sensor[s], i), tracklet_set_has(&rays->present, i) && a->sensor == s);
    if (!tracklet_set_has(&rays->present, i)) continue;
    assert_true(i < rays->high);
    assert_int_equal(rays->newest_ns[i], tracklet_newest_ns(a));
    assert_int_equal(tracklet_set_has(&rays->linked, i), a->count >= 2);
    for (uint32_t j = 0; j < rays->high; j++) {
      const struct tracklet *b = &rays->tracklets[j];
      assert_int_equal(tracklet_set_has(&rays->compared[i], j), tracklet_set_has(&rays->compared[j], i));
      if (!tracklet_set_has(&rays->present, j) || a->sensor >= b->sensor || !tracklet_set_has(&rays->compared[i], j)) continue;
      bool fits = meeting_fits(tracker, i, j);
      rig_expect(tracklet_set_has(&rays->crossing[i], j) == fits && tracklet_set_has(&rays->crossing[j], i) == fits,
                 "tracklets %u and %u: fit is %d, kept are %d and %d", i, j, fits, tracklet_set_has(&rays->crossing[i], j),
                 tracklet_set_has(&rays->crossing[j], i));
      known.compared++;
      known.crossing += fits;
    }
  }
  return known;
}

static void what_is_kept_of_pairs_is_what_all_pairs_say(void **state) {
  (void)state;
  struct rig *rig = eyes_open(40);
  struct prng prng = prng_seed(5, 1);
  struct body bodies[2] = {body_at(3, 5, 15e3, 300, 100, 500), body_at(-4, 8, 15e3, -200, 250, 600)};
  uint32_t crossings = 0;
  for (int second = 0; second < 12; second++) {
    second_see(rig, bodies, second, &prng);
    crossings += crossings_check(rig->tracker).crossing;
  }
  rig_expect(crossings > 20, "only %u crossings in all: nothing was compared", crossings);
  assert_true(rig_fates(rig, FATE_CLUTTER) > 100); /* places were used again */
  assert_int_equal(rig_fates(rig, FATE_STARTED) > 0, true);
  rig_drain(rig);
  rig_close(rig);
}

/* A tracker that was saved and loaded knows the same. */
static void a_load_finds_what_was_kept(void **state) {
  (void)state;
  struct rig *rig = eyes_open(40), *other = eyes_open(40);
  struct prng prng = prng_seed(6, 1);
  struct body bodies[2] = {body_at(3, 5, 15e3, 300, 100, 500), body_at(-4, 8, 15e3, -200, 250, 600)};
  for (int second = 0; second < 2; second++) second_see(rig, bodies, second, &prng);
  unsigned char *bytes = malloc(LOADED_BYTES);
  assert_non_null(bytes);
  struct image saved = image_save(bytes, LOADED_BYTES);
  tracker_image(rig->tracker, &saved);
  struct image loaded = image_load(bytes, saved.at);
  tracker_image(other->tracker, &loaded);
  assert_true(image_complete(&loaded));
  assert_int_equal(crossings_check(other->tracker).compared, 0); /* compared anew when they are asked */
  other->ledger = rig->ledger;
  other->accepted = rig->accepted;
  other->sequence = rig->sequence;
  other->builder.number = rig->builder.number;
  other->number_seen = rig->number_seen;
  uint32_t compared = 0;
  for (int second = 2; second < 6; second++) {
    struct body same[2] = {bodies[0], bodies[1]};
    struct prng again = prng;
    second_see(rig, bodies, second, &prng);
    second_see(other, same, second, &again);
    struct image hash = image_hash(), other_hash = image_hash();
    tracker_image(rig->tracker, &hash);
    tracker_image(other->tracker, &other_hash);
    rig_expect(hash.hash == other_hash.hash, "the loaded one is another after second %d", second);
    compared += crossings_check(other->tracker).compared;
  }
  rig_expect(compared > 50, "only %u pairs compared in all", compared);
  free(bytes);
  rig_drain(rig);
  rig_close(rig);
  rig_close(other);
}

static double nearest_m(const struct rig *rig, const double p[3]) {
  double nearest = INFINITY;
  for (uint32_t slot = 0; slot < rig->tracker->store.high; slot++) {
    const struct track *track = &rig->tracker->store.tracks[slot];
    if (track->alive) nearest = fmin(nearest, rig_distance(track->position_m, p));
  }
  return nearest;
}

/* Each eye has more lines that wait than an assignment has columns before the motor is first seen. Some of these lines meet by chance, and
 * begin tracks of their own. */
static void more_tracklets_than_an_assignment_holds_hide_no_object(void **state) {
  (void)state;
  struct rig *rig = eyes_open(FALSE_LINES);
  struct prng prng = prng_seed(7, 1);
  struct body body = body_at(3, 5, 15e3, 300, 100, 500);
  double distance_m = INFINITY;
  for (int second = 0; second < 9 && distance_m > 20e3; second++) {
    for (uint32_t eye = 0; eye < EYES; eye++) {
      int64_t time_ns = RIG_BEGIN_NS + second * RIG_SECOND_NS + eye * (RIG_SECOND_NS / EYES);
      for (int i = 0; i < FALSE_LINES; i++) false_line(rig, eye, time_ns, &prng);
      if (second > 0) rig_see(rig, eye, time_ns, body.p, &prng);
      body_fly(&body, 1.0 / EYES, 20);
      rig_step(rig, time_ns + 1000000);
      assert_true(rig->tracker->rays.high > EYES * ASSIGN_MAX || second == 0);
    }
    distance_m = nearest_m(rig, body.p);
  }
  rig_expect(distance_m < 20e3, "the nearest track is %.0f m from the motor", distance_m);
  rig_drain(rig);
  rig_close(rig);
}

/* More lines than there are places: those due to expire first are clutter at once, and no line is lost. */
static void tracklets_due_first_give_way_where_all_places_are_taken(void **state) {
  (void)state;
  enum { LATER = 100 };
  struct rig *rig = eyes_open(FALSE_LINES);
  struct prng prng = prng_seed(9, 1);
  const struct rays *rays = &rig->tracker->rays;
  for (int i = 0; i < TRACKLETS_MAX; i++) false_line(rig, 0, RIG_BEGIN_NS + i, &prng);
  rig_step(rig, RIG_BEGIN_NS + TRACKLETS_MAX);
  assert_int_equal(tracklet_set_free(&rays->present), TRACKLETS_MAX);
  assert_int_equal(rig_fates(rig, FATE_CLUTTER), 0);
  const int64_t later_ns = RIG_BEGIN_NS + RIG_SECOND_NS / 5;
  for (int i = 0; i < LATER; i++) false_line(rig, 1, later_ns, &prng);
  rig_step(rig, later_ns);
  assert_int_equal(rig_fates(rig, FATE_CLUTTER), LATER);
  uint32_t left[2] = {0, 0};
  for (uint32_t i = 0; i < TRACKLETS_MAX; i++) {
    assert_true(rays->newest_ns[i] >= RIG_BEGIN_NS + LATER);
    left[rays->tracklets[i].sensor]++;
  }
  assert_int_equal(left[0], TRACKLETS_MAX - LATER);
  assert_int_equal(left[1], LATER);
  rig_step(rig, later_ns + 7 * RIG_SECOND_NS); /* their time, and the lag, are over */
  assert_int_equal(rig_fates(rig, FATE_CLUTTER), TRACKLETS_MAX + LATER);
  assert_int_equal(rays->high, 0);
  rig_drain(rig);
  rig_close(rig);
}

static void random_ray(struct ray *ray, struct prng *prng, const double towards[3], double off_rad, int64_t time_ns) {
  double norm = 0, dot = 0;
  *ray = (struct ray){.variance = {1e-9, 2e-9}, .log_density = 5, .time_ns = time_ns};
  for (int i = 0; i < 3; i++) {
    ray->site_m[i] = 4.2e7 * (i == 0) + 1e6 * prng_normal(prng);
    ray->direction[i] = towards[i] - ray->site_m[i];
    norm += ray->direction[i] * ray->direction[i];
  }
  for (int i = 0; i < 3; i++) ray->direction[i] = ray->direction[i] / sqrt(norm) + off_rad * prng_normal(prng);
  norm = sqrt(vector_dot(ray->direction, ray->direction));
  for (int i = 0; i < 3; i++) ray->direction[i] /= norm;
  for (int i = 0; i < 3; i++) dot += (i == 2) * ray->direction[i];
  for (int i = 0; i < 3; i++) ray->across[0][i] = (i == 2) - dot * ray->direction[i];
  norm = sqrt(vector_dot(ray->across[0], ray->across[0]));
  for (int i = 0; i < 3; i++) ray->across[0][i] /= norm;
  for (int i = 0; i < 3; i++) {
    int j = (i + 1) % 3, k = (i + 2) % 3;
    ray->across[1][i] = ray->direction[j] * ray->across[0][k] - ray->direction[k] * ray->across[0][j];
  }
}

static void what_is_not_near_is_no_line_of_the_object(void **state) {
  (void)state;
  struct prng prng = prng_seed(8, 1);
  uint32_t far = 0, taken = 0;
  for (int round = 0; round < 20000; round++) {
    const double object[3] = {6.4e6, 1e6 * prng_normal(&prng), 1e6 * prng_normal(&prng)};
    double likelihood, distance2, max = 16 + 8 * prng_uniform(&prng);
    struct ray ray;
    struct los_fit fit;
    random_ray(&ray, &prng, object, 0, 0);
    los_fit_begin(&fit, &ray, 3.56e7, 2e5, 1200);
    for (int i = 0; i < round % 4; i++) {
      random_ray(&ray, &prng, object, 1e-5, i * RIG_SECOND_NS);
      los_fit_line(&fit, &ray, INFINITY, &likelihood, &distance2);
    }
    random_ray(&ray, &prng, object, pow(10, -4.5 + 3 * prng_uniform(&prng)), (int64_t)(8e9 * prng_uniform(&prng)));
    bool near = los_fit_near(&fit, &ray, max), fits = los_fit_line(&fit, &ray, max, &likelihood, &distance2);
    rig_expect(near || !fits, "round %d: a line at %g was called far", round, distance2);
    far += !near;
    taken += fits;
  }
  rig_expect(far > 2000 && taken > 2000, "%u far, %u taken of 20000", far, taken);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_kept_of_pairs_is_what_all_pairs_say),
      cmocka_unit_test(a_load_finds_what_was_kept),
      cmocka_unit_test(more_tracklets_than_an_assignment_holds_hide_no_object),
      cmocka_unit_test(tracklets_due_first_give_way_where_all_places_are_taken),
      cmocka_unit_test(what_is_not_near_is_no_line_of_the_object),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

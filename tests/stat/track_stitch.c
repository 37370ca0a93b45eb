// stage: weft_track weft_ingest weft_domain weft_base weft_kernels
/* Thirty missiles in free flight, every sensor silent for one, two or five minutes: afterwards each goes on
 * as the track it was, or says whose continuation it is. In a salvo whose members fly side by side nobody is
 * taken for another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernels/ref/ref_models.h"
#include "tests/unit/track_support.h"

enum { BODIES = 30, BEFORE_S = 40, AFTER_S = 60 };

static int64_t at(double s) {
  return RIG_BEGIN_NS + (int64_t)llround(s * 1e9);
}

static double no_air(double height_m) {
  (void)height_m;
  return 0;
}

/* Free flight with the Earth's flattening, which five minutes do not forgive, by the oracle's own motion. */
static void body_fall(struct body *b, double dt_s) {
  const struct wk_tuning tuning = {0};
  double x[REF_N_MAX] = {0}, k[4][REF_N_MAX], y[REF_N_MAX];
  int steps = (int)ceil(dt_s);
  double h = dt_s / steps;
  memcpy(x, b->p, sizeof b->p);
  memcpy(x + 3, b->v, sizeof b->v);
  for (int n = 0; n < steps; n++) {
    for (int stage = 0; stage < 4; stage++) {
      double reach = stage == 0 ? 0 : stage == 3 ? h : h / 2;
      memcpy(y, x, sizeof y);
      for (int i = 0; i < 6 && stage; i++) y[i] += reach * k[stage - 1][i];
      ref_rate(WK_COAST, y, &tuning, no_air, k[stage]);
    }
    for (int i = 0; i < 6; i++) x[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
  }
  memcpy(b->p, x, sizeof b->p);
  memcpy(b->v, x + 3, sizeof b->v);
}

/* How it went for one scene. */
struct tally {
  uint32_t seen;      /* bodies with a confirmed track before and after the gap */
  uint32_t right;     /* the same number, or a continuation of the right one */
  uint32_t by_number; /* of these, the same number */
  uint32_t wrong;     /* goes on as, or from, another body's track */
};

enum { NUMBERS_MAX = 4096 };

/* Which body each track number followed, by the nearest at its last line; the numbers themselves are small
 * here. */
struct scene {
  struct rig *rig;
  struct body bodies[BODIES];
  int body_of[NUMBERS_MAX];
  uint64_t before[BODIES]; /* number of the confirmed track of each body when the gap began, 0 = none */
};

static void crossing_make(struct scene *scene, struct prng *prng) {
  for (int n = 0; n < BODIES; n++) { /* from a ring of 300 km inward, so that the paths cross */
    double from = 2 * 3.14159265 * (n + 0.3 * prng_uniform(prng)) / BODIES,
           aim = 0.3 * (prng_uniform(prng) - 0.5);
    double speed = 900 + 500 * prng_uniform(prng), up = 2000 + 400 * prng_uniform(prng);
    scene->bodies[n] = body_at(42 + 2.7 * cos(from), 3 + 3.6 * sin(from), 70e3 + 20e3 * prng_uniform(prng),
                               -speed * sin(from + aim), -speed * cos(from + aim), up);
  }
}

/* Side by side, 2 km apart, all with the same velocity. */
static void parallel_make(struct scene *scene, struct prng *prng) {
  double up = 2000 + 400 * prng_uniform(prng);
  for (int n = 0; n < BODIES; n++) {
    double north_m = 2000.0 * (n % 6), east_m = 2000.0 * (n / 6);
    scene->bodies[n] = body_at(41.5 + north_m / 111e3, 2.0 + east_m / 83e3, 75e3, 900, 300, up);
  }
}

static void second_step(struct scene *scene, int s, bool seen, struct prng *prng) {
  for (int n = 0; n < BODIES; n++) {
    for (uint32_t sensor = 0; seen && sensor < 2; sensor++) {
      struct body b = scene->bodies[n];
      double later = 0.4 * sensor + 0.005 * n;
      body_fall(&b, later + 1e-9);
      if (prng_uniform(prng) < 0.9) rig_see(scene->rig, sensor, at(s + later), b.p, prng);
    }
  }
  for (int quarter = 1; quarter <= 4; quarter++) rig_step(scene->rig, at(s + 0.25 * quarter - 0.01));
  for (int n = 0; n < BODIES; n++) body_fall(&scene->bodies[n], 1);
}

/* The body nearest to where the report puts its track; -1 where none is within 10 km. */
static int body_nearest(const struct scene *scene, const struct track_report *r, double now_s) {
  int best = -1;
  double least = 10e3;
  for (int n = 0; n < BODIES; n++) {
    double p[3], dt = (double)(r->time_ns - at(now_s)) * 1e-9;
    for (int i = 0; i < 3; i++) p[i] = scene->bodies[n].p[i] + dt * scene->bodies[n].v[i];
    double d = rig_distance(p, r->position_m);
    if (d < least) {
      least = d;
      best = n;
    }
  }
  return best;
}

static void tracks_note(struct scene *scene, double now_s) {
  const struct tracker *t = scene->rig->tracker;
  for (uint32_t slot = 0; slot < t->store.high; slot++) {
    const struct track *track = &t->store.tracks[slot];
    if (!track->alive || track->status != STATUS_CONFIRMED) continue;
    struct track_report r = {.time_ns = track->time_ns};
    memcpy(r.position_m, track->position_m, sizeof r.position_m);
    int body = body_nearest(scene, &r, now_s);
    rig_expect(track->number < NUMBERS_MAX, "track %llu: more tracks than this test has room for",
               (unsigned long long)track->number);
    scene->body_of[track->number] = body;
    if (body >= 0) scene->before[body] = track->number;
  }
}

static void tracks_judge(struct scene *scene, double now_s, struct tally *tally) {
  const struct tracker *t = scene->rig->tracker;
  bool after[BODIES] = {false}, right[BODIES] = {false}, same[BODIES] = {false};
  for (uint32_t slot = 0; slot < t->store.high; slot++) {
    const struct track *track = &t->store.tracks[slot];
    if (!track->alive || track->status != STATUS_CONFIRMED ||
        now_s - (double)(track->newest_ns - at(0)) * 1e-9 > 5)
      continue;
    struct track_report r = {.time_ns = track->time_ns};
    memcpy(r.position_m, track->position_m, sizeof r.position_m);
    int body = body_nearest(scene, &r, now_s), was = scene->body_of[track->number];
    if (track->continues) was = scene->body_of[track->continues];
    if (body < 0) continue;
    after[body] = true;
    right[body] |= was == body;
    same[body] |= was == body && !track->continues;
    if (was >= 0 && was != body) tally->wrong++;
  }
  for (int n = 0; n < BODIES; n++) {
    tally->seen += after[n] && scene->before[n];
    tally->right += right[n] && scene->before[n];
    tally->by_number += same[n] && scene->before[n];
  }
}

static struct tally scene_run(uint64_t seed, bool parallel, int gap_s) {
  static struct scene scene;
  struct tally tally = {0};
  struct prng prng = prng_seed(seed, (uint64_t)gap_s);
  memset(&scene, 0, sizeof scene);
  for (int n = 0; n < NUMBERS_MAX; n++) scene.body_of[n] = -1;
  scene.rig = rig_new();
  for (int k = 0; k < 2; k++)
    rig_sensor(&scene.rig->site, KIND_RADAR, 41 + k, 2 + k, 100)->clutter_per_scan = 1;
  rig_open(scene.rig, 1024, 4096, NULL);
  if (parallel) {
    parallel_make(&scene, &prng);
  } else {
    crossing_make(&scene, &prng);
  }
  int s = 0;
  for (; s < BEFORE_S; s++) second_step(&scene, s, true, &prng);
  tracks_note(&scene, s);
  for (; s < BEFORE_S + gap_s; s++) second_step(&scene, s, false, &prng);
  for (; s < BEFORE_S + gap_s + AFTER_S; s++) second_step(&scene, s, true, &prng);
  tracks_judge(&scene, s, &tally);
  rig_drain(scene.rig);
  rig_close(scene.rig);
  return tally;
}

static uint64_t runs_wanted(void) {
  const char *wish = getenv("WEFT_STAT");
  return wish && strcmp(wish, "full") == 0 ? 20 : 1;
}

static struct tally scenes_run(bool parallel, int gap_s) {
  struct tally sum = {0};
  uint64_t runs = runs_wanted();
  for (uint64_t seed = 1; seed <= runs; seed++) {
    struct tally one = scene_run(seed, parallel, gap_s);
    sum.seen += one.seen;
    sum.right += one.right;
    sum.by_number += one.by_number;
    sum.wrong += one.wrong;
  }
  print_message("%s, gap %d s, %llu runs: %u of %u right (%u under the old number), %u wrong\n",
                parallel ? "side by side" : "crossing", gap_s, (unsigned long long)runs, sum.right, sum.seen,
                sum.by_number, sum.wrong);
  return sum;
}

static void crossing_tracks_are_stitched_over_gaps(void **state) {
  (void)state;
  static const int gaps[] = {60, 120, 300};
  for (int k = 0; k < 3; k++) {
    struct tally tally = scenes_run(false, gaps[k]);
    rig_expect(tally.seen >= 25 * runs_wanted(), "gap %d s: only %u bodies tracked before and after", gaps[k],
               tally.seen);
    rig_expect(tally.right * 100 >= tally.seen * 95, "gap %d s: %u of %u right", gaps[k], tally.right,
               tally.seen);
    rig_expect(tally.wrong == 0, "gap %d s: %u taken for another", gaps[k], tally.wrong);
  }
}

static void nobody_in_a_parallel_salvo_is_taken_for_another(void **state) {
  (void)state;
  static const int gaps[] = {60, 120, 300};
  for (int k = 0; k < 3; k++) {
    struct tally tally = scenes_run(true, gaps[k]);
    rig_expect(tally.seen >= 20 * runs_wanted(), "gap %d s: only %u bodies tracked before and after", gaps[k],
               tally.seen);
    rig_expect(tally.wrong == 0, "gap %d s: %u of %u taken for another", gaps[k], tally.wrong, tally.seen);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(crossing_tracks_are_stitched_over_gaps),
      cmocka_unit_test(nobody_in_a_parallel_salvo_is_taken_for_another),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

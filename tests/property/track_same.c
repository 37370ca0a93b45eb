// stage: weft_track weft_ingest weft_platform weft_domain weft_base weft_kernels
/* The same frames give the same reports to the bit: for any number of workers, any kernel variant, any order of arrival
 * within a frame. Every run is a child process, since the kernels are chosen once per process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "engine/platform/pool.h"
#include "tests/unit/track_support.h"

enum { MISSILES = 12, AIRCRAFT = 60, SECONDS = 45, DIGESTS_MAX = 4096 };

/* What a run leaves: one number per frame, and how much there was to compare. */
struct outcome {
  uint64_t frames, reports, confirmed, reordered, softened, shared, digest[DIGESTS_MAX];
};

struct run {
  const char *kernels; /* NULL: as it comes */
  uint32_t workers;
  bool shuffle;
};

static uint64_t fold(uint64_t digest, const void *bytes, size_t size) {
  const unsigned char *b = bytes;
  for (size_t i = 0; i < size; i++) digest = (digest ^ b[i]) * 0x100000001b3u;
  return digest;
}

/* Field by field: padding is nobody's business. */
static uint64_t fold_report(uint64_t digest, const struct track_report *r) {
  digest = fold(digest, &r->time_ns, sizeof r->time_ns);
  digest = fold(digest, &r->track, sizeof r->track);
  const uint8_t small[4] = {r->status, r->phase, r->class_, r->has_phase};
  digest = fold(digest, small, sizeof small);
  digest = fold(digest, r->position_m, sizeof r->position_m);
  digest = fold(digest, r->velocity_mps, sizeof r->velocity_mps);
  digest = fold(digest, r->covariance, sizeof r->covariance);
  const double numbers[7] = {r->lat_deg, r->lon_deg, r->height_m, r->existence, r->phase_probability[0],
                             r->phase_probability[1], r->phase_probability[2]};
  digest = fold(digest, numbers, sizeof numbers);
  digest = fold(digest, r->sensors, sizeof r->sensors);
  digest = fold(digest, &r->detections, sizeof r->detections);
  digest = fold(digest, &r->first_time_ns, sizeof r->first_time_ns);
  return fold(digest, &r->arrival_ns, sizeof r->arrival_ns);
}

static int64_t at(double s) { return RIG_BEGIN_NS + (int64_t)llround(s * 1e9); }

static void clutter(struct rig *rig, uint32_t sensor, double s, struct prng *prng) {
  struct detection *d = rig_add(rig, sensor, at(s));
  d->valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION;
  d->measure[0] = 1e5 + 5e5 * prng_uniform(prng);
  d->measure[1] = 6.28 * prng_uniform(prng) - 3.14;
  d->measure[2] = 0.02 + 0.8 * prng_uniform(prng);
}

/* The second radar's plots come a second after the others', so that most are older than their tracks. */
static void look_delayed(struct rig *rig, struct body body, bool missile, double s, struct prng *prng) {
  if (missile) body_fly(&body, -1, 30);
  if (!missile) body_cruise(&body, -1);
  rig_see(rig, 1, at(s - 1), body.p, prng);
}

static void scene_step(struct rig *rig, struct body *bodies, struct prng *prng, int k) {
  double s = 0.25 * k;
  for (int n = 0; n < MISSILES + AIRCRAFT; n++) {
    for (uint32_t sensor = 0; sensor < 4; sensor++) {
      bool due = sensor < 2 ? k % 4 == (int)sensor : k % 2 == (int)sensor % 2 && n < MISSILES;
      if (!due || prng_uniform(prng) >= 0.9) continue;
      if (sensor == 1 && k > 8) {
        look_delayed(rig, bodies[n], n < MISSILES, s + 0.002 * n, prng);
      } else {
        rig_see(rig, sensor, at(s + 0.002 * n), bodies[n].p, prng);
      }
    }
    if (n < MISSILES) body_fly(&bodies[n], 0.25, 30);
    if (n >= MISSILES) body_cruise(&bodies[n], 0.25);
  }
  for (int n = 0; n < 10; n++) clutter(rig, (uint32_t)n % 2, s + 0.01 * n, prng);
}

static void shuffle(struct rig *rig, struct prng *prng) {
  for (uint32_t i = rig->pending_count; i > 1; i--) {
    uint32_t j = (uint32_t)prng_below(prng, i);
    struct detection swapped = rig->pending[i - 1];
    rig->pending[i - 1] = rig->pending[j];
    rig->pending[j] = swapped;
  }
}

static void scene_run(struct run run, struct outcome *outcome) {
  struct rig *rig = rig_new();
  struct pool *pool = NULL;
  struct weft_error err;
  rig_sensor(&rig->site, KIND_RADAR, 41, 2, 100);
  rig_sensor(&rig->site, KIND_RADAR, 42.5, 4, 100);
  for (int k = 0; k < 2; k++) rig_sensor(&rig->site, KIND_LOS, 0, k ? 50 : -20, 35786000)->revisit_s = 0.5;
  for (uint32_t s = 0; s < 2; s++) rig->site.sensors[s].clutter_per_scan = 20;
  const double cell[3] = {500, 0.012, 0.012};
  memcpy(rig->site.sensors[0].resolution, cell, sizeof cell);
  assert_int_equal(pool_open(run.workers, NULL, 0, &pool, &err), 0);
  struct parallel parallel = pool_parallel(pool);
  rig_open(rig, 1024, 1024, &parallel);
  struct body bodies[MISSILES + AIRCRAFT];
  struct prng prng = prng_seed(1, 0), order = prng_seed(2, 0);
  for (int n = 0; n < MISSILES; n++) bodies[n] = body_at(42, 3 + 0.02 * n, 3000, 60, 10.0 * n, 200);
  for (int n = 0; n < AIRCRAFT; n++) { /* some close to each other, so that clusters have work */
    bodies[MISSILES + n] = body_at(41.6 + 0.008 * (n % 8), 2.5 + 0.05 * (n / 8), 9000, 200, n % 2 ? 100 : -100, 0);
  }
  memset(outcome, 0, sizeof *outcome);
  for (int k = 0; k < 4 * SECONDS; k++) {
    scene_step(rig, bodies, &prng, k);
    if (run.shuffle) shuffle(rig, &order);
    rig->overload_step = k > 3 * SECONDS ? (uint32_t)k / 4 % (OVERLOAD_MOST + 1) : OVERLOAD_NONE;
    rig_step(rig, at(0.25 * k + 0.2));
    uint64_t digest = 0xcbf29ce484222325u;
    for (uint32_t i = 0; i < rig->output.count; i++) {
      digest = fold_report(digest, &rig->output.reports[i]);
      outcome->confirmed += rig->output.reports[i].status == STATUS_CONFIRMED;
    }
    outcome->reports += rig->output.count;
    outcome->digest[outcome->frames++] = digest;
  }
  struct tracker_statistics statistics;
  tracker_statistics_get(rig->tracker, &statistics);
  outcome->softened = statistics.tracks_softened;
  outcome->shared = statistics.shared;
  outcome->reordered = statistics.out_of_sequence[0];
  rig_close(rig);
  pool_close(pool);
}

static void run_in_child(struct run run, struct outcome *outcome) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (run.kernels) setenv("WEFT_KERNELS", run.kernels, 1);
    scene_run(run, outcome);
    bool named = !run.kernels || !wk_variant(run.kernels) || strcmp(wk_table()->name, run.kernels) == 0;
    const char *bytes = (const char *)outcome;
    for (size_t sent = 0; sent < sizeof *outcome;) {
      ssize_t n = write(ends[1], bytes + sent, sizeof *outcome - sent);
      if (n <= 0) _exit(1);
      sent += (size_t)n;
    }
    _exit(named ? 0 : 2);
  }
  close(ends[1]);
  size_t got = 0;
  for (ssize_t n; got < sizeof *outcome && (n = read(ends[0], (char *)outcome + got, sizeof *outcome - got)) > 0;) {
    got += (size_t)n;
  }
  close(ends[0]);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(got, sizeof *outcome);
  assert_int_equal(status, 0);
}

static struct outcome expected, other;

static void outcome_compare(const char *what) {
  assert_int_equal(expected.frames, other.frames);
  for (uint64_t f = 0; f < expected.frames; f++) {
    rig_expect(expected.digest[f] == other.digest[f], "%s: frame %llu differs first", what, (unsigned long long)f + 1);
  }
  assert_int_equal(expected.reports, other.reports);
}

static void reports_do_not_depend_on_the_number_of_workers(void **state) {
  (void)state;
  rig_expect(expected.confirmed > 2000, "only %llu confirmed reports to compare", (unsigned long long)expected.confirmed);
  rig_expect(expected.reordered > 1000, "only %llu plots out of sequence", (unsigned long long)expected.reordered);
  rig_expect(expected.softened > 20, "only %llu soft updates", (unsigned long long)expected.softened);
  rig_expect(expected.shared > 20, "only %llu shared plots", (unsigned long long)expected.shared);
  const uint32_t workers[] = {2, 4, 7};
  for (int k = 0; k < 3; k++) {
    char what[32];
    snprintf(what, sizeof what, "%u workers", workers[k]);
    run_in_child((struct run){.workers = workers[k]}, &other);
    outcome_compare(what);
  }
}

static void reports_do_not_depend_on_the_kernel_variant(void **state) {
  (void)state;
  const char *const variants[] = {"scalar", "v3", "v4"};
  for (int k = 0; k < 3; k++) {
    run_in_child((struct run){.workers = 2, .kernels = variants[k]}, &other);
    outcome_compare(variants[k]);
  }
}

static void reports_do_not_depend_on_the_order_of_arrival_within_a_frame(void **state) {
  (void)state;
  run_in_child((struct run){.workers = 1, .shuffle = true}, &other);
  outcome_compare("shuffled");
}

static int set_up(void **state) {
  (void)state;
  run_in_child((struct run){.workers = 1}, &expected);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reports_do_not_depend_on_the_number_of_workers),
      cmocka_unit_test(reports_do_not_depend_on_the_kernel_variant),
      cmocka_unit_test(reports_do_not_depend_on_the_order_of_arrival_within_a_frame),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}

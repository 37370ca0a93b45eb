/* The whole server, the one that `weft run` is, in a simulated world: everything that can go wrong around it
 * does, as a seed draws it, and afterwards the books add up, the journal replays to the same tracks bit for
 * bit, every track is sound and nothing was allocated while it ran. `WEFT_SIM_SEED=n` repeats one seed and
 * says what happened; `WEFT_SIM_COUNT=n` runs seeds 1 to n; `WEFT_STAT=full` runs 50,000. */
// links: tests/sim/world/*.c
// wraps: malloc calloc realloc mmap arena_seal io_open engine_ledger_print pthread_create pthread_join
// wraps: pthread_sigmask clock_gettime eventfd signalfd socket bind listen setsockopt getsockname accept4
// wraps: send recv poll shutdown close read write open unlink
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/log.h"
#include "tests/sim/world/world.h"

enum { SEEDS_DEFAULT = 200, SEEDS_FULL = 50000, FAULTS_FULL_MIN = 1000, JOBS_MAX = 8, REPEATS = 12 };

static const char site_text[] =
    "centre: S1\ntime: live\n"
    "listen: {detections: \"127.0.0.1:0\", tracks: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}\n"
    "journal: {directory: journal, segment_mib: 1, snapshot_s: 0.5}\n"
    "sensors:\n"
    "  - {id: 1, kind: radar, revisit_s: 0.25, position: {lat_deg: -1, lon_deg: -2, height_m: 0}, sigma: "
    "{range_m: 30, azimuth_rad: 0.001, elevation_rad: 0.001}, coverage: {range_m: [0, 3e6], elevation_deg: "
    "[-10, 90]}}\n"
    "  - {id: 2, kind: radar, nation: B, revisit_s: 0.25, position: {lat_deg: 2, lon_deg: 2, height_m: 0}, "
    "sigma: {range_m: 40, azimuth_rad: 0.001, elevation_rad: 0.001}, coverage: {range_m: [0, 3e6], "
    "elevation_deg: [-10, 90]}}\n"
    "  - {id: 3, kind: position, revisit_s: 0.25, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: "
    "{x_m: 100}, key: 3.key}\n"
    "  - {id: 4, kind: los, frame: ecef, revisit_s: 0.25, position: {lat_deg: 0, lon_deg: 20, height_m: "
    "35786000}, sigma: {azimuth_rad: 2e-05, elevation_rad: 2e-05}}\n"
    "  - {id: 5, kind: radar, revisit_s: 0.25, position: {lat_deg: 1, lon_deg: -3, height_m: 10}, sigma: "
    "{range_m: 50, azimuth_rad: 0.002, elevation_rad: 0.002}, coverage: {range_m: [0, 3e6], elevation_deg: "
    "[-10, 90]}}\n"
    "  - {id: 6, kind: position, nation: B, revisit_s: 0.25, position: {lat_deg: 0, lon_deg: 0, height_m: "
    "0}, sigma: {x_m: 60}, budget_per_s: 100}\n";

static char folder[64];

/* Shared between the processes that run seeds. */
struct shared {
  struct marks marks[JOBS_MAX];
  uint64_t seed[JOBS_MAX]; /* under way */
  char failure[JOBS_MAX][600];
};

static void file_write(const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  chmod(path, S_IRUSR | S_IWUSR);
}

static void folder_make(void) {
  snprintf(folder, sizeof folder, "%s/weft-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  assert_non_null(mkdtemp(folder));
  file_write("site.yaml", site_text);
  file_write("3.key", "1 1111111111111111111111111111111111111111111111111111111111111111\n");
  char path[128];
  snprintf(path, sizeof path, "%s/journal", folder);
  assert_int_equal(mkdir(path, S_IRWXU), 0);
}

static void folder_remove(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  assert_int_equal(system(command), 0);
}

/* The marks file of one seed must not be found by the next. */
static bool seed_run(uint64_t seed, struct marks *marks) {
  char path[128];
  snprintf(path, sizeof path, "%s/site.yaml.marks", folder);
  unlink(path);
  return world_run(seed, folder, marks);
}

static uint64_t number_of(const char *name) {
  const char *text = getenv(name);
  return text ? strtoull(text, NULL, 10) : 0;
}

static void child_run(struct shared *shared, int job, int jobs, uint64_t count) {
  folder_make();
  log_level_set(0);
  for (uint64_t seed = 1 + (uint64_t)job; seed <= count; seed += (uint64_t)jobs) {
    shared->seed[job] = seed;
    if (seed_run(seed, &shared->marks[job])) continue;
    snprintf(shared->failure[job], sizeof shared->failure[job], "%s", world.failure);
    break;
  }
  folder_remove();
}

static void marks_join(struct marks *sum, const struct marks *part) {
  uint64_t *to = (uint64_t *)sum;
  const uint64_t *from = (const uint64_t *)part;
  for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) to[i] += from[i];
}

static void marks_print(const struct marks *marks) {
  for (int m = 0; m < MARKS; m++) {
    if (marks->times[m] == 0) continue;
    printf("  %-40s %10llu times in %llu seed(s)\n", mark_names[m], (unsigned long long)marks->times[m],
           (unsigned long long)marks->seeds[m]);
  }
  printf("  %llu servers ran, %llu were refused a start; %llu frames, %llu detections, %llu lines; %llu were gone on with, %llu "
         "of them from a snapshot\n",
         (unsigned long long)marks->runs, (unsigned long long)marks->refused,
         (unsigned long long)marks->frames, (unsigned long long)marks->detections,
         (unsigned long long)marks->reports, (unsigned long long)marks->resumed,
         (unsigned long long)marks->from_snapshot);
}

/* Integers can't be NaN, infinite or denormal. */
static bool field_takes(int field, int value) {
  bool whole = field < 3 || field == FIELDS_DETECTION || field == FIELDS - 1;
  return !whole || value == VALUES - 1;
}

static void marks_demand(const struct marks *marks, uint64_t least) {
  for (int m = 0; m < MARKS; m++)
    if (marks->times[m] < least)
      fail_msg("%s: happened %llu times, not %llu", mark_names[m], (unsigned long long)marks->times[m],
               (unsigned long long)least);
  for (int f = 0; f < FIELDS; f++)
    for (int v = 0; v < VALUES; v++)
      if (field_takes(f, v) && marks->fields[f][v] == 0)
        fail_msg("field %s never had bad value %d", field_names[f], v);
  assert_true(marks->runs > 0 && marks->refused > 0 && marks->reports > marks->runs);
  assert_true(marks->resumed > 0 && marks->from_snapshot > 0);
}

static void nothing_is_lost_or_wrong_whatever_happens(void **state) {
  (void)state;
  if (number_of("WEFT_SIM_SEED")) skip();
  const char *stat = getenv("WEFT_STAT");
  bool full = stat && strcmp(stat, "full") == 0;
  uint64_t given = number_of("WEFT_SIM_COUNT"), count = given ? given : full ? SEEDS_FULL : SEEDS_DEFAULT;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  int jobs = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (int)cores;
  struct shared *shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(shared != MAP_FAILED);
  fflush(stdout);
  pid_t children[JOBS_MAX];
  for (int j = 0; j < jobs; j++) {
    children[j] = fork();
    if (children[j] == 0) {
      child_run(shared, j, jobs, count);
      exit(0); /* in an orderly way: what counts covered branches writes its figures then */
    }
  }
  struct marks sum = {0};
  bool good = true;
  for (int j = 0; j < jobs; j++) {
    int status = 0;
    waitpid(children[j], &status, 0);
    marks_join(&sum, &shared->marks[j]);
    if (status == 0 && !shared->failure[j][0]) continue;
    good = false;
    print_error("seed %llu: %s (status %d)\nrepeat: WEFT_SIM_SEED=%llu tests/sim_server\n",
                (unsigned long long)shared->seed[j],
                shared->failure[j][0] ? shared->failure[j] : "the server died", status,
                (unsigned long long)shared->seed[j]);
  }
  marks_print(&sum);
  assert_true(good);
  if (!given) marks_demand(&sum, full ? FAULTS_FULL_MIN : 1);
  munmap(shared, sizeof *shared);
}

static void one_seed_says_what_happened(void **state) {
  (void)state;
  uint64_t seed = number_of("WEFT_SIM_SEED");
  if (!seed) skip();
  struct marks marks = {0};
  folder_make();
  log_level_set(LOG_LEVEL_INFO);
  bool good = seed_run(seed, &marks);
  folder_remove();
  marks_print(&marks);
  if (!good) fail_msg("seed %llu: %s", (unsigned long long)seed, world.failure);
}

static void the_same_seed_is_the_same_run(void **state) {
  (void)state;
  if (number_of("WEFT_SIM_SEED")) skip();
  struct marks marks = {0};
  uint64_t before = 0;
  folder_make();
  log_level_set(0);
  for (uint64_t seed = 1; seed <= REPEATS; seed++) {
    if (!seed_run(seed, &marks)) fail_msg("seed %llu: %s", (unsigned long long)seed, world.failure);
    uint64_t digest = world.digest;
    if (!seed_run(seed, &marks) || world.digest != digest)
      fail_msg("seed %llu: another run another time", (unsigned long long)seed);
    assert_true(digest != before || marks.refused > 0);
    before = digest;
  }
  folder_remove();
}

int main(void) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* lives are short: zeroing huge pages took half of the time */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_lost_or_wrong_whatever_happens),
      cmocka_unit_test(one_seed_says_what_happened),
      cmocka_unit_test(the_same_seed_is_the_same_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

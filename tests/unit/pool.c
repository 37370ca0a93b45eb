/* The pool: every item once, the same results for any number of workers, worker numbers fit for scratch memory, and
 * OpenMP teams as the plan has them. */
// stage: weft_platform weft_base
#include <dirent.h>
#include <errno.h>
#include <omp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/platform/pool.h"

/* Read by LeakSanitizer, if this is built with it. LLVM's libomp 14 loses one team of its own when regions of 1, 3, 7, 3 and
 * 1 threads follow each other from threads that end, in a program that contains nothing else. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libomp.so"; }

enum { ITEM_MAX = 20000, WORKER_MAX = 8, CHUNK_MAX = 64 };

struct job {
  uint64_t results[ITEM_MAX]; /* by index */
  uint8_t visits[ITEM_MAX];
  uint64_t scratch[WORKER_MAX][CHUNK_MAX];
  uint32_t workers;
  uint32_t chunk;
  atomic_uint pieces;
  atomic_uint wrong; /* pieces of a wrong shape: cmocka can only fail a test on its own thread */
  atomic_uint used[WORKER_MAX];
};

static struct job job, other;

/* Unequal work per item, through scratch memory of the worker: two workers with one number would spoil it. */
static void item_body(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  struct job *j = argument;
  j->pieces++;
  if (worker >= j->workers || begin >= end || end - begin > j->chunk || begin % j->chunk != 0) {
    j->wrong++;
    return;
  }
  j->used[worker]++;
  for (uint32_t i = begin; i < end; i++) {
    uint64_t value = i * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (uint32_t round = 0; round < 20 + i % 300; round++) value ^= value >> 7, value ^= value << 9;
    j->scratch[worker][i - begin] = value;
  }
  for (uint32_t i = begin; i < end; i++) {
    j->results[i] = j->scratch[worker][i - begin];
    j->visits[i]++;
  }
}

static struct pool *pool_make(uint32_t workers, const struct topology_plan *plan, uint32_t inline_max) {
  struct weft_error err = {0};
  struct pool *pool = NULL;
  if (pool_open(workers, plan, inline_max, &pool, &err) != 0) fail_msg("%s", err.text);
  return pool;
}

static void job_run(struct job *j, struct pool *pool, uint32_t items, uint32_t chunk) {
  memset(j, 0, sizeof *j);
  j->workers = pool_workers(pool);
  j->chunk = chunk;
  pool_run(pool, item_body, j, items, chunk);
  assert_int_equal(j->wrong, 0);
  assert_int_equal(j->pieces, (items + chunk - 1) / chunk);
  for (uint32_t i = 0; i < ITEM_MAX; i++)
    if (j->visits[i] != (i < items)) fail_msg("item %u of %u was visited %u times", i, items, j->visits[i]);
}

static void results_do_not_depend_on_the_workers(void **state) {
  (void)state;
  static const uint32_t workers[] = {1, 2, 4, 8}, items[] = {0, 1, 2, 7, 64, 65, 1000, 19999, ITEM_MAX}, chunks[] = {1, 3, 64};
  struct pool *alone = pool_make(1, NULL, 0);
  for (size_t w = 0; w < 4; w++) {
    struct pool *pool = pool_make(workers[w], NULL, 0);
    assert_int_equal(pool_workers(pool), workers[w]);
    for (size_t i = 0; i < 9; i++)
      for (size_t c = 0; c < 3; c++) {
        job_run(&job, alone, items[i], chunks[c]);
        job_run(&other, pool, items[i], chunks[c]);
        for (uint32_t at = 0; at < items[i]; at++)
          if (job.results[at] != other.results[at])
            fail_msg("%u workers, item %u: %llx instead of %llx", workers[w], at, (unsigned long long)other.results[at],
                     (unsigned long long)job.results[at]);
      }
    pool_close(pool);
  }
  pool_close(alone);
}

static void results_do_not_depend_on_the_spinning(void **state) {
  (void)state;
  static const uint32_t rounds[] = {0, 1, 100, 1000000};
  struct pool *alone = pool_make(1, NULL, 0);
  for (size_t r = 0; r < 4; r++) {
    struct pool *pool = pool_make(3, NULL, 0);
    pool_spin_set(pool, rounds[r]);
    for (uint32_t items = 1; items < 2000; items *= 3) {
      job_run(&job, alone, items, 2);
      job_run(&other, pool, items, 2);
      assert_memory_equal(job.results, other.results, items * sizeof job.results[0]);
    }
    pool_close(pool);
  }
  pool_close(alone);
}

/* Waits until a second worker has come, which it does if there is one, however slow the machine. */
static void meeting_body(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  atomic_uint *present = argument;
  (void)begin;
  (void)end;
  (void)worker;
  for (atomic_fetch_add(present, 1); atomic_load(present) < 2;) usleep(10);
}

static void workers_run_side_by_side(void **state) {
  (void)state;
  struct pool *pool = pool_make(2, NULL, 0);
  atomic_uint present = 0;
  pool_run(pool, meeting_body, &present, 2, 1);
  assert_int_equal(present, 2);
  pool_close(pool);
}

/* Loops that follow each other closely, and loops after which the workers have gone to sleep. */
static void many_loops_lose_no_item(void **state) {
  (void)state;
  struct pool *pool = pool_make(4, NULL, 0);
  for (uint32_t loop = 0; loop < 20000; loop++) {
    uint32_t items = 1 + loop * 7 % 97;
    memset(job.visits, 0, 128);
    job.workers = 4;
    job.chunk = 2;
    atomic_store(&job.wrong, 0);
    pool_run(pool, item_body, &job, items, 2);
    assert_int_equal(job.wrong, 0);
    for (uint32_t i = 0; i < 128; i++)
      if (job.visits[i] != (i < items)) fail_msg("loop %u: item %u of %u: %u visits", loop, i, items, job.visits[i]);
    if (loop % 200 == 0) usleep(500);
  }
  pool_close(pool);
}

static void small_loops_stay_on_the_caller(void **state) {
  (void)state;
  struct pool *pool = pool_make(4, NULL, 100);
  job_run(&job, pool, 100, 1);
  assert_int_equal(job.used[0], 100);
  /* One piece is nothing to share either. */
  job_run(&job, pool, 64, 64);
  assert_int_equal(job.used[0], 1);
  pool_close(pool);
}

static void default_chunk_covers_every_item(void **state) {
  (void)state;
  struct pool *pool = pool_make(4, NULL, 0);
  for (uint32_t items = 1; items < 200; items += 13) {
    memset(&job, 0, sizeof job);
    job.workers = 4;
    job.chunk = items / 16 ? items / 16 : 1;
    pool_run(pool, item_body, &job, items, 0);
    assert_int_equal(job.wrong, 0);
    for (uint32_t i = 0; i < 200; i++) assert_int_equal(job.visits[i], i < items);
  }
  pool_close(pool);
}

static void plan_gives_workers_and_places(void **state) {
  (void)state;
  static struct topology_plan plan;
  /* hwloc accepts bindings of a described machine without carrying them out. */
  assert_int_equal(topology_plan_open(&(struct topology_source){.synthetic = "package:1 l3:1 core:5 pu:1"}, 0, &plan, NULL), 0);
  assert_true(plan.pinned);
  struct pool *pool = pool_make(0, &plan, 0);
  assert_int_equal(pool_workers(pool), 4);
  job_run(&job, pool, ITEM_MAX, 64);
  struct parallel parallel = pool_parallel(pool);
  assert_int_equal(parallel.workers, 4);
  memset(&other, 0, sizeof other);
  other.workers = 4;
  other.chunk = 64;
  parallel.run(parallel.context, item_body, &other, ITEM_MAX, 64);
  assert_int_equal(other.wrong, 0);
  assert_memory_equal(job.results, other.results, sizeof job.results);
  pool_close(pool);
  topology_plan_close(&plan);
}

/* The value of an item of a loop that both runs and checks can afford 10,000 times. */
static uint64_t light_value(uint32_t loop, uint32_t item) {
  uint64_t value = (item + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ loop * UINT64_C(0xd6e8feb86659fd93);
  value ^= value >> 32;
  return value * UINT64_C(0xd6e8feb86659fd93);
}

struct light {
  uint64_t results[4096];
  uint32_t loop;
};

static void light_body(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  struct light *light = argument;
  (void)worker;
  for (uint32_t i = begin; i < end; i++) light->results[i] += light_value(light->loop, i); /* twice would show */
}

static void ten_thousand_loops_agree_for_any_workers(void **state) {
  (void)state;
  static struct light light;
  static const uint32_t workers[] = {1, 2, 4, 8}, chunks[] = {0, 1, 7, 256};
  for (size_t w = 0; w < 4; w++) {
    struct pool *pool = pool_make(workers[w], NULL, 0);
    for (uint32_t loop = 0; loop < 10000; loop++) {
      uint32_t items = loop % 50 == 0 ? 4096 - loop % 97 : loop % 11, touched = items + 16 < 4096 ? items + 16 : 4096;
      memset(light.results, 0, touched * sizeof light.results[0]);
      light.loop = loop;
      pool_run(pool, light_body, &light, items, chunks[loop / 50 % 4]);
      for (uint32_t i = 0; i < touched; i++) {
        uint64_t expected = i < items ? light_value(loop, i) : 0;
        if (light.results[i] != expected)
          fail_msg("%u workers, loop %u of %u items, item %u: %llx instead of %llx", workers[w], loop, items, i,
                   (unsigned long long)light.results[i], (unsigned long long)expected);
      }
    }
    pool_close(pool);
  }
}

/* What each worker sees of the OpenMP region it is in. Every worker waits for all others, so each takes one item. */
struct roll {
  uint32_t workers;
  atomic_uint present;
  int team_size[WORKER_MAX];
  int member[WORKER_MAX];
  int level[WORKER_MAX];
  pid_t thread[WORKER_MAX];
  bool signals_blocked[WORKER_MAX], faults_blocked[WORKER_MAX];
  cpu_set_t cpus[WORKER_MAX];
};

static void roll_body(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  struct roll *roll = argument;
  (void)begin;
  (void)end;
  sigset_t blocked;
  roll->team_size[worker] = omp_get_num_threads();
  roll->member[worker] = omp_get_thread_num();
  roll->level[worker] = omp_get_level();
  roll->thread[worker] = gettid();
  roll->signals_blocked[worker] = pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGTERM) == 1;
  roll->faults_blocked[worker] = pthread_sigmask(SIG_BLOCK, NULL, &blocked) != 0 || sigismember(&blocked, SIGSEGV) != 0;
  (void)sched_getaffinity(0, sizeof roll->cpus[worker], &roll->cpus[worker]);
  for (atomic_fetch_add(&roll->present, 1); atomic_load(&roll->present) < roll->workers;) usleep(10);
}

static void roll_call(struct roll *roll, struct pool *pool) {
  memset(roll, 0, sizeof *roll);
  roll->workers = pool_workers(pool);
  pool_run(pool, roll_body, roll, roll->workers, 1);
  assert_int_equal(roll->present, roll->workers);
}

/* The team of each worker: its size and its first worker. The caller is in none. */
static void roll_expect(const struct roll *roll, const uint32_t *size, const uint32_t *first) {
  assert_int_equal(roll->level[0], 0);
  assert_false(roll->signals_blocked[0]);
  for (uint32_t w = 1; w < roll->workers; w++) {
    if (roll->team_size[w] != (int)size[w] || roll->member[w] != (int)(w - first[w]))
      fail_msg("worker %u is member %d of %d, expected %u of %u", w, roll->member[w], roll->team_size[w], w - first[w], size[w]);
    assert_int_equal(roll->level[w], 1);
    assert_true(roll->signals_blocked[w]);
    assert_false(roll->faults_blocked[w]);
    for (uint32_t other_w = 0; other_w < w; other_w++) assert_int_not_equal(roll->thread[w], roll->thread[other_w]);
  }
}

static void teams_follow_the_plan(void **state) {
  (void)state;
  static struct topology_plan plan;
  static struct roll roll;
  /* Eight cores, one left to the I/O thread: three workers on the first socket, of which one is the caller, then four. */
  const struct topology_source source = {.synthetic = "package:2 l3:1 core:4 pu:1"};
  assert_int_equal(topology_plan_open(&source, 0, &plan, NULL), 0);
  assert_int_equal(plan.team_count, 2);
  struct pool *pool = pool_make(0, &plan, 0);
  assert_int_equal(pool_workers(pool), 7);
  static const uint32_t size[] = {0, 2, 2, 4, 4, 4, 4}, first[] = {0, 1, 1, 3, 3, 3, 3};
  roll_call(&roll, pool);
  roll_expect(&roll, size, first);
  pid_t threads[WORKER_MAX];
  memcpy(threads, roll.thread, sizeof threads);
  roll_call(&roll, pool); /* formed once: the same threads under the same numbers */
  assert_memory_equal(threads, roll.thread, sizeof threads);
  pool_close(pool);

  /* Fewer workers than planned leave the second team smaller; more than planned make a team of their own. */
  pool = pool_make(4, &plan, 0);
  static const uint32_t fewer_size[] = {0, 2, 2, 1}, fewer_first[] = {0, 1, 1, 3};
  roll_call(&roll, pool);
  roll_expect(&roll, fewer_size, fewer_first);
  pool_close(pool);
  pool = pool_make(8, &plan, 0);
  static const uint32_t more_size[] = {0, 2, 2, 4, 4, 4, 4, 1}, more_first[] = {0, 1, 1, 3, 3, 3, 3, 7};
  roll_call(&roll, pool);
  roll_expect(&roll, more_size, more_first);
  pool_close(pool);
  topology_plan_close(&plan);
}

static void closing_wakes_sleeping_workers(void **state) {
  (void)state;
  static struct roll roll;
  struct pool *pool = pool_make(4, NULL, 0);
  roll_call(&roll, pool);
  usleep(20000); /* far longer than they spin */
  pool_close(pool);
  pool = pool_make(4, NULL, 0); /* and one that never ran a loop, so has no teams */
  pool_close(pool);
}

static unsigned threads_count(void) {
  DIR *tasks = opendir("/proc/self/task");
  unsigned count = 0;
  if (!tasks) return 0;
  for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;) count += entry->d_name[0] != '.';
  closedir(tasks);
  return count;
}

/* libgomp ends its threads, if a moment after the pool is closed; libomp keeps as many as one pool had. */
static void opened_and_closed_often_leaks_no_thread(void **state) {
  (void)state;
  static struct roll roll;
  unsigned before = threads_count(), after = 0;
  assert_true(before > 0);
  for (uint32_t round = 0; round < 100; round++) {
    struct pool *pool = pool_make(4, NULL, 0);
    roll_call(&roll, pool);
    job_run(&job, pool, 1000, 3);
    pool_close(pool);
  }
  for (uint32_t wait = 0; wait < 10000; wait++) {
    after = threads_count();
    if (after <= before + 4) break;
    usleep(1000);
  }
  if (after > before + 4) fail_msg("%u threads before, %u after 100 pools of 4 workers", before, after);
}

/* Runs this program again with OpenMP's environment set against us. */
static void settings_try(const char *mode, const char *const settings[][2], size_t count) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    for (size_t s = 0; s < count; s++)
      if (setenv(settings[s][0], settings[s][1], 1) != 0) _exit(2);
    execl("/proc/self/exe", "unit_pool", mode, (char *)NULL);
    _exit(2);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_msg("%s: wait status %x", mode, (unsigned)status);
}

/* In the child: a team smaller than asked for gives the same results, with worker numbers that fit. */
static int main_limited(void) {
  static struct roll roll;
  struct pool *alone = pool_make(1, NULL, 0), *pool = pool_make(4, NULL, 0);
  job_run(&job, alone, ITEM_MAX, 3);
  for (int loop = 0; loop < 50; loop++) {
    job_run(&other, pool, ITEM_MAX, 3);
    if (memcmp(job.results, other.results, sizeof job.results) != 0) return 3;
  }
  roll.workers = 2; /* the caller and the one other that the limit of threads leaves */
  pool_run(pool, roll_body, &roll, 2, 1);
  pool_close(pool);
  pool_close(alone);
  return roll.team_size[1] == 1 && roll.present == 2 ? 0 : 4;
}

/* In the child: OMP_PROC_BIND does not tie the workers of a pool that pins nobody to single cpus, although libgomp has
 * tied the first thread to one. */
static int main_bound(void) {
  static struct roll roll;
  const char *expected = getenv("POOL_TEST_CPUS");
  struct pool *pool = pool_make(4, NULL, 0);
  roll_call(&roll, pool);
  pool_close(pool);
  for (uint32_t w = 1; w < 4; w++)
    if (!expected || CPU_COUNT(&roll.cpus[w]) != atoi(expected)) return 4;
  return 0;
}

static void openmp_settings_change_neither_results_nor_places(void **state) {
  (void)state;
  static const char *const limited[][2] = {{"OMP_THREAD_LIMIT", "1"}, {"OMP_DYNAMIC", "true"}, {"OMP_NUM_THREADS", "1"}};
  char cpus[16];
  cpu_set_t mine;
  assert_int_equal(sched_getaffinity(0, sizeof mine, &mine), 0);
  (void)snprintf(cpus, sizeof cpus, "%d", CPU_COUNT(&mine));
  const char *const bound[][2] = {{"OMP_PROC_BIND", "close"}, {"OMP_DYNAMIC", "true"}, {"POOL_TEST_CPUS", cpus}};
  settings_try("limited", limited, 3);
  settings_try("bound", bound, 3);
}

static void wrong_worker_counts_are_refused(void **state) {
  (void)state;
  struct pool *pool = NULL;
  struct weft_error err = {0};
  assert_int_equal(pool_open(PARALLEL_WORKERS_MAX + 1, NULL, 0, &pool, &err), -EINVAL);
  assert_true(strlen(err.text) > 10);
  pool = pool_make(0, NULL, 0);
  assert_int_equal(pool_workers(pool), 1);
  pool_close(pool);
}

static void nesting_body(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)begin;
  (void)end;
  (void)worker;
  pool_run(argument, item_body, &job, 10, 1);
}

static void nested_use_aborts(void **state) {
  (void)state;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (!freopen("/dev/null", "w", stderr)) _exit(3);
    signal(SIGABRT, SIG_DFL);
    struct pool *pool = NULL;
    if (pool_open(1, NULL, 0, &pool, NULL) != 0) _exit(2);
    pool_run(pool, nesting_body, pool, 1, 1);
    _exit(0);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "limited") == 0) return main_limited();
  if (count == 2 && strcmp(arguments[1], "bound") == 0) return main_bound();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nested_use_aborts), /* first: it forks, and no thread exists yet */
      cmocka_unit_test(results_do_not_depend_on_the_workers),
      cmocka_unit_test(results_do_not_depend_on_the_spinning),
      cmocka_unit_test(workers_run_side_by_side),
      cmocka_unit_test(many_loops_lose_no_item),
      cmocka_unit_test(small_loops_stay_on_the_caller),
      cmocka_unit_test(default_chunk_covers_every_item),
      cmocka_unit_test(ten_thousand_loops_agree_for_any_workers),
      cmocka_unit_test(teams_follow_the_plan),
      cmocka_unit_test(closing_wakes_sleeping_workers),
      cmocka_unit_test(opened_and_closed_often_leaks_no_thread),
      cmocka_unit_test(openmp_settings_change_neither_results_nor_places),
      cmocka_unit_test(plan_gives_workers_and_places),
      cmocka_unit_test(wrong_worker_counts_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

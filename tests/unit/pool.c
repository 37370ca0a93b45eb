/* The pool: every item once, the same results for any number of workers, worker numbers fit for scratch memory. */
// stage: weft_platform weft_base
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/platform/pool.h"

enum { ITEM_MAX = 20000, WORKER_MAX = 4, CHUNK_MAX = 64 };

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
  static const uint32_t workers[] = {1, 2, 4}, items[] = {0, 1, 2, 7, 64, 65, 1000, 19999, ITEM_MAX}, chunks[] = {1, 3, 64};
  struct pool *alone = pool_make(1, NULL, 0);
  for (size_t w = 0; w < 3; w++) {
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nested_use_aborts), /* first: it forks, and no thread exists yet */
      cmocka_unit_test(results_do_not_depend_on_the_workers),
      cmocka_unit_test(workers_run_side_by_side),
      cmocka_unit_test(many_loops_lose_no_item),
      cmocka_unit_test(small_loops_stay_on_the_caller),
      cmocka_unit_test(default_chunk_covers_every_item),
      cmocka_unit_test(plan_gives_workers_and_places),
      cmocka_unit_test(wrong_worker_counts_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

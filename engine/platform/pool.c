#include "engine/platform/pool.h"

#include <errno.h>
#include <immintrin.h>
#include <limits.h>
#include <linux/futex.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"

enum {
  POOL_PIECES_PER_WORKER = 4 /* without a given chunk: enough to even out unequal items */
};
#define GATE_CLOSED 0x80000000u
#define CPU_WORD_BITS (CHAR_BIT * sizeof(unsigned long))

struct pool;

/* Neighbours by the plan: one OpenMP region that lasts as long as the pool. The caller is in none of them. */
struct pool_team {
  struct pool *pool;
  pthread_t launcher; /* enters the region and is its first thread, and so a worker too */
  uint32_t first;     /* worker number of the launcher; the others follow it */
  uint32_t count;
};

/* A loop is open while its gate is: a worker joins by counting itself in, unless the gate is closed. The caller closes it
 * when no item is left to take, and waits until those who joined have left. The bell only tells that there is a new loop. */
struct pool {
  _Alignas(64) atomic_uint_fast64_t next; /* first item that nobody has taken: alone on its cache line */
  _Alignas(64) atomic_uint gate;          /* GATE_CLOSED | workers inside besides the caller */
  _Alignas(64) atomic_uint bell;          /* counts loops; idle workers sleep on it */
  atomic_uint sleepers;
  atomic_bool stopping;
  _Alignas(64) parallel_body *body; /* the open loop: written by the caller while the gate is closed and nobody inside */
  void *argument;
  uint32_t items;
  uint32_t chunk;
  uint32_t workers;
  uint32_t team_count; /* those whose launcher started */
  uint32_t inline_max;
  uint32_t spin_rounds;
  const struct topology_plan *plan;
  atomic_bool running;
  bool started;
  bool bound[PARALLEL_WORKERS_MAX]; /* each worker writes its own */
  struct pool_team teams[PARALLEL_WORKERS_MAX];
  unsigned long cpus[TOPOLOGY_CPU_MAX / CPU_WORD_BITS]; /* where the caller might run when it started the teams */
  bool cpus_known;
};

static void word_wait(atomic_uint *word, unsigned value) {
  (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void word_wake(atomic_uint *word, int count) {
  (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

int pool_open(uint32_t workers, const struct topology_plan *plan, uint32_t inline_max, struct pool **pool_out,
              struct weft_error *err) {
  if (workers == 0) workers = plan ? plan->worker_count : 1;
  if (workers == 0 || workers > PARALLEL_WORKERS_MAX)
    return weft_fail(err, -EINVAL, "pool: %u workers; give 1 to %d", workers, PARALLEL_WORKERS_MAX);
  struct pool *pool = aligned_alloc(64, sizeof *pool);
  if (!pool) return weft_fail(err, -ENOMEM, "pool: out of memory for the workers");
  memset(pool, 0, sizeof *pool);
  atomic_init(&pool->gate, GATE_CLOSED);
  pool->workers = workers;
  pool->inline_max = inline_max;
  pool->spin_rounds = POOL_SPIN_ROUNDS;
  pool->plan = plan;
  *pool_out = pool;
  return 0;
}

void pool_spin_set(struct pool *pool, uint32_t rounds) {
  weft_assert(!pool->started);
  pool->spin_rounds = rounds;
}

uint32_t pool_workers(const struct pool *pool) { return pool->workers; }

static void pieces_run(struct pool *pool, unsigned worker) {
  uint32_t items = pool->items, chunk = pool->chunk;
  for (;;) {
    uint64_t begin = atomic_fetch_add_explicit(&pool->next, chunk, memory_order_relaxed);
    if (begin >= items) return;
    uint64_t end = begin + chunk < items ? begin + chunk : items;
    pool->body(pool->argument, (uint32_t)begin, (uint32_t)end, worker);
  }
}

/* With OMP_PROC_BIND set, libgomp has bound the first thread of the process before main, so the caller's cpus are not all
 * that weft was given; the places, made before that, are. */
static void places_add(unsigned long *cpus) {
  int ids[TOPOLOGY_CPU_MAX];
  if (omp_get_proc_bind() == omp_proc_bind_false) return;
  for (int place = 0, places = omp_get_num_places(); place < places && place < TOPOLOGY_CPU_MAX; place++) {
    int count = omp_get_place_num_procs(place);
    if (count <= 0 || count > TOPOLOGY_CPU_MAX) continue;
    omp_get_place_proc_ids(place, ids);
    for (int i = 0; i < count; i++)
      if (ids[i] >= 0 && ids[i] < TOPOLOGY_CPU_MAX)
        cpus[(unsigned)ids[i] / CPU_WORD_BITS] |= 1ul << (unsigned)ids[i] % CPU_WORD_BITS;
  }
}

/* OMP_PROC_BIND and OMP_PLACES, where somebody has set them for other programs, have by now put the team's threads where
 * OpenMP thinks best, all teams on the same places. The plan decides here: its cpu, or, where it pins nobody, any cpu
 * that weft may use. */
static void worker_bind(struct pool *pool, unsigned worker) {
  if (pool->bound[worker]) return;
  pool->bound[worker] = true;
  if (worker != 0 && pool->cpus_known) {
    unsigned long cpus[TOPOLOGY_CPU_MAX / CPU_WORD_BITS];
    memcpy(cpus, pool->cpus, sizeof cpus);
    places_add(cpus);
    (void)sched_setaffinity(0, sizeof cpus, (const cpu_set_t *)cpus);
  }
  if (pool->plan && worker < pool->plan->worker_count) (void)topology_bind_thread(pool->plan, worker);
}

static bool gate_join(struct pool *pool) {
  unsigned gate = atomic_load_explicit(&pool->gate, memory_order_relaxed);
  while (!(gate & GATE_CLOSED))
    if (atomic_compare_exchange_weak_explicit(&pool->gate, &gate, gate + 1, memory_order_acquire, memory_order_relaxed))
      return true;
  return false;
}

static void gate_leave(struct pool *pool) {
  if (atomic_fetch_sub_explicit(&pool->gate, 1, memory_order_release) == (GATE_CLOSED | 1)) word_wake(&pool->gate, 1);
}

/* Waits until the bell has rung since it was heard as `heard`; returns what it says now. */
static unsigned bell_wait(struct pool *pool, unsigned heard) {
  unsigned now = heard;
  for (uint32_t round = 0; now == heard && round < pool->spin_rounds; round++) {
    _mm_pause();
    now = atomic_load_explicit(&pool->bell, memory_order_acquire);
  }
  while (now == heard) {
    atomic_fetch_add(&pool->sleepers, 1);
    word_wait(&pool->bell, heard);
    atomic_fetch_sub(&pool->sleepers, 1);
    now = atomic_load_explicit(&pool->bell, memory_order_acquire);
  }
  return now;
}

static void worker_main(struct pool *pool, unsigned worker) {
  worker_bind(pool, worker);
  for (unsigned heard = 0; !atomic_load(&pool->stopping);) {
    heard = bell_wait(pool, heard);
    if (!gate_join(pool)) continue;
    pieces_run(pool, worker);
    gate_leave(pool);
  }
}

/* OpenMP may give fewer threads than asked for. Their worker numbers then stay unused: the loops don't need them. */
static void team_check(const struct pool_team *team, int given) {
  if (given == (int)team->count) return;
  log_line(LOG_LEVEL_WARNING, "pool: OpenMP gave %d threads instead of %u to the team of worker %u (its limit is %d; look "
           "at OMP_THREAD_LIMIT and OMP_MAX_ACTIVE_LEVELS); results are the same, loops are slower",
           given, team->count, team->first, omp_get_thread_limit());
}

/* OMP_DYNAMIC would size the team by the load of the moment in which it is formed, and it stays for good: so off. That
 * holds for regions started by this thread only. */
static void *team_main(void *argument) {
  struct pool_team *team = argument;
  omp_set_dynamic(0);
#pragma omp parallel num_threads((int)team->count) default(none) shared(team)
  {
    unsigned member = (unsigned)omp_get_thread_num();
    if (member == 0) team_check(team, omp_get_num_threads());
    worker_main(team->pool, team->first + member);
  }
  return NULL;
}

/* Adds a team of workers next ... end - 1 and starts its launcher. */
static void team_start(struct pool *pool, uint32_t next, uint32_t end) {
  struct pool_team *team = &pool->teams[pool->team_count];
  *team = (struct pool_team){.pool = pool, .first = next, .count = end - next};
  int rc = pthread_create(&team->launcher, NULL, team_main, team);
  if (rc == 0) pool->team_count++;
  else
    log_line(LOG_LEVEL_WARNING, "pool: the team of workers %u to %u could not be started: %s; raise the limit of threads",
             next, end - 1, strerror(rc));
}

/* One team per team of the plan, and one for workers beyond the plan. Signals are for the threads that wait for them, so
 * the teams take none but for their own faults, whose handlers would not be called: threads inherit the mask of the
 * launcher, and that the caller's. */
static void teams_start(struct pool *pool) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
  sigset_t all, before;
  uint32_t next = 1;
  pool->started = true;
  pool->cpus_known = sched_getaffinity(0, sizeof pool->cpus, (cpu_set_t *)pool->cpus) == 0;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return;
  for (uint32_t t = 0; pool->plan && t < pool->plan->team_count; t++) {
    uint32_t end = pool->plan->teams[t].worker_first + pool->plan->teams[t].worker_count;
    if (end > pool->workers) end = pool->workers;
    if (end <= next) continue;
    team_start(pool, next, end);
    next = end;
  }
  if (next < pool->workers) team_start(pool, next, pool->workers);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void bell_ring(struct pool *pool) {
  atomic_fetch_add(&pool->bell, 1);
  if (atomic_load(&pool->sleepers) > 0) word_wake(&pool->bell, INT_MAX);
}

static void loop_share(struct pool *pool) {
  if (!pool->started) teams_start(pool);
  worker_bind(pool, 0); /* after the others have started: a thread inherits where its starter is bound */
  atomic_store_explicit(&pool->gate, 0, memory_order_release);
  bell_ring(pool);
  pieces_run(pool, 0);
  unsigned gate = atomic_fetch_or(&pool->gate, GATE_CLOSED) | GATE_CLOSED;
  for (uint32_t round = 0; gate != GATE_CLOSED; round++) {
    if (round < pool->spin_rounds) _mm_pause();
    else word_wait(&pool->gate, gate);
    gate = atomic_load_explicit(&pool->gate, memory_order_acquire);
  }
  atomic_thread_fence(memory_order_acquire);
}

void pool_run(struct pool *pool, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  weft_assert(!atomic_exchange_explicit(&pool->running, true, memory_order_acquire));
  if (chunk == 0) {
    chunk = items / (pool->workers * POOL_PIECES_PER_WORKER);
    if (chunk == 0) chunk = 1;
  }
  pool->body = body;
  pool->argument = argument;
  pool->items = items;
  pool->chunk = chunk;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  if (pool->workers == 1 || items <= pool->inline_max || items <= chunk) pieces_run(pool, 0);
  else loop_share(pool);
  atomic_store_explicit(&pool->running, false, memory_order_release);
}

void pool_close(struct pool *pool) {
  if (!pool) return;
  atomic_store(&pool->stopping, true);
  atomic_fetch_add(&pool->bell, 1);
  word_wake(&pool->bell, INT_MAX);
  for (uint32_t t = 0; t < pool->team_count; t++) pthread_join(pool->teams[t].launcher, NULL);
  free(pool);
}

static void pool_run_as_parallel(void *context, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  pool_run(context, body, argument, items, chunk);
}

struct parallel pool_parallel(struct pool *pool) {
  return (struct parallel){.workers = pool->workers, .context = pool, .run = pool_run_as_parallel};
}

#include "engine/platform/pool.h"

#include <errno.h>
#include <immintrin.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
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
  POOL_PIECES_PER_WORKER = 4, /* without a given chunk: enough to even out unequal items */
  POOL_SPIN_ROUNDS = 1000     /* pauses before sleeping, some 10 to 40 us: about what a sleep and a wake-up cost */
};
#define GATE_CLOSED 0x80000000u

struct pool;

struct pool_worker {
  struct pool *pool;
  pthread_t thread;
  unsigned index;
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
  uint32_t threads; /* started, besides the caller */
  uint32_t inline_max;
  const struct topology_plan *plan;
  atomic_bool running;
  bool started;
  bool bound[PARALLEL_WORKERS_MAX]; /* each worker writes its own */
  struct pool_worker crew[PARALLEL_WORKERS_MAX];
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
  if (!pool) return weft_fail(err, -ENOMEM, "pool: no memory");
  memset(pool, 0, sizeof *pool);
  atomic_init(&pool->gate, GATE_CLOSED);
  pool->workers = workers;
  pool->inline_max = inline_max;
  pool->plan = plan;
  *pool_out = pool;
  return 0;
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

static void worker_bind(struct pool *pool, unsigned worker) {
  if (pool->bound[worker]) return;
  pool->bound[worker] = true;
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
  for (int round = 0; now == heard && round < POOL_SPIN_ROUNDS; round++) {
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

static void *worker_main(void *argument) {
  struct pool_worker *self = argument;
  struct pool *pool = self->pool;
  worker_bind(pool, self->index);
  for (unsigned heard = 0; !atomic_load(&pool->stopping);) {
    heard = bell_wait(pool, heard);
    if (!gate_join(pool)) continue;
    pieces_run(pool, self->index);
    gate_leave(pool);
  }
  return NULL;
}

/* Signals are for the threads that wait for them, so the workers take none. */
static void workers_start(struct pool *pool) {
  sigset_t all, before;
  pool->started = true;
  sigfillset(&all);
  if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return;
  int rc = 0;
  while (rc == 0 && pool->threads + 1 < pool->workers) {
    struct pool_worker *worker = &pool->crew[pool->threads];
    *worker = (struct pool_worker){.pool = pool, .index = pool->threads + 1};
    rc = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (rc == 0) pool->threads++;
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (rc != 0)
    log_line(LOG_LEVEL_WARNING, "pool: only %u of %u workers could be started: %s; raise the limit of threads",
             pool->threads + 1, pool->workers, strerror(rc));
}

static void bell_ring(struct pool *pool) {
  atomic_fetch_add(&pool->bell, 1);
  if (atomic_load(&pool->sleepers) > 0) word_wake(&pool->bell, INT_MAX);
}

static void loop_share(struct pool *pool) {
  if (!pool->started) workers_start(pool);
  worker_bind(pool, 0); /* after the others have started: a thread inherits where its starter is bound */
  atomic_store_explicit(&pool->gate, 0, memory_order_release);
  bell_ring(pool);
  pieces_run(pool, 0);
  unsigned gate = atomic_fetch_or(&pool->gate, GATE_CLOSED) | GATE_CLOSED;
  for (int round = 0; gate != GATE_CLOSED; round++) {
    if (round < POOL_SPIN_ROUNDS) _mm_pause();
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
  for (uint32_t t = 0; t < pool->threads; t++) pthread_join(pool->crew[t].thread, NULL);
  free(pool);
}

static void pool_run_as_parallel(void *context, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  pool_run(context, body, argument, items, chunk);
}

struct parallel pool_parallel(struct pool *pool) {
  return (struct parallel){.workers = pool->workers, .context = pool, .run = pool_run_as_parallel};
}

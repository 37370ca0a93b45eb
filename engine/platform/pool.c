#include "engine/platform/pool.h"

#include <errno.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/log.h"

enum { POOL_PIECES_PER_WORKER = 4 /* without a given chunk: enough to even out unequal items */ };

struct pool {
  _Alignas(64) atomic_uint_fast64_t next; /* first item that nobody has taken: alone on its cache line */
  _Alignas(64) uint32_t workers;
  uint32_t inline_max;
  const struct topology_plan *plan;
  atomic_bool running;
  bool bound[PARALLEL_WORKERS_MAX]; /* each worker writes its own */
};

int pool_open(uint32_t workers, const struct topology_plan *plan, uint32_t inline_max, struct pool **pool_out,
              struct weft_error *err) {
  if (workers == 0) workers = plan ? plan->worker_count : 1;
  if (workers == 0 || workers > PARALLEL_WORKERS_MAX)
    return weft_fail(err, -EINVAL, "pool: %u workers; give 1 to %d", workers, PARALLEL_WORKERS_MAX);
  struct pool *pool = aligned_alloc(64, sizeof *pool);
  if (!pool) return weft_fail(err, -ENOMEM, "pool: no memory");
  *pool = (struct pool){.workers = workers, .inline_max = inline_max, .plan = plan};
  /* Else the runtime could hand out fewer threads when the machine is busy, and speed would depend on the neighbours. */
  omp_set_dynamic(0);
  if (workers > 1 && workers >= (uint32_t)omp_get_num_procs() && !getenv("GOMP_SPINCOUNT") && !getenv("OMP_WAIT_POLICY"))
    log_line(LOG_LEVEL_NOTICE,
             "pool: %u workers on %d cpus leave none to the I/O thread; set GOMP_SPINCOUNT=1000, or use fewer", workers,
             omp_get_num_procs());
  *pool_out = pool;
  return 0;
}

void pool_close(struct pool *pool) { free(pool); }

uint32_t pool_workers(const struct pool *pool) { return pool->workers; }

static void pieces_run(struct pool *pool, parallel_body *body, void *argument, uint32_t items, uint32_t chunk,
                       unsigned worker) {
  for (;;) {
    uint64_t begin = atomic_fetch_add_explicit(&pool->next, chunk, memory_order_relaxed);
    if (begin >= items) return;
    uint64_t end = begin + chunk < items ? begin + chunk : items;
    body(argument, (uint32_t)begin, (uint32_t)end, worker);
  }
}

static void worker_bind(struct pool *pool, unsigned worker) {
  if (pool->bound[worker]) return;
  pool->bound[worker] = true;
  if (pool->plan && worker < pool->plan->worker_count) (void)topology_bind_thread(pool->plan, worker);
}

void pool_run(struct pool *pool, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  weft_assert(!atomic_exchange_explicit(&pool->running, true, memory_order_acquire));
  if (chunk == 0) {
    chunk = items / (pool->workers * POOL_PIECES_PER_WORKER);
    if (chunk == 0) chunk = 1;
  }
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  if (pool->workers == 1 || items <= pool->inline_max || items <= chunk) {
    pieces_run(pool, body, argument, items, chunk, 0);
  } else {
#pragma omp parallel num_threads((int)pool->workers)
    {
      unsigned worker = (unsigned)omp_get_thread_num();
      worker_bind(pool, worker);
      pieces_run(pool, body, argument, items, chunk, worker);
    }
  }
  atomic_store_explicit(&pool->running, false, memory_order_release);
}

static void pool_run_as_parallel(void *context, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  pool_run(context, body, argument, items, chunk);
}

struct parallel pool_parallel(struct pool *pool) {
  return (struct parallel){.workers = pool->workers, .context = pool, .run = pool_run_as_parallel};
}

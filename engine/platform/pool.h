/* A worker pool on OpenMP: parallel loops over independent items.
 *
 * On waiting. Between loops libgomp's threads spin before they sleep: by default about 300,000 rounds (some
 * milliseconds), and only 1,000 where libgomp itself has more threads than cpus; it knows nothing of our I/O thread, and
 * reads OMP_WAIT_POLICY and GOMP_SPINCOUNT once, when it is loaded, so a program cannot change its mind later. The plan
 * therefore leaves one core to the I/O thread (topology.h) and on two cores uses one worker, which needs no team and
 * never spins. Who opens a pool of as many workers as there are cpus is told in the log to set
 * GOMP_SPINCOUNT. */
#ifndef WEFT_PLATFORM_POOL_H
#define WEFT_PLATFORM_POOL_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/platform/topology.h"

struct pool;

/* `workers`: 1 to PARALLEL_WORKERS_MAX, 0: what the plan says (1 without a plan). `plan` may be NULL (nobody is pinned)
 * and must outlive the pool. Loops of at most `inline_max` items run on the caller alone: a team costs some microseconds
 * to wake and to wait for. 0 with *pool set, or a negative errno with `err` filled. */
int pool_open(uint32_t workers, const struct topology_plan *plan, uint32_t inline_max, struct pool **pool,
              struct weft_error *err);
void pool_close(struct pool *pool);
uint32_t pool_workers(const struct pool *pool);

/* Calls body(argument, begin, end, worker) over [0, items) in pieces of at most `chunk` items (0: a piece size that gives
 * every worker several), and returns when all are done. Which worker takes which piece is left to chance, so a body
 * writes by index and uses `worker` (smaller than pool_workers) for scratch memory only. Pieces begin at multiples of
 * `chunk`, for any number of workers. Always called from the same thread, which is worker 0; the threads start, and bind
 * themselves, in the first loop that needs them. Not from inside a body. */
void pool_run(struct pool *pool, parallel_body *body, void *argument, uint32_t items, uint32_t chunk);

/* The same as the argument that stages take. Valid as long as the pool is. */
struct parallel pool_parallel(struct pool *pool);

#endif

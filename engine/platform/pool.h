/* A worker pool: parallel loops over independent items, run by OpenMP teams that are formed once and stay.
 *
 * One team per last-level cache of the plan, each a single OpenMP region that lasts from the first loop to pool_close;
 * every member binds itself through hwloc. Inside, members wait for loops in the pool's own way and not at OpenMP's
 * barriers: libgomp's threads spin for about 300,000 rounds before they sleep, every region waits for every thread, and
 * the settings (OMP_WAIT_POLICY, GOMP_SPINCOUNT) are read once, before main, so that a program cannot choose. A region per
 * loop of 0.1 ms took 10 ms on a 2-core machine with other work. Here an idle worker spins for some microseconds, then
 * sleeps, and a loop waits only for workers that joined it: one that is slow to wake finds the loop closed, and nobody has
 * waited for it. docs/decisions/0003 has the figures.
 *
 * ThreadSanitizer does not see libgomp's synchronisation and reports races that are none: check with clang, libomp and its
 * Archer tool (libarcher.so). Where the system refuses a thread inside a team, libgomp ends the program with its own
 * message; a team that OpenMP makes smaller than asked for is logged and harmless. */
#ifndef WEFT_PLATFORM_POOL_H
#define WEFT_PLATFORM_POOL_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/platform/topology.h"

struct pool;

/* `workers`: 1 to PARALLEL_WORKERS_MAX, 0: what the plan says (1 without a plan). `plan` may be NULL (nobody is pinned)
 * and must outlive the pool. Loops of at most `inline_max` items run on the caller alone: waking the
 * others costs some microseconds. 0 with *pool set, or a negative errno with `err` filled. */
int pool_open(uint32_t workers, const struct topology_plan *plan, uint32_t inline_max, struct pool **pool,
              struct weft_error *err);
/* How long an idle worker spins before it sleeps, in pauses of some 10 to 40 ns; before the first loop. 0: not at all. */
enum { POOL_INLINE_ITEMS = 64, POOL_SPIN_ROUNDS = 1000 }; /* defaults; 1,000 rounds are about what a sleep and a wake-up cost */
void pool_spin_set(struct pool *pool, uint32_t rounds);
/* Ends the teams. libgomp's threads may be gone a moment later only, libomp keeps them for the next pool. */
void pool_close(struct pool *pool);
uint32_t pool_workers(const struct pool *pool);

/* Calls body(argument, begin, end, worker) over [0, items) in pieces of at most `chunk` items (0: a piece size that gives
 * every worker several), and returns when all are done. Which worker takes which piece is left to chance, so a body
 * writes by index and uses `worker` (smaller than pool_workers) for scratch memory only. Pieces begin at multiples of
 * `chunk`, for any number of workers. The caller is worker 0; the other threads start in the first loop that needs them, and
 * where the plan pins, every worker binds itself when it first takes part (the caller too, and what it starts from then on
 * inherits that). One caller at a time, and never from inside a body. */
void pool_run(struct pool *pool, parallel_body *body, void *argument, uint32_t items, uint32_t chunk);

/* The same as the argument that stages take. Valid as long as the pool is. */
struct parallel pool_parallel(struct pool *pool);

#endif

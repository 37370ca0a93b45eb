/* A parallel loop as an argument: stages that spread work over workers take one of these and know nothing of threads.
 * Results must not depend on which worker runs which items: write by index, reduce in index order afterwards. */
#ifndef WEFT_BASE_PARALLEL_H
#define WEFT_BASE_PARALLEL_H

#include <stdint.h>

enum { PARALLEL_WORKERS_MAX = 256 };

typedef void parallel_body(void *argument, uint32_t begin, uint32_t end, unsigned worker);

struct parallel {
  unsigned workers; /* 1 to PARALLEL_WORKERS_MAX; `worker` below is smaller than this */
  void *context;
  /* Calls body over [0, items) in pieces of at most `chunk` items, which begin at multiples of it, and returns when all
   * are done. 0: a piece size of its own choice. */
  void (*run)(void *context, parallel_body *body, void *argument, uint32_t items, uint32_t chunk);
};

/* Everything on the calling thread, as worker 0, piece by piece in order. A chunk of 0 is all items at once. */
struct parallel parallel_inline(void);

#endif

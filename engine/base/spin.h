/* Waiting with the core kept for a while, since to be woken takes the system some tens of microseconds: a waiting thread looks again
 * and again for what it waits for, then with pauses between that double, then it sleeps. */
#ifndef WEFT_BASE_SPIN_H
#define WEFT_BASE_SPIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
  SPIN_POLL_PARTS = 4, /* the first of so many parts of the budget is spent without pauses */
  SPIN_PAUSES_MAX = 64 /* of the CPU's pause instructions between two looks, some 1 to 3 us */
};

/* How a thread waits. The counters are its own; others may read them. */
struct spin {
  int64_t budget_ns;        /* of a wait before it sleeps; 0: it sleeps at once */
  _Atomic uint64_t polled;  /* looks without a pause before them */
  _Atomic uint64_t paused;  /* looks after a pause */
  _Atomic uint64_t blocked; /* waits that were left to the system, where nothing had come within the budget */
};

/* One wait. */
struct spin_wait {
  int64_t begun_ns;
  uint32_t pauses; /* before the next look; 0: none yet */
};

static inline struct spin_wait spin_begin(int64_t now_ns) { return (struct spin_wait){.begun_ns = now_ns}; }

/* Nothing was there at `now_ns` (of one clock throughout). True: look again, the pause is over. False: sleep. */
bool spin_again(struct spin *spin, struct spin_wait *wait, int64_t now_ns);

#endif

/* Tracks that are due for an estimate and have been put off, in the order in which they came: who waits
 * longest, and since when. Internal to engine/warn. */
#ifndef WEFT_WARN_WAITING_H
#define WEFT_WARN_WAITING_H

#include <stdint.h>

struct waiter {
  uint64_t track;
  int64_t since_ns;
  uint32_t slot;
};

/* A ring of `capacity` (one per slot of the tracker). Records of tracks that have been served since stay
 * until they are the oldest. */
struct waiting {
  struct waiter *ring;
  uint32_t capacity;
  uint64_t head, tail;
};

static inline void waiting_put(struct waiting *waiting, struct waiter waiter) {
  if (waiting->tail - waiting->head == waiting->capacity) waiting->head++;
  waiting->ring[waiting->tail++ % waiting->capacity] = waiter;
}

#endif

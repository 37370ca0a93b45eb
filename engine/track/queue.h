/* A binary heap of slots ordered by (time, slot): who is due next, however far ahead. Each slot is in it at most once; its
 * position is kept in a caller's field so that it can be moved. */
#ifndef WEFT_TRACK_QUEUE_H
#define WEFT_TRACK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"

/* QUEUE_SLOT_BYTES: what queue_open takes for each slot. */
enum { QUEUE_NONE = UINT32_MAX, QUEUE_SLOT_BYTES = sizeof(int64_t) + 2 * sizeof(uint32_t) };

struct queue {
  int64_t *time_ns;   /* by slot */
  uint32_t *position; /* by slot: index into heap, QUEUE_NONE if absent */
  uint32_t *heap;     /* slots */
  uint32_t count, capacity;
};

int queue_open(struct queue *queue, struct arena *arena, uint32_t capacity);
/* Puts a slot in, or moves it. */
void queue_set(struct queue *queue, uint32_t slot, int64_t time_ns);
/* Whether a slot is in it. */
bool queue_has(const struct queue *queue, uint32_t slot);
void queue_remove(struct queue *queue, uint32_t slot);
/* The slot due first if its time is at or before `time_ns` (it is taken out), else QUEUE_NONE. */
uint32_t queue_pop_due(struct queue *queue, int64_t time_ns);
/* The queue as bytes, into one that is empty; slots are below `high`. */
void queue_image(struct queue *queue, uint32_t high, struct image *image);

#endif

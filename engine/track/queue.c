#include "engine/track/queue.h"

#include <errno.h>
#include <string.h>

int queue_open(struct queue *queue, struct arena *arena, uint32_t capacity) {
  *queue = (struct queue){.capacity = capacity};
  queue->time_ns = arena_take(arena, capacity, sizeof *queue->time_ns);
  queue->position = arena_take(arena, capacity, sizeof *queue->position);
  queue->heap = arena_take(arena, capacity, sizeof *queue->heap);
  if (!queue->time_ns || !queue->position || !queue->heap) return -ENOMEM;
  memset(queue->position, 0xff, (size_t)capacity * sizeof *queue->position);
  return 0;
}

static bool before(const struct queue *queue, uint32_t a, uint32_t b) {
  if (queue->time_ns[a] != queue->time_ns[b]) return queue->time_ns[a] < queue->time_ns[b];
  return a < b;
}

static void place(struct queue *queue, uint32_t index, uint32_t slot) {
  queue->heap[index] = slot;
  queue->position[slot] = index;
}

static void sift_up(struct queue *queue, uint32_t index) {
  uint32_t slot = queue->heap[index];
  while (index > 0) {
    uint32_t parent = (index - 1) / 2;
    if (!before(queue, slot, queue->heap[parent])) break;
    place(queue, index, queue->heap[parent]);
    index = parent;
  }
  place(queue, index, slot);
}

static void sift_down(struct queue *queue, uint32_t index) {
  uint32_t slot = queue->heap[index];
  for (;;) {
    uint32_t child = 2 * index + 1;
    if (child >= queue->count) break;
    if (child + 1 < queue->count && before(queue, queue->heap[child + 1], queue->heap[child])) child++;
    if (!before(queue, queue->heap[child], slot)) break;
    place(queue, index, queue->heap[child]);
    index = child;
  }
  place(queue, index, slot);
}

void queue_set(struct queue *queue, uint32_t slot, int64_t time_ns) {
  queue->time_ns[slot] = time_ns;
  uint32_t index = queue->position[slot];
  if (index == QUEUE_NONE) {
    index = queue->count++;
    place(queue, index, slot);
  }
  sift_up(queue, index);
  sift_down(queue, queue->position[slot]);
}

bool queue_has(const struct queue *queue, uint32_t slot) { return queue->position[slot] != QUEUE_NONE; }

void queue_remove(struct queue *queue, uint32_t slot) {
  uint32_t index = queue->position[slot];
  if (index == QUEUE_NONE) return;
  queue->position[slot] = QUEUE_NONE;
  uint32_t last = queue->heap[--queue->count];
  if (last == slot) return;
  place(queue, index, last);
  sift_up(queue, index);
  sift_down(queue, queue->position[last]);
}

uint32_t queue_pop_due(struct queue *queue, int64_t time_ns) {
  if (queue->count == 0 || queue->time_ns[queue->heap[0]] > time_ns) return QUEUE_NONE;
  uint32_t slot = queue->heap[0];
  queue_remove(queue, slot);
  return slot;
}

void queue_image(struct queue *queue, uint32_t high, struct image *image) {
  image_count(image, &queue->count, high);
  for (uint32_t i = 0; i < queue->count; i++) {
    uint32_t slot = queue->heap[i];
    image_count(image, &slot, high - 1);
    place(queue, i, slot);
    image_value(image, queue->time_ns[slot]);
  }
}

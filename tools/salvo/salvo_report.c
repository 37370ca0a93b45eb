#include "tools/salvo/salvo_report.h"

#include <stdlib.h>

#include "engine/base/check.h"

static bool earlier(const struct report *a, const struct report *b) {
  return a->arrival_ns != b->arrival_ns ? a->arrival_ns < b->arrival_ns : a->ordinal < b->ordinal;
}

void report_push(struct report_queue *queue, const struct report *report) {
  if (queue->count == queue->capacity) {
    queue->capacity = queue->capacity ? queue->capacity * 2 : 1024;
    queue->heap = realloc(queue->heap, queue->capacity * sizeof *queue->heap);
    weft_assert(queue->heap);
  }
  size_t at = queue->count++;
  while (at > 0 && earlier(report, &queue->heap[(at - 1) / 2])) {
    queue->heap[at] = queue->heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  queue->heap[at] = *report;
}

const struct report *report_first(const struct report_queue *queue) {
  return queue->count ? &queue->heap[0] : NULL;
}

void report_pop(struct report_queue *queue) {
  weft_assert(queue->count > 0);
  struct report last = queue->heap[--queue->count];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= queue->count) break;
    if (child + 1 < queue->count && earlier(&queue->heap[child + 1], &queue->heap[child])) child++;
    if (!earlier(&queue->heap[child], &last)) break;
    queue->heap[at] = queue->heap[child];
    at = child;
  }
  queue->heap[at] = last;
}

void report_queue_free(struct report_queue *queue) {
  free(queue->heap);
  *queue = (struct report_queue){0};
}

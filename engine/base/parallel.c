#include "engine/base/parallel.h"

static void run_inline(void *context, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  (void)context;
  (void)chunk;
  if (items) body(argument, 0, items, 0);
}

struct parallel parallel_inline(void) { return (struct parallel){.workers = 1, .run = run_inline}; }

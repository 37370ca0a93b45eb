#include "engine/base/parallel.h"

static void run_inline(void *context, parallel_body *body, void *argument, uint32_t items, uint32_t chunk) {
  (void)context;
  if (chunk == 0) chunk = items;
  for (uint32_t begin = 0; begin < items;) {
    uint32_t end = items - begin > chunk ? begin + chunk : items;
    body(argument, begin, end, 0);
    begin = end;
  }
}

struct parallel parallel_inline(void) { return (struct parallel){.workers = 1, .run = run_inline}; }

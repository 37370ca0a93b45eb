#include "engine/base/spin.h"

static void count(_Atomic uint64_t *counter) {
  atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* Leaves the core's other thread, and its power, alone for a moment. */
static void pause_take(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

bool spin_again(struct spin *spin, struct spin_wait *wait, int64_t now_ns) {
  int64_t passed_ns = now_ns - wait->begun_ns;
  if (passed_ns >= spin->budget_ns) {
    count(&spin->blocked);
    return false;
  }
  if (passed_ns < spin->budget_ns / SPIN_POLL_PARTS) {
    count(&spin->polled);
    return true;
  }
  wait->pauses = wait->pauses == 0 ? 1 : wait->pauses < SPIN_PAUSES_MAX ? 2 * wait->pauses : SPIN_PAUSES_MAX;
  for (uint32_t i = 0; i < wait->pauses; i++) pause_take();
  count(&spin->paused);
  return true;
}

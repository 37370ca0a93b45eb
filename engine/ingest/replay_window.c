#include "engine/ingest/replay_window.h"

#include <string.h>

#include "engine/base/check.h"
#include "engine/ingest/sequence_window.h"

static bool marked(const struct replay_window *window, uint64_t sequence) {
  uint32_t slot = (uint32_t)(sequence % REPLAY_WINDOW);
  return window->seen[slot / 64] >> (slot % 64) & 1;
}

static void mark(struct replay_window *window, uint64_t sequence, bool value) {
  uint32_t slot = (uint32_t)(sequence % REPLAY_WINDOW);
  uint64_t bit = 1ull << (slot % 64);
  window->seen[slot / 64] = value ? window->seen[slot / 64] | bit : window->seen[slot / 64] & ~bit;
}

bool replay_window_seen(const struct replay_window *window, uint64_t sequence) {
  if (window->has_floor && sequence <= window->floor) return true;
  if (!window->started || sequence > window->highest) return false;
  return window->highest - sequence >= REPLAY_WINDOW || marked(window, sequence);
}

/* Numbers that the window's end passes over become numbers not seen; returns how many are thereby missing. */
static int64_t advance(struct replay_window *window, uint64_t sequence) {
  uint64_t ahead = sequence - window->highest;
  if (ahead >= REPLAY_WINDOW) {
    memset(window->seen, 0, sizeof window->seen);
  } else {
    for (uint64_t i = 1; i <= ahead; i++) mark(window, window->highest + i, false);
  }
  window->highest = sequence;
  return ahead > SEQUENCE_JUMP_MAX ? 0 : (int64_t)ahead - 1;
}

int64_t replay_window_take(struct replay_window *window, uint64_t sequence) {
  weft_assert(!replay_window_seen(window, sequence));
  int64_t missing = -1;
  if (!window->started) {
    memset(window->seen, 0, sizeof window->seen);
    window->started = true;
    window->highest = window->lowest = sequence;
    missing = 0;
  } else if (sequence > window->highest) {
    missing = advance(window, sequence);
  } else if (sequence < window->lowest) { /* what lies between is missing so far */
    missing = (int64_t)(window->lowest - sequence) - 1;
    window->lowest = sequence;
  }
  mark(window, sequence, true);
  return missing;
}

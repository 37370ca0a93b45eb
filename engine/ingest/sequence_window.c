#include "engine/ingest/sequence_window.h"

#include <string.h>

#include "engine/base/check.h"

static uint32_t slot_of(uint64_t sequence) { return (uint32_t)(sequence % SEQUENCE_WINDOW); }

static bool seen(const struct sequence_window *window, uint64_t sequence) {
  uint32_t slot = slot_of(sequence);
  return window->seen[slot / 64] >> (slot % 64) & 1;
}

enum sequence_verdict sequence_window_check(const struct sequence_window *window, uint64_t sequence, uint32_t crc) {
  if (!window->started) return SEQUENCE_NEW;
  if (sequence > window->highest) {
    return sequence - window->highest > SEQUENCE_JUMP_MAX ? SEQUENCE_RESTARTED : SEQUENCE_NEW;
  }
  if (window->highest - sequence >= SEQUENCE_WINDOW) return SEQUENCE_RESTARTED;
  if (!seen(window, sequence)) return SEQUENCE_LATE;
  return window->crc[slot_of(sequence)] == crc ? SEQUENCE_DUPLICATE : SEQUENCE_RESTARTED;
}

bool sequence_window_seen(const struct sequence_window *window, uint64_t sequence) {
  if (!window->started || sequence > window->highest) return false;
  return window->highest - sequence >= SEQUENCE_WINDOW || seen(window, sequence);
}

static void mark(struct sequence_window *window, uint64_t sequence, uint32_t crc) {
  uint32_t slot = slot_of(sequence);
  window->seen[slot / 64] |= 1ull << (slot % 64);
  window->crc[slot] = crc;
}

static void begin(struct sequence_window *window, uint64_t sequence) {
  memset(window->seen, 0, sizeof window->seen);
  window->started = true;
  window->highest = window->lowest = sequence;
}

/* Forgets the numbers that leave the window as its end moves ahead to `sequence`. */
static void advance(struct sequence_window *window, uint64_t sequence) {
  if (sequence - window->highest >= SEQUENCE_WINDOW) {
    memset(window->seen, 0, sizeof window->seen);
  } else {
    uint64_t count = sequence - window->highest; /* counted, since the last number may be the last there is */
    for (uint64_t i = 1; i <= count; i++) {
      uint32_t slot = slot_of(window->highest + i);
      window->seen[slot / 64] &= ~(1ull << (slot % 64));
    }
  }
  window->highest = sequence;
}

int64_t sequence_window_take(struct sequence_window *window, uint64_t sequence, uint32_t crc) {
  if (window->started && sequence > window->highest && sequence - window->highest == 1) { /* nearly all: its bit takes the place of the oldest one's */
    window->highest = sequence;
    mark(window, sequence, crc);
    return 0;
  }
  enum sequence_verdict verdict = sequence_window_check(window, sequence, crc);
  weft_assert(verdict != SEQUENCE_DUPLICATE);
  int64_t gaps = 0;
  if (!window->started || verdict == SEQUENCE_RESTARTED) {
    window->restarts += window->started;
    begin(window, sequence);
  } else if (verdict == SEQUENCE_LATE) {
    gaps = -1;
    if (sequence < window->lowest) { /* older than the first one that came: what lies between is missing so far */
      gaps = (int64_t)(window->lowest - sequence) - 1;
      window->lowest = sequence;
    }
  } else {
    gaps = (int64_t)(sequence - window->highest) - 1;
    advance(window, sequence);
  }
  mark(window, sequence, crc);
  return gaps;
}

#include "engine/emit/newest.h"

#include <errno.h>

#include "engine/base/check.h"

size_t newest_arena_bytes(uint32_t capacity) {
  size_t entry = 2 * sizeof(uint64_t) + 2 * sizeof(uint32_t) + sizeof(struct track_report);
  return capacity * entry + NEWEST_FRESH_MAX * sizeof(struct newest_fresh) + (size_t)6 * 64;
}

int newest_open(struct newest *newest, uint32_t capacity, struct arena *arena) {
  *newest = (struct newest){.capacity = capacity, .free_count = capacity};
  newest->numbers = arena_take(arena, capacity, sizeof *newest->numbers);
  newest->marks = arena_take(arena, capacity, sizeof *newest->marks);
  newest->slots = arena_take(arena, capacity, sizeof *newest->slots);
  newest->free_slots = arena_take(arena, capacity, sizeof *newest->free_slots);
  newest->reports = arena_take(arena, capacity, sizeof *newest->reports);
  newest->fresh = arena_take(arena, NEWEST_FRESH_MAX, sizeof *newest->fresh);
  if (!newest->numbers || !newest->marks || !newest->slots || !newest->free_slots || !newest->reports ||
      !newest->fresh) {
    return -ENOMEM;
  }
  for (uint32_t i = 0; i < capacity; i++) newest->free_slots[i] = capacity - 1 - i;
  return 0;
}

/* First position whose number is at least `number`. */
static uint32_t position_of(const struct newest *newest, uint64_t number) {
  uint32_t low = 0, high = newest->count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (newest->numbers[middle] < number) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

uint64_t newest_put(struct newest *newest, const struct track_report *report, uint64_t mark) {
  uint32_t at = position_of(newest, report->track);
  if (at == newest->count || newest->numbers[at] != report->track) {
    weft_assert(newest->fresh_count < NEWEST_FRESH_MAX);
    newest->fresh[newest->fresh_count++] = (struct newest_fresh){.report = report, .mark = mark};
    return 0;
  }
  uint64_t before = newest->marks[at];
  if (!before) newest->slots[at] = newest->free_slots[--newest->free_count];
  newest->marks[at] = before | mark;
  newest->reports[newest->slots[at]] = *report;
  return before & mark;
}

bool newest_merge_due(const struct newest *newest, const struct track_report *next) {
  if (newest->fresh_count == 0) return false;
  return newest->fresh_count == NEWEST_FRESH_MAX ||
         newest->fresh[newest->fresh_count - 1].report->track >= next->track;
}

/* Drops the entries that nobody waits for. */
static void unmarked_drop(struct newest *newest) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < newest->count; i++) {
    if (!newest->marks[i]) continue;
    newest->numbers[kept] = newest->numbers[i];
    newest->marks[kept] = newest->marks[i];
    newest->slots[kept] = newest->slots[i];
    kept++;
  }
  newest->count = kept;
}

bool newest_merge(struct newest *newest) {
  uint32_t wanted = 0;
  for (uint32_t i = 0; i < newest->fresh_count; i++) {
    if (newest->fresh[i].mark) newest->fresh[wanted++] = newest->fresh[i];
  }
  newest->fresh_count = wanted;
  if (wanted > newest->capacity - newest->count) unmarked_drop(newest);
  if (wanted > newest->capacity - newest->count) return false;
  /* From the back, so that every entry moves once, to its final place. */
  uint32_t old = newest->count, to = newest->count + wanted;
  newest->count = to;
  while (wanted) {
    const struct newest_fresh *fresh = &newest->fresh[wanted - 1];
    to--;
    if (old && newest->numbers[old - 1] > fresh->report->track) {
      old--;
      newest->numbers[to] = newest->numbers[old];
      newest->marks[to] = newest->marks[old];
      newest->slots[to] = newest->slots[old];
      continue;
    }
    uint32_t slot = newest->free_slots[--newest->free_count];
    newest->reports[slot] = *fresh->report;
    newest->numbers[to] = fresh->report->track;
    newest->marks[to] = fresh->mark;
    newest->slots[to] = slot;
    wanted--;
  }
  newest->fresh_count = 0;
  return true;
}

uint32_t newest_next(const struct newest *newest, uint64_t from, uint64_t bit) {
  uint32_t at = position_of(newest, from);
  while (at < newest->count && !(newest->marks[at] & bit)) at++;
  return at;
}

void newest_take(struct newest *newest, uint32_t position, uint64_t bit) {
  weft_assert(position < newest->count && (newest->marks[position] & bit));
  newest->marks[position] &= ~bit;
  if (!newest->marks[position]) newest->free_slots[newest->free_count++] = newest->slots[position];
}

uint64_t newest_withdraw(struct newest *newest, uint64_t bit) {
  uint64_t cleared = 0;
  for (uint32_t i = 0; i < newest->count; i++) {
    if (!(newest->marks[i] & bit)) continue;
    newest_take(newest, i, bit);
    cleared++;
  }
  for (uint32_t i = 0; i < newest->fresh_count; i++) {
    if (newest->fresh[i].mark & bit) cleared++;
    newest->fresh[i].mark &= ~bit;
  }
  return cleared;
}

#include "engine/emit/newest.h"

#include <errno.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/emit/report_pack.h"

/* A report in the room for them: this, then its words. */
struct newest_held {
  uint32_t words; /* with this; since a newer report of the track came it may take fewer */
  bool used;
  uint64_t track;
};

enum {
  HELD_HEAD_WORDS = sizeof(struct newest_held) / sizeof(uint64_t),
  HELD_WORDS_MAX = HELD_HEAD_WORDS + REPORT_PACK_WORDS_MAX,
  HELD_SPARE_WORDS = 16 * HELD_WORDS_MAX /* so that a table of few tracks has room for large reports */
};

static uint32_t room_words(uint32_t capacity) { return (uint32_t)((capacity + UINT64_C(1)) / 2 * NEWEST_REPORT_BYTES / sizeof(uint64_t)) + HELD_SPARE_WORDS; }

size_t newest_arena_bytes(uint32_t capacity) {
  size_t entry = 2 * sizeof(uint64_t) + sizeof(uint32_t);
  return capacity * entry + room_words(capacity) * sizeof(uint64_t) + NEWEST_FRESH_MAX * sizeof(struct newest_fresh) + (size_t)5 * 64;
}

int newest_open(struct newest *newest, uint32_t capacity, struct arena *arena) {
  *newest = (struct newest){.capacity = capacity, .held_words = room_words(capacity)};
  newest->numbers = arena_take(arena, capacity, sizeof *newest->numbers);
  newest->marks = arena_take(arena, capacity, sizeof *newest->marks);
  newest->places = arena_take(arena, capacity, sizeof *newest->places);
  newest->held = arena_take(arena, newest->held_words, sizeof *newest->held);
  newest->fresh = arena_take(arena, NEWEST_FRESH_MAX, sizeof *newest->fresh);
  return newest->numbers && newest->marks && newest->places && newest->held && newest->fresh ? 0 : -ENOMEM;
}

/* First position whose number is at least `number`: from where the last search ended, `*found`, by ever longer steps, or from the beginning. */
static uint32_t position_from(const struct newest *newest, uint64_t number, uint32_t *found) {
  uint32_t low = 0, high = newest->count;
  if (*found < newest->count && newest->numbers[*found] < number) {
    low = high = *found + 1;
    for (uint32_t step = 1; high < newest->count && newest->numbers[high] < number; step *= 2) {
      low = high + 1;
      high = newest->count - high > step ? high + step : newest->count;
    }
  } else if (*found < newest->count) {
    high = *found;
  }
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (newest->numbers[middle] < number) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  *found = low;
  return low;
}

static uint32_t position_of(struct newest *newest, uint64_t number) { return position_from(newest, number, &newest->found); }

static struct newest_held *held_at(const struct newest *newest, uint32_t place) { return (struct newest_held *)(void *)(newest->held + place); }

static uint32_t words_needed(const struct track_report *report) { return HELD_HEAD_WORDS + report_pack_words(report); }

/* There is room for it. Returns its place. */
static uint32_t held_append(struct newest *newest, const struct track_report *report) {
  uint32_t place = newest->held_used, words = words_needed(report);
  weft_assert(words <= newest->held_words - place);
  *held_at(newest, place) = (struct newest_held){.words = words, .used = true, .track = report->track};
  report_pack(report, newest->held + place + HELD_HEAD_WORDS);
  newest->held_used += words;
  newest->held_count++;
  return place;
}

static void held_drop(struct newest *newest, uint32_t place) {
  struct newest_held *held = held_at(newest, place);
  held->used = false;
  newest->held_count--;
  if (place + held->words == newest->held_used) newest->held_used = place;
  if (newest->held_count == 0) newest->held_used = 0;
}

/* Moves the reports in use together, each with the words that it takes now. */
static void held_close_up(struct newest *newest) {
  uint32_t to = 0, used = newest->held_used;
  for (uint32_t from = 0, next; from < used; from = next) {
    struct newest_held *held = held_at(newest, from);
    next = from + held->words;
    if (!held->used) continue;
    held->words = HELD_HEAD_WORDS + report_packed_words(newest->held + from + HELD_HEAD_WORDS);
    newest->places[position_of(newest, held->track)] = to;
    uint32_t words = held->words;
    memmove(newest->held + to, newest->held + from, words * sizeof *newest->held);
    to += words;
  }
  newest->held_used = to;
}

void newest_ask(struct newest *newest, const struct track_report *report) {
  enum { LINE_WORDS = 8 };
  report_pack_ask(report);
  uint32_t at = position_from(newest, report->track, &newest->asked);
  if (at == newest->count || !newest->marks[at]) return;
  const uint64_t *place = newest->held + newest->places[at];
  for (uint32_t w = 0; w < NEWEST_REPORT_BYTES / sizeof(uint64_t); w += LINE_WORDS) __builtin_prefetch(place + w, 1);
}

uint64_t newest_put(struct newest *newest, const struct track_report *report, uint64_t mark) {
  uint32_t at = position_of(newest, report->track);
  if (at == newest->count || newest->numbers[at] != report->track) {
    weft_assert(newest->fresh_count < NEWEST_FRESH_MAX);
    newest->fresh[newest->fresh_count++] = (struct newest_fresh){.report = report, .mark = mark};
    return 0;
  }
  uint64_t before = newest->marks[at];
  newest->marks[at] = before | mark;
  if (before && words_needed(report) <= held_at(newest, newest->places[at])->words) {
    report_pack(report, newest->held + newest->places[at] + HELD_HEAD_WORDS);
  } else {
    if (before) held_drop(newest, newest->places[at]);
    newest->places[at] = held_append(newest, report);
  }
  return before & mark;
}

bool newest_merge_due(const struct newest *newest, const struct track_report *next) {
  if (newest->held_words - newest->held_used < HELD_WORDS_MAX) return true;
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
    newest->places[kept] = newest->places[i];
    kept++;
  }
  newest->count = kept;
}

/* Room for `words` and any one report more? */
static bool held_fits(const struct newest *newest, uint32_t words) { return words + HELD_WORDS_MAX <= newest->held_words - newest->held_used; }

bool newest_merge(struct newest *newest) {
  uint32_t wanted = 0, words = 0;
  for (uint32_t i = 0; i < newest->fresh_count; i++) {
    if (!newest->fresh[i].mark) continue;
    newest->fresh[wanted++] = newest->fresh[i];
    words += words_needed(newest->fresh[i].report);
  }
  newest->fresh_count = wanted;
  if (wanted > newest->capacity - newest->count) unmarked_drop(newest);
  if (!held_fits(newest, words)) held_close_up(newest);
  if (wanted > newest->capacity - newest->count || !held_fits(newest, words)) return false;
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
      newest->places[to] = newest->places[old];
      continue;
    }
    newest->numbers[to] = fresh->report->track;
    newest->marks[to] = fresh->mark;
    newest->places[to] = held_append(newest, fresh->report);
    wanted--;
  }
  newest->fresh_count = 0;
  return true;
}

uint32_t newest_next(struct newest *newest, uint64_t from, uint64_t bit) {
  uint32_t at = position_of(newest, from);
  while (at < newest->count && !(newest->marks[at] & bit)) at++;
  return at;
}

void newest_read(const struct newest *newest, uint32_t position, struct track_report *report) {
  weft_assert(position < newest->count && newest->marks[position]);
  report_unpack(newest->held + newest->places[position] + HELD_HEAD_WORDS, report);
}

void newest_take(struct newest *newest, uint32_t position, uint64_t bit) {
  weft_assert(position < newest->count && (newest->marks[position] & bit));
  newest->marks[position] &= ~bit;
  if (!newest->marks[position]) held_drop(newest, newest->places[position]);
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

#include "engine/track/calendar.h"

#include <errno.h>
#include <string.h>

#include "engine/base/check.h"

static int64_t day_of(int64_t time_ns) { return (time_ns - (time_ns & (CALENDAR_DAY_NS - 1))) / CALENDAR_DAY_NS; }

/* Entries are of this day or later, so that none is of CALENDAR_NEVER. */
static int64_t day_earliest(void) { return day_of(CALENDAR_NEVER) + 1; }

static uint32_t place_of(const struct calendar *calendar, int64_t day) { return (uint32_t)day & (calendar->days - 1); }

size_t calendar_bytes(uint32_t capacity, uint32_t days) {
  const size_t aligned = 64; /* each of the arrays */
  return capacity * sizeof(struct calendar_entry) + 2 * (size_t)days * sizeof(uint32_t) + 3 * aligned;
}

int calendar_open(struct calendar *calendar, struct arena *arena, uint32_t capacity, uint32_t days) {
  weft_assert(days > 1 && (days & (days - 1)) == 0);
  *calendar = (struct calendar){.capacity = capacity, .days = days, .today = day_earliest(), .soonest = day_earliest()};
  calendar->entries = arena_take(arena, capacity, sizeof *calendar->entries);
  calendar->first = arena_take(arena, days, sizeof *calendar->first);
  calendar->last = arena_take(arena, days, sizeof *calendar->last);
  if (!calendar->entries || !calendar->first || !calendar->last) return -ENOMEM;
  for (uint32_t slot = 0; slot < capacity; slot++) calendar->entries[slot].time_ns = CALENDAR_NEVER;
  memset(calendar->first, 0xff, days * sizeof *calendar->first);
  memset(calendar->last, 0xff, days * sizeof *calendar->last);
  return 0;
}

/* What is due before today is found today, and what is due after the last day of the ring on that. */
void calendar_set(struct calendar *calendar, uint32_t slot, int64_t time_ns) {
  calendar_remove(calendar, slot);
  int64_t day = day_of(time_ns);
  if (calendar->count == 0 && day - calendar->days >= calendar->today) calendar->today = day - calendar->days / 2; /* begins anew */
  int64_t latest = calendar->today + calendar->days - 1;
  if (day < calendar->today) time_ns = calendar->today * CALENDAR_DAY_NS;
  if (day > latest) time_ns = latest * CALENDAR_DAY_NS;
  day = day_of(time_ns);
  if (calendar->count == 0 || day < calendar->soonest) calendar->soonest = day;
  uint32_t place = place_of(calendar, day), last = calendar->last[place];
  calendar->entries[slot] = (struct calendar_entry){.time_ns = time_ns, .next = CALENDAR_NONE, .previous = last};
  *(last == CALENDAR_NONE ? &calendar->first[place] : &calendar->entries[last].next) = slot;
  calendar->last[place] = slot;
  calendar->count++;
}

void calendar_remove(struct calendar *calendar, uint32_t slot) {
  struct calendar_entry *entry = &calendar->entries[slot];
  if (entry->time_ns == CALENDAR_NEVER) return;
  uint32_t place = place_of(calendar, day_of(entry->time_ns)), next = entry->next, previous = entry->previous;
  *(previous == CALENDAR_NONE ? &calendar->first[place] : &calendar->entries[previous].next) = next;
  *(next == CALENDAR_NONE ? &calendar->last[place] : &calendar->entries[next].previous) = previous;
  entry->time_ns = CALENDAR_NEVER;
  calendar->count--;
}

uint32_t calendar_take(struct calendar *calendar, int64_t time_ns, uint32_t *slots) {
  int64_t until = day_of(time_ns), end = calendar->today + calendar->days;
  uint32_t taken = 0;
  for (int64_t day = calendar->soonest; day <= until && day < end && calendar->count > 0; day++) {
    for (uint32_t slot = calendar->first[place_of(calendar, day)], next; slot != CALENDAR_NONE; slot = next) {
      next = calendar->entries[slot].next;
      if (calendar->entries[slot].time_ns > time_ns) continue;
      calendar_remove(calendar, slot);
      slots[taken++] = slot;
    }
  }
  if (until > calendar->today) calendar->today = until;
  if (until > calendar->soonest) calendar->soonest = until;
  return taken;
}

/* The first slot at or after a day, which becomes that slot's. There must be one. */
static uint32_t first_from(const struct calendar *calendar, int64_t *day) {
  while (calendar->first[place_of(calendar, *day)] == CALENDAR_NONE) ++*day;
  return calendar->first[place_of(calendar, *day)];
}

uint32_t calendar_first(struct calendar *calendar) {
  return calendar->count > 0 ? first_from(calendar, &calendar->soonest) : CALENDAR_NONE;
}

void calendar_image(struct calendar *calendar, uint32_t high, struct image *image) {
  uint32_t count = calendar->count, slot = CALENDAR_NONE;
  image_value(image, calendar->today);
  if (calendar->today < day_earliest() || calendar->today > day_of(INT64_MAX)) calendar->today = day_earliest(); /* damaged */
  image_count(image, &count, high);
  for (uint32_t i = 0; i < count; i++) {
    int64_t time_ns = 0;
    if (image->mode != IMAGE_LOAD) {
      int64_t day = slot == CALENDAR_NONE ? calendar->today : day_of(calendar->entries[slot].time_ns) + 1;
      slot = slot != CALENDAR_NONE && calendar->entries[slot].next != CALENDAR_NONE ? calendar->entries[slot].next : first_from(calendar, &day);
      time_ns = calendar->entries[slot].time_ns;
    }
    image_count(image, &slot, high - 1);
    image_value(image, time_ns);
    if (image->mode == IMAGE_LOAD) calendar_set(calendar, slot, time_ns);
  }
}

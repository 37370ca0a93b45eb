#include "engine/track/calendar.h"

#include <errno.h>
#include <string.h>

static int64_t day_of(int64_t time_ns) { return (time_ns - (time_ns & (CALENDAR_DAY_NS - 1))) / CALENDAR_DAY_NS; }

/* Entries are of this day or later, so that none is of CALENDAR_NEVER. */
static int64_t day_earliest(void) { return day_of(CALENDAR_NEVER) + 1; }

static uint32_t place_of(int64_t day) { return (uint32_t)((uint64_t)day % CALENDAR_DAYS); }

int calendar_open(struct calendar *calendar, struct arena *arena, uint32_t capacity) {
  *calendar = (struct calendar){.capacity = capacity, .today = day_earliest()};
  calendar->entries = arena_take(arena, capacity, sizeof *calendar->entries);
  if (!calendar->entries) return -ENOMEM;
  for (uint32_t slot = 0; slot < capacity; slot++) calendar->entries[slot].time_ns = CALENDAR_NEVER;
  memset(calendar->first, 0xff, sizeof calendar->first);
  memset(calendar->last, 0xff, sizeof calendar->last);
  return 0;
}

/* What is due before today is found today, and what is due after the last day of the ring on that. */
void calendar_set(struct calendar *calendar, uint32_t slot, int64_t time_ns) {
  calendar_remove(calendar, slot);
  int64_t day = day_of(time_ns);
  if (calendar->count == 0 && day - CALENDAR_DAYS >= calendar->today) calendar->today = day - CALENDAR_DAYS / 2; /* begins anew */
  int64_t latest = calendar->today + CALENDAR_DAYS - 1;
  if (day < calendar->today) time_ns = calendar->today * CALENDAR_DAY_NS;
  if (day > latest) time_ns = latest * CALENDAR_DAY_NS;
  uint32_t place = place_of(day_of(time_ns)), last = calendar->last[place];
  calendar->entries[slot] = (struct calendar_entry){.time_ns = time_ns, .next = CALENDAR_NONE, .previous = last};
  *(last == CALENDAR_NONE ? &calendar->first[place] : &calendar->entries[last].next) = slot;
  calendar->last[place] = slot;
  calendar->count++;
}

void calendar_remove(struct calendar *calendar, uint32_t slot) {
  struct calendar_entry *entry = &calendar->entries[slot];
  if (entry->time_ns == CALENDAR_NEVER) return;
  uint32_t place = place_of(day_of(entry->time_ns)), next = entry->next, previous = entry->previous;
  *(previous == CALENDAR_NONE ? &calendar->first[place] : &calendar->entries[previous].next) = next;
  *(next == CALENDAR_NONE ? &calendar->last[place] : &calendar->entries[next].previous) = previous;
  entry->time_ns = CALENDAR_NEVER;
  calendar->count--;
}

uint32_t calendar_take(struct calendar *calendar, int64_t time_ns, uint32_t *slots) {
  int64_t until = day_of(time_ns), end = calendar->today + CALENDAR_DAYS;
  uint32_t taken = 0;
  for (int64_t day = calendar->today; day <= until && day < end && calendar->count > 0; day++) {
    for (uint32_t slot = calendar->first[place_of(day)], next; slot != CALENDAR_NONE; slot = next) {
      next = calendar->entries[slot].next;
      if (calendar->entries[slot].time_ns > time_ns) continue;
      calendar_remove(calendar, slot);
      slots[taken++] = slot;
    }
  }
  if (until > calendar->today) calendar->today = until;
  return taken;
}

/* The first slot at or after day `away` from today, which becomes its own. There must be one. */
static uint32_t first_from(const struct calendar *calendar, int64_t away) {
  uint32_t slot = CALENDAR_NONE;
  while (slot == CALENDAR_NONE) slot = calendar->first[place_of(calendar->today + away++)];
  return slot;
}

void calendar_image(struct calendar *calendar, uint32_t high, struct image *image) {
  uint32_t count = calendar->count, slot = CALENDAR_NONE;
  image_value(image, calendar->today);
  if (calendar->today < day_earliest() || calendar->today > day_of(INT64_MAX)) calendar->today = day_earliest(); /* damaged */
  image_count(image, &count, high);
  for (uint32_t i = 0; i < count; i++) {
    int64_t time_ns = 0;
    if (image->mode != IMAGE_LOAD) {
      int64_t away = slot == CALENDAR_NONE ? 0 : day_of(calendar->entries[slot].time_ns) - calendar->today + 1;
      slot = slot != CALENDAR_NONE && calendar->entries[slot].next != CALENDAR_NONE ? calendar->entries[slot].next : first_from(calendar, away);
      time_ns = calendar->entries[slot].time_ns;
    }
    image_count(image, &slot, high - 1);
    image_value(image, time_ns);
    if (image->mode == IMAGE_LOAD) calendar_set(calendar, slot, time_ns);
  }
}

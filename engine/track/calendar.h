/* Who of some slots is due when: a ring of lists, one for each day of 2^20 ns, so that putting in, taking out and what is due
 * cost the same however many wait. Each slot is in it at most once. What is due comes day by day, and within a day in the order in
 * which it was put in. */
#ifndef WEFT_TRACK_CALENDAR_H
#define WEFT_TRACK_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"

#define CALENDAR_DAY_NS (INT64_C(1) << 20)
#define CALENDAR_NEVER INT64_MIN
enum { CALENDAR_DAYS = 2048, CALENDAR_NONE = UINT32_MAX }; /* days, where 2.1 s are enough */

struct calendar_entry {
  int64_t time_ns;         /* CALENDAR_NEVER: it is not in the calendar */
  uint32_t next, previous; /* of its day; CALENDAR_NONE at the ends */
};

struct calendar {
  struct calendar_entry *entries; /* by slot */
  int64_t today;                  /* the day that was asked for last; days are counted from 1970 */
  int64_t soonest;                /* no entry is of an earlier day */
  uint32_t *first, *last;         /* per day of the ring */
  uint32_t count, capacity, days; /* days: of the ring */
};

/* `days`: a power of two. -ENOMEM when the arena is too small. */
int calendar_open(struct calendar *calendar, struct arena *arena, uint32_t capacity, uint32_t days);
/* What calendar_open takes at most. */
size_t calendar_bytes(uint32_t capacity, uint32_t days);
/* Puts a slot in, or moves it: due at `time_ns`, but before the ring's days from today on have passed. */
void calendar_set(struct calendar *calendar, uint32_t slot, int64_t time_ns);
/* Whether a slot is in it. */
static inline bool calendar_has(const struct calendar *calendar, uint32_t slot) { return calendar->entries[slot].time_ns != CALENDAR_NEVER; }
void calendar_remove(struct calendar *calendar, uint32_t slot);
/* Takes out all that is due at `time_ns` or before; returns how many, in `slots`. */
uint32_t calendar_take(struct calendar *calendar, int64_t time_ns, uint32_t *slots);
/* Who is due first, in the order above; CALENDAR_NONE: nobody. It stays in. */
uint32_t calendar_first(struct calendar *calendar);
/* The calendar as bytes, into one that is empty; slots are below `high`. */
void calendar_image(struct calendar *calendar, uint32_t high, struct image *image);

#endif

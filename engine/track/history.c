#include "engine/track/history.h"

#include <errno.h>
#include <string.h>

#include "engine/base/ahead.h"
#include "engine/base/check.h"

static const size_t bytes_per_track = 8192, bytes_least = 1u << 20, bytes_most = 64u << 20,
                    bytes_kept = 64u << 10;

enum { UNIT = UNCACHED_DOUBLES, HEAD = sizeof(struct history_entry) / sizeof(double) }; /* doubles */
/* Lines; the last one may have the beginning of what follows in the record that they are of. */
enum { MEASURE_LINES = (WK_MEASURE_ELEMENTS + UNIT - 1) / UNIT, BALLISTIC_LINES = (WK_BALLISTIC_ELEMENTS + UNIT - 1) / UNIT, AIRCRAFT_LINES = WK_AIRCRAFT_ELEMENTS / UNIT };
enum { BALLISTIC_DOUBLES = BALLISTIC_LINES * UNIT, AIRCRAFT_DOUBLES = AIRCRAFT_LINES * UNIT };

_Static_assert(offsetof(struct history_entry, bank) == sizeof(struct history_entry), "banks begin with a line");
_Static_assert(BALLISTIC_LINES * UNIT <= WK_TRACK_ELEMENTS && WK_AIRCRAFT_ELEMENTS % UNIT == 0, "lines of banks end within the record");
_Static_assert(MEASURE_LINES * UNIT * sizeof(double) <= sizeof(struct plot) && offsetof(struct history_entry, measure) + MEASURE_LINES * UNCACHED_LINE == sizeof(struct history_entry),
               "lines of what was measured end within both");

size_t history_bytes_default(uint32_t tracks_max) {
  size_t bytes = (size_t)tracks_max * bytes_per_track;
  return bytes < bytes_least ? bytes_least : bytes > bytes_most ? bytes_most : bytes;
}

int history_open(struct history *history, struct arena *arena, size_t bytes) {
  *history = (struct history){0};
  if (bytes < bytes_kept) return 0;
  history->capacity = bytes / UNCACHED_LINE * UNIT;
  history->ring = arena_take(arena, history->capacity, sizeof(double));
  history->head = history->begun = history->capacity; /* place 0 is nobody's */
  return history->ring ? 0 : -ENOMEM;
}

void history_batch_begin(struct history *history) {
  history->begun = history->head;
}

static size_t bank_doubles(uint32_t banks) {
  size_t doubles = 0;
  if (banks & BANK_BALLISTIC) doubles += BALLISTIC_DOUBLES;
  if (banks & BANK_AIRCRAFT) doubles += AIRCRAFT_DOUBLES;
  return doubles;
}

uint64_t history_take(struct history *history, uint32_t banks) {
  if (history->capacity == 0) return 0;
  uint64_t size = HEAD + bank_doubles(banks);
  uint64_t place = history->head, left = history->capacity - place % history->capacity;
  if (size > left) place += left; /* an entry is in one piece */
  if (place + size - history->begun > history->capacity / 2) return 0;
  history->head = place + size;
  return place;
}

struct history_entry *history_at(const struct history *history, uint64_t place) {
  if (place == 0 || history->head - place > history->capacity) return NULL;
  return (struct history_entry *)(void *)(history->ring + place % history->capacity);
}

uint64_t history_find(const struct history *history, const struct track *track, int64_t time_ns) {
  uint64_t place = track->history;
  for (int step = 0; step < HISTORY_STEPS_MAX; step++) {
    const struct history_entry *entry = history_at(history, place);
    if (!entry) return 0;
    if (entry->time_ns <= time_ns) return place;
    place = entry->older;
  }
  return 0;
}

void history_fetch(const struct history *history, uint64_t place) {
  const struct history_entry *entry = history_at(history, place);
  if (entry) ahead_ask_far(entry, offsetof(struct history_entry, measure));
}

void history_write_state(struct history_entry *entry, const struct track *track) {
  double *to = entry->bank;
  entry->time_ns = track->time_ns;
  entry->class_log_odds = entry->class_after = track->class_log_odds;
  entry->detections = track->detections;
  weft_assert((track->banks & ~entry->room) == 0);
  entry->banks = track->banks;
  if (entry->banks & BANK_BALLISTIC) {
    uncached_copy(to, track->bank, BALLISTIC_LINES);
    to += BALLISTIC_DOUBLES;
  }
  if (entry->banks & BANK_AIRCRAFT) uncached_copy(to, track->bank + WK_BALLISTIC_ELEMENTS, AIRCRAFT_LINES);
}

void history_write(struct history_entry *entry, uint8_t room, const struct track *track, const struct plot *plot) {
  entry->plot_ns = plot->time_ns;
  entry->room = room;
  entry->kind = plot->kind;
  entry->present = plot->present;
  uncached_copy(entry->measure, (const double *)(const void *)plot, MEASURE_LINES);
  history_write_state(entry, track);
}

void history_read_plot(const struct history_entry *entry, struct plot *plot) {
  *plot = (struct plot){.time_ns = entry->plot_ns, .kind = entry->kind, .present = entry->present};
  memcpy(plot, entry->measure, sizeof entry->measure);
}

void history_read(const struct history_entry *entry, struct track *track) {
  const double *from = entry->bank;
  track->time_ns = entry->time_ns;
  track->class_log_odds = entry->class_log_odds;
  track->detections = entry->detections;
  track->banks = entry->banks;
  if (entry->banks & BANK_BALLISTIC) {
    memcpy(track->bank, from, WK_BALLISTIC_ELEMENTS * sizeof *from);
    from += BALLISTIC_DOUBLES;
  }
  if (entry->banks & BANK_AIRCRAFT) {
    memcpy(track->bank + WK_BALLISTIC_ELEMENTS, from, WK_AIRCRAFT_ELEMENTS * sizeof *from);
  }
}

void history_link(struct history *history, struct track *track, uint64_t place) {
  struct history_entry *entry = history_at(history, place);
  if (entry) entry->older = track->history;
  track->history = entry ? place : 0;
}

/* `left`: doubles from the entry's place to the end of the ring. */
static void entry_image(struct history_entry *entry, uint64_t left, struct image *image) {
  image_value(image, entry->room);
  image_value(image, entry->banks);
  if ((entry->banks & ~entry->room) || HEAD + bank_doubles(entry->room) > left) image->bad = true;
  if (image->bad) return;
  image_value(image, entry->time_ns);
  image_value(image, entry->class_log_odds);
  image_value(image, entry->class_after);
  image_value(image, entry->detections);
  image_value(image, entry->plot_ns);
  image_value(image, entry->kind);
  image_value(image, entry->present);
  image_value(image, entry->measure);
  double *bank = entry->bank;
  if (entry->banks & BANK_BALLISTIC) {
    image_span(image, bank, WK_BALLISTIC_ELEMENTS * sizeof *bank);
    bank += BALLISTIC_DOUBLES;
  }
  if (entry->banks & BANK_AIRCRAFT) image_span(image, bank, WK_AIRCRAFT_ELEMENTS * sizeof *bank);
}

/* How many entries of the chain at `place` a plot can reach that is not older than oldest_ns. */
static uint32_t entries_reachable(const struct history *history, uint64_t place, int64_t oldest_ns) {
  for (uint32_t count = 0; count < HISTORY_STEPS_MAX;) {
    const struct history_entry *entry = history_at(history, place);
    if (!entry) return count;
    count++;
    if (entry->time_ns <= oldest_ns) return count;
    place = entry->older;
  }
  return HISTORY_STEPS_MAX;
}

static void chain_image(struct history *history, uint64_t *link, int64_t oldest_ns, struct image *image) {
  bool loads = image->mode == IMAGE_LOAD;
  uint32_t count = loads ? 0 : entries_reachable(history, *link, oldest_ns);
  image_count(image, &count, HISTORY_STEPS_MAX);
  for (uint32_t i = 0; i < count; i++) {
    image_value(image, *link);
    struct history_entry *entry = history_at(history, *link);
    uint64_t left = entry ? history->capacity - *link % history->capacity : 0;
    if (left < HEAD) image->bad = true;
    if (image->bad) return;
    entry_image(entry, left, image);
    link = &entry->older;
  }
  if (loads) *link = 0;
}

void history_image(struct history *history, const struct store *store, int64_t oldest_ns, struct image *image) {
  image_value(image, history->head);
  image_value(image, history->begun);
  for (uint32_t slot = 0; slot < store->high; slot++) {
    if (store->tracks[slot].alive) chain_image(history, &store->tracks[slot].history, oldest_ns, image);
  }
}

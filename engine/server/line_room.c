#include "engine/server/line_room.h"

#include <errno.h>

#include "engine/base/check.h"

size_t line_room_bytes(uint32_t part) {
  return (size_t)LINE_ROOM_PARTS * part * sizeof(struct track_report) + 64;
}

int line_room_open(struct line_room *room, uint32_t part, struct arena *arena) {
  *room = (struct line_room){.part = part};
  room->reports = arena_take(arena, (size_t)LINE_ROOM_PARTS * part, sizeof *room->reports);
  return room->reports ? 0 : -ENOMEM;
}

/* The parts for so many lines, as bits; 0: none are free. One part is taken where its neighbour is in use, if it can be, so that
 * pairs stay whole. */
static uint32_t parts_find(const struct line_room *room, uint32_t lines) {
  weft_assert(lines <= 2 * room->part);
  uint32_t alone = 0;
  for (uint32_t first = 0; first < LINE_ROOM_PARTS; first += 2) {
    uint32_t pair = 3u << first, free = pair & ~room->used;
    if (lines > room->part) {
      if (free == pair) return pair;
    } else if (free && free != pair) {
      return free;
    } else if (free && !alone) {
      alone = 1u << first;
    }
  }
  return alone;
}

bool line_room_fits(const struct line_room *room, uint32_t lines) {
  return parts_find(room, lines) != 0;
}

static uint32_t reports_before(const struct line_room *room, uint32_t parts) {
  return (uint32_t)__builtin_ctz(parts) * room->part;
}

void line_room_take(struct line_room *room, uint32_t lines, struct step_output *output) {
  uint32_t parts = parts_find(room, lines);
  weft_assert(parts != 0);
  room->used |= parts;
  *output = (struct step_output){.capacity = lines, .reports = room->reports + reports_before(room, parts)};
}

void line_room_give(struct line_room *room, const struct step_output *output) {
  uint32_t first = (uint32_t)(output->reports - room->reports) / room->part;
  uint32_t parts = (output->capacity > room->part ? 3u : 1u) << first;
  weft_assert((room->used & parts) == parts);
  room->used &= ~parts;
}

/* Where the lines of the frames between I/O and engine are: four parts of one array of reports. A frame of few detections takes
 * one part, a larger one two neighbouring ones that are as long as any frame needs; so two full frames have room at the same time,
 * or four small ones, in half the memory of four full ones. The I/O thread's alone. Internal to engine/server. */
#ifndef WEFT_LINE_ROOM_H
#define WEFT_LINE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/report.h"

enum { LINE_ROOM_PARTS = 4 };

struct line_room {
  struct track_report *reports;
  uint32_t part; /* reports in a part */
  uint32_t used; /* bit per part */
};

/* Bytes for parts of so many reports. */
size_t line_room_bytes(uint32_t part);
/* 0, or -ENOMEM when the arena is too small. */
int line_room_open(struct line_room *room, uint32_t part, struct arena *arena);
/* Is there room for a frame of at most so many lines (two parts at most)? Always while nothing is taken, or one frame's. */
bool line_room_fits(const struct line_room *room, uint32_t lines);
/* Gives the output so many reports, for which there must be room. */
void line_room_take(struct line_room *room, uint32_t lines, struct step_output *output);
/* Takes them back. */
void line_room_give(struct line_room *room, const struct step_output *output);

#endif

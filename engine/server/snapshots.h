/* Takes the engine's state now and then and has it written: the engine thread copies it between two frames, a thread of
 * its own puts it on the disk. Where no snapshot can be written the warning goes on; a restart then has more of the
 * journal to step. */
#ifndef WEFT_SNAPSHOTS_H
#define WEFT_SNAPSHOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"

struct snapshots;

struct snapshots_options {
  struct engine *engine; /* borrowed */
  const char *directory; /* of the journal; NULL: none is written, only taken (snapshots_take) */
  int64_t every_ns;      /* 0: never */
  uint64_t run;          /* of the journal */
};

struct snapshots_figures {
  uint64_t written, failed;
  uint64_t frame;   /* of the newest that is on the disk */
  uint64_t bytes;   /* of it */
  int64_t copy_ns;  /* how long the engine was held up for the last one */
  bool failing;     /* the last attempt failed */
};

/* `size` bytes of address space are reserved; what a state needs of them is used when it does. */
int snapshots_open(struct snapshots **snapshots, const struct snapshots_options *options, struct weft_error *err);
void snapshots_close(struct snapshots *snapshots); /* NULL is fine */

/* I/O thread, whenever it wakes: asks for the next one when it is time; has it written once the journal keeps the frames
 * up to `durable`, since a state that holds what the journal does not could never be told from the frames again; takes in
 * what was written. `now_ns`: a clock that is never set. */
void snapshots_turn(struct snapshots *snapshots, int64_t now_ns, uint64_t durable);
/* Engine thread, after each frame. `now_ns`: as above, called only where a copy is made. */
void snapshots_frame(struct snapshots *snapshots, uint64_t frame, int64_t time_ns, int64_t (*now_ns)(void));

/* The state as it is, written at once as what the run that begins with `segment` goes on from. Before any thread steps. 0
 * or a negative errno with `err`. */
int snapshots_begin(struct snapshots *snapshots, uint64_t segment, uint64_t frame, int64_t time_ns, struct weft_error *err);

/* A state for somebody else, a standby. Asks for one: false where another one is under way, try again. When taken returns
 * one, its header says after which frame it is; it stays until it is given back. */
bool snapshots_want(struct snapshots *snapshots);
const uint8_t *snapshots_taken(struct snapshots *snapshots, uint64_t *size); /* as a snapshot file; NULL: not yet */
void snapshots_return(struct snapshots *snapshots);

struct snapshots_figures snapshots_figures(const struct snapshots *snapshots);

#endif

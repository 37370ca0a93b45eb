/* Entries of recordings into frames into the engine: what fuse and an embedded engine share. Frames close by
 * measurement time alone (frame_builder.h). */
#ifndef WEFT_FEEDER_H
#define WEFT_FEEDER_H

#include "engine/engine.h"
#include "engine/ingest/frame_builder.h"
#include "engine/ingest/intake.h"
#include "engine/ingest/recording.h"

struct feeder {
  struct engine engine;
  struct step_output output; /* of the last step */
  struct arena arena;        /* frames and intake */
  struct ledger *ledger;
  struct frame_builder builder;
  struct frame frame; /* the one being stepped */
  struct frame_rule rule;
  struct intake intake;
  void (*emit)(void *context, const struct step_output *output); /* after every step */
  void *context;
};

/* Takes ownership of `site`, also on failure. `emit` may be NULL. */
int feeder_open(struct feeder *feeder, struct site *site, const struct engine_options *options,
                void (*emit)(void *context, const struct step_output *output), void *context,
                struct weft_error *err);
/* False when the entry was refused or only counted. */
bool feeder_put(struct feeder *feeder, const struct entry *entry);
/* Steps a frame that was closed elsewhere (a journal's). */
void feeder_frame(struct feeder *feeder, const struct frame *frame);
/* Closes and steps the open frame, if there is one, and empty ones for the lines that it left waiting. */
void feeder_flush(struct feeder *feeder);
/* No more input: flushes, settles the books. */
void feeder_end(struct feeder *feeder);
void feeder_close(struct feeder *feeder);

#endif

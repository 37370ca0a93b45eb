/* Going on where an earlier run stopped: the newest good snapshot of the engine's state, and the frames of the journal
 * that follow it. */
#ifndef WEFT_RESUME_H
#define WEFT_RESUME_H

#include "engine/engine.h"
#include "engine/journal/journal_reader.h"
#include "engine/journal/run_state.h"

enum { RESUME_CRASHES = 2 }; /* a frame that has crashed the engine so often is passed over */

struct resume_options {
  const char *directory;        /* of the journal */
  int64_t age_max_ns, now_ns;   /* a run that wrote nothing for longer is too old; receiver's clock */
  struct frame *frame;          /* scratch, FRAME_DETECTIONS_MAX */
  struct step_output *output;   /* scratch */
};

struct resumed {
  bool any;                   /* else the engine is as it was opened */
  uint64_t run, frame;        /* the newest frame that is in the state */
  int64_t time_ns;            /* its time */
  uint64_t snapshot_frame;    /* what the snapshot held, 0: there was none, the run was stepped from its beginning */
  uint64_t stepped, missing;  /* frames of the journal after it; numbers missing among them */
  uint64_t skipped, skipped_detections; /* frames passed over as they had crashed the engine, what was in them */
};

/* Brings an engine that has just been opened to the state in which the folder's newest run stopped, where that run did
 * not end in an orderly way, is of the same configuration and young enough. Why not is logged; it is no error. */
void run_resume(struct engine *engine, const struct resume_options *options, struct resumed *out);

/* Loads what the reader's run goes on from, as its first segment's parameters say; books what is carried over as received
 * and accepted. 1: loaded; 0: the run, or the single segment, begins from nothing; a negative errno with `err`: it can't
 * be loaded. */
int run_base_load(struct engine *engine, struct journal_reader *reader, const char *path, struct ledger *ledger,
                  struct weft_error *err);

#endif

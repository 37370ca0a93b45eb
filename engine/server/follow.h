/* The standby's end of hot standby: follows a server's frames, holds the same state, and says when to take over. */
#ifndef WEFT_FOLLOW_H
#define WEFT_FOLLOW_H

#include "engine/engine.h"
#include "engine/ingest/replay_marks.h"

struct follow_options {
  const char *from;            /* HOST:PORT of the server's listen.standby */
  struct engine *engine;       /* sealed, not stepped yet */
  struct frame *frame;         /* scratch, FRAME_DETECTIONS_MAX */
  struct step_output *output;  /* scratch */
  int signal_fd;               /* becomes readable to end it */
  bool (*signal_taken)(void *context); /* takes a pending signal: is it one to end by? */
  void (*stepped)(void *context);      /* after every frame, also once the state is there */
  void *context;
};

enum follow_end { FOLLOW_TAKE_OVER, FOLLOW_STOPPED };

struct followed {
  enum follow_end end;
  bool orderly;             /* the server said that it ends */
  uint64_t frame;           /* the newest that is in the state */
  int64_t time_ns;          /* its time */
  uint64_t frames;          /* stepped */
  uint64_t hashes;          /* compared, all equal */
  int64_t lost_clock_ns;    /* when the server was found gone, CLOCK_MONOTONIC */
  struct replay_mark *marks; /* malloc'd, the caller frees: what was accepted under seal */
  uint32_t mark_count;
};

/* Waits for the server, takes its state, steps its frames until it ends or falls silent. 0 with *out, or a negative errno
 * with `err`: refused, another state than the server's, a message that can't be. A standby that fails is started again; it
 * never takes over with a state that it isn't sure of. */
int follow_run(const struct follow_options *options, struct followed *out, struct weft_error *err);

#endif

/* How the runs in a journal's folder ended: the file run.state, lines of text.
 *
 *     started RUN FROM     a server has begun this run, by its number in the segments' headers, and goes on with run FROM; 0: none
 *     crashed RUN FRAME    a process died of a fault of its own while it stepped this frame of this run
 *     ended RUN            it ended in an orderly way: there is nothing to go on with
 *
 * A process killed from outside leaves no line: only `started`. If it had written no frame yet, FROM is still what is to be
 * gone on with. Crashes of frames that are worked in again on recovery are noted under the run that they are from, so that
 * a frame that crashes the engine twice is known; they are kept while that run is FROM. */
#ifndef WEFT_JOURNAL_RUN_STATE_H
#define WEFT_JOURNAL_RUN_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"

enum { RUN_CRASHES_MAX = 64, RUN_STATE_BYTES_MAX = 1 << 16 };

struct run_state {
  uint64_t run;  /* started last; 0: none, or the file says nothing that can be understood */
  uint64_t from; /* what it went on with; 0: nothing */
  bool ended;
  uint32_t crash_count; /* of their frames, which are numbered on; the newest RUN_CRASHES_MAX */
  uint64_t crashed[RUN_CRASHES_MAX];
};

/* What the folder's file says; a missing or damaged file says nothing. */
void run_state_read(const char *directory, struct run_state *state);
/* How often the frame is noted as crashed. */
uint32_t run_state_crashes(const struct run_state *state, uint64_t frame);

/* Replaces the file by "started RUN FROM" and the crashes noted of FROM. 0 or a negative errno with `err`. */
int run_state_start(const char *directory, uint64_t run, uint64_t from, struct weft_error *err);
/* Adds "ended RUN". */
int run_state_end(const char *directory, uint64_t run, struct weft_error *err);

/* From now on a fatal fault (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) while run_state_stepping names a frame adds a line;
 * then the signal does what it would have done. One folder at a time. 0 or a negative errno with `err`. */
int run_state_watch(const char *directory, struct weft_error *err);
/* The frame that the engine is about to step, 0 after it. Cheap; from any thread. */
void run_state_stepping(uint64_t run, uint64_t frame);
/* No longer; the signals are as they were. */
void run_state_unwatch(void);

#endif

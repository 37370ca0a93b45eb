/* Appends frames to the segments of a journal through the I/O table. Lives on the I/O thread of its io. A journal that
 * fails never stops anything: the frame counts as unjournaled, an alarm is logged, and a new segment is tried: at once the
 * first time, then once every JOURNAL_RETRY_NS until one works.
 *
 * Accepted means appended, durable means synced (fdatasync). Syncs run beside the appends, one at a time, each for all that
 * was appended before it. A file whose sync failed is given up: it is never synced again, a new segment takes over. */
#ifndef WEFT_JOURNAL_WRITER_H
#define WEFT_JOURNAL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/journal/journal_format.h"
#include "engine/platform/io.h"

enum { JOURNAL_PENDING_MAX = 64, JOURNAL_BUFFER_BYTES = 32 << 20, JOURNAL_TOKENS = 256, JOURNAL_FAILURES_MAX = 256 };
#define JOURNAL_RETRY_NS 1000000000

struct journal_options {
  const char *directory;   /* made if absent (its parent must exist) */
  uint32_t segment_mib;    /* a segment is closed before the record that would take it beyond this; a record larger than a
                              segment still gets one of its own */
  struct journal_head head; /* segment, run, created_ns, first_frame are filled by the writer */
  uint64_t token_base;     /* tokens of this writer: token_base .. token_base + JOURNAL_TOKENS */
  bool pack;               /* a thread packs closed segments, those of earlier runs too */
  uint32_t parity_segments, parity_files; /* and writes so many parity files over every so many of them; 0: none */
  /* Opens a segment file for writing, which must not exist yet; NULL: open(2), and close(2) when it is done with. For
   * simulated disks. */
  int (*file_open)(void *context, const char *path);
  void *context;
};

struct journal_marks {
  uint64_t settled_frame;   /* every frame up to this number has been appended or given up (unjournaled) */
  uint64_t durable_frame;   /* every frame up to this number is on the disk, or counted in unjournaled or unsynced */
  uint64_t frames;          /* appended */
  uint64_t unsynced;        /* of these, those whose sync failed: they may be lost in a power failure */
  uint64_t bytes;           /* appended, headers included */
  uint64_t unjournaled;     /* frames given up */
  uint64_t segments;        /* opened by this writer */
  bool failing;             /* an append or a sync has failed and no sync has gone well in a newer segment */
};

struct journal_writer;

/* Bytes that the writer takes from its arena. */
size_t journal_writer_bytes(const struct journal_options *options);
/* Starts a new run in a new segment after the highest number in the directory; nothing existing is touched. The file is
 * made here, its header goes out with the first frame. `created_ns`: the time now. 0 or a negative errno with `err`
 * filled. */
int journal_writer_open(struct journal_writer **writer, struct arena *arena, struct io *io,
                        const struct journal_options *options, int64_t created_ns, struct weft_error *err);

/* Starts the append of a frame; frame numbers must rise. 0: an IO_EVENT_APPEND for the writer will follow. -EAGAIN: too
 * much is in flight; hand over completions and call again, or give up with journal_give_up. Any other negative errno: the
 * frame counts as unjournaled and nothing follows. `now_ns` becomes the creation time of a segment that is begun. */
int journal_append(struct journal_writer *writer, const struct frame *frame, int64_t now_ns);
void journal_give_up(struct journal_writer *writer, uint64_t frame_number);

/* Begins a sync if it is time. To be called every few milliseconds, or whenever the I/O thread wakes. */
void journal_turn(struct journal_writer *writer, int64_t now_ns);
/* Nothing more will be appended: syncs what is left, without pause; journal_idle says when that is done. */
void journal_finish(struct journal_writer *writer);

/* To be called for every IO_EVENT_APPEND and IO_EVENT_SYNC whose token is the writer's (journal_owns). */
bool journal_owns(const struct journal_writer *writer, uint64_t token);
void journal_completed(struct journal_writer *writer, uint64_t token, int32_t result);

/* Is this settled frame unjournaled? A frame whose own write went well behind one that failed in the same segment counts
 * as unjournaled too, because no reader gets past the hole. The writer remembers the last JOURNAL_FAILURES_MAX. */
bool journal_frame_failed(const struct journal_writer *writer, uint64_t frame_number);
/* Nothing in flight; after journal_finish also: nothing left to sync. */
bool journal_idle(const struct journal_writer *writer);
struct journal_marks journal_marks_of(const struct journal_writer *writer);
uint64_t journal_segment_open(const struct journal_writer *writer); /* number of the segment begun last */

/* Ends the writer's thread and, when idle, closes the segment files; what was not synced is left to the kernel. With something
 * still in flight the files stay open, since their bytes are under way. */
void journal_writer_close(struct journal_writer *writer);

#endif

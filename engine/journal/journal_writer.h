/* Appends frames to the segments of a journal through the I/O table. Lives on the I/O thread of its io. A journal that
 * fails never stops anything: the frame counts as unjournaled, an alarm is logged once per segment, and the next frame
 * tries a new segment. */
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

struct journal_options {
  const char *directory;   /* made if absent (its parent must exist) */
  uint32_t segment_mib;    /* a segment is closed before the record that would take it beyond this; a record larger than a
                              segment still gets one of its own */
  struct journal_head head; /* segment, run, created_ns, first_frame are filled by the writer */
  uint64_t token_base;     /* tokens of this writer: token_base .. token_base + JOURNAL_TOKENS - 1 */
  /* Opens a segment file for writing, which must not exist yet; NULL: open(2), and close(2) when it is done with. For
   * simulated disks. */
  int (*file_open)(void *context, const char *path);
  void *context;
};

struct journal_marks {
  uint64_t settled_frame;   /* every frame up to this number has been appended or given up (unjournaled) */
  uint64_t frames;          /* appended */
  uint64_t bytes;           /* appended, headers included */
  uint64_t unjournaled;     /* frames given up */
  uint64_t segments;        /* opened by this writer */
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

/* To be called for every IO_EVENT_APPEND whose token is the writer's (journal_owns). */
bool journal_owns(const struct journal_writer *writer, uint64_t token);
void journal_completed(struct journal_writer *writer, uint64_t token, int32_t result);

/* Is this settled frame unjournaled? A frame whose own write went well behind one that failed in the same segment counts
 * as unjournaled too, because no reader gets past the hole. The writer remembers the last JOURNAL_FAILURES_MAX. */
bool journal_frame_failed(const struct journal_writer *writer, uint64_t frame_number);
bool journal_idle(const struct journal_writer *writer); /* nothing in flight */
struct journal_marks journal_marks_of(const struct journal_writer *writer);

/* Only when idle. Closes the segment file. */
void journal_writer_close(struct journal_writer *writer);

#endif

/* Keeps the replay windows of sealed sensors across restarts: a thread of its own writes the file of marks
 * (engine/ingest/replay_marks.h), so that the I/O thread waits for the disk only where a lease is used up. A
 * disk that fails never stops the warning: what it fails to keep is said in the log, in /health and /metrics.
 */
#ifndef WEFT_MARKS_KEEPER_H
#define WEFT_MARKS_KEEPER_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/ingest/sealed_feeds.h"

struct marks_keeper;

/* Takes the file for itself (PATH.lock), gives its marks to `feeds`, writes it once to see that it can be
 * written, and becomes what the feeds persist through. Both stay borrowed. 0, or a negative errno with `err`:
 * another server uses the file, it is damaged, its folder may not be written to. */
int marks_keeper_open(struct marks_keeper **keeper, struct sealed_feeds *feeds, const char *path,
                      struct weft_error *err);
/* Once in a while, from the I/O thread: takes in what was written, has written what is due. */
void marks_keeper_turn(struct marks_keeper *keeper);
/* The last attempt to write failed: a restart may accept old datagrams again. */
bool marks_keeper_failed(const struct marks_keeper *keeper);
/* Writes the exact marks; nothing may be accepted any more. NULL is fine. */
void marks_keeper_close(struct marks_keeper *keeper);

#endif

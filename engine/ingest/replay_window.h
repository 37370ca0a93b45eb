/* Which sequence numbers of one key have been accepted. Asked only about datagrams whose seal was found good.
 *
 * The window is the REPLAY_WINDOW newest numbers. Inside it each number is accepted once; older ones, and all
 * up to `floor`, count as seen. A number ahead is new however far the jump: whoever holds the key says so.
 * Nothing is ever taken for a restart of the sender: one that lost its number takes a new key. */
#ifndef WEFT_INGEST_REPLAY_WINDOW_H
#define WEFT_INGEST_REPLAY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { REPLAY_WINDOW = 4096 };

/* Owned by sealed_feeds; zeroed = nothing seen. */
struct replay_window {
  bool has_floor;                    /* from an earlier run: */
  uint64_t floor;                    /* all numbers up to this one count as seen */
  bool started;                      /* a number was taken in this run */
  uint64_t highest, lowest;          /* taken in this run */
  uint64_t seen[REPLAY_WINDOW / 64]; /* bit per number modulo the window */
};

/* Was this number accepted before, or is it too old to tell? Changes nothing. */
bool replay_window_seen(const struct replay_window *window, uint64_t sequence);

/* Takes in a number that was not seen. Returns the change of the number of datagrams never seen: + for a jump
 * ahead of at most SEQUENCE_JUMP_MAX (a longer one is the sender's choice, no loss), -1 for a late arrival.
 */
int64_t replay_window_take(struct replay_window *window, uint64_t sequence);

#endif

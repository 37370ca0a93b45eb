/* What the sequence numbers of one unsealed sender say: new, late, seen before, restarted, and how many were never seen.
 *
 * The window is the SEQUENCE_WINDOW newest numbers, highest - 4095 to highest. Decisions:
 *   - inside the window, seen before, same CRC: duplicate;
 *   - inside the window, seen before, another CRC: a sender never uses a number twice for different content, so it began
 *     again: restarted;
 *   - inside the window, not seen: late (reordered), accepted; it fills a gap;
 *   - older than the window: restarted (a datagram delayed by more than 4,096 others looks the same; it is accepted too);
 *   - ahead by more than SEQUENCE_JUMP_MAX: no loss is that long; the sender began again at another number: restarted,
 *     and no gap is counted.
 * A restart empties the window and adds 1 to `restarts`, which orders before the sequence number within a frame.
 * The gap figure is exact for what is still inside the window: forward jumps add, late arrivals subtract. */
#ifndef WEFT_INGEST_SEQUENCE_WINDOW_H
#define WEFT_INGEST_SEQUENCE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { SEQUENCE_WINDOW = 4096, SEQUENCE_JUMP_MAX = 1 << 20 };
enum sequence_verdict { SEQUENCE_NEW, SEQUENCE_LATE, SEQUENCE_DUPLICATE, SEQUENCE_RESTARTED };

/* One per sensor, owned by intake. */
struct sequence_window {
  bool started;
  uint32_t restarts;
  uint64_t highest; /* seen since the last restart */
  uint64_t lowest;  /* seen since the last restart */
  uint64_t seen[SEQUENCE_WINDOW / 64]; /* bit per number modulo the window */
  uint32_t crc[SEQUENCE_WINDOW];       /* of the datagram with that number */
};

/* What would become of a datagram with this number and CRC; changes nothing. */
enum sequence_verdict sequence_window_check(const struct sequence_window *window, uint64_t sequence, uint32_t crc);

/* Was a datagram with this number taken since the last restart, or is it too old to tell? */
bool sequence_window_seen(const struct sequence_window *window, uint64_t sequence);

/* Takes it in (not for a duplicate). Returns the change of the number of datagrams never seen: + for a jump ahead, -1 for a
 * late arrival. */
int64_t sequence_window_take(struct sequence_window *window, uint64_t sequence, uint32_t crc);

#endif

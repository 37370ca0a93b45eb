/* Sensors that have keys: their key epochs, and per key which sequence numbers were accepted, across
 * restarts.
 *
 * Nothing here changes before a seal was found good. Windows belong to keys (by fingerprint, not by epoch
 * number), so a key that leaves its file and comes back finds its window again, and a new key in an old
 * epoch's place starts afresh.
 *
 * Marks and leases. A window survives a restart as one number, the mark: all up to it count as seen. The mark
 * on the disk must never be below a number that was accepted, so it runs ahead: a lease says up to which
 * number the disk already knows, and `take` accepts none beyond it. A lease is renewed in the background when
 * half of it is used up; its length follows the sender's rate, at most some seconds of datagrams. After a
 * crash the rest of the lease is lost (refused as replayed); after an orderly stop the mark is exact and
 * nothing is. */
#ifndef WEFT_INGEST_SEALED_FEEDS_H
#define WEFT_INGEST_SEALED_FEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/domain/site.h"
#include "engine/ingest/replay_marks.h"
#include "engine/ingest/wire.h"

enum {
  SEALED_WINDOWS = 32,       /* per sensor: its keys of now and earlier ones */
  SEALED_CARRIED_MAX = 1024, /* marks of sensors that are not configured now, kept */
  SEALED_LEASE_MIN = 16,     /* datagrams */
  SEALED_LEASE_MAX = 1 << 16
};

struct sealed_sensor;
struct key_list;

struct sealed_feeds {
  const struct site *site;       /* borrowed */
  struct sealed_sensor *sensors; /* by sensor index, of all; without keys empty */
  struct key_list *keys;         /* sensor_count + 1 of them in locked memory; the last is scratch */
  uint8_t *body;                 /* WIRE_DATAGRAM_MAX bytes: what was opened last */
  struct replay_mark *carried;   /* SEALED_CARRIED_MAX */
  uint32_t carried_count;
  uint32_t sensor_count; /* sensors that have keys */
  bool lease_due;        /* some lease should be renewed: see sealed_feeds_marks */
  void (*persist)(
      void *context); /* NULL: no marks are kept. Must put sealed_feeds_marks on the disk before it returns,
                         or give up and say so to the operator; called where a lease is used up */
  void *context;
};

/* Reads the key files of all sensors that have one. Takes everything from `arena` (sealed_feeds_bytes at
 * most) and from locked memory. 0, or a negative errno with `err`: no such file, a bad line, one key used by
 * two sensors. A file that others may read is warned of in the log. */
int sealed_feeds_open(struct sealed_feeds *feeds, struct arena *arena, const struct site *site,
                      struct weft_error *err);
size_t sealed_feeds_bytes(const struct site *site);
/* Wipes the keys. A zeroed one is fine. */
void sealed_feeds_close(struct sealed_feeds *feeds);

/* Reads the key files again. A file that can't be used is logged, and that sensor's keys stay as they were.
 * Allocates nothing. Returns how many sensors have other keys than before. */
uint32_t sealed_feeds_reload(struct sealed_feeds *feeds);

/* The body of a sealed datagram of this sensor, opened, size - 64 bytes, valid until the next call; NULL
 * where its epoch is not known or its seal not good. */
const uint8_t *sealed_feeds_unseal(struct sealed_feeds *feeds, uint32_t sensor,
                                   const struct wire_header *header, const uint8_t *data, uint32_t size);

/* Was this number of this epoch accepted before, or is it too old to tell? The epoch must be a known one; an
 * unknown one is never seen. */
bool sealed_feeds_seen(const struct sealed_feeds *feeds, uint32_t sensor, uint16_t epoch, uint64_t sequence);

/* Takes the number of an unsealed-and-good, unseen datagram in. Returns as replay_window_take. */
int64_t sealed_feeds_take(struct sealed_feeds *feeds, uint32_t sensor, uint16_t epoch, uint64_t sequence,
                          int64_t arrival_ns);

/* The marks to be put on the disk: leases, or with `exact` (nothing will be accepted any more) what was
 * accepted. Returns how many; capacity at least sealed_feeds_marks_max. Clears lease_due. */
uint32_t sealed_feeds_marks(struct sealed_feeds *feeds, bool exact, struct replay_mark *marks);
uint32_t sealed_feeds_marks_max(const struct sealed_feeds *feeds);
/* These marks, from sealed_feeds_marks, are on the disk. */
void sealed_feeds_granted(struct sealed_feeds *feeds, const struct replay_mark *marks, uint32_t count);
/* At start: the marks of the last run. */
void sealed_feeds_restore(struct sealed_feeds *feeds, const struct replay_mark *marks, uint32_t count);
/* Later, but before anything is taken: what exactly was accepted, from somebody who knows it better than the file, whose
 * marks run ahead. */
void sealed_feeds_exactly(struct sealed_feeds *feeds, const struct replay_mark *marks, uint32_t count);

#endif

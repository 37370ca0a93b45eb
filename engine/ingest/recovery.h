/* Datagrams that were lost on the way, computed from parity datagrams (wire type 3).
 *
 * Per sensor the newest accepted datagrams are kept as sent, bounded in bytes and number, and up to
 * RECOVERY_GROUPS groups whose parity has come. A group is solved as soon as it misses no more rows than it
 * has parity, whatever order they came in. The oldest group gives way to a new one; what it still misses is
 * then lost for good. A group lies within one key epoch. Sensors that send no parity cost nothing after their
 * first RECOVERY_PATIENCE datagrams.
 *
 * Nothing here judges: recovered datagrams are handed back to be admitted like received ones. */
#ifndef WEFT_INGEST_RECOVERY_H
#define WEFT_INGEST_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/ledger.h"
#include "engine/domain/site.h"
#include "engine/ingest/wire.h"

enum {
  RECOVERY_BYTES = 256 * 1024, /* kept per sensor; also the largest group: (k + lost rows) x length */
  RECOVERY_ENTRIES = 1024,     /* datagrams kept per sensor */
  RECOVERY_GROUPS = 16,        /* per sensor */
  RECOVERY_PATIENCE = 1024     /* datagrams without parity until a sensor's are no longer kept */
};

struct recovery_sensor;
struct parity_code_work;

struct recovered {
  uint32_t sensor; /* index */
  const uint8_t *data;
  uint32_t size;
};

struct recovery {
  struct ledger *ledger; /* borrowed; its parity figures */
  struct recovery_sensor *sensors;
  uint32_t sensor_count;
  struct parity_code_work *work;
  uint8_t *rows, *lost_rows;   /* RECOVERY_BYTES each: padded data, parity and results of one group */
  struct recovered queue[128]; /* recovered and not yet taken; they lie in lost_rows */
  uint32_t queued, taken;
  /* Was this number accepted already? Asked of numbers whose bytes are not kept. */
  bool (*seen)(const void *context, uint32_t sensor, uint16_t epoch, uint64_t sequence);
  const void *context;
};

/* Everything from `arena`. 0 or -ENOMEM. */
int recovery_open(struct recovery *recovery, struct arena *arena, const struct site *site,
                  struct ledger *ledger);
size_t recovery_bytes(const struct site *site);

/* An accepted datagram as received (type 1 or 2). The queue must be empty. */
void recovery_datagram(struct recovery *recovery, uint32_t sensor, const struct wire_header *header,
                       const uint8_t *data, uint32_t size);
/* An accepted parity datagram: its opened body of `size` bytes, found good by wire_parity_decode. */
void recovery_parity(struct recovery *recovery, uint32_t sensor, const struct wire_header *header,
                     const uint8_t *body, uint32_t size);
/* The sensor's sequence began anew: what is kept belongs to numbers that mean nothing any more. */
void recovery_restart(struct recovery *recovery, uint32_t sensor);
/* The next recovered datagram, or false. Valid, with those behind it, until the queue is empty and a call
 * above is made. */
bool recovery_next(struct recovery *recovery, struct recovered *out);
/* Takes it from the queue. */
void recovery_done(struct recovery *recovery);
/* At the end: groups that are still open have failed. */
void recovery_end(struct recovery *recovery);

#endif

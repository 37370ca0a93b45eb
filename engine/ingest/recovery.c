#include "engine/ingest/recovery.h"

#include <errno.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/ingest/parity_code.h"

enum { PREFIX = 2 }; /* length of a datagram before it in its row */

/* What is kept of a datagram: as sent, or of parity its row. */
struct entry {
  uint64_t sequence; /* of parity: of the group's first datagram */
  uint64_t place;    /* in the stream of all bytes kept so far; modulo RECOVERY_BYTES in `bytes` */
  uint32_t size;
  uint16_t epoch;
  bool parity;
  uint8_t index; /* of parity */
};

struct group {
  bool used, done;
  uint64_t first;
  uint16_t epoch;
  uint8_t k, m;
  uint32_t length;
  uint32_t parity; /* rows of parity that have come while it was open */
};

struct recovery_sensor {
  uint64_t made, dropped; /* entries so far: made - dropped are kept, number n at n % RECOVERY_ENTRIES */
  uint64_t end;           /* stream position behind the last byte */
  uint64_t since_parity;  /* datagrams */
  uint32_t open_groups, next_group;
  struct entry entries[RECOVERY_ENTRIES];
  uint64_t by_sequence[RECOVERY_ENTRIES]; /* number + 1 of the datagram whose sequence has this remainder */
  struct group groups[RECOVERY_GROUPS];
  uint8_t bytes[RECOVERY_BYTES];
};

size_t recovery_bytes(const struct site *site) {
  return site->sensor_count * sizeof(struct recovery_sensor) + sizeof(struct parity_code_work) +
         2 * (size_t)RECOVERY_BYTES + 256;
}

int recovery_open(struct recovery *recovery, struct arena *arena, const struct site *site,
                  struct ledger *ledger) {
  *recovery = (struct recovery){.ledger = ledger, .sensor_count = site->sensor_count};
  recovery->sensors = arena_take(arena, site->sensor_count, sizeof *recovery->sensors);
  recovery->work = arena_take(arena, 1, sizeof *recovery->work);
  recovery->rows = arena_take(arena, 1, RECOVERY_BYTES);
  recovery->lost_rows = arena_take(arena, 1, RECOVERY_BYTES);
  return recovery->sensors && recovery->work && recovery->rows && recovery->lost_rows ? 0 : -ENOMEM;
}

static uint64_t *figures_of(struct recovery *recovery, uint32_t sensor) {
  return recovery->ledger->sensors[sensor].parity;
}

_Static_assert((int)WIRE_DATAGRAM_MAX <= (int)RECOVERY_BYTES, "a datagram, and a row of parity in one, fits the ring");

/* Keeps bytes at the end of the ring; the oldest entries make room. */
static struct entry *keep(struct recovery_sensor *own, const uint8_t *data, uint32_t size) {
  uint64_t place = own->end;
  if (place % RECOVERY_BYTES + size > RECOVERY_BYTES) place += RECOVERY_BYTES - place % RECOVERY_BYTES;
  while (own->dropped < own->made) {
    const struct entry *oldest = &own->entries[own->dropped % RECOVERY_ENTRIES];
    bool room = own->made - own->dropped < RECOVERY_ENTRIES && oldest->place + RECOVERY_BYTES >= place + size;
    if (room) break;
    own->dropped++;
  }
  struct entry *entry = &own->entries[own->made++ % RECOVERY_ENTRIES];
  *entry = (struct entry){.place = place, .size = size};
  own->end = place + size;
  memcpy(own->bytes + place % RECOVERY_BYTES, data, size);
  return entry;
}

static const uint8_t *bytes_of(const struct recovery_sensor *own, const struct entry *entry) {
  return own->bytes + entry->place % RECOVERY_BYTES;
}

/* The datagram with this number, if it is still kept. */
static const struct entry *datagram_find(const struct recovery_sensor *own, uint16_t epoch,
                                         uint64_t sequence) {
  uint64_t number = own->by_sequence[sequence % RECOVERY_ENTRIES];
  if (number == 0 || number - 1 < own->dropped) return NULL;
  const struct entry *entry = &own->entries[(number - 1) % RECOVERY_ENTRIES];
  return entry->sequence == sequence && entry->epoch == epoch ? entry : NULL;
}

static void group_end(struct recovery *recovery, uint32_t sensor, struct group *group, uint32_t parity_used,
                      bool failed) {
  uint64_t *figures = figures_of(recovery, sensor);
  figures[PARITY_USED] += parity_used;
  figures[PARITY_UNUSED] += group->parity - parity_used;
  figures[PARITY_GROUPS_FAILED] += failed;
  group->done = true;
  recovery->sensors[sensor].open_groups--;
}

/* What the group has of its datagrams. */
struct presence {
  const struct entry *data[PARITY_CODE_ROWS];
  uint32_t missing; /* not kept */
  uint32_t wanted;  /* of these, never accepted */
};

static void presence_find(const struct recovery *recovery, uint32_t sensor, const struct group *group,
                          struct presence *out) {
  const struct recovery_sensor *own = &recovery->sensors[sensor];
  out->missing = out->wanted = 0;
  for (uint32_t i = 0; i < group->k; i++) {
    uint64_t sequence = group->first + i;
    out->data[i] = datagram_find(own, group->epoch, sequence);
    if (out->data[i]) continue;
    out->missing++;
    out->wanted += !recovery->seen(recovery->context, sensor, group->epoch, sequence);
  }
}

/* Up to `wanted` rows of parity of the group, each index once, copied into rows from `at` on. Returns how
 * many. */
static uint32_t parity_gather(struct recovery *recovery, uint32_t sensor, const struct group *group,
                              uint32_t wanted, size_t at, uint8_t *index, uint8_t **rows) {
  const struct recovery_sensor *own = &recovery->sensors[sensor];
  uint32_t count = 0;
  for (uint64_t n = own->dropped; n < own->made && count < wanted; n++) {
    const struct entry *entry = &own->entries[n % RECOVERY_ENTRIES];
    if (!entry->parity || entry->sequence != group->first || entry->epoch != group->epoch ||
        entry->size != group->length)
      continue;
    bool twice = false;
    for (uint32_t j = 0; j < count; j++) twice = twice || index[j] == entry->index;
    if (twice) continue;
    index[count] = entry->index;
    rows[count] = recovery->rows + at + (size_t)count * group->length;
    memcpy(rows[count++], bytes_of(own, entry), entry->size);
  }
  return count;
}

/* The rows of the group's datagrams, each its length, its bytes, zeros. False where one is longer than a row.
 */
static bool data_gather(struct recovery *recovery, uint32_t sensor, const struct group *group,
                        const struct presence *presence, const uint8_t **rows) {
  uint8_t *row = recovery->rows;
  for (uint32_t i = 0; i < group->k; i++) {
    const struct entry *entry = presence->data[i];
    rows[i] = NULL;
    if (!entry) continue;
    if (entry->size + PREFIX > group->length) return false;
    uint16_t size = (uint16_t)entry->size;
    memcpy(row, &size, PREFIX);
    memcpy(row + PREFIX, bytes_of(&recovery->sensors[sensor], entry), entry->size);
    memset(row + PREFIX + entry->size, 0, group->length - PREFIX - entry->size);
    rows[i] = row;
    row += group->length;
  }
  return true;
}

/* Is a computed row the datagram that was lost? Parity that is wrong gives rows that are none. */
static bool row_good(const uint8_t *row, uint32_t length, uint32_t sensor_id, uint16_t epoch,
                     uint64_t sequence, uint32_t *size) {
  uint16_t told;
  struct wire_header header;
  memcpy(&told, row, PREFIX);
  *size = told;
  if (told < WIRE_HEADER_SIZE || (uint32_t)told + PREFIX > length) return false;
  if (wire_header_decode(row + PREFIX, told, &header) != WIRE_OK || header.type == WIRE_PARITY) return false;
  if (header.sensor != sensor_id || header.key_epoch != epoch || header.sequence != sequence) return false;
  return wire_crc_ok(row + PREFIX, told);
}

/* Queues the computed rows of numbers that were never accepted. False if any is no datagram. */
static bool rows_queue(struct recovery *recovery, uint32_t sensor, uint32_t sensor_id,
                       const struct group *group, const struct presence *presence) {
  const uint8_t *row = recovery->lost_rows;
  bool good = true;
  for (uint32_t i = 0; i < group->k; i++) {
    uint64_t sequence = group->first + i;
    uint32_t size;
    if (presence->data[i]) continue;
    if (!recovery->seen(recovery->context, sensor, group->epoch, sequence)) {
      if (row_good(row, group->length, sensor_id, group->epoch, sequence, &size)) {
        recovery->queue[recovery->queued++] =
            (struct recovered){.sensor = sensor, .data = row + PREFIX, .size = size};
      } else {
        good = false;
      }
    }
    row += group->length;
  }
  return good;
}

/* Solves the group if it can be, or ends it if nothing is wanted any more. */
static void group_try(struct recovery *recovery, uint32_t sensor, uint32_t sensor_id, struct group *group) {
  struct presence presence;
  presence_find(recovery, sensor, group, &presence);
  if (presence.wanted == 0) {
    group_end(recovery, sensor, group, 0, false);
    return;
  }
  uint32_t lost = presence.missing;
  if (lost > group->parity || lost > PARITY_CODE_LOST) return;
  if ((size_t)group->k * group->length > RECOVERY_BYTES) return;
  const uint8_t *data[PARITY_CODE_ROWS];
  uint8_t index[PARITY_CODE_LOST], *parity[PARITY_CODE_LOST], *out[PARITY_CODE_LOST];
  size_t at = (size_t)(group->k - lost) * group->length;
  if (parity_gather(recovery, sensor, group, lost, at, index, parity) < lost) return;
  for (uint32_t j = 0; j < lost; j++) out[j] = recovery->lost_rows + (size_t)j * group->length;
  bool good = data_gather(recovery, sensor, group, &presence, data) &&
              parity_code_recover(recovery->work, group->k, lost, group->length, data, index, parity, out) &&
              rows_queue(recovery, sensor, sensor_id, group, &presence);
  group_end(recovery, sensor, group, recovery->queued > 0 ? lost : 0, !good);
}

static bool queue_empty(const struct recovery *recovery) {
  return recovery->taken == recovery->queued;
}

void recovery_datagram(struct recovery *recovery, uint32_t sensor, const struct wire_header *header,
                       const uint8_t *data, uint32_t size) {
  weft_assert(queue_empty(recovery));
  struct recovery_sensor *own = &recovery->sensors[sensor];
  if (own->since_parity >= RECOVERY_PATIENCE) return;
  own->since_parity++;
  struct entry *entry = keep(own, data, size);
  entry->sequence = header->sequence;
  entry->epoch = header->key_epoch;
  own->by_sequence[header->sequence % RECOVERY_ENTRIES] = own->made;
  for (int g = 0; own->open_groups > 0 && g < RECOVERY_GROUPS; g++) {
    struct group *group = &own->groups[g];
    if (!group->used || group->done || group->epoch != header->key_epoch) continue;
    if (header->sequence - group->first >= group->k) continue;
    recovery->queued = recovery->taken = 0;
    group_try(recovery, sensor, header->sensor, group);
    return;
  }
}

static struct group *group_find(struct recovery_sensor *own, uint64_t first, uint16_t epoch) {
  for (int g = 0; g < RECOVERY_GROUPS; g++) {
    struct group *group = &own->groups[g];
    if (group->used && group->first == first && group->epoch == epoch) return group;
  }
  return NULL;
}

static void group_give_up(struct recovery *recovery, uint32_t sensor, struct group *group) {
  struct presence presence;
  presence_find(recovery, sensor, group, &presence);
  group_end(recovery, sensor, group, 0, presence.wanted > 0);
}

static struct group *group_begin(struct recovery *recovery, uint32_t sensor, const struct wire_parity *parity,
                                 uint16_t epoch) {
  struct recovery_sensor *own = &recovery->sensors[sensor];
  struct group *group = &own->groups[own->next_group++ % RECOVERY_GROUPS];
  if (group->used && !group->done) group_give_up(recovery, sensor, group);
  *group = (struct group){.used = true,
                          .first = parity->first,
                          .epoch = epoch,
                          .k = parity->k,
                          .m = parity->m,
                          .length = parity->length};
  own->open_groups++;
  return group;
}

void recovery_parity(struct recovery *recovery, uint32_t sensor, const struct wire_header *header,
                     const uint8_t *body, uint32_t size) {
  weft_assert(queue_empty(recovery));
  struct recovery_sensor *own = &recovery->sensors[sensor];
  uint64_t *figures = figures_of(recovery, sensor);
  struct wire_parity parity;
  weft_assert(wire_parity_decode(body, size, &parity));
  figures[PARITY_RECEIVED]++;
  own->since_parity = 0;
  struct group *group = group_find(own, parity.first, header->key_epoch);
  if (!group) group = group_begin(recovery, sensor, &parity, header->key_epoch);
  bool same = group->k == parity.k && group->m == parity.m && group->length == parity.length;
  if (group->done || !same || parity.first > UINT64_MAX - parity.k) {
    figures[PARITY_UNUSED]++;
    return;
  }
  struct entry *entry = keep(own, body + WIRE_PARITY_HEAD_SIZE, parity.length);
  entry->sequence = parity.first;
  entry->epoch = header->key_epoch;
  entry->parity = true;
  entry->index = parity.index;
  group->parity++;
  recovery->queued = recovery->taken = 0;
  group_try(recovery, sensor, header->sensor, group);
}

void recovery_restart(struct recovery *recovery, uint32_t sensor) {
  struct recovery_sensor *own = &recovery->sensors[sensor];
  for (int g = 0; g < RECOVERY_GROUPS; g++) {
    struct group *group = &own->groups[g];
    if (group->used && !group->done) group_end(recovery, sensor, group, 0, false);
    group->used = false;
  }
  own->dropped = own->made;
}

bool recovery_next(struct recovery *recovery, struct recovered *out) {
  if (queue_empty(recovery)) return false;
  *out = recovery->queue[recovery->taken];
  return true;
}

void recovery_done(struct recovery *recovery) {
  weft_assert(!queue_empty(recovery));
  recovery->taken++;
}

void recovery_end(struct recovery *recovery) {
  for (uint32_t s = 0; s < recovery->sensor_count; s++) {
    for (int g = 0; g < RECOVERY_GROUPS; g++) {
      struct group *group = &recovery->sensors[s].groups[g];
      if (group->used && !group->done) group_give_up(recovery, s, group);
    }
  }
}

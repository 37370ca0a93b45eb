/* weft.h: sealing and parity for generators and sensor adapters, and making keys. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "engine/base/check.h"
#include "engine/ingest/key_file.h"
#include "engine/ingest/parity_code.h"
#include "engine/ingest/seal.h"
#include "engine/ingest/wire.h"
#include "engine/weft.h"

struct weft_seal {
  struct key key;
};

int weft_seal_open(const char *key_path, struct weft_seal **seal, struct weft_error *err) {
  int rc = seal_begin();
  if (rc < 0) return weft_fail(err, rc, "libsodium can't be used on this machine");
  struct weft_seal *made = sodium_malloc(sizeof *made);
  if (!made) return weft_fail(err, -ENOMEM, "%s: out of memory", key_path);
  struct key_list list;
  rc = key_file_read(key_path, &list, NULL, err);
  if (rc == 0) made->key = *key_list_newest(&list);
  key_list_wipe(&list);
  if (rc < 0) {
    sodium_free(made);
    return rc;
  }
  *seal = made;
  return 0;
}

uint16_t weft_seal_epoch(const struct weft_seal *seal) {
  return seal->key.epoch;
}

size_t weft_seal_datagram(const struct weft_seal *seal, uint8_t *datagram, size_t size, size_t capacity) {
  return seal_close(datagram, size, capacity, seal->key.epoch, seal->key.bytes);
}

void weft_seal_close(struct weft_seal *seal) {
  sodium_free(seal); /* wipes */
}

enum { ROW_BYTES = 65536, PREFIX = 2 };
_Static_assert(WEFT_PROTECTED_MAX + PREFIX + WIRE_PARITY_HEAD_SIZE + WIRE_HEADER_SIZE + WIRE_TAG_SIZE <=
                   WEFT_DATAGRAM_MAX,
               "the parity of the longest datagram fits one");

struct weft_parity {
  uint32_t k, m, count;
  uint64_t first;  /* sequence of the group's first datagram */
  uint32_t length; /* of its longest row */
  uint8_t *rows;   /* k of ROW_BYTES */
  struct parity_code_work work;
};

int weft_parity_open(uint32_t k, uint32_t m, struct weft_parity **parity, struct weft_error *err) {
  if (k < 1 || m < 1 || k > 255 || m > 255 || k + m > PARITY_CODE_ROWS)
    return weft_fail(err, -EINVAL, "parity %u,%u: k and m are 1 to 255, together at most %d", k, m,
                     PARITY_CODE_ROWS);
  struct weft_parity *made = calloc(1, sizeof *made);
  if (made) made->rows = malloc((size_t)k * ROW_BYTES);
  if (!made || !made->rows) {
    free(made);
    return weft_fail(err, -ENOMEM, "out of memory for parity");
  }
  made->k = k;
  made->m = m;
  *parity = made;
  return 0;
}

int weft_parity_put(struct weft_parity *parity, const uint8_t *datagram, size_t size) {
  weft_assert(size >= WIRE_HEADER_SIZE && parity->count < parity->k);
  if (size > WEFT_PROTECTED_MAX) return -EMSGSIZE;
  if (parity->count == 0) {
    memcpy(&parity->first, datagram + WIRE_OFFSET_SEQUENCE, sizeof parity->first);
    parity->length = 0;
  }
  uint16_t prefix = (uint16_t)size;
  uint8_t *row = parity->rows + (size_t)parity->count * ROW_BYTES;
  memcpy(row, &prefix, PREFIX);
  memcpy(row + PREFIX, datagram, size);
  memset(row + PREFIX + size, 0, ROW_BYTES - PREFIX - size);
  if (size + PREFIX > parity->length) parity->length = (uint32_t)size + PREFIX;
  parity->count++;
  return parity->count == parity->k;
}

uint32_t weft_parity_count(const struct weft_parity *parity) {
  return parity->count;
}

size_t weft_parity_datagram(struct weft_parity *parity, uint32_t index, uint8_t *out, size_t capacity,
                            uint32_t sensor_id, uint16_t flags, uint64_t sequence, int64_t sent_ns) {
  if (parity->count == 0 || index >= parity->m) return 0;
  const struct wire_header header = {
      .sensor = sensor_id, .flags = flags & WIRE_EXERCISE, .sequence = sequence, .sent_ns = sent_ns};
  const struct wire_parity head = {.first = parity->first,
                                   .k = (uint8_t)parity->count,
                                   .m = (uint8_t)parity->m,
                                   .index = (uint8_t)index,
                                   .length = parity->length};
  if (capacity < WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE + (size_t)parity->length) return 0;
  const uint8_t *rows[PARITY_CODE_ROWS];
  for (uint32_t i = 0; i < parity->count; i++) rows[i] = parity->rows + (size_t)i * ROW_BYTES;
  parity_code_encode(&parity->work, parity->count, index, parity->length, rows,
                     out + WIRE_HEADER_SIZE + WIRE_PARITY_HEAD_SIZE);
  return wire_parity_encode(out, capacity, &header, &head);
}

void weft_parity_next(struct weft_parity *parity) {
  parity->count = 0;
}

void weft_parity_close(struct weft_parity *parity) {
  if (!parity) return;
  free(parity->rows);
  free(parity);
}

int weft_key_make(const char *path, bool append, uint16_t *epoch, struct weft_error *err) {
  return key_file_make(path, append, epoch, err);
}

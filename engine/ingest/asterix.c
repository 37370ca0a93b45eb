#include "engine/ingest/asterix.h"

#include <string.h>

#include "engine/ingest/asterix_item.h"

enum asterix_status asterix_block_next(const uint8_t *data, size_t size, size_t *offset, struct asterix_block *out) {
  size_t left = size - *offset;
  if (left == 0) return ASTERIX_END;
  const uint8_t *at = data + *offset;
  uint32_t length = left < ASTERIX_HEAD_SIZE ? 0 : asterix_u16(at + 1);
  if (length < ASTERIX_HEAD_SIZE || length > left) {
    *offset = size;
    return ASTERIX_MALFORMED;
  }
  *out = (struct asterix_block){.category = at[0], .size = length, .data = at};
  *offset += length;
  return ASTERIX_OK;
}

enum asterix_status asterix_record_next(const struct asterix_block *block, uint32_t *offset, struct asterix_record *out) {
  if (*offset >= block->size) return ASTERIX_END;
  uint32_t left = block->size - *offset, used = 0;
  out->category = block->category;
  out->data = block->data + *offset;
  enum asterix_status status = ASTERIX_OTHER;
  if (block->category == ASTERIX_PLOTS) status = asterix_plot_decode(out->data, left, &out->plot, &used);
  if (block->category == ASTERIX_SERVICE) status = asterix_service_decode(out->data, left, &out->service, &used);
  if (status != ASTERIX_OK) used = left;
  out->size = used;
  *offset += used;
  return status;
}

uint32_t asterix_radar_find(const struct site *site, uint8_t sac, uint8_t sic) {
  for (uint32_t i = 0; i < site->sensor_count; i++) {
    const struct sensor *sensor = &site->sensors[i];
    if (sensor->has_asterix && sensor->sac == sac && sensor->sic == sic) return i;
  }
  return ASTERIX_RADAR_UNKNOWN;
}

uint32_t asterix_record_radar(const struct site *site, const struct asterix_record *record) {
  bool plot = record->category == ASTERIX_PLOTS;
  if (!(plot ? record->plot.has_source : record->service.has_source)) return ASTERIX_RADAR_UNKNOWN;
  return asterix_radar_find(site, plot ? record->plot.sac : record->service.sac,
                            plot ? record->plot.sic : record->service.sic);
}

/* FNV-1a over the bytes with a final mix, so that the low bits that choose a bucket depend on all of them. */
static uint64_t record_hash(const uint8_t *record, uint32_t size) {
  uint64_t h = UINT64_C(0xcbf29ce484222325);
  for (uint32_t i = 0; i < size; i++) h = (h ^ record[i]) * UINT64_C(0x100000001b3);
  h ^= h >> 32;
  h *= UINT64_C(0xd6e8feb86659fd93);
  return h ^ h >> 32;
}

/* Takes the slot that is about to be written again out of its bucket's chain: it is the oldest, so the chain's last. */
static void window_forget(struct asterix_window *window, uint32_t slot) {
  uint16_t *link = &window->head[window->hash[slot] % ASTERIX_WINDOW];
  for (uint32_t i = 0; i < ASTERIX_WINDOW && *link != slot + 1; i++) link = &window->next[*link - 1];
  *link = 0;
}

bool asterix_window_repeat(struct asterix_window *window, const uint8_t *record, uint32_t size) {
  uint64_t hash = record_hash(record, size);
  uint16_t *head = &window->head[hash % ASTERIX_WINDOW];
  uint16_t at = *head;
  for (uint32_t i = 0; i < ASTERIX_WINDOW && at != 0; i++, at = window->next[at - 1])
    if (window->hash[at - 1] == hash) return true;
  uint32_t slot = (uint32_t)(window->count % ASTERIX_WINDOW);
  if (window->count >= ASTERIX_WINDOW) window_forget(window, slot);
  window->hash[slot] = hash;
  window->next[slot] = *head;
  *head = (uint16_t)(slot + 1);
  window->count++;
  return false;
}

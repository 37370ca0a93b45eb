#include "engine/ingest/asterix_item.h"

/* Presence octets, FX included, at data: how many there are, 0 where they do not end or are more than `count` bits need. */
static uint32_t presence_measure(const uint8_t *data, size_t size, uint32_t count) {
  uint32_t octets_max = (count + 6) / 7;
  for (uint32_t i = 0; i < octets_max && i < size; i++)
    if (!(data[i] & 1)) return i + 1;
  return 0;
}

static bool extended_measure(const uint8_t *data, size_t size, uint32_t *used) {
  for (uint32_t i = 0; i < size; i++) {
    if (data[i] & 1) continue;
    *used = i + 1;
    return true;
  }
  return false;
}

/* A part: every shape but a compound. */
static bool part_measure(const struct asterix_form *form, const uint8_t *data, size_t size, uint32_t *used) {
  switch (form->shape) {
  case SHAPE_FIXED: *used = form->size; break;
  case SHAPE_EXTENDED: return extended_measure(data, size, used);
  case SHAPE_REPEAT:
    if (size < 1) return false;
    *used = 1 + (uint32_t)data[0] * form->size;
    break;
  case SHAPE_EXPLICIT:
    if (size < 1 || data[0] == 0) return false;
    *used = data[0];
    break;
  default: return false;
  }
  return *used <= size;
}

bool asterix_items_walk(const struct asterix_form *profile, uint32_t count, const uint8_t *data, size_t size,
                        asterix_item_visit *visit, void *context, uint32_t *used) {
  uint32_t octets = presence_measure(data, size, count);
  if (octets == 0) return false;
  uint32_t at = octets;
  for (uint32_t bit = 0; bit < octets * 7; bit++) {
    if (!(data[bit / 7] & (0x80u >> (bit % 7)))) continue;
    uint32_t item;
    if (bit >= count || !asterix_item_measure(&profile[bit], data + at, size - at, &item)) return false;
    visit(context, bit, data + at, item);
    at += item;
  }
  *used = at;
  return at > octets; /* a record of no items is padding, or a lost place */
}

/* The same walk one level down: parts are never compounds, so this does not recurse. */
static bool compound_measure(const struct asterix_form *form, const uint8_t *data, size_t size, uint32_t *used) {
  uint32_t octets = presence_measure(data, size, form->size);
  if (octets == 0) return false;
  uint32_t at = octets;
  for (uint32_t bit = 0; bit < octets * 7; bit++) {
    if (!(data[bit / 7] & (0x80u >> (bit % 7)))) continue;
    uint32_t part;
    if (bit >= form->size || !part_measure(&form->parts[bit], data + at, size - at, &part)) return false;
    at += part;
  }
  *used = at;
  return true;
}

bool asterix_item_measure(const struct asterix_form *form, const uint8_t *data, size_t size, uint32_t *used) {
  if (form->shape == SHAPE_COMPOUND) return compound_measure(form, data, size, used);
  return part_measure(form, data, size, used);
}

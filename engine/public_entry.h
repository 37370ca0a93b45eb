/* What a caller of weft.h hands in, as the engine's own types. */
#ifndef WEFT_PUBLIC_ENTRY_H
#define WEFT_PUBLIC_ENTRY_H

#include <string.h>

#include "engine/ingest/recording.h"
#include "engine/weft.h"

/* The entry of one detection, of the sensor `sensor` (index; sensor_count: unknown). `sequence` is its
 * ordinal. Bits that weft.h does not have are dropped; an impossible kind stays impossible and is refused at
 * admission. */
static inline struct entry public_entry(uint32_t sensor, const struct weft_detection *from,
                                        uint64_t sequence) {
  struct entry entry = {.kind = ENTRY_DETECTION, .sensor = sensor, .mode = INTAKE_MODE_ANY};
  entry.detection = (struct detection){.time_ns = from->time_ns,
                                       .sequence = sequence,
                                       .sensor = sensor,
                                       .snr_db = from->snr_db,
                                       .kind = from->kind < KIND_END ? (uint8_t)from->kind : 0,
                                       .valid = from->valid & (2 * WEFT_HAS_SIGMAS - 1)};
  memcpy(entry.detection.measure, from->measure, sizeof from->measure);
  memcpy(entry.detection.sigma, from->sigma, sizeof from->sigma);
  return entry;
}

#endif

/* Numbers in the journal's bytes, little-endian as the machine is, and the padding between its parts. */
#ifndef WEFT_JOURNAL_BYTES_H
#define WEFT_JOURNAL_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Every part begins at a multiple of 8. */
static inline size_t round_up(size_t size) { return (size + 7) & ~(size_t)7; }

static inline uint32_t get_u32(const uint8_t *data, size_t offset) {
  uint32_t value;
  memcpy(&value, data + offset, sizeof value);
  return value;
}
static inline uint64_t get_u64(const uint8_t *data, size_t offset) {
  uint64_t value;
  memcpy(&value, data + offset, sizeof value);
  return value;
}
static inline void put_u32(uint8_t *out, size_t offset, uint32_t value) { memcpy(out + offset, &value, sizeof value); }
static inline void put_u64(uint8_t *out, size_t offset, uint64_t value) { memcpy(out + offset, &value, sizeof value); }

#endif

/* The input as values taken from its front, zeros behind its end; and what every target checks of a detection
 * that a decoder has let through. */
#ifndef WEFT_FUZZ_INPUT_H
#define WEFT_FUZZ_INPUT_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/domain/detection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
  const uint8_t *at;
  size_t left;
};

static inline void input_take(struct input *from, void *out, size_t size) {
  size_t given = size < from->left ? size : from->left;
  memset(out, 0, size);
  if (given > 0) memcpy(out, from->at, given);
  from->at += given;
  from->left -= given;
}

static inline uint8_t input_u8(struct input *from) {
  uint8_t value;
  input_take(from, &value, sizeof value);
  return value;
}

static inline uint16_t input_u16(struct input *from) {
  uint16_t value;
  input_take(from, &value, sizeof value);
  return value;
}

static inline uint64_t input_u64(struct input *from) {
  uint64_t value;
  input_take(from, &value, sizeof value);
  return value;
}

static inline double input_double(struct input *from) {
  double value;
  input_take(from, &value, sizeof value);
  return value;
}

/* A piece of at most `size` bytes, where it lies. */
static inline const uint8_t *input_piece(struct input *from, size_t size, size_t *given) {
  const uint8_t *at = from->at;
  *given = size < from->left ? size : from->left;
  from->at += *given;
  from->left -= *given;
  return at;
}

/* The ranges of the contract, written out here once more: what admission and the tracker rely on. */
static inline void contract_check(const struct detection *d) {
  const double pi = 3.14159265358979323846;
  const double *m = d->measure;
  bool ranging = d->kind == KIND_RADAR || d->kind == KIND_RADAR2D;
  weft_assert(d->kind >= KIND_RADAR && d->kind <= KIND_POSITION);
  weft_assert(d->time_ns >= -1000000000000000 && d->time_ns <= 9000000000000000000);
  weft_assert(isfinite(d->snr_db));
  for (int i = 0; i < 4; i++) weft_assert(isfinite(m[i]) && isfinite(d->sigma[i]) && d->sigma[i] >= 0);
  for (int i = 0; i < 3; i++) weft_assert(fabs(d->platform_m[i]) <= 1e8);
  weft_assert(d->kind == KIND_LOS || !(d->valid & VALID_PLATFORM));
  if (d->kind == KIND_POSITION) {
    weft_assert(d->valid & VALID_XYZ);
    weft_assert(fabs(m[0]) <= 1e8 && fabs(m[1]) <= 1e8 && fabs(m[2]) <= 1e8);
    return;
  }
  weft_assert((d->valid & VALID_AZIMUTH) && m[MEASURE_AZIMUTH] > -pi - 1e-9 &&
              m[MEASURE_AZIMUTH] <= pi + 1e-9);
  if (ranging) weft_assert((d->valid & VALID_RANGE) && m[MEASURE_RANGE] >= 0 && m[MEASURE_RANGE] <= 1e8);
  if (d->kind != KIND_RADAR2D)
    weft_assert((d->valid & VALID_ELEVATION) && fabs(m[MEASURE_ELEVATION]) <= pi / 2);
  if (d->kind == KIND_RADAR2D) weft_assert(fabs(m[MEASURE_HEIGHT]) <= 1e8);
  if (ranging) weft_assert(fabs(m[MEASURE_RANGE_RATE]) <= 299792458);
}

#endif

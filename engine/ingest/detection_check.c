/* The checks that every source of detections shares; declared in wire.h. A detection's four fields are looked at side by side, since all
 * but the broken ones pass them all. */
#include <float.h>
#include <string.h>

#include "engine/ingest/wire.h"

#define PI 3.14159265358979323846
#define RANGE_MAX_M 1e8
#define LENGTH_MAX_M 1e8
#define LIGHT_MPS 299792458.0

typedef double doubles __attribute__((vector_size(32)));
typedef float floats __attribute__((vector_size(16)));
typedef int64_t longs __attribute__((vector_size(32)));
typedef int32_t ints __attribute__((vector_size(16)));

/* What the slots of measure[] hold for a kind: the bit that makes each valid, 0 where the kind has no such slot, and its range. */
struct slots {
  longs bit;
  doubles min, max;
};

static const struct slots slots_of[KIND_END] = {
    [KIND_RADAR] = {{VALID_RANGE, VALID_AZIMUTH, VALID_ELEVATION, VALID_RANGE_RATE},
                    {0, -2 * PI, -PI / 2, -LIGHT_MPS},
                    {RANGE_MAX_M, 2 * PI, PI / 2, LIGHT_MPS}},
    [KIND_RADAR2D] = {{VALID_RANGE, VALID_AZIMUTH, VALID_HEIGHT, VALID_RANGE_RATE},
                      {0, -2 * PI, -LENGTH_MAX_M, -LIGHT_MPS},
                      {RANGE_MAX_M, 2 * PI, LENGTH_MAX_M, LIGHT_MPS}},
    [KIND_LOS] = {{0, VALID_AZIMUTH, VALID_ELEVATION, 0}, {0, -2 * PI, -PI / 2, 0}, {0, 2 * PI, PI / 2, 0}},
    [KIND_POSITION] = {{VALID_XYZ, VALID_XYZ, VALID_XYZ, 0},
                       {-LENGTH_MAX_M, -LENGTH_MAX_M, -LENGTH_MAX_M, 0},
                       {LENGTH_MAX_M, LENGTH_MAX_M, LENGTH_MAX_M, 0}},
};

/* What the kind can have at all, and must have. */
static const uint16_t known[KIND_END] = {
    [KIND_RADAR] = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_RANGE_RATE | VALID_SNR | VALID_SIGMAS,
    [KIND_RADAR2D] = VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT | VALID_RANGE_RATE | VALID_SNR | VALID_SIGMAS,
    [KIND_LOS] = VALID_AZIMUTH | VALID_ELEVATION | VALID_SNR | VALID_SIGMAS | VALID_PLATFORM,
    [KIND_POSITION] = VALID_XYZ | VALID_SNR | VALID_SIGMAS,
};
static const uint16_t needed[KIND_END] = {
    [KIND_RADAR] = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION,
    [KIND_RADAR2D] = VALID_RANGE | VALID_AZIMUTH,
    [KIND_LOS] = VALID_AZIMUTH | VALID_ELEVATION,
    [KIND_POSITION] = VALID_XYZ,
};

uint16_t detection_slot(uint8_t kind, int slot, double *min, double *max) {
  *min = slots_of[kind].min[slot];
  *max = slots_of[kind].max[slot];
  return (uint16_t)slots_of[kind].bit[slot];
}

uint16_t detection_bits(uint8_t kind, uint16_t *needed_out) {
  *needed_out = needed[kind];
  return known[kind];
}

/* Keeps only what is valid for the kind, so that nothing behind can trip over what was not meant. True: and all of that is in its range.
 * What was not kept is 0, which every range has; NaN and infinity are in none. */
static bool detection_reduce(struct detection *d) {
  const struct slots *slots = &slots_of[d->kind];
  longs measure, valid = {d->valid, d->valid, d->valid, d->valid};
  ints sigma, sigmas = (ints){0} - ((d->valid & VALID_SIGMAS) != 0);
  memcpy(&measure, d->measure, sizeof measure);
  memcpy(&sigma, d->sigma, sizeof sigma);
  valid = (valid & slots->bit) != 0;
  measure &= valid;
  sigma &= sigmas & __builtin_convertvector(valid, ints);
  memcpy(d->measure, &measure, sizeof measure);
  memcpy(d->sigma, &sigma, sizeof sigma);
  longs good = ((doubles)measure >= slots->min) & ((doubles)measure <= slots->max);
  ints fine = ((floats)sigma >= 0) & ((floats)sigma <= FLT_MAX);
  good &= __builtin_convertvector(fine, longs);
  bool inside = (good[0] & good[1] & good[2] & good[3]) != 0;
  if (!(d->valid & VALID_SNR)) d->snr_db = 0;
  inside &= (d->snr_db >= -FLT_MAX) & (d->snr_db <= FLT_MAX) & (d->time_ns >= TIME_MIN_NS) & (d->time_ns <= TIME_MAX_NS);
  if (!(d->valid & VALID_PLATFORM)) memset(d->platform_m, 0, sizeof d->platform_m);
  else
    for (int i = 0; i < 3; i++) inside &= (d->platform_m[i] >= -LENGTH_MAX_M) & (d->platform_m[i] <= LENGTH_MAX_M);
  return inside;
}

static bool detection_finite(const struct detection *d) {
  bool finite = __builtin_isfinite(d->snr_db);
  for (int i = 0; i < 4; i++) finite = finite && __builtin_isfinite(d->measure[i]) && __builtin_isfinite(d->sigma[i]);
  for (int i = 0; i < 3; i++) finite = finite && __builtin_isfinite(d->platform_m[i]);
  return finite;
}

enum wire_verdict detection_check(struct detection *d) {
  if (d->kind < KIND_RADAR || d->kind >= KIND_END) return WIRE_MALFORMED;
  d->valid &= known[d->kind];
  bool inside = detection_reduce(d);
  if ((d->valid & needed[d->kind]) != needed[d->kind]) return WIRE_MALFORMED;
  if (!inside) return detection_finite(d) ? WIRE_OUT_OF_RANGE : WIRE_NOT_FINITE;
  if (d->valid & VALID_AZIMUTH) {
    double *azimuth_rad = &d->measure[MEASURE_AZIMUTH];
    if (*azimuth_rad > PI) *azimuth_rad -= 2 * PI;
    else if (*azimuth_rad <= -PI) *azimuth_rad += 2 * PI;
  }
  return WIRE_OK;
}

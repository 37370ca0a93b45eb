/* The checks that every source of detections shares; declared in wire.h. */
#include <string.h>

#include "engine/ingest/wire.h"

#define PI 3.14159265358979323846
#define RANGE_MAX_M 1e8
#define LENGTH_MAX_M 1e8
#define LIGHT_MPS 299792458.0

/* What a slot of measure[] holds for a kind: the bit that makes it valid and its range. Bit 0: the kind has no such
 * slot. */
struct slot {
  uint16_t bit;
  double min, max;
};

static const struct slot slots[KIND_END][4] = {
    [KIND_RADAR] = {{VALID_RANGE, 0, RANGE_MAX_M},
                    {VALID_AZIMUTH, -2 * PI, 2 * PI},
                    {VALID_ELEVATION, -PI / 2, PI / 2},
                    {VALID_RANGE_RATE, -LIGHT_MPS, LIGHT_MPS}},
    [KIND_RADAR2D] = {{VALID_RANGE, 0, RANGE_MAX_M},
                      {VALID_AZIMUTH, -2 * PI, 2 * PI},
                      {VALID_HEIGHT, -LENGTH_MAX_M, LENGTH_MAX_M},
                      {VALID_RANGE_RATE, -LIGHT_MPS, LIGHT_MPS}},
    [KIND_LOS] = {{0, 0, 0}, {VALID_AZIMUTH, -2 * PI, 2 * PI}, {VALID_ELEVATION, -PI / 2, PI / 2}, {0, 0, 0}},
    [KIND_POSITION] = {{VALID_XYZ, -LENGTH_MAX_M, LENGTH_MAX_M},
                       {VALID_XYZ, -LENGTH_MAX_M, LENGTH_MAX_M},
                       {VALID_XYZ, -LENGTH_MAX_M, LENGTH_MAX_M},
                       {0, 0, 0}},
};

static const uint16_t needed[KIND_END] = {
    [KIND_RADAR] = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION,
    [KIND_RADAR2D] = VALID_RANGE | VALID_AZIMUTH,
    [KIND_LOS] = VALID_AZIMUTH | VALID_ELEVATION,
    [KIND_POSITION] = VALID_XYZ,
};

uint16_t detection_slot(uint8_t kind, int slot, double *min, double *max) {
  *min = slots[kind][slot].min;
  *max = slots[kind][slot].max;
  return slots[kind][slot].bit;
}

/* Keeps only what is valid for the kind, so that nothing behind can trip over what was not meant. */
static void detection_reduce(struct detection *d) {
  uint16_t has = VALID_SNR | VALID_SIGMAS | (d->kind == KIND_LOS ? VALID_PLATFORM : 0);
  for (int i = 0; i < 4; i++) has |= slots[d->kind][i].bit;
  d->valid &= has;
  for (int i = 0; i < 4; i++) {
    bool valid = (d->valid & slots[d->kind][i].bit) != 0;
    if (!valid) d->measure[i] = 0;
    if (!valid || !(d->valid & VALID_SIGMAS)) d->sigma[i] = 0;
  }
  if (!(d->valid & VALID_SNR)) d->snr_db = 0;
  if (!(d->valid & VALID_PLATFORM)) memset(d->platform_m, 0, sizeof d->platform_m);
}

static bool detection_finite(const struct detection *d) {
  bool finite = __builtin_isfinite(d->snr_db);
  for (int i = 0; i < 4; i++) finite = finite && __builtin_isfinite(d->measure[i]) && __builtin_isfinite(d->sigma[i]);
  for (int i = 0; i < 3; i++) finite = finite && __builtin_isfinite(d->platform_m[i]);
  return finite;
}

enum wire_verdict detection_check(struct detection *d) {
  if (d->kind < KIND_RADAR || d->kind >= KIND_END) return WIRE_MALFORMED;
  detection_reduce(d);
  if ((d->valid & needed[d->kind]) != needed[d->kind]) return WIRE_MALFORMED;
  if (!detection_finite(d)) return WIRE_NOT_FINITE;
  if (d->time_ns < TIME_MIN_NS || d->time_ns > TIME_MAX_NS) return WIRE_OUT_OF_RANGE;
  for (int i = 0; i < 4; i++) {
    const struct slot *slot = &slots[d->kind][i];
    if (!(d->valid & slot->bit)) continue;
    if (d->measure[i] < slot->min || d->measure[i] > slot->max || d->sigma[i] < 0) return WIRE_OUT_OF_RANGE;
  }
  for (int i = 0; i < 3; i++)
    if (d->platform_m[i] < -LENGTH_MAX_M || d->platform_m[i] > LENGTH_MAX_M) return WIRE_OUT_OF_RANGE;
  if (d->valid & VALID_AZIMUTH) {
    double *azimuth_rad = &d->measure[MEASURE_AZIMUTH];
    if (*azimuth_rad > PI) *azimuth_rad -= 2 * PI;
    else if (*azimuth_rad <= -PI) *azimuth_rad += 2 * PI;
  }
  return WIRE_OK;
}

/* One plot as a sensor reports it: the domain type that ingest writes and the tracker reads. */
#ifndef WEFT_DOMAIN_DETECTION_H
#define WEFT_DOMAIN_DETECTION_H

#include <stdint.h>

/* Wire values (interfaces.md section 4). */
enum detection_kind { KIND_RADAR = 1, KIND_RADAR2D = 2, KIND_LOS = 3, KIND_POSITION = 4, KIND_END };

/* Bits of `valid`. */
enum detection_valid {
  VALID_RANGE = 1 << 0,
  VALID_AZIMUTH = 1 << 1,
  VALID_ELEVATION = 1 << 2,
  VALID_RANGE_RATE = 1 << 3,
  VALID_HEIGHT = 1 << 4,
  VALID_XYZ = 1 << 5,
  VALID_SNR = 1 << 6,
  VALID_SIGMAS = 1 << 7,
  VALID_PLATFORM =
      1 << 8 /* ours: platform_m is given (CSV line of sight from a moving platform, ECEF axes) */
};

/* Where a value of the kind stands in measure[] and sigma[]. */
enum {
  MEASURE_RANGE = 0,
  MEASURE_AZIMUTH = 1,
  MEASURE_ELEVATION = 2,
  MEASURE_HEIGHT = 2,
  MEASURE_RANGE_RATE = 3
};
enum { MEASURE_X = 0, MEASURE_Y = 1, MEASURE_Z = 2 };

/* A decoded detection on its way into a frame's columns. */
struct detection {
  int64_t time_ns;   /* time of measurement, Unix UTC */
  uint64_t sequence; /* of its datagram; in a recording the ordinal of its line or record */
  uint32_t sensor;   /* index into site.sensors (not the id) */
  uint16_t index;    /* within its datagram */
  uint8_t kind;      /* enum detection_kind */
  uint16_t valid;    /* enum detection_valid */
  float snr_db;      /* dB */
  double measure[4]; /* radar: range m, azimuth rad, elevation rad, range rate m/s; radar2d: range, azimuth,
                        height m, -; los: -, azimuth, elevation, -; position: x, y, z m (ECEF), - */
  float sigma[4];    /* one sigma of the four above, same units; 0 = the sensor's own */
  double platform_m[3]; /* ECEF, with VALID_PLATFORM */
  int64_t arrival_ns;   /* receiver's clock; for latency only, the engine's results never depend on it */
};

#endif

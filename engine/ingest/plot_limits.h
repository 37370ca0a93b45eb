/* Nearly all plots are of their sensor's kind, whole and within all bounds: they are written from the wire into a frame's columns at once,
 * a comparison of vectors each. Whatever is not so plain is decoded and judged by itself (intake.c), and only there; what is taken
 * here would have been admitted there with the same values, to the bit. */
#ifndef WEFT_INGEST_PLOT_LIMITS_H
#define WEFT_INGEST_PLOT_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/frame.h"
#include "engine/domain/site.h"

/* Of one sensor, by the slots of measure[] and sigma[]. */
struct plot_limits {
  _Alignas(32) int64_t bit[4]; /* that makes the slot valid; 0 where the kind has none */
  double min[4], max[4];
  float sigma_min[4], sigma_max[4]; /* of those that are not 0 */
  uint16_t known, needed;
  uint16_t odd; /* bits of which a plot has none */
  bool none;    /* no plot of this sensor is plain */
};

/* Where plots are from; written out, for a whole detection that is cleared first takes as long as a plot does. */
struct plot_source {
  uint64_t sequence;
  int64_t arrival_ns;
  uint32_t sensor; /* index */
  uint16_t index;  /* of the first one, in its datagram */
  uint8_t kind;    /* the sensor's */
};

/* `corrected`: its registration is subtracted. `sigma_min` and `sigma_max`: what is believed of the sensor's kind. */
struct plot_limits plot_limits_of(const struct sensor *sensor, bool corrected, const float sigma_min[4], const float sigma_max[4]);

/* Writes plots behind the frame's last entry; its count stays. They are the first of `count` entries of the wire format, until one is not plain or
 * its time not within these bounds. There is room for all. Returns how many. */
uint32_t plots_take(const struct plot_limits *limits, const uint8_t *entries, uint32_t count, int64_t min_ns, int64_t max_ns, const struct plot_source *source,
                    struct frame *open);

#endif

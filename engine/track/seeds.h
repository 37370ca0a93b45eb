/* Plots that no track wanted and that may be the first sight of something: kept for a few scans, found again
 * by place. A seed's detection is in flight until the seed starts a track or expires. */
#ifndef WEFT_TRACK_SEEDS_H
#define WEFT_TRACK_SEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/track/grid.h"
#include "engine/track/plot.h"

enum { SEEDS_MAX = 1 << 16, SEED_DETECTIONS = 2, SEED_SENSORS = 2 };

/* A point in space: one plot with range, or two crossing lines of sight. */
struct seed {
  double point_m[3];
  double covariance[6]; /* m^2 */
  double log_density;   /* ln of expected false points per scan and m^3 */
  double log_odds;      /* ln odds that it is an object at all */
  int64_t time_ns, expires_ns;
  uint32_t sensor[SEED_SENSORS]; /* of the plots it is made of; the same twice for one plot */
  uint32_t detections;           /* 1 or 2 */
  bool present, flat;            /* flat: 2-D radar, speeds of aircraft only */
  bool height_assumed;
};

struct seeds {
  struct seed *seeds; /* ring of SEEDS_MAX in order of arrival */
  struct grid grid;
  uint64_t head, tail; /* oldest kept, next to write */
};

int seeds_open(struct seeds *seeds, struct arena *arena);

#endif

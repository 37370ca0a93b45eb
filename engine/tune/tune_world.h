/* What the measured engines see: aircraft and missiles over one sensor of positions, a scan of all of them each second. */
#ifndef WEFT_TUNE_WORLD_H
#define WEFT_TUNE_WORLD_H

#include "engine/base/prng.h"
#include "engine/ingest/recording.h"

enum { WORLD_OBJECTS = 16 * 16 + 8 * 64 + 4 * 256 + 2 * 1024 + 4096 };
extern const char world_site[]; /* its configuration */

struct world_object {
  double position_m[3]; /* ECEF */
  double velocity_mps[3];
  bool missile; /* coasting; else it flies straight */
};

/* Plain data, owned by the caller. */
struct world {
  struct prng prng;
  int64_t time_ns; /* of the next scan */
  uint64_t sequence;
  struct world_object objects[WORLD_OBJECTS];
  struct entry scan[WORLD_OBJECTS]; /* one detection of each, a microsecond apart */
};

/* The same world each time. */
void world_begin(struct world *world);
/* Moves everything by a second and fills `scan`. */
void world_scan(struct world *world);

#endif

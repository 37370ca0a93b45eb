/* Lines of sight that no track wanted: they wait until a line from another sensor crosses them and the two
 * make a point. A waiting line's detection is in flight until it crosses or expires. */
#ifndef WEFT_TRACK_RAYS_H
#define WEFT_TRACK_RAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"

enum { RAYS_MAX = 4096 };

struct plot;
struct seed;
struct tracker;

struct ray {
  double site_m[3], direction[3];
  double sigma_rad;
  int64_t time_ns, expires_ns;
  uint32_t sensor;
  bool present;
};

struct rays {
  struct ray *rays;    /* ring of RAYS_MAX in order of arrival */
  uint64_t head, tail; /* oldest kept, next to write */
};

/* -ENOMEM when the arena is too small. */
int rays_open(struct rays *rays, struct arena *arena);
/* Takes a line of sight. True where it crosses a waiting one of another sensor: *crossing is then a point of
 * both plots (ECEF m, covariance m^2, their mean time), and the waiting line is gone. False: it waits. */
bool rays_offer(struct tracker *tracker, const struct plot *plot, struct seed *crossing);
/* Lines that have waited past now_ns are clutter. */
void rays_expire(struct tracker *tracker, int64_t now_ns);

#endif

/* Lines of sight that no track wanted, and what becomes of them. The lines of one sensor that follow each
 * other at a physical speed form a tracklet; tracklets of two sensors that one burning object explains start
 * a track (triangulate.c). A line's detection is in flight until its tracklet starts a track or expires into
 * clutter: one line-of-sight sensor alone starts nothing. */
#ifndef WEFT_TRACK_RAYS_H
#define WEFT_TRACK_RAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"
#include "engine/domain/ledger.h"
#include "engine/track/assign.h"
#include "engine/track/los_fit.h"
#include "engine/track/queue.h"
#include "engine/track/tracklet_set.h"

/* RAYS_FRESH_MAX: lines of one slice that are looked at, those beyond are shed. */
enum { TRACKLET_RAYS = 6, RAYS_FRESH_MAX = 4096 };

struct plot;
struct tracker;

/* Lines of one sensor, oldest first, that may be one object. */
struct tracklet {
  struct ray rays[TRACKLET_RAYS];
  struct los_fit fit; /* through them, the distance hardly known */
  uint32_t count, sensor;
  int64_t first_ns; /* of its first line ever, which may be forgotten */
};

/* What is looked at of each tracklet of another sensor, in one line of memory: its newest line. */
struct sight {
  double site_m[3], direction[3];
  double variance; /* rad^2, the larger of those across */
};

struct rays {
  struct tracklet *tracklets; /* TRACKLETS_MAX */
  uint32_t high;              /* places ever used */
  struct tracklet_set present;
  /* Found again from the tracklets after a load */
  struct sight *sights;           /* per place */
  int64_t *newest_ns;             /* per place: time of the newest line, apart since each new line asks it of all */
  struct queue expiry;            /* when each is clutter */
  struct tracklet_set *of_sensor; /* per sensor: its tracklets that are present */
  struct tracklet_set linked;     /* of two lines or more */
  /* Per place: those that it has been compared with since the last line of either, and of them those that may be the same object. */
  struct tracklet_set *compared, *crossing;
  struct ray *fresh;          /* of this slice */
  struct assign_work *work;
  uint32_t *row, *column; /* scratch of the assignments: tracklets or fresh rays */
  uint32_t fresh_count;
};

/* -ENOMEM when the arena is too small. */
int rays_open(struct rays *rays, struct arena *arena);
/* Bytes that rays_open takes. */
size_t rays_bytes(void);
/* The tracklets as bytes; between slices there is nothing else. */
void rays_image(struct rays *rays, struct image *image);
/* What is found from the tracklets, after they have been loaded. */
void rays_restore(struct tracker *tracker);
/* Notes an unassociated line of sight of this slice. */
void rays_offer(struct tracker *tracker, const struct plot *plot);
/* At the slice's end: links its lines to tracklets, then starts tracks where tracklets meet. */
void rays_settle(struct tracker *tracker);
/* Tracklets that nothing has joined up to now_ns are clutter. */
void rays_expire(struct tracker *tracker, int64_t now_ns);

/* Books the fate of all lines of a tracklet and gives its place back. */
void tracklet_drop(struct tracker *tracker, struct tracklet *tracklet, enum fate fate);
static inline int64_t tracklet_newest_ns(const struct tracklet *tracklet) {
  return tracklet->rays[tracklet->count - 1].time_ns;
}

/* triangulate.c. A tracklet has begun or got a line: whom it crosses is no longer known. */
void crossings_forget(struct rays *rays, uint32_t place);
/* Starts tracks where tracklets of two sensors cross, the lower index first. */
void triangulate(struct tracker *tracker, uint32_t sensor_a, uint32_t sensor_b);

#endif

/* Launches grouped into events: launches near each other in place and time, directly or through others
 * (single linkage), are one event (docs/maths.md W17). Which launches belong together does not depend on
 * their order, as long as all fit the table; an event keeps the number of its founder. Internal to
 * engine/warn. */
#ifndef WEFT_WARN_EVENTS_H
#define WEFT_WARN_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/image.h"
#include "engine/domain/report.h"

/* Compared with a new launch: so many of the newest. Events remembered: so many of the newest. */
enum { EVENT_LAUNCHES_MAX = 1024, EVENTS_MAX = 1024 };
#define EVENT_NONE UINT64_MAX

struct launch_place {
  double position_m[3]; /* ECEF */
  int64_t time_ns;
  double sigma_m, sigma_s;
  uint64_t event; /* serial */
  uint64_t track;
};

struct launch_event {
  uint64_t serial, parent; /* parent = serial: stands for itself; else it has been joined to that older one */
  uint64_t number;         /* of the track that founded it */
  uint32_t launches;       /* now */
};

struct events {
  struct launch_place places[EVENT_LAUNCHES_MAX]; /* ring */
  struct launch_event table[EVENTS_MAX];          /* ring by serial */
  uint64_t placed, founded;                       /* so far */
  uint64_t merged;                                /* events that turned out to be part of an older one */
};

/* True where the estimate says enough to be grouped: one sigma below 100 km and 60 s. */
bool launch_groups(const struct ground_estimate *launch);
/* Puts a track's launch into the event it belongs to, or founds one; serial of the event. */
uint64_t events_join(struct events *events, uint64_t track, const struct ground_estimate *launch);
/* The event that this serial has become, or NULL where it is forgotten. */
struct launch_event *events_find(struct events *events, uint64_t serial);

void events_image(struct events *events, struct image *image);

#endif

#include "engine/warn/events.h"

#include <math.h>

#include "kernels/wk.h"

/* Launches closer than this belong together: an area some 100 km wide, salvos some minutes long. What the
 * estimates leave open is added. */
static const double link_m = 100e3, link_s = 120;
static const double group_sigma_m = 100e3, group_sigma_s = 60;

bool launch_groups(const struct ground_estimate *launch) {
  return launch->semi_major_m < group_sigma_m && launch->time_sigma_s < group_sigma_s;
}

static double square(double x) {
  return x * x;
}

static bool launches_link(const struct launch_place *a, const struct launch_place *b) {
  double apart2 = 0, apart_s = (double)(a->time_ns - b->time_ns) * 1e-9;
  for (int c = 0; c < 3; c++) apart2 += square(a->position_m[c] - b->position_m[c]);
  double place2 = square(link_m) + square(a->sigma_m) + square(b->sigma_m);
  double time2 = square(link_s) + square(a->sigma_s) + square(b->sigma_s);
  return apart2 / place2 + square(apart_s) / time2 <= 1;
}

struct launch_event *events_find(struct events *events, uint64_t serial) {
  /* Parents are older: the way ends after at most EVENTS_MAX of them. */
  for (int steps = 0; steps < EVENTS_MAX && serial != EVENT_NONE; steps++) {
    struct launch_event *event = &events->table[serial % EVENTS_MAX];
    if (serial >= events->founded || event->serial != serial) return NULL;
    if (event->parent == serial) return event;
    serial = event->parent;
  }
  return NULL;
}

static struct launch_event *event_found(struct events *events, uint64_t track) {
  uint64_t serial = events->founded++;
  struct launch_event *event = &events->table[serial % EVENTS_MAX];
  *event = (struct launch_event){.serial = serial, .parent = serial, .number = track};
  return event;
}

/* The older one stands for both. */
static struct launch_event *events_merge(struct events *events, struct launch_event *a,
                                         struct launch_event *b) {
  if (a == b) return a;
  struct launch_event *older = a->serial < b->serial ? a : b, *younger = older == a ? b : a;
  younger->parent = older->serial;
  older->launches += younger->launches;
  events->merged++;
  return older;
}

uint64_t events_join(struct events *events, uint64_t track, const struct ground_estimate *launch) {
  const double radians = 0.017453292519943295;
  struct launch_place place = {.time_ns = launch->time_ns,
                               .sigma_m = launch->semi_major_m,
                               .sigma_s = launch->time_sigma_s,
                               .track = track};
  struct launch_event *event = NULL;
  wk_ecef_from_geodetic(launch->lat_deg * radians, launch->lon_deg * radians, 0, place.position_m);
  uint64_t count = events->placed < EVENT_LAUNCHES_MAX ? events->placed : EVENT_LAUNCHES_MAX;
  for (uint64_t i = 0; i < count; i++) {
    if (!launches_link(&place, &events->places[i])) continue;
    struct launch_event *near = events_find(events, events->places[i].event);
    if (near) event = event ? events_merge(events, event, near) : near;
  }
  if (!event) event = event_found(events, track);
  event->launches++;
  place.event = event->serial;
  events->places[events->placed++ % EVENT_LAUNCHES_MAX] = place;
  return event->serial;
}

void events_image(struct events *events, struct image *image) {
  image_value(image, events->placed);
  image_value(image, events->founded);
  image_value(image, events->merged);
  for (uint64_t i = 0; i < events->placed && i < EVENT_LAUNCHES_MAX; i++) image_value(image, events->places[i]);
  for (uint64_t i = 0; i < events->founded && i < EVENTS_MAX; i++) {
    image_value(image, events->table[i].serial);
    image_value(image, events->table[i].parent);
    image_value(image, events->table[i].number);
    image_value(image, events->table[i].launches);
  }
}

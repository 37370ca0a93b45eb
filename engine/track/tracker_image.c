/* The tracker's state between two steps, part by part. */
#include "engine/base/check.h"
#include "engine/track/soft.h"

static void sensors_image(struct tracker *tracker, struct image *image) {
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) {
    image_value(image, tracker->motion[s].history);
    image_value(image, tracker->motion[s].count);
    image_value(image, tracker->sensor_front_ns[s]);
    hearing_image(&tracker->hearing[s], image);
  }
}

/* How far plots are worked in, and what was counted on the way. */
static void clocks_image(struct tracker *tracker, struct image *image) {
  image_value(image, tracker->front_ns);
  image_value(image, tracker->frame);
  image_value(image, tracker->frame_time_ns);
  image_value(image, tracker->slice);
  image_value(image, tracker->now_ns);
  image_value(image, tracker->statistics);
  image_value(image, tracker->filter.updates);
  image_value(image, tracker->filter.bent);
  if (tracker->soft) image_value(image, tracker->soft->filter.updates);
}

/* No later plot is taken that is older than this (frame_take). */
static int64_t oldest_ns(const struct tracker *tracker) {
  return tracker->front_ns == INT64_MIN ? INT64_MIN : tracker->front_ns - tracker->site->lag_ns;
}

/* Tracks whose lines come with the next frame, with what those lines will say of the plots that they have had. */
static void waiting_image(struct tracker *tracker, struct image *image) {
  uint32_t high = tracker->store.high;
  image_count(image, &tracker->touched_count, high);
  for (uint32_t i = 0; i < tracker->touched_count; i++) {
    image_count(image, &tracker->touched[i], high - 1);
    const uint32_t slot = tracker->touched[i];
    struct track *track = &tracker->store.tracks[slot];
    tracker->listings[slot].touched_place = i;
    image_value(image, track->innovation2);
    image_value(image, track->innovation_components);
  }
}

_Static_assert(sizeof(struct sensor_state) == 72, "a sensor state has no padding");
_Static_assert(sizeof(struct tracker_statistics) % sizeof(uint64_t) == 0, "statistics have no padding");

void tracker_image(struct tracker *tracker, struct image *image) {
  weft_assert(tracker->foreign.capacity == 0);
  clocks_image(tracker, image);
  sensors_image(tracker, image);
  store_image(&tracker->store, image);
  waiting_image(tracker, image);
  uint32_t high = tracker->store.high;
  history_image(&tracker->filter.history, &tracker->store, oldest_ns(tracker), image);
  track_index_image(&tracker->index, image);
  calendar_image(&tracker->refresh, high, image);
  calendar_image(&tracker->review, high, image);
  strands_image(&tracker->strands, image);
  stitch_image(&tracker->stitch, high, image);
  rays_image(&tracker->rays, image);
  if (image->mode == IMAGE_LOAD && !image->bad) rays_restore(tracker);
  for (uint32_t slot = 0; slot < high; slot++) {
    if (!tracker->store.tracks[slot].alive) continue;
    image_value(image, tracker->listings[slot].refresh_ns);
    image_value(image, tracker->moments[slot]);
  }
}

uint32_t tracker_slots(const struct tracker *tracker) {
  return tracker->store.high;
}

void tracker_renumber(struct tracker *tracker, uint64_t base) {
  bool begun = tracker->statistics.tracks_started > 0;
  if (!begun || tracker->store.next_number <= base) tracker->store.next_number = base + 1;
}

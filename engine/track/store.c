#include "engine/track/store.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/check.h"

int store_open(struct store *store, struct arena *arena, uint32_t capacity, uint64_t number_base) {
  *store = (struct store){.capacity = capacity, .next_number = number_base + 1};
  char *room = arena_take(arena, capacity + UINT64_C(1), TRACK_BYTES);
  store->free_slots = arena_take(arena, capacity, sizeof *store->free_slots);
  if (!room || !store->free_slots) return -ENOMEM;
  store->tracks = (struct track *)(void *)(room + (-(uintptr_t)room & (TRACK_BYTES - 1)));
  return 0;
}

uint32_t store_take(struct store *store) {
  uint32_t slot;
  if (store->free_count > 0) {
    slot = store->free_slots[--store->free_count];
  } else if (store->high < store->capacity) {
    slot = store->high++;
  } else {
    return TRACK_NONE;
  }
  struct track *track = &store->tracks[slot];
  memset(track, 0, sizeof *track);
  track->alive = 1;
  track->number = store->next_number++;
  store->live++;
  return slot;
}

void store_give(struct store *store, uint32_t slot) {
  weft_assert(store->tracks[slot].alive);
  store->tracks[slot].alive = 0;
  store->free_slots[store->free_count++] = slot;
  store->live--;
}

/* Place of a sensor's look; TRACK_LOOKS_MAX: none. All are compared, since where it stands nobody foresees, the CPU neither. */
static int look_place(const struct track *track, uint32_t sensor) {
  uint32_t equal = 0;
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) equal |= (uint32_t)(track->look_sensors[i] == sensor) << i;
  return __builtin_ctz((equal & track->looks_used) | 1u << TRACK_LOOKS_MAX);
}

struct look *track_look(struct track *track, uint32_t sensor) {
  int place = look_place(track, sensor);
  return place < TRACK_LOOKS_MAX ? &track->looks[place] : NULL;
}

const struct look *track_look_read(const struct track *track, uint32_t sensor) {
  int place = look_place(track, sensor);
  return place < TRACK_LOOKS_MAX ? &track->looks[place] : NULL;
}

void track_look_fetch(const struct track *track, uint32_t sensor) {
  const struct look *look = track_look_read(track, sensor);
  __builtin_prefetch(look ? look : track->looks);
}

struct look *track_look_take(struct track *track, uint32_t sensor) {
  int place = look_place(track, sensor);
  if (place < TRACK_LOOKS_MAX) return &track->looks[place];
  struct look *stalest = &track->looks[0];
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    struct look *look = &track->looks[i];
    if (!look_used(track, i)) {
      stalest = look;
      break;
    }
    if (look->last_hit_ns < stalest->last_hit_ns) stalest = look;
  }
  *stalest = (struct look){.last_hit_ns = INT64_MIN, .judged_ns = INT64_MIN};
  track->look_sensors[stalest - track->looks] = (uint8_t)sensor;
  track->looks_used |= (uint16_t)(1u << (stalest - track->looks));
  return stalest;
}

static double logistic(double x) {
  if (x >= 0) return 1 / (1 + wk_exp(-x));
  double e = wk_exp(x);
  return e / (1 + e);
}

double track_ballistic_probability(const struct track *track) {
  if (track->banks == BANK_BALLISTIC) return 1;
  if (track->banks == BANK_AIRCRAFT) return 0;
  return logistic(track->class_log_odds);
}

double existence_of(double log_odds) {
  return logistic(log_odds);
}

double track_existence(const struct track *track) {
  return existence_of(track->log_odds);
}

void track_extrapolate(const struct track *track, int64_t time_ns, double position_m[3]) {
  double dt = (double)(time_ns - track->time_ns) * 1e-9;
  for (int i = 0; i < 3; i++) {
    position_m[i] =
        track->position_m[i] + dt * (track->velocity_mps[i] + 0.5 * dt * (double)track->acceleration_mps2[i]);
  }
}

double track_sigma_at(const struct track *track, int64_t time_ns) {
  return track_sigma_after(track->sigma_position_m, track->sigma_velocity_mps, (double)(time_ns - track->time_ns) * 1e-9);
}

static void looks_used_image(struct track *track, struct image *image) {
  uint32_t used = track->looks_used;
  image_count(image, &used, (1u << TRACK_LOOKS_MAX) - 1);
  track->looks_used = (uint16_t)used;
}

static void look_image(struct track *track, int i, struct image *image) {
  if (!look_used(track, i)) return;
  uint32_t sensor = track->look_sensors[i];
  image_count(image, &sensor, SITE_SENSORS_MAX - 1);
  track->look_sensors[i] = (uint8_t)sensor;
  image_value(image, track->looks[i].last_hit_ns);
  image_value(image, track->looks[i].judged_ns);
  image_value(image, track->looks[i].next_ns);
}

/* All but what one frame alone needs (arrival, innovations; of tracks that wait for their line the tracker says them) and the history, which goes with its ring. */
static void track_image(struct track *track, struct image *image) {
  image_value(image, track->bank);
  image_value(image, track->position_m);
  image_value(image, track->velocity_mps);
  image_value(image, track->acceleration_mps2);
  image_value(image, track->sigma_position_m);
  image_value(image, track->sigma_velocity_mps);
  image_value(image, track->height_m);
  image_value(image, track->time_ns);
  image_value(image, track->newest_ns);
  image_value(image, track->first_ns);
  image_value(image, track->number);
  image_value(image, track->continues);
  image_value(image, track->log_odds);
  image_value(image, track->class_log_odds);
  image_value(image, track->sensors);
  looks_used_image(track, image);
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) look_image(track, i, image);
  image_value(image, track->apart);
  image_value(image, track->detections);
  image_value(image, track->banks);
  image_value(image, track->status);
  image_value(image, track->class_);
  image_value(image, track->phase);
  image_value(image, track->parked);
  image_value(image, track->silent);
}

void store_image(struct store *store, struct image *image) {
  image_count(image, &store->high, store->capacity);
  image_count(image, &store->live, store->high);
  image_count(image, &store->free_count, store->high);
  image_value(image, store->next_number);
  for (uint32_t i = 0; i < store->free_count; i++) image_count(image, &store->free_slots[i], store->high - 1);
  for (uint32_t slot = 0; slot < store->high; slot++) {
    struct track *track = &store->tracks[slot];
    image_value(image, track->alive);
    if (track->alive) track_image(track, image);
  }
}

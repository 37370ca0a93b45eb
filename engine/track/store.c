#include "engine/track/store.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/check.h"

_Static_assert(sizeof(struct track) <= 2304, "a track record stays near 2 KiB");

int store_open(struct store *store, struct arena *arena, uint32_t capacity, uint64_t number_base) {
  *store = (struct store){.capacity = capacity, .next_number = number_base + 1};
  store->tracks = arena_take(arena, capacity, sizeof *store->tracks);
  store->free_slots = arena_take(arena, capacity, sizeof *store->free_slots);
  return store->tracks && store->free_slots ? 0 : -ENOMEM;
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

struct look *track_look(struct track *track, uint32_t sensor) {
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    if (track->looks[i].used && track->looks[i].sensor == sensor) return &track->looks[i];
  }
  return NULL;
}

struct look *track_look_take(struct track *track, uint32_t sensor) {
  struct look *found = track_look(track, sensor);
  if (found) return found;
  struct look *stalest = &track->looks[0];
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    struct look *look = &track->looks[i];
    if (!look->used) {
      stalest = look;
      break;
    }
    if (look->last_hit_ns < stalest->last_hit_ns) stalest = look;
  }
  *stalest = (struct look){.last_hit_ns = INT64_MIN, .judged_ns = INT64_MIN, .sensor = sensor, .used = 1};
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

double track_existence(const struct track *track) {
  return logistic(track->log_odds);
}

void track_extrapolate(const struct track *track, int64_t time_ns, double position_m[3]) {
  double dt = (double)(time_ns - track->time_ns) * 1e-9;
  for (int i = 0; i < 3; i++) {
    position_m[i] =
        track->position_m[i] + dt * (track->velocity_mps[i] + 0.5 * dt * track->acceleration_mps2[i]);
  }
}

double track_sigma_at(const struct track *track, int64_t time_ns) {
  const double manoeuvre_mps2 = 30; /* unmodelled acceleration that the gate must forgive */
  double dt = fabs((double)(time_ns - track->time_ns) * 1e-9);
  return track->sigma_position_m + dt * (track->sigma_velocity_mps + 0.25 * manoeuvre_mps2 * dt);
}

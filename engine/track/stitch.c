#include "engine/track/stitch.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

enum { YOUNG_PIECE = 1 };
static const int64_t step_ns = 1000000000;
static const int64_t memory_ns = 600000000000; /* an old one is worth comparing for ten minutes */
static const int64_t youth_ns = 90000000000;   /* a young one is compared until it is so old */
static const double gate_chi2 = 22.46;         /* 6 degrees of freedom, 1e-3 */
static const double margin = 5;            /* in ln likelihood: the second best is 150 times less likely */
static const double log_density_new = -64; /* of tracks that begin anew, per m^3 (m/s)^3 */
static const double coast_weight_min = 0.5;
static const double below_ground_m = -2000;

size_t stitch_arena_size(uint32_t tracks_max) {
  size_t blocks = (STITCH_OLD_MAX / WK_LANES) * sizeof(struct wk_gauss_block);
  size_t pairs = (size_t)STITCH_YOUNG_MAX * STITCH_PAIRS_PER_YOUNG * sizeof(struct stitch_pair);
  size_t young = STITCH_YOUNG_MAX * (sizeof(struct stitch_young) + (WK_GAUSS_ELEMENTS + 3) * sizeof(double));
  size_t old = STITCH_OLD_MAX * (sizeof(struct stitch_old) + 2 * sizeof(uint32_t));
  return blocks + pairs + young + old + tracks_max * sizeof(uint32_t) + sizeof(struct assign_work) + 4096;
}

int stitch_open(struct stitch *stitch, struct arena *arena, uint32_t tracks_max) {
  *stitch = (struct stitch){.next_ns = INT64_MIN};
  stitch->olds = arena_take(arena, STITCH_OLD_MAX, sizeof *stitch->olds);
  stitch->old_of_slot = arena_take(arena, tracks_max, sizeof *stitch->old_of_slot);
  stitch->young = arena_take(arena, STITCH_YOUNG_MAX, sizeof *stitch->young);
  stitch->blocks = arena_take(arena, STITCH_OLD_MAX / WK_LANES, sizeof *stitch->blocks);
  stitch->state = arena_take(arena, STITCH_YOUNG_MAX, sizeof *stitch->state);
  stitch->pairs = arena_take(arena, (size_t)STITCH_YOUNG_MAX * STITCH_PAIRS_PER_YOUNG, sizeof *stitch->pairs);
  stitch->pair_count = arena_take(arena, STITCH_YOUNG_MAX, sizeof *stitch->pair_count);
  stitch->root = arena_take(arena, STITCH_YOUNG_MAX + STITCH_OLD_MAX, sizeof *stitch->root);
  stitch->order = arena_take(arena, STITCH_YOUNG_MAX, sizeof *stitch->order);
  stitch->column = arena_take(arena, STITCH_OLD_MAX, sizeof *stitch->column);
  stitch->work = arena_take(arena, 1, sizeof *stitch->work);
  bool complete = stitch->olds && stitch->old_of_slot && stitch->young && stitch->blocks && stitch->state &&
                  stitch->pairs && stitch->pair_count && stitch->root && stitch->order && stitch->column &&
                  stitch->work;
  if (!complete) return -ENOMEM;
  memset(stitch->old_of_slot, 0xff, tracks_max * sizeof *stitch->old_of_slot);
  return 0;
}

static void old_image(struct stitch_old *old, uint32_t high, struct image *image) {
  uint32_t place = old->slot + 1; /* TRACK_NONE becomes 0 */
  image_value(image, old->number);
  image_count(image, &place, high);
  old->slot = place - 1;
  image_value(image, old->newest_ns);
  image_value(image, old->seen_ns);
  image_value(image, old->time_ns);
  image_value(image, old->seen);
  image_value(image, old->state);
  image_value(image, old->class_log_odds);
  image_value(image, old->judged_ns);
  image_value(image, old->gone);
}

void stitch_image(struct stitch *stitch, uint32_t high, struct image *image) {
  image_count(image, &stitch->old_count, STITCH_OLD_MAX);
  for (uint32_t i = 0; i < stitch->old_count; i++) {
    old_image(&stitch->olds[i], high, image);
    if (stitch->olds[i].slot != TRACK_NONE) stitch->old_of_slot[stitch->olds[i].slot] = i;
  }
  image_count(image, &stitch->young_count, STITCH_YOUNG_MAX);
  for (uint32_t i = 0; i < stitch->young_count; i++) {
    image_value(image, stitch->young[i].number);
    image_count(image, &stitch->young[i].slot, high - 1);
  }
  image_value(image, stitch->next_ns);
  image_value(image, stitch->eager);
}

/* In free flight, as far as the filter can tell: what comes after a burn that goes on unseen nobody can say.
 */
static bool flies_freely(const struct track *track) {
  const double *weight = track->bank + WK_B_WEIGHT;
  return track->status == STATUS_CONFIRMED && track_ballistic_probability(track) > 0.9 &&
         weight[1] + weight[2] > coast_weight_min;
}

static void old_remove(struct stitch *stitch, uint32_t at) {
  struct stitch_old *old = &stitch->olds[at];
  if (old->slot != TRACK_NONE) stitch->old_of_slot[old->slot] = STITCH_NONE;
  old->slot = TRACK_NONE;
  old->gone = true;
}

static void olds_compact(struct stitch *stitch) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < stitch->old_count; i++) {
    if (stitch->olds[i].gone) continue;
    if (kept < i) stitch->olds[kept] = stitch->olds[i];
    if (stitch->olds[kept].slot != TRACK_NONE) stitch->old_of_slot[stitch->olds[kept].slot] = kept;
    kept++;
  }
  stitch->old_count = kept;
}

static void old_add(struct stitch *stitch, const struct track *track, uint32_t slot) {
  if (stitch->old_count == STITCH_OLD_MAX) {
    uint32_t oldest = 0;
    for (uint32_t i = 1; i < stitch->old_count; i++) {
      if (stitch->olds[i].newest_ns < stitch->olds[oldest].newest_ns) oldest = i;
    }
    old_remove(stitch, oldest);
    olds_compact(stitch);
  }
  struct stitch_old *old = &stitch->olds[stitch->old_count];
  *old = (struct stitch_old){.number = track->number,
                             .slot = slot,
                             .newest_ns = track->newest_ns,
                             .seen_ns = track->time_ns,
                             .time_ns = track->time_ns,
                             .class_log_odds = track->class_log_odds};
  memcpy(old->seen, track->bank + WK_B_COAST_X, sizeof old->seen);
  memcpy(old->state, old->seen, sizeof old->state);
  stitch->old_of_slot[slot] = stitch->old_count++;
}

void stitch_silent(struct tracker *tracker, uint32_t slot) {
  struct track *track = &tracker->store.tracks[slot];
  if (tracker->stitch.old_of_slot[slot] != STITCH_NONE || !flies_freely(track)) return;
  if (track->time_ns > track->newest_ns)
    return; /* moved on already, burns allowed for: no longer free flight alone */
  old_add(&tracker->stitch, track, slot);
  track->silent = 1;
}

void stitch_seen(struct tracker *tracker, uint32_t slot) {
  uint32_t at = tracker->stitch.old_of_slot[slot];
  if (at != STITCH_NONE) old_remove(&tracker->stitch, at);
}

void stitch_ended(struct tracker *tracker, uint32_t slot, bool merged) {
  struct stitch *stitch = &tracker->stitch;
  if (!merged) stitch_silent(tracker, slot);
  uint32_t at = stitch->old_of_slot[slot];
  if (at == STITCH_NONE) return;
  if (merged) {
    old_remove(stitch, at);
  } else {
    stitch->olds[at].slot = TRACK_NONE;
    stitch->old_of_slot[slot] = STITCH_NONE;
  }
}

void stitch_confirmed(struct tracker *tracker, uint32_t slot) {
  struct stitch *stitch = &tracker->stitch;
  stitch->eager = true;
  if (stitch->young_count == STITCH_YOUNG_MAX) {
    tracker->statistics.stitch_young_refused++;
    return;
  }
  stitch->young[stitch->young_count++] =
      (struct stitch_young){.number = tracker->store.tracks[slot].number, .slot = slot};
}

static bool young_valid(const struct tracker *tracker, const struct stitch_young *young) {
  const struct track *track = &tracker->store.tracks[young->slot];
  return track->alive && track->number == young->number && tracker->front_ns - track->first_ns <= youth_ns;
}

/* Keeps the lists to what can still be compared. */
static void lists_prune(struct tracker *tracker) {
  struct stitch *stitch = &tracker->stitch;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < stitch->young_count; i++) {
    if (young_valid(tracker, &stitch->young[i])) stitch->young[kept++] = stitch->young[i];
  }
  stitch->young_count = kept;
  for (uint32_t i = 0; i < stitch->old_count; i++) {
    const struct stitch_old *old = &stitch->olds[i];
    double lat_rad, lon_rad, height_m;
    wk_geodetic_from_ecef(old->state, &lat_rad, &lon_rad, &height_m);
    if (tracker->front_ns - old->newest_ns > memory_ns || height_m < below_ground_m) old_remove(stitch, i);
  }
  olds_compact(stitch);
}

static void young_states(struct tracker *tracker) {
  struct stitch *stitch = &tracker->stitch;
  const wk_lane no_thrust = {0};
  for (uint32_t first = 0; first < stitch->young_count; first += WK_LANES) {
    struct wk_gauss_block block;
    wk_lane dt_s;
    uint32_t left = stitch->young_count - first;
    uint32_t count = left < WK_LANES ? left : WK_LANES;
    for (uint32_t l = 0; l < WK_LANES; l++) {
      const struct track *track = &tracker->store.tracks[stitch->young[first + (l < count ? l : 0)].slot];
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) block.e[k][l] = track->bank[WK_B_COAST_X + k];
      dt_s[l] = (double)(tracker->front_ns - track->time_ns) * 1e-9;
    }
    tracker->filter.kernels->gauss_predict(&block, WK_COAST, dt_s, no_thrust, &tracker->filter.tuning);
    for (uint32_t l = 0; l < count; l++) {
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) stitch->state[first + l][k] = block.e[k][l];
    }
  }
}

/* Keeps the likeliest pairs of one young track. */
static void pair_put(struct stitch *stitch, const struct stitch_pair *pair) {
  struct stitch_pair *pairs = &stitch->pairs[(size_t)pair->young * STITCH_PAIRS_PER_YOUNG];
  uint32_t *count = &stitch->pair_count[pair->young];
  if (*count < STITCH_PAIRS_PER_YOUNG) {
    pairs[(*count)++] = *pair;
    return;
  }
  uint32_t worst = 0;
  for (uint32_t i = 1; i < STITCH_PAIRS_PER_YOUNG; i++) {
    if (pairs[i].log_likelihood < pairs[worst].log_likelihood) worst = i;
  }
  if (pair->log_likelihood > pairs[worst].log_likelihood) pairs[worst] = *pair;
}

static void young_compare(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct tracker *tracker = argument;
  struct stitch *stitch = &tracker->stitch;
  uint32_t blocks = (stitch->old_count + WK_LANES - 1) / WK_LANES;
  for (uint32_t y = begin; y < end; y++) {
    const struct track *track = &tracker->store.tracks[stitch->young[y].slot];
    stitch->pair_count[y] = 0;
    if (!flies_freely(track)) continue;
    for (uint32_t b = 0; b < blocks; b++) {
      wk_lane distance2, log_likelihood;
      if (stitch_block_far(&stitch->blocks[b], stitch->state[y])) continue;
      tracker->filter.kernels->gauss_distance(stitch->state[y], &stitch->blocks[b], distance2,
                                              log_likelihood);
      for (uint32_t l = 0; l < WK_LANES && b * WK_LANES + l < stitch->old_count; l++) {
        const struct stitch_old *old = &stitch->olds[b * WK_LANES + l];
        bool before = old->newest_ns < track->first_ns && old->number != track->number;
        if (!before || !(distance2[l] < STITCH_RIVAL_CHI2)) continue;
        pair_put(stitch, &(struct stitch_pair){.young = y,
                                               .old = b * WK_LANES + l,
                                               .distance2 = distance2[l],
                                               .log_likelihood = log_likelihood[l]});
      }
    }
  }
}

/* Clearly likelier than every pair that shares one of the two. */
static bool pair_unique(const struct stitch *stitch, const struct stitch_pair *pair) {
  for (uint32_t y = 0; y < stitch->young_count; y++) {
    for (uint32_t k = 0; k < stitch->pair_count[y]; k++) {
      const struct stitch_pair *other = &stitch->pairs[y * STITCH_PAIRS_PER_YOUNG + k];
      bool shares = (other->young == pair->young) != (other->old == pair->old);
      if (shares && other->log_likelihood > pair->log_likelihood - margin) return false;
    }
  }
  return true;
}

/* The young track takes over what was known, under the old number if that still stands. */
static void pair_join(struct tracker *tracker, const struct stitch_pair *pair) {
  struct stitch *stitch = &tracker->stitch;
  const struct stitch_old old = stitch->olds[pair->old];
  uint32_t slot = stitch->young[pair->young].slot;
  struct track *young = &tracker->store.tracks[slot];
  struct wk_gauss_block block;
  wk_lane dt_s;
  const wk_lane no_thrust = {0};
  double known[WK_GAUSS_ELEMENTS];
  for (int l = 0; l < WK_LANES; l++) {
    for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) block.e[k][l] = old.seen[k];
    dt_s[l] = (double)(young->time_ns - old.seen_ns) * 1e-9;
  }
  tracker->filter.kernels->gauss_predict(&block, WK_COAST, dt_s, no_thrust, &tracker->filter.tuning);
  for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) known[k] = block.e[k][0];
  if (!bank_join(young->bank, known)) return;
  young->class_log_odds = fmax(young->class_log_odds, old.class_log_odds);
  tracker->statistics.stitched++;
  if (old.slot == TRACK_NONE) {
    young->continues = old.number;
    history_link(&tracker->filter.history, young, 0); /* what was before can't be gone back over */
    filter_summarise(&tracker->filter, &slot, 1);
    lifecycle_touch(tracker, slot);
    lifecycle_index(tracker, slot);
  } else {
    track_take_over(tracker, old.slot, slot);
  }
  stitch->young[pair->young].number = 0; /* compared no more */
  old_remove(stitch, pair->old);
}

/* Solves one component: the assignment, then only what is near and clear. */
static void component_solve(struct tracker *tracker, uint32_t root) {
  struct stitch *stitch = &tracker->stitch;
  struct assign_work *work = stitch->work;
  uint32_t rows = 0, columns = 0;
  for (uint32_t y = 0; y < stitch->young_count; y++) {
    if (stitch->pair_count[y] && clusters_root(stitch->root, y) == root) stitch->order[rows++] = y;
  }
  for (uint32_t o = 0; o < stitch->old_count; o++) {
    stitch->column[o] = STITCH_NONE;
    if (clusters_root(stitch->root, STITCH_YOUNG_MAX + o) == root) stitch->column[o] = columns++;
  }
  if (columns > ASSIGN_MAX) { /* nothing is clear among so many */
    tracker->statistics.stitch_crowded++;
    return;
  }
  for (uint32_t r = 0; r < rows; r++) {
    for (uint32_t c = 0; c < columns; c++) work->cost[r][c] = 0;
    for (uint32_t k = 0; k < stitch->pair_count[stitch->order[r]]; k++) {
      const struct stitch_pair *pair = &stitch->pairs[stitch->order[r] * STITCH_PAIRS_PER_YOUNG + k];
      work->cost[r][stitch->column[pair->old]] = log_density_new - pair->log_likelihood;
    }
  }
  assign_solve(work, rows, columns);
  for (uint32_t r = 0; r < rows; r++) {
    for (uint32_t k = 0; k < stitch->pair_count[stitch->order[r]]; k++) {
      struct stitch_pair *pair = &stitch->pairs[stitch->order[r] * STITCH_PAIRS_PER_YOUNG + k];
      if (work->column_of[r] != stitch->column[pair->old] || pair->distance2 > gate_chi2) continue;
      if (pair_unique(stitch, pair)) pair_join(tracker, pair);
    }
  }
}

void stitch_step(struct tracker *tracker) {
  struct stitch *stitch = &tracker->stitch;
  if (tracker->front_ns == INT64_MIN || (tracker->front_ns < stitch->next_ns && !stitch->eager)) return;
  stitch->eager = false;
  stitch->next_ns = tracker->front_ns + step_ns;
  lists_prune(tracker);
  if (stitch->young_count == 0 || stitch->old_count == 0) return;
  const struct parallel *parallel = &tracker->parallel;
  stitch_olds_move(tracker);
  young_states(tracker);
  parallel->run(parallel->context, young_compare, tracker, stitch->young_count, YOUNG_PIECE);
  for (uint32_t i = 0; i < STITCH_YOUNG_MAX + stitch->old_count; i++) stitch->root[i] = i;
  for (uint32_t y = 0; y < stitch->young_count; y++) {
    for (uint32_t k = 0; k < stitch->pair_count[y]; k++) {
      uint32_t old = stitch->pairs[y * STITCH_PAIRS_PER_YOUNG + k].old;
      clusters_join(stitch->root, y, STITCH_YOUNG_MAX + old);
    }
  }
  for (uint32_t y = 0; y < stitch->young_count; y++) {
    if (stitch->pair_count[y] && clusters_root(stitch->root, y) == y) component_solve(tracker, y);
  }
}

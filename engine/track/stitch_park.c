/* Tracks that nobody has seen for long and that could be taken for each other wait apart from plots: the
 * first plot after a silence says where something is and not how fast, which is not enough to tell them
 * apart. The new track that it starts is, after some plots more (docs/maths.md C11). */
#include "engine/track/state.h"
#include "engine/track/vector.h"

enum { LANE_PIECE = 4, PARK_MAX = 512 };
static const int64_t silence_ns = 20000000000; /* free flight predicts well enough for less */
static const double silence_looks = 6;         /* nor do a few missed looks of a slow sensor say much */
static const int64_t again_ns = 20000000000;   /* what was judged stands so long */

/* Moves every old one on to the common time, eight at a time, and leaves them in lanes. */
static void olds_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct tracker *tracker = argument;
  struct stitch *stitch = &tracker->stitch;
  const wk_lane no_thrust = {0};
  for (uint32_t b = begin; b < end; b++) {
    struct wk_gauss_block *block = &stitch->blocks[b];
    wk_lane dt_s = {0};
    for (uint32_t l = 0; l < WK_LANES; l++) {
      uint32_t at = b * WK_LANES + l;
      const struct stitch_old *old = &stitch->olds[at < stitch->old_count ? at : b * WK_LANES];
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) block->e[k][l] = old->state[k];
      dt_s[l] = (double)(tracker->front_ns - old->time_ns) * 1e-9;
    }
    tracker->filter.kernels->gauss_predict(block, WK_COAST, dt_s, no_thrust, &tracker->filter.tuning);
    for (uint32_t l = 0; l < WK_LANES && b * WK_LANES + l < stitch->old_count; l++) {
      struct stitch_old *old = &stitch->olds[b * WK_LANES + l];
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) old->state[k] = block->e[k][l];
      old->time_ns = tracker->front_ns;
    }
  }
}

void stitch_olds_move(struct tracker *tracker) {
  uint32_t blocks = (tracker->stitch.old_count + WK_LANES - 1) / WK_LANES;
  tracker->parallel.run(tracker->parallel.context, olds_piece, tracker, blocks, LANE_PIECE);
}

bool stitch_block_far(const struct wk_gauss_block *block, const double state[WK_GAUSS_ELEMENTS]) {
  double own = state[6 + WK_AT(6, 0, 0)] + state[6 + WK_AT(6, 1, 1)] + state[6 + WK_AT(6, 2, 2)];
  for (int l = 0; l < WK_LANES; l++) {
    double distance2 = 0, variance = own;
    for (int i = 0; i < 3; i++) {
      distance2 += (block->e[i][l] - state[i]) * (block->e[i][l] - state[i]);
      variance += block->e[6 + WK_AT(6, i, i)][l];
    }
    if (distance2 < STITCH_RIVAL_CHI2 * variance) return false;
  }
  return true;
}

struct park_job {
  struct tracker *tracker;
  uint32_t olds[PARK_MAX];
};

static void park_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct park_job *job = argument;
  struct stitch *stitch = &job->tracker->stitch;
  uint32_t blocks = (stitch->old_count + WK_LANES - 1) / WK_LANES;
  for (uint32_t i = begin; i < end; i++) {
    const struct stitch_old *old = &stitch->olds[job->olds[i]];
    bool rival = false;
    for (uint32_t b = 0; b < blocks && !rival; b++) {
      wk_lane distance2, log_likelihood;
      if (stitch_block_far(&stitch->blocks[b], old->state)) continue;
      job->tracker->filter.kernels->gauss_distance(old->state, &stitch->blocks[b], distance2, log_likelihood);
      for (uint32_t l = 0; l < WK_LANES && b * WK_LANES + l < stitch->old_count; l++) {
        uint32_t other = b * WK_LANES + l;
        rival |= other != job->olds[i] && !stitch->olds[other].gone && distance2[l] < STITCH_RIVAL_CHI2;
      }
    }
    job->tracker->store.tracks[old->slot].parked = rival;
  }
}

void stitch_park(struct tracker *tracker, const uint32_t *slots, uint32_t count) {
  struct stitch *stitch = &tracker->stitch;
  struct park_job job = {.tracker = tracker};
  uint32_t found = 0;
  for (uint32_t i = 0; i < count && found < PARK_MAX; i++) {
    uint32_t at = stitch->old_of_slot[slots[i]];
    if (at == STITCH_NONE) continue;
    struct stitch_old *old = &stitch->olds[at];
    double looks_s = silence_looks * lifecycle_revisit_s(tracker, &tracker->store.tracks[slots[i]]);
    int64_t silent_ns = tracker->front_ns - old->newest_ns;
    if (silent_ns < silence_ns || (double)silent_ns * 1e-9 < looks_s) continue;
    if (old->judged_ns != 0 && tracker->front_ns - old->judged_ns < again_ns) continue;
    old->judged_ns = tracker->front_ns;
    job.olds[found++] = at;
  }
  if (found == 0) return;
  stitch_olds_move(tracker);
  tracker->parallel.run(tracker->parallel.context, park_piece, &job, found, 1);
}

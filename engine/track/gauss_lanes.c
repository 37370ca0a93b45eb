#include "engine/track/gauss_lanes.h"

#include <string.h>

enum { LANES_PIECE = 4 };

struct move_job {
  const struct filter *filter;
  const struct gauss_item *items;
  uint32_t count;
  enum wk_mode mode;
};

static void move_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct move_job *job = argument;
  for (uint32_t b = begin; b < end; b++) {
    struct wk_gauss_block block;
    wk_lane dt_s, accel;
    for (uint32_t l = 0; l < WK_LANES; l++) {
      uint32_t at = b * WK_LANES + l;
      const struct gauss_item *item = &job->items[at < job->count ? at : b * WK_LANES];
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) block.e[k][l] = item->state[k];
      dt_s[l] = item->dt_s;
      accel[l] = item->accel_mps2;
    }
    job->filter->kernels->gauss_predict(&block, job->mode, dt_s, accel, &job->filter->tuning);
    for (uint32_t l = 0; l < WK_LANES && b * WK_LANES + l < job->count; l++) {
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) job->items[b * WK_LANES + l].state[k] = block.e[k][l];
    }
  }
}

static void part_move(const struct filter *filter, const struct gauss_item *items, uint32_t count,
                      enum wk_mode mode) {
  struct move_job job = {.filter = filter, .items = items, .count = count, .mode = mode};
  uint32_t blocks = (count + WK_LANES - 1) / WK_LANES;
  if (blocks) filter->parallel.run(filter->parallel.context, move_piece, &job, blocks, LANES_PIECE);
}

void gauss_items_move(const struct filter *filter, struct gauss_item *items, uint32_t count) {
  uint32_t free = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (items[i].level) continue;
    struct gauss_item swapped = items[free];
    items[free++] = items[i];
    items[i] = swapped;
  }
  part_move(filter, items, free, WK_COAST);
  part_move(filter, items + free, count - free, WK_CV);
}

double phase_accel_mps2(bool has_phase, uint8_t phase) {
  const double thrust = 30, drag = 50, unknown = 10;
  if (!has_phase) return unknown;
  return phase == PHASE_BOOST ? thrust : phase == PHASE_REENTRY ? drag : 0;
}

#include "engine/server/ladder.h"

#include <string.h>

#include "engine/domain/overload.h"

double ladder_work(uint32_t detections, uint32_t step) {
  uint32_t kept = overload_kept(detections, step);
  return kept + (double)(detections - kept) / LADDER_SHED_COST;
}

double ladder_cost_ns(const struct ladder *ladder) {
  double sorted[LADDER_COSTS];
  uint32_t count = ladder->costs < LADDER_COSTS ? ladder->costs : LADDER_COSTS;
  if (count == 0) return 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at = i;
    for (; at > 0 && sorted[at - 1] > ladder->cost_ns[i]; at--) sorted[at] = sorted[at - 1];
    sorted[at] = ladder->cost_ns[i];
  }
  return sorted[3 * count / 4];
}

void ladder_stepped(struct ladder *ladder, uint32_t detections, uint32_t step, int64_t step_ns) {
  if (detections < LADDER_COUNT_MIN) return;
  ladder->cost_ns[ladder->costs++ % LADDER_COSTS] = (double)step_ns / ladder_work(detections, step);
  if (ladder->costs == 2 * LADDER_COSTS) ladder->costs = LADDER_COSTS;
}

/* Of the limit, for work that waits. A frame collects for as long as the one before it is stepped, and steps differ by a quarter. */
static const double LADDER_WORK_PART = 0.4;

/* The first step at which the frame fits into the room that is left. */
static uint32_t step_needed(double room_ns, double cost_ns, uint32_t detections) {
  uint32_t step = OVERLOAD_NONE;
  if (2 * cost_ns * detections > room_ns) step = OVERLOAD_ESTIMATES;
  if (step == OVERLOAD_NONE || cost_ns * detections <= room_ns) return step;
  for (step = OVERLOAD_SHEDS; step < OVERLOAD_MOST && ladder_work(detections, step) * cost_ns > room_ns;) step++;
  return step;
}

uint32_t ladder_decide(struct ladder *ladder, uint32_t detections, double ahead, int64_t clock_ns) {
  if (ladder->limit_ns == 0) return OVERLOAD_NONE;
  double cost_ns = ladder_cost_ns(ladder), room_ns = LADDER_WORK_PART * (double)ladder->limit_ns - ahead * cost_ns;
  uint32_t needed = step_needed(room_ns, cost_ns, detections), before = ladder->step;
  if (needed > before) {
    if (before == OVERLOAD_NONE) {
      ladder->since_ns = clock_ns;
      ladder->highest = OVERLOAD_NONE;
    }
    ladder->step = needed;
    if (needed > ladder->highest) ladder->highest = needed;
  } else if (needed < before && clock_ns - ladder->calm_ns >= LADDER_HOLD_NS) {
    ladder->step = before - 1;
  }
  if (ladder->step != before || needed == before) ladder->calm_ns = clock_ns;
  ladder->changes += ladder->step != before;
  return ladder->step;
}

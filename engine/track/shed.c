#include "engine/track/shed.h"

#include <string.h>

#include "engine/base/count.h"
#include "engine/domain/overload.h"
#include "engine/track/state.h"

enum { KIND_THREAT, KIND_KNOWN, KIND_ALONE };

static int kind_of(const struct tracker *tracker, uint32_t plot) {
  const struct candidates *found = &tracker->candidates[plot];
  for (uint32_t k = 0; k < found->count; k++) {
    const struct track *track = &tracker->store.tracks[found->slots[k]];
    if (track->status == STATUS_CONFIRMED && track->class_ == CLASS_BALLISTIC) return KIND_THREAT;
  }
  return found->count > 0 ? KIND_KNOWN : KIND_ALONE;
}

/* How many of each kind are kept, `keep` in all. */
static void kinds_divide(const uint32_t here[SHED_KINDS], uint32_t keep, uint32_t kept[SHED_KINDS]) {
  uint32_t sure[SHED_KINDS], left = keep;
  for (int kind = 0; kind < SHED_KINDS; kind++) {
    sure[kind] = count_least(here[kind], keep / SHED_SURE);
    left -= sure[kind];
  }
  for (int kind = 0; kind < SHED_KINDS; kind++) {
    uint32_t more = count_least(here[kind] - sure[kind], left);
    kept[kind] = sure[kind] + more;
    left -= more;
  }
}

static uint32_t level_sum(const struct tracker *tracker, int kind, uint32_t level) {
  uint32_t sum = 0;
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) sum += count_least(tracker->shares[s].here[kind], level);
  return sum;
}

/* `keep` of a kind among the sensors: all up to one level, and the few that are left over one each, beginning with another sensor in
 * each frame. */
static void sensors_divide(struct tracker *tracker, int kind, uint32_t keep, uint64_t turn) {
  uint32_t low = 0, high = FRAME_DETECTIONS_MAX, sensors = tracker->site->sensor_count;
  while (low < high) {
    uint32_t level = low + (high - low + 1) / 2;
    if (level_sum(tracker, kind, level) <= keep) low = level;
    else high = level - 1;
  }
  uint32_t left = keep - level_sum(tracker, kind, low);
  for (uint32_t i = 0; i < sensors; i++) {
    struct shed_share *share = &tracker->shares[(turn + i) % sensors];
    bool more = left > 0 && share->here[kind] > low;
    share->kept[kind] = count_least(share->here[kind], low) + more;
    left -= more;
  }
}

/* The first of `seen` of `here` detections of which `kept` are kept, evenly: its place times kept, modulo here, is below kept for just
 * so many. */
static bool share_keeps(struct shed_share *share, int kind, uint64_t turn) {
  uint64_t place = turn + share->seen[kind]++;
  return place * share->kept[kind] % share->here[kind] < share->kept[kind];
}

void shed_slice(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t here[SHED_KINDS] = {0}, kept[SHED_KINDS], count = 0, keep;
  if (tracker->overload_step < OVERLOAD_SHEDS) return;
  uint64_t turn = (uint32_t)(tracker->frame * UINT64_C(0x9E3779B97F4A7C15) >> 32); /* well mixed, so that no scan keeps step with it */
  memset(tracker->shares, 0, tracker->site->sensor_count * sizeof *tracker->shares);
  for (uint32_t i = begin; i < end; i++) {
    if (tracker->fates[i] != FATE_IN_FLIGHT) continue;
    int kind = kind_of(tracker, i);
    tracker->shares[tracker->plots[i].sensor].here[kind]++;
    here[kind]++;
    count++;
  }
  keep = overload_kept(count, tracker->overload_step);
  if (keep == count) return;
  kinds_divide(here, keep, kept);
  for (int kind = 0; kind < SHED_KINDS; kind++) sensors_divide(tracker, kind, kept[kind], turn);
  for (uint32_t i = begin; i < end; i++) {
    if (tracker->fates[i] != FATE_IN_FLIGHT) continue;
    struct candidates *found = &tracker->candidates[i];
    if (share_keeps(&tracker->shares[tracker->plots[i].sensor], kind_of(tracker, i), turn)) continue;
    for (uint32_t k = 0; k < found->count; k++) lifecycle_excuse(tracker, found->slots[k], &tracker->plots[i]);
    tracker->fates[i] = FATE_SHED;
    found->count = 0;
  }
}

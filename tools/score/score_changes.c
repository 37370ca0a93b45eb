#include "tools/score/score_changes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { RING_MAX = 16, CONTINUED_MAX = 64 };

/* Whether `track` says, if need be by way of others, that it continues `old`. */
static bool track_continues(const struct tracks *tracks, int32_t track, int32_t old) {
  for (int hop = 0; hop < CONTINUED_MAX && track >= 0; hop++) {
    track = tracks->continues[track];
    if (track == old) return true;
  }
  return false;
}

uint32_t changes_of_target(const struct reading *r, const struct tracks *tracks, size_t target,
                           struct changes *sum) {
  uint32_t breaks = 0;
  int32_t current = -1;
  size_t last = 0; /* the instant at which it last had a track */
  for (size_t k = 0; k < r->instants; k++) {
    int32_t track = r->cell[k * r->targets + target];
    if (track < 0) continue;
    bool changed = current >= 0 && track != current;
    bool gap = current >= 0 && (double)(k - last) * r->step_s > r->gap_s + r->step_s + 1e-9;
    breaks += changed || gap;
    sum->numbers += changed;
    sum->bridged += changed && track_continues(tracks, track, current);
    current = track;
    last = k;
  }
  sum->breaks += breaks;
  return breaks;
}

/* A track turns from one target to another. */
struct turn {
  uint32_t from, to;
  size_t instant;
  bool used; /* in a ring that was counted */
};

/* All of them, by instant. */
static struct turn *turns_find(const struct reading *r, size_t tracks, size_t *count) {
  int32_t *followed = score_take(tracks, sizeof *followed);
  struct turn *turn = NULL;
  size_t capacity = 0;
  *count = 0;
  for (size_t j = 0; j < tracks; j++) followed[j] = -1;
  for (size_t k = 0; k < r->instants; k++)
    for (size_t i = 0; i < r->targets; i++) {
      int32_t track = r->cell[k * r->targets + i];
      if (track < 0) continue;
      if (followed[track] >= 0 && followed[track] != (int32_t)i) {
        turn = score_grow(turn, *count, &capacity, sizeof *turn);
        turn[(*count)++] = (struct turn){(uint32_t)followed[track], (uint32_t)i, k, false};
      }
      followed[track] = (int32_t)i;
    }
  free(followed);
  return turn;
}

/* Follows the turns from `first` on, each beginning where the one before ended and all within `reach`
 * instants of the first, until they close a ring. Returns the number of targets in it, 0 where there is none.
 */
static uint32_t ring_close(struct turn *turn, size_t count, size_t first, size_t reach) {
  size_t ring[RING_MAX] = {first};
  turn[first].used = true;
  for (uint32_t n = 1; n < RING_MAX; n++) {
    uint32_t at = turn[ring[n - 1]].to, home = turn[first].from;
    size_t next = count;
    for (size_t e = first + 1; e < count && turn[e].instant - turn[first].instant <= reach; e++) {
      if (turn[e].used || turn[e].from != at) continue;
      if (next == count || turn[e].to == home) next = e;
      if (turn[e].to == home) break;
    }
    if (next == count) {
      for (uint32_t m = 1; m < n; m++) turn[ring[m]].used = false;
      return 0;
    }
    ring[n] = next;
    turn[next].used = true;
    if (turn[next].to == home) return n + 1;
  }
  for (uint32_t m = 1; m < RING_MAX; m++) turn[ring[m]].used = false;
  return 0;
}

struct changes changes_count(const struct reading *reading, const struct tracks *tracks) {
  struct changes sum = {0};
  for (size_t i = 0; i < reading->targets; i++) changes_of_target(reading, tracks, i, &sum);
  size_t turns = 0, reach = (size_t)ceil(reading->gap_s / reading->step_s);
  struct turn *turn = turns_find(reading, tracks->names.count, &turns);
  sum.switches = (uint32_t)turns;
  for (size_t e = 0; e < turns; e++) {
    if (turn[e].used) continue;
    uint32_t ring = ring_close(turn, turns, e, reach);
    sum.swaps += ring ? ring - 1 : 0;
  }
  free(turn);
  return sum;
}

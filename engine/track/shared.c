/* Unresolved plots: one plot of several objects within a sensor's cell. A track that the likeliest assignment
 * leaves without a plot, beside one that has a plot and within the cell of it, shares that plot; both were
 * seen apart before, so they stay two tracks (docs/maths.md T15). */
#include <math.h>
#include <string.h>

#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double cell_margin = 1.5; /* for the error of the predicted distance */
enum { SHARERS_MAX = CANDIDATES_MAX };

/* Range, azimuth, elevation of a track at the plot's time as the plot's sensor would have them. */
static void predicted(const struct track *track, const struct plot *plot, double z[3]) {
  double p[3], d[3], axes[3];
  track_extrapolate(track, plot->time_ns, p);
  vector_subtract(d, p, plot->site_m);
  for (int i = 0; i < 3; i++) axes[i] = vector_dot(&plot->enu[3 * i + 0], d);
  z[0] = vector_norm(d);
  z[1] = wk_atan2(axes[0], axes[1]);
  z[2] = wk_atan2(axes[2], sqrt(axes[0] * axes[0] + axes[1] * axes[1]));
}

static double turn_wrap(double angle_rad) {
  const double turn = 6.283185307179586;
  return angle_rad - turn * floor(angle_rad / turn + 0.5);
}

/* Where a component of range, azimuth, elevation lies in the plot's measurement; -1 where it isn't measured.
 */
static int component_place(const struct plot *plot, int component) {
  if (plot->kind == WK_LOS) return component - 1;
  if (plot->kind == WK_RADAR2D && component == 2) return -1;
  return component;
}

/* Squared distance of two tracks in cells, INFINITY outside the cell. */
static double cell_distance2(const struct tracker *tracker, const struct plot *plot, uint32_t a, uint32_t b) {
  const double *cell = tracker->site->sensors[plot->sensor].resolution;
  double x[3], y[3], sum = 0;
  predicted(&tracker->store.tracks[a], plot, x);
  predicted(&tracker->store.tracks[b], plot, y);
  for (int i = 0; i < 3; i++) {
    if (component_place(plot, i) < 0) continue;
    double off = (i == 1 ? turn_wrap(x[i] - y[i]) : x[i] - y[i]) / cell[i];
    if (!(fabs(off) <= cell_margin)) return INFINITY;
    sum += off * off;
  }
  return sum;
}

/* The pair of the plot's own track in the likeliest assignment. Pairs of a plot lie together: [begin, end).
 */
static uint32_t owner_of(const struct tracker *tracker, uint32_t begin, uint32_t end) {
  for (uint32_t p = begin; p < end; p++) {
    if (tracker->choice[p] != CHOICE_NONE) return p;
  }
  return ASSIGN_NONE;
}

static uint32_t block_end(const struct tracker *tracker, uint32_t p, uint32_t end) {
  uint32_t plot = tracker->pairs[p].plot;
  while (p < end && tracker->pairs[p].plot == plot) p++;
  return p;
}

/* Whether the track of pair p may share the plot with the owner's; the distance in cells where it may. */
static double share_distance2(struct tracker *tracker, uint32_t p, uint32_t owner) {
  const struct pair *pair = &tracker->pairs[p];
  uint32_t other = tracker->pairs[owner].track;
  struct track *a = &tracker->store.tracks[pair->track], *b = &tracker->store.tracks[other];
  if (a->status != STATUS_CONFIRMED || b->status != STATUS_CONFIRMED) return INFINITY;
  if (!pair_gated(&tracker->evidence[p])) return INFINITY;
  double distance2 = cell_distance2(tracker, &tracker->plots[pair->plot], pair->track, other);
  if (!isfinite(distance2)) return INFINITY;
  return duplicate_seen_apart(tracker, a->number > b->number ? a : b, a->number > b->number ? b : a)
             ? distance2
             : INFINITY;
}

/* Pairs of tracks and plots that are shared take no further part in the group's association. */
static void shared_withdraw(struct tracker *tracker, uint32_t begin, uint32_t end) {
  for (uint32_t p = begin; p < end; p++) {
    uint32_t claim = tracker->listings[tracker->pairs[p].track].claimed_by;
    if (claim != ASSIGN_NONE && tracker->choice[claim] == CHOICE_SHARED)
      tracker->evidence[p].distance2 = INFINITY;
  }
  for (uint32_t p = begin, last; p < end; p = last) {
    last = block_end(tracker, p, end);
    uint32_t owner = owner_of(tracker, p, last);
    if (owner == ASSIGN_NONE || tracker->choice[owner] != CHOICE_SHARED) continue;
    for (uint32_t k = p; k < last; k++) tracker->evidence[k].distance2 = INFINITY;
  }
}

void shared_find(struct tracker *tracker, const struct group *group) {
  uint32_t begin = group->pair_first, end = begin + group->pair_count, shared = 0;
  if (!(tracker->site->sensors[group->sensor].resolution[1] > 0)) return;
  for (uint32_t p = begin; p < end; p++) tracker->listings[tracker->pairs[p].track].claimed_by = ASSIGN_NONE;
  for (uint32_t p = begin; p < end; p++) {
    if (tracker->choice[p] == CHOICE_OWN) tracker->listings[tracker->pairs[p].track].claimed_by = p;
  }
  for (uint32_t p = begin, last; p < end; p = last) {
    last = block_end(tracker, p, end);
    uint32_t owner = owner_of(tracker, p, last);
    for (uint32_t k = p; k < last && owner != ASSIGN_NONE; k++) {
      uint32_t *claim = &tracker->listings[tracker->pairs[k].track].claimed_by;
      if (*claim != ASSIGN_NONE || !isfinite(share_distance2(tracker, k, owner))) continue;
      *claim = k;
      tracker->choice[k] = tracker->choice[owner] = CHOICE_SHARED;
      shared++;
    }
  }
  if (shared) shared_withdraw(tracker, begin, end);
}

/* The plot as one of its objects would have made it: moved by what this one is off the middle of them all by
 * their tracks, and less sure by as much, since the objects need not weigh the same in it. Its range rate is
 * nobody's. */
static void plot_part(const struct plot *plot, const double own[3], const double middle[3],
                      struct plot *out) {
  *out = *plot;
  out->present &= (uint8_t)~8u;
  for (int i = 0; i < 3; i++) {
    int place = component_place(plot, i);
    if (place < 0) continue;
    double off = own[i] - middle[i];
    out->z[place] += off;
    out->variance[place] += off * off;
  }
}

/* The tracks that share one plot; their parts of it go to `parts`. Pairs [begin, end) are the plot's. */
static uint32_t parts_make(struct tracker *tracker, uint32_t begin, uint32_t end, uint32_t used) {
  double z[SHARERS_MAX][3], middle[3] = {0};
  uint32_t slots[SHARERS_MAX], sharers = 0;
  const struct plot *plot = &tracker->plots[tracker->pairs[begin].plot];
  for (uint32_t p = begin; p < end; p++) {
    if (tracker->choice[p] != CHOICE_SHARED) continue;
    slots[sharers] = tracker->pairs[p].track;
    predicted(&tracker->store.tracks[slots[sharers]], plot, z[sharers]);
    for (int i = 0; i < 3; i++)
      z[sharers][i] = i == 1 ? z[0][i] + turn_wrap(z[sharers][i] - z[0][i]) : z[sharers][i];
    sharers++;
  }
  for (uint32_t s = 0; s < sharers; s++) {
    for (int i = 0; i < 3; i++) middle[i] += z[s][i] / sharers;
  }
  for (uint32_t s = 0; s < sharers; s++) {
    uint32_t part = tracker->detections_max + used + s;
    plot_part(plot, z[s], middle, &tracker->plots[part]);
    tracker->chosen[used + s] = (struct pair){.track = slots[s], .plot = part};
  }
  if (sharers) tracker->fates[tracker->pairs[begin].plot] = FATE_ASSOCIATED;
  return sharers;
}

static void parts_run(struct tracker *tracker, uint32_t count) {
  filter_update(&tracker->filter, tracker->chosen, count, tracker->chosen_evidence);
  for (uint32_t i = 0; i < count; i++) {
    lifecycle_shared(tracker, tracker->chosen[i].track, &tracker->plots[tracker->chosen[i].plot]);
  }
  tracker->statistics.shared += count;
}

void shared_update(struct tracker *tracker, uint32_t pair_count) {
  uint32_t used = 0;
  for (uint32_t p = 0, last; p < pair_count; p = last) {
    last = block_end(tracker, p, pair_count);
    if (used + SHARERS_MAX > PARTS_MAX) {
      parts_run(tracker, used);
      used = 0;
    }
    used += parts_make(tracker, p, last, used);
  }
  parts_run(tracker, used);
}

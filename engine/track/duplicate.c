/* Two tracks of one object: the younger one ends (docs/maths.md T12). Whether an older one lies near enough to be asked is found for
 * eight tracks side by side and in parallel; the few that have one are then asked one by one, in the order of their reviews. */
#include <math.h>

#include "engine/base/ahead.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double duplicate_chi2 = 14; /* 6 degrees of freedom */
static const double near_sigmas = 5;
static const double apart_scans = 10; /* how long a look at two objects speaks against one */
enum { FOUND_MAX = 32, ASKED_BYTES = 2 * AHEAD_LINE };

/* Distinct objects are seen by one sensor in one scan as two plots. */
static bool seen_apart_now(const struct tracker *tracker, const struct track *a, const struct track *b,
                           double *revisit_s) {
  for (int i = 0; i < TRACK_LOOKS_MAX; i++) {
    if (!look_used(a, i)) continue;
    const struct look *x = &a->looks[i], *y = track_look_read(b, look_sensor(a, x));
    if (!y || x->last_hit_ns == INT64_MIN || y->last_hit_ns == INT64_MIN) continue;
    *revisit_s = tracker->site->sensors[look_sensor(a, x)].revisit_s;
    if (lifecycle_one_scan(tracker, look_sensor(a, x), x->last_hit_ns, y->last_hit_ns)) return true;
  }
  return false;
}

/* The same, remembered for some scans: the newest scan often misses one of two real objects. */
bool duplicate_seen_apart(const struct tracker *tracker, struct track *track, const struct track *other) {
  double revisit_s;
  struct apart *place = &track->apart[0];
  for (int i = 0; i < TRACK_APART_MAX; i++) {
    if (track->apart[i].number == other->number) {
      place = &track->apart[i];
      break;
    }
    if (track->apart[i].until_ns < place->until_ns) place = &track->apart[i];
  }
  if (seen_apart_now(tracker, track, other, &revisit_s)) {
    *place = (struct apart){.number = other->number,
                            .until_ns = tracker->now_ns + (int64_t)(apart_scans * revisit_s * 1e9)};
    return true;
  }
  return place->number == other->number && place->until_ns > tracker->now_ns;
}

/* While nobody sees them their uncertainties grow into each other, which says nothing of what they are; and
 * whether a new track is one that has long been silent is for the stitching to say, which looks along the
 * trajectory. */
static bool doubtful(const struct tracker *tracker, const struct track *track, const struct track *older) {
  return lifecycle_silent(tracker, older) && (lifecycle_silent(tracker, track) || older->newest_ns < track->first_ns);
}

/* An older track within five sigmas of both, and never a tentative one for a confirmed one. Most that the grid shows lie elsewhere, so
 * the place is looked at first. */
static bool older_near(const struct track *track, const struct track *other) {
  double p[3], d[3];
  track_extrapolate(other, track->time_ns, p);
  vector_subtract(d, track->position_m, p);
  double sigma = track_sigma_at(other, track->time_ns) + track->sigma_position_m;
  return vector_norm(d) <= near_sigmas * sigma && other->number < track->number && other->status >= track->status;
}

struct duplicate_search {
  struct tracker *tracker;
  uint32_t slot, found;
};

/* An older track at the same place with the same velocity, within the stated uncertainties of both. */
static void duplicate_consider(void *context, uint32_t other_slot) {
  struct duplicate_search *search = context;
  struct track *track = &search->tracker->store.tracks[search->slot];
  const struct track *other = &search->tracker->store.tracks[other_slot];
  if (search->found != TRACK_NONE || !older_near(track, other)) return;
  if (doubtful(search->tracker, track, other) || duplicate_seen_apart(search->tracker, track, other)) return;
  double p[3], d[6], dt = (double)(track->time_ns - other->time_ns) * 1e-9;
  track_extrapolate(other, track->time_ns, p);
  vector_subtract(d, track->position_m, p);
  for (int i = 0; i < 3; i++) d[3 + i] = track->velocity_mps[i] - other->velocity_mps[i] - dt * (double)other->acceleration_mps2[i];
  uint32_t slots[2] = {search->slot, other_slot};
  double moments[2][27], sum[21], inverse[21];
  filter_moments(&search->tracker->filter, slots, 2, moments);
  for (int k = 0; k < 21; k++) sum[k] = moments[0][6 + k] + moments[1][6 + k];
  if (!matrix_invert_spd(6, sum, inverse, NULL)) return;
  if (matrix_quadratic(6, inverse, d) < duplicate_chi2) search->found = other_slot;
}

static void box_of(const struct track *track, double half[3]) {
  for (int i = 0; i < 3; i++) half[i] = near_sigmas * track->sigma_position_m;
}

bool duplicate_of_older(struct tracker *tracker, uint32_t slot) {
  struct duplicate_search search = {.tracker = tracker, .slot = slot, .found = TRACK_NONE};
  double half[3];
  box_of(&tracker->store.tracks[slot], half);
  grid_query(&tracker->index.space, tracker->store.tracks[slot].position_m, half, duplicate_consider, &search);
  return search.found != TRACK_NONE;
}

/* What the grid shows around one track; looked at some at a time, so that their memory comes together. */
struct near_search {
  const struct track *tracks, *track;
  uint32_t found[FOUND_MAX], found_count;
  bool near;
};

static void found_consider(struct near_search *search) {
  for (uint32_t i = 0; i < search->found_count && !search->near; i++)
    search->near = older_near(search->track, &search->tracks[search->found[i]]);
  search->found_count = 0;
}

static void found_note(void *context, uint32_t slot) {
  struct near_search *search = context;
  const struct track *other = &search->tracks[slot];
  if (other == search->track) return;
  ahead_ask(other, ASKED_BYTES);
  if (search->found_count == FOUND_MAX) found_consider(search);
  search->found[search->found_count++] = slot;
}

void duplicate_near(const struct tracker *tracker, const uint32_t *slots, uint32_t count, bool *near) {
  struct near_search search[DUPLICATE_TOGETHER];
  struct grid_blocks blocks[DUPLICATE_TOGETHER];
  const struct grid *grid = &tracker->index.space;
  for (uint32_t i = 0; i < count; i++) {
    double half[3];
    search[i].tracks = tracker->store.tracks;
    search[i].track = &tracker->store.tracks[slots[i]];
    search[i].found_count = 0;
    search[i].near = false;
    box_of(search[i].track, half);
    if (grid_gather(grid, search[i].track->position_m, half, &blocks[i])) continue;
    blocks[i].count = 0;
    grid_query(grid, search[i].track->position_m, half, found_note, &search[i]);
  }
  for (uint32_t i = 0; i < count; i++) grid_visit_lines(grid, &blocks[i], found_note, &search[i]);
  for (uint32_t i = 0; i < count; i++) grid_visit(grid, &blocks[i], found_note, &search[i]);
  for (uint32_t i = 0; i < count; i++) {
    found_consider(&search[i]);
    near[i] = search[i].near;
  }
}

static void apart_note(void *context, uint32_t other_slot) {
  struct duplicate_search *search = context;
  struct track *track = &search->tracker->store.tracks[search->slot];
  const struct track *other = &search->tracker->store.tracks[other_slot];
  if (other->number < track->number) duplicate_seen_apart(search->tracker, track, other);
}

void duplicate_neighbours_note(struct tracker *tracker, uint32_t slot) {
  struct duplicate_search search = {.tracker = tracker, .slot = slot};
  double half[3];
  box_of(&tracker->store.tracks[slot], half);
  grid_query(&tracker->index.space, tracker->store.tracks[slot].position_m, half, apart_note, &search);
}

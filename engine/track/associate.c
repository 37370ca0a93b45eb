/* From plots and tracks to who belongs to whom: coarse gates in parallel, connected components, then rounds.
 * A round holds one scan of every component, so that its groups are independent of each other and all lanes
 * are full. */
#include <math.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/sort.h"
#include "engine/track/state.h"

enum { GATE_PIECE = 64, OPEN_PIECE = 64, BOOK_PIECE = 32, GROUP_PIECE = 4, GROUP_PIECES = 16, FETCH_AHEAD = 4, CLAIM_AHEAD = 16, LIST_AHEAD = 16 };

/* The kernels predict 600 s at most; what was silent for longer has ended, though no frame has said so yet.
 */
static const int64_t silence_pair_max_ns = 600000000000;

bool pair_gated(const struct pair_evidence *evidence) {
  static const double gate_chi2[5] = {0, 19.6, 23.1, 25.9, 28.5};
  int dimension = (int)evidence->dimension;
  return evidence->distance2 <= gate_chi2[dimension < 0 ? 0 : dimension > 4 ? 4 : dimension];
}

uint32_t clusters_root(uint32_t *parent, uint32_t i) {
  while (parent[i] != i) {
    parent[i] = parent[parent[i]];
    i = parent[i];
  }
  return i;
}

void clusters_join(uint32_t *parent, uint32_t i, uint32_t j) {
  uint32_t a = clusters_root(parent, i), b = clusters_root(parent, j);
  if (a < b) parent[b] = a;
  if (b < a) parent[a] = b;
}

/* A parallel loop over what begins there: plots of the slice, or turns of the round. */
struct range_job {
  struct tracker *tracker;
  uint32_t begin;
};

static void find_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  const struct range_job *job = argument;
  struct tracker *tracker = job->tracker;
  struct gate_tally *tally = &tracker->gate_tallies[worker];
  uint32_t first = job->begin + begin;
  track_index_find(&tracker->index, &tracker->plots[first], end - begin, tracker->front_ns, &tracker->candidates[first]);
  for (uint32_t i = first; i < job->begin + end; i++) {
    struct candidates *found = &tracker->candidates[i];
    if (tracker->fates[i] != FATE_IN_FLIGHT) found->count = found->evaluated = found->overflow = 0;
    tracker->lone[i] = found->count == 0 ? LONE_NONE : found->count == 1 ? found->slots[0] : LONE_MANY;
    tally->evaluated += found->evaluated;
    tally->cut += found->overflow;
  }
}

static void candidates_find(struct tracker *tracker, uint32_t begin, uint32_t end) {
  struct range_job find = {.tracker = tracker, .begin = begin};
  memset(tracker->gate_tallies, 0, tracker->parallel.workers * sizeof *tracker->gate_tallies);
  tracker->parallel.run(tracker->parallel.context, find_piece, &find, end - begin, GATE_PIECE);
  for (unsigned w = 0; w < tracker->parallel.workers; w++) {
    tracker->statistics.gate_evaluations += tracker->gate_tallies[w].evaluated;
    tracker->statistics.candidates_cut += tracker->gate_tallies[w].cut;
  }
}

static bool plot_near(const struct tracker *tracker, uint32_t plot, uint32_t slot) {
  const struct candidates *found = &tracker->candidates[plot];
  if (tracker->lone[plot] != LONE_MANY) return tracker->lone[plot] == slot;
  for (uint32_t k = 0; k < found->count; k++) {
    if (found->slots[k] == slot) return true;
  }
  return false;
}

/* Plot i has the track among its candidates, and so may have an earlier one of the slice, which is the track's claim then. What
 * stands there may be from long ago; it is a claim if that plot is one of these and says so. */
static void track_claim(struct tracker *tracker, uint32_t begin, uint32_t i, uint32_t slot) {
  uint32_t first = tracker->listings[slot].claimed_by;
  if (first < begin || first >= i || !plot_near(tracker, first, slot)) {
    tracker->listings[slot].claimed_by = i;
    return;
  }
  clusters_join(tracker->parent, first, i);
  tracker->crowded[first] = tracker->crowded[i] = 1;
}

/* Plots that share a candidate track are one component; its root is its smallest plot. Most are alone with one track. */
static void components_build(struct tracker *tracker, uint32_t begin, uint32_t end) {
  for (uint32_t i = begin; i < end; i++) {
    if (tracker->fates[i] != FATE_IN_FLIGHT) tracker->lone[i] = LONE_NONE; /* shed meanwhile */
    tracker->parent[i] = i;
    tracker->crowded[i] = tracker->lone[i] == LONE_MANY;
  }
  for (uint32_t i = begin; i < end; i++) {
    uint32_t slot = tracker->lone[i], ahead = tracker->lone[i + CLAIM_AHEAD < end ? i + CLAIM_AHEAD : i];
    if (ahead < LONE_MANY) __builtin_prefetch(&tracker->listings[ahead], 1);
    if (slot < LONE_MANY) track_claim(tracker, begin, i, slot);
    if (slot != LONE_MANY) continue;
    const struct candidates *found = &tracker->candidates[i];
    for (uint32_t k = 0; k < found->count; k++) track_claim(tracker, begin, i, found->slots[k]);
  }
}

static int compare_i64(int64_t a, int64_t b) {
  return (a > b) - (a < b);
}

/* Members of one component by sensor, time: plots are in order of time. */
static int members_compare(const void *a, const void *b, void *context) {
  (void)context;
  const struct member *x = a, *y = b;
  if (x->sensor != y->sensor) return compare_i64(x->sensor, y->sensor);
  return compare_i64(x->plot, y->plot);
}

/* Groups of one component by time, sensor. */
static int groups_compare(const void *a, const void *b, void *context) {
  (void)context;
  const struct group *x = a, *y = b;
  if (x->time_ns != y->time_ns) return compare_i64(x->time_ns, y->time_ns);
  if (x->sensor != y->sensor) return compare_i64(x->sensor, y->sensor);
  return compare_i64(x->first, y->first);
}

/* Sums counts up to where each begins; returns their sum. */
static uint32_t counts_to_places(uint32_t *counts, uint32_t count) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t here = counts[i];
    counts[i] = sum;
    sum += here;
  }
  return sum;
}

/* Plots that are not alone with one track, component by component: counted, then put in their places. Returns their number. */
static uint32_t members_gather(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t *place = tracker->turns; /* of each root's next member */
  for (uint32_t i = begin; i < end; i++) {
    place[i] = 0;
    if (tracker->crowded[i]) place[clusters_root(tracker->parent, i)]++;
  }
  uint32_t members = counts_to_places(place + begin, end - begin);
  for (uint32_t i = begin; i < end; i++) {
    if (!tracker->crowded[i]) continue;
    uint32_t root = clusters_root(tracker->parent, i);
    tracker->members[place[root]++] = (struct member){.root = root, .sensor = tracker->sensor[i], .plot = i};
  }
  return members;
}

/* The groups of the component whose members are [first, last), behind those there are: their rounds are their order. */
static void component_group(struct tracker *tracker, uint32_t first, uint32_t last) {
  uint32_t begin = tracker->group_count;
  struct group *group = NULL;
  if (last - first > 1) sort_items(tracker->members + first, last - first, sizeof *tracker->members, members_compare, NULL);
  for (uint32_t m = first; m < last; m++) {
    uint32_t sensor = tracker->members[m].sensor;
    int64_t time_ns = tracker->time_ns[tracker->members[m].plot];
    double scan_s = 0.5 * tracker->site->sensors[sensor].revisit_s;
    bool joins = group && group->sensor == sensor && (double)(time_ns - group->time_ns) * 1e-9 < scan_s;
    if (joins && group->count == ASSIGN_MAX) {
      tracker->statistics.groups_split++;
      joins = false;
    }
    if (!joins) {
      group = &tracker->groups[tracker->group_count++];
      *group = (struct group){.first = m, .sensor = sensor, .time_ns = time_ns};
    }
    group->count++;
  }
  uint32_t count = tracker->group_count - begin;
  if (count > 1) sort_items(tracker->groups + begin, count, sizeof *tracker->groups, groups_compare, NULL);
  for (uint32_t round = 0; round < count; round++) {
    struct group *own = &tracker->groups[begin + round];
    uint32_t plot = tracker->members[own->first].plot;
    own->round = round;
    own->lone = own->count == 1 && tracker->lone[plot] != LONE_MANY;
    if (own->lone) own->first = plot;
  }
}

/* The groups' turns: round by round, in the order of their components within each. Leaves where each round ends. */
static void turns_order(struct tracker *tracker) {
  uint32_t *place = tracker->round_ends, rounds = 0; /* of each round's next group */
  for (uint32_t g = 0; g < tracker->group_count; g++) {
    uint32_t round = tracker->groups[g].round;
    for (; rounds <= round; rounds++) place[rounds] = 0;
    place[round]++;
  }
  counts_to_places(place, rounds);
  for (uint32_t g = 0; g < tracker->group_count; g++) tracker->turns[place[tracker->groups[g].round]++] = g;
}

/* Groups in the order of their components: a plot that is alone with one track is one by itself. */
static void groups_build(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t members = members_gather(tracker, begin, end), first = 0;
  tracker->group_count = 0;
  for (uint32_t i = begin; i < end; i++) {
    if (tracker->lone[i] == LONE_NONE) continue;
    if (!tracker->crowded[i]) {
      tracker->groups[tracker->group_count++] =
          (struct group){.first = i, .count = 1, .lone = true, .sensor = tracker->sensor[i], .time_ns = tracker->time_ns[i]};
    } else if (first < members && tracker->members[first].root == i) {
      uint32_t last = first + 1;
      while (last < members && tracker->members[last].root == i) last++;
      component_group(tracker, first, last);
      first = last;
    }
  }
  turns_order(tracker);
}

_Static_assert(CANDIDATES_MAX == 32, "a plot's candidates have a bit each");

/* Whether a plot may go to a track: not if that has long been silent, or if this scan has given it one. */
static bool track_open(const struct tracker *tracker, uint32_t slot, uint32_t plot) {
  const struct track *track = &tracker->store.tracks[slot];
  return tracker->time_ns[plot] - track->newest_ns <= silence_pair_max_ns && !lifecycle_scan_used(tracker, track, &tracker->plots[plot]);
}

/* Which of its candidates it may go to. */
static uint32_t candidates_open(const struct tracker *tracker, uint32_t plot) {
  const struct candidates *found = &tracker->candidates[plot];
  uint32_t open = 0;
  for (uint32_t k = 0; k < found->count; k++) {
    if (track_open(tracker, found->slots[k], plot)) open |= UINT32_C(1) << k;
  }
  return open;
}

/* The first track that a group will be asked about, which is mostly the only one. */
static void candidate_fetch(const struct tracker *tracker, const struct group *group) {
  if (!group->lone) lifecycle_fetch(tracker, tracker->candidates[tracker->members[group->first].plot].slots[0]);
}

/* Who is alone with a track is asked when that is at hand. */
static void open_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct range_job *job = argument;
  struct tracker *tracker = job->tracker;
  const uint32_t *turns = tracker->turns + job->begin;
  for (uint32_t g = begin; g < end; g++) {
    const struct group *group = &tracker->groups[turns[g]];
    if (g + FETCH_AHEAD < end) candidate_fetch(tracker, &tracker->groups[turns[g + FETCH_AHEAD]]);
    if (group->lone) continue;
    for (uint32_t m = group->first; m < group->first + group->count; m++) {
      uint32_t plot = tracker->members[m].plot;
      tracker->open[plot] = candidates_open(tracker, plot);
    }
  }
}

static void pair_add(struct tracker *tracker, uint32_t pair, uint32_t slot, uint32_t plot) {
  tracker->asked[pair] = FILTER_WAITS;
  tracker->pairs[pair] = (struct pair){.track = slot, .plot = plot};
}

/* The candidate pairs of the groups with turns [begin, end), as many whole groups as fit. Returns the end
 * reached. */
static uint32_t pairs_collect(struct tracker *tracker, uint32_t begin, uint32_t end, uint32_t *pair_count) {
  uint32_t used = 0, g = begin;
  for (; g < end; g++) {
    struct group *group = &tracker->groups[tracker->turns[g]];
    if (used + group->count * CANDIDATES_MAX > PAIRS_MAX) break;
    group->pair_first = used;
    if (group->lone) pair_add(tracker, used++, tracker->lone[group->first], group->first);
    for (uint32_t m = group->first; m < group->first + group->count && !group->lone; m++) {
      uint32_t plot = tracker->members[m].plot;
      for (uint32_t open = tracker->open[plot]; open; open &= open - 1)
        pair_add(tracker, used++, tracker->candidates[plot].slots[__builtin_ctz(open)], plot);
    }
    group->pair_count = used - group->pair_first;
    if (group->pair_count == 1) tracker->asked[group->pair_first] = tracker->turns[g];
  }
  *pair_count = used;
  return g;
}

/* Beyond what soft association leaves out, a thousandth, whatever the sensor's probability of detection. */
bool pair_certain(const struct tracker *tracker, uint32_t p) {
  const double log_certain = 7;
  const struct pair *pair = &tracker->pairs[p];
  const struct pair_evidence *evidence = &tracker->evidence[p];
  return tracker->store.tracks[pair->track].log_odds >= 0 && pair_gated(evidence) &&
         lifecycle_log_ratio(tracker, &tracker->plots[pair->plot], evidence) >= log_certain;
}

static void group_solve(struct tracker *tracker, struct group *group, unsigned worker) {
  group->solved = true;
  if (group->lone && !track_open(tracker, tracker->pairs[group->pair_first].track, group->first)) {
    tracker->choice[group->pair_first] = CHOICE_NONE;
  } else if (group->pair_count == 1 && pair_certain(tracker, group->pair_first)) {
    tracker->choice[group->pair_first] = CHOICE_OWN;
  } else if (tracker->soft) {
    soft_solve(tracker, worker, group);
  } else {
    nearest_solve(tracker, &tracker->work[worker], group);
    shared_find(tracker, group);
  }
}

/* A group of one pair is solved as soon as its evidence is there. */
static bool pair_takes(void *context, uint32_t pair, unsigned worker) {
  struct tracker *tracker = context;
  group_solve(tracker, &tracker->groups[tracker->asked[pair]], worker);
  return tracker->choice[pair] == CHOICE_OWN;
}

static void solve_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  const struct range_job *job = argument;
  for (uint32_t g = begin; g < end; g++) {
    struct group *group = &job->tracker->groups[job->tracker->turns[job->begin + g]];
    if (!group->solved) group_solve(job->tracker, group, worker);
  }
}

/* What it does to its track; tracks are booked side by side. */
static uint8_t pair_hit(const struct tracker *tracker, const struct pair *pair, const struct pair_evidence *evidence) {
  return (uint8_t)lifecycle_hit(tracker, pair->track, &tracker->plots[pair->plot], evidence);
}

static void pair_took(void *context, uint32_t pair) {
  struct tracker *tracker = context;
  tracker->left[pair] = pair_hit(tracker, &tracker->pairs[pair], &tracker->evidence[pair]);
}

static void book_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct tracker *tracker = argument;
  for (uint32_t i = begin; i < end; i++) tracker->chosen_left[i] = pair_hit(tracker, &tracker->chosen[i], &tracker->chosen_evidence[i]);
}

/* The tracks of the first `count` chosen pairs take their plots; what is left is for pair_list. */
static void chosen_take(struct tracker *tracker, uint32_t count) {
  if (count == 0) return;
  filter_update(&tracker->filter, tracker->chosen, count, tracker->chosen_evidence);
  tracker->parallel.run(tracker->parallel.context, book_piece, tracker, count, BOOK_PIECE);
}

static void pair_list(struct tracker *tracker, const struct pair *pair, uint8_t left) {
  tracker->fates[pair->plot] = FATE_ASSOCIATED;
  lifecycle_list(tracker, pair->track, left);
}

void chosen_update(struct tracker *tracker, uint32_t count) {
  chosen_take(tracker, count);
  for (uint32_t i = 0; i < count; i++) pair_list(tracker, &tracker->chosen[i], tracker->chosen_left[i]);
}

/* The winners that have not taken their plots yet do; all are listed in the pairs' order. */
static void winners_update(struct tracker *tracker, uint32_t pair_count) {
  uint32_t chosen = 0;
  for (uint32_t p = 0; p < pair_count; p++) {
    if (tracker->choice[p] == CHOICE_OWN && !tracker->taken[p]) tracker->chosen[chosen++] = tracker->pairs[p];
  }
  chosen_take(tracker, chosen);
  const uint8_t *next = tracker->chosen_left;
  for (uint32_t p = 0; p < pair_count; p++) {
    __builtin_prefetch(&tracker->listings[tracker->pairs[p + LIST_AHEAD < pair_count ? p + LIST_AHEAD : p].track], 1);
    if (tracker->choice[p] == CHOICE_OWN) pair_list(tracker, &tracker->pairs[p], tracker->taken[p] ? tracker->left[p] : *next++);
  }
}

/* Solves those of the groups with turns [begin, end) that have not been, at least so many together that few workers wait for the last. */
static void groups_solve(struct tracker *tracker, uint32_t begin, uint32_t end) {
  struct range_job job = {.tracker = tracker, .begin = begin};
  uint32_t piece = (end - begin) / (tracker->parallel.workers * GROUP_PIECES);
  tracker->parallel.run(tracker->parallel.context, solve_piece, &job, end - begin, piece < GROUP_PIECE ? GROUP_PIECE : piece);
}

void associate_slice(struct tracker *tracker, uint32_t begin, uint32_t end) {
  struct parallel *parallel = &tracker->parallel;
  candidates_find(tracker, begin, end);
  shed_slice(tracker, begin, end);
  components_build(tracker, begin, end);
  groups_build(tracker, begin, end);
  for (uint32_t first = 0; first < tracker->group_count;) {
    uint32_t last = tracker->round_ends[tracker->groups[tracker->turns[first]].round], pair_count = 0;
    struct range_job open = {.tracker = tracker, .begin = first};
    parallel->run(parallel->context, open_piece, &open, last - first, OPEN_PIECE);
    last = pairs_collect(tracker, first, last, &pair_count);
    weft_assert(last > first);
    const struct filter_taking taking = {
        .context = tracker, .asked = tracker->asked, .takes = pair_takes, .took = pair_took, .taken = tracker->taken};
    filter_score(&tracker->filter, tracker->pairs, pair_count, tracker->evidence, &taking);
    tracker->statistics.pairs_scored += pair_count;
    groups_solve(tracker, first, last);
    winners_update(tracker, pair_count);
    if (tracker->soft) soft_update(tracker, first, last);
    if (tracker->cells) shared_update(tracker, pair_count);
    first = last;
  }
}

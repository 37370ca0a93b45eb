/* From plots and tracks to who belongs to whom: coarse gates in parallel, connected components, then rounds.
 * A round holds one scan of every component, so that its groups are independent of each other and all lanes
 * are full. */
#include <math.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/sort.h"
#include "engine/track/state.h"

enum { GATE_PIECE = 64, GROUP_PIECE = 4, BOOK_PIECE = 32, FETCH_AHEAD = 4 };

enum { OPEN_PIECE = 64 };

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
  (void)worker;
  const struct range_job *job = argument;
  struct tracker *tracker = job->tracker;
  uint32_t first = job->begin + begin;
  track_index_find(&tracker->index, &tracker->plots[first], end - begin, tracker->front_ns, &tracker->candidates[first]);
  for (uint32_t i = first; i < job->begin + end; i++) {
    struct candidates *found = &tracker->candidates[i];
    if (tracker->fates[i] != FATE_IN_FLIGHT) found->count = found->evaluated = found->overflow = 0;
  }
}

/* Plots that share a candidate track are one component; its root is its smallest plot. */
static void components_build(struct tracker *tracker, uint32_t begin, uint32_t end) {
  for (uint32_t i = begin; i < end; i++) tracker->parent[i] = i;
  for (uint32_t i = begin; i < end; i++) {
    const struct candidates *found = &tracker->candidates[i];
    tracker->statistics.gate_evaluations += found->evaluated;
    tracker->statistics.candidates_cut += found->overflow;
    for (uint32_t k = 0; k < found->count; k++) {
      uint32_t slot = found->slots[k];
      if (tracker->claimed_slice[slot] != tracker->slice) {
        tracker->claimed_slice[slot] = tracker->slice;
        tracker->claimed_by[slot] = i;
        continue;
      }
      clusters_join(tracker->parent, tracker->claimed_by[slot], i);
    }
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

/* Plots with candidates, component by component: counted, then put in their places. Returns their number. */
static uint32_t members_gather(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t *place = tracker->turns; /* of each root's next member */
  memset(place + begin, 0, (end - begin) * sizeof *place);
  for (uint32_t i = begin; i < end; i++) {
    if (tracker->candidates[i].count > 0) place[clusters_root(tracker->parent, i)]++;
  }
  uint32_t members = counts_to_places(place + begin, end - begin);
  for (uint32_t i = begin; i < end; i++) {
    if (tracker->candidates[i].count == 0) continue;
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
  for (uint32_t round = 0; round < count; round++) tracker->groups[begin + round].round = round;
}

/* The groups' turns: round by round, in the order of their components within each. */
static void turns_order(struct tracker *tracker) {
  uint32_t *place = tracker->parent, rounds = 0; /* of each round's next group; who is whose root is not asked any more */
  for (uint32_t g = 0; g < tracker->group_count; g++) {
    uint32_t round = tracker->groups[g].round;
    for (; rounds <= round; rounds++) place[rounds] = 0;
    place[round]++;
  }
  counts_to_places(place, rounds);
  for (uint32_t g = 0; g < tracker->group_count; g++) tracker->turns[place[tracker->groups[g].round]++] = g;
}

static void groups_build(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t members = members_gather(tracker, begin, end);
  tracker->group_count = 0;
  for (uint32_t first = 0, last; first < members; first = last) {
    for (last = first + 1; last < members && tracker->members[last].root == tracker->members[first].root;) last++;
    component_group(tracker, first, last);
  }
  turns_order(tracker);
}

_Static_assert(CANDIDATES_MAX == 32, "a plot's candidates have a bit each");

/* Which of its candidates a plot may go to: not those that have long been silent, nor those that this scan has given a plot. */
static uint32_t candidates_open(const struct tracker *tracker, uint32_t plot) {
  const struct candidates *found = &tracker->candidates[plot];
  uint32_t open = 0;
  for (uint32_t k = 0; k < found->count; k++) {
    const struct track *track = &tracker->store.tracks[found->slots[k]];
    if (tracker->time_ns[plot] - track->newest_ns > silence_pair_max_ns) continue;
    if (!lifecycle_scan_used(tracker, track, &tracker->plots[plot])) open |= UINT32_C(1) << k;
  }
  return open;
}

/* The first track that a group will be asked about, which is mostly the only one. */
static void candidate_fetch(const struct tracker *tracker, const struct group *group) {
  lifecycle_fetch(tracker, tracker->candidates[tracker->members[group->first].plot].slots[0]);
}

static void open_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct range_job *job = argument;
  struct tracker *tracker = job->tracker;
  const uint32_t *turns = tracker->turns + job->begin;
  for (uint32_t g = begin; g < end; g++) {
    const struct group *group = &tracker->groups[turns[g]];
    if (g + FETCH_AHEAD < end) candidate_fetch(tracker, &tracker->groups[turns[g + FETCH_AHEAD]]);
    for (uint32_t m = group->first; m < group->first + group->count; m++) {
      uint32_t plot = tracker->members[m].plot;
      tracker->open[plot] = candidates_open(tracker, plot);
    }
  }
}

/* The candidate pairs of the groups with turns [begin, end), as many whole groups as fit. Returns the end
 * reached. */
static uint32_t pairs_collect(struct tracker *tracker, uint32_t begin, uint32_t end, uint32_t *pair_count) {
  uint32_t used = 0, g = begin;
  for (; g < end; g++) {
    struct group *group = &tracker->groups[tracker->turns[g]];
    if (used + group->count * CANDIDATES_MAX > PAIRS_MAX) break;
    group->pair_first = used;
    group->solved = false;
    for (uint32_t m = group->first; m < group->first + group->count; m++) {
      uint32_t plot = tracker->members[m].plot;
      for (uint32_t open = tracker->open[plot]; open; open &= open - 1) {
        tracker->asked[used] = FILTER_WAITS;
        tracker->pairs[used++] = (struct pair){.track = tracker->candidates[plot].slots[__builtin_ctz(open)], .plot = plot};
      }
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
  if (group->pair_count == 1 && pair_certain(tracker, group->pair_first)) {
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
    if (tracker->choice[p] == CHOICE_OWN) pair_list(tracker, &tracker->pairs[p], tracker->taken[p] ? tracker->left[p] : *next++);
  }
}

static uint32_t round_of(const struct tracker *tracker, uint32_t turn) { return tracker->groups[tracker->turns[turn]].round; }

void associate_slice(struct tracker *tracker, uint32_t begin, uint32_t end) {
  struct parallel *parallel = &tracker->parallel;
  struct range_job find = {.tracker = tracker, .begin = begin};
  parallel->run(parallel->context, find_piece, &find, end - begin, GATE_PIECE);
  shed_slice(tracker, begin, end);
  components_build(tracker, begin, end);
  groups_build(tracker, begin, end);
  for (uint32_t first = 0; first < tracker->group_count;) {
    uint32_t last = first, pair_count = 0;
    while (last < tracker->group_count && round_of(tracker, last) == round_of(tracker, first)) last++;
    struct range_job open = {.tracker = tracker, .begin = first};
    parallel->run(parallel->context, open_piece, &open, last - first, OPEN_PIECE);
    last = pairs_collect(tracker, first, last, &pair_count);
    weft_assert(last > first);
    const struct filter_taking taking = {
        .context = tracker, .asked = tracker->asked, .takes = pair_takes, .took = pair_took, .taken = tracker->taken};
    filter_score(&tracker->filter, tracker->pairs, pair_count, tracker->evidence, &taking);
    tracker->statistics.pairs_scored += pair_count;
    struct range_job job = {.tracker = tracker, .begin = first};
    parallel->run(parallel->context, solve_piece, &job, last - first, GROUP_PIECE);
    winners_update(tracker, pair_count);
    if (tracker->soft) soft_update(tracker, first, last);
    if (tracker->cells) shared_update(tracker, pair_count);
    first = last;
  }
}

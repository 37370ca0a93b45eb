/* New tracks from what association left: seeds go on strands, jointly for each scan of a sensor, and a strand
 * that is long enough becomes a track. Lines of sight have a starter of their own (rays.c). Seeds look for strands
 * in parallel; who gets which, and all that follows, is settled on one thread, in order of time. */
#include <math.h>
#include <string.h>

#include "engine/base/ahead.h"
#include "engine/base/sort.h"
#include "engine/track/birth.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double speed_max_mps = 8500, speed_max_flat_mps = 900;
static const double log_odds_start_min = -6; /* less likely real than this is not worth a track record */
static const double log_odds_pair_max = 5, log_odds_start_max = 14;
static const double rival_odds = 6; /* ln odds against the likeliest: less likely claims make no rivals */
static const int64_t moment_ns = 50000000; /* plots so close in time are taken sensor by sensor */
static const double following_looks = 2.2; /* a strand goes on within so many revisits */
/* Rivals are let go after so many revisits, where several sensors see them, or after more where few do. */
static const double contested_looks = 4.2, contested_looks_few = 6.2;
/* A new track's plot lies within so many sigmas: the track's, so many of the plot's, and some metres; and how far its acceleration
 * takes it at most, within a slice, from where its velocity does. */
static const double fresh_sigmas = 5, fresh_cross = 1.5, fresh_sigma_m = 100, fresh_bend_m = 1000;
static const double company_reach_m = 25000, company_chi2 = 11.3; /* 3 degrees of freedom, 1 % */
enum {
  COMPANY_MIN = 5,
  COMPANY_SEEDS_MIN = 5,
  CONTESTED_SEEDS = 8,
  CONTESTED_SEEDS_SLOW = 4,
  CONTESTED_SEEDS_FEW = 3,
  RIVALS_FEW = 1,
  REACHED_MAX = 1024,
  FRESH_FEW = 32
};
/* Seeds in a piece of work; that look for strands side by side; strands that wait to be looked at. */
enum { SEEDS_PIECE = 32, SEEK_TOGETHER = 8, NEAR_MAX = 32 };

/* A seed's search. */
struct seeking {
  const struct tracker *tracker;
  const struct seed *seed;
  uint32_t index;           /* of the seed */
  struct seeker *out;
  uint32_t near[NEAR_MAX], near_count; /* strands near it, not yet looked at */
};

/* In one scan a sensor sees an object once. */
static bool scan_has(const struct tracker *tracker, const struct strand *strand, const struct seed *seed) {
  for (uint32_t k = 0; k < strand->count; k++) {
    if (strand->plot_sensors[k] != seed->sensor) continue;
    if (lifecycle_one_scan(tracker, seed->sensor, seed->time_ns, strand->plot_ns[k])) return true;
  }
  return false;
}

/* Whether the strand may have got to the seed's place at all: cheap, before any matrix is inverted. */
static bool strand_reaches(const struct tracker *tracker, const struct strand *strand,
                           const struct seed *seed) {
  const struct sensor *sensors = tracker->site->sensors;
  if (strand->count == STRAND_SEEDS_MAX) return false;
  double dt = (double)(seed->time_ns - strand->time_ns) * 1e-9;
  double revisit_s =
      fmax(sensors[seed->sensor].revisit_s, sensors[strand->plot_sensors[strand->count - 1]].revisit_s);
  if (dt < -1e-9 * (double)moment_ns || dt > fmax(following_looks * revisit_s, 3) ||
      scan_has(tracker, strand, seed))
    return false;
  double d[3], variance = 0, reach = 0;
  for (int i = 0; i < 3; i++) {
    d[i] = seed->point_m[i] - strand->x[i] - (strand->moving ? dt * strand->x[3 + i] : 0);
    variance += strand->p[WK_AT(6, i, i)] + seed->covariance[WK_AT(3, i, i)];
    if (strand->moving) variance += dt * dt * (strand->p[WK_AT(6, 3 + i, 3 + i)] + STRAND_ACCEL_PSD * dt);
  }
  if (!strand->moving) reach = fmax(dt, 0) * (strand->flat && seed->flat ? speed_max_flat_mps : speed_max_mps);
  return vector_norm(d) <= reach + 4.5 * sqrt(variance);
}

static void strand_consider(struct seeking *seeking, uint32_t slot) {
  const struct tracker *tracker = seeking->tracker;
  const struct strand *strand = &tracker->strands.strands[slot];
  struct seeker *out = seeking->out;
  double pd = tracker->site->sensors[seeking->seed->sensor].detection_probability, evidence;
  if (!strand_reaches(tracker, strand, seeking->seed) || out->reached++ >= REACHED_MAX) return;
  if (!strand_extend(strand, seeking->seed, pd, NULL, &evidence)) return;
  double odds = strand->log_odds > 30 ? 1e13 : wk_exp(strand->log_odds);
  double value = strand->log_odds + evidence - wk_log(1 + odds * (1 - pd)) - log_odds_start_min;
  uint32_t at = out->count < FOLLOWINGS_PER_SEED ? out->count : FOLLOWINGS_PER_SEED - 1;
  if (!(value > 0) || (out->count == FOLLOWINGS_PER_SEED && !(value > out->best[at].value))) return;
  if (out->count < FOLLOWINGS_PER_SEED) out->count++;
  for (; at > 0 && value > out->best[at - 1].value; at--) out->best[at] = out->best[at - 1];
  out->best[at] = (struct following){.value = value, .seed = seeking->index, .strand = slot};
}

static void near_consider(struct seeking *seeking) {
  for (uint32_t i = 0; i < seeking->near_count; i++) strand_consider(seeking, seeking->near[i]);
  seeking->near_count = 0;
}

/* Strands are looked at some at a time, so that the memory of the next ones comes meanwhile. */
static void strand_near(void *context, uint32_t slot) {
  struct seeking *seeking = context;
  ahead_ask(&seeking->tracker->strands.strands[slot], sizeof(struct strand));
  if (seeking->near_count == NEAR_MAX) near_consider(seeking);
  seeking->near[seeking->near_count++] = slot;
}

/* Some seeds from `first` on, step by step side by side, so that none waits for memory alone. */
static void some_seek(const struct tracker *tracker, uint32_t first, uint32_t count, struct seeker *out) {
  const struct grid *grid = &tracker->strands.grid;
  struct seeking seeking[SEEK_TOGETHER];
  struct grid_blocks blocks[SEEK_TOGETHER];
  for (uint32_t i = 0; i < count; i++) {
    const struct seed *seed = &tracker->seeds[first + i];
    double life_s = fmax(following_looks * tracker->site->sensors[seed->sensor].revisit_s, 3);
    double reach = (seed->flat ? speed_max_flat_mps : speed_max_mps) * life_s, half[3];
    for (int k = 0; k < 3; k++) half[k] = reach + 5 * sqrt(seed->covariance[WK_AT(3, k, k)]);
    seeking[i].tracker = tracker;
    seeking[i].seed = seed;
    seeking[i].index = first + i;
    seeking[i].out = &out[i];
    seeking[i].near_count = 0;
    out[i].count = out[i].reached = 0;
    if (grid_gather(grid, seed->point_m, half, &blocks[i])) continue;
    blocks[i].count = 0;
    grid_query(grid, seed->point_m, half, strand_near, &seeking[i]);
  }
  for (uint32_t i = 0; i < count; i++) grid_visit(grid, &blocks[i], strand_near, &seeking[i]);
  for (uint32_t i = 0; i < count; i++) near_consider(&seeking[i]);
}

struct seek_job {
  struct tracker *tracker;
  uint32_t first; /* seed of the first seeker */
};

static void seek_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct seek_job *job = argument;
  for (uint32_t i = begin; i < end; i += SEEK_TOGETHER) {
    uint32_t left = end - i;
    some_seek(job->tracker, job->first + i, left < SEEK_TOGETHER ? left : SEEK_TOGETHER, &job->tracker->seekers[i]);
  }
}

/* What a seed has found, behind the first `used` followings; returns their number. */
static uint32_t seeker_claim(struct tracker *tracker, uint32_t seed, const struct seeker *seeker, uint32_t used) {
  uint32_t likely = 0;
  while (likely < seeker->count && seeker->best[likely].value > seeker->best[0].value - rival_odds) likely++;
  for (uint32_t k = 0; k < seeker->count && used < FOLLOWINGS_MAX; k++) {
    struct strand *strand = &tracker->strands.strands[seeker->best[k].strand];
    if (strand->claims++ == 0) strand->claim = seed;
    if (strand->claims == 1 || seeker->best[k].value > strand->claim_best) strand->claim_best = seeker->best[k].value;
    if (k < likely && strand->rivals < likely - 1) strand->rivals = likely - 1;
    tracker->followings[used++] = seeker->best[k];
  }
  return used;
}

/* All followings of the seeds [begin, end); returns their number. */
static uint32_t followings_collect(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t used = 0;
  for (uint32_t first = begin; first < end; first += SEEKERS_MAX) {
    uint32_t batch = end - first < SEEKERS_MAX ? end - first : SEEKERS_MAX;
    struct seek_job job = {.tracker = tracker, .first = first};
    tracker->parallel.run(tracker->parallel.context, seek_piece, &job, batch, SEEDS_PIECE);
    for (uint32_t i = 0; i < batch; i++) used = seeker_claim(tracker, first + i, &tracker->seekers[i], used);
  }
  return used;
}

/* By cluster, then likeliest first, then seed and strand. */
static int followings_compare(const void *a, const void *b, void *context) {
  (void)context;
  const struct following *x = a, *y = b;
  if (x->root != y->root) return x->root < y->root ? -1 : 1;
  if (x->value != y->value) return x->value > y->value ? -1 : 1;
  if (x->seed != y->seed) return x->seed < y->seed ? -1 : 1;
  return x->strand < y->strand ? -1 : x->strand > y->strand;
}

/* Seeds that could go on the same strand are one cluster. */
static void followings_cluster(struct tracker *tracker, uint32_t begin, uint32_t end, uint32_t count) {
  uint32_t *parent = tracker->parent;
  for (uint32_t i = begin; i < end; i++) parent[i] = i;
  for (uint32_t k = 0; k < count; k++) {
    struct strand *strand = &tracker->strands.strands[tracker->followings[k].strand];
    clusters_join(parent, strand->claim, tracker->followings[k].seed);
    strand->claims = 0;
  }
  for (uint32_t k = 0; k < count; k++) { /* claims: likely ones from here on */
    struct strand *strand = &tracker->strands.strands[tracker->followings[k].strand];
    strand->claims += tracker->followings[k].value > strand->claim_best - rival_odds;
    if (strand->claims > 1 && strand->rivals < strand->claims - 1) strand->rivals = strand->claims - 1;
  }
  for (uint32_t k = 0; k < count; k++) {
    tracker->followings[k].root = clusters_root(parent, tracker->followings[k].seed);
    tracker->strands.strands[tracker->followings[k].strand].claims = 0;
  }
  sort_items(tracker->followings, count, sizeof *tracker->followings, followings_compare, NULL);
}

static void strand_start(struct tracker *tracker, uint32_t slot, int64_t arrival_ns) {
  const struct strand *strand = &tracker->strands.strands[slot];
  struct birth birth = {
      .time_ns = strand->time_ns,
      .arrival_ns = arrival_ns,
      .log_odds = fmin(strand->log_odds, strand->count == 2 ? log_odds_pair_max : log_odds_start_max),
      .class_log_odds = -1, /* aircraft are the more common sight */
      .count = strand->count};
  memcpy(birth.x, strand->x, sizeof birth.x);
  memcpy(birth.p, strand->p, sizeof birth.p);
  for (uint32_t k = 0; k < strand->count; k++)
    birth.plots[k] = (struct birth_plot){.time_ns = strand->plot_ns[k], .sensor = strand->plot_sensors[k]};
  strand_end(tracker, slot, track_birth(tracker, &birth) == TRACK_NONE ? FATE_SHED : FATE_STARTED);
}

/* How many neighbours fly as a strand does. */
struct company {
  struct tracker *tracker;
  uint32_t slot; /* of the strand */
  const struct strand *strand;
  uint32_t near, alike;
};

static double trace3(const double *packed, int n, int from) {
  double sum = 0;
  for (int i = from; i < from + 3; i++) sum += packed[WK_AT(n, i, i)];
  return sum;
}

static void company_note(struct company *company, const double position_m[3], const double velocity_mps[3],
                         double variance) {
  double apart[3], slower[3];
  vector_subtract(apart, position_m, company->strand->x);
  if (vector_norm(apart) > company_reach_m) return;
  vector_subtract(slower, velocity_mps, company->strand->x + 3);
  company->near++;
  company->alike +=
      vector_dot(slower, slower) <= company_chi2 / 3 * (trace3(company->strand->p, 6, 3) + variance);
}

static void company_strand(void *context, uint32_t slot) {
  struct company *company = context;
  const struct strand *other = &company->tracker->strands.strands[slot];
  if (other->count < COMPANY_SEEDS_MIN || slot == company->slot) return;
  company_note(company, other->x, other->x + 3, trace3(other->p, 6, 3));
}

static void company_track(void *context, uint32_t slot) {
  struct company *company = context;
  const struct track *track = &company->tracker->store.tracks[slot];
  double variance = track->sigma_velocity_mps * track->sigma_velocity_mps;
  company_note(company, track->position_m, track->velocity_mps, variance);
}

/* Among many close objects a wrong strand goes from one to the next, at a velocity of its own. One that flies
 * unlike nearly all that is around it has to show more. */
static bool strand_strange(struct tracker *tracker, uint32_t slot) {
  const struct strand *strand = &tracker->strands.strands[slot];
  struct company company = {.tracker = tracker, .slot = slot, .strand = strand};
  const double half[3] = {company_reach_m, company_reach_m, company_reach_m};
  grid_query(&tracker->strands.grid, strand->x, half, company_strand, &company);
  grid_query(&tracker->index.space, strand->x, half, company_track, &company);
  return company.near >= COMPANY_MIN && company.alike * 4 < company.near;
}

/* Two seeds that nobody else laid claim to make a track; among rivals it takes more, so that what is wrong
 * shows. */
static bool strand_ripe(struct tracker *tracker, uint32_t slot) {
  const struct strand *strand = &tracker->strands.strands[slot];
  double span_s = (double)(strand->time_ns - strand->plot_ns[0]) * 1e-9;
  if (strand->log_odds < log_odds_start_min || span_s < STRAND_PAIRING_MIN_S) return false;
  if (strand->rivals == 0 || strand->count >= STRAND_SEEDS_MAX) return true;
  if (strand->rivals <= RIVALS_FEW) return strand->count >= CONTESTED_SEEDS_FEW;
  double looks = span_s / tracker->site->sensors[strand->plot_sensors[strand->count - 1]].revisit_s;
  bool shown = strand->count >= CONTESTED_SEEDS
                   ? looks >= contested_looks
                   : strand->count >= CONTESTED_SEEDS_SLOW && looks >= contested_looks_few;
  return shown && !strand_strange(tracker, slot);
}

static void following_take(struct tracker *tracker, const struct following *following) {
  const struct seed *seed = &tracker->seeds[following->seed];
  double pd = tracker->site->sensors[seed->sensor].detection_probability, evidence;
  struct strand grown;
  if (!strand_extend(&tracker->strands.strands[following->strand], seed, pd, &grown, &evidence)) return;
  tracker->seed_taken[following->seed] = 1;
  strand_grow(tracker, following->strand, &grown);
  if (strand_ripe(tracker, following->strand)) strand_start(tracker, following->strand, seed->arrival_ns);
}

/* The best joint assignment of one cluster's followings: exact up to the solver's size, beyond it the
 * likeliest first. */
static void cluster_settle(struct tracker *tracker, const struct following *followings, uint32_t count) {
  struct assign_work *work = &tracker->work[0];
  struct strand *strands = tracker->strands.strands;
  uint32_t *row = tracker->parent; /* roots are no longer needed: a seed's row + 1 from here on */
  uint32_t rows = 0, columns = 0, seed_of[ASSIGN_MAX], strand_of[ASSIGN_MAX];
  if (count == 1) {
    following_take(tracker, followings);
    return;
  }
  for (uint32_t k = 0; k < count; k++) row[followings[k].seed] = 0;
  bool fits = true;
  for (uint32_t k = 0; k < count && fits; k++) {
    struct strand *strand = &strands[followings[k].strand];
    if (row[followings[k].seed] == 0) {
      fits = rows < ASSIGN_MAX;
      if (fits) {
        seed_of[rows] = followings[k].seed;
        memset(work->cost[rows], 0, sizeof work->cost[rows]);
        row[followings[k].seed] = ++rows;
      }
    }
    if (fits && strand->claims == 0) {
      fits = columns < ASSIGN_MAX;
      if (fits) {
        strand_of[columns] = followings[k].strand;
        strand->claims = ++columns;
      }
    }
    if (fits) work->cost[row[followings[k].seed] - 1][strand->claims - 1] = -followings[k].value;
  }
  for (uint32_t k = 0; k < count; k++) strands[followings[k].strand].claims = 0;
  if (fits) {
    assign_solve(work, rows, columns);
    for (uint32_t r = 0; r < rows; r++) {
      uint32_t column = work->column_of[r];
      if (column == ASSIGN_NONE || work->cost[r][column] >= 0) continue;
      following_take(tracker, &(struct following){.seed = seed_of[r], .strand = strand_of[column]});
    }
    return;
  }
  tracker->statistics.groups_split++;
  for (uint32_t k = 0; k < count; k++) {
    if (tracker->seed_taken[followings[k].seed] || strands[followings[k].strand].claims) continue;
    strands[followings[k].strand].claims = 1;
    following_take(tracker, &followings[k]);
  }
  for (uint32_t k = 0; k < count; k++) strands[followings[k].strand].claims = 0;
}

/* The seeds [begin, end) of one sensor's scan. */
static void scan_settle(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t count = followings_collect(tracker, begin, end);
  followings_cluster(tracker, begin, end, count);
  memset(tracker->seed_taken + begin, 0, end - begin);
  for (uint32_t first = 0, last; first < count; first = last) {
    for (last = first; last < count && tracker->followings[last].root == tracker->followings[first].root;)
      last++;
    cluster_settle(tracker, &tracker->followings[first], last - first);
  }
  for (uint32_t i = begin; i < end; i++) {
    if (!tracker->seed_taken[i]) strand_begin(tracker, &tracker->seeds[i]);
  }
}

/* Tracks of this slice near a plot, those that began first. */
struct fresh_search {
  struct tracker *tracker;
  const struct plot *plot;
  uint64_t first_number; /* of the slice: tracks that have it, or a greater one, have begun in it */
  uint32_t slots[CANDIDATES_MAX], count;
};

static void fresh_consider(void *context, uint32_t slot) {
  struct fresh_search *search = context;
  const struct track *tracks = search->tracker->store.tracks, *track = &tracks[slot];
  const struct plot *plot = search->plot;
  if (track->number < search->first_number) return;
  double p[3], d[3];
  track_extrapolate(track, plot->time_ns, p);
  vector_subtract(d, p, plot->point_m);
  double sigma = track_sigma_at(track, plot->time_ns) + plot->sigma_cross_m * fresh_cross + fresh_sigma_m;
  if (vector_norm(d) > fresh_sigmas * sigma || lifecycle_scan_used(search->tracker, track, plot)) return;
  uint32_t at = search->count < CANDIDATES_MAX ? search->count++ : CANDIDATES_MAX;
  for (; at > 0 && tracks[search->slots[at - 1]].number > track->number; at--) {
    if (at < CANDIDATES_MAX) search->slots[at] = search->slots[at - 1];
  }
  if (at < CANDIDATES_MAX) search->slots[at] = slot;
}

/* A few are all looked at, of many those that the index has near the plot; it knows where they are within a slice's time. */
static void fresh_find(struct fresh_search *search) {
  struct tracker *tracker = search->tracker;
  int64_t off_ns = search->plot->time_ns - tracker->index.time_ns;
  bool indexed = off_ns <= INDEX_REACH_NS / 2 && off_ns >= -INDEX_REACH_NS / 2;
  if (tracker->fresh_count > FRESH_FEW && indexed) {
    double half_m = fresh_sigmas * (search->plot->sigma_cross_m * fresh_cross + fresh_sigma_m) + fresh_bend_m;
    grid_query(&tracker->index.space, search->plot->point_m, (const double[3]){half_m, half_m, half_m}, fresh_consider, search);
    return;
  }
  for (uint32_t k = 0; k < tracker->fresh_count; k++) fresh_consider(search, tracker->fresh[k]);
}

/* A track started earlier in this same frame may own this plot too: another radar saw the object at the same
 * time. */
static bool fresh_take(struct tracker *tracker, uint32_t i) {
  const struct plot *plot = &tracker->plots[i];
  if (!plot->has_point) return false;
  struct fresh_search search = {.tracker = tracker,
                                .plot = plot,
                                .first_number = tracker->store.tracks[tracker->fresh[0]].number};
  fresh_find(&search);
  uint32_t count = search.count;
  for (uint32_t k = 0; k < count; k++) tracker->pairs[k] = (struct pair){.track = search.slots[k], .plot = i};
  filter_score(&tracker->filter, tracker->pairs, count, tracker->evidence, NULL);
  uint32_t best = UINT32_MAX;
  for (uint32_t k = 0; k < count; k++) {
    if (!(tracker->evidence[k].distance2 < 16.3)) continue;
    if (best == UINT32_MAX || tracker->evidence[k].log_likelihood > tracker->evidence[best].log_likelihood)
      best = k;
  }
  if (best == UINT32_MAX) return false;
  struct pair pair = tracker->pairs[best];
  struct pair_evidence evidence;
  filter_update(&tracker->filter, &pair, 1, &evidence);
  tracker->fates[i] = FATE_ASSOCIATED;
  lifecycle_list(tracker, pair.track, lifecycle_hit(tracker, pair.track, plot, &evidence));
  track_index_put(&tracker->index, pair.track); /* now, for the next plot to find it where it is */
  return true;
}

static void seeds_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct tracker *tracker = argument;
  for (uint32_t i = begin; i < end; i++) {
    const struct plot *plot = &tracker->plots[tracker->keys[i].item];
    seed_from_plot(&tracker->seeds[i], &tracker->site->sensors[plot->sensor], plot);
    tracker->seeds[i].plot = tracker->keys[i].item;
  }
}

/* Leftover plots of [begin, end), seen within a moment: scan by scan, and in each by time, as they are. */
static void moment_settle(struct tracker *tracker, uint32_t begin, uint32_t end) {
  uint32_t count = 0;
  for (uint32_t i = begin; i < end; i++) {
    const struct plot *plot = &tracker->plots[i];
    if (tracker->fates[i] != FATE_IN_FLIGHT || (tracker->fresh_count > 0 && fresh_take(tracker, i))) continue;
    if (!plot->has_point) {
      rays_offer(tracker, plot);
      continue;
    }
    tracker->keys[count++] = (struct sort_key){.key = plot->sensor, .item = i};
  }
  sort_keys(tracker->keys, tracker->dealt, count);
  tracker->parallel.run(tracker->parallel.context, seeds_piece, tracker, count, SEEDS_PIECE);
  for (uint32_t first = 0, last; first < count; first = last) {
    for (last = first; last < count && tracker->seeds[last].sensor == tracker->seeds[first].sensor;) last++;
    scan_settle(tracker, first, last);
  }
}

void initiate_slice(struct tracker *tracker, uint32_t begin, uint32_t end) {
  tracker->fresh_count = 0;
  int64_t now_ns = tracker->front_ns > tracker->now_ns ? tracker->front_ns : tracker->now_ns;
  strands_expire(tracker, now_ns - tracker->site->lag_ns);
  rays_expire(tracker, now_ns - tracker->site->lag_ns);
  for (uint32_t first = begin, last; first < end; first = last) {
    int64_t until_ns = tracker->time_ns[first] + moment_ns;
    for (last = first; last < end && tracker->time_ns[last] <= until_ns;) last++;
    moment_settle(tracker, first, last);
  }
  rays_settle(tracker);
}

void tracker_drain(struct tracker *tracker, struct ledger *ledger) {
  memset(tracker->fate_counts, 0, tracker->site->sensor_count * sizeof *tracker->fate_counts);
  for (uint32_t slot; (slot = calendar_first(&tracker->strands.expiry)) != CALENDAR_NONE;) strand_end(tracker, slot, FATE_CLUTTER);
  rays_expire(tracker, INT64_MAX);
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) {
    for (int fate = FATE_ASSOCIATED; fate < FATES; fate++)
      ledger->sensors[s].fates[fate] += tracker->fate_counts[s][fate];
  }
}

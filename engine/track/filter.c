#include "engine/track/filter.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/domain/orbit.h"
#include "engine/track/rewind.h"
#include "engine/track/vector.h"

enum { BLOCKS_PER_PIECE = 4, LINE = 64 }; /* bytes that memory brings at a time */
enum { SORTS_PIECE = 256, SORTS_AHEAD = 8 }; /* pairs in a piece of work; whose memory is asked for so many before */
#define NO_BANKS UINT32_MAX /* it wants no entry */

/* Up to eight pairs of one way and kind. */
struct filter_run {
  uint32_t first; /* into order */
  uint8_t count, kind, way;
};

int filter_open(struct filter *filter, struct arena *arena, struct store *store, struct parallel parallel,
                uint32_t pair_capacity, size_t history_bytes) {
  *filter = (struct filter){.kernels = wk_table(),
                            .tuning = wk_tuning_default(),
                            .tuning_free = wk_tuning_default(),
                            .store = store,
                            .parallel = parallel,
                            .pair_capacity = pair_capacity};
  filter->tuning_free.boost_begin_rate = 1e-9;
  filter->order = arena_take(arena, pair_capacity, sizeof *filter->order);
  filter->sorts = arena_take(arena, pair_capacity, sizeof *filter->sorts);
  filter->places = arena_take(arena, pair_capacity, sizeof *filter->places);
  filter->runs = arena_take(arena, pair_capacity / WK_LANES + WAYS * WK_KINDS + 1, sizeof *filter->runs);
  filter->past = &filter->history;
  if (!filter->order || !filter->sorts || !filter->places || !filter->runs) return -ENOMEM;
  return history_open(&filter->history, arena, history_bytes);
}

struct filter_job {
  struct filter *filter;
  const struct pair *pairs;
  struct pair_evidence *evidence;
  bool update;
  const struct filter_taking *taking; /* NULL: none */
};

/* What pairs are sorted by. */
static uint8_t sort_of(enum filter_way way, uint8_t kind) { return (uint8_t)(way * WK_KINDS + kind); }

/* Each pair by itself: its sort, as if no history reached back, and the banks of the entry that it will want there. */
static void sorts_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct filter_job *job = argument;
  const struct filter *filter = job->filter;
  for (uint32_t i = begin; i < end; i++) {
    const struct pair *pair = &job->pairs[i], *ahead = &job->pairs[i + SORTS_AHEAD < end ? i + SORTS_AHEAD : i];
    __builtin_prefetch(&filter->store->tracks[ahead->track].time_ns);
    __builtin_prefetch(&filter->plots[ahead->plot].time_ns);
    const struct track *track = &filter->store->tracks[pair->track];
    const struct plot *plot = &filter->plots[pair->plot];
    bool older = plot->time_ns < track->time_ns, waits = older || !job->taking || job->taking->asked[i] == FILTER_WAITS;
    filter->sorts[i] = sort_of(older ? WAY_APPROXIMATE : WAY_IN_ORDER, plot->kind);
    filter->order[i] = !job->update && waits ? NO_BANKS : older ? BANK_BALLISTIC | BANK_AIRCRAFT : track->banks;
  }
}

/* Which way each pair goes. What is an update, or may become one, takes its entries of the history first, so that whether
 * a chain still reaches back is judged by what the whole batch has left of it. */
static void ways_choose(const struct filter_job *job, uint32_t count) {
  struct filter *filter = job->filter;
  history_batch_begin(&filter->history);
  filter->parallel.run(filter->parallel.context, sorts_piece, (void *)job, count, SORTS_PIECE);
  for (uint32_t i = 0; i < count && (job->update || job->taking); i++)
    filter->places[i] = filter->order[i] == NO_BANKS ? 0 : history_take(&filter->history, filter->order[i]);
  for (uint32_t i = 0; i < count; i++) {
    enum filter_way way = WAY_IN_ORDER;
    if (filter->sorts[i] >= sort_of(WAY_APPROXIMATE, 0)) {
      const struct track *track = &filter->store->tracks[job->pairs[i].track];
      const struct plot *plot = &filter->plots[job->pairs[i].plot];
      way = history_find(filter->past, track, plot->time_ns) ? WAY_EXACT : WAY_APPROXIMATE;
      filter->sorts[i] = sort_of(way, plot->kind);
    }
    filter->updates[way] += job->update;
  }
}

/* Runs of eight pairs of equal way and kind, in the pairs' own order within. */
static uint32_t runs_build(struct filter *filter, uint32_t count) {
  uint32_t place[WAYS * WK_KINDS] = {0}, begin = 0, runs = 0;
  weft_assert(count <= filter->pair_capacity);
  for (uint32_t i = 0; i < count; i++) place[filter->sorts[i]]++;
  for (uint8_t sort = 0; sort < WAYS * WK_KINDS; sort++) {
    uint32_t end = begin + place[sort];
    place[sort] = begin;
    for (uint32_t at = begin; at < end; at += WK_LANES) {
      uint32_t left = end - at;
      filter->runs[runs++] = (struct filter_run){
          .first = at, .count = (uint8_t)(left < WK_LANES ? left : WK_LANES), .kind = sort % WK_KINDS, .way = sort / WK_KINDS};
    }
    begin = end;
  }
  for (uint32_t i = 0; i < count; i++) filter->order[place[filter->sorts[i]]++] = i;
  return runs;
}

/* Both banks of up to eight tracks in lanes, and which of them any lane needs; and the plots that they meet, if they do. */
struct lanes {
  struct wk_ballistic_block ballistic;
  struct wk_aircraft_block aircraft;
  struct wk_measure_block measure;
  wk_lane dt_s; /* from the tracks to their plots */
  uint8_t banks, in_use[WK_LANES];
};

static void lanes_load(const struct filter *filter, struct lanes *lanes,
                       struct track *const tracks[WK_LANES]) {
  const double *ballistic[WK_LANES], *aircraft[WK_LANES];
  lanes->banks = 0;
  for (int i = 0; i < WK_LANES; i++) {
    ballistic[i] = tracks[i] ? tracks[i]->bank : NULL;
    aircraft[i] = tracks[i] ? tracks[i]->bank + WK_BALLISTIC_ELEMENTS : NULL;
    lanes->in_use[i] = tracks[i] ? tracks[i]->banks : 0;
    lanes->banks |= lanes->in_use[i];
  }
  if (lanes->banks & BANK_BALLISTIC) filter->kernels->ballistic_load(&lanes->ballistic, ballistic);
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_load(&lanes->aircraft, aircraft);
}

static void lanes_store(const struct filter *filter, const struct lanes *lanes,
                        struct track *const tracks[WK_LANES]) {
  double *ballistic[WK_LANES], *aircraft[WK_LANES];
  for (int i = 0; i < WK_LANES; i++) {
    ballistic[i] = tracks[i] && (tracks[i]->banks & BANK_BALLISTIC) ? tracks[i]->bank : NULL;
    aircraft[i] =
        tracks[i] && (tracks[i]->banks & BANK_AIRCRAFT) ? tracks[i]->bank + WK_BALLISTIC_ELEMENTS : NULL;
  }
  if (lanes->banks & BANK_BALLISTIC) filter->kernels->ballistic_store(&lanes->ballistic, ballistic);
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_store(&lanes->aircraft, aircraft);
}

static void lanes_predict(const struct filter *filter, struct lanes *lanes, const wk_lane dt_s,
                          const wk_lane quiet, const struct wk_tuning *tuning) {
  if (lanes->banks & BANK_BALLISTIC) {
    filter->kernels->ballistic_predict(&lanes->ballistic, dt_s, quiet, tuning);
  }
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_predict(&lanes->aircraft, dt_s, quiet, tuning);
}

/* One lane's Gaussian: p of it and 1 - p of the other. */
static void moments_mix(double p, struct wk_gauss_block *a, const struct wk_gauss_block *b, int lane) {
  double apart[6];
  for (int i = 0; i < 6; i++) {
    apart[i] = a->e[i][lane] - b->e[i][lane];
    a->e[i][lane] = p * a->e[i][lane] + (1 - p) * b->e[i][lane];
  }
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) {
      int at = 6 + WK_AT(6, i, j);
      a->e[at][lane] = p * a->e[at][lane] + (1 - p) * b->e[at][lane] + p * (1 - p) * apart[i] * apart[j];
    }
  }
}

/* Each track's mixture over modes and classes as one Gaussian (docs/maths.md T13). */
static void lanes_moments(const struct filter *filter, const struct lanes *lanes,
                          struct track *const tracks[WK_LANES], struct wk_gauss_block *out) {
  struct wk_gauss_block aircraft;
  if (!(lanes->banks & BANK_BALLISTIC)) {
    *out = (struct wk_gauss_block){0};
    if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_moments(&lanes->aircraft, out->e);
    return;
  }
  filter->kernels->ballistic_moments(&lanes->ballistic, out->e);
  if (lanes->banks == BANK_BALLISTIC) return;
  filter->kernels->aircraft_moments(&lanes->aircraft, aircraft.e);
  for (int i = 0; i < WK_LANES; i++) {
    double p = tracks[i] ? track_ballistic_probability(tracks[i]) : 1;
    if (p >= 1) continue;
    if (p > 0) {
      moments_mix(p, out, &aircraft, i);
    } else {
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) out->e[k][i] = aircraft.e[k][i];
    }
  }
}

static void track_summarise(struct track *track, const struct wk_gauss_block *moments, int lane, double height_m) {
  double position2 = 0, velocity2 = 0;
  for (int i = 0; i < 3; i++) {
    track->position_m[i] = moments->e[i][lane];
    track->velocity_mps[i] = moments->e[3 + i][lane];
    position2 += moments->e[6 + WK_AT(6, i, i)][lane];
    velocity2 += moments->e[6 + WK_AT(6, i + 3, i + 3)][lane];
  }
  track->sigma_position_m = sqrt(fmax(position2, 1));
  track->sigma_velocity_mps = sqrt(fmax(velocity2, 1));
  track->height_m = height_m;
  /* Free fall plus felt force for the ballistic share; an aircraft is held up by its wings. */
  double p = track_ballistic_probability(track), r = vector_norm(track->position_m);
  double gravity = -3.986004418e14 / (r * r * r);
  for (int i = 0; i < 3; i++) {
    double force = track->bank[WK_B_WEIGHT] * track->bank[WK_B_BOOST_X + 6 + i];
    track->acceleration_mps2[i] = p * (gravity * track->position_m[i] + force);
  }
}

/* After every change of a bank by which its line would be another one. */
static void tracks_summarise(const struct filter *filter, struct track *const tracks[WK_LANES],
                             const struct wk_gauss_block *moments) {
  wk_lane lat_rad, lon_rad, height_m;
  filter->kernels->geodetic(lat_rad, lon_rad, height_m, moments->e[0], moments->e[1], moments->e[2], WK_LANES);
  for (int i = 0; i < WK_LANES; i++) {
    if (!tracks[i]) continue;
    track_summarise(tracks[i], moments, i, height_m[i]);
    tracks[i]->told = 0;
  }
}

/* ln(exp(a) + exp(b)) with the smaller term's weight small or not. */
static double log_add(double a, double b) {
  double high = fmax(a, b), low = fmin(a, b);
  if (!(low > high - 700)) return high;
  return high + wk_log(1 + wk_exp(low - high));
}

static void evidence_of(const struct track *track, const struct wk_evidence_block *ballistic,
                        const struct wk_evidence_block *aircraft, int lane, struct pair_evidence *out) {
  if (track->banks == BANK_BALLISTIC) aircraft = ballistic;
  if (track->banks == BANK_AIRCRAFT) ballistic = aircraft;
  out->log_ballistic = ballistic->log_likelihood[lane];
  out->log_aircraft = aircraft->log_likelihood[lane];
  out->dimension = ballistic->dimension[lane];
  out->innovation2 = 0;
  out->innovation_components = 0;
  double p = track_ballistic_probability(track);
  out->distance2 = p < 1e-3    ? aircraft->distance2[lane]
                   : p > 0.999 ? ballistic->distance2[lane]
                               : fmin(ballistic->distance2[lane], aircraft->distance2[lane]);
  out->log_likelihood = p <= 0   ? out->log_aircraft
                        : p >= 1 ? out->log_ballistic
                                 : log_add(wk_log(p) + out->log_ballistic, wk_log(1 - p) + out->log_aircraft);
}

_Static_assert(offsetof(struct plot, point_m) == WK_MEASURE_ELEMENTS * sizeof(double), "a plot begins with the record of a measurement");

static void measure_fill(const struct filter *filter, struct wk_measure_block *block, const struct plot *const plots[WK_LANES]) {
  const double *record[WK_LANES];
  uint8_t present[WK_LANES];
  weft_assert(plots[0]);
  for (int i = 0; i < WK_LANES; i++) {
    record[i] = plots[i] ? plots[i]->z : NULL;
    present[i] = plots[i] ? plots[i]->present : 0;
  }
  filter->kernels->measure_load(block, record, present);
}

/* Class evidence, and a bank that no longer takes part once it is out of the question. */
static void class_take(struct track *track, const struct pair_evidence *evidence) {
  const double bank_lost = 18; /* e^-18: 1.5e-8 */
  double ratio = evidence->log_ballistic - evidence->log_aircraft;
  track->class_log_odds += fmin(fmax(ratio, -6), 6); /* one plot never decides alone */
  track->class_log_odds = fmin(fmax(track->class_log_odds, -40), 40);
  if (track->banks == (BANK_BALLISTIC | BANK_AIRCRAFT) && track->detections >= 8) {
    if (track->class_log_odds > bank_lost) track->banks = BANK_BALLISTIC;
    if (track->class_log_odds < -bank_lost) track->banks = BANK_AIRCRAFT;
  }
}

/* Lanes in which the measurement bends so much over the extent of the state that the EKF would be
 * overconfident (docs/maths.md M21). True where there is one. */
static bool lanes_bend(const struct filter *filter, const struct lanes *lanes, enum wk_kind kind, int count,
                       bool bends[WK_LANES]) {
  const double bend_max = 0.3;
  wk_lane ballistic = {0}, aircraft = {0};
  bool any = false;
  if (lanes->banks & BANK_BALLISTIC)
    filter->kernels->ballistic_bend(&lanes->ballistic, kind, &lanes->measure, ballistic);
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_bend(&lanes->aircraft, kind, &lanes->measure, aircraft);
  for (int i = 0; i < count; i++) {
    bends[i] = fmax(lanes->in_use[i] & BANK_BALLISTIC ? ballistic[i] : 0,
                    lanes->in_use[i] & BANK_AIRCRAFT ? aircraft[i] : 0) > bend_max;
    any |= bends[i];
  }
  return any;
}

static const double absurd = 1e300; /* what a kernel reports that finds no number */
static const double dim = 0.1; /* chance of a line of sight where nothing burns, relative to a plume */

/* Below where anything orbits; by the boost mode's place. */
static bool lane_low(const struct lanes *lanes, int lane) {
  double p[3], lat_rad, lon_rad, height_m;
  for (int c = 0; c < 3; c++) p[c] = lanes->ballistic.e[WK_B_BOOST_X + c][lane];
  wk_geodetic_from_ecef(p, &lat_rad, &lon_rad, &height_m);
  return height_m < ORBIT_PERIGEE_LEAST_M;
}

/* What a line of sight says beside its direction (docs/maths.md T8): low down it is of a plume. In space it
 * may be of a satellite, seen for as long as one likes without burning; but what has burnt out since the last
 * look is seldom seen still. Evidence of the ballistic bank out. */
static void plumes_take(const struct filter *filter, struct lanes *lanes, int count, wk_lane log_seen) {
  for (int i = 0; i < count; i++) {
    if (!(lanes->in_use[i] & BANK_BALLISTIC)) continue;
    double *weight[3];
    for (int m = 0; m < 3; m++) weight[m] = &lanes->ballistic.e[WK_B_WEIGHT + m][i];
    double boost = *weight[0], out = *weight[1] + *weight[2];
    double ended = boost * (wk_exp(filter->tuning.boost_end_rate * fmax(lanes->dt_s[i], 0)) - 1);
    double left = out - (1 - dim) * (lane_low(lanes, i) ? out : fmin(ended, out)), seen = boost + left;
    if (!(out > 0 && seen > 0)) continue;
    *weight[0] = boost / seen;
    for (int m = 1; m < 3; m++) *weight[m] *= left / (out * seen);
    log_seen[i] = wk_log(seen);
  }
}

/* Both banks' updates in the lanes at hand of the tracks in `taken`, and what their plots say; where that is NULL, no updates and
 * what each pair's plot says. By sigma points where the measurement bends. */
static void lanes_update(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES],
                         int count, enum wk_kind kind, struct track *const *taken,
                         struct pair_evidence evidence[WK_LANES]) {
  const struct wk_table *kernels = filter->kernels;
  struct wk_evidence_block ballistic[2] = {0}, aircraft[2] = {0}; /* by the EKF, by sigma points */
  wk_lane plain = {0}, points = {0}, log_seen = {0};
  bool bends[WK_LANES] = {0}, plumes = taken && kind == WK_LOS;
  if (plumes) plumes_take(filter, lanes, count, log_seen);
  bool any = kind != WK_POSITION && lanes_bend(filter, lanes, kind, count, bends);
  for (int i = 0; i < count && taken; i++) (bends[i] ? points : plain)[i] = taken[i] ? 1.0 : 0.0;
  if (lanes->banks & BANK_BALLISTIC) {
    kernels->ballistic_update(&lanes->ballistic, kind, &lanes->measure, plain, &ballistic[0]);
    if (any) kernels->ballistic_update_sigma(&lanes->ballistic, kind, &lanes->measure, points, &ballistic[1]);
  }
  if (lanes->banks & BANK_AIRCRAFT) {
    kernels->aircraft_update(&lanes->aircraft, kind, &lanes->measure, plain, &aircraft[0]);
    if (any) kernels->aircraft_update_sigma(&lanes->aircraft, kind, &lanes->measure, points, &aircraft[1]);
  }
  for (int i = 0; i < count; i++) {
    if (taken && !taken[i]) continue;
    evidence_of(tracks[i], &ballistic[bends[i]], &aircraft[bends[i]], i, &evidence[i]);
    evidence[i].bends = bends[i];
    if (!plumes || lanes->in_use[i] != (BANK_BALLISTIC | BANK_AIRCRAFT)) continue;
    evidence[i].log_ballistic += log_seen[i];
    evidence[i].log_aircraft += wk_log(dim); /* an aircraft is seldom seen at all */
  }
}

static double between_s(const struct track *track, const struct plot *plot) {
  return fmin(fmax((double)(plot->time_ns - track->time_ns) * 1e-9, -600), 600);
}

/* The lanes of up to eight tracks at the times of their plots. */
static void lanes_begin(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES],
                        const struct plot *const plots[WK_LANES], int count) {
  wk_lane loud = {0};
  for (int i = 0; i < WK_LANES; i++) lanes->dt_s[i] = i < count ? between_s(tracks[i], plots[i]) : 0;
  lanes_load(filter, lanes, tracks);
  lanes_predict(filter, lanes, lanes->dt_s, loud, &filter->tuning);
  measure_fill(filter, &lanes->measure, plots);
}

/* How far the plots lie from what the predicted tracks expect. */
static void lanes_innovations(const struct filter *filter, const struct lanes *lanes,
                              struct track *const tracks[WK_LANES], enum wk_kind kind, wk_lane innovation2) {
  struct wk_gauss_block expected;
  lanes_moments(filter, lanes, tracks, &expected);
  filter->kernels->gauss_innovation(&expected, kind, &lanes->measure, innovation2);
}

static void moments_put(const struct wk_gauss_block *moments, int lane, double to[WK_GAUSS_ELEMENTS]) {
  for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) to[k] = moments->e[k][lane];
}

/* The tracks in `taken`, NULL elsewhere, get what the lanes have become by their plots. What their lines will need is left in
 * `lines` (NULL: nowhere) where the class, which the plot has changed, has no part in it. */
static void lanes_take(const struct filter *filter, const struct lanes *lanes, struct track *const taken[WK_LANES],
                       const struct plot *const plots[WK_LANES], int count, const wk_lane innovation2,
                       double (*lines)[WK_GAUSS_ELEMENTS], struct pair_evidence evidence[WK_LANES]) {
  struct wk_gauss_block moments;
  bool tells[WK_LANES] = {0};
  lanes_store(filter, lanes, taken);
  lanes_moments(filter, lanes, taken, &moments);
  for (int i = 0; i < count; i++) {
    if (!taken[i]) continue;
    bool told = innovation2[i] < absurd;
    evidence[i].innovation2 = told ? innovation2[i] : 0;
    evidence[i].innovation_components = told ? (int)evidence[i].dimension : 0;
    taken[i]->time_ns = plots[i]->time_ns;
    tells[i] = lines && taken[i]->banks != (BANK_BALLISTIC | BANK_AIRCRAFT);
    class_take(taken[i], &evidence[i]);
  }
  tracks_summarise(filter, taken, &moments);
  for (int i = 0; i < count; i++) {
    if (!tells[i]) continue;
    moments_put(&moments, i, lines[taken[i] - filter->store->tracks]);
    taken[i]->told = 1;
  }
}

static void step_weigh(const struct filter *filter, struct track *const tracks[WK_LANES],
                       const struct plot *const plots[WK_LANES], int count, enum wk_kind kind,
                       struct pair_evidence evidence[WK_LANES]) {
  struct lanes lanes;
  lanes_begin(filter, &lanes, tracks, plots, count);
  lanes_update(filter, &lanes, tracks, count, kind, NULL, evidence);
}

static void step_update(const struct filter *filter, struct track *const tracks[WK_LANES],
                        const struct plot *const plots[WK_LANES], int count, enum wk_kind kind,
                        double (*lines)[WK_GAUSS_ELEMENTS], struct pair_evidence evidence[WK_LANES]) {
  wk_lane innovation2;
  struct lanes lanes;
  lanes_begin(filter, &lanes, tracks, plots, count);
  lanes_innovations(filter, &lanes, tracks, kind, innovation2);
  lanes_update(filter, &lanes, tracks, count, kind, tracks, evidence);
  lanes_take(filter, &lanes, tracks, plots, count, innovation2, lines, evidence);
}

void filter_step(const struct filter *filter, struct track *const tracks[WK_LANES],
                 const struct plot *const plots[WK_LANES], int count, enum wk_kind kind,
                 struct pair_evidence evidence[WK_LANES]) {
  step_update(filter, tracks, plots, count, kind, NULL, evidence);
}

/* Rolls the tracks back to their plots without noise, updates, and rolls them forward again. */
static void step_back(const struct filter *filter, struct track *const tracks[WK_LANES],
                      const struct plot *const plots[WK_LANES], int count, enum wk_kind kind, bool update,
                      struct pair_evidence evidence[WK_LANES]) {
  wk_lane quiet = {0}, back_s = {0};
  struct lanes lanes;
  struct wk_gauss_block moments;
  for (int i = 0; i < WK_LANES; i++) {
    lanes.dt_s[i] = i < count ? between_s(tracks[i], plots[i]) : 0;
    back_s[i] = -lanes.dt_s[i];
    quiet[i] = i < count ? 1.0 : 0;
  }
  lanes_load(filter, &lanes, tracks);
  lanes_predict(filter, &lanes, lanes.dt_s, quiet, &filter->tuning);
  measure_fill(filter, &lanes.measure, plots);
  lanes_update(filter, &lanes, tracks, count, kind, update ? tracks : NULL, evidence);
  if (!update) return;
  lanes_predict(filter, &lanes, back_s, quiet, &filter->tuning);
  lanes_store(filter, &lanes, tracks);
  lanes_moments(filter, &lanes, tracks, &moments);
  for (int i = 0; i < count; i++) class_take(tracks[i], &evidence[i]);
  tracks_summarise(filter, tracks, &moments);
}

/* The state that a plot finds goes into the history. */
static void plot_remember(struct filter *filter, struct track *track, const struct plot *plot, uint64_t place) {
  struct history_entry *entry = history_at(&filter->history, place);
  if (entry) history_write(entry, track->banks, track, plot);
  history_link(&filter->history, track, place);
}

static void class_remember(const struct filter *filter, const struct track *track, uint64_t place) {
  struct history_entry *entry = history_at(&filter->history, place);
  if (entry) entry->class_after = track->class_log_odds;
}

static bool run_asks(const struct filter_job *job, const struct filter_run *run) {
  for (uint32_t i = 0; i < run->count; i++) {
    if (job->taking->asked[job->filter->order[run->first + i]] != FILTER_WAITS) return true;
  }
  return false;
}

/* Says what the plots say, asks who takes his, and lets him. Most do, so that the lanes are updated first and those who don't are
 * left as they were; what a line of sight says of a plume is known only to those who take it. */
static void run_attempt(const struct filter_job *job, const struct filter_run *run,
                        struct track *const tracks[WK_LANES], const struct plot *const plots[WK_LANES],
                        unsigned worker, struct pair_evidence evidence[WK_LANES]) {
  struct filter *filter = job->filter;
  const struct filter_taking *taking = job->taking;
  const uint32_t *order = &filter->order[run->first];
  enum wk_kind kind = (enum wk_kind)run->kind;
  struct track *taken[WK_LANES] = {0};
  wk_lane innovation2;
  struct lanes lanes;
  bool any = false;
  for (int i = 0; i < run->count; i++) track_look_fetch(tracks[i], plots[i]->sensor);
  lanes_begin(filter, &lanes, tracks, plots, run->count);
  bool again = kind == WK_LOS && (lanes.banks & BANK_BALLISTIC);
  lanes_innovations(filter, &lanes, tracks, kind, innovation2);
  lanes_update(filter, &lanes, tracks, run->count, kind, again ? NULL : tracks, evidence);
  for (int i = 0; i < run->count; i++) {
    job->evidence[order[i]] = evidence[i];
    if (taking->asked[order[i]] == FILTER_WAITS || !taking->takes(taking->context, order[i], worker)) continue;
    plot_remember(filter, tracks[i], plots[i], filter->places[order[i]]);
    taking->taken[order[i]] = 1;
    taken[i] = tracks[i];
    any = true;
  }
  if (any && again) lanes_update(filter, &lanes, tracks, run->count, kind, taken, evidence);
  if (any) lanes_take(filter, &lanes, taken, plots, run->count, innovation2, filter->lines, evidence);
  for (int i = 0; i < run->count; i++) {
    if (!taken[i]) continue;
    class_remember(filter, taken[i], filter->places[order[i]]);
    job->evidence[order[i]] = evidence[i];
    taking->took(taking->context, order[i]);
  }
}

static void run_pairs(const struct filter_job *job, const struct filter_run *run, unsigned worker) {
  struct filter *filter = job->filter;
  struct track *tracks[WK_LANES] = {0};
  const struct plot *plots[WK_LANES] = {0};
  struct pair_evidence evidence[WK_LANES];
  const uint32_t *order = &filter->order[run->first];
  uint64_t places[WK_LANES] = {0};
  for (int i = 0; i < run->count; i++) {
    tracks[i] = &filter->store->tracks[job->pairs[order[i]].track];
    plots[i] = &filter->plots[job->pairs[order[i]].plot];
    if (job->update) places[i] = filter->places[order[i]];
  }
  enum wk_kind kind = (enum wk_kind)run->kind;
  switch ((enum filter_way)run->way) {
  case WAY_IN_ORDER:
    if (job->taking && run_asks(job, run)) {
      run_attempt(job, run, tracks, plots, worker, evidence);
      break;
    }
    if (!job->update) {
      step_weigh(filter, tracks, plots, run->count, kind, evidence);
      break;
    }
    for (int i = 0; i < run->count; i++) plot_remember(filter, tracks[i], plots[i], places[i]);
    step_update(filter, tracks, plots, run->count, kind, filter->lines, evidence);
    for (int i = 0; i < run->count; i++) class_remember(filter, tracks[i], places[i]);
    break;
  case WAY_EXACT:
    rewind_step(filter, tracks, plots, places, run->count, job->update, evidence);
    break;
  case WAY_APPROXIMATE:
  case WAYS:
    step_back(filter, tracks, plots, run->count, kind, job->update, evidence);
    for (int i = 0; i < run->count && job->update; i++) history_link(&filter->history, tracks[i], 0);
    break;
  }
  for (int i = 0; i < run->count; i++) job->evidence[order[i]] = evidence[i];
}

/* Asks for the memory that a run will want: its tracks' summaries, ballistic banks, which most have, and what is booked, their entries
 * in the history, and where their lines' moments go. More is asked for than the first cache can wait for at a time, so that it is
 * the second that gets it. */
static void run_fetch(const struct filter_job *job, const struct filter_run *run) {
  const struct filter *filter = job->filter;
  const size_t booked = offsetof(struct track, first_ns);
  for (int i = 0; i < run->count; i++) {
    uint32_t pair = filter->order[run->first + (uint32_t)i], slot = job->pairs[pair].track;
    const char *track = (const char *)&filter->store->tracks[slot];
    for (size_t at = 0; at < offsetof(struct track, bank) + WK_BALLISTIC_ELEMENTS * sizeof(double); at += LINE) __builtin_prefetch(track + at, 0, 2);
    __builtin_prefetch(track + booked, 0, 2);
    if (!job->update && !job->taking) continue;
    __builtin_prefetch(track + offsetof(struct track, look_sensors), 0, 2);
    history_fetch(&filter->history, filter->places[pair]);
    const char *line = filter->lines ? (const char *)filter->lines[slot] : NULL;
    for (size_t at = 0; line && at < sizeof *filter->lines; at += LINE) __builtin_prefetch(line + at, 1, 2);
  }
}

static void run_pieces(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  const struct filter_job *job = argument;
  for (uint32_t i = begin; i < end; i++) {
    if (i + 1 < end) run_fetch(job, &job->filter->runs[i + 1]);
    run_pairs(job, &job->filter->runs[i], worker);
  }
  uncached_settle();
}

static void filter_run_all(struct filter *filter, struct filter_job job, uint32_t count) {
  if (count == 0) return;
  ways_choose(&job, count);
  uint32_t runs = runs_build(filter, count);
  filter->parallel.run(filter->parallel.context, run_pieces, &job, runs, BLOCKS_PER_PIECE);
}

void filter_score(struct filter *filter, const struct pair *pairs, uint32_t count,
                  struct pair_evidence *evidence, const struct filter_taking *taking) {
  if (taking) memset(taking->taken, 0, count);
  filter_run_all(filter, (struct filter_job){.filter = filter, .pairs = pairs, .evidence = evidence, .taking = taking}, count);
  for (uint32_t i = 0; i < count && taking; i++) {
    filter->updates[WAY_IN_ORDER] += taking->taken[i];
    filter->bent += taking->taken[i] && evidence[i].bends;
  }
}

void filter_update(struct filter *filter, const struct pair *pairs, uint32_t count,
                   struct pair_evidence *evidence) {
  filter_run_all(filter, (struct filter_job){.filter = filter, .pairs = pairs, .evidence = evidence, .update = true}, count);
  for (uint32_t i = 0; i < count; i++) filter->bent += evidence[i].bends;
}

/* Tracks alone, without plots: advance, summarise, moments. */
struct slots_job {
  struct filter *filter;
  const uint32_t *slots;
  uint32_t count;
  int64_t time_ns;         /* INT64_MIN: no advance */
  bool freely;             /* no burn begins meanwhile */
  const int64_t *times_ns; /* one per slot instead, or NULL */
  double (*moments)[27];   /* or NULL: summarise */
  bool by_slot;            /* moments[slot], else in the order of slots */
};

static void run_slots(const struct slots_job *job, uint32_t first) {
  struct track *tracks[WK_LANES] = {0};
  wk_lane dt_s = {0}, loud = {0};
  struct lanes lanes;
  uint32_t left = job->count - first;
  int count = left < WK_LANES ? (int)left : WK_LANES;
  for (int i = 0; i < count; i++) tracks[i] = &job->filter->store->tracks[job->slots[first + (uint32_t)i]];
  lanes_load(job->filter, &lanes, tracks);
  if (job->time_ns != INT64_MIN) {
    struct track *moved[WK_LANES] = {0};
    int64_t until_ns[WK_LANES];
    for (int i = 0; i < count; i++) {
      until_ns[i] = job->times_ns ? job->times_ns[first + (uint32_t)i] : job->time_ns;
      dt_s[i] = fmin(fmax((double)(until_ns[i] - tracks[i]->time_ns) * 1e-9, 0), 600);
      if (dt_s[i] > 0) moved[i] = tracks[i];
    }
    lanes_predict(job->filter, &lanes, dt_s, loud,
                  job->freely ? &job->filter->tuning_free : &job->filter->tuning);
    lanes_store(job->filter, &lanes, moved);
    for (int i = 0; i < count; i++) {
      if (moved[i]) moved[i]->time_ns = until_ns[i];
    }
  }
  struct wk_gauss_block moments;
  lanes_moments(job->filter, &lanes, tracks, &moments);
  if (!job->moments) tracks_summarise(job->filter, tracks, &moments);
  for (int i = 0; i < count && job->moments; i++) {
    uint32_t at = first + (uint32_t)i;
    moments_put(&moments, i, job->moments[job->by_slot ? job->slots[at] : at]);
  }
}

static void run_slot_pieces(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  for (uint32_t block = begin; block < end; block++) run_slots(argument, block * WK_LANES);
}

static void slots_run(struct slots_job job) {
  uint32_t blocks = (job.count + WK_LANES - 1) / WK_LANES;
  struct parallel *parallel = &job.filter->parallel;
  if (blocks) parallel->run(parallel->context, run_slot_pieces, &job, blocks, BLOCKS_PER_PIECE);
}

void filter_advance(struct filter *filter, const uint32_t *slots, uint32_t count, int64_t time_ns,
                    bool freely) {
  slots_run((struct slots_job){
      .filter = filter, .slots = slots, .count = count, .time_ns = time_ns, .freely = freely});
}

void filter_advance_each(struct filter *filter, const uint32_t *slots, uint32_t count,
                         const int64_t *times_ns) {
  slots_run((struct slots_job){.filter = filter, .slots = slots, .count = count, .times_ns = times_ns});
}

void filter_summarise(struct filter *filter, const uint32_t *slots, uint32_t count) {
  slots_run((struct slots_job){.filter = filter, .slots = slots, .count = count, .time_ns = INT64_MIN});
}

void filter_moments(struct filter *filter, const uint32_t *slots, uint32_t count, double (*moments)[27]) {
  slots_run((struct slots_job){
      .filter = filter, .slots = slots, .count = count, .time_ns = INT64_MIN, .moments = moments});
}

void filter_moments_by_slot(struct filter *filter, const uint32_t *slots, uint32_t count,
                            double (*moments)[27]) {
  slots_run((struct slots_job){.filter = filter,
                               .slots = slots,
                               .count = count,
                               .time_ns = INT64_MIN,
                               .moments = moments,
                               .by_slot = true});
}

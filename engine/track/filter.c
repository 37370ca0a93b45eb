#include "engine/track/filter.h"

#include <errno.h>
#include <string.h>

#include "engine/base/ahead.h"
#include "engine/base/check.h"
#include "engine/track/lanes.h"
#include "engine/track/rewind.h"

enum { PIECES_PER_WORKER = 8, RUNS_MAX = 16 }; /* a piece of work is so many runs at most */
enum { SORTS_PIECE = 256, SORTS_AHEAD = 16 }; /* pairs in a piece of work; whose memory is asked for so many before */
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
  const uint8_t sorts = WAYS * WK_KINDS;
  uint32_t place[WAYS * WK_KINDS] = {0}, begin = 0, runs = 0;
  weft_assert(count <= filter->pair_capacity);
  for (uint32_t i = 0; i < count; i++) place[filter->sorts[i]]++;
  for (uint8_t sort = 0; sort < sorts; sort++) {
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

static void step_weigh(const struct filter *filter, struct track *const tracks[WK_LANES],
                       const struct plot *const plots[WK_LANES], int count, enum wk_kind kind,
                       struct pair_evidence evidence[WK_LANES]) {
  const wk_lane loud = {0};
  struct lanes lanes;
  lanes_begin(filter, &lanes, tracks, plots, count, loud);
  lanes_update(filter, &lanes, tracks, count, kind, NULL, evidence);
}

static void step_update(const struct filter *filter, struct track *const tracks[WK_LANES],
                        const struct plot *const plots[WK_LANES], int count, enum wk_kind kind,
                        double (*lines)[WK_GAUSS_ELEMENTS], struct pair_evidence evidence[WK_LANES]) {
  const wk_lane loud = {0};
  wk_lane innovation2;
  struct lanes lanes;
  lanes_begin(filter, &lanes, tracks, plots, count, loud);
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
  for (int i = 0; i < count; i++) quiet[i] = 1;
  lanes_begin(filter, &lanes, tracks, plots, count, quiet);
  lanes_update(filter, &lanes, tracks, count, kind, update ? tracks : NULL, evidence);
  if (!update) return;
  for (int i = 0; i < WK_LANES; i++) back_s[i] = -lanes.dt_s[i];
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
  const wk_lane loud = {0};
  wk_lane innovation2;
  struct lanes lanes;
  bool any = false;
  for (int i = 0; i < run->count; i++) track_look_fetch(tracks[i], plots[i]->sensor);
  lanes_begin(filter, &lanes, tracks, plots, run->count, loud);
  bool again = kind == WK_LOS && (lanes.banks & BANK_BALLISTIC);
  lanes_innovations(filter, &lanes, tracks, kind, innovation2);
  lanes_update(filter, &lanes, tracks, run->count, kind, again ? NULL : tracks, evidence);
  for (int i = 0; i < run->count; i++) {
    job->evidence[order[i]] = evidence[i];
    if (taking->asked[order[i]] == FILTER_WAITS || !taking->takes(taking->context, order[i], worker)) continue;
    plot_remember(filter, tracks[i], plots[i], filter->places[order[i]]);
    taking->taken[order[i]] = evidence[i].bends ? FILTER_BENT : FILTER_PLAIN;
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
  for (int i = 0; i < run->count; i++) {
    uint32_t pair = filter->order[run->first + (uint32_t)i], slot = job->pairs[pair].track;
    const struct track *track = &filter->store->tracks[slot];
    ahead_ask_far(track, offsetof(struct track, bank) + WK_BALLISTIC_ELEMENTS * sizeof(double));
    ahead_ask_far(&track->arrival_ns, sizeof track->arrival_ns);
    if (!job->update && !job->taking) continue;
    history_fetch(&filter->history, filter->places[pair]);
    if (filter->lines) ahead_ask_far(filter->lines[slot], sizeof *filter->lines);
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
  uint32_t piece = runs / (filter->parallel.workers * PIECES_PER_WORKER); /* whose first one finds nothing asked for */
  filter->parallel.run(filter->parallel.context, run_pieces, &job, runs, piece < 1 ? 1 : piece < RUNS_MAX ? piece : RUNS_MAX);
}

void filter_score(struct filter *filter, const struct pair *pairs, uint32_t count,
                  struct pair_evidence *evidence, const struct filter_taking *taking) {
  if (taking) memset(taking->taken, 0, count);
  filter_run_all(filter, (struct filter_job){.filter = filter, .pairs = pairs, .evidence = evidence, .taking = taking}, count);
  for (uint32_t i = 0; i < count && taking; i++) {
    filter->updates[WAY_IN_ORDER] += taking->taken[i] != 0;
    filter->bent += taking->taken[i] == FILTER_BENT;
  }
}

void filter_update(struct filter *filter, const struct pair *pairs, uint32_t count,
                   struct pair_evidence *evidence) {
  filter_run_all(filter, (struct filter_job){.filter = filter, .pairs = pairs, .evidence = evidence, .update = true}, count);
  for (uint32_t i = 0; i < count; i++) filter->bent += evidence[i].bends;
}

#include "engine/warn/warn.h"

#include <string.h>

#include "engine/base/ahead.h"
#include "engine/base/check.h"
#include "engine/base/count.h"
#include "engine/domain/overload.h"
#include "engine/warn/events.h"
#include "engine/warn/retract.h"
#include "engine/warn/shares.h"
#include "engine/warn/waiting.h"

/* An estimate stands for at least a second, in coast, where little is learned anew, for a tenth of the time
 * since the phase began, at most ten seconds. */
static const int64_t refresh_ns = 1000000000, refresh_coast_ns = 10000000000;
static const int64_t refresh_part = 10;
/* A launch seen in coast only gets no better than this often. */
static const int64_t coast_launch_ns = 10000000000;
static const double boost_weight_min = 0.5;
/* An estimate is as much work as this many items of an ordinary loop: where few items are not worth waking
 * the workers, a few estimates are. */
enum { ESTIMATE_ITEMS = 32 };
/* What a frame makes at least, and one more for so many lines: an estimate takes as long as all else that is done for 16 lines, a first one
 * for 32, and a frame's lines should not wait for estimates longer than for that. First ones are worth a longer wait where frames are
 * far apart: as many as this frame and the one before have each earned; what was saved up is spent little by little. */
enum { RENEWALS_MIN = 2, LINES_PER_RENEWAL = 32, FIRSTS_MIN = 4, LINES_PER_FIRST = 64, LINES_PER_EARNED = 2 };
/* Reports that are looked at together; a piece of them; and how far ahead the memory of their entries is asked for. */
enum { GLANCE_BATCH = 4096, GLANCE_PIECE = 128, GLANCE_AHEAD = 8 };

/* What there is to say of the track in this slot, and when again: one line of memory, which each of its lines asks. */
struct entry {
  _Alignas(64) uint64_t track; /* number; another one: the slot has a new tenant */
  int64_t time_ns;             /* measurement time of the last estimate */
  int64_t phase_ns;            /* of the first estimate in this phase */
  int64_t since_ns;            /* of the line that made it due, while it is put off */
  uint64_t event;              /* serial of its launch's event, EVENT_NONE before it has one */
  uint64_t event_number;
  uint32_t event_launches;
  uint8_t phase;
  bool estimated, has_launch, has_impact, from_boost, waits;
};

/* And what was last said: two lines, for those that have a launch or an impact. */
struct entry_places {
  _Alignas(64) struct ground_estimate launch;
  struct ground_estimate impact;
  double impact_probability;
  int64_t launch_ns; /* measurement time of the last look at the launch */
};

_Static_assert(sizeof(struct entry) == 64 && sizeof(struct entry_places) == 128, "one line of memory, and two");

/* And of named areas, where there are any. */
struct entry_areas {
  double shares[REPORT_REGIONS_MAX]; /* as in struct impact_estimate */
  uint16_t regions[REPORT_REGIONS_MAX];
  uint32_t count;
  struct areas_stated stated;
};

/* What a report leaves to be done on one thread, in the order of the reports: all that is asked of it; no more than its turn among
 * the due ones. */
enum asks { ASKS_NOTHING, ASKS_TURN, ASKS_ALL };

/* A report as found in parallel. */
struct glance {
  int64_t since_ns; /* waiting_since */
  uint8_t asks;
  bool waits; /* its track is due since an earlier line */
};

struct warn {
  struct parallel parallel;
  const struct regions *regions;
  struct share_points points;
  struct entry *entries;     /* by slot */
  struct entry_places *places; /* by slot */
  struct entry_areas *areas; /* by slot; NULL: the site names no areas */
  uint32_t tracks_max;
  struct events events;
  bool events_changed; /* since this step's first line was filled */
  struct waiting waiting;
  uint32_t due[WARN_STEP_MAX]; /* indices of reports, longest waiting first */
  int64_t due_since_ns[WARN_STEP_MAX]; /* and since when they wait */
  uint32_t due_count, due_max; /* due_max: how many this step may make at most */
  struct glance glances[GLANCE_BATCH];
  uint32_t glance_first; /* the report of the first one */
  int64_t frame_ns, credit_ns; /* time of the last frame; what was earned and not spent, in frame time */
  uint32_t earned, earned_before; /* estimates, by this frame and the one before */
  struct step_output *output;
  struct warn_statistics statistics;
};

/* A tracker has at least this many slots. */
static uint32_t slots_of(const struct warn_options *options) {
  const uint32_t slots_min = 64;
  return options->tracks_max < slots_min ? slots_min : options->tracks_max;
}

static bool names_areas(const struct warn_options *options) {
  return options->regions && options->regions->count > 0;
}

size_t warn_arena_size(const struct warn_options *options) {
  size_t areas = names_areas(options) ? sizeof(struct entry_areas) : 0;
  return slots_of(options) * (sizeof(struct entry) + sizeof(struct entry_places) + sizeof(struct waiter) + areas) + sizeof(struct warn) + 4096;
}

struct warn *warn_open(struct arena *arena, const struct warn_options *options) {
  struct warn *warn = arena_take(arena, 1, sizeof *warn);
  if (!warn) return NULL;
  warn->parallel = options->parallel.run ? options->parallel : parallel_inline();
  warn->regions = options->regions;
  warn->tracks_max = slots_of(options);
  warn->entries = arena_take(arena, warn->tracks_max, sizeof *warn->entries);
  warn->places = arena_take(arena, warn->tracks_max, sizeof *warn->places);
  if (names_areas(options)) warn->areas = arena_take(arena, warn->tracks_max, sizeof *warn->areas);
  warn->waiting.capacity = warn->tracks_max;
  warn->waiting.ring = arena_take(arena, warn->tracks_max, sizeof *warn->waiting.ring);
  share_points_make(&warn->points);
  bool complete = warn->entries && warn->places && warn->waiting.ring && (warn->areas || !names_areas(options));
  return complete ? warn : NULL;
}

static struct entry *entry_of(struct warn *warn, const struct track_report *report) {
  weft_assert(report->slot < warn->tracks_max);
  struct entry *entry = &warn->entries[report->slot];
  if (entry->track == report->track) return entry;
  warn->statistics.waiting -= entry->waits;
  *entry = (struct entry){.track = report->track, .event = EVENT_NONE};
  warn->places[report->slot] = (struct entry_places){.launch_ns = 0};
  if (warn->areas) warn->areas[report->slot] = (struct entry_areas){0};
  return entry;
}

static bool estimate_due(const struct entry *entry, const struct track_report *report) {
  if (!entry->estimated || report->phase != entry->phase) return true;
  int64_t wait_ns = refresh_ns;
  if (report->phase == PHASE_COAST) {
    wait_ns = (entry->time_ns - entry->phase_ns) / refresh_part;
    if (wait_ns < refresh_ns) wait_ns = refresh_ns;
    if (wait_ns > refresh_coast_ns) wait_ns = refresh_coast_ns;
  }
  return report->time_ns - entry->time_ns >= wait_ns;
}

/* Waiting since; the smaller the more urgent. */
static int64_t waiting_since(const struct entry *entry) {
  return entry->estimated ? entry->time_ns : INT64_MIN;
}

/* The due ones that have waited longest; among equals the older track. */
static void due_put(struct warn *warn, uint32_t report, int64_t since_ns) {
  uint32_t at = warn->due_count;
  while (at > 0 && warn->due_since_ns[at - 1] > since_ns) at--;
  if (at == warn->due_max) return;
  uint32_t last = warn->due_count < warn->due_max ? warn->due_count++ : warn->due_max - 1;
  for (uint32_t i = last; i > at; i--) {
    warn->due[i] = warn->due[i - 1];
    warn->due_since_ns[i] = warn->due_since_ns[i - 1];
  }
  warn->due[at] = report;
  warn->due_since_ns[at] = since_ns;
}

/* Cuts the list to what a frame of so many lines makes. */
static void due_cut(struct warn *warn) {
  uint32_t lines = warn->output->count, firsts = 0;
  while (firsts < warn->due_count && warn->due_since_ns[firsts] == INT64_MIN) firsts++;
  uint32_t renewals_max = warn->output->overload_step >= OVERLOAD_ESTIMATES ? 1 : RENEWALS_MIN + lines / LINES_PER_RENEWAL;
  uint32_t firsts_max = FIRSTS_MIN + count_most(lines / LINES_PER_FIRST, count_least(lines / LINES_PER_EARNED, count_least(warn->earned, warn->earned_before)));
  warn->due_count = count_least(warn->due_count, count_most(count_least(firsts, firsts_max), renewals_max));
}

/* Notes that a track is due; it waits until it is served, maybe in this step, withdrawn or lost. */
static void wait_begin(struct warn *warn, struct entry *entry, const struct track_report *report) {
  entry->waits = true;
  entry->since_ns = report->time_ns;
  warn->statistics.waiting++;
  warn->statistics.deferred++;
  waiting_put(&warn->waiting, (struct waiter){.track = report->track, .since_ns = report->time_ns, .slot = report->slot});
}

static void wait_end(struct warn *warn, struct entry *entry) {
  warn->statistics.waiting -= entry->waits;
  entry->waits = false;
}

/* The longest waiting of those put off. */
static void waiting_measure(struct warn *warn, int64_t frame_ns) {
  struct waiting *waiting = &warn->waiting;
  warn->statistics.waiting_ns = 0;
  for (; waiting->head < waiting->tail; waiting->head++) {
    const struct waiter *waiter = &waiting->ring[waiting->head % waiting->capacity];
    const struct entry *entry = &warn->entries[waiter->slot];
    if (entry->track != waiter->track || !entry->waits || entry->since_ns != waiter->since_ns) continue;
    if (frame_ns > waiter->since_ns) warn->statistics.waiting_ns = frame_ns - waiter->since_ns;
    return;
  }
}

/* How many estimates this step may make: frame time earns them, WARN_STEP_MAX can be saved. */
static uint32_t credit_count(struct warn *warn, int64_t frame_ns) {
  const int64_t cost_ns = 1000000000 / WARN_RATE_MAX, most_ns = WARN_STEP_MAX * cost_ns;
  int64_t passed_ns = warn->frame_ns ? frame_ns - warn->frame_ns : most_ns;
  if (passed_ns > most_ns) passed_ns = most_ns;
  warn->earned_before = warn->frame_ns ? warn->earned : WARN_STEP_MAX;
  warn->earned = passed_ns > 0 ? (uint32_t)(passed_ns / cost_ns) : 0;
  warn->credit_ns += passed_ns > 0 ? passed_ns : 0;
  if (warn->credit_ns > most_ns) warn->credit_ns = most_ns;
  warn->frame_ns = frame_ns;
  return (uint32_t)(warn->credit_ns / cost_ns);
}

static void launch_find(struct entry *entry, struct entry_places *places, const struct track_report *report) {
  struct ground_plane plane;
  struct ground_gauss gauss;
  struct ground_estimate found;
  const double *weight = report->bank + WK_B_WEIGHT;
  if (weight[0] > boost_weight_min) {
    if (!flight_launch_boost(report->bank, &plane, &gauss)) return;
    gauss_state(&plane, &gauss, report->time_ns, &found);
    if (entry->has_launch && entry->from_boost && found.semi_major_m >= places->launch.semi_major_m) return;
    entry->from_boost = true;
  } else {
    bool again =
        !entry->has_launch || (!entry->from_boost && report->time_ns - places->launch_ns >= coast_launch_ns);
    if (!again || weight[1] < boost_weight_min || !flight_launch_coast(report->bank, &plane, &gauss)) return;
    gauss_state(&plane, &gauss, report->time_ns, &found);
    places->launch_ns = report->time_ns;
  }
  places->launch = found;
  entry->has_launch = true;
}

/* What was last said of the impact of the track in this slot; where no areas are named, `out` must say so. */
static void impact_fill(const struct warn *warn, uint32_t slot, struct impact_estimate *out) {
  out->ground = warn->places[slot].impact;
  out->probability = warn->places[slot].impact_probability;
  if (!warn->areas) return;
  const struct entry_areas *areas = &warn->areas[slot];
  memcpy(out->shares, areas->shares, sizeof out->shares);
  memcpy(out->regions, areas->regions, sizeof out->regions);
  out->region_count = areas->count;
}

static void areas_find(const struct warn *warn, uint32_t slot, const struct flight_impact *flight) {
  struct entry_areas *areas = &warn->areas[slot];
  struct impact_estimate impact;
  shares_find(&warn->points, warn->regions, flight, &impact);
  areas->count = impact.region_count;
  for (uint32_t i = 0; i < impact.region_count; i++) {
    areas->shares[i] = impact.shares[i];
    areas->regions[i] = impact.regions[i];
  }
}

static void estimate_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct warn *warn = argument;
  for (uint32_t i = begin / ESTIMATE_ITEMS; i < end / ESTIMATE_ITEMS; i++) {
    const struct track_report *report = &warn->output->reports[warn->due[i]];
    struct entry *entry = &warn->entries[report->slot];
    struct entry_places *places = &warn->places[report->slot];
    struct flight_impact impact;
    entry->has_impact = flight_impact_find(report->bank, &impact);
    if (entry->has_impact) {
      gauss_state(&impact.plane, &impact.whole, report->time_ns, &places->impact);
      places->impact_probability = impact.whole.weight;
      if (warn->areas) areas_find(warn, report->slot, &impact);
    }
    launch_find(entry, places, report);
    if (!entry->estimated || entry->phase != report->phase) entry->phase_ns = report->time_ns;
    entry->estimated = true;
    entry->time_ns = report->time_ns;
    entry->phase = report->phase;
  }
}

/* The event of the launch, which others join and leave. What it was last stays where it is no longer known. */
static void event_fill(struct warn *warn, struct track_report *report, struct entry *entry) {
  const struct launch_event *event = events_find(&warn->events, entry->event);
  if (event && (event->number != entry->event_number || event->launches != entry->event_launches)) {
    entry->event_number = event->number;
    entry->event_launches = event->launches;
  }
  report->event = entry->event_number;
  report->event_launches = entry->event_launches;
}

/* The tracker has left zeros where this writes. */
static void warning_fill(struct warn *warn, struct track_report *report, struct entry *entry) {
  if (report->class_ != CLASS_BALLISTIC) return;
  report->has_launch = entry->has_launch;
  report->has_impact = entry->has_impact;
  event_fill(warn, report, entry);
  if (entry->has_launch) report->launch = warn->places[report->slot].launch;
  if (entry->has_impact) impact_fill(warn, report->slot, &report->impact);
}

/* No longer ballistic: whatever was stated is taken back, and the launch leaves its event. */
static void entry_withdraw(struct warn *warn, uint32_t slot) {
  struct entry *entry = &warn->entries[slot];
  struct launch_event *event = events_find(&warn->events, entry->event);
  if (event && event->launches > 0) {
    event->launches--;
    warn->events_changed = true;
  }
  warn->statistics.retractions[RETRACTION_CLASS] += entry->has_impact;
  wait_end(warn, entry);
  entry->has_impact = entry->estimated = false;
  entry->event = EVENT_NONE;
  entry->event_number = 0;
  if (warn->areas) warn->areas[slot].stated.count = 0;
}

/* What an estimate changes beyond itself; in the order of the list, on one thread. `last` was stated before
 * it where `stated`. */
static void estimate_settle(struct warn *warn, const struct track_report *report, bool stated,
                            const struct ground_estimate *last) {
  struct entry *entry = &warn->entries[report->slot];
  const struct entry_places *places = &warn->places[report->slot];
  struct warn_statistics *statistics = &warn->statistics;
  struct areas_stated *areas = warn->areas ? &warn->areas[report->slot].stated : NULL;
  if (entry->has_impact) {
    struct impact_estimate impact = {.region_count = 0};
    impact_fill(warn, report->slot, &impact);
    if (areas) statistics->retractions[RETRACTION_AREA] += areas_lost(areas, &impact);
    statistics->retractions[RETRACTION_MOVED] += stated && impact_moved(last, &places->impact);
  } else {
    statistics->retractions[RETRACTION_STAYS_UP] += stated;
    if (areas) areas->count = 0;
  }
  if (entry->event == EVENT_NONE && entry->has_launch && launch_groups(&places->launch)) {
    entry->event = events_join(&warn->events, entry->track, &places->launch);
    warn->events_changed = true;
    statistics->launches++;
  }
  wait_end(warn, entry);
}

/* What must be done for a report on one thread; what is no longer ballistic is withdrawn. Of a track that has just come nothing was said. */
static void report_sort(struct warn *warn, uint32_t i) {
  struct track_report *report = &warn->output->reports[i];
  struct entry *entry = entry_of(warn, report);
  if (report->status == STATUS_LOST) { /* now: the slot may have a new tenant among the reports that follow */
    warning_fill(warn, report, entry);
    wait_end(warn, entry);
  } else if (report->class_ != CLASS_BALLISTIC) {
    entry_withdraw(warn, report->slot);
  } else if (report->status == STATUS_CONFIRMED && estimate_due(entry, report)) {
    wait_begin(warn, entry, report);
    due_put(warn, i, waiting_since(entry));
  }
}

/* How much of that there is to do. Of a track that is not ballistic and without an estimate nothing was ever said. */
static enum asks report_asks(const struct entry *entry, const struct track_report *report) {
  if (report->status == STATUS_LOST || entry->track != report->track) return ASKS_ALL;
  if (report->class_ != CLASS_BALLISTIC) return entry->estimated || entry->waits ? ASKS_ALL : ASKS_NOTHING;
  if (report->status != STATUS_CONFIRMED || !estimate_due(entry, report)) return ASKS_NOTHING;
  return entry->waits ? ASKS_TURN : ASKS_ALL;
}

/* The entry of a report of the batch, while the memory of later ones' comes: first what tells whether there is more to come. */
static struct entry *entry_look(struct warn *warn, uint32_t i, uint32_t end) {
  struct track_report *reports = warn->output->reports + warn->glance_first;
  struct track_report *near = &reports[i + GLANCE_AHEAD < end ? i + GLANCE_AHEAD : i];
  const struct entry *next = &warn->entries[near->slot];
  weft_assert(near->slot < warn->tracks_max && reports[i].slot < warn->tracks_max);
  __builtin_prefetch(&reports[i + 3 * GLANCE_AHEAD < end ? i + 3 * GLANCE_AHEAD : i].slot);
  __builtin_prefetch(&warn->entries[reports[i + 2 * GLANCE_AHEAD < end ? i + 2 * GLANCE_AHEAD : i].slot]);
  __builtin_prefetch(near);
  if (next->has_launch || next->has_impact) {
    ahead_ask(&warn->places[near->slot], sizeof(struct entry_places));
    for (size_t at = offsetof(struct track_report, launch); at < offsetof(struct track_report, impact.shares); at += AHEAD_LINE) __builtin_prefetch((char *)near + at, 1); /* to be written */
  }
  return &warn->entries[reports[i].slot];
}

static bool says(const struct entry *entry, const struct track_report *report) {
  return report->status != STATUS_LOST && entry->track == report->track;
}

/* What a report asks, whether its track waits, and the line's content as the last estimate has it. A slot has one report of a track that
 * lives. */
static void glance_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct warn *warn = argument;
  for (uint32_t i = begin; i < end; i++) {
    struct entry *entry = entry_look(warn, i, end);
    struct track_report *report = &warn->output->reports[warn->glance_first + i];
    struct glance *glance = &warn->glances[i];
    glance->asks = (uint8_t)report_asks(entry, report);
    glance->since_ns = waiting_since(entry);
    glance->waits = glance->asks != ASKS_ALL && entry->waits;
    if (says(entry, report)) warning_fill(warn, report, entry);
  }
}

static void events_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  struct warn *warn = argument;
  for (uint32_t i = begin; i < end; i++) {
    struct entry *entry = entry_look(warn, i, end);
    struct track_report *report = &warn->output->reports[i];
    if (report->class_ == CLASS_BALLISTIC && says(entry, report)) event_fill(warn, report, entry);
  }
}

/* What was found of the first `count` reports of the batch is settled on one thread, in their order. */
static void glances_settle(struct warn *warn, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const struct glance *glance = &warn->glances[i];
    warn->statistics.deferred += glance->waits;
    if (glance->asks == ASKS_TURN) due_put(warn, warn->glance_first + i, glance->since_ns);
    if (glance->asks == ASKS_ALL) report_sort(warn, warn->glance_first + i);
  }
}

/* All reports, batch by batch: each is met once, for the memory of its entry is what takes time. */
static void reports_walk(struct warn *warn) {
  uint32_t left = warn->output->count;
  warn->due_count = 0;
  warn->events_changed = false;
  for (warn->glance_first = 0; left > 0; warn->glance_first += GLANCE_BATCH) {
    uint32_t batch = left < GLANCE_BATCH ? left : GLANCE_BATCH;
    warn->parallel.run(warn->parallel.context, glance_piece, warn, batch, GLANCE_PIECE);
    glances_settle(warn, batch);
    left -= batch;
  }
}

void warn_step(struct warn *warn, struct step_output *output) {
  bool stated[WARN_STEP_MAX];
  struct ground_estimate last[WARN_STEP_MAX];
  warn->output = output;
  warn->due_max = credit_count(warn, output->frame_time_ns);
  reports_walk(warn);
  due_cut(warn);
  const uint32_t due_count = warn->due_count;
  for (uint32_t i = 0; i < due_count; i++) {
    const struct track_report *report = &output->reports[warn->due[i]];
    const struct entry *entry = &warn->entries[report->slot];
    int64_t waited_ns = report->time_ns - entry->since_ns;
    if (!entry->estimated && waited_ns > warn->statistics.first_wait_ns)
      warn->statistics.first_wait_ns = waited_ns;
    stated[i] = entry->has_impact;
    last[i] = warn->places[report->slot].impact;
  }
  warn->parallel.run(warn->parallel.context, estimate_piece, warn, due_count * ESTIMATE_ITEMS, ESTIMATE_ITEMS);
  for (uint32_t i = 0; i < due_count; i++)
    estimate_settle(warn, &output->reports[warn->due[i]], stated[i], &last[i]);
  for (uint32_t i = 0; i < due_count; i++) {
    struct track_report *report = &output->reports[warn->due[i]];
    warning_fill(warn, report, &warn->entries[report->slot]);
  }
  warn->glance_first = 0;
  if (warn->events_changed) warn->parallel.run(warn->parallel.context, events_piece, warn, output->count, GLANCE_PIECE);
  warn->statistics.estimates += due_count;
  warn->statistics.deferred -= due_count;
  warn->credit_ns -= (int64_t)due_count * (1000000000 / WARN_RATE_MAX);
  waiting_measure(warn, output->frame_time_ns);
}

void warn_statistics_get(const struct warn *warn, struct warn_statistics *out) {
  *out = warn->statistics;
  out->events = warn->events.founded;
  out->events_merged = warn->events.merged;
}

/* A named area of ours. */
static void region_image(const struct regions *regions, uint16_t *region, struct image *image) {
  uint32_t number = *region;
  image_count(image, &number, regions->count - 1);
  *region = (uint16_t)number;
}

static void areas_image(const struct regions *regions, struct entry_areas *areas, struct image *image) {
  image_count(image, &areas->count, REPORT_REGIONS_MAX);
  for (uint32_t i = 0; i < areas->count && !image->bad; i++) {
    region_image(regions, &areas->regions[i], image);
    image_value(image, areas->shares[i]);
  }
  image_count(image, &areas->stated.count, AREAS_STATED_MAX);
  for (uint32_t i = 0; i < areas->stated.count && !image->bad; i++) region_image(regions, &areas->stated.region[i], image);
}

static void entry_image(struct warn *warn, uint32_t slot, struct image *image) {
  struct entry *entry = &warn->entries[slot];
  struct entry_places *places = &warn->places[slot];
  image_value(image, entry->track);
  if (entry->track == 0) return;
  image_value(image, entry->time_ns);
  image_value(image, places->launch_ns);
  image_value(image, entry->phase_ns);
  image_value(image, entry->since_ns);
  image_value(image, entry->event);
  image_value(image, entry->event_number);
  image_value(image, entry->event_launches);
  image_value(image, entry->phase);
  image_value(image, entry->estimated);
  image_value(image, entry->has_launch);
  image_value(image, entry->has_impact);
  image_value(image, entry->from_boost);
  image_value(image, entry->waits);
  image_value(image, places->launch);
  image_value(image, places->impact);
  image_value(image, places->impact_probability);
  if (warn->areas) areas_image(warn->regions, &warn->areas[slot], image);
}

static void waiting_image(struct waiting *waiting, struct image *image) {
  image_value(image, waiting->head);
  image_value(image, waiting->tail);
  if (waiting->tail - waiting->head > waiting->capacity) image->bad = true;
  for (uint64_t i = waiting->head; i < waiting->tail && !image->bad; i++) {
    struct waiter *waiter = &waiting->ring[i % waiting->capacity];
    image_value(image, waiter->track);
    image_value(image, waiter->since_ns);
    image_count(image, &waiter->slot, waiting->capacity - 1);
  }
}

_Static_assert(sizeof(struct ground_estimate) == 7 * sizeof(double), "an estimate has no padding");
_Static_assert(sizeof(struct warn_statistics) % sizeof(uint64_t) == 0, "statistics have no padding");
_Static_assert(sizeof(struct launch_place) == 8 * sizeof(double), "a place has no padding");

void warn_image(struct warn *warn, uint32_t slots, struct image *image) {
  weft_assert(slots <= warn->tracks_max);
  image_value(image, warn->frame_ns);
  image_value(image, warn->credit_ns);
  image_value(image, warn->earned);
  image_value(image, warn->statistics);
  events_image(&warn->events, image);
  waiting_image(&warn->waiting, image);
  for (uint32_t slot = 0; slot < slots; slot++) entry_image(warn, slot, image);
}

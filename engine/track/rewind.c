#include "engine/track/rewind.h"

#include <math.h>

#include "engine/base/check.h"

/* One track on its way through its own past. */
struct rewound {
  struct track track;                               /* a copy: the state as it was, then as it becomes */
  struct plot plot;                                 /* of the entry that is gone on with */
  struct history_entry *entries[HISTORY_STEPS_MAX]; /* oldest first */
  uint32_t count;
  uint32_t own;     /* entries before this one come before the plot */
  uint32_t next;    /* step to take: entries and the plot together, so that own is the plot's */
  double other_log; /* class log odds that came after the step's own evidence at the first passage */
};

/* Where the chain is followed back to the newest state before the plot. */
static void rewound_begin(struct rewound *r, const struct history *history, const struct track *track,
                          const struct plot *plot) {
  struct history_entry *newest_first[HISTORY_STEPS_MAX];
  uint64_t place = track->history;
  r->track = *track;
  r->count = r->own = r->next = 0;
  do {
    weft_assert(r->count < HISTORY_STEPS_MAX);
    struct history_entry *entry = history_at(history, place);
    weft_assert(entry != NULL);
    newest_first[r->count++] = entry;
    place = entry->older;
  } while (newest_first[r->count - 1]->time_ns > plot->time_ns);
  for (uint32_t k = 0; k < r->count; k++) {
    r->entries[k] = newest_first[r->count - 1 - k];
    if (r->entries[k]->plot_ns <= plot->time_ns) r->own = k + 1;
  }
  history_read(r->entries[0], &r->track);
}

/* The plot that comes next. Its entry, which keeps its place in the chain, gets the state that the plot now
 * finds. */
static const struct plot *rewound_plot(struct rewound *r, const struct track *track, const struct plot *plot,
                                       struct history_entry *entry, bool keep) {
  if (r->next == r->own) {
    if (entry && keep) history_write(entry, BANK_BALLISTIC | BANK_AIRCRAFT, &r->track, plot);
    r->other_log = 0;
    return plot;
  }
  uint32_t k = r->next < r->own ? r->next : r->next - 1;
  struct history_entry *old = r->entries[k];
  double then = k + 1 < r->count ? r->entries[k + 1]->class_log_odds : track->class_log_odds;
  r->other_log = then - old->class_after;
  if (keep) { /* a bank that was given up then has no room, and weighs nothing */
    if (r->track.banks & old->room) r->track.banks &= old->room;
    else history_read(old, &r->track); /* the way here gave up the only one left: from here on as it was */
    history_write_state(old, &r->track);
  }
  history_read_plot(old, &r->plot);
  return &r->plot;
}

/* After a step: what came on top of the plot's own evidence the first time comes again. */
static void rewound_end(struct rewound *r, struct history_entry *entry, bool keep) {
  struct history_entry *done =
      r->next == r->own ? entry : r->entries[r->next < r->own ? r->next : r->next - 1];
  if (done && keep) done->class_after = r->track.class_log_odds;
  r->track.class_log_odds = fmin(fmax(r->track.class_log_odds + r->other_log, -40), 40);
  r->track.detections++;
  r->next++;
}

/* The result into the track; what its plots do not change stays, and all of it where the way gave up every bank that the track still has. */
static void rewound_take(const struct rewound *r, struct track *track) {
  struct track new = r->track;
  if (!(new.banks & track->banks)) return;
  new.detections = track->detections;
  new.history = track->history;
  new.banks &= track->banks;
  *track = new;
}

/* The plot's entry enters the chain between its neighbours in time. */
static void chain_insert(struct history *history, const struct rewound *r, struct track *track,
                         uint64_t place) {
  struct history_entry *entry = history_at(history, place);
  uint64_t *link = r->own < r->count ? &r->entries[r->own]->older : &track->history;
  if (entry) entry->older = *link;
  *link = entry ? place : 0;
}

/* The next step of every track that has one left: of one kind at a time, since kinds are different kernels.
 * With no update the way ends at the plot itself. */
static bool rewound_advance(struct filter *filter, struct rewound *all, struct track *const tracks[WK_LANES],
                            const struct plot *const plots[WK_LANES], const uint64_t places[WK_LANES],
                            int count, bool update, struct pair_evidence evidence[WK_LANES]) {
  const struct plot *due[WK_LANES] = {0};
  struct history_entry *own[WK_LANES] = {0};
  bool any = false, keep = update && filter->past == &filter->history;
  for (int i = 0; i < count; i++) {
    struct rewound *r = &all[i];
    own[i] = history_at(&filter->history, places[i]);
    if (r->next <= (update ? r->count : r->own)) due[i] = rewound_plot(r, tracks[i], plots[i], own[i], keep);
    any |= due[i] != NULL;
  }
  for (uint8_t kind = 0; any && kind < WK_KINDS; kind++) {
    struct track *stepped[WK_LANES] = {0};
    const struct plot *met[WK_LANES] = {0};
    struct pair_evidence found[WK_LANES];
    int lane[WK_LANES], used = 0;
    for (int i = 0; i < count; i++) {
      if (!due[i] || due[i]->kind != kind) continue;
      stepped[used] = &all[i].track;
      met[used] = due[i];
      lane[used++] = i;
    }
    if (used == 0) continue;
    filter_step(filter, stepped, met, used, (enum wk_kind)kind, found);
    for (int k = 0; k < used; k++) {
      if (all[lane[k]].next == all[lane[k]].own) evidence[lane[k]] = found[k];
    }
  }
  for (int i = 0; i < count; i++) {
    if (due[i]) rewound_end(&all[i], own[i], keep);
  }
  return any;
}

void rewind_step(struct filter *filter, struct track *const tracks[WK_LANES],
                 const struct plot *const plots[WK_LANES], const uint64_t places[WK_LANES], int count,
                 bool update, struct pair_evidence evidence[WK_LANES]) {
  struct rewound all[WK_LANES];
  for (int i = 0; i < count; i++) rewound_begin(&all[i], filter->past, tracks[i], plots[i]);
  for (int step = 0; step <= HISTORY_STEPS_MAX; step++) {
    if (!rewound_advance(filter, all, tracks, plots, places, count, update, evidence)) break;
  }
  for (int i = 0; i < count && update; i++) {
    if (filter->past == &filter->history) chain_insert(&filter->history, &all[i], tracks[i], places[i]);
    rewound_take(&all[i], tracks[i]);
  }
}

/* Tracks meet plots: gathers (track, plot) pairs into lane blocks of eight, runs the kernels over them in
 * parallel and scatters the results. The only part of the tracker that calls the kernel table. */
#ifndef WEFT_TRACK_FILTER_H
#define WEFT_TRACK_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/parallel.h"
#include "engine/track/history.h"
#include "engine/track/plot.h"
#include "engine/track/store.h"
#include "kernels/wk.h"

/* What a plot says of a track. */
struct pair_evidence {
  double log_likelihood;              /* ln p(z | track), classes mixed by their probabilities */
  double log_ballistic, log_aircraft; /* by bank; equal where one bank no longer takes part */
  double distance2;          /* smallest squared Mahalanobis distance over likely modes and classes */
  double dimension;          /* components present */
  double innovation2;        /* normalised innovation squared (docs/maths.md T14), of updates only */
  int innovation_components; /* what it is the sum of; 0: it isn't known */
  bool bends; /* taken by sigma points, since the measurement bends over the extent of the state */
};

struct pair {
  uint32_t track; /* slot */
  uint32_t plot;  /* index into the step's plots */
};

/* How a plot meets its track: in order; worked in at its own place through the history; or by rolling the
 * track back without noise, since its history does not reach so far. */
enum filter_way { WAY_IN_ORDER, WAY_EXACT, WAY_APPROXIMATE, WAYS };

struct filter {
  const struct wk_table *kernels;
  struct wk_tuning tuning,
      tuning_free; /* the second for tracks that nobody has seen for long (docs/maths.md C11) */
  struct store *store;
  const struct plot *plots;
  struct parallel parallel;
  struct history history;
  double (*lines)[WK_GAUSS_ELEMENTS]; /* per slot, or NULL: where an update leaves the moments that the track's line will need */
  const struct history *past; /* where late plots find their tracks' past: its own history, or another
                                 filter's, then read only */
  uint64_t updates[WAYS];     /* so far, by way */
  uint64_t bent;              /* of them, by sigma points */
  uint32_t *order;            /* pair_capacity: pairs sorted by way and kind; before that, the banks that each pair wants kept */
  uint8_t *sorts;             /* per pair: its way and kind */
  uint64_t *places;           /* per pair: its entry in the history, 0 = none */
  struct filter_run *runs;    /* run_capacity */
  uint32_t pair_capacity;
};

/* `history_bytes`: see history_open. */
int filter_open(struct filter *filter, struct arena *arena, struct store *store, struct parallel parallel,
                uint32_t pair_capacity, size_t history_bytes);

/* Pairs whose evidence alone decides, so that the track takes its plot at once, while its prediction is at hand. */
struct filter_taking {
  void *context;
  const uint32_t *asked; /* per pair: FILTER_WAITS, or anything else: ask */
  /* Whether the pair's track takes its plot. Its evidence is in place; asked by any worker, once per pair. */
  bool (*takes)(void *context, uint32_t pair, unsigned worker);
  /* It has: whatever else is to be done with its record, while that is at hand. Asked by the same worker. */
  void (*took)(void *context, uint32_t pair);
  uint8_t *taken; /* per pair, out: 0, or it did, and how: FILTER_PLAIN, FILTER_BENT; its evidence is that of an update */
};
enum { FILTER_WAITS = UINT32_MAX };
enum { FILTER_PLAIN = 1, FILTER_BENT };

/* Evidence of every pair at the plot's time; tracks unchanged, but for those that `taking` (may be NULL) lets take their
 * plots as filter_update would: no other pair may be of their tracks. A plot older than the track is weighed against the
 * state that it would have met (docs/maths.md T11), and never taken at once. */
void filter_score(struct filter *filter, const struct pair *pairs, uint32_t count,
                  struct pair_evidence *evidence, const struct filter_taking *taking);
/* Updates every pair's track with its plot (each track at most once in the list) and refreshes its summary.
 * The class log-odds take the evidence. A plot older than the track is worked in at its own place
 * (docs/maths.md T11). */
void filter_update(struct filter *filter, const struct pair *pairs, uint32_t count,
                   struct pair_evidence *evidence);
/* One plot each for up to eight tracks, of the store or not, none older than its track, all of one kind: predicts, updates and says
 * what the plots say. Plots of one lane never reach another. */
void filter_step(const struct filter *filter, struct track *const tracks[WK_LANES],
                 const struct plot *const plots[WK_LANES], int count, enum wk_kind kind,
                 struct pair_evidence evidence[WK_LANES]);
/* Predicts the tracks in `slots` to time_ns where that is later than their own time. `freely`: no burn begins
 * meanwhile. */
void filter_advance(struct filter *filter, const uint32_t *slots, uint32_t count, int64_t time_ns,
                    bool freely);
/* The same with a time for each. */
void filter_advance_each(struct filter *filter, const uint32_t *slots, uint32_t count,
                         const int64_t *times_ns);
/* Recomputes the summaries of the tracks in `slots` from their banks. */
void filter_summarise(struct filter *filter, const uint32_t *slots, uint32_t count);
/* Mixture moments over modes and classes: 6 means then 21 packed covariances for each slot, in the slots'
 * order. */
void filter_moments(struct filter *filter, const uint32_t *slots, uint32_t count, double (*moments)[27]);
/* The same into moments[slot]. */
void filter_moments_by_slot(struct filter *filter, const uint32_t *slots, uint32_t count,
                            double (*moments)[27]);

#endif

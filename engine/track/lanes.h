/* Up to eight tracks side by side, as the kernels take them: gathered from their records, moved in time, told what they are as one
 * Gaussian, put back; and with a plot for each, predicted, weighed and updated. Internal to the filter. Lanes without a track are
 * NULL in `tracks` and nobody's; what they hold reaches no other lane. Times in s, moments in ECEF, m and m/s. */
#ifndef WEFT_TRACK_LANES_H
#define WEFT_TRACK_LANES_H

#include "engine/track/filter.h"

/* Both banks of up to eight tracks in lanes, and which of them any lane needs; and the plots that they meet, if they do. */
struct lanes {
  struct wk_ballistic_block ballistic;
  struct wk_aircraft_block aircraft;
  struct wk_measure_block measure;
  wk_lane dt_s; /* from the tracks to their plots */
  uint8_t banks, in_use[WK_LANES];
};

/* lanes.c */
void lanes_load(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES]);
void lanes_store(const struct filter *filter, const struct lanes *lanes, struct track *const tracks[WK_LANES]);
void lanes_predict(const struct filter *filter, struct lanes *lanes, const wk_lane dt_s, const wk_lane quiet,
                   const struct wk_tuning *tuning);
/* Each track's mixture over modes and classes as one Gaussian (docs/maths.md T13). */
void lanes_moments(const struct filter *filter, const struct lanes *lanes, struct track *const tracks[WK_LANES],
                   struct wk_gauss_block *out);
/* One lane's of them. */
void moments_put(const struct wk_gauss_block *moments, int lane, double to[WK_GAUSS_ELEMENTS]);
/* The tracks' summaries from their moments: after every change of a bank by which its line would be another one. */
void tracks_summarise(const struct filter *filter, struct track *const tracks[WK_LANES], const struct wk_gauss_block *moments);

/* lanes_plot.c. The lanes of `count` tracks at the times of their plots, at most 600 s from their own. `quiet`: see wk.h. */
void lanes_begin(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES],
                 const struct plot *const plots[WK_LANES], int count, const wk_lane quiet);
/* How far the plots lie from what the predicted tracks expect. */
void lanes_innovations(const struct filter *filter, const struct lanes *lanes, struct track *const tracks[WK_LANES],
                       enum wk_kind kind, wk_lane innovation2);
/* Both banks' updates in the lanes at hand of the tracks in `taken`, and what their plots say; where that is NULL, no updates and
 * what each pair's plot says. By sigma points where the measurement bends. */
void lanes_update(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES], int count,
                  enum wk_kind kind, struct track *const *taken, struct pair_evidence evidence[WK_LANES]);
/* The tracks in `taken`, NULL elsewhere, get what the lanes have become by their plots. What their lines will need is left in
 * `lines` (NULL: nowhere) where the class, which the plot has changed, has no part in it. */
void lanes_take(const struct filter *filter, const struct lanes *lanes, struct track *const taken[WK_LANES],
                const struct plot *const plots[WK_LANES], int count, const wk_lane innovation2,
                double (*lines)[WK_GAUSS_ELEMENTS], struct pair_evidence evidence[WK_LANES]);
/* Class evidence, and a bank that no longer takes part once it is out of the question. */
void class_take(struct track *track, const struct pair_evidence *evidence);

#endif

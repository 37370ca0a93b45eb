/* Plots older than their tracks, worked in at their own places through the history: the result is that of the
 * same plots in order, but for rounding and for what association decided without them (docs/maths.md T11). */
#ifndef WEFT_TRACK_REWIND_H
#define WEFT_TRACK_REWIND_H

#include "engine/track/filter.h"

/* As filter_step, for plots of any kind whose track's history reaches back before them. `places`: an entry
 * with room for every bank for each plot, where `update`; 0 = none, which cuts the chain at the plot. */
void rewind_step(struct filter *filter, struct track *const tracks[WK_LANES],
                 const struct plot *const plots[WK_LANES], const uint64_t places[WK_LANES], int count,
                 bool update, struct pair_evidence evidence[WK_LANES]);

#endif

/* Mixing of the modes of a bank before prediction (docs/maths.md M10 to M13). Changes states, covariances and weights
 * of the lanes in which dt > 0 and quiet = 0; others keep every bit. */
#ifndef WK_IMM_MIX_H
#define WK_IMM_MIX_H

#include "kernels/lane/lane.h"

void WK_NAME(ballistic_mix)(struct wk_ballistic_block *block, const wk_lane dt_s, const wk_lane quiet,
                            const struct wk_tuning *tuning);
void WK_NAME(aircraft_mix)(struct wk_aircraft_block *block, const wk_lane dt_s, const wk_lane quiet,
                           const struct wk_tuning *tuning);

#endif

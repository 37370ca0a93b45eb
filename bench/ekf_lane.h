/* One mode of the ballistic bank by itself: the very bodies that the bank's kernels are made of, coast and radar. */
#ifndef BENCH_EKF_LANE_H
#define BENCH_EKF_LANE_H

#include "kernels/wk.h"

/* Prediction over dt_s (docs/maths.md M1, M6, M7), gate on the squared distance and update (M15 to M17) of eight coasting tracks;
 * lanes beyond the gate are left predicted. */
void ekf_coast_v3(struct wk_gauss_block *block, const struct wk_measure_block *measure, const wk_lane dt_s, double gate,
                  const struct wk_tuning *tuning);
void ekf_coast_v4(struct wk_gauss_block *block, const struct wk_measure_block *measure, const wk_lane dt_s, double gate,
                  const struct wk_tuning *tuning);

#endif

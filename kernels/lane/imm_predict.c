/* Prediction of every mode of a bank: mixing, then short steps of Runge-Kutta for the mean and of the transition
 * matrix for the covariance (docs/maths.md M6, M14). */
#include "kernels/lane/imm_mix.h"
#include "kernels/lane/imm_step.h"
#include "kernels/lane/variant.h"

void WK_NAME(ballistic_predict)(struct wk_ballistic_block *block, const wk_lane dt_s, const wk_lane quiet,
                                const struct wk_tuning *tuning) {
  WK_NAME(ballistic_mix)(block, dt_s, quiet, tuning);
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = dt_bound(lane_load(dt_s + first));
    const lane_mask noisy = lanes_noisy(dt, lane_load(quiet + first));
    mode_predict(WK_BOOST, &block->e[WK_B_BOOST_X], first, dt, noisy, tuning);
    mode_predict(WK_COAST, &block->e[WK_B_COAST_X], first, dt, noisy, tuning);
    mode_predict(WK_REENTRY, &block->e[WK_B_REENTRY_X], first, dt, noisy, tuning);
  }
}

void WK_NAME(aircraft_predict)(struct wk_aircraft_block *block, const wk_lane dt_s, const wk_lane quiet,
                               const struct wk_tuning *tuning) {
  WK_NAME(aircraft_mix)(block, dt_s, quiet, tuning);
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = dt_bound(lane_load(dt_s + first));
    const lane_mask noisy = lanes_noisy(dt, lane_load(quiet + first));
    mode_predict(WK_CV, &block->e[WK_A_CV_X], first, dt, noisy, tuning);
    mode_predict(WK_CT, &block->e[WK_A_CT_X], first, dt, noisy, tuning);
  }
}

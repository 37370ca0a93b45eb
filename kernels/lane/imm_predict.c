/* Prediction of every mode of a bank: mixing, then short steps of Runge-Kutta for the mean and of the transition
 * matrix for the covariance (docs/maths.md M6, M14). The modes take each stage hand in hand: a stage waits for the one before it,
 * and while one mode's waits the others work. */
#include "kernels/lane/imm_mix.h"
#include "kernels/lane/imm_step.h"
#include "kernels/lane/variant.h"

WK_INLINE int more(int a, int b) { return a > b ? a : b; }

WK_INLINE void ballistic_predict_at(wk_lane *e, int first, lane dt, lane_mask noisy, const struct wk_tuning *tuning) {
  const double decay = 1.0 / tuning->boost_force_tau_s;
  struct mode_way boost, coast, reentry;
  mode_begin(WK_REENTRY, &e[WK_B_REENTRY_X], first, dt, tuning, &reentry);
  mode_begin(WK_COAST, &e[WK_B_COAST_X], first, dt, tuning, &coast);
  mode_begin(WK_BOOST, &e[WK_B_BOOST_X], first, dt, tuning, &boost);
  const int passes = more(boost.passes, more(coast.passes, reentry.passes));
  for (int pass = 0; pass < passes; pass++) {
    WK_UNROLL for (int stage = 0; stage < 4; stage++) {
      if (pass < reentry.passes) mean_stage(WK_REENTRY, stage, decay, &reentry);
      if (pass < coast.passes) mean_stage(WK_COAST, stage, decay, &coast);
      if (pass < boost.passes) mean_stage(WK_BOOST, stage, decay, &boost);
    }
    if (pass < boost.passes) mode_finish(WK_BOOST, pass, &e[WK_B_BOOST_X], first, noisy, tuning, &boost);
    if (pass < coast.passes) mode_finish(WK_COAST, pass, &e[WK_B_COAST_X], first, noisy, tuning, &coast);
    if (pass < reentry.passes) mode_finish(WK_REENTRY, pass, &e[WK_B_REENTRY_X], first, noisy, tuning, &reentry);
  }
}

void WK_NAME(ballistic_predict)(struct wk_ballistic_block *block, const wk_lane dt_s, const wk_lane quiet,
                                const struct wk_tuning *tuning) {
  WK_NAME(ballistic_mix)(block, dt_s, quiet, tuning);
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = dt_bound(lane_load(dt_s + first));
    ballistic_predict_at(block->e, first, dt, lanes_noisy(dt, lane_load(quiet + first)), tuning);
  }
}

WK_INLINE void aircraft_predict_at(wk_lane *e, int first, lane dt, lane_mask noisy, const struct wk_tuning *tuning) {
  struct mode_way level, turn;
  mode_begin(WK_CV, &e[WK_A_CV_X], first, dt, tuning, &level);
  mode_begin(WK_CT, &e[WK_A_CT_X], first, dt, tuning, &turn);
  const int passes = more(level.passes, turn.passes);
  for (int pass = 0; pass < passes; pass++) {
    WK_UNROLL for (int stage = 0; stage < 4; stage++) {
      if (pass < turn.passes) mean_stage(WK_CT, stage, 0.0, &turn);
      if (pass < level.passes) mean_stage(WK_CV, stage, 0.0, &level);
    }
    if (pass < level.passes) mode_finish(WK_CV, pass, &e[WK_A_CV_X], first, noisy, tuning, &level);
    if (pass < turn.passes) mode_finish(WK_CT, pass, &e[WK_A_CT_X], first, noisy, tuning, &turn);
  }
}

void WK_NAME(aircraft_predict)(struct wk_aircraft_block *block, const wk_lane dt_s, const wk_lane quiet,
                               const struct wk_tuning *tuning) {
  WK_NAME(aircraft_mix)(block, dt_s, quiet, tuning);
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = dt_bound(lane_load(dt_s + first));
    aircraft_predict_at(block->e, first, dt, lanes_noisy(dt, lane_load(quiet + first)), tuning);
  }
}

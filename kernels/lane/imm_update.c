/* EKF update of every mode of a bank, one decorrelated component after the other with the Jacobian of the predicted
 * state throughout (equal to the batch update, no inverse), evidence and mode weights (docs/maths.md M17, M18). */
#include "kernels/lane/imm_bank.h"
#include "kernels/lane/imm_ekf.h"
#include "kernels/lane/variant.h"

/* The kind is a constant in each call so that the body has no branch within. */
WK_INLINE void ballistic_update_kind(enum wk_kind kind, struct wk_ballistic_block *block,
                                     const struct wk_measure_block *measure, const wk_lane enable,
                                     struct wk_evidence_block *evidence) {
  static const int n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  static const int at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X};
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    bank_update(mode_update, kind, 3, n, at, WK_B_WEIGHT, block->e, measure, enable, evidence, first);
  }
}

void WK_NAME(ballistic_update)(struct wk_ballistic_block *block, enum wk_kind kind,
                               const struct wk_measure_block *measure, const wk_lane enable,
                               struct wk_evidence_block *evidence) {
  switch (kind) {
  case WK_RADAR: ballistic_update_kind(WK_RADAR, block, measure, enable, evidence); break;
  case WK_RADAR2D: ballistic_update_kind(WK_RADAR2D, block, measure, enable, evidence); break;
  case WK_LOS: ballistic_update_kind(WK_LOS, block, measure, enable, evidence); break;
  case WK_POSITION: ballistic_update_kind(WK_POSITION, block, measure, enable, evidence); break;
  case WK_KINDS: break;
  }
}

WK_INLINE void aircraft_update_kind(enum wk_kind kind, struct wk_aircraft_block *block,
                                    const struct wk_measure_block *measure, const wk_lane enable,
                                    struct wk_evidence_block *evidence) {
  static const int n[2] = {WK_CV_N, WK_CT_N};
  static const int at[2] = {WK_A_CV_X, WK_A_CT_X};
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    bank_update(mode_update, kind, 2, n, at, WK_A_WEIGHT, block->e, measure, enable, evidence, first);
  }
}

void WK_NAME(aircraft_update)(struct wk_aircraft_block *block, enum wk_kind kind,
                              const struct wk_measure_block *measure, const wk_lane enable,
                              struct wk_evidence_block *evidence) {
  switch (kind) {
  case WK_RADAR: aircraft_update_kind(WK_RADAR, block, measure, enable, evidence); break;
  case WK_RADAR2D: aircraft_update_kind(WK_RADAR2D, block, measure, enable, evidence); break;
  case WK_LOS: aircraft_update_kind(WK_LOS, block, measure, enable, evidence); break;
  case WK_POSITION: aircraft_update_kind(WK_POSITION, block, measure, enable, evidence); break;
  case WK_KINDS: break;
  }
}

/* EKF update of every mode of a bank, one decorrelated component after the other with the Jacobian of the predicted
 * state throughout (equal to the batch update, no inverse), evidence and mode weights (docs/maths.md M17, M18). */
#include "kernels/lane/imm_bank.h"
#include "kernels/lane/imm_ekf.h"
#include "kernels/lane/variant.h"

/* The kind is a constant in each call so that the body has no branch within. The modes take each component hand in hand: while one
 * waits for its quotient the others work. */
WK_INLINE void ballistic_update_kind(enum wk_kind kind, struct wk_ballistic_block *block,
                                     const struct wk_measure_block *measure, const wk_lane enable,
                                     struct wk_evidence_block *evidence) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct bank bank;
    struct ekf e[3];
    ballistic_bank_load(&bank, kind, block->e, measure, first);
    for (int i = 0; i < 3; i++) ekf_begin(&e[i], kind, &bank.m, &bank.s[i]);
    WK_UNROLL for (int c = 0; c < measure_components(kind); c++) {
      ekf_component(&e[0], kind, WK_BOOST_N, c, &bank.m, &bank.s[0]);
      ekf_component(&e[1], kind, WK_COAST_N, c, &bank.m, &bank.s[1]);
      ekf_component(&e[2], kind, WK_REENTRY_N, c, &bank.m, &bank.s[2]);
    }
    ekf_end(&e[0], kind, WK_BOOST_N, &bank.s[0], &bank.found[0]);
    ekf_end(&e[1], kind, WK_COAST_N, &bank.s[1], &bank.found[1]);
    ekf_end(&e[2], kind, WK_REENTRY_N, &bank.s[2], &bank.found[2]);
    const lane_mask wanted = bank_weigh(&bank, kind, 3, &block->e[WK_B_WEIGHT], enable, evidence, first);
    ballistic_bank_store(&bank, block->e, first, wanted);
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
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct bank bank;
    struct ekf e[2];
    aircraft_bank_load(&bank, kind, block->e, measure, first);
    for (int i = 0; i < 2; i++) ekf_begin(&e[i], kind, &bank.m, &bank.s[i]);
    WK_UNROLL for (int c = 0; c < measure_components(kind); c++) {
      ekf_component(&e[0], kind, WK_CV_N, c, &bank.m, &bank.s[0]);
      ekf_component(&e[1], kind, WK_CT_N, c, &bank.m, &bank.s[1]);
    }
    ekf_end(&e[0], kind, WK_CV_N, &bank.s[0], &bank.found[0]);
    ekf_end(&e[1], kind, WK_CT_N, &bank.s[1], &bank.found[1]);
    const lane_mask wanted = bank_weigh(&bank, kind, 2, &block->e[WK_A_WEIGHT], enable, evidence, first);
    aircraft_bank_store(&bank, block->e, first, wanted);
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

/* EKF update of every mode of a bank, one decorrelated component after the other with the Jacobian of the predicted
 * state throughout (equal to the batch update, no inverse), evidence and mode weights (docs/maths.md M17, M18). States and covariances
 * are read and written where they lie: copies of them were a third of all loads and stores. */
#include "kernels/lane/imm_bank.h"
#include "kernels/lane/imm_ekf.h"
#include "kernels/lane/variant.h"

WK_INLINE void mode_ekf_begin(struct ekf *e, enum wk_kind kind, const struct measure *m, const wk_lane *mode, int first) {
  lane x[6];
  lanes_load(x, mode, 6, first);
  ekf_begin(e, kind, m, x);
}
WK_INLINE void mode_ekf_component(struct ekf *e, enum wk_kind kind, int n, int c, const struct measure *m, wk_lane *mode, int first) {
  ekf_component(e, kind, n, c, m, lanes_at(mode + n, first), LANES_APART);
}
WK_INLINE void mode_ekf_end(const struct ekf *e, enum wk_kind kind, int n, wk_lane *mode, int first) {
  ekf_end(e, kind, n, lanes_at(mode, first), lanes_at(mode + n, first), LANES_APART);
}

/* The kind is a constant in each call so that the body has no branch within. The modes take each component hand in hand: while one
 * waits for its quotient the others work. Lanes that don't take the posterior get back what they had. */
WK_INLINE void ballistic_update_kind(enum wk_kind kind, struct wk_ballistic_block *block,
                                     const struct wk_measure_block *measure, const wk_lane enable,
                                     struct wk_evidence_block *evidence) {
  wk_lane *const boost = &block->e[WK_B_BOOST_X], *const coast = &block->e[WK_B_COAST_X], *const reentry = &block->e[WK_B_REENTRY_X];
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct bank bank;
    struct ekf e[3];
    lane before[WK_B_WEIGHT];
    bank_begin(&bank, kind, measure, first);
    mode_ekf_begin(&e[0], kind, &bank.m, boost, first);
    mode_ekf_begin(&e[1], kind, &bank.m, coast, first);
    mode_ekf_begin(&e[2], kind, &bank.m, reentry, first);
    WK_UNROLL for (int c = 0; c < measure_components(kind); c++) {
      mode_ekf_component(&e[0], kind, WK_BOOST_N, c, &bank.m, boost, first);
      mode_ekf_component(&e[1], kind, WK_COAST_N, c, &bank.m, coast, first);
      mode_ekf_component(&e[2], kind, WK_REENTRY_N, c, &bank.m, reentry, first);
    }
    for (int i = 0; i < 3; i++) ekf_evidence(&e[i], &bank.found[i]);
    const lane_mask wanted = bank_weigh(&bank, kind, 3, &block->e[WK_B_WEIGHT], enable, evidence, first);
    if (!lane_any(wanted)) continue;
    const int all = lane_every(wanted);
    if (!all) lanes_load(before, block->e, WK_B_WEIGHT, first);
    mode_ekf_end(&e[0], kind, WK_BOOST_N, boost, first);
    mode_ekf_end(&e[1], kind, WK_COAST_N, coast, first);
    mode_ekf_end(&e[2], kind, WK_REENTRY_N, reentry, first);
    if (!all) lanes_store_where(block->e, before, WK_B_WEIGHT, first, lane_not(wanted));
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
  wk_lane *const level = &block->e[WK_A_CV_X], *const turn = &block->e[WK_A_CT_X];
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct bank bank;
    struct ekf e[2];
    lane before[WK_A_WEIGHT];
    bank_begin(&bank, kind, measure, first);
    mode_ekf_begin(&e[0], kind, &bank.m, level, first);
    mode_ekf_begin(&e[1], kind, &bank.m, turn, first);
    WK_UNROLL for (int c = 0; c < measure_components(kind); c++) {
      mode_ekf_component(&e[0], kind, WK_CV_N, c, &bank.m, level, first);
      mode_ekf_component(&e[1], kind, WK_CT_N, c, &bank.m, turn, first);
    }
    for (int i = 0; i < 2; i++) ekf_evidence(&e[i], &bank.found[i]);
    const lane_mask wanted = bank_weigh(&bank, kind, 2, &block->e[WK_A_WEIGHT], enable, evidence, first);
    if (!lane_any(wanted)) continue;
    const int all = lane_every(wanted);
    if (!all) lanes_load(before, block->e, WK_A_WEIGHT, first);
    mode_ekf_end(&e[0], kind, WK_CV_N, level, first);
    mode_ekf_end(&e[1], kind, WK_CT_N, turn, first);
    if (!all) lanes_store_where(block->e, before, WK_A_WEIGHT, first, lane_not(wanted));
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

/* EKF update of every mode of a bank, one decorrelated component after the other with the Jacobian of the predicted
 * state throughout (equal to the batch update, no inverse), evidence and mode weights (docs/maths.md M17, M18). */
#include "kernels/lane/imm_bank.h"
#include "kernels/lane/variant.h"

WK_INLINE void mode_update(enum wk_kind kind, int n, const struct measure *m, struct imm_mode *s,
                           struct mode_evidence *evidence) {
  const int components = measure_components(kind);
  /* Columns of the state that a row touches: velocity only for range rate, which the radar alone measures. */
  const int columns = kind == WK_RADAR ? 6 : 3;
  struct innovation v;
  lane moved[6]; /* how far the components so far have moved position and velocity */
  lane spread = lane_all(1.0), distance2 = lane_all(0.0);
  innovation_at(kind, m, s->x, &v);
  for (int a = 0; a < 6; a++) moved[a] = lane_all(0.0);
  for (int c = 0; c < components; c++) {
    const lane *row = v.row[c];
    lane ph[IMM_STATE_MAX], residual = v.value[c], variance = v.variance[c];
    for (int a = 0; a < n; a++) {
      lane sum = s->p[packed_at(n, a, 0)] * row[0];
      for (int b = 1; b < columns; b++) sum = lane_fma(s->p[packed_at(n, a, b)], row[b], sum);
      ph[a] = sum;
    }
    for (int a = 0; a < columns; a++) {
      variance = lane_fma(row[a], ph[a], variance);
      residual = lane_fma(-row[a], moved[a], residual);
    }
    const lane inverse = lane_all(1.0) / variance;
    const lane pull = residual * inverse;
    distance2 = lane_fma(residual, pull, distance2);
    spread = spread * lane_select(m->present[c], variance * lane_all(MEASURE_TURN), lane_all(1.0));
    for (int a = 0; a < n; a++) {
      const lane move = ph[a] * pull, gain = ph[a] * inverse;
      s->x[a] = s->x[a] + move;
      if (a < 6) moved[a] = moved[a] + move;
      for (int b = a; b < n; b++) s->p[packed_at(n, a, b)] = lane_fma(-gain, ph[b], s->p[packed_at(n, a, b)]);
    }
  }
  evidence->distance2 = distance2;
  evidence->log_likelihood = lane_all(-0.5) * (lane_log(spread) + distance2);
}

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

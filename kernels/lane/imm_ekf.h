/* EKF update of one mode: one decorrelated component after the other with the Jacobian of the predicted state throughout (docs/maths.md
 * M17). */
#ifndef WK_IMM_EKF_H
#define WK_IMM_EKF_H

#include "kernels/lane/imm_bank.h"

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

#endif

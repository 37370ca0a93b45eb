/* EKF update of one mode: one decorrelated component after the other with the Jacobian of the predicted state throughout (docs/maths.md
 * M17). */
#ifndef WK_IMM_EKF_H
#define WK_IMM_EKF_H

#include "kernels/lane/imm_bank.h"
#include "kernels/lane/products.h"

/* No component counts for more than this part of what its residual was expected to be: sharper than that rounding can't tell it from
 * certainty, and the variance left could come out as nothing, or less. */
#define EKF_SHARPEST 1e-13

/* ph = P row', the row's first `columns` elements not 0. */
WK_INLINE void covariance_gain(int n, int columns, const lane *p, const lane *row, lane *ph) {
  if (n == 6) (columns == 6 ? gain_6_6 : gain_6_3)(p, row, ph);
  if (n == 7) (columns == 6 ? gain_7_6 : gain_7_3)(p, row, ph);
  if (n == 9) (columns == 6 ? gain_9_6 : gain_9_3)(p, row, ph);
}
/* P := P - ph ph' inverse. */
WK_INLINE void covariance_less(int n, lane *p, const lane *ph, lane inverse) {
  if (n == 6) downdate_6(p, ph, inverse);
  if (n == 7) downdate_7(p, ph, inverse);
  if (n == 9) downdate_9(p, ph, inverse);
}

/* A mode's update under way. */
struct ekf {
  struct innovation v;
  lane moved[6]; /* how far the components so far have moved position and velocity */
  lane spread, distance2;
};

WK_INLINE void ekf_begin(struct ekf *e, enum wk_kind kind, const struct measure *m, const struct imm_mode *s) {
  innovation_at(kind, m, s->x, &e->v);
  for (int a = 0; a < 6; a++) e->moved[a] = lane_all(0.0);
  e->spread = lane_all(1.0);
  e->distance2 = lane_all(0.0);
}

/* Works component c in. Its row touches the position; velocity only for range rate, the radar's last. */
WK_INLINE void ekf_component(struct ekf *e, enum wk_kind kind, int n, int c, const struct measure *m, struct imm_mode *s) {
  const int columns = kind == WK_RADAR && c == 3 ? 6 : 3;
  const lane *row = e->v.row[c];
  lane ph[IMM_STATE_MAX], residual = e->v.value[c], variance = e->v.variance[c];
  covariance_gain(n, columns, s->p, row, ph);
  for (int a = 0; a < columns; a++) {
    variance = lane_fma(row[a], ph[a], variance);
    residual = lane_fnma(row[a], e->moved[a], residual);
  }
  variance = variance + lane_max(lane_fma(lane_all(EKF_SHARPEST), variance, -e->v.variance[c]), lane_all(0.0));
  const lane inverse = lane_all(1.0) / variance;
  const lane pull = residual * inverse;
  e->distance2 = lane_fma(residual, pull, e->distance2);
  e->spread = e->spread * lane_select(m->present[c], variance * lane_all(MEASURE_TURN), lane_all(1.0));
  for (int a = 0; a < n; a++) {
    const lane move = ph[a] * pull;
    s->x[a] = s->x[a] + move;
    if (a < 6) e->moved[a] = e->moved[a] + move;
  }
  covariance_less(n, s->p, ph, inverse);
}

WK_INLINE void ekf_end(const struct ekf *e, struct mode_evidence *evidence) {
  evidence->distance2 = e->distance2;
  evidence->log_likelihood = lane_all(-0.5) * (lane_log(e->spread) + e->distance2);
}

WK_INLINE void mode_update(enum wk_kind kind, int n, const struct measure *m, struct imm_mode *s,
                           struct mode_evidence *evidence) {
  struct ekf e;
  ekf_begin(&e, kind, m, s);
  for (int c = 0; c < measure_components(kind); c++) ekf_component(&e, kind, n, c, m, s);
  ekf_end(&e, evidence);
}

#endif

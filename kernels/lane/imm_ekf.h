/* EKF update of one mode: one decorrelated component after the other with the Jacobian of the predicted state throughout, state and
 * covariance moved once for all of them (docs/maths.md M17). Both may lie in a block: their elements are `apart` lanes from each other. */
#ifndef WK_IMM_EKF_H
#define WK_IMM_EKF_H

#include "kernels/lane/gains.h"
#include "kernels/lane/imm_bank.h"

/* No component counts for more than this part of what its residual was expected to be: sharper than that rounding can't tell it from
 * certainty, and the variance left could come out as nothing, or less. */
#define EKF_SHARPEST 1e-13

/* ph = P row', the row's first `columns` elements not 0. */
WK_INLINE void covariance_gain(int n, int columns, const lane *p, int apart, const lane *row, lane *ph) {
  if (n == 6) (columns == 6 ? gain_6_6 : gain_6_3)(p, apart, row, ph);
  if (n == 7) (columns == 6 ? gain_7_6 : gain_7_3)(p, apart, row, ph);
  if (n == 9) (columns == 6 ? gain_9_6 : gain_9_3)(p, apart, row, ph);
}
/* P := P - sum of w w' inverse over the components. */
WK_INLINE void covariance_less(int n, int components, lane *p, int apart, const lane *w, const lane *inverse) {
  if (n == 6) (components == 4 ? downdate_6_4 : components == 3 ? downdate_6_3 : downdate_6_2)(p, apart, w, inverse);
  if (n == 7) (components == 4 ? downdate_7_4 : components == 3 ? downdate_7_3 : downdate_7_2)(p, apart, w, inverse);
  if (n == 9) (components == 4 ? downdate_9_4 : components == 3 ? downdate_9_3 : downdate_9_2)(p, apart, w, inverse);
}

/* A mode's update under way: of each component so far its gain by the covariance that the ones before it leave, 1 / variance, and
 * residual / variance. */
struct ekf {
  struct innovation v;
  lane gain[MEASURE_COMPONENTS_MAX][IMM_STATE_MAX];
  lane inverse[MEASURE_COMPONENTS_MAX], pull[MEASURE_COMPONENTS_MAX];
  lane spread, distance2;
};

WK_INLINE void ekf_begin(struct ekf *e, enum wk_kind kind, const struct measure *m, const lane *x) {
  innovation_at(kind, m, x, &e->v);
  e->spread = lane_all(1.0);
  e->distance2 = lane_all(0.0);
}

/* Works component c in, p the covariance. Its row touches the position; velocity only for range rate, the radar's last. State and
 * covariance stay as they are until the end: what the components before it have made of both it gets from their gains. */
WK_INLINE void ekf_component(struct ekf *e, enum wk_kind kind, int n, int c, const struct measure *m, const lane *p, int apart) {
  const int columns = kind == WK_RADAR && c == 3 ? 6 : 3;
  const lane *row = e->v.row[c];
  lane *gain = e->gain[c], residual = e->v.value[c], variance = e->v.variance[c];
  covariance_gain(n, columns, p, apart, row, gain);
  for (int k = 0; k < c; k++) {
    lane shared = row[0] * e->gain[k][0];
    for (int a = 1; a < columns; a++) shared = lane_fma(row[a], e->gain[k][a], shared);
    const lane part = shared * e->inverse[k];
    residual = lane_fnma(shared, e->pull[k], residual);
    for (int a = 0; a < n; a++) gain[a] = lane_fnma(part, e->gain[k][a], gain[a]);
  }
  for (int a = 0; a < columns; a++) variance = lane_fma(row[a], gain[a], variance);
  variance = variance + lane_max(lane_fma(lane_all(EKF_SHARPEST), variance, -e->v.variance[c]), lane_all(0.0));
  e->inverse[c] = lane_all(1.0) / variance;
  e->pull[c] = residual * e->inverse[c];
  e->distance2 = lane_fma(residual, e->pull[c], e->distance2);
  e->spread = e->spread * lane_select(m->present[c], variance * lane_all(MEASURE_TURN), lane_all(1.0));
}

/* What all components together say of the mode. */
WK_INLINE void ekf_evidence(const struct ekf *e, struct mode_evidence *evidence) {
  evidence->distance2 = e->distance2;
  evidence->log_likelihood = lane_all(-0.5) * (lane_log(e->spread) + e->distance2);
}

/* The state x and its covariance p with all components in. */
WK_INLINE void ekf_end(const struct ekf *e, enum wk_kind kind, int n, lane *x, lane *p, int apart) {
  const int components = measure_components(kind);
  for (int a = 0; a < n; a++) {
    lane moved = e->gain[0][a] * e->pull[0];
    for (int c = 1; c < components; c++) moved = lane_fma(e->gain[c][a], e->pull[c], moved);
    x[a * apart] = x[a * apart] + moved;
  }
  covariance_less(n, components, p, apart, e->gain[0], e->inverse);
}

WK_INLINE void mode_update(enum wk_kind kind, int n, const struct measure *m, struct imm_mode *s,
                           struct mode_evidence *evidence) {
  struct ekf e;
  ekf_begin(&e, kind, m, s->x);
  for (int c = 0; c < measure_components(kind); c++) ekf_component(&e, kind, n, c, m, s->p, 1);
  ekf_evidence(&e, evidence);
  ekf_end(&e, kind, n, s->x, s->p, 1);
}

#endif

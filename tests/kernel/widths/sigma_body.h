/* One body over eight lanes that uses all of kernels/lane/sigma.h, compiled once per width by the files beside this one: a model of
 * seven states with drag and turns, a measurement of three components, one of them an angle. The test gives and reads flat arrays. */
#ifndef TEST_SIGMA_BODY_H
#define TEST_SIGMA_BODY_H

#include "kernels/wk.h"

enum { SIGMA_BODY_N = 7, SIGMA_BODY_M = 3, SIGMA_BODY_P = WK_PACKED(7), SIGMA_BODY_R = WK_PACKED(3) };

struct sigma_body {
  wk_lane x[SIGMA_BODY_N], p[SIGMA_BODY_P], q[SIGMA_BODY_P];
  wk_lane z[SIGMA_BODY_M], r[SIGMA_BODY_R], present[SIGMA_BODY_M];
  wk_lane log_likelihood, distance2, predicted, updated; /* out; the last two 1.0 where done */
};

void sigma_body_1(struct sigma_body *body);
void sigma_body_4(struct sigma_body *body);
void sigma_body_8(struct sigma_body *body);

#ifdef WK_WIDTH
#include "kernels/lane/sigma.h"

WK_INLINE void body_motion(lane *x, const void *context) {
  const lane h = lane_all(*(const double *)context);
  lane s, c;
  lane_sincos(x[6] * h, &s, &c);
  const lane speed = lane_sqrt(dot3(x + 3, x + 3));
  const lane keep = lane_all(1.0) - h * speed * lane_exp(lane_min(x[2] * lane_all(-1e-4), lane_all(0.0))) * lane_all(1e-6);
  const lane vx = keep * lane_fma(c, x[3], -(s * x[4])), vy = keep * lane_fma(s, x[3], c * x[4]);
  x[3] = vx;
  x[4] = vy;
  x[5] = keep * x[5] - h * lane_all(9.8);
  for (int i = 0; i < 3; i++) x[i] = lane_fma(h, x[3 + i], x[i]);
}

WK_INLINE void body_sensor(const lane *x, lane *z, const void *context) {
  (void)context;
  const lane ground = lane_sqrt(lane_fma(x[0], x[0], x[1] * x[1]));
  z[0] = lane_sqrt(dot3(x, x));
  z[1] = lane_atan2(x[0], x[1]);
  z[2] = lane_atan2(x[2], ground);
}

WK_INLINE void body_run(struct sigma_body *b) {
  const struct sigma_spread spread = sigma_spread_of(SIGMA_BODY_N, 1, 2, 0);
  const double step_s = 0.5;
  const lane one = lane_all(1.0), zero = lane_all(0.0);
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    lane x[SIGMA_BODY_N], p[SIGMA_BODY_P], q[SIGMA_BODY_P];
    struct sigma_measure z;
    struct sigma_evidence evidence;
    lanes_load(x, b->x, SIGMA_BODY_N, first);
    lanes_load(p, b->p, SIGMA_BODY_P, first);
    lanes_load(q, b->q, SIGMA_BODY_P, first);
    lanes_load(z.z, b->z, SIGMA_BODY_M, first);
    lanes_load(z.r, b->r, SIGMA_BODY_R, first);
    for (int c = 0; c < SIGMA_BODY_M; c++) z.present[c] = ~lane_equal(lane_load(b->present[c] + first), zero);
    const lane_mask predicted = sigma_predict(SIGMA_BODY_N, &spread, body_motion, &step_s, q, x, p);
    const lane_mask updated = sigma_update(SIGMA_BODY_N, SIGMA_BODY_M, &spread, body_sensor, NULL, 2, &z, x, p, &evidence);
    lanes_store(b->x, x, SIGMA_BODY_N, first);
    lanes_store(b->p, p, SIGMA_BODY_P, first);
    lane_store(b->log_likelihood + first, evidence.log_likelihood);
    lane_store(b->distance2 + first, evidence.distance2);
    lane_store(b->predicted + first, lane_select(predicted, one, zero));
    lane_store(b->updated + first, lane_select(updated, one, zero));
  }
}
#endif

#endif

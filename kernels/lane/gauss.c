/* Gaussians of position and velocity: along a trajectory, and how far apart (docs/maths.md C1 to C3). */
#include "kernels/lane/definite.h"
#include "kernels/lane/imm_step.h"
#include "kernels/lane/variant.h"

void WK_NAME(gauss_predict)(struct wk_gauss_block *block, enum wk_mode mode, const wk_lane dt_s,
                            const wk_lane accel_mps2, const struct wk_tuning *tuning) {
  const wk_lane never_quiet = {0};
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = dt_bound(lane_load(dt_s + first));
    const lane_mask noisy = lanes_noisy(dt, lane_load(never_quiet + first));
    if (mode == WK_CV) {
      mode_predict(WK_CV, block->e, first, dt, noisy, tuning);
    } else {
      mode_predict(WK_COAST, block->e, first, dt, noisy, tuning);
    }
    const lane accel = lane_load(accel_mps2 + first), span = lane_abs(dt), psd = accel * accel * span;
    const lane vv = psd * span, pv = psd * dt * span * lane_all(0.5), pp = psd * span * span * span * lane_all(1.0 / 3.0);
    for (int c = 0; c < 3; c++) {
      double *const at[3] = {block->e[GAUSS_N + packed_at(GAUSS_N, c, c)], block->e[GAUSS_N + packed_at(GAUSS_N, c, 3 + c)],
                             block->e[GAUSS_N + packed_at(GAUSS_N, 3 + c, 3 + c)]};
      const lane more[3] = {pp, pv, vv};
      for (int i = 0; i < 3; i++) lane_store(at[i] + first, lane_load(at[i] + first) + more[i]);
    }
  }
}

/* With four lanes at a time both halves of a block go hand in hand: one's quotients fill the other's. */
enum { DISTANCE_HANDS = WK_WIDTH == 4 ? 2 : 1 };

/* Their sum and difference. */
WK_INLINE void distance_load(const double *one, const struct wk_gauss_block *many, int first, lane *s, lane *x) {
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) {
    x[i] = lane_load(many->e[i] + first) - lane_all(one[i]);
    WK_UNROLL for (int j = i; j < GAUSS_N; j++) {
      const int at = packed_at(GAUSS_N, i, j);
      s[at] = lane_load(many->e[GAUSS_N + at] + first) + lane_all(one[GAUSS_N + at]);
    }
  }
}

void WK_NAME(gauss_distance)(const double one[WK_GAUSS_ELEMENTS], const struct wk_gauss_block *many,
                             wk_lane distance2, wk_lane log_likelihood) {
  const lane absurd = lane_all(SIGMA_ABSURD);
  const double turn3 = SIGMA_TURN * SIGMA_TURN * SIGMA_TURN;
  for (int first = 0; first < WK_LANES; first += WK_WIDTH * DISTANCE_HANDS) {
    lane x[DISTANCE_HANDS][GAUSS_N];
    struct definite sum[DISTANCE_HANDS];
    WK_UNROLL for (int h = 0; h < DISTANCE_HANDS; h++) distance_load(one, many, first + h * WK_WIDTH, sum[h].s, x[h]);
    definite_factor(DISTANCE_HANDS, sum);
    WK_UNROLL for (int h = 0; h < DISTANCE_HANDS; h++) {
      const int at = first + h * WK_WIDTH;
      lane sum2 = lane_all(0.0);
      forward_6(sum[h].s, x[h]);
      WK_UNROLL for (int j = 0; j < GAUSS_N; j++) sum2 = lane_fma(x[h][j] * sum[h].inverse[j], x[h][j], sum2);
      const lane volume = factor_determinant(sum[h].s) * lane_all(turn3 * turn3);
      const lane_mask sane = sum[h].sound & lane_less(sum2, absurd) & lane_less(lane_all(0.0), volume) & lane_less(volume, absurd);
      const lane density = lane_all(-0.5) * (lane_log(lane_select(sane, volume, lane_all(1.0))) + sum2);
      lane_store(distance2 + at, lane_select(sane, sum2, absurd));
      lane_store(log_likelihood + at, lane_select(sane, density, -absurd));
    }
  }
}

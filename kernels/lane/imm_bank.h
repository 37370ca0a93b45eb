/* What every update of a bank shares, whatever updates its modes: weights by likelihood, the evidence of the
 * bank, and which lanes take it (docs/maths.md M18). */
#ifndef WK_IMM_BANK_H
#define WK_IMM_BANK_H

#include "kernels/lane/imm_measure.h"
#include "kernels/lane/imm_state.h"

/* Modes of less weight have no say in the distance. */
#define UPDATE_WEIGHT_HEARD 1e-7
/* What a lane reports whose innovation is not a number, or beyond belief: nothing explains it, nothing is
 * updated. */
#define UPDATE_ABSURD 1e300

enum { UPDATE_MODES_MAX = 3 };

/* What a measurement says of one mode. */
struct mode_evidence {
  lane log_likelihood, distance2;
};

/* Weights by likelihood (log-sum-exp), the evidence of the bank, and which lanes are sane. */
WK_INLINE lane_mask weights_update(int modes, const struct mode_evidence *evidence, lane *weight,
                                   lane *log_likelihood, lane *distance2) {
  const lane absurd = lane_all(UPDATE_ABSURD);
  lane best = -absurd, nearest = absurd;
  lane_mask sane = lane_equal(lane_all(0.0), lane_all(0.0));
  for (int m = 0; m < modes; m++) {
    // NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage) written for each of the four kinds, and there are no others
    sane &= lane_less(lane_abs(evidence[m].log_likelihood), absurd);
    best = lane_max(evidence[m].log_likelihood, best);
    const lane heard =
        lane_select(lane_less(lane_all(UPDATE_WEIGHT_HEARD), weight[m]), evidence[m].distance2, absurd);
    nearest = lane_min(heard, nearest);
  }
  lane sum = lane_all(0.0);
  for (int m = 0; m < modes; m++) {
    weight[m] = weight[m] * lane_exp(evidence[m].log_likelihood - best);
    sum = sum + weight[m];
  }
  weights_normalise(weight, modes);
  *log_likelihood = lane_select(sane, best + lane_log(sum), -absurd);
  *distance2 = lane_select(sane, nearest, absurd);
  return sane;
}

/* A measurement in the lanes at hand, and what it says of a bank's modes. */
struct bank {
  struct measure m;
  struct mode_evidence found[UPDATE_MODES_MAX];
};

/* Weights and evidence from what was found of each mode; which lanes take the posterior. */
WK_INLINE lane_mask bank_weigh(const struct bank *bank, enum wk_kind kind, int modes, wk_lane *weights,
                               const wk_lane enable, struct wk_evidence_block *evidence, int first) {
  lane weight[UPDATE_MODES_MAX], log_likelihood, distance2, dimension = lane_all(0.0);
  lanes_load(weight, weights, modes, first);
  const lane_mask sane = weights_update(modes, bank->found, weight, &log_likelihood, &distance2);
  const lane_mask wanted = sane & lane_not(lane_equal(lane_load(enable + first), lane_all(0.0)));
  lanes_store_where(weights, weight, modes, first, wanted);

  for (int c = 0; c < measure_components(kind); c++) {
    dimension = dimension + lane_select(bank->m.present[c], lane_all(1.0), lane_all(0.0));
  }
  lane_store(evidence->log_likelihood + first, log_likelihood);
  lane_store(evidence->distance2 + first, distance2);
  lane_store(evidence->dimension + first, dimension);
  for (int i = 0; i < UPDATE_MODES_MAX; i++) {
    lane_store(evidence->mode_log_likelihood[i] + first, i < modes ? bank->found[i].log_likelihood : lane_all(0.0));
  }
  return wanted;
}

WK_INLINE void bank_begin(struct bank *bank, enum wk_kind kind, const struct wk_measure_block *measure, int first) {
  measure_load(&bank->m, kind, measure, first);
  measure_turn(&bank->m, kind);
}

#endif

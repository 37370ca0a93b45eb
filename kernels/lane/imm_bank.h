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

/* Updates one mode of n states by a measurement of this kind. */
typedef void (*mode_method)(enum wk_kind kind, int n, const struct measure *m, struct imm_mode *s,
                            struct mode_evidence *evidence);

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

/* One bank in the lanes at hand: modes[] give each mode's dimension and first element. */
WK_INLINE void bank_update(mode_method method, enum wk_kind kind, int modes, const int *n, const int *at,
                           int weight_at, wk_lane *e, const struct wk_measure_block *measure,
                           const wk_lane enable, struct wk_evidence_block *evidence, int first) {
  struct measure m;
  struct imm_mode s[UPDATE_MODES_MAX];
  struct mode_evidence found[UPDATE_MODES_MAX];
  lane weight[UPDATE_MODES_MAX], log_likelihood, distance2, dimension = lane_all(0.0);
  measure_load(&m, kind, measure, first);
  for (int i = 0; i < modes; i++) {
    mode_load(&s[i], n[i], &e[at[i]], first);
    method(kind, n[i], &m, &s[i], &found[i]);
  }
  lanes_load(weight, &e[weight_at], modes, first);
  const lane_mask sane = weights_update(modes, found, weight, &log_likelihood, &distance2);
  const lane_mask wanted = sane & ~lane_equal(lane_load(enable + first), lane_all(0.0));
  for (int i = 0; i < modes; i++) mode_store_where(&s[i], n[i], &e[at[i]], first, wanted);
  lanes_store_where(&e[weight_at], weight, modes, first, wanted);

  for (int c = 0; c < measure_components(kind); c++) {
    dimension = dimension + lane_select(m.present[c], lane_all(1.0), lane_all(0.0));
  }
  lane_store(evidence->log_likelihood + first, log_likelihood);
  lane_store(evidence->distance2 + first, distance2);
  lane_store(evidence->dimension + first, dimension);
  for (int i = 0; i < UPDATE_MODES_MAX; i++) {
    lane_store(evidence->mode_log_likelihood[i] + first, i < modes ? found[i].log_likelihood : lane_all(0.0));
  }
}

#endif

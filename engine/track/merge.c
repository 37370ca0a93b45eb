#include "engine/track/merge.h"

#include <math.h>
#include <string.h>

#include "engine/base/check.h"

static const double weight_min = 1e-9; /* of a mode, as in the kernels (M18) */

/* Where a mode lies in a track's record. */
struct mode_place {
  uint8_t n, bank;
  uint16_t state, covariance, weight;
};

enum { AIRCRAFT_AT = WK_BALLISTIC_ELEMENTS };
static const struct mode_place modes[WK_MODES] = {
    [WK_BOOST] = {WK_BOOST_N, BANK_BALLISTIC, WK_B_BOOST_X, WK_B_BOOST_P, WK_B_WEIGHT},
    [WK_COAST] = {WK_COAST_N, BANK_BALLISTIC, WK_B_COAST_X, WK_B_COAST_P, WK_B_WEIGHT + 1},
    [WK_REENTRY] = {WK_REENTRY_N, BANK_BALLISTIC, WK_B_REENTRY_X, WK_B_REENTRY_P, WK_B_WEIGHT + 2},
    [WK_CV] = {WK_CV_N, BANK_AIRCRAFT, AIRCRAFT_AT + WK_A_CV_X, AIRCRAFT_AT + WK_A_CV_P,
               AIRCRAFT_AT + WK_A_WEIGHT},
    [WK_CT] = {WK_CT_N, BANK_AIRCRAFT, AIRCRAFT_AT + WK_A_CT_X, AIRCRAFT_AT + WK_A_CT_P,
               AIRCRAFT_AT + WK_A_WEIGHT + 1},
};

/* P(class of this bank) without cancellation where the other class is nearly certain. */
static double bank_probability(const struct track *track, uint8_t bank) {
  double ballistic = track_ballistic_probability(track);
  if (bank == BANK_BALLISTIC) return ballistic;
  if (track->banks != (BANK_BALLISTIC | BANK_AIRCRAFT)) return 1 - ballistic;
  return ballistic < 0.5 ? 1 - ballistic : ballistic * wk_exp(-track->class_log_odds);
}

/* Weight of the mode in one hypothesis: hypothesis, class and mode together. */
static double mode_weight(const struct hypothesis *hypothesis, const struct mode_place *mode) {
  if (!(hypothesis->track->banks & mode->bank)) return 0;
  return hypothesis->weight * bank_probability(hypothesis->track, mode->bank) *
         hypothesis->track->bank[mode->weight];
}

/* One mode over all hypotheses, by moments. Returns its weight. */
static double mode_merge(double *bank, const struct mode_place *mode, const struct hypothesis *hypotheses,
                         uint32_t count) {
  double total = 0, *x = bank + mode->state, *p = bank + mode->covariance;
  for (uint32_t h = 0; h < count; h++) total += mode_weight(&hypotheses[h], mode);
  if (!(total > 0)) return 0; /* of a bank that takes no part */
  memset(x, 0, mode->n * sizeof *x);
  memset(p, 0, (size_t)WK_PACKED(mode->n) * sizeof *p);
  for (uint32_t h = 0; h < count; h++) {
    double share = mode_weight(&hypotheses[h], mode) / total;
    const double *from = hypotheses[h].track->bank + mode->state;
    for (int i = 0; i < mode->n; i++) x[i] += share * from[i];
  }
  for (uint32_t h = 0; h < count; h++) {
    double share = mode_weight(&hypotheses[h], mode) / total;
    const double *from = hypotheses[h].track->bank;
    for (int i = 0; i < mode->n; i++) {
      double off = from[mode->state + i] - x[i];
      for (int j = i; j < mode->n; j++) {
        double spread = off * (from[mode->state + j] - x[j]);
        p[WK_AT(mode->n, i, j)] += share * (from[mode->covariance + WK_AT(mode->n, i, j)] + spread);
      }
    }
  }
  return total;
}

/* Both banks' modes by moments; the weight of each bank. */
static void banks_merge(double bank[WK_TRACK_ELEMENTS], const struct hypothesis *hypotheses, uint32_t count,
                        double bank_weight[BANK_AIRCRAFT + 1]) {
  double weight[WK_MODES], floored[BANK_AIRCRAFT + 1] = {0};
  for (int m = 0; m < WK_MODES; m++) {
    weight[m] = mode_merge(bank, &modes[m], hypotheses, count);
    bank_weight[modes[m].bank] += weight[m];
  }
  for (int m = 0; m < WK_MODES; m++) {
    if (bank_weight[modes[m].bank] > 0) weight[m] = fmax(weight[m] / bank_weight[modes[m].bank], weight_min);
    floored[modes[m].bank] += weight[m];
  }
  for (int m = 0; m < WK_MODES; m++) {
    if (bank_weight[modes[m].bank] > 0) bank[modes[m].weight] = weight[m] / floored[modes[m].bank];
  }
}

void merge_hypotheses(struct track *track, const struct hypothesis *hypotheses, uint32_t count) {
  weft_assert(count > 0);
  const struct track *first = hypotheses[0].track;
  track->time_ns = first->time_ns;
  if (count == 1) {
    memcpy(track->bank, first->bank, sizeof track->bank);
    track->banks = first->banks;
    track->class_log_odds = first->class_log_odds;
    return;
  }
  double bank_weight[BANK_AIRCRAFT + 1] = {0}, odds = 0;
  uint8_t banks = 0;
  for (uint32_t h = 0; h < count; h++) {
    banks |= hypotheses[h].track->banks;
    odds += hypotheses[h].weight * hypotheses[h].track->class_log_odds;
  }
  banks_merge(track->bank, hypotheses, count, bank_weight);
  double ballistic = bank_weight[BANK_BALLISTIC], aircraft = bank_weight[BANK_AIRCRAFT];
  track->banks = banks;
  /* With one class left its odds only say how sure it was. */
  track->class_log_odds = ballistic > 0 && aircraft > 0 ? wk_log(ballistic) - wk_log(aircraft) : odds;
  track->class_log_odds = fmin(fmax(track->class_log_odds, -40), 40);
}

/* Covariances of six states, packed, as L D L' in lanes: L below a diagonal of ones, D the pivots. */
#ifndef WK_DEFINITE_H
#define WK_DEFINITE_H

#include "kernels/lane/imm_state.h"
#include "kernels/lane/products.h"
#include "kernels/lane/sigma.h"

enum { GAUSS_N = 6, GAUSS_PACKED = WK_PACKED(GAUSS_N), DEFINITE_HANDS_MAX = 2 };

/* The lanes where all of D is above 0: of what can't be anything else unless it has left the range of doubles. */
WK_INLINE lane_mask factor_positive(const lane *s) {
  lane_mask positive = lane_equal(lane_all(0.0), lane_all(0.0));
  for (int j = 0; j < GAUSS_N; j++) {
    const lane pivot = s[packed_at(GAUSS_N, j, j)];
    positive &= lane_less(lane_all(0.0), pivot) & lane_less(pivot, lane_all(SIGMA_ABSURD));
  }
  return positive;
}

/* Row j of s = L D L': what is left of s less its outer product, then that row of L'. */
WK_INLINE void pivot_6(int j, lane *s, lane inverse) {
  if (j == 0) pivot_6_0(s, inverse);
  if (j == 1) pivot_6_1(s, inverse);
  if (j == 2) pivot_6_2(s, inverse);
  if (j == 3) pivot_6_3(s, inverse);
  if (j == 4) pivot_6_4(s, inverse);
}

/* A covariance as L D L', the rows of L' in s with D on their diagonal, and 1 / D. */
struct definite {
  lane s[GAUSS_PACKED], inverse[GAUSS_N];
  lane_mask sound; /* the lanes where it is definite beyond doubt: in the others all of it means nothing */
};

/* Takes what is in s of each of `hands` apart, hand in hand. No roots: a quotient is all that one row waits for of the row before, and
 * whether it is sound is asked afterwards. */
WK_INLINE void definite_factor(int hands, struct definite *f) {
  lane was[DEFINITE_HANDS_MAX][GAUSS_N];
  WK_UNROLL for (int j = 0; j < GAUSS_N; j++) {
    WK_UNROLL for (int h = 0; h < hands; h++) was[h][j] = f[h].s[packed_at(GAUSS_N, j, j)];
  }
  WK_UNROLL for (int j = 0; j < GAUSS_N; j++) {
    WK_UNROLL for (int h = 0; h < hands; h++) {
      f[h].inverse[j] = lane_all(1.0) / f[h].s[packed_at(GAUSS_N, j, j)];
      pivot_6(j, f[h].s, f[h].inverse[j]);
    }
  }
  WK_UNROLL for (int h = 0; h < hands; h++) {
    f[h].sound = factor_positive(f[h].s);
    WK_UNROLL for (int j = 0; j < GAUSS_N; j++) {
      f[h].sound &= lane_less(was[h][j] * lane_all(SIGMA_PIVOT_LEAST), f[h].s[packed_at(GAUSS_N, j, j)]);
    }
  }
}

/* The product of D. */
WK_INLINE lane factor_determinant(const lane *s) {
  return (s[packed_at(GAUSS_N, 0, 0)] * s[packed_at(GAUSS_N, 1, 1)]) * (s[packed_at(GAUSS_N, 2, 2)] * s[packed_at(GAUSS_N, 3, 3)]) *
         (s[packed_at(GAUSS_N, 4, 4)] * s[packed_at(GAUSS_N, 5, 5)]);
}

#endif

/* What an update needs of a covariance, packed: its products with a measurement's rows, and what the gain takes from it. Written by kernels/generate/products.py: change that, not this. */
#ifndef WK_GAINS_H
#define WK_GAINS_H

#include "kernels/lane/lane.h"

/* ph = p row' of 6 states, the elements of p `apart` from each other; the row is xxx000. */
WK_INLINE void gain_6_3(const lane *p, int apart, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0 * apart] * r0; lane h1 = p[1 * apart] * r0; lane h2 = p[2 * apart] * r0;
  lane h3 = p[3 * apart] * r0; lane h4 = p[4 * apart] * r0; lane h5 = p[5 * apart] * r0; const lane r1 = row[1];
  h0 = lane_fma(p[1 * apart], r1, h0); h1 = lane_fma(p[6 * apart], r1, h1); h2 = lane_fma(p[7 * apart], r1, h2);
  h3 = lane_fma(p[8 * apart], r1, h3); h4 = lane_fma(p[9 * apart], r1, h4); h5 = lane_fma(p[10 * apart], r1, h5);
  const lane r2 = row[2]; h0 = lane_fma(p[2 * apart], r2, h0); h1 = lane_fma(p[7 * apart], r2, h1);
  h2 = lane_fma(p[11 * apart], r2, h2); h3 = lane_fma(p[12 * apart], r2, h3); h4 = lane_fma(p[13 * apart], r2, h4);
  h5 = lane_fma(p[14 * apart], r2, h5); ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5;
}

/* ph = p row' of 6 states, the elements of p `apart` from each other; the row is xxxxxx. */
WK_INLINE void gain_6_6(const lane *p, int apart, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0 * apart] * r0; lane h1 = p[1 * apart] * r0; lane h2 = p[2 * apart] * r0;
  lane h3 = p[3 * apart] * r0; lane h4 = p[4 * apart] * r0; lane h5 = p[5 * apart] * r0; const lane r1 = row[1];
  h0 = lane_fma(p[1 * apart], r1, h0); h1 = lane_fma(p[6 * apart], r1, h1); h2 = lane_fma(p[7 * apart], r1, h2);
  h3 = lane_fma(p[8 * apart], r1, h3); h4 = lane_fma(p[9 * apart], r1, h4); h5 = lane_fma(p[10 * apart], r1, h5);
  const lane r2 = row[2]; h0 = lane_fma(p[2 * apart], r2, h0); h1 = lane_fma(p[7 * apart], r2, h1);
  h2 = lane_fma(p[11 * apart], r2, h2); h3 = lane_fma(p[12 * apart], r2, h3); h4 = lane_fma(p[13 * apart], r2, h4);
  h5 = lane_fma(p[14 * apart], r2, h5); const lane r3 = row[3]; h0 = lane_fma(p[3 * apart], r3, h0);
  h1 = lane_fma(p[8 * apart], r3, h1); h2 = lane_fma(p[12 * apart], r3, h2); h3 = lane_fma(p[15 * apart], r3, h3);
  h4 = lane_fma(p[16 * apart], r3, h4); h5 = lane_fma(p[17 * apart], r3, h5); const lane r4 = row[4];
  h0 = lane_fma(p[4 * apart], r4, h0); h1 = lane_fma(p[9 * apart], r4, h1); h2 = lane_fma(p[13 * apart], r4, h2);
  h3 = lane_fma(p[16 * apart], r4, h3); h4 = lane_fma(p[18 * apart], r4, h4); h5 = lane_fma(p[19 * apart], r4, h5);
  const lane r5 = row[5]; h0 = lane_fma(p[5 * apart], r5, h0); h1 = lane_fma(p[10 * apart], r5, h1);
  h2 = lane_fma(p[14 * apart], r5, h2); h3 = lane_fma(p[17 * apart], r5, h3); h4 = lane_fma(p[19 * apart], r5, h4);
  h5 = lane_fma(p[20 * apart], r5, h5); ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5;
}

/* p -= sum of w w' inverse over 2 components, of 6 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_6_2(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1];
  p[0 * apart] = lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart]));
  p[1 * apart] = lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart]));
  p[2 * apart] = lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart]));
  p[3 * apart] = lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart]));
  p[4 * apart] = lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart]));
  p[5 * apart] = lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart])); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; p[6 * apart] = lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[6 * apart]));
  p[7 * apart] = lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[7 * apart]));
  p[8 * apart] = lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[8 * apart]));
  p[9 * apart] = lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[9 * apart]));
  p[10 * apart] = lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[10 * apart])); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; p[11 * apart] = lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[11 * apart]));
  p[12 * apart] = lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[12 * apart]));
  p[13 * apart] = lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[13 * apart]));
  p[14 * apart] = lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[14 * apart])); const lane g0_3 = w[3] * inverse[0];
  const lane g1_3 = w[12] * inverse[1]; p[15 * apart] = lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[15 * apart]));
  p[16 * apart] = lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[16 * apart]));
  p[17 * apart] = lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[17 * apart])); const lane g0_4 = w[4] * inverse[0];
  const lane g1_4 = w[13] * inverse[1]; p[18 * apart] = lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[18 * apart]));
  p[19 * apart] = lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[19 * apart])); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; p[20 * apart] = lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[20 * apart]));
}

/* p -= sum of w w' inverse over 3 components, of 6 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_6_3(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  p[0 * apart] = lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart])));
  p[1 * apart] = lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart])));
  p[2 * apart] = lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart])));
  p[3 * apart] = lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart])));
  p[4 * apart] = lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart])));
  p[5 * apart] = lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart])));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  p[6 * apart] = lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[6 * apart])));
  p[7 * apart] = lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[7 * apart])));
  p[8 * apart] = lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[8 * apart])));
  p[9 * apart] = lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[9 * apart])));
  p[10 * apart] = lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[10 * apart])));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  p[11 * apart] = lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[11 * apart])));
  p[12 * apart] = lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[12 * apart])));
  p[13 * apart] = lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[13 * apart])));
  p[14 * apart] = lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[14 * apart])));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  p[15 * apart] = lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[15 * apart])));
  p[16 * apart] = lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[16 * apart])));
  p[17 * apart] = lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[17 * apart])));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  p[18 * apart] = lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[18 * apart])));
  p[19 * apart] = lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[19 * apart])));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  p[20 * apart] = lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[20 * apart])));
}

/* p -= sum of w w' inverse over 4 components, of 6 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_6_4(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  const lane g3_0 = w[27] * inverse[3];
  p[0 * apart] = lane_fnma(g3_0, w[27], lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart]))));
  p[1 * apart] = lane_fnma(g3_0, w[28], lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart]))));
  p[2 * apart] = lane_fnma(g3_0, w[29], lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart]))));
  p[3 * apart] = lane_fnma(g3_0, w[30], lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart]))));
  p[4 * apart] = lane_fnma(g3_0, w[31], lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart]))));
  p[5 * apart] = lane_fnma(g3_0, w[32], lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart]))));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  const lane g3_1 = w[28] * inverse[3];
  p[6 * apart] = lane_fnma(g3_1, w[28], lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[6 * apart]))));
  p[7 * apart] = lane_fnma(g3_1, w[29], lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[7 * apart]))));
  p[8 * apart] = lane_fnma(g3_1, w[30], lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[8 * apart]))));
  p[9 * apart] = lane_fnma(g3_1, w[31], lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[9 * apart]))));
  p[10 * apart] = lane_fnma(g3_1, w[32], lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[10 * apart]))));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  const lane g3_2 = w[29] * inverse[3];
  p[11 * apart] = lane_fnma(g3_2, w[29], lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[11 * apart]))));
  p[12 * apart] = lane_fnma(g3_2, w[30], lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[12 * apart]))));
  p[13 * apart] = lane_fnma(g3_2, w[31], lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[13 * apart]))));
  p[14 * apart] = lane_fnma(g3_2, w[32], lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[14 * apart]))));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  const lane g3_3 = w[30] * inverse[3];
  p[15 * apart] = lane_fnma(g3_3, w[30], lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[15 * apart]))));
  p[16 * apart] = lane_fnma(g3_3, w[31], lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[16 * apart]))));
  p[17 * apart] = lane_fnma(g3_3, w[32], lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[17 * apart]))));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  const lane g3_4 = w[31] * inverse[3];
  p[18 * apart] = lane_fnma(g3_4, w[31], lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[18 * apart]))));
  p[19 * apart] = lane_fnma(g3_4, w[32], lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[19 * apart]))));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  const lane g3_5 = w[32] * inverse[3];
  p[20 * apart] = lane_fnma(g3_5, w[32], lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[20 * apart]))));
}

/* ph = p row' of 7 states, the elements of p `apart` from each other; the row is xxx0000. */
WK_INLINE void gain_7_3(const lane *p, int apart, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0 * apart] * r0; lane h1 = p[1 * apart] * r0; lane h2 = p[2 * apart] * r0;
  lane h3 = p[3 * apart] * r0; lane h4 = p[4 * apart] * r0; lane h5 = p[5 * apart] * r0; lane h6 = p[6 * apart] * r0;
  const lane r1 = row[1]; h0 = lane_fma(p[1 * apart], r1, h0); h1 = lane_fma(p[7 * apart], r1, h1);
  h2 = lane_fma(p[8 * apart], r1, h2); h3 = lane_fma(p[9 * apart], r1, h3); h4 = lane_fma(p[10 * apart], r1, h4);
  h5 = lane_fma(p[11 * apart], r1, h5); h6 = lane_fma(p[12 * apart], r1, h6); const lane r2 = row[2];
  h0 = lane_fma(p[2 * apart], r2, h0); h1 = lane_fma(p[8 * apart], r2, h1); h2 = lane_fma(p[13 * apart], r2, h2);
  h3 = lane_fma(p[14 * apart], r2, h3); h4 = lane_fma(p[15 * apart], r2, h4); h5 = lane_fma(p[16 * apart], r2, h5);
  h6 = lane_fma(p[17 * apart], r2, h6); ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6;
}

/* ph = p row' of 7 states, the elements of p `apart` from each other; the row is xxxxxx0. */
WK_INLINE void gain_7_6(const lane *p, int apart, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0 * apart] * r0; lane h1 = p[1 * apart] * r0; lane h2 = p[2 * apart] * r0;
  lane h3 = p[3 * apart] * r0; lane h4 = p[4 * apart] * r0; lane h5 = p[5 * apart] * r0; lane h6 = p[6 * apart] * r0;
  const lane r1 = row[1]; h0 = lane_fma(p[1 * apart], r1, h0); h1 = lane_fma(p[7 * apart], r1, h1);
  h2 = lane_fma(p[8 * apart], r1, h2); h3 = lane_fma(p[9 * apart], r1, h3); h4 = lane_fma(p[10 * apart], r1, h4);
  h5 = lane_fma(p[11 * apart], r1, h5); h6 = lane_fma(p[12 * apart], r1, h6); const lane r2 = row[2];
  h0 = lane_fma(p[2 * apart], r2, h0); h1 = lane_fma(p[8 * apart], r2, h1); h2 = lane_fma(p[13 * apart], r2, h2);
  h3 = lane_fma(p[14 * apart], r2, h3); h4 = lane_fma(p[15 * apart], r2, h4); h5 = lane_fma(p[16 * apart], r2, h5);
  h6 = lane_fma(p[17 * apart], r2, h6); const lane r3 = row[3]; h0 = lane_fma(p[3 * apart], r3, h0);
  h1 = lane_fma(p[9 * apart], r3, h1); h2 = lane_fma(p[14 * apart], r3, h2); h3 = lane_fma(p[18 * apart], r3, h3);
  h4 = lane_fma(p[19 * apart], r3, h4); h5 = lane_fma(p[20 * apart], r3, h5); h6 = lane_fma(p[21 * apart], r3, h6);
  const lane r4 = row[4]; h0 = lane_fma(p[4 * apart], r4, h0); h1 = lane_fma(p[10 * apart], r4, h1);
  h2 = lane_fma(p[15 * apart], r4, h2); h3 = lane_fma(p[19 * apart], r4, h3); h4 = lane_fma(p[22 * apart], r4, h4);
  h5 = lane_fma(p[23 * apart], r4, h5); h6 = lane_fma(p[24 * apart], r4, h6); const lane r5 = row[5];
  h0 = lane_fma(p[5 * apart], r5, h0); h1 = lane_fma(p[11 * apart], r5, h1); h2 = lane_fma(p[16 * apart], r5, h2);
  h3 = lane_fma(p[20 * apart], r5, h3); h4 = lane_fma(p[23 * apart], r5, h4); h5 = lane_fma(p[25 * apart], r5, h5);
  h6 = lane_fma(p[26 * apart], r5, h6); ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6;
}

/* p -= sum of w w' inverse over 2 components, of 7 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_7_2(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1];
  p[0 * apart] = lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart]));
  p[1 * apart] = lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart]));
  p[2 * apart] = lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart]));
  p[3 * apart] = lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart]));
  p[4 * apart] = lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart]));
  p[5 * apart] = lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart]));
  p[6 * apart] = lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6 * apart])); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; p[7 * apart] = lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[7 * apart]));
  p[8 * apart] = lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[8 * apart]));
  p[9 * apart] = lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[9 * apart]));
  p[10 * apart] = lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[10 * apart]));
  p[11 * apart] = lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[11 * apart]));
  p[12 * apart] = lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[12 * apart])); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; p[13 * apart] = lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[13 * apart]));
  p[14 * apart] = lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[14 * apart]));
  p[15 * apart] = lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[15 * apart]));
  p[16 * apart] = lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[16 * apart]));
  p[17 * apart] = lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[17 * apart])); const lane g0_3 = w[3] * inverse[0];
  const lane g1_3 = w[12] * inverse[1]; p[18 * apart] = lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[18 * apart]));
  p[19 * apart] = lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[19 * apart]));
  p[20 * apart] = lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[20 * apart]));
  p[21 * apart] = lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[21 * apart])); const lane g0_4 = w[4] * inverse[0];
  const lane g1_4 = w[13] * inverse[1]; p[22 * apart] = lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[22 * apart]));
  p[23 * apart] = lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[23 * apart]));
  p[24 * apart] = lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[24 * apart])); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; p[25 * apart] = lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[25 * apart]));
  p[26 * apart] = lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[26 * apart])); const lane g0_6 = w[6] * inverse[0];
  const lane g1_6 = w[15] * inverse[1]; p[27 * apart] = lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[27 * apart]));
}

/* p -= sum of w w' inverse over 3 components, of 7 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_7_3(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  p[0 * apart] = lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart])));
  p[1 * apart] = lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart])));
  p[2 * apart] = lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart])));
  p[3 * apart] = lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart])));
  p[4 * apart] = lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart])));
  p[5 * apart] = lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart])));
  p[6 * apart] = lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6 * apart])));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  p[7 * apart] = lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[7 * apart])));
  p[8 * apart] = lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[8 * apart])));
  p[9 * apart] = lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[9 * apart])));
  p[10 * apart] = lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[10 * apart])));
  p[11 * apart] = lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[11 * apart])));
  p[12 * apart] = lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[12 * apart])));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  p[13 * apart] = lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[13 * apart])));
  p[14 * apart] = lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[14 * apart])));
  p[15 * apart] = lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[15 * apart])));
  p[16 * apart] = lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[16 * apart])));
  p[17 * apart] = lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[17 * apart])));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  p[18 * apart] = lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[18 * apart])));
  p[19 * apart] = lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[19 * apart])));
  p[20 * apart] = lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[20 * apart])));
  p[21 * apart] = lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[21 * apart])));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  p[22 * apart] = lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[22 * apart])));
  p[23 * apart] = lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[23 * apart])));
  p[24 * apart] = lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[24 * apart])));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  p[25 * apart] = lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[25 * apart])));
  p[26 * apart] = lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[26 * apart])));
  const lane g0_6 = w[6] * inverse[0]; const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  p[27 * apart] = lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[27 * apart])));
}

/* p -= sum of w w' inverse over 4 components, of 7 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_7_4(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  const lane g3_0 = w[27] * inverse[3];
  p[0 * apart] = lane_fnma(g3_0, w[27], lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart]))));
  p[1 * apart] = lane_fnma(g3_0, w[28], lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart]))));
  p[2 * apart] = lane_fnma(g3_0, w[29], lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart]))));
  p[3 * apart] = lane_fnma(g3_0, w[30], lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart]))));
  p[4 * apart] = lane_fnma(g3_0, w[31], lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart]))));
  p[5 * apart] = lane_fnma(g3_0, w[32], lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart]))));
  p[6 * apart] = lane_fnma(g3_0, w[33], lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6 * apart]))));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  const lane g3_1 = w[28] * inverse[3];
  p[7 * apart] = lane_fnma(g3_1, w[28], lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[7 * apart]))));
  p[8 * apart] = lane_fnma(g3_1, w[29], lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[8 * apart]))));
  p[9 * apart] = lane_fnma(g3_1, w[30], lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[9 * apart]))));
  p[10 * apart] = lane_fnma(g3_1, w[31], lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[10 * apart]))));
  p[11 * apart] = lane_fnma(g3_1, w[32], lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[11 * apart]))));
  p[12 * apart] = lane_fnma(g3_1, w[33], lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[12 * apart]))));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  const lane g3_2 = w[29] * inverse[3];
  p[13 * apart] = lane_fnma(g3_2, w[29], lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[13 * apart]))));
  p[14 * apart] = lane_fnma(g3_2, w[30], lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[14 * apart]))));
  p[15 * apart] = lane_fnma(g3_2, w[31], lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[15 * apart]))));
  p[16 * apart] = lane_fnma(g3_2, w[32], lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[16 * apart]))));
  p[17 * apart] = lane_fnma(g3_2, w[33], lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[17 * apart]))));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  const lane g3_3 = w[30] * inverse[3];
  p[18 * apart] = lane_fnma(g3_3, w[30], lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[18 * apart]))));
  p[19 * apart] = lane_fnma(g3_3, w[31], lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[19 * apart]))));
  p[20 * apart] = lane_fnma(g3_3, w[32], lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[20 * apart]))));
  p[21 * apart] = lane_fnma(g3_3, w[33], lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[21 * apart]))));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  const lane g3_4 = w[31] * inverse[3];
  p[22 * apart] = lane_fnma(g3_4, w[31], lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[22 * apart]))));
  p[23 * apart] = lane_fnma(g3_4, w[32], lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[23 * apart]))));
  p[24 * apart] = lane_fnma(g3_4, w[33], lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[24 * apart]))));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  const lane g3_5 = w[32] * inverse[3];
  p[25 * apart] = lane_fnma(g3_5, w[32], lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[25 * apart]))));
  p[26 * apart] = lane_fnma(g3_5, w[33], lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[26 * apart]))));
  const lane g0_6 = w[6] * inverse[0]; const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  const lane g3_6 = w[33] * inverse[3];
  p[27 * apart] = lane_fnma(g3_6, w[33], lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[27 * apart]))));
}

/* ph = p row' of 9 states, the elements of p `apart` from each other; the row is xxx000000. */
WK_INLINE void gain_9_3(const lane *p, int apart, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0 * apart] * r0; lane h1 = p[1 * apart] * r0; lane h2 = p[2 * apart] * r0;
  lane h3 = p[3 * apart] * r0; lane h4 = p[4 * apart] * r0; lane h5 = p[5 * apart] * r0; lane h6 = p[6 * apart] * r0;
  lane h7 = p[7 * apart] * r0; lane h8 = p[8 * apart] * r0; const lane r1 = row[1]; h0 = lane_fma(p[1 * apart], r1, h0);
  h1 = lane_fma(p[9 * apart], r1, h1); h2 = lane_fma(p[10 * apart], r1, h2); h3 = lane_fma(p[11 * apart], r1, h3);
  h4 = lane_fma(p[12 * apart], r1, h4); h5 = lane_fma(p[13 * apart], r1, h5); h6 = lane_fma(p[14 * apart], r1, h6);
  h7 = lane_fma(p[15 * apart], r1, h7); h8 = lane_fma(p[16 * apart], r1, h8); const lane r2 = row[2];
  h0 = lane_fma(p[2 * apart], r2, h0); h1 = lane_fma(p[10 * apart], r2, h1); h2 = lane_fma(p[17 * apart], r2, h2);
  h3 = lane_fma(p[18 * apart], r2, h3); h4 = lane_fma(p[19 * apart], r2, h4); h5 = lane_fma(p[20 * apart], r2, h5);
  h6 = lane_fma(p[21 * apart], r2, h6); h7 = lane_fma(p[22 * apart], r2, h7); h8 = lane_fma(p[23 * apart], r2, h8); ph[0] = h0;
  ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6; ph[7] = h7; ph[8] = h8;
}

/* ph = p row' of 9 states, the elements of p `apart` from each other; the row is xxxxxx000. */
WK_INLINE void gain_9_6(const lane *p, int apart, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0 * apart] * r0; lane h1 = p[1 * apart] * r0; lane h2 = p[2 * apart] * r0;
  lane h3 = p[3 * apart] * r0; lane h4 = p[4 * apart] * r0; lane h5 = p[5 * apart] * r0; lane h6 = p[6 * apart] * r0;
  lane h7 = p[7 * apart] * r0; lane h8 = p[8 * apart] * r0; const lane r1 = row[1]; h0 = lane_fma(p[1 * apart], r1, h0);
  h1 = lane_fma(p[9 * apart], r1, h1); h2 = lane_fma(p[10 * apart], r1, h2); h3 = lane_fma(p[11 * apart], r1, h3);
  h4 = lane_fma(p[12 * apart], r1, h4); h5 = lane_fma(p[13 * apart], r1, h5); h6 = lane_fma(p[14 * apart], r1, h6);
  h7 = lane_fma(p[15 * apart], r1, h7); h8 = lane_fma(p[16 * apart], r1, h8); const lane r2 = row[2];
  h0 = lane_fma(p[2 * apart], r2, h0); h1 = lane_fma(p[10 * apart], r2, h1); h2 = lane_fma(p[17 * apart], r2, h2);
  h3 = lane_fma(p[18 * apart], r2, h3); h4 = lane_fma(p[19 * apart], r2, h4); h5 = lane_fma(p[20 * apart], r2, h5);
  h6 = lane_fma(p[21 * apart], r2, h6); h7 = lane_fma(p[22 * apart], r2, h7); h8 = lane_fma(p[23 * apart], r2, h8);
  const lane r3 = row[3]; h0 = lane_fma(p[3 * apart], r3, h0); h1 = lane_fma(p[11 * apart], r3, h1);
  h2 = lane_fma(p[18 * apart], r3, h2); h3 = lane_fma(p[24 * apart], r3, h3); h4 = lane_fma(p[25 * apart], r3, h4);
  h5 = lane_fma(p[26 * apart], r3, h5); h6 = lane_fma(p[27 * apart], r3, h6); h7 = lane_fma(p[28 * apart], r3, h7);
  h8 = lane_fma(p[29 * apart], r3, h8); const lane r4 = row[4]; h0 = lane_fma(p[4 * apart], r4, h0);
  h1 = lane_fma(p[12 * apart], r4, h1); h2 = lane_fma(p[19 * apart], r4, h2); h3 = lane_fma(p[25 * apart], r4, h3);
  h4 = lane_fma(p[30 * apart], r4, h4); h5 = lane_fma(p[31 * apart], r4, h5); h6 = lane_fma(p[32 * apart], r4, h6);
  h7 = lane_fma(p[33 * apart], r4, h7); h8 = lane_fma(p[34 * apart], r4, h8); const lane r5 = row[5];
  h0 = lane_fma(p[5 * apart], r5, h0); h1 = lane_fma(p[13 * apart], r5, h1); h2 = lane_fma(p[20 * apart], r5, h2);
  h3 = lane_fma(p[26 * apart], r5, h3); h4 = lane_fma(p[31 * apart], r5, h4); h5 = lane_fma(p[35 * apart], r5, h5);
  h6 = lane_fma(p[36 * apart], r5, h6); h7 = lane_fma(p[37 * apart], r5, h7); h8 = lane_fma(p[38 * apart], r5, h8); ph[0] = h0;
  ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6; ph[7] = h7; ph[8] = h8;
}

/* p -= sum of w w' inverse over 2 components, of 9 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_9_2(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1];
  p[0 * apart] = lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart]));
  p[1 * apart] = lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart]));
  p[2 * apart] = lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart]));
  p[3 * apart] = lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart]));
  p[4 * apart] = lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart]));
  p[5 * apart] = lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart]));
  p[6 * apart] = lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6 * apart]));
  p[7 * apart] = lane_fnma(g1_0, w[16], lane_fnma(g0_0, w[7], p[7 * apart]));
  p[8 * apart] = lane_fnma(g1_0, w[17], lane_fnma(g0_0, w[8], p[8 * apart])); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; p[9 * apart] = lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[9 * apart]));
  p[10 * apart] = lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[10 * apart]));
  p[11 * apart] = lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[11 * apart]));
  p[12 * apart] = lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[12 * apart]));
  p[13 * apart] = lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[13 * apart]));
  p[14 * apart] = lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[14 * apart]));
  p[15 * apart] = lane_fnma(g1_1, w[16], lane_fnma(g0_1, w[7], p[15 * apart]));
  p[16 * apart] = lane_fnma(g1_1, w[17], lane_fnma(g0_1, w[8], p[16 * apart])); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; p[17 * apart] = lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[17 * apart]));
  p[18 * apart] = lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[18 * apart]));
  p[19 * apart] = lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[19 * apart]));
  p[20 * apart] = lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[20 * apart]));
  p[21 * apart] = lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[21 * apart]));
  p[22 * apart] = lane_fnma(g1_2, w[16], lane_fnma(g0_2, w[7], p[22 * apart]));
  p[23 * apart] = lane_fnma(g1_2, w[17], lane_fnma(g0_2, w[8], p[23 * apart])); const lane g0_3 = w[3] * inverse[0];
  const lane g1_3 = w[12] * inverse[1]; p[24 * apart] = lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[24 * apart]));
  p[25 * apart] = lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[25 * apart]));
  p[26 * apart] = lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[26 * apart]));
  p[27 * apart] = lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[27 * apart]));
  p[28 * apart] = lane_fnma(g1_3, w[16], lane_fnma(g0_3, w[7], p[28 * apart]));
  p[29 * apart] = lane_fnma(g1_3, w[17], lane_fnma(g0_3, w[8], p[29 * apart])); const lane g0_4 = w[4] * inverse[0];
  const lane g1_4 = w[13] * inverse[1]; p[30 * apart] = lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[30 * apart]));
  p[31 * apart] = lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[31 * apart]));
  p[32 * apart] = lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[32 * apart]));
  p[33 * apart] = lane_fnma(g1_4, w[16], lane_fnma(g0_4, w[7], p[33 * apart]));
  p[34 * apart] = lane_fnma(g1_4, w[17], lane_fnma(g0_4, w[8], p[34 * apart])); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; p[35 * apart] = lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[35 * apart]));
  p[36 * apart] = lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[36 * apart]));
  p[37 * apart] = lane_fnma(g1_5, w[16], lane_fnma(g0_5, w[7], p[37 * apart]));
  p[38 * apart] = lane_fnma(g1_5, w[17], lane_fnma(g0_5, w[8], p[38 * apart])); const lane g0_6 = w[6] * inverse[0];
  const lane g1_6 = w[15] * inverse[1]; p[39 * apart] = lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[39 * apart]));
  p[40 * apart] = lane_fnma(g1_6, w[16], lane_fnma(g0_6, w[7], p[40 * apart]));
  p[41 * apart] = lane_fnma(g1_6, w[17], lane_fnma(g0_6, w[8], p[41 * apart])); const lane g0_7 = w[7] * inverse[0];
  const lane g1_7 = w[16] * inverse[1]; p[42 * apart] = lane_fnma(g1_7, w[16], lane_fnma(g0_7, w[7], p[42 * apart]));
  p[43 * apart] = lane_fnma(g1_7, w[17], lane_fnma(g0_7, w[8], p[43 * apart])); const lane g0_8 = w[8] * inverse[0];
  const lane g1_8 = w[17] * inverse[1]; p[44 * apart] = lane_fnma(g1_8, w[17], lane_fnma(g0_8, w[8], p[44 * apart]));
}

/* p -= sum of w w' inverse over 3 components, of 9 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_9_3(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  p[0 * apart] = lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart])));
  p[1 * apart] = lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart])));
  p[2 * apart] = lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart])));
  p[3 * apart] = lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart])));
  p[4 * apart] = lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart])));
  p[5 * apart] = lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart])));
  p[6 * apart] = lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6 * apart])));
  p[7 * apart] = lane_fnma(g2_0, w[25], lane_fnma(g1_0, w[16], lane_fnma(g0_0, w[7], p[7 * apart])));
  p[8 * apart] = lane_fnma(g2_0, w[26], lane_fnma(g1_0, w[17], lane_fnma(g0_0, w[8], p[8 * apart])));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  p[9 * apart] = lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[9 * apart])));
  p[10 * apart] = lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[10 * apart])));
  p[11 * apart] = lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[11 * apart])));
  p[12 * apart] = lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[12 * apart])));
  p[13 * apart] = lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[13 * apart])));
  p[14 * apart] = lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[14 * apart])));
  p[15 * apart] = lane_fnma(g2_1, w[25], lane_fnma(g1_1, w[16], lane_fnma(g0_1, w[7], p[15 * apart])));
  p[16 * apart] = lane_fnma(g2_1, w[26], lane_fnma(g1_1, w[17], lane_fnma(g0_1, w[8], p[16 * apart])));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  p[17 * apart] = lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[17 * apart])));
  p[18 * apart] = lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[18 * apart])));
  p[19 * apart] = lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[19 * apart])));
  p[20 * apart] = lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[20 * apart])));
  p[21 * apart] = lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[21 * apart])));
  p[22 * apart] = lane_fnma(g2_2, w[25], lane_fnma(g1_2, w[16], lane_fnma(g0_2, w[7], p[22 * apart])));
  p[23 * apart] = lane_fnma(g2_2, w[26], lane_fnma(g1_2, w[17], lane_fnma(g0_2, w[8], p[23 * apart])));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  p[24 * apart] = lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[24 * apart])));
  p[25 * apart] = lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[25 * apart])));
  p[26 * apart] = lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[26 * apart])));
  p[27 * apart] = lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[27 * apart])));
  p[28 * apart] = lane_fnma(g2_3, w[25], lane_fnma(g1_3, w[16], lane_fnma(g0_3, w[7], p[28 * apart])));
  p[29 * apart] = lane_fnma(g2_3, w[26], lane_fnma(g1_3, w[17], lane_fnma(g0_3, w[8], p[29 * apart])));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  p[30 * apart] = lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[30 * apart])));
  p[31 * apart] = lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[31 * apart])));
  p[32 * apart] = lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[32 * apart])));
  p[33 * apart] = lane_fnma(g2_4, w[25], lane_fnma(g1_4, w[16], lane_fnma(g0_4, w[7], p[33 * apart])));
  p[34 * apart] = lane_fnma(g2_4, w[26], lane_fnma(g1_4, w[17], lane_fnma(g0_4, w[8], p[34 * apart])));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  p[35 * apart] = lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[35 * apart])));
  p[36 * apart] = lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[36 * apart])));
  p[37 * apart] = lane_fnma(g2_5, w[25], lane_fnma(g1_5, w[16], lane_fnma(g0_5, w[7], p[37 * apart])));
  p[38 * apart] = lane_fnma(g2_5, w[26], lane_fnma(g1_5, w[17], lane_fnma(g0_5, w[8], p[38 * apart])));
  const lane g0_6 = w[6] * inverse[0]; const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  p[39 * apart] = lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[39 * apart])));
  p[40 * apart] = lane_fnma(g2_6, w[25], lane_fnma(g1_6, w[16], lane_fnma(g0_6, w[7], p[40 * apart])));
  p[41 * apart] = lane_fnma(g2_6, w[26], lane_fnma(g1_6, w[17], lane_fnma(g0_6, w[8], p[41 * apart])));
  const lane g0_7 = w[7] * inverse[0]; const lane g1_7 = w[16] * inverse[1]; const lane g2_7 = w[25] * inverse[2];
  p[42 * apart] = lane_fnma(g2_7, w[25], lane_fnma(g1_7, w[16], lane_fnma(g0_7, w[7], p[42 * apart])));
  p[43 * apart] = lane_fnma(g2_7, w[26], lane_fnma(g1_7, w[17], lane_fnma(g0_7, w[8], p[43 * apart])));
  const lane g0_8 = w[8] * inverse[0]; const lane g1_8 = w[17] * inverse[1]; const lane g2_8 = w[26] * inverse[2];
  p[44 * apart] = lane_fnma(g2_8, w[26], lane_fnma(g1_8, w[17], lane_fnma(g0_8, w[8], p[44 * apart])));
}

/* p -= sum of w w' inverse over 4 components, of 9 states, elements of p `apart`, rows of w 9 from each other. */
WK_INLINE void downdate_9_4(lane *p, int apart, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  const lane g3_0 = w[27] * inverse[3];
  p[0 * apart] = lane_fnma(g3_0, w[27], lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0 * apart]))));
  p[1 * apart] = lane_fnma(g3_0, w[28], lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1 * apart]))));
  p[2 * apart] = lane_fnma(g3_0, w[29], lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2 * apart]))));
  p[3 * apart] = lane_fnma(g3_0, w[30], lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3 * apart]))));
  p[4 * apart] = lane_fnma(g3_0, w[31], lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4 * apart]))));
  p[5 * apart] = lane_fnma(g3_0, w[32], lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5 * apart]))));
  p[6 * apart] = lane_fnma(g3_0, w[33], lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6 * apart]))));
  p[7 * apart] = lane_fnma(g3_0, w[34], lane_fnma(g2_0, w[25], lane_fnma(g1_0, w[16], lane_fnma(g0_0, w[7], p[7 * apart]))));
  p[8 * apart] = lane_fnma(g3_0, w[35], lane_fnma(g2_0, w[26], lane_fnma(g1_0, w[17], lane_fnma(g0_0, w[8], p[8 * apart]))));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  const lane g3_1 = w[28] * inverse[3];
  p[9 * apart] = lane_fnma(g3_1, w[28], lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[9 * apart]))));
  p[10 * apart] = lane_fnma(g3_1, w[29], lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[10 * apart]))));
  p[11 * apart] = lane_fnma(g3_1, w[30], lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[11 * apart]))));
  p[12 * apart] = lane_fnma(g3_1, w[31], lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[12 * apart]))));
  p[13 * apart] = lane_fnma(g3_1, w[32], lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[13 * apart]))));
  p[14 * apart] = lane_fnma(g3_1, w[33], lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[14 * apart]))));
  p[15 * apart] = lane_fnma(g3_1, w[34], lane_fnma(g2_1, w[25], lane_fnma(g1_1, w[16], lane_fnma(g0_1, w[7], p[15 * apart]))));
  p[16 * apart] = lane_fnma(g3_1, w[35], lane_fnma(g2_1, w[26], lane_fnma(g1_1, w[17], lane_fnma(g0_1, w[8], p[16 * apart]))));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  const lane g3_2 = w[29] * inverse[3];
  p[17 * apart] = lane_fnma(g3_2, w[29], lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[17 * apart]))));
  p[18 * apart] = lane_fnma(g3_2, w[30], lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[18 * apart]))));
  p[19 * apart] = lane_fnma(g3_2, w[31], lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[19 * apart]))));
  p[20 * apart] = lane_fnma(g3_2, w[32], lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[20 * apart]))));
  p[21 * apart] = lane_fnma(g3_2, w[33], lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[21 * apart]))));
  p[22 * apart] = lane_fnma(g3_2, w[34], lane_fnma(g2_2, w[25], lane_fnma(g1_2, w[16], lane_fnma(g0_2, w[7], p[22 * apart]))));
  p[23 * apart] = lane_fnma(g3_2, w[35], lane_fnma(g2_2, w[26], lane_fnma(g1_2, w[17], lane_fnma(g0_2, w[8], p[23 * apart]))));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  const lane g3_3 = w[30] * inverse[3];
  p[24 * apart] = lane_fnma(g3_3, w[30], lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[24 * apart]))));
  p[25 * apart] = lane_fnma(g3_3, w[31], lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[25 * apart]))));
  p[26 * apart] = lane_fnma(g3_3, w[32], lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[26 * apart]))));
  p[27 * apart] = lane_fnma(g3_3, w[33], lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[27 * apart]))));
  p[28 * apart] = lane_fnma(g3_3, w[34], lane_fnma(g2_3, w[25], lane_fnma(g1_3, w[16], lane_fnma(g0_3, w[7], p[28 * apart]))));
  p[29 * apart] = lane_fnma(g3_3, w[35], lane_fnma(g2_3, w[26], lane_fnma(g1_3, w[17], lane_fnma(g0_3, w[8], p[29 * apart]))));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  const lane g3_4 = w[31] * inverse[3];
  p[30 * apart] = lane_fnma(g3_4, w[31], lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[30 * apart]))));
  p[31 * apart] = lane_fnma(g3_4, w[32], lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[31 * apart]))));
  p[32 * apart] = lane_fnma(g3_4, w[33], lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[32 * apart]))));
  p[33 * apart] = lane_fnma(g3_4, w[34], lane_fnma(g2_4, w[25], lane_fnma(g1_4, w[16], lane_fnma(g0_4, w[7], p[33 * apart]))));
  p[34 * apart] = lane_fnma(g3_4, w[35], lane_fnma(g2_4, w[26], lane_fnma(g1_4, w[17], lane_fnma(g0_4, w[8], p[34 * apart]))));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  const lane g3_5 = w[32] * inverse[3];
  p[35 * apart] = lane_fnma(g3_5, w[32], lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[35 * apart]))));
  p[36 * apart] = lane_fnma(g3_5, w[33], lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[36 * apart]))));
  p[37 * apart] = lane_fnma(g3_5, w[34], lane_fnma(g2_5, w[25], lane_fnma(g1_5, w[16], lane_fnma(g0_5, w[7], p[37 * apart]))));
  p[38 * apart] = lane_fnma(g3_5, w[35], lane_fnma(g2_5, w[26], lane_fnma(g1_5, w[17], lane_fnma(g0_5, w[8], p[38 * apart]))));
  const lane g0_6 = w[6] * inverse[0]; const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  const lane g3_6 = w[33] * inverse[3];
  p[39 * apart] = lane_fnma(g3_6, w[33], lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[39 * apart]))));
  p[40 * apart] = lane_fnma(g3_6, w[34], lane_fnma(g2_6, w[25], lane_fnma(g1_6, w[16], lane_fnma(g0_6, w[7], p[40 * apart]))));
  p[41 * apart] = lane_fnma(g3_6, w[35], lane_fnma(g2_6, w[26], lane_fnma(g1_6, w[17], lane_fnma(g0_6, w[8], p[41 * apart]))));
  const lane g0_7 = w[7] * inverse[0]; const lane g1_7 = w[16] * inverse[1]; const lane g2_7 = w[25] * inverse[2];
  const lane g3_7 = w[34] * inverse[3];
  p[42 * apart] = lane_fnma(g3_7, w[34], lane_fnma(g2_7, w[25], lane_fnma(g1_7, w[16], lane_fnma(g0_7, w[7], p[42 * apart]))));
  p[43 * apart] = lane_fnma(g3_7, w[35], lane_fnma(g2_7, w[26], lane_fnma(g1_7, w[17], lane_fnma(g0_7, w[8], p[43 * apart]))));
  const lane g0_8 = w[8] * inverse[0]; const lane g1_8 = w[17] * inverse[1]; const lane g2_8 = w[26] * inverse[2];
  const lane g3_8 = w[35] * inverse[3];
  p[44 * apart] = lane_fnma(g3_8, w[35], lane_fnma(g2_8, w[26], lane_fnma(g1_8, w[17], lane_fnma(g0_8, w[8], p[44 * apart]))));
}

#endif

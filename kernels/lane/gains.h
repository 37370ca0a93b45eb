/* What an update needs of a covariance, packed: its products with a measurement's rows, and what the gain takes from it. Written by kernels/generate/products.py: change that, not this. */
#ifndef WK_GAINS_H
#define WK_GAINS_H

#include "kernels/lane/lane.h"

/* ph = p row' of 6 states; the row is xxx000. */
WK_INLINE void gain_6_3(const lane *p, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0] * r0; lane h1 = p[1] * r0; lane h2 = p[2] * r0; lane h3 = p[3] * r0; lane h4 = p[4] * r0;
  lane h5 = p[5] * r0; const lane r1 = row[1]; h0 = lane_fma(p[1], r1, h0); h1 = lane_fma(p[6], r1, h1);
  h2 = lane_fma(p[7], r1, h2); h3 = lane_fma(p[8], r1, h3); h4 = lane_fma(p[9], r1, h4); h5 = lane_fma(p[10], r1, h5);
  const lane r2 = row[2]; h0 = lane_fma(p[2], r2, h0); h1 = lane_fma(p[7], r2, h1); h2 = lane_fma(p[11], r2, h2);
  h3 = lane_fma(p[12], r2, h3); h4 = lane_fma(p[13], r2, h4); h5 = lane_fma(p[14], r2, h5); ph[0] = h0; ph[1] = h1; ph[2] = h2;
  ph[3] = h3; ph[4] = h4; ph[5] = h5;
}

/* ph = p row' of 6 states; the row is xxxxxx. */
WK_INLINE void gain_6_6(const lane *p, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0] * r0; lane h1 = p[1] * r0; lane h2 = p[2] * r0; lane h3 = p[3] * r0; lane h4 = p[4] * r0;
  lane h5 = p[5] * r0; const lane r1 = row[1]; h0 = lane_fma(p[1], r1, h0); h1 = lane_fma(p[6], r1, h1);
  h2 = lane_fma(p[7], r1, h2); h3 = lane_fma(p[8], r1, h3); h4 = lane_fma(p[9], r1, h4); h5 = lane_fma(p[10], r1, h5);
  const lane r2 = row[2]; h0 = lane_fma(p[2], r2, h0); h1 = lane_fma(p[7], r2, h1); h2 = lane_fma(p[11], r2, h2);
  h3 = lane_fma(p[12], r2, h3); h4 = lane_fma(p[13], r2, h4); h5 = lane_fma(p[14], r2, h5); const lane r3 = row[3];
  h0 = lane_fma(p[3], r3, h0); h1 = lane_fma(p[8], r3, h1); h2 = lane_fma(p[12], r3, h2); h3 = lane_fma(p[15], r3, h3);
  h4 = lane_fma(p[16], r3, h4); h5 = lane_fma(p[17], r3, h5); const lane r4 = row[4]; h0 = lane_fma(p[4], r4, h0);
  h1 = lane_fma(p[9], r4, h1); h2 = lane_fma(p[13], r4, h2); h3 = lane_fma(p[16], r4, h3); h4 = lane_fma(p[18], r4, h4);
  h5 = lane_fma(p[19], r4, h5); const lane r5 = row[5]; h0 = lane_fma(p[5], r5, h0); h1 = lane_fma(p[10], r5, h1);
  h2 = lane_fma(p[14], r5, h2); h3 = lane_fma(p[17], r5, h3); h4 = lane_fma(p[19], r5, h4); h5 = lane_fma(p[20], r5, h5);
  ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5;
}

/* p -= sum of w w' inverse over 2 components, of 6 states; the rows of w are 9 apart. */
WK_INLINE void downdate_6_2(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1];
  p[0] = lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0])); p[1] = lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1]));
  p[2] = lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2])); p[3] = lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3]));
  p[4] = lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4])); p[5] = lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5]));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1];
  p[6] = lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[6])); p[7] = lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[7]));
  p[8] = lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[8])); p[9] = lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[9]));
  p[10] = lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[10])); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; p[11] = lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[11]));
  p[12] = lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[12])); p[13] = lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[13]));
  p[14] = lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[14])); const lane g0_3 = w[3] * inverse[0];
  const lane g1_3 = w[12] * inverse[1]; p[15] = lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[15]));
  p[16] = lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[16])); p[17] = lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[17]));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1];
  p[18] = lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[18])); p[19] = lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[19]));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1];
  p[20] = lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[20]));
}

/* p -= sum of w w' inverse over 3 components, of 6 states; the rows of w are 9 apart. */
WK_INLINE void downdate_6_3(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  p[0] = lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0])));
  p[1] = lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1])));
  p[2] = lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2])));
  p[3] = lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3])));
  p[4] = lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4])));
  p[5] = lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5]))); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  p[6] = lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[6])));
  p[7] = lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[7])));
  p[8] = lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[8])));
  p[9] = lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[9])));
  p[10] = lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[10]))); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  p[11] = lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[11])));
  p[12] = lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[12])));
  p[13] = lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[13])));
  p[14] = lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[14]))); const lane g0_3 = w[3] * inverse[0];
  const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  p[15] = lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[15])));
  p[16] = lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[16])));
  p[17] = lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[17]))); const lane g0_4 = w[4] * inverse[0];
  const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  p[18] = lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[18])));
  p[19] = lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[19]))); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  p[20] = lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[20])));
}

/* p -= sum of w w' inverse over 4 components, of 6 states; the rows of w are 9 apart. */
WK_INLINE void downdate_6_4(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  const lane g3_0 = w[27] * inverse[3];
  p[0] = lane_fnma(g3_0, w[27], lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0]))));
  p[1] = lane_fnma(g3_0, w[28], lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1]))));
  p[2] = lane_fnma(g3_0, w[29], lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2]))));
  p[3] = lane_fnma(g3_0, w[30], lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3]))));
  p[4] = lane_fnma(g3_0, w[31], lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4]))));
  p[5] = lane_fnma(g3_0, w[32], lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5]))));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  const lane g3_1 = w[28] * inverse[3];
  p[6] = lane_fnma(g3_1, w[28], lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[6]))));
  p[7] = lane_fnma(g3_1, w[29], lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[7]))));
  p[8] = lane_fnma(g3_1, w[30], lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[8]))));
  p[9] = lane_fnma(g3_1, w[31], lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[9]))));
  p[10] = lane_fnma(g3_1, w[32], lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[10]))));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  const lane g3_2 = w[29] * inverse[3];
  p[11] = lane_fnma(g3_2, w[29], lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[11]))));
  p[12] = lane_fnma(g3_2, w[30], lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[12]))));
  p[13] = lane_fnma(g3_2, w[31], lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[13]))));
  p[14] = lane_fnma(g3_2, w[32], lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[14]))));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  const lane g3_3 = w[30] * inverse[3];
  p[15] = lane_fnma(g3_3, w[30], lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[15]))));
  p[16] = lane_fnma(g3_3, w[31], lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[16]))));
  p[17] = lane_fnma(g3_3, w[32], lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[17]))));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  const lane g3_4 = w[31] * inverse[3];
  p[18] = lane_fnma(g3_4, w[31], lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[18]))));
  p[19] = lane_fnma(g3_4, w[32], lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[19]))));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  const lane g3_5 = w[32] * inverse[3];
  p[20] = lane_fnma(g3_5, w[32], lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[20]))));
}

/* ph = p row' of 7 states; the row is xxx0000. */
WK_INLINE void gain_7_3(const lane *p, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0] * r0; lane h1 = p[1] * r0; lane h2 = p[2] * r0; lane h3 = p[3] * r0; lane h4 = p[4] * r0;
  lane h5 = p[5] * r0; lane h6 = p[6] * r0; const lane r1 = row[1]; h0 = lane_fma(p[1], r1, h0); h1 = lane_fma(p[7], r1, h1);
  h2 = lane_fma(p[8], r1, h2); h3 = lane_fma(p[9], r1, h3); h4 = lane_fma(p[10], r1, h4); h5 = lane_fma(p[11], r1, h5);
  h6 = lane_fma(p[12], r1, h6); const lane r2 = row[2]; h0 = lane_fma(p[2], r2, h0); h1 = lane_fma(p[8], r2, h1);
  h2 = lane_fma(p[13], r2, h2); h3 = lane_fma(p[14], r2, h3); h4 = lane_fma(p[15], r2, h4); h5 = lane_fma(p[16], r2, h5);
  h6 = lane_fma(p[17], r2, h6); ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6;
}

/* ph = p row' of 7 states; the row is xxxxxx0. */
WK_INLINE void gain_7_6(const lane *p, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0] * r0; lane h1 = p[1] * r0; lane h2 = p[2] * r0; lane h3 = p[3] * r0; lane h4 = p[4] * r0;
  lane h5 = p[5] * r0; lane h6 = p[6] * r0; const lane r1 = row[1]; h0 = lane_fma(p[1], r1, h0); h1 = lane_fma(p[7], r1, h1);
  h2 = lane_fma(p[8], r1, h2); h3 = lane_fma(p[9], r1, h3); h4 = lane_fma(p[10], r1, h4); h5 = lane_fma(p[11], r1, h5);
  h6 = lane_fma(p[12], r1, h6); const lane r2 = row[2]; h0 = lane_fma(p[2], r2, h0); h1 = lane_fma(p[8], r2, h1);
  h2 = lane_fma(p[13], r2, h2); h3 = lane_fma(p[14], r2, h3); h4 = lane_fma(p[15], r2, h4); h5 = lane_fma(p[16], r2, h5);
  h6 = lane_fma(p[17], r2, h6); const lane r3 = row[3]; h0 = lane_fma(p[3], r3, h0); h1 = lane_fma(p[9], r3, h1);
  h2 = lane_fma(p[14], r3, h2); h3 = lane_fma(p[18], r3, h3); h4 = lane_fma(p[19], r3, h4); h5 = lane_fma(p[20], r3, h5);
  h6 = lane_fma(p[21], r3, h6); const lane r4 = row[4]; h0 = lane_fma(p[4], r4, h0); h1 = lane_fma(p[10], r4, h1);
  h2 = lane_fma(p[15], r4, h2); h3 = lane_fma(p[19], r4, h3); h4 = lane_fma(p[22], r4, h4); h5 = lane_fma(p[23], r4, h5);
  h6 = lane_fma(p[24], r4, h6); const lane r5 = row[5]; h0 = lane_fma(p[5], r5, h0); h1 = lane_fma(p[11], r5, h1);
  h2 = lane_fma(p[16], r5, h2); h3 = lane_fma(p[20], r5, h3); h4 = lane_fma(p[23], r5, h4); h5 = lane_fma(p[25], r5, h5);
  h6 = lane_fma(p[26], r5, h6); ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6;
}

/* p -= sum of w w' inverse over 2 components, of 7 states; the rows of w are 9 apart. */
WK_INLINE void downdate_7_2(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1];
  p[0] = lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0])); p[1] = lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1]));
  p[2] = lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2])); p[3] = lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3]));
  p[4] = lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4])); p[5] = lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5]));
  p[6] = lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6])); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; p[7] = lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[7]));
  p[8] = lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[8])); p[9] = lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[9]));
  p[10] = lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[10])); p[11] = lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[11]));
  p[12] = lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[12])); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; p[13] = lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[13]));
  p[14] = lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[14])); p[15] = lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[15]));
  p[16] = lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[16])); p[17] = lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[17]));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1];
  p[18] = lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[18])); p[19] = lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[19]));
  p[20] = lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[20])); p[21] = lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[21]));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1];
  p[22] = lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[22])); p[23] = lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[23]));
  p[24] = lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[24])); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; p[25] = lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[25]));
  p[26] = lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[26])); const lane g0_6 = w[6] * inverse[0];
  const lane g1_6 = w[15] * inverse[1]; p[27] = lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[27]));
}

/* p -= sum of w w' inverse over 3 components, of 7 states; the rows of w are 9 apart. */
WK_INLINE void downdate_7_3(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  p[0] = lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0])));
  p[1] = lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1])));
  p[2] = lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2])));
  p[3] = lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3])));
  p[4] = lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4])));
  p[5] = lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5])));
  p[6] = lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6]))); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  p[7] = lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[7])));
  p[8] = lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[8])));
  p[9] = lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[9])));
  p[10] = lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[10])));
  p[11] = lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[11])));
  p[12] = lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[12]))); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  p[13] = lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[13])));
  p[14] = lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[14])));
  p[15] = lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[15])));
  p[16] = lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[16])));
  p[17] = lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[17]))); const lane g0_3 = w[3] * inverse[0];
  const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  p[18] = lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[18])));
  p[19] = lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[19])));
  p[20] = lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[20])));
  p[21] = lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[21]))); const lane g0_4 = w[4] * inverse[0];
  const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  p[22] = lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[22])));
  p[23] = lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[23])));
  p[24] = lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[24]))); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  p[25] = lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[25])));
  p[26] = lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[26]))); const lane g0_6 = w[6] * inverse[0];
  const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  p[27] = lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[27])));
}

/* p -= sum of w w' inverse over 4 components, of 7 states; the rows of w are 9 apart. */
WK_INLINE void downdate_7_4(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  const lane g3_0 = w[27] * inverse[3];
  p[0] = lane_fnma(g3_0, w[27], lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0]))));
  p[1] = lane_fnma(g3_0, w[28], lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1]))));
  p[2] = lane_fnma(g3_0, w[29], lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2]))));
  p[3] = lane_fnma(g3_0, w[30], lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3]))));
  p[4] = lane_fnma(g3_0, w[31], lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4]))));
  p[5] = lane_fnma(g3_0, w[32], lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5]))));
  p[6] = lane_fnma(g3_0, w[33], lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6]))));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  const lane g3_1 = w[28] * inverse[3];
  p[7] = lane_fnma(g3_1, w[28], lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[7]))));
  p[8] = lane_fnma(g3_1, w[29], lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[8]))));
  p[9] = lane_fnma(g3_1, w[30], lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[9]))));
  p[10] = lane_fnma(g3_1, w[31], lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[10]))));
  p[11] = lane_fnma(g3_1, w[32], lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[11]))));
  p[12] = lane_fnma(g3_1, w[33], lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[12]))));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  const lane g3_2 = w[29] * inverse[3];
  p[13] = lane_fnma(g3_2, w[29], lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[13]))));
  p[14] = lane_fnma(g3_2, w[30], lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[14]))));
  p[15] = lane_fnma(g3_2, w[31], lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[15]))));
  p[16] = lane_fnma(g3_2, w[32], lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[16]))));
  p[17] = lane_fnma(g3_2, w[33], lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[17]))));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  const lane g3_3 = w[30] * inverse[3];
  p[18] = lane_fnma(g3_3, w[30], lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[18]))));
  p[19] = lane_fnma(g3_3, w[31], lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[19]))));
  p[20] = lane_fnma(g3_3, w[32], lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[20]))));
  p[21] = lane_fnma(g3_3, w[33], lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[21]))));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  const lane g3_4 = w[31] * inverse[3];
  p[22] = lane_fnma(g3_4, w[31], lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[22]))));
  p[23] = lane_fnma(g3_4, w[32], lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[23]))));
  p[24] = lane_fnma(g3_4, w[33], lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[24]))));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  const lane g3_5 = w[32] * inverse[3];
  p[25] = lane_fnma(g3_5, w[32], lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[25]))));
  p[26] = lane_fnma(g3_5, w[33], lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[26]))));
  const lane g0_6 = w[6] * inverse[0]; const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  const lane g3_6 = w[33] * inverse[3];
  p[27] = lane_fnma(g3_6, w[33], lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[27]))));
}

/* ph = p row' of 9 states; the row is xxx000000. */
WK_INLINE void gain_9_3(const lane *p, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0] * r0; lane h1 = p[1] * r0; lane h2 = p[2] * r0; lane h3 = p[3] * r0; lane h4 = p[4] * r0;
  lane h5 = p[5] * r0; lane h6 = p[6] * r0; lane h7 = p[7] * r0; lane h8 = p[8] * r0; const lane r1 = row[1];
  h0 = lane_fma(p[1], r1, h0); h1 = lane_fma(p[9], r1, h1); h2 = lane_fma(p[10], r1, h2); h3 = lane_fma(p[11], r1, h3);
  h4 = lane_fma(p[12], r1, h4); h5 = lane_fma(p[13], r1, h5); h6 = lane_fma(p[14], r1, h6); h7 = lane_fma(p[15], r1, h7);
  h8 = lane_fma(p[16], r1, h8); const lane r2 = row[2]; h0 = lane_fma(p[2], r2, h0); h1 = lane_fma(p[10], r2, h1);
  h2 = lane_fma(p[17], r2, h2); h3 = lane_fma(p[18], r2, h3); h4 = lane_fma(p[19], r2, h4); h5 = lane_fma(p[20], r2, h5);
  h6 = lane_fma(p[21], r2, h6); h7 = lane_fma(p[22], r2, h7); h8 = lane_fma(p[23], r2, h8); ph[0] = h0; ph[1] = h1; ph[2] = h2;
  ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6; ph[7] = h7; ph[8] = h8;
}

/* ph = p row' of 9 states; the row is xxxxxx000. */
WK_INLINE void gain_9_6(const lane *p, const lane *row, lane *ph) {
  const lane r0 = row[0]; lane h0 = p[0] * r0; lane h1 = p[1] * r0; lane h2 = p[2] * r0; lane h3 = p[3] * r0; lane h4 = p[4] * r0;
  lane h5 = p[5] * r0; lane h6 = p[6] * r0; lane h7 = p[7] * r0; lane h8 = p[8] * r0; const lane r1 = row[1];
  h0 = lane_fma(p[1], r1, h0); h1 = lane_fma(p[9], r1, h1); h2 = lane_fma(p[10], r1, h2); h3 = lane_fma(p[11], r1, h3);
  h4 = lane_fma(p[12], r1, h4); h5 = lane_fma(p[13], r1, h5); h6 = lane_fma(p[14], r1, h6); h7 = lane_fma(p[15], r1, h7);
  h8 = lane_fma(p[16], r1, h8); const lane r2 = row[2]; h0 = lane_fma(p[2], r2, h0); h1 = lane_fma(p[10], r2, h1);
  h2 = lane_fma(p[17], r2, h2); h3 = lane_fma(p[18], r2, h3); h4 = lane_fma(p[19], r2, h4); h5 = lane_fma(p[20], r2, h5);
  h6 = lane_fma(p[21], r2, h6); h7 = lane_fma(p[22], r2, h7); h8 = lane_fma(p[23], r2, h8); const lane r3 = row[3];
  h0 = lane_fma(p[3], r3, h0); h1 = lane_fma(p[11], r3, h1); h2 = lane_fma(p[18], r3, h2); h3 = lane_fma(p[24], r3, h3);
  h4 = lane_fma(p[25], r3, h4); h5 = lane_fma(p[26], r3, h5); h6 = lane_fma(p[27], r3, h6); h7 = lane_fma(p[28], r3, h7);
  h8 = lane_fma(p[29], r3, h8); const lane r4 = row[4]; h0 = lane_fma(p[4], r4, h0); h1 = lane_fma(p[12], r4, h1);
  h2 = lane_fma(p[19], r4, h2); h3 = lane_fma(p[25], r4, h3); h4 = lane_fma(p[30], r4, h4); h5 = lane_fma(p[31], r4, h5);
  h6 = lane_fma(p[32], r4, h6); h7 = lane_fma(p[33], r4, h7); h8 = lane_fma(p[34], r4, h8); const lane r5 = row[5];
  h0 = lane_fma(p[5], r5, h0); h1 = lane_fma(p[13], r5, h1); h2 = lane_fma(p[20], r5, h2); h3 = lane_fma(p[26], r5, h3);
  h4 = lane_fma(p[31], r5, h4); h5 = lane_fma(p[35], r5, h5); h6 = lane_fma(p[36], r5, h6); h7 = lane_fma(p[37], r5, h7);
  h8 = lane_fma(p[38], r5, h8); ph[0] = h0; ph[1] = h1; ph[2] = h2; ph[3] = h3; ph[4] = h4; ph[5] = h5; ph[6] = h6; ph[7] = h7;
  ph[8] = h8;
}

/* p -= sum of w w' inverse over 2 components, of 9 states; the rows of w are 9 apart. */
WK_INLINE void downdate_9_2(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1];
  p[0] = lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0])); p[1] = lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1]));
  p[2] = lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2])); p[3] = lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3]));
  p[4] = lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4])); p[5] = lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5]));
  p[6] = lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6])); p[7] = lane_fnma(g1_0, w[16], lane_fnma(g0_0, w[7], p[7]));
  p[8] = lane_fnma(g1_0, w[17], lane_fnma(g0_0, w[8], p[8])); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; p[9] = lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[9]));
  p[10] = lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[10])); p[11] = lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[11]));
  p[12] = lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[12])); p[13] = lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[13]));
  p[14] = lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[14])); p[15] = lane_fnma(g1_1, w[16], lane_fnma(g0_1, w[7], p[15]));
  p[16] = lane_fnma(g1_1, w[17], lane_fnma(g0_1, w[8], p[16])); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; p[17] = lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[17]));
  p[18] = lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[18])); p[19] = lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[19]));
  p[20] = lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[20])); p[21] = lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[21]));
  p[22] = lane_fnma(g1_2, w[16], lane_fnma(g0_2, w[7], p[22])); p[23] = lane_fnma(g1_2, w[17], lane_fnma(g0_2, w[8], p[23]));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1];
  p[24] = lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[24])); p[25] = lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[25]));
  p[26] = lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[26])); p[27] = lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[27]));
  p[28] = lane_fnma(g1_3, w[16], lane_fnma(g0_3, w[7], p[28])); p[29] = lane_fnma(g1_3, w[17], lane_fnma(g0_3, w[8], p[29]));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1];
  p[30] = lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[30])); p[31] = lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[31]));
  p[32] = lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[32])); p[33] = lane_fnma(g1_4, w[16], lane_fnma(g0_4, w[7], p[33]));
  p[34] = lane_fnma(g1_4, w[17], lane_fnma(g0_4, w[8], p[34])); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; p[35] = lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[35]));
  p[36] = lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[36])); p[37] = lane_fnma(g1_5, w[16], lane_fnma(g0_5, w[7], p[37]));
  p[38] = lane_fnma(g1_5, w[17], lane_fnma(g0_5, w[8], p[38])); const lane g0_6 = w[6] * inverse[0];
  const lane g1_6 = w[15] * inverse[1]; p[39] = lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[39]));
  p[40] = lane_fnma(g1_6, w[16], lane_fnma(g0_6, w[7], p[40])); p[41] = lane_fnma(g1_6, w[17], lane_fnma(g0_6, w[8], p[41]));
  const lane g0_7 = w[7] * inverse[0]; const lane g1_7 = w[16] * inverse[1];
  p[42] = lane_fnma(g1_7, w[16], lane_fnma(g0_7, w[7], p[42])); p[43] = lane_fnma(g1_7, w[17], lane_fnma(g0_7, w[8], p[43]));
  const lane g0_8 = w[8] * inverse[0]; const lane g1_8 = w[17] * inverse[1];
  p[44] = lane_fnma(g1_8, w[17], lane_fnma(g0_8, w[8], p[44]));
}

/* p -= sum of w w' inverse over 3 components, of 9 states; the rows of w are 9 apart. */
WK_INLINE void downdate_9_3(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  p[0] = lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0])));
  p[1] = lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1])));
  p[2] = lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2])));
  p[3] = lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3])));
  p[4] = lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4])));
  p[5] = lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5])));
  p[6] = lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6])));
  p[7] = lane_fnma(g2_0, w[25], lane_fnma(g1_0, w[16], lane_fnma(g0_0, w[7], p[7])));
  p[8] = lane_fnma(g2_0, w[26], lane_fnma(g1_0, w[17], lane_fnma(g0_0, w[8], p[8]))); const lane g0_1 = w[1] * inverse[0];
  const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  p[9] = lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[9])));
  p[10] = lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[10])));
  p[11] = lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[11])));
  p[12] = lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[12])));
  p[13] = lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[13])));
  p[14] = lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[14])));
  p[15] = lane_fnma(g2_1, w[25], lane_fnma(g1_1, w[16], lane_fnma(g0_1, w[7], p[15])));
  p[16] = lane_fnma(g2_1, w[26], lane_fnma(g1_1, w[17], lane_fnma(g0_1, w[8], p[16]))); const lane g0_2 = w[2] * inverse[0];
  const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  p[17] = lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[17])));
  p[18] = lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[18])));
  p[19] = lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[19])));
  p[20] = lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[20])));
  p[21] = lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[21])));
  p[22] = lane_fnma(g2_2, w[25], lane_fnma(g1_2, w[16], lane_fnma(g0_2, w[7], p[22])));
  p[23] = lane_fnma(g2_2, w[26], lane_fnma(g1_2, w[17], lane_fnma(g0_2, w[8], p[23]))); const lane g0_3 = w[3] * inverse[0];
  const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  p[24] = lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[24])));
  p[25] = lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[25])));
  p[26] = lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[26])));
  p[27] = lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[27])));
  p[28] = lane_fnma(g2_3, w[25], lane_fnma(g1_3, w[16], lane_fnma(g0_3, w[7], p[28])));
  p[29] = lane_fnma(g2_3, w[26], lane_fnma(g1_3, w[17], lane_fnma(g0_3, w[8], p[29]))); const lane g0_4 = w[4] * inverse[0];
  const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  p[30] = lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[30])));
  p[31] = lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[31])));
  p[32] = lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[32])));
  p[33] = lane_fnma(g2_4, w[25], lane_fnma(g1_4, w[16], lane_fnma(g0_4, w[7], p[33])));
  p[34] = lane_fnma(g2_4, w[26], lane_fnma(g1_4, w[17], lane_fnma(g0_4, w[8], p[34]))); const lane g0_5 = w[5] * inverse[0];
  const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  p[35] = lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[35])));
  p[36] = lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[36])));
  p[37] = lane_fnma(g2_5, w[25], lane_fnma(g1_5, w[16], lane_fnma(g0_5, w[7], p[37])));
  p[38] = lane_fnma(g2_5, w[26], lane_fnma(g1_5, w[17], lane_fnma(g0_5, w[8], p[38]))); const lane g0_6 = w[6] * inverse[0];
  const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  p[39] = lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[39])));
  p[40] = lane_fnma(g2_6, w[25], lane_fnma(g1_6, w[16], lane_fnma(g0_6, w[7], p[40])));
  p[41] = lane_fnma(g2_6, w[26], lane_fnma(g1_6, w[17], lane_fnma(g0_6, w[8], p[41]))); const lane g0_7 = w[7] * inverse[0];
  const lane g1_7 = w[16] * inverse[1]; const lane g2_7 = w[25] * inverse[2];
  p[42] = lane_fnma(g2_7, w[25], lane_fnma(g1_7, w[16], lane_fnma(g0_7, w[7], p[42])));
  p[43] = lane_fnma(g2_7, w[26], lane_fnma(g1_7, w[17], lane_fnma(g0_7, w[8], p[43]))); const lane g0_8 = w[8] * inverse[0];
  const lane g1_8 = w[17] * inverse[1]; const lane g2_8 = w[26] * inverse[2];
  p[44] = lane_fnma(g2_8, w[26], lane_fnma(g1_8, w[17], lane_fnma(g0_8, w[8], p[44])));
}

/* p -= sum of w w' inverse over 4 components, of 9 states; the rows of w are 9 apart. */
WK_INLINE void downdate_9_4(lane *p, const lane *w, const lane *inverse) {
  const lane g0_0 = w[0] * inverse[0]; const lane g1_0 = w[9] * inverse[1]; const lane g2_0 = w[18] * inverse[2];
  const lane g3_0 = w[27] * inverse[3];
  p[0] = lane_fnma(g3_0, w[27], lane_fnma(g2_0, w[18], lane_fnma(g1_0, w[9], lane_fnma(g0_0, w[0], p[0]))));
  p[1] = lane_fnma(g3_0, w[28], lane_fnma(g2_0, w[19], lane_fnma(g1_0, w[10], lane_fnma(g0_0, w[1], p[1]))));
  p[2] = lane_fnma(g3_0, w[29], lane_fnma(g2_0, w[20], lane_fnma(g1_0, w[11], lane_fnma(g0_0, w[2], p[2]))));
  p[3] = lane_fnma(g3_0, w[30], lane_fnma(g2_0, w[21], lane_fnma(g1_0, w[12], lane_fnma(g0_0, w[3], p[3]))));
  p[4] = lane_fnma(g3_0, w[31], lane_fnma(g2_0, w[22], lane_fnma(g1_0, w[13], lane_fnma(g0_0, w[4], p[4]))));
  p[5] = lane_fnma(g3_0, w[32], lane_fnma(g2_0, w[23], lane_fnma(g1_0, w[14], lane_fnma(g0_0, w[5], p[5]))));
  p[6] = lane_fnma(g3_0, w[33], lane_fnma(g2_0, w[24], lane_fnma(g1_0, w[15], lane_fnma(g0_0, w[6], p[6]))));
  p[7] = lane_fnma(g3_0, w[34], lane_fnma(g2_0, w[25], lane_fnma(g1_0, w[16], lane_fnma(g0_0, w[7], p[7]))));
  p[8] = lane_fnma(g3_0, w[35], lane_fnma(g2_0, w[26], lane_fnma(g1_0, w[17], lane_fnma(g0_0, w[8], p[8]))));
  const lane g0_1 = w[1] * inverse[0]; const lane g1_1 = w[10] * inverse[1]; const lane g2_1 = w[19] * inverse[2];
  const lane g3_1 = w[28] * inverse[3];
  p[9] = lane_fnma(g3_1, w[28], lane_fnma(g2_1, w[19], lane_fnma(g1_1, w[10], lane_fnma(g0_1, w[1], p[9]))));
  p[10] = lane_fnma(g3_1, w[29], lane_fnma(g2_1, w[20], lane_fnma(g1_1, w[11], lane_fnma(g0_1, w[2], p[10]))));
  p[11] = lane_fnma(g3_1, w[30], lane_fnma(g2_1, w[21], lane_fnma(g1_1, w[12], lane_fnma(g0_1, w[3], p[11]))));
  p[12] = lane_fnma(g3_1, w[31], lane_fnma(g2_1, w[22], lane_fnma(g1_1, w[13], lane_fnma(g0_1, w[4], p[12]))));
  p[13] = lane_fnma(g3_1, w[32], lane_fnma(g2_1, w[23], lane_fnma(g1_1, w[14], lane_fnma(g0_1, w[5], p[13]))));
  p[14] = lane_fnma(g3_1, w[33], lane_fnma(g2_1, w[24], lane_fnma(g1_1, w[15], lane_fnma(g0_1, w[6], p[14]))));
  p[15] = lane_fnma(g3_1, w[34], lane_fnma(g2_1, w[25], lane_fnma(g1_1, w[16], lane_fnma(g0_1, w[7], p[15]))));
  p[16] = lane_fnma(g3_1, w[35], lane_fnma(g2_1, w[26], lane_fnma(g1_1, w[17], lane_fnma(g0_1, w[8], p[16]))));
  const lane g0_2 = w[2] * inverse[0]; const lane g1_2 = w[11] * inverse[1]; const lane g2_2 = w[20] * inverse[2];
  const lane g3_2 = w[29] * inverse[3];
  p[17] = lane_fnma(g3_2, w[29], lane_fnma(g2_2, w[20], lane_fnma(g1_2, w[11], lane_fnma(g0_2, w[2], p[17]))));
  p[18] = lane_fnma(g3_2, w[30], lane_fnma(g2_2, w[21], lane_fnma(g1_2, w[12], lane_fnma(g0_2, w[3], p[18]))));
  p[19] = lane_fnma(g3_2, w[31], lane_fnma(g2_2, w[22], lane_fnma(g1_2, w[13], lane_fnma(g0_2, w[4], p[19]))));
  p[20] = lane_fnma(g3_2, w[32], lane_fnma(g2_2, w[23], lane_fnma(g1_2, w[14], lane_fnma(g0_2, w[5], p[20]))));
  p[21] = lane_fnma(g3_2, w[33], lane_fnma(g2_2, w[24], lane_fnma(g1_2, w[15], lane_fnma(g0_2, w[6], p[21]))));
  p[22] = lane_fnma(g3_2, w[34], lane_fnma(g2_2, w[25], lane_fnma(g1_2, w[16], lane_fnma(g0_2, w[7], p[22]))));
  p[23] = lane_fnma(g3_2, w[35], lane_fnma(g2_2, w[26], lane_fnma(g1_2, w[17], lane_fnma(g0_2, w[8], p[23]))));
  const lane g0_3 = w[3] * inverse[0]; const lane g1_3 = w[12] * inverse[1]; const lane g2_3 = w[21] * inverse[2];
  const lane g3_3 = w[30] * inverse[3];
  p[24] = lane_fnma(g3_3, w[30], lane_fnma(g2_3, w[21], lane_fnma(g1_3, w[12], lane_fnma(g0_3, w[3], p[24]))));
  p[25] = lane_fnma(g3_3, w[31], lane_fnma(g2_3, w[22], lane_fnma(g1_3, w[13], lane_fnma(g0_3, w[4], p[25]))));
  p[26] = lane_fnma(g3_3, w[32], lane_fnma(g2_3, w[23], lane_fnma(g1_3, w[14], lane_fnma(g0_3, w[5], p[26]))));
  p[27] = lane_fnma(g3_3, w[33], lane_fnma(g2_3, w[24], lane_fnma(g1_3, w[15], lane_fnma(g0_3, w[6], p[27]))));
  p[28] = lane_fnma(g3_3, w[34], lane_fnma(g2_3, w[25], lane_fnma(g1_3, w[16], lane_fnma(g0_3, w[7], p[28]))));
  p[29] = lane_fnma(g3_3, w[35], lane_fnma(g2_3, w[26], lane_fnma(g1_3, w[17], lane_fnma(g0_3, w[8], p[29]))));
  const lane g0_4 = w[4] * inverse[0]; const lane g1_4 = w[13] * inverse[1]; const lane g2_4 = w[22] * inverse[2];
  const lane g3_4 = w[31] * inverse[3];
  p[30] = lane_fnma(g3_4, w[31], lane_fnma(g2_4, w[22], lane_fnma(g1_4, w[13], lane_fnma(g0_4, w[4], p[30]))));
  p[31] = lane_fnma(g3_4, w[32], lane_fnma(g2_4, w[23], lane_fnma(g1_4, w[14], lane_fnma(g0_4, w[5], p[31]))));
  p[32] = lane_fnma(g3_4, w[33], lane_fnma(g2_4, w[24], lane_fnma(g1_4, w[15], lane_fnma(g0_4, w[6], p[32]))));
  p[33] = lane_fnma(g3_4, w[34], lane_fnma(g2_4, w[25], lane_fnma(g1_4, w[16], lane_fnma(g0_4, w[7], p[33]))));
  p[34] = lane_fnma(g3_4, w[35], lane_fnma(g2_4, w[26], lane_fnma(g1_4, w[17], lane_fnma(g0_4, w[8], p[34]))));
  const lane g0_5 = w[5] * inverse[0]; const lane g1_5 = w[14] * inverse[1]; const lane g2_5 = w[23] * inverse[2];
  const lane g3_5 = w[32] * inverse[3];
  p[35] = lane_fnma(g3_5, w[32], lane_fnma(g2_5, w[23], lane_fnma(g1_5, w[14], lane_fnma(g0_5, w[5], p[35]))));
  p[36] = lane_fnma(g3_5, w[33], lane_fnma(g2_5, w[24], lane_fnma(g1_5, w[15], lane_fnma(g0_5, w[6], p[36]))));
  p[37] = lane_fnma(g3_5, w[34], lane_fnma(g2_5, w[25], lane_fnma(g1_5, w[16], lane_fnma(g0_5, w[7], p[37]))));
  p[38] = lane_fnma(g3_5, w[35], lane_fnma(g2_5, w[26], lane_fnma(g1_5, w[17], lane_fnma(g0_5, w[8], p[38]))));
  const lane g0_6 = w[6] * inverse[0]; const lane g1_6 = w[15] * inverse[1]; const lane g2_6 = w[24] * inverse[2];
  const lane g3_6 = w[33] * inverse[3];
  p[39] = lane_fnma(g3_6, w[33], lane_fnma(g2_6, w[24], lane_fnma(g1_6, w[15], lane_fnma(g0_6, w[6], p[39]))));
  p[40] = lane_fnma(g3_6, w[34], lane_fnma(g2_6, w[25], lane_fnma(g1_6, w[16], lane_fnma(g0_6, w[7], p[40]))));
  p[41] = lane_fnma(g3_6, w[35], lane_fnma(g2_6, w[26], lane_fnma(g1_6, w[17], lane_fnma(g0_6, w[8], p[41]))));
  const lane g0_7 = w[7] * inverse[0]; const lane g1_7 = w[16] * inverse[1]; const lane g2_7 = w[25] * inverse[2];
  const lane g3_7 = w[34] * inverse[3];
  p[42] = lane_fnma(g3_7, w[34], lane_fnma(g2_7, w[25], lane_fnma(g1_7, w[16], lane_fnma(g0_7, w[7], p[42]))));
  p[43] = lane_fnma(g3_7, w[35], lane_fnma(g2_7, w[26], lane_fnma(g1_7, w[17], lane_fnma(g0_7, w[8], p[43]))));
  const lane g0_8 = w[8] * inverse[0]; const lane g1_8 = w[17] * inverse[1]; const lane g2_8 = w[26] * inverse[2];
  const lane g3_8 = w[35] * inverse[3];
  p[44] = lane_fnma(g3_8, w[35], lane_fnma(g2_8, w[26], lane_fnma(g1_8, w[17], lane_fnma(g0_8, w[8], p[44]))));
}

#endif

/* Products that two covariances of six states make with each other. Written by kernels/generate/products.py: change that, not this. */
#ifndef WK_PAIRS_H
#define WK_PAIRS_H

#include "kernels/lane/lane.h"

/* q = l^-1 m, all below diagonals of ones, as rows of their transposes (pivot_6_*). */
WK_INLINE void ratio_6(const lane *l, const lane *m, lane *q) {
  lane q10 = m[1] - l[1]; lane q20 = m[2] - l[2]; lane q21 = m[7] - l[7]; lane q30 = m[3] - l[3]; lane q31 = m[8] - l[8];
  lane q32 = m[12] - l[12]; lane q40 = m[4] - l[4]; lane q41 = m[9] - l[9]; lane q42 = m[13] - l[13]; lane q43 = m[16] - l[16];
  lane q50 = m[5] - l[5]; lane q51 = m[10] - l[10]; lane q52 = m[14] - l[14]; lane q53 = m[17] - l[17]; lane q54 = m[19] - l[19];
  q20 = lane_fnma(l[7], q10, q20); q30 = lane_fnma(l[8], q10, q30); q40 = lane_fnma(l[9], q10, q40);
  q50 = lane_fnma(l[10], q10, q50); q30 = lane_fnma(l[12], q20, q30); q31 = lane_fnma(l[12], q21, q31);
  q40 = lane_fnma(l[13], q20, q40); q41 = lane_fnma(l[13], q21, q41); q50 = lane_fnma(l[14], q20, q50);
  q51 = lane_fnma(l[14], q21, q51); q40 = lane_fnma(l[16], q30, q40); q41 = lane_fnma(l[16], q31, q41);
  q42 = lane_fnma(l[16], q32, q42); q50 = lane_fnma(l[17], q30, q50); q51 = lane_fnma(l[17], q31, q51);
  q52 = lane_fnma(l[17], q32, q52); q50 = lane_fnma(l[19], q40, q50); q51 = lane_fnma(l[19], q41, q51);
  q52 = lane_fnma(l[19], q42, q52); q53 = lane_fnma(l[19], q43, q53); q[1] = q10; q[2] = q20; q[7] = q21; q[3] = q30; q[8] = q31;
  q[12] = q32; q[4] = q40; q[9] = q41; q[13] = q42; q[16] = q43; q[5] = q50; q[10] = q51; q[14] = q52; q[17] = q53; q[19] = q54;
}

/* The same; m is the transpose of such a matrix and counts its rows and columns from the last one. */
WK_INLINE void ratio_turned_6(const lane *l, const lane *m, lane *q) {
  lane q10 = m[19] - l[1]; lane q20 = m[17] - l[2]; lane q21 = m[16] - l[7]; lane q30 = m[14] - l[3]; lane q31 = m[13] - l[8];
  lane q32 = m[12] - l[12]; lane q40 = m[10] - l[4]; lane q41 = m[9] - l[9]; lane q42 = m[8] - l[13]; lane q43 = m[7] - l[16];
  lane q50 = m[5] - l[5]; lane q51 = m[4] - l[10]; lane q52 = m[3] - l[14]; lane q53 = m[2] - l[17]; lane q54 = m[1] - l[19];
  q20 = lane_fnma(l[7], q10, q20); q30 = lane_fnma(l[8], q10, q30); q40 = lane_fnma(l[9], q10, q40);
  q50 = lane_fnma(l[10], q10, q50); q30 = lane_fnma(l[12], q20, q30); q31 = lane_fnma(l[12], q21, q31);
  q40 = lane_fnma(l[13], q20, q40); q41 = lane_fnma(l[13], q21, q41); q50 = lane_fnma(l[14], q20, q50);
  q51 = lane_fnma(l[14], q21, q51); q40 = lane_fnma(l[16], q30, q40); q41 = lane_fnma(l[16], q31, q41);
  q42 = lane_fnma(l[16], q32, q42); q50 = lane_fnma(l[17], q30, q50); q51 = lane_fnma(l[17], q31, q51);
  q52 = lane_fnma(l[17], q32, q52); q50 = lane_fnma(l[19], q40, q50); q51 = lane_fnma(l[19], q41, q51);
  q52 = lane_fnma(l[19], q42, q52); q53 = lane_fnma(l[19], q43, q53); q[1] = q10; q[2] = q20; q[7] = q21; q[3] = q30; q[8] = q31;
  q[12] = q32; q[4] = q40; q[9] = q41; q[13] = q42; q[16] = q43; q[5] = q50; q[10] = q51; q[14] = q52; q[17] = q53; q[19] = q54;
}

/* g = q' diag(inverse) q, q below a diagonal of ones; g counts its rows and columns from the last one. */
WK_INLINE void gram_turned_6(const lane *q, const lane *inverse, lane *g) {
  lane g00 = inverse[0]; const lane z10 = q[1] * inverse[1]; g00 = lane_fma(q[1], z10, g00); lane g01 = z10; lane g11 = inverse[1];
  const lane z20 = q[2] * inverse[2]; const lane z21 = q[7] * inverse[2]; g00 = lane_fma(q[2], z20, g00);
  g01 = lane_fma(q[2], z21, g01); lane g02 = z20; g11 = lane_fma(q[7], z21, g11); lane g12 = z21; lane g22 = inverse[2];
  const lane z30 = q[3] * inverse[3]; const lane z31 = q[8] * inverse[3]; const lane z32 = q[12] * inverse[3];
  g00 = lane_fma(q[3], z30, g00); g01 = lane_fma(q[3], z31, g01); g02 = lane_fma(q[3], z32, g02); lane g03 = z30;
  g11 = lane_fma(q[8], z31, g11); g12 = lane_fma(q[8], z32, g12); lane g13 = z31; g22 = lane_fma(q[12], z32, g22); lane g23 = z32;
  lane g33 = inverse[3]; const lane z40 = q[4] * inverse[4]; const lane z41 = q[9] * inverse[4];
  const lane z42 = q[13] * inverse[4]; const lane z43 = q[16] * inverse[4]; g00 = lane_fma(q[4], z40, g00);
  g01 = lane_fma(q[4], z41, g01); g02 = lane_fma(q[4], z42, g02); g03 = lane_fma(q[4], z43, g03); lane g04 = z40;
  g11 = lane_fma(q[9], z41, g11); g12 = lane_fma(q[9], z42, g12); g13 = lane_fma(q[9], z43, g13); lane g14 = z41;
  g22 = lane_fma(q[13], z42, g22); g23 = lane_fma(q[13], z43, g23); lane g24 = z42; g33 = lane_fma(q[16], z43, g33); lane g34 = z43;
  lane g44 = inverse[4]; const lane z50 = q[5] * inverse[5]; const lane z51 = q[10] * inverse[5];
  const lane z52 = q[14] * inverse[5]; const lane z53 = q[17] * inverse[5]; const lane z54 = q[19] * inverse[5];
  g00 = lane_fma(q[5], z50, g00); g01 = lane_fma(q[5], z51, g01); g02 = lane_fma(q[5], z52, g02); g03 = lane_fma(q[5], z53, g03);
  g04 = lane_fma(q[5], z54, g04); lane g05 = z50; g11 = lane_fma(q[10], z51, g11); g12 = lane_fma(q[10], z52, g12);
  g13 = lane_fma(q[10], z53, g13); g14 = lane_fma(q[10], z54, g14); lane g15 = z51; g22 = lane_fma(q[14], z52, g22);
  g23 = lane_fma(q[14], z53, g23); g24 = lane_fma(q[14], z54, g24); lane g25 = z52; g33 = lane_fma(q[17], z53, g33);
  g34 = lane_fma(q[17], z54, g34); lane g35 = z53; g44 = lane_fma(q[19], z54, g44); lane g45 = z54; lane g55 = inverse[5];
  g[20] = g00; g[19] = g01; g[17] = g02; g[14] = g03; g[10] = g04; g[5] = g05; g[18] = g11; g[16] = g12; g[13] = g13; g[9] = g14;
  g[4] = g15; g[15] = g22; g[12] = g23; g[8] = g24; g[3] = g25; g[11] = g33; g[7] = g34; g[2] = g35; g[6] = g44; g[1] = g45;
  g[0] = g55;
}

/* d := l^-1 d l^-T of a symmetric d, l below a diagonal of ones. */
WK_INLINE void reduce_6(const lane *l, lane *d) {
  d[6] = lane_fnma(l[1], d[1], d[6]); d[7] = lane_fnma(l[1], d[2], d[7]); d[8] = lane_fnma(l[1], d[3], d[8]);
  d[9] = lane_fnma(l[1], d[4], d[9]); d[10] = lane_fnma(l[1], d[5], d[10]); d[11] = lane_fnma(l[2], d[2], d[11]);
  d[12] = lane_fnma(l[2], d[3], d[12]); d[13] = lane_fnma(l[2], d[4], d[13]); d[14] = lane_fnma(l[2], d[5], d[14]);
  d[15] = lane_fnma(l[3], d[3], d[15]); d[16] = lane_fnma(l[3], d[4], d[16]); d[17] = lane_fnma(l[3], d[5], d[17]);
  d[18] = lane_fnma(l[4], d[4], d[18]); d[19] = lane_fnma(l[4], d[5], d[19]); d[20] = lane_fnma(l[5], d[5], d[20]);
  d[11] = lane_fnma(l[7], d[7], d[11]); d[12] = lane_fnma(l[7], d[8], d[12]); d[13] = lane_fnma(l[7], d[9], d[13]);
  d[14] = lane_fnma(l[7], d[10], d[14]); d[15] = lane_fnma(l[8], d[8], d[15]); d[16] = lane_fnma(l[8], d[9], d[16]);
  d[17] = lane_fnma(l[8], d[10], d[17]); d[18] = lane_fnma(l[9], d[9], d[18]); d[19] = lane_fnma(l[9], d[10], d[19]);
  d[20] = lane_fnma(l[10], d[10], d[20]); d[15] = lane_fnma(l[12], d[12], d[15]); d[16] = lane_fnma(l[12], d[13], d[16]);
  d[17] = lane_fnma(l[12], d[14], d[17]); d[18] = lane_fnma(l[13], d[13], d[18]); d[19] = lane_fnma(l[13], d[14], d[19]);
  d[20] = lane_fnma(l[14], d[14], d[20]); d[18] = lane_fnma(l[16], d[16], d[18]); d[19] = lane_fnma(l[16], d[17], d[19]);
  d[20] = lane_fnma(l[17], d[17], d[20]); d[20] = lane_fnma(l[19], d[19], d[20]); d[1] = lane_fnma(l[1], d[0], d[1]);
  d[2] = lane_fnma(l[2], d[0], d[2]); d[2] = lane_fnma(l[7], d[1], d[2]); d[3] = lane_fnma(l[3], d[0], d[3]);
  d[3] = lane_fnma(l[8], d[1], d[3]); d[3] = lane_fnma(l[12], d[2], d[3]); d[4] = lane_fnma(l[4], d[0], d[4]);
  d[4] = lane_fnma(l[9], d[1], d[4]); d[4] = lane_fnma(l[13], d[2], d[4]); d[4] = lane_fnma(l[16], d[3], d[4]);
  d[5] = lane_fnma(l[5], d[0], d[5]); d[5] = lane_fnma(l[10], d[1], d[5]); d[5] = lane_fnma(l[14], d[2], d[5]);
  d[5] = lane_fnma(l[17], d[3], d[5]); d[5] = lane_fnma(l[19], d[4], d[5]); d[6] = lane_fnma(l[1], d[1], d[6]);
  d[7] = lane_fnma(l[2], d[1], d[7]); d[7] = lane_fnma(l[7], d[6], d[7]); d[8] = lane_fnma(l[3], d[1], d[8]);
  d[8] = lane_fnma(l[8], d[6], d[8]); d[8] = lane_fnma(l[12], d[7], d[8]); d[9] = lane_fnma(l[4], d[1], d[9]);
  d[9] = lane_fnma(l[9], d[6], d[9]); d[9] = lane_fnma(l[13], d[7], d[9]); d[9] = lane_fnma(l[16], d[8], d[9]);
  d[10] = lane_fnma(l[5], d[1], d[10]); d[10] = lane_fnma(l[10], d[6], d[10]); d[10] = lane_fnma(l[14], d[7], d[10]);
  d[10] = lane_fnma(l[17], d[8], d[10]); d[10] = lane_fnma(l[19], d[9], d[10]); d[11] = lane_fnma(l[2], d[2], d[11]);
  d[11] = lane_fnma(l[7], d[7], d[11]); d[12] = lane_fnma(l[3], d[2], d[12]); d[12] = lane_fnma(l[8], d[7], d[12]);
  d[12] = lane_fnma(l[12], d[11], d[12]); d[13] = lane_fnma(l[4], d[2], d[13]); d[13] = lane_fnma(l[9], d[7], d[13]);
  d[13] = lane_fnma(l[13], d[11], d[13]); d[13] = lane_fnma(l[16], d[12], d[13]); d[14] = lane_fnma(l[5], d[2], d[14]);
  d[14] = lane_fnma(l[10], d[7], d[14]); d[14] = lane_fnma(l[14], d[11], d[14]); d[14] = lane_fnma(l[17], d[12], d[14]);
  d[14] = lane_fnma(l[19], d[13], d[14]); d[15] = lane_fnma(l[3], d[3], d[15]); d[15] = lane_fnma(l[8], d[8], d[15]);
  d[15] = lane_fnma(l[12], d[12], d[15]); d[16] = lane_fnma(l[4], d[3], d[16]); d[16] = lane_fnma(l[9], d[8], d[16]);
  d[16] = lane_fnma(l[13], d[12], d[16]); d[16] = lane_fnma(l[16], d[15], d[16]); d[17] = lane_fnma(l[5], d[3], d[17]);
  d[17] = lane_fnma(l[10], d[8], d[17]); d[17] = lane_fnma(l[14], d[12], d[17]); d[17] = lane_fnma(l[17], d[15], d[17]);
  d[17] = lane_fnma(l[19], d[16], d[17]); d[18] = lane_fnma(l[4], d[4], d[18]); d[18] = lane_fnma(l[9], d[9], d[18]);
  d[18] = lane_fnma(l[13], d[13], d[18]); d[18] = lane_fnma(l[16], d[16], d[18]); d[19] = lane_fnma(l[5], d[4], d[19]);
  d[19] = lane_fnma(l[10], d[9], d[19]); d[19] = lane_fnma(l[14], d[13], d[19]); d[19] = lane_fnma(l[17], d[16], d[19]);
  d[19] = lane_fnma(l[19], d[18], d[19]); d[20] = lane_fnma(l[5], d[5], d[20]); d[20] = lane_fnma(l[10], d[10], d[20]);
  d[20] = lane_fnma(l[14], d[14], d[20]); d[20] = lane_fnma(l[17], d[17], d[20]); d[20] = lane_fnma(l[19], d[19], d[20]);
}

/* c = a b of symmetric matrices that commute. */
WK_INLINE void commuting_6(const lane *a, const lane *b, lane *c) {
  lane c00 = a[0] * b[0]; lane c01 = a[0] * b[1]; lane c02 = a[0] * b[2]; lane c03 = a[0] * b[3]; lane c04 = a[0] * b[4];
  lane c05 = a[0] * b[5]; c00 = lane_fma(a[1], b[1], c00); c01 = lane_fma(a[1], b[6], c01); c02 = lane_fma(a[1], b[7], c02);
  c03 = lane_fma(a[1], b[8], c03); c04 = lane_fma(a[1], b[9], c04); c05 = lane_fma(a[1], b[10], c05);
  c00 = lane_fma(a[2], b[2], c00); c01 = lane_fma(a[2], b[7], c01); c02 = lane_fma(a[2], b[11], c02);
  c03 = lane_fma(a[2], b[12], c03); c04 = lane_fma(a[2], b[13], c04); c05 = lane_fma(a[2], b[14], c05);
  c00 = lane_fma(a[3], b[3], c00); c01 = lane_fma(a[3], b[8], c01); c02 = lane_fma(a[3], b[12], c02);
  c03 = lane_fma(a[3], b[15], c03); c04 = lane_fma(a[3], b[16], c04); c05 = lane_fma(a[3], b[17], c05);
  c00 = lane_fma(a[4], b[4], c00); c01 = lane_fma(a[4], b[9], c01); c02 = lane_fma(a[4], b[13], c02);
  c03 = lane_fma(a[4], b[16], c03); c04 = lane_fma(a[4], b[18], c04); c05 = lane_fma(a[4], b[19], c05);
  c00 = lane_fma(a[5], b[5], c00); c01 = lane_fma(a[5], b[10], c01); c02 = lane_fma(a[5], b[14], c02);
  c03 = lane_fma(a[5], b[17], c03); c04 = lane_fma(a[5], b[19], c04); c05 = lane_fma(a[5], b[20], c05); c[0] = c00; c[1] = c01;
  c[2] = c02; c[3] = c03; c[4] = c04; c[5] = c05; lane c11 = a[1] * b[1]; lane c12 = a[1] * b[2]; lane c13 = a[1] * b[3];
  lane c14 = a[1] * b[4]; lane c15 = a[1] * b[5]; c11 = lane_fma(a[6], b[6], c11); c12 = lane_fma(a[6], b[7], c12);
  c13 = lane_fma(a[6], b[8], c13); c14 = lane_fma(a[6], b[9], c14); c15 = lane_fma(a[6], b[10], c15);
  c11 = lane_fma(a[7], b[7], c11); c12 = lane_fma(a[7], b[11], c12); c13 = lane_fma(a[7], b[12], c13);
  c14 = lane_fma(a[7], b[13], c14); c15 = lane_fma(a[7], b[14], c15); c11 = lane_fma(a[8], b[8], c11);
  c12 = lane_fma(a[8], b[12], c12); c13 = lane_fma(a[8], b[15], c13); c14 = lane_fma(a[8], b[16], c14);
  c15 = lane_fma(a[8], b[17], c15); c11 = lane_fma(a[9], b[9], c11); c12 = lane_fma(a[9], b[13], c12);
  c13 = lane_fma(a[9], b[16], c13); c14 = lane_fma(a[9], b[18], c14); c15 = lane_fma(a[9], b[19], c15);
  c11 = lane_fma(a[10], b[10], c11); c12 = lane_fma(a[10], b[14], c12); c13 = lane_fma(a[10], b[17], c13);
  c14 = lane_fma(a[10], b[19], c14); c15 = lane_fma(a[10], b[20], c15); c[6] = c11; c[7] = c12; c[8] = c13; c[9] = c14; c[10] = c15;
  lane c22 = a[2] * b[2]; lane c23 = a[2] * b[3]; lane c24 = a[2] * b[4]; lane c25 = a[2] * b[5]; c22 = lane_fma(a[7], b[7], c22);
  c23 = lane_fma(a[7], b[8], c23); c24 = lane_fma(a[7], b[9], c24); c25 = lane_fma(a[7], b[10], c25);
  c22 = lane_fma(a[11], b[11], c22); c23 = lane_fma(a[11], b[12], c23); c24 = lane_fma(a[11], b[13], c24);
  c25 = lane_fma(a[11], b[14], c25); c22 = lane_fma(a[12], b[12], c22); c23 = lane_fma(a[12], b[15], c23);
  c24 = lane_fma(a[12], b[16], c24); c25 = lane_fma(a[12], b[17], c25); c22 = lane_fma(a[13], b[13], c22);
  c23 = lane_fma(a[13], b[16], c23); c24 = lane_fma(a[13], b[18], c24); c25 = lane_fma(a[13], b[19], c25);
  c22 = lane_fma(a[14], b[14], c22); c23 = lane_fma(a[14], b[17], c23); c24 = lane_fma(a[14], b[19], c24);
  c25 = lane_fma(a[14], b[20], c25); c[11] = c22; c[12] = c23; c[13] = c24; c[14] = c25; lane c33 = a[3] * b[3];
  lane c34 = a[3] * b[4]; lane c35 = a[3] * b[5]; c33 = lane_fma(a[8], b[8], c33); c34 = lane_fma(a[8], b[9], c34);
  c35 = lane_fma(a[8], b[10], c35); c33 = lane_fma(a[12], b[12], c33); c34 = lane_fma(a[12], b[13], c34);
  c35 = lane_fma(a[12], b[14], c35); c33 = lane_fma(a[15], b[15], c33); c34 = lane_fma(a[15], b[16], c34);
  c35 = lane_fma(a[15], b[17], c35); c33 = lane_fma(a[16], b[16], c33); c34 = lane_fma(a[16], b[18], c34);
  c35 = lane_fma(a[16], b[19], c35); c33 = lane_fma(a[17], b[17], c33); c34 = lane_fma(a[17], b[19], c34);
  c35 = lane_fma(a[17], b[20], c35); c[15] = c33; c[16] = c34; c[17] = c35; lane c44 = a[4] * b[4]; lane c45 = a[4] * b[5];
  c44 = lane_fma(a[9], b[9], c44); c45 = lane_fma(a[9], b[10], c45); c44 = lane_fma(a[13], b[13], c44);
  c45 = lane_fma(a[13], b[14], c45); c44 = lane_fma(a[16], b[16], c44); c45 = lane_fma(a[16], b[17], c45);
  c44 = lane_fma(a[18], b[18], c44); c45 = lane_fma(a[18], b[19], c45); c44 = lane_fma(a[19], b[19], c44);
  c45 = lane_fma(a[19], b[20], c45); c[18] = c44; c[19] = c45; lane c55 = a[5] * b[5]; c55 = lane_fma(a[10], b[10], c55);
  c55 = lane_fma(a[14], b[14], c55); c55 = lane_fma(a[17], b[17], c55); c55 = lane_fma(a[19], b[19], c55);
  c55 = lane_fma(a[20], b[20], c55); c[20] = c55;
}

/* The trace of a b, both symmetric. */
WK_INLINE void trace_6(const lane *a, const lane *b, lane *sum) {
  lane diagonal = a[0] * b[0]; diagonal = lane_fma(a[6], b[6], diagonal); diagonal = lane_fma(a[11], b[11], diagonal);
  diagonal = lane_fma(a[15], b[15], diagonal); diagonal = lane_fma(a[18], b[18], diagonal);
  diagonal = lane_fma(a[20], b[20], diagonal); lane beside0 = a[1] * b[1]; lane beside1 = a[2] * b[2];
  beside0 = lane_fma(a[3], b[3], beside0); beside1 = lane_fma(a[4], b[4], beside1); beside0 = lane_fma(a[5], b[5], beside0);
  beside1 = lane_fma(a[7], b[7], beside1); beside0 = lane_fma(a[8], b[8], beside0); beside1 = lane_fma(a[9], b[9], beside1);
  beside0 = lane_fma(a[10], b[10], beside0); beside1 = lane_fma(a[12], b[12], beside1); beside0 = lane_fma(a[13], b[13], beside0);
  beside1 = lane_fma(a[14], b[14], beside1); beside0 = lane_fma(a[16], b[16], beside0); beside1 = lane_fma(a[17], b[17], beside1);
  beside0 = lane_fma(a[19], b[19], beside0); const lane beside = beside0 + beside1; *sum = diagonal + (beside + beside);
}

/* x := q' x, q below a diagonal of ones. */
WK_INLINE void across_6(const lane *q, lane *x) {
  x[0] = lane_fma(q[1], x[1], x[0]); x[0] = lane_fma(q[2], x[2], x[0]); x[0] = lane_fma(q[3], x[3], x[0]);
  x[0] = lane_fma(q[4], x[4], x[0]); x[0] = lane_fma(q[5], x[5], x[0]); x[1] = lane_fma(q[7], x[2], x[1]);
  x[1] = lane_fma(q[8], x[3], x[1]); x[1] = lane_fma(q[9], x[4], x[1]); x[1] = lane_fma(q[10], x[5], x[1]);
  x[2] = lane_fma(q[12], x[3], x[2]); x[2] = lane_fma(q[13], x[4], x[2]); x[2] = lane_fma(q[14], x[5], x[2]);
  x[3] = lane_fma(q[16], x[4], x[3]); x[3] = lane_fma(q[17], x[5], x[3]); x[4] = lane_fma(q[19], x[5], x[4]);
}

#endif

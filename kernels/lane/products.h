/* Products of small matrices, packed where symmetric. Written by kernels/generate/products.py: change that, not this. */
#ifndef WK_PRODUCTS_H
#define WK_PRODUCTS_H

#include "kernels/lane/lane.h"

/* c = a b: xxx/xxx/xxx times xxx/xxx/xxx. */
WK_INLINE void product_full(const lane *a, const lane *b, lane *c) {
  lane c00 = a[0] * b[0]; lane c01 = a[0] * b[1]; lane c02 = a[0] * b[2]; c00 = lane_fma(a[1], b[3], c00);
  c01 = lane_fma(a[1], b[4], c01); c02 = lane_fma(a[1], b[5], c02); c00 = lane_fma(a[2], b[6], c00);
  c01 = lane_fma(a[2], b[7], c01); c02 = lane_fma(a[2], b[8], c02); c[0] = c00; c[1] = c01; c[2] = c02; lane c10 = a[3] * b[0];
  lane c11 = a[3] * b[1]; lane c12 = a[3] * b[2]; c10 = lane_fma(a[4], b[3], c10); c11 = lane_fma(a[4], b[4], c11);
  c12 = lane_fma(a[4], b[5], c12); c10 = lane_fma(a[5], b[6], c10); c11 = lane_fma(a[5], b[7], c11);
  c12 = lane_fma(a[5], b[8], c12); c[3] = c10; c[4] = c11; c[5] = c12; lane c20 = a[6] * b[0]; lane c21 = a[6] * b[1];
  lane c22 = a[6] * b[2]; c20 = lane_fma(a[7], b[3], c20); c21 = lane_fma(a[7], b[4], c21); c22 = lane_fma(a[7], b[5], c22);
  c20 = lane_fma(a[8], b[6], c20); c21 = lane_fma(a[8], b[7], c21); c22 = lane_fma(a[8], b[8], c22); c[6] = c20; c[7] = c21;
  c[8] = c22;
}

/* c = a b: xxx/xxx/xxx times xxx/xxx/xxx, symmetric. */
WK_INLINE void product_square(const lane *a, const lane *b, lane *c) {
  lane c00 = a[0] * b[0]; lane c01 = a[0] * b[1]; lane c02 = a[0] * b[2]; c00 = lane_fma(a[1], b[3], c00);
  c01 = lane_fma(a[1], b[4], c01); c02 = lane_fma(a[1], b[5], c02); c00 = lane_fma(a[2], b[6], c00);
  c01 = lane_fma(a[2], b[7], c01); c02 = lane_fma(a[2], b[8], c02); c[0] = c00; c[1] = c01; c[3] = c01; c[2] = c02; c[6] = c02;
  lane c11 = a[3] * b[1]; lane c12 = a[3] * b[2]; c11 = lane_fma(a[4], b[4], c11); c12 = lane_fma(a[4], b[5], c12);
  c11 = lane_fma(a[5], b[7], c11); c12 = lane_fma(a[5], b[8], c12); c[4] = c11; c[5] = c12; c[7] = c12; lane c22 = a[6] * b[2];
  c22 = lane_fma(a[7], b[5], c22); c22 = lane_fma(a[8], b[8], c22); c[8] = c22;
}

/* c = a b: 0x0/x00/000 times xxx/xxx/xxx. */
WK_INLINE void product_coriolis(const lane *a, const lane *b, lane *c) {
  lane c00 = a[1] * b[3]; lane c01 = a[1] * b[4]; lane c02 = a[1] * b[5]; c[0] = c00; c[1] = c01; c[2] = c02;
  lane c10 = a[3] * b[0]; lane c11 = a[3] * b[1]; lane c12 = a[3] * b[2]; c[3] = c10; c[4] = c11; c[5] = c12; c[6] = lane_all(0.0);
  c[7] = lane_all(0.0); c[8] = lane_all(0.0);
}

/* c = a b: 0x0/x00/000 times 0x0/x00/000. */
WK_INLINE void product_coriolis_twice(const lane *a, const lane *b, lane *c) {
  lane c00 = a[1] * b[3]; c[0] = c00; lane c11 = a[3] * b[1]; c[4] = c11; c[1] = lane_all(0.0); c[2] = lane_all(0.0);
  c[3] = lane_all(0.0); c[5] = lane_all(0.0); c[6] = lane_all(0.0); c[7] = lane_all(0.0); c[8] = lane_all(0.0);
}

/* c += a b: xxx/xxx/xxx times xxxxxxx/xxxxxxx/xxxxxxx. */
WK_INLINE void product_seven_add(const lane *a, const lane *b, lane *c) {
  lane c00 = c[0]; lane c01 = c[1]; lane c02 = c[2]; lane c03 = c[3]; lane c04 = c[4]; lane c05 = c[5]; lane c06 = c[6];
  c00 = lane_fma(a[0], b[0], c00); c01 = lane_fma(a[0], b[1], c01); c02 = lane_fma(a[0], b[2], c02);
  c03 = lane_fma(a[0], b[3], c03); c04 = lane_fma(a[0], b[4], c04); c05 = lane_fma(a[0], b[5], c05);
  c06 = lane_fma(a[0], b[6], c06); c00 = lane_fma(a[1], b[7], c00); c01 = lane_fma(a[1], b[8], c01);
  c02 = lane_fma(a[1], b[9], c02); c03 = lane_fma(a[1], b[10], c03); c04 = lane_fma(a[1], b[11], c04);
  c05 = lane_fma(a[1], b[12], c05); c06 = lane_fma(a[1], b[13], c06); c00 = lane_fma(a[2], b[14], c00);
  c01 = lane_fma(a[2], b[15], c01); c02 = lane_fma(a[2], b[16], c02); c03 = lane_fma(a[2], b[17], c03);
  c04 = lane_fma(a[2], b[18], c04); c05 = lane_fma(a[2], b[19], c05); c06 = lane_fma(a[2], b[20], c06); c[0] = c00; c[1] = c01;
  c[2] = c02; c[3] = c03; c[4] = c04; c[5] = c05; c[6] = c06; lane c10 = c[7]; lane c11 = c[8]; lane c12 = c[9]; lane c13 = c[10];
  lane c14 = c[11]; lane c15 = c[12]; lane c16 = c[13]; c10 = lane_fma(a[3], b[0], c10); c11 = lane_fma(a[3], b[1], c11);
  c12 = lane_fma(a[3], b[2], c12); c13 = lane_fma(a[3], b[3], c13); c14 = lane_fma(a[3], b[4], c14);
  c15 = lane_fma(a[3], b[5], c15); c16 = lane_fma(a[3], b[6], c16); c10 = lane_fma(a[4], b[7], c10);
  c11 = lane_fma(a[4], b[8], c11); c12 = lane_fma(a[4], b[9], c12); c13 = lane_fma(a[4], b[10], c13);
  c14 = lane_fma(a[4], b[11], c14); c15 = lane_fma(a[4], b[12], c15); c16 = lane_fma(a[4], b[13], c16);
  c10 = lane_fma(a[5], b[14], c10); c11 = lane_fma(a[5], b[15], c11); c12 = lane_fma(a[5], b[16], c12);
  c13 = lane_fma(a[5], b[17], c13); c14 = lane_fma(a[5], b[18], c14); c15 = lane_fma(a[5], b[19], c15);
  c16 = lane_fma(a[5], b[20], c16); c[7] = c10; c[8] = c11; c[9] = c12; c[10] = c13; c[11] = c14; c[12] = c15; c[13] = c16;
  lane c20 = c[14]; lane c21 = c[15]; lane c22 = c[16]; lane c23 = c[17]; lane c24 = c[18]; lane c25 = c[19]; lane c26 = c[20];
  c20 = lane_fma(a[6], b[0], c20); c21 = lane_fma(a[6], b[1], c21); c22 = lane_fma(a[6], b[2], c22);
  c23 = lane_fma(a[6], b[3], c23); c24 = lane_fma(a[6], b[4], c24); c25 = lane_fma(a[6], b[5], c25);
  c26 = lane_fma(a[6], b[6], c26); c20 = lane_fma(a[7], b[7], c20); c21 = lane_fma(a[7], b[8], c21);
  c22 = lane_fma(a[7], b[9], c22); c23 = lane_fma(a[7], b[10], c23); c24 = lane_fma(a[7], b[11], c24);
  c25 = lane_fma(a[7], b[12], c25); c26 = lane_fma(a[7], b[13], c26); c20 = lane_fma(a[8], b[14], c20);
  c21 = lane_fma(a[8], b[15], c21); c22 = lane_fma(a[8], b[16], c22); c23 = lane_fma(a[8], b[17], c23);
  c24 = lane_fma(a[8], b[18], c24); c25 = lane_fma(a[8], b[19], c25); c26 = lane_fma(a[8], b[20], c26); c[14] = c20; c[15] = c21;
  c[16] = c22; c[17] = c23; c[18] = c24; c[19] = c25; c[20] = c26;
}

WK_INLINE void carry_6_row_0(const lane *f, const lane *p, int apart, lane *out) {
  const lane f0 = f[0]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; const lane f1 = f[1];
  t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[6 * apart], t1); t2 = lane_fma(f1, p[7 * apart], t2);
  t3 = lane_fma(f1, p[8 * apart], t3); t4 = lane_fma(f1, p[9 * apart], t4); t5 = lane_fma(f1, p[10 * apart], t5);
  const lane f2 = f[2]; t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[7 * apart], t1);
  t2 = lane_fma(f2, p[11 * apart], t2); t3 = lane_fma(f2, p[12 * apart], t3); t4 = lane_fma(f2, p[13 * apart], t4);
  t5 = lane_fma(f2, p[14 * apart], t5); const lane f3 = f[3]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[8 * apart], t1); t2 = lane_fma(f3, p[12 * apart], t2); t3 = lane_fma(f3, p[15 * apart], t3);
  t4 = lane_fma(f3, p[16 * apart], t4); t5 = lane_fma(f3, p[17 * apart], t5); const lane f4 = f[4];
  t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[9 * apart], t1); t2 = lane_fma(f4, p[13 * apart], t2);
  t3 = lane_fma(f4, p[16 * apart], t3); t4 = lane_fma(f4, p[18 * apart], t4); t5 = lane_fma(f4, p[19 * apart], t5);
  const lane f5 = f[5]; t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[10 * apart], t1);
  t2 = lane_fma(f5, p[14 * apart], t2); t3 = lane_fma(f5, p[17 * apart], t3); t4 = lane_fma(f5, p[19 * apart], t4);
  t5 = lane_fma(f5, p[20 * apart], t5); lane s0 = t0 * f[0]; lane s1 = t0 * f[6]; lane s2 = t0 * f[12]; lane s3 = t0 * f[18];
  lane s4 = t0 * f[24]; lane s5 = t0 * f[30]; s0 = lane_fma(t1, f[1], s0); s1 = lane_fma(t1, f[7], s1);
  s2 = lane_fma(t1, f[13], s2); s3 = lane_fma(t1, f[19], s3); s4 = lane_fma(t1, f[25], s4); s5 = lane_fma(t1, f[31], s5);
  s0 = lane_fma(t2, f[2], s0); s1 = lane_fma(t2, f[8], s1); s2 = lane_fma(t2, f[14], s2); s3 = lane_fma(t2, f[20], s3);
  s4 = lane_fma(t2, f[26], s4); s5 = lane_fma(t2, f[32], s5); s0 = lane_fma(t3, f[3], s0); s1 = lane_fma(t3, f[9], s1);
  s2 = lane_fma(t3, f[15], s2); s3 = lane_fma(t3, f[21], s3); s4 = lane_fma(t3, f[27], s4); s5 = lane_fma(t3, f[33], s5);
  s0 = lane_fma(t4, f[4], s0); s1 = lane_fma(t4, f[10], s1); s2 = lane_fma(t4, f[16], s2); s3 = lane_fma(t4, f[22], s3);
  s4 = lane_fma(t4, f[28], s4); s5 = lane_fma(t4, f[34], s5); s0 = lane_fma(t5, f[5], s0); s1 = lane_fma(t5, f[11], s1);
  s2 = lane_fma(t5, f[17], s2); s3 = lane_fma(t5, f[23], s3); s4 = lane_fma(t5, f[29], s4); s5 = lane_fma(t5, f[35], s5);
  out[0] = s0; out[1] = s1; out[2] = s2; out[3] = s3; out[4] = s4; out[5] = s5;
}

WK_INLINE void carry_6_row_1(const lane *f, const lane *p, int apart, lane *out) {
  const lane f0 = f[6]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; const lane f1 = f[7];
  t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[6 * apart], t1); t2 = lane_fma(f1, p[7 * apart], t2);
  t3 = lane_fma(f1, p[8 * apart], t3); t4 = lane_fma(f1, p[9 * apart], t4); t5 = lane_fma(f1, p[10 * apart], t5);
  const lane f2 = f[8]; t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[7 * apart], t1);
  t2 = lane_fma(f2, p[11 * apart], t2); t3 = lane_fma(f2, p[12 * apart], t3); t4 = lane_fma(f2, p[13 * apart], t4);
  t5 = lane_fma(f2, p[14 * apart], t5); const lane f3 = f[9]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[8 * apart], t1); t2 = lane_fma(f3, p[12 * apart], t2); t3 = lane_fma(f3, p[15 * apart], t3);
  t4 = lane_fma(f3, p[16 * apart], t4); t5 = lane_fma(f3, p[17 * apart], t5); const lane f4 = f[10];
  t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[9 * apart], t1); t2 = lane_fma(f4, p[13 * apart], t2);
  t3 = lane_fma(f4, p[16 * apart], t3); t4 = lane_fma(f4, p[18 * apart], t4); t5 = lane_fma(f4, p[19 * apart], t5);
  const lane f5 = f[11]; t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[10 * apart], t1);
  t2 = lane_fma(f5, p[14 * apart], t2); t3 = lane_fma(f5, p[17 * apart], t3); t4 = lane_fma(f5, p[19 * apart], t4);
  t5 = lane_fma(f5, p[20 * apart], t5); lane s1 = t0 * f[6]; lane s2 = t0 * f[12]; lane s3 = t0 * f[18]; lane s4 = t0 * f[24];
  lane s5 = t0 * f[30]; s1 = lane_fma(t1, f[7], s1); s2 = lane_fma(t1, f[13], s2); s3 = lane_fma(t1, f[19], s3);
  s4 = lane_fma(t1, f[25], s4); s5 = lane_fma(t1, f[31], s5); s1 = lane_fma(t2, f[8], s1); s2 = lane_fma(t2, f[14], s2);
  s3 = lane_fma(t2, f[20], s3); s4 = lane_fma(t2, f[26], s4); s5 = lane_fma(t2, f[32], s5); s1 = lane_fma(t3, f[9], s1);
  s2 = lane_fma(t3, f[15], s2); s3 = lane_fma(t3, f[21], s3); s4 = lane_fma(t3, f[27], s4); s5 = lane_fma(t3, f[33], s5);
  s1 = lane_fma(t4, f[10], s1); s2 = lane_fma(t4, f[16], s2); s3 = lane_fma(t4, f[22], s3); s4 = lane_fma(t4, f[28], s4);
  s5 = lane_fma(t4, f[34], s5); s1 = lane_fma(t5, f[11], s1); s2 = lane_fma(t5, f[17], s2); s3 = lane_fma(t5, f[23], s3);
  s4 = lane_fma(t5, f[29], s4); s5 = lane_fma(t5, f[35], s5); out[6] = s1; out[7] = s2; out[8] = s3; out[9] = s4; out[10] = s5;
}

WK_INLINE void carry_6_row_2(const lane *f, const lane *p, int apart, lane *out) {
  const lane f0 = f[12]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; const lane f1 = f[13];
  t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[6 * apart], t1); t2 = lane_fma(f1, p[7 * apart], t2);
  t3 = lane_fma(f1, p[8 * apart], t3); t4 = lane_fma(f1, p[9 * apart], t4); t5 = lane_fma(f1, p[10 * apart], t5);
  const lane f2 = f[14]; t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[7 * apart], t1);
  t2 = lane_fma(f2, p[11 * apart], t2); t3 = lane_fma(f2, p[12 * apart], t3); t4 = lane_fma(f2, p[13 * apart], t4);
  t5 = lane_fma(f2, p[14 * apart], t5); const lane f3 = f[15]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[8 * apart], t1); t2 = lane_fma(f3, p[12 * apart], t2); t3 = lane_fma(f3, p[15 * apart], t3);
  t4 = lane_fma(f3, p[16 * apart], t4); t5 = lane_fma(f3, p[17 * apart], t5); const lane f4 = f[16];
  t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[9 * apart], t1); t2 = lane_fma(f4, p[13 * apart], t2);
  t3 = lane_fma(f4, p[16 * apart], t3); t4 = lane_fma(f4, p[18 * apart], t4); t5 = lane_fma(f4, p[19 * apart], t5);
  const lane f5 = f[17]; t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[10 * apart], t1);
  t2 = lane_fma(f5, p[14 * apart], t2); t3 = lane_fma(f5, p[17 * apart], t3); t4 = lane_fma(f5, p[19 * apart], t4);
  t5 = lane_fma(f5, p[20 * apart], t5); lane s2 = t0 * f[12]; lane s3 = t0 * f[18]; lane s4 = t0 * f[24]; lane s5 = t0 * f[30];
  s2 = lane_fma(t1, f[13], s2); s3 = lane_fma(t1, f[19], s3); s4 = lane_fma(t1, f[25], s4); s5 = lane_fma(t1, f[31], s5);
  s2 = lane_fma(t2, f[14], s2); s3 = lane_fma(t2, f[20], s3); s4 = lane_fma(t2, f[26], s4); s5 = lane_fma(t2, f[32], s5);
  s2 = lane_fma(t3, f[15], s2); s3 = lane_fma(t3, f[21], s3); s4 = lane_fma(t3, f[27], s4); s5 = lane_fma(t3, f[33], s5);
  s2 = lane_fma(t4, f[16], s2); s3 = lane_fma(t4, f[22], s3); s4 = lane_fma(t4, f[28], s4); s5 = lane_fma(t4, f[34], s5);
  s2 = lane_fma(t5, f[17], s2); s3 = lane_fma(t5, f[23], s3); s4 = lane_fma(t5, f[29], s4); s5 = lane_fma(t5, f[35], s5);
  out[11] = s2; out[12] = s3; out[13] = s4; out[14] = s5;
}

WK_INLINE void carry_6_row_3(const lane *f, const lane *p, int apart, lane *out) {
  const lane f0 = f[18]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; const lane f1 = f[19];
  t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[6 * apart], t1); t2 = lane_fma(f1, p[7 * apart], t2);
  t3 = lane_fma(f1, p[8 * apart], t3); t4 = lane_fma(f1, p[9 * apart], t4); t5 = lane_fma(f1, p[10 * apart], t5);
  const lane f2 = f[20]; t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[7 * apart], t1);
  t2 = lane_fma(f2, p[11 * apart], t2); t3 = lane_fma(f2, p[12 * apart], t3); t4 = lane_fma(f2, p[13 * apart], t4);
  t5 = lane_fma(f2, p[14 * apart], t5); const lane f3 = f[21]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[8 * apart], t1); t2 = lane_fma(f3, p[12 * apart], t2); t3 = lane_fma(f3, p[15 * apart], t3);
  t4 = lane_fma(f3, p[16 * apart], t4); t5 = lane_fma(f3, p[17 * apart], t5); const lane f4 = f[22];
  t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[9 * apart], t1); t2 = lane_fma(f4, p[13 * apart], t2);
  t3 = lane_fma(f4, p[16 * apart], t3); t4 = lane_fma(f4, p[18 * apart], t4); t5 = lane_fma(f4, p[19 * apart], t5);
  const lane f5 = f[23]; t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[10 * apart], t1);
  t2 = lane_fma(f5, p[14 * apart], t2); t3 = lane_fma(f5, p[17 * apart], t3); t4 = lane_fma(f5, p[19 * apart], t4);
  t5 = lane_fma(f5, p[20 * apart], t5); lane s3 = t0 * f[18]; lane s4 = t0 * f[24]; lane s5 = t0 * f[30];
  s3 = lane_fma(t1, f[19], s3); s4 = lane_fma(t1, f[25], s4); s5 = lane_fma(t1, f[31], s5); s3 = lane_fma(t2, f[20], s3);
  s4 = lane_fma(t2, f[26], s4); s5 = lane_fma(t2, f[32], s5); s3 = lane_fma(t3, f[21], s3); s4 = lane_fma(t3, f[27], s4);
  s5 = lane_fma(t3, f[33], s5); s3 = lane_fma(t4, f[22], s3); s4 = lane_fma(t4, f[28], s4); s5 = lane_fma(t4, f[34], s5);
  s3 = lane_fma(t5, f[23], s3); s4 = lane_fma(t5, f[29], s4); s5 = lane_fma(t5, f[35], s5); out[15] = s3; out[16] = s4;
  out[17] = s5;
}

WK_INLINE void carry_6_row_4(const lane *f, const lane *p, int apart, lane *out) {
  const lane f0 = f[24]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; const lane f1 = f[25];
  t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[6 * apart], t1); t2 = lane_fma(f1, p[7 * apart], t2);
  t3 = lane_fma(f1, p[8 * apart], t3); t4 = lane_fma(f1, p[9 * apart], t4); t5 = lane_fma(f1, p[10 * apart], t5);
  const lane f2 = f[26]; t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[7 * apart], t1);
  t2 = lane_fma(f2, p[11 * apart], t2); t3 = lane_fma(f2, p[12 * apart], t3); t4 = lane_fma(f2, p[13 * apart], t4);
  t5 = lane_fma(f2, p[14 * apart], t5); const lane f3 = f[27]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[8 * apart], t1); t2 = lane_fma(f3, p[12 * apart], t2); t3 = lane_fma(f3, p[15 * apart], t3);
  t4 = lane_fma(f3, p[16 * apart], t4); t5 = lane_fma(f3, p[17 * apart], t5); const lane f4 = f[28];
  t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[9 * apart], t1); t2 = lane_fma(f4, p[13 * apart], t2);
  t3 = lane_fma(f4, p[16 * apart], t3); t4 = lane_fma(f4, p[18 * apart], t4); t5 = lane_fma(f4, p[19 * apart], t5);
  const lane f5 = f[29]; t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[10 * apart], t1);
  t2 = lane_fma(f5, p[14 * apart], t2); t3 = lane_fma(f5, p[17 * apart], t3); t4 = lane_fma(f5, p[19 * apart], t4);
  t5 = lane_fma(f5, p[20 * apart], t5); lane s4 = t0 * f[24]; lane s5 = t0 * f[30]; s4 = lane_fma(t1, f[25], s4);
  s5 = lane_fma(t1, f[31], s5); s4 = lane_fma(t2, f[26], s4); s5 = lane_fma(t2, f[32], s5); s4 = lane_fma(t3, f[27], s4);
  s5 = lane_fma(t3, f[33], s5); s4 = lane_fma(t4, f[28], s4); s5 = lane_fma(t4, f[34], s5); s4 = lane_fma(t5, f[29], s4);
  s5 = lane_fma(t5, f[35], s5); out[18] = s4; out[19] = s5;
}

WK_INLINE void carry_6_row_5(const lane *f, const lane *p, int apart, lane *out) {
  const lane f0 = f[30]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; const lane f1 = f[31];
  t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[6 * apart], t1); t2 = lane_fma(f1, p[7 * apart], t2);
  t3 = lane_fma(f1, p[8 * apart], t3); t4 = lane_fma(f1, p[9 * apart], t4); t5 = lane_fma(f1, p[10 * apart], t5);
  const lane f2 = f[32]; t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[7 * apart], t1);
  t2 = lane_fma(f2, p[11 * apart], t2); t3 = lane_fma(f2, p[12 * apart], t3); t4 = lane_fma(f2, p[13 * apart], t4);
  t5 = lane_fma(f2, p[14 * apart], t5); const lane f3 = f[33]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[8 * apart], t1); t2 = lane_fma(f3, p[12 * apart], t2); t3 = lane_fma(f3, p[15 * apart], t3);
  t4 = lane_fma(f3, p[16 * apart], t4); t5 = lane_fma(f3, p[17 * apart], t5); const lane f4 = f[34];
  t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[9 * apart], t1); t2 = lane_fma(f4, p[13 * apart], t2);
  t3 = lane_fma(f4, p[16 * apart], t3); t4 = lane_fma(f4, p[18 * apart], t4); t5 = lane_fma(f4, p[19 * apart], t5);
  const lane f5 = f[35]; t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[10 * apart], t1);
  t2 = lane_fma(f5, p[14 * apart], t2); t3 = lane_fma(f5, p[17 * apart], t3); t4 = lane_fma(f5, p[19 * apart], t4);
  t5 = lane_fma(f5, p[20 * apart], t5); lane s5 = t0 * f[30]; s5 = lane_fma(t1, f[31], s5); s5 = lane_fma(t2, f[32], s5);
  s5 = lane_fma(t3, f[33], s5); s5 = lane_fma(t4, f[34], s5); s5 = lane_fma(t5, f[35], s5); out[20] = s5;
}

/* out = F p F', packed, of 6 states, the elements of p `apart` from each other; F has the rows f (xxxxxx/xxxxxx/xxxxxx/xxxxxx/xxxxxx/xxxxxx). */
WK_INLINE void carry_6(const lane *f, const lane *p, int apart, lane *out) {
  carry_6_row_0(f, p, apart, out); carry_6_row_1(f, p, apart, out); carry_6_row_2(f, p, apart, out);
  carry_6_row_3(f, p, apart, out); carry_6_row_4(f, p, apart, out); carry_6_row_5(f, p, apart, out);
}

WK_INLINE void carry_7_row_0(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[0]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  const lane f1 = f[1]; t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[7 * apart], t1);
  t2 = lane_fma(f1, p[8 * apart], t2); t3 = lane_fma(f1, p[9 * apart], t3); t4 = lane_fma(f1, p[10 * apart], t4);
  t5 = lane_fma(f1, p[11 * apart], t5); t6 = lane_fma(f1, p[12 * apart], t6); const lane f2 = f[2];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[8 * apart], t1); t2 = lane_fma(f2, p[13 * apart], t2);
  t3 = lane_fma(f2, p[14 * apart], t3); t4 = lane_fma(f2, p[15 * apart], t4); t5 = lane_fma(f2, p[16 * apart], t5);
  t6 = lane_fma(f2, p[17 * apart], t6); const lane f3 = f[3]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[9 * apart], t1); t2 = lane_fma(f3, p[14 * apart], t2); t3 = lane_fma(f3, p[18 * apart], t3);
  t4 = lane_fma(f3, p[19 * apart], t4); t5 = lane_fma(f3, p[20 * apart], t5); t6 = lane_fma(f3, p[21 * apart], t6);
  const lane f4 = f[4]; t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[10 * apart], t1);
  t2 = lane_fma(f4, p[15 * apart], t2); t3 = lane_fma(f4, p[19 * apart], t3); t4 = lane_fma(f4, p[22 * apart], t4);
  t5 = lane_fma(f4, p[23 * apart], t5); t6 = lane_fma(f4, p[24 * apart], t6); const lane f5 = f[5];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[11 * apart], t1); t2 = lane_fma(f5, p[16 * apart], t2);
  t3 = lane_fma(f5, p[20 * apart], t3); t4 = lane_fma(f5, p[23 * apart], t4); t5 = lane_fma(f5, p[25 * apart], t5);
  t6 = lane_fma(f5, p[26 * apart], t6); const lane f6 = f[6]; t0 = lane_fma(f6, p[6 * apart], t0);
  t1 = lane_fma(f6, p[12 * apart], t1); t2 = lane_fma(f6, p[17 * apart], t2); t3 = lane_fma(f6, p[21 * apart], t3);
  t4 = lane_fma(f6, p[24 * apart], t4); t5 = lane_fma(f6, p[26 * apart], t5); t6 = lane_fma(f6, p[27 * apart], t6);
  lane s0 = t0 * f[0]; lane s1 = t0 * f[7]; lane s2 = t0 * f[14]; lane s3 = t0 * f[21]; lane s4 = t0 * f[28]; lane s5 = t0 * f[35];
  s0 = lane_fma(t1, f[1], s0); s1 = lane_fma(t1, f[8], s1); s2 = lane_fma(t1, f[15], s2); s3 = lane_fma(t1, f[22], s3);
  s4 = lane_fma(t1, f[29], s4); s5 = lane_fma(t1, f[36], s5); s0 = lane_fma(t2, f[2], s0); s1 = lane_fma(t2, f[9], s1);
  s2 = lane_fma(t2, f[16], s2); s3 = lane_fma(t2, f[23], s3); s4 = lane_fma(t2, f[30], s4); s5 = lane_fma(t2, f[37], s5);
  s0 = lane_fma(t3, f[3], s0); s1 = lane_fma(t3, f[10], s1); s2 = lane_fma(t3, f[17], s2); s3 = lane_fma(t3, f[24], s3);
  s4 = lane_fma(t3, f[31], s4); s5 = lane_fma(t3, f[38], s5); s0 = lane_fma(t4, f[4], s0); s1 = lane_fma(t4, f[11], s1);
  s2 = lane_fma(t4, f[18], s2); s3 = lane_fma(t4, f[25], s3); s4 = lane_fma(t4, f[32], s4); s5 = lane_fma(t4, f[39], s5);
  s0 = lane_fma(t5, f[5], s0); s1 = lane_fma(t5, f[12], s1); s2 = lane_fma(t5, f[19], s2); s3 = lane_fma(t5, f[26], s3);
  s4 = lane_fma(t5, f[33], s4); s5 = lane_fma(t5, f[40], s5); s0 = lane_fma(t6, f[6], s0); s1 = lane_fma(t6, f[13], s1);
  s2 = lane_fma(t6, f[20], s2); s3 = lane_fma(t6, f[27], s3); s4 = lane_fma(t6, f[34], s4); s5 = lane_fma(t6, f[41], s5);
  out[0] = s0; out[1] = s1; out[2] = s2; out[3] = s3; out[4] = s4; out[5] = s5; out[6] = t6 * keep;
}

WK_INLINE void carry_7_row_1(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[7]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  const lane f1 = f[8]; t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[7 * apart], t1);
  t2 = lane_fma(f1, p[8 * apart], t2); t3 = lane_fma(f1, p[9 * apart], t3); t4 = lane_fma(f1, p[10 * apart], t4);
  t5 = lane_fma(f1, p[11 * apart], t5); t6 = lane_fma(f1, p[12 * apart], t6); const lane f2 = f[9];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[8 * apart], t1); t2 = lane_fma(f2, p[13 * apart], t2);
  t3 = lane_fma(f2, p[14 * apart], t3); t4 = lane_fma(f2, p[15 * apart], t4); t5 = lane_fma(f2, p[16 * apart], t5);
  t6 = lane_fma(f2, p[17 * apart], t6); const lane f3 = f[10]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[9 * apart], t1); t2 = lane_fma(f3, p[14 * apart], t2); t3 = lane_fma(f3, p[18 * apart], t3);
  t4 = lane_fma(f3, p[19 * apart], t4); t5 = lane_fma(f3, p[20 * apart], t5); t6 = lane_fma(f3, p[21 * apart], t6);
  const lane f4 = f[11]; t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[10 * apart], t1);
  t2 = lane_fma(f4, p[15 * apart], t2); t3 = lane_fma(f4, p[19 * apart], t3); t4 = lane_fma(f4, p[22 * apart], t4);
  t5 = lane_fma(f4, p[23 * apart], t5); t6 = lane_fma(f4, p[24 * apart], t6); const lane f5 = f[12];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[11 * apart], t1); t2 = lane_fma(f5, p[16 * apart], t2);
  t3 = lane_fma(f5, p[20 * apart], t3); t4 = lane_fma(f5, p[23 * apart], t4); t5 = lane_fma(f5, p[25 * apart], t5);
  t6 = lane_fma(f5, p[26 * apart], t6); const lane f6 = f[13]; t0 = lane_fma(f6, p[6 * apart], t0);
  t1 = lane_fma(f6, p[12 * apart], t1); t2 = lane_fma(f6, p[17 * apart], t2); t3 = lane_fma(f6, p[21 * apart], t3);
  t4 = lane_fma(f6, p[24 * apart], t4); t5 = lane_fma(f6, p[26 * apart], t5); t6 = lane_fma(f6, p[27 * apart], t6);
  lane s1 = t0 * f[7]; lane s2 = t0 * f[14]; lane s3 = t0 * f[21]; lane s4 = t0 * f[28]; lane s5 = t0 * f[35];
  s1 = lane_fma(t1, f[8], s1); s2 = lane_fma(t1, f[15], s2); s3 = lane_fma(t1, f[22], s3); s4 = lane_fma(t1, f[29], s4);
  s5 = lane_fma(t1, f[36], s5); s1 = lane_fma(t2, f[9], s1); s2 = lane_fma(t2, f[16], s2); s3 = lane_fma(t2, f[23], s3);
  s4 = lane_fma(t2, f[30], s4); s5 = lane_fma(t2, f[37], s5); s1 = lane_fma(t3, f[10], s1); s2 = lane_fma(t3, f[17], s2);
  s3 = lane_fma(t3, f[24], s3); s4 = lane_fma(t3, f[31], s4); s5 = lane_fma(t3, f[38], s5); s1 = lane_fma(t4, f[11], s1);
  s2 = lane_fma(t4, f[18], s2); s3 = lane_fma(t4, f[25], s3); s4 = lane_fma(t4, f[32], s4); s5 = lane_fma(t4, f[39], s5);
  s1 = lane_fma(t5, f[12], s1); s2 = lane_fma(t5, f[19], s2); s3 = lane_fma(t5, f[26], s3); s4 = lane_fma(t5, f[33], s4);
  s5 = lane_fma(t5, f[40], s5); s1 = lane_fma(t6, f[13], s1); s2 = lane_fma(t6, f[20], s2); s3 = lane_fma(t6, f[27], s3);
  s4 = lane_fma(t6, f[34], s4); s5 = lane_fma(t6, f[41], s5); out[7] = s1; out[8] = s2; out[9] = s3; out[10] = s4; out[11] = s5;
  out[12] = t6 * keep;
}

WK_INLINE void carry_7_row_2(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[14]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  const lane f1 = f[15]; t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[7 * apart], t1);
  t2 = lane_fma(f1, p[8 * apart], t2); t3 = lane_fma(f1, p[9 * apart], t3); t4 = lane_fma(f1, p[10 * apart], t4);
  t5 = lane_fma(f1, p[11 * apart], t5); t6 = lane_fma(f1, p[12 * apart], t6); const lane f2 = f[16];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[8 * apart], t1); t2 = lane_fma(f2, p[13 * apart], t2);
  t3 = lane_fma(f2, p[14 * apart], t3); t4 = lane_fma(f2, p[15 * apart], t4); t5 = lane_fma(f2, p[16 * apart], t5);
  t6 = lane_fma(f2, p[17 * apart], t6); const lane f3 = f[17]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[9 * apart], t1); t2 = lane_fma(f3, p[14 * apart], t2); t3 = lane_fma(f3, p[18 * apart], t3);
  t4 = lane_fma(f3, p[19 * apart], t4); t5 = lane_fma(f3, p[20 * apart], t5); t6 = lane_fma(f3, p[21 * apart], t6);
  const lane f4 = f[18]; t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[10 * apart], t1);
  t2 = lane_fma(f4, p[15 * apart], t2); t3 = lane_fma(f4, p[19 * apart], t3); t4 = lane_fma(f4, p[22 * apart], t4);
  t5 = lane_fma(f4, p[23 * apart], t5); t6 = lane_fma(f4, p[24 * apart], t6); const lane f5 = f[19];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[11 * apart], t1); t2 = lane_fma(f5, p[16 * apart], t2);
  t3 = lane_fma(f5, p[20 * apart], t3); t4 = lane_fma(f5, p[23 * apart], t4); t5 = lane_fma(f5, p[25 * apart], t5);
  t6 = lane_fma(f5, p[26 * apart], t6); const lane f6 = f[20]; t0 = lane_fma(f6, p[6 * apart], t0);
  t1 = lane_fma(f6, p[12 * apart], t1); t2 = lane_fma(f6, p[17 * apart], t2); t3 = lane_fma(f6, p[21 * apart], t3);
  t4 = lane_fma(f6, p[24 * apart], t4); t5 = lane_fma(f6, p[26 * apart], t5); t6 = lane_fma(f6, p[27 * apart], t6);
  lane s2 = t0 * f[14]; lane s3 = t0 * f[21]; lane s4 = t0 * f[28]; lane s5 = t0 * f[35]; s2 = lane_fma(t1, f[15], s2);
  s3 = lane_fma(t1, f[22], s3); s4 = lane_fma(t1, f[29], s4); s5 = lane_fma(t1, f[36], s5); s2 = lane_fma(t2, f[16], s2);
  s3 = lane_fma(t2, f[23], s3); s4 = lane_fma(t2, f[30], s4); s5 = lane_fma(t2, f[37], s5); s2 = lane_fma(t3, f[17], s2);
  s3 = lane_fma(t3, f[24], s3); s4 = lane_fma(t3, f[31], s4); s5 = lane_fma(t3, f[38], s5); s2 = lane_fma(t4, f[18], s2);
  s3 = lane_fma(t4, f[25], s3); s4 = lane_fma(t4, f[32], s4); s5 = lane_fma(t4, f[39], s5); s2 = lane_fma(t5, f[19], s2);
  s3 = lane_fma(t5, f[26], s3); s4 = lane_fma(t5, f[33], s4); s5 = lane_fma(t5, f[40], s5); s2 = lane_fma(t6, f[20], s2);
  s3 = lane_fma(t6, f[27], s3); s4 = lane_fma(t6, f[34], s4); s5 = lane_fma(t6, f[41], s5); out[13] = s2; out[14] = s3;
  out[15] = s4; out[16] = s5; out[17] = t6 * keep;
}

WK_INLINE void carry_7_row_3(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[21]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  const lane f1 = f[22]; t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[7 * apart], t1);
  t2 = lane_fma(f1, p[8 * apart], t2); t3 = lane_fma(f1, p[9 * apart], t3); t4 = lane_fma(f1, p[10 * apart], t4);
  t5 = lane_fma(f1, p[11 * apart], t5); t6 = lane_fma(f1, p[12 * apart], t6); const lane f2 = f[23];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[8 * apart], t1); t2 = lane_fma(f2, p[13 * apart], t2);
  t3 = lane_fma(f2, p[14 * apart], t3); t4 = lane_fma(f2, p[15 * apart], t4); t5 = lane_fma(f2, p[16 * apart], t5);
  t6 = lane_fma(f2, p[17 * apart], t6); const lane f3 = f[24]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[9 * apart], t1); t2 = lane_fma(f3, p[14 * apart], t2); t3 = lane_fma(f3, p[18 * apart], t3);
  t4 = lane_fma(f3, p[19 * apart], t4); t5 = lane_fma(f3, p[20 * apart], t5); t6 = lane_fma(f3, p[21 * apart], t6);
  const lane f4 = f[25]; t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[10 * apart], t1);
  t2 = lane_fma(f4, p[15 * apart], t2); t3 = lane_fma(f4, p[19 * apart], t3); t4 = lane_fma(f4, p[22 * apart], t4);
  t5 = lane_fma(f4, p[23 * apart], t5); t6 = lane_fma(f4, p[24 * apart], t6); const lane f5 = f[26];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[11 * apart], t1); t2 = lane_fma(f5, p[16 * apart], t2);
  t3 = lane_fma(f5, p[20 * apart], t3); t4 = lane_fma(f5, p[23 * apart], t4); t5 = lane_fma(f5, p[25 * apart], t5);
  t6 = lane_fma(f5, p[26 * apart], t6); const lane f6 = f[27]; t0 = lane_fma(f6, p[6 * apart], t0);
  t1 = lane_fma(f6, p[12 * apart], t1); t2 = lane_fma(f6, p[17 * apart], t2); t3 = lane_fma(f6, p[21 * apart], t3);
  t4 = lane_fma(f6, p[24 * apart], t4); t5 = lane_fma(f6, p[26 * apart], t5); t6 = lane_fma(f6, p[27 * apart], t6);
  lane s3 = t0 * f[21]; lane s4 = t0 * f[28]; lane s5 = t0 * f[35]; s3 = lane_fma(t1, f[22], s3); s4 = lane_fma(t1, f[29], s4);
  s5 = lane_fma(t1, f[36], s5); s3 = lane_fma(t2, f[23], s3); s4 = lane_fma(t2, f[30], s4); s5 = lane_fma(t2, f[37], s5);
  s3 = lane_fma(t3, f[24], s3); s4 = lane_fma(t3, f[31], s4); s5 = lane_fma(t3, f[38], s5); s3 = lane_fma(t4, f[25], s3);
  s4 = lane_fma(t4, f[32], s4); s5 = lane_fma(t4, f[39], s5); s3 = lane_fma(t5, f[26], s3); s4 = lane_fma(t5, f[33], s4);
  s5 = lane_fma(t5, f[40], s5); s3 = lane_fma(t6, f[27], s3); s4 = lane_fma(t6, f[34], s4); s5 = lane_fma(t6, f[41], s5);
  out[18] = s3; out[19] = s4; out[20] = s5; out[21] = t6 * keep;
}

WK_INLINE void carry_7_row_4(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[28]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  const lane f1 = f[29]; t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[7 * apart], t1);
  t2 = lane_fma(f1, p[8 * apart], t2); t3 = lane_fma(f1, p[9 * apart], t3); t4 = lane_fma(f1, p[10 * apart], t4);
  t5 = lane_fma(f1, p[11 * apart], t5); t6 = lane_fma(f1, p[12 * apart], t6); const lane f2 = f[30];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[8 * apart], t1); t2 = lane_fma(f2, p[13 * apart], t2);
  t3 = lane_fma(f2, p[14 * apart], t3); t4 = lane_fma(f2, p[15 * apart], t4); t5 = lane_fma(f2, p[16 * apart], t5);
  t6 = lane_fma(f2, p[17 * apart], t6); const lane f3 = f[31]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[9 * apart], t1); t2 = lane_fma(f3, p[14 * apart], t2); t3 = lane_fma(f3, p[18 * apart], t3);
  t4 = lane_fma(f3, p[19 * apart], t4); t5 = lane_fma(f3, p[20 * apart], t5); t6 = lane_fma(f3, p[21 * apart], t6);
  const lane f4 = f[32]; t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[10 * apart], t1);
  t2 = lane_fma(f4, p[15 * apart], t2); t3 = lane_fma(f4, p[19 * apart], t3); t4 = lane_fma(f4, p[22 * apart], t4);
  t5 = lane_fma(f4, p[23 * apart], t5); t6 = lane_fma(f4, p[24 * apart], t6); const lane f5 = f[33];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[11 * apart], t1); t2 = lane_fma(f5, p[16 * apart], t2);
  t3 = lane_fma(f5, p[20 * apart], t3); t4 = lane_fma(f5, p[23 * apart], t4); t5 = lane_fma(f5, p[25 * apart], t5);
  t6 = lane_fma(f5, p[26 * apart], t6); const lane f6 = f[34]; t0 = lane_fma(f6, p[6 * apart], t0);
  t1 = lane_fma(f6, p[12 * apart], t1); t2 = lane_fma(f6, p[17 * apart], t2); t3 = lane_fma(f6, p[21 * apart], t3);
  t4 = lane_fma(f6, p[24 * apart], t4); t5 = lane_fma(f6, p[26 * apart], t5); t6 = lane_fma(f6, p[27 * apart], t6);
  lane s4 = t0 * f[28]; lane s5 = t0 * f[35]; s4 = lane_fma(t1, f[29], s4); s5 = lane_fma(t1, f[36], s5);
  s4 = lane_fma(t2, f[30], s4); s5 = lane_fma(t2, f[37], s5); s4 = lane_fma(t3, f[31], s4); s5 = lane_fma(t3, f[38], s5);
  s4 = lane_fma(t4, f[32], s4); s5 = lane_fma(t4, f[39], s5); s4 = lane_fma(t5, f[33], s4); s5 = lane_fma(t5, f[40], s5);
  s4 = lane_fma(t6, f[34], s4); s5 = lane_fma(t6, f[41], s5); out[22] = s4; out[23] = s5; out[24] = t6 * keep;
}

WK_INLINE void carry_7_row_5(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[35]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  const lane f1 = f[36]; t0 = lane_fma(f1, p[1 * apart], t0); t1 = lane_fma(f1, p[7 * apart], t1);
  t2 = lane_fma(f1, p[8 * apart], t2); t3 = lane_fma(f1, p[9 * apart], t3); t4 = lane_fma(f1, p[10 * apart], t4);
  t5 = lane_fma(f1, p[11 * apart], t5); t6 = lane_fma(f1, p[12 * apart], t6); const lane f2 = f[37];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[8 * apart], t1); t2 = lane_fma(f2, p[13 * apart], t2);
  t3 = lane_fma(f2, p[14 * apart], t3); t4 = lane_fma(f2, p[15 * apart], t4); t5 = lane_fma(f2, p[16 * apart], t5);
  t6 = lane_fma(f2, p[17 * apart], t6); const lane f3 = f[38]; t0 = lane_fma(f3, p[3 * apart], t0);
  t1 = lane_fma(f3, p[9 * apart], t1); t2 = lane_fma(f3, p[14 * apart], t2); t3 = lane_fma(f3, p[18 * apart], t3);
  t4 = lane_fma(f3, p[19 * apart], t4); t5 = lane_fma(f3, p[20 * apart], t5); t6 = lane_fma(f3, p[21 * apart], t6);
  const lane f4 = f[39]; t0 = lane_fma(f4, p[4 * apart], t0); t1 = lane_fma(f4, p[10 * apart], t1);
  t2 = lane_fma(f4, p[15 * apart], t2); t3 = lane_fma(f4, p[19 * apart], t3); t4 = lane_fma(f4, p[22 * apart], t4);
  t5 = lane_fma(f4, p[23 * apart], t5); t6 = lane_fma(f4, p[24 * apart], t6); const lane f5 = f[40];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[11 * apart], t1); t2 = lane_fma(f5, p[16 * apart], t2);
  t3 = lane_fma(f5, p[20 * apart], t3); t4 = lane_fma(f5, p[23 * apart], t4); t5 = lane_fma(f5, p[25 * apart], t5);
  t6 = lane_fma(f5, p[26 * apart], t6); const lane f6 = f[41]; t0 = lane_fma(f6, p[6 * apart], t0);
  t1 = lane_fma(f6, p[12 * apart], t1); t2 = lane_fma(f6, p[17 * apart], t2); t3 = lane_fma(f6, p[21 * apart], t3);
  t4 = lane_fma(f6, p[24 * apart], t4); t5 = lane_fma(f6, p[26 * apart], t5); t6 = lane_fma(f6, p[27 * apart], t6);
  lane s5 = t0 * f[35]; s5 = lane_fma(t1, f[36], s5); s5 = lane_fma(t2, f[37], s5); s5 = lane_fma(t3, f[38], s5);
  s5 = lane_fma(t4, f[39], s5); s5 = lane_fma(t5, f[40], s5); s5 = lane_fma(t6, f[41], s5); out[25] = s5; out[26] = t6 * keep;
}

/* out = F p F', packed, of 7 states, the elements of p `apart` from each other; F has the rows f (xxxxxxx/xxxxxxx/xxxxxxx/xxxxxxx/xxxxxxx/xxxxxxx) and keep on the rest of its diagonal. */
WK_INLINE void carry_7(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  carry_7_row_0(f, keep, p, apart, out); carry_7_row_1(f, keep, p, apart, out); carry_7_row_2(f, keep, p, apart, out);
  carry_7_row_3(f, keep, p, apart, out); carry_7_row_4(f, keep, p, apart, out); carry_7_row_5(f, keep, p, apart, out);
  const lane keep2 = keep * keep; out[27] = p[27 * apart] * keep2;
}

WK_INLINE void carry_9_row_0(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[0]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  lane t7 = f0 * p[7 * apart]; lane t8 = f0 * p[8 * apart]; const lane f1 = f[1]; t0 = lane_fma(f1, p[1 * apart], t0);
  t1 = lane_fma(f1, p[9 * apart], t1); t2 = lane_fma(f1, p[10 * apart], t2); t3 = lane_fma(f1, p[11 * apart], t3);
  t4 = lane_fma(f1, p[12 * apart], t4); t5 = lane_fma(f1, p[13 * apart], t5); t6 = lane_fma(f1, p[14 * apart], t6);
  t7 = lane_fma(f1, p[15 * apart], t7); t8 = lane_fma(f1, p[16 * apart], t8); const lane f2 = f[2];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[10 * apart], t1); t2 = lane_fma(f2, p[17 * apart], t2);
  t3 = lane_fma(f2, p[18 * apart], t3); t4 = lane_fma(f2, p[19 * apart], t4); t5 = lane_fma(f2, p[20 * apart], t5);
  t6 = lane_fma(f2, p[21 * apart], t6); t7 = lane_fma(f2, p[22 * apart], t7); t8 = lane_fma(f2, p[23 * apart], t8);
  const lane f3 = f[3]; t0 = lane_fma(f3, p[3 * apart], t0); t1 = lane_fma(f3, p[11 * apart], t1);
  t2 = lane_fma(f3, p[18 * apart], t2); t3 = lane_fma(f3, p[24 * apart], t3); t4 = lane_fma(f3, p[25 * apart], t4);
  t5 = lane_fma(f3, p[26 * apart], t5); t6 = lane_fma(f3, p[27 * apart], t6); t7 = lane_fma(f3, p[28 * apart], t7);
  t8 = lane_fma(f3, p[29 * apart], t8); const lane f4 = f[4]; t0 = lane_fma(f4, p[4 * apart], t0);
  t1 = lane_fma(f4, p[12 * apart], t1); t2 = lane_fma(f4, p[19 * apart], t2); t3 = lane_fma(f4, p[25 * apart], t3);
  t4 = lane_fma(f4, p[30 * apart], t4); t5 = lane_fma(f4, p[31 * apart], t5); t6 = lane_fma(f4, p[32 * apart], t6);
  t7 = lane_fma(f4, p[33 * apart], t7); t8 = lane_fma(f4, p[34 * apart], t8); const lane f5 = f[5];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[13 * apart], t1); t2 = lane_fma(f5, p[20 * apart], t2);
  t3 = lane_fma(f5, p[26 * apart], t3); t4 = lane_fma(f5, p[31 * apart], t4); t5 = lane_fma(f5, p[35 * apart], t5);
  t6 = lane_fma(f5, p[36 * apart], t6); t7 = lane_fma(f5, p[37 * apart], t7); t8 = lane_fma(f5, p[38 * apart], t8);
  const lane f6 = f[6]; t0 = lane_fma(f6, p[6 * apart], t0); t1 = lane_fma(f6, p[14 * apart], t1);
  t2 = lane_fma(f6, p[21 * apart], t2); t3 = lane_fma(f6, p[27 * apart], t3); t4 = lane_fma(f6, p[32 * apart], t4);
  t5 = lane_fma(f6, p[36 * apart], t5); t6 = lane_fma(f6, p[39 * apart], t6); t7 = lane_fma(f6, p[40 * apart], t7);
  t8 = lane_fma(f6, p[41 * apart], t8); const lane f7 = f[7]; t0 = lane_fma(f7, p[7 * apart], t0);
  t1 = lane_fma(f7, p[15 * apart], t1); t2 = lane_fma(f7, p[22 * apart], t2); t3 = lane_fma(f7, p[28 * apart], t3);
  t4 = lane_fma(f7, p[33 * apart], t4); t5 = lane_fma(f7, p[37 * apart], t5); t6 = lane_fma(f7, p[40 * apart], t6);
  t7 = lane_fma(f7, p[42 * apart], t7); t8 = lane_fma(f7, p[43 * apart], t8); lane s0 = t0 * f[0]; lane s1 = t0 * f[9];
  lane s2 = t0 * f[18]; lane s3 = t0 * f[27]; lane s4 = t0 * f[36]; lane s5 = t0 * f[45]; s0 = lane_fma(t1, f[1], s0);
  s1 = lane_fma(t1, f[10], s1); s2 = lane_fma(t1, f[19], s2); s3 = lane_fma(t1, f[28], s3); s4 = lane_fma(t1, f[37], s4);
  s5 = lane_fma(t1, f[46], s5); s0 = lane_fma(t2, f[2], s0); s1 = lane_fma(t2, f[11], s1); s2 = lane_fma(t2, f[20], s2);
  s3 = lane_fma(t2, f[29], s3); s4 = lane_fma(t2, f[38], s4); s5 = lane_fma(t2, f[47], s5); s0 = lane_fma(t3, f[3], s0);
  s1 = lane_fma(t3, f[12], s1); s2 = lane_fma(t3, f[21], s2); s3 = lane_fma(t3, f[30], s3); s4 = lane_fma(t3, f[39], s4);
  s5 = lane_fma(t3, f[48], s5); s0 = lane_fma(t4, f[4], s0); s1 = lane_fma(t4, f[13], s1); s2 = lane_fma(t4, f[22], s2);
  s3 = lane_fma(t4, f[31], s3); s4 = lane_fma(t4, f[40], s4); s5 = lane_fma(t4, f[49], s5); s0 = lane_fma(t5, f[5], s0);
  s1 = lane_fma(t5, f[14], s1); s2 = lane_fma(t5, f[23], s2); s3 = lane_fma(t5, f[32], s3); s4 = lane_fma(t5, f[41], s4);
  s5 = lane_fma(t5, f[50], s5); s0 = lane_fma(t6, f[6], s0); s1 = lane_fma(t6, f[15], s1); s3 = lane_fma(t6, f[33], s3);
  s4 = lane_fma(t6, f[42], s4); s5 = lane_fma(t6, f[51], s5); s0 = lane_fma(t7, f[7], s0); s1 = lane_fma(t7, f[16], s1);
  s3 = lane_fma(t7, f[34], s3); s4 = lane_fma(t7, f[43], s4); s5 = lane_fma(t7, f[52], s5); s2 = lane_fma(t8, f[26], s2);
  s3 = lane_fma(t8, f[35], s3); s4 = lane_fma(t8, f[44], s4); s5 = lane_fma(t8, f[53], s5); out[0] = s0; out[1] = s1; out[2] = s2;
  out[3] = s3; out[4] = s4; out[5] = s5; out[6] = t6 * keep; out[7] = t7 * keep; out[8] = t8 * keep;
}

WK_INLINE void carry_9_row_1(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[9]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  lane t7 = f0 * p[7 * apart]; lane t8 = f0 * p[8 * apart]; const lane f1 = f[10]; t0 = lane_fma(f1, p[1 * apart], t0);
  t1 = lane_fma(f1, p[9 * apart], t1); t2 = lane_fma(f1, p[10 * apart], t2); t3 = lane_fma(f1, p[11 * apart], t3);
  t4 = lane_fma(f1, p[12 * apart], t4); t5 = lane_fma(f1, p[13 * apart], t5); t6 = lane_fma(f1, p[14 * apart], t6);
  t7 = lane_fma(f1, p[15 * apart], t7); t8 = lane_fma(f1, p[16 * apart], t8); const lane f2 = f[11];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[10 * apart], t1); t2 = lane_fma(f2, p[17 * apart], t2);
  t3 = lane_fma(f2, p[18 * apart], t3); t4 = lane_fma(f2, p[19 * apart], t4); t5 = lane_fma(f2, p[20 * apart], t5);
  t6 = lane_fma(f2, p[21 * apart], t6); t7 = lane_fma(f2, p[22 * apart], t7); t8 = lane_fma(f2, p[23 * apart], t8);
  const lane f3 = f[12]; t0 = lane_fma(f3, p[3 * apart], t0); t1 = lane_fma(f3, p[11 * apart], t1);
  t2 = lane_fma(f3, p[18 * apart], t2); t3 = lane_fma(f3, p[24 * apart], t3); t4 = lane_fma(f3, p[25 * apart], t4);
  t5 = lane_fma(f3, p[26 * apart], t5); t6 = lane_fma(f3, p[27 * apart], t6); t7 = lane_fma(f3, p[28 * apart], t7);
  t8 = lane_fma(f3, p[29 * apart], t8); const lane f4 = f[13]; t0 = lane_fma(f4, p[4 * apart], t0);
  t1 = lane_fma(f4, p[12 * apart], t1); t2 = lane_fma(f4, p[19 * apart], t2); t3 = lane_fma(f4, p[25 * apart], t3);
  t4 = lane_fma(f4, p[30 * apart], t4); t5 = lane_fma(f4, p[31 * apart], t5); t6 = lane_fma(f4, p[32 * apart], t6);
  t7 = lane_fma(f4, p[33 * apart], t7); t8 = lane_fma(f4, p[34 * apart], t8); const lane f5 = f[14];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[13 * apart], t1); t2 = lane_fma(f5, p[20 * apart], t2);
  t3 = lane_fma(f5, p[26 * apart], t3); t4 = lane_fma(f5, p[31 * apart], t4); t5 = lane_fma(f5, p[35 * apart], t5);
  t6 = lane_fma(f5, p[36 * apart], t6); t7 = lane_fma(f5, p[37 * apart], t7); t8 = lane_fma(f5, p[38 * apart], t8);
  const lane f6 = f[15]; t0 = lane_fma(f6, p[6 * apart], t0); t1 = lane_fma(f6, p[14 * apart], t1);
  t2 = lane_fma(f6, p[21 * apart], t2); t3 = lane_fma(f6, p[27 * apart], t3); t4 = lane_fma(f6, p[32 * apart], t4);
  t5 = lane_fma(f6, p[36 * apart], t5); t6 = lane_fma(f6, p[39 * apart], t6); t7 = lane_fma(f6, p[40 * apart], t7);
  t8 = lane_fma(f6, p[41 * apart], t8); const lane f7 = f[16]; t0 = lane_fma(f7, p[7 * apart], t0);
  t1 = lane_fma(f7, p[15 * apart], t1); t2 = lane_fma(f7, p[22 * apart], t2); t3 = lane_fma(f7, p[28 * apart], t3);
  t4 = lane_fma(f7, p[33 * apart], t4); t5 = lane_fma(f7, p[37 * apart], t5); t6 = lane_fma(f7, p[40 * apart], t6);
  t7 = lane_fma(f7, p[42 * apart], t7); t8 = lane_fma(f7, p[43 * apart], t8); lane s1 = t0 * f[9]; lane s2 = t0 * f[18];
  lane s3 = t0 * f[27]; lane s4 = t0 * f[36]; lane s5 = t0 * f[45]; s1 = lane_fma(t1, f[10], s1); s2 = lane_fma(t1, f[19], s2);
  s3 = lane_fma(t1, f[28], s3); s4 = lane_fma(t1, f[37], s4); s5 = lane_fma(t1, f[46], s5); s1 = lane_fma(t2, f[11], s1);
  s2 = lane_fma(t2, f[20], s2); s3 = lane_fma(t2, f[29], s3); s4 = lane_fma(t2, f[38], s4); s5 = lane_fma(t2, f[47], s5);
  s1 = lane_fma(t3, f[12], s1); s2 = lane_fma(t3, f[21], s2); s3 = lane_fma(t3, f[30], s3); s4 = lane_fma(t3, f[39], s4);
  s5 = lane_fma(t3, f[48], s5); s1 = lane_fma(t4, f[13], s1); s2 = lane_fma(t4, f[22], s2); s3 = lane_fma(t4, f[31], s3);
  s4 = lane_fma(t4, f[40], s4); s5 = lane_fma(t4, f[49], s5); s1 = lane_fma(t5, f[14], s1); s2 = lane_fma(t5, f[23], s2);
  s3 = lane_fma(t5, f[32], s3); s4 = lane_fma(t5, f[41], s4); s5 = lane_fma(t5, f[50], s5); s1 = lane_fma(t6, f[15], s1);
  s3 = lane_fma(t6, f[33], s3); s4 = lane_fma(t6, f[42], s4); s5 = lane_fma(t6, f[51], s5); s1 = lane_fma(t7, f[16], s1);
  s3 = lane_fma(t7, f[34], s3); s4 = lane_fma(t7, f[43], s4); s5 = lane_fma(t7, f[52], s5); s2 = lane_fma(t8, f[26], s2);
  s3 = lane_fma(t8, f[35], s3); s4 = lane_fma(t8, f[44], s4); s5 = lane_fma(t8, f[53], s5); out[9] = s1; out[10] = s2; out[11] = s3;
  out[12] = s4; out[13] = s5; out[14] = t6 * keep; out[15] = t7 * keep; out[16] = t8 * keep;
}

WK_INLINE void carry_9_row_2(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[18]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  lane t7 = f0 * p[7 * apart]; lane t8 = f0 * p[8 * apart]; const lane f1 = f[19]; t0 = lane_fma(f1, p[1 * apart], t0);
  t1 = lane_fma(f1, p[9 * apart], t1); t2 = lane_fma(f1, p[10 * apart], t2); t3 = lane_fma(f1, p[11 * apart], t3);
  t4 = lane_fma(f1, p[12 * apart], t4); t5 = lane_fma(f1, p[13 * apart], t5); t6 = lane_fma(f1, p[14 * apart], t6);
  t7 = lane_fma(f1, p[15 * apart], t7); t8 = lane_fma(f1, p[16 * apart], t8); const lane f2 = f[20];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[10 * apart], t1); t2 = lane_fma(f2, p[17 * apart], t2);
  t3 = lane_fma(f2, p[18 * apart], t3); t4 = lane_fma(f2, p[19 * apart], t4); t5 = lane_fma(f2, p[20 * apart], t5);
  t6 = lane_fma(f2, p[21 * apart], t6); t7 = lane_fma(f2, p[22 * apart], t7); t8 = lane_fma(f2, p[23 * apart], t8);
  const lane f3 = f[21]; t0 = lane_fma(f3, p[3 * apart], t0); t1 = lane_fma(f3, p[11 * apart], t1);
  t2 = lane_fma(f3, p[18 * apart], t2); t3 = lane_fma(f3, p[24 * apart], t3); t4 = lane_fma(f3, p[25 * apart], t4);
  t5 = lane_fma(f3, p[26 * apart], t5); t6 = lane_fma(f3, p[27 * apart], t6); t7 = lane_fma(f3, p[28 * apart], t7);
  t8 = lane_fma(f3, p[29 * apart], t8); const lane f4 = f[22]; t0 = lane_fma(f4, p[4 * apart], t0);
  t1 = lane_fma(f4, p[12 * apart], t1); t2 = lane_fma(f4, p[19 * apart], t2); t3 = lane_fma(f4, p[25 * apart], t3);
  t4 = lane_fma(f4, p[30 * apart], t4); t5 = lane_fma(f4, p[31 * apart], t5); t6 = lane_fma(f4, p[32 * apart], t6);
  t7 = lane_fma(f4, p[33 * apart], t7); t8 = lane_fma(f4, p[34 * apart], t8); const lane f5 = f[23];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[13 * apart], t1); t2 = lane_fma(f5, p[20 * apart], t2);
  t3 = lane_fma(f5, p[26 * apart], t3); t4 = lane_fma(f5, p[31 * apart], t4); t5 = lane_fma(f5, p[35 * apart], t5);
  t6 = lane_fma(f5, p[36 * apart], t6); t7 = lane_fma(f5, p[37 * apart], t7); t8 = lane_fma(f5, p[38 * apart], t8);
  const lane f8 = f[26]; t0 = lane_fma(f8, p[8 * apart], t0); t1 = lane_fma(f8, p[16 * apart], t1);
  t2 = lane_fma(f8, p[23 * apart], t2); t3 = lane_fma(f8, p[29 * apart], t3); t4 = lane_fma(f8, p[34 * apart], t4);
  t5 = lane_fma(f8, p[38 * apart], t5); t6 = lane_fma(f8, p[41 * apart], t6); t7 = lane_fma(f8, p[43 * apart], t7);
  t8 = lane_fma(f8, p[44 * apart], t8); lane s2 = t0 * f[18]; lane s3 = t0 * f[27]; lane s4 = t0 * f[36]; lane s5 = t0 * f[45];
  s2 = lane_fma(t1, f[19], s2); s3 = lane_fma(t1, f[28], s3); s4 = lane_fma(t1, f[37], s4); s5 = lane_fma(t1, f[46], s5);
  s2 = lane_fma(t2, f[20], s2); s3 = lane_fma(t2, f[29], s3); s4 = lane_fma(t2, f[38], s4); s5 = lane_fma(t2, f[47], s5);
  s2 = lane_fma(t3, f[21], s2); s3 = lane_fma(t3, f[30], s3); s4 = lane_fma(t3, f[39], s4); s5 = lane_fma(t3, f[48], s5);
  s2 = lane_fma(t4, f[22], s2); s3 = lane_fma(t4, f[31], s3); s4 = lane_fma(t4, f[40], s4); s5 = lane_fma(t4, f[49], s5);
  s2 = lane_fma(t5, f[23], s2); s3 = lane_fma(t5, f[32], s3); s4 = lane_fma(t5, f[41], s4); s5 = lane_fma(t5, f[50], s5);
  s3 = lane_fma(t6, f[33], s3); s4 = lane_fma(t6, f[42], s4); s5 = lane_fma(t6, f[51], s5); s3 = lane_fma(t7, f[34], s3);
  s4 = lane_fma(t7, f[43], s4); s5 = lane_fma(t7, f[52], s5); s2 = lane_fma(t8, f[26], s2); s3 = lane_fma(t8, f[35], s3);
  s4 = lane_fma(t8, f[44], s4); s5 = lane_fma(t8, f[53], s5); out[17] = s2; out[18] = s3; out[19] = s4; out[20] = s5;
  out[21] = t6 * keep; out[22] = t7 * keep; out[23] = t8 * keep;
}

WK_INLINE void carry_9_row_3(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[27]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  lane t7 = f0 * p[7 * apart]; lane t8 = f0 * p[8 * apart]; const lane f1 = f[28]; t0 = lane_fma(f1, p[1 * apart], t0);
  t1 = lane_fma(f1, p[9 * apart], t1); t2 = lane_fma(f1, p[10 * apart], t2); t3 = lane_fma(f1, p[11 * apart], t3);
  t4 = lane_fma(f1, p[12 * apart], t4); t5 = lane_fma(f1, p[13 * apart], t5); t6 = lane_fma(f1, p[14 * apart], t6);
  t7 = lane_fma(f1, p[15 * apart], t7); t8 = lane_fma(f1, p[16 * apart], t8); const lane f2 = f[29];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[10 * apart], t1); t2 = lane_fma(f2, p[17 * apart], t2);
  t3 = lane_fma(f2, p[18 * apart], t3); t4 = lane_fma(f2, p[19 * apart], t4); t5 = lane_fma(f2, p[20 * apart], t5);
  t6 = lane_fma(f2, p[21 * apart], t6); t7 = lane_fma(f2, p[22 * apart], t7); t8 = lane_fma(f2, p[23 * apart], t8);
  const lane f3 = f[30]; t0 = lane_fma(f3, p[3 * apart], t0); t1 = lane_fma(f3, p[11 * apart], t1);
  t2 = lane_fma(f3, p[18 * apart], t2); t3 = lane_fma(f3, p[24 * apart], t3); t4 = lane_fma(f3, p[25 * apart], t4);
  t5 = lane_fma(f3, p[26 * apart], t5); t6 = lane_fma(f3, p[27 * apart], t6); t7 = lane_fma(f3, p[28 * apart], t7);
  t8 = lane_fma(f3, p[29 * apart], t8); const lane f4 = f[31]; t0 = lane_fma(f4, p[4 * apart], t0);
  t1 = lane_fma(f4, p[12 * apart], t1); t2 = lane_fma(f4, p[19 * apart], t2); t3 = lane_fma(f4, p[25 * apart], t3);
  t4 = lane_fma(f4, p[30 * apart], t4); t5 = lane_fma(f4, p[31 * apart], t5); t6 = lane_fma(f4, p[32 * apart], t6);
  t7 = lane_fma(f4, p[33 * apart], t7); t8 = lane_fma(f4, p[34 * apart], t8); const lane f5 = f[32];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[13 * apart], t1); t2 = lane_fma(f5, p[20 * apart], t2);
  t3 = lane_fma(f5, p[26 * apart], t3); t4 = lane_fma(f5, p[31 * apart], t4); t5 = lane_fma(f5, p[35 * apart], t5);
  t6 = lane_fma(f5, p[36 * apart], t6); t7 = lane_fma(f5, p[37 * apart], t7); t8 = lane_fma(f5, p[38 * apart], t8);
  const lane f6 = f[33]; t0 = lane_fma(f6, p[6 * apart], t0); t1 = lane_fma(f6, p[14 * apart], t1);
  t2 = lane_fma(f6, p[21 * apart], t2); t3 = lane_fma(f6, p[27 * apart], t3); t4 = lane_fma(f6, p[32 * apart], t4);
  t5 = lane_fma(f6, p[36 * apart], t5); t6 = lane_fma(f6, p[39 * apart], t6); t7 = lane_fma(f6, p[40 * apart], t7);
  t8 = lane_fma(f6, p[41 * apart], t8); const lane f7 = f[34]; t0 = lane_fma(f7, p[7 * apart], t0);
  t1 = lane_fma(f7, p[15 * apart], t1); t2 = lane_fma(f7, p[22 * apart], t2); t3 = lane_fma(f7, p[28 * apart], t3);
  t4 = lane_fma(f7, p[33 * apart], t4); t5 = lane_fma(f7, p[37 * apart], t5); t6 = lane_fma(f7, p[40 * apart], t6);
  t7 = lane_fma(f7, p[42 * apart], t7); t8 = lane_fma(f7, p[43 * apart], t8); const lane f8 = f[35];
  t0 = lane_fma(f8, p[8 * apart], t0); t1 = lane_fma(f8, p[16 * apart], t1); t2 = lane_fma(f8, p[23 * apart], t2);
  t3 = lane_fma(f8, p[29 * apart], t3); t4 = lane_fma(f8, p[34 * apart], t4); t5 = lane_fma(f8, p[38 * apart], t5);
  t6 = lane_fma(f8, p[41 * apart], t6); t7 = lane_fma(f8, p[43 * apart], t7); t8 = lane_fma(f8, p[44 * apart], t8);
  lane s3 = t0 * f[27]; lane s4 = t0 * f[36]; lane s5 = t0 * f[45]; s3 = lane_fma(t1, f[28], s3); s4 = lane_fma(t1, f[37], s4);
  s5 = lane_fma(t1, f[46], s5); s3 = lane_fma(t2, f[29], s3); s4 = lane_fma(t2, f[38], s4); s5 = lane_fma(t2, f[47], s5);
  s3 = lane_fma(t3, f[30], s3); s4 = lane_fma(t3, f[39], s4); s5 = lane_fma(t3, f[48], s5); s3 = lane_fma(t4, f[31], s3);
  s4 = lane_fma(t4, f[40], s4); s5 = lane_fma(t4, f[49], s5); s3 = lane_fma(t5, f[32], s3); s4 = lane_fma(t5, f[41], s4);
  s5 = lane_fma(t5, f[50], s5); s3 = lane_fma(t6, f[33], s3); s4 = lane_fma(t6, f[42], s4); s5 = lane_fma(t6, f[51], s5);
  s3 = lane_fma(t7, f[34], s3); s4 = lane_fma(t7, f[43], s4); s5 = lane_fma(t7, f[52], s5); s3 = lane_fma(t8, f[35], s3);
  s4 = lane_fma(t8, f[44], s4); s5 = lane_fma(t8, f[53], s5); out[24] = s3; out[25] = s4; out[26] = s5; out[27] = t6 * keep;
  out[28] = t7 * keep; out[29] = t8 * keep;
}

WK_INLINE void carry_9_row_4(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[36]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  lane t7 = f0 * p[7 * apart]; lane t8 = f0 * p[8 * apart]; const lane f1 = f[37]; t0 = lane_fma(f1, p[1 * apart], t0);
  t1 = lane_fma(f1, p[9 * apart], t1); t2 = lane_fma(f1, p[10 * apart], t2); t3 = lane_fma(f1, p[11 * apart], t3);
  t4 = lane_fma(f1, p[12 * apart], t4); t5 = lane_fma(f1, p[13 * apart], t5); t6 = lane_fma(f1, p[14 * apart], t6);
  t7 = lane_fma(f1, p[15 * apart], t7); t8 = lane_fma(f1, p[16 * apart], t8); const lane f2 = f[38];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[10 * apart], t1); t2 = lane_fma(f2, p[17 * apart], t2);
  t3 = lane_fma(f2, p[18 * apart], t3); t4 = lane_fma(f2, p[19 * apart], t4); t5 = lane_fma(f2, p[20 * apart], t5);
  t6 = lane_fma(f2, p[21 * apart], t6); t7 = lane_fma(f2, p[22 * apart], t7); t8 = lane_fma(f2, p[23 * apart], t8);
  const lane f3 = f[39]; t0 = lane_fma(f3, p[3 * apart], t0); t1 = lane_fma(f3, p[11 * apart], t1);
  t2 = lane_fma(f3, p[18 * apart], t2); t3 = lane_fma(f3, p[24 * apart], t3); t4 = lane_fma(f3, p[25 * apart], t4);
  t5 = lane_fma(f3, p[26 * apart], t5); t6 = lane_fma(f3, p[27 * apart], t6); t7 = lane_fma(f3, p[28 * apart], t7);
  t8 = lane_fma(f3, p[29 * apart], t8); const lane f4 = f[40]; t0 = lane_fma(f4, p[4 * apart], t0);
  t1 = lane_fma(f4, p[12 * apart], t1); t2 = lane_fma(f4, p[19 * apart], t2); t3 = lane_fma(f4, p[25 * apart], t3);
  t4 = lane_fma(f4, p[30 * apart], t4); t5 = lane_fma(f4, p[31 * apart], t5); t6 = lane_fma(f4, p[32 * apart], t6);
  t7 = lane_fma(f4, p[33 * apart], t7); t8 = lane_fma(f4, p[34 * apart], t8); const lane f5 = f[41];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[13 * apart], t1); t2 = lane_fma(f5, p[20 * apart], t2);
  t3 = lane_fma(f5, p[26 * apart], t3); t4 = lane_fma(f5, p[31 * apart], t4); t5 = lane_fma(f5, p[35 * apart], t5);
  t6 = lane_fma(f5, p[36 * apart], t6); t7 = lane_fma(f5, p[37 * apart], t7); t8 = lane_fma(f5, p[38 * apart], t8);
  const lane f6 = f[42]; t0 = lane_fma(f6, p[6 * apart], t0); t1 = lane_fma(f6, p[14 * apart], t1);
  t2 = lane_fma(f6, p[21 * apart], t2); t3 = lane_fma(f6, p[27 * apart], t3); t4 = lane_fma(f6, p[32 * apart], t4);
  t5 = lane_fma(f6, p[36 * apart], t5); t6 = lane_fma(f6, p[39 * apart], t6); t7 = lane_fma(f6, p[40 * apart], t7);
  t8 = lane_fma(f6, p[41 * apart], t8); const lane f7 = f[43]; t0 = lane_fma(f7, p[7 * apart], t0);
  t1 = lane_fma(f7, p[15 * apart], t1); t2 = lane_fma(f7, p[22 * apart], t2); t3 = lane_fma(f7, p[28 * apart], t3);
  t4 = lane_fma(f7, p[33 * apart], t4); t5 = lane_fma(f7, p[37 * apart], t5); t6 = lane_fma(f7, p[40 * apart], t6);
  t7 = lane_fma(f7, p[42 * apart], t7); t8 = lane_fma(f7, p[43 * apart], t8); const lane f8 = f[44];
  t0 = lane_fma(f8, p[8 * apart], t0); t1 = lane_fma(f8, p[16 * apart], t1); t2 = lane_fma(f8, p[23 * apart], t2);
  t3 = lane_fma(f8, p[29 * apart], t3); t4 = lane_fma(f8, p[34 * apart], t4); t5 = lane_fma(f8, p[38 * apart], t5);
  t6 = lane_fma(f8, p[41 * apart], t6); t7 = lane_fma(f8, p[43 * apart], t7); t8 = lane_fma(f8, p[44 * apart], t8);
  lane s4 = t0 * f[36]; lane s5 = t0 * f[45]; s4 = lane_fma(t1, f[37], s4); s5 = lane_fma(t1, f[46], s5);
  s4 = lane_fma(t2, f[38], s4); s5 = lane_fma(t2, f[47], s5); s4 = lane_fma(t3, f[39], s4); s5 = lane_fma(t3, f[48], s5);
  s4 = lane_fma(t4, f[40], s4); s5 = lane_fma(t4, f[49], s5); s4 = lane_fma(t5, f[41], s4); s5 = lane_fma(t5, f[50], s5);
  s4 = lane_fma(t6, f[42], s4); s5 = lane_fma(t6, f[51], s5); s4 = lane_fma(t7, f[43], s4); s5 = lane_fma(t7, f[52], s5);
  s4 = lane_fma(t8, f[44], s4); s5 = lane_fma(t8, f[53], s5); out[30] = s4; out[31] = s5; out[32] = t6 * keep; out[33] = t7 * keep;
  out[34] = t8 * keep;
}

WK_INLINE void carry_9_row_5(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  const lane f0 = f[45]; lane t0 = f0 * p[0 * apart]; lane t1 = f0 * p[1 * apart]; lane t2 = f0 * p[2 * apart];
  lane t3 = f0 * p[3 * apart]; lane t4 = f0 * p[4 * apart]; lane t5 = f0 * p[5 * apart]; lane t6 = f0 * p[6 * apart];
  lane t7 = f0 * p[7 * apart]; lane t8 = f0 * p[8 * apart]; const lane f1 = f[46]; t0 = lane_fma(f1, p[1 * apart], t0);
  t1 = lane_fma(f1, p[9 * apart], t1); t2 = lane_fma(f1, p[10 * apart], t2); t3 = lane_fma(f1, p[11 * apart], t3);
  t4 = lane_fma(f1, p[12 * apart], t4); t5 = lane_fma(f1, p[13 * apart], t5); t6 = lane_fma(f1, p[14 * apart], t6);
  t7 = lane_fma(f1, p[15 * apart], t7); t8 = lane_fma(f1, p[16 * apart], t8); const lane f2 = f[47];
  t0 = lane_fma(f2, p[2 * apart], t0); t1 = lane_fma(f2, p[10 * apart], t1); t2 = lane_fma(f2, p[17 * apart], t2);
  t3 = lane_fma(f2, p[18 * apart], t3); t4 = lane_fma(f2, p[19 * apart], t4); t5 = lane_fma(f2, p[20 * apart], t5);
  t6 = lane_fma(f2, p[21 * apart], t6); t7 = lane_fma(f2, p[22 * apart], t7); t8 = lane_fma(f2, p[23 * apart], t8);
  const lane f3 = f[48]; t0 = lane_fma(f3, p[3 * apart], t0); t1 = lane_fma(f3, p[11 * apart], t1);
  t2 = lane_fma(f3, p[18 * apart], t2); t3 = lane_fma(f3, p[24 * apart], t3); t4 = lane_fma(f3, p[25 * apart], t4);
  t5 = lane_fma(f3, p[26 * apart], t5); t6 = lane_fma(f3, p[27 * apart], t6); t7 = lane_fma(f3, p[28 * apart], t7);
  t8 = lane_fma(f3, p[29 * apart], t8); const lane f4 = f[49]; t0 = lane_fma(f4, p[4 * apart], t0);
  t1 = lane_fma(f4, p[12 * apart], t1); t2 = lane_fma(f4, p[19 * apart], t2); t3 = lane_fma(f4, p[25 * apart], t3);
  t4 = lane_fma(f4, p[30 * apart], t4); t5 = lane_fma(f4, p[31 * apart], t5); t6 = lane_fma(f4, p[32 * apart], t6);
  t7 = lane_fma(f4, p[33 * apart], t7); t8 = lane_fma(f4, p[34 * apart], t8); const lane f5 = f[50];
  t0 = lane_fma(f5, p[5 * apart], t0); t1 = lane_fma(f5, p[13 * apart], t1); t2 = lane_fma(f5, p[20 * apart], t2);
  t3 = lane_fma(f5, p[26 * apart], t3); t4 = lane_fma(f5, p[31 * apart], t4); t5 = lane_fma(f5, p[35 * apart], t5);
  t6 = lane_fma(f5, p[36 * apart], t6); t7 = lane_fma(f5, p[37 * apart], t7); t8 = lane_fma(f5, p[38 * apart], t8);
  const lane f6 = f[51]; t0 = lane_fma(f6, p[6 * apart], t0); t1 = lane_fma(f6, p[14 * apart], t1);
  t2 = lane_fma(f6, p[21 * apart], t2); t3 = lane_fma(f6, p[27 * apart], t3); t4 = lane_fma(f6, p[32 * apart], t4);
  t5 = lane_fma(f6, p[36 * apart], t5); t6 = lane_fma(f6, p[39 * apart], t6); t7 = lane_fma(f6, p[40 * apart], t7);
  t8 = lane_fma(f6, p[41 * apart], t8); const lane f7 = f[52]; t0 = lane_fma(f7, p[7 * apart], t0);
  t1 = lane_fma(f7, p[15 * apart], t1); t2 = lane_fma(f7, p[22 * apart], t2); t3 = lane_fma(f7, p[28 * apart], t3);
  t4 = lane_fma(f7, p[33 * apart], t4); t5 = lane_fma(f7, p[37 * apart], t5); t6 = lane_fma(f7, p[40 * apart], t6);
  t7 = lane_fma(f7, p[42 * apart], t7); t8 = lane_fma(f7, p[43 * apart], t8); const lane f8 = f[53];
  t0 = lane_fma(f8, p[8 * apart], t0); t1 = lane_fma(f8, p[16 * apart], t1); t2 = lane_fma(f8, p[23 * apart], t2);
  t3 = lane_fma(f8, p[29 * apart], t3); t4 = lane_fma(f8, p[34 * apart], t4); t5 = lane_fma(f8, p[38 * apart], t5);
  t6 = lane_fma(f8, p[41 * apart], t6); t7 = lane_fma(f8, p[43 * apart], t7); t8 = lane_fma(f8, p[44 * apart], t8);
  lane s5 = t0 * f[45]; s5 = lane_fma(t1, f[46], s5); s5 = lane_fma(t2, f[47], s5); s5 = lane_fma(t3, f[48], s5);
  s5 = lane_fma(t4, f[49], s5); s5 = lane_fma(t5, f[50], s5); s5 = lane_fma(t6, f[51], s5); s5 = lane_fma(t7, f[52], s5);
  s5 = lane_fma(t8, f[53], s5); out[35] = s5; out[36] = t6 * keep; out[37] = t7 * keep; out[38] = t8 * keep;
}

/* out = F p F', packed, of 9 states, the elements of p `apart` from each other; F has the rows f (xxxxxxxx0/xxxxxxxx0/xxxxxx00x/xxxxxxxxx/xxxxxxxxx/xxxxxxxxx) and keep on the rest of its diagonal. */
WK_INLINE void carry_9(const lane *f, lane keep, const lane *p, int apart, lane *out) {
  carry_9_row_0(f, keep, p, apart, out); carry_9_row_1(f, keep, p, apart, out); carry_9_row_2(f, keep, p, apart, out);
  carry_9_row_3(f, keep, p, apart, out); carry_9_row_4(f, keep, p, apart, out); carry_9_row_5(f, keep, p, apart, out);
  const lane keep2 = keep * keep; out[39] = p[39 * apart] * keep2; out[40] = p[40 * apart] * keep2; out[41] = p[41 * apart] * keep2;
  out[42] = p[42 * apart] * keep2; out[43] = p[43 * apart] * keep2; out[44] = p[44 * apart] * keep2;
}

/* S = L D L' of six states, row by row: what is left of S less the row's outer product, 1 / D by hand; the row then that of L'. */
WK_INLINE void pivot_6_0(lane *s, lane inverse) {
  const lane l1 = s[1] * inverse; const lane l2 = s[2] * inverse; const lane l3 = s[3] * inverse; const lane l4 = s[4] * inverse;
  const lane l5 = s[5] * inverse; s[6] = lane_fnma(l1, s[1], s[6]); s[7] = lane_fnma(l1, s[2], s[7]);
  s[8] = lane_fnma(l1, s[3], s[8]); s[9] = lane_fnma(l1, s[4], s[9]); s[10] = lane_fnma(l1, s[5], s[10]);
  s[11] = lane_fnma(l2, s[2], s[11]); s[12] = lane_fnma(l2, s[3], s[12]); s[13] = lane_fnma(l2, s[4], s[13]);
  s[14] = lane_fnma(l2, s[5], s[14]); s[15] = lane_fnma(l3, s[3], s[15]); s[16] = lane_fnma(l3, s[4], s[16]);
  s[17] = lane_fnma(l3, s[5], s[17]); s[18] = lane_fnma(l4, s[4], s[18]); s[19] = lane_fnma(l4, s[5], s[19]);
  s[20] = lane_fnma(l5, s[5], s[20]); s[1] = l1; s[2] = l2; s[3] = l3; s[4] = l4; s[5] = l5;
}

WK_INLINE void pivot_6_1(lane *s, lane inverse) {
  const lane l2 = s[7] * inverse; const lane l3 = s[8] * inverse; const lane l4 = s[9] * inverse; const lane l5 = s[10] * inverse;
  s[11] = lane_fnma(l2, s[7], s[11]); s[12] = lane_fnma(l2, s[8], s[12]); s[13] = lane_fnma(l2, s[9], s[13]);
  s[14] = lane_fnma(l2, s[10], s[14]); s[15] = lane_fnma(l3, s[8], s[15]); s[16] = lane_fnma(l3, s[9], s[16]);
  s[17] = lane_fnma(l3, s[10], s[17]); s[18] = lane_fnma(l4, s[9], s[18]); s[19] = lane_fnma(l4, s[10], s[19]);
  s[20] = lane_fnma(l5, s[10], s[20]); s[7] = l2; s[8] = l3; s[9] = l4; s[10] = l5;
}

WK_INLINE void pivot_6_2(lane *s, lane inverse) {
  const lane l3 = s[12] * inverse; const lane l4 = s[13] * inverse; const lane l5 = s[14] * inverse;
  s[15] = lane_fnma(l3, s[12], s[15]); s[16] = lane_fnma(l3, s[13], s[16]); s[17] = lane_fnma(l3, s[14], s[17]);
  s[18] = lane_fnma(l4, s[13], s[18]); s[19] = lane_fnma(l4, s[14], s[19]); s[20] = lane_fnma(l5, s[14], s[20]); s[12] = l3;
  s[13] = l4; s[14] = l5;
}

WK_INLINE void pivot_6_3(lane *s, lane inverse) {
  const lane l4 = s[16] * inverse; const lane l5 = s[17] * inverse; s[18] = lane_fnma(l4, s[16], s[18]);
  s[19] = lane_fnma(l4, s[17], s[19]); s[20] = lane_fnma(l5, s[17], s[20]); s[16] = l4; s[17] = l5;
}

WK_INLINE void pivot_6_4(lane *s, lane inverse) {
  const lane l5 = s[19] * inverse; s[20] = lane_fnma(l5, s[19], s[20]); s[19] = l5;
}

/* x := L^-1 x, the rows of L' as pivot_6_* leave them. */
WK_INLINE void forward_6(const lane *l, lane *x) {
  x[1] = lane_fnma(l[1], x[0], x[1]); x[2] = lane_fnma(l[2], x[0], x[2]); x[3] = lane_fnma(l[3], x[0], x[3]);
  x[4] = lane_fnma(l[4], x[0], x[4]); x[5] = lane_fnma(l[5], x[0], x[5]); x[2] = lane_fnma(l[7], x[1], x[2]);
  x[3] = lane_fnma(l[8], x[1], x[3]); x[4] = lane_fnma(l[9], x[1], x[4]); x[5] = lane_fnma(l[10], x[1], x[5]);
  x[3] = lane_fnma(l[12], x[2], x[3]); x[4] = lane_fnma(l[13], x[2], x[4]); x[5] = lane_fnma(l[14], x[2], x[5]);
  x[4] = lane_fnma(l[16], x[3], x[4]); x[5] = lane_fnma(l[17], x[3], x[5]); x[5] = lane_fnma(l[19], x[4], x[5]);
}

#endif

#include "kernels/ref/ref_fused6.h"

#include <string.h>

typedef long double matrix6[6][6];

static void transpose_times(const matrix6 a, const matrix6 b, matrix6 c) { /* c = a b' */
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) {
      c[i][j] = 0;
      for (int k = 0; k < 6; k++) c[i][j] += a[i][k] * b[j][k];
    }
  }
}

static void times(const matrix6 a, const matrix6 b, matrix6 c) {
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) {
      c[i][j] = 0;
      for (int k = 0; k < 6; k++) c[i][j] += a[i][k] * b[k][j];
    }
  }
}

static void predict(struct ref_linear *s, long double dt, long double psd) {
  matrix6 f = {{0}}, fp;
  for (int i = 0; i < 3; i++) s->x[i] += dt * s->x[3 + i];
  for (int i = 0; i < 6; i++) f[i][i] = 1;
  for (int i = 0; i < 3; i++) f[i][3 + i] = dt;
  times((const long double(*)[6])f, (const long double(*)[6])s->p, fp);
  transpose_times((const long double(*)[6])fp, (const long double(*)[6])f, s->p);
  for (int i = 0; i < 3; i++) {
    s->p[i][i] += psd * dt * dt * dt / 3;
    s->p[i][3 + i] += psd * dt * dt / 2;
    s->p[3 + i][i] += psd * dt * dt / 2;
    s->p[3 + i][3 + i] += psd * dt;
  }
}

/* Gauss-Jordan; a symmetric positive definite 3 x 3 needs no pivots. */
static void invert3(long double a[3][3], long double inverse[3][3]) {
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) inverse[i][j] = i == j;
  }
  for (int c = 0; c < 3; c++) {
    const long double scale = a[c][c];
    for (int j = 0; j < 3; j++) {
      a[c][j] /= scale;
      inverse[c][j] /= scale;
    }
    for (int i = 0; i < 3; i++) {
      const long double factor = a[i][c];
      for (int j = 0; i != c && j < 3; j++) {
        a[i][j] -= factor * a[c][j];
        inverse[i][j] -= factor * inverse[c][j];
      }
    }
  }
}

long double ref_linear_step(struct ref_linear *s, const double z[3], const double variance[3], double dt_s,
                            double accel_psd, double gate) {
  long double spread[3][3], inverse[3][3], gain[6][3] = {{0}}, y[3], distance2 = 0;
  matrix6 keep = {{0}}, half, p;
  predict(s, dt_s, accel_psd);
  for (int i = 0; i < 3; i++) {
    y[i] = z[i] - s->x[i];
    for (int j = 0; j < 3; j++) spread[i][j] = s->p[i][j] + (i == j ? variance[i] : 0);
  }
  invert3(spread, inverse);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) distance2 += y[i] * inverse[i][j] * y[j];
  }
  if (!(distance2 < gate)) return distance2;
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 3; j++) {
      for (int k = 0; k < 3; k++) gain[i][j] += s->p[i][k] * inverse[k][j];
      s->x[i] += gain[i][j] * y[j];
    }
    for (int j = 0; j < 6; j++) keep[i][j] = (i == j) - (j < 3 ? gain[i][j] : 0);
  }
  times((const long double(*)[6])keep, (const long double(*)[6])s->p, half);
  transpose_times((const long double(*)[6])half, (const long double(*)[6])keep, p);
  for (int i = 0; i < 6; i++) { /* Joseph */
    for (int j = 0; j < 6; j++) {
      for (int k = 0; k < 3; k++) p[i][j] += gain[i][k] * variance[k] * gain[j][k];
    }
  }
  memcpy(s->p, p, sizeof p);
  return distance2;
}

#include "engine/track/vector.h"

enum { MATRIX_N_MAX = 6 };

/* Lower Cholesky factor, row-major n x n. */
static bool factor(int n, const double *packed, double l[MATRIX_N_MAX][MATRIX_N_MAX]) {
  for (int i = 0; i < n; i++) {
    for (int j = 0; j <= i; j++) {
      double sum = packed[WK_AT(n, j, i)];
      for (int k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
      if (i == j) {
        if (!(sum > 0)) return false;
        l[i][i] = sqrt(sum);
      } else {
        l[i][j] = sum / l[j][j];
      }
    }
  }
  return true;
}

bool matrix_invert_spd(int n, const double *packed, double *inverse, double *log_determinant) {
  double l[MATRIX_N_MAX][MATRIX_N_MAX], m[MATRIX_N_MAX][MATRIX_N_MAX];
  if (!factor(n, packed, l)) return false;
  double product = 1;
  for (int i = 0; i < n; i++) product *= l[i][i];
  if (log_determinant) *log_determinant = 2 * wk_log(product);
  for (int i = 0; i < n; i++) { /* m = l^-1, lower */
    for (int j = 0; j <= i; j++) {
      double sum = i == j ? 1 : 0;
      for (int k = j; k < i; k++) sum -= l[i][k] * m[k][j];
      m[i][j] = sum / l[i][i];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int j = i; j < n; j++) {
      double sum = 0;
      for (int k = j; k < n; k++) sum += m[k][i] * m[k][j];
      inverse[WK_AT(n, i, j)] = sum;
    }
  }
  return true;
}

double matrix_quadratic(int n, const double *packed, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++) {
    sum += packed[WK_AT(n, i, i)] * x[i] * x[i];
    for (int j = i + 1; j < n; j++) sum += 2 * packed[WK_AT(n, i, j)] * x[i] * x[j];
  }
  return sum;
}

double residual_variance(double variance, double told) { return variance + fmax(1e-13 * variance - told, 0); }

/* Three-vectors and 3 x 3 symmetric matrices for the tracker's scalar parts. */
#ifndef WEFT_TRACK_VECTOR_H
#define WEFT_TRACK_VECTOR_H

#include <math.h>
#include <stdbool.h>

#include "kernels/wk.h"

/* Of two numbers; libm's are calls, since they look for NaN. */
static inline double larger(double a, double b) { return a > b ? a : b; }
static inline double smaller(double a, double b) { return a < b ? a : b; }

static inline void vector_subtract(double out[3], const double a[3], const double b[3]) {
  for (int i = 0; i < 3; i++) out[i] = a[i] - b[i];
}
static inline double vector_dot(const double a[3], const double b[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
static inline double vector_norm(const double a[3]) {
  return sqrt(vector_dot(a, a));
}

/* Inverse of a packed symmetric positive definite n x n matrix (n <= 6) by Cholesky, and ln of its
 * determinant. False (nothing written) where it is not positive definite. */
bool matrix_invert_spd(int n, const double *packed, double *inverse, double *log_determinant);
/* x' A x for packed symmetric A. */
double matrix_quadratic(int n, const double *packed, const double *x);

/* Variance of a scalar residual of which the measurement's own part is `told`: that counts as 1e-13 of the whole at least, as in the
 * kernels' update (docs/maths.md M17), since rounding can't tell less from nothing. */
double residual_variance(double variance, double told);

#endif

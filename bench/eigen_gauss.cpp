#include "bench/eigen_gauss.h"

#include "bench/eigen_variant.hpp"

#include <Eigen/Dense>
#include <cmath>

namespace {
using Vector6 = Eigen::Matrix<double, 6, 1>;
using Matrix6 = Eigen::Matrix<double, 6, 6>;

Matrix6 unpack(const double *p) {
  Matrix6 m;
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) m(i, j) = m(j, i) = *p++;
  }
  return m;
}

double determinant(const Matrix6 &a, const Matrix6 &b, double w) {
  const Matrix6 l = (w * a + (1 - w) * b).llt().matrixL();
  const double product = l.diagonal().prod();
  return product * product;
}

double weight(const Matrix6 &a, const Matrix6 &b) {
  const double golden = 0.6180339887498949;
  double low = 0, high = 1, left = 1 - golden, right = golden, at_left = determinant(a, b, left),
         at_right = determinant(a, b, right);
  for (int pass = 0; pass < 30; pass++) {
    if (at_left < at_right) {
      low = left;
      left = right;
      at_left = at_right;
      right = low + golden * (high - low);
      at_right = determinant(a, b, right);
    } else {
      high = right;
      right = left;
      at_right = at_left;
      left = high - golden * (high - low);
      at_left = determinant(a, b, left);
    }
  }
  double best = at_left > at_right ? left : right, top = std::max(at_left, at_right);
  const double zero = determinant(a, b, 0), one = determinant(a, b, 1);
  if (zero >= top) {
    best = 0;
    top = zero;
  }
  return one >= top ? 1 : best;
}

// k times the k-th coefficient of det(1 + u n), by the traces of the powers of n.
Vector6 slope_of(const Matrix6 &n) {
  const Matrix6 square = n * n, cube = n * square;
  Vector6 trace, slope;
  trace << n.trace(), square.trace(), square.cwiseProduct(n).sum(), square.squaredNorm(), square.cwiseProduct(cube).sum(), cube.squaredNorm();
  for (int k = 0; k < 6; k++) {
    slope(k) = k % 2 ? -trace(k) : trace(k);
    for (int i = 0; i < k; i++) slope(k) += (i % 2 ? -1 : 1) * slope(k - 1 - i) / (k - i) * trace(i);
  }
  return slope;
}

double determinant_at(const Vector6 &slope, double u) {
  double p = 0;
  for (int k = 5; k >= 0; k--) p = p * u + slope(k) / (k + 1);
  return 1 + u * p;
}

// Where that is largest, -1 to 1.
double top_of(const Vector6 &slope) {
  double u = 0;
  for (int pass = 0; pass < 4; pass++) {
    double q = slope(5), q1 = q, q2 = q;
    for (int k = 4; k >= 0; k--) {
      q = q * u + slope(k);
      if (k > 0) q1 = q1 * u + q;
      if (k > 1) q2 = q2 * u + q1;
    }
    const double along = q1 - 2 * std::sqrt(std::max(4 * q1 * q1 - 10 * q * q2, 0.0));
    if (!(along < 0)) break;
    u = std::max(-1.0, std::min(1.0, u - 5 * q / along));
  }
  const double top = determinant_at(slope, u), zero = determinant_at(slope, -1), one = determinant_at(slope, 1);
  if (one >= std::max(top, zero)) return 1;
  return zero >= top ? -1 : u;
}
} // namespace

void NAMED(eigen_distance)(const double *one, const double (*many)[WK_GAUSS_ELEMENTS], int count, double *distance2, double *log_likelihood) {
  const Vector6 x = Eigen::Map<const Vector6>(one);
  const Matrix6 p = unpack(one + 6);
  for (int i = 0; i < count; i++) {
    const Matrix6 l = (p + unpack(many[i] + 6)).llt().matrixL();
    const Vector6 w = l.triangularView<Eigen::Lower>().solve(Eigen::Map<const Vector6>(many[i]) - x);
    distance2[i] = w.squaredNorm();
    log_likelihood[i] = -0.5 * (6 * std::log(2 * M_PI) + 2 * std::log(l.diagonal().prod()) + distance2[i]);
  }
}

void NAMED(eigen_intersect)(double (*a)[WK_GAUSS_ELEMENTS], const double (*b)[WK_GAUSS_ELEMENTS], int count) {
  for (int i = 0; i < count; i++) {
    const Matrix6 ia = unpack(a[i] + 6).inverse(), ib = unpack(b[i] + 6).inverse();
    const Vector6 xa = Eigen::Map<const Vector6>(a[i]), xb = Eigen::Map<const Vector6>(b[i]);
    const double w = weight(ia, ib);
    if (w == 1) continue;
    const Matrix6 p = (w * ia + (1 - w) * ib).inverse();
    Eigen::Map<Vector6> x(a[i]);
    x = w == 0 ? xb : xa + p * ((1 - w) * (ib * (xb - xa)));
    double *to = a[i] + 6;
    for (int r = 0; r < 6; r++) {
      for (int c = r; c < 6; c++) *to++ = w == 0 ? b[i][6 + WK_AT(6, r, c)] : p(r, c);
    }
  }
}

void NAMED(eigen_intersect_reduced)(double (*a)[WK_GAUSS_ELEMENTS], const double (*b)[WK_GAUSS_ELEMENTS], int count) {
  for (int i = 0; i < count; i++) {
    const Matrix6 pa = unpack(a[i] + 6), pb = unpack(b[i] + 6), both = pa + pb, apart = pb - pa;
    const Matrix6 l = both.llt().matrixL();
    const Matrix6 half = l.triangularView<Eigen::Lower>().solve(apart);
    const Matrix6 n = l.triangularView<Eigen::Lower>().solve(half.transpose());
    const double u = top_of(slope_of(n));
    if (u == 1) continue;
    if (u == -1) {
      std::copy(b[i], b[i] + WK_GAUSS_ELEMENTS, a[i]);
      continue;
    }
    const Eigen::LLT<Matrix6> blend(0.5 * (both + u * apart));
    Eigen::Map<Vector6> x(a[i]);
    const Vector6 d = Eigen::Map<const Vector6>(b[i]) - x;
    x += pa * blend.solve(0.5 * (1 - u) * d);
    const Matrix6 p = pa * blend.solve(pb);
    double *to = a[i] + 6;
    for (int r = 0; r < 6; r++) {
      for (int c = r; c < 6; c++) *to++ = p(r, c);
    }
  }
}

#include "bench/eigen_fused6.h"

#include "bench/eigen_variant.hpp"

#include <Eigen/Dense>

namespace {
using Matrix6 = Eigen::Matrix<double, 6, 6>;
using Vector6 = Eigen::Matrix<double, 6, 1>;
using Matrix36 = Eigen::Matrix<double, 3, 6>;
using Matrix63 = Eigen::Matrix<double, 6, 3>;
using Eigen::Matrix3d;
using Eigen::Vector3d;

void textbook(eigen_track &t, double psd, double gate) {
  Eigen::Map<Vector6> x_out(t.x);
  Eigen::Map<Matrix6> p_out(t.p);
  const double dt = t.dt_s;
  Matrix6 f = Matrix6::Identity(), q = Matrix6::Zero();
  Matrix36 h = Matrix36::Zero();
  for (int i = 0; i < 3; i++) {
    f(i, 3 + i) = dt;
    h(i, i) = 1;
    q(i, i) = psd * dt * dt * dt / 3;
    q(i, 3 + i) = q(3 + i, i) = psd * dt * dt / 2;
    q(3 + i, 3 + i) = psd * dt;
  }
  const Vector6 x = f * x_out;
  const Matrix6 p = f * p_out * f.transpose() + q;
  const Vector3d y = Eigen::Map<Vector3d>(t.z) - h * x;
  Matrix3d s = h * p * h.transpose();
  s.diagonal() += Eigen::Map<Vector3d>(t.variance);
  const Matrix3d s_inverse = s.inverse();
  t.distance2 = y.dot(s_inverse * y);
  if (!(t.distance2 < gate)) {
    x_out = x;
    p_out = p;
    return;
  }
  const Matrix63 k = p * h.transpose() * s_inverse;
  x_out = x + k * y;
  p_out = (Matrix6::Identity() - k * h) * p;
}

void structured(eigen_track &t, double psd, double gate) {
  Eigen::Map<Vector6> x(t.x);
  Eigen::Map<Matrix6> p(t.p);
  const double dt = t.dt_s, vv = psd * dt, pv = vv * dt / 2, pp = pv * dt * 2 / 3;
  x.head<3>() += dt * x.tail<3>();
  Matrix3d a = p.topLeftCorner<3, 3>(), b = p.topRightCorner<3, 3>(), c = p.bottomRightCorner<3, 3>();
  const Matrix3d ahead = b + dt * c;
  a += dt * (b.transpose() + ahead);
  b = ahead;
  a.diagonal().array() += pp;
  b.diagonal().array() += pv;
  c.diagonal().array() += vv;
  Matrix3d s = a;
  s.diagonal() += Eigen::Map<Vector3d>(t.variance);
  const Matrix3d s_inverse = s.inverse();
  const Vector3d y = Eigen::Map<Vector3d>(t.z) - x.head<3>();
  const Vector3d w = s_inverse * y;
  t.distance2 = y.dot(w);
  if (t.distance2 < gate) {
    const Matrix3d k_position = a * s_inverse, k_velocity = b.transpose() * s_inverse;
    x.head<3>() += a * w;
    x.tail<3>() += b.transpose() * w;
    c -= k_velocity * b;
    b -= k_position * b.eval();
    a -= k_position * a.eval();
  }
  p.topLeftCorner<3, 3>() = a;
  p.topRightCorner<3, 3>() = b;
  p.bottomLeftCorner<3, 3>() = b.transpose();
  p.bottomRightCorner<3, 3>() = c;
}
} // namespace

void NAMED(eigen_textbook)(eigen_track *tracks, int count, double accel_psd, double gate) {
  for (int i = 0; i < count; i++) textbook(tracks[i], accel_psd, gate);
}
void NAMED(eigen_structured)(eigen_track *tracks, int count, double accel_psd, double gate) {
  for (int i = 0; i < count; i++) structured(tracks[i], accel_psd, gate);
}

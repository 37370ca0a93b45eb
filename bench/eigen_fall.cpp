#include "bench/eigen_fall.h"

#include "bench/eigen_earth.hpp"
#include "bench/eigen_variant.hpp"

namespace {
using Vector6 = Eigen::Matrix<double, 6, 1>;

double drag(double height, double speed, double coefficient) {
  double slope;
  return std::min(1.0, 0.5 * std::exp(air_log(height, slope)) * speed * coefficient);
}

Vector6 rate(const Vector6 &x, double drag_rate) {
  const Vector3d p = x.head<3>(), v = x.tail<3>();
  Vector6 r;
  r.head<3>() = v;
  Vector3d a = earth_gravity(p);
  a.x() += earth_rate * earth_rate * p.x() + 2 * earth_rate * v.y();
  a.y() += earth_rate * earth_rate * p.y() - 2 * earth_rate * v.x();
  r.tail<3>() = a - drag_rate * v;
  return r;
}

Vector6 rate_at(const Vector6 &x, double coefficient, bool low) {
  Vector3d up;
  return rate(x, low ? drag(earth_height(x.head<3>(), up), x.tail<3>().norm(), coefficient) : 0);
}

// Above the air to its edge, as on a parabola; within it as long as height, sink rate and drag allow; slightly negative when the ground has
// just been passed.
double step_s(double height, double sink, double plunge, double k, double left) {
  const double climb = std::max(std::abs(sink), 1e-3), above = height - 120e3;
  double step = std::min((k < 1e-4 ? 1.2 : k < 1e-3 ? 0.7 : 0.4) * 7000 / climb, 5.0);
  step = std::min(step, 0.4 / std::max(k, 1e-9));
  if (above > 0) {
    plunge = std::max(plunge, 0.1);
    const double root = std::sqrt(std::max(sink * sink + 2 * plunge * above, 0.0));
    const double edge_s = sink > 0 ? 2 * above / (sink + root) : (root - sink) / plunge;
    step = std::min(std::max(edge_s, step), 50.0 * std::pow((earth_a + height) / 6.6e6, 1.5));
  }
  step = std::min(std::max(step, 0.02), left);
  const double to_ground = height / climb;
  return sink > 0 && to_ground < step ? std::max(to_ground, -step) : step;
}

void fall(eigen_fall &body, double limit_s) {
  const double coefficient = std::exp(std::min(body.log_drag, 0.0));
  Vector6 x;
  x << body.position_m[0], body.position_m[1], body.position_m[2], body.velocity_mps[0], body.velocity_mps[1], body.velocity_mps[2];
  double t = 0;
  for (int steps = 0; steps < 2048 && t < limit_s; steps++) {
    Vector3d up;
    const Vector3d p = x.head<3>(), v = x.tail<3>();
    const double height = earth_height(p, up), sink = -up.dot(v), out = p.dot(v) / p.norm();
    if (sink > 0 && std::abs(height) < 0.01) break;
    const bool low = height < 130e3;
    const double k = low ? drag(height, v.norm(), coefficient) : 0;
    const Vector6 k1 = rate(x, k);
    const double plunge = -(p.dot(k1.tail<3>()) + v.squaredNorm() - out * out) / p.norm();
    const double h = step_s(height, sink, plunge, k, limit_s - t);
    const Vector6 k2 = rate_at(x + h / 2 * k1, coefficient, low), k3 = rate_at(x + h / 2 * k2, coefficient, low);
    const Vector6 k4 = rate_at(x + h * k3, coefficient, low);
    x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    t += h;
  }
  for (int c = 0; c < 3; c++) {
    body.position_m[c] = x(c);
    body.velocity_mps[c] = x(3 + c);
  }
  body.time_s = t;
}
} // namespace

void NAMED(eigen_fall)(eigen_fall *body, int count, double limit_s) {
  for (int i = 0; i < count; i++) fall(body[i], limit_s);
}

#include "bench/eigen_fall.h"

#include "bench/eigen_earth.hpp"
#include "bench/eigen_variant.hpp"

namespace {
using Vector6 = Eigen::Matrix<double, 6, 1>;

double drag(double height, double speed, double coefficient) {
  double slope;
  return std::min(1.0, 0.5 * std::exp(air_log(height, slope)) * speed * coefficient);
}

Vector6 rate(const Vector6 &x, double coefficient, bool low) {
  const Vector3d p = x.head<3>(), v = x.tail<3>();
  Vector6 r;
  r.head<3>() = v;
  Vector3d a = earth_gravity(p), up;
  a.x() += earth_rate * earth_rate * p.x() + 2 * earth_rate * v.y();
  a.y() += earth_rate * earth_rate * p.y() - 2 * earth_rate * v.x();
  if (low) a -= drag(earth_height(p, up), v.norm(), coefficient) * v;
  r.tail<3>() = a;
  return r;
}

// As long as height, sink rate and drag allow; slightly negative when the ground has just been passed.
double step_s(double height, double sink, double k, double left) {
  double air = std::min((k < 1e-4 ? 1.2 : 0.4) * 7000 / std::max(std::abs(sink), 1e-3), 5.0);
  air = std::min(air, 0.4 / std::max(k, 1e-9));
  const double vacuum = std::min(std::max((height - 120e3) / std::max(sink, 1.0), air), 40.0);
  const double step = std::min(std::max(height > 120e3 ? vacuum : air, 0.02), left);
  const double to_ground = height / std::max(sink, 1e-3);
  return sink > 0 && to_ground < step ? std::max(to_ground, -step) : step;
}

void fall(eigen_fall &body, double limit_s) {
  const double coefficient = std::exp(std::min(body.log_drag, 0.0));
  Vector6 x;
  x << body.position_m[0], body.position_m[1], body.position_m[2], body.velocity_mps[0], body.velocity_mps[1], body.velocity_mps[2];
  double t = 0;
  for (int steps = 0; steps < 2048 && t < limit_s; steps++) {
    Vector3d up;
    const double height = earth_height(x.head<3>(), up), sink = -up.dot(x.tail<3>());
    if (sink > 0 && std::abs(height) < 0.01) break;
    const double h = step_s(height, sink, drag(height, x.tail<3>().norm(), coefficient), limit_s - t);
    const bool low = height < 130e3;
    const Vector6 k1 = rate(x, coefficient, low), k2 = rate(x + h / 2 * k1, coefficient, low);
    const Vector6 k3 = rate(x + h / 2 * k2, coefficient, low), k4 = rate(x + h * k3, coefficient, low);
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

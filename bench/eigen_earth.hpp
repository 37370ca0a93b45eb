// The earth for the Eigen rival: gravity with J2, height, air; scalar, with libm (docs/maths.md E8 to E13).
#ifndef BENCH_EIGEN_EARTH_HPP
#define BENCH_EIGEN_EARTH_HPP

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace {
using Eigen::Matrix3d;
using Eigen::Vector3d;

constexpr double earth_a = 6378137.0, earth_f = 1.0 / 298.257223563, earth_gm = 3.986004418e14,
                 earth_j2 = 1.08262982e-3, earth_rate = 7.292115e-5;

// Vermeille's problem by Bowring's iteration, twice; height and outward normal.
inline double earth_height(const Vector3d &p, Vector3d &up) {
  const double e2 = earth_f * (2 - earth_f), ep2 = e2 / ((1 - earth_f) * (1 - earth_f)),
               b = earth_a * (1 - earth_f);
  const double w = std::hypot(p.x(), p.y()), r = p.norm();
  double s = p.z() * (1 - earth_f) * (r + ep2 * b), c = w * r, north = 0, out = 0;
  for (int i = 0; i < 2; i++) {
    const double k = 1 / std::sqrt(s * s + c * c);
    s *= k;
    c *= k;
    north = p.z() + ep2 * b * s * s * s;
    out = w - e2 * earth_a * c * c * c;
    s = north * (1 - earth_f);
    c = out;
  }
  const double k = 1 / std::sqrt(north * north + out * out), sine = north * k, cosine = out * k;
  up << p.x() * cosine / w, p.y() * cosine / w, sine;
  return w * cosine + p.z() * sine - earth_a * std::sqrt(1 - e2 * sine * sine);
}

inline Vector3d earth_gravity(const Vector3d &p) {
  const double i2 = 1 / p.squaredNorm(), central = -earth_gm * i2 * std::sqrt(i2),
               k = i2 * 1.5 * earth_j2 * earth_a * earth_a;
  const double level = 1 + k * (1 - 5 * p.z() * p.z() * i2);
  return central * Vector3d(p.x() * level, p.y() * level, p.z() * (level + 2 * k));
}

inline Matrix3d earth_gradient(const Vector3d &p) {
  const double i2 = 1 / p.squaredNorm(), central = -earth_gm * i2 * std::sqrt(i2),
               k = i2 * 1.5 * earth_j2 * earth_a * earth_a;
  const double sine2 = p.z() * p.z() * i2, level = 1 + k * (1 - 5 * sine2),
               across = k * i2 * (20 * sine2 - 2);
  const double cross = central * (across - 3 * level * i2),
               cross_z = central * (across - 10 * k * i2 - 3 * level * i2);
  Matrix3d g;
  g(0, 0) = p.x() * p.x() * cross + central * level;
  g(1, 1) = p.y() * p.y() * cross + central * level;
  g(2, 2) = -(g(0, 0) + g(1, 1));
  g(0, 1) = g(1, 0) = p.x() * p.y() * cross;
  g(0, 2) = g(2, 0) = p.x() * p.z() * cross_z;
  g(1, 2) = g(2, 1) = p.y() * p.z() * cross_z;
  return g;
}

// ln density and its slope: the standard's layers by their own formulae below 86 km, ln density by straight
// lines between its published values above.
inline double air_log(double h, double &slope) {
  static const double base[7] = {0, 11e3, 20e3, 32e3, 47e3, 51e3, 71e3},
                      lapse[7] = {-6.5e-3, 0, 1e-3, 2.8e-3, 0, -2.8e-3, -2e-3};
  static const double kelvin[7] = {288.15, 216.65, 216.65, 228.65, 270.65, 270.65, 214.65};
  static const double log_base[7] = {0.202935,  -1.010830, -2.430021, -4.325599,
                                     -6.551808, -7.056739, -9.653424};
  static const double above[9] = {86e3, 100e3, 120e3, 150e3, 200e3, 300e3, 500e3, 750e3, 1000e3};
  static const double log_above[9] = {-11.8756, -14.3946, -17.6220, -19.9928, -22.0942,
                                      -24.6798, -28.2828, -31.9939, -33.2772};
  constexpr double radius = 6356766.0, gmr = 9.80665 * 28.9644 / 8314.32;
  if (h < 86e3) {
    const double shrink = radius / (radius + h), g = h * shrink;
    int i = 6;
    while (i > 0 && g < base[i]) i--;
    const double ratio = 1 + lapse[i] * (g - base[i]) / kelvin[i],
                 power = lapse[i] != 0 ? -gmr / lapse[i] - 1 : 0;
    slope = (lapse[i] != 0 ? power * lapse[i] / (kelvin[i] * ratio) : -gmr / kelvin[i]) * shrink * shrink;
    return log_base[i] + (lapse[i] != 0 ? power * std::log(ratio) : -gmr * (g - base[i]) / kelvin[i]);
  }
  int i = 0;
  while (i < 7 && h >= above[i + 1]) i++;
  slope = (log_above[i + 1] - log_above[i]) / (above[i + 1] - above[i]);
  return log_above[i] + slope * (h - above[i]);
}
} // namespace
#endif

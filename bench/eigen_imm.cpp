#include "bench/eigen_imm.h"

#include "bench/eigen_earth.hpp"
#include "bench/eigen_variant.hpp"

namespace {
enum Kind { BOOST, COAST, REENTRY };
template <int N> using Vector = Eigen::Matrix<double, N, 1>;
template <int N> using Matrix = Eigen::Matrix<double, N, N>;

template <int N, Kind K> struct Mode {
  Vector<N> x;
  Matrix<N> p;
  double likelihood, distance2;
};
struct Bank {
  Mode<9, BOOST> boost;
  Mode<6, COAST> coast;
  Mode<7, REENTRY> reentry;
  Vector3d weight;
};

inline double drag_of(const Vector3d &p, const Vector3d &v, double log_drag, Vector3d &up, double &slope) {
  const double rho = std::exp(air_log(earth_height(p, up), slope));
  return std::min(1.0, 0.5 * rho * v.norm() * std::exp(std::min(log_drag, 0.0)));
}

template <int N, Kind K> Vector<N> rate(const Vector<N> &x, double decay) {
  const Vector3d p = x.template head<3>(), v = x.template segment<3>(3);
  Vector<N> r = Vector<N>::Zero();
  Vector3d a = earth_gravity(p);
  a.x() += earth_rate * earth_rate * p.x() + 2 * earth_rate * v.y();
  a.y() += earth_rate * earth_rate * p.y() - 2 * earth_rate * v.x();
  if constexpr (K == BOOST) {
    a += x.template tail<3>();
    r.template tail<3>() = -decay * x.template tail<3>();
  }
  if constexpr (K == REENTRY) {
    Vector3d up;
    double slope;
    a -= drag_of(p, v, x(6), up, slope) * v;
  }
  r.template head<3>() = v;
  r.template segment<3>(3) = a;
  return r;
}

template <int N, Kind K> Matrix<N> jacobian(const Vector<N> &x, double decay) {
  const Vector3d p = x.template head<3>(), v = x.template segment<3>(3);
  Matrix<N> a = Matrix<N>::Zero();
  a.template block<3, 3>(0, 3).setIdentity();
  a.template block<3, 3>(3, 0) = earth_gradient(p);
  a(3, 0) += earth_rate * earth_rate;
  a(4, 1) += earth_rate * earth_rate;
  a(3, 4) = 2 * earth_rate;
  a(4, 3) = -2 * earth_rate;
  if constexpr (K == BOOST) {
    a.template block<3, 3>(3, 6).setIdentity();
    a.template block<3, 3>(6, 6) = -decay * Matrix3d::Identity();
  }
  if constexpr (K == REENTRY) {
    Vector3d up;
    double slope;
    const double k = drag_of(p, v, x(6), up, slope);
    a.template block<3, 3>(3, 0) -= k * slope * v * up.transpose();
    a.template block<3, 3>(3, 3) -= k * (Matrix3d::Identity() + v * v.transpose() / v.squaredNorm());
    a.template block<3, 1>(3, 6) = -k * v;
  }
  return a;
}

inline double unrest(double height, const wk_tuning &t) {
  return std::max(t.coast_low_accel_psd * std::exp(std::min(0.0, (t.staging_altitude_m - height) / 8e3)),
                  t.coast_accel_psd);
}

// White acceleration q over h.
template <int N> void noise_add(Matrix<N> &p, double h, double q) {
  p.template block<3, 3>(0, 0).diagonal().array() += q * h * h * h / 3;
  p.template block<3, 3>(0, 3).diagonal().array() += q * h * h / 2;
  p.template block<3, 3>(3, 0).diagonal().array() += q * h * h / 2;
  p.template block<3, 3>(3, 3).diagonal().array() += q * h;
}

// White noise on the rate of the extra states, reaching velocity through d (3 x E).
template <int N>
void noise_extra_add(Matrix<N> &p, double h, double q, double decay,
                     const Eigen::Matrix<double, 3, N - 6> &d) {
  constexpr int E = N - 6;
  const double s = h * decay, h2 = h * h, h3 = h2 * h;
  const double ee = q * h * (1 - s + s * s * 2 / 3), ve = q * h2 / 2 * (1 - s + s * s * 7 / 12),
               pe = q * h3 / 6 * (1 - s + s * s * 11 / 20);
  const double vv = q * h3 / 3 * (1 - s * 3 / 4 + s * s * 7 / 20),
               pv = q * h3 * h / 8 * (1 - s * 2 / 3 + s * s * 5 / 18);
  const double pp = q * h3 * h2 / 20 * (1 - s * 5 / 9 + s * s * 25 / 126);
  const Matrix3d dd = d * d.transpose();
  p.template block<3, 3>(0, 0) += pp * dd;
  p.template block<3, 3>(0, 3) += pv * dd;
  p.template block<3, 3>(3, 0) += pv * dd;
  p.template block<3, 3>(3, 3) += vv * dd;
  p.template block<3, E>(0, 6) += pe * d;
  p.template block<E, 3>(6, 0) += pe * d.transpose();
  p.template block<3, E>(3, 6) += ve * d;
  p.template block<E, 3>(6, 3) += ve * d.transpose();
  p.template block<E, E>(6, 6).diagonal().array() += ee;
}

template <int N, Kind K>
Matrix<N> transition(const Vector<N> &from, const Vector<N> &middle, const Vector<N> &to, double h,
                     double decay, bool airless) {
  const Matrix<N> one = Matrix<N>::Identity(), am = jacobian<N, K>(middle, decay);
  if constexpr (K == REENTRY) {
    if (!airless) {
      const Matrix<N> k1 = jacobian<N, K>(from, decay), k2 = am * (one + h / 2 * k1),
                      k3 = am * (one + h / 2 * k2);
      const Matrix<N> k4 = jacobian<N, K>(to, decay) * (one + h * k3);
      return one + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    }
  }
  const Matrix<N> a2 = am * am;
  return one + h * am + h * h / 2 * a2 + h * h * h / 6 * a2 * am;
}

template <int N, Kind K> void step(Mode<N, K> &m, double h, bool airless, const wk_tuning &t) {
  const double decay = 1 / t.boost_force_tau_s;
  const Vector<N> from = m.x, k1 = rate<N, K>(from, decay), k2 = rate<N, K>(from + h / 2 * k1, decay);
  const Vector<N> k3 = rate<N, K>(from + h / 2 * k2, decay), k4 = rate<N, K>(from + h * k3, decay);
  m.x = from + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
  const Vector<N> middle = (from + m.x) / 2 + h / 8 * (k1 - k4);
  const Matrix<N> f = transition<N, K>(from, middle, m.x, h, decay, airless);
  const Vector3d p = middle.template head<3>(), v = middle.template segment<3>(3);
  Vector3d up;
  double slope;
  if constexpr (K == BOOST) {
    m.p = f * m.p * f.transpose();
    noise_extra_add<N>(m.p, h, t.boost_jerk_psd, decay, Matrix3d::Identity());
  } else if constexpr (K == COAST) {
    m.p = f * m.p * f.transpose();
    const double height = earth_height(p, up),
                 drag = t.coast_drag_fraction * std::exp(air_log(height, slope)) * v.squaredNorm() / 1e4;
    noise_add<N>(m.p, h, unrest(height, t) + drag * drag);
  } else {
    const double lift = t.reentry_lift_fraction * drag_of(p, v, middle(6), up, slope) * v.norm();
    const double q = unrest(earth_height(p, up), t) + lift * lift;
    noise_add<N>(m.p, -h, -q / 2);
    m.p = f * m.p * f.transpose();
    noise_add<N>(m.p, h, q / 2);
    const Vector3d d = -drag_of(p, v, middle(6), up, slope) * v;
    noise_extra_add<N>(m.p, h, t.reentry_drag_psd * std::max(0.0, 1 - m.p(6, 6) / 2.25), 0, d);
  }
}

template <int N, Kind K> void predict(Mode<N, K> &m, double dt, const wk_tuning &t) {
  double longest = 1;
  bool airless = false;
  if constexpr (K != BOOST) {
    Vector3d up;
    double slope;
    const Vector3d p = m.x.template head<3>(), v = m.x.template segment<3>(3);
    const double height = earth_height(p, up);
    airless = std::min(height, height + up.dot(v) * dt - 5 * dt * dt) > 120e3;
    if (airless) {
      longest = 5;
    } else if constexpr (K == REENTRY) {
      longest = std::max(0.1, std::min(1.0, 0.1 / std::max(1e-9, drag_of(p, v, m.x(6), up, slope))));
    }
  }
  const int steps = std::max(1, std::min(600, static_cast<int>(std::ceil(dt / longest))));
  for (int i = 0; i < steps; i++) step<N, K>(m, dt / steps, airless, t);
}

// A source mode as the destination of N states sees it.
template <int N, int M, Kind K> void see(const Mode<M, K> &from, bool same, Vector<N> &x, Matrix<N> &p) {
  x.setZero();
  p.setZero();
  constexpr int C = N == M ? N : 6;
  x.template head<C>() = from.x.template head<C>();
  p.template topLeftCorner<C, C>() = from.p.template topLeftCorner<C, C>();
  if (same) return;
  if constexpr (N == 9) p.template bottomRightCorner<3, 3>() = 625 * Matrix3d::Identity();
  if constexpr (N == 7) {
    x(6) = -8;
    p(6, 6) = 1;
  }
}

template <int N, Kind K> void mix(const Bank &b, const Vector3d &share, Mode<N, K> &to) {
  Vector<N> x[3];
  Matrix<N> p[3];
  see<N>(b.boost, K == BOOST, x[0], p[0]);
  see<N>(b.coast, K == COAST, x[1], p[1]);
  see<N>(b.reentry, K == REENTRY, x[2], p[2]);
  to.x = share(0) * x[0] + share(1) * x[1] + share(2) * x[2];
  to.p.setZero();
  for (int i = 0; i < 3; i++) to.p += share(i) * (p[i] + (x[i] - to.x) * (x[i] - to.x).transpose());
}

inline void weights_floor(Vector3d &w) {
  w /= w.sum();
  w = w.cwiseMax(1.00000001e-9);
  w /= w.sum();
}

void bank_mix(Bank &b, double dt, const wk_tuning &t) {
  Vector3d up;
  const double height = earth_height(b.coast.x.head<3>(), up), climb = up.dot(b.coast.x.segment<3>(3));
  const bool falls = climb < 0 && height < t.reentry_altitude_m;
  const double stray = t.stray_rate / (t.stray_rate + t.settle_rate), down = falls ? 1 - stray : stray;
  const double low = std::exp(std::min(0.0, (t.staging_altitude_m - height) / 8e3));
  const double begin = climb < 0 ? (falls ? t.boost_begin_fall_rate : t.boost_begin_space_rate)
                                 : std::max(t.boost_begin_rate * low, t.boost_begin_space_rate);
  Matrix3d rates = Matrix3d::Zero(), pi;
  rates(0, 1) = t.boost_end_rate * (1 - down);
  rates(0, 2) = t.boost_end_rate * down;
  rates(1, 0) = rates(2, 0) = begin;
  rates(1, 2) = falls ? t.settle_rate : t.stray_rate;
  rates(2, 1) = falls ? t.stray_rate : t.settle_rate;
  for (int i = 0; i < 3; i++) {
    const double total = rates.row(i).sum(), stay = std::exp(-total * dt);
    pi.row(i) = rates.row(i) / total * (1 - stay);
    pi(i, i) = stay;
  }
  const Vector3d predicted = pi.transpose() * b.weight;
  const Bank was = b;
  for (int to = 0; to < 3; to++) {
    const Vector3d share = pi.col(to).cwiseProduct(was.weight) / predicted(to);
    if (to == 0) mix(was, share, b.boost);
    if (to == 1) mix(was, share, b.coast);
    if (to == 2) mix(was, share, b.reentry);
  }
  b.weight = predicted;
  weights_floor(b.weight);
}

/* A measurement before it is taken: innovation, Jacobian, P H' and the inverse of S. */
template <int N> struct Look {
  Eigen::Vector4d y;
  Eigen::Matrix<double, 4, N> h = Eigen::Matrix<double, 4, N>::Zero();
  Eigen::Matrix<double, N, 4> ph;
  Eigen::Matrix4d s, inverse;
};

template <int N, Kind K> void look(const Mode<N, K> &m, const eigen_radar &radar, Look<N> &l) {
  const Matrix3d enu = Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(radar.enu);
  const Vector3d d = m.x.template head<3>() - Eigen::Map<const Vector3d>(radar.site_m), local = enu * d;
  const Vector3d v = m.x.template segment<3>(3) - Eigen::Map<const Vector3d>(radar.site_velocity_mps);
  const double range = d.norm(), ground2 = local.head<2>().squaredNorm(), ground = std::sqrt(ground2),
               speed = d.dot(v) / range;
  const Eigen::Vector4d expected(range, std::atan2(local.x(), local.y()), std::atan2(local.z(), ground), speed);
  l.y = Eigen::Map<const Eigen::Vector4d>(radar.z) - expected;
  l.y(1) = std::remainder(l.y(1), 2 * M_PI);
  const Vector3d e = enu.row(0), n = enu.row(1), u = enu.row(2);
  l.h.template block<1, 3>(0, 0) = d.transpose() / range;
  l.h.template block<1, 3>(1, 0) = (local.y() * e - local.x() * n).transpose() / ground2;
  l.h.template block<1, 3>(2, 0) =
      (ground * u - local.z() / ground * (local.x() * e + local.y() * n)).transpose() / (range * range);
  l.h.template block<1, 3>(3, 0) = (v - speed / range * d).transpose() / range;
  l.h.template block<1, 3>(3, 3) = d.transpose() / range;
  l.ph = m.p * l.h.transpose();
  l.s = l.h * l.ph;
  l.s.diagonal() += Eigen::Map<const Eigen::Vector4d>(radar.variance);
  l.inverse = l.s.inverse();
}

template <int N, Kind K> void update(Mode<N, K> &m, const eigen_radar &radar, double gate = 1e300) {
  Look<N> l;
  look(m, radar, l);
  const Eigen::Matrix<double, N, 4> k = l.ph * l.inverse;
  m.distance2 = l.y.dot(l.inverse * l.y);
  m.likelihood = -0.5 * (4 * std::log(2 * M_PI) + std::log(l.s.determinant()) + m.distance2);
  if (!(m.distance2 < gate)) return;
  m.x += k * l.y;
  m.p = (Matrix<N>::Identity() - k * l.h) * m.p;
}

template <int N, Kind K> const double *load(Mode<N, K> &m, const double *from) {
  for (int i = 0; i < N; i++) m.x(i) = *from++;
  for (int i = 0; i < N; i++) {
    for (int j = i; j < N; j++) m.p(i, j) = m.p(j, i) = *from++;
  }
  return from;
}
template <int N, Kind K> double *store(const Mode<N, K> &m, double *to) {
  for (int i = 0; i < N; i++) *to++ = m.x(i);
  for (int i = 0; i < N; i++) {
    for (int j = i; j < N; j++) *to++ = m.p(i, j);
  }
  return to;
}
} // namespace

void NAMED(eigen_imm)(double (*record)[WK_BALLISTIC_ELEMENTS], const eigen_radar *radar, int count,
                      double dt_s, const wk_tuning *tuning) {
  for (int i = 0; i < count; i++) {
    Bank b;
    b.weight = Eigen::Map<const Vector3d>(load(b.reentry, load(b.coast, load(b.boost, record[i]))));
    bank_mix(b, dt_s, *tuning);
    predict(b.boost, dt_s, *tuning);
    predict(b.coast, dt_s, *tuning);
    predict(b.reentry, dt_s, *tuning);
    update(b.boost, radar[i]);
    update(b.coast, radar[i]);
    update(b.reentry, radar[i]);
    const double best = std::max({b.boost.likelihood, b.coast.likelihood, b.reentry.likelihood});
    b.weight(0) *= std::exp(b.boost.likelihood - best);
    b.weight(1) *= std::exp(b.coast.likelihood - best);
    b.weight(2) *= std::exp(b.reentry.likelihood - best);
    weights_floor(b.weight);
    Eigen::Map<Vector3d>(store(b.reentry, store(b.coast, store(b.boost, record[i])))) = b.weight;
  }
}

void NAMED(eigen_ekf)(eigen_coast *track, const eigen_radar *radar, int count, double dt_s, double gate,
                      const wk_tuning *tuning) {
  for (int i = 0; i < count; i++) {
    Mode<6, COAST> m;
    load(m, track[i].x);
    predict(m, dt_s, *tuning);
    update(m, radar[i], gate);
    store(m, track[i].x);
  }
}

void NAMED(eigen_innovation)(const eigen_coast *track, const eigen_radar *radar, int count, double *distance2) {
  for (int i = 0; i < count; i++) {
    Mode<6, COAST> m;
    Look<6> l;
    load(m, track[i].x);
    look(m, radar[i], l);
    distance2[i] = l.y.dot(l.inverse * l.y);
  }
}

#include "tools/score/score_earth.h"

#include <math.h>

#ifndef M_PI
#define M_PI 3.14159265358979323846
#endif

static const double axis_m = 6378137.0, flattening = 1 / 298.257223563;
static const double mu_m3s2 = 3.986004418e14, spin_radps = 7.292115e-5, j2 = 1.08262982e-3;

static double radians(double deg) {
  return deg * M_PI / 180;
}
static double degrees(double rad) {
  return rad * 180 / M_PI;
}

void earth_position(struct place place, double position_m[3]) {
  double lat = radians(place.lat_deg), lon = radians(place.lon_deg);
  double e2 = flattening * (2 - flattening);
  double n = axis_m / sqrt(1 - e2 * sin(lat) * sin(lat));
  position_m[0] = (n + place.height_m) * cos(lat) * cos(lon);
  position_m[1] = (n + place.height_m) * cos(lat) * sin(lon);
  position_m[2] = (n * (1 - e2) + place.height_m) * sin(lat);
}

struct place earth_place(const double position_m[3]) {
  enum { ROUNDS = 6 };
  double e2 = flattening * (2 - flattening);
  double p = hypot(position_m[0], position_m[1]), z = position_m[2];
  double lat = atan2(z, p * (1 - e2)), n;
  for (int i = 0; i < ROUNDS; i++) {
    n = axis_m / sqrt(1 - e2 * sin(lat) * sin(lat));
    lat = atan2(z + e2 * n * sin(lat), p);
  }
  n = axis_m / sqrt(1 - e2 * sin(lat) * sin(lat));
  double height = p * cos(lat) + z * sin(lat) - axis_m * axis_m / n;
  return (struct place){degrees(lat), degrees(atan2(position_m[1], position_m[0])), height};
}

void earth_offset(struct place here, struct place other, double *east_m, double *north_m) {
  double lat1 = radians(here.lat_deg), lat2 = radians(other.lat_deg);
  double lon = radians(other.lon_deg - here.lon_deg);
  double e2 = flattening * (2 - flattening), s = sin((lat1 + lat2) / 2);
  double n = axis_m / sqrt(1 - e2 * s * s), m = n * (1 - e2) / (1 - e2 * s * s);
  double y = sin(lon) * cos(lat2);
  double x = cos(lat1) * sin(lat2) - sin(lat1) * cos(lat2) * cos(lon);
  double c = sin(lat1) * sin(lat2) + cos(lat1) * cos(lat2) * cos(lon);
  double far = hypot(x, y), arc = atan2(far, c), scale = far > 0 ? arc / far : 1;
  *east_m = n * y * scale;
  *north_m = m * x * scale;
}

/* Gravity to J2, Coriolis and centrifugal acceleration at an ECEF state. */
static void fall_acceleration(const double r[3], const double v[3], double a[3]) {
  double r2 = r[0] * r[0] + r[1] * r[1] + r[2] * r[2], distance = sqrt(r2);
  double base = -mu_m3s2 / (r2 * distance);
  double bulge = 1.5 * j2 * axis_m * axis_m / r2, z2 = 5 * r[2] * r[2] / r2;
  a[0] = base * r[0] * (1 + bulge * (1 - z2)) + 2 * spin_radps * v[1] + spin_radps * spin_radps * r[0];
  a[1] = base * r[1] * (1 + bulge * (1 - z2)) - 2 * spin_radps * v[0] + spin_radps * spin_radps * r[1];
  a[2] = base * r[2] * (1 + bulge * (3 - z2));
}

void earth_fall(double position_m[3], double velocity_mps[3], double dt_s) {
  enum { STEPS_MAX = 10000 };
  const double step_max_s = 2;
  int steps = (int)fmin(STEPS_MAX, fmax(1, ceil(fabs(dt_s) / step_max_s)));
  double h = dt_s / steps;
  for (int step = 0; step < steps; step++) {
    double kr[4][3], kv[4][3];
    for (int stage = 0; stage < 4; stage++) {
      double part = stage == 0 ? 0 : stage == 3 ? h : h / 2, r[3], v[3];
      for (int i = 0; i < 3; i++) {
        r[i] = position_m[i] + (stage ? part * kr[stage - 1][i] : 0);
        v[i] = velocity_mps[i] + (stage ? part * kv[stage - 1][i] : 0);
        kr[stage][i] = v[i];
      }
      fall_acceleration(r, v, kv[stage]);
    }
    for (int i = 0; i < 3; i++) {
      position_m[i] += h / 6 * (kr[0][i] + 2 * kr[1][i] + 2 * kr[2][i] + kr[3][i]);
      velocity_mps[i] += h / 6 * (kv[0][i] + 2 * kv[1][i] + 2 * kv[2][i] + kv[3][i]);
    }
  }
}

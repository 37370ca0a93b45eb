#include "tools/salvo/salvo_earth.h"

#include <math.h>

enum { LATITUDE_ITERATIONS_MAX = 12 };
static const double ECC2 = EARTH_F * (2 - EARTH_F);

double vec_dot(const double a[3], const double b[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
double vec_norm(const double a[3]) {
  return sqrt(vec_dot(a, a));
}

struct earth_geodetic earth_geodetic(const double ecef_m[3]) {
  double p = hypot(ecef_m[0], ecef_m[1]), z = ecef_m[2];
  struct earth_geodetic at = {0, atan2(ecef_m[1], ecef_m[0]), 0};
  at.lat_rad = atan2(z, p * (1 - ECC2));
  for (int i = 0; i < LATITUDE_ITERATIONS_MAX; i++) {
    double s = sin(at.lat_rad), n = EARTH_A_M / sqrt(1 - ECC2 * s * s);
    double next = atan2(z + ECC2 * n * s, p);
    bool settled = fabs(next - at.lat_rad) < 1e-15;
    at.lat_rad = next;
    if (settled) break;
  }
  double s = sin(at.lat_rad), c = cos(at.lat_rad), n = EARTH_A_M / sqrt(1 - ECC2 * s * s);
  /* Projecting on the vertical is as good at the poles as at the equator. */
  at.height_m = p * c + z * s - n * (1 - ECC2 * s * s);
  return at;
}

void earth_ecef(struct earth_geodetic at, double ecef_m[3]) {
  double s = sin(at.lat_rad), c = cos(at.lat_rad), n = EARTH_A_M / sqrt(1 - ECC2 * s * s);
  ecef_m[0] = (n + at.height_m) * c * cos(at.lon_rad);
  ecef_m[1] = (n + at.height_m) * c * sin(at.lon_rad);
  ecef_m[2] = (n * (1 - ECC2) + at.height_m) * s;
}

void earth_ecef_deg(double lat_deg, double lon_deg, double height_m, double ecef_m[3]) {
  earth_ecef((struct earth_geodetic){lat_deg * SALVO_DEG, lon_deg * SALVO_DEG, height_m}, ecef_m);
}

void earth_enu(double lat_rad, double lon_rad, double enu[3][3]) {
  double sp = sin(lat_rad), cp = cos(lat_rad), sl = sin(lon_rad), cl = cos(lon_rad);
  double rows[3][3] = {{-sl, cl, 0}, {-sp * cl, -sp * sl, cp}, {cp * cl, cp * sl, sp}};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) enu[i][j] = rows[i][j];
}

void earth_free_fall(const double r[3], const double v[3], double a[3]) {
  double r2 = vec_dot(r, r), rn = sqrt(r2), central = -EARTH_GM / (r2 * rn);
  double k = 1.5 * EARTH_J2 * EARTH_A_M * EARTH_A_M / r2, q = 5 * r[2] * r[2] / r2;
  const double w = EARTH_RATE;
  a[0] = central * r[0] * (1 + k * (1 - q)) + w * w * r[0] + 2 * w * v[1];
  a[1] = central * r[1] * (1 + k * (1 - q)) + w * w * r[1] - 2 * w * v[0];
  a[2] = central * r[2] * (1 + k * (3 - q));
}

bool earth_blocks(const double from_m[3], const double to_m[3]) {
  /* Scaled so that the ellipsoid becomes the unit sphere: straight lines stay straight. */
  const double b = EARTH_A_M * (1 - EARTH_F);
  double p[3] = {from_m[0] / EARTH_A_M, from_m[1] / EARTH_A_M, from_m[2] / b};
  const double q[3] = {to_m[0] / EARTH_A_M, to_m[1] / EARTH_A_M, to_m[2] / b};
  double d[3] = {q[0] - p[0], q[1] - p[1], q[2] - p[2]}, dd = vec_dot(d, d);
  if (dd == 0) return false;
  double s = -vec_dot(p, d) / dd;
  if (s <= 0 || s >= 1) return false;
  double c[3] = {p[0] + s * d[0], p[1] + s * d[1], p[2] + s * d[2]};
  return vec_dot(c, c) < 1;
}

void earth_chord(struct earth_geodetic from, const double to_m[3], double *azimuth_rad, double *length_m) {
  double start[3], enu[3][3];
  earth_ecef(from, start);
  earth_enu(from.lat_rad, from.lon_rad, enu);
  double d[3] = {to_m[0] - start[0], to_m[1] - start[1], to_m[2] - start[2]};
  double azimuth = atan2(vec_dot(enu[0], d), vec_dot(enu[1], d));
  *azimuth_rad = azimuth < 0 ? azimuth + 2 * SALVO_PI : azimuth;
  *length_m = vec_norm(d);
}

/* Textbook forms; see the header. */
#include "kernels/ref/ref_earth.h"

#include <math.h>

static const long double earth_a = 6378137.0L, earth_f = 1.0L / 298.257223563L, earth_gm = 3.986004418e14L,
                         earth_j2 = 1.08262982e-3L;

/* Heiskanen and Moritz 1967, eq. 5-6: tan(lat) = (z + e2 N sin(lat)) / p, repeated until it stands still. It
 * gains a factor of about e2 a / |p| a step. */
void ref_geodetic(const double ecef_m[3], double *lat_rad, double *lon_rad, double *height_m) {
  enum { STEPS_MAX = 60 };
  const long double e2 = earth_f * (2 - earth_f);
  long double z = ecef_m[2], p = hypotl(ecef_m[0], ecef_m[1]);
  long double lat = atan2l(z, p), n;
  for (int i = 0; i < STEPS_MAX; i++) {
    n = earth_a / sqrtl(1 - e2 * sinl(lat) * sinl(lat));
    long double next = atan2l(z + e2 * n * sinl(lat), p);
    if (fabsl(next - lat) < 1e-19L) break;
    lat = next;
  }
  n = earth_a / sqrtl(1 - e2 * sinl(lat) * sinl(lat));
  *lat_rad = (double)lat;
  *lon_rad = p > 0 ? (double)atan2l(ecef_m[1], ecef_m[0]) : 0.0;
  /* Whichever of the two forms does not divide by a small number. */
  long double h = fabsl(sinl(lat)) > 0.5L ? z / sinl(lat) - n * (1 - e2) : p / cosl(lat) - n;
  *height_m = (double)h;
}

void ref_ecef(double lat_rad, double lon_rad, double height_m, double ecef_m[3]) {
  const long double e2 = earth_f * (2 - earth_f);
  long double s = sinl(lat_rad), c = cosl(lat_rad), n = earth_a / sqrtl(1 - e2 * s * s);
  ecef_m[0] = (double)((n + height_m) * c * cosl(lon_rad));
  ecef_m[1] = (double)((n + height_m) * c * sinl(lon_rad));
  ecef_m[2] = (double)((n * (1 - e2) + height_m) * s);
}

/* U = GM/r (1 - J2 (a/r)^2 P2(sin lat')), lat' geocentric. */
long double ref_potential(const long double ecef_m[3]) {
  long double r = sqrtl(ecef_m[0] * ecef_m[0] + ecef_m[1] * ecef_m[1] + ecef_m[2] * ecef_m[2]);
  long double s = ecef_m[2] / r, ratio = earth_a / r;
  return earth_gm / r * (1 - earth_j2 * ratio * ratio * (3 * s * s - 1) / 2);
}

void ref_gravity(const double ecef_m[3], double gravity_mps2[3]) {
  long double x = ecef_m[0], y = ecef_m[1], z = ecef_m[2];
  long double r = sqrtl(x * x + y * y + z * z), lat = atan2l(z, hypotl(x, y)), lon = atan2l(y, x);
  long double s = sinl(lat), c = cosl(lat), ratio = earth_a / r;
  long double outward = -earth_gm / (r * r) * (1 - 3 * earth_j2 * ratio * ratio * (3 * s * s - 1) / 2);
  long double northward = -earth_gm / (r * r) * earth_j2 * ratio * ratio * 3 * s * c;
  long double level = outward * c - northward * s;
  gravity_mps2[0] = (double)(level * cosl(lon));
  gravity_mps2[1] = (double)(level * sinl(lon));
  gravity_mps2[2] = (double)(outward * s + northward * c);
}

/* Layers by geopotential height; pressure carried up from 101325 Pa layer by layer. */
void ref_air(double height_m, double *temperature_k, double *pressure_pa, double *density_kgpm3) {
  enum { LAYERS = 7 };
  static const long double base_m[LAYERS] = {0, 11e3L, 20e3L, 32e3L, 47e3L, 51e3L, 71e3L};
  static const long double lapse[LAYERS] = {-6.5e-3L, 0, 1e-3L, 2.8e-3L, 0, -2.8e-3L, -2e-3L};
  const long double gm_over_r = 9.80665L * 28.9644L / 8314.32L;
  long double h = 6356766.0L * height_m / (6356766.0L + height_m);
  long double t = 288.15L, p = 101325;
  for (int i = 0; i < LAYERS; i++) {
    int last = i + 1 == LAYERS || h < base_m[i + 1];
    long double rise = (last ? h : base_m[i + 1]) - base_m[i];
    long double above = t + lapse[i] * rise;
    p *= lapse[i] != 0 ? powl(t / above, gm_over_r / lapse[i]) : expl(-gm_over_r * rise / t);
    t = above;
    if (last) break;
  }
  if (temperature_k) *temperature_k = (double)t;
  if (pressure_pa) *pressure_pa = (double)p;
  if (density_kgpm3) *density_kgpm3 = (double)(p * 28.9644L / (8314.32L * t));
}

/* US Standard Atmosphere 1976, NOAA-S/T 76-1562, table IV. */
const struct ref_air_row ref_air_published[REF_AIR_ROWS] = {
    {86e3, 6.958e-6},   {90e3, 3.416e-6},   {92e3, 2.393e-6},   {95e3, 1.393e-6},   {100e3, 5.604e-7},
    {105e3, 2.325e-7},  {110e3, 9.708e-8},  {115e3, 4.289e-8},  {120e3, 2.222e-8},  {125e3, 1.291e-8},
    {130e3, 8.152e-9},  {140e3, 3.831e-9},  {150e3, 2.076e-9},  {160e3, 1.233e-9},  {170e3, 7.815e-10},
    {180e3, 5.194e-10}, {190e3, 3.581e-10}, {200e3, 2.541e-10}, {210e3, 1.846e-10}, {220e3, 1.367e-10},
    {230e3, 1.029e-10}, {240e3, 7.858e-11}, {250e3, 6.073e-11}, {260e3, 4.742e-11}, {280e3, 2.971e-11},
    {300e3, 1.916e-11}, {320e3, 1.264e-11}, {340e3, 8.503e-12}, {350e3, 7.014e-12}, {360e3, 5.805e-12},
    {380e3, 4.013e-12}, {400e3, 2.803e-12}, {450e3, 1.184e-12}, {500e3, 5.215e-13}, {550e3, 2.384e-13},
    {600e3, 1.137e-13}, {650e3, 5.712e-14}, {700e3, 3.070e-14}, {750e3, 1.788e-14}, {800e3, 1.136e-14},
    {850e3, 7.824e-15}, {900e3, 5.759e-15}, {950e3, 4.453e-15}, {1000e3, 3.561e-15}};

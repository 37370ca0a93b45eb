#include "tools/salvo/atmosphere.h"

#include <math.h>

static const double G0 = 9.80665, GAS = 8314.32, MOLAR_MASS = 28.9644, RADIUS_M = 6356766.0;

enum { LAYERS = 7 };
static const double LAYER_BASE_M[LAYERS + 1] = {0, 11000, 20000, 32000, 47000, 51000, 71000, 84852};
static const double LAYER_LAPSE[LAYERS] = {-0.0065, 0, 0.001, 0.0028, 0, -0.0028, -0.002}; /* K/m */

/* Above 86 km the standard integrates the number density of each gas; these are the sums that it tabulates. */
enum { UPPER = 22 };
static const double UPPER_KM[UPPER] = {86,  90,  100, 110, 120, 130, 140, 150, 160, 180, 200,
                                       250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1000};
static const double UPPER_DENSITY[UPPER] = {6.958e-6,  3.416e-6,  5.604e-7,  9.708e-8,  2.222e-8,  8.152e-9,
                                            3.831e-9,  2.076e-9,  1.233e-9,  5.194e-10, 2.541e-10, 6.073e-11,
                                            1.916e-11, 7.014e-12, 2.803e-12, 1.184e-12, 5.215e-13, 1.137e-13,
                                            3.070e-14, 1.136e-14, 5.759e-15, 3.561e-15};

static struct atmosphere lower(double geopotential_m) {
  double temperature = 288.15, pressure = 101325;
  for (int i = 0; i < LAYERS; i++) {
    double top = i == LAYERS - 1 ? 1e9 : LAYER_BASE_M[i + 1];
    double thickness = fmin(geopotential_m, top) - LAYER_BASE_M[i], lapse = LAYER_LAPSE[i];
    double next = temperature + lapse * thickness;
    if (lapse == 0)
      pressure *= exp(-G0 * MOLAR_MASS * thickness / (GAS * temperature));
    else
      pressure *= pow(temperature / next, G0 * MOLAR_MASS / (GAS * lapse));
    temperature = next;
    if (geopotential_m <= top) break;
  }
  double specific = GAS / MOLAR_MASS;
  return (struct atmosphere){pressure / (specific * temperature), sqrt(1.4 * specific * temperature)};
}

struct atmosphere atmosphere_at(double height_m) {
  if (height_m < 86000) return lower(RADIUS_M * height_m / (RADIUS_M + height_m));
  struct atmosphere at = {0, 274.096}; /* sqrt(1.4 R 186.946 K): the molecular-scale temperature at 86 km */
  double km = height_m / 1000;
  if (km >= UPPER_KM[UPPER - 1]) return at;
  int i = 0;
  while (i < UPPER - 2 && km >= UPPER_KM[i + 1]) i++;
  double s = (km - UPPER_KM[i]) / (UPPER_KM[i + 1] - UPPER_KM[i]);
  at.density_kgpm3 = exp((1 - s) * log(UPPER_DENSITY[i]) + s * log(UPPER_DENSITY[i + 1]));
  return at;
}

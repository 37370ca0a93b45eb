#include "engine/domain/orbit.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const double mu = 3.986004418e14, earth_rate = 7.292115e-5, equator_m = 6378137;
static const double deep_m = -2000e3, margin_max = 100;
enum { N = 6 };

static double dot(const double *a, const double *b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/* Of the osculating conic: p / (1 + e), p = h^2 / mu, e^2 = 1 + 2 E p / mu. Smooth through the parabola. */
static double perigee_at(const double x[N], double *e2_out) {
  const double *p = x, *v = x + 3;
  double inertial[3] = {v[0] - earth_rate * p[1], v[1] + earth_rate * p[0], v[2]};
  double r = sqrt(dot(p, p)), speed2 = dot(inertial, inertial), radial = dot(p, inertial);
  double energy = 0.5 * speed2 - mu / r, parameter = fmax(r * r * speed2 - radial * radial, 0) / mu;
  double e2 = 1 + 2 * energy * parameter / mu;
  *e2_out = e2;
  return parameter / (1 + sqrt(fmax(e2, 0))) - equator_m;
}

/* Lower triangle l, l l' = p; what is not positive counts as nothing. */
static void root_of(const double p[21], double l[N][N]) {
  memset(l, 0, N * sizeof *l);
  for (int j = 0, at = 0; j < N; j++) {
    for (int i = j; i < N; i++, at++) {
      double rest = p[at];
      for (int k = 0; k < j; k++) rest -= l[i][k] * l[j][k];
      if (i == j) {
        l[j][j] = rest > 0 ? sqrt(rest) : 0;
      } else {
        l[i][j] = l[j][j] > 0 ? rest / l[j][j] : 0;
      }
    }
  }
}

/* No perigee is higher than p less the equator's radius, and what comes down from anywhere near has a p far below that: seen without a
 * root. False where it is no number. */
static bool perhaps_high(const double x[N]) {
  const double *p = x, *v = x + 3;
  double inertial[3] = {v[0] - earth_rate * p[1], v[1] + earth_rate * p[0], v[2]}, radial = dot(p, inertial);
  return dot(p, p) * dot(inertial, inertial) - radial * radial > mu * (equator_m + deep_m);
}

struct perigee perigee_of(const double state[6], const double covariance[21]) {
  const struct perigee deep = {.height_m = deep_m};
  if (!perhaps_high(state)) return deep;
  double e2;
  struct perigee out = {.height_m = perigee_at(state, &e2)};
  if (!(out.height_m > deep_m && e2 < 1)) return deep;
  double l[N][N], height[2 * N], sum = 0, square = 0;
  const double reach = sqrt((double)N);
  root_of(covariance, l);
  for (int k = 0; k < 2 * N; k++) {
    double x[N];
    for (int i = 0; i < N; i++) x[i] = state[i] + (k % 2 ? -reach : reach) * l[i][k / 2];
    height[k] = perigee_at(x, &e2);
    sum += height[k];
  }
  out.height_m = sum / (2 * N);
  for (int k = 0; k < 2 * N; k++) square += (height[k] - out.height_m) * (height[k] - out.height_m);
  out.sigma_m = sqrt(square / (2 * N));
  return out;
}

double perigee_margin(const struct perigee *perigee) {
  double above = perigee->height_m - ORBIT_PERIGEE_LEAST_M;
  return fmax(fmin(above / fmax(perigee->sigma_m, 1), margin_max), -margin_max);
}

#include "kernels/ref/ref_models.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;
static const double earth_a_m = 6378137.0, earth_f = 1.0 / 298.257223563;
static const double earth_gm = 3.986004418e14, earth_j2 = 1.08262982e-3, earth_rate = 7.292115e-5;

int ref_mode_n(enum wk_mode mode) {
  switch (mode) {
  case WK_BOOST: return 9;
  case WK_REENTRY:
  case WK_CT: return 7;
  default: return 6;
  }
}

double ref_height(const double p[3], double up[3]) {
  const long double e2 = (long double)earth_f * (2.0L - (long double)earth_f);
  const long double w = hypotl(p[0], p[1]);
  long double lat = atan2l(p[2], w * (1.0L - e2)), height = 0.0L;
  for (int i = 0; i < 50; i++) {
    const long double s = sinl(lat), normal = earth_a_m / sqrtl(1.0L - e2 * s * s);
    const long double before = lat;
    height = w * cosl(lat) + p[2] * s - normal * (1.0L - e2 * s * s);
    lat = atan2l(p[2] + e2 * normal * s, w);
    if (lat == before) break; /* every round takes the error to a 150th */
  }
  const long double lon = atan2l(p[1], p[0]);
  up[0] = (double)(cosl(lat) * cosl(lon));
  up[1] = (double)(cosl(lat) * sinl(lon));
  up[2] = (double)sinl(lat);
  return (double)height;
}

/* Gradient of GM/r - GM J2 a^2 P2(z/r) / r^3 by the chain rule over r and z. */
static void potential_gradient(const double *p, double *g) {
  const double r = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]), z = p[2];
  const double j = earth_gm * earth_j2 * earth_a_m * earth_a_m;
  /* Potential: GM/r - j (3 z^2 / r^5 - 1 / r^3) / 2. */
  const double by_r = -earth_gm / (r * r) - j * (-15.0 * z * z / pow(r, 6.0) + 3.0 / pow(r, 4.0)) / 2.0;
  const double by_z = -j * 6.0 * z / pow(r, 5.0) / 2.0;
  for (int c = 0; c < 3; c++) g[c] = by_r * p[c] / r;
  g[2] += by_z;
}

static double dot(const double *a, const double *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
static void cross(const double *a, const double *b, double *c) {
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

static void rate_earth(const double *x, double *accel) {
  const double spin[3] = {0.0, 0.0, earth_rate};
  double swirl[3], inward[3], coriolis[3];
  potential_gradient(x, accel);
  cross(spin, x, swirl);
  cross(spin, swirl, inward);
  cross(spin, x + 3, coriolis);
  for (int c = 0; c < 3; c++) accel[c] -= inward[c] + 2.0 * coriolis[c];
}

/* The velocity turns as the local frame does: with up, which the flight itself tilts, and with the turn about up. */
static void rate_level(const double *x, double turn, double *accel) {
  double up[3], tilt[3], spin[3];
  const double r = sqrt(dot(x, x));
  ref_height(x, up);
  cross(up, x + 3, tilt);
  for (int c = 0; c < 3; c++) spin[c] = tilt[c] / r + turn * up[c];
  cross(spin, x + 3, accel);
}

void ref_rate(enum wk_mode mode, const double *x, const struct wk_tuning *tuning, ref_density density, double *rate) {
  memset(rate, 0, REF_N_MAX * sizeof *rate);
  memcpy(rate, x + 3, 3 * sizeof *rate);
  if (mode == WK_CV || mode == WK_CT) {
    rate_level(x, mode == WK_CT ? fmax(-0.5, fmin(0.5, x[6])) : 0.0, rate + 3);
    return;
  }
  rate_earth(x, rate + 3);
  if (mode == WK_BOOST) {
    for (int c = 0; c < 3; c++) {
      rate[3 + c] += x[6 + c];
      rate[6 + c] = -x[6 + c] / tuning->boost_force_tau_s;
    }
  }
  if (mode == WK_REENTRY) {
    double up[3];
    const double rho = density(ref_height(x, up)), speed = sqrt(dot(x + 3, x + 3));
    const double slowing = fmin(1.0, 0.5 * rho * speed * exp(fmin(0.0, x[6])));
    for (int c = 0; c < 3; c++) rate[3 + c] -= slowing * x[3 + c];
  }
}

double ref_low(double height_m, const struct wk_tuning *tuning) {
  return exp(fmin(0.0, -(height_m - tuning->staging_altitude_m) / 8e3));
}

void ref_noise(enum wk_mode mode, const struct ref_gauss *s, const struct wk_tuning *tuning, ref_density density,
               double q[REF_N_MAX][REF_N_MAX]) {
  double up[3];
  const double height = ref_height(s->x, up);
  const double unrest = fmax(tuning->coast_accel_psd, tuning->coast_low_accel_psd * ref_low(height, tuning));
  memset(q, 0, sizeof(double[REF_N_MAX][REF_N_MAX]));
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      double *accel = &q[3 + i][3 + j];
      const double same = i == j;
      if (mode == WK_COAST) {
        const double drag = tuning->coast_drag_fraction * density(height) * dot(s->x + 3, s->x + 3) / (2.0 * 5000.0);
        *accel = same * (unrest + drag * drag * 1.0);
      } else if (mode == WK_REENTRY) {
        const double speed = sqrt(dot(s->x + 3, s->x + 3));
        const double drag = fmin(1.0, 0.5 * density(height) * speed * exp(fmin(0.0, s->x[6]))) * speed;
        const double lift = tuning->reentry_lift_fraction * drag;
        *accel = same * (unrest + lift * lift * 1.0);
      } else if (mode == WK_CV || mode == WK_CT) {
        const double psd = mode == WK_CV ? tuning->cv_accel_psd : tuning->ct_accel_psd;
        const double vertical = psd * tuning->vertical_fraction * tuning->vertical_fraction;
        *accel = psd * (same - up[i] * up[j]) + vertical * up[i] * up[j];
      } else {
        q[6 + i][6 + j] = same * tuning->boost_jerk_psd;
      }
    }
  }
  if (mode == WK_REENTRY) q[6][6] = tuning->reentry_drag_psd * fmax(0.0, 1.0 - s->p[6][6] / 2.25);
  if (mode == WK_CT) q[6][6] = tuning->ct_turn_psd;
}

int ref_predicted(const struct ref_measure *m, const double *x, double h[REF_COMPONENTS_MAX]) {
  double d[3], relative[3], up[3];
  for (int c = 0; c < 3; c++) {
    d[c] = x[c] - m->site_m[c];
    relative[c] = x[3 + c] - m->site_velocity_mps[c];
  }
  const double east = dot(m->enu, d), north = dot(m->enu + 3, d), above = dot(m->enu + 6, d);
  const double range = sqrt(dot(d, d)), azimuth = fmod(atan2(east, north) + 2.0 * pi, 2.0 * pi);
  const double elevation = atan2(above, hypot(east, north));
  switch (m->kind) {
  case WK_RADAR:
    h[0] = range;
    h[1] = azimuth;
    h[2] = elevation;
    h[3] = dot(d, relative) / range;
    return 4;
  case WK_RADAR2D:
    h[0] = range;
    h[1] = azimuth;
    h[2] = ref_height(x, up);
    return 3;
  case WK_LOS:
    h[0] = azimuth;
    h[1] = elevation;
    return 2;
  default: memcpy(h, x, 3 * sizeof *h); return 3;
  }
}

#include "engine/track/los_fit.h"

#include <math.h>
#include <string.h>

#include "engine/track/vector.h"

static const double acceleration_sigma_mps2 = 30; /* per axis: thrust of 20 to 100 m/s^2 less weight */
static const double jerk_psd = 10;                /* as the boost mode has it, (m/s^3)^2 s */
static const double ln_2pi = 1.8378770664093453;
static const double distance_min_m = 1000;

static double at(const double *p, int i, int j) {
  return p[i <= j ? WK_AT(FIT_N, i, j) : WK_AT(FIT_N, j, i)];
}

void los_fit_begin(struct los_fit *fit, const struct ray *ray, double distance_m, double depth_m,
                   double speed_sigma_mps) {
  memset(fit, 0, sizeof *fit);
  fit->epoch_ns = ray->time_ns;
  double d2 = distance_m * distance_m;
  for (int i = 0; i < 3; i++) {
    fit->x[i] = ray->site_m[i] + distance_m * ray->direction[i];
    for (int j = i; j < 3; j++) {
      double sum = depth_m * depth_m * ray->direction[i] * ray->direction[j];
      for (int k = 0; k < 2; k++) sum += d2 * ray->variance[k] * ray->across[k][i] * ray->across[k][j];
      fit->p[WK_AT(FIT_N, i, j)] = sum;
    }
    fit->p[WK_AT(FIT_N, 3 + i, 3 + i)] = speed_sigma_mps * speed_sigma_mps;
    fit->p[WK_AT(FIT_N, 6 + i, 6 + i)] = acceleration_sigma_mps2 * acceleration_sigma_mps2;
  }
}

/* What a plane says: the variance that was expected of its residual, and the squared distance by it. */
struct plane {
  double variance, distance2;
};

/* One scalar measurement: the object lies on the plane through the line and across e. Exactly linear in the
 * state: e . (p + t v + t^2/2 a - site) = 0 with variance r. The fit stays as it is where that is farther than distance2_max. */
static bool plane_update(struct los_fit *fit, const double e[3], const double site_m[3], double t, double r,
                         double distance2_max, struct plane *out) {
  double h[FIT_N], y[FIT_N], s = r, nu = 0;
  for (int i = 0; i < 3; i++) {
    h[i] = e[i];
    h[3 + i] = t * e[i];
    h[6 + i] = 0.5 * t * t * e[i];
    nu += e[i] * site_m[i];
  }
  for (int i = 0; i < FIT_N; i++) {
    y[i] = 0;
    for (int j = 0; j < i; j++) y[i] += fit->p[WK_AT(FIT_N, j, i)] * h[j];
    for (int j = i; j < FIT_N; j++) y[i] += fit->p[WK_AT(FIT_N, i, j)] * h[j];
  }
  for (int i = 0; i < FIT_N; i++) {
    s += h[i] * y[i];
    nu -= h[i] * fit->x[i];
  }
  s = residual_variance(s, r);
  *out = (struct plane){.variance = s, .distance2 = nu * nu / s};
  if (out->distance2 > distance2_max) return false;
  for (int i = 0; i < FIT_N; i++) {
    fit->x[i] += y[i] * nu / s;
    for (int j = i; j < FIT_N; j++) fit->p[WK_AT(FIT_N, i, j)] -= y[i] * y[j] / s;
  }
  return true;
}

bool los_fit_line(struct los_fit *fit, const struct ray *ray, double distance2_max, double *log_likelihood,
                  double *distance2) {
  double t = (double)(ray->time_ns - fit->epoch_ns) * 1e-9, distance = 0;
  for (int i = 0; i < 3; i++) {
    double p = fit->x[i] + t * fit->x[3 + i] + 0.5 * t * t * fit->x[6 + i];
    distance += ray->direction[i] * (p - ray->site_m[i]);
  }
  if (!(distance > distance_min_m)) return false;
  struct plane planes[2];
  for (int k = 0; k < 2; k++) {
    double variance = distance * distance * ray->variance[k];
    if (!plane_update(fit, ray->across[k], ray->site_m, t, variance, distance2_max, &planes[k])) return false;
  }
  *distance2 = planes[0].distance2 + planes[1].distance2;
  if (*distance2 > distance2_max) return false;
  *log_likelihood = 2 * wk_log(distance);
  for (int k = 0; k < 2; k++) *log_likelihood -= 0.5 * (ln_2pi + wk_log(planes[k].variance) + planes[k].distance2);
  return true;
}

/* Along any unit vector e the variance of position is at most the trace of its covariance, and that of a sum of three at most three times
 * the sum of theirs. Each plane's residual alone is a bound of both planes' distance. */
bool los_fit_near(const struct los_fit *fit, const struct ray *ray, double distance2_max) {
  static const double rounding = 1.001;
  double t = (double)(ray->time_ns - fit->epoch_ns) * 1e-9, distance = 0, off[3], trace[3];
  for (int i = 0; i < 3; i++) {
    off[i] = fit->x[i] + t * fit->x[3 + i] + 0.5 * t * t * fit->x[6 + i] - ray->site_m[i];
    distance += ray->direction[i] * off[i];
  }
  if (!(distance > distance_min_m)) return false;
  for (int i = 0; i < 3; i++) {
    const int a = 3 * i, b = a + 1, c = a + 2;
    double sum = fit->p[WK_AT(FIT_N, a, a)] + fit->p[WK_AT(FIT_N, b, b)] + fit->p[WK_AT(FIT_N, c, c)];
    trace[i] = sum > 0 ? sum : 0;
  }
  double variance = 3 * (trace[0] + t * t * trace[1] + 0.25 * t * t * t * t * trace[2]);
  for (int k = 0; k < 2; k++) {
    double residual = vector_dot(ray->across[k], off), most = variance + distance * distance * ray->variance[k];
    if (residual * residual > rounding * distance2_max * most) return false;
  }
  return true;
}

void los_fit_at(const struct los_fit *fit, int64_t time_ns, double x[FIT_N], double p[WK_PACKED(FIT_N)]) {
  double t = (double)(time_ns - fit->epoch_ns) * 1e-9, half = 0.5 * t * t;
  double f[3][3] = {{1, t, half}, {0, 1, t}, {0, 0, 1}};
  double s = fabs(t), q[3][3] = {{s * s * s * s * s / 20, s * s * s * s / 8, s * s * s / 6},
                                 {s * s * s * s / 8, s * s * s / 3, s * s / 2},
                                 {s * s * s / 6, s * s / 2, s}};
  for (int a = 0; a < 3; a++) {
    for (int i = 0; i < 3; i++) {
      x[3 * a + i] = 0;
      for (int c = 0; c < 3; c++) x[3 * a + i] += f[a][c] * fit->x[3 * c + i];
      for (int b = a; b < 3; b++) {
        for (int j = b == a ? i : 0; j < 3; j++) {
          double sum = i == j ? jerk_psd * q[a][b] : 0;
          for (int c = 0; c < 3; c++) {
            for (int d = 0; d < 3; d++) sum += f[a][c] * f[b][d] * at(fit->p, 3 * c + i, 3 * d + j);
          }
          p[WK_AT(FIT_N, 3 * a + i, 3 * b + j)] = sum;
        }
      }
    }
  }
}

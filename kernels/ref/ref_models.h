/* The oracle's motion and measurement models: one track, textbook form, libm. Independent of kernels/lane; ECEF, SI. */
#ifndef REF_MODELS_H
#define REF_MODELS_H

#include "kernels/wk.h"

enum { REF_N_MAX = 9, REF_COMPONENTS_MAX = 4 };

/* Air density (kg/m^3) by height above the ellipsoid (m). */
typedef double (*ref_density)(double height_m);

/* A mode's Gaussian. */
struct ref_gauss {
  int n;
  double x[REF_N_MAX];
  double p[REF_N_MAX][REF_N_MAX];
};

/* One measurement, as a column of struct wk_measure_block. */
struct ref_measure {
  enum wk_kind kind;
  double z[4], variance[4], present[4];
  double site_m[3], site_velocity_mps[3], enu[9];
};

/* Dimension of a mode's state. */
int ref_mode_n(enum wk_mode mode);
/* Height above WGS-84 (m) and outward normal, by iteration to convergence. */
double ref_height(const double p[3], double up[3]);
/* Rate of a mode's state. */
void ref_rate(enum wk_mode mode, const double *x, const struct wk_tuning *tuning, ref_density density, double *rate);
/* What is left, at a height, of the unrest and of the readiness to ignite that stages have below the staging altitude: 1 there. */
double ref_low(double height_m, const struct wk_tuning *tuning);
/* Density of the white noise on the rate (n x n), about x with covariance p. */
void ref_noise(enum wk_mode mode, const struct ref_gauss *s, const struct wk_tuning *tuning, ref_density density,
               double q[REF_N_MAX][REF_N_MAX]);
/* Predicted components of a measurement; the number of components of the kind. */
int ref_predicted(const struct ref_measure *m, const double *x, double h[REF_COMPONENTS_MAX]);

#endif

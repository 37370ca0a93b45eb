/* The oracle's filter: continuous-discrete EKF with small steps and numerical Jacobians, batch update with a matrix
 * inverse, IMM by the book. One track at a time. */
#ifndef REF_FILTER_H
#define REF_FILTER_H

#include "kernels/ref/ref_models.h"

enum { REF_MODES_MAX = 3 };

struct ref_bank {
  int modes;
  enum wk_mode mode[REF_MODES_MAX];
  struct ref_gauss gauss[REF_MODES_MAX];
  double weight[REF_MODES_MAX];
};

struct ref_evidence {
  double log_likelihood, distance2, dimension, mode_log_likelihood[REF_MODES_MAX];
};

/* A record of wk.h (ballistic or aircraft) to a bank and back. */
void ref_ballistic_load(struct ref_bank *bank, const double *record);
void ref_aircraft_load(struct ref_bank *bank, const double *record);
void ref_bank_store(const struct ref_bank *bank, double *record);

/* Mean and covariance over dt seconds, with noise where `noisy`. */
void ref_gauss_predict(enum wk_mode mode, struct ref_gauss *s, double dt_s, int noisy, const struct wk_tuning *tuning,
                       ref_density density);
void ref_mix(struct ref_bank *bank, double dt_s, const struct wk_tuning *tuning);
/* Mixing and prediction as wk.h's predict. */
void ref_predict(struct ref_bank *bank, double dt_s, int quiet, const struct wk_tuning *tuning, ref_density density);
/* Update as wk.h's. */
void ref_update(struct ref_bank *bank, const struct ref_measure *m, int enable, struct ref_evidence *evidence);
/* One mode's update: its log-likelihood, and the squared Mahalanobis distance. */
typedef double (*ref_method)(const struct ref_measure *m, struct ref_gauss *s, double *distance2);
/* The same with any way to update a mode. */
void ref_update_by(ref_method method, struct ref_bank *bank, const struct ref_measure *m, int enable,
                   struct ref_evidence *evidence);
/* Difference of two values of component c, angles of azimuth by the short way. */
double ref_component_minus(const struct ref_measure *m, int c, double a, double b);
/* Mean and covariance of position and velocity over the modes. */
void ref_moments(const struct ref_bank *bank, struct ref_gauss *moments);

/* Determinant, and inverse into `inverse`, of the leading n x n of a by Gauss-Jordan elimination with pivoting. */
double ref_invert(int n, const double a[REF_N_MAX][REF_N_MAX], double inverse[REF_N_MAX][REF_N_MAX]);
long double ref_invert_long(int n, const long double a[REF_N_MAX][REF_N_MAX], long double inverse[REF_N_MAX][REF_N_MAX]);

#endif

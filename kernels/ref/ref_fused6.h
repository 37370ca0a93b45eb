/* The oracle of kernels/lane/fused6.c: the textbook filter with full matrices, one track at a time, in long
 * double. */
#ifndef REF_FUSED6_H
#define REF_FUSED6_H

struct ref_linear {
  long double x[6], p[6][6];
};

/* Predicts over dt_s and updates by position z where the squared distance, which it returns, lies below gate.
 */
long double ref_linear_step(struct ref_linear *s, const double z[3], const double variance[3], double dt_s,
                            double accel_psd, double gate);

#endif

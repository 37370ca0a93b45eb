/* The rivals of wk's Gaussians of position and velocity in Eigen: one pair after the other; built per instruction set. */
#ifndef BENCH_EIGEN_GAUSS_H
#define BENCH_EIGEN_GAUSS_H

#include "kernels/wk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One against `count`, each 27 elements as in wk.h: squared distance and ln of the density (docs/maths.md C3). */
void eigen_distance_v3(const double *one, const double (*many)[WK_GAUSS_ELEMENTS], int count, double *distance2, double *log_likelihood);
void eigen_distance_v4(const double *one, const double (*many)[WK_GAUSS_ELEMENTS], int count, double *distance2, double *log_likelihood);
/* Covariance intersection of `count` pairs, the weight by golden section of 30 passes (C4, C5); a becomes the joined one. */
void eigen_intersect_v3(double (*a)[WK_GAUSS_ELEMENTS], const double (*b)[WK_GAUSS_ELEMENTS], int count);
void eigen_intersect_v4(double (*a)[WK_GAUSS_ELEMENTS], const double (*b)[WK_GAUSS_ELEMENTS], int count);
/* The same, the weight by the polynomial that wk uses, the covariance by one root. */
void eigen_intersect_reduced_v3(double (*a)[WK_GAUSS_ELEMENTS], const double (*b)[WK_GAUSS_ELEMENTS], int count);
void eigen_intersect_reduced_v4(double (*a)[WK_GAUSS_ELEMENTS], const double (*b)[WK_GAUSS_ELEMENTS], int count);

#ifdef __cplusplus
}
#endif
#endif

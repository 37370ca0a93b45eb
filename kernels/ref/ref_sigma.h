/* The oracle's sigma-point update: the textbook unscented transform over the states that a sensor sees, the others by
 * regression on them (docs/maths.md S7). */
#ifndef REF_SIGMA_H
#define REF_SIGMA_H

#include "kernels/ref/ref_filter.h"

/* A ref_method. Range rate is taken after the other components, over position and velocity. */
double ref_gauss_update_sigma(const struct ref_measure *m, struct ref_gauss *s, double *distance2);

#endif

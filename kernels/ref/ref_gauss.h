/* The oracle of kernels/lane/gauss.c and intersect.c: one pair at a time, inverses by elimination in long double, the weight by a fine scan. */
#ifndef REF_GAUSS_H
#define REF_GAUSS_H

#include "kernels/ref/ref_models.h"

/* Free flight (WK_COAST) or level flight (WK_CV) over dt seconds, with acceleration of sigma accel_mps2 that lasts. */
void ref_gauss_move(enum wk_mode mode, struct ref_gauss *s, double dt_s, double accel_mps2,
                    const struct wk_tuning *tuning, ref_density density);
/* Squared Mahalanobis distance of the difference, and its ln density. */
double ref_gauss_distance(const struct ref_gauss *a, const struct ref_gauss *b, double *log_likelihood);
/* Covariance intersection with a given weight of a; returns ln of the determinant of the outcome. */
double ref_gauss_blend(const struct ref_gauss *a, const struct ref_gauss *b, double weight, struct ref_gauss *out);
/* The weight of a with the least determinant, by scanning and then bisecting the scan's best cell. */
double ref_gauss_weight(const struct ref_gauss *a, const struct ref_gauss *b);

#endif

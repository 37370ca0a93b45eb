/* The oracle of kernels/lane/impact.c: one body, tiny equal steps, libm. */
#ifndef REF_IMPACT_H
#define REF_IMPACT_H

#include "kernels/ref/ref_models.h"

struct ref_burn {
  double length_s, thrust_mps2, exhaust_mps;
};

/* From p, v (ECEF, SI) to height 0 in steps of step_s (negative: backward in time), at most limit_s. log_drag below -30: none. Ends
 * in p, v; the time taken, or -1 where it stays up. */
double ref_fall(double p[3], double v[3], double log_drag, const struct ref_burn burn[WK_FALL_BURNS], double pitch, double side,
                ref_density density, double step_s, double limit_s);

#endif

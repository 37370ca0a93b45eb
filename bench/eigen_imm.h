/* The rival of wk's ballistic bank in Eigen: one track after the other; built per instruction set. */
#ifndef BENCH_EIGEN_IMM_H
#define BENCH_EIGEN_IMM_H

#include "kernels/wk.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A radar's measurement of one track, all four components. */
struct eigen_radar {
  double z[4], variance[4], site_m[3], site_velocity_mps[3], enu[9];
};

/* Mixing, prediction over dt_s > 0 and radar update of `count` tracks given as records of wk.h (docs/maths.md
 * M1 to M18). */
void eigen_imm_v3(double (*record)[WK_BALLISTIC_ELEMENTS], const struct eigen_radar *radar, int count,
                  double dt_s, const struct wk_tuning *tuning);
void eigen_imm_v4(double (*record)[WK_BALLISTIC_ELEMENTS], const struct eigen_radar *radar, int count,
                  double dt_s, const struct wk_tuning *tuning);

/* One coasting track: position and velocity (ECEF), covariance packed as in wk.h. */
struct eigen_coast {
  double x[6], p[WK_PACKED(6)];
};
/* Prediction over dt_s > 0 (M1, M6, M7), gate on the squared distance and radar update (M15 to M17) of `count` tracks; those beyond the
 * gate are left predicted. */
void eigen_ekf_v3(struct eigen_coast *track, const struct eigen_radar *radar, int count, double dt_s, double gate,
                  const struct wk_tuning *tuning);
void eigen_ekf_v4(struct eigen_coast *track, const struct eigen_radar *radar, int count, double dt_s, double gate,
                  const struct wk_tuning *tuning);
/* Normalised innovations squared of `count` tracks' measurements (T14). */
void eigen_innovation_v3(const struct eigen_coast *track, const struct eigen_radar *radar, int count, double *distance2);
void eigen_innovation_v4(const struct eigen_coast *track, const struct eigen_radar *radar, int count, double *distance2);

#ifdef __cplusplus
}
#endif
#endif

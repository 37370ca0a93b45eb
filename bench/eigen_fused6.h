/* The rivals of wk's linear_step in Eigen, one track after the other; built per instruction set, suffix _v3
 * or _v4. */
#ifndef BENCH_EIGEN_FUSED6_H
#define BENCH_EIGEN_FUSED6_H

#ifdef __cplusplus
extern "C" {
#endif

/* A track and its measurement as Eigen's columns: full symmetric covariance. */
struct eigen_track {
  double x[6], p[36], z[3], variance[3], dt_s, distance2;
} __attribute__((aligned(64)));

/* As published: full F, H, K; P = (I - K H) P. */
void eigen_textbook_v3(struct eigen_track *tracks, int count, double accel_psd, double gate);
void eigen_textbook_v4(struct eigen_track *tracks, int count, double accel_psd, double gate);
/* By 3 x 3 blocks, the zeros of F and H left out. */
void eigen_structured_v3(struct eigen_track *tracks, int count, double accel_psd, double gate);
void eigen_structured_v4(struct eigen_track *tracks, int count, double accel_psd, double gate);

#ifdef __cplusplus
}
#endif
#endif

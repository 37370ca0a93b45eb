/* The rival of wk's flight to the ground in Eigen: one body after the other; built per instruction set. */
#ifndef BENCH_EIGEN_FALL_H
#define BENCH_EIGEN_FALL_H

#ifdef __cplusplus
extern "C" {
#endif

/* In: where (m, ECEF), how fast (m/s), ln(CD A / m). Out: where and how fast at height 0, and after what time (s). */
struct eigen_fall {
  double position_m[3], velocity_mps[3], log_drag, time_s;
};
/* `count` bodies in free flight with drag, forward, for at most limit_s each (docs/maths.md W1, W3, W4: the same steps). */
void eigen_fall_v3(struct eigen_fall *body, int count, double limit_s);
void eigen_fall_v4(struct eigen_fall *body, int count, double limit_s);

#ifdef __cplusplus
}
#endif
#endif

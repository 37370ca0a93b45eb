/* The rate of fused multiply-adds on doubles that one core of this CPU reaches, by width of the vectors. */
#ifndef BENCH_FMA_H
#define BENCH_FMA_H

/* Does fma_work_instructions() independent multiply-adds of 1, 4 or 8 doubles. 8 only where the CPU has
 * AVX-512. */
void fma_work_scalar(void *unused);
void fma_work_v3(void *unused);
void fma_work_v4(void *unused);
double fma_work_instructions(void);
int fma_runs_v4(void);

#endif

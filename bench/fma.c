#include "bench/fma.h"

#include <immintrin.h>

#include "bench/bench.h"

/* Twelve chains cover a latency of 4 cycles on up to 3 pipes. */
enum { CHAINS = 12, ROUNDS = 40000 };

double fma_work_instructions(void) {
  return (double)CHAINS * ROUNDS;
}

int fma_runs_v4(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

#define FMA_BODY(type, set, fma)                                                                             \
  type a[CHAINS], factor = set(0.999), term = set(1e-3);                                                     \
  for (int c = 0; c < CHAINS; c++) a[c] = set(1.0 + c);                                                      \
  for (int round = 0; round < ROUNDS; round++) {                                                             \
    _Pragma("GCC unroll 12") for (int c = 0; c < CHAINS; c++) a[c] = fma(a[c], factor, term);                \
  }                                                                                                          \
  for (int c = 0; c < CHAINS; c++) {                                                                         \
    type last = a[c];                                                                                        \
    bench_use(&last);                                                                                        \
  }

void fma_work_scalar(void *unused) {
  (void)unused;
  FMA_BODY(__m128d, _mm_set_sd, _mm_fmadd_sd)
}
void fma_work_v3(void *unused) {
  (void)unused;
  FMA_BODY(__m256d, _mm256_set1_pd, _mm256_fmadd_pd)
}
__attribute__((target("avx512f,avx512dq,avx512vl"))) void fma_work_v4(void *unused) {
  (void)unused;
  FMA_BODY(__m512d, _mm512_set1_pd, _mm512_fmadd_pd)
}

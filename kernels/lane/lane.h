/* The vector type that lane bodies are written in: WK_WIDTH doubles (1, 4 or 8) of a block of eight. A body loops over
 * the block in steps of WK_WIDTH, so each variant runs the same arithmetic on every lane. Operators + - * / work as on
 * doubles; what has no operator is here. Masks are 64-bit integers, all ones or zero. */
#ifndef WK_LANE_H
#define WK_LANE_H

#include <stdint.h>
#include <string.h>

#include "kernels/wk.h"

#define WK_PASTE2(a, b) a##_##b
#define WK_PASTE(a, b) WK_PASTE2(a, b)
#define WK_NAME(name) WK_PASTE(name, WK_VARIANT) /* wk body names: imm_predict -> imm_predict_v3 */
#ifndef WK_INLINE /* the build that counts branches has each body once */
#define WK_INLINE static inline __attribute__((always_inline))
#endif

#if WK_WIDTH == 1
typedef double lane;
typedef int64_t lane_mask;
#else
#include <immintrin.h>
typedef double lane __attribute__((vector_size(WK_WIDTH * 8)));
typedef int64_t lane_mask __attribute__((vector_size(WK_WIDTH * 8)));
#endif

WK_INLINE lane lane_load(const double *p) {
  lane v;
  memcpy(&v, p, sizeof v);
  return v;
}
WK_INLINE void lane_store(double *p, lane v) { memcpy(p, &v, sizeof v); }
WK_INLINE lane_mask lane_bits(lane v) {
  lane_mask m;
  memcpy(&m, &v, sizeof m);
  return m;
}
WK_INLINE lane lane_from_bits(lane_mask m) {
  lane v;
  memcpy(&v, &m, sizeof v);
  return v;
}

#if WK_WIDTH == 1
WK_INLINE lane lane_all(double x) { return x; }
WK_INLINE lane_mask lane_less(lane a, lane b) { return -(int64_t)(a < b); }
WK_INLINE lane_mask lane_equal(lane a, lane b) { return -(int64_t)(a == b); }
WK_INLINE int lane_every(lane_mask m) { return m != 0; }
WK_INLINE lane lane_fma(lane a, lane b, lane c) { return __builtin_fma(a, b, c); }
WK_INLINE lane lane_fnma(lane a, lane b, lane c) { return __builtin_fma(-a, b, c); }
WK_INLINE lane lane_sqrt(lane a) { return __builtin_sqrt(a); }
#else
WK_INLINE lane_mask lane_less(lane a, lane b) { return a < b; }
WK_INLINE lane_mask lane_equal(lane a, lane b) { return a == b; }
#if WK_WIDTH == 4
WK_INLINE int lane_every(lane_mask m) { return _mm256_movemask_pd((__m256d)m) == 15; }
WK_INLINE lane lane_all(double x) { return (lane)_mm256_set1_pd(x); }
WK_INLINE lane lane_fma(lane a, lane b, lane c) { return (lane)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
WK_INLINE lane lane_fnma(lane a, lane b, lane c) { return (lane)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
WK_INLINE lane lane_sqrt(lane a) { return (lane)_mm256_sqrt_pd((__m256d)a); }
#else
WK_INLINE int lane_every(lane_mask m) { return _mm512_movepi64_mask((__m512i)m) == 255; }
WK_INLINE lane lane_all(double x) { return (lane)_mm512_set1_pd(x); }
WK_INLINE lane lane_fma(lane a, lane b, lane c) { return (lane)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
WK_INLINE lane lane_fnma(lane a, lane b, lane c) { return (lane)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
WK_INLINE lane lane_sqrt(lane a) { return (lane)_mm512_sqrt_pd((__m512d)a); }
#endif
#endif

/* lane_fnma: c - a b; said so because a minus sign that serves several products becomes an instruction. lane_every: set in all lanes. lane_select: mask ? a : b */
WK_INLINE lane lane_select(lane_mask mask, lane a, lane b) {
  return lane_from_bits((lane_bits(a) & mask) | (lane_bits(b) & ~mask));
}
WK_INLINE lane lane_abs(lane a) { return lane_from_bits(lane_bits(a) & INT64_MAX); }
WK_INLINE lane lane_min(lane a, lane b) { return lane_select(lane_less(a, b), a, b); }
WK_INLINE lane lane_max(lane a, lane b) { return lane_select(lane_less(b, a), a, b); }
/* Nearest integer, ties to even, for |a| < 2^51. */
WK_INLINE lane lane_round(lane a) {
  lane magic = lane_all(0x1.8p52);
  return (a + magic) - magic;
}

#endif

/* The vector type that lane bodies are written in: WK_WIDTH doubles (1, 4 or 8) of a block of eight. A body loops over
 * the block in steps of WK_WIDTH, so each variant runs the same arithmetic on every lane. Operators + - * / work as on
 * doubles; what has no operator is here. A word is a lane's bits as an integer. A mask says something of each lane: what
 * comparisons give, to be joined by & | ^ and lane_not. On AVX-512 it is a mask register; made of words it would be
 * turned into one and back at each use. */
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
/* Once in the text of each instruction set, for what is long or used often: a kernel whose text outgrows the first cache for
 * instructions (32 to 64 KiB) waits for more of it, 15 bytes a cycle where two instructions need that many. */
#define WK_OUTLINE static __attribute__((noinline, unused))

/* Before a loop of a few turns that must become straight text, since what it indexes is known then. Clang does so by itself. */
#ifdef __clang__
#define WK_UNROLL
#else
#define WK_UNROLL _Pragma("GCC unroll 16")
#endif

#if WK_WIDTH == 1
typedef double lane;
typedef int64_t lane_word, lane_mask;
#else
#include <immintrin.h>
typedef double lane __attribute__((vector_size(WK_WIDTH * 8)));
typedef int64_t lane_word __attribute__((vector_size(WK_WIDTH * 8)));
#if WK_WIDTH == 4
typedef lane_word lane_mask;
#else
typedef __mmask8 lane_mask;
#endif
#endif

WK_INLINE lane lane_load(const double *p) {
  lane v;
  // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) a block's first record is there (wk.h)
  memcpy(&v, p, sizeof v);
  return v;
}
WK_INLINE void lane_store(double *p, lane v) { memcpy(p, &v, sizeof v); }
WK_INLINE lane_word lane_bits(lane v) {
  lane_word m;
  memcpy(&m, &v, sizeof m);
  return m;
}
WK_INLINE lane lane_from_bits(lane_word m) {
  lane v;
  memcpy(&v, &m, sizeof v);
  return v;
}

#if WK_WIDTH == 1
WK_INLINE lane lane_all(double x) { return x; }
WK_INLINE lane_mask lane_less(lane a, lane b) { return -(int64_t)(a < b); }
WK_INLINE lane_mask lane_equal(lane a, lane b) { return -(int64_t)(a == b); }
WK_INLINE int lane_every(lane_mask m) { return m != 0; }
WK_INLINE int lane_any(lane_mask m) { return m != 0; }
WK_INLINE lane_mask lane_not(lane_mask m) { return ~m; }
WK_INLINE lane_mask lane_odd(lane_word w) { return -(w & 1); }
WK_INLINE lane lane_select(lane_mask mask, lane a, lane b) { return mask ? a : b; }
WK_INLINE lane lane_turned(lane_mask mask, lane a) { return mask ? -a : a; }
WK_INLINE lane lane_min(lane a, lane b) { return a < b ? a : b; }
WK_INLINE lane lane_max(lane a, lane b) { return b < a ? a : b; }
WK_INLINE lane lane_fma(lane a, lane b, lane c) { return __builtin_fma(a, b, c); }
WK_INLINE lane lane_fnma(lane a, lane b, lane c) { return __builtin_fma(-a, b, c); }
WK_INLINE lane lane_sqrt(lane a) { return __builtin_sqrt(a); }
#elif WK_WIDTH == 4
WK_INLINE lane_mask lane_less(lane a, lane b) { return a < b; }
WK_INLINE lane_mask lane_equal(lane a, lane b) { return a == b; }
WK_INLINE lane_mask lane_not(lane_mask m) { return ~m; }
WK_INLINE lane_mask lane_odd(lane_word w) { return -(w & 1); }
WK_INLINE int lane_every(lane_mask m) { return _mm256_movemask_pd((__m256d)m) == 15; }
WK_INLINE int lane_any(lane_mask m) { return _mm256_movemask_pd((__m256d)m) != 0; }
WK_INLINE lane lane_select(lane_mask mask, lane a, lane b) {
  return (lane)_mm256_blendv_pd((__m256d)b, (__m256d)a, (__m256d)mask);
}
WK_INLINE lane lane_turned(lane_mask mask, lane a) { return lane_from_bits(lane_bits(a) ^ (mask & INT64_MIN)); }
WK_INLINE lane lane_min(lane a, lane b) { return (lane)_mm256_min_pd((__m256d)a, (__m256d)b); }
WK_INLINE lane lane_max(lane a, lane b) { return (lane)_mm256_max_pd((__m256d)a, (__m256d)b); }
WK_INLINE lane lane_all(double x) { return (lane)_mm256_set1_pd(x); }
WK_INLINE lane lane_fma(lane a, lane b, lane c) { return (lane)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
WK_INLINE lane lane_fnma(lane a, lane b, lane c) { return (lane)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
WK_INLINE lane lane_sqrt(lane a) { return (lane)_mm256_sqrt_pd((__m256d)a); }
#else
WK_INLINE lane_mask lane_less(lane a, lane b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ); }
WK_INLINE lane_mask lane_equal(lane a, lane b) { return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_EQ_OQ); }
WK_INLINE int lane_every(lane_mask m) { return m == 255; }
WK_INLINE int lane_any(lane_mask m) { return m != 0; }
WK_INLINE lane_mask lane_not(lane_mask m) { return (lane_mask)~m; }
WK_INLINE lane_mask lane_odd(lane_word w) { return _mm512_test_epi64_mask((__m512i)w, _mm512_set1_epi64(1)); }
WK_INLINE lane lane_select(lane_mask mask, lane a, lane b) {
  return (lane)_mm512_mask_blend_pd(mask, (__m512d)b, (__m512d)a);
}
WK_INLINE lane lane_turned(lane_mask mask, lane a) {
  return (lane)_mm512_mask_xor_pd((__m512d)a, mask, (__m512d)a, _mm512_set1_pd(-0.0));
}
WK_INLINE lane lane_min(lane a, lane b) { return (lane)_mm512_min_pd((__m512d)a, (__m512d)b); }
WK_INLINE lane lane_max(lane a, lane b) { return (lane)_mm512_max_pd((__m512d)a, (__m512d)b); }
WK_INLINE lane lane_all(double x) { return (lane)_mm512_set1_pd(x); }
WK_INLINE lane lane_fma(lane a, lane b, lane c) { return (lane)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
WK_INLINE lane lane_fnma(lane a, lane b, lane c) { return (lane)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
WK_INLINE lane lane_sqrt(lane a) { return (lane)_mm512_sqrt_pd((__m512d)a); }
#endif

/* lane_fnma: c - a b; said so because a minus sign that serves several products becomes an instruction. lane_every, lane_any: set in
 * all lanes, in some. lane_odd: where a word is. lane_select: mask ? a : b, an instruction by itself; of operations on bits the compiler
 * makes three. lane_turned: -a where the mask is set. lane_min: a < b ? a : b, and so b where one is NaN; lane_max likewise. */
/* Bits moved right, zeros behind them: AVX2 has no arithmetic shift. */
WK_INLINE lane_word lane_bits_right(lane_word bits, int places) {
#if WK_WIDTH == 1
  return (lane_word)((uint64_t)bits >> places);
#elif WK_WIDTH == 4
  return (lane_word)_mm256_srli_epi64((__m256i)bits, places);
#else
  return (lane_word)_mm512_srli_epi64((__m512i)bits, (unsigned)places);
#endif
}
WK_INLINE lane lane_abs(lane a) { return lane_from_bits(lane_bits(a) & INT64_MAX); }
/* Nearest integer, ties to even, for |a| < 2^51. */
WK_INLINE lane lane_round(lane a) {
  lane magic = lane_all(0x1.8p52);
  return (a + magic) - magic;
}

/* row[i] lane j <-> row[j] lane i of WK_WIDTH rows. */
WK_INLINE void lanes_transpose(lane *row) {
#if WK_WIDTH == 4
  const __m256d a = _mm256_unpacklo_pd((__m256d)row[0], (__m256d)row[1]), b = _mm256_unpackhi_pd((__m256d)row[0], (__m256d)row[1]);
  const __m256d c = _mm256_unpacklo_pd((__m256d)row[2], (__m256d)row[3]), d = _mm256_unpackhi_pd((__m256d)row[2], (__m256d)row[3]);
  row[0] = (lane)_mm256_permute2f128_pd(a, c, 0x20);
  row[1] = (lane)_mm256_permute2f128_pd(b, d, 0x20);
  row[2] = (lane)_mm256_permute2f128_pd(a, c, 0x31);
  row[3] = (lane)_mm256_permute2f128_pd(b, d, 0x31);
#elif WK_WIDTH == 8
  __m512d pair[8], four[8];
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm512_unpacklo_pd((__m512d)row[i], (__m512d)row[i + 1]);
    pair[i + 1] = _mm512_unpackhi_pd((__m512d)row[i], (__m512d)row[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) { /* quarters 0 2 of both, then 1 3 */
    for (int odd = 0; odd < 2; odd++) {
      four[i + odd] = _mm512_shuffle_f64x2(pair[i + odd], pair[i + odd + 2], 0x88);
      four[i + odd + 2] = _mm512_shuffle_f64x2(pair[i + odd], pair[i + odd + 2], 0xdd);
    }
  }
  for (int i = 0; i < 4; i++) {
    row[i] = (lane)_mm512_shuffle_f64x2(four[i], four[i + 4], 0x88);
    row[i + 4] = (lane)_mm512_shuffle_f64x2(four[i], four[i + 4], 0xdd);
  }
#else
  (void)row;
#endif
}

/* c[i] lane j = table[index of lane j][i]: four values from a row for each lane. */
WK_INLINE void lanes_look_up(const double (*table)[4], lane_word index, lane c[4]) {
#if WK_WIDTH == 1
  for (int i = 0; i < 4; i++) c[i] = table[index][i];
#elif WK_WIDTH == 4
  int64_t at[4];
  memcpy(at, &index, sizeof at);
  for (int i = 0; i < 4; i++) c[i] = (lane)_mm256_loadu_pd(table[at[i]]);
  lanes_transpose(c);
#else
  int64_t at[8];
  __m512d row[4];
  memcpy(at, &index, sizeof at);
  for (int i = 0; i < 4; i++) { /* rows 0 and 2, 1 and 3, 4 and 6, 5 and 7 side by side */
    const int first = i < 2 ? i : i + 2;
    row[i] = _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(table[at[first]])), _mm256_loadu_pd(table[at[first + 2]]), 1);
  }
  for (int odd = 0; odd < 2; odd++) {
    const __m512d low = odd ? _mm512_unpackhi_pd(row[0], row[1]) : _mm512_unpacklo_pd(row[0], row[1]);
    const __m512d high = odd ? _mm512_unpackhi_pd(row[2], row[3]) : _mm512_unpacklo_pd(row[2], row[3]);
    c[odd] = (lane)_mm512_shuffle_f64x2(low, high, 0x88);
    c[odd + 2] = (lane)_mm512_shuffle_f64x2(low, high, 0xdd);
  }
#endif
}

#endif

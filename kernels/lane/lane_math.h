/* Elementary functions on lanes: docs/maths.md, section E. Fused multiply-adds are explicit, there is no
 * table and no branch, and every NaN that leaves is the one quiet NaN, so that all variants agree to the bit.
 */
#ifndef WK_LANE_MATH_H
#define WK_LANE_MATH_H

#include "kernels/lane/lane.h"

/* c[0] + c[1] z + ... + c[last] z^last. */
WK_INLINE lane lane_poly(lane z, const double *c, int last) {
  lane p = lane_all(c[last]);
  for (int i = last - 1; i >= 0; i--) p = lane_fma(p, z, lane_all(c[i]));
  return p;
}
/* `value` where the mask is set, elsewhere the quiet NaN with a clear sign. */
WK_INLINE lane lane_or_nan(lane_mask mask, lane value) {
  return lane_select(mask, value, lane_all(__builtin_nan("")));
}
WK_INLINE lane_word lane_sign_bit(lane x) {
  return lane_bits(x) & INT64_MIN;
}

/* 1 / sqrt(x) for normal x > 0, error below 1.1 ulp; finite for 0, NaN for NaN (E14). A first guess by the exponent, 3.5 % off, and two
 * steps of fourth order: a third of the time of the instructions for root and quotient, which the CPU does one after another. */
WK_INLINE lane lane_rsqrt(lane x) {
  lane y = lane_from_bits(0x5fe6eb50c7b537a9 - lane_bits_right(lane_bits(x), 1));
  for (int i = 0; i < 2; i++) {
    const lane e = lane_fnma(x * y, y, lane_all(1.0)); /* (1 - e)^(-1/2) = 1 + e/2 + 3/8 e^2 + 5/16 e^3 + ... */
    const lane series = lane_fma(lane_fma(lane_all(0.3125), e, lane_all(0.375)), e, lane_all(0.5));
    y = lane_fma(y * e, series, y);
  }
  return y;
}
/* sqrt(x) where 1 / sqrt(x) is at hand: the last place put right. */
WK_INLINE lane lane_sqrt_by(lane x, lane rsqrt) {
  const lane root = x * rsqrt;
  return lane_fma(lane_fnma(root, root, x), rsqrt * lane_all(0.5), root);
}

/* Sine and cosine, |x| <= 1e5 rad: error below 0.85 ulp. NaN from 1e8 on. Reduction to [-pi/4, pi/4] by three
 * parts of pi/2 (E1), then the kernels of FDLIBM with the tail of the reduced argument (E2, E3). */
WK_INLINE void lane_sincos(lane x, lane *s, lane *c) {
  static const double sine[] = {8.33333333332248946124e-03, -1.98412698298579493134e-04,
                                2.75573137070700676789e-06, -2.50507602534068634195e-08,
                                1.58969099521155010221e-10};
  static const double cosine[] = {4.16666666666666019037e-02, -1.38888888888741095749e-03,
                                  2.48015872894767294178e-05, -2.75573143513906633035e-07,
                                  2.08757232129817482790e-09, -1.13596475577881948265e-11};
  const lane magic = lane_all(0x1.8p52);
  lane_mask valid = lane_less(lane_abs(x), lane_all(1e8));
  x = lane_select(valid, x, lane_all(0.0));
  lane shifted = lane_fma(x, lane_all(0x1.45f306dc9c883p-1), magic);
  lane_word quadrant = lane_bits(shifted); /* the low bits hold the quadrant in two's complement */
  lane n = shifted - magic;
  lane a = lane_fma(-n, lane_all(0x1.921fb54442d18p+0), x); /* exact */
  lane w = n * lane_all(0x1.1a62633145c07p-54);
  lane w_low = lane_fma(n, lane_all(0x1.1a62633145c07p-54), -w);
  lane r = a - w;
  lane low = ((a - r) - w) - lane_fma(n, lane_all(-0x1.f1976b7ed8fbcp-110), w_low);

  lane z = r * r;
  lane v = z * r;
  lane t = lane_fma(z, lane_fma(-v, lane_poly(z, sine, 4), low * 0.5), -low);
  lane sin_r = r - lane_fma(v, lane_all(1.66666666666666324348e-01), t);
  lane half = z * 0.5;
  lane one = lane_all(1.0);
  lane top = one - half;
  lane cos_r = top + (((one - top) - half) + lane_fma(z, z * lane_poly(z, cosine, 5), -r * low));

  lane_mask swap = lane_odd(quadrant);
  lane_word sin_sign = -(lane_bits_right(quadrant, 1) & 1) & INT64_MIN;
  lane_word cos_sign = sin_sign ^ (-(quadrant & 1) & INT64_MIN);
  *s = lane_or_nan(valid, lane_from_bits(lane_bits(lane_select(swap, cos_r, sin_r)) ^ sin_sign));
  *c = lane_or_nan(valid, lane_from_bits(lane_bits(lane_select(swap, sin_r, cos_r)) ^ cos_sign));
}
WK_INLINE lane lane_sin(lane x) {
  lane s, c;
  lane_sincos(x, &s, &c);
  return s;
}
WK_INLINE lane lane_cos(lane x) {
  lane s, c;
  lane_sincos(x, &s, &c);
  return c;
}

/* Angle of (x, y) in [-pi, pi] with the sign of y: error below 0.8 ulp. (0, 0) gives 0 with the sign of y,
 * whatever the sign of x; infinities count as the largest double; NaN only for NaN. With a >= b >= 0 the two
 * magnitudes the angle is K + atan(q), q = b / a for b <= a / 2, else q = (b - a) / (b + a), both with the
 * remainder of the division (E4, E5). */
WK_INLINE lane lane_atan2(lane y, lane x) {
  static const double series[] = {-0x1.5555555555555p-2, 0x1.99999999998e1p-3,  -0x1.2492492488296p-3,
                                  0x1.c71c71c01b24cp-4,  -0x1.745d16026efd7p-4, 0x1.3b138e6372dcap-4,
                                  -0x1.110ea50256abfp-4, 0x1.e1a7b2562efc5p-5,  -0x1.ad44da04adea3p-5,
                                  0x1.7b20b751c966ap-5,  -0x1.37d750492dd9bp-5, 0x1.99b4e0c058248p-6,
                                  -0x1.2dfbaab9786efp-7};
  const lane zero = lane_all(0.0), largest = lane_all(0x1.fffffffffffffp1023);
  lane ax = lane_min(largest, lane_abs(x)), ay = lane_min(largest, lane_abs(y));
  lane_mask steep = lane_less(ax, ay), back = lane_less(x, zero);
  lane a = lane_select(steep, ay, ax), b = lane_select(steep, ax, ay);
  /* Keep a + b and the remainders within range. */
  lane scale = lane_select(lane_less(lane_all(0x1p1000), a), lane_all(0x1p-200), lane_all(1.0));
  scale = lane_select(lane_less(a, lane_all(0x1p-800)), lane_all(0x1p200), scale);
  a = a * scale;
  b = b * scale;

  lane_mask middle = lane_less(a, b + b);
  lane sum = a + b;
  lane numerator = lane_select(middle, b - a, b); /* the difference is exact */
  lane denominator = lane_select(middle, sum, a);
  lane denominator_low = lane_select(middle, b - (sum - a), zero);
  denominator = lane_select(lane_equal(a, zero), lane_all(1.0), denominator);
  lane q = numerator / denominator, per = lane_all(1.0) / denominator; /* side by side */
  lane q_low = lane_fnma(q, denominator_low, lane_fnma(q, denominator, numerator)) * per;
  lane z = q * q;
  lane tail = lane_fma(q * z, lane_poly(z, series, 12), lane_fma(-z, q_low, q_low));

  /* atan(b / a) = (middle ? pi/4 : 0) + q..., pi/2 less that when steep, pi less that when x < 0. */
  lane high = lane_select(middle, lane_all(0x1.921fb54442d18p-1), zero);
  lane low = lane_select(middle, lane_all(0x1.1a62633145c07p-55), zero);
  lane_mask flip = steep ^ back;
  lane turn = lane_select(steep, lane_all(0x1.921fb54442d18p+0),
                          lane_select(back, lane_all(0x1.921fb54442d18p+1), zero));
  lane turn_low = lane_select(steep, lane_all(0x1.1a62633145c07p-54),
                              lane_select(back, lane_all(0x1.1a62633145c07p-53), zero));
  high = turn + lane_turned(flip, high); /* exact: multiples of pi/4 below 4 */
  low = turn_low + lane_turned(flip, low);
  q = lane_turned(flip, q);
  tail = lane_turned(flip, tail);
  lane first = high + q;
  lane angle = first + (((high - first) + q) + (tail + low));
  angle = lane_from_bits((lane_bits(angle) & INT64_MAX) | lane_sign_bit(y));
  return lane_or_nan(lane_equal(angle, angle), angle);
}

/* Exponential: error below 0.9 ulp; 0 below -708, +inf above 709.782712893384 (E6). */
WK_INLINE lane lane_exp(lane x) {
  static const double series[] = {0x1.0000000000000p-1,  0x1.5555555555557p-3,  0x1.5555555555556p-5,
                                  0x1.11111111100dfp-7,  0x1.6c16c16c162d6p-10, 0x1.a01a01abe62ddp-13,
                                  0x1.a01a01a6d7808p-16, 0x1.71de02375656cp-19, 0x1.27e4db67b4303p-22,
                                  0x1.af4ddd84882fep-26, 0x1.1f72fc730b4ffp-29};
  const lane magic = lane_all(0x1.8p52), lowest = lane_all(-708.0), highest = lane_all(0x1.62e42fefa39efp+9);
  lane clamped = lane_min(lane_max(x, lowest), highest); /* a NaN becomes the lower bound, put right below */
  lane shifted = lane_fma(clamped, lane_all(0x1.71547652b82fep+0), magic);
  lane n = shifted - magic;
  lane a = lane_fma(-n, lane_all(0x1.62e42fefa3800p-1), clamped); /* exact: 42 bits by 11 */
  lane w = n * lane_all(0x1.ef35793c76730p-45);
  lane r = a - w;
  lane low = (a - r) - w;
  lane p = lane_all(1.0) + (r + lane_fma(r * r, lane_poly(r, series, 10), low));
  /* 2^n as 2 * 2^(n-1): n runs from -1021 to 1024. */
  lane_word exponent = (lane_bits(shifted) - lane_bits(magic) + 1022) << 52;
  lane value = (p + p) * lane_from_bits(exponent);
  value = lane_select(lane_less(x, lowest), lane_all(0.0), value);
  value = lane_select(lane_less(highest, x), lane_all(__builtin_inf()), value);
  return lane_or_nan(lane_equal(x, x), value);
}

/* ln x of a normal x > 0 less `places` times ln 2 (E7, after FDLIBM). */
WK_INLINE lane lane_log_scaled(lane x, lane places) {
  static const double series[] = {
      6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
      1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01};
  const lane magic = lane_all(0x1.8p52);
  /* x = 2^k m with sqrt(1/2) <= m < sqrt(2). */
  lane_word bits = lane_bits(x) + (0x3ff0000000000000 - 0x3fe6a09e00000000);
  lane k = lane_from_bits((lane_bits_right(bits, 52) - 1023) + lane_bits(magic)) - magic;
  k = k - places;
  lane f = lane_from_bits((bits & 0x000fffffffffffff) + 0x3fe6a09e00000000) - lane_all(1.0);
  lane half = f * f * 0.5;
  lane s = f / (f + 2.0);
  lane z = s * s;
  lane rest = lane_fma(s, lane_fma(z, lane_poly(z, series, 6), half), k * 1.90821492927058770002e-10);
  return lane_fma(k, lane_all(6.93147180369123816490e-01), f - (half - rest));
}
/* Natural logarithm of what is known to be normal and above 0: the same bits as lane_log. */
WK_INLINE lane lane_log_regular(lane x) {
  return lane_log_scaled(x, lane_all(0.0));
}
/* Natural logarithm: error below 0.9 ulp, subnormal numbers included; log 0 = -inf, log inf = inf, NaN for x
 * < 0. */
WK_INLINE lane lane_log(lane x) {
  const lane zero = lane_all(0.0), one = lane_all(1.0), infinity = lane_all(__builtin_inf());
  lane_mask regular = lane_less(zero, x) & lane_less(x, infinity);
  lane y = lane_select(regular, x, one);
  lane_mask tiny = lane_less(y, lane_all(0x1p-1022));
  y = lane_select(tiny, y * 0x1p54, y);
  lane value = lane_log_scaled(y, lane_select(tiny, lane_all(54.0), zero));
  value = lane_select(lane_equal(x, zero), -infinity, value);
  value = lane_select(lane_equal(x, infinity), infinity, value);
  return lane_or_nan(regular | lane_equal(x, zero) | lane_equal(x, infinity), value);
}

#endif

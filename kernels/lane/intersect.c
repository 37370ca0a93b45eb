/* Two estimates of one body joined when nobody knows what they share: covariance intersection (docs/maths.md C4, C5). */
#include "kernels/lane/definite.h"
#include "kernels/lane/pairs.h"
#include "kernels/lane/variant.h"

/* The weight's polynomial and how often its slope's root is sought for. */
enum { INTERSECT_DEGREE = GAUSS_N, INTERSECT_PASSES = 4 };

WK_INLINE void covariance_factor(const struct wk_gauss_block *block, int first, struct definite *f) {
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) {
    WK_UNROLL for (int j = i; j < GAUSS_N; j++) {
      const int at = packed_at(GAUSS_N, i, j);
      f->s[at] = lane_load(block->e[GAUSS_N + at] + first);
    }
  }
  definite_factor(1, f);
}

WK_INLINE lane diagonal_sum(const lane *m) {
  return (m[packed_at(GAUSS_N, 0, 0)] + m[packed_at(GAUSS_N, 1, 1)]) + (m[packed_at(GAUSS_N, 2, 2)] + m[packed_at(GAUSS_N, 3, 3)]) +
         (m[packed_at(GAUSS_N, 4, 4)] + m[packed_at(GAUSS_N, 5, 5)]);
}

/* The coefficients of the slope of det(1 + u n), k e_k, from the traces of the powers of n by Newton's identities (C5). */
WK_INLINE void intersect_slope(const lane *n, lane slope[INTERSECT_DEGREE]) {
  static const double part[INTERSECT_DEGREE] = {1.0, 1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 5, 1.0 / 6};
  lane square[GAUSS_PACKED], cube[GAUSS_PACKED], trace[INTERSECT_DEGREE], e[INTERSECT_DEGREE];
  commuting_6(n, n, square);
  commuting_6(n, square, cube);
  trace[0] = diagonal_sum(n);
  trace[1] = diagonal_sum(square);
  trace[2] = diagonal_sum(cube);
  trace_6(square, square, &trace[3]);
  trace_6(square, cube, &trace[4]);
  trace_6(cube, cube, &trace[5]);
  WK_UNROLL for (int k = 0; k < INTERSECT_DEGREE; k++) {
    slope[k] = k % 2 ? -trace[k] : trace[k];
    WK_UNROLL for (int i = k - 1; i >= 0; i--) {
      slope[k] = i % 2 ? lane_fnma(e[k - 1 - i], trace[i], slope[k]) : lane_fma(e[k - 1 - i], trace[i], slope[k]);
    }
    e[k] = slope[k] * lane_all(part[k]);
  }
}

/* Where det(1 + u n) is largest, -1 to 1: the slope's roots are real, so that Laguerre's steps go from 0 to the nearest one ahead and
 * never past it; where none is ahead, or beyond an end, the top is that end, and u is it to the bit. */
WK_INLINE lane intersect_top(const lane slope[INTERSECT_DEGREE]) {
  const lane one = lane_all(1.0), zero = lane_all(0.0);
  lane u = zero, q = slope[0], q1 = slope[1], q2 = slope[2]; /* the slope, its first derivative, half of its second */
  WK_UNROLL for (int pass = 0; pass < INTERSECT_PASSES; pass++) {
    const lane spread = lane_fma(q1 * lane_all(4.0), q1, q * q2 * lane_all(-10.0));
    const lane along = q1 - lane_all(2.0) * lane_sqrt(lane_max(spread, zero));
    const lane_mask bends = lane_less(along, zero);
    const lane moved = lane_fnma(q * lane_all(5.0), one / along, u);
    u = lane_select(bends, lane_max(lane_min(moved, one), -one), lane_select(lane_less(zero, q), one, -one));
    if (pass + 1 == INTERSECT_PASSES) break;
    q = q1 = q2 = slope[5];
    WK_UNROLL for (int k = 4; k >= 0; k--) {
      q = lane_fma(q, u, slope[k]);
      if (k > 0) q1 = lane_fma(q1, u, q);
      if (k > 1) q2 = lane_fma(q2, u, q1);
    }
  }
  return u;
}

/* The weight of a, by how b - a looks where a + b is 1. */
WK_INLINE lane intersect_weight(const struct wk_gauss_block *a, const struct wk_gauss_block *b, int first) {
  lane n[GAUSS_PACKED], slope[INTERSECT_DEGREE], root[GAUSS_N];
  struct definite both;
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) {
    WK_UNROLL for (int j = i; j < GAUSS_N; j++) {
      const int at = packed_at(GAUSS_N, i, j);
      const lane ea = lane_load(a->e[GAUSS_N + at] + first), eb = lane_load(b->e[GAUSS_N + at] + first);
      both.s[at] = ea + eb;
      n[at] = eb - ea;
    }
  }
  definite_factor(1, &both);
  reduce_6(both.s, n);
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) root[i] = lane_rsqrt(both.s[packed_at(GAUSS_N, i, i)]);
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) {
    WK_UNROLL for (int j = i; j < GAUSS_N; j++) n[packed_at(GAUSS_N, i, j)] = n[packed_at(GAUSS_N, i, j)] * root[i] * root[j];
  }
  intersect_slope(n, slope);
  return lane_fma(lane_all(0.5), intersect_top(slope), lane_all(0.5));
}

/* Covariance p and shift of the mean from a's, d being b's mean less a's; the lanes in which all is definite. With b = L D L',
 * G = w L' a^-1 L + (1 - w) D^-1 and p = L G^-1 L': sums of what is positive alone. Matrices named g and t count their rows from the last
 * one, so that G = U D U' is found by the same steps, and U^-1 L' stays a triangle. */
WK_INLINE lane_mask intersect_join(const struct definite *a, const struct definite *b, lane w, const lane *d, lane *p, lane *shift) {
  lane ratio[GAUSS_PACKED], t[GAUSS_PACKED], pull[GAUSS_N];
  const lane rest = lane_all(1.0) - w;
  struct definite g;
  ratio_6(a->s, b->s, ratio);
  gram_turned_6(ratio, a->inverse, g.s);
  WK_UNROLL for (int i = 0; i < GAUSS_PACKED; i++) g.s[i] = w * g.s[i];
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) {
    const int at = packed_at(GAUSS_N, GAUSS_N - 1 - i, GAUSS_N - 1 - i);
    g.s[at] = lane_fma(rest, b->inverse[i], g.s[at]);
  }
  definite_factor(1, &g);
  ratio_turned_6(g.s, b->s, t);
  gram_turned_6(t, g.inverse, p);
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) shift[i] = d[i];
  forward_6(b->s, shift);
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) pull[GAUSS_N - 1 - i] = shift[i] * b->inverse[i] * rest;
  forward_6(g.s, pull);
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) pull[i] = pull[i] * g.inverse[i];
  across_6(t, pull);
  WK_UNROLL for (int i = 0; i < GAUSS_N; i++) shift[i] = pull[GAUSS_N - 1 - i];
  return a->sound & b->sound & factor_positive(g.s);
}

void WK_NAME(gauss_intersect)(const struct wk_gauss_block *a, const struct wk_gauss_block *b, struct wk_gauss_block *out,
                              wk_lane weight) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    lane d[GAUSS_N], p[GAUSS_PACKED], shift[GAUSS_N];
    struct definite fa, fb;
    const lane found = intersect_weight(a, b, first);
    covariance_factor(a, first, &fa);
    covariance_factor(b, first, &fb);
    WK_UNROLL for (int i = 0; i < GAUSS_N; i++) d[i] = lane_load(b->e[i] + first) - lane_load(a->e[i] + first);
    const lane_mask sane = intersect_join(&fa, &fb, found, d, p, shift);
    const lane w = lane_select(sane, found, lane_all(1.0));
    const lane_mask all_a = lane_equal(w, lane_all(1.0)), all_b = lane_equal(w, lane_all(0.0));
    WK_UNROLL for (int i = 0; i < WK_GAUSS_ELEMENTS; i++) {
      const lane ea = lane_load(a->e[i] + first), eb = lane_load(b->e[i] + first);
      const lane mixed = i < GAUSS_N ? ea + shift[i] : p[i - GAUSS_N];
      lane_store(out->e[i] + first, lane_select(all_a, ea, lane_select(all_b, eb, mixed)));
    }
    lane_store(weight + first, w);
  }
}

/* Gaussians of position and velocity: along a trajectory, how far apart, and joined when nobody knows what they share
 * (docs/maths.md C1 to C5). */
#include "kernels/lane/imm_step.h"
#include "kernels/lane/products.h"
#include "kernels/lane/sigma.h"
#include "kernels/lane/variant.h"

enum { GAUSS_N = 6, GAUSS_PACKED = WK_PACKED(GAUSS_N), INTERSECT_PASSES = 30 };
#define INTERSECT_GOLDEN 0.6180339887498949

void WK_NAME(gauss_predict)(struct wk_gauss_block *block, enum wk_mode mode, const wk_lane dt_s,
                            const wk_lane accel_mps2, const struct wk_tuning *tuning) {
  const wk_lane never_quiet = {0};
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = dt_bound(lane_load(dt_s + first));
    const lane_mask noisy = lanes_noisy(dt, lane_load(never_quiet + first));
    if (mode == WK_CV) {
      mode_predict(WK_CV, block->e, first, dt, noisy, tuning);
    } else {
      mode_predict(WK_COAST, block->e, first, dt, noisy, tuning);
    }
    const lane accel = lane_load(accel_mps2 + first), span = lane_abs(dt), psd = accel * accel * span;
    const lane vv = psd * span, pv = psd * dt * span * lane_all(0.5), pp = psd * span * span * span * lane_all(1.0 / 3.0);
    for (int c = 0; c < 3; c++) {
      double *const at[3] = {block->e[GAUSS_N + packed_at(GAUSS_N, c, c)], block->e[GAUSS_N + packed_at(GAUSS_N, c, 3 + c)],
                             block->e[GAUSS_N + packed_at(GAUSS_N, 3 + c, 3 + c)]};
      const lane more[3] = {pp, pv, vv};
      for (int i = 0; i < 3; i++) lane_store(at[i] + first, lane_load(at[i] + first) + more[i]);
    }
  }
}

/* 1 / pivot of an element that was `was`, where it is positive beyond doubt; else 0, and the lane is not definite. */
WK_INLINE lane pivot_inverse(lane was, lane pivot, lane_mask *definite) {
  const lane_mask positive = lane_less(was * lane_all(SIGMA_PIVOT_LEAST), pivot) & lane_less(lane_all(0.0), pivot) &
                             lane_less(pivot, lane_all(SIGMA_ABSURD));
  *definite &= positive;
  return lane_select(positive, lane_all(1.0) / lane_select(positive, pivot, lane_all(1.0)), lane_all(0.0));
}

/* s = L D L' in place, D on the diagonal; 1 / D, and the lanes where s is definite. No roots: a quotient is all that one row waits for of
 * the row before. */
WK_INLINE lane_mask definite_factor(lane *s, lane *inverse) {
  lane_mask definite = lane_equal(lane_all(0.0), lane_all(0.0));
  lane was[GAUSS_N];
  for (int j = 0; j < GAUSS_N; j++) was[j] = s[packed_at(GAUSS_N, j, j)];
  pivot_6_0(s, inverse[0] = pivot_inverse(was[0], was[0], &definite));
  pivot_6_1(s, inverse[1] = pivot_inverse(was[1], s[packed_at(GAUSS_N, 1, 1)], &definite));
  pivot_6_2(s, inverse[2] = pivot_inverse(was[2], s[packed_at(GAUSS_N, 2, 2)], &definite));
  pivot_6_3(s, inverse[3] = pivot_inverse(was[3], s[packed_at(GAUSS_N, 3, 3)], &definite));
  pivot_6_4(s, inverse[4] = pivot_inverse(was[4], s[packed_at(GAUSS_N, 4, 4)], &definite));
  inverse[5] = pivot_inverse(was[5], s[packed_at(GAUSS_N, 5, 5)], &definite);
  return definite;
}

/* The product of D. */
WK_INLINE lane factor_determinant(const lane *s) {
  return (s[packed_at(GAUSS_N, 0, 0)] * s[packed_at(GAUSS_N, 1, 1)]) * (s[packed_at(GAUSS_N, 2, 2)] * s[packed_at(GAUSS_N, 3, 3)]) *
         (s[packed_at(GAUSS_N, 4, 4)] * s[packed_at(GAUSS_N, 5, 5)]);
}

void WK_NAME(gauss_distance)(const double one[WK_GAUSS_ELEMENTS], const struct wk_gauss_block *many,
                             wk_lane distance2, wk_lane log_likelihood) {
  const lane absurd = lane_all(SIGMA_ABSURD);
  const double turn3 = SIGMA_TURN * SIGMA_TURN * SIGMA_TURN;
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    lane s[GAUSS_PACKED], inverse[GAUSS_N], x[GAUSS_N], sum2 = lane_all(0.0);
    for (int i = 0; i < GAUSS_PACKED; i++) s[i] = lane_load(many->e[GAUSS_N + i] + first) + lane_all(one[GAUSS_N + i]);
    for (int i = 0; i < GAUSS_N; i++) x[i] = lane_load(many->e[i] + first) - lane_all(one[i]);
    lane_mask sane = definite_factor(s, inverse);
    forward_6(s, x);
    for (int j = 0; j < GAUSS_N; j++) sum2 = lane_fma(x[j] * inverse[j], x[j], sum2);
    const lane volume = factor_determinant(s) * lane_all(turn3 * turn3);
    sane &= lane_less(sum2, absurd) & lane_less(lane_all(0.0), volume) & lane_less(volume, absurd);
    const lane density = lane_all(-0.5) * (lane_log(lane_select(sane, volume, lane_all(1.0))) + sum2);
    lane_store(distance2 + first, lane_select(sane, sum2, absurd));
    lane_store(log_likelihood + first, lane_select(sane, density, -absurd));
  }
}

/* Upper triangular root of a packed matrix; the lanes where it is definite. */
WK_INLINE lane_mask definite_root(const lane *p, lane *u) {
  lane_mask definite = sigma_root(GAUSS_N, p, u);
  for (int j = 0; j < GAUSS_N; j++) definite &= lane_less(lane_all(0.0), u[packed_at(GAUSS_N, j, j)]);
  return definite;
}

/* Inverse of p, packed, from its root: U^-1 U^-T. */
WK_INLINE void root_inverse(const lane *u, lane *inverse) {
  lane v[GAUSS_PACKED]; /* U^-1 */
  for (int j = 0; j < GAUSS_N; j++) {
    const lane pivot = lane_all(1.0) / u[packed_at(GAUSS_N, j, j)];
    v[packed_at(GAUSS_N, j, j)] = pivot;
    for (int i = j - 1; i >= 0; i--) {
      lane sum = lane_all(0.0);
      for (int k = i; k < j; k++) sum = lane_fma(v[packed_at(GAUSS_N, i, k)], u[packed_at(GAUSS_N, k, j)], sum);
      v[packed_at(GAUSS_N, i, j)] = -sum * pivot;
    }
  }
  for (int i = 0; i < GAUSS_N; i++) {
    for (int j = i; j < GAUSS_N; j++) {
      lane sum = lane_all(0.0);
      for (int k = j; k < GAUSS_N; k++) sum = lane_fma(v[packed_at(GAUSS_N, i, k)], v[packed_at(GAUSS_N, j, k)], sum);
      inverse[packed_at(GAUSS_N, i, j)] = sum;
    }
  }
}

WK_INLINE void blend(const lane *a, const lane *b, lane w, lane *c) {
  const lane rest = lane_all(1.0) - w;
  for (int i = 0; i < GAUSS_PACKED; i++) c[i] = lane_fma(w, a[i], rest * b[i]);
}

/* Determinant of the blended information; 0 where it is not definite. */
WK_INLINE lane blend_determinant(const lane *a, const lane *b, lane w) {
  lane c[GAUSS_PACKED], inverse[GAUSS_N];
  blend(a, b, w, c);
  const lane_mask definite = definite_factor(c, inverse);
  return lane_select(definite, factor_determinant(c), lane_all(0.0));
}

/* The weight of a that makes the information's determinant largest: golden section over a function with one top (C5). */
WK_INLINE lane intersect_weight(const lane *a, const lane *b) {
  const lane golden = lane_all(INTERSECT_GOLDEN), one = lane_all(1.0), zero = lane_all(0.0);
  lane low = zero, high = one, left = one - golden, right = golden;
  lane at_left = blend_determinant(a, b, left), at_right = blend_determinant(a, b, right);
  for (int pass = 0; pass < INTERSECT_PASSES; pass++) {
    const lane_mask up = lane_less(at_left, at_right); /* the top is right of `left` */
    low = lane_select(up, left, low);
    high = lane_select(up, high, right);
    const lane probe = lane_select(up, lane_fma(golden, high - low, low), high - golden * (high - low));
    const lane at_probe = blend_determinant(a, b, probe);
    const lane kept = lane_select(up, right, left), at_kept = lane_select(up, at_right, at_left);
    left = lane_select(up, kept, probe);
    at_left = lane_select(up, at_kept, at_probe);
    right = lane_select(up, probe, kept);
    at_right = lane_select(up, at_probe, at_kept);
  }
  const lane_mask lefter = lane_less(at_right, at_left);
  lane weight = lane_select(lefter, left, right), top = lane_select(lefter, at_left, at_right);
  const lane at_zero = blend_determinant(a, b, zero), at_one = blend_determinant(a, b, one);
  const lane_mask none = lane_not(lane_less(at_zero, top));
  weight = lane_select(none, zero, weight);
  top = lane_select(none, at_zero, top);
  return lane_select(lane_not(lane_less(at_one, top)), one, weight);
}

void WK_NAME(gauss_intersect)(const struct wk_gauss_block *a, const struct wk_gauss_block *b,
                              struct wk_gauss_block *out, wk_lane weight) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    lane ea[WK_GAUSS_ELEMENTS], eb[WK_GAUSS_ELEMENTS], u[GAUSS_PACKED], ia[GAUSS_PACKED], ib[GAUSS_PACKED];
    lane c[GAUSS_PACKED], p[GAUSS_PACKED], pull[GAUSS_N], x[GAUSS_N];
    lanes_load(ea, a->e, WK_GAUSS_ELEMENTS, first);
    lanes_load(eb, b->e, WK_GAUSS_ELEMENTS, first);
    lane_mask sane = definite_root(ea + GAUSS_N, u);
    root_inverse(u, ia);
    sane &= definite_root(eb + GAUSS_N, u);
    root_inverse(u, ib);
    const lane found = intersect_weight(ia, ib);
    blend(ia, ib, found, c);
    sane &= definite_root(c, u);
    root_inverse(u, p);
    const lane rest = lane_all(1.0) - found;
    for (int i = 0; i < GAUSS_N; i++) {
      lane sum = lane_all(0.0);
      for (int j = 0; j < GAUSS_N; j++) sum = lane_fma(ib[packed_at(GAUSS_N, i, j)], eb[j] - ea[j], sum);
      pull[i] = rest * sum;
    }
    for (int i = 0; i < GAUSS_N; i++) {
      lane sum = lane_all(0.0);
      for (int j = 0; j < GAUSS_N; j++) sum = lane_fma(p[packed_at(GAUSS_N, i, j)], pull[j], sum);
      x[i] = ea[i] + sum;
    }
    const lane w = lane_select(sane, found, lane_all(1.0));
    const lane_mask all_a = lane_equal(w, lane_all(1.0)), all_b = lane_equal(w, lane_all(0.0));
    for (int i = 0; i < WK_GAUSS_ELEMENTS; i++) {
      const lane mixed = i < GAUSS_N ? x[i] : p[i - GAUSS_N];
      lane_store(out->e[i] + first, lane_select(all_a, ea[i], lane_select(all_b, eb[i], mixed)));
    }
    lane_store(weight + first, w);
  }
}

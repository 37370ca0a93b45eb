/* Predict, gate and update of six states by a measured position in one body: level or free motion at constant
 * velocity, temporaries in registers, products with the known zeros of F and H left out (docs/maths.md L1 to
 * L4).
 *
 * A group is WK_WIDTH lanes of a block. Its one division is begun as soon as the determinant is there, and what the
 * adjugate alone can do is done while it is under way: S^-1 stands as adjugate times 1 / determinant to the end. */
#include "kernels/lane/imm_state.h"
#include "kernels/lane/variant.h"

enum { LINEAR_N = 6, LINEAR_PACKED = WK_PACKED(LINEAR_N), GROUPS = WK_LANES / WK_WIDTH };

/* What is found before the update: covariance of predicted position and velocity, the residual covariance's adjugate and 1 /
 * determinant, and the adjugate times the innovation (pull) and times that covariance (gain, columns one after another). */
struct linear_found {
  lane pv[9], adjugate[6], inverse, pull[3], gain[9], distance2;
};

WK_INLINE lane at(const wk_lane *from, int first) {
  return lane_load(*from + first);
}
WK_INLINE lane packed_load(const struct wk_linear_block *b, int i, int j, int first) {
  return at(&b->p[packed_at(LINEAR_N, i, j)], first);
}
WK_INLINE void packed_store(struct wk_linear_block *b, int i, int j, int first, lane v) {
  lane_store(b->p[packed_at(LINEAR_N, i, j)] + first, v);
}

/* Prediction as far as the residual covariance needs it (L1, L2): s with the noise and the measurement's variance, pv without. */
WK_INLINE void group_residual(const struct wk_linear_block *b, int first, double accel_psd, lane *s, lane *pv) {
  const lane dt = at(&b->dt_s, first), cube = dt * dt * dt, third = lane_all(accel_psd / 3.0);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      pv[3 * i + j] = lane_fma(dt, packed_load(b, 3 + i, 3 + j, first), packed_load(b, i, 3 + j, first));
    }
  }
  for (int i = 0; i < 3; i++) {
    for (int j = i; j < 3; j++) {
      lane was = packed_load(b, i, j, first);
      if (i == j) was = was + lane_fma(third, cube, at(&b->variance[i], first));
      s[packed_at(3, i, j)] = lane_fma(dt, packed_load(b, j, 3 + i, first) + pv[3 * i + j], was);
    }
  }
}

/* Adjugate, 1 / determinant. */
WK_INLINE void group_divide(const lane *s, struct linear_found *found) {
  lane *c = found->adjugate;
  c[0] = lane_fma(s[3], s[5], -(s[4] * s[4]));
  c[1] = lane_fma(s[2], s[4], -(s[1] * s[5]));
  c[2] = lane_fma(s[1], s[4], -(s[2] * s[3]));
  found->inverse = lane_all(1.0) / lane_fma(s[0], c[0], lane_fma(s[1], c[1], s[2] * c[2]));
  c[3] = lane_fma(s[0], s[5], -(s[2] * s[2]));
  c[4] = lane_fma(s[1], s[2], -(s[0] * s[4]));
  c[5] = lane_fma(s[0], s[3], -(s[1] * s[1]));
}

/* a times v, a symmetric and packed, v every `step`th from its first. */
WK_INLINE lane row_times(const lane *a, int row, const lane *v, int step) {
  const lane first = a[packed_at(3, row, 0)] * v[0];
  return lane_fma(a[packed_at(3, row, 2)], v[2 * step], lane_fma(a[packed_at(3, row, 1)], v[step], first));
}

/* All that comes before the update; the squared distance of the innovation (L3). */
WK_INLINE void group_before(const struct wk_linear_block *b, int first, double accel_psd, struct linear_found *found) {
  lane s[6], residual[3];
  group_residual(b, first, accel_psd, s, found->pv);
  group_divide(s, found);
  const lane dt = at(&b->dt_s, first), square = dt * dt, half = lane_all(accel_psd * 0.5);
  for (int i = 0; i < 3; i++) {
    const lane ahead = lane_fma(dt, at(&b->x[3 + i], first), at(&b->x[i], first));
    residual[i] = at(&b->z[i], first) - ahead;
    found->pv[4 * i] = lane_fma(half, square, found->pv[4 * i]);
  }
  for (int j = 0; j < 3; j++) {
    for (int i = 0; i < 3; i++) found->gain[3 * j + i] = row_times(found->adjugate, i, &found->pv[j], 3);
  }
  for (int i = 0; i < 3; i++) found->pull[i] = row_times(found->adjugate, i, residual, 1);
  found->distance2 = found->inverse * dot3(residual, found->pull);
}

/* Update (L4). Position by the measurement's own variance: z - R w, R - R S^-1 R. Then velocity, axis by
 * axis, so that few values are alive at a time. `to` may be b: whatever is written has been read. */
WK_INLINE void group_after(const struct wk_linear_block *b, int first, double accel_psd,
                           const struct linear_found *found, struct wk_linear_block *to) {
  lane by[3]; /* variance over determinant */
  for (int i = 0; i < 3; i++) by[i] = at(&b->variance[i], first) * found->inverse;
  for (int i = 0; i < 3; i++) {
    for (int j = i; j < 3; j++) {
      const lane variance = at(&b->variance[j], first), part = found->adjugate[packed_at(3, i, j)] * variance;
      packed_store(to, i, j, first, lane_fnma(part, by[i], i == j ? variance : lane_all(0.0)));
    }
    lane_store(to->x[i] + first, lane_fnma(by[i], found->pull[i], at(&b->z[i], first)));
  }
  const lane dt = at(&b->dt_s, first);
  for (int k = 0; k < 3; k++) {
    lane pv[3], speed = at(&b->x[3 + k], first);
    for (int i = 0; i < 3; i++) {
      pv[i] = found->pv[3 * i + k] * found->inverse;
      speed = lane_fma(pv[i], found->pull[i], speed);
      packed_store(to, i, 3 + k, first, by[i] * found->gain[3 * k + i]);
    }
    lane_store(to->x[3 + k] + first, speed);
    for (int j = 0; j <= k; j++) {
      lane rest = packed_load(b, 3 + j, 3 + k, first);
      if (j == k) rest = lane_fma(lane_all(accel_psd), dt, rest);
      for (int i = 0; i < 3; i++) rest = lane_fnma(found->gain[3 * j + i], pv[i], rest);
      packed_store(to, 3 + j, 3 + k, first, rest);
    }
  }
}

WK_INLINE lane_mask group_taken(const struct linear_found *found, double gate) {
  return lane_less(found->distance2, lane_all(gate)) & lane_less(lane_all(0.0), found->inverse);
}

/* The state that a lane keeps whose measurement lies outside the gate: the prediction alone. */
WK_INLINE void group_predict(const struct wk_linear_block *b, int first, double accel_psd,
                             const struct linear_found *found, struct wk_linear_block *to) {
  const lane dt = at(&b->dt_s, first), cube = dt * dt * dt;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      packed_store(to, i, 3 + j, first, found->pv[3 * i + j]);
      if (j < i) continue;
      const lane carried = lane_fma(dt, packed_load(b, 3 + i, 3 + j, first), packed_load(b, i, 3 + j, first));
      lane position = packed_load(b, i, j, first), speed = packed_load(b, 3 + i, 3 + j, first);
      if (i == j) {
        position = lane_fma(lane_all(accel_psd / 3.0), cube, position);
        speed = lane_fma(lane_all(accel_psd), dt, speed);
      }
      packed_store(to, i, j, first, lane_fma(dt, packed_load(b, j, 3 + i, first) + carried, position));
      packed_store(to, 3 + i, 3 + j, first, speed);
    }
    const lane speed = at(&b->x[3 + i], first);
    lane_store(to->x[3 + i] + first, speed);
    lane_store(to->x[i] + first, lane_fma(dt, speed, at(&b->x[i], first)));
  }
}

/* A group of which some lane's measurement is refused; out of the way of the others. */
static __attribute__((noinline)) void group_mixed(struct wk_linear_block *b, int first, double accel_psd,
                                                  double gate) {
  struct linear_found found;
  struct wk_linear_block updated, predicted;
  group_before(b, first, accel_psd, &found);
  const lane_mask taken = group_taken(&found, gate);
  const lane_mask sane = lane_less(lane_all(0.0), found.inverse) & lane_less(found.distance2, lane_all(1e300));
  group_after(b, first, accel_psd, &found, &updated);
  group_predict(b, first, accel_psd, &found, &predicted);
  for (int i = 0; i < LINEAR_N; i++) {
    lane_store(b->x[i] + first, lane_select(taken, at(&updated.x[i], first), at(&predicted.x[i], first)));
  }
  for (int i = 0; i < LINEAR_PACKED; i++) {
    lane_store(b->p[i] + first, lane_select(taken, at(&updated.p[i], first), at(&predicted.p[i], first)));
  }
  lane_store(b->distance2 + first, lane_select(sane, found.distance2, lane_all(1e300)));
}

/* The same block, of which the compiler knows no element: it loads what it needs once more where it would keep it from before in
 * registers, of which there are none left, and store and load it. */
WK_INLINE struct wk_linear_block *block_anew(struct wk_linear_block *b) {
  __asm__("" : "+r"(b));
  return b;
}

void WK_NAME(linear_step)(struct wk_linear_block *blocks, size_t count, double accel_psd, double gate) {
  for (size_t g = 0; g < count * GROUPS; g++) {
    struct wk_linear_block *b = &blocks[g / GROUPS];
    const int first = (int)(g % GROUPS) * WK_WIDTH;
    struct linear_found found;
    group_before(b, first, accel_psd, &found);
    if (__builtin_expect(!lane_every(group_taken(&found, gate)), 0)) {
      group_mixed(b, first, accel_psd, gate);
      continue;
    }
    b = block_anew(b);
    group_after(b, first, accel_psd, &found, b);
    lane_store(b->distance2 + first, found.distance2);
  }
}

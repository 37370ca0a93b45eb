/* Predict, gate and update of six states by a measured position in one body: level or free motion at constant
 * velocity, temporaries in registers, products with the known zeros of F and H left out (docs/maths.md L1 to
 * L4).
 *
 * A group is WK_WIDTH lanes of a block. Each group's work falls into what comes before the one division and
 * what comes after it; the division of the next group is begun before this one is finished, so that one's
 * arithmetic fills the other's wait. */
#include "kernels/lane/imm_state.h"
#include "kernels/lane/variant.h"

enum { LINEAR_N = 6, LINEAR_PACKED = WK_PACKED(LINEAR_N), GROUPS = WK_LANES / WK_WIDTH };

/* What a group carries over its division: covariance of predicted position and velocity, the adjugate of the
 * residual covariance, its determinant, innovation. */
struct linear_half {
  lane pv[9], adjugate[6], inverse, residual[3];
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

/* Prediction as far as the residual covariance needs it (L1, L2): pv without and pp with the noise and the
 * measurement's variance. */
WK_INLINE void group_before(const struct wk_linear_block *b, int first, double accel_psd,
                            struct linear_half *h) {
  const lane dt = at(&b->dt_s, first);
  const lane vv = lane_all(accel_psd) * dt, pv = vv * (dt * lane_all(0.5)),
             pp = pv * (dt * lane_all(2.0 / 3.0));
  lane s[6];
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      const lane was = packed_load(b, i, 3 + j, first);
      h->pv[3 * i + j] = lane_fma(dt, packed_load(b, 3 + i, 3 + j, first), was);
    }
  }
  for (int i = 0; i < 3; i++) {
    for (int j = i; j < 3; j++) {
      lane was = packed_load(b, i, j, first);
      if (i == j) was = was + (pp + at(&b->variance[i], first));
      s[packed_at(3, i, j)] = lane_fma(dt, packed_load(b, j, 3 + i, first) + h->pv[3 * i + j], was);
    }
    const lane ahead = lane_fma(dt, at(&b->x[3 + i], first), at(&b->x[i], first));
    h->residual[i] = at(&b->z[i], first) - ahead;
  }
  for (int i = 0; i < 3; i++) h->pv[3 * i + i] = h->pv[3 * i + i] + pv;
  lane *c = h->adjugate;
  c[0] = lane_fma(s[3], s[5], -(s[4] * s[4]));
  c[1] = lane_fma(s[2], s[4], -(s[1] * s[5]));
  c[2] = lane_fma(s[1], s[4], -(s[2] * s[3]));
  c[3] = lane_fma(s[0], s[5], -(s[2] * s[2]));
  c[4] = lane_fma(s[1], s[2], -(s[0] * s[4]));
  c[5] = lane_fma(s[0], s[3], -(s[1] * s[1]));
  const lane determinant = lane_fma(s[0], c[0], lane_fma(s[1], c[1], s[2] * c[2]));
  h->inverse = lane_all(1.0) / determinant;
}

/* Inverse of the residual covariance, what it makes of the innovation, and the squared distance (L3). */
WK_INLINE lane group_distance(const struct linear_half *h, lane *inverse, lane *pull) {
  for (int i = 0; i < 6; i++) inverse[i] = h->adjugate[i] * h->inverse;
  for (int i = 0; i < 3; i++) {
    pull[i] = inverse[packed_at(3, i, 0)] * h->residual[0];
    for (int j = 1; j < 3; j++) pull[i] = lane_fma(inverse[packed_at(3, i, j)], h->residual[j], pull[i]);
  }
  return dot3(h->residual, pull);
}

/* Update (L4). Position by the measurement's own variance: z - R w, R - R S^-1 R. Then velocity, axis by
 * axis, so that few values are alive at a time. `to` may be b: whatever is written has been read. */
WK_INLINE void group_after(const struct wk_linear_block *b, int first, double accel_psd,
                           const struct linear_half *h, const lane *inverse, const lane *pull,
                           struct wk_linear_block *to) {
  lane variance[3];
  for (int i = 0; i < 3; i++) variance[i] = at(&b->variance[i], first);
  for (int i = 0; i < 3; i++) {
    for (int j = i; j < 3; j++) {
      const lane part = inverse[packed_at(3, i, j)] * variance[j];
      packed_store(to, i, j, first, lane_fnma(part, variance[i], i == j ? variance[i] : lane_all(0.0)));
    }
    lane_store(to->x[i] + first, lane_fnma(variance[i], pull[i], at(&b->z[i], first)));
  }
  const lane noise = lane_all(accel_psd) * at(&b->dt_s, first);
  for (int j = 0; j < 3; j++) {
    lane gain[3],
        speed = at(&b->x[3 + j], first); /* S^-1 times the covariance of position and velocity, column j */
    for (int i = 0; i < 3; i++) {
      gain[i] = inverse[packed_at(3, i, 0)] * h->pv[j];
      for (int k = 1; k < 3; k++) gain[i] = lane_fma(inverse[packed_at(3, i, k)], h->pv[3 * k + j], gain[i]);
      packed_store(to, i, 3 + j, first, variance[i] * gain[i]);
      speed = lane_fma(h->pv[3 * i + j], pull[i], speed);
    }
    lane_store(to->x[3 + j] + first, speed);
    for (int k = j; k < 3; k++) {
      lane rest = packed_load(b, 3 + j, 3 + k, first);
      if (j == k) rest = rest + noise;
      for (int i = 0; i < 3; i++) rest = lane_fnma(gain[i], h->pv[3 * i + k], rest);
      packed_store(to, 3 + j, 3 + k, first, rest);
    }
  }
}

WK_INLINE lane_mask group_taken(const struct linear_half *h, lane distance2, double gate) {
  return lane_less(distance2, lane_all(gate)) & lane_less(lane_all(0.0), h->inverse);
}

/* The state that a lane keeps whose measurement lies outside the gate: the prediction alone. */
WK_INLINE void group_predict(const struct wk_linear_block *b, int first, double accel_psd,
                             const struct linear_half *h, struct wk_linear_block *to) {
  const lane dt = at(&b->dt_s, first);
  const lane vv = lane_all(accel_psd) * dt, pp = vv * (dt * lane_all(0.5)) * (dt * lane_all(2.0 / 3.0));
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      packed_store(to, i, 3 + j, first, h->pv[3 * i + j]);
      if (j < i) continue;
      const lane carried = lane_fma(dt, packed_load(b, 3 + i, 3 + j, first), packed_load(b, i, 3 + j, first));
      lane position = packed_load(b, i, j, first), speed = packed_load(b, 3 + i, 3 + j, first);
      if (i == j) {
        position = position + pp;
        speed = speed + vv;
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
  struct linear_half h;
  struct wk_linear_block updated, predicted;
  lane inverse[6], pull[3];
  group_before(b, first, accel_psd, &h);
  const lane distance2 = group_distance(&h, inverse, pull);
  const lane_mask taken = group_taken(&h, distance2, gate);
  const lane_mask sane = lane_less(lane_all(0.0), h.inverse) & lane_less(distance2, lane_all(1e300));
  group_after(b, first, accel_psd, &h, inverse, pull, &updated);
  group_predict(b, first, accel_psd, &h, &predicted);
  for (int i = 0; i < LINEAR_N; i++) {
    lane_store(b->x[i] + first, lane_select(taken, at(&updated.x[i], first), at(&predicted.x[i], first)));
  }
  for (int i = 0; i < LINEAR_PACKED; i++) {
    lane_store(b->p[i] + first, lane_select(taken, at(&updated.p[i], first), at(&predicted.p[i], first)));
  }
  lane_store(b->distance2 + first, lane_select(sane, distance2, lane_all(1e300)));
}

/* Group g of all blocks, up to its division and from it on. */
WK_INLINE void group_begin(const struct wk_linear_block *blocks, size_t g, double accel_psd,
                           struct linear_half *h) {
  group_before(&blocks[g / GROUPS], (int)(g % GROUPS) * WK_WIDTH, accel_psd, h);
}
WK_INLINE void group_finish(struct wk_linear_block *blocks, size_t g, double accel_psd, double gate,
                            const struct linear_half *h) {
  struct wk_linear_block *b = &blocks[g / GROUPS];
  const int first = (int)(g % GROUPS) * WK_WIDTH;
  lane inverse[6], pull[3];
  const lane distance2 = group_distance(h, inverse, pull);
  if (__builtin_expect(!lane_every(group_taken(h, distance2, gate)), 0)) {
    group_mixed(b, first, accel_psd, gate);
    return;
  }
  group_after(b, first, accel_psd, h, inverse, pull, b);
  lane_store(b->distance2 + first, distance2);
}

/* Two groups a turn, so that neither's half is ever copied. */
void WK_NAME(linear_step)(struct wk_linear_block *blocks, size_t count, double accel_psd, double gate) {
  const size_t groups = count * GROUPS;
  if (groups == 0) return;
  struct linear_half even, odd;
  size_t g = 0;
  group_begin(blocks, 0, accel_psd, &even);
  for (; g + 2 < groups; g += 2) {
    group_begin(blocks, g + 1, accel_psd, &odd);
    group_finish(blocks, g, accel_psd, gate, &even);
    group_begin(blocks, g + 2, accel_psd, &even);
    group_finish(blocks, g + 1, accel_psd, gate, &odd);
  }
  group_finish(blocks, g, accel_psd, gate, &even);
  if (g + 1 < groups) {
    group_begin(blocks, g + 1, accel_psd, &odd);
    group_finish(blocks, g + 1, accel_psd, gate, &odd);
  }
}

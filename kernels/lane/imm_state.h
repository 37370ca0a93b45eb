/* A bank's block seen by a lane body: runs of elements (a state, a packed covariance) in and out of local arrays, and
 * where an element of a packed symmetric matrix lies. */
#ifndef WK_IMM_STATE_H
#define WK_IMM_STATE_H

#include "kernels/lane/lane.h"

/* Weights never fall below this, so that a mode that was wrong for long can still come back. The last digit keeps the
 * weight above 1e-9 after the division by a sum that the floor itself has raised. */
#define IMM_WEIGHT_FLOOR 1.00000001e-9

/* Above the staging altitude both unrest (M7) and the rate of ignition (M13) fall by a factor e with each such height. */
#define IMM_STAGING_SCALE_M 8e3

enum { IMM_STATE_MAX = 9, IMM_PACKED_MAX = WK_PACKED(IMM_STATE_MAX) };

/* A mode's state and packed covariance in the lanes at hand. */
struct imm_mode {
  lane x[IMM_STATE_MAX];
  lane p[IMM_PACKED_MAX];
};

/* Elements of a block where they lie, as lanes LANES_APART from each other: what is read once or written once needs no copy. */
enum { LANES_APART = WK_LANES / WK_WIDTH };
WK_INLINE lane *lanes_at(wk_lane *e, int first) { return (lane *)(void *)(*e + first); }

WK_INLINE int packed_at(int n, int i, int j) { return i <= j ? WK_AT(n, i, j) : WK_AT(n, j, i); }

/* `count` elements from `from` on, lanes `first` to first + WK_WIDTH - 1. */
WK_INLINE void lanes_load(lane *to, const wk_lane *from, int count, int first) {
  for (int i = 0; i < count; i++) to[i] = lane_load(from[i] + first);
}
WK_INLINE void lanes_store(wk_lane *to, const lane *from, int count, int first) {
  for (int i = 0; i < count; i++) lane_store(to[i] + first, from[i]);
}
/* Only where the mask is set; other lanes keep every bit. */
WK_INLINE void lanes_store_where(wk_lane *to, const lane *from, int count, int first, lane_mask where) {
  if (lane_every(where)) {
    lanes_store(to, from, count, first);
    return;
  }
  for (int i = 0; i < count; i++) {
    lane_store(to[i] + first, lane_select(where, from[i], lane_load(to[i] + first)));
  }
}

WK_INLINE void mode_load(struct imm_mode *mode, int n, const wk_lane *x, int first) {
  lanes_load(mode->x, x, n, first);
  lanes_load(mode->p, x + n, WK_PACKED(n), first);
}
WK_INLINE void mode_store(const struct imm_mode *mode, int n, wk_lane *x, int first) {
  lanes_store(x, mode->x, n, first);
  lanes_store(x + n, mode->p, WK_PACKED(n), first);
}
WK_INLINE void mode_store_where(const struct imm_mode *mode, int n, wk_lane *x, int first, lane_mask where) {
  lanes_store_where(x, mode->x, n, first, where);
  lanes_store_where(x + n, mode->p, WK_PACKED(n), first, where);
}

WK_INLINE lane dot3(const lane *a, const lane *b) { return lane_fma(a[0], b[0], lane_fma(a[1], b[1], a[2] * b[2])); }
WK_INLINE void cross3(const lane *a, const lane *b, lane *c) {
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

/* Floored, normalised weights. */
WK_INLINE void weights_normalise(lane *weight, int modes) {
  lane sum = lane_all(0.0);
  for (int m = 0; m < modes; m++) sum = sum + weight[m];
  const lane per_sum = lane_all(1.0) / sum;
  lane floored = lane_all(0.0);
  for (int m = 0; m < modes; m++) {
    weight[m] = lane_max(weight[m] * per_sum, lane_all(IMM_WEIGHT_FLOOR));
    floored = floored + weight[m];
  }
  const lane per_floored = lane_all(1.0) / floored;
  for (int m = 0; m < modes; m++) weight[m] = weight[m] * per_floored;
}

#endif

/* Sigma points in lanes (Julier, Uhlmann 2004): prediction through any motion and update by any measurement, with no
 * Jacobian. Dimensions are constants at each call, the model is an always-inline function that the compiler sees through,
 * so that each use becomes one body of lane arithmetic; as everywhere here a lane never sees its neighbours and all widths
 * give the same bits. Matrices are packed as in wk.h. docs/maths.md S1 to S6. */
#ifndef WK_SIGMA_H
#define WK_SIGMA_H

#include "kernels/lane/imm_state.h"
#include "kernels/lane/lane_math.h"

enum { SIGMA_STATE_MAX = IMM_STATE_MAX, SIGMA_PACKED_MAX = IMM_PACKED_MAX, SIGMA_MEASURE_MAX = 6,
       SIGMA_SIDES_MAX = 2 * SIGMA_STATE_MAX };
/* A pivot below this part of its variance is rounding: the direction counts as known exactly. */
#define SIGMA_PIVOT_LEAST 1e-13
#define SIGMA_TURN (2.0 * 3.14159265358979323846)
#define SIGMA_ABSURD 1e300 /* distance of what no lane can explain */

/* Moves a point by one step, in place. */
typedef void (*sigma_motion)(lane *x, const void *context);
/* What a sensor would measure of a point. */
typedef void (*sigma_sensor)(const lane *x, lane *z, const void *context);

/* How far out the points lie and how they count (S1). */
struct sigma_spread {
  double reach;       /* sigmas from the centre, > 0 */
  double side;        /* weight of each point but the centre */
  double centre_more; /* weight of the centre's deviation in covariances */
};

/* A measurement of the lanes at hand. */
struct sigma_measure {
  lane z[SIGMA_MEASURE_MAX];
  lane r[WK_PACKED(SIGMA_MEASURE_MAX)];  /* covariance, packed by the dimension of the measurement */
  lane_mask present[SIGMA_MEASURE_MAX];  /* absent components have no influence on anything; r must be diagonal there */
};

struct sigma_evidence {
  lane log_likelihood; /* ln N(z; zbar, S) over present components; -1e300 where refused */
  lane distance2;      /* squared Mahalanobis distance; 1e300 where refused */
};

/* The scaled set (S1). alpha = 1, beta = 2, kappa = 0 serves well: the points lie sqrt(n) sigmas out and no weight is negative, so
 * that the covariance stays definite whatever the model. */
WK_INLINE struct sigma_spread sigma_spread_of(int n, double alpha, double beta, double kappa) {
  const double reach2 = alpha * alpha * (n + kappa);
  return (struct sigma_spread){.reach = __builtin_sqrt(reach2), .side = 0.5 / reach2,
                               .centre_more = 1.0 - n / reach2 + 1.0 - alpha * alpha + beta};
}

/* The first `rows` rows of the upper triangular root U of p = U'U, packed (S2). A pivot that is not above the rounding of its
 * variance leaves a row of zeros. Returns the lanes whose leading matrix is semi-definite up to that rounding. */
WK_INLINE lane_mask sigma_root_rows(int n, int rows, const lane *p, lane *u) {
  const lane zero = lane_all(0.0);
  lane_mask sound = lane_equal(zero, zero);
  for (int j = 0; j < rows; j++) {
    lane pivot = p[packed_at(n, j, j)];
    const lane least = pivot * lane_all(SIGMA_PIVOT_LEAST);
    for (int k = 0; k < j; k++) pivot = lane_fma(-u[packed_at(n, k, j)], u[packed_at(n, k, j)], pivot);
    const lane_mask positive = lane_less(least, pivot) & lane_less(zero, pivot) & lane_less(pivot, lane_all(SIGMA_ABSURD));
    sound &= positive | (lane_less(lane_abs(pivot), least) | lane_equal(pivot, zero));
    const lane root = lane_sqrt(lane_select(positive, pivot, lane_all(1.0)));
    const lane inverse = lane_select(positive, lane_all(1.0) / root, zero);
    u[packed_at(n, j, j)] = lane_select(positive, root, zero);
    for (int i = j + 1; i < n; i++) {
      lane sum = p[packed_at(n, j, i)];
      for (int k = 0; k < j; k++) sum = lane_fma(-u[packed_at(n, k, j)], u[packed_at(n, k, i)], sum);
      u[packed_at(n, j, i)] = lane_select(positive, sum * inverse, zero);
    }
  }
  return sound;
}

WK_INLINE lane_mask sigma_root(int n, const lane *p, lane *u) { return sigma_root_rows(n, n, p, u); }

/* Lanes whose p is positive definite beyond doubt: every pivot above 0. */
WK_INLINE lane_mask sigma_definite(int n, const lane *p) {
  const lane zero = lane_all(0.0);
  lane u[SIGMA_PACKED_MAX];
  lane_mask definite = lane_equal(zero, zero);
  for (int j = 0; j < n; j++) {
    lane pivot = p[packed_at(n, j, j)];
    for (int k = 0; k < j; k++) pivot = lane_fma(-u[packed_at(n, k, j)], u[packed_at(n, k, j)], pivot);
    const lane_mask positive = lane_less(zero, pivot);
    definite &= positive;
    const lane inverse = lane_all(1.0) / lane_sqrt(lane_select(positive, pivot, lane_all(1.0)));
    for (int i = j + 1; i < n; i++) {
      lane sum = p[packed_at(n, j, i)];
      for (int k = 0; k < j; k++) sum = lane_fma(-u[packed_at(n, k, j)], u[packed_at(n, k, i)], sum);
      u[packed_at(n, j, i)] = sum * inverse;
    }
  }
  return definite;
}

/* Side point s of 2 n: x plus (s even) or minus (s odd) reach times row s / 2 of the root (S3). */
WK_INLINE void sigma_point(int n, const struct sigma_spread *spread, const lane *x, const lane *u, int s, lane *point) {
  const int j = s / 2;
  const lane reach = lane_all(s % 2 ? -spread->reach : spread->reach);
  for (int i = 0; i < n; i++) point[i] = i < j ? x[i] : lane_fma(reach, u[packed_at(n, j, i)], x[i]);
}

/* Moments of 2 n deviations from the centre's image, added to `covariance` (k x k packed) (S4). */
WK_INLINE void sigma_moments(int n, int k, const struct sigma_spread *spread, lane (*deviation)[SIGMA_STATE_MAX],
                             lane *mean, lane *covariance) {
  const lane side = lane_all(spread->side), more = lane_all(spread->centre_more);
  for (int i = 0; i < k; i++) {
    lane sum = lane_all(0.0);
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) the caller wrote all 2 n
    for (int s = 0; s < 2 * n; s += 2) sum = sum + (deviation[s][i] + deviation[s + 1][i]);
    mean[i] = side * sum;
  }
  for (int i = 0; i < k; i++) {
    for (int j = i; j < k; j++) {
      lane sum = lane_all(0.0);
      for (int s = 0; s < 2 * n; s++) sum = lane_fma(deviation[s][i] - mean[i], deviation[s][j] - mean[j], sum);
      const lane centre = more * mean[i] * mean[j];
      covariance[packed_at(k, i, j)] = lane_fma(side, sum, covariance[packed_at(k, i, j)] + centre);
    }
  }
}

/* Moves a Gaussian of n states and adds q (packed, or NULL). Returns the lanes whose covariance was sound. */
WK_INLINE lane_mask sigma_predict(int n, const struct sigma_spread *spread, sigma_motion motion, const void *context,
                                  const lane *q, lane *x, lane *p) {
  lane u[SIGMA_PACKED_MAX], centre[SIGMA_STATE_MAX], mean[SIGMA_STATE_MAX], deviation[SIGMA_SIDES_MAX][SIGMA_STATE_MAX];
  const lane_mask sound = sigma_root(n, p, u);
  for (int i = 0; i < n; i++) centre[i] = x[i];
  motion(centre, context);
  for (int s = 0; s < 2 * n; s++) {
    sigma_point(n, spread, x, u, s, deviation[s]);
    motion(deviation[s], context);
    for (int i = 0; i < n; i++) deviation[s][i] = deviation[s][i] - centre[i];
  }
  for (int i = 0; i < WK_PACKED(n); i++) p[i] = q ? q[i] : lane_all(0.0);
  sigma_moments(n, n, spread, deviation, mean, p);
  for (int i = 0; i < n; i++) x[i] = centre[i] + mean[i];
  return sound;
}

/* The linear update by a triangular root of s: cross covariance c, innovation covariance s (packed), innovation v (S6). Lanes
 * where s is not definite or the distance no number keep every bit of x and p; returns the others. Also what an EKF ends
 * with, c = P H'. */
WK_INLINE lane_mask sigma_gain(int n, int m, lane (*c)[SIGMA_MEASURE_MAX], const lane *s, const lane *v, lane *x, lane *p,
                               struct sigma_evidence *evidence) {
  const lane zero = lane_all(0.0), absurd = lane_all(SIGMA_ABSURD);
  lane u[WK_PACKED(SIGMA_MEASURE_MAX)], w[SIGMA_MEASURE_MAX], inverse[SIGMA_MEASURE_MAX];
  lane_mask sane = sigma_root(m, s, u);
  lane volume = lane_all(1.0), distance2 = zero;
  for (int j = 0; j < m; j++) {
    const lane root = u[packed_at(m, j, j)];
    const lane_mask positive = lane_less(zero, root);
    sane &= positive;
    inverse[j] = lane_all(1.0) / lane_select(positive, root, lane_all(1.0));
    lane sum = v[j];
    for (int k = 0; k < j; k++) sum = lane_fma(-u[packed_at(m, k, j)], w[k], sum);
    w[j] = sum * inverse[j];
    volume = volume * (root * root * lane_all(SIGMA_TURN));
    distance2 = lane_fma(w[j], w[j], distance2);
  }
  sane &= lane_less(distance2, absurd) & lane_less(zero, volume);
  for (int a = 0; a < n; a++) {
    lane moved = x[a];
    for (int j = 0; j < m; j++) {
      lane sum = c[a][j];
      for (int k = 0; k < j; k++) sum = lane_fma(-u[packed_at(m, k, j)], c[a][k], sum);
      c[a][j] = sum * inverse[j];
      moved = lane_fma(c[a][j], w[j], moved);
    }
    x[a] = lane_select(sane, moved, x[a]);
    for (int b = 0; b <= a; b++) {
      lane sum = p[packed_at(n, b, a)];
      for (int j = 0; j < m; j++) sum = lane_fma(-c[b][j], c[a][j], sum);
      p[packed_at(n, b, a)] = lane_select(sane, sum, p[packed_at(n, b, a)]);
    }
  }
  evidence->distance2 = lane_select(sane, distance2, absurd);
  const lane density = lane_all(-0.5) * (lane_log(lane_select(sane, volume, lane_all(1.0))) + distance2);
  evidence->log_likelihood = lane_select(sane, density, -absurd);
  return sane;
}

/* Bit c of `turns` says that component c is an angle: its differences are wrapped into half a turn either way. */
WK_INLINE lane sigma_difference(int turns, int c, lane a, lane b) {
  const lane raw = a - b;
  return turns >> c & 1 ? lane_fma(lane_round(raw * lane_all(1.0 / SIGMA_TURN)), lane_all(-SIGMA_TURN), raw) : raw;
}

/* Updates a Gaussian of n states by a measurement of m components of which only the first `seen` states say anything (S5 to S7).
 * The spread is that of `seen` dimensions. Returns the lanes that were updated. */
WK_INLINE lane_mask sigma_update_seen(int n, int seen, int m, const struct sigma_spread *spread, sigma_sensor sensor, const void *context,
                                 int turns, const struct sigma_measure *measure, lane *x, lane *p,
                                 struct sigma_evidence *evidence) {
  const lane zero = lane_all(0.0);
  lane u[SIGMA_PACKED_MAX], centre[SIGMA_MEASURE_MAX], mean[SIGMA_MEASURE_MAX], v[SIGMA_MEASURE_MAX];
  lane cross[SIGMA_STATE_MAX][SIGMA_MEASURE_MAX], s[WK_PACKED(SIGMA_MEASURE_MAX)];
  lane deviation[SIGMA_SIDES_MAX][SIGMA_STATE_MAX];
  const lane_mask sound = sigma_root_rows(n, seen, p, u);
  sensor(x, centre, context);
  for (int k = 0; k < 2 * seen; k++) {
    lane point[SIGMA_STATE_MAX], z[SIGMA_MEASURE_MAX];
    sigma_point(n, spread, x, u, k, point);
    sensor(point, z, context);
    for (int c = 0; c < m; c++) {
      deviation[k][c] = lane_select(measure->present[c], sigma_difference(turns, c, z[c], centre[c]), zero);
    }
  }
  for (int c = 0; c < m; c++) {
    for (int d = c; d < m; d++) {
      const lane_mask both = measure->present[c] & measure->present[d];
      s[packed_at(m, c, d)] = lane_select(both, measure->r[packed_at(m, c, d)], c == d ? lane_all(1.0 / SIGMA_TURN) : zero);
    }
  }
  sigma_moments(seen, m, spread, deviation, mean, s);
  const lane weight = lane_all(spread->side * spread->reach);
  for (int c = 0; c < m; c++) {
    v[c] = lane_select(measure->present[c], sigma_difference(turns, c, measure->z[c], centre[c] + mean[c]), zero);
    for (int a = 0; a < n; a++) {
      lane sum = zero;
      // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) the first loop wrote 2 * seen
      for (int j = 0; j <= a && j < seen; j++) sum = lane_fma(u[packed_at(n, j, a)], deviation[2 * j + 0][c] - deviation[2 * j + 1][c], sum);
      cross[a][c] = weight * sum;
    }
  }
  lane kept_x[SIGMA_STATE_MAX], kept_p[SIGMA_PACKED_MAX];
  for (int i = 0; i < n; i++) kept_x[i] = x[i];
  for (int i = 0; i < WK_PACKED(n); i++) kept_p[i] = p[i];
  const lane_mask sane = sigma_gain(n, m, cross, s, v, x, p, evidence) & sound;
  for (int i = 0; i < n; i++) x[i] = lane_select(sane, x[i], kept_x[i]);
  for (int i = 0; i < WK_PACKED(n); i++) p[i] = lane_select(sane, p[i], kept_p[i]);
  evidence->distance2 = lane_select(sane, evidence->distance2, lane_all(SIGMA_ABSURD));
  evidence->log_likelihood = lane_select(sane, evidence->log_likelihood, lane_all(-SIGMA_ABSURD));
  return sane;
}

/* The same where the measurement depends on every state. */
WK_INLINE lane_mask sigma_update(int n, int m, const struct sigma_spread *spread, sigma_sensor sensor, const void *context,
                                 int turns, const struct sigma_measure *measure, lane *x, lane *p,
                                 struct sigma_evidence *evidence) {
  return sigma_update_seen(n, n, m, spread, sensor, context, turns, measure, x, p, evidence);
}

#endif

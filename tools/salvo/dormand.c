#include "tools/salvo/dormand.h"

#include <math.h>

#include "tools/salvo/salvo_earth.h"

/* J. R. Dormand, P. J. Prince, A family of embedded Runge-Kutta formulae, J. Comp. Appl. Math. 6 (1980). The last stage of a
 * step is the first of the next. */
enum { STAGES = 7, STEPS_MAX = 1000000, FLOOR_ITERATIONS_MAX = 80 };
static const double NODE[STAGES] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
static const double WEIGHT[STAGES][STAGES - 1] = {
    {0},
    {1.0 / 5},
    {3.0 / 40, 9.0 / 40},
    {44.0 / 45, -56.0 / 15, 32.0 / 9},
    {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
    {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
    {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
static const double ERROR[STAGES] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                     -17253.0 / 339200, 22.0 / 525, -1.0 / 40};

/* One step of h from `state` with acceleration `a0`; returns the error as a multiple of the tolerance. */
static double step(const struct dormand *run, double time_s, double h, const struct state *state, const double a0[3],
                   struct state *next, double next_a[3]) {
  double kr[STAGES][3], kv[STAGES][3];
  for (int i = 0; i < 3; i++) {
    kr[0][i] = state->v[i];
    kv[0][i] = a0[i];
  }
  for (int s = 1; s < STAGES; s++) {
    struct state at = *state;
    for (int j = 0; j < s; j++) {
      for (int i = 0; i < 3; i++) {
        at.r[i] += h * WEIGHT[s][j] * kr[j][i];
        at.v[i] += h * WEIGHT[s][j] * kv[j][i];
      }
    }
    for (int i = 0; i < 3; i++) kr[s][i] = at.v[i];
    run->force(run->context, time_s + NODE[s] * h, &at, kv[s]);
    if (s == STAGES - 1) *next = at;
  }
  double worst = 0;
  for (int i = 0; i < 3; i++) {
    double er = 0, ev = 0;
    for (int s = 0; s < STAGES; s++) {
      er += h * ERROR[s] * kr[s][i];
      ev += h * ERROR[s] * kv[s][i];
    }
    worst = fmax(worst, fmax(fabs(er), 100 * fabs(ev)) / run->tolerance_m);
    next_a[i] = kv[STAGES - 1][i];
  }
  return worst;
}

static double floor_gap(const struct dormand *run, const double r[3]) {
  if (run->floor_m < -1e8) return 1;
  return earth_geodetic(r).height_m - run->floor_m;
}

/* Bisects the piece for the crossing of the floor and cuts it there. */
static void floor_cut(const struct dormand *run, struct path_piece *piece, struct state *state) {
  double low = piece->begin_s, high = piece->begin_s + piece->length_s;
  for (int i = 0; i < FLOOR_ITERATIONS_MAX && high - low > 1e-9; i++) {
    double middle = (low + high) / 2;
    piece_at(piece, middle, state);
    if (floor_gap(run, state->r) > 0)
      low = middle;
    else
      high = middle;
  }
  piece_at(piece, high, state);
  double keep = (high - piece->begin_s) / piece->length_s, power = 1;
  for (int k = 0; k < 6; k++) {
    for (int i = 0; i < 3; i++) piece->c[i][k] *= power;
    power *= keep;
  }
  piece->length_s = high - piece->begin_s;
}

enum dormand_end dormand_run(const struct dormand *run, double *time_s, double until_s, struct state *state) {
  double a[3], h = fmin(0.01, until_s - *time_s);
  struct path local = {0}, *path = run->path ? run->path : &local;
  enum dormand_end end = DORMAND_STUCK;
  bool above = floor_gap(run, state->r) > 0; /* a launch pad is on the floor: only a crossing from above counts */
  run->force(run->context, *time_s, state, a);
  for (int n = 0; n < STEPS_MAX; n++) {
    if (until_s - *time_s <= 1e-9) {
      end = DORMAND_TIME;
      break;
    }
    bool last = h >= until_s - *time_s;
    if (last) h = until_s - *time_s;
    struct state next;
    double next_a[3], error = step(run, *time_s, h, state, a, &next, next_a);
    if (!(error <= 1)) {
      h *= error < 1e9 ? fmax(0.2, 0.9 * pow(error, -0.2)) : 0.1; /* also shrinks on NaN */
      if (h < 1e-7) break;
      continue;
    }
    if (!run->path) local.count = 0;
    path_append(path, *time_s, h, state, a, &next, next_a);
    bool below = floor_gap(run, next.r) <= 0;
    if (above && below) {
      struct path_piece *piece = &path->pieces[path->count - 1];
      floor_cut(run, piece, state);
      *time_s = piece->begin_s + piece->length_s;
      end = DORMAND_FLOOR;
      break;
    }
    above = above || !below;
    *time_s = last ? until_s : *time_s + h;
    *state = next;
    for (int i = 0; i < 3; i++) a[i] = next_a[i];
    h = fmin(run->step_max_s, h * fmin(4, 0.9 * pow(fmax(error, 1e-6), -0.2)));
  }
  path_free(&local);
  return end;
}

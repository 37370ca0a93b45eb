#include "kernels/ref/ref_impact.h"

#include <math.h>
#include <string.h>

struct way {
  double log_drag, pitch, side;
  const struct ref_burn *burn;
  ref_density density;
};

static double dot(const double *a, const double *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static void normalise(double *a) {
  const double length = sqrt(dot(a, a));
  for (int c = 0; c < 3; c++) a[c] /= length;
}

static void cross(const double *a, const double *b, double *c) {
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

/* Which burn the moment belongs to, or -1; `since_s` into it. */
static int burn_at(const struct way *way, double t, double *since_s) {
  for (int b = 0; b < WK_FALL_BURNS; b++) {
    if (t < way->burn[b].length_s) {
      *since_s = t;
      return b;
    }
    t -= way->burn[b].length_s;
  }
  return -1;
}

static void rate_at(const struct way *way, int burn, double since_s, const double *x, double *rate) {
  double full[REF_N_MAX] = {0}, state[REF_N_MAX] = {0}, up[3];
  const struct wk_tuning tuning = {0};
  memcpy(state, x, 6 * sizeof *x);
  state[6] = way->log_drag;
  const double height = ref_height(x, up);
  const int braked = burn < 0 && way->log_drag >= -30.0 && height < 120e3;
  ref_rate(braked ? WK_REENTRY : WK_COAST, state, &tuning, way->density, full);
  memcpy(rate, full, 6 * sizeof *rate);
  if (burn < 0) return;
  double ahead[3] = {x[3], x[4], x[5]}, right[3], lift[3], push[3];
  normalise(ahead);
  cross(ahead, up, right);
  normalise(right);
  cross(right, ahead, lift);
  for (int c = 0; c < 3; c++) push[c] = ahead[c] + way->pitch * lift[c] + way->side * right[c];
  normalise(push);
  const struct ref_burn *now = &way->burn[burn];
  const double force = fmin(300.0, now->thrust_mps2 / (1.0 - now->thrust_mps2 * since_s / now->exhaust_mps));
  for (int c = 0; c < 3; c++) rate[3 + c] += force * push[c];
}

static void step_take(const struct way *way, double t, double h, double *x) {
  double k[4][6], at[6], since_s = 0;
  const int burn = burn_at(way, t, &since_s);
  const double part[4] = {0, 0.5, 0.5, 1};
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < 6; i++) at[i] = stage ? x[i] + part[stage] * h * k[stage - 1][i] : x[i];
    rate_at(way, burn, since_s + part[stage] * h, at, k[stage]);
  }
  for (int i = 0; i < 6; i++) x[i] += h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
}

double ref_fall(double p[3], double v[3], double log_drag, const struct ref_burn burn[WK_FALL_BURNS], double pitch, double side,
                ref_density density, double step_s, double limit_s) {
  const struct way way = {log_drag, pitch, side, burn, density};
  double x[6], before[6], up[3], t = 0;
  memcpy(x, p, sizeof(double[3]));
  memcpy(x + 3, v, sizeof(double[3]));
  for (;;) {
    memcpy(before, x, sizeof x);
    double since_s = 0, h = step_s;
    const int now = burn_at(&way, t, &since_s);
    if (now >= 0) h = fmin(h, burn[now].length_s - since_s + 1e-12);
    step_take(&way, t, h, x);
    if (ref_height(x, up) < 0 && (dot(up, x + 3) < 0) == (step_s > 0)) break;
    t += fabs(h);
    if (t > limit_s) return -1;
  }
  double low = 0, high = step_s; /* the ground lies within the last step */
  for (int i = 0; i < 60; i++) {
    const double middle = (low + high) / 2;
    memcpy(x, before, sizeof x);
    step_take(&way, t, middle, x);
    if (ref_height(x, up) > 0)
      low = middle;
    else
      high = middle;
  }
  memcpy(p, x, sizeof(double[3]));
  memcpy(v, x + 3, sizeof(double[3]));
  return t + fabs(low);
}

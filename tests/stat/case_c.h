/* What the two tests of published case C share: the scene of demoBallisticScenario in the NRL Tracker Component Library (Crouse
 * 2015). A radar in the Aleutians, two ballistic targets 50 m apart along its line of sight, a hundred looks. */
#ifndef WEFT_TESTS_CASE_C_H
#define WEFT_TESTS_CASE_C_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/ref/ref_earth.h"
#include "kernels/wk.h"

#define CASE_C_DEGREE 0.017453292519943295
enum { LOOKS = 100, SETTLED = 30, TARGETS = 2, SEED = 20150601 };
#define SPACING_M 50.0
#define SIGMA_RANGE_M 10.0
#define SIGMA_ANGLE (0.1 * CASE_C_DEGREE)
#define WINDOW_M 50e3
#define WINDOW_DEG 2.0
#define CLUTTER_DENSITY 1e-2 /* per m rad^2 */
#define DETECTION_PROBABILITY 0.8
#define ELEVATION_MIN (10 * CASE_C_DEGREE)

/* Position and velocity in ECEF, SI. */
struct target {
  double p[3], v[3];
};

struct radar {
  double position_m[3], enu[9];
};

struct looks {
  double time_s[LOOKS];
  struct target at[LOOKS][TARGETS];
};

/* Gravity with J2 and the rotation of the axes. */
static void acceleration(const struct target *b, double a[3]) {
  const double w = 7.292115e-5;
  ref_gravity(b->p, a);
  a[0] += 2 * w * b->v[1] + w * w * b->p[0];
  a[1] += -2 * w * b->v[0] + w * w * b->p[1];
}

static void fly(struct target *b, double h) {
  struct target at = *b;
  double v[4][3], a[4][3];
  for (int k = 0; k < 4; k++) {
    const double part = k == 0 ? 0 : k == 3 ? h : h / 2;
    for (int i = 0; i < 3 && k > 0; i++) {
      at.p[i] = b->p[i] + part * v[k - 1][i];
      at.v[i] = b->v[i] + part * a[k - 1][i];
    }
    memcpy(v[k], at.v, sizeof v[k]);
    acceleration(&at, a[k]);
  }
  for (int i = 0; i < 3; i++) {
    b->p[i] += h / 6 * (v[0][i] + 2 * (v[1][i] + v[2][i]) + v[3][i]);
    b->v[i] += h / 6 * (a[0][i] + 2 * (a[1][i] + a[2][i]) + a[3][i]);
  }
}

/* Launch on the minimum-energy ellipse between the two published points, as if the axes did not turn. */
static struct target launch(void) {
  const double gm = 3.986004418e14;
  struct target b;
  double end[3], r1 = 0, r2 = 0, c = 0;
  wk_ecef_from_geodetic(39.61693 * CASE_C_DEGREE, 134.54975 * CASE_C_DEGREE, 0, b.p);
  wk_ecef_from_geodetic(40.56751 * CASE_C_DEGREE, -159.53953 * CASE_C_DEGREE, 0, end);
  for (int i = 0; i < 3; i++) {
    r1 += b.p[i] * b.p[i];
    r2 += end[i] * end[i];
    c += (end[i] - b.p[i]) * (end[i] - b.p[i]);
  }
  r1 = sqrt(r1), r2 = sqrt(r2), c = sqrt(c);
  /* Lambert's problem at the least semi-major axis s / 2. */
  const double s = (r1 + r2 + c) / 2, speed = sqrt(gm / (2 * s)) * sqrt(c / (s - c));
  for (int i = 0; i < 3; i++) b.v[i] = speed * ((end[i] - b.p[i]) / c + b.p[i] / r1);
  return b;
}

static void polar(const struct radar *s, const double p[3], double z[3]) {
  double d[3], axes[3] = {0};
  for (int i = 0; i < 3; i++) d[i] = p[i] - s->position_m[i];
  for (int r = 0; r < 3; r++) {
    for (int i = 0; i < 3; i++) axes[r] += s->enu[3 * r + i] * d[i];
  }
  z[0] = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
  z[1] = atan2(axes[0], axes[1]);
  z[2] = asin(axes[2] / z[0]);
}

/* The second target: farther along the line of sight. Its velocity changes by less than the turning of that line. */
static struct target second(const struct radar *radar, const struct target *first) {
  struct target b = *first;
  double d[3], range = 0;
  for (int i = 0; i < 3; i++) d[i] = first->p[i] - radar->position_m[i], range += d[i] * d[i];
  range = sqrt(range);
  double closing = 0;
  for (int i = 0; i < 3; i++) closing += d[i] / range * first->v[i];
  for (int i = 0; i < 3; i++) {
    b.p[i] += SPACING_M * d[i] / range;
    b.v[i] += SPACING_M / range * (first->v[i] - closing * d[i] / range);
  }
  return b;
}

/* A hundred looks, evenly over the time above 10 degrees. */
static void looks_find(const struct radar *radar, struct looks *looks) {
  const double step_s = 0.25;
  struct target b = launch();
  double rise_s = -1, set_s = 0, z[3];
  for (double t = 0; t < 3000; t += step_s) {
    polar(radar, b.p, z);
    if (z[2] > ELEVATION_MIN) {
      if (rise_s < 0) rise_s = t;
      set_s = t;
    }
    fly(&b, step_s);
  }
  assert_true(rise_s > 0 && set_s > rise_s + 60);
  b = launch();
  double now = 0;
  for (int k = 0; k < LOOKS; k++) {
    const double due = rise_s + (set_s - rise_s) * k / (LOOKS - 1);
    while (now < due - 1e-9) {
      const double h = fmin(step_s, due - now);
      fly(&b, h);
      now += h;
    }
    looks->time_s[k] = due - rise_s;
    looks->at[k][0] = b;
    looks->at[k][1] = second(radar, &b);
  }
}

#endif

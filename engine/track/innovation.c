#include "engine/track/innovation.h"

#include <string.h>

#include "engine/track/vector.h"

enum { COMPONENTS_MAX = 4, STATE = 6 };
static const double turn_rad = 6.283185307179586;

/* What the sensor would measure of the mean state, and how that changes with position and velocity. */
struct expected {
  double z[COMPONENTS_MAX], row[COMPONENTS_MAX][STATE];
  int angle[COMPONENTS_MAX]; /* differences are wrapped */
};

/* Where the mean is from the sensor: ECEF, and east, north, up of the sensor's axes. */
struct sight {
  double d[3], enu[3], range, level; /* level: range on the ground plane */
};

static void azimuth_expect(const struct sight *s, const struct plot *plot, struct expected *e, int c) {
  double level2 = s->level * s->level;
  e->z[c] = wk_atan2(s->enu[0], s->enu[1]);
  e->angle[c] = 1;
  for (int i = 0; i < 3; i++)
    e->row[c][i] = (s->enu[1] * plot->enu[i] - s->enu[0] * plot->enu[3 + i]) / level2;
}

static void elevation_expect(const struct sight *s, const struct plot *plot, struct expected *e, int c) {
  double range2 = s->range * s->range, up = s->enu[2] / (s->level * range2);
  e->z[c] = wk_atan2(s->enu[2], s->level);
  for (int i = 0; i < 3; i++)
    e->row[c][i] =
        plot->enu[6 + i] * s->level / range2 - (s->enu[0] * plot->enu[i] + s->enu[1] * plot->enu[3 + i]) * up;
}

static void range_expect(const struct sight *s, struct expected *e, int c) {
  e->z[c] = s->range;
  for (int i = 0; i < 3; i++) e->row[c][i] = s->d[i] / s->range;
}

static void range_rate_expect(const struct sight *s, const struct plot *plot, const double *velocity_mps,
                              struct expected *e, int c) {
  double v[3];
  vector_subtract(v, velocity_mps, plot->site_velocity_mps);
  e->z[c] = vector_dot(s->d, v) / s->range;
  for (int i = 0; i < 3; i++) {
    e->row[c][i] = (v[i] - e->z[c] * s->d[i] / s->range) / s->range;
    e->row[c][3 + i] = s->d[i] / s->range;
  }
}

static void height_expect(const double *position_m, struct expected *e, int c) {
  double lat_rad, lon_rad;
  wk_geodetic_from_ecef(position_m, &lat_rad, &lon_rad, &e->z[c]);
  double level = wk_cos(lat_rad);
  e->row[c][0] = level * wk_cos(lon_rad);
  e->row[c][1] = level * wk_sin(lon_rad);
  e->row[c][2] = wk_sin(lat_rad);
}

static void expect(const struct plot *plot, const double *mean, struct expected *e) {
  struct sight s;
  memset(e, 0, sizeof *e);
  vector_subtract(s.d, mean, plot->site_m);
  for (int k = 0; k < 3; k++) s.enu[k] = vector_dot(&plot->enu[3 * k + 0], s.d);
  s.range = fmax(vector_norm(s.d), 1);
  s.level = fmax(sqrt(s.enu[0] * s.enu[0] + s.enu[1] * s.enu[1]), 1);
  switch ((enum wk_kind)plot->kind) {
  case WK_RADAR:
    range_expect(&s, e, 0);
    azimuth_expect(&s, plot, e, 1);
    elevation_expect(&s, plot, e, 2);
    range_rate_expect(&s, plot, mean + 3, e, 3);
    break;
  case WK_RADAR2D:
    range_expect(&s, e, 0);
    azimuth_expect(&s, plot, e, 1);
    height_expect(mean, e, 2);
    break;
  case WK_LOS:
    azimuth_expect(&s, plot, e, 0);
    elevation_expect(&s, plot, e, 1);
    break;
  case WK_POSITION:
    for (int c = 0; c < 3; c++) {
      e->z[c] = mean[c];
      e->row[c][c] = 1;
    }
    break;
  case WK_KINDS:
    break;
  }
}

/* The lower triangle of H P H' + R of the components in `used`. Only range rate looks at the
 * velocity. */
static void covariance_expect(const struct plot *plot, const struct expected *e, const double *packed,
                              const int *used, int n, double s[COMPONENTS_MAX][COMPONENTS_MAX]) {
  const int columns = plot->kind == WK_RADAR ? STATE : 3;
  for (int a = 0; a < n; a++) {
    const double *row = e->row[used[a]];
    double ph[STATE];
    for (int i = 0; i < columns; i++) {
      ph[i] = 0;
      for (int j = 0; j < columns; j++)
        ph[i] += packed[i <= j ? WK_AT(STATE, i, j) : WK_AT(STATE, j, i)] * row[j];
    }
    for (int b = a; b < n; b++) {
      s[b][a] = a == b ? plot->variance[used[a]] : 0;
      for (int i = 0; i < columns; i++) s[b][a] += e->row[used[b]][i] * ph[i];
    }
  }
}

/* v' S^-1 v by a Cholesky root in place of the lower triangle of S; below 0 where S isn't positive definite.
 */
static double distance_squared(double s[COMPONENTS_MAX][COMPONENTS_MAX], const double *v, int n) {
  double w[COMPONENTS_MAX], sum = 0;
  for (int i = 0; i < n; i++) {
    w[i] = v[i];
    for (int j = 0; j < i; j++) {
      for (int k = 0; k < j; k++) s[i][j] -= s[i][k] * s[j][k];
      s[i][j] /= s[j][j];
      s[i][i] -= s[i][j] * s[i][j];
      w[i] -= s[i][j] * w[j];
    }
    if (!(s[i][i] > 0)) return -1;
    s[i][i] = sqrt(s[i][i]);
    w[i] /= s[i][i];
    sum += w[i] * w[i];
  }
  return sum;
}

int innovation_squared(const struct plot *plot, const double moments[27], double *squared) {
  struct expected e;
  int used[COMPONENTS_MAX], n = 0;
  double v[COMPONENTS_MAX], s[COMPONENTS_MAX][COMPONENTS_MAX];
  expect(plot, moments, &e);
  for (int c = 0; c < COMPONENTS_MAX; c++) {
    bool assumed = plot->kind == WK_RADAR2D && c == 2 && plot->height_assumed; /* nobody measured it */
    if (!(plot->present >> c & 1) || assumed) continue;
    v[n] = plot->z[c] - e.z[c];
    if (e.angle[c]) v[n] -= turn_rad * floor(v[n] / turn_rad + 0.5);
    used[n++] = c;
  }
  covariance_expect(plot, &e, moments + 6, used, n, s);
  *squared = distance_squared(s, v, n);
  return isfinite(*squared) && *squared >= 0 ? n : 0;
}

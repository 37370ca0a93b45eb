/* Launch from a state in boost. */
#include <math.h>

#include "engine/warn/flight.h"

/* The ascent (W14): speed grows as a power of time, the path tilts evenly from the vertical to its present
 * angle. */
static const double speed_power = 1.2;
/* Beyond these the prior says too little. */
static const double height_max_m = 80e3, speed_min_mps = 40;
/* One sigma of what the prior gets wrong, as parts of the time flown and of the way covered, and at least. */
static const double time_part = 0.08, along_part = 0.25, across_part = 0.05, time_least_s = 1,
                    place_least_m = 400;

struct ascent {
  double position_m[3], enu[9];
  double height_m, level_mps[2], climb_mps, speed_mps;
};

static struct ascent ascent_of(const double *x) {
  struct ascent a = {{x[0], x[1], x[2]}, {0}, 0, {0}, 0, 0};
  double lat_rad, lon_rad;
  const double *v = x + 3;
  wk_geodetic_from_ecef(x, &lat_rad, &lon_rad, &a.height_m);
  wk_enu_rows(lat_rad, lon_rad, a.enu);
  for (int i = 0; i < 2; i++)
    a.level_mps[i] = a.enu[3 * i + 0] * v[0] + a.enu[3 * i + 1] * v[1] + a.enu[3 * i + 2] * v[2];
  a.climb_mps = a.enu[6] * v[0] + a.enu[7] * v[1] + a.enu[8] * v[2];
  a.speed_mps = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  return a;
}

/* Mean of the climb's and the level part's share of the way: Simpson over (p + 1) u^p {cos, sin}(tilt u), u
 * from 0 to 1. */
static void ascent_shares(double tilt, double *climb, double *level) {
  enum { PIECES = 16 };
  *climb = *level = 0;
  for (int i = 0; i <= PIECES; i++) {
    double u = (double)i / PIECES, weight = (i == 0 || i == PIECES ? 1 : i % 2 ? 4 : 2) / (3.0 * PIECES);
    double share = i ? (speed_power + 1) * wk_exp(speed_power * wk_log(u)) : 0;
    *climb += weight * share * wk_cos(tilt * u);
    *level += weight * share * wk_sin(tilt * u);
  }
}

/* Variance of the component of position (from = 0) or velocity (from = 3) along a unit vector. */
static double variance_along(const double *p, int from, const double *unit) {
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      int a = from + (i < j ? i : j), b = from + (i < j ? j : i);
      sum += unit[i] * unit[j] * p[WK_AT(9, a, b)];
    }
  }
  return sum;
}

bool flight_launch_boost(const double *bank, struct ground_plane *plane, struct ground_gauss *out) {
  const double *p = bank + WK_B_BOOST_P;
  struct ascent a = ascent_of(bank + WK_B_BOOST_X);
  if (!(a.climb_mps > 0) || a.height_m <= 0 || a.height_m > height_max_m || a.speed_mps < speed_min_mps)
    return false;
  double level = sqrt(a.level_mps[0] * a.level_mps[0] + a.level_mps[1] * a.level_mps[1]);
  double tilt = wk_atan2(level, a.climb_mps), climbed, levelled;
  ascent_shares(tilt, &climbed, &levelled);
  double way_m = a.height_m / climbed, flown_s = (speed_power + 1) * way_m / a.speed_mps,
         back_m = way_m * levelled;
  double velocity_sigma = sqrt(
      fmax(variance_along(p, 3, a.enu) + variance_along(p, 3, a.enu + 3) + variance_along(p, 3, a.enu + 6),
           0) /
      3);
  double loose = fmin(velocity_sigma / a.speed_mps, 3);
  plane_at(a.position_m, plane);
  double ahead[2] = {level > 1 ? a.level_mps[0] / level : 0, level > 1 ? a.level_mps[1] / level : 1};
  double along = along_part * back_m + way_m * loose, across = across_part * back_m + way_m * loose;
  along = sqrt(along * along + place_least_m * place_least_m);
  across = sqrt(across * across + place_least_m * place_least_m);
  double time_sigma = time_part * flown_s + flown_s * loose;
  *out = (struct ground_gauss){.mean = {-back_m * ahead[0], -back_m * ahead[1], -flown_s}, .weight = 1};
  double *c = out->covariance;
  c[0] = along * along * ahead[0] * ahead[0] + across * across * ahead[1] * ahead[1] +
         variance_along(p, 0, a.enu);
  c[1] = (along * along - across * across) * ahead[0] * ahead[1];
  c[3] = along * along * ahead[1] * ahead[1] + across * across * ahead[0] * ahead[0] +
         variance_along(p, 0, a.enu + 3);
  c[5] = time_sigma * time_sigma + time_least_s * time_least_s;
  return true;
}

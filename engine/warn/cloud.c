#include "engine/warn/cloud.h"

#include <math.h>
#include <string.h>

static const double earth_radius_m = 6371000, degrees = 57.29577951308232;

static void lane_set(struct wk_fall_block *block, int lane, const struct fall_start *start,
                     double direction) {
  for (int c = 0; c < 3; c++) {
    block->position_m[c][lane] = start->position_m[c];
    block->velocity_mps[c][lane] = start->velocity_mps[c];
  }
  block->log_drag[lane] = start->log_drag;
  block->direction[lane] = direction;
  for (int b = 0; b < WK_FALL_BURNS; b++) {
    block->burn_s[b][lane] = start->burn_s[b];
    block->thrust_mps2[b][lane] = start->thrust_mps2[b];
    block->exhaust_mps[b][lane] = start->exhaust_mps[b];
  }
  block->pitch[lane] = start->pitch;
  block->side[lane] = start->side;
}

void cloud_fall(struct cloud *cloud, double direction) {
  struct wk_fall_block blocks[CLOUD_BLOCKS];
  uint32_t count = cloud->mains + 2 * cloud->pairs, filled = (count + WK_LANES - 1) / WK_LANES;
  for (uint32_t i = 0; i < filled * WK_LANES; i++)
    lane_set(&blocks[i / WK_LANES], (int)(i % WK_LANES), &cloud->start[i < count ? i : count - 1], direction);
  wk_table()->fall(blocks, filled, CLOUD_LIMIT_S);
  for (uint32_t point = 0; point < count; point++) {
    const struct wk_fall_block *block = &blocks[point / WK_LANES];
    uint32_t lane = point % WK_LANES;
    for (int c = 0; c < 3; c++) cloud->position_m[point][c] = block->position_m[c][lane];
    cloud->time_s[point] = block->time_s[lane];
    cloud->down[point] = block->down[lane] == 1.0;
  }
}

void plane_at(const double position_m[3], struct ground_plane *plane) {
  double lat_rad, lon_rad, height_m;
  wk_geodetic_from_ecef(position_m, &lat_rad, &lon_rad, &height_m);
  wk_ecef_from_geodetic(lat_rad, lon_rad, 0, plane->origin_m);
  wk_enu_rows(lat_rad, lon_rad, plane->enu);
}

static double dot3(const double *a, const double *b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void plane_from(const struct ground_plane *plane, const double position_m[3], double *east_m,
                double *north_m) {
  double d[3];
  for (int c = 0; c < 3; c++) d[c] = position_m[c] - plane->origin_m[c];
  double east = dot3(plane->enu, d), north = dot3(plane->enu + 3, d),
         up = dot3(plane->enu + 6, d) + earth_radius_m;
  double level = sqrt(east * east + north * north);
  double stretch = level > 1 ? earth_radius_m * wk_atan2(level, up) / level : 1;
  *east_m = east * stretch;
  *north_m = north * stretch;
}

void plane_to(const struct ground_plane *plane, double east_m, double north_m, double *lat_deg,
              double *lon_deg) {
  double level = sqrt(east_m * east_m + north_m * north_m);
  double arc = fmin(level / earth_radius_m, 3.141592653589793), shrink = level > 1 ? wk_sin(arc) / arc : 1;
  double drop = earth_radius_m * (wk_cos(arc) - 1), p[3], lat_rad, lon_rad, height_m;
  for (int c = 0; c < 3; c++) {
    p[c] = plane->origin_m[c] + plane->enu[c] * east_m * shrink + plane->enu[3 + c] * north_m * shrink +
           plane->enu[6 + c] * drop;
  }
  wk_geodetic_from_ecef(p, &lat_rad, &lon_rad, &height_m);
  *lat_deg = lat_rad * degrees;
  *lon_deg = lon_rad * degrees;
}

bool cloud_plane(const struct cloud *cloud, struct ground_plane *plane) {
  uint32_t at = cloud->centre == CLOUD_CENTRE_NONE ? 0 : cloud->centre;
  for (uint32_t m = 0; m < cloud->mains && !cloud->down[at]; m++) at = m;
  if (!cloud->down[at]) return false;
  plane_at(cloud->position_m[at], plane);
  return true;
}

static void arrival(const struct cloud *cloud, const struct ground_plane *plane, uint32_t point,
                    double y[3]) {
  plane_from(plane, cloud->position_m[point], &y[0], &y[1]);
  y[2] = cloud->time_s[point];
}

static void spread_add(double covariance[6], double weight, const double d[3]) {
  for (int i = 0, k = 0; i < 3; i++) {
    for (int j = i; j < 3; j++, k++) covariance[k] += weight * d[i] * d[j];
  }
}

static void third_add(double third[4], double weight, const double d[3]) {
  third[0] += weight * d[0] * d[0] * d[0];
  third[1] += weight * d[0] * d[0] * d[1];
  third[2] += weight * d[0] * d[1] * d[1];
  third[3] += weight * d[1] * d[1] * d[1];
}

/* What each pair adds: half the difference is one sigma, the second difference bends the mean. Where one of a
 * pair stays up, the other's distance from the centre stands for both. */
static void pairs_add(const struct cloud *cloud, const struct ground_plane *plane, struct ground_gauss *out) {
  double centre[3] = {0};
  bool centred = cloud->centre != CLOUD_CENTRE_NONE && cloud->down[cloud->centre];
  if (centred) arrival(cloud, plane, cloud->centre, centre);
  for (uint32_t p = 0; p < cloud->pairs; p++) {
    double y[2][3], slope[3], bend[3];
    uint32_t plus = cloud->mains + 2 * p, minus = plus + 1;
    bool both = cloud->down[plus] && cloud->down[minus];
    if (!both && !(centred && (cloud->down[plus] || cloud->down[minus]))) continue;
    arrival(cloud, plane, cloud->down[plus] ? plus : minus, y[0]);
    arrival(cloud, plane, cloud->down[minus] ? minus : plus, y[1]);
    for (int i = 0; i < 3; i++) {
      slope[i] = both ? (y[0][i] - y[1][i]) / 2 : y[0][i] - centre[i];
      bend[i] = both && centred && !cloud->straight ? y[0][i] + y[1][i] - 2 * centre[i] : 0;
      out->mean[i] += bend[i] / 2;
    }
    spread_add(out->covariance, 1, slope);
    spread_add(out->covariance, 0.5, bend);
  }
}

bool cloud_moments(const struct cloud *cloud, const struct ground_plane *plane, struct ground_gauss *out) {
  double y[CLOUD_MAINS][3], sum = 0;
  memset(out, 0, sizeof *out);
  for (uint32_t m = 0; m < cloud->mains; m++) {
    if (!cloud->down[m]) continue;
    arrival(cloud, plane, m, y[m]);
    sum += cloud->weight[m];
    for (int i = 0; i < 3; i++) out->mean[i] += cloud->weight[m] * y[m][i];
  }
  if (sum <= 0) return false;
  for (int i = 0; i < 3; i++) out->mean[i] /= sum;
  for (uint32_t m = 0; m < cloud->mains; m++) {
    if (!cloud->down[m]) continue;
    for (int i = 0; i < 3; i++) y[m][i] -= out->mean[i];
    spread_add(out->covariance, cloud->weight[m] / sum, y[m]);
    third_add(out->third, cloud->weight[m] / sum, y[m]);
  }
  out->weight = fmin(sum, 1);
  pairs_add(cloud, plane, out);
  return true;
}

void gauss_join(const struct ground_gauss *parts, uint32_t count, struct ground_gauss *out) {
  struct ground_gauss joined = {.weight = 0};
  for (uint32_t k = 0; k < count; k++) {
    joined.weight += parts[k].weight;
    for (int i = 0; i < 3; i++) joined.mean[i] += parts[k].weight * parts[k].mean[i];
  }
  for (int i = 0; i < 3; i++) joined.mean[i] /= joined.weight;
  for (uint32_t k = 0; k < count; k++) {
    double share = parts[k].weight / joined.weight, d[3];
    for (int i = 0; i < 3; i++) d[i] = parts[k].mean[i] - joined.mean[i];
    for (int i = 0; i < 6; i++) joined.covariance[i] += share * parts[k].covariance[i];
    spread_add(joined.covariance, share, d);
    third_add(joined.third, share, d);
    const double *c = parts[k].covariance, *t = parts[k].third;
    joined.third[0] += share * (t[0] + 3 * d[0] * c[0]);
    joined.third[1] += share * (t[1] + 2 * d[0] * c[1] + d[1] * c[0]);
    joined.third[2] += share * (t[2] + 2 * d[1] * c[1] + d[0] * c[3]);
    joined.third[3] += share * (t[3] + 3 * d[1] * c[3]);
  }
  *out = joined;
}

/* Variances along the axes of the ellipse, and the unit vector (east, north) of the major one. */
static void ellipse_axes(const double c[6], double variance[2], double major[2]) {
  double middle = (c[0] + c[3]) / 2, half = (c[0] - c[3]) / 2, radius = sqrt(half * half + c[1] * c[1]);
  /* Twice the bearing of the major axis has cosine ~ nn - ee and sine ~ 2 en. */
  double bearing = 0.5 * wk_atan2(c[1], -half);
  variance[0] = middle + radius;
  variance[1] = fmax(middle - radius, 0);
  major[0] = wk_sin(bearing);
  major[1] = wk_cos(bearing);
}

/* Chosen among 0, 0.06, 0.09, 0.11, 0.12, 0.13, 0.14 on seeds 101 to 104 of tests/stat/warn_coverage.c, which
 * itself runs on others: without it the 50 % region held 58 % at half flight. */
static const double skew_part = 0.13, skew_shift_max = 0.4;

/* Skew along any direction: the third moments summed over the two axes of the plane in which the covariance
 * is round, which along one axis is third / variance. */
void gauss_centre(struct ground_gauss *gauss) {
  const double *t = gauss->third, *c = gauss->covariance;
  double determinant = c[0] * c[3] - c[1] * c[1];
  if (!(determinant > 0)) return;
  double ee = c[3] / determinant, en = -c[1] / determinant, nn = c[0] / determinant;
  double east = skew_part * (t[0] * ee + 2 * t[1] * en + t[2] * nn),
         north = skew_part * (t[1] * ee + 2 * t[2] * en + t[3] * nn);
  double sigmas = sqrt(east * east * ee + 2 * east * north * en + north * north * nn);
  double part = sigmas > skew_shift_max ? skew_shift_max / sigmas : 1;
  gauss->mean[0] += part * east;
  gauss->mean[1] += part * north;
}

void gauss_state(const struct ground_plane *plane, const struct ground_gauss *gauss, int64_t from_ns,
                 struct ground_estimate *out) {
  double variance[2], major[2];
  ellipse_axes(gauss->covariance, variance, major);
  memset(out, 0, sizeof *out);
  plane_to(plane, gauss->mean[0], gauss->mean[1], &out->lat_deg, &out->lon_deg);
  out->time_ns = from_ns + (int64_t)(gauss->mean[2] * 1e9);
  out->time_sigma_s = sqrt(fmax(gauss->covariance[5], 0));
  out->semi_major_m = sqrt(variance[0]);
  out->semi_minor_m = sqrt(variance[1]);
  double bearing = wk_atan2(major[0], major[1]) * degrees;
  if (bearing < 0) bearing += 180;
  out->orientation_deg = bearing < 179.9995 ? bearing : 0;
}

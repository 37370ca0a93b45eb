/* The impact of each mode of a track, and of their mixture. */
#include <math.h>
#include <string.h>

#include "engine/domain/orbit.h"
#include "engine/warn/flight.h"

/* Before drag is seen, ln(CD A / m): the moments of a ballistic coefficient anywhere from 1,000 to 10,000
 * kg/m^2 on a logarithmic scale, the sigma rounded up (W9). */
static const double drag_mean = -8.06, drag_sigma = 0.7, drag_none = -50;
/* The filter's own coefficient counts once it is known better than this and the body has come down to where
 * air acts. */
static const double drag_known_variance = 0.4, drag_seen_height_m = 70e3;
static const double mode_weight_min = 0.05, down_min = 0.5;
/* Winds, lift and geoid: never narrower than this. */
static const double floor_m = 100, floor_s = 0.3;
/* Gauss-Hermite, four nodes for the standard normal. */
enum { DRAG_NODES = 4 };
static const double node[DRAG_NODES] = {-0.741963784302725, 0.741963784302725, -2.334414218338977,
                                        2.334414218338977};
static const double node_weight[DRAG_NODES] = {0.4541241452319317, 0.4541241452319317, 0.0458758547680683,
                                               0.0458758547680683};

/* Lower triangle l with l l' = p (packed, n x n) in the order given; what is not positive counts as nothing.
 */
static void factor(int n, const double *p, const int *order, double l[7][7]) {
  memset(l, 0, sizeof(double[7][7]));
  for (int i = 0; i < n; i++) {
    for (int j = 0; j <= i; j++) {
      int a = order[i] < order[j] ? order[i] : order[j], b = order[i] < order[j] ? order[j] : order[i];
      double rest = p[WK_AT(n, a, b)];
      for (int k = 0; k < j; k++) rest -= l[i][k] * l[j][k];
      if (i == j)
        l[i][i] = rest > 0 ? sqrt(rest) : 0;
      else
        l[i][j] = l[j][j] > 0 ? rest / l[j][j] : 0;
    }
  }
}

static void start_at(struct fall_start *start, const double *x, double log_drag) {
  memset(start, 0, sizeof *start);
  memcpy(start->position_m, x, sizeof start->position_m);
  memcpy(start->velocity_mps, x + 3, sizeof start->velocity_mps);
  start->log_drag = log_drag;
}

static void start_move(struct fall_start *start, const double *column, double by) {
  for (int c = 0; c < 3; c++) {
    start->position_m[c] += by * column[c];
    start->velocity_mps[c] += by * column[3 + c];
  }
}

/* Free flight: drag as the main dimension, with the state leaning along where they are correlated; six pairs
 * for the rest. x and p: 7 states, the last the log coefficient. */
static void cloud_free(struct cloud *cloud, const double *x, const double *p) {
  static const int order[7] = {6, 0, 1, 2, 3, 4, 5};
  double l[7][7], column[6];
  factor(7, p, order, l);
  cloud->mains = DRAG_NODES;
  cloud->pairs = 6;
  cloud->centre = CLOUD_CENTRE_NONE;
  cloud->straight = false;
  memcpy(cloud->weight, node_weight, sizeof node_weight);
  for (int i = 0; i < 6; i++) column[i] = l[1 + i][0];
  for (uint32_t m = 0; m < DRAG_NODES; m++) {
    start_at(&cloud->start[m], x, x[6] + node[m] * l[0][0]);
    start_move(&cloud->start[m], column, node[m]);
  }
  for (uint32_t k = 0; k < 6; k++) {
    for (int i = 0; i < 6; i++) column[i] = l[1 + i][1 + k];
    for (uint32_t side = 0; side < 2; side++) {
      struct fall_start *start = &cloud->start[DRAG_NODES + 2 * k + side];
      start_at(start, x, x[6]);
      start_move(start, column, side ? -1 : 1);
    }
  }
}

/* Position and velocity of a mode with the prior of the coefficient, uncorrelated. */
static void cloud_coast(struct cloud *cloud, const double *x, int n) {
  double x7[7], p7[WK_PACKED(7)];
  for (int i = 0; i < 6; i++) {
    x7[i] = x[i];
    for (int j = i; j < 6; j++) p7[WK_AT(7, i, j)] = x[n + WK_AT(n, i, j)];
    p7[WK_AT(7, i, 6)] = 0;
  }
  x7[6] = drag_mean;
  p7[WK_AT(7, 6, 6)] = drag_sigma * drag_sigma;
  cloud_free(cloud, x7, p7);
}

static bool drag_seen(const double *bank) {
  double lat_rad, lon_rad, height_m;
  const double *x = bank + WK_B_REENTRY_X, *p = bank + WK_B_REENTRY_P;
  wk_geodetic_from_ecef(x, &lat_rad, &lon_rad, &height_m);
  return p[WK_AT(7, 6, 6)] < drag_known_variance && height_m < drag_seen_height_m;
}

/* What is left to burn (W10): the specific force at burn-out is log-logistic, given that it is above the
 * present one. */
static const double final_force_median = 60, final_force_spread = 0.30, exhaust_mps = 2500;
/* Another stage follows with this probability, and adds one of these speeds. */
static const double stage_probability = 0.25, stage_thrust_mps2 = 22;
/* The cloud of a boost is bent like a banana: so much of its extent is added to its width (variances). */
static const double boost_bend = 0.0144;
/* While it still climbs steeply, neither bearing nor range is known: one sigma of each axis at a climb of
 * half a radian above the usual, less below. */
static const double steep_m = 800e3, steep_s = 80, steep_full = 0.5;
/* Short reach is likelier than long: a body that flies so far counts half (W10). Without it the few that all
 * but reach orbit would carry the mean around the earth. */
static const double reach_m = 2500e3, reach_least = 0.01;
enum { BURN_NODES = 9, BURN_CENTRE = 2, STAGE_NODES = 3, BOOST_PAIRS = 10 };
static const double stage_speed_mps[STAGE_NODES] = {600, 1500, 2800};

static double burn_time_s(double thrust, double final) {
  return exhaust_mps * fmax(1 / thrust - 1 / final, 0);
}

/* Quantile u (0 to 1) of the specific force at burn-out given the present one. */
static double final_force(double now, double u) {
  double z = (wk_log(now) - wk_log(final_force_median)) / final_force_spread;
  double below = 1 / (1 + wk_exp(-z)), q = below + (1 - below) * u;
  q = fmin(q, 1 - 1e-9);
  double force = final_force_median * wk_exp(final_force_spread * wk_log(q / (1 - q)));
  return fmax(fmin(force, 300), now);
}

struct boost_view {
  double thrust, thrust_sigma;
  double steep; /* flight path angle above 0.85 rad */
};

static struct boost_view boost_look(const double *x, const double *p) {
  struct boost_view view;
  double lat_rad, lon_rad, height_m, enu[9];
  const double *v = x + 3, *f = x + 6;
  wk_geodetic_from_ecef(x, &lat_rad, &lon_rad, &height_m);
  wk_enu_rows(lat_rad, lon_rad, enu);
  double speed = fmax(sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), 1);
  double climb = (enu[6] * v[0] + enu[7] * v[1] + enu[8] * v[2]) / speed;
  double angle = wk_atan2(climb, sqrt(fmax(1 - climb * climb, 0)));
  view.steep = fmax(angle - 0.85, 0);
  view.thrust = fmin(fmax(sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2]), 8), 150);
  double trace = p[WK_AT(9, 6, 6)] + p[WK_AT(9, 7, 7)] + p[WK_AT(9, 8, 8)];
  view.thrust_sigma = fmin(sqrt(trace / 3), 0.5 * view.thrust);
  return view;
}

static void start_burns(struct fall_start *start, double thrust, double burn_s, double stage_speed) {
  start->thrust_mps2[0] = thrust;
  start->exhaust_mps[0] = exhaust_mps;
  start->burn_s[0] = burn_s;
  start->thrust_mps2[1] = stage_thrust_mps2;
  start->exhaust_mps[1] = exhaust_mps;
  start->burn_s[1] =
      stage_speed > 0 ? exhaust_mps / stage_thrust_mps2 * (1 - wk_exp(-stage_speed / exhaust_mps)) : 0;
}

/* In boost the remaining burn is the main dimension; pairs for the state, the thrust and its direction, and
 * the drag. */
static void cloud_boost(struct cloud *cloud, const double *x, const double *p) {
  static const int order[6] = {0, 1, 2, 3, 4, 5};
  struct boost_view view = boost_look(x, p);
  double p6[WK_PACKED(6)], l[7][7];
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) p6[WK_AT(6, i, j)] = p[WK_AT(9, i, j)];
  }
  factor(6, p6, order, l);
  double pitch = -0.03 - 0.35 * view.steep;
  struct fall_start centre;
  start_at(&centre, x, drag_mean);
  centre.pitch = pitch;
  double middle = final_force(view.thrust, 0.5),
         least = final_force(view.thrust, (BURN_CENTRE + 0.5) / BURN_NODES);
  start_burns(&centre, view.thrust, burn_time_s(view.thrust, least), 0);
  cloud->mains = BURN_NODES + STAGE_NODES;
  cloud->pairs = BOOST_PAIRS;
  cloud->centre = BURN_CENTRE;
  cloud->straight = true; /* far from the centre the second differences say nothing */
  for (uint32_t m = 0; m < cloud->mains; m++) {
    struct fall_start *start = &cloud->start[m];
    bool stage = m >= BURN_NODES;
    double final = stage ? middle : final_force(view.thrust, ((double)m + 0.5) / BURN_NODES);
    *start = centre;
    start_burns(start, view.thrust, burn_time_s(view.thrust, final),
                stage ? stage_speed_mps[m - BURN_NODES] : 0);
    cloud->weight[m] = stage ? stage_probability / STAGE_NODES : (1 - stage_probability) / BURN_NODES;
  }
  for (uint32_t k = 0; k < BOOST_PAIRS; k++) {
    for (uint32_t minus = 0; minus < 2; minus++) {
      struct fall_start *start = &cloud->start[cloud->mains + 2 * k + minus];
      double sign = minus ? -1 : 1, column[6];
      *start = centre;
      for (int i = 0; i < 6 && k < 6; i++) column[i] = l[i][k];
      if (k < 6) start_move(start, column, sign);
      if (k == 6) start->pitch += sign * (0.07 + 0.35 * view.steep);
      if (k == 7) start->side += sign * (0.03 + 0.15 * view.steep);
      if (k == 8) start->log_drag += sign * drag_sigma;
      if (k == 9) start->thrust_mps2[0] += sign * view.thrust_sigma;
    }
  }
}

/* The reach's prior on the main points, once they have flown; those that stay up count least. */
static void cloud_reach(struct cloud *cloud) {
  double sum = 0;
  for (uint32_t m = 0; m < cloud->mains; m++) {
    double square = 0;
    for (int c = 0; c < 3; c++) {
      double d = (cloud->position_m[m][c] - cloud->start[m].position_m[c]) / reach_m;
      square += d * d;
    }
    cloud->weight[m] *= cloud->down[m] ? fmax(1 / (1 + square), reach_least) : reach_least;
    sum += cloud->weight[m];
  }
  for (uint32_t m = 0; m < cloud->mains; m++) cloud->weight[m] /= sum;
}

/* What the cloud of a boost does not show: its bend, and how little a steep ascent says. */
static void boost_widen(const double *bank, struct ground_gauss *part) {
  double steep = fmin(boost_look(bank + WK_B_BOOST_X, bank + WK_B_BOOST_P).steep / steep_full, 1);
  double more = boost_bend * (part->covariance[0] + part->covariance[3]) + steep_m * steep * steep_m * steep;
  part->covariance[0] += more;
  part->covariance[3] += more;
  part->covariance[5] += steep_s * steep * steep_s * steep;
}

/* Modes that weigh little are left out. */
static bool mode_cloud(const double *bank, int mode, struct cloud *cloud) {
  static const int at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X},
                   n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  const double *x = bank + at[mode];
  if (bank[WK_B_WEIGHT + mode] < mode_weight_min) return false;
  if (mode == WK_BOOST)
    cloud_boost(cloud, x, x + WK_BOOST_N);
  else if (mode == WK_REENTRY && drag_seen(bank))
    cloud_free(cloud, x, x + WK_REENTRY_N);
  else
    cloud_coast(cloud, x, n[mode]);
  cloud_fall(cloud, 1.0);
  if (mode == WK_BOOST) cloud_reach(cloud);
  return true;
}

/* P(x < z) of the standard normal, to 1e-7: Zelen, Severo 1964 (Abramowitz and Stegun 26.2.17). */
static double normal_below(double z) {
  static const double b[5] = {0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429};
  double t = 1 / (1 + 0.2316419 * fabs(z)), sum = 0;
  for (int i = 4; i >= 0; i--) sum = (sum + b[i]) * t;
  double above = 0.3989422804014327 * wk_exp(-0.5 * z * z) * sum;
  return z > 0 ? 1 - above : above;
}

/* The cloud's main points tell what drag does; that the state may be one of an orbit they do not tell (W18).
 */
static double lowered_probability(const double *x, int n) {
  double covariance[21];
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) covariance[WK_AT(6, i, j)] = x[n + WK_AT(n, i, j)];
  }
  struct perigee perigee = perigee_of(x, covariance);
  return normal_below(-perigee_margin(&perigee));
}

bool flight_impact_find(const double *bank, struct flight_impact *out) {
  double weights = 0, down = 0;
  bool placed = false;
  /* The likeliest mode says where the plane lies. */
  int order[3] = {0, 1, 2};
  const double *weight = bank + WK_B_WEIGHT;
  for (int i = 1; i < 3; i++) {
    for (int j = i; j > 0 && weight[order[j]] > weight[order[j - 1]]; j--) {
      int swap = order[j];
      order[j] = order[j - 1];
      order[j - 1] = swap;
    }
  }
  out->count = 0;
  for (int k = 0; k < 3; k++) {
    struct cloud cloud;
    if (!mode_cloud(bank, order[k], &cloud)) continue;
    weights += weight[order[k]];
    if (!placed) placed = cloud_plane(&cloud, &out->plane);
    struct ground_gauss *part = &out->parts[out->count];
    if (!placed || !cloud_moments(&cloud, &out->plane, part)) continue;
    part->weight *= weight[order[k]];
    if (order[k] == WK_BOOST) boost_widen(bank, part);
    if (order[k] == WK_COAST) part->weight *= lowered_probability(bank + WK_B_COAST_X, WK_COAST_N);
    if (order[k] == WK_REENTRY) part->weight *= lowered_probability(bank + WK_B_REENTRY_X, WK_REENTRY_N);
    part->covariance[0] += floor_m * floor_m;
    part->covariance[3] += floor_m * floor_m;
    part->covariance[5] += floor_s * floor_s;
    down += part->weight;
    out->count++;
  }
  if (weights <= 0 || down / weights < down_min) return false;
  for (uint32_t k = 0; k < out->count; k++) out->parts[k].weight /= weights;
  gauss_join(out->parts, out->count, &out->whole);
  out->whole.weight = fmin(out->whole.weight, 1);
  gauss_centre(&out->whole);
  return true;
}

bool flight_launch_coast(const double *bank, struct ground_plane *plane, struct ground_gauss *out) {
  /* The ellipse meets the ground near the launch, but too late by most of the burn (W16). */
  static const double late_s = 45, late_sigma_s = 30, along_m = 35e3;
  static const int order[6] = {0, 1, 2, 3, 4, 5};
  const double *x = bank + WK_B_COAST_X, *p = bank + WK_B_COAST_P;
  struct cloud cloud = {.mains = 1, .pairs = 6, .weight = {1}};
  double l[7][7], column[6];
  factor(6, p, order, l);
  start_at(&cloud.start[0], x, drag_none);
  for (uint32_t k = 0; k < 12; k++) {
    for (int i = 0; i < 6; i++) column[i] = l[i][k / 2];
    start_at(&cloud.start[1 + k], x, drag_none);
    start_move(&cloud.start[1 + k], column, k % 2 ? -1 : 1);
  }
  cloud_fall(&cloud, -1.0);
  if (!cloud_plane(&cloud, plane) || !cloud_moments(&cloud, plane, out)) return false;
  out->mean[2] = -out->mean[2] - late_s;
  out->covariance[2] = -out->covariance[2];
  out->covariance[4] = -out->covariance[4];
  out->covariance[0] += along_m * along_m;
  out->covariance[3] += along_m * along_m;
  out->covariance[5] += late_sigma_s * late_sigma_s;
  return true;
}

/* New tracks: two points that a physical speed connects start one; lines of sight become points where
 * they cross (rays.c). Runs on one thread, over what association left, in the frame's order. */
#include <math.h>
#include <string.h>

#include "engine/track/birth.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double speed_max_mps = 8500, speed_max_flat_mps = 900;
static const double speed_sigma_mps = 2500, speed_sigma_flat_mps = 250, climb_sigma_flat_mps = 15;
static const double new_objects_per_scan = 0.02; /* expected, over a sensor's whole coverage */
static const double pair_gate_chi2 = 16.3;       /* 3 degrees of freedom, 0.1 % */
static const double pair_rate_gate_chi2 = 18.5;  /* with range rate: 4 */
static const double rate_span_mps = 16000;       /* over which false range rates are spread */
static const double log_odds_start_min =
    -6; /* a pair less likely real than this is not worth a track record */
static const double ln_2pi = 1.8378770664093453;
enum { PARTNERS_MAX = 64 };               /* seeds weighed against one point: a bound on dense clutter */
static const double pairing_min_s = 0.15; /* closer in time, two points say nothing of the speed */

/* ln of false points per scan and cubic metre: the sensor's own density over the volume of one unit of its
 * coordinates. */
static double density_in_space(const struct plot *plot) {
  double r = fmax(plot->range_m, 100);
  double cosine = plot->kind == WK_RADAR ? fmax(wk_cos(plot->z[2]), 0.05) : 1;
  switch ((enum wk_kind)plot->kind) {
  case WK_RADAR:
    return plot->log_clutter_density - wk_log(r * r * cosine) +
           ((plot->present & 8) ? wk_log(rate_span_mps) : 0);
  case WK_RADAR2D:
    return plot->log_clutter_density - wk_log(r) - (plot->height_assumed ? wk_log(15000) : 0);
  case WK_LOS:
  case WK_POSITION:
  case WK_KINDS:
    break;
  }
  return plot->log_clutter_density;
}

static int64_t seed_life_ns(const struct tracker *tracker, uint32_t sensor) {
  double life_s = fmin(fmax(3.2 * tracker->site->sensors[sensor].revisit_s, 3), 40);
  return (int64_t)(life_s * 1e9);
}

static struct seed seed_from_plot(const struct tracker *tracker, const struct plot *plot) {
  const struct sensor *sensor = &tracker->site->sensors[plot->sensor];
  struct seed seed = {.log_density = density_in_space(plot),
                      .time_ns = plot->time_ns,
                      .detections = 1,
                      .present = true,
                      .flat = plot->kind == WK_RADAR2D,
                      .height_assumed = plot->height_assumed,
                      .sensor = {plot->sensor, plot->sensor}};
  memcpy(seed.point_m, plot->point_m, sizeof seed.point_m);
  memcpy(seed.covariance, plot->point_covariance, sizeof seed.covariance);
  seed.log_odds = wk_log(new_objects_per_scan / clutter_per_scan_of(sensor));
  seed.expires_ns = plot->time_ns + seed_life_ns(tracker, plot->sensor);
  return seed;
}

static void seed_settle(struct tracker *tracker, const struct seed *seed, enum fate fate) {
  for (uint32_t k = 0; k < seed->detections; k++) tracker->fate_counts[seed->sensor[k]][fate]++;
}

static void seed_drop(struct tracker *tracker, uint64_t at, enum fate fate) {
  struct seed *seed = &tracker->seeds.seeds[at % SEEDS_MAX];
  if (!seed->present) return;
  seed_settle(tracker, seed, fate);
  seed->present = false;
  grid_remove(&tracker->seeds.grid, (uint32_t)(at % SEEDS_MAX));
}

static void seed_keep(struct tracker *tracker, const struct seed *seed) {
  struct seeds *seeds = &tracker->seeds;
  if (seeds->tail - seeds->head == SEEDS_MAX) seed_drop(tracker, seeds->head++, FATE_CLUTTER);
  uint32_t place = (uint32_t)(seeds->tail++ % SEEDS_MAX);
  seeds->seeds[place] = *seed;
  grid_put(&seeds->grid, place, seed->point_m, 0);
}

/* Forgets what has waited long enough: in order of arrival, stopping at the first that may still wait. */
static void seeds_expire(struct tracker *tracker, int64_t now_ns) {
  struct seeds *seeds = &tracker->seeds;
  while (seeds->head < seeds->tail) {
    const struct seed *seed = &seeds->seeds[seeds->head % SEEDS_MAX];
    if (seed->present && seed->expires_ns > now_ns) break;
    seed_drop(tracker, seeds->head++, FATE_CLUTTER);
  }
}

/* Prior of the velocity of a new object: nothing known but that it is physical. For a 2-D radar an
 * aircraft's. */
static void speed_prior(const struct seed *seed, double v0[6]) {
  memset(v0, 0, 6 * sizeof *v0);
  if (!seed->flat) {
    for (int i = 0; i < 3; i++) v0[WK_AT(3, i, i)] = speed_sigma_mps * speed_sigma_mps;
    return;
  }
  double lat_rad, lon_rad, height_m, enu[9];
  wk_geodetic_from_ecef(seed->point_m, &lat_rad, &lon_rad, &height_m);
  wk_enu_rows(lat_rad, lon_rad, enu);
  const double level2 = speed_sigma_flat_mps * speed_sigma_flat_mps,
               climb2 = climb_sigma_flat_mps * climb_sigma_flat_mps;
  for (int i = 0; i < 3; i++) {
    for (int j = i; j < 3; j++) {
      v0[WK_AT(3, i, j)] = (i == j ? level2 : 0) + (climb2 - level2) * enu[6 + i] * enu[6 + j];
    }
  }
}

/* Two points as one state: the first with a velocity prior, predicted to the second and updated by it. */
struct start {
  double x[6], p[21]; /* at the second point's time */
  double log_ratio;   /* ln of Pd N(second | first) / false density */
  double distance2;
};

static bool start_from_pair(const struct seed *first, const struct seed *second, double pd,
                            struct start *out) {
  double dt = (double)(second->time_ns - first->time_ns) * 1e-9;
  double v0[6], s[6], inverse[6], log_determinant, innovation[3];
  speed_prior(first, v0);
  const double accelerating = 15; /* m/s^2 one sigma over the interval */
  double v_extra = accelerating * dt * accelerating * dt;
  for (int k = 0; k < 6; k++) s[k] = first->covariance[k] + dt * dt * v0[k] + second->covariance[k];
  /* Two assumed heights err together: only their difference would be new. */
  vector_subtract(innovation, second->point_m, first->point_m);
  if (!matrix_invert_spd(3, s, inverse, &log_determinant)) return false;
  out->distance2 = matrix_quadratic(3, inverse, innovation);
  out->log_ratio = -0.5 * (out->distance2 + log_determinant + 3 * ln_2pi) + wk_log(pd) - second->log_density;
  double gain_v[3][3]; /* dt V0 S^-1 */
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) {
        sum +=
            v0[i <= k ? WK_AT(3, i, k) : WK_AT(3, k, i)] * inverse[k <= j ? WK_AT(3, k, j) : WK_AT(3, j, k)];
      }
      gain_v[i][j] = dt * sum;
    }
  }
  memset(out->p, 0, sizeof out->p);
  for (int i = 0; i < 3; i++) {
    out->x[i] = second->point_m[i];
    out->x[3 + i] = 0;
    for (int j = 0; j < 3; j++) out->x[3 + i] += gain_v[i][j] * innovation[j];
  }
  /* The second point is taken as the position (its covariance is far below the predicted one), and its error
   * enters the velocity through the gain. */
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      double cross = 0, down = 0;
      for (int k = 0; k < 3; k++) {
        cross += second->covariance[i <= k ? WK_AT(3, i, k) : WK_AT(3, k, i)] * gain_v[j][k];
        down += gain_v[i][k] * v0[k <= j ? WK_AT(3, k, j) : WK_AT(3, j, k)];
      }
      out->p[WK_AT(6, i, 3 + j)] = cross;
      if (j >= i) {
        out->p[WK_AT(6, i, j)] = second->covariance[WK_AT(3, i, j)];
        out->p[WK_AT(6, 3 + i, 3 + j)] = v0[WK_AT(3, i, j)] - dt * down + (i == j ? v_extra : 0);
      }
    }
  }
  return true;
}

/* Trace of the part across the unit vector u of the 3 x 3 block of p that begins there. */
static double across_part(const double p[21], int row, int column, const double u[3]) {
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      int a = row + i, b = column + j;
      sum += ((i == j) - u[i] * u[j]) * p[a <= b ? WK_AT(6, a, b) : WK_AT(6, b, a)];
    }
  }
  return sum;
}

/* The second plot's range rate, which says at once what the two points leave most uncertain for accurate
 * ranges: a scalar update with the mean and variance of its second-order part (docs/maths.md T9). */
static void rate_take(struct start *start, const struct plot *plot) {
  double d[3], u[3], v[3], row[6], ph[6], *x = start->x, *p = start->p;
  vector_subtract(d, x, plot->site_m);
  vector_subtract(v, x + 3, plot->site_velocity_mps);
  double range = fmax(vector_norm(d), 1);
  for (int i = 0; i < 3; i++) u[i] = d[i] / range;
  double rate = vector_dot(u, v);
  for (int i = 0; i < 3; i++) {
    row[i] = (v[i] - rate * u[i]) / range;
    row[3 + i] = u[i];
  }
  double together = across_part(p, 0, 3, u) / range;
  double apart = across_part(p, 0, 0, u) * across_part(p, 3, 3, u) / (2 * range * range);
  double variance = plot->variance[3] + apart + together * together / 2;
  double innovation = plot->z[3] - rate - together;
  for (int i = 0; i < 6; i++) {
    ph[i] = 0;
    for (int j = 0; j < 6; j++) ph[i] += p[i <= j ? WK_AT(6, i, j) : WK_AT(6, j, i)] * row[j];
    variance += row[i] * ph[i];
  }
  for (int i = 0; i < 6; i++) {
    x[i] += ph[i] * innovation / variance;
    for (int j = i; j < 6; j++) p[WK_AT(6, i, j)] -= ph[i] * ph[j] / variance;
  }
  double distance2 = innovation * innovation / variance;
  start->distance2 += distance2;
  start->log_ratio += wk_log(rate_span_mps) - 0.5 * (distance2 + ln_2pi + wk_log(variance));
}

static void track_start(struct tracker *tracker, struct seed *first, const struct seed *second,
                        const struct start *start, int64_t arrival_ns) {
  struct birth birth = {.time_ns = second->time_ns,
                        .arrival_ns = arrival_ns,
                        .log_odds = fmin(first->log_odds + start->log_ratio, 5),
                        .class_log_odds = -1}; /* aircraft are the more common sight */
  memcpy(birth.x, start->x, sizeof birth.x);
  memcpy(birth.p, start->p, sizeof birth.p);
  const struct seed *parts[] = {first, second};
  for (int p = 0; p < 2; p++) {
    for (uint32_t k = 0; k < parts[p]->detections; k++) {
      birth.plots[birth.count++] = (struct birth_plot){parts[p]->time_ns, parts[p]->sensor[k]};
    }
  }
  enum fate fate = track_birth(tracker, &birth) == TRACK_NONE ? FATE_SHED : FATE_STARTED;
  seed_settle(tracker, first, fate);
  seed_settle(tracker, second, fate);
}

struct partner_search {
  struct tracker *tracker;
  const struct seed *second;
  const struct plot *plot; /* which the second is */
  struct start best;
  uint32_t place; /* of the best seed in the ring */
  uint32_t weighed;
};

/* One stored point as the partner of a new one. */
static void partner_consider(void *context, uint32_t place) {
  struct partner_search *search = context;
  const struct tracker *tracker = search->tracker;
  const struct seed *first = &tracker->seeds.seeds[place], *second = search->second;
  double dt = (double)(second->time_ns - first->time_ns) * 1e-9;
  if (dt < pairing_min_s || first->expires_ns < second->time_ns) return;
  if (first->sensor[0] == second->sensor[0] && dt < 0.4 * tracker->site->sensors[first->sensor[0]].revisit_s)
    return;
  double d[3], reach = (first->flat && second->flat ? speed_max_flat_mps : speed_max_mps) * dt;
  vector_subtract(d, second->point_m, first->point_m);
  double slack = 0;
  for (int i = 0; i < 3; i++) slack += first->covariance[WK_AT(3, i, i)] + second->covariance[WK_AT(3, i, i)];
  if (vector_norm(d) > reach + 4 * sqrt(slack)) return;
  if (search->weighed++ >= PARTNERS_MAX) return;
  struct start start;
  double pd = tracker->site->sensors[second->sensor[0]].detection_probability;
  if (!start_from_pair(first, second, pd, &start) || start.distance2 > pair_gate_chi2) return;
  if (search->plot->kind == WK_RADAR && search->plot->present & 8) {
    rate_take(&start, search->plot);
    if (start.distance2 > pair_rate_gate_chi2) return;
  }
  if (first->log_odds + start.log_ratio < log_odds_start_min) return;
  bool better = search->place == GRID_NONE || start.log_ratio > search->best.log_ratio ||
                (start.log_ratio == search->best.log_ratio && place < search->place);
  if (!better) return;
  search->best = start;
  search->place = place;
}

/* A new point either completes a pair or waits for one. */
static void point_offer(struct tracker *tracker, const struct seed *point, const struct plot *plot) {
  struct partner_search search = {.tracker = tracker, .second = point, .plot = plot, .place = GRID_NONE};
  double life_s = (double)(point->expires_ns - point->time_ns) * 1e-9;
  double reach = (point->flat ? speed_max_flat_mps : speed_max_mps) * life_s;
  double half[3];
  for (int i = 0; i < 3; i++) half[i] = reach + 5 * sqrt(point->covariance[WK_AT(3, i, i)]);
  grid_query(&tracker->seeds.grid, point->point_m, half, partner_consider, &search);
  if (search.place == GRID_NONE) {
    seed_keep(tracker, point);
    return;
  }
  struct seed first = tracker->seeds.seeds[search.place];
  tracker->seeds.seeds[search.place].present = false;
  grid_remove(&tracker->seeds.grid, search.place);
  track_start(tracker, &first, point, &search.best, plot->arrival_ns);
}

/* A track started earlier in this same frame may own this plot too: another radar saw the object at the same
 * time. */
static bool fresh_take(struct tracker *tracker, uint32_t i) {
  const struct plot *plot = &tracker->plots[i];
  if (!plot->has_point) return false;
  uint32_t count = 0;
  for (uint32_t k = 0; k < tracker->fresh_count && count < CANDIDATES_MAX; k++) {
    const struct track *track = &tracker->store.tracks[tracker->fresh[k]];
    double p[3], d[3];
    track_extrapolate(track, plot->time_ns, p);
    vector_subtract(d, p, plot->point_m);
    double sigma = track_sigma_at(track, plot->time_ns) + plot->sigma_cross_m * 1.5 + 100;
    if (vector_norm(d) > 5 * sigma || lifecycle_scan_used(tracker, track, plot)) continue;
    tracker->pairs[count++] = (struct pair){.track = tracker->fresh[k], .plot = i};
  }
  filter_score(&tracker->filter, tracker->pairs, count, tracker->evidence);
  uint32_t best = UINT32_MAX;
  for (uint32_t k = 0; k < count; k++) {
    if (!(tracker->evidence[k].distance2 < 16.3)) continue;
    if (best == UINT32_MAX || tracker->evidence[k].log_likelihood > tracker->evidence[best].log_likelihood)
      best = k;
  }
  if (best == UINT32_MAX) return false;
  struct pair pair = tracker->pairs[best];
  struct pair_evidence evidence;
  filter_update(&tracker->filter, &pair, 1, &evidence);
  tracker->fates[i] = FATE_ASSOCIATED;
  lifecycle_hit(tracker, pair.track, plot, &evidence, plot->arrival_ns);
  return true;
}

void initiate_slice(struct tracker *tracker, uint32_t begin, uint32_t end) {
  tracker->fresh_count = 0;
  int64_t now_ns = tracker->front_ns > tracker->now_ns ? tracker->front_ns : tracker->now_ns;
  seeds_expire(tracker, now_ns - tracker->site->lag_ns);
  rays_expire(tracker, now_ns - tracker->site->lag_ns);
  for (uint32_t i = begin; i < end; i++) {
    if (tracker->fates[i] != FATE_IN_FLIGHT) continue;
    if (tracker->fresh_count > 0 && fresh_take(tracker, i)) continue;
    const struct plot *plot = &tracker->plots[i];
    if (plot->has_point) {
      struct seed seed = seed_from_plot(tracker, plot);
      point_offer(tracker, &seed, plot);
    } else {
      rays_offer(tracker, plot);
    }
  }
  rays_settle(tracker);
}

void tracker_drain(struct tracker *tracker, struct ledger *ledger) {
  memset(tracker->fate_counts, 0, tracker->site->sensor_count * sizeof *tracker->fate_counts);
  seeds_expire(tracker, INT64_MAX);
  rays_expire(tracker, INT64_MAX);
  for (uint32_t s = 0; s < tracker->site->sensor_count; s++) {
    for (int fate = FATE_ASSOCIATED; fate < FATES; fate++)
      ledger->sensors[s].fates[fate] += tracker->fate_counts[s][fate];
  }
}

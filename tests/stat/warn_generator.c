// stage: weft_warn weft_domain weft_base weft_kernels
// clang-format off
// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c
// clang-format on
/* The 50, 90 and 99 % impact regions against a truth of their own: missiles of the generator, whose physics
 * shares nothing with the engine's, seen by one radar through the filter that the engine uses, half a minute
 * after burn-out and at half flight.
 *
 * Populations: "supposed" is drawn from what docs/maths.md states: ln(CD A / m) ~ N(-8.06, 0.7) (W9), winds
 * and lift as W7, random accelerations in free flight as M7. "smooth" has the same drag and neither winds nor
 * unrest: what the generator flies. "moderate" is
 * smooth with ballistic coefficients log-uniform from 1,000 to 10,000 kg/m^2. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/warn/flight.h"
#include "tools/salvo/atmosphere.h"
#include "tools/salvo/missile.h"

enum {
  SEED = 11,
  FLIGHTS_FULL = 10000,
  FLIGHTS_SHORT = 1000,
  TYPES = 3,
  MOMENTS = 2,
  LEVELS = 3,
  STEPS_MAX = 3000
};
enum { WAY_STEPS_MAX = 20000, GROUND_TRIES_MAX = 30 };
static const char *const types[TYPES] = {"short", "medium", "long"};
static const char *const moment_names[MOMENTS] = {"30 s after burn-out", "half flight"};
static const double level[LEVELS] = {0.5, 0.9, 0.99};
static const double after_burnout_s = 30, step_s = 1, elevation_min = 0.0175, detection_probability = 0.9;
static const double sigma[4] = {30, 1e-3, 1e-3, 5};
static const double wind_m = 100, wind_s = 0.3; /* W7 */

/* Points that a region may hold too many: no bound where the population is narrower than what is supposed.
 * Where it is not, what the filter is too careful by: it watches for second burns that no missile here has.
 */
static const double above_any[MOMENTS][LEVELS] = {{50, 10, 1}, {50, 10, 1}};
static const double above_supposed[MOMENTS][LEVELS] = {{5.5, 2, 1}, {5.5, 3, 1}};

/* What the flights are drawn from. */
struct population {
  const char *name;
  double (*log_drag)(struct prng *prng);
  bool unrest; /* random accelerations, and winds at the end */
};

/* One missile, the radar that sees it, and the filter's time. */
struct body {
  struct prng prng;
  struct missile_type type;
  struct flight flight;
  struct path fall;           /* from burn-out on where there is unrest, else empty; owned */
  double drift_m[2], drift_s; /* of winds and lift */
  int kind;
  double radar_m[3], enu[9];
  bool doppler;
  double time_s; /* since launch */
  double moment_s[MOMENTS];
  bool seen[MOMENTS];
};

struct tally {
  int count, inside[LEVELS], in_time;
  double major_m, minor_m, nees;
};

static bool body_state(const struct body *body, double time_s, struct state *state) {
  bool falls = body->fall.count > 0 && time_s > body->flight.cutoff_s;
  return path_at(falls ? &body->fall : &body->flight.path, time_s, state);
}

/* Range, azimuth, elevation, range rate of the truth; false below the horizon. */
static bool body_look(const struct body *body, double time_s, double z[4]) {
  struct state state;
  double d[3], local[3] = {0};
  if (!body_state(body, time_s, &state)) return false;
  for (int c = 0; c < 3; c++) d[c] = state.r[c] - body->radar_m[c];
  for (int r = 0; r < 3; r++) {
    for (int c = 0; c < 3; c++) local[r] += body->enu[3 * r + c] * d[c];
  }
  z[0] = vec_norm(d);
  z[1] = atan2(local[0], local[1]);
  z[2] = asin(local[2] / z[0]);
  z[3] = vec_dot(d, state.v) / z[0];
  return z[2] > elevation_min;
}

/* A radar 50 to 300 km from the launch that sees the missile before burn-out; the filter begins where it
 * does. */
static bool radar_draw(struct body *body) {
  const double earth_m = 6371e3;
  struct flight *flight = &body->flight;
  struct prng *prng = &body->prng;
  double bearing = 6.2832 * prng_uniform(prng), distance = 50e3 + 250e3 * prng_uniform(prng), z[4];
  double north = distance * cos(bearing) / earth_m,
         east = distance * sin(bearing) / earth_m / cos(flight->launch.lat_rad);
  double lat = flight->launch.lat_rad + north, lon = flight->launch.lon_rad + east;
  wk_ecef_from_geodetic(lat, lon, 50, body->radar_m);
  wk_enu_rows(lat, lon, body->enu);
  double first = flight->cutoff_s + after_burnout_s;
  while (first > 10 && body_look(body, first - step_s, z)) first -= step_s;
  body->time_s = first;
  return first < flight->cutoff_s - 10;
}

/* (m/s^2)^2 s: q_0 of M7, as the coast mode supposes beside drag, which these bodies have of their own. */
static double unrest_psd(double height_m) {
  const struct wk_tuning tuning = wk_tuning_default();
  double low = tuning.coast_low_accel_psd * fmin(1, exp(-(height_m - tuning.staging_altitude_m) / 8e3));
  return fmax(low, tuning.coast_accel_psd);
}

/* Free flight by the generator's gravity and air, with a constant push. */
static void fall_rate(const struct body *body, const double x[6], const double push[3], double d[6]) {
  double height_m = earth_geodetic(x).height_m, a[3], k = 0;
  earth_free_fall(x, x + 3, a);
  if (height_m < 1000e3) {
    k = 0.5 * atmosphere_at(height_m).density_kgpm3 * vec_norm(x + 3) /
        body->type.ballistic_coefficient_kgpm2;
  }
  for (int c = 0; c < 3; c++) {
    d[c] = x[3 + c];
    d[3 + c] = a[c] - k * x[3 + c] + push[c];
  }
}

static void fall_advance(const struct body *body, const double x[6], const double push[3], double h,
                         double y[6]) {
  double k[4][6];
  const double part[4] = {0, 0.5, 0.5, 1};
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < 6; i++) y[i] = x[i] + (stage ? h * part[stage] * k[stage - 1][i] : 0);
    fall_rate(body, y, push, k[stage]);
  }
  for (int i = 0; i < 6; i++) y[i] = x[i] + h / 6 * (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]);
}

static void fall_keep(struct body *body, double time_s, double h, const double x[6], const double y[6],
                      const double push[3]) {
  struct state from, to;
  double rate[2][6];
  fall_rate(body, x, push, rate[0]);
  fall_rate(body, y, push, rate[1]);
  memcpy(from.r, x, sizeof from.r);
  memcpy(from.v, x + 3, sizeof from.v);
  memcpy(to.r, y, sizeof to.r);
  memcpy(to.v, y + 3, sizeof to.v);
  path_append(&body->fall, time_s, h, &from, rate[0] + 3, &to, rate[1] + 3);
}

/* Flies once more from burn-out to the ground, with a random acceleration every half second; the place and
 * time of impact become those of this way. */
static void unrest_fly(struct body *body) {
  struct flight *flight = &body->flight;
  struct state state;
  double x[6], y[6], time_s = flight->cutoff_s, height_m = 1;
  assert_true(path_at(&flight->path, time_s, &state));
  memcpy(x, state.r, sizeof state.r);
  memcpy(x + 3, state.v, sizeof state.v);
  for (int step = 0; height_m > 0; step++) {
    double h = 0.5, push[3], before_m = earth_geodetic(x).height_m, size = sqrt(unrest_psd(before_m) / h);
    for (int c = 0; c < 3; c++) push[c] = size * prng_normal(&body->prng);
    for (int tries = 0; tries < GROUND_TRIES_MAX; tries++) {
      fall_advance(body, x, push, h, y);
      height_m = earth_geodetic(y).height_m;
      if (height_m > -0.5) break;
      h *= before_m / (before_m - height_m);
    }
    if (step > WAY_STEPS_MAX) fail_msg("seed %d: a flight does not come down", SEED);
    fall_keep(body, time_s, h, x, y, push);
    memcpy(x, y, sizeof x);
    time_s += h;
    if (h < 0.5) break;
  }
  flight->impact_s = time_s;
  flight->impact = earth_geodetic(x);
  for (int k = 0; k < 2; k++) body->drift_m[k] = wind_m * prng_normal(&body->prng);
  body->drift_s = wind_s * prng_normal(&body->prng);
}

static void body_draw(struct body *body, uint64_t stream, const struct population *population) {
  memset(body, 0, sizeof *body);
  body->prng = prng_seed(SEED, stream);
  struct prng *prng = &body->prng;
  struct flight *flight = &body->flight;
  body->kind = (int)prng_below(prng, TYPES);
  body->type = *missile_preset(types[body->kind]);
  body->type.ballistic_coefficient_kgpm2 = exp(-population->log_drag(prng));
  flight->type = &body->type;
  flight->launch = (struct earth_geodetic){2 * prng_uniform(prng) - 1, 6 * prng_uniform(prng) - 3, 0};
  flight->azimuth_rad = 6.2832 * prng_uniform(prng);
  const struct missile_stage *last = &body->type.stages[body->type.stage_count - 1];
  double full = missile_boost_s(&body->type);
  flight->cutoff_s =
      fmax(full - 0.5 * prng_uniform(prng) * missile_burn_s(last), fmin(body->type.pitch_end_s + 5, full));
  if (flight_integrate(flight, 1e-2, true))
    fail_msg("seed %d stream %d: does not come down", SEED, (int)stream);
  if (population->unrest) unrest_fly(body);
  body->doppler = prng_uniform(prng) < 0.5;
  for (int tries = 0; !radar_draw(body); tries++) assert_true(tries < 100);
  body->moment_s[0] = flight->cutoff_s + after_burnout_s;
  body->moment_s[1] = fmax(flight->impact_s / 2, body->moment_s[0]);
}

/* As the tracker starts from two points: position to a plot, velocity to a few hundred m/s, all modes alike.
 */
static void bank_begin(struct body *body, double *bank) {
  static const int at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X},
                   n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  static const double weight[3] = {0.6, 0.2, 0.2}, place_m = 300, speed_mps = 300;
  struct state state;
  double x[6];
  assert_true(body_state(body, body->time_s, &state));
  for (int i = 0; i < 3; i++) x[i] = state.r[i] + place_m * prng_normal(&body->prng);
  for (int i = 0; i < 3; i++) x[3 + i] = state.v[i] + speed_mps * prng_normal(&body->prng);
  memset(bank, 0, WK_TRACK_ELEMENTS * sizeof *bank);
  for (int m = 0; m < 3; m++) {
    for (int i = 0; i < 6; i++) {
      bank[at[m] + i] = x[i];
      bank[at[m] + n[m] + WK_AT(n[m], i, i)] = i < 3 ? place_m * place_m : speed_mps * speed_mps;
    }
    bank[WK_B_WEIGHT + m] = weight[m];
  }
  for (int i = 6; i < 9; i++) bank[WK_B_BOOST_P + WK_AT(WK_BOOST_N, i, i)] = 25 * 25;
  bank[WK_B_REENTRY_X + 6] = -8;
  bank[WK_B_REENTRY_P + WK_AT(WK_REENTRY_N, 6, 6)] = 1;
}

static void measure_fill(struct body *body, struct wk_measure_block *measure, int lane, bool *seen) {
  double z[4];
  *seen = body_look(body, body->time_s, z) && prng_uniform(&body->prng) < detection_probability;
  for (int k = 0; k < 4; k++) {
    measure->z[k][lane] = *seen ? z[k] + sigma[k] * prng_normal(&body->prng) : 1;
    measure->variance[k][lane] = sigma[k] * sigma[k];
    measure->present[k][lane] = k < 3 || body->doppler;
  }
  for (int c = 0; c < 3; c++) measure->site_m[c][lane] = body->radar_m[c];
  for (int c = 0; c < 3; c++) measure->site_velocity_mps[c][lane] = 0;
  for (int c = 0; c < 9; c++) measure->enu[c][lane] = body->enu[c];
}

/* What the report's ellipse says of the true impact. */
static void estimate_judge(const struct body *body, const double *bank, struct tally *tally) {
  struct flight_impact impact;
  double p[3], east, north;
  if (!flight_impact_find(bank, &impact)) return;
  wk_ecef_from_geodetic(body->flight.impact.lat_rad, body->flight.impact.lon_rad, 0, p);
  plane_from(&impact.plane, p, &east, &north);
  const double *c = impact.whole.covariance;
  east += body->drift_m[0] - impact.whole.mean[0];
  north += body->drift_m[1] - impact.whole.mean[1];
  double d2 =
      (c[3] * east * east - 2 * c[1] * east * north + c[0] * north * north) / (c[0] * c[3] - c[1] * c[1]);
  double late_s = impact.whole.mean[2] + body->time_s - body->flight.impact_s - body->drift_s;
  tally->count++;
  for (int k = 0; k < LEVELS; k++) tally->inside[k] += d2 <= -2 * log(1 - level[k]);
  tally->in_time += fabs(late_s) <= 1.6449 * sqrt(c[5]);
  double middle = (c[0] + c[3]) / 2, radius = hypot((c[0] - c[3]) / 2, c[1]);
  tally->major_m += sqrt(middle + radius);
  tally->minor_m += sqrt(middle - radius);
  tally->nees += d2 / 2;
}

/* Eight missiles side by side through the filter. */
static void eight_fly(struct body body[WK_LANES], struct tally tally[MOMENTS][TYPES]) {
  static double bank[WK_LANES][WK_TRACK_ELEMENTS];
  static struct wk_ballistic_block block;
  static struct wk_measure_block measure;
  struct wk_evidence_block evidence;
  const struct wk_table *kernels = wk_table();
  const struct wk_tuning tuning = wk_tuning_default();
  const double *in[WK_LANES];
  double *out[WK_LANES];
  wk_lane dt, quiet, enable;
  for (int l = 0; l < WK_LANES; l++) {
    bank_begin(&body[l], bank[l]);
    in[l] = out[l] = bank[l];
    dt[l] = step_s;
    quiet[l] = 0;
  }
  kernels->ballistic_load(&block, in);
  int left = MOMENTS * WK_LANES;
  for (int step = 0; step < STEPS_MAX && left > 0; step++) {
    kernels->ballistic_predict(&block, dt, quiet, &tuning);
    for (int l = 0; l < WK_LANES; l++) {
      bool seen;
      body[l].time_s += step_s;
      measure_fill(&body[l], &measure, l, &seen);
      enable[l] = seen && !body[l].seen[MOMENTS - 1];
    }
    kernels->ballistic_update(&block, WK_RADAR, &measure, enable, &evidence);
    kernels->ballistic_store(&block, out);
    for (int l = 0; l < WK_LANES; l++) {
      for (int m = 0; m < MOMENTS; m++) {
        if (body[l].seen[m] || body[l].time_s < body[l].moment_s[m] - 1e-9) continue;
        body[l].seen[m] = true;
        left--;
        estimate_judge(&body[l], bank[l], &tally[m][body[l].kind]);
      }
    }
  }
  assert_int_equal(left, 0);
}

static void tally_print(const char *population, const char *moment, const char *type, const struct tally *t) {
  double n = t->count;
  print_message("%s, %s, %-6s: %d flights: inside %.2f %.2f %.2f %%, time window 90 %%: %.2f %%; mean sigmas "
                "%.0f and %.0f m, NEES %.2f\n",
                population, moment, type, t->count, 100 * t->inside[0] / n, 100 * t->inside[1] / n,
                100 * t->inside[2] / n, 100 * t->in_time / n, t->major_m / n, t->minor_m / n, t->nees / n);
}

static void tally_join(const struct tally *part, struct tally *whole) {
  whole->count += part->count;
  for (int k = 0; k < LEVELS; k++) whole->inside[k] += part->inside[k];
  whole->in_time += part->in_time;
  whole->major_m += part->major_m;
  whole->minor_m += part->minor_m;
  whole->nees += part->nees;
}

static int flights_wanted(void) {
  const char *stat = getenv("WEFT_STAT");
  return stat && strcmp(stat, "full") == 0 ? FLIGHTS_FULL : FLIGHTS_SHORT;
}

static void population_fly(const struct population *population, int flights, struct tally all[MOMENTS]) {
  struct tally tally[MOMENTS][TYPES] = {0};
  for (int first = 0; first < flights; first += WK_LANES) {
    static struct body body[WK_LANES];
    for (int l = 0; l < WK_LANES; l++) body_draw(&body[l], (uint64_t)(first + l), population);
    eight_fly(body, tally);
    for (int l = 0; l < WK_LANES; l++) {
      flight_free(&body[l].flight);
      path_free(&body[l].fall);
    }
  }
  for (int m = 0; m < MOMENTS; m++) {
    for (int k = 0; k < TYPES; k++) {
      tally_print(population->name, moment_names[m], types[k], &tally[m][k]);
      tally_join(&tally[m][k], &all[m]);
    }
    tally_print(population->name, moment_names[m], "all", &all[m]);
  }
}

/* `above_max`: how many points a region may hold too many; chance is allowed for on both sides. */
static void population_check(const struct population *population, const double above_max[MOMENTS][LEVELS]) {
  struct tally all[MOMENTS] = {0};
  int flights = flights_wanted();
  population_fly(population, flights, all);
  for (int m = 0; m < MOMENTS; m++) {
    assert_int_equal(all[m].count, flights);
    for (int k = 0; k < LEVELS; k++) {
      double off = 100.0 * all[m].inside[k] / all[m].count - 100 * level[k];
      double chance = flights < FLIGHTS_FULL ? 257.6 * sqrt(level[k] * (1 - level[k]) / flights) : 0;
      if (off < -2 - chance || off > above_max[m][k] + chance) {
        fail_msg("seed %d, %s, %s: the %.0f %% region is %.2f points off", SEED, population->name,
                 moment_names[m], 100 * level[k], off);
      }
    }
  }
}

static double drag_prior(struct prng *prng) {
  return -8.06 + 0.7 * prng_normal(prng);
}

static double drag_moderate(struct prng *prng) {
  return -log(1000) - log(10) * prng_uniform(prng);
}

static void regions_hold_their_share_of_what_is_supposed(void **state) {
  (void)state;
  static const struct population supposed = {"supposed", drag_prior, true};
  population_check(&supposed, above_supposed);
}

static void regions_are_no_narrower_than_smooth_flights_allow(void **state) {
  (void)state;
  static const struct population smooth = {"smooth", drag_prior, false};
  population_check(&smooth, above_any);
}

static void regions_are_no_narrower_than_moderate_bodies_allow(void **state) {
  (void)state;
  static const struct population moderate = {"moderate", drag_moderate, false};
  population_check(&moderate, above_any);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(regions_hold_their_share_of_what_is_supposed),
                                     cmocka_unit_test(regions_are_no_narrower_than_smooth_flights_allow),
                                     cmocka_unit_test(regions_are_no_narrower_than_moderate_bodies_allow)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

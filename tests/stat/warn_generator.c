// stage: weft_warn weft_domain weft_base weft_kernels
// clang-format off
// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c
// clang-format on
/* The 50, 90 and 99 % impact regions against a truth of their own: missiles of the generator, whose physics
 * shares nothing with the engine's, seen by a radar through the filter that the engine uses, half a minute
 * after burn-out and at half flight. Population of the coefficient: the stated prior, ln(CD A / m) ~ N(-8, 1)
 * (docs/maths.md W9). */
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
static const char *const types[TYPES] = {"short", "medium", "long"};
static const char *const moment_names[MOMENTS] = {"30 s after burn-out", "half flight"};
static const double level[LEVELS] = {0.5, 0.9, 0.99};
static const double after_burnout_s = 30, step_s = 1, elevation_min = 0.0175, detection_probability = 0.9;
static const double sigma[4] = {30, 1e-3, 1e-3, 5};

/* One missile, the radar that sees it, and the filter's time. */
struct body {
  struct prng prng;
  struct missile_type type;
  struct flight flight;
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

/* Range, azimuth, elevation, range rate of the truth; false below the horizon. */
static bool body_look(const struct body *body, double time_s, double z[4]) {
  struct state state;
  double d[3], local[3] = {0};
  if (!path_at(&body->flight.path, time_s, &state)) return false;
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

static void body_draw(struct body *body, uint64_t stream, double (*log_drag)(struct prng *)) {
  memset(body, 0, sizeof *body);
  body->prng = prng_seed(SEED, stream);
  struct prng *prng = &body->prng;
  struct flight *flight = &body->flight;
  body->kind = (int)prng_below(prng, TYPES);
  body->type = *missile_preset(types[body->kind]);
  body->type.ballistic_coefficient_kgpm2 = exp(-log_drag(prng));
  flight->type = &body->type;
  flight->launch = (struct earth_geodetic){2 * prng_uniform(prng) - 1, 6 * prng_uniform(prng) - 3, 0};
  flight->azimuth_rad = 6.2832 * prng_uniform(prng);
  const struct missile_stage *last = &body->type.stages[body->type.stage_count - 1];
  double full = missile_boost_s(&body->type);
  flight->cutoff_s =
      fmax(full - 0.5 * prng_uniform(prng) * missile_burn_s(last), fmin(body->type.pitch_end_s + 5, full));
  if (flight_integrate(flight, 1e-2, true))
    fail_msg("seed %d stream %d: does not come down", SEED, (int)stream);
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
  assert_true(path_at(&body->flight.path, body->time_s, &state));
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
  east -= impact.whole.mean[0];
  north -= impact.whole.mean[1];
  double d2 =
      (c[3] * east * east - 2 * c[1] * east * north + c[0] * north * north) / (c[0] * c[3] - c[1] * c[1]);
  double late_s = impact.whole.mean[2] + body->time_s - body->flight.impact_s;
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

static void population_fly(const char *name, double (*log_drag)(struct prng *), int flights,
                           struct tally all[MOMENTS]) {
  struct tally tally[MOMENTS][TYPES] = {0};
  for (int first = 0; first < flights; first += WK_LANES) {
    static struct body body[WK_LANES];
    for (int l = 0; l < WK_LANES; l++) body_draw(&body[l], (uint64_t)(first + l), log_drag);
    eight_fly(body, tally);
    for (int l = 0; l < WK_LANES; l++) flight_free(&body[l].flight);
  }
  for (int m = 0; m < MOMENTS; m++) {
    for (int k = 0; k < TYPES; k++) {
      tally_print(name, moment_names[m], types[k], &tally[m][k]);
      tally_join(&tally[m][k], &all[m]);
    }
    tally_print(name, moment_names[m], "all", &all[m]);
  }
}

static double drag_prior(struct prng *prng) {
  return -8 + prng_normal(prng);
}

static void regions_hold_their_share_of_the_generators_flights(void **state) {
  (void)state;
  struct tally all[MOMENTS] = {0};
  population_fly("prior", drag_prior, flights_wanted(), all);
  for (int m = 0; m < MOMENTS; m++) {
    for (int k = 0; k < LEVELS; k++) {
      double off = 100.0 * all[m].inside[k] / all[m].count - 100 * level[k];
      if (off < -2)
        fail_msg("seed %d: %s: the %.0f %% region is %.2f points off", SEED, moment_names[m], 100 * level[k],
                 off);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(regions_hold_their_share_of_the_generators_flights)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

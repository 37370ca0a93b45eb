// The generator's physics: gravity, integrator, atmosphere, boost, aiming.
// stage: weft_base
// links: tools/salvo/salvo_earth.c tools/salvo/atmosphere.c tools/salvo/path.c tools/salvo/dormand.c tools/salvo/missile.c
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/base/prng.h"
#include "tools/salvo/atmosphere.h"
#include "tools/salvo/dormand.h"
#include "tools/salvo/missile.h"

#define SEED 20260101u

static void near(const char *what, double value, double low, double high) {
  if (!(value >= low && value <= high))
    fail_msg("%s = %.12g, expected %.12g to %.12g (seed %u)", what, value, low, high, SEED);
}

static void central(const void *context, double time_s, const struct state *at, double a[3]) {
  (void)context;
  (void)time_s;
  double r = vec_norm(at->r);
  for (int i = 0; i < 3; i++) a[i] = -EARTH_GM / (r * r * r) * at->r[i];
}

static void free_fall(const void *context, double time_s, const struct state *at, double a[3]) {
  (void)context;
  (void)time_s;
  earth_free_fall(at->r, at->v, a);
}

/* Kepler: after one period of 2 pi sqrt(a^3 / GM) an eccentric orbit is back where it began. */
static void integrator_closes_a_kepler_orbit(void **unused) {
  (void)unused;
  const double perigee = 6.8e6, e = 0.3, a = perigee / (1 - e), period = 2 * SALVO_PI * sqrt(a * a * a / EARTH_GM);
  struct state state = {{perigee, 0, 0}, {0, sqrt(EARTH_GM / perigee * (1 + e)), 0}};
  struct dormand run = {central, NULL, 1e-6, 60, -1e9, NULL};
  double time = 0;
  assert_int_equal(dormand_run(&run, &time, period, &state), DORMAND_TIME);
  near("x", state.r[0], perigee - 1, perigee + 1);
  near("y", state.r[1], -1, 1);
  near("z", state.r[2], -1e-6, 1e-6);
}

/* In the rotating frame kinetic energy plus potential to J2 less the centrifugal potential stays what it is. */
static void free_fall_keeps_the_jacobi_integral(void **unused) {
  (void)unused;
  struct state state = {{4e6, -3e6, 5e6}, {2000, 4500, 1500}};
  double first = 0;
  for (int k = 0; k <= 10; k++) {
    double r = vec_norm(state.r), s = state.r[2] / r, p2 = 1.5 * s * s - 0.5;
    double potential = -EARTH_GM / r * (1 - EARTH_J2 * EARTH_A_M * EARTH_A_M / (r * r) * p2);
    double spin = EARTH_RATE * EARTH_RATE * (state.r[0] * state.r[0] + state.r[1] * state.r[1]) / 2;
    double jacobi = vec_dot(state.v, state.v) / 2 + potential - spin;
    if (k == 0) first = jacobi;
    near("relative change of the Jacobi integral", jacobi / first - 1, -1e-11, 1e-11);
    struct dormand run = {free_fall, NULL, 1e-7, 10, -1e9, NULL};
    double time = 0;
    assert_int_equal(dormand_run(&run, &time, 60, &state), DORMAND_TIME);
  }
}

/* Normal gravity of WGS-84: 9.7803253 at the equator, 9.8321849 at the poles; J4, left out here,
 * is worth 1.2e-4 there. */
static void gravity_at_rest_is_normal_gravity(void **unused) {
  (void)unused;
  double rest[3] = {0}, a[3];
  earth_free_fall((double[]){EARTH_A_M, 0, 0}, rest, a);
  near("equator", -a[0], 9.7803253 - 1.5e-4, 9.7803253 + 1.5e-4);
  earth_free_fall((double[]){0, 0, EARTH_A_M * (1 - EARTH_F)}, rest, a);
  near("pole", -a[2], 9.8321849 - 1.5e-4, 9.8321849 + 1.5e-4);
}

static void geodetic_round_trips(void **unused) {
  (void)unused;
  struct prng prng = prng_seed(SEED, 1);
  for (int i = 0; i < 2000; i++) {
    struct earth_geodetic at = {SALVO_PI * (prng_uniform(&prng) - 0.5), SALVO_PI * (2 * prng_uniform(&prng) - 1),
                                exp(prng_uniform(&prng) * 18) - 6000};
    double ecef[3];
    earth_ecef(at, ecef);
    struct earth_geodetic back = earth_geodetic(ecef);
    near("latitude error", back.lat_rad - at.lat_rad, -1e-13, 1e-13);
    near("height error", back.height_m - at.height_m, -1e-6, 1e-6);
  }
}

/* US Standard Atmosphere 1976, tables: density at geometric heights. */
static void atmosphere_matches_the_published_table(void **unused) {
  (void)unused;
  static const double table[][2] = {{0, 1.2250},        {5000, 0.73643},    {11000, 0.36480},   {20000, 0.088910},
                                    {30000, 0.018410},  {50000, 1.0269e-3}, {70000, 8.2829e-5}, {80000, 1.8458e-5},
                                    {100000, 5.604e-7}, {200000, 2.541e-10}};
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    char what[40];
    snprintf(what, sizeof what, "density ratio at %.0f m", table[i][0]);
    near(what, atmosphere_at(table[i][0]).density_kgpm3 / table[i][1], 0.9995, 1.0005);
  }
  near("sound", atmosphere_at(0).sound_mps, 340.29, 340.30);
  near("step at 86 km", atmosphere_at(86000.01).density_kgpm3 / atmosphere_at(85999.99).density_kgpm3, 0.998, 1.002);
}

static void sphere_force(const void *context, double time_s, const struct state *at, double a[3]) {
  const double foot = 0.3048, slug = 14.59390294, area = 0.1963495 * foot * foot;
  (void)context;
  (void)time_s;
  earth_free_fall(at->r, at->v, a);
  double k = -0.5 * atmosphere_at(earth_geodetic(at->r).height_m).density_kgpm3 * vec_norm(at->v) * 0.1 * area / slug;
  for (int i = 0; i < 3; i++) a[i] += k * at->v[i];
}

/* NASA NESC check-case 9: the span of six tools at 30 s. They give feet to two decimals, so half of the last one is added. */
static void nesc_case_9_lies_within_the_published_span(void **unused) {
  (void)unused;
  struct state state = {{EARTH_A_M, 0, 0}, {304.8, 304.8, 0}};
  struct dormand run = {sphere_force, NULL, 1e-7, 1, -1e9, NULL};
  double time = 0;
  assert_int_equal(dormand_run(&run, &time, 30, &state), DORMAND_TIME);
  struct earth_geodetic at = earth_geodetic(state.r);
  near("altitude ft", at.height_m / 0.3048, 10156.72 - 0.005, 10160.99 + 0.005);
  near("longitude deg", at.lon_rad / SALVO_DEG, 0.0616343, 0.0616479);
}

/* The same case, second by second, against the recordings of the tools themselves. */
static void nesc_case_9_follows_the_recordings(void **unused) {
  (void)unused;
  FILE *file = fopen("../shared/data/nesc/atmos_09_sim_04.csv", "r");
  if (!file) {
    print_message("skipped: no ../shared/data/nesc/atmos_09_sim_04.csv here\n");
    skip();
  }
  struct state state = {{EARTH_A_M, 0, 0}, {304.8, 304.8, 0}};
  struct dormand run = {sphere_force, NULL, 1e-7, 1, -1e9, NULL};
  char line[4096];
  double now = 0;
  int rows = 0;
  assert_non_null(fgets(line, sizeof line, file));
  while (fgets(line, sizeof line, file)) {
    double time, altitude_ft, longitude_deg, skipped;
    assert_int_equal(sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf,%lf", &time, &skipped, &skipped,
                            &skipped, &skipped, &skipped, &skipped, &skipped, &skipped, &skipped, &altitude_ft,
                            &longitude_deg),
                     12);
    if (time > now) dormand_run(&run, &now, time, &state);
    struct earth_geodetic at = earth_geodetic(state.r);
    near("altitude difference ft", at.height_m / 0.3048 - altitude_ft, -0.01, 0.01);
    near("longitude difference deg", at.lon_rad / SALVO_DEG - longitude_deg, -1e-7, 1e-7);
    rows++;
  }
  fclose(file);
  near("rows", rows, 300, 302);
}

static struct flight flight_from(const char *type, double cut) {
  return (struct flight){.type = missile_preset(type),
                         .launch_s = 3,
                         .launch = {-45 * SALVO_DEG, -123 * SALVO_DEG, 0},
                         .azimuth_rad = 1.1,
                         .cutoff_s = cut * missile_boost_s(missile_preset(type))};
}

static void impact_converges_with_the_tolerance(void **unused) {
  (void)unused;
  static const char *const types[] = {"short", "medium", "long"};
  for (int i = 0; i < 3; i++) {
    struct flight fine = flight_from(types[i], 1), flown = fine, coarse = fine;
    double a[3], b[3], c[3];
    assert_int_equal(flight_integrate(&fine, 1e-7, false), 0);
    assert_int_equal(flight_integrate(&flown, 1e-3, false), 0);
    assert_int_equal(flight_integrate(&coarse, 1e-1, false), 0);
    earth_ecef(fine.impact, a);
    earth_ecef(flown.impact, b);
    earth_ecef(coarse.impact, c);
    near("flown less fine, m", hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]), 0, 5);
    near("coarse less fine, m", hypot(hypot(a[0] - c[0], a[1] - c[1]), a[2] - c[2]), 0, 200);
    near("impact height", fine.impact.height_m, -1e-3, 1e-3);
  }
}

/* Tsiolkovsky bounds the speed from above; gravity for the whole burn and 500 m/s for drag from below. */
static void burnout_speed_obeys_the_rocket_equation(void **unused) {
  (void)unused;
  static const char *const types[] = {"short", "medium", "long"};
  for (int i = 0; i < 3; i++) {
    const struct missile_type *type = missile_preset(types[i]);
    double mass = type->payload_kg, ideal = 0;
    for (int k = type->stage_count - 1; k >= 0; k--) {
      double empty = mass + type->stages[k].dry_kg;
      mass = empty + type->stages[k].propellant_kg;
      ideal += type->stages[k].isp_s * 9.80665 * log(mass / empty);
    }
    struct flight flight = flight_from(types[i], 1);
    assert_int_equal(flight_integrate(&flight, 1e-3, true), 0);
    near("burn-out speed", flight.cutoff_speed_mps, ideal - 9.81 * missile_boost_s(type) - 500, ideal);
    near("apogee after cut-off", flight.apogee_s, flight.launch_s + flight.cutoff_s, flight.impact_s);
    near("re-entry between apogee and impact", flight.reentry_s, flight.apogee_s, flight.impact_s);
    near("apogee m", flight.apogee_m, 80e3, 1000e3);
    flight_free(&flight);
  }
}

static void stored_path_is_the_integrated_one(void **unused) {
  (void)unused;
  struct flight flight = flight_from("long", 1);
  assert_int_equal(flight_integrate(&flight, 1e-3, true), 0);
  for (double time = flight.launch_s + flight.cutoff_s; time < flight.impact_s - 60; time += 13.7) {
    struct state state, later, looked_up;
    assert_true(path_at(&flight.path, time, &state));
    assert_true(path_at(&flight.path, time + 20, &looked_up));
    later = state;
    if (earth_geodetic(state.r).height_m < 200e3) continue; /* air: the test's force below has none */
    struct dormand run = {free_fall, NULL, 1e-7, 5, -1e9, NULL};
    double now = time;
    dormand_run(&run, &now, time + 20, &later);
    for (int i = 0; i < 3; i++) {
      near("position difference", later.r[i] - looked_up.r[i], -0.5, 0.5);
      near("velocity difference", later.v[i] - looked_up.v[i], -0.05, 0.05);
    }
  }
  flight_free(&flight);
}

static void aim_is_hit_within_the_stated_miss(void **unused) {
  (void)unused;
  struct prng prng = prng_seed(SEED, 2);
  for (int i = 0; i < 30; i++) {
    struct flight flight = {.type = missile_preset(i % 2 ? "medium" : "short"), .launch_s = i};
    double reach = i % 2 ? 500e3 + 400e3 * prng_uniform(&prng) : 180e3 + 80e3 * prng_uniform(&prng),
           angle = 2 * SALVO_PI * prng_uniform(&prng);
    flight.launch = (struct earth_geodetic){-45 * SALVO_DEG, -123 * SALVO_DEG, 0};
    struct earth_geodetic aim = {flight.launch.lat_rad + reach * cos(angle) / 6.371e6,
                                 flight.launch.lon_rad + reach * sin(angle) / (6.371e6 * cos(45 * SALVO_DEG)), 0};
    struct weft_error err = {""};
    double want[3], got[3];
    int rc = flight_aim(&flight, aim, 200, &err);
    if (rc) fail_msg("aim %d refused: %s (seed %u)", i, err.text, SEED);
    earth_ecef(aim, want);
    earth_ecef(flight.impact, got);
    near("miss m", hypot(hypot(want[0] - got[0], want[1] - got[1]), want[2] - got[2]), 0, 250);
    near("path ends at impact", path_end_s(&flight.path) - flight.impact_s, -1e-9, 1e-9);
    flight_free(&flight);
  }
}

static void aim_out_of_reach_is_refused_with_the_reach(void **unused) {
  (void)unused;
  struct flight flight = {.type = missile_preset("short"), .launch = {-45 * SALVO_DEG, -123 * SALVO_DEG, 0}};
  struct weft_error err = {""};
  assert_int_equal(flight_aim(&flight, (struct earth_geodetic){-50 * SALVO_DEG, -113 * SALVO_DEG, 0}, 200, &err),
                   -ERANGE);
  assert_non_null(strstr(err.text, "type short reaches"));
  assert_int_equal(flight_aim(&flight, (struct earth_geodetic){-45.01 * SALVO_DEG, -123 * SALVO_DEG, 0}, 200, &err),
                   -ERANGE);
  flight_free(&flight);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integrator_closes_a_kepler_orbit),
      cmocka_unit_test(free_fall_keeps_the_jacobi_integral),
      cmocka_unit_test(gravity_at_rest_is_normal_gravity),
      cmocka_unit_test(geodetic_round_trips),
      cmocka_unit_test(atmosphere_matches_the_published_table),
      cmocka_unit_test(nesc_case_9_lies_within_the_published_span),
      cmocka_unit_test(nesc_case_9_follows_the_recordings),
      cmocka_unit_test(impact_converges_with_the_tolerance),
      cmocka_unit_test(burnout_speed_obeys_the_rocket_equation),
      cmocka_unit_test(stored_path_is_the_integrated_one),
      cmocka_unit_test(aim_is_hit_within_the_stated_miss),
      cmocka_unit_test(aim_out_of_reach_is_refused_with_the_reach),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

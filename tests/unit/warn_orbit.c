// stage: weft_warn weft_domain weft_base weft_kernels
/* What stays up and what comes down: the perigee and its uncertainty, and the impact that follows from them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/domain/orbit.h"
#include "engine/warn/flight.h"

enum { SEED = 21, DRAWS = 20000 };
static const double mu = 3.986004418e14, earth_rate = 7.292115e-5, equator_m = 6378137;

/* A state over the equator, on an orbit of this perigee and apogee (heights), at the true anomaly nu;
 * inclined by i. ECEF. */
static void state_make(double perigee_m, double apogee_m, double nu, double i, double x[6]) {
  double rp = equator_m + perigee_m, ra = equator_m + apogee_m, e = (ra - rp) / (ra + rp), p = rp * (1 + e),
         r = p / (1 + e * cos(nu));
  double k = sqrt(mu / p), radial = k * e * sin(nu), along = k * (1 + e * cos(nu));
  double place[6] = {r, 0, 0, radial, along * cos(i), along * sin(i)};
  memcpy(x, place, sizeof place);
  x[4] -= earth_rate * r;
}

static void covariance_make(double sigma_m, double sigma_mps, double p[21]) {
  memset(p, 0, 21 * sizeof *p);
  for (int i = 0; i < 6; i++) p[WK_AT(6, i, i)] = i < 3 ? sigma_m * sigma_m : sigma_mps * sigma_mps;
}

static void perigee_of_a_known_orbit_is_found(void **state) {
  (void)state;
  static const double orbit[][3] = {{200e3, 200e3, 0},    {200e3, 2000e3, 1}, {800e3, 800e3, 3},
                                    {300e3, 36000e3, -2}, {60e3, 400e3, 2.5}, {-500e3, 1200e3, 3.1}};
  for (size_t k = 0; k < sizeof orbit / sizeof orbit[0]; k++) {
    double x[6], p[21];
    state_make(orbit[k][0], orbit[k][1], orbit[k][2], 0.9, x);
    covariance_make(0.01, 1e-5, p);
    struct perigee perigee = perigee_of(x, p);
    if (fabs(perigee.height_m - orbit[k][0]) > 10 || perigee.sigma_m > 10) {
      fail_msg("orbit %d: perigee %.1f km sigma %.3f km, not %.1f", (int)k, perigee.height_m / 1e3,
               perigee.sigma_m / 1e3, orbit[k][0] / 1e3);
    }
  }
}

/* Against drawn states: the circular orbit, where any error lowers the perigee, is the hard one. */
static void perigee_sigma_is_that_of_drawn_states(void **state) {
  (void)state;
  static const double orbit[][3] = {{200e3, 200e3, 0}, {300e3, 2000e3, 1}, {100e3, 600e3, 3}};
  for (size_t k = 0; k < sizeof orbit / sizeof orbit[0]; k++) {
    struct prng prng = prng_seed(SEED, k);
    double x[6], p[21], sum = 0, square = 0;
    state_make(orbit[k][0], orbit[k][1], orbit[k][2], 0.9, x);
    covariance_make(300, 15, p);
    struct perigee stated = perigee_of(x, p);
    for (int n = 0; n < DRAWS; n++) {
      double y[6], none[21] = {0};
      for (int i = 0; i < 6; i++) y[i] = x[i] + (i < 3 ? 300 : 15) * prng_normal(&prng);
      double height_m = perigee_of(y, none).height_m - orbit[k][0];
      sum += height_m / DRAWS;
      square += height_m * height_m / DRAWS;
    }
    double sigma = sqrt(square - sum * sum);
    if (fabs(stated.height_m - orbit[k][0] - sum) > 0.3 * sigma || fabs(stated.sigma_m / sigma - 1) > 0.25) {
      fail_msg("seed %d orbit %d: stated %.1f +- %.1f km, drawn %.1f +- %.1f km", SEED, (int)k,
               stated.height_m / 1e3, stated.sigma_m / 1e3, (orbit[k][0] + sum) / 1e3, sigma / 1e3);
    }
  }
}

static void open_orbits_and_missiles_are_no_orbits(void **state) {
  (void)state;
  double x[6] = {7e6, 0, 0, 0, 12000, 0}, p[21];
  covariance_make(100, 5, p);
  struct perigee perigee = perigee_of(x, p);
  assert_true(perigee_margin(&perigee) < -10);
  state_make(-4500e3, 1200e3, 3.0, 0.5, x); /* some 3,000 km of range */
  perigee = perigee_of(x, p);
  assert_true(perigee_margin(&perigee) < -10);
  state_make(-1500e3, 1200e3, 3.0, 0.5, x); /* intercontinental */
  perigee = perigee_of(x, p);
  assert_true(perigee_margin(&perigee) < -10);
  x[3] = NAN;
  perigee = perigee_of(x, p);
  assert_true(perigee_margin(&perigee) < -10);
}

static bool impact_of(double perigee_m, double apogee_m, double nu, double sigma_mps,
                      struct flight_impact *impact) {
  double x[6], bank[WK_TRACK_ELEMENTS] = {0}, p[21];
  state_make(perigee_m, apogee_m, nu, 0.9, x);
  covariance_make(100, sigma_mps, p);
  memcpy(bank + WK_B_COAST_X, x, sizeof x);
  memcpy(bank + WK_B_COAST_P, p, sizeof p);
  bank[WK_B_WEIGHT + WK_COAST] = 1;
  return flight_impact_find(bank, impact);
}

static void what_dips_into_the_air_comes_down_and_what_stays_above_does_not(void **state) {
  (void)state;
  struct flight_impact impact;
  assert_true(impact_of(60e3, 300e3, 3.3, 2, &impact)); /* a body that re-enters */
  assert_true(impact.whole.weight > 0.95);
  assert_true(sqrt(impact.whole.covariance[0] + impact.whole.covariance[3]) >
              20e3); /* shallow: drag decides where */
  assert_true(impact_of(-1500e3, 1200e3, 3.0, 5, &impact));
  assert_true(impact.whole.weight > 0.999);
  assert_false(impact_of(200e3, 200e3, 0, 2, &impact));
  assert_false(impact_of(200e3, 2000e3, 1, 5, &impact));
}

/* A perigee that the state's error may put above the air or below it: the probability of coming down says so.
 */
static void doubt_about_the_orbit_is_doubt_about_the_impact(void **state) {
  (void)state;
  struct flight_impact sure, doubtful;
  assert_true(impact_of(50e3, 500e3, 3.1, 1, &sure));
  assert_true(impact_of(50e3, 500e3, 3.1, 25, &doubtful));
  assert_true(sure.whole.weight > 0.99);
  assert_true(doubtful.whole.weight < 0.95 && doubtful.whole.weight > 0.5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(perigee_of_a_known_orbit_is_found),
      cmocka_unit_test(perigee_sigma_is_that_of_drawn_states),
      cmocka_unit_test(open_orbits_and_missiles_are_no_orbits),
      cmocka_unit_test(what_dips_into_the_air_comes_down_and_what_stays_above_does_not),
      cmocka_unit_test(doubt_about_the_orbit_is_doubt_about_the_impact)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

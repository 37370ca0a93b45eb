// stage: weft_warn weft_domain weft_base weft_kernels
/* The 50, 90 and 99 % impact regions hold the true impact 50, 90 and 99 % of the time, over 10,000 flights
 * whose errors and drag are drawn from what the estimate supposes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/warn/flight.h"

enum { FLIGHTS = 10000, SEED = 7 };

struct trial {
  double bank[WK_TRACK_ELEMENTS];
  struct fall_start truth;
};

/* A medium-range flight as half a minute after burn-out (early) or about half way; the estimate's error has
 * the covariance that the bank states, the drag comes from the prior. */
static void trial_draw(struct prng *prng, bool early, struct trial *trial) {
  double p[3], enu[9], x[6], error[6] = {0};
  double lat = prng_uniform(prng) * 2 - 1, lon = prng_uniform(prng) * 6 - 3,
         azimuth = prng_uniform(prng) * 6.28;
  double height = early ? 60e3 + 90e3 * prng_uniform(prng) : 120e3 + 120e3 * prng_uniform(prng);
  double speed = 1200 + 2000 * prng_uniform(prng),
         climb = early ? 0.4 + 0.5 * prng_uniform(prng) : 0.2 * prng_uniform(prng) - 0.1;
  wk_ecef_from_geodetic(lat, lon, height, p);
  wk_enu_rows(lat, lon, enu);
  for (int c = 0; c < 3; c++) {
    x[c] = p[c];
    x[3 + c] =
        speed * (cos(climb) * (sin(azimuth) * enu[c] + cos(azimuth) * enu[3 + c]) + sin(climb) * enu[6 + c]);
  }
  double sigma[6], scale = early ? 1 : 0.4, mix[6][6];
  for (int i = 0; i < 6; i++)
    sigma[i] = scale * (i < 3 ? 20 + 100 * prng_uniform(prng) : 1 + 7 * prng_uniform(prng));
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) mix[i][j] = sigma[i] * ((i == j) + 0.3 * prng_normal(prng));
  }
  for (int j = 0; j < 6; j++) {
    double z = prng_normal(prng);
    for (int i = 0; i < 6; i++) error[i] += mix[i][j] * z;
  }
  memset(trial, 0, sizeof *trial);
  double *mean = trial->bank + WK_B_COAST_X, *covariance = trial->bank + WK_B_COAST_P;
  for (int i = 0; i < 6; i++) {
    mean[i] = x[i] + error[i];
    for (int j = i; j < 6; j++) {
      for (int k = 0; k < 6; k++) covariance[WK_AT(6, i, j)] += mix[i][k] * mix[j][k];
    }
  }
  trial->bank[WK_B_WEIGHT + WK_COAST] = 1;
  memcpy(trial->truth.position_m, x, sizeof trial->truth.position_m);
  memcpy(trial->truth.velocity_mps, x + 3, sizeof trial->truth.velocity_mps);
  trial->truth.log_drag = -8 + prng_normal(prng);
}

static void coverage_measure(bool early) {
  static const double level[3] = {0.5, 0.9, 0.99};
  struct prng prng = prng_seed(SEED, early);
  int inside[3] = {0}, inside_time = 0, found = 0;
  double axes[2] = {0};
  for (int i = 0; i < FLIGHTS; i++) {
    struct trial trial;
    struct flight_impact impact;
    struct cloud cloud = {.mains = 1, .weight = {1}};
    trial_draw(&prng, early, &trial);
    cloud.start[0] = trial.truth;
    cloud_fall(&cloud, 1.0);
    if (!flight_impact_find(trial.bank, &impact)) continue;
    found++;
    double east, north;
    plane_from(&impact.plane, cloud.position_m[0], &east, &north);
    const double *c = impact.whole.covariance;
    east -= impact.whole.mean[0];
    north -= impact.whole.mean[1];
    double distance2 =
        (c[3] * east * east - 2 * c[1] * east * north + c[0] * north * north) / (c[0] * c[3] - c[1] * c[1]);
    for (int k = 0; k < 3; k++) inside[k] += distance2 <= -2 * log(1 - level[k]);
    inside_time += fabs(cloud.time_s[0] - impact.whole.mean[2]) <= 1.6449 * sqrt(c[5]);
    axes[0] += sqrt(fmax(c[0], c[3])) / FLIGHTS;
    axes[1] += sqrt(fmin(c[0], c[3])) / FLIGHTS;
  }
  print_message("%s: seed %d, %d flights: inside %.2f %.2f %.2f %%, time window 90 %%: %.2f %%; mean sigmas "
                "%.0f and %.0f m\n",
                early ? "30 s after burn-out" : "half flight", SEED, found, 100.0 * inside[0] / found,
                100.0 * inside[1] / found, 100.0 * inside[2] / found, 100.0 * inside_time / found, axes[0],
                axes[1]);
  assert_int_equal(found, FLIGHTS);
  for (int k = 0; k < 3; k++) {
    double off = 100.0 * inside[k] / found - 100 * level[k];
    if (fabs(off) > 2) fail_msg("seed %d: the %.0f %% region is %.2f points off", SEED, 100 * level[k], off);
  }
}

static void regions_hold_their_share_after_burn_out(void **state) {
  (void)state;
  coverage_measure(true);
}

static void regions_hold_their_share_at_half_flight(void **state) {
  (void)state;
  coverage_measure(false);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(regions_hold_their_share_after_burn_out),
                                     cmocka_unit_test(regions_hold_their_share_at_half_flight)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

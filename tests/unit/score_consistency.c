// stage: weft_base
// links: tools/score/*.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/base/prng.h"
#include "tests/unit/score_support.h"
#include "tools/score/score_chi2.h"
#include "tools/score/score_consistency.h"

static void figure_between(const json_t *root, const char *path, double low, double high) {
  double found = score_figure(root, path);
  if (!(found >= low && found <= high)) fail_msg("%s is %.9g, outside %.9g to %.9g", path, found, low, high);
}

/* Writes lines whose errors are drawn from a full covariance A A' with A lower triangular; stated times
 * `scale`. */
static void drawn_say(struct score_case *c, uint64_t seed, double scale) {
  struct prng prng = prng_seed(seed, 5);
  double a[6][6] = {{0}}, p[21];
  for (int i = 0; i < 6; i++)
    for (int j = 0; j <= i; j++)
      a[i][j] = (i < 3 ? 100 : 3) * (i == j ? 1 + prng_uniform(&prng) : prng_normal(&prng) * 0.5);
  for (int i = 0, n = 0; i < 6; i++)
    for (int j = i; j < 6; j++, n++) {
      p[n] = 0;
      for (int k = 0; k < 6; k++) p[n] += scale * a[i][k] * a[j][k];
    }
  for (int t = 0; t < 800; t++) {
    double z[6], e[6] = {0};
    for (int i = 0; i < 6; i++) z[i] = prng_normal(&prng);
    for (int i = 0; i < 6; i++)
      for (int j = 0; j <= i; j++) e[i] += a[i][j] * z[j];
    score_truth_say(c, t, "one", 0, 0, 0, 0);
    score_say(
        c->tracks,
        "{\"time_ns\":%.0f,\"track\":1,\"status\":\"confirmed\",\"class\":\"ballistic\",\"phase\":\"%s\","
        "\"position_ecef_m\":[%.6f,%.6f,%.6f],\"velocity_ecef_mps\":[%.6f,%.6f,%.6f],\"covariance\":[",
        1e18 + t * 1e9, t % 4 ? "coast" : "boost", 6478137 + e[0], e[1], e[2], e[3], e[4], e[5]);
    for (int n = 0; n < 21; n++) score_say(c->tracks, "%s%.12g", n ? "," : "", p[n]);
    score_say(c->tracks, "]}\n");
  }
}

/* 800 draws: each mean must lie in the band that holds it with probability 1 - 2e-6. */
static void nees_of_drawn_errors_is_in_its_band(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    struct score_case *c = score_case_open();
    drawn_say(c, seed, 1);
    json_t *r = score_run_json(c, "");
    if (!r) fail_msg("seed %llu: %s", (unsigned long long)seed, c->err);
    figure_between(r, "consistency.coast.nees_position.count", 800, 800);
    figure_between(r, "consistency.coast.nees_position.mean", chi2_quantile(1e-6, 2400) / 800,
                   chi2_quantile(1 - 1e-6, 2400) / 800);
    figure_between(r, "consistency.coast.nees_state.mean", chi2_quantile(1e-6, 4800) / 800,
                   chi2_quantile(1 - 1e-6, 4800) / 800);
    figure_between(r, "consistency.coast.nees_position.inside_95_fraction", 0.91, 0.98);
    figure_between(r, "consistency.coast.nees_position.band95_low", chi2_quantile(0.025, 2400) / 800 - 1e-9,
                   chi2_quantile(0.025, 2400) / 800 + 1e-9);
    figure_between(r, "class.correct_fraction", 1, 1);
    figure_between(r, "phase.correct_fraction", 0.75, 0.75);
    figure_between(r, "phase.lines_by_true_then_stated.coast.boost", 200, 200);
    json_decref(r);
    score_case_close(c);
  }
}

/* Covariances stated four times too small give a NEES four times too large. */
static void nees_shows_overconfidence(void **state) {
  (void)state;
  struct score_case *c = score_case_open();
  drawn_say(c, 9, 0.25);
  json_t *r = score_run_json(c, "");
  assert_non_null(r);
  figure_between(r, "consistency.all.nees_position.mean_per_dof", 3.5, 4.5);
  json_decref(r);
  score_case_close(c);
}

static void nees_of_a_diagonal_covariance_is_a_sum(void **state) {
  (void)state;
  double p[21] = {0};
  const int diagonal[6] = {0, 6, 11, 15, 18, 20};
  for (int i = 0; i < 6; i++) p[diagonal[i]] = (i + 1) * (i + 1);
  const double e[6] = {1, 2, 3, 8, 5, 6};
  assert_true(fabs(nees_compute(p, e, 3) - 3) < 1e-12);
  assert_true(fabs(nees_compute(p, e, 6) - 9) < 1e-12);
  p[11] = -1;
  assert_true(isnan(nees_compute(p, e, 3)));
}

/* The radius has closed forms for one axis and for three equal ones. */
static void radius_holds_95_percent(void **state) {
  (void)state;
  double p[21] = {0};
  p[0] = 100;
  assert_true(fabs(radius_compute(p) - 10 * sqrt(chi2_quantile(0.95, 1))) < 1e-6);
  p[6] = p[11] = 100;
  assert_true(fabs(radius_compute(p) - 10 * sqrt(chi2_quantile(0.95, 3))) < 1e-6);
  p[6] = 25; /* unequal axes: by drawing */
  p[11] = 4;
  struct prng prng = prng_seed(4, 4);
  int inside = 0;
  double radius = radius_compute(p);
  for (int i = 0; i < 100000; i++) {
    double x = 10 * prng_normal(&prng), y = 5 * prng_normal(&prng), z = 2 * prng_normal(&prng);
    inside += x * x + y * y + z * z < radius * radius;
  }
  if (inside < 94500 || inside > 95700) fail_msg("seed 4: %d of 100000 inside", inside);
}

/* Impacts drawn from their own stated ellipse are inside its regions as often as these say; one line a
 * second, each with its own draw, the ellipse turned to 30 degrees from north. */
static void impact_regions_hold_what_they_say(void **state) {
  (void)state;
  enum { LINES = 2000 };
  struct score_case *c = score_case_open();
  struct prng prng = prng_seed(21, 1);
  double turn = 30 * acos(-1) / 180, lat = 40 * acos(-1) / 180;
  for (int t = 0; t < LINES; t++) {
    double along = 5000 * prng_normal(&prng), across = 1000 * prng_normal(&prng);
    double east = along * sin(turn) + across * cos(turn), north = along * cos(turn) - across * sin(turn);
    /* Metres of a degree at 40 degrees north on WGS-84: 111034.6 along the meridian, 111319.5
     * cos(lat) 1.00138 across. */
    double impact_lat = 40 + north / 111034.6, impact_lon = 10 + east / (111319.5 * 1.00138 * cos(lat));
    if (t % 10 == 0 || t == LINES - 1)
      score_say(c->truth, "%.0f,one,ballistic,coast,6478137,0,0,0,0,0,40,10,%.0f\n", 1e18 + t * 1e9,
                1e18 + 2100e9);
    score_say(c->tracks,
              "{\"time_ns\":%.0f,\"track\":1,\"position_ecef_m\":[6478137,0,0],\"class\":\"unknown\","
              "\"impact\":{\"lat_deg\":%.9f,\"lon_deg\":%.9f,"
              "\"time_ns\":%.0f,\"time_sigma_s\":2,\"semi_major_m\":5000,\"semi_minor_m\":1000,\"orientation_"
              "deg\":30,\"probability\":1}}\n",
              1e18 + t * 1e9, impact_lat, impact_lon, 1e18 + 2102e9);
  }
  json_t *r = score_run_json(c, "");
  if (!r) fail_msg("%s", c->err);
  figure_between(r, "impact.lines", LINES, LINES);
  figure_between(r, "impact.inside_50_fraction", 0.46, 0.54);
  figure_between(r, "impact.inside_90_fraction", 0.875, 0.925);
  figure_between(r, "impact.inside_99_fraction", 0.98, 0.998);
  figure_between(r, "impact.time_rmse_s", 2 - 1e-6, 2 + 1e-6);
  assert_true(score_figure(r, "launch.lines") < 0); /* the truth doesn't start at a launch: no such figure */
  json_decref(r);
  score_case_close(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nees_of_drawn_errors_is_in_its_band), cmocka_unit_test(nees_shows_overconfidence),
      cmocka_unit_test(nees_of_a_diagonal_covariance_is_a_sum), cmocka_unit_test(radius_holds_95_percent),
      cmocka_unit_test(impact_regions_hold_what_they_say)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

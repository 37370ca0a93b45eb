// stage: weft_base
// links: tools/score/score_chi2.c
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tools/score/score_chi2.h"

/* Quantiles as printed in Abramowitz and Stegun, table 26.8, and the NIST handbook, 1.3.6.7.4. */
static const struct {
  double p, dof, x, tolerance;
} published[] = {{0.95, 1, 3.841, 5e-4},      {0.95, 2, 5.991, 5e-4},     {0.95, 3, 7.815, 5e-4},
                 {0.95, 6, 12.592, 5e-4},     {0.99, 2, 9.210, 5e-4},     {0.99, 6, 16.812, 5e-4},
                 {0.025, 3, 0.216, 5e-4},     {0.975, 3, 9.348, 5e-4},    {0.025, 6, 1.237, 5e-4},
                 {0.975, 6, 14.449, 5e-4},    {0.05, 10, 3.940, 5e-4},    {0.95, 30, 43.773, 5e-4},
                 {0.975, 100, 129.561, 5e-4}, {0.025, 100, 74.222, 5e-4}, {0.999, 1, 10.828, 5e-4}};

static void chi2_quantiles_match_published_tables(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
    double x = chi2_quantile(published[i].p, published[i].dof);
    if (fabs(x - published[i].x) > published[i].tolerance)
      fail_msg("p %g, dof %g: %.6f instead of %.3f", published[i].p, published[i].dof, x, published[i].x);
  }
}

/* With two degrees of freedom the distribution is exponential: an exact answer for any p. */
static void chi2_with_two_degrees_is_exponential(void **state) {
  (void)state;
  for (double p = 0.001; p < 1; p += 0.017) {
    double exact = -2 * log(1 - p), x = chi2_quantile(p, 2);
    if (fabs(x - exact) > 1e-9 * exact) fail_msg("p %g: %.15g instead of %.15g", p, x, exact);
    if (fabs(chi2_cdf(exact, 2) - p) > 1e-12) fail_msg("cdf at %g", exact);
  }
}

static void chi2_quantile_is_smooth_where_the_method_changes(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    double p = i ? 0.975 : 0.025, below = chi2_quantile(p, 1e5), above = chi2_quantile(p, 1e5 + 1);
    assert_true(fabs(above - below - 1) < 0.05);
  }
}

static void normal_quantile_matches_published_values(void **state) {
  (void)state;
  assert_true(fabs(normal_quantile(0.975) - 1.959963984540054) < 1e-12);
  assert_true(fabs(normal_quantile(0.5)) < 1e-12);
  assert_true(fabs(normal_quantile(0.001) + 3.090232306167813) < 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(chi2_quantiles_match_published_tables),
                                     cmocka_unit_test(chi2_with_two_degrees_is_exponential),
                                     cmocka_unit_test(chi2_quantile_is_smooth_where_the_method_changes),
                                     cmocka_unit_test(normal_quantile_matches_published_values)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

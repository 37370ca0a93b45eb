#include "tools/score/score_chi2.h"

#include <math.h>

enum { TERMS_MAX = 100000, HALVINGS_MAX = 200 };

/* Regularised lower incomplete gamma function P(a, x): the power series left of a + 1, Lentz's continued
 * fraction of its complement right of it (Abramowitz and Stegun 6.5.29 and 6.5.31). */
static double gamma_p(double a, double x) {
  if (x <= 0) return 0;
  double front = exp(a * log(x) - x - lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (int n = 1; n < TERMS_MAX && term > sum * 1e-17; n++) sum += term *= x / (a + n);
    return fmin(1, front * sum);
  }
  const double tiny = 1e-300;
  double b = x + 1 - a, c = 1 / tiny, d = 1 / b, h = d;
  for (int n = 1; n < TERMS_MAX; n++) {
    double an = -n * (n - a);
    b += 2;
    d = an * d + b;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    c = b + an / c;
    if (fabs(c) < tiny) c = tiny;
    h *= c * d;
    if (fabs(c * d - 1) < 1e-16) break;
  }
  return fmax(0, 1 - front * h);
}

double chi2_cdf(double x, double dof) {
  return gamma_p(dof / 2, x / 2);
}

double normal_quantile(double p) {
  double low = -40, high = 40;
  for (int i = 0; i < HALVINGS_MAX && high - low > 1e-15 * (1 + fabs(low)); i++) {
    double middle = (low + high) / 2;
    if (0.5 * erfc(-middle / sqrt(2)) < p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

double chi2_quantile(double p, double dof) {
  const double dof_exact_max = 1e5;
  double k = 2 / (9 * dof);
  double root = 1 - k + normal_quantile(p) * sqrt(k);
  double guess = root > 0 ? dof * root * root * root : 0;
  if (dof > dof_exact_max) return guess;
  double low = 0, high = fmax(1, 2 * guess);
  for (int i = 0; i < HALVINGS_MAX && chi2_cdf(high, dof) < p; i++) high *= 2;
  for (int i = 0; i < HALVINGS_MAX && high - low > 1e-13 * high; i++) {
    double middle = (low + high) / 2;
    if (chi2_cdf(middle, dof) < p)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

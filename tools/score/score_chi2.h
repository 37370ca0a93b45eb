/* The chi-square distribution for any positive real number of degrees of freedom. */
#ifndef WEFT_SCORE_CHI2_H
#define WEFT_SCORE_CHI2_H

/* P(X <= x), X chi-square with `dof` > 0 degrees of freedom; relative error below 1e-10 for dof up to 1e5. */
double chi2_cdf(double x, double dof);
/* The x with chi2_cdf(x, dof) = p, for p in (0, 1). Above 1e5 degrees of freedom by Wilson and Hilferty
 * (1931), whose relative error is below 1e-7 there. */
double chi2_quantile(double p, double dof);
/* Quantile of the standard normal, p in (0, 1), by bisection of erfc. */
double normal_quantile(double p);

#endif

// stage: weft_kernels weft_base
/* The generated products of small matrices against products written out, with every known zero in its place. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WK_WIDTH 1
#include "engine/base/prng.h"
#include "kernels/lane/gains.h"
#include "kernels/lane/products.h"

static const uint64_t seed = 20261128;
enum { ROUNDS = 200, STATES_MAX = 9, APART = 2 }; /* APART: of a covariance's elements in a block */

static double any(struct prng *r) { return 2.0 * prng_uniform(r) - 1.0; }

static int at(int n, int i, int j) { return i <= j ? WK_AT(n, i, j) : WK_AT(n, j, i); }

static void fill(struct prng *r, double *a, int count) {
  for (int i = 0; i < count; i++) a[i] = any(r);
}

static void expect(const char *what, int round, int element, double is, double want) {
  if (!(fabs(is - want) <= 1e-13)) fail_msg("%s, seed %llu, round %d, element %d: %.17g, not %.17g", what, (unsigned long long)seed, round, element, is, want);
}

typedef void (*product)(const lane *a, const lane *b, lane *c);

/* c (+)= a (3 x 3) b (3 x columns), zeros of a where the pattern has them. */
static void product_expect(const char *what, product run, const char *a_is, const char *b_is, int columns, int add) {
  struct prng r = prng_seed(seed, 1);
  for (int round = 0; round < ROUNDS; round++) {
    double a[9], b[21], c[21], want[21];
    fill(&r, a, 9);
    fill(&r, b, 3 * columns);
    fill(&r, c, 3 * columns);
    for (int i = 0; i < 9; i++) a[i] = a_is[i] == '0' ? 0.0 : a[i];
    for (int i = 0; i < 3 * columns && b_is; i++) b[i] = b_is[i] == '0' ? 0.0 : b[i];
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < columns; j++) {
        want[i * columns + j] = add ? c[i * columns + j] : 0.0;
        for (int k = 0; k < 3; k++) want[i * columns + j] += a[3 * i + k] * b[k * columns + j];
      }
    }
    run(a, b, c);
    for (int i = 0; i < 3 * columns; i++) expect(what, round, i, c[i], want[i]);
  }
}

static void square(const lane *a, const lane *b, lane *c) { /* of a symmetric matrix */
  double same[9];
  for (int i = 0; i < 9; i++) same[i] = a[i / 3 * 3 + i % 3] + a[i % 3 * 3 + i / 3];
  (void)b;
  product_square(same, same, c);
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      double want = 0.0;
      for (int k = 0; k < 3; k++) want += same[3 * i + k] * same[3 * k + j];
      expect("square", 0, 3 * i + j, c[3 * i + j], want);
    }
  }
}

static void small_products_are_products(void **state) {
  (void)state;
  product_expect("full", product_full, "xxxxxxxxx", NULL, 3, 0);
  product_expect("coriolis", product_coriolis, "0x0x00000", NULL, 3, 0);
  product_expect("coriolis twice", product_coriolis_twice, "0x0x00000", "0x0x00000", 3, 0);
  product_expect("seven, added", product_seven_add, "xxxxxxxxx", NULL, 7, 1);
  struct prng r = prng_seed(seed, 2);
  for (int round = 0; round < ROUNDS; round++) {
    double a[9], c[9];
    fill(&r, a, 9);
    square(a, NULL, c);
  }
}

/* F P F' of n states, the elements of F that are known to be 0 set so. */
static void carry_expect(int n) {
  static const char *const boost[3] = {"xxxxxxxx0", "xxxxxxxx0", "xxxxxx00x"};
  struct prng r = prng_seed(seed, 3 + (uint64_t)n);
  for (int round = 0; round < ROUNDS; round++) {
    double f[6 * STATES_MAX], whole[STATES_MAX][STATES_MAX] = {{0}}, p[APART * WK_PACKED(STATES_MAX)], out[WK_PACKED(STATES_MAX)];
    const double keep = any(&r);
    fill(&r, f, 6 * n);
    fill(&r, p, APART * WK_PACKED(n));
    for (int i = 0; i < n; i++) {
      if (i >= 6) whole[i][i] = keep;
      for (int j = 0; i < 6 && j < n; j++) {
        if (n == 9 && i < 3 && boost[i][j] == '0') f[i * n + j] = 0.0;
        whole[i][j] = f[i * n + j];
      }
    }
    if (n == 6) carry_6(f, p, APART, out);
    if (n == 7) carry_7(f, keep, p, APART, out);
    if (n == 9) carry_9(f, keep, p, APART, out);
    for (int i = 0; i < n; i++) {
      for (int j = i; j < n; j++) {
        double want = 0.0;
        for (int k = 0; k < n; k++) {
          for (int l = 0; l < n; l++) want += whole[i][k] * p[APART * at(n, k, l)] * whole[j][l];
        }
        expect("F P F'", round, at(n, i, j), out[at(n, i, j)], want);
      }
    }
  }
}

static void carried_covariances_are_f_p_f(void **state) {
  (void)state;
  carry_expect(6);
  carry_expect(7);
  carry_expect(9);
}

static void gain_expect(int n, int columns, void (*gain)(const lane *p, int apart, const lane *row, lane *ph)) {
  struct prng r = prng_seed(seed, 20 + (uint64_t)(n * 7 + columns));
  for (int round = 0; round < ROUNDS; round++) {
    double p[APART * WK_PACKED(STATES_MAX)], row[STATES_MAX], ph[STATES_MAX];
    fill(&r, p, APART * WK_PACKED(n));
    fill(&r, row, columns);
    gain(p, APART, row, ph);
    for (int i = 0; i < n; i++) {
      double want = 0.0;
      for (int b = 0; b < columns; b++) want += p[APART * at(n, i, b)] * row[b];
      expect("P row'", round, i, ph[i], want);
    }
  }
}

static void downdate_expect(int n, int components, void (*downdate)(lane *p, int apart, const lane *w, const lane *inverse)) {
  struct prng r = prng_seed(seed, 90 + (uint64_t)(n * 7 + components));
  for (int round = 0; round < ROUNDS; round++) {
    double p[APART * WK_PACKED(STATES_MAX)], was[APART * WK_PACKED(STATES_MAX)], w[4 * STATES_MAX], inverse[4];
    fill(&r, p, APART * WK_PACKED(n));
    memcpy(was, p, sizeof was);
    fill(&r, w, components * STATES_MAX);
    fill(&r, inverse, components);
    downdate(p, APART, w, inverse);
    for (int i = 0; i < n; i++) {
      for (int j = i; j < n; j++) {
        double want = was[APART * at(n, i, j)];
        for (int c = 0; c < components; c++) want -= w[c * STATES_MAX + i] * w[c * STATES_MAX + j] * inverse[c];
        expect("P - w w'", round, at(n, i, j), p[APART * at(n, i, j)], want);
      }
    }
  }
}

static void gains_and_downdates_match_theirs_written_out(void **state) {
  (void)state;
  gain_expect(6, 3, gain_6_3);
  gain_expect(6, 6, gain_6_6);
  gain_expect(7, 3, gain_7_3);
  gain_expect(7, 6, gain_7_6);
  gain_expect(9, 3, gain_9_3);
  gain_expect(9, 6, gain_9_6);
  downdate_expect(6, 2, downdate_6_2);
  downdate_expect(6, 3, downdate_6_3);
  downdate_expect(6, 4, downdate_6_4);
  downdate_expect(7, 2, downdate_7_2);
  downdate_expect(7, 3, downdate_7_3);
  downdate_expect(7, 4, downdate_7_4);
  downdate_expect(9, 2, downdate_9_2);
  downdate_expect(9, 3, downdate_9_3);
  downdate_expect(9, 4, downdate_9_4);
}

/* L D L' of a definite S, and L^-1 x. */
static void pivots_factorise(void **state) {
  (void)state;
  struct prng r = prng_seed(seed, 90);
  for (int round = 0; round < ROUNDS; round++) {
    double a[36], s[21], was[21], x[6], y[6];
    fill(&r, a, 36);
    for (int i = 0; i < 6; i++) {
      for (int j = i; j < 6; j++) {
        double sum = i == j;
        for (int k = 0; k < 6; k++) sum += a[6 * i + k] * a[6 * j + k];
        was[at(6, i, j)] = s[at(6, i, j)] = sum;
      }
    }
    fill(&r, x, 6);
    memcpy(y, x, sizeof y);
    pivot_6_0(s, 1.0 / s[at(6, 0, 0)]);
    pivot_6_1(s, 1.0 / s[at(6, 1, 1)]);
    pivot_6_2(s, 1.0 / s[at(6, 2, 2)]);
    pivot_6_3(s, 1.0 / s[at(6, 3, 3)]);
    pivot_6_4(s, 1.0 / s[at(6, 4, 4)]);
    forward_6(s, y);
    for (int i = 0; i < 6; i++) {
      double back = y[i]; /* L y is x again */
      for (int k = 0; k < i; k++) back += s[at(6, k, i)] * y[k];
      expect("L L^-1 x", round, i, back, x[i]);
      for (int j = i; j < 6; j++) {
        double sum = 0.0;
        for (int k = 0; k <= i; k++) sum += (k == i ? 1.0 : s[at(6, k, i)]) * s[at(6, k, k)] * (k == j ? 1.0 : s[at(6, k, j)]);
        expect("L D L'", round, at(6, i, j), sum, was[at(6, i, j)]);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_products_are_products),
                                     cmocka_unit_test(carried_covariances_are_f_p_f),
                                     cmocka_unit_test(gains_and_downdates_match_theirs_written_out),
                                     cmocka_unit_test(pivots_factorise)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

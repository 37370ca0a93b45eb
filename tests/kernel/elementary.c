// stage: weft_kernels weft_base
/* Claims about sin, cos, exp, log and atan2: one result for all variants, and how far it is from the truth.
 * The oracle is the 64-bit-mantissa long double of libm, whose own error is below 0.001 ulp of a double. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "kernels/wk.h"

static const uint64_t seed = 20260101;
static const char *const names[] = {"scalar", "v3", "v4"};
enum { NAMES = 3, CHUNK = 4096, CHUNKS = 512, TAIL_MAX = 40, GUARD = 8 };

static const double edges[] = {0.0,
                               -0.0,
                               1.0,
                               -1.0,
                               0.5,
                               -0.5,
                               2.0,
                               4.9e-324,
                               -4.9e-324,
                               DBL_MIN,
                               -DBL_MIN,
                               DBL_MAX,
                               -DBL_MAX,
                               INFINITY,
                               -INFINITY,
                               NAN,
                               -NAN,
                               1e5,
                               -1e5,
                               1e8,
                               -1e8,
                               99999999.0,
                               1.5707963267948966,
                               3.141592653589793,
                               0.7853981633974483,
                               -0.7853981633974484,
                               -708.0,
                               -708.0000000000001,
                               709.78,
                               709.782712893384,
                               709.7827128933841,
                               710.0,
                               -745.0,
                               0.7071067811865476,
                               1.4142135623730951,
                               0.9999999999999999,
                               1.0000000000000002,
                               0x1p1000,
                               0x1p-800,
                               0x1p-1022};
enum { EDGES = sizeof edges / sizeof edges[0] };

struct one_argument {
  const char *name;
  double (*one)(double);
  long double (*truth)(long double);
  double ulp_max;
};
static const struct one_argument functions[] = {{"sin", wk_sin, sinl, 0.85},
                                                {"cos", wk_cos, cosl, 0.85},
                                                {"exp", wk_exp, expl, 0.90},
                                                {"log", wk_log, logl, 0.90}};
enum { FUNCTIONS = 4 };
static const double atan2_ulp_max = 0.80;

typedef void array_function(double *out, const double *in, size_t n);
static array_function *function_of(const struct wk_table *table, int i) {
  array_function *const all[FUNCTIONS] = {table->sin, table->cos, table->exp, table->log};
  return all[i];
}

static double any_double(struct prng *prng) {
  uint64_t bits = prng_u64(prng);
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
static uint64_t bits_of(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
/* A quarter each: any bit pattern, the trigonometric range, small numbers of many sizes, the exponential's
 * range. */
static double test_argument(struct prng *prng) {
  double x = 2.0 * prng_uniform(prng) - 1.0;
  switch (prng_below(prng, 4)) {
  case 0:
    return any_double(prng);
  case 1:
    return x * 1.1e5;
  case 2:
    return ldexp(x, -(int)prng_below(prng, 80));
  default:
    return x * 750.0;
  }
}
static void bits_same(const char *what, const char *variant, double x, double y, double got, double want) {
  if (bits_of(got) == bits_of(want)) return;
  fail_msg("%s (%s) of %a, %a gives %a, scalar %a; seed %llu", what, variant, x, y, got, want,
           (unsigned long long)seed);
}

static void variants_agree_to_the_bit(void **state) {
  (void)state;
  static double in[CHUNK], second[CHUNK], want[CHUNK], got[CHUNK];
  const struct wk_table *scalar = wk_variant("scalar");
  struct prng prng = prng_seed(seed, 1);
  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    for (int i = 0; i < CHUNK; i++) {
      in[i] = chunk == 0 ? edges[i % EDGES] : test_argument(&prng);
      second[i] = chunk == 0 ? edges[i / EDGES % EDGES] : test_argument(&prng);
    }
    for (int f = 0; f <= FUNCTIONS; f++) {
      const char *what = f < FUNCTIONS ? functions[f].name : "atan2";
      if (f < FUNCTIONS)
        function_of(scalar, f)(want, in, CHUNK);
      else
        scalar->atan2(want, in, second, CHUNK);
      for (int v = 1; v < NAMES; v++) {
        const struct wk_table *table = wk_variant(names[v]);
        if (!table) continue;
        if (f < FUNCTIONS)
          function_of(table, f)(got, in, CHUNK);
        else
          table->atan2(got, in, second, CHUNK);
        for (int i = 0; i < CHUNK; i++) bits_same(what, names[v], in[i], second[i], got[i], want[i]);
      }
      for (int i = 0; i < CHUNK; i++) {
        double one = f < FUNCTIONS ? functions[f].one(in[i]) : wk_atan2(in[i], second[i]);
        bits_same(what, "one value", in[i], second[i], one, want[i]);
      }
    }
  }
}

/* Every length, every place in a vector, and a guard either side. */
static void tails_stay_inside_and_agree(void **state) {
  (void)state;
  double in[TAIL_MAX + 8], second[TAIL_MAX + 8], out[TAIL_MAX + 8 + 2 * GUARD];
  struct prng prng = prng_seed(seed, 2);
  for (int i = 0; i < TAIL_MAX + 8; i++) {
    in[i] = 20.0 * prng_uniform(&prng);
    second[i] = prng_uniform(&prng) - 0.5;
  }
  const double guard = -12345.5;
  for (int v = 0; v < NAMES; v++) {
    const struct wk_table *table = wk_variant(names[v]);
    if (!table) continue;
    for (int f = 0; f <= FUNCTIONS; f++) {
      for (size_t n = 0; n <= TAIL_MAX; n++) {
        for (size_t at = 0; at < 8; at++) {
          for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) out[i] = guard;
          if (f < FUNCTIONS)
            function_of(table, f)(out + GUARD + at, in + at, n);
          else
            table->atan2(out + GUARD + at, in + at, second + at, n);
          for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
            size_t k = i - GUARD;
            double want = guard;
            if (k >= at && k < at + n)
              want = f < FUNCTIONS ? functions[f].one(in[k]) : wk_atan2(in[k], second[k]);
            assert_memory_equal(&out[i], &want, sizeof want);
          }
        }
      }
    }
  }
}

/* Distance in units of the last place of the true value. */
static double error_ulp(double got, long double truth) {
  int exponent;
  (void)frexp((double)truth, &exponent);
  if (exponent < DBL_MIN_EXP) exponent = DBL_MIN_EXP;
  return (double)(fabsl((long double)got - truth) / ldexpl(1.0L, exponent - DBL_MANT_DIG));
}

/* Arguments inside the stated range, thick where it is hard. */
static double range_argument(struct prng *prng, int function) {
  double x = 2.0 * prng_uniform(prng) - 1.0, y = prng_uniform(prng);
  uint64_t kind = prng_below(prng, 4);
  if (function < 2) {
    double near = floor(y * 63661.0) * 1.5707963267948966;
    switch (kind) {
    case 0:
      return x * 1e5;
    case 1:
      return x * 7.0;
    case 2:
      return ldexp(x, -(int)prng_below(prng, 60));
    default:
      return near + x * 1e-10;
    }
  }
  if (function == 2) return kind < 2 ? x * 707.9 : ldexp(x, 2 - (int)prng_below(prng, 60));
  switch (kind) {
  case 0:
    return ldexp(1.0 + y, (int)prng_below(prng, 2045) - 1022);
  case 1:
    return 0.25 + 2.0 * y;
  default:
    return 1.0 + ldexp(x, -1 - (int)prng_below(prng, 50));
  }
}

static void errors_stay_within_the_stated_bound(void **state) {
  (void)state;
  enum { POINTS = 1000000 };
  for (int f = 0; f < FUNCTIONS; f++) {
    struct prng prng = prng_seed(seed, 10 + (uint64_t)f);
    double worst = 0.0, worst_at = 0.0;
    for (int i = 0; i < POINTS; i++) {
      double x = range_argument(&prng, f), error = error_ulp(functions[f].one(x), functions[f].truth(x));
      if (!(error <= worst)) worst = error, worst_at = x;
    }
    print_message("%s: %.4f ulp at %a\n", functions[f].name, worst, worst_at);
    if (!(worst <= functions[f].ulp_max)) fail_msg("%s: %.4f ulp at %a", functions[f].name, worst, worst_at);
  }
  struct prng prng = prng_seed(seed, 20);
  double worst = 0.0, worst_x = 0.0, worst_y = 0.0;
  for (int i = 0; i < POINTS; i++) {
    int spread = i % 3 == 0 ? 1 : i % 3 == 1 ? 60 : 900;
    double y = prng_uniform(&prng) - 0.5, x = prng_uniform(&prng) - 0.5;
    y = ldexp(y, (int)prng_below(&prng, (uint64_t)spread) - spread / 2);
    x = ldexp(x, (int)prng_below(&prng, (uint64_t)spread) - spread / 2);
    double error = error_ulp(wk_atan2(y, x), atan2l(y, x));
    if (!(error <= worst)) worst = error, worst_x = x, worst_y = y;
  }
  print_message("atan2: %.4f ulp at %a, %a\n", worst, worst_y, worst_x);
  if (!(worst <= atan2_ulp_max)) fail_msg("atan2: %.4f ulp at %a, %a", worst, worst_y, worst_x);
}

static void sine_and_cosine_know_their_edges(void **state) {
  (void)state;
  assert_int_equal(bits_of(wk_sin(-0.0)), bits_of(-0.0));
  assert_int_equal(bits_of(wk_sin(0.0)), bits_of(0.0));
  assert_true(wk_cos(0.0) == 1.0);
  assert_true(wk_cos(-0.0) == 1.0);
  assert_true(wk_sin(4.9e-324) == 4.9e-324);
  assert_true(error_ulp(wk_sin(1e5), sinl(1e5)) <= functions[0].ulp_max);
  /* The doubles nearest to multiples of pi/2 leave the smallest remainders: they need all three parts of
   * pi/2. */
  for (int n = 1; n <= 63661; n++) {
    double x = (double)(n * 1.57079632679489661923132L);
    double error = n % 2 ? error_ulp(wk_cos(x), cosl(x)) : error_ulp(wk_sin(x), sinl(x));
    if (!(error <= functions[0].ulp_max)) fail_msg("%d pi/2, %a: %.4f ulp", n, x, error);
  }
  assert_true(isnan(wk_sin(INFINITY)) && isnan(wk_cos(-INFINITY)) && isnan(wk_sin(NAN)) &&
              isnan(wk_cos(NAN)));
  assert_true(isnan(wk_sin(1e9)) && isnan(wk_cos(-DBL_MAX)));
  struct prng prng = prng_seed(seed, 30);
  for (int i = 0; i < 100000; i++) {
    double x = any_double(&prng), s = wk_sin(x), c = wk_cos(x), sine, cosine;
    wk_sincos(x, &sine, &cosine);
    assert_true(bits_of(sine) == bits_of(s) && bits_of(cosine) == bits_of(c));
    assert_true(isnan(s) ? !(fabs(x) < 1e8) : fabs(s) <= 1.0 && fabs(c) <= 1.0);
  }
}

static void exponential_flushes_and_overflows_as_stated(void **state) {
  (void)state;
  assert_true(wk_exp(0.0) == 1.0 && wk_exp(-0.0) == 1.0);
  assert_true(wk_exp(-708.0000000000001) == 0.0 && wk_exp(-INFINITY) == 0.0 && wk_exp(-DBL_MAX) == 0.0);
  assert_true(wk_exp(-708.0) >= DBL_MIN);
  assert_true(isfinite(wk_exp(709.782712893384)) && wk_exp(709.782712893384) > 1.79e308);
  assert_true(isinf(wk_exp(709.7827128933841)) && wk_exp(INFINITY) > 0 && isinf(wk_exp(DBL_MAX)));
  assert_true(isnan(wk_exp(NAN)) && isnan(wk_exp(-NAN)));
}

static void logarithm_knows_its_edges(void **state) {
  (void)state;
  assert_int_equal(bits_of(wk_log(1.0)), bits_of(0.0));
  assert_true(isinf(wk_log(0.0)) && wk_log(0.0) < 0 && isinf(wk_log(-0.0)) && wk_log(-0.0) < 0);
  assert_true(isinf(wk_log(INFINITY)) && wk_log(INFINITY) > 0);
  assert_true(isnan(wk_log(-1.0)) && isnan(wk_log(-INFINITY)) && isnan(wk_log(-4.9e-324)) &&
              isnan(wk_log(NAN)));
  assert_true(error_ulp(wk_log(4.9e-324), logl((double)4.9e-324)) <= functions[3].ulp_max);
  assert_true(error_ulp(wk_log(DBL_MAX), logl(DBL_MAX)) <= functions[3].ulp_max);
  assert_true(error_ulp(wk_log(DBL_MIN), logl(DBL_MIN)) <= functions[3].ulp_max);
}

static void arctangent_turns_the_right_way(void **state) {
  (void)state;
  const double pi = 3.141592653589793;
  const struct {
    double y, x, angle;
  } cases[] = {{0, 1, 0},
               {-0.0, 1, -0.0},
               {0, -1, pi},
               {-0.0, -1, -pi},
               {1, 0, pi / 2},
               {-1, 0, -pi / 2},
               {1, -0.0, pi / 2},
               {0, 0, 0},
               {-0.0, 0, -0.0},
               {0, -0.0, 0},
               {-0.0, -0.0, -0.0},
               {1, 1, pi / 4},
               {1, -1, 3 * (pi / 4)},
               {-1, 1, -pi / 4},
               {-1, -1, -3 * (pi / 4)},
               {DBL_MAX, DBL_MAX, pi / 4},
               {4.9e-324, 4.9e-324, pi / 4},
               {DBL_MAX, 4.9e-324, pi / 2},
               {4.9e-324, DBL_MAX, 0},
               {4.9e-324, -DBL_MAX, pi},
               {INFINITY, INFINITY, pi / 4},
               {-INFINITY, 1, -pi / 2},
               {1, -INFINITY, pi}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    double got = wk_atan2(cases[i].y, cases[i].x);
    if (bits_of(got) != bits_of(cases[i].angle))
      fail_msg("atan2(%a, %a) = %a, expected %a", cases[i].y, cases[i].x, got, cases[i].angle);
  }
  assert_true(isnan(wk_atan2(NAN, 1)) && isnan(wk_atan2(1, NAN)) && isnan(wk_atan2(NAN, 0)) &&
              isnan(wk_atan2(0, NAN)));
}

static void arctangent_is_never_nan_for_numbers(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 40);
  for (int i = 0; i < 2000000; i++) {
    double y = any_double(&prng), x = any_double(&prng), angle = wk_atan2(y, x);
    int bad = isnan(y) || isnan(x);
    if (isnan(angle) != bad || (!bad && (fabs(angle) > 3.141592653589793 || signbit(angle) != signbit(y))))
      fail_msg("atan2(%a, %a) = %a; seed %llu", y, x, angle, (unsigned long long)seed);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(variants_agree_to_the_bit),
      cmocka_unit_test(tails_stay_inside_and_agree),
      cmocka_unit_test(errors_stay_within_the_stated_bound),
      cmocka_unit_test(sine_and_cosine_know_their_edges),
      cmocka_unit_test(exponential_flushes_and_overflows_as_stated),
      cmocka_unit_test(logarithm_knows_its_edges),
      cmocka_unit_test(arctangent_turns_the_right_way),
      cmocka_unit_test(arctangent_is_never_nan_for_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_base
/* Numbers from text are what the C library reads, to the bit, the end and errno. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/decimal.h"
#include "engine/base/prng.h"

enum { ROUNDS = 400000, SEED = 12 };

static void double_compare(const char *text) {
  const char *end;
  char *want_end;
  double got = decimal_double(text, &end), want = strtod(text, &want_end);
  if (memcmp(&got, &want, sizeof got) != 0 || end != want_end)
    fail_msg("seed %d: \"%s\" is %a up to byte %zd instead of %a up to %zd", SEED, text, got, end - text, want, want_end - text);
}

static void i64_compare(const char *text) {
  const char *end;
  char *want_end;
  errno = 0;
  int64_t got = decimal_i64(text, &end);
  int error = errno;
  errno = 0;
  int64_t want = strtoll(text, &want_end, 10);
  if (got != want || end != want_end || error != errno)
    fail_msg("seed %d: \"%s\" is %lld up to byte %zd instead of %lld up to %zd", SEED, text, (long long)got, end - text, (long long)want, want_end - text);
}

static void decimals_are_what_the_library_reads(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 1);
  for (int i = 0; i < ROUNDS; i++) {
    char text[64];
    double value = (prng_uniform(&prng) - 0.5) * (double)(prng_u64(&prng) >> prng_below(&prng, 64));
    snprintf(text, sizeof text, "%.*f", (int)prng_below(&prng, 20), value);
    double_compare(text);
    i64_compare(text);
    snprintf(text, sizeof text, "%s%llu", prng_below(&prng, 2) ? "-" : "", (unsigned long long)(prng_u64(&prng) >> prng_below(&prng, 64)));
    double_compare(text);
    i64_compare(text);
  }
}

static void whatever_stands_there_ends_where_it_does_for_the_library(void **state) {
  (void)state;
  static const char *const texts[] = {"", "-", ".", "-.", "5.", ".5", "-.5", "-0", "-0.0", "+1", " 1", "1 ", "1e5", "1e-5", "1E", "0x10", "nan", "inf", "-inf", "1.2.3",
                                      "1,5", "--1", "00000000000000000000000001", "9007199254740992", "9007199254740993", "900719925474099.3",
                                      "0.0000000000000000001", "0.00000000000000000001", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
                                      "-9223372036854775809", "18446744073709551616", "99999999999999999999999999", "1.7976931348623159e308"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    double_compare(texts[i]);
    i64_compare(texts[i]);
  }
  static const char bytes[] = "0123456789.-+eE x";
  struct prng prng = prng_seed(SEED, 2);
  for (int i = 0; i < ROUNDS; i++) {
    char text[12] = {0};
    for (size_t k = 0, size = prng_below(&prng, sizeof text); k < size; k++) text[k] = bytes[prng_below(&prng, sizeof bytes - 1)];
    double_compare(text);
    i64_compare(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decimals_are_what_the_library_reads),
      cmocka_unit_test(whatever_stands_there_ends_where_it_does_for_the_library),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

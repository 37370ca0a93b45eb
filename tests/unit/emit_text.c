// stage: weft_base
/* Numbers come out as the C library prints them in the C locale, strings as valid JSON, and nothing overflows. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/base/prng.h"
#include "engine/base/text.h"

enum { ROUNDS = 400000, SEED = 11 };

static void general_compare(double value, unsigned digits) {
  char got[128], want[64];
  struct text text = text_open(got, sizeof got - 1);
  text_general(&text, value, digits);
  got[text.used] = 0;
  snprintf(want, sizeof want, "%.*g", (int)digits, value == 0 ? 0.0 : value);
  if (strcmp(got, want) != 0) fail_msg("seed %d: %a with %u digits: %s instead of %s", SEED, value, digits, got, want);
}

static void fixed_compare(double value, unsigned digits) {
  char got[128], want[400];
  struct text text = text_open(got, sizeof got - 1);
  text_fixed(&text, value, digits);
  got[text.used] = 0;
  snprintf(want, sizeof want, "%.*f", (int)digits, value);
  if (want[0] == '-' && strspn(want + 1, "0.") == strlen(want + 1)) memmove(want, want + 1, strlen(want));
  if (strcmp(got, want) != 0) fail_msg("seed %d: %a with %u digits: %s instead of %s", SEED, value, digits, got, want);
}

static void general_prints_as_printf(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 1);
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t bits = prng_u64(&prng);
    double value;
    memcpy(&value, &bits, sizeof value);
    unsigned digits = 1 + (unsigned)prng_below(&prng, 17);
    if (isfinite(value)) general_compare(value, digits);
    /* Of the sizes that covariances have, and short decimals, where ties are. */
    general_compare(ldexp(prng_uniform(&prng) - 0.5, (int)prng_below(&prng, 120) - 60), digits);
    general_compare((double)prng_below(&prng, 100000) / 64, digits);
  }
}

static void general_prints_edges_as_printf(void **state) {
  (void)state;
  static const double edges[] = {0,       -0.0,    1,        9.5,      0.5,     1.5,          2.5,         999999999.5,
                                 1e9,     1e-4,    9.9999e-5, 1e22,    1e23,    1e-14,        1e-15,       DBL_MIN,
                                 DBL_MAX, 5e-324,  0.125,    99999.5,  1e27,    0x1p88,       0x1p89,      0x1p-127};
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
    for (unsigned digits = 1; digits <= 17; digits++) {
      general_compare(edges[i], digits);
      general_compare(-edges[i], digits);
      general_compare(nextafter(edges[i], 0), digits);
      general_compare(nextafter(edges[i], 1e300), digits);
    }
  }
}

static void fixed_prints_as_printf(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 2);
  for (int i = 0; i < ROUNDS; i++) {
    unsigned digits = (unsigned)prng_below(&prng, 10);
    fixed_compare(ldexp(prng_uniform(&prng) - 0.5, (int)prng_below(&prng, 150) - 100), digits);
    fixed_compare((double)(int64_t)prng_below(&prng, 2000000) / 2048 - 400, digits); /* exact ties among them */
    fixed_compare((prng_uniform(&prng) - 0.5) * 1.9e15, digits);
  }
  fixed_compare(5e-324, 9);
  fixed_compare(999999999999999.875, 3);
  fixed_compare(-0.0004, 3);
}

/* Lists and numbers made together, each against what it is by itself: of every size, ties, ends, beside each other. */
static double any_value(struct prng *prng) {
  static const double edges[] = {0, -0.0, 1, -1, 0.5, 999999999.5, 9.9999999995, 99999.99995, 1e9, 1e-4, 1e-13, 0x1p39, -549755813.888, 1e15, 5e-324, DBL_MAX};
  switch (prng_below(prng, 6)) {
  case 0: return edges[prng_below(prng, sizeof edges / sizeof *edges)];
  case 1: return nextafter(edges[prng_below(prng, sizeof edges / sizeof *edges)], prng_uniform(prng) - 0.5);
  case 2: return (double)(int64_t)prng_below(prng, 2000000) / 2048 - 400;
  case 3: return ldexp(prng_uniform(prng) - 0.5, (int)prng_below(prng, 150) - 100);
  default: return ldexp(prng_uniform(prng) - 0.5, (int)prng_below(prng, 40) - 10);
  }
}

static void a_list_is_its_numbers(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 4);
  for (int round = 0; round < ROUNDS / 10; round++) {
    char got[2048], want[2048];
    double values[30];
    unsigned count = (unsigned)prng_below(&prng, 31), digits = round % 4 ? 9 : 1 + (unsigned)prng_below(&prng, 17);
    size_t room = round % 8 ? sizeof got : prng_below(&prng, 600);
    struct text list = text_open(got, room), one = text_open(want, room);
    for (unsigned i = 0; i < count; i++) values[i] = any_value(&prng);
    text_general_list(&list, values, count, digits);
    text_char(&one, '[');
    for (unsigned i = 0; i < count; i++) {
      if (i) text_char(&one, ',');
      text_general(&one, values[i], digits);
    }
    text_char(&one, ']');
    if (list.cut != one.cut) fail_msg("seed %d, round %d: in %zu bytes one was cut, the other was not", SEED, round, room);
    if (!one.cut && (list.used != one.used || memcmp(got, want, one.used) != 0))
      fail_msg("seed %d, round %d: %.*s instead of %.*s", SEED, round, (int)list.used, got, (int)one.used, want);
  }
}

static void numbers_made_together_are_those_made_alone(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 5);
  for (int round = 0; round < ROUNDS / 10; round++) {
    struct text_number numbers[TEXT_NUMBERS_MAX];
    double values[TEXT_NUMBERS_MAX];
    uint8_t digits[TEXT_NUMBERS_MAX];
    unsigned count = 4 * (unsigned)prng_below(&prng, TEXT_NUMBERS_MAX / 4 + 1);
    for (unsigned i = 0; i < count; i++) values[i] = any_value(&prng);
    for (unsigned i = 0; i < count; i++) digits[i] = (uint8_t)prng_below(&prng, 10);
    text_numbers_fixed(numbers, values, digits, count);
    for (unsigned i = 0; i < count; i++) {
      char got[128], want[128];
      size_t room = round % 8 ? sizeof got : prng_below(&prng, 30);
      struct text together = text_open(got, room), alone = text_open(want, room);
      text_number(&together, &numbers[i]);
      text_fixed(&alone, values[i], digits[i]);
      if (together.cut != alone.cut || together.used != alone.used || memcmp(got, want, alone.used) != 0)
        fail_msg("seed %d, round %d: %a with %u digits: %.*s instead of %.*s", SEED, round, values[i], digits[i], (int)together.used, got, (int)alone.used, want);
    }
  }
}

static void numbers_do_not_follow_the_locale(void **state) {
  (void)state;
  static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "de_DE"};
  bool set = false;
  for (size_t i = 0; i < 4 && !set; i++) set = setlocale(LC_ALL, commas[i]) != NULL;
  char got[128];
  struct text text = text_open(got, sizeof got - 1);
  text_fixed(&text, 1.5, 2);
  text_char(&text, ' ');
  text_general(&text, 1.25e-300, 9);
  text_char(&text, ' ');
  text_general(&text, 1.25, 9);
  got[text.used] = 0;
  setlocale(LC_ALL, "C");
  assert_string_equal(got, "1.50 1.25e-300 1.25");
  if (!set) print_message("no locale with a decimal comma here: only the C locale was tried\n");
}

static void not_finite_is_told_and_never_printed(void **state) {
  (void)state;
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (int i = 0; i < 3; i++) {
    char got[64];
    struct text text = text_open(got, sizeof got);
    text_fixed(&text, bad[i], 3);
    assert_true(text.not_finite);
    assert_memory_equal(got, "0", text.used);
    text = text_open(got, sizeof got);
    text_general(&text, bad[i], 9);
    assert_true(text.not_finite);
    assert_memory_equal(got, "0", text.used);
    text = text_open(got, sizeof got);
    text_general_list(&text, (const double[]){1, 2, bad[i], 3}, 4, 9);
    assert_true(text.not_finite);
    struct text_number numbers[4];
    text_numbers_fixed(numbers, (const double[]){1, bad[i], 2, 3}, (const uint8_t[]){1, 1, 1, 1}, 4);
    text = text_open(got, sizeof got);
    text_number(&text, &numbers[0]);
    assert_false(text.not_finite); /* that one beside it is not tells nothing of it */
    text_number(&text, &numbers[1]);
    assert_true(text.not_finite);
    assert_memory_equal(got, "1.00", text.used);
  }
}

static void integers_reach_their_ends(void **state) {
  (void)state;
  char got[128];
  struct text text = text_open(got, sizeof got - 1);
  text_i64(&text, INT64_MIN);
  text_char(&text, ' ');
  text_i64(&text, INT64_MAX);
  text_char(&text, ' ');
  text_u64(&text, UINT64_MAX);
  text_char(&text, ' ');
  text_u64(&text, 0);
  got[text.used] = 0;
  assert_string_equal(got, "-9223372036854775808 9223372036854775807 18446744073709551615 0");
  for (uint64_t power = 1; power <= UINT64_MAX / 10; power *= 10) {
    for (uint64_t value = power - 1; value <= power + 1; value++) {
      char want[32];
      snprintf(want, sizeof want, "%llu", (unsigned long long)value);
      text = text_open(got, sizeof got - 1);
      text_u64(&text, value);
      got[text.used] = 0;
      assert_string_equal(got, want);
    }
  }
}

static void integers_made_together_are_those_made_alone(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 6);
  for (int round = 0; round < ROUNDS / 10; round++) {
    struct text_number numbers[TEXT_NUMBERS_MAX];
    uint64_t values[TEXT_NUMBERS_MAX];
    unsigned count = 2 * (unsigned)prng_below(&prng, TEXT_NUMBERS_MAX / 2 + 1);
    for (unsigned i = 0; i < count; i++) values[i] = prng_u64(&prng) >> prng_below(&prng, 64);
    if (count > 0) values[prng_below(&prng, count)] = prng_below(&prng, 2) ? 0 : UINT64_MAX;
    text_numbers_u64(numbers, values, count);
    for (unsigned i = 0; i < count; i++) {
      char got[128], want[32];
      struct text text = text_open(got, sizeof got - 1);
      text_number(&text, &numbers[i]);
      got[text.used] = 0;
      snprintf(want, sizeof want, "%llu", (unsigned long long)values[i]);
      assert_string_equal(got, want);
    }
  }
}

static void small_integers_are_all_right(void **state) {
  (void)state;
  for (unsigned value = 0; value < 20000; value++) {
    char got[128], want[32];
    struct text text = text_open(got, sizeof got - 1);
    text_u64(&text, value);
    got[text.used] = 0;
    snprintf(want, sizeof want, "%u", value);
    assert_string_equal(got, want);
  }
}

static void any_bytes_become_a_valid_json_string(void **state) {
  (void)state;
  struct prng prng = prng_seed(SEED, 3);
  for (int round = 0; round < 20000; round++) {
    char in[16] = {0}, out[128];
    size_t size = prng_below(&prng, 15);
    for (size_t i = 0; i < size; i++) {
      /* Lead bytes often, so that broken and whole sequences both come up. */
      in[i] = (char)(prng_below(&prng, 2) ? 0xc0 + prng_below(&prng, 64) : prng_below(&prng, 256));
    }
    struct text text = text_open(out, sizeof out);
    text_json(&text, in);
    assert_false(text.cut);
    json_error_t error;
    json_t *parsed = json_loadb(out, text.used, JSON_DECODE_ANY, &error);
    if (!parsed) fail_msg("seed %d round %d: %s", SEED, round, error.text);
    json_t *whole = json_string(in); /* jansson refuses what is not UTF-8 */
    if (whole) assert_string_equal(json_string_value(parsed), in);
    json_decref(whole);
    json_decref(parsed);
  }
  char out[64];
  struct text text = text_open(out, sizeof out - 1);
  text_json(&text, "a\"b\\c\n\xc3\xbc\xff");
  out[text.used] = 0;
  assert_string_equal(out, "\"a\\\"b\\\\c\\u000a\xc3\xbc\xef\xbf\xbd\"");
}

static void text_never_writes_past_its_end(void **state) {
  (void)state;
  static const char whole[] = "position -6378137.2501.5e-0917000000001234567890.25\"x\\u000a\"";
  for (size_t capacity = 0; capacity < 160; capacity++) { /* numbers are put together in place where there is much room */
    char out[200];
    memset(out, '#', sizeof out);
    struct text text = text_open(out, capacity);
    text_put(&text, "position ");
    text_fixed(&text, -6378137.25, 3);
    text_general(&text, 1.5e-9, 9);
    text_u64(&text, 1700000000123456789);
    text_general(&text, 0.25, 9);
    text_json(&text, "x\n");
    assert_true(text.used <= capacity);
    assert_int_equal(text.cut, capacity < sizeof whole - 1);
    assert_memory_equal(out, whole, text.cut ? 0 : sizeof whole - 1);
    for (size_t i = capacity; i < sizeof out; i++) assert_int_equal(out[i], '#');
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(general_prints_as_printf),
      cmocka_unit_test(general_prints_edges_as_printf),
      cmocka_unit_test(fixed_prints_as_printf),
      cmocka_unit_test(a_list_is_its_numbers),
      cmocka_unit_test(numbers_made_together_are_those_made_alone),
      cmocka_unit_test(numbers_do_not_follow_the_locale),
      cmocka_unit_test(not_finite_is_told_and_never_printed),
      cmocka_unit_test(integers_reach_their_ends),
      cmocka_unit_test(integers_made_together_are_those_made_alone),
      cmocka_unit_test(small_integers_are_all_right),
      cmocka_unit_test(any_bytes_become_a_valid_json_string),
      cmocka_unit_test(text_never_writes_past_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

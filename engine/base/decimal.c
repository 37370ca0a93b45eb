#include "engine/base/decimal.h"

#include <stdbool.h>
#include <stdlib.h>

enum { DIGITS_MAX = 19, POWERS = DIGITS_MAX + 1 }; /* whose number is below 2^64 */
#define MANTISSA_MAX ((uint64_t)1 << 53)

static const double powers[POWERS] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};

static inline bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* Goes over digits; those beyond the number of them that fits do no harm, since the caller counts. */
static inline const char *digits_take(const char *at, uint64_t *number) {
  for (; is_digit(*at); at++) *number = *number * 10 + (uint64_t)(*at - '0');
  return at;
}

/* Whole number and power of ten are doubles, so that one division rounds as it should. */
double decimal_double(const char *text, const char **end) {
  bool negative = *text == '-';
  const char *begun = text + negative, *at;
  uint64_t number = 0;
  at = digits_take(begun, &number);
  long digits = at - begun, behind = 0;
  if (*at == '.') {
    const char *point = at;
    at = digits_take(point + 1, &number);
    behind = at - point - 1;
  }
  if (*at == 0 && digits > 0 && digits + behind <= DIGITS_MAX && number <= MANTISSA_MAX) {
    *end = at;
    double value = (double)number / powers[behind];
    return negative ? -value : value;
  }
  char *stopped;
  double value = strtod(text, &stopped);
  *end = stopped;
  return value;
}

int64_t decimal_i64(const char *text, const char **end) {
  bool negative = *text == '-';
  uint64_t number = 0;
  const char *at = digits_take(text + negative, &number);
  long digits = at - text - negative;
  if (*at == 0 && digits > 0 && digits <= DIGITS_MAX && number <= INT64_MAX) {
    *end = at;
    return negative ? -(int64_t)number : (int64_t)number;
  }
  char *stopped;
  int64_t value = strtoll(text, &stopped, 10);
  *end = stopped;
  return value;
}

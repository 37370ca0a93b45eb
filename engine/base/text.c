#include "engine/base/text.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"

__extension__ typedef unsigned __int128 u128;

enum { DIGITS_GENERAL_MAX = 17, DIGITS_FIXED_MAX = 9, DIGITS_U64_MAX = 20, POWER_MAX = 19 };

static const uint64_t power10[POWER_MAX + 1] = {1u,
                                                10u,
                                                100u,
                                                1000u,
                                                10000u,
                                                100000u,
                                                1000000u,
                                                10000000u,
                                                100000000u,
                                                1000000000u,
                                                10000000000u,
                                                100000000000u,
                                                1000000000000u,
                                                10000000000000u,
                                                100000000000000u,
                                                1000000000000000u,
                                                10000000000000000u,
                                                100000000000000000u,
                                                1000000000000000000u,
                                                10000000000000000000u};

struct text text_open(char *data, size_t capacity) { return (struct text){.data = data, .capacity = capacity}; }

void text_bytes(struct text *text, const char *bytes, size_t size) {
  if (text->cut || size > text->capacity - text->used) {
    text->cut = true;
    return;
  }
  memcpy(text->data + text->used, bytes, size);
  text->used += size;
}

void text_put(struct text *text, const char *string) { text_bytes(text, string, strlen(string)); }

void text_char(struct text *text, char c) {
  if (text->cut || text->used == text->capacity) {
    text->cut = true;
    return;
  }
  text->data[text->used++] = c;
}

/* "00" to "99". */
static const char pairs[201] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                               "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

/* Decimal digits of a value, at least `width` of them (zeros in front), at most DIGITS_U64_MAX. Returns how many. */
static size_t digits_write(char *out, uint64_t value, size_t width) {
  char reversed[DIGITS_U64_MAX + 2]; /* filled from its end */
  size_t at = sizeof reversed;
  while (value >= 100) {
    uint64_t rest = value / 100;
    at -= 2;
    memcpy(reversed + at, pairs + 2 * (value - rest * 100), 2);
    value = rest;
  }
  at -= 2;
  memcpy(reversed + at, pairs + 2 * value, 2);
  if (value < 10) at++;
  size_t count = sizeof reversed - at;
  size_t zeros = width > count ? width - count : 0;
  memset(out, '0', zeros);
  memcpy(out + zeros, reversed + at, count);
  return zeros + count;
}

void text_u64(struct text *text, uint64_t value) {
  char digits[DIGITS_U64_MAX];
  text_bytes(text, digits, digits_write(digits, value, 1));
}

void text_i64(struct text *text, int64_t value) {
  if (value < 0) text_char(text, '-');
  text_u64(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* A finite double is (-1)^negative * mantissa * 2^exponent exactly. */
struct parts {
  uint64_t mantissa;
  int exponent;
  bool negative;
  bool finite;
};

static struct parts parts_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  int biased = (int)(bits >> 52 & 0x7ff);
  uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
  struct parts parts = {.negative = bits >> 63, .finite = biased != 0x7ff};
  parts.mantissa = biased ? fraction | (uint64_t)1 << 52 : fraction;
  parts.exponent = (biased ? biased : 1) - 1075;
  return parts;
}

/* value / 2^shift, rounded to nearest, ties to even. */
static u128 shift_rounded(u128 value, int shift) {
  if (shift <= 0) return value;
  if (shift > 126) return 0; /* callers keep value below 2^125: less than a half */
  u128 quotient = value >> shift;
  u128 rest = value - (quotient << shift), half = (u128)1 << (shift - 1);
  if (rest > half || (rest == half && (quotient & 1))) quotient++;
  return quotient;
}

static u128 divide_rounded(u128 value, u128 divisor) {
  u128 quotient = value / divisor, rest = value - quotient * divisor;
  if (rest > divisor - rest || (rest == divisor - rest && (quotient & 1))) quotient++;
  return quotient;
}

void text_fixed(struct text *text, double value, unsigned digits) {
  weft_assert(digits <= DIGITS_FIXED_MAX);
  struct parts parts = parts_of(value);
  if (!parts.finite || !(value < 1e15 && value > -1e15)) {
    text_general(text, value, DIGITS_GENERAL_MAX);
    return;
  }
  /* |value| < 1e15 < 2^50, so the exponent is below 0 for everything but integers that the shift leaves alone. */
  u128 scaled = (u128)parts.mantissa * power10[digits];
  scaled = parts.exponent >= 0 ? scaled << parts.exponent : shift_rounded(scaled, -parts.exponent);
  bool small = scaled <= UINT64_MAX; /* dividing 128 bits takes several times as long */
  uint64_t whole = small ? (uint64_t)scaled / power10[digits] : (uint64_t)(scaled / power10[digits]);
  uint64_t fraction = (uint64_t)(scaled - (u128)whole * power10[digits]);
  char out[2 * DIGITS_U64_MAX];
  size_t used = 0;
  if (parts.negative && scaled) out[used++] = '-';
  used += digits_write(out + used, whole, 1);
  if (digits) {
    out[used++] = '.';
    used += digits_write(out + used, fraction, digits);
  }
  text_bytes(text, out, used);
}

/* |value| rounded to `digits` significant ones as digits * 10^(exponent - digits + 1), by exact integer arithmetic. False
 * where that would need more than 128 bits. */
static bool decimal_exact(struct parts parts, int digits, uint64_t *decimal, int *exponent) {
  int log2 = parts.exponent + 63 - __builtin_clzll(parts.mantissa);
  int guess = log2 * 1233 >> 12; /* floor(log10), or one too small */
  for (int round = 0; round < 3; round++) {
    int scale = digits - 1 - guess;
    if (scale > 22 || scale < -POWER_MAX || log2 > 88) return false;
    u128 result;
    if (scale >= 0) {
      u128 scaled = (u128)parts.mantissa * power10[scale > POWER_MAX ? POWER_MAX : scale];
      if (scale > POWER_MAX) scaled *= power10[scale - POWER_MAX];
      result = parts.exponent >= 0 ? scaled << parts.exponent : shift_rounded(scaled, -parts.exponent);
    } else if (parts.exponent >= 0) {
      result = divide_rounded((u128)parts.mantissa << parts.exponent, power10[-scale]);
    } else {
      result = divide_rounded(parts.mantissa, (u128)power10[-scale] << -parts.exponent);
    }
    if (result >= power10[digits]) {
      guess++;
    } else if (result < power10[digits - 1]) {
      guess--;
    } else {
      *decimal = (uint64_t)result;
      *exponent = guess;
      return true;
    }
  }
  return false;
}

/* The same for the far ends of the range, from the C library; whatever stands for the decimal point is skipped. */
static void decimal_printed(double value, int digits, uint64_t *decimal, int *exponent) {
  char out[64];
  snprintf(out, sizeof out, "%.*e", digits - 1, value < 0 ? -value : value);
  uint64_t result = 0;
  const char *at = out;
  for (; *at && *at != 'e'; at++) {
    if (*at >= '0' && *at <= '9') result = result * 10 + (uint64_t)(*at - '0');
  }
  bool negative = at[0] && at[1] == '-';
  int power = 0;
  for (at += at[0] ? 2 : 0; *at >= '0' && *at <= '9'; at++) power = power * 10 + (*at - '0');
  *decimal = result;
  *exponent = negative ? -power : power;
}

/* The layout that printf's %g has: fixed notation for exponents -4 to digits - 1, no zeros at the end. */
static size_t general_layout(char *out, const char *all, size_t count, int exponent, int digits) {
  size_t used = 0;
  while (count > 1 && all[count - 1] == '0') count--;
  if (exponent < -4 || exponent >= digits) {
    out[used++] = all[0];
    if (count > 1) out[used++] = '.';
    for (size_t i = 1; i < count; i++) out[used++] = all[i];
    out[used++] = 'e';
    out[used++] = exponent < 0 ? '-' : '+';
    return used + digits_write(out + used, (uint64_t)(exponent < 0 ? -exponent : exponent), 2);
  }
  int point = exponent + 1; /* digits before the decimal point */
  if (point <= 0) {
    out[used++] = '0';
    out[used++] = '.';
    for (int i = point; i < 0; i++) out[used++] = '0';
  }
  for (int i = 0; i < (int)count || i < point; i++) {
    if (i == point && point > 0) out[used++] = '.';
    out[used++] = (char)(i < (int)count ? all[i] : '0');
  }
  return used;
}

void text_general(struct text *text, double value, unsigned digits) {
  weft_assert(digits >= 1 && digits <= DIGITS_GENERAL_MAX);
  struct parts parts = parts_of(value);
  if (!parts.finite) text->not_finite = true;
  if (!parts.finite || parts.mantissa == 0) {
    text_char(text, '0');
    return;
  }
  uint64_t decimal;
  int exponent;
  if (!decimal_exact(parts, (int)digits, &decimal, &exponent)) decimal_printed(value, (int)digits, &decimal, &exponent);
  char all[DIGITS_U64_MAX], out[64];
  size_t count = digits_write(all, decimal, 1), used = 0;
  if (parts.negative) out[used++] = '-';
  used += general_layout(out + used, all, count, exponent, (int)digits);
  text_bytes(text, out, used);
}

/* Length of the valid UTF-8 sequence at `at` (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF); 0 if none. */
static size_t utf8_length(const unsigned char *at) {
  if (at[0] < 0x80) return 1;
  size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
  unsigned char low = 0x80, high = 0xbf; /* allowed second byte */
  if (at[0] == 0xe0) low = 0xa0;
  if (at[0] == 0xed) high = 0x9f;
  if (at[0] == 0xf0) low = 0x90;
  if (at[0] == 0xf4) high = 0x8f;
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  return length;
}

void text_json(struct text *text, const char *string) {
  static const char hex[] = "0123456789abcdef";
  const unsigned char *at = (const unsigned char *)string;
  text_char(text, '"');
  while (*at) {
    size_t length = utf8_length(at);
    if (length == 0) {
      text_put(text, "\xef\xbf\xbd");
      at++;
    } else if (*at == '"' || *at == '\\') {
      text_char(text, '\\');
      text_char(text, (char)*at++);
    } else if (*at < 0x20 || *at == 0x7f) {
      char escape[6] = {'\\', 'u', '0', '0', hex[*at >> 4], hex[*at & 15]};
      text_bytes(text, escape, sizeof escape);
      at++;
    } else {
      text_bytes(text, (const char *)at, length);
      at += length;
    }
  }
  text_char(text, '"');
}

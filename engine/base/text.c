#include "engine/base/text.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"

__extension__ typedef unsigned __int128 u128;

enum {
  DIGITS_GENERAL_MAX = 17,
  DIGITS_WORD_MAX = 15, /* with a point they have 16 bytes */
  DIGITS_FIXED_MAX = 9,
  DIGITS_BYTES = 24,  /* three times eight digits: any uint64_t */
  POWER_MAX = 19,     /* largest power of ten below 2^64 */
  POWER5_MAX = 27,    /* largest power of five below 2^64 */
  DECADE_MIN = -20, DECADE_MAX = 28, /* powers of ten that a guess of the decimal exponent is held against */
  DECADE_EXACT_MAX = 22,             /* 10^0 to 10^22 are doubles */
  DIGITS_SURE_MAX = 15, /* to so many digits a double next to a power of ten rounds to it, on whichever side it is */
  NUMBER_ROOM = 64    /* bytes that are written to for one number, with what is copied beyond its end */
};

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

static const uint64_t power5[POWER5_MAX + 1] = {
    1u, 5u, 25u, 125u, 625u, 3125u, 15625u, 78125u, 390625u, 1953125u, 9765625u, 48828125u, 244140625u, 1220703125u, 6103515625u, 30517578125u,
    152587890625u, 762939453125u, 3814697265625u, 19073486328125u, 95367431640625u, 476837158203125u, 2384185791015625u, 11920928955078125u,
    59604644775390625u, 298023223876953125u, 1490116119384765625u, 7450580596923828125u};

/* 10^DECADE_MIN to 10^DECADE_MAX; those below 1 are rounded. */
static const double decades[DECADE_MAX - DECADE_MIN + 1] = {
    1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4,
    1e-3,  1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,   1e7,   1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
    1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21,  1e22,  1e23,  1e24,  1e25, 1e26, 1e27, 1e28};

struct text text_open(char *data, size_t capacity) { return (struct text){.data = data, .capacity = capacity}; }

/* Where a number may be written, NUMBER_ROOM bytes: in the text itself, or, near its end, in `local`. */
static inline char *number_begin(const struct text *text, char local[NUMBER_ROOM]) {
  return !text->cut && text->capacity - text->used >= NUMBER_ROOM ? text->data + text->used : local;
}

static inline void number_end(struct text *text, const char *begun, const char *local, size_t size) {
  if (begun == local) text_bytes(text, local, size);
  else text->used += size;
}

/* The eight digits of a value below 10^8, one a byte, the first in the lowest: halves, pairs and digits are divided side by
 * side within a word. */
static inline uint64_t digits8(uint32_t value) {
  uint64_t halves = value / 10000 | (uint64_t)(value % 10000) << 32;
  uint64_t hundreds = halves * 10486 >> 20 & 0x0000007f0000007f;
  uint64_t pairs = hundreds | (halves - hundreds * 100) << 16;
  uint64_t tens = pairs * 103 >> 10 & 0x000f000f000f000f;
  return tens | (pairs - tens * 10) << 8;
}

static const uint64_t zeros8 = 0x3030303030303030, base8 = 100000000;

/* The sixteen digits of a value below 10^16, likewise. A number up to so long is put together in registers: what was stored
 * byte by byte can't be read as a vector before it has reached the cache. */
static inline u128 digits16(uint64_t value) {
  uint64_t upper = value / base8, low = digits8((uint32_t)(value - upper * base8));
  return (u128)low << 64 | (upper < 10 ? upper << 56 : digits8((uint32_t)upper)); /* nine digits are the usual case */
}

static u128 zeros16(void) { return (u128)zeros8 << 64 | zeros8; }

/* Bytes before the first that is not 0, all 16 of 0. */
static inline unsigned bytes_skipped(u128 digits) {
  uint64_t low = (uint64_t)digits, high = (uint64_t)(digits >> 64);
  return low ? (unsigned)__builtin_ctzll(low) / 8 : high ? 8 + (unsigned)__builtin_ctzll(high) / 8 : 16;
}

/* Bytes up to the last that is not 0, none of 0. */
static unsigned bytes_used(u128 digits) {
  uint64_t low = (uint64_t)digits, high = (uint64_t)(digits >> 64);
  return high ? 16 - (unsigned)__builtin_clzll(high) / 8 : low ? 8 - (unsigned)__builtin_clzll(low) / 8 : 0;
}

/* Sixteen characters with a point behind the first `before`, 17 bytes. */
static inline void point_write(char *out, u128 characters, unsigned before) {
  memcpy(out, &characters, sizeof characters);
  characters >>= 8 * before;
  out[before] = '.';
  memcpy(out + before + 1, &characters, sizeof characters);
}

/* All DIGITS_BYTES decimal digits of a value, zeros in front. Returns where the first one other than 0 stands; for 0 the last. */
static size_t digits_write(char out[DIGITS_BYTES], uint64_t value) {
  uint64_t upper = value / base8, word[3] = {digits8((uint32_t)(upper / base8)), digits8((uint32_t)(upper % base8)), digits8((uint32_t)(value % base8))};
  size_t first = word[0] ? 0 : word[1] ? 1 : 2;
  size_t skipped = word[first] ? (size_t)__builtin_ctzll(word[first]) / 8 : 7;
  for (int i = 0; i < 3; i++) word[i] |= zeros8;
  memcpy(out, word, sizeof word);
  return 8 * first + skipped;
}

void text_u64(struct text *text, uint64_t value) {
  char local[NUMBER_ROOM], *out = number_begin(text, local);
  size_t used = 0;
  if (value >= base8 * base8) {
    uint64_t top = digits8((uint32_t)(value / (base8 * base8)));
    unsigned skipped = (unsigned)__builtin_ctzll(top) / 8;
    top = (top | zeros8) >> 8 * skipped;
    memcpy(out, &top, sizeof top);
    used = 8 - skipped;
    value %= base8 * base8;
  }
  u128 digits = digits16(value);
  unsigned skipped = used ? 0 : bytes_skipped(digits);
  if (skipped == 16) skipped = 15;
  digits = (digits | zeros16()) >> 8 * skipped;
  memcpy(out + used, &digits, sizeof digits);
  number_end(text, out, local, used + 16 - skipped);
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

static inline struct parts parts_of(double value) {
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
  if (shift <= 0) return value << -shift;
  if (shift > 126) return 0; /* callers keep value below 2^125: less than a half */
  u128 doubled = value >> (shift - 1), quotient = doubled >> 1;
  unsigned half = (unsigned)doubled & 1, more = doubled << (shift - 1) != value;
  return quotient + (half & (more | ((unsigned)quotient & 1)));
}

/* |value| * 10^scale, 0 to POWER5_MAX, rounded likewise. Both factors are moved up to their first bit: then the whole part of what has
 * up to 62 bits is in the upper word of the product, and words are shifted instead of pairs. */
static inline u128 scaled_rounded(struct parts parts, int scale) {
  uint64_t power = power5[scale];
  int zeros = __builtin_clzll(power), shift = zeros + 11 - parts.exponent - scale;
  if (shift <= 64 || shift >= 128) return shift_rounded((u128)parts.mantissa * power, -parts.exponent - scale);
  u128 product = (u128)(parts.mantissa << 11) * (power << zeros);
  uint64_t high = (uint64_t)(product >> 64), doubled = high >> (shift - 65), quotient = doubled >> 1;
  uint64_t more = (doubled << (shift - 65) != high) | ((uint64_t)product != 0);
  return quotient + (doubled & (more | quotient) & 1);
}

static u128 divide_rounded(u128 value, u128 divisor) {
  u128 quotient = value / divisor, rest = value - quotient * divisor;
  if (rest > divisor - rest || (rest == divisor - rest && (quotient & 1))) quotient++;
  return quotient;
}

/* `scaled` with the point before its last `digits`, however many there are in front. */
static void fixed_wide(struct text *text, u128 scaled, unsigned digits) {
  char all[DIGITS_BYTES];
  text_u64(text, (uint64_t)(scaled / power10[digits]));
  if (digits == 0) return;
  (void)digits_write(all, (uint64_t)(scaled % power10[digits]));
  text_char(text, '.');
  text_bytes(text, all + DIGITS_BYTES - digits, digits);
}

void text_fixed(struct text *text, double value, unsigned digits) {
  weft_assert(digits <= DIGITS_FIXED_MAX);
  struct parts parts = parts_of(value);
  if (!parts.finite || !(value < 1e15 && value > -1e15)) {
    text_general(text, value, DIGITS_GENERAL_MAX);
    return;
  }
  /* |value| < 1e15 < 2^50, so the exponent is below 0 for all but integers, which are below 2^53 with it. */
  u128 scaled = scaled_rounded(parts, (int)digits);
  bool negative = parts.negative && scaled;
  if (scaled >= power10[DIGITS_WORD_MAX]) {
    if (negative) text_char(text, '-');
    fixed_wide(text, scaled, digits);
    return;
  }
  char local[NUMBER_ROOM], *out = number_begin(text, local);
  u128 characters = digits16((uint64_t)scaled);
  unsigned first = bytes_skipped(characters), point = 16 - digits;
  if (first >= point) first = point - 1; /* one digit before the point at least */
  characters = (characters | zeros16()) >> 8 * first;
  out[0] = '-';
  if (digits) point_write(out + negative, characters, point - first);
  else memcpy(out + negative, &characters, sizeof characters);
  number_end(text, out, local, negative + 16 - first + (digits > 0));
}

/* |value| rounded to `digits` significant ones as digits * 10^(exponent - digits + 1), by exact integer arithmetic. False
 * where that would need more than 128 bits, or more than one look at the decimal exponent. */
static bool decimal_exact(struct parts parts, double magnitude, int digits, uint64_t *decimal, int *exponent) {
  int guess = (parts.exponent + 52) * 1233 >> 12; /* floor(log10), or one too small; too large for denormals */
  if (guess < DECADE_MIN || guess + 1 > DECADE_MAX) return false;
  guess += magnitude >= decades[guess + 1 - DECADE_MIN];
  int scale = digits - 1 - guess;
  if (scale > POWER5_MAX || scale < -POWER_MAX) return false;
  u128 result;
  if (scale >= 0) {
    result = scaled_rounded(parts, scale);
  } else if (parts.exponent >= 0) {
    result = divide_rounded((u128)parts.mantissa << parts.exponent, power10[-scale]);
  } else {
    result = divide_rounded(parts.mantissa, (u128)power10[-scale] << -parts.exponent);
  }
  bool sure = digits <= DIGITS_SURE_MAX || (guess >= 0 && guess <= DECADE_EXACT_MAX);
  if (!sure && result == power10[digits - 1]) return false; /* the power of ten that is a little more? */
  bool carried = result == power10[digits];                 /* 9.99... became 10 */
  *decimal = carried ? power10[digits - 1] : (uint64_t)result;
  *exponent = guess + carried;
  return carried || (result >= power10[digits - 1] && result < power10[digits]);
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

/* d.ddde-dd, two digits of exponent at least. */
static size_t exponent_layout(char *out, const char *all, size_t count, int exponent) {
  char power[2 * DIGITS_BYTES];
  size_t used = count > 1 ? count + 1 : 1, first = digits_write(power, (uint64_t)(exponent < 0 ? -exponent : exponent));
  if (first > DIGITS_BYTES - 2) first = DIGITS_BYTES - 2;
  out[0] = all[0];
  out[1] = '.';
  memcpy(out + 2, all + 1, DIGITS_BYTES);
  out[used++] = 'e';
  out[used++] = exponent < 0 ? '-' : '+';
  memcpy(out + used, power + first, DIGITS_BYTES);
  return used + DIGITS_BYTES - first;
}

/* Up to three zeros of it stand before the digits. */
static const char fraction_begin[] = {'0', '.', '0', '0', '0'};

/* Fixed notation for up to DIGITS_WORD_MAX digits, exponent -4 to digits - 1. */
static size_t short_layout(char *out, u128 digits, int exponent) {
  unsigned count = bytes_used(digits), point = (unsigned)(exponent < 0 ? 0 : exponent + 1); /* digits before the decimal point */
  u128 characters = digits | zeros16();
  if (exponent < 0) {
    unsigned zeros = (unsigned)(-1 - exponent);
    memcpy(out, fraction_begin, sizeof fraction_begin);
    memcpy(out + 2 + zeros, &characters, sizeof characters);
    return 2 + zeros + count;
  }
  if (count > point) point_write(out, characters, point);
  else memcpy(out, &characters, sizeof characters);
  return count > point ? count + 1 : point;
}

/* The layout that printf's %g has: fixed notation for exponents -4 to digits - 1, no zeros at the end. `all` has DIGITS_BYTES
 * behind its `digits` that may be read. */
static size_t general_layout(char *out, const char *all, int exponent, int digits) {
  size_t count = (size_t)digits;
  while (count > 1 && all[count - 1] == '0') count--;
  if (exponent < -4 || exponent >= digits) return exponent_layout(out, all, count, exponent);
  if (exponent < 0) {
    size_t zeros = (size_t)(-1 - exponent);
    memcpy(out, fraction_begin, sizeof fraction_begin);
    memcpy(out + 2 + zeros, all, DIGITS_BYTES);
    return 2 + zeros + count;
  }
  size_t point = (size_t)exponent + 1; /* digits before the decimal point */
  memcpy(out, all, DIGITS_BYTES);
  if (count <= point) return point;
  out[point] = '.';
  memcpy(out + point + 1, all + point, DIGITS_BYTES);
  return count + 1;
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
  double magnitude = parts.negative ? -value : value;
  if (!decimal_exact(parts, magnitude, (int)digits, &decimal, &exponent)) decimal_printed(magnitude, (int)digits, &decimal, &exponent);
  char local[NUMBER_ROOM], *out = number_begin(text, local);
  out[0] = '-';
  size_t used = parts.negative;
  if (digits <= DIGITS_WORD_MAX && exponent >= -4 && exponent < (int)digits) {
    used += short_layout(out + used, digits16(decimal) >> 8 * (16 - digits), exponent);
  } else {
    char all[2 * DIGITS_BYTES];
    (void)digits_write(all, decimal);
    used += general_layout(out + used, all + DIGITS_BYTES - digits, exponent, (int)digits);
  }
  number_end(text, out, local, used);
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

/* A character that stands for itself in a JSON string, alone. */
static bool plain(unsigned char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

void text_json(struct text *text, const char *string) {
  static const char hex[] = "0123456789abcdef";
  const unsigned char *at = (const unsigned char *)string;
  text_char(text, '"');
  while (*at) {
    const unsigned char *begun = at;
    while (plain(*at)) at++;
    text_bytes(text, (const char *)begun, (size_t)(at - begun));
    size_t length = utf8_length(at);
    if (*at == 0) break;
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

/* Numbers of a text: their digits, and how these are laid out. Byte for byte what printf writes. */
#include "engine/base/text.h"

#include <immintrin.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"

__extension__ typedef unsigned __int128 u128;

enum {
  DIGITS_GENERAL_MAX = 17,
  DIGITS_WORD_MAX = 15,  /* with a point they have 16 bytes */
  DIGITS_SHORT_MAX = 11, /* with a point and four zeros before them they have 16 bytes */
  DIGITS_FIXED_MAX = 9,
  DIGITS_BYTES = 24,  /* three times eight digits: any uint64_t */
  POWER_MAX = 19,     /* largest power of ten below 2^64 */
  POWER5_MAX = 27,    /* largest power of five below 2^64 */
  DECADE_MIN = -20, DECADE_MAX = 28, /* powers of ten that a guess of the decimal exponent is held against */
  DECADE_EXACT_MAX = 22,             /* 10^0 to 10^22 are doubles */
  DIGITS_SURE_MAX = 15, /* to so many digits a double next to a power of ten rounds to it, on whichever side it is */
  NUMBER_ROOM = 64    /* bytes that are written to for one number, with what is copied beyond its end */
};
/* What stands in a vector of digits for the point, '0' less than it; and what a shuffle takes for a zero, and for the point behind so many
 * digits that there is room for it in the last byte. */
enum { POINT = '.' - '0', Z = 0x80, P = 15 };

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

static inline bool room_for(const struct text *text, size_t numbers) { return !text->cut && (text->capacity - text->used) / NUMBER_ROOM >= numbers; }

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

/* The same for a value in each word of a vector. */
static inline __m256i digits8_lanes(__m256i eights) {
  __m256i high = _mm256_srli_epi64(_mm256_mul_epu32(eights, _mm256_set1_epi64x(3518437209)), 45); /* by 10^4 */
  __m256i fours = _mm256_or_si256(high, _mm256_slli_epi64(_mm256_sub_epi64(eights, _mm256_mul_epu32(high, _mm256_set1_epi64x(10000))), 32));
  __m256i hundreds = _mm256_srli_epi16(_mm256_mulhi_epu16(fours, _mm256_set1_epi16(5243)), 3);
  __m256i rests = _mm256_madd_epi16(_mm256_or_si256(fours, _mm256_slli_epi32(hundreds, 16)), _mm256_set1_epi32(-100 * (1 << 16) + 1));
  __m256i pairs = _mm256_or_si256(hundreds, _mm256_slli_epi32(rests, 16));
  __m256i tens = _mm256_mulhi_epu16(pairs, _mm256_set1_epi16(6554));
  return _mm256_sub_epi16(_mm256_slli_epi16(pairs, 8), _mm256_mullo_epi16(tens, _mm256_set1_epi16((10 << 8) - 1)));
}

/* The sixteen digits of a value below 10^16 in a vector. */
static inline __m128i digits16(uint64_t value) {
  uint64_t upper = value / base8;
  __m128i eights = _mm_set_epi64x((long long)(value - upper * base8), (long long)upper);
  return _mm256_castsi256_si128(digits8_lanes(_mm256_castsi128_si256(eights)));
}

static inline void characters_write(char *out, __m128i digits) { _mm_storeu_si128((__m128i *)(void *)out, _mm_add_epi8(digits, _mm_set1_epi8('0'))); }

/* Bit per byte that is not 0. */
static inline unsigned bytes_set(__m128i digits) { return (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(digits, _mm_setzero_si128())); }

/* Without the first `skipped` bytes, up to 16; what comes behind the last is of no use. */
static inline __m128i bytes_moved(__m128i bytes, unsigned skipped) {
  static const uint8_t from[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return _mm_shuffle_epi8(bytes, _mm_loadu_si128((const __m128i *)(const void *)(from + skipped)));
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

/* Every ..._write has NUMBER_ROOM bytes and returns how many of them are the number. */
static inline size_t u64_write(char *out, uint64_t value) {
  size_t used = 0;
  if (value < 10000) { /* four digits, the first in the lowest byte */
    uint32_t hundreds = (uint32_t)value * 5243 >> 19, pairs = hundreds | ((uint32_t)value - hundreds * 100) << 16;
    uint32_t tens = pairs * 103 >> 10 & 0x000f000f, four = tens | (pairs - tens * 10) << 8;
    unsigned zeros = (unsigned)__builtin_ctz(four | 1u << 24) / 8; /* one digit at least */
    four = (four | 0x30303030) >> 8 * zeros;
    memcpy(out, &four, sizeof four);
    return 4 - zeros;
  }
  if (value >= base8 * base8) {
    uint64_t top = digits8((uint32_t)(value / (base8 * base8)));
    unsigned skipped = (unsigned)__builtin_ctzll(top) / 8;
    top = (top | zeros8) >> 8 * skipped;
    memcpy(out, &top, sizeof top);
    used = 8 - skipped;
    value %= base8 * base8;
  }
  __m128i digits = digits16(value);
  unsigned skipped = used ? 0 : (unsigned)__builtin_ctz(bytes_set(digits) | 1u << 15);
  characters_write(out + used, bytes_moved(digits, skipped));
  return used + 16 - skipped;
}

/* Near its end a text gets of a number what fits, which is put together elsewhere. */
static __attribute__((noinline)) void u64_end(struct text *text, uint64_t value) {
  char local[NUMBER_ROOM] = {0};
  text_bytes(text, local, u64_write(local, value));
}

void text_u64(struct text *text, uint64_t value) {
  if (room_for(text, 1)) text->used += u64_write(text->data + text->used, value);
  else u64_end(text, value);
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
  if (shift <= 64) return shift_rounded((u128)parts.mantissa * power, -parts.exponent - scale);
  u128 product = (u128)(parts.mantissa << 11) * (power << zeros);
  uint64_t high = (uint64_t)(product >> 64), doubled = shift < 129 ? high >> (shift - 65) : 0, quotient = doubled >> 1; /* else less than a half */
  uint64_t more = (doubled << ((shift - 65) & 63) != high) | ((uint64_t)product != 0);
  return quotient + (doubled & (more | quotient) & 1);
}

static u128 divide_rounded(u128 value, u128 divisor) {
  u128 quotient = value / divisor, rest = value - quotient * divisor;
  if (rest > divisor - rest || (rest == divisor - rest && (quotient & 1))) quotient++;
  return quotient;
}

/* Sixteen digits, right-aligned, with the point, which is in the first byte, before the last so many. */
static const uint8_t point_places[DIGITS_FIXED_MAX + 1][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 13, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 12, 13, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 11, 12, 13, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 10, 11, 12, 13, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 10, 11, 12, 13, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 7, 0, 8, 9, 10, 11, 12, 13, 14, 15},
                                                               {1, 2, 3, 4, 5, 6, 0, 7, 8, 9, 10, 11, 12, 13, 14, 15}};

/* `scaled` with the point before its last `digits`, however many there are in front. */
static size_t wide_write(char *out, u128 scaled, unsigned digits) {
  char all[DIGITS_BYTES];
  size_t used = u64_write(out, (uint64_t)(scaled / power10[digits]));
  if (digits == 0) return used;
  (void)digits_write(all, (uint64_t)(scaled % power10[digits]));
  out[used] = '.';
  memcpy(out + used + 1, all + DIGITS_BYTES - digits, digits);
  return used + 1 + digits;
}

/* The same for up to DIGITS_WORD_MAX digits in all, right-aligned: the first of the sixteen is 0. */
static inline size_t whole_layout(char *out, __m128i whole, unsigned digits) {
  unsigned pointed = digits > 0, first = (unsigned)__builtin_ctz(bytes_set(whole) | 1u << (15 - digits)); /* one before the point at least */
  __m128i places = _mm_loadu_si128((const __m128i *)(const void *)point_places[digits]);
  __m128i characters = _mm_shuffle_epi8(_mm_or_si128(whole, _mm_cvtsi32_si128((int)(pointed * (POINT & 0xff)))), places);
  characters_write(out, bytes_moved(characters, first - pointed));
  return 16 - first + pointed;
}

static size_t general_write(char *out, double value, unsigned digits);

static inline size_t fixed_write(char *out, double value, unsigned digits) {
  struct parts parts = parts_of(value);
  if (!(value < 1e15 && value > -1e15)) return general_write(out, value, DIGITS_GENERAL_MAX);
  /* |value| < 1e15 < 2^50, so the exponent is below 0 for all but integers, which are below 2^53 with it. */
  u128 scaled = scaled_rounded(parts, (int)digits);
  bool negative = parts.negative && scaled;
  out[0] = '-';
  if (scaled >= power10[DIGITS_WORD_MAX]) return negative + wide_write(out + negative, scaled, digits);
  return negative + whole_layout(out + negative, digits16((uint64_t)scaled), digits);
}

static __attribute__((noinline)) void fixed_end(struct text *text, double value, unsigned digits) {
  char local[NUMBER_ROOM] = {0};
  text_bytes(text, local, fixed_write(local, value, digits));
}

void text_fixed(struct text *text, double value, unsigned digits) {
  weft_assert(digits <= DIGITS_FIXED_MAX);
  if (!__builtin_isfinite(value)) text->not_finite = true;
  if (room_for(text, 1)) text->used += fixed_write(text->data + text->used, value, digits);
  else fixed_end(text, value, digits);
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

/* How up to DIGITS_SHORT_MAX digits, the point in the last byte, are laid out for a decimal exponent: -4 to 10. */
static const struct layout {
  uint8_t from[16];
  uint8_t before; /* digits before the point, which are there even if they are zeros */
  uint8_t more;   /* characters beside the digits where there are more */
} layouts[] = {{{Z, P, Z, Z, Z, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0, 5}, {{Z, P, Z, Z, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 0, 4},
               {{Z, P, Z, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 0, 3}, {{Z, P, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}, 0, 2},
               {{0, P, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 1, 1}, {{0, 1, P, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 2, 1},
               {{0, 1, 2, P, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 3, 1}, {{0, 1, 2, 3, P, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 4, 1},
               {{0, 1, 2, 3, 4, P, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 5, 1}, {{0, 1, 2, 3, 4, 5, P, 6, 7, 8, 9, 10, 11, 12, 13, 14}, 6, 1},
               {{0, 1, 2, 3, 4, 5, 6, P, 7, 8, 9, 10, 11, 12, 13, 14}, 7, 1}, {{0, 1, 2, 3, 4, 5, 6, 7, P, 8, 9, 10, 11, 12, 13, 14}, 8, 1},
               {{0, 1, 2, 3, 4, 5, 6, 7, 8, P, 9, 10, 11, 12, 13, 14}, 9, 1}, {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, P, 10, 11, 12, 13, 14}, 10, 1},
               {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, P, 11, 12, 13, 14}, 11, 1}};

/* Up to DIGITS_SHORT_MAX digits, left-aligned, exponent -99 to 10; which layout it is costs no branch. */
static inline size_t short_layout(char *out, __m128i digits, int exponent) {
  bool small = exponent < -4;
  const struct layout *layout = &layouts[small ? 4 : exponent + 4];
  unsigned count = 32 - (unsigned)__builtin_clz(bytes_set(digits)), size = count > layout->before ? count + layout->more : layout->before;
  __m128i from = _mm_loadu_si128((const __m128i *)(const void *)layout->from);
  characters_write(out, _mm_shuffle_epi8(_mm_insert_epi8(digits, POINT, P), from));
  if (!small) return size;
  uint32_t power = (uint32_t)-exponent, tens = power * 103 >> 10, end = ('e' | '-' << 8 | '0' << 16 | '0' << 24) + (tens << 16) + ((power - tens * 10) << 24);
  memcpy(out + size, &end, sizeof end);
  return size + sizeof end;
}

/* Up to three zeros of it stand before the digits. */
static const char fraction_begin[] = {'0', '.', '0', '0', '0'};

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

static size_t general_write(char *out, double value, unsigned digits) {
  struct parts parts = parts_of(value);
  out[0] = '0';
  if (!parts.finite || parts.mantissa == 0) return 1;
  uint64_t decimal;
  int exponent;
  double magnitude = parts.negative ? -value : value;
  if (!decimal_exact(parts, magnitude, (int)digits, &decimal, &exponent)) decimal_printed(magnitude, (int)digits, &decimal, &exponent);
  out[0] = '-';
  out += parts.negative;
  if (digits <= DIGITS_SHORT_MAX && exponent > -100 && exponent < (int)digits)
    return parts.negative + short_layout(out, digits16(decimal * power10[16 - digits]), exponent);
  char all[2 * DIGITS_BYTES];
  (void)digits_write(all, decimal);
  return parts.negative + general_layout(out, all + DIGITS_BYTES - digits, exponent, (int)digits);
}

static __attribute__((noinline)) void general_end(struct text *text, double value, unsigned digits) {
  char local[NUMBER_ROOM] = {0};
  text_bytes(text, local, general_write(local, value, digits));
}

void text_general(struct text *text, double value, unsigned digits) {
  weft_assert(digits >= 1 && digits <= DIGITS_GENERAL_MAX);
  if (!__builtin_isfinite(value)) text->not_finite = true;
  if (room_for(text, 1)) text->used += general_write(text->data + text->used, value, digits);
  else general_end(text, value, digits);
}

enum { LANES = 4, DIGITS_LANES = 9, LIST_MAX = 24 };

/* The first DIGITS_LANES digits of four values, left-aligned, and their decimal exponents. Returns a bit for each that came out so; else it is
 * 0, not finite, very small or large, would become a power of ten by rounding, or is so near to a tie that the products' roundings, 2^-21 at
 * the most, could tell. */
static inline unsigned decimals_make(const double values[LANES], __m128i digits[LANES], int32_t exponents[LANES]) {
  const __m256i odd = _mm256_setr_epi32(1, 3, 5, 7, 1, 3, 5, 7);
  __m256d value = _mm256_andnot_pd(_mm256_set1_pd(-0.0), _mm256_loadu_pd(values));
  __m256d good = _mm256_and_pd(_mm256_cmp_pd(value, _mm256_set1_pd(1e-13), _CMP_GE_OQ), _mm256_cmp_pd(value, _mm256_set1_pd(1e9), _CMP_LT_OQ));
  value = _mm256_blendv_pd(_mm256_set1_pd(1), value, good);
  __m128i power = _mm_sub_epi32(_mm_srli_epi32(_mm256_castsi256_si128(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(value), odd)), 20), _mm_set1_epi32(1023));
  __m128i guess = _mm_srai_epi32(_mm_mullo_epi32(power, _mm_set1_epi32(1233)), 12);
  __m256d scaled = _mm256_mul_pd(value, _mm256_i32gather_pd(&decades[-DECADE_MIN], _mm_sub_epi32(_mm_set1_epi32(DIGITS_LANES - 1), guess), sizeof(double)));
  __m256d more = _mm256_cmp_pd(scaled, _mm256_set1_pd(1e9), _CMP_GE_OQ); /* one digit more */
  __m128i exponent = _mm_sub_epi32(guess, _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(more), odd)));
  scaled = _mm256_blendv_pd(scaled, _mm256_mul_pd(scaled, _mm256_set1_pd(0.1)), more);
  __m256d whole = _mm256_round_pd(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256d off = _mm256_andnot_pd(_mm256_set1_pd(-0.0), _mm256_sub_pd(scaled, whole));
  good = _mm256_and_pd(good, _mm256_cmp_pd(off, _mm256_set1_pd(0.5 - 1e-6), _CMP_LT_OQ));
  good = _mm256_and_pd(good, _mm256_cmp_pd(whole, _mm256_set1_pd(1e8), _CMP_GE_OQ));
  good = _mm256_and_pd(good, _mm256_cmp_pd(whole, _mm256_set1_pd(1e9), _CMP_LT_OQ));
  __m256i decimal = _mm256_cvtepu32_epi64(_mm256_cvttpd_epi32(whole));
  __m256i eight = _mm256_srli_epi64(_mm256_mul_epu32(decimal, _mm256_set1_epi64x(3435973837)), 35); /* by 10 */
  __m256i last = _mm256_sub_epi64(decimal, _mm256_mul_epu32(eight, _mm256_set1_epi64x(10)));
  eight = digits8_lanes(eight);
  __m256i even_lanes = _mm256_unpacklo_epi64(eight, last), odd_lanes = _mm256_unpackhi_epi64(eight, last);
  _mm256_storeu2_m128i(&digits[2], &digits[0], even_lanes);
  _mm256_storeu2_m128i(&digits[3], &digits[1], odd_lanes);
  _mm_storeu_si128((__m128i *)(void *)exponents, exponent);
  return (unsigned)_mm256_movemask_pd(good);
}

static void list_write(struct text *text, const double *values, unsigned count) {
  __m128i digits[LIST_MAX];
  int32_t exponents[LIST_MAX];
  uint64_t alone = ~(uint64_t)0;
  for (unsigned i = 0; i + LANES <= count; i += LANES) alone ^= (uint64_t)decimals_make(values + i, digits + i, exponents + i) << i;
  char *out = text->data + text->used;
  for (unsigned i = 0; i < count; i++) {
    bool negative = values[i] < 0;
    *out++ = i ? ',' : '[';
    if (alone >> i & 1) {
      if (!__builtin_isfinite(values[i])) text->not_finite = true;
      out += general_write(out, values[i], DIGITS_LANES);
    } else {
      *out = '-';
      out += negative;
      out += short_layout(out, digits[i], exponents[i]);
    }
  }
  *out++ = ']';
  text->used = (size_t)(out - text->data);
}

void text_general_list(struct text *text, const double *values, unsigned count, unsigned digits) {
  if (digits == DIGITS_LANES && count > 0 && count <= LIST_MAX && room_for(text, count)) {
    list_write(text, values, count);
    return;
  }
  text_char(text, '[');
  for (unsigned i = 0; i < count; i++) {
    if (i) text_char(text, ',');
    text_general(text, values[i], digits);
  }
  text_char(text, ']');
}

/* Four of |value| * 10^digits in whole numbers, sixteen digits each, right-aligned, and a bit for each that is not 0 in *whole_set. Returns a
 * bit for each that came out so; else it is not finite, large, or so near to a tie that the product's rounding, 2^-15 at the most, could
 * tell. */
static inline unsigned wholes_make(const double values[LANES], const uint8_t digits[LANES], __m128i wholes[LANES], unsigned *whole_set) {
  __m256d power = _mm256_setr_pd(decades[digits[0] - DECADE_MIN], decades[digits[1] - DECADE_MIN], decades[digits[2] - DECADE_MIN], decades[digits[3] - DECADE_MIN]);
  __m256d scaled = _mm256_mul_pd(_mm256_andnot_pd(_mm256_set1_pd(-0.0), _mm256_loadu_pd(values)), power);
  __m256d good = _mm256_cmp_pd(scaled, _mm256_set1_pd(0x1p39), _CMP_LT_OQ);
  scaled = _mm256_and_pd(scaled, good);
  __m256d whole = _mm256_round_pd(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256d off = _mm256_andnot_pd(_mm256_set1_pd(-0.0), _mm256_sub_pd(scaled, whole));
  good = _mm256_and_pd(good, _mm256_cmp_pd(off, _mm256_set1_pd(0.5 - 1e-4), _CMP_LT_OQ));
  __m256d upper = _mm256_floor_pd(_mm256_mul_pd(_mm256_add_pd(whole, _mm256_set1_pd(0.5)), _mm256_set1_pd(1e-8)));
  __m256d lower = _mm256_sub_pd(whole, _mm256_mul_pd(upper, _mm256_set1_pd(1e8)));
  __m256i upper8 = digits8_lanes(_mm256_cvtepu32_epi64(_mm256_cvttpd_epi32(upper)));
  __m256i lower8 = digits8_lanes(_mm256_cvtepu32_epi64(_mm256_cvttpd_epi32(lower)));
  _mm256_storeu2_m128i(&wholes[2], &wholes[0], _mm256_unpacklo_epi64(upper8, lower8));
  _mm256_storeu2_m128i(&wholes[3], &wholes[1], _mm256_unpackhi_epi64(upper8, lower8));
  *whole_set = (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(whole, _mm256_setzero_pd(), _CMP_GT_OQ));
  return (unsigned)_mm256_movemask_pd(good);
}

static void number_alone(struct text_number *number, double value, unsigned digits) {
  char local[NUMBER_ROOM] = {0};
  number->size = (uint32_t)fixed_write(local, value, digits);
  number->finite = __builtin_isfinite(value);
  memcpy(number->characters, local, sizeof number->characters);
}

void text_numbers_fixed(struct text_number *numbers, const double *values, const uint8_t *digits, unsigned count) {
  weft_assert(count % LANES == 0 && count <= TEXT_NUMBERS_MAX);
  __m128i wholes[TEXT_NUMBERS_MAX];
  uint64_t good = 0, set = 0;
  for (unsigned i = 0; i < count; i += LANES) {
    unsigned whole_set;
    good |= (uint64_t)wholes_make(values + i, digits + i, wholes + i, &whole_set) << i;
    set |= (uint64_t)whole_set << i;
  }
  for (unsigned i = 0; i < count; i++) {
    struct text_number *number = &numbers[i];
    if (!(good >> i & 1)) {
      number_alone(number, values[i], digits[i]);
      continue;
    }
    unsigned negative = (values[i] < 0) & (unsigned)(set >> i & 1); /* without a branch: a sign is foretold by nobody */
    number->characters[0] = '-';
    number->size = negative + (uint32_t)whole_layout(number->characters + negative, wholes[i], digits[i]);
    number->finite = true;
  }
}

void text_numbers_u64(struct text_number *numbers, const uint64_t *values, unsigned count) {
  weft_assert(count % 2 == 0 && count <= TEXT_NUMBERS_MAX);
  __m128i digits[TEXT_NUMBERS_MAX]; /* the last sixteen */
  uint64_t tops[TEXT_NUMBERS_MAX];
  for (unsigned i = 0; i < count; i += 2) {
    uint64_t upper0 = values[i] / base8, upper1 = values[i + 1] / base8;
    tops[i] = upper0 / base8;
    tops[i + 1] = upper1 / base8;
    __m256i eights = _mm256_set_epi64x((long long)(values[i + 1] - upper1 * base8), (long long)(upper1 - tops[i + 1] * base8),
                                       (long long)(values[i] - upper0 * base8), (long long)(upper0 - tops[i] * base8));
    _mm256_storeu_si256((__m256i *)(void *)&digits[i], digits8_lanes(eights));
  }
  for (unsigned i = 0; i < count; i++) {
    size_t used = tops[i] ? u64_write(numbers[i].characters, tops[i]) : 0;
    unsigned skipped = used ? 0 : (unsigned)__builtin_ctz(bytes_set(digits[i]) | 1u << 15);
    characters_write(numbers[i].characters + used, bytes_moved(digits[i], skipped));
    numbers[i].size = (uint32_t)used + 16 - skipped;
    numbers[i].finite = true;
  }
}

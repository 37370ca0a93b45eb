/* Bounded text builder with number formatting that depends on neither locale nor libc: equal values give equal bytes
 * everywhere. Text that does not fit is left out and remembered in `cut`. */
#ifndef WEFT_BASE_TEXT_H
#define WEFT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
  char *data;      /* borrowed */
  size_t capacity; /* bytes */
  size_t used;     /* bytes; no terminating zero is written */
  bool cut;        /* something did not fit; what is there is then not to be used */
  bool not_finite; /* a NaN or an infinity was to be written; 0 stands in its place */
};

struct text text_open(char *data, size_t capacity);

/* The three small ones are inline, so that a string known to the compiler is a few moves. */
static inline void text_bytes(struct text *text, const char *bytes, size_t size) {
  if (text->cut || size > text->capacity - text->used) {
    text->cut = true;
    return;
  }
  memcpy(text->data + text->used, bytes, size);
  text->used += size;
}

static inline void text_put(struct text *text, const char *string) { text_bytes(text, string, strlen(string)); }

static inline void text_char(struct text *text, char c) { text_bytes(text, &c, 1); }

void text_u64(struct text *text, uint64_t value);
void text_i64(struct text *text, int64_t value);
/* As printf("%.*f") in the C locale, rounded to nearest even of the exact value, but never "-0". `digits` 0 to 9; |value|
 * below 1e15, beyond it as text_general with 17 digits. */
void text_fixed(struct text *text, double value, unsigned digits);
/* As printf("%.*g") in the C locale, but 0 for -0. `digits` (significant) 1 to 17. */
void text_general(struct text *text, double value, unsigned digits);
/* `count` of them as a JSON array. */
void text_general_list(struct text *text, const double *values, unsigned count, unsigned digits);
/* Numbers made together, since each by itself waits for its own digits; `text_number` puts one where it belongs. */
enum { TEXT_NUMBER_BYTES = 32, TEXT_NUMBERS_MAX = 32 };
struct text_number {
  char characters[TEXT_NUMBER_BYTES]; /* `size` of them */
  uint32_t size;
  bool finite;
};
/* `count`, a multiple of four up to TEXT_NUMBERS_MAX, as text_fixed makes them, each with its own digits. */
void text_numbers_fixed(struct text_number *numbers, const double *values, const uint8_t *digits, unsigned count);

/* `count`, an even number up to TEXT_NUMBERS_MAX, as text_u64 makes them. */
void text_numbers_u64(struct text_number *numbers, const uint64_t *values, unsigned count);

static inline void text_number(struct text *text, const struct text_number *number) {
  if (!number->finite) text->not_finite = true;
  if (text->cut || text->capacity - text->used < TEXT_NUMBER_BYTES) {
    text_bytes(text, number->characters, number->size);
    return;
  }
  memcpy(text->data + text->used, number->characters, TEXT_NUMBER_BYTES);
  text->used += number->size;
}

/* A JSON string with its quotes. Bytes that are no valid UTF-8 become U+FFFD. */
void text_json(struct text *text, const char *string);

#endif

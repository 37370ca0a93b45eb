/* Numbers from text. */
#ifndef WEFT_BASE_DECIMAL_H
#define WEFT_BASE_DECIMAL_H

#include <stdint.h>

/* As strtod, to the bit and the end. Plain decimals of up to 19 digits, as recordings have, take no call of it. */
double decimal_double(const char *text, const char **end);
/* As strtoll to base 10, errno too. */
int64_t decimal_i64(const char *text, const char **end);

#endif

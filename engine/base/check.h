/* Three kinds of wrong: bad data is a verdict and a counter, bad environment a negative errno, bad program this. */
#ifndef WEFT_BASE_CHECK_H
#define WEFT_BASE_CHECK_H

/* Prints file, line and expression to stderr, then aborts. */
_Noreturn void weft_check_failed(const char *file, int line, const char *expression);

/* A broken invariant of the program itself. Stays on in release builds. */
#define weft_assert(expression) ((expression) ? (void)0 : weft_check_failed(__FILE__, __LINE__, #expression))

#endif

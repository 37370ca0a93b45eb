/* The clock that intervals are measured by: never set, unlike the receiver's. */
#ifndef WEFT_BASE_CLOCK_H
#define WEFT_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, ns. */
int64_t clock_monotonic_ns(void);

#endif

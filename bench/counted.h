/* How often memory was taken from malloc so far; linked or preloaded, counted.c stands before the C library's. */
#ifndef BENCH_COUNTED_H
#define BENCH_COUNTED_H

unsigned long counted_taken(void);

#endif

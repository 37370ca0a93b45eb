/* Seeded pseudo-random numbers for tests, the simulated network and the salvo generator; never used by the engine.
 * xoshiro256++ (Blackman, Vigna 2019), seeded by splitmix64. */
#ifndef WEFT_BASE_PRNG_H
#define WEFT_BASE_PRNG_H

#include <stdint.h>

struct prng {
  uint64_t s[4];
};

/* Streams with different (seed, stream) are independent for all practical purposes. */
struct prng prng_seed(uint64_t seed, uint64_t stream);
uint64_t prng_u64(struct prng *prng);
/* Uniform in [0, 1), 53 bits. */
double prng_uniform(struct prng *prng);
/* Uniform integer in [0, bound), bound > 0. */
uint64_t prng_below(struct prng *prng, uint64_t bound);
/* Standard normal (polar method; uses libm). */
double prng_normal(struct prng *prng);
/* Poisson with the given mean (0 to 1e6). */
uint64_t prng_poisson(struct prng *prng, double mean);

#endif

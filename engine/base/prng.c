#include "engine/base/prng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state) {
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

struct prng prng_seed(uint64_t seed, uint64_t stream) {
  uint64_t state = seed;
  uint64_t mixed = splitmix64(&state) ^ (stream * 0xd1342543de82ef95u);
  struct prng prng;
  for (int i = 0; i < 4; i++) prng.s[i] = splitmix64(&mixed);
  return prng;
}

static uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

uint64_t prng_u64(struct prng *prng) {
  uint64_t *s = prng->s;
  uint64_t result = rotate_left(s[0] + s[3], 23) + s[0];
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate_left(s[3], 45);
  return result;
}

double prng_uniform(struct prng *prng) { return (double)(prng_u64(prng) >> 11) * 0x1p-53; }

uint64_t prng_below(struct prng *prng, uint64_t bound) {
  uint64_t threshold = (0 - bound) % bound; /* rejects the few values that would bias the remainder */
  for (;;) {
    uint64_t value = prng_u64(prng);
    if (value >= threshold) return value % bound;
  }
}

double prng_normal(struct prng *prng) {
  for (;;) {
    double u = 2 * prng_uniform(prng) - 1, v = 2 * prng_uniform(prng) - 1;
    double s = u * u + v * v;
    if (s > 0 && s < 1) return u * sqrt(-2 * log(s) / s);
  }
}

uint64_t prng_poisson(struct prng *prng, double mean) {
  uint64_t total = 0;
  while (mean > 30) { /* a Poisson of a large mean is a sum of Poissons of smaller ones */
    total += prng_poisson(prng, 30);
    mean -= 30;
  }
  double limit = exp(-mean), product = prng_uniform(prng);
  while (product > limit) {
    product *= prng_uniform(prng);
    total++;
  }
  return total;
}

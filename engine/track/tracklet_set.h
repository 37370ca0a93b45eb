/* A set of tracklets by their places. */
#ifndef WEFT_TRACK_TRACKLET_SET_H
#define WEFT_TRACK_TRACKLET_SET_H

#include <stdbool.h>
#include <stdint.h>

enum { TRACKLETS_MAX = 2048, TRACKLET_WORDS = TRACKLETS_MAX / 64 };

struct tracklet_set {
  uint64_t words[TRACKLET_WORDS];
};

static inline void tracklet_set_put(struct tracklet_set *set, uint32_t place, bool in) {
  uint64_t bit = UINT64_C(1) << place % 64, *word = &set->words[place / 64];
  *word = in ? *word | bit : *word & ~bit;
}

static inline bool tracklet_set_has(const struct tracklet_set *set, uint32_t place) {
  return set->words[place / 64] >> place % 64 & 1;
}

/* The lowest member of both sets at `from` or above; TRACKLETS_MAX: none. A loop over a set gives it twice. */
static inline uint32_t tracklet_set_next(const struct tracklet_set *a, const struct tracklet_set *b, uint32_t from) {
  for (uint32_t word = from / 64, skip = from % 64; word < TRACKLET_WORDS; word++, skip = 0) {
    uint64_t rest = (a->words[word] & b->words[word]) >> skip;
    if (rest) return word * 64 + skip + (uint32_t)__builtin_ctzll(rest);
  }
  return TRACKLETS_MAX;
}

/* The lowest place that is not in it; TRACKLETS_MAX: none. */
static inline uint32_t tracklet_set_free(const struct tracklet_set *set) {
  for (uint32_t word = 0; word < TRACKLET_WORDS; word++) {
    if (~set->words[word]) return word * 64 + (uint32_t)__builtin_ctzll(~set->words[word]);
  }
  return TRACKLETS_MAX;
}

#endif

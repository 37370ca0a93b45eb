/* What may become a track: seeds that one object left, one after the other. A strand begins with any seed
 * that no track and no other strand wanted, and ends as a track or as clutter; its plots are in flight until
 * then. Straight flight with white acceleration (docs/maths.md, T9). */
#ifndef WEFT_TRACK_STRAND_H
#define WEFT_TRACK_STRAND_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"
#include "engine/domain/ledger.h"
#include "engine/track/birth.h"
#include "engine/track/calendar.h"
#include "engine/track/grid.h"
#include "engine/track/seed.h"

/* White acceleration that straight flight allows for, m^2/s^3; 2-D radars' strands less. */
#define STRAND_ACCEL_PSD 1500.0
/* Closer in time, two points say nothing of the speed, s. */
#define STRAND_PAIRING_MIN_S 0.15
enum {
  STRANDS_MIN = 1 << 16,
  STRANDS_TRACKS = 4, /* tracks to a strand, where that makes more than STRANDS_MIN */
  STRAND_SEEDS_MAX = 16,
  STRAND_MOMENT_MAX = 8, /* seeds of the first moment; what is left is for those that say how it moves */
  STRAND_NONE = UINT32_MAX
};

struct strand {
  double x[6],
      p[21]; /* position and velocity (ECEF, m, m/s) at time_ns; velocity is unknown before it is moving */
  double log_odds; /* of existence */
  double height_m; /* of its newest seed */
  int64_t time_ns; /* of its newest seed; of its first before it is moving */
  int64_t plot_ns[STRAND_SEEDS_MAX]; /* of its plots */
  uint16_t plot_sensors[STRAND_SEEDS_MAX]; /* index */
  uint32_t count;    /* of plots */
  uint32_t claim;    /* scratch of one scan: first seed that lay within its gate */
  uint32_t claims;   /* ... and how many did; 0 between scans */
  bool flat;         /* of 2-D radars alone */
  bool moving;       /* its seeds lie so far apart in time that they say something of its velocity */
  double claim_best; /* scratch of one scan: value of the likeliest seed for it */
  uint32_t rivals;   /* most strands that laid claim to a seed of its, or seeds to it, in one scan, but one */
};

struct strands {
  struct strand *strands; /* capacity */
  struct grid grid;       /* by place of the newest seed */
  struct calendar expiry;
  uint32_t *free_slots, free_count, high, capacity;
};

struct tracker;

/* Strands that wait at the same time beside so many tracks. A world with more tracks brings more false plots a second, each of
 * which waits a look for another one: with too few strands what is new ends as clutter before it is seen again. */
uint32_t strands_capacity(uint32_t tracks_max);
/* -ENOMEM when the arena is too small; strands_bytes says how much it takes at most. */
int strands_open(struct strands *strands, struct arena *arena, uint32_t tracks_max);
size_t strands_bytes(uint32_t tracks_max);
void strands_image(struct strands *strands, struct image *image);
/* Begins a strand with a seed; where all places are taken, the strand due to expire first ends as clutter. */
void strand_begin(struct tracker *tracker, const struct seed *seed);
/* Takes a strand out and books its plots. */
void strand_end(struct tracker *tracker, uint32_t slot, enum fate fate);
/* Gives it the state that strand_extend made of it, with its place in the index and its new term. */
void strand_grow(struct tracker *tracker, uint32_t slot, const struct strand *grown);
/* Ends as clutter what has waited for longer than its sensors' looks allow. */
void strands_expire(struct tracker *tracker, int64_t now_ns);

/* The strand with one seed more, `pd` the detection probability of its sensor: prediction to its time, update
 * by its point. Where the velocity is still unknown two priors are mixed: anything physical; just
 * launched from below. *evidence: ln of how much likelier the seed is as the strand's
 * than as a false plot. False where the point lies outside the gate; `out` NULL: only the
 * evidence is wanted. */
bool strand_extend(const struct strand *strand, const struct seed *seed, double pd, struct strand *out,
                   double *evidence);

#endif

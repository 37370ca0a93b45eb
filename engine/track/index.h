/* Where the tracks are, in the sensors' own terms: one grid in space for what has a range, and for every
 * line-of-sight sensor one grid of directions. An entry is good for measurement times within INDEX_REACH_NS
 * of the time it was made for; a track's entry is renewed when that time runs out. A plot that moves it moves the entry only where the track
 * is no longer about where the entry takes it to be. */
#ifndef WEFT_TRACK_INDEX_H
#define WEFT_TRACK_INDEX_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/parallel.h"
#include "engine/track/grid.h"
#include "engine/track/plot.h"
#include "engine/track/store.h"

#define INDEX_REACH_NS 1000000000
/* How far a track may come to be from where its entry took it to be, anywhere within its reach. */
#define INDEX_OFF_MAX_M 300.0
/* Until when an entry is good has no last bit; whoever keeps that time may mark it. */
#define INDEX_UNTIL_MARK INT64_C(1)
enum { INDEX_LOS_MAX = 32, CANDIDATES_MAX = 32 };

/* A line-of-sight sensor as its grid of directions sees it, at the time that entries are made for. */
struct index_eye {
  double site_m[3]; /* ECEF */
  double motion_m;  /* how far it moves within the index's reach */
};

/* What the coarse gate asks of a track, in one line of memory: its summary (struct track) as of its last entry. */
struct index_sight {
  double position_m[3]; /* ECEF */
  float velocity_mps[3], acceleration_mps2[3];
  float sigma_position_m; /* below 0: the track is parked and takes no plot */
  float sigma_velocity_mps;
  int64_t time_ns;
};

struct track_index {
  struct index_sight *sights; /* per slot */
  float *off_m;               /* per slot: how far the track may be from where its entry takes it to be */
  struct grid space;
  struct grid directions[INDEX_LOS_MAX];
  uint32_t los_sensor[INDEX_LOS_MAX];        /* sensor index of each grid of directions */
  uint16_t grid_of_sensor[SITE_SENSORS_MAX]; /* the other way; INDEX_LOS_MAX if none */
  uint32_t los_count;
  struct index_eye eyes[INDEX_LOS_MAX];
  int64_t time_ns; /* entries are made for measurement times around this one */
  uint64_t *places; /* per slot: its keys in all grids */
  uint64_t *keys;   /* of a batch of tracks: where each belongs, grid by grid; 0: where it is */
  const struct store *store;
};

/* Bytes of arena that track_index_open takes at most. */
size_t track_index_bytes(const struct site *site, uint32_t tracks_max);
/* -E2BIG when the site has more line-of-sight sensors than INDEX_LOS_MAX, -ENOMEM. */
int track_index_open(struct track_index *index, struct arena *arena, const struct site *site,
                     const struct store *store);
/* Entries are made for measurement times around time_ns from now on. */
void track_index_at(struct track_index *index, const struct site *site, const struct sensor_motion *motion, int64_t time_ns);
/* (Re)enters a track. */
void track_index_put(struct track_index *index, uint32_t slot);
/* The same for many: where they belong is found in parallel, and they are put there in their order. Until when slot i's entry is good stands in
 * until_ns[i * stride] and is told there anew, without the mark; an entry that is for some time yet, and of a track that is still about there,
 * stays. */
void track_index_put_all(struct track_index *index, const struct parallel *parallel, const uint32_t *slots, uint32_t count, int64_t *until_ns,
                         uint32_t stride);
void track_index_remove(struct track_index *index, uint32_t slot);
void track_index_image(struct track_index *index, struct image *image);

struct candidates {
  uint32_t count;
  uint32_t evaluated; /* gate evaluations: tracks tested one by one */
  uint32_t overflow;  /* tracks inside the coarse gate that found no place: the farthest ones */
  uint32_t slots[CANDIDATES_MAX]; /* ascending */
};

/* Tracks near enough to each of some plots to deserve the kernels, by a coarse test on their summaries. `reference_ns` is
 * the time that the index entries are around: plots farther from it than INDEX_REACH_NS widen their own box.
 */
void track_index_find(const struct track_index *index, const struct plot *plots, uint32_t count, int64_t reference_ns,
                      struct candidates *out);

#endif

/* The tracks: one record each, in one array that never moves. Written by the tracker's serial parts, or by
 * index in its parallel loops; nobody outside engine/track sees a record. */
#ifndef WEFT_TRACK_STORE_H
#define WEFT_TRACK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"
#include "engine/domain/report.h"
#include "kernels/wk.h"

enum { TRACK_LOOKS_MAX = 12, TRACK_APART_MAX = 4, TRACK_NONE = UINT32_MAX };
enum track_bank { BANK_BALLISTIC = 1, BANK_AIRCRAFT = 2 };

/* One sensor's opportunities to see a track; which sensor's: look_sensor. */
struct look {
  int64_t last_hit_ns; /* measurement time of the newest detection used, INT64_MIN if none */
  int64_t judged_ns;   /* newest scan that an uncertain association took the chance of a miss from, or
                          INT64_MIN */
  int64_t next_ns;     /* a detection is expected by this time; else a miss is charged */
};

/* Another track near this one that one sensor saw beside it in one scan: for some scans nobody takes the two
 * for one. */
struct apart {
  uint64_t number; /* 0 = none */
  int64_t until_ns;
};

struct track {
  /* Summary of the mixture at time_ns, for gating and geometry only (never emitted): ECEF, SI. First, with what else is asked of a track
   * by itself, in two lines of memory. */
  _Alignas(64) double position_m[3];
  double velocity_mps[3];
  double sigma_position_m, sigma_velocity_mps; /* root of the covariance block's trace */
  int64_t time_ns; /* when the state is valid: newest detection used, or later after an advance */
  int64_t newest_ns; /* newest detection used */
  int64_t first_ns;  /* measurement time of the first detection */
  uint64_t number;   /* track number */
  uint64_t continues; /* number of the ended track that this one is the continuation of, 0 = none */
  float acceleration_mps2[3];
  float height_m;     /* above the ellipsoid */
  uint8_t parked;  /* long silent and not to be told from another by one plot: takes none, and misses none */
  uint8_t banks;   /* enum track_bank: which still take part */
  uint8_t alive, status, class_, phase; /* phase: where the class is known */
  uint8_t told;    /* the filter has left the moments of its bank, as that is now, for its next line (struct filter) */
  uint8_t silent;  /* it may be among those that have long been silent (stitch.h); without, it is not */

  _Alignas(64) double bank[WK_TRACK_ELEMENTS]; /* IMM state of both banks at time_ns: see kernels/wk.h */

  /* One line with what every plot that is booked changes, and whose looks there are. */
  _Alignas(64) int64_t arrival_ns; /* of the newest detection in this frame; feeds latency figures only */
  double innovation2;    /* sum over this frame's detections of the normalised innovations squared */
  uint32_t innovation_components; /* and what they are sums of; 0 none */
  uint32_t detections; /* used so far */
  double log_odds;       /* ln(r / (1 - r)), r the existence probability */
  double class_log_odds; /* ln(P(ballistic) / P(aircraft)) */
  uint64_t history;      /* place of its newest entry in the history, 0 = none */
  uint8_t look_sensors[TRACK_LOOKS_MAX]; /* of the looks in use: index. Looked through before any look is */
  uint16_t looks_used;   /* bit by bit */
  struct look looks[TRACK_LOOKS_MAX];
  uint64_t sensors[SENSOR_WORDS]; /* bit by bit, whose detections it has used */
  struct apart apart[TRACK_APART_MAX];
};

enum { TRACK_BYTES = 2048 }; /* so that a page of memory holds two and none lies on two pages, each of which would be looked up */
_Static_assert(sizeof(struct track) == TRACK_BYTES, "a track record is half a page");
_Static_assert(offsetof(struct track, looks) == offsetof(struct track, arrival_ns) + 64, "what is booked together lies together");
_Static_assert(SITE_SENSORS_MAX <= UINT8_MAX + 1, "a look's sensor has 8 bits");

struct store {
  struct track *tracks; /* capacity records; the first begins with a half page */
  uint32_t capacity;
  uint32_t high; /* slots ever used */
  uint32_t live;
  uint32_t *free_slots; /* stack of slots below `high` that are free */
  uint32_t free_count;
  uint64_t next_number;
};

/* Returns -ENOMEM when the arena is too small. Numbers begin at number_base + 1. */
int store_open(struct store *store, struct arena *arena, uint32_t capacity, uint64_t number_base);
/* A fresh record (number given, everything else 0), or TRACK_NONE when all are taken. Lowest free slot is not
 * promised, the same slot for the same history is. */
uint32_t store_take(struct store *store);
void store_give(struct store *store, uint32_t slot);
/* The store as bytes: what lives, and in which order slots will be given. */
void store_image(struct store *store, struct image *image);

/* Whether the track has a look there. */
static inline bool look_used(const struct track *track, int place) { return track->looks_used >> place & 1; }
/* The sensor that a look in use is of. */
static inline uint32_t look_sensor(const struct track *track, const struct look *look) {
  return track->look_sensors[look - track->looks];
}
/* The look entry of a sensor, or NULL. */
struct look *track_look(struct track *track, uint32_t sensor);
const struct look *track_look_read(const struct track *track, uint32_t sensor);
/* The same, made if missing; the stalest entry is replaced when all are taken. */
struct look *track_look_take(struct track *track, uint32_t sensor);
/* Asks for the look that a booked plot of a sensor will change; the line of look_sensors is at hand. */
void track_look_fetch(const struct track *track, uint32_t sensor);
/* P(ballistic). */
double track_ballistic_probability(const struct track *track);
/* Existence probability r, of log-odds and of a track. */
double existence_of(double log_odds);
double track_existence(const struct track *track);
/* Unmodelled acceleration that the gate must forgive. */
#define TRACK_MANOEUVRE_MPS2 30.0
/* Position at another time by the summary's constant acceleration; for gating over a few seconds. ECEF m. */
void track_extrapolate(const struct track *track, int64_t time_ns, double position_m[3]);
/* The radius (m) of one sigma of position at another time, from the summary. */
double track_sigma_at(const struct track *track, int64_t time_ns);
/* The same dt_s seconds, of either sign, after the sigmas (m, m/s). */
static inline double track_sigma_after(double position_m, double velocity_mps, double dt_s) {
  double dt = __builtin_fabs(dt_s);
  return position_m + dt * (velocity_mps + 0.25 * TRACK_MANOEUVRE_MPS2 * dt);
}

#endif

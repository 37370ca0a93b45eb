/* A world for benches: many bodies on ballistic arcs above the air, radars and infrared sensors of three nations that look at
 * them, and false plots. Its own free fall (J2, the Earth's rotation), shared with nothing of the engine. Made moment by moment,
 * so that it may go on for ever; the same options give the same world. */
#ifndef BENCH_COAST_H
#define BENCH_COAST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/domain/detection.h"

enum { COAST_RADARS = 9, COAST_EYES = 3, COAST_SENSORS = COAST_RADARS + COAST_EYES, COAST_SLOTS = 100 };
#define COAST_EPOCH_NS INT64_C(1700000000000000000)

struct coast_options {
  uint32_t objects;
  double cap_rad;         /* they fly above this cap of the Earth: half its opening angle */
  double radar_height_m;  /* 0: on the ground; high above it they see all of a wide cap */
  double radar_revisit_s; /* the eyes' is four times that */
  double false_share;     /* of all plots, 0 to 0.9 */
  double begin_s;         /* objects come into being evenly within this time */
  uint64_t seed;
};

/* One sensor's plots within a hundredth of its scan, in order of time. */
struct coast_slot {
  uint32_t sensor; /* index */
  uint32_t count;
  double end_s; /* of the slot, after the epoch */
  const struct detection *plots;
};

struct coast;

/* NULL when there is no memory. */
struct coast *coast_open(const struct coast_options *options);
/* The next slot of all sensors' in order of their beginnings; good until the next call. */
void coast_next(struct coast *coast, struct coast_slot *slot);
/* The site as YAML. */
void coast_site_write(const struct coast *coast, FILE *out);
uint32_t coast_sensor_id(uint32_t sensor);
/* Position (m) and velocity (m/s), ECEF, of an object at a time at most two seconds from the newest slot's. False where it has
 * not begun. */
bool coast_state(const struct coast *coast, uint32_t object, int64_t time_ns, double state[6]);
void coast_close(struct coast *coast);

#endif

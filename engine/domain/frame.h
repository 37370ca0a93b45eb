/* A frame: everything that one engine_step depends on. Built by ingest (live or from a recording) or read
 * from a journal; the step only reads it. Columns are parallel arrays of `capacity` entries, `count` of them
 * used, already in their total order (sensor index, restart count, sequence, index in datagram). */
#ifndef WEFT_DOMAIN_FRAME_H
#define WEFT_DOMAIN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/detection.h"
#include "engine/domain/foreign_track.h"

enum { FRAME_DETECTIONS_MAX = 1 << 16, FRAME_STATES_MAX = 1024, FRAME_FOREIGN_MAX = 512 };
#define FRAME_SILENCE_NS 250000000 /* an empty frame whenever this long passes without one */

enum sensor_status { SENSOR_UP = 0, SENSOR_DEGRADED = 1, SENSOR_DOWN = 2 };

/* Sensor state, wire type 2. */
struct sensor_state {
  int64_t time_ns;
  uint64_t sequence;
  uint32_t sensor;        /* index into site.sensors */
  uint32_t status;        /* enum sensor_status */
  double position_m[3];   /* ECEF */
  double velocity_mps[3]; /* ECEF; all zero = unknown */
};

struct frame {
  uint64_t number; /* 1, 2, 3 ... */
  int64_t time_ns; /* live: receiver's clock at closing; recorded: running maximum of measurement time. Never
                      decreases from frame to frame. */
  uint32_t overload_step; /* engine/domain/overload.h; 0 = none */
  uint32_t count, capacity;
  uint32_t state_count;
  struct sensor_state *states; /* FRAME_STATES_MAX, in order of (sensor, sequence) */
  uint32_t foreign_count;
  struct foreign_track *foreign; /* FRAME_FOREIGN_MAX lines of other centres, in order of arrival; not journalled: only
                                    `fuse` reads such files, and a journal is written by `run` alone */
  const struct foreign_names *foreign_names; /* what they name; lives as long as the input. NULL where none came */
  /* columns, see struct detection */
  int64_t *time_of_ns;
  uint64_t *sequence;
  uint32_t *sensor;
  uint16_t *index;
  uint8_t *kind;
  uint16_t *valid;
  float *snr_db;
  double (*measure)[4];
  float (*sigma)[4];
  double (*platform_m)[3];
  int64_t *arrival_ns; /* not journalled */
};

/* Takes the columns for `capacity` detections (1 to FRAME_DETECTIONS_MAX), FRAME_STATES_MAX states and
 * FRAME_FOREIGN_MAX lines of other centres from the arena; the frame is empty. 0, or -ENOMEM. frame_bytes says how much that is. */
int frame_open(struct frame *frame, struct arena *arena, uint32_t capacity);
size_t frame_bytes(uint32_t capacity);

/* No entries, number, time and overload step 0; the columns stay. */
void frame_reset(struct frame *frame);

/* Writes a detection at the end, reads one back; there must be room, `at` must be below count. */
void frame_append(struct frame *frame, const struct detection *detection);
void frame_detection(const struct frame *frame, uint32_t at, struct detection *detection);

/* Copies everything, arrival times too. `to` must have the capacity. */
void frame_copy(struct frame *to, const struct frame *from);

/* The same in everything that a step depends on (not arrival times), bit for bit. */
bool frame_equal(const struct frame *a, const struct frame *b);

#endif

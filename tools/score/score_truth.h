/* The truth (docs/scoring.md, contract section 7) and what the sensors saw of it (section 3, column `truth`).
 */
#ifndef WEFT_SCORE_TRUTH_H
#define WEFT_SCORE_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/score/score_earth.h"
#include "tools/score/score_text.h"

struct truth_point {
  int64_t time_ns;
  double position_m[3], velocity_mps[3]; /* ECEF */
  uint32_t target;
  uint32_t line; /* of the file, for messages */
  uint8_t class, phase;
};

struct truth_target {
  size_t first, count; /* its points, by time */
  uint8_t class;
  bool impact_known;
  struct place impact; /* height 0 */
  int64_t impact_ns;
  bool launch_known; /* the truth starts at the launch: ballistic, in boost, near the ground */
  struct place launch;
  int64_t burn_out_ns; /* first point after the last in boost; INT64_MAX unknown */
  int64_t
      detected_ns; /* first detection by any sensor; INT64_MAX never; the truth's start without detections */
  int64_t due_ns;  /* from here on a track is owed: the fifth detection by one sensor, or the truth's start */
  int64_t unseen_ns; /* last detection by any sensor, or the truth's end */
};

struct truth {
  struct names names; /* of targets */
  struct truth_point *point;
  size_t point_count, point_capacity;
  struct truth_target *target; /* names.count */
  int64_t first_ns, last_ns;
  bool detections_read;
  int64_t detections, detections_clutter,
      detections_unknown; /* read; without a truth; with one that isn't known */
};

struct truth_state {
  double position_m[3], velocity_mps[3];
  uint8_t class, phase;
};

/* Reads the CSV. 0, or a negative errno with file and line. */
int truth_read(struct truth *truth, const char *path, struct weft_error *err);
/* Reads a detection CSV for the columns time_ns, sensor and truth, and sets detected, due and unseen times. A
 * target becomes due with its `due_count`-th detection by one sensor. */
int truth_detections_read(struct truth *truth, const char *path, int due_count, struct weft_error *err);
/* The target's state by cubic Hermite interpolation. False outside its life. */
bool truth_at(const struct truth *truth, size_t target, int64_t time_ns, struct truth_state *state);
/* The state carried on along its velocity where the target's last point lies at most its own last interval
 * before the end of the whole truth and before the time, and its impact, if known, after it: a flight that
 * the end of the run has cut off, between two of its points. */
bool truth_hold(const struct truth *truth, size_t target, int64_t time_ns, struct truth_state *state);
void truth_free(struct truth *truth);

#endif

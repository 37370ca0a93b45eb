/* A track file: JSON lines as in section 6 of the contract, of one or more centres. */
#ifndef WEFT_SCORE_TRACKS_H
#define WEFT_SCORE_TRACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/score/score_earth.h"
#include "tools/score/score_text.h"

enum track_status { STATUS_TENTATIVE, STATUS_CONFIRMED, STATUS_LOST };

/* A stated place and time with its one-standard-deviation ellipse: an impact or a launch. */
struct forecast {
  struct place place;
  int64_t time_ns;
  double time_sigma_s, semi_major_m, semi_minor_m, orientation_deg; /* NAN where absent */
  double probability;
};

struct track_line {
  int64_t time_ns;
  double position_m[3], velocity_mps[3]; /* ECEF */
  double covariance[21];                 /* upper triangle by rows, position then velocity, SI */
  int32_t impact, launch;                /* index into forecasts, -1 absent */
  uint32_t track;
  uint8_t status, class, phase;
  bool velocity_known, covariance_known;
  float nis; /* normalised innovation squared of the detections used, NAN absent */
  uint16_t nis_dof;
};

struct track {
  size_t first, count;  /* its lines, by time */
  int64_t confirmed_ns; /* first confirmed line; INT64_MAX never */
  int64_t lost_ns;      /* its lost line; INT64_MAX never */
};

struct tracks {
  struct names names; /* "CENTRE/NUMBER" */
  struct track_line *line;
  size_t line_count, line_capacity;
  struct track *track; /* names.count */
  int32_t *continues;  /* names.count: the track that this one says it continues, -1 none */
  size_t continues_capacity;
  int64_t continues_unknown; /* lines that continue a track of which the file has no line before */
  struct forecast *forecast;
  size_t forecast_count, forecast_capacity;
  double *latency_us;
  size_t latency_count, latency_capacity;
  int64_t missed; /* sum of the {"missed":N} lines */
  int64_t missed_lines;
};

/* Reads the file. A line that is no track line is refused with file and line: -EINVAL. */
int tracks_read(struct tracks *tracks, const char *path, struct weft_error *err);
/* The newest line of the track not after `time_ns`, or NULL. */
const struct track_line *track_newest(const struct tracks *tracks, size_t track, int64_t time_ns);
/* The state of a line carried to `time_ns`: ballistic and orbital tracks fall freely unless in boost, all
 * others keep their velocity. The velocity is 0 where the line has none. */
void track_carry(const struct track_line *line, int64_t time_ns, double position_m[3],
                 double velocity_mps[3]);
void tracks_free(struct tracks *tracks);

#endif

/* What a sensor covers, made ready for many questions: the bounds of its stated coverage as sines and cosines, and where it stands at
 * the time asked about. */
#ifndef WEFT_TRACK_COVERAGE_H
#define WEFT_TRACK_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/track/plot.h"

struct coverage {
  double site_m[3], enu[9];           /* ECEF; rows as struct sensor has them */
  double range2_m2[2];                /* least and greatest, squared */
  double elevation_sine[2];           /* least and greatest */
  double azimuth_sine[2], azimuth_cosine[2]; /* clockwise from the first to the second */
  double site_above_m2;               /* squared distance of the site from the Earth's centre less that of its surface (coverage.c) */
  bool ranges_only;                   /* of a sensor that measures positions */
  bool all_round, beyond_half;        /* azimuths: all; more than 180 degrees of them */
};

/* The bounds; coverage_at must follow. */
void coverage_open(struct coverage *coverage, const struct sensor *sensor);
/* Seen from where the sensor is at `time_ns` from now on. */
void coverage_at(struct coverage *coverage, const struct sensor *sensor, const struct sensor_motion *motion, int64_t time_ns);
/* True when the position (ECEF, m) lies inside the sensor's stated coverage and the Earth is not in between. */
bool coverage_holds(const struct coverage *coverage, const double position_m[3]);

#endif

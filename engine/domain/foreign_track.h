/* Another centre's tracks as its track lines state them, and the names that these lines use. Written by
 * ingest, read by the tracker and by emit. */
#ifndef WEFT_DOMAIN_FOREIGN_TRACK_H
#define WEFT_DOMAIN_FOREIGN_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/site.h"

enum { FOREIGN_CENTRES_MAX = 8, FOREIGN_NATIONS_MAX = 32, FOREIGN_SENSORS_MAX = 32 };

/* Only ever grows; a line that would need a place beyond the bounds is refused (centre) or says so (nation).
 */
struct foreign_names {
  uint32_t centre_count, nation_count;
  char centres[FOREIGN_CENTRES_MAX][SITE_NAME_MAX];
  char nations[FOREIGN_NATIONS_MAX][SITE_NAME_MAX];
};

/* One line of another centre. */
struct foreign_track {
  int64_t time_ns;       /* when the state is valid */
  int64_t first_time_ns; /* measurement time of its first detection */
  uint64_t track;        /* number at its centre */
  uint64_t detections;
  uint32_t centre;                       /* index into foreign_names.centres */
  uint32_t nations;                      /* bit per index into foreign_names.nations */
  uint32_t sensors[FOREIGN_SENSORS_MAX]; /* ids, ascending */
  uint8_t sensor_count;
  bool sensors_more, nations_more; /* it names more than there is room for */
  uint8_t status, class_, phase;   /* as in report.h */
  bool has_phase;
  double existence, phase_probability[3];
  double position_m[3], velocity_mps[3]; /* ECEF */
  double covariance[21];                 /* upper triangle by rows, SI; positive definite */
};

#endif

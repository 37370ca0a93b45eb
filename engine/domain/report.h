/* What a step says of a track: the content of one track line, and the step's output as a whole. Written by
 * the tracker, read by emit. */
#ifndef WEFT_DOMAIN_REPORT_H
#define WEFT_DOMAIN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/foreign_track.h"
#include "engine/domain/site.h"

enum track_status { STATUS_TENTATIVE, STATUS_CONFIRMED, STATUS_LOST };
enum track_class { CLASS_UNKNOWN, CLASS_BALLISTIC, CLASS_AIRCRAFT, CLASS_ORBITAL };
enum track_phase { PHASE_BOOST, PHASE_COAST, PHASE_REENTRY, PHASE_CRUISE };
extern const char *const track_status_names[];
extern const char *const track_class_names[];
extern const char *const track_phase_names[];

/* What a stated impact can be taken back for (docs/maths.md W12). */
enum retraction { RETRACTION_CLASS, RETRACTION_STAYS_UP, RETRACTION_AREA, RETRACTION_MOVED, RETRACTIONS };
extern const char *const retraction_names[];

enum { SENSOR_WORDS = SITE_SENSORS_MAX / 64, REPORT_REGIONS_MAX = 8 };

/* A place on the ellipsoid and a moment, both uncertain. The ellipse is one standard deviation of the
 * moment-matched Gaussian. */
struct ground_estimate {
  double lat_deg, lon_deg;
  int64_t time_ns;
  double time_sigma_s;
  double semi_major_m, semi_minor_m;
  double orientation_deg; /* of the major axis, clockwise from north, 0 to 180 */
};

struct impact_estimate {
  struct ground_estimate ground;
  double probability; /* of coming down at all */
  double shares[REPORT_REGIONS_MAX];    /* that it comes down in these named areas, likeliest first */
  uint16_t regions[REPORT_REGIONS_MAX]; /* their numbers, by which the site has their names */
  uint32_t region_count;
};

enum { REPORT_CORRELATED_MAX = 4 };

/* A track of another centre that is the same object. */
struct correlated_track {
  uint32_t centre; /* index into names */
  uint64_t track;
};

/* What ties a track to those of other centres. */
struct foreign_ties {
  const struct foreign_names *names;
  const struct foreign_track *source; /* it is another centre's track that none of ours is; NULL: it is ours */
  uint32_t correlated_count;
  struct correlated_track correlated[REPORT_CORRELATED_MAX]; /* in order of centre, then number */
};

struct track_report {
  int64_t time_ns;               /* when the state is valid */
  uint64_t track;                /* number, unique per centre for ever */
  uint64_t continues;            /* number of the ended track that this one goes on from; 0 = none */
  double position_m[3];          /* ECEF, mean of the whole mixture */
  double velocity_mps[3];
  double covariance[21];             /* upper triangle by rows, position then velocity, SI */
  double lat_deg, lon_deg, height_m; /* WGS-84 of position_m */
  double existence;                  /* probability */
  double phase_probability[3];       /* boost, coast, reentry; class ballistic and orbital only */
  uint64_t sensors[SENSOR_WORDS];    /* bit per sensor index whose detections this track used */
  uint64_t detections;               /* used so far */
  double innovation2; /* sum over this frame's detections of the normalised innovations squared; of innovation_components */
  int64_t first_time_ns;             /* measurement time of its first detection */
  int64_t arrival_ns;          /* of its newest detection in this frame, 0 if none; only for latency_us */
  struct ground_estimate launch;
  uint64_t event;          /* number of the event that the launch belongs to, 0 = none yet */
  struct impact_estimate impact;
  const struct foreign_ties *ties; /* NULL: none; good until the next step */
  const double *bank; /* the tracker's IMM record of this track (kernels/wk.h), good until the next step; for
                         warn only */
  uint32_t slot;      /* index of that record, below the tracker's capacity, or that and foreign_max together */
  uint32_t innovation_components; /* of innovation2; 0: there is none to state */
  uint32_t event_launches;        /* launches of that event so far */
  uint8_t status, phase, class_;  /* enums above */
  bool has_phase;                 /* phase and phase_probability apply (not for class unknown) */
  bool has_launch, has_impact;    /* written by warn; class ballistic only */
};

struct step_output {
  uint64_t frame;
  int64_t frame_time_ns;
  uint32_t overload_step; /* the frame's */
  uint32_t count, capacity;
  uint32_t waiting; /* tracks that changed and have their lines in the next frame */
  struct track_report *reports; /* ordered by track number */
};

#endif

/* A detection made ready for the tracker: measurement space, the sensor's place and axes at that moment, and
 * for what has a range the point in ECEF with its covariance. */
#ifndef WEFT_TRACK_PLOT_H
#define WEFT_TRACK_PLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/domain/frame.h"
#include "engine/domain/site.h"
#include "kernels/wk.h"

enum { STATE_HISTORY = 16 };

/* Where moving sensors are: the newest states of each, as they came in. Owned by the tracker, written at the
 * start of a step, read by its parallel parts. */
struct sensor_motion {
  struct sensor_state history[STATE_HISTORY]; /* ring, `count` states ever put in */
  uint64_t count;
};

struct plot {
  double z[4], variance[4]; /* as struct wk_measure_block */
  double site_m[3], site_velocity_mps[3], enu[9];
  double point_m[3];          /* ECEF, where has_point */
  double point_covariance[6]; /* packed 3 x 3, m^2 */
  double direction[3];        /* unit vector from the sensor in ECEF, for lines of sight */
  double log_clutter_density; /* ln of expected false plots per scan and unit of the present measurement
                                 components (clutter.h) */
  double range_m,
      sigma_cross_m; /* for the coarse gate: distance from the sensor and largest cross-range sigma */
  int64_t time_ns, arrival_ns; /* arrival: for latency figures only */
  uint32_t sensor;
  uint8_t kind;    /* enum wk_kind */
  uint8_t present; /* bit per component of z */
  bool has_point, height_assumed;
};

/* Notes a sensor's state. Older than what is known is kept too, in order of arrival. */
void sensor_motion_note(struct sensor_motion *motion, const struct sensor_state *state);
/* Place and velocity of a sensor at a time: the newest state not after it, extrapolated; before any state, or
 * when every known one is later, the configured position (ECEF, m, m/s). */
void sensor_motion_at(const struct sensor_motion *motion, const struct sensor *sensor, int64_t time_ns,
                      double position_m[3], double velocity_mps[3]);
/* Status of the newest state, SENSOR_UP before any. */
uint32_t sensor_motion_status(const struct sensor_motion *motion);

/* Fills a plot from row `i` of a frame, all but its clutter density. `motion` has one entry per sensor of the site. */
void plot_align(struct plot *plot, const struct site *site, const struct sensor_motion *motion,
                const struct frame *frame, uint32_t i);

/* Axes (ECEF) of a sensor at a place: east, north, up there; for lines of sight in ECEF axes the rows y, x, z. */
void plot_axes(const struct sensor *sensor, const double position_m[3], bool ecef_axes, double enu[9]);

#endif

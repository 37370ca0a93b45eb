/* The motion of a burning object through lines of sight: position, velocity and acceleration at an epoch
 * (ECEF, SI), Gaussian, estimated line by line in any order of time (docs/maths.md T10). */
#ifndef WEFT_TRACK_LOS_FIT_H
#define WEFT_TRACK_LOS_FIT_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/wk.h"

enum { FIT_N = 9 };

/* A line of sight: unit vectors along it, towards growing azimuth and towards growing elevation. */
struct ray {
  double site_m[3], direction[3], across[2][3];
  double variance[2]; /* rad^2, of the directions across */
  double log_density; /* ln of false lines per scan and steradian */
  int64_t time_ns, arrival_ns;
  uint32_t sensor;
};

struct los_fit {
  double x[FIT_N], p[WK_PACKED(FIT_N)];
  int64_t epoch_ns;
};

/* The first line, at its own time: somewhere around distance_m (one sigma depth_m), any direction of flight.
 */
void los_fit_begin(struct los_fit *fit, const struct ray *ray, double distance_m, double depth_m,
                   double speed_sigma_mps);
/* One more line. *log_likelihood: ln of its density per steradian given the lines before; *distance2: its
 * squared Mahalanobis distance, 2 degrees of freedom. False where the object would be behind the sensor (fit unchanged), and,
 * known before most of the work is done, where that distance is above distance2_max (fit half done). */
bool los_fit_line(struct los_fit *fit, const struct ray *ray, double distance2_max, double *log_likelihood,
                  double *distance2);
/* Whether los_fit_line may take the line within distance2_max: false only where it certainly would not, by a bound of what it has to
 * work out, at a tenth of the time. */
bool los_fit_near(const struct los_fit *fit, const struct ray *ray, double distance2_max);
/* The fit at another time, with what a changing thrust adds on the way. */
void los_fit_at(const struct los_fit *fit, int64_t time_ns, double x[FIT_N], double p[WK_PACKED(FIT_N)]);

#endif

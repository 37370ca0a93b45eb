/* A cloud of bodies thrown forward (or backward) to the ground, and what their arrivals amount to:
 * docs/maths.md W5 to W8. One uncertain dimension that bends the answer (drag, or the burn that remains) is a
 * quadrature of weighted main points; the others are pairs one sigma either side of the centre. Internal to
 * engine/warn. */
#ifndef WEFT_WARN_CLOUD_H
#define WEFT_WARN_CLOUD_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/domain/report.h"
#include "kernels/wk.h"

enum { CLOUD_BLOCKS = 5, CLOUD_POINTS = CLOUD_BLOCKS * WK_LANES, CLOUD_MAINS = 16 };
#define CLOUD_CENTRE_NONE UINT32_MAX
#define CLOUD_LIMIT_S 7200.0 /* longer flights count as not coming down */

/* One body at its start: ECEF, SI; fields as in struct wk_fall_block. */
struct fall_start {
  double position_m[3], velocity_mps[3];
  double log_drag;
  double burn_s[WK_FALL_BURNS], thrust_mps2[WK_FALL_BURNS], exhaust_mps[WK_FALL_BURNS];
  double pitch, side;
};

struct cloud {
  uint32_t mains, pairs;
  uint32_t centre; /* the main point that the pairs lie about, or CLOUD_CENTRE_NONE: none of them */
  bool straight;   /* the pairs' second differences are left out */
  double weight[CLOUD_MAINS];            /* of the main points, sum 1 */
  struct fall_start start[CLOUD_POINTS]; /* mains, then the pairs: plus, minus, plus, minus ... */
  double position_m[CLOUD_POINTS][3];    /* results */
  double time_s[CLOUD_POINTS];
  bool down[CLOUD_POINTS];
};

/* A tangent plane of the ellipsoid: arrivals are (east m, north m, time s) in it, distances along the
 * surface. */
struct ground_plane {
  double origin_m[3], enu[9];
};

/* A Gaussian over (east, north, time); covariance packed ee en et nn nt tt. */
struct ground_gauss {
  double mean[3], covariance[6];
  double third[4]; /* third central moments over the ground: eee, een, enn, nnn */
  double weight;   /* 0 to 1: of this part of the mixture, came down */
};

/* Follows every point; direction 1.0 forward, -1.0 backward in time. */
void cloud_fall(struct cloud *cloud, double direction);
/* The plane at an arrival of the cloud. False when none came down. */
bool cloud_plane(const struct cloud *cloud, struct ground_plane *plane);
/* Moments of those that came down; weight = the main points' share of them. False when none did. */
bool cloud_moments(const struct cloud *cloud, const struct ground_plane *plane, struct ground_gauss *out);

void plane_at(const double position_m[3], struct ground_plane *plane);
void plane_from(const struct ground_plane *plane, const double position_m[3], double *east_m,
                double *north_m);
/* Geodetic degrees of a point of the plane. */
void plane_to(const struct ground_plane *plane, double east_m, double north_m, double *lat_deg,
              double *lon_deg);

/* Moments of a mixture; weights need not sum to 1. */
void gauss_join(const struct ground_gauss *parts, uint32_t count, struct ground_gauss *out);
/* Moves the mean of a skewed mixture along its major axis toward the longer tail, so that the ellipse's 50,
 * 90 and 99 % regions hold their share (W8). */
void gauss_centre(struct ground_gauss *gauss);
/* As a report says it. `from_ns` is the time that means are counted from. */
void gauss_state(const struct ground_plane *plane, const struct ground_gauss *gauss, int64_t from_ns,
                 struct ground_estimate *out);

#endif

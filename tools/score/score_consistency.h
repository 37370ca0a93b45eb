/* Errors of the track lines themselves, each at its own time, against the target its track followed then; and
 * whether the covariances and ellipses that the lines state are honest. */
#ifndef WEFT_SCORE_CONSISTENCY_H
#define WEFT_SCORE_CONSISTENCY_H

#include "tools/score/score_run.h"

struct sample {
  int64_t time_ns;
  double error_m, error_mps;        /* NAN where the line has no velocity */
  double nees_position, nees_state; /* 3 and 6 degrees of freedom; NAN without a covariance */
  double radius_m; /* 95 % of position errors should be below, by the line's covariance; NAN without */
  uint32_t line;   /* index into the tracks' lines */
  uint32_t target;
  uint8_t class, phase; /* true */
};

/* One stated impact or launch against the true one. */
struct forecast_sample {
  int64_t time_ns;    /* of the line */
  double lead_s;      /* impact: how long before the true impact; launch: how long after the true launch */
  double miss_m;      /* along the surface */
  double late_s;      /* stated minus true time */
  double late_sigmas; /* the same in stated standard deviations; NAN without one */
  double major_m;     /* semi-major axis of one standard deviation; NAN absent */
  double ellipse2;    /* squared Mahalanobis distance in the stated ellipse; NAN without one */
  uint32_t target;
};

struct consistency {
  struct sample *sample;
  size_t samples, sample_capacity;
  struct forecast_sample *impact, *launch;
  size_t impacts, impact_capacity, launches, launch_capacity;
  size_t covariance_bad; /* not positive definite */
  size_t unfollowed;     /* confirmed lines of tracks that followed no target then */
};

void consistency_build(struct consistency *c, const struct truth *truth, const struct tracks *tracks,
                       const struct run *run);
void consistency_free(struct consistency *c);

/* Squared Mahalanobis distance of a place in the ellipse of a forecast; NAN without one. */
double forecast_ellipse2(const struct forecast *forecast, struct place place);
/* e' P^-1 e for the first `size` (3 or 6) elements of a packed 6 x 6 covariance; NAN where that part of P
 * isn't positive definite. */
double nees_compute(const double covariance[21], const double *error, int size);
/* The radius that holds 95 % of position errors drawn from the covariance: |e|^2 as a scaled chi-square with
 * the same two moments (Patnaik 1949). */
double radius_compute(const double covariance[21]);

#endif

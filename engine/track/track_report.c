/* What a track is said to be: class and phase with some patience against flicker, and the content of its
 * line. */
#include <math.h>
#include <string.h>

#include "engine/domain/orbit.h"
#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double class_sure = 0.95, class_doubt = 0.7;
static const double phase_sure = 0.6;
static const uint32_t class_detections = 4;

/* In orbit, from what the coast mode says: sure of it at first, later only likelier than not. Not while it
 * may be burning. */
static bool track_orbits(const struct track *track) {
  const double sure_sigmas = 1.645, doubt_sigmas = 0; /* 95 %, 50 % */
  const double boost_max = track->class_ == CLASS_ORBITAL ? 0.5 : 0.05;
  if (track->bank[WK_B_WEIGHT] >= boost_max) return false;
  struct perigee perigee = perigee_of(track->bank + WK_B_COAST_X, track->bank + WK_B_COAST_P);
  return perigee_margin(&perigee) > (track->class_ == CLASS_ORBITAL ? doubt_sigmas : sure_sigmas);
}

static uint8_t class_of(const struct track *track, double p) {
  if (track->detections < class_detections) return CLASS_UNKNOWN;
  if (p > class_sure) return CLASS_BALLISTIC;
  if (p < 1 - class_sure) return CLASS_AIRCRAFT;
  if (track->class_ == CLASS_AIRCRAFT) return p < 1 - class_doubt ? CLASS_AIRCRAFT : CLASS_UNKNOWN;
  if (track->class_ != CLASS_UNKNOWN) return p > class_doubt ? CLASS_BALLISTIC : CLASS_UNKNOWN;
  return CLASS_UNKNOWN;
}

/* Beyond what an aircraft can do: above 25 km or faster than Mach 3. Each such plot counts for a little. */
static void class_kinematics(struct track *track) {
  const double too_high_m = 25000, too_fast_mps = 1000, each = 1.5;
  double speed = vector_norm(track->velocity_mps);
  bool beyond = (double)track->height_m - 2 * track->sigma_position_m > too_high_m ||
                speed - 2 * track->sigma_velocity_mps > too_fast_mps;
  if (beyond) track->class_log_odds = fmin(track->class_log_odds + each, 40);
}

void classify(struct track *track) {
  class_kinematics(track);
  double p = track_ballistic_probability(track);
  uint8_t class_ = class_of(track, p);
  const double *weight = track->bank + WK_B_WEIGHT;
  if (class_ == CLASS_BALLISTIC && track_orbits(track)) class_ = CLASS_ORBITAL;
  uint8_t phase = track->phase;
  if (class_ == CLASS_AIRCRAFT) {
    phase = PHASE_CRUISE;
  } else if (class_ == CLASS_ORBITAL) {
    phase = PHASE_COAST;
  } else if (class_ == CLASS_BALLISTIC) {
    uint8_t likeliest = weight[0] >= weight[1] && weight[0] >= weight[2] ? PHASE_BOOST
                        : weight[1] >= weight[2]                         ? PHASE_COAST
                                                                         : PHASE_REENTRY;
    bool first = track->class_ != CLASS_BALLISTIC || phase > PHASE_REENTRY;
    if (first || weight[likeliest] > phase_sure) phase = likeliest;
  }
  track->class_ = class_;
  track->phase = phase;
}

void report_fill(const struct tracker *tracker, const struct track *track, const double moments[27],
                 const struct geodetic *place, int64_t time_ns, struct track_report *out) {
  memset(out, 0, sizeof *out);
  out->time_ns = time_ns;
  out->track = track->number;
  out->continues = track->continues;
  out->status = track->status;
  out->class_ = track->class_;
  out->has_phase = track->class_ != CLASS_UNKNOWN;
  out->phase = track->phase;
  memcpy(out->position_m, moments, sizeof out->position_m);
  memcpy(out->velocity_mps, moments + 3, sizeof out->velocity_mps);
  memcpy(out->covariance, moments + 6, sizeof out->covariance);
  const double degrees = 57.29577951308232;
  out->lat_deg = place->lat_rad * degrees;
  out->lon_deg = place->lon_rad * degrees;
  out->height_m = place->height_m;
  out->existence = lifecycle_existence(tracker, track);
  memcpy(out->phase_probability, track->bank + WK_B_WEIGHT, sizeof out->phase_probability);
  memcpy(out->sensors, track->sensors, sizeof out->sensors);
  out->detections = track->detections;
  out->first_time_ns = track->first_ns;
  out->arrival_ns = track->arrival_ns;
  if (track->status != STATUS_LOST) {
    out->innovation2 = track->innovation2;
    out->innovation_components = track->innovation_components;
  }
  out->bank = track->bank;
  out->slot = (uint32_t)(track - tracker->store.tracks);
}

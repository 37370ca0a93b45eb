/* Everything that flies in a scenario, with its whole motion worked out in advance. */
#ifndef WEFT_SALVO_TARGET_H
#define WEFT_SALVO_TARGET_H

#include "tools/salvo/scenario.h"

enum target_class { TARGET_BALLISTIC, TARGET_AIRCRAFT, TARGET_ORBITAL };

struct target {
  char name[SCENARIO_NAME_MAX + 8];
  enum target_class class_;
  struct path path; /* owned */
  uint64_t stream;  /* of its random numbers: depends on its name alone */
  /* ballistic: */
  double launch_s, boost_end_s, reentry_s, impact_s, apogee_m, cutoff_speed_mps, range_m;
  struct earth_geodetic impact;
};

struct fleet_of_targets {
  int count, capacity;
  struct target *targets; /* owned */
};

/* Works out every target of the scenario up to the end of its flight or of the scenario. -ERANGE with the salvo's
 * FILE:LINE where an aim is out of reach. */
int targets_build(struct fleet_of_targets *all, const struct scenario *scenario, struct weft_error *err);
void targets_free(struct fleet_of_targets *all);

/* boost, coast, reentry, cruise: by name, as the truth file has it. */
const char *target_phase(const struct target *target, double time_s);
bool target_boosting(const struct target *target, double time_s);

/* FNV-1a of a text, for naming random streams. */
uint64_t stream_of(const char *text);

/* Appends an empty target, number `ordinal` (from 0) of `count` in its group. */
struct target *target_add(struct fleet_of_targets *all, const char *group, int ordinal, int count);
/* In aircraft.c: appends a fleet in level flight with turns and climbs. */
void aircraft_build(struct fleet_of_targets *all, const struct fleet *fleet, uint64_t seed, double duration_s);
/* Straight on at a constant speed from time 0, as ships go. */
void cruise_build(struct path *path, struct earth_geodetic from, double heading_rad, double speed_mps,
                  double duration_s);

#endif

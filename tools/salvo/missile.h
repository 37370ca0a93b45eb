/* Generic ballistic missiles: round, made-up figures, staged boost along a pitch programme, free flight, re-entry. */
#ifndef WEFT_SALVO_MISSILE_H
#define WEFT_SALVO_MISSILE_H

#include "engine/base/error.h"
#include "tools/salvo/salvo_earth.h"
#include "tools/salvo/path.h"

enum { MISSILE_STAGES_MAX = 4, MISSILE_NAME_MAX = 32 };

struct missile_stage {
  double thrust_n, isp_s, propellant_kg, dry_kg, diameter_m;
  double coast_s; /* from the burn-out of the stage below (or launch) to ignition */
};

struct missile_type {
  char name[MISSILE_NAME_MAX];
  int stage_count;
  struct missile_stage stages[MISSILE_STAGES_MAX];
  double payload_kg;
  double ballistic_coefficient_kgpm2; /* m / (CD A) of what flies on after burn-out, RV or spent body and all */
  double rise_s;                      /* straight up for so long after ignition */
  double pitch_end_s, pitch_end_deg;  /* then thrust tips evenly to this elevation; from there a gravity turn */
};

/* The built-in type of that name (short, medium, long), or NULL. */
const struct missile_type *missile_preset(const char *name);
/* Burn time of a stage at full propellant. */
double missile_burn_s(const struct missile_stage *stage);
/* From launch to the burn-out of the last stage at full propellant. */
double missile_boost_s(const struct missile_type *type);
/* CD by Mach number of the boosting vehicle, referred to the stage's cross-section. */
double missile_drag_coefficient(double mach);

/* One flight as asked for and as solved. */
struct flight {
  const struct missile_type *type;
  double launch_s;
  struct earth_geodetic launch;
  double azimuth_rad; /* of the pitch plane at the pad */
  double cutoff_s;    /* thrust of the last stage ends so long after launch */
  /* results */
  struct path path; /* owned */
  double impact_s, apogee_m, apogee_s, cutoff_speed_mps,
      reentry_s; /* reentry_s: passes 80 km (or apogee) downwards */
  struct earth_geodetic impact;
};

/* Integrates launch to impact. `tolerance_m` 1e-3 is far below any sensor's noise. 0, or -ERANGE where it does not come down
 * within two hours. With a path when `keep`. */
int flight_integrate(struct flight *flight, double tolerance_m, bool keep);

/* Finds azimuth and cut-off so that the impact is within `miss_m` of the aim, then integrates with path. -ERANGE with the
 * reach in the error where the aim is too near or too far for this type. */
int flight_aim(struct flight *flight, struct earth_geodetic aim, double miss_m, struct weft_error *err);

void flight_free(struct flight *flight);

#endif

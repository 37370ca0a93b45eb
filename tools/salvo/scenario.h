/* A scenario: what flies and what looks, as its YAML file says it. tools/scenarios/README.md describes every key. */
#ifndef WEFT_SALVO_SCENARIO_H
#define WEFT_SALVO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/base/error.h"
#include "tools/salvo/missile.h"

enum {
  SCENARIO_SENSORS_MAX = 256,
  SCENARIO_SALVOS_MAX = 256,
  SCENARIO_TYPES_MAX = 32,
  SCENARIO_FLEETS_MAX = 64,
  SCENARIO_ORBITS_MAX = 256,
  SCENARIO_LEGS_MAX = 32,
  SCENARIO_INCLUDES_MAX = 16,
  SCENARIO_PATH_MAX = 4096,
  SCENARIO_COUNT_MAX = 100000, /* members of one salvo or fleet */
  SCENARIO_NAME_MAX = 40
};

enum gauge_kind { GAUGE_RADAR = 1, GAUGE_RADAR2D = 2, GAUGE_LOS = 3, GAUGE_POSITION = 4 }; /* wire values */
extern const char *const gauge_kind_names[5];

/* One sensor as simulated; angles in degrees or radians as the name says. */
struct gauge {
  uint32_t id;
  char name[SCENARIO_NAME_MAX], nation[SCENARIO_NAME_MAX];
  int kind;        /* enum gauge_kind */
  bool frame_ecef; /* los: azimuth and elevation refer to ECEF axes */
  double lat_deg, lon_deg, height_m;
  bool moving;
  double course_deg, speed_mps, state_interval_s;
  bool rotating;             /* a beam that goes round once per revisit; else a frame per revisit */
  double revisit_s, phase_s; /* frames at phase + k revisit */
  double sigma[4];           /* radar: range m, azimuth rad, elevation rad, range rate m/s (0: not measured); radar2d:
                                   range, azimuth, height m (0: not measured), -; los: -, azimuth, elevation; position: x m */
  double resolution[3];      /* range m, azimuth rad, elevation rad: targets within such a cell of each other yield
                                one plot; all 0: every target its own */
  double detection_probability;
  double clutter_per_scan;
  double clutter_rate_mps; /* false range rates are uniform within +- this */
  double burst_per_hour, burst_duration_s, burst_multiplier;
  double range_m[2], azimuth_deg[2], elevation_deg[2];
  unsigned sees;               /* bit per enum target_class: ballistic, aircraft, orbital */
  bool boost_only;             /* sees burning motors only (infrared) */
  double cloud_m;              /* los: sees nothing lower than this */
  double delay_s, jitter_s;    /* arrival - measurement: constant plus uniform in [0, jitter] */
  double bias[3], bias_time_s; /* added to range, azimuth, elevation; to the time stamp */
  bool registered;             /* the site configuration knows the bias */
};

/* Where the members of a salvo begin or end: anywhere within a disc, or on a square grid, row by row from the south-west
 * corner, around the centre (spacing_km > 0). */
struct area {
  double lat_deg, lon_deg, radius_km, spacing_km;
};

/* `count` missiles of one type, each from its place in an area to its place in another. */
struct salvo {
  char name[SCENARIO_NAME_MAX];
  struct missile_type type;
  int count;
  double first_s, last_s; /* launches between */
  struct area launch, aim;
  char where[256]; /* file:line, for errors found later */
};

struct manoeuvre {
  double duration_s, turn_degps, climb_mps, accel_mps2;
};

/* Aircraft in level flight with turns and climbs: one with the given legs, or `count` random ones in an area. */
struct fleet {
  char name[SCENARIO_NAME_MAX];
  int count;
  double lat_deg[2], lon_deg[2], height_m[2], speed_mps[2], heading_deg[2]; /* uniform between */
  double straight_s[2];                                                     /* length of the straights */
  int leg_count;                                                            /* > 0: these legs, then straight on */
  struct manoeuvre legs[SCENARIO_LEGS_MAX];
};

struct orbit {
  char name[SCENARIO_NAME_MAX];
  double perigee_km, apogee_km; /* heights */
  double inclination_deg, node_deg, argument_deg,
      anomaly_deg; /* node measured from the Greenwich meridian at the start */
};

struct scenario {
  char name[SCENARIO_NAME_MAX];
  char centre[SCENARIO_NAME_MAX];
  bool exercise;
  bool time_live; /* for the site configuration */
  int64_t start_ns;
  double duration_s;
  uint64_t seed;
  double truth_interval_s;
  const char *keys; /* folder of key files, borrowed; NULL: nothing is sealed */
  int gauge_count, salvo_count, type_count, fleet_count, orbit_count, include_count;
  struct gauge gauges[SCENARIO_SENSORS_MAX];
  struct missile_type types[SCENARIO_TYPES_MAX];
  struct salvo salvos[SCENARIO_SALVOS_MAX];
  struct fleet fleets[SCENARIO_FLEETS_MAX];
  struct orbit orbits[SCENARIO_ORBITS_MAX];
  char includes[SCENARIO_INCLUDES_MAX][SCENARIO_PATH_MAX]; /* already read, so that two files may share a third */
};

/* Reads a scenario and what it includes. 0 with *scenario (free with scenario_free), or a negative errno with FILE:LINE, what
 * and the remedy in `err`. */
int scenario_load(struct scenario **scenario, const char *path, struct weft_error *err);
void scenario_free(struct scenario *scenario);

/* UTC as `2026-01-01T00:00:00Z` (fractions of a second allowed) to Unix nanoseconds. False where it is no such time. */
bool scenario_time(const char *text, int64_t *time_ns);

struct yaml_doc;
/* Reads one entry of `sensors`; failures stay in the document. */
void scenario_gauge_read(struct yaml_doc *doc, int node, struct gauge *gauge);

/* The key file of a sensor: ID.key in the folder scenario->keys. False where there is none. */
bool scenario_key_path(const struct scenario *scenario, uint32_t id, char path[SCENARIO_PATH_MAX]);
/* The site configuration that belongs to the scenario's sensors, onto an open file; or into a file (negative errno on
 * failure). */
void scenario_site_print(const struct scenario *scenario, FILE *out);
int scenario_site_write(const struct scenario *scenario, const char *path, struct weft_error *err);

#endif

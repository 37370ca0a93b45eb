/* What the configuration says of this centre and its sensors. Filled by ingest/config.c, read by everyone,
 * written by nobody after start. */
#ifndef WEFT_DOMAIN_SITE_H
#define WEFT_DOMAIN_SITE_H

#include <stdbool.h>
#include <stdint.h>

enum { SITE_SENSORS_MAX = 256, SITE_NAME_MAX = 64, SITE_PATH_MAX = 512, SITE_NATIONS_MAX = 32 };

enum site_time { SITE_TIME_LIVE, SITE_TIME_RECORDED };
enum site_association { ASSOCIATION_SOFT, ASSOCIATION_NEAREST };
enum los_frame { LOS_FRAME_LOCAL, LOS_FRAME_ECEF };

struct sensor {
  uint32_t id;
  char name[SITE_NAME_MAX];
  char nation[SITE_NAME_MAX];
  uint32_t nation_index;             /* index into site.nations */
  uint8_t kind;                      /* enum detection_kind */
  uint8_t frame;                     /* enum los_frame */
  double lat_deg, lon_deg, height_m; /* WGS-84 geodetic, height above the ellipsoid */
  double position_m[3];              /* the same in ECEF */
  double enu[9]; /* rows: unit vectors east, north, up in ECEF at the site. For LOS_FRAME_ECEF rows y, x, z,
                    so that azimuth = atan2(row0 . u, row1 . u) and elevation = asin(row2 . u) always. */
  double revisit_s;
  double sigma[4]; /* range m | x m, azimuth rad | x m, elevation rad | height m | x m, range rate m/s (0 =
                      not measured) */
  double resolution[3];         /* cell within which it sees one plot of several objects: range m, azimuth rad,
                                   elevation rad; what it does not measure 0; all 0: every object apart */
  double registration[3];       /* known offsets to subtract: range m, azimuth rad, elevation rad */
  double registration_time_s;   /* subtracted from the time of measurement */
  double detection_probability; /* (0, 1) */
  double clutter_per_scan;    /* expected false plots per revisit over the whole coverage, 0 = a clean sensor
                                 (the tracker still allows for a hundredth of one) */
  double budget_per_s;        /* detections per second that are admitted; 0: any number */
  double coverage_range_m[2]; /* min, max */
  double coverage_azimuth_deg[2]; /* from, to, clockwise; 0, 360 = all round */
  double coverage_elevation_deg[2];
  bool has_asterix;
  uint8_t sac, sic;
  char key_path[SITE_PATH_MAX]; /* empty: unsealed */
};

struct listen_address {
  bool enabled;
  char host[64];
  uint16_t port; /* 0 = any free port */
};

struct site {
  char centre[SITE_NAME_MAX];
  bool exercise;
  enum site_time time;
  enum site_association association;
  int64_t stale_ns, future_ns, lag_ns, frame_limit_ns;
  bool frame_limit_stated; /* by the configuration; else a hardware profile may change it for live frames */
  int64_t latency_limit_ns; /* arrival to emission, which the ladder of degradation keeps; 0: nothing is ever shed */
  struct listen_address listen_detections, listen_asterix, listen_tracks, listen_metrics, listen_standby;
  char journal_directory[SITE_PATH_MAX]; /* empty: none */
  uint32_t journal_segment_mib;
  int64_t journal_snapshot_ns; /* between snapshots of the engine's state; 0: none */
  int64_t journal_resume_ns;  /* a run that stopped so long ago is gone on with; 0: never */
  bool journal_pack;                                      /* closed segments are packed */
  uint32_t journal_parity_segments, journal_parity_files; /* parity files over every so many segments; 0 files: none */
  char regions_path[SITE_PATH_MAX]; /* empty: none */
  const char (*region_names)[SITE_NAME_MAX]; /* of the named areas there, by number; the engine's, NULL before it has read them */
  char replay_marks_path[SITE_PATH_MAX]; /* of the state of sealed sensors' windows; empty where none has a key */
  uint32_t sensor_count;
  struct sensor sensors[SITE_SENSORS_MAX];
  uint32_t nation_count;
  char nations[SITE_NATIONS_MAX][SITE_NAME_MAX]; /* sorted by name */
  char *text; /* the configuration's own bytes, owned; a journal carries them */
  uint64_t text_size;
};

#endif

/* The site configuration, YAML to struct site (docs/configuration of the outside contract).
 *
 * Defaults. Top level: centre weft, exercise false, time live, stale_s 10, future_s 1, lag_s 3, frame_limit_ms 5,
 * latency_limit_ms 200 where time is live and 0 where it is recorded; `listen` and each of its parts absent: that listener
 * is off; journal and regions absent: none; segment_mib 256.
 * Per sensor: name `sensor-ID`, nation the centre's name, frame local, revisit_s 1.0, registration 0, detection_probability
 * 0.9, clutter_per_scan 1, budget_per_s (10,000 + 4 clutter_per_scan) / revisit_s where time is live and none where it is
 * recorded, height_m 40 (sigma of radar2d), range_rate_mps absent = not measured. Coverage: range 0 to
 * 1e7 m (radar, radar2d) or 0 to 1e8 m (los, position); azimuth 0 to 360 deg; elevation 0 to 90 deg, but -90 to 90 for los
 * and position. For a los sensor with `frame: ecef` coverage angles are in the same ECEF axes as its measurements.
 *
 * Ranges. stale_s, future_s 0.001..86400; lag_s 0..60; frame_limit_ms 0.1..1000; latency_limit_ms 0 (none)..60000;
 * lat_deg +-90; lon_deg -180..360; height_m -500..1e8; revisit_s 0.001..86400; sigma range_m, height_m, x_m 1e-3..1e6, azimuth_rad, elevation_rad
 * 1e-8..1, range_rate_mps 1e-4..1e5; registration range_m +-1e6, angles +-1 rad, time_s +-3600; detection_probability
 * 0.001..0.999; clutter_per_scan 0..1e6; budget_per_s 1..1e8; coverage range_m 0..1e8, azimuth_deg -360..360, elevation_deg +-90; sac, sic
 * 0..255; segment_mib 1..65536; id 0..4294967295; at most SITE_SENSORS_MAX sensors and SITE_NATIONS_MAX nations.
 *
 * replay_marks: the configuration's own path with `.marks` behind it where a sensor has a key.
 *
 * Paths (regions, key, replay_marks, journal directory): a relative one is taken from the folder that the configuration file is in, and
 * stored joined to it. Nothing here looks whether they exist. */
#ifndef WEFT_INGEST_CONFIG_H
#define WEFT_INGEST_CONFIG_H

#include <stddef.h>

#include "engine/base/error.h"
#include "engine/domain/site.h"

/* Loads and validates `path`. 0, or a negative errno with `err` naming file, line, key, allowed range and remedy; *site is
 * then zeroed. On success site_free it. Fills what follows from the text as well: ECEF positions, axes, nations sorted. */
int site_load(const char *path, struct site *site, struct weft_error *err);

/* The same from memory. `name` stands for the file in errors; its folder (up to the last '/') is where relative paths
 * start. A journal's own configuration comes back this way. */
int site_parse(const char *text, size_t size, const char *name, struct site *site, struct weft_error *err);

void site_free(struct site *site); /* a zeroed or freed site is fine */

/* Index of the sensor with this id; site->sensor_count when there is none. */
uint32_t site_sensor_by_id(const struct site *site, uint32_t id);

#endif

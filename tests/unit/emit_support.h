/* What the emit tests share: a small site and reports with known content. */
#ifndef WEFT_TESTS_EMIT_SUPPORT_H
#define WEFT_TESTS_EMIT_SUPPORT_H

#include <stdio.h>
#include <string.h>

#include "engine/domain/report.h"
#include "engine/domain/site.h"

static inline void support_sensor(struct site *site, uint32_t id, const char *name, uint32_t nation) {
  struct sensor *sensor = &site->sensors[site->sensor_count++];
  sensor->id = id;
  sensor->nation_index = nation;
  snprintf(sensor->name, sizeof sensor->name, "%s", name);
  snprintf(sensor->nation, sizeof sensor->nation, "%s", site->nations[nation]);
}

/* Three sensors (101 of A, 205 of B, 300 of A) of centre A1. */
static inline void support_site(struct site *site) {
  memset(site, 0, sizeof *site);
  snprintf(site->centre, sizeof site->centre, "A1");
  snprintf(site->nations[0], SITE_NAME_MAX, "A");
  snprintf(site->nations[1], SITE_NAME_MAX, "B");
  site->nation_count = 2;
  support_sensor(site, 101, "north-radar", 0);
  support_sensor(site, 205, "east-radar", 1);
  support_sensor(site, 300, "south-radar", 0);
}

/* Everything that a line says, as a function of track and step. */
static inline struct track_report support_report(uint64_t track, uint64_t step) {
  struct track_report report = {.time_ns = 1700000000000000000 + (int64_t)step * 1000000,
                                .track = track,
                                .status = STATUS_CONFIRMED,
                                .class_ = CLASS_BALLISTIC,
                                .phase = PHASE_COAST,
                                .has_phase = true,
                                .position_m = {6378137.0 + (double)step, (double)track, -1234.5678},
                                .velocity_mps = {1000.25, -2000.125, (double)step},
                                .lat_deg = 41.3,
                                .lon_deg = -2.123456789,
                                .height_m = 120000.5,
                                .existence = 0.9993,
                                .phase_probability = {0.0, 0.97, 0.03},
                                .detections = step,
                                .first_time_ns = 1700000000000000000};
  report.sensors[0] = 3;
  for (int i = 0; i < 21; i++) report.covariance[i] = 1.0 / (i + 1) * (i % 2 ? -1e-3 : 900);
  return report;
}

#endif

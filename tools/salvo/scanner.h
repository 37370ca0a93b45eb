/* The sensors at work: who sees what when, with noise, misses, clutter, bursts and delay. Every pair of sensor and target
 * has its own stream of random numbers, named after both, so that adding a target or a sensor changes nothing else. */
#ifndef WEFT_SALVO_SCANNER_H
#define WEFT_SALVO_SCANNER_H

#include "engine/base/prng.h"
#include "tools/salvo/salvo_report.h"
#include "tools/salvo/target.h"

struct scanner;

/* Borrows scenario and targets. With `hold`, radars do not move from where they start (CSV has no columns for where a moving
 * radar is). */
struct scanner *scanner_open(const struct scenario *scenario, const struct fleet_of_targets *targets, bool hold);
void scanner_free(struct scanner *scanner);

/* The next report in order of arrival, or NULL at the end of the scenario. Valid until the next call. */
const struct report *scanner_next(struct scanner *scanner);

/* Where a sensor is, how it moves, and its axes: rows a, b, c with azimuth = atan2(a, b) and elevation above the plane of
 * a and b. East, north, up at the place, or y, x, z for `frame: ecef`. */
struct stand {
  struct state state;
  double rows[3][3];
};
void stand_axes(const struct gauge *gauge, struct stand *stand);

/* What an ideal sensor measures: range, azimuth (0 to 2 pi), elevation, range rate. */
void gauge_measure(const struct stand *from, const struct state *target, double z[4]);
/* True where coverage, horizon, cloud and phase let the sensor see the target. z as from gauge_measure. */
bool gauge_sees(const struct gauge *gauge, const struct stand *from, const struct target *target, double time_s,
                const struct state *state, const double z[4]);

#endif

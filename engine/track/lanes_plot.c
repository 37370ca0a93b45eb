#include <math.h>

#include "engine/base/check.h"
#include "engine/domain/orbit.h"
#include "engine/track/lanes.h"

/* ln(exp(a) + exp(b)) with the smaller term's weight small or not. */
static double log_add(double a, double b) {
  double high = fmax(a, b), low = fmin(a, b);
  if (!(low > high - 700)) return high;
  return high + wk_log(1 + wk_exp(low - high));
}

static void evidence_of(const struct track *track, const struct wk_evidence_block *ballistic,
                        const struct wk_evidence_block *aircraft, int lane, struct pair_evidence *out) {
  if (track->banks == BANK_BALLISTIC) aircraft = ballistic;
  if (track->banks == BANK_AIRCRAFT) ballistic = aircraft;
  out->log_ballistic = ballistic->log_likelihood[lane];
  out->log_aircraft = aircraft->log_likelihood[lane];
  out->dimension = ballistic->dimension[lane];
  out->innovation2 = 0;
  out->innovation_components = 0;
  double p = track_ballistic_probability(track);
  out->distance2 = p < 1e-3    ? aircraft->distance2[lane]
                   : p > 0.999 ? ballistic->distance2[lane]
                               : fmin(ballistic->distance2[lane], aircraft->distance2[lane]);
  out->log_likelihood = p <= 0   ? out->log_aircraft
                        : p >= 1 ? out->log_ballistic
                                 : log_add(wk_log(p) + out->log_ballistic, wk_log(1 - p) + out->log_aircraft);
}

_Static_assert(offsetof(struct plot, point_m) == WK_MEASURE_ELEMENTS * sizeof(double), "a plot begins with the record of a measurement");

static void measure_fill(const struct filter *filter, struct wk_measure_block *block, const struct plot *const plots[WK_LANES]) {
  const double *record[WK_LANES];
  uint8_t present[WK_LANES];
  weft_assert(plots[0]);
  for (int i = 0; i < WK_LANES; i++) {
    record[i] = plots[i] ? plots[i]->z : NULL;
    present[i] = plots[i] ? plots[i]->present : 0;
  }
  filter->kernels->measure_load(block, record, present);
}

void class_take(struct track *track, const struct pair_evidence *evidence) {
  const double bank_lost = 18; /* e^-18: 1.5e-8 */
  double ratio = evidence->log_ballistic - evidence->log_aircraft;
  track->class_log_odds += fmin(fmax(ratio, -6), 6); /* one plot never decides alone */
  track->class_log_odds = fmin(fmax(track->class_log_odds, -40), 40);
  if (track->banks == (BANK_BALLISTIC | BANK_AIRCRAFT) && track->detections >= 8) {
    if (track->class_log_odds > bank_lost) track->banks = BANK_BALLISTIC;
    if (track->class_log_odds < -bank_lost) track->banks = BANK_AIRCRAFT;
  }
}

/* Lanes in which the measurement bends so much over the extent of the state that the EKF would be
 * overconfident (docs/maths.md M21). True where there is one. */
static bool lanes_bend(const struct filter *filter, const struct lanes *lanes, enum wk_kind kind, int count,
                       bool bends[WK_LANES]) {
  const double bend_max = 0.3;
  wk_lane ballistic = {0}, aircraft = {0};
  bool any = false;
  if (lanes->banks & BANK_BALLISTIC)
    filter->kernels->ballistic_bend(&lanes->ballistic, kind, &lanes->measure, ballistic);
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_bend(&lanes->aircraft, kind, &lanes->measure, aircraft);
  for (int i = 0; i < count; i++) {
    bends[i] = fmax(lanes->in_use[i] & BANK_BALLISTIC ? ballistic[i] : 0,
                    lanes->in_use[i] & BANK_AIRCRAFT ? aircraft[i] : 0) > bend_max;
    any |= bends[i];
  }
  return any;
}

static const double absurd = 1e300; /* what a kernel reports that finds no number */
static const double dim = 0.1; /* chance of a line of sight where nothing burns, relative to a plume */

/* Below where anything orbits; by the boost mode's place. */
static bool lane_low(const struct lanes *lanes, int lane) {
  double p[3], lat_rad, lon_rad, height_m;
  for (int c = 0; c < 3; c++) p[c] = lanes->ballistic.e[WK_B_BOOST_X + c][lane];
  wk_geodetic_from_ecef(p, &lat_rad, &lon_rad, &height_m);
  return height_m < ORBIT_PERIGEE_LEAST_M;
}

/* What a line of sight says beside its direction (docs/maths.md T8): low down it is of a plume. In space it
 * may be of a satellite, seen for as long as one likes without burning; but what has burnt out since the last
 * look is seldom seen still. Evidence of the ballistic bank out. */
static void plumes_take(const struct filter *filter, struct lanes *lanes, int count, wk_lane log_seen) {
  for (int i = 0; i < count; i++) {
    if (!(lanes->in_use[i] & BANK_BALLISTIC)) continue;
    double *weight[3];
    for (int m = 0; m < 3; m++) weight[m] = &lanes->ballistic.e[WK_B_WEIGHT + m][i];
    double boost = *weight[0], out = *weight[1] + *weight[2];
    double ended = boost * (wk_exp(filter->tuning.boost_end_rate * fmax(lanes->dt_s[i], 0)) - 1);
    double left = out - (1 - dim) * (lane_low(lanes, i) ? out : fmin(ended, out)), seen = boost + left;
    if (!(out > 0 && seen > 0)) continue;
    *weight[0] = boost / seen;
    for (int m = 1; m < 3; m++) *weight[m] *= left / (out * seen);
    log_seen[i] = wk_log(seen);
  }
}

void lanes_update(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES], int count,
                  enum wk_kind kind, struct track *const *taken, struct pair_evidence evidence[WK_LANES]) {
  const struct wk_table *kernels = filter->kernels;
  struct wk_evidence_block ballistic[2] = {0}, aircraft[2] = {0}; /* by the EKF, by sigma points */
  wk_lane plain = {0}, points = {0}, log_seen = {0};
  bool bends[WK_LANES] = {0}, plumes = taken && kind == WK_LOS;
  if (plumes) plumes_take(filter, lanes, count, log_seen);
  bool any = kind != WK_POSITION && lanes_bend(filter, lanes, kind, count, bends);
  for (int i = 0; i < count && taken; i++) (bends[i] ? points : plain)[i] = taken[i] ? 1.0 : 0.0;
  if (lanes->banks & BANK_BALLISTIC) {
    kernels->ballistic_update(&lanes->ballistic, kind, &lanes->measure, plain, &ballistic[0]);
    if (any) kernels->ballistic_update_sigma(&lanes->ballistic, kind, &lanes->measure, points, &ballistic[1]);
  }
  if (lanes->banks & BANK_AIRCRAFT) {
    kernels->aircraft_update(&lanes->aircraft, kind, &lanes->measure, plain, &aircraft[0]);
    if (any) kernels->aircraft_update_sigma(&lanes->aircraft, kind, &lanes->measure, points, &aircraft[1]);
  }
  for (int i = 0; i < count; i++) {
    if (taken && !taken[i]) continue;
    evidence_of(tracks[i], &ballistic[bends[i]], &aircraft[bends[i]], i, &evidence[i]);
    evidence[i].bends = bends[i];
    if (!plumes || lanes->in_use[i] != (BANK_BALLISTIC | BANK_AIRCRAFT)) continue;
    evidence[i].log_ballistic += log_seen[i];
    evidence[i].log_aircraft += wk_log(dim); /* an aircraft is seldom seen at all */
  }
}

static double between_s(const struct track *track, const struct plot *plot) {
  return fmin(fmax((double)(plot->time_ns - track->time_ns) * 1e-9, -600), 600);
}

void lanes_begin(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES],
                 const struct plot *const plots[WK_LANES], int count, const wk_lane quiet) {
  for (int i = 0; i < WK_LANES; i++) lanes->dt_s[i] = i < count ? between_s(tracks[i], plots[i]) : 0;
  lanes_load(filter, lanes, tracks);
  lanes_predict(filter, lanes, lanes->dt_s, quiet, &filter->tuning);
  measure_fill(filter, &lanes->measure, plots);
}

void lanes_innovations(const struct filter *filter, const struct lanes *lanes, struct track *const tracks[WK_LANES],
                       enum wk_kind kind, wk_lane innovation2) {
  struct wk_gauss_block expected;
  lanes_moments(filter, lanes, tracks, &expected);
  filter->kernels->gauss_innovation(&expected, kind, &lanes->measure, innovation2);
}

void lanes_take(const struct filter *filter, const struct lanes *lanes, struct track *const taken[WK_LANES],
                const struct plot *const plots[WK_LANES], int count, const wk_lane innovation2,
                double (*lines)[WK_GAUSS_ELEMENTS], struct pair_evidence evidence[WK_LANES]) {
  struct wk_gauss_block moments;
  bool tells[WK_LANES] = {0};
  lanes_store(filter, lanes, taken);
  lanes_moments(filter, lanes, taken, &moments);
  for (int i = 0; i < count; i++) {
    if (!taken[i]) continue;
    bool told = innovation2[i] < absurd;
    evidence[i].innovation2 = told ? innovation2[i] : 0;
    evidence[i].innovation_components = told ? (int)evidence[i].dimension : 0;
    taken[i]->time_ns = plots[i]->time_ns;
    tells[i] = lines && taken[i]->banks != (BANK_BALLISTIC | BANK_AIRCRAFT);
    class_take(taken[i], &evidence[i]);
  }
  tracks_summarise(filter, taken, &moments);
  for (int i = 0; i < count; i++) {
    if (!tells[i]) continue;
    moments_put(&moments, i, lines[taken[i] - filter->store->tracks]);
    taken[i]->told = 1;
  }
}

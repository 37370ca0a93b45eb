/* An independent estimate of position and velocity as a measurement of all six at once (docs/maths.md C9). */
#include <math.h>
#include <string.h>

#include "engine/track/state.h"
#include "engine/track/vector.h"

enum { STATE_MAX = WK_BOOST_N };
static const double weight_floor = 1.00000001e-9; /* as the kernels keep it */

static int packed_place(int n, int i, int j) {
  return i <= j ? WK_AT(n, i, j) : WK_AT(n, j, i);
}

/* Updates one mode; ln N of the difference, or -INFINITY where nothing was done. */
static double mode_join(int n, double *x, const double gauss[WK_GAUSS_ELEMENTS]) {
  double *p = x + n, sum[21], inverse[21], log_determinant, d[6], gain[STATE_MAX][6], cross[STATE_MAX][6];
  for (int i = 0; i < 6; i++) {
    d[i] = gauss[i] - x[i];
    for (int j = i; j < 6; j++) sum[WK_AT(6, i, j)] = p[WK_AT(n, i, j)] + gauss[6 + WK_AT(6, i, j)];
  }
  if (!matrix_invert_spd(6, sum, inverse, &log_determinant)) return -INFINITY;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < 6; j++) cross[i][j] = p[packed_place(n, i, j)];
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < 6; j++) {
      gain[i][j] = 0;
      for (int k = 0; k < 6; k++) gain[i][j] += cross[i][k] * inverse[packed_place(6, k, j)];
    }
  }
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < 6; k++) x[i] += gain[i][k] * d[k];
    for (int j = i; j < n; j++) {
      for (int k = 0; k < 6; k++) p[WK_AT(n, i, j)] -= gain[i][k] * cross[j][k];
    }
  }
  return -0.5 * (log_determinant + matrix_quadratic(6, inverse, d));
}

bool bank_join(double *bank, const double gauss[WK_GAUSS_ELEMENTS]) {
  static const int at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X};
  static const int n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  double joined[WK_BALLISTIC_ELEMENTS], evidence[3], highest = -INFINITY, total = 0;
  memcpy(joined, bank, sizeof joined);
  for (int m = 0; m < 3; m++) {
    evidence[m] = mode_join(n[m], joined + at[m], gauss);
    if (!(evidence[m] > -1e300)) return false;
    highest = fmax(highest, evidence[m]);
  }
  for (int m = 0; m < 3; m++) {
    double *weight = &joined[WK_B_WEIGHT + m];
    *weight = fmax(*weight * wk_exp(fmax(evidence[m] - highest, -600)), weight_floor);
    total += *weight;
  }
  for (int m = 0; m < 3; m++) joined[WK_B_WEIGHT + m] /= total;
  memcpy(bank, joined, sizeof joined);
  return true;
}

void track_take_over(struct tracker *tracker, uint32_t slot, uint32_t young_slot) {
  struct track *track = &tracker->store.tracks[slot];
  const struct track *young = &tracker->store.tracks[young_slot];
  memcpy(track->bank, young->bank, sizeof track->bank);
  memcpy(track->looks, young->looks, sizeof track->looks);
  memcpy(track->look_sensors, young->look_sensors, sizeof track->look_sensors);
  track->looks_used = young->looks_used;
  history_link(&tracker->filter.history, track, 0); /* what was before can't be gone back over */
  track->parked = 0;
  track->time_ns = young->time_ns;
  track->newest_ns = young->newest_ns;
  track->arrival_ns = young->arrival_ns;
  track->log_odds = fmax(track->log_odds, young->log_odds);
  track->class_log_odds = young->class_log_odds;
  track->banks &= young->banks | BANK_BALLISTIC;
  track->detections += young->detections;
  for (int w = 0; w < SENSOR_WORDS; w++) track->sensors[w] |= young->sensors[w];
  lifecycle_end(tracker, young_slot, true);
  filter_summarise(&tracker->filter, &slot, 1);
  classify(track);
  lifecycle_touch(tracker, slot);
  lifecycle_index(tracker, slot);
}

#include "engine/track/birth.h"

#include <string.h>

#include "engine/track/state.h"

static void fill_block(double *p, int n, const double p6[21]) {
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) p[WK_AT(n, i, j)] = p6[WK_AT(6, i, j)];
  }
}

/* The same start in every motion mode; what a mode adds gets its prior. */
static void banks_fill(struct track *track, const struct birth *birth) {
  double *bank = track->bank, *air = track->bank + WK_BALLISTIC_ELEMENTS;
  double lat_rad, lon_rad, height_m;
  wk_geodetic_from_ecef(birth->x, &lat_rad, &lon_rad, &height_m);
  memset(bank, 0, sizeof track->bank);
  double *const states[] = {bank + WK_B_BOOST_X, bank + WK_B_COAST_X, bank + WK_B_REENTRY_X, air + WK_A_CV_X,
                            air + WK_A_CT_X};
  for (int m = 0; m < WK_MODES; m++) memcpy(states[m], birth->x, sizeof birth->x);
  fill_block(bank + WK_B_BOOST_P, WK_BOOST_N, birth->p);
  fill_block(bank + WK_B_COAST_P, WK_COAST_N, birth->p);
  fill_block(bank + WK_B_REENTRY_P, WK_REENTRY_N, birth->p);
  fill_block(air + WK_A_CV_P, WK_CV_N, birth->p);
  fill_block(air + WK_A_CT_P, WK_CT_N, birth->p);
  const double force_sigma = 25, ballistic_log = -8.0, ballistic_sigma = 1.0, turn_sigma = 0.02;
  for (int i = 6; i < 9; i++) bank[WK_B_BOOST_P + WK_AT(WK_BOOST_N, i, i)] = force_sigma * force_sigma;
  bank[WK_B_REENTRY_X + 6] = ballistic_log;
  bank[WK_B_REENTRY_P + WK_AT(WK_REENTRY_N, 6, 6)] = ballistic_sigma * ballistic_sigma;
  air[WK_A_CT_P + WK_AT(WK_CT_N, 6, 6)] = turn_sigma * turn_sigma;
  if (birth->has_boost) {
    memcpy(bank + WK_B_BOOST_X, birth->boost_x, sizeof birth->boost_x);
    memcpy(bank + WK_B_BOOST_P, birth->boost_p, sizeof birth->boost_p);
  }
  double boost = birth->has_boost ? 0.9 : height_m < 80000 ? 0.6 : 0.2;
  bank[WK_B_WEIGHT] = boost;
  bank[WK_B_WEIGHT + 1] = birth->has_boost ? 0.05 : height_m < 80000 ? 0.2 : 0.7;
  bank[WK_B_WEIGHT + 2] = 1 - bank[WK_B_WEIGHT] - bank[WK_B_WEIGHT + 1];
  air[WK_A_WEIGHT] = 0.8;
  air[WK_A_WEIGHT + 1] = 0.2;
}

static void plots_note(const struct tracker *tracker, struct track *track, const struct birth *birth) {
  for (uint32_t i = 0; i < birth->count; i++) {
    const struct birth_plot *plot = &birth->plots[i];
    struct look *look = track_look_take(track, plot->sensor);
    int64_t next_ns = plot->time_ns + (int64_t)(1.5e9 * tracker->site->sensors[plot->sensor].revisit_s);
    track->sensors[plot->sensor / 64] |= (uint64_t)1 << (plot->sensor % 64);
    if (plot->time_ns > look->last_hit_ns) look->last_hit_ns = plot->time_ns;
    if (next_ns > look->next_ns) look->next_ns = next_ns;
    if (plot->time_ns < track->first_ns) track->first_ns = plot->time_ns;
    if (plot->time_ns > track->newest_ns) track->newest_ns = plot->time_ns;
  }
}

uint32_t track_birth(struct tracker *tracker, const struct birth *birth) {
  uint32_t slot = store_take(&tracker->store);
  if (slot == TRACK_NONE) {
    tracker->statistics.tracks_refused++;
    return TRACK_NONE;
  }
  struct track *track = &tracker->store.tracks[slot];
  banks_fill(track, birth);
  track->banks = BANK_BALLISTIC | BANK_AIRCRAFT;
  track->newest_ns = track->first_ns = birth->plots[0].time_ns;
  track->time_ns = birth->time_ns;
  track->arrival_ns = birth->arrival_ns;
  track->log_odds = birth->log_odds;
  track->class_log_odds = birth->class_log_odds;
  track->detections = birth->count;
  plots_note(tracker, track, birth);
  filter_summarise(&tracker->filter, &slot, 1);
  tracker->fresh[tracker->fresh_count++] = slot;
  lifecycle_started(tracker, slot);
  return slot;
}

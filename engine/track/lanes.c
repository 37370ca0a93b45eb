#include "engine/track/lanes.h"

#include <math.h>

#include "engine/track/vector.h"

void lanes_load(const struct filter *filter, struct lanes *lanes, struct track *const tracks[WK_LANES]) {
  const double *ballistic[WK_LANES], *aircraft[WK_LANES];
  lanes->banks = 0;
  for (int i = 0; i < WK_LANES; i++) {
    ballistic[i] = tracks[i] ? tracks[i]->bank : NULL;
    aircraft[i] = tracks[i] ? tracks[i]->bank + WK_BALLISTIC_ELEMENTS : NULL;
    lanes->in_use[i] = tracks[i] ? tracks[i]->banks : 0;
    lanes->banks |= lanes->in_use[i];
  }
  if (lanes->banks & BANK_BALLISTIC) filter->kernels->ballistic_load(&lanes->ballistic, ballistic);
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_load(&lanes->aircraft, aircraft);
}

void lanes_store(const struct filter *filter, const struct lanes *lanes, struct track *const tracks[WK_LANES]) {
  double *ballistic[WK_LANES], *aircraft[WK_LANES];
  for (int i = 0; i < WK_LANES; i++) {
    ballistic[i] = tracks[i] && (tracks[i]->banks & BANK_BALLISTIC) ? tracks[i]->bank : NULL;
    aircraft[i] =
        tracks[i] && (tracks[i]->banks & BANK_AIRCRAFT) ? tracks[i]->bank + WK_BALLISTIC_ELEMENTS : NULL;
  }
  if (lanes->banks & BANK_BALLISTIC) filter->kernels->ballistic_store(&lanes->ballistic, ballistic);
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_store(&lanes->aircraft, aircraft);
}

void lanes_predict(const struct filter *filter, struct lanes *lanes, const wk_lane dt_s, const wk_lane quiet,
                   const struct wk_tuning *tuning) {
  if (lanes->banks & BANK_BALLISTIC) {
    filter->kernels->ballistic_predict(&lanes->ballistic, dt_s, quiet, tuning);
  }
  if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_predict(&lanes->aircraft, dt_s, quiet, tuning);
}

/* One lane's Gaussian: p of it and 1 - p of the other. */
static void moments_mix(double p, struct wk_gauss_block *a, const struct wk_gauss_block *b, int lane) {
  double apart[6];
  for (int i = 0; i < 6; i++) {
    apart[i] = a->e[i][lane] - b->e[i][lane];
    a->e[i][lane] = p * a->e[i][lane] + (1 - p) * b->e[i][lane];
  }
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) {
      int at = 6 + WK_AT(6, i, j);
      a->e[at][lane] = p * a->e[at][lane] + (1 - p) * b->e[at][lane] + p * (1 - p) * apart[i] * apart[j];
    }
  }
}

void lanes_moments(const struct filter *filter, const struct lanes *lanes, struct track *const tracks[WK_LANES],
                   struct wk_gauss_block *out) {
  struct wk_gauss_block aircraft;
  if (!(lanes->banks & BANK_BALLISTIC)) {
    *out = (struct wk_gauss_block){0};
    if (lanes->banks & BANK_AIRCRAFT) filter->kernels->aircraft_moments(&lanes->aircraft, out->e);
    return;
  }
  filter->kernels->ballistic_moments(&lanes->ballistic, out->e);
  if (lanes->banks == BANK_BALLISTIC) return;
  filter->kernels->aircraft_moments(&lanes->aircraft, aircraft.e);
  for (int i = 0; i < WK_LANES; i++) {
    double p = tracks[i] ? track_ballistic_probability(tracks[i]) : 1;
    if (p >= 1) continue;
    if (p > 0) {
      moments_mix(p, out, &aircraft, i);
    } else {
      for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) out->e[k][i] = aircraft.e[k][i];
    }
  }
}

static void track_summarise(struct track *track, const struct wk_gauss_block *moments, int lane, double height_m) {
  double position2 = 0, velocity2 = 0;
  for (int i = 0; i < 3; i++) {
    track->position_m[i] = moments->e[i][lane];
    track->velocity_mps[i] = moments->e[3 + i][lane];
    position2 += moments->e[6 + WK_AT(6, i, i)][lane];
    velocity2 += moments->e[6 + WK_AT(6, i + 3, i + 3)][lane];
  }
  track->sigma_position_m = sqrt(fmax(position2, 1));
  track->sigma_velocity_mps = sqrt(fmax(velocity2, 1));
  track->height_m = (float)height_m;
  /* Free fall plus felt force for the ballistic share; an aircraft is held up by its wings. */
  double p = track_ballistic_probability(track), r = vector_norm(track->position_m);
  double gravity = -3.986004418e14 / (r * r * r);
  for (int i = 0; i < 3; i++) {
    double force = track->bank[WK_B_WEIGHT] * track->bank[WK_B_BOOST_X + 6 + i];
    track->acceleration_mps2[i] = (float)(p * (gravity * track->position_m[i] + force));
  }
}

void tracks_summarise(const struct filter *filter, struct track *const tracks[WK_LANES], const struct wk_gauss_block *moments) {
  wk_lane lat_rad, lon_rad, height_m;
  filter->kernels->geodetic(lat_rad, lon_rad, height_m, moments->e[0], moments->e[1], moments->e[2], WK_LANES);
  for (int i = 0; i < WK_LANES; i++) {
    if (!tracks[i]) continue;
    track_summarise(tracks[i], moments, i, height_m[i]);
    tracks[i]->told = 0;
  }
}

void moments_put(const struct wk_gauss_block *moments, int lane, double to[WK_GAUSS_ELEMENTS]) {
  for (int k = 0; k < WK_GAUSS_ELEMENTS; k++) to[k] = moments->e[k][lane];
}

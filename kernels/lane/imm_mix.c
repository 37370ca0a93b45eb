/* Interacting multiple models: switching probabilities over dt and unbiased mixing between states of unequal
 * dimension (docs/maths.md M10 to M13). */
#include "kernels/lane/imm_mix.h"

#include "kernels/lane/imm_state.h"
#include "kernels/lane/lane_earth.h"
#include "kernels/lane/lane_math.h"

/* One sigma of each axis of the specific force at ignition: thrust over mass of anything from a heavy launcher to a
 * light upper stage lies within two of them. */
#define IGNITION_FORCE_MPS2 25.0

/* ln(CD A / m) of a body that meets the air: 3,000 kg/m^2, a factor e either way. What the re-entry mode made of its own state
 * while it explained nothing (burns, free fall in space) says nothing of the body. */
#define ENTRY_LOG_DRAG (-8.0)
#define ENTRY_LOG_DRAG_VARIANCE 1.0

enum { MIX_MODES_MAX = 3, MIX_EXTRA_MAX = 3 };

/* What a mode's extra states are for a track that enters it from a mode without them (M12). */
struct mix_entry {
  lane mean[MIX_EXTRA_MAX];
  lane variance[WK_PACKED(MIX_EXTRA_MAX)];
};

/* The mixture of the modes `from`, each with share[i], seen as mode `to` of n states (M11, M12). */
WK_INLINE void mode_mix(int n, int to, int modes, const struct imm_mode *from, const int *from_n, const lane *share,
                        const struct mix_entry *entry, struct imm_mode *mixed) {
  lane x[MIX_MODES_MAX][IMM_STATE_MAX];
  for (int a = 0; a < n; a++) {
    lane mean = lane_all(0.0);
    for (int i = 0; i < modes; i++) {
      x[i][a] = a < 6 || i == to ? from[i].x[a] : entry->mean[a - 6];
      mean = lane_fma(share[i], x[i][a], mean);
    }
    mixed->x[a] = mean;
  }
  for (int a = 0; a < n; a++) {
    for (int b = a; b < n; b++) {
      lane sum = lane_all(0.0);
      for (int i = 0; i < modes; i++) {
        lane p = (x[i][a] - mixed->x[a]) * (x[i][b] - mixed->x[b]);
        if (b < 6 || i == to) {
          p = p + from[i].p[packed_at(from_n[i], a, b)];
        } else if (a >= 6) {
          p = p + entry->variance[packed_at(n - 6, a - 6, b - 6)];
        }
        sum = lane_fma(share[i], p, sum);
      }
      mixed->p[packed_at(n, a, b)] = sum;
    }
  }
}

/* Shares of the sources in each destination, share[to][from], from switching probabilities pi[from][to]; the weights
 * become the predicted ones (M10). */
WK_INLINE void shares_mix(int modes, lane pi[MIX_MODES_MAX][MIX_MODES_MAX], lane *weight,
                          lane share[MIX_MODES_MAX][MIX_MODES_MAX]) {
  lane predicted[MIX_MODES_MAX];
  for (int to = 0; to < modes; to++) {
    predicted[to] = lane_all(0.0);
    for (int i = 0; i < modes; i++) {
      share[to][i] = pi[i][to] * weight[i];
      predicted[to] = predicted[to] + share[to][i];
    }
    for (int i = 0; i < modes; i++) share[to][i] = share[to][i] / predicted[to];
  }
  for (int to = 0; to < modes; to++) weight[to] = predicted[to];
  weights_normalise(weight, modes);
}

/* Row of switching probabilities of a mode with exit rates to two others: 1 - exp(-(sum) dt), split by the rates. */
WK_INLINE void switching_row(lane dt, lane rate_a, lane rate_b, lane *stay, lane *to_a, lane *to_b) {
  const lane total = rate_a + rate_b;
  *stay = lane_exp(-(total * dt));
  const lane leave = (lane_all(1.0) - *stay) / lane_max(total, lane_all(1e-300));
  *to_a = leave * rate_a;
  *to_b = leave * rate_b;
}

/* Where the coast mode is in its flight (M13): all ones where it descends below the re-entry altitude; the rate at which a burn
 * may begin there. */
struct flight_place {
  lane_mask settles;
  lane begin;
};

WK_INLINE struct flight_place flight_place_of(const lane *coast, const struct wk_tuning *tuning) {
  struct flight_place place;
  lane height, up[3];
  lane_height(coast, &height, up);
  const lane_mask descends = lane_less(dot3(up, coast + 3), lane_all(0.0));
  place.settles = descends & lane_less(height, lane_all(tuning->reentry_altitude_m));
  const lane air = lane_all(tuning->boost_begin_rate), space = lane_all(tuning->boost_begin_space_rate);
  const lane above = (height - lane_all(tuning->staging_altitude_m)) * lane_all(-1.0 / IMM_STAGING_SCALE_M);
  const lane climbing = lane_max(air * lane_exp(lane_min(above, lane_all(0.0))), space);
  place.begin = lane_select(descends, lane_select(place.settles, lane_all(tuning->boost_begin_fall_rate), space), climbing);
  return place;
}

WK_INLINE void ballistic_switching(const lane *coast, lane dt, const struct wk_tuning *tuning,
                                   lane pi[MIX_MODES_MAX][MIX_MODES_MAX]) {
  const struct flight_place place = flight_place_of(coast, tuning);
  const lane_mask settles = place.settles;
  const double stray = tuning->stray_rate / (tuning->settle_rate + tuning->stray_rate);
  const lane down = lane_select(settles, lane_all(1.0 - stray), lane_all(stray));
  const lane end = lane_all(tuning->boost_end_rate), begin = place.begin;
  const lane fall = lane_select(settles, lane_all(tuning->settle_rate), lane_all(tuning->stray_rate));
  const lane rise = lane_select(settles, lane_all(tuning->stray_rate), lane_all(tuning->settle_rate));
  switching_row(dt, end * (lane_all(1.0) - down), end * down, &pi[0][0], &pi[0][1], &pi[0][2]);
  switching_row(dt, begin, fall, &pi[1][1], &pi[1][0], &pi[1][2]);
  switching_row(dt, begin, rise, &pi[2][2], &pi[2][0], &pi[2][1]);
}

/* Lanes that mix at all. */
WK_INLINE lane_mask lanes_mixing(lane dt, lane quiet) {
  return lane_less(lane_all(0.0), dt) & lane_equal(quiet, lane_all(0.0));
}

WK_INLINE void ballistic_mix_at(struct wk_ballistic_block *block, int first, lane dt, lane_mask mixing,
                                const struct wk_tuning *tuning) {
  static const int n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  struct imm_mode from[3], to;
  lane weight[3], pi[3][3], share[3][3];
  mode_load(&from[0], WK_BOOST_N, &block->e[WK_B_BOOST_X], first);
  mode_load(&from[1], WK_COAST_N, &block->e[WK_B_COAST_X], first);
  mode_load(&from[2], WK_REENTRY_N, &block->e[WK_B_REENTRY_X], first);
  lanes_load(weight, &block->e[WK_B_WEIGHT], 3, first);
  ballistic_switching(from[1].x, dt, tuning, pi);
  shares_mix(3, pi, weight, share);

  const lane zero = lane_all(0.0), force = lane_all(IGNITION_FORCE_MPS2 * IGNITION_FORCE_MPS2);
  const struct mix_entry ignition = {{zero, zero, zero}, {force, zero, zero, force, zero, force}};
  const struct mix_entry reentry = {{lane_all(ENTRY_LOG_DRAG)}, {lane_all(ENTRY_LOG_DRAG_VARIANCE)}};
  mode_mix(WK_BOOST_N, 0, 3, from, n, share[0], &ignition, &to);
  mode_store_where(&to, WK_BOOST_N, &block->e[WK_B_BOOST_X], first, mixing);
  mode_mix(WK_COAST_N, 1, 3, from, n, share[1], NULL, &to);
  mode_store_where(&to, WK_COAST_N, &block->e[WK_B_COAST_X], first, mixing);
  mode_mix(WK_REENTRY_N, 2, 3, from, n, share[2], &reentry, &to);
  mode_store_where(&to, WK_REENTRY_N, &block->e[WK_B_REENTRY_X], first, mixing);
  lanes_store_where(&block->e[WK_B_WEIGHT], weight, 3, first, mixing);
}

void WK_NAME(ballistic_mix)(struct wk_ballistic_block *block, const wk_lane dt_s, const wk_lane quiet,
                            const struct wk_tuning *tuning) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = lane_load(dt_s + first);
    ballistic_mix_at(block, first, dt, lanes_mixing(dt, lane_load(quiet + first)), tuning);
  }
}

WK_INLINE void aircraft_mix_at(struct wk_aircraft_block *block, int first, lane dt, lane_mask mixing,
                               const struct wk_tuning *tuning) {
  static const int n[2] = {WK_CV_N, WK_CT_N};
  struct imm_mode from[2], to;
  lane weight[2], pi[3][3], share[3][3];
  mode_load(&from[0], WK_CV_N, &block->e[WK_A_CV_X], first);
  mode_load(&from[1], WK_CT_N, &block->e[WK_A_CT_X], first);
  lanes_load(weight, &block->e[WK_A_WEIGHT], 2, first);

  /* Two states: the exact exponential of the rate matrix. */
  const double both = tuning->turn_begin_rate + tuning->turn_end_rate;
  const lane moved = (lane_all(1.0) - lane_exp(lane_all(-both) * dt)) / lane_all(both > 0.0 ? both : 1.0);
  pi[0][1] = lane_all(tuning->turn_begin_rate) * moved;
  pi[1][0] = lane_all(tuning->turn_end_rate) * moved;
  pi[0][0] = lane_all(1.0) - pi[0][1];
  pi[1][1] = lane_all(1.0) - pi[1][0];
  shares_mix(2, pi, weight, share);

  const struct mix_entry turning = {{from[1].x[6]}, {from[1].p[packed_at(WK_CT_N, 6, 6)]}};
  mode_mix(WK_CV_N, 0, 2, from, n, share[0], NULL, &to);
  mode_store_where(&to, WK_CV_N, &block->e[WK_A_CV_X], first, mixing);
  mode_mix(WK_CT_N, 1, 2, from, n, share[1], &turning, &to);
  mode_store_where(&to, WK_CT_N, &block->e[WK_A_CT_X], first, mixing);
  lanes_store_where(&block->e[WK_A_WEIGHT], weight, 2, first, mixing);
}

void WK_NAME(aircraft_mix)(struct wk_aircraft_block *block, const wk_lane dt_s, const wk_lane quiet,
                           const struct wk_tuning *tuning) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = lane_load(dt_s + first);
    aircraft_mix_at(block, first, dt, lanes_mixing(dt, lane_load(quiet + first)), tuning);
  }
}

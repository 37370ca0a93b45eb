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

/* The elements of a covariance of position and velocity: row, column, and where they lie in that of 6, 7 and 9 states. */
struct mix_element {
  unsigned char row, column, at6, at7, at9;
};
#define MIX_ELEMENT(i, j) {i, j, WK_AT(6, i, j), WK_AT(7, i, j), WK_AT(9, i, j)}
#define MIX_ELEMENTS_FROM_3(i) MIX_ELEMENT(i, 3), MIX_ELEMENT(i, 4), MIX_ELEMENT(i, 5)
static const struct mix_element mix_elements[WK_PACKED(6)] = {
    MIX_ELEMENT(0, 0), MIX_ELEMENT(0, 1), MIX_ELEMENT(0, 2), MIX_ELEMENTS_FROM_3(0),
    MIX_ELEMENT(1, 1), MIX_ELEMENT(1, 2), MIX_ELEMENTS_FROM_3(1),
    MIX_ELEMENT(2, 2), MIX_ELEMENTS_FROM_3(2),
    MIX_ELEMENTS_FROM_3(3),
    MIX_ELEMENT(4, 4), MIX_ELEMENT(4, 5),
    MIX_ELEMENT(5, 5)};

WK_INLINE void lane_store_where(double *to, lane value, lane_mask where) {
  lane_store(to, lane_select(where, value, lane_load(to)));
}

/* The extra states e[0 ...] of a mode of n, x and then p its elements, of which the track has been in this mode with probability `own`: the
 * others enter it with this mean and variance, uncorrelated with the rest (M12). apart: own position and velocity less the mixed ones. */
WK_INLINE void extra_mix(int n, wk_lane *e, int first, lane own, lane others, const lane *apart, const lane *mean,
                         const lane *variance, lane_mask mixing) {
  wk_lane *const p = e + n;
  lane jump[MIX_EXTRA_MAX];
  for (int j = 6; j < n; j++) {
    const lane was = lane_load(e[j] + first);
    jump[j - 6] = was - mean[j - 6];
    lane_store_where(e[j] + first, lane_fma(own, was, others * mean[j - 6]), mixing);
  }
  WK_UNROLL for (int a = 0; a < 6; a++) {
    const lane shift = own * apart[a];
    WK_UNROLL for (int j = 6; j < n; j++) {
      double *const at = p[WK_AT(n, a, j)] + first;
      lane_store_where(at, lane_fma(own, lane_load(at), shift * jump[j - 6]), mixing);
    }
  }
  const lane both = own * others;
  for (int i = 6; i < n; i++) {
    for (int j = i; j < n; j++) {
      double *const at = p[WK_AT(n, i, j)] + first;
      const lane entered = lane_fma(both * jump[i - 6], jump[j - 6], others * variance[WK_AT(n - 6, i - 6, j - 6)]);
      lane_store_where(at, lane_fma(own, lane_load(at), entered), mixing);
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
    const lane per_predicted = lane_all(1.0) / predicted[to];
    for (int i = 0; i < modes; i++) share[to][i] = share[to][i] * per_predicted;
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

/* Position and velocity of the three ballistic modes, each becoming the mixture that share[to] says. The spread of the means is taken pair by
 * pair, sum_i mu_i (x_i - m)(x_i - m)' = sum_(i<k) mu_i mu_k (x_i - x_k)(x_i - x_k)', whose products serve all three (M11).
 * apart[to]: what was less what is. */
WK_INLINE void ballistic_mix_core(wk_lane *e, int first, lane share[MIX_MODES_MAX][MIX_MODES_MAX], lane apart[MIX_MODES_MAX][6],
                                  lane_mask mixing) {
  static const int at[3] = {WK_B_BOOST_X, WK_B_COAST_X, WK_B_REENTRY_X};
  lane between[3][6], pair[3][3]; /* boost and coast, boost and re-entry, coast and re-entry */
  for (int a = 0; a < 6; a++) {
    const lane boost = lane_load(e[WK_B_BOOST_X + a] + first), coast = lane_load(e[WK_B_COAST_X + a] + first);
    const lane reentry = lane_load(e[WK_B_REENTRY_X + a] + first);
    between[0][a] = boost - coast;
    between[1][a] = boost - reentry;
    between[2][a] = coast - reentry;
    apart[0][a] = lane_fma(share[0][1], between[0][a], share[0][2] * between[1][a]);
    apart[1][a] = lane_fnma(share[1][0], between[0][a], share[1][2] * between[2][a]);
    apart[2][a] = -lane_fma(share[2][0], between[1][a], share[2][1] * between[2][a]);
    lane_store_where(e[at[0] + a] + first, boost - apart[0][a], mixing);
    lane_store_where(e[at[1] + a] + first, coast - apart[1][a], mixing);
    lane_store_where(e[at[2] + a] + first, reentry - apart[2][a], mixing);
  }
  for (int to = 0; to < 3; to++) {
    pair[to][0] = share[to][0] * share[to][1];
    pair[to][1] = share[to][0] * share[to][2];
    pair[to][2] = share[to][1] * share[to][2];
  }
  for (int i = 0; i < WK_PACKED(6); i++) {
    const struct mix_element *m = &mix_elements[i];
    double *const to[3] = {e[WK_B_BOOST_P + m->at9] + first, e[WK_B_COAST_P + m->at6] + first,
                           e[WK_B_REENTRY_P + m->at7] + first};
    const lane p0 = lane_load(to[0]), p1 = lane_load(to[1]), p2 = lane_load(to[2]);
    const lane d0 = between[0][m->row] * between[0][m->column], d1 = between[1][m->row] * between[1][m->column],
               d2 = between[2][m->row] * between[2][m->column];
    WK_UNROLL for (int k = 0; k < 3; k++) {
      const lane inner = lane_fma(share[k][0], p0, lane_fma(share[k][1], p1, share[k][2] * p2));
      const lane spread = lane_fma(pair[k][0], d0, lane_fma(pair[k][1], d1, pair[k][2] * d2));
      lane_store_where(to[k], inner + spread, mixing);
    }
  }
}

WK_INLINE void ballistic_mix_at(struct wk_ballistic_block *block, int first, lane dt, lane_mask mixing,
                                const struct wk_tuning *tuning) {
  lane coast[6], weight[3], pi[3][3], share[3][3], apart[3][6];
  lanes_load(coast, &block->e[WK_B_COAST_X], 6, first);
  lanes_load(weight, &block->e[WK_B_WEIGHT], 3, first);
  ballistic_switching(coast, dt, tuning, pi);
  shares_mix(3, pi, weight, share);
  ballistic_mix_core(block->e, first, share, apart, mixing);

  const lane zero = lane_all(0.0), force = lane_all(IGNITION_FORCE_MPS2 * IGNITION_FORCE_MPS2);
  const lane ignition[3] = {zero, zero, zero}, ignition_variance[6] = {force, zero, zero, force, zero, force};
  const lane entry = lane_all(ENTRY_LOG_DRAG), entry_variance = lane_all(ENTRY_LOG_DRAG_VARIANCE);
  extra_mix(WK_BOOST_N, &block->e[WK_B_BOOST_X], first, share[0][0], share[0][1] + share[0][2], apart[0], ignition,
            ignition_variance, mixing);
  extra_mix(WK_REENTRY_N, &block->e[WK_B_REENTRY_X], first, share[2][2], share[2][0] + share[2][1], apart[2], &entry,
            &entry_variance, mixing);
  lanes_store_where(&block->e[WK_B_WEIGHT], weight, 3, first, mixing);
}

void WK_NAME(ballistic_mix)(struct wk_ballistic_block *block, const wk_lane dt_s, const wk_lane quiet,
                            const struct wk_tuning *tuning) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = lane_load(dt_s + first);
    ballistic_mix_at(block, first, dt, lanes_mixing(dt, lane_load(quiet + first)), tuning);
  }
}

/* The same for the two modes of an aircraft. */
WK_INLINE void aircraft_mix_core(wk_lane *e, int first, lane share[MIX_MODES_MAX][MIX_MODES_MAX], lane *turn_apart,
                                 lane_mask mixing) {
  lane between[6], pair[2];
  for (int a = 0; a < 6; a++) {
    const lane level = lane_load(e[WK_A_CV_X + a] + first), turn = lane_load(e[WK_A_CT_X + a] + first);
    between[a] = level - turn;
    turn_apart[a] = -(share[1][0] * between[a]);
    lane_store_where(e[WK_A_CV_X + a] + first, lane_fnma(share[0][1], between[a], level), mixing);
    lane_store_where(e[WK_A_CT_X + a] + first, turn - turn_apart[a], mixing);
  }
  for (int to = 0; to < 2; to++) pair[to] = share[to][0] * share[to][1];
  for (int i = 0; i < WK_PACKED(6); i++) {
    const struct mix_element *m = &mix_elements[i];
    double *const to[2] = {e[WK_A_CV_P + m->at6] + first, e[WK_A_CT_P + m->at7] + first};
    const lane p0 = lane_load(to[0]), p1 = lane_load(to[1]), d = between[m->row] * between[m->column];
    WK_UNROLL for (int k = 0; k < 2; k++) {
      lane_store_where(to[k], lane_fma(share[k][0], p0, lane_fma(share[k][1], p1, pair[k] * d)), mixing);
    }
  }
}

WK_INLINE void aircraft_mix_at(struct wk_aircraft_block *block, int first, lane dt, lane_mask mixing,
                               const struct wk_tuning *tuning) {
  lane weight[2], pi[3][3], share[3][3], apart[6];
  lanes_load(weight, &block->e[WK_A_WEIGHT], 2, first);

  /* Two states: the exact exponential of the rate matrix. */
  const double both = tuning->turn_begin_rate + tuning->turn_end_rate;
  const lane moved = (lane_all(1.0) - lane_exp(lane_all(-both) * dt)) / lane_all(both > 0.0 ? both : 1.0);
  pi[0][1] = lane_all(tuning->turn_begin_rate) * moved;
  pi[1][0] = lane_all(tuning->turn_end_rate) * moved;
  pi[0][0] = lane_all(1.0) - pi[0][1];
  pi[1][1] = lane_all(1.0) - pi[1][0];
  shares_mix(2, pi, weight, share);
  aircraft_mix_core(block->e, first, share, apart, mixing);

  const lane turn = lane_load(block->e[WK_A_CT_X + 6] + first);
  const lane variance = lane_load(block->e[WK_A_CT_P + WK_AT(WK_CT_N, 6, 6)] + first);
  extra_mix(WK_CT_N, &block->e[WK_A_CT_X], first, share[1][1], share[1][0], apart, &turn, &variance, mixing);
  lanes_store_where(&block->e[WK_A_WEIGHT], weight, 2, first, mixing);
}

void WK_NAME(aircraft_mix)(struct wk_aircraft_block *block, const wk_lane dt_s, const wk_lane quiet,
                           const struct wk_tuning *tuning) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = lane_load(dt_s + first);
    aircraft_mix_at(block, first, dt, lanes_mixing(dt, lane_load(quiet + first)), tuning);
  }
}

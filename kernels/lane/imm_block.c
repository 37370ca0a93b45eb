/* Records to lane blocks and back, and the moments of a bank's mixture (docs/maths.md M19). */
#include "kernels/lane/imm_state.h"
#include "kernels/lane/variant.h"

/* Records are element after element, a block is lane after lane: a transposition, of squares of WK_WIDTH by WK_WIDTH in registers,
 * since what is stored element by element can't be loaded as a vector until it has reached the cache. The last square ends with the
 * record; what it has in common with the one before is done twice. */
#if WK_WIDTH == 8
/* In by halves of four elements, two records' in a register: a third of the exchanges is done by the loads, which have units of their
 * own. Out so it takes longer: twice as many stores. */
WK_INLINE __m512d halves_load(const double *low, const double *high) {
  return _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(low)), _mm256_loadu_pd(high), 1);
}
WK_INLINE void square_load(wk_lane *e, const double *const *from, int at, int first) {
  for (int i = at; i < at + 8; i += 4) {
    const __m512d a = halves_load(from[0] + i, from[2] + i), b = halves_load(from[1] + i, from[3] + i);
    const __m512d c = halves_load(from[4] + i, from[6] + i), d = halves_load(from[5] + i, from[7] + i);
    const __m512d ab = _mm512_unpacklo_pd(a, b), ab_odd = _mm512_unpackhi_pd(a, b);
    const __m512d cd = _mm512_unpacklo_pd(c, d), cd_odd = _mm512_unpackhi_pd(c, d);
    lane_store(e[i] + first, (lane)_mm512_shuffle_f64x2(ab, cd, 0x88));
    lane_store(e[i + 1] + first, (lane)_mm512_shuffle_f64x2(ab_odd, cd_odd, 0x88));
    lane_store(e[i + 2] + first, (lane)_mm512_shuffle_f64x2(ab, cd, 0xdd));
    lane_store(e[i + 3] + first, (lane)_mm512_shuffle_f64x2(ab_odd, cd_odd, 0xdd));
  }
}
#else
WK_INLINE void square_load(wk_lane *e, const double *const *from, int at, int first) {
  lane row[WK_WIDTH];
  for (int l = 0; l < WK_WIDTH; l++) row[l] = lane_load(from[l] + at);
  lanes_transpose(row);
  for (int i = 0; i < WK_WIDTH; i++) lane_store(e[at + i] + first, row[i]);
}
#endif
WK_INLINE void square_store(const wk_lane *e, double *const *to, int at, int first) {
  lane row[WK_WIDTH];
  for (int i = 0; i < WK_WIDTH; i++) row[i] = lane_load(e[at + i] + first);
  lanes_transpose(row);
  for (int l = 0; l < WK_WIDTH; l++) {
    if (to[l]) lane_store(to[l] + at, row[l]);
  }
}
WK_INLINE int square_at(int i, int count) { return i + WK_WIDTH <= count ? i : count - WK_WIDTH; }

WK_INLINE void records_load(wk_lane *e, int count, const double *const record[WK_LANES]) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const double *from[WK_WIDTH];
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference) record[0] is there (wk.h)
    for (int l = 0; l < WK_WIDTH; l++) from[l] = record[first + l] ? record[first + l] : record[0];
    for (int i = 0; i < count; i += WK_WIDTH) square_load(e, from, square_at(i, count), first);
  }
}
WK_INLINE void records_store(const wk_lane *e, int count, double *const record[WK_LANES]) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    for (int i = 0; i < count; i += WK_WIDTH) square_store(e, record + first, square_at(i, count), first);
  }
}

void WK_NAME(ballistic_load)(struct wk_ballistic_block *block, const double *const record[WK_LANES]) {
  records_load(block->e, WK_BALLISTIC_ELEMENTS, record);
}
void WK_NAME(ballistic_store)(const struct wk_ballistic_block *block, double *const record[WK_LANES]) {
  records_store(block->e, WK_BALLISTIC_ELEMENTS, record);
}
void WK_NAME(aircraft_load)(struct wk_aircraft_block *block, const double *const record[WK_LANES]) {
  records_load(block->e, WK_AIRCRAFT_ELEMENTS, record);
}
void WK_NAME(aircraft_store)(const struct wk_aircraft_block *block, double *const record[WK_LANES]) {
  records_store(block->e, WK_AIRCRAFT_ELEMENTS, record);
}

_Static_assert(offsetof(struct wk_measure_block, present) == WK_MEASURE_ELEMENTS * sizeof(wk_lane), "a record is all that stands before it");

void WK_NAME(measure_load)(struct wk_measure_block *block, const double *const record[WK_LANES], const uint8_t present[WK_LANES]) {
  static const double bits[16][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {1, 0, 1, 0},
                                     {0, 1, 1, 0}, {1, 1, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 1}, {0, 1, 0, 1}, {1, 1, 0, 1},
                                     {0, 0, 1, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 1}};
  records_load((wk_lane *)block, WK_MEASURE_ELEMENTS, record);
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    int64_t at[WK_WIDTH];
    lane_word row;
    lane is[4];
    for (int l = 0; l < WK_WIDTH; l++) at[l] = present[record[first + l] ? first + l : 0] & 15;
    memcpy(&row, at, sizeof row);
    lanes_look_up(bits, row, is);
    lanes_store(block->present, is, 4, first);
  }
}

/* Mean and covariance of position and velocity over the modes, the spread of the means included. Written out, or the place of an element
 * in each mode's half of a matrix would be multiplied out anew every time. */
WK_INLINE void modes_moments(int modes, const int *n, const wk_lane *const *x, const wk_lane *weights, int first,
                             wk_lane *moments) {
  lane weight[3], apart[3][6];
  lanes_load(weight, weights, modes, first);
  WK_UNROLL for (int a = 0; a < 6; a++) {
    lane mean = lane_all(0.0);
    WK_UNROLL for (int m = 0; m < modes; m++) mean = lane_fma(weight[m], lane_load(x[m][a] + first), mean);
    WK_UNROLL for (int m = 0; m < modes; m++) apart[m][a] = lane_load(x[m][a] + first) - mean;
    lane_store(moments[a] + first, mean);
  }
  WK_UNROLL for (int a = 0; a < 6; a++) {
    WK_UNROLL for (int b = a; b < 6; b++) {
      lane sum = lane_all(0.0);
      WK_UNROLL for (int m = 0; m < modes; m++) {
        const lane p = lane_load(x[m][n[m] + packed_at(n[m], a, b)] + first);
        sum = lane_fma(weight[m], lane_fma(apart[m][a], apart[m][b], p), sum);
      }
      lane_store(moments[6 + packed_at(6, a, b)] + first, sum);
    }
  }
}

void WK_NAME(ballistic_moments)(const struct wk_ballistic_block *block, wk_lane moments[27]) {
  static const int n[3] = {WK_BOOST_N, WK_COAST_N, WK_REENTRY_N};
  const wk_lane *const x[3] = {&block->e[WK_B_BOOST_X], &block->e[WK_B_COAST_X], &block->e[WK_B_REENTRY_X]};
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    modes_moments(3, n, x, &block->e[WK_B_WEIGHT], first, moments);
  }
}

void WK_NAME(aircraft_moments)(const struct wk_aircraft_block *block, wk_lane moments[27]) {
  static const int n[2] = {WK_CV_N, WK_CT_N};
  const wk_lane *const x[2] = {&block->e[WK_A_CV_X], &block->e[WK_A_CT_X]};
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    modes_moments(2, n, x, &block->e[WK_A_WEIGHT], first, moments);
  }
}

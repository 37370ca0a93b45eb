/* What a measurement says of a Gaussian of position and velocity: how far it lies from what was expected (docs/maths.md T14). */
#include "kernels/lane/imm_ekf.h"
#include "kernels/lane/variant.h"

enum { INNOVATION_N = 6 };

WK_INLINE void innovation_kind(enum wk_kind kind, const struct wk_gauss_block *block, const struct wk_measure_block *measure,
                               wk_lane distance2) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    struct measure m;
    struct imm_mode s;
    struct ekf e;
    measure_load(&m, kind, measure, first);
    measure_turn(&m, kind);
    mode_load(&s, INNOVATION_N, block->e, first);
    ekf_begin(&e, kind, &m, s.x);
    WK_UNROLL for (int c = 0; c < measure_components(kind); c++) ekf_component(&e, kind, INNOVATION_N, c, &m, s.p, 1);
    const lane_mask sane = lane_not(lane_less(e.distance2, lane_all(0.0))) & lane_less(e.distance2, lane_all(UPDATE_ABSURD));
    lane_store(distance2 + first, lane_select(sane, e.distance2, lane_all(UPDATE_ABSURD)));
  }
}

void WK_NAME(gauss_innovation)(const struct wk_gauss_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                               wk_lane distance2) {
  switch (kind) {
  case WK_RADAR: innovation_kind(WK_RADAR, block, measure, distance2); break;
  case WK_RADAR2D: innovation_kind(WK_RADAR2D, block, measure, distance2); break;
  case WK_LOS: innovation_kind(WK_LOS, block, measure, distance2); break;
  case WK_POSITION: innovation_kind(WK_POSITION, block, measure, distance2); break;
  case WK_KINDS: break;
  }
}

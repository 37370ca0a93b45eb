#include "bench/ekf_lane.h"

#include "kernels/lane/imm_ekf.h"
#include "kernels/lane/imm_step.h"

void WK_NAME(ekf_coast)(struct wk_gauss_block *block, const struct wk_measure_block *measure, const wk_lane dt_s, double gate,
                        const struct wk_tuning *tuning) {
  for (int first = 0; first < WK_LANES; first += WK_WIDTH) {
    const lane dt = dt_bound(lane_load(dt_s + first));
    struct measure m;
    struct imm_mode s;
    struct mode_evidence evidence;
    mode_predict(WK_COAST, block->e, first, dt, lanes_noisy(dt, lane_all(0.0)), tuning);
    measure_load(&m, WK_RADAR, measure, first);
    measure_turn(&m, WK_RADAR);
    mode_load(&s, 6, block->e, first);
    mode_update(WK_RADAR, 6, &m, &s, &evidence);
    mode_store_where(&s, 6, block->e, first, lane_less(evidence.distance2, lane_all(gate)));
  }
}

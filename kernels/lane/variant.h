/* What every instruction set must provide: one function per entry of struct wk_table, named <entry>_<variant>
 * (ballistic_load_v3). */
#ifndef WK_VARIANT_H
#define WK_VARIANT_H

#include "kernels/lane/lane.h"

/* load, store: records to lanes and back. */
void WK_NAME(ballistic_load)(struct wk_ballistic_block *block, const double *const record[WK_LANES]);
void WK_NAME(ballistic_store)(const struct wk_ballistic_block *block, double *const record[WK_LANES]);
void WK_NAME(aircraft_load)(struct wk_aircraft_block *block, const double *const record[WK_LANES]);
void WK_NAME(aircraft_store)(const struct wk_aircraft_block *block, double *const record[WK_LANES]);
void WK_NAME(measure_load)(struct wk_measure_block *block, const double *const record[WK_LANES], const uint8_t present[WK_LANES]);

void WK_NAME(ballistic_predict)(struct wk_ballistic_block *block, const wk_lane dt_s, const wk_lane quiet,
                                const struct wk_tuning *tuning);
void WK_NAME(aircraft_predict)(struct wk_aircraft_block *block, const wk_lane dt_s, const wk_lane quiet,
                               const struct wk_tuning *tuning);
void WK_NAME(ballistic_update)(struct wk_ballistic_block *block, enum wk_kind kind,
                               const struct wk_measure_block *measure, const wk_lane enable,
                               struct wk_evidence_block *evidence);
void WK_NAME(aircraft_update)(struct wk_aircraft_block *block, enum wk_kind kind,
                              const struct wk_measure_block *measure, const wk_lane enable,
                              struct wk_evidence_block *evidence);
void WK_NAME(ballistic_update_sigma)(struct wk_ballistic_block *block, enum wk_kind kind,
                                     const struct wk_measure_block *measure, const wk_lane enable,
                                     struct wk_evidence_block *evidence);
void WK_NAME(aircraft_update_sigma)(struct wk_aircraft_block *block, enum wk_kind kind,
                                    const struct wk_measure_block *measure, const wk_lane enable,
                                    struct wk_evidence_block *evidence);
void WK_NAME(ballistic_bend)(const struct wk_ballistic_block *block, enum wk_kind kind,
                             const struct wk_measure_block *measure, wk_lane bend);
void WK_NAME(aircraft_bend)(const struct wk_aircraft_block *block, enum wk_kind kind,
                            const struct wk_measure_block *measure, wk_lane bend);
void WK_NAME(ballistic_moments)(const struct wk_ballistic_block *block, wk_lane moments[27]);
void WK_NAME(aircraft_moments)(const struct wk_aircraft_block *block, wk_lane moments[27]);

void WK_NAME(fall)(struct wk_fall_block *blocks, size_t count, double limit_s);

void WK_NAME(gauss_predict)(struct wk_gauss_block *block, enum wk_mode mode, const wk_lane dt_s,
                            const wk_lane accel_mps2, const struct wk_tuning *tuning);
void WK_NAME(gauss_distance)(const double one[WK_GAUSS_ELEMENTS], const struct wk_gauss_block *many,
                             wk_lane distance2, wk_lane log_likelihood);
void WK_NAME(gauss_intersect)(const struct wk_gauss_block *a, const struct wk_gauss_block *b,
                              struct wk_gauss_block *out, wk_lane weight);
void WK_NAME(gauss_innovation)(const struct wk_gauss_block *block, enum wk_kind kind,
                               const struct wk_measure_block *measure, wk_lane distance2);

void WK_NAME(linear_step)(struct wk_linear_block *blocks, size_t count, double accel_psd, double gate);

/* Functions of arrays. */
void WK_NAME(array_sin)(double *out, const double *in, size_t n);
void WK_NAME(array_cos)(double *out, const double *in, size_t n);
void WK_NAME(array_exp)(double *out, const double *in, size_t n);
void WK_NAME(array_log)(double *out, const double *in, size_t n);
void WK_NAME(array_atan2)(double *out, const double *y, const double *x, size_t n);
void WK_NAME(array_geodetic)(double *lat_rad, double *lon_rad, double *height_m, const double *x,
                             const double *y, const double *z, size_t n);
void WK_NAME(array_gravity)(double *gx, double *gy, double *gz, const double *x, const double *y,
                            const double *z, size_t n);
void WK_NAME(array_density)(double *rho, const double *height_m, size_t n);

extern const struct wk_table WK_NAME(wk_table);

#endif

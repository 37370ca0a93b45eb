/* The table of this instruction set. */
#include "kernels/lane/variant.h"

#define TEXT2(name) #name
#define TEXT(name) TEXT2(name)

const struct wk_table WK_NAME(wk_table) = {
    .name = TEXT(WK_VARIANT),
    .ballistic_load = WK_NAME(ballistic_load),
    .ballistic_store = WK_NAME(ballistic_store),
    .aircraft_load = WK_NAME(aircraft_load),
    .aircraft_store = WK_NAME(aircraft_store),
    .measure_load = WK_NAME(measure_load),
    .ballistic_predict = WK_NAME(ballistic_predict),
    .aircraft_predict = WK_NAME(aircraft_predict),
    .ballistic_update = WK_NAME(ballistic_update),
    .aircraft_update = WK_NAME(aircraft_update),
    .ballistic_update_sigma = WK_NAME(ballistic_update_sigma),
    .aircraft_update_sigma = WK_NAME(aircraft_update_sigma),
    .ballistic_bend = WK_NAME(ballistic_bend),
    .aircraft_bend = WK_NAME(aircraft_bend),
    .ballistic_moments = WK_NAME(ballistic_moments),
    .aircraft_moments = WK_NAME(aircraft_moments),
    .fall = WK_NAME(fall),
    .gauss_predict = WK_NAME(gauss_predict),
    .gauss_distance = WK_NAME(gauss_distance),
    .gauss_intersect = WK_NAME(gauss_intersect),
    .gauss_innovation = WK_NAME(gauss_innovation),
    .linear_step = WK_NAME(linear_step),
    .sin = WK_NAME(array_sin),
    .cos = WK_NAME(array_cos),
    .exp = WK_NAME(array_exp),
    .log = WK_NAME(array_log),
    .atan2 = WK_NAME(array_atan2),
    .geodetic = WK_NAME(array_geodetic),
    .gravity = WK_NAME(array_gravity),
    .density = WK_NAME(array_density),
};

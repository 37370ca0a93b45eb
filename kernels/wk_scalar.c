/* One value at a time: the lane bodies with one lane, so that set-up code and the hot path agree to the bit.
 */
#define WK_WIDTH 1
#include "kernels/lane/lane_earth.h"

double wk_sin(double x) {
  return lane_sin(x);
}
double wk_cos(double x) {
  return lane_cos(x);
}
void wk_sincos(double x, double *sine, double *cosine) {
  lane_sincos(x, sine, cosine);
}
double wk_exp(double x) {
  return lane_exp(x);
}
double wk_log(double x) {
  return lane_log(x);
}
double wk_atan2(double y, double x) {
  return lane_atan2(y, x);
}

void wk_geodetic_from_ecef(const double ecef_m[3], double *lat_rad, double *lon_rad, double *height_m) {
  lane_geodetic(ecef_m, lat_rad, lon_rad, height_m);
}
void wk_ecef_from_geodetic(double lat_rad, double lon_rad, double height_m, double ecef_m[3]) {
  lane_ecef(lat_rad, lon_rad, height_m, ecef_m);
}
void wk_enu_rows(double lat_rad, double lon_rad, double enu[9]) {
  lane_enu(lat_rad, lon_rad, enu);
}

/* Geodesy, gravity and atmosphere over columns of points. */
#include "kernels/lane/lane_earth.h"
#include "kernels/lane/variant.h"

/* Reads `count` values (at most WK_WIDTH) and fills up with a harmless one. */
static lane column_load(const double *p, size_t count) {
  double padded[WK_WIDTH];
  for (size_t j = 0; j < WK_WIDTH; j++) padded[j] = j < count ? p[j] : 7e6;
  return lane_load(padded);
}
static void column_store(double *p, lane v, size_t count) {
  double padded[WK_WIDTH];
  lane_store(padded, v);
  memcpy(p, padded, count * sizeof *p);
}

void WK_NAME(array_geodetic)(double *lat_rad, double *lon_rad, double *height_m, const double *x,
                             const double *y, const double *z, size_t n) {
  lane p[3], lat, lon, height;
  size_t i = 0;
  for (; i + WK_WIDTH <= n; i += WK_WIDTH) {
    p[0] = lane_load(x + i), p[1] = lane_load(y + i), p[2] = lane_load(z + i);
    lane_geodetic(p, &lat, &lon, &height);
    lane_store(lat_rad + i, lat), lane_store(lon_rad + i, lon), lane_store(height_m + i, height);
  }
  if (i == n) return;
  p[0] = column_load(x + i, n - i), p[1] = column_load(y + i, n - i), p[2] = column_load(z + i, n - i);
  lane_geodetic(p, &lat, &lon, &height);
  column_store(lat_rad + i, lat, n - i), column_store(lon_rad + i, lon, n - i),
      column_store(height_m + i, height, n - i);
}

void WK_NAME(array_gravity)(double *gx, double *gy, double *gz, const double *x, const double *y,
                            const double *z, size_t n) {
  lane p[3], g[3];
  size_t i = 0;
  for (; i + WK_WIDTH <= n; i += WK_WIDTH) {
    p[0] = lane_load(x + i), p[1] = lane_load(y + i), p[2] = lane_load(z + i);
    lane_gravity(p, g);
    lane_store(gx + i, g[0]), lane_store(gy + i, g[1]), lane_store(gz + i, g[2]);
  }
  if (i == n) return;
  p[0] = column_load(x + i, n - i), p[1] = column_load(y + i, n - i), p[2] = column_load(z + i, n - i);
  lane_gravity(p, g);
  column_store(gx + i, g[0], n - i), column_store(gy + i, g[1], n - i), column_store(gz + i, g[2], n - i);
}

void WK_NAME(array_density)(double *rho, const double *height_m, size_t n) {
  size_t i = 0;
  for (; i + WK_WIDTH <= n; i += WK_WIDTH) lane_store(rho + i, lane_density(lane_load(height_m + i)));
  if (i < n) column_store(rho + i, lane_density(column_load(height_m + i, n - i)), n - i);
}

/* The earth once more, in textbook form: long double, libm, loops to convergence. The oracle of
 * kernels/lane/lane_earth.h; nothing is shared with it but the defining constants. */
#ifndef REF_EARTH_H
#define REF_EARTH_H

/* WGS-84 geodetic latitude and longitude (rad) and height (m) of an ECEF point (m), |p| >= 1e6 m. */
void ref_geodetic(const double ecef_m[3], double *lat_rad, double *lon_rad, double *height_m);
/* ECEF (m) of a geodetic point. */
void ref_ecef(double lat_rad, double lon_rad, double height_m, double ecef_m[3]);
/* Gravitational potential (m^2/s^2, positive), central term and J2. */
long double ref_potential(const long double ecef_m[3]);
/* Gravitation (m/s^2): the potential's derivatives in spherical coordinates, turned to ECEF. */
void ref_gravity(const double ecef_m[3], double gravity_mps2[3]);

/* US Standard Atmosphere 1976 from its defining layers, -5 to 86 km geometric height. Any output may be NULL.
 */
void ref_air(double height_m, double *temperature_k, double *pressure_pa, double *density_kgpm3);

/* Densities that the standard prints for 86 km and above. */
struct ref_air_row {
  double height_m, density_kgpm3;
};
enum { REF_AIR_ROWS = 44 };
extern const struct ref_air_row ref_air_published[REF_AIR_ROWS];

#endif

/* The generator's own Earth: WGS-84 ellipsoid, gravity to J2, rotation. Written apart from the kernels on purpose, so that a
 * mistake in one does not hide in the other. ECEF axes, metres, seconds; angles in radians unless a name says deg. */
#ifndef WEFT_SALVO_EARTH_H
#define WEFT_SALVO_EARTH_H

#include <stdbool.h>

#define EARTH_A_M 6378137.0
#define EARTH_F (1.0 / 298.257223563)
#define EARTH_GM 3.986004418e14 /* m^3/s^2 */
#define EARTH_J2 1.082629821e-3 /* WGS-84: sqrt(5) times 4.84166774985e-4 */
#define EARTH_RATE 7.292115e-5  /* rad/s */
#define SALVO_PI 3.14159265358979323846
#define SALVO_DEG (SALVO_PI / 180.0)

struct earth_geodetic {
  double lat_rad, lon_rad, height_m;
};

/* Geodetic from ECEF and back. Fixed-point iteration on the latitude, good to below a micrometre from -10 km to 1e8 m. */
struct earth_geodetic earth_geodetic(const double ecef_m[3]);
void earth_ecef(struct earth_geodetic at, double ecef_m[3]);
void earth_ecef_deg(double lat_deg, double lon_deg, double height_m, double ecef_m[3]);

/* Unit vectors east, north, up at a geodetic position, as rows in ECEF. */
void earth_enu(double lat_rad, double lon_rad, double enu[3][3]);

/* Acceleration of a free body seen in the rotating frame: gravity to J2, centrifugal, Coriolis (m/s^2). */
void earth_free_fall(const double r[3], const double v[3], double a[3]);

/* True where the straight line between two points passes through the ellipsoid (no refraction). */
bool earth_blocks(const double from_m[3], const double to_m[3]);

/* Azimuth (0 to 2 pi, clockwise from north at `from`) and length of the straight chord between two points of the ellipsoid.
 * Together they name the end point, which is all that aiming needs. */
void earth_chord(struct earth_geodetic from, const double to_m[3], double *azimuth_rad, double *length_m);

double vec_dot(const double a[3], const double b[3]);
double vec_norm(const double a[3]);

#endif

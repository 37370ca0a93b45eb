/* WGS-84 and plain mechanics for judging tracks; written apart from the engine's kernels on purpose. */
#ifndef WEFT_SCORE_EARTH_H
#define WEFT_SCORE_EARTH_H

struct place {
  double lat_deg, lon_deg, height_m; /* geodetic, above the ellipsoid */
};

/* ECEF position (m) from a place, and back (Bowring's start, then iterated; below 1e-6 m to 1e8 m of height).
 */
void earth_position(struct place place, double position_m[3]);
struct place earth_place(const double position_m[3]);

/* East and north (m) of `other` as seen from `here` on the surface: azimuthal equidistant on the sphere of
 * the mean local radius. Within 0.3 % to a few hundred km: these are errors, not distances. */
void earth_offset(struct place here, struct place other, double *east_m, double *north_m);

/* Moves an ECEF state by `dt_s` under gravity with J2 in the rotating frame, no drag; Runge-Kutta, steps of
 * at most 2 s. */
void earth_fall(double position_m[3], double velocity_mps[3], double dt_s);

#endif

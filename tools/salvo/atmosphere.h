/* US Standard Atmosphere 1976 for the generator, from the standard's own definition below 86 km (seven layers of
 * geopotential height) and log-linear between the standard's tabulated densities from there to 1000 km. */
#ifndef WEFT_SALVO_ATMOSPHERE_H
#define WEFT_SALVO_ATMOSPHERE_H

struct atmosphere {
  double density_kgpm3;
  double sound_mps; /* speed of sound; held at its 86 km value above, where it means little */
};

/* At a geometric height in metres, -5 km to 1000 km; below the range it is extended, above it the density is 0. */
struct atmosphere atmosphere_at(double height_m);

#endif

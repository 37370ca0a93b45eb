/* The lowest point that a body in free flight would pass, and how well its state says so: what tells an
 * object in orbit from one that comes down (docs/maths.md T8, W18). */
#ifndef WEFT_DOMAIN_ORBIT_H
#define WEFT_DOMAIN_ORBIT_H

/* Above the equator's radius. */
struct perigee {
  double height_m, sigma_m;
};

/* Where the air begins to bring things down within days: lower than this a body is not in orbit. */
#define ORBIT_PERIGEE_LEAST_M 120000.0

/* Mean and standard deviation over the state's Gaussian, by 12 points sqrt(6) sigma from the centre. `state`:
 * position, velocity, ECEF (rotating), SI; `covariance`: its upper triangle by rows. 2,000 km
 * of depth with sigma 0 where the centre's perigee is deeper, or its orbit open, which no known body's is. */
struct perigee perigee_of(const double state[6], const double covariance[21]);

/* How many sigmas the perigee lies above ORBIT_PERIGEE_LEAST_M; +-100 at most. */
double perigee_margin(const struct perigee *perigee);

#endif

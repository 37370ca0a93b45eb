/* wk: the kernels of weft. Pure mathematics over flat arrays; no allocation, no I/O, no state. Everything is double
 * precision, SI units, radians, ECEF axes (WGS-84) unless a name says otherwise. Equation numbers refer to docs/maths.md.
 *
 * Results are bit-identical between the variants (scalar, AVX2, AVX-512) and between lanes: a lane never sees its
 * neighbours, no libm is used, every fused multiply-add is explicit. */
#ifndef WK_H
#define WK_H

#include <stddef.h>
#include <stdint.h>

enum { WK_LANES = 8 };
typedef double wk_lane[WK_LANES] __attribute__((aligned(64)));

/* Packed symmetric n x n: the upper triangle by rows. */
#define WK_PACKED(n) ((n) * ((n) + 1) / 2)
#define WK_AT(n, i, j) ((i) * (n) - (i) * ((i)-1) / 2 + (j) - (i)) /* i <= j */

/* Motion modes. The ballistic bank mixes the first three among themselves, the aircraft bank the last two. */
enum wk_mode { WK_BOOST, WK_COAST, WK_REENTRY, WK_CV, WK_CT, WK_MODES };
/* States. All begin with position (m) and velocity (m/s), ECEF. Boost adds the specific force (m/s^2, ECEF, what an
 * accelerometer would feel less gravity: thrust and drag together); re-entry adds ln(CD A / m) (ln m^2/kg), the log
 * inverse ballistic coefficient; coordinated turn adds the turn rate about the local vertical (rad/s, positive to the
 * left seen from above). */
enum { WK_BOOST_N = 9, WK_COAST_N = 6, WK_REENTRY_N = 7, WK_CV_N = 6, WK_CT_N = 7 };

/* Offsets of elements in a bank: for each mode its state then its packed covariance; last the mode weights. */
enum {
  WK_B_BOOST_X = 0,
  WK_B_BOOST_P = WK_B_BOOST_X + WK_BOOST_N,
  WK_B_COAST_X = WK_B_BOOST_P + WK_PACKED(WK_BOOST_N),
  WK_B_COAST_P = WK_B_COAST_X + WK_COAST_N,
  WK_B_REENTRY_X = WK_B_COAST_P + WK_PACKED(WK_COAST_N),
  WK_B_REENTRY_P = WK_B_REENTRY_X + WK_REENTRY_N,
  WK_B_WEIGHT = WK_B_REENTRY_P + WK_PACKED(WK_REENTRY_N), /* boost, coast, re-entry; sum 1 */
  WK_BALLISTIC_ELEMENTS = WK_B_WEIGHT + 3,                /* 119 */
  WK_A_CV_X = 0,
  WK_A_CV_P = WK_A_CV_X + WK_CV_N,
  WK_A_CT_X = WK_A_CV_P + WK_PACKED(WK_CV_N),
  WK_A_CT_P = WK_A_CT_X + WK_CT_N,
  WK_A_WEIGHT = WK_A_CT_P + WK_PACKED(WK_CT_N), /* constant velocity, turn; sum 1 */
  WK_AIRCRAFT_ELEMENTS = WK_A_WEIGHT + 2,       /* 64 */
  WK_TRACK_ELEMENTS = WK_BALLISTIC_ELEMENTS + WK_AIRCRAFT_ELEMENTS /* ballistic bank first: 183 */
};

/* Eight tracks' banks, element-major. */
struct wk_ballistic_block {
  wk_lane e[WK_BALLISTIC_ELEMENTS];
};
struct wk_aircraft_block {
  wk_lane e[WK_AIRCRAFT_ELEMENTS];
};

/* Process noise and switching. Defaults in wk_tuning_default(); every figure is explained in docs/maths.md. */
struct wk_tuning {
  double boost_jerk_psd;      /* (m/s^3)^2 s: white jerk on the specific force */
  double boost_force_tau_s;   /* correlation time of the specific force */
  double coast_accel_psd;     /* (m/s^2)^2 s: coast and re-entry in space */
  double coast_low_accel_psd; /* (m/s^2)^2 s: the same below staging_altitude_m */
  double coast_drag_fraction; /* extra coast noise: this fraction of rho v^2 / (2 beta) at beta = 5000 kg/m^2, one sigma */
  double reentry_lift_fraction; /* extra re-entry noise: this fraction of the drag, one sigma, over a second */
  double reentry_drag_psd;    /* (ln m^2/kg)^2 / s: random walk of the log inverse ballistic coefficient */
  double cv_accel_psd;        /* horizontal */
  double ct_accel_psd;
  double ct_turn_psd;         /* (rad/s)^2 / s */
  double vertical_fraction;   /* aircraft: vertical noise amplitude over horizontal */
  double boost_end_rate;      /* 1/s: boost to coast or re-entry */
  double boost_begin_rate;    /* 1/s: coast or re-entry to boost, climbing below staging_altitude_m */
  double boost_begin_fall_rate;  /* 1/s: the same, falling through the air below reentry_altitude_m */
  double boost_begin_space_rate; /* 1/s: the same elsewhere */
  double staging_altitude_m;
  double settle_rate;         /* 1/s: coast <-> re-entry to whichever the altitude and climb call for */
  double stray_rate;          /* 1/s: the other way round */
  double reentry_altitude_m;  /* 80 km: re-entry begins below this on the way down */
  double turn_begin_rate;     /* 1/s */
  double turn_end_rate;       /* 1/s */
};
struct wk_tuning wk_tuning_default(void);

/* A measurement per lane. All four kinds share the form: d = position - site, (a, b, c) = enu d, then
 *   range = |d|, azimuth = atan2(a, b), elevation = atan2(c, hypot(a, b)), range rate = d . (v - site_velocity) / |d|,
 *   height = WGS-84 height above the ellipsoid, x y z = position.
 * A component with present = 0 has no influence on state, evidence or distance (docs/maths.md: row 0, innovation 0,
 * variance 1/(2 pi)). */
enum wk_kind { WK_RADAR, WK_RADAR2D, WK_LOS, WK_POSITION, WK_KINDS };
struct wk_measure_block {
  wk_lane z[4];       /* radar: range, azimuth, elevation, range rate; radar2d: range, azimuth, height, -; los: azimuth,
                         elevation, -, -; position: x, y, z, - */
  wk_lane variance[4];
  wk_lane site_m[3];
  wk_lane site_velocity_mps[3];
  wk_lane enu[9];
  wk_lane present[4]; /* 0.0 or 1.0 */
};
enum { WK_MEASURE_ELEMENTS = 4 + 4 + 3 + 3 + 9 }; /* all before `present` */

/* What a measurement says of a bank, per lane. */
struct wk_evidence_block {
  wk_lane log_likelihood;  /* ln sum_m w_m N(z; h(x_m), S_m), w the predicted weights */
  wk_lane distance2;       /* smallest squared Mahalanobis distance over modes with w_m > 1e-7 */
  wk_lane dimension;       /* number of present components */
  wk_lane mode_log_likelihood[3]; /* by mode of the bank; unused entries 0 */
};

/* A body in flight per lane, from here to height 0 of the ellipsoid. Up to two burns of constant thrust, one after the other, then
 * free flight with drag. */
enum { WK_FALL_BURNS = 2 };
struct wk_fall_block {
  wk_lane position_m[3], velocity_mps[3]; /* in: at the start; out: at the end of the way */
  wk_lane log_drag;                       /* ln(CD A / m) of free flight, ln m^2/kg; below -30: no drag */
  wk_lane direction;                      /* 1.0 forward in time; -1.0 backward, which allows neither drag nor burns */
  wk_lane burn_s[WK_FALL_BURNS];          /* how long each lasts; 0 = none */
  wk_lane thrust_mps2[WK_FALL_BURNS];     /* specific force at its beginning, thrust less drag, > 0 */
  wk_lane exhaust_mps[WK_FALL_BURNS];     /* the force grows as thrust / (1 - thrust t / exhaust); at most 300 m/s^2 */
  wk_lane pitch, side;                    /* thrust points along the velocity plus this part upward, to the right */
  wk_lane time_s;                         /* out: to the end, >= 0 */
  wk_lane down;                           /* out: 1.0 came down, 0.0 did not within limit_s */
};

/* Eight Gaussians of position and velocity (ECEF), element-major: 6 means, then 21 packed covariances. */
enum { WK_GAUSS_ELEMENTS = 6 + WK_PACKED(6) };
struct wk_gauss_block {
  wk_lane e[WK_GAUSS_ELEMENTS];
};

/* Eight tracks at constant velocity, each with one measured position; any Cartesian axes. */
struct wk_linear_block {
  wk_lane x[6];           /* position (m), velocity (m/s) */
  wk_lane p[WK_PACKED(6)];
  wk_lane z[3];           /* measured position (m) */
  wk_lane variance[3];    /* of each of its components (m^2), > 0 */
  wk_lane dt_s;           /* from the state to the measurement, >= 0 */
  wk_lane distance2;      /* out: squared Mahalanobis distance of the innovation; 1e300 where its covariance is not definite */
};

struct wk_table {
  const char *name; /* "scalar", "v3", "v4" */

  /* Records (one track's bank, element after element, 64-byte aligned not required) to lanes and back. A NULL record
   * loads a copy of record 0 (which must not be NULL) and stores nothing. */
  void (*ballistic_load)(struct wk_ballistic_block *block, const double *const record[WK_LANES]);
  void (*ballistic_store)(const struct wk_ballistic_block *block, double *const record[WK_LANES]);
  void (*aircraft_load)(struct wk_aircraft_block *block, const double *const record[WK_LANES]);
  void (*aircraft_store)(const struct wk_aircraft_block *block, double *const record[WK_LANES]);
  /* Measurements the same way: a record is WK_MEASURE_ELEMENTS doubles in the order of the block; bit c of `present` says that its
   * component c is there. */
  void (*measure_load)(struct wk_measure_block *block, const double *const record[WK_LANES], const uint8_t present[WK_LANES]);

  /* IMM mixing (unequal dimensions) followed by prediction of every mode over dt seconds, -600 <= dt <= 600. For dt < 0
   * (rolling back for an out-of-sequence detection) nothing is mixed and no process noise is added; `quiet` != 0
   * in a lane asks for the same with dt > 0 (rolling forward again). */
  void (*ballistic_predict)(struct wk_ballistic_block *block, const wk_lane dt_s, const wk_lane quiet,
                            const struct wk_tuning *tuning);
  void (*aircraft_predict)(struct wk_aircraft_block *block, const wk_lane dt_s, const wk_lane quiet,
                           const struct wk_tuning *tuning);

  /* EKF update of every mode and of the weights, in place. Lanes with enable = 0.0 only yield evidence. */
  void (*ballistic_update)(struct wk_ballistic_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                           const wk_lane enable, struct wk_evidence_block *evidence);
  void (*aircraft_update)(struct wk_aircraft_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                          const wk_lane enable, struct wk_evidence_block *evidence);

  /* The same by sigma points (docs/maths.md S7), for lanes where the measurement bends over the extent of the state. */
  void (*ballistic_update_sigma)(struct wk_ballistic_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                                 const wk_lane enable, struct wk_evidence_block *evidence);
  void (*aircraft_update_sigma)(struct wk_aircraft_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                                const wk_lane enable, struct wk_evidence_block *evidence);
  /* How much it bends (M21): the largest second-order part of a component over its standard deviation, over modes of weight above
   * 0.01. 0 for what is linear. Well below 1 the EKF serves. */
  void (*ballistic_bend)(const struct wk_ballistic_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                         wk_lane bend);
  void (*aircraft_bend)(const struct wk_aircraft_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                        wk_lane bend);

  /* Moments of a bank's mixture: 6 means (position, velocity) then 21 packed covariances. */
  void (*ballistic_moments)(const struct wk_ballistic_block *block, wk_lane moments[27]);
  void (*aircraft_moments)(const struct wk_aircraft_block *block, wk_lane moments[27]);

  /* Follows each lane of `count` blocks to the ellipsoid (docs/maths.md W1 to W4), for at most limit_s (0 to 20,000 s). A lane that
   * starts at or below height 0 on its way down has arrived. Errors of the integration: below 6 m and 0.02 s, 30 m after burns.
   * Two blocks take less than twice the time of one. */
  void (*fall)(struct wk_fall_block *blocks, size_t count, double limit_s);

  /* Moves each lane's Gaussian over dt seconds, -600 <= dt <= 600, along free flight with its noise of unknown drag (mode WK_COAST)
   * or in level flight (WK_CV); no other mode. accel_mps2, one sigma per lane, is acceleration that neither knows of and that
   * lasts: thrust, lift, strong drag; it counts either way of time, the motion's own noise only forward (docs/maths.md C1, C2). */
  void (*gauss_predict)(struct wk_gauss_block *block, enum wk_mode mode, const wk_lane dt_s, const wk_lane accel_mps2,
                        const struct wk_tuning *tuning);
  /* One Gaussian (27 elements) against each of eight: squared Mahalanobis distance of the difference by the sum of the
   * covariances, 6 degrees of freedom, and ln N(difference; 0, sum). 1e300 and -1e300 where the sum is not definite (C3). */
  void (*gauss_distance)(const double one[WK_GAUSS_ELEMENTS], const struct wk_gauss_block *many, wk_lane distance2,
                         wk_lane log_likelihood);
  /* Covariance intersection of a and b by lane, with the weight of a, 0 to 1, that makes the determinant least (C4, C5). Where it is
   * 1 or 0, every bit of a or of b. A lane where either is not definite yields a, weight 1. `out` may be a or b. */
  void (*gauss_intersect)(const struct wk_gauss_block *a, const struct wk_gauss_block *b, struct wk_gauss_block *out,
                          wk_lane weight);
  /* Normalised innovation squared of a measurement: its squared Mahalanobis distance from what each lane's Gaussian expects, over
   * the present components; 1e300 where that is no number, or below 0 (T14). */
  void (*gauss_innovation)(const struct wk_gauss_block *block, enum wk_kind kind, const struct wk_measure_block *measure,
                           wk_lane distance2);

  /* Predicts every lane of `count` blocks over its dt with white acceleration of density accel_psd ((m/s^2)^2 s), and updates those
   * whose measurement lies nearer than gate (squared distance); the others are left predicted (docs/maths.md L1 to L4). Covariances of
   * position come out as R - R S^-1 R: an error of 1e-15 R, so R may be up to 1e8 times the covariance before digits are missed. */
  void (*linear_step)(struct wk_linear_block *blocks, size_t count, double accel_psd, double gate);

  /* Elementary functions over n values, in any alignment: out[i] = f(in[i]). Stated errors in docs/maths.md. */
  void (*sin)(double *out, const double *in, size_t n);   /* |x| <= 1e5 */
  void (*cos)(double *out, const double *in, size_t n);   /* |x| <= 1e5 */
  void (*exp)(double *out, const double *in, size_t n);   /* flushes below -708, +inf above 709.78 */
  void (*log)(double *out, const double *in, size_t n);   /* x > 0, normal */
  void (*atan2)(double *out, const double *y, const double *x, size_t n);

  /* Geodesy and environment over n points given as x, y, z columns. */
  void (*geodetic)(double *lat_rad, double *lon_rad, double *height_m, const double *x, const double *y, const double *z,
                   size_t n);                              /* WGS-84, |p| >= 1e6 m, to 1e8 m */
  void (*gravity)(double *gx, double *gy, double *gz, const double *x, const double *y, const double *z,
                  size_t n);                               /* central + J2, no centrifugal part, m/s^2 */
  void (*density)(double *rho, const double *height_m, size_t n); /* US Standard Atmosphere 1976, kg/m^3, -5 to 1000 km */
};

/* The best variant that this CPU runs, chosen once; the environment variable WEFT_KERNELS (scalar, v3, v4) overrides
 * it for tests (an impossible choice falls back to the best). wk_variant(name) returns NULL where the CPU lacks it. */
const struct wk_table *wk_table(void);
const struct wk_table *wk_variant(const char *name);
/* From now on wk_table() gives this variant, unless WEFT_KERNELS is set. 0 where the CPU lacks it: then nothing changes.
 * Results are the same bits with any; for a hardware profile and for measuring. */
int wk_choose(const char *name);

/* One value at a time, same bits as the lanes. */
double wk_sin(double x);
double wk_cos(double x);
void wk_sincos(double x, double *sine, double *cosine);
double wk_exp(double x);
double wk_log(double x);
double wk_atan2(double y, double x);
void wk_geodetic_from_ecef(const double ecef_m[3], double *lat_rad, double *lon_rad, double *height_m);
void wk_ecef_from_geodetic(double lat_rad, double lon_rad, double height_m, double ecef_m[3]);
/* Rows east, north, up (unit vectors in ECEF). */
void wk_enu_rows(double lat_rad, double lon_rad, double enu[9]);

#endif

/* The earth on lanes: WGS-84 ellipsoid, gravity, atmosphere. docs/maths.md, section E. */
#ifndef WK_LANE_EARTH_H
#define WK_LANE_EARTH_H

#include "kernels/lane/lane_math.h"

/* NIMA TR8350.2, third edition, chapter 3: a, 1/f, GM and omega define the system, J2 follows from them. */
#define WK_EARTH_A 6378137.0             /* m */
#define WK_EARTH_F (1.0 / 298.257223563) /* flattening */
#define WK_EARTH_GM 3.986004418e14       /* m^3/s^2, atmosphere included */
#define WK_EARTH_OMEGA 7.292115e-5       /* rad/s */
#define WK_EARTH_J2 1.08262982e-3
#define WK_EARTH_B (WK_EARTH_A * (1.0 - WK_EARTH_F))  /* m */
#define WK_EARTH_E2 (WK_EARTH_F * (2.0 - WK_EARTH_F)) /* first eccentricity squared */
#define WK_EARTH_EP2                                                                                         \
  (WK_EARTH_E2 / ((1.0 - WK_EARTH_F) * (1.0 - WK_EARTH_F))) /* second eccentricity squared */
/* US Standard Atmosphere 1976: radius of its geopotential, g0 M0 / R* in K/m of geopotential. */
#define WK_AIR_RADIUS 6356766.0
#define WK_AIR_GMR (9.80665 * 28.9644 / 8314.32)

/* Tangent of the geodetic latitude as north / out, both scaled alike, out >= 0, and the distance from the
 * axis. Two steps of Bowring's iteration on the parametric latitude from his 1985 start (E8); exact to
 * rounding for 1e6 m <= |p| <= 1e8 m. */
WK_INLINE void lane_latitude_tangent(const lane p[3], lane *north, lane *out, lane *axis_m) {
  const lane shrink = lane_all(1.0 - WK_EARTH_F);
  lane w = lane_sqrt(lane_fma(p[0], p[0], p[1] * p[1]));
  lane r = lane_sqrt(lane_fma(p[2], p[2], w * w));
  lane s = p[2] * shrink * (r + WK_EARTH_EP2 * WK_EARTH_B), c = w * r;
  lane top = s, bottom = c;
  for (int i = 0; i < 2; i++) {
    lane k = 1.0 / lane_sqrt(lane_fma(s, s, c * c));
    s = s * k;
    c = c * k;
    top = lane_fma(s * s, s * (WK_EARTH_EP2 * WK_EARTH_B), p[2]);
    bottom = lane_fma(c * c, c * -(WK_EARTH_E2 * WK_EARTH_A), w);
    s = top * shrink;
    c = bottom;
  }
  *north = top;
  *out = bottom;
  *axis_m = w;
}

/* Height above the ellipsoid and the unit vector along its outward normal, without an angle. On the axis the normal is the axis. Height
 * error below 1e-8 m up to 1e6 m, then rounding of the coordinates; the normal is within 3e-13 rad from the ground up, since one step of
 * E8 serves a height, which is second order in the latitude (E9). */
WK_INLINE void lane_height(const lane p[3], lane *height_m, lane up[3]) {
  const lane w2 = lane_max(lane_all(1e-300), lane_fma(p[0], p[0], p[1] * p[1]));
  const lane per_w = lane_rsqrt(w2), per_r = lane_rsqrt(lane_fma(p[2], p[2], w2));
  const lane w = lane_sqrt_by(w2, per_w);
  lane s = p[2] * lane_fma(per_r, lane_all((1.0 - WK_EARTH_F) * WK_EARTH_EP2 * WK_EARTH_B), lane_all(1.0 - WK_EARTH_F));
  lane k = lane_rsqrt(lane_fma(s, s, w2));
  s = s * k;
  const lane c = w * k;
  const lane top = lane_fma(s * s, s * lane_all(WK_EARTH_EP2 * WK_EARTH_B), p[2]);
  const lane bottom = lane_fma(c * c, c * lane_all(-(WK_EARTH_E2 * WK_EARTH_A)), w);
  k = lane_rsqrt(lane_fma(top, top, bottom * bottom));
  const lane sine = top * k, cosine = bottom * k, level = cosine * per_w;
  up[0] = p[0] * level;
  up[1] = p[1] * level;
  up[2] = sine;
  /* sqrt(1 - q) by its series: q is below 0.0067. */
  static const double root[] = {1.0, -1.0 / 2, -1.0 / 8, -1.0 / 16, -5.0 / 128, -7.0 / 256, -21.0 / 1024};
  const lane surface = lane_poly(sine * sine * lane_all(WK_EARTH_E2), root, 6);
  *height_m = lane_fma(w, cosine, lane_fma(p[2], sine, surface * lane_all(-WK_EARTH_A)));
}

/* Geodetic latitude and longitude (rad) and height (m). Longitude 0 on the axis. */
WK_INLINE void lane_geodetic(const lane p[3], lane *lat_rad, lane *lon_rad, lane *height_m) {
  lane up[3], north, out, w;
  lane_latitude_tangent(p, &north, &out, &w);
  lane_height(p, height_m, up);
  *lat_rad = lane_atan2(north, out);
  *lon_rad = lane_atan2(p[1], p[0]);
}

/* ECEF position (m) of a geodetic one. */
WK_INLINE void lane_ecef(lane lat_rad, lane lon_rad, lane height_m, lane p[3]) {
  lane slat, clat, slon, clon;
  lane_sincos(lat_rad, &slat, &clat);
  lane_sincos(lon_rad, &slon, &clon);
  lane normal = WK_EARTH_A / lane_sqrt(lane_fma(slat * -WK_EARTH_E2, slat, lane_all(1.0)));
  lane w = (normal + height_m) * clat;
  p[0] = w * clon;
  p[1] = w * slon;
  p[2] = lane_fma(normal, lane_all(1.0 - WK_EARTH_E2), height_m) * slat;
}

/* Rows east, north, up in ECEF. */
WK_INLINE void lane_enu(lane lat_rad, lane lon_rad, lane enu[9]) {
  lane slat, clat, slon, clon;
  lane_sincos(lat_rad, &slat, &clat);
  lane_sincos(lon_rad, &slon, &clon);
  enu[0] = -slon;
  enu[1] = clon;
  enu[2] = lane_all(0.0);
  enu[3] = -slat * clon;
  enu[4] = -slat * slon;
  enu[5] = clat;
  enu[6] = clat * clon;
  enu[7] = clat * slon;
  enu[8] = slat;
}

/* Gravitation, central term and J2, without the centrifugal part, m/s^2 (E10). p must not be the centre; i1 = 1 / |p|. */
WK_INLINE void lane_gravity_by(const lane p[3], lane i1, lane g[3]) {
  const lane i2 = i1 * i1;
  lane central = i1 * lane_all(-WK_EARTH_GM) * i2; /* -GM / r^3 */
  lane k = i2 * (1.5 * WK_EARTH_J2 * WK_EARTH_A * WK_EARTH_A);
  lane level = lane_fma(k, lane_fma(p[2] * p[2] * i2, lane_all(-5.0), lane_all(1.0)), lane_all(1.0));
  g[0] = central * p[0] * level;
  g[1] = central * p[1] * level;
  g[2] = central * p[2] * lane_fma(k, lane_all(2.0), level);
}
WK_INLINE void lane_gravity(const lane p[3], lane g[3]) {
  lane_gravity_by(p, lane_rsqrt(lane_fma(p[0], p[0], lane_fma(p[1], p[1], p[2] * p[2]))), g);
}

/* Radius (m) of the ellipsoid, and its derivative by q = e^2 cos^2 of the geocentric latitude, 0 to e^2 (E15). */
WK_INLINE lane lane_surface_radius(lane q, lane *slope) {
  static const double root[] = {1.0, 1.0 / 2, 3.0 / 8, 5.0 / 16, 35.0 / 128, 63.0 / 256};
  *slope = lane_poly(q, (const double[]){0.5, 0.75, 15.0 / 16}, 2) * WK_EARTH_B;
  return lane_poly(q, root, 5) * WK_EARTH_B;
}

/* The same, and its derivative dg_i/dp_j, 1/s^2, central term and J2 both; packed upper triangle by rows (xx xy xz yy yz
 * zz), trace 0 (E11). */
WK_INLINE void lane_gravity_field(const lane p[3], lane g[3], lane G[6]) {
  const lane i1 = lane_rsqrt(lane_fma(p[0], p[0], lane_fma(p[1], p[1], p[2] * p[2]))), i2 = i1 * i1;
  lane central = i1 * lane_all(-WK_EARTH_GM) * i2;
  lane k = i2 * (1.5 * WK_EARTH_J2 * WK_EARTH_A * WK_EARTH_A);
  lane sine2 = p[2] * p[2] * i2;
  lane level = lane_fma(k, lane_fma(sine2, lane_all(-5.0), lane_all(1.0)), lane_all(1.0));
  g[0] = central * p[0] * level;
  g[1] = central * p[1] * level;
  g[2] = central * p[2] * lane_fma(k, lane_all(2.0), level);
  /* g = central level (x, y, ..); (d level / dx) / x = across, (d level / dz) / z = across - 10 k / r^2. */
  lane across = k * i2 * lane_fma(sine2, lane_all(20.0), lane_all(-2.0));
  lane cross = central * lane_fma(level * i2, lane_all(-3.0), across);
  lane cross_z = central * lane_fma(level * i2, lane_all(-3.0), lane_fma(k * i2, lane_all(-10.0), across));
  lane diagonal = central * level;
  G[0] = lane_fma(p[0] * p[0], cross, diagonal);
  G[1] = p[0] * p[1] * cross;
  G[2] = p[0] * p[2] * cross_z;
  G[3] = lane_fma(p[1] * p[1], cross, diagonal);
  G[4] = p[1] * p[2] * cross_z;
  G[5] = -(G[0] + G[3]);
}

/* ln of the density (kg/m^3) and its derivative by height to 86 km, by geometric height (m): the seven layers of the standard (E12). */
WK_INLINE void lane_air_low(lane h, lane *log_density, lane *log_slope) {
  /* Base: geopotential height m, lapse over temperature 1/m, ln density, and the exponent of T / T_base where
   * there is a lapse, else the slope of ln density by geopotential height. */
  static const double layer[7][4] = {{0.0, -0.0065 * 0x1.c6dfcb67b9481p-9, 0x1.9f9f168397575p-3, 0x1.1060463496f71p+2},
                                     {11000.0, 0.0, -0x1.02c594684afd3p+0, -0x1.4ab2527ecf93fp-13},
                                     {20000.0, 0.001 * 0x1.2e7f42f07629cp-8, -0x1.370afec50e454p+1, -0x1.194e390abaa8bp+5},
                                     {32000.0, 0.0028 * 0x1.1e9f18e953ea5p-8, -0x1.14d763b25d69ep+2, -0x1.a66fbf33e6159p+3},
                                     {47000.0, 0.0, -0x1.a350d1d5df31dp+2, -0x1.08b75241f1e10p-13},
                                     {51000.0, -0.0028 * 0x1.e44935de0b112p-9, -0x1.c3a132a06bf88p+2, 0x1.666fbf33e6159p+3},
                                     {71000.0, -0.002 * 0x1.3150cd2249d31p-8, -0x1.34e8216136721p+3, 0x1.014e390abaa8bp+4}};
  lane shrink = WK_AIR_RADIUS / (h + WK_AIR_RADIUS);
  lane geopotential = shrink * h;
  lane v[4];
  for (int i = 0; i < 4; i++) v[i] = lane_all(layer[0][i]);
  for (int n = 1; n < 7; n++) {
    lane_mask below = lane_less(geopotential, lane_all(layer[n][0]));
    for (int i = 0; i < 4; i++) v[i] = lane_select(below, v[i], lane_all(layer[n][i]));
  }
  lane rise = geopotential - v[0];
  lane ratio = lane_fma(rise, v[1], lane_all(1.0));
  lane_mask isothermal = lane_equal(v[1], lane_all(0.0));
  *log_density = lane_fma(v[3], lane_select(isothermal, rise, lane_log_regular(ratio)), v[2]);
  *log_slope = v[3] * lane_select(isothermal, lane_all(1.0), v[1] / ratio) * shrink * shrink;
}

/* The same from 86 to 1000 km, where the last slope goes on: four polynomials of degree six fitted to ln of the standard's published
 * densities, which they reproduce to 0.2 % (E13). */
WK_INLINE void lane_air_high(lane height_m, lane *log_density, lane *log_slope) {
  /* From, 1 / width, then the coefficients by powers of (height - from) / width. */
  static const double high[4][9] = {
      {86e3, 1.0 / 24e3, -0x1.7c05462993bb0p+3, -0x1.1141205bc0125p+2, 0x1.e50d76f001d88p-3,
       -0x1.36c84c02eda58p+0, 0x1.a856b0edd74bap-1, 0x1.1fe0b3a7b625dp+0, -0x1.f51b61b9e9e21p-1},
      {110e3, 1.0 / 90e3, -0x1.025d6f49edeb1p+4, -0x1.0659650eb5211p+4, 0x1.10321169640bcp+5,
       -0x1.deb42a904fe5fp+5, 0x1.0ae4cd675a862p+6, -0x1.4636b076ade65p+5, 0x1.4a22b2d28a03dp+3},
      {200e3, 1.0 / 300e3, -0x1.6183d88d2772ep+4, -0x1.3acb3358e5f78p+3, 0x1.289c64498c0b5p+3,
       -0x1.823bc8c50eeafp+3, 0x1.5dac2a5860f02p+3, -0x1.760b46dfd7b7ap+2, 0x1.5e08ccebbad04p+0},
      {500e3, 1.0 / 500e3, -0x1.c485543465a75p+4, -0x1.00f1d553ca418p+3, 0x1.254c6225d55c2p+1,
       -0x1.9590b27423cc2p+1, 0x1.a7834ca78a8fap+3, -0x1.b9fe71caca557p+3, 0x1.1fde6379ff3e9p+2}};
  /* The constant comes first: a NaN passes through. */
  const lane h = lane_min(lane_all(1000e3), height_m);
  lane c[9];
  for (int i = 0; i < 9; i++) c[i] = lane_all(high[0][i]);
  for (int n = 1; n < 4; n++) {
    lane_mask below = lane_less(h, lane_all(high[n][0]));
    for (int i = 0; i < 9; i++) c[i] = lane_select(below, c[i], lane_all(high[n][i]));
  }
  lane t = (h - c[0]) * c[1];
  lane upper = c[8], upper_slope = c[8] * 6.0;
  for (int i = 7; i >= 2; i--) upper = lane_fma(upper, t, c[i]);
  for (int i = 7; i >= 3; i--) upper_slope = lane_fma(upper_slope, t, c[i] * (double)(i - 2));
  *log_slope = upper_slope * c[1];
  *log_density = lane_fma(*log_slope, lane_max(lane_all(0.0), height_m - h), upper);
}

/* ln of the density (kg/m^3) and its derivative by height (1/m), by geometric height (m): US Standard Atmosphere 1976. Below -10 km
 * the value stays. Where all lanes are on one side of 86 km only that side is computed. */
WK_INLINE void lane_air(lane height_m, lane *log_density, lane *log_slope) {
  const lane floor_m = lane_all(-10e3), top_m = lane_all(86e3);
  const lane_mask dense = lane_less(height_m, top_m);
  lane low = lane_all(0.0), low_slope = low, high = low, high_slope = low;
  if (lane_any(dense)) {
    lane_air_low(lane_max(floor_m, lane_min(top_m, height_m)), &low, &low_slope);
    low_slope = lane_select(lane_less(height_m, floor_m), lane_all(0.0), low_slope);
  }
  if (!lane_every(dense)) lane_air_high(height_m, &high, &high_slope);
  *log_density = lane_select(dense, low, high);
  *log_slope = lane_select(dense, low_slope, high_slope);
}

/* kg/m^3. */
WK_INLINE lane lane_density(lane height_m) {
  lane value, slope;
  lane_air(height_m, &value, &slope);
  return lane_exp(value);
}
/* d ln(density) / d height, 1/m. */
WK_INLINE lane lane_density_log_slope(lane height_m) {
  lane value, slope;
  lane_air(height_m, &value, &slope);
  return slope;
}

#endif

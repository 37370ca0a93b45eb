// stage: weft_kernels weft_base
/* Claims about the ellipsoid, gravity and the air: one result for all variants, agreement with the textbook
 * reference, and both against published figures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WK_WIDTH 1
#include "engine/base/prng.h"
#include "kernels/lane/lane_earth.h"
#include "kernels/ref/ref_earth.h"
#include "kernels/wk.h"

static const uint64_t seed = 20260102;
static const double pi = 3.141592653589793;
static const char *const names[] = {"scalar", "v3", "v4"};
enum { NAMES = 3, CHUNK = 4096, CHUNKS = 256, TAIL_MAX = 40, GUARD = 8, COLUMNS = 3 };

static double degrees(double x) {
  return x * pi / 180.0;
}

/* A point at a height from -10 km to 1e8 m, dense near the surface, the poles, the equator and the axis. */
static void point_any(struct prng *prng, double p[3]) {
  double up = prng_uniform(prng), lat = pi * (prng_uniform(prng) - 0.5),
         lon = 2.0 * pi * (prng_uniform(prng) - 0.5);
  double small = prng_uniform(prng) - 0.5;
  small = ldexp(small, -(int)prng_below(prng, 50));
  double height = -10e3 + (prng_below(prng, 2) ? 1e6 * up : 1e8 * up * up * up);
  switch (prng_below(prng, 6)) {
  case 0:
    lat = small;
    break;
  case 1:
    lat = small < 0 ? -pi / 2 - small : pi / 2 - small;
    break;
  case 2:
    lon = small;
    break;
  default:
    break;
  }
  ref_ecef(lat, lon, height, p);
  if (prng_below(prng, 20) == 0)
    p[0] = p[1] = 0.0, p[2] = p[2] < 0 ? -6356752.0 - height : 6356752.0 + height;
}

/* Heights of the atmosphere and a little beyond it on both sides, denser at the bottom. */
static double height_any(struct prng *prng) {
  double u = prng_uniform(prng);
  return -12e3 + 1.1e6 * u * u;
}

/* The functions by number: geodetic, gravity, density (of the first column, which then holds heights). */
enum { GEODETIC, GRAVITY, DENSITY, FUNCTIONS };
static const char *const function_names[FUNCTIONS] = {"geodetic", "gravity", "density"};
static void columns_run(const struct wk_table *table, int function, double *out[COLUMNS], double *in[COLUMNS],
                        size_t n) {
  switch (function) {
  case GEODETIC:
    table->geodetic(out[0], out[1], out[2], in[0], in[1], in[2], n);
    break;
  case GRAVITY:
    table->gravity(out[0], out[1], out[2], in[0], in[1], in[2], n);
    break;
  default:
    table->density(out[0], in[0], n);
    break;
  }
}
static int columns_out(int function) {
  return function == DENSITY ? 1 : COLUMNS;
}

static void variants_agree_to_the_bit(void **state) {
  (void)state;
  static double in[COLUMNS][CHUNK], want[COLUMNS][CHUNK], got[COLUMNS][CHUNK];
  static const double edges[] = {0.0, -0.0,     1.0,      -1.0, 6378137.0, -6356752.3,
                                 1e8, 4.9e-324, INFINITY, NAN,  86e3,      1e6};
  enum { EDGES = sizeof edges / sizeof edges[0] };
  struct prng prng = prng_seed(seed, 1);
  for (int chunk = 0; chunk < CHUNKS; chunk++) {
    for (int i = 0; i < CHUNK; i++) {
      double p[3];
      point_any(&prng, p);
      for (int k = 0; k < COLUMNS; k++) in[k][i] = p[k];
      if (chunk == 0)
        in[0][i] = edges[i % EDGES], in[1][i] = edges[i / EDGES % EDGES],
        in[2][i] = edges[i / EDGES / EDGES % EDGES];
    }
    for (int f = 0; f < FUNCTIONS; f++) {
      if (f == DENSITY && chunk > 0)
        for (int i = 0; i < CHUNK; i++) in[0][i] = height_any(&prng);
      double *columns_in[COLUMNS] = {in[0], in[1], in[2]},
             *columns_want[COLUMNS] = {want[0], want[1], want[2]};
      double *columns_got[COLUMNS] = {got[0], got[1], got[2]};
      columns_run(wk_variant("scalar"), f, columns_want, columns_in, CHUNK);
      for (int v = 1; v < NAMES; v++) {
        const struct wk_table *table = wk_variant(names[v]);
        if (!table) continue;
        columns_run(table, f, columns_got, columns_in, CHUNK);
        for (int k = 0; k < columns_out(f); k++) {
          for (int i = 0; i < CHUNK; i++) {
            if (isnan(got[k][i]) && isnan(want[k][i])) continue; /* a NaN's sign and payload are no result */
            if (memcmp(&got[k][i], &want[k][i], sizeof(double)) != 0)
              fail_msg("%s (%s) of %a %a %a: column %d is %a, scalar %a; seed %llu", function_names[f],
                       names[v], in[0][i], in[1][i], in[2][i], k, got[k][i], want[k][i],
                       (unsigned long long)seed);
          }
        }
      }
    }
  }
}

static void tails_stay_inside_and_agree(void **state) {
  (void)state;
  static double in[COLUMNS][TAIL_MAX], want[COLUMNS][TAIL_MAX], out[COLUMNS][TAIL_MAX + 2 * GUARD];
  const double guard = -12345.5;
  struct prng prng = prng_seed(seed, 2);
  for (int i = 0; i < TAIL_MAX; i++) {
    double p[3];
    point_any(&prng, p);
    for (int k = 0; k < COLUMNS; k++) in[k][i] = p[k];
  }
  for (int v = 0; v < NAMES; v++) {
    const struct wk_table *table = wk_variant(names[v]);
    if (!table) continue;
    for (int f = 0; f < FUNCTIONS; f++) {
      double *columns_in[COLUMNS] = {in[0], in[1], in[2]};
      double *columns[COLUMNS] = {out[0] + GUARD, out[1] + GUARD, out[2] + GUARD};
      for (int i = 0; i < TAIL_MAX; i++) {
        double *one_in[COLUMNS] = {in[0] + i, in[1] + i, in[2] + i},
               *one[COLUMNS] = {want[0] + i, want[1] + i, want[2] + i};
        columns_run(wk_variant("scalar"), f, one, one_in, 1);
      }
      for (size_t n = 0; n <= TAIL_MAX; n++) {
        for (int k = 0; k < COLUMNS; k++)
          for (size_t i = 0; i < TAIL_MAX + 2 * GUARD; i++) out[k][i] = guard;
        columns_run(table, f, columns, columns_in, n);
        for (int k = 0; k < columns_out(f); k++) {
          for (size_t i = 0; i < TAIL_MAX + 2 * GUARD; i++) {
            double expected = i >= GUARD && i < GUARD + n ? want[k][i - GUARD] : guard;
            assert_memory_equal(&out[k][i], &expected, sizeof expected);
          }
        }
      }
    }
  }
}

/* Angles within 1e-14 rad; heights within 8e-9 m near the earth and 1e-15 of the distance far from it; the filters' normal within
 * 3e-13, a micrometre and a half on the ground. */
static void geodetic_matches_the_iterated_reference(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 3);
  double worst_lat = 0, worst_near = 0, worst_far = 0, worst_up = 0;
  for (int i = 0; i < 300000; i++) {
    double p[3], lat, lon, height, want_lat, want_lon, want_height, h, up[3];
    point_any(&prng, p);
    wk_geodetic_from_ecef(p, &lat, &lon, &height);
    ref_geodetic(p, &want_lat, &want_lon, &want_height);
    lane_height(p, &h, up);
    assert_true(h == height);
    worst_lat = fmax(worst_lat, fabs(lat - want_lat));
    if (height < 1e6)
      worst_near = fmax(worst_near, fabs(height - want_height));
    else
      worst_far = fmax(worst_far, fabs(height - want_height) / (height + 6.4e6));
    double normal[3] = {cos(want_lat) * cos(want_lon), cos(want_lat) * sin(want_lon), sin(want_lat)};
    for (int k = 0; k < 3; k++) {
      worst_up = fmax(worst_up, fabs(up[k] - normal[k]));
      if (!(fabs(up[k] - normal[k]) < 3e-13))
        fail_msg("up[%d] at %a %a %a off by %g", k, p[0], p[1], p[2], up[k] - normal[k]);
    }
    if (!(fabs(lat - want_lat) < 1e-14 && fabs(lon - want_lon) < 1e-15))
      fail_msg("%a %a %a: latitude off by %g, longitude by %g", p[0], p[1], p[2], lat - want_lat,
               lon - want_lon);
    if (!(fabs(height - want_height) <= fmax(8e-9, 1e-15 * height)))
      fail_msg("%a %a %a: height off by %g", p[0], p[1], p[2], height - want_height);
  }
  print_message("latitude %.3g rad, height %.3g m below 1000 km, %.3g of the distance above, normal %.3g\n", worst_lat,
                worst_near, worst_far, worst_up);
}

/* The contract begins at 1e6 m from the centre, deep inside the earth. */
static void geodetic_holds_down_to_its_contract(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 4);
  double worst = 0, worst_height = 0;
  for (int i = 0; i < 100000; i++) {
    double r = 1e6 + 5.3e6 * prng_uniform(&prng), sine = 2.0 * prng_uniform(&prng) - 1.0,
           lon = prng_uniform(&prng);
    double p[3] = {r * sqrt(1 - sine * sine) * cos(lon), r * sqrt(1 - sine * sine) * sin(lon), r * sine};
    double lat, want_lat, want_lon, height, want_height;
    wk_geodetic_from_ecef(p, &lat, &lon, &height);
    ref_geodetic(p, &want_lat, &want_lon, &want_height);
    worst = fmax(worst, fabs(lat - want_lat));
    worst_height = fmax(worst_height, fabs(height - want_height));
  }
  print_message("inside the earth: latitude %.3g rad, height %.3g m\n", worst, worst_height);
  assert_true(worst < 1e-9);
  assert_true(worst_height < 1e-6);
}

static void geodetic_goes_there_and_back(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 5);
  for (int i = 0; i < 300000; i++) {
    double p[3], q[3], reference[3], lat, lon, height;
    point_any(&prng, p);
    wk_geodetic_from_ecef(p, &lat, &lon, &height);
    wk_ecef_from_geodetic(lat, lon, height, q);
    ref_ecef(lat, lon, height, reference);
    for (int k = 0; k < 3; k++) {
      double limit = 6e-16 * (8e6 + fabs(height)); /* some last places of the distance */
      if (!(fabs(q[k] - p[k]) <= 2 * limit && fabs(q[k] - reference[k]) <= limit))
        fail_msg("%a %a %a comes back %a %a %a", p[0], p[1], p[2], q[0], q[1], q[2]);
    }
  }
}

/* The IOGP guidance note 7-2 example of method 9602, the CartConvert manual page of GeographicLib, and the
 * axes. */
static void geodetic_matches_published_points(void **state) {
  (void)state;
  const struct {
    double lat_deg, lon_deg, height_m, p[3], tolerance_m;
  } cases[] = {{53 + 48 / 60.0 + 33.820 / 3600,
                2 + 7 / 60.0 + 46.380 / 3600,
                73.0,
                {3771793.968, 140253.342, 5124304.349},
                0.02},
               {33.3, 44.4, 6000.0, {3816209.60, 3737108.55, 3485109.57}, 0.006},
               {0, 0, 0, {6378137, 0, 0}, 1e-9},
               {0, 180, 1000, {-6379137, 0, 0}, 2e-9},
               {0, -90, 35786e3, {0, -42164137, 0}, 2e-8},
               {90, 0, 0, {0, 0, 6356752.314245}, 1e-6},
               {-90, 0, -500, {0, 0, -6356252.314245}, 1e-6}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    double p[3], lat, lon, height;
    wk_ecef_from_geodetic(degrees(cases[i].lat_deg), degrees(cases[i].lon_deg), cases[i].height_m, p);
    for (int k = 0; k < 3; k++) {
      if (!(fabs(p[k] - cases[i].p[k]) <= cases[i].tolerance_m))
        fail_msg("point %zu: %.9f, published %.9f", i, p[k], cases[i].p[k]);
    }
    wk_geodetic_from_ecef(cases[i].p, &lat, &lon, &height);
    double angle = cases[i].tolerance_m / 6e6 + 1e-15;
    assert_true(fabs(lat - degrees(cases[i].lat_deg)) <= angle);
    assert_true(fabs(lon - degrees(cases[i].lon_deg)) <= 2 * angle);
    assert_true(fabs(height - cases[i].height_m) <= cases[i].tolerance_m);
  }
}

/* 1 / sqrt within 1.2 ulp over all exponents, the root by it within 0.6 of its own; 0 stays finite, so that 0 times it is 0. */
static void reciprocal_root_is_within_its_bound(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 16);
  double worst = 0, worst_root = 0;
  for (int i = 0; i < 2000000; i++) {
    const double x = ldexp(1.0 + prng_uniform(&prng), (int)(1400.0 * prng_uniform(&prng)) - 700), y = lane_rsqrt(x);
    const long double root = sqrtl((long double)x), want = 1.0L / root;
    worst = fmax(worst, (double)fabsl((y - want) / (nextafter((double)want, INFINITY) - (double)want)));
    worst_root = fmax(worst_root, (double)fabsl((lane_sqrt_by(x, y) - root) / (nextafter((double)root, INFINITY) - (double)root)));
    if (!(worst < 1.2 && worst_root < 0.6)) fail_msg("%a: 1 / sqrt %a, off by %g ulp; sqrt off by %g", x, y, worst, worst_root);
  }
  print_message("1 / sqrt: %.4g ulp, sqrt by it: %.4g\n", worst, worst_root);
  assert_true(isfinite(lane_rsqrt(0.0)) && lane_sqrt_by(0.0, lane_rsqrt(0.0)) == 0.0);
  assert_true(isnan(lane_rsqrt(NAN)));
}

static void enu_rows_are_east_north_up(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 6);
  for (int i = 0; i < 20000; i++) {
    double lat = pi * (prng_uniform(&prng) - 0.5), lon = 2 * pi * (prng_uniform(&prng) - 0.5), m[9], p[3], h,
           up[3];
    wk_enu_rows(lat, lon, m);
    for (int a = 0; a < 3; a++) {
      for (int b = 0; b < 3; b++) {
        double dot = m[3 * a] * m[3 * b] + m[3 * a + 1] * m[3 * b + 1] + m[3 * a + 2] * m[3 * b + 2];
        assert_true(fabs(dot - (a == b)) < 1e-15);
      }
    }
    /* East by north is up, up is the normal of the ellipsoid, north points to greater latitude. */
    assert_true(fabs(m[0] * m[4] - m[1] * m[3] - m[8]) < 1e-15);
    wk_ecef_from_geodetic(lat, lon, 0.0, p);
    lane_height(p, &h, up);
    for (int k = 0; k < 3; k++) assert_true(fabs(up[k] - m[6 + k]) < 3e-13);
    assert_true(m[5] >= 0.0);
  }
}

static void gravity_matches_the_spherical_reference(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 7);
  for (int i = 0; i < 300000; i++) {
    double p[3], g[3], want[3];
    point_any(&prng, p);
    lane_gravity(p, g);
    ref_gravity(p, want);
    double size = sqrt(want[0] * want[0] + want[1] * want[1] + want[2] * want[2]);
    for (int k = 0; k < 3; k++) {
      if (!(fabs(g[k] - want[k]) <= 2e-15 * size))
        fail_msg("%a %a %a: g[%d] %a, expected %a", p[0], p[1], p[2], k, g[k], want[k]);
    }
  }
}

/* The reference's own components are the slope of its potential. */
static void gravity_is_the_slope_of_the_potential(void **state) {
  (void)state;
  struct prng prng = prng_seed(seed, 8);
  for (int i = 0; i < 2000; i++) {
    double p[3], g[3];
    point_any(&prng, p);
    lane_gravity(p, g);
    double r = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]),
           size = sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2]);
    long double step = 1e-5L * r;
    for (int k = 0; k < 3; k++) {
      long double more[3] = {p[0], p[1], p[2]}, less[3] = {p[0], p[1], p[2]};
      more[k] += step, less[k] -= step;
      long double slope = (ref_potential(more) - ref_potential(less)) / (2 * step);
      assert_true(fabsl(slope - g[k]) <= 1e-9 * size);
    }
  }
}

/* WGS-84 normal gravity (NIMA TR8350.2) less what J4 of the normal field adds. */
static void gravity_matches_normal_gravity(void **state) {
  (void)state;
  const double equator[3] = {6378137.0, 0, 0}, pole[3] = {0, 0, 6356752.314245}, j4 = -2.37091222e-6;
  double g[3];
  lane_gravity(equator, g);
  double at_equator = -g[0] - WK_EARTH_OMEGA * WK_EARTH_OMEGA * WK_EARTH_A;
  lane_gravity(pole, g);
  double at_pole = -g[2];
  assert_true(fabs(at_equator - 9.7803253359) < 1e-4);
  assert_true(fabs(at_pole - 9.8321849378) < 2e-4);
  /* -dU/dr of -GM/r J4 (a/r)^4 P4: P4 is 3/8 at the equator, 1 at the pole. */
  double ratio = 6378137.0 / 6356752.314245;
  at_equator -= 5.0 * j4 * 0.375 * WK_EARTH_GM / (6378137.0 * 6378137.0);
  at_pole -= 5.0 * j4 * ratio * ratio * ratio * ratio * WK_EARTH_GM / (6356752.314245 * 6356752.314245);
  print_message("normal gravity with J4: off by %.3g and %.3g m/s^2\n", at_equator - 9.7803253359,
                at_pole - 9.8321849378);
  assert_true(fabs(at_equator - 9.7803253359) < 1e-6);
  assert_true(fabs(at_pole - 9.8321849378) < 1e-6);
}

static void gravity_gradient_is_the_slope_of_gravity(void **state) {
  (void)state;
  static const int at[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};
  struct prng prng = prng_seed(seed, 9);
  for (int i = 0; i < 20000; i++) {
    double p[3], g[3], plain[3], G[6];
    point_any(&prng, p);
    lane_gravity(p, plain);
    lane_gravity_field(p, g, G);
    assert_memory_equal(g, plain, sizeof g);
    double r = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]), step = 1e-4 * r,
           size = WK_EARTH_GM / (r * r * r);
    for (int k = 0; k < 3; k++) {
      double more[3] = {p[0], p[1], p[2]}, less[3] = {p[0], p[1], p[2]}, g_more[3], g_less[3];
      more[k] += step, less[k] -= step;
      ref_gravity(more, g_more);
      ref_gravity(less, g_less);
      for (int j = 0; j < 3; j++) {
        double slope = (g_more[j] - g_less[j]) / (more[k] - less[k]);
        if (!(fabs(G[at[j][k]] - slope) <= 3e-7 * size))
          fail_msg("%a %a %a: dg[%d]/dp[%d] %g, expected %g", p[0], p[1], p[2], j, k, G[at[j][k]], slope);
      }
    }
    assert_true(fabs(G[0] + G[3] + G[5]) <= 1e-15 * size);
  }
}

/* The reference against the printed tables of the standard: geometric heights, then the bases of the layers.
 */
static void air_reference_matches_the_printed_tables(void **state) {
  (void)state;
  const struct {
    double height_m;
    int geopotential;
    double t, p, rho;
  } rows[] = {{0, 0, 288.150, 1.01325e5, 1.2250},      {5e3, 0, 255.676, 5.4048e4, 7.3643e-1},
              {10e3, 0, 223.252, 2.6499e4, 4.1351e-1}, {11e3, 0, 216.774, 2.2699e4, 3.6480e-1},
              {20e3, 0, 216.650, 5.5293e3, 8.8910e-2}, {32e3, 0, 228.490, 8.8906e2, 1.3555e-2},
              {50e3, 0, 270.650, 7.9779e1, 1.0269e-3}, {70e3, 0, 219.585, 5.2209e0, 8.2829e-5},
              {80e3, 0, 198.639, 1.0525e0, 1.8458e-5}, {11e3, 1, 216.650, 2.2632e4, 3.6392e-1},
              {20e3, 1, 216.650, 5.4749e3, 8.8035e-2}, {32e3, 1, 228.650, 8.6802e2, 1.3225e-2},
              {47e3, 1, 270.650, 1.1091e2, 1.4275e-3}, {51e3, 1, 270.650, 6.6939e1, 8.6160e-4},
              {71e3, 1, 214.650, 3.9564e0, 6.4211e-5}, {86e3, 0, 186.946, 3.7338e-1, 6.958e-6}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    double h = rows[i].geopotential ? 6356766.0 * rows[i].height_m / (6356766.0 - rows[i].height_m)
                                    : rows[i].height_m,
           t, p, rho;
    ref_air(h, &t, &p, &rho);
    /* Half a unit and a bit of the last printed digit (five digits; four for the last density). */
    if (!(fabs(t - rows[i].t) < 1.1e-3 && fabs(p / rows[i].p - 1) < 6e-5 &&
          fabs(rho / rows[i].rho - 1) < 8e-5))
      fail_msg("%g m: %.4f K %.6g Pa %.6g kg/m^3, printed %.3f %.5g %.5g", h, t, p, rho, rows[i].t, rows[i].p,
               rows[i].rho);
  }
}

static void air_matches_the_reference_to_86_km(void **state) {
  (void)state;
  double worst = 0;
  for (double h = -5e3; h <= 86e3; h += 3.7) {
    double want;
    ref_air(h, NULL, NULL, &want);
    worst = fmax(worst, fabs(lane_density(h) / want - 1));
  }
  print_message("density below 86 km: %.3g relative\n", worst);
  assert_true(worst < 2e-14);
}

static void air_matches_the_published_upper_table(void **state) {
  (void)state;
  double worst = 0;
  for (int i = 0; i < REF_AIR_ROWS; i++) {
    double error = lane_density(ref_air_published[i].height_m) / ref_air_published[i].density_kgpm3 - 1;
    worst = fmax(worst, fabs(error));
    if (!(fabs(error) < 2e-3)) fail_msg("%g m: off by %g", ref_air_published[i].height_m, error);
  }
  print_message("density from 86 km: %.3g relative\n", worst);
}

static void air_only_thins_and_never_jumps(void **state) {
  (void)state;
  double last = lane_density(-10e3), step = 2.0;
  for (double h = -10e3 + step; h <= 1100e3; h += step) {
    double rho = lane_density(h);
    if (!(rho < last && rho > last * 0.999)) fail_msg("%.0f m: %a after %a", h, rho, last);
    last = rho;
  }
  /* The joints, from both sides. */
  const double joints[] = {86e3,         110e3,        200e3,        500e3,        1000e3,      11019.067837,
                           20063.124379, 32161.904834, 47350.088899, 51412.481814, 71802.006869};
  for (size_t i = 0; i < sizeof joints / sizeof joints[0]; i++) {
    double ratio = lane_density(joints[i] + 1e-3) / lane_density(joints[i] - 1e-3);
    if (!(fabs(ratio - 1) < 1e-6)) fail_msg("jump of %g at %g m", ratio - 1, joints[i]);
  }
  assert_true(lane_density(-50e3) == lane_density(-10e3));
  assert_true(lane_density(1e8) >= 0.0 && lane_density(1e8) < 1e-100);
  assert_true(isnan(lane_density(NAN)));
}

static void air_slope_is_the_derivative_of_log_density(void **state) {
  (void)state;
  for (double h = -9e3; h <= 1100e3; h += 37.3) {
    double below, above, at, slope, ignored;
    lane_air(h - 1.0, &below, &ignored);
    lane_air(h + 1.0, &above, &ignored);
    lane_air(h, &at, &slope);
    assert_true(slope == lane_density_log_slope(h));
    double ratio = (above - below) / 2.0 / slope;
    /* Near a joint of the layers the slope itself jumps. */
    if (!(fabs(ratio - 1) < 2e-5)) {
      double side = fabs((above - at) / slope - 1) < 1e-4 || fabs((at - below) / slope - 1) < 1e-4;
      if (side == 0.0) fail_msg("%g m: slope %g, difference %g", h, slope, (above - below) / 2.0);
    }
  }
  assert_true(lane_density_log_slope(-20e3) == 0.0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(variants_agree_to_the_bit),
      cmocka_unit_test(tails_stay_inside_and_agree),
      cmocka_unit_test(geodetic_matches_the_iterated_reference),
      cmocka_unit_test(geodetic_holds_down_to_its_contract),
      cmocka_unit_test(geodetic_goes_there_and_back),
      cmocka_unit_test(geodetic_matches_published_points),
      cmocka_unit_test(enu_rows_are_east_north_up),
      cmocka_unit_test(reciprocal_root_is_within_its_bound),
      cmocka_unit_test(gravity_matches_the_spherical_reference),
      cmocka_unit_test(gravity_is_the_slope_of_the_potential),
      cmocka_unit_test(gravity_matches_normal_gravity),
      cmocka_unit_test(gravity_gradient_is_the_slope_of_gravity),
      cmocka_unit_test(air_reference_matches_the_printed_tables),
      cmocka_unit_test(air_matches_the_reference_to_86_km),
      cmocka_unit_test(air_matches_the_published_upper_table),
      cmocka_unit_test(air_only_thins_and_never_jumps),
      cmocka_unit_test(air_slope_is_the_derivative_of_log_density),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

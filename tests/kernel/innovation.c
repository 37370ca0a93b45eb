// stage: weft_kernels
/* Normalised innovations (docs/maths.md T14): small cases by hand, the oracle, the same bits in every variant, and for each kind of
 * sensor that states drawn from the covariance and noise drawn from the sensor give their number of components in the mean. */
#include "tests/kernel/banks.h"

static const char *const names[] = {"scalar", "v3", "v4"};
enum { VARIANTS = 3, N = WK_GAUSS_ELEMENTS, LANE = 5, SEED = 20, DRAWS = 20000 };

static void nis_is(double found, double expected, double tolerance) {
  if (!(fabs(found - expected) <= tolerance)) fail_msg("nis is %.12g instead of %.12g", found, expected);
}

/* A sensor at (6,378,137 m, 0, 0), whose east, north and up are y, z and x; components by the bits of `present`. */
static struct ref_measure measure_begin(enum wk_kind kind, unsigned present) {
  struct ref_measure m = {.kind = kind, .site_m = {6378137, 0, 0}, .enu = {0, 1, 0, 0, 0, 1, 1, 0, 0}};
  for (int c = 0; c < 4; c++) m.present[c] = present >> c & 1;
  return m;
}

static void gauss_set(double e[N], const double mean[6], const double sigma[6]) {
  memset(e, 0, N * sizeof *e);
  for (int i = 0; i < 6; i++) {
    e[i] = mean[i];
    e[6 + WK_AT(6, i, i)] = sigma[i] * sigma[i];
  }
}

/* Eight of the same; what one of the lanes finds, which is what all find. */
static double innovation_of(const double e[N], const struct ref_measure *m) {
  struct wk_gauss_block block;
  struct wk_measure_block measure;
  wk_lane distance2;
  for (int lane = 0; lane < WK_LANES; lane++) {
    for (int i = 0; i < N; i++) block.e[i][lane] = e[i];
    measure_into_lane(m, &measure, lane);
  }
  wk_table()->gauss_innovation(&block, m->kind, &measure, distance2);
  for (int lane = 0; lane < WK_LANES; lane++) assert_memory_equal(&distance2[lane], &distance2[LANE], sizeof *distance2);
  return distance2[LANE];
}

/* v = (30, -40, 0), S = 3^2 + 4^2 = 25 each: 36 + 64. */
static void position_adds_squares_over_both_variances(void **state) {
  (void)state;
  struct ref_measure m = measure_begin(WK_POSITION, 7);
  double e[N], mean[6] = {7e6, 1e5, 2e5, 0, 0, 0}, sigma[6] = {3, 3, 3, 1, 1, 1};
  gauss_set(e, mean, sigma);
  for (int i = 0; i < 3; i++) {
    m.z[i] = mean[i];
    m.variance[i] = 16;
  }
  m.z[0] += 30;
  m.z[1] -= 40;
  nis_is(innovation_of(e, &m), 36.0 + 64, 1e-9);
  m.present[0] = m.present[2] = 0; /* y alone */
  nis_is(innovation_of(e, &m), 64, 1e-9);
}

/* 100 km due north on the horizon: range 100 m too long against sqrt(80^2 + 60^2) = 100, 1. Azimuth 2 mrad
 * off, 200 m across against sqrt((1 mrad 100 km)^2 + 0) = 100, 4. Elevation 1 mrad too low against sqrt(100^2
 * + 75^2) = 125, 0.64. Range rate 12 m/s too high against sqrt(3^2 + 4^2) = 5, 5.76. */
static void radar_adds_its_four_components(void **state) {
  (void)state;
  struct ref_measure m = measure_begin(WK_RADAR, 15);
  double e[N], mean[6] = {6378137, 0, 1e5, 0, 0, 500}, sigma[6] = {75, 1e-6, 60, 1e-6, 1e-6, 3};
  gauss_set(e, mean, sigma);
  const double z[4] = {1e5 + 100, 2e-3, -1e-3, 512}, deviation[4] = {80, 1e-3, 1e-3, 4};
  for (int c = 0; c < 4; c++) {
    m.z[c] = z[c];
    m.variance[c] = deviation[c] * deviation[c];
  }
  nis_is(innovation_of(e, &m), 1 + 4 + 0.64 + 5.76, 1e-9);
  m.present[3] = 0;
  nis_is(innovation_of(e, &m), 1 + 4 + 0.64, 1e-9);
}

/* Due south, one side of the seam and the other: 2 mrad apart, not a turn. */
static void azimuth_is_wrapped(void **state) {
  (void)state;
  const double pi = 3.14159265358979323846;
  struct ref_measure m = measure_begin(WK_LOS, 1);
  double e[N], mean[6] = {6378137, 100, -1e5, 0, 0, 0}, sigma[6] = {1, 1e-6, 1, 1, 1, 1};
  gauss_set(e, mean, sigma); /* azimuth pi - 1 mrad */
  m.z[0] = -pi + 1e-3;
  m.variance[0] = 1e-6;
  nis_is(innovation_of(e, &m), 4, 1e-5);
}

static void nothing_is_said_without_a_number(void **state) {
  (void)state;
  struct ref_measure m = measure_begin(WK_POSITION, 7);
  double e[N] = {7e6, 0, 0};
  assert_true(innovation_of(e, &m) >= 1e300); /* no variance anywhere */
  for (int c = 0; c < 3; c++) m.variance[c] = 1;
  m.z[0] = NAN;
  assert_true(innovation_of(e, &m) >= 1e300);
  m.present[0] = m.present[1] = m.present[2] = 0;
  m.z[0] = 0;
  nis_is(innovation_of(e, &m), 0, 0);
}

/* One random Gaussian and a measurement near it in each lane. */
static void lanes_draw(struct prng *r, enum wk_kind kind, double e[WK_LANES][N], struct ref_measure m[WK_LANES],
                       struct wk_gauss_block *block, struct wk_measure_block *measure) {
  for (int lane = 0; lane < WK_LANES; lane++) {
    const double metres = exp(prng_between(r, 2.0, 6.0)), speed = metres * prng_between(r, 0.01, 0.2);
    const double sigma[6] = {metres, metres, metres, speed, speed, speed};
    double x[9];
    flight_random(r, 60e3, 400e3, prng_between(r, 1500.0, 5000.0), prng_between(r, 0.1, 0.6), x);
    mode_random(r, e[lane], 6, x, sigma);
    measure_random(r, kind, x, &m[lane]);
    if (lane % 3 == 0) m[lane].present[prng_next(r) % 3] = 0.0;
    for (int i = 0; i < N; i++) block->e[i][lane] = e[lane][i];
    measure_into_lane(&m[lane], measure, lane);
  }
}

static void innovation_agrees_with_the_oracle(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    for (int kind = 0; kind < WK_KINDS; kind++) {
      struct prng r = {7000 + seed};
      struct wk_gauss_block block;
      struct wk_measure_block measure;
      struct ref_measure m[WK_LANES];
      wk_lane distance2;
      double e[WK_LANES][N];
      lanes_draw(&r, (enum wk_kind)kind, e, m, &block, &measure);
      wk_table()->gauss_innovation(&block, (enum wk_kind)kind, &measure, distance2);
      for (int lane = 0; lane < WK_LANES; lane++) {
        struct ref_bank bank = {.modes = 1, .mode = {WK_COAST}, .weight = {1}};
        struct ref_evidence want;
        bank.gauss[0].n = 6;
        memcpy(bank.gauss[0].x, e[lane], 6 * sizeof(double));
        for (int i = 0; i < 6; i++) {
          for (int j = 0; j < 6; j++) bank.gauss[0].p[i][j] = e[lane][6 + (i <= j ? WK_AT(6, i, j) : WK_AT(6, j, i))];
        }
        ref_update(&bank, &m[lane], 0, &want);
        if (!(fabs(distance2[lane] - want.distance2) <= 1e-5 * (1 + want.distance2))) {
          fail_msg("seed %llu, kind %d, lane %d: nis %.12g, expected %.12g", (unsigned long long)seed, kind, lane, distance2[lane],
                   want.distance2);
        }
      }
    }
  }
}

static void variants_agree_to_the_bit(void **state) {
  (void)state;
  int compared = 0;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    for (int kind = 0; kind < WK_KINDS; kind++) {
      struct prng r = {8000 + seed};
      struct wk_gauss_block block;
      struct wk_measure_block measure;
      struct ref_measure m[WK_LANES];
      wk_lane distance2[VARIANTS];
      double e[WK_LANES][N];
      lanes_draw(&r, (enum wk_kind)kind, e, m, &block, &measure);
      for (int v = 0; v < VARIANTS; v++) {
        const struct wk_table *t = wk_variant(names[v]);
        if (!t) continue;
        t->gauss_innovation(&block, (enum wk_kind)kind, &measure, distance2[v]);
        if (v == 0) continue;
        compared++;
        if (memcmp(distance2[v], distance2[0], sizeof distance2[0]) != 0) {
          fail_msg("seed %llu, kind %d: %s and scalar differ", (unsigned long long)seed, kind, names[v]);
        }
      }
    }
  }
  if (compared == 0) skip(); /* this CPU has the scalar variant alone */
}

/* 20,000 draws of 3 components: the mean's standard deviation is sqrt(2 3 / 20,000) = 0.017. A wrong sign of
 * a Jacobian's row moves the mean by far more than five of these. */
static void mean_is_the_number_of_components(void **state) {
  (void)state;
  static const double deviation[WK_KINDS][4] = {[WK_RADAR] = {30, 5e-4, 5e-4, 5},
                                                [WK_RADAR2D] = {50, 5e-4, 40, 0},
                                                [WK_LOS] = {2e-4, 2e-4, 0, 0},
                                                [WK_POSITION] = {50, 60, 70, 0}};
  static const int components[WK_KINDS] = {[WK_RADAR] = 4, [WK_RADAR2D] = 3, [WK_LOS] = 2, [WK_POSITION] = 3};
  for (int kind = 0; kind < WK_KINDS; kind++) {
    struct prng r = {SEED + (uint64_t)kind};
    const int count = components[kind];
    struct ref_measure m = measure_begin((enum wk_kind)kind, (1u << count) - 1);
    double e[N] = {6378137 + 90000, 120000, -80000, -500, 1500, 900}, root[6][6] = {{0}}, sum = 0;
    m.site_velocity_mps[1] = 200;
    for (int i = 0; i < 6; i++) {
      for (int j = 0; j <= i; j++) root[i][j] = (i < 3 ? 60.0 : 20.0) * (i == j ? 1 : prng_normal(&r) * 0.5);
    }
    for (int i = 0; i < 6; i++) {
      for (int j = i; j < 6; j++) {
        for (int k = 0; k < 6; k++) e[6 + WK_AT(6, i, j)] += root[i][k] * root[j][k];
      }
    }
    for (int c = 0; c < 4; c++) m.variance[c] = deviation[kind][c] * deviation[kind][c];
    for (int n = 0; n < DRAWS; n++) {
      double x[6], g[6];
      for (int i = 0; i < 6; i++) g[i] = prng_normal(&r);
      for (int i = 0; i < 6; i++) {
        x[i] = e[i];
        for (int k = 0; k <= i; k++) x[i] += root[i][k] * g[k];
      }
      ref_predicted(&m, x, m.z);
      for (int c = 0; c < count; c++) m.z[c] += deviation[kind][c] * prng_normal(&r);
      sum += innovation_of(e, &m);
    }
    const double scatter = sqrt(2.0 * count / DRAWS);
    if (!(fabs(sum / DRAWS - count) < 5 * scatter)) {
      fail_msg("seed %d, kind %d: mean %.4f instead of %d +- %.4f", SEED, kind, sum / DRAWS, count, scatter);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(position_adds_squares_over_both_variances),
                                     cmocka_unit_test(radar_adds_its_four_components),
                                     cmocka_unit_test(azimuth_is_wrapped),
                                     cmocka_unit_test(nothing_is_said_without_a_number),
                                     cmocka_unit_test(innovation_agrees_with_the_oracle),
                                     cmocka_unit_test(variants_agree_to_the_bit),
                                     cmocka_unit_test(mean_is_the_number_of_components)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// stage: weft_kernels weft_base
/* The filter against truths drawn from its own models: each mode of the ballistic bank alone, process noise
 * and extra states included, and all of them with the truth switching by the filter's own chain. NEES in its
 * 95 % band; with a wrong process or measurement noise it is not. */
#include "tests/stat/consistency.h"

enum { SEED = 20260203, RUNS = 1000, MODES = 3, TIMES = 5, LOOKS_MAX = 100 };
#define SUBSTEP_S 0.25
#define NORMAL_95 1.9599639845401
#define NORMAL_999 3.2905267314919

/* One mode's flight: where it starts, what is known then, how often it is seen. */
static const struct scene {
  const char *name;
  enum wk_mode mode;
  int n, x_at, looks;
  double height_m, speed_mps, climb, look_s, extra[3], sigma[9];
} scenes[MODES] = {
    {"boost",
     WK_BOOST,
     WK_BOOST_N,
     WK_B_BOOST_X,
     60,
     30e3,
     900,
     0.7,
     1,
     {15, 10, 20},
     {300, 300, 300, 60, 60, 60, 8, 8, 8}},
    {"coast", WK_COAST, WK_COAST_N, WK_B_COAST_X, 80, 60e3, 2200, 0.3, 2, {0}, {300, 300, 300, 60, 60, 60}},
    {"re-entry",
     WK_REENTRY,
     WK_REENTRY_N,
     WK_B_REENTRY_X,
     40,
     65e3,
     2400,
     -0.5,
     1,
     {-8},
     {200, 200, 200, 20, 20, 20, 0.15}},
};

static double density_one(double height_m) {
  double rho;
  wk_table()->density(&rho, &height_m, 1);
  return rho;
}

/* Carries a true state over dt in its mode's own equations, with noise drawn as of M7 and M8: white
 * acceleration for velocity and position, white rate for the extra states. p66: what the filter takes x6's
 * variance for (M9). */
static void truth_fly(enum wk_mode mode, double *x, double dt_s, double p66, const struct wk_tuning *tuning,
                      struct prng *prng) {
  const int n = ref_mode_n(mode), steps = (int)ceil(dt_s / SUBSTEP_S - 1e-9);
  const double h = dt_s / steps;
  for (int step = 0; step < steps; step++) {
    double k[4][REF_N_MAX], at[REF_N_MAX] = {0}, q[REF_N_MAX][REF_N_MAX];
    struct ref_gauss s = {.n = n};
    memcpy(s.x, x, (size_t)n * sizeof *x);
    s.p[6][6] = p66;
    ref_noise(mode, &s, tuning, density_one, q);
    for (int i = 0; i < 4; i++) {
      const double along = i == 0 ? 0 : i == 3 ? h : h / 2;
      for (int j = 0; j < n; j++) at[j] = x[j] + (i ? along * k[i - 1][j] : 0);
      ref_rate(mode, at, tuning, density_one, k[i]);
    }
    for (int j = 0; j < n; j++) x[j] += h / 6 * (k[0][j] + 2 * (k[1][j] + k[2][j]) + k[3][j]);
    for (int c = 0; c < 3; c++) {
      const double kick = prng_normal(prng), rest = prng_normal(prng);
      x[3 + c] += sqrt(q[3 + c][3 + c] * h) * kick;
      x[c] += sqrt(q[3 + c][3 + c] * h) * h * (kick / 2 + rest / sqrt(12));
    }
    for (int e = 6; e < n; e++) {
      const double kick = prng_normal(prng), rest = prng_normal(prng), jerk = sqrt(q[e][e] * h);
      x[e] += jerk * kick;
      if (mode == WK_BOOST) x[e - 3] += jerk * h * (kick / 2 + rest / sqrt(12));
    }
  }
}

/* Somewhere on Earth at a height, with a speed and the sine of the flight path angle; the radar 250 to 450 km
 * ahead. */
static void place_draw(struct prng *prng, double height_m, double speed_mps, double climb, double *x,
                       struct radar *radar) {
  const double lat = 2.4 * (prng_uniform(prng) - 0.5), lon = 6.2 * (prng_uniform(prng) - 0.5);
  const double course = 6.2 * prng_uniform(prng), level = sqrt(1 - climb * climb);
  double enu[9], site_lat, site_lon;
  wk_ecef_from_geodetic(lat, lon, height_m, x);
  wk_enu_rows(lat, lon, enu);
  for (int c = 0; c < 3; c++)
    x[3 + c] =
        speed_mps * (level * sin(course) * enu[c] + level * cos(course) * enu[3 + c] + climb * enu[6 + c]);
  arc_along(lat, lon, (250e3 + 200e3 * prng_uniform(prng)) / 6.37e6,
            course + 1.6 * (prng_uniform(prng) - 0.5), &site_lat, &site_lon);
  radar_place(radar, site_lat, site_lon);
  const double sigma[4] = {30, 1e-3, 1e-3, 5};
  memcpy(radar->sigma, sigma, sizeof sigma);
}

/* A record with all modes about x; weight all in one mode. */
static void record_begin(double *record, const struct scene *scene, const double *x) {
  static const double extra[9] = {0, 0, 0, 0, 0, 0, 25, 25, 25};
  double sigma[9], drag[7], boost[9] = {0}, reentry[7] = {0};
  memcpy(sigma, extra, sizeof sigma);
  memcpy(sigma, scene->sigma, 6 * sizeof *sigma);
  memcpy(drag, sigma, sizeof drag);
  drag[6] = 1;
  memcpy(boost, x, 6 * sizeof *x);
  memcpy(reentry, x, 6 * sizeof *x);
  reentry[6] = -8;
  double *to = mode_begin(record, WK_BOOST_N, scene->mode == WK_BOOST ? x : boost,
                          scene->mode == WK_BOOST ? scene->sigma : sigma);
  to = mode_begin(to, WK_COAST_N, x, scene->sigma);
  to = mode_begin(to, WK_REENTRY_N, scene->mode == WK_REENTRY ? x : reentry,
                  scene->mode == WK_REENTRY ? scene->sigma : drag);
  for (int m = 0; m < MODES; m++) to[m] = (int)scene->mode == m ? 1 - 2e-9 : 1e-9;
}

struct outcome {
  struct mean at[TIMES], whole;
};

static void eight_run(const struct scene *scene, int first, const struct wk_tuning *truth_tuning,
                      const struct wk_tuning *tuning, double r_times, struct outcome *out) {
  struct tracks tracks;
  struct radar radar[WK_LANES];
  struct prng prng[WK_LANES];
  double truth[WK_LANES][REF_N_MAX], whole[WK_LANES] = {0};
  wk_lane dt, enable;
  for (int i = 0; i < WK_LANES; i++) {
    double x[REF_N_MAX] = {0};
    prng[i] = prng_seed(SEED + (uint64_t)scene->mode, (uint64_t)(first + i));
    place_draw(&prng[i], scene->height_m, scene->speed_mps, scene->climb, x, &radar[i]);
    memcpy(x + 6, scene->extra, sizeof scene->extra);
    record_begin(tracks.record[i], scene, x);
    for (int j = 0; j < scene->n; j++) truth[i][j] = x[j] + scene->sigma[j] * prng_normal(&prng[i]);
    dt[i] = scene->look_s;
    enable[i] = 1;
  }
  for (int look = 1; look <= scene->looks; look++) {
    struct wk_measure_block measure;
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_measure m;
      const double p66 = tracks.record[i][WK_B_REENTRY_P + WK_AT(WK_REENTRY_N, 6, 6)];
      truth_fly(scene->mode, truth[i], scene->look_s, p66, truth_tuning, &prng[i]);
      radar_look(&radar[i], &prng[i], truth[i], r_times, &measure, i, &m);
    }
    tracks_predict(&tracks, dt, tuning);
    tracks_update(&tracks, &measure, enable);
    const bool noted = look * TIMES % scene->looks == 0;
    for (int i = 0; i < WK_LANES; i++) {
      struct ref_bank bank;
      ref_ballistic_load(&bank, tracks.record[i]);
      const double nees = gauss_nees(&bank.gauss[scene->mode], scene->n, truth[i]);
      whole[i] += nees / scene->looks;
      if (noted) mean_add(&out->at[look * TIMES / scene->looks - 1], nees);
    }
  }
  for (int i = 0; i < WK_LANES; i++) mean_add(&out->whole, whole[i]);
}

/* The default tuning, each mode for itself. */
static struct wk_tuning tuning_alone(double q_times) {
  struct wk_tuning t = wk_tuning_default();
  t.boost_end_rate = t.boost_begin_rate = t.boost_begin_fall_rate = t.boost_begin_space_rate = 1e-12;
  t.settle_rate = t.stray_rate = 1e-12;
  t.boost_jerk_psd *= q_times;
  t.coast_accel_psd *= q_times;
  t.coast_low_accel_psd *= q_times;
  t.coast_drag_fraction *= sqrt(q_times);
  t.reentry_lift_fraction *= sqrt(q_times);
  t.reentry_drag_psd *= q_times;
  return t;
}

/* How many of the instants leave the band of the deviate, for chi-square means (Wilson, Hilferty 1931). */
static int instants_outside(const struct outcome *out, int n, double deviate) {
  int outside = 0;
  for (int t = 0; t < TIMES; t++) {
    const double k = n * out->at[t].count, c = 2 / (9 * k);
    const double low = n * pow(1 - c - deviate * sqrt(c), 3), high = n * pow(1 - c + deviate * sqrt(c), 3);
    outside += mean_of(&out->at[t]) < low || mean_of(&out->at[t]) > high;
  }
  return outside;
}

/* The mean over the whole flight in its 95 % band (errors of one run are correlated in time, so the band
 * comes from the scatter over runs), and of five instants, each with a 95 % band of its own, at most one
 * outside, none outside 99.9 %. */
static bool consistent(const struct outcome *out, int n) {
  return fabs(mean_of(&out->whole) - n) <= NORMAL_95 * mean_sigma(&out->whole) &&
         instants_outside(out, n, NORMAL_95) <= 1 && instants_outside(out, n, NORMAL_999) == 0;
}

static void run_all(const char *what, const struct scene *scene, double q_times, double r_times,
                    struct outcome *out) {
  const struct wk_tuning truth = tuning_alone(1), tuning = tuning_alone(q_times);
  memset(out, 0, sizeof *out);
  for (int first = 0; first < RUNS; first += WK_LANES) eight_run(scene, first, &truth, &tuning, r_times, out);
  print_message("%s, %s: NEES of %d:", scene->name, what, scene->n);
  for (int t = 0; t < TIMES; t++) print_message(" %.2f", mean_of(&out->at[t]));
  print_message(" (95 %%: +- %.2f), whole %.3f +- %.3f\n",
                NORMAL_95 * sqrt(2.0 * scene->n / out->at[0].count), mean_of(&out->whole),
                NORMAL_95 * mean_sigma(&out->whole));
}

static void mode_is_consistent(const struct scene *scene) {
  struct outcome out;
  run_all("as it is", scene, 1, 1, &out);
  if (!consistent(&out, scene->n))
    fail_msg("seed %d, %s: NEES %.3f of %d", SEED, scene->name, mean_of(&out.whole), scene->n);
  run_all("Q times 4", scene, 4, 1, &out);
  assert_false(consistent(&out, scene->n));
  run_all("R / 4", scene, 1, 0.25, &out);
  assert_false(consistent(&out, scene->n));
}

static void boost_is_consistent_and_tells_wrong_noise(void **state) {
  (void)state;
  mode_is_consistent(&scenes[0]);
}
static void coast_is_consistent_and_tells_wrong_noise(void **state) {
  (void)state;
  mode_is_consistent(&scenes[1]);
}
static void reentry_is_consistent_and_tells_wrong_noise(void **state) {
  (void)state;
  mode_is_consistent(&scenes[2]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(boost_is_consistent_and_tells_wrong_noise),
      cmocka_unit_test(coast_is_consistent_and_tells_wrong_noise),
      cmocka_unit_test(reentry_is_consistent_and_tells_wrong_noise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

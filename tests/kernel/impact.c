// stage: weft_kernels
/* A falling body comes down where the oracle says, in every variant with the same bits, and no lane sees its neighbours. */
#include "kernels/lane/air_cells.h"
#include "kernels/ref/ref_earth.h"
#include "kernels/ref/ref_impact.h"
#include "tests/kernel/banks.h"

static const char *const names[] = {"scalar", "v3", "v4"};
enum { VARIANTS = 3 };

/* A lane on a trajectory of some kind: free flight, re-entry, one or two burns, backward. */
static void lane_draw(struct prng *r, struct wk_fall_block *block, int lane) {
  const double lat = prng_between(r, -1.4, 1.4), lon = prng_between(r, -3.1, 3.1);
  const double height = prng_between(r, 20e3, 300e3), azimuth = prng_between(r, 0.0, 6.28), climb = prng_between(r, -1.0, 1.2);
  const double speed = prng_between(r, 600.0, 4000.0);
  double p[3], enu[9];
  wk_ecef_from_geodetic(lat, lon, height, p);
  wk_enu_rows(lat, lon, enu);
  for (int c = 0; c < 3; c++) {
    block->position_m[c][lane] = p[c];
    block->velocity_mps[c][lane] =
        speed * (cos(climb) * (sin(azimuth) * enu[c] + cos(azimuth) * enu[3 + c]) + sin(climb) * enu[6 + c]);
  }
  const int kind = (int)(prng_next(r) % 4);
  block->direction[lane] = kind == 3 ? -1.0 : 1.0;
  block->log_drag[lane] = kind == 3 ? -50.0 : prng_between(r, -10.0, -6.0);
  for (int b = 0; b < WK_FALL_BURNS; b++) {
    block->burn_s[b][lane] = b < kind && kind < 3 ? prng_between(r, 0.3, 60.0) : 0.0;
    block->thrust_mps2[b][lane] = prng_between(r, 10.0, 40.0);
    block->exhaust_mps[b][lane] = prng_between(r, 2300.0, 2800.0);
  }
  block->pitch[lane] = prng_between(r, -0.1, 0.1);
  block->side[lane] = prng_between(r, -0.1, 0.1);
  block->time_s[lane] = block->down[lane] = -1.0;
}

static void block_draw(uint64_t seed, struct wk_fall_block *block) {
  struct prng r = {seed};
  memset(block, 0, sizeof *block);
  for (int lane = 0; lane < WK_LANES; lane++) lane_draw(&r, block, lane);
}

static void fall_ends_where_the_oracle_does(void **state) {
  (void)state;
  double worst_m = 0, worst_s = 0;
  int compared = 0;
  for (uint64_t seed = 1; seed <= 6; seed++) {
    struct wk_fall_block start, end;
    block_draw(seed, &start);
    end = start;
    wk_table()->fall(&end, 1, 7200.0);
    for (int lane = 0; lane < WK_LANES; lane++) {
      double p[3], v[3];
      struct ref_burn burn[WK_FALL_BURNS];
      for (int c = 0; c < 3; c++) p[c] = start.position_m[c][lane], v[c] = start.velocity_mps[c][lane];
      for (int b = 0; b < WK_FALL_BURNS; b++) {
        burn[b] = (struct ref_burn){start.burn_s[b][lane], start.thrust_mps2[b][lane], start.exhaust_mps[b][lane]};
      }
      const double time_s = ref_fall(p, v, start.log_drag[lane], burn, start.pitch[lane], start.side[lane], density_one,
                                     0.1 * start.direction[lane], 7200.0);
      assert_true((time_s >= 0) == (end.down[lane] == 1.0));
      if (time_s < 0) continue;
      double miss2 = 0;
      for (int c = 0; c < 3; c++) miss2 += (p[c] - end.position_m[c][lane]) * (p[c] - end.position_m[c][lane]);
      const double late_s = fabs(end.time_s[lane] - time_s);
      const double allowed_m = start.burn_s[0][lane] > 0 ? 30.0 : 6.0;
      if (sqrt(miss2) > allowed_m || late_s > 0.02) {
        fail_msg("seed %d lane %d: %.3f m and %.4f s off after %.1f s", (int)seed, lane, sqrt(miss2), late_s, time_s);
      }
      worst_m = fmax(worst_m, sqrt(miss2));
      worst_s = fmax(worst_s, late_s);
      compared++;
    }
  }
  print_message("%d flights: at most %.3f m and %.5f s off\n", compared, worst_m, worst_s);
  assert_true(compared > 40);
}

/* Nothing but Kepler: a vacuum trajectory comes back to its own height with its own speed (the earth turns under both). */
static void fall_keeps_energy_without_drag(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    struct wk_fall_block start, end;
    block_draw(seed, &start);
    for (int lane = 0; lane < WK_LANES; lane++) {
      start.log_drag[lane] = -50.0;
      start.burn_s[0][lane] = start.burn_s[1][lane] = 0.0;
    }
    end = start;
    wk_table()->fall(&end, 1, 7200.0);
    for (int lane = 0; lane < WK_LANES; lane++) {
      double jacobi[2];
      const struct wk_fall_block *blocks[2] = {&start, &end};
      for (int k = 0; k < 2; k++) {
        long double p[3];
        double v2 = 0, axis2 = 0;
        for (int c = 0; c < 3; c++) {
          p[c] = (long double)blocks[k]->position_m[c][lane];
          v2 += blocks[k]->velocity_mps[c][lane] * blocks[k]->velocity_mps[c][lane];
          if (c < 2) axis2 += (double)(p[c] * p[c]);
        }
        jacobi[k] = v2 / 2 - (double)ref_potential(p) - 7.292115e-5 * 7.292115e-5 * axis2 / 2;
      }
      if (!(fabs(jacobi[1] - jacobi[0]) < 5e-8 * fabs(jacobi[0]))) fail_msg("seed %d lane %d: %.17g %.17g", (int)seed, lane, jacobi[0], jacobi[1]);
    }
  }
}

static void fall_agrees_to_the_bit_between_variants(void **state) {
  (void)state;
  int compared = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    struct wk_fall_block first, other;
    block_draw(seed, &first);
    wk_variant("scalar")->fall(&first, 1, 7200.0);
    for (int v = 1; v < VARIANTS; v++) {
      const struct wk_table *t = wk_variant(names[v]);
      if (!t) continue;
      block_draw(seed, &other);
      t->fall(&other, 1, 7200.0);
      if (memcmp(&first, &other, sizeof first)) fail_msg("seed %d: %s differs from scalar", (int)seed, names[v]);
      compared++;
    }
  }
  if (compared == 0) skip();
}

static void fall_of_a_lane_ignores_its_neighbours(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct wk_fall_block together;
    block_draw(seed, &together);
    struct wk_fall_block start = together;
    wk_table()->fall(&together, 1, 7200.0);
    for (int lane = 0; lane < WK_LANES; lane++) {
      struct wk_fall_block alone;
      const size_t rows = sizeof alone / sizeof(wk_lane);
      for (size_t row = 0; row < rows; row++) {
        for (int to = 0; to < WK_LANES; to++) ((wk_lane *)&alone)[row][to] = ((wk_lane *)&start)[row][lane];
      }
      wk_table()->fall(&alone, 1, 7200.0);
      for (size_t row = 0; row < rows; row++) {
        const double a = ((wk_lane *)&alone)[row][3], b = ((wk_lane *)&together)[row][lane];
        if (memcmp(&a, &b, sizeof a)) fail_msg("seed %d lane %d row %d: %a %a", (int)seed, lane, (int)row, a, b);
      }
    }
  }
}

/* One block or several, in pairs or alone, and whatever flies beside: the same bits. */
static void fall_of_a_block_ignores_the_others(void **state) {
  (void)state;
  enum { BLOCKS = 5 };
  for (int v = 0; v < VARIANTS; v++) {
    const struct wk_table *t = wk_variant(names[v]);
    struct wk_fall_block together[BLOCKS], alone;
    if (!t) continue;
    for (uint64_t seed = 0; seed < BLOCKS; seed++) block_draw(seed + 300, &together[seed]);
    t->fall(together, BLOCKS, 7200.0);
    for (uint64_t seed = 0; seed < BLOCKS; seed++) {
      block_draw(seed + 300, &alone);
      t->fall(&alone, 1, 7200.0);
      if (memcmp(&alone, &together[seed], sizeof alone)) fail_msg("%s: block %d differs alone", names[v], (int)seed);
    }
  }
}

/* The cubics by which bodies on their way to the ground know the air are the standard's density, but for its kinks (E16). */
static void air_cells_are_the_standard(void **state) {
  (void)state;
  struct prng r = {9};
  double worst = 0, worst_m = 0;
  for (int i = 0; i < 100000; i++) {
    const double height_m = prng_between(&r, AIR_FIRST_M, AIR_FIRST_M + AIR_CELLS * AIR_CELL_M), place = (height_m - AIR_FIRST_M) / AIR_CELL_M;
    const int cell = (int)place;
    const double u = place - cell, *c = air_cell[cell], value = c[0] + u * (c[1] + u * (c[2] + u * c[3])), off = fabs(value / density_one(height_m) - 1);
    if (off > worst) worst = off, worst_m = height_m;
  }
  print_message("at most %.2g of the density off, at %.0f m\n", worst, worst_m);
  if (!(worst < 3e-3)) fail_msg("%.3g of the density off at %.0f m", worst, worst_m);
}

static void fall_knows_what_stays_up_and_what_is_down(void **state) {
  (void)state;
  struct wk_fall_block block;
  memset(&block, 0, sizeof block);
  for (int lane = 0; lane < WK_LANES; lane++) {
    block.position_m[0][lane] = 6378137.0 + 400e3;
    block.velocity_mps[1][lane] = 7200.0; /* of 7670 less the earth's own 494 */
    block.log_drag[lane] = -8.0;
    block.direction[lane] = 1.0;
  }
  block.position_m[0][1] = 6378137.0 - 50.0; /* just below the ground and sinking */
  block.velocity_mps[0][1] = -100.0;
  block.velocity_mps[1][1] = 0.0;
  block.velocity_mps[1][2] = 20000.0; /* never seen again */
  wk_table()->fall(&block, 1, 7200.0);
  assert_true(block.down[0] == 0.0 && block.down[2] == 0.0);
  assert_true(block.time_s[0] == 7200.0);
  assert_true(block.down[1] == 1.0 && block.time_s[1] == 0.0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(fall_ends_where_the_oracle_does),
                                     cmocka_unit_test(fall_keeps_energy_without_drag),
                                     cmocka_unit_test(fall_agrees_to_the_bit_between_variants),
                                     cmocka_unit_test(fall_of_a_lane_ignores_its_neighbours),
                                     cmocka_unit_test(fall_of_a_block_ignores_the_others),
                                     cmocka_unit_test(air_cells_are_the_standard),
                                     cmocka_unit_test(fall_knows_what_stays_up_and_what_is_down)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

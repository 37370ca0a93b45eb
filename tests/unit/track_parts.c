// stage: weft_track weft_domain weft_base weft_kernels
/* The tracker's small parts: grid, queue, assignment, matrices, strands, each against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/track/assign.h"
#include "engine/track/grid.h"
#include "engine/track/queue.h"
#include "engine/track/strand.h"
#include "engine/track/vector.h"

enum { ITEMS = 50 * GRID_LEVELS };

struct model_item {
  double centre[3], radius;
  bool present;
};
static struct model_item items[ITEMS];
static uint8_t visited[ITEMS];

static void visit(void *context, uint32_t item) {
  (void)context;
  visited[item]++;
}

static double distance_to_box(const double p[3], const double centre[3], const double half[3]) {
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    double d = fmax(fabs(p[i] - centre[i]) - half[i], 0);
    sum += d * d;
  }
  return sqrt(sum);
}

static void query_check(const struct grid *grid, uint64_t seed, const double centre[3], const double half[3]) {
  memset(visited, 0, sizeof visited);
  uint32_t count = grid_query(grid, centre, half, visit, NULL), sum = 0;
  for (int i = 0; i < ITEMS; i++) {
    sum += visited[i];
    if (visited[i] > 1) fail_msg("seed %llu: item %d visited %d times", (unsigned long long)seed, i, visited[i]);
    if (visited[i] && !items[i].present) fail_msg("seed %llu: item %d is gone", (unsigned long long)seed, i);
    if (!items[i].present || visited[i]) continue;
    double off = distance_to_box(items[i].centre, centre, half);
    if (off <= items[i].radius) {
      fail_msg("seed %llu: item %d, radius %g, %g from the box, was not visited", (unsigned long long)seed, i,
               items[i].radius, off);
    }
  }
  assert_int_equal(count, sum);
}

/* Random items that come, move, grow and go; random boxes. `span` is the half width of the world. */
static void grid_random(uint64_t seed, double base, double span, double radius_max) {
  struct arena arena;
  struct grid grid;
  struct prng prng = prng_seed(seed, 1);
  assert_int_equal(arena_open(&arena, 1 << 20), 0);
  const struct grid_shape shape = {.reach = base / 4, .block = base * (double)(1 + seed % 2), .side_bits = 1 + (int)(seed % 3)};
  uint64_t keys[ITEMS][2] = {{0}};
  assert_int_equal(grid_open(&grid, &arena, &keys[0][1], 2, ITEMS, &shape), 0);
  memset(items, 0, sizeof items);
  for (int turn = 0; turn < 3000; turn++) {
    uint32_t i = (uint32_t)prng_below(&prng, ITEMS);
    if (prng_below(&prng, 5) == 0) {
      grid_remove(&grid, i);
      items[i].present = false;
    } else {
      for (int k = 0; k < 3; k++) items[i].centre[k] = span * (2 * prng_uniform(&prng) - 1);
      items[i].radius = radius_max * exp(-12 * prng_uniform(&prng));
      items[i].present = true;
      grid_put(&grid, i, items[i].centre, items[i].radius);
    }
    if (turn % 3) continue;
    double centre[3], half[3], size = span * exp(-10 * prng_uniform(&prng));
    for (int k = 0; k < 3; k++) {
      centre[k] = span * (2 * prng_uniform(&prng) - 1);
      half[k] = size * prng_uniform(&prng);
    }
    query_check(&grid, seed, centre, half);
  }
  arena_close(&arena);
}

static void grid_visits_every_item_that_touches_the_box(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 4; seed++) {
    grid_random(seed, 4000, 8e6, 1000 * (1 << 14)); /* all levels, negative coordinates */
    grid_random(seed + 10, 4000, 5e4, 3e4);         /* crowded */
    grid_random(seed + 20, 1.0 / 1024, 1, 2);       /* unit vectors: from a pencil to all directions */
  }
}

/* Spheres up to the top level's reach are in it; every level is used. */
static void grid_uses_every_level_and_scans_a_level_for_a_huge_box(void **state) {
  (void)state;
  struct arena arena;
  struct grid grid;
  assert_int_equal(arena_open(&arena, 1 << 20), 0);
  assert_int_equal(grid_open(&grid, &arena, NULL, 1, ITEMS, &(struct grid_shape){.reach = 2.5, .block = 10, .side_bits = 2}), 0);
  memset(items, 0, sizeof items);
  struct prng prng = prng_seed(5, 0);
  for (uint32_t i = 0; i < ITEMS; i++) {
    items[i].radius = 2.5 * (double)(1u << 2 * (i % GRID_LEVELS));
    items[i].present = true;
    for (int k = 0; k < 3; k++) items[i].centre[k] = 1e5 * (2 * prng_uniform(&prng) - 1);
    grid_put(&grid, i, items[i].centre, items[i].radius);
  }
  for (int level = 0; level < GRID_LEVELS; level++) assert_int_equal(grid.on_level[level], ITEMS / GRID_LEVELS);
  const double origin[3] = {0}, everything[3] = {1e6, 1e6, 1e6}, slice[3] = {1e6, 10, 1e6};
  memset(visited, 0, sizeof visited);
  assert_int_equal(grid_query(&grid, origin, everything, visit, NULL), ITEMS);
  query_check(&grid, 5, origin, slice);
  for (uint32_t i = 0; i < ITEMS; i++) grid_remove(&grid, i);
  assert_int_equal(grid_query(&grid, origin, everything, visit, NULL), 0);
  for (int level = 0; level < GRID_LEVELS; level++) assert_int_equal(grid.on_level[level], 0);
  arena_close(&arena);
}

static void grid_finds_directions_by_angle(void **state) {
  (void)state;
  struct arena arena;
  struct grid grid;
  assert_int_equal(arena_open(&arena, 1 << 20), 0);
  assert_int_equal(grid_open(&grid, &arena, NULL, 1, ITEMS, &(struct grid_shape){.reach = 1.0 / 4096, .block = 1.0 / 1024, .side_bits = 1}), 0);
  memset(items, 0, sizeof items);
  struct prng prng = prng_seed(6, 0);
  for (uint32_t i = 0; i < ITEMS; i++) {
    double length = 0;
    for (int k = 0; k < 3; k++) items[i].centre[k] = prng_normal(&prng), length += items[i].centre[k] * items[i].centre[k];
    for (int k = 0; k < 3; k++) items[i].centre[k] /= sqrt(length);
    items[i].radius = 0.3 * exp(-9 * prng_uniform(&prng));
    items[i].present = true;
    grid_put(&grid, i, items[i].centre, items[i].radius);
  }
  for (uint32_t i = 0; i < ITEMS; i++) {
    const double half[3] = {1e-4, 1e-4, 1e-4};
    query_check(&grid, 6, items[i].centre, half);
    assert_int_equal(visited[i], 1);
  }
  arena_close(&arena);
}

static void queue_pops_in_order_of_time_then_slot(void **state) {
  (void)state;
  enum { SLOTS = 200 };
  struct arena arena;
  struct queue queue;
  static int64_t time_ns[SLOTS];
  static bool in[SLOTS];
  assert_int_equal(arena_open(&arena, 1 << 20), 0);
  assert_int_equal(queue_open(&queue, &arena, SLOTS), 0);
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct prng prng = prng_seed(seed, 2);
    for (int turn = 0; turn < 5000; turn++) {
      uint32_t slot = (uint32_t)prng_below(&prng, SLOTS);
      switch (prng_below(&prng, 4)) {
      case 0:
      case 1:
        time_ns[slot] = (int64_t)prng_below(&prng, 50) - 25;
        in[slot] = true;
        queue_set(&queue, slot, time_ns[slot]);
        break;
      case 2:
        in[slot] = false;
        queue_remove(&queue, slot);
        break;
      default: {
        int64_t now_ns = (int64_t)prng_below(&prng, 50) - 25;
        uint32_t expected = QUEUE_NONE;
        for (uint32_t i = 0; i < SLOTS; i++) {
          if (in[i] && time_ns[i] <= now_ns && (expected == QUEUE_NONE || time_ns[i] < time_ns[expected])) expected = i;
        }
        uint32_t got = queue_pop_due(&queue, now_ns);
        if (got != expected) fail_msg("seed %llu turn %d: popped %u, not %u", (unsigned long long)seed, turn, got, expected);
        if (got != QUEUE_NONE) in[got] = false;
      }
      }
    }
    while (queue.count) in[queue_pop_due(&queue, INT64_MAX)] = false;
    for (int i = 0; i < SLOTS; i++) assert_false(in[i]);
  }
  arena_close(&arena);
}

static struct assign_work work;

/* Best loss by trying everything. */
static double enumerate(uint32_t row, uint32_t rows, uint32_t columns, uint32_t taken) {
  if (row == rows) return 0;
  double best = enumerate(row + 1, rows, columns, taken);
  for (uint32_t c = 0; c < columns; c++) {
    if (taken >> c & 1 || work.cost[row][c] >= 0) continue;
    best = fmin(best, work.cost[row][c] + enumerate(row + 1, rows, columns, taken | 1u << c));
  }
  return best;
}

/* The result is admissible and costs what it says. */
static void result_check(uint64_t seed, uint32_t rows, uint32_t columns, double total) {
  static bool taken[ASSIGN_MAX];
  memset(taken, 0, sizeof taken);
  double sum = 0;
  for (uint32_t r = 0; r < rows; r++) {
    uint32_t c = work.column_of[r];
    if (c == ASSIGN_NONE) continue;
    if (c >= columns || taken[c] || !(work.cost[r][c] < 0)) fail_msg("seed %llu: row %u got %u", (unsigned long long)seed, r, c);
    taken[c] = true;
    sum += work.cost[r][c];
  }
  if (fabs(sum - total) > 1e-9 * (1 + fabs(sum))) fail_msg("seed %llu: says %g, is %g", (unsigned long long)seed, total, sum);
}

static void assign_agrees_with_enumeration_on_10000_problems(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 10000; seed++) {
    struct prng prng = prng_seed(seed, 3);
    uint32_t rows = (uint32_t)prng_below(&prng, 6), columns = (uint32_t)prng_below(&prng, 6);
    bool ties = prng_below(&prng, 2), blocked = prng_below(&prng, 2);
    for (uint32_t r = 0; r < rows; r++) {
      for (uint32_t c = 0; c < columns; c++) {
        work.cost[r][c] = ties ? (double)prng_below(&prng, 5) - 3 : 20 * (prng_uniform(&prng) - 0.7);
        if (blocked && prng_below(&prng, 3) == 0) work.cost[r][c] = prng_below(&prng, 2) ? 0 : INFINITY;
      }
    }
    double total = assign_solve(&work, rows, columns), best = enumerate(0, rows, columns, 0);
    result_check(seed, rows, columns, total);
    if (fabs(total - best) > 1e-9) fail_msg("seed %llu: %ux%u: %g, best %g", (unsigned long long)seed, rows, columns, total, best);
  }
}

/* Bertsekas' auction with whole numbers and scaling by size + 1: exact, and nothing in common with augmenting paths. */
static int64_t auction(uint32_t rows, uint32_t columns) {
  static int64_t price[2 * ASSIGN_MAX];
  static int owner[2 * ASSIGN_MAX], got[ASSIGN_MAX];
  uint32_t wide = columns + rows;
  int64_t scale = (int64_t)rows + 1, total = 0;
  memset(price, 0, sizeof price);
  for (uint32_t c = 0; c < wide; c++) owner[c] = -1;
  for (uint32_t r = 0; r < rows; r++) got[r] = -1;
  for (bool open = true; open;) {
    open = false;
    for (uint32_t r = 0; r < rows; r++) {
      if (got[r] >= 0) continue;
      open = true;
      int64_t best = INT64_MIN, second = INT64_MIN;
      uint32_t at = 0;
      for (uint32_t c = 0; c < wide; c++) {
        if (c >= columns && c - columns != r) continue;
        int64_t gain = c < columns ? -(int64_t)work.cost[r][c] * scale : 0;
        if (c < columns && gain <= 0) continue;
        int64_t net = gain - price[c];
        if (net > best) {
          second = best;
          best = net;
          at = c;
        } else if (net > second) {
          second = net;
        }
      }
      if (second == INT64_MIN) second = best - 1000000;
      price[at] += best - second + 1;
      if (owner[at] >= 0) got[owner[at]] = -1;
      owner[at] = (int)r;
      got[r] = (int)at;
    }
  }
  for (uint32_t r = 0; r < rows; r++) {
    if ((uint32_t)got[r] < columns) total += (int64_t)work.cost[r][got[r]];
  }
  return total;
}

static void assign_agrees_with_an_auction_on_larger_problems(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 60; seed++) {
    struct prng prng = prng_seed(seed, 4);
    uint32_t rows = 1 + (uint32_t)prng_below(&prng, seed % 10 ? 40 : ASSIGN_MAX);
    uint32_t columns = 1 + (uint32_t)prng_below(&prng, seed % 10 ? 40 : ASSIGN_MAX);
    for (uint32_t r = 0; r < rows; r++) {
      for (uint32_t c = 0; c < columns; c++) {
        work.cost[r][c] = prng_below(&prng, 4) ? 0 : -(double)prng_below(&prng, 1000);
      }
    }
    double total = assign_solve(&work, rows, columns);
    result_check(seed, rows, columns, total);
    int64_t best = auction(rows, columns);
    if (total != (double)best) fail_msg("seed %llu: %ux%u: %g, best %lld", (unsigned long long)seed, rows, columns, total, (long long)best);
  }
}

static void assign_takes_the_largest_problem_and_prefers_the_lower_index(void **state) {
  (void)state;
  for (uint32_t r = 0; r < ASSIGN_MAX; r++) {
    for (uint32_t c = 0; c < ASSIGN_MAX; c++) work.cost[r][c] = -1;
  }
  assert_true(assign_solve(&work, ASSIGN_MAX, ASSIGN_MAX) == -(double)ASSIGN_MAX);
  for (uint32_t r = 0; r < ASSIGN_MAX; r++) assert_int_equal(work.column_of[r], r);
  assert_true(assign_solve(&work, 2, 0) == 0);
  assert_int_equal(work.column_of[1], ASSIGN_NONE);
}

static void strands_grow_with_the_tracks_and_fit_what_they_say(void **state) {
  (void)state;
  static const uint32_t tracks_max[] = {64, 65536, 300000, 1 << 20, 1 << 22};
  for (size_t i = 0; i < sizeof tracks_max / sizeof *tracks_max; i++) {
    struct arena arena;
    struct strands strands;
    assert_int_equal(arena_open(&arena, strands_bytes(tracks_max[i])), 0);
    assert_int_equal(strands_open(&strands, &arena, tracks_max[i]), 0);
    assert_int_equal(strands.capacity, strands_capacity(tracks_max[i]));
    assert_true(strands.capacity >= STRANDS_MIN);
    assert_true(strands.capacity >= tracks_max[i] / STRANDS_TRACKS);
    arena_close(&arena);
  }
}

static void inverse_and_determinant_agree_with_long_double(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 2000; seed++) {
    struct prng prng = prng_seed(seed, 5);
    int n = 1 + (int)prng_below(&prng, 6);
    double a[6][6], packed[21], inverse[21], log_determinant;
    long double m[6][6], determinant = 1;
    for (int i = 0; i < n; i++) {
      double scale = exp(8 * (prng_uniform(&prng) - 0.5));
      for (int j = 0; j < n; j++) a[i][j] = scale * prng_normal(&prng);
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        for (int k = 0; k < n; k++) sum += a[i][k] * a[j][k];
        if (i == j) sum *= 1.01;
        if (i <= j) packed[WK_AT(n, i, j)] = sum;
      }
    }
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) m[i][j] = (long double)packed[i <= j ? WK_AT(n, i, j) : WK_AT(n, j, i)];
    }
    assert_true(matrix_invert_spd(n, packed, inverse, &log_determinant));
    for (int i = 0; i < n; i++) { /* A times inverse is the identity, relative to the rows' sizes */
      for (int j = 0; j < n; j++) {
        long double sum = 0, size = 0;
        for (int k = 0; k < n; k++) {
          long double term = m[i][k] * (long double)inverse[k <= j ? WK_AT(n, k, j) : WK_AT(n, j, k)];
          sum += term;
          size += fabsl(term);
        }
        if (fabsl(sum - (i == j)) > 1e-7L * (1 + size)) fail_msg("seed %llu: (A inverse)[%d][%d] = %Lg", (unsigned long long)seed, i, j, sum);
      }
    }
    for (int c = 0; c < n; c++) { /* elimination without pivots: positive definite */
      determinant *= m[c][c];
      for (int r = c + 1; r < n; r++) {
        long double f = m[r][c] / m[c][c];
        for (int k = c; k < n; k++) m[r][k] -= f * m[c][k];
      }
    }
    if (fabsl(logl(determinant) - (long double)log_determinant) > 1e-8L) {
      fail_msg("seed %llu: log determinant %g, should be %Lg", (unsigned long long)seed, log_determinant, logl(determinant));
    }
  }
}

static void inverse_refuses_what_is_not_positive_definite(void **state) {
  (void)state;
  const double singular[6] = {1, 1, 0, 1, 0, 1}, negative[3] = {1, 0, -1}, nothing[3] = {NAN, 0, 1};
  double inverse[6] = {7};
  assert_false(matrix_invert_spd(3, singular, inverse, NULL));
  assert_false(matrix_invert_spd(2, negative, inverse, NULL));
  assert_false(matrix_invert_spd(2, nothing, inverse, NULL));
  assert_true(inverse[0] == 7);
}

/* The determinant of six variances of 1e-6 m^2 or 1e12 m^2 is far from 1; its logarithm is not. */
static void log_determinant_survives_large_and_small_matrices(void **state) {
  (void)state;
  for (int power = -60; power <= 60; power += 10) {
    double packed[21] = {0}, inverse[21], log_determinant;
    for (int i = 0; i < 6; i++) packed[WK_AT(6, i, i)] = pow(10, power);
    assert_true(matrix_invert_spd(6, packed, inverse, &log_determinant));
    assert_true(fabs(log_determinant - 6 * power * log(10)) < 1e-9 * (1 + fabs(log_determinant)));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grid_visits_every_item_that_touches_the_box),
      cmocka_unit_test(grid_uses_every_level_and_scans_a_level_for_a_huge_box),
      cmocka_unit_test(grid_finds_directions_by_angle),
      cmocka_unit_test(queue_pops_in_order_of_time_then_slot),
      cmocka_unit_test(assign_agrees_with_enumeration_on_10000_problems),
      cmocka_unit_test(assign_agrees_with_an_auction_on_larger_problems),
      cmocka_unit_test(assign_takes_the_largest_problem_and_prefers_the_lower_index),
      cmocka_unit_test(strands_grow_with_the_tracks_and_fit_what_they_say),
      cmocka_unit_test(inverse_and_determinant_agree_with_long_double),
      cmocka_unit_test(inverse_refuses_what_is_not_positive_definite),
      cmocka_unit_test(log_determinant_survives_large_and_small_matrices),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "engine/track/seeds.h"

#include <errno.h>

/* The longest-lived seed (40 s at 8,500 m/s) is looked for in some 1,700 cells, below what the grid walks;
 * smaller cells would make every point of a slow radar walk all entries. */
static const double seed_cell_m = 64000;

int seeds_open(struct seeds *seeds, struct arena *arena) {
  *seeds = (struct seeds){0};
  seeds->seeds = arena_take(arena, SEEDS_MAX, sizeof *seeds->seeds);
  if (!seeds->seeds) return -ENOMEM;
  return grid_open(&seeds->grid, arena, SEEDS_MAX, seed_cell_m);
}

#include "engine/track/seeds.h"

#include <errno.h>

static const double seed_cell_m = 8000;

int seeds_open(struct seeds *seeds, struct arena *arena) {
  *seeds = (struct seeds){0};
  seeds->seeds = arena_take(arena, SEEDS_MAX, sizeof *seeds->seeds);
  seeds->rays = arena_take(arena, RAYS_MAX, sizeof *seeds->rays);
  if (!seeds->seeds || !seeds->rays) return -ENOMEM;
  return grid_open(&seeds->grid, arena, SEEDS_MAX, seed_cell_m);
}

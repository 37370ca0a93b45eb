#include "engine/track/grid.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/check.h"

enum { COORDINATE_BITS = 19, COORDINATE_BIAS = 1 << (COORDINATE_BITS - 1), HEADS_MAX = 64 };

int grid_open(struct grid *grid, struct arena *arena, uint32_t capacity, double base) {
  uint32_t buckets = 64;
  while (buckets < capacity) buckets *= 2;
  *grid = (struct grid){.capacity = capacity, .bucket_mask = buckets - 1, .base = base};
  grid->entries = arena_take(arena, capacity, sizeof *grid->entries);
  grid->buckets = arena_take(arena, buckets, sizeof *grid->buckets);
  if (!grid->entries || !grid->buckets) return -ENOMEM;
  memset(grid->buckets, 0xff, (size_t)buckets * sizeof *grid->buckets);
  return 0;
}

static uint64_t cell_key(int level, int64_t x, int64_t y, int64_t z) {
  const uint64_t mask = (1u << COORDINATE_BITS) - 1;
  uint64_t ux = (uint64_t)(x + COORDINATE_BIAS) & mask, uy = (uint64_t)(y + COORDINATE_BIAS) & mask;
  uint64_t uz = (uint64_t)(z + COORDINATE_BIAS) & mask;
  return (uint64_t)level << (3 * COORDINATE_BITS) | ux << (2 * COORDINATE_BITS) | uy << COORDINATE_BITS | uz;
}

static uint32_t bucket_of(const struct grid *grid, uint64_t key) {
  key *= 0x9e3779b97f4a7c15u;
  return (uint32_t)(key >> 32 ^ key >> 13) & grid->bucket_mask;
}

static int level_of(const struct grid *grid, double radius) {
  int level = 0;
  double cell = grid->base;
  while (level < GRID_LEVELS - 1 && cell < 2 * radius) {
    cell *= 2;
    level++;
  }
  return level;
}

static double cell_size(const struct grid *grid, int level) {
  return grid->base * (double)(1u << level);
}

/* What is nowhere near the Earth shares the outermost cells. */
static int64_t cell_coordinate(double value, double cell) {
  const double outermost = 1e15;
  return (int64_t)floor(fmax(fmin(value / cell, outermost), -outermost));
}

static void unlink_entry(struct grid *grid, uint32_t item) {
  struct grid_entry *entry = &grid->entries[item];
  if (entry->prev == GRID_NONE) {
    grid->buckets[bucket_of(grid, entry->key)] = entry->next;
  } else {
    grid->entries[entry->prev].next = entry->next;
  }
  if (entry->next != GRID_NONE) grid->entries[entry->next].prev = entry->prev;
  grid->on_level[entry->level]--;
  entry->present = false;
}

void grid_put(struct grid *grid, uint32_t item, const double centre[3], double radius) {
  weft_assert(item < grid->capacity);
  struct grid_entry *entry = &grid->entries[item];
  int level = level_of(grid, radius);
  double cell = cell_size(grid, level);
  uint64_t key = cell_key(level, cell_coordinate(centre[0], cell), cell_coordinate(centre[1], cell),
                          cell_coordinate(centre[2], cell));
  if (entry->present && entry->key == key) return;
  if (entry->present) unlink_entry(grid, item);
  uint32_t bucket = bucket_of(grid, key);
  *entry = (struct grid_entry){
      .key = key, .next = grid->buckets[bucket], .prev = GRID_NONE, .present = true, .level = (uint8_t)level};
  if (entry->next != GRID_NONE) grid->entries[entry->next].prev = item;
  grid->buckets[bucket] = item;
  grid->on_level[level]++;
}

void grid_remove(struct grid *grid, uint32_t item) {
  if (grid->entries[item].present) unlink_entry(grid, item);
}

/* Heads of the chains that a level's box meets: gathered first, so that the memory behind them comes while others are found. */
struct heads {
  uint64_t key[HEADS_MAX];
  uint32_t item[HEADS_MAX];
  int count;
};

static uint32_t heads_visit(const struct grid *grid, struct heads *heads, void (*visit)(void *, uint32_t),
                            void *context) {
  uint32_t visited = 0;
  for (int h = 0; h < heads->count; h++) {
    for (uint32_t item = heads->item[h]; item != GRID_NONE;) {
      const struct grid_entry *entry = &grid->entries[item];
      uint32_t next = entry->next;
      if (next != GRID_NONE) __builtin_prefetch(&grid->entries[next]);
      if (entry->key == heads->key[h]) {
        visit(context, item);
        visited++;
      }
      item = next;
    }
  }
  heads->count = 0;
  return visited;
}

static uint32_t visit_level(const struct grid *grid, int level, const int64_t low[3], const int64_t high[3],
                            void (*visit)(void *, uint32_t), void *context) {
  struct heads heads;
  uint32_t visited = 0;
  heads.count = 0;
  for (int64_t x = low[0]; x <= high[0]; x++) {
    for (int64_t y = low[1]; y <= high[1]; y++) {
      for (int64_t z = low[2]; z <= high[2]; z++) {
        uint64_t key = cell_key(level, x, y, z);
        uint32_t item = grid->buckets[bucket_of(grid, key)];
        if (item == GRID_NONE) continue;
        __builtin_prefetch(&grid->entries[item]);
        heads.key[heads.count] = key;
        heads.item[heads.count++] = item;
        if (heads.count == HEADS_MAX) visited += heads_visit(grid, &heads, visit, context);
      }
    }
  }
  return visited + heads_visit(grid, &heads, visit, context);
}

/* A box so large that walking its cells costs more than walking the entries. */
static uint32_t visit_entries(const struct grid *grid, int level, void (*visit)(void *, uint32_t),
                              void *context) {
  uint32_t visited = 0;
  for (uint32_t item = 0; item < grid->capacity && visited < grid->on_level[level]; item++) {
    if (!grid->entries[item].present || grid->entries[item].level != level) continue;
    visit(context, item);
    visited++;
  }
  return visited;
}

uint32_t grid_query(const struct grid *grid, const double centre[3], const double half[3],
                    void (*visit)(void *context, uint32_t item), void *context) {
  uint32_t visited = 0;
  for (int level = 0; level < GRID_LEVELS; level++) {
    if (grid->on_level[level] == 0) continue;
    double cell = cell_size(grid, level);
    int64_t low[3], high[3];
    double cells = 1;
    for (int i = 0; i < 3; i++) {
      low[i] = cell_coordinate(centre[i] - half[i] - cell / 2, cell);
      high[i] = cell_coordinate(centre[i] + half[i] + cell / 2, cell);
      cells *= (double)(high[i] - low[i] + 1);
    }
    visited += cells <= GRID_CELLS_PER_QUERY_MAX ? visit_level(grid, level, low, high, visit, context)
                                                 : visit_entries(grid, level, visit, context);
  }
  return visited;
}

/* A link to an item below `high`, or GRID_NONE. */
static void link_image(uint32_t *link, uint32_t high, struct image *image) {
  uint32_t place = *link + 1; /* GRID_NONE becomes 0 */
  image_count(image, &place, high);
  *link = place - 1;
}

void grid_image(struct grid *grid, uint32_t high, struct image *image) {
  uint32_t used = 0; /* buckets that hold something */
  for (uint32_t b = 0; b <= grid->bucket_mask; b++) used += grid->buckets[b] != GRID_NONE;
  image_value(image, grid->on_level);
  image_count(image, &used, grid->bucket_mask + 1);
  for (uint32_t b = 0, i = 0; i < used; i++, b++) {
    while (image->mode != IMAGE_LOAD && grid->buckets[b] == GRID_NONE) b++;
    image_count(image, &b, grid->bucket_mask);
    link_image(&grid->buckets[b], high, image);
  }
  for (uint32_t item = 0; item < high; item++) {
    struct grid_entry *entry = &grid->entries[item];
    image_value(image, entry->present);
    if (!entry->present) continue;
    image_value(image, entry->key);
    link_image(&entry->next, high, image);
    link_image(&entry->prev, high, image);
    image_value(image, entry->level);
  }
}

#include "engine/track/grid.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "engine/base/check.h"

enum { COORDINATE_BITS = 19, COORDINATE_BIAS = 1 << (COORDINATE_BITS - 1), LEVEL_SHIFT = 3 * COORDINATE_BITS };
static const uint64_t KEY_TAKEN = UINT64_C(1) << 63;
_Static_assert(GRID_LEVELS == 8, "a level has three bits of a key");

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
  return KEY_TAKEN | (uint64_t)level << LEVEL_SHIFT | ux << (2 * COORDINATE_BITS) | uy << COORDINATE_BITS | uz;
}

static int level_of_key(uint64_t key) { return (int)(key >> LEVEL_SHIFT & (GRID_LEVELS - 1)); }

static uint32_t bucket_of(const struct grid *grid, uint64_t key) {
  key *= 0x9e3779b97f4a7c15u;
  return (uint32_t)(key >> 32 ^ key >> 13) & grid->bucket_mask;
}

static double cell_size(const struct grid *grid, int level) {
  return grid->base * (double)(1u << 2 * level);
}

static int level_of(const struct grid *grid, double radius) {
  int level = 0;
  while (level < GRID_LEVELS - 1 && cell_size(grid, level) < 4 * radius) level++;
  return level;
}

/* What is nowhere near the Earth shares the outermost cells. */
static int64_t cell_coordinate(double value, double per_cell) {
  const double outermost = 1e15;
  double cells = value * per_cell;
  cells = cells < outermost ? cells : outermost;
  return (int64_t)floor(cells > -outermost ? cells : -outermost);
}

static void unlink_entry(struct grid *grid, uint32_t item) {
  struct grid_entry *entry = &grid->entries[item];
  if (entry->prev == GRID_NONE) {
    grid->buckets[bucket_of(grid, entry->key)] = entry->next;
  } else {
    grid->entries[entry->prev].next = entry->next;
  }
  if (entry->next != GRID_NONE) grid->entries[entry->next].prev = entry->prev;
  grid->on_level[level_of_key(entry->key)]--;
  entry->key = 0;
}

uint64_t grid_key(const struct grid *grid, const double centre[3], double radius) {
  int level = level_of(grid, radius);
  double per_cell = 1 / cell_size(grid, level);
  return cell_key(level, cell_coordinate(centre[0], per_cell), cell_coordinate(centre[1], per_cell),
                  cell_coordinate(centre[2], per_cell));
}

void grid_place(struct grid *grid, uint32_t item, uint64_t key) {
  weft_assert(item < grid->capacity);
  struct grid_entry *entry = &grid->entries[item];
  if (entry->key == key) return;
  if (entry->key) unlink_entry(grid, item);
  uint32_t bucket = bucket_of(grid, key);
  *entry = (struct grid_entry){.key = key, .next = grid->buckets[bucket], .prev = GRID_NONE};
  if (entry->next != GRID_NONE) grid->entries[entry->next].prev = item;
  grid->buckets[bucket] = item;
  grid->on_level[level_of_key(key)]++;
}

void grid_put(struct grid *grid, uint32_t item, const double centre[3], double radius) {
  grid_place(grid, item, grid_key(grid, centre, radius));
}

void grid_remove(struct grid *grid, uint32_t item) {
  if (grid->entries[item].key) unlink_entry(grid, item);
}

void grid_heads(const struct grid *grid, struct grid_cells *cells) {
  uint32_t kept = 0;
  for (uint32_t c = 0; c < cells->count; c++) {
    uint64_t key = cells->key[c];
    uint32_t item = grid->buckets[bucket_of(grid, key)];
    cells->key[kept] = key;
    cells->item[kept] = item;
    if (item == GRID_NONE) continue;
    __builtin_prefetch(&grid->entries[item]);
    kept++;
  }
  cells->count = kept;
}

uint32_t grid_visit(const struct grid *grid, struct grid_cells *cells, void (*visit)(void *context, uint32_t item), void *context) {
  uint32_t visited = 0;
  for (uint32_t c = 0; c < cells->count; c++) {
    for (uint32_t item = cells->item[c]; item != GRID_NONE;) {
      const struct grid_entry *entry = &grid->entries[item];
      uint32_t next = entry->next;
      if (next != GRID_NONE) __builtin_prefetch(&grid->entries[next]);
      if (entry->key == cells->key[c]) {
        visit(context, item);
        visited++;
      }
      item = next;
    }
  }
  cells->count = 0;
  return visited;
}

/* The cells of a level that a box meets: from low to high. Returns their number. */
static double level_box(const struct grid *grid, int level, const double centre[3], const double half[3], int64_t low[3],
                        int64_t high[3]) {
  double reach = cell_size(grid, level) / 4, per_cell = 1 / cell_size(grid, level), cells = 1;
  for (int i = 0; i < 3; i++) {
    low[i] = cell_coordinate(centre[i] - half[i] - reach, per_cell);
    high[i] = cell_coordinate(centre[i] + half[i] + reach, per_cell);
    cells *= (double)(high[i] - low[i] + 1);
  }
  return cells;
}

bool grid_gather(const struct grid *grid, const double centre[3], const double half[3], struct grid_cells *cells) {
  cells->count = 0;
  for (int level = 0; level < GRID_LEVELS; level++) {
    int64_t low[3], high[3];
    if (grid->on_level[level] == 0) continue;
    if (level_box(grid, level, centre, half, low, high) > GRID_CELLS_MAX - cells->count) return false;
    for (int64_t x = low[0]; x <= high[0]; x++) {
      for (int64_t y = low[1]; y <= high[1]; y++) {
        for (int64_t z = low[2]; z <= high[2]; z++) {
          uint64_t key = cell_key(level, x, y, z);
          __builtin_prefetch(&grid->buckets[bucket_of(grid, key)]);
          cells->key[cells->count++] = key;
        }
      }
    }
  }
  return true;
}

/* A box so large that walking its cells costs more than walking the entries. */
static uint32_t entries_visit(const struct grid *grid, int level, void (*visit)(void *, uint32_t), void *context) {
  uint32_t visited = 0;
  for (uint32_t item = 0; item < grid->capacity && visited < grid->on_level[level]; item++) {
    if (!grid->entries[item].key || level_of_key(grid->entries[item].key) != level) continue;
    visit(context, item);
    visited++;
  }
  return visited;
}

/* Cells as they come, some at a time. */
static uint32_t level_visit(const struct grid *grid, int level, const int64_t low[3], const int64_t high[3],
                            void (*visit)(void *, uint32_t), void *context) {
  struct grid_cells cells;
  uint32_t visited = 0;
  cells.count = 0;
  for (int64_t x = low[0]; x <= high[0]; x++) {
    for (int64_t y = low[1]; y <= high[1]; y++) {
      for (int64_t z = low[2]; z <= high[2]; z++) {
        cells.key[cells.count++] = cell_key(level, x, y, z);
        if (cells.count < GRID_CELLS_MAX) continue;
        grid_heads(grid, &cells);
        visited += grid_visit(grid, &cells, visit, context);
      }
    }
  }
  grid_heads(grid, &cells);
  return visited + grid_visit(grid, &cells, visit, context);
}

uint32_t grid_query(const struct grid *grid, const double centre[3], const double half[3],
                    void (*visit)(void *context, uint32_t item), void *context) {
  struct grid_cells few;
  uint32_t visited = 0;
  if (grid_gather(grid, centre, half, &few)) {
    grid_heads(grid, &few);
    return grid_visit(grid, &few, visit, context);
  }
  for (int level = 0; level < GRID_LEVELS; level++) {
    int64_t low[3], high[3];
    if (grid->on_level[level] == 0) continue;
    double cells = level_box(grid, level, centre, half, low, high);
    visited += cells <= GRID_CELLS_PER_QUERY_MAX ? level_visit(grid, level, low, high, visit, context)
                                                 : entries_visit(grid, level, visit, context);
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
    image_value(image, entry->key);
    if (!entry->key) continue;
    link_image(&entry->next, high, image);
    link_image(&entry->prev, high, image);
  }
}

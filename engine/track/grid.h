/* A hierarchical hash grid: items with a centre and a radius, found by a box in time that does not grow with
 * their number. Level k has cells of base * 4^k; an item lives in the one cell that holds its centre, on the
 * lowest level whose cell is at least four times its radius, so a query looks at the cells within (half box +
 * quarter cell) of its centre: three or four on a level for a small box. Serves positions (metres, ECEF) and
 * directions (unit vectors) alike. */
#ifndef WEFT_TRACK_GRID_H
#define WEFT_TRACK_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"

enum { GRID_LEVELS = 8, GRID_CELLS_MAX = 64, GRID_CELLS_PER_QUERY_MAX = 4096, GRID_NONE = UINT32_MAX };

struct grid_entry {
  uint64_t key;        /* level and cell; 0: the item is in none */
  uint32_t next, prev; /* chain of its bucket; prev = GRID_NONE at the head */
};

struct grid {
  struct grid_entry *entries; /* one per item id, below `capacity` */
  uint32_t *buckets;          /* head of chain, power of two */
  uint32_t capacity, bucket_mask;
  double base; /* cell size of level 0 */
  uint32_t on_level[GRID_LEVELS];
};

int grid_open(struct grid *grid, struct arena *arena, uint32_t capacity, double base);
/* Where an item belongs: never 0. A radius beyond the top level's quarter cell is put there all the same. */
uint64_t grid_key(const struct grid *grid, const double centre[3], double radius);
/* Puts an item where it belongs, or moves it there. */
void grid_place(struct grid *grid, uint32_t item, uint64_t key);
/* Both. */
void grid_put(struct grid *grid, uint32_t item, const double centre[3], double radius);
void grid_remove(struct grid *grid, uint32_t item);
/* The grid as bytes, the order of its chains included; items are below `high`. */
void grid_image(struct grid *grid, uint32_t high, struct image *image);
/* Calls visit(context, item) for every item whose sphere may touch the box; others may be visited too.
 * Returns the number of items visited. When a level would need more than GRID_CELLS_PER_QUERY_MAX cells, all
 * its items are visited cell by cell through the entries instead. */
uint32_t grid_query(const struct grid *grid, const double centre[3], const double half[3],
                    void (*visit)(void *context, uint32_t item), void *context);

/* The same in three parts, so that the memory of several small queries comes together: the cells that a box meets, false where
 * they are more than GRID_CELLS_MAX; the heads of their chains; the visit. */
struct grid_cells {
  uint64_t key[GRID_CELLS_MAX];
  uint32_t item[GRID_CELLS_MAX];
  uint32_t count;
};
bool grid_gather(const struct grid *grid, const double centre[3], const double half[3], struct grid_cells *cells);
void grid_heads(const struct grid *grid, struct grid_cells *cells);
uint32_t grid_visit(const struct grid *grid, struct grid_cells *cells, void (*visit)(void *context, uint32_t item), void *context);

#endif

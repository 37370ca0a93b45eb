/* A hierarchical hash grid: items with a centre and a radius, found by a box in time that does not grow with
 * their number. Each level's blocks are four times as large as those of the one below; an item lives in the one block that
 * holds its centre, on the lowest level whose reach is at least its radius, so a query looks at what is within
 * (half box + reach) of its centre. What lives in one block lies together, seven items to a line of memory, each with
 * its cell of the block: a small box costs a few lines on a level, and no look at items outside of it.
 * Serves positions (metres, ECEF) and directions (unit vectors) alike. */
#ifndef WEFT_TRACK_GRID_H
#define WEFT_TRACK_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/image.h"

enum {
  GRID_LEVELS = 8,
  GRID_LINE_ITEMS = 7,
  GRID_CROWDS = 128,
  GRID_BLOCKS_MAX = 64,             /* of a small query */
  GRID_BLOCKS_PER_QUERY_MAX = 4096, /* of a level in any query, and how many of them in a row: */
  GRID_BLOCKS_IN_ROW_MAX = 64
};

/* Items of the blocks that share a bucket: its first line, which has room or is just full, then full ones. */
struct grid_line {
  _Alignas(64) uint32_t tag[GRID_LINE_ITEMS]; /* which block, as far as one query can tell blocks apart, and the cell in it */
  uint32_t count;                             /* items here */
  uint32_t item[GRID_LINE_ITEMS];
  uint32_t next; /* the bucket's next line, 0 = none */
};

/* Sizes on level 0. Blocks many reaches wide make few of them a query's; those that hold more than a line of items, and cells that items
 * often leave, cost more than they save. */
struct grid_shape {
  double reach, block; /* largest radius; width */
  int side_bits;       /* a block is 2^side_bits cells wide, at most 8 */
};

struct grid {
  struct grid_line *lines; /* one per bucket, then those that full buckets go on in */
  uint64_t *keys;          /* of item id i at i * stride: level, block and cell; 0: the item is in none */
  uint32_t stride, capacity, bucket_count;
  uint32_t lines_used, spare; /* lines ever used; head of the list of those that are free again, 0 = none */
  double reach[GRID_LEVELS], per_cell[GRID_LEVELS]; /* per_cell: one over a cell's width */
  int side_bits;
  uint32_t on_level[GRID_LEVELS];
  uint32_t crowd[GRID_LEVELS][GRID_CROWDS]; /* items, by some bits of their blocks' hashes: a level that few are on costs a query no line */
};

/* Bytes of arena that a grid takes at most. */
size_t grid_bytes(uint32_t capacity);
/* Items are below `capacity`. Item i's key is keys[i * stride], zero at first, so that several grids of the same items can have theirs
 * side by side; NULL: keys of its own. -ENOMEM when the arena is too small. */
int grid_open(struct grid *grid, struct arena *arena, uint64_t *keys, uint32_t stride, uint32_t capacity,
              const struct grid_shape *shape);
/* Where an item belongs: never 0. A radius beyond the top level's reach is put there all the same. */
uint64_t grid_key(const struct grid *grid, const double centre[3], double radius);
/* Puts an item where it belongs, or moves it there. */
void grid_place(struct grid *grid, uint32_t item, uint64_t key);
/* Moves it within its block; false, and nothing done, where the key is of another one. May go on for several items at a time. */
bool grid_shift(struct grid *grid, uint32_t item, uint64_t key);
/* Asks for the memory that placing an item there, which is in the grid, will need. */
void grid_fetch(const struct grid *grid, uint32_t item, uint64_t key);
/* grid_key and grid_place. */
void grid_put(struct grid *grid, uint32_t item, const double centre[3], double radius);
void grid_remove(struct grid *grid, uint32_t item);
/* The grid as bytes, the order of its lines included; items are below `high`. */
void grid_image(struct grid *grid, uint32_t high, struct image *image);
/* Calls visit(context, item) once for every item whose sphere may touch the box; others may be visited too.
 * Returns the number of items visited. When a level would need more than GRID_BLOCKS_PER_QUERY_MAX blocks, all
 * its items are visited through their keys instead. */
uint32_t grid_query(const struct grid *grid, const double centre[3], const double half[3],
                    void (*visit)(void *context, uint32_t item), void *context);

/* The same in two parts, so that the memory of several small queries comes together: the blocks that a box meets, false where
 * they are more than GRID_BLOCKS_MAX; the visit, after which none is left. */
struct grid_block {
  uint32_t line, tag; /* its bucket; its part of a tag */
  uint32_t in;        /* a bit for each of its cells that the box meets: a byte for each axis */
};
struct grid_blocks {
  uint32_t count;
  struct grid_block at[GRID_BLOCKS_MAX];
};
bool grid_gather(const struct grid *grid, const double centre[3], const double half[3], struct grid_blocks *blocks);
uint32_t grid_visit(const struct grid *grid, struct grid_blocks *blocks, void (*visit)(void *context, uint32_t item), void *context);
/* The next line of memory of each block alone, and asks for those behind it, which are left. */
uint32_t grid_visit_lines(const struct grid *grid, struct grid_blocks *blocks, void (*visit)(void *context, uint32_t item), void *context);

#endif

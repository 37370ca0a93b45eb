#include "engine/track/grid.h"

#include <errno.h>
#include <immintrin.h>
#include <math.h>

#include "engine/base/check.h"

/* A key is: taken, level, the block's x, y, z, the cell in it. A tag is: level, the low bits of the block's x, y, z, the cell. No query
 * goes over so many blocks that two of them have the same tags. */
enum { SIDE_BITS = 3, SIDE_MASK = (1 << SIDE_BITS) - 1, CELL_BITS = 3 * SIDE_BITS, CELL_MASK = (1 << CELL_BITS) - 1 };
enum { BLOCK_BITS = 17, BLOCK_BIAS = 1 << (BLOCK_BITS - 1), LEVEL_SHIFT = 3 * BLOCK_BITS + CELL_BITS };
enum { TAG_X_BITS = 7, TAG_Y_BITS = 7, TAG_Z_BITS = 6 };
static const uint64_t KEY_TAKEN = UINT64_C(1) << 63;
_Static_assert(GRID_LEVELS == 8 && LEVEL_SHIFT + 3 == 63, "a level has three bits of a key");
_Static_assert(3 + TAG_X_BITS + TAG_Y_BITS + TAG_Z_BITS + CELL_BITS == 32, "a tag has 32 bits");
_Static_assert(GRID_BLOCKS_IN_ROW_MAX <= 1 << TAG_Z_BITS && GRID_BLOCKS_MAX <= GRID_BLOCKS_IN_ROW_MAX, "a query's blocks have tags of their own");
_Static_assert(sizeof(struct grid_line) == 64, "a line of the grid is a line of memory");

static uint32_t buckets_of(uint32_t capacity) { return capacity / 4 + 1; }

/* All lines of a bucket but its first are full. */
static uint32_t lines_of(uint32_t capacity) { return buckets_of(capacity) + capacity / GRID_LINE_ITEMS; }

size_t grid_bytes(uint32_t capacity) { return lines_of(capacity) * sizeof(struct grid_line) + capacity * sizeof(uint64_t) + 128; }

int grid_open(struct grid *grid, struct arena *arena, uint64_t *keys, uint32_t stride, uint32_t capacity,
              const struct grid_shape *shape) {
  weft_assert(shape->side_bits <= SIDE_BITS);
  *grid = (struct grid){.capacity = capacity, .bucket_count = buckets_of(capacity), .keys = keys, .stride = stride, .side_bits = shape->side_bits};
  grid->lines = arena_take(arena, lines_of(capacity), sizeof *grid->lines);
  if (!keys) {
    grid->stride = 1;
    grid->keys = arena_take(arena, capacity, sizeof *grid->keys);
  }
  if (!grid->lines || !grid->keys) return -ENOMEM;
  grid->lines_used = grid->bucket_count;
  for (int level = 0; level < GRID_LEVELS; level++) {
    double times = (double)(1u << 2 * level);
    grid->reach[level] = shape->reach * times;
    grid->per_cell[level] = (double)(1u << shape->side_bits) / (shape->block * times);
  }
  return 0;
}

static uint64_t *key_of(const struct grid *grid, uint32_t item) { return &grid->keys[(size_t)item * grid->stride]; }

static int level_of_key(uint64_t key) { return (int)(key >> LEVEL_SHIFT & (GRID_LEVELS - 1)); }

/* A block by itself: the key without its cell. */
static uint64_t block_key(int level, int64_t x, int64_t y, int64_t z) {
  const uint64_t mask = (1u << BLOCK_BITS) - 1;
  uint64_t ux = (uint64_t)(x + BLOCK_BIAS) & mask, uy = (uint64_t)(y + BLOCK_BIAS) & mask, uz = (uint64_t)(z + BLOCK_BIAS) & mask;
  return (KEY_TAKEN | (uint64_t)level << LEVEL_SHIFT) >> CELL_BITS | ux << (2 * BLOCK_BITS) | uy << BLOCK_BITS | uz;
}

static uint32_t bucket_of(const struct grid *grid, uint64_t block) {
  uint64_t mixed = block * 0x9e3779b97f4a7c15u;
  return (uint32_t)(((mixed >> 32 ^ (mixed >> 13 & UINT32_MAX)) * grid->bucket_count) >> 32);
}

/* A tag without its cell. */
static uint32_t tag_of_block(uint64_t block) {
  uint32_t level = (uint32_t)level_of_key(block << CELL_BITS);
  uint32_t x = block >> (2 * BLOCK_BITS) & ((1 << TAG_X_BITS) - 1), y = block >> BLOCK_BITS & ((1 << TAG_Y_BITS) - 1);
  uint32_t z = block & ((1 << TAG_Z_BITS) - 1);
  return ((level << TAG_X_BITS | x) << TAG_Y_BITS | y) << TAG_Z_BITS | z;
}

static uint32_t tag_of(uint64_t key) {
  return tag_of_block(key >> CELL_BITS) << CELL_BITS | (uint32_t)(key & CELL_MASK);
}

static int level_of(const struct grid *grid, double radius) {
  int level = 0;
  while (level < GRID_LEVELS - 1 && grid->reach[level] < radius) level++;
  return level;
}

/* What is nowhere near the Earth shares the outermost cells. */
static int64_t cell_coordinate(double value, double per_cell) {
  const double outermost = 1e15;
  double cells = value * per_cell;
  cells = cells < outermost ? cells : outermost;
  return (int64_t)floor(cells > -outermost ? cells : -outermost);
}

static int64_t block_of(const struct grid *grid, int64_t cell) { return cell >> grid->side_bits; }

uint64_t grid_key(const struct grid *grid, const double centre[3], double radius) {
  int level = level_of(grid, radius);
  int64_t c[3];
  for (int i = 0; i < 3; i++) c[i] = cell_coordinate(centre[i], grid->per_cell[level]);
  int64_t mask = (1 << grid->side_bits) - 1;
  uint64_t cell = (uint64_t)((c[0] & mask) << 2 * SIDE_BITS | (c[1] & mask) << SIDE_BITS | (c[2] & mask));
  return block_key(level, block_of(grid, c[0]), block_of(grid, c[1]), block_of(grid, c[2])) << CELL_BITS | cell;
}

static uint32_t spare_take(struct grid *grid) {
  uint32_t line = grid->spare;
  if (line) {
    grid->spare = grid->lines[line].next;
    return line;
  }
  weft_assert(grid->lines_used < lines_of(grid->capacity));
  return grid->lines_used++;
}

static void spare_give(struct grid *grid, uint32_t line) {
  grid->lines[line].next = grid->spare;
  grid->spare = line;
}

static struct grid_line *first_line(const struct grid *grid, uint64_t key) { return &grid->lines[bucket_of(grid, key >> CELL_BITS)]; }

/* The line that holds an item, and the place there. */
static struct grid_line *line_of_item(const struct grid *grid, uint32_t item, uint32_t *place) {
  struct grid_line *line = first_line(grid, *key_of(grid, item));
  for (;; line = &grid->lines[line->next]) {
    __m256i equal = _mm256_cmpeq_epi32(_mm256_load_si256((const __m256i *)line->item), _mm256_set1_epi32((int)item));
    uint32_t hits = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) & ((1u << line->count) - 1);
    if (hits) {
      *place = (uint32_t)__builtin_ctz(hits);
      return line;
    }
    weft_assert(line->next);
  }
}

static void line_add(struct grid_line *line, uint32_t item, uint64_t key) {
  line->tag[line->count] = tag_of(key);
  line->item[line->count++] = item;
}

/* The last item of the first line takes its place. */
static void item_unlink(struct grid *grid, uint32_t item) {
  uint64_t *key = key_of(grid, item);
  struct grid_line *first = first_line(grid, *key);
  uint32_t place, last;
  struct grid_line *line = line_of_item(grid, item, &place);
  last = --first->count;
  line->tag[place] = first->tag[last];
  line->item[place] = first->item[last];
  if (first->count == 0 && first->next) {
    uint32_t next = first->next;
    *first = grid->lines[next];
    spare_give(grid, next);
  }
  grid->on_level[level_of_key(*key)]--;
  *key = 0;
}

bool grid_shift(struct grid *grid, uint32_t item, uint64_t key) {
  uint64_t *old = key_of(grid, item);
  if (*old >> CELL_BITS != key >> CELL_BITS) return false;
  if (*old == key) return true;
  uint32_t place;
  struct grid_line *line = line_of_item(grid, item, &place);
  line->tag[place] = tag_of(key);
  *old = key;
  return true;
}

void grid_fetch(const struct grid *grid, uint32_t item, uint64_t key) {
  __builtin_prefetch(first_line(grid, key), 1);
  __builtin_prefetch(first_line(grid, *key_of(grid, item)), 1);
}

void grid_place(struct grid *grid, uint32_t item, uint64_t key) {
  weft_assert(item < grid->capacity);
  uint64_t *old = key_of(grid, item);
  if (grid_shift(grid, item, key)) return;
  if (*old) item_unlink(grid, item);
  struct grid_line *first = first_line(grid, key);
  if (first->count == GRID_LINE_ITEMS) {
    uint32_t line = spare_take(grid);
    grid->lines[line] = *first;
    first->count = 0;
    first->next = line;
  }
  line_add(first, item, key);
  grid->on_level[level_of_key(key)]++;
  *old = key;
}

void grid_put(struct grid *grid, uint32_t item, const double centre[3], double radius) {
  grid_place(grid, item, grid_key(grid, centre, radius));
}

void grid_remove(struct grid *grid, uint32_t item) {
  if (*key_of(grid, item)) item_unlink(grid, item);
}

/* A bit for each item of the line that is in the block and in one of its cells that the box meets. */
static uint32_t line_hits(const struct grid_line *line, uint32_t block, const uint8_t in[3]) {
  const __m256i side = _mm256_set1_epi32(SIDE_MASK), tags = _mm256_load_si256((const __m256i *)line->tag);
  __m256i x = _mm256_srlv_epi32(_mm256_set1_epi32(in[0]), _mm256_and_si256(_mm256_srli_epi32(tags, 2 * SIDE_BITS), side));
  __m256i y = _mm256_srlv_epi32(_mm256_set1_epi32(in[1]), _mm256_and_si256(_mm256_srli_epi32(tags, SIDE_BITS), side));
  __m256i z = _mm256_srlv_epi32(_mm256_set1_epi32(in[2]), _mm256_and_si256(tags, side));
  __m256i met = _mm256_slli_epi32(_mm256_and_si256(_mm256_and_si256(x, y), z), 31); /* the sign is what the mask is made of */
  __m256i there = _mm256_cmpeq_epi32(_mm256_srli_epi32(tags, CELL_BITS), _mm256_set1_epi32((int)block));
  return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_and_si256(met, there))) & ((1u << line->count) - 1);
}

/* Which items a set of hits is of, a byte for each: from a table, since some CPUs take hundreds of cycles for the instructions that
 * could gather them. */
#define HIT(hits, i) ((uint64_t)((hits) >> (i) & 1 ? (i) : 0) << 8 * __builtin_popcount((hits) & ((1u << (i)) - 1)))
#define HITS_1(hits) HIT(hits, 1) | HIT(hits, 2) | HIT(hits, 3) | HIT(hits, 4) | HIT(hits, 5) | HIT(hits, 6)
#define HITS_4(hits) HITS_1(hits), HITS_1((hits) + 1), HITS_1((hits) + 2), HITS_1((hits) + 3)
#define HITS_16(hits) HITS_4(hits), HITS_4((hits) + 4), HITS_4((hits) + 8), HITS_4((hits) + 12)
#define HITS_64(hits) HITS_16(hits), HITS_16((hits) + 16), HITS_16((hits) + 32), HITS_16((hits) + 48)
static const uint64_t hit_places[1 << GRID_LINE_ITEMS] = {HITS_64(0u), HITS_64(64u)};

/* Puts those items there, one behind the other, and what is left of eight words behind them. Returns their number. Without a branch, since
 * which items these are can't be foretold. */
static uint32_t hits_put(uint32_t *out, const struct grid_line *line, uint32_t hits) {
  __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)hit_places[hits]));
  _mm256_storeu_si256((__m256i *)out, _mm256_permutevar8x32_epi32(_mm256_load_si256((const __m256i *)line->item), order));
  return (uint32_t)__builtin_popcount(hits);
}

uint32_t grid_visit(const struct grid *grid, struct grid_blocks *blocks, void (*visit)(void *context, uint32_t item), void *context) {
  enum { FOUND_MAX = 64 };
  uint32_t found[FOUND_MAX + 8], count = 0, visited = 0;
  for (uint32_t b = 0; b < blocks->count; b++) {
    for (const struct grid_line *line = &grid->lines[blocks->line[b]];; line = &grid->lines[line->next]) {
      if (line->next) __builtin_prefetch(&grid->lines[line->next]);
      count += hits_put(found + count, line, line_hits(line, blocks->block[b], blocks->in[b]));
      if (count > FOUND_MAX) {
        for (uint32_t i = 0; i < count; i++) visit(context, found[i]);
        visited += count;
        count = 0;
      }
      if (!line->next) break;
    }
  }
  for (uint32_t i = 0; i < count; i++) visit(context, found[i]);
  blocks->count = 0;
  return visited + count;
}

/* What a box meets on a level: cells, and the blocks that these are in, from low to high along each axis. */
struct box {
  const struct grid *grid;
  int level;
  int64_t low[3], high[3], from[3], to[3];
};

/* Returns the number of blocks; more than any limit where there are too many of them in a row. */
static double level_box(const struct grid *grid, int level, const double centre[3], const double half[3], struct box *box) {
  double reach = grid->reach[level], per_cell = grid->per_cell[level], blocks = 1;
  box->grid = grid;
  box->level = level;
  for (int i = 0; i < 3; i++) {
    box->low[i] = cell_coordinate(centre[i] - half[i] - reach, per_cell);
    box->high[i] = cell_coordinate(centre[i] + half[i] + reach, per_cell);
    box->from[i] = block_of(grid, box->low[i]);
    box->to[i] = block_of(grid, box->high[i]);
    double row = (double)(box->to[i] - box->from[i] + 1);
    blocks *= row <= GRID_BLOCKS_IN_ROW_MAX ? row : 2 * GRID_BLOCKS_PER_QUERY_MAX;
  }
  return blocks;
}

/* Of the blocks at a coordinate, a bit for each cell along that axis that the box meets. */
static uint8_t cells_in(const struct box *box, int axis, int64_t block) {
  int64_t side = (int64_t)1 << box->grid->side_bits, first = box->low[axis] - side * block, last = box->high[axis] - side * block;
  unsigned low = first > 0 ? (unsigned)first : 0, high = (unsigned)(last < side - 1 ? last : side - 1);
  return (uint8_t)((2u << high) - (1u << low));
}

static void block_gather(const struct box *box, const int64_t at[3], struct grid_blocks *blocks) {
  uint64_t block = block_key(box->level, at[0], at[1], at[2]);
  uint32_t place = blocks->count++, line = bucket_of(box->grid, block);
  __builtin_prefetch(&box->grid->lines[line]);
  blocks->line[place] = line;
  blocks->block[place] = tag_of_block(block);
  for (int axis = 0; axis < 3; axis++) blocks->in[place][axis] = cells_in(box, axis, at[axis]);
}

/* The box's next block; false behind the last. */
static bool block_next(const struct box *box, int64_t at[3]) {
  for (int axis = 2; axis >= 0; axis--) {
    if (++at[axis] <= box->to[axis]) return true;
    at[axis] = box->from[axis];
  }
  return false;
}

bool grid_gather(const struct grid *grid, const double centre[3], const double half[3], struct grid_blocks *blocks) {
  blocks->count = 0;
  for (int level = 0; level < GRID_LEVELS; level++) {
    struct box box;
    if (grid->on_level[level] == 0) continue;
    if (level_box(grid, level, centre, half, &box) > GRID_BLOCKS_MAX - blocks->count) return false;
    int64_t at[3] = {box.from[0], box.from[1], box.from[2]};
    do block_gather(&box, at, blocks);
    while (block_next(&box, at));
  }
  return true;
}

/* A box so large that walking its blocks costs more than walking the items. */
static uint32_t items_visit(const struct grid *grid, int level, void (*visit)(void *, uint32_t), void *context) {
  uint32_t visited = 0;
  for (uint32_t item = 0; item < grid->capacity && visited < grid->on_level[level]; item++) {
    uint64_t key = *key_of(grid, item);
    if (!key || level_of_key(key) != level) continue;
    visit(context, item);
    visited++;
  }
  return visited;
}

/* Blocks as they come, some at a time. */
static uint32_t level_visit(const struct box *box, void (*visit)(void *, uint32_t), void *context) {
  struct grid_blocks blocks;
  int64_t at[3] = {box->from[0], box->from[1], box->from[2]};
  uint32_t visited = 0;
  blocks.count = 0;
  do {
    block_gather(box, at, &blocks);
    if (blocks.count == GRID_BLOCKS_MAX) visited += grid_visit(box->grid, &blocks, visit, context);
  } while (block_next(box, at));
  return visited + grid_visit(box->grid, &blocks, visit, context);
}

uint32_t grid_query(const struct grid *grid, const double centre[3], const double half[3],
                    void (*visit)(void *context, uint32_t item), void *context) {
  struct grid_blocks few;
  uint32_t visited = 0;
  if (grid_gather(grid, centre, half, &few)) return grid_visit(grid, &few, visit, context);
  for (int level = 0; level < GRID_LEVELS; level++) {
    struct box box;
    if (grid->on_level[level] == 0) continue;
    double blocks = level_box(grid, level, centre, half, &box);
    visited += blocks <= GRID_BLOCKS_PER_QUERY_MAX ? level_visit(&box, visit, context) : items_visit(grid, level, visit, context);
  }
  return visited;
}

/* A bucket's items in their order; `left`: how many items there can still be. One that is loaded is empty before. */
static void bucket_image(struct grid *grid, uint32_t bucket, uint32_t high, uint32_t *left, struct image *image) {
  bool load = image->mode == IMAGE_LOAD;
  struct grid_line *line = &grid->lines[bucket];
  uint32_t count = line->count, place = 0;
  for (uint32_t next = line->next; next; next = grid->lines[next].next) count += GRID_LINE_ITEMS;
  if (load && count > 0) image->bad = true;
  image_count(image, &count, *left);
  *left -= count;
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0 && (count - i) % GRID_LINE_ITEMS == 0) { /* what follows fills its lines */
      if (load) line->next = spare_take(grid);
      line = &grid->lines[line->next];
      place = 0;
    }
    uint32_t item = line->item[place++];
    image_count(image, &item, high - 1);
    if (load) line_add(line, item, *key_of(grid, item));
  }
}

void grid_image(struct grid *grid, uint32_t high, struct image *image) {
  uint32_t used = 0, left = high; /* buckets that hold something */
  for (uint32_t b = 0; b < grid->bucket_count; b++) used += grid->lines[b].count > 0;
  image_value(image, grid->on_level);
  for (uint32_t item = 0; item < high; item++) image_value(image, *key_of(grid, item));
  image_count(image, &used, grid->bucket_count);
  for (uint32_t b = 0, i = 0; i < used; i++, b++) {
    while (image->mode != IMAGE_LOAD && grid->lines[b].count == 0) b++;
    image_count(image, &b, grid->bucket_count - 1);
    bucket_image(grid, b, high, &left, image);
  }
}

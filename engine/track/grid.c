#include "engine/track/grid.h"

#include <errno.h>
#include <immintrin.h>
#include <math.h>

#include "engine/base/check.h"

/* A key is: taken, level, the block's x, y, z, the cell in it. A tag is: level, the low bits of the block's x, y, z, the cell. No query
 * goes over so many blocks that two of them have the same tags. */
enum { SIDE_BITS = 3, SIDE_MASK = (1 << SIDE_BITS) - 1, CELL_BITS = 3 * SIDE_BITS, CELL_MASK = (1 << CELL_BITS) - 1 };
enum { BLOCK_BITS = 17, BLOCK_BIAS = 1 << (BLOCK_BITS - 1), LEVEL_SHIFT = 3 * BLOCK_BITS + CELL_BITS };
enum { TAG_X_BITS = 7, TAG_Y_BITS = 7, TAG_Z_BITS = 6, CROWD_BITS = 7 };
static const uint64_t KEY_TAKEN = UINT64_C(1) << 63;
_Static_assert(GRID_LEVELS == 8 && LEVEL_SHIFT + 3 == 63, "a level has three bits of a key");
_Static_assert(3 + TAG_X_BITS + TAG_Y_BITS + TAG_Z_BITS + CELL_BITS == 32, "a tag has 32 bits");
_Static_assert(GRID_BLOCKS_IN_ROW_MAX <= 1 << TAG_Z_BITS && GRID_BLOCKS_MAX <= GRID_BLOCKS_IN_ROW_MAX, "a query's blocks have tags of their own");
_Static_assert(GRID_CROWDS == 1 << CROWD_BITS, "a crowd is the first bits of a hash");
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

static uint64_t hash_of(uint64_t block) { return block * 0x9e3779b97f4a7c15u; }

static uint32_t bucket_of_hash(const struct grid *grid, uint64_t hash) {
  return (uint32_t)(((hash >> 32 ^ (hash >> 13 & UINT32_MAX)) * grid->bucket_count) >> 32);
}

static uint32_t bucket_of(const struct grid *grid, uint64_t block) { return bucket_of_hash(grid, hash_of(block)); }

static uint32_t crowd_of_hash(uint64_t hash) { return (uint32_t)(hash >> (64 - CROWD_BITS)); }

/* One item more or less on its level. */
static void level_count(struct grid *grid, uint64_t key, uint32_t change) {
  grid->on_level[level_of_key(key)] += change;
  grid->crowd[level_of_key(key)][crowd_of_hash(hash_of(key >> CELL_BITS))] += change;
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

/* One by one, since they have mostly just been written so. */
static __m256d lanes_of(const double v[3]) { return _mm256_setr_pd(v[0], v[1], v[2], 0); }

/* Cells along each axis. What is nowhere near the Earth shares the outermost ones. */
static __m128i cells_of(__m256d place, double per_cell) {
  const __m256d outermost = _mm256_set1_pd(1e9);
  __m256d cells = _mm256_min_pd(_mm256_mul_pd(place, _mm256_set1_pd(per_cell)), outermost); /* what is no number too */
  return _mm256_cvtpd_epi32(_mm256_floor_pd(_mm256_max_pd(cells, _mm256_sub_pd(_mm256_setzero_pd(), outermost))));
}

uint64_t grid_key(const struct grid *grid, const double centre[3], double radius) {
  int level = level_of(grid, radius);
  int32_t c[4], mask = (1 << grid->side_bits) - 1;
  _mm_storeu_si128((__m128i *)c, cells_of(lanes_of(centre), grid->per_cell[level]));
  uint64_t cell = (uint64_t)((c[0] & mask) << 2 * SIDE_BITS | (c[1] & mask) << SIDE_BITS | (c[2] & mask));
  return block_key(level, c[0] >> grid->side_bits, c[1] >> grid->side_bits, c[2] >> grid->side_bits) << CELL_BITS | cell;
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
  level_count(grid, *key, UINT32_MAX);
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
  level_count(grid, key, 1);
  *old = key;
}

void grid_put(struct grid *grid, uint32_t item, const double centre[3], double radius) {
  grid_place(grid, item, grid_key(grid, centre, radius));
}

void grid_remove(struct grid *grid, uint32_t item) {
  if (*key_of(grid, item)) item_unlink(grid, item);
}

/* A bit for each item of the line that is in the block and in one of its cells that the box meets. */
static uint32_t line_hits(const struct grid_line *line, const struct grid_block *block) {
  const __m256i side = _mm256_set1_epi32(SIDE_MASK), in = _mm256_set1_epi32((int)block->in);
  __m256i tags = _mm256_load_si256((const __m256i *)line->tag);
  __m256i x = _mm256_srlv_epi32(in, _mm256_and_si256(_mm256_srli_epi32(tags, 2 * SIDE_BITS), side));
  __m256i y = _mm256_srlv_epi32(_mm256_srli_epi32(in, 8), _mm256_and_si256(_mm256_srli_epi32(tags, SIDE_BITS), side));
  __m256i z = _mm256_srlv_epi32(_mm256_srli_epi32(in, 16), _mm256_and_si256(tags, side));
  __m256i met = _mm256_slli_epi32(_mm256_and_si256(_mm256_and_si256(x, y), z), 31); /* the sign is what the mask is made of */
  __m256i there = _mm256_cmpeq_epi32(_mm256_srli_epi32(tags, CELL_BITS), _mm256_set1_epi32((int)block->tag));
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

/* Items that are found, not yet visited. */
enum { FOUND_MAX = 64 };

struct found {
  uint32_t count, visited, items[FOUND_MAX + 8];
};

static void found_visit(struct found *found, void (*visit)(void *context, uint32_t item), void *context) {
  for (uint32_t i = 0; i < found->count; i++) visit(context, found->items[i]);
  found->visited += found->count;
  found->count = 0;
}

/* The items of a line that are meant. */
static void line_look(const struct grid_line *line, const struct grid_block *block, struct found *found, void (*visit)(void *, uint32_t), void *context) {
  found->count += hits_put(found->items + found->count, line, line_hits(line, block));
  if (found->count > FOUND_MAX) found_visit(found, visit, context);
}

uint32_t grid_visit_lines(const struct grid *grid, struct grid_blocks *blocks, void (*visit)(void *context, uint32_t item), void *context) {
  struct found found;
  uint32_t left = 0;
  found.count = found.visited = 0;
  for (uint32_t b = 0; b < blocks->count; b++) {
    struct grid_block block = blocks->at[b];
    const struct grid_line *line = &grid->lines[block.line];
    line_look(line, &block, &found, visit, context);
    block.line = line->next;
    __builtin_prefetch(&grid->lines[block.line]);
    blocks->at[left] = block;
    left += line->next != 0;
  }
  blocks->count = left;
  found_visit(&found, visit, context);
  return found.visited;
}

uint32_t grid_visit(const struct grid *grid, struct grid_blocks *blocks, void (*visit)(void *context, uint32_t item), void *context) {
  struct found found;
  found.count = found.visited = 0;
  for (uint32_t b = 0; b < blocks->count; b++) {
    for (const struct grid_line *line = &grid->lines[blocks->at[b].line];; line = &grid->lines[line->next]) {
      if (line->next) __builtin_prefetch(&grid->lines[line->next]);
      line_look(line, &blocks->at[b], &found, visit, context);
      if (!line->next) break;
    }
  }
  blocks->count = 0;
  found_visit(&found, visit, context);
  return found.visited;
}

/* What a box meets on a level: cells, and the blocks that these are in, from low to high along each axis. The fourth is nothing. */
struct box {
  const struct grid *grid;
  int level;
  _Alignas(16) int32_t low[4], high[4], from[4], to[4];
};

/* Returns the number of blocks; more than any limit where there are too many of them in a row. */
static int64_t level_box(const struct grid *grid, int level, const double centre[3], const double half[3], struct box *box) {
  __m256d middle = lanes_of(centre), around = lanes_of(half), reach = _mm256_set1_pd(grid->reach[level]);
  __m128i low = cells_of(_mm256_sub_pd(_mm256_sub_pd(middle, around), reach), grid->per_cell[level]);
  __m128i high = cells_of(_mm256_add_pd(_mm256_add_pd(middle, around), reach), grid->per_cell[level]);
  __m128i from = _mm_sra_epi32(low, _mm_cvtsi32_si128(grid->side_bits)), to = _mm_sra_epi32(high, _mm_cvtsi32_si128(grid->side_bits));
  __m128i rows = _mm_sub_epi32(to, from);
  box->grid = grid;
  box->level = level;
  _mm_store_si128((__m128i *)box->low, low);
  _mm_store_si128((__m128i *)box->high, high);
  _mm_store_si128((__m128i *)box->from, from);
  _mm_store_si128((__m128i *)box->to, to);
  if (_mm_movemask_epi8(_mm_cmpgt_epi32(rows, _mm_set1_epi32(GRID_BLOCKS_IN_ROW_MAX - 1)))) return INT64_C(2) * GRID_BLOCKS_PER_QUERY_MAX;
  return (int64_t)(_mm_extract_epi32(rows, 0) + 1) * (_mm_extract_epi32(rows, 1) + 1) * (_mm_extract_epi32(rows, 2) + 1);
}

/* Of the blocks at a coordinate, a bit for each cell along that axis that the box meets. */
static inline uint32_t cells_in(const struct box *box, int axis, int32_t block) {
  int32_t side = 1 << box->grid->side_bits, first = box->low[axis] - side * block, last = box->high[axis] - side * block;
  uint32_t low = first > 0 ? (uint32_t)first : 0, high = (uint32_t)(last < side - 1 ? last : side - 1);
  return (2u << high) - (1u << low);
}

/* Notes the blocks of a box in which there may be items, and asks for their lines. Where there is no room for more, those that there are
 * are visited; returns how many items were. */
static uint32_t box_gather(const struct box *box, struct grid_blocks *blocks, void (*visit)(void *, uint32_t), void *context) {
  const struct grid *grid = box->grid;
  uint32_t visited = 0;
  for (int32_t x = box->from[0]; x <= box->to[0]; x++) {
    uint32_t in_x = cells_in(box, 0, x);
    for (int32_t y = box->from[1]; y <= box->to[1]; y++) {
      uint32_t in_xy = in_x | cells_in(box, 1, y) << 8;
      for (int32_t z = box->from[2]; z <= box->to[2]; z++) {
        uint64_t block = block_key(box->level, x, y, z), hash = hash_of(block);
        if (grid->crowd[box->level][crowd_of_hash(hash)] == 0) continue;
        if (blocks->count == GRID_BLOCKS_MAX) visited += grid_visit(grid, blocks, visit, context);
        struct grid_block *at = &blocks->at[blocks->count++];
        at->line = bucket_of_hash(grid, hash);
        at->tag = tag_of_block(block);
        at->in = in_xy | cells_in(box, 2, z) << 16;
        __builtin_prefetch(&grid->lines[at->line]);
      }
    }
  }
  return visited;
}

bool grid_gather(const struct grid *grid, const double centre[3], const double half[3], struct grid_blocks *blocks) {
  blocks->count = 0;
  for (int level = 0; level < GRID_LEVELS; level++) {
    struct box box;
    if (grid->on_level[level] == 0) continue;
    if (level_box(grid, level, centre, half, &box) > GRID_BLOCKS_MAX - blocks->count) return false;
    box_gather(&box, blocks, NULL, NULL);
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
  struct grid_blocks blocks = {.count = 0};
  uint32_t visited = box_gather(box, &blocks, visit, context);
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
    int64_t blocks = level_box(grid, level, centre, half, &box);
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
  for (uint32_t item = 0; item < high; item++) {
    uint64_t *key = key_of(grid, item);
    image_value(image, *key);
    if (image->mode == IMAGE_LOAD && *key) grid->crowd[level_of_key(*key)][crowd_of_hash(hash_of(*key >> CELL_BITS))]++;
  }
  image_count(image, &used, grid->bucket_count);
  for (uint32_t b = 0, i = 0; i < used; i++, b++) {
    while (image->mode != IMAGE_LOAD && grid->lines[b].count == 0) b++;
    image_count(image, &b, grid->bucket_count - 1);
    bucket_image(grid, b, high, &left, image);
  }
}

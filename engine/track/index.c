#include "engine/track/index.h"

#include <errno.h>
#include <math.h>

#include "engine/track/vector.h"

/* Gate radii in sigmas for the coarse test: generous, since the fine gate follows. */
static const double coarse_sigmas = 5;
static const double speed_max_mps = 8500;
static const double cell_space_m = 8000;
static const double cell_direction_rad = 1.0 / 1024;

/* Tracks that are put in at a time; of a piece of them; and how far ahead their memory is asked for. */
enum { PUT_BATCH = 4096, PUT_PIECE = 128, PUT_AHEAD = 8 };

size_t track_index_bytes(const struct site *site, uint32_t tracks_max) {
  size_t grids = 1;
  for (uint32_t i = 0; i < site->sensor_count; i++) grids += site->sensors[i].kind == KIND_LOS;
  return grids * (tracks_max * (sizeof(struct grid_entry) + 2 * sizeof(uint32_t)) + PUT_BATCH * sizeof(uint64_t) + 1024);
}

int track_index_open(struct track_index *index, struct arena *arena, const struct site *site,
                     const struct store *store) {
  *index = (struct track_index){.store = store};
  int rc = grid_open(&index->space, arena, store->capacity, cell_space_m);
  for (uint32_t i = 0; i < site->sensor_count && rc == 0; i++) {
    index->grid_of_sensor[i] = INDEX_LOS_MAX;
    if (site->sensors[i].kind != KIND_LOS) continue;
    if (index->los_count == INDEX_LOS_MAX) return -E2BIG;
    index->grid_of_sensor[i] = (uint16_t)index->los_count;
    index->los_sensor[index->los_count] = i;
    rc = grid_open(&index->directions[index->los_count++], arena, store->capacity, cell_direction_rad);
  }
  index->keys = arena_take(arena, PUT_BATCH, (1 + index->los_count) * sizeof *index->keys);
  return rc == 0 && !index->keys ? -ENOMEM : rc;
}

void track_index_at(struct track_index *index, const struct site *site, const struct sensor_motion *motion, int64_t time_ns) {
  index->time_ns = time_ns;
  for (uint32_t g = 0; g < index->los_count; g++) {
    double velocity_mps[3];
    uint32_t sensor = index->los_sensor[g];
    sensor_motion_at(&motion[sensor], &site->sensors[sensor], time_ns, index->eyes[g].site_m, velocity_mps);
    index->eyes[g].motion_m = vector_norm(velocity_mps) * (INDEX_REACH_NS * 1e-9);
  }
}

/* Where a track belongs: in space, then in each grid of directions. */
static void keys_find(const struct track_index *index, const struct track *track, uint64_t *keys) {
  double centre[3];
  track_extrapolate(track, index->time_ns, centre);
  double before = track_sigma_at(track, index->time_ns - INDEX_REACH_NS);
  double after = track_sigma_at(track, index->time_ns + INDEX_REACH_NS);
  double sigma = before > after ? before : after;
  double radius = coarse_sigmas * sigma + vector_norm(track->velocity_mps) * (INDEX_REACH_NS * 1e-9);
  keys[0] = grid_key(&index->space, centre, radius);
  for (uint32_t g = 0; g < index->los_count; g++) {
    const struct index_eye *eye = &index->eyes[g];
    double d[3];
    vector_subtract(d, centre, eye->site_m);
    double distance = vector_norm(d), per_m = 1 / (distance > 1 ? distance : 1);
    double direction[3] = {d[0] * per_m, d[1] * per_m, d[2] * per_m}, width = (radius + eye->motion_m) * per_m;
    keys[1 + g] = grid_key(&index->directions[g], direction, width < 2 ? width : 2);
  }
}

static struct grid *grid_of(struct track_index *index, uint32_t g) { return g == 0 ? &index->space : &index->directions[g - 1]; }

void track_index_put(struct track_index *index, uint32_t slot) {
  uint64_t keys[1 + INDEX_LOS_MAX];
  keys_find(index, &index->store->tracks[slot], keys);
  for (uint32_t g = 0; g <= index->los_count; g++) grid_place(grid_of(index, g), slot, keys[g]);
}

struct put_job {
  struct track_index *index;
  const uint32_t *slots;
};

static void put_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct put_job *job = argument;
  struct track_index *index = job->index;
  uint32_t grids = 1 + index->los_count;
  for (uint32_t i = begin; i < end; i++) {
    uint32_t slot = job->slots[i], ahead = job->slots[i + PUT_AHEAD < end ? i + PUT_AHEAD : i];
    uint64_t *keys = &index->keys[i * grids];
    __builtin_prefetch(&index->store->tracks[ahead]);
    __builtin_prefetch((const char *)&index->store->tracks[ahead] + 64);
    for (uint32_t g = 0; g < grids; g++) __builtin_prefetch(&grid_of(index, g)->entries[ahead]);
    keys_find(index, &index->store->tracks[slot], keys);
    for (uint32_t g = 0; g < grids; g++) {
      if (grid_of(index, g)->entries[slot].key == keys[g]) keys[g] = 0;
    }
  }
}

void track_index_put_all(struct track_index *index, const struct parallel *parallel, const uint32_t *slots, uint32_t count) {
  uint32_t grids = 1 + index->los_count;
  for (uint32_t first = 0; first < count; first += PUT_BATCH) {
    uint32_t batch = count - first < PUT_BATCH ? count - first : PUT_BATCH;
    struct put_job job = {.index = index, .slots = slots + first};
    parallel->run(parallel->context, put_piece, &job, batch, PUT_PIECE);
    for (uint32_t i = 0; i < batch; i++) {
      for (uint32_t g = 0; g < grids; g++) {
        uint64_t key = index->keys[i * grids + g];
        if (key) grid_place(grid_of(index, g), slots[first + i], key);
      }
    }
  }
}

void track_index_remove(struct track_index *index, uint32_t slot) {
  grid_remove(&index->space, slot);
  for (uint32_t g = 0; g < index->los_count; g++) grid_remove(&index->directions[g], slot);
}

enum { FOUND_MAX = 32, FIND_TOGETHER = 8 };

struct search {
  const struct track_index *index;
  const struct plot *plot;
  struct candidates *out;
  uint32_t found[FOUND_MAX], found_count; /* near the plot, not yet considered */
  double score[CANDIDATES_MAX]; /* squared normalised distance; the worst is replaced when all places are
                                   taken */
};

/* Range and cross-range of a track's summary against the plot, each in sigmas; negative when outside. */
static double coarse_score(const struct plot *plot, const struct track *track) {
  double p[3], d[3];
  track_extrapolate(track, plot->time_ns, p);
  vector_subtract(d, p, plot->site_m);
  double distance = vector_norm(d), sigma = track_sigma_at(track, plot->time_ns), range_score = 0,
         cross_sigma = sigma;
  double cross2, projected = vector_dot(d, plot->direction);
  if (plot->kind == WK_POSITION) {
    vector_subtract(d, p, plot->point_m);
    cross2 = vector_dot(d, d);
    cross_sigma += plot->sigma_cross_m * 1.7320508;
  } else if (plot->kind == WK_LOS) {
    if (projected <= 0) return -1;
    cross2 = fmax(distance * distance - projected * projected, 0);
    cross_sigma += plot->sigma_cross_m * distance;
  } else {
    double range_sigma = sigma + sqrt(plot->variance[0]);
    range_score = fabs(distance - plot->z[0]) / range_sigma;
    vector_subtract(d, p, plot->point_m);
    double along = vector_dot(d, plot->direction);
    cross2 = fmax(vector_dot(d, d) - along * along, 0);
    cross_sigma += plot->sigma_cross_m;
  }
  double cross_score2 = cross2 / (cross_sigma * cross_sigma);
  if (range_score > coarse_sigmas || cross_score2 > coarse_sigmas * coarse_sigmas) return -1;
  return range_score * range_score + cross_score2;
}

static void consider(struct search *search, uint32_t slot) {
  struct candidates *out = search->out;
  out->evaluated++;
  const struct track *track = &search->index->store->tracks[slot];
  if (track->parked) return;
  double score = coarse_score(search->plot, track);
  if (score < 0) return;
  if (out->count < CANDIDATES_MAX) {
    search->score[out->count] = score;
    out->slots[out->count++] = slot;
    return;
  }
  out->overflow++;
  uint32_t worst = 0;
  for (uint32_t i = 1; i < CANDIDATES_MAX; i++) {
    if (search->score[i] > search->score[worst] ||
        (search->score[i] == search->score[worst] && out->slots[i] > out->slots[worst])) {
      worst = i;
    }
  }
  if (score > search->score[worst] || (score == search->score[worst] && slot > out->slots[worst])) return;
  search->score[worst] = score;
  out->slots[worst] = slot;
}

static void found_consider(struct search *search) {
  for (uint32_t i = 0; i < search->found_count; i++) consider(search, search->found[i]);
  search->found_count = 0;
}

/* Tracks are looked at some at a time, so that the memory of the next ones comes meanwhile. */
static void find(void *context, uint32_t slot) {
  struct search *search = context;
  const struct track *track = &search->index->store->tracks[slot];
  __builtin_prefetch(track);
  __builtin_prefetch((const char *)track + 64);
  if (search->found_count == FOUND_MAX) found_consider(search);
  search->found[search->found_count++] = slot;
}

static void sort_slots(struct candidates *out) {
  for (uint32_t i = 1; i < out->count; i++) {
    uint32_t slot = out->slots[i], at = i;
    for (; at > 0 && out->slots[at - 1] > slot; at--) out->slots[at] = out->slots[at - 1];
    out->slots[at] = slot;
  }
}

/* A plot's box, in the grid that its sensor looks into. */
static const struct grid *box_of(const struct track_index *index, const struct plot *plot, int64_t reference_ns, const double **centre,
                                 double half[3]) {
  int64_t off_ns = plot->time_ns > reference_ns ? plot->time_ns - reference_ns : reference_ns - plot->time_ns;
  double beyond_s = (double)(off_ns - INDEX_REACH_NS) * 1e-9, beyond_m = speed_max_mps * (beyond_s > 0 ? beyond_s : 0);
  if (plot->kind == WK_LOS) {
    /* The nearest track could be close: a direction moves at most so much in the extra time at 100 km. */
    for (int i = 0; i < 3; i++) half[i] = coarse_sigmas * plot->sigma_cross_m + beyond_m / 1e5;
    *centre = plot->direction;
    return &index->directions[index->grid_of_sensor[plot->sensor]];
  }
  for (int i = 0; i < 3; i++) half[i] = coarse_sigmas * sqrt(plot->point_covariance[WK_AT(3, i, i)]) + beyond_m;
  *centre = plot->point_m;
  return &index->space;
}

/* Some plots step by step side by side, so that none waits for memory alone: cells, heads of their chains, tracks. */
static void some_find(const struct track_index *index, const struct plot *plots, uint32_t count, int64_t reference_ns,
                      struct candidates *out) {
  struct search search[FIND_TOGETHER];
  struct grid_cells cells[FIND_TOGETHER];
  const struct grid *grid[FIND_TOGETHER];
  for (uint32_t i = 0; i < count; i++) {
    const double *centre;
    double half[3];
    search[i].index = index;
    search[i].plot = &plots[i];
    search[i].out = &out[i];
    search[i].found_count = 0;
    out[i].count = out[i].evaluated = out[i].overflow = 0;
    grid[i] = box_of(index, &plots[i], reference_ns, &centre, half);
    if (grid_gather(grid[i], centre, half, &cells[i])) continue;
    cells[i].count = 0;
    grid_query(grid[i], centre, half, find, &search[i]);
  }
  for (uint32_t i = 0; i < count; i++) grid_heads(grid[i], &cells[i]);
  for (uint32_t i = 0; i < count; i++) grid_visit(grid[i], &cells[i], find, &search[i]);
  for (uint32_t i = 0; i < count; i++) {
    found_consider(&search[i]);
    sort_slots(&out[i]);
  }
}

void track_index_find(const struct track_index *index, const struct plot *plots, uint32_t count, int64_t reference_ns,
                      struct candidates *out) {
  for (uint32_t first = 0; first < count; first += FIND_TOGETHER) {
    uint32_t left = count - first;
    some_find(index, plots + first, left < FIND_TOGETHER ? left : FIND_TOGETHER, reference_ns, out + first);
  }
}

void track_index_image(struct track_index *index, struct image *image) {
  grid_image(&index->space, index->store->high, image);
  for (uint32_t g = 0; g < index->los_count; g++) grid_image(&index->directions[g], index->store->high, image);
}

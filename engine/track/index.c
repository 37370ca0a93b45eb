#include "engine/track/index.h"

#include <errno.h>
#include <math.h>

#include "engine/track/vector.h"

/* Gate radii in sigmas for the coarse test: generous, since the fine gate follows. */
static const double coarse_sigmas = 5;
static const double speed_max_mps = 8500;
/* What coasts moves by up to 8.5 km within the index's reach, which is level 1; from a geostationary orbit that is 0.3 mrad. Seen along
 * lines the tracks are denser, and each that moves does in all grids of directions: hence smaller blocks and larger cells there. */
static const struct grid_shape space_shape = {.reach = 2500, .block = 20000, .side_bits = 2}; /* m */
static const struct grid_shape direction_shape = {.reach = 1.0 / 3200, .block = 1.0 / 1024, .side_bits = 1}; /* rad */

/* Tracks that are put in at a time; of a piece of them; and how far ahead their memory is asked for. */
enum { PUT_BATCH = 4096, PUT_PIECE = 128, PUT_AHEAD = 8, PLACE_AHEAD = 8 };

static uint32_t grids_of(const struct site *site) {
  uint32_t grids = 1;
  for (uint32_t i = 0; i < site->sensor_count; i++) grids += site->sensors[i].kind == KIND_LOS;
  return grids;
}

size_t track_index_bytes(const struct site *site, uint32_t tracks_max) {
  size_t grids = grids_of(site);
  return tracks_max * sizeof(struct index_sight) + grids * (grid_bytes(tracks_max) + PUT_BATCH * sizeof(uint64_t)) + 1024;
}

int track_index_open(struct track_index *index, struct arena *arena, const struct site *site,
                     const struct store *store) {
  uint32_t grids = grids_of(site);
  *index = (struct track_index){.store = store};
  index->sights = arena_take(arena, store->capacity, sizeof *index->sights);
  index->places = arena_take(arena, store->capacity, grids * sizeof *index->places);
  index->keys = arena_take(arena, PUT_BATCH, grids * sizeof *index->keys);
  if (!index->sights || !index->places || !index->keys) return -ENOMEM;
  int rc = grid_open(&index->space, arena, index->places, grids, store->capacity, &space_shape);
  for (uint32_t i = 0; i < site->sensor_count && rc == 0; i++) {
    index->grid_of_sensor[i] = INDEX_LOS_MAX;
    if (site->sensors[i].kind != KIND_LOS) continue;
    if (index->los_count == INDEX_LOS_MAX) return -E2BIG;
    index->grid_of_sensor[i] = (uint16_t)index->los_count;
    index->los_sensor[index->los_count] = i;
    struct grid *grid = &index->directions[index->los_count++];
    rc = grid_open(grid, arena, index->places + index->los_count, grids, store->capacity, &direction_shape);
  }
  return rc;
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

static void sight_take(struct track_index *index, uint32_t slot) {
  const struct track *track = &index->store->tracks[slot];
  struct index_sight *sight = &index->sights[slot];
  for (int i = 0; i < 3; i++) {
    sight->position_m[i] = track->position_m[i];
    sight->velocity_mps[i] = (float)track->velocity_mps[i];
    sight->acceleration_mps2[i] = (float)track->acceleration_mps2[i];
  }
  sight->sigma_position_m = track->parked ? -1 : (float)track->sigma_position_m;
  sight->sigma_velocity_mps = (float)track->sigma_velocity_mps;
  sight->time_ns = track->time_ns;
}

void track_index_put(struct track_index *index, uint32_t slot) {
  uint64_t keys[1 + INDEX_LOS_MAX];
  sight_take(index, slot);
  keys_find(index, &index->store->tracks[slot], keys);
  for (uint32_t g = 0; g <= index->los_count; g++) grid_place(grid_of(index, g), slot, keys[g]);
}

struct put_job {
  struct track_index *index;
  const uint32_t *slots;
};

/* Whoever stays in a block is moved there, after its neighbours' keys were found, so that its line has come meanwhile; who leaves it
 * waits for its turn. */
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
    __builtin_prefetch(&index->sights[ahead], 1);
    __builtin_prefetch(&index->places[ahead * grids], 1);
    sight_take(index, slot);
    keys_find(index, &index->store->tracks[slot], keys);
    for (uint32_t g = 0; g < grids; g++) {
      if (keys[g] == index->places[slot * grids + g]) keys[g] = 0;
      else grid_fetch(grid_of(index, g), slot, keys[g]);
    }
  }
  for (uint32_t i = begin; i < end; i++) {
    uint64_t *keys = &index->keys[i * grids];
    for (uint32_t g = 0; g < grids; g++) {
      if (keys[g] && grid_shift(grid_of(index, g), job->slots[i], keys[g])) keys[g] = 0;
    }
  }
}

/* Those of a batch that leave their blocks. */
static void leavers_place(struct track_index *index, const uint32_t *slots, uint32_t batch) {
  uint32_t grids = 1 + index->los_count, all = batch * grids, asked = 0, placed = 0;
  for (uint32_t k = 0, ahead = 0; k < all; k++) {
    for (; ahead < all && asked - placed < PLACE_AHEAD; ahead++) {
      if (index->keys[ahead] == 0) continue;
      grid_fetch(grid_of(index, ahead % grids), slots[ahead / grids], index->keys[ahead]);
      asked++;
    }
    if (index->keys[k] == 0) continue;
    grid_place(grid_of(index, k % grids), slots[k / grids], index->keys[k]);
    placed++;
  }
}

void track_index_put_all(struct track_index *index, const struct parallel *parallel, const uint32_t *slots, uint32_t count) {
  for (uint32_t first = 0; first < count; first += PUT_BATCH) {
    uint32_t batch = count - first < PUT_BATCH ? count - first : PUT_BATCH;
    struct put_job job = {.index = index, .slots = slots + first};
    parallel->run(parallel->context, put_piece, &job, batch, PUT_PIECE);
    leavers_place(index, slots + first, batch);
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
static double coarse_score(const struct plot *plot, const struct index_sight *sight) {
  double p[3], d[3], dt_s = (double)(plot->time_ns - sight->time_ns) * 1e-9;
  for (int i = 0; i < 3; i++)
    p[i] = sight->position_m[i] + dt_s * ((double)sight->velocity_mps[i] + 0.5 * dt_s * (double)sight->acceleration_mps2[i]);
  vector_subtract(d, p, plot->site_m);
  double sigma = track_sigma_after((double)sight->sigma_position_m, (double)sight->sigma_velocity_mps, dt_s);
  double distance = vector_norm(d), range_score = 0, cross_sigma = sigma;
  double cross2, projected = vector_dot(d, plot->direction);
  if (plot->kind == WK_POSITION) {
    vector_subtract(d, p, plot->point_m);
    cross2 = vector_dot(d, d);
    cross_sigma += plot->sigma_cross_m * 1.7320508;
  } else if (plot->kind == WK_LOS) {
    if (projected <= 0) return -1;
    cross2 = distance * distance - projected * projected;
    cross_sigma += plot->sigma_cross_m * distance;
  } else {
    double range_sigma = sigma + sqrt(plot->variance[0]);
    range_score = fabs(distance - plot->z[0]) / range_sigma;
    vector_subtract(d, p, plot->point_m);
    double along = vector_dot(d, plot->direction);
    cross2 = vector_dot(d, d) - along * along;
    cross_sigma += plot->sigma_cross_m;
  }
  double cross_score2 = (cross2 > 0 ? cross2 : 0) / (cross_sigma * cross_sigma);
  if (range_score > coarse_sigmas || cross_score2 > coarse_sigmas * coarse_sigmas) return -1;
  return range_score * range_score + cross_score2;
}

static void consider(struct search *search, uint32_t slot) {
  struct candidates *out = search->out;
  out->evaluated++;
  const struct index_sight *sight = &search->index->sights[slot];
  if (sight->sigma_position_m < 0) return;
  double score = coarse_score(search->plot, sight);
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
  __builtin_prefetch(&search->index->sights[slot]);
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

/* Some plots step by step side by side, so that none waits for memory alone: blocks, then tracks. */
static void some_find(const struct track_index *index, const struct plot *plots, uint32_t count, int64_t reference_ns,
                      struct candidates *out) {
  struct search search[FIND_TOGETHER];
  struct grid_blocks blocks[FIND_TOGETHER];
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
    if (grid_gather(grid[i], centre, half, &blocks[i])) continue;
    blocks[i].count = 0;
    grid_query(grid[i], centre, half, find, &search[i]);
  }
  for (uint32_t i = 0; i < count; i++) grid_visit(grid[i], &blocks[i], find, &search[i]);
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
  for (uint32_t slot = 0; slot < index->store->high && image->mode == IMAGE_LOAD; slot++) sight_take(index, slot);
  grid_image(&index->space, index->store->high, image);
  for (uint32_t g = 0; g < index->los_count; g++) grid_image(&index->directions[g], index->store->high, image);
}

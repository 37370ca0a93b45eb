#include "engine/track/index.h"

#include <errno.h>
#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

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
  return tracks_max * (sizeof(struct index_sight) + sizeof(float)) + grids * (grid_bytes(tracks_max) + PUT_BATCH * sizeof(uint64_t)) + 1024;
}

int track_index_open(struct track_index *index, struct arena *arena, const struct site *site,
                     const struct store *store) {
  uint32_t grids = grids_of(site);
  *index = (struct track_index){.store = store};
  index->sights = arena_take(arena, store->capacity, sizeof *index->sights);
  index->off_m = arena_take(arena, store->capacity, sizeof *index->off_m);
  index->places = arena_take(arena, store->capacity, grids * sizeof *index->places);
  index->keys = arena_take(arena, PUT_BATCH, grids * sizeof *index->keys);
  if (!index->sights || !index->off_m || !index->places || !index->keys) return -ENOMEM;
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
  double radius = coarse_sigmas * sigma + vector_norm(track->velocity_mps) * (INDEX_REACH_NS * 1e-9) + INDEX_OFF_MAX_M;
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

static struct index_sight sight_of(const struct track *track) {
  struct index_sight sight;
  for (int i = 0; i < 3; i++) {
    sight.position_m[i] = track->position_m[i];
    sight.velocity_mps[i] = (float)track->velocity_mps[i];
    sight.acceleration_mps2[i] = track->acceleration_mps2[i];
  }
  sight.sigma_position_m = track->parked ? -1 : (float)track->sigma_position_m;
  sight.sigma_velocity_mps = (float)track->sigma_velocity_mps;
  sight.time_ns = track->time_ns;
  return sight;
}

static void sight_take(struct track_index *index, uint32_t slot) { index->sights[slot] = sight_of(&index->store->tracks[slot]); }

/* The larger sigma of position at both ends of an entry's reach. */
static double sight_sigma_m(const struct index_sight *sight, double dt_s) {
  const double reach_s = INDEX_REACH_NS * 1e-9;
  return track_sigma_after((double)sight->sigma_position_m, (double)sight->sigma_velocity_mps, fabs(dt_s) + reach_s);
}

/* How far the ends of two spheres are apart that one track is in by its summary as it was and as it is, at most, within the reach of an entry
 * made for that time. */
static double sights_apart_m(const struct index_sight *was, const struct index_sight *is, int64_t time_ns) {
  const double reach_s = INDEX_REACH_NS * 1e-9;
  double was_s = (double)(time_ns - was->time_ns) * 1e-9, is_s = (double)(time_ns - is->time_ns) * 1e-9, off[3];
  for (int i = 0; i < 3; i++) {
    double wa = (double)was->acceleration_mps2[i], ia = (double)is->acceleration_mps2[i];
    double wv = (double)was->velocity_mps[i], iv = (double)is->velocity_mps[i];
    double p = is->position_m[i] - was->position_m[i] + is_s * (iv + 0.5 * is_s * ia) - was_s * (wv + 0.5 * was_s * wa);
    double v = iv + is_s * ia - wv - was_s * wa;
    off[i] = fabs(p) + reach_s * (fabs(v) + 0.5 * reach_s * fabs(ia - wa));
  }
  double grown_m = sight_sigma_m(is, is_s) - sight_sigma_m(was, was_s);
  return vector_norm(off) + coarse_sigmas * (grown_m > 0 ? grown_m : 0);
}

/* Whether an entry that is good until then, of a track as it was when it was last looked at, serves the track as it is. */
static bool entry_stays(struct track_index *index, uint32_t slot, const struct index_sight *is, int64_t until_ns) {
  const struct index_sight *was = &index->sights[slot];
  if (index->time_ns > until_ns - INDEX_REACH_NS / 4 || was->sigma_position_m < 0 || is->sigma_position_m < 0) return false;
  double off_m = (double)index->off_m[slot] + sights_apart_m(was, is, until_ns - INDEX_REACH_NS);
  if (!(off_m <= INDEX_OFF_MAX_M)) return false;
  index->off_m[slot] = (float)off_m;
  return true;
}

void track_index_put(struct track_index *index, uint32_t slot) {
  uint64_t keys[1 + INDEX_LOS_MAX];
  sight_take(index, slot);
  index->off_m[slot] = 0;
  keys_find(index, &index->store->tracks[slot], keys);
  for (uint32_t g = 0; g <= index->los_count; g++) grid_place(grid_of(index, g), slot, keys[g]);
}

struct put_job {
  struct track_index *index;
  const uint32_t *slots;
  int64_t *until_ns; /* of slot i at i * stride */
  uint32_t stride;
};

static void put_fetch(const struct put_job *job, uint32_t slot) {
  const char *track = (const char *)&job->index->store->tracks[slot];
  __builtin_prefetch(track);
  __builtin_prefetch(track + 64);
  __builtin_prefetch(&job->index->sights[slot], 1);
  __builtin_prefetch(&job->index->off_m[slot], 1);
  __builtin_prefetch(&job->until_ns[(size_t)slot * job->stride], 1);
}

/* Where a track is to be moved, grid by grid; 0: it stays there. */
static void put_keys_find(const struct put_job *job, uint32_t slot, uint64_t *keys) {
  struct track_index *index = job->index;
  const size_t grids = 1 + index->los_count;
  struct index_sight sight = sight_of(&index->store->tracks[slot]);
  int64_t *told_ns = &job->until_ns[(size_t)slot * job->stride], until_ns = *told_ns & ~INDEX_UNTIL_MARK;
  if (entry_stays(index, slot, &sight, until_ns)) {
    memset(keys, 0, grids * sizeof *keys);
  } else {
    index->off_m[slot] = 0;
    until_ns = (index->time_ns + INDEX_REACH_NS) & ~INDEX_UNTIL_MARK;
    keys_find(index, &index->store->tracks[slot], keys);
    for (uint32_t g = 0; g < grids; g++) {
      if (keys[g] == index->places[slot * grids + g]) keys[g] = 0;
      else grid_fetch(grid_of(index, g), slot, keys[g]);
    }
  }
  index->sights[slot] = sight;
  *told_ns = until_ns;
}

/* Whoever stays in a block is moved there, after its neighbours' keys were found, so that its line has come meanwhile; who leaves it
 * waits for its turn. */
static void put_piece(void *argument, uint32_t begin, uint32_t end, unsigned worker) {
  (void)worker;
  const struct put_job *job = argument;
  struct track_index *index = job->index;
  const size_t grids = 1 + index->los_count;
  for (uint32_t i = begin; i < end; i++) {
    put_fetch(job, job->slots[i + PUT_AHEAD < end ? i + PUT_AHEAD : i]);
    put_keys_find(job, job->slots[i], &index->keys[i * grids]);
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

void track_index_put_all(struct track_index *index, const struct parallel *parallel, const uint32_t *slots, uint32_t count, int64_t *until_ns,
                         uint32_t stride) {
  for (uint32_t first = 0; first < count; first += PUT_BATCH) {
    uint32_t batch = count - first < PUT_BATCH ? count - first : PUT_BATCH;
    struct put_job job = {.index = index, .slots = slots + first, .until_ns = until_ns, .stride = stride};
    parallel->run(parallel->context, put_piece, &job, batch, PUT_PIECE);
    leavers_place(index, slots + first, batch);
  }
}

void track_index_remove(struct track_index *index, uint32_t slot) {
  grid_remove(&index->space, slot);
  for (uint32_t g = 0; g < index->los_count; g++) grid_remove(&index->directions[g], slot);
}

enum { FOUND_MAX = 64, FIND_TOGETHER = 8, GATE_LANES = 4 };

struct search {
  const struct track_index *index;
  const struct plot *plot;
  struct candidates *out;
  uint32_t found_count, found[FOUND_MAX]; /* near the plot, not yet considered */
  double score[CANDIDATES_MAX]; /* squared normalised distance; the worst is replaced when all places are
                                   taken */
};

/* Four summaries side by side. */
struct sight_lanes {
  __m256d position_m[3], velocity_mps[3], acceleration_mps2[3], sigma_position_m, sigma_velocity_mps;
};

_Static_assert(offsetof(struct index_sight, velocity_mps) == 24 && offsetof(struct index_sight, sigma_velocity_mps) == 52, "a summary is read as three and eight words");

static __m256d half_of(__m256 floats, int half) {
  return _mm256_cvtps_pd(half ? _mm256_extractf128_ps(floats, 1) : _mm256_castps256_ps128(floats));
}

static void sights_load(const struct index_sight *const sight[GATE_LANES], struct sight_lanes *out) {
  __m256d p[4];
  __m256 f[4];
  for (int k = 0; k < GATE_LANES; k++) {
    p[k] = _mm256_load_pd(sight[k]->position_m);
    f[k] = _mm256_loadu_ps(sight[k]->velocity_mps);
  }
  __m256d xz01 = _mm256_unpacklo_pd(p[0], p[1]), xz23 = _mm256_unpacklo_pd(p[2], p[3]);
  out->position_m[0] = _mm256_permute2f128_pd(xz01, xz23, 0x20);
  out->position_m[1] = _mm256_permute2f128_pd(_mm256_unpackhi_pd(p[0], p[1]), _mm256_unpackhi_pd(p[2], p[3]), 0x20);
  out->position_m[2] = _mm256_permute2f128_pd(xz01, xz23, 0x31);
  __m256d low01 = _mm256_castps_pd(_mm256_unpacklo_ps(f[0], f[1])), low23 = _mm256_castps_pd(_mm256_unpacklo_ps(f[2], f[3]));
  __m256d high01 = _mm256_castps_pd(_mm256_unpackhi_ps(f[0], f[1])), high23 = _mm256_castps_pd(_mm256_unpackhi_ps(f[2], f[3]));
  __m256 first = _mm256_castpd_ps(_mm256_unpacklo_pd(low01, low23)), second = _mm256_castpd_ps(_mm256_unpackhi_pd(low01, low23));
  __m256 third = _mm256_castpd_ps(_mm256_unpacklo_pd(high01, high23)), fourth = _mm256_castpd_ps(_mm256_unpackhi_pd(high01, high23));
  out->velocity_mps[0] = half_of(first, 0);
  out->velocity_mps[1] = half_of(second, 0);
  out->velocity_mps[2] = half_of(third, 0);
  out->acceleration_mps2[0] = half_of(fourth, 0);
  out->acceleration_mps2[1] = half_of(first, 1);
  out->acceleration_mps2[2] = half_of(second, 1);
  out->sigma_position_m = half_of(third, 1);
  out->sigma_velocity_mps = half_of(fourth, 1);
}

static __m256d lanes_dot(const __m256d a[3], const __m256d b[3]) {
  return _mm256_add_pd(_mm256_add_pd(_mm256_mul_pd(a[0], b[0]), _mm256_mul_pd(a[1], b[1])), _mm256_mul_pd(a[2], b[2]));
}

static void lanes_off(__m256d out[3], const __m256d p[3], const double from[3]) {
  for (int i = 0; i < 3; i++) out[i] = _mm256_sub_pd(p[i], _mm256_set1_pd(from[i]));
}

static __m256d lanes_absolute(__m256d a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }

/* Range and cross-range of four tracks' summaries against the plot, each in sigmas: the sum of their squares. Returns a bit for each that
 * is inside. */
static unsigned coarse_gate(const struct plot *plot, const struct index_sight *const sight[GATE_LANES], double score[GATE_LANES]) {
  struct sight_lanes s;
  sights_load(sight, &s);
  __m256d dt_s = _mm256_mul_pd(_mm256_setr_pd((double)(plot->time_ns - sight[0]->time_ns), (double)(plot->time_ns - sight[1]->time_ns),
                                              (double)(plot->time_ns - sight[2]->time_ns), (double)(plot->time_ns - sight[3]->time_ns)), _mm256_set1_pd(1e-9));
  __m256d half_s = _mm256_mul_pd(_mm256_set1_pd(0.5), dt_s), span_s = lanes_absolute(dt_s), p[3], d[3], u[3];
  for (int i = 0; i < 3; i++) {
    p[i] = _mm256_add_pd(s.position_m[i], _mm256_mul_pd(dt_s, _mm256_add_pd(s.velocity_mps[i], _mm256_mul_pd(half_s, s.acceleration_mps2[i]))));
    u[i] = _mm256_set1_pd(plot->direction[i]);
  }
  __m256d grown = _mm256_add_pd(s.sigma_velocity_mps, _mm256_mul_pd(_mm256_set1_pd(0.25 * TRACK_MANOEUVRE_MPS2), span_s));
  __m256d sigma = _mm256_add_pd(s.sigma_position_m, _mm256_mul_pd(span_s, grown)), range_score = _mm256_setzero_pd(), cross_sigma, cross2;
  __m256d cross = _mm256_set1_pd(plot->sigma_cross_m), outside = _mm256_cmp_pd(s.sigma_position_m, _mm256_setzero_pd(), _CMP_LT_OQ); /* parked */
  lanes_off(d, p, plot->kind == WK_POSITION ? plot->point_m : plot->site_m);
  __m256d distance2 = lanes_dot(d, d), distance = _mm256_sqrt_pd(distance2);
  if (plot->kind == WK_POSITION) {
    cross2 = distance2;
    cross_sigma = _mm256_add_pd(sigma, _mm256_mul_pd(cross, _mm256_set1_pd(1.7320508)));
  } else if (plot->kind == WK_LOS) {
    __m256d projected = lanes_dot(d, u);
    outside = _mm256_or_pd(outside, _mm256_cmp_pd(projected, _mm256_setzero_pd(), _CMP_LE_OQ));
    cross2 = _mm256_sub_pd(_mm256_mul_pd(distance, distance), _mm256_mul_pd(projected, projected));
    cross_sigma = _mm256_add_pd(sigma, _mm256_mul_pd(cross, distance));
  } else {
    __m256d range_sigma = _mm256_add_pd(sigma, _mm256_set1_pd(sqrt(plot->variance[0])));
    range_score = _mm256_div_pd(lanes_absolute(_mm256_sub_pd(distance, _mm256_set1_pd(plot->z[0]))), range_sigma);
    lanes_off(d, p, plot->point_m);
    __m256d along = lanes_dot(d, u);
    cross2 = _mm256_sub_pd(lanes_dot(d, d), _mm256_mul_pd(along, along));
    cross_sigma = _mm256_add_pd(sigma, cross);
  }
  __m256d cross_score2 = _mm256_div_pd(_mm256_max_pd(cross2, _mm256_setzero_pd()), _mm256_mul_pd(cross_sigma, cross_sigma));
  outside = _mm256_or_pd(outside, _mm256_cmp_pd(range_score, _mm256_set1_pd(coarse_sigmas), _CMP_GT_OQ));
  outside = _mm256_or_pd(outside, _mm256_cmp_pd(cross_score2, _mm256_set1_pd(coarse_sigmas * coarse_sigmas), _CMP_GT_OQ));
  _mm256_storeu_pd(score, _mm256_add_pd(_mm256_mul_pd(range_score, range_score), cross_score2));
  return ~(unsigned)_mm256_movemask_pd(outside) & ((1u << GATE_LANES) - 1);
}

/* A track inside the coarse gate becomes a candidate; of too many the farthest do not. */
static void candidate_add(struct search *search, uint32_t slot, double score) {
  struct candidates *out = search->out;
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
  uint32_t count = search->found_count;
  search->out->evaluated += count;
  for (uint32_t first = 0; first < count; first += GATE_LANES) {
    const struct index_sight *sights[GATE_LANES];
    double score[GATE_LANES];
    uint32_t here = count - first < GATE_LANES ? count - first : GATE_LANES;
    for (uint32_t k = 0; k < GATE_LANES; k++) sights[k] = &search->index->sights[search->found[first + (k < here ? k : 0)]];
    unsigned inside = coarse_gate(search->plot, sights, score) & ((1u << here) - 1);
    for (; inside; inside &= inside - 1) {
      uint32_t k = (uint32_t)__builtin_ctz(inside);
      candidate_add(search, search->found[first + k], score[k]);
    }
  }
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

/* Some plots that are looked up step by step side by side, so that none waits for memory alone. */
struct batch {
  uint32_t count;
  const struct grid *grid[FIND_TOGETHER];
  struct search search[FIND_TOGETHER];
  struct grid_blocks blocks[FIND_TOGETHER];
};

static void batch_blocks_find(struct batch *batch, const struct track_index *index, const struct plot *plots, uint32_t count, int64_t reference_ns,
                              struct candidates *out) {
  batch->count = count;
  for (uint32_t i = 0; i < count; i++) {
    struct search *search = &batch->search[i];
    const double *centre;
    double half[3];
    search->index = index;
    search->plot = &plots[i];
    search->out = &out[i];
    search->found_count = 0;
    out[i].count = out[i].evaluated = out[i].overflow = 0;
    batch->grid[i] = box_of(index, &plots[i], reference_ns, &centre, half);
    if (grid_gather(batch->grid[i], centre, half, &batch->blocks[i])) continue;
    batch->blocks[i].count = 0;
    grid_query(batch->grid[i], centre, half, find, search);
  }
}

static void batch_lines_look(struct batch *batch) {
  for (uint32_t i = 0; i < batch->count; i++) grid_visit_lines(batch->grid[i], &batch->blocks[i], find, &batch->search[i]);
}

static void batch_consider(struct batch *batch) {
  for (uint32_t i = 0; i < batch->count; i++) {
    grid_visit(batch->grid[i], &batch->blocks[i], find, &batch->search[i]);
    found_consider(&batch->search[i]);
    sort_slots(batch->search[i].out);
  }
}

/* Batches follow each other step by step: the blocks of one are found while the first lines of the one before are looked through, those
 * behind them of the next one, and the tracks of the last one considered. Each step asks for the memory that the next one needs. */
void track_index_find(const struct track_index *index, const struct plot *plots, uint32_t count, int64_t reference_ns,
                      struct candidates *out) {
  enum { STEPS = 4 };
  struct batch batches[STEPS];
  uint32_t all = (count + FIND_TOGETHER - 1) / FIND_TOGETHER;
  for (uint32_t k = 0; k < all + STEPS - 1; k++) {
    uint32_t first = k * FIND_TOGETHER;
    if (k < all) batch_blocks_find(&batches[k % STEPS], index, plots + first, count - first < FIND_TOGETHER ? count - first : FIND_TOGETHER, reference_ns, out + first);
    for (uint32_t behind = 1; behind < STEPS - 1; behind++) {
      if (k >= behind && k - behind < all) batch_lines_look(&batches[(k - behind) % STEPS]);
    }
    if (k >= STEPS - 1) batch_consider(&batches[(k - (STEPS - 1)) % STEPS]);
  }
}

void track_index_image(struct track_index *index, struct image *image) {
  for (uint32_t slot = 0; slot < index->store->high; slot++) {
    if (image->mode == IMAGE_LOAD) sight_take(index, slot);
    if (index->store->tracks[slot].alive) image_value(image, index->off_m[slot]);
  }
  grid_image(&index->space, index->store->high, image);
  for (uint32_t g = 0; g < index->los_count; g++) grid_image(&index->directions[g], index->store->high, image);
}

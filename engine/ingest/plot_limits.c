#include "engine/ingest/plot_limits.h"

#include <float.h>
#include <immintrin.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/ingest/wire.h"

static const double PI_RAD = 0x1.921fb54442d18p1;

/* A position is held against the Earth's centre, and what is corrected against its bounds once more. */
struct plot_limits plot_limits_of(const struct sensor *sensor, bool corrected, const float sigma_min[4], const float sigma_max[4]) {
  struct plot_limits limits = {.none = sensor->kind == KIND_POSITION || corrected};
  limits.known = detection_bits(sensor->kind, &limits.needed);
  for (int i = 0; i < 4; i++) {
    limits.bit[i] = detection_slot(sensor->kind, i, &limits.min[i], &limits.max[i]);
    if (limits.bit[i] != VALID_AZIMUTH) continue;
    limits.min[i] = -PI_RAD + 0x1p-51; /* the next above: beyond these an azimuth is wrapped */
    limits.max[i] = PI_RAD;
  }
  memcpy(limits.sigma_min, sigma_min, sizeof limits.sigma_min);
  memcpy(limits.sigma_max, sigma_max, sizeof limits.sigma_max);
  if (sensor->sigma[MEASURE_RANGE_RATE] == 0) limits.odd = VALID_RANGE_RATE; /* it is dropped where it has no sigma either */
  return limits;
}

/* An entry's numbers, those that are not valid as 0, which is within all limits. */
struct numbers {
  __m256d measure;
  __m128 sigma;
  float snr_db;
};

static inline struct numbers numbers_read(const struct plot_limits *limits, const uint8_t *entry, uint16_t valid) {
  struct numbers n;
  __m256i bits = _mm256_and_si256(_mm256_set1_epi64x(valid), _mm256_load_si256((const __m256i *)(const void *)limits->bit));
  __m256i absent = _mm256_cmpeq_epi64(bits, _mm256_setzero_si256());
  __m128i absent_single = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(absent, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)));
  __m128i unstated = _mm_set1_epi32(valid & VALID_SIGMAS ? 0 : -1);
  n.measure = _mm256_andnot_pd(_mm256_castsi256_pd(absent), _mm256_loadu_pd((const double *)(const void *)(entry + 16)));
  n.sigma = _mm_andnot_ps(_mm_castsi128_ps(_mm_or_si128(absent_single, unstated)), _mm_loadu_ps((const float *)(const void *)(entry + 48)));
  memcpy(&n.snr_db, entry + 12, sizeof n.snr_db);
  n.snr_db = valid & VALID_SNR ? n.snr_db : 0;
  return n;
}

static inline bool numbers_within(const struct plot_limits *limits, const struct numbers *n) {
  __m256d inside = _mm256_and_pd(_mm256_cmp_pd(n->measure, _mm256_load_pd(limits->min), _CMP_GE_OQ), _mm256_cmp_pd(n->measure, _mm256_load_pd(limits->max), _CMP_LE_OQ));
  __m128 least = _mm_cmp_ps(n->sigma, _mm_load_ps(limits->sigma_min), _CMP_GE_OQ), most = _mm_cmp_ps(n->sigma, _mm_load_ps(limits->sigma_max), _CMP_LE_OQ);
  __m128 believed = _mm_or_ps(_mm_and_ps(least, most), _mm_cmp_ps(n->sigma, _mm_setzero_ps(), _CMP_EQ_OQ));
  return (_mm256_movemask_pd(inside) & _mm_movemask_ps(believed)) == 0xf && n->snr_db >= -FLT_MAX && n->snr_db <= FLT_MAX;
}

/* All columns; the eleven stores are of one place each, a loop for each column would be a call for each. */
static inline void plot_write(struct frame *open, uint32_t at, const struct plot_source *source, uint32_t i, const struct numbers *n) {
  open->sequence[at] = source->sequence;
  open->sensor[at] = source->sensor;
  open->index[at] = (uint16_t)(source->index + i);
  open->kind[at] = source->kind;
  open->snr_db[at] = n->snr_db;
  _mm256_storeu_pd(open->measure[at], n->measure);
  _mm_storeu_ps(open->sigma[at], n->sigma);
  open->platform_m[at][0] = open->platform_m[at][1] = open->platform_m[at][2] = 0;
  open->arrival_ns[at] = source->arrival_ns;
}

uint32_t plots_take(const struct plot_limits *limits, const uint8_t *entries, uint32_t count, int64_t min_ns, int64_t max_ns, const struct plot_source *source,
                    struct frame *open) {
  weft_assert(count <= open->capacity - open->count);
  if (limits->none) return 0;
  if (min_ns < TIME_MIN_NS) min_ns = TIME_MIN_NS;
  if (max_ns > TIME_MAX_NS) max_ns = TIME_MAX_NS;
  uint32_t taken = 0;
  for (; taken < count; taken++, entries += WIRE_ENTRY_SIZE) {
    uint32_t at = open->count + taken;
    int64_t time_ns;
    uint16_t kind, valid;
    memcpy(&time_ns, entries, sizeof time_ns);
    memcpy(&kind, entries + 8, sizeof kind);
    memcpy(&valid, entries + 10, sizeof valid);
    valid &= limits->known & (VALID_PLATFORM - 1);
    struct numbers n = numbers_read(limits, entries, valid);
    bool plain = kind == source->kind && (valid & limits->needed) == limits->needed && !(valid & limits->odd);
    if (!(plain & (time_ns >= min_ns) & (time_ns <= max_ns) & numbers_within(limits, &n))) break;
    open->time_of_ns[at] = time_ns;
    open->valid[at] = valid;
    plot_write(open, at, source, taken, &n);
  }
  return taken;
}

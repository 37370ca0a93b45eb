#include "engine/track/strand.h"

#include <errno.h>
#include <math.h>

#include "engine/track/state.h"
#include "engine/track/vector.h"

static const double speed_sigma_mps = 2500, speed_sigma_flat_mps = 250, climb_sigma_flat_mps = 15;
/* Near the ground what is new has nearly always been launched there (ln of 0.997 and 0.003): it rises at the
 * speed that 15 m/s^2 gave it on the way up, give or take. */
static const double launch_height_max_m = 80000, launch_accel_mps2 = 15, launch_speed_min_mps = 200;
static const double launch_spread_level = 0.4, launch_spread_up = 0.35;
static const double log_known_low = -0.003004509020298725, log_other_low = -5.809142990314028;
static const double accel_psd_flat = 25;                     /* m^2/s^3 */
static const double gate_chi2 = 16.3, gate_rate_chi2 = 18.5; /* 3 and 4 degrees of freedom, 0.1 % */
static const double part_max = 12; /* what one seed may add to the log odds of existence */
static const double ln_2pi = 1.8378770664093453;
/* The longest that a strand waits is 40 s, after as long a lag as a site may have (60 s). */
enum { EXPIRY_DAYS = 1 << 17, EXPIRY_AHEAD = 4 };
/* The longest-lived strand (40 s at 8,500 m/s) is looked for in some 1,700 blocks, below what the grid walks;
 * smaller ones would make every point of a slow radar walk all entries. */
static const struct grid_shape strand_shape = {.reach = 1, .block = 64000, .side_bits = 3}; /* m; they are points */

uint32_t strands_capacity(uint32_t tracks_max) {
  uint32_t wanted = tracks_max / STRANDS_TRACKS;
  return wanted > STRANDS_MIN ? wanted : STRANDS_MIN;
}

size_t strands_bytes(uint32_t tracks_max) {
  uint32_t capacity = strands_capacity(tracks_max);
  return capacity * (sizeof(struct strand) + sizeof(uint32_t)) + calendar_bytes(capacity, EXPIRY_DAYS) + grid_bytes(capacity) + (1 << 16);
}

int strands_open(struct strands *strands, struct arena *arena, uint32_t tracks_max) {
  uint32_t capacity = strands_capacity(tracks_max);
  *strands = (struct strands){.capacity = capacity};
  strands->strands = arena_take(arena, capacity, sizeof *strands->strands);
  strands->free_slots = arena_take(arena, capacity, sizeof *strands->free_slots);
  if (!strands->strands || !strands->free_slots || calendar_open(&strands->expiry, arena, capacity, EXPIRY_DAYS)) return -ENOMEM;
  return grid_open(&strands->grid, arena, NULL, 1, capacity, &strand_shape);
}

static void strand_image(struct strand *strand, struct image *image) {
  image_value(image, strand->x);
  image_value(image, strand->p);
  image_value(image, strand->log_odds);
  image_value(image, strand->height_m);
  image_value(image, strand->time_ns);
  image_count(image, &strand->count, STRAND_SEEDS_MAX);
  for (uint32_t k = 0; k < strand->count; k++) {
    uint32_t sensor = strand->plot_sensors[k];
    image_value(image, strand->plot_ns[k]);
    image_count(image, &sensor, SITE_SENSORS_MAX - 1);
    strand->plot_sensors[k] = (uint16_t)sensor;
  }
  image_value(image, strand->flat);
  image_value(image, strand->moving);
  image_value(image, strand->rivals);
}

/* A place is in use where its strand waits to expire. */
void strands_image(struct strands *strands, struct image *image) {
  image_count(image, &strands->high, strands->capacity);
  image_count(image, &strands->free_count, strands->high);
  for (uint32_t i = 0; i < strands->free_count; i++) image_count(image, &strands->free_slots[i], strands->high - 1);
  calendar_image(&strands->expiry, strands->high, image);
  for (uint32_t slot = 0; slot < strands->high; slot++) {
    if (calendar_has(&strands->expiry, slot)) strand_image(&strands->strands[slot], image);
  }
  grid_image(&strands->grid, strands->high, image);
}

static int64_t life_ns(const struct tracker *tracker, uint32_t sensor) {
  double life_s = fmin(fmax(3.2 * tracker->site->sensors[sensor].revisit_s, 3), 40);
  return (int64_t)(life_s * 1e9);
}

void strand_end(struct tracker *tracker, uint32_t slot, enum fate fate) {
  struct strands *strands = &tracker->strands;
  const struct strand *strand = &strands->strands[slot];
  for (uint32_t k = 0; k < strand->count; k++) tracker->fate_counts[strand->plot_sensors[k]][fate]++;
  calendar_remove(&strands->expiry, slot);
  grid_remove(&strands->grid, slot);
  strands->free_slots[strands->free_count++] = slot;
}

static uint32_t slot_take(struct tracker *tracker) {
  struct strands *strands = &tracker->strands;
  if (strands->free_count == 0 && strands->high == strands->capacity)
    strand_end(tracker, calendar_first(&strands->expiry), FATE_CLUTTER);
  return strands->free_count > 0 ? strands->free_slots[--strands->free_count] : strands->high++;
}

void strand_grow(struct tracker *tracker, uint32_t slot, const struct strand *grown) {
  struct strands *strands = &tracker->strands;
  strands->strands[slot] = *grown;
  grid_put(&strands->grid, slot, grown->x, 0);
  calendar_set(&strands->expiry, slot, grown->time_ns + life_ns(tracker, grown->plot_sensors[grown->count - 1]));
}

void strand_begin(struct tracker *tracker, const struct seed *seed) {
  struct strand strand = {.log_odds = seed->log_odds,
                          .height_m = seed->height_m,
                          .time_ns = seed->time_ns,
                          .plot_ns = {seed->time_ns},
                          .plot_sensors = {(uint16_t)seed->sensor},
                          .count = 1,
                          .flat = seed->flat};
  for (int i = 0; i < 3; i++) {
    strand.x[i] = seed->point_m[i];
    for (int j = i; j < 3; j++) strand.p[WK_AT(6, i, j)] = seed->covariance[WK_AT(3, i, j)];
  }
  strand_grow(tracker, slot_take(tracker), &strand);
}

/* Those taken out are listed behind the free places, where each then becomes the next free one. */
void strands_expire(struct tracker *tracker, int64_t now_ns) {
  struct strands *strands = &tracker->strands;
  const uint32_t *due = strands->free_slots + strands->free_count;
  uint32_t count = calendar_take(&strands->expiry, now_ns, strands->free_slots + strands->free_count);
  for (uint32_t i = 0; i < count; i++) {
    __builtin_prefetch(strands->strands[due[i + EXPIRY_AHEAD < count ? i + EXPIRY_AHEAD : i]].plot_sensors);
    strand_end(tracker, due[i], FATE_CLUTTER);
  }
}

/* What something new may be, by how it moves: anything physical; just launched; an aircraft. */
enum nature { NATURE_ANY, NATURE_LAUNCHED, NATURE_AIRCRAFT, NATURES };

/* Gives a strand of one seed the prior of the velocity that goes with a nature, and that nature's share. */
static struct strand speed_assume(const struct strand *strand, enum nature nature) {
  struct strand out = *strand;
  double lat_rad, lon_rad, height_m, enu[9], level = speed_sigma_mps, up = speed_sigma_mps, rise = 0;
  wk_geodetic_from_ecef(strand->x, &lat_rad, &lon_rad, &height_m);
  wk_enu_rows(lat_rad, lon_rad, enu);
  if (nature == NATURE_AIRCRAFT) {
    level = speed_sigma_flat_mps;
    up = climb_sigma_flat_mps;
  } else if (nature == NATURE_LAUNCHED) {
    rise = fmax(sqrt(2 * launch_accel_mps2 * fmax(height_m, 0)), launch_speed_min_mps);
    level = launch_spread_level * rise;
    up = launch_spread_up * rise;
  }
  for (int i = 0; i < 3; i++) {
    out.x[3 + i] = rise * enu[6 + i];
    for (int j = i; j < 3; j++) {
      out.p[WK_AT(6, 3 + i, 3 + j)] =
          (i == j ? level * level : 0) + (up * up - level * level) * enu[6 + i] * enu[6 + j];
    }
  }
  bool low = strand->height_m < launch_height_max_m;
  if (!strand->flat && low) out.log_odds += nature == NATURE_ANY ? log_other_low : log_known_low;
  return out;
}

static bool nature_possible(const struct strand *strand, enum nature nature) {
  if (strand->flat) return nature == NATURE_AIRCRAFT;
  if (nature == NATURE_LAUNCHED) return strand->height_m < launch_height_max_m;
  return nature == NATURE_ANY;
}

static double packed6(const double p[21], int i, int j) {
  return p[i <= j ? WK_AT(6, i, j) : WK_AT(6, j, i)];
}

/* The strand as a seed meets it: straight flight with white acceleration up to its time, the innovation and
 * the inverse of its covariance. */
struct meeting {
  double dt, noise; /* s; of the acceleration over dt, (m/s)^2 */
  double place[3], innovation[3], inverse[6];
  double distance2, log_determinant;
};

/* Covariance of predicted places. */
static double place_covariance(const struct strand *strand, const struct meeting *m, int i, int j) {
  const double *p = strand->p;
  return packed6(p, i, j) + m->dt * (packed6(p, i, 3 + j) + packed6(p, 3 + i, j)) +
         m->dt * m->dt * (packed6(p, 3 + i, 3 + j) + (i == j ? m->noise / 3 : 0));
}

/* Covariance of a predicted place and a predicted velocity. */
static double cross_covariance(const struct strand *strand, const struct meeting *m, int i, int j) {
  return packed6(strand->p, i, 3 + j) +
         m->dt * (packed6(strand->p, 3 + i, 3 + j) + (i == j ? m->noise / 2 : 0));
}

/* False outside the gate. */
static bool strand_meet(const struct strand *strand, const struct seed *seed, struct meeting *m) {
  double s[6];
  m->dt = fmax((double)(seed->time_ns - strand->time_ns) * 1e-9, 0);
  m->noise = (seed->flat ? accel_psd_flat : STRAND_ACCEL_PSD) * m->dt;
  for (int i = 0; i < 3; i++) {
    m->place[i] = strand->x[i] + m->dt * strand->x[3 + i];
    m->innovation[i] = seed->point_m[i] - m->place[i];
    for (int j = i; j < 3; j++)
      s[WK_AT(3, i, j)] = place_covariance(strand, m, i, j) + seed->covariance[WK_AT(3, i, j)];
  }
  if (!matrix_invert_spd(3, s, m->inverse, &m->log_determinant)) return false;
  m->distance2 = matrix_quadratic(3, m->inverse, m->innovation);
  return m->distance2 <= gate_chi2;
}

/* Trace of the part across the unit vector u of the 3 x 3 block of p that begins there. */
static double across_part(const double p[21], int row, int column, const double u[3]) {
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      int a = row + i, b = column + j;
      sum += ((i == j) - u[i] * u[j]) * packed6(p, a, b);
    }
  }
  return sum;
}

/* The plot's range rate, which says at once what points leave most uncertain for accurate ranges: a scalar
 * update with the mean and variance of its second-order part. Returns the squared distance and adds to the
 * evidence. */
static double rate_take(struct strand *strand, const struct seed *seed, double *evidence) {
  double d[3], u[3], v[3], row[6], ph[6], *x = strand->x, *p = strand->p;
  vector_subtract(d, x, seed->site_m);
  vector_subtract(v, x + 3, seed->site_velocity_mps);
  double range = fmax(vector_norm(d), 1);
  for (int i = 0; i < 3; i++) u[i] = d[i] / range;
  double rate = vector_dot(u, v);
  for (int i = 0; i < 3; i++) {
    row[i] = (v[i] - rate * u[i]) / range;
    row[3 + i] = u[i];
  }
  double together = across_part(p, 0, 3, u) / range;
  double apart = across_part(p, 0, 0, u) * across_part(p, 3, 3, u) / (2 * range * range);
  double variance = seed->rate_variance + apart + together * together / 2;
  double innovation = seed->rate_mps - rate - together;
  for (int i = 0; i < 6; i++) {
    ph[i] = 0;
    for (int j = 0; j < 6; j++) ph[i] += packed6(p, i, j) * row[j];
    variance += row[i] * ph[i];
  }
  variance = residual_variance(variance, seed->rate_variance);
  for (int i = 0; i < 6; i++) {
    x[i] += ph[i] * innovation / variance;
    for (int j = i; j < 6; j++) p[WK_AT(6, i, j)] -= ph[i] * ph[j] / variance;
  }
  double distance2 = innovation * innovation / variance;
  *evidence += wk_log(SEED_RATE_SPAN_MPS) - 0.5 * (distance2 + ln_2pi + wk_log(variance));
  return distance2;
}

/* The update by the seed's point. */
static void point_take(struct strand *strand, const struct seed *seed, const struct meeting *m) {
  double gain[6][3], across[6][3], velocity[3][3];
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      across[i][j] = place_covariance(strand, m, i, j);
      across[3 + i][j] = cross_covariance(strand, m, j, i);
      velocity[i][j] = packed6(strand->p, 3 + i, 3 + j) + (i == j ? m->noise : 0);
    }
  }
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 3; j++) {
      gain[i][j] = 0;
      for (int k = 0; k < 3; k++)
        gain[i][j] += across[i][k] * m->inverse[k <= j ? WK_AT(3, k, j) : WK_AT(3, j, k)];
    }
  }
  for (int i = 0; i < 6; i++) {
    strand->x[i] = i < 3 ? m->place[i] : strand->x[i];
    for (int j = 0; j < 3; j++) strand->x[i] += gain[i][j] * m->innovation[j];
  }
  /* What is left of the place is the gain's share of the seed's own covariance: nothing large cancels. */
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) {
        sum += i < 3 ? seed->covariance[k <= i ? WK_AT(3, k, i) : WK_AT(3, i, k)] * gain[j][k]
                     : gain[i][k] * across[j][k];
      }
      strand->p[WK_AT(6, i, j)] = i < 3 ? sum : velocity[i - 3][j - 3] - sum;
    }
  }
}

/* One prediction and update; false outside the gate. */
static bool step(const struct strand *strand, const struct seed *seed, double pd, struct strand *out,
                 double *evidence) {
  struct meeting meeting;
  if (!strand_meet(strand, seed, &meeting)) return false;
  *evidence =
      -0.5 * (meeting.distance2 + meeting.log_determinant + 3 * ln_2pi) + wk_log(pd) - seed->log_density;
  if (!out && !seed->has_rate) return true;
  struct strand scratch, *to = out ? out : &scratch;
  *to = *strand;
  point_take(to, seed, &meeting);
  if (seed->has_rate && !(meeting.distance2 + rate_take(to, seed, evidence) <= gate_rate_chi2)) return false;
  to->log_odds += fmin(*evidence, part_max);
  return true;
}

/* Two hypotheses of the same seeds into one Gaussian; `share` is b's probability. */
static void strand_mix(struct strand *a, const struct strand *b, double share) {
  double apart[6];
  for (int i = 0; i < 6; i++) {
    apart[i] = b->x[i] - a->x[i];
    a->x[i] += share * apart[i];
  }
  for (int i = 0; i < 6; i++) {
    for (int j = i; j < 6; j++) {
      int at = WK_AT(6, i, j);
      a->p[at] += share * (b->p[at] - a->p[at]) + share * (1 - share) * apart[i] * apart[j];
    }
  }
  a->log_odds += share * (b->log_odds - a->log_odds);
}

/* The second seed: the natures that it leaves possible, mixed by how likely they are. */
static bool second_seed(const struct strand *strand, const struct seed *seed, double pd, struct strand *out,
                        double *evidence) {
  bool found = false;
  for (int nature = 0; nature < NATURES; nature++) {
    if (!nature_possible(strand, (enum nature)nature)) continue;
    struct strand assumed = speed_assume(strand, (enum nature)nature), next;
    double likelier;
    if (!step(&assumed, seed, pd, out ? &next : NULL, &likelier)) continue;
    likelier += assumed.log_odds - strand->log_odds;
    double share = found ? 1 / (1 + wk_exp(fmin(fmax(*evidence - likelier, -700), 700))) : 1;
    if (out && found) strand_mix(out, &next, share);
    if (out && !found) *out = next;
    *evidence = !found ? likelier : fmax(likelier, *evidence) - wk_log(fmax(share, 1 - share));
    found = true;
  }
  return found;
}

/* A point of the strand's first moment: it improves the place of the first one, with what the object may have moved between
 * them as noise. False where it can't. */
static bool moment_take(struct strand *strand, const struct seed *seed) {
  double noise[6], s[6], inverse[6], log_determinant, innovation[3], gain[3][3], *p = strand->p;
  double moved = (seed->flat ? speed_sigma_flat_mps : speed_sigma_mps) * (double)(seed->time_ns - strand->time_ns) * 1e-9;
  for (int i = 0; i < 3; i++) {
    innovation[i] = seed->point_m[i] - strand->x[i];
    for (int j = i; j < 3; j++) {
      noise[WK_AT(3, i, j)] = seed->covariance[WK_AT(3, i, j)] + (i == j ? moved * moved : 0);
      s[WK_AT(3, i, j)] = packed6(p, i, j) + noise[WK_AT(3, i, j)];
    }
  }
  if (!matrix_invert_spd(3, s, inverse, &log_determinant)) return false;
  for (int i = 0; i < 3; i++) {
    for (int j = 0; j < 3; j++) {
      gain[i][j] = 0;
      for (int k = 0; k < 3; k++) gain[i][j] += packed6(p, i, k) * inverse[k <= j ? WK_AT(3, k, j) : WK_AT(3, j, k)];
      strand->x[i] += gain[i][j] * innovation[j];
    }
  }
  for (int i = 0; i < 3; i++) {
    for (int j = i; j < 3; j++) {
      double sum = 0;
      for (int k = 0; k < 3; k++) sum += gain[i][k] * noise[k <= j ? WK_AT(3, k, j) : WK_AT(3, j, k)];
      p[WK_AT(6, i, j)] = sum;
    }
  }
  return true;
}

/* Points of one moment say nothing of the speed, whoever saw them, and so not which nature it is: the strand stays at the
 * first one's time until a later point comes. */
static bool of_one_moment(const struct strand *strand, const struct seed *seed) {
  return !strand->moving && (double)(seed->time_ns - strand->time_ns) * 1e-9 < STRAND_PAIRING_MIN_S;
}

bool strand_extend(const struct strand *strand, const struct seed *seed, double pd, struct strand *out,
                   double *evidence) {
  bool moment = of_one_moment(strand, seed);
  if (moment && strand->count == STRAND_MOMENT_MAX) return false;
  bool found = strand->moving ? step(strand, seed, pd, out, evidence)
                              : second_seed(strand, seed, pd, moment ? NULL : out, evidence);
  if (!found || !out) return found;
  if (moment) {
    *out = *strand;
    if (!moment_take(out, seed)) return false;
    out->log_odds += fmin(*evidence, part_max);
  }
  out->moving = !moment;
  out->plot_ns[out->count] = seed->time_ns;
  out->plot_sensors[out->count++] = (uint16_t)seed->sensor;
  if (!moment && seed->time_ns > out->time_ns) out->time_ns = seed->time_ns;
  out->height_m = seed->height_m;
  out->flat = strand->flat && seed->flat;
  return true;
}

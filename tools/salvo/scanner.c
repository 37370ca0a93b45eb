#include "tools/salvo/scanner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

enum { BURSTS_MAX = 4096, BEAM_ITERATIONS = 5 };
#define TWO_PI (2 * SALVO_PI)

/* One sensor and one target. */
struct pair {
  struct prng prng;
  double last_hit_s;
};

/* A target in the beam of a scan. */
struct sighting {
  int at;       /* target */
  int first;    /* smallest sighting of its cell */
  double time_s;
  struct stand from;
  struct state state;
  double ideal[4];
};

/* One sensor. */
struct eye {
  const struct gauge *gauge;
  struct path track; /* of a moving platform */
  struct stand at;   /* of a fixed one */
  bool moving;
  int64_t scan;     /* next scan, from -1: the one under way when the scenario begins */
  int64_t states;   /* sent so far */
  struct prng prng; /* clutter */
  int burst_count;
  double *bursts_s;   /* beginnings */
  struct pair *pairs; /* per target */
  struct sighting *sightings; /* of the scan under way, for a sensor with a resolution cell */
  int sighting_count;
};

struct scanner {
  const struct scenario *scenario;
  const struct fleet_of_targets *targets;
  struct eye *eyes;
  struct report_queue queue;
  struct report current;
  uint64_t ordinal;
};

static uint64_t mixed(uint64_t a, uint64_t b) {
  return (a ^ (b >> 29) ^ (b << 35)) * 0x9e3779b97f4a7c15u + b;
}

static double phase_s(const struct gauge *gauge) {
  return fmod(gauge->phase_s, gauge->revisit_s);
}
static double scan_begin_s(const struct eye *eye) {
  return phase_s(eye->gauge) + (double)eye->scan * eye->gauge->revisit_s;
}

static void eye_open(struct eye *eye, const struct scanner *scanner, const struct gauge *gauge, bool hold) {
  const struct scenario *scenario = scanner->scenario;
  char name[32];
  eye->gauge = gauge;
  eye->scan = -1;
  eye->moving = gauge->moving && !(hold && !gauge->frame_ecef);
  earth_ecef_deg(gauge->lat_deg, gauge->lon_deg, gauge->height_m, eye->at.state.r);
  stand_axes(gauge, &eye->at);
  if (eye->moving)
    cruise_build(&eye->track,
                 (struct earth_geodetic){gauge->lat_deg * SALVO_DEG, gauge->lon_deg * SALVO_DEG, gauge->height_m},
                 gauge->course_deg * SALVO_DEG, gauge->speed_mps, scenario->duration_s + 10);
  snprintf(name, sizeof name, "sensor %u", gauge->id);
  uint64_t stream = stream_of(name);
  eye->prng = prng_seed(scenario->seed, stream);
  struct prng bursts = prng_seed(scenario->seed, mixed(stream, 1));
  eye->bursts_s = calloc(BURSTS_MAX, sizeof *eye->bursts_s);
  eye->pairs = calloc((size_t)scanner->targets->count + 1, sizeof *eye->pairs);
  eye->sightings = calloc((size_t)scanner->targets->count + 1, sizeof *eye->sightings);
  weft_assert(eye->bursts_s && eye->pairs && eye->sightings);
  double time = 0;
  while (gauge->burst_per_hour > 0 && eye->burst_count < BURSTS_MAX) {
    time -= log(1 - prng_uniform(&bursts)) * 3600 / gauge->burst_per_hour;
    if (time > scenario->duration_s) break;
    eye->bursts_s[eye->burst_count++] = time;
  }
  for (int i = 0; i < scanner->targets->count; i++) {
    eye->pairs[i].prng = prng_seed(scenario->seed, mixed(stream, scanner->targets->targets[i].stream));
    eye->pairs[i].last_hit_s = -1e9;
  }
}

struct scanner *scanner_open(const struct scenario *scenario, const struct fleet_of_targets *targets, bool hold) {
  struct scanner *scanner = calloc(1, sizeof *scanner);
  weft_assert(scanner);
  scanner->scenario = scenario;
  scanner->targets = targets;
  scanner->eyes = calloc((size_t)scenario->gauge_count + 1, sizeof *scanner->eyes);
  weft_assert(scanner->eyes);
  for (int i = 0; i < scenario->gauge_count; i++) eye_open(&scanner->eyes[i], scanner, &scenario->gauges[i], hold);
  return scanner;
}

void scanner_free(struct scanner *scanner) {
  if (!scanner) return;
  for (int i = 0; i < scanner->scenario->gauge_count; i++) {
    path_free(&scanner->eyes[i].track);
    free(scanner->eyes[i].bursts_s);
    free(scanner->eyes[i].pairs);
    free(scanner->eyes[i].sightings);
  }
  free(scanner->eyes);
  report_queue_free(&scanner->queue);
  free(scanner);
}

void stand_axes(const struct gauge *gauge, struct stand *stand) {
  static const double ecef[3][3] = {{0, 1, 0}, {1, 0, 0}, {0, 0, 1}};
  struct earth_geodetic at = earth_geodetic(stand->state.r);
  if (gauge->frame_ecef)
    memcpy(stand->rows, ecef, sizeof ecef);
  else
    earth_enu(at.lat_rad, at.lon_rad, stand->rows);
}

void gauge_measure(const struct stand *from, const struct state *target, double z[4]) {
  double d[3], v[3];
  for (int i = 0; i < 3; i++) {
    d[i] = target->r[i] - from->state.r[i];
    v[i] = target->v[i] - from->state.v[i];
  }
  double a = vec_dot(from->rows[0], d), b = vec_dot(from->rows[1], d), c = vec_dot(from->rows[2], d);
  z[0] = vec_norm(d);
  z[1] = atan2(a, b);
  if (z[1] < 0) z[1] += TWO_PI;
  z[2] = atan2(c, hypot(a, b));
  z[3] = z[0] > 0 ? vec_dot(d, v) / z[0] : 0;
}

static bool sector_holds(const double sector_deg[2], double azimuth_rad) {
  double azimuth = azimuth_rad / SALVO_DEG;
  if (sector_deg[0] <= sector_deg[1]) return azimuth >= sector_deg[0] && azimuth <= sector_deg[1];
  return azimuth >= sector_deg[0] || azimuth <= sector_deg[1];
}

bool gauge_sees(const struct gauge *gauge, const struct stand *from, const struct target *target, double time_s,
                const struct state *state, const double z[4]) {
  if (!(gauge->sees & (1u << target->class_))) return false;
  if (gauge->boost_only && !target_boosting(target, time_s)) return false;
  double elevation = z[2] / SALVO_DEG;
  if (z[0] < gauge->range_m[0] || z[0] > gauge->range_m[1]) return false;
  if (elevation < gauge->elevation_deg[0] || elevation > gauge->elevation_deg[1]) return false;
  if (!sector_holds(gauge->azimuth_deg, z[1])) return false;
  if (gauge->cloud_m > -1e6 && earth_geodetic(state->r).height_m < gauge->cloud_m) return false;
  return !earth_blocks(from->state.r, state->r);
}

static void eye_stand(const struct eye *eye, double time_s, struct stand *stand) {
  if (!eye->moving || !path_at(&eye->track, fmax(0, time_s), &stand->state))
    *stand = eye->at;
  else
    stand_axes(eye->gauge, stand);
}

static int64_t ns(double seconds) {
  return (int64_t)llround(seconds * 1e9);
}

/* Adds the sensor's errors of bias and stamps the times. */
static void report_finish(struct scanner *scanner, const struct eye *eye, struct report *report, double time_s,
                          double delay_s) {
  const struct gauge *gauge = eye->gauge;
  report->gauge = (uint32_t)(eye - scanner->eyes);
  report->ordinal = scanner->ordinal++;
  report->time_ns = scanner->scenario->start_ns + ns(time_s + gauge->bias_time_s);
  report->arrival_ns = scanner->scenario->start_ns + ns(time_s + delay_s);
  if (report->kind == GAUGE_RADAR || report->kind == GAUGE_RADAR2D || report->kind == GAUGE_LOS) {
    report->z[1] = fmod(report->z[1] + gauge->bias[1] + 2 * TWO_PI, TWO_PI);
    report->z[0] = fmax(0, report->z[0] + gauge->bias[0]);
    if (report->kind != GAUGE_RADAR2D)
      report->z[2] = fmax(-SALVO_PI / 2, fmin(SALVO_PI / 2, report->z[2] + gauge->bias[2]));
  }
  report_push(&scanner->queue, report);
}

/* A target in the beam: detected or missed, with noise. */
static void target_detect(struct scanner *scanner, struct eye *eye, int at, double time_s, const struct stand *from,
                          const struct state *state, const double ideal[4]) {
  const struct gauge *gauge = eye->gauge;
  struct prng *prng = &eye->pairs[at].prng;
  if (prng_uniform(prng) >= gauge->detection_probability) return;
  double delay = gauge->delay_s + gauge->jitter_s * prng_uniform(prng), noise[4];
  for (int i = 0; i < 4; i++) noise[i] = prng_normal(prng);
  struct report report = {.kind = (uint8_t)gauge->kind, .target = at};
  memcpy(report.platform_m, from->state.r, sizeof report.platform_m);
  if (gauge->kind == GAUGE_POSITION) {
    for (int i = 0; i < 3; i++) report.z[i] = state->r[i] + gauge->sigma[0] * noise[i];
  } else {
    for (int i = 0; i < 4; i++) report.z[i] = ideal[i] + gauge->sigma[i] * noise[i];
    report.has_rate = gauge->kind == GAUGE_RADAR && gauge->sigma[3] > 0;
    if (gauge->kind == GAUGE_RADAR2D) { /* the height comes from the target's transponder */
      report.has_height = gauge->sigma[2] > 0 && scanner->targets->targets[at].class_ == TARGET_AIRCRAFT;
      report.z[2] = earth_geodetic(state->r).height_m + gauge->sigma[2] * noise[2];
    }
  }
  report_finish(scanner, eye, &report, time_s, delay);
}

/* When the rotating beam, at north at `begin_s`, passes the target in this turn. False where it does not exist then. */
static bool beam_time(const struct eye *eye, const struct target *target, double begin_s, double *time_s) {
  const struct gauge *gauge = eye->gauge;
  struct state state;
  struct stand from;
  double z[4], time = begin_s + gauge->revisit_s / 2, next = time;
  for (int i = 0; i < BEAM_ITERATIONS; i++) {
    time = next;
    if (!path_at(&target->path, time, &state)) {
      time = fmax(path_begin_s(&target->path), fmin(path_end_s(&target->path), time));
      if (!path_at(&target->path, time, &state)) return false;
    }
    eye_stand(eye, time, &from);
    gauge_measure(&from, &state, z);
    next = begin_s + gauge->revisit_s * z[1] / TWO_PI;
  }
  *time_s = next;
  return fabs(next - time) < 1e-3; /* else it crosses north just now, and another turn has it */
}

static bool cell_shared(const struct gauge *gauge, const struct sighting *a, const struct sighting *b) {
  for (int i = 0; i < 3; i++) {
    double off = i == 1 ? remainder(a->ideal[1] - b->ideal[1], TWO_PI) : a->ideal[i] - b->ideal[i];
    if (gauge->resolution[i] > 0 && !(fabs(off) < gauge->resolution[i])) return false;
  }
  return true;
}

/* One plot of all sightings whose cell begins with `first`: their middle, all of one weight. */
static void cell_detect(struct scanner *scanner, struct eye *eye, int first) {
  struct sighting middle = eye->sightings[first];
  int count = 1;
  for (int i = first + 1; i < eye->sighting_count; i++) {
    const struct sighting *s = &eye->sightings[i];
    if (s->first != first) continue;
    double part = 1.0 / ++count;
    for (int k = 0; k < 4; k++) {
      double off = s->ideal[k] - middle.ideal[k];
      middle.ideal[k] += part * (k == 1 ? remainder(off, TWO_PI) : off);
    }
    for (int k = 0; k < 3; k++) middle.state.r[k] += part * (s->state.r[k] - middle.state.r[k]);
  }
  target_detect(scanner, eye, middle.at, middle.time_s, &middle.from, &middle.state, middle.ideal);
}

/* Sightings that neighbours connect cell by cell become one plot. */
static void cells_detect(struct scanner *scanner, struct eye *eye) {
  for (int i = 0; i < eye->sighting_count; i++) {
    eye->sightings[i].first = i;
    for (int k = 0; k < i; k++) {
      int from = eye->sightings[i].first, to = eye->sightings[k].first;
      if (from == to || !cell_shared(eye->gauge, &eye->sightings[i], &eye->sightings[k])) continue;
      int low = from < to ? from : to;
      for (int j = 0; j <= i; j++)
        if (eye->sightings[j].first == from || eye->sightings[j].first == to) eye->sightings[j].first = low;
    }
  }
  for (int i = 0; i < eye->sighting_count; i++)
    if (eye->sightings[i].first == i) cell_detect(scanner, eye, i);
}

static void targets_scan(struct scanner *scanner, struct eye *eye, double begin_s) {
  const struct gauge *gauge = eye->gauge;
  eye->sighting_count = 0;
  for (int i = 0; i < scanner->targets->count; i++) {
    const struct target *target = &scanner->targets->targets[i];
    struct state state;
    struct stand from;
    double time = begin_s, z[4];
    if (!(gauge->sees & (1u << target->class_))) continue;
    if (begin_s > path_end_s(&target->path) || begin_s + gauge->revisit_s < path_begin_s(&target->path)) continue;
    if (gauge->boost_only && !target_boosting(target, begin_s) &&
        !target_boosting(target, begin_s + gauge->revisit_s))
      continue;
    if (gauge->rotating && !beam_time(eye, target, begin_s, &time)) continue;
    if (time < 0 || time >= scanner->scenario->duration_s || !path_at(&target->path, time, &state)) continue;
    if (gauge->rotating && time - eye->pairs[i].last_hit_s < gauge->revisit_s / 2) continue;
    eye_stand(eye, time, &from);
    gauge_measure(&from, &state, z);
    if (!gauge_sees(gauge, &from, target, time, &state, z)) continue;
    eye->pairs[i].last_hit_s = time;
    if (gauge->resolution[1] > 0) {
      struct sighting sighting = {.at = i, .time_s = time, .from = from, .state = state};
      memcpy(sighting.ideal, z, sizeof z);
      eye->sightings[eye->sighting_count++] = sighting;
    } else {
      target_detect(scanner, eye, i, time, &from, &state, z);
    }
  }
  cells_detect(scanner, eye);
}

static double between(struct prng *prng, double low, double high) {
  return low + (high - low) * prng_uniform(prng);
}

static bool bursting(const struct eye *eye, double time_s) {
  for (int i = 0; i < eye->burst_count; i++)
    if (time_s >= eye->bursts_s[i] && time_s < eye->bursts_s[i] + eye->gauge->burst_duration_s) return true;
  return false;
}

/* False plots: their number Poisson, each uniform in range, azimuth, elevation (and range rate) over the coverage; a
 * position sensor's are drawn the same way. A false plot has no height: no transponder answered. */
static void clutter_scan(struct scanner *scanner, struct eye *eye, double begin_s) {
  const struct gauge *gauge = eye->gauge;
  double mean = gauge->clutter_per_scan;
  if (bursting(eye, begin_s)) mean *= gauge->burst_multiplier;
  uint64_t count = mean > 0 ? prng_poisson(&eye->prng, mean) : 0;
  for (uint64_t i = 0; i < count; i++) {
    struct report report = {
        .kind = (uint8_t)gauge->kind, .target = -1, .has_rate = gauge->kind == GAUGE_RADAR && gauge->sigma[3] > 0};
    double turn = gauge->azimuth_deg[1] - gauge->azimuth_deg[0];
    if (turn < 0) turn += 360;
    report.z[0] = between(&eye->prng, gauge->range_m[0], gauge->range_m[1]);
    report.z[1] = fmod((gauge->azimuth_deg[0] + turn * prng_uniform(&eye->prng)) * SALVO_DEG, TWO_PI);
    report.z[2] = between(&eye->prng, gauge->elevation_deg[0], gauge->elevation_deg[1]) * SALVO_DEG;
    report.z[3] = between(&eye->prng, -gauge->clutter_rate_mps, gauge->clutter_rate_mps);
    double delay = gauge->delay_s + gauge->jitter_s * prng_uniform(&eye->prng);
    double time = begin_s + (gauge->rotating ? gauge->revisit_s * report.z[1] / TWO_PI : 0);
    struct stand from;
    eye_stand(eye, time, &from);
    memcpy(report.platform_m, from.state.r, sizeof report.platform_m);
    if (gauge->kind == GAUGE_POSITION) {
      double range = report.z[0], c = cos(report.z[2]);
      const double polar[3] = {c * sin(report.z[1]), c * cos(report.z[1]), sin(report.z[2])};
      for (int j = 0; j < 3; j++)
        report.z[j] = from.state.r[j] +
                      range * (polar[0] * from.rows[0][j] + polar[1] * from.rows[1][j] + polar[2] * from.rows[2][j]);
    }
    if (time >= 0 && time < scanner->scenario->duration_s) report_finish(scanner, eye, &report, time, delay);
  }
}

/* States of a moving platform up to the end of the scan. */
static void states_scan(struct scanner *scanner, struct eye *eye, double end_s) {
  double interval = eye->gauge->state_interval_s;
  for (; eye->moving && (double)eye->states * interval < fmin(end_s, scanner->scenario->duration_s); eye->states++) {
    double time = (double)eye->states * interval;
    struct stand from;
    eye_stand(eye, time, &from);
    struct report report = {.kind = REPORT_STATE, .target = -1};
    memcpy(report.z, from.state.r, sizeof from.state.r);
    memcpy(report.velocity, from.state.v, sizeof from.state.v);
    memcpy(report.platform_m, from.state.r, sizeof from.state.r);
    report_finish(scanner, eye, &report, time, eye->gauge->delay_s);
  }
}

static struct eye *eye_earliest(const struct scanner *scanner) {
  struct eye *first = &scanner->eyes[0];
  for (int i = 1; i < scanner->scenario->gauge_count; i++)
    if (scan_begin_s(&scanner->eyes[i]) < scan_begin_s(first)) first = &scanner->eyes[i];
  return first;
}

const struct report *scanner_next(struct scanner *scanner) {
  for (;;) {
    struct eye *eye = eye_earliest(scanner);
    double begin = scan_begin_s(eye);
    const struct report *first = report_first(&scanner->queue);
    bool over = begin >= scanner->scenario->duration_s;
    /* Nothing that is still to be generated can arrive before the earliest scan begins. */
    if (first && (over || first->arrival_ns < scanner->scenario->start_ns + ns(begin))) {
      scanner->current = *first;
      report_pop(&scanner->queue);
      return &scanner->current;
    }
    if (over) return NULL;
    states_scan(scanner, eye, begin + eye->gauge->revisit_s);
    targets_scan(scanner, eye, begin);
    clutter_scan(scanner, eye, begin);
    eye->scan++;
  }
}

/* What the tracker's tests share: a site put together by hand, a tracker with everything around it, simple truth and
 * measurements made by plain geometry, and the checks that must hold after every step. */
#ifndef WEFT_TESTS_TRACK_SUPPORT_H
#define WEFT_TESTS_TRACK_SUPPORT_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"
#include "engine/domain/overload.h"
#include "engine/ingest/frame_builder.h"
#include "engine/track/state.h"
#include "engine/track/tracker.h"
#include "engine/track/vector.h"
#include "kernels/wk.h"

#define RIG_BEGIN_NS INT64_C(1700000000000000000)
#define RIG_SECOND_NS INT64_C(1000000000)
#define RIG_DEGREE 0.017453292519943295

#define rig_expect(condition, ...)                                                                                   \
  do {                                                                                                               \
    if (!(condition)) {                                                                                              \
      print_error(__VA_ARGS__);                                                                                      \
      print_error("\n");                                                                                             \
      fail_msg("%s:%d: %s", __FILE__, __LINE__, #condition);                                                         \
    }                                                                                                                \
  } while (0)

struct rig {
  struct site site;
  struct arena arena;
  struct tracker *tracker;
  struct frame frame;
  struct frame_builder builder;
  struct step_output output;
  struct ledger ledger;
  uint64_t sequence, accepted, number_seen;
  uint32_t overload_step; /* of the next frames */
  struct detection *pending; /* of the next frame */
  uint32_t pending_count, capacity;
  uint32_t foreign_max; /* set before rig_open */
  size_t history_bytes; /* tracker_options; set before rig_open */
  uint32_t lines_max;   /* the same */
};

static inline struct sensor *rig_sensor(struct site *site, uint8_t kind, double lat_deg, double lon_deg, double height_m) {
  struct sensor *s = &site->sensors[site->sensor_count];
  *s = (struct sensor){.id = 100 + site->sensor_count, .kind = kind, .lat_deg = lat_deg, .lon_deg = lon_deg,
                       .height_m = height_m, .revisit_s = 1, .detection_probability = 0.9, .clutter_per_scan = 1,
                       .coverage_range_m = {0, 3e6}, .coverage_azimuth_deg = {0, 360}, .coverage_elevation_deg = {0, 90}};
  snprintf(s->name, sizeof s->name, "sensor-%u", site->sensor_count);
  wk_ecef_from_geodetic(lat_deg * RIG_DEGREE, lon_deg * RIG_DEGREE, height_m, s->position_m);
  wk_enu_rows(lat_deg * RIG_DEGREE, lon_deg * RIG_DEGREE, s->enu);
  const double radar[4] = {30, 0.001, 0.001, 0}, flat[4] = {50, 0.0015, 40, 0}, los[4] = {0, 3e-5, 3e-5, 0};
  const double position[4] = {50, 50, 50, 0};
  const double *const sigma[] = {radar, radar, flat, los, position};
  memcpy(s->sigma, sigma[kind], sizeof s->sigma);
  if (kind == KIND_LOS) {
    s->frame = LOS_FRAME_ECEF;
    const double rows[9] = {0, 1, 0, 1, 0, 0, 0, 0, 1};
    memcpy(s->enu, rows, sizeof rows);
    s->coverage_elevation_deg[0] = -90;
    s->coverage_range_m[1] = 5e7;
  }
  site->sensor_count++;
  site->lag_ns = 3 * RIG_SECOND_NS;
  site->frame_limit_ns = 5000000;
  site->stale_ns = 10 * RIG_SECOND_NS;
  return s;
}

/* A rig with the sensors that are in rig->site. `frame_max` bounds detections per frame. */
static inline void rig_open(struct rig *rig, uint32_t tracks_max, uint32_t frame_max, const struct parallel *parallel) {
  struct tracker_options options = {.tracks_max = tracks_max, .detections_max = frame_max, .foreign_max = rig->foreign_max,
                                    .history_bytes = rig->history_bytes, .lines_max = rig->lines_max, .parallel = parallel ? *parallel : parallel_inline()};
  uint32_t tracks = (tracks_max < 64 ? 64 : tracks_max) + (rig->foreign_max ? rig->foreign_max + FRAME_FOREIGN_MAX : 0);
  size_t size = tracker_arena_size(&rig->site, &options) + frame_bytes(frame_max) + frame_builder_bytes(frame_max) +
                2 * (size_t)tracks * sizeof(struct track_report) + (size_t)frame_max * sizeof(struct detection) + (1 << 20);
  assert_int_equal(arena_open(&rig->arena, size), 0);
  rig->tracker = tracker_open(&rig->arena, &rig->site, &options);
  assert_non_null(rig->tracker);
  assert_int_equal(frame_open(&rig->frame, &rig->arena, frame_max), 0);
  assert_int_equal(frame_builder_open(&rig->builder, &rig->arena, frame_max), 0);
  rig->output = (struct step_output){.capacity = 2 * tracks};
  rig->output.reports = arena_take(&rig->arena, 2 * (size_t)tracks, sizeof *rig->output.reports);
  rig->pending = arena_take(&rig->arena, frame_max, sizeof *rig->pending);
  assert_non_null(rig->output.reports);
  assert_non_null(rig->pending);
  rig->capacity = frame_max;
  memset(&rig->ledger, 0, sizeof rig->ledger);
  rig->ledger.sensor_count = rig->site.sensor_count;
  rig->sequence = rig->accepted = rig->number_seen = 0;
  rig->pending_count = 0;
  arena_seal(&rig->arena);
}

static inline struct rig *rig_new(void) {
  struct rig *rig = calloc(1, sizeof *rig);
  if (!rig) abort();
  return rig;
}

static inline void rig_close(struct rig *rig) {
  arena_close(&rig->arena);
  free(rig);
}

/* Detections that wait for a second sight, by the tracker's own lists. */
static inline uint64_t rig_waiting(const struct tracker *tracker) {
  uint64_t waiting = 0;
  const struct strands *strands = &tracker->strands;
  const struct rays *rays = &tracker->rays;
  for (uint32_t i = 0; i < strands->high; i++)
    waiting += calendar_has(&strands->expiry, i) ? strands->strands[i].count : 0;
  for (uint32_t i = 0; i < rays->high; i++) waiting += tracklet_set_has(&rays->present, i) ? rays->tracklets[i].count : 0;
  return waiting;
}

static inline uint64_t rig_fates(const struct rig *rig, enum fate fate) {
  uint64_t sum = 0;
  for (uint32_t s = 0; s < rig->site.sensor_count; s++) sum += rig->ledger.sensors[s].fates[fate];
  return sum;
}

static inline bool rig_report_sound(const struct track_report *r) {
  bool sound = isfinite(r->existence) && r->existence >= 0 && r->existence <= 1 && isfinite(r->height_m) &&
               isfinite(r->lat_deg) && isfinite(r->lon_deg) && r->status <= STATUS_LOST && r->class_ <= CLASS_ORBITAL &&
               r->phase <= PHASE_CRUISE && r->detections >= 2;
  for (int i = 0; i < 3; i++) {
    sound = sound && isfinite(r->position_m[i]) && isfinite(r->velocity_mps[i]) && isfinite(r->phase_probability[i]);
    sound = sound && r->phase_probability[i] >= 0 && r->phase_probability[i] <= 1 + 1e-9;
  }
  for (int i = 0; i < 21; i++) sound = sound && isfinite(r->covariance[i]);
  for (int i = 0; i < 6; i++) sound = sound && r->covariance[WK_AT(6, i, i)] >= 0;
  return sound;
}

/* A living track's line has the moments of its bank as the step left it. */
static inline bool rig_report_fresh(const struct rig *rig, const struct track_report *r) {
  double moments[1][WK_GAUSS_ELEMENTS];
  if (r->status == STATUS_LOST || rig->foreign_max > 0) return true; /* what correlates is more than the bank's */
  filter_moments(&rig->tracker->filter, &r->slot, 1, moments);
  // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) the same bits
  return memcmp(r->position_m, moments[0], sizeof r->position_m) == 0 && memcmp(r->velocity_mps, moments[0] + 3, sizeof r->velocity_mps) == 0 &&
         memcmp(r->covariance, moments[0] + 6, sizeof r->covariance) == 0;
}

/* What the coarse gate reads of a track is what its record says. */
static inline bool rig_sight_fresh(const struct tracker *tracker, uint32_t slot) {
  const struct track *track = &tracker->store.tracks[slot];
  const struct index_sight *sight = &tracker->index.sights[slot];
  bool fresh = sight->time_ns == track->time_ns && sight->sigma_velocity_mps == (float)track->sigma_velocity_mps &&
               sight->sigma_position_m == (track->parked ? -1 : (float)track->sigma_position_m);
  for (int i = 0; i < 3; i++) {
    fresh = fresh && sight->position_m[i] == track->position_m[i] && sight->velocity_mps[i] == (float)track->velocity_mps[i] &&
            sight->acceleration_mps2[i] == track->acceleration_mps2[i];
  }
  return fresh;
}

/* Sends what is pending as one frame, then checks what must hold after any step: books, order, sound numbers, the gate's view. */
static inline void rig_step(struct rig *rig, int64_t time_ns) {
  for (uint32_t i = 0; i < rig->pending_count; i++) {
    frame_builder_add(&rig->builder, &rig->pending[i], 0);
    rig->ledger.sensors[rig->pending[i].sensor].detections.received++;
    rig->ledger.sensors[rig->pending[i].sensor].detections.accepted++;
  }
  rig->accepted += rig->pending_count;
  rig->pending_count = 0;
  frame_builder_close(&rig->builder, time_ns, rig->overload_step, &rig->frame);
  tracker_step(rig->tracker, &rig->frame, &rig->output, &rig->ledger);
  rig_expect(ledger_settle(&rig->ledger) && ledger_balanced(&rig->ledger), "frame %llu: books broken",
             (unsigned long long)rig->frame.number);
  rig_expect(rig_fates(rig, FATE_IN_FLIGHT) == rig_waiting(rig->tracker), "frame %llu: in flight %llu, waiting %llu",
             (unsigned long long)rig->frame.number, (unsigned long long)rig_fates(rig, FATE_IN_FLIGHT),
             (unsigned long long)rig_waiting(rig->tracker));
  for (uint32_t slot = 0; slot < rig->tracker->store.high; slot++) {
    rig_expect(!rig->tracker->store.tracks[slot].alive || rig_sight_fresh(rig->tracker, slot), "frame %llu: the gate sees an old state of track %llu",
               (unsigned long long)rig->frame.number, (unsigned long long)rig->tracker->store.tracks[slot].number);
  }
  for (uint32_t i = 0; i < rig->output.count; i++) {
    const struct track_report *r = &rig->output.reports[i];
    rig_expect(rig_report_sound(r), "frame %llu: track %llu has unsound numbers (status %d, height %g, x %g, Pxx %g)",
               (unsigned long long)rig->frame.number, (unsigned long long)r->track, r->status, r->height_m,
               r->position_m[0], r->covariance[0]);
    rig_expect(rig_report_fresh(rig, r), "frame %llu: track %llu: its line is not what its bank says",
               (unsigned long long)rig->frame.number, (unsigned long long)r->track);
    rig_expect(i == 0 || rig->output.reports[i - 1].track < r->track, "frame %llu: track %llu out of order or twice",
               (unsigned long long)rig->frame.number, (unsigned long long)r->track);
    rig_expect(r->status != STATUS_CONFIRMED || r->detections >= 4, "track %llu confirmed with %llu detections",
               (unsigned long long)r->track, (unsigned long long)r->detections);
    if (r->track > rig->number_seen) rig->number_seen = r->track;
  }
}

static inline void rig_drain(struct rig *rig) {
  tracker_drain(rig->tracker, &rig->ledger);
  assert_true(ledger_settle(&rig->ledger) && ledger_balanced(&rig->ledger));
  assert_int_equal(rig_fates(rig, FATE_IN_FLIGHT), 0);
  assert_int_equal(rig_waiting(rig->tracker), 0);
}

static inline struct detection *rig_add(struct rig *rig, uint32_t sensor, int64_t time_ns) {
  assert_true(rig->pending_count < rig->capacity);
  struct detection *d = &rig->pending[rig->pending_count++];
  *d = (struct detection){.time_ns = time_ns, .sequence = ++rig->sequence, .sensor = sensor,
                          .kind = rig->site.sensors[sensor].kind, .arrival_ns = time_ns};
  return d;
}

/* What a sensor would say of a point (ECEF), with Gaussian errors where `prng` is given. Long double geometry of its own. */
static inline struct detection *rig_see_from(struct rig *rig, uint32_t sensor, int64_t time_ns, const double p[3],
                                             const double from[3], struct prng *prng) {
  const struct sensor *s = &rig->site.sensors[sensor];
  struct detection *d = rig_add(rig, sensor, time_ns);
  long double v[3], axes[3];
  for (int i = 0; i < 3; i++) v[i] = (long double)p[i] - (long double)from[i];
  for (int r = 0; r < 3; r++) {
    axes[r] = 0;
    for (int i = 0; i < 3; i++) axes[r] += (long double)s->enu[3 * r + i] * v[i];
  }
  long double range = sqrtl(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  double e[4] = {0};
  for (int i = 0; i < 4 && prng; i++) e[i] = prng_normal(prng) * s->sigma[i];
  double azimuth = (double)atan2l(axes[0], axes[1]), elevation = (double)asinl(axes[2] / range);
  double lat_rad, lon_rad, height_m;
  wk_geodetic_from_ecef(p, &lat_rad, &lon_rad, &height_m);
  switch (s->kind) {
  case KIND_RADAR:
    d->valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION;
    d->measure[0] = fmax((double)range + e[0], 0);
    d->measure[1] = azimuth + e[1];
    d->measure[2] = fmin(fmax(elevation + e[2], -1.5707), 1.5707);
    break;
  case KIND_RADAR2D:
    d->valid = VALID_RANGE | VALID_AZIMUTH | VALID_HEIGHT;
    d->measure[0] = fmax((double)range + e[0], 0);
    d->measure[1] = azimuth + e[1];
    d->measure[2] = height_m + e[2];
    break;
  case KIND_LOS:
    d->valid = VALID_AZIMUTH | VALID_ELEVATION;
    d->measure[1] = azimuth + e[1];
    d->measure[2] = elevation + e[2];
    break;
  default:
    d->valid = VALID_XYZ;
    for (int i = 0; i < 3; i++) d->measure[i] = p[i] + e[i];
  }
  return d;
}

static inline struct detection *rig_see(struct rig *rig, uint32_t sensor, int64_t time_ns, const double p[3],
                                        struct prng *prng) {
  return rig_see_from(rig, sensor, time_ns, p, rig->site.sensors[sensor].position_m, prng);
}

/* Truth: position and velocity in ECEF. */
struct body {
  double p[3], v[3];
};

static inline void body_acceleration(const struct body *b, double thrust_mps2, double a[3]) {
  const double mu = 3.986004418e14, w = 7.292115e-5;
  double r = sqrt(b->p[0] * b->p[0] + b->p[1] * b->p[1] + b->p[2] * b->p[2]);
  double s = sqrt(b->v[0] * b->v[0] + b->v[1] * b->v[1] + b->v[2] * b->v[2]);
  for (int i = 0; i < 3; i++) a[i] = -mu / (r * r * r) * b->p[i] + (s > 0 ? thrust_mps2 * b->v[i] / s : 0);
  a[0] += 2 * w * b->v[1] + w * w * b->p[0];
  a[1] += -2 * w * b->v[0] + w * w * b->p[1];
}

/* Free fall without air over a rotating round Earth, plus thrust along the velocity. Runge-Kutta steps of at most 0.1 s. */
static inline void body_fly(struct body *b, double dt_s, double thrust_mps2) {
  int steps = (int)ceil(fabs(dt_s) / 0.1);
  double h = steps ? dt_s / steps : 0;
  for (int k = 0; k < steps; k++) {
    double a1[3], a2[3], a3[3], a4[3];
    struct body m = *b, n = *b, o = *b;
    body_acceleration(b, thrust_mps2, a1);
    for (int i = 0; i < 3; i++) m.p[i] = b->p[i] + h / 2 * b->v[i], m.v[i] = b->v[i] + h / 2 * a1[i];
    body_acceleration(&m, thrust_mps2, a2);
    for (int i = 0; i < 3; i++) n.p[i] = b->p[i] + h / 2 * m.v[i], n.v[i] = b->v[i] + h / 2 * a2[i];
    body_acceleration(&n, thrust_mps2, a3);
    for (int i = 0; i < 3; i++) o.p[i] = b->p[i] + h * n.v[i], o.v[i] = b->v[i] + h * a3[i];
    body_acceleration(&o, thrust_mps2, a4);
    for (int i = 0; i < 3; i++) {
      b->p[i] += h / 6 * (b->v[i] + 2 * m.v[i] + 2 * n.v[i] + o.v[i]);
      b->v[i] += h / 6 * (a1[i] + 2 * a2[i] + 2 * a3[i] + a4[i]);
    }
  }
}

/* A body at a place with a velocity east, north, up (m/s). */
static inline struct body body_at(double lat_deg, double lon_deg, double height_m, double east, double north, double up) {
  struct body b;
  double enu[9];
  wk_ecef_from_geodetic(lat_deg * RIG_DEGREE, lon_deg * RIG_DEGREE, height_m, b.p);
  wk_enu_rows(lat_deg * RIG_DEGREE, lon_deg * RIG_DEGREE, enu);
  for (int i = 0; i < 3; i++) b.v[i] = east * enu[i] + north * enu[3 + i] + up * enu[6 + i];
  return b;
}

/* Level flight along a circle about the Earth's centre. */
static inline void body_cruise(struct body *b, double dt_s) {
  double r = sqrt(b->p[0] * b->p[0] + b->p[1] * b->p[1] + b->p[2] * b->p[2]);
  double s = sqrt(b->v[0] * b->v[0] + b->v[1] * b->v[1] + b->v[2] * b->v[2]), angle = s * dt_s / r;
  struct body n;
  for (int i = 0; i < 3; i++) {
    n.p[i] = b->p[i] * cos(angle) + b->v[i] / s * r * sin(angle);
    n.v[i] = b->v[i] * cos(angle) - b->p[i] * s / r * sin(angle);
  }
  *b = n;
}

static inline double rig_distance(const double a[3], const double b[3]) {
  return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

/* The report of a track in the last step, or NULL. */
static inline const struct track_report *rig_report(const struct rig *rig, uint64_t track) {
  for (uint32_t i = 0; i < rig->output.count; i++) {
    if (rig->output.reports[i].track == track) return &rig->output.reports[i];
  }
  return NULL;
}

/* Live tracks; the numbers of the first `max` in *numbers if given. */
static inline uint32_t rig_live(const struct rig *rig, int status_min) {
  uint32_t live = 0;
  const struct store *store = &rig->tracker->store;
  for (uint32_t slot = 0; slot < store->high; slot++) {
    live += store->tracks[slot].alive && store->tracks[slot].status >= status_min;
  }
  return live;
}

/* The only live track, or NULL where there is none or another. */
static inline const struct track *rig_only(const struct rig *rig) {
  const struct track *found = NULL;
  for (uint32_t slot = 0; slot < rig->tracker->store.high; slot++) {
    const struct track *track = &rig->tracker->store.tracks[slot];
    if (!track->alive) continue;
    if (found) return NULL;
    found = track;
  }
  return found;
}

#endif

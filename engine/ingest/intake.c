#include "engine/ingest/intake.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/ingest/asterix.h"
#include "engine/ingest/plot_limits.h"
#include "engine/ingest/recovery.h"
#include "engine/ingest/sealed_feeds.h"
#include "engine/ingest/sensor_budget.h"
#include "engine/ingest/sequence_window.h"
#include "engine/ingest/wire.h"

/* By rising id, for the lookup. */
struct intake_id {
  uint32_t id;
  uint32_t index;
};

/* By sensor index. */
struct intake_sensor {
  struct plot_limits limits;
  struct sensor_budget budget;
  uint32_t detections, states; /* in frame number `frame` + 1 */
  uint64_t frame;
  bool has_newest;
  int64_t newest_ns;      /* newest corrected measurement time accepted */
  struct sequence_window window;
  struct asterix_window repeats;
};

#define NANOSECONDS_PER_SECOND 1e9
static const double PI_RAD = 0x1.921fb54442d18p1;
static const double HALF_PI_RAD = 0x1.921fb54442d18p0;
/* A position this near to the Earth's centre is no position, and geodesy has no answer there. */
static const double RADIUS_MIN_M = 6e6;

/* Least and largest believable sigma: of a length, an angle, a speed. The configuration has the same limits. */
enum sigma_unit { SIGMA_LENGTH, SIGMA_ANGLE, SIGMA_SPEED };
static const float sigma_min[] = {1e-3f, 1e-8f, 1e-4f}, sigma_max[] = {1e6f, 1.0f, 1e5f};
static const uint8_t sigma_unit[KIND_END][4] = {
    [KIND_RADAR] = {SIGMA_LENGTH, SIGMA_ANGLE, SIGMA_ANGLE, SIGMA_SPEED},
    [KIND_RADAR2D] = {SIGMA_LENGTH, SIGMA_ANGLE, SIGMA_LENGTH, SIGMA_SPEED},
    [KIND_LOS] = {SIGMA_LENGTH, SIGMA_ANGLE, SIGMA_ANGLE, SIGMA_SPEED},
    [KIND_POSITION] = {SIGMA_LENGTH, SIGMA_LENGTH, SIGMA_LENGTH, SIGMA_SPEED}};

static bool registered(const struct sensor *sensor) {
  bool any = sensor->registration_time_s != 0;
  for (int i = MEASURE_RANGE; i <= MEASURE_ELEVATION; i++) any |= sensor->registration[i] != 0;
  return any;
}

static struct plot_limits limits_of(const struct sensor *sensor) {
  float min[4], max[4];
  for (int i = 0; i < 4; i++) {
    min[i] = sigma_min[sigma_unit[sensor->kind][i]];
    max[i] = sigma_max[sigma_unit[sensor->kind][i]];
  }
  return plot_limits_of(sensor, registered(sensor), min, max);
}

size_t intake_bytes(const struct site *site) {
  return site->sensor_count * (sizeof(struct intake_sensor) + sizeof(struct intake_id)) + 128;
}

static int id_compare(const void *a, const void *b) {
  const struct intake_id *left = a, *right = b;
  return (left->id > right->id) - (left->id < right->id);
}

int intake_open(struct intake *intake, struct arena *arena, const struct site *site, struct ledger *ledger,
                struct frame_builder *builder, enum site_time time, struct frame_rule *rule) {
  _Static_assert((int)FRAME_STATES_MAX >= (int)WIRE_ENTRIES_MAX, "an empty frame takes any one datagram");
  weft_assert(builder->open.capacity >= WIRE_ENTRIES_MAX);
  *intake = (struct intake){.site = site, .ledger = ledger, .builder = builder, .rule = rule, .time = time};
  ledger->sensor_count = site->sensor_count;
  intake->sensors = arena_take(arena, site->sensor_count, sizeof *intake->sensors);
  intake->ids = arena_take(arena, site->sensor_count, sizeof *intake->ids);
  if (!intake->sensors || !intake->ids) return -ENOMEM;
  for (uint32_t i = 0; i < site->sensor_count; i++) {
    intake->ids[i] = (struct intake_id){site->sensors[i].id, i};
    intake->sensors[i].budget = sensor_budget_of(&site->sensors[i]);
    intake->sensors[i].limits = limits_of(&site->sensors[i]);
  }
  qsort(intake->ids, site->sensor_count, sizeof *intake->ids, id_compare);
  return 0;
}

/* Index of the configured sensor with this id, or sensor_count. */
static uint32_t sensor_find(const struct intake *intake, uint32_t id) {
  uint32_t low = 0, high = intake->site->sensor_count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (intake->ids[middle].id < id) low = middle + 1;
    else high = middle;
  }
  bool found = low < intake->site->sensor_count && intake->ids[low].id == id;
  return found ? intake->ids[low].index : intake->site->sensor_count;
}

static enum intake_verdict refuse(struct intake *intake, uint32_t sensor, enum refusal refusal, uint64_t detections) {
  struct ledger_row *row = &ledger_row_of(intake->ledger, sensor)->detections;
  row->received += detections;
  row->refused[refusal] += detections;
  return INTAKE_REFUSED;
}

static enum intake_verdict datagram_refuse(struct intake *intake, uint32_t sensor, enum refusal refusal,
                                           uint64_t detections) {
  struct ledger_row *row = &ledger_row_of(intake->ledger, sensor)->datagrams;
  row->received++;
  row->refused[refusal]++;
  return refuse(intake, sensor, refusal, detections);
}

static bool sigma_believable(const struct detection *detection) {
  bool believable = true;
  for (int i = 0; i < 4; i++) {
    float sigma = detection->sigma[i];
    uint8_t unit = sigma_unit[detection->kind][i];
    believable &= (sigma == 0) | ((sigma >= sigma_min[unit]) & (sigma <= sigma_max[unit]));
  }
  return believable;
}

static bool away_from_centre(const double position_m[3]) {
  double square = position_m[0] * position_m[0] + position_m[1] * position_m[1] + position_m[2] * position_m[2];
  return square >= RADIUS_MIN_M * RADIUS_MIN_M;
}

static double azimuth_wrap(double azimuth_rad) {
  if (azimuth_rad > PI_RAD) return azimuth_rad - 2 * PI_RAD;
  if (azimuth_rad <= -PI_RAD) return azimuth_rad + 2 * PI_RAD;
  return azimuth_rad;
}

/* Measurement time less the sensor's known offset. The decoders hold times to TIME_MIN_NS..TIME_MAX_NS (wire.h), which
 * leaves room for this and for the comparisons below. */
static int64_t time_correct(const struct sensor *sensor, int64_t time_ns) {
  return time_ns - (int64_t)(sensor->registration_time_s * NANOSECONDS_PER_SECOND);
}

/* Subtracts the known offsets, where there are any: what was written singly can't be read side by side soon. False where the result is no
 * possible measurement. */
static bool registration_subtract(const struct sensor *sensor, struct detection *detection) {
  if (!registered(sensor)) return true;
  detection->time_ns = time_correct(sensor, detection->time_ns);
  double *measure = detection->measure;
  if (detection->valid & VALID_RANGE) measure[MEASURE_RANGE] -= sensor->registration[MEASURE_RANGE];
  if (detection->valid & VALID_AZIMUTH) {
    measure[MEASURE_AZIMUTH] = azimuth_wrap(measure[MEASURE_AZIMUTH] - sensor->registration[MEASURE_AZIMUTH]);
  }
  if (detection->valid & VALID_ELEVATION) measure[MEASURE_ELEVATION] -= sensor->registration[MEASURE_ELEVATION];
  if ((detection->valid & VALID_RANGE) && !(measure[MEASURE_RANGE] >= 0)) return false;
  return !(detection->valid & VALID_ELEVATION) || fabs(measure[MEASURE_ELEVATION]) <= HALF_PI_RAD;
}

/* A range rate of unknown precision is of no use. */
static void range_rate_drop_unknown(const struct sensor *sensor, struct detection *detection) {
  if (!(detection->valid & VALID_RANGE_RATE)) return;
  if (detection->sigma[MEASURE_RANGE_RATE] != 0 || sensor->sigma[MEASURE_RANGE_RATE] != 0) return;
  detection->valid &= (uint16_t)~VALID_RANGE_RATE;
  detection->measure[MEASURE_RANGE_RATE] = 0;
}

/* Stale or future by the corrected time; REFUSALS if neither. `newest` judges recordings, may be NULL. */
static enum refusal age_check(const struct intake *intake, int64_t time_ns, int64_t arrival_ns,
                              const struct intake_sensor *newest) {
  const struct site *site = intake->site;
  if (intake->time == SITE_TIME_LIVE) {
    if (time_ns < arrival_ns - site->stale_ns) return REFUSAL_STALE;
    if (time_ns > arrival_ns + site->future_ns) return REFUSAL_FUTURE;
  } else if (newest && newest->has_newest && time_ns < newest->newest_ns - site->stale_ns) {
    return REFUSAL_STALE;
  }
  return REFUSALS;
}

/* Checks and corrects a detection whose form was found good; its sensor index is valid. REFUSALS: admitted. Changes
 * nothing but the detection. */
static enum refusal detection_judge(const struct intake *intake, struct detection *detection) {
  const struct sensor *sensor = &intake->site->sensors[detection->sensor];
  if (detection->kind != sensor->kind) return REFUSAL_MALFORMED;
  if (!sigma_believable(detection)) return REFUSAL_OUT_OF_RANGE;
  if ((detection->valid & VALID_XYZ) && !away_from_centre(detection->measure)) return REFUSAL_OUT_OF_RANGE;
  if ((detection->valid & VALID_PLATFORM) && !away_from_centre(detection->platform_m)) return REFUSAL_OUT_OF_RANGE;
  if (!registration_subtract(sensor, detection)) return REFUSAL_OUT_OF_RANGE;
  range_rate_drop_unknown(sensor, detection);
  return age_check(intake, detection->time_ns, detection->arrival_ns, &intake->sensors[detection->sensor]);
}

/* Would the open frame, with this in it, still have room for others? `held` of it is the sensor's already. */
static bool share_fits(uint32_t held, uint32_t more, uint32_t free) {
  if (more == 0) return true;
  return more <= free && (uint64_t)held + more <= (uint64_t)INTAKE_SHARE * (free - more);
}

/* What the sensor has in the open frame. */
static struct intake_sensor *holding_of(struct intake *intake, uint32_t sensor) {
  struct intake_sensor *own = &intake->sensors[sensor];
  if (own->frame != intake->builder->number) {
    own->frame = intake->builder->number;
    own->detections = own->states = 0;
  }
  return own;
}

/* A state costs what a detection does, and so does a datagram without either. */
static uint32_t budget_cost(uint32_t detections, uint32_t states) {
  return detections + states > 0 ? detections + states : 1;
}

/* May the sensor bring so much now? Changes nothing that shows. */
static bool budget_covers(struct intake *intake, uint32_t sensor, uint32_t detections, uint32_t states) {
  struct intake_sensor *own = holding_of(intake, sensor);
  if (intake->clock_ns == 0 || own->budget.rate_per_s == 0) return true;
  if (!sensor_budget_covers(&own->budget, budget_cost(detections, states), intake->clock_ns)) return false;
  const struct frame *open = &intake->builder->open;
  return !intake->crowded || (share_fits(own->detections, detections, open->capacity - open->count) &&
                              share_fits(own->states, states, FRAME_STATES_MAX - open->state_count));
}

/* The first refusal and every doubling is said: a sensor that floods is broken, or not who it says it is. */
static void budget_refusal_say(const struct intake *intake, uint32_t sensor) {
  const struct sensor *of = &intake->site->sensors[sensor];
  uint64_t refused = intake->ledger->sensors[sensor].detections.refused[REFUSAL_OVER_BUDGET];
  uint64_t datagrams = intake->ledger->sensors[sensor].datagrams.refused[REFUSAL_OVER_BUDGET];
  uint64_t times = datagrams > 0 ? datagrams : refused;
  if ((times & (times - 1)) != 0) return;
  log_line(LOG_LEVEL_WARNING, "sensor %u (%s) brings more than its budget of %g detections/s: %llu refused so far", of->id,
           of->name, of->budget_per_s, (unsigned long long)refused);
}

/* The last step, for which there must be room: frame and books. */
static void detection_accept(struct intake *intake, const struct detection *detection, uint32_t restart) {
  struct intake_sensor *own = holding_of(intake, detection->sensor);
  own->detections++;
  if (!own->has_newest || detection->time_ns > own->newest_ns) own->newest_ns = detection->time_ns;
  own->has_newest = true;
  struct ledger_row *row = &intake->ledger->sensors[detection->sensor].detections;
  row->received++;
  row->accepted++;
  frame_builder_add(intake->builder, detection, restart);
}

/* A datagram on its way in. */
struct arrival {
  const uint8_t *data; /* as received or recovered */
  uint32_t size;
  int64_t arrival_ns;
  bool recovered;
  uint32_t sensor;     /* index */
  struct wire_header header;
  const uint8_t *body; /* opened where it was sealed */
  uint32_t body_size;  /* without the tag */
};

static bool sealed(const struct arrival *one) { return (one->header.flags & WIRE_SEALED) != 0; }

/* What orders before the sequence number within a frame: numbers begin anew with each restart, or with each key. */
static uint32_t order_of(const struct intake *intake, const struct arrival *one) {
  return sealed(one) ? one->header.key_epoch : intake->sensors[one->sensor].window.restarts;
}

/* `count` entries stand in the frame's columns: what is left of it, and the books. */
static void plain_accept(struct intake *intake, const struct arrival *one, uint32_t count) {
  struct frame_builder *builder = intake->builder;
  struct intake_sensor *own = holding_of(intake, one->sensor);
  const int64_t *time_ns = builder->open.time_of_ns + builder->open.count;
  int64_t newest_ns = own->has_newest ? own->newest_ns : time_ns[0];
  for (uint32_t i = 0; i < count; i++) newest_ns = time_ns[i] > newest_ns ? time_ns[i] : newest_ns;
  own->newest_ns = newest_ns;
  own->has_newest = true;
  own->detections += count;
  struct ledger_row *row = &intake->ledger->sensors[one->sensor].detections;
  row->received += count;
  row->accepted += count;
  frame_builder_add_written(builder, count, order_of(intake, one));
}

/* Takes the plain ones from number `first` on; returns how many. Of recorded time one at a time, since each can be the newest, by which the
 * next one's age is judged. */
static uint32_t plain_take(struct intake *intake, const struct arrival *one, uint32_t first) {
  const struct intake_sensor *own = &intake->sensors[one->sensor];
  const struct site *site = intake->site;
  bool live = intake->time == SITE_TIME_LIVE;
  int64_t min_ns = TIME_MIN_NS, max_ns = TIME_MAX_NS;
  if (live) {
    min_ns = one->arrival_ns - site->stale_ns;
    max_ns = one->arrival_ns + site->future_ns;
  } else if (own->has_newest) {
    min_ns = own->newest_ns - site->stale_ns;
  }
  uint32_t most = live ? one->header.count - first : 1;
  const struct plot_source source = {.sequence = one->header.sequence, .arrival_ns = one->arrival_ns, .sensor = one->sensor, .index = (uint16_t)first,
                                     .kind = site->sensors[one->sensor].kind};
  uint32_t count = plots_take(&own->limits, one->body + (size_t)first * WIRE_ENTRY_SIZE, most, min_ns, max_ns, &source, &intake->builder->open);
  if (count > 0) plain_accept(intake, one, count);
  return count;
}

/* Any entry, by itself. */
static void detection_take(struct intake *intake, const struct arrival *one, uint32_t index) {
  struct detection detection;
  enum wire_verdict form = wire_detection_decode(one->body + (size_t)index * WIRE_ENTRY_SIZE, &detection);
  if (form != WIRE_OK) {
    refuse(intake, one->sensor, wire_refusal(form), 1);
    return;
  }
  detection.sequence = one->header.sequence;
  detection.sensor = one->sensor;
  detection.index = (uint16_t)index;
  detection.arrival_ns = one->arrival_ns;
  enum refusal refusal = detection_judge(intake, &detection);
  if (refusal != REFUSALS) refuse(intake, one->sensor, refusal, 1);
  else detection_accept(intake, &detection, order_of(intake, one));
}

static void detections_take(struct intake *intake, const struct arrival *one) {
  for (uint32_t i = 0; i < one->header.count;) {
    uint32_t plain = plain_take(intake, one, i);
    if (plain == 0) detection_take(intake, one, i);
    i += plain > 0 ? plain : 1;
  }
}

static void states_take(struct intake *intake, const struct arrival *one) {
  struct ledger_sensor *row = &intake->ledger->sensors[one->sensor];
  for (uint32_t i = 0; i < one->header.count; i++) {
    struct sensor_state state;
    bool good = wire_state_decode(one->body + (size_t)i * WIRE_ENTRY_SIZE, &state) == WIRE_OK;
    if (good) state.time_ns = time_correct(&intake->site->sensors[one->sensor], state.time_ns);
    if (!good || age_check(intake, state.time_ns, one->arrival_ns, NULL) != REFUSALS) {
      row->states_refused++;
      continue;
    }
    state.sequence = one->header.sequence;
    state.sensor = one->sensor;
    row->states++;
    holding_of(intake, one->sensor)->states++;
    frame_builder_add_state(intake->builder, &state, order_of(intake, one), (uint16_t)i);
  }
}

/* Takes the sequence number in; the caller has found it to be no repetition. */
static void sequence_take(struct intake *intake, const struct arrival *one) {
  const struct wire_header *header = &one->header;
  struct ledger_sensor *row = &intake->ledger->sensors[one->sensor];
  struct sequence_window *window = &intake->sensors[one->sensor].window;
  if (sealed(one)) {
    row->sequence_gaps +=
        (uint64_t)sealed_feeds_take(intake->feeds, one->sensor, header->key_epoch, header->sequence, one->arrival_ns);
    return;
  }
  uint32_t restarts = window->restarts;
  row->sequence_gaps += (uint64_t)sequence_window_take(window, header->sequence, header->crc);
  row->restarts += window->restarts - restarts;
  if (window->restarts != restarts && intake->recovery) recovery_restart(intake->recovery, one->sensor);
}

/* Finds the body, opening it where it is sealed. False: not from who it says it is from. */
static bool body_open(const struct intake *intake, struct arrival *one) {
  bool has_key = intake->site->sensors[one->sensor].key_path[0] != 0;
  if (sealed(one) != has_key) return false;
  one->body = one->data + WIRE_HEADER_SIZE;
  one->body_size = one->header.body_size;
  if (!has_key) return true;
  one->body_size -= WIRE_TAG_SIZE;
  one->body = intake->feeds ? sealed_feeds_unseal(intake->feeds, one->sensor, &one->header, one->data, one->size) : NULL;
  return one->body != NULL;
}

/* What a datagram as a whole can be refused for, its form being good. REFUSALS: nothing. */
static enum refusal arrival_judge(const struct intake *intake, struct arrival *one) {
  const struct wire_header *header = &one->header;
  struct wire_parity parity;
  if (!body_open(intake, one)) return REFUSAL_UNAUTHENTICATED;
  if (((header->flags & WIRE_EXERCISE) != 0) != intake->site->exercise) return REFUSAL_EXERCISE_MISMATCH;
  if (header->type == WIRE_PARITY && !wire_parity_decode(one->body, one->body_size, &parity)) return REFUSAL_MALFORMED;
  if (sealed(one)) {
    bool seen = sealed_feeds_seen(intake->feeds, one->sensor, header->key_epoch, header->sequence);
    return seen ? REFUSAL_REPLAYED : REFUSALS;
  }
  const struct sequence_window *window = &intake->sensors[one->sensor].window;
  bool duplicate = sequence_window_check(window, header->sequence, header->crc) == SEQUENCE_DUPLICATE;
  return duplicate ? REFUSAL_DUPLICATE : REFUSALS;
}

/* Keeps an accepted datagram for the recovery of others, or uses its parity. */
static void recovery_feed(struct intake *intake, const struct arrival *one) {
  if (one->header.type == WIRE_PARITY && intake->recovery) {
    recovery_parity(intake->recovery, one->sensor, &one->header, one->body, one->body_size);
  } else if (one->header.type == WIRE_PARITY) {
    intake->ledger->sensors[one->sensor].parity[PARITY_RECEIVED]++;
    intake->ledger->sensors[one->sensor].parity[PARITY_UNUSED]++;
  } else if (intake->recovery && !one->recovered) {
    recovery_datagram(intake->recovery, one->sensor, &one->header, one->data, one->size);
  }
}

/* Its number is taken all the same: it came, so it is no gap, and it is not to be had from parity or by a repetition. */
static enum intake_verdict over_budget_refuse(struct intake *intake, const struct arrival *one, uint32_t detections,
                                              uint32_t states) {
  sequence_take(intake, one);
  intake->ledger->sensors[one->sensor].states_refused += states;
  datagram_refuse(intake, one->sensor, REFUSAL_OVER_BUDGET, detections);
  budget_refusal_say(intake, one->sensor);
  return INTAKE_REFUSED;
}

static enum intake_verdict arrival_admit(struct intake *intake, struct arrival *one) {
  struct wire_header *header = &one->header;
  uint32_t unknown = intake->site->sensor_count;
  enum wire_verdict form = wire_header_decode(one->data, one->size, header);
  if (form == WIRE_MALFORMED) return datagram_refuse(intake, unknown, REFUSAL_MALFORMED, 0);
  uint32_t sensor = one->sensor = sensor_find(intake, header->sensor);
  if (form != WIRE_OK) return datagram_refuse(intake, sensor, wire_refusal(form), 0);
  if (!wire_crc_ok(one->data, one->size)) return datagram_refuse(intake, sensor, REFUSAL_CRC, 0);
  if (sensor == unknown) return datagram_refuse(intake, sensor, REFUSAL_UNKNOWN_SENSOR, 0);
  uint32_t detections = header->type == WIRE_DETECTIONS ? header->count : 0;
  uint32_t states = header->type == WIRE_STATES ? header->count : 0;
  enum refusal refusal = arrival_judge(intake, one);
  if (refusal != REFUSALS) return datagram_refuse(intake, sensor, refusal, detections);
  if (!budget_covers(intake, sensor, detections, states)) return over_budget_refuse(intake, one, detections, states);
  if (!frame_builder_has_room(intake->builder, detections, states)) return INTAKE_CLOSE;

  sequence_take(intake, one);
  sensor_budget_take(&intake->sensors[sensor].budget, budget_cost(detections, states));
  struct ledger_sensor *row = &intake->ledger->sensors[sensor];
  row->datagrams.received++;
  row->datagrams.accepted++;
  uint64_t accepted = row->detections.accepted;
  if (detections) detections_take(intake, one);
  if (states) states_take(intake, one);
  if (one->recovered) {
    row->parity[PARITY_RECOVERED]++;
    row->parity[PARITY_DETECTIONS_RECOVERED] += row->detections.accepted - accepted;
  }
  recovery_feed(intake, one);
  return INTAKE_ACCEPTED;
}

enum intake_verdict intake_recovered(struct intake *intake, int64_t arrival_ns) {
  struct recovered next;
  while (intake->recovery && recovery_next(intake->recovery, &next)) {
    struct arrival one = {.data = next.data, .size = next.size, .arrival_ns = arrival_ns, .recovered = true};
    if (arrival_admit(intake, &one) == INTAKE_CLOSE) return INTAKE_CLOSE;
    recovery_done(intake->recovery);
  }
  return INTAKE_ACCEPTED;
}

enum intake_verdict intake_datagram(struct intake *intake, const uint8_t *data, uint32_t size, int64_t arrival_ns) {
  weft_assert(!intake->rule);
  if (intake->recovery && intake_recovered(intake, arrival_ns) == INTAKE_CLOSE) return INTAKE_CLOSE;
  struct arrival one = {.data = data, .size = size, .arrival_ns = arrival_ns};
  return arrival_admit(intake, &one);
}

/* For recovery: numbers whose datagram was accepted. */
static bool number_seen(const void *context, uint32_t sensor, uint16_t epoch, uint64_t sequence) {
  const struct intake *intake = context;
  if (intake->site->sensors[sensor].key_path[0])
    return sealed_feeds_seen(intake->feeds, sensor, epoch, sequence); /* there are feeds: they opened the parity */
  return sequence_window_seen(&intake->sensors[sensor].window, sequence);
}

void intake_recover(struct intake *intake, struct recovery *recovery) {
  intake->recovery = recovery;
  recovery->seen = number_seen;
  recovery->context = intake;
}

enum intake_verdict intake_detection(struct intake *intake, const struct detection *given, enum intake_mode mode,
                                     const uint8_t *record, uint32_t record_size) {
  struct detection detection = *given;
  uint32_t sensor = detection.sensor;
  if (sensor >= intake->site->sensor_count) return refuse(intake, sensor, REFUSAL_UNKNOWN_SENSOR, 1);
  if (mode != INTAKE_MODE_ANY && (mode == INTAKE_MODE_EXERCISE) != intake->site->exercise) {
    return refuse(intake, sensor, REFUSAL_EXERCISE_MISMATCH, 1);
  }
  enum wire_verdict form = detection_check(&detection);
  if (form != WIRE_OK) return refuse(intake, sensor, wire_refusal(form), 1);
  enum refusal refusal = detection_judge(intake, &detection);
  if (refusal != REFUSALS) return refuse(intake, sensor, refusal, 1);
  if (intake->rule) {
    if (frame_rule_ask(intake->rule, detection.time_ns, &intake->close_ns)) return INTAKE_CLOSE;
    intake->close_ns = intake->rule->newest_ns;
  }
  if (!budget_covers(intake, sensor, 1, 0)) {
    refuse(intake, sensor, REFUSAL_OVER_BUDGET, 1);
    budget_refusal_say(intake, sensor);
    return INTAKE_REFUSED;
  }
  if (!frame_builder_has_room(intake->builder, 1, 0)) return INTAKE_CLOSE;
  /* From here on nothing asks to be called again, so the record may be remembered. */
  if (record && asterix_window_repeat(&intake->sensors[sensor].repeats, record, record_size)) {
    return refuse(intake, sensor, REFUSAL_DUPLICATE, 1);
  }
  sensor_budget_take(&intake->sensors[sensor].budget, 1);
  detection_accept(intake, &detection, 0);
  if (intake->rule) frame_rule_added(intake->rule, detection.time_ns);
  return INTAKE_ACCEPTED;
}

void intake_foreign_refuse(struct intake *intake, enum refusal refusal) {
  intake->ledger->foreign.received++;
  intake->ledger->foreign.refused[refusal]++;
}

enum intake_verdict intake_foreign(struct intake *intake, const struct foreign_track *foreign,
                                   const struct foreign_names *names, bool exercise) {
  if (exercise != intake->site->exercise) {
    intake_foreign_refuse(intake, REFUSAL_EXERCISE_MISMATCH);
    return INTAKE_REFUSED;
  }
  if (intake->rule) {
    if (frame_rule_ask(intake->rule, foreign->time_ns, &intake->close_ns)) return INTAKE_CLOSE;
    intake->close_ns = intake->rule->newest_ns;
  }
  if (!frame_builder_has_room_foreign(intake->builder)) return INTAKE_CLOSE;
  frame_builder_add_foreign(intake->builder, foreign, names);
  if (intake->rule) frame_rule_added(intake->rule, foreign->time_ns);
  intake->ledger->foreign.received++;
  intake->ledger->foreign.accepted++;
  return INTAKE_ACCEPTED;
}

void intake_refuse(struct intake *intake, uint32_t sensor, enum refusal refusal) { refuse(intake, sensor, refusal, 1); }

void intake_skip(struct intake *intake, uint32_t sensor, enum ledger_skip skip) {
  ledger_row_of(intake->ledger, sensor)->skipped[skip]++;
}

bool intake_repeated(struct intake *intake, uint32_t sensor, const uint8_t *record, uint32_t record_size) {
  if (sensor >= intake->site->sensor_count) return false;
  return asterix_window_repeat(&intake->sensors[sensor].repeats, record, record_size);
}

void intake_close_frame(struct intake *intake, int64_t time_ns, uint32_t overload_step, struct frame *out) {
  frame_builder_close(intake->builder, time_ns, overload_step, out);
  if (intake->rule) frame_rule_closed(intake->rule, time_ns);
}

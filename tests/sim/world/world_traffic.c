/* What sensors send: four objects as six sensors see them, and everything that is wrong with some of it. */
#include <math.h>
#include <string.h>

#include "engine/ingest/seal.h"
#include "tests/sim/world/world.h"

enum {
  SENSOR_COUNT = 6,
  SENSOR_SEALED = 2,
  SENSOR_MOVING = 4,
  TARGETS = 4,
  REVISIT_NS = 250000000,
  KEY_BYTE = 0x11
};

const char *const field_names[FIELDS] = {"time",      "kind",      "valid",      "snr",      "measure 0",
                                         "measure 1", "measure 2", "measure 3",  "sigma 0",  "sigma 1",
                                         "sigma 2",   "sigma 3",   "state time", "state x",  "state y",
                                         "state z",   "state vx",  "state vy",   "state vz", "state status"};

/* The Earth's pull and the turning frame: true enough for tracks to live on. */
static void target_move(double x[6], double dt_s) {
  const double mu = 3.986004418e14, w = 7.292115e-5;
  double r2 = x[0] * x[0] + x[1] * x[1] + x[2] * x[2], pull = -mu / (r2 * sqrt(r2));
  double a[3] = {pull * x[0] + 2 * w * x[4] + w * w * x[0], pull * x[1] - 2 * w * x[3] + w * w * x[1],
                 pull * x[2]};
  for (int i = 0; i < 3; i++) {
    x[3 + i] += a[i] * dt_s;
    x[i] += x[3 + i] * dt_s;
  }
}

void traffic_begin(void) {
  world.traffic_due_ns = world.target_ns = world.start_ns;
  for (int t = 0; t < TARGETS; t++) {
    double *x = world.target[t], height_m = uniform(60e3, 250e3), east_m = uniform(-200e3, 200e3);
    double north_m = uniform(-200e3, 200e3), up_mps = uniform(-1500, 2500), along_mps = uniform(500, 3500);
    double heading = uniform(0, 6.28);
    /* East, north, up at longitude 0 on the equator are y, z, x. */
    x[0] = 6378137 + height_m;
    x[1] = east_m;
    x[2] = north_m;
    x[3] = up_mps;
    x[4] = along_mps * sin(heading);
    x[5] = along_mps * cos(heading);
  }
}

static void plot_make(const struct sensor *sensor, const double *x, struct detection *plot) {
  plot->kind = sensor->kind;
  if (sensor->kind == KIND_POSITION) {
    plot->valid = VALID_XYZ;
    for (int i = 0; i < 3; i++) plot->measure[i] = x[i] + sensor->sigma[i] * prng_normal(&world.prng);
    return;
  }
  double d[3], l[3];
  for (int i = 0; i < 3; i++) d[i] = x[i] - sensor->position_m[i];
  for (int i = 0; i < 3; i++)
    l[i] = sensor->enu[3 * i] * d[0] + sensor->enu[3 * i + 1] * d[1] + sensor->enu[3 * i + 2] * d[2];
  double range_m = sqrt(l[0] * l[0] + l[1] * l[1] + l[2] * l[2]);
  plot->valid = VALID_AZIMUTH | VALID_ELEVATION;
  plot->measure[MEASURE_AZIMUTH] = atan2(l[0], l[1]) + sensor->sigma[1] * prng_normal(&world.prng);
  plot->measure[MEASURE_ELEVATION] = asin(l[2] / range_m) + sensor->sigma[2] * prng_normal(&world.prng);
  if (sensor->kind != KIND_RADAR) return;
  plot->valid |= VALID_RANGE;
  plot->measure[MEASURE_RANGE] = range_m + sensor->sigma[0] * prng_normal(&world.prng);
}

static void clutter_make(struct detection *plot) {
  plot->measure[0] += plot->kind == KIND_LOS ? 0 : uniform(-50e3, 50e3);
  plot->measure[1] += plot->kind == KIND_POSITION ? uniform(-50e3, 50e3) : uniform(-0.1, 0.1);
}

/* A value that a broken sensor may send in a float or double; says which kind it was. */
static double value_bad(bool single, int *kind) {
  static const enum mark marks[VALUES] = {MARK_VALUE_NAN, MARK_VALUE_INFINITE, MARK_VALUE_DENORMAL,
                                          MARK_VALUE_EXTREME};
  *kind = (int)prng_below(&world.prng, VALUES);
  double sign = chance(0.5) ? 1 : -1;
  world_mark(marks[*kind]);
  if (*kind == 0) return (double)NAN;
  if (*kind == 1) return sign * (double)INFINITY;
  if (*kind == 2) return sign * (single ? 1e-42 : 5e-324);
  static const double extremes[] = {1.7e308,           3e38, 1e9,  99999999, 1e30, 1.5707963267948966,
                                    6.283185307179586, 0.0,  1e-30};
  double extreme = extremes[prng_below(&world.prng, sizeof extremes / sizeof *extremes)];
  return sign * (single && extreme > 3e38 ? 3e38 : extreme);
}

static int64_t time_bad(int *kind) {
  static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, -1, 1, INT64_C(9000000000000000000)};
  *kind = VALUES - 1;
  world_mark(MARK_VALUE_EXTREME);
  return times[prng_below(&world.prng, sizeof times / sizeof *times)];
}

/* One field of a plot made bad. Integers have no NaN: theirs count as extreme. */
static void plot_spoil(struct detection *plot) {
  int field = (int)prng_below(&world.prng, FIELDS_DETECTION), kind = VALUES - 1;
  if (field == 0) {
    plot->time_ns = chance(0.5) ? time_bad(&kind) : plot->time_ns + (int64_t)uniform(-4e9, 1.5e9);
  } else if (field == 1) {
    plot->kind = (uint8_t)prng_below(&world.prng, 256);
  } else if (field == 2) {
    plot->valid = (uint16_t)prng_below(&world.prng, 65536);
  } else if (field == 3) {
    plot->snr_db = (float)value_bad(true, &kind);
    plot->valid |= VALID_SNR;
  } else if (field < 8) {
    plot->measure[field - 4] = value_bad(false, &kind);
    if (chance(0.5)) plot->valid |= VALID_RANGE_RATE;
  } else {
    plot->sigma[field - 8] = (float)value_bad(true, &kind);
    plot->valid |= VALID_SIGMAS;
    for (int i = 0; i < 4; i++)
      if (i != field - 8 && plot->sigma[i] == 0) plot->sigma[i] = 1e-3F;
  }
  world.fields[field][kind]++;
}

uint32_t traffic_make(uint32_t sensor, uint8_t *out, uint32_t capacity) {
  const struct sensor *at = &world.server->site->sensors[sensor];
  struct detection plots[2 * TARGETS] = {{0}};
  uint32_t count = 0;
  for (int t = 0; t < TARGETS; t++) {
    if (chance(0.1)) continue;
    plots[count].time_ns = world.target_ns;
    plot_make(at, world.target[t], &plots[count]);
    if (chance(0.15)) clutter_make(&plots[count]);
    if (chance(world.p_value)) plot_spoil(&plots[count]);
    count++;
  }
  uint64_t sequence = world.sequence[sensor]++;
  if (chance(0.01)) world.sequence[sensor] = 0; /* the sender begins again */
  struct wire_header header = {.sensor = at->id, .sequence = sequence, .sent_ns = world.target_ns};
  return (uint32_t)wire_detections_encode(out, capacity, &header, plots, count);
}

static uint32_t states_make(uint8_t *out, uint32_t capacity) {
  const struct sensor *at = &world.server->site->sensors[SENSOR_MOVING];
  struct sensor_state state = {.time_ns = world.target_ns, .status = SENSOR_UP};
  double turned = (double)(world.target_ns - world.start_ns) * 1e-9 * 20;
  memcpy(state.position_m, at->position_m, sizeof state.position_m);
  state.position_m[1] += turned;
  state.velocity_mps[1] = 20;
  if (chance(world.p_state)) {
    int field = (int)prng_below(&world.prng, FIELDS_STATE), kind = VALUES - 1;
    world_mark(MARK_STATE_GARBAGE);
    if (field == 0)
      state.time_ns = time_bad(&kind);
    else if (field < 4)
      state.position_m[field - 1] = value_bad(false, &kind);
    else if (field < 7)
      state.velocity_mps[field - 4] = value_bad(false, &kind);
    else
      state.status = (uint32_t)prng_u64(&world.prng);
    world.fields[FIELDS_DETECTION + field][kind]++;
  }
  struct wire_header header = {
      .sensor = at->id, .sequence = world.sequence[SENSOR_MOVING]++, .sent_ns = world.target_ns};
  return (uint32_t)wire_states_encode(out, capacity, &header, &state, 1);
}

static void datagram_send(const uint8_t *data, uint32_t size) {
  (void)io_sim_send(world.sim, world.server->port_detections, data, size);
}

/* Some bytes made anything, the CRC made right again: what gets this far is read by the decoder. */
static void garbage_send(uint8_t *data, uint32_t size) {
  world_mark(MARK_BYTES_GARBAGE);
  uint64_t changes = 1 + prng_below(&world.prng, 8);
  for (uint64_t c = 0; c < changes; c++) data[prng_below(&world.prng, size)] = (uint8_t)prng_u64(&world.prng);
  if (chance(0.1)) size = (uint32_t)prng_below(&world.prng, size + 1);
  if (size >= WIRE_HEADER_SIZE) wire_crc_write(data, size);
  datagram_send(data, size);
}

static void sealed_send(uint8_t *data, uint32_t size) {
  uint8_t key[SEAL_KEY_SIZE];
  memset(key, KEY_BYTE, sizeof key);
  bool strange = chance(world.p_seal);
  uint64_t what = prng_below(&world.prng, 5);
  if (strange) world_mark(what == 4 ? MARK_SEALED_REPLAYED : MARK_SEALED_GARBAGE);
  if (strange && what == 0) key[0] ^= 1;
  if (!(strange && what == 1)) /* 1: not sealed at all */
    size = (uint32_t)seal_close(data, size, sizeof world.datagram, strange && what == 2 ? 9 : 1, key);
  if (strange && what == 3) {
    data[prng_below(&world.prng, size)] ^= (uint8_t)(1u << prng_below(&world.prng, 8));
    wire_crc_write(data, size);
  }
  if (strange && what == 4 && world.sealed_last_size > 0)
    datagram_send(world.sealed_last, world.sealed_last_size);
  if (!strange && size <= sizeof world.sealed_last) {
    memcpy(world.sealed_last, data, size);
    world.sealed_last_size = size;
  }
  datagram_send(data, size);
}

/* One turn's worth of a flood, in datagrams of every size; its plots are false, and as good as any. */
static void flood_send(void) {
  static struct detection plots[FLOOD_ENTRIES_MAX];
  const struct sensor *at = &world.server->site->sensors[SENSOR_BOUND];
  uint64_t left = (uint64_t)FLOOD_TIMES * BOUND_PER_S * (REVISIT_NS / SENSOR_COUNT) / 1000000000;
  while (left > 0) {
    uint32_t count = 1 + (uint32_t)prng_below(&world.prng, left < FLOOD_ENTRIES_MAX ? left : FLOOD_ENTRIES_MAX);
    for (uint32_t i = 0; i < count; i++) {
      memset(&plots[i], 0, sizeof plots[i]);
      plots[i].time_ns = world.target_ns;
      plot_make(at, world.target[i % TARGETS], &plots[i]);
      plots[i].measure[0] += uniform(-1e6, 1e6);
    }
    struct wire_header header = {
        .sensor = at->id, .sequence = world.sequence[SENSOR_BOUND]++, .sent_ns = world.target_ns};
    datagram_send(world.datagram, (uint32_t)wire_detections_encode(world.datagram, sizeof world.datagram, &header, plots, count));
    left -= count;
  }
}

/* All sensors look four times a second, one after the other. */
void traffic_turn(int64_t now_ns) {
  if (!world.server || now_ns < world.traffic_due_ns) return;
  world.traffic_due_ns += REVISIT_NS / SENSOR_COUNT;
  uint32_t sensor =
      (uint32_t)((world.traffic_due_ns - world.start_ns) / (REVISIT_NS / SENSOR_COUNT)) % SENSOR_COUNT;
  for (int t = 0; t < TARGETS; t++) target_move(world.target[t], (double)(now_ns - world.target_ns) * 1e-9);
  world.target_ns = now_ns;
  uint8_t *data = world.datagram;
  uint32_t size = traffic_make(sensor, data, sizeof world.datagram);
  if (size == 0) world_fail("a datagram of sensor %u could not be made", sensor);
  if (sensor == SENSOR_SEALED)
    sealed_send(data, size);
  else
    datagram_send(data, size);
  if (chance(world.p_garbage)) garbage_send(data, size);
  if (sensor == SENSOR_MOVING) datagram_send(data, states_make(data, sizeof world.datagram));
  if (now_ns >= world.flood_from_ns && now_ns < world.flood_until_ns) flood_send();
  for (int i = 0; overloaded(now_ns) && i < OVERLOAD_DATAGRAMS; i++)
    datagram_send(data, traffic_make(0, data, sizeof world.datagram));
  if (chance(world.p_garbage * 0.1)) { /* a burst that no small kernel queue holds */
    for (int i = 0; i < 60; i++) datagram_send(data, traffic_make(0, data, sizeof world.datagram));
  }
}

#include "bench/coast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/prng.h"
#include "kernels/wk.h"

enum { NORMALS = 1 << 16, SLOT_PLOTS_MAX = 1 << 17 };
static const double pi = 3.14159265358979323846, degree = 3.14159265358979323846 / 180;
static const double mu = 3.986004418e14, j2 = 1.08262982e-3, equator_m = 6378137, turn_radps = 7.292115e-5;
static const double centre_lat = 48 * 3.14159265358979323846 / 180, centre_lon = 25 * 3.14159265358979323846 / 180;
static const double eye_height_m = 35786000, eye_half_rad = 9 * 3.14159265358979323846 / 180, eye_sigma_rad = 1e-5;
static const double low_m = 250000, high_m = 900000, down_m = 150000, range_sigma_m = 20, rate_sigma_mps = 2;
static const double radar_detects = 0.95, eye_detects = 0.9;

struct sensor {
  double position_m[3], enu[9];
  double revisit_s, begin_s; /* of the scan that is being played */
  double range_max_m, angle_sigma_rad, azimuth_from_rad, azimuth_width_rad, elevation_rad[2];
  double clutter_per_scan;
  bool eye;
  uint32_t slot;     /* of the scan, the next one */
  uint32_t *objects; /* seen in this scan, by azimuth */
  uint32_t slot_first[COAST_SLOTS + 1];
};

struct coast {
  struct coast_options options;
  struct sensor sensors[COAST_SENSORS];
  double (*states)[9]; /* position, velocity, acceleration at `second` */
  int64_t second;      /* after the epoch */
  double newest_s;
  float *fraction; /* scratch: of an object's azimuth in the scan, below 0 unseen */
  struct detection *plots;
  double normals[NORMALS];
  struct prng prng;
};

static double normal(struct coast *coast) {
  return coast->normals[prng_u64(&coast->prng) % NORMALS];
}

static void fall(const double s[6], double out[3]) {
  double r2 = s[0] * s[0] + s[1] * s[1] + s[2] * s[2], r = sqrt(r2), g = -mu / (r2 * r);
  double bulge = 1.5 * j2 * equator_m * equator_m / r2, z2 = 5 * s[2] * s[2] / r2;
  out[0] = g * s[0] * (1 + bulge * (1 - z2)) + turn_radps * turn_radps * s[0] + 2 * turn_radps * s[4];
  out[1] = g * s[1] * (1 + bulge * (1 - z2)) + turn_radps * turn_radps * s[1] - 2 * turn_radps * s[3];
  out[2] = g * s[2] * (1 + bulge * (3 - z2));
}

static void state_at(const struct coast *coast, uint32_t object, double time_s, double out[6]) {
  const double *s = coast->states[object];
  double dt = time_s - (double)coast->second;
  for (int i = 0; i < 3; i++) {
    out[i] = s[i] + dt * (s[3 + i] + dt / 2 * s[6 + i]);
    out[3 + i] = s[3 + i] + dt * s[6 + i];
  }
}

/* East, north and up of a place on a sphere, in ECEF. */
static void axes(double lat, double lon, double out[9]) {
  double rows[9] = {-sin(lon), cos(lon), 0, -sin(lat) * cos(lon), -sin(lat) * sin(lon), cos(lat), cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)};
  memcpy(out, rows, sizeof rows);
}

/* Evenly over the cap, flying roughly west, rising or falling, too slow for an orbit. */
static void object_make(struct coast *coast, double s[9]) {
  struct prng *prng = &coast->prng;
  double centre[9], local[9];
  axes(centre_lat, centre_lon, centre);
  double off = 1 - prng_uniform(prng) * (1 - cos(coast->options.cap_rad)), side = 2 * pi * prng_uniform(prng);
  double u[3], flat = sqrt(1 - off * off);
  for (int i = 0; i < 3; i++) u[i] = off * centre[6 + i] + flat * (cos(side) * centre[i] + sin(side) * centre[3 + i]);
  axes(asin(u[2]), atan2(u[1], u[0]), local);
  double r = 6371000 + low_m + prng_uniform(prng) * (high_m - low_m), bearing = (270 + 30 * (prng_uniform(prng) - 0.5)) * degree;
  double along = 3000 + 3000 * prng_uniform(prng), up = 1500 * (2 * prng_uniform(prng) - 1);
  for (int i = 0; i < 3; i++) {
    s[i] = r * u[i];
    s[3 + i] = along * (sin(bearing) * local[i] + cos(bearing) * local[3 + i]) + up * local[6 + i];
  }
  fall(s, s + 6);
}

/* Classical Runge-Kutta over one second. What has come down to the air is another object somewhere else from then on. */
static void second_pass(struct coast *coast, double s[9]) {
  double k[4][6], x[6];
  static const double at[4] = {0, 0.5, 0.5, 1};
  for (int stage = 0; stage < 4; stage++) {
    for (int i = 0; i < 6; i++) x[i] = s[i] + (stage ? at[stage] * k[stage - 1][i] : 0);
    memcpy(k[stage], x + 3, 3 * sizeof(double));
    fall(x, k[stage] + 3);
  }
  for (int i = 0; i < 6; i++) s[i] += (k[0][i] + 2 * k[1][i] + 2 * k[2][i] + k[3][i]) / 6;
  fall(s, s + 6);
  const double down = 6371000 + down_m;
  if (s[0] * s[0] + s[1] * s[1] + s[2] * s[2] < down * down) object_make(coast, s);
}

static void sensor_place(struct coast *coast, uint32_t index) {
  static const double radars[COAST_RADARS][2] = {{52, 8}, {44, 12}, {56, 18}, {40, 26}, {48, 30}, {58, 32}, {53, 42}, {45, 45}, {38, 38}};
  static const double eyes[COAST_EYES] = {-20, 25, 70};
  struct sensor *sensor = &coast->sensors[index];
  const struct coast_options *o = &coast->options;
  sensor->eye = index >= COAST_RADARS;
  sensor->revisit_s = o->radar_revisit_s * (sensor->eye ? 4 : 1);
  sensor->begin_s = -sensor->revisit_s; /* its first scan is made up when it has ended one */
  sensor->slot = COAST_SLOTS;
  double lat = sensor->eye ? 0 : radars[index][0] * degree, lon = (sensor->eye ? eyes[index - COAST_RADARS] : radars[index][1]) * degree;
  wk_ecef_from_geodetic(lat, lon, sensor->eye ? eye_height_m : o->radar_height_m, sensor->position_m);
  wk_enu_rows(lat, lon, sensor->enu);
  bool ground = o->radar_height_m < 100000;
  sensor->range_max_m = ground ? 4e6 : 2 * o->radar_height_m;
  sensor->angle_sigma_rad = sensor->eye ? eye_sigma_rad : 600 / (ground ? 2e6 : 1.1 * o->radar_height_m);
  sensor->azimuth_width_rad = 2 * pi;
  sensor->elevation_rad[0] = (ground ? 2 : -89) * degree;
  sensor->elevation_rad[1] = 88 * degree;
  if (!sensor->eye) return;
  sensor->range_max_m = 1e8;
  sensor->azimuth_from_rad = lon + pi - eye_half_rad;
  sensor->azimuth_width_rad = 2 * eye_half_rad;
  sensor->elevation_rad[0] = -eye_half_rad;
  sensor->elevation_rad[1] = eye_half_rad;
}

/* Range, azimuth, elevation and range rate as the sensor measures them. */
static void look_at(const struct sensor *sensor, const double state[6], double out[4]) {
  double d[3], rate = 0;
  for (int i = 0; i < 3; i++) d[i] = state[i] - sensor->position_m[i];
  out[0] = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
  for (int i = 0; i < 3; i++) rate += d[i] * state[3 + i] / out[0];
  out[3] = rate;
  if (sensor->eye) {
    out[1] = atan2(d[1], d[0]);
    out[2] = asin(d[2] / out[0]);
    return;
  }
  double local[3];
  for (int i = 0; i < 3; i++) local[i] = sensor->enu[3 * i] * d[0] + sensor->enu[3 * i + 1] * d[1] + sensor->enu[3 * i + 2] * d[2];
  out[1] = atan2(local[0], local[1]);
  out[2] = asin(local[2] / out[0]);
}

static bool hidden(const double from_m[3], const double to_m[3]) {
  double d2 = 0, along = 0, from2 = 0;
  for (int i = 0; i < 3; i++) {
    double d = to_m[i] - from_m[i];
    d2 += d * d;
    along -= from_m[i] * d;
    from2 += from_m[i] * from_m[i];
  }
  double t = along / d2;
  return t > 0 && t < 1 && from2 - t * along < 6400000.0 * 6400000.0;
}

static double turned(double angle) {
  angle = fmod(angle, 2 * pi);
  return angle < 0 ? angle + 2 * pi : angle;
}

/* Which part of the scan an object is seen in, by azimuth; below 0: it is not seen. */
static float scan_fraction(const struct coast *coast, const struct sensor *sensor, uint32_t object) {
  double state[6], look[4];
  state_at(coast, object, sensor->begin_s + sensor->revisit_s / 2, state);
  look_at(sensor, state, look);
  if (look[0] > sensor->range_max_m || look[2] < sensor->elevation_rad[0] || look[2] > sensor->elevation_rad[1]) return -1;
  if (hidden(sensor->position_m, state)) return -1;
  double fraction = turned(look[1] - sensor->azimuth_from_rad) / sensor->azimuth_width_rad;
  return fraction < 1 ? (float)fmin(fraction, 0.99999) : -1; /* a float would round what is nearer to 1 up to it */
}

static void scan_begin(struct coast *coast, struct sensor *sensor) {
  sensor->begin_s += sensor->revisit_s;
  sensor->slot = 0;
  double share = coast->options.begin_s > 0 ? fmax(sensor->begin_s, 0) / coast->options.begin_s : 1;
  uint32_t begun = share < 1 ? (uint32_t)(share * coast->options.objects) : coast->options.objects;
  memset(sensor->slot_first, 0, sizeof sensor->slot_first);
  for (uint32_t i = 0; i < begun; i++) {
    coast->fraction[i] = scan_fraction(coast, sensor, i);
    if (coast->fraction[i] >= 0) sensor->slot_first[(uint32_t)(coast->fraction[i] * COAST_SLOTS) + 1]++;
  }
  for (int s = 0; s < COAST_SLOTS; s++) sensor->slot_first[s + 1] += sensor->slot_first[s];
  uint32_t at[COAST_SLOTS];
  memcpy(at, sensor->slot_first, sizeof at);
  for (uint32_t i = 0; i < begun; i++)
    if (coast->fraction[i] >= 0) sensor->objects[at[(uint32_t)(coast->fraction[i] * COAST_SLOTS)]++] = i;
}

static void plot_write(struct coast *coast, const struct sensor *sensor, double time_s, const double exact[4], struct detection *out) {
  *out = (struct detection){.time_ns = COAST_EPOCH_NS + (int64_t)(time_s * 1e9), .sensor = (uint32_t)(sensor - coast->sensors), .kind = sensor->eye ? KIND_LOS : KIND_RADAR};
  out->valid = VALID_AZIMUTH | VALID_ELEVATION;
  out->measure[1] = exact[1] + sensor->angle_sigma_rad * normal(coast);
  out->measure[2] = exact[2] + sensor->angle_sigma_rad * normal(coast);
  if (sensor->eye) return;
  out->valid |= VALID_RANGE | VALID_RANGE_RATE;
  out->measure[0] = exact[0] + range_sigma_m * normal(coast);
  out->measure[3] = exact[3] + rate_sigma_mps * normal(coast);
}

/* Anywhere in what the sensor covers within the slot. */
static void false_write(struct coast *coast, const struct sensor *sensor, double time_s, struct detection *out) {
  double u = (sensor->slot + prng_uniform(&coast->prng)) / COAST_SLOTS, exact[4];
  double width = sensor->elevation_rad[1] - sensor->elevation_rad[0];
  exact[0] = 100000 + prng_uniform(&coast->prng) * (sensor->range_max_m - 100000);
  exact[1] = sensor->azimuth_from_rad + u * sensor->azimuth_width_rad;
  if (exact[1] > pi) exact[1] -= 2 * pi;
  exact[2] = sensor->elevation_rad[0] + prng_uniform(&coast->prng) * width;
  exact[3] = 8000 * (2 * prng_uniform(&coast->prng) - 1);
  plot_write(coast, sensor, time_s, exact, out);
}

static int by_time(const void *a, const void *b) {
  const struct detection *x = a, *y = b;
  return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

void coast_next(struct coast *coast, struct coast_slot *slot) {
  struct sensor *sensor = coast->sensors;
  double slot_s = INFINITY;
  for (int s = 0; s < COAST_SENSORS; s++) {
    struct sensor *one = &coast->sensors[s];
    double begin_s = one->begin_s + one->revisit_s * one->slot / COAST_SLOTS;
    if (begin_s < slot_s) sensor = one, slot_s = begin_s;
  }
  for (; (double)coast->second + 1 <= slot_s; coast->second++)
    for (uint32_t i = 0; i < coast->options.objects; i++) second_pass(coast, coast->states[i]);
  if (sensor->slot == COAST_SLOTS) scan_begin(coast, sensor);
  double width_s = sensor->revisit_s / COAST_SLOTS, detects = sensor->eye ? eye_detects : radar_detects;
  uint32_t count = 0, first = sensor->slot_first[sensor->slot], last = sensor->slot_first[sensor->slot + 1];
  for (uint32_t i = first; i < last && count < SLOT_PLOTS_MAX; i++) {
    if (prng_uniform(&coast->prng) >= detects) continue;
    double state[6], exact[4], time_s = slot_s + width_s * prng_uniform(&coast->prng);
    state_at(coast, sensor->objects[i], time_s, state);
    look_at(sensor, state, exact);
    plot_write(coast, sensor, time_s, exact, &coast->plots[count++]);
  }
  uint64_t false_ones = prng_poisson(&coast->prng, count * coast->options.false_share / (1 - coast->options.false_share));
  for (uint64_t i = 0; i < false_ones && count < SLOT_PLOTS_MAX; i++)
    false_write(coast, sensor, slot_s + width_s * prng_uniform(&coast->prng), &coast->plots[count++]);
  qsort(coast->plots, count, sizeof *coast->plots, by_time);
  sensor->slot++;
  coast->newest_s = slot_s + width_s;
  *slot = (struct coast_slot){.sensor = (uint32_t)(sensor - coast->sensors), .count = count, .end_s = coast->newest_s, .plots = coast->plots};
}

/* What a sensor sees of all objects at the epoch, for the site's clutter. */
static double seen_count(const struct coast *coast, const struct sensor *sensor) {
  struct sensor probe = *sensor;
  uint32_t step = coast->options.objects / 2000 + 1, seen = 0;
  probe.begin_s = 0;
  for (uint32_t i = 0; i < coast->options.objects; i += step) seen += scan_fraction(coast, &probe, i) >= 0;
  return (double)seen * step;
}

struct coast *coast_open(const struct coast_options *options) {
  struct coast *coast = calloc(1, sizeof *coast);
  if (!coast) return NULL;
  coast->options = *options;
  coast->prng = prng_seed(options->seed, 1);
  coast->states = calloc(options->objects, sizeof *coast->states);
  coast->fraction = calloc(options->objects, sizeof *coast->fraction);
  coast->plots = calloc(SLOT_PLOTS_MAX, sizeof *coast->plots);
  bool complete = coast->states && coast->fraction && coast->plots;
  for (int i = 0; i < NORMALS; i++) coast->normals[i] = prng_normal(&coast->prng);
  for (uint32_t i = 0; i < options->objects && complete; i++) object_make(coast, coast->states[i]);
  for (uint32_t s = 0; s < COAST_SENSORS; s++) {
    struct sensor *sensor = &coast->sensors[s];
    sensor_place(coast, s);
    sensor->objects = calloc(options->objects, sizeof *sensor->objects);
    complete = complete && sensor->objects;
    if (complete)
      sensor->clutter_per_scan = seen_count(coast, sensor) * options->false_share / (1 - options->false_share) * (sensor->eye ? eye_detects : radar_detects);
    sensor->begin_s -= sensor->revisit_s * 0.618 * s - floor(sensor->revisit_s * 0.618 * s / sensor->revisit_s) * sensor->revisit_s;
  }
  if (complete) return coast;
  coast_close(coast);
  return NULL;
}

uint32_t coast_sensor_id(uint32_t sensor) {
  return 101 + sensor;
}

void coast_site_write(const struct coast *coast, FILE *out) {
  fprintf(out, "centre: A1\ntime: recorded\nlisten: {detections: \"127.0.0.1:0\", tracks: \"127.0.0.1:0\", metrics: \"127.0.0.1:0\"}\nsensors:\n");
  for (uint32_t s = 0; s < COAST_SENSORS; s++) {
    const struct sensor *sensor = &coast->sensors[s];
    double lat_rad, lon_rad, height_m, from_deg = turned(sensor->azimuth_from_rad) / degree;
    wk_geodetic_from_ecef(sensor->position_m, &lat_rad, &lon_rad, &height_m);
    fprintf(out, "  - id: %u\n    nation: %c\n    kind: %s\n", coast_sensor_id(s), 'A' + (char)(s % 3), sensor->eye ? "los\n    frame: ecef" : "radar");
    fprintf(out, "    position: {lat_deg: %.6f, lon_deg: %.6f, height_m: %.1f}\n    revisit_s: %g\n", lat_rad / degree, lon_rad / degree, height_m, sensor->revisit_s);
    fprintf(out, "    sigma: {%sazimuth_rad: %g, elevation_rad: %g%s}\n", sensor->eye ? "" : "range_m: 20, ", sensor->angle_sigma_rad, sensor->angle_sigma_rad,
            sensor->eye ? "" : ", range_rate_mps: 2");
    fprintf(out, "    detection_probability: %g\n    clutter_per_scan: %.3f\n", sensor->eye ? eye_detects : radar_detects, fmin(sensor->clutter_per_scan, 1e6));
    fprintf(out, "    coverage: {range_m: [%g, %g], azimuth_deg: [%.4f, %.4f], elevation_deg: [%.1f, %.1f]}\n", sensor->eye ? 0 : 1e5, sensor->range_max_m,
            sensor->eye ? from_deg : 0, sensor->eye ? fmod(from_deg + sensor->azimuth_width_rad / degree, 360) : 360, sensor->elevation_rad[0] / degree,
            sensor->elevation_rad[1] / degree);
  }
}

bool coast_state(const struct coast *coast, uint32_t object, int64_t time_ns, double state[6]) {
  double time_s = (double)(time_ns - COAST_EPOCH_NS) * 1e-9;
  state_at(coast, object, time_s, state);
  return time_s >= coast->options.begin_s * object / coast->options.objects;
}

void coast_close(struct coast *coast) {
  if (!coast) return;
  for (int s = 0; s < COAST_SENSORS; s++) free(coast->sensors[s].objects);
  free(coast->states);
  free(coast->fraction);
  free(coast->plots);
  free(coast);
}

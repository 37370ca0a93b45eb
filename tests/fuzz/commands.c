/* The engine's command stream: bytes become frames of detections, sensor states and lines of another centre
 * such as admission lets through, and empty ones, stepped one after the other by the tracker and the warning.
 * A detection is of one of a few objects that fly, so that tracks come about from few bytes, or has any
 * values at all. The books add up, every line can be written, and a state that was saved and loaded in
 * between is the same. */
// length: 64
#include <stdio.h>
#include <stdlib.h>

#include "engine/domain/overload.h"
#include "engine/emit/track_line.h"
#include "engine/ingest/config.h"
#include "engine/ingest/frame_builder.h"
#include "engine/ingest/wire.h"
#include "engine/track/tracker.h"
#include "engine/warn/warn.h"
#include "tests/fuzz/fuzz_image.h"
#include "tests/fuzz/fuzz_input.h"

enum { TRACKS_MAX = 64, FOREIGN_MAX = 16, DETECTIONS_MAX = 64, FRAMES_MAX = 16, SENSORS = 5, OBJECTS = 8 };
enum { WORLDS = 3, ARENA_SLACK = 1 << 20, REPORTS = 2 * (TRACKS_MAX + FOREIGN_MAX + FRAME_FOREIGN_MAX) };
#define BEGIN_NS (INT64_C(1700000000) * 1000000000)

static const char sensors_text[] =
    "sensors:\n"
    "  - {id: 1, kind: radar, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {range_m: 30, "
    "azimuth_rad: 0.001, elevation_rad: 0.001, range_rate_mps: 5}}\n"
    "  - {id: 2, kind: radar2d, position: {lat_deg: 1, lon_deg: 0, height_m: 0}, sigma: {range_m: 60, "
    "azimuth_rad: 0.001, height_m: 40}, resolution: {range_m: 100, azimuth_rad: 0.01}}\n"
    "  - {id: 3, kind: los, frame: ecef, position: {lat_deg: 0, lon_deg: 20, height_m: 35786000}, sigma: "
    "{azimuth_rad: 2e-05, elevation_rad: 2e-05}}\n"
    "  - {id: 4, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {x_m: 100}}\n"
    "  - {id: 5, kind: los, frame: ecef, position: {lat_deg: 0, lon_deg: -20, height_m: 35786000}, sigma: "
    "{azimuth_rad: 2e-05, elevation_rad: 2e-05}}\n";
static const char areas_text[] =
    "{\"type\":\"Feature\",\"properties\":{\"name\":\"a\"},\"geometry\":{\"type\":\"Polygon\","
    "\"coordinates\":[[[0,-5],[20,-5],[20,5],[0,5],[0,-5]]]}}";

/* A site and its engine as it was after opening: either association, and one that hears another centre. */
struct world {
  struct site site;
  struct fuzz_image image;
  struct tracker *tracker;
  struct warn *warn;
  uint32_t foreign_max;
};
static struct world worlds[WORLDS];
static struct regions areas;
static struct arena frames;
static struct frame_builder builder;
static struct frame frame;
static struct ledger ledger;
static struct track_report reports[REPORTS];
static uint8_t *state; /* room for that of any world */
static size_t state_room;
static const struct foreign_names names = {1, 1, {"B2"}, {"B"}};

static void world_open(struct world *w, const char *association, uint32_t foreign_max) {
  char text[2048];
  int size = snprintf(text, sizeof text, "association: %s\n%s", association, sensors_text);
  struct tracker_options options = {
      .tracks_max = TRACKS_MAX, .detections_max = DETECTIONS_MAX, .foreign_max = foreign_max};
  struct warn_options warn = {
      .tracks_max = TRACKS_MAX + foreign_max, .parallel = parallel_inline(), .regions = &areas};
  weft_assert(site_parse(text, (size_t)size, "fuzz", &w->site, NULL) == 0);
  fuzz_image_open(&w->image, tracker_arena_size(&w->site, &options) + warn_arena_size(&warn) + ARENA_SLACK);
  w->site.region_names = (const char(*)[SITE_NAME_MAX])areas.name;
  w->tracker = tracker_open(&w->image.arena, &w->site, &options);
  w->warn = warn_open(&w->image.arena, &warn);
  w->foreign_max = foreign_max;
  weft_assert(w->tracker && w->warn);
  fuzz_image_keep(&w->image);
  if (w->image.arena.used + ARENA_SLACK > state_room) state_room = w->image.arena.used + ARENA_SLACK;
}

static void once(void) {
  if (frames.base) return;
  weft_assert(regions_parse(&areas, areas_text, strlen(areas_text), "fuzz", NULL) == 0);
  world_open(&worlds[0], "soft", 0);
  world_open(&worlds[1], "nearest", 0);
  world_open(&worlds[2], "soft", FOREIGN_MAX);
  state = malloc(state_room);
  weft_assert(state &&
              arena_open(&frames, frame_bytes(DETECTIONS_MAX) + frame_builder_bytes(DETECTIONS_MAX)) == 0);
  weft_assert(frame_open(&frame, &frames, DETECTIONS_MAX) == 0 &&
              frame_builder_open(&builder, &frames, DETECTIONS_MAX) == 0);
}

/* As if the server had been started anew between two frames: an engine just opened takes the state over. */
static void state_pass(struct world *w) {
  struct image save = image_save(state, state_room), hash[2] = {image_hash(), image_hash()};
  tracker_image(w->tracker, &hash[0]);
  warn_image(w->warn, tracker_slots(w->tracker), &hash[0]);
  tracker_image(w->tracker, &save);
  warn_image(w->warn, tracker_slots(w->tracker), &save);
  fuzz_image_restore(&w->image);
  struct image load = image_load(state, save.at);
  tracker_image(w->tracker, &load);
  warn_image(w->warn, tracker_slots(w->tracker), &load);
  weft_assert(image_complete(&load));
  tracker_image(w->tracker, &hash[1]);
  warn_image(w->warn, tracker_slots(w->tracker), &hash[1]);
  weft_assert(hash[0].hash == hash[1].hash);
}

/* Where an object is: missiles that rise and fall, aircraft side by side, one in orbit, one that stands. */
static void object_at(uint32_t object, double t_s, double p[3]) {
  static const double start[OBJECTS][6] = {
      {6.40e6, 1e5, 5e4, 1500, 900, 100},    {6.48e6, 2e5, 5e4, 1200, -900, 0},
      {6.44e6, -1e5, -4e4, -800, 2500, 300}, {6.388e6, 6e4, 3e4, 0, 220, 30},
      {6.388e6, 6e4, 3.1e4, 0, 220, 30},     {6.388e6, 7e4, 2e4, 0, -220, 60},
      {6.878e6, -5e5, 0, 0, 7600, 0},        {6.379e6, 2e4, 1e4, 0, 0, 0}};
  const double *s = start[object], fall = object < 3 || object == 6 ? 4.5 : 0;
  for (int i = 0; i < 3; i++) p[i] = s[i] + s[3 + i] * t_s;
  p[0] -= fall * t_s * t_s;
}

/* What the sensor would measure of a place. */
static void place_measure(const struct sensor *sensor, const double p[3], double measure[4]) {
  double d[3], local[3];
  for (int i = 0; i < 3; i++) d[i] = p[i] - sensor->position_m[i];
  for (int i = 0; i < 3; i++)
    local[i] = sensor->enu[3 * i] * d[0] + sensor->enu[3 * i + 1] * d[1] + sensor->enu[3 * i + 2] * d[2];
  double range = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
  if (sensor->kind == KIND_POSITION) {
    memcpy(measure, p, 3 * sizeof *p);
    return;
  }
  measure[MEASURE_RANGE] = sensor->kind == KIND_LOS ? 0 : range;
  measure[MEASURE_AZIMUTH] = atan2(local[0], local[1]);
  measure[MEASURE_ELEVATION] = sensor->kind == KIND_RADAR2D
                                   ? sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) - 6378137
                                   : asin(fmax(-1, fmin(1, local[2] / range)));
}

/* Two ways to a value: a place among the likely ones, or any bits at all. */
static double value_take(struct input *in, double low, double high) {
  if (input_u8(in) & 1) return input_double(in);
  return low + (high - low) * input_u16(in) / 65535;
}

static void any_measure(struct input *in, uint32_t sensor, double measure[4]) {
  static const double low[SENSORS][4] = {
      {1e3, -3, -1, -3e3}, {1e3, -3, 0, 0}, {0, -3, -1.5, 0}, {6.3e6, -1e5, -1e5, 0}, {0, -3, -1.5, 0}};
  static const double high[SENSORS][4] = {
      {2e6, 3, 1.5, 3e3}, {4e5, 3, 2e4, 0}, {0, 3, 1.5, 0}, {6.9e6, 1e5, 1e5, 0}, {0, 3, 1.5, 0}};
  for (int i = 0; i < 4; i++) measure[i] = value_take(in, low[sensor][i], high[sensor][i]);
}

/* From the least to the largest that admission lets through, by decades. */
static float any_sigma(struct input *in, uint8_t kind, int slot) {
  bool angle = kind != KIND_POSITION && (slot == MEASURE_AZIMUTH || (slot == MEASURE_ELEVATION && kind != KIND_RADAR2D));
  bool speed = kind != KIND_POSITION && slot == MEASURE_RANGE_RATE;
  double part = input_u8(in) / 255.0;
  return (float)(angle ? pow(10, 7.99 * part - 7.99) : speed ? pow(10, 8.99 * part - 3.99) : pow(10, 8.99 * part - 2.99));
}

static void detection_take(struct input *in, const struct site *site, int64_t now_ns) {
  uint8_t what = input_u8(in), back = input_u8(in);
  uint32_t sensor = (uint32_t)(what & 7) % SENSORS;
  const struct sensor *of = &site->sensors[sensor];
  struct detection d = {
      .sensor = sensor, .kind = of->kind, .sequence = builder.number, .index = (uint16_t)builder.open.count};
  d.time_ns = now_ns - (int64_t)(back & 0x7f) * (back & 0x40 ? 100000000 : 1000000);
  d.valid = VALID_RANGE | VALID_AZIMUTH | VALID_ELEVATION | VALID_HEIGHT | VALID_XYZ;
  if (what & 0x80) {
    d.valid = (uint16_t)(input_u8(in) | 0x27);
    any_measure(in, sensor, d.measure);
    if (d.valid & VALID_SIGMAS)
      d.sigma[back & 3] = what & 0x40 ? any_sigma(in, d.kind, back & 3) : (float)of->sigma[back & 3] * (float)(1 + (back >> 4));
  } else {
    double p[3];
    object_at(what >> 3 & 7, (double)(d.time_ns - BEGIN_NS) * 1e-9, p);
    place_measure(of, p, d.measure);
    for (int i = 0; i < 3; i++) d.measure[i] += of->sigma[i] * ((back >> 7) * (what >> 5 & 2) - 1.0);
  }
  if (detection_check(&d) != WIRE_OK) return;
  double centre2 = d.measure[0] * d.measure[0] + d.measure[1] * d.measure[1] + d.measure[2] * d.measure[2];
  if (d.kind == KIND_POSITION && centre2 < 6e6 * 6e6) return; /* as admission refuses */
  frame_builder_add(&builder, &d, 0);
}

static void state_take(struct input *in, int64_t now_ns) {
  uint8_t what = input_u8(in);
  struct sensor_state s = {.time_ns = now_ns - (int64_t)input_u8(in) * 10000000,
                           .sequence = builder.number,
                           .sensor = what % SENSORS};
  s.status = (what >> 2) % 3;
  for (int i = 0; i < 3; i++) s.position_m[i] = (i == 0 ? 6.378137e6 : 0) + input_u8(in) * 1e3;
  for (int i = 0; i < 3 && what & 0x10; i++) s.velocity_mps[i] = (input_u8(in) - 128) * 10;
  frame_builder_add_state(&builder, &s, 0, 0);
}

/* What another centre says of one of the objects. */
static void foreign_take(struct input *in, int64_t now_ns) {
  uint8_t what = input_u8(in), off = input_u8(in);
  struct foreign_track t = {
      .time_ns = now_ns - (int64_t)(off & 15) * 100000000, .track = 1 + what % 8, .detections = off};
  double later[3];
  t.first_time_ns = BEGIN_NS;
  t.status = what >> 6 == 3 ? STATUS_LOST : what >> 6 ? STATUS_CONFIRMED : STATUS_TENTATIVE;
  t.class_ = off >> 6;
  t.has_phase = t.class_ != CLASS_UNKNOWN;
  t.phase = t.class_ == CLASS_AIRCRAFT ? PHASE_CRUISE : PHASE_COAST;
  t.phase_probability[1] = t.class_ != CLASS_AIRCRAFT;
  t.existence = 0.9;
  t.nations = 1;
  object_at(what >> 3 & 7, (double)(t.time_ns - BEGIN_NS) * 1e-9, t.position_m);
  object_at(what >> 3 & 7, (double)(t.time_ns - BEGIN_NS) * 1e-9 + 1, later);
  for (int i = 0; i < 3; i++) t.velocity_mps[i] = later[i] - t.position_m[i];
  t.position_m[1] += (off >> 4 & 3) * 150.0;
  static const int diagonal[] = {0, 6, 11, 15, 18, 20};
  for (int i = 0; i < 6; i++) t.covariance[diagonal[i]] = i < 3 ? 1e4 : 25;
  frame_builder_add_foreign(&builder, &t, &names);
}

static void ground_check(const struct ground_estimate *g) {
  weft_assert(fabs(g->lat_deg) <= 90 && fabs(g->lon_deg) <= 180 && g->time_sigma_s >= 0 &&
              isfinite(g->time_sigma_s));
  weft_assert(g->semi_minor_m >= 0 && g->semi_major_m >= g->semi_minor_m && isfinite(g->semi_major_m));
}

static void output_check(const struct step_output *output) {
  for (uint32_t i = 0; i < output->count; i++) {
    const struct track_report *report = &output->reports[i];
    weft_assert(i == 0 || output->reports[i - 1].track <= report->track);
    for (int k = 0; k < 3; k++)
      weft_assert(isfinite(report->position_m[k]) && isfinite(report->velocity_mps[k]));
    for (int k = 0; k < 21; k++) weft_assert(isfinite(report->covariance[k]));
    static const int diagonal[] = {0, 6, 11, 15, 18, 20};
    for (int k = 0; k < 6; k++) weft_assert(report->covariance[diagonal[k]] > 0);
    weft_assert(report->existence >= 0 && report->existence <= 1 && report->track > 0);
    for (int k = 0; k < 3; k++)
      weft_assert(report->phase_probability[k] >= 0 && report->phase_probability[k] <= 1 + 1e-9);
    if (report->has_launch) ground_check(&report->launch);
    if (report->has_impact) ground_check(&report->impact.ground);
    if (report->has_impact)
      weft_assert(report->impact.probability >= 0 && report->impact.probability <= 1 + 1e-9);
  }
}

/* Of the last frame alone: writing takes long. */
static void lines_check(const struct step_output *output, const struct site *site) {
  static char line[TRACK_LINE_MAX];
  for (uint32_t i = 0; i < output->count; i++)
    weft_assert(track_line_write(line, sizeof line, &output->reports[i], site, TRACK_LINE_LATENCY_NONE) > 0);
}

static void books_check(const uint64_t *given, bool ended) {
  for (uint32_t s = 0; s < SENSORS; s++) {
    uint64_t known = 0;
    for (int f = 0; f < FATES; f++) known += f == FATE_IN_FLIGHT ? 0 : ledger.sensors[s].fates[f];
    weft_assert(ended ? known == given[s] : known <= given[s]);
  }
}

static void frame_make(struct input *in, const struct world *w, int64_t time_ns, uint32_t overload_step, uint8_t what) {
  for (uint32_t i = 0; i < (what & 7u); i++) detection_take(in, &w->site, time_ns);
  for (uint32_t i = 0; i < (what >> 3 & 3u); i++) {
    if (w->foreign_max > 0)
      foreign_take(in, time_ns);
    else
      state_take(in, time_ns);
  }
  frame_builder_close(&builder, time_ns, overload_step, &frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  once();
  if (size == 0) return 0;
  struct input in = {data, size};
  uint8_t first = input_u8(&in);
  struct world *w = &worlds[first % WORLDS];
  bool warned = first / WORLDS % 4 == 0; /* launches and impacts take longer than all the rest */
  struct step_output output = {.capacity = REPORTS, .reports = reports};
  uint64_t given[SENSORS] = {0};
  int64_t time_ns = BEGIN_NS;
  bool passed = false;
  frame_builder_resume(&builder, 0, time_ns);
  memset(ledger.sensors, 0, (SENSORS + 1) * sizeof *ledger.sensors);
  ledger.sensor_count = SENSORS;
  for (uint32_t number = 1; number <= FRAMES_MAX && in.left > 0; number++) {
    uint8_t later = input_u8(&in), what = input_u8(&in);
    time_ns += (int64_t)later * (later > 250 ? 10000000000 : 10000000);
    frame_make(&in, w, time_ns, what >> 5 == 6 ? later : OVERLOAD_NONE, what);
    for (uint32_t i = 0; i < frame.count; i++) given[frame.sensor[i]]++;
    tracker_step(w->tracker, &frame, &output, &ledger);
    if (warned) warn_step(w->warn, &output);
    output_check(&output);
    books_check(given, false);
    if (!passed && what >> 5 == 7 && later % 8 == 3 && w->foreign_max == 0) { /* takes as long as many steps */
      state_pass(w);
      passed = true;
    }
  }
  lines_check(&output, &w->site);
  tracker_drain(w->tracker, &ledger);
  books_check(given, true);
  fuzz_image_restore(&w->image);
  return 0;
}

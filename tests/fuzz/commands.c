/* The engine's command stream: bytes become frames of detections and sensor states that admission would let
 * through, and empty ones, stepped one after the other. The books add up, every line is finite. Nothing else
 * may reach a step. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/ingest/config.h"
#include "engine/ingest/frame_builder.h"
#include "engine/ingest/wire.h"
#include "engine/track/tracker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TRACKS_MAX = 64, DETECTIONS_MAX = 64, FRAMES_MAX = 64, SENSORS = 4, ARENA_SLACK = 1 << 20 };

static const char site_text[] =
    "sensors:\n"
    "  - {id: 1, kind: radar, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {range_m: 30, "
    "azimuth_rad: 0.001, elevation_rad: 0.001, range_rate_mps: 5}}\n"
    "  - {id: 2, kind: radar2d, position: {lat_deg: 1, lon_deg: 0, height_m: 0}, sigma: {range_m: 60, "
    "azimuth_rad: 0.001, height_m: 40}}\n"
    "  - {id: 3, kind: los, frame: ecef, position: {lat_deg: 0, lon_deg: 20, height_m: 35786000}, sigma: "
    "{azimuth_rad: 2e-05, elevation_rad: 2e-05}}\n"
    "  - {id: 4, kind: position, position: {lat_deg: 0, lon_deg: 0, height_m: 0}, sigma: {x_m: 100}}\n";

/* The bytes, taken from the front; zeros behind their end. */
struct bytes {
  const uint8_t *at;
  size_t left;
};

static void take(struct bytes *from, void *out, size_t size) {
  size_t given = size < from->left ? size : from->left;
  memset(out, 0, size);
  memcpy(out, from->at, given);
  from->at += given;
  from->left -= given;
}

/* Two ways to a value: a place among the likely ones, so that tracks come about, or any bits at all. */
static double value_take(struct bytes *from, double low, double high) {
  uint8_t how;
  take(from, &how, 1);
  if (how & 1) {
    double any;
    take(from, &any, sizeof any);
    return any;
  }
  uint16_t step;
  take(from, &step, sizeof step);
  return low + (high - low) * step / 65535;
}

static void detection_take(struct bytes *from, const struct site *site, struct frame_builder *builder,
                           int64_t now_ns) {
  uint8_t head[4];
  take(from, head, sizeof head);
  uint32_t sensor = head[0] % SENSORS;
  struct detection d = {.sensor = sensor,
                        .kind = site->sensors[sensor].kind,
                        .sequence = builder->number,
                        .index = (uint16_t)builder->open.count};
  d.time_ns = now_ns - (int64_t)head[1] * 10000000;
  d.valid = (uint16_t)(0xff & ~(VALID_SNR | VALID_SIGMAS));
  if (head[2] & 1) d.valid &= (uint16_t)(head[3] | 0x27);
  static const double low[4][4] = {
      {1e3, -3, -1, -3e3}, {1e3, -3, 0, 0}, {0, -3, -1.5, 0}, {6.3e6, -1e5, -1e5, 0}};
  static const double high[4][4] = {
      {2e6, 3, 1.5, 3e3}, {4e5, 3, 2e4, 0}, {0, 3, 1.5, 0}, {6.9e6, 1e5, 1e5, 0}};
  for (int i = 0; i < 4; i++) d.measure[i] = value_take(from, low[sensor][i], high[sensor][i]);
  if (detection_check(&d) != WIRE_OK) return;
  double centre2 = d.measure[0] * d.measure[0] + d.measure[1] * d.measure[1] + d.measure[2] * d.measure[2];
  if (d.kind == KIND_POSITION && centre2 < 6e6 * 6e6) return; /* as admission refuses */
  frame_builder_add(builder, &d, 0);
}

static void output_check(const struct step_output *output) {
  for (uint32_t i = 0; i < output->count; i++) {
    const struct track_report *report = &output->reports[i];
    for (int k = 0; k < 3; k++)
      weft_assert(isfinite(report->position_m[k]) && isfinite(report->velocity_mps[k]));
    for (int k = 0; k < 21; k++) weft_assert(isfinite(report->covariance[k]));
    weft_assert(report->covariance[0] >= 0 && report->existence >= 0 && report->existence <= 1);
  }
}

static void books_check(const struct ledger *ledger, const uint64_t *given, bool ended) {
  for (uint32_t s = 0; s < SENSORS; s++) {
    uint64_t known = 0;
    for (int f = 0; f < FATES; f++) known += f == FATE_IN_FLIGHT ? 0 : ledger->sensors[s].fates[f];
    weft_assert(ended ? known == given[s] : known <= given[s]);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct site site;
  static struct arena frames;
  static struct frame_builder builder;
  static struct frame frame;
  static struct ledger ledger;
  static struct track_report reports[4 * TRACKS_MAX];
  struct weft_error err;
  if (!frames.base &&
      (site_parse(site_text, strlen(site_text), "fuzz", &site, &err) < 0 ||
       arena_open(&frames, frame_bytes(DETECTIONS_MAX) + frame_builder_bytes(DETECTIONS_MAX)) < 0 ||
       frame_open(&frame, &frames, DETECTIONS_MAX) < 0 ||
       frame_builder_open(&builder, &frames, DETECTIONS_MAX) < 0))
    abort();
  struct tracker_options options = {.tracks_max = TRACKS_MAX, .detections_max = DETECTIONS_MAX};
  struct arena arena;
  if (arena_open(&arena, tracker_arena_size(&site, &options) + ARENA_SLACK) < 0) abort();
  struct tracker *tracker = tracker_open(&arena, &site, &options);
  weft_assert(tracker);
  struct step_output output = {.capacity = 4 * TRACKS_MAX, .reports = reports};
  struct bytes from = {data, size};
  uint64_t given[SENSORS] = {0};
  int64_t time_ns = INT64_C(1700000000) * 1000000000;
  frame_builder_resume(&builder, 0, time_ns);
  memset(&ledger, 0, sizeof ledger);
  ledger.sensor_count = SENSORS;
  for (uint64_t number = 1; number <= FRAMES_MAX && from.left > 0; number++) {
    uint8_t head[2];
    take(&from, head, sizeof head);
    time_ns += (int64_t)head[0] * (head[0] > 250 ? 10000000000 : 10000000);
    for (int i = 0; i < head[1] % 16; i++) detection_take(&from, &site, &builder, time_ns);
    frame_builder_close(&builder, time_ns, 0, &frame);
    for (uint32_t i = 0; i < frame.count; i++) given[frame.sensor[i]]++;
    tracker_step(tracker, &frame, &output, &ledger);
    output_check(&output);
    books_check(&ledger, given, false);
  }
  tracker_drain(tracker, &ledger);
  books_check(&ledger, given, true);
  arena_close(&arena);
  return 0;
}

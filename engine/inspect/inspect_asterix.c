/* weft inspect on ASTERIX: every record that was decoded, with what weft would use it for. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ingest/capture.h"
#include "engine/ingest/clock_day.h"
#include "engine/inspect/inspect.h"
#include "engine/track/plot.h"

enum { RADARS_MAX = SITE_SENSORS_MAX, CATEGORIES = 256 };

/* The radars by order of appearance, as many as have clocks of their own; the last row: without a source, or
 * beyond. */
struct asterix_view {
  struct inspect *inspect;
  struct capture capture;
  struct clock_day plot_clock,
      service_clock; /* apart: services do not move the days of plots in `weft fuse` either */
  uint32_t radar_count;
  uint16_t codes[RADARS_MAX];
  struct asterix_window windows[RADARS_MAX + 1];
  uint64_t records[CATEGORIES], skipped[CATEGORIES]; /* records decoded, blocks of other categories */
  uint64_t uses[ASTERIX_USE_OUT_OF_RANGE + 1];
  uint64_t datagrams; /* of weft's own wire format */
  uint64_t duplicates, malformed, with_height_3d, with_height, with_address, with_track, cut;
  struct arena arena;           /* with a site: */
  struct frame frame;           /* one row, */
  struct sensor_motion *motion; /* no states, */
  struct plot plot;             /* what the tracker would make of the plot */
};

static const char *const use_names[] = {[ASTERIX_USE_PLOT] = "plot",
                                        [ASTERIX_USE_SIMULATED] = "simulated",
                                        [ASTERIX_USE_TEST] = "test",
                                        [ASTERIX_USE_FIELD_MONITOR] = "field_monitor",
                                        [ASTERIX_USE_NO_DETECTION] = "no_detection",
                                        [ASTERIX_USE_NO_POSITION] = "no_position",
                                        [ASTERIX_USE_NO_TIME] = "no_time",
                                        [ASTERIX_USE_OUT_OF_RANGE] = "out_of_range"};

static uint32_t radar_row(struct asterix_view *view, bool has_source, uint8_t sac, uint8_t sic) {
  uint16_t code = (uint16_t)(sac << 8 | sic);
  if (!has_source) return RADARS_MAX;
  for (uint32_t r = 0; r < view->radar_count; r++) {
    if (view->codes[r] == code) return r;
  }
  if (view->radar_count == RADARS_MAX) return RADARS_MAX;
  view->codes[view->radar_count] = code;
  return view->radar_count++;
}

/* Time, source and whether it is a repeat: what both categories have. */
static void head_put(struct asterix_view *view, const struct asterix_record *record, uint32_t time_of_day,
                     int64_t time_ns, bool has_source, uint8_t sac, uint8_t sic) {
  struct inspect *inspect = view->inspect;
  if (time_of_day < ASTERIX_DAY) inspect_i64(inspect, "time_ns", time_ns);
  if (time_of_day != ASTERIX_TIME_NONE) inspect_number(inspect, "time_of_day_s", time_of_day / 128.0);
  if (has_source) {
    inspect_u64(inspect, "sac", sac);
    inspect_u64(inspect, "sic", sic);
  }
  bool duplicate = asterix_window_repeat(&view->windows[radar_row(view, has_source, sac, sic)], record->data,
                                         record->size);
  view->duplicates += duplicate;
  inspect_bool(inspect, "duplicate", duplicate);
}

/* Where the tracker would see the plot: registration subtracted, height as given or assumed. */
static void place_put(struct asterix_view *view, const struct asterix_plot *plot, uint32_t sensor,
                      int64_t time_ns) {
  struct detection detection;
  enum asterix_use use = asterix_plot_detection(plot, sensor, time_ns, &detection);
  if (use != ASTERIX_USE_PLOT && use != ASTERIX_USE_SIMULATED) return;
  const struct sensor *radar = &view->inspect->site->sensors[sensor];
  if (radar->kind != KIND_RADAR2D) return;
  detection.sensor = sensor;
  detection.measure[MEASURE_RANGE] -= radar->registration[MEASURE_RANGE];
  detection.measure[MEASURE_AZIMUTH] -= radar->registration[MEASURE_AZIMUTH];
  if (!(detection.measure[MEASURE_RANGE] > 0)) return;
  frame_reset(&view->frame);
  frame_append(&view->frame, &detection);
  plot_align(&view->plot, view->inspect->site, view->motion, &view->frame, 0);
  if (!view->plot.has_point) return;
  static const char *const names[3] = {"x_m", "y_m", "z_m"};
  for (int i = 0; i < 3; i++) inspect_number(view->inspect, names[i], view->plot.point_m[i]);
  if (view->plot.height_assumed) inspect_bool(view->inspect, "height_assumed", true);
}

static void items_put(struct asterix_view *view, const struct asterix_plot *plot) {
  struct inspect *inspect = view->inspect;
  char text[8];
  if (plot->has_position) {
    inspect_number(inspect, "range_m", plot->range_m);
    inspect_number(inspect, "azimuth_rad", plot->azimuth_rad);
    if (plot->range_saturated) inspect_bool(inspect, "range_saturated", true);
  }
  bool level = plot->has_level && plot->level_valid;
  if (level || plot->has_height_3d)
    inspect_number(inspect, "height_m", level ? plot->level_m : plot->height_3d_m);
  view->with_height += level || plot->has_height_3d;
  if (plot->has_level && !level) inspect_bool(inspect, "level_valid", false);
  if (plot->has_height_3d) inspect_number(inspect, "height_3d_m", plot->height_3d_m);
  view->with_height_3d += plot->has_height_3d;
  if (plot->has_doppler) inspect_number(inspect, "doppler_mps", plot->doppler_mps);
  if (plot->has_address) {
    snprintf(text, sizeof text, "%06X", plot->address & 0xffffffu);
    inspect_string(inspect, "address", text);
  }
  view->with_address += plot->has_address;
  if (plot->has_mode3a) {
    snprintf(text, sizeof text, "%04o", plot->mode3a & 07777u);
    inspect_string(inspect, "mode3a", text);
  }
  if (plot->has_track) inspect_u64(inspect, "track", plot->track);
  view->with_track += plot->has_track;
  if (plot->has_descriptor) inspect_u64(inspect, "type", plot->type);
}

static void plot_put(struct asterix_view *view, const struct asterix_record *record,
                     const struct capture_block *block) {
  const struct asterix_plot *plot = &record->plot;
  struct inspect *inspect = view->inspect;
  struct detection detection;
  int64_t time_ns = 0;
  uint32_t row = radar_row(view, plot->has_source, plot->sac, plot->sic);
  if (plot->time_of_day < ASTERIX_DAY) {
    time_ns = clock_day_resolve(&view->plot_clock, row, plot->time_of_day, block->has_time, block->time_ns);
  }
  enum asterix_use use = asterix_plot_detection(plot, 0, time_ns, &detection);
  view->uses[use]++;
  inspect_begin(inspect);
  inspect_u64(inspect, "category", ASTERIX_PLOTS);
  head_put(view, record, plot->time_of_day, time_ns, plot->has_source, plot->sac, plot->sic);
  inspect_string(inspect, "use", use_names[use]);
  items_put(view, plot);
  if (inspect->site) {
    uint32_t sensor = asterix_record_radar(inspect->site, record);
    if (sensor != ASTERIX_RADAR_UNKNOWN) {
      inspect_u64(inspect, "sensor", inspect->site->sensors[sensor].id);
      place_put(view, plot, sensor, time_ns);
    }
  }
  if (block->has_time) inspect_i64(inspect, "capture_ns", block->time_ns);
  inspect_end(inspect);
}

static void service_put(struct asterix_view *view, const struct asterix_record *record,
                        const struct capture_block *block) {
  const struct asterix_service *service = &record->service;
  struct inspect *inspect = view->inspect;
  int64_t time_ns = 0;
  uint32_t row = radar_row(view, service->has_source, service->sac, service->sic);
  if (service->time_of_day < ASTERIX_DAY) {
    time_ns =
        clock_day_resolve(&view->service_clock, row, service->time_of_day, block->has_time, block->time_ns);
  }
  inspect_begin(inspect);
  inspect_u64(inspect, "category", ASTERIX_SERVICE);
  inspect_u64(inspect, "message", service->message);
  head_put(view, record, service->time_of_day, time_ns, service->has_source, service->sac, service->sic);
  if (service->has_sector) inspect_number(inspect, "sector_deg", service->sector_deg);
  if (service->has_rotation) inspect_number(inspect, "rotation_s", service->rotation_s);
  if (service->has_position) {
    inspect_number(inspect, "lat_deg", service->lat_deg);
    inspect_number(inspect, "lon_deg", service->lon_deg);
    inspect_number(inspect, "height_m", service->height_m);
  }
  if (block->has_time) inspect_i64(inspect, "capture_ns", block->time_ns);
  inspect_end(inspect);
}

static void malformed_put(struct asterix_view *view, const char *what, const struct asterix_block *block) {
  view->malformed++;
  inspect_begin(view->inspect);
  inspect_string(view->inspect, "record", "malformed");
  if (block) inspect_u64(view->inspect, "category", block->category);
  inspect_u64(view->inspect, "block", view->capture.counts.blocks);
  inspect_string(view->inspect, "error", what);
  inspect_end(view->inspect);
}

static void block_put(struct asterix_view *view, const struct capture_block *block) {
  struct asterix_record record;
  enum asterix_status status;
  uint32_t offset = ASTERIX_HEAD_SIZE;
  while (!view->inspect->failed &&
         (status = asterix_record_next(&block->block, &offset, &record)) != ASTERIX_END) {
    if (status == ASTERIX_OTHER) {
      view->skipped[block->block.category]++;
      inspect_begin(view->inspect);
      inspect_u64(view->inspect, "category", block->block.category);
      inspect_bool(view->inspect, "skipped", true);
      inspect_u64(view->inspect, "size", block->block.size);
      if (block->has_time) inspect_i64(view->inspect, "capture_ns", block->time_ns);
      inspect_end(view->inspect);
    } else if (status == ASTERIX_MALFORMED) {
      malformed_put(view, "a record that can't be decoded; the rest of its block is lost", &block->block);
    } else {
      view->records[record.category]++;
      if (record.category == ASTERIX_PLOTS)
        plot_put(view, &record, block);
      else
        service_put(view, &record, block);
    }
  }
}

/* Blocks that did not end within their payload or file, since the last time. */
static void cut_tell(struct asterix_view *view) {
  for (; view->cut < view->capture.counts.cut; view->cut++)
    malformed_put(view, "a block that does not end within its payload or file", NULL);
}

static void counts_put(struct inspect *inspect, const char *key, const uint64_t *counts) {
  inspect_open(inspect, key);
  for (int category = 0; category < CATEGORIES; category++) {
    char name[8];
    snprintf(name, sizeof name, "%d", category);
    if (counts[category]) inspect_u64(inspect, name, counts[category]);
  }
  inspect_close(inspect);
}

static void summary_put(struct asterix_view *view) {
  struct inspect *inspect = view->inspect;
  const struct capture_counts *counts = &view->capture.counts;
  inspect_begin(inspect);
  inspect_string(inspect, "record", "summary");
  counts_put(inspect, "records", view->records);
  counts_put(inspect, "skipped_blocks", view->skipped);
  inspect_open(inspect, "uses");
  for (int use = 0; use <= ASTERIX_USE_OUT_OF_RANGE; use++) {
    if (view->uses[use]) inspect_u64(inspect, use_names[use], view->uses[use]);
  }
  inspect_close(inspect);
  inspect_u64(inspect, "duplicates", view->duplicates);
  inspect_u64(inspect, "with_height", view->with_height);
  inspect_u64(inspect, "with_height_3d", view->with_height_3d);
  inspect_u64(inspect, "with_address", view->with_address);
  inspect_u64(inspect, "with_track", view->with_track);
  inspect_u64(inspect, "radars", view->radar_count);
  inspect_u64(inspect, "malformed", view->malformed);
  inspect_u64(inspect, "blocks", counts->blocks);
  inspect_u64(inspect, "cut", counts->cut);
  if (view->capture.kind == CAPTURE_PCAP) {
    inspect_u64(inspect, "packets", counts->packets);
    inspect_u64(inspect, "payloads", counts->payloads);
    if (view->datagrams) inspect_u64(inspect, "datagrams", view->datagrams);
    inspect_u64(inspect, "other_packets", counts->other);
    inspect_u64(inspect, "fragments", counts->fragments);
  }
  inspect_end(inspect);
}

static int capture_run(struct asterix_view *view, struct weft_error *err) {
  struct inspect *inspect = view->inspect;
  for (;;) {
    struct capture_block block;
    enum capture_status status = capture_take(&view->capture, &inspect->data, &inspect->left, &block, err);
    cut_tell(view);
    if (inspect->failed) return 0;
    if (status == CAPTURE_BROKEN) return -EINVAL;
    if (status == CAPTURE_BLOCK) {
      block_put(view, &block);
      continue;
    }
    if (status == CAPTURE_DATAGRAM) {
      inspect_datagram(inspect, &block);
      view->datagrams++;
      continue;
    }
    int more = inspect_read(inspect, err);
    if (more < 0) return more;
    if (more == 0) break;
  }
  capture_end(&view->capture);
  cut_tell(view);
  return 0;
}

static int place_open(struct asterix_view *view, struct weft_error *err) {
  size_t motion = sizeof *view->motion * SITE_SENSORS_MAX;
  int rc = arena_open(&view->arena, frame_bytes(1) + motion + 4096);
  if (rc == 0) rc = frame_open(&view->frame, &view->arena, 1);
  if (rc == 0 && !(view->motion = arena_take(&view->arena, SITE_SENSORS_MAX, sizeof *view->motion)))
    rc = -ENOMEM;
  return rc < 0 ? weft_fail(err, rc, "out of memory") : 0;
}

int inspect_asterix(struct inspect *inspect, int capture_kind, struct weft_error *err) {
  struct asterix_view *view = calloc(1, sizeof *view);
  if (!view) return weft_fail(err, -ENOMEM, "out of memory");
  view->inspect = inspect;
  int rc = inspect->site ? place_open(view, err) : 0;
  if (rc == 0 && inspect->date) rc = clock_day_date(&view->plot_clock, inspect->date, err);
  if (rc == 0 && inspect->date) rc = clock_day_date(&view->service_clock, inspect->date, err);
  if (rc == 0) {
    capture_open(&view->capture, (enum capture_kind)capture_kind, inspect->name);
    view->capture.wants_datagrams = true;
    rc = capture_run(view, err);
    if (!inspect->failed) summary_put(view);
  }
  arena_close(&view->arena);
  free(view);
  return rc;
}

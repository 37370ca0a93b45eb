/* weft.h: the engine inside another program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emit/ledger_json.h"
#include "engine/feeder.h"
#include "engine/ingest/config.h"
#include "engine/public_entry.h"

struct weft_engine {
  struct feeder feeder;
  uint64_t sequence; /* detections handed in */
  void (*on_track)(void *context, const struct weft_track *track);
  void *context;
};

_Static_assert((int)STATUS_LOST == 2 && (int)CLASS_ORBITAL == 3 && (int)PHASE_CRUISE == 3,
               "weft_track names these numbers");

static struct weft_track track_make(const struct track_report *report) {
  struct weft_track track = {.time_ns = report->time_ns,
                             .track = report->track,
                             .status = report->status,
                             .class_ = report->class_,
                             .phase = report->has_phase ? report->phase : -1,
                             .existence = report->existence,
                             .detections = report->detections};
  memcpy(track.position_m, report->position_m, sizeof track.position_m);
  memcpy(track.velocity_mps, report->velocity_mps, sizeof track.velocity_mps);
  memcpy(track.covariance, report->covariance, sizeof track.covariance);
  if (report->has_phase)
    memcpy(track.phase_probability, report->phase_probability, sizeof track.phase_probability);
  return track;
}

static void tracks_tell(void *context, const struct step_output *output) {
  struct weft_engine *engine = context;
  for (uint32_t i = 0; i < output->count; i++) {
    struct weft_track track = track_make(&output->reports[i]);
    engine->on_track(engine->context, &track);
  }
}

int weft_engine_open(const char *config_text, size_t config_size, uint32_t workers,
                     void (*on_track)(void *context, const struct weft_track *track), void *context,
                     struct weft_engine **engine, struct weft_error *err) {
  *engine = NULL;
  struct weft_engine *made = calloc(1, sizeof *made);
  if (!made) return weft_fail(err, -ENOMEM, "out of memory for an engine");
  made->on_track = on_track;
  made->context = context;
  struct site *site;
  int rc = engine_site_parse(config_text, config_size, "configuration", &site, err);
  struct engine_options options = {.workers = workers};
  if (rc == 0) rc = feeder_open(&made->feeder, site, &options, on_track ? tracks_tell : NULL, made, err);
  if (rc < 0) {
    free(made);
    return rc;
  }
  *engine = made;
  return 0;
}

int weft_engine_put(struct weft_engine *engine, uint32_t sensor_id, const struct weft_detection *detection) {
  uint32_t sensor = site_sensor_by_id(engine->feeder.engine.site, sensor_id);
  struct entry entry = public_entry(sensor, detection, ++engine->sequence);
  return feeder_put(&engine->feeder, &entry) ? 0 : 1;
}

void weft_engine_flush(struct weft_engine *engine) {
  feeder_flush(&engine->feeder);
}

size_t weft_engine_ledger(struct weft_engine *engine, char *line, size_t size) {
  engine_fates_copy(&engine->feeder.engine, engine->feeder.ledger);
  return ledger_json_write(line, size, engine->feeder.ledger, engine->feeder.engine.site);
}

void weft_engine_close(struct weft_engine *engine) {
  if (!engine) return;
  feeder_end(&engine->feeder);
  feeder_close(&engine->feeder);
  free(engine);
}

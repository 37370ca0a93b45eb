#include "engine/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emit/metrics.h"
#include "engine/ingest/config.h"
#include "kernels/wk.h"

enum { TRACKS_DEFAULT = 32768 };

const char *weft_version(void) {
  return WEFT_VERSION;
}

int engine_site_load(const char *path, struct site **site, struct weft_error *err) {
  *site = calloc(1, sizeof **site);
  if (!*site) return weft_fail(err, -ENOMEM, "out of memory for the configuration");
  int rc = site_load(path, *site, err);
  if (rc < 0) {
    free(*site);
    *site = NULL;
  }
  return rc;
}

int engine_site_parse(const char *text, size_t size, const char *name, struct site **site,
                      struct weft_error *err) {
  *site = calloc(1, sizeof **site);
  if (!*site) return weft_fail(err, -ENOMEM, "out of memory for the configuration");
  int rc = site_parse(text, size, name, *site, err);
  if (rc < 0) {
    free(*site);
    *site = NULL;
  }
  return rc;
}

int engine_profile_load(const char *path, struct profile *profile, struct weft_error *err) {
  struct machine here;
  *profile = profile_default();
  int rc = path ? machine_look(NULL, &here, err) : 0;
  if (path && rc == 0) rc = profile_load(path, &here, profile, err);
  if (path && rc == 0 && !wk_choose(profile->kernels))
    rc = weft_fail(err, -ENOTSUP, "%s: engine.kernels: this CPU lacks what %s needs; write v3 or scalar", path, profile->kernels);
  return rc;
}

/* The pool, where and as the profile says; a number of workers that was asked for counts more. */
static int workers_open(struct engine *engine, const struct engine_options *options, struct weft_error *err) {
  const struct profile defaults = profile_default(), *profile = options->profile ? options->profile : &defaults;
  const struct topology_source source = {.per_cache_max = options->workers ? 0 : profile->workers_per_cache};
  uint32_t workers = options->workers ? options->workers : profile->workers;
  int rc = topology_plan_open(&source, workers, engine->plan, err);
  if (rc == 0) rc = pool_open(workers, engine->plan, profile->inline_items, &engine->pool, err);
  if (rc == 0) pool_spin_set(engine->pool, profile->spin_rounds);
  return rc;
}

uint32_t engine_reports_max(const struct engine *engine, uint32_t detections) {
  struct tracker_options tracker = {.tracks_max = engine->tracks_max};
  uint32_t foreign = engine->foreign_max ? 2 * engine->foreign_max + 2 * FRAME_FOREIGN_MAX : 0;
  return tracker_reports_max(&tracker, detections) + foreign;
}

int engine_open(struct engine *engine, struct site *site, const struct engine_options *options,
                struct weft_error *err) {
  memset(engine, 0, sizeof *engine);
  engine->site = site;
  engine->tracks_max = options->tracks_max ? options->tracks_max : TRACKS_DEFAULT;
  engine->plan = calloc(1, sizeof *engine->plan);
  engine->fates = calloc(1, sizeof *engine->fates);
  int rc = -ENOMEM;
  if (!engine->plan || !engine->fates) {
    weft_fail(err, rc, "out of memory for the engine");
    goto fail;
  }
  engine->fates->sensor_count = site->sensor_count;
  rc = workers_open(engine, options, err);
  if (rc < 0) goto fail;
  engine->foreign_max = options->foreign_max;
  struct tracker_options tracker = {.tracks_max = engine->tracks_max,
                                    .foreign_max = engine->foreign_max,
                                    .number_base = options->track_base,
                                    .lines_max = options->lines_max,
                                    .parallel = pool_parallel(engine->pool)};
  size_t reports = options->outputs_elsewhere ? 0 : engine_reports_max(engine, FRAME_DETECTIONS_MAX);
  if (site->regions_path[0]) rc = regions_load(&engine->regions, site->regions_path, err);
  if (rc < 0) goto fail;
  site->region_names = (const char(*)[SITE_NAME_MAX])engine->regions.name;
  struct warn_options warn = {
      .tracks_max = engine->tracks_max + engine->foreign_max, .parallel = pool_parallel(engine->pool), .regions = &engine->regions};
  size_t size = tracker_arena_size(site, &tracker) + warn_arena_size(&warn) +
                reports * sizeof(struct track_report) + (1u << 20);
  rc = arena_open(&engine->arena, size);
  if (rc < 0) {
    weft_fail(err, rc, "out of memory: the tracker needs %zu MiB; ask for fewer tracks with --tracks-max",
              size >> 20);
    goto fail;
  }
  (void)topology_memory_spread(engine->plan, engine->arena.base, engine->arena.size); /* before it is touched */
  engine->tracker = tracker_open(&engine->arena, site, &tracker);
  if (!engine->tracker) {
    rc = weft_fail(err, -E2BIG,
                   "the site has more line-of-sight sensors than the 32 that weft indexes, or the tracker "
                   "does not fit its memory; reduce the sensors or --tracks-max");
    goto fail;
  }
  engine->warn = warn_open(&engine->arena, &warn);
  if (!engine->warn) {
    rc = weft_fail(err, -ENOMEM, "out of memory for the warning; ask for fewer tracks with --tracks-max");
    goto fail;
  }
  return 0;
fail:
  engine_close(engine);
  return rc;
}

int engine_output_open(struct engine *engine, struct step_output *output, struct weft_error *err) {
  *output = (struct step_output){.capacity = engine_reports_max(engine, FRAME_DETECTIONS_MAX)};
  output->reports = arena_take(&engine->arena, output->capacity, sizeof *output->reports);
  return output->reports ? 0 : weft_fail(err, -ENOMEM, "out of memory for the lines of a frame");
}

void engine_seal(struct engine *engine) {
  arena_seal(&engine->arena);
}

void engine_step(struct engine *engine, const struct frame *frame, struct step_output *output) {
  for (uint32_t i = 0; i < frame->count; i++) engine->fates->sensors[frame->sensor[i]].detections.accepted++;
  tracker_step(engine->tracker, frame, output, engine->fates);
  warn_step(engine->warn, output);
}

void engine_image(struct engine *engine, struct image *image) {
  tracker_image(engine->tracker, image);
  warn_image(engine->warn, tracker_slots(engine->tracker), image);
  for (uint32_t s = 0; s < engine->site->sensor_count; s++) {
    image_value(image, engine->fates->sensors[s].detections.accepted);
    image_value(image, engine->fates->sensors[s].fates);
  }
}

/* Nothing is said twice, so that it is never more than all the memory there is; links and counts aside. */
size_t engine_image_most(const struct engine *engine) {
  return engine->arena.used + sizeof *engine->fates + (1u << 20);
}

uint64_t engine_layout(const struct engine *engine) {
  struct image image = image_hash();
  char version[] = WEFT_VERSION;
  uint32_t limits[] = {IMAGE_VERSION, engine->tracks_max, WK_TRACK_ELEMENTS, SITE_SENSORS_MAX};
  image_value(&image, version);
  image_value(&image, limits);
  image_span(&image, engine->site->text, engine->site->text_size);
  for (uint32_t r = 0; r < engine->regions.count; r++) {
    char *name = engine->regions.name[r];
    image_span(&image, name, strlen(name));
  }
  return image.hash;
}

uint64_t engine_hash(struct engine *engine) {
  struct image image = image_hash();
  engine_image(engine, &image);
  return image.hash;
}

void engine_carry(struct engine *engine, uint64_t track_base, struct ledger *ledger) {
  ledger_settle(engine->fates);
  for (uint32_t s = 0; s < engine->site->sensor_count; s++) {
    struct ledger_sensor *own = &engine->fates->sensors[s];
    uint64_t carried = own->fates[FATE_IN_FLIGHT];
    memset(own->fates, 0, sizeof own->fates);
    own->detections.accepted = carried;
    ledger->sensors[s].detections.received += carried;
    ledger->sensors[s].detections.accepted += carried;
  }
  engine_renumber(engine, track_base);
}

void engine_renumber(struct engine *engine, uint64_t track_base) {
  tracker_renumber(engine->tracker, track_base);
}

void engine_drain(struct engine *engine) {
  tracker_drain(engine->tracker, engine->fates);
}

void engine_fates_copy(const struct engine *engine, struct ledger *ledger) {
  for (uint32_t s = 0; s < ledger->sensor_count; s++) {
    memcpy(ledger->sensors[s].fates, engine->fates->sensors[s].fates, sizeof ledger->sensors[s].fates);
  }
  ledger_settle(ledger);
}

void engine_close(struct engine *engine) {
  arena_close(&engine->arena);
  if (engine->pool) pool_close(engine->pool);
  if (engine->plan) {
    topology_plan_close(engine->plan);
    free(engine->plan);
  }
  free(engine->fates);
  regions_free(&engine->regions);
  if (engine->site) {
    site_free(engine->site);
    free(engine->site);
  }
  memset(engine, 0, sizeof *engine);
}

uint64_t engine_track_base(int64_t now_ns) {
  return now_ns > 0 ? (uint64_t)now_ns / 1000 : 0;
}

int engine_ledger_print(const struct ledger *ledger, const struct site *site, FILE *out) {
  size_t size = ledger_json_max(site);
  char *line = malloc(size);
  if (!line) return -ENOMEM;
  size_t length = ledger_json_write(line, size, ledger, site);
  errno = 0;
  bool written = length > 0 && fwrite(line, 1, length, out) == length && fflush(out) == 0;
  int why = errno ? errno : EIO;
  free(line);
  return written ? 0 : -why;
}

/* weft inspect on a journal: every segment stands for itself, so that one damaged segment hides nothing of
 * the others. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "engine/ingest/config.h"
#include "engine/inspect/inspect.h"
#include "engine/journal/journal_parity.h"
#include "engine/journal/journal_reader.h"
#include "engine/journal/journal_segment.h"

struct journal_view {
  struct site *site; /* of the segment being read; NULL where its text can't be read */
  struct frame frame;
  struct arena arena;
  uint64_t segments, frames, detections, states, damaged;
};

static const char *const damage_names[] = {[JOURNAL_GOOD] = "good",
                                           [JOURNAL_CUT] = "cut short",
                                           [JOURNAL_CORRUPT] = "corrupt",
                                           [JOURNAL_VERSION_UNKNOWN] = "unknown version"};

static void head_put(struct inspect *inspect, const char *path, const struct journal_head *head,
                     const struct journal_view *view, const char *site_error) {
  inspect_begin(inspect);
  inspect_string(inspect, "record", "segment");
  inspect_string(inspect, "path", path);
  inspect_bool(inspect, "packed", head->version == JOURNAL_VERSION_PACKED);
  inspect_u64(inspect, "segment", head->segment);
  inspect_u64(inspect, "run", head->run);
  inspect_i64(inspect, "created_ns", head->created_ns);
  inspect_u64(inspect, "track_base", head->track_base);
  inspect_u64(inspect, "first_frame", head->first_frame);
  char centre[sizeof head->centre + 1] = {0};
  memcpy(centre, head->centre, sizeof head->centre);
  inspect_string(inspect, "centre", centre);
  inspect_u64(inspect, "site_bytes", head->site_size);
  inspect_u64(inspect, "parameter_bytes", head->parameter_size);
  if (view->site)
    inspect_u64(inspect, "sensors", view->site->sensor_count);
  else
    inspect_string(inspect, "site_error", site_error);
  inspect_end(inspect);
}

/* The sensor's id; the index where the configuration is unreadable. */
static uint32_t sensor_id(const struct journal_view *view, uint32_t index) {
  return view->site && index < view->site->sensor_count ? view->site->sensors[index].id : index;
}

static void states_put(struct inspect *inspect, const struct journal_view *view) {
  static const char *const status_names[] = {
      [SENSOR_UP] = "up", [SENSOR_DEGRADED] = "degraded", [SENSOR_DOWN] = "down"};
  for (uint32_t i = 0; i < view->frame.state_count && !inspect->failed; i++) {
    const struct sensor_state *state = &view->frame.states[i];
    inspect_begin(inspect);
    inspect_string(inspect, "record", "state");
    inspect_u64(inspect, "frame", view->frame.number);
    inspect_i64(inspect, "time_ns", state->time_ns);
    inspect_u64(inspect, "sensor", sensor_id(view, state->sensor));
    inspect_u64(inspect, "sequence", state->sequence);
    inspect_string(inspect, "status", state->status <= SENSOR_DOWN ? status_names[state->status] : "unknown");
    inspect_numbers(inspect, "position_ecef_m", state->position_m, 3);
    inspect_numbers(inspect, "velocity_ecef_mps", state->velocity_mps, 3);
    inspect_end(inspect);
  }
}

static void frame_put(struct inspect *inspect, struct journal_view *view, const struct journal_place *place,
                      uint64_t segment) {
  const struct frame *frame = &view->frame;
  view->frames++;
  view->detections += frame->count;
  view->states += frame->state_count;
  inspect_begin(inspect);
  inspect_string(inspect, "record", "frame");
  inspect_u64(inspect, "number", frame->number);
  inspect_i64(inspect, "time_ns", frame->time_ns);
  inspect_u64(inspect, "detections", frame->count);
  inspect_u64(inspect, "states", frame->state_count);
  if (frame->overload_step) inspect_u64(inspect, "overload_step", frame->overload_step);
  inspect_u64(inspect, "offset", place->offset);
  inspect_u64(inspect, "length", place->length);
  inspect_u64(inspect, "segment", segment);
  inspect_end(inspect);
  states_put(inspect, view);
  for (uint32_t i = 0; i < frame->count && !inspect->failed; i++) {
    struct detection detection;
    frame_detection(frame, i, &detection);
    inspect_begin(inspect);
    inspect_string(inspect, "record", "detection");
    inspect_u64(inspect, "frame", frame->number);
    inspect_u64(inspect, "sequence", detection.sequence);
    inspect_u64(inspect, "index", detection.index);
    inspect_detection(inspect, &detection, sensor_id(view, detection.sensor));
    inspect_end(inspect);
  }
}

static void damage_put(struct inspect *inspect, struct journal_view *view, const char *path, uint64_t offset,
                       const char *what) {
  view->damaged++;
  inspect_begin(inspect);
  inspect_string(inspect, "record", "damage");
  inspect_string(inspect, "path", path);
  inspect_u64(inspect, "offset", offset);
  inspect_string(inspect, "error", what);
  inspect_end(inspect);
}

static int segment_put(struct inspect *inspect, struct journal_view *view, const char *path,
                       struct weft_error *err) {
  struct journal_reader *reader;
  struct weft_error why = {{0}};
  int rc = journal_open(&reader, path, 0, &why);
  view->segments++;
  if (rc == -EILSEQ) {
    damage_put(inspect, view, path, 0, why.text);
    return 0;
  }
  if (rc < 0) return weft_fail(err, rc, "%s", why.text);
  const struct journal_head *head = journal_head_of(reader);
  rc = engine_site_parse(head->site_text, head->site_size, path, &view->site, &why);
  if (rc == -ENOMEM) {
    journal_close(reader);
    return weft_fail(err, rc, "%s", why.text);
  }
  if (rc == 0) journal_expect_sensors(reader, view->site->sensor_count);
  head_put(inspect, path, head, view, why.text);
  while (!inspect->failed && (rc = journal_next(reader, &view->frame)) == 1) {
    struct journal_place place = journal_place_of(reader);
    frame_put(inspect, view, &place, head->segment);
  }
  if (rc == -EILSEQ) {
    struct journal_damage damage = journal_damage_of(reader);
    damage_put(inspect, view, path, damage.offset, damage_names[damage.verdict]);
    rc = 0;
  }
  if (rc < 0) weft_fail(err, rc, "%s: reading failed: %s", path, strerror(-rc));
  journal_close(reader);
  if (view->site) site_free(view->site);
  free(view->site);
  view->site = NULL;
  return rc < 0 ? rc : 0;
}

/* All segments of a folder, of every run, in rising order. An empty file is a segment that was never written
 * to. */
static int folder_put(struct inspect *inspect, struct journal_view *view, const char *path,
                      struct weft_error *err) {
  uint64_t *numbers, count;
  int rc = journal_segment_list(path, &numbers, &count);
  if (rc < 0) return weft_fail(err, rc, "%s: %s; make it readable", path, strerror(-rc));
  if (count == 0)
    rc = weft_fail(err, -ENOENT,
                   "%s: a folder without journal segments (NNNNNNNN.wj); name a file or a journal's folder",
                   path);
  for (uint64_t i = 0; i < count && rc == 0 && !inspect->failed; i++) {
    char segment[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
    struct stat status;
    journal_segment_path(segment, sizeof segment, path, numbers[i]);
    if (stat(segment, &status) == 0 && status.st_size == 0) continue;
    rc = segment_put(inspect, view, segment, err);
  }
  free(numbers);
  return rc;
}

bool inspect_parity(struct inspect *inspect, const char *path) {
  struct journal_parity_head head;
  if (!journal_parity_head_read(path, &head)) return false;
  inspect_begin(inspect);
  inspect_string(inspect, "record", "parity");
  inspect_string(inspect, "path", path);
  inspect_u64(inspect, "segments", head.segments);
  inspect_u64(inspect, "files", head.files);
  inspect_u64(inspect, "index", head.index);
  inspect_u64(inspect, "bytes", head.bytes);
  inspect_end(inspect);
  for (uint32_t s = 0; s < head.segments; s++) {
    inspect_begin(inspect);
    inspect_string(inspect, "record", "covered");
    inspect_u64(inspect, "segment", head.of[s].number);
    inspect_u64(inspect, "size", head.of[s].size);
    inspect_u64(inspect, "crc32c", head.of[s].crc);
    inspect_end(inspect);
  }
  return true;
}

int inspect_journal(struct inspect *inspect, const char *path, bool folder, struct weft_error *err) {
  struct journal_view view = {0};
  if (arena_open(&view.arena, frame_bytes(FRAME_DETECTIONS_MAX) + 4096) < 0 ||
      frame_open(&view.frame, &view.arena, FRAME_DETECTIONS_MAX) < 0) {
    arena_close(&view.arena);
    return weft_fail(err, -ENOMEM, "out of memory for a frame");
  }
  int rc = folder ? folder_put(inspect, &view, path, err) : segment_put(inspect, &view, path, err);
  if (rc == 0) {
    inspect_begin(inspect);
    inspect_string(inspect, "record", "summary");
    inspect_u64(inspect, "segments", view.segments);
    inspect_u64(inspect, "frames", view.frames);
    inspect_u64(inspect, "detections", view.detections);
    inspect_u64(inspect, "states", view.states);
    inspect_u64(inspect, "damaged", view.damaged);
    inspect_end(inspect);
  }
  arena_close(&view.arena);
  return rc;
}

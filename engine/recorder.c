/* weft.h: a journal as `weft run --journal` would have written it, from detections in order of arrival.
 * Without an engine: intake, frames and journal only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"
#include "engine/ingest/config.h"
#include "engine/ingest/wire.h"
#include "engine/journal/journal_writer.h"
#include "engine/public_entry.h"

enum { APPEND_WAIT_NS = 1000000000, APPEND_TURNS_MAX = 60 }; /* how long the disk may take over one frame */

struct weft_recorder {
  struct site *site;  /* owned */
  struct arena arena; /* all below */
  struct ledger *ledger;
  struct frame_builder builder;
  struct frame frame; /* the one being written */
  struct frame_rule rule;
  struct intake intake;
  struct io *io;
  struct io_batch *batch;
  struct journal_writer *writer;
  uint64_t detections, states; /* handed in */
  int64_t newest_state_ns;
};

static int64_t clock_real_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void recorder_free(struct weft_recorder *recorder) {
  if (recorder->writer) journal_writer_close(recorder->writer);
  io_close(recorder->io);
  arena_close(&recorder->arena);
  if (recorder->site) {
    site_free(recorder->site);
    free(recorder->site);
  }
  free(recorder);
}

static int journal_begin(struct weft_recorder *recorder, const char *directory, struct weft_error *err) {
  const struct site *site = recorder->site;
  int64_t now_ns = clock_real_ns();
  struct journal_options options = {.directory = directory, .segment_mib = site->journal_segment_mib};
  options.head = (struct journal_head){
      .track_base = engine_track_base(now_ns), .site_text = site->text, .site_size = site->text_size};
  memcpy(options.head.centre, site->centre, sizeof options.head.centre);
  size_t size = frame_bytes(FRAME_DETECTIONS_MAX) + frame_builder_bytes(FRAME_DETECTIONS_MAX) +
                intake_bytes(site) + sizeof *recorder->ledger + sizeof *recorder->batch +
                journal_writer_bytes(&options) + (1u << 16);
  if (arena_open(&recorder->arena, size) < 0) return weft_fail(err, -ENOMEM, "out of memory for a recorder");
  recorder->ledger = arena_take(&recorder->arena, 1, sizeof *recorder->ledger);
  recorder->batch = arena_take(&recorder->arena, 1, sizeof *recorder->batch);
  recorder->rule = frame_rule_begin(site->frame_limit_ns);
  int rc = recorder->ledger && recorder->batch
               ? frame_open(&recorder->frame, &recorder->arena, FRAME_DETECTIONS_MAX)
               : -ENOMEM;
  if (rc == 0) rc = frame_builder_open(&recorder->builder, &recorder->arena, FRAME_DETECTIONS_MAX);
  if (rc == 0) {
    rc = intake_open(&recorder->intake, &recorder->arena, site, recorder->ledger, &recorder->builder,
                     SITE_TIME_RECORDED, &recorder->rule);
  }
  if (rc < 0) return weft_fail(err, rc, "out of memory for a recorder");
  rc = io_open(IO_PLAIN, &(struct io_config){.buffer_count = 8, .buffer_bytes = 2048}, &recorder->io, err);
  if (rc < 0) return rc;
  return journal_writer_open(&recorder->writer, &recorder->arena, recorder->io, &options, now_ns, err);
}

int weft_recorder_open(const char *directory, const char *config_text, size_t config_size,
                       struct weft_recorder **recorder, struct weft_error *err) {
  *recorder = NULL;
  struct weft_recorder *made = calloc(1, sizeof *made);
  if (!made) return weft_fail(err, -ENOMEM, "out of memory for a recorder");
  int rc = engine_site_parse(config_text, config_size, "configuration", &made->site, err);
  if (rc == 0) rc = journal_begin(made, directory, err);
  if (rc < 0) {
    recorder_free(made);
    return rc;
  }
  *recorder = made;
  return 0;
}

/* Hands the completions that have come to the writer; waits for one at most `timeout_ns`. */
static int completions_take(struct weft_recorder *recorder, int64_t timeout_ns) {
  int rc = io_receive(recorder->io, recorder->batch, timeout_ns);
  if (rc < 0) return rc;
  for (uint32_t i = 0; i < recorder->batch->event_count; i++) {
    const struct io_event *event = &recorder->batch->events[i];
    if (event->kind == IO_EVENT_APPEND || event->kind == IO_EVENT_SYNC) journal_completed(recorder->writer, event->token, event->result);
  }
  io_release(recorder->io, recorder->batch);
  return 0;
}

/* Waits until nothing is in flight. Unlike a server, which goes on without its journal, a recorder has failed
 * when one frame is missing. */
static int journal_settle(struct weft_recorder *recorder, struct weft_error *err) {
  int rc = 0;
  journal_finish(recorder->writer);
  for (int turn = 0; rc == 0 && !journal_idle(recorder->writer) && turn < APPEND_TURNS_MAX; turn++) {
    rc = completions_take(recorder, APPEND_WAIT_NS);
  }
  if (rc == 0 && !journal_idle(recorder->writer)) rc = -ETIMEDOUT;
  if (rc < 0) return weft_fail(err, rc, "the journal can't be written: %s", strerror(-rc));
  struct journal_marks marks = journal_marks_of(recorder->writer);
  uint64_t lost = marks.unjournaled + marks.unsynced;
  if (lost == 0) return 0;
  return weft_fail(err, -EIO, "%llu frame(s) could not be written to the journal or synced; is the disk full?",
                   (unsigned long long)lost);
}

static int frame_write(struct weft_recorder *recorder, int64_t close_ns, struct weft_error *err) {
  intake_close_frame(&recorder->intake, close_ns, 0, &recorder->frame);
  int rc = 0;
  for (int turn = 0; turn < APPEND_TURNS_MAX; turn++) {
    rc = journal_append(recorder->writer, &recorder->frame, clock_real_ns());
    if (rc != -EAGAIN) break;
    journal_turn(recorder->writer, clock_real_ns());
    int taken = completions_take(recorder, APPEND_WAIT_NS);
    if (taken < 0) return weft_fail(err, taken, "the journal can't be written: %s", strerror(-taken));
  }
  if (rc < 0) return weft_fail(err, rc, "the journal can't be written: %s", strerror(-rc));
  return 0;
}

int weft_recorder_put(struct weft_recorder *recorder, uint32_t sensor_id,
                      const struct weft_detection *detection, struct weft_error *err) {
  uint32_t sensor = site_sensor_by_id(recorder->site, sensor_id);
  struct entry entry = public_entry(sensor, detection, ++recorder->detections);
  while (entry_admit(&recorder->intake, &entry) == INTAKE_CLOSE) {
    int rc = frame_write(recorder, recorder->intake.close_ns, err);
    if (rc < 0) return rc;
  }
  return 0; /* refused ones are counted and absent, as in a server's journal */
}

/* The running maximum of measurement time; before any detection, that of the states. */
static int64_t newest_ns(const struct weft_recorder *recorder) {
  return recorder->rule.started ? recorder->rule.newest_ns : recorder->newest_state_ns;
}

/* A state rides in the frame that is open or opens next. It closes none by its time, so that frames are those
 * that the detections alone would make, as in `weft fuse`, where nothing else arrives. */
int weft_recorder_state(struct weft_recorder *recorder, uint32_t sensor_id,
                        const struct weft_sensor_state *state, struct weft_error *err) {
  uint32_t sensor = site_sensor_by_id(recorder->site, sensor_id);
  recorder->states++;
  struct ledger_sensor *row = ledger_row_of(recorder->ledger, sensor);
  uint8_t datagram[WIRE_HEADER_SIZE + WIRE_ENTRY_SIZE];
  struct sensor_state made;
  bool good =
      weft_datagram_states(datagram, sizeof datagram, sensor_id, 0, 0, 0, state, 1) > 0 &&
      wire_state_decode(datagram + WIRE_HEADER_SIZE, &made) == WIRE_OK; /* the same checks as on the wire */
  if (!good || sensor >= recorder->site->sensor_count) {
    row->states_refused++;
    return 0;
  }
  if (!frame_builder_has_room(&recorder->builder, 0, 1)) {
    int rc = frame_write(recorder, newest_ns(recorder), err);
    if (rc < 0) return rc;
  }
  if (made.time_ns > recorder->newest_state_ns) recorder->newest_state_ns = made.time_ns;
  made.time_ns -= (int64_t)(recorder->site->sensors[sensor].registration_time_s * 1e9);
  made.sensor = sensor;
  made.sequence = recorder->states;
  row->states++;
  frame_builder_add_state(&recorder->builder, &made, 0, 0);
  return 0;
}

int weft_recorder_close(struct weft_recorder *recorder, struct weft_error *err) {
  if (!recorder) return 0;
  int rc = frame_builder_is_empty(&recorder->builder) ? 0 : frame_write(recorder, newest_ns(recorder), err);
  int settled = journal_settle(recorder, rc < 0 ? NULL : err);
  if (rc == 0) rc = settled;
  recorder_free(recorder);
  return rc;
}

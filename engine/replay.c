/* weft replay: a journal through the engine, or its datagrams onto the wire. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/address.h"
#include "engine/base/clock.h"
#include "engine/emit/line_file.h"
#include "engine/feeder.h"
#include "engine/ingest/wire.h"
#include "engine/journal_input.h"
#include "engine/platform/io.h"
#include "engine/platform/io_send.h"
#include "engine/server/resume.h"

enum { DATAGRAM_BYTES = 1456, ENTRIES_PER_DATAGRAM = (DATAGRAM_BYTES - WIRE_HEADER_SIZE) / WIRE_ENTRY_SIZE };

struct replay {
  const struct weft_replay_options *options;
  struct feeder feeder;
  struct journal_input input;
  struct line_file *lines;
  struct io_sender *sender;
  uint64_t sent; /* datagrams */
  uint64_t sequence[SITE_SENSORS_MAX];
  int64_t first_frame_ns, began_ns; /* journal's and our own clock at the first frame */
};

static void lines_put(void *context, const struct step_output *output) {
  struct replay *replay = context;
  if (replay->lines) line_file_put(replay->lines, output, replay->feeder.engine.site);
}

/* Waits until the frame's moment, at the chosen speed. Frames before the first detection pass at once: where
 * time is recorded they know no time yet. */
static void pace(struct replay *replay, const struct frame *frame) {
  int64_t frame_ns = frame->time_ns;
  if (!(replay->options->speed > 0) || (replay->began_ns == 0 && frame->count == 0)) return;
  if (replay->began_ns == 0) {
    replay->began_ns = clock_monotonic_ns();
    replay->first_frame_ns = frame_ns;
  }
  double wait_s = (double)(frame_ns - replay->first_frame_ns) * 1e-9 / replay->options->speed;
  int64_t left_ns = replay->began_ns + (int64_t)(wait_s * 1e9) - clock_monotonic_ns();
  if (left_ns <= 0) return;
  struct timespec pause = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
  while (nanosleep(&pause, &pause) < 0 && errno == EINTR) continue;
}

/* The registration was subtracted at admission; a receiver with the same configuration will subtract it
 * again. */
static void registration_restore(struct detection *detection, const struct sensor *sensor) {
  detection->time_ns += (int64_t)llround(sensor->registration_time_s * 1e9);
  if (detection->kind == KIND_POSITION) return;
  if (detection->valid & VALID_RANGE) detection->measure[MEASURE_RANGE] += sensor->registration[0];
  detection->measure[MEASURE_AZIMUTH] += sensor->registration[1];
  if (detection->valid & VALID_ELEVATION) detection->measure[MEASURE_ELEVATION] += sensor->registration[2];
}

static int datagram_send(struct replay *replay, uint32_t sensor, const struct detection *detections,
                         uint32_t count, const struct sensor_state *state) {
  uint8_t datagram[DATAGRAM_BYTES];
  const struct site *site = replay->feeder.engine.site;
  struct wire_header header = {.sensor = site->sensors[sensor].id,
                               .sequence = replay->sequence[sensor]++,
                               .flags = site->exercise ? WIRE_EXERCISE : 0,
                               .sent_ns = state ? state->time_ns : detections[0].time_ns};
  size_t size = state ? wire_states_encode(datagram, sizeof datagram, &header, state, 1)
                      : wire_detections_encode(datagram, sizeof datagram, &header, detections, count);
  replay->sent++;
  return io_sender_put(replay->sender, datagram, size);
}

/* The frame's entries as datagrams again: states first, then each sensor's detections in their order. */
static int frame_send(struct replay *replay, const struct frame *frame) {
  int rc = 0;
  struct detection run[ENTRIES_PER_DATAGRAM];
  uint32_t used = 0;
  for (uint32_t i = 0; i < frame->state_count && rc == 0; i++) {
    rc = datagram_send(replay, frame->states[i].sensor, NULL, 0, &frame->states[i]);
  }
  for (uint32_t i = 0; i < frame->count && rc == 0; i++) {
    frame_detection(frame, i, &run[used]);
    registration_restore(&run[used], &replay->feeder.engine.site->sensors[run[used].sensor]);
    used++;
    bool ends = i + 1 == frame->count || frame->sensor[i + 1] != frame->sensor[i];
    if (!ends && used < ENTRIES_PER_DATAGRAM) continue;
    rc = datagram_send(replay, run[0].sensor, run, used, NULL);
    used = 0;
  }
  return rc < 0 ? rc : io_sender_flush(replay->sender);
}

static int frames_run(struct replay *replay, struct weft_error *err) {
  const struct site *site = replay->feeder.engine.site;
  int rc;
  while ((rc = journal_input_next(&replay->input, replay->feeder.ledger, site, err)) == 1) {
    if (replay->options->until && replay->input.frame->number > replay->options->until) break;
    pace(replay, replay->input.frame);
    if (replay->sender && frame_send(replay, replay->input.frame) < 0) {
      return weft_fail(err, -EIO, "%s: sending failed; is anyone listening there?", replay->options->to);
    }
    feeder_frame(&replay->feeder, replay->input.frame);
    if (replay->options->progress) replay->options->progress(replay->options->context, -1);
    replay->feeder.ledger->engine.frame = replay->input.frame->number;
  }
  if (rc >= 0)
    replay->feeder.ledger->engine = (struct ledger_engine){
        .on = true, .frame = replay->feeder.ledger->engine.frame, .state = engine_hash(&replay->feeder.engine)};
  return rc < 0 ? rc : 0;
}

static int outputs_open(struct replay *replay, struct weft_error *err) {
  const struct weft_replay_options *o = replay->options;
  int rc = 0;
  if (o->tracks_path) rc = line_file_open(&replay->lines, o->tracks_path, err);
  if (rc == 0 && o->to) {
    char host[IO_HOST_MAX];
    uint16_t port = 0;
    if (!address_split(o->to, host, sizeof host, &port) || port == 0)
      return weft_fail(err, -EINVAL, "--to %s: give HOST:PORT, for example 127.0.0.1:4000", o->to);
    rc = io_sender_open(host, port, true, &replay->sender, err);
  }
  return rc;
}

int weft_replay(const struct weft_replay_options *options, struct weft_error *err) {
  struct profile profile;
  int rc = engine_profile_load(options->profile_path, &profile, err);
  if (rc < 0) return rc;
  struct replay *replay = calloc(1, sizeof *replay);
  struct site *site = NULL;
  if (!replay) return weft_fail(err, -ENOMEM, "out of memory");
  replay->options = options;
  rc = journal_input_open(&replay->input, options->journal_path, err);
  if (rc < 0) {
    free(replay);
    return rc;
  }
  const struct journal_head *head = journal_head_of(replay->input.reader);
  struct engine_options engine = {
      .workers = options->workers, .profile = &profile, .tracks_max = options->tracks_max, .track_base = head->track_base};
  if (engine.tracks_max == 0) engine.tracks_max = journal_tracks_max(replay->input.reader);
  rc = journal_site_parse(replay->input.reader, options->journal_path, &site, err);
  if (rc == 0) rc = feeder_open(&replay->feeder, site, &engine, lines_put, replay, err);
  if (rc == 0) {
    journal_input_map(&replay->input, replay->feeder.engine.site);
    rc = run_base_load(&replay->feeder.engine, replay->input.reader, options->journal_path, replay->feeder.ledger, err);
    if (rc >= 0) rc = outputs_open(replay, err);
    if (rc == 0) rc = frames_run(replay, err);
    feeder_end(&replay->feeder);
    int written = line_file_close(replay->lines);
    if (written < 0 && rc == 0)
      rc = weft_fail(err, written, "%s: writing tracks failed: %s", options->tracks_path, strerror(-written));
    if (rc == 0 && options->ledger) {
      rc = engine_ledger_print(replay->feeder.ledger, replay->feeder.engine.site, options->ledger);
      if (rc < 0) weft_fail(err, rc, "writing the ledger failed: %s", strerror(-rc));
    }
    feeder_close(&replay->feeder);
  }
  io_sender_close(replay->sender);
  journal_input_close(&replay->input);
  free(replay);
  return rc;
}

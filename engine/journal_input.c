#include "engine/journal_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "engine/engine.h"
#include "engine/ingest/config.h"

int journal_site_parse(const struct journal_reader *reader, const char *path, struct site **site,
                       struct weft_error *err) {
  const struct journal_head *head = journal_head_of(reader);
  char name[SITE_PATH_MAX];
  snprintf(name, sizeof name, "%s", path);
  journal_parameter(head, JOURNAL_CONFIG_KEY, name, sizeof name);
  return engine_site_parse(head->site_text, head->site_size, name, site, err);
}

uint32_t journal_tracks_max(const struct journal_reader *reader) {
  char value[16];
  bool said = journal_parameter(journal_head_of(reader), JOURNAL_TRACKS_KEY, value, sizeof value);
  return said ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

int journal_input_open(struct journal_input *input, const char *path, struct weft_error *err) {
  memset(input, 0, sizeof *input);
  int rc = journal_open(&input->reader, path, JOURNAL_RUN_NEWEST, err);
  if (rc < 0) return rc;
  rc = journal_site_parse(input->reader, path, &input->own, err);
  if (rc == 0) {
    input->frame = calloc(1, sizeof *input->frame);
    rc = input->frame ? arena_open(&input->arena, frame_bytes(FRAME_DETECTIONS_MAX) + 4096) : -ENOMEM;
    if (rc == 0) rc = frame_open(input->frame, &input->arena, FRAME_DETECTIONS_MAX);
    if (rc < 0) weft_fail(err, rc, "out of memory for a frame");
  }
  if (rc < 0) journal_input_close(input);
  return rc;
}

void journal_input_map(struct journal_input *input, const struct site *site) {
  for (uint32_t s = 0; s < input->own->sensor_count; s++) {
    input->sensor_of[s] = site_sensor_by_id(site, input->own->sensors[s].id);
  }
}

/* Renumbers the sensors and books the entries; an entry of an unknown sensor leaves the frame. */
static void frame_map(struct journal_input *input, struct ledger *ledger, const struct site *site) {
  struct frame *frame = input->frame;
  uint32_t kept = 0, states = 0;
  for (uint32_t i = 0; i < frame->count; i++) {
    struct detection detection;
    frame_detection(frame, i, &detection);
    uint32_t sensor =
        detection.sensor < input->own->sensor_count ? input->sensor_of[detection.sensor] : site->sensor_count;
    struct ledger_sensor *row = ledger_row_of(ledger, sensor);
    row->detections.received++;
    if (sensor >= site->sensor_count) {
      row->detections.refused[REFUSAL_UNKNOWN_SENSOR]++;
      continue;
    }
    row->detections.accepted++;
    detection.sensor = sensor;
    uint32_t count = frame->count;
    frame->count = kept++;
    frame_append(frame, &detection);
    frame->count = count;
  }
  for (uint32_t i = 0; i < frame->state_count; i++) {
    uint32_t sensor = frame->states[i].sensor < input->own->sensor_count
                          ? input->sensor_of[frame->states[i].sensor]
                          : site->sensor_count;
    if (sensor >= site->sensor_count) continue;
    ledger_row_of(ledger, sensor)->states++;
    frame->states[states] = frame->states[i];
    frame->states[states++].sensor = sensor;
  }
  frame->count = kept;
  frame->state_count = states;
}

static void missing_tell(const struct journal_input *input) {
  uint64_t missing = journal_missing_frames(input->reader);
  if (missing == 0) return;
  log_line(LOG_LEVEL_WARNING, "%llu frame(s) are missing in the journal; what follows them may differ from the live run",
           (unsigned long long)missing);
}

int journal_input_next(struct journal_input *input, struct ledger *ledger, const struct site *site,
                       struct weft_error *err) {
  for (;;) {
    int rc = journal_next(input->reader, input->frame);
    if (rc == 1) {
      frame_map(input, ledger, site);
      return 1;
    }
    if (rc == 0) {
      missing_tell(input);
      return 0;
    }
    if (rc != -EILSEQ) return weft_fail(err, rc, "the journal can't be read: %s", strerror(-rc));
    struct journal_damage damage = journal_damage_of(input->reader);
    log_line(LOG_LEVEL_WARNING, "%s: %s at byte %llu; reading goes on with the next segment, if there is one",
             damage.path, damage.verdict == JOURNAL_CUT ? "a record is cut short" : "a damaged record",
             (unsigned long long)damage.offset);
    if (!journal_skip_segment(input->reader)) {
      missing_tell(input);
      return 0;
    }
  }
}

void journal_input_close(struct journal_input *input) {
  journal_close(input->reader);
  if (input->own) {
    site_free(input->own);
    free(input->own);
  }
  free(input->frame);
  arena_close(&input->arena);
  memset(input, 0, sizeof *input);
}

#include "engine/feeder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int feeder_open(struct feeder *feeder, struct site *site, const struct engine_options *options,
                void (*emit)(void *context, const struct step_output *output), void *context,
                struct weft_error *err) {
  memset(feeder, 0, sizeof *feeder);
  int rc = engine_open(&feeder->engine, site, options, err);
  if (rc < 0) return rc;
  rc = engine_output_open(&feeder->engine, &feeder->output, err);
  if (rc < 0) {
    engine_close(&feeder->engine);
    return rc;
  }
  engine_seal(&feeder->engine);
  feeder->emit = emit;
  feeder->context = context;
  feeder->rule = frame_rule_begin(site->frame_limit_ns);
  feeder->ledger = calloc(1, sizeof *feeder->ledger);
  size_t size = frame_bytes(FRAME_DETECTIONS_MAX) + frame_builder_bytes(FRAME_DETECTIONS_MAX) +
                intake_bytes(site) + (1u << 16);
  rc = feeder->ledger ? arena_open(&feeder->arena, size) : -ENOMEM;
  if (rc == 0) rc = frame_open(&feeder->frame, &feeder->arena, FRAME_DETECTIONS_MAX);
  if (rc == 0) rc = frame_builder_open(&feeder->builder, &feeder->arena, FRAME_DETECTIONS_MAX);
  if (rc == 0) {
    rc = intake_open(&feeder->intake, &feeder->arena, site, feeder->ledger, &feeder->builder,
                     SITE_TIME_RECORDED, &feeder->rule);
  }
  if (rc < 0) {
    weft_fail(err, rc, "out of memory for frames");
    feeder_close(feeder);
    return rc;
  }
  arena_seal(&feeder->arena);
  return 0;
}

void feeder_frame(struct feeder *feeder, const struct frame *frame) {
  engine_step(&feeder->engine, frame, &feeder->output);
  if (feeder->emit) feeder->emit(feeder->context, &feeder->output);
}

static void frame_close(struct feeder *feeder, int64_t close_ns) {
  intake_close_frame(&feeder->intake, close_ns, 0, &feeder->frame);
  feeder_frame(feeder, &feeder->frame);
}

bool feeder_put(struct feeder *feeder, const struct entry *entry) {
  enum intake_verdict verdict;
  while ((verdict = entry_admit(&feeder->intake, entry)) == INTAKE_CLOSE)
    frame_close(feeder, feeder->intake.close_ns);
  return verdict == INTAKE_ACCEPTED;
}

void feeder_flush(struct feeder *feeder) {
  int64_t close_ns;
  if (!frame_rule_end(&feeder->rule, &close_ns)) return;
  do frame_close(feeder, close_ns);
  while (feeder->output.waiting > 0);
}

void feeder_end(struct feeder *feeder) {
  feeder_flush(feeder);
  engine_drain(&feeder->engine);
  engine_fates_copy(&feeder->engine, feeder->ledger);
}

void feeder_close(struct feeder *feeder) {
  engine_close(&feeder->engine);
  arena_close(&feeder->arena);
  free(feeder->ledger);
  memset(feeder, 0, sizeof *feeder);
}

/* What the server says of itself: Prometheus text for GET /metrics and a JSON body for GET /health, written from plain
 * values taken at a frame boundary, so that the books balance. The ledger line at exit is ledger_json.h. */
#ifndef WEFT_EMIT_METRICS_H
#define WEFT_EMIT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/histogram.h"
#include "engine/domain/ledger.h"
#include "engine/domain/report.h"
#include "engine/domain/site.h"
#include "engine/emit/latency.h"
#include "engine/emit/ledger_json.h"
#include "engine/emit/track_port.h"

enum { METRICS_STAGES_MAX = 16, METRICS_STATUSES = 3 };

struct metrics_stage {
  const char *name;  /* static text, e.g. "decode" */
  uint64_t count;    /* times run */
  uint64_t sum_ns;   /* time spent in it */
};

/* What the warning has said and taken back. */
struct metrics_warning {
  uint64_t estimates, deferred;      /* impact estimates made; due but put off */
  uint64_t waiting;                  /* tracks put off and not served yet, now */
  int64_t waiting_ns, first_wait_ns; /* of the oldest of them; longest wait for a first estimate so far */
  uint64_t retractions[RETRACTIONS];
  uint64_t launches, events, events_merged;
};

/* The engine's state across runs; with a journal only. */
struct metrics_state {
  uint64_t resumed;                     /* frames of the run before that this one goes on from; 0: it began anew */
  uint64_t skipped, skipped_detections; /* of them, passed over since they had crashed the engine; what was in them */
  uint64_t written, failed;             /* snapshots */
  uint64_t frame, bytes;                /* of the newest on the disk */
  int64_t copy_ns;                      /* how long the last one held the engine up */
};

/* Hot standby; only where listen.standby is configured. */
struct metrics_standby {
  bool on, connected, following;
  uint64_t acknowledged, frames, states, lost, late;
};

/* How a thread waits: looks back to back, looks after a pause, waits in which it slept (engine/base/spin.h). */
enum { METRICS_WAITS = 3 };
extern const char *const metrics_wait_names[METRICS_WAITS];

/* Filled by the server at a frame boundary. About 160 KiB: not on a stack. Zero means zero; nothing is left out but the
 * journal's metrics without a journal. */
struct metrics_snapshot {
  const struct site *site;           /* borrowed */
  const char *version;               /* build information, static text; NULL: left out */
  const char *kernels;               /* variant in use: scalar, v3, v4 */
  const char *io;                    /* receive back end */
  uint32_t workers;
  int64_t start_ns;                  /* server's start, Unix time */
  struct ledger ledger;              /* settled */
  uint64_t frames;                   /* stepped so far */
  struct histogram frame_detections; /* detections per frame */
  const struct latency *latency;     /* borrowed */
  uint32_t stage_count;
  struct metrics_stage stages[METRICS_STAGES_MAX];
  uint64_t tracks[METRICS_STATUSES]; /* now, by enum track_status; lost: so far */
  uint64_t soft_updates, shared_updates; /* tracks updated by several plots at once; by a plot of several tracks */
  uint64_t out_of_sequence[2];       /* plots older than their tracks: worked in exactly, approximately */
  struct metrics_warning warning;
  bool replay_marks_failed;          /* what was accepted under seal is not on the disk */
  bool journal_failed;               /* now */
  struct metrics_state state;
  struct metrics_standby standby;
  uint64_t waits_io[METRICS_WAITS], waits_engine[METRICS_WAITS]; /* how the threads wait, by metrics_wait_names */
  uint64_t ring_used, ring_capacity; /* between ingest and the engine, entries */
  uint32_t overload_step;
  uint64_t overload_changes;
  uint64_t lines_not_finite;         /* track reports that gave no line, all outputs */
  struct track_port_counts track_port;
};

/* Largest text that metrics_write can need for this site, bytes. */
size_t metrics_text_max(const struct site *site);
/* Prometheus text exposition format 0.0.4. Returns its length (no terminating zero), or 0 when `size` is too small. */
size_t metrics_write(char *body, size_t size, const struct metrics_snapshot *snapshot);

/* {"status":"ok",...}, {"status":"degraded",...} at a step of the overload ladder above 0, or {"status":"unhealthy","reason":"..."}:
 * `reason` NULL means healthy. Of the snapshot frames, tracks and overload_step are read. Returns its length, 0 when
 * `size` (1024 is always enough for a reason below 64 characters) is too small. */
size_t health_write(char *body, size_t size, const struct site *site, const char *reason, const struct metrics_snapshot *snapshot);

#endif

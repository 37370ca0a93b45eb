/* /metrics and /health of a running server. */
#include <string.h>

#include "engine/base/clock.h"
#include "engine/server/server.h"
#include "kernels/wk.h"

static void waits_copy(const struct spin *spin, uint64_t waits[METRICS_WAITS]) {
  waits[0] = atomic_load_explicit(&spin->polled, memory_order_relaxed);
  waits[1] = atomic_load_explicit(&spin->paused, memory_order_relaxed);
  waits[2] = atomic_load_explicit(&spin->blocked, memory_order_relaxed);
}

static void snapshot_fill(struct server *server) {
  struct metrics_snapshot *snapshot = server->snapshot;
  server_drops_note(server);
  ledger_settle(server->ledger);
  frames_journal_marks(server);
  snapshot->journal_failed = server->journal && journal_marks_of(server->journal).failing;
  struct snapshots_figures figures = snapshots_figures(server->snapshots);
  snapshot->state = (struct metrics_state){.resumed = server->resumed.frame,
                                           .skipped = server->resumed.skipped,
                                           .skipped_detections = server->resumed.skipped_detections,
                                           .written = figures.written,
                                           .failed = figures.failed,
                                           .frame = figures.frame,
                                           .bytes = figures.bytes,
                                           .copy_ns = figures.copy_ns};
  struct standby_port_figures standby = standby_port_figures(server->standby);
  snapshot->standby = (struct metrics_standby){.on = server->standby,
                                               .connected = standby.connected,
                                               .following = standby.following,
                                               .acknowledged = standby.acknowledged,
                                               .frames = standby.frames,
                                               .states = standby.states,
                                               .lost = standby.lost,
                                               .late = standby.late};
  snapshot->ledger = *server->ledger;
  snapshot->site = server->site;
  snapshot->version = WEFT_VERSION;
  snapshot->kernels = wk_table()->name;
  snapshot->io = io_name(server->io);
  snapshot->workers = pool_workers(server->engine.pool);
  snapshot->start_ns = server->started_ns;
  snapshot->frames = server->emitted;
  snapshot->frame_detections = *server->frame_detections;
  snapshot->latency = server->latency;
  snapshot->stage_count = 3;
  memcpy(snapshot->stages, server->stages, sizeof server->stages);
  snapshot->replay_marks_failed = server->marks && marks_keeper_failed(server->marks);
  waits_copy(&server->io->spin, snapshot->waits_io);
  waits_copy(&server->spin, snapshot->waits_engine);
  snapshot->ring_used = server->closed - server->emitted;
  snapshot->ring_capacity = SERVER_SLOTS;
  snapshot->overload_step = server->ladder.step;
  snapshot->overload_changes = server->ladder.changes;
  snapshot->lines_not_finite = server->tracks ? line_file_not_finite(server->tracks) : 0;
  if (server->track_port) snapshot->track_port = track_port_counts(server->track_port);
}

/* Every frame that is closed comes out in far less, also where the journal's disk stalls. */
#define FRAME_STUCK_NS 5000000000

static bool frame_stuck(const struct server *server) {
  if (server->emitted == server->closed) return false;
  return clock_monotonic_ns() - server->slots[server->emitted % SERVER_SLOTS].closed_clock_ns > FRAME_STUCK_NS;
}

const char *pages_unhealthy(const struct server *server) {
  struct journal_marks marks = {0};
  const char *reason = NULL;
  if (server->journal) marks = journal_marks_of(server->journal);
  if (server->tracks_failed) reason = "the track file can't be written";
  if (server->ledger->unjournaled > 0) reason = "frames were emitted without their journal";
  if (marks.unsynced > 0) reason = "journaled frames could not be synced to the disk";
  if (marks.failing) reason = "the journal can't be written";
  if (server->marks && marks_keeper_failed(server->marks)) reason = "replay marks can't be written";
  if (frame_stuck(server)) reason = "no frame has come out for seconds";
  return reason;
}

size_t pages_body(void *context, enum http_page page, char *body, size_t size, bool *healthy) {
  struct server *server = context;
  snapshot_fill(server);
  if (page == HTTP_METRICS) return metrics_write(body, size, server->snapshot);
  const char *reason = pages_unhealthy(server);
  *healthy = reason == NULL;
  return health_write(body, size, server->site, reason, server->snapshot);
}

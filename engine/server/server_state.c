/* The engine's state across runs of the server: what the last run left, what this one leaves. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/server/server.h"

static uint64_t run_of(const struct server *server) {
  return (uint64_t)server->started_ns;
}

/* One server a folder: a second one would take the first one's run for one that has stopped. The folder itself is locked;
 * where that can't be, the journal says what is wrong with it, or the file system knows no locks. */
static int folder_lock(struct server *server, struct weft_error *err) {
  const char *directory = server->journal_directory;
  (void)!mkdir(directory, 0755);
  server->journal_lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (server->journal_lock < 0 || flock(server->journal_lock, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return 0;
  return weft_fail(err, -EBUSY, "journal %s: in use by another server; give each its own folder", directory);
}

static void resumed_tell(const struct server *server, int64_t began_ns) {
  const struct resumed *resumed = &server->resumed;
  log_line(LOG_LEVEL_NOTICE,
           "going on from frame %llu of the run before: snapshot of frame %llu, %llu frame(s) of the journal stepped, %llu "
           "missing, %llu passed over; %.3f s",
           (unsigned long long)resumed->frame, (unsigned long long)resumed->snapshot_frame,
           (unsigned long long)resumed->stepped, (unsigned long long)resumed->missing,
           (unsigned long long)resumed->skipped, (double)(clock_monotonic_ns() - began_ns) * 1e-9);
}

int state_resume(struct server *server, struct weft_error *err) {
  const char *directory = server->journal_directory;
  int rc = directory ? folder_lock(server, err) : 0;
  if (rc < 0 || !directory || server->site->journal_resume_ns == 0 || server->options->follow) return rc;
  int64_t began_ns = clock_monotonic_ns();
  rc = run_state_watch(directory, err);
  if (rc == -ENOENT) return 0; /* the journal makes its folder */
  if (rc < 0) return rc;
  struct resume_options options = {.directory = directory,
                                   .age_max_ns = server->site->journal_resume_ns,
                                   .now_ns = server->started_ns,
                                   .frame = &server->slots[0].frame,
                                   .output = &server->slots[0].output};
  run_resume(&server->engine, &options, &server->resumed);
  run_state_unwatch();
  if (!server->resumed.any) return 0;
  engine_carry(&server->engine, engine_track_base(server->started_ns), server->ledger);
  frame_builder_resume(&server->builder, server->resumed.frame, server->resumed.time_ns);
  if (server->site->time == SITE_TIME_RECORDED) server->newest_ns = server->resumed.time_ns;
  resumed_tell(server, began_ns);
  return 0;
}

int state_begin(struct server *server, struct weft_error *err) {
  const char *directory = server->journal_directory;
  if (!directory && !server->site->listen_standby.enabled) return 0;
  struct snapshots_options options = {.engine = &server->engine,
                                      .directory = directory,
                                      .every_ns = server->site->journal_snapshot_ns,
                                      .run = run_of(server)};
  int rc = snapshots_open(&server->snapshots, &options, err);
  if (rc < 0 || !directory) return rc;
  if (server->resumed.any) {
    rc = snapshots_begin(server->snapshots, journal_segment_open(server->journal), server->resumed.frame,
                         server->resumed.time_ns, err);
    if (rc < 0) { /* a warning that can't be repeated is better than none */
      log_line(LOG_LEVEL_ERROR, "%s; this run can't be replayed", err->text);
    }
  }
  rc = run_state_start(directory, run_of(server), server->resumed.run, err);
  return rc == 0 ? run_state_watch(directory, err) : rc;
}

void state_turn(struct server *server) {
  uint64_t durable = server->journal ? journal_marks_of(server->journal).durable_frame : UINT64_MAX;
  snapshots_turn(server->snapshots, clock_monotonic_ns(), durable);
}

void state_end(struct server *server) {
  struct weft_error err;
  if (server->journal && run_state_end(server->journal_directory, run_of(server), &err) < 0)
    log_line(LOG_LEVEL_WARNING, "%s; the next start would go on with this run", err.text);
}

void state_close(struct server *server) {
  if (server->journal_lock > 0) close(server->journal_lock);
  run_state_unwatch();
  snapshots_close(server->snapshots);
  server->snapshots = NULL;
}

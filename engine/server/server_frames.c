/* The frames of a running server: when they close, the engine thread that steps them, and their emission in
 * order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/domain/overload.h"
#include "engine/server/server.h"
#include "engine/server/standby_wire.h"

/* A disk that takes longer than this for a frame is treated as failed for it. */
#define JOURNAL_STALL_NS 500000000

/* The engine, the journal and the standby say when something became of a frame; what only the clock says is seen so late. */
#define EVENTS_WAIT_NS 1000000

static struct slot *slot_of(struct server *server, uint64_t ordinal) {
  return &server->slots[ordinal % SERVER_SLOTS];
}

bool frames_step(struct server *server, uint64_t ordinal) {
  const uint64_t one = 1;
  struct slot *slot = slot_of(server, ordinal);
  if (atomic_load_explicit(&slot->state, memory_order_acquire) != SLOT_CLOSED) return false;
  slot->begun_clock_ns = clock_monotonic_ns();
  run_state_stepping((uint64_t)server->started_ns, slot->frame.number);
  engine_step(&server->engine, &slot->frame, &slot->output);
  run_state_stepping(0, 0);
  slot->hashed = server->standby && standby_hash_due(server->stepped_ns, slot->frame.time_ns);
  if (slot->hashed) slot->hash = engine_hash(&server->engine);
  server->stepped_ns = slot->frame.time_ns;
  slot->stepped_clock_ns = clock_monotonic_ns();
  tracker_statistics_get(server->engine.tracker, &slot->statistics);
  warn_statistics_get(server->engine.warn, &slot->warning);
  for (uint32_t s = 0; s < server->site->sensor_count; s++) {
    memcpy(slot->fates[s], server->engine.fates->sensors[s].fates, sizeof slot->fates[s]);
  }
  uint64_t number = slot->frame.number;
  int64_t time_ns = slot->frame.time_ns;
  atomic_store_explicit(&slot->state, SLOT_STEPPED, memory_order_release);
  if (write(server->done_fd, &one, sizeof one) < 0) weft_assert(errno == EAGAIN || errno == EINTR);
  snapshots_frame(server->snapshots, number, time_ns, clock_monotonic_ns); /* the frame's lines leave meanwhile */
  return true;
}

static void work_wait(struct server *server) {
  struct spin_wait wait = spin_begin(clock_monotonic_ns());
  while (sem_trywait(&server->work) < 0) {
    if (spin_again(&server->spin, &wait, clock_monotonic_ns())) continue;
    while (sem_wait(&server->work) < 0) weft_assert(errno == EINTR);
    return;
  }
}

static void *engine_thread(void *context) {
  struct server *server = context;
  pthread_setname_np(pthread_self(), "weft-engine");
  for (uint64_t ordinal = 0;; ordinal++) {
    work_wait(server);
    if (frames_step(server, ordinal)) continue;
    weft_assert(atomic_load(&server->ending));
    return NULL;
  }
}

/* A part of the room for lines: half of what the fullest frame needs, or what one of so few detections does. */
static uint32_t lines_part(const struct server *server) {
  enum { DETECTIONS_FEW = 64 };
  uint32_t half = (engine_reports_max(&server->engine, FRAME_DETECTIONS_MAX) + 1) / 2;
  uint32_t few = engine_reports_max(&server->engine, DETECTIONS_FEW);
  return half > few ? half : few;
}

size_t frames_bytes(const struct server *server) {
  return SERVER_SLOTS * (frame_bytes(FRAME_DETECTIONS_MAX) + sizeof(struct slot)) + line_room_bytes(lines_part(server));
}

/* Before the first frame closes, all lines are the first slot's, for who steps frames of another run (resume, follow). */
int frames_memory(struct server *server, struct weft_error *err) {
  int rc = line_room_open(&server->lines, lines_part(server), &server->arena);
  if (rc < 0) return weft_fail(err, rc, "out of memory for the lines of frames");
  server->slots = arena_take(&server->arena, SERVER_SLOTS, sizeof *server->slots);
  for (int i = 0; server->slots && i < SERVER_SLOTS; i++) {
    rc = frame_open(&server->slots[i].frame, &server->arena, FRAME_DETECTIONS_MAX);
    if (rc < 0) return weft_fail(err, rc, "out of memory for frames");
  }
  if (!server->slots) return weft_fail(err, -ENOMEM, "out of memory for frames");
  server->slots[0].output = (struct step_output){.capacity = 2 * server->lines.part, .reports = server->lines.reports};
  engine_seal(&server->engine);
  server->ladder.limit_ns = server->site->latency_limit_ns;
  server->newest_ns = INT64_MIN;
  return 0;
}

int frames_open(struct server *server, struct weft_error *err) {
  server->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (server->done_fd < 0) return weft_fail(err, -errno, "eventfd: %s", strerror(errno));
  sem_init(&server->work, 0, 0);
  int rc = io_watch(server->io, server->done_fd, TAG_ENGINE, IO_READABLE);
  if (rc < 0) return weft_fail(err, rc, "watching the engine: %s", strerror(-rc));
  rc = -pthread_create(&server->thread, NULL, engine_thread, server);
  if (rc < 0) return weft_fail(err, rc, "starting the engine thread: %s", strerror(-rc));
  server->thread_started = true;
  return 0;
}

void frames_close(struct server *server) {
  if (server->thread_started) {
    atomic_store(&server->ending, true);
    sem_post(&server->work);
    pthread_join(server->thread, NULL);
  }
  if (server->done_fd > 0) close(server->done_fd);
}

/* May this frame's lines leave? Where a journal is on, only after its append completed, was given up, or has
 * taken so long that the warning can't wait for it. */
static bool journal_lets(struct server *server, const struct slot *slot) {
  if (!server->journal || journal_marks_of(server->journal).settled_frame >= slot->frame.number) return true;
  return clock_monotonic_ns() - slot->closed_clock_ns > JOURNAL_STALL_NS;
}

void frames_journal_marks(struct server *server) {
  if (!server->journal) return;
  struct journal_marks marks = journal_marks_of(server->journal);
  server->ledger->journal = (struct ledger_journal){.on = true, .accepted_frame = marks.settled_frame,
                                                    .durable_frame = marks.durable_frame, .unsynced = marks.unsynced};
}

/* Is a frame that leaves now without a journal that works? Its own append failed or is not done, or the disk has failed and
 * not worked again since. */
static bool unjournaled(const struct server *server, uint64_t frame) {
  if (!server->journal) return false;
  struct journal_marks marks = journal_marks_of(server->journal);
  return marks.failing || marks.settled_frame < frame || journal_frame_failed(server->journal, frame);
}

static void warning_copy(const struct warn_statistics *from, struct metrics_warning *to) {
  to->estimates = from->estimates;
  to->deferred = from->deferred;
  to->waiting = from->waiting;
  to->waiting_ns = from->waiting_ns;
  to->first_wait_ns = from->first_wait_ns;
  memcpy(to->retractions, from->retractions, sizeof to->retractions);
  to->launches = from->launches;
  to->events = from->events;
  to->events_merged = from->events_merged;
}

static void slot_emit(struct server *server, struct slot *slot) {
  int64_t now_ns = io_now(server->io), began_ns = clock_monotonic_ns();
  bool marked = unjournaled(server, slot->frame.number);
  if (marked) server->ledger->unjournaled++;
  marked = marked || !standby_port_has(server->standby, slot->frame.number);
  standby_emitted(server, slot);
  if (server->tracks) {
    line_file_put(server->tracks, &slot->output, server->site);
    int rc = line_file_flush(server->tracks);
    if (rc < 0 && !server->tracks_failed) {
      log_line(LOG_LEVEL_ERROR,
               "%s: writing tracks failed: %s; later lines are dropped there, the live port goes on",
               server->options->tracks_path, strerror(-rc));
      server->tracks_failed = true;
    }
  }
  if (server->track_port) {
    track_port_unjournaled(server->track_port, marked);
    track_port_publish(server->track_port, &slot->output, now_ns);
  }
  const struct latency_times times = {.opened_ns = slot->opened_ns, .closed_ns = slot->closed_ns, .closed_clock_ns = slot->closed_clock_ns,
                                      .begun_clock_ns = slot->begun_clock_ns, .stepped_clock_ns = slot->stepped_clock_ns,
                                      .left_clock_ns = began_ns, .emitted_clock_ns = clock_monotonic_ns()};
  latency_note(server->latency, &times, &slot->output);
  for (uint32_t s = 0; s < server->site->sensor_count; s++) {
    memcpy(server->ledger->sensors[s].fates, slot->fates[s], sizeof slot->fates[s]);
  }
  server->snapshot->tracks[0] = slot->statistics.tracks_by_status[0];
  server->snapshot->tracks[1] = slot->statistics.tracks_by_status[1];
  server->snapshot->tracks[2] = slot->statistics.tracks_lost;
  server->snapshot->soft_updates = slot->statistics.tracks_softened;
  server->snapshot->shared_updates = slot->statistics.shared;
  memcpy(server->snapshot->out_of_sequence, slot->statistics.out_of_sequence,
         sizeof slot->statistics.out_of_sequence);
  warning_copy(&slot->warning, &server->snapshot->warning);
  int64_t step_ns = slot->stepped_clock_ns - slot->begun_clock_ns;
  ladder_stepped(&server->ladder, slot->frame.count, slot->frame.overload_step, step_ns);
  server->stages[1].count++;
  server->stages[1].sum_ns += (uint64_t)step_ns;
  server->stages[2].count++;
  server->stages[2].sum_ns += (uint64_t)(clock_monotonic_ns() - began_ns);
  line_room_give(&server->lines, &slot->output);
  atomic_store_explicit(&slot->state, SLOT_FREE, memory_order_release);
  server->emitted++;
}

void frames_woken(struct server *server) {
  uint64_t count;
  if (read(server->done_fd, &count, sizeof count) < 0) weft_assert(errno == EAGAIN || errno == EINTR);
}

void frames_emit(struct server *server) {
  while (server->emitted < server->closed) {
    struct slot *slot = slot_of(server, server->emitted);
    if (atomic_load_explicit(&slot->state, memory_order_acquire) != SLOT_STEPPED ||
        !journal_lets(server, slot) || !standby_lets(server, slot))
      return;
    slot_emit(server, slot);
  }
}

/* Frames that the engine has not finished. */
static bool engine_busy(const struct server *server) {
  for (uint64_t ordinal = server->emitted; ordinal < server->closed; ordinal++) {
    const struct slot *slot = &server->slots[ordinal % SERVER_SLOTS];
    if (atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_CLOSED) return true;
  }
  return false;
}

/* Time of the frame about to close: the receiver's clock, or, where time is recorded, that of the data. */
static int64_t frame_time_ns(struct server *server, int64_t now_ns) {
  if (server->site->time == SITE_TIME_LIVE) return now_ns;
  const struct frame *open = &server->builder.open;
  for (uint32_t i = 0; i < open->count; i++) {
    if (open->time_of_ns[i] > server->newest_ns) server->newest_ns = open->time_of_ns[i];
  }
  return server->newest_ns == INT64_MIN ? 0 : server->newest_ns;
}

static void append_try(struct server *server, struct slot *slot) {
  int rc = journal_append(server->journal, &slot->frame, slot->closed_ns);
  server->append_waiting = rc == -EAGAIN ? slot->frame.number : 0;
}

/* Leaving 0, each step higher than any since, and being back; what goes up and down between is in the metrics. */
static void ladder_say(const struct server *server, uint32_t highest_before) {
  const struct ladder *ladder = &server->ladder;
  if (ladder->step > highest_before) {
    log_line(LOG_LEVEL_WARNING,
             "overload: step %u of %d: more came than can be used within latency_limit_ms; %u of 16 parts of the detections are used%s",
             ladder->step, OVERLOAD_MOST, overload_keeps(ladder->step),
             ladder->step < OVERLOAD_SHEDS ? ", estimates are renewed less often" : "");
  } else if (ladder->step == OVERLOAD_NONE) {
    log_line(LOG_LEVEL_NOTICE, "overload: over after %.1f s, step %u at the most; everything is used again",
             (double)(server->closed_clock_ns - ladder->since_ns) * 1e-9, ladder->highest);
  }
}

/* The step of the ladder for the open frame. */
static uint32_t ladder_turn(struct server *server) {
  struct ladder *ladder = &server->ladder;
  uint32_t before = ladder->step, highest = before == OVERLOAD_NONE ? OVERLOAD_NONE : ladder->highest;
  double ahead = 0;
  for (uint64_t ordinal = server->emitted; ordinal < server->closed; ordinal++) {
    const struct slot *slot = slot_of(server, ordinal);
    if (atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_CLOSED)
      ahead += ladder_work(slot->frame.count, slot->frame.overload_step);
  }
  uint32_t step = ladder_decide(ladder, server->builder.open.count, ahead, server->closed_clock_ns);
  if (step != before) ladder_say(server, highest);
  return step;
}

/* Lines that the open frame may give. */
static uint32_t lines_open(const struct server *server) {
  return engine_reports_max(&server->engine, server->builder.open.count);
}

/* `forced`: since it was full, or nothing more comes. */
static void frame_close(struct server *server, bool forced) {
  struct slot *slot = slot_of(server, server->closed);
  line_room_take(&server->lines, lines_open(server), &slot->output);
  int64_t now_ns = io_now(server->io);
  server->closed_clock_ns = clock_monotonic_ns();
  intake_close_frame(&server->intake, frame_time_ns(server, now_ns), ladder_turn(server), &slot->frame);
  histogram_record(server->frame_detections, slot->frame.count);
  if (server->track_port) track_port_rest(server->track_port, !server->stopping && (forced || slot->frame.overload_step != OVERLOAD_NONE));
  slot->opened_ns = server->opened_ns > 0 ? server->opened_ns : now_ns;
  slot->closed_ns = now_ns;
  slot->closed_clock_ns = server->closed_clock_ns;
  if (server->journal) append_try(server, slot);
  atomic_store_explicit(&slot->state, SLOT_CLOSED, memory_order_release);
  sem_post(&server->work);
  standby_frame(server, &slot->frame); /* which the engine only reads */
  server->closed++;
  server->open_since_ns = server->opened_ns = 0;
}

static bool slot_free(const struct server *server) {
  return server->closed - server->emitted < SERVER_SLOTS && !server->append_waiting &&
         line_room_fits(&server->lines, lines_open(server));
}

bool frames_crowded(const struct server *server) { return !slot_free(server); }

static void append_retry(struct server *server) {
  for (uint64_t ordinal = server->emitted; server->append_waiting && ordinal < server->closed; ordinal++) {
    struct slot *slot = slot_of(server, ordinal);
    if (slot->frame.number != server->append_waiting) continue;
    append_try(server, slot);
    if (server->append_waiting && clock_monotonic_ns() - slot->closed_clock_ns > JOURNAL_STALL_NS) {
      journal_give_up(server->journal, slot->frame.number);
      server->append_waiting = 0;
    }
  }
}

/* The next lines to leave are ready but for the standby's word, which has a time limit. */
static bool standby_waits(const struct server *server) {
  if (server->emitted == server->closed) return false;
  const struct slot *slot = &server->slots[server->emitted % SERVER_SLOTS];
  return atomic_load_explicit(&slot->state, memory_order_acquire) == SLOT_STEPPED && !standby_lets(server, slot);
}

/* Until something may have become of the frames: engine and journal say so, the rest the clock says. */
static void frames_serve(struct server *server) {
  const int64_t poll_ns = 20000000, retry_ns = 1000000;
  server_events_serve(server, server->append_waiting || standby_waits(server) ? retry_ns : poll_ns);
  append_retry(server);
  if (server->journal) journal_turn(server->journal, io_now(server->io));
  frames_emit(server);
  service_turn(server);
}

/* The engine is behind by all slots, or by all room for lines, and the open frame is full, which sensors without a budget alone can bring about
 * (intake.h): nothing more is taken from the kernel until a slot is free; all else goes on. What overflows there is counted there. */
static void slot_wait(struct server *server) {
  bool before = server->full;
  server->full = true;
  while (!slot_free(server)) frames_serve(server);
  server->full = before;
}

void frames_turn(struct server *server, bool force) {
  int64_t now_ns = clock_monotonic_ns();
  if (server->journal) journal_turn(server->journal, io_now(server->io));
  append_retry(server);
  if (force) {
    slot_wait(server);
    frame_close(server, true);
    return;
  }
  if (!slot_free(server)) return;
  if (frame_builder_is_empty(&server->builder)) {
    if (now_ns - server->closed_clock_ns >= FRAME_SILENCE_NS && !engine_busy(server)) frame_close(server, false);
    return;
  }
  if (server->open_since_ns == 0) server->open_since_ns = now_ns;
  if (!engine_busy(server) || now_ns - server->open_since_ns >= server->site->frame_limit_ns)
    frame_close(server, false);
}

/* Arrival is by the receiver's clock; a step of that clock must not make the entry older than it can be. */
void frames_opened(struct server *server, int64_t arrival_ns) {
  if (server->open_since_ns != 0 || frame_builder_is_empty(&server->builder)) return;
  server->opened_ns = io_now(server->io);
  int64_t age_ns = server->opened_ns - arrival_ns;
  if (age_ns < 0) age_ns = 0;
  if (age_ns > server->site->frame_limit_ns) age_ns = server->site->frame_limit_ns;
  server->open_since_ns = clock_monotonic_ns() - age_ns;
}

int64_t frames_wait_ns(const struct server *server) {
  const int64_t poll_ns = 100000000, retry_ns = 1000000;
  int64_t now_ns = clock_monotonic_ns();
  if (server->append_waiting || standby_waits(server)) return retry_ns;
  /* Whoever frees a slot, engine or journal, says so by an event; a stalled journal is seen by the clock. */
  if (!slot_free(server)) return retry_ns;
  if (!frame_builder_is_empty(&server->builder)) {
    if (!engine_busy(server)) return 0;
    int64_t left_ns = server->open_since_ns + server->site->frame_limit_ns - now_ns;
    return left_ns > 0 ? left_ns : retry_ns;
  }
  int64_t left_ns = server->closed_clock_ns + FRAME_SILENCE_NS - now_ns;
  if (left_ns <= 0) return engine_busy(server) ? poll_ns : 0; /* a busy engine wakes us when it is done */
  return left_ns < poll_ns ? left_ns : poll_ns;
}

/* The last frame had more to say than fits into one: another one says it. */
static bool lines_wait(struct server *server) {
  return server->emitted > 0 && slot_of(server, server->emitted - 1)->output.waiting > 0;
}

void frames_finish(struct server *server) {
  if (!frame_builder_is_empty(&server->builder)) frames_turn(server, true);
  const int64_t say_every_ns = 5000000000;
  int64_t said_ns = clock_monotonic_ns();
  while (server->emitted < server->closed) {
    frames_serve(server);
    if (server->emitted == server->closed && lines_wait(server)) frame_close(server, true);
    if (clock_monotonic_ns() - said_ns > say_every_ns) {
      said_ns = clock_monotonic_ns();
      log_line(LOG_LEVEL_WARNING, "draining: %llu frame(s) left; a second signal ends it without them",
               (unsigned long long)(server->closed - server->emitted));
    }
  }
}

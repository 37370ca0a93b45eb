/* weft run: the server as a whole. */
#include "engine/server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/journal_input.h"

enum { DRAIN_TURNS_MAX = 1000, DRAIN_WAITS_MAX = 100, DRAIN_WAIT_NS = 10000000, TURN_DATAGRAMS = 64 };

/* A server keeps its books by wall clock; track numbers begin where no earlier run can have come. */
static int engine_start(struct server *server, struct weft_error *err) {
  const struct weft_run_options *o = server->options;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  server->started_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  int rc = engine_profile_load(o->profile_path, &server->profile, err);
  if (rc < 0) return rc;
  struct engine_options options = {.workers = o->workers,
                                   .profile = &server->profile,
                                   .tracks_max = o->tracks_max,
                                   .outputs_elsewhere = true,
                                   .track_base = engine_track_base(server->started_ns)};
  struct site *site;
  rc = engine_site_load(o->config_path, &site, err);
  if (rc < 0) return rc;
  if (!site->frame_limit_stated && server->profile.frame_limit_ms > 0)
    site->frame_limit_ns = (int64_t)(server->profile.frame_limit_ms * 1e6 + 0.5);
  rc = engine_open(&server->engine, site, &options, err);
  server->site = rc < 0 ? NULL : site;
  if (rc < 0) return rc;
  server->journal_directory = o->journal_directory ? o->journal_directory
                              : site->journal_directory[0] ? site->journal_directory : NULL;
  return 0;
}

static struct track_port_config tracks_config(const struct server *server) {
  return (struct track_port_config){.address = &server->site->listen_tracks,
                                    .site = server->site,
                                    .tag_first = TAG_TRACKS,
                                    .tracks_max = server->engine.tracks_max};
}

static struct http_port_config pages_config(struct server *server) {
  return (struct http_port_config){.address = &server->site->listen_metrics,
                                   .tag_first = TAG_METRICS,
                                   .body = pages_body,
                                   .body_bytes = metrics_text_max(server->site),
                                   .context = server};
}

/* The journal remembers which file its configuration is from, so that relative paths in it keep their meaning, and what a
 * replay needs to be the same run. */
static void parameters_write(struct server *server) {
  char *absolute = realpath(server->options->config_path, NULL);
  int used = snprintf(server->parameters, sizeof server->parameters, JOURNAL_CONFIG_KEY "%s\n" JOURNAL_TRACKS_KEY "%u\n",
                      absolute ? absolute : server->options->config_path, server->engine.tracks_max);
  free(absolute);
  if (!server->resumed.any || used < 0 || (size_t)used >= sizeof server->parameters) return;
  snprintf(server->parameters + used, sizeof server->parameters - (size_t)used, JOURNAL_BASE_KEY "%llu\n",
           (unsigned long long)server->resumed.frame);
}

static struct journal_options journal_config(const struct server *server, const char *directory) {
  struct journal_options options = {
      .directory = directory, .segment_mib = server->site->journal_segment_mib,
      .pack = server->site->journal_pack, .parity_segments = server->site->journal_parity_segments,
      .parity_files = server->site->journal_parity_files, .token_base = TOKEN_JOURNAL};
  options.head.track_base = engine_track_base(server->started_ns);
  memcpy(options.head.centre, server->site->centre, sizeof options.head.centre);
  options.head.site_text = server->site->text;
  options.head.site_size = server->site->text_size;
  options.head.parameters = server->parameters;
  options.head.parameter_size = strlen(server->parameters);
  return options;
}

/* Everything that is allocated once. */
static int memory_open(struct server *server, struct weft_error *err) {
  struct track_port_config tracks = tracks_config(server);
  struct http_port_config pages = pages_config(server);
  struct journal_options journal = journal_config(server, "");
  size_t size = frame_builder_bytes(FRAME_DETECTIONS_MAX) +
                frames_bytes(server) + intake_bytes(server->site) + keys_bytes(server->site) + SERVER_STREAMS_MAX * sizeof(struct stream) +
                2 * sizeof(struct io_batch) + sizeof(struct ledger) + sizeof(struct metrics_snapshot) +
                sizeof(struct histogram) + sizeof(struct latency) + (1u << 20);
  if (server->site->listen_tracks.enabled) size += track_port_arena_bytes(&tracks);
  if (server->site->listen_metrics.enabled) size += http_port_arena_bytes(&pages);
  if (server->journal_directory) size += journal_writer_bytes(&journal);
  int rc = arena_open(&server->arena, size);
  if (rc < 0) return weft_fail(err, rc, "out of memory: the server needs %zu MiB", size >> 20);
  server->batch = arena_take(&server->arena, 1, sizeof *server->batch);
  server->events = arena_take(&server->arena, 1, sizeof *server->events);
  server->ledger = arena_take(&server->arena, 1, sizeof *server->ledger);
  server->snapshot = arena_take(&server->arena, 1, sizeof *server->snapshot);
  server->latency = arena_take(&server->arena, 1, sizeof *server->latency);
  server->frame_detections = arena_take(&server->arena, 1, sizeof *server->frame_detections);
  server->stages[0].name = "receive";
  server->stages[1].name = "step";
  server->stages[2].name = "emit";
  rc = server->frame_detections ? frame_builder_open(&server->builder, &server->arena, FRAME_DETECTIONS_MAX)
                                : -ENOMEM;
  if (rc == 0) {
    rc = intake_open(&server->intake, &server->arena, server->site, server->ledger, &server->builder,
                     server->site->time, NULL);
  }
  return rc < 0 ? weft_fail(err, rc, "out of memory for frames") : 0;
}

static int outputs_open(struct server *server, struct weft_error *err) {
  int rc = 0;
  if (server->options->tracks_path) rc = line_file_open(&server->tracks, server->options->tracks_path, err);
  if (rc == 0 && server->site->listen_tracks.enabled) {
    struct track_port_config config = tracks_config(server);
    rc = track_port_open(&server->track_port, &config, server->io, &server->arena, err);
    if (rc < 0) return rc;
    server->port_tracks = (uint16_t)rc;
    rc = 0;
  }
  if (rc == 0 && server->site->listen_metrics.enabled) {
    struct http_port_config config = pages_config(server);
    rc = http_port_open(&server->http, &config, server->io, &server->arena, err);
    if (rc < 0) return rc;
    server->port_metrics = (uint16_t)rc;
    rc = 0;
  }
  if (rc == 0 && server->journal_directory) {
    struct journal_options options = journal_config(server, server->journal_directory);
    rc = journal_writer_open(&server->journal, &server->arena, server->io, &options, server->started_ns, err);
  }
  return rc;
}

static int signals_open(struct server *server, struct weft_error *err) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGINT);
  sigaddset(&mask, SIGTERM);
  sigaddset(&mask, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &mask, NULL);
  server->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
  if (server->signal_fd < 0) return weft_fail(err, -errno, "signalfd: %s", strerror(errno));
  int rc = io_watch(server->io, server->signal_fd, TAG_SIGNAL, IO_READABLE);
  return rc < 0 ? weft_fail(err, rc, "watching signals: %s", strerror(-rc)) : 0;
}

static void ready_print(const struct server *server) {
  FILE *out = server->options->out;
  const struct site *site = server->site;
  fprintf(out, "ready");
  if (server->port_detections)
    fprintf(out, " detections=udp:%s:%u", site->listen_detections.host, server->port_detections);
  if (server->port_tracks) fprintf(out, " tracks=tcp:%s:%u", site->listen_tracks.host, server->port_tracks);
  if (server->port_metrics)
    fprintf(out, " metrics=http:%s:%u", site->listen_metrics.host, server->port_metrics);
  if (server->port_asterix)
    fprintf(out, " asterix=udp:%s:%u", site->listen_asterix.host, server->port_asterix);
  if (server->port_standby) fprintf(out, " standby=tcp:%s:%u", site->listen_standby.host, server->port_standby);
  fprintf(out, "\n");
  (void)fflush(out);
}

bool server_signal_taken(struct server *server) {
  struct signalfd_siginfo info;
  if (read(server->signal_fd, &info, sizeof info) != (ssize_t)sizeof info) return false;
  if (info.ssi_signo != SIGHUP) return true;
  server->reload = true;
  return false;
}

static void event_take(struct server *server, const struct io_event *event) {
  bool disk = event->kind == IO_EVENT_APPEND || event->kind == IO_EVENT_SYNC;
  if (disk && server->journal && journal_owns(server->journal, event->token)) {
    journal_completed(server->journal, event->token, event->result);
  } else if (event->kind == IO_EVENT_SOCKET) {
    /* The first one, then every doubling. */
    uint64_t failures = ++server->receive_failures;
    if ((failures & (failures - 1)) == 0)
      log_line(LOG_LEVEL_WARNING, "receiving failed on listen.%s: %s; it goes on (%llu time(s) so far)",
               event->token == TAG_ASTERIX ? "asterix" : "detections", strerror(-event->result),
               (unsigned long long)failures);
  } else if (event->kind == IO_EVENT_READY && event->token == TAG_SIGNAL) {
    if (server_signal_taken(server)) {
      server->hurried = server->stopping;
      server->stopping = true;
    }
  } else if (event->kind == IO_EVENT_READY && event->token == TAG_ENGINE) {
    frames_woken(server);
  } else if (server->track_port && track_port_owns(server->track_port, event->token)) {
    track_port_ready(server->track_port, event->token, event->result, io_now(server->io));
  } else if (server->http && http_port_owns(server->http, event->token)) {
    http_port_ready(server->http, event->token, event->result, clock_monotonic_ns());
  } else if (standby_port_owns(server->standby, event->token)) {
    standby_port_ready(server->standby, event->token, event->result, clock_monotonic_ns());
  } else {
    inputs_event(server, event);
  }
}

void server_events_serve(struct server *server, int64_t timeout_ns) {
  int rc = io_events(server->io, server->events, timeout_ns);
  for (uint32_t i = 0; rc > 0 && i < server->events->event_count; i++) event_take(server, &server->events->events[i]);
  io_release(server->io, server->events);
  if (!server->hurried) return;
  log_line(LOG_LEVEL_ERROR, "ended by a second signal: the last frames were not emitted");
  _exit(1);
}

/* What has been received, piece by piece: an engine that waits gets a frame after each, and lines that are done leave. A batch of 1,024 takes
 * half a millisecond where a sensor floods, about ten where all is used. Returns the nanoseconds that frames and lines took between the pieces. */
static int64_t datagrams_take(struct server *server) {
  const struct io_batch *batch = server->batch;
  int64_t between_ns = 0;
  for (uint32_t i = 0; i < batch->datagram_count; i++) {
    inputs_datagram(server, &batch->datagrams[i]);
    if ((i + 1) % TURN_DATAGRAMS != 0) continue;
    int64_t began_ns = io_now(server->io);
    frames_emit(server);
    frames_turn(server, false);
    between_ns += io_now(server->io) - began_ns;
  }
  return between_ns;
}

/* One turn of the I/O thread. Returns the datagrams received, or a negative errno. */
static int turn(struct server *server, int64_t timeout_ns) {
  int rc = io_receive(server->io, server->batch, timeout_ns);
  if (rc < 0) return rc;
  int64_t began_ns = io_now(server->io);
  server->intake.clock_ns = clock_monotonic_ns();
  int datagrams = (int)server->batch->datagram_count;
  int64_t between_ns = datagrams_take(server);
  for (uint32_t i = 0; i < server->batch->event_count; i++) event_take(server, &server->batch->events[i]);
  io_release(server->io, server->batch);
  inputs_turn(server);
  keys_turn(server);
  state_turn(server);
  standby_port_turn(server->standby, clock_monotonic_ns());
  if (datagrams > 0) {
    server->stages[0].count++;
    server->stages[0].sum_ns += (uint64_t)(io_now(server->io) - began_ns - between_ns);
  }
  frames_emit(server);
  frames_turn(server, false);
  service_turn(server);
  return datagrams;
}

void server_drops_note(struct server *server) {
  server->ledger->kernel_drops = io_kernel_drops(server->io, TAG_DETECTIONS) + io_kernel_drops(server->io, TAG_ASTERIX);
}

static int loop(struct server *server, struct weft_error *err) {
  int64_t end_ns = server->options->duration_s > 0
                       ? server->started_ns + (int64_t)(server->options->duration_s * 1e9)
                       : INT64_MAX;
  int64_t ticked_ns = 0;
  while (!server->stopping) {
    int64_t now_ns = io_now(server->io), wait_ns = frames_wait_ns(server);
    if (now_ns >= end_ns) break;
    if (end_ns - now_ns < wait_ns) wait_ns = end_ns - now_ns;
    int rc = turn(server, wait_ns);
    if (rc < 0) return weft_fail(err, rc, "receiving failed: %s", strerror(-rc));
    int64_t clock_ns = clock_monotonic_ns();
    if (clock_ns - ticked_ns > 1000000000) {
      server_drops_note(server);
      if (server->http) http_port_tick(server->http, clock_ns);
      ticked_ns = clock_ns;
    }
  }
  return 0;
}

/* Readers have what is theirs and the journal has nothing in flight. */
static bool outputs_done(const struct server *server) {
  return (!server->track_port || track_port_drained(server->track_port)) &&
         (!server->journal || journal_idle(server->journal));
}

/* What the kernel still holds is taken, everything is stepped and emitted, readers get what is theirs for up to a second. What arrives
 * then comes after the end and is not taken. */
static int drain(struct server *server, struct weft_error *err) {
  service_stopping(server);
  for (int i = 0; i < DRAIN_TURNS_MAX && turn(server, 0) > 0; i++) continue;
  server->full = true;
  frames_finish(server);
  standby_port_bye(server->standby, clock_monotonic_ns());
  engine_drain(&server->engine);
  recovery_end(&server->recovery);
  engine_fates_copy(&server->engine, server->ledger);
  server_drops_note(server);
  if (server->journal) journal_finish(server->journal);
  if (server->track_port) {
    track_port_rest(server->track_port, false);
    track_port_send(server->track_port, io_now(server->io));
  }
  for (int i = 0; i < DRAIN_WAITS_MAX && !outputs_done(server); i++) server_events_serve(server, DRAIN_WAIT_NS);
  frames_journal_marks(server);
  state_end(server);
  int rc = server->tracks ? line_file_flush(server->tracks) : 0;
  if (rc < 0)
    weft_fail(err, rc, "%s: writing tracks failed: %s; %llu later line(s) are missing there",
              server->options->tracks_path, strerror(-rc),
              (unsigned long long)line_file_dropped(server->tracks));
  int printed = engine_ledger_print(server->ledger, server->site, server->options->out);
  return rc < 0 ? rc : printed < 0 ? weft_fail(err, printed, "writing the ledger failed: %s", strerror(-printed)) : 0;
}

static void server_close(struct server *server) {
  frames_close(server);
  standby_close(server);
  state_close(server);
  if (server->io) inputs_close(server);
  keys_close(server);
  track_port_close(server->track_port);
  if (server->http) http_port_close(server->http);
  if (server->journal) journal_writer_close(server->journal);
  line_file_close(server->tracks);
  io_close(server->io);
  if (server->signal_fd > 0) close(server->signal_fd);
  service_close(server);
  engine_close(&server->engine);
  arena_close(&server->arena);
  free(server);
}

/* Everything up to the ready line. A standby follows first, and opens the rest when it takes over; stopping: a signal came
 * before it did. */
static int parts_open(struct server *server, struct weft_error *err) {
  bool follows = server->options->follow != NULL;
  int rc = frames_memory(server, err);
  service_open(server);
  if (rc == 0 && follows) arena_touch(&server->arena); /* a takeover has no time for it */
  if (rc == 0 && follows) rc = standby_follow(server, err);
  if (rc < 0 || server->stopping) return rc;
  rc = keys_open(server, err);
  if (rc == 0) sealed_feeds_exactly(&server->feeds, server->exact, server->exact_count);
  if (rc == 0) rc = inputs_open(server, err);
  if (rc == 0) rc = state_resume(server, err); /* what arrives meanwhile waits in the sockets */
  if (rc == 0) parameters_write(server);
  if (rc == 0) rc = outputs_open(server, err);
  if (rc == 0) rc = state_begin(server, err);
  if (rc == 0) rc = standby_open(server, err);
  return rc == 0 ? frames_open(server, err) : rc;
}

int weft_run(const struct weft_run_options *options, struct weft_error *err) {
  static const enum io_choice choices[] = {
      [WEFT_IO_AUTO] = IO_AUTO, [WEFT_IO_URING] = IO_URING, [WEFT_IO_PLAIN] = IO_PLAIN};
  struct server *server = calloc(1, sizeof *server);
  if (!server) return weft_fail(err, -ENOMEM, "out of memory");
  server->options = options;
  int rc = engine_start(server, err);
  if (rc == 0) rc = memory_open(server, err);
  struct io_config io = {.buffer_count = server->profile.buffers,
                         .buffer_bytes = server->profile.buffer_bytes,
                         .rcvbuf_bytes = server->profile.socket_buffer_mib << 20,
                         .spin_us = server->profile.spin_us};
  server->spin.budget_ns = server->profile.spin_us * INT64_C(1000);
  if (rc == 0) rc = io_open(choices[options->io], &io, &server->io, err);
  if (rc == 0) rc = signals_open(server, err);
  if (rc == 0) rc = parts_open(server, err);
  if (rc == 0 && server->stopping) {
    rc = engine_ledger_print(server->ledger, server->site, options->out);
  } else if (rc == 0) {
    arena_seal(&server->arena);
    topology_bind_io_thread(server->engine.plan);
    server->closed_clock_ns = clock_monotonic_ns();
    ready_print(server);
    service_ready(server);
    if (options->follow)
      log_line(LOG_LEVEL_WARNING, "standby: took over, %.3f s after the server was gone",
               (double)(clock_monotonic_ns() - server->lost_clock_ns) * 1e-9);
    rc = loop(server, err);
    if (rc == 0) rc = drain(server, err);
  }
  server_close(server);
  return rc;
}

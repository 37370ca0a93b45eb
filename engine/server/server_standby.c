/* Hot standby, both ends, as parts of a server. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netdb.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/server/follow.h"
#include "engine/server/server.h"

/* How long the addresses of a server that has just died may stay taken: its descriptors close one after the other. */
enum { ADDRESS_TRIES = 120, ADDRESS_PAUSE_NS = 5000000 };

static bool signal_taken(void *context) {
  return server_signal_taken(context);
}

/* The service manager sees a standby that follows as ready, and alive while frames come. */
static void frame_followed(void *context) {
  struct server *server = context;
  if (server->closed == 0) service_ready(server);
  server->emitted = ++server->closed;
  service_turn(server);
}

static bool address_free(const struct listen_address *address, int type) {
  struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
  char port[8];
  int one = 1;
  if (!address->enabled || address->port == 0) return true;
  snprintf(port, sizeof port, "%u", (unsigned)address->port);
  if (getaddrinfo(address->host, port, &hints, &found) != 0) return true; /* who opens it says what is wrong */
  int fd = socket(found->ai_family, type | SOCK_CLOEXEC, 0);
  if (type == SOCK_STREAM && fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  bool taken = fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) < 0 && errno == EADDRINUSE;
  if (fd >= 0) close(fd);
  freeaddrinfo(found);
  return !taken;
}

/* On the same machine a server that lives holds its addresses: whoever can't have them doesn't take over. */
static int addresses_await(const struct server *server, struct weft_error *err) {
  const struct site *site = server->site;
  const struct {
    const struct listen_address *address;
    int type;
    const char *name;
  } all[] = {{&site->listen_detections, SOCK_DGRAM, "detections"}, {&site->listen_detections, SOCK_STREAM, "detections"},
             {&site->listen_asterix, SOCK_DGRAM, "asterix"},       {&site->listen_tracks, SOCK_STREAM, "tracks"},
             {&site->listen_metrics, SOCK_STREAM, "metrics"},      {&site->listen_standby, SOCK_STREAM, "standby"}};
  static const struct timespec pause = {.tv_nsec = ADDRESS_PAUSE_NS};
  size_t at = 0;
  for (int tries = 0; at < sizeof all / sizeof *all; at++) {
    while (!address_free(all[at].address, all[at].type)) {
      if (++tries > ADDRESS_TRIES)
        return weft_fail(err, -EADDRINUSE,
                         "standby: the server is gone from here but listen.%s is still taken: it lives, or somebody else has "
                         "the address; not taking over, start it again to follow", all[at].name);
      nanosleep(&pause, NULL);
    }
  }
  return 0;
}

static void state_adopt(struct server *server, const struct followed *followed) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  server->started_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec; /* this run begins here */
  server->resumed = (struct resumed){
      .any = true, .frame = followed->frame, .snapshot_frame = followed->frame, .time_ns = followed->time_ns};
  server->stepped_ns = followed->time_ns;
  engine_carry(&server->engine, engine_track_base(server->started_ns), server->ledger);
  frame_builder_resume(&server->builder, followed->frame, followed->time_ns);
  if (server->site->time == SITE_TIME_RECORDED) server->newest_ns = followed->time_ns;
  server->closed = server->emitted = 0;
}

int standby_follow(struct server *server, struct weft_error *err) {
  struct followed followed;
  struct follow_options options = {.from = server->options->follow,
                                   .engine = &server->engine,
                                   .frame = &server->slots[0].frame,
                                   .output = &server->slots[0].output,
                                   .signal_fd = server->signal_fd,
                                   .signal_taken = signal_taken,
                                   .stepped = frame_followed,
                                   .context = server};
  int rc = follow_run(&options, &followed, err);
  if (rc == 0 && followed.end == FOLLOW_STOPPED) {
    server->stopping = true;
  } else if (rc == 0) {
    log_line(LOG_LEVEL_WARNING, "standby: %s; taking over after frame %llu, state %016llx, %llu hash(es) compared",
             followed.orderly ? "the server has ended" : "the server is gone", (unsigned long long)followed.frame,
             (unsigned long long)engine_hash(&server->engine), (unsigned long long)followed.hashes);
    rc = addresses_await(server, err);
    if (rc == 0) state_adopt(server, &followed);
    server->lost_clock_ns = followed.lost_clock_ns;
    server->exact = followed.marks;
    server->exact_count = followed.mark_count;
    return rc;
  }
  free(followed.marks);
  return rc;
}

/* Every frame that the engine has not finished, and those whose lines have not left. */
static void frames_pending(void *context) {
  struct server *server = context;
  for (uint64_t ordinal = server->emitted; ordinal < server->closed; ordinal++)
    standby_frame(server, &server->slots[ordinal % SERVER_SLOTS].frame);
}

int standby_open(struct server *server, struct weft_error *err) {
  if (!server->site->listen_standby.enabled) return 0;
  struct standby_port_config config = {.address = &server->site->listen_standby,
                                       .snapshots = server->snapshots,
                                       .layout = engine_layout(&server->engine),
                                       .tag_first = TAG_STANDBY,
                                       .frames_pending = frames_pending,
                                       .context = server};
  struct replay_mark *grown = realloc(server->exact, (sealed_feeds_marks_max(&server->feeds) + 1) * sizeof *grown);
  if (!grown) return weft_fail(err, -ENOMEM, "out of memory for a standby");
  server->exact = grown;
  int rc = standby_port_open(&server->standby, &config, server->io, err);
  if (rc < 0) return rc;
  server->port_standby = (uint16_t)rc;
  return 0;
}

void standby_frame(struct server *server, const struct frame *frame) {
  uint32_t count = 0;
  if (!server->standby) return;
  if (server->feeds.sensor_count > 0) {
    bool due = server->feeds.lease_due; /* the file's business, not ours */
    count = sealed_feeds_marks(&server->feeds, true, server->exact);
    server->feeds.lease_due = due;
  }
  standby_port_frame(server->standby, frame, server->exact, count, clock_monotonic_ns());
}

bool standby_lets(const struct server *server, const struct slot *slot) {
  if (standby_port_has(server->standby, slot->frame.number)) return true;
  return clock_monotonic_ns() - slot->closed_clock_ns > server->site->frame_limit_ns;
}

void standby_emitted(struct server *server, const struct slot *slot) {
  if (!server->standby) return;
  if (slot->hashed) standby_port_hash(server->standby, slot->frame.number, slot->hash);
  if (!standby_port_has(server->standby, slot->frame.number)) standby_port_late(server->standby);
}

void standby_close(struct server *server) {
  standby_port_close(server->standby);
  server->standby = NULL;
  free(server->exact);
  server->exact = NULL;
}

#include "engine/emit/track_port.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/emit/listener.h"
#include "engine/emit/newest.h"
#include "engine/emit/track_line.h"

enum {
  BUFFER_DEFAULT = 256 * 1024,
  KERNEL_BUFFER = 512 * 1024, /* asked for per connection: what waits in the kernel can't be conflated any more */
  PUBLISH_LINES_MAX = 2048,   /* written out per step, about 3 ms; the rest of a larger step goes out newest-per-track */
  ASKED_AHEAD = 4,            /* reports: a report and its place in the table are in no cache */
  REST_TIMES = 2,             /* so many times the lines that went out since a sweep began must have come before the next one, while they rest */
  SEND_ROUNDS_MAX = 4,        /* buffers sent per subscriber and event */
  MISSED_LINE_MAX = 64,
  KEEPALIVE_IDLE_S = 30,
  KEEPALIVE_INTERVAL_S = 10,
  KEEPALIVE_PROBES = 3
};

struct subscriber {
  int fd;            /* owned; -1: place free */
  unsigned interest; /* as last given to io_watch */
  bool input_closed; /* the peer sends no more, it may still read */
  char *buffer;      /* buffer_bytes */
  uint32_t head, tail;
  uint64_t cursor;   /* the sweep goes on with this track number; 0: begins */
  uint64_t sweep_begun, sweep_lines; /* lines that had come when it began last; that went out since */
  uint64_t pending;  /* tracks marked for it */
  uint64_t missed;   /* passed over and not yet told */
  bool request_begun; /* input since the last end of line */
};

struct track_port {
  struct io *io;
  const struct site *site;
  uint64_t tag_first;
  uint32_t buffer_bytes;
  struct listener listener;
  uint64_t open;   /* bit per subscriber that is connected */
  uint64_t behind; /* of these: gets the newest state per track */
  struct subscriber subscribers[TRACK_PORT_SUBSCRIBERS_MAX];
  struct newest newest;
  struct track_port_counts counts;
  bool unjournaled; /* what goes out now is in no journal that works */
  bool rests;       /* sweeps are not begun anew at once */
  uint64_t come;    /* lines of all steps so far */
  char line[TRACK_LINE_MAX];
};

static uint64_t bit_of(uint32_t index) { return (uint64_t)1 << index; }

/* As many lost ones as live ones may wait for a reader. */
static uint32_t places_of(const struct track_port_config *config) { return 2 * config->tracks_max; }

static uint32_t buffer_bytes_of(const struct track_port_config *config) {
  return config->buffer_bytes ? config->buffer_bytes : BUFFER_DEFAULT;
}

size_t track_port_arena_bytes(const struct track_port_config *config) {
  return sizeof(struct track_port) + newest_arena_bytes(places_of(config)) + 64 +
         (size_t)TRACK_PORT_SUBSCRIBERS_MAX * (buffer_bytes_of(config) + 64u);
}

int track_port_open(struct track_port **out, const struct track_port_config *config, struct io *io,
                    struct arena *arena, struct weft_error *err) {
  weft_assert(config->tracks_max > 0 && buffer_bytes_of(config) >= TRACK_PORT_BUFFER_MIN);
  struct track_port *port = arena_take(arena, 1, sizeof *port);
  if (!port || newest_open(&port->newest, places_of(config), arena) < 0) goto no_memory;
  port->io = io;
  port->site = config->site;
  port->tag_first = config->tag_first;
  port->buffer_bytes = buffer_bytes_of(config);
  for (uint32_t i = 0; i < TRACK_PORT_SUBSCRIBERS_MAX; i++) {
    port->subscribers[i].fd = -1;
    port->subscribers[i].buffer = arena_take(arena, 1, port->buffer_bytes);
    if (!port->subscribers[i].buffer) goto no_memory;
  }
  int bound = listener_open(&port->listener, config->address, "listen.tracks", err);
  if (bound < 0) return bound;
  int rc = io_watch(io, port->listener.fd, port->tag_first, IO_READABLE);
  if (rc < 0) {
    listener_close(&port->listener);
    return weft_fail(err, rc, "listen.tracks: cannot watch the listener: %s", strerror(-rc));
  }
  *out = port;
  return bound;
no_memory:
  return weft_fail(err, -ENOMEM, "listen.tracks: the arena has no room for the track port");
}

bool track_port_owns(const struct track_port *port, uint64_t token) {
  return token - port->tag_first < TRACK_PORT_TAGS;
}

static uint32_t room(const struct track_port *port, const struct subscriber *s) {
  return port->buffer_bytes - (s->tail - s->head);
}

/* Space for `size` bytes at the buffer's end, which the caller has made sure of with room(). */
static char *buffer_end(struct track_port *port, struct subscriber *s, uint32_t size) {
  if (port->buffer_bytes - s->tail < size) {
    memmove(s->buffer, s->buffer + s->head, s->tail - s->head);
    s->tail -= s->head;
    s->head = 0;
  }
  weft_assert(port->buffer_bytes - s->tail >= size);
  return s->buffer + s->tail;
}

static bool line_append(struct track_port *port, struct subscriber *s, const char *line, uint32_t size) {
  if (room(port, s) < size) return false;
  memcpy(buffer_end(port, s, size), line, size);
  s->tail += size;
  return true;
}

static void subscriber_drop(struct track_port *port, uint32_t index, const char *why) {
  struct subscriber *s = &port->subscribers[index];
  port->counts.abandoned += newest_withdraw(&port->newest, bit_of(index));
  port->open &= ~bit_of(index);
  port->behind &= ~bit_of(index);
  port->counts.disconnected++;
  log_line(LOG_LEVEL_INFO, "track port: subscriber %" PRIu32 " gone: %s", index, why);
  io_unwatch(port->io, s->fd);
  shutdown(s->fd, SHUT_RDWR);
  close(s->fd);
  *s = (struct subscriber){.fd = -1, .buffer = s->buffer};
}

/* Is it too early for the next sweep? */
static bool sweep_rests(const struct track_port *port, const struct subscriber *s) {
  return port->rests && s->cursor == 0 && s->pending > 0 && port->come - s->sweep_begun < REST_TIMES * s->sweep_lines;
}

/* Asks for what is of use now: input while there may be some, room while something waits for it. */
static void interest_update(struct track_port *port, uint32_t index) {
  struct subscriber *s = &port->subscribers[index];
  bool waits = s->tail > s->head || ((port->behind & bit_of(index)) && !sweep_rests(port, s));
  unsigned interest = (s->input_closed ? 0u : IO_READABLE) | (waits ? IO_WRITABLE : 0u);
  if (interest == s->interest) return;
  if (io_watch(port->io, s->fd, port->tag_first + 1 + index, interest) < 0) {
    subscriber_drop(port, index, "its socket cannot be watched");
    return;
  }
  s->interest = interest;
}

static void missed_tell(struct track_port *port, struct subscriber *s) {
  if (!s->missed) return;
  s->tail += (uint32_t)track_line_missed_write(buffer_end(port, s, MISSED_LINE_MAX), MISSED_LINE_MAX, s->missed);
  s->missed = 0;
}

static int64_t latency_us(const struct track_report *report, int64_t now_ns) {
  if (!report->arrival_ns) return TRACK_LINE_LATENCY_NONE;
  return now_ns > report->arrival_ns ? (now_ns - report->arrival_ns) / 1000 : 0;
}

/* `line` has TRACK_LINE_MAX bytes. */
static size_t report_write(const struct track_port *port, char *line, const struct track_report *report, int64_t now_ns) {
  size_t size = track_line_write(line, TRACK_LINE_MAX, report, port->site, latency_us(report, now_ns));
  return port->unjournaled ? track_line_mark_unjournaled(line, size) : size;
}

void track_port_unjournaled(struct track_port *port, bool unjournaled) { port->unjournaled = unjournaled; }

void track_port_rest(struct track_port *port, bool rests) { port->rests = rests; }

/* Moves marked tracks into the buffer of a subscriber that is behind, until it is full or has caught up. */
static void refill(struct track_port *port, uint32_t index, int64_t now_ns) {
  struct subscriber *s = &port->subscribers[index];
  while (room(port, s) >= TRACK_LINE_MAX + MISSED_LINE_MAX) {
    if (sweep_rests(port, s)) return;
    if (s->cursor == 0) {
      missed_tell(port, s);
      s->sweep_begun = port->come;
      s->sweep_lines = 0;
    }
    if (s->pending == 0) {
      missed_tell(port, s);
      port->behind &= ~bit_of(index);
      s->cursor = 0;
      return;
    }
    uint32_t at = newest_next(&port->newest, s->cursor, bit_of(index));
    if (at == port->newest.count) {
      weft_assert(s->cursor > 0); /* a sweep from the beginning finds what is pending */
      s->cursor = 0;
      continue;
    }
    struct track_report report;
    newest_read(&port->newest, at, &report);
    size_t size = report_write(port, buffer_end(port, s, TRACK_LINE_MAX), &report, now_ns);
    s->tail += (uint32_t)size;
    s->cursor = report.track + 1;
    s->pending--;
    s->sweep_lines++;
    if (size) {
      port->counts.delivered++;
    } else {
      port->counts.not_finite++;
      port->counts.missed++;
      s->missed++;
    }
    newest_take(&port->newest, at, bit_of(index));
  }
}

/* Hands the buffer to the kernel. Refills only when it has gone out whole: a line is written as late as possible, so that
 * it is as new as possible. */
static void subscriber_send(struct track_port *port, uint32_t index, int64_t now_ns) {
  struct subscriber *s = &port->subscribers[index];
  for (int round = 0; round < SEND_ROUNDS_MAX; round++) {
    if (s->head == s->tail) {
      s->head = s->tail = 0;
      if (port->behind & bit_of(index)) refill(port, index, now_ns);
      if (s->head == s->tail) break;
    }
    ssize_t sent = send(s->fd, s->buffer + s->head, s->tail - s->head, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      subscriber_drop(port, index, strerror(errno));
      return;
    }
    s->head += (uint32_t)sent;
    port->counts.bytes += (uint64_t)sent;
    if (s->head < s->tail) break; /* the kernel has no room; it says when */
  }
  interest_update(port, index);
}

static void subscriber_open(struct track_port *port, uint32_t index, int fd) {
  struct subscriber *s = &port->subscribers[index];
  int one = 1, buffer = KERNEL_BUFFER;
  int idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S, probes = KEEPALIVE_PROBES;
  /* Comfort, not correctness: a socket that refuses one of these still works. */
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  *s = (struct subscriber){.fd = fd, .buffer = s->buffer};
  port->open |= bit_of(index);
  port->counts.accepted++;
  interest_update(port, index);
}

/* A free place, or that of a peer that has closed its side and so may be gone already; -1 if there is neither. */
static int place_find(struct track_port *port) {
  for (uint32_t i = 0; i < TRACK_PORT_SUBSCRIBERS_MAX; i++) {
    if (port->subscribers[i].fd < 0) return (int)i;
  }
  for (uint32_t i = 0; i < TRACK_PORT_SUBSCRIBERS_MAX; i++) {
    if (!port->subscribers[i].input_closed) continue;
    subscriber_drop(port, i, "its place was needed and it had closed its side");
    return (int)i;
  }
  return -1;
}

/* The first refusals, then every doubling: a client that tries again for ever does not fill the log. */
static void refusal_log(struct track_port *port, const char *why) {
  uint64_t refused = ++port->counts.refused;
  if ((refused & (refused - 1)) == 0) {
    log_line(LOG_LEVEL_WARNING, "track port: subscriber refused (%" PRIu64 " so far): %s", refused, why);
  }
}

static void subscribers_accept(struct track_port *port) {
  static const char full[] = "{\"error\":\"all places for subscribers are taken\"}\n";
  for (int turn = 0; turn < LISTENER_TURN_MAX; turn++) {
    int fd = listener_accept(&port->listener);
    if (fd == -EAGAIN) return;
    if (fd < 0) {
      refusal_log(port, strerror(-fd));
      return;
    }
    int index = place_find(port);
    if (index < 0) {
      (void)!send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
      close(fd);
      refusal_log(port, "all places are taken");
      continue;
    }
    subscriber_open(port, (uint32_t)index, fd);
  }
}

/* There is nothing to ask for yet: every request line is answered with an error, the lines go on. */
static void requests_answer(struct track_port *port, struct subscriber *s, const char *data, size_t size) {
  static const char unknown[] = "{\"error\":\"unknown request\"}\n";
  for (size_t i = 0; i < size; i++) {
    if (data[i] == '\r') continue;
    if (data[i] != '\n') {
      s->request_begun = true;
      continue;
    }
    /* Where there is no room the answer is left out: it must not displace a track. */
    if (s->request_begun && room(port, s) > TRACK_LINE_MAX) (void)line_append(port, s, unknown, sizeof unknown - 1);
    s->request_begun = false;
  }
}

/* Returns false when the subscriber is gone. */
static bool subscriber_read(struct track_port *port, uint32_t index) {
  struct subscriber *s = &port->subscribers[index];
  char data[TRACK_PORT_INPUT_MAX];
  ssize_t got = recv(s->fd, data, sizeof data, MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return true;
    subscriber_drop(port, index, strerror(errno));
    return false;
  }
  if (got == 0) {
    s->input_closed = true;
  } else {
    requests_answer(port, s, data, (size_t)got);
  }
  return true;
}

/* A hang-up may be told late, of the previous holder of this place: the socket itself is asked. */
static bool hung_up(const struct subscriber *s) {
  struct pollfd now = {.fd = s->fd};
  return poll(&now, 1, 0) > 0 && (now.revents & (POLLHUP | POLLERR));
}

void track_port_ready(struct track_port *port, uint64_t token, int32_t ready, int64_t now_ns) {
  weft_assert(track_port_owns(port, token));
  if (token == port->tag_first) {
    subscribers_accept(port);
    return;
  }
  uint32_t index = (uint32_t)(token - port->tag_first - 1);
  struct subscriber *s = &port->subscribers[index];
  if (s->fd < 0) return;
  if ((ready & IO_READABLE) && !s->input_closed && !subscriber_read(port, index)) return;
  if ((ready & IO_HANGUP) && hung_up(s)) {
    subscriber_drop(port, index, "hung up");
    return;
  }
  subscriber_send(port, index, now_ns);
}

/* Takes the waiting tracks into the table; disconnects the subscriber with the most marks while there is no room. */
static void newest_settle(struct track_port *port) {
  while (!newest_merge(&port->newest)) {
    uint32_t worst = 0;
    for (uint32_t i = 1; i < TRACK_PORT_SUBSCRIBERS_MAX; i++) {
      if (port->subscribers[i].pending > port->subscribers[worst].pending) worst = i;
    }
    weft_assert(port->subscribers[worst].fd >= 0 && port->subscribers[worst].pending > 0);
    log_line(LOG_LEVEL_WARNING,
             "track port: subscriber %" PRIu32 " disconnected: %" PRIu64 " tracks wait for it and the table is full",
             worst, port->subscribers[worst].pending);
    port->counts.overflowed++;
    subscriber_drop(port, worst, "too far behind");
  }
}

/* Writes the line to those who keep up; `wanted`: do. Returns those who could not take it. */
static uint64_t line_offer(struct track_port *port, const struct track_report *report, uint64_t wanted,
                           int64_t now_ns) {
  size_t size = report_write(port, port->line, report, now_ns);
  if (!size) {
    port->counts.not_finite++;
    return 0;
  }
  uint64_t left = 0;
  for (uint64_t rest = wanted; rest; rest &= rest - 1) {
    uint32_t index = (uint32_t)__builtin_ctzll(rest);
    struct subscriber *s = &port->subscribers[index];
    bool taken = line_append(port, s, port->line, (uint32_t)size);
    if (!taken && !(s->interest & IO_WRITABLE)) { /* the kernel has not said no yet */
      subscriber_send(port, index, now_ns);
      if (s->fd < 0) continue;
      taken = line_append(port, s, port->line, (uint32_t)size);
    }
    port->counts.published++;
    port->counts.delivered += taken;
    s->sweep_lines += taken;
    if (!taken) left |= bit_of(index);
  }
  return left;
}

/* Marks the report for subscribers that are behind. */
static void report_mark(struct track_port *port, const struct track_report *report, uint64_t behind) {
  uint64_t passed = newest_put(&port->newest, report, behind);
  for (uint64_t rest = behind; rest; rest &= rest - 1) {
    uint32_t index = (uint32_t)__builtin_ctzll(rest);
    struct subscriber *s = &port->subscribers[index];
    if (passed & bit_of(index)) {
      port->counts.missed++;
      s->missed++;
    } else {
      s->pending++;
    }
  }
}

void track_port_publish(struct track_port *port, const struct step_output *output, int64_t now_ns) {
  for (uint32_t i = 0; i < output->count && port->open; i++) {
    const struct track_report *report = &output->reports[i];
    if (i + ASKED_AHEAD < output->count) newest_ask(&port->newest, report + ASKED_AHEAD);
    /* Before the masks are read: this may end subscribers. */
    if (newest_merge_due(&port->newest, report)) newest_settle(port);
    uint64_t behind = port->behind, current = port->open & ~behind, left = current;
    if (i < PUBLISH_LINES_MAX) {
      if (current) left = line_offer(port, report, current, now_ns);
    } else {
      port->counts.published += (uint64_t)__builtin_popcountll(current);
    }
    port->counts.published += (uint64_t)__builtin_popcountll(behind);
    port->behind |= left; /* their sweep begins: cursor is 0 */
    if (behind | left) report_mark(port, report, behind | left);
  }
  newest_settle(port);
  port->come += output->count;
  track_port_send(port, now_ns);
}

void track_port_send(struct track_port *port, int64_t now_ns) {
  for (uint64_t rest = port->open; rest; rest &= rest - 1) {
    uint32_t index = (uint32_t)__builtin_ctzll(rest);
    if (!(port->subscribers[index].interest & IO_WRITABLE)) subscriber_send(port, index, now_ns);
  }
}

bool track_port_drained(const struct track_port *port) {
  for (uint64_t rest = port->open; rest; rest &= rest - 1) {
    const struct subscriber *s = &port->subscribers[__builtin_ctzll(rest)];
    if (s->tail > s->head) return false;
  }
  return !port->behind;
}

struct track_port_counts track_port_counts(const struct track_port *port) {
  struct track_port_counts counts = port->counts;
  counts.subscribers = (uint32_t)__builtin_popcountll(port->open);
  counts.behind = (uint32_t)__builtin_popcountll(port->behind);
  for (uint64_t rest = port->behind; rest; rest &= rest - 1) {
    counts.pending += port->subscribers[__builtin_ctzll(rest)].pending;
  }
  return counts;
}

void track_port_close(struct track_port *port) {
  if (!port) return;
  for (uint64_t rest = port->open; rest; rest &= rest - 1) {
    subscriber_drop(port, (uint32_t)__builtin_ctzll(rest), "the server stops");
  }
  io_unwatch(port->io, port->listener.fd);
  listener_close(&port->listener);
}

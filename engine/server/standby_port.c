#include "engine/server/standby_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/emit/listener.h"
#include "engine/journal/journal_format.h"
#include "engine/server/standby_wire.h"

/* GREETING until it has said who it is; WANTING a state from the engine, SENDING it; FOLLOWING from its first word of
 * arrival on. Frames are queued from the greeting on. */
enum phase { PHASE_NONE, PHASE_GREETING, PHASE_WANTING, PHASE_SENDING, PHASE_FOLLOWING };

struct standby_port {
  struct standby_port_config config;
  struct io *io;
  struct listener listener;
  int fd; /* the follower's, -1: none */
  enum phase phase;
  unsigned interest;
  uint8_t input[STANDBY_HEAD_BYTES + 16]; /* of a message that is coming in */
  size_t input_size;
  uint8_t *queue; /* owned; STANDBY_QUEUE_BYTES */
  size_t begin, end;
  bool asked, wanted;   /* for a state; by this follower, not by one that has gone since */
  const uint8_t *state; /* lent by the snapshots while SENDING */
  uint64_t state_size, state_sent;
  uint8_t state_head[STANDBY_HEAD_BYTES];
  size_t state_head_sent;
  int64_t heard_ns, spoken_ns; /* when it was last heard, spoken to */
  uint64_t queued;             /* newest frame in the queue or sent */
  struct standby_port_figures figures;
};

int standby_port_open(struct standby_port **out, const struct standby_port_config *config, struct io *io, struct weft_error *err) {
  struct standby_port *port = calloc(1, sizeof *port);
  if (!port) return weft_fail(err, -ENOMEM, "out of memory for a standby");
  port->config = *config;
  port->io = io;
  port->fd = port->listener.fd = port->listener.spare = -1;
  void *queue = mmap(NULL, STANDBY_QUEUE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  port->queue = queue == MAP_FAILED ? NULL : queue;
  int rc = port->queue ? listener_open(&port->listener, config->address, "listen.standby", err)
                       : weft_fail(err, -ENOMEM, "out of memory for a standby");
  if (rc > 0) {
    int watched = io_watch(io, port->listener.fd, config->tag_first, IO_READABLE);
    if (watched < 0) rc = weft_fail(err, watched, "listen.standby: %s", strerror(-watched));
  }
  if (rc < 0) {
    standby_port_close(port);
    return rc;
  }
  *out = port;
  return rc;
}

static void state_return(struct standby_port *port) {
  if (!port->state) return;
  snapshots_return(port->config.snapshots);
  port->state = NULL;
  port->asked = false;
}

/* The follower is no longer one. */
static void follower_drop(struct standby_port *port, const char *why) {
  if (port->fd < 0) return;
  state_return(port);
  io_unwatch(port->io, port->fd);
  shutdown(port->fd, SHUT_RDWR);
  close(port->fd);
  port->fd = -1;
  port->figures.lost++;
  port->figures.connected = port->figures.following = false;
  port->phase = PHASE_NONE;
  port->wanted = false;
  port->begin = port->end = port->input_size = 0;
  log_line(LOG_LEVEL_WARNING, "standby: %s; it goes on alone", why);
}

void standby_port_close(struct standby_port *port) {
  if (!port) return;
  state_return(port);
  if (port->fd >= 0) {
    io_unwatch(port->io, port->fd);
    shutdown(port->fd, SHUT_RDWR);
    close(port->fd);
  }
  if (port->listener.fd >= 0) {
    io_unwatch(port->io, port->listener.fd);
    listener_close(&port->listener);
  }
  if (port->queue) munmap(port->queue, STANDBY_QUEUE_BYTES);
  free(port);
}

/* Room for a message of so many payload bytes in one piece, or NULL: it is too far behind. */
static uint8_t *message_begin(struct standby_port *port, size_t length) {
  size_t size = STANDBY_HEAD_BYTES + length;
  if (port->begin == port->end) port->begin = port->end = 0;
  if (STANDBY_QUEUE_BYTES - port->end < size && port->begin > 0) {
    memmove(port->queue, port->queue + port->begin, port->end - port->begin);
    port->end -= port->begin;
    port->begin = 0;
  }
  return STANDBY_QUEUE_BYTES - port->end < size ? NULL : port->queue + port->end;
}

static void message_end(struct standby_port *port, uint32_t type, size_t length) {
  standby_head_encode(type, length, port->queue + port->end);
  port->end += STANDBY_HEAD_BYTES + length;
}

/* A message of a few bytes, or none. */
static void message_put(struct standby_port *port, uint32_t type, const void *payload, size_t length) {
  uint8_t *at = message_begin(port, length);
  if (!at) {
    follower_drop(port, "it is too far behind");
    return;
  }
  if (length > 0) memcpy(at + STANDBY_HEAD_BYTES, payload, length);
  message_end(port, type, length);
}

/* Sends what the socket takes of these bytes. False: the follower is gone. */
static bool bytes_send(struct standby_port *port, const uint8_t *bytes, size_t size, size_t *sent, int64_t now_ns) {
  while (*sent < size) {
    ssize_t n = send(port->fd, bytes + *sent, size - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (n < 0) {
      follower_drop(port, "the connection broke");
      return false;
    }
    *sent += (size_t)n;
    port->spoken_ns = now_ns;
    port->figures.bytes += (uint64_t)n;
  }
  return true;
}

/* The state as far as it goes, then the queue. */
static void flush(struct standby_port *port, int64_t now_ns) {
  if (port->fd < 0 || port->phase == PHASE_WANTING || port->phase == PHASE_GREETING) return;
  if (port->state) {
    if (!bytes_send(port, port->state_head, sizeof port->state_head, &port->state_head_sent, now_ns)) return;
    size_t sent = (size_t)port->state_sent;
    if (port->state_head_sent == sizeof port->state_head &&
        !bytes_send(port, port->state, (size_t)port->state_size, &sent, now_ns))
      return;
    port->state_sent = sent;
    if (port->state_sent == port->state_size) {
      state_return(port);
      port->figures.states++;
    }
  }
  if (!port->state && !bytes_send(port, port->queue, port->end, &port->begin, now_ns)) return;
  unsigned interest = port->state || port->begin < port->end ? IO_READABLE | IO_WRITABLE : IO_READABLE;
  if (interest == port->interest) return;
  if (io_watch(port->io, port->fd, port->config.tag_first + 1, interest) < 0) follower_drop(port, "it can't be watched");
  else port->interest = interest;
}

static void follower_accept(struct standby_port *port, int64_t now_ns) {
  int fd = listener_accept(&port->listener), one = 1;
  if (fd < 0) return;
  if (port->fd >= 0) {
    static const char text[] = "another standby follows already";
    uint8_t message[STANDBY_HEAD_BYTES + sizeof text - 1];
    memcpy(message + STANDBY_HEAD_BYTES, text, sizeof text - 1);
    standby_head_encode(STANDBY_REFUSE, sizeof text - 1, message);
    (void)!send(fd, message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    return;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  port->fd = fd;
  port->interest = IO_READABLE;
  port->phase = PHASE_GREETING;
  port->heard_ns = port->spoken_ns = now_ns;
  port->queued = port->figures.acknowledged = 0;
  port->figures.connected = true;
  if (io_watch(port->io, fd, port->config.tag_first + 1, IO_READABLE) < 0) follower_drop(port, "it can't be watched");
}

static void hello_take(struct standby_port *port, const uint8_t *payload, int64_t now_ns) {
  const char *why = standby_number(payload, 0) != STANDBY_VERSION         ? "another version of the protocol"
                    : standby_number(payload, 1) != port->config.layout ? "another build, configuration, --tracks-max or areas"
                                                                        : NULL;
  if (port->phase != PHASE_GREETING) {
    follower_drop(port, "it greets twice");
  } else if (why) {
    port->phase = PHASE_FOLLOWING; /* so that the word goes out */
    message_put(port, STANDBY_REFUSE, why, strlen(why));
    flush(port, now_ns);
    follower_drop(port, why);
  } else {
    port->phase = PHASE_WANTING;
    log_line(LOG_LEVEL_NOTICE, "standby: a follower has come and gets the state");
    port->config.frames_pending(port->config.context);
  }
}

static void ack_take(struct standby_port *port, uint64_t frame) {
  bool possible = frame <= port->queued && frame >= port->figures.acknowledged && !port->state;
  if (!possible || (port->phase != PHASE_SENDING && port->phase != PHASE_FOLLOWING)) {
    follower_drop(port, "it says what can't be");
    return;
  }
  if (port->phase == PHASE_SENDING) {
    port->phase = PHASE_FOLLOWING;
    port->figures.following = true;
    log_line(LOG_LEVEL_NOTICE, "standby: the follower has the state and gets every frame");
  }
  port->figures.acknowledged = frame;
}

static void message_take(struct standby_port *port, int64_t now_ns) {
  struct standby_head head;
  const uint8_t *payload = port->input + STANDBY_HEAD_BYTES;
  bool good = standby_head_decode(port->input, 0, &head) && standby_payload_intact(&head, payload);
  if (good && head.type == STANDBY_HELLO) hello_take(port, payload, now_ns);
  else if (good && head.type == STANDBY_ACK) ack_take(port, standby_number(payload, 0));
  else follower_drop(port, "what it sends can't be understood");
}

/* How long the message at the beginning of the input is, as far as can be told. */
static size_t message_size(const struct standby_port *port) {
  struct standby_head head;
  if (port->input_size < STANDBY_HEAD_BYTES) return STANDBY_HEAD_BYTES;
  bool known = standby_head_decode(port->input, 0, &head) && head.length <= 16;
  return STANDBY_HEAD_BYTES + (known ? (size_t)head.length : 0); /* an unknown one is refused as it stands */
}

static void input_read(struct standby_port *port, int64_t now_ns) {
  for (int reads = 0; reads < 256 && port->fd >= 0; reads++) {
    size_t size = message_size(port);
    ssize_t n = recv(port->fd, port->input + port->input_size, size - port->input_size, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n <= 0) {
      follower_drop(port, "the follower has gone");
      return;
    }
    port->heard_ns = now_ns;
    port->input_size += (size_t)n;
    if (port->input_size < message_size(port)) continue;
    port->input_size = 0;
    message_take(port, now_ns);
  }
}

bool standby_port_owns(const struct standby_port *port, uint64_t token) {
  return port && token - port->config.tag_first < STANDBY_PORT_TAGS;
}

void standby_port_ready(struct standby_port *port, uint64_t token, int32_t ready, int64_t now_ns) {
  if (token == port->config.tag_first) {
    follower_accept(port, now_ns);
    return;
  }
  if (port->fd >= 0 && (ready & (IO_READABLE | IO_HANGUP))) input_read(port, now_ns);
  if (port->fd >= 0 && (ready & IO_WRITABLE)) flush(port, now_ns);
}

static void marks_put(struct standby_port *port, const struct replay_mark *marks, uint32_t count) {
  uint8_t *at = message_begin(port, (size_t)count * STANDBY_MARK_BYTES);
  if (!at) {
    follower_drop(port, "it is too far behind");
    return;
  }
  for (uint32_t i = 0; i < count; i++) standby_mark_put(at + STANDBY_HEAD_BYTES + (size_t)i * STANDBY_MARK_BYTES, &marks[i]);
  message_end(port, STANDBY_MARKS, (size_t)count * STANDBY_MARK_BYTES);
}

void standby_port_frame(struct standby_port *port, const struct frame *frame, const struct replay_mark *marks, uint32_t count,
                        int64_t now_ns) {
  if (port->fd < 0 || port->phase == PHASE_GREETING || frame->number <= port->queued) return;
  size_t length = journal_record_size(frame);
  uint8_t *at = message_begin(port, length);
  if (!at) {
    follower_drop(port, "it is too far behind");
    return;
  }
  journal_record_encode(frame, at + STANDBY_HEAD_BYTES);
  message_end(port, STANDBY_FRAME, length);
  port->queued = frame->number;
  port->figures.frames++;
  if (count > 0) marks_put(port, marks, count);
  if (port->fd >= 0 && !(port->interest & IO_WRITABLE)) flush(port, now_ns);
}

void standby_port_hash(struct standby_port *port, uint64_t frame, uint64_t hash) {
  uint8_t payload[16];
  if (port->fd < 0 || port->phase == PHASE_GREETING) return;
  standby_numbers_put(payload, frame, hash);
  message_put(port, STANDBY_HASH, payload, sizeof payload);
}

/* Asks for a state and begins to send it once it is there. One that was asked for by a follower that has gone is of no use
 * to the next: frames that it lacks were not kept. */
static void state_provide(struct standby_port *port) {
  uint64_t size;
  if (port->state) return;
  if (!port->asked) {
    if (port->phase == PHASE_WANTING) port->asked = port->wanted = snapshots_want(port->config.snapshots);
    return;
  }
  const uint8_t *state = snapshots_taken(port->config.snapshots, &size);
  if (!state) return;
  port->state = state;
  if (port->phase != PHASE_WANTING || !port->wanted) {
    state_return(port);
    return;
  }
  port->state_size = size;
  port->state_sent = port->state_head_sent = 0;
  standby_head_encode_apart(STANDBY_STATE, state, size, port->state_head);
  port->phase = PHASE_SENDING;
}

void standby_port_turn(struct standby_port *port, int64_t now_ns) {
  if (!port) return;
  state_provide(port);
  if (port->fd < 0) return;
  bool waits = port->phase == PHASE_GREETING || (port->phase == PHASE_FOLLOWING && port->figures.acknowledged < port->queued);
  if (waits && now_ns - port->heard_ns > STANDBY_SILENCE_NS) {
    follower_drop(port, "the follower does not answer");
    return;
  }
  if (!waits) port->heard_ns = now_ns;
  if (port->phase == PHASE_FOLLOWING && now_ns - port->spoken_ns >= STANDBY_BEAT_NS) message_put(port, STANDBY_BEAT, NULL, 0);
  if (port->fd >= 0 && !(port->interest & IO_WRITABLE)) flush(port, now_ns);
}

void standby_port_bye(struct standby_port *port, int64_t now_ns) {
  if (!port || port->phase != PHASE_FOLLOWING) return;
  message_put(port, STANDBY_BYE, NULL, 0);
  flush(port, now_ns);
}

bool standby_port_has(const struct standby_port *port, uint64_t frame) {
  return !port || port->phase != PHASE_FOLLOWING || port->figures.acknowledged >= frame;
}

void standby_port_late(struct standby_port *port) {
  port->figures.late++;
}

struct standby_port_figures standby_port_figures(const struct standby_port *port) {
  return port ? port->figures : (struct standby_port_figures){0};
}

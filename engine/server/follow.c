#include "engine/server/follow.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/address.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/journal/journal_format.h"
#include "engine/journal/snapshot.h"
#include "engine/platform/io.h"
#include "engine/server/standby_wire.h"

enum { RETRY_MS = 100, CONNECT_MS = 1000 };

struct follow {
  const struct follow_options *options;
  struct followed *out;
  int fd;
  bool has_state;
  int64_t heard_ns; /* anything from the server, CLOCK_MONOTONIC */
  uint8_t *payload; /* owned; grows */
  size_t capacity;
  uint64_t state_most;
  uint64_t hash_frame, hash; /* our last one; frame 0: none */
};

/* Waits until the socket is ready, a signal to end by came (then true in *stopped), or the time is over: false. */
static bool ready_wait(const struct follow *follow, short events, int64_t until_ns, bool *stopped) {
  for (;;) {
    int64_t left_ns = until_ns - clock_monotonic_ns();
    struct pollfd polled[2] = {{.fd = follow->options->signal_fd, .events = POLLIN}, {.fd = follow->fd, .events = events}};
    int rc = poll(polled, follow->fd < 0 ? 1 : 2, left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0);
    if (rc > 0 && (polled[0].revents & POLLIN)) {
      *stopped = follow->options->signal_taken(follow->options->context);
      if (*stopped) return false;
    }
    if (rc > 0 && follow->fd >= 0 && polled[1].revents) return true;
    if (clock_monotonic_ns() >= until_ns) return false;
  }
}

static int address_find(const char *from, struct addrinfo **found, struct weft_error *err) {
  char host[IO_HOST_MAX], service[8];
  uint16_t port = 0;
  if (!address_split(from, host, sizeof host, &port) || port == 0)
    return weft_fail(err, -EINVAL, "--follow %s: give HOST:PORT, that of the other server's listen.standby", from);
  snprintf(service, sizeof service, "%u", port);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  int rc = getaddrinfo(host, service, &hints, found);
  return rc ? weft_fail(err, -EINVAL, "--follow %s: %s; give HOST:PORT", from, gai_strerror(rc)) : 0;
}

/* A connection, or -1 where nobody answers (yet). */
static int connection_try(struct follow *follow, const struct addrinfo *where, bool *stopped) {
  int one = 1, error = 0;
  socklen_t size = sizeof error;
  follow->fd = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (follow->fd < 0) return -1;
  int rc = connect(follow->fd, where->ai_addr, where->ai_addrlen);
  if (rc < 0 && errno == EINPROGRESS && ready_wait(follow, POLLOUT, clock_monotonic_ns() + (int64_t)CONNECT_MS * 1000000, stopped) &&
      getsockopt(follow->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
    rc = 0;
  if (rc == 0) {
    setsockopt(follow->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return follow->fd;
  }
  close(follow->fd);
  return follow->fd = -1;
}

/* Until there is a server. False: stopped. */
static bool server_find(struct follow *follow, const struct addrinfo *where) {
  bool stopped = false, said = false;
  weft_assert(where);
  while (connection_try(follow, where, &stopped) < 0 && !stopped) {
    if (!said) log_line(LOG_LEVEL_NOTICE, "standby: nobody answers at %s yet; it is tried again", follow->options->from);
    said = true;
    ready_wait(follow, POLLIN, clock_monotonic_ns() + (int64_t)RETRY_MS * 1000000, &stopped);
  }
  return !stopped;
}

/* How reading or writing ended. */
enum outcome { OUTCOME_DONE, OUTCOME_GONE, OUTCOME_STOPPED };

static enum outcome bytes_read(struct follow *follow, uint8_t *to, size_t size) {
  size_t got = 0;
  while (got < size) {
    bool stopped = false;
    ssize_t n = recv(follow->fd, to + got, size - got, MSG_DONTWAIT);
    if (n > 0) {
      got += (size_t)n;
      follow->heard_ns = clock_monotonic_ns();
      continue;
    }
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) return OUTCOME_GONE;
    /* Until the state is there the engine may take its time to copy it. */
    int64_t until_ns = follow->has_state ? follow->heard_ns + STANDBY_SILENCE_NS : INT64_MAX;
    int64_t turn_ns = clock_monotonic_ns() + 1000000000;
    if (!ready_wait(follow, POLLIN, until_ns < turn_ns ? until_ns : turn_ns, &stopped)) {
      if (stopped) return OUTCOME_STOPPED;
      if (clock_monotonic_ns() >= until_ns) return OUTCOME_GONE;
    }
  }
  return OUTCOME_DONE;
}

static enum outcome bytes_write(struct follow *follow, const uint8_t *bytes, size_t size) {
  size_t sent = 0;
  while (sent < size) {
    bool stopped = false;
    ssize_t n = send(follow->fd, bytes + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) {
      sent += (size_t)n;
      continue;
    }
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return OUTCOME_GONE;
    if (!ready_wait(follow, POLLOUT, clock_monotonic_ns() + STANDBY_SILENCE_NS, &stopped)) return stopped ? OUTCOME_STOPPED : OUTCOME_GONE;
  }
  return OUTCOME_DONE;
}

static enum outcome numbers_send(struct follow *follow, enum standby_type type, uint64_t first, uint64_t second) {
  uint8_t message[STANDBY_HEAD_BYTES + 16];
  size_t length = type == STANDBY_ACK ? 8 : 16;
  standby_numbers_put(message + STANDBY_HEAD_BYTES, first, second);
  standby_head_encode(type, length, message);
  return bytes_write(follow, message, STANDBY_HEAD_BYTES + length);
}

/* A server that can't be told any more may have left frames that have arrived here: reading says when they end. */
static enum outcome ack_send(struct follow *follow, uint64_t frame) {
  enum outcome outcome = numbers_send(follow, STANDBY_ACK, frame, 0);
  return outcome == OUTCOME_GONE ? OUTCOME_DONE : outcome;
}

static void hash_make(struct follow *follow, uint64_t frame, int64_t before_ns, int64_t time_ns) {
  if (!standby_hash_due(before_ns, time_ns)) return;
  follow->hash_frame = frame;
  follow->hash = engine_hash(follow->options->engine);
}

static int wrong(struct weft_error *err, const char *what) {
  return weft_fail(err, -EPROTO, "standby: %s; it does not take over with that: start it again", what);
}

static int state_take(struct follow *follow, uint64_t size, struct weft_error *err) {
  struct snapshot_head head;
  struct engine *engine = follow->options->engine;
  if (follow->has_state) return wrong(err, "the server sent a second state");
  if (snapshot_decode(follow->payload, (size_t)size, &head) != SNAPSHOT_GOOD || head.layout != engine_layout(engine))
    return wrong(err, "the server's state is damaged");
  struct image image = image_load(follow->payload + SNAPSHOT_HEADER_BYTES, head.size);
  engine_image(engine, &image);
  if (!image_complete(&image)) return wrong(err, "the server's state can't be");
  follow->has_state = true;
  follow->out->frame = head.frame;
  follow->out->time_ns = head.time_ns;
  log_line(LOG_LEVEL_NOTICE, "standby: has the state after frame %llu (%llu bytes)", (unsigned long long)head.frame,
           (unsigned long long)size);
  return 0;
}

/* Which sensors and numbers a frame may have; its bytes are as the server made them, says their CRC. */
static bool frame_possible(const struct follow *follow, const struct frame *frame) {
  uint32_t sensors = follow->options->engine->site->sensor_count;
  for (uint32_t i = 0; i < frame->count; i++) {
    if (frame->sensor[i] >= sensors) return false;
  }
  for (uint32_t i = 0; i < frame->state_count; i++) {
    if (frame->states[i].sensor >= sensors) return false;
  }
  return frame->number == follow->out->frame + 1 && frame->time_ns >= follow->out->time_ns;
}

/* The next frame into options->frame. */
static int frame_read(struct follow *follow, uint64_t size, struct weft_error *err) {
  struct frame *frame = follow->options->frame;
  size_t used;
  if (!follow->has_state) return wrong(err, "the server sent a frame before its state");
  if (journal_record_decode(follow->payload, (size_t)size, frame, &used) != JOURNAL_GOOD || used != size)
    return wrong(err, "a frame is damaged");
  bool held = frame->number <= follow->out->frame; /* queued before the state was copied */
  return held || frame_possible(follow, frame) ? 0 : wrong(err, "a frame is missing");
}

static void frame_step(struct follow *follow) {
  struct frame *frame = follow->options->frame;
  if (frame->number <= follow->out->frame) return;
  engine_step(follow->options->engine, frame, follow->options->output);
  hash_make(follow, frame->number, follow->out->time_ns, frame->time_ns);
  follow->out->frame = frame->number;
  follow->out->time_ns = frame->time_ns;
  follow->out->frames++;
}

static int hash_take(struct follow *follow, struct weft_error *err) {
  if (standby_number(follow->payload, 0) != follow->hash_frame) return 0; /* of a frame that came with the state */
  if (standby_number(follow->payload, 1) != follow->hash) return wrong(err, "its state is not the server's");
  follow->out->hashes++;
  return 0;
}

static int marks_take(struct follow *follow, uint64_t size, struct weft_error *err) {
  uint32_t count = (uint32_t)(size / STANDBY_MARK_BYTES);
  struct replay_mark *marks = realloc(follow->out->marks, (count + 1) * sizeof *marks);
  if (!marks) return weft_fail(err, -ENOMEM, "out of memory for replay marks");
  for (uint32_t i = 0; i < count; i++) standby_mark_get(follow->payload + (size_t)i * STANDBY_MARK_BYTES, &marks[i]);
  follow->out->marks = marks;
  follow->out->mark_count = count;
  return 0;
}

static int refusal_take(const struct follow *follow, uint64_t size, struct weft_error *err) {
  return weft_fail(err, -ECONNREFUSED, "--follow %s: the server refuses: %.*s; both need the same of it", follow->options->from,
                   (int)size, (const char *)follow->payload);
}

static int room_make(struct follow *follow, uint64_t size, struct weft_error *err) {
  if (size <= follow->capacity) return 0;
  uint8_t *grown = realloc(follow->payload, (size_t)size);
  if (!grown) return weft_fail(err, -ENOMEM, "out of memory for the server's state");
  follow->payload = grown;
  follow->capacity = (size_t)size;
  return 0;
}

/* The next message. *outcome says how reading went; the result is 0 or a negative errno with `err`. */
static int message_take(struct follow *follow, enum outcome *outcome, struct weft_error *err) {
  uint8_t bytes[STANDBY_HEAD_BYTES];
  struct standby_head head;
  *outcome = bytes_read(follow, bytes, sizeof bytes);
  if (*outcome != OUTCOME_DONE) return 0;
  if (!standby_head_decode(bytes, follow->state_most, &head)) return wrong(err, "what the server sends can't be understood");
  int rc = room_make(follow, head.length, err);
  if (rc < 0) return rc;
  *outcome = bytes_read(follow, follow->payload, (size_t)head.length);
  if (*outcome != OUTCOME_DONE) return 0;
  if (!standby_payload_intact(&head, follow->payload)) return wrong(err, "a message is damaged");
  switch (head.type) {
  case STANDBY_STATE:
    rc = state_take(follow, head.length, err);
    break;
  case STANDBY_FRAME: /* it has arrived, whatever the step takes */
    rc = frame_read(follow, head.length, err);
    if (rc == 0) *outcome = ack_send(follow, follow->options->frame->number);
    if (rc == 0) frame_step(follow);
    return rc;
  case STANDBY_HASH:
    return hash_take(follow, err);
  case STANDBY_MARKS:
    return marks_take(follow, head.length, err);
  case STANDBY_REFUSE:
    return refusal_take(follow, head.length, err);
  case STANDBY_BYE:
    follow->out->orderly = true;
    *outcome = OUTCOME_GONE;
    return 0;
  default:
    return 0;
  }
  if (rc == 0) *outcome = ack_send(follow, 0);
  return rc;
}

static int frames_follow(struct follow *follow, struct weft_error *err) {
  enum outcome outcome = numbers_send(follow, STANDBY_HELLO, STANDBY_VERSION, engine_layout(follow->options->engine));
  int rc = 0;
  follow->heard_ns = clock_monotonic_ns();
  while (rc == 0 && outcome == OUTCOME_DONE) {
    rc = message_take(follow, &outcome, err);
    if (rc == 0 && follow->has_state) follow->options->stepped(follow->options->context);
  }
  follow->out->lost_clock_ns = clock_monotonic_ns();
  follow->out->end = outcome == OUTCOME_STOPPED ? FOLLOW_STOPPED : FOLLOW_TAKE_OVER;
  return rc;
}

int follow_run(const struct follow_options *options, struct followed *out, struct weft_error *err) {
  struct follow follow = {.options = options, .out = out, .fd = -1,
                          .state_most = SNAPSHOT_HEADER_BYTES + engine_image_most(options->engine)};
  struct addrinfo *where = NULL;
  *out = (struct followed){.end = FOLLOW_STOPPED};
  int rc = address_find(options->from, &where, err);
  while (rc == 0) {
    if (!server_find(&follow, where)) {
      out->end = FOLLOW_STOPPED;
      break;
    }
    rc = frames_follow(&follow, err);
    close(follow.fd);
    follow.fd = -1;
    if (follow.has_state || out->end == FOLLOW_STOPPED) break; /* else it went before it said anything: wait for another */
    struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
    nanosleep(&pause, NULL);
  }
  if (where) freeaddrinfo(where);
  free(follow.payload);
  return rc;
}

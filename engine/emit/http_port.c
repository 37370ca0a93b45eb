#include "engine/emit/http_port.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/emit/listener.h"

enum {
  REPLY_HEADER_MAX = 256,
  LINGER_MAX = 64 * 1024 /* bytes thrown away while waiting for the peer to close */
};

/* READING the request, WRITING the reply, then LINGERING: our side is shut, what still comes is thrown away until the peer
 * closes, because closing a socket with unread input would reset it and could destroy the reply on its way. */
enum stage { STAGE_FREE, STAGE_READING, STAGE_WRITING, STAGE_LINGERING };

struct connection {
  int fd; /* owned unless STAGE_FREE */
  enum stage stage;
  int64_t start_ns, progress_ns;
  uint32_t request_size;
  uint32_t lingered;
  size_t reply_size, reply_sent;
  char *reply; /* REPLY_HEADER_MAX + body_bytes; the header stands right before the body */
  char request[HTTP_HEADER_MAX];
};

struct http_port {
  struct io *io;
  uint64_t tag_first;
  size_t body_bytes;
  http_body body;
  void *context;
  struct listener listener;
  struct http_port_counts counts;
  struct connection connections[HTTP_CONNECTIONS_MAX];
};

size_t http_port_arena_bytes(const struct http_port_config *config) {
  return sizeof(struct http_port) + 64 + (size_t)HTTP_CONNECTIONS_MAX * (REPLY_HEADER_MAX + config->body_bytes + 64);
}

int http_port_open(struct http_port **out, const struct http_port_config *config, struct io *io, struct arena *arena,
                   struct weft_error *err) {
  weft_assert(config->body && config->body_bytes > 0 && config->body_bytes <= HTTP_BODY_MAX);
  struct http_port *port = arena_take(arena, 1, sizeof *port);
  if (!port) goto no_memory;
  port->io = io;
  port->tag_first = config->tag_first;
  port->body_bytes = config->body_bytes;
  port->body = config->body;
  port->context = config->context;
  for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
    port->connections[i].reply = arena_take(arena, 1, REPLY_HEADER_MAX + config->body_bytes);
    if (!port->connections[i].reply) goto no_memory;
  }
  int bound = listener_open(&port->listener, config->address, "listen.metrics", err);
  if (bound < 0) return bound;
  int rc = io_watch(io, port->listener.fd, port->tag_first, IO_READABLE);
  if (rc < 0) {
    listener_close(&port->listener);
    return weft_fail(err, rc, "listen.metrics: cannot watch the listener: %s", strerror(-rc));
  }
  *out = port;
  return bound;
no_memory:
  return weft_fail(err, -ENOMEM, "listen.metrics: the arena has no room for the HTTP port");
}

bool http_port_owns(const struct http_port *port, uint64_t token) {
  return token - port->tag_first < HTTP_PORT_TAGS;
}

static void connection_close(struct http_port *port, struct connection *c) {
  io_unwatch(port->io, c->fd);
  shutdown(c->fd, SHUT_RDWR);
  close(c->fd);
  c->stage = STAGE_FREE;
  port->counts.connections--;
}

/* Returns false, with the connection closed, when it cannot be watched. */
static bool connection_watch(struct http_port *port, struct connection *c, unsigned interest) {
  uint64_t tag = port->tag_first + 1 + (uint64_t)(c - port->connections);
  if (io_watch(port->io, c->fd, tag, interest) >= 0) return true;
  connection_close(port, c);
  return false;
}

/* A free place, or the one that has been silent longest. */
static struct connection *place_find(struct http_port *port) {
  struct connection *oldest = &port->connections[0];
  for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
    struct connection *c = &port->connections[i];
    if (c->stage == STAGE_FREE) return c;
    if (c->progress_ns < oldest->progress_ns) oldest = c;
  }
  connection_close(port, oldest);
  port->counts.displaced++;
  return oldest;
}

static void connections_accept(struct http_port *port, int64_t now_ns) {
  for (int turn = 0; turn < LISTENER_TURN_MAX; turn++) {
    int fd = listener_accept(&port->listener);
    if (fd < 0) return;
    struct connection *c = place_find(port);
    c->fd = fd;
    c->stage = STAGE_READING;
    c->start_ns = c->progress_ns = now_ns;
    c->request_size = c->lingered = 0;
    port->counts.connections++;
    port->counts.accepted++;
    (void)connection_watch(port, c, IO_READABLE);
  }
}

static const char *reason_of(int status) {
  switch (status) {
  case 200: return "OK";
  case 400: return "Bad Request";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 431: return "Request Header Fields Too Large";
  case 503: return "Service Unavailable";
  case 505: return "HTTP Version Not Supported";
  default: return "Internal Server Error";
  }
}

/* Puts the header right before the body, which stands at reply + REPLY_HEADER_MAX, and moves both to the front. */
static void reply_begin(struct connection *c, int status, const char *type, size_t body_size, bool with_body) {
  char header[REPLY_HEADER_MAX];
  int size = snprintf(header, sizeof header,
                      "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n", status,
                      reason_of(status), type, body_size, status == 405 ? "Allow: GET, HEAD\r\n" : "");
  weft_assert(size > 0 && (size_t)size < sizeof header);
  memmove(c->reply + size, c->reply + REPLY_HEADER_MAX, with_body ? body_size : 0);
  memcpy(c->reply, header, (size_t)size);
  c->reply_size = (size_t)size + (with_body ? body_size : 0);
  c->reply_sent = 0;
  c->stage = STAGE_WRITING;
}

static void reply_plain(struct http_port *port, struct connection *c, int status, bool with_body) {
  int size = snprintf(c->reply + REPLY_HEADER_MAX, port->body_bytes, "%d %s\n", status, reason_of(status));
  if (status < 500) port->counts.refused++;
  reply_begin(c, status, "text/plain; charset=utf-8", size < 0 || (size_t)size >= port->body_bytes ? 0 : (size_t)size,
              with_body);
}

static void reply_page(struct http_port *port, struct connection *c, enum http_page page, bool with_body) {
  bool healthy = true;
  size_t size = port->body(port->context, page, c->reply + REPLY_HEADER_MAX, port->body_bytes, &healthy);
  weft_assert(size <= port->body_bytes);
  if (!size) {
    log_line(LOG_LEVEL_ERROR, "http: the page does not fit in %zu bytes", port->body_bytes);
    reply_plain(port, c, 500, with_body);
    return;
  }
  const char *type = page == HTTP_METRICS ? "text/plain; version=0.0.4; charset=utf-8" : "application/json";
  reply_begin(c, healthy ? 200 : 503, type, size, with_body);
}

static bool word_is(const char *word, size_t size, const char *what) {
  return strlen(what) == size && memcmp(word, what, size) == 0;
}

/* Answers the request whose header is complete. Only the request line matters: METHOD SP TARGET SP HTTP/1.x CRLF. */
static void request_answer(struct http_port *port, struct connection *c) {
  const char *line = c->request;
  const char *end = memchr(line, '\n', c->request_size);
  weft_assert(end != NULL);
  if (end > line && end[-1] == '\r') end--;
  const char *method_end = memchr(line, ' ', (size_t)(end - line));
  const char *target = method_end ? method_end + 1 : NULL;
  const char *target_end = target ? memchr(target, ' ', (size_t)(end - target)) : NULL;
  if (!target_end || method_end == line || target_end == target || end - target_end != 9 ||
      memcmp(target_end, " HTTP/", 6) != 0) {
    reply_plain(port, c, 400, true);
    return;
  }
  size_t method_size = (size_t)(method_end - line);
  bool head = word_is(line, method_size, "HEAD");
  if (memcmp(target_end, " HTTP/1.", 8) != 0) {
    reply_plain(port, c, 505, true);
    return;
  }
  const char *query = memchr(target, '?', (size_t)(target_end - target));
  size_t path_size = (size_t)((query ? query : target_end) - target);
  bool metrics = word_is(target, path_size, "/metrics"), health = word_is(target, path_size, "/health");
  if (!metrics && !health) {
    reply_plain(port, c, 404, !head);
  } else if (!head && !word_is(line, method_size, "GET")) {
    reply_plain(port, c, 405, true);
  } else {
    reply_page(port, c, metrics ? HTTP_METRICS : HTTP_HEALTH, !head);
  }
}

/* True when the empty line that ends a header is there; bare newlines are taken as well. `from`: where to look on. */
static bool header_complete(const struct connection *c, uint32_t from) {
  for (uint32_t i = from; i < c->request_size; i++) {
    if (c->request[i] != '\n') continue;
    if (i >= 1 && c->request[i - 1] == '\n') return true;
    if (i >= 2 && c->request[i - 1] == '\r' && c->request[i - 2] == '\n') return true;
  }
  return false;
}

static void connection_write(struct http_port *port, struct connection *c, int64_t now_ns) {
  ssize_t sent = send(c->fd, c->reply + c->reply_sent, c->reply_size - c->reply_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
      (void)connection_watch(port, c, IO_WRITABLE);
    } else {
      connection_close(port, c);
    }
    return;
  }
  c->reply_sent += (size_t)sent;
  c->progress_ns = now_ns;
  if (c->reply_sent < c->reply_size) {
    (void)connection_watch(port, c, IO_WRITABLE);
    return;
  }
  port->counts.answered++;
  c->stage = STAGE_LINGERING;
  shutdown(c->fd, SHUT_WR);
  (void)connection_watch(port, c, IO_READABLE);
}

static void connection_read(struct http_port *port, struct connection *c, int64_t now_ns) {
  ssize_t got =
      recv(c->fd, c->request + c->request_size, sizeof c->request - c->request_size, MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return;
    connection_close(port, c);
    return;
  }
  if (got == 0) { /* gave up before the request was complete */
    connection_close(port, c);
    return;
  }
  uint32_t before = c->request_size;
  c->request_size += (uint32_t)got;
  c->progress_ns = now_ns;
  if (header_complete(c, before)) {
    request_answer(port, c);
  } else if (c->request_size == sizeof c->request) {
    reply_plain(port, c, 431, true);
  } else {
    return;
  }
  connection_write(port, c, now_ns);
}

static void connection_linger(struct http_port *port, struct connection *c) {
  char waste[4096];
  ssize_t got = recv(c->fd, waste, sizeof waste, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  if (got > 0) c->lingered += (uint32_t)got;
  if (got <= 0 || c->lingered > LINGER_MAX) connection_close(port, c);
}

void http_port_ready(struct http_port *port, uint64_t token, int32_t ready, int64_t now_ns) {
  weft_assert(http_port_owns(port, token));
  if (token == port->tag_first) {
    connections_accept(port, now_ns);
    return;
  }
  /* The socket is asked, not the event: that may be of the previous holder of this place. */
  (void)ready;
  struct connection *c = &port->connections[token - port->tag_first - 1];
  switch (c->stage) {
  case STAGE_FREE: break;
  case STAGE_READING: connection_read(port, c, now_ns); break;
  case STAGE_WRITING: connection_write(port, c, now_ns); break;
  case STAGE_LINGERING: connection_linger(port, c); break;
  }
}

void http_port_tick(struct http_port *port, int64_t now_ns) {
  for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
    struct connection *c = &port->connections[i];
    if (c->stage == STAGE_FREE) continue;
    if (now_ns - c->progress_ns < HTTP_IDLE_NS && now_ns - c->start_ns < HTTP_TOTAL_NS) continue;
    connection_close(port, c);
    port->counts.expired++;
  }
}

struct http_port_counts http_port_counts(const struct http_port *port) { return port->counts; }

void http_port_close(struct http_port *port) {
  if (!port) return;
  for (uint32_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
    if (port->connections[i].stage != STAGE_FREE) connection_close(port, &port->connections[i]);
  }
  io_unwatch(port->io, port->listener.fd);
  listener_close(&port->listener);
}

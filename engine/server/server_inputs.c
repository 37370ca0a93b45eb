/* What comes into a running server: WEFT datagrams over UDP and TCP, ASTERIX over UDP. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/server/server.h"

enum { STREAM_READ_BYTES = 1 << 16, STREAM_READS_PER_TURN = 8, PORT_TRIES = 16 };

/* As io_udp_open, with the key of the configuration in the error. */
static int udp_open(struct server *server, const char *host, uint16_t port, uint32_t tag, const char *key,
                    struct weft_error *err) {
  struct weft_error why = {""};
  int rc = io_udp_open(server->io, host, port, tag, &why);
  return rc < 0 ? weft_fail(err, rc, "%s: %s", key, why.text) : rc;
}

/* UDP and TCP share the port's number, so a free one must be free for both. */
static int detections_open(struct server *server, struct weft_error *err) {
  struct listen_address address = server->site->listen_detections;
  int rc = -EADDRINUSE;
  for (int attempt = 0; attempt < PORT_TRIES && rc == -EADDRINUSE; attempt++) {
    int tcp = listener_open(&server->stream_listener, &address, "listen.detections", err);
    if (tcp < 0) return tcp;
    rc = udp_open(server, address.host, (uint16_t)tcp, TAG_DETECTIONS, "listen.detections", err);
    if (rc > 0) {
      server->port_detections = (uint16_t)rc;
      server->has_stream_listener = true;
      rc = io_watch(server->io, server->stream_listener.fd, TAG_STREAM_LISTENER, IO_READABLE);
      return rc < 0 ? weft_fail(err, rc, "listen.detections: %s", strerror(-rc)) : 0;
    }
    listener_close(&server->stream_listener);
    if (address.port != 0) break;
  }
  return rc;
}

int inputs_open(struct server *server, struct weft_error *err) {
  server->streams = arena_take(&server->arena, SERVER_STREAMS_MAX, sizeof *server->streams);
  if (!server->streams) return weft_fail(err, -ENOMEM, "out of memory for TCP connections");
  for (int i = 0; i < SERVER_STREAMS_MAX; i++) server->streams[i].fd = -1;
  int rc = 0;
  if (server->site->listen_detections.enabled) rc = detections_open(server, err);
  if (rc == 0 && server->site->listen_asterix.enabled) {
    const struct listen_address *address = &server->site->listen_asterix;
    rc = udp_open(server, address->host, address->port, TAG_ASTERIX, "listen.asterix", err);
    if (rc > 0) {
      server->port_asterix = (uint16_t)rc;
      rc = 0;
    }
  }
  return rc;
}

static void stream_close(struct server *server, struct stream *stream) {
  server->paused_count -= stream->paused;
  stream->paused = false;
  io_unwatch(server->io, stream->fd);
  shutdown(stream->fd, SHUT_RDWR);
  close(stream->fd);
  stream->fd = -1;
}

void inputs_close(struct server *server) {
  for (int i = 0; server->streams && i < SERVER_STREAMS_MAX; i++) {
    if (server->streams[i].fd >= 0) stream_close(server, &server->streams[i]);
  }
  if (server->has_stream_listener) {
    io_unwatch(server->io, server->stream_listener.fd);
    listener_close(&server->stream_listener);
  }
}

static void weft_datagram_admit(struct server *server, const uint8_t *data, uint32_t size,
                                int64_t arrival_ns) {
  server->intake.crowded = frames_crowded(server);
  while (intake_datagram(&server->intake, data, size, arrival_ns) == INTAKE_CLOSE) frames_turn(server, true);
  while (intake_recovered(&server->intake, arrival_ns) == INTAKE_CLOSE) frames_turn(server, true);
  frames_opened(server, arrival_ns);
}

/* Blocks of one UDP payload; the arrival time is what a recording calls capture time. */
static void asterix_admit(struct server *server, const uint8_t *data, uint32_t size, int64_t arrival_ns) {
  size_t offset = 0;
  struct asterix_block block;
  server->intake.crowded = frames_crowded(server);
  enum asterix_status status;
  while ((status = asterix_block_next(data, size, &offset, &block)) == ASTERIX_OK) {
    struct block_walk walk;
    struct entry entry;
    block_walk_begin(&walk, server->site, &server->clock_day, &block, &server->asterix_sequence);
    walk.has_capture = true;
    walk.capture_ns = walk.arrival_ns = arrival_ns;
    while (block_walk_next(&walk, &entry)) {
      while (entry_admit(&server->intake, &entry) == INTAKE_CLOSE) frames_turn(server, true);
    }
  }
  if (status == ASTERIX_MALFORMED)
    intake_refuse(&server->intake, server->site->sensor_count, REFUSAL_MALFORMED);
  frames_opened(server, arrival_ns);
}

void inputs_datagram(struct server *server, const struct io_datagram *datagram) {
  if (datagram->tag == TAG_ASTERIX) {
    asterix_admit(server, datagram->data, datagram->size, datagram->arrival_ns);
  } else {
    weft_datagram_admit(server, datagram->data, datagram->size, datagram->arrival_ns);
  }
}

/* Who can't be read isn't watched: it would be said to be readable without end. */
static void stream_pause(struct server *server, struct stream *stream) {
  if (stream->paused || io_unwatch(server->io, stream->fd) < 0) return;
  stream->paused = true;
  server->paused_count++;
}

/* Where the kernel's queue for watches is full, it is asked again next turn. */
void inputs_turn(struct server *server) {
  for (uint64_t place = 0; server->paused_count > 0 && place < SERVER_STREAMS_MAX; place++) {
    struct stream *stream = &server->streams[place];
    if (!stream->paused || io_watch(server->io, stream->fd, TAG_STREAM + place, IO_READABLE) < 0) continue;
    stream->paused = false;
    server->paused_count--;
  }
}

static void streams_accept(struct server *server) {
  for (int turn = 0; turn < LISTENER_TURN_MAX; turn++) {
    int fd = listener_accept(&server->stream_listener);
    if (fd < 0) return;
    struct stream *free_stream = NULL;
    int place = 0;
    for (int i = 0; i < SERVER_STREAMS_MAX && !free_stream; i++) {
      if (server->streams[i].fd < 0) {
        free_stream = &server->streams[i];
        place = i;
      }
    }
    if (!free_stream) {
      log_line(LOG_LEVEL_WARNING, "detections over TCP: all %d places are taken, a connection was refused",
               SERVER_STREAMS_MAX);
      close(fd);
      continue;
    }
    memset(free_stream, 0, sizeof *free_stream);
    free_stream->fd = fd;
    int rc = io_watch(server->io, fd, TAG_STREAM + (uint64_t)place, IO_READABLE);
    if (rc < 0) {
      log_line(LOG_LEVEL_WARNING, "detections over TCP: %s", strerror(-rc));
      close(fd);
      free_stream->fd = -1;
    }
  }
}

/* False when the connection is over. */
static bool stream_take(struct server *server, struct stream *stream, const uint8_t *data, size_t size,
                        int64_t now_ns) {
  const uint8_t *datagram;
  uint32_t datagram_size;
  for (;;) {
    switch (wire_stream_take(&stream->wire, &data, &size, &datagram, &datagram_size)) {
    case WIRE_STREAM_DATAGRAM:
      weft_datagram_admit(server, datagram, datagram_size, now_ns);
      break;
    case WIRE_STREAM_MORE:
      return true;
    case WIRE_STREAM_BROKEN:
      weft_datagram_admit(server, data, 0, now_ns); /* counted as malformed */
      log_line(LOG_LEVEL_WARNING,
               "detections over TCP: a length beyond %d: the framing is lost, the connection is closed",
               WIRE_DATAGRAM_MAX);
      return false;
    }
  }
}

static void stream_read(struct server *server, struct stream *stream) {
  static uint8_t buffer[STREAM_READ_BYTES];
  for (int turn = 0; turn < STREAM_READS_PER_TURN; turn++) {
    ssize_t n = recv(stream->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || !stream_take(server, stream, buffer, (size_t)n, io_now(server->io))) {
      if (n == 0 && stream->wire.used > 0) {
        log_line(LOG_LEVEL_NOTICE, "detections over TCP: the connection ended within a datagram");
        weft_datagram_admit(server, buffer, 0, io_now(server->io));
      }
      stream_close(server, stream);
      return;
    }
  }
}

bool inputs_event(struct server *server, const struct io_event *event) {
  if (event->kind != IO_EVENT_READY) return false;
  if (event->token == TAG_STREAM_LISTENER) {
    streams_accept(server);
    return true;
  }
  if (event->token < TAG_STREAM || event->token >= TAG_STREAM + SERVER_STREAMS_MAX) return false;
  struct stream *stream = &server->streams[event->token - TAG_STREAM];
  if (stream->fd < 0) return true;
  if (server->full) stream_pause(server, stream);
  else stream_read(server, stream);
  return true;
}

/* A small HTTP/1.1 responder for GET (and HEAD) of /metrics and /health. One request per connection, then close.
 *
 * Owned and called by the I/O thread alone, driven like the track port. Bounded in every way: connections, request header,
 * reply, and the time a connection may take. A newcomer that finds all places taken displaces the connection that has
 * been silent longest, so that slow senders cannot lock a scraper out for longer than they take to be displaced. */
#ifndef WEFT_EMIT_HTTP_PORT_H
#define WEFT_EMIT_HTTP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/domain/site.h"
#include "engine/platform/io.h"

enum {
  HTTP_CONNECTIONS_MAX = 16,
  HTTP_PORT_TAGS = HTTP_CONNECTIONS_MAX + 1, /* io tags used, from tag_first on */
  HTTP_HEADER_MAX = 8192,                    /* bytes of a request; longer ones get 431 */
  HTTP_BODY_MAX = 8 << 20                    /* largest body_bytes */
};
#define HTTP_IDLE_NS 5000000000 /* a connection lives at most this long without progress */
#define HTTP_TOTAL_NS 30000000000 /* and this long altogether */

enum http_page { HTTP_METRICS, HTTP_HEALTH };

/* Writes the page's body into `body` of `size` bytes and returns its length (0: 500 is sent). For HTTP_HEALTH *healthy,
 * true before, says whether it goes out with 200 or 503. Called on the I/O thread, at a time of its choosing. */
typedef size_t (*http_body)(void *context, enum http_page page, char *body, size_t size, bool *healthy);

struct http_port_config {
  const struct listen_address *address;
  uint64_t tag_first;  /* the port owns HTTP_PORT_TAGS io tags from here */
  size_t body_bytes;   /* room for the largest body, e.g. metrics_text_max(site) */
  http_body body;
  void *context;
};

struct http_port_counts {
  uint32_t connections; /* now */
  uint64_t accepted;
  uint64_t answered;    /* replies handed to the kernel whole */
  uint64_t refused;     /* of the requests, those answered with 4xx */
  uint64_t expired;     /* closed for taking too long */
  uint64_t displaced;   /* closed to make room */
};

struct http_port;

size_t http_port_arena_bytes(const struct http_port_config *config);
/* Returns the bound TCP port (1 to 65535) with *port set, or a negative errno with `err` filled. */
int http_port_open(struct http_port **port, const struct http_port_config *config, struct io *io, struct arena *arena,
                   struct weft_error *err);
bool http_port_owns(const struct http_port *port, uint64_t token);
/* `now_ns`: any clock that goes forward, the same for tick. */
void http_port_ready(struct http_port *port, uint64_t token, int32_t ready, int64_t now_ns);
/* Closes what takes too long. Call about once a second. */
void http_port_tick(struct http_port *port, int64_t now_ns);
struct http_port_counts http_port_counts(const struct http_port *port);
void http_port_close(struct http_port *port);

#endif

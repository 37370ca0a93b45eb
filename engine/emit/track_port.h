/* The live track port: TCP subscribers get every track line; a slow one gets the newest state per track.
 *
 * Owned and called by the I/O thread alone. The server's loop watches through its io and hands events in:
 *
 *   event READY with track_port_owns(port, token):  track_port_ready(port, token, result, now)
 *   end of a step:                                  track_port_publish(port, output, now)
 *
 * A subscriber has one bounded output buffer. While a line fits, it is appended. When one does not, the subscriber is
 * behind: from then on only a mark per track is kept, pointing to a table of newest states that all subscribers share.
 * When there is room again, the marked tracks are sent in the order of their numbers, newest state each, in sweeps that
 * each begin with {"missed":N}, the lines passed over since the last such line; a last one follows when it has caught up.
 * While sweeps rest, which is for a machine that has more to do than it can, one begins when twice as many lines as went out
 * have come since the one before it began: the fastest reader gets half of all lines then, and each track in its turn.
 * At any time, per subscriber: published = delivered + missed + pending (marked).
 *
 * A lost line is the last of its track, so it is never passed over for a newer one, and its place in the table stays
 * until every subscriber that is behind has it. Should the table fill with marked tracks nevertheless, the subscriber with
 * the most marks is disconnected, with a line in the log. */
#ifndef WEFT_EMIT_TRACK_PORT_H
#define WEFT_EMIT_TRACK_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/domain/report.h"
#include "engine/domain/site.h"
#include "engine/platform/io.h"

enum {
  TRACK_PORT_SUBSCRIBERS_MAX = 64,              /* further ones are refused with a line saying so */
  TRACK_PORT_TAGS = TRACK_PORT_SUBSCRIBERS_MAX + 1, /* io tags used, from tag_first on */
  TRACK_PORT_BUFFER_MIN = 64 * 1024,
  TRACK_PORT_INPUT_MAX = 256                        /* bytes read from a subscriber per event; each line is answered
                                                       with {"error":"unknown request"} and changes nothing */
};

struct track_port_config {
  const struct listen_address *address;
  const struct site *site;   /* for the lines; borrowed for the port's life */
  uint64_t tag_first;        /* the port owns TRACK_PORT_TAGS io tags from here */
  uint32_t tracks_max;       /* that may live at a time; the table of newest states has room for them and for lost ones that wait */
  uint32_t buffer_bytes;     /* output buffer of a subscriber; 0: 256 KiB; at least TRACK_PORT_BUFFER_MIN */
};

/* Running totals since opening, over all subscribers; for metrics. */
struct track_port_counts {
  uint32_t subscribers;   /* now */
  uint32_t behind;        /* of these, now */
  uint64_t accepted;      /* connections taken */
  uint64_t refused;       /* connections turned away: all places taken */
  uint64_t disconnected;  /* gone again, whoever ended it */
  uint64_t overflowed;    /* of these, by us: the table of newest states was full */
  uint64_t published;     /* lines times the subscribers they were meant for */
  uint64_t delivered;     /* lines put into an output buffer */
  uint64_t missed;        /* passed over for a newer one, told by missed lines */
  uint64_t pending;       /* marked, now: published = delivered + missed + pending + abandoned */
  uint64_t abandoned;     /* still marked when their subscriber went */
  uint64_t not_finite;    /* reports that gave no line */
  uint64_t bytes;         /* handed to the kernel */
};

struct track_port;

/* Bytes that track_port_open takes from its arena. */
size_t track_port_arena_bytes(const struct track_port_config *config);
/* Listens, and watches the listener through `io` (borrowed for the port's life). Everything is allocated here, from
 * `arena`. Returns the bound TCP port (1 to 65535) with *port set, or a negative errno with `err` filled. */
int track_port_open(struct track_port **port, const struct track_port_config *config, struct io *io,
                    struct arena *arena, struct weft_error *err);
static inline bool track_port_tag_is(const struct track_port_config *config, uint64_t token) {
  return token - config->tag_first < TRACK_PORT_TAGS;
}
bool track_port_owns(const struct track_port *port, uint64_t token);
/* Reacts to IO_EVENT_READY: accepts, reads requests, sends what waits. `now_ns` on the clock of arrival_ns. Bounded work. */
void track_port_ready(struct track_port *port, uint64_t token, int32_t ready, int64_t now_ns);
/* From now on lines say that they are unjournaled, or no longer do. */
void track_port_unjournaled(struct track_port *port, bool unjournaled);
/* From now on sweeps rest, or no longer do. */
void track_port_rest(struct track_port *port, bool rests);
/* Sends what waits to those whose sockets have not said that they are full. */
void track_port_send(struct track_port *port, int64_t now_ns);
/* Offers the reports of one step to every subscriber and sends what the sockets take. Costs next to nothing without
 * subscribers. */
void track_port_publish(struct track_port *port, const struct step_output *output, int64_t now_ns);
/* True when nothing waits for any subscriber: what the server waits for, within its own time limit, before closing. */
bool track_port_drained(const struct track_port *port);
struct track_port_counts track_port_counts(const struct track_port *port);
/* Stops listening and disconnects everyone. `port` may be NULL. The memory stays with the arena. */
void track_port_close(struct track_port *port);

#endif

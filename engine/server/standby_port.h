/* The server's end of hot standby: one follower at a time gets the engine's state and then every frame, and says which have
 * arrived. Lines of a frame wait for that, frame_limit_ms at most. A follower that falls behind or silent is given up; the
 * warning goes on without it.
 *
 * I/O thread only. */
#ifndef WEFT_STANDBY_PORT_H
#define WEFT_STANDBY_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/error.h"
#include "engine/domain/frame.h"
#include "engine/ingest/replay_marks.h"
#include "engine/platform/io.h"
#include "engine/server/snapshots.h"

enum { STANDBY_PORT_TAGS = 2, STANDBY_QUEUE_BYTES = 64 << 20 /* what may wait for a slow follower */ };

struct standby_port;

struct standby_port_config {
  const struct listen_address *address;
  struct snapshots *snapshots; /* borrowed: where states come from */
  uint64_t layout;             /* of the engine */
  uint64_t tag_first;          /* the port owns STANDBY_PORT_TAGS io tags from here */
  /* Called when a follower has said who it is: hands the port every frame (standby_port_frame) that is closed and that the
   * engine may not have stepped yet. */
  void (*frames_pending)(void *context);
  void *context;
};

struct standby_port_figures {
  bool connected, following; /* somebody is there; has the state and gets frames */
  uint64_t acknowledged;     /* newest frame that has arrived at the follower */
  uint64_t frames, bytes;    /* handed over so far */
  uint64_t states;           /* sent so far */
  uint64_t lost;             /* followers given up or gone */
  uint64_t late;             /* frames whose lines did not wait for it any longer */
};

/* Returns the bound TCP port with *port set, or a negative errno with `err`. */
int standby_port_open(struct standby_port **port, const struct standby_port_config *config, struct io *io, struct weft_error *err);
void standby_port_close(struct standby_port *port); /* NULL is fine */
bool standby_port_owns(const struct standby_port *port, uint64_t token);
void standby_port_ready(struct standby_port *port, uint64_t token, int32_t ready, int64_t now_ns);
/* A frame was closed; what was accepted under seal up to it. */
void standby_port_frame(struct standby_port *port, const struct frame *frame, const struct replay_mark *marks, uint32_t count,
                        int64_t now_ns);
/* The state after a frame. */
void standby_port_hash(struct standby_port *port, uint64_t frame, uint64_t hash);
/* Whenever the I/O thread wakes. `now_ns` here and above: a clock that is never set. */
void standby_port_turn(struct standby_port *port, int64_t now_ns);
/* The server ends; `now_ns` as above. */
void standby_port_bye(struct standby_port *port, int64_t now_ns);

/* Has the frame arrived at the follower, or is there none that its lines could wait for? */
bool standby_port_has(const struct standby_port *port, uint64_t frame);
/* Its lines leave without that. */
void standby_port_late(struct standby_port *port);
struct standby_port_figures standby_port_figures(const struct standby_port *port);

#endif

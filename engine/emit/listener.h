/* The listening TCP socket that the track port and the HTTP port share the making of. */
#ifndef WEFT_EMIT_LISTENER_H
#define WEFT_EMIT_LISTENER_H

#include <stdint.h>

#include "engine/base/error.h"
#include "engine/domain/site.h"

enum { LISTENER_BACKLOG = 64, LISTENER_TURN_MAX = 16 /* connections taken per event */ };

struct listener {
  int fd;    /* owned */
  int spare; /* owned; given up for a moment when the process is out of descriptors, so that a caller can be turned away
                instead of being reported as ready for ever */
};

/* Non-blocking, on an IPv4 or IPv6 address or a name; port 0 takes any free one. Returns the bound port (1 to 65535), or
 * a negative errno with `err` filled. `what` names the listener in errors, e.g. "listen.tracks". */
int listener_open(struct listener *listener, const struct listen_address *address, const char *what,
                  struct weft_error *err);
/* A non-blocking connection, -EAGAIN when nobody waits, -EMFILE when a caller had to be turned away, or another negative
 * errno. Call at most LISTENER_TURN_MAX times per event. */
int listener_accept(struct listener *listener);
void listener_close(struct listener *listener);

#endif

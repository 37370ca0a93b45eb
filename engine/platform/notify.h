/* Telling a service manager how it goes, by systemd's sd_notify protocol: each message is one datagram of `NAME=value`
 * lines to the local socket that NOTIFY_SOCKET names. Where nothing is named, nothing is opened and nothing sent.
 *
 *   notify_open(&notify, err);
 *   notify_send(&notify, "READY=1");
 *   every notify.watchdog_ns / 2 at the latest: notify_send(&notify, "WATCHDOG=1");
 */
#ifndef WEFT_PLATFORM_NOTIFY_H
#define WEFT_PLATFORM_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/base/error.h"

/* Zeroed: nobody asked. Written by notify_open alone, which is the only one to allocate or to read the environment. */
struct notify {
  int fd;
  socklen_t address_size; /* bytes; 0: nobody asked */
  struct sockaddr_un address;
  int64_t watchdog_ns; /* how long the manager waits for a WATCHDOG=1 before it takes this process for stuck; 0: it doesn't */
};

/* Reads NOTIFY_SOCKET (a path, or a name with @ in front), WATCHDOG_USEC and WATCHDOG_PID. 0, also where nobody asked; or a
 * negative errno with `err` and nobody told: a value that can't be used, no descriptor left. */
int notify_open(struct notify *notify, struct weft_error *err);
bool notify_wanted(const struct notify *notify);
/* One message; never waits. 0 (also where nobody asked), -EAGAIN where the manager's queue is full, or another negative errno. */
int notify_send(const struct notify *notify, const char *text);
void notify_close(struct notify *notify);

#endif

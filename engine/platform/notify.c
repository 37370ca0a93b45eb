#include "engine/platform/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `text` as a whole number above 0, or 0. */
static uint64_t number_of(const char *text) {
  char *end;
  if (*text < '0' || *text > '9') return 0;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  return errno == 0 && *end == 0 ? value : 0;
}

static int address_set(struct notify *notify, const char *name, struct weft_error *err) {
  size_t length = strlen(name);
  if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof notify->address.sun_path)
    return weft_fail(err, -EINVAL, "NOTIFY_SOCKET=%s: give a path or a name with @ in front, at most %zu characters; "
                     "the service manager is not told anything", name, sizeof notify->address.sun_path - 1);
  notify->address.sun_family = AF_UNIX;
  memcpy(notify->address.sun_path, name, length);
  if (name[0] == '@') notify->address.sun_path[0] = 0;
  notify->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  return 0;
}

/* WATCHDOG_PID says whom the time is meant for: a child inherits both variables and is not meant. */
static int watchdog_set(struct notify *notify, struct weft_error *err) {
  const char *limit = getenv("WATCHDOG_USEC"), *whom = getenv("WATCHDOG_PID");
  if (!limit || (whom && number_of(whom) != (uint64_t)getpid())) return 0;
  uint64_t limit_us = number_of(limit);
  if (limit_us == 0 || limit_us > INT64_MAX / 1000)
    return weft_fail(err, -EINVAL, "WATCHDOG_USEC=%s: give microseconds; the service manager is not told anything", limit);
  notify->watchdog_ns = (int64_t)limit_us * 1000;
  return 0;
}

int notify_open(struct notify *notify, struct weft_error *err) {
  memset(notify, 0, sizeof *notify);
  const char *name = getenv("NOTIFY_SOCKET");
  if (!name) return 0;
  int rc = address_set(notify, name, err);
  if (rc == 0) rc = watchdog_set(notify, err);
  if (rc == 0) {
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->fd < 0)
      rc = weft_fail(err, -errno, "the socket for NOTIFY_SOCKET: %s; the service manager is not told anything", strerror(errno));
  }
  if (rc < 0) memset(notify, 0, sizeof *notify);
  return rc;
}

bool notify_wanted(const struct notify *notify) {
  return notify->address_size > 0;
}

int notify_send(const struct notify *notify, const char *text) {
  if (!notify_wanted(notify)) return 0;
  const struct sockaddr *to = (const struct sockaddr *)&notify->address;
  return sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL, to, notify->address_size) < 0 ? -errno : 0;
}

void notify_close(struct notify *notify) {
  if (notify_wanted(notify)) close(notify->fd);
  memset(notify, 0, sizeof *notify);
}

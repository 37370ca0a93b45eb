/* A running server under a service manager: ready, alive, reading keys again, stopping.
 *
 * A ping says that frames come out at the end. The I/O thread sends it, and only if a frame was stepped by the engine thread and
 * emitted since the last one; in silence too a frame closes every FRAME_SILENCE_NS. A thread that is stuck ends the pings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/text.h"
#include "engine/server/server.h"

/* What the manager couldn't take is tried again after RETRY_NS. Without a watchdog the status is told every STATUS_NS. A
 * watchdog below WATCHDOG_NS_MIN ends servers that wait for a disk or step a large frame. */
#define RETRY_NS 100000000
#define STATUS_NS 10000000000
#define WATCHDOG_NS_MIN 2000000000

enum { PINGS_PER_WATCHDOG = 4, MESSAGE_BYTES = 256 };

void service_open(struct server *server) {
  struct service *service = &server->service;
  struct weft_error err;
  if (notify_open(&service->notify, &err) < 0) log_line(LOG_LEVEL_WARNING, "%s", err.text);
  int64_t watchdog_ns = service->notify.watchdog_ns;
  service->period_ns = watchdog_ns > 0 ? watchdog_ns / PINGS_PER_WATCHDOG : STATUS_NS;
  if (watchdog_ns > 0 && watchdog_ns < WATCHDOG_NS_MIN)
    log_line(LOG_LEVEL_WARNING, "WATCHDOG_USEC=%lld: a healthy server may take longer for a frame; give WatchdogSec=%lld or more",
             (long long)(watchdog_ns / 1000), (long long)(WATCHDOG_NS_MIN / 1000000000));
}

/* True if the manager has it. */
static bool tell(struct server *server, const char *message) {
  struct service *service = &server->service;
  int rc = notify_send(&service->notify, message);
  if (rc < 0 && rc != -EAGAIN && !service->failed) {
    service->failed = true;
    log_line(LOG_LEVEL_WARNING, "telling the service manager (NOTIFY_SOCKET) failed: %s; it may take this server for dead",
             strerror(-rc));
  }
  return rc == 0;
}

void service_ready(struct server *server) {
  struct service *service = &server->service;
  service->ready_due = !tell(server, "READY=1\nSTATUS=ready");
  if (service->ready_due) service->next_clock_ns = clock_monotonic_ns() + RETRY_NS;
}

/* Whoever waits for the reload waits from RELOADING to the next READY; managers that know Type=notify-reload want the time. */
void service_reloading(struct server *server) {
  char message[MESSAGE_BYTES];
  snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading the key files again",
           (long long)(clock_monotonic_ns() / 1000));
  tell(server, message);
}

void service_stopping(struct server *server) {
  tell(server, "STOPPING=1\nSTATUS=finishing what was received");
}

static bool ping(struct server *server) {
  const char *reason = pages_unhealthy(server);
  const uint64_t *tracks = server->snapshot->tracks;
  char message[MESSAGE_BYTES];
  struct text text = text_open(message, sizeof message - 1);
  if (server->service.notify.watchdog_ns > 0) text_put(&text, "WATCHDOG=1\n");
  text_put(&text, "STATUS=frames: ");
  text_u64(&text, server->emitted);
  text_put(&text, "; tracks: ");
  text_u64(&text, tracks[STATUS_CONFIRMED]);
  text_put(&text, " confirmed, ");
  text_u64(&text, tracks[STATUS_TENTATIVE]);
  text_put(&text, " tentative; ");
  text_put(&text, reason ? reason : "healthy");
  message[text.used] = 0;
  return tell(server, message);
}

void service_turn(struct server *server) {
  struct service *service = &server->service;
  if (!notify_wanted(&service->notify)) return;
  int64_t now_ns = clock_monotonic_ns();
  if (now_ns < service->next_clock_ns) return;
  if (service->ready_due) {
    service_ready(server);
    return;
  }
  if (server->emitted == service->told_emitted) return;
  bool told = ping(server);
  if (told) service->told_emitted = server->emitted;
  service->next_clock_ns = now_ns + (told ? service->period_ns : RETRY_NS);
}

void service_close(struct server *server) {
  notify_close(&server->service.notify);
}

/* Sealed sensors and forward error correction in a running server: opened, read again on SIGHUP, closed. */
#include <string.h>

#include "engine/base/log.h"
#include "engine/server/server.h"

size_t keys_bytes(const struct site *site) {
  return sealed_feeds_bytes(site) + recovery_bytes(site);
}

int keys_open(struct server *server, struct weft_error *err) {
  int rc = recovery_open(&server->recovery, &server->arena, server->site, server->ledger);
  if (rc < 0) return weft_fail(err, rc, "out of memory for forward error correction");
  intake_recover(&server->intake, &server->recovery);
  rc = sealed_feeds_open(&server->feeds, &server->arena, server->site, err);
  if (rc < 0 || server->feeds.sensor_count == 0) return rc;
  server->intake.feeds = &server->feeds;
  return marks_keeper_open(&server->marks, &server->feeds, server->site->replay_marks_path, err);
}

static void keys_reload(struct server *server) {
  if (server->feeds.sensor_count == 0) {
    log_line(LOG_LEVEL_NOTICE, "SIGHUP: no sensor has a key, nothing to read again");
    return;
  }
  uint32_t changed = sealed_feeds_reload(&server->feeds);
  log_line(LOG_LEVEL_NOTICE, "SIGHUP: key files read again, %u of %u sensors have other keys than before",
           changed, server->feeds.sensor_count);
}

void keys_turn(struct server *server) {
  if (server->reload) {
    server->reload = false;
    service_reloading(server);
    keys_reload(server);
    service_ready(server);
  }
  if (server->marks) marks_keeper_turn(server->marks);
}

void keys_close(struct server *server) {
  marks_keeper_close(server->marks);
  server->marks = NULL;
  sealed_feeds_close(&server->feeds);
}

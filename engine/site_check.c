/* weft check: a configuration as `weft run` would meet it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/domain/detection.h"
#include "engine/engine.h"
#include "engine/ingest/config.h"
#include "engine/ingest/sealed_feeds.h"
#include "engine/track/index.h"
#include "engine/warn/regions.h"

/* A journal's folder is made by `run`, its parent is not. */
static int journal_check(const char *config_path, const struct site *site, struct weft_error *err) {
  const char *directory = site->journal_directory;
  if (!directory[0]) return 0;
  struct stat status;
  if (stat(directory, &status) == 0) {
    if (!S_ISDIR(status.st_mode)) {
      return weft_fail(err, -ENOTDIR, "%s: journal.directory: %s is not a folder; name another", config_path,
                       directory);
    }
    if (access(directory, W_OK | X_OK) == 0) return 0;
    return weft_fail(err, -EACCES,
                     "%s: journal.directory: %s may not be written to; change its rights or name another",
                     config_path, directory);
  }
  char parent[SITE_PATH_MAX];
  size_t length = strlen(directory);
  memcpy(parent, directory, length + 1);
  while (length > 1 && parent[length - 1] == '/') parent[--length] = 0;
  char *slash = strrchr(parent, '/');
  if (slash == parent) slash++;
  if (slash) *slash = 0;
  if (access(slash ? parent : ".", W_OK | X_OK) == 0) return 0;
  return weft_fail(err, -errno,
                   "%s: journal.directory: %s can't be made: %s; make its parent or name another",
                   config_path, directory, strerror(errno));
}

static int file_check(const char *config_path, const char *key, const char *path, struct weft_error *err) {
  if (!path[0] || access(path, R_OK) == 0) return 0;
  return weft_fail(err, -errno, "%s: %s: %s can't be read: %s; check the path", config_path, key, path,
                   strerror(errno));
}

static int los_check(const char *config_path, const struct site *site, struct weft_error *err) {
  uint32_t count = 0;
  for (uint32_t s = 0; s < site->sensor_count; s++) count += site->sensors[s].kind == KIND_LOS;
  if (count <= INDEX_LOS_MAX) return 0;
  return weft_fail(err, -E2BIG, "%s: sensors: %u of kind los (allowed: %d); use fewer", config_path, count,
                   INDEX_LOS_MAX);
}

/* Reads the key files as `run` would: every line of them, and that no key is used twice. */
static int keys_check(const struct site *site, struct weft_error *err) {
  struct arena arena = {0};
  struct sealed_feeds feeds = {0};
  size_t size = sealed_feeds_bytes(site);
  if (size == 0) return 0;
  int rc = arena_open(&arena, size);
  if (rc < 0) return weft_fail(err, rc, "out of memory");
  rc = sealed_feeds_open(&feeds, &arena, site, err);
  sealed_feeds_close(&feeds);
  arena_close(&arena);
  return rc;
}

/* "4 radar, 2 los" and "detections, tracks"; both fit: four kinds, four listeners. */
static void lists_make(const struct site *site, char kinds[128], char listens[128]) {
  static const char *const names[KIND_END] = {
      [KIND_RADAR] = "radar", [KIND_RADAR2D] = "radar2d", [KIND_LOS] = "los", [KIND_POSITION] = "position"};
  uint32_t counts[KIND_END] = {0};
  int used = 0;
  for (uint32_t s = 0; s < site->sensor_count; s++) counts[site->sensors[s].kind]++;
  for (int kind = KIND_RADAR; kind < KIND_END; kind++) {
    if (counts[kind])
      used +=
          snprintf(kinds + used, 128 - (size_t)used, "%s%u %s", used ? ", " : "", counts[kind], names[kind]);
  }
  const struct {
    const struct listen_address *address;
    const char *name;
  } listeners[] = {{&site->listen_detections, "detections"},
                   {&site->listen_asterix, "asterix"},
                   {&site->listen_tracks, "tracks"},
                   {&site->listen_metrics, "metrics"},
                   {&site->listen_standby, "standby"}};
  used = 0;
  for (int i = 0; i < 4; i++) {
    if (listeners[i].address->enabled)
      used += snprintf(listens + used, 128 - (size_t)used, "%s%s", used ? ", " : "", listeners[i].name);
  }
  if (!used) snprintf(listens, 128, "nothing");
}

int weft_check(const char *config_path, FILE *out, struct weft_error *err) {
  struct site *site;
  int rc = engine_site_load(config_path, &site, err);
  if (rc < 0) return rc;
  rc = los_check(config_path, site, err);
  if (rc == 0) rc = journal_check(config_path, site, err);
  if (rc == 0) rc = file_check(config_path, "regions", site->regions_path, err);
  if (rc == 0 && site->regions_path[0]) {
    struct regions regions;
    rc = regions_load(&regions, site->regions_path, err);
    if (rc == 0) regions_free(&regions);
  }
  if (rc == 0) rc = keys_check(site, err);
  if (rc == 0) {
    char kinds[128], listens[128];
    lists_make(site, kinds, listens);
    int written = fprintf(out, "%s: ok: centre %s, %s%s, %u sensor%s of %u nation%s (%s), listening for %s\n",
                          config_path, site->centre, site->exercise ? "exercise, " : "",
                          site->time == SITE_TIME_LIVE ? "live" : "recorded", site->sensor_count,
                          site->sensor_count == 1 ? "" : "s", site->nation_count,
                          site->nation_count == 1 ? "" : "s", kinds, listens);
    if (written < 0 || fflush(out) != 0) rc = weft_fail(err, -EIO, "writing failed: %s", strerror(errno));
  }
  site_free(site);
  free(site);
  return rc;
}

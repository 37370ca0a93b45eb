#include "engine/ingest/sealed_feeds.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/ingest/key_file.h"
#include "engine/ingest/replay_window.h"

/* One key's memory. */
struct sealed_window {
  bool used;   /* fingerprint, epoch and window mean something */
  bool active; /* its key is in the file now, at keys[key] */
  uint16_t epoch;
  uint32_t key;
  uint64_t fingerprint;
  struct replay_window window;
  bool leased;    /* the disk knows: */
  uint64_t lease; /* numbers up to this one may be accepted */
  bool wants;     /* the next marks say: */
  uint64_t wanted;
  uint64_t length;    /* of the next lease, datagrams */
  int64_t renewed_ns; /* arrival time at which the last one was asked for */
};

struct sealed_sensor {
  struct sealed_window windows[SEALED_WINDOWS];
};

_Static_assert((int)SEALED_WINDOWS >= 2 * (int)KEY_EPOCHS_MAX, "a file's keys never push out each other");
_Static_assert(SITE_SENSORS_MAX *SEALED_WINDOWS + SEALED_CARRIED_MAX <= REPLAY_MARKS_MAX,
               "all marks fit their file");

#define LEASE_SHORT_NS INT64_C(1000000000) /* a lease used up faster than this gets longer */
#define LEASE_LONG_NS INT64_C(4000000000)  /* and slower than this, shorter */

static bool keyed(const struct site *site, uint32_t sensor) {
  return site->sensors[sensor].key_path[0] != 0;
}

size_t sealed_feeds_bytes(const struct site *site) {
  size_t windows = 0;
  for (uint32_t s = 0; s < site->sensor_count; s++) windows += keyed(site, s);
  if (windows == 0) return 0;
  return site->sensor_count * sizeof(struct sealed_sensor) + WIRE_DATAGRAM_MAX +
         SEALED_CARRIED_MAX * sizeof(struct replay_mark) + 256;
}

static struct sealed_window *window_find(const struct sealed_feeds *feeds, uint32_t sensor,
                                         uint64_t fingerprint) {
  for (int i = 0; i < SEALED_WINDOWS; i++) {
    struct sealed_window *window = &feeds->sensors[sensor].windows[i];
    if (window->used && window->fingerprint == fingerprint) return window;
  }
  return NULL;
}

/* The window of a key, an old one or one begun now in a free place or in that of the oldest epoch out of use.
 */
static struct sealed_window *window_of(struct sealed_feeds *feeds, uint32_t sensor, uint64_t fingerprint,
                                       uint16_t epoch) {
  struct sealed_window *found = window_find(feeds, sensor, fingerprint), *place = NULL;
  if (found) return found;
  for (int i = 0; i < SEALED_WINDOWS; i++) {
    struct sealed_window *window = &feeds->sensors[sensor].windows[i];
    if (window->active) continue;
    bool better = !place || (place->used && (!window->used || window->epoch < place->epoch));
    if (better) place = window;
  }
  weft_assert(place);
  *place = (struct sealed_window){
      .used = true, .epoch = epoch, .fingerprint = fingerprint, .length = SEALED_LEASE_MIN};
  return place;
}

/* Makes the keys in `list` those of the sensor. */
static void keys_apply(struct sealed_feeds *feeds, uint32_t sensor, const struct key_list *list) {
  for (int i = 0; i < SEALED_WINDOWS; i++) feeds->sensors[sensor].windows[i].active = false;
  memcpy(&feeds->keys[sensor], list, sizeof *list);
  /* Windows of keys that stay are claimed first, so that none of them gives its place to a new key. */
  for (int known = 1; known >= 0; known--) {
    for (uint32_t k = 0; k < list->count; k++) {
      uint64_t fingerprint = seal_fingerprint(list->keys[k].bytes);
      if ((window_find(feeds, sensor, fingerprint) != NULL) != known) continue;
      struct sealed_window *window = window_of(feeds, sensor, fingerprint, list->keys[k].epoch);
      window->active = true;
      window->epoch = list->keys[k].epoch;
      window->key = k;
    }
  }
}

/* One key in two sensors' files would seal different datagrams under the same nonce, which gives both away.
 */
static bool shared_with_another(const struct sealed_feeds *feeds, uint32_t sensor,
                                const struct key_list *list, uint32_t *other) {
  for (uint32_t s = 0; s < feeds->site->sensor_count; s++) {
    if (s == sensor) continue;
    for (uint32_t a = 0; a < feeds->keys[s].count; a++) {
      for (uint32_t b = 0; b < list->count; b++) {
        if (sodium_memcmp(feeds->keys[s].keys[a].bytes, list->keys[b].bytes, SEAL_KEY_SIZE) != 0) continue;
        *other = s;
        return true;
      }
    }
  }
  return false;
}

/* Into the scratch list. */
static int keys_read(struct sealed_feeds *feeds, uint32_t sensor, struct weft_error *err) {
  const struct site *site = feeds->site;
  struct key_list *list = &feeds->keys[site->sensor_count];
  const char *path = site->sensors[sensor].key_path;
  bool loose;
  uint32_t other;
  int rc = key_file_read(path, list, &loose, err);
  if (rc < 0) return rc;
  if (loose)
    log_line(LOG_LEVEL_WARNING, "%s: others than its owner may use this key file; chmod 600 it", path);
  if (!shared_with_another(feeds, sensor, list, &other)) return 0;
  return weft_fail(err, -EINVAL,
                   "%s: sensor %u has a key in it that sensor %u uses; make each its own with `weft key`",
                   path, site->sensors[sensor].id, site->sensors[other].id);
}

int sealed_feeds_open(struct sealed_feeds *feeds, struct arena *arena, const struct site *site,
                      struct weft_error *err) {
  *feeds = (struct sealed_feeds){.site = site};
  for (uint32_t s = 0; s < site->sensor_count; s++) feeds->sensor_count += keyed(site, s);
  if (feeds->sensor_count == 0) return 0;
  int rc = seal_begin();
  if (rc < 0) return weft_fail(err, rc, "libsodium can't be used on this machine");
  feeds->sensors = arena_take(arena, site->sensor_count, sizeof *feeds->sensors);
  feeds->body = arena_take(arena, 1, WIRE_DATAGRAM_MAX);
  feeds->carried = arena_take(arena, SEALED_CARRIED_MAX, sizeof *feeds->carried);
  feeds->keys = sodium_allocarray(site->sensor_count + 1, sizeof *feeds->keys);
  if (!feeds->sensors || !feeds->body || !feeds->carried || !feeds->keys)
    return weft_fail(err, -ENOMEM, "out of memory for keys");
  memset(feeds->keys, 0, (site->sensor_count + 1) * sizeof *feeds->keys);
  for (uint32_t s = 0; s < site->sensor_count && rc == 0; s++) {
    if (!keyed(site, s)) continue;
    rc = keys_read(feeds, s, err);
    if (rc == 0) keys_apply(feeds, s, &feeds->keys[site->sensor_count]);
    key_list_wipe(&feeds->keys[site->sensor_count]);
  }
  if (rc < 0) sealed_feeds_close(feeds);
  return rc;
}

void sealed_feeds_close(struct sealed_feeds *feeds) {
  if (feeds->body) sodium_memzero(feeds->body, WIRE_DATAGRAM_MAX);
  sodium_free(feeds->keys); /* wipes */
  feeds->keys = NULL;
}

uint32_t sealed_feeds_reload(struct sealed_feeds *feeds) {
  uint32_t changed = 0, count = feeds->site->sensor_count;
  for (uint32_t s = 0; feeds->sensor_count > 0 && s < count; s++) {
    if (!keyed(feeds->site, s)) continue;
    struct weft_error err = {""};
    struct key_list *list = &feeds->keys[count];
    if (keys_read(feeds, s, &err) < 0) {
      log_line(LOG_LEVEL_ERROR, "%s; the keys of sensor %u stay as they were", err.text,
               feeds->site->sensors[s].id);
    } else if (list->count != feeds->keys[s].count ||
               sodium_memcmp(list->keys, feeds->keys[s].keys, list->count * sizeof list->keys[0]) != 0) {
      keys_apply(feeds, s, list);
      changed++;
    }
    key_list_wipe(list);
  }
  return changed;
}

static struct sealed_window *window_active(const struct sealed_feeds *feeds, uint32_t sensor,
                                           uint16_t epoch) {
  for (int i = 0; feeds->sensors && i < SEALED_WINDOWS; i++) {
    struct sealed_window *window = &feeds->sensors[sensor].windows[i];
    if (window->active && window->epoch == epoch) return window;
  }
  return NULL;
}

const uint8_t *sealed_feeds_unseal(struct sealed_feeds *feeds, uint32_t sensor,
                                   const struct wire_header *header, const uint8_t *data, uint32_t size) {
  const struct sealed_window *window = window_active(feeds, sensor, header->key_epoch);
  if (!window) return NULL;
  return seal_open(data, size, feeds->keys[sensor].keys[window->key].bytes, feeds->body) ? feeds->body : NULL;
}

bool sealed_feeds_seen(const struct sealed_feeds *feeds, uint32_t sensor, uint16_t epoch, uint64_t sequence) {
  const struct sealed_window *window = window_active(feeds, sensor, epoch);
  return window && replay_window_seen(&window->window, sequence);
}

/* Asks for a lease from `sequence` on; its length follows the rate. */
static void lease_ask(struct sealed_window *window, uint64_t sequence, int64_t arrival_ns) {
  int64_t lasted_ns = arrival_ns - window->renewed_ns;
  if (window->renewed_ns != 0 && lasted_ns < LEASE_SHORT_NS && window->length < SEALED_LEASE_MAX)
    window->length *= 2;
  if (window->renewed_ns != 0 && lasted_ns > LEASE_LONG_NS && window->length > SEALED_LEASE_MIN)
    window->length /= 2;
  window->renewed_ns = arrival_ns;
  window->wants = true;
  window->wanted = sequence > UINT64_MAX - window->length ? UINT64_MAX : sequence + window->length;
}

int64_t sealed_feeds_take(struct sealed_feeds *feeds, uint32_t sensor, uint16_t epoch, uint64_t sequence,
                          int64_t arrival_ns) {
  struct sealed_window *window = window_active(feeds, sensor, epoch);
  weft_assert(window);
  if (feeds->persist && (!window->leased || sequence > window->lease)) {
    lease_ask(window, sequence, arrival_ns);
    feeds->persist(feeds->context);
    window->leased = true; /* also where the disk failed, which the operator was told: the warning goes on */
    window->lease = window->wanted;
  } else if (feeds->persist && window->lease - sequence < window->length / 2 &&
             window->wanted <= window->lease) {
    lease_ask(window, window->lease, arrival_ns);
    feeds->lease_due = true;
  }
  return replay_window_take(&window->window, sequence);
}

uint32_t sealed_feeds_marks_max(const struct sealed_feeds *feeds) {
  return feeds->sensor_count * SEALED_WINDOWS + SEALED_CARRIED_MAX;
}

/* What the file shall say of a key; false: nothing, since nothing was ever accepted. */
static bool mark_of(const struct sealed_window *window, bool exact, uint64_t *mark) {
  if (!window->used) return false;
  const struct replay_window *taken = &window->window;
  *mark = taken->started ? taken->highest : taken->floor;
  if (taken->started && taken->has_floor && taken->floor > *mark) *mark = taken->floor;
  if (exact || !window->wants) return taken->started || taken->has_floor;
  if (window->wanted > *mark) *mark = window->wanted;
  return true;
}

uint32_t sealed_feeds_marks(struct sealed_feeds *feeds, bool exact, struct replay_mark *marks) {
  uint32_t count = 0;
  for (uint32_t s = 0; s < feeds->site->sensor_count && feeds->sensors; s++) {
    for (int i = 0; i < SEALED_WINDOWS; i++) {
      const struct sealed_window *window = &feeds->sensors[s].windows[i];
      struct replay_mark mark = {.sensor_id = feeds->site->sensors[s].id,
                                 .epoch = window->epoch,
                                 .fingerprint = window->fingerprint};
      if (mark_of(window, exact, &mark.mark)) marks[count++] = mark;
    }
  }
  for (uint32_t i = 0; i < feeds->carried_count; i++) marks[count++] = feeds->carried[i];
  feeds->lease_due = false;
  return count;
}

/* Index of the keyed sensor with this id, or sensor_count. */
static uint32_t sensor_by_id(const struct sealed_feeds *feeds, uint32_t id) {
  uint32_t s = 0, count = feeds->site->sensor_count;
  while (s < count && !(feeds->site->sensors[s].id == id && keyed(feeds->site, s))) s++;
  return s;
}

void sealed_feeds_granted(struct sealed_feeds *feeds, const struct replay_mark *marks, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t sensor = sensor_by_id(feeds, marks[i].sensor_id);
    struct sealed_window *window =
        sensor < feeds->site->sensor_count ? window_find(feeds, sensor, marks[i].fingerprint) : NULL;
    if (!window || (window->leased && window->lease >= marks[i].mark)) continue;
    window->leased = true;
    window->lease = marks[i].mark;
  }
}

void sealed_feeds_restore(struct sealed_feeds *feeds, const struct replay_mark *marks, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t sensor = sensor_by_id(feeds, marks[i].sensor_id);
    if (sensor == feeds->site->sensor_count) {
      if (feeds->carried_count < SEALED_CARRIED_MAX) feeds->carried[feeds->carried_count++] = marks[i];
      continue;
    }
    struct sealed_window *window = window_of(feeds, sensor, marks[i].fingerprint, marks[i].epoch);
    if (window->window.has_floor && window->window.floor >= marks[i].mark) continue;
    window->window.has_floor = true;
    window->window.floor = marks[i].mark;
  }
}

void sealed_feeds_exactly(struct sealed_feeds *feeds, const struct replay_mark *marks, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint32_t sensor = sensor_by_id(feeds, marks[i].sensor_id);
    if (sensor == feeds->site->sensor_count) continue;
    struct replay_window *window = &window_of(feeds, sensor, marks[i].fingerprint, marks[i].epoch)->window;
    window->has_floor = true;
    window->floor = marks[i].mark;
  }
}

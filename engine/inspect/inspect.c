#include "engine/inspect/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/ingest/capture.h"
#include "engine/ingest/config.h"
#include "engine/ingest/sniff.h"
#include "engine/journal/journal_reader.h"

int inspect_read(struct inspect *inspect, struct weft_error *err) {
  ssize_t n;
  do {
    n = read(inspect->fd, inspect->chunk, sizeof inspect->chunk);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return weft_fail(err, -errno, "%s: reading failed: %s", inspect->name, strerror(errno));
  inspect->data = inspect->chunk;
  inspect->left = (size_t)n;
  return n > 0;
}

int inspect_text_read(struct inspect *inspect, size_t size_max, char **text, size_t *size,
                      struct weft_error *err) {
  char *all = NULL;
  size_t used = 0;
  int rc;
  do {
    char *grown = used + inspect->left <= size_max ? realloc(all, used + inspect->left + 1) : NULL;
    if (!grown) {
      free(all);
      return used + inspect->left > size_max
                 ? weft_fail(err, -EFBIG, "%s: longer than %zu bytes; too long for what it seems to be",
                             inspect->name, size_max)
                 : weft_fail(err, -ENOMEM, "%s: out of memory", inspect->name);
    }
    all = grown;
    memcpy(all + used, inspect->data, inspect->left);
    used += inspect->left;
    rc = inspect_read(inspect, err);
  } while (rc == 1);
  if (rc < 0) {
    free(all);
    return rc;
  }
  all[used] = 0;
  *text = all;
  *size = used;
  return 0;
}

/* Enough of the first bytes to tell what the file is; they stay in data and left. */
static int head_read(struct inspect *inspect, struct weft_error *err) {
  size_t have = 0;
  while (have < SNIFF_SIZE) {
    ssize_t n = read(inspect->fd, inspect->chunk + have, sizeof inspect->chunk - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return weft_fail(err, -errno, "%s: reading failed: %s", inspect->name, strerror(errno));
    if (n == 0) break;
    have += (size_t)n;
  }
  inspect->data = inspect->chunk;
  inspect->left = have;
  return 0;
}

enum text_kind { TEXT_DETECTIONS, TEXT_TRUTH, TEXT_SITE, TEXT_PROFILE, TEXT_RUN_STATE, TEXT_OTHER };

/* Text is told by its first line that is neither blank nor a comment: a header of CSV or the first key of a
 * YAML file. */
static enum text_kind text_kind_tell(const uint8_t *head, size_t size) {
  char line[512];
  size_t used = 0, at = size >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  while (at < size && used == 0) {
    size_t end = at;
    while (end < size && head[end] != '\n') end++;
    while (at < end && (head[at] == ' ' || head[at] == '\t' || head[at] == '\r')) at++;
    bool marker = end - at >= 3 && (memcmp(head + at, "---", 3) == 0 || head[at] == '%');
    if (at < end && head[at] != '#' && !marker) {
      used = end - at < sizeof line ? end - at : sizeof line - 1;
      memcpy(line, head + at, used);
    }
    at = end + 1;
  }
  line[used] = 0;
  if (strncmp(line, "started ", 8) == 0) return TEXT_RUN_STATE;
  if (strstr(line, "time_ns")) return strstr(line, "target") ? TEXT_TRUTH : TEXT_DETECTIONS;
  static const char *const profile_keys[] = {"profile:", "machine:", "engine:", "pool:", "receive:"}; /* of no site */
  for (size_t k = 0; k < sizeof profile_keys / sizeof profile_keys[0]; k++)
    if (strncmp(line, profile_keys[k], strlen(profile_keys[k])) == 0) return TEXT_PROFILE;
  size_t name = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
  if (name > 0 && line[name + strspn(line + name, " ")] == ':') return TEXT_SITE;
  return strchr(line, ',') ? TEXT_DETECTIONS
                           : TEXT_OTHER; /* a wrong header is best explained by the reader of headers */
}

static int unknown_tell(const struct inspect *inspect, struct weft_error *err) {
  return weft_fail(err, -EINVAL,
                   "%s: neither detections or truth as CSV, ASTERIX (pcap, .gps, raw blocks), a weft "
                   "journal, track lines nor "
                   "a site configuration or hardware profile; see the manual, weft-inspect(1)",
                   inspect->name);
}

static int text_inspect(struct inspect *inspect, struct weft_error *err) {
  switch (text_kind_tell(inspect->data, inspect->left)) {
  case TEXT_DETECTIONS:
    return inspect_csv(inspect, err);
  case TEXT_TRUTH:
    return inspect_truth(inspect, err);
  case TEXT_SITE:
    return inspect_site(inspect, err);
  case TEXT_PROFILE:
    return inspect_profile(inspect, err);
  case TEXT_RUN_STATE:
    return inspect_run_state(inspect, err);
  case TEXT_OTHER:
    break;
  }
  return unknown_tell(inspect, err);
}

static int stream_inspect(struct inspect *inspect, struct weft_error *err) {
  int rc = head_read(inspect, err);
  if (rc < 0) return rc;
  switch (sniff_file(inspect->data, inspect->left)) {
  case SNIFF_EMPTY:
    return weft_fail(err, -EINVAL, "%s: empty; there is nothing to tell", inspect->name);
  case SNIFF_CSV:
    return text_inspect(inspect, err);
  case SNIFF_PCAP:
    return inspect_asterix(inspect, CAPTURE_PCAP, err);
  case SNIFF_GPS:
    return inspect_asterix(inspect, CAPTURE_GPS, err);
  case SNIFF_ASTERIX:
    return inspect_asterix(inspect, CAPTURE_RAW, err);
  case SNIFF_TRACKS:
    return inspect_tracks(inspect, err);
  case SNIFF_JOURNAL:
    return weft_fail(err, -EINVAL, "%s: a journal is not read from a pipe; name the file or its folder",
                     inspect->name);
  case SNIFF_PCAPNG:
    return weft_fail(err, -EINVAL, "%s: pcapng is not read; convert it with `editcap -F pcap IN OUT`",
                     inspect->name);
  case SNIFF_UNKNOWN:
    break;
  }
  return unknown_tell(inspect, err);
}

static int path_inspect(struct inspect *inspect, const char *path, struct weft_error *err) {
  bool standard = strcmp(path, "-") == 0;
  struct stat status;
  if (!standard && stat(path, &status) < 0) {
    return weft_fail(err, -errno, "%s: can't be opened: %s; check the path", path, strerror(errno));
  }
  bool regular = !standard && S_ISREG(status.st_mode);
  if (regular && inspect_parity(inspect, path)) return 0;
  int told = regular ? inspect_snapshot(inspect, path, err) : 0;
  if (told != 0) return told < 0 ? told : 0;
  if (!standard && (S_ISDIR(status.st_mode) || (regular && journal_recognised(path))))
    return inspect_journal(inspect, path, S_ISDIR(status.st_mode), err);
  inspect->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (inspect->fd < 0)
    return weft_fail(err, -errno, "%s: can't be opened: %s; check the path", path, strerror(errno));
  int rc = stream_inspect(inspect, err);
  if (!standard) close(inspect->fd);
  return rc;
}

int weft_inspect(const char *path, const char *config_path, const char *date, FILE *out,
                 struct weft_error *err) {
  struct inspect *inspect = calloc(1, sizeof *inspect);
  if (!inspect) return weft_fail(err, -ENOMEM, "out of memory");
  struct site *site = NULL;
  int rc = config_path ? engine_site_load(config_path, &site, err) : 0;
  if (rc == 0) {
    inspect->name = strcmp(path, "-") == 0 ? "stdin" : path;
    inspect->date = date;
    inspect->site = site;
    inspect->out = out;
    rc = path_inspect(inspect, path, err);
    if (!inspect->failed && fflush(out) != 0) inspect->failed = -errno;
    bool left =
        inspect->failed == -EPIPE; /* the reader has what it wanted, as in `weft inspect FILE | head` */
    if (rc == 0 && inspect->failed && !left)
      rc = weft_fail(err, inspect->failed, "writing failed: %s", strerror(-inspect->failed));
  }
  if (site) site_free(site);
  free(site);
  free(inspect);
  return rc;
}

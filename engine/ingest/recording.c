#include "engine/ingest/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/ingest/capture.h"
#include "engine/ingest/csv.h"
#include "engine/ingest/track_read.h"

enum { CHUNK_BYTES = 1 << 18, REFUSALS_LOGGED = 20 };

/* An exact repeat of a record that is no detection counts as that, whatever else it is. */
static enum intake_verdict skip_admit(struct intake *intake, const struct entry *entry,
                                      enum ledger_skip skip) {
  bool repeated = entry->record && intake_repeated(intake, entry->sensor, entry->record, entry->record_size);
  intake_skip(intake, entry->sensor, repeated ? SKIP_REPEATED : skip);
  return INTAKE_REFUSED;
}

enum intake_verdict entry_admit(struct intake *intake, const struct entry *entry) {
  switch (entry->kind) {
  case ENTRY_DETECTION:
    return intake_detection(intake, &entry->detection, entry->mode, entry->record, entry->record_size);
  case ENTRY_REFUSED:
    intake_refuse(intake, entry->sensor, entry->refusal);
    return INTAKE_REFUSED;
  case ENTRY_SKIPPED:
    return skip_admit(intake, entry, entry->skip);
  case ENTRY_SERVICE:
    return skip_admit(intake, entry, SKIP_SERVICE);
  case ENTRY_FOREIGN:
    return intake_foreign(intake, entry->foreign, entry->foreign_names, entry->foreign_exercise);
  case ENTRY_FOREIGN_REFUSED:
    intake_foreign_refuse(intake, entry->refusal);
    return INTAKE_REFUSED;
  }
  return INTAKE_REFUSED;
}

void block_walk_begin(struct block_walk *walk, const struct site *site, struct clock_day *clock,
                      const struct asterix_block *block, uint64_t *sequence) {
  *walk = (struct block_walk){
      .site = site, .clock = clock, .block = *block, .offset = ASTERIX_HEAD_SIZE, .sequence = sequence};
}

static void entry_refuse(struct entry *entry, enum refusal refusal) {
  entry->kind = ENTRY_REFUSED;
  entry->refusal = refusal;
}

static void entry_skip(struct entry *entry, enum ledger_skip skip) {
  entry->kind = ENTRY_SKIPPED;
  entry->skip = skip;
}

static void plot_entry(struct block_walk *walk, const struct asterix_plot *plot, struct entry *entry) {
  int64_t time_ns = 0;
  uint64_t ordinal = ++*walk->sequence;
  if (plot->time_of_day < ASTERIX_DAY) {
    time_ns =
        clock_day_resolve(walk->clock, entry->sensor, plot->time_of_day, walk->has_capture, walk->capture_ns);
  }
  entry->kind = ENTRY_DETECTION;
  entry->mode = INTAKE_MODE_LIVE;
  switch (asterix_plot_detection(plot, entry->sensor, time_ns, &entry->detection)) {
  case ASTERIX_USE_SIMULATED:
    entry->mode = INTAKE_MODE_EXERCISE;
    break;
  case ASTERIX_USE_PLOT:
    break;
  case ASTERIX_USE_TEST:
    entry_skip(entry, SKIP_TEST);
    break;
  case ASTERIX_USE_FIELD_MONITOR:
    entry_skip(entry, SKIP_FIELD_MONITOR);
    break;
  case ASTERIX_USE_NO_DETECTION:
    entry_skip(entry, SKIP_NO_PLOT);
    break;
  case ASTERIX_USE_NO_POSITION:
    entry_skip(entry, SKIP_NO_POSITION);
    break;
  case ASTERIX_USE_NO_TIME:
    entry_refuse(entry, REFUSAL_MALFORMED);
    break;
  case ASTERIX_USE_OUT_OF_RANGE:
    entry_refuse(entry, REFUSAL_OUT_OF_RANGE);
    break;
  }
  entry->detection.sequence = ordinal;
  entry->detection.arrival_ns = walk->arrival_ns;
}

bool block_walk_next(struct block_walk *walk, struct entry *entry) {
  struct asterix_record record;
  enum asterix_status status = asterix_record_next(&walk->block, &walk->offset, &record);
  if (status == ASTERIX_END) return false;
  memset(entry, 0, sizeof *entry);
  entry->sensor = walk->site->sensor_count;
  entry->has_capture = walk->has_capture;
  entry->capture_ns = walk->capture_ns;
  if (status == ASTERIX_MALFORMED) {
    entry_refuse(entry, REFUSAL_MALFORMED);
    return true;
  }
  if (status == ASTERIX_OTHER) {
    entry_skip(entry, SKIP_CATEGORY);
    return true;
  }
  uint32_t sensor = asterix_record_radar(walk->site, &record);
  entry->sensor = sensor == ASTERIX_RADAR_UNKNOWN ? walk->site->sensor_count : sensor;
  entry->record = record.data;
  entry->record_size = record.size;
  if (record.category == ASTERIX_SERVICE) {
    entry->kind = ENTRY_SERVICE;
  } else {
    plot_entry(walk, &record.plot, entry);
  }
  return true;
}

struct recording {
  const struct site *site;
  const char *name;
  int fd;
  enum sniff_kind kind;
  bool at_end;
  bool ended;        /* the capture's end was told */
  uint64_t cut_left; /* cut blocks still to be told */
  uint64_t done, size;
  const uint8_t *data; /* what is left of the chunk */
  size_t left;
  int64_t key_ns;
  uint64_t sequence, refused;
  struct clock_day clock;
  bool in_block;
  struct block_walk walk;
  struct csv_reader csv;
  struct csv_line line;
  struct foreign_names *names;
  struct track_reader tracks;
  struct track_read_line track_line;
  struct capture capture;
  uint8_t chunk[CHUNK_BYTES];
};

/* Reads on: 1, 0 at the end of the file, negative on an error. */
static int chunk_fill(struct recording *r, struct weft_error *err) {
  if (r->at_end) return 0;
  ssize_t n;
  do {
    n = read(r->fd, r->chunk, sizeof r->chunk);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return weft_fail(err, -errno, "%s: reading failed: %s", r->name, strerror(errno));
  r->at_end = n == 0;
  r->data = r->chunk;
  r->left = (size_t)n;
  r->done += (uint64_t)n;
  return n > 0;
}

/* Enough of the first bytes to tell what the file is. */
static int head_read(struct recording *r, struct weft_error *err) {
  size_t have = 0;
  while (have < SNIFF_SIZE) {
    ssize_t n = read(r->fd, r->chunk + have, sizeof r->chunk - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return weft_fail(err, -errno, "%s: reading failed: %s", r->name, strerror(errno));
    if (n == 0) break;
    have += (size_t)n;
  }
  r->data = r->chunk;
  r->left = have;
  r->done = have;
  r->kind = sniff_file(r->chunk, have);
  return 0;
}

static int kind_begin(struct recording *r, struct weft_error *err) {
  switch (r->kind) {
  case SNIFF_EMPTY:
  case SNIFF_CSV:
    csv_open(&r->csv, r->name, r->site);
    return 0;
  case SNIFF_PCAP:
    capture_open(&r->capture, CAPTURE_PCAP, r->name);
    return 0;
  case SNIFF_GPS:
    capture_open(&r->capture, CAPTURE_GPS, r->name);
    return 0;
  case SNIFF_ASTERIX:
    capture_open(&r->capture, CAPTURE_RAW, r->name);
    return 0;
  case SNIFF_TRACKS:
    track_read_open(&r->tracks, r->name, r->site, r->names);
    return 0;
  case SNIFF_JOURNAL:
    return weft_fail(err, -EMEDIUMTYPE, "%s: a %s is not read here", r->name, sniff_names[r->kind]);
  case SNIFF_PCAPNG:
    return weft_fail(err, -EINVAL, "%s: pcapng is not read; convert it with `editcap -F pcap IN OUT`",
                     r->name);
  case SNIFF_UNKNOWN:
    break;
  }
  return weft_fail(
      err, -EINVAL,
      "%s: neither CSV, pcap, .gps, raw ASTERIX, a weft journal nor a track file; see docs/formats.md",
      r->name);
}

int recording_open(struct recording **recording, const char *path, const struct site *site, const char *date,
                   struct foreign_names *names, enum sniff_kind *kind, struct weft_error *err) {
  struct recording *r = calloc(1, sizeof *r);
  if (!r) return weft_fail(err, -ENOMEM, "out of memory for the input %s", path);
  bool standard = strcmp(path, "-") == 0;
  r->site = site;
  r->names = names;
  r->name = standard ? "stdin" : path;
  r->key_ns = INT64_MIN;
  r->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  int rc = r->fd < 0
               ? weft_fail(err, -errno, "%s: can't be opened: %s; check the path", path, strerror(errno))
               : 0;
  struct stat status;
  if (rc == 0 && fstat(r->fd, &status) == 0) {
    if (S_ISDIR(status.st_mode)) rc = -EISDIR; /* a journal's directory is the caller's business */
    if (S_ISREG(status.st_mode)) r->size = (uint64_t)status.st_size;
  }
  if (rc == -EISDIR)
    weft_fail(err, rc, "%s: is a folder; name a file, or a journal's folder as the only input", path);
  if (rc == 0 && date) rc = clock_day_date(&r->clock, date, err);
  if (rc == 0) rc = head_read(r, err);
  if (rc == 0) {
    *kind = r->kind;
    rc = kind_begin(r, err);
  }
  if (rc < 0) {
    recording_close(r);
    return rc;
  }
  *recording = r;
  return 0;
}

static void key_raise(struct recording *r, int64_t time_ns) {
  if (time_ns > r->key_ns) r->key_ns = time_ns;
}

static int csv_next(struct recording *r, struct entry *entry, struct weft_error *err) {
  for (;;) {
    enum csv_status status = CSV_MORE;
    if (r->left > 0) status = csv_take(&r->csv, &r->data, &r->left, &r->line);
    if (status == CSV_MORE) {
      int rc = chunk_fill(r, err);
      if (rc < 0) return rc;
      if (rc > 0) continue;
      status = csv_end(&r->csv, &r->line);
      if (status == CSV_MORE) return 0;
    }
    memset(entry, 0, sizeof *entry);
    entry->sensor = r->line.detection.sensor;
    entry->detection = r->line.detection;
    if (status == CSV_BROKEN) {
      if (err) *err = r->line.error;
      return -EINVAL;
    }
    if (status == CSV_REFUSED) {
      if (r->refused++ < REFUSALS_LOGGED) log_line(LOG_LEVEL_WARNING, "refused: %s", r->line.error.text);
      if (r->refused == REFUSALS_LOGGED)
        log_line(LOG_LEVEL_WARNING, "%s: further refused lines are only counted", r->name);
      entry_refuse(entry, r->line.refusal);
      return 1;
    }
    entry->kind = ENTRY_DETECTION;
    entry->mode = INTAKE_MODE_ANY;
    key_raise(r, entry->detection.time_ns);
    return 1;
  }
}

static int tracks_next(struct recording *r, struct entry *entry, struct weft_error *err) {
  for (;;) {
    enum track_read_status status = TRACK_READ_MORE;
    if (r->left > 0) status = track_read_take(&r->tracks, &r->data, &r->left, &r->track_line);
    if (status == TRACK_READ_MORE) {
      int rc = chunk_fill(r, err);
      if (rc < 0) return rc;
      if (rc > 0) continue;
      status = track_read_end(&r->tracks, &r->track_line);
      if (status == TRACK_READ_MORE) return 0;
    }
    memset(entry, 0, sizeof *entry);
    if (status == TRACK_READ_BROKEN) {
      if (err) *err = r->track_line.error;
      return -EINVAL;
    }
    if (status == TRACK_READ_REFUSED) {
      if (r->refused++ < REFUSALS_LOGGED) log_line(LOG_LEVEL_WARNING, "refused: %s", r->track_line.error.text);
      if (r->refused == REFUSALS_LOGGED)
        log_line(LOG_LEVEL_WARNING, "%s: further refused lines are only counted", r->name);
      entry->kind = ENTRY_FOREIGN_REFUSED;
      entry->refusal = r->track_line.refusal;
      return 1;
    }
    entry->kind = ENTRY_FOREIGN;
    entry->foreign = &r->track_line.track;
    entry->foreign_names = r->names;
    entry->foreign_exercise = r->track_line.exercise;
    key_raise(r, entry->foreign->time_ns);
    return 1;
  }
}

/* The next block of a capture: 1, 0 at the end, negative on an error. */
static int block_next(struct recording *r, struct capture_block *block, struct weft_error *err) {
  for (;;) {
    enum capture_status status = capture_take(&r->capture, &r->data, &r->left, block, err);
    if (status == CAPTURE_BLOCK) return 1;
    if (status == CAPTURE_BROKEN) return -EINVAL;
    int rc = chunk_fill(r, err);
    if (rc <= 0) return rc;
  }
}

static int capture_next(struct recording *r, struct entry *entry, struct weft_error *err) {
  for (;;) {
    if (r->in_block && block_walk_next(&r->walk, entry)) {
      if (r->walk.has_capture) {
        key_raise(r, r->walk.capture_ns);
      } else if (entry->kind == ENTRY_DETECTION) {
        key_raise(r, entry->detection.time_ns);
      }
      return 1;
    }
    r->in_block = false;
    struct capture_block block;
    int rc = block_next(r, &block, err);
    if (rc < 0) return rc;
    if (rc == 0) {
      if (!r->ended) {
        r->ended = true;
        capture_end(&r->capture);
        r->cut_left = r->capture.counts.cut;
        if (r->cut_left)
          log_line(LOG_LEVEL_WARNING, "%s: %llu block(s) cut short", r->name,
                   (unsigned long long)r->cut_left);
      }
      if (r->cut_left == 0) return 0;
      r->cut_left--;
      memset(entry, 0, sizeof *entry);
      entry->sensor = r->site->sensor_count;
      entry_skip(entry, SKIP_CUT);
      return 1;
    }
    block_walk_begin(&r->walk, r->site, &r->clock, &block.block, &r->sequence);
    r->walk.has_capture = block.has_time;
    r->walk.capture_ns = block.time_ns;
    r->in_block = true;
  }
}

int recording_next(struct recording *recording, struct entry *entry, struct weft_error *err) {
  if (recording->kind == SNIFF_CSV) return csv_next(recording, entry, err);
  if (recording->kind == SNIFF_TRACKS) return tracks_next(recording, entry, err);
  if (recording->kind == SNIFF_EMPTY) return 0;
  return capture_next(recording, entry, err);
}

int64_t recording_merge_key(const struct recording *recording) {
  return recording->key_ns;
}

void recording_progress(const struct recording *recording, uint64_t *done, uint64_t *size) {
  *done = recording->done - recording->left;
  *size = recording->size;
}

void recording_close(struct recording *recording) {
  if (!recording) return;
  if (recording->fd > STDIN_FILENO) close(recording->fd);
  free(recording);
}

#include "engine/journal/journal_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/domain/site.h"
#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_file_io.h"
#include "engine/journal/journal_pack.h"
#include "engine/journal/journal_segment.h"

/* One segment that will be read. */
struct segment {
  uint64_t number;  /* 0: the path itself is the segment */
  uint64_t run;       /* as its header says */
  uint64_t run_index; /* from 0 in the directory */
  uint64_t first_frame; /* every frame in it has at least this number */
  uint64_t records; /* offset of the first record */
  enum journal_verdict verdict; /* of its header */
};

struct journal_reader {
  char path[JOURNAL_PATH_MAX];  /* as given */
  struct segment *segments;     /* owned; of one run, in order */
  uint64_t segment_count, run_count;
  uint64_t at;                  /* the segment being read */
  int fd;                       /* -1: not open */
  uint64_t offset;              /* of the next record; packed: of the block behind the one being read */
  bool packed;                  /* the open segment is */
  uint8_t *block, *loose, *raw; /* owned; a packed block as it is in the file, its streams, its records */
  size_t block_capacity, loose_capacity, raw_capacity;
  size_t raw_size, raw_at;      /* of the block being read; the next record in it */
  uint64_t raw_total, raw_records; /* unpacked of this segment so far */
  bool raw_ended;               /* the last block was read */
  char segment_path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  struct journal_head head;     /* texts point into head_bytes */
  uint8_t *head_bytes;          /* owned */
  uint8_t *record;              /* owned, record_capacity bytes */
  size_t record_capacity;
  uint32_t sensor_limit;
  bool any_frame;
  uint64_t base;              /* the run's first frame is the one behind it */
  uint64_t last_frame, passed; /* read last; frames up to this number are passed over */
  int64_t last_time_ns;
  uint64_t missing;
  struct journal_place place;
  struct journal_damage damage;
};

static void segment_name(struct journal_reader *reader, uint64_t number) {
  if (number) journal_segment_path(reader->segment_path, sizeof reader->segment_path, reader->path, number);
  else snprintf(reader->segment_path, sizeof reader->segment_path, "%s", reader->path);
}

static const char *verdict_text(enum journal_verdict verdict) {
  if (verdict == JOURNAL_CUT) return "its header is cut short";
  if (verdict == JOURNAL_VERSION_UNKNOWN) return "it has a format version that is neither 1 nor 2";
  return "it is no journal segment, or its header is damaged";
}

/* Looks at every segment of a directory. One whose header is damaged counts to the run before it, so that its loss
 * shows; an empty file is a segment that was never written to. */
static int directory_scan(struct journal_reader *reader, const uint64_t *numbers, uint64_t count, struct weft_error *err) {
  struct segment *segments = reader->segments;
  weft_assert(segments);
  for (uint64_t i = 0; i < count; i++) {
    struct journal_head head;
    uint8_t *bytes;
    size_t used;
    struct segment segment = {.number = numbers[i]};
    segment_name(reader, numbers[i]);
    int rc = journal_head_read(reader->segment_path, &head, &bytes, &used, &segment.verdict);
    free(bytes);
    if (rc < 0) return weft_fail(err, rc, "%s: %s; make it readable", reader->segment_path, strerror(-rc));
    struct stat status;
    if (segment.verdict == JOURNAL_CUT && stat(reader->segment_path, &status) == 0 && status.st_size == 0) continue;
    const struct segment *before = reader->segment_count ? &segments[reader->segment_count - 1] : NULL;
    segment.run = segment.verdict == JOURNAL_GOOD ? head.run : before ? before->run : 0;
    segment.records = used;
    segment.first_frame = segment.verdict == JOURNAL_GOOD ? head.first_frame : UINT64_MAX;
    if (!before || before->run != segment.run) reader->run_count++;
    segment.run_index = reader->run_count - 1;
    segments[reader->segment_count++] = segment;
  }
  return 0;
}

/* Keeps the segments of one run. */
static void run_choose(struct journal_reader *reader, uint64_t run) {
  uint64_t wanted = run == JOURNAL_RUN_NEWEST ? reader->run_count - 1 : run;
  uint64_t kept = 0;
  for (uint64_t i = 0; i < reader->segment_count; i++) {
    if (reader->segments[i].run_index == wanted) reader->segments[kept++] = reader->segments[i];
  }
  reader->segment_count = kept;
}

static int segments_find(struct journal_reader *reader, uint64_t run, struct weft_error *err) {
  struct stat status;
  if (stat(reader->path, &status) < 0) {
    int error = errno;
    return weft_fail(err, -error, "%s: %s; give a journal's directory or segment file", reader->path, strerror(error));
  }
  if (!S_ISDIR(status.st_mode)) {
    reader->segments = calloc(1, sizeof *reader->segments);
    if (!reader->segments) return weft_fail(err, -ENOMEM, "%s: out of memory", reader->path);
    reader->segment_count = reader->run_count = 1;
    return 0;
  }
  uint64_t *numbers, count;
  int rc = journal_segment_list(reader->path, &numbers, &count);
  if (rc < 0) return weft_fail(err, rc, "%s: %s; make it readable", reader->path, strerror(-rc));
  reader->segments = calloc(count + 1, sizeof *reader->segments);
  if (!reader->segments) rc = weft_fail(err, -ENOMEM, "%s: out of memory", reader->path);
  else rc = directory_scan(reader, numbers, count, err);
  free(numbers);
  if (rc == 0 && reader->run_count == 0) {
    rc = weft_fail(err, -ENOENT, "%s: no journal segment (NNNNNNNN.wj) in it; give a journal's directory", reader->path);
  } else if (rc == 0 && run != JOURNAL_RUN_NEWEST && run >= reader->run_count) {
    rc = weft_fail(err, -ERANGE, "%s: no run %llu in it (allowed: 0 to %llu); choose another", reader->path,
                   (unsigned long long)run, (unsigned long long)reader->run_count - 1);
  }
  if (rc == 0) run_choose(reader, run);
  return rc;
}

/* The first segment's header must be whole: without it nothing says what the frames mean. */
static int first_head_read(struct journal_reader *reader, struct weft_error *err) {
  struct segment *first = &reader->segments[0];
  size_t used;
  segment_name(reader, first->number);
  int rc = journal_head_read(reader->segment_path, &reader->head, &reader->head_bytes, &used, &first->verdict);
  if (rc < 0) return weft_fail(err, rc, "%s: %s; make it readable", reader->segment_path, strerror(-rc));
  if (first->verdict != JOURNAL_GOOD) {
    return weft_fail(err, -EILSEQ, "%s: %s; give another segment or a copy", reader->segment_path,
                     verdict_text(first->verdict));
  }
  first->records = used;
  return 0;
}

int journal_open(struct journal_reader **out, const char *path, uint64_t run, struct weft_error *err) {
  *out = NULL;
  if (strlen(path) >= JOURNAL_PATH_MAX) return weft_fail(err, -ENAMETOOLONG, "%s: path too long; shorten it", path);
  struct journal_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return weft_fail(err, -ENOMEM, "%s: out of memory", path);
  memcpy(reader->path, path, strlen(path) + 1);
  reader->fd = -1;
  reader->sensor_limit = SITE_SENSORS_MAX;
  int rc = segments_find(reader, run, err);
  if (rc == 0) rc = first_head_read(reader, err);
  if (rc == 0) {
    reader->record_capacity = JOURNAL_RECORD_BYTES;
    reader->record = malloc(reader->record_capacity);
    if (!reader->record) rc = weft_fail(err, -ENOMEM, "%s: out of memory", path);
  }
  if (rc < 0) {
    journal_close(reader);
    return rc;
  }
  char base[24];
  if (journal_parameter(&reader->head, JOURNAL_BASE_KEY, base, sizeof base)) reader->base = strtoull(base, NULL, 10);
  *out = reader;
  return 0;
}

void journal_close(struct journal_reader *reader) {
  if (!reader) return;
  if (reader->fd >= 0) close(reader->fd);
  free(reader->record);
  free(reader->block);
  free(reader->loose);
  free(reader->raw);
  free(reader->head_bytes);
  free(reader->segments);
  free(reader);
}

bool journal_recognised(const char *path) {
  struct journal_reader *reader;
  struct stat status;
  if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
    int rc = journal_open(&reader, path, JOURNAL_RUN_NEWEST, NULL);
    if (rc < 0) return rc == -ENOMEM; /* who opens it is told why, instead of that it is no journal */
    journal_close(reader);
    return true;
  }
  uint8_t magic[8];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  bool found = journal_bytes_read(fd, magic, sizeof magic, 0) == 8 && memcmp(magic, JOURNAL_MAGIC, 8) == 0;
  close(fd);
  return found;
}

const struct journal_head *journal_head_of(const struct journal_reader *reader) { return &reader->head; }
uint64_t journal_first_segment(const struct journal_reader *reader) { return reader->segments[0].number; }
uint64_t journal_run_count(const struct journal_reader *reader) { return reader->run_count; }
uint64_t journal_segment_count(const struct journal_reader *reader) { return reader->segment_count; }
void journal_expect_sensors(struct journal_reader *reader, uint32_t count) { reader->sensor_limit = count; }
struct journal_place journal_place_of(const struct journal_reader *reader) { return reader->place; }
struct journal_damage journal_damage_of(const struct journal_reader *reader) { return reader->damage; }
uint64_t journal_missing_frames(const struct journal_reader *reader) { return reader->missing; }

static int damaged(struct journal_reader *reader, enum journal_verdict verdict, uint64_t offset) {
  reader->damage = (struct journal_damage){.any = true, .verdict = verdict, .path = reader->segment_path,
                                           .offset = offset, .last = reader->at + 1 == reader->segment_count};
  return -EILSEQ;
}

/* Opens the segment at reader->at. 0, or a negative errno (-EILSEQ: its header is damaged). */
static int segment_enter(struct journal_reader *reader) {
  const struct segment *segment = &reader->segments[reader->at];
  segment_name(reader, segment->number);
  if (segment->verdict != JOURNAL_GOOD) return damaged(reader, segment->verdict, 0);
  reader->fd = open(reader->segment_path, O_RDONLY | O_CLOEXEC);
  if (reader->fd < 0) return -errno;
  reader->offset = segment->records; /* as long in either version: it may have been packed since it was looked at */
  uint32_t version = 0;
  if (journal_bytes_read(reader->fd, (uint8_t *)&version, sizeof version, 8) < 0) return -EIO;
  reader->packed = version == JOURNAL_VERSION_PACKED;
  reader->raw_size = reader->raw_at = 0;
  reader->raw_total = reader->raw_records = 0;
  reader->raw_ended = false;
  return 0;
}

static void segment_leave(struct journal_reader *reader) {
  if (reader->fd >= 0) close(reader->fd);
  reader->fd = -1;
  reader->at++;
}

bool journal_skip_segment(struct journal_reader *reader) {
  if (reader->at < reader->segment_count) segment_leave(reader);
  reader->damage = (struct journal_damage){0};
  return reader->at < reader->segment_count;
}

static int room_make(uint8_t **bytes, size_t *capacity, size_t size) {
  if (size <= *capacity) return 0;
  uint8_t *grown = realloc(*bytes, size);
  if (!grown) return -ENOMEM;
  *bytes = grown;
  *capacity = size;
  return 0;
}

/* Reads the next block of a packed segment and unpacks it. Bytes of records, 0 at the end of the segment, or a negative
 * errno. */
static int64_t block_read(struct journal_reader *reader) {
  struct journal_block block;
  uint8_t header[JOURNAL_BLOCK_HEADER_BYTES];
  int64_t got = journal_bytes_read(reader->fd, header, sizeof header, reader->offset);
  if (got < 0) return got;
  if (got == 0) return reader->raw_ended ? 0 : damaged(reader, JOURNAL_CUT, reader->offset);
  enum journal_verdict verdict = journal_block_measure(header, (size_t)got, &block);
  if (verdict == JOURNAL_GOOD && reader->raw_ended) verdict = JOURNAL_CORRUPT; /* there is something behind the end */
  if (verdict != JOURNAL_GOOD) return damaged(reader, verdict, reader->offset);
  if (block.records == 0) {
    bool whole = block.raw_bytes == reader->raw_total && block.loose_bytes == reader->raw_records;
    if (!whole) return damaged(reader, JOURNAL_CORRUPT, reader->offset);
    reader->raw_ended = true;
    reader->offset += block.length;
    return block_read(reader); /* once: nothing may follow */
  }
  if (room_make(&reader->block, &reader->block_capacity, block.length) < 0 ||
      room_make(&reader->loose, &reader->loose_capacity, block.loose_bytes) < 0 ||
      room_make(&reader->raw, &reader->raw_capacity, block.raw_bytes) < 0) {
    return -ENOMEM;
  }
  got = journal_bytes_read(reader->fd, reader->block, block.length, reader->offset);
  if (got < 0) return got;
  if ((size_t)got < block.length) return damaged(reader, JOURNAL_CUT, reader->offset);
  verdict = journal_block_unpack(reader->block, &block, reader->raw, reader->loose);
  if (verdict != JOURNAL_GOOD) return damaged(reader, verdict, reader->offset);
  reader->offset += block.length;
  reader->raw_size = block.raw_bytes;
  reader->raw_at = 0;
  reader->raw_total += block.raw_bytes;
  reader->raw_records += block.records;
  return (int64_t)block.raw_bytes;
}

/* The next record of a packed segment, as record_read. */
static int64_t record_unpack(struct journal_reader *reader) {
  if (reader->raw_at == reader->raw_size) {
    int64_t size = block_read(reader);
    if (size <= 0) return size;
  }
  size_t length = get_u64(reader->raw + reader->raw_at, 8); /* unpacking has measured it */
  if (room_make(&reader->record, &reader->record_capacity, length) < 0) return -ENOMEM;
  memcpy(reader->record, reader->raw + reader->raw_at, length);
  reader->raw_at += length;
  return (int64_t)length;
}

/* The bytes of the record at reader->offset. Their number, 0 at the end of the segment, or a negative errno. */
static int64_t record_read(struct journal_reader *reader) {
  if (reader->packed) return record_unpack(reader);
  int64_t got = journal_bytes_read(reader->fd, reader->record, JOURNAL_RECORD_BYTES, reader->offset);
  if (got <= 0) return got;
  size_t length;
  enum journal_verdict verdict = journal_record_measure(reader->record, (size_t)got, &length);
  if (verdict != JOURNAL_GOOD) return damaged(reader, verdict, reader->offset);
  if (room_make(&reader->record, &reader->record_capacity, length) < 0) return -ENOMEM; /* bounded: record_size_max */
  got = journal_bytes_read(reader->fd, reader->record, length, reader->offset);
  if (got >= 0 && (size_t)got < length) return damaged(reader, JOURNAL_CUT, reader->offset);
  return got;
}

/* Sensors that the site has, numbers that rise, time that does not fall. */
static bool frame_follows(const struct journal_reader *reader, const struct frame *frame) {
  for (uint32_t i = 0; i < frame->count; i++) {
    if (frame->sensor[i] >= reader->sensor_limit) return false;
  }
  for (uint32_t i = 0; i < frame->state_count; i++) {
    if (frame->states[i].sensor >= reader->sensor_limit) return false;
  }
  if (!reader->any_frame) return true;
  return frame->number > reader->last_frame && frame->time_ns >= reader->last_time_ns;
}

void journal_pass(struct journal_reader *reader, uint64_t frame, int64_t time_ns) {
  while (reader->at + 1 < reader->segment_count && reader->segments[reader->at + 1].first_frame <= frame + 1) reader->at++;
  reader->any_frame = true;
  reader->last_frame = reader->passed = frame;
  reader->last_time_ns = time_ns;
}

static int frame_next(struct journal_reader *reader, struct frame *frame) {
  frame_reset(frame);
  if (reader->damage.any) return -EILSEQ;
  int64_t size = 0;
  while (size == 0) { /* at most once per segment */
    if (reader->at == reader->segment_count) return 0;
    int rc = reader->fd < 0 ? segment_enter(reader) : 0;
    if (rc < 0) return rc;
    size = record_read(reader);
    if (size == 0) segment_leave(reader);
  }
  if (size < 0) return (int)size;
  size_t used;
  enum journal_verdict verdict = journal_record_decode(reader->record, (size_t)size, frame, &used);
  bool passed = verdict == JOURNAL_GOOD && frame->number <= reader->passed;
  if (verdict == JOURNAL_GOOD && !passed && !frame_follows(reader, frame)) verdict = JOURNAL_CORRUPT;
  if (verdict != JOURNAL_GOOD) {
    frame_reset(frame);
    return damaged(reader, verdict, reader->offset);
  }
  if (!reader->packed) reader->offset += used;
  if (passed) return 1;
  bool from_start = reader->segments[0].number > 0; /* a single file may be from anywhere in its run */
  uint64_t expected = reader->any_frame ? reader->last_frame + 1 : from_start ? reader->base + 1 : frame->number;
  reader->missing += frame->number - expected;
  reader->any_frame = true;
  reader->last_frame = frame->number;
  reader->last_time_ns = frame->time_ns;
  reader->place = (struct journal_place){.path = reader->segment_path, .length = used,
                                         .offset = reader->packed ? reader->offset : reader->offset - used};
  return 1;
}

int journal_next(struct journal_reader *reader, struct frame *frame) {
  int rc;
  do {
    rc = frame_next(reader, frame);
  } while (rc == 1 && frame->number <= reader->passed);
  return rc;
}

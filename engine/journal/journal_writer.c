#include "engine/journal/journal_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/journal/journal_segment.h"

/* An append on its way. Entries are settled in the order of their frames, whatever order they complete in. */
struct pending {
  uint64_t through;  /* settling it settles every frame up to this number */
  uint64_t frame;    /* its own */
  uint64_t segment;
  size_t begin, end; /* its bytes in the buffer */
  bool done;
  bool last;         /* of its segment: the file is closed when it is settled */
  int32_t result;
  int fd;
};

struct journal_writer {
  struct io *io;              /* borrowed */
  struct journal_options options;
  char directory[JOURNAL_PATH_MAX];
  uint64_t segment_bytes;
  /* the open segment */
  int fd;                     /* -1: none */
  uint64_t segment;           /* its number */
  uint64_t offset;            /* bytes handed to the io */
  uint64_t in_segment;        /* appends handed to the io */
  uint64_t broken_segment;    /* the newest segment in which an append failed; 0: none */
  bool alarmed;               /* the failure was logged and no append has succeeded since */
  /* the buffer: appends lie one behind the other and wrap round whole */
  uint8_t *buffer;
  size_t capacity, begin, end;
  struct pending pending[JOURNAL_PENDING_MAX];
  uint64_t first, next;       /* serial numbers; pending[serial % JOURNAL_PENDING_MAX] */
  uint64_t failures[JOURNAL_FAILURES_MAX];
  uint64_t failure_count;
  struct journal_marks marks;
};

static int file_open_real(void *context, const char *path) {
  (void)context;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  return fd < 0 ? -errno : fd;
}

static void segment_close(const struct journal_writer *writer, int fd) {
  if (fd >= 0 && writer->options.file_open == file_open_real) close(fd);
}

/* A failed frame is remembered, counted and, once until an append succeeds again, announced. */
static void failure_note(struct journal_writer *writer, uint64_t frame, int error) {
  writer->failures[writer->failure_count++ % JOURNAL_FAILURES_MAX] = frame;
  writer->marks.unjournaled++;
  if (!writer->alarmed) {
    log_line(LOG_LEVEL_ERROR, "journal %s: frame %llu is not journaled: %s; fusing goes on without, check the disk",
             writer->directory, (unsigned long long)frame, strerror(-error));
  }
  writer->alarmed = true;
}

/* Makes the next segment's file. 0 or a negative errno. */
static int segment_begin(struct journal_writer *writer) {
  char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  journal_segment_path(path, sizeof path, writer->directory, writer->segment + 1);
  int fd = writer->options.file_open(writer->options.context, path);
  if (fd < 0) return fd;
  writer->fd = fd;
  writer->segment++;
  writer->offset = 0;
  writer->in_segment = 0;
  writer->marks.segments++;
  return 0;
}

/* No further append goes to the open segment; its file is closed once those in flight are settled. */
static void segment_end(struct journal_writer *writer) {
  struct pending *newest = &writer->pending[(writer->next - 1) % JOURNAL_PENDING_MAX];
  bool in_flight = writer->next > writer->first && newest->segment == writer->segment;
  if (in_flight) newest->last = true;
  else segment_close(writer, writer->fd);
  writer->fd = -1;
}

size_t journal_writer_bytes(const struct journal_options *options) {
  (void)options;
  return sizeof(struct journal_writer) + JOURNAL_BUFFER_BYTES + 128;
}

static int options_check(const struct journal_options *options, struct weft_error *err) {
  size_t head = journal_head_size(&options->head);
  if (strlen(options->directory) >= JOURNAL_PATH_MAX) {
    return weft_fail(err, -ENAMETOOLONG, "journal %s: path too long; shorten it", options->directory);
  }
  if (head + journal_record_size_max(FRAME_DETECTIONS_MAX) > JOURNAL_BUFFER_BYTES) {
    return weft_fail(err, -EFBIG, "journal %s: configuration text of %llu bytes is too large to be carried; shorten it",
                     options->directory, (unsigned long long)options->head.site_size);
  }
  if (mkdir(options->directory, 0755) < 0 && errno != EEXIST) {
    int error = errno;
    return weft_fail(err, -error, "journal %s: cannot make the directory: %s; make its parent or change journal.directory",
                     options->directory, strerror(error));
  }
  return 0;
}

int journal_writer_open(struct journal_writer **out, struct arena *arena, struct io *io,
                        const struct journal_options *options, int64_t created_ns, struct weft_error *err) {
  *out = NULL;
  int rc = options_check(options, err);
  if (rc < 0) return rc;
  uint64_t newest = 0;
  rc = journal_segment_newest(options->directory, &newest);
  if (rc < 0) {
    return weft_fail(err, rc, "journal %s: %s; give a directory that can be read", options->directory, strerror(-rc));
  }
  struct journal_writer *writer = arena_take(arena, 1, sizeof *writer);
  uint8_t *buffer = arena_take(arena, 1, JOURNAL_BUFFER_BYTES);
  if (!writer || !buffer) return weft_fail(err, -ENOMEM, "journal %s: out of memory", options->directory);
  *writer = (struct journal_writer){.io = io, .options = *options, .fd = -1, .segment = newest, .buffer = buffer,
                                    .capacity = JOURNAL_BUFFER_BYTES,
                                    .segment_bytes = (uint64_t)options->segment_mib << 20};
  memcpy(writer->directory, options->directory, strlen(options->directory) + 1);
  if (!writer->options.file_open) writer->options.file_open = file_open_real;
  writer->options.head.run = (uint64_t)created_ns;
  rc = segment_begin(writer);
  if (rc < 0) {
    return weft_fail(err, rc, "journal %s: cannot begin segment %llu: %s; make the directory writable",
                     options->directory, (unsigned long long)newest + 1, strerror(-rc));
  }
  *out = writer;
  return 0;
}

/* Room for `size` bytes in one piece: its beginning, or SIZE_MAX. */
static size_t buffer_find(struct journal_writer *writer, size_t size) {
  if (writer->first == writer->next) writer->begin = writer->end = 0;
  if (writer->end >= writer->begin) {
    if (size <= writer->capacity - writer->end) return writer->end;
    return size < writer->begin ? 0 : SIZE_MAX;
  }
  return size < writer->begin - writer->end ? writer->end : SIZE_MAX;
}

/* Settles what is complete, oldest first. */
static void settle(struct journal_writer *writer) {
  while (writer->first < writer->next && writer->pending[writer->first % JOURNAL_PENDING_MAX].done) {
    struct pending *entry = &writer->pending[writer->first % JOURNAL_PENDING_MAX];
    if (entry->result < 0) writer->broken_segment = entry->segment;
    if (entry->segment == writer->broken_segment) {
      failure_note(writer, entry->frame, entry->result < 0 ? entry->result : -EIO);
    } else {
      writer->marks.frames++;
      writer->marks.bytes += entry->end - entry->begin;
      writer->alarmed = false;
    }
    if (entry->last) segment_close(writer, entry->fd);
    writer->marks.settled_frame = entry->through;
    writer->begin = entry->end;
    writer->first++;
  }
}

/* A frame that will never be in the journal. It is settled when all before it are. */
static void frame_lose(struct journal_writer *writer, uint64_t frame, int error) {
  failure_note(writer, frame, error);
  if (writer->first == writer->next) writer->marks.settled_frame = frame;
  else writer->pending[(writer->next - 1) % JOURNAL_PENDING_MAX].through = frame;
}

void journal_give_up(struct journal_writer *writer, uint64_t frame_number) {
  frame_lose(writer, frame_number, -ENOBUFS);
}

/* Ends the open segment where it is broken or would grow too long, and sees to it that one is open. */
static int segment_provide(struct journal_writer *writer, size_t record) {
  bool broken = writer->fd >= 0 && writer->broken_segment == writer->segment;
  bool full = writer->offset > 0 && writer->offset + record > writer->segment_bytes;
  if (writer->fd >= 0 && (broken || full)) segment_end(writer);
  return writer->fd >= 0 ? 0 : segment_begin(writer);
}

int journal_append(struct journal_writer *writer, const struct frame *frame, int64_t now_ns) {
  size_t record = journal_record_size(frame);
  if (writer->next - writer->first == JOURNAL_PENDING_MAX) return -EAGAIN;
  int rc = segment_provide(writer, record);
  if (rc < 0) {
    frame_lose(writer, frame->number, rc);
    return rc;
  }
  struct journal_head *head = &writer->options.head;
  size_t head_size = writer->in_segment == 0 ? journal_head_size(head) : 0;
  size_t begin = buffer_find(writer, head_size + record);
  if (begin == SIZE_MAX) return -EAGAIN;
  uint8_t *bytes = writer->buffer + begin;
  if (head_size) {
    head->segment = writer->segment;
    head->created_ns = now_ns;
    head->first_frame = frame->number;
    journal_head_encode(head, bytes);
  }
  journal_record_encode(frame, bytes + head_size);
  uint64_t token = writer->options.token_base + writer->next % JOURNAL_TOKENS;
  rc = io_append(writer->io, writer->fd, bytes, head_size + record, (int64_t)writer->offset, token);
  if (rc == -EBUSY) return -EAGAIN;
  if (rc < 0) {
    segment_end(writer); /* nothing was written behind what it holds: it stays whole */
    frame_lose(writer, frame->number, rc);
    return rc;
  }
  writer->pending[writer->next++ % JOURNAL_PENDING_MAX] =
      (struct pending){.through = frame->number, .frame = frame->number, .segment = writer->segment, .begin = begin,
                       .end = begin + head_size + record, .fd = writer->fd};
  writer->end = begin + head_size + record;
  writer->offset += head_size + record;
  writer->in_segment++;
  return 0;
}

bool journal_owns(const struct journal_writer *writer, uint64_t token) {
  return token - writer->options.token_base < JOURNAL_TOKENS;
}

void journal_completed(struct journal_writer *writer, uint64_t token, int32_t result) {
  uint64_t serial = writer->first; /* at most JOURNAL_PENDING_MAX of the JOURNAL_TOKENS are in flight */
  while (serial < writer->next && writer->options.token_base + serial % JOURNAL_TOKENS != token) serial++;
  weft_assert(serial < writer->next);
  struct pending *entry = &writer->pending[serial % JOURNAL_PENDING_MAX];
  weft_assert(!entry->done);
  entry->done = true;
  entry->result = result;
  settle(writer);
}

bool journal_frame_failed(const struct journal_writer *writer, uint64_t frame_number) {
  uint64_t count = writer->failure_count < JOURNAL_FAILURES_MAX ? writer->failure_count : JOURNAL_FAILURES_MAX;
  for (uint64_t i = 0; i < count; i++) {
    if (writer->failures[i] == frame_number) return true;
  }
  return false;
}

bool journal_idle(const struct journal_writer *writer) { return writer->first == writer->next; }

struct journal_marks journal_marks_of(const struct journal_writer *writer) { return writer->marks; }

void journal_writer_close(struct journal_writer *writer) {
  weft_assert(journal_idle(writer));
  if (writer->fd >= 0) segment_close(writer, writer->fd);
  writer->fd = -1;
}

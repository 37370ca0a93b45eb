#include "engine/journal/journal_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/journal/journal_files.h"
#include "engine/journal/journal_packer.h"
#include "engine/journal/journal_segment.h"

/* An append on its way. Entries are settled in the order of their frames, whatever order they complete in. */
struct pending {
  uint64_t through;  /* settling it settles every frame up to this number */
  uint64_t frame;    /* its own */
  uint64_t segment;
  size_t begin, end; /* its bytes in the buffer */
  bool done;
  int32_t result;
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
  uint64_t reserved;          /* bytes that the file has room for */
  uint64_t in_segment;        /* appends handed to the io */
  struct journal_files files; /* the open segment's and those before it that are not durable yet */
  struct journal_packer *packer; /* NULL: none */
  bool finishing;             /* journal_finish was called */
  /* trouble: marks.failing is true */
  uint64_t failed_segment;    /* the newest that failed */
  int failed_error;           /* why */
  int64_t retry_ns;           /* no new segment is tried before */
  int64_t now_ns;             /* as the caller last said */
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

static bool files_real(const struct journal_writer *writer) { return writer->options.file_open == file_open_real; }

/* Something failed in `segment`. Announced once until a sync goes well again; the first new segment may be tried at once,
 * later ones after a pause. */
static void trouble_note(struct journal_writer *writer, uint64_t segment, int error, const char *what) {
  if (writer->marks.failing && segment == writer->failed_segment) return;
  if (!writer->marks.failing) {
    log_line(LOG_LEVEL_ERROR, "journal %s: segment %llu, %s failed: %s; fusing goes on, output is unjournaled until it works, "
             "check the disk", writer->directory, (unsigned long long)segment, what, strerror(-error));
  }
  writer->retry_ns = writer->marks.failing ? writer->now_ns + JOURNAL_RETRY_NS : writer->now_ns;
  writer->marks.failing = true;
  writer->failed_segment = segment;
  writer->failed_error = error;
}

/* A failed frame is remembered and counted. */
static void failure_note(struct journal_writer *writer, uint64_t frame) {
  writer->failures[writer->failure_count++ % JOURNAL_FAILURES_MAX] = frame;
  writer->marks.unjournaled++;
}

/* Room ahead of what is appended, a piece at a time, where the file system gives it and has plenty: syncs then need not find
 * blocks, and the file lies in few pieces. A whole segment at once would hold the I/O thread up for milliseconds. The file's
 * size stays what was appended. */
static void room_reserve(struct journal_writer *writer, uint64_t end) {
  const uint64_t step = 8u << 20, plenty = 64u << 20;
  struct statvfs space;
  while (files_real(writer) && writer->reserved < end && writer->reserved < writer->segment_bytes) {
    uint64_t left = writer->segment_bytes - writer->reserved, size = left < step ? left : step;
    bool room = fstatvfs(writer->fd, &space) == 0 && (uint64_t)space.f_bavail * space.f_frsize > plenty;
    if (!room || fallocate(writer->fd, FALLOC_FL_KEEP_SIZE, (off_t)writer->reserved, (off_t)size) < 0) {
      writer->reserved = writer->segment_bytes; /* this one goes without */
      return;
    }
    writer->reserved += size;
  }
}

/* Closes a file that nothing more comes to; what was given to it beyond its end goes back. */
static void file_close(int fd) {
  struct stat status;
  if (fstat(fd, &status) == 0) (void)!ftruncate(fd, status.st_size);
  close(fd);
}

/* Makes the next segment's file. 0 or a negative errno; -EAGAIN: too many older ones wait for their sync. */
static int segment_begin(struct journal_writer *writer) {
  char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  if (journal_files_full(&writer->files)) return -EAGAIN;
  int64_t left_ns = writer->retry_ns - writer->now_ns; /* more than the pause: the clock was set back */
  if (writer->marks.failing && left_ns > 0 && left_ns <= JOURNAL_RETRY_NS) return writer->failed_error;
  journal_segment_path(path, sizeof path, writer->directory, writer->segment + 1);
  int fd = writer->options.file_open(writer->options.context, path);
  if (fd < 0) {
    writer->failed_segment = 0; /* each attempt that fails has its pause */
    trouble_note(writer, writer->segment + 1, fd, "making the file");
    return fd;
  }
  writer->reserved = 0;
  writer->fd = fd;
  writer->segment++;
  writer->offset = 0;
  writer->in_segment = 0;
  writer->marks.segments++;
  journal_files_add(&writer->files, writer->segment, fd);
  return 0;
}

/* Closes the files that are done with. One that holds not a single frame is taken away again: trying every second on a
 * full disk would leave thousands of them. */
static void files_reap(struct journal_writer *writer) {
  const struct journal_file *file;
  while ((file = journal_files_finished(&writer->files))) {
    if (files_real(writer)) {
      char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
      journal_segment_path(path, sizeof path, writer->directory, file->segment);
      file_close(file->fd);
      if (file->broken && file->appended == 0) unlink(path);
      if (writer->packer) journal_packer_through(writer->packer, file->segment);
    }
    journal_files_drop(&writer->files);
  }
}

/* No further append goes to the open segment; its file is closed once those in flight are settled and synced. */
static void segment_end(struct journal_writer *writer) {
  journal_file_of(&writer->files, writer->segment)->ended = true;
  writer->fd = -1;
  files_reap(writer);
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
                                    .segment_bytes = (uint64_t)options->segment_mib << 20, .now_ns = created_ns};
  memcpy(writer->directory, options->directory, strlen(options->directory) + 1);
  if (!writer->options.file_open) writer->options.file_open = file_open_real;
  writer->options.head.run = (uint64_t)created_ns;
  writer->files = (struct journal_files){.io = io, .directory_fd = -1, .token = options->token_base + JOURNAL_TOKENS,
                                         .began_ns = INT64_MIN / 2};
  if (files_real(writer)) writer->files.directory_fd = open(options->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  rc = segment_begin(writer);
  if (rc < 0) {
    if (writer->files.directory_fd >= 0) close(writer->files.directory_fd);
    return weft_fail(err, rc, "journal %s: cannot begin segment %llu: %s; make the directory writable",
                     options->directory, (unsigned long long)newest + 1, strerror(-rc));
  }
  if (options->pack || options->parity_files > 0) {
    rc = journal_packer_open(&writer->packer, options->directory, options->pack, options->parity_segments, options->parity_files);
    if (rc < 0) log_line(LOG_LEVEL_WARNING, "journal %s: segments stay unpacked: %s", options->directory, strerror(-rc));
    if (rc == 0) journal_packer_through(writer->packer, newest);
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

/* The durable mark: just before the first frame that waits for its sync. */
static void durable_update(struct journal_writer *writer) {
  uint64_t first = journal_files_first_unsynced(&writer->files);
  writer->marks.durable_frame = first ? first - 1 : writer->marks.settled_frame;
}

/* Settles what is complete, oldest first. */
static void settle(struct journal_writer *writer) {
  while (writer->first < writer->next && writer->pending[writer->first % JOURNAL_PENDING_MAX].done) {
    struct pending *entry = &writer->pending[writer->first % JOURNAL_PENDING_MAX];
    struct journal_file *file = journal_file_of(&writer->files, entry->segment);
    if (entry->result < 0) { /* what stands before the hole can still be synced */
      file->broken = true;
      trouble_note(writer, file->segment, entry->result, "an append");
    }
    if (file->broken) {
      failure_note(writer, entry->frame);
    } else {
      journal_file_appended(&writer->files, file, entry->frame);
      writer->marks.frames++;
      writer->marks.bytes += entry->end - entry->begin;
    }
    file->in_flight--;
    writer->marks.settled_frame = entry->through;
    writer->begin = entry->end;
    writer->first++;
  }
  files_reap(writer);
  durable_update(writer);
}

/* A frame that will never be in the journal. It is settled when all before it are. */
static void frame_lose(struct journal_writer *writer, uint64_t frame) {
  failure_note(writer, frame);
  if (writer->first == writer->next) writer->marks.settled_frame = frame;
  else writer->pending[(writer->next - 1) % JOURNAL_PENDING_MAX].through = frame;
  durable_update(writer);
}

void journal_give_up(struct journal_writer *writer, uint64_t frame_number) {
  frame_lose(writer, frame_number);
  log_line(LOG_LEVEL_ERROR, "journal %s: the disk is too slow, frame %llu is not journaled", writer->directory,
           (unsigned long long)frame_number);
}

/* Ends the open segment where it is broken or would grow too long, and sees to it that one is open. */
static int segment_provide(struct journal_writer *writer, size_t record) {
  bool broken = writer->fd >= 0 && journal_file_of(&writer->files, writer->segment)->broken;
  bool full = writer->offset > 0 && writer->offset + record > writer->segment_bytes;
  if (writer->fd >= 0 && (broken || full)) segment_end(writer);
  return writer->fd >= 0 ? 0 : segment_begin(writer);
}

int journal_append(struct journal_writer *writer, const struct frame *frame, int64_t now_ns) {
  size_t record = journal_record_size(frame);
  writer->now_ns = now_ns;
  if (writer->next - writer->first == JOURNAL_PENDING_MAX) return -EAGAIN;
  int rc = segment_provide(writer, record);
  if (rc == -EAGAIN) return rc;
  if (rc < 0) {
    frame_lose(writer, frame->number);
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
  room_reserve(writer, writer->offset + head_size + record);
  uint64_t token = writer->options.token_base + writer->next % JOURNAL_TOKENS;
  rc = io_append(writer->io, writer->fd, bytes, head_size + record, (int64_t)writer->offset, token);
  if (rc == -EBUSY) return -EAGAIN;
  if (rc < 0) {
    trouble_note(writer, writer->segment, rc, "an append");
    segment_end(writer); /* nothing was written behind what it holds: it stays whole */
    frame_lose(writer, frame->number);
    return rc;
  }
  writer->pending[writer->next++ % JOURNAL_PENDING_MAX] =
      (struct pending){.through = frame->number, .frame = frame->number, .segment = writer->segment, .begin = begin,
                       .end = begin + head_size + record};
  journal_file_of(&writer->files, writer->segment)->in_flight++;
  writer->end = begin + head_size + record;
  writer->offset += head_size + record;
  writer->in_segment++;
  return 0;
}

bool journal_owns(const struct journal_writer *writer, uint64_t token) {
  return token - writer->options.token_base <= JOURNAL_TOKENS;
}

void journal_turn(struct journal_writer *writer, int64_t now_ns) {
  writer->now_ns = now_ns;
  journal_files_sync(&writer->files, now_ns, writer->finishing);
}

void journal_finish(struct journal_writer *writer) {
  writer->finishing = true;
  if (writer->fd >= 0) segment_end(writer);
  journal_files_sync(&writer->files, writer->now_ns, true);
}

static void synced(struct journal_writer *writer, int32_t result) {
  uint64_t segment = writer->files.segment;
  struct journal_file *failed = journal_files_synced(&writer->files, result);
  if (failed) {
    writer->marks.unsynced += journal_file_give_up(failed);
    trouble_note(writer, segment, result, "a sync");
  } else if (!writer->files.of_directory && writer->marks.failing && segment > writer->failed_segment) {
    writer->marks.failing = false;
    log_line(LOG_LEVEL_WARNING, "journal %s: works again from segment %llu on; unjournaled so far: %llu frame(s), never synced: "
             "%llu", writer->directory, (unsigned long long)segment, (unsigned long long)writer->marks.unjournaled,
             (unsigned long long)writer->marks.unsynced);
  }
  files_reap(writer);
  durable_update(writer);
}

static void appended(struct journal_writer *writer, uint64_t token, int32_t result) {
  uint64_t serial = writer->first; /* at most JOURNAL_PENDING_MAX of the JOURNAL_TOKENS are in flight */
  while (writer->options.token_base + serial % JOURNAL_TOKENS != token) {
    serial++;
    weft_assert(serial < writer->next);
  }
  struct pending *entry = &writer->pending[serial % JOURNAL_PENDING_MAX];
  weft_assert(!entry->done);
  entry->done = true;
  entry->result = result;
  settle(writer);
}

void journal_completed(struct journal_writer *writer, uint64_t token, int32_t result) {
  if (token == writer->files.token) synced(writer, result);
  else appended(writer, token, result);
  if (writer->finishing) journal_files_sync(&writer->files, writer->now_ns, true);
}

bool journal_frame_failed(const struct journal_writer *writer, uint64_t frame_number) {
  uint64_t count = writer->failure_count < JOURNAL_FAILURES_MAX ? writer->failure_count : JOURNAL_FAILURES_MAX;
  for (uint64_t i = 0; i < count; i++) {
    if (writer->failures[i] == frame_number) return true;
  }
  return false;
}

bool journal_idle(const struct journal_writer *writer) {
  bool left = writer->finishing && writer->files.first < writer->files.next;
  return writer->first == writer->next && !writer->files.syncing && !left;
}

struct journal_marks journal_marks_of(const struct journal_writer *writer) { return writer->marks; }
uint64_t journal_segment_open(const struct journal_writer *writer) { return writer->segment; }

void journal_writer_close(struct journal_writer *writer) {
  journal_packer_close(writer->packer);
  writer->packer = NULL;
  if (writer->first != writer->next || writer->files.syncing) return;
  if (writer->fd >= 0) segment_end(writer);
  for (uint64_t s = writer->files.first; s < writer->files.next && files_real(writer); s++) {
    file_close(journal_file_of(&writer->files, s)->fd);
  }
  writer->files.first = writer->files.next;
  if (writer->files.directory_fd >= 0) close(writer->files.directory_fd);
  writer->files.directory_fd = -1;
}

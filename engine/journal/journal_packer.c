#include "engine/journal/journal_packer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/journal/journal_file_io.h"
#include "engine/journal/journal_pack.h"
#include "engine/journal/journal_parity.h"
#include "engine/journal/journal_segment.h"

/* One segment on its way from `from` to `to`. */
struct work {
  int from, to;
  uint64_t from_size, at; /* bytes of the old file; the next record in it */
  uint64_t written;
  uint64_t records;
  uint8_t *head;
  uint8_t *raw, *block, *scratch, *again; /* buffers; `again` is what the block unpacks to */
  size_t raw_capacity;
};

static void work_free(struct work *work) {
  if (work->from >= 0) close(work->from);
  if (work->to >= 0) close(work->to);
  free(work->head);
  free(work->raw);
  free(work->block);
  free(work->scratch);
  free(work->again);
}

static int work_memory(struct work *work) {
  work->raw_capacity = JOURNAL_BLOCK_RAW_BYTES + journal_record_size_max(FRAME_DETECTIONS_MAX);
  weft_assert(work->raw_capacity <= JOURNAL_BLOCK_RAW_BYTES_MAX);
  work->raw = malloc(work->raw_capacity);
  work->scratch = malloc(work->raw_capacity);
  work->again = malloc(work->raw_capacity);
  work->block = malloc(journal_block_size_max(work->raw_capacity));
  return work->raw && work->scratch && work->again && work->block ? 0 : -ENOMEM;
}

static int bytes_append(struct work *work, const uint8_t *bytes, size_t size) {
  int rc = journal_bytes_write(work->to, bytes, size, work->written);
  work->written += size;
  return rc;
}

/* The header of the old file, as that of a packed one. 1, 0: not to be packed, or a negative errno. */
static int head_copy(struct work *work, const char *path) {
  struct journal_head head;
  size_t used;
  enum journal_verdict verdict;
  int rc = journal_head_read(path, &head, &work->head, &used, &verdict);
  if (rc < 0) return rc;
  if (verdict != JOURNAL_GOOD || head.version != JOURNAL_VERSION) return 0;
  head.version = JOURNAL_VERSION_PACKED;
  uint8_t *copy = malloc(used);
  if (!copy) return -ENOMEM;
  journal_head_encode(&head, copy);
  rc = bytes_append(work, copy, used);
  free(copy);
  work->at = used;
  return rc < 0 ? rc : 1;
}

/* Bytes of the records that make the next block, read into work->raw; 0 at the end; -EILSEQ: not good ones. */
static int64_t records_read(struct work *work) {
  size_t size = 0, length;
  uint8_t header[JOURNAL_RECORD_BYTES];
  while (work->at + size < work->from_size) { /* records have 56 bytes or more */
    int64_t got = journal_bytes_read(work->from, header, sizeof header, work->at + size);
    if (got < 0) return got;
    if (journal_record_measure(header, (size_t)got, &length) != JOURNAL_GOOD) return -EILSEQ;
    if (size > 0 && size + length > JOURNAL_BLOCK_RAW_BYTES) break;
    size += length;
    weft_assert(size <= work->raw_capacity); /* no record that can be measured is longer than there is room for one */
    work->records++;
  }
  int64_t got = journal_bytes_read(work->from, work->raw, size, work->at);
  if (got < 0) return got;
  if ((size_t)got < size) return -EILSEQ;
  work->at += size;
  return got;
}

/* Nothing replaces a record that was not seen to come out of its block again, bit for bit. */
static int block_write(struct work *work, size_t size) {
  struct journal_block block;
  size_t length = journal_block_pack(work->raw, size, work->block, work->scratch);
  if (length == 0) return -EILSEQ;
  if (journal_block_measure(work->block, length, &block) != JOURNAL_GOOD || block.raw_bytes != size ||
      journal_block_unpack(work->block, &block, work->again, work->scratch) != JOURNAL_GOOD ||
      memcmp(work->raw, work->again, size) != 0) {
    return -EILSEQ; /* for example padding that is not zero */
  }
  return bytes_append(work, work->block, length);
}

static int file_pack(struct work *work, const char *path, const _Atomic bool *stop) {
  int rc = work_memory(work);
  if (rc == 0) rc = head_copy(work, path);
  if (rc <= 0) return rc;
  uint64_t first = work->at;
  int64_t size;
  while ((size = records_read(work)) > 0) {
    if (stop && atomic_load(stop)) return -ECANCELED;
    rc = block_write(work, (size_t)size);
    if (rc < 0) return rc;
  }
  if (size < 0) return (int)size;
  uint8_t end[JOURNAL_BLOCK_HEADER_BYTES];
  journal_block_end(work->at - first, work->records, end);
  rc = bytes_append(work, end, sizeof end);
  if (rc < 0) return rc;
  if (work->written >= work->from_size) return 0;
  return fsync(work->to) < 0 ? -errno : 1;
}

static int directory_sync(const char *path) {
  char directory[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  snprintf(directory, sizeof directory, "%s", path);
  char *slash = strrchr(directory, '/');
  if (slash) *slash = 0;
  int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int rc = fsync(fd) < 0 ? -errno : 0;
  close(fd);
  return rc;
}

int journal_segment_pack(const char *path, const _Atomic bool *stop, struct journal_packer_figures *figures,
                         struct weft_error *err) {
  char beside[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX + 8];
  struct stat status = {0};
  snprintf(beside, sizeof beside, "%s.tmp", path);
  struct work work = {.from = open(path, O_RDONLY | O_CLOEXEC), .to = -1};
  int rc = work.from < 0 || fstat(work.from, &status) < 0 ? -errno : 0;
  if (rc == 0) {
    work.from_size = (uint64_t)status.st_size;
    work.to = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, status.st_mode & 0777);
    rc = work.to < 0 ? -errno : file_pack(&work, path, stop);
    if (rc == 1 && rename(beside, path) < 0) rc = -errno;
    if (rc == 1 && directory_sync(path) < 0) rc = -EIO;
    if (rc != 1) unlink(beside);
  }
  if (rc == 1) {
    figures->segments++;
    figures->raw_bytes += work.from_size;
    figures->file_bytes += work.written;
  }
  work_free(&work);
  if (rc == -EILSEQ) return 0;
  if (rc < 0 && rc != -ECANCELED) weft_fail(err, rc, "%s: packing failed: %s; it stays as it is", path, strerror(-rc));
  return rc;
}

struct journal_packer {
  char directory[JOURNAL_PATH_MAX];
  bool pack;
  uint32_t parity_segments, parity_files;
  pthread_t thread;
  sem_t work;
  _Atomic bool stop;
  _Atomic uint64_t through;
  uint64_t done; /* all up to this number were looked at; the thread's own */
};

static void segments_pack(struct journal_packer *packer, uint64_t through) {
  uint64_t *numbers, count;
  if (journal_segment_list(packer->directory, &numbers, &count) < 0) return;
  for (uint64_t i = 0; i < count && !atomic_load(&packer->stop); i++) {
    if (!packer->pack || numbers[i] <= packer->done || numbers[i] > through) continue;
    if (journal_parity_covers(packer->directory, numbers[i])) continue; /* what parity covers never changes again */
    char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
    struct journal_packer_figures figures = {0};
    struct weft_error err;
    journal_segment_path(path, sizeof path, packer->directory, numbers[i]);
    int rc = journal_segment_pack(path, &packer->stop, &figures, &err);
    if (rc < 0 && rc != -ECANCELED) log_line(LOG_LEVEL_WARNING, "%s", err.text);
    if (rc == 1) {
      log_line(LOG_LEVEL_INFO, "%s: packed from %llu to %llu bytes", path, (unsigned long long)figures.raw_bytes,
               (unsigned long long)figures.file_bytes);
    }
  }
  free(numbers);
  struct weft_error err;
  if (packer->parity_files > 0 &&
      journal_parity_write(packer->directory, through, packer->parity_segments, packer->parity_files, &packer->stop, &err) < 0 &&
      !atomic_load(&packer->stop)) {
    log_line(LOG_LEVEL_WARNING, "%s", err.text);
  }
  packer->done = through;
}

static void *packer_thread(void *context) {
  enum { WHO_SELF = 1, CLASS_IDLE = 3 << 13 };
  struct journal_packer *packer = context;
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
  syscall(SYS_ioprio_set, WHO_SELF, 0, CLASS_IDLE);
  for (;;) {
    while (sem_wait(&packer->work) < 0) weft_assert(errno == EINTR);
    if (atomic_load(&packer->stop)) return NULL;
    uint64_t through = atomic_load(&packer->through);
    if (through > packer->done) segments_pack(packer, through);
  }
}

int journal_packer_open(struct journal_packer **out, const char *directory, bool pack, uint32_t parity_segments,
                        uint32_t parity_files) {
  *out = NULL;
  struct journal_packer *packer = calloc(1, sizeof *packer);
  if (!packer) return -ENOMEM;
  packer->pack = pack;
  packer->parity_segments = parity_segments;
  packer->parity_files = parity_files;
  snprintf(packer->directory, sizeof packer->directory, "%s", directory);
  sem_init(&packer->work, 0, 0);
  int rc = -pthread_create(&packer->thread, NULL, packer_thread, packer);
  if (rc < 0) {
    free(packer);
    return rc;
  }
  *out = packer;
  return 0;
}

void journal_packer_through(struct journal_packer *packer, uint64_t segment) {
  if (segment <= atomic_load(&packer->through)) return;
  atomic_store(&packer->through, segment);
  sem_post(&packer->work);
}

void journal_packer_close(struct journal_packer *packer) {
  if (!packer) return;
  atomic_store(&packer->stop, true);
  sem_post(&packer->work);
  pthread_join(packer->thread, NULL);
  sem_destroy(&packer->work);
  free(packer);
}

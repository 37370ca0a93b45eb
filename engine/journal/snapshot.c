#include "engine/journal/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/journal/journal_bytes.h"
#include "engine/journal/journal_file_io.h"

enum { AT_VERSION = 8, AT_CRC = 12, AT_LAYOUT = 16, AT_RUN = 24, AT_FRAME = 32, AT_TIME = 40, AT_SIZE = 48, AT_IMAGE_CRC = 56 };

void snapshot_turn_path(char *path, size_t size, const char *directory, uint32_t turn) {
  snprintf(path, size, "%s/snapshot-%u.ws", directory, turn % SNAPSHOT_TURNS);
}

void snapshot_begin_path(char *path, size_t size, const char *directory, uint64_t segment) {
  snprintf(path, size, "%s/%08llu.ws", directory, (unsigned long long)segment);
}

void snapshot_head_encode(const struct snapshot_head *head, uint8_t *out) {
  memset(out, 0, SNAPSHOT_HEADER_BYTES);
  // NOLINTNEXTLINE(bugprone-not-null-terminated-result) bytes of a file, no string
  memcpy(out, SNAPSHOT_MAGIC, 8);
  put_u32(out, AT_VERSION, SNAPSHOT_VERSION);
  put_u64(out, AT_LAYOUT, head->layout);
  put_u64(out, AT_RUN, head->run);
  put_u64(out, AT_FRAME, head->frame);
  put_u64(out, AT_TIME, (uint64_t)head->time_ns);
  put_u64(out, AT_SIZE, head->size);
  put_u32(out, AT_IMAGE_CRC, journal_crc(out + SNAPSHOT_HEADER_BYTES, head->size));
  put_u32(out, AT_CRC, journal_crc(out, SNAPSHOT_HEADER_BYTES));
}

enum snapshot_verdict snapshot_decode(const uint8_t *data, size_t size, struct snapshot_head *head) {
  uint8_t bare[SNAPSHOT_HEADER_BYTES];
  if (size < SNAPSHOT_HEADER_BYTES) return SNAPSHOT_CUT;
  if (memcmp(data, SNAPSHOT_MAGIC, 8) != 0) return SNAPSHOT_CORRUPT;
  memcpy(bare, data, sizeof bare);
  put_u32(bare, AT_CRC, 0);
  if (get_u32(data, AT_CRC) != journal_crc(bare, sizeof bare)) return SNAPSHOT_CORRUPT;
  if (get_u32(data, AT_VERSION) != SNAPSHOT_VERSION) return SNAPSHOT_VERSION_UNKNOWN;
  *head = (struct snapshot_head){.layout = get_u64(data, AT_LAYOUT), .run = get_u64(data, AT_RUN),
                                 .frame = get_u64(data, AT_FRAME), .time_ns = (int64_t)get_u64(data, AT_TIME),
                                 .size = get_u64(data, AT_SIZE)};
  if (head->size > size - SNAPSHOT_HEADER_BYTES) return SNAPSHOT_CUT;
  if (head->size < size - SNAPSHOT_HEADER_BYTES) return SNAPSHOT_CORRUPT;
  bool good = get_u32(data, AT_IMAGE_CRC) == journal_crc(data + SNAPSHOT_HEADER_BYTES, head->size);
  return good ? SNAPSHOT_GOOD : SNAPSHOT_CORRUPT;
}

const char *snapshot_verdict_text(enum snapshot_verdict verdict) {
  static const char *const texts[] = {[SNAPSHOT_GOOD] = "it is good", [SNAPSHOT_CUT] = "it is cut short",
                                      [SNAPSHOT_CORRUPT] = "it is no snapshot, or damaged",
                                      [SNAPSHOT_VERSION_UNKNOWN] = "it has a format version that is not 1"};
  return texts[verdict];
}

static int file_read(const char *path, uint8_t **data, size_t *size) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int rc = fstat(fd, &status) < 0 ? -errno : !S_ISREG(status.st_mode) ? -EINVAL : 0;
  *size = rc == 0 ? (size_t)status.st_size : 0;
  *data = rc == 0 ? malloc(*size + 1) : NULL;
  if (rc == 0 && !*data) rc = -ENOMEM;
  int64_t got = rc == 0 ? journal_bytes_read(fd, *data, *size, 0) : 0;
  if (got < 0) rc = (int)got;
  if (rc == 0) *size = (size_t)got;
  close(fd);
  if (rc == 0) return 0;
  free(*data);
  *data = NULL;
  return rc;
}

int snapshot_read(const char *path, struct snapshot_head *head, uint8_t **data, struct weft_error *err) {
  size_t size = 0;
  int rc = file_read(path, data, &size);
  if (rc < 0) return weft_fail(err, rc, "%s: can't be read: %s", path, strerror(-rc));
  enum snapshot_verdict verdict = snapshot_decode(*data, size, head);
  if (verdict == SNAPSHOT_GOOD) return 0;
  free(*data);
  *data = NULL;
  return weft_fail(err, -EILSEQ, "%s: %s; take another one or a copy", path, snapshot_verdict_text(verdict));
}

bool snapshot_recognised(const char *path) {
  uint8_t magic[8];
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  bool found = journal_bytes_read(fd, magic, sizeof magic, 0) == 8 && memcmp(magic, SNAPSHOT_MAGIC, 8) == 0;
  close(fd);
  return found;
}

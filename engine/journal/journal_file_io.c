#include "engine/journal/journal_file_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int64_t journal_bytes_read(int fd, uint8_t *out, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = pread(fd, out + done, size - done, (off_t)(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (int64_t)done;
}

int journal_bytes_write(int fd, const uint8_t *bytes, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    ssize_t put = pwrite(fd, bytes + done, size - done, (off_t)(offset + done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return -errno;
    done += (size_t)put;
  }
  return 0;
}

int journal_head_read(const char *path, struct journal_head *head, uint8_t **bytes, size_t *used,
                      enum journal_verdict *verdict) {
  *bytes = NULL;
  *used = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  size_t size = JOURNAL_HEADER_BYTES;
  uint8_t fixed[JOURNAL_HEADER_BYTES];
  int64_t got = journal_bytes_read(fd, fixed, sizeof fixed, 0);
  if (got == JOURNAL_HEADER_BYTES) { /* the size it names is believed only as far as any header goes */
    uint64_t named;
    memcpy(&named, fixed + 16, sizeof named);
    size_t most = JOURNAL_HEADER_BYTES + (size_t)JOURNAL_SITE_BYTES_MAX + JOURNAL_PARAMETER_BYTES_MAX + 16;
    if (named > size && named <= most) size = named;
  }
  *bytes = got < 0 ? NULL : malloc(size);
  int64_t rc = got < 0 ? got : *bytes ? journal_bytes_read(fd, *bytes, size, 0) : -ENOMEM;
  close(fd);
  if (rc < 0) {
    free(*bytes);
    *bytes = NULL;
    return (int)rc;
  }
  *verdict = journal_head_decode(*bytes, (size_t)rc, head, used);
  return 0;
}

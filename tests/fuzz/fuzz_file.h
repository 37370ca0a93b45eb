/* A file in memory, for readers that take a path. */
#ifndef WEFT_FUZZ_FILE_H
#define WEFT_FUZZ_FILE_H

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/check.h"

struct fuzz_file {
  int fd; /* 0: not open yet */
  char path[64];
};

/* Makes the file's content these bytes; returns its path. */
static inline const char *fuzz_file_write(struct fuzz_file *file, const void *bytes, size_t size) {
  if (file->fd == 0) {
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    weft_assert(file->fd > 0 && fchmod(file->fd, S_IRUSR | S_IWUSR) == 0);
    snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
  }
  weft_assert(ftruncate(file->fd, (off_t)size) == 0);
  weft_assert(pwrite(file->fd, bytes, size, 0) == (ssize_t)size);
  return file->path;
}

#endif

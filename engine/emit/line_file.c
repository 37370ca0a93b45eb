#include "engine/emit/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/emit/track_line.h"

enum { LINE_FILE_BUFFER = 1 << 20 };

struct line_file {
  int fd;
  int failed; /* first error, negative errno */
  uint64_t dropped, not_finite;
  size_t used;
  char buffer[LINE_FILE_BUFFER];
};

int line_file_open(struct line_file **file, const char *path, struct weft_error *err) {
  struct line_file *f = calloc(1, sizeof *f);
  if (!f) return weft_fail(err, -ENOMEM, "out of memory for the track file's buffer");
  f->fd = strcmp(path, "-") == 0 ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (f->fd < 0) {
    int rc = -errno;
    free(f);
    return weft_fail(err, rc,
                     "%s: can't write tracks there: %s; name a file in a folder that you may write to", path,
                     strerror(-rc));
  }
  *file = f;
  return 0;
}

int line_file_flush(struct line_file *file) {
  size_t done = 0;
  while (done < file->used && !file->failed) {
    ssize_t n = write(file->fd, file->buffer + done, file->used - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      file->failed = -errno;
    } else {
      done += (size_t)n;
    }
  }
  file->used = 0;
  return file->failed;
}

void line_file_put(struct line_file *file, const struct step_output *output, const struct site *site) {
  for (uint32_t i = 0; i < output->count; i++) {
    if (LINE_FILE_BUFFER - file->used < TRACK_LINE_MAX) line_file_flush(file);
    if (file->failed) {
      file->dropped++;
      continue;
    }
    size_t length = track_line_write(file->buffer + file->used, LINE_FILE_BUFFER - file->used,
                                     &output->reports[i], site, TRACK_LINE_LATENCY_NONE);
    file->used += length;
    file->not_finite += length == 0;
  }
}

uint64_t line_file_dropped(const struct line_file *file) {
  return file->dropped;
}
uint64_t line_file_not_finite(const struct line_file *file) {
  return file->not_finite;
}

int line_file_close(struct line_file *file) {
  if (!file) return 0;
  int rc = line_file_flush(file);
  if (file->fd != STDOUT_FILENO && close(file->fd) < 0 && rc == 0) rc = -errno;
  free(file);
  return rc;
}

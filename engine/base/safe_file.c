#include "engine/base/safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/check.h"

static int whole_write(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -errno;
    data += n;
    size -= (size_t)n;
  }
  return fsync(fd) < 0 ? -errno : 0;
}

/* The name of a file is on the disk when its folder is. */
static int folder_sync(const char *path) {
  char folder[PATH_MAX];
  const char *slash = strrchr(path, '/');
  int length = slash ? (int)(slash - path) + 1 : 1;
  weft_assert(length < PATH_MAX); /* a file was opened by this path */
  snprintf(folder, sizeof folder, "%.*s", length, slash ? path : ".");
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  int rc = fsync(fd) < 0 ? -errno : 0;
  close(fd);
  return rc;
}

int safe_file_create(const char *path, const void *data, size_t size, struct weft_error *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0 && errno == EEXIST)
    return weft_fail(err, -EEXIST, "%s: is there already and is not overwritten", path);
  if (fd < 0)
    return weft_fail(err, -errno, "%s: can't be made: %s; check folder and rights", path, strerror(errno));
  int rc = whole_write(fd, data, size);
  close(fd);
  if (rc == 0) rc = folder_sync(path);
  if (rc == 0) return 0;
  unlink(path);
  return weft_fail(err, rc, "%s: writing failed: %s", path, strerror(-rc));
}

int safe_file_replace(const char *path, const void *data, size_t size, const struct stat *like,
                      struct weft_error *err) {
  char made[PATH_MAX];
  if (snprintf(made, sizeof made, "%s.new", path) >= (int)sizeof made)
    return weft_fail(err, -ENAMETOOLONG, "%s: too long a path", path);
  if (unlink(made) < 0 && errno != ENOENT)
    return weft_fail(err, -errno, "%s: can't be removed: %s", made, strerror(errno));
  int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0)
    return weft_fail(err, -errno, "%s: can't be made: %s; check folder and rights", made, strerror(errno));
  int rc = 0;
  if (like && fchmod(fd, like->st_mode & 07777) < 0) rc = -errno;
  if (like && rc == 0 && fchown(fd, like->st_uid, like->st_gid) < 0 && errno != EPERM) rc = -errno;
  if (rc == 0) rc = whole_write(fd, data, size);
  close(fd);
  if (rc == 0 && rename(made, path) < 0) rc = -errno;
  if (rc < 0) {
    unlink(made);
    return weft_fail(err, rc, "%s: writing failed: %s", path, strerror(-rc));
  }
  rc = folder_sync(path);
  return rc < 0 ? weft_fail(err, rc, "%s: syncing its folder failed: %s", path, strerror(-rc)) : 0;
}

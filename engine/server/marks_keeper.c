#include "engine/server/marks_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "engine/base/safe_file.h"
#include "engine/platform/errand.h"

struct marks_keeper {
  struct sealed_feeds *feeds;
  const char *path;
  int lock_fd;
  struct errand writing; /* touches what stands down to `why` */
  struct replay_mark *marks;
  uint32_t count;
  char *text;
  size_t text_size;
  int result;
  struct weft_error why;
  bool failed;
};

static void marks_write(void *context) {
  struct marks_keeper *keeper = context;
  size_t size = replay_marks_write(keeper->text, keeper->text_size, keeper->marks, keeper->count);
  keeper->result = safe_file_replace(keeper->path, keeper->text, size, NULL, &keeper->why);
}

/* Takes in the result of a request that is done. */
static void result_take(struct marks_keeper *keeper) {
  bool failed = keeper->result < 0;
  if (failed && !keeper->failed)
    log_line(LOG_LEVEL_ERROR,
             "%s; sealed data is accepted as before, but a restart now would accept old datagrams again",
             keeper->why.text);
  if (!failed && keeper->failed)
    log_line(LOG_LEVEL_NOTICE, "%s: replay marks are written again", keeper->path);
  keeper->failed = failed;
  if (!failed) sealed_feeds_granted(keeper->feeds, keeper->marks, keeper->count);
}

static void request(struct marks_keeper *keeper) {
  keeper->count = sealed_feeds_marks(keeper->feeds, false, keeper->marks);
  errand_begin(&keeper->writing);
}

static void done_wait(struct marks_keeper *keeper) {
  if (errand_wait(&keeper->writing)) result_take(keeper);
}

void marks_keeper_turn(struct marks_keeper *keeper) {
  if (errand_done(&keeper->writing)) result_take(keeper);
  if (!keeper->writing.under_way && keeper->feeds->lease_due) request(keeper);
}

/* A lease is used up: nothing goes on before the disk knows more. */
static void persist(void *context) {
  struct marks_keeper *keeper = context;
  done_wait(keeper); /* what is under way does not say what is wanted now */
  request(keeper);
  done_wait(keeper);
}

bool marks_keeper_failed(const struct marks_keeper *keeper) {
  return keeper->failed;
}

static int lock_take(struct marks_keeper *keeper, struct weft_error *err) {
  char name[PATH_MAX];
  if (snprintf(name, sizeof name, "%s.lock", keeper->path) >= (int)sizeof name)
    return weft_fail(err, -ENAMETOOLONG, "replay_marks: %s: too long a path", keeper->path);
  keeper->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (keeper->lock_fd < 0)
    return weft_fail(err, -errno,
                     "replay_marks: %s: can't be made: %s; name a file in a folder that may be written to",
                     name, strerror(errno));
  if (flock(keeper->lock_fd, LOCK_EX | LOCK_NB) == 0) return 0;
  return weft_fail(err, -errno, "replay_marks: %s: in use by another server; give each its own file",
                   keeper->path);
}

static int memory_take(struct marks_keeper *keeper, struct weft_error *err) {
  uint32_t most = sealed_feeds_marks_max(keeper->feeds);
  keeper->text_size = replay_marks_text_max(most);
  keeper->marks = calloc(most, sizeof *keeper->marks);
  keeper->text = calloc(1, keeper->text_size);
  return keeper->marks && keeper->text ? 0 : weft_fail(err, -ENOMEM, "out of memory for replay marks");
}

static int marks_begin(struct marks_keeper *keeper, struct weft_error *err) {
  uint32_t most = sealed_feeds_marks_max(keeper->feeds);
  int rc = replay_marks_load(keeper->path, keeper->marks, most, &keeper->count, err);
  if (rc < 0) return rc;
  sealed_feeds_restore(keeper->feeds, keeper->marks, keeper->count);
  keeper->count = sealed_feeds_marks(keeper->feeds, false, keeper->marks);
  marks_write(keeper);
  return keeper->result < 0 ? weft_fail(err, keeper->result, "replay_marks: %s", keeper->why.text) : 0;
}

int marks_keeper_open(struct marks_keeper **keeper, struct sealed_feeds *feeds, const char *path,
                      struct weft_error *err) {
  struct marks_keeper *made = calloc(1, sizeof *made);
  if (!made) return weft_fail(err, -ENOMEM, "out of memory for replay marks");
  made->lock_fd = -1;
  made->feeds = feeds;
  made->path = path;
  int rc = lock_take(made, err);
  if (rc == 0) rc = memory_take(made, err);
  if (rc == 0) rc = marks_begin(made, err);
  if (rc == 0) {
    rc = errand_open(&made->writing, marks_write, made);
    if (rc < 0) weft_fail(err, rc, "starting the writer of replay marks: %s", strerror(-rc));
  }
  if (rc < 0) {
    marks_keeper_close(made);
    return rc;
  }
  feeds->persist = persist;
  feeds->context = made;
  *keeper = made;
  return 0;
}

void marks_keeper_close(struct marks_keeper *keeper) {
  if (!keeper) return;
  if (keeper->writing.opened) {
    done_wait(keeper);
    errand_close(&keeper->writing);
    keeper->count = sealed_feeds_marks(keeper->feeds, true, keeper->marks);
    marks_write(keeper);
    if (keeper->result < 0) log_line(LOG_LEVEL_ERROR, "%s", keeper->why.text);
    keeper->feeds->persist = NULL;
  }
  if (keeper->lock_fd >= 0) close(keeper->lock_fd);
  free(keeper->marks);
  free(keeper->text);
  free(keeper);
}

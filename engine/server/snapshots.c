#include "engine/server/snapshots.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/safe_file.h"
#include "engine/journal/journal_segment.h"
#include "engine/journal/snapshot.h"
#include "engine/platform/errand.h"

/* Whose the bytes are: the I/O thread's while IDLE and TAKEN, the engine's while WANTED, the writer's while BUSY, until it is done. */
enum snapshots_state { SNAPSHOTS_IDLE, SNAPSHOTS_WANTED, SNAPSHOTS_TAKEN, SNAPSHOTS_BUSY };

struct snapshots {
  struct snapshots_options options;
  uint8_t *bytes; /* owned; header and image */
  size_t capacity, size;
  struct snapshot_head head;
  _Atomic int state; /* enum snapshots_state */
  bool lent;         /* what is wanted or taken is for a standby */
  int64_t due_ns;
  uint32_t turn;
  int result;
  struct weft_error why;
  struct snapshots_figures figures;
  _Atomic int64_t copy_ns;
  struct errand writing;
};

static void file_write(void *context) {
  struct snapshots *snapshots = context;
  char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  snapshot_turn_path(path, sizeof path, snapshots->options.directory, snapshots->turn);
  snapshot_head_encode(&snapshots->head, snapshots->bytes);
  snapshots->result = safe_file_replace(path, snapshots->bytes, snapshots->size, NULL, &snapshots->why);
}

int snapshots_open(struct snapshots **out, const struct snapshots_options *options, struct weft_error *err) {
  struct snapshots *made = calloc(1, sizeof *made);
  if (!made) return weft_fail(err, -ENOMEM, "out of memory for snapshots");
  made->options = *options;
  made->capacity = SNAPSHOT_HEADER_BYTES + engine_image_most(options->engine);
  void *bytes = mmap(NULL, made->capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  made->bytes = bytes == MAP_FAILED ? NULL : bytes;
  int rc = made->bytes ? 0 : weft_fail(err, -ENOMEM, "out of memory for snapshots");
  if (rc == 0 && options->directory) {
    rc = errand_open(&made->writing, file_write, made);
    if (rc < 0) weft_fail(err, rc, "starting the writer of snapshots: %s", strerror(-rc));
  }
  if (rc < 0) {
    snapshots_close(made);
    return rc;
  }
  *out = made;
  return 0;
}

void snapshots_close(struct snapshots *snapshots) {
  if (!snapshots) return;
  errand_close(&snapshots->writing);
  if (snapshots->bytes) munmap(snapshots->bytes, snapshots->capacity);
  free(snapshots);
}

static void image_copy(struct snapshots *snapshots, uint64_t frame, int64_t time_ns) {
  struct image image = image_save(snapshots->bytes + SNAPSHOT_HEADER_BYTES, snapshots->capacity - SNAPSHOT_HEADER_BYTES);
  engine_image(snapshots->options.engine, &image);
  snapshots->size = SNAPSHOT_HEADER_BYTES + image.at;
  snapshots->head = (struct snapshot_head){.layout = engine_layout(snapshots->options.engine), .run = snapshots->options.run,
                                           .frame = frame, .time_ns = time_ns, .size = image.at};
}

void snapshots_frame(struct snapshots *snapshots, uint64_t frame, int64_t time_ns, int64_t (*now_ns)(void)) {
  if (!snapshots || atomic_load_explicit(&snapshots->state, memory_order_acquire) != SNAPSHOTS_WANTED) return;
  int64_t began_ns = now_ns();
  image_copy(snapshots, frame, time_ns);
  atomic_store(&snapshots->copy_ns, now_ns() - began_ns);
  atomic_store_explicit(&snapshots->state, SNAPSHOTS_TAKEN, memory_order_release);
}

static void result_take(struct snapshots *snapshots) {
  struct snapshots_figures *figures = &snapshots->figures;
  bool failed = snapshots->result < 0;
  if (failed && !figures->failing)
    log_line(LOG_LEVEL_ERROR, "%s; fusing goes on, a restart would have more of the journal to step", snapshots->why.text);
  if (!failed && figures->failing) log_line(LOG_LEVEL_NOTICE, "snapshots are written again");
  figures->failing = failed;
  figures->failed += failed;
  figures->written += !failed;
  if (!failed) {
    figures->frame = snapshots->head.frame;
    figures->bytes = snapshots->size;
    snapshots->turn++;
  }
  atomic_store(&snapshots->state, SNAPSHOTS_IDLE);
}

void snapshots_turn(struct snapshots *snapshots, int64_t now_ns, uint64_t durable) {
  if (!snapshots) return;
  int state = atomic_load_explicit(&snapshots->state, memory_order_acquire);
  if (state == SNAPSHOTS_BUSY) {
    if (errand_done(&snapshots->writing)) result_take(snapshots);
  } else if (state == SNAPSHOTS_TAKEN && !snapshots->lent) {
    if (snapshots->head.frame > durable) return;
    atomic_store(&snapshots->state, SNAPSHOTS_BUSY);
    errand_begin(&snapshots->writing);
  } else if (state == SNAPSHOTS_IDLE && snapshots->options.directory && snapshots->options.every_ns > 0) {
    if (snapshots->due_ns == 0) snapshots->due_ns = now_ns + snapshots->options.every_ns;
    if (now_ns < snapshots->due_ns) return;
    snapshots->due_ns = now_ns + snapshots->options.every_ns;
    atomic_store_explicit(&snapshots->state, SNAPSHOTS_WANTED, memory_order_release);
  }
}

int snapshots_begin(struct snapshots *snapshots, uint64_t segment, uint64_t frame, int64_t time_ns, struct weft_error *err) {
  char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
  weft_assert(atomic_load(&snapshots->state) == SNAPSHOTS_IDLE);
  image_copy(snapshots, frame, time_ns);
  snapshot_head_encode(&snapshots->head, snapshots->bytes);
  snapshot_begin_path(path, sizeof path, snapshots->options.directory, segment);
  return safe_file_replace(path, snapshots->bytes, snapshots->size, NULL, err);
}

bool snapshots_want(struct snapshots *snapshots) {
  int state = atomic_load_explicit(&snapshots->state, memory_order_acquire);
  bool waits = state == SNAPSHOTS_TAKEN && !snapshots->lent; /* for the journal, perhaps for long: it is given up */
  if (state != SNAPSHOTS_IDLE && !waits) return false;
  snapshots->lent = true;
  atomic_store_explicit(&snapshots->state, SNAPSHOTS_WANTED, memory_order_release);
  return true;
}

const uint8_t *snapshots_taken(struct snapshots *snapshots, uint64_t *size) {
  if (!snapshots->lent || atomic_load_explicit(&snapshots->state, memory_order_acquire) != SNAPSHOTS_TAKEN) return NULL;
  snapshot_head_encode(&snapshots->head, snapshots->bytes);
  *size = snapshots->size;
  return snapshots->bytes;
}

void snapshots_return(struct snapshots *snapshots) {
  snapshots->lent = false;
  atomic_store_explicit(&snapshots->state, SNAPSHOTS_IDLE, memory_order_release);
}

struct snapshots_figures snapshots_figures(const struct snapshots *snapshots) {
  struct snapshots_figures figures = {0};
  if (!snapshots) return figures;
  figures = snapshots->figures;
  figures.copy_ns = atomic_load(&snapshots->copy_ns);
  return figures;
}

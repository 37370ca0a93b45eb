/* weft repair: rebuilds a journal's lost and damaged segments from its parity files, or makes these. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/inspect/inspect.h"
#include "engine/journal/journal_packer.h"
#include "engine/journal/journal_parity.h"
#include "engine/journal/journal_segment.h"
#include "engine/weft.h"

static void finding_print(void *context, const char *path, bool rebuilt) {
  struct inspect *inspect = context;
  inspect_begin(inspect);
  inspect_string(inspect, "record", rebuilt ? "rebuilt" : "lost");
  inspect_string(inspect, "path", path);
  inspect_end(inspect);
}

/* All segments but the newest, which a server may be writing: packed, then covered in groups. */
static int segments_protect(const struct weft_repair_options *options, uint64_t *made, struct weft_error *err) {
  uint64_t *numbers, count;
  int rc = journal_segment_list(options->journal_path, &numbers, &count);
  if (rc < 0) return weft_fail(err, rc, "%s: %s; give a journal's folder", options->journal_path, strerror(-rc));
  uint64_t through = count > 1 ? numbers[count - 2] : 0;
  for (uint64_t i = 0; i < count && rc >= 0 && numbers[i] <= through; i++) {
    char path[JOURNAL_PATH_MAX + JOURNAL_SEGMENT_NAME_MAX];
    struct journal_packer_figures figures = {0};
    journal_segment_path(path, sizeof path, options->journal_path, numbers[i]);
    if (!journal_parity_covers(options->journal_path, numbers[i])) rc = journal_segment_pack(path, NULL, &figures, err);
  }
  free(numbers);
  if (rc < 0) return rc;
  int64_t groups = journal_parity_write(options->journal_path, through, options->parity_segments, options->parity_files, NULL, err);
  *made = groups > 0 ? (uint64_t)groups : 0;
  return groups < 0 ? (int)groups : 0;
}

static void summary_print(struct inspect *inspect, const struct journal_repair *repair, uint64_t made) {
  inspect_begin(inspect);
  inspect_string(inspect, "record", "summary");
  inspect_u64(inspect, "groups", repair->groups);
  inspect_u64(inspect, "segments", repair->segments);
  inspect_u64(inspect, "rebuilt", repair->segments_rebuilt);
  inspect_u64(inspect, "parity_rebuilt", repair->parity_rebuilt);
  inspect_u64(inspect, "lost", repair->segments_unrepaired);
  inspect_u64(inspect, "groups_made", made);
  inspect_end(inspect);
}

static int options_check(const struct weft_repair_options *options, struct weft_error *err) {
  bool wanted = options->parity_files > 0 || options->parity_segments > 0;
  bool sound = options->parity_files > 0 && options->parity_files <= JOURNAL_PARITY_FILES_MAX &&
               options->parity_segments > 0 && options->parity_segments <= JOURNAL_PARITY_SEGMENTS_MAX;
  if (wanted && !sound) {
    return weft_fail(err, -EINVAL, "--protect: give SEGMENTS,FILES of 1 to %d and 1 to %d, for example 8,2",
                     JOURNAL_PARITY_SEGMENTS_MAX, JOURNAL_PARITY_FILES_MAX);
  }
  if (strlen(options->journal_path) < JOURNAL_PATH_MAX) return 0;
  return weft_fail(err, -ENAMETOOLONG, "%.100s...: a path of more than %d bytes; shorten it", options->journal_path, JOURNAL_PATH_MAX - 1);
}

int weft_repair(const struct weft_repair_options *options, struct weft_error *err) {
  int rc = options_check(options, err);
  if (rc < 0) return rc;
  struct inspect *inspect = calloc(1, sizeof *inspect);
  if (!inspect) return weft_fail(err, -ENOMEM, "out of memory");
  inspect->out = options->out;
  struct journal_repair repair = {.tell = finding_print, .context = inspect};
  uint64_t made = 0;
  rc = journal_repair_all(options->journal_path, &repair, err);
  if (rc == 0 && options->parity_files > 0 && repair.segments_unrepaired == 0) rc = segments_protect(options, &made, err);
  if (rc == 0) summary_print(inspect, &repair, made);
  if (rc == 0 && repair.segments_unrepaired > 0) {
    rc = weft_fail(err, -EIO, "%s: %llu segment(s) can't be rebuilt: more is lost than the parity can bear; bring back a copy",
                   options->journal_path, (unsigned long long)repair.segments_unrepaired);
  }
  if (rc == 0 && !inspect->failed && fflush(options->out) != 0) inspect->failed = -errno;
  if (rc == 0 && inspect->failed < 0) rc = weft_fail(err, inspect->failed, "printing failed: %s", strerror(-inspect->failed));
  free(inspect);
  return rc;
}

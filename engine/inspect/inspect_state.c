/* weft inspect: what a journal's folder says of the engine's state across runs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/inspect/inspect.h"
#include "engine/journal/run_state.h"
#include "engine/journal/snapshot.h"

int inspect_snapshot(struct inspect *inspect, const char *path, struct weft_error *err) {
  struct snapshot_head head;
  struct weft_error why;
  uint8_t *data = NULL;
  if (!snapshot_recognised(path)) return 0;
  int rc = snapshot_read(path, &head, &data, &why);
  if (rc < 0 && rc != -EILSEQ) return weft_fail(err, rc, "%s", why.text); /* not a word about the snapshot */
  inspect_begin(inspect);
  inspect_string(inspect, "record", rc < 0 ? "damage" : "snapshot");
  inspect_string(inspect, "path", path);
  if (rc < 0) {
    inspect_string(inspect, "error", why.text);
  } else {
    char layout[17];
    snprintf(layout, sizeof layout, "%016llx", (unsigned long long)head.layout);
    inspect_string(inspect, "layout", layout);
    inspect_u64(inspect, "run", head.run);
    inspect_u64(inspect, "frame", head.frame);
    inspect_i64(inspect, "time_ns", head.time_ns);
    inspect_u64(inspect, "image_bytes", head.size);
  }
  inspect_end(inspect);
  free(data);
  return 1;
}

int inspect_run_state(struct inspect *inspect, struct weft_error *err) {
  char *text, *rest = NULL;
  size_t size;
  uint64_t number = 0;
  int rc = inspect_text_read(inspect, RUN_STATE_BYTES_MAX, &text, &size, err);
  if (rc < 0) return rc;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    char what[16], more;
    unsigned long long run = 0, other = 0;
    // NOLINTNEXTLINE(cert-err34-c) of a number that overflows the largest is told
    int fields = sscanf(line, "%15s %llu %llu %c", what, &run, &other, &more);
    bool started = fields == 3 && strcmp(what, "started") == 0, crashed = fields == 3 && strcmp(what, "crashed") == 0;
    number++;
    if (!started && !crashed && (fields != 2 || strcmp(what, "ended") != 0)) {
      inspect_refused(inspect, number, NULL, "neither started RUN FROM, crashed RUN FRAME nor ended RUN");
      continue;
    }
    inspect_begin(inspect);
    inspect_string(inspect, "record", what);
    inspect_u64(inspect, "run", run);
    if (started) inspect_u64(inspect, "from", other);
    if (crashed) inspect_u64(inspect, "frame", other);
    inspect_end(inspect);
  }
  free(text);
  return 0;
}

/* What an uninterrupted server would have said: the frames of all runs in a journal's folder, in their order,
 * through one engine that is never loaded from a snapshot. New tracks are numbered from each run's own
 * beginning, as servers do.
 *
 *     crash_uninterrupted JOURNAL LINES
 *
 * The lines of run k, from 0, go to LINES.k. The first run must begin from nothing and each other one go on
 * from the one before it. Status 1 and a line on stderr where a frame is missing or comes twice. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "engine/emit/line_file.h"
#include "engine/feeder.h"
#include "engine/journal_input.h"

struct uninterrupted {
  struct feeder feeder;
  struct frame frame;
  struct line_file *lines;
  uint64_t last; /* the newest frame that was stepped */
};

static void lines_put(void *context, const struct step_output *output) {
  struct uninterrupted *all = context;
  line_file_put(all->lines, output, all->feeder.engine.site);
}

static int engine_begin(struct uninterrupted *all, const struct journal_reader *reader, const char *path,
                        struct weft_error *err) {
  struct site *site;
  struct engine_options options = {.workers = 1,
                                   .tracks_max = journal_tracks_max(reader),
                                   .track_base = journal_head_of(reader)->track_base};
  int rc = journal_site_parse(reader, path, &site, err);
  return rc < 0 ? rc : feeder_open(&all->feeder, site, &options, lines_put, all, err);
}

/* The frames of one run. What its kill cut short was never accepted. */
static int run_step(struct uninterrupted *all, struct journal_reader *reader, struct weft_error *err) {
  for (;;) {
    int rc = journal_next(reader, &all->frame);
    if (rc == -EILSEQ && journal_damage_of(reader).verdict == JOURNAL_CUT && !journal_skip_segment(reader))
      return 0;
    if (rc <= 0) return rc < 0 ? weft_fail(err, rc, "the journal can't be read: %s", strerror(-rc)) : 0;
    if (all->frame.number != all->last + 1)
      return weft_fail(err, -EINVAL, "frame %llu follows frame %llu", (unsigned long long)all->frame.number,
                       (unsigned long long)all->last);
    all->last = all->frame.number;
    feeder_frame(&all->feeder, &all->frame);
  }
}

static int runs_step(struct uninterrupted *all, const char *path, const char *lines, struct weft_error *err) {
  uint64_t runs = 1;
  int rc = 0;
  char file[PATH_MAX];
  for (uint64_t run = 0; run < runs && rc == 0; run++) {
    struct journal_reader *reader;
    rc = journal_open(&reader, path, run, err);
    if (rc < 0) return rc;
    runs = journal_run_count(reader);
    if (run == 0)
      rc = engine_begin(all, reader, path, err);
    else
      engine_carry(&all->feeder.engine, journal_head_of(reader)->track_base, all->feeder.ledger);
    snprintf(file, sizeof file, "%s.%llu", lines, (unsigned long long)run);
    if (rc == 0) rc = line_file_open(&all->lines, file, err);
    if (rc == 0) rc = run_step(all, reader, err);
    if (rc == 0) rc = line_file_close(all->lines);
    journal_close(reader);
  }
  return rc;
}

int main(int argc, char **argv) {
  static struct uninterrupted all;
  struct weft_error err = {""};
  struct arena arena;
  if (argc != 3) {
    fprintf(stderr, "usage: crash_uninterrupted JOURNAL LINES\n");
    return 2;
  }
  int rc = arena_open(&arena, frame_bytes(FRAME_DETECTIONS_MAX) + 4096);
  if (rc == 0) rc = frame_open(&all.frame, &arena, FRAME_DETECTIONS_MAX);
  if (rc == 0) rc = runs_step(&all, argv[1], argv[2], &err);
  if (rc < 0) fprintf(stderr, "%s\n", err.text[0] ? err.text : strerror(-rc));
  return rc < 0;
}
